/** A field for a piece of text: the points that have it stand out, Enter selects them, Escape ends it. */

import { h, listen, say } from "./dom.ts";
import { Latest } from "./latest.ts";
import { counted } from "./scale.ts";
import { Timer } from "./timer.ts";

/** Milliseconds without a key after which the kernel is asked. */
const REST = 120;

export interface SearchEvents {
  /** Asks the kernel, and gives the request's id. */
  ask(text: string): number;
  /** The points that were found, in ascending order. */
  found(points: Uint32Array): void;
  /** The points found are to be selected. */
  select(points: Uint32Array): void;
  /** The field was closed: the keys go back to the picture. */
  closed(): void;
}

export class Search {
  readonly element: HTMLElement;
  readonly #field = h("input.ne-field", {
    type: "search",
    "aria-label": "search",
    placeholder: "search labels and texts",
    maxlength: "200",
    spellcheck: "false",
    autocomplete: "off",
  });
  readonly #count = h("span.ne-count", { role: "status" });
  readonly #latest: Latest<string>;
  #points: Uint32Array = new Uint32Array(0);
  /** The text that was asked last, and the one that the points were found for. */
  #asked = "";
  #answered = "";
  /** Whether Enter was pressed before the answer was here. */
  #entered = false;
  readonly #timer: Timer;

  constructor(
    private readonly events: SearchEvents,
    signal: AbortSignal,
  ) {
    this.#latest = new Latest((text) => {
      this.#asked = text;
      return events.ask(text);
    });
    this.element = h("div.ne-search", { role: "search", hidden: true }, this.#field, this.#count);
    listen(this.#field, "input", () => this.#typed(), signal);
    listen(this.#field, "keydown", (event) => this.#key(event), signal);
    this.#timer = new Timer(signal);
  }

  get active(): boolean {
    return !this.element.hidden;
  }

  open(): void {
    this.element.hidden = false;
    this.#field.focus();
    this.#field.select();
  }

  close(): void {
    this.element.hidden = true;
    this.#field.value = "";
    this.#entered = false;
    this.#show(new Uint32Array(0), "");
  }

  answer(id: number, points: Uint32Array): void {
    if (!this.#latest.answer(id) || !this.active || this.#asked !== this.#text) return;
    this.#show(points, points.length === 0 ? "none" : counted(points.length));
    if (this.#entered) this.#enter();
  }

  get #text(): string {
    return this.#field.value.trim();
  }

  #typed(): void {
    this.#entered = false;
    if (this.#text) this.#timer.start(() => this.#ask(), REST);
    else this.#show(new Uint32Array(0), "");
  }

  #ask(): void {
    this.#timer.stop();
    this.#latest.push(this.#text);
  }

  /** Selects what was found; what has the present text, and no former one. */
  #enter(): void {
    this.#entered = this.#answered !== this.#text;
    if (this.#entered) {
      if (this.#timer.waits || !this.#latest.busy) this.#ask();
    } else if (this.#points.length > 0) {
      this.events.select(this.#points);
      this.#leave();
    }
  }

  #key(event: KeyboardEvent): void {
    event.stopPropagation(); // letters typed here are no commands
    if (event.key === "Escape") this.#leave();
    else if (event.key === "Enter") this.#enter();
    else return;
    event.preventDefault();
  }

  #leave(): void {
    this.close();
    this.events.closed();
  }

  /** Shows the points that have the present text. */
  #show(points: Uint32Array, count: string): void {
    this.#timer.stop();
    this.#answered = this.#text;
    this.#points = points;
    say(this.#count, count);
    this.events.found(points);
  }
}
