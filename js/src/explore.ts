/** Looking into the map: what is selected by hand, and what is shown of it. */

import { Around } from "./around.ts";
import type { Command, Commands } from "./commands.ts";
import { Group } from "./group.ts";
import type { Gesture } from "./hand.ts";
import { ICON } from "./icons.ts";
import { Lasso, type Mode } from "./lasso.ts";
import type { Link } from "./link.ts";
import { Names } from "./names.ts";
import type { Points } from "./points.ts";
import { counted } from "./scale.ts";
import { FOUND, HIDDEN, MATCH, SELECTED } from "./scene.ts";
import { Search } from "./search.ts";
import { combine, type How, inside, others } from "./select.ts";
import { Selection } from "./selection.ts";
import type { Stage } from "./stage.ts";
import { type Kind, Summary } from "./summary.ts";
import type { SceneInfo } from "./types.ts";

/** So many found points are drawn larger; more only stand out from the others. */
const FEW = 500;
/** Share of the picture that a selection fills when it is zoomed to. */
const FILL = 0.8;
/** Pixels: what lies closer together is not enlarged further. */
const SMALL = 8;

export interface ExploreParts {
  stage: Stage;
  points: Points;
  link: Link;
  commands: Commands;
  scene(): SceneInfo;
  /** Whether there is a run that can be changed. */
  alive(): boolean;
  /** Does something here, and in the pictures beside this one. */
  each(act: (explore: Explore) => void): void;
  /** What the kernel holds as selected. */
  held(): Uint32Array;
  announce(text: string): void;
  /** Says why something is not shown. */
  note(text: string): void;
}

export class Explore {
  readonly selection: Selection;
  readonly summary: Summary;
  readonly search: Search;
  readonly group: Group;
  readonly around: Around;
  readonly #names: Names;
  readonly #lasso: Lasso;

  constructor(
    private readonly parts: ExploreParts,
    signal: AbortSignal,
  ) {
    const { stage, link, commands } = parts;
    this.selection = new Selection({
      tell: (indices) => link.select(indices),
      held: () => parts.held(),
      changed: (indices) => this.#selected(indices),
      chosen: (indices) => parts.each(({ selection }) => selection.take(indices)),
    });
    this.#lasso = new Lasso(stage, (outline, how) => this.#enclose(outline, how));
    this.around = new Around({
      ...parts,
      selected: () => this.selection.indices,
      each: (visit) => parts.each(({ around }) => visit(around)),
    });
    this.#names = new Names(stage, parts.points, signal);
    this.search = new Search(
      {
        ask: (text) => link.search(text),
        found: (found) => parts.each((one) => one.#mark(found)),
        select: (found) => this.selection.set(found),
        closed: () => stage.canvas.focus({ preventScroll: true }),
      },
      signal,
    );
    this.group = new Group({
      link,
      commands,
      scene: () => parts.scene(),
      selected: () => this.selection.indices,
      alive: () => parts.alive(),
      changed: () => this.recolored(),
    });
    const actions = [...this.#actions(), this.around.command, ...this.group.actions];
    this.summary = new Summary(commands, actions, signal);
    commands.add(
      ...this.#lasso.commands(),
      {
        name: "search",
        keys: ["/"],
        icon: ICON.search,
        group: "find",
        where: "first",
        run: () => this.search.open(),
        able: () => parts.scene().search,
      },
      {
        name: "labels",
        keys: ["n"],
        icon: ICON.labels,
        group: "find",
        where: "every",
        run: () => this.#names.switch(),
        on: () => this.#names.on && parts.points.categorical,
        able: () => parts.points.categorical,
      },
      ...actions,
      {
        name: "clear",
        keys: ["Escape"],
        group: "selection",
        run: () => this.#escape(),
      },
    );
    this.#lasso.use("pan");
  }

  /** What the pointer does. */
  get mode(): Mode {
    return this.#lasso.mode;
  }

  press(x: number, y: number, event: PointerEvent): Gesture | null {
    return this.#lasso.press(x, y, event);
  }

  /** A point was clicked, or none (-1): shows its neighbours; with shift or alt it is selected or no longer so. */
  click(point: number, { shiftKey, altKey }: PointerEvent): void {
    if (shiftKey || altKey) {
      if (point >= 0) this.#choose(Uint32Array.of(point), altKey ? "subtract" : "add");
    } else this.around.click(point);
  }

  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    this.#names.drawn(context, ratio);
    this.around.drawn(context, ratio);
    this.#lasso.drawn(context, ratio);
  }

  /** The points are others now: what was marked or hidden is so no more, and the selection is the kernel's. */
  regrouped(): void {
    this.around.clear();
    this.search.close();
    this.selection.renew();
  }

  /** Colours or categories are others now. */
  recolored(): void {
    this.#names.reset();
    this.parts.commands.changed();
    this.#summarize();
  }

  /** The kernel took or refused a choice. */
  answered(id: number): void {
    this.selection.answer(id);
    this.around.answered(id);
    this.search.answer(id, new Uint32Array(0));
  }

  /** The kernel found the points that have the text. */
  found(id: number, points: Uint32Array): void {
    this.search.answer(
      id,
      points.filter((point) => point < this.parts.points.n),
    );
  }

  #mark(found: Uint32Array): void {
    const { points } = this.parts;
    const few = found.length <= FEW;
    for (const [bit, marked] of [
      [MATCH, few ? found : []],
      [FOUND, few ? [] : found],
    ] as const) {
      if (marked.length > 0 || points.has(bit)) points.mark(bit, marked);
    }
  }

  #actions(): Command[] {
    const { points } = this.parts;
    const { selection } = this;
    const group = "selection";
    const some = () => !selection.empty;
    return [
      { group, name: "clear selection", label: "clear", run: () => selection.clear(), able: some },
      { group, name: "invert", run: () => selection.set(others(points.n, selection.indices)), able: some },
      { group, name: "zoom to", run: () => this.#zoomTo(selection.indices), able: some },
      {
        group,
        name: "hide others",
        where: "every",
        run: () => this.#hide(others(points.n, selection.indices)),
        able: () => some() && selection.indices.length < points.n && !points.has(HIDDEN),
      },
      { group, name: "show all", where: "every", run: () => this.#hide([]), able: () => points.has(HIDDEN) },
    ];
  }

  #enclose(outline: readonly number[], how: How): void {
    const { stage, points } = this.parts;
    this.#choose(inside(places(stage), outline, points.flags), how);
  }

  #choose(picked: Uint32Array, how: How): void {
    this.selection.set(combine(this.parts.points.n, this.selection.indices, picked, how));
  }

  #selected(indices: Uint32Array): void {
    const { points, commands, announce } = this.parts;
    points.mark(SELECTED, indices);
    this.around.reselected();
    this.#summarize();
    commands.changed();
    announce(`${counted(indices.length)} selected`);
  }

  #hide(hidden: ArrayLike<number>): void {
    this.parts.points.mark(HIDDEN, hidden);
    this.#summarize();
  }

  #summarize(): void {
    const { points } = this.parts;
    const { indices } = this.selection;
    const told = this.group.told;
    this.summary.show(indices.length, points.n, this.#kinds(indices), points.has(HIDDEN), told);
  }

  /** How many of these points have each category, most frequent first. */
  #kinds(indices: Uint32Array): Kind[] {
    const { points } = this.parts;
    if (!points.categorical) return [];
    const counts = new Uint32Array(65536);
    for (const point of indices) counts[points.codes[point]!]!++;
    const kinds: Kind[] = [];
    counts.forEach((count, code) => {
      if (count > 0) kinds.push({ ...points.describeCode(code), count });
    });
    return kinds.sort((a, b) => b.count - a.count);
  }

  /** Moves the camera so that these points fill the picture. */
  #zoomTo(indices: Uint32Array): void {
    const { stage, commands } = this.parts;
    const { camera } = stage;
    const at = places(stage);
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const point of indices) {
      const [x, y] = [at[2 * point]!, at[2 * point + 1]!];
      if (Number.isNaN(x)) continue; // behind the viewer
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    if (!(right >= left && bottom >= top)) return;
    camera.pan(camera.width / 2 - (left + right) / 2, camera.height / 2 - (top + bottom) / 2);
    const factor = Math.min(
      camera.width / Math.max(SMALL, right - left),
      camera.height / Math.max(SMALL, bottom - top),
    );
    camera.zoomAt(camera.width / 2, camera.height / 2, FILL * factor);
    commands.changed();
    stage.draw();
  }

  #escape(): void {
    if (this.#lasso.drawing) this.#lasso.cancel();
    else if (this.search.active) this.search.close();
    else if (this.around.active) this.around.clear();
    else this.selection.clear();
  }
}

/** Where all points are drawn now, x and y in CSS pixels each. */
function places(stage: Stage): Float32Array {
  const projection = stage.projection();
  const at = new Float32Array(2 * (projection?.n ?? 0));
  projection?.fill(at);
  return at;
}
