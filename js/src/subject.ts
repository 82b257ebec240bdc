/** What the picture shows: which points, in what colours, under what title; and the legend that says so. */

import type { Beside } from "./beside.ts";
import { readScene } from "./described.ts";
import { h } from "./dom.ts";
import { Legend } from "./legend.ts";
import type { Theme } from "./palette.ts";
import type { Points } from "./points.ts";
import { asUint16, bytesOf } from "./raw.ts";
import { counted } from "./scale.ts";
import type { Stage } from "./stage.ts";
import { watchTheme } from "./theme.ts";
import { onChange } from "./traits.ts";
import type { Model, SceneInfo } from "./types.ts";

export interface SubjectParts {
  model: Model;
  root: HTMLElement;
  stage: Stage;
  points: Points;
  beside: Beside | null;
  /** There is no run behind it. */
  recorded: boolean;
  /** The iteration, as the caption of one of several pictures tells it. */
  at: HTMLElement;
  /** Does something to the points here, and in the pictures beside this one. */
  each(act: (points: Points) => void): void;
  /** Chooses the column that gives the colours. */
  color(column: string): void;
  /** The points are others. */
  regrouped(): void;
  /** Codes, colours or names are others. */
  recolored(): void;
}

export class Subject {
  readonly caption = h("div.ne-caption");
  readonly legend: Legend;
  scene: SceneInfo = readScene(null);
  #theme: Theme = "light";

  constructor(
    private readonly parts: SubjectParts,
    private readonly signal: AbortSignal,
  ) {
    this.legend = new Legend(
      {
        choose: (column) => parts.color(column),
        filter: (hidden) => parts.each((points) => points.filter(hidden)),
        point: (codes) => parts.each((points) => points.highlight(codes)),
      },
      signal,
    );
  }

  /** Shows what the traits say, from now on. */
  listen(): void {
    const { model, root, stage, points, recolored } = this.parts;
    watchTheme(this.signal, (theme) => {
      this.#theme = theme;
      root.dataset.theme = theme;
      stage.ink.renew();
      this.#show();
    });
    onChange(model, this.signal, "_scene", () => this.#show());
    onChange(model, this.signal, "_codes", () => {
      points.setCodes(asUint16(model.get("_codes")));
      recolored();
    });
    onChange(model, this.signal, "_sizes", () => {
      const sizes = bytesOf(model.get("_sizes"));
      stage.surface.setSizes(sizes.length > 0 ? sizes : null);
    });
  }

  /** What stands around the picture in a file of it. */
  sheet() {
    const { title, method, legend, n } = this.scene;
    const { points, stage } = this.parts;
    const iteration = counted(stage.newest?.iteration ?? 0);
    const subtitle = `${method} · ${counted(n)} points · iteration ${iteration}`;
    // Of several maps one has the legend that hides categories in all.
    const hidden = (code: number) => points.filtered(code);
    return { title, method, subtitle, legend, hidden, theme: this.#theme };
  }

  #show(): void {
    const { model, stage, points, beside, recorded, at } = this.parts;
    const scene = readScene(model.get("_scene"));
    const others = scene.n !== points.n || scene.regrouped !== this.scene.regrouped;
    this.scene = scene;
    const all = scene.n < scene.all ? ` of ${counted(scene.all)}` : "";
    const count = `${counted(scene.n)}${all}`;
    const title = scene.title ? [h("strong", scene.title)] : [];
    this.caption.replaceChildren(...title, beside ? at : h("span", `${scene.method} · ${count} points`));
    const name = beside ? `${scene.title}, ` : "";
    stage.canvas.setAttribute("aria-label", `${name}${scene.method} embedding of ${count} points`);
    stage.camera.solid = scene.c === 3;
    stage.setDisk(scene.disk);
    if (others) this.#regroup(scene.n);
    points.setLegend(scene.legend, this.#theme);
    // What a recording does not hold cannot be chosen in it.
    const colors = recorded ? { names: [], name: "" } : scene.colors;
    this.legend.show({ ...scene, colors }, this.#theme);
    this.parts.recolored();
  }

  /** The points are others: nothing that is known of single ones holds any more. */
  #regroup(n: number): void {
    const { points, regrouped } = this.parts;
    const first = points.n === 0;
    points.setCount(n);
    if (!first) regrouped();
  }
}
