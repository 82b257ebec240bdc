import { describe, expect, it } from "vitest";
import { Camera } from "../src/camera.ts";
import { boundsOf } from "../src/extent.ts";
import { Projection } from "../src/projection.ts";
import type { Frame } from "../src/types.ts";
import { frameOf, randoms } from "./frames.ts";

const N = 500;
const random = randoms(11);

/** Two frames of the same points, one of them quantised, with different affines. */
function frames(c: 2 | 3): [Frame, Frame] {
  const levels = Uint16Array.from({ length: c * N }, () => Math.floor(65536 * random()));
  const there = Float32Array.from({ length: c * N }, () => 20 * random() - 10);
  return [
    frameOf(levels, [-5, 2, 1].slice(0, c), [3e-4, 1e-4, 2e-4].slice(0, c)),
    frameOf(there, [0, 0, 0].slice(0, c)),
  ];
}

function cameraFor(frame: Frame): Camera {
  const camera = new Camera();
  camera.resize(800, 480);
  camera.solid = frame.c === 3;
  camera.fit(boundsOf(frame));
  camera.orbit(70, -40);
  camera.zoomAt(300, 200, 1.4);
  return camera;
}

/** A point's place between two frames, worked out on the map. */
function between([a, b]: [Frame, Frame], point: number, t: number): [number, number, number] {
  const along = (frame: Frame, axis: number) =>
    axis < frame.c ? frame.lo[axis]! + frame.positions[frame.c * point + axis]! * frame.sc[axis]! : 0;
  return [0, 1, 2].map((axis) => (1 - t) * along(a, axis) + t * along(b, axis)) as [number, number, number];
}

describe.each([2, 3] as const)("projection of %i dimensions", (c) => {
  const pair = frames(c);
  const camera = cameraFor(pair[1]);

  it.each([0, 0.3, 1])("places every point where the camera sees it, at t = %f", (t) => {
    const projection = new Projection(camera, ...pair, t);
    const all = new Float32Array(2 * N);
    projection.fill(all);
    for (let i = 0; i < N; i++) {
      const [x, y] = camera.toScreen(...between(pair, i, t));
      const at = projection.at(i);
      expect(at?.[0] ?? Number.NaN).toBeCloseTo(x, 4);
      expect(at?.[1] ?? Number.NaN).toBeCloseTo(y, 4);
      expect(all[2 * i]).toBeCloseTo(x, 2);
      expect(all[2 * i + 1]).toBeCloseTo(y, 2);
    }
  });

  it("finds the nearest point within reach that is not hidden", () => {
    const projection = new Projection(camera, ...pair, 0.6);
    let hits = 0;
    for (let trial = 0; trial < 200; trial++) {
      const [x, y] = [800 * random(), 480 * random()];
      const away = (i: number) => {
        const at = projection.at(i);
        return at ? Math.hypot(at[0] - x, at[1] - y) : Number.POSITIVE_INFINITY;
      };
      const least = Math.min(...Array.from({ length: N }, (_none, i) => (i % 3 ? away(i) : Infinity)));
      const found = projection.nearest(x, y, 12, (point) => point % 3 === 0);
      if (found >= 0) hits++;
      expect(found >= 0 ? away(found) : Infinity).toBeCloseTo(least <= 12 ? least : Infinity, 6);
    }
    expect(hits).toBeGreaterThan(20);
  });

  it("finds point 0, and knows no others than there are", () => {
    const projection = new Projection(camera, pair[1], pair[1], 1);
    const [x, y] = projection.at(0)!;
    expect(projection.nearest(x, y, 1)).toBe(0);
    expect([projection.at(-1), projection.at(N), projection.at(Number.NaN)]).toEqual([null, null, null]);
  });
});

it("points without extent have places", () => {
  const frame = frameOf(new Uint16Array([0, 0, 0, 65535]), [7, 0], [0, 1e-4]);
  const camera = cameraFor(frame);
  const projection = new Projection(camera, frame, frame, 1);
  expect(projection.nearest(...camera.toScreen(7, 6.5535), 1)).toBe(1);
});
