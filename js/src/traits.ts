/** The state that kernel and page share. */

import { atEnd } from "./dom.ts";
import type { Model } from "./types.ts";

/** Calls back now and whenever the trait changes. */
export function onChange(model: Model, signal: AbortSignal, trait: string, callback: () => void): void {
  const event = `change:${trait}`;
  model.on(event, callback);
  atEnd(signal, () => model.off(event, callback));
  callback();
}
