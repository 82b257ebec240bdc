/** The WebGL2 renderer: three slots of positions, one buffer of codes, one of flags, one palette texture. */

import type { Camera } from "./camera.ts";
import { type Colors, FOG, type Look, layersOf, NO_COLORS, type Renderer } from "./scene.ts";
import { SharedContext, type User } from "./shared.ts";
import type { Frame } from "./types.ts";

const SLOTS = 3;

export class GlRenderer implements Renderer {
  readonly kind = "webgl2";
  readonly #shared: SharedContext;
  readonly #frames: (Frame | undefined)[] = [];
  #positions: WebGLBuffer[] = [];
  #codeBuffer: WebGLBuffer | null = null;
  #flagBuffer: WebGLBuffer | null = null;
  #texture: WebGLTexture | null = null;
  #codes: Uint16Array = new Uint16Array(0);
  #flags: Uint8Array = new Uint8Array(0);
  #sizeBuffer: WebGLBuffer | null = null;
  #sizes: Uint8Array | null = null;
  #layers: number[] = [1];
  #colors: Colors = NO_COLORS;
  #gone = false;
  readonly #user: User;

  /** `changed` is called when there is something to draw again after the context was lost. */
  private constructor(shared: SharedContext, user: User) {
    this.#shared = shared;
    this.#user = user;
    this.#make();
  }

  static create(changed: () => void): GlRenderer | null {
    let renderer: GlRenderer | null = null;
    const user = {
      lost: () => {
        if (renderer) renderer.#gone = true;
        changed();
      },
      restored: () => {
        if (renderer) renderer.#restore();
        changed();
      },
    };
    const shared = SharedContext.join(user);
    if (shared) renderer = new GlRenderer(shared, user);
    return renderer;
  }

  get ready(): boolean {
    return !this.#gone && !this.#shared.gl.isContextLost();
  }

  get sums(): boolean {
    return this.#shared.sums;
  }

  upload(slot: number, frame: Frame): void {
    this.#frames[slot] = frame;
    this.#fill(this.#positions[slot]!, frame.positions);
  }

  setCodes(codes: Uint16Array): void {
    this.#codes = new Uint16Array(codes);
    if (this.ready) this.#fill(this.#codeBuffer!, this.#codes);
  }

  setFlags(flags: Uint8Array): void {
    this.#flags = flags;
    this.#layers = flags.length ? layersOf(flags) : [1];
    if (this.ready) this.#fill(this.#flagBuffer!, flags);
  }

  setSizes(sizes: Uint8Array | null): void {
    this.#sizes = sizes;
    if (this.ready && sizes) this.#fill(this.#sizeBuffer!, sizes);
  }

  setColors(colors: Colors): void {
    this.#colors = colors;
    const { gl } = this.#shared;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, 256, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, colors.table);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  draw(context: CanvasRenderingContext2D, look: Look): void {
    const shared = this.#shared;
    const { gl } = shared;
    const { width, height } = context.canvas;
    const [prev, next] = [this.#frames[look.moment.prev], this.#frames[look.moment.next]];
    if (!prev || !next || !this.ready) return;
    shared.reserve(width, height);
    gl.viewport(0, 0, width, height);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.BLEND);
    this.#set(look, prev, next);
    const n = Math.min(prev.n, next.n);
    const layers = this.#flags.length >= n ? this.#layers : [1];
    if (look.white > 0) this.#drawSpots(look, layers, n);
    this.#drawPoints(look, look.white > 0 ? layers.filter((layer) => layer === 2) : layers, n);
    if (!look.under) context.clearRect(0, 0, width, height);
    context.drawImage(shared.canvas, 0, shared.canvas.height - height, width, height, 0, 0, width, height);
  }

  #set({ camera, moment, ratio, alpha, pin }: Look, prev: Frame, next: Frame): void {
    const { gl, points } = this.#shared;
    const { program, uniforms } = points;
    const { count, ink, ground } = this.#colors;
    gl.useProgram(program);
    gl.uniformMatrix3fv(uniforms.u_turn, false, camera.facing as number[]);
    gl.uniform3fv(uniforms.u_prev, affine(camera, prev));
    gl.uniform3fv(uniforms.u_next, affine(camera, next));
    gl.uniform4f(uniforms.u_view, 2 / camera.width, 2 / camera.height, 1 / camera.eye, 1 / camera.reach);
    gl.uniform1f(uniforms.u_alpha, alpha);
    gl.uniform1f(uniforms.u_unit, ratio);
    gl.uniform1f(uniforms.u_pin, pin);
    gl.uniform1f(uniforms.u_t, moment.t);
    gl.uniform1f(uniforms.u_fog, camera.solid ? FOG : 0);
    gl.uniform1i(uniforms.u_solid, camera.solid ? 1 : 0);
    gl.uniform1i(uniforms.u_sized, (this.#sizes?.length ?? 0) >= next.n ? 1 : 0);
    gl.uniform1i(uniforms.u_colors, count);
    gl.uniform3f(uniforms.u_ink, ink[0]! / 255, ink[1]! / 255, ink[2]! / 255);
    gl.uniform3f(uniforms.u_ground, ground[0]! / 255, ground[1]! / 255, ground[2]! / 255);
    gl.uniform1i(uniforms.u_palette, 0);
  }

  #drawPoints({ camera, size, ratio, moment, stride }: Look, layers: number[], n: number): void {
    const { gl, points } = this.#shared;
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.uniform1i(points.uniforms.u_spots, 0);
    gl.uniform1f(points.uniforms.u_size, size * ratio);
    for (const layer of layers) {
      // Near points hide far ones, whatever their order; dimmed ones hide nothing, marked ones are not hidden.
      if (camera.solid && layer !== 2) gl.enable(gl.DEPTH_TEST);
      else gl.disable(gl.DEPTH_TEST);
      gl.depthMask(layer !== 0);
      gl.uniform1i(points.uniforms.u_layer, layer);
      const every = layer === 2 ? 1 : stride; // marked points are all drawn
      this.#bind(moment.prev, moment.next, every);
      gl.drawArrays(gl.POINTS, 0, Math.ceil(n / every));
    }
    gl.depthMask(true);
  }

  #drawSpots({ spot, ratio, white, moment, stride }: Look, layers: number[], n: number): void {
    const shared = this.#shared;
    const { gl, points } = shared;
    shared.sumUp(true);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.disable(gl.DEPTH_TEST);
    gl.blendFunc(gl.ONE, gl.ONE);
    gl.uniform1i(points.uniforms.u_spots, 1);
    gl.uniform1f(points.uniforms.u_size, spot * ratio);
    this.#bind(moment.prev, moment.next, stride);
    for (const layer of layers) {
      if (layer === 2) continue;
      gl.uniform1i(points.uniforms.u_layer, layer);
      gl.drawArrays(gl.POINTS, 0, Math.ceil(n / stride));
    }
    shared.sumUp(false);
    shared.showSums(white);
    gl.useProgram(points.program);
  }

  dispose(): void {
    const { gl } = this.#shared;
    for (const buffer of [...this.#positions, this.#codeBuffer, this.#flagBuffer, this.#sizeBuffer])
      gl.deleteBuffer(buffer);
    gl.deleteTexture(this.#texture);
    this.#positions = [];
    this.#frames.length = 0;
    this.#gone = true;
    this.#shared.leave(this.#user);
  }

  #make(): void {
    const { gl } = this.#shared;
    this.#positions = Array.from({ length: SLOTS }, () => gl.createBuffer());
    this.#codeBuffer = gl.createBuffer();
    this.#flagBuffer = gl.createBuffer();
    this.#sizeBuffer = gl.createBuffer();
    this.#texture = gl.createTexture();
  }

  #restore(): void {
    this.#gone = false;
    this.#make();
    this.#frames.forEach((frame, slot) => {
      if (frame) this.upload(slot, frame);
    });
    this.setCodes(this.#codes);
    this.setFlags(this.#flags);
    this.setSizes(this.#sizes);
    this.setColors(this.#colors);
  }

  #fill(buffer: WebGLBuffer, data: ArrayBufferView<ArrayBufferLike>): void {
    const { gl } = this.#shared;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data as ArrayBufferView<ArrayBuffer>, gl.DYNAMIC_DRAW);
  }

  /** Points the attributes at every so-manyth entry of the buffers; what there is none of is 0 for every point. */
  #bind(prev: number, next: number, every: number): void {
    const { gl } = this.#shared;
    const n = this.#frames[next]!.n;
    for (const [location, slot] of [prev, next].entries()) {
      const { positions, c } = this.#frames[slot]!;
      const quantised = positions instanceof Uint16Array;
      gl.bindBuffer(gl.ARRAY_BUFFER, this.#positions[slot]!);
      gl.enableVertexAttribArray(location);
      const bytes = every * c * positions.BYTES_PER_ELEMENT;
      gl.vertexAttribPointer(location, c, quantised ? gl.UNSIGNED_SHORT : gl.FLOAT, quantised, bytes, 0);
    }
    if (this.#has(2, this.#codeBuffer, this.#codes.length >= n))
      gl.vertexAttribIPointer(2, 1, gl.UNSIGNED_SHORT, 2 * every, 0);
    if (this.#has(3, this.#flagBuffer, this.#flags.length >= n))
      gl.vertexAttribIPointer(3, 1, gl.UNSIGNED_BYTE, every, 0);
    if (this.#has(4, this.#sizeBuffer, (this.#sizes?.length ?? 0) >= n))
      gl.vertexAttribPointer(4, 1, gl.UNSIGNED_BYTE, true, every, 0);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
  }

  #has(location: number, buffer: WebGLBuffer | null, there: boolean): boolean {
    const { gl } = this.#shared;
    if (there) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(location);
    } else {
      gl.disableVertexAttribArray(location);
      if (location < 4) gl.vertexAttribI4ui(location, 0, 0, 0, 0);
    }
    return there;
  }
}

/** Scale and offset of each axis; the attribute is normalised to 0 … 1 for levels, hence the factor. */
function affine(camera: Camera, frame: Frame): number[] {
  const top = frame.positions instanceof Uint16Array ? 65535 : 1;
  return camera.affine(frame).map((value, at) => (at < 3 ? value * top : value));
}
