import { mkdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const BUDGET = 150 * 1024;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here("../ne_interactive/widget/static/");
mkdirSync(out, { recursive: true });

const common = { bundle: true, minify: true, target: "es2022", charset: "utf8", legalComments: "none" };
await build({ ...common, format: "esm", entryPoints: [here("src/index.ts")], outfile: `${out}widget.js` });
await build({ ...common, entryPoints: [here("src/style.css")], outfile: `${out}widget.css` });

const sizes = ["widget.js", "widget.css"].map((name) => statSync(out + name).size);
process.stdout.write(`widget.js ${sizes[0]} bytes, widget.css ${sizes[1]} bytes\n`);
if (sizes[0] + sizes[1] > BUDGET) throw new Error(`The bundle must stay below ${BUDGET} bytes.`);
