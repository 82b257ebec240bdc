/** What draws: WebGL2, and Canvas2D where that is absent or its context is lost for good. It keeps what it was told. */

import { atEnd } from "./dom.ts";
import { FlatRenderer } from "./flat.ts";
import { GlRenderer } from "./gl.ts";
import { type Colors, type Look, NO_COLORS, type Renderer } from "./scene.ts";
import { Timer } from "./timer.ts";
import type { Frame } from "./types.ts";

/** Milliseconds that a lost context may take to come back. */
const LOST = 4000;

export class Surface {
  #renderer!: Renderer;
  readonly #frames: Frame[] = [];
  #codes: Uint16Array = new Uint16Array(0);
  #flags: Uint8Array = new Uint8Array(0);
  #sizes: Uint8Array | null = null;
  #colors: Colors = NO_COLORS;
  readonly #rescue: Timer;

  /** `changed`: something else would be drawn now. */
  constructor(
    private readonly root: HTMLElement,
    private readonly changed: () => void,
    private readonly signal: AbortSignal,
  ) {
    this.#rescue = new Timer(signal);
    this.#use(GlRenderer.create(() => this.#contextChanged()) ?? new FlatRenderer());
    atEnd(signal, () => {
      this.#renderer.dispose();
      this.#frames.length = 0;
    });
  }

  get kind(): Renderer["kind"] {
    return this.#renderer.kind;
  }

  get ready(): boolean {
    return this.#renderer.ready;
  }

  get sums(): boolean {
    return this.#renderer.sums;
  }

  upload(slot: number, frame: Frame): void {
    this.#frames[slot] = frame;
    this.#renderer.upload(slot, frame);
  }

  setCodes(codes: Uint16Array): void {
    this.#codes = codes;
    this.#renderer.setCodes(codes);
    this.changed();
  }

  setFlags(flags: Uint8Array): void {
    this.#flags = flags;
    this.#renderer.setFlags(flags);
    this.changed();
  }

  /** One byte a point scales its diameter; null: all alike. */
  setSizes(sizes: Uint8Array | null): void {
    this.#sizes = sizes;
    this.#renderer.setSizes(sizes);
    this.changed();
  }

  setColors(colors: Colors): void {
    this.#colors = colors;
    this.#renderer.setColors(colors);
    this.changed();
  }

  draw(context: CanvasRenderingContext2D, look: Look): void {
    this.#renderer.draw(context, look);
  }

  #use(renderer: Renderer): void {
    this.#renderer = renderer;
    this.root.dataset.renderer = renderer.kind;
    renderer.setCodes(this.#codes);
    renderer.setFlags(this.#flags);
    renderer.setSizes(this.#sizes);
    renderer.setColors(this.#colors);
    this.#frames.forEach((frame, slot) => {
      renderer.upload(slot, frame);
    });
    this.changed();
  }

  /** A context that does not come back is replaced. */
  #contextChanged(): void {
    if (this.signal.aborted) return;
    this.#rescue.stop();
    if (!this.#renderer.ready) {
      this.#rescue.start(() => {
        this.#renderer.dispose();
        this.#use(new FlatRenderer());
      }, LOST);
    }
    this.changed();
  }
}
