/** One view of one run: puts the parts together and carries what arrives to where it belongs. */

import type { Beside, Member } from "./beside.ts";
import { Board } from "./board.ts";
import { Commands } from "./commands.ts";
import { Course } from "./course.ts";
import { readControls } from "./described.ts";
import { declareDisplay } from "./display.ts";
import { Explore } from "./explore.ts";
import { attachHand, type Gesture } from "./hand.ts";
import type { Handlers } from "./heard.ts";
import { Help } from "./help.ts";
import { Hint } from "./hint.ts";
import { Hold } from "./hold.ts";
import { Hover } from "./hover.ts";
import { Link } from "./link.ts";
import { Panel } from "./panel.ts";
import { Points } from "./points.ts";
import { Stage } from "./stage.ts";
import { Subject } from "./subject.ts";
import { Tools } from "./tools.ts";
import { onChange } from "./traits.ts";
import { type Frame, type Model, PROTOCOL, type Status } from "./types.ts";
import { readPoints } from "./wire.ts";

const GONE = "The kernel is gone. This is the last picture that it sent; run the cell again for a live view.";

export class View {
  readonly #board: Board;
  readonly #root: HTMLElement;
  readonly #hint: Hint;
  readonly #help: Help;
  readonly #commands: Commands;
  /** Whether there is no run behind it: a recording has a bar of its own, and a panel that only shows. */
  readonly #recorded: boolean;
  readonly #tools: Tools;
  readonly #stage: Stage;
  readonly #points: Points;
  readonly #link: Link;
  readonly #panel: Panel;
  readonly #course: Course;
  readonly #subject: Subject;
  readonly #hover: Hover;
  readonly #explore: Explore;
  readonly #hold: Hold;
  #seen = false;

  constructor(
    private readonly model: Model,
    element: HTMLElement,
    private readonly signal: AbortSignal,
    private readonly beside: Beside | null = null,
  ) {
    this.#recorded = model.get("_recorded") === true;
    this.#board = new Board(signal);
    this.#root = this.#board.root;
    this.#root.classList.toggle("ne-recording", this.#recorded);
    this.#commands = new Commands(this.#recorded);
    this.#link = new Link(model, this.#handlers(), signal);
    this.#stage = this.#makeStage();
    this.#points = new Points(this.#stage);
    this.#panel = new Panel(
      { set: (name, value) => this.#link.set(name, value), reset: () => this.#link.act("reset") },
      this.#recorded,
      signal,
    );
    this.#help = new Help(this.#commands, beside?.board ?? this.#board.main, signal);
    this.#tools = new Tools(this.#commands, signal);
    this.#hint = new Hint(signal);
    this.#course = new Course(
      {
        ...{ root: this.#root, stage: this.#stage, link: this.#link, beside },
        follow: (told) => {
          this.#panel.follow(told);
          beside?.told(this.#stage, told);
        },
      },
      signal,
    );
    this.#subject = this.#makeSubject();
    this.#hover = this.#makeHover();
    this.#explore = this.#makeExplore();
    this.#hold = this.#makeHold();
    this.#assemble(element);
    this.#join();
    this.#listen();
    this.#declare();
    this.#link.open(this.#stage.element);
  }

  /** This picture, and those beside it. */
  get #all(): readonly Pick<Member, "points" | "explore">[] {
    return this.beside?.members ?? [{ points: this.#points, explore: this.#explore }];
  }

  #makeStage(): Stage {
    const events = {
      shown: (frame: Frame) => this.#shown(frame),
      drawn: (context: CanvasRenderingContext2D, ratio: number) => {
        this.#explore.drawn(context, ratio);
        this.#hold.drawn(context, ratio);
        this.#hover.drawn(context, ratio);
        this.beside?.drawn(this.#stage, context, ratio);
      },
      canShow: () => this.#link.visible,
    };
    return new Stage(this.#root, events, this.signal);
  }

  #makeSubject(): Subject {
    return new Subject(
      {
        ...{ model: this.model, root: this.#root, stage: this.#stage, points: this.#points },
        ...{ beside: this.beside, recorded: this.#recorded, at: this.#course.at },
        each: (act) => {
          for (const { points } of this.#all) act(points);
        },
        color: (column) => this.#link.color(column),
        regrouped: () => {
          this.#course.forget();
          this.#hold.regrouped();
          this.#explore.regrouped();
        },
        recolored: () => {
          this.#hover.renew();
          this.#explore.recolored();
        },
      },
      this.signal,
    );
  }

  #makeHover(): Hover {
    return new Hover(
      this.#stage,
      {
        hidden: (point) => this.#points.hidden(point),
        describe: (point) => this.#points.describe(point),
        pointed: (point) => this.beside?.pointed(this.#stage, point),
        ask: (point) => (this.#subject.scene.hover ? this.#link.hover(point) : -1),
      },
      this.signal,
    );
  }

  /** What is needed by all that looks into the map or changes it by hand. */
  get #tooled() {
    const { bar } = this.#course;
    return {
      ...{ stage: this.#stage, points: this.#points, link: this.#link, commands: this.#commands },
      announce: (text: string) => bar.announce(text),
      note: (text: string) => bar.showNote(text),
    };
  }

  #makeExplore(): Explore {
    return new Explore(
      {
        ...this.#tooled,
        scene: () => this.#subject.scene,
        alive: () => !(this.#recorded || this.beside || this.#course.gone), // compared maps keep their points
        each: (act) => {
          for (const { explore } of this.#all) act(explore);
        },
        held: () => readPoints(this.model.get("_selection"), this.#points.n),
      },
      this.signal,
    );
  }

  #makeHold(): Hold {
    return new Hold({ ...this.#tooled, selected: () => this.#explore.selection.indices }, this.signal);
  }

  #assemble(element: HTMLElement): void {
    const { search, around, summary } = this.#explore;
    const { caption, legend } = this.#subject;
    this.#board.arrange(element, {
      stage: this.#stage.element,
      over: [caption, this.#hint.element, search.element, around.element, this.#hover.card.element],
      tools: this.#tools.element,
      bar: this.#course.bar.element,
      side: [this.#panel.element, summary.element, this.#hold.element, legend.element],
      help: this.#help.element,
    });
  }

  /** Takes its place among the pictures of a comparison. */
  #join(): void {
    const { bar } = this.#course;
    const { summary } = this.#explore;
    this.beside?.join({
      ...{ root: this.#root, stage: this.#stage, points: this.#points, commands: this.#commands },
      ...{ explore: this.#explore, hover: this.#hover, link: this.#link, bar, panel: this.#panel },
      look: (iteration) => this.#course.look(iteration),
      parts: {
        ...{ tools: this.#tools, help: this.#help, summary, held: this.#hold, legend: this.#subject.legend },
      },
    });
  }

  #listen(): void {
    const { model, signal } = this;
    this.#subject.listen();
    onChange(model, signal, "_selection", () => this.#explore.selection.follow());
    onChange(model, signal, "_controls", () => this.#panel.show(readControls(model.get("_controls"))));
    onChange(model, signal, "_height", () => {
      const height = Number(model.get("_height")) || 480;
      this.#root.style.setProperty("--ne-height", `${Math.max(160, height)}px`);
    });
    onChange(model, signal, "_protocol", () => {
      const other = model.get("_protocol");
      if (other !== PROTOCOL)
        this.#board.fail(`This view speaks protocol ${PROTOCOL}, the kernel ${other}. Reload the page.`);
    });
  }

  /** Says what can be done with keys and pointer. */
  #declare(): void {
    const [commands, signal] = [this.#commands, this.signal];
    commands.add(...this.#course.commands());
    declareDisplay(
      {
        ...this.#tooled,
        root: this.beside?.root ?? this.#root,
        sheet: () => this.#subject.sheet(),
      },
      signal,
    );
    commands.add(this.#help.command);
    attachHand(
      this.#stage,
      commands,
      {
        press: (x, y, event) =>
          (this.#explore.mode === "move" && !event.shiftKey ? this.#grasp(x, y) : null) ??
          this.#explore.press(x, y, event),
        click: (x, y, event) => this.#explore.click(this.#hover.find(x, y), event),
        hover: (at) => this.#hover.move(at),
        wheelIgnored: () => this.#hint.show(),
        moved: () => commands.changed(),
        resetView: () => commands.press("0"),
      },
      signal,
    );
    this.#board.describe(this.#stage.canvas, commands.describe());
  }

  /** The gesture of a press on a point, which is where it is shown only in the present. */
  #grasp(x: number, y: number): Gesture | null {
    const gesture = this.#hold.press(x, y);
    if (!gesture || !this.#course.back) return gesture;
    this.#course.bar.showNote("Points of the past cannot be moved.");
    return null;
  }

  #handlers(): Handlers {
    return {
      frame: (frame) => this.#course.take(frame),
      badFrame: () =>
        this.#board.fail("A frame could not be read: header and positions do not fit together."),
      status: (status) => this.#showStatus(status),
      set: (reply) => this.#panel.answer(reply),
      hover: (reply) => this.#hover.answer(reply),
      found: (id, points) => this.#explore.found(id, points),
      neighbors: (reply) => this.#explore.around.neighbors(reply),
      errors: (reply) => this.#explore.around.errors(reply),
      selected: (id) => this.#explore.answered(id),
      held: (reply) => this.#hold.answer(reply),
      pins: (buffer) => this.#hold.show(readPoints(buffer, this.#points.n)),
      refused: (reason, id, kind) => {
        this.#course.bar.showNote(reason);
        if (kind === "color") this.#subject.legend.refused();
        else this.#course.refused(id);
        this.#hover.answered(id);
        this.#explore.answered(id);
        this.#hold.answer({ id, ok: false, error: "" });
      },
      curves: (curves) => this.#course.replace(curves),
      quality: (measured) => this.#course.measured(measured),
      past: (id, frame) => this.#course.past(id, frame),
      script: (reply) => this.#course.script(reply),
      controls: (raw) => this.#panel.show(readControls(raw)),
      gone: (gone) => this.#setGone(gone),
      visible: (visible) => {
        if (visible) this.#stage.draw();
        else this.#stage.missed = true;
      },
    };
  }

  /** The last picture stays, and can be looked at; nothing that asks the kernel can be used. */
  #setGone(gone: boolean): void {
    this.#course.gone = this.#panel.element.inert = gone;
    this.#commands.changed();
    this.#board.fail(gone ? GONE : null);
  }

  #shown(frame: Frame): void {
    if (!this.#seen) this.#commands.changed(); // there is a picture now, which can be saved
    this.#seen = true;
    this.beside?.shown(this.#stage, frame);
    if (this.#course.shown(frame)) this.#explore.around.moved(frame.iteration);
  }

  #showStatus(status: Status): void {
    this.#board.fail(status.error);
    this.#course.status(status);
    this.#explore.group.follow(status.undo);
  }
}
