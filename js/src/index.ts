/** The module that anywidget loads. */

import { Compare } from "./compare.ts";
import type { Model } from "./types.ts";
import { View } from "./view.ts";

interface Context {
  model: Model;
  el: HTMLElement;
  signal?: AbortSignal;
}

export default {
  initialize(): void {},
  render({ model, el, signal }: Context): () => void {
    const scope = new AbortController();
    signal?.addEventListener("abort", () => scope.abort(), { once: true, signal: scope.signal });
    if (model.get("_views")) new Compare(model, el, scope.signal);
    else new View(model, el, scope.signal);
    return () => scope.abort();
  },
};
