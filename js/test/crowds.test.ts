import { describe, expect, it } from "vitest";
import { Camera } from "../src/camera.ts";
import { crowdsOf } from "../src/crowds.ts";
import { Projection } from "../src/projection.ts";
import { HIDDEN } from "../src/scene.ts";
import { frameOf, randoms } from "./frames.ts";

const N = 3000;
const SIDE = 500;

/** Three kinds in turn, spread around these centres; the picture shows 0 … 10 in both axes. */
function seen(centres: number[][], spread = 0.4) {
  const random = randoms(3);
  const around = () => spread * (random() + random() - 1);
  const positions = Float32Array.from({ length: 2 * N }, (_none, at) => {
    const centre = centres[(at >> 1) % centres.length]!;
    return centre[at % 2]! + around();
  });
  const frame = frameOf(positions);
  const camera = new Camera();
  camera.resize(SIDE, SIDE);
  camera.fit({ lo: [0, 0], hi: [10, 10] });
  const codes = Uint16Array.from({ length: N }, (_none, point) => point % centres.length);
  const projection = new Projection(camera, frame, frame, 1);
  return { camera, seen: { projection, width: SIDE, height: SIDE, codes, flags: new Uint8Array(N) } };
}

const CORNERS = [
  [2, 2],
  [8, 2],
  [5, 8],
];

describe("crowds of points", () => {
  it("lie where the points of a kind are densest, with a point of that kind near the middle", () => {
    const { camera, seen: all } = seen(CORNERS);
    const crowds = crowdsOf(all, [0, 1, 2], () => null);
    crowds.forEach((crowd, kind) => {
      const [x, y] = camera.toScreen(CORNERS[kind]![0]!, CORNERS[kind]![1]!);
      expect(Math.hypot(crowd!.x - x, crowd!.y - y)).toBeLessThan(4);
      expect(crowd!.anchor % 3).toBe(kind);
      const at = all.projection.at(crowd!.anchor)!;
      expect(Math.hypot(at[0] - crowd!.x, at[1] - crowd!.y)).toBeLessThan(4);
      expect(crowd!.apart).toBe(true);
      const deviation = (0.4 / Math.sqrt(6)) * camera.scale;
      expect(crowd!.wide).toBeGreaterThan(0.8 * deviation);
      expect(crowd!.high).toBeLessThan(1.2 * deviation);
    });
  });

  it("are nobody's while all kinds lie in one place", () => {
    const { seen: all } = seen([
      [5, 5],
      [5, 5],
      [5, 5],
    ]);
    expect(crowdsOf(all, [0, 1, 2], () => null).map((crowd) => crowd!.apart)).toEqual([false, false, false]);
    const { seen: many } = seen(Array(20).fill([5, 5]), 4); // few of a kind in each place: chance makes differences
    const kinds = Array.from({ length: 20 }, (_none, kind) => kind);
    expect(crowdsOf(many, kinds, () => null).some((crowd) => crowd!.apart)).toBe(false);
  });

  it("are a kind's where half the points there are of it, and others lie elsewhere", () => {
    const { seen: all } = seen([[2, 2], [2, 2], ...CORNERS.slice(1), [2, 8], [8, 8], [5, 5]]);
    const apart = crowdsOf(all, [0, 1, 2], () => null).map((crowd) => crowd!.apart);
    expect(apart).toEqual([true, true, true]);
  });

  it("leave out hidden points and those out of view", () => {
    const { camera, seen: all } = seen(CORNERS);
    all.flags.forEach((_none, point) => {
      if (point % 3 === 0) all.flags[point] = HIDDEN;
    });
    camera.zoomAt(...camera.toScreen(8, 2), 4);
    const { projection } = seen(CORNERS).seen;
    expect(crowdsOf({ ...all, projection }, [0, 1], () => null)[0]).toBeNull();
    const near = new Projection(
      camera,
      frameOf(new Float32Array(2 * N)),
      frameOf(new Float32Array(2 * N)),
      1,
    );
    expect(crowdsOf({ ...all, projection: near }, [1], () => null)[0]).toBeNull();
  });

  it("stay where they were unless another place is clearly denser", () => {
    const { camera, seen: all } = seen([
      [2, 5],
      [8, 5],
    ]);
    all.codes.fill(0); // one kind in two places, equally dense
    for (const x of [2, 8]) {
      const [crowd] = crowdsOf(all, [0], () => camera.toScreen(x, 5));
      expect(Math.abs(crowd!.x - camera.toScreen(x, 5)[0])).toBeLessThan(6);
    }
  });
});
