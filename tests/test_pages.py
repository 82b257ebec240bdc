"""What the README and the pages say can be typed, typed: one block after another, as a reader would."""

import contextlib
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ipywidgets import widgets

import ne_interactive as ne

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```python\n(.*?)```", re.S)
PAGES = ["README.md", *(f"docs/{name}.md" for name in ("index", "quickstart", "steering", "methods"))]
WHOLE = "docs/quickstart.md"  # whose sections go on from each other
GOING_ON = "docs/steering.md"  # whose sections are each about a run that there is


def parts():
    """A page as a whole, or its sections, with the blocks in it."""
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for part in [text] if page == WHOLE else text.split("\n## "):
            if blocks := BLOCK.findall(part):
                yield pytest.param(page, blocks, id=f"{page}: {part.splitlines()[0].lstrip('# ')}")


def given():
    """What a reader has: rows, labels, a table beside them, rows that come later."""
    rng = np.random.default_rng(0)
    y = np.arange(160) % 5
    X = (rng.normal(size=(160, 6)) + 4 * np.eye(6)[y]).astype(np.float32)
    table = pd.DataFrame({"name": [f"row {i}" for i in range(160)], "price": rng.gamma(2.0, size=160)})
    new = rng.normal(size=(10, 6)).astype(np.float32)
    adata = SimpleNamespace(X=X, obs=table, obs_names=table.index)  # as AnnData is
    rows = {"X": X, "y": y, "table": table, "cluster": y == 3, "X_new": new, "adata": adata}
    return {"ne": ne, "widgets": widgets} | rows


def going_on(names):
    """A run and a view of it with a branch, another run, a map made elsewhere, and maps compared."""
    run = ne.Stepper(names["X"], ne.TSNE(perplexity=10, random_state=0))
    run.step(60)
    view = ne.explore(run, labels=names["y"], hover=names["table"], start=False)
    view.branch(30)
    view.show(run)
    other = ne.Stepper(names["X"], ne.UMAP(max_iter=50))
    Z = names["X"][:, :2]
    c = ne.compare({"t-SNE": run, "elsewhere": Z}, labels=names["y"], start=False)
    return {"run": run, "w": view, "view": view, "other": other, "Z": Z, "c": c}


@pytest.fixture(autouse=True)
def end_what_was_opened():
    yield
    widgets.Widget.close_all()


@pytest.mark.parametrize(("page", "blocks"), list(parts()))
def test_blocks_run_as_they_are_written(page, blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = given()
    if page == GOING_ON:
        names |= going_on(names)
    with contextlib.redirect_stdout(io.StringIO()):
        for block in blocks:
            exec(compile(block, page, "exec"), names)
    for value in names.values():
        if isinstance(value, ne.Stepper):
            value.stop()
