/**
 * One WebGL2 context for all views of a page: browsers allow about a dozen. Each view draws into the shared
 * canvas and copies the picture into its own. Every widget loads its own copy of this module, so the context
 * hangs on the global object.
 */

const KEY = Symbol.for("ne_interactive@1");

const VERTEX = `#version 300 es
layout(location=0) in vec2 a_prev;
layout(location=1) in vec2 a_next;
layout(location=2) in uint a_code;
layout(location=3) in uint a_flag;
uniform vec4 u_prev, u_next;
uniform float u_t, u_size, u_alpha;
uniform int u_colors;
uniform sampler2D u_palette;
out vec4 v_color;
out float v_size;
void main() {
  vec2 prev = a_prev * u_prev.xy + u_prev.zw;
  vec2 next = a_next * u_next.xy + u_next.zw;
  gl_Position = (a_flag & 1u) != 0u ? vec4(2.0, 2.0, 0.0, 1.0) : vec4(mix(prev, next, u_t), 0.0, 1.0);
  int code = int(a_code);
  int at = u_colors > 0 ? code % u_colors : (code == 65535 ? 255 : code * 254 / 65534);
  vec3 color = texelFetch(u_palette, ivec2(at, 0), 0).rgb;
  v_color = vec4(color, (a_flag & 2u) != 0u ? 0.12 * u_alpha : u_alpha);
  v_size = u_size;
  gl_PointSize = u_size + 1.0;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec4 v_color;
in float v_size;
out vec4 color;
void main() {
  float away = length(gl_PointCoord - 0.5) * (v_size + 1.0);
  float alpha = v_color.a * clamp(0.5 * v_size - away + 0.5, 0.0, 1.0);
  if (alpha <= 0.0) discard;
  color = vec4(v_color.rgb * alpha, alpha);
}`;

const UNIFORMS = ["u_prev", "u_next", "u_t", "u_size", "u_alpha", "u_colors", "u_palette"] as const;
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
      const gl = canvas.getContext("webgl2", { antialias: false, depth: false, alpha: true });
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
