import { describe, expect, it } from "vitest";
import { HIDDEN } from "../src/scene.ts";
import { combine, inside, others } from "../src/select.ts";
import { Selection } from "../src/selection.ts";

let seed = 5;
const random = () => {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
};
const placesOf = (n: number) => Float32Array.from({ length: 2 * n }, () => 400 * random());

/** Winding by angles: slow, and made in another way. */
function aroundByHand(outline: number[], x: number, y: number): boolean {
  let odd = false;
  for (let a = 0; a < outline.length; a += 2) {
    const b = (a + 2) % outline.length;
    const [x0, y0, x1, y1] = [outline[a]!, outline[a + 1]!, outline[b]!, outline[b + 1]!];
    const side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0);
    if (y0 <= y && y < y1 && side < 0) odd = !odd;
    if (y1 <= y && y < y0 && side > 0) odd = !odd;
  }
  return odd;
}

describe("points inside an outline", () => {
  it.each([3, 4, 40, 700])("are those that a test of every edge finds: %i corners", (corners) => {
    const places = placesOf(5000);
    const outline = Array.from({ length: 2 * corners }, () => 400 * random());
    const found = new Set(inside(places, outline, new Uint8Array(5000)));
    let wrong = 0;
    for (let i = 0; i < 5000; i++) {
      if (aroundByHand(outline, places[2 * i]!, places[2 * i + 1]!) !== found.has(i)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(found.size).toBeGreaterThan(0);
  });

  it("leaves out hidden points and points that are nowhere", () => {
    const places = Float32Array.from([5, 5, 6, 6, Number.NaN, 5, 50, 50]);
    const flags = Uint8Array.from([0, HIDDEN, 0, 0]);
    expect([...inside(places, [0, 0, 10, 0, 10, 10, 0, 10], flags)]).toEqual([0]);
  });

  it("finds nothing in an outline without extent", () => {
    expect(inside(placesOf(100), [3, 3, 3, 3, 3, 3], new Uint8Array(100)).length).toBe(0);
    expect(inside(new Float32Array(0), [0, 0, 9, 0, 9, 9], new Uint8Array(0)).length).toBe(0);
  });

  it("is much quicker than a test of every edge", () => {
    const n = 200_000;
    const places = placesOf(n);
    const flags = new Uint8Array(n);
    const outline = Array.from({ length: 300 }, (_, at) => {
      const angle = (2 * Math.PI * at) / 300;
      const radius = 150 + 40 * Math.sin(9 * angle);
      return [200 + radius * Math.cos(angle), 200 + radius * Math.sin(angle)];
    }).flat();
    const time = (work: () => void) => {
      const began = performance.now();
      work();
      return performance.now() - began;
    };
    let found = 0;
    const quick = Math.min(
      ...[0, 1, 2].map(() => time(() => (found = inside(places, outline, flags).length))),
    );
    const slow = time(() => {
      for (let i = 0; i < n / 20; i++) aroundByHand(outline, places[2 * i]!, places[2 * i + 1]!);
    });
    expect(found).toBeGreaterThan(n / 4);
    expect(quick).toBeLessThan((20 * slow) / 4); // a thirtieth on a quiet machine
  });
});

it("shift adds, alt takes away, plain replaces", () => {
  const [before, picked] = [Uint32Array.of(1, 3, 5), Uint32Array.of(0, 3, 4)];
  expect([...combine(6, before, picked, "replace")]).toEqual([0, 3, 4]);
  expect([...combine(6, before, picked, "add")]).toEqual([0, 1, 3, 4, 5]);
  expect([...combine(6, before, picked, "subtract")]).toEqual([1, 5]);
  expect([...others(6, before)]).toEqual([0, 2, 4]);
});

describe("the selection", () => {
  const setup = () => {
    const told: number[][] = [];
    const shown: number[][] = [];
    const kernel = { held: new Uint32Array(0) };
    const selection = new Selection({
      tell: (indices) => told.push([...indices]),
      held: () => kernel.held,
      changed: (indices) => shown.push([...indices]),
      chosen: () => {},
    });
    return { told, shown, kernel, selection };
  };

  it("is shown at once and told; what it is already is not told again", () => {
    const { told, shown, selection } = setup();
    selection.set(Uint32Array.of(1, 2));
    selection.set(Uint32Array.of(1, 2));
    expect(told).toEqual([[1, 2]]);
    expect(shown).toEqual([[1, 2]]);
  });

  it("does not fall back to an older choice while the newest is under way", () => {
    const { told, shown, kernel, selection } = setup();
    selection.set(Uint32Array.of(1));
    selection.set(Uint32Array.of(2));
    kernel.held = Uint32Array.of(1);
    selection.follow();
    selection.answer(1);
    expect(told).toEqual([[1], [2]]);
    kernel.held = Uint32Array.of(2);
    selection.answer(2);
    expect(shown).toEqual([[1], [2]]);
  });

  it("follows the kernel, also when that refused or changed a choice", () => {
    const { shown, kernel, selection } = setup();
    kernel.held = Uint32Array.of(4);
    selection.follow();
    selection.set(Uint32Array.of(9));
    selection.answer(1);
    expect(shown).toEqual([[4], [9], [4]]);
  });
});
