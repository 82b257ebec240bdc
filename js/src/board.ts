/** The elements that the parts of a view stand in, and the words above and behind them. */

import { atEnd, h, say, shareKeys } from "./dom.ts";

let serial = 0;

interface Parts {
  /** The picture, and what stands over it. */
  stage: HTMLElement;
  over: readonly HTMLElement[];
  tools: HTMLElement;
  bar: HTMLElement;
  side: readonly HTMLElement[];
  help: HTMLElement;
}

export class Board {
  readonly root = h("div.ne-root");
  readonly main = h("div.ne-main");
  readonly #banner = h("div.ne-banner", { role: "alert", hidden: true });
  readonly #spoken = h("p.ne-hidden", { id: `ne-help-${++serial}` });

  constructor(private readonly signal: AbortSignal) {}

  /** Puts the parts where they belong, and all of it into `element`, until the signal aborts. */
  arrange(element: HTMLElement, { stage, over, tools, bar, side, help }: Parts): void {
    stage.append(...over);
    this.main.append(stage, tools, bar, h("aside.ne-side", ...side));
    this.root.append(this.#spoken, this.#banner, this.main, help);
    element.append(this.root);
    atEnd(this.signal, () => this.root.remove());
    shareKeys(this.root, this.signal);
  }

  /** Says what can be done, to those who come to the picture without seeing it. */
  describe(canvas: HTMLElement, text: string): void {
    say(this.#spoken, text);
    canvas.setAttribute("aria-describedby", this.#spoken.id);
  }

  /** Shows what went wrong above the picture; null when nothing is wrong any more. */
  fail(error: string | null): void {
    say(this.#banner, error ?? "");
    this.#banner.hidden = !error;
  }
}
