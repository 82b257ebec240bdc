/** The whole screen for one view; where the browser refuses that, the whole window. */

import { listen } from "./dom.ts";

export class FullScreen {
  #laid = false;

  constructor(
    private readonly element: HTMLElement,
    private readonly changed: () => void,
    signal: AbortSignal,
  ) {
    listen(element, "fullscreenchange", () => this.#show(), signal);
    listen(
      document,
      "keydown",
      (event) => {
        if (event.key !== "Escape" || !this.#laid) return;
        event.preventDefault();
        event.stopPropagation();
        this.#lay(false);
      },
      signal,
      { capture: true },
    );
  }

  get on(): boolean {
    return this.#laid || this.element.matches(":fullscreen");
  }

  async toggle(): Promise<void> {
    if (this.#laid) this.#lay(false);
    else if (this.on) await document.exitFullscreen();
    else {
      await this.element.requestFullscreen?.().catch(() => {});
      if (!this.on) this.#lay(true);
    }
  }

  #lay(laid: boolean): void {
    this.#laid = laid;
    this.#show();
  }

  #show(): void {
    this.element.classList.toggle("ne-full", this.on);
    this.changed();
  }
}
