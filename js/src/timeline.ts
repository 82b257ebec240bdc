/** Where the run is in its own time: curves, marks where something was changed, a handle to look back with. */

import type { Curves } from "./curves.ts";
import { h, listen, put, say } from "./dom.ts";
import { Marks } from "./marks.ts";
import { counted } from "./scale.ts";
import type { Branch, Change } from "./types.ts";

/** Looks from one end to the other by key. */
const STEPS = 50;

export interface TimelineEvents {
  look(iteration: number): void;
  now(): void;
  rewind(iteration: number): void;
  branch(iteration: number): void;
  turn(branch: number): void;
  mark(name: string, iteration: number | null): void;
  script(): void;
}

export class Timeline {
  readonly element: HTMLElement;
  readonly #slider = h("input", {
    type: "range",
    min: "0",
    max: "0",
    step: "1",
    "aria-label": "timeline",
    title: "Look back: the run goes on meanwhile",
  });
  readonly #marks: Marks;
  readonly #where = h("span.ne-where");
  readonly #near = h("span.ne-near");
  readonly #past: HTMLElement;
  readonly #present: HTMLElement;
  readonly #name = h("input.ne-text", { type: "text", maxlength: "80", placeholder: "name", hidden: true });
  readonly #branches = h("select.ne-branches", { "aria-label": "branch", hidden: true });
  #iteration = 0;
  #wanted: number | null = null;

  constructor(
    private readonly events: TimelineEvents,
    private readonly curves: Curves,
    private readonly signal: AbortSignal,
  ) {
    this.#marks = new Marks((iteration) => this.look(iteration), signal);
    this.#name.setAttribute("aria-label", "name of this moment");
    this.#past = h(
      "div.ne-acts",
      { role: "group", "aria-label": "The moment looked at", hidden: true },
      this.#where,
      this.#near,
      this.#button(
        "Continue from here",
        "Take the run back to this moment; what came later is forgotten",
        () => this.#leave(events.rewind),
      ),
      this.#button("Branch from here", "Go on from this moment in a run of its own; this one is kept", () =>
        this.#leave(events.branch),
      ),
      this.#naming("Name it", "Give the iteration looked at a name"),
      this.#button("Back to now", "Show the present again (])", () => events.now()),
    );
    this.#present = h(
      "div.ne-acts",
      this.#branches,
      this.#naming("Name this moment", "Give the present iteration a name"),
      this.#button("Copy as Python", "A script that makes this map again", () => events.script()),
    );
    const head = h("div.ne-moments", curves.legend, this.#past, this.#present);
    const track = h("div.ne-track", curves.element, this.#slider, this.#marks.element);
    this.element = h("div.ne-timeline", head, track);
    listen(this.#slider, "input", () => this.look(this.#slider.valueAsNumber), signal);
    listen(this.#branches, "change", () => events.turn(this.#branches.selectedIndex), signal);
    listen(this.#name, "keydown", (event) => this.#typed(event), signal);
    listen(this.#name, "blur", () => this.#close(), signal);
    this.place();
  }

  /** The iteration that the run has reached; `place` shows it. */
  reach(iteration: number): void {
    if (iteration === this.#iteration) return;
    this.#iteration = iteration;
    this.curves.reach(iteration);
  }

  /** What was changed, in the order in which it was. */
  show(changes: Change[]): void {
    this.#marks.show(changes);
    this.place();
  }

  /** The moment that is looked at, and the one in the picture, as near as a frame was kept; null: the present. */
  looks(wanted: number | null, shown: number | null): void {
    this.#wanted = wanted;
    this.curves.look(wanted);
    this.#past.hidden = wanted === null;
    this.#present.hidden = wanted !== null;
    const [at, near] = [wanted, shown ?? wanted].map((it) => (it === null ? undefined : counted(it)));
    say(this.#where, at === undefined ? "" : `iteration ${at}`);
    say(this.#near, at === near ? "" : `picture of ${near}`);
    this.place();
  }

  /** Looks at an earlier (-1) or later (1) moment than now. */
  step(direction: number): void {
    this.look(stepped(this.#wanted, this.#iteration, direction));
  }

  /** The runs that can be shown, and which one is. */
  fork(branches: Branch[], shown: number): void {
    this.#branches.hidden = branches.length < 2;
    const texts = branches.map((branch, place) => describe(branches, branch, place));
    if (texts.join("\n") !== [...this.#branches.options].map(({ text }) => text).join("\n")) {
      this.#branches.replaceChildren(...texts.map((text) => h("option", text)));
    }
    this.turned(shown);
  }

  /** The run that is shown, whichever was chosen. */
  turned(shown: number): void {
    this.#branches.selectedIndex = shown;
  }

  /** Looks at an iteration, or at the present if the run is not as far. */
  look(iteration: number): void {
    if (iteration >= this.#iteration) this.events.now();
    else this.events.look(iteration);
  }

  #leave(act: (iteration: number) => void): void {
    if (this.#wanted !== null) act(this.#wanted);
  }

  /** A button that asks for a name, before itself. */
  #naming(name: string, title: string): HTMLButtonElement {
    const button: HTMLButtonElement = this.#button(name, title, () => {
      button.before(this.#name);
      this.#name.hidden = false;
      this.#name.focus();
    });
    return button;
  }

  #typed(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === "Escape") this.#close();
    const name = this.#name.value.trim();
    if (event.key !== "Enter" || !name) return;
    this.events.mark(name, this.#wanted);
    this.#close();
  }

  #close(): void {
    this.#name.value = "";
    this.#name.hidden = true;
  }

  /** Puts the handle and the marks where they belong in a run of this length. */
  place(): void {
    const slider = this.#slider;
    const at = Math.min(this.#wanted ?? this.#iteration, this.#iteration);
    put(slider, at, this.#iteration);
    slider.setAttribute("aria-valuetext", `iteration ${at}${this.#wanted === null ? "" : ", looking back"}`);
    this.#marks.place(this.#iteration);
  }

  #button(name: string, title: string, action: () => void): HTMLButtonElement {
    const button = h("button.ne-act", { title }, name);
    listen(button, "click", action, this.signal);
    return button;
  }
}

/** The iteration one step before (-1) or after (1) the one looked at, or the present, of a run that has come so far. */
export function stepped(wanted: number | null, reached: number, direction: number): number {
  return Math.max(0, (wanted ?? reached) + direction * Math.max(1, Math.round(reached / STEPS)));
}

/** A line of the list of branches, indented by how far it is from the first run. */
function describe(branches: Branch[], branch: Branch, place: number): string {
  if (branch.parent < 0) return place === 0 ? "first run" : `run ${place + 1}`;
  let depth = 0;
  for (let at = branch.parent; at >= 0 && depth < 8; at = branches[at]?.parent ?? -1) depth++;
  const indent = "\u2003".repeat(depth - 1);
  return `${indent}\u2514 branch ${place}, from ${counted(branch.iteration)}`;
}
