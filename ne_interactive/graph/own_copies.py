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
    """Make copies private in every module that numba compiles from now on for a function of the package.

    The modules between, of a kernel's loop and of its wrapper, have nothing but copies, which the kernel's own links.
    """
    library: Any = getattr(codegen, "CPUCodeLibrary", None)
    optimize = getattr(library, "_optimize_final_module", None)
    if optimize is None:
        return  # a numba that is built otherwise: all works, but for the last bits of the first process

    def optimize_own(self: Any) -> None:
        defined = [function for function in self._final_module.functions if not function.is_declaration]
        if any(
            function.linkage == llvm.Linkage.external and package in function.name for function in defined
        ):
            for function in defined:
                # Functions from Python have mangled names; numba's runtime is one for the whole process.
                if function.linkage in WEAK and "_ZN" in function.name:
                    function.linkage = "internal"
        optimize(self)

    library._optimize_final_module = optimize_own
