/** Between a slider's own number and a parameter's value, and between a value and what is read and typed. */

import type { Control, Value } from "./types.ts";

export interface Range {
  min: number;
  max: number;
  step: number;
  toValue(position: number): number;
  toPosition(value: number): number;
}

/** Steps of one slider from end to end, at least. */
const STEPS = 200;

/** A logarithmic slider holds log10 of the value; any other holds the value itself. */
export function rangeOf(control: Pick<Control, "kind" | "scale" | "ui_low" | "ui_high">): Range {
  const low = control.ui_low ?? 0;
  const high = Math.max(control.ui_high ?? 1, low);
  const integer = control.kind === "integer";
  if (control.scale === "log" && low > 0) {
    const [min, max] = [Math.log10(low), Math.log10(high)];
    return {
      min,
      max,
      step: 0,
      toValue: (position) => snap(clamp(10 ** position, low, high), integer),
      toPosition: (value) => clamp(Math.log10(Math.max(value, Number.MIN_VALUE)), min, max),
    };
  }
  const step = integer ? 1 : niceStep((high - low) / STEPS);
  return {
    min: low,
    max: high,
    step,
    toValue: (position) => snap(clamp(position, low, high), integer),
    toPosition: (value) => clamp(value, low, high),
  };
}

/** A count as it is read: 70,000. */
export function counted(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A value as it is shown: about four digits that count. */
export function format(value: Value): string {
  if (value === null) return "–";
  if (typeof value !== "number") return String(value);
  if (value === 0 || Number.isInteger(value)) return Math.abs(value) < 1e6 ? String(value) : short(value);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return short(value);
  return String(Number(value.toPrecision(size >= 1000 ? 5 : 4)));
}

/** Groups of three digits after commas, as counts are shown here. */
const GROUPED = /^[-+]?[1-9]\d{0,2}(,\d{3})+(?![\d,])/;

/**
 * A number that was typed; null where it is none, or more than one could be meant. Groups of three digits after commas
 * are thousands (10,000), even where there is one alone; any other single comma is a decimal one (0,5 or 0,125).
 */
export function parse(text: string): number | null {
  const typed = text.trim().replace("−", "-");
  const plain = GROUPED.test(typed) ? typed.replaceAll(",", "") : typed.replace(",", ".");
  if (plain === "") return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

const short = (value: number): string =>
  value
    .toExponential(2)
    .replace(/\.?0+e/, "e")
    .replace("e+", "e");

function snap(value: number, integer: boolean): number {
  return integer ? Math.round(value) : Number(value.toPrecision(4));
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** 1, 2 or 5 times a power of ten, not above `rough`. */
export function niceStep(rough: number): number {
  if (!(rough > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(rough));
  const digit = rough / power;
  return Number(((digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power).toPrecision(1));
}
