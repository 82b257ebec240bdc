"""What a compiled kernel is made of: its own file, and those files of the package that this imports.

Numba keeps kernels on disk and compiles one anew where its own file has changed, but not where a file has whose
functions it calls: after an update such a kernel would go on as it was.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path
from typing import Any

__all__ = ["stamp", "with_stamp"]

ROOT = Path(__file__).resolve().parents[1]
IMPORT = re.compile(rf"^from {ROOT.name}((?:\.\w+)+) import (\([^)]*\)|.*)", re.MULTILINE)


def with_stamp(dispatcher: Any) -> Any:
    """Have what numba keeps of a kernel hold only as long as all that it is made of; the kernel."""
    kept: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(kept, "_source_stamp"):  # a numba that is built otherwise looks at the kernel's own file
        kept._source_stamp = (kept._source_stamp, stamp(Path(dispatcher.py_func.__code__.co_filename)))
    return dispatcher


@functools.cache
def stamp(path: Path, root: Path = ROOT) -> str:
    """A digest of a file and of all files of the package at root that it imports, directly or not."""
    digest, seen, left = hashlib.sha256(), set[Path](), [path]
    while left:
        one = left.pop()
        if one not in seen:
            seen.add(one)
            content, imported = _read(one, root)
            digest.update(content)
            left += imported
    return digest.hexdigest()


@functools.cache
def _read(path: Path, root: Path) -> tuple[bytes, list[Path]]:
    """A digest of a file and the files that it imports, in order; a file that cannot be read has neither."""
    try:
        text = path.read_text("utf-8")
    except OSError:  # as in an archive
        return b"", []
    imported = []
    for module, names in IMPORT.findall(text):
        place = root.joinpath(*module[1:].split("."))
        within = [place / name for name in re.findall(r"\w+", names)] if place.is_dir() else [place]
        imported += [found for part in within if (found := part.with_suffix(".py")).is_file()]
    return hashlib.sha256(text.encode()).digest(), imported
