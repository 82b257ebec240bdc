import { describe, expect, it } from "vitest";
import { Pace } from "../src/pace.ts";

const MANY = 1_000_000;

/** The strides of turns with these gaps. */
const strides = (pace: Pace, n: number, ...gaps: number[]) => gaps.map((gap) => pace.turn(gap, n));

describe("the pace of a display", () => {
  it("that keeps up draws all points, and one slow turn changes nothing", () => {
    expect(strides(new Pace(), MANY, 16, 40, 16, 600, 16, 600, 16)).toEqual(Array(7).fill(1));
  });

  it("that is slow draws so few that it keeps up", () => {
    const pace = new Pace();
    expect(strides(pace, MANY, 170, 200)).toEqual([1, 3]);
    expect(strides(pace, MANY, 60, 60, 60)).toEqual([3, 3, 3]);
    expect(strides(pace, MANY, 100, 100)).toEqual([3, 5]);
  });

  it("never draws fewer than 100,000", () => {
    expect(strides(new Pace(), MANY, 5000, 5000).at(-1)).toBe(7);
    expect(strides(new Pace(), 10 * MANY, 5000, 5000).at(-1)).toBe(11);
    expect(strides(new Pace(), 70_000, 500, 500, 500).at(-1)).toBe(1);
    const pace = new Pace();
    strides(pace, MANY, 5000, 5000);
    expect(pace.turn(50, 300_000)).toBe(3); // another run
  });

  it("that has become fast draws more again", () => {
    const pace = new Pace();
    strides(pace, MANY, 5000, 5000);
    expect(strides(pace, MANY, ...Array(40).fill(16)).at(-1)).toBe(5);
    expect(strides(pace, MANY, ...Array(200).fill(16)).at(-1)).toBe(1);
  });
});
