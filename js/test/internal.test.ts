import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import internal from "../internal.json" with { type: "json" };

/** The code of a folder's files whose names are like this; of TypeScript without comments. */
function read(folder: string, like: RegExp): string {
  const at = new URL(`../${folder}/`, import.meta.url);
  const files = readdirSync(at, { recursive: true, encoding: "utf8" }).filter((name) => like.test(name));
  expect(files).not.toEqual([]);
  const code = files.map((name) => readFileSync(new URL(name, at), "utf8")).join("\n");
  return like.source.includes("ts") ? code.replace(/\/\*.*?\*\/|\/\/.*?$/gms, "") : code;
}

test.each([
  ["one of the browser's", "node_modules/@typescript", /lib\.(dom|es).*\.d\.ts$/, /\b(\w+)\??\s*[(:<]/g],
  ["from or to the kernel", "src", /^(types|wire|described|traits|index)\.ts$/, /(\w+)/g],
  ["one of the kernel's", "../ne_interactive/widget", /^\w+\.py$/, /["'](\w+)["']/g],
  ["shared by the copies on a page", "src", /^shared\.ts$/, /(\w+)/g],
  ["also a text", "src", /\.ts$/, /["'`](\w+)["'`]/g],
])("no shortened name is %s", (_, folder, like, name) => {
  const taken = new Set(Array.from(read(folder, like).matchAll(name), ([, word]) => word));
  expect(internal.filter((word) => taken.has(word))).toEqual([]);
});
