/** The points' shaders. Positions are CSS pixels from the middle of the picture; z points at the viewer. */

import { NEAR } from "./camera.ts";
import {
  DIM,
  DIMMED,
  LARGEST,
  MARKED,
  MATCH,
  PINNED,
  RING_FROM,
  SELECTED,
  SMALLEST,
  UNDRAWN,
} from "./scene.ts";

const number = (value: number) => value.toFixed(4);

export const VERTEX = `#version 300 es
layout(location=0) in vec3 a_prev;
layout(location=1) in vec3 a_next;
layout(location=2) in uint a_code;
layout(location=3) in uint a_flag;
layout(location=4) in float a_size;
uniform vec3 u_prev[2], u_next[2];
uniform mat3 u_turn;
uniform vec4 u_view;
uniform vec3 u_ground;
uniform float u_t, u_fog, u_size, u_alpha, u_unit, u_pin;
uniform int u_layer, u_colors, u_sized;
uniform sampler2D u_palette;
out vec4 v_color;
out vec3 v_shape;
void main() {
  vec3 prev = a_prev * u_prev[0] + u_prev[1];
  vec3 next = a_next * u_next[0] + u_next[1];
  vec3 at = u_turn * mix(prev, next, u_t);
  float w = 1.0 - at.z * u_view.z;
  bool marked = (a_flag & ${MARKED}u) != 0u;
  bool dimmed = (a_flag & ${DIMMED}u) != 0u;
  int layer = marked ? 2 : dimmed ? 0 : 1;
  bool drawn = (a_flag & ${UNDRAWN}u) == 0u && w > ${number(NEAR)} && (u_layer < 0 || u_layer == layer);
  gl_Position = drawn ? vec4(at.xy * u_view.xy, w - ${number(2 * NEAR)}, w) : vec4(2.0, 2.0, 0.0, 1.0);

  int code = int(a_code);
  int entry = u_colors > 0 ? code % u_colors : (code == 65535 ? 255 : code * 254 / 65534);
  float far = marked ? 0.0 : u_fog * clamp(0.5 - 0.5 * at.z * u_view.w, 0.0, 1.0);
  vec3 color = mix(texelFetch(u_palette, ivec2(entry, 0), 0).rgb, u_ground, far);
  v_color = vec4(color, marked ? 1.0 : dimmed ? ${number(DIM)} * u_alpha : u_alpha);

  float size = u_size / w * (u_sized > 0 ? mix(${number(SMALLEST)}, ${number(LARGEST)}, a_size) : 1.0);
  if ((a_flag & ${SELECTED}u) != 0u) size = 1.15 * size + 0.8 * u_unit;
  if ((a_flag & ${MATCH}u) != 0u) size = 1.4 * size + 2.5 * u_unit;
  bool square = (a_flag & ${PINNED}u) != 0u;
  if (square) size = max(1.2 * size, u_pin * u_unit);
  bool ringed = marked && size >= ${number(RING_FROM)} * u_unit;
  v_shape = vec3(size, ringed ? clamp(0.18 * size, 0.75 * u_unit, 1.6 * u_unit) : 0.0, square ? 1.0 : 0.0);
  gl_PointSize = size + 1.0;
}`;

export const FRAGMENT = `#version 300 es
precision highp float;
in vec4 v_color;
in vec3 v_shape;
uniform vec3 u_ink;
uniform bool u_solid, u_spots;
out vec4 color;
void main() {
  vec2 at = (gl_PointCoord - 0.5) * (v_shape.x + 1.0);
  float away = v_shape.z > 0.5 ? max(abs(at.x), abs(at.y)) : length(at);
  if (u_spots) {
    float near = max(0.0, 1.0 - 4.0 * dot(at, at) / (v_shape.x * v_shape.x));
    color = vec4(v_color.rgb, 1.0) * v_color.a * near * near;
    return;
  }
  float inside = 0.5 * v_shape.x - away;
  float cover = clamp(inside + 0.5, 0.0, 1.0);
  if (cover <= (u_solid ? 0.4 : 0.0)) discard;
  float ring = v_shape.y > 0.0 ? clamp(v_shape.y - inside + 0.5, 0.0, 1.0) : 0.0;
  float alpha = v_color.a * cover;
  color = vec4(mix(v_color.rgb, u_ink, ring) * alpha, alpha);
}`;

export const UNIFORMS = [
  "u_prev",
  "u_next",
  "u_turn",
  "u_view",
  "u_ground",
  "u_t",
  "u_fog",
  "u_size",
  "u_alpha",
  "u_unit",
  "u_pin",
  "u_layer",
  "u_colors",
  "u_sized",
  "u_palette",
  "u_ink",
  "u_solid",
  "u_spots",
] as const;

/** A triangle over the whole picture. */
export const COVER = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

/** From sums of spots, coloured, to the mean colour; as strong as the logarithm of their number. */
export const TONE = `#version 300 es
precision highp float;
uniform highp sampler2D u_sums;
uniform float u_white;
out vec4 color;
void main() {
  vec4 sum = texelFetch(u_sums, ivec2(gl_FragCoord.xy), 0);
  float tone = clamp(log(1.0 + 20.0 * sum.a / u_white) / log(21.0), 0.0, 1.0);
  color = sum.a > 0.0 ? vec4(sum.rgb / sum.a * tone, tone) : vec4(0.0);
}`;

export const TONE_UNIFORMS = ["u_sums", "u_white"] as const;
