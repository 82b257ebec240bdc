"""The scikit-learn face of a method: fit, transform, parameters by name."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils import TransformerTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.declare import rename_aliases


class Estimator(BaseEstimator):
    """A method as a scikit-learn estimator; `fit` is a loop over a run."""

    verbose: bool

    @classmethod
    def places(cls) -> bool:
        """Whether new rows can be placed."""
        return False

    def fit(self, X: Any, y: Any = None) -> Self:
        """Embed X (n, d); y is ignored.

        Sets `embedding_` (n, n_components), `n_iter_`, `loss_`, `n_features_in_`, `seed_`, and `map_`, which places
        new rows.

        Raises:
            DataError: if X cannot be embedded.
            ParameterError: if a parameter does not fit X.
        """
        run = Stepper(X, self, history=0)
        self._check_feature_names_in(X)
        _fit_with_progress(run, self.verbose is True)
        self.map_ = run.map()
        self.embedding_ = run.embedding_like_input()
        self.n_iter_ = run.iteration
        self.loss_ = run.loss
        self.n_features_in_ = run.d
        self.seed_ = run.seed
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Embed X (n, d) and return Z (n, n_components), in the kind of container that X came in."""
        return self.fit(X).embedding_

    @available_if(lambda self: self.places())
    def transform(self, X: Any) -> Any:
        """Place new rows X (m, d) in the fitted map, whose points stand still; see `Stepper.transform`.

        Returns:
            (m, n_components), in the kind of container that X came in; rows of the fitted X get their places back.

        Raises:
            DataError: if X does not fit the rows that the map was made of.
        """
        check_is_fitted(self, "embedding_")
        self._check_feature_names_in(X, reset=False)
        return self.map_.place(X)

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; the aliases `learning_rate` and `early_exaggeration` work too."""
        return super().set_params(**rename_aliases(type(self), params))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if self.places():
            tags.transformer_tags = TransformerTags(preserves_dtype=["float32"])
        return tags

    def _check_feature_names_in(self, X: Any, reset: bool = True) -> None:
        from sklearn.utils.validation import _check_feature_names

        _check_feature_names(self, X, reset=reset)


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
