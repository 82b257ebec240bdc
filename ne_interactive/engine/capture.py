"""How a device records what it is asked to do, and finds out first whether the host has a part in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Work = Callable[[], None]
Replay = Callable[[], Any]
Capture = Callable[[Work, Work, torch.device], Replay]
WARM = 2  # times that it is done before: tables and plans are made then

aten = torch.ops.aten
WITH_THE_HOST = {
    aten._local_scalar_dense.default,  # float(), bool(), item()
    aten.nonzero.default,
    aten.masked_select.default,
    aten._unique2.default,
    aten.unique_consecutive.default,
    aten.lift_fresh.default,  # numbers that the host has, and sends
}
BY_MASK = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}  # how many it holds is read


class Unrecordable(Exception):
    """The host has a part in what was to be recorded."""


class Alone(TorchDispatchMode):
    """Within it the host neither reads what a device has computed nor sends it anything, or it is told so.

    `inputs` holds what was there before and was used.

    Raises:
        Unrecordable: naming the operation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inputs: dict[StorageWeakRef, Tensor] = {}
        self._made: set[StorageWeakRef] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Spare the first recording of a process the second in which torch's compiler is imported."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let pass what the device does by itself."""
        masks = func in BY_MASK and any(one.dtype == torch.bool for one in _tensors(args[1]))
        asks = func is aten.repeat_interleave.Tensor and not (kwargs or {}).get("output_size")
        if func in WITH_THE_HOST or masks or asks:
            raise Unrecordable(f"the host takes part in {func}")
        made = func(*args, **(kwargs or {}))
        given, given_back = _tensors((args, kwargs)), _tensors(made)
        if len({one.device for one in (*given, *given_back) if one.ndim}) > 1:
            raise Unrecordable(f"{func} goes from one device to another")
        for one in given:
            if (storage := _storage(one)) not in self._made:
                self.inputs.setdefault(storage, one)
        self._made |= {_storage(one) for one in given_back} - self.inputs.keys()
        return made


def rehearse(work: Work, before: Work) -> list[Tensor]:
    """Do what is to be recorded, so that all is there that is made but once; see that the host has no part in it.

    Args:
        work: what is to be recorded.
        before: puts back what it changes.

    Returns:
        what the work takes from outside, which must be kept as long as it is repeated.

    Raises:
        Unrecordable: the host has a part in it.
    """
    for _ in range(WARM):
        before()
        work()
    before()
    with Alone() as alone:
        work()
    return list(alone.inputs.values())


def cuda_graph(work: Work, before: Work, device: torch.device) -> Replay:
    """Record what a function asks of a GPU as a CUDA graph; the function given repeats it.

    Raises:
        Unrecordable: the host has a part in it.
        RuntimeError: CUDA refuses.
    """
    with torch.cuda.device(device):
        stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            kept = rehearse(work, before)
        current.wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other runs may use the GPU meanwhile, and autograd allocates in a thread of its own.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            work()

    def replay(_kept: list[Tensor] = kept) -> None:  # alive as long as this is
        with torch.cuda.device(device):
            graph.replay()

    return replay


def _tensors(values: Any) -> list[Tensor]:
    return [one for one in tree_leaves(values) if isinstance(one, Tensor)]


def _storage(tensor: Tensor) -> StorageWeakRef:
    return StorageWeakRef(tensor.untyped_storage())
