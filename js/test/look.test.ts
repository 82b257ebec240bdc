import { describe, expect, it } from "vitest";
import { BACKGROUND, categoryColors, colorsFor, rgb, scaleColors, type Theme } from "../src/palette.ts";
import { pointLook } from "../src/scene.ts";
import { contrast, luminance } from "./color.ts";

const THEMES: Theme[] = ["light", "dark"];

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
  const looks = [100, 1000, 10_000, 100_000, 1_000_000].map((n) => pointLook(n, area));
  looks.slice(1).forEach((look, i) => {
    expect(look.size).toBeLessThanOrEqual(looks[i]!.size);
    expect(look.alpha).toBeLessThanOrEqual(looks[i]!.alpha);
    expect(look.size).toBeGreaterThanOrEqual(1);
    expect(look.alpha).toBeGreaterThanOrEqual(0.3);
  });
  expect(pointLook(10_000, 100 * area).size).toBeGreaterThan(looks[2]!.size);
  expect(pointLook(10_000, area / 10).alpha).toBeLessThan(looks[2]!.alpha);
});

it("few points that are pulled together are still seen, many make no blots", () => {
  const together = [500, 2000, 20_000, 200_000].map((n) => pointLook(n, 30 * 30).size);
  expect(together[0]).toBeGreaterThan(4);
  expect(together[1]).toBeGreaterThan(3.5);
  expect(together[2]).toBeLessThan(3);
  expect(together[3]).toBe(1.4);
});
