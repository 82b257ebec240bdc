import { describe, expect, it } from "vitest";
import { Latest, PATIENCE } from "../src/latest.ts";
import { format, niceStep, parse, rangeOf } from "../src/scale.ts";

describe("ranges", () => {
  it("logarithmic: equal ratios are equal ways", () => {
    const range = rangeOf({ kind: "number", scale: "log", ui_low: 0.01, ui_high: 100 });
    expect(range.toValue((range.min + range.max) / 2)).toBeCloseTo(1, 9);
    expect(range.toPosition(10) - range.toPosition(1)).toBeCloseTo(
      range.toPosition(1) - range.toPosition(0.1),
      9,
    );
    expect([range.toValue(range.min), range.toValue(range.max)]).toEqual([0.01, 100]);
    expect(range.toPosition(1e9)).toBe(range.max);
    expect(range.toPosition(0)).toBe(range.min);
  });

  it("linear: the position is the value", () => {
    const range = rangeOf({ kind: "number", scale: "linear", ui_low: 0, ui_high: 1 });
    expect(range.step).toBe(0.005);
    expect([range.toValue(0.25), range.toPosition(0.25), range.toValue(7)]).toEqual([0.25, 0.25, 1]);
  });

  it("whole numbers stay whole, also on a logarithmic slider", () => {
    const linear = rangeOf({ kind: "integer", scale: "linear", ui_low: 1, ui_high: 50 });
    const log = rangeOf({ kind: "integer", scale: "log", ui_low: 1, ui_high: 1000 });
    expect([linear.step, linear.toValue(3.4)]).toEqual([1, 3]);
    expect(log.toValue(1.23)).toBe(17);
  });

  it("a logarithm from zero is taken as linear", () => {
    expect(rangeOf({ kind: "number", scale: "log", ui_low: 0, ui_high: 2 }).toValue(1)).toBe(1);
  });

  it("steps are nice", () => {
    expect([0.0051, 0.3, 1, 2.4, 70].map(niceStep)).toEqual([0.005, 0.2, 1, 2, 50]);
    expect(niceStep(0)).toBe(0);
  });
});

describe("numbers", () => {
  it.each([
    [0, "0"],
    [12, "12"],
    [416.6667, "416.7"],
    [0.25, "0.25"],
    [1234.5678, "1234.6"],
    [0.00012, "1.2e-4"],
    [2500000, "2.5e6"],
    [-3.2187, "-3.219"],
    [null, "–"],
    [true, "true"],
    ["auto", "auto"],
  ])("%s is shown as %s", (value, text) => {
    expect(format(value)).toBe(text);
  });

  it.each([
    [" 4 ", 4],
    ["0,5", 0.5],
    ["1e-3", 0.001],
    ["−2", -2],
    ["", null],
    ["four", null],
    ["Infinity", null],
    ["10,000", 10000],
    ["-1,234,567.5", -1234567.5],
    ["100,000e3", 1e8],
    ["0,125", 0.125],
    ["12,5", 12.5],
    ["2,5e-3", 0.0025],
    ["1,2,3", null],
    ["1,000,5", null],
    ["1.000,5", null],
    ["10 000", null],
    ["10,000,", null],
  ])("%s is read as %s", (text, value) => {
    expect(parse(text)).toBe(value);
  });
});

describe("latest", () => {
  function sender() {
    const sent: number[] = [];
    let now = 0;
    const latest = new Latest<number>(
      (value) => sent.push(value),
      () => now,
    );
    return {
      sent,
      latest,
      wait: (ms: number) => {
        now += ms;
      },
    };
  }

  it("has one under way, keeps the newest, and always sends the last", () => {
    const { sent, latest } = sender();
    for (const value of [10, 11, 12, 13]) latest.push(value);
    expect(sent).toEqual([10]);
    expect(latest.answer(1)).toBe(false);
    expect(sent).toEqual([10, 13]);
    expect(latest.busy).toBe(true);
    expect(latest.answer(2)).toBe(true);
    expect(latest.busy).toBe(false);
    expect(sent).toEqual([10, 13]);
  });

  it("hears only the answer to its own request", () => {
    const { sent, latest } = sender();
    latest.push(10);
    latest.push(11);
    expect(latest.answer(99)).toBe(false);
    expect(sent).toEqual([10]);
  });

  it("goes on when an answer never comes", () => {
    const { sent, latest, wait } = sender();
    latest.push(10);
    wait(PATIENCE + 1);
    expect(latest.busy).toBe(false);
    latest.push(11);
    expect(sent).toEqual([10, 11]);
    expect(latest.answer(1)).toBe(false);
    expect(latest.answer(2)).toBe(true);
  });
});
