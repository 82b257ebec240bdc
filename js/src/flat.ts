/** The Canvas2D renderer, for browsers without WebGL2. Draws squares, colour by colour. */

import { type Colors, DIMMED, HIDDEN, type Look, type Renderer } from "./scene.ts";
import type { Frame } from "./types.ts";

/** More points than this are thinned evenly, so that the page stays responsive. */
const MOST = 50_000;

export class FlatRenderer implements Renderer {
  readonly kind = "canvas2d";
  readonly ready = true;
  readonly #frames: (Frame | undefined)[] = [];
  #codes: Uint16Array = new Uint16Array(0);
  #flags: Uint8Array = new Uint8Array(0);
  #colors: Colors = { table: new Uint8Array(768), count: 1 };
  /** Points sorted by colour, so that the colour is set once for each. */
  #order: Uint32Array | null = null;

  upload(slot: number, frame: Frame): void {
    this.#frames[slot] = frame;
  }

  setCodes(codes: Uint16Array): void {
    this.#codes = new Uint16Array(codes);
    this.#order = null;
  }

  setFlags(flags: Uint8Array): void {
    this.#flags = flags;
  }

  setColors(colors: Colors): void {
    this.#colors = colors;
    this.#order = null;
  }

  draw(context: CanvasRenderingContext2D, { camera, moment, size, alpha, ratio }: Look): void {
    const { width, height } = context.canvas;
    const [prev, next] = [this.#frames[moment.prev], this.#frames[moment.next]];
    if (!prev || !next) return;
    context.clearRect(0, 0, width, height);
    const [p, q] = [
      pixels(camera.clip(prev.lo, prev.sc), width, height),
      pixels(camera.clip(next.lo, next.sc), width, height),
    ];
    const n = Math.min(prev.n, next.n);
    if (this.#order?.length !== n) this.#order = this.#sort(n);
    const every = Math.ceil(n / MOST);
    const side = Math.max(1, size * ratio * 0.9);
    let [color, opacity] = [-1, -1];
    for (let rank = 0; rank < n; rank += every) {
      const i = this.#order[rank]!;
      const flag = this.#flags[i] ?? 0;
      if (flag & HIDDEN) continue;
      const x0 = prev.positions[2 * i]! * p[0] + p[2];
      const y0 = prev.positions[2 * i + 1]! * p[1] + p[3];
      const x = x0 + moment.t * (next.positions[2 * i]! * q[0] + q[2] - x0);
      const y = y0 + moment.t * (next.positions[2 * i + 1]! * q[1] + q[3] - y0);
      if (x < -side || y < -side || x > width + side || y > height + side) continue;
      const at = this.#colorAt(i);
      const strength = flag & DIMMED ? 0.12 * alpha : alpha;
      if (at !== color || strength !== opacity) {
        [color, opacity] = [at, strength];
        const [r, g, b] = this.#colors.table.subarray(3 * at, 3 * at + 3);
        context.fillStyle = `rgba(${r},${g},${b},${strength})`;
      }
      context.fillRect(x - side / 2, y - side / 2, side, side);
    }
  }

  dispose(): void {
    this.#frames.length = 0;
  }

  #colorAt(point: number): number {
    const code = this.#codes[point] ?? 0;
    if (this.#colors.count > 0) return code % this.#colors.count;
    return code === 65535 ? 255 : Math.floor((code * 254) / 65534);
  }

  #sort(n: number): Uint32Array {
    const starts = new Uint32Array(257);
    for (let i = 0; i < n; i++) starts[this.#colorAt(i) + 1]!++;
    for (let color = 0; color < 256; color++) starts[color + 1]! += starts[color]!;
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[starts[this.#colorAt(i)]!++] = i;
    return order;
  }
}

/** From levels to pixels of the canvas, y down. */
function pixels([ax, ay, bx, by]: [number, number, number, number], width: number, height: number) {
  return [(ax * width) / 2, (-ay * height) / 2, ((bx + 1) * width) / 2, ((1 - by) * height) / 2] as const;
}
