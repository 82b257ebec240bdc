/** Says how the wheel zooms, where it was turned in vain. */

import { h } from "./dom.ts";

/** Milliseconds. */
const TIME = 1400;

export class Hint {
  readonly element = h(
    "div",
    { class: "ne-hint", "aria-hidden": "true" },
    "Click the picture, then scroll to zoom",
  );
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  show(): void {
    clearTimeout(this.#timer);
    this.element.classList.add("ne-shown");
    this.#timer = setTimeout(() => this.element.classList.remove("ne-shown"), TIME);
  }
}
