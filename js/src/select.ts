/** Which points lie inside an outline drawn on the picture, and how they join what is selected already. */

import { clamp } from "./scale.ts";
import { HIDDEN } from "./scene.ts";

export type How = "replace" | "add" | "subtract";

/**
 * The points inside an outline, by the even-odd rule, in ascending order; hidden ones are left out.
 *
 * places: x and y of every point, in pixels. outline: x and y of each corner, closed by itself.
 *
 * The outline's box is cut into cells. One that no edge passes through lies inside or outside as a whole; points in the
 * others are compared with the edges of their row of cells. So nearly every point costs one look-up.
 */
export function inside(places: Float32Array, outline: ArrayLike<number>, flags: Uint8Array): Uint32Array {
  const n = places.length >> 1;
  const found = new Uint32Array(n);
  const cells = new Cells(outline);
  const { kinds, left, top, columns, rows, perX, perY } = cells;
  let count = 0;
  for (let i = 0; i < n; i++) {
    const x = places[2 * i]!;
    const y = places[2 * i + 1]!;
    const column = (x - left) * perX;
    const row = (y - top) * perY;
    if (!(column >= 0 && column < columns && row >= 0 && row < rows)) continue;
    const kind = kinds[(row | 0) * columns + (column | 0)]!;
    if (kind === OUTSIDE || (flags[i]! & HIDDEN) !== 0) continue;
    if (kind === INSIDE || cells.around(x, y)) found[count++] = i;
  }
  return found.slice(0, count);
}

const OUTSIDE = 0;
const INSIDE = 1;
const EDGE = 2;
/** Pixels; an outline larger than MOST_CELLS of them has larger cells. */
const CELL = 4;
const MOST_CELLS = 1024;

class Cells {
  readonly left: number;
  readonly top: number;
  readonly columns: number;
  readonly rows: number;
  /** Cells per pixel. */
  readonly perX: number;
  readonly perY: number;
  /** Of each cell, row by row. */
  readonly kinds: Uint8Array;
  readonly #corners: Float64Array;
  /** Edges that pass through each row: those of row r lie at starts[r] to starts[r + 1]. */
  readonly #starts: Uint32Array;
  readonly #edges: Uint32Array;

  constructor(outline: ArrayLike<number>) {
    this.#corners = closed(outline);
    const [left, right] = extent(this.#corners, 0);
    const [top, bottom] = extent(this.#corners, 1);
    [this.left, this.top] = [left, top];
    [this.columns, this.perX] = divided(right - left);
    [this.rows, this.perY] = divided(bottom - top);
    this.#starts = new Uint32Array(this.rows + 1);
    this.#eachRow((row) => {
      this.#starts[row + 1]!++;
    });
    for (let row = 0; row < this.rows; row++) this.#starts[row + 1]! += this.#starts[row]!;
    this.#edges = new Uint32Array(this.#starts[this.rows]!);
    const fill = this.#starts.slice(0, -1);
    this.kinds = new Uint8Array(this.rows * this.columns);
    this.#eachRow((row, edge) => {
      this.#edges[fill[row]!++] = edge;
      this.#markEdge(row, edge);
    });
    this.#fillCells();
  }

  /** Whether the outline goes around (x, y): whether a ray to the right crosses an odd number of edges. */
  around(x: number, y: number): boolean {
    const corners = this.#corners;
    const row = this.#row(y);
    let odd = false;
    for (let at = this.#starts[row]!; at < this.#starts[row + 1]!; at++) {
      const from = 2 * this.#edges[at]!;
      const y0 = corners[from + 1]!;
      const y1 = corners[from + 3]!;
      if (y0 > y === y1 > y) continue;
      const x0 = corners[from]!;
      if (x < x0 + ((y - y0) / (y1 - y0)) * (corners[from + 2]! - x0)) odd = !odd;
    }
    return odd;
  }

  #row(y: number): number {
    return Math.floor((y - this.top) * this.perY);
  }

  #eachRow(visit: (row: number, edge: number) => void): void {
    for (let edge = 0; 2 * edge + 3 < this.#corners.length; edge++) {
      const [a, b] = [this.#row(this.#corners[2 * edge + 1]!), this.#row(this.#corners[2 * edge + 3]!)];
      for (let row = Math.min(a, b); row <= Math.max(a, b); row++) visit(row, edge);
    }
  }

  /** Marks the cells of a row that an edge passes through, and one more on either side against rounding. */
  #markEdge(row: number, edge: number): void {
    const [x0, y0, x1, y1] = this.#corners.subarray(2 * edge, 2 * edge + 4) as unknown as number[];
    const at = (y: number) => {
      const share = y0 === y1 ? 0 : clamp((y - y0!) / (y1! - y0!), 0, 1);
      return x0! + share * (x1! - x0!);
    };
    const ends =
      y0 === y1 ? [x0!, x1!] : [at(this.top + row / this.perY), at(this.top + (row + 1) / this.perY)];
    const from = Math.max(0, Math.floor((Math.min(...ends) - this.left) * this.perX) - 1);
    const to = Math.min(this.columns - 1, Math.floor((Math.max(...ends) - this.left) * this.perX) + 1);
    this.kinds.fill(EDGE, row * this.columns + from, row * this.columns + to + 1);
  }

  #fillCells(): void {
    for (let row = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++) {
        const cell = row * this.columns + column;
        if (this.kinds[cell] === EDGE) continue;
        // Between two edges all cells of a row are alike.
        if (column > 0 && this.kinds[cell - 1] !== EDGE) this.kinds[cell] = this.kinds[cell - 1]!;
        else {
          const middle = [
            this.left + (column + 0.5) / this.perX,
            this.top + (row + 0.5) / this.perY,
          ] as const;
          this.kinds[cell] = this.around(...middle) ? INSIDE : OUTSIDE;
        }
      }
    }
  }
}

function closed(outline: ArrayLike<number>): Float64Array {
  const corners = new Float64Array(outline.length + 2);
  corners.set(outline);
  corners.set([outline[0]!, outline[1]!], outline.length);
  return corners;
}

/** The lowest and highest x (axis 0) or y (axis 1). */
function extent(corners: Float64Array, axis: number): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let at = axis; at < corners.length; at += 2) {
    low = Math.min(low, corners[at]!);
    high = Math.max(high, corners[at]!);
  }
  return [low, high];
}

/** How many cells a length has, its end included, and how many there are in a pixel. */
function divided(length: number): [number, number] {
  const cells = clamp(Math.ceil(length / CELL), 1, MOST_CELLS);
  return [cells + 1, cells / Math.max(length, 1e-9)];
}

/** The points selected after `picked` were; all three hold ascending indices below n. */
export function combine(n: number, before: Uint32Array, picked: Uint32Array, how: How): Uint32Array {
  if (how === "replace") return picked;
  const chosen = new Uint8Array(n);
  for (const point of before) chosen[point] = 1;
  for (const point of picked) chosen[point] = how === "add" ? 1 : 0;
  return where(chosen, 1);
}

/** The points that are not among `before`. */
export function others(n: number, before: Uint32Array): Uint32Array {
  const chosen = new Uint8Array(n);
  for (const point of before) chosen[point] = 1;
  return where(chosen, 0);
}

function where(chosen: Uint8Array, value: number): Uint32Array {
  const found = new Uint32Array(chosen.length);
  let count = 0;
  for (let i = 0; i < chosen.length; i++) if (chosen[i] === value) found[count++] = i;
  return found.slice(0, count);
}
