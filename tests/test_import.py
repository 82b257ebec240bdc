"""What importing the package does to the process."""

import os
import subprocess
import sys

import pytest


def test_completion_offers_what_there_is_for_users():
    import ne_interactive

    offered = {name for name in dir(ne_interactive) if not name.startswith("__")}
    assert offered == set(ne_interactive.__all__)


POLICY = "ACTIVE" if sys.platform == "linux" else "PASSIVE"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, (POLICY, "2000", "0")),
        ({"GOMP_SPINCOUNT": "7", "KMP_BLOCKTIME": "9"}, (POLICY, "7", "9")),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ("ACTIVE", "None", "None")),
    ],
)
def test_waiting_threads_soon_sleep_unless_the_user_has_chosen(given, wanted):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    code = f"import os, ne_interactive; print(*map(os.environ.get, {names}))"
    env = kept | given
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert tuple(done.stdout.split()) == wanted


def test_what_the_runtime_would_not_read_is_not_said():
    kept = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    code = "import os, torch, ne_interactive; print(os.environ.get('OMP_WAIT_POLICY'))"
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None"]
