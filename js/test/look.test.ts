import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BACKGROUND, categoryColors, colorsFor, rgb, scaleColors, type Theme } from "../src/palette.ts";
import { pointLook } from "../src/scene.ts";

const THEMES: Theme[] = ["light", "dark"];

/** Relative luminance and contrast as WCAG 2 defines them. */
function luminance(hex: string): number {
  const [r, g, b] = rgb(hex).map((level) => {
    const share = level / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

describe.each(THEMES)("colours on a %s page", (theme) => {
  it.each([8, 20])("%i categories stand out from the background and from each other", (count) => {
    const colors = categoryColors(count, theme);
    expect(new Set(colors).size).toBe(count);
    for (const color of colors) expect(contrast(color, BACKGROUND[theme])).toBeGreaterThanOrEqual(3);
    colors.forEach((a, i) => {
      for (const b of colors.slice(i + 1)) {
        const [p, q] = [rgb(a), rgb(b)];
        expect(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]), `${a} ${b}`).toBeGreaterThan(30);
      }
    });
  });

  it("numbers get lighter from low to high", () => {
    const steps = scaleColors(theme).map(luminance);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    const { table, count } = colorsFor("number", 0, theme);
    expect(count).toBe(0);
    expect([...table.subarray(0, 3)]).toEqual(rgb(scaleColors(theme)[0]!));
    expect([...table.subarray(3 * 254, 3 * 255)]).toEqual(rgb(scaleColors(theme).at(-1)!));
  });
});

it("more points are smaller and finer, closer ones larger", () => {
  const area = 800 * 480;
  const looks = [100, 1000, 10_000, 100_000, 1_000_000].map((n) => pointLook(n, area, 1));
  looks.slice(1).forEach((look, i) => {
    expect(look.size).toBeLessThanOrEqual(looks[i]!.size);
    expect(look.alpha).toBeLessThanOrEqual(looks[i]!.alpha);
    expect(look.size).toBeGreaterThanOrEqual(1);
    expect(look.alpha).toBeGreaterThan(0.3);
  });
  expect(pointLook(10_000, area, 10).size).toBeGreaterThan(looks[2]!.size);
});

describe("sources and bundle", () => {
  const folder = new URL("../src/", import.meta.url);
  const built = new URL("../../ne_interactive/widget/static/", import.meta.url);
  const files = readdirSync(folder)
    .map((name): [string, string] => [name, readFileSync(new URL(name, folder), "utf8")])
    .concat(["widget.js", "widget.css"].map((name) => [name, readFileSync(new URL(name, built), "utf8")]));

  it.each(files)("%s parses no markup, evaluates no text and loads nothing", (_name, text) => {
    expect(text).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment/,
    );
    expect(text).not.toMatch(/\beval\(|new Function\(|import\(/);
    expect(text.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:\/\/|url\(/);
  });

  it("the bundle stays small", () => {
    const size = files.slice(-2).reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0);
    expect(size).toBeLessThanOrEqual(150 * 1024);
  });
});
