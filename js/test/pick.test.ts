import { describe, expect, it } from "vitest";
import { Grid } from "../src/pick.ts";
import type { Frame, Pair } from "../src/types.ts";

const frameOf = (positions: Uint16Array | Float32Array, lo: Pair = [0, 0], sc: Pair = [1, 1]) =>
  ({ positions, lo, sc, n: positions.length / 2 }) as Frame;

function nearestByHand({ positions, lo, sc, n }: Frame, x: number, y: number, radius: number): number {
  let best = radius;
  let found = -1;
  for (let i = 0; i < n; i++) {
    const distance = Math.hypot(
      lo[0] + positions[2 * i]! * sc[0] - x,
      lo[1] + positions[2 * i + 1]! * sc[1] - y,
    );
    if (distance < best) [best, found] = [distance, i];
  }
  return found;
}

function distance({ positions, lo, sc }: Frame, point: number, x: number, y: number): number {
  if (point < 0) return -1;
  return Math.hypot(lo[0] + positions[2 * point]! * sc[0] - x, lo[1] + positions[2 * point + 1]! * sc[1] - y);
}

describe("grid", () => {
  let seed = 11;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };

  it.each(["levels", "float32"])("finds what a search through all points finds: %s", (kind) => {
    const n = 2000;
    const levels = Uint16Array.from({ length: 2 * n }, () => Math.floor(65536 * random() ** 3));
    const frame =
      kind === "levels"
        ? frameOf(levels, [-5, 2], [3e-4, 1e-4])
        : frameOf(Float32Array.from(levels, (level) => level / 1000 - 20));
    const grid = new Grid(frame);
    let hits = 0;
    for (let trial = 0; trial < 300; trial++) {
      const at = Math.floor(n * random());
      const x = frame.lo[0] + frame.positions[2 * at]! * frame.sc[0] + 0.4 * (random() - 0.5);
      const y = frame.lo[1] + frame.positions[2 * at + 1]! * frame.sc[1] + 0.4 * (random() - 0.5);
      const found = grid.nearest(x, y, 0.15);
      const want = nearestByHand(frame, x, y, 0.15);
      if (want >= 0) hits++;
      // Points in one place are equally near.
      expect(distance(frame, found, x, y)).toBeCloseTo(distance(frame, want, x, y), 9);
    }
    expect(hits).toBeGreaterThan(50);
  });

  it("finds point 0", () => {
    const grid = new Grid(frameOf(new Float32Array([1, 1, 5, 5])));
    expect(grid.nearest(1.1, 1, 0.5)).toBe(0);
  });

  it("finds nothing out of reach, nor what is hidden", () => {
    const grid = new Grid(frameOf(new Float32Array([1, 1, 1.2, 1, 5, 5])));
    expect(grid.nearest(3, 3, 0.5)).toBe(-1);
    expect(grid.nearest(1, 1, 0.5, (point) => point === 0)).toBe(1);
  });

  it.each([
    ["one point", new Float32Array([3, 4])],
    ["all in one place", new Float32Array([3, 4, 3, 4, 3, 4])],
    ["on a line", new Float32Array([3, 4, 3, 8, 3, 100])],
  ])("stands %s", (_name, positions) => {
    expect(new Grid(frameOf(positions)).nearest(3.01, 4, 0.1)).toBeGreaterThanOrEqual(0);
  });

  it("stands levels without extent", () => {
    const frame = frameOf(new Uint16Array([0, 0, 0, 65535]), [7, 0], [0, 1e-4]);
    expect(new Grid(frame).nearest(7, 6.5535, 0.01)).toBe(1);
  });
});
