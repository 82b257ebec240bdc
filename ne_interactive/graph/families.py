"""All affinities by name, and whatever a caller gives for one."""

from collections.abc import Mapping
from typing import Any

from ne_interactive.graph.adaptive import MAGIC, ScaledNearest, SelfTuning
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.doubly import DoublyStochasticQuadratic, Sinkhorn, SymmetricEntropic
from ne_interactive.graph.matrices import graph_of_matrix, is_matrix
from ne_interactive.graph.normalized import NormalizedGaussian, NormalizedStudent
from ne_interactive.graph.phate import PHATE
from ne_interactive.graph.sparse_affinities import Entropic, Fuzzy
from ne_interactive.params.errors import ParameterError

__all__ = [
    "AFFINITIES",
    "MAGIC",
    "PHATE",
    "Affinity",
    "DoublyStochasticQuadratic",
    "Entropic",
    "Fuzzy",
    "NormalizedGaussian",
    "NormalizedStudent",
    "ScaledNearest",
    "SelfTuning",
    "Sinkhorn",
    "SymmetricEntropic",
    "as_affinity",
]

AFFINITIES: dict[str, type[Affinity]] = {
    cls.__name__.lower(): cls
    for cls in (
        Entropic,
        SymmetricEntropic,
        Sinkhorn,
        DoublyStochasticQuadratic,
        NormalizedGaussian,
        NormalizedStudent,
        SelfTuning,
        MAGIC,
        Fuzzy,
        ScaledNearest,
        PHATE,
    )
}
"""Every affinity by its lower-case name."""


def as_affinity(
    value: Any, n: int, owner: str = "affinity_in", kwargs: Mapping[str, Any] | None = None
) -> Affinity | Graph:
    """Bring what a caller gives for an affinity of n points into one form, checked.

    Args:
        value: an `Affinity`, one of its classes, a name in `AFFINITIES` (case, "_" and a final "affinity" do not
            matter), or a matrix (n, n) of weights >= 0, dense or sparse (see `graph_of_matrix`).
        n: number of points.
        owner: the parameter to name in an error.
        kwargs: parameters for a class or a name.

    Raises:
        ParameterError: None of these, an unknown parameter, or a parameter outside its limits.
        DataError: A matrix that cannot be affinities of n points.
    """
    if isinstance(value, str):
        value = _by_name(value, owner)
    if isinstance(value, type) and issubclass(value, Affinity):
        value = _made(value, kwargs or {}, owner)
    elif kwargs:
        raise ParameterError(
            f"Parameters of {owner} go with a class or a name; got {value!r} and {dict(kwargs)}."
        )
    if isinstance(value, Affinity):
        value.check(n, f"{owner}: {type(value).__name__}")
        return value
    if is_matrix(value):
        return graph_of_matrix(value, n, owner)
    raise ParameterError(
        f"{owner} must be an affinity, its class, one of {', '.join(AFFINITIES)}, or a matrix ({n}, {n}); "
        f"got {value!r}."
    )


def _by_name(name: str, owner: str) -> type[Affinity]:
    plain = name.lower().replace("_", "").removesuffix("affinity")
    if plain not in AFFINITIES:
        raise ParameterError(f"{owner} must be one of {', '.join(AFFINITIES)}; got {name!r}.")
    return AFFINITIES[plain]


def _made(cls: type[Affinity], kwargs: Mapping[str, Any], owner: str) -> Affinity:
    try:
        return cls(**kwargs)
    except TypeError as error:
        raise ParameterError(f"{owner}: {cls.__name__} cannot be made of {dict(kwargs)}: {error}.") from None
