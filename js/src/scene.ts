/** Draws points. Two renderers with one interface: WebGL2, and Canvas2D where that is absent. */

import type { Camera } from "./camera.ts";
import type { Moment } from "./clock.ts";
import { clamp } from "./scale.ts";
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
/** Drawn by a hand that drags it, not with the others. */
export const LIFTED = 32;
export const UNDRAWN = HIDDEN | LIFTED;
/** Found with so many others that being larger would hide them all. */
export const FOUND = 64;
export const MARKED = SELECTED | PINNED | MATCH | FOUND;

/** Share of its opacity that a dimmed point keeps. */
export const DIM = 0.12;

/** How far the farthest points of a map in 3D fade into the background. */
export const FOG = 0.68;

/** What is drawn first lies below: dimmed points, plain ones, marked ones. */
export function layerOf(flag: number): number {
  return flag & MARKED ? 2 : flag & DIMMED ? 0 : 1;
}

/** Which layers have points, lowest first. */
export function layersOf(flags: Uint8Array): number[] {
  const seen = new Uint8Array(256);
  for (let i = 0; i < flags.length; i++) seen[flags[i]!] = 1;
  const found = new Set<number>();
  seen.forEach((there, flag) => {
    if (there && !(flag & UNDRAWN)) found.add(layerOf(flag));
  });
  return [...found].sort();
}

/** CSS pixels from which on a marked point has a ring. */
export const RING_FROM = 5;

/** Diameter, width of the ring (0: none) and shape of a point with this flag; `unit` is one CSS pixel, see `pinLook`. */
export function markOf(flag: number, diameter: number, unit: number, pin: number) {
  let size = diameter;
  if (flag & SELECTED) size = 1.15 * size + 0.8 * unit;
  if (flag & MATCH) size = 1.4 * size + 2.5 * unit;
  if (flag & PINNED) size = Math.max(1.2 * size, pin * unit);
  // Rings of small points would leave nothing of their colours.
  const ring = flag & MARKED && size >= RING_FROM * unit ? clamp(0.18 * size, 0.75 * unit, 1.6 * unit) : 0;
  return { size, ring, square: (flag & PINNED) !== 0 };
}

/** How a point's own size (0 … 255) scales the diameter. */
export const SMALLEST = 0.6;
export const LARGEST = 2.6;

/** Least width of pinned points in CSS pixels: one is found at a glance, thousands do not make a blot. */
export function pinLook(count: number): number {
  return clamp(12 - 2.3 * Math.log10(Math.max(1, count)), 4, 10);
}

export interface Look {
  camera: Camera;
  moment: Moment;
  /** Diameter in CSS pixels. */
  size: number;
  alpha: number;
  ratio: number;
  /** Of plain points only every so-manyth is drawn; see pace.ts. */
  stride: number;
  /** Least width of a pinned point in CSS pixels. */
  pin: number;
  /** Above 0: spots of this diameter are summed up and shown as density, the sum `white` in full. */
  white: number;
  spot: number;
  /** Below what the canvas holds, which stays. */
  under?: boolean;
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
  /** Whether it can sum up spots. */
  readonly sums: boolean;
  upload(slot: number, frame: Frame): void;
  setCodes(codes: Uint16Array): void;
  setFlags(flags: Uint8Array): void;
  /** One byte a point, or null: all alike. */
  setSizes(sizes: Uint8Array | null): void;
  setColors(colors: Colors): void;
  draw(context: CanvasRenderingContext2D, look: Look): void;
  dispose(): void;
}

/**
 * Diameter and opacity for n points that lie on `area` CSS pixels as close as most of them do. Few and far
 * between they are large; where they crowd they are fine, and so faint that what lies below shows through.
 */
export function pointLook(n: number, area: number): Pick<Look, "size" | "alpha"> {
  const spacing = Math.sqrt(area / Math.max(1, n));
  const size = clamp(1.9 * spacing ** 0.6, finest(n), 11);
  const layers = (Math.PI / 4) * (size / spacing) ** 2;
  return { size, alpha: clamp(1 - 0.1 ** (1 / layers), 0.3, 0.92) };
}

/** Least diameter for n points: where few are pulled together they are still seen, and many make no blots. */
function finest(n: number): number {
  return clamp(9.3 - 1.6 * Math.log10(Math.max(1, n)), 1.4, 6);
}

/** The same as density: each point is a soft spot, and `white` the sum of spots that is shown in full. */
export function densityLook(n: number, area: number): Pick<Look, "spot" | "white"> {
  const spacing = Math.sqrt(area / Math.max(1, n));
  const spot = clamp(7 * spacing, 3.5, 40);
  return { spot, white: Math.max(2, 4 * (Math.PI / 12) * (spot / spacing) ** 2) };
}

/** Density without sums: small points so faint that only many make a colour. */
export function faintLook(n: number, area: number): Pick<Look, "size" | "alpha"> {
  const spacing = Math.sqrt(area / Math.max(1, n));
  const size = clamp(2 * spacing, 2, 6);
  return { size, alpha: clamp(0.4 * (spacing / size) ** 2, 0.02, 0.5) };
}
