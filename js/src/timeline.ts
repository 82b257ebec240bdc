/** Where the run is in its own time: marks where something was changed, and a handle to go back with. */

import { h, say } from "./dom.ts";
import type { Change } from "./types.ts";

export class Timeline {
  readonly element: HTMLElement;
  readonly #slider = h("input", {
    type: "range",
    min: "0",
    max: "0",
    step: "1",
    "aria-label": "timeline",
    title: "Go back: the run goes on from where the handle is let go",
  });
  readonly #marks = h("div", { class: "ne-marks" });
  readonly #hint = h("span", { class: "ne-back" });
  #changes: Change[] = [];
  #iteration = 0;
  #held = false;

  constructor(goBack: (iteration: number) => void, signal: AbortSignal) {
    const track = h("div", { class: "ne-track" }, this.#slider, this.#marks);
    this.element = h("div", { class: "ne-timeline" }, track, this.#hint);
    this.#slider.addEventListener("input", () => this.#hold(), { signal });
    this.#slider.addEventListener(
      "change",
      () => {
        const wanted = this.#slider.valueAsNumber;
        this.#held = false;
        say(this.#hint, "");
        if (wanted < this.#iteration) goBack(wanted);
        this.#place();
      },
      { signal },
    );
    this.#place();
  }

  /** The iteration that the run has reached. */
  reach(iteration: number): void {
    if (iteration === this.#iteration) return;
    this.#iteration = iteration;
    if (!this.#held) this.#place();
  }

  /** What was changed, in the order in which it was. */
  show(changes: Change[]): void {
    if (JSON.stringify(changes) === JSON.stringify(this.#changes)) return;
    this.#changes = changes;
    this.#marks.replaceChildren(
      ...changes.map(({ iteration, text }) => {
        const title = `${iteration}: ${text}`;
        return h("span", { class: "ne-mark", role: "img", "aria-label": title, title });
      }),
    );
    this.#place();
  }

  #hold(): void {
    this.#held = true;
    const wanted = this.#slider.valueAsNumber;
    this.#slider.setAttribute("aria-valuetext", `iteration ${wanted}`);
    say(this.#hint, wanted < this.#iteration ? `back to ${wanted.toLocaleString("en")}` : "");
    this.#slider.style.setProperty("--ne-share", this.#share(wanted).toFixed(4));
  }

  #place(): void {
    const slider = this.#slider;
    slider.max = String(this.#iteration);
    slider.value = String(this.#iteration);
    slider.disabled = this.#iteration === 0;
    slider.style.setProperty("--ne-share", "1");
    slider.setAttribute("aria-valuetext", `iteration ${this.#iteration}`);
    const marks = this.#marks.children;
    this.#changes.forEach(({ iteration }, place) => {
      const mark = marks[place];
      if (mark instanceof HTMLElement) mark.style.left = `${(100 * this.#share(iteration)).toFixed(2)}%`;
    });
  }

  #share(iteration: number): number {
    return this.#iteration > 0 ? Math.min(iteration / this.#iteration, 1) : 0;
  }
}
