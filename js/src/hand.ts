/** Pointer, wheel and keys on the picture. Keys and the bare wheel count only while the picture has the focus. */

import type { Commands } from "./commands.ts";
import { listen } from "./dom.ts";
import type { Stage } from "./stage.ts";
import { attachTouch } from "./touch.ts";

const ZOOM_KEY = 1.3;
const ZOOM_WHEEL = 0.0015;
const LINE = 16;
const PAN_KEY = 60;
const TURN_KEY = 40;
/** Pixels that a press may move and still be no drag. */
const STILL = 3;

/** What a press of the pointer does instead of moving the camera, from its first movement on. */
export interface Gesture {
  move(x: number, y: number): void;
  end(): void;
  cancel(): void;
}

export interface HandEvents {
  /** The pointer was pressed; null where it shall move the camera. */
  press(x: number, y: number, event: PointerEvent): Gesture | null;
  /** The pointer was pressed and let go at the same place. */
  click(x: number, y: number, event: PointerEvent): void;
  /** The pointer rests at a pixel of the picture, or a finger tapped it; null when it left or drags. */
  hover(at: [number, number] | null): void;
  /** The wheel turned over a picture without focus. */
  wheelIgnored(): void;
  moved(): void;
  resetView(): void;
}

export function attachHand(stage: Stage, commands: Commands, events: HandEvents, signal: AbortSignal): void {
  const { canvas, camera } = stage;
  let held: { x: number; y: number; moved: boolean; scrolls: boolean; gesture: Gesture | null } | null = null;
  // What a finger tapped stays pointed at until it taps elsewhere: it cannot rest anywhere, and leaves at once.
  let tapped = false;

  const middle = (): [number, number] => [camera.width / 2, camera.height / 2];
  const changed = () => {
    events.moved();
    stage.draw();
  };
  const zoom = (x: number, y: number, factor: number) => {
    camera.zoomAt(x, y, factor);
    changed();
  };
  /** A map in 3D turns with the hand, and is panned with shift; a flat one is panned. */
  const drag = (dx: number, dy: number, shift: boolean) => {
    if (camera.solid && !shift) camera.orbit(dx, dy);
    else camera.pan(dx, dy);
    changed();
  };
  const step = (right: number, down: number) => {
    if (camera.solid) drag(right * TURN_KEY, down * TURN_KEY, false);
    else drag(-right * PAN_KEY, -down * PAN_KEY, false);
  };

  listen(
    canvas,
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      if (!event.isPrimary) {
        release()?.gesture?.cancel(); // a second finger: see touch.ts
        events.hover(null);
        return;
      }
      // A finger that only scrolls the page over the picture must not be caught by it: a tap gives the focus.
      const scrolls = event.pointerType === "touch" && !canvas.matches(":focus");
      if (!scrolls) canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      const [x, y] = [event.offsetX, event.offsetY];
      stage.held = true;
      held = { x, y, moved: false, scrolls, gesture: scrolls ? null : events.press(x, y, event) };
    },
    signal,
  );
  const hover = (event: PointerEvent) => {
    if (event.isPrimary && !held) events.hover([event.offsetX, event.offsetY]);
  };
  // Where there is such an event, it does not wait for a display that takes long over its turns.
  listen(canvas, "pointerrawupdate", (event) => hover(event as PointerEvent), signal);
  listen(
    canvas,
    "pointermove",
    (event) => {
      hover(event);
      if (!event.isPrimary || !held) return;
      const [dx, dy] = [event.offsetX - held.x, event.offsetY - held.y];
      if (!held.moved && Math.hypot(dx, dy) < STILL) return;
      held.moved = true;
      events.hover(null);
      if (held.scrolls) return;
      if (held.gesture) {
        held.gesture.move(event.offsetX, event.offsetY);
        return;
      }
      canvas.classList.add("ne-dragging");
      drag(dx, dy, event.shiftKey);
      held.x = event.offsetX;
      held.y = event.offsetY;
    },
    signal,
  );
  const release = () => {
    const before = held;
    held = null;
    stage.held = false;
    canvas.classList.remove("ne-dragging");
    return before;
  };
  listen(
    canvas,
    "pointerup",
    (event) => {
      const was = release();
      if (was?.scrolls && !was.moved) canvas.focus({ preventScroll: true });
      if (was?.moved) was.gesture?.end();
      else if (was) {
        tapped = event.pointerType === "touch";
        if (tapped) events.hover([event.offsetX, event.offsetY]);
        events.click(event.offsetX, event.offsetY, event);
      }
    },
    signal,
  );
  listen(canvas, "pointercancel", () => release()?.gesture?.cancel(), signal);
  listen(canvas, "pointerleave", ({ pointerType }) => pointerType !== "touch" && events.hover(null), signal);
  listen(canvas, "blur", () => tapped && events.hover(null), signal);
  listen(canvas, "dblclick", () => events.resetView(), signal);
  listen(
    canvas,
    "wheel",
    (event) => {
      const deliberate = event.ctrlKey || event.metaKey;
      if (!deliberate && !canvas.matches(":focus")) {
        events.wheelIgnored();
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      const pixels =
        event.deltaY * (event.deltaMode === 1 ? LINE : event.deltaMode === 2 ? camera.height : 1);
      // Pinching arrives as small steps with ctrl.
      const speed = event.ctrlKey && Math.abs(pixels) < 50 ? 6 * ZOOM_WHEEL : ZOOM_WHEEL;
      zoom(event.offsetX, event.offsetY, Math.exp(-pixels * speed));
    },
    signal,
    { passive: false },
  );

  // The key that deletes there is the one called Backspace elsewhere; the other takes two fingers.
  const mac = navigator.platform.startsWith("Mac");
  attachTouch(stage, () => events.moved(), signal);
  const move = { group: "move" };
  const arrow = (way: string, key: string, right: number, down: number) => ({
    ...move,
    get name() {
      return `${camera.solid ? "turn" : "pan"} ${way}`;
    },
    keys: [key],
    run: () => step(right, down),
  });
  commands.add(
    { ...move, name: "zoom in", keys: ["+", "="], run: () => zoom(...middle(), ZOOM_KEY) },
    { ...move, name: "zoom out", keys: ["-"], run: () => zoom(...middle(), 1 / ZOOM_KEY) },
    arrow("left", "ArrowLeft", -1, 0),
    arrow("right", "ArrowRight", 1, 0),
    arrow("up", "ArrowUp", 0, -1),
    arrow("down", "ArrowDown", 0, 1),
  );
  listen(
    canvas,
    "keydown",
    (event) => {
      const key = event.key === "Backspace" && mac ? "Delete" : event.key;
      if (event.ctrlKey || event.metaKey || event.altKey || !commands.press(key)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    signal,
  );
}
