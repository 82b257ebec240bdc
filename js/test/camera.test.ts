import { describe, expect, it } from "vitest";
import { boundsOf, Camera, mixBounds } from "../src/camera.ts";
import type { Frame, Pair } from "../src/types.ts";

const frameOf = (positions: Uint16Array | Float32Array, lo: Pair = [0, 0], sc: Pair = [1, 1]) =>
  ({ positions, lo, sc, n: positions.length / 2 }) as Frame;
const box = { lo: [-2, -1] as Pair, hi: [6, 3] as Pair };

function camera(width = 800, height = 400): Camera {
  const it = new Camera();
  it.resize(width, height);
  it.fit(box);
  return it;
}

describe("bounds", () => {
  it("of levels are their affine's", () => {
    const { lo, hi } = boundsOf(frameOf(new Uint16Array([0, 0, 65535, 65535]), [-1, 2], [2 / 65535, 0]));
    expect([...lo, ...hi]).toEqual([-1, 2, 1, 2]);
  });

  it("of float32 positions are found", () => {
    expect(boundsOf(frameOf(new Float32Array([3, -4, -1, 5])))).toEqual({ lo: [-1, -4], hi: [3, 5] });
    expect(boundsOf(frameOf(new Float32Array([Number.NaN, 1])))).toEqual({ lo: [-1, -1], hi: [1, 1] });
  });

  it("are mixed", () => {
    expect(mixBounds(box, { lo: [0, 0], hi: [0, 0] }, 0.5)).toEqual({ lo: [-1, -0.5], hi: [3, 1.5] });
  });
});

describe("camera", () => {
  it("shows the whole map, middle in the middle, y up", () => {
    const it = camera();
    expect(it.toScreen(2, 1)).toEqual([400, 200]);
    const [left, bottom] = it.toScreen(...box.lo);
    const [right, top] = it.toScreen(...box.hi);
    expect(left).toBeGreaterThan(0);
    expect(right).toBeLessThan(800);
    expect(top).toBeGreaterThan(0);
    expect(bottom).toBeLessThan(400);
    expect(right - left).toBeCloseTo(800 * 0.92, 6);
  });

  it("agrees with the clip space of the renderer", () => {
    const it = camera();
    it.zoomAt(100, 300, 3);
    const [lo, sc]: [Pair, Pair] = [
      [-2, -1],
      [0.01, 0.02],
    ];
    const [ax, ay, bx, by] = it.clip(lo, sc);
    const [x, y] = it.toScreen(lo[0] + 7 * sc[0], lo[1] + 9 * sc[1]);
    expect(((7 * ax + bx + 1) / 2) * 800).toBeCloseTo(x, 6);
    expect(((1 - (9 * ay + by)) / 2) * 400).toBeCloseTo(y, 6);
  });

  it("zooms to the cursor and pans with the hand", () => {
    const it = camera();
    const before = it.toData(123, 77);
    it.zoomAt(123, 77, 4);
    const after = it.toData(123, 77);
    expect(after[0]).toBeCloseTo(before[0], 9);
    expect(after[1]).toBeCloseTo(before[1], 9);
    expect(it.zoom).toBeCloseTo(4, 9);
    it.pan(30, -20);
    expect(it.toScreen(...before)[0]).toBeCloseTo(153, 6);
    expect(it.toScreen(...before)[1]).toBeCloseTo(57, 6);
  });

  it("follows the map until it is moved by hand, and again after a reset", () => {
    const it = camera();
    it.fit({ lo: [-20, -10], hi: [60, 30] });
    expect(it.ease(16)).toBe(true);
    it.pan(1, 1);
    const { scale } = it;
    it.fit({ lo: [-200, -100], hi: [600, 300] });
    expect(it.ease(16)).toBe(false);
    expect(it.scale).toBe(scale);
    it.reset();
    let turns = 0;
    while (it.ease(16)) turns++;
    expect(turns).toBeLessThan(200);
    expect(it.zoom).toBeCloseTo(1, 9);
  });

  it("eases growing and shrinking alike", () => {
    const grow = camera();
    const shrink = camera();
    const start = grow.scale;
    const scaled = (by: number) => ({
      lo: [2 - 4 * by, 1 - 2 * by] as Pair,
      hi: [2 + 4 * by, 1 + 2 * by] as Pair,
    });
    grow.fit(scaled(3));
    shrink.fit(scaled(1 / 3));
    grow.ease(50);
    shrink.ease(50);
    expect(start / grow.scale).toBeCloseTo(shrink.scale / start, 9);
    expect(start / grow.scale).toBeGreaterThan(1.01);
  });

  it("stands one point, or many in one place", () => {
    const it = new Camera();
    it.resize(100, 100);
    it.fit({ lo: [3, 4], hi: [3, 4] });
    expect(it.toScreen(3, 4)).toEqual([50, 50]);
    expect(Number.isFinite(it.scale)).toBe(true);
  });

  it("keeps what is in the middle there when the picture is resized", () => {
    const it = camera();
    it.zoomAt(400, 200, 2);
    const middle = it.toData(400, 200);
    it.resize(400, 200);
    it.fit(box);
    expect(it.toScreen(...middle)).toEqual([200, 100]);
    expect(it.zoom).toBeCloseTo(2, 9);
  });
});
