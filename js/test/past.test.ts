import { expect, test } from "vitest";
import { Past } from "../src/past.ts";
import type { Frame } from "../src/types.ts";

function frame(iteration: number, n = 4): Frame {
  const facts = {
    seq: iteration,
    n,
    c: 2 as const,
    lo: [0, 0],
    scale: 1,
    sc: [1, 1],
    loss: null,
    state: "running",
  };
  return {
    ...facts,
    iteration,
    positions: new Uint16Array(2 * n),
    speed: 0,
    params: {},
    following: {},
    work: {},
    note: "",
  };
}

test("the nearest frame is given", () => {
  const past = new Past();
  expect(past.nearest(5)).toBeNull();
  for (const at of [10, 20, 40]) past.keep(frame(at));
  expect(past.nearest(0)?.iteration).toBe(10);
  expect(past.nearest(31)?.iteration).toBe(40);
  expect(past.nearest(20)?.iteration).toBe(20);
});

test("a run that went back has no later frames", () => {
  const past = new Past();
  for (const at of [10, 20, 40, 60]) past.keep(frame(at));
  past.keep(frame(20));
  expect(past.nearest(99)?.iteration).toBe(20);
  expect(past.size).toBe(2);
});

test("memory is bounded, and first and last are kept", () => {
  const past = new Past(10 * 16);
  for (let at = 1; at <= 200; at++) {
    past.keep(frame(at));
    expect(past.size).toBeLessThanOrEqual(10);
  }
  expect(past.nearest(0)?.iteration).toBe(1);
  expect(past.nearest(999)?.iteration).toBe(200);
  expect(Math.abs(past.nearest(100)!.iteration - 100)).toBeLessThan(40);
});

test("memory is bounded for frames that were asked for, too", () => {
  const past = new Past(10 * 16);
  past.keep(frame(0));
  past.keep(frame(1000));
  for (let at = 990; at > 0; at -= 10) {
    past.insert(frame(at));
    expect(past.size).toBeLessThanOrEqual(10);
  }
  expect(past.nearest(0)?.iteration).toBe(0);
  expect(past.nearest(1000)?.iteration).toBe(1000);
  for (let at = 1001; at < 1005; at++) past.keep(frame(at));
  expect(past.size).toBe(10);
});

test("frames that were asked for come to their place, once", () => {
  const past = new Past();
  past.keep(frame(10));
  past.keep(frame(40));
  past.insert(frame(25));
  past.insert(frame(25));
  past.insert(frame(30, 5));
  expect(past.size).toBe(3);
  expect(past.nearest(26)?.iteration).toBe(25);
  past.keep(frame(50, 5));
  expect(past.size).toBe(1);
});
