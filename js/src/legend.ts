/** What the colours mean. Categories can be switched off by a click, or left alone by a shift-click. */

import { h } from "./dom.ts";
import { categoryColors, scaleColors, type Theme } from "./palette.ts";
import { format } from "./scale.ts";
import type { Legend as Description } from "./types.ts";

/** More rows than this are not listed. */
const MOST = 300;
/** Characters of labels that fit in two columns. */
const SHORT = 6;

export interface LegendEvents {
  /** Categories that are not drawn. */
  filter(hidden: ReadonlySet<number>): void;
  /** The category under the pointer, or -1. */
  point(category: number): void;
}

export class Legend {
  readonly element = h("section", { class: "ne-legend", "aria-label": "Legend" });
  readonly hidden = new Set<number>();
  #description: Description = { kind: "none", name: "", items: [], low: 0, high: 1 };
  #rows: HTMLButtonElement[] = [];
  #scope = new AbortController();

  constructor(
    private readonly events: LegendEvents,
    signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => this.#scope.abort());
  }

  show(description: Description, theme: Theme): void {
    this.#description = description;
    this.#scope.abort();
    this.#scope = new AbortController();
    const { kind, name, items } = description;
    this.element.hidden = kind === "none";
    const title = name ? [h("h3", { class: "ne-heading" }, name)] : [];
    if (kind === "number") {
      this.element.replaceChildren(...title, this.#scale(theme));
      return;
    }
    const colors = categoryColors(items.length, theme);
    this.#rows = items
      .slice(0, MOST)
      .map((item, id) => this.#row(id, item.label, item.count, colors[id % colors.length]!));
    const short = items.every((item) => item.label.length <= SHORT);
    const list = h(
      "div",
      { class: short ? "ne-items ne-short" : "ne-items", role: "group", "aria-label": name || "categories" },
      ...this.#rows,
    );
    const rest = items.length - this.#rows.length;
    const more = rest > 0 ? [h("p", { class: "ne-note" }, `and ${rest.toLocaleString("en")} more`)] : [];
    this.element.replaceChildren(...title, list, ...more);
    this.#refresh();
  }

  #row(id: number, label: string, count: number, color: string): HTMLButtonElement {
    const swatch = h("i", { class: "ne-swatch" });
    swatch.style.background = color;
    const row = h(
      "button",
      { type: "button", class: "ne-item", title: `${label}\nClick: hide or show. Shift-click: show alone.` },
      swatch,
      h("span", { class: "ne-label" }, label || "(empty)"),
      h("span", { class: "ne-count" }, count.toLocaleString("en")),
    );
    const { signal } = this.#scope;
    row.addEventListener("click", (event) => this.#toggle(id, event.shiftKey || event.altKey), { signal });
    row.addEventListener("pointerenter", () => this.events.point(this.hidden.has(id) ? -1 : id), { signal });
    row.addEventListener("pointerleave", () => this.events.point(-1), { signal });
    return row;
  }

  #toggle(id: number, alone: boolean): void {
    const all = this.#description.items.length;
    if (alone) {
      const isAlone = !this.hidden.has(id) && this.hidden.size === all - 1;
      this.hidden.clear();
      if (!isAlone) for (let other = 0; other < all; other++) if (other !== id) this.hidden.add(other);
    } else if (!this.hidden.delete(id)) {
      this.hidden.add(id);
    }
    this.#refresh();
    this.events.point(-1);
    this.events.filter(this.hidden);
  }

  #refresh(): void {
    this.#rows.forEach((row, id) => {
      row.setAttribute("aria-pressed", String(!this.hidden.has(id)));
    });
  }

  #scale(theme: Theme): HTMLElement {
    const { low, high } = this.#description;
    const strip = h("div", { class: "ne-scale" });
    strip.style.background = `linear-gradient(to right, ${scaleColors(theme).join(", ")})`;
    return h(
      "div",
      {},
      strip,
      h("div", { class: "ne-ends" }, h("span", {}, format(low)), h("span", {}, format(high))),
    );
  }
}
