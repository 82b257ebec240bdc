/** A recorded run: its frames, and what stands in for the kernel behind a view of it. */

import { readScene } from "./described.ts";
import { asUint16 } from "./raw.ts";
import type { Model, Value } from "./types.ts";

export interface Moment {
  it: number;
  lo: number[];
  sc: number[];
  scale: number;
  loss: number | null;
  /** Descriptions of the controls from here on, with their values. */
  controls?: Described[];
  /** What is set otherwise than at the moment before: the value, and whether it follows its schedule. */
  set?: Record<string, [Value, boolean]>;
}

export interface Described {
  name: string;
  value: Value;
  following: boolean;
}

/** The controls at each moment, one object as long as they are described alike, and all values in force. */
export function settingsOf(moments: readonly Pick<Moment, "controls" | "set">[]) {
  let controls: Described[] = [];
  let rows: [string, [Value, boolean]][] = [];
  return moments.map((moment) => {
    if (moment.controls) {
      controls = moment.controls;
      rows = controls.map(({ name, value, following }) => [name, [value, following]]);
    }
    rows = rows.map(([name, row]) => [name, moment.set?.[name] ?? row]);
    return {
      controls,
      params: Object.fromEntries(rows.map(([name, [value]]) => [name, value])),
      following: Object.fromEntries(rows.map(([name, [, following]]) => [name, following])),
    };
  });
}

/** The past of one run, as the page holds it. Packed parts are base64 of deflated bytes. */
export interface WrittenTrack {
  n: number;
  c: number;
  moments: Moment[];
  positions: string;
  changes: [number, string][];
}

/** What the page holds: of one run, or of several maps side by side. */
export interface Written extends Partial<WrittenTrack> {
  maps?: WrittenTrack[];
  traits: Record<string, unknown>;
  bytes: Record<string, string>;
  texts?: string;
  images?: { kinds: Record<string, unknown>[]; of: number[]; sizes: number[]; data: string };
}

export interface Track extends WrittenTrack {
  frames: Uint16Array[];
}

export interface Recording {
  written: Written;
  tracks: Track[];
  rows: [string, string][][];
  image(point: number): { kind: Record<string, unknown>; bytes: Uint8Array } | null;
}

export async function readRecording(written: Written): Promise<Recording> {
  const tracks = await Promise.all((written.maps ?? [written as WrittenTrack]).map(readTrack));
  const { images } = written;
  const rows = written.texts ? JSON.parse(new TextDecoder().decode(await inflated(written.texts))) : [];
  const pictures = images ? await inflated(images.data) : new Uint8Array(0);
  const starts = [0];
  for (const size of images?.sizes ?? []) starts.push(starts.at(-1)! + size);
  return {
    written,
    tracks,
    rows,
    image(point) {
      const [start, end] = [starts[point], starts[point + 1]];
      if (!images || start === undefined || end === undefined || start === end) return null;
      return { kind: images.kinds[images.of[point]!]!, bytes: pictures.subarray(start, end) };
    },
  };
}

async function readTrack(track: WrittenTrack): Promise<Track> {
  const { n, c, moments, positions } = track;
  return { ...track, frames: joined(await inflated(positions), n * c, moments.length) };
}

/** Levels from the differences between frames, whose low and high bytes stand apart. */
export function joined(planes: Uint8Array, length: number, count: number): Uint16Array[] {
  const frames: Uint16Array[] = [];
  let before = new Uint16Array(length);
  for (let frame = 0; frame < count; frame++) {
    const at = 2 * length * frame;
    const levels = new Uint16Array(length);
    for (let i = 0; i < length; i++) {
      levels[i] = before[i]! + planes[at + i]! + 256 * planes[at + length + i]!;
    }
    frames.push(levels);
    before = levels;
  }
  return frames;
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function inflated(text: string): Promise<Uint8Array> {
  const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** What a view may ask of a recording; anything else needs a run. */
export interface Asked {
  play(): void;
  pause(): void;
  step(): void;
  restart(): void;
  seek(iteration: number): void;
  /** A view appeared: of several maps, which one. */
  hello(place?: number): void;
  impossible(): void;
}

/** What a view sends. */
interface Asking {
  k: string;
  id?: number;
  point?: number;
  action?: string;
  iteration?: number;
  text?: string;
  name?: string;
  value?: unknown;
  view_of?: number;
}

const QUIET = ["ack", "bye", "visible"];
const REFUSAL = "This is a recording: nothing can be changed in it.";
const UNKNOWN = "A recording does not hold the neighbours in the data.";

type Listener = (...args: never[]) => void;

/** A message to the only view, or to that of one of several maps. */
export function to(place: number | undefined, content: Record<string, unknown>): Record<string, unknown> {
  return place === undefined ? content : { ...content, view_of: place };
}

/** A model as anywidget has it, without a kernel. */
export class RecordedModel implements Model {
  readonly #state: Record<string, unknown>;
  readonly #listeners = new Map<string, Set<Listener>>();
  asked: Asked | null = null;

  constructor(private readonly recording: Recording) {
    const { traits, bytes } = recording.written;
    this.#state = { ...traits, _recorded: true };
    for (const [name, text] of Object.entries(bytes)) this.set(name, fromBase64(text));
  }

  get(name: string): unknown {
    return this.#state[name];
  }

  set(name: string, value: unknown): void {
    this.#state[name] = value;
    this.#emit(`change:${name}`);
  }

  on(event: string, callback: Listener): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(callback));
  }

  off(event: string, callback: Listener): void {
    this.#listeners.get(event)?.delete(callback);
  }

  /** Hands the view a message, as the kernel would: later, when the view has noted what it asked. */
  tell(content: Record<string, unknown>, buffers: ArrayBufferView[] = []): void {
    queueMicrotask(() => this.#emit("msg:custom", content, buffers));
  }

  send(content: unknown, _callbacks?: unknown, buffers: readonly ArrayBuffer[] = []): void {
    const { k: kind, id, point, action, iteration, text, view_of: place } = content as Asking;
    const tell: RecordedModel["tell"] = (answer, parts) => this.tell(to(place, answer), parts);
    if (QUIET.includes(kind)) return;
    if (kind === "hello") this.asked?.hello(place);
    else if (kind === "arrange") this.#arrange(content as Asking);
    else if (kind === "do") this.#act(action);
    else if (kind === "rewind" || kind === "look") this.asked?.seek(iteration ?? 0);
    else if (kind === "hover") this.#describe(tell, id, point ?? -1);
    else if (kind === "search") tell({ k: "found", id }, [this.#find(text ?? "")]);
    else if (kind === "select") {
      if (buffers[0]) this.set("_selection", new Uint8Array(buffers[0]));
      tell({ k: "selected", id });
    } else if (kind === "neighbors") {
      tell({ k: "neighbors", id, point, note: UNKNOWN }, [new Uint8Array(0)]);
    } else {
      this.asked?.impossible();
      tell({ k: "refused", of: kind, id, error: REFUSAL });
    }
  }

  /** How maps are shown together is not the run's. */
  #arrange({ name, value }: Asking): void {
    this.set("_arranged", { ...(this.get("_arranged") as object), [name ?? ""]: value });
  }

  #act(action: unknown): void {
    if (action === "play" || action === "pause" || action === "step" || action === "restart") {
      this.asked?.[action]();
    }
  }

  /** The points that have a piece of text in their card or as their category, as a kernel finds them. */
  #find(text: string): Uint32Array {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return new Uint32Array(0);
    const has = (label: string) => label.toLowerCase().includes(wanted);
    const { kind, items } = readScene(this.get("_scene")).legend;
    const named = kind === "category" ? items.map(({ label }) => has(label)) : [];
    const codes = asUint16(this.get("_codes"));
    const { rows, tracks } = this.recording;
    const points = Array.from({ length: tracks[0]!.n }, (_, point) => point);
    return Uint32Array.from(
      points.filter((point) => named[codes[point] ?? -1] || rows[point]?.some((row) => has(row[1]))),
    );
  }

  #describe(tell: RecordedModel["tell"], id: number | undefined, point: number): void {
    const picture = this.recording.image(point);
    const rows = this.recording.rows[point] ?? [];
    const answer = { k: "hover", id, point, rows, image: picture?.kind ?? null };
    tell(answer, picture ? [picture.bytes] : []);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) {
      (callback as (...args: unknown[]) => void)(...args);
    }
  }
}
