import { expect, it } from "vitest";
import { offered } from "../src/bar.ts";

it.each([
  ["running", "Pause", "pause"],
  ["paused", "Play", "play"],
  ["resting", "Play", "play"],
  ["stopped", "Play", "play"],
  ["failed", "Play", "play"],
])("while a run is %s its button offers %s", (state, name, action) => {
  expect(offered(state)).toMatchObject({ name, action });
});
