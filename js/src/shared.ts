/**
 * One WebGL2 context for all views of a page: browsers allow about a dozen. Each view draws into the shared
 * canvas and copies the picture into its own. Every widget loads its own copy of this module, so the context
 * hangs on the global object.
 */

import { COVER, FRAGMENT, TONE, TONE_UNIFORMS, UNIFORMS, VERTEX } from "./shaders.ts";

const KEY = Symbol.for("ne_interactive@1");

/** A linked program and where its uniforms are. */
export interface Program<Name extends string> {
  program: WebGLProgram;
  uniforms: Record<Name, WebGLUniformLocation | null>;
}

export interface User {
  lost(): void;
  restored(): void;
}

export class SharedContext {
  readonly users = new Set<User>();
  points!: Program<(typeof UNIFORMS)[number]>;
  tone!: Program<(typeof TONE_UNIFORMS)[number]>;
  /** Whether colours can be added up in floating point. */
  sums = false;
  #target: { frame: WebGLFramebuffer; texture: WebGLTexture; width: number; height: number } | null = null;

  private constructor(
    readonly canvas: HTMLCanvasElement,
    readonly gl: WebGL2RenderingContext,
  ) {
    this.#build();
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      for (const user of this.users) user.lost();
    });
    canvas.addEventListener("webglcontextrestored", () => {
      this.#build();
      for (const user of this.users) user.restored();
    });
  }

  /** The page's context, made when first asked for; null where WebGL2 is absent. */
  static join(user: User): SharedContext | null {
    const home = globalThis as unknown as Record<symbol, SharedContext | undefined>;
    let shared = home[KEY];
    if (!shared) {
      const canvas = document.createElement("canvas");
      const gl = canvas.getContext("webgl2", { antialias: false, depth: true, alpha: true });
      if (!gl) return null;
      try {
        shared = new SharedContext(canvas, gl);
      } catch {
        return null;
      }
      home[KEY] = shared;
    }
    shared.users.add(user);
    return shared;
  }

  /** The last one out gives the context back. */
  leave(user: User): void {
    this.users.delete(user);
    if (this.users.size > 0) return;
    delete (globalThis as unknown as Record<symbol, unknown>)[KEY];
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  /** Makes the canvas at least this large; the picture lies in its lower left corner. */
  reserve(width: number, height: number): void {
    if (this.canvas.width < width) this.canvas.width = width;
    if (this.canvas.height < height) this.canvas.height = height;
  }

  /** Draws into a texture of half floats as large as the canvas from here on; null brings the canvas back. */
  sumUp(on: boolean): void {
    const { gl } = this;
    if (!on) {
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      return;
    }
    const { width, height } = this.canvas;
    if (this.#target?.width !== width || this.#target.height !== height) {
      gl.deleteFramebuffer(this.#target?.frame ?? null);
      gl.deleteTexture(this.#target?.texture ?? null);
      this.#target = { frame: gl.createFramebuffer(), texture: gl.createTexture(), width, height };
      gl.activeTexture(gl.TEXTURE1);
      gl.bindTexture(gl.TEXTURE_2D, this.#target.texture);
      gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA16F, width, height);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      gl.bindFramebuffer(gl.FRAMEBUFFER, this.#target.frame);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.#target.texture, 0);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#target.frame);
  }

  /** Shows the sums on the canvas; `white` is shown in full. */
  showSums(white: number): void {
    const { gl, tone } = this;
    gl.useProgram(tone.program);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.#target?.texture ?? null);
    gl.uniform1i(tone.uniforms.u_sums, 1);
    gl.uniform1f(tone.uniforms.u_white, white);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  #build(): void {
    const { gl } = this;
    this.#target = null;
    // Half floats stop growing at 2,048 spots in one place; there the picture is white long before.
    this.sums = [
      gl.getExtension("EXT_color_buffer_float"),
      gl.getExtension("EXT_color_buffer_half_float"),
    ].some(Boolean);
    this.points = link(gl, VERTEX, FRAGMENT, UNIFORMS);
    this.tone = link(gl, COVER, TONE, TONE_UNIFORMS);
  }
}

function link<Name extends string>(
  gl: WebGL2RenderingContext,
  vertex: string,
  fragment: string,
  names: readonly Name[],
): Program<Name> {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("The context is lost.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) ?? "The shaders do not link.");
  }
  const entries = names.map((name) => [name, gl.getUniformLocation(program, name)]);
  return { program, uniforms: Object.fromEntries(entries) as Program<Name>["uniforms"] };
}
