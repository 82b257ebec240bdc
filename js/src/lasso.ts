/** Selecting by hand: a free outline or a box, drawn over the picture while the pointer is down. */

import type { Command } from "./commands.ts";
import type { Gesture } from "./hand.ts";
import { ICON } from "./icons.ts";
import type { How } from "./select.ts";
import type { Stage } from "./stage.ts";

export type Mode = "pan" | "lasso" | "box" | "move";

/** Pixels between two corners of a lasso. */
const GRAIN = 2;
/** An outline within fewer pixels than this was no outline. */
const LEAST = 3;

export class Lasso {
  mode: Mode = "pan";
  #outline: number[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly select: (outline: readonly number[], how: How) => void,
  ) {}

  get drawing(): boolean {
    return this.#outline.length > 0;
  }

  commands(): Command[] {
    const group = "pointer";
    const mode = (mode: Mode, key: string, icon: string, name: string = mode): Command => ({
      name,
      keys: [key],
      icon,
      group,
      where: "every",
      run: () => this.use(mode),
      on: () => this.mode === mode,
    });
    const move = mode("move", "m", ICON.move, "move points");
    return [
      mode("pan", "v", ICON.pan),
      mode("lasso", "l", ICON.lasso),
      mode("box", "b", ICON.box),
      { ...move, live: true },
    ];
  }

  use(mode: Mode): void {
    this.mode = mode;
    this.stage.canvas.dataset.mode = mode;
  }

  /** The gesture that a press begins; null where it moves the camera. Shift selects on a flat map in every mode. */
  press(x: number, y: number, event: PointerEvent): Gesture | null {
    const draws = this.mode === "lasso" || this.mode === "box";
    if (!draws && (!event.shiftKey || this.stage.camera.solid)) return null;
    const how: How = event.shiftKey ? "add" : event.altKey ? "subtract" : "replace";
    const box = this.mode === "box";
    let moves = 0;
    return {
      move: (toX, toY) => {
        if (moves++ && !this.drawing) return; // given up meanwhile
        const last = this.#outline.length;
        if (box) this.#outline = [x, y, toX, y, toX, toY, x, toY];
        else if (last === 0) this.#outline = [x, y, toX, toY];
        else if (Math.hypot(toX - this.#outline[last - 2]!, toY - this.#outline[last - 1]!) >= GRAIN)
          this.#outline.push(toX, toY);
        this.stage.draw();
      },
      end: () => {
        const outline = this.#outline;
        this.cancel();
        if (outline.length >= 6 && spread(outline) >= LEAST) this.select(outline, how);
      },
      cancel: () => this.cancel(),
    };
  }

  cancel(): void {
    this.#outline = [];
    this.stage.draw();
  }

  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    if (!this.drawing) return;
    const accent = this.stage.ink.of("--ne-accent");
    const outline = this.#outline;
    context.save();
    context.scale(ratio, ratio);
    context.beginPath();
    for (let at = 0; at < outline.length; at += 2) context.lineTo(outline[at]!, outline[at + 1]!);
    context.closePath();
    context.fillStyle = context.strokeStyle = accent;
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    context.stroke();
    context.globalAlpha = 0.1;
    context.fill("evenodd");
    context.restore();
  }
}

function spread(outline: readonly number[]): number {
  const axis = (from: number) => outline.filter((_, at) => at % 2 === from);
  const span = (values: number[]) => Math.max(...values) - Math.min(...values);
  return Math.max(span(axis(0)), span(axis(1)));
}
