/** Makes elements. Strings become text nodes; no markup is ever parsed. */

type Attributes = Record<string, string | boolean>;

/** Where one types; there every key but the host's Save is the text's. */
const TYPED = 'textarea, input:not([type="range"], [type="checkbox"])';
const SUPPRESS = "data-lm-suppress-shortcuts";

/** What can hold the focus. JupyterLab takes the keys of every element that does not say, itself, that it wants them. */
const FOCUSABLE = new Set(["button", "canvas", "dialog", "input", "select", "textarea"]);

/** An element from a tag and its classes, as a selector has them, then attributes and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  what: K | `${K}.${string}`,
  ...parts: (Attributes | Node | string)[]
): HTMLElementTagNameMap[K] {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag as K);
  if (classes.length > 0) element.className = classes.join(" ");
  if (tag === "button") element.setAttribute("type", "button"); // and not one that submits a form around the view
  if (FOCUSABLE.has(tag!)) element.setAttribute(SUPPRESS, "true");
  for (const part of parts) {
    if (typeof part === "string" || part instanceof Node) element.append(part);
    else
      for (const [name, value] of Object.entries(part))
        if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  return element;
}

type Events = HTMLElementEventMap & DocumentEventMap & Pick<MediaQueryListEventMap, "change">;

/** Calls back at each event of a kind until the signal aborts. */
export function listen<K extends keyof Events>(
  target: EventTarget,
  kind: K,
  handler: (event: Events[K]) => void,
  signal: AbortSignal,
  how: { capture?: boolean; passive?: boolean } = {},
): void {
  target.addEventListener(kind, handler as (event: Event) => void, { signal, ...how });
}

/** Does something once, when the signal aborts. */
export function atEnd(signal: AbortSignal, act: () => void): void {
  signal.addEventListener("abort", act);
}

/**
 * Leaves keys with Ctrl, Cmd or Alt to the host, as saving the notebook, while all others stay with what has the focus
 * within `root`. JupyterLab hears keys on their way down from the document; so this hears them before, at the window.
 */
export function shareKeys(root: HTMLElement, signal: AbortSignal): void {
  const share = (event: KeyboardEvent) => {
    const { target, key } = event;
    if (!(target instanceof Element) || !root.contains(target)) return;
    const theirs = event.ctrlKey || event.metaKey || event.altKey;
    const shared = theirs && (key.toLowerCase() === "s" || !target.matches(TYPED));
    if (shared) target.removeAttribute(SUPPRESS);
    else if (FOCUSABLE.has(target.localName)) target.setAttribute(SUPPRESS, "true");
  };
  listen(window, "keydown", share, signal, { capture: true });
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** A 16 by 16 icon from one path. */
export function icon(path: string): SVGSVGElement {
  const whole = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
  whole.append(svg("path", { d: path }));
  return whole;
}

/** Sets text only where it differs, so that nothing is laid out again without need. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Puts the handle of a slider through the iterations of a run where it belongs. */
export function put(slider: HTMLInputElement, at: number, last: number): void {
  slider.max = String(last);
  slider.value = String(at);
  slider.disabled = last === 0;
  slider.style.setProperty("--ne-share", last > 0 ? (at / last).toFixed(4) : "1");
}
