/** The WebGL2 renderer: three slots of positions, one buffer of codes, one of flags, one palette texture. */

import type { Camera } from "./camera.ts";
import type { Colors, Look, Renderer } from "./scene.ts";
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
  #colors: Colors = { table: new Uint8Array(768), count: 1 };
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
    if (this.ready) this.#fill(this.#flagBuffer!, flags);
  }

  setColors(colors: Colors): void {
    this.#colors = colors;
    const { gl } = this.#shared;
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, 256, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, colors.table);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  draw(context: CanvasRenderingContext2D, look: Look): void {
    const shared = this.#shared;
    const { gl, uniforms } = shared;
    const { width, height } = context.canvas;
    const { moment, camera } = look;
    const [prev, next] = [this.#frames[moment.prev], this.#frames[moment.next]];
    if (!prev || !next || !this.ready) return;
    shared.reserve(width, height);
    gl.viewport(0, 0, width, height);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(shared.program);
    this.#pointTo(0, this.#positions[moment.prev]!, prev);
    this.#pointTo(1, this.#positions[moment.next]!, next);
    this.#integers(2, this.#codeBuffer, this.#codes.length >= next.n ? gl.UNSIGNED_SHORT : 0);
    this.#integers(3, this.#flagBuffer, this.#flags.length >= next.n ? gl.UNSIGNED_BYTE : 0);
    gl.uniform4fv(uniforms.u_prev, affine(camera, prev));
    gl.uniform4fv(uniforms.u_next, affine(camera, next));
    gl.uniform1f(uniforms.u_t, moment.t);
    gl.uniform1f(uniforms.u_size, look.size * look.ratio);
    gl.uniform1f(uniforms.u_alpha, look.alpha);
    gl.uniform1i(uniforms.u_colors, this.#colors.count);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.uniform1i(uniforms.u_palette, 0);
    gl.drawArrays(gl.POINTS, 0, Math.min(prev.n, next.n));
    context.clearRect(0, 0, width, height);
    context.drawImage(shared.canvas, 0, shared.canvas.height - height, width, height, 0, 0, width, height);
  }

  dispose(): void {
    const { gl } = this.#shared;
    for (const buffer of [...this.#positions, this.#codeBuffer, this.#flagBuffer]) gl.deleteBuffer(buffer);
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
    this.setColors(this.#colors);
  }

  #fill(buffer: WebGLBuffer, data: ArrayBufferView<ArrayBufferLike>): void {
    const { gl } = this.#shared;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data as ArrayBufferView<ArrayBuffer>, gl.DYNAMIC_DRAW);
  }

  #pointTo(location: number, buffer: WebGLBuffer, frame: Frame): void {
    const { gl } = this.#shared;
    const quantised = frame.positions instanceof Uint16Array;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, 2, quantised ? gl.UNSIGNED_SHORT : gl.FLOAT, quantised, 0, 0);
  }

  /** An attribute of integers; without a type every point has 0. */
  #integers(location: number, buffer: WebGLBuffer | null, type: number): void {
    const { gl } = this.#shared;
    if (type === 0) {
      gl.disableVertexAttribArray(location);
      gl.vertexAttribI4ui(location, 0, 0, 0, 0);
      return;
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribIPointer(location, 1, type, 0, 0);
  }
}

/** The attribute is normalised to 0 … 1 for levels, hence the factor. */
function affine(camera: Camera, frame: Frame): [number, number, number, number] {
  const [ax, ay, bx, by] = camera.clip(frame.lo, frame.sc);
  const top = frame.positions instanceof Uint16Array ? 65535 : 1;
  return [ax * top, ay * top, bx, by];
}
