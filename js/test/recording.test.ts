import { describe, expect, it } from "vitest";
import { type Asked, joined, RecordedModel, type Recording, settingsOf } from "../src/recording.ts";

const written = { traits: { _height: 400 }, bytes: { _codes: "AQACAA==" } };
const recording: Recording = {
  written,
  tracks: [{ n: 2, c: 2, moments: [], changes: [], positions: "", frames: [] }],
  rows: [[["name", "first"]], [["name", "second"]]],
  image: () => null,
};

function make() {
  const model = new RecordedModel(recording);
  const told: unknown[] = [];
  const done: string[] = [];
  const note = (name: string) => (value?: number) =>
    done.push(value === undefined ? name : `${name} ${value}`);
  model.asked = Object.fromEntries(
    ["play", "pause", "step", "restart", "seek", "hello", "impossible"].map((name) => [name, note(name)]),
  ) as unknown as Asked;
  model.on("msg:custom", (content: never) => told.push(content));
  return { model, told, done };
}

describe("frames as differences", () => {
  it("are joined, wrapping around", () => {
    // levels [1, 0x102], then [0, 0x103]: differences 0xffff and 1
    const planes = new Uint8Array([1, 2, 0, 1, 0xff, 1, 0xff, 0]);
    expect(joined(planes, 2, 2).map((frame) => [...frame])).toEqual([
      [1, 0x102],
      [0, 0x103],
    ]);
  });
});

describe("a recorded model", () => {
  it("holds traits and bytes, and tells of changes", () => {
    const { model } = make();
    const heard: unknown[] = [];
    model.on("change:_height", () => heard.push(model.get("_height")));
    model.set("_height", 300);
    expect(heard).toEqual([300]);
    expect([...(model.get("_codes") as Uint8Array)]).toEqual([1, 0, 2, 0]);
  });

  it("answers what is inside, later than it was asked", async () => {
    const { model, told } = make();
    model.send({ k: "hover", id: 5, point: 1 });
    expect(told).toEqual([]);
    await Promise.resolve();
    expect(told).toEqual([{ k: "hover", id: 5, point: 1, rows: [["name", "second"]], image: null }]);
  });

  it("finds points by their texts and categories", async () => {
    const { model } = make();
    const found: number[][] = [];
    model.on("msg:custom", ((content: { k: string }, [points]: [Uint32Array]) => {
      if (content.k === "found") found.push([...points]);
    }) as never);
    const items = [
      { label: "Cat", count: 0 },
      { label: "dog", count: 1 },
      { label: "cat fish", count: 1 },
    ];
    model.set("_scene", { legend: { kind: "category", items } });
    for (const text of ["SECOND", " cat ", "", "none"]) model.send({ k: "search", id: 1, text });
    await Promise.resolve();
    expect(found).toEqual([[1], [1], [], []]);
  });

  it("answers each of several maps by itself, and arranges them as asked", async () => {
    const { model, told, done } = make();
    model.send({ k: "hello", view_of: 1 });
    model.send({ k: "hover", id: 5, point: 0, view_of: 1 });
    model.send({ k: "arrange", name: "difference", value: "ghost" });
    await Promise.resolve();
    expect(done).toEqual(["hello 1"]);
    expect(told).toMatchObject([{ k: "hover", view_of: 1, rows: [["name", "first"]] }]);
    expect(model.get("_arranged")).toEqual({ difference: "ghost" });
  });

  it("keeps the selection", async () => {
    const { model, told } = make();
    model.send({ k: "select", id: 7 }, undefined, [new Uint32Array([1]).buffer]);
    await Promise.resolve();
    expect(told).toEqual([{ k: "selected", id: 7 }]);
    expect([...(model.get("_selection") as Uint8Array)]).toEqual([1, 0, 0, 0]);
  });

  it("moves by what moves a run, and refuses the rest", async () => {
    const { model, told, done } = make();
    model.send({ k: "hello" });
    model.send({ k: "do", action: "play" });
    model.send({ k: "do", action: "constructor" });
    model.send({ k: "rewind", iteration: 30 });
    model.send({ k: "ack", seq: 1 });
    model.send({ k: "set", id: 9, name: "lr", value: 1 });
    expect(done).toEqual(["hello", "play", "seek 30", "impossible"]);
    await Promise.resolve();
    expect(told).toMatchObject([{ k: "refused", of: "set", id: 9 }]);
  });

  it("stops telling whoever went", () => {
    const { model } = make();
    const heard: number[] = [];
    const listener = () => heard.push(1);
    model.on("change:_height", listener);
    model.off("change:_height", listener);
    model.set("_height", 1);
    expect(heard).toEqual([]);
  });
});

it("what is set holds until it is set otherwise, and other controls begin anew", () => {
  const row = (name: string, value: number) => ({ name, value, following: true });
  const [first, second, third, fourth] = settingsOf([
    { controls: [row("a", 1), row("b", 2)] },
    { set: { a: [5, false] } },
    { set: { b: [3, true], other: [1, true] } },
    { controls: [row("b", 9)] },
  ]);
  expect(first!.params).toEqual({ a: 1, b: 2 });
  expect(second!.params).toEqual({ a: 5, b: 2 });
  expect(second!.following).toEqual({ a: false, b: true });
  expect(third!.params).toEqual({ a: 5, b: 3 });
  expect(third!.controls).toBe(first!.controls);
  expect(fourth!.params).toEqual({ b: 9 });
  expect(settingsOf([{}])[0]!.params).toEqual({});
});
