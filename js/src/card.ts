/** The card beside a point under the pointer: its label and number, then what the kernel knows of it. */

import { h } from "./dom.ts";
import type { HoverReply } from "./types.ts";

const MOST_ROWS = 12;
const GAP = 14;
const IMAGE = 84;

export class Card {
  readonly element = h("div", { class: "ne-card", role: "tooltip", hidden: true });
  readonly #details = h("div", { class: "ne-details" });

  show(point: number, label: string, color: string): void {
    const swatch = h("i", { class: "ne-swatch" });
    swatch.style.background = color;
    const title = label ? [swatch, h("span", { class: "ne-label" }, label)] : [];
    const head = h(
      "div",
      { class: "ne-title" },
      ...title,
      h("span", { class: "ne-count" }, `point ${point}`),
    );
    this.#details.replaceChildren();
    this.element.replaceChildren(head, this.#details);
    this.element.hidden = false;
  }

  fill({ rows, image }: HoverReply): void {
    const list = h("dl", {});
    for (const [name, text] of rows.slice(0, MOST_ROWS)) list.append(h("dt", {}, name), h("dd", {}, text));
    this.#details.replaceChildren(...(image ? [picture(image)] : []), ...(rows.length > 0 ? [list] : []));
  }

  /** Beside the pixel (x, y) of a picture of this size, on the side where there is room. */
  place(x: number, y: number, width: number, height: number): void {
    const { offsetWidth: w, offsetHeight: h } = this.element;
    const left = x + GAP + w <= width ? x + GAP : Math.max(0, x - GAP - w);
    const top = Math.max(4, Math.min(height - h - 4, y - h / 2));
    this.element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}

function picture({ w, h: height, grey }: NonNullable<HoverReply["image"]>): HTMLCanvasElement {
  const canvas = h("canvas", {
    class: "ne-image",
    width: String(w),
    height: String(height),
    "aria-hidden": "true",
  });
  const context = canvas.getContext("2d");
  if (context) {
    const pixels = context.createImageData(w, height);
    for (let i = 0; i < grey.length; i++) {
      pixels.data.fill(grey[i]!, 4 * i, 4 * i + 3);
      pixels.data[4 * i + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
  }
  const scale = IMAGE / Math.max(w, height);
  canvas.style.width = `${Math.round(w * scale)}px`;
  canvas.style.height = `${Math.round(height * scale)}px`;
  return canvas;
}
