/** One thing that is done later: what is set anew takes its place, and with the signal it ends. */

import { atEnd } from "./dom.ts";

export class Timer {
  #id: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly signal: AbortSignal) {
    atEnd(signal, () => this.stop());
  }

  /** Whether something is to be done. */
  get waits(): boolean {
    return this.#id !== undefined;
  }

  start(act: () => void, milliseconds: number): void {
    this.stop();
    if (this.signal.aborted) return;
    this.#id = setTimeout(() => {
      this.#id = undefined;
      act();
    }, milliseconds);
  }

  stop(): void {
    clearTimeout(this.#id);
    this.#id = undefined;
  }
}
