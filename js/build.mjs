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
// Properties that stay within one copy of the bundle: none of these names is one of the browser's, travels to the kernel
// or comes from it, is also a text, or hangs on what the copies on a page share. test/internal.test.ts holds to that.
const internal = JSON.parse(readFileSync(here("internal.json"), "utf8"));
const shortened = { mangleProps: new RegExp(`^(?:${internal.join("|")})$`) };
const script = { ...common, format: "iife", plugins: [shaders] };
await build({
  ...script,
  ...view,
  ...shortened,
  entryPoints: [here("src/index.ts")],
  outfile: `${out}widget.js`,
});
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
