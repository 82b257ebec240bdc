#!/usr/bin/env python3
"""Set the project up in `.venv` and run it: `./ne demo` or `./ne test`.

Needs Python 3.11 or later (with venv) and nothing else. Only the standard library is used here,
and only syntax that an older Python can read, so that it can say which version is missing.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
SCRIPTS = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(SCRIPTS, "python.exe" if os.name == "nt" else "python")
LOCK = os.path.join(ROOT, ".ci", "lock.txt")
OLDEST = (3, 11)
# The images per notebook in tests; a person's own run takes all 70,000.
TEST_POINTS = "3000"


def main():
    """Read the command line and run one of the two commands."""
    parser = argparse.ArgumentParser(prog="./ne", description="Set everything up in .venv, then run it.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="open JupyterLab on the first notebook, with the live widget")
    demo.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    demo.add_argument(
        "--port", type=int, help="port of JupyterLab on this machine (default: 8888, or a free one)"
    )
    commands.add_parser("test", help="run every check and every test")
    options = parser.parse_args()
    need_python()
    os.chdir(ROOT)
    return run_demo(options) if options.command == "demo" else run_test()


def run_demo(options):
    """Install what the demo needs and open JupyterLab."""
    if install("demo"):
        print("Compiling kernels (a minute, once) ...", flush=True)
        call([PYTHON, "-m", "ne_interactive.cli", "compile"])
    get_images(required=False)
    arguments = ["demo"]
    arguments += ["--no-browser"] if options.no_browser else []
    arguments += ["--port", str(options.port)] if options.port is not None else []
    command = [PYTHON, "-m", "ne_interactive.cli", *arguments]
    if os.name == "nt":
        return subprocess.call(command)
    sys.stdout.flush()
    os.execv(PYTHON, command)  # so that Ctrl-C and signals reach the one that ends JupyterLab


def run_test():
    """Install everything, run every check, then the tests; pytest has the last word when all is well."""
    install("test")
    environment = test_environment()
    get_images(required=True)
    get_browser(environment)
    npm_ci(environment)
    failed = [name for name, command in checks() if not passes(name, command, environment)]
    failed += [name for name, command in tests() if not passes(name, command, environment)]
    if failed:
        print("\nFAILED: " + ", ".join(failed), flush=True)
    return 1 if failed else 0


def checks():
    """Name every check beside the tests, with its command."""
    npm = ["npm", "--prefix", "js", "run", "--silent"]
    docs = [PYTHON, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html"]
    return [
        ("ruff", [PYTHON, "-m", "ruff", "check", "."]),
        ("ruff format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
        ("pyright", [PYTHON, "-m", "pyright", "--pythonpath", PYTHON]),
        ("tsc and biome", [*npm, "check"]),
        ("vitest", [*npm, "test"]),
        ("docs", docs),
    ]


def tests():
    """Name the two runs of pytest: most files two at a time, those that start servers with nothing beside them."""
    servers = os.path.join("tests", "e2e")
    pytest = [PYTHON, "-m", "pytest", "--durations=15"]
    spread = ["-n", "2", "--dist", "loadfile"]
    return [
        ("pytest, two at a time", [*pytest, *spread, "tests", "--ignore=" + servers]),
        ("pytest", [*pytest, "--nbval-lax", servers, "notebooks"]),
    ]


def passes(name, command, environment):
    """Run one command, print its name and its time, and tell whether it succeeded."""
    print("\n== " + name, flush=True)
    began = time.monotonic()
    command = [shutil.which(command[0], path=environment["PATH"]) or command[0], *command[1:]]
    code = subprocess.call(command, env=environment)
    if name != "pytest" or code:
        seconds = time.monotonic() - began
        print("   {} in {:.1f} s".format("ok" if code == 0 else "FAILED", seconds), flush=True)
    return code == 0


def install(profile):
    """Make `.venv` as the lock says, and tell whether there was anything to do."""
    stamp = os.path.join(VENV, "ne-" + profile)
    full = os.path.join(VENV, "ne-test")
    wanted = digest(LOCK, os.path.join(ROOT, "pyproject.toml"))
    if wanted in (read(stamp), read(full)) and os.path.exists(PYTHON):
        return False
    print("Setting up {} (some minutes the first time) ...".format(os.path.relpath(VENV)), flush=True)
    if not os.path.exists(PYTHON) or subprocess.call(
        [PYTHON, "-m", "pip", "--version"], stdout=subprocess.DEVNULL
    ):
        make_venv()
    for old in (stamp, full):
        if os.path.exists(old):
            os.remove(old)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", LOCK]
    # torch first, so that its build (CPU or CUDA) is chosen before anything else asks for it.
    call([*pip, locked("torch")])
    if profile == "test":
        call([*pip, "-r", LOCK])
    # Built here without isolation, so that the build tools too are the locked ones.
    call([*pip, locked("hatchling"), locked("editables")])
    extras = "" if profile == "test" else "[cpu,notebook]"
    call([*pip, "--no-build-isolation", "-e", "." + extras])
    with open(stamp, "w") as file:
        file.write(wanted)
    return True


def make_venv():
    """Create the virtual environment, or say what is missing."""
    try:
        call([sys.executable, "-m", "venv", "--clear", VENV])
    except subprocess.CalledProcessError:
        version = "{}.{}".format(*sys.version_info[:2])
        stop(
            "Python {0} cannot make a virtual environment here. On Debian or Ubuntu: "
            "`apt-get install python{0}-venv`, then run this again.".format(version)
        )


def get_images(required):
    """Put Fashion-MNIST in place: Debian's package where that is possible, else a download to the cache."""
    probe = "import ne_interactive as ne; ne.datasets.fashion_mnist(n=10)"
    here = os.path.join(os.sep, "usr", "share", "datasets", "fashion-mnist")
    if not os.path.isdir(here) and can_apt():
        apt("dataset-fashion-mnist")
    if required and subprocess.call([PYTHON, "-c", probe]):
        stop(
            "Fashion-MNIST, which the tests read, is neither installed nor could it be downloaded (see above)."
        )


def get_browser(environment):
    """Find a Chromium or Chrome for the browser tests, or install one."""
    find = [PYTHON, "-c", "from tests import browsers; import sys; sys.exit(browsers.find_browser() is None)"]
    tests = dict(environment, PYTHONPATH=ROOT)
    if not subprocess.call(find, env=tests):
        return
    if can_apt():
        apt("chromium")
        if not subprocess.call(find, env=tests):
            return
    call([PYTHON, "-m", "playwright", "install", *(["--with-deps"] if can_apt() else []), "chromium"])


def npm_ci(environment):
    """Install the locked JavaScript tools, once per lock file."""
    modules = os.path.join(ROOT, "js", "node_modules")
    stamp = os.path.join(modules, ".ne-lock")
    wanted = digest(os.path.join(ROOT, "js", "package-lock.json"))
    if read(stamp) == wanted:
        return
    npm = shutil.which("npm", path=environment["PATH"]) or "npm"
    call([npm, "--prefix", "js", "ci", "--no-audit", "--no-fund"], env=environment)
    with open(stamp, "w") as file:
        file.write(wanted)


def test_environment():
    """Give the environment of the checks: the locked tools first on PATH, Node among them."""
    environment = dict(os.environ, NE_INTERACTIVE_N=os.environ.get("NE_INTERACTIVE_N", TEST_POINTS))
    environment["PATH"] = os.pathsep.join([SCRIPTS, os.environ.get("PATH", "")])
    environment["VIRTUAL_ENV"] = VENV
    # Two tests at a time have more threads than cores: one that waits must not keep a core from one that works.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment


def need_python():
    """Go on under a Python that is new enough, or say which one is needed."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(20, OLDEST[1] - 1, -1):
        newer = shutil.which("python3.{}".format(minor))
        if newer:
            os.execv(newer, [newer, os.path.abspath(__file__), *sys.argv[1:]])
    stop("Python {}.{} or later is needed; this is {}.".format(*OLDEST, sys.version.split()[0]))


def can_apt():
    """Tell whether Debian packages can be installed here."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt(package):
    """Install one Debian package; what follows finds out whether it helped."""
    print("Installing the Debian package {} ...".format(package), flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.call(["apt-get", "update", "-qq"], env=environment)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    subprocess.call(command, env=environment, stdout=subprocess.DEVNULL)


def locked(name):
    """Give `name==version` as the lock has it."""
    for line in read(LOCK).splitlines():
        if line.split("==")[0].lower() == name:
            return line
    return stop("{} is not in {}.".format(name, os.path.relpath(LOCK)))


def digest(*paths):
    """Give one digest of several files and of the running Python's version."""
    text = sys.version + "".join(read(path) for path in paths)
    return hashlib.sha256(text.encode()).hexdigest()


def read(path):
    """Give a file's text, or nothing where there is no such file."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def call(command, env=None):
    """Run a command that must succeed."""
    subprocess.run(command, check=True, env=env)


def stop(message):
    """End with one line that says what is wrong."""
    sys.exit("./ne: " + message)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        sys.exit("./ne: a step of the setup failed: {}".format(" ".join(error.cmd)))
