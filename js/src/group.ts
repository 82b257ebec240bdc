/** Which points the run goes on with: the selected ones alone, all but these, or all of them again. */

import type { Command, Commands } from "./commands.ts";
import type { Link } from "./link.ts";
import { counted } from "./scale.ts";
import type { Change, SceneInfo } from "./types.ts";

/** So many the run can be focused on. */
const FEWEST = 3;

export interface GroupParts {
  link: Link;
  commands: Commands;
  scene(): SceneInfo;
  /** Ascending. */
  selected(): Uint32Array;
  /** Whether there is a run that can be changed. */
  alive(): boolean;
  /** What it tells or offers is different now. */
  changed(): void;
}

export class Group {
  readonly actions: Command[];
  #undo: Change | null = null;

  constructor(private readonly parts: GroupParts) {
    const { link, selected, scene, alive } = parts;
    const group = "selection";
    const some = (fewest: number) => {
      const count = selected().length;
      return alive() && count >= fewest && count < scene().n;
    };
    const focused = () => alive() && this.#focused;
    const actions: Command[] = [
      {
        group,
        name: "focus on selection",
        label: "focus",
        keys: ["o"],
        run: () => link.regroup("focus", selected()),
        able: () => some(FEWEST),
      },
      {
        group,
        name: "remove selection",
        label: "remove",
        keys: ["Delete"],
        run: () => link.regroup("remove", selected()),
        able: () => some(1) && !this.#focused,
      },
      {
        group,
        name: "back to all points",
        keys: ["a"],
        run: () => link.unfocus(false),
        able: focused,
      },
      { group, name: "back with this arrangement", run: () => link.unfocus(true), able: focused },
      {
        group,
        name: "undo removal or addition",
        label: "undo",
        run: () => this.#undo && link.go("rewind", this.#undo.iteration),
        able: () => alive() && this.#undo !== null,
      },
    ];
    this.actions = actions.map((command) => ({ ...command, live: true }));
  }

  /** What was done to the points, where it is still in force. */
  get told(): string {
    const { n, all } = this.parts.scene();
    if (this.#focused) return `focused on ${counted(n)} of ${counted(all)} points`;
    return this.#undo ? `${this.#undo.text} at iteration ${counted(this.#undo.iteration)}` : "";
  }

  /** Takes what can be undone. */
  follow(undo: Change | null): void {
    if (JSON.stringify(undo) === JSON.stringify(this.#undo)) return;
    this.#undo = undo;
    this.parts.changed();
  }

  get #focused(): boolean {
    const { n, all } = this.parts.scene();
    return n < all;
  }
}
