/** Makes elements. Strings become text nodes; no markup is ever parsed. */

type Child = Node | string;

/** Where one types; there every key but the host's Save is the text's. */
const TYPED = 'textarea, input:not([type="range"], [type="checkbox"])';
const SUPPRESS = "data-lm-suppress-shortcuts";

/** What can hold the focus. JupyterLab takes the keys of every element that does not say, itself, that it wants them. */
const FOCUSABLE = new Set(["button", "canvas", "dialog", "input", "select", "textarea"]);

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, value);
  }
  if (FOCUSABLE.has(tag)) element.setAttribute(SUPPRESS, "true");
  element.append(...children);
  return element;
}

type Events = HTMLElementEventMap & DocumentEventMap & Pick<MediaQueryListEventMap, "change">;

/** Calls back at each event of a kind until the signal aborts. */
export function listen<K extends keyof Events>(
  target: EventTarget,
  kind: K,
  handler: (event: Events[K]) => void,
  signal: AbortSignal,
): void {
  target.addEventListener(kind, handler as (event: Event) => void, { signal });
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
  addEventListener("keydown", share, { capture: true, signal });
}

/** A 16 by 16 icon from one path. */
export function icon(path: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(space, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/** Sets text only where it differs, so that nothing is laid out again without need. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
