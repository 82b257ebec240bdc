/** The selected points: the same in every view of a widget, and in Python. */

import { Latest } from "./latest.ts";

const NONE = new Uint32Array(0);

export interface SelectionEvents {
  /** Tells the kernel, and gives the request's id. */
  tell(indices: Uint32Array): number;
  /** What the kernel holds as selected. */
  held(): Uint32Array;
  changed(indices: Uint32Array): void;
  /** A hand has chosen these. */
  chosen(indices: Uint32Array): void;
}

export class Selection {
  /** Ascending. */
  indices: Uint32Array = NONE;
  readonly #latest: Latest<Uint32Array>;

  constructor(private readonly events: SelectionEvents) {
    this.#latest = new Latest((indices) => events.tell(indices));
  }

  get empty(): boolean {
    return this.indices.length === 0;
  }

  /** Selects by hand: shown at once, then told to the kernel. */
  set(indices: Uint32Array): void {
    if (same(indices, this.indices)) return;
    this.#show(indices);
    this.events.chosen(indices);
    this.#latest.push(indices);
  }

  /** Shows what was selected in another picture of the same points. */
  take(indices: Uint32Array): void {
    if (!same(indices, this.indices)) this.#show(indices);
  }

  clear(): void {
    this.set(NONE);
  }

  /** Takes what the kernel holds, now that the points are others. */
  renew(): void {
    this.#show(this.events.held());
  }

  /** Takes what the kernel holds, except while a later choice of the hand is under way to it. */
  follow(): void {
    if (this.#latest.busy) return;
    const held = this.events.held();
    if (!same(held, this.indices)) this.#show(held);
  }

  /** The kernel took a choice, or refused it. */
  answer(id: number): void {
    if (this.#latest.answer(id)) this.follow();
  }

  #show(indices: Uint32Array): void {
    this.indices = indices;
    this.events.changed(indices);
  }
}

function same(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
