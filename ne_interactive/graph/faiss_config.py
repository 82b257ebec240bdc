"""What a FAISS index is built with: a value, independent of whether FAISS is installed."""

from dataclasses import dataclass
from typing import Any

from ne_interactive.params.errors import ParameterError

__all__ = ["INDEX_TYPES", "FaissConfig"]

INDEX_TYPES = ("Flat", "IVF", "IVFPQ", "HNSW")


@dataclass(frozen=True, kw_only=True)
class FaissConfig:
    """Choose and tune a FAISS index (Johnson, Douze & Jegou 2017, arXiv:1702.08734); None is a default by size.

    Every candidate is ordered by its exact distance in the full space afterwards, and rows for which the index finds
    too few are searched exactly, so no choice here gives missing neighbours; "Flat" gives the exact ones.

    Args:
        index_type: "Flat" (exhaustive), "IVF" (inverted lists), "IVFPQ" (inverted lists of product codes: least
            memory) or "HNSW" (a navigable graph, CPU only).
        nlist: inverted lists; about 1.5 sqrt(n) by default, never more than n.
        nprobe: lists searched per point; by default at least 12, and enough to hold four times the candidates and 1,024
            points.
        M: IVFPQ: codes per point, by default one per two search dimensions; HNSW: links per point, 32.
        nbits: bits of one code of IVFPQ, in [1, 12].
        ef_construction: width of the search while an HNSW graph is built.
        ef_search: width of the search in an HNSW graph; twice the candidates by default, at least 64.
        oversampling: candidates per neighbour wanted, at least 1, beside 60 more; by default 1.1, and 4 for IVFPQ.
        dimensions: principal components searched in, beside the length of what they leave; None searches the data as
            they are. Flat always does.
        device: None for the CPU, or the number of a GPU, which needs a FAISS built for GPUs.
        temp_memory: bytes of scratch memory on the GPU; None leaves FAISS its own choice.

    Raises:
        ParameterError: A field is outside its limits.
    """

    index_type: str = "IVF"
    nlist: int | None = None
    nprobe: int | None = None
    M: int | None = None
    nbits: int = 8
    ef_construction: int = 80
    ef_search: int | None = None
    oversampling: float | None = None
    dimensions: int | None = 50
    device: int | None = None
    temp_memory: int | None = None

    def __post_init__(self) -> None:
        if self.index_type not in INDEX_TYPES:
            raise ParameterError(
                f"FaissConfig.index_type must be one of {', '.join(INDEX_TYPES)}; got {self.index_type!r}."
            )
        for name in ("nlist", "nprobe", "M", "ef_construction", "ef_search", "dimensions"):
            value = getattr(self, name)
            if name == "ef_construction" or value is not None:
                self._whole(name, value, 1)
        self._whole("nbits", self.nbits, 1, 12)
        for name in ("device", "temp_memory"):
            if getattr(self, name) is not None:
                self._whole(name, getattr(self, name), 0)
        wanted = self.oversampling
        if wanted is not None and (
            isinstance(wanted, bool) or not isinstance(wanted, int | float) or not wanted >= 1
        ):
            raise ParameterError(f"FaissConfig.oversampling must be a number of at least 1; got {wanted!r}.")
        if self.device is not None and self.index_type == "HNSW":
            raise ParameterError(
                f"FaissConfig.device must be None for HNSW, which has no GPU version; got {self.device!r}. "
                'Choose index_type "Flat", "IVF" or "IVFPQ".'
            )
        if self.temp_memory is not None and self.device is None:
            raise ParameterError(
                f"FaissConfig.temp_memory is memory of a GPU; got {self.temp_memory!r} with device=None. "
                "Give the number of a GPU as device, or leave temp_memory out."
            )

    def _whole(self, name: str, value: Any, low: int, high: int | None = None) -> None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < low or (high is not None and value > high):
            limits = f"of at least {low}" if high is None else f"in [{low}, {high}]"
            raise ParameterError(f"FaissConfig.{name} must be a whole number {limits}; got {value!r}.")
