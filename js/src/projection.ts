/** Where points are drawn at one moment, worked out on the CPU as the vertex shader does it on the GPU. */

import { type Camera, NEAR } from "./camera.ts";
import type { Frame } from "./types.ts";

/** Points that are worked out at a time where their places are not kept. */
const BLOCK = 4096;

/** From levels to pixels of the screen's axes: three rows of factors, and three offsets. */
interface Rows {
  factors: number[];
  offsets: number[];
}

export class Projection {
  readonly n: number;
  readonly #from: Rows;
  readonly #to: Rows;
  readonly #offsets: number[];
  readonly #place = new Float64Array(2);
  readonly #depth = new Float64Array(1);

  /** The points of two frames with the same n and c, a share t of the way from one to the other. */
  constructor(
    private readonly camera: Camera,
    private readonly prev: Frame,
    private readonly next: Frame,
    t: number,
  ) {
    this.n = Math.min(prev.n, next.n);
    this.#from = rows(camera, prev, 1 - t);
    this.#to = rows(camera, next, t);
    this.#offsets = this.#from.offsets.map((value, row) => value + this.#to.offsets[row]!);
  }

  /** Where a point is drawn in CSS pixels, y down, and its w: 1 in the middle, less at the viewer; null: nowhere. */
  at(point: number): [number, number, number] | null {
    if (!(point >= 0 && point < this.n)) return null;
    const [place, depth] = [this.#place, this.#depth];
    this.#block(point, point + 1, place, depth);
    return Number.isNaN(place[0]) ? null : [place[0]!, place[1]!, depth[0]!];
  }

  /** Fills `out` with x, y of every point as `at` gives them, and `depth` with w; NaN where nothing is drawn. */
  fill(out: Float32Array, depth?: Float32Array): void {
    this.#block(0, this.n, out, depth);
  }

  /** Fills `out` with x, y of every `step`-th point, from the first on. */
  every(step: number, out: Float32Array): void {
    this.#block(0, this.n, out, undefined, step);
  }

  /** The point drawn nearest to a pixel, within `radius` pixels, but none that is `hidden`; -1: none. */
  nearest(px: number, py: number, radius: number, hidden?: (point: number) => boolean): number {
    const places = new Float32Array(2 * BLOCK);
    let best = radius * radius;
    let found = -1;
    for (let from = 0; from < this.n; from += BLOCK) {
      const to = Math.min(this.n, from + BLOCK);
      this.#block(from, to, places);
      for (let i = 0; i < to - from; i++) {
        const dx = places[2 * i]! - px;
        const dy = places[2 * i + 1]! - py;
        const square = dx * dx + dy * dy;
        if (square <= best && !hidden?.(from + i)) {
          best = square;
          found = from + i;
        }
      }
    }
    return found;
  }

  /** Places of some points, one after another; coefficients are kept in locals, as this is run for millions. */
  #block(
    from: number,
    to: number,
    out: Float32Array | Float64Array,
    depth?: Float32Array | Float64Array,
    step = 1,
  ): void {
    const [p, q] = [this.prev.positions, this.next.positions];
    const { width, height, eye } = this.camera;
    const [middle, centre] = [width / 2, height / 2];
    const [f, g] = [this.#from.factors, this.#to.factors];
    const f0 = f[0]!;
    const f1 = f[1]!;
    const f2 = f[2]!;
    const f3 = f[3]!;
    const f4 = f[4]!;
    const f5 = f[5]!;
    const f6 = f[6]!;
    const f7 = f[7]!;
    const f8 = f[8]!;
    const g0 = g[0]!;
    const g1 = g[1]!;
    const g2 = g[2]!;
    const g3 = g[3]!;
    const g4 = g[4]!;
    const g5 = g[5]!;
    const g6 = g[6]!;
    const g7 = g[7]!;
    const g8 = g[8]!;
    const dx = this.#offsets[0]!;
    const dy = this.#offsets[1]!;
    const dz = this.#offsets[2]!;
    if (this.next.c === 2) {
      for (let i = from, o = 0; i < to; i += step, o += 2) {
        const a = p[2 * i]!;
        const b = p[2 * i + 1]!;
        const r = q[2 * i]!;
        const s = q[2 * i + 1]!;
        out[o] = middle + f0 * a + f1 * b + g0 * r + g1 * s + dx;
        out[o + 1] = centre - (f3 * a + f4 * b + g3 * r + g4 * s + dy);
      }
      depth?.fill(1, 0, to - from);
      return;
    }
    for (let i = from, o = 0; i < to; i += step, o++) {
      const a = p[3 * i]!;
      const b = p[3 * i + 1]!;
      const c = p[3 * i + 2]!;
      const r = q[3 * i]!;
      const s = q[3 * i + 1]!;
      const t = q[3 * i + 2]!;
      const w = 1 - (f6 * a + f7 * b + f8 * c + g6 * r + g7 * s + g8 * t + dz) / eye;
      const drawn = w > NEAR ? 1 / w : Number.NaN;
      out[2 * o] = middle + (f0 * a + f1 * b + f2 * c + g0 * r + g1 * s + g2 * t + dx) * drawn;
      out[2 * o + 1] = centre - (f3 * a + f4 * b + f5 * c + g3 * r + g4 * s + g5 * t + dy) * drawn;
      if (depth) depth[o] = w;
    }
  }
}

/** The camera's affine map and turn for one frame, times its share of the moment; factors row by row. */
function rows(camera: Camera, frame: Frame, share: number): Rows {
  const affine = camera.affine(frame);
  const [scale, offset] = [affine.slice(0, 3), affine.slice(3)];
  const { facing } = camera;
  const along = (row: number, values: number[]) =>
    values.map((value, axis) => facing[row + 3 * axis]! * value);
  return {
    factors: [0, 1, 2].flatMap((row) => along(row, scale).map((value) => share * value)),
    offsets: [0, 1, 2].map((row) => share * along(row, offset).reduce((sum, value) => sum + value, 0)),
  };
}
