/** Two fingers zoom and move the picture. One finger scrolls the page, until a tap gives the picture the focus. */

import { listen } from "./dom.ts";
import type { Stage } from "./stage.ts";

interface Grip {
  x: number;
  y: number;
  spread: number;
}

export function attachTouch(stage: Stage, moved: () => void, signal: AbortSignal): void {
  const { canvas, camera } = stage;
  let last: Grip | null = null;

  listen(
    canvas,
    "touchmove",
    (event) => {
      if (event.touches.length !== 2) return;
      event.preventDefault();
      const grip = gripOf(event.touches, canvas.getBoundingClientRect());
      if (last) {
        camera.pan(grip.x - last.x, grip.y - last.y);
        camera.zoomAt(grip.x, grip.y, grip.spread / last.spread);
        moved();
        stage.draw();
      }
      last = grip;
    },
    signal,
    { passive: false },
  );
  for (const name of ["touchstart", "touchend", "touchcancel"] as const) {
    listen(
      canvas,
      name,
      () => {
        last = null;
      },
      signal,
      { passive: true },
    );
  }
}

function gripOf(touches: TouchList, box: DOMRect): Grip {
  const [a, b] = [touches[0]!, touches[1]!];
  const spread = Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY));
  return { x: (a.clientX + b.clientX) / 2 - box.left, y: (a.clientY + b.clientY) / 2 - box.top, spread };
}
