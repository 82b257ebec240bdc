"""Searches over all pairs by KeOps (Charlier et al. 2021, JMLR 22(74)). Nothing else imports pykeops.

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
from ne_interactive.params.errors import MissingPackageError

__all__ = ["exhaustive", "installed"]

WIDEST = 512
"""Candidates that one thread can keep sorted; wider searches go by tiles."""
KEYS = 2**24
"""Points searched at once: KeOps numbers them in float32, which is exact up to here."""
ENTRIES = 2**26


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
            "Install pykeops, or pass backend=None for exact search without it."
        ) from error
    finally:
        for name in quiet:
            os.environ.pop(name, None)
