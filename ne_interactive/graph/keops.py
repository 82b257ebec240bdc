"""Searches and sums over all pairs by KeOps (Charlier et al. 2021, JMLR 22(74)). Nothing else imports pykeops.

KeOps compiles every formula once for each width of its variables, which takes seconds, and keeps it in the user's
cache. Widths are therefore rounded up to few values.
"""

import importlib
import importlib.util
import os
import sys
from typing import Any

import torch

from ne_interactive.graph.distances import Search, rounding, tiles
from ne_interactive.graph.metrics import Flat
from ne_interactive.params.errors import MissingPackageError, ParameterError

__all__ = ["exhaustive", "installed", "pair_sums"]

WIDEST = 512
"""Candidates that one thread can keep sorted; wider searches go by tiles."""
KEYS = 2**24
"""Points searched at once: KeOps numbers them in float32, which is exact up to here."""
ENTRIES = 2**26

KERNELS = {
    "student": ("Exp(-p * Log(IntCst(1) + SqDist(x, y) / p))", "Inv(IntCst(1) + SqDist(x, y) / p)"),
    "gaussian": ("Exp(-SqDist(x, y))", "IntCst(1)"),
}
"""Each kernel k of the squared distance, and -k' / k."""


def installed() -> bool:
    """Whether KeOps can be imported."""
    return importlib.util.find_spec("pykeops") is not None


def exhaustive(flat: Flat) -> Search:
    """Search candidates among all points, without a matrix of distances, on the device of the rows.

    Raises:
        MissingPackageError: KeOps is not installed.
    """
    genred = _genred()
    n, width = flat.values.shape[0], _rounded_width(flat.d)
    keys = torch.nn.functional.pad(flat.values, (0, width - flat.d)).contiguous()
    weights = (torch.ones_like(keys[:, 0]) if flat.weights is None else flat.weights)[:, None].contiguous()
    formula = ("Sum(Abs(x - y))" if flat.manhattan else "SqDist(x, y)") + " * w"
    aliases = [f"x = Vi({width})", f"y = Vj({width})", "w = Vj(1)"]

    def find(block: torch.Tensor, m: int) -> tuple[torch.Tensor, torch.Tensor]:
        wide = max(32, 1 << m.bit_length())  # at least m + 1, for the query itself
        if wide > WIDEST:
            return tiles(flat).find(block, m)
        search = genred(formula, aliases, reduction_op="KMin_ArgKMin", axis=1, opt_arg=wide)
        queries, nearest, ids = keys[block].contiguous(), [], []
        for low in range(0, n, KEYS):
            distance, place = search(queries, keys[low : low + KEYS], weights[low : low + KEYS])
            nearest.append(distance)
            ids.append(place.long().add_(low).masked_fill_(distance.isinf(), -1))
        distance, place = torch.cat(nearest, 1).sort(1)
        candidates = torch.cat(ids, 1).gather(1, place[:, :wide])
        return candidates, distance[:, wide - 1] * (1 - rounding(flat.d))

    return Search(find, max(1, ENTRIES // WIDEST))


def pair_sums(
    Z: torch.Tensor, kernel: str = "student", dof: float = 1.0, charges: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum a kernel and its force over all other points, on the device of Z.

    Args:
        Z: (n, c), n up to 2**36.
        kernel: "student", k = (1 + D / dof)^-dof, or "gaussian", k = exp(-D), of squared distances D.
        dof: degrees of freedom of the Student kernel.
        charges: (n,) weights q; None is 1 for every point.

    Returns:
        potential (n,), the sums over j != i of q_j k_ij, and field (n, c), the sums of q_j (-dk/dD)_ij (z_i - z_j), in
        the dtype of Z and with compensated summation.

    Raises:
        MissingPackageError: KeOps is not installed.
        ParameterError: Unknown kernel.
    """
    if kernel not in KERNELS:
        raise ParameterError(f"kernel must be one of {', '.join(KERNELS)}; got {kernel!r}.")
    genred = _genred()
    n, c = Z.shape
    value, slope = KERNELS[kernel]
    formula = f"Step(SqDist(i, j) - IntCst(1)) * q * {value} * Concat(IntCst(1), {slope} * (x - y))"
    aliases = [f"x = Vi({c})", f"y = Vj({c})", "i = Vi(2)", "j = Vj(2)", "q = Vj(1)", "p = Pm(1)"]
    Z = Z.detach().contiguous()
    q = torch.ones_like(Z[:, :1]) if charges is None else charges.detach().to(Z)[:, None].contiguous()
    numbers = torch.arange(n, device=Z.device)
    # A point is told from its duplicates by its number, in two digits that float32 holds exactly.
    own = torch.stack([numbers // 2**18, numbers % 2**18], 1).to(Z.dtype)
    sums = genred(formula, aliases, reduction_op="Sum", axis=1, sum_scheme="kahan_scheme")
    out: Any = sums(Z, Z, own, own, q, Z.new_tensor([dof]))
    return out[:, 0].contiguous(), out[:, 1:].contiguous()


def _rounded_width(d: int) -> int:
    return 1 << max(3, (d - 1).bit_length()) if d <= 32 else -(-d // 32) * 32


def _genred() -> Any:
    quiet = {} if "pykeops" in sys.modules else {"PYKEOPS_VERBOSE": "0", "KEOPS_VERBOSE": "0"}
    quiet = {name: value for name, value in quiet.items() if name not in os.environ}
    os.environ.update(quiet)  # read once, on import
    try:
        return importlib.import_module("pykeops.torch").Genred
    except ImportError as error:
        raise MissingPackageError(
            'backend="keops" needs the package pykeops; it is not installed. '
            "Install pykeops, or pass backend=None for exact search and sums without it."
        ) from error
    finally:
        for name in quiet:
            os.environ.pop(name, None)
