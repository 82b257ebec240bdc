/** The part of a control that shows and takes its value, of each kind: a slider with a number, a choice, a switch, a text. */

import { h, listen } from "./dom.ts";
import { format, parse, rangeOf } from "./scale.ts";
import type { Control, Value } from "./types.ts";

/** Class of a box with something typed that has not been taken. */
const EDITED = "ne-edited";

export interface Face {
  elements: HTMLElement[];
  show(value: Value): void;
}

export interface FaceParts {
  description: Control;
  /** Where it is said why a value was refused. */
  note: HTMLElement;
  signal: AbortSignal;
  value(): Value;
  /** Whether the schedule is followed. */
  following(): boolean;
  send(value: Value): void;
  explain(reason: string): void;
  /** A hand holds it, or no longer: meanwhile no other value is shown. */
  hold(holding: boolean): void;
}

export function makeFace(parts: FaceParts): Face {
  switch (parts.description.kind) {
    case "switch":
      return makeSwitch(parts);
    case "choice":
      return makeChoice(parts);
    case "number":
    case "integer":
      return makeNumber(parts);
    default:
      return makeText(parts);
  }
}

function makeNumber(parts: FaceParts): Face {
  const { description, note, signal, send, hold } = parts;
  const { name, ui_low, ui_high } = description;
  const ranged = ui_low !== null && ui_high !== null;
  const range = rangeOf(description);
  const slider = h("input", {
    type: "range",
    min: String(range.min),
    max: String(range.max),
    step: range.step > 0 ? String(range.step) : "any",
    "aria-label": name,
    "aria-describedby": note.id,
  });
  const readout = h("input.ne-readout", {
    type: "text",
    inputmode: "decimal",
    "aria-label": `${name} value`,
    autocomplete: "off",
    spellcheck: "false",
  });
  let typing = false;
  const show = (value: Value) => {
    if (typeof value === "number") {
      const position = range.toPosition(value);
      slider.value = String(position);
      const share = range.max > range.min ? (position - range.min) / (range.max - range.min) : 0;
      slider.style.setProperty("--ne-share", share.toFixed(4));
    }
    slider.setAttribute("aria-valuetext", format(value));
    if (!typing) readout.value = format(value);
  };
  const take = () => {
    const value = range.toValue(slider.valueAsNumber);
    if (value !== parts.value() || parts.following()) send(value);
    show(value);
  };
  listen(slider, "input", take, signal);
  listen(slider, "change", take, signal);
  listen(slider, "pointerdown", () => hold(true), signal);
  for (const event of ["pointerup", "pointercancel", "blur"] as const)
    listen(slider, event, () => hold(false), signal);
  const face = { elements: ranged ? [slider, readout] : [readout], show };
  const holding = (holds: boolean) => {
    typing = holds;
    hold(holds);
  };
  takeTyped(readout, { ...parts, hold: holding }, face, (typed) => {
    const value = parse(typed);
    if (value === null) parts.explain("not a number");
    else send(value);
    show(value ?? parts.value());
  });
  return face;
}

function makeText(parts: FaceParts): Face {
  const { name } = parts.description;
  const box = h("input.ne-text", { type: "text", "aria-label": name, spellcheck: "false" });
  const show = (value: Value) => {
    box.value = format(value);
  };
  const face = { elements: [box], show };
  // A comma may part the entries of a list.
  takeTyped(box, parts, face, (typed) => parts.send((typed.includes(",") ? null : parse(typed)) ?? typed));
  return face;
}

function makeChoice({ description, signal, send }: FaceParts): Face {
  const choices = description.choices ?? [];
  const select = h("select", { "aria-label": description.name });
  choices.forEach((choice, i) => {
    select.append(h("option", { value: String(i) }, format(choice)));
  });
  listen(select, "change", () => send(choices[Number(select.value)] ?? null), signal);
  const show = (value: Value) => {
    select.selectedIndex = choices.indexOf(value);
  };
  return { elements: [select], show };
}

function makeSwitch({ description, signal, send }: FaceParts): Face {
  const box = h("input.ne-switch", { type: "checkbox", "aria-label": description.name });
  listen(box, "change", () => send(box.checked), signal);
  const show = (value: Value) => {
    box.checked = value === true;
  };
  return { elements: [box], show };
}

/** Gives the focus to the part in the place of one that had it, and what was typed there to its namesake. */
export function succeed(old: HTMLElement, next: HTMLElement | null): void {
  next?.focus({ preventScroll: true });
  if (!isText(old) || !isText(next) || next.ariaLabel !== old.ariaLabel) return;
  if (!old.classList.contains(EDITED)) return;
  next.value = old.value;
  next.setSelectionRange(old.selectionStart, old.selectionEnd);
  next.dispatchEvent(new Event("input"));
}

function isText(part: HTMLElement | null): part is HTMLInputElement {
  return part instanceof HTMLInputElement && part.type === "text";
}

/** A typed value counts at Enter and on leaving; Escape gives it up. */
function takeTyped(
  box: HTMLInputElement,
  { hold, value, signal }: FaceParts,
  face: Face,
  take: (typed: string) => void,
): void {
  const finish = () => {
    hold(false);
    if (box.classList.contains(EDITED)) take(box.value);
    box.classList.remove(EDITED);
  };
  const focused = () => {
    hold(true);
    box.select();
  };
  const typed = () => {
    hold(true);
    box.classList.add(EDITED);
  };
  const pressed = ({ key }: KeyboardEvent) => {
    if (key === "Escape") {
      box.classList.remove(EDITED);
      hold(false);
      face.show(value());
    } else if (key === "Enter") finish();
  };
  listen(box, "focus", focused, signal);
  listen(box, "input", typed, signal);
  listen(box, "blur", finish, signal);
  listen(box, "keydown", pressed, signal);
}
