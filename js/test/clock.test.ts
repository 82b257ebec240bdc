import { describe, expect, it } from "vitest";
import { Clock } from "../src/clock.ts";

/** Frames at even intervals; gives the clock, and the time of the last one. */
function steady(every: number, count: number): [Clock, number] {
  const clock = new Clock();
  for (let i = 0; i < count; i++) clock.accept(i * every);
  return [clock, (count - 1) * every];
}

describe("clock", () => {
  it("shows the first frame at once and at rest", () => {
    const clock = new Clock();
    expect(clock.empty).toBe(true);
    const slot = clock.accept(5);
    expect(clock.at(5)).toEqual({ prev: slot, next: slot, t: 1, moving: false });
  });

  it("takes one interval from one frame to the next", () => {
    const [clock, now] = steady(100, 30);
    expect(clock.interval).toBeCloseTo(100, 6);
    const start = clock.at(now);
    expect(start.t).toBeCloseTo(0, 6);
    expect(clock.at(now + 50).t).toBeCloseTo(0.5, 6);
    expect(clock.at(now + 100)).toMatchObject({ t: 1, moving: false });
  });

  it("rests when the next frame is late, and never runs past what arrived", () => {
    const [clock, now] = steady(50, 20);
    const newest = clock.accept(now + 50);
    expect(clock.at(now + 90).moving).toBe(true);
    expect(clock.at(now + 5000)).toMatchObject({ next: newest, t: 1, moving: false });
  });

  it("keeps an early frame waiting, then goes on without a jump", () => {
    const [clock, now] = steady(100, 20);
    const { next } = clock.at(now);
    const early = clock.accept(now + 40);
    expect(clock.at(now + 60)).toMatchObject({ next, moving: true });
    const { interval } = clock;
    // The approach that was under way keeps its end; from there it goes on from `next` to the early frame.
    const after = clock.at(now + 100 + 1);
    expect(after).toMatchObject({ prev: next, next: early });
    expect(after.t).toBeLessThan(0.1);
    expect(clock.at(now + 100 + interval)).toMatchObject({ t: 1, moving: false });
  });

  it("lets the newest waiting frame replace the older one", () => {
    const [clock, now] = steady(100, 20);
    const first = clock.accept(now + 10);
    const second = clock.accept(now + 20);
    expect(second).toBe(first);
    const { prev, next } = clock.at(now + 30);
    expect(new Set([prev, next, second]).size).toBe(3);
  });

  it("never writes into a slot that is on screen", () => {
    const clock = new Clock();
    let now = 0;
    let random = 7;
    for (let i = 0; i < 500; i++) {
      random = (random * 48271) % 2147483647;
      now += random % 140;
      const before = clock.at(now);
      const slot = clock.accept(now);
      if (before.moving) expect([before.prev, before.next]).not.toContain(slot);
      const { t } = clock.at(now);
      expect(t >= 0 && t <= 1).toBe(true);
    }
  });

  it("does not learn its rhythm from a pause", () => {
    const [clock, now] = steady(100, 20);
    clock.accept(now + 60_000);
    expect(clock.interval).toBeCloseTo(100, 6);
    expect(clock.at(now + 60_050).t).toBeCloseTo(0.5, 2);
  });

  it("shows frames at once where motion is unwanted", () => {
    const clock = new Clock();
    clock.tween = false;
    for (const now of [0, 10, 20]) {
      const slot = clock.accept(now);
      expect(clock.at(now)).toEqual({ prev: slot, next: slot, t: 1, moving: false });
    }
  });
});

it("where motion is not wanted a frame may be shown once a second", () => {
  const clock = new Clock();
  clock.tween = false;
  expect(clock.wait(1000)).toBe(0);
  clock.accept(1000);
  expect(clock.wait(1400)).toBe(600);
  expect(clock.wait(2000)).toBe(0);
  clock.tween = true;
  expect(clock.wait(1400)).toBe(0);
});
