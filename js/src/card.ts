/** The card beside a point under the pointer: its label and number, then what the kernel knows of it. */

import { h } from "./dom.ts";
import type { HoverReply, Picture } from "./types.ts";

const MOST_ROWS = 12;
const GAP = 14;
const IMAGE = 84;

export class Card {
  readonly element = h("div.ne-card", { role: "tooltip", hidden: true });
  readonly #details = h("div.ne-details");

  show(point: number, label: string, color: string): void {
    const swatch = h("i.ne-swatch");
    swatch.style.background = color;
    const title = label ? [swatch, h("span.ne-label", label)] : [];
    const head = h("div.ne-title", ...title, h("span.ne-count", `point ${point}`));
    this.#details.replaceChildren();
    this.element.replaceChildren(head, this.#details);
    this.element.hidden = false;
  }

  fill({ rows, image }: HoverReply): void {
    const list = h("dl");
    for (const [name, text] of rows.slice(0, MOST_ROWS)) list.append(h("dt", name), h("dd", text));
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

function picture(image: Picture): HTMLElement {
  return "type" in image ? encoded(image) : drawn(image);
}

/** An image of its own, whose address is given back once it is read. */
function encoded({ type, bytes }: Extract<Picture, { type: string }>): HTMLElement {
  const address = URL.createObjectURL(new Blob([bytes.slice()], { type }));
  const image = h("img.ne-image", { alt: "" });
  const done = () => URL.revokeObjectURL(address);
  image.addEventListener("load", done, { once: true });
  image.addEventListener(
    "error",
    () => {
      done();
      image.remove();
    },
    { once: true },
  );
  image.src = address;
  return image;
}

function drawn({ w, h: height, channels, pixels }: Extract<Picture, { w: number }>): HTMLElement {
  const canvas = h("canvas.ne-image", { width: String(w), height: String(height), "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  if (context) {
    const data = context.createImageData(w, height);
    const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
    for (let from = 0, to = 0; from < pixels.length; from += channels, to += 4) {
      data.data[to] = pixels[from]!;
      data.data[to + 1] = pixels[from + green]!;
      data.data[to + 2] = pixels[from + blue]!;
      data.data[to + 3] = channels === 4 ? pixels[from + 3]! : 255;
    }
    context.putImageData(data, 0, 0);
  }
  const scale = IMAGE / Math.max(w, height);
  canvas.style.width = `${Math.round(w * scale)}px`;
  canvas.style.height = `${Math.round(height * scale)}px`;
  return canvas;
}
