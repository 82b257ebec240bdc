/** Which part of the map is on screen. Follows the whole map until it is panned or zoomed by hand. */

import type { Frame, Pair } from "./types.ts";

export interface Bounds {
  lo: Pair;
  hi: Pair;
}

/** Milliseconds; growing and shrinking are eased alike. */
const EASE = 160;
const FILL = 0.92;
const CLOSE = 1e-3;
const MAX_ZOOM = 1e4;
const MIN_ZOOM = 0.05;

/** The box around a frame's points. Quantised frames are their own box. */
export function boundsOf(frame: Frame): Bounds {
  const { lo, sc, positions } = frame;
  if (positions instanceof Uint16Array) {
    return { lo, hi: [lo[0] + sc[0] * 65535, lo[1] + sc[1] * 65535] };
  }
  const low: Pair = [Infinity, Infinity];
  const high: Pair = [-Infinity, -Infinity];
  for (let i = 0; i < positions.length; i++) {
    const value = positions[i]!;
    const axis = i & 1;
    if (value < low[axis]!) low[axis] = value;
    if (value > high[axis]!) high[axis] = value;
  }
  if (!Number.isFinite(low[0] + low[1] + high[0] + high[1])) return { lo: [-1, -1], hi: [1, 1] };
  return {
    lo: [lo[0] + low[0] * sc[0], lo[1] + low[1] * sc[1]],
    hi: [lo[0] + high[0] * sc[0], lo[1] + high[1] * sc[1]],
  };
}

export function mixBounds(a: Bounds, b: Bounds, t: number): Bounds {
  const mix = (p: Pair, q: Pair): Pair => [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])];
  return { lo: mix(a.lo, b.lo), hi: mix(a.hi, b.hi) };
}

export class Camera {
  x = 0;
  y = 0;
  /** CSS pixels per unit of the map. */
  scale = 1;
  following = true;
  width = 1;
  height = 1;
  #target = { x: 0, y: 0, scale: 1 };
  #placed = false;

  /** How much closer than the whole map: 1 shows all of it. */
  get zoom(): number {
    return this.scale / this.#target.scale;
  }

  resize(width: number, height: number): void {
    const before = Math.min(this.width, this.height);
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    if (!this.following) this.scale *= Math.min(this.width, this.height) / before;
    else this.#placed = false;
  }

  fit({ lo, hi }: Bounds): void {
    const w = hi[0] - lo[0];
    const h = hi[1] - lo[1];
    const x = (lo[0] + hi[0]) / 2;
    const y = (lo[1] + hi[1]) / 2;
    const least = 1e-12 + 1e-7 * (Math.abs(x) + Math.abs(y));
    const extent = w > least || h > least ? [Math.max(w, least), Math.max(h, least)] : [1, 1];
    this.#target = { x, y, scale: FILL * Math.min(this.width / extent[0]!, this.height / extent[1]!) };
    if (!this.#placed) this.snap();
  }

  /** Moves towards the whole map; true while there is further to go. */
  ease(milliseconds: number): boolean {
    if (!this.following || !this.#placed) return false;
    const { x, y, scale } = this.#target;
    const share = 1 - Math.exp(-Math.max(0, milliseconds) / EASE);
    this.x += share * (x - this.x);
    this.y += share * (y - this.y);
    this.scale *= (scale / this.scale) ** share;
    const off = Math.hypot(x - this.x, y - this.y) * scale + Math.abs(Math.log(scale / this.scale)) * 1000;
    if (off > CLOSE * 1000) return true;
    this.snap();
    return false;
  }

  /** Shows the whole map at once. */
  snap(): void {
    Object.assign(this, this.#target);
    this.#placed = true;
  }

  reset(): void {
    this.following = true;
  }

  pan(dx: number, dy: number): void {
    this.following = false;
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
  }

  /** Zooms so that the place under the pixel (px, py) stays under it. */
  zoomAt(px: number, py: number, factor: number): void {
    this.following = false;
    const [x, y] = this.toData(px, py);
    const zoom = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, this.zoom * factor));
    this.scale = zoom * this.#target.scale;
    this.x = x - (px - this.width / 2) / this.scale;
    this.y = y + (py - this.height / 2) / this.scale;
  }

  toData(px: number, py: number): Pair {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale];
  }

  toScreen(x: number, y: number): Pair {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  /** The map from a frame's levels to clip space, as (ax, ay, bx, by); made in float64, so that it stays exact. */
  clip(lo: Pair, sc: Pair): [number, number, number, number] {
    const kx = (2 * this.scale) / this.width;
    const ky = (2 * this.scale) / this.height;
    return [sc[0] * kx, sc[1] * ky, (lo[0] - this.x) * kx, (lo[1] - this.y) * ky];
  }
}
