/** What ties the pictures of a comparison together: how their maps lie over the first, what is pointed at, where they look. */

import { type Lay, lay } from "./align.ts";
import type { Back } from "./back.ts";
import type { Bar } from "./bar.ts";
import { Camera } from "./camera.ts";
import type { Command, Commands } from "./commands.ts";
import { drawWays } from "./difference.ts";
import { listen } from "./dom.ts";
import type { Explore } from "./explore.ts";
import { around, sampled } from "./extent.ts";
import type { Hover } from "./hover.ts";
import type { Link } from "./link.ts";
import type { Panel } from "./panel.ts";
import type { Points } from "./points.ts";
import type { Stage } from "./stage.ts";
import type { Frame, Told } from "./types.ts";
import type { Voice } from "./voice.ts";

/** Points of a map that say how it lies. */
const SAMPLE = 1024;

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
  /** Looks at an iteration of its run, or at the present. */
  look(iteration: number): void;
  parts: Record<"tools" | "help" | "summary" | "held" | "legend", { element: HTMLElement }>;
}

export class Beside {
  readonly members: Member[] = [];
  difference: string | null = null;
  #linked = true;
  #used: Member | undefined;
  /** Coordinates of evenly chosen points of each map, axis by axis; and what they take up on the ground. */
  readonly #samples = new Map<Stage, Float64Array[]>();
  readonly #bounds = new Map<Stage, ReturnType<typeof around>>();

  constructor(
    readonly root: HTMLElement,
    readonly board: HTMLElement,
    readonly voice: Voice,
    readonly back: Back,
    private readonly events: {
      joined(member: Member): void;
      told(member: Member, told: Told): void;
    },
    private readonly signal: AbortSignal,
  ) {}

  join(member: Member): void {
    this.members.push(member);
    const { stage, commands } = member;
    commands.perform = (command) => this.#perform(command);
    commands.meant = (command) => (command.where ? command : this.#of(this.#used, command)) ?? command;
    stage.camera.handled = () => this.#spread(member);
    const use = () => {
      this.#used = member;
      this.changed();
    };
    listen(stage.element, "focusin", use, this.signal);
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
    this.#samples.set(stage, sampled(frame, SAMPLE));
    const ground = this.#groundOf(stage);
    const onto = ground && this.#samples.get(ground);
    for (const { stage: other } of this.#like(stage)) {
      const sample = this.#samples.get(other);
      if (!sample || (stage !== ground && stage !== other)) continue;
      const { camera } = other;
      if (other !== ground && onto && onto[0]!.length === sample[0]!.length) {
        camera.lay = lay(sample, onto, camera.lay);
      }
      this.#bounds.set(other, around(grounded(sample, camera.lay)));
    }
    this.#fit();
    this.draw();
  }

  told(stage: Stage, told: Told): void {
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
    for (const { stage } of this.members) {
      const all = (this.#linked ? this.#like(stage) : [{ stage }]).flatMap(
        ({ stage: other }) => this.#bounds.get(other) ?? [],
      );
      stage.around = all.length > 0 ? together(all) : null;
    }
  }

  /** A hand has moved the camera of one picture: the others follow. */
  #spread({ stage }: Member): void {
    this.members[0]!.commands.changed(); // its tools are those of all
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
    for (const member of command.where === "every" ? this.members : [used]) this.#of(member, command)?.run();
    this.changed();
  }

  /** A picture's own command. */
  #of(member: Member | undefined, { name }: Command): Command | undefined {
    return member?.commands.all.find((command) => command.name === name);
  }

  changed(): void {
    for (const { commands } of this.members) commands.changed();
  }
}

/** Where the points of a sample lie on the ground, axis by axis. */
function grounded([xs, ys, zs]: Float64Array[], { turn, scale, at }: Lay): Float64Array[] {
  return (zs ? [0, 1, 2] : [0, 1]).map((row) => {
    const [a, b, c] = [row, row + 3, row + 6].map((entry) => scale * turn[entry]!) as [
      number,
      number,
      number,
    ];
    return xs!.map((x, i) => at[row]! + a * x + b * ys![i]! + (zs ? c * zs[i]! : 0));
  });
}

function together(all: ReturnType<typeof around>[]): ReturnType<typeof around> {
  const [{ lo }] = all as [ReturnType<typeof around>];
  return {
    lo: lo.map((_, axis) => Math.min(...all.map((one) => one.lo[axis]!))),
    hi: lo.map((_, axis) => Math.max(...all.map((one) => one.hi[axis]!))),
    radius: Math.max(...all.map(({ radius }) => radius)),
  };
}
