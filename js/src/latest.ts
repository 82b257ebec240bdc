/** Sends values one at a time: while one is under way only the newest of the others is kept, and goes next. */

/** Milliseconds after which an answer no longer comes: the kernel was restarted, or the link was lost. */
export const PATIENCE = 15_000;

export class Latest<T> {
  #id = -1;
  #sentAt = 0;
  #waiting: { value: T } | null = null;

  /** `send` gives the id that the answer will carry. */
  constructor(
    private readonly send: (value: T) => number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Whether a value is under way or waits. */
  get busy(): boolean {
    return this.#id >= 0 && this.now() - this.#sentAt < PATIENCE;
  }

  push(value: T): void {
    if (this.busy) {
      this.#waiting = { value };
      return;
    }
    this.#waiting = null;
    this.#sentAt = this.now();
    this.#id = this.send(value);
  }

  /** Takes an answer; true if it answers the last word, so that its value is the one to show. */
  answer(id: number): boolean {
    if (id < 0 || id !== this.#id) return false;
    this.#id = -1;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (!waiting) return true;
    this.push(waiting.value);
    return false;
  }
}
