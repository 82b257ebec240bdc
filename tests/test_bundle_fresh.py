"""The committed bundle is what the sources give today."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
STATIC = Path("ne_interactive") / "widget" / "static"
LARGEST = 150 * 1024  # bytes: every view in a notebook carries the bundle, without what plays a recording


def test_a_fresh_build_gives_the_committed_bundle(tmp_path):
    node = shutil.which("node")
    assert node, "Node is missing on PATH; `./ne test` brings it into .venv."
    modules = ROOT / "js" / "node_modules"
    assert modules.is_dir(), "js/node_modules is missing: run `npm --prefix js ci`; `./ne test` does so."
    shutil.copytree(ROOT / "js", tmp_path / "js", ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "js" / "node_modules").symlink_to(modules, target_is_directory=True)
    (tmp_path / STATIC).mkdir(parents=True)
    built = subprocess.run(
        [node, "build.mjs"], cwd=tmp_path / "js", capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    fresh = {path.name: path.read_bytes() for path in (tmp_path / STATIC).iterdir()}
    committed = {path.name: path.read_bytes() for path in (ROOT / STATIC).iterdir()}
    assert fresh.keys() == committed.keys()
    stale = [name for name in fresh if fresh[name] != committed[name]]
    assert not stale, "run `npm --prefix js run build` and commit the result"
    assert sum(len(fresh[name]) for name in ("widget.js", "widget.css")) <= LARGEST
