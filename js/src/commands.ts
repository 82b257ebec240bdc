/** What a person can do with the picture, declared once: buttons, keys and the help are made from it. */

export interface Command {
  name: string;
  /** What its button says, where the button stands among others of its kind. */
  label?: string;
  /** As `KeyboardEvent.key` has it; several keys may do the same. */
  keys?: readonly string[];
  /** The path of a 16 by 16 icon; a command without one has no button among the tools. */
  icon?: string;
  /** Where maps are compared: done in every picture at once, or in the first; otherwise in the one in use. */
  where?: "every" | "first";
  /** Tools of one group stand together. */
  group: string;
  run(): void;
  /** Whether it is on, for what is switched on and off. */
  on?(): boolean;
  /** Whether it can be done now. */
  able?(): boolean;
  /** Changes the run, or asks it: there is no such thing in a recording. */
  live?: boolean;
}

const SPOKEN: Record<string, string> = {
  " ": "space",
  ".": "full stop",
  "+": "plus",
  "-": "minus",
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

export class Commands {
  readonly all: Command[] = [];
  #changed: (() => void)[] = [];
  /** The command of this name that is meant, where several pictures have it. */
  meant: (command: Command) => Command = (command) => command;
  /** Does a command where it is meant to be done. */
  perform: (command: Command) => void = (command) => command.run();

  /** Of a recording, commands that need a run are left out: it has no such buttons, keys and lines of help. */
  constructor(private readonly recorded = false) {}

  add(...commands: Command[]): void {
    this.all.push(...commands.filter(({ live }) => !live || !this.recorded));
    this.changed();
  }

  /** Does what a key stands for; false where it stands for nothing. */
  press(key: string): boolean {
    const command = this.all.find(({ keys }) => keys?.includes(key));
    if (!command) return false;
    if (command.able?.() ?? true) this.do(command);
    return true;
  }

  do(command: Command): void {
    this.perform(command);
    this.changed();
  }

  /** Says that a command may have become possible, or been switched on or off. */
  changed(): void {
    for (const callback of this.#changed) callback();
  }

  onChange(callback: () => void): void {
    this.#changed.push(callback);
  }

  /** One line for people who cannot see the buttons. */
  describe(): string {
    const parts = this.all
      .filter(({ keys }) => keys?.length)
      .map(({ name, keys }) => `${name}: ${spoken(keys![0]!)}`);
    return `${parts.join(", ")}. The wheel zooms while the picture has the focus.`;
  }
}

/** A key as it is read out. */
export function spoken(key: string): string {
  return SPOKEN[key] ?? key;
}
