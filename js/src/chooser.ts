/** What points are coloured by: chosen from the columns that there are. */

import { h, listen } from "./dom.ts";
import type { ColorChoice } from "./types.ts";

export class Chooser {
  readonly element: HTMLElement;
  readonly #select = h("select", { "aria-label": "colour by" });
  #choice: ColorChoice = { names: [], name: "" };

  constructor(choose: (name: string) => void, signal: AbortSignal) {
    this.element = h("div.ne-chooser", { hidden: true }, h("span.ne-name", "colour by"), this.#select);
    listen(this.#select, "change", () => choose(this.#select.value), signal);
  }

  /** Whether there is anything to choose from; what stands alone is named by the legend. */
  get used(): boolean {
    return !this.element.hidden;
  }

  show(choice: ColorChoice): void {
    if (choice.names.join("\n") !== this.#choice.names.join("\n")) {
      this.#select.replaceChildren(...choice.names.map((name) => h("option", { value: name }, name)));
    }
    this.#choice = choice;
    this.element.hidden = choice.names.length < 2;
    this.reset();
  }

  /** Shows again what is in force, after a choice that was refused. */
  reset(): void {
    this.#select.value = this.#choice.name;
  }
}
