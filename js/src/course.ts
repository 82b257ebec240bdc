/** How the run goes: what it tells of itself, its curves and its past, and which moment of it is in the picture. */

import { Bar, GONE } from "./bar.ts";
import type { Beside } from "./beside.ts";
import type { Command } from "./commands.ts";
import { copy, offer } from "./copy.ts";
import { Curves } from "./curves.ts";
import { atEnd, h, say } from "./dom.ts";
import type { Link } from "./link.ts";
import { Look } from "./look.ts";
import { Meter } from "./meter.ts";
import { counted } from "./scale.ts";
import { Seldom } from "./seldom.ts";
import type { Stage } from "./stage.ts";
import { Timeline } from "./timeline.ts";
import type { Curve, Frame, Status, Told } from "./types.ts";
import { type readQuality, type readScript, readStatus } from "./wire.ts";

/** Milliseconds between two changes of the words and numbers around a picture that moves. */
const TELL_EVERY = 200;
const RATE_EVERY = 500;
/** Milliseconds without news of a moving run after which the view says so. */
const QUIET = 5000;
/** Milliseconds between two summaries of a moving run, told while the view has the focus. */
const SUMMARY_EVERY = 15_000;

export interface CourseParts {
  root: HTMLElement;
  stage: Stage;
  link: Link;
  beside: Beside | null;
  /** How the run stands is shown elsewhere, too. */
  follow(told: Told): void;
}

export class Course {
  readonly bar: Bar;
  /** The iteration, where it is not in the bar. */
  readonly at = h("span.ne-at");
  readonly #meter = new Meter();
  readonly #curves: Curves;
  readonly #timeline: Timeline;
  readonly #look: Look;
  readonly #told: Seldom<Told>;
  #iteration = 0;
  #script = -1;
  #branch = 0;
  #gone = false;
  #last: Told = readStatus({});

  constructor(
    private readonly parts: CourseParts,
    private readonly signal: AbortSignal,
  ) {
    const { stage, link, beside } = parts;
    this.bar = new Bar({ act: (action) => link.act(action) }, signal, beside?.voice);
    this.#curves = new Curves(signal);
    this.#look = new Look(
      stage,
      link,
      { changed: () => this.#looks(), passed: (frame) => this.#tell(frame) },
      signal,
    );
    this.#timeline = this.#makeTimeline();
    this.#told = new Seldom((told) => this.#follow(told), TELL_EVERY, signal);
    this.bar.element.prepend(this.#timeline.element);
    const timers = [
      setInterval(() => this.#showRates(), RATE_EVERY),
      setInterval(() => this.#summarise(), SUMMARY_EVERY),
    ];
    atEnd(signal, () => timers.forEach(clearInterval));
  }

  commands(): Command[] {
    const past = { group: "time", live: true };
    const steps = this.parts.beside?.back ?? this.#timeline;
    return [
      { ...past, name: "look back", keys: ["["], run: () => steps.step(-1) },
      { ...past, name: "look forward", keys: ["]"], run: () => steps.step(1) },
      { name: "play or pause", keys: [" "], group: "run", run: () => this.bar.playOrPause() },
      { name: "step", keys: ["."], group: "run", run: () => this.parts.link.act("step") },
    ];
  }

  /** Whether the picture shows the past. */
  get back(): boolean {
    return this.#look.active;
  }

  /** Looks at an iteration, or at the present if the run is not as far. */
  look(iteration: number): void {
    this.#timeline.look(iteration);
  }

  /** Takes a frame as it arrives. */
  take(frame: Frame): void {
    this.#meter.arrive(frame.positions.byteLength, performance.now());
    this.#look.take(frame);
  }

  /** A frame is in the picture; true if it shows the present. */
  shown(frame: Frame): boolean {
    if (this.#look.active) return false;
    this.#meter.draw();
    this.parts.link.ack(frame.seq);
    this.#tell(frame);
    return true;
  }

  status(status: Status): void {
    if (status.branches) {
      if (status.branch !== this.#branch) this.#look.forget();
      this.#branch = status.branch;
      this.#timeline.fork(status.branches, status.branch);
    }
    this.#timeline.show(status.changes);
    this.#last = status;
    this.#told.now(status);
  }

  /** A request was refused; without an id (-1) the run is where it was, and shown is the branch that was. */
  refused(id: number): void {
    this.#look.refused(id);
    if (id < 0) this.#timeline.turned(this.#branch);
  }

  /** Curves from the beginning. */
  replace(curves: Curve[]): void {
    this.#curves.replace(curves);
  }

  measured({ iteration, values }: ReturnType<typeof readQuality>): void {
    for (const [name, value] of values) this.#curves.add(name, iteration, value);
  }

  /** A frame of the past, as asked for. */
  past(id: number, frame: Frame): void {
    this.#look.answer(id, frame);
  }

  script({ id, text, error }: ReturnType<typeof readScript>): void {
    if (id === this.#script) void this.#copy(text, error);
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Whether the kernel is gone; what it told last waits no longer, and nothing here can be asked of it. */
  set gone(gone: boolean) {
    this.#gone = gone;
    this.bar.inert = this.#timeline.element.inert = gone;
    this.#told.now(this.#last);
  }

  /** The points are others: their past is not that of these. */
  forget(): void {
    this.#look.forget();
  }

  /** Says how the run stands, where the picture may show something else. */
  #tell(frame: Frame): void {
    this.#timeline.reach(frame.iteration);
    this.#curves.add("loss", frame.iteration, frame.loss);
    const turns = frame.state !== this.parts.root.dataset.state || frame.iteration < this.#iteration;
    this.#iteration = frame.iteration;
    this.#last = frame;
    if (turns) this.#told.now(frame);
    else this.#told.push(frame);
  }

  #follow(last: Told): void {
    const told = this.#gone ? { ...last, state: GONE, note: "" } : last;
    this.bar.showRun(told.iteration, told.loss, told.speed);
    this.#timeline.reach(told.iteration);
    this.#timeline.place();
    this.#setState(told.state, told.note);
    const { iteration } = this.#look;
    const rests = told.state === "running" || iteration !== null ? "" : `, ${told.state}`;
    if (this.parts.beside) say(this.at, `iteration ${counted(iteration ?? told.iteration)}${rests}`);
    this.parts.follow(told);
  }

  #setState(state: string, note: string): void {
    const { dataset } = this.parts.root;
    const before = dataset.state;
    this.bar.showState(state, note);
    dataset.state = state;
    // That the kernel is gone is an alert of its own.
    if (before !== undefined && before !== state && state !== GONE) this.bar.summarise();
  }

  #looks(): void {
    const { iteration, wanted } = this.#look;
    this.#timeline.looks(wanted, iteration);
    this.#told.now(this.#last);
    this.bar.announce(wanted === null ? "the present" : `looking back at iteration ${wanted}`);
  }

  #makeTimeline(): Timeline {
    const { link } = this.parts;
    const go = (kind: "rewind" | "branch", iteration: number, told: string) => {
      link.go(kind, iteration);
      this.#look.leave();
      this.bar.announce(`${told} iteration ${iteration}`);
    };
    const events = {
      look: (iteration: number) => this.#look.at(iteration),
      now: () => this.#look.end(),
      rewind: (iteration: number) => go("rewind", iteration, "going back to"),
      branch: (iteration: number) => go("branch", iteration, "branching off at"),
      turn: (branch: number) => link.turn(branch),
      mark: (name: string, iteration: number | null) => link.mark(name, iteration),
      script: () => {
        this.#script = link.script();
      },
    };
    return new Timeline(events, this.#curves, this.signal);
  }

  async #copy(text: string, error: string): Promise<void> {
    if (error) this.bar.showNote(error);
    else if (await copy(text)) this.bar.showNote("The script is in the clipboard");
    else if (!this.signal.aborted) offer(text, this.parts.stage.element, this.signal);
  }

  get #runs(): boolean {
    return this.parts.root.dataset.state === "running";
  }

  #showRates(): void {
    const now = performance.now();
    const silence = this.parts.link.silence(now);
    if (this.#runs && silence > QUIET) this.bar.showSilence(silence);
    this.bar.showRate(this.parts.stage.rate(now), this.#meter.rate(now), this.#meter.dropped);
  }

  #summarise(): void {
    if (this.#runs && this.parts.root.matches(":focus-within")) this.bar.summarise();
  }
}
