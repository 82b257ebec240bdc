/** The names of categories on the map: each at the densest place of its points in view, over what lies there. */

import { type Crowd, crowdsOf } from "./crowds.ts";
import type { Points } from "./points.ts";
import type { Projection } from "./projection.ts";
import { clamp } from "./scale.ts";
import type { Stage } from "./stage.ts";
import { Stamps } from "./stamps.ts";
import { Timer } from "./timer.ts";
import type { Pair } from "./types.ts";

/** At most so many categories, the most frequent ones, are named; and of each so many characters are shown. */
const MOST = 40;
const LONGEST = 28;
/** Milliseconds between two looks, and of the way to another place. */
const LOOK_EVERY = 400;
const EASE = 140;
/** Pixels: room around a name, and half the height of what it and its edge cover. */
const ROOM = 3;
const LINE = 11;
/** Pixels between the middle of a name and the picture's edges. */
const EDGE = 12;

interface Name {
  text: string;
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
  readonly #timer: Timer;
  readonly #stamps: Stamps;

  constructor(
    private readonly stage: Stage,
    private readonly points: Points,
    signal: AbortSignal,
  ) {
    this.#timer = new Timer(signal);
    this.#stamps = new Stamps(stage.ink);
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
    this.#timer.stop();
  }

  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    const projection = this.stage.projection();
    if (!this.on || !this.points.categorical || !projection) return;
    const now = performance.now();
    this.#lookSoon(now);
    const calm = !this.stage.clock.tween;
    context.save();
    this.#stamps.begin(ratio);
    const share = calm ? 1 : 1 - Math.exp(-Math.min(100, now - this.#last) / EASE);
    this.#last = now;
    let moving = false;
    const taken: [number, number, number, number][] = [];
    for (const [code, name] of this.#names) {
      const at = projection.at(name.anchor);
      const { picture, width } = this.#stamps.of(name.text);
      name.restX *= 1 - share;
      name.restY *= 1 - share;
      const place = at && this.#inside(at[0] + name.dx + name.restX, at[1] + name.dy + name.restY, width);
      const free = place !== null && name.wanted && isFree(place, width, taken);
      name.shown += share * ((free ? 1 : 0) - name.shown);
      if (Math.abs(name.shown - (free ? 1 : 0)) < 0.02) name.shown = free ? 1 : 0;
      if (Math.hypot(name.restX, name.restY) > 0.5 || (name.shown !== 0 && name.shown !== 1)) moving = true;
      if (!name.wanted && name.shown === 0) this.#names.delete(code);
      if (!place || name.shown === 0) continue;
      context.globalAlpha = name.shown;
      // Between two pixels it would be blurred.
      const [left, top] = [picture.width, picture.height].map((size, axis) =>
        Math.round(place[axis]! * ratio - size / 2),
      ) as Pair;
      context.drawImage(picture, left, top);
    }
    context.restore();
    if (moving) this.stage.draw();
  }

  /** Keeps a name within the picture. */
  #inside(x: number, y: number, width: number): [number, number] | null {
    const { camera } = this.stage;
    if (x < -20 || y < -20 || x > camera.width + 20 || y > camera.height + 20) return null;
    const half = width / 2 + 6;
    return [clamp(x, half, camera.width - half), clamp(y, EDGE, camera.height - EDGE)];
  }

  /** What the densest places depend on. */
  #sight(): string {
    const { camera, newest } = this.stage;
    const { x, y, scale, width, height } = camera;
    return [newest?.seq, x, y, scale, width, height, camera.facing, this.points.version].join();
  }

  /** Looks for the densest places, where anything has changed since the last look: not too often, and after the drawing. */
  #lookSoon(now: number): void {
    if (this.#timer.waits || this.#sight() === this.#key) return;
    this.#timer.start(
      () => {
        this.#look();
        this.stage.draw();
      },
      Math.max(0, this.#looked + LOOK_EVERY - now),
    );
  }

  #look(): void {
    const projection = this.stage.projection();
    if (!projection) return;
    this.#key = this.#sight();
    this.#looked = performance.now();
    const { camera } = this.stage;
    const { codes, flags } = this.points;
    const kinds = this.points.mostFrequent(MOST);
    const seen = { projection, width: camera.width, height: camera.height, codes, flags };
    const before = (kind: number) => {
      const at = projection.at(this.#names.get(kinds[kind]!)?.anchor ?? -1);
      return at && ([at[0], at[1]] as Pair);
    };
    const crowds = crowdsOf(seen, kinds, before);
    const old = this.#names;
    this.#names = new Map();
    kinds.forEach((code, kind) => {
      const crowd = crowds[kind];
      const text = old.get(code)?.text ?? shortened(this.points.describeCode(code).label);
      if (crowd && text) this.#names.set(code, this.#placed(text, crowd, projection, old.get(code)));
    });
    for (const [code, name] of old) {
      if (name.shown > 0 && !this.#names.has(code)) this.#names.set(code, { ...name, wanted: false });
    }
  }

  /** A name at a crowd: on top of it, or above (at the upper edge below) one that it would hide. */
  #placed(
    text: string,
    { x, y, wide, high, anchor, apart }: Crowd,
    projection: Projection,
    old?: Name,
  ): Name {
    const { width } = this.#stamps.of(text);
    const hides = 4 * wide < width && 4 * high < 2 * LINE;
    const [atX, atY] = projection.at(anchor)!;
    const beside = hides ? 2 * high + LINE : 0;
    const [dx, dy] = [x - atX, y + (y - beside < EDGE ? beside : -beside) - atY];
    const from = old && projection.at(old.anchor);
    return {
      ...{ text, anchor, dx, dy },
      restX: old && from ? from[0] + old.dx + old.restX - atX - dx : 0,
      restY: old && from ? from[1] + old.dy + old.restY - atY - dy : 0,
      shown: old?.shown ?? 0,
      wanted: apart,
    };
  }
}

function shortened(label: string): string {
  return label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label;
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
