import { describe, expect, it } from "vitest";
import { HERE, halfway, type Lay, laid, lay, lifted } from "../src/align.ts";
import { Camera } from "../src/camera.ts";
import { times, turned } from "../src/turn.ts";

type Triple = [number, number, number];

/** Coordinates without structure, always the same. */
function axes(c: number, n = 50): Float64Array[] {
  return Array.from({ length: c }, (_, axis) =>
    Float64Array.from(
      { length: n },
      (_none, i) => (axis + 1) * Math.sin(12.9 * (i + 1) * (axis + 1.3)) + i / (axis + 9),
    ),
  );
}

const place = (points: Float64Array[], i: number): Triple => [
  points[0]![i]!,
  points[1]![i]!,
  points[2]?.[i] ?? 0,
];

/** Each point somewhere else. */
function moved(points: Float64Array[], where: Lay): Float64Array[] {
  const places = Array.from(points[0]!, (_, i) => laid(where, place(points, i)));
  return points.map((_, axis) => Float64Array.from(places, (one) => one[axis]!));
}

const flat = (angle: number, over = false): Lay => {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return {
    turn: over ? [c, s, 0, s, -c, 0, 0, 0, -1] : [c, s, 0, -s, c, 0, 0, 0, 1],
    scale: 2.5,
    at: [3, -8, 0],
  };
};
const MIRROR = [-1, 0, 0, 0, 1, 0, 0, 0, 1];
const solid = (mirror: boolean): Lay => {
  const turn = turned(HERE.turn, 2, 1.1);
  return { turn: mirror ? times(turn, MIRROR) : turn, scale: 0.3, at: [1, 2, 3] };
};

describe("laying a map over another", () => {
  const cases: [string, number, Lay][] = [
    ["turned", 2, flat(2)],
    ["turned by half", 2, flat(Math.PI)],
    ["mirrored", 2, flat(0.4, true)],
    ["in space", 3, solid(false)],
    ["in space, mirrored", 3, solid(true)],
  ];
  it.each(cases)("finds where it came from: %s", (_name, c, where) => {
    const ground = axes(c);
    const points = moved(ground, where);
    const found = lay(points, ground, HERE);
    for (let i = 0; i < 50; i++) {
      const at = laid(found, place(points, i));
      place(ground, i).forEach((value, axis) => {
        expect(at[axis]).toBeCloseTo(value, 5);
      });
    }
  });

  it("makes both equally large, however unlike they are", () => {
    const ground = axes(2);
    const other = moved([...axes(2)].reverse(), flat(1));
    const size = (points: Float64Array[]) =>
      Math.sqrt(
        points.reduce((sum, values) => {
          const mean = values.reduce((a, b) => a + b) / values.length;
          return sum + values.reduce((a, b) => a + (b - mean) ** 2, 0);
        }, 0),
      );
    expect(size(moved(other, lay(other, ground, HERE)))).toBeCloseTo(size(ground), 6);
  });

  it("turns a map over only where that is clearly better", () => {
    const ground = [Float64Array.of(-3, 3, 0, 0), Float64Array.of(0, 0, -1, 1)];
    // nearly a line: turned over it fits a little better
    const nearly = [Float64Array.of(-3, 3, 0, 0), Float64Array.of(0, 0, 0.1, -0.1)];
    const before = { ...flat(0), scale: 1 };
    const over = (found: Lay) => found.turn[0]! * found.turn[4]! - found.turn[1]! * found.turn[3]! < 0;
    expect(over(lay(nearly, ground, { ...before, turn: [...HERE.turn] }))).toBe(false);
    expect(over(lay(nearly, ground, HERE))).toBe(true);
    const clearly = [ground[0]!, ground[1]!.map((y) => -y)];
    expect(over(lay(clearly, ground, { ...before, turn: [...HERE.turn] }))).toBe(true);
  });

  it("leaves a map as it is that is a single place, or not finite", () => {
    const ground = axes(2);
    for (const value of [4, Number.NaN]) {
      expect(lay([new Float64Array(50).fill(value), new Float64Array(50).fill(value)], ground, HERE)).toBe(
        HERE,
      );
    }
  });

  it("goes there and back, and gently", () => {
    const where = solid(false);
    const at: Triple = [4, -2, 9];
    lifted(where, laid(where, at)).forEach((value, axis) => {
      expect(value).toBeCloseTo(at[axis]!, 9);
    });
    const half = halfway(HERE, { ...where, scale: 4 }, 0.5);
    expect(half.scale).toBeCloseTo(2, 9);
    expect(half.at[2]).toBeCloseTo(1.5, 9);
  });
});

describe("the camera over a map that was laid over another", () => {
  const seen = (where: Lay): Camera => {
    const camera = new Camera();
    camera.resize(300, 200);
    camera.lay = where;
    camera.fit({ lo: [-10, -10], hi: [10, 10] });
    return camera;
  };

  it("shows a place of the map where it lies on the ground, and finds it again under the hand", () => {
    const where = flat(2, true);
    const [camera, bare] = [seen(where), seen(HERE)];
    const at: Triple = [1.5, -0.5, 0];
    const screen = camera.toScreen(...at);
    bare.toScreen(...laid(where, at)).forEach((value, axis) => {
      expect(screen[axis]).toBeCloseTo(value, 6);
    });
    camera.zoomAt(40, 30, 3);
    camera.pan(12, -7);
    const [px, py] = camera.toScreen(...at);
    camera.toData(px, py).forEach((value, axis) => {
      expect(value).toBeCloseTo(at[axis]!, 6);
    });
  });

  it("follows another in a picture of another size, and tells when a hand moved it", () => {
    const [one, other] = [seen(HERE), seen(flat(1))];
    other.resize(600, 400);
    one.handled = () => other.follow(one);
    one.zoomAt(10, 20, 4);
    one.pan(5, 5);
    const [x, y] = one.toScreen(2, 3);
    const [u, v] = other.toScreen(...lifted(flat(1), [2, 3, 0]));
    expect([u / 2, v / 2].map(Math.round)).toEqual([x, y].map(Math.round));
  });
});
