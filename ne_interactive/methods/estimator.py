"""The scikit-learn face of a method: fit, transform, parameters by name."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import TransformerTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ne_interactive.data.table import column_names
from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.declare import rename_aliases


class Estimator(TransformerMixin, BaseEstimator):
    """A method as a scikit-learn estimator; `fit` is a loop over a run.

    `set_output` of scikit-learn chooses what container `fit_transform` and `transform` give, where it is not that of X.
    """

    verbose: bool

    @classmethod
    def places(cls) -> bool:
        """Whether new rows can be placed."""
        return False

    def ends_early(self, n: int) -> bool:
        """Whether a full run on n points ends in a phase that is only a beginning."""
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
        if self.ends_early(run.n):
            warnings.warn(
                f"{type(self).__name__} ends after {run.max_iter} iterations, within its early phase, in which groups "
                "are drawn into points; raise max_iter, or lower early_exaggeration_iter.",
                stacklevel=2,
            )
        _fit_with_progress(run, self.verbose is True)
        self.map_ = run.map()
        self.embedding_ = run.embedding_like_input()
        self.n_iter_ = run.iteration
        self.loss_ = run.loss
        self.n_features_in_ = run.d
        self.seed_ = run.seed
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Embed X (n, d) and return Z (n, n_components), in the kind of container that X came in."""
        return self.fit(X).embedding_

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

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Give the names of the embedding's columns in DataFrames: ne0, ne1, ... (`input_features` is ignored)."""
        check_is_fitted(self, "embedding_")
        return np.array(column_names(self.embedding_.shape[1]), dtype=object)

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; the aliases `learning_rate` and `early_exaggeration` work too."""
        return super().set_params(**rename_aliases(type(self), params))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags = TransformerTags(preserves_dtype=["float32"]) if self.places() else None
        return tags

    def _check_feature_names_in(self, X: Any, reset: bool = True) -> None:
        from sklearn.utils.validation import _check_feature_names

        _check_feature_names(self, X, reset=reset)


# Here, since `TransformerMixin` has wrapped what stands in the class: methods that cannot place rows have no transform.
_transform: Any = available_if(lambda self: self.places())(Estimator.transform)
Estimator.transform = _transform


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
