/** The controls of all live parameters, made from their descriptions. */

import { ControlView } from "./control.ts";
import { atEnd, h, listen } from "./dom.ts";
import { succeed } from "./faces.ts";
import type { Control, SetReply, Told, Value } from "./types.ts";

export interface PanelEvents {
  /** Asks for a value; gives the request's id. */
  set(name: string, value: Value): number;
  /** Asks that everything be given back. */
  reset(): void;
}

export class Panel {
  readonly element = h("section.ne-panel", { "aria-label": "Parameters" });
  #views = new Map<string, ControlView>();
  #scope = new AbortController();
  #shape = "";

  readonly #reset = h("button.ne-action.ne-reset-all", { "aria-label": "reset all" }, "reset all");

  constructor(
    private readonly events: PanelEvents,
    /** Whether it only shows. */
    private readonly fixed: boolean,
    private readonly signal: AbortSignal,
  ) {
    this.#reset.title = "Give everything back to its schedule, or to what the method was made with";
    listen(this.#reset, "click", () => events.reset(), signal);
    atEnd(signal, () => this.#scope.abort());
  }

  /** Shows these controls. Where only values differ from before, what a hand holds stays. */
  show(controls: Control[]): void {
    const shape = JSON.stringify(controls, (key, value) =>
      key === "value" || key === "following" ? 0 : value,
    );
    if (shape === this.#shape) {
      for (const { name, value, following } of controls) this.#views.get(name)?.update(value, following);
      this.#refresh();
      return;
    }
    this.#shape = shape;
    this.#scope.abort();
    this.#scope = new AbortController();
    if (this.signal.aborted) return;
    const held = this.#part(":focus");
    this.#views = new Map(
      controls.map((control) => [
        control.name,
        new ControlView(control, this.events.set, this.#scope.signal),
      ]),
    );
    const groups = new Map<string, HTMLElement[]>();
    for (const view of this.#views.values()) {
      const group = view.description.axis ? "" : view.description.group;
      groups.set(group, [...(groups.get(group) ?? []), view.element]);
    }
    this.element.replaceChildren(
      ...[...groups].map(([group, members]) =>
        h(
          "div.ne-group",
          { role: "group", "aria-label": group || "parameters" },
          ...(groups.size > 1 && group ? [h("h3.ne-heading", group)] : []),
          ...members,
        ),
      ),
      this.#reset,
    );
    this.element.hidden = controls.length === 0;
    if (this.fixed) {
      for (const part of this.element.querySelectorAll<HTMLInputElement>("input, select, button"))
        part.disabled = true;
    }
    this.#refresh();
    // What is named alike has the focus again, as the menu in which another method was chosen; else the first part.
    if (held)
      succeed(held, this.#part(`[aria-label="${CSS.escape(held.ariaLabel ?? "")}"]`) ?? this.#part(""));
  }

  #part(which: string): HTMLElement | null {
    return this.element.querySelector<HTMLElement>(
      `:is(input, select, button):enabled:not([hidden])${which}`,
    );
  }

  /** The values in force, from a frame or a status. */
  follow(told: Pick<Told, "params" | "following" | "work">): void {
    for (const [name, value] of Object.entries(told.params)) {
      this.#views.get(name)?.update(value, told.following[name] === true);
    }
    for (const [name, view] of this.#views) view.working(told.work[name]);
    this.#refresh();
  }

  answer(reply: SetReply): void {
    for (const view of this.#views.values()) view.answer(reply);
    this.#refresh();
  }

  #refresh(): void {
    this.#reset.disabled = this.fixed || ![...this.#views.values()].some((view) => view.changed);
  }
}
