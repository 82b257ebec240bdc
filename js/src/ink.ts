/** The view's colours as the style sheet has them, for what is drawn by hand: asking the page at each drawing is slow. */

export class Ink {
  readonly #known = new Map<string, string>();

  constructor(private readonly element: Element) {}

  /** The value of a variable, such as `--ne-accent`, in the theme of now. */
  of(name: string): string {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const value = getComputedStyle(this.element).getPropertyValue(name).trim();
    if (value) this.#known.set(name, value); // until the style sheet is there, it is asked for again
    return value;
  }

  /** The theme is another. */
  renew(): void {
    this.#known.clear();
  }
}
