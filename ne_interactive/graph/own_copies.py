"""Compiled kernels that run their own copies of what they call, so that they compute the same wherever they come from.

Numba compiles the loop of a parallel kernel, and every function that it calls, in modules of their own, links copies
into the kernel's module and optimises them there once more, with sums in another order. The copies are weak symbols:
the process that compiles a kernel runs the first ones, since these are loaded already, but every later process loads
from the cache what was linked, and its results differ in the last bits. Copies that are private to the kernel's module
are run in both.
"""

from typing import Any

import llvmlite.binding as llvm
from numba.core import codegen

__all__ = ["keep_own_copies"]

WEAK = llvm.Linkage.linkonce_odr, llvm.Linkage.weak_odr


def keep_own_copies(package: str) -> None:
    """Make copies private in all modules that numba compiles from now on with a function of the package in them."""
    library: Any = getattr(codegen, "CPUCodeLibrary", None)
    optimize = getattr(library, "_optimize_final_module", None)
    if (
        optimize is None
    ):  # a numba that is built otherwise: all works, but for the last bits of the first process
        return

    def optimize_own(self: Any) -> None:
        functions = list(self._final_module.functions)
        if any(package in function.name for function in functions):
            for function in functions:
                # Functions from Python have mangled names; numba's runtime is one for the whole process.
                if not function.is_declaration and function.linkage in WEAK and "_ZN" in function.name:
                    function.linkage = "internal"
        optimize(self)

    library._optimize_final_module = optimize_own
