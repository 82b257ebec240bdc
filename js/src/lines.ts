/** Lines from a point to its neighbours in the data, near or far as they may be drawn. */

import type { Points } from "./points.ts";
import type { Stage } from "./stage.ts";

/** Opacity of the line to the nearest neighbour, and to the farthest. */
const NEAREST = 0.95;
const FARTHEST = 0.45;

export class Lines {
  /** The point that lines start from; -1: none. */
  from = -1;
  #to: Uint32Array = new Uint32Array(0);

  constructor(
    private readonly stage: Stage,
    private readonly points: Points,
  ) {}

  show(point: number, neighbors: Uint32Array): void {
    this.from = point;
    this.#to = neighbors;
    this.stage.draw();
  }

  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    if (this.from < 0) return;
    const start = this.stage.where(this.from);
    if (!start) return;
    context.save();
    context.scale(ratio, ratio);
    context.strokeStyle = context.fillStyle = getComputedStyle(this.stage.canvas).getPropertyValue(
      "--ne-accent",
    );
    context.lineWidth = 1.25;
    const radius = this.stage.size / 2 + 1.5;
    this.#to.forEach((point, rank) => {
      const end = this.points.hidden(point) ? null : this.stage.where(point);
      if (!end) return;
      context.globalAlpha = NEAREST - ((NEAREST - FARTHEST) * rank) / Math.max(1, this.#to.length - 1);
      context.beginPath();
      context.moveTo(...start);
      context.lineTo(...end);
      context.stroke();
      ring(context, end, radius);
    });
    context.globalAlpha = 1;
    context.lineWidth = 2;
    ring(context, start, radius + 2);
    context.restore();
  }
}

function ring(context: CanvasRenderingContext2D, at: [number, number], radius: number): void {
  context.beginPath();
  context.arc(at[0], at[1], radius, 0, 2 * Math.PI);
  context.stroke();
}
