"""Memory that is free but not yet the system's, and memory apart from what comes and goes."""

import ctypes
import mmap
from functools import cache
from typing import Any

import torch
from torch import Tensor

# Not to be shared with processes that are forked off; Windows has no such choice.
_PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
SMALL = 2**17  # bytes below which a copy stays in the heap: of pages a process may have only so many pieces


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


def apart(values: Tensor) -> Tensor:
    """A float32 copy on the CPU that is to stay; a large one in pages of its own, which leave no holes in the heap."""
    size = 4 * values.numel()
    if size < SMALL:
        return values.detach().cpu().float().clone()
    pages = torch.frombuffer(mmap.mmap(-1, size, **_PRIVATE), dtype=torch.float32)
    return pages.view(values.shape).copy_(values.detach())
