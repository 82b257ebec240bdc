/** The buttons over the picture, one for each command that has an icon. */

import type { Command, Commands } from "./commands.ts";
import { h, icon, listen } from "./dom.ts";

export class Tools {
  readonly element = h("div.ne-tools", { role: "toolbar", "aria-label": "Tools" });
  readonly #buttons = new Map<Command, HTMLButtonElement>();

  constructor(
    private readonly commands: Commands,
    private readonly signal: AbortSignal,
  ) {
    commands.onChange(() => this.#refresh());
    this.#refresh();
  }

  #refresh(): void {
    const shown = this.commands.all.filter((command) => command.icon);
    if (shown.length !== this.#buttons.size) this.#arrange(shown);
    for (const [command, button] of this.#buttons) {
      const { able, on } = this.commands.meant(command);
      button.disabled = !(able?.() ?? true);
      if (on) button.setAttribute("aria-pressed", String(on()));
    }
  }

  #arrange(shown: Command[]): void {
    const groups = new Map<string, HTMLButtonElement[]>();
    for (const command of shown) {
      const button = this.#buttons.get(command) ?? this.#button(command);
      this.#buttons.set(command, button);
      groups.set(command.group, [...(groups.get(command.group) ?? []), button]);
    }
    this.element.replaceChildren(
      ...[...groups].map(([group, buttons]) =>
        h("div.ne-tool-group", { role: "group", "aria-label": group }, ...buttons),
      ),
    );
  }

  #button(command: Command): HTMLButtonElement {
    const { name, keys } = command;
    const title = keys?.length ? `${name} (${keys[0]})` : name;
    const button = h("button.ne-tool", { "aria-label": name, title }, icon(command.icon ?? ""));
    listen(button, "click", () => this.commands.do(command), this.signal);
    return button;
  }
}
