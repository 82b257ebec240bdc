/** What is known of each point besides its place: its code, whether it is filtered, its colour and label. */

import { colorsFor, type Theme } from "./palette.ts";
import { format } from "./scale.ts";
import { DIMMED, HIDDEN } from "./scene.ts";
import type { Stage } from "./stage.ts";
import type { Legend } from "./types.ts";

const MISSING = 65535;
const TOP = 65534;

export class Points {
  #codes: Uint16Array = new Uint16Array(0);
  #flags: Uint8Array = new Uint8Array(0);
  #legend: Legend = { kind: "none", name: "", items: [], low: 0, high: 1 };
  #colors = colorsFor("none", 0, "light");
  #hiddenIds: ReadonlySet<number> = new Set();
  #pointed = -1;

  constructor(private readonly stage: Stage) {}

  setCodes(codes: Uint16Array): void {
    this.#codes = codes;
    this.stage.setCodes(codes);
    this.#refresh();
  }

  setLegend(legend: Legend, theme: Theme): void {
    this.#legend = legend;
    this.#colors = colorsFor(legend.kind, legend.items.length, theme);
    this.stage.setColors(this.#colors);
  }

  filter(hidden: ReadonlySet<number>): void {
    this.#hiddenIds = hidden;
    this.#refresh();
  }

  /** Dims all other categories; -1 dims none. */
  highlight(category: number): void {
    if (category === this.#pointed) return;
    this.#pointed = category;
    this.#refresh();
  }

  hidden(point: number): boolean {
    return ((this.#flags[point] ?? 0) & HIDDEN) !== 0;
  }

  describe(point: number): { label: string; color: string } {
    const code = this.#codes[point] ?? 0;
    const { kind, items, low, high } = this.#legend;
    const { table, count } = this.#colors;
    const at = count > 0 ? code % count : code === MISSING ? 255 : Math.floor((code * 254) / TOP);
    const color = `rgb(${table.subarray(3 * at, 3 * at + 3).join(" ")})`;
    if (kind === "category") return { label: items[code]?.label ?? "", color };
    if (kind === "none" || this.#codes.length === 0) return { label: "", color };
    return { label: code === MISSING ? "missing" : format(low + ((high - low) * code) / TOP), color };
  }

  #refresh(): void {
    const [codes, hiddenIds, pointed] = [this.#codes, this.#hiddenIds, this.#pointed];
    if (this.#legend.kind !== "category" && this.#flags.length === codes.length) return;
    const byCode = new Uint8Array(65536);
    if (pointed >= 0) byCode.fill(DIMMED);
    if (pointed >= 0) byCode[pointed] = 0;
    for (const id of hiddenIds) byCode[id] = HIDDEN;
    const flags = new Uint8Array(codes.length);
    for (let i = 0; i < flags.length; i++) flags[i] = byCode[codes[i]!]!;
    this.#flags = flags;
    this.stage.setFlags(flags);
  }
}
