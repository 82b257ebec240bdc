/** What is known of each point besides its place: its code, whether it is filtered or marked, its colour and label. */

import { colorsFor, entryOf, type Theme, TOP } from "./palette.ts";
import { format } from "./scale.ts";
import { DIMMED, FOUND, HIDDEN, MATCH, SELECTED } from "./scene.ts";
import type { Stage } from "./stage.ts";
import type { Legend } from "./types.ts";

export class Points {
  /** What each point is drawn with: see the bits of scene.ts. */
  flags: Uint8Array = new Uint8Array(0);
  codes: Uint16Array = new Uint16Array(0);
  /** Changes with whatever is drawn otherwise. */
  version = 0;
  #legend: Legend = { kind: "none", name: "", items: [], low: 0, high: 1 };
  #colors = colorsFor("none", 0, "light");
  /** Flags by code, from the legend. */
  #filter = new Uint8Array(65536);
  /** The codes that stand out. */
  #shown: { from: number; to: number } | null = null;
  /** Flags of single points. */
  #marks: Uint8Array = new Uint8Array(0);
  /** Bits that some point is marked with. */
  #present = 0;

  constructor(private readonly stage: Stage) {}

  get n(): number {
    return this.#marks.length;
  }

  /** There are n other points now, of which none is marked. */
  setCount(n: number): void {
    this.#marks = new Uint8Array(n);
    this.#present = 0;
    this.#refresh();
  }

  setCodes(codes: Uint16Array): void {
    this.codes = codes;
    this.stage.surface.setCodes(codes);
    this.#refresh();
  }

  setLegend(legend: Legend, theme: Theme): void {
    this.#legend = legend;
    this.#colors = colorsFor(legend.kind, legend.items.length, theme);
    this.stage.surface.setColors(this.#colors);
  }

  /** Draws only points whose code is not `hidden`; those of the other kinds are left as they are. */
  filter(hidden: (code: number) => boolean): void {
    for (let code = 0; code < 65536; code++) this.#filter[code] = hidden(code) ? HIDDEN : 0;
    this.#refresh();
  }

  /** Whether points of a code are not drawn. */
  filtered(code: number): boolean {
    return this.#filter[code] === HIDDEN;
  }

  /** Dims points whose code does not lie in a range; null dims none. */
  highlight(range: { from: number; to: number } | null): void {
    if (range?.from === this.#shown?.from && range?.to === this.#shown?.to) return;
    this.#shown = range;
    this.#refresh();
  }

  /** Gives a bit to these points and to no others. */
  mark(bit: number, points: ArrayLike<number>): void {
    const marks = this.#marks;
    if (this.#present & bit) for (let i = 0; i < marks.length; i++) marks[i]! &= ~bit;
    for (let at = 0; at < points.length; at++) marks[points[at]!]! |= bit;
    this.#present = points.length > 0 ? this.#present | bit : this.#present & ~bit;
    this.#refresh();
  }

  has(bit: number): boolean {
    return (this.#present & bit) !== 0;
  }

  /** The codes of the most frequent categories, most frequent first. */
  mostFrequent(count: number): number[] {
    const { items } = this.#legend;
    const codes = items.map((_, code) => code).sort((a, b) => items[b]!.count - items[a]!.count);
    return codes.slice(0, count);
  }

  get categorical(): boolean {
    return this.#legend.kind === "category";
  }

  hidden(point: number): boolean {
    return ((this.flags[point] ?? 0) & HIDDEN) !== 0;
  }

  describe(point: number): { label: string; color: string } {
    return this.describeCode(this.codes[point] ?? 0);
  }

  describeCode(code: number): { label: string; color: string } {
    const { kind, items, low, high } = this.#legend;
    const { table, count } = this.#colors;
    const at = entryOf(code, count);
    const color = `rgb(${table.subarray(3 * at, 3 * at + 3).join(" ")})`;
    if (kind === "category") return { label: items[code]?.label ?? "", color };
    if (kind === "none" || this.codes.length === 0) return { label: "", color };
    return { label: code > TOP ? "missing" : format(low + ((high - low) * code) / TOP), color };
  }

  #refresh(): void {
    const { codes } = this;
    const marks = this.#marks;
    const byCode = this.#filter.slice();
    if (this.#shown) {
      const { from, to } = this.#shown;
      for (let code = 0; code < 65536; code++) if (code < from || code > to) byCode[code]! |= DIMMED;
    }
    // What was searched for stands out before what is selected; pins dim nothing.
    const focus = this.#present & (MATCH | FOUND) || this.#present & SELECTED;
    const flags = new Uint8Array(marks.length);
    for (let i = 0; i < flags.length; i++) {
      const mark = marks[i]!;
      flags[i] = byCode[codes[i]!]! | mark | (focus === 0 || mark & focus ? 0 : DIMMED);
    }
    this.flags = flags;
    this.version++;
    this.stage.surface.setFlags(flags);
  }
}
