import { describe, expect, it } from "vitest";
import { Camera } from "../src/camera.ts";
import { readScene } from "../src/described.ts";
import { diskOf, drawDisk } from "../src/disk.ts";

describe("the disk", () => {
  it.each([1, 0.01])("is fitted whole, its edge where points of norm 1 are drawn: scale %f", (scale) => {
    const camera = new Camera();
    camera.resize(800, 400);
    camera.fit(diskOf(scale));
    const arcs: number[][] = [];
    const state = { globalCompositeOperation: "source-over", lineWidth: 0, strokeStyle: "" };
    let drawn = {};
    const context = Object.assign(state, {
      save() {},
      restore() {},
      beginPath() {},
      arc: (...numbers: number[]) => arcs.push(numbers),
      stroke: () => {
        drawn = { ...state };
      },
    });
    drawDisk(context as unknown as CanvasRenderingContext2D, camera, 2, "#123456", scale);
    const [x, y, radius] = arcs[0]!;
    expect([x, y]).toEqual([800, 400]);
    expect(x! + radius!).toBeCloseTo(2 * camera.toScreen(1 / scale, 0)[0], 9);
    expect(camera.toScreen(0, 1 / scale)[1]).toBeCloseTo(16, 9);
    expect(drawn).toMatchObject({
      globalCompositeOperation: "destination-over",
      lineWidth: 2,
      strokeStyle: "#123456",
    });
  });

  it("is drawn only where the scene says so", () => {
    expect(readScene({ disk: true }).disk).toBe(true);
    expect(readScene({ disk: 1 }).disk).toBe(false);
    expect(readScene({}).disk).toBe(false);
  });
});
