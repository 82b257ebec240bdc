"""What all neighbor embeddings share: common parameters, the scikit-learn face, the schedules.

All minimise `lambda * attraction + rho * repulsion`; lambda is the exaggeration, rho the repulsion strength.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from sklearn.base import BaseEstimator

from ne_interactive.engine.protocol import Gradient
from ne_interactive.engine.state import Problem, State
from ne_interactive.engine.stepper import Stepper
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.params.declare import declare, rename_aliases
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import check_all, param

METHODS: dict[str, type[NeighborEmbedding]] = {}


@declare
class NeighborEmbedding(BaseEstimator, ABC):
    """Base of all methods: a value whose fields are its parameters and whose functions are its maths.

    A subclass gives `affinity` (P from neighbours), `gradient` (both forces and the loss) and `k`.
    """

    rule: ClassVar[str] = "gains"

    n_components: int = param(
        2, "Dimensions of the embedding.", bounds=(1, None), slider=(1, 3), group="layout"
    )
    exaggeration: float | str = param(
        "auto",
        "Weight of the attraction (lambda); 'auto' is the early schedule, then 1.",
        kind="number", bounds=(0, 1000), slider=(0.1, 32), scale="log", group="forces",
        live=True, redo="nothing", auto=True,
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
    init: Any = param(
        "pca", "Start: 'pca', 'random', or an array (n, c), used as it is.", kind="other", group="layout"
    )
    init_scaling: float | str = param(
        "auto", "Standard deviation of the first axis of the start; 'auto' leaves a given array as it is.",
        kind="number", bounds=(0, 1e6), closed="high", slider=(1e-5, 10), group="layout", auto=True,
    )  # fmt: skip
    metric: str = param(
        "euclidean", "Distance between rows of X.",
        choices=("euclidean", "sqeuclidean", "cosine", "manhattan"), group="neighbours",
    )  # fmt: skip
    backend: str | None = param(
        "auto", "Neighbour search: exact tiles (None), FAISS, or 'auto' by size.",
        choices=("auto", None, "faiss"), group="neighbours",
    )  # fmt: skip
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
    distributed: bool = param(False, "Run on several processes (not available yet).", group="run")
    verbose: bool = param(False, "Show a progress bar while fitting.", group="run")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__name__.startswith("_"):
            METHODS[cls.__name__.lower()] = cls

    # the scikit-learn face

    def fit(self, X: Any, y: Any = None) -> NeighborEmbedding:
        """Embed X (n, d); y is ignored.

        Sets `embedding_` (n, n_components), `n_iter_`, `loss_`, `n_features_in_` and `seed_`.

        Raises:
            DataError: if X cannot be embedded.
            ParameterError: if a parameter does not fit X.
        """
        run = Stepper(X, self)
        self._check_feature_names_in(X)
        _fit_with_progress(run, self.verbose is True)
        self.embedding_ = run.embedding_like_input()
        self.n_iter_ = run.iteration
        self.loss_ = run.loss
        self.n_features_in_ = run.d
        self.seed_ = run.seed
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Embed X (n, d) and return Z (n, n_components), in the kind of container that X came in."""
        return self.fit(X).embedding_

    def set_params(self, **params: Any) -> NeighborEmbedding:
        """Set parameters by name; the aliases `learning_rate` and `early_exaggeration` work too."""
        return super().set_params(**rename_aliases(type(self), params))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_feature_names_in(self, X: Any) -> None:
        from sklearn.utils.validation import _check_feature_names

        _check_feature_names(self, X, reset=True)

    # what the engine asks

    def validate(self, n: int) -> None:
        """Check every parameter against n points.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        if self.distributed is not False:
            raise ParameterError(
                f"{type(self).__name__}.distributed must be False: running on several processes is not available "
                f"yet; got {self.distributed!r}. Leave it out to run in this process."
            )
        check_all(self, n)

    @abstractmethod
    def k(self, n: int, knobs: Mapping[str, Any]) -> int:
        """Neighbours wanted per point."""

    @abstractmethod
    def affinity(self, neighbors: Neighbors, knobs: Mapping[str, Any]) -> Graph:
        """P, from the neighbours."""

    @abstractmethod
    def gradient(
        self, problem: Problem, state: State, knobs: Mapping[str, Any], lr: float, want_loss: bool
    ) -> Gradient:
        """Gradient and loss of the objective at the state's positions; lr is the learning rate in force."""

    def iterations(self, n: int) -> int:
        """Length of a full run on n points."""
        return 1000 if isinstance(self.max_iter, str) else int(self.max_iter)

    def earliest_rest(self, n: int) -> int:
        """Iterations since the origin before which a run is never at rest: the early phase."""
        return int(self.early_exaggeration_iter)

    def check_together(self, knobs: Mapping[str, Any]) -> None:
        """Limits that parameters set each other: none by default."""

    def start_scale(self) -> float:
        """Standard deviation of the first axis of a computed start, embedding units."""
        return 1e-4

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """The value of an "auto" parameter at the state's iteration."""
        if name == "exaggeration":
            early = state.iteration - state.origin < self.early_exaggeration_iter
            return self.early_exaggeration_coeff if early else 1.0
        if name == "lr":
            return self._auto_lr(state, n, knobs)
        raise ParameterError(f"{type(self).__name__}.{name} has no schedule; give it a value.")

    def _auto_lr(self, state: State, n: int, knobs: Mapping[str, Any]) -> float:
        """n / max(lambda, rho, 1) / 4 for gradients with the factor 4 (Belkina et al., doi:10.1038/s41467-019-13055-y).

        Coupled to both weights, so that no change of theirs tears the map; the floor of 50, which helps small data,
        holds only while both are as constructed.
        """
        rate = n / max(knobs["exaggeration"], knobs["repulsion_strength"], 1.0) / 4
        steered = "exaggeration" in state.hand or "repulsion_strength" in state.hand
        return rate if steered else max(rate, 50.0)

    def decay(self, state: State, n: int) -> float:
        """The learning-rate schedule's factor now: none by default."""
        return 1.0

    def wake(self, state: State, n: int) -> int:
        """The origin of the schedules after a change: unchanged by default."""
        return state.origin


def _fit_with_progress(run: Stepper, show: bool) -> None:
    if not show:
        run.run()
        return
    from tqdm.auto import tqdm

    total = run.max_iter
    with tqdm(total=total, desc=type(run.method).__name__, unit="it") as bar:
        for frame in run.frames(every=max(1, total // 50)):
            bar.update(frame.iteration - bar.n)
            bar.set_postfix(loss=f"{frame.loss:.4g}")
