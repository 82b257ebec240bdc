/** The marks of changes on the timeline: what was changed is read at a pointer or at the focus. */

import { h, listen, say } from "./dom.ts";
import { counted } from "./scale.ts";
import type { Change } from "./types.ts";

export class Marks {
  readonly #row = h("div.ne-marks", { role: "group", "aria-label": "Changes" });
  readonly #tip = h("div.ne-tip", { "aria-hidden": "true", hidden: true });
  readonly element = h("div.ne-marked", this.#row, this.#tip);
  #changes: Change[] = [];

  constructor(
    private readonly look: (iteration: number) => void,
    signal: AbortSignal,
  ) {
    this.#listen(signal);
  }

  show(all: Change[]): void {
    const changes = together(all);
    if (JSON.stringify(changes) === JSON.stringify(this.#changes)) return;
    this.#changes = changes;
    this.#hush();
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
    return h("button.ne-mark", { "aria-label": `${iteration}: ${text}`, tabindex: first ? "0" : "-1" });
  }

  /** The row listens for its marks: a long run has hundreds of them. */
  #listen(signal: AbortSignal): void {
    const on = (kind: keyof HTMLElementEventMap, then: (mark: HTMLElement, change: Change) => void) =>
      listen(
        this.#row,
        kind,
        ({ target }) => {
          const place = [...this.#row.children].indexOf(target as Element);
          const change = this.#changes[place];
          if (change && target instanceof HTMLElement) then(target, change);
        },
        signal,
      );
    on("pointerover", (mark, change) => this.#tell(mark, change));
    on("focusin", (mark, change) => this.#tell(mark, change));
    on("pointerout", () => this.#hush());
    on("focusout", () => this.#hush());
    on("click", (_, { iteration }) => this.look(iteration));
    listen(this.#row, "keydown", (event) => this.#walk(event), signal);
  }

  #tell(mark: HTMLElement, { iteration, text }: Change): void {
    say(this.#tip, `${counted(iteration)}: ${text}`);
    this.#tip.hidden = false;
    const room = this.element.clientWidth - this.#tip.offsetWidth;
    this.#tip.style.left = `${Math.max(0, Math.min(room, mark.offsetLeft - this.#tip.offsetWidth / 2))}px`;
  }

  #hush(): void {
    this.#tip.hidden = true;
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
