"""What holds for the project as a whole: layout, locks, rooms, notebooks, the wheel."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import ne_interactive as ne

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ne_interactive"
LOCK = ROOT / ".ci" / "lock.txt"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

ROOMS = ["params", "data", "graph", "quality", "forces", "engine", "methods", "widget", "cli"]
LAST = {"widget", "cli"}  # the two ends of the row: neither imports the other
OPTIONAL = {"faiss", "pykeops", "triton"}
ROOT_ENTRIES = {
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "ne",
    "ne_interactive",
    "notebooks",
    "tests",
    "js",
    "docs",
}


def tracked():
    """Every file of the project: tracked, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:  # an unpacked archive: no git, so all that is not made by a tool
        made = {
            ".venv",
            "node_modules",
            "_build",
            "_notebooks",
            "__pycache__",
            ".pytest_cache",
            ".ruff_cache",
        }
        return [path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.parts)]
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def imports(path):
    """Every module that a file names in an import, wherever the import stands."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ["ne_interactive", *path.relative_to(PACKAGE).parts[:-1]]
            prefix = base[: len(base) - node.level + 1] if node.level else []
            module = ".".join([*prefix, *([node.module] if node.module else [])])
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return names


def room_files():
    return [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py"))]


def test_the_rooms_are_those_that_are_named():
    found = {
        path.name
        for path in PACKAGE.iterdir()
        if path.is_dir() and path.name not in ("__pycache__", "notebooks")
    }
    assert found == set(ROOMS)
    assert [path.name for path in PACKAGE.glob("*.py")] == ["__init__.py"]


def test_the_root_holds_what_it_may():
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= ROOT_ENTRIES


@pytest.mark.parametrize("path", room_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    room = path.relative_to(PACKAGE).parts[0]
    allowed = set(ROOMS[: ROOMS.index(room) + 1]) - (LAST - {room})
    used = {name.split(".")[1] for name in imports(path) if name.startswith("ne_interactive.")} & set(ROOMS)
    assert used <= allowed, f"{room} must not import {sorted(used - allowed)}"


def test_files_of_a_room_do_not_import_each_other_in_a_ring():
    graph = {}
    for path in room_files():
        module = ".".join(["ne_interactive", *path.relative_to(PACKAGE).with_suffix("").parts])
        graph[module] = set(imports(path))
    done, open_ = set(), []

    def visit(module):
        assert module not in open_, " -> ".join([*open_, module])
        if module in done:
            return
        open_.append(module)
        for other in graph[module] & graph.keys():
            visit(other)
        done.add(open_.pop())

    for module in graph:
        visit(module)


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_an_optional_package_is_imported_in_one_file(name):
    users = [
        path for path in PACKAGE.rglob("*.py") if any(used.split(".")[0] == name for used in imports(path))
    ]
    assert len(users) <= 1, users


def test_the_bare_import_needs_no_jupyter():
    code = (
        "import sys, ne_interactive as ne; ne.TSNE; ne.Stepper;"
        "print([m for m in ('anywidget', 'ipywidgets', 'IPython', 'plotly', 'umap', 'faiss') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"


def test_the_bare_import_is_light():
    code = (
        "import sys, time; import torch; began = time.perf_counter(); import ne_interactive;"
        "print(time.perf_counter() - began, [m for m in ('sklearn', 'numba', 'scipy', 'pandas') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, loaded = shown.stdout.split(maxsplit=1)
    assert loaded.strip() == "[]"
    assert float(seconds) < 0.3


def test_every_public_name_resolves():
    import ne_interactive as ne

    assert len(ne.__all__) <= 36
    assert [name for name in ne.__all__ if not hasattr(ne, name)] == []
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        ne.nothing  # noqa: B018


def test_the_version_is_said_once_and_the_same():
    import ne_interactive

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == ne_interactive.__version__
    assert f"## {project['version']}\n" in (ROOT / "docs" / "changelog.md").read_text()


def test_the_lock_holds_names_and_versions_only():
    lines = LOCK.read_text().splitlines()
    assert [
        line for line in lines if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][0-9A-Za-z.]*", line)
    ] == []
    names = [normal(line.split("==")[0]) for line in lines]
    assert len(names) == len(set(names))
    assert any(re.fullmatch(r"torch==2\.13\.\d+", line) for line in lines)


def test_the_lock_holds_everything_that_the_tests_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    installed = ("cpu", "keops", "notebook", "test", "docs")
    wanted = [*project["dependencies"], *(name for key in installed for name in extras[key])]
    locked = {normal(line.split("==")[0]) for line in LOCK.read_text().splitlines()}
    assert {normal(re.match(r"[A-Za-z0-9._-]+", line)[0]) for line in wanted} - locked == set()


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_javascript_lock_names_no_registry():
    lock = json.loads((ROOT / "js" / "package-lock.json").read_text())
    assert lock["lockfileVersion"] >= 3
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []


# Put together here, so that this file does not hold what it looks for.
UNWANTED = [
    r"(?<![\w.~/])/" + r"(?:work|farm|root|home|Users|mnt|data)/\w",
    r"/opt/" + r"(?:wheels|pypi)",
    "file:" + "//",
    r"(?:files\.)?python" + r"hosted\.org",
    r"pypi\." + r"org",
    r"registry\." + r"npmjs",
    r"download\." + r"pytorch",
    r"\+" + r"cpu\b",
    r"(?:cdn\.|unpkg\." + r"com|jsdelivr\.net|esm\." + r"sh)",
]


def test_no_file_names_a_machine_or_a_registry():
    pattern = re.compile("|".join(UNWANTED))
    found = []
    for path in tracked():
        if path.suffix in (".png", ".bin", ".npz"):
            continue
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(ROOT)}: {hit[0]!r}" for hit in pattern.finditer(text)]
    assert found == []


def test_there_are_the_two_notebooks():
    assert [path.name for path in NOTEBOOKS] == ["01_first_embedding.ipynb", "02_steer_while_it_runs.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_committed_clean(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        checked = "NBVAL_CHECK_OUTPUT" in "".join(cell["source"])
        assert (cell["execution_count"] is not None) == checked, "nbval compares only cells that were run"
        assert bool(cell["outputs"]) == checked, "only what is compared is committed: " + cell["source"][0]
        for output in cell["outputs"]:
            data = output.get("data", {"text/plain": output.get("text")})
            assert set(data) == {"text/plain"}
            assert output.get("name") != "stderr"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_bundle_as_committed(wheel):
    static = [path for path in (PACKAGE / "widget" / "static").iterdir() if path.is_file()]
    assert {path.name for path in static} >= {"widget.js", "widget.css"}
    for path in static:
        assert wheel.read(path.relative_to(ROOT).as_posix()) == path.read_bytes()


def test_the_wheel_holds_the_notebooks_and_nothing_strange(wheel):
    names = wheel.namelist()
    for path in NOTEBOOKS:
        assert wheel.read(f"ne_interactive/notebooks/{path.name}") == path.read_bytes()
    kinds = {Path(name).suffix for name in names if name.startswith("ne_interactive/")}
    assert kinds <= {".py", ".js", ".css", ".ipynb", ".typed"}
    assert all(name.startswith(("ne_interactive/", "ne_interactive-")) for name in names)


def test_the_page_of_methods_explains_each():
    page = (ROOT / "docs" / "methods.md").read_text()
    for method in ne.METHODS.values():
        name = method.__name__
        assert f".. autoclass:: ne_interactive.{name}\n" in page
        assert re.search(rf"^\| .*`{name}`", page, re.MULTILINE), f"{name} is not in the table"
        assert re.search(r"\((?:.*?) (?:19|20)\d\d|arXiv:|doi:", method.__doc__), f"{name} names no paper"
