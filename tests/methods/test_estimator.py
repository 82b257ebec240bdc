"""What scikit-learn's pipelines and users ask of a method beside fitting."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ne_interactive as ne
from ne_interactive.methods import METHODS

X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
COLUMNS = ["ne0", "ne1"]


def tsne(**more):
    return ne.TSNE(**{"perplexity": 5, "max_iter": 120, "random_state": 0, **more})


def test_a_pipeline_gives_the_container_that_is_asked_for():
    pipeline = make_pipeline(StandardScaler(), tsne()).set_output(transform="pandas")
    Z = pipeline.fit_transform(pd.DataFrame(X, index=range(100, 160)))
    assert list(Z.columns) == COLUMNS
    assert list(Z.index) == list(range(100, 160))
    placed = pipeline.transform(pd.DataFrame(X[:3], index=list("abc")))
    assert list(placed.index) == list("abc")
    np.testing.assert_array_equal(placed, Z[:3])
    assert list(pipeline.get_feature_names_out()) == COLUMNS


def test_without_a_choice_the_container_is_that_of_the_rows():
    method = tsne()
    assert type(method.fit_transform(X)) is np.ndarray
    assert list(method.fit_transform(pd.DataFrame(X)).columns) == COLUMNS
    with config_context(transform_output="polars"):
        assert tsne().fit_transform(X).columns == COLUMNS


@pytest.mark.parametrize("name", METHODS)
def test_only_methods_that_place_rows_have_transform(name):
    method = METHODS[name]()
    assert hasattr(method, "transform") == method.places()
    assert hasattr(method, "set_output")
    assert (method.__sklearn_tags__().transformer_tags is not None) == method.places()


def test_a_fit_that_ends_in_the_early_phase_is_warned_of():
    with pytest.warns(
        UserWarning, match=r"TSNE ends after 40 iterations, within its early phase.*raise max_iter"
    ):
        tsne(max_iter=40).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tsne(max_iter=40, early_exaggeration_iter=10).fit(X)
        tsne(max_iter=40, exaggeration=1.0).fit(X)
        ne.UMAP(n_neighbors=5, max_iter=40).fit(X)
