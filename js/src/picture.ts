/** The picture as a file: what is on screen, sharper, with title and legend on the theme's background. */

import { h } from "./dom.ts";
import { BACKGROUND, categoryColors, INK, MUTED, scaleColors, type Theme, TOP } from "./palette.ts";
import { counted, format } from "./scale.ts";
import type { Legend } from "./types.ts";

/** CSS pixels. */
const HEAD = 44;
const SIDE = 220;
const ROW = 22;
const MARGIN = 16;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

export interface Sheet {
  title: string;
  subtitle: string;
  legend: Legend;
  /** Whether points of a code are not drawn. */
  hidden(code: number): boolean;
  theme: Theme;
}

/** Puts the scene, drawn with `ratio` pixels for each CSS pixel, on a sheet with title and legend. */
export function compose(scene: HTMLCanvasElement, ratio: number, sheet: Sheet): HTMLCanvasElement {
  const [width, height] = [scene.width / ratio, scene.height / ratio];
  const side = sheet.legend.kind === "none" ? 0 : SIDE;
  const canvas = h("canvas");
  canvas.width = Math.round((width + side) * ratio);
  canvas.height = Math.round((HEAD + height) * ratio);
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  context.scale(ratio, ratio);
  context.fillStyle = BACKGROUND[sheet.theme];
  context.fillRect(0, 0, width + side, HEAD + height);
  context.drawImage(scene, 0, HEAD, width, height);
  context.textBaseline = "middle";
  heading(context, sheet, width + side - 2 * MARGIN);
  if (sheet.legend.kind === "category") categories(context, sheet, width, height);
  if (sheet.legend.kind === "number") numbers(context, sheet, width);
  return canvas;
}

function heading(context: CanvasRenderingContext2D, sheet: Sheet, room: number): void {
  let x = MARGIN;
  if (sheet.title) {
    context.font = `600 15px ${FONT}`;
    const title = shortened(context, sheet.title, 0.6 * room);
    write(context, title, x, HEAD / 2 + 2, INK[sheet.theme]);
    x += context.measureText(title).width + 10;
  }
  context.font = `13px ${FONT}`;
  write(context, shortened(context, sheet.subtitle, room + MARGIN - x), x, HEAD / 2 + 2, MUTED[sheet.theme]);
}

function categories(context: CanvasRenderingContext2D, sheet: Sheet, left: number, height: number): void {
  const { legend, hidden, theme } = sheet;
  const colors = categoryColors(legend.items.length, theme);
  const shown = legend.items.map((item, id) => ({ ...item, id })).filter(({ id }) => !hidden(id));
  const most = Math.max(1, Math.floor((height - MARGIN) / ROW) - (legend.name ? 1 : 0));
  const rows = shown.length > most ? shown.slice(0, most - 1) : shown;
  let y = named(context, sheet, left);
  for (const { label, count, id } of rows) {
    context.fillStyle = colors[id % colors.length]!;
    context.beginPath();
    context.arc(left + 5, y, 4.5, 0, 2 * Math.PI);
    context.fill();
    const text = counted(count);
    const room = SIDE - 2 * MARGIN - 12 - context.measureText(text).width;
    write(context, shortened(context, label || "(empty)", room), left + 18, y, INK[theme]);
    context.textAlign = "right";
    write(context, text, left + SIDE - MARGIN, y, MUTED[theme]);
    context.textAlign = "left";
    y += ROW;
  }
  const more = shown.length - rows.length;
  if (more > 0) write(context, `and ${counted(more)} more`, left + 18, y, MUTED[theme]);
}

function numbers(context: CanvasRenderingContext2D, sheet: Sheet, left: number): void {
  const { legend, hidden, theme } = sheet;
  const y = named(context, sheet, left);
  const width = SIDE - MARGIN;
  const gradient = context.createLinearGradient(left, 0, left + width, 0);
  const colors = scaleColors(theme);
  colors.forEach((color, i) => {
    gradient.addColorStop(i / (colors.length - 1), color);
  });
  context.fillStyle = gradient;
  const gone = (x: number) => hidden(Math.round((x * TOP) / width));
  let [from, to] = [0, width];
  while (from < to && gone(from)) from++;
  while (from < to && gone(to)) to--;
  context.fillRect(left + from, y - 5, to - from, 10);
  write(context, format(legend.low), left, y + 16, MUTED[theme]);
  context.textAlign = "right";
  write(context, format(legend.high), left + width, y + 16, MUTED[theme]);
  context.textAlign = "left";
}

/** Writes what the colours mean; gives the height of the first row below. */
function named(context: CanvasRenderingContext2D, { legend, theme }: Sheet, left: number): number {
  const y = HEAD + MARGIN / 2;
  if (legend.name) {
    context.font = `600 12px ${FONT}`;
    write(context, shortened(context, legend.name, SIDE - MARGIN), left, y, MUTED[theme]);
  }
  context.font = `12px ${FONT}`;
  return legend.name ? y + ROW : y;
}

function write(context: CanvasRenderingContext2D, text: string, x: number, y: number, color: string): void {
  context.fillStyle = color;
  context.fillText(text, x, y);
}

function shortened(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let length = Math.min(text.length, 200);
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return `${text.slice(0, length)}…`;
}

/** A name that every file system takes: words of the title, the method, the iteration. */
export function fileName(title: string, method: string, iteration: number): string {
  const words = `${title} ${method}`
    .normalize("NFC")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  return `${[...(words ?? ["embedding"])].join("-").slice(0, 80)}-${iteration}.png`;
}

/** Offers the canvas as a file. */
export function download(canvas: HTMLCanvasElement, name: string): void {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const link = h("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
