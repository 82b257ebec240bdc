"""Random numbers: one seed per run, one independent stream per purpose, no global state touched."""

import hashlib
import secrets
from numbers import Integral
from typing import Any

import numpy as np
import torch

from ne_interactive.params.errors import ParameterError

__all__ = ["draw_seed", "generator"]

LIMIT = 2**63


def draw_seed(random_state: Any = None) -> int:
    """Turn what users pass as ``random_state`` into one seed in [0, 2**63).

    None draws a fresh seed from the operating system; an integer is the seed itself; a NumPy ``RandomState`` or
    ``Generator`` and a ``torch.Generator`` are drawn from once, so that two runs given the same object differ.

    Raises:
        ParameterError: Any other type, or an integer outside [0, 2**63).
    """
    if random_state is None:
        return secrets.randbelow(LIMIT)
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        seed = int(random_state)
        if not 0 <= seed < LIMIT:
            raise ParameterError(f"random_state must lie in [0, 2**63); got {seed}. Pass a number from 0 on.")
        return seed
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(0, LIMIT - 1, dtype=np.int64))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(0, LIMIT, dtype=np.int64))
    if isinstance(random_state, torch.Generator):
        return int(torch.randint(0, LIMIT - 1, (), generator=random_state, device=random_state.device))
    raise ParameterError(
        "random_state must be None, an integer, a NumPy RandomState or Generator, or a torch.Generator; "
        f"got {type(random_state).__name__}. Pass an integer for a repeatable run."
    )


def generator(seed: int, stream: str, iteration: int = 0) -> torch.Generator:
    """Make a CPU generator that is a function of its arguments alone.

    ``stream`` names the purpose ("start", "negatives", ...), so that streams never share numbers and a new one
    changes none of the others; ``iteration`` makes a draw independent of how many were made before it.
    """
    key = hashlib.blake2b(f"{seed}/{stream}/{iteration}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(key, "little"))
