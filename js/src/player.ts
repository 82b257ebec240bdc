/**
 * Plays a recording: a bar with play, a slider through its frames, and marks where something was changed. Several maps
 * go through the iterations together; one that was not as far stands as it was last.
 */

import { ICONS } from "./bar.ts";
import { h, icon, say } from "./dom.ts";
import { type Asked, type RecordedModel, type Recording, settingsOf, to } from "./recording.ts";
import { clamp, counted, format } from "./scale.ts";

/** Milliseconds. */
const LENGTH = 10_000;
const FASTEST = 50;
const SLOWEST = 400;
const NOTE_TIME = 4000;
const KIND = "recording";
const NOTE = "a recording: nothing can be changed";

export class Player implements Asked {
  readonly element: HTMLElement;
  readonly #toggle = h("button.ne-button.ne-primary");
  readonly #slider = h("input", { type: "range", min: "0", step: "1", "aria-label": "frame" });
  readonly #where = h("span.ne-player-where");
  readonly #kind = h("span.ne-player-kind", { role: "status" }, KIND);
  /** The iterations of all frames. */
  readonly #times: number[];
  readonly #count: number;
  readonly #settings: ReturnType<typeof settingsOf>[];
  #at: number;
  #seq = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #noteTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly recording: Recording,
    private readonly model: RecordedModel,
  ) {
    const { tracks } = recording;
    const times = tracks.flatMap(({ moments }) => moments.map(({ it }) => it));
    this.#times = [...new Set(times)].sort((a, b) => a - b);
    this.#count = this.#times.length;
    this.#settings = tracks.map(({ moments }) => settingsOf(moments));
    this.#at = this.#count - 1;
    this.#slider.max = String(this.#at);
    this.#slider.disabled = this.#toggle.disabled = this.#count < 2;
    this.#slider.addEventListener("input", () => {
      this.#stop();
      this.#show(this.#slider.valueAsNumber);
    });
    this.#toggle.addEventListener("click", () => (this.#timer === undefined ? this.play() : this.pause()));
    const track = h("div.ne-player-track", this.#slider, this.#marks());
    this.element = h("div.ne-player", this.#toggle, track, this.#where, this.#kind);
    this.#label();
  }

  hello(place?: number): void {
    const { changes } = this.recording.tracks[place ?? 0]!;
    this.model.tell(to(place, { k: "status", state: "paused", it: 0, changes }));
    this.#show(this.#at, place ?? 0);
  }

  play(): void {
    if (this.#count < 2 || this.#timer !== undefined) return;
    if (this.#at === this.#count - 1) this.#at = 0;
    const gap = clamp(LENGTH / this.#count, FASTEST, SLOWEST);
    const next = () => {
      if (this.#at < this.#count - 1) {
        this.#timer = setTimeout(next, gap);
        this.#show(this.#at + 1);
      } else this.pause();
    };
    this.#timer = setTimeout(next, gap);
    this.#show(this.#at);
    this.#label();
  }

  pause(): void {
    this.#stop();
    this.#show(this.#at);
  }

  step(): void {
    this.#stop();
    this.#show(Math.min(this.#at + 1, this.#count - 1));
  }

  restart(): void {
    this.#stop();
    this.#show(0);
  }

  seek(iteration: number): void {
    this.#stop();
    const times = this.#times;
    let best = 0;
    times.forEach((time, place) => {
      if (Math.abs(time - iteration) < Math.abs(times[best]! - iteration)) best = place;
    });
    this.#show(best);
  }

  impossible(): void {
    clearTimeout(this.#noteTimer);
    say(this.#kind, NOTE);
    this.#noteTimer = setTimeout(() => say(this.#kind, KIND), NOTE_TIME);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#label();
  }

  /** Shows what there was at one of the iterations, of every map or of one. */
  #show(at: number, only?: number): void {
    this.#at = at;
    const time = this.#times[at]!;
    const { tracks, written } = this.recording;
    let told: number | null = null;
    tracks.forEach(({ n, c, moments, frames }, place) => {
      const frame = Math.max(0, moments.filter(({ it }) => it <= time).length - 1);
      const { it, lo, sc, scale, loss } = moments[frame]!;
      if (!written.maps) told = loss;
      if (only !== undefined && only !== place) return;
      const state = this.#timer === undefined ? "paused" : "running";
      const { controls, params, following } = this.#settings[place]![frame]!;
      this.#control(place, controls);
      const about = { it, loss, state, params, following };
      const header = { k: "frame", seq: ++this.#seq, n, c, q: "u16", lo, sc, scale, ...about };
      this.model.tell(to(written.maps && place, header), [frames[frame]!]);
    });
    const share = this.#count > 1 ? at / (this.#count - 1) : 1;
    this.#slider.value = String(at);
    this.#slider.style.setProperty("--ne-share", share.toFixed(4));
    const where = `iteration ${counted(time)}`;
    this.#slider.setAttribute("aria-valuetext", where);
    say(this.#where, told === null ? where : `${where} · loss ${format(told)}`);
  }

  /** Describes the controls of one map, where they are others now. */
  #control(place: number, controls: object): void {
    if (!this.recording.written.maps) {
      if (this.model.get("_controls") !== controls) this.model.set("_controls", controls);
      return;
    }
    const views = this.model.get("_views") as { controls: object }[];
    if (views[place]!.controls === controls) return;
    this.model.set(
      "_views",
      views.map((view, i) => (i === place ? { ...view, controls } : view)),
    );
  }

  #label(): void {
    const name = this.#timer === undefined ? "Play" : "Pause";
    if (this.#toggle.getAttribute("aria-label") === name) return;
    this.#toggle.setAttribute("aria-label", name);
    this.#toggle.replaceChildren(icon(name === "Play" ? ICONS.play : ICONS.pause), h("span", name));
  }

  #marks(): HTMLElement {
    const [first, last] = [this.#times[0]!, this.#times.at(-1)!];
    const views = this.model.get("_views") as { scene: { title: string } }[] | undefined;
    const changes = this.recording.tracks.flatMap((track, place) =>
      track.changes.map(([iteration, text]) => [iteration, text, views?.[place]?.scene.title] as const),
    );
    const marks = changes.map(([iteration, text, of]) => {
      const title = `${of ? `${of}, ` : ""}${iteration}: ${text}`;
      const mark = h("span.ne-player-mark", { role: "img", "aria-label": title, title });
      const share = last > first ? (iteration - first) / (last - first) : 1;
      mark.style.left = `${(100 * clamp(share, 0, 1)).toFixed(2)}%`;
      return mark;
    });
    return h("div.ne-player-marks", ...marks);
  }
}
