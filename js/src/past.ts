/** Frames that have been here, kept to look at again, in bounded memory. */

import type { Frame } from "./types.ts";

/** Bytes, and frames. */
const BUDGET = 64 << 20;
const MOST = 1000;

export class Past {
  #frames: Frame[] = [];
  #bytes = 0;

  constructor(private readonly budget = BUDGET) {}

  /** Keeps a frame; of a run that went back, what came later is forgotten. */
  keep(frame: Frame): void {
    const last = this.#frames.at(-1);
    if (last && (last.n !== frame.n || last.c !== frame.c)) this.clear();
    while (this.#frames.length > 0 && this.#frames.at(-1)!.iteration >= frame.iteration) this.#drop();
    this.#push(frame);
  }

  /** Puts a frame that the kernel still had where it belongs. */
  insert(frame: Frame): void {
    const last = this.#frames.at(-1);
    if (last && (last.n !== frame.n || last.c !== frame.c)) return;
    if (this.#frames.some(({ iteration }) => iteration === frame.iteration)) return;
    this.#push(frame);
  }

  /** The frame that lies nearest to an iteration. */
  nearest(iteration: number): Frame | null {
    let best: Frame | null = null;
    for (const frame of this.#frames) {
      if (!best || Math.abs(frame.iteration - iteration) < Math.abs(best.iteration - iteration)) best = frame;
    }
    return best;
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }

  get size(): number {
    return this.#frames.length;
  }

  /** Puts a frame at its place in time, and gives others up as long as there is too much. */
  #push(frame: Frame): void {
    const frames = this.#frames;
    frames.push(frame);
    frames.sort((a, b) => a.iteration - b.iteration);
    this.#bytes += frame.positions.byteLength;
    while (frames.length > MOST || (this.#bytes > this.budget && frames.length > 2)) this.#thin();
  }

  #drop(): void {
    this.#bytes -= this.#frames.pop()!.positions.byteLength;
  }

  /** Gives up the frame whose neighbours in time are nearest to each other, so that the rest lies evenly. */
  #thin(): void {
    const frames = this.#frames;
    let [least, place] = [Infinity, frames.length - 1];
    for (let at = 1; at < frames.length - 1; at++) {
      const gap = frames[at + 1]!.iteration - frames[at - 1]!.iteration;
      if (gap < least) [least, place] = [gap, at];
    }
    const [gone] = frames.splice(place, 1);
    this.#bytes -= gone?.positions.byteLength ?? 0;
  }
}
