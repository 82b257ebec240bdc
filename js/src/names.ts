/** The names of categories on the map: each at the densest place of its points in view, over what lies there. */

import type { Points } from "./points.ts";
import type { Stage } from "./stage.ts";

/** At most so many categories, the most frequent ones, are named; and of each so many characters are shown. */
const MOST = 40;
const LONGEST = 28;
/** Points that are looked at, evenly taken from all, and how many of them a category needs in view. */
const SAMPLE = 20_000;
const LEAST = 12;
/** Milliseconds between two looks, and of the way to another place. */
const LOOK_EVERY = 350;
const EASE = 140;
/** Pixels: side of a cell of the count, and room around a name. */
const CELL = 26;
const ROOM = 3;
/** How much denser another place must be for a name to go there. */
const BETTER = 1.35;

interface Name {
  text: string;
  width: number;
  /** A point near the place, which carries the name while the map moves, and the way from there to the place. */
  anchor: number;
  dx: number;
  dy: number;
  /** What is left of the way from where the name stood before. */
  restX: number;
  restY: number;
  /** 0 … 1: faded in or out. */
  shown: number;
  wanted: boolean;
}

export class Names {
  on = true;
  #names = new Map<number, Name>();
  #key = "";
  #looked = Number.NEGATIVE_INFINITY;
  #last = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly stage: Stage,
    private readonly points: Points,
    signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  switch(): void {
    this.on = !this.on;
    this.stage.draw();
  }

  /** Categories or their names are others now. */
  reset(): void {
    this.#names.clear();
    this.#key = "";
    this.#looked = Number.NEGATIVE_INFINITY;
  }

  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    if (!this.on || !this.points.categorical) return;
    const now = performance.now();
    const calm = !this.stage.clock.tween;
    this.#lookAgain(context, now);
    const share = calm ? 1 : 1 - Math.exp(-Math.min(100, now - this.#last) / EASE);
    this.#last = now;
    const style = getComputedStyle(this.stage.canvas);
    context.save();
    context.scale(ratio, ratio);
    context.font = font(style.fontFamily);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = style.getPropertyValue("--ne-bg");
    context.fillStyle = style.getPropertyValue("--ne-text");
    let moving = false;
    const taken: [number, number, number, number][] = [];
    for (const [code, name] of this.#names) {
      const at = this.stage.where(name.anchor);
      name.restX *= 1 - share;
      name.restY *= 1 - share;
      const place =
        at && this.#inside(at[0] + name.dx + name.restX, at[1] + name.dy + name.restY, name.width);
      const free = place !== null && name.wanted && isFree(place, name.width, taken);
      name.shown += share * ((free ? 1 : 0) - name.shown);
      if (Math.abs(name.shown - (free ? 1 : 0)) < 0.02) name.shown = free ? 1 : 0;
      if (Math.hypot(name.restX, name.restY) > 0.5 || (name.shown !== 0 && name.shown !== 1)) moving = true;
      if (!name.wanted && name.shown === 0) this.#names.delete(code);
      if (!place || name.shown === 0) continue;
      context.globalAlpha = 0.85 * name.shown;
      context.strokeText(name.text, ...place);
      context.globalAlpha = name.shown;
      context.fillText(name.text, ...place);
    }
    context.restore();
    if (moving) this.stage.draw();
  }

  /** Keeps a name within the picture. */
  #inside(x: number, y: number, width: number): [number, number] | null {
    const { camera } = this.stage;
    if (x < -20 || y < -20 || x > camera.width + 20 || y > camera.height + 20) return null;
    const half = width / 2 + 6;
    return [Math.max(half, Math.min(camera.width - half, x)), Math.max(12, Math.min(camera.height - 12, y))];
  }

  /** Looks for the densest places, where anything has changed since the last look, but not too often. */
  #lookAgain(context: CanvasRenderingContext2D, now: number): void {
    const { camera, newest } = this.stage;
    const { x, y, scale, width, height } = camera;
    const key = [newest?.seq, x, y, scale, width, height, camera.turn, this.points.version].join();
    if (key === this.#key) return;
    clearTimeout(this.#timer);
    const wait = this.#looked + LOOK_EVERY - now;
    if (wait > 0) {
      this.#timer = setTimeout(() => this.stage.draw(), wait);
      return;
    }
    this.#key = key;
    this.#looked = now;
    this.#look(context);
  }

  #look(context: CanvasRenderingContext2D): void {
    const { camera } = this.stage;
    const codes = this.points.mostFrequent(MOST);
    const row = new Map(codes.map((code, at) => [code, at]));
    const [columns, rows] = [Math.ceil(camera.width / CELL), Math.ceil(camera.height / CELL)];
    const counts = new Uint16Array(codes.length * columns * rows);
    const seen: [number, number, number, number][] = [];
    const projection = this.stage.projection();
    const n = projection?.n ?? 0;
    const step = Math.max(1, Math.ceil(n / SAMPLE));
    for (let point = 0; point < n; point += step) {
      const kind = row.get(this.points.codes[point]!);
      if (kind === undefined || this.points.hidden(point)) continue;
      const at = projection!.at(point);
      if (!at || at[0] < 0 || at[1] < 0 || at[0] >= camera.width || at[1] >= camera.height) continue;
      const cell = Math.floor(at[1] / CELL) * columns + Math.floor(at[0] / CELL);
      counts[kind * columns * rows + cell]!++;
      seen.push([point, kind, at[0], at[1]]);
    }
    const size = columns * rows;
    const places = codes.map((_, kind) => densest(counts.subarray(kind * size, (kind + 1) * size), columns));
    const sums = codes.map(() => ({
      x: 0,
      y: 0,
      count: 0,
      total: 0,
      anchor: -1,
      best: Number.POSITIVE_INFINITY,
    }));
    const near = (cell: number, place: number) =>
      Math.abs((cell % columns) - (place % columns)) <= 1 &&
      Math.abs(Math.floor(cell / columns) - Math.floor(place / columns)) <= 1;
    const cellOf = (x: number, y: number) => Math.floor(y / CELL) * columns + Math.floor(x / CELL);
    // A name stays where it is unless another place is clearly denser.
    codes.forEach((code, kind) => {
      const name = this.#names.get(code);
      const at = name && this.stage.where(name.anchor);
      if (!name || !at || at[0] < 0 || at[1] < 0 || at[0] >= camera.width || at[1] >= camera.height) return;
      const cell = cellOf(at[0], at[1]);
      const here = around(counts.subarray(kind * size, (kind + 1) * size), columns, cell);
      if (here * BETTER >= places[kind]!.count) places[kind]!.cell = cell;
    });
    for (const [, kind, x, y] of seen) {
      const sum = sums[kind]!;
      sum.total++;
      if (!near(cellOf(x, y), places[kind]!.cell)) continue;
      sum.x += x;
      sum.y += y;
      sum.count++;
    }
    for (const [point, kind, x, y] of seen) {
      const sum = sums[kind]!;
      const away = (x - sum.x / sum.count) ** 2 + (y - sum.y / sum.count) ** 2;
      if (away < sum.best) [sum.best, sum.anchor] = [away, point];
    }
    this.#take(context, codes, sums);
  }

  #take(
    context: CanvasRenderingContext2D,
    codes: number[],
    sums: { x: number; y: number; count: number; total: number; anchor: number }[],
  ): void {
    const before = this.#names;
    const gone = new Map(before);
    this.#names = new Map();
    context.save();
    context.font = font(getComputedStyle(this.stage.canvas).fontFamily);
    codes.forEach((code, kind) => {
      const { x, y, count, total, anchor } = sums[kind]!;
      const at = anchor < 0 ? null : this.stage.where(anchor);
      if (!at || total < LEAST) return;
      const [dx, dy] = [x / count - at[0], y / count - at[1]];
      const old = before.get(code);
      const from = old && this.stage.where(old.anchor);
      const text = old?.text ?? shortened(this.points.describeCode(code).label);
      if (!text) return;
      this.#names.set(code, {
        text,
        width: old?.width ?? context.measureText(text).width,
        anchor,
        dx,
        dy,
        restX: old && from ? from[0] + old.dx + old.restX - at[0] - dx : 0,
        restY: old && from ? from[1] + old.dy + old.restY - at[1] - dy : 0,
        shown: old?.shown ?? 0,
        wanted: true,
      });
      gone.delete(code);
    });
    context.restore();
    for (const [code, name] of gone) if (name.shown > 0) this.#names.set(code, { ...name, wanted: false });
  }
}

function font(family: string): string {
  return `600 12px ${family || "sans-serif"}`;
}

function shortened(label: string): string {
  return label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label;
}

/** Points in a cell and those around it. */
function around(counts: Uint16Array, columns: number, cell: number): number {
  let sum = 0;
  const column = cell % columns;
  for (const dy of [-columns, 0, columns]) {
    for (const dx of [-1, 0, 1]) {
      if (column + dx >= 0 && column + dx < columns) sum += counts[cell + dy + dx] ?? 0;
    }
  }
  return sum;
}

function densest(counts: Uint16Array, columns: number): { cell: number; count: number } {
  const best = { cell: 0, count: -1 };
  for (let cell = 0; cell < counts.length; cell++) {
    if (counts[cell] === 0) continue;
    const count = around(counts, columns, cell);
    if (count > best.count) Object.assign(best, { cell, count });
  }
  return best;
}

/** Whether a name finds room beside those placed before; takes the room where it does. */
function isFree([x, y]: [number, number], width: number, taken: [number, number, number, number][]): boolean {
  const box: [number, number, number, number] = [
    x - width / 2 - ROOM,
    y - 8 - ROOM,
    x + width / 2 + ROOM,
    y + 8 + ROOM,
  ];
  if (taken.some(([l, t, r, b]) => box[0] < r && box[2] > l && box[1] < b && box[3] > t)) return false;
  taken.push(box);
  return true;
}
