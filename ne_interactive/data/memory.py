"""Memory that is free but not yet the system's."""

import ctypes
from functools import cache
from typing import Any


@cache
def _trim() -> Any:
    """The function of glibc that gives free pages back; None with another C library."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim


def give_back() -> None:
    """Give free memory back to the system, where the C library keeps it.

    glibc serves arrays of some megabytes from arenas of each thread, and keeps what was freed there: after a search
    in a thread of its own that is more than the data themselves.
    """
    trim = _trim()
    if trim is not None:
        trim(0)
