import { mkdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const BUDGET = 150 * 1024;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here("../ne_interactive/widget/static/");
mkdirSync(out, { recursive: true });

// White space in the shaders is for those who read them here.
const shaders = {
  name: "shaders",
  setup(builds) {
    builds.onLoad({ filter: /shaders\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/\n\s+/g, "\n"),
      loader: "ts",
    }));
  },
};
const common = { bundle: true, minify: true, target: "es2022", charset: "utf8", legalComments: "none" };
// A script that makes one name, and a last line that makes a module of it: a page without a server can import none,
// and leaves the line out.
const view = { globalName: "neView", footer: { js: "export default neView.default;" } };
const script = { ...common, format: "iife", plugins: [shaders] };
await build({ ...script, ...view, entryPoints: [here("src/index.ts")], outfile: `${out}widget.js` });
await build({ ...script, entryPoints: [here("src/offline.ts")], outfile: `${out}offline.js` });
await build({ ...common, entryPoints: [here("src/style.css")], outfile: `${out}widget.css` });

const sizes = Object.fromEntries(
  ["widget.js", "offline.js", "widget.css"].map((name) => [name, statSync(out + name).size]),
);
process.stdout.write(
  `${Object.entries(sizes)
    .map(([name, size]) => `${name} ${size} bytes`)
    .join(", ")}\n`,
);
const notebook = sizes["widget.js"] + sizes["widget.css"];
if (notebook > BUDGET) throw new Error(`The bundle must stay below ${BUDGET} bytes.`);
