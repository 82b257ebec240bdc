/** Points held by hand: dragged, pinned where they are, counted, and let go. */

import type { Command, Commands } from "./commands.ts";
import { h, listen, say } from "./dom.ts";
import { Drag } from "./drag.ts";
import type { Gesture } from "./hand.ts";
import type { Link } from "./link.ts";
import type { Points } from "./points.ts";
import { counted } from "./scale.ts";
import { LIFTED, PINNED } from "./scene.ts";
import type { Stage } from "./stage.ts";
import type { SetReply } from "./types.ts";

export interface HoldParts {
  stage: Stage;
  points: Points;
  link: Link;
  commands: Commands;
  /** Ascending. */
  selected(): Uint32Array;
  /** Says why something was not done. */
  note(text: string): void;
  announce(text: string): void;
}

export class Hold {
  readonly element = h("section.ne-held", { "aria-label": "Pinned points", hidden: true });
  readonly #count = h("span.ne-held-count", "0 pinned");
  readonly #drag: Drag;
  /** Ascending. */
  #pinned: Uint32Array = new Uint32Array(0);

  constructor(
    private readonly parts: HoldParts,
    signal: AbortSignal,
  ) {
    const { stage, points, link, commands } = parts;
    this.#drag = new Drag(stage, {
      taken: (point) => this.#taken(point),
      hidden: (point) => points.hidden(point),
      color: (point) => points.describe(point).color,
      lifted: (lifted) => points.mark(LIFTED, lifted),
      put: (moved, places) => link.hold("move", moved, places),
      let: () => commands.changed(),
    });
    const button = h("button.ne-action", "release all");
    listen(button, "click", () => link.hold("release", null), signal);
    this.element.append(h("i.ne-pin", { "aria-hidden": "true" }), this.#count, button);
    commands.add(...this.#declare());
  }

  /** The gesture of a press on a point; null where there is none. */
  press(x: number, y: number): Gesture | null {
    return this.#drag.press(x, y);
  }

  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    this.#drag.drawn(context, ratio);
  }

  /** The points that are pinned, ascending, as the kernel tells. */
  show(pinned: Uint32Array): void {
    this.#pinned = pinned;
    this.parts.stage.pinned = pinned.length;
    this.parts.points.mark(PINNED, pinned);
    this.element.hidden = pinned.length === 0;
    const text = `${counted(pinned.length)} pinned`;
    if (text !== this.#count.textContent) this.parts.announce(text);
    say(this.#count, text);
    this.parts.commands.changed();
  }

  /** The points are others now; which of them are pinned is told next. */
  regrouped(): void {
    this.#drag.forget();
  }

  /** The kernel did what was asked, or says why not. */
  answer({ id, ok, error }: Pick<SetReply, "id" | "ok" | "error">): void {
    if (!ok && error) this.parts.note(error);
    this.#drag.answer(id, ok);
  }

  #taken(point: number): Uint32Array {
    const selected = this.parts.selected();
    return selected.includes(point) ? selected : Uint32Array.of(point);
  }

  #declare(): Command[] {
    const group = "hold";
    const { link, selected } = this.parts;
    return [
      {
        name: "pin selection",
        live: true,
        keys: ["p"],
        group,
        run: () => link.hold("pin", selected()),
        able: () => selected().length > 0,
      },
      {
        name: "release pinned",
        live: true,
        keys: ["u"],
        group,
        run: () => link.hold("release", this.#chosen()),
        able: () => this.#pinned.length > 0,
      },
    ];
  }

  /** The pinned points among those selected; null where there are none: then all are meant. */
  #chosen(): Uint32Array | null {
    const selected = new Set(this.parts.selected());
    const chosen = this.#pinned.filter((point) => selected.has(point));
    return chosen.length > 0 ? chosen : null;
  }
}
