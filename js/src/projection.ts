/** Where points are drawn at one moment, worked out on the CPU as the vertex shader does it on the GPU. */

import { type Camera, NEAR } from "./camera.ts";
import type { Frame } from "./types.ts";

/** From levels to pixels of the screen's axes: three rows of c factors, and three offsets. */
interface Rows {
  factors: number[];
  offsets: number[];
}

export class Projection {
  readonly n: number;
  readonly #c: number;
  readonly #from: Rows;
  readonly #to: Rows;
  /** The point last asked for: pixels from the middle, y up, and how much smaller distance makes it. */
  #x = 0;
  #y = 0;
  #w = 1;

  /** The points of two frames with the same n and c, a share t of the way from one to the other. */
  constructor(
    private readonly camera: Camera,
    private readonly prev: Frame,
    private readonly next: Frame,
    t: number,
  ) {
    this.n = Math.min(prev.n, next.n);
    this.#c = next.c;
    this.#from = rows(camera, prev, 1 - t);
    this.#to = rows(camera, next, t);
  }

  /** Where a point is drawn in CSS pixels, y down, and its w: 1 in the middle, less at the viewer; null: nowhere. */
  at(point: number): [number, number, number] | null {
    if (!(point >= 0 && point < this.n) || !this.#place(point)) return null;
    const { width, height } = this.camera;
    return [width / 2 + this.#x, height / 2 - this.#y, this.#w];
  }

  /** Fills `out` with x, y of every point as `at` gives them, and `depth` with w; NaN where nothing is drawn. */
  fill(out: Float32Array, depth?: Float32Array): void {
    const [middle, centre] = [this.camera.width / 2, this.camera.height / 2];
    for (let i = 0; i < this.n; i++) {
      const there = this.#place(i);
      out[2 * i] = there ? middle + this.#x : Number.NaN;
      out[2 * i + 1] = there ? centre - this.#y : Number.NaN;
      if (depth) depth[i] = this.#w;
    }
  }

  /** The point drawn nearest to a pixel, within `radius` pixels, but none that is `hidden`; -1: none. */
  nearest(px: number, py: number, radius: number, hidden?: (point: number) => boolean): number {
    const [x, y] = [px - this.camera.width / 2, this.camera.height / 2 - py];
    let best = radius * radius;
    let found = -1;
    for (let i = 0; i < this.n; i++) {
      if (!this.#place(i)) continue;
      const dx = this.#x - x;
      if (dx * dx > best) continue;
      const dy = this.#y - y;
      const square = dx * dx + dy * dy;
      if (square <= best && !hidden?.(i)) {
        best = square;
        found = i;
      }
    }
    return found;
  }

  /** False where the point is behind the viewer, or not finite. */
  #place(i: number): boolean {
    const [p, q] = [this.prev.positions, this.next.positions];
    const { factors: f, offsets: d } = this.#from;
    const { factors: g, offsets: e } = this.#to;
    if (this.#c === 2) {
      this.#x = f[0]! * p[2 * i]! + d[0]! + g[0]! * q[2 * i]! + e[0]!;
      this.#y = f[4]! * p[2 * i + 1]! + d[1]! + g[4]! * q[2 * i + 1]! + e[1]!;
      return true;
    }
    const [a, b, c] = [p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!];
    const [r, s, t] = [q[3 * i]!, q[3 * i + 1]!, q[3 * i + 2]!];
    const z = f[6]! * a + f[7]! * b + f[8]! * c + d[2]! + g[6]! * r + g[7]! * s + g[8]! * t + e[2]!;
    this.#w = 1 - z / this.camera.eye;
    if (!(this.#w > NEAR)) return false;
    this.#x =
      (f[0]! * a + f[1]! * b + f[2]! * c + d[0]! + g[0]! * r + g[1]! * s + g[2]! * t + e[0]!) / this.#w;
    this.#y =
      (f[3]! * a + f[4]! * b + f[5]! * c + d[1]! + g[3]! * r + g[4]! * s + g[5]! * t + e[1]!) / this.#w;
    return true;
  }
}

/** The camera's affine map and turn for one frame, times its share of the moment; factors row by row. */
function rows(camera: Camera, frame: Frame, share: number): Rows {
  const affine = camera.affine(frame);
  const [scale, offset] = [affine.slice(0, 3), affine.slice(3)];
  const along = (row: number, values: number[]) =>
    values.map((value, axis) => camera.turn[row + 3 * axis]! * value);
  return {
    factors: [0, 1, 2].flatMap((row) => along(row, scale).map((value) => share * value)),
    offsets: [0, 1, 2].map((row) => share * along(row, offset).reduce((sum, value) => sum + value, 0)),
  };
}
