/** The controls of all live parameters, made from their descriptions. */

import { ControlView } from "./control.ts";
import { h } from "./dom.ts";
import type { Control, SetReply, Value } from "./types.ts";

export class Panel {
  readonly element = h("section", { class: "ne-panel", "aria-label": "Parameters" });
  #views = new Map<string, ControlView>();
  #scope = new AbortController();
  #shape = "";

  constructor(
    private readonly send: (name: string, value: Value) => number,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => this.#scope.abort());
  }

  /** Shows these controls. Where only values differ from before, what a hand holds stays. */
  show(controls: Control[]): void {
    const shape = JSON.stringify(controls, (key, value) =>
      key === "value" || key === "following" ? 0 : value,
    );
    if (shape === this.#shape) {
      for (const { name, value, following } of controls) this.#views.get(name)?.update(value, following);
      return;
    }
    this.#shape = shape;
    this.#scope.abort();
    this.#scope = new AbortController();
    if (this.signal.aborted) return;
    this.#views = new Map(
      controls.map((control) => [control.name, new ControlView(control, this.send, this.#scope.signal)]),
    );
    const groups = new Map<string, HTMLElement[]>();
    for (const view of this.#views.values()) {
      const { group } = view.description;
      groups.set(group, [...(groups.get(group) ?? []), view.element]);
    }
    this.element.replaceChildren(
      ...[...groups].map(([group, members]) =>
        h(
          "div",
          { class: "ne-group", role: "group", "aria-label": group || "parameters" },
          ...(groups.size > 1 && group ? [h("h3", { class: "ne-heading" }, group)] : []),
          ...members,
        ),
      ),
    );
    this.element.hidden = controls.length === 0;
  }

  /** The values in force, from a frame or a status. */
  follow(params: Record<string, Value>, following: Record<string, boolean>): void {
    for (const [name, value] of Object.entries(params)) {
      this.#views.get(name)?.update(value, following[name] === true);
    }
  }

  answer(reply: SetReply): void {
    for (const view of this.#views.values()) view.answer(reply);
  }
}
