/** The host of a recording: a page without a kernel. Stands in for the notebook, and for the run behind it. */

import { h } from "./dom.ts";
import { Player } from "./player.ts";
import { RecordedModel, readRecording } from "./recording.ts";
import type { Model } from "./types.ts";

declare const neView: { default: { render(context: { model: Model; el: HTMLElement }): () => void } };

/** Pixels of the window that the picture does not get, and the least that it gets. */
const BESIDE = 104;
/** As many more where the tools stand above the picture; see the widths in style.css. */
const TOOLS = 46;
const NARROW = 900;
const LEAST = 240;

async function start(): Promise<void> {
  const written = JSON.parse(document.getElementById("ne-record")?.textContent ?? "");
  const el = document.getElementById("ne-view") ?? document.body;
  const recording = await readRecording(written);
  const model = new RecordedModel(recording);
  const player = new Player(recording, model);
  model.asked = player;
  const rows = (written.maps?.length ?? 1) > 3 ? 2 : 1;
  const beside = () => BESIDE + (innerWidth > NARROW ? 0 : TOOLS);
  const fill = () => model.set("_height", Math.max(LEAST, (innerHeight - beside()) / rows));
  fill();
  addEventListener("resize", fill);
  neView.default.render({ model, el });
  el.querySelector(".ne-compare, .ne-main")?.append(player.element);
}

start().catch((error: unknown) => {
  const told = `This recording cannot be shown: ${error instanceof Error ? error.message : error}`;
  document.body.append(h("p.ne-failed", { role: "alert" }, told));
});
