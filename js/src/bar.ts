/** Play or pause, step, restart; and one line that says how the run stands. */

import { h, icon, listen, say } from "./dom.ts";
import { counted, format } from "./scale.ts";
import { Voice } from "./voice.ts";

export const ICONS = {
  play: "M4.5 2.6v10.8L13.2 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  step: "M3.5 3v10L10 8zM11 3h2v10h-2z",
  restart: "M8 2.5a5.5 5.5 0 1 1-5.2 3.7l1.5.5A3.9 3.9 0 1 0 8 4.1V6L4.6 3.3 8 .6z",
};

/** What the button that sets a run going and halts it offers, while the run stands like this: one at rest can go on. */
export function offered(state: string) {
  return state === "running"
    ? ({ name: "Pause", action: "pause", icon: ICONS.pause } as const)
    : ({ name: "Play", action: "play", icon: ICONS.play } as const);
}

/** How a run stands whose kernel is gone. */
export const GONE = "kernel gone";
/** What else is to be known of a state, where it is pointed at. */
const HINTS: Record<string, string> = {
  [GONE]: "This is the last picture that it sent",
  resting: "The map no longer moves. Play has it try for longer; a change wakes it, too",
};
const SILENT =
  "No news of the run: the kernel is busy with a cell, or can no longer be reached. If it is gone, run the cell again";
/** Milliseconds. */
const NOTE_TIME = 6000;

export interface Actions {
  act(action: "play" | "pause" | "step" | "restart"): void;
}

export class Bar {
  readonly element: HTMLElement;
  readonly #transport: HTMLElement;
  readonly #toggle: HTMLButtonElement;
  readonly #label = h("span", "Play");
  readonly #symbol = icon(ICONS.play);
  readonly #cells = new Map<string, HTMLElement>();
  readonly #state = h("span.ne-state");
  readonly note = h("span.ne-message");
  readonly #voice: Voice;
  #offers = offered("paused");
  #noteUntil = 0;

  constructor(
    private readonly actions: Actions,
    private readonly signal: AbortSignal,
    voice?: Voice,
  ) {
    this.#voice = voice ?? new Voice(signal);
    this.#toggle = this.#button("Play", ICONS.play, () => this.playOrPause(), ".ne-primary");
    this.#toggle.replaceChildren(this.#symbol, this.#label);
    this.#transport = h(
      "div.ne-transport",
      { role: "group", "aria-label": "Run" },
      this.#toggle,
      this.#button("Step", ICONS.step, () => this.actions.act("step")),
      this.#button("Restart", ICONS.restart, () => this.actions.act("restart")),
    );
    const line = h("div.ne-status", this.note);
    for (const [name, unit] of [
      ["iteration", "iteration"],
      ["loss", "loss"],
      ["speed", "it/s"],
      ["rate", "frames/s"],
      ["bytes", "MB/s"],
    ] as const) {
      const value = h("b", "–");
      const word = h("span", unit);
      const before = name === "iteration" || name === "loss";
      this.#cells.set(name, value);
      line.append(h(`span.ne-cell.ne-cell-${name}`, ...(before ? [word, value] : [value, word])));
    }
    this.element = h("div.ne-bar", this.#transport, line, this.#state);
    if (!voice) this.element.append(this.#voice.element);
    this.showState("paused");
  }

  playOrPause(): void {
    this.actions.act(this.#offers.action);
  }

  showState(state: string, note = ""): void {
    this.#offers = offered(state);
    const { name, icon } = this.#offers;
    if (this.#label.textContent !== name) {
      say(this.#label, name);
      this.#toggle.setAttribute("aria-label", name);
      this.#toggle.title = name;
      this.#symbol.firstElementChild?.setAttribute("d", icon);
    }
    say(this.#state, state === GONE ? `${GONE}: run the cell again` : state);
    this.#state.dataset.state = state;
    this.#state.title = HINTS[state] ?? "";
    if (performance.now() > this.#noteUntil) this.#say(note);
  }

  /** Whether there is nothing to be pressed. */
  set inert(inert: boolean) {
    this.#transport.inert = inert;
  }

  /** Says that a moving run was not heard of; the next frame takes it away. */
  showSilence(milliseconds: number): void {
    if (this.#state.dataset.state !== "silent") this.announce(SILENT);
    say(this.#state, `no news for ${Math.round(milliseconds / 1000)} s`);
    this.#state.dataset.state = "silent";
    this.#state.title = SILENT;
  }

  /** Shows a note of its own for a few seconds, and tells it. */
  showNote(note: string): void {
    this.#noteUntil = performance.now() + NOTE_TIME;
    this.#say(note);
    this.announce(note);
  }

  #say(note: string): void {
    say(this.note, note);
    this.note.title = note;
  }

  showRun(iteration: number, loss: number | null, speed: number): void {
    this.#cell("iteration", counted(iteration));
    this.#cell("loss", loss === null ? "–" : fixed(loss));
    this.#cell("speed", speed >= 10 ? String(Math.round(speed)) : format(Number(speed.toPrecision(2))));
  }

  /** What arrives: frames drawn and bytes received each second, and frames that came too fast to be drawn. */
  showRate(framesPerSecond: number, bytesPerSecond: number, dropped: number): void {
    this.#cell("rate", String(Math.round(framesPerSecond)));
    this.#cell("bytes", (bytesPerSecond / 1e6).toFixed(1));
    const skipped = dropped > 0 ? `; ${counted(dropped)} frames were replaced before they were drawn` : "";
    const bytes = this.#cells.get("bytes")?.parentElement;
    if (bytes) bytes.title = `Received each second, as positions${skipped}`;
  }

  /** Tells people who cannot see the picture; sparingly, at changes of state. */
  announce(text: string): void {
    this.#voice.say(text);
  }

  /** Tells how the run stands. */
  summarise(): void {
    const [iteration, loss] = ["iteration", "loss"].map((name) => this.#cells.get(name)?.textContent);
    this.announce(
      `${this.#state.textContent}, iteration ${iteration}${loss === "–" ? "" : `, loss ${loss}`}`,
    );
  }

  #cell(name: string, text: string): void {
    const cell = this.#cells.get(name);
    if (cell) say(cell, text);
  }

  #button(name: string, path: string, action: () => void, extra = ""): HTMLButtonElement {
    const button = h(
      `button.ne-button${extra}`,
      { "aria-label": name, title: name },
      icon(path),
      h("span", name),
    );
    listen(button, "click", action, this.signal);
    return button;
  }
}

function fixed(loss: number): string {
  const size = Math.abs(loss);
  return size >= 1e4 || (size > 0 && size < 1e-3)
    ? loss.toExponential(2)
    : loss.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 3);
}
