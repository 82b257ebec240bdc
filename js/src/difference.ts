/** Lines from where points lie on the first map to where they lie on another. */

import type { Member } from "./beside.ts";
import type { Projection } from "./projection.ts";

/** Points without a selection, chosen evenly; and selected ones at most. */
const SOME = 400;
const MOST = 3000;
const FAINT = 0.5;

export function drawWays(
  context: CanvasRenderingContext2D,
  ratio: number,
  { stage, points, explore }: Pick<Member, "stage" | "points" | "explore">,
  ground: Projection | null,
): void {
  const here = stage.projection();
  if (!here || !ground) return;
  context.save();
  context.scale(ratio, ratio);
  for (const point of chosen(explore.selection.indices, here.n)) {
    const [from, to] = [ground.at(point), here.at(point)];
    if (!from || !to || points.hidden(point)) continue;
    context.strokeStyle = context.fillStyle = points.describe(point).color;
    context.globalAlpha = FAINT;
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.lineTo(to[0], to[1]);
    context.stroke();
    context.globalAlpha = 1;
    context.fillRect(to[0] - 1.5, to[1] - 1.5, 3, 3);
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
