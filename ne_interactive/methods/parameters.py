"""The parameters that every method has, declared once."""

from __future__ import annotations

import dataclasses
from typing import Any

from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.methods.estimator import Estimator
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import param

BALANCE = ("repulsion", "attraction")
"""The two ends of what decides most about a map (Boehm et al., JMLR 23(95))."""
METRICS = (
    "euclidean", "sqeuclidean", "cosine", "angular", "manhattan", "correlation", "hyperbolic", "precomputed",
)  # fmt: skip


def check_backend(backend: Any, owner: str) -> None:
    """Refuse what is no backend.

    Raises:
        ParameterError: naming those there are.
    """
    if not (backend is None or isinstance(backend, FaissConfig) or backend in ("auto", "faiss", "keops")):
        raise ParameterError(
            f"{owner}.backend must be 'auto', None, 'faiss', 'keops' or a FaissConfig; got {backend!r}."
        )


def momentum() -> Any:
    """The field of methods whose own rule has momentum."""
    return param(
        "auto", "Share of the last step that is kept; 'auto' is 0.8, and for SGD 0.5 in the early phase.",
        kind="number", bounds=(0, 1), closed="low", slider=(0, 0.98), group="optimizer",
        live=True, redo="nothing", auto=True,
    )  # fmt: skip


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class Parameters(Estimator):
    """What can be set of every method. It is no method, and so not declared as one."""

    n_components: int = param(
        2, "Dimensions of the embedding.", bounds=(1, None), slider=(1, 3), group="layout"
    )
    exaggeration: float | str = param(
        "auto",
        "Weight of the attraction (lambda); 'auto' is the early schedule, then 1.",
        kind="number", bounds=(0, 1000), slider=(0.1, 32), scale="log", group="forces",
        live=True, redo="nothing", auto=True, axis=BALANCE,
    )  # fmt: skip
    repulsion_strength: float = param(
        1.0, "Weight of the repulsion (rho).", bounds=(0, 1000), slider=(0.05, 20), scale="log", group="forces",
        live=True, redo="nothing",
    )  # fmt: skip
    lr: float | str = param(
        "auto", "Learning rate; 'auto' follows the number of points and both weights.",
        kind="number", bounds=(0, 1e7), closed="high", slider=(0.01, 1e5), scale="log", group="optimizer",
        live=True, redo="nothing", auto=True,
    )  # fmt: skip
    early_exaggeration_coeff: float = param(
        1.0,
        "Exaggeration of the early phase.",
        bounds=(0, 1000),
        closed="high",
        slider=(1, 32),
        group="forces",
    )
    early_exaggeration_iter: int = param(
        0, "Iterations of the early phase.", bounds=(0, None), slider=(0, 1000), group="forces"
    )
    max_iter: int | str = param(
        "auto", "Iterations of a full run; a live run goes on until it comes to rest.",
        kind="integer", bounds=(1, None), slider=(50, 2000), group="run", auto=True,
    )  # fmt: skip
    optimizer: Any = param(
        "auto", "Update rule: 'auto' is the method's own, else a torch.optim optimizer by name or class.",
        kind="other", group="optimizer",
    )  # fmt: skip
    optimizer_kwargs: Any = param(
        "auto", "Arguments of a torch optimizer, as a dictionary.", kind="other", group="optimizer"
    )
    scheduler: Any = param(
        None, "Learning-rate schedule: a torch.optim.lr_scheduler by name or class, None for a constant rate.",
        kind="other", group="optimizer",
    )  # fmt: skip
    scheduler_kwargs: Any = param(
        "auto", "Arguments of the scheduler, as a dictionary; 'auto' lets linear and cosine schedules fall to 0 "
        "over the run.", kind="other", group="optimizer",
    )  # fmt: skip
    min_grad_norm: float = param(
        1e-7, "A run also rests once the gradient's norm is below this, three tests in a row.",
        bounds=(0, None), slider=(0, 0.01), group="run",
    )  # fmt: skip
    init: Any = param(
        "pca", "Start: 'pca', 'spectral', 'random', 'hyperbolic' (in the Poincare ball), or an array (n, c), used "
        "as it is.", kind="other", group="layout",
    )  # fmt: skip
    init_scaling: float | str = param(
        "auto", "Standard deviation of the first axis of the start; 'auto' leaves a given array as it is.",
        kind="number", bounds=(0, 1e6), closed="high", slider=(1e-5, 10), group="layout", auto=True,
    )  # fmt: skip
    metric: str = param(
        "euclidean", "Distance between rows of X; with 'precomputed', X holds distances or neighbours.",
        choices=METRICS, group="neighbours", live=True, redo="graph",
    )  # fmt: skip
    backend: Any = param(
        "auto", "Neighbour search: None (exact, in tiles), 'keops', 'faiss', a FaissConfig, or 'auto' by size.",
        kind="other", group="neighbours",
    )  # fmt: skip
    affinity_in: Any = param(
        "auto", "How P is made: 'auto' is the method's own way, else an affinity, its name, or P itself, (n, n).",
        kind="other", group="neighbours",
    )  # fmt: skip
    affinity_out: Any = param(
        "auto", "Affinity of the embedding: 'auto' is the method's own kernel, else a normalised affinity by name, "
        "class or value, matched to P by cross-entropy over all pairs.", kind="other", group="forces",
    )  # fmt: skip
    kwargs_affinity_out: Any = param(
        None, "Arguments of `affinity_out` where that is a name or a class.", kind="other", group="forces"
    )
    device: Any = param("auto", "Torch device; 'auto' stays where X is.", kind="other", group="run")
    random_state: Any = param(
        None,
        "Seed: an integer, a numpy or torch generator, or None for a fresh one.",
        kind="other",
        group="run",
    )
    check_interval: int = param(
        50, "Iterations between tests of convergence.", bounds=(1, None), slider=(10, 200), group="run"
    )
    tol: float = param(
        3e-4, "A run rests once a step is this small against the map's extent, three tests in a row.",
        bounds=(0, 1), slider=(0, 0.01), group="run",
    )  # fmt: skip
    compile: bool = param(False, "Run differentiated losses through torch.compile.", group="run")
    distributed: bool = param(False, "Run on several processes (not available yet).", group="run")
    verbose: bool = param(False, "Show a progress bar while fitting.", group="run")
