/** Every pair of colours that is used can be read and seen, in both themes, and told apart with colour blindness. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BACKGROUND, categoryColors, colorsFor, rgb, scaleColors, type Theme } from "../src/palette.ts";
import { contrast, distance, over, VISION } from "./color.ts";

const css = readFileSync(new URL("../src/style.css", import.meta.url), "utf8");
const THEMES: Theme[] = ["light", "dark"];

/** The colours of a theme; the dark one changes some of the light one. */
function variables(theme: Theme): Record<string, string> {
  const block = (selector: string) => css.slice(css.indexOf(`${selector} {`)).split("}", 1)[0]!;
  const read = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/--ne-([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name!, hex!]),
    );
  return {
    ...read(block(".ne-root")),
    ...(theme === "dark" ? read(block('.ne-root[data-theme="dark"]')) : {}),
  };
}

/** Text and what it lies on. A share: the colour is mixed with the background first. */
const TEXT: [string, string, number?][] = [
  ["text", "bg"],
  ["text", "fill"],
  ["muted", "bg"],
  ["muted", "fill"],
  ["on-accent", "accent"],
  ["bad", "bg"],
  ["bad", "bad-fill"],
  ["bg", "text", 0.88],
  ["accent", "bg"],
  ["accent", "accent", 0.12],
];
/** Lines and shapes that say something. */
const SHAPES: [string, string][] = [
  ["accent", "bg"],
  ["track", "bg"],
  ["track", "fill"],
  ["disk", "bg"],
  ["good", "bg"],
  ["bad", "bg"],
  ["text", "bg"],
  ["missing", "bg"],
  ["wrong", "bg"],
  ...["0", "1", "2", "3", "4", "5"].map((n): [string, string] => [`curve-${n}`, "bg"]),
];
/** Hairlines and soft fills that only divide; nothing is lost where they are not seen. */
const DECORATION = new Set(["line"]);

describe.each(THEMES)("on a %s page", (theme) => {
  const colors = variables(theme);

  it.each(TEXT)("%s can be read on %s", (text, ground, share = 1) => {
    const below = over(colors[ground]!, share, colors.bg!);
    expect(contrast(colors[text]!, below)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPES)("%s can be seen on %s", (shape, ground) => {
    expect(contrast(colors[shape]!, colors[ground]!)).toBeGreaterThanOrEqual(3);
  });

  it("points can be seen", () => {
    const { table } = colorsFor("number", 0, theme);
    const missing = `#${[...table.subarray(3 * 255)].map((level) => level.toString(16).padStart(2, "0")).join("")}`;
    const plain = `#${[...colorsFor("none", 0, theme).table.subarray(0, 3)].map((level) => level.toString(16).padStart(2, "0")).join("")}`;
    const all = [
      ...categoryColors(8, theme),
      ...categoryColors(20, theme),
      ...scaleColors(theme),
      missing,
      plain,
    ];
    expect(colors.bg).toBe(BACKGROUND[theme]);
    for (const color of all) expect(contrast(color, colors.bg!), color).toBeGreaterThanOrEqual(3);
  });

  it.each(Object.keys(VISION))("eight and ten categories are told apart with %s vision", (kind) => {
    for (const some of [categoryColors(8, theme), categoryColors(20, theme).slice(0, 10)]) {
      some.forEach((a, i) => {
        for (const b of some.slice(i + 1)) {
          expect(distance(a, b, VISION[kind]!), `${a} ${b}`).toBeGreaterThan(18);
        }
      });
    }
  });

  it.each(Object.entries(VISION))("twenty categories are told apart with %s vision", (kind, vision) => {
    const all = categoryColors(20, theme);
    all.forEach((a, i) => {
      for (const b of all.slice(i + 1))
        expect(distance(a, b, vision), `${a} ${b}`).toBeGreaterThan(kind === "usual" ? 28 : 8.5);
    });
  });

  it("no category of the second ten is drab", () => {
    for (const color of categoryColors(20, theme).slice(10)) {
      const levels = rgb(color);
      expect(Math.max(...levels) - Math.min(...levels), color).toBeGreaterThan(60);
    }
  });
});

it("no colour is used that is not checked here", () => {
  const checked = new Set([...TEXT, ...SHAPES].flat());
  for (const name of Object.keys(variables("dark"))) {
    expect(checked.has(name) || DECORATION.has(name), `--ne-${name} is in no pair`).toBe(true);
  }
  const literal = css.replaceAll(/--ne-[\w-]+: #[0-9a-f]{6};/g, "").match(/#[0-9a-f]{3,8}\b/g);
  expect(literal, "colours belong to the variables on top").toBeNull();
});
