/** One view of one run: puts the parts together and carries what arrives to where it belongs. */

import { Bar } from "./bar.ts";
import type { Beside, Member } from "./beside.ts";
import { Commands } from "./commands.ts";
import { copy, offer } from "./copy.ts";
import { Curves } from "./curves.ts";
import { declareDisplay } from "./display.ts";
import { h, say, shareKeys } from "./dom.ts";
import { Explore } from "./explore.ts";
import { attachHand } from "./hand.ts";
import { Help } from "./help.ts";
import { Hold } from "./hold.ts";
import { Hover } from "./hover.ts";
import { Legend } from "./legend.ts";
import { Link } from "./link.ts";
import { Look } from "./look.ts";
import { Meter } from "./meter.ts";
import type { Theme } from "./palette.ts";
import { Panel } from "./panel.ts";
import { Points } from "./points.ts";
import { Stage } from "./stage.ts";
import { watchTheme } from "./theme.ts";
import { Timeline, type TimelineEvents } from "./timeline.ts";
import { Tools } from "./tools.ts";
import { type Frame, type Model, PROTOCOL, type SceneInfo, type Status } from "./types.ts";
import { asUint16, bytesOf, readControls, readPoints, readScene } from "./wire.ts";

const HINT_TIME = 1400;
const RATE_EVERY = 500;
/** Milliseconds without news of a moving run after which the view says so. */
const QUIET = 5000;
const GONE = "The kernel is gone. This is the last picture that it sent; run the cell again for a live view.";
/** Milliseconds between two summaries of a moving run, told while the view has the focus. */
const SUMMARY_EVERY = 15_000;
const HELP =
  "M8 1.2a6.8 6.8 0 1 1 0 13.6A6.8 6.8 0 0 1 8 1.2zm0 1.6a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 8 2.8zM7.2 10.4h1.6V12H7.2zM8 3.9c1.5 0 2.6.9 2.6 2.3 0 1-.6 1.6-1.2 2-.5.4-.6.5-.6 1v.3H7.2v-.5c0-1.1.6-1.6 1.2-2 .4-.3.6-.5.6-.8 0-.4-.4-.7-1-.7s-1 .4-1 1H5.4c0-1.5 1.1-2.6 2.6-2.6z";
let serial = 0;

export class View {
  readonly #root = h("div", { class: "ne-root" });
  readonly #banner = h("div", { class: "ne-banner", role: "alert", hidden: true });
  readonly #caption = h("div", { class: "ne-caption" });
  readonly #at = h("span", { class: "ne-at" });
  readonly #hint = h(
    "div",
    { class: "ne-hint", "aria-hidden": "true" },
    "Click the picture, then scroll to zoom",
  );
  readonly #main = h("div", { class: "ne-main" });
  readonly #keys: Help;
  readonly #meter = new Meter();
  readonly #help = h("p", { class: "ne-hidden", id: `ne-help-${++serial}` });
  readonly #commands: Commands;
  /** Whether there is no run behind it: a recording has a bar of its own, and a panel that only shows. */
  readonly #recorded: boolean;
  readonly #tools: Tools;
  readonly #stage: Stage;
  readonly #points: Points;
  readonly #link: Link;
  readonly #panel: Panel;
  readonly #bar: Bar;
  readonly #curves: Curves;
  readonly #timeline: Timeline;
  readonly #look: Look;
  readonly #legend: Legend;
  readonly #hover: Hover;
  readonly #explore: Explore;
  readonly #hold: Hold;
  #scene: SceneInfo = readScene(null);
  #theme: Theme = "light";
  #script = -1;
  #branch = 0;
  #seen = false;
  #hintTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly model: Model,
    element: HTMLElement,
    private readonly signal: AbortSignal,
    private readonly beside: Beside | null = null,
  ) {
    this.#recorded = model.get("_recorded") === true;
    this.#root.classList.toggle("ne-recording", this.#recorded);
    this.#commands = new Commands(this.#recorded);
    this.#link = new Link(model, this.#handlers(), signal);
    this.#stage = new Stage(
      this.#root,
      {
        shown: (frame) => this.#shown(frame),
        drawn: (context, ratio) => {
          this.#explore.drawn(context, ratio);
          this.#hold.drawn(context, ratio);
          this.#hover.drawn(context, ratio);
          beside?.drawn(this.#stage, context, ratio);
        },
        canShow: () => this.#link.visible,
      },
      signal,
    );
    this.#points = new Points(this.#stage);
    this.#panel = new Panel(
      { set: (name, value) => this.#link.set(name, value), reset: () => this.#link.act("reset") },
      this.#recorded,
      signal,
    );
    this.#bar = new Bar({ act: (action) => this.#link.act(action) }, signal, beside?.voice);
    this.#keys = new Help(this.#commands, beside?.board ?? this.#main, signal);
    this.#tools = new Tools(this.#commands, signal);
    this.#curves = new Curves(signal);
    this.#timeline = new Timeline(this.#times(), this.#curves, signal);
    this.#look = new Look(
      this.#stage,
      this.#link,
      {
        changed: () => this.#looks(),
        passed: (frame) => this.#tell(frame),
      },
      signal,
    );
    this.#legend = new Legend(
      {
        choose: (column) => this.#link.color(column),
        filter: (hidden) => {
          for (const { points } of this.#all) points.filter(hidden);
        },
        point: (codes) => {
          for (const { points } of this.#all) points.highlight(codes);
        },
      },
      signal,
    );
    this.#hover = new Hover(
      this.#stage,
      {
        hidden: (point) => this.#points.hidden(point),
        describe: (point) => this.#points.describe(point),
        pointed: (point) => beside?.pointed(this.#stage, point),
        ask: (point) => (this.#scene.hover ? this.#link.hover(point) : -1),
      },
      signal,
    );
    this.#explore = new Explore(
      {
        stage: this.#stage,
        points: this.#points,
        link: this.#link,
        commands: this.#commands,
        scene: () => this.#scene,
        alive: () => !this.#recorded && !this.beside, // the points of maps that are compared stay
        each: (act) => {
          for (const { explore } of this.#all) act(explore);
        },
        held: () => readPoints(this.model.get("_selection"), this.#scene.n),
        announce: (text) => this.#bar.announce(text),
        note: (text) => this.#bar.showNote(text),
      },
      signal,
    );
    this.#hold = new Hold(
      {
        stage: this.#stage,
        points: this.#points,
        link: this.#link,
        commands: this.#commands,
        selected: () => this.#explore.selection.indices,
        announce: (text) => this.#bar.announce(text),
        note: (text) => this.#bar.showNote(text),
      },
      signal,
    );
    this.#assemble(element);
    this.#listen();
    this.#link.open(this.#stage.element);
  }

  /** This picture, and those beside it. */
  get #all(): readonly Pick<Member, "points" | "explore">[] {
    return this.beside?.members ?? [{ points: this.#points, explore: this.#explore }];
  }

  #assemble(element: HTMLElement): void {
    this.#stage.canvas.setAttribute("aria-describedby", this.#help.id);
    this.#stage.element.append(
      this.#caption,
      this.#hint,
      this.#explore.search.element,
      this.#explore.around.element,
      this.#hover.card.element,
    );
    const side = h(
      "aside",
      { class: "ne-side" },
      this.#panel.element,
      this.#explore.summary.element,
      this.#hold.element,
      this.#legend.element,
    );
    this.#bar.element.prepend(this.#timeline.element);
    this.#main.append(this.#stage.element, this.#tools.element, this.#bar.element, side);
    this.#root.append(this.#help, this.#banner, this.#main, this.#keys.element);
    element.append(this.#root);
    this.beside?.join({
      root: this.#root,
      stage: this.#stage,
      points: this.#points,
      commands: this.#commands,
      explore: this.#explore,
      hover: this.#hover,
      link: this.#link,
      bar: this.#bar,
      panel: this.#panel,
      parts: {
        tools: this.#tools,
        help: this.#keys,
        summary: this.#explore.summary,
        held: this.#hold,
        legend: this.#legend,
      },
    });
    this.signal.addEventListener("abort", () => {
      clearTimeout(this.#hintTimer);
      this.#root.remove();
    });
  }

  #listen(): void {
    const { signal } = this;
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const motion = () => {
      this.#stage.clock.tween = !still.matches;
    };
    still.addEventListener("change", motion, { signal });
    motion();
    watchTheme(signal, (theme) => {
      this.#theme = theme;
      this.#root.dataset.theme = theme;
      this.#showScene();
    });
    onChange(this.model, signal, "_scene", () => this.#showScene());
    onChange(this.model, signal, "_codes", () => {
      this.#points.setCodes(asUint16(this.model.get("_codes")));
      this.#hover.renew();
      this.#explore.recolored();
    });
    onChange(this.model, signal, "_sizes", () => {
      const sizes = bytesOf(this.model.get("_sizes"));
      this.#stage.setSizes(sizes.length > 0 ? sizes : null);
    });
    onChange(this.model, signal, "_selection", () => this.#explore.selection.follow());
    onChange(this.model, signal, "_controls", () =>
      this.#panel.show(readControls(this.model.get("_controls"))),
    );
    onChange(this.model, signal, "_height", () => {
      const height = Number(this.model.get("_height")) || 480;
      this.#root.style.setProperty("--ne-height", `${Math.max(160, height)}px`);
    });
    onChange(this.model, signal, "_protocol", () => {
      const other = this.model.get("_protocol");
      if (other !== PROTOCOL)
        this.#fail(`This view speaks protocol ${PROTOCOL}, the kernel ${other}. Reload the page.`);
    });
    this.#declare();
    attachHand(
      this.#stage,
      this.#commands,
      {
        press: (x, y, event) =>
          (this.#explore.mode === "move" && !event.shiftKey ? this.#hold.press(x, y) : null) ??
          this.#explore.press(x, y, event),
        click: (x, y, event) => this.#explore.click(this.#hover.find(x, y), event),
        hover: (at) => this.#hover.move(at),
        wheelIgnored: () => this.#showHint(),
        moved: () => this.#commands.changed(),
        resetView: () => this.#commands.press("0"),
      },
      signal,
    );
    shareKeys(this.#root, signal);
    say(this.#help, this.#commands.describe());
    const timers = [
      setInterval(() => this.#showRates(), RATE_EVERY),
      setInterval(() => {
        if (this.#root.dataset.state === "running" && this.#root.matches(":focus-within"))
          this.#bar.summarise();
      }, SUMMARY_EVERY),
    ];
    signal.addEventListener("abort", () => timers.forEach(clearInterval));
  }

  #times(): TimelineEvents {
    const go = (kind: "rewind" | "branch", iteration: number, told: string) => {
      this.#link.go(kind, iteration);
      this.#look.leave();
      this.#bar.announce(`${told} iteration ${iteration}`);
    };
    return {
      look: (iteration) => this.#look.at(iteration),
      now: () => this.#look.end(),
      rewind: (iteration) => go("rewind", iteration, "back to"),
      branch: (iteration) => go("branch", iteration, "a branch from"),
      turn: (branch) => this.#link.turn(branch),
      mark: (name, iteration) => this.#link.mark(name, iteration),
      script: () => {
        this.#script = this.#link.script();
      },
    };
  }

  #declare(): void {
    const past = { group: "time", live: true };
    this.#commands.add(
      { ...past, name: "look back", keys: ["["], run: () => this.#timeline.step(-1) },
      { ...past, name: "look forward", keys: ["]"], run: () => this.#timeline.step(1) },
      { name: "play or pause", keys: [" "], group: "run", run: () => this.#bar.playOrPause() },
      { name: "step", keys: ["."], group: "run", run: () => this.#link.act("step") },
    );
    declareDisplay(
      {
        root: this.beside?.root ?? this.#root,
        stage: this.#stage,
        commands: this.#commands,
        sheet: () => this.#sheet(),
        announce: (text) => this.#bar.announce(text),
      },
      this.signal,
    );
    const help = { name: "Help", keys: ["?"], icon: HELP, group: "view", where: "first" as const };
    this.#commands.add({ ...help, run: () => this.#keys.open() });
  }

  #handlers(): ConstructorParameters<typeof Link>[1] {
    return {
      frame: (frame) => {
        this.#meter.arrive(frame.positions.byteLength, performance.now());
        this.#look.take(frame);
      },
      badFrame: () => this.#fail("A frame could not be read: header and positions do not fit together."),
      status: (status) => this.#showStatus(status),
      set: (reply) => this.#panel.answer(reply),
      hover: (reply) => this.#hover.answer(reply),
      found: (id, points) => this.#explore.found(id, points),
      neighbors: (reply) => this.#explore.around.neighbors(reply),
      errors: (reply) => this.#explore.around.errors(reply),
      selected: (id) => this.#explore.answered(id),
      held: (reply) => this.#hold.answer(reply),
      pins: (buffer) => this.#hold.show(readPoints(buffer, this.#scene.n)),
      refused: (reason, id) => {
        this.#bar.showNote(reason);
        this.#explore.answered(id);
        this.#legend.refused();
        this.#hold.answer({ id, ok: false, error: "" });
      },
      curves: (curves) => this.#curves.replace(curves),
      quality: ({ iteration, values }) => {
        for (const [name, value] of values) this.#curves.add(name, iteration, value);
      },
      past: (id, frame) => this.#look.answer(id, frame),
      script: ({ id, text, error }) => {
        if (id === this.#script) void this.#copy(text, error);
      },
      controls: (raw) => this.#panel.show(readControls(raw)),
      gone: (gone) => this.#setGone(gone),
      visible: (visible) => {
        if (visible) this.#stage.draw();
      },
    };
  }

  /** The last picture stays, and can be looked at; nothing that asks the kernel can be used. */
  #setGone(gone: boolean): void {
    for (const part of [this.#bar.element, this.#panel.element]) part.inert = gone;
    this.#root.dataset.kernel = gone ? "gone" : "there";
    if (gone) this.#bar.showState("stopped");
    this.#fail(gone ? GONE : null);
  }

  #showRates(): void {
    const now = performance.now();
    const silence = this.#link.silence(now);
    if (this.#root.dataset.state === "running" && silence > QUIET) this.#bar.showSilence(silence);
    this.#bar.showRate(this.#stage.rate(now), this.#meter.rate(now), this.#meter.dropped);
  }

  #shown(frame: Frame): void {
    if (!this.#seen) this.#commands.changed(); // there is a picture now, which can be saved
    this.#seen = true;
    this.beside?.shown(this.#stage, frame);
    if (this.#look.active) return;
    this.#meter.draw();
    this.#link.ack(frame.seq);
    this.#explore.around.moved(frame.iteration);
    this.#tell(frame);
  }

  /** Says how the run stands, where the picture may show something else. */
  #tell(frame: Frame): void {
    this.#bar.showRun(frame.iteration, frame.loss, frame.speed);
    this.#timeline.reach(frame.iteration);
    this.#curves.add("loss", frame.iteration, frame.loss);
    this.#setState(frame.state, frame.note);
    this.#follow(frame);
  }

  #looks(): void {
    const { iteration, wanted } = this.#look;
    this.#timeline.looks(wanted, iteration);
    this.#bar.announce(wanted === null ? "the present" : `looking back at iteration ${wanted}`);
  }

  async #copy(text: string, error: string): Promise<void> {
    if (error) this.#bar.showNote(error);
    else if (await copy(text)) this.#bar.showNote("The script is in the clipboard");
    else if (!this.signal.aborted) offer(text, this.#stage.element, this.signal);
  }

  #showStatus(status: Status): void {
    this.#fail(status.error);
    if (status.branches) {
      if (status.branch !== this.#branch) this.#look.forget();
      this.#branch = status.branch;
      this.#timeline.fork(status.branches, status.branch);
    }
    this.#bar.showRun(status.iteration, status.loss, status.speed);
    this.#timeline.reach(status.iteration);
    this.#timeline.show(status.changes);
    this.#explore.group.follow(status.undo);
    this.#setState(status.state, status.error ? "" : status.message);
    this.#follow(status);
  }

  #follow(told: Frame | Status): void {
    this.#panel.follow(told);
    const rests = told.state === "running" ? "" : `, ${told.state}`;
    if (this.beside) say(this.#at, `iteration ${told.iteration.toLocaleString("en")}${rests}`);
    this.beside?.told(this.#stage, told);
  }

  #setState(state: string, note: string): void {
    const before = this.#root.dataset.state;
    this.#bar.showState(state, note);
    this.#root.dataset.state = state;
    if (before !== undefined && before !== state) this.#bar.summarise();
  }

  #showScene(): void {
    const scene = readScene(this.model.get("_scene"));
    const others = scene.n !== this.#points.n || scene.regrouped !== this.#scene.regrouped;
    this.#scene = scene;
    const all = scene.n < scene.all ? ` of ${scene.all.toLocaleString("en")}` : "";
    const count = `${scene.n.toLocaleString("en")}${all}`;
    const title = scene.title ? [h("strong", {}, scene.title)] : [];
    const method = this.beside ? this.#at : h("span", {}, `${scene.method} · ${count} points`);
    this.#caption.replaceChildren(...title, method);
    const name = this.beside ? `${scene.title}, ` : "";
    this.#stage.canvas.setAttribute("aria-label", `${name}${scene.method} embedding of ${count} points`);
    this.#stage.camera.solid = scene.c === 3;
    this.#stage.setDisk(scene.disk);
    if (others) this.#regroup(scene.n);
    this.#points.setLegend(scene.legend, this.#theme);
    // What a recording does not hold cannot be chosen in it.
    const colors = this.#recorded ? { names: [], name: "" } : scene.colors;
    this.#legend.show({ ...scene, colors }, this.#theme);
    this.#explore.recolored();
  }

  /** The points are others: nothing that is known of single ones holds any more. */
  #regroup(n: number): void {
    const first = this.#points.n === 0;
    this.#points.setCount(n);
    if (first) return;
    this.#look.forget();
    this.#hold.regrouped();
    this.#explore.regrouped();
  }

  /** What stands around the picture in a file of it. */
  #sheet() {
    const { title, method, legend } = this.#scene;
    const iteration = (this.#stage.newest?.iteration ?? 0).toLocaleString("en");
    const subtitle = `${method} · ${this.#scene.n.toLocaleString("en")} points · iteration ${iteration}`;
    return { title, method, subtitle, legend, hidden: this.#legend.hidden, theme: this.#theme };
  }

  #showHint(): void {
    clearTimeout(this.#hintTimer);
    this.#hint.classList.add("ne-shown");
    this.#hintTimer = setTimeout(() => this.#hint.classList.remove("ne-shown"), HINT_TIME);
  }

  /** Shows what went wrong above the picture; null when nothing is wrong any more. */
  #fail(error: string | null): void {
    say(this.#banner, error ?? "");
    this.#banner.hidden = !error;
  }
}

/** Calls back now and whenever the trait changes. */
export function onChange(model: Model, signal: AbortSignal, trait: string, callback: () => void): void {
  const event = `change:${trait}`;
  model.on(event, callback);
  signal.addEventListener("abort", () => model.off(event, callback));
  callback();
}
