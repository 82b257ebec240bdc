/** What arrives over the link, counted over the last seconds. */

const WINDOW = 2000;

export class Meter {
  #arrived: { at: number; bytes: number }[] = [];
  #waiting = 0;
  /** Frames that a newer one replaced before they were drawn. */
  dropped = 0;

  arrive(bytes: number, now: number): void {
    this.#arrived.push({ at: now, bytes });
    this.#waiting++;
  }

  /** The newest frame was drawn. */
  draw(): void {
    this.dropped += Math.max(0, this.#waiting - 1);
    this.#waiting = 0;
  }

  /** Bytes a second, on average over the last two. */
  rate(now: number): number {
    this.#arrived = this.#arrived.filter(({ at }) => now - at < WINDOW);
    return (this.#arrived.reduce((sum, { bytes }) => sum + bytes, 0) * 1000) / WINDOW;
  }
}
