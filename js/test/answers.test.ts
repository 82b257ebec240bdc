import { expect, test } from "vitest";
import { Lasso } from "../src/lasso.ts";
import { Latest } from "../src/latest.ts";
import type { Stage } from "../src/stage.ts";
import { readId } from "../src/wire.ts";

test("a refusal without an id answers nothing", () => {
  const latest = new Latest<number>(() => 7);
  expect(latest.answer(readId({ id: null }))).toBe(false);
  latest.push(1);
  expect(latest.answer(readId({}))).toBe(false);
  expect(latest.answer(readId({ id: 7 }))).toBe(true);
});

test("a lasso that was given up stays so while the hand moves on", () => {
  const stage = { draw() {}, camera: { solid: false }, canvas: { dataset: {} } } as unknown as Stage;
  const picked: number[][] = [];
  const lasso = new Lasso(stage, (outline) => picked.push([...outline]));
  lasso.use("box");
  const press = () => lasso.press(10, 10, { shiftKey: false, altKey: false } as PointerEvent)!;
  const given = press();
  given.move(50, 50);
  lasso.cancel();
  given.move(51, 51);
  given.end();
  expect(picked).toEqual([]);
  const kept = press();
  kept.move(50, 50);
  kept.end();
  expect(picked).toHaveLength(1);
});
