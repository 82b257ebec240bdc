/** Where in the picture the points of each kind crowd: the places of their names. */

import type { Projection } from "./projection.ts";
import { HIDDEN } from "./scene.ts";
import type { Pair } from "./types.ts";

/** Points that are looked at, evenly taken from all, and how many of them a kind needs in view. */
const SAMPLE = 3000;
const LEAST = 5;
/** Pixels: side of a cell of the count. A place is a cell and those around it. */
const CELL = 26;
/** How much denser another place must be for a name to go there. */
const BETTER = 1.35;
/** How many times the odds of meeting the kind anywhere those at its place must be, and how many deviations above chance. */
const APART = 1.6;
const CHANCE = 4;

export interface Crowd {
  /** The middle of the points at the densest place, in CSS pixels, and their standard deviations. */
  x: number;
  y: number;
  wide: number;
  high: number;
  /** The point nearest to the middle. */
  anchor: number;
  /** Whether the kind stands apart from the others there: while all lie together no place is anyone's. */
  apart: boolean;
}

export interface Seen {
  projection: Projection;
  width: number;
  height: number;
  codes: Uint16Array;
  flags: Uint8Array;
}

/** The crowd of each of these kinds (codes), null for those with few points in view; `before` tells where it was. */
export function crowdsOf(
  seen: Seen,
  kinds: readonly number[],
  before: (kind: number) => Pair | null,
): (Crowd | null)[] {
  const { projection, width, height, codes, flags } = seen;
  const columns = Math.ceil(width / CELL);
  const size = columns * Math.ceil(height / CELL);
  const cellAt = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height ? Math.floor(y / CELL) * columns + Math.floor(x / CELL) : -1;
  // The last row is that of all points.
  const rows = kinds.length;
  const row = new Uint8Array(65536).fill(rows);
  kinds.forEach((code, at) => {
    row[code] = at;
  });
  const step = Math.max(1, Math.ceil(projection.n / SAMPLE));
  const at = new Float32Array(2 * Math.ceil(projection.n / step));
  projection.every(step, at);
  const cells = new Int32Array(at.length / 2).fill(-1);
  const rowOf = new Uint8Array(at.length / 2);
  const counts = new Uint16Array((rows + 1) * size);
  const there = new Uint32Array(rows + 1);
  const visible = new Uint32Array(rows + 1);
  for (let k = 0, point = 0; k < cells.length; k++, point += step) {
    if (flags[point]! & HIDDEN) continue;
    const kind = row[codes[point]!]!;
    there[rows]!++;
    if (kind < rows) there[kind]!++;
    const cell = cellAt(at[2 * k]!, at[2 * k + 1]!);
    if (cell < 0) continue;
    counts[rows * size + cell]!++;
    if (kind === rows) continue;
    cells[k] = cell;
    rowOf[k] = kind;
    counts[kind * size + cell]!++;
    visible[kind]!++;
  }

  const countsOf = (kind: number) => counts.subarray(kind * size, (kind + 1) * size);
  const places = kinds.map((_code, kind) => {
    if (visible[kind]! < LEAST) return -1;
    const own = countsOf(kind);
    const best = densest(own, columns);
    const old = before(kind);
    // A name stays where it is unless another place is clearly denser.
    const cell = old ? cellAt(...old) : -1;
    return cell >= 0 && around(own, columns, cell) * BETTER >= best.count ? cell : best.cell;
  });
  return crowds(places, { at, cells, rowOf, columns, step }).map((crowd, kind) => {
    if (!crowd) return null;
    const [own, all] = [kind, rows].map((index) => around(countsOf(index), columns, places[kind]!)) as Pair;
    const apart = standsApart(own, all, there[kind]!, there[rows]!);
    return { ...crowd, apart };
  });
}

/** Whether a kind, `there` of `total` points, is clearly more frequent in a place with `own` of `all`. */
function standsApart(own: number, all: number, there: number, total: number): boolean {
  const expected = (all * there) / total;
  const clear = own * (total - there) >= APART * there * (all - own);
  return there === total || (clear && own - expected >= CHANCE * Math.sqrt(expected));
}

/** The middle, spread and anchor of the points at each place; -1: there is none. */
function crowds(
  places: number[],
  points: { at: Float32Array; cells: Int32Array; rowOf: Uint8Array; columns: number; step: number },
): (Omit<Crowd, "apart"> | null)[] {
  const { at, cells, rowOf, columns, step } = points;
  const sums = places.map(() => ({ count: 0, x: 0, y: 0, xx: 0, yy: 0, anchor: -1, best: Infinity }));
  for (let k = 0; k < cells.length; k++) {
    const cell = cells[k]!;
    if (cell < 0) continue;
    const place = places[rowOf[k]!]!;
    if (place < 0 || !beside(cell, place, columns)) continue;
    const sum = sums[rowOf[k]!]!;
    const x = at[2 * k]!;
    const y = at[2 * k + 1]!;
    sum.count++;
    sum.x += x;
    sum.y += y;
    sum.xx += x * x;
    sum.yy += y * y;
  }
  for (const sum of sums) {
    sum.x /= sum.count;
    sum.y /= sum.count;
  }
  for (let k = 0; k < cells.length; k++) {
    if (cells[k]! < 0) continue;
    const sum = sums[rowOf[k]!]!;
    const dx = at[2 * k]! - sum.x;
    const dy = at[2 * k + 1]! - sum.y;
    const away = dx * dx + dy * dy;
    if (away < sum.best) {
      sum.best = away;
      sum.anchor = k * step;
    }
  }
  return sums.map(({ count, x, y, xx, yy, anchor }) => {
    if (count === 0) return null;
    const [wide, high] = [xx / count - x * x, yy / count - y * y].map((v) =>
      Math.sqrt(Math.max(0, v)),
    ) as Pair;
    return { x, y, wide, high, anchor };
  });
}

/** Whether two cells are the same or touch. */
function beside(cell: number, other: number, columns: number): boolean {
  const dx = (cell % columns) - (other % columns);
  const dy = Math.floor(cell / columns) - Math.floor(other / columns);
  return dx >= -1 && dx <= 1 && dy >= -1 && dy <= 1;
}

/** Points in a cell and those around it. */
function around(counts: Uint16Array, columns: number, cell: number): number {
  const column = cell % columns;
  let sum = 0;
  for (let x = Math.max(0, column - 1) - column; x <= 1 && column + x < columns; x++) {
    sum += (counts[cell + x - columns] ?? 0) + (counts[cell + x] ?? 0) + (counts[cell + x + columns] ?? 0);
  }
  return sum;
}

function densest(counts: Uint16Array, columns: number): { cell: number; count: number } {
  let [best, most] = [0, -1];
  for (let cell = 0; cell < counts.length; cell++) {
    if (counts[cell] === 0) continue;
    const count = around(counts, columns, cell);
    if (count > most) [best, most] = [cell, count];
  }
  return { cell: best, count: most };
}
