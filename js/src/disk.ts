/** The Poincare disk: its edge, under the points of a method that embeds in it. */

import type { Camera } from "./camera.ts";
import type { Bounds } from "./extent.ts";

/** All of it, of a frame of that scale. */
export function diskOf(scale: number): Pick<Bounds, "lo" | "hi"> {
  const radius = 1 / scale;
  return { lo: [-radius, -radius], hi: [radius, radius] };
}

/** Draws its edge beneath what is drawn already; ratio: canvas pixels per CSS pixel. */
export function drawDisk(
  context: CanvasRenderingContext2D,
  camera: Camera,
  ratio: number,
  color: string,
  scale: number,
): void {
  const [x, y] = camera.toScreen(0, 0);
  context.save();
  context.globalCompositeOperation = "destination-over";
  context.beginPath();
  context.arc(x * ratio, y * ratio, (camera.unit / scale) * ratio, 0, 2 * Math.PI);
  context.lineWidth = ratio;
  context.strokeStyle = color;
  context.stroke();
  context.restore();
}
