/**
 * Around a clicked point, or the selected ones: lines to the neighbours in the data, told apart by whether the map shows
 * them near, and to those near in the map that are none in the data.
 */

import type { Command } from "./commands.ts";
import { h } from "./dom.ts";
import { Latest } from "./latest.ts";
import { Lines } from "./lines.ts";
import type { Link } from "./link.ts";
import type { Points } from "./points.ts";
import { counted } from "./scale.ts";
import type { Stage } from "./stage.ts";
import type { ErrorsReply, NeighborsReply } from "./types.ts";

/** Milliseconds between two answers while the points move, at least; and so many times as long as one takes. */
const RENEW = 1000;
const PATIENT = 10;
const NONE = new Uint32Array(0);

export interface AroundParts {
  stage: Stage;
  points: Points;
  link: Link;
  /** Ascending. */
  selected(): Uint32Array;
  alive(): boolean;
  /** Visits those of all views that show the same points. */
  each(visit: (one: Around) => void): void;
  /** Says why something is not shown. */
  note(text: string): void;
  announce(text: string): void;
}

export class Around {
  readonly element = h("div.ne-around", { hidden: true });
  readonly command: Command;
  readonly #lines: Lines;
  readonly #asked: Latest<Uint32Array | number>;
  /** A point, or some; null: nothing is looked at. */
  #of: Uint32Array | number | null = null;
  #iteration = -1;
  #sentAt = 0;
  #next = 0;
  #told = false;

  constructor(private readonly parts: AroundParts) {
    const { link } = parts;
    this.#lines = new Lines(parts.stage, parts.points);
    this.#asked = new Latest((of) => {
      this.#sentAt = performance.now();
      return typeof of === "number" ? link.neighbors(of) : link.errors(of);
    });
    this.command = {
      name: "wrong neighbours",
      keys: ["e"],
      group: "selection",
      live: true,
      run: () => (this.#several ? this.clear() : this.#look(parts.selected().slice())),
      on: () => this.#several,
      able: () => this.#several || (parts.alive() && parts.selected().length > 0),
    };
  }

  /** Whether there are lines, or will be. */
  get active(): boolean {
    return this.#of !== null || this.#lines.shown;
  }

  /** A point was clicked, or none (-1). */
  click(point: number): void {
    if (point < 0 || point === this.#of) this.clear();
    else this.#look(point);
  }

  /** Takes the lines away, in all views. */
  clear(): void {
    this.parts.each((one) => one.#end());
  }

  #end(): void {
    this.#of = null;
    this.#lines.clear();
    this.element.hidden = true;
  }

  /** Others are selected. */
  reselected(): void {
    if (this.#several) this.clear();
  }

  /** The picture shows another moment of the run: what is wrong in it may be something else. */
  moved(iteration: number): void {
    const now = performance.now();
    if (this.#of === null || this.#asked.busy || iteration === this.#iteration || now < this.#next) return;
    this.#iteration = iteration;
    this.#asked.push(this.#of);
  }

  neighbors({ id, point, points, missing, wrong, note }: NeighborsReply): void {
    if (!this.#answers(id, note) || this.#of !== point) return;
    const lost = new Set(missing);
    const kept = points.filter((neighbor) => !lost.has(neighbor));
    const to = (others: Uint32Array) => Uint32Array.from([...others].flatMap((other) => [point, other]));
    this.#lines.show({ kept: to(kept), missing: to(missing), wrong: to(wrong) }, point);
    // In other maps of the same points something else is missing: there the neighbours are shown as they are.
    const all = { kept: to(points), missing: NONE, wrong: NONE };
    this.parts.each((one) => one !== this && one.#lines.show(all, point));
    const told = missing.length + wrong.length > 0;
    const counts: Counts = [kept.length, missing.length, wrong.length];
    const text = told ? `, ${missing.length} of them far in the map` : "";
    this.#tell(`${points.length} neighbours of point ${point}${text}`, told ? counts : null);
  }

  errors({ id, points, neighbors, count, missing, wrong, note }: ErrorsReply): void {
    if (!this.#answers(id, note) || !this.#several) return;
    this.#lines.show({ kept: NONE, missing, wrong }, -1);
    const drawn = Math.max(missing.length, wrong.length) / 2;
    const some = points < this.parts.selected().length ? `, of ${counted(points)} points` : "";
    const few = drawn < count ? `; ${counted(drawn)} of each drawn` : "";
    this.#tell(
      `${counted(count)} of ${counted(neighbors)} neighbours are far in the map`,
      [neighbors - count, count, count],
      `${some}${few}`.replace(/^[,;] /, ""),
    );
  }

  answered(id: number): void {
    this.#asked.answer(id);
  }

  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    this.#lines.drawn(context, ratio);
  }

  get #several(): boolean {
    return this.#of instanceof Uint32Array;
  }

  #look(of: Uint32Array | number): void {
    this.clear();
    this.#of = of;
    this.#told = false;
    this.#iteration = this.parts.stage.newest?.iteration ?? -1;
    this.#asked.push(of);
  }

  /** Whether an answer is to the last question, and is one. */
  #answers(id: number, note: string): boolean {
    if (!this.#asked.answer(id)) return false;
    const now = performance.now();
    this.#next = now + Math.max(RENEW, PATIENT * (now - this.#sentAt));
    if (note && this.#of !== null) {
      this.clear();
      this.parts.note(note);
    }
    return !note;
  }

  #tell(spoken: string, counts: Counts | null, more = ""): void {
    if (!this.#told) this.parts.announce(spoken);
    this.#told = true;
    this.element.hidden = counts === null;
    if (!counts) return;
    const rows = NAMES.map(([kind, name], place) => {
      const drawn = kind === "kept" && this.#several ? "none" : kind;
      return h("div", h(`i.ne-tie.ne-tie-${drawn}`), `${counted(counts[place]!)} ${name}`);
    });
    this.element.replaceChildren(...rows, ...(more ? [h("div.ne-note", more)] : []));
  }
}

type Counts = [kept: number, missing: number, wrong: number];
const NAMES = [
  ["kept", "kept: near in both"],
  ["missing", "missing: far in the map"],
  ["wrong", "false: far in the data"],
] as const;
