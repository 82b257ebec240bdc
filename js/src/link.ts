/** Talks to the kernel: hello and bye, acknowledgements, visibility, requests and their answers. */

import { atEnd, listen } from "./dom.ts";
import { type Handlers, hand } from "./heard.ts";
import { isRaw } from "./raw.ts";
import { type Model, PROTOCOL, type Value } from "./types.ts";

/** States of a kernel after which nothing of this run is left in it. */
const ENDS = new Set(["restarting", "autorestarting", "terminating", "dead"]);
const DISCONNECTED = ".jupyter-widgets-disconnected";

export class Link {
  readonly view = `view-${randomInteger().toString(36)}${randomInteger().toString(36)}`;
  visible = false;
  /** Several views of one model hear each other's answers, so ids must not meet. */
  #lastId = randomInteger();
  #acked = -1;
  #intersecting = false;
  #gone = false;
  #heard = 0;

  constructor(
    private readonly model: Model,
    private readonly handlers: Handlers,
    private readonly signal: AbortSignal,
  ) {
    const hear = (content: unknown, buffers: unknown) =>
      this.#hear(content, Array.isArray(buffers) ? buffers : []);
    model.on("msg:custom", hear);
    atEnd(signal, () => {
      model.off("msg:custom", hear);
      this.#send({ k: "bye", view: this.view });
    });
  }

  /** Says hello, and from then on whether `element` can be seen. */
  open(element: Element): void {
    this.#hello();
    this.#watch(element);
    this.visible = this.#intersecting = true;
    // Where a host has no such observer the view counts as visible.
    const observer = globalThis.IntersectionObserver
      ? new IntersectionObserver((entries) => {
          this.#intersecting = entries.at(-1)?.isIntersecting ?? this.#intersecting;
          this.#tellVisible();
        })
      : null;
    observer?.observe(element);
    listen(document, "visibilitychange", () => this.#tellVisible(), this.signal);
    atEnd(this.signal, () => observer?.disconnect());
    this.#tellVisible();
  }

  /** Acknowledges a frame, once: it and all before it are no longer under way. */
  ack(seq: number): void {
    if (seq === this.#acked || this.signal.aborted) return;
    this.#acked = seq;
    this.#send({ k: "ack", seq, view: this.view });
  }

  set(name: string, value: Value): number {
    this.#send({ k: "set", id: ++this.#lastId, name, value });
    return this.#lastId;
  }

  act(action: "play" | "pause" | "step" | "restart" | "reset"): void {
    this.#send({ k: "do", action });
  }

  /** Sends the run back, or a branch of it, to an iteration. */
  go(kind: "rewind" | "branch", iteration: number): void {
    this.#send({ k: kind, iteration });
  }

  /** Shows another of the branches. */
  turn(branch: number): void {
    this.#send({ k: "turn", branch });
  }

  /** Names an iteration; null: the present one. */
  mark(name: string, iteration: number | null): void {
    this.#send({ k: "mark", name, iteration });
  }

  /** Takes points out of the run, or has it go on with them alone. */
  regroup(kind: "remove" | "focus", points: Uint32Array): void {
    this.#send({ k: kind, id: ++this.#lastId }, [littleEndian(points)]);
  }

  /** Has the run go on with all points; `refined`: those it was focused on in the arrangement that they have now. */
  unfocus(refined: boolean): void {
    this.#send({ k: "unfocus", id: ++this.#lastId, refined });
  }

  /** Asks for the frame of the past nearest to an iteration. */
  look(iteration: number): number {
    this.#send({ k: "look", id: ++this.#lastId, iteration });
    return this.#lastId;
  }

  script(): number {
    this.#send({ k: "script", id: ++this.#lastId });
    return this.#lastId;
  }

  hover(point: number): number {
    this.#send({ k: "hover", id: ++this.#lastId, point });
    return this.#lastId;
  }

  search(text: string): number {
    this.#send({ k: "search", id: ++this.#lastId, text });
    return this.#lastId;
  }

  color(name: string): void {
    this.#send({ k: "color", name });
  }

  neighbors(point: number): number {
    this.#send({ k: "neighbors", id: ++this.#lastId, point });
    return this.#lastId;
  }

  /** Asks which neighbours of some points the map does not show as they are in the data. */
  errors(points: Uint32Array): number {
    this.#send({ k: "errors", id: ++this.#lastId }, [littleEndian(points)]);
    return this.#lastId;
  }

  /** Pins points, moves them to places (as many coordinates a point as the picture has), or releases them: null, all. */
  hold(kind: "pin" | "move" | "release", points: Uint32Array | null, places?: Float32Array): number {
    const buffers = points ? [littleEndian(points)] : [];
    if (places) buffers.push(littleEndian(places));
    this.#send({ k: kind, id: ++this.#lastId }, buffers);
    return this.#lastId;
  }

  select(points: Uint32Array): number {
    this.#send({ k: "select", id: ++this.#lastId }, [littleEndian(points)]);
    return this.#lastId;
  }

  /** Milliseconds for which nothing came, though a visible view of a moving run is told something all the time. */
  silence(now: number): number {
    return this.visible && !this.#gone ? now - this.#heard : 0;
  }

  #hello(): void {
    this.#heard = performance.now();
    this.#send({ k: "hello", protocol: PROTOCOL, view: this.view });
  }

  /** Jupyter tells of a kernel that is started anew or has died, or marks the views that have lost theirs. */
  #watch(element: Element): void {
    let ended = false; // a kernel that is started anew knows nothing of this run
    const look = () => {
      const gone = ended || element.closest(DISCONNECTED) !== null;
      if (gone !== this.#gone) this.#setGone(gone);
    };
    const later = () => setTimeout(look); // the mark is set by another listener
    const changed = (_: unknown, status: unknown) => {
      ended ||= ENDS.has(String(status));
      look();
    };
    const status = this.model.widget_manager?.kernel?.statusChanged;
    status?.connect(changed);
    this.model.on("comm_live_update", later);
    atEnd(this.signal, () => {
      status?.disconnect(changed);
      this.model.off("comm_live_update", later);
    });
    later();
  }

  #setGone(gone: boolean): void {
    if (this.signal.aborted) return;
    this.#gone = gone;
    this.handlers.gone(gone);
    if (!gone) this.#hello();
  }

  /** A link that is closed throws. */
  #send(content: Record<string, unknown>, buffers?: ArrayBuffer[]): void {
    if (this.#gone) return;
    try {
      if (buffers) this.model.send(content, undefined, buffers);
      else this.model.send(content);
    } catch {
      this.#setGone(true);
    }
  }

  #tellVisible(): void {
    const visible = this.#intersecting && !document.hidden;
    if (visible === this.visible || this.signal.aborted) return;
    this.visible = visible;
    this.#heard = performance.now();
    this.#send({ k: "visible", view: this.view, visible });
    this.handlers.visible(visible);
  }

  #hear(content: unknown, buffers: readonly unknown[]): void {
    if (!isRaw(content) || this.signal.aborted || this.#gone) return; // what was still under way
    this.#heard = performance.now();
    hand(content, buffers, this.handlers);
  }
}

/** A copy: what is sent may be read later. Every browser in use is little-endian, as the kernel expects. */
function littleEndian(points: Uint32Array | Float32Array): ArrayBuffer {
  return points.slice().buffer as ArrayBuffer;
}

function randomInteger(): number {
  return Math.floor(Math.random() * 2 ** 40);
}
