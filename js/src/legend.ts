/** What colours and sizes mean. A click hides a category, a shift-click shows it alone; numbers have a range. */

import { Chooser } from "./chooser.ts";
import { atEnd, h, listen } from "./dom.ts";
import { type Codes, NumberScale } from "./numbers.ts";
import { categoryColors, scaleColors, type Theme } from "./palette.ts";
import { counted, format } from "./scale.ts";
import type { Legend as Description, SceneInfo } from "./types.ts";

/** More rows than this are not listed. */
const MOST = 300;
/** Characters of labels that fit in two columns. */
const SHORT = 6;

export interface LegendEvents {
  /** Another column is to give the colours. */
  choose(column: string): void;
  /** Tells which codes are not drawn. */
  filter(hidden: (code: number) => boolean): void;
  /** The codes under the pointer, whose points stand out; null: none. */
  point(codes: Codes | null): void;
}

export class Legend {
  readonly element = h("section.ne-legend", { "aria-label": "Legend" });
  readonly #hidden = new Set<number>();
  readonly #chooser: Chooser;
  readonly #body = h("div");
  readonly #sizes = h("div.ne-sizes", { hidden: true });
  #description: Description = { kind: "none", name: "", items: [], low: 0, high: 1 };
  #shape = "";
  #rows: HTMLButtonElement[] = [];
  #numbers: NumberScale | null = null;
  #scope = new AbortController();

  constructor(
    private readonly events: LegendEvents,
    signal: AbortSignal,
  ) {
    this.#chooser = new Chooser(events.choose, signal);
    this.element.append(this.#chooser.element, this.#body, this.#sizes);
    atEnd(signal, () => this.#scope.abort());
  }

  /** Shows what colours and sizes mean. What was switched off stays so while the colours mean the same. */
  show({ legend, colors, size }: SceneInfo, theme: Theme): void {
    this.#chooser.show(colors);
    this.#sizes.hidden = size === null;
    if (size) this.#sizes.replaceChildren(...sizesLine(size));
    const shape = JSON.stringify([legend, this.#chooser.used]);
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#arrange(legend);
    }
    this.element.hidden = legend.kind === "none" && !this.#chooser.used && size === null;
    this.#paint(theme);
  }

  /** The choice of a column was refused. */
  refused(): void {
    this.#chooser.reset();
  }

  #arrange(description: Description): void {
    this.#description = description;
    this.#scope.abort();
    this.#scope = new AbortController();
    this.#hidden.clear();
    this.events.point(null);
    this.events.filter(() => false);
    this.#rows = [];
    this.#numbers = null;
    const { kind, name, items } = description;
    const title = name && !this.#chooser.used ? [h("h3.ne-heading", name)] : [];
    if (kind === "number") {
      this.#numbers = new NumberScale(
        description,
        {
          filter: (codes) =>
            this.events.filter((code) => codes !== null && (code < codes.from || code > codes.to)),
          point: (codes) => this.events.point(codes),
        },
        this.#scope.signal,
      );
      this.#body.replaceChildren(...title, this.#numbers.element);
      return;
    }
    this.#rows = items.slice(0, MOST).map((item, id) => this.#row(id, item.label, item.count));
    const short = items.every((item) => item.label.length <= SHORT);
    const list = h(
      "div",
      { class: short ? "ne-items ne-short" : "ne-items", role: "group", "aria-label": name || "categories" },
      ...this.#rows,
    );
    const rest = items.length - this.#rows.length;
    const more = rest > 0 ? [h("p.ne-note", `and ${counted(rest)} more`)] : [];
    this.#body.replaceChildren(...title, list, ...more);
    this.#refresh();
  }

  #paint(theme: Theme): void {
    this.#numbers?.paint(`linear-gradient(to right, ${scaleColors(theme).join(", ")})`);
    const colors = categoryColors(this.#description.items.length, theme);
    this.#rows.forEach((row, id) => {
      const swatch = row.firstElementChild;
      if (swatch instanceof HTMLElement) swatch.style.background = colors[id % colors.length]!;
    });
  }

  #row(id: number, label: string, count: number): HTMLButtonElement {
    const row = h(
      "button.ne-item",
      { title: `${label}\nClick: hide or show. Shift-click: show alone.` },
      h("i.ne-swatch"),
      h("span.ne-label", label || "(empty)"),
      h("span.ne-count", counted(count)),
    );
    const { signal } = this.#scope;
    listen(row, "click", (event) => this.#toggle(id, event.shiftKey || event.altKey), signal);
    const point = () => this.events.point(this.#hidden.has(id) ? null : { from: id, to: id });
    const leave = () => this.events.point(null);
    listen(row, "pointerenter", point, signal);
    listen(row, "pointerleave", leave, signal);
    listen(row, "focus", () => row.matches(":focus-visible") && point(), signal);
    listen(row, "blur", leave, signal);
    listen(row, "keydown", (event) => this.#walk(event, id), signal);
    return row;
  }

  /** The arrows go from category to category. */
  #walk(event: KeyboardEvent, id: number): void {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#rows[id + step]?.focus();
  }

  #toggle(id: number, alone: boolean): void {
    const all = this.#description.items.length;
    if (alone) {
      const isAlone = !this.#hidden.has(id) && this.#hidden.size === all - 1;
      this.#hidden.clear();
      if (!isAlone) for (let other = 0; other < all; other++) if (other !== id) this.#hidden.add(other);
    } else if (!this.#hidden.delete(id)) {
      this.#hidden.add(id);
    }
    this.#refresh();
    this.events.point(null);
    this.events.filter((code) => this.#hidden.has(code));
  }

  #refresh(): void {
    this.#rows.forEach((row, id) => {
      row.setAttribute("aria-pressed", String(!this.#hidden.has(id)));
    });
  }
}

function sizesLine({ name, low, high }: NonNullable<SceneInfo["size"]>): Node[] {
  return [
    h("span.ne-label", `size: ${name}`),
    h("i.ne-dot"),
    h("span", format(low)),
    h("i.ne-dot.ne-large"),
    h("span", format(high)),
  ];
}
