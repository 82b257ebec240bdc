/**
 * One WebGL2 context for all views of a page: browsers allow about a dozen. Each view draws into the shared
 * canvas and copies the picture into its own. Every widget loads its own copy of this module, so the context
 * hangs on the global object.
 */

import { FRAGMENT, UNIFORMS, VERTEX } from "./shaders.ts";

const KEY = Symbol.for("ne_interactive@1");

export type Uniforms = Record<(typeof UNIFORMS)[number], WebGLUniformLocation | null>;

export interface User {
  lost(): void;
  restored(): void;
}

export class SharedContext {
  readonly users = new Set<User>();
  program!: WebGLProgram;
  uniforms!: Uniforms;

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
    this.gl.deleteProgram(this.program);
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  /** Makes the canvas at least this large; the picture lies in its lower left corner. */
  reserve(width: number, height: number): void {
    if (this.canvas.width < width) this.canvas.width = width;
    if (this.canvas.height < height) this.canvas.height = height;
  }

  #build(): void {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
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
    this.program = program;
    this.uniforms = Object.fromEntries(
      UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]),
    ) as Uniforms;
  }
}
