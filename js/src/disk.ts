/** The Poincare disk: its edge, under the points of a method that embeds in it. */

import type { Camera } from "./camera.ts";
import type { Bounds } from "./extent.ts";

export const DISK: Pick<Bounds, "lo" | "hi"> = { lo: [-1, -1], hi: [1, 1] };

/** Draws the unit circle beneath what is drawn already; ratio: canvas pixels per CSS pixel. */
export function drawDisk(
  context: CanvasRenderingContext2D,
  camera: Camera,
  ratio: number,
  color: string,
): void {
  const [x, y] = camera.toScreen(0, 0);
  context.save();
  context.globalCompositeOperation = "destination-over";
  context.beginPath();
  context.arc(x * ratio, y * ratio, camera.unit * ratio, 0, 2 * Math.PI);
  context.lineWidth = ratio;
  context.strokeStyle = color;
  context.stroke();
  context.restore();
}
