/** The marks of changes on the timeline: what was changed is read at a pointer or at the focus. */

import { h, say } from "./dom.ts";
import type { Change } from "./types.ts";

export class Marks {
  readonly #row = h("div", { class: "ne-marks", role: "group", "aria-label": "Changes" });
  readonly #tip = h("div", { class: "ne-tip", "aria-hidden": "true", hidden: true });
  readonly element = h("div", { class: "ne-marked" }, this.#row, this.#tip);
  #changes: Change[] = [];
  #scope = new AbortController();

  constructor(
    private readonly look: (iteration: number) => void,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => this.#scope.abort());
    this.#row.addEventListener("keydown", (event) => this.#walk(event), { signal });
  }

  show(all: Change[]): void {
    const changes = together(all);
    if (this.signal.aborted || JSON.stringify(changes) === JSON.stringify(this.#changes)) return;
    this.#changes = changes;
    this.#scope.abort();
    this.#scope = new AbortController();
    this.#tip.hidden = true;
    this.#row.replaceChildren(...changes.map((change, place) => this.#mark(change, place === 0)));
  }

  /** Puts the marks where they belong in a run of this length. */
  place(length: number): void {
    this.#changes.forEach(({ iteration }, place) => {
      const mark = this.#row.children[place];
      const share = length > 0 ? Math.min(iteration / length, 1) : 0;
      if (mark instanceof HTMLElement) mark.style.left = `${(100 * share).toFixed(2)}%`;
    });
  }

  #mark({ iteration, text }: Change, first: boolean): HTMLButtonElement {
    const mark = h("button", {
      type: "button",
      class: "ne-mark",
      "aria-label": `${iteration}: ${text}`,
      tabindex: first ? "0" : "-1",
    });
    const { signal } = this.#scope;
    const show = () => {
      say(this.#tip, `${iteration.toLocaleString("en")}: ${text}`);
      this.#tip.hidden = false;
      const room = this.element.clientWidth - this.#tip.offsetWidth;
      this.#tip.style.left = `${Math.max(0, Math.min(room, mark.offsetLeft - this.#tip.offsetWidth / 2))}px`;
    };
    const hide = () => {
      this.#tip.hidden = true;
    };
    mark.addEventListener("pointerenter", show, { signal });
    mark.addEventListener("focus", show, { signal });
    mark.addEventListener("pointerleave", hide, { signal });
    mark.addEventListener("blur", hide, { signal });
    mark.addEventListener("click", () => this.look(iteration), { signal });
    return mark;
  }

  /** The arrow keys go from mark to mark, so that all of them are one stop of the tabulator. */
  #walk(event: KeyboardEvent): void {
    const marks = [...this.#row.children].filter((child) => child instanceof HTMLElement);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const at = event.target instanceof HTMLElement ? marks.indexOf(event.target) : -1;
    const next = step && at >= 0 ? marks[at + step] : undefined;
    if (!next) return;
    event.preventDefault();
    for (const mark of marks) mark.tabIndex = mark === next ? 0 : -1;
    next.focus();
  }
}

/** What was changed at one iteration has one mark. */
function together(changes: Change[]): Change[] {
  const marks: Change[] = [];
  for (const change of changes) {
    const last = marks.at(-1);
    if (last?.iteration === change.iteration) last.text += `, ${change.text}`;
    else marks.push({ ...change });
  }
  return marks;
}
