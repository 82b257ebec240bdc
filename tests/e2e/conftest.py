import re
import shutil

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from tests.browsers import ARGUMENTS, browser_path

from .servers import ROOT, jupyter

POINTS = "5000"  # of Fashion-MNIST; on a small machine all 70,000 take minutes to find their neighbours

# Never at rest, however busy the machine is: a run at rest has no Pause.
LIVE = """
import numpy as np
import ne_interactive as ne
X = np.random.default_rng(0).normal(size=(300, 5)) + 6 * np.eye(5)[np.arange(300) % 5]
y = np.arange(300) % 5
restless = {"tol": 0, "min_grad_norm": 0}
w = ne.explore(X, ne.TSNE(random_state=0, perplexity=10, **restless), labels=y, height=400, max_speed=100)
w
"""


COMPARED = (
    LIVE.partition("w = ")[0].strip()
    + """
c = ne.compare(X, {n: ne.TSNE(perplexity=p, **restless) for n, p in {"few": 5, "many": 40}.items()},
               labels=y, height=300)
for run in c.runs:
    run.max_speed = 30
c
"""
)

DRAGGED = LIVE.strip().replace("max_speed=100", "max_speed=10")

# Two more faces of the run in LIVE.
BESIDE = [
    "p = ne.PlotlyView(w.run, labels=np.arange(300) % 5)\np",
    "c = ne.controls(w.run)\nc",
]


WHOLE = """
import numpy as np
import ne_interactive as ne
clothes = ne.datasets.fashion_mnist(1500)
w = ne.explore(clothes.X, ne.TSNE(random_state=0, tol=0, min_grad_norm=0), labels=clothes.y, height=400, max_speed=40)
w
"""


NOTEBOOKS = {  # one for each test: notebooks keep their kernels and outputs
    "live": [LIVE],
    "links": [LIVE],
    "drag": [DRAGGED, "# a cell below"],
    "beside": [LIVE, *BESIDE],
    "compare": [COMPARED, "c.selection.tolist()"],
    "focus": [LIVE, "# a cell below"],
    "whole": [WHOLE, "# a cell below"],
}


@pytest.fixture(scope="session")
def serving(tmp_path_factory):
    """A Jupyter server on a copy of the notebooks, and on others that show small runs."""
    home = tmp_path_factory.mktemp("jupyter")
    folder = home / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".*"))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    for name, sources in NOTEBOOKS.items():
        cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / f"{name}.ipynb")
    with jupyter(home, folder, NE_INTERACTIVE_N=POINTS) as server:
        yield server


@pytest.fixture
def server(serving):
    """The Jupyter server, without kernels of other tests."""
    yield serving
    serving.end_kernels()


@pytest.fixture
def errors():
    """What was written to the console as an error; a test may take away what it means to cause."""
    return []


@pytest.fixture
def page(errors):
    """A page that fails the test if anything is written to the console as an error."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
    assert [text for text in errors if not any(re.fullmatch(noise, text) for noise in NOISE)] == []


# What a host itself writes to the console, whatever is open; each with its reason.
NOISE = [
    r"Cannot read properties of undefined \(reading 'schema'\)",  # Notebook 7, of a settings form, before any cell runs
    r"Command 'filebrowser:open-path' not registered\.",  # Notebook 7, where JupyterLab's state lies on the same server
]
