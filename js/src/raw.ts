/** Values that came from elsewhere: each reader gives what it can use, whatever it was handed. */

import type { Value } from "./types.ts";

export type Raw = Record<string, unknown>;

export function isRaw(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const text = (value: unknown): string => (typeof value === "string" ? value : "");
export const finite = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
export const whole = (value: unknown, fallback = 0): number =>
  typeof value === "number" && Number.isInteger(value) ? value : fallback;

export function scalar(value: unknown): Value {
  if (typeof value === "string" || typeof value === "boolean") return value;
  return finite(value);
}

/** The bytes of a buffer, whatever view of it the host hands over. */
export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return new Uint8Array(0);
}

/** A copy where the bytes do not start on a multiple of `size`, as a typed array must. */
export function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

export function asUint16(value: unknown): Uint16Array {
  const bytes = aligned(bytesOf(value), 2);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
}

export function asUint32(value: unknown): Uint32Array {
  const bytes = aligned(bytesOf(value), 4);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}
