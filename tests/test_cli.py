"""The command line: what it reads, refuses, writes and saves when it is interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.cli import lab, tables
from ne_interactive.cli.command import main
from ne_interactive.params.errors import DataError, ParameterError, StateError


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32)


@pytest.fixture
def data(tmp_path, rows):
    path = tmp_path / "rows.npy"
    np.save(path, rows)
    return path


def fails(capsys, *arguments):
    """Run, expect exit code 2, and give the one line on stderr."""
    assert main([str(argument) for argument in arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("ne-interactive: error: ")
    assert shown.err.count("\n") == 1
    return shown.err


def test_run_does_what_the_estimator_does(tmp_path, data, rows, capsys):
    out = tmp_path / "map.npy"
    code = main(
        ["run", str(data), "-o", str(out), "--set", "perplexity=20", "--set", "max_iter=40", "--seed", "3"]
    )
    shown = capsys.readouterr()
    assert code == 0
    assert f"{out}: 120 x 2, iteration 40 of 40, loss " in shown.out
    assert "seed 3" in shown.out
    assert "40/40" in shown.err
    assert "loss=" in shown.err
    expected = ne.TSNE(perplexity=20, max_iter=40, random_state=3).fit_transform(rows)
    np.testing.assert_array_equal(np.load(out), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.npy", "rows.npy"]


def test_run_with_umap_and_an_alias_writes_csv(tmp_path, data):
    out = tmp_path / "map.csv"
    options = [
        "--method",
        "UMAP",
        "--set",
        "learning_rate=0.5",
        "--set",
        "max_iter=5",
        "--set",
        "backend=none",
    ]
    assert main(["run", str(data), "-o", str(out), *options, "--seed", "0"]) == 0
    assert out.read_text().splitlines()[0] == "ne0,ne1"
    Z = np.loadtxt(out, delimiter=",", skiprows=1, dtype=np.float32)
    expected = ne.UMAP(lr=0.5, max_iter=5, backend=None, random_state=0).fit_transform(tables.read(data))
    np.testing.assert_array_equal(Z, expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "tnse"], "There is no method 'tnse'. Did you mean tsne?"),
        (["--method", "nothing"], "There are contrastivespectrum, cosne, "),
        (["--set", "perplexty=5"], "TSNE has no parameter 'perplexty'. Did you mean perplexity?"),
        (["--set", "perplexity"], "--set takes NAME=VALUE"),
        (["--set", "perplexity=many"], "TSNE.perplexity must be a number; got 'many'"),
        (["--set", "perplexity=0.5"], "TSNE.perplexity must lie in (1, "),
        (["--set", "perplexity=500"], "for 120 points"),
        (["--set", "perplexity=5", "--set", "perplexity=6"], "gives perplexity twice"),
        (["--set", "lr=5", "--set", "learning_rate=6"], "another name of 'lr'"),
        (["--set", "distributed=true"], "distributed must be False"),
        (["--seed", "1", "--set", "random_state=2"], "--seed and --set random_state are the same"),
        (["--seed", "-1"], "random_state"),
        (["--every", "0"], "--every must be at least 1; got 0"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(tmp_path, data, capsys, options, said):
    out = tmp_path / "map.npy"
    assert said in fails(capsys, "run", data, "-o", out, *options)
    assert not out.exists()


def test_a_bad_setting_is_found_before_the_data_are_read(tmp_path, capsys):
    said = fails(capsys, "run", tmp_path / "missing.npy", "-o", tmp_path / "map.npy", "--set", "perplexity=0")
    assert "perplexity" in said


def test_the_output_is_checked_first(tmp_path, data, capsys):
    there = tmp_path / "there.npy"
    there.write_text("mine")
    assert "already there; --force replaces it" in fails(capsys, "run", data, "-o", there)
    assert there.read_text() == "mine"
    assert "must end in .npy or .csv" in fails(capsys, "run", data, "-o", tmp_path / "map.txt")
    assert "There is no folder" in fails(capsys, "run", data, "-o", tmp_path / "no" / "map.npy")
    folder = tmp_path / "folder.npy"
    folder.mkdir()
    assert "is a folder" in fails(capsys, "run", data, "-o", folder)
    assert main(["run", str(data), "-o", str(there), "--force", "--set", "max_iter=2"]) == 0
    assert np.load(there).shape == (120, 2)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tables.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ParameterError, match="cannot be written to: Permission denied"):
        tables.check_output(tmp_path / "map.npy")


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "map.npy"
    path.write_text("old")
    monkeypatch.setattr(tables.np, "save", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        tables.write(path, np.zeros((2, 2)))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("header", ["", "a,b,c\n", "a;b;c\n", "a\tb\tc\n"])
def test_csv_with_and_without_a_header(tmp_path, header):
    separator = next((mark for mark in ";\t" if mark in header), ",")
    path = tmp_path / "rows.csv"
    path.write_text(
        header + "\n".join(separator.join(row) for row in (["1", "2", "3"], ["4", "5.5", "-6e1"])) + "\n"
    )
    np.testing.assert_array_equal(tables.read(path), np.array([[1, 2, 3], [4, 5.5, -60]], np.float32))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", "", "is empty"),
        ("rows.csv", "a,b\n", "no rows"),
        ("rows.csv", "a,b\n1,2\n3,red\n", "could not convert string 'red'"),
        ("rows.csv", "a,b\n1,2\n3\n", "columns changed"),
        ("rows.npy", "no array", "cannot be read as npy"),
        ("rows.npz", "no archive", "cannot be read as npz"),
        ("rows.txt", "1 2", "must end in one of .npy, .npz, .csv, .parquet"),
    ],
)
def test_files_that_hold_no_table(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=said):
        tables.read(path)


def test_npz_must_hold_one_array(tmp_path, rows):
    np.savez(tmp_path / "one.npz", rows=rows)
    np.testing.assert_array_equal(tables.read(tmp_path / "one.npz"), rows)
    np.savez(tmp_path / "two.npz", a=rows, b=rows)
    with pytest.raises(DataError, match=r"it holds 2 \(a, b\)"):
        tables.read(tmp_path / "two.npz")


def test_pickled_arrays_are_not_loaded(tmp_path):
    np.save(tmp_path / "rows.npy", np.array([{"a": 1}], object))
    with pytest.raises(DataError, match="cannot be read as npy"):
        tables.read(tmp_path / "rows.npy")


def test_bad_rows_are_named(tmp_path, rows, capsys):
    rows[7, 2] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    assert "NaN" in fails(capsys, "run", tmp_path / "rows.npy", "-o", tmp_path / "map.npy")


def test_methods_lists_every_parameter(capsys):
    assert main(["methods"]) == 0
    shown = capsys.readouterr().out
    for name, method in ne.METHODS.items():
        assert f"{name}: " in shown
        for entry in ne.describe(method):
            assert f"  {entry['name']}=" in shown
    assert main(["methods", "tsne"]) == 0
    only = capsys.readouterr().out
    assert "umap: " not in only
    assert "  repulsion_strength=1.0  number from 0 to 1000 (live)" in only


def test_version_and_help(capsys):
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as end:
            main([option])
        assert end.value.code == 0
    assert f"ne-interactive {ne.__version__}" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_saves_what_is_there(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(600, 10)))
    command = [sys.executable, "-m", "ne_interactive.cli", "run", "rows.npy", "-o", "map.npy"]
    command += ["--set", "max_iter=1000000", "--set", "tol=0", "--every", "1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(ne.__file__).parents[1])}
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env=environment) as run:
        assert run.stderr
        seen = b""
        deadline = time.monotonic() + 120
        while b"loss=" not in seen and time.monotonic() < deadline:
            seen += run.stderr.read1()
        run.send_signal(signal.SIGINT)
        _, rest = run.communicate(timeout=60)
    assert b"interrupted; what there was is saved in map.npy: 600 x 2, iteration " in rest
    assert run.returncode == 130
    Z = np.load(tmp_path / "map.npy")
    assert Z.shape == (600, 2)
    assert np.isfinite(Z).all()


def test_the_demo_refuses_a_port_that_it_cannot_have(capsys):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} cannot be used" in fails(capsys, "demo", "--port", port)
    assert "--port must lie in [1, 65535]; got 70000" in fails(capsys, "demo", "--port", 70000)


def test_the_demo_without_jupyterlab_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    assert "pip install 'ne-interactive[notebook]'" in fails(capsys, "demo")


def test_the_notebook_is_the_checkouts_own(tmp_path):
    assert lab.find_notebook(tmp_path) == Path(ne.__file__).parents[1] / "notebooks" / lab.NOTEBOOK
    assert list(tmp_path.iterdir()) == []


def test_an_installed_package_copies_its_notebooks_and_keeps_the_users(tmp_path, monkeypatch, capsys):
    package = tmp_path / "site" / "ne_interactive"
    (package / "cli").mkdir(parents=True)
    monkeypatch.setattr(lab, "__file__", str(package / "cli" / "lab.py"))
    here = tmp_path / "here"
    here.mkdir()
    with pytest.raises(StateError, match="holds no notebooks"):
        lab.find_notebook(here)
    (package / "notebooks").mkdir()
    (package / "notebooks" / lab.NOTEBOOK).write_text("new")
    assert lab.find_notebook(here).read_text() == "new"
    (here / lab.NOTEBOOK).write_text("mine")
    assert lab.find_notebook(here).read_text() == "mine"
    assert "stays as it is" in capsys.readouterr().out


KNOWN = """
import sys
import numpy as np
from numba.core.dispatcher import Dispatcher
import ne_interactive as ne
from ne_interactive.cli.command import main

def known():
    held = [vars(sys.modules[name]) for name in list(sys.modules) if name.startswith("ne_interactive")]
    kernels = [getattr(value, "kernel", value) for names in held for value in names.values()]
    return {
        (kernel.py_func.__qualname__, signature)
        for kernel in kernels if isinstance(kernel, Dispatcher)
        for signature in kernel.signatures
    }

assert main(["compile"]) == 0
before = known()
assert len(before) > 20
X = ne.datasets.fashion_mnist(20_000).X
wide = 150 * np.random.default_rng(0).random((20_000, 2), np.float32)  # as a map of many points at its end
runs = [(n, method) for n in (1500, 8000) for method in (ne.TSNE(perplexity=20), ne.UMAP(n_neighbors=10))]
for n, method in [*runs, (20_000, ne.TSNE(perplexity=5, init=wide))]:
    run = ne.Stepper(X[:n], method).start()
    while run.iteration == 0:
        pass
    run.stop()
    run.step(60 if n < 20_000 else 3)
    run.tune(exaggeration=2.0, repulsion_strength=0.5)
    run.step(2)
    run.measure()
print(sorted(name for name, _ in known() - before))
"""


def test_compile_leaves_nothing_for_the_first_run_to_compile():
    done = subprocess.run([sys.executable, "-c", KNOWN], capture_output=True, text=True, timeout=500)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr
