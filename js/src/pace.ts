/**
 * How many points a display that cannot keep up draws while they move: all, or every second, third, fifth … one. So a
 * million points without a graphics card still follow the hand; once they rest all are drawn.
 */

/** No numbers in which a repeating order of rows is likely to go. */
const STRIDES = [1, 2, 3, 5, 7, 11] as const;
/** So many points are always drawn. */
const LEAST = 100_000;
/** Milliseconds from one turn of the display to the next: too many, as it should be, and with room to spare. */
const SLOW = 90;
const GOAL = 60;
const FAST = 24;
/** Turns in a row that must be slow before fewer points are drawn, or fast before more are. */
const SURE = 2;
const CALM = 40;

export class Pace {
  #at = 0;
  #slow: number[] = [];
  #fast = 0;

  /** Takes the milliseconds since the last turn of a movement of n points; gives the stride for the next one. */
  turn(gap: number, n: number): number {
    this.#slow = gap > SLOW ? [...this.#slow, gap] : [];
    this.#fast = gap < FAST ? this.#fast + 1 : 0;
    if (this.#slow.length >= SURE) {
      const wanted = (STRIDES[this.#at]! * Math.min(...this.#slow)) / GOAL;
      while (this.#at < STRIDES.length - 1 && STRIDES[this.#at]! < wanted) this.#at++;
      this.#slow = [];
    } else if (this.#fast >= CALM) {
      this.#at = Math.max(0, this.#at - 1);
      this.#fast = 0;
    }
    while (this.#at > 0 && n / STRIDES[this.#at]! < LEAST) this.#at--;
    return STRIDES[this.#at]!;
  }
}
