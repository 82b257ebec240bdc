/** The picture: takes frames, moves them to the GPU, and draws between them at display rate. */

import { Camera } from "./camera.ts";
import { Clock } from "./clock.ts";
import { diskOf, drawDisk } from "./disk.ts";
import { atEnd, h } from "./dom.ts";
import { type Bounds, boundsOf, mixBounds } from "./extent.ts";
import { Ink } from "./ink.ts";
import { Pace } from "./pace.ts";
import { Projection } from "./projection.ts";
import { densityLook, faintLook, pinLook, pointLook } from "./scene.ts";
import { Surface } from "./surface.ts";
import { watchMotion } from "./theme.ts";
import { Timer } from "./timer.ts";
import type { Frame, Pair } from "./types.ts";

const RATE_WINDOW = 2000;
/** Milliseconds without a drawing after which points that were left out are drawn, too; times the stride, as it takes long. */
const REST = 175;
/** Opacity of a map that is drawn below another. */
const FAINT = 0.22;
/** Milliseconds of the camera's way that one turn of the display may take. */
const LONGEST_TURN = 500;

export interface StageEvents {
  /** A frame is on the GPU. */
  shown(frame: Frame): void;
  /** The picture was drawn; things may be drawn over it. */
  drawn(context: CanvasRenderingContext2D, ratio: number): void;
  canShow(): boolean;
}

export class Stage {
  readonly canvas = h("canvas.ne-canvas", { tabindex: "0", role: "application" });
  readonly element = h("div.ne-stage", this.canvas);
  readonly camera = new Camera();
  readonly clock = new Clock();
  readonly ink = new Ink(this.canvas);
  newest: Frame | null = null;
  size = 3;
  /** What the camera shows as a whole; null: the map's own bounds. */
  around: Omit<Bounds, "area"> | null = null;
  /** Whether nobody saw what came since: the next frame is shown at once, without a way from one that is long past. */
  missed = false;
  /** How many points are pinned. */
  pinned = 0;
  readonly surface: Surface;
  readonly #context = this.canvas.getContext("2d");
  readonly #slots: { frame: Frame; bounds: Bounds }[] = [];
  /** While things are drawn over the picture: all ask where points are. */
  #drawn: Projection | null = null;
  #moment = this.clock.at(0);
  #pending: Frame | null = null;
  #request = 0;
  #disk = false;
  #density = false;
  #last = 0;
  #times: number[] = [];
  #frames = 0;
  readonly #pace = new Pace();
  #stride = 1;
  #whole = false;
  #held = false;
  /** CSS pixels. */
  #extent: Pair = [0, 0];
  readonly #rest: Timer;
  readonly #later: Timer;

  constructor(
    private readonly root: HTMLElement,
    private readonly events: StageEvents,
    private readonly signal: AbortSignal,
  ) {
    this.#rest = new Timer(signal);
    this.#later = new Timer(signal);
    this.surface = new Surface(root, () => this.draw(), signal);
    watchMotion(signal, (moves) => {
      this.clock.tween = moves;
    });
    // Asked for at a drawing, the size would have the page laid out there and then.
    const observer = new ResizeObserver((entries) => {
      const box = entries.at(-1)!.contentRect;
      this.#extent = [Math.round(box.width), Math.round(box.height)];
      this.draw();
    });
    observer.observe(this.element);
    atEnd(signal, () => {
      observer.disconnect();
      cancelAnimationFrame(this.#request);
      this.#slots.length = 0;
      this.#pending = this.newest = null;
      this.canvas.width = this.canvas.height = 0;
    });
  }

  /** Takes a frame; one that was not drawn yet is forgotten. */
  offer(frame: Frame): void {
    this.#pending = frame;
    this.draw();
  }

  /** Whether the edge of the unit disk is drawn, and all of it shown. */
  setDisk(disk: boolean): void {
    this.#disk = disk;
    this.draw();
  }

  /** Whether a hand is at work: it waits for no points that can be left out. */
  set held(held: boolean) {
    this.#held = held;
    if (!held && this.#stride > 1) this.draw();
  }

  get density(): boolean {
    return this.#density;
  }

  /** Whether points are shown as density. */
  set density(density: boolean) {
    this.#density = density;
    this.draw();
  }

  /** Asks for one drawing at the display's next turn. */
  draw(): void {
    if (this.#request || this.signal.aborted) return;
    this.#request = requestAnimationFrame((now) => {
      this.#request = 0;
      this.#tick(now);
    });
  }

  /** Where a point is drawn now, in CSS pixels of the picture. */
  where(point: number): Pair | null {
    const at = this.projection()?.at(point);
    return at ? [at[0], at[1]] : null;
  }

  /** Where all points are drawn now; null before the first frame. Good until the next drawing. */
  projection(camera = this.camera): Projection | null {
    if (camera === this.camera && this.#drawn) return this.#drawn;
    const [prev, next] = [this.#slots[this.#moment.prev]?.frame, this.#slots[this.#moment.next]?.frame];
    return prev && next ? new Projection(camera, prev, next, this.#moment.t) : null;
  }

  /** Frames shown in each of the last seconds, on average. */
  rate(now: number): number {
    this.#times = this.#times.filter((time) => now - time < RATE_WINDOW);
    return (this.#times.length * 1000) / RATE_WINDOW;
  }

  #tick(now: number): void {
    if (!this.#context || !this.#resize()) return;
    if (this.#pending && this.surface.ready && this.events.canShow() && this.#due(this.#pending, now)) {
      this.#take(this.#pending, now);
    }
    this.#moment = this.clock.at(now);
    const [prev, next] = [this.#slots[this.#moment.prev], this.#slots[this.#moment.next]];
    if (!prev || !next) return;
    const bounds = mixBounds(prev.bounds, next.bounds, this.#moment.t);
    this.camera.solid = next.frame.c === 3;
    this.camera.fit(this.around ?? (this.#disk ? { ...bounds, ...diskOf(next.frame.scale) } : bounds));
    if (!this.clock.tween && this.camera.following) this.camera.snap();
    // A slow display catches up in one turn; after a rest the camera begins gently.
    const easing = this.camera.ease(Math.min(LONGEST_TURN, now - this.#last));
    const stride = this.#strideFor(now - this.#last, next.frame.n);
    this.#paint(this.#context, this.canvas.width / this.camera.width, next.frame, bounds.area, stride);
    this.#last = easing || this.#moment.moving ? now : Number.POSITIVE_INFINITY;
    if (this.#last === now) this.draw();
  }

  /** Whether a frame may be shown now; where motion is not wanted, frames of a moving run are rare. */
  #due(frame: Frame, now: number): boolean {
    const wait = frame.state === "running" ? this.clock.wait(now) : 0;
    this.#later.stop();
    if (wait > 0) this.#later.start(() => this.draw(), wait);
    return wait === 0;
  }

  /** Of which points only every so-manyth is drawn now, and all of them once nothing is drawn for a while. */
  #strideFor(gap: number, n: number): number {
    if (this.surface.kind !== "webgl2") return 1;
    if (gap > 0) this.#stride = this.#pace.turn(gap, n); // after a rest it says nothing of the display
    this.#rest.stop();
    const stride = this.#whole ? 1 : this.#stride;
    this.#whole = false;
    this.canvas.dataset.stride = String(stride);
    if (stride > 1 && !this.#held) {
      this.#rest.start(() => {
        this.#whole = true;
        this.draw();
      }, REST * stride);
    }
    return stride;
  }

  #paint(context: CanvasRenderingContext2D, ratio: number, frame: Frame, share: number, stride = 1): void {
    const { camera } = this;
    const n = frame.n / stride;
    const area = share * camera.unit ** 2 || camera.width * camera.height;
    let look = { ...pointLook(n, area), spot: 0, white: 0 };
    // In 3D what is near hides what is far, so points are opaque.
    if (camera.solid) look.alpha = 1;
    if (this.#density) {
      look = { ...look, ...(this.surface.sums ? densityLook(n, area) : faintLook(n, area)) };
    }
    this.size = look.size;
    const pin = pinLook(this.pinned);
    this.surface.draw(context, { camera, moment: this.#moment, ratio, stride, pin, ...look });
    if (this.#disk) {
      drawDisk(context, camera, ratio, this.ink.of("--ne-disk"), frame.scale);
    }
    this.#drawn = this.projection();
    this.events.drawn(context, ratio);
    this.#drawn = null;
  }

  /** Draws the map faintly below what a canvas holds, as another camera sees it. */
  underlay(context: CanvasRenderingContext2D, ratio: number, camera: Camera): void {
    const last = this.#slots[this.#moment.next];
    if (!last) return;
    const look = pointLook(last.frame.n, last.bounds.area * camera.scale ** 2);
    context.save();
    context.globalAlpha = FAINT;
    context.globalCompositeOperation = "destination-over";
    const plain = { pin: 0, spot: 0, white: 0, stride: 1, under: true };
    this.surface.draw(context, { camera, moment: this.#moment, ratio, ...look, ...plain });
    context.restore();
  }

  /** The picture as it is now, drawn anew with `ratio` pixels of the canvas for each CSS pixel. */
  picture(ratio: number): HTMLCanvasElement | null {
    const canvas = h("canvas");
    canvas.width = Math.round(this.camera.width * ratio);
    canvas.height = Math.round(this.camera.height * ratio);
    const context = canvas.getContext("2d");
    const last = this.#slots[this.#moment.next];
    if (!context || !last) return null;
    this.#paint(context, ratio, last.frame, last.bounds.area);
    return canvas;
  }

  #take(frame: Frame, now: number): void {
    this.#pending = null;
    if (this.missed || this.newest?.n !== frame.n || this.newest.c !== frame.c) this.clock.reset();
    if (this.missed) this.camera.jump();
    this.missed = false;
    const slot = this.clock.accept(now);
    this.surface.upload(slot, frame);
    this.#slots[slot] = { frame, bounds: boundsOf(frame) };
    this.newest = frame;
    this.#times.push(now);
    this.canvas.dataset.seq = String(frame.seq);
    this.root.dataset.iteration = String(frame.iteration);
    this.root.dataset.frames = String(++this.#frames);
    this.events.shown(frame);
  }

  #resize(): boolean {
    const { camera, canvas } = this;
    if (this.#extent[0] === 0) this.#extent = [this.element.clientWidth, this.element.clientHeight];
    const [wide, high] = this.#extent;
    if (wide === 0 || high === 0) return false;
    const ratio = Math.min(3, devicePixelRatio || 1);
    const [width, height] = [Math.round(wide * ratio), Math.round(high * ratio)];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    if (camera.width !== wide || camera.height !== high) camera.resize(wide, high);
    return true;
  }
}
