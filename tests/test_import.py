"""What importing the package does to the process."""

import subprocess
import sys

import pytest


def test_completion_offers_what_there_is_for_users():
    import ne_interactive

    offered = {name for name in dir(ne_interactive) if not name.startswith("__")}
    assert offered == set(ne_interactive.__all__)


def environment_after_import(**given):
    code = "import os, ne_interactive; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(("given", "wanted"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_has_chosen(given, wanted):
    import os

    kept = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    assert environment_after_import(**kept, **given) == wanted
