/** One map laid over another: moved, turned, mirrored, and stretched so that both are equally large. */

import { back, between, distance, STILL, type Turn, times, turnedBy } from "./turn.ts";

type Triple = [number, number, number];

/** A place p of the map lies at `at + scale * turn p` on the ground. */
export interface Lay {
  turn: Turn;
  scale: number;
  at: Triple;
}

export const HERE: Lay = { turn: STILL, scale: 1, at: [0, 0, 0] };

/** A map is turned over only where it fits better by this factor than as it lies: so that it does not flip to and fro. */
const CLEARLY = 1.15;
/** Rounds over the planes of three axes. */
const ROUNDS = 40;

export function laid({ turn, scale, at }: Lay, place: Triple): Triple {
  const turned = turnedBy(turn, place);
  return at.map((value, axis) => value + scale * turned[axis]!) as Triple;
}

/** Where on the map a place of the ground lies. */
export function lifted(lay: Lay, place: Triple): Triple {
  if (lay === HERE) return place;
  const away = place.map((value, axis) => (value - lay.at[axis]!) / lay.scale);
  return turnedBy(back(lay.turn), away);
}

export function halfway(from: Lay, to: Lay, share: number): Lay {
  const mix = (a: number, b: number) => a + share * (b - a);
  return {
    turn: between(from.turn, to.turn, share),
    scale: from.scale * (to.scale / from.scale) ** share,
    at: from.at.map((value, axis) => mix(value, to.at[axis]!)) as Triple,
  };
}

/** How far two are from each other; `extent` is the part of the ground that is in the picture. */
export function unlike(a: Lay, b: Lay, extent: number): number {
  const [p, q] = [a.at, b.at];
  const way = Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) / extent;
  return distance(a.turn, b.turn) + Math.abs(Math.log(a.scale / b.scale)) + way;
}

/**
 * Lays points over others, given axis by axis (2 or 3): orthogonal Procrustes analysis (Schönemann 1966,
 * doi:10.1007/BF02289451), with the ratio of both sizes for the scale. The least squares scale would shrink a map the
 * more the less it is like the other. `before` is how it lay until now.
 */
export function lay(points: Float64Array[], ground: Float64Array[], before: Lay): Lay {
  const [from, to] = [points.map(mean), ground.map(mean)];
  const size = Math.sqrt(power(ground, to) / power(points, from));
  if (!(size > 0 && Number.isFinite(size))) return HERE;
  // What the turn must make large: the sum of ground · turned point, as a matrix by columns.
  const match = [0, 1, 2].flatMap((column) =>
    [0, 1, 2].map((row) => inner(ground[row], to[row]!, points[column], from[column]!)),
  );
  const turn = best(match, points.length, before.turn);
  const centre = turnedBy(turn, [from[0]!, from[1]!, from[2] ?? 0]);
  return { turn, scale: size, at: centre.map((value, axis) => (to[axis] ?? 0) - size * value) as Triple };
}

/** A flat map is turned over in space, which mirrors it; one in space is mirrored. */
function best(match: number[], c: number, before: Turn): Turn {
  const over: Turn = c === 2 ? [1, 0, 0, 0, -1, 0, 0, 0, -1] : [-1, 0, 0, 0, 1, 0, 0, 0, 1];
  const [same, other] = [before, times(before, over)].map((start) => climb(match, c, start));
  const first = before === STILL ? 1 : CLEARLY;
  return gain(match, other!) > first * gain(match, same!) ? other! : same!;
}

/** The turn that agrees best, reached from another by the best turn in each plane in turn; for two axes in one step. */
function climb(match: number[], c: number, start: Turn): Turn {
  let turn = start;
  const planes = c === 2 ? [[0, 1]] : [[0, 1], [0, 2], [1, 2]]; // biome-ignore format: one line
  for (let round = 0; round < (c === 2 ? 1 : ROUNDS); round++) {
    for (const [i, j] of planes) {
      const m = times(match, back(turn));
      const angle = Math.atan2(m[3 * i! + j!]! - m[3 * j! + i!]!, m[4 * i!]! + m[4 * j!]!);
      const step = [...STILL];
      step[4 * i!] = step[4 * j!] = Math.cos(angle);
      step[3 * i! + j!] = Math.sin(angle);
      step[3 * j! + i!] = -Math.sin(angle);
      turn = times(step, turn);
    }
  }
  return turn;
}

function gain(match: number[], turn: Turn): number {
  return match.reduce((sum, value, at) => sum + value * turn[at]!, 0);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function power(axes: Float64Array[], centre: number[]): number {
  return axes.reduce((sum, values, axis) => sum + inner(values, centre[axis]!, values, centre[axis]!), 0);
}

function inner(a: Float64Array | undefined, p: number, b: Float64Array | undefined, q: number): number {
  if (!a || !b) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - p) * (b[i]! - q);
  return sum;
}
