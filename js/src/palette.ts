/** Colours of points. Every category colour has a contrast of 3 : 1 or more against its background. */

import type { Colors } from "./scene.ts";

export type Theme = "light" | "dark";

export const BACKGROUND: Record<Theme, string> = { light: "#ffffff", dark: "#15171a" };

/** The hues of Okabe and Ito, lightness moved where the background asks for it. Up to eight categories. */
const EIGHT: Record<Theme, string> = {
  light: "#c47f00 #2f96d6 #00916a #d55e00 #0064a0 #c5669b #a59300 #3d434c",
  dark: "#f0a818 #6cc0f0 #10b385 #ea6a0a #2f86d0 #dd8ab8 #f0e442 #aeb4bd",
};

/** Twenty of our own; the same place has the same hue in both themes. The first ten are farthest apart. */
const TWENTY: Record<Theme, string> = {
  light:
    "#2f6fc4 #d9640c #2a8f3c #c8323e #8457c6 #8a5a2b #d1549e #0f8f94 #8c8210 #66707f " +
    "#1f3a93 #7a1230 #1f5520 #b13ad0 #e8606c #3d9bd0 #4a1a6e #b8860b #62a02c #0b4a55",
  dark:
    "#5b9de8 #f28a35 #4fc264 #ef6068 #a98be8 #b98a5c #f08cc4 #2cc1c4 #c9bf3f #9aa8ba " +
    "#5a6ee0 #c2456a #5f8f2f #d05cf0 #ffb3a6 #9bdcf8 #8a52b5 #ffd866 #a6e8a0 #3a8a97",
};

/** Control points of the colour scale for numbers, from low to high; lightness is monotone. */
const SCALE: Record<Theme, string> = {
  light: "#35155f #3f3d8f #2c6f95 #1d9480 #5aa83a #b59a10",
  dark: "#6a4bb0 #4f76cc #2f9fc0 #35c29a #9bdc5a #fbe84a",
};

const MISSING: Record<Theme, string> = { light: "#9a9fa8", dark: "#6a7079" };
/** Of the text: rings of marked points. */
const INK: Record<Theme, string> = { light: "#1d2126", dark: "#e4e7eb" };
const PLAIN: Record<Theme, string> = { light: "#2f6fc4", dark: "#5b9de8" };

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
