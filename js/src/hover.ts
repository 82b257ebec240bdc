/** The point under the pointer: found, ringed, named, and asked about. */

import { Card } from "./card.ts";
import { Latest } from "./latest.ts";
import type { Stage } from "./stage.ts";
import { Timer } from "./timer.ts";
import type { HoverReply, Pair } from "./types.ts";

const REACH = 10;
/** Milliseconds that the pointer rests on a point before the kernel is asked. */
const REST = 90;
/** Share of the page's time that looking for the point may take while points move: a million are looked through. */
const SHARE = 0.12;
/** Pixels between a point and the ring around it; more where the pointer is elsewhere. */
const ROOM = 3;
const WIDE = 7;
/** Milliseconds that are no matter. */
const CHEAP = 1;
/** Milliseconds without a movement or a drawing after which the display is not waited for. */
const SOON = 40;

export interface HoverSource {
  hidden(point: number): boolean;
  describe(point: number): { label: string; color: string };
  /** Another point is under the pointer; -1: none. */
  pointed(point: number): void;
  /** Asks the kernel for details and gives the request's id. */
  ask(point: number): number;
}

export class Hover {
  readonly card = new Card();
  #pointer: Pair | null = null;
  #point = -1;
  #echo = -1;
  /** Where the pointer was when the point was looked for. */
  #sought: Pair | null = null;
  readonly #rest: Timer;
  readonly #later: Timer;
  readonly #soon: Timer;
  #looked = 0;
  #cost = 0;
  readonly #latest = new Latest<number>((point) => this.source.ask(point));

  constructor(
    private readonly stage: Stage,
    private readonly source: HoverSource,
    signal: AbortSignal,
  ) {
    this.#rest = new Timer(signal);
    this.#later = new Timer(signal);
    this.#soon = new Timer(signal);
  }

  move(at: Pair | null): void {
    // A raw movement is heard of again with the display's turn: there the pointer rests already.
    if (at?.join() !== this.#pointer?.join()) this.#pointer = at;
    this.stage.draw();
    this.#soon.start(() => this.#see(), SOON);
  }

  /** Rings the point that the pointer is at in another picture. */
  echo(point: number): void {
    this.#echo = point;
    this.stage.draw();
  }

  /** Finds the point again and rings it; called after each drawing. */
  drawn(context: CanvasRenderingContext2D, ratio: number): void {
    this.#soon.stop();
    this.#see();
    if (this.#echo >= 0 && !this.source.hidden(this.#echo)) this.#ring(context, ratio, this.#echo, WIDE);
    this.#ring(context, ratio, this.#point, ROOM);
  }

  /** Finds the point at the pointer, and shows its card beside it. */
  #see(): void {
    const point = this.#pointer ? this.#look(this.#pointer) : -1;
    if (point !== this.#point) this.#change(point);
    const at = this.stage.where(point);
    const { width, height } = this.stage.camera;
    if (at) this.card.place(at[0], at[1], width, height);
  }

  #ring(context: CanvasRenderingContext2D, ratio: number, point: number, room: number): void {
    const at = this.stage.where(point);
    if (!at) return;
    const { ink } = this.stage;
    const stroke = (width: number, color: string) => {
      context.lineWidth = width * ratio;
      context.strokeStyle = color;
      context.stroke();
    };
    context.beginPath();
    context.arc(at[0] * ratio, at[1] * ratio, (this.stage.size / 2 + room) * ratio, 0, 2 * Math.PI);
    if (room === WIDE) stroke(WIDE, ink.of("--ne-bg"));
    stroke(room / 2, ink.of("--ne-text"));
  }

  /** What is known of points is other now. */
  renew(): void {
    this.#change(-1);
    this.stage.draw();
  }

  answer(reply: HoverReply): void {
    if (this.#latest.answer(reply.id) && reply.point === this.#point) {
      this.card.fill(reply);
      this.stage.draw();
    }
  }

  /** A request was refused: the next one need not wait for its answer. */
  answered(id: number): void {
    this.#latest.answer(id);
  }

  /**
   * The point at the pointer. While that rests a point that moves stays the same as long as it is near, so that what the
   * kernel knows of it can be read; and the last one stays where looking again would take too much of the page's time.
   */
  #look(pointer: Pair): number {
    if (pointer === this.#sought && this.#near(pointer)) return this.#point;
    const now = performance.now();
    const wait = this.#cost > CHEAP ? this.#looked + this.#cost / SHARE - now : 0;
    if (wait > 0) {
      if (!this.#later.waits) this.#later.start(() => this.#again(), wait);
      return this.#point;
    }
    const point = this.find(...pointer);
    this.#sought = pointer;
    this.#looked = performance.now();
    this.#cost = this.#looked - now;
    return point;
  }

  #again(): void {
    this.#see();
    this.stage.draw();
  }

  /** Whether the point is still at the pointer. */
  #near([x, y]: Pair): boolean {
    const at = this.stage.where(this.#point);
    return at !== null && Math.hypot(at[0] - x, at[1] - y) <= this.#reach && !this.source.hidden(this.#point);
  }

  get #reach(): number {
    return Math.max(REACH, this.stage.size / 2 + 2);
  }

  /** The point at a pixel of the picture, or near it; -1: none. */
  find(x: number, y: number): number {
    const hidden = (point: number) => this.source.hidden(point);
    return this.stage.projection()?.nearest(x, y, this.#reach, hidden) ?? -1;
  }

  #change(point: number): void {
    this.#point = point;
    this.source.pointed(point);
    this.#rest.stop();
    if (point < 0) {
      this.card.hide();
      return;
    }
    const { label, color } = this.source.describe(point);
    this.card.show(point, label, color);
    this.#rest.start(() => this.#latest.push(point), REST);
  }
}
