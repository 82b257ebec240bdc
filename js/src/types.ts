/** What travels between kernel and browser, protocol version 1. */

export const PROTOCOL = 1;

export type Value = number | string | boolean | null;
export type Pair = [number, number];

/** What is being done for a parameter that was changed; share in [0, 1], null where nobody knows. */
export interface Work {
  what: string;
  share: number | null;
}

/** How a run stands, as every frame and every status tells it. */
export interface Told {
  iteration: number;
  loss: number | null;
  state: string;
  speed: number;
  params: Record<string, Value>;
  following: Record<string, boolean>;
  work: Record<string, Work>;
  note: string;
}

export interface Frame extends Told {
  seq: number;
  n: number;
  /** Dimensions of the map. */
  c: 2 | 3;
  /** Point by point: quantised levels, or float32 positions. Position = lo + level * sc, y up. */
  positions: Uint16Array | Float32Array;
  /** The map's own positions divided by this are of one size before and after another method took it over; so are all here. */
  scale: number;
  lo: readonly number[];
  sc: readonly number[];
}

/** Something that was changed before an iteration, in words. */
export interface Change {
  iteration: number;
  text: string;
}

/** One curve of the timeline: values at ascending iterations. */
export interface Curve {
  name: string;
  iterations: number[];
  values: number[];
}

/** A run that can be shown: the place of the one that it left (-1: none), and when. */
export interface Branch {
  parent: number;
  iteration: number;
}

export interface Status extends Told {
  error: string | null;
  changes: Change[];
  /** A removal or an addition that nothing was changed after. */
  undo: Change | null;
  /** Null: nothing was said of them. */
  branches: Branch[] | null;
  branch: number;
}

export interface Control {
  name: string;
  kind: "number" | "integer" | "choice" | "switch" | "other";
  help: string;
  low: number | null;
  high: number | null;
  ui_low: number | null;
  ui_high: number | null;
  choices: Value[] | null;
  scale: "linear" | "log";
  group: string;
  redo: string;
  auto: boolean;
  /** The names of the two ends of a method's main control; null for all others. */
  axis: [string, string] | null;
  /** What it was made with, and a reset gives back; null where none does. */
  made: Value;
  value: Value;
  following: boolean;
}

export interface LegendItem {
  label: string;
  count: number;
}

export interface Legend {
  kind: "none" | "category" | "number";
  name: string;
  items: LegendItem[];
  low: number;
  high: number;
}

/** The columns that points can be coloured by, and the one that they are. */
export interface ColorChoice {
  names: string[];
  name: string;
}

export interface SceneInfo {
  n: number;
  /** Of the whole run, more than n while it is focused on some. */
  all: number;
  /** How often the points have become others. */
  regrouped: number;
  c: number;
  method: string;
  title: string;
  legend: Legend;
  colors: ColorChoice;
  /** What the sizes of points mean; null where all are alike. */
  size: { name: string; low: number; high: number } | null;
  hover: boolean;
  /** There are texts to search. */
  search: boolean;
  /** The points lie in the unit disk, whose edge is drawn. */
  disk: boolean;
}

export interface SetReply {
  id: number;
  ok: boolean;
  value: Value;
  error: string;
}

export interface HoverReply {
  id: number;
  point: number;
  rows: [string, string][];
  image: Picture | null;
}

/** Pixels, grey, RGB or RGBA, row by row; or the bytes of an encoded picture. */
export type Picture =
  | { w: number; h: number; channels: 1 | 3 | 4; pixels: Uint8Array }
  | { type: string; bytes: Uint8Array };

export interface NeighborsReply {
  id: number;
  point: number;
  /** Nearest first. */
  points: Uint32Array;
  /** Those of them that are far in the map. */
  missing: Uint32Array;
  /** Near in the map, and none of them. */
  wrong: Uint32Array;
  /** Why there are none. */
  note: string;
}

export interface ErrorsReply {
  id: number;
  /** How many points were looked at, how many neighbours they have, and how many of these are missing. */
  points: number;
  neighbors: number;
  count: number;
  /** Pairs of a point and a neighbour, some of all. */
  missing: Uint32Array;
  wrong: Uint32Array;
  /** Why there are none. */
  note: string;
}

/** Tells of a kernel's state as a Lumino signal does. */
export interface KernelStatus {
  connect(callback: (sender: unknown, status: unknown) => void): void;
  disconnect(callback: (sender: unknown, status: unknown) => void): void;
}

/** The part of anywidget's model that a view uses. */
export interface Model {
  get(name: string): unknown;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  /** Jupyter only. */
  widget_manager?: { kernel?: { statusChanged?: KernelStatus } | null } | undefined;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}
