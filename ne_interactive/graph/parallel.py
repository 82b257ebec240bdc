"""Compiled CPU kernels: the two decorators that every numba kernel of the package uses.

Numba's ``workqueue`` threading layer aborts the process when two threads enter parallel kernels at once; ``omp``
and ``tbb`` do not. Which layer is in force is known only after a parallel kernel has run, so it is asked once, at
the first call, and only under ``workqueue`` do the kernels share one lock.

Kernels that read along edges take indices as unsigned numbers: numba asks of every signed one whether it is negative,
which takes a fifth of the time of such a loop.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any, cast

import numba
import numpy as np
from numba.core import event
from numba.np.ufunc import threading_layer

from ne_interactive.graph.own_copies import keep_own_copies
from ne_interactive.graph.progress import report
from ne_interactive.graph.stamps import with_stamp

__all__ = ["NEXT", "parallel", "serial", "thread_safe_layer"]

PACKAGE = "ne_interactive"
NEXT = np.uint64(1)  # an unsigned number and a signed 1 make a signed one
keep_own_copies(PACKAGE)


class _Compiling(event.Listener):
    """Tells which kernel is compiled: the first run after an installation does little else for half a minute."""

    def on_start(self, event: Any) -> None:
        """Tell, to whoever asked in this thread."""
        function: Any = getattr(event.data.get("dispatcher"), "py_func", None)
        if str(getattr(function, "__module__", "")).startswith(PACKAGE):
            report(f"compiling {function.__name__.strip('_')} (the first time only)")

    def on_end(self, event: Any) -> None:
        """Leave what was told until something else is."""


event.register("numba:compile", _Compiling())

_lock = threading.RLock()
_safe: bool | None = None


def _compile(function: Callable[..., Any], **flags: Any) -> Callable[..., Any]:
    """Compile lazily, with the result kept on disk where some cache folder can be written."""
    try:
        return with_stamp(numba.njit(cache=True, nogil=True, **flags)(function))
    except RuntimeError:  # numba found no folder for its cache: compile anew in every process
        return numba.njit(nogil=True, **flags)(function)


def _probe(values: Any) -> None:
    for i in numba.prange(values.shape[0]):
        values[i] = i


def thread_safe_layer() -> bool:
    """Whether numba's threading layer lets several threads run parallel kernels at the same time."""
    global _safe
    with _lock:
        if _safe is None:
            _compile(_probe, parallel=True)(np.zeros(2, np.int64))
            safe = threading_layer() != "workqueue"
            _safe = safe
            return safe
        return _safe


def serial(
    function: Callable[..., Any] | None = None, *, fastmath: bool = True, divides: bool = False
) -> Any:
    """Decorate a single-threaded kernel, which may be called from other kernels.

    ``fastmath=False`` is needed where a kernel tests for NaN or infinity. ``divides=True`` is for what divides in loops
    along memory: outside of ``prange`` numba asks of every divisor whether it is 0, and vectorises no loop that asks.
    """
    if function is None:
        return functools.partial(serial, fastmath=fastmath, divides=divides)
    return _compile(function, fastmath=fastmath, error_model="numpy" if divides else "python")


def parallel(function: Callable[..., Any] | None = None, *, fastmath: bool = True) -> Any:
    """Decorate a kernel with ``numba.prange`` loops; several Python threads may call it at once.

    The compiled kernel itself, without the guard, is the attribute ``kernel`` of the result. ``fastmath=False`` is
    needed where a kernel tests for NaN or infinity.
    """
    if function is None:
        return functools.partial(parallel, fastmath=fastmath)
    kernel = _compile(function, fastmath=fastmath, parallel=True)

    @functools.wraps(function)
    def guarded(*arguments: Any) -> Any:
        if _safe or thread_safe_layer():
            return kernel(*arguments)
        with _lock:
            return kernel(*arguments)

    cast(Any, guarded).kernel = kernel
    return guarded
