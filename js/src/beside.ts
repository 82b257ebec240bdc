/** What ties the pictures of a comparison together: how their maps lie over the first, what is pointed at, where they look. */

import { HERE, laid, lay } from "./align.ts";
import type { Bar } from "./bar.ts";
import { Camera } from "./camera.ts";
import type { Command, Commands } from "./commands.ts";
import { drawWays } from "./difference.ts";
import type { Explore } from "./explore.ts";
import { around, sampled } from "./extent.ts";
import type { Hover } from "./hover.ts";
import type { Link } from "./link.ts";
import type { Panel } from "./panel.ts";
import type { Points } from "./points.ts";
import type { Stage } from "./stage.ts";
import type { Frame, Status } from "./types.ts";
import type { Voice } from "./voice.ts";

/** One picture, and what of it stands elsewhere. */
export interface Member {
  root: HTMLElement;
  stage: Stage;
  points: Points;
  commands: Commands;
  explore: Explore;
  hover: Hover;
  link: Link;
  bar: Bar;
  panel: Panel;
  parts: Record<"tools" | "help" | "summary" | "held" | "legend", { element: HTMLElement }>;
}

export class Beside {
  readonly members: Member[] = [];
  difference: string | null = null;
  #linked = true;
  #used: Member | undefined;
  /** Coordinates of evenly chosen points of each map, axis by axis. */
  readonly #samples = new Map<Stage, Float64Array[]>();

  constructor(
    readonly root: HTMLElement,
    readonly board: HTMLElement,
    readonly voice: Voice,
    private readonly events: {
      joined(member: Member): void;
      told(member: Member, told: Frame | Status): void;
    },
    private readonly signal: AbortSignal,
  ) {}

  join(member: Member): void {
    this.members.push(member);
    const { stage, commands } = member;
    commands.perform = (command) => this.#perform(command);
    stage.camera.handled = () => this.#spread(member);
    const use = () => {
      this.#used = member;
    };
    stage.element.addEventListener("focusin", use, { signal: this.signal });
    this.events.joined(member);
  }

  get linked(): boolean {
    return this.#linked;
  }

  /** Whether all pictures are moved and zoomed as one. */
  set linked(linked: boolean) {
    this.#linked = linked;
    this.#fit();
    const used = this.#used ?? this.members[0];
    if (used) this.#spread(used);
    this.draw();
  }

  draw(): void {
    for (const { stage } of this.members) stage.draw();
  }

  /** A frame is in a picture: its map is laid over the first, or others over it. */
  shown(stage: Stage, frame: Frame): void {
    this.#samples.set(stage, sampled(frame));
    const ground = this.#groundOf(stage);
    const onto = ground && this.#samples.get(ground);
    for (const { stage: other } of this.#like(stage)) {
      const sample = this.#samples.get(other);
      if (other === ground || !onto || !sample || (stage !== ground && stage !== other)) continue;
      if (sample[0]!.length === onto[0]!.length) other.camera.lay = lay(sample, onto, other.camera.lay);
    }
    this.#fit();
    this.draw();
  }

  told(stage: Stage, told: Frame | Status): void {
    const member = this.members.find((one) => one.stage === stage);
    if (member) this.events.told(member, told);
  }

  pointed(stage: Stage, point: number): void {
    for (const member of this.members) if (member.stage !== stage) member.hover.echo(point);
  }

  /** Draws how a map differs from the first. */
  drawn(stage: Stage, context: CanvasRenderingContext2D, ratio: number): void {
    if (!this.difference) return;
    const ground = this.#groundOf(stage);
    if (ground === stage) {
      for (const { stage: other } of this.#like(stage)) if (other !== stage) other.draw();
      return;
    }
    const member = this.members.find((one) => one.stage === stage);
    if (!ground?.newest || !member) return;
    const bare = new Camera();
    bare.resize(stage.camera.width, stage.camera.height);
    bare.follow(stage.camera);
    if (this.difference === "ghost") ground.underlay(context, ratio, bare);
    else drawWays(context, ratio, member, ground.projection(bare));
  }

  /** The map that a map is laid over: the first of as many dimensions. */
  #groundOf(stage: Stage): Stage | undefined {
    return this.#like(stage)[0]?.stage;
  }

  #like({ camera }: Stage): Member[] {
    return this.members.filter(({ stage }) => stage.camera.solid === camera.solid);
  }

  /** Linked pictures show as much of the ground as all of their maps take up together. */
  #fit(): void {
    for (const solid of [false, true]) {
      const stages = this.members.map(({ stage }) => stage).filter(({ camera }) => camera.solid === solid);
      const samples = stages.map((stage) => grounded(this.#samples.get(stage), stage.camera.lay));
      const all = this.#linked ? boundsOf(samples.flat()) : null;
      stages.forEach((stage, at) => {
        stage.around = all ?? boundsOf(samples[at]!);
      });
    }
  }

  /** A hand has moved the camera of one picture: the others follow. */
  #spread({ stage }: Member): void {
    if (!this.#linked) return;
    for (const { stage: other } of this.#like(stage)) {
      if (other === stage) continue;
      other.camera.follow(stage.camera);
      other.draw();
    }
  }

  #perform(command: Command): void {
    const [first] = this.members;
    const used = command.where === "first" ? first : (this.#used ?? first);
    for (const { commands } of command.where === "every" ? this.members : used ? [used] : []) {
      commands.all.find(({ name }) => name === command.name)?.run();
    }
    this.changed();
  }

  changed(): void {
    for (const { commands } of this.members) commands.changed();
  }
}

type Place = [number, number, number];

/** Where the points of a sample lie on the ground. */
function grounded(sample: Float64Array[] | undefined, where = HERE): Place[] {
  if (!sample) return [];
  return Array.from(sample[0]!, (x, i) => laid(where, [x, sample[1]![i]!, sample[2]?.[i] ?? 0]));
}

function boundsOf(places: Place[]): ReturnType<typeof around> | null {
  if (places.length === 0) return null;
  return around([0, 1, 2].map((axis) => Float64Array.from(places, (place) => place[axis]!)));
}
