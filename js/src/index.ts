/** The module that anywidget loads. */

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
    new View(model, el, scope.signal);
    return () => scope.abort();
  },
};
