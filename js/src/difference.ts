/** Lines from where points lie on the first map to where they lie on another, below the points. */

import type { Member } from "./beside.ts";
import type { Projection } from "./projection.ts";

/** Points without a selection, chosen evenly; and selected ones at most. */
const SOME = 400;
const MOST = 3000;

export function drawWays(
  context: CanvasRenderingContext2D,
  ratio: number,
  { stage, points, explore }: Member,
  ground: Projection | null,
): void {
  const here = stage.projection();
  if (!here || !ground) return;
  context.save();
  context.scale(ratio, ratio);
  context.globalCompositeOperation = "destination-over"; // the points stay clear
  context.globalAlpha = 0.6;
  context.lineWidth = 1.2;
  for (const point of chosen(explore.selection.indices, here.n)) {
    const [from, to] = [ground.at(point), here.at(point)];
    if (!from || !to || points.hidden(point)) continue;
    context.strokeStyle = points.describe(point).color;
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.lineTo(to[0], to[1]);
    context.stroke();
  }
  context.restore();
}

function chosen(selected: Uint32Array, n: number): number[] {
  const [from, most] = selected.length > 0 ? [selected.length, MOST] : [n, SOME];
  const count = Math.min(from, most);
  return Array.from({ length: count }, (_none, k) => {
    const at = Math.floor((k * from) / count);
    return selected.length > 0 ? selected[at]! : at;
  });
}
