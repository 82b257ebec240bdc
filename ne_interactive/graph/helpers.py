"""The helpers that OpenMP keeps for every thread that has computed something in parallel."""

import contextlib
import os

from threadpoolctl import ThreadpoolController

__all__ = ["let_go_of_helpers"]

SOFT = 1  # omp_pause_soft: what the program has set stays


def let_go_of_helpers() -> None:
    """End the helpers that GNU's OpenMP keeps for the calling thread; it makes new ones when it needs them again.

    They count although they do nothing. With more of them than there are cores, those of all threads sleep at the end
    of each loop instead of waiting a moment for the next, which comes some thirty times an iteration. Nothing is done
    where torch was there before this package could say how long that moment is: helpers would then wait for
    milliseconds, and take cores from whatever else is at work.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        return
    for library in ThreadpoolController().select(prefix="libgomp").lib_controllers:
        with contextlib.suppress(AttributeError):  # before OpenMP 5
            library.dynlib.omp_pause_resource_all(SOFT)
