"""Starts notebook servers with settings of their own, and waits until they answer."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 90  # seconds


@dataclass
class Server:
    """Where a server answers."""

    base: str
    token: str = ""
    folder: Path = ROOT

    def url(self, path: str) -> str:
        """Give the address of a page."""
        return f"{self.base}/{path}" + (f"?token={self.token}" if self.token else "")

    def end_kernels(self) -> None:
        """End all kernels of a Jupyter server: a run that moves on would take the time of those to come."""
        for kernel in json.loads(self._ask("GET", "api/kernels")):
            with suppress(urllib.error.HTTPError):  # of one that is being restarted, in which nothing runs
                self._ask("DELETE", f"api/kernels/{kernel['id']}")

    def _ask(self, method: str, path: str) -> bytes:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.base}/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()


@contextmanager
def jupyter(home: Path, notebooks: Path, **environment: str) -> Iterator[Server]:
    """Serve a folder of notebooks, to JupyterLab at `lab/workspaces/NAME/tree/`, to Notebook 7 at `notebooks/`.

    Each test has a workspace's name of its own: it would otherwise find the tabs of those before it.
    """
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTERLAB_SETTINGS_DIR": "settings"}
    own |= {
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    token, port = secrets.token_hex(16), free_port()
    command = ["-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={notebooks}"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    silence = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    silence.parent.mkdir(parents=True)  # no question about news in front of the controls
    silence.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    settings = {name: str(home / folder) for name, folder in own.items()} | {"JUPYTER_TOKEN": token}
    base = f"http://127.0.0.1:{port}"
    with running(command, home, f"{base}/api", settings | environment):
        yield Server(base, token, notebooks)


@contextmanager
def marimo(home: Path, app: Path) -> Iterator[Server]:
    """Serve one marimo notebook as an app: it runs when its page is opened."""
    port = free_port()
    command = ["-m", "marimo", "--yes", "run", str(app), "--headless", "--no-token", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--no-skew-protection"]
    base = f"http://127.0.0.1:{port}"
    settings = {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    with running(command, home, f"{base}/health", settings):
        yield Server(base)


@contextmanager
def running(command: list[str], home: Path, answers: str, environment: dict[str, str]) -> Iterator[None]:
    """Run a Python module as a server until the block ends; fails with its log where it does not come up."""
    log = home / "log.txt"
    everything = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, *command], cwd=home, env=everything, stdout=file, stderr=file
        )
    try:
        wait_for(server, answers, log)
        yield
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()


def wait_for(server, url, log):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            direct.open(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("The server did not come up:\n" + log.read_text()[-3000:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
