/** A text for the clipboard; where the browser refuses, a box to copy it from. */

import { h, listen } from "./dom.ts";

/** Puts the text into the clipboard; false where that is not possible. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Shows the text in a box inside `place`, selected, until it is closed. */
export function offer(text: string, place: HTMLElement, signal: AbortSignal): void {
  place.querySelector(".ne-paper")?.remove();
  const field = h("textarea", { readonly: true, spellcheck: "false", "aria-label": "the script" });
  field.value = text;
  const close = h("button.ne-act", "Close");
  const note = h("span", "Copy from here");
  const box = h(
    "div.ne-paper",
    { role: "dialog", "aria-label": "Copy as Python" },
    field,
    h("div.ne-acts", note, close),
  );
  listen(close, "click", () => box.remove(), signal);
  listen(
    box,
    "keydown",
    (event) => {
      event.stopPropagation();
      if (event.key === "Escape") box.remove();
    },
    signal,
  );
  place.append(box);
  field.focus();
  field.select();
}
