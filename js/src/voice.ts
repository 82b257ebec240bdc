/** What is told to people who do not see the picture: gathered for a moment, then said once. */

import { h } from "./dom.ts";
import { Timer } from "./timer.ts";

/** Milliseconds in which what comes together is said together. */
const GATHER = 350;

export class Voice {
  readonly element = h("span.ne-hidden", { role: "status" });
  #pending: string[] = [];
  readonly #timer: Timer;

  constructor(signal: AbortSignal) {
    this.#timer = new Timer(signal);
  }

  say(text: string): void {
    if (!text) return;
    // The last word on something counts: what begins alike is said once.
    const head = text.split(",", 1)[0];
    this.#pending = [...this.#pending.filter((other) => other.split(",", 1)[0] !== head), text];
    this.#timer.start(() => {
      this.element.textContent = this.#pending.join(". ");
      this.#pending = [];
    }, GATHER);
  }
}
