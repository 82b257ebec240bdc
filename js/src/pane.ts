/** One map of a comparison, as its view sees it: a model of its own, on the comparison's link. */

import { isRaw } from "./raw.ts";
import type { Model } from "./types.ts";

type Callback = (...args: never[]) => void;

export class Pane implements Model {
  #heard: Callback | null = null;

  constructor(
    private readonly model: Model,
    private readonly place: number,
  ) {}

  get widget_manager(): Model["widget_manager"] {
    return this.model.widget_manager;
  }

  /** Whether it is an array, which nothing changes. */
  get stands(): boolean {
    return this.#own.stands === true;
  }

  get(name: string): unknown {
    if (name === "_controls") return this.#own.controls;
    const value = this.model.get(name);
    if (name !== "_scene" || !isRaw(value) || !isRaw(this.#own.scene)) return value;
    return { ...value, ...this.#own.scene };
  }

  on(event: string, callback: Callback): void {
    for (const one of events(event)) this.model.on(one, this.#wrap(event, callback));
  }

  off(event: string, callback: Callback): void {
    for (const one of events(event)) this.model.off(one, this.#wrap(event, callback));
  }

  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void {
    const told = { ...(content as object), view_of: this.place };
    if (buffers) this.model.send(told, callbacks, buffers);
    else this.model.send(told);
  }

  get #own(): Record<string, unknown> {
    const views = this.model.get("_views");
    const own: unknown = Array.isArray(views) ? views[this.place] : null;
    return isRaw(own) ? own : {};
  }

  /** Of the messages, which one part of a view hears, only those to this map are passed on. */
  #wrap(event: string, callback: Callback): Callback {
    if (event !== "msg:custom") return callback;
    this.#heard ??= ((content: { view_of?: unknown }, buffers: unknown) => {
      if (content?.view_of === this.place) callback(...([content, buffers] as never[]));
    }) as Callback;
    return this.#heard;
  }
}

function events(event: string): string[] {
  if (event === "change:_scene") return [event, "change:_views"];
  return [event === "change:_controls" ? "change:_views" : event];
}
