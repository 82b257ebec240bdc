/** Names as pictures. Text drawn into the view's own canvas would have the page work out its style at every drawing. */

import { h } from "./dom.ts";
import type { Ink } from "./ink.ts";

const PEN = { textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 4 } as const;
/** Opacity of the edge; the letters cover all. */
const EDGE_ALPHA = 0.85;
/** Pixels: height of a line, and what the edge takes beside the letters. */
const HIGH = 24;
const BESIDE = 3;

export interface Stamp {
  picture: HTMLCanvasElement;
  /** Of the text, in CSS pixels. */
  width: number;
}

export class Stamps {
  readonly #made = new Map<string, Stamp>();
  #ratio = 1;
  #pen = { font: "", strokeStyle: "", fillStyle: "" };

  constructor(private readonly ink: Ink) {}

  /** What is asked for from here on is drawn with `ratio` pixels for each CSS pixel, in the theme of now. */
  begin(ratio: number): void {
    const { ink } = this;
    const pen = {
      font: `600 12px ${ink.of("--ne-font") || "sans-serif"}`,
      strokeStyle: ink.of("--ne-bg"),
      fillStyle: ink.of("--ne-text"),
    };
    if (ratio === this.#ratio && Object.values(pen).join() === Object.values(this.#pen).join()) return;
    this.#ratio = ratio;
    this.#pen = pen;
    this.#made.clear();
  }

  of(text: string): Stamp {
    const known = this.#made.get(text);
    if (known) return known;
    const picture = h("canvas");
    const context = picture.getContext("2d")!;
    const ratio = this.#ratio;
    context.font = this.#pen.font;
    const { width } = context.measureText(text);
    picture.width = Math.ceil((width + 2 * BESIDE) * ratio); // it forgets the pen
    picture.height = Math.ceil(HIGH * ratio);
    Object.assign(context, PEN, this.#pen, { globalAlpha: EDGE_ALPHA });
    context.scale(ratio, ratio);
    const middle = [width / 2 + BESIDE, HIGH / 2] as const;
    context.strokeText(text, ...middle);
    context.globalAlpha = 1;
    context.fillText(text, ...middle);
    const stamp = { picture, width };
    this.#made.set(text, stamp);
    return stamp;
  }
}
