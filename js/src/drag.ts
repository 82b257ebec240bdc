/** Dragging points: they follow the pointer at once, and the kernel is told where they are as fast as it answers. */

import type { Triple } from "./camera.ts";
import type { Gesture } from "./hand.ts";
import { Latest } from "./latest.ts";
import { markOf, PINNED, pinLook } from "./scene.ts";
import type { Stage } from "./stage.ts";
import type { Frame } from "./types.ts";

const REACH = 12;
/** Milliseconds after which points that were let go are shown where the kernel has them, wherever that is. */
const PATIENCE = 4000;
/** Pixels within which a frame's place is the one asked for. */
const CLOSE = 1.5;
/** More points than this are drawn without an outline while they are dragged. */
const FEW = 2000;

export interface DragEvents {
  /** What a press on a point takes hold of. */
  taken(point: number): Uint32Array;
  hidden(point: number): boolean;
  color(point: number): string;
  /** Points that are drawn here instead of with the others. */
  lifted(points: Uint32Array): void;
  /** Tells the kernel where points were put; gives the request's id. */
  put(points: Uint32Array, places: Float32Array): number;
  /** The hand has let go. */
  let(): void;
}

export class Drag {
  #grips: Grip[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly events: DragEvents,
  ) {}

  /** The gesture of a press on a point; null where there is none. */
  press(x: number, y: number): Gesture | null {
    const { stage, events } = this;
    const projection = stage.projection();
    const reach = Math.max(REACH, stage.size / 2 + 3);
    const point = projection?.nearest(x, y, reach, (at) => events.hidden(at)) ?? -1;
    if (point < 0 || !stage.newest) return null;
    const depth = projection?.at(point)?.[2] ?? 1;
    const { camera } = stage;
    const following = camera.following;
    const from = camera.toData(x, y);
    let grip: Grip | null = null;
    const begin = () => {
      const points = events.taken(point);
      const other = this.#grips.filter((one) => !one.meets(points));
      const put = (places: Float32Array) => {
        const { scale } = stage.newest!;
        return events.put(
          points,
          places.map((value) => value * scale),
        );
      };
      grip = new Grip(points, this.#placesOf(points), put);
      this.#grips = [...other, grip];
      camera.following = false; // what grows under the pointer must not move the ground
      this.#lift();
      return grip;
    };
    const end = () => {
      grip?.letGo();
      if (following) camera.following = true;
      events.let();
      stage.draw();
    };
    return {
      move: (toX, toY) => {
        const held = grip ?? begin();
        if (!this.#grips.includes(held)) return;
        const to = camera.toData(toX, toY);
        held.shift(to.map((value, axis) => (value - from[axis]!) * depth) as Triple);
        stage.draw();
      },
      end,
      cancel: end,
    };
  }

  /** Takes an answer; a refusal puts the points back. */
  answer(id: number, ok: boolean): void {
    for (const grip of this.#grips) {
      if (grip.answer(id) && !ok) this.#drop(grip);
    }
  }

  /** The points are others now. */
  forget(): void {
    this.#grips = [];
    this.#lift();
  }

  /** Draws the points that are held, and leaves those that a frame has where they were put to the others. */
  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    for (const grip of this.#grips) {
      if (grip.caughtUp(this.stage)) this.#drop(grip);
      else this.#draw(grip, context, ratio);
    }
  }

  #draw({ points, places, c }: Grip, context: CanvasRenderingContext2D, ratio: number): void {
    const { camera, size } = this.stage;
    const ink = this.stage.ink.of("--ne-text");
    const mark = markOf(PINNED, size * ratio, ratio, pinLook(Math.max(points.length, this.stage.pinned)));
    const plain = points.length > FEW;
    const side = plain ? size * ratio : mark.size;
    context.save();
    context.strokeStyle = ink;
    context.lineWidth = mark.ring;
    for (let i = 0; i < points.length; i++) {
      const at = camera.toScreen(places[c * i]!, places[c * i + 1]!, c === 3 ? places[c * i + 2]! : 0);
      const [x, y] = [at[0] * ratio - side / 2, at[1] * ratio - side / 2];
      context.fillStyle = this.events.color(points[i]!);
      context.fillRect(x, y, side, side);
      if (!plain)
        context.strokeRect(x + mark.ring / 2, y + mark.ring / 2, side - mark.ring, side - mark.ring);
    }
    context.restore();
  }

  #drop(grip: Grip): void {
    this.#grips = this.#grips.filter((one) => one !== grip);
    this.#lift();
    this.stage.draw();
  }

  #lift(): void {
    const all = new Uint32Array(this.#grips.reduce((sum, { points }) => sum + points.length, 0));
    let at = 0;
    for (const { points } of this.#grips) {
      all.set(points, at);
      at += points.length;
    }
    this.events.lifted(all);
  }

  #placesOf(points: Uint32Array): Float32Array {
    const frame = this.stage.newest!;
    const places = new Float32Array(points.length * frame.c);
    points.forEach((point, i) => {
      for (let axis = 0; axis < frame.c; axis++) places[frame.c * i + axis] = coordinate(frame, point, axis);
    });
    return places;
  }
}

/** Points under the pointer, or let go and not yet where they were put in the frames that are shown. */
class Grip {
  places: Float32Array;
  readonly c: number;
  readonly #from: Float32Array;
  readonly #latest: Latest<Float32Array>;
  #letGo = 0;

  constructor(
    readonly points: Uint32Array,
    from: Float32Array,
    put: (places: Float32Array) => number,
  ) {
    this.#from = this.places = from;
    this.c = from.length / points.length;
    this.#latest = new Latest(put);
  }

  /** Moves the points to so far from where they were taken up, and tells it. */
  shift(way: Triple): void {
    this.places = this.#from.map((value, at) => value + way[at % this.c]!);
    this.#latest.push(this.places);
  }

  letGo(): void {
    this.#letGo = performance.now();
  }

  meets(points: Uint32Array): boolean {
    const other = new Set(points);
    return this.points.some((point) => other.has(point));
  }

  /** Takes an answer; true if it was to the last word. */
  answer(id: number): boolean {
    return this.#latest.answer(id);
  }

  /** Whether they were let go, and are drawn by the others where they were put. */
  caughtUp(stage: Stage): boolean {
    if (this.#letGo === 0) return false;
    if (performance.now() - this.#letGo > PATIENCE) return true;
    if (this.#latest.busy) return false;
    const [x, y, z = 0] = this.places.subarray(0, this.c);
    const [want, at] = [stage.camera.toScreen(x!, y!, z), stage.where(this.points[0]!)];
    return at !== null && Math.hypot(at[0] - want[0], at[1] - want[1]) < CLOSE;
  }
}

function coordinate({ positions, c, lo, sc }: Frame, point: number, axis: number): number {
  return lo[axis]! + positions[c * point + axis]! * sc[axis]!;
}
