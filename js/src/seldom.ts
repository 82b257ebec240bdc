/** Does a thing at once, but again only after a while, with the last value that came meanwhile. */

export class Seldom<T> {
  #waiting: { value: T } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `every`: milliseconds between two times. */
  constructor(
    private readonly act: (value: T) => void,
    private readonly every: number,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  push(value: T): void {
    if (this.#timer === undefined) this.now(value);
    else this.#waiting = { value };
  }

  /** Does it without delay; what waited is forgotten. */
  now(value: T): void {
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#waiting = null;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#waiting) this.now(this.#waiting.value);
    }, this.every);
    this.act(value);
  }
}
