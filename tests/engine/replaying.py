"""A device that repeats what it was asked to do: torch's operations on the CPU, noted one by one and done again.

It stands in for CUDA graphs where there is no GPU. As there, what is repeated reads and writes the same memory each
time, and numbers that were the host's stay what they were.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ne_interactive.engine.capture import rehearse


class _Noting(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.done = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        self.done.append((func, args, kwargs or {}, made))
        return made


def replayed(work, before, device):
    """Note what a function does, and give one that does it again."""
    assert device.type == "cpu"
    kept = rehearse(work, before)
    before()  # here what is noted is done as well
    with _Noting() as noting:
        work()

    @torch.no_grad()
    def replay(kept=kept):
        for func, args, kwargs, made in noting.done:
            again = func(*args, **kwargs)
            for old, new in zip(tree_leaves(made), tree_leaves(again), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)

    return replay
