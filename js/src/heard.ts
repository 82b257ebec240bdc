/** What the kernel says, read and handed on, kind by kind. */

import type { Raw } from "./raw.ts";
import type { Curve, ErrorsReply, Frame, HoverReply, NeighborsReply, SetReply, Status } from "./types.ts";
import {
  readCurves,
  readErrors,
  readFound,
  readFrame,
  readHover,
  readId,
  readNeighbors,
  readQuality,
  readRefusal,
  readScript,
  readSetReply,
  readStatus,
} from "./wire.ts";

export interface Handlers {
  frame(frame: Frame): void;
  badFrame(): void;
  status(status: Status): void;
  set(reply: SetReply): void;
  hover(reply: HoverReply): void;
  neighbors(reply: NeighborsReply): void;
  errors(reply: ErrorsReply): void;
  /** Points were pinned, moved or released, or not. */
  held(reply: SetReply): void;
  /** Which points are pinned: indices, little-endian uint32. */
  pins(buffer: unknown): void;
  found(id: number, points: Uint32Array): void;
  /** Points were selected. */
  selected(id: number): void;
  /** A request of some kind was refused; id -1: one that has none, as what moves the run. */
  refused(reason: string, id: number, kind: unknown): void;
  controls(raw: unknown): void;
  curves(curves: Curve[]): void;
  quality(measured: ReturnType<typeof readQuality>): void;
  /** A frame of the past, as asked for. */
  past(id: number, frame: Frame): void;
  script(reply: ReturnType<typeof readScript>): void;
  visible(visible: boolean): void;
  /** The kernel cannot be reached any more, or can again. */
  gone(gone: boolean): void;
}

type Buffers = readonly unknown[];

const KINDS: Record<string, (to: Handlers, content: Raw, buffers: Buffers) => void> = {
  frame: (to, content, buffers) => {
    const frame = readFrame(content, buffers);
    if (frame) to.frame(frame);
    else to.badFrame();
  },
  status: (to, content) => to.status(readStatus(content)),
  set: (to, content) => to.set(readSetReply(content)),
  hover: (to, content, buffers) => to.hover(readHover(content, buffers)),
  refused: (to, content) => to.refused(readRefusal(content), readId(content), content.of),
  found: (to, content, buffers) => to.found(readId(content), readFound(buffers)),
  neighbors: (to, content, buffers) => to.neighbors(readNeighbors(content, buffers)),
  errors: (to, content, buffers) => to.errors(readErrors(content, buffers)),
  held: (to, content) => to.held(readSetReply(content)),
  pins: (to, _, [points]) => to.pins(points),
  selected: (to, content) => to.selected(readId(content)),
  curves: (to, content) => to.curves(readCurves(content)),
  quality: (to, content) => to.quality(readQuality(content)),
  past: (to, content, buffers) => {
    const frame = readFrame(content, buffers);
    if (frame) to.past(readId(content), frame);
  },
  script: (to, content) => to.script(readScript(content)),
  controls: (to, { controls }) => to.controls(controls),
};

/** Hands a message on; one of no known kind, as other versions may send, is let pass. */
export function hand(content: Raw, buffers: Buffers, to: Handlers): void {
  if (typeof content.k === "string" && Object.hasOwn(KINDS, content.k))
    KINDS[content.k]!(to, content, buffers);
}
