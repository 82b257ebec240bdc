"""The command line: `ne-interactive demo`, `run`, `methods` and `compile`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ne_interactive.params.errors import NEError, ParameterError
from ne_interactive.params.names import hint

PROGRAM = "ne-interactive"
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 2 for a mistake in what was given, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        return options.act(options)
    except (NEError, OSError) as error:
        text = " ".join(str(error).split())
        print(f"{PROGRAM}: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted; nothing was written.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Neighbor embedding, watched and steered live."
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="open JupyterLab on the first notebook, with the live widget")
    demo.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    demo.add_argument(
        "--port", type=int, metavar="N", help="port on this machine (default: 8888, or a free one)"
    )
    demo.set_defaults(act=_demo)

    run = commands.add_parser("run", help="embed a table from a file into a file")
    run.add_argument(
        "data", type=Path, metavar="DATA", help=".npy, .npz with one array, .csv or .parquet: (n, d)"
    )
    run.add_argument(
        "-o", "--output", type=Path, required=True, metavar="Z", help=".npy or .csv to write: (n, c)"
    )
    run.add_argument(
        "--method", default="tsne", metavar="NAME", help="a name that `methods` lists (default: tsne)"
    )
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the method; may be repeated",
    )
    run.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same embedding")
    run.add_argument(
        "--every", type=int, default=10, metavar="N", help="iterations between reports (default: 10)"
    )
    run.add_argument("--force", action="store_true", help="replace the output file if there is one")
    run.set_defaults(act=_run)

    methods = commands.add_parser("methods", help="list the methods and their parameters")
    methods.add_argument("name", nargs="?", metavar="NAME", help="only this method")
    methods.set_defaults(act=_methods)

    compile_ = commands.add_parser("compile", help="compile for this machine now what the first run would")
    compile_.set_defaults(act=_compile)
    return parser


class _Version(argparse.Action):
    """Reads the version only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version and end")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from ne_interactive import __version__

        print(f"{PROGRAM} {__version__}")
        parser.exit()


def _demo(options: argparse.Namespace) -> int:
    from ne_interactive.cli.lab import open_lab

    return open_lab(port=options.port, browser=not options.no_browser)


def _compile(_: argparse.Namespace) -> int:
    from ne_interactive.cli.kernels import compile_kernels

    compile_kernels()
    print("All kernels of t-SNE and UMAP in two dimensions are compiled.")
    return 0


def _methods(options: argparse.Namespace) -> int:
    from ne_interactive.methods import METHODS
    from ne_interactive.params.param import describe

    names = sorted(METHODS) if options.name is None else [_method_name(options.name)]
    for name in names:
        summary = next(iter((METHODS[name].__doc__ or "").strip().splitlines()), "")
        print(f"{name}: {summary}")
        for entry in describe(METHODS[name]):
            live = " (live)" if entry["live"] else ""
            print(f"  {entry['name']}={_text(entry['default'])}  {_allowed(entry)}{live}  {entry['help']}")
    return 0


def _allowed(entry: dict[str, Any]) -> str:
    """What a parameter may be, in few words."""
    if entry["choices"]:
        return "one of " + ", ".join(_text(choice) for choice in entry["choices"])
    if entry["kind"] not in ("number", "integer"):
        return {"switch": "true or false"}.get(entry["kind"], "any")
    words = entry["kind"]
    if entry["low"] is not None:
        words += f" from {entry['low']:g}"
    if entry["high"] is not None:
        words += f" to {entry['high']:g}"
    return words + (" or auto" if entry["auto"] else "")


def _text(value: Any) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _run(options: argparse.Namespace) -> int:
    from ne_interactive.cli import tables

    method = _method(options)
    if options.every < 1:
        raise ParameterError(f"--every must be at least 1; got {options.every}.")
    tables.check_output(options.output, replace=options.force)
    X = tables.read(options.data)
    from ne_interactive.engine.stepper import Stepper

    run = Stepper(X, method)
    interrupted = False
    try:
        _advance(run, options.every)
    except KeyboardInterrupt:
        interrupted = True
        if run.iteration == 0:
            raise
    Z = run.embedding
    tables.write(options.output, Z)
    said = f"{options.output}: {Z.shape[0]} x {Z.shape[1]}, iteration {run.iteration} of {run.max_iter}"
    said += f", loss {run.loss:.4g}, seed {run.seed}"
    if interrupted:
        print(f"{PROGRAM}: interrupted; what there was is saved in {said}", file=sys.stderr)
        return INTERRUPTED
    print(said)
    return 0


def _advance(run: Any, every: int) -> None:
    """Go to the end under a progress bar on stderr."""
    from tqdm import tqdm

    name = type(run.method).__name__
    with tqdm(total=run.max_iter, desc=name, unit="it", file=sys.stderr) as bar:
        unsubscribe = run.listen(
            lambda run, what: bar.set_description(run.message or name) if what == "state" else 0
        )
        for frame in run.frames(every):
            bar.set_description(name, refresh=False)
            bar.update(frame.iteration - bar.n)
            if frame.iteration:
                bar.set_postfix(loss=f"{frame.loss:.4g}")
        unsubscribe()


def _method(options: argparse.Namespace) -> Any:
    """The method that the options ask for.

    Raises:
        ParameterError: for an unknown method or parameter, or a setting that is not NAME=VALUE.
    """
    from ne_interactive.methods import METHODS
    from ne_interactive.params.names import ALIASES
    from ne_interactive.params.param import params_of

    cls = METHODS[_method_name(options.method)]
    known = params_of(cls)
    values: dict[str, Any] = {}
    for setting in options.set:
        name, sign, text = setting.partition("=")
        if not sign:
            raise ParameterError(f"--set takes NAME=VALUE, such as --set perplexity=50; got {setting!r}.")
        if name not in known and ALIASES.get(name) not in known:
            raise ParameterError(f"{cls.__name__} has no parameter {name!r}. {hint(name, known)}")
        if name in values:
            raise ParameterError(f"--set gives {name} twice; give it once.")
        values[name] = _value(text)
    if options.seed is not None:
        if "random_state" in values:
            raise ParameterError("--seed and --set random_state are the same; give one of them.")
        values["random_state"] = options.seed
    method = cls(**values)
    for name, declared in known.items():
        declared.check(getattr(method, name), cls.__name__)
    return method


def _method_name(given: str) -> str:
    from ne_interactive.methods import METHODS

    if given.lower() not in METHODS:
        raise ParameterError(f"There is no method {given!r}. {hint(given.lower(), METHODS)}")
    return given.lower()


def _value(text: str) -> Any:
    """The Python value that a setting's text means."""
    words = {"none": None, "true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text
