import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readControls, readScene } from "../src/described.ts";
import { asUint16 } from "../src/raw.ts";
import {
  readErrors,
  readFrame,
  readHover,
  readNeighbors,
  readPoints,
  readRefusal,
  readSetReply,
  readStatus,
} from "../src/wire.ts";

interface Golden {
  name: string;
  content: Record<string, unknown>;
  buffers: [number, number][];
  positions?: number[][];
  tolerance?: number[];
}

const golden = new URL("../../tests/golden/", import.meta.url);
const { protocol, messages } = JSON.parse(readFileSync(new URL("frames.json", golden), "utf8")) as {
  protocol: number;
  messages: Golden[];
};
const blob = readFileSync(new URL("frames.bin", golden));
const buffersOf = (message: Golden) =>
  message.buffers.map(
    ([start, size]) => new DataView(new Uint8Array(blob.subarray(start, start + size)).buffer),
  );

describe("golden messages", () => {
  it("speak this protocol", () => {
    expect(protocol).toBe(1);
    expect(messages.length).toBeGreaterThan(5);
  });

  it.each(messages.filter((message) => message.content.k === "frame"))("frame: $name", (message) => {
    const frame = readFrame(message.content, buffersOf(message));
    expect(frame).not.toBeNull();
    const { positions, lo, sc, scale, seq, iteration, loss } = frame!;
    expect([seq, iteration]).toEqual([message.content.seq, message.content.it]);
    expect(loss).toBe(message.content.loss);
    expect(frame!.params).toEqual(message.content.params);
    expect(frame!.following).toEqual(message.content.following);
    expect(frame!.c).toBe(message.content.c);
    expect(scale).toBe(message.content.scale);
    message.positions!.forEach((point, i) => {
      point.forEach((want, axis) => {
        const got = scale * (lo[axis]! + positions[frame!.c * i + axis]! * sc[axis]!);
        const slack = (message.tolerance?.[axis] ?? 0) + 1e-12 * Math.abs(want);
        expect(Math.abs(got - want)).toBeLessThanOrEqual(slack);
      });
    });
  });

  it.each([0, -1, 1e-300, "1", null, undefined])("a scale that is none is left out: %s", (scale) => {
    const content = { seq: 1, n: 1, c: 2, q: "u16", lo: [1, 2], sc: [3, 4], scale };
    expect(readFrame(content, [new Uint16Array(2)])).toMatchObject({ lo: [1, 2], sc: [3, 4], scale: 1 });
  });

  it.each(messages.filter((message) => message.content.k === "status"))("status: $name", ({ content }) => {
    const status = readStatus(content);
    expect(status).toMatchObject({ state: content.state, note: content.message, error: content.error });
    expect(status.iteration).toBe(content.it);
    expect(status.changes).toEqual([{ iteration: 40, text: "lr 200 to 50" }]);
    expect(status.work).toEqual({ perplexity: { what: "finding", share: 0.4 } });
  });

  it("work that does not fit is left out, and shares stay between nothing and all", () => {
    const work = { a: ["x", 7], b: ["y", "half"], c: [1, 0.5], d: "z", e: ["w", -1] };
    expect(readStatus({ work }).work).toEqual({
      a: { what: "x", share: 1 },
      b: { what: "y", share: null },
      e: { what: "w", share: 0 },
    });
    expect(readStatus({ work: [1] }).work).toEqual({});
  });

  it.each(messages.filter((message) => message.content.k === "set"))("set: $name", ({ content }) => {
    expect(readSetReply(content)).toMatchObject({ id: content.id, ok: content.ok, value: content.value });
  });

  it.each(messages.filter((message) => message.content.k === "hover"))("hover: $name", (message) => {
    const reply = readHover(message.content, buffersOf(message));
    expect(reply).toMatchObject({ id: message.content.id, point: message.content.point });
    expect(reply.rows).toEqual(message.content.rows);
    expect(reply.image === null).toBe(message.content.image === null);
  });

  it.each(messages.filter((message) => message.content.k === "controls"))(
    "controls: $name",
    ({ content }) => {
      const raw = content.controls as Record<string, unknown>[];
      const controls = readControls(raw);
      expect(controls.map((control) => control.name)).toEqual(raw.map((row) => row.name));
      expect(controls.map((control) => control.axis)).toEqual(raw.map((row) => row.axis ?? null));
      expect(controls.map((control) => control.made)).toEqual(raw.map((row) => row.default ?? null));
      expect(controls.map((control) => [control.low, control.high])).toEqual(
        raw.map((row) => [row.low, row.high]),
      );
    },
  );
});

it.each(messages.filter((message) => message.content.k === "held"))("held: $name", ({ content }) => {
  const { id, ok, error } = readSetReply(content);
  expect({ id, ok, error }).toEqual({ id: content.id, ok: content.ok, error: content.error });
});

it.each(messages.filter((message) => message.content.k === "pins"))("pins: $name", (message) => {
  expect([...readPoints(buffersOf(message)[0], 4)]).toEqual([1, 3]);
  expect([...readPoints(buffersOf(message)[0], 3)]).toEqual([1]);
});

it.each(messages.filter((message) => message.content.legend))("legend: $name", (message) => {
  const legend = message.content.legend as Record<string, unknown>;
  const { kind, items, low, high } = readScene({ n: 4, legend }).legend;
  expect({ kind, items, low, high }).toEqual({
    kind: legend.kind,
    items: legend.items,
    low: legend.low,
    high: legend.high,
  });
  const codes = asUint16(buffersOf(message)[0]);
  expect(codes.length).toBe(legend.kind === "none" ? 0 : 4);
  if (legend.kind === "category") {
    const counts = items.map((_item, id) => codes.filter((code) => code === id).length);
    expect(counts).toEqual(items.map((item) => item.count));
  }
});

it.each(messages.filter((message) => message.content.k === "refused"))("refusal: $name", ({ content }) => {
  expect(readRefusal(content)).toBe(content.error);
});

describe("frames that do not fit", () => {
  const header = { k: "frame", seq: 3, it: 1, n: 2, c: 2, q: "u16", lo: [0, 0], sc: [1, 1] };
  const fits = new DataView(new ArrayBuffer(8));

  it("the one that fits is read", () => {
    expect(readFrame(header, [fits])?.positions).toBeInstanceOf(Uint16Array);
  });

  it.each([
    ["short buffer", {}, [new DataView(new ArrayBuffer(6))]],
    ["no buffer", {}, []],
    ["float header, level buffer", { q: "f32" }, [fits]],
    ["unknown coding", { q: "f16" }, [fits]],
    ["three dimensions in a buffer for two", { c: 3, lo: [0, 0, 0], sc: [1, 1, 1] }, [fits]],
    ["three dimensions with the affine of two", { c: 3 }, [new DataView(new ArrayBuffer(12))]],
    ["four dimensions", { c: 4, lo: [0, 0, 0, 0], sc: [1, 1, 1, 1] }, [new DataView(new ArrayBuffer(16))]],
    ["no points", { n: 0 }, [new DataView(new ArrayBuffer(0))]],
    ["a fraction of points", { n: 1.5 }, [fits]],
    ["affine with a hole", { lo: [0, null] }, [fits]],
    ["no sequence", { seq: "3" }, [fits]],
  ])("%s", (_name, change, buffers) => {
    expect(readFrame({ ...header, ...change }, buffers)).toBeNull();
  });

  it("reads a buffer that starts at an odd byte", () => {
    const bytes = new Uint8Array([9, 1, 0, 2, 0, 3, 0, 4, 0]).subarray(1);
    expect([...readFrame(header, [bytes])!.positions]).toEqual([1, 2, 3, 4]);
    expect([...asUint16(bytes)]).toEqual([1, 2, 3, 4]);
  });
});

it("bad traits give an empty scene and no controls", () => {
  expect(readScene(undefined).legend.kind).toBe("none");
  expect(readControls([null, 3, { kind: "number" }])).toEqual([]);
  expect(readControls([{ name: "x", kind: "strange" }])[0]?.kind).toBe("other");
});

it("hover images must have the size they claim", () => {
  const content = { k: "hover", id: 1, point: 0, rows: [["a", "b"], "x"], image: { w: 2, h: 2 } };
  expect(readHover(content, [new Uint8Array(4)]).image).toMatchObject({ channels: 1, w: 2, h: 2 });
  const rgb = { ...content, image: { w: 2, h: 2, c: 3 } };
  expect(readHover(rgb, [new Uint8Array(12)]).image).toMatchObject({ channels: 3 });
  expect(readHover(rgb, [new Uint8Array(4)]).image).toBeNull();
  expect(readHover({ ...content, image: { w: 2, h: 2, c: 2 } }, [new Uint8Array(8)]).image).toBeNull();
  expect(readHover(content, [new Uint8Array(3)]).image).toBeNull();
  expect(readHover(content, []).rows).toEqual([["a", "b"]]);
});

it("encoded images are of a kind that holds no script", () => {
  const content = { k: "hover", id: 1, point: 0, rows: [], image: { type: "image/png" } };
  expect(readHover(content, [new Uint8Array(4)]).image).toMatchObject({ type: "image/png" });
  expect(readHover(content, []).image).toBeNull();
  for (const type of ["image/svg+xml", "text/html", ""]) {
    expect(readHover({ ...content, image: { type } }, [new Uint8Array(4)]).image).toBeNull();
  }
});

it("points are read in ascending order and within their number", () => {
  const buffer = Uint32Array.of(1, 1, 5, 3, 9, 4_000_000_000);
  expect([...readPoints(buffer, 10)]).toEqual([1, 5, 9]);
  expect([...readPoints(new DataView(buffer.buffer, 4, 4), 10)]).toEqual([1]);
  expect([...readPoints(null, 10)]).toEqual([]);
  const reply = readNeighbors({ id: 3, point: 2, note: "<b>" }, [Uint32Array.of(7, 1)]);
  const none = Uint32Array.of();
  const wrong = { missing: none, wrong: none };
  expect(reply).toEqual({ id: 3, point: 2, note: "<b>", points: Uint32Array.of(7, 1), ...wrong });
  expect(readNeighbors({}, []).points.length).toBe(0);
  const parts = [Uint32Array.of(0, 9), new Uint8Array(6)];
  const told = readErrors({ id: 1, points: 2, neighbors: 1.5, wrong: "3", note: null }, parts);
  expect(told).toEqual({
    ...{ id: 1, points: 2, neighbors: 0, count: 0, note: "" },
    ...{ missing: Uint32Array.of(0, 9), wrong: Uint32Array.of(0) },
  });
});
