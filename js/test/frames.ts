/** Frames for tests, made of positions or levels. */

import type { Frame } from "../src/types.ts";

export function frameOf(
  positions: Uint16Array | Float32Array,
  lo: readonly number[] = [0, 0],
  sc: readonly number[] = lo.map(() => 1),
): Frame {
  const c = lo.length as 2 | 3;
  const rest = { loss: null, state: "running", speed: 0, params: {}, following: {}, work: {}, note: "" };
  return { seq: 1, iteration: 1, n: positions.length / c, c, positions, lo, sc, scale: 1, ...rest };
}

/** Numbers from 0 to 1, the same ones for the same seed. */
export function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
