/** The colour scale of numbers, with two handles: only points between them are drawn. */

import { h, listen, say } from "./dom.ts";
import { TOP } from "./palette.ts";
import { format } from "./scale.ts";

const STEPS = 1000;
/** Share of the scale around the pointer whose points stand out. */
const BAND = 0.04;

export interface Codes {
  from: number;
  to: number;
}

export interface NumberEvents {
  /** The codes whose points are drawn; null: all. */
  filter(codes: Codes | null): void;
  /** The codes whose points stand out; null: all. */
  point(codes: Codes | null): void;
}

export class NumberScale {
  readonly element: HTMLElement;
  readonly #strip = h("div.ne-scale");
  readonly #low: HTMLInputElement;
  readonly #high: HTMLInputElement;
  readonly #ends = [h("span"), h("span")] as const;

  constructor(
    private readonly bounds: { name: string; low: number; high: number },
    private readonly events: NumberEvents,
    signal: AbortSignal,
  ) {
    const handle = (name: string, value: number) =>
      h("input", {
        type: "range",
        min: "0",
        max: String(STEPS),
        step: "1",
        value: String(value),
        "aria-label": `${name} ${bounds.name || "value"} shown`,
      });
    this.#low = handle("lowest", 0);
    this.#high = handle("highest", STEPS);
    const track = h("div.ne-range", this.#strip, this.#low, this.#high);
    this.element = h("div", track, h("div.ne-ends", ...this.#ends));
    for (const input of [this.#low, this.#high]) {
      listen(input, "input", () => this.#move(input), signal);
    }
    listen(track, "pointermove", (event) => this.#point(track, event.clientX), signal);
    listen(track, "pointerleave", () => events.point(null), signal);
    this.#say();
  }

  paint(gradient: string): void {
    this.#strip.style.background = gradient;
  }

  #move(moved: HTMLInputElement): void {
    // A handle does not pass the other one.
    if (moved === this.#low) moved.valueAsNumber = Math.min(moved.valueAsNumber, this.#high.valueAsNumber);
    else moved.valueAsNumber = Math.max(moved.valueAsNumber, this.#low.valueAsNumber);
    this.#say();
    const [from, to] = [this.#low.valueAsNumber, this.#high.valueAsNumber];
    const all = from === 0 && to === STEPS;
    this.events.point(null);
    this.events.filter(
      all ? null : { from: Math.floor((from * TOP) / STEPS), to: Math.ceil((to * TOP) / STEPS) },
    );
  }

  #point(track: HTMLElement, x: number): void {
    const { left, width } = track.getBoundingClientRect();
    const share = (x - left) / Math.max(1, width);
    const from = Math.max(0, Math.floor((share - BAND) * TOP));
    this.events.point({ from, to: Math.min(TOP, Math.ceil((share + BAND) * TOP)) });
  }

  #say(): void {
    const { low, high } = this.bounds;
    [this.#low, this.#high].forEach((input, side) => {
      const value = format(low + ((high - low) * input.valueAsNumber) / STEPS);
      input.setAttribute("aria-valuetext", value);
      say(this.#ends[side]!, value);
    });
    this.element.style.setProperty("--ne-from", String(this.#low.valueAsNumber / STEPS));
    this.element.style.setProperty("--ne-to", String(this.#high.valueAsNumber / STEPS));
  }
}
