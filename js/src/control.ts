/** One parameter's control: native elements, named after the parameter. It knows no parameter by name. */

import { h, say } from "./dom.ts";
import { Latest } from "./latest.ts";
import { format, parse, rangeOf } from "./scale.ts";
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

/** The part of a control that shows and takes the value. */
interface Face {
  elements: HTMLElement[];
  show(value: Value): void;
}

export class ControlView {
  readonly element: HTMLElement;
  readonly #latest: Latest<Value>;
  readonly #price = h("span", { class: "ne-cost" });
  readonly #progress = h("div", { class: "ne-progress", "aria-hidden": "true" });
  readonly #cost: string;
  readonly #note = h("p", { class: "ne-note", id: `ne-note-${++serial}` });
  readonly #auto: HTMLButtonElement | null;
  /** Gives back what it was made with, where there is no schedule; there is nothing to give back for the method. */
  readonly #reset: HTMLButtonElement | null;
  readonly #face: Face;
  #value: Value;
  /** Whether the kernel last said that the schedule is followed. */
  #inForce = false;
  #holding = false;
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
    this.#face = this.#makeFace();
    const cost = COSTS[redo] ?? "";
    this.#cost = cost;
    say(this.#price, cost);
    const words = name.split(/(?<=_)/).flatMap((word) => [h("wbr"), word]);
    const label = h("span", { class: "ne-name ne-priced" }, ...words, " ", this.#price);
    const back = this.#auto ?? this.#reset;
    const head = h("div", { class: "ne-head" }, label, ...(back ? [back] : []));
    const [value, slider] = [...this.#face.elements].reverse();
    head.append(value ?? "");
    this.element = h("div", { class: `ne-control ne-is-${kind}` }, head);
    if (slider) this.element.append(h("div", { class: "ne-body" }, slider));
    if (description.axis) {
      this.element.classList.add("ne-hero");
      this.element.append(
        h("div", { class: "ne-ends" }, ...description.axis.map((end) => h("span", {}, end))),
      );
    }
    this.element.append(this.#progress, this.#note);
    this.element.title = cost ? `${help} (${cost})` : help;
    this.#explain("");
    this.update(description.value, description.following, true);
  }

  /** The value in force, as a frame or status tells it. What a hand holds or just sent stays. */
  update(value: Value, following: boolean, force = false): void {
    if (!force && (this.#holding || this.#latest.busy || performance.now() < this.#quietUntil)) return;
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
    const { name } = this.description;
    const button = h("button", { type: "button", class: "ne-auto", "aria-label": `auto ${name}` }, "auto");
    button.title = "Follow the schedule";
    this.#on(button, "click", () => {
      const following = button.getAttribute("aria-pressed") === "true";
      // Pressed again it holds the value that the schedule has now.
      if (!following) this.#send("auto");
      else if (this.#value !== null) this.#send(this.#value);
    });
    return button;
  }

  #makeReset(): HTMLButtonElement {
    const { name, made } = this.description;
    const label = `reset ${name}`;
    const button = h(
      "button",
      { type: "button", class: "ne-auto", "aria-label": label, hidden: true },
      "reset",
    );
    button.title = `Back to ${format(made)}`;
    this.#on(button, "click", () => {
      this.#send(made);
      this.#face.show(made);
    });
    return button;
  }

  #makeFace(): Face {
    switch (this.description.kind) {
      case "switch":
        return this.#makeSwitch();
      case "choice":
        return this.#makeChoice();
      case "number":
      case "integer":
        return this.#makeNumber();
      default:
        return this.#makeText();
    }
  }

  #makeNumber(): Face {
    const { name, ui_low, ui_high } = this.description;
    const ranged = ui_low !== null && ui_high !== null;
    const range = rangeOf(this.description);
    const slider = h("input", {
      type: "range",
      min: String(range.min),
      max: String(range.max),
      step: range.step > 0 ? String(range.step) : "any",
      "aria-label": name,
      "aria-describedby": this.#note.id,
    });
    const readout = h("input", {
      type: "text",
      inputmode: "decimal",
      class: "ne-readout",
      "aria-label": `${name} value`,
      autocomplete: "off",
      spellcheck: "false",
    });
    const show = (value: Value) => {
      if (typeof value === "number") {
        const position = range.toPosition(value);
        slider.value = String(position);
        const share = range.max > range.min ? (position - range.min) / (range.max - range.min) : 0;
        slider.style.setProperty("--ne-share", share.toFixed(4));
      }
      slider.setAttribute("aria-valuetext", format(value));
      if (readout.ownerDocument.activeElement !== readout || !this.#holding) readout.value = format(value);
    };
    const take = () => {
      const value = range.toValue(slider.valueAsNumber);
      if (value !== this.#value || this.#following()) this.#send(value);
      show(value);
    };
    this.#on(slider, "input", take);
    this.#on(slider, "change", take);
    this.#on(slider, "pointerdown", () => this.#hold(true));
    for (const event of ["pointerup", "pointercancel", "blur"])
      this.#on(slider, event, () => this.#hold(false));
    this.#takeTyped(readout, (typed) => {
      const value = parse(typed);
      if (value === null) this.#explain("not a number");
      else this.#send(value);
      show(value ?? this.#value);
    });
    return { elements: ranged ? [slider, readout] : [readout], show };
  }

  #makeText(): Face {
    const box = h("input", {
      type: "text",
      class: "ne-text",
      "aria-label": this.description.name,
      spellcheck: "false",
    });
    const show = (value: Value) => {
      box.value = format(value);
    };
    this.#takeTyped(box, (typed) => this.#send(parse(typed) ?? typed));
    return { elements: [box], show };
  }

  #makeChoice(): Face {
    const choices = this.description.choices ?? [];
    const select = h("select", { "aria-label": this.description.name });
    choices.forEach((choice, i) => {
      select.append(h("option", { value: String(i) }, format(choice)));
    });
    this.#on(select, "change", () => this.#send(choices[Number(select.value)] ?? null));
    const show = (value: Value) => {
      select.selectedIndex = choices.indexOf(value);
    };
    return { elements: [select], show };
  }

  #makeSwitch(): Face {
    const box = h("input", { type: "checkbox", class: "ne-switch", "aria-label": this.description.name });
    this.#on(box, "change", () => this.#send(box.checked));
    const show = (value: Value) => {
      box.checked = value === true;
    };
    return { elements: [box], show };
  }

  /** A typed value counts at Enter and on leaving; Escape gives it up. */
  #takeTyped(box: HTMLInputElement, take: (typed: string) => void): void {
    let edited = false;
    this.#on(box, "focus", () => {
      this.#hold(true);
      box.select();
    });
    this.#on(box, "input", () => {
      edited = true;
    });
    const finish = () => {
      this.#hold(false);
      if (edited) take(box.value);
      edited = false;
    };
    this.#on(box, "blur", finish);
    this.#on(box, "keydown", (event) => {
      const { key } = event as KeyboardEvent;
      if (key === "Escape") {
        edited = false;
        this.#hold(false);
        this.#face.show(this.#value);
      } else if (key === "Enter") finish();
    });
  }

  #hold(holding: boolean): void {
    this.#holding = holding;
  }

  #on(target: HTMLElement, event: string, handler: (event: Event) => void): void {
    target.addEventListener(event, handler, { signal: this.signal });
  }
}
