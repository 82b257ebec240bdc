import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Seldom } from "../src/seldom.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function told(): { words: number[]; seldom: Seldom<number>; scope: AbortController } {
  const words: number[] = [];
  const scope = new AbortController();
  return { words, scope, seldom: new Seldom((word) => words.push(word), 200, scope.signal) };
}

describe("what is told seldom", () => {
  it("is told at once, and then with the last word of each while", () => {
    const { words, seldom } = told();
    for (let word = 1; word <= 10; word++) {
      seldom.push(word);
      vi.advanceTimersByTime(50);
    }
    expect(words).toEqual([1, 4, 8]);
    vi.advanceTimersByTime(1000);
    expect(words).toEqual([1, 4, 8, 10]);
    seldom.push(11);
    expect(words.at(-1)).toBe(11);
  });

  it("can be told without delay, and then nothing older comes after it", () => {
    const { words, seldom } = told();
    seldom.push(1);
    seldom.push(2);
    seldom.now(3);
    vi.advanceTimersByTime(1000);
    expect(words).toEqual([1, 3]);
  });

  it("ends with its scope", () => {
    const { words, seldom, scope } = told();
    seldom.push(1);
    seldom.push(2);
    scope.abort();
    seldom.push(3);
    seldom.now(4);
    vi.advanceTimersByTime(1000);
    expect(words).toEqual([1]);
  });
});
