"""Parameter values as JSON and arrays, and back; nothing is imported or run that a file names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy import sparse

from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.families import AFFINITIES
from ne_interactive.params.errors import DataError, ParameterError

CLASSES = {"torch.optim": torch.optim, "torch.optim.lr_scheduler": torch.optim.lr_scheduler}
SPARSE = ("data", "indices", "indptr")


def pack_value(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """The value as plain data; arrays in it go to `arrays`, under names that begin with `name`.

    Raises:
        ParameterError: if it is nothing that a file can hold.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, type):
        return {"class": _name_of_class(value, name)}
    if dataclasses.is_dataclass(value):
        kept = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        fields = {key: pack_value(part, f"{name}.{key}", arrays) for key, part in kept.items()}
        return {"value": type(value).__name__, "fields": fields}
    if isinstance(value, Mapping):
        return {
            "mapping": {str(key): pack_value(part, f"{name}.{key}", arrays) for key, part in value.items()}
        }
    if sparse.issparse(value):
        whole: Any = sparse.csr_array(value)
        for part in SPARSE:
            arrays[f"{name}.{part}"] = getattr(whole, part)
        return {"sparse": list(whole.shape)}
    array = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
    if array.dtype.kind not in "biuf":
        raise ParameterError(
            f"{name} cannot be saved: a file holds numbers, names and arrays; got {value!r}."
        )
    arrays[name] = array
    return {"array": type(value).__name__ if isinstance(value, list | tuple) else "array"}


def unpack_value(packed: Any, name: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value that `pack_value` took apart.

    Raises:
        DataError: if this version knows nothing of that kind.
    """
    if not isinstance(packed, dict):
        return packed
    if "class" in packed:
        return _class_named(packed["class"], name)
    if "mapping" in packed:
        return {key: unpack_value(part, f"{name}.{key}", arrays) for key, part in packed["mapping"].items()}
    if "sparse" in packed:
        parts = tuple(arrays[f"{name}.{part}"] for part in SPARSE)
        return sparse.csr_array(parts, shape=tuple(packed["sparse"]))
    if "array" in packed:
        array = arrays[name]
        return {"list": array.tolist, "tuple": lambda: tuple(array.tolist())}.get(
            packed["array"], lambda: array
        )()
    known = {cls.__name__: cls for cls in AFFINITIES.values()} | {"FaissConfig": FaissConfig}
    if packed["value"] not in known:
        raise DataError(
            f"{name} is a {packed['value']}, which this version does not know; known are {sorted(known)}."
        )
    fields = {key: unpack_value(part, f"{name}.{key}", arrays) for key, part in packed["fields"].items()}
    return known[packed["value"]](**fields)


def _class_named(wanted: Any, name: str) -> type:
    for module, home in CLASSES.items():
        for cls in vars(home).values():
            if isinstance(cls, type) and wanted == f"{module}.{cls.__name__}":
                return cls
    raise DataError(f"{name} is the class {wanted!r:.80}, which is none of torch.optim.")


def _name_of_class(cls: type, name: str) -> str:
    for module, home in CLASSES.items():
        if getattr(home, cls.__name__, None) is cls:
            return f"{module}.{cls.__name__}"
    raise ParameterError(
        f"{name} cannot be saved: {cls.__name__} is no class of torch.optim. Name one of those."
    )
