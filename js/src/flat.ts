/** The Canvas2D renderer, for browsers without WebGL2. Draws squares, colour by colour. */

import { entryOf } from "./palette.ts";
import { Projection } from "./projection.ts";
import { clamp } from "./scale.ts";
import {
  type Colors,
  DIM,
  FOG,
  LARGEST,
  type Look,
  layerOf,
  layersOf,
  MARKED,
  markOf,
  NO_COLORS,
  type Renderer,
  SMALLEST,
  UNDRAWN,
} from "./scene.ts";
import type { Frame } from "./types.ts";

/** More points than this are thinned evenly, so that the page stays responsive; marked ones are not. */
const MOST = 50_000;
/** Shades of distance: far ones are drawn first. */
const SHADES = 12;

export class FlatRenderer implements Renderer {
  readonly kind = "canvas2d";
  readonly ready = true;
  readonly sums = false;
  readonly #frames: (Frame | undefined)[] = [];
  #codes: Uint16Array = new Uint16Array(0);
  #flags: Uint8Array = new Uint8Array(0);
  #sizes: Uint8Array | null = null;
  #colors: Colors = NO_COLORS;
  /** Points sorted by colour, so that the colour is set once for each. */
  #order: Uint32Array | null = null;
  #places = new Float32Array(0);
  #depths = new Float32Array(0);

  upload(slot: number, frame: Frame): void {
    this.#frames[slot] = frame;
  }

  setCodes(codes: Uint16Array): void {
    this.#codes = new Uint16Array(codes);
    this.#order = null;
  }

  setFlags(flags: Uint8Array): void {
    this.#flags = flags;
  }

  setSizes(sizes: Uint8Array | null): void {
    this.#sizes = sizes;
  }

  setColors(colors: Colors): void {
    this.#colors = colors;
    this.#order = null;
  }

  draw(context: CanvasRenderingContext2D, look: Look): void {
    const { camera, moment } = look;
    const [prev, next] = [this.#frames[moment.prev], this.#frames[moment.next]];
    if (!prev || !next) return;
    if (!look.under) context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    const n = Math.min(prev.n, next.n);
    if (this.#places.length !== 2 * n) {
      this.#places = new Float32Array(2 * n);
      this.#depths = new Float32Array(n);
    }
    new Projection(camera, prev, next, moment.t).fill(this.#places, this.#depths);
    if (this.#order?.length !== n) this.#order = this.#sort(n);
    const layers = this.#flags.length >= n ? layersOf(this.#flags) : [1];
    for (const layer of layers) this.#layer(context, look, layer, n);
  }

  dispose(): void {
    this.#frames.length = 0;
  }

  /** Points of one layer; in 3D the far ones first. */
  #layer(context: CanvasRenderingContext2D, look: Look, layer: number, n: number): void {
    const { camera, ratio } = look;
    const [width, height] = [camera.width * ratio, camera.height * ratio];
    const every = layer === 2 ? 1 : Math.ceil(n / MOST);
    const shades = camera.solid ? SHADES : 1;
    const shadeOf = (i: number) => {
      const z = (1 - this.#depths[i]!) * camera.eye;
      return clamp(Math.floor(shades * (0.5 - (0.5 * z) / camera.reach)), 0, shades - 1);
    };
    for (let shade = shades - 1; shade >= 0; shade--) {
      const fog = camera.solid && layer < 2 ? (FOG * (shade + 0.5)) / shades : 0;
      let color = -1;
      for (let rank = 0; rank < n; rank += every) {
        const i = this.#order![rank]!;
        const flag = this.#flags[i] ?? 0;
        if (flag & UNDRAWN || layerOf(flag) !== layer || (shades > 1 && shadeOf(i) !== shade)) continue;
        const [x, y] = [this.#places[2 * i]! * ratio, this.#places[2 * i + 1]! * ratio];
        if (!(x > -20 && y > -20 && x < width + 20 && y < height + 20)) continue;
        const at = this.#colorAt(i);
        if (at !== color) {
          color = at;
          context.fillStyle = this.#fill(
            at,
            fog,
            layer === 2 ? 1 : layer === 0 ? DIM * look.alpha : look.alpha,
          );
        }
        const own = this.#sizes ? SMALLEST + ((LARGEST - SMALLEST) * this.#sizes[i]!) / 255 : 1;
        const diameter = (look.size * ratio * own) / (camera.solid ? this.#depths[i]! : 1);
        if (flag & MARKED) this.#mark(context, x, y, markOf(flag, diameter, ratio, look.pin));
        else {
          const side = Math.max(1, 0.9 * diameter);
          context.fillRect(x - side / 2, y - side / 2, side, side);
        }
      }
    }
  }

  #mark(
    context: CanvasRenderingContext2D,
    x: number,
    y: number,
    { size, ring, square }: ReturnType<typeof markOf>,
  ): void {
    const radius = (size - ring) / 2;
    context.beginPath();
    if (square) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    context.lineWidth = ring;
    context.strokeStyle = `rgb(${this.#colors.ink.join(" ")})`;
    context.stroke();
  }

  #fill(at: number, fog: number, alpha: number): string {
    const { table, ground } = this.#colors;
    const [r, g, b] = [0, 1, 2].map((k) => Math.round(table[3 * at + k]! * (1 - fog) + ground[k]! * fog));
    return `rgba(${r},${g},${b},${alpha})`;
  }

  #colorAt(point: number): number {
    return entryOf(this.#codes[point] ?? 0, this.#colors.count);
  }

  #sort(n: number): Uint32Array {
    const starts = new Uint32Array(257);
    for (let i = 0; i < n; i++) starts[this.#colorAt(i) + 1]!++;
    for (let color = 0; color < 256; color++) starts[color + 1]! += starts[color]!;
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[starts[this.#colorAt(i)]!++] = i;
    return order;
  }
}
