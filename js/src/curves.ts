/** The loss and the quality by iteration, drawn as lines over one time axis. */

import { h, listen, say, svg } from "./dom.ts";
import { format } from "./scale.ts";
import { Seldom } from "./seldom.ts";
import type { Curve } from "./types.ts";

/** Points of a curve that are kept; of more, every second one is given up. */
const MOST = 800;
/** Colours in the style sheet. */
const COLORS = 6;
/** Milliseconds between two drawings of a run that goes on. */
const DRAW_EVERY = 250;
/** Shown without having been asked for. */
const FIRST = 2;
/** Values that span more than this factor are drawn on a logarithmic scale. */
const WIDE = 10;

interface Line extends Curve {
  path: SVGPathElement;
  toggle: HTMLButtonElement;
  value: HTMLElement;
  on: boolean;
}

export class Curves {
  readonly element = svg("svg", { class: "ne-curves", preserveAspectRatio: "none", "aria-hidden": "true" });
  readonly legend = h("div.ne-lines", { role: "group", "aria-label": "Curves" });
  readonly #lines = new Map<string, Line>();
  readonly #group = svg("g", {});
  #length = 1;
  #at: number | null = null;
  readonly #soon: Seldom<void>;

  constructor(private readonly signal: AbortSignal) {
    this.element.setAttribute("viewBox", "0 0 1 1");
    this.element.append(this.#group);
    this.#line("loss"); // first, whatever is measured before the first of it arrives
    this.#soon = new Seldom(() => this.#draw(), DRAW_EVERY, signal);
  }

  /** Curves as the kernel tells them, from the beginning. */
  replace(curves: Curve[]): void {
    for (const line of this.#lines.values()) line.iterations.length = line.values.length = 0;
    for (const { name, iterations, values } of curves) {
      if (values.length === 0 && !this.#lines.has(name)) continue; // what is not measured has no place here
      const line = this.#line(name);
      line.iterations.push(...iterations);
      line.values.push(...values);
    }
    this.#draw();
  }

  /** One more value; where the run went back, what came later is forgotten. */
  add(name: string, iteration: number, value: number | null): void {
    if (value === null) return;
    const line = this.#line(name);
    const { iterations, values } = line;
    while (iterations.length > 0 && iterations.at(-1)! >= iteration) {
      iterations.pop();
      values.pop();
    }
    iterations.push(iteration);
    values.push(value);
    if (iterations.length > MOST) {
      line.iterations = iterations.filter((_, place) => place % 2 === 1);
      line.values = values.filter((_, place) => place % 2 === 1);
    }
    this.#soon.push();
  }

  /** The run has come, or gone back, to an iteration. */
  reach(iteration: number): void {
    if (iteration < this.#length) {
      for (const line of this.#lines.values()) {
        const kept = line.iterations.filter((at) => at <= iteration).length;
        line.iterations.length = line.values.length = kept;
      }
    }
    this.#length = Math.max(iteration, 1);
    this.#soon.push();
  }

  /** Shows the values at an iteration instead of the latest; null: the latest. */
  look(iteration: number | null): void {
    this.#at = iteration;
    this.#read();
  }

  #line(name: string): Line {
    const known = this.#lines.get(name);
    if (known) return known;
    const color = `var(--ne-curve-${this.#lines.size % COLORS})`;
    const path = svg("path", { "vector-effect": "non-scaling-stroke" });
    path.style.stroke = color;
    const swatch = h("i.ne-stroke");
    swatch.style.background = color;
    const value = h("b", "–");
    const toggle = h(
      "button.ne-line",
      { title: `Show or hide the curve of ${name}` },
      swatch,
      h("span", name),
      value,
    );
    const on = this.#lines.size < FIRST;
    const line: Line = { name, iterations: [], values: [], path, toggle, value, on };
    toggle.setAttribute("aria-pressed", String(on));
    const turn = () => {
      line.on = !line.on;
      toggle.setAttribute("aria-pressed", String(line.on));
      this.#draw();
    };
    listen(toggle, "click", turn, this.signal);
    this.#lines.set(name, line);
    this.#group.append(path);
    this.legend.append(toggle);
    return line;
  }

  #draw(): void {
    for (const line of this.#lines.values()) line.path.setAttribute("d", line.on ? this.#path(line) : "");
    this.#read();
  }

  #path({ iterations, values }: Line): string {
    if (values.length === 0) return "";
    let [low, high] = [Math.min(...values), Math.max(...values)];
    const log = low > 0 && high > WIDE * low;
    const place = log ? Math.log : (value: number) => value;
    [low, high] = [place(low), place(high)];
    const span = high - low || 1;
    return values
      .map((value, at) => {
        const x = iterations[at]! / this.#length;
        if (x > 1) return ""; // measured, and not yet in the picture
        const y = high > low ? 0.94 - (0.88 * (place(value) - low)) / span : 0.5;
        return `${at === 0 ? "M" : "L"}${x.toFixed(4)} ${y.toFixed(3)}`;
      })
      .join("");
  }

  #read(): void {
    for (const { iterations, values, value } of this.#lines.values()) {
      const known = this.#at === null ? values.length : iterations.filter((at) => at <= this.#at!).length;
      const shown = values[known - 1];
      say(value, shown === undefined ? "–" : short(shown));
    }
  }
}

/** Shares of one without their nought, as in tables. */
export function short(value: number): string {
  if (value >= 0 && value < 1) return value.toFixed(2).replace(/^0/, "");
  return format(Number(value.toPrecision(3)));
}
