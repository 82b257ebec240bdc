"""Opens JupyterLab on the first notebook: the demo of the command line."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

from ne_interactive.params.errors import MissingPackageError, ParameterError, StateError

NOTEBOOK = "01_first_embedding.ipynb"
USUAL_PORT = 8888
PATIENCE = 120.0  # seconds that JupyterLab may take to answer


def open_lab(port: int | None = None, browser: bool = True) -> int:
    """Run JupyterLab on the first notebook until it ends or Ctrl-C; gives its exit code.

    Raises:
        MissingPackageError: if JupyterLab is not installed.
        ParameterError: if the port is not free.
        StateError: if JupyterLab does not come up.
    """
    if importlib.util.find_spec("jupyterlab") is None or importlib.util.find_spec("ipykernel") is None:
        raise MissingPackageError("The demo needs JupyterLab: pip install 'ne-interactive[notebook]'")
    port = _free_port(port)
    notebook = find_notebook(Path.cwd())
    folder = notebook.parent.parent if notebook.parent.name == "notebooks" else notebook.parent
    token = secrets.token_hex(16)
    url = f"http://127.0.0.1:{port}/lab/tree/{notebook.relative_to(folder).as_posix()}?token={token}"
    process = subprocess.Popen(
        _command(folder, port), env={**os.environ, "JUPYTER_TOKEN": token}, start_new_session=os.name != "nt"
    )
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _wait_until_up(process, f"http://127.0.0.1:{port}/api")
        opened = browser and _open_browser(url)
        print(_advice(url, port, opened), flush=True)
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
        _end(process)


def find_notebook(folder: Path) -> Path:
    """Give the first notebook: the checkout's own, else a copy in `folder`, where one that is there is kept."""
    checkout = Path(__file__).parents[2]
    own = checkout / "notebooks" / NOTEBOOK
    if own.is_file() and (checkout / "pyproject.toml").is_file():
        return own
    packaged = Path(__file__).parents[1] / "notebooks"
    if not (packaged / NOTEBOOK).is_file():
        raise StateError("This installation holds no notebooks; install ne-interactive again.")
    for source in sorted(packaged.glob("*.ipynb")):
        target = folder / source.name
        if target.exists():
            print(f"{target} is already there and stays as it is.")
        else:
            shutil.copyfile(source, target)
    return folder / NOTEBOOK


def _command(folder: Path, port: int) -> list[str]:
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--log-level=ERROR"]
    command += [
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
    ]
    # A container's only user is often root, whom Jupyter turns away by default; the server is local all the same.
    return command + (["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])


def _free_port(wanted: int | None) -> int:
    if wanted is not None and not 1 <= wanted <= 65535:
        raise ParameterError(f"--port must lie in [1, 65535]; got {wanted}.")
    for port in [USUAL_PORT, 0] if wanted is None else [wanted]:
        with socket.socket() as probe:
            if os.name != "nt":  # a port that was in use a moment ago is free; on Windows this would share it
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise ParameterError(f"Port {wanted} cannot be used (another program may have it); give another --port.")


def _wait_until_up(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StateError(
                f"JupyterLab ended with exit code {process.returncode}; its own words stand above."
            )
        try:
            direct.open(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise StateError(f"JupyterLab has not answered within {PATIENCE:g} s.")


def _open_browser(url: str) -> bool:
    """Open the browser of this desktop; a text browser in a terminal would be of no use."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False


def _advice(url: str, port: int, opened: bool) -> str:
    lines = [
        "",
        "JupyterLab runs on",
        f"    {url}",
        "Run the notebook's cells one after the other with Shift+Enter. Ctrl-C here ends JupyterLab.",
    ]
    if not opened:
        lines += [
            "No browser was opened. On this machine, open the address above by hand. From another one, first run there",
            f"    ssh -N -L {port}:127.0.0.1:{port} USER@{socket.gethostname()}",
            "and then open the same address there (in VS Code or a cloud workspace: forward this port instead).",
        ]
    return "\n".join(lines)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
