"""Writing a file so that there is never half of one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ne_interactive.params.errors import ParameterError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path beside `path`, for a file that takes its place once it is written; an error leaves the old one.

    Raises:
        ParameterError: there is no such folder, or `path` is one.
    """
    if not path.parent.is_dir():
        raise ParameterError(f"there is no folder {str(path.parent)!r} to write {path.name!r} to.")
    if path.is_dir():
        raise ParameterError(f"{str(path)!r} is a folder; give the name of a file in it.")
    beside = path.parent / f".{secrets.token_hex(8)}{path.suffix}"
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
