"""Which points and triplets are looked at: seeded draws, the same for every map."""

import torch

from ne_interactive.data.seeds import generator
from ne_interactive.params.errors import DataError

__all__ = ["drawn", "same_length", "signs", "triplets"]


def drawn(n: int, sample: int | None, seed: int) -> torch.Tensor:
    """Give the numbers of ``sample`` of n points, ascending; None, or more than there are: all.

    Raises:
        DataError: less than one is wanted.
    """
    if sample is None or sample >= n:
        return torch.arange(n)
    if sample < 1:
        raise DataError(f"sample must be at least 1; got {sample}. Pass None for all points.")
    return torch.randperm(n, generator=generator(seed, "quality"))[:sample].sort().values


def same_length(n: int, n_map: int) -> None:
    """Raise DataError unless the data and the map have as many rows."""
    if n != n_map:
        raise DataError(f"The data and the map must have as many rows; got {n} and {n_map}.")


def triplets(n: int, count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw triplets of different points, each of them equally likely."""
    draw = generator(seed, "triplets")
    i = torch.randint(n, (count,), generator=draw)
    j = (i + 1 + torch.randint(n - 1, (count,), generator=draw)) % n
    k = torch.randint(n - 2, (count,), generator=draw)
    low, high = torch.minimum(i, j), torch.maximum(i, j)
    k += (k >= low).long()
    k += (k >= high).long()
    return i, j, k


def signs(values: torch.Tensor, i: torch.Tensor, j: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Tell which of j and k is nearer to i: -1, 0 (equal) or 1."""
    parts = []
    for a, b, c in zip(i.split(4096), j.split(4096), k.split(4096), strict=True):
        own = values[a].double()
        parts.append(torch.sign((own - values[b]).square().sum(1) - (own - values[c]).square().sum(1)))
    return torch.cat(parts)
