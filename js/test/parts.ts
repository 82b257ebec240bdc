/** Parts of the view that the tests in tests/browser drive directly. */

import { Camera } from "../src/camera.ts";
import { boundsOf } from "../src/extent.ts";
import { FlatRenderer } from "../src/flat.ts";
import { GlRenderer } from "../src/gl.ts";
import { colorsFor, type Theme } from "../src/palette.ts";
import { pointLook, type Renderer } from "../src/scene.ts";
import { frameOf } from "./frames.ts";

export interface Scene {
  renderer: "webgl2" | "canvas2d";
  /** Point by point. */
  positions: number[][];
  codes?: number[];
  flags?: number[];
  sizes?: number[];
  theme?: Theme;
  size?: number;
  alpha?: number;
  side?: number;
  stride?: number;
}

/** Draws a scene on a square canvas, and gives the pixels (RGBA, row by row) and where each point is. */
export function draw(scene: Scene) {
  const { positions, codes = [], side = 200, size, alpha, theme = "light" } = scene;
  const c = positions[0]!.length;
  const frame = frameOf(new Float32Array(positions.flat()), Array(c).fill(0));
  const renderer: Renderer = scene.renderer === "webgl2" ? GlRenderer.create(() => {})! : new FlatRenderer();
  const camera = new Camera();
  camera.resize(side, side);
  camera.solid = c === 3;
  camera.fit(boundsOf(frame));
  renderer.upload(0, frame);
  renderer.setCodes(new Uint16Array(codes));
  renderer.setFlags(new Uint8Array(scene.flags ?? []));
  renderer.setSizes(scene.sizes ? new Uint8Array(scene.sizes) : null);
  renderer.setColors(colorsFor("category", 8, theme));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d")!;
  const look = pointLook(frame.n, side * side);
  const moment = { prev: 0, next: 0, t: 1, moving: false };
  renderer.draw(context, {
    camera,
    moment,
    ratio: 1,
    stride: scene.stride ?? 1,
    pin: 7,
    size: size ?? look.size,
    alpha: alpha ?? look.alpha,
    spot: 0,
    white: 0,
  });
  const places = positions.map(([x, y, z]) => camera.toScreen(x!, y!, z ?? 0));
  const pixels = [...context.getImageData(0, 0, side, side).data];
  renderer.dispose();
  return { pixels, places };
}
