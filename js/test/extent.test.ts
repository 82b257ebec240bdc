import { describe, expect, it } from "vitest";
import { boundsOf, boxOf, mixBounds } from "../src/extent.ts";
import { frameOf, randoms } from "./frames.ts";

const random = randoms(7);
const normal = () => Math.sqrt(-2 * Math.log(random() || 1e-9)) * Math.cos(2 * Math.PI * random());

describe("the box of a frame", () => {
  it("of levels is their affine's", () => {
    const { lo, hi } = boxOf(frameOf(new Uint16Array([0, 0, 65535, 65535]), [-1, 2], [2 / 65535, 0]));
    expect([...lo, ...hi]).toEqual([-1, 2, 1, 2]);
  });

  it("of float32 positions is found, in two and three dimensions", () => {
    expect(boxOf(frameOf(new Float32Array([3, -4, -1, 5])))).toEqual({ lo: [-1, -4], hi: [3, 5] });
    expect(boxOf(frameOf(new Float32Array([3, -4, 2, -1, 5, 7]), [0, 0, 0]))).toEqual({
      lo: [-1, -4, 2],
      hi: [3, 5, 7],
    });
    expect(boxOf(frameOf(new Float32Array([Number.NaN, 1])))).toEqual({ lo: [-1, -1], hi: [1, 1] });
  });
});

describe("the bounds that the camera follows", () => {
  it("are the box of an ordinary map", () => {
    const frame = frameOf(Float32Array.from({ length: 20_000 }, normal));
    expect(boundsOf(frame)).toMatchObject(boxOf(frame));
  });

  it("leave out a single point far off, but no island of one in fifty", () => {
    const positions = Float32Array.from({ length: 20_000 }, normal);
    const box = boundsOf(frameOf(positions));
    positions.set([400, -300], 0);
    const with1 = boundsOf(frameOf(positions));
    expect(with1.hi[0]! - with1.lo[0]!).toBeLessThan(2.2 * (box.hi[0]! - box.lo[0]!));
    expect(with1.radius).toBeLessThan(2 * box.radius);
    for (let i = 0; i < 10_000; i += 50) positions.set([400, -300], 2 * i);
    expect(boundsOf(frameOf(positions)).hi[0]).toBe(400);
  });

  it("leave out no more than five in a thousand at each end, in whatever order they come", () => {
    const ends = (far: number) => {
      // Apart from the far ones evenly from 0 to 1, and the same mirrored.
      const values = Array.from({ length: 1024 }, (_none, i) =>
        i < far ? -90 - i : i > 1023 - far ? 90 + i : i / 1023,
      );
      const places = values.map((_value, i) => values[(i * 611) % 1024]!);
      const { lo, hi } = boundsOf(frameOf(Float32Array.from(places.flatMap((value) => [value, -value]))));
      return [...lo, ...hi];
    };
    for (const end of ends(5)) expect(Math.abs(end)).toBeLessThan(2.1);
    for (const end of ends(6)) expect(Math.abs(end)).toBeGreaterThan(90);
  });

  it("leave nothing out of few points, on a line, or in one place", () => {
    expect(boundsOf(frameOf(new Float32Array([0, 0, 1, 1, 500, 2])))).toMatchObject({ hi: [500, 2] });
    const line = Float32Array.from({ length: 200 }, (_none, i) => (i % 2 ? 3 : i));
    expect(boundsOf(frameOf(line))).toMatchObject({ lo: [0, 3], hi: [198, 3] });
    const one = boundsOf(frameOf(new Float32Array(100).fill(4)));
    expect(one).toMatchObject({ lo: [4, 4], hi: [4, 4], radius: 0 });
  });

  it("hold a ball that a cube of points fills to the corners", () => {
    const cube = Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7].flatMap((k) => [k & 1, (k >> 1) & 1, k >> 2]));
    expect(boundsOf(frameOf(cube, [0, 0, 0])).radius).toBeCloseTo(Math.sqrt(0.75), 9);
  });

  it("tell crowds from even maps", () => {
    const even = boundsOf(frameOf(Float32Array.from({ length: 20_000 }, random)));
    const crowded = boundsOf(frameOf(Float32Array.from({ length: 20_000 }, () => random() ** 6)));
    expect(even.area).toBeGreaterThan(0.8);
    expect(even.area).toBeLessThan(1.25);
    expect(crowded.area).toBeLessThan(0.1);
  });

  it("are mixed", () => {
    const a = { lo: [-2, -1], hi: [6, 3], radius: 4, area: 2 };
    const b = { lo: [0, 0], hi: [0, 0], radius: 0, area: 0 };
    expect(mixBounds(a, b, 0.5)).toEqual({ lo: [-1, -0.5], hi: [3, 1.5], radius: 2, area: 1 });
  });
});
