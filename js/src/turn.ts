/** Rotations of three dimensions: matrices of nine numbers, column by column, as WebGL reads them. */

export type Turn = readonly number[];

export const STILL: Turn = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** First `b`, then `a`. */
export function times(a: Turn, b: Turn): Turn {
  return STILL.map((_one, at) => {
    const [row, column] = [at % 3, at - (at % 3)];
    return a[row]! * b[column]! + a[row + 3]! * b[column + 1]! + a[row + 6]! * b[column + 2]!;
  });
}

/** Turns by `yaw` about the axis that points up on screen, then by `pitch` about the one that points right. */
export function turned(turn: Turn, yaw: number, pitch: number): Turn {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  return upright(times([1, 0, 0, 0, cp, sp, 0, -sp, cp], times([cy, 0, -sy, 0, 1, 0, sy, 0, cy], turn)));
}

/** A rotation a share of the way from one to another. */
export function between(from: Turn, to: Turn, share: number): Turn {
  return upright(
    from.map((value, i) => value + share * (to[i]! - value)),
    to,
  );
}

export function distance(a: Turn, b: Turn): number {
  return Math.hypot(...a.map((value, i) => value - b[i]!));
}

/** The nearest rotation in the sense of Gram and Schmidt, so that rounding does not add up. */
function upright([a, b, c, d, e, f]: Turn, otherwise: Turn = STILL): Turn {
  const first = Math.hypot(a!, b!, c!);
  const [x, y, z] = [a! / first, b! / first, c! / first];
  const along = x * d! + y * e! + z * f!;
  const [u, v, w] = [d! - along * x, e! - along * y, f! - along * z];
  const second = Math.hypot(u, v, w);
  if (!(first > 1e-6 && second > 1e-6)) return otherwise;
  const [p, q, r] = [u / second, v / second, w / second];
  return [x, y, z, p, q, r, y * r - z * q, z * p - x * r, x * q - y * p];
}

/** The turn back. */
export function back(turn: Turn): Turn {
  return turn.map((_value, at) => turn[3 * (at % 3) + Math.floor(at / 3)]!);
}

export function turnedBy(turn: Turn, [x, y, z]: readonly number[]): [number, number, number] {
  return [0, 1, 2].map((row) => turn[row]! * x! + turn[row + 3]! * y! + turn[row + 6]! * z!) as [
    number,
    number,
    number,
  ];
}
