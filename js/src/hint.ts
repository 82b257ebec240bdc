/** Says how the wheel zooms, where it was turned in vain. */

import { h } from "./dom.ts";
import { Timer } from "./timer.ts";

/** Milliseconds. */
const TIME = 1400;

export class Hint {
  readonly element = h("div.ne-hint", { "aria-hidden": "true" }, "Click the picture, then scroll to zoom");
  readonly #timer: Timer;

  constructor(signal: AbortSignal) {
    this.#timer = new Timer(signal);
  }

  show(): void {
    this.element.classList.add("ne-shown");
    this.#timer.start(() => this.element.classList.remove("ne-shown"), TIME);
  }
}
