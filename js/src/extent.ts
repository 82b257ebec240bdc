/** Where a frame's points lie, and how crowded they are: read off a sample, as every frame asks. */

import { clamp } from "./scale.ts";
import type { Frame } from "./types.ts";

export interface Bounds {
  lo: readonly number[];
  hi: readonly number[];
  /** Of a ball around the middle of the box that holds the points: in 3D the least one, in 2D the box's own. */
  radius: number;
  /** The area, in units of the map, on which the points would lie if they lay evenly as close as most do. */
  area: number;
}

const SAMPLE = 1024;
/** The box keeps to the bulk of the points, less this share at each end, and this many times its width beside it. */
const TAIL = 0.005;
const ROOM = 1;
/** Fewer points than this have no outliers. */
const FEW = 20;
const SIDE = 48;
const LINE = 0.02;
/** How many of the sample lie in each cell; used anew for each frame. */
const counts = new Uint16Array(SIDE * SIDE);

/** The box around a frame's points. Quantised frames are their own box. */
export function boxOf(frame: Frame): Pick<Bounds, "lo" | "hi"> {
  const { lo, sc, positions, c } = frame;
  if (positions instanceof Uint16Array) return { lo, hi: lo.map((low, axis) => low + sc[axis]! * 65535) };
  const low = lo.map(() => Number.POSITIVE_INFINITY);
  const high = lo.map(() => Number.NEGATIVE_INFINITY);
  for (let axis = 0; axis < c; axis++) {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = axis; i < positions.length; i += c) {
      const value = positions[i]!;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    if (!Number.isFinite(least + most)) return { lo: lo.map(() => -1), hi: lo.map(() => 1) };
    low[axis] = lo[axis]! + least * sc[axis]!;
    high[axis] = lo[axis]! + most * sc[axis]!;
  }
  return { lo: low, hi: high };
}

/** Bounds that a few points far off do not stretch. */
export function boundsOf(frame: Frame): Bounds {
  const { lo, hi } = boxOf(frame);
  const sample = sampled(frame);
  const bounds = bulkOf(sample, lo, hi);
  return { ...bounds, area: areaOf(sample, bounds) };
}

export function mixBounds(a: Bounds, b: Bounds, t: number): Bounds {
  const mix = (p: number, q: number) => p + t * (q - p);
  return {
    lo: a.lo.map((low, axis) => mix(low, b.lo[axis]!)),
    hi: a.hi.map((high, axis) => mix(high, b.hi[axis]!)),
    radius: mix(a.radius, b.radius),
    area: mix(a.area, b.area),
  };
}

/** The same of coordinates, axis by axis. */
export function around(sample: Float64Array[]): Omit<Bounds, "area"> {
  const [lo, hi] = [sample.map((values) => Math.min(...values)), sample.map((values) => Math.max(...values))];
  return bulkOf(sample, lo, hi);
}

/** Coordinates of evenly chosen points, axis by axis. The same points in every frame, so that nothing flickers. */
export function sampled({ positions, lo, sc, n, c }: Frame, most = SAMPLE): Float64Array[] {
  const count = Math.min(n, most);
  const step = n / count;
  const levels = positions instanceof Uint16Array;
  return lo.map((low, axis) => {
    const factor = sc[axis]!;
    const values = new Float64Array(count);
    for (let k = 0; k < count; k++) {
      const value = low + positions[c * Math.floor(k * step) + axis]! * factor;
      values[k] = levels || Number.isFinite(value) ? value : low;
    }
    return values;
  });
}

function bulkOf(sample: Float64Array[], lo: readonly number[], hi: readonly number[]): Omit<Bounds, "area"> {
  const near = sample.map((values, axis) => within(values, lo[axis]!, hi[axis]!));
  const box = { lo: near.map(([low]) => low), hi: near.map(([, high]) => high) };
  const solid = sample.length === 3;
  return { ...box, radius: solid ? radiusOf(sample, box) : Math.hypot(...near.map(([a, b]) => b - a)) / 2 };
}

function within(values: Float64Array, low: number, high: number): [number, number] {
  if (values.length < FEW) return [low, high];
  const out = Math.max(1, Math.floor(TAIL * values.length));
  const [first, last] = [inner(values, out, 1), inner(values, out, -1)];
  const room = ROOM * (last - first);
  return room > 0 ? [Math.max(low, first - room), Math.min(high, last + room)] : [low, high];
}

/** The value that so many others lie below (sign 1) or above (-1). Only the ends are sorted: every frame asks. */
function inner(values: Float64Array, out: number, sign: number): number {
  const ends = new Float64Array(out + 1).fill(Number.POSITIVE_INFINITY);
  for (let k = 0; k < values.length; k++) {
    const value = sign * values[k]!;
    let at = out;
    if (value >= ends[at]!) continue;
    for (; at > 0 && value < ends[at - 1]!; at--) ends[at] = ends[at - 1]!;
    ends[at] = value;
  }
  return sign * ends[out]!;
}

function radiusOf(sample: Float64Array[], { lo, hi }: Pick<Bounds, "lo" | "hi">): number {
  const middle = lo.map((low, axis) => (low + hi[axis]!) / 2);
  let most = 0;
  for (let k = 0; k < sample[0]!.length; k++) {
    let square = 0;
    let inside = true;
    for (let axis = 0; axis < lo.length; axis++) {
      const value = sample[axis]![k]!;
      if (value < lo[axis]! || value > hi[axis]!) inside = false;
      const away = value - middle[axis]!;
      square += away * away;
    }
    if (inside && square > most) most = square;
  }
  return Math.sqrt(most);
}

/** The inverse of the chance that two points share a cell of a grid, in cells; times the area of one. */
function areaOf([xs, ys]: Float64Array[], { lo, hi }: Pick<Bounds, "lo" | "hi">): number {
  const [left, low] = [lo[0]!, lo[1]!];
  const [width, height] = [hi[0]! - left, hi[1]! - low];
  // Points on a line still have some room beside it.
  const [w, h] = [Math.max(width, LINE * height) / SIDE || 1, Math.max(height, LINE * width) / SIDE || 1];
  const m = xs!.length;
  let shared = 0;
  counts.fill(0);
  for (let k = 0; k < m; k++) {
    const column = clamp(Math.floor((xs![k]! - left) / w), 0, SIDE - 1);
    const row = clamp(Math.floor((ys![k]! - low) / h), 0, SIDE - 1);
    shared += counts[row * SIDE + column]!++;
  }
  const cells = shared > 0 ? Math.min(SIDE * SIDE, (m * (m - 1)) / (2 * shared)) : SIDE * SIDE;
  return width > 0 || height > 0 ? cells * w * h : 0;
}
