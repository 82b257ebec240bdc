/** What the keys do: a quiet dialog over the view, made from the commands. */

import type { Command, Commands } from "./commands.ts";
import { h, listen } from "./dom.ts";

/** What hands do without keys, in the order of the need for it. */
const HANDS: readonly (readonly [string, string])[] = [
  ["zoom", "click, then wheel"],
  ["zoom", "two fingers"],
  ["whole map", "double click"],
  ["hide a category", "click its name"],
  ["show it alone", "shift click"],
];

const CAPS: Record<string, string> = {
  " ": "space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "esc",
};
const ICON =
  "M8 1.2a6.8 6.8 0 1 1-.01 0zm0 1.6a5.2 5.2 0 1 0 .01 0zM7.2 10.4h1.6V12H7.2zM8 3.9c1.5 0 2.6.9 2.6 2.3 0 1-.6 1.6-1.2 2-.5.4-.6.5-.6 1v.3H7.2v-.5c0-1.1.6-1.6 1.2-2 .4-.3.6-.5.6-.8 0-.4-.4-.7-1-.7s-1 .4-1 1H5.4c0-1.5 1.1-2.6 2.6-2.6z";
let serial = 0;

export class Help {
  readonly command: Command = {
    name: "Help",
    keys: ["?"],
    icon: ICON,
    group: "view",
    where: "first",
    run: () => this.open(),
  };
  readonly element: HTMLDialogElement;
  readonly #body = h("div.ne-keys");
  readonly #close = h("button.ne-button", "Close");
  #before: Element | null = null;

  /** While it is open, `behind` cannot be reached. */
  constructor(
    private readonly commands: Commands,
    private readonly behind: HTMLElement,
    signal: AbortSignal,
  ) {
    const id = `ne-keys-${++serial}`;
    const head = h("div.ne-help-head", h("h2", { id }, "Keys"), this.#close);
    this.element = h("dialog.ne-help", { "aria-labelledby": id, "aria-modal": "true" });
    this.element.append(head, this.#body);
    listen(this.#close, "click", () => this.close(), signal);
    listen(this.element, "keydown", (event) => this.#key(event), signal);
    listen(behind, "keydown", (event) => this.#ask(event), signal);
  }

  open(): void {
    if (this.element.open) return;
    this.#body.replaceChildren(...this.#groups());
    this.#before = (this.behind.getRootNode() as Document | ShadowRoot).activeElement;
    this.behind.inert = true;
    this.element.show();
    this.#close.focus();
  }

  close(): void {
    if (!this.element.open) return;
    this.element.close();
    this.behind.inert = false;
    if (this.#before instanceof HTMLElement) this.#before.focus({ preventScroll: true });
  }

  /** A question mark asks from everywhere, except where it may be part of a text. */
  #ask(event: KeyboardEvent): void {
    if (event.key !== "?" || (event.target as Element).matches("input[type=text], input[type=search]"))
      return;
    event.stopImmediatePropagation();
    this.open();
  }

  /** Nothing that is pressed here reaches the notebook, and the focus stays. */
  #key(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "?") this.close();
    else if (event.key !== "Tab") return;
    event.preventDefault();
  }

  #groups(): HTMLElement[] {
    const groups = new Map<string, HTMLElement[]>();
    const add = (group: string, name: string, ...what: (Node | string)[]) =>
      groups.set(group, [...(groups.get(group) ?? []), h("dt", name), h("dd", ...what)]);
    for (const { group, name, keys } of this.commands.all) {
      if (keys?.length) add(group, name.toLowerCase(), ...keys.map((key) => h("kbd", CAPS[key] ?? key)));
    }
    for (const [name, what] of HANDS) add("by hand", name, what);
    return [...groups].map(([group, rows]) => h("section", h("h3.ne-heading", group), h("dl", ...rows)));
  }
}
