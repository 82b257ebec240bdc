"""A kernel that was kept is compiled anew where anything has changed that it is made of."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ne_interactive
from ne_interactive.graph import stamps
from ne_interactive.graph.stamps import ROOT, stamp

PACKAGE = Path(ne_interactive.__file__).parent
SCRIPT = """
import torch
from ne_interactive.forces import attraction
from ne_interactive.graph.csr import symmetrize

graph = symmetrize(torch.tensor([[1], [0]]), torch.ones(2, 1))
forces, _ = attraction.gaussian(graph, torch.tensor([[0.0, 0.0], [3.0, 1.0]]), False)
print(*forces.flatten().tolist())
"""


@pytest.fixture(autouse=True)
def forgotten():
    """Files are read once in a process; here they change."""
    stamp.cache_clear(), stamps._read.cache_clear()
    yield
    stamp.cache_clear(), stamps._read.cache_clear()


@pytest.fixture
def package(tmp_path):
    root = tmp_path / ROOT.name
    for name, text in {
        "first/one.py": f"from {ROOT.name}.first.two import a\nfrom {ROOT.name}.second import three, nothing\n",
        "first/two.py": f"from {ROOT.name}.first.one import b  # each other\nimport os\n",
        "second/three.py": f"from {ROOT.name}.second.four import (\n    c,\n    d,\n)\n",
        "second/four.py": "c = d = 1\n",
        "second/five.py": f"from {ROOT.name}.first import one\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("changed", ["first/one", "first/two", "second/three", "second/four"])
def test_what_is_imported_however_far_off_changes_a_stamp(package, changed):
    before = stamp(package / "first/one.py", package)
    path = package / f"{changed}.py"
    path.write_text(path.read_text() + "\n")
    stamp.cache_clear(), stamps._read.cache_clear()
    assert stamp(package / "first/one.py", package) != before


def test_what_is_not_imported_changes_nothing(package):
    before = stamp(package / "first/one.py", package)
    (package / "second/five.py").write_text("e = 2\n")
    stamp.cache_clear(), stamps._read.cache_clear()
    assert stamp(package / "first/one.py", package) == before


def test_a_file_that_cannot_be_read_has_a_stamp(package):
    assert stamp(package / "gone.py", package) == stamp(package / "gone too.py", package)


def test_loops_over_edges_are_made_of_strengths_and_vectors():
    within = {path.stem for path in _closure(ROOT / "forces/along.py")}
    assert {"along", "strengths", "vectors", "curve", "edges", "parallel"} <= within
    assert "mesh" not in within


def _closure(path):
    found, left = set(), [path]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += stamps._read(one, ROOT)[1]
    return found


def test_a_kernel_is_compiled_anew_where_what_it_calls_has_changed(tmp_path):
    copy = shutil.copytree(
        PACKAGE, tmp_path / ROOT.name, ignore=shutil.ignore_patterns("__pycache__", "static")
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "kept")}

    def forces():
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return [float(part) for part in done.stdout.split()]

    def kept():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*_planar*.nbc")}

    before = forces()
    first = kept()
    assert len(first) == 1
    assert forces() == before
    assert kept() == first  # it was loaded
    path = copy / "forces/strengths.py"
    text, was = path.read_text(), "def _gaussian_slope(kernel, squared):\n    return alike(ONE)"
    changed = text.replace(was, was.replace("ONE", "TWO"))
    assert changed != text
    path.write_text(changed)
    assert forces() == [2 * part for part in before]
