"""Neighbor embedding that is watched and steered while it runs.

Names are resolved when they are first used, so that the bare import stays light.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

# OpenMP's threads spin while they wait, by default. Beside another busy process (a browser that draws, say) each of the
# few short parallel loops of an iteration then waits for a whole time slice: 82 ms an iteration instead of 2 for 500
# points. So they sleep, but only once some 30 microseconds have brought nothing new: most loops follow each other
# sooner, and waking costs a third of an iteration. GNU's runtime gives threads beyond the count of cores less time, and
# none under PASSIVE; each thread that computes has helpers of its own (`graph.helpers`). Other runtimes wait for ever
# under ACTIVE, or not at all where the last setting says so. They read this when they are loaded, the one of torch with
# torch; who has set it keeps it.
if "OMP_WAIT_POLICY" not in os.environ and "torch" not in sys.modules:
    os.environ["OMP_WAIT_POLICY"] = "ACTIVE" if sys.platform == "linux" else "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    os.environ.setdefault("KMP_BLOCKTIME", "0")

__version__ = "0.1.0"

_HOMES = {
    "METHODS": "ne_interactive.methods",
    "NeighborEmbedding": "ne_interactive.methods",
    "ContrastiveSpectrum": "ne_interactive.methods",
    "COSNE": "ne_interactive.methods",
    "DensMAP": "ne_interactive.methods",
    "InfoTSNE": "ne_interactive.methods",
    "LargeVis": "ne_interactive.methods",
    "LocalMAP": "ne_interactive.methods",
    "NegativeSamplingNeighborEmbedding": "ne_interactive.methods",
    "PACMAP": "ne_interactive.methods",
    "SNE": "ne_interactive.methods",
    "SNEkhorn": "ne_interactive.methods",
    "TSNE": "ne_interactive.methods",
    "TSNEkhorn": "ne_interactive.methods",
    "UMAP": "ne_interactive.methods",
    "Stepper": "ne_interactive.engine.stepper",
    "Frame": "ne_interactive.engine.reading",
    "Recipe": "ne_interactive.engine.recipe",
    "replay": "ne_interactive.engine.replay",
    "describe": "ne_interactive.params.param",
    "declare": "ne_interactive.params.declare",
    "param": "ne_interactive.params.param",
    "FaissConfig": "ne_interactive.graph.faiss_config",
    "compare": "ne_interactive.widget.opening",
    "controls": "ne_interactive.widget.controls",
    "explore": "ne_interactive.widget.opening",
    "Explorer": "ne_interactive.widget.explorer",
    "PlotlyView": "ne_interactive.widget.plotly_view",
    "NEError": "ne_interactive.params.errors",
    "ParameterError": "ne_interactive.params.errors",
    "DataError": "ne_interactive.params.errors",
    "DivergedError": "ne_interactive.params.errors",
    "MissingPackageError": "ne_interactive.params.errors",
    "StateError": "ne_interactive.params.errors",
}
_MODULES = {"datasets": "ne_interactive.data.datasets", "metrics": "ne_interactive.quality.metrics"}

if TYPE_CHECKING:
    from ne_interactive.data import datasets
    from ne_interactive.engine.reading import Frame
    from ne_interactive.engine.recipe import Recipe
    from ne_interactive.engine.replay import replay
    from ne_interactive.engine.stepper import Stepper
    from ne_interactive.graph.faiss_config import FaissConfig
    from ne_interactive.methods import (
        COSNE,
        METHODS,
        PACMAP,
        SNE,
        TSNE,
        UMAP,
        ContrastiveSpectrum,
        DensMAP,
        InfoTSNE,
        LargeVis,
        LocalMAP,
        NegativeSamplingNeighborEmbedding,
        NeighborEmbedding,
        SNEkhorn,
        TSNEkhorn,
    )
    from ne_interactive.params.declare import declare
    from ne_interactive.params.errors import (
        DataError,
        DivergedError,
        MissingPackageError,
        NEError,
        ParameterError,
        StateError,
    )
    from ne_interactive.params.param import describe, param
    from ne_interactive.quality import metrics
    from ne_interactive.widget.controls import controls
    from ne_interactive.widget.explorer import Explorer
    from ne_interactive.widget.opening import compare, explore
    from ne_interactive.widget.plotly_view import PlotlyView

__all__ = [
    "COSNE",
    "METHODS",
    "PACMAP",
    "SNE",
    "TSNE",
    "UMAP",
    "ContrastiveSpectrum",
    "DataError",
    "DensMAP",
    "DivergedError",
    "Explorer",
    "FaissConfig",
    "Frame",
    "InfoTSNE",
    "LargeVis",
    "LocalMAP",
    "MissingPackageError",
    "NEError",
    "NegativeSamplingNeighborEmbedding",
    "NeighborEmbedding",
    "ParameterError",
    "PlotlyView",
    "Recipe",
    "SNEkhorn",
    "StateError",
    "Stepper",
    "TSNEkhorn",
    "compare",
    "controls",
    "datasets",
    "declare",
    "describe",
    "explore",
    "metrics",
    "param",
    "replay",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value: Any = importlib.import_module(_MODULES[name])
    elif name in _HOMES:
        importlib.import_module("ne_interactive.methods")  # a run may be of any method
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'ne_interactive' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(
        {name for name in globals() if name.startswith("__")} | set(__all__)
    )  # what completion offers
