/** Draws points. Two renderers with one interface: WebGL2, and Canvas2D where that is absent. */

import type { Camera } from "./camera.ts";
import type { Moment } from "./clock.ts";
import type { Frame } from "./types.ts";

/** Bits of a point's flag. A marked point is drawn over all others, opaque, and wins over DIMMED. */
export const HIDDEN = 1;
export const DIMMED = 2;
/** A ring in the colour of the text. */
export const SELECTED = 4;
/** A square. */
export const PINNED = 8;
/** Larger, with a ring. */
export const MATCH = 16;
export const MARKED = SELECTED | PINNED | MATCH;

/** Share of its opacity that a dimmed point keeps. */
export const DIM = 0.12;

/** How far the farthest points of a map in 3D fade into the background. */
export const FOG = 0.68;

/** What is drawn first lies below: dimmed points, plain ones, marked ones. */
export const LAYERS = 3;
export function layerOf(flag: number): number {
  return flag & MARKED ? 2 : flag & DIMMED ? 0 : 1;
}

/** Which layers have points, lowest first. */
export function layersOf(flags: Uint8Array): number[] {
  const seen = new Uint8Array(256);
  for (let i = 0; i < flags.length; i++) seen[flags[i]!] = 1;
  const found = new Set<number>();
  seen.forEach((there, flag) => {
    if (there && !(flag & HIDDEN)) found.add(layerOf(flag));
  });
  return [...found].sort();
}

/** Diameter, width of the ring (0: none) and shape of a point with this flag; `unit` is one CSS pixel. */
export function markOf(flag: number, diameter: number, unit: number) {
  let size = diameter;
  if (flag & SELECTED) size = 1.1 * size + 1.5 * unit;
  if (flag & MATCH) size = 1.6 * size + 4 * unit;
  if (flag & PINNED) size = Math.max(1.2 * size, 7 * unit);
  const ring = flag & MARKED ? Math.min(1.6 * unit, Math.max(0.75 * unit, 0.18 * size)) : 0;
  return { size, ring, square: (flag & PINNED) !== 0 };
}

/** How a point's own size (0 … 255) scales the diameter. */
export const SMALLEST = 0.6;
export const LARGEST = 2.6;

export interface Look {
  camera: Camera;
  moment: Moment;
  /** Diameter in CSS pixels. */
  size: number;
  alpha: number;
  ratio: number;
}

export interface Colors {
  /** RGB, 256 entries; for numbers entry 255 is that of missing values. */
  table: Uint8Array;
  /** Number of categories' colours, or 0 where codes are numbers. */
  count: number;
  /** Of the text, for marks; and of the background, into which distance fades. RGB. */
  ink: readonly number[];
  ground: readonly number[];
}

export const NO_COLORS: Colors = {
  table: new Uint8Array(768),
  count: 1,
  ink: [0, 0, 0],
  ground: [255, 255, 255],
};

export interface Renderer {
  readonly kind: "webgl2" | "canvas2d";
  /** False while there is no context to draw with: nothing is uploaded then. */
  readonly ready: boolean;
  upload(slot: number, frame: Frame): void;
  setCodes(codes: Uint16Array): void;
  setFlags(flags: Uint8Array): void;
  /** One byte a point, or null: all alike. */
  setSizes(sizes: Uint8Array | null): void;
  setColors(colors: Colors): void;
  draw(context: CanvasRenderingContext2D, look: Look): void;
  dispose(): void;
}

/** Diameter and opacity for n points on a picture of `area` CSS pixels: few are large, many are fine. */
export function pointLook(n: number, area: number, zoom: number): { size: number; alpha: number } {
  const room = Math.sqrt((0.11 * area) / Math.max(1, n));
  const size = Math.min(9, Math.max(1.5, room)) * Math.min(4, Math.max(0.7, zoom ** 0.45));
  const crowd = Math.log10(Math.max(1, n) / 1000) - 0.9 * Math.log10(Math.max(1, zoom));
  return { size: Math.min(18, size), alpha: Math.min(0.92, Math.max(0.35, 0.86 - 0.13 * crowd)) };
}
