/** Finds the point under the pointer with a uniform grid over one frame. Built when asked, not per frame. */

import type { Frame } from "./types.ts";

const PER_CELL = 2;
const MAX_SIDE = 2048;

export class Grid {
  readonly #side: number;
  readonly #starts: Uint32Array;
  readonly #order: Uint32Array;
  readonly #lo: [number, number];
  readonly #cell: [number, number];

  /** Time O(n): one pass counts, one fills. */
  constructor(readonly frame: Frame) {
    const { positions, n } = frame;
    this.#side = Math.max(1, Math.min(MAX_SIDE, Math.round(Math.sqrt(n / PER_CELL))));
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < n; i++) {
      const x = positions[2 * i]!;
      const y = positions[2 * i + 1]!;
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      if (y > y1) y1 = y;
    }
    this.#lo = [x0, y0];
    this.#cell = [Math.max((x1 - x0) / this.#side, 1e-30), Math.max((y1 - y0) / this.#side, 1e-30)];
    this.#starts = new Uint32Array(this.#side * this.#side + 1);
    this.#order = new Uint32Array(n);
    const home = new Uint32Array(n);
    for (let i = 0; i < n; i++) {
      home[i] = this.#bin(0, positions[2 * i]!) + this.#side * this.#bin(1, positions[2 * i + 1]!);
      this.#starts[home[i]! + 1]!++;
    }
    for (let cell = 0; cell < this.#side * this.#side; cell++) this.#starts[cell + 1]! += this.#starts[cell]!;
    const fill = this.#starts.slice(0, -1);
    for (let i = 0; i < n; i++) this.#order[fill[home[i]!]!++] = i;
  }

  /** The point nearest to (x, y) within `radius`, both in units of the map; -1 where there is none. */
  nearest(x: number, y: number, radius: number, hidden?: (point: number) => boolean): number {
    const { positions, lo, sc } = this.frame;
    const level = (axis: 0 | 1, value: number) =>
      sc[axis] !== 0 ? (value - lo[axis]) / sc[axis] : value - lo[axis];
    const left = this.#bin(0, level(0, x - radius));
    const right = this.#bin(0, level(0, x + radius));
    const bottom = this.#bin(1, level(1, y - radius));
    const top = this.#bin(1, level(1, y + radius));
    let best = radius * radius;
    let found = -1;
    for (let row = bottom; row <= top; row++) {
      const first = this.#starts[row * this.#side + left]!;
      const last = this.#starts[row * this.#side + right + 1]!;
      for (let at = first; at < last; at++) {
        const point = this.#order[at]!;
        const dx = lo[0] + positions[2 * point]! * sc[0] - x;
        const dy = lo[1] + positions[2 * point + 1]! * sc[1] - y;
        const distance = dx * dx + dy * dy;
        if (distance <= best && !hidden?.(point)) {
          best = distance;
          found = point;
        }
      }
    }
    return found;
  }

  #bin(axis: 0 | 1, value: number): number {
    const bin = Math.floor((value - this.#lo[axis]) / this.#cell[axis]);
    return bin > 0 ? Math.min(this.#side - 1, bin) : 0;
  }
}
