/** Reads what the kernel describes in traits: the controls, and the scene. Nothing is trusted. */

import { finite, isRaw, scalar, text, whole } from "./raw.ts";
import type { ColorChoice, Control, Legend, SceneInfo } from "./types.ts";

const KINDS = ["number", "integer", "choice", "switch"] as const;

function readControl(raw: unknown): Control | null {
  if (!isRaw(raw) || typeof raw.name !== "string") return null;
  return {
    name: raw.name,
    kind: KINDS.find((kind) => kind === raw.kind) ?? "other",
    help: text(raw.help),
    low: finite(raw.low),
    high: finite(raw.high),
    ui_low: finite(raw.ui_low) ?? finite(raw.low),
    ui_high: finite(raw.ui_high) ?? finite(raw.high),
    choices: Array.isArray(raw.choices) ? raw.choices.map(scalar) : null,
    scale: raw.scale === "log" ? "log" : "linear",
    group: text(raw.group),
    redo: text(raw.redo),
    auto: raw.auto === true,
    axis: Array.isArray(raw.axis) && raw.axis.length === 2 ? [text(raw.axis[0]), text(raw.axis[1])] : null,
    made: scalar(raw.default),
    value: scalar(raw.value),
    following: raw.following === true,
  };
}

export function readControls(value: unknown): Control[] {
  return (Array.isArray(value) ? value : []).map(readControl).filter((control) => control !== null);
}

function readLegend(value: unknown): Legend {
  const raw = isRaw(value) ? value : {};
  const items = (Array.isArray(raw.items) ? raw.items : []).filter(isRaw);
  return {
    kind: raw.kind === "category" || raw.kind === "number" ? raw.kind : "none",
    name: text(raw.name),
    items: items.map((item) => ({ label: text(item.label), count: whole(item.count) })),
    low: finite(raw.low) ?? 0,
    high: finite(raw.high) ?? 1,
  };
}

function readColors(value: unknown): ColorChoice {
  const raw = isRaw(value) ? value : {};
  const names = (Array.isArray(raw.names) ? raw.names : []).filter((name) => typeof name === "string");
  return { names, name: text(raw.name) };
}

function readSize(value: unknown): SceneInfo["size"] {
  if (!isRaw(value)) return null;
  return { name: text(value.name), low: finite(value.low) ?? 0, high: finite(value.high) ?? 1 };
}

export function readScene(value: unknown): SceneInfo {
  const raw = isRaw(value) ? value : {};
  return {
    n: whole(raw.n),
    all: Math.max(whole(raw.n), whole(raw.all)),
    regrouped: whole(raw.regrouped),
    c: whole(raw.c, 2),
    method: text(raw.method),
    title: text(raw.title),
    legend: readLegend(raw.legend),
    colors: readColors(raw.colors),
    size: readSize(raw.size),
    hover: raw.hover === true,
    search: raw.search === true,
    disk: raw.disk === true,
  };
}
