/** Maps side by side: a picture of each, and one legend, selection, search and set of tools for all. */

import { Back } from "./back.ts";
import { GONE, ICONS, offered } from "./bar.ts";
import { Beside, type Member } from "./beside.ts";
import type { Command } from "./commands.ts";
import { readControls, readScene } from "./described.ts";
import { atEnd, h, icon, listen, say } from "./dom.ts";
import { ICON } from "./icons.ts";
import { Pane } from "./pane.ts";
import { Panel } from "./panel.ts";
import { isRaw } from "./raw.ts";
import { counted } from "./scale.ts";
import { watchTheme } from "./theme.ts";
import { onChange } from "./traits.ts";
import type { Model, Told, Value } from "./types.ts";
import { View } from "./view.ts";
import { Voice } from "./voice.ts";
import { readSetReply } from "./wire.ts";

/** Of two to six pictures, how many stand in a row where there is room. */
const COLUMNS = [0, 1, 2, 3, 2, 3, 3];

export class Compare {
  readonly #root = h("div.ne-root.ne-compare");
  readonly #pictures = h("div.ne-pictures");
  readonly #side = h("aside.ne-side");
  readonly #runs = h("section.ne-runs", { "aria-label": "Runs" });
  readonly #board = h("div.ne-board");
  readonly #title = h("div.ne-about");
  readonly #symbol = icon(ICONS.play);
  readonly #word = h("span", "Play all");
  readonly #toggle = h("button.ne-button.ne-primary", this.#symbol, this.#word);
  readonly #head = h("div.ne-compare-head", this.#toggle, this.#title);
  readonly #back: Back;
  readonly #shared: Panel;
  readonly #recorded: boolean;
  readonly #beside: Beside;
  readonly #panes: Pane[];
  /** What each run told last. */
  readonly #told = new Map<Member, Told>();
  #lastId = Math.floor(Math.random() * 2 ** 40);

  constructor(
    private readonly model: Model,
    element: HTMLElement,
    private readonly signal: AbortSignal,
  ) {
    const views = model.get("_views");
    this.#panes = (Array.isArray(views) ? views : []).map((_, place) => new Pane(model, place));
    this.#recorded = model.get("_recorded") === true;
    this.#root.classList.toggle("ne-recording", this.#recorded);
    this.#shared = new Panel(
      {
        set: (name, value) => this.#set(name, value),
        reset: () => {
          for (const { link } of this.#moving()) link.act("reset");
        },
      },
      this.#recorded,
      signal,
    );
    this.#back = new Back((iteration) => {
      for (const { look } of this.#moving()) look(iteration);
    }, signal);
    const voice = new Voice(signal);
    this.#beside = new Beside(
      this.#root,
      this.#board,
      voice,
      this.#back,
      {
        joined: (member) => this.#joined(member),
        told: (member, told) => this.#follow(member, told),
      },
      signal,
    );
    listen(this.#toggle, "click", () => this.#playOrPause(), signal);
    this.#pictures.style.setProperty("--ne-columns", String(COLUMNS[this.#panes.length] ?? 3));
    this.#side.append(this.#shared.element, this.#runs);
    this.#board.append(this.#head, this.#pictures, this.#side);
    this.#root.append(this.#board, this.#back.element, voice.element);
    element.append(this.#root);
    atEnd(signal, () => this.#root.remove());
    for (const pane of this.#panes) new View(pane, this.#pictures, signal, this.#beside);
    this.#listen();
  }

  #listen(): void {
    watchTheme(this.signal, (theme) => {
      this.#root.dataset.theme = theme;
    });
    onChange(this.model, this.signal, "_scene", () => {
      const { title, n } = readScene(this.model.get("_scene"));
      this.#title.replaceChildren(h("strong", title), `${counted(n)} points`);
    });
    onChange(this.model, this.signal, "_shared", () =>
      this.#shared.show(readControls(this.model.get("_shared"))),
    );
    onChange(this.model, this.signal, "_arranged", () => this.#arrange());
    const heard = (content: unknown) => {
      if (isRaw(content) && content.k === "set" && content.view_of === undefined)
        this.#shared.answer(readSetReply(content));
    };
    this.model.on("msg:custom", heard);
    atEnd(this.signal, () => this.model.off("msg:custom", heard));
    this.#refresh();
  }

  /** Of the first picture tools, help, summary and legend are shown; each run has its controls. */
  #joined(member: Member): void {
    const { root, stage, bar, panel, commands, parts } = member;
    const { tools, help, summary, held, legend } = parts;
    const place = this.#beside.members.length - 1;
    const pane = this.#panes[place]!;
    const { title } = readScene(pane.get("_scene"));
    root.classList.add("ne-pane");
    root.classList.toggle("ne-stands", pane.stands);
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", title);
    stage.element.append(bar.note);
    if (pane.stands) bar.element.remove();
    else {
      const box = h("details.ne-run", h("summary", title), bar.element, panel.element);
      this.#runs.append(box, held.element);
    }
    commands.add(...this.#commands());
    if (place > 0) return;
    this.#head.append(tools.element);
    this.#side.append(summary.element, legend.element);
    this.#root.append(help.element);
  }

  #commands(): Command[] {
    const group = "comparison";
    const difference = (name: string, kind: string, key: string, path: string): Command => ({
      name,
      keys: [key],
      icon: path,
      group,
      run: () => this.#choose("difference", this.#beside.difference === kind ? null : kind),
      on: () => this.#beside.difference === kind,
    });
    return [
      {
        name: "move pictures as one",
        keys: ["k"],
        icon: ICON.linked,
        group,
        run: () => this.#choose("linked", !this.#beside.linked),
        on: () => this.#beside.linked,
      },
      difference("lines from the first map", "lines", "j", ICON.ways),
      difference("ghost of the first map", "ghost", "g", ICON.ghost),
      {
        name: "one panel for all runs",
        keys: ["c"],
        icon: ICON.together,
        group,
        run: () => this.#choose("controls", this.#together ? "separate" : "shared"),
        on: () => this.#together,
      },
    ];
  }

  get #together(): boolean {
    return this.#root.classList.contains("ne-together");
  }

  /** Arranges it otherwise at once, and tells the kernel. */
  #choose(name: string, value: Value): void {
    const kept = this.model.get("_arranged");
    this.#arrange({ ...(isRaw(kept) ? kept : {}), [name]: value });
    this.#send({ k: "arrange", name, value });
  }

  #arrange(kept: unknown = this.model.get("_arranged")): void {
    const { difference, linked, controls } = isRaw(kept) ? kept : ({} as Record<string, unknown>);
    this.#beside.difference = difference === "lines" || difference === "ghost" ? difference : null;
    if (this.#beside.linked !== (linked !== false)) this.#beside.linked = linked !== false;
    this.#root.classList.toggle("ne-together", controls === "shared");
    this.#beside.changed();
    this.#beside.draw();
  }

  /** The runs among the maps. */
  #moving(): Member[] {
    return this.#beside.members.filter((_, place) => !this.#panes[place]!.stands);
  }

  /** Play has all runs go on, those at rest as well; Pause halts all as long as one moves. */
  get #offers() {
    return offered(
      this.#moving().some((member) => this.#told.get(member)?.state === "running") ? "running" : "",
    );
  }

  #playOrPause(): void {
    const { action } = this.#offers;
    for (const { link } of this.#moving()) link.act(action);
  }

  #follow(member: Member, told: Told): void {
    const { wanted } = this.#back;
    const was = this.#told.get(member)?.iteration ?? 0;
    this.#told.set(member, told);
    this.#refresh();
    // A run that was not as far as the others has come to where they are looked at.
    if (wanted !== null && was <= wanted && told.iteration > wanted) member.look(wanted);
    // Of a parameter that several runs have the shared panel shows the first one's.
    const before = this.#moving().slice(0, this.#moving().indexOf(member));
    const known = new Set(before.flatMap((other) => Object.keys(this.#told.get(other)?.params ?? {})));
    const own = Object.entries(told.params).filter(([name]) => !known.has(name));
    this.#shared.follow({ ...told, params: Object.fromEntries(own) });
  }

  #refresh(): void {
    this.#toggle.hidden = this.#back.element.hidden = this.#recorded || this.#moving().length === 0;
    this.#back.reach(Math.max(0, ...[...this.#told.values()].map(({ iteration }) => iteration)));
    const gone = this.#moving().some((member) => this.#told.get(member)?.state === GONE);
    this.#toggle.disabled = this.#shared.element.inert = this.#back.element.inert = gone; // one kernel has them all
    const { name, icon } = this.#offers;
    say(this.#word, `${name} all`);
    this.#symbol.firstElementChild?.setAttribute("d", icon);
  }

  #set(name: string, value: Value): number {
    this.#send({ k: "set", id: ++this.#lastId, name, value });
    return this.#lastId;
  }

  /** A link that is closed throws; the pictures say so. */
  #send(content: Record<string, unknown>): void {
    try {
      this.model.send(content);
    } catch {}
  }
}
