import dataclasses
import inspect
import math

import numpy as np
import pytest

from ne_interactive.methods import METHODS, TSNE, UMAP
from ne_interactive.params.declare import declare
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import check_live, describe, param, params_of


def test_every_field_of_every_method_is_declared():
    import dataclasses

    for cls in METHODS.values():
        assert {f.name for f in dataclasses.fields(cls)} == set(params_of(cls))


@pytest.mark.parametrize("cls", METHODS.values())
def test_every_default_passes_its_own_check(cls):
    for name, declared in params_of(cls).items():
        declared.check(declared.default, cls.__name__, n=1000), name


@pytest.mark.parametrize("cls", METHODS.values())
def test_live_numeric_parameters_have_finite_slider_ends_inside_their_limits(cls):
    for entry in describe(cls(), n=40):
        if not entry["live"] or entry["kind"] not in ("number", "integer"):
            continue
        assert math.isfinite(entry["ui_low"]), entry["name"]
        assert math.isfinite(entry["ui_high"]), entry["name"]
        assert entry["ui_low"] < entry["ui_high"]
        declared = params_of(cls)[entry["name"]]
        declared.check(entry["ui_low"], cls.__name__, n=40)
        declared.check(entry["ui_high"], cls.__name__, n=40)
        assert entry["scale"] == "linear" or entry["ui_low"] > 0


def test_perplexity_message_names_parameter_limits_value_and_reason():
    message = r"TSNE\.perplexity must lie in \(1, 999\) for 1000 points \(below n - 1\); got 1200\."
    with pytest.raises(ParameterError, match=message):
        params_of(TSNE)["perplexity"].check(1200, "TSNE", n=1000)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "fast", None, True, [3], 1 + 2j, 1, 999])
def test_numbers_refuse_what_is_no_number_inside_the_limits(value):
    with pytest.raises(ParameterError, match=r"TSNE\.perplexity must"):
        params_of(TSNE)["perplexity"].check(value, "TSNE", n=1000)


def test_whole_numbers_accept_numpy_and_integral_floats_and_refuse_fractions():
    declared = params_of(UMAP)["n_neighbors"]
    assert declared.check(np.int64(7), "UMAP", n=100) == 7
    assert type(declared.check(7.0, "UMAP", n=100)) is int
    with pytest.raises(ParameterError, match=r"whole number; got 7\.5"):
        declared.check(7.5, "UMAP", n=100)


def test_auto_is_accepted_only_where_there_is_a_schedule():
    assert params_of(TSNE)["lr"].check("auto", "TSNE") == "auto"
    with pytest.raises(ParameterError, match="repulsion_strength must be a number; got 'auto'"):
        params_of(TSNE)["repulsion_strength"].check("auto", "TSNE")


def test_choices_do_not_confuse_types():
    declared = dataclasses.replace(params_of(TSNE)["metric"], choices=(1, None, "auto"))
    assert declared.check(None, "TSNE") is None
    with pytest.raises(ParameterError, match="must be one of 1, None, 'auto'; got True"):
        declared.check(True, "TSNE")


def test_switch_refuses_other_values():
    assert params_of(TSNE)["verbose"].check(np.bool_(True), "TSNE") is True
    with pytest.raises(ParameterError, match=r"TSNE\.verbose must be True or False; got 1"):
        params_of(TSNE)["verbose"].check(1, "TSNE")


def test_unknown_constructor_name_is_a_type_error():
    with pytest.raises(
        TypeError, match=r"TSNE\(\) got an unexpected .* 'perplexty'\. Did you mean perplexity\?"
    ):
        TSNE(perplexty=5)
    with pytest.raises(TypeError):
        TSNE(30)


def test_aliases_work_in_constructor_and_set_params():
    assert TSNE(learning_rate=7.0).lr == 7.0
    assert TSNE(early_exaggeration=4.0).early_exaggeration_coeff == 4.0
    assert TSNE().set_params(learning_rate=3.0).lr == 3.0
    with pytest.raises(ParameterError, match="another name"):
        TSNE(learning_rate=7.0, lr=3.0)
    with pytest.raises(ParameterError, match="another name"):
        TSNE(lr=3.0, learning_rate=7.0)


def test_live_changes_are_all_or_nothing_and_hint_at_misspellings():
    method = TSNE()
    assert check_live(method, {"exaggeration": 4, "lr": "auto"}, 100) == {"exaggeration": 4.0, "lr": "auto"}
    with pytest.raises(ParameterError, match="Did you mean exaggeration"):
        check_live(method, {"exageration": 4}, 100)
    with pytest.raises(ParameterError, match="n_components cannot change during a run"):
        check_live(method, {"n_components": 3}, 100)


def test_docstrings_are_generated_from_the_declarations():
    for cls in METHODS.values():
        for name, declared in params_of(cls).items():
            assert f"{name} : " in cls.__doc__
            assert declared.help in cls.__doc__


def test_help_shows_limits_and_begins_with_what_is_the_methods_own():
    names = list(inspect.signature(TSNE).parameters)
    assert set(names) == set(params_of(TSNE))
    assert set(names[:4]) == {"momentum", "dof", "perplexity", "affinity_tail"}
    assert names.index("early_exaggeration_coeff") > names.index(
        "n_components"
    )  # declared again, but not its own
    assert str(inspect.signature(UMAP)).startswith("(*, n_neighbors=15, min_dist=0.1, ")
    lines = TSNE.__doc__.splitlines()
    assert "perplexity : number in (1, n - 1), default 30.0" in lines
    assert "lr : number in (0, 1e+07] or 'auto', default 'auto'" in lines
    assert "n_components : whole number in [1, inf), default 2" in lines
    assert "init : default 'pca'" in lines
    assert "Examples:" in lines  # one indentation throughout


def test_declaring_a_method_takes_no_init():
    @declare
    class _Toy:
        size: float = param(1.0, "Size.", bounds=(0, 2), live=True, redo="nothing")
        many: int = param(3, "Many.", bounds=(1, "n"))

    toy = _Toy(size=2.0)
    assert (toy.size, toy.many) == (2.0, 3)
    assert [entry["kind"] for entry in describe(toy)] == ["number", "integer"]
    assert describe(toy)[1]["high"] is None
    assert describe(toy, n=9)[1]["high"] == 9


def test_a_name_of_another_package_is_answered_with_ours():
    with pytest.raises(TypeError, match="Did you mean max_iter"):
        UMAP(n_epochs=200)
    with pytest.raises(TypeError, match="Did you mean n_negatives"):
        UMAP(negative_sample_rate=5)
    with pytest.raises(ParameterError, match="Did you mean n_negatives"):
        check_live(UMAP(), {"negative_sample_rate": 9}, 100)
    with pytest.raises(TypeError, match=r"'negative_sample_rate'\. There are .*perplexity"):
        TSNE(negative_sample_rate=5)  # which has no such thing


def test_too_few_points_for_any_value_are_told():
    with pytest.raises(
        ParameterError, match=r"must lie in \(1, 1\) for 2 points .*No value does: pass more rows"
    ):
        params_of(TSNE)["perplexity"].check(30, "TSNE", n=2)
    with pytest.raises(ParameterError, match=r"for 3 points \(below n - 1\); got 30\.$"):
        params_of(TSNE)["perplexity"].check(30, "TSNE", n=3)
