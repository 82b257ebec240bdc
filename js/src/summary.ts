/** The section of the side panel on what is selected: how many, of what kind, and what can be done with them. */

import type { Command, Commands } from "./commands.ts";
import { h, listen, say } from "./dom.ts";
import { counted } from "./scale.ts";

/** Kinds that are listed; the rest is summed up. */
const MOST = 5;

export interface Kind {
  label: string;
  color: string;
  count: number;
}

export class Summary {
  readonly element = h("section.ne-selection", { "aria-label": "Selection", hidden: true });
  readonly #told = h("p.ne-note", { hidden: true });
  readonly #title = h("h3.ne-heading");
  readonly #kinds = h("div.ne-kinds");
  readonly #actions = h("div.ne-actions", { role: "group", "aria-label": "selection" });
  #buttons = new Map<Command, HTMLButtonElement>();

  constructor(commands: Commands, actions: readonly Command[], signal: AbortSignal) {
    for (const command of actions) {
      const button = h("button.ne-action", { "aria-label": command.name }, command.label ?? command.name);
      listen(button, "click", () => commands.do(command), signal);
      this.#buttons.set(command, button);
    }
    this.#actions.append(...this.#buttons.values());
    this.element.append(this.#told, this.#title, this.#kinds, this.#actions);
    commands.onChange(() => this.#refresh());
  }

  /**
   * Shows `count` points of n, most frequent kinds first; `active` keeps the section in view without any, and so does
   * what is `told` of the points as a whole.
   */
  show(count: number, n: number, kinds: Kind[], active: boolean, told = ""): void {
    this.element.hidden = count === 0 && !active && !told;
    this.#told.hidden = !told;
    this.#title.hidden = count === 0 && !active;
    say(this.#told, told);
    const share = percent(count / Math.max(1, n));
    say(this.#title, count === 0 ? "nothing selected" : `${counted(count)} selected, ${share}`);
    const rest = kinds.slice(MOST).reduce((sum, kind) => sum + kind.count, 0);
    this.#kinds.replaceChildren(
      ...kinds.slice(0, MOST).map((kind) => row(kind, count)),
      ...(rest > 0 ? [row({ label: "others", color: "transparent", count: rest }, count)] : []),
    );
    this.#refresh();
  }

  #refresh(): void {
    for (const [command, button] of this.#buttons) button.hidden = !(command.able?.() ?? true);
  }
}

function row({ label, color, count }: Kind, all: number): HTMLElement {
  const swatch = h("i.ne-swatch");
  swatch.style.background = color;
  const share = count / Math.max(1, all);
  const line = h(
    "div.ne-kind",
    { title: `${label}: ${counted(count)}` },
    swatch,
    h("span.ne-label", label || "(empty)"),
    h("span.ne-count", percent(share)),
  );
  line.style.setProperty("--ne-share", share.toFixed(4));
  return line;
}

export function percent(share: number): string {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  const digits = share > 0 && share < 0.0995 ? 1 : 0;
  return `${(100 * share).toFixed(digits)} %`;
}
