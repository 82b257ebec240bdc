import { describe, expect, it } from "vitest";
import { Camera, type Triple } from "../src/camera.ts";
import type { Pair } from "../src/types.ts";

const box = { lo: [-2, -1] as Pair, hi: [6, 3] as Pair };

function camera(width = 800, height = 400): Camera {
  const it = new Camera();
  it.resize(width, height);
  it.fit(box);
  return it;
}

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

  it("agrees with the affine map that the renderer gets", () => {
    const it = camera();
    it.zoomAt(100, 300, 3);
    const [lo, sc]: [Pair, Pair] = [
      [-2, -1],
      [0.01, 0.02],
    ];
    const [ax, ay, , bx, by] = it.affine({ lo, sc });
    const [x, y] = it.toScreen(lo[0] + 7 * sc[0], lo[1] + 9 * sc[1]);
    expect(400 + 7 * ax! + bx!).toBeCloseTo(x, 6);
    expect(200 - (9 * ay! + by!)).toBeCloseTo(y, 6);
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

describe("camera in three dimensions", () => {
  const ball = { lo: [-1, -1, -1], hi: [1, 1, 1], radius: 1 };
  function solid(): Camera {
    const it = new Camera();
    it.resize(800, 400);
    it.solid = true;
    it.fit(ball);
    return it;
  }
  const far = ([x, y]: Pair) => Math.hypot(x - 400, y - 200);

  it("shows the whole ball from every side", () => {
    const it = solid();
    for (let turn = 0; turn < 20; turn++) {
      it.orbit(37, 23);
      const corners: Triple[] = [
        [1, 0, 0],
        [0, -1, 0],
        [0, 0, 1],
        [-0.6, 0.6, -0.52],
      ];
      for (const corner of corners) {
        expect(far(it.toScreen(...corner))).toBeLessThan(200);
      }
    }
  });

  it("draws near things larger than far ones", () => {
    const it = solid();
    const [x, y, z] = it.turn.filter((_value, at) => at % 3 === 2) as Triple;
    const across = it.lift(10, 0);
    const length = (at: number) => {
      const [p, q] = [0, 1].map((step) =>
        it.toScreen(at * x + step * across[0], at * y + step * across[1], at * z + step * across[2]),
      );
      return q![0] - p![0];
    };
    expect(length(0)).toBeCloseTo(10, 6);
    expect(length(0.9)).toBeGreaterThan(1.3 * length(-0.9));
  });

  it("turns by a drag, about the axes of the screen, and stays a rotation", () => {
    const it = solid();
    const before = it.toScreen(0.5, 0.2, -0.3);
    it.orbit(400, 0);
    it.orbit(400, 0);
    const after = it.toScreen(0.5, 0.2, -0.3);
    expect(Math.abs(after[0] - before[0]) + Math.abs(after[1] - before[1])).toBeLessThan(1e-6);
    const front = it.turn.filter((_value, at) => at % 3 === 2) as Triple;
    const [x, y] = it.toScreen(...front);
    it.orbit(10, 5);
    expect(it.toScreen(...front)[0]).toBeGreaterThan(x + 5);
    expect(it.toScreen(...front)[1]).toBeGreaterThan(y + 2);
    for (let turn = 0; turn < 500; turn++) it.orbit(7, -3);
    const [a, b, c, d, e, f] = it.turn as number[];
    expect(Math.hypot(a!, b!, c!)).toBeCloseTo(1, 12);
    expect(a! * d! + b! * e! + c! * f!).toBeCloseTo(0, 12);
    expect(it.toScreen(0, 0, 0)).toEqual([400, 200]);
  });

  it("pans and zooms in the plane of the screen", () => {
    const it = solid();
    const [x, y] = it.toScreen(0, 0, 0);
    it.pan(40, -25);
    const moved = it.toScreen(0, 0, 0);
    expect(moved[0]).toBeCloseTo(x + 40, 9);
    expect(moved[1]).toBeCloseTo(y - 25, 9);
    const place = it.toData(500, 120);
    it.zoomAt(500, 120, 3);
    const [px, py] = it.toScreen(...place);
    expect(px).toBeCloseTo(500, 9);
    expect(py).toBeCloseTo(120, 9);
  });

  it("goes back to how it was seen first, and counts as moved until then", () => {
    const it = solid();
    const home = it.turn;
    expect(it.moved).toBe(false);
    it.orbit(150, 90);
    expect(it.moved).toBe(true);
    it.reset();
    expect(it.moved).toBe(false);
    while (it.ease(16));
    expect(it.turn).toBe(home);
  });

  it("draws nothing behind the eye", () => {
    const it = solid();
    it.zoomAt(400, 200, 20);
    const toward = it.turn.filter((_value, at) => at % 3 === 2) as Triple;
    expect(it.toScreen(...toward)[0]).toBeNaN();
  });

  it("a flat map is not turned", () => {
    const it = camera();
    it.orbit(100, 100);
    expect(it.moved).toBe(false);
  });
});
