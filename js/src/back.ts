/** One handle for the past of all runs of a comparison: each shows where it was at that iteration, or is, if not as far. */

import { h, listen, put, say } from "./dom.ts";
import { counted } from "./scale.ts";
import { stepped } from "./timeline.ts";

export class Back {
  readonly #slider = h("input", {
    type: "range",
    min: "0",
    step: "1",
    "aria-label": "timeline",
    title: "Look back in all maps: the runs go on meanwhile",
  });
  readonly #where = h("span.ne-player-where");
  readonly element = h("div.ne-player", h("div.ne-player-track", this.#slider), this.#where);
  /** The iteration that is looked at; null: the present. */
  wanted: number | null = null;
  #reached = 0;

  constructor(
    private readonly look: (iteration: number) => void,
    signal: AbortSignal,
  ) {
    listen(this.#slider, "input", () => this.#turn(this.#slider.valueAsNumber), signal);
  }

  /** Looks at an earlier (-1) or later (1) moment than now. */
  step(direction: number): void {
    this.#turn(stepped(this.wanted, this.#reached, direction));
  }

  /** How far the run is that is furthest. */
  reach(iteration: number): void {
    this.#reached = iteration;
    const slider = this.#slider;
    const at = Math.min(this.wanted ?? iteration, iteration);
    const where = this.wanted === null ? "now" : `iteration ${counted(at)}`;
    put(slider, at, iteration);
    slider.setAttribute("aria-valuetext", where);
    say(this.#where, where);
  }

  #turn(at: number): void {
    this.wanted = at < this.#reached ? at : null;
    this.look(at);
    this.reach(this.#reached);
  }
}
