/** Draws points. Two renderers with one interface: WebGL2, and Canvas2D where that is absent. */

import type { Camera } from "./camera.ts";
import type { Moment } from "./clock.ts";
import type { Frame } from "./types.ts";

/** Bits of a point's flag. */
export const HIDDEN = 1;
export const DIMMED = 2;

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
}

export interface Renderer {
  readonly kind: "webgl2" | "canvas2d";
  /** False while there is no context to draw with: nothing is uploaded then. */
  readonly ready: boolean;
  upload(slot: number, frame: Frame): void;
  setCodes(codes: Uint16Array): void;
  setFlags(flags: Uint8Array): void;
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
