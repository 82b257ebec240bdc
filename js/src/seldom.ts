/** Does a thing at once, but again only after a while, with the last value that came meanwhile. */

import { Timer } from "./timer.ts";

export class Seldom<T> {
  #waiting: { value: T } | null = null;
  readonly #timer: Timer;

  /** `every`: milliseconds between two times. */
  constructor(
    private readonly act: (value: T) => void,
    private readonly every: number,
    private readonly signal: AbortSignal,
  ) {
    this.#timer = new Timer(signal);
  }

  push(value: T): void {
    if (this.#timer.waits) this.#waiting = { value };
    else this.now(value);
  }

  /** Does it without delay; what waited is forgotten. */
  now(value: T): void {
    if (this.signal.aborted) return;
    this.#waiting = null;
    this.#timer.start(() => {
      if (this.#waiting) this.now(this.#waiting.value);
    }, this.every);
    this.act(value);
  }
}
