/** Lines from points to neighbours, near or far as they may be drawn. */

import type { Points } from "./points.ts";
import type { Stage } from "./stage.ts";

/** Opacity of the line to the nearest neighbour, and to the farthest. */
const NEAREST = 0.95;
const FARTHEST = 0.45;

/** Pairs of points, by what the second is to the first: see style.css for what each looks like. */
export interface LinesOf {
  /** Near in the data and in the map, nearest first. */
  kept: Uint32Array;
  /** Near in the data alone. */
  missing: Uint32Array;
  /** Near in the map alone. */
  wrong: Uint32Array;
}

const NONE = new Uint32Array(0);
const LOOKS = {
  wrong: { color: "--ne-wrong", dash: [4, 3], fades: false },
  missing: { color: "--ne-missing", dash: [], fades: false },
  kept: { color: "--ne-accent", dash: [], fades: true },
} as const;

export class Lines {
  #centre = -1;
  #of: LinesOf = { kept: NONE, missing: NONE, wrong: NONE };

  constructor(
    private readonly stage: Stage,
    private readonly points: Points,
  ) {}

  /** Draws these lines; those of one point (-1: of several) end in rings. */
  show(of: LinesOf, centre: number): void {
    this.#of = of;
    this.#centre = centre;
    this.stage.draw();
  }

  get shown(): boolean {
    const { kept, missing, wrong } = this.#of;
    return this.#centre >= 0 || kept.length + missing.length + wrong.length > 0;
  }

  clear(): void {
    this.show({ kept: NONE, missing: NONE, wrong: NONE }, -1);
  }

  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    if (!this.shown) return;
    const { ink } = this.stage;
    const radius = this.stage.size / 2 + 1.5;
    const single = this.#centre >= 0;
    context.save();
    context.scale(ratio, ratio);
    context.lineWidth = single ? 1.25 : 1;
    for (const [kind, { color, dash, fades }] of Object.entries(LOOKS)) {
      const pairs = this.#of[kind as keyof LinesOf];
      const count = pairs.length >> 1;
      context.strokeStyle = ink.of(color);
      for (let at = 0; at < count; at++) {
        const [from, to] = [this.#place(pairs[2 * at]!), this.#place(pairs[2 * at + 1]!)];
        if (!from || !to) continue;
        context.globalAlpha = fades
          ? NEAREST - ((NEAREST - FARTHEST) * at) / Math.max(1, count - 1)
          : single
            ? 0.9
            : 0.6;
        context.setLineDash(dash);
        context.beginPath();
        context.moveTo(...from);
        context.lineTo(...to);
        context.stroke();
        context.setLineDash([]);
        if (single) ring(context, to, radius);
      }
    }
    const start = single ? this.stage.where(this.#centre) : null;
    if (start) {
      context.globalAlpha = 1;
      context.lineWidth = 2;
      context.strokeStyle = ink.of("--ne-accent");
      ring(context, start, radius + 2);
    }
    context.restore();
  }

  #place(point: number): [number, number] | null {
    return this.points.hidden(point) ? null : this.stage.where(point);
  }
}

function ring(context: CanvasRenderingContext2D, at: [number, number], radius: number): void {
  context.beginPath();
  context.arc(at[0], at[1], radius, 0, 2 * Math.PI);
  context.stroke();
}
