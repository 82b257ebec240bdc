/** Dark or light, as the page around the view is; and whether things may move. */

import { atEnd, h, listen } from "./dom.ts";
import type { Theme } from "./palette.ts";

/** Background colours that hosts publish: JupyterLab and Notebook, VS Code. */
const VARIABLES = ["--jp-layout-color0", "--vscode-editor-background", "--theme-background"];
const NAMED = /\b(?:dark|vscode-dark|vscode-high-contrast)\b/;
const WATCHED = [
  "class",
  "style",
  "theme",
  "data-theme",
  "data-jp-theme-light",
  "data-jp-theme-name",
  "data-vscode-theme-kind",
];

export function hostTheme(): Theme {
  const [html, body] = [document.documentElement, document.body];
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false" ? "dark" : "light";
  for (const element of [body, html]) {
    const named = element.getAttribute("theme") ?? element.dataset.theme;
    if (named === "dark" || named === "light") return named;
  }
  const styles = getComputedStyle(body);
  for (const name of VARIABLES) {
    const color = styles.getPropertyValue(name).trim();
    if (color) return luminance(color) < 0.5 ? "dark" : "light";
  }
  if (NAMED.test(body.className) || NAMED.test(html.className)) return "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Calls back with the theme now and at each change, until the signal aborts. */
export function watchTheme(signal: AbortSignal, callback: (theme: Theme) => void): void {
  let last: Theme | undefined;
  const look = () => {
    const theme = hostTheme();
    if (theme === last) return;
    last = theme;
    callback(theme);
  };
  const observer = new MutationObserver(look);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter: WATCHED });
  }
  listen(matchMedia("(prefers-color-scheme: dark)"), "change", look, signal);
  atEnd(signal, () => observer.disconnect());
  look();
}

/** Calls back now and at each change with whether motion is wanted. */
export function watchMotion(signal: AbortSignal, callback: (moves: boolean) => void): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const look = () => callback(!still.matches);
  listen(still, "change", look, signal);
  look();
}

/** Rough lightness, 0 to 1, of any CSS colour: a canvas parses it. */
function luminance(color: string): number {
  const context = h("canvas").getContext("2d");
  if (!context) return 1;
  context.fillStyle = "#ffffff";
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return (0.2126 * r! + 0.7152 * g! + 0.0722 * b!) / 255;
}
