/**
 * Snapshot interpolation: what is shown trails what arrived by one smoothed interval between arrivals, so
 * motion is even whatever the rhythm of the frames. Three slots: the frame left, the frame approached, and
 * one that waits. A late frame lets the picture rest; an early one replaces the one that waits.
 */

import { clamp } from "./scale.ts";

const SHORTEST = 16;
const LONGEST = 500;
/** Milliseconds: a longer gap was a pause, and says nothing about the rhythm. */
const PAUSE = 1500;
const SMOOTHING = 0.3;
/** Milliseconds between two pictures where motion is not wanted: a change of scene now and then, no movement. */
const STILL = 1000;

export interface Moment {
  prev: number;
  next: number;
  /** 0 at prev, 1 at next. */
  t: number;
  /** Whether a later moment shows something else. */
  moving: boolean;
}

export class Clock {
  interval = 100;
  /** Without tween every frame is shown at once. */
  tween = true;
  #prev = -1;
  #next = -1;
  #waiting = -1;
  #arrived = 0;
  #start = 0;
  #end = 0;
  #last = Number.NaN;

  get empty(): boolean {
    return this.#next < 0;
  }

  /** Milliseconds until a frame may be shown. */
  wait(now: number): number {
    return this.tween || Number.isNaN(this.#last) ? 0 : Math.max(0, this.#last + STILL - now);
  }

  /** A frame arrived: gives the slot (0, 1 or 2) that it goes to. */
  accept(now: number): number {
    const gap = now - this.#last;
    if (gap < PAUSE) this.interval += SMOOTHING * (clamp(gap, SHORTEST, LONGEST) - this.interval);
    this.#last = now;
    if (this.empty || !this.tween) return this.#show(this.#free(), now);
    this.#advance(now);
    if (now < this.#end) {
      if (this.#waiting < 0) this.#waiting = this.#free();
      this.#arrived = now;
      return this.#waiting;
    }
    this.#prev = this.#next;
    this.#next = this.#free();
    this.#start = now;
    this.#end = now + this.interval;
    return this.#next;
  }

  at(now: number): Moment {
    this.#advance(now);
    const span = this.#end - this.#start;
    const t = span > 0 ? clamp((now - this.#start) / span, 0, 1) : 1;
    return { prev: this.#prev, next: this.#next, t, moving: t < 1 || this.#waiting >= 0 };
  }

  reset(): void {
    this.#prev = this.#next = this.#waiting = -1;
    this.#last = Number.NaN;
  }

  #show(slot: number, now: number): number {
    this.#prev = this.#next = slot;
    this.#waiting = -1;
    this.#start = this.#end = now;
    return slot;
  }

  #advance(now: number): void {
    if (this.#waiting < 0 || now < this.#end) return;
    this.#prev = this.#next;
    this.#next = this.#waiting;
    this.#waiting = -1;
    this.#start = this.#end;
    // A frame that had to wait gets what is left of its interval, but never less than half of it.
    this.#end = this.#start + Math.max(this.interval / 2, this.#arrived + this.interval - this.#start);
  }

  #free(): number {
    return (
      [0, 1, 2].find((slot) => slot !== this.#prev && slot !== this.#next && slot !== this.#waiting) ?? 0
    );
  }
}
