/**
 * Which part of the map is on screen, and from which side. Follows the whole map until it is moved by hand.
 * Coordinates on screen are CSS pixels; x points right, y up on the map and down on screen, z at the viewer.
 */

import { HERE, halfway, type Lay, laid, lifted, unlike } from "./align.ts";
import type { Bounds } from "./extent.ts";
import { clamp } from "./scale.ts";
import { between, distance, STILL, type Turn, times, turned } from "./turn.ts";
import type { Frame, Pair } from "./types.ts";

export type Triple = [number, number, number];

/** Milliseconds; growing and shrinking are eased alike. */
const EASE = 160;
const FILL = 0.92;
const CLOSE = 1e-3;
const MAX_ZOOM = 1e4;
const MIN_ZOOM = 0.05;
/** Distance of the eye from the middle of a map in 3D, in sizes of the picture: a gentle perspective. */
const EYE = 2.2;
/** Nearer to the eye than this share of its distance nothing is drawn. */
export const NEAR = 0.08;
/** How a map in 3D is seen first: a little from above and from the side, so that it has depth. */
const HOME = turned(STILL, -0.5, 0.35);

export class Camera {
  /** Of the ground: the map itself, or the one that it is laid over. */
  x = 0;
  y = 0;
  z = 0;
  /** CSS pixels per unit of the ground. */
  scale = 1;
  following = true;
  width = 1;
  height = 1;
  turn: Turn = STILL;
  /** How the map lies on the ground; reached gently. */
  lay: Lay = HERE;
  /** Called when a hand has moved it. */
  handled: () => void = () => {};
  #lay: Lay = HERE;
  #solid = false;
  #target = { x: 0, y: 0, z: 0, scale: 1 };
  #radius = 1;
  #placed = false;
  #homing = false;

  /** Whether the map has three dimensions. */
  get solid(): boolean {
    return this.#solid;
  }

  set solid(solid: boolean) {
    if (solid === this.#solid) return;
    this.#solid = solid;
    this.turn = solid ? HOME : STILL;
    this.following = true;
    this.#placed = false;
  }

  /** CSS pixels per unit of the map. */
  get unit(): number {
    return this.scale * this.#lay.scale;
  }

  /** The turn of the map itself. */
  get facing(): Turn {
    return this.#lay === HERE ? this.turn : times(this.turn, this.#lay.turn);
  }

  /** How much closer than the whole map: 1 shows all of it. */
  get zoom(): number {
    return this.scale / this.#target.scale;
  }

  /** Whether it was moved by hand. */
  get moved(): boolean {
    return !this.following || (!this.#homing && this.turn !== (this.#solid ? HOME : STILL));
  }

  /** Pixels from the middle of the map to the eye; infinite for a flat map. */
  get eye(): number {
    return this.#solid ? EYE * Math.min(this.width, this.height) : Number.POSITIVE_INFINITY;
  }

  /** Pixels from the middle of the map to where it ends. */
  get reach(): number {
    return this.#radius * this.scale;
  }

  resize(width: number, height: number): void {
    const before = Math.min(this.width, this.height);
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    if (!this.following) this.scale *= Math.min(this.width, this.height) / before;
    else this.jump();
  }

  /** The whole map is this box; in 3D the ball around its middle, where no radius is given the box's own. */
  fit({ lo, hi, radius = diagonal(lo, hi) / 2 }: Pick<Bounds, "lo" | "hi"> & Partial<Bounds>): void {
    const [x, y, z] = [0, 1, 2].map((axis) => ((lo[axis] ?? 0) + (hi[axis] ?? 0)) / 2) as Triple;
    const [w, h] = this.#solid ? [2 * radius, 2 * radius] : [hi[0]! - lo[0]!, hi[1]! - lo[1]!];
    const least = 1e-12 + 1e-7 * (Math.abs(x) + Math.abs(y) + Math.abs(z));
    const extent = w > least || h > least ? [Math.max(w, least), Math.max(h, least)] : [1, 1];
    this.#radius = Math.max(...extent) / 2;
    this.#target = { x, y, z, scale: FILL * Math.min(this.width / extent[0]!, this.height / extent[1]!) };
    if (!this.#placed) this.snap();
  }

  /** Moves towards the whole map, and to where the map lies; true while there is further to go. */
  ease(milliseconds: number): boolean {
    const share = 1 - Math.exp(-Math.max(0, milliseconds) / EASE);
    return [this.#settle(share), this.#approach(share)].some(Boolean);
  }

  #settle(share: number): boolean {
    if (this.#lay === this.lay) return false;
    const extent = Math.min(this.width, this.height) / this.scale;
    const there = this.#solid || unlike(this.#lay, this.lay, extent) < CLOSE;
    this.#lay = there ? this.lay : halfway(this.#lay, this.lay, share);
    return !there;
  }

  #approach(share: number): boolean {
    if (!this.following || !this.#placed) return false;
    const { x, y, z, scale } = this.#target;
    this.x += share * (x - this.x);
    this.y += share * (y - this.y);
    this.z += share * (z - this.z);
    this.scale *= (scale / this.scale) ** share;
    if (this.#homing) this.turn = between(this.turn, HOME, share);
    const off =
      Math.hypot(x - this.x, y - this.y, z - this.z) * scale +
      1000 * Math.abs(Math.log(scale / this.scale)) +
      (this.#homing ? 1000 * distance(this.turn, HOME) : 0);
    if (off > CLOSE * 1000) return true;
    this.snap();
    return false;
  }

  /** Shows what another shows, of a picture that may be larger or smaller. */
  follow(other: Camera): void {
    const ratio = Math.min(this.width, this.height) / Math.min(other.width, other.height);
    Object.assign(this, { x: other.x, y: other.y, z: other.z, scale: ratio * other.scale, turn: other.turn });
    this.following = other.following;
    this.#homing = other.#homing;
    this.#radius = other.#radius;
    this.#solid = other.#solid;
    this.#placed = true;
  }

  /** Shows the whole map at once. */
  snap(): void {
    this.#lay = this.lay;
    Object.assign(this, this.#target);
    if (this.#homing) this.turn = HOME;
    this.#homing = false;
    this.#placed = true;
  }

  /** Has the whole map be shown at once where it next ends, if it is followed. */
  jump(): void {
    if (this.following) this.#placed = false;
  }

  reset(): void {
    this.following = true;
    this.#homing = this.#solid;
    this.handled();
  }

  pan(dx: number, dy: number): void {
    this.following = false;
    const [x, y, z] = this.lift(dx, dy);
    this.x -= x;
    this.y -= y;
    this.z -= z;
    this.handled();
  }

  /** Turns a map in 3D by a drag of so many pixels: half a turn takes the smaller side of the picture. */
  orbit(dx: number, dy: number): void {
    if (!this.#solid) return;
    this.#homing = false;
    const angle = Math.PI / Math.min(this.width, this.height);
    this.turn = turned(this.turn, dx * angle, dy * angle);
    this.handled();
  }

  /** Zooms so that the place under the pixel (px, py) stays under it. */
  zoomAt(px: number, py: number, factor: number): void {
    this.following = false;
    const [x, y, z] = this.#ground(px, py);
    const zoom = clamp(this.zoom * factor, MIN_ZOOM, MAX_ZOOM);
    this.scale = zoom * this.#target.scale;
    const [dx, dy, dz] = this.lift(px - this.width / 2, py - this.height / 2);
    [this.x, this.y, this.z] = [x - dx, y - dy, z - dz];
    this.handled();
  }

  /** A move of so many pixels on screen as one on the ground, in the plane of the screen. */
  lift(dx: number, dy: number): Triple {
    const [u, v, t] = [dx / this.scale, -dy / this.scale, this.turn];
    return [t[0]! * u + t[1]! * v, t[3]! * u + t[4]! * v, t[6]! * u + t[7]! * v];
  }

  /** The place under a pixel, of a map in 3D as far away as its middle. */
  toData(px: number, py: number): Triple {
    return lifted(this.#lay, this.#ground(px, py));
  }

  #ground(px: number, py: number): Triple {
    const [x, y, z] = this.lift(px - this.width / 2, py - this.height / 2);
    return [this.x + x, this.y + y, this.z + z];
  }

  toScreen(x: number, y: number, z = 0): Pair {
    const at = laid(this.#lay, [x, y, z]);
    const [dx, dy, dz] = [at[0] - this.x, at[1] - this.y, at[2] - this.z].map(
      (value) => value * this.scale,
    ) as Triple;
    const t = this.turn;
    const w = 1 - (t[2]! * dx + t[5]! * dy + t[8]! * dz) / this.eye;
    if (w <= NEAR) return [Number.NaN, Number.NaN];
    return [
      this.width / 2 + (t[0]! * dx + t[3]! * dy + t[6]! * dz) / w,
      this.height / 2 - (t[1]! * dx + t[4]! * dy + t[7]! * dz) / w,
    ];
  }

  /**
   * From a frame's levels to pixels from the middle before the turn, as [scale x 3, offset x 3]; made in
   * float64, so that it stays exact.
   */
  affine({ lo, sc }: Pick<Frame, "lo" | "sc">): number[] {
    const at = lifted(this.#lay, [this.x, this.y, this.z]);
    return [
      ...at.map((_at, axis) => (sc[axis] ?? 0) * this.unit),
      ...at.map((value, axis) => ((lo[axis] ?? 0) - value) * this.unit),
    ];
  }
}

function diagonal(lo: readonly number[], hi: readonly number[]): number {
  return Math.hypot(...lo.map((low, axis) => hi[axis]! - low));
}
