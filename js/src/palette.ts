/** Colours of points. Every category colour has a contrast of 3 : 1 or more against its background. */

import type { Colors } from "./scene.ts";

export type Theme = "light" | "dark";

export const BACKGROUND: Record<Theme, string> = { light: "#ffffff", dark: "#15171a" };

/**
 * Up to eight categories: the hues of Okabe and Ito. Lightness and chroma were moved until the nearest two colours are
 * as far apart as can be, for usual vision and for each kind of colour blindness.
 */
const EIGHT: Record<Theme, string> = {
  light: "#e27213 #1094fe #227c5d #702906 #003e7f #c973b7 #8e9654 #4b384c",
  dark: "#fcc011 #00c4f9 #b1fbc4 #de4b02 #237ce0 #bf5b8e #989b60 #efe2fa",
};

/**
 * Twenty. The first ten are as far apart for colour-blind eyes; the others are clear and pure rather than brown or grey, twice as
 * far apart as they need be for usual vision, and half as far for colour-blind eyes.
 */
const TWENTY: Record<Theme, string> = {
  light:
    "#3a3488 #b58954 #20603d #ee3878 #7b53f7 #873201 #e05cdb #35a195 #7d9502 #503752 " +
    "#a20975 #7e1ba2 #d86c6c #3687fc #097eb4 #ea6300 #cf0924 #a26399 #129036 #87002d",
  dark:
    "#71b0fa #d86a00 #b8f6ba #f80053 #766ef5 #f3c46d #b063a4 #31f6fc #e2f738 #a5a295 " +
    "#fcb400 #48875a #fca2b4 #00a2bd #75ea3f #7ea224 #cf1b75 #00c675 #c609bd #ab5a48",
};

/** Control points of the colour scale for numbers, from low to high; lightness is monotone. */
const SCALE: Record<Theme, string> = {
  light: "#35155f #3f3d8f #2c6f95 #1f8b79 #4c9a2c #a8900a",
  dark: "#7a5cc2 #4f76cc #2f9fc0 #35c29a #9bdc5a #fbe84a",
};

const MISSING: Record<Theme, string> = { light: "#858b95", dark: "#7b818b" };
/** The highest code of numbers; that of missing ones lies above. */
export const TOP = 65534;

/** Of the text, and of what is said in passing. */
export const INK: Record<Theme, string> = { light: "#1d2126", dark: "#e4e7eb" };
export const MUTED: Record<Theme, string> = { light: "#636c78", dark: "#98a1ad" };
const PLAIN: Record<Theme, string> = { light: "#2a66b8", dark: "#5b9de8" };

/** The entry of the table of colours for a code; `count` categories have the first ones in turn, missing numbers the last. */
export function entryOf(code: number, count: number): number {
  if (count > 0) return code % count;
  return code > TOP ? 255 : Math.floor((code * 254) / TOP);
}

export function categoryColors(count: number, theme: Theme): string[] {
  return (count <= 8 ? EIGHT : TWENTY)[theme].split(" ");
}

export function scaleColors(theme: Theme): string[] {
  return SCALE[theme].split(" ");
}

/** The table of 256 colours that the renderer reads for a legend of this kind with `count` categories. */
export function colorsFor(kind: "none" | "category" | "number", count: number, theme: Theme): Colors {
  const table = new Uint8Array(768);
  const fixed = { ink: rgb(INK[theme]), ground: rgb(BACKGROUND[theme]) };
  if (kind === "number") {
    const stops = scaleColors(theme).map(rgb);
    for (let i = 0; i < 255; i++) table.set(between(stops, i / 254), 3 * i);
    table.set(rgb(MISSING[theme]), 3 * 255);
    return { table, count: 0, ...fixed };
  }
  const colors = kind === "category" ? categoryColors(count, theme) : [PLAIN[theme]];
  colors.forEach((color, i) => {
    table.set(rgb(color), 3 * i);
  });
  return { table, count: colors.length, ...fixed };
}

export function rgb(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function between(stops: [number, number, number][], share: number): number[] {
  const place = share * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(place));
  const [a, b] = [stops[low]!, stops[low + 1]!];
  return a.map((value, i) => Math.round(value + (place - low) * (b[i]! - value)));
}
