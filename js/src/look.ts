/**
 * Looking at the past while the run goes on: the picture shows an earlier frame, and the frames that arrive meanwhile
 * are kept and acknowledged, slowly.
 */

import { atEnd } from "./dom.ts";
import { Latest } from "./latest.ts";
import type { Link } from "./link.ts";
import { Past } from "./past.ts";
import type { Stage } from "./stage.ts";
import { Timer } from "./timer.ts";
import type { Frame } from "./types.ts";

/** Milliseconds between acknowledgements while nobody sees what arrives. */
const SLOW = 250;
/** Frames that are farther from the iteration wanted than this share of the run are asked for. */
const NEAR = 0.01;

export interface LookEvents {
  /** Another moment is looked at, or the present again. */
  changed(): void;
  /** A frame arrived that is not shown. */
  passed(frame: Frame): void;
}

export class Look {
  readonly #past = new Past();
  readonly #asked: Latest<number>;
  #newest: Frame | null = null;
  #wanted: number | null = null;
  #shown: Frame | null = null;
  #leaving = false;
  readonly #late: Timer;

  constructor(
    private readonly stage: Stage,
    private readonly link: Link,
    private readonly events: LookEvents,
    signal: AbortSignal,
  ) {
    this.#asked = new Latest((iteration) => link.look(iteration));
    this.#late = new Timer(signal);
    atEnd(signal, () => this.#past.clear());
  }

  /** Whether the picture shows the past. */
  get active(): boolean {
    return this.#wanted !== null;
  }

  /** The iteration that was asked for; null: the present. */
  get wanted(): number | null {
    return this.#wanted;
  }

  /** The iteration in the picture, which lies as near as a frame was kept; null: the present. */
  get iteration(): number | null {
    return this.#shown?.iteration ?? this.#wanted;
  }

  /** Takes a frame of the run. */
  take(frame: Frame): void {
    this.#past.keep(frame);
    this.#newest = frame;
    if (this.#leaving) this.end();
    else if (!this.active) this.stage.offer(frame);
    else {
      this.events.passed(frame);
      if (!this.#late.waits) this.#late.start(() => this.#ack(), SLOW);
    }
  }

  /** Shows the moment nearest to an iteration; at once what is here, then what the kernel still has. */
  at(iteration: number): void {
    if (!this.#newest || iteration >= this.#newest.iteration) {
      this.end();
      return;
    }
    this.#leaving = false;
    this.#wanted = iteration;
    this.#ack();
    const here = this.#past.nearest(iteration);
    if (here) this.#show(here);
    else this.events.changed();
    const near = Math.max(1, NEAR * this.#newest.iteration);
    if (!here || Math.abs(here.iteration - iteration) > near) this.#asked.push(iteration);
  }

  /** A frame was refused; or the run was not sent anywhere (-1), and what is looked at stays. */
  refused(id: number): void {
    this.#asked.answer(id);
    if (id < 0) this.#leaving = false;
  }

  /** Takes a frame that was asked for. */
  answer(id: number, frame: Frame): void {
    const last = this.#asked.answer(id);
    this.#past.insert(frame);
    const [wanted, shown] = [this.#wanted, this.#shown];
    if (!last || wanted === null) return;
    if (!shown || Math.abs(frame.iteration - wanted) < Math.abs(shown.iteration - wanted)) this.#show(frame);
  }

  /** Shows the present again. */
  end(): void {
    const was = this.active;
    this.#wanted = this.#shown = null;
    this.#leaving = false;
    if (this.#newest) this.stage.offer(this.#newest);
    if (was) this.events.changed();
  }

  /** Shows the present once the run, which was sent somewhere else, has told where it is. */
  leave(): void {
    this.#leaving = this.active;
  }

  /** Forgets all: another run is shown. */
  forget(): void {
    this.#past.clear();
    this.#leaving = this.active;
  }

  #show(frame: Frame): void {
    this.#shown = frame;
    this.stage.offer(frame);
    this.events.changed();
  }

  #ack(): void {
    this.#late.stop();
    if (this.#newest) this.link.ack(this.#newest.seq);
  }
}
