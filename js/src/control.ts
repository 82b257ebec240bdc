/** One parameter's control: native elements, named after the parameter. It knows no parameter by name. */

import { h, listen, say } from "./dom.ts";
import { type Face, makeFace } from "./faces.ts";
import { Latest } from "./latest.ts";
import { format } from "./scale.ts";
import type { Control as Description, SetReply, Value, Work } from "./types.ts";

/** What a change costs, in words. */
const COSTS: Record<string, string> = {
  kernel: "rebuilds a table",
  weights: "recalibrates",
  graph: "new neighbours",
  layout: "restarts the run",
};
/** Milliseconds after an answer in which frames made before it do not move the control back. */
const SETTLE = 400;
let serial = 0;

export class ControlView {
  readonly element: HTMLElement;
  readonly #latest: Latest<Value>;
  readonly #price = h("span.ne-cost");
  readonly #progress = h("div.ne-progress", { "aria-hidden": "true" });
  readonly #cost: string;
  readonly #note = h("p.ne-note", { id: `ne-note-${++serial}` });
  readonly #auto: HTMLButtonElement | null;
  /** Gives back what it was made with, where there is no schedule; there is nothing to give back for the method. */
  readonly #reset: HTMLButtonElement | null;
  readonly #face: Face;
  #value: Value;
  /** Whether the kernel last said that the schedule is followed. */
  #inForce = false;
  #holding = false;
  #works = false;
  #quietUntil = 0;

  constructor(
    readonly description: Description,
    send: (name: string, value: Value) => number,
    private readonly signal: AbortSignal,
  ) {
    const { name, help, kind, redo, made } = description;
    this.#value = description.value;
    this.#latest = new Latest((value) => send(name, value));
    this.#auto = description.auto ? this.#makeAuto() : null;
    this.#reset = description.auto || made === null ? null : this.#makeReset();
    this.#face = makeFace({
      ...{ description, signal },
      note: this.#note,
      value: () => this.#value,
      following: () => this.#following(),
      send: (value) => this.#send(value),
      explain: (reason) => this.#explain(reason),
      hold: (holding) => {
        this.#holding = holding;
      },
    });
    const cost = COSTS[redo] ?? "";
    this.#cost = cost;
    say(this.#price, cost);
    const words = name.split(/(?<=_)/).flatMap((word) => [h("wbr"), word]);
    const label = h("span.ne-name.ne-priced", ...words, " ", this.#price);
    const back = this.#auto ?? this.#reset;
    const head = h("div.ne-head", label, ...(back ? [back] : []));
    const [value, slider] = [...this.#face.elements].reverse();
    head.append(value ?? "");
    this.element = h(`div.ne-control.ne-is-${kind}`, head);
    if (slider) this.element.append(h("div.ne-body", slider));
    if (description.axis) {
      this.element.classList.add("ne-hero");
      this.element.append(h("div.ne-ends", ...description.axis.map((end) => h("span", end))));
    }
    this.element.append(this.#progress, this.#note);
    this.element.title = cost ? `${help} (${cost})` : help;
    this.#explain("");
    this.update(description.value, description.following, true);
  }

  /** The value in force, as a frame or status tells it. What a hand holds or just sent stays. */
  update(value: Value, following: boolean, force = false): void {
    if (!force && (this.#holding || this.#latest.busy || performance.now() < this.#quietUntil)) return;
    const known = value === this.#value && following === this.#inForce && following === this.#following();
    if (known && !force) return;
    this.#value = value;
    this.#inForce = following;
    this.#follow(following);
    this.#show(value);
  }

  /** Whether a hand has changed it. */
  get changed(): boolean {
    return this.#auto ? !this.#following() : this.#reset !== null && this.#value !== this.description.made;
  }

  /** What is being done for a change of this parameter stands where its cost stood, over a line that grows. */
  working(work: Work | undefined): void {
    if (!work && !this.#works) return;
    this.#works = work !== undefined;
    const share = work?.share ?? null;
    const text = work ? work.what + (share === null ? "" : ` ${Math.floor(100 * share)} %`) : this.#cost;
    say(this.#price, text);
    this.element.classList.toggle("ne-working", work !== undefined);
    this.#progress.classList.toggle("ne-unknown", share === null);
    this.#progress.style.setProperty("--ne-share", (share ?? 0).toFixed(3));
  }

  /** Takes an answer to one of this control's requests; true if it was one. */
  answer(reply: SetReply): void {
    if (!this.#latest.answer(reply.id)) return;
    this.#wait(false);
    this.#quietUntil = performance.now() + SETTLE;
    this.#explain(reply.ok ? "" : reply.error || "refused");
    if (reply.ok) this.#inForce = this.#following();
    else this.#follow(this.#inForce);
    // The answer to "auto" is the value of the schedule, or the word itself.
    if (reply.value === "auto" && typeof this.#value === "number") return;
    this.#value = reply.value;
    if (!this.#holding || !reply.ok) this.#show(reply.value);
  }

  #send(value: Value): void {
    this.#value = value;
    this.#explain("");
    this.#follow(value === "auto");
    if (this.#reset) this.#reset.hidden = !this.changed;
    this.#wait(true);
    this.#latest.push(value);
  }

  /** A choice may take long to be made, such as another method. */
  #wait(waits: boolean): void {
    if (this.description.kind === "choice") this.element.setAttribute("aria-busy", String(waits));
  }

  #show(value: Value): void {
    this.#face.show(value);
    if (this.#reset) this.#reset.hidden = !this.changed;
  }

  #following(): boolean {
    return this.element.classList.contains("ne-following");
  }

  #follow(following: boolean): void {
    this.element.classList.toggle("ne-following", following);
    this.#auto?.setAttribute("aria-pressed", String(following));
  }

  /** Shows why a value was refused; an empty reason takes it away. */
  #explain(reason: string): void {
    say(this.#note, reason);
    if (reason) this.#note.setAttribute("role", "alert");
    else this.#note.removeAttribute("role");
  }

  #makeAuto(): HTMLButtonElement {
    return this.#button("auto", "Follow the schedule", () => {
      // Pressed again it holds the value that the schedule has now.
      if (!this.#following()) this.#send("auto");
      else if (this.#value !== null) this.#send(this.#value);
    });
  }

  #makeReset(): HTMLButtonElement {
    const { made } = this.description;
    const button = this.#button("reset", `Back to ${format(made)}`, () => {
      this.#send(made);
      this.#face.show(made);
    });
    button.hidden = true;
    return button;
  }

  #button(word: string, title: string, act: () => void): HTMLButtonElement {
    const name = { "aria-label": `${word} ${this.description.name}`, title };
    const button = h("button.ne-auto", name, word);
    listen(button, "click", act, this.signal);
    return button;
  }
}
