/** Reads what the kernel sent. Nothing is trusted: what does not fit gives null, never an exception. */

import { aligned, asUint16, asUint32, bytesOf, finite, isRaw, type Raw, scalar, text, whole } from "./raw.ts";
import { clamp } from "./scale.ts";
import type {
  Branch,
  Change,
  Curve,
  ErrorsReply,
  Frame,
  HoverReply,
  NeighborsReply,
  Picture,
  SetReply,
  Status,
  Told,
  Value,
  Work,
} from "./types.ts";

const MAX_POINTS = 1 << 26;
const TINY = 1e-30;

function vector(value: unknown, c: number): number[] | null {
  if (!Array.isArray(value) || value.length !== c) return null;
  return value.every((entry) => finite(entry) !== null) ? (value as number[]) : null;
}

function values(value: unknown): Record<string, Value> {
  return isRaw(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, scalar(v)])) : {};
}

function switches(value: unknown): Record<string, boolean> {
  return isRaw(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, v === true])) : {};
}

function works(value: unknown): Record<string, Work> {
  const entries = isRaw(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.flatMap(([name, entry]) => {
      if (!Array.isArray(entry) || typeof entry[0] !== "string") return [];
      const share = finite(entry[1]);
      return [[name, { what: entry[0], share: share === null ? null : clamp(share, 0, 1) }]];
    }),
  );
}

/** Ascending indices of some of n points; those that do not fit are left out. */
export function readPoints(value: unknown, n: number): Uint32Array {
  const points = asUint32(value);
  return points.filter((point, at) => point < n && (at === 0 || point > points[at - 1]!));
}

function positionsOf(kind: unknown, buffer: unknown, size: number): Uint16Array | Float32Array | null {
  const bytes = bytesOf(buffer);
  if (kind === "u16" && bytes.byteLength === 2 * size) return asUint16(bytes);
  if (kind !== "f32" || bytes.byteLength !== 4 * size) return null;
  const whole = aligned(bytes, 4);
  return new Float32Array(whole.buffer, whole.byteOffset, size);
}

/** Gives the frame, or null where header and buffer do not fit together. */
export function readFrame(content: Raw, buffers: readonly unknown[]): Frame | null {
  const n = whole(content.n, -1);
  const seq = whole(content.seq, -1);
  const { c } = content;
  if (n < 1 || n > MAX_POINTS || seq < 0 || (c !== 2 && c !== 3)) return null;
  const [lo, sc] = [vector(content.lo, c), vector(content.sc, c)];
  if (!lo || !sc) return null;
  const positions = positionsOf(content.q, buffers[0], c * n);
  if (!positions) return null;
  const given = finite(content.scale) ?? 1;
  const scale = given > TINY ? given : 1;
  const [low, step] = [lo, sc].map((values) => values.map((value) => value / scale));
  return { ...readTold(content, content.note), seq, n, c, lo: low!, sc: step!, scale, positions };
}

function readTold(content: Raw, note: unknown): Told {
  return {
    iteration: whole(content.it),
    loss: finite(content.loss),
    state: text(content.state),
    speed: finite(content.speed) ?? 0,
    params: values(content.params),
    following: switches(content.following),
    work: works(content.work),
    note: text(note),
  };
}

export function readStatus(content: Raw): Status {
  const error = typeof content.error === "string" ? content.error : null;
  return {
    ...readTold(content, error ? "" : content.message),
    error,
    changes: readChanges(content.changes),
    undo: readChanges([content.undo])[0] ?? null,
    branches: readBranches(content.branches),
    branch: whole(content.branch),
  };
}

function readBranches(raw: unknown): Branch[] | null {
  if (!Array.isArray(raw)) return null;
  return raw.flatMap((entry: unknown, place) => {
    if (!Array.isArray(entry)) return [];
    const parent = whole(entry[0], -1);
    return [{ parent: parent < place ? parent : -1, iteration: whole(entry[1]) }];
  });
}

/** Curves of the timeline; entries that are no numbers are left out. */
export function readCurves(content: Raw): Curve[] {
  return (Array.isArray(content.curves) ? content.curves : []).filter(isRaw).map((raw) => {
    const curve: Curve = { name: text(raw.name), iterations: [], values: [] };
    const [its, vs] = [raw.it, raw.v].map((list): unknown[] => (Array.isArray(list) ? list : []));
    its!.forEach((it, place) => {
      const [iteration, value] = [whole(it, -1), finite(vs![place])];
      if (iteration <= (curve.iterations.at(-1) ?? -1) || value === null) return;
      curve.iterations.push(iteration);
      curve.values.push(value);
    });
    return curve;
  });
}

/** What was measured at an iteration, by name. */
export function readQuality(content: Raw): { iteration: number; values: [string, number | null][] } {
  const raw = isRaw(content.values) ? content.values : {};
  const values = Object.entries(raw).map(([name, value]): [string, number | null] => [name, finite(value)]);
  return { iteration: whole(content.it), values };
}

/** A script that was asked for, or why there is none. */
export function readScript(content: Raw): { id: number; text: string; error: string } {
  return { id: readId(content), text: text(content.text), error: text(content.error) };
}

function readChanges(raw: unknown): Change[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((entry: unknown) =>
    Array.isArray(entry) ? [{ iteration: whole(entry[0]), text: text(entry[1]) }] : [],
  );
}

/** The request that an answer belongs to; -1: none. */
export function readId(content: Raw): number {
  return whole(content.id, -1);
}

export function readSetReply(content: Raw): SetReply {
  const ok = content.ok === true;
  return { id: readId(content), ok, value: scalar(content.value), error: text(content.error) };
}

/** Why a request other than `set` was refused. */
export function readRefusal(content: Raw): string {
  return text(content.error) || "The kernel refused a request.";
}

export function readHover(content: Raw, buffers: readonly unknown[]): HoverReply {
  const rows = (Array.isArray(content.rows) ? content.rows : [])
    .filter((row): row is unknown[] => Array.isArray(row) && row.length === 2)
    .map((row): [string, string] => [String(row[0]), String(row[1])]);
  const image = isRaw(content.image) ? readPicture(content.image, bytesOf(buffers[0])) : null;
  return { id: readId(content), point: whole(content.point, -1), rows, image };
}

const TYPES = ["image/png", "image/jpeg", "image/webp"];

function readPicture(raw: Raw, bytes: Uint8Array): Picture | null {
  if (typeof raw.type === "string") {
    return TYPES.includes(raw.type) && bytes.length > 0 ? { type: raw.type, bytes } : null;
  }
  const [w, h] = [whole(raw.w), whole(raw.h)];
  const channels = ([1, 3, 4] as const).find((count) => count === whole(raw.c, 1));
  const fits = w > 0 && h > 0 && w <= 4096 && h <= 4096 && channels && bytes.length === w * h * channels;
  return fits ? { w, h, channels, pixels: bytes } : null;
}

/** The points that a search found. */
export function readFound(buffers: readonly unknown[]): Uint32Array {
  return readPoints(buffers[0], MAX_POINTS);
}

export function readNeighbors(content: Raw, buffers: readonly unknown[]): NeighborsReply {
  const [points, missing, wrong] = [0, 1, 2].map((part) => asUint32(buffers[part]));
  const found = { points: points!, missing: missing!, wrong: wrong! };
  return { id: readId(content), point: whole(content.point, -1), ...found, note: text(content.note) };
}

export function readErrors(content: Raw, buffers: readonly unknown[]): ErrorsReply {
  return {
    id: readId(content),
    points: whole(content.points),
    neighbors: whole(content.neighbors),
    count: whole(content.wrong),
    missing: asUint32(buffers[0]),
    wrong: asUint32(buffers[1]),
    note: text(content.note),
  };
}
