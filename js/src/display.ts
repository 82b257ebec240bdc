/** What can be done with the picture as a whole: density, the whole screen, a file of it. */

import type { Commands } from "./commands.ts";
import { FullScreen } from "./fullscreen.ts";
import { ICON } from "./icons.ts";
import { compose, download, fileName, type Sheet } from "./picture.ts";
import type { Stage } from "./stage.ts";

/** Pixels of the file for each CSS pixel, at least. */
const SHARP = 2;

export interface DisplayParts {
  root: HTMLElement;
  stage: Stage;
  commands: Commands;
  /** What stands around the picture in a file of it, and the method's name. */
  sheet(): Sheet & { method: string };
  announce(text: string): void;
}

export function declareDisplay(parts: DisplayParts, signal: AbortSignal): void {
  const { root, stage, commands } = parts;
  const full = new FullScreen(
    root,
    () => {
      commands.changed();
      stage.draw();
    },
    signal,
  );
  const view = { group: "view" };
  commands.add(
    {
      ...view,
      name: "reset view",
      keys: ["0"],
      icon: ICON.reset,
      run: () => {
        stage.camera.reset();
        stage.draw();
      },
      able: () => stage.camera.moved,
    },
    {
      ...view,
      name: "density",
      keys: ["d"],
      icon: ICON.density,
      where: "every",
      run: () => {
        stage.density = !stage.density;
      },
      on: () => stage.density,
    },
    {
      ...view,
      name: "full screen",
      keys: ["f"],
      icon: ICON.full,
      where: "first", // several maps have the screen together
      run: () => void full.toggle(),
      on: () => full.on,
    },
    {
      ...view,
      name: "save picture",
      keys: ["s"],
      icon: ICON.save,
      run: () => save(parts),
      able: () => stage.newest !== null,
    },
  );
}

function save({ stage, sheet, announce }: DisplayParts): void {
  const ratio = Math.max(SHARP, devicePixelRatio || 1);
  const scene = stage.picture(ratio);
  if (!scene || !stage.newest) return;
  const around = sheet();
  const name = fileName(around.title, around.method, stage.newest.iteration);
  download(compose(scene, ratio, around), name);
  announce(`saved ${name}`);
}
