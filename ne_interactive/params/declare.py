"""Turns a class of declared parameters into a keyword-only estimator whose aliases really work."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Iterable
from typing import Any, TypeVar

from ne_interactive.params.errors import ParameterError
from ne_interactive.params.names import ALIASES, hint
from ne_interactive.params.param import Param, params_of

T = TypeVar("T", bound=type)

REGISTRY: dict[str, type] = {}
"""Every declared class by name: what a saved run may be made of."""


def declare(cls: T) -> T:
    """Class decorator: keyword-only dataclass, aliases in the constructor and `set_params`, generated docs.

    Neither converts nor validates, as scikit-learn asks: a value is checked when it is used.
    """
    cls = dataclasses.dataclass(kw_only=True, eq=False, repr=False)(cls)
    plain_init = cls.__init__

    @functools.wraps(plain_init)
    def init(self: Any, **values: Any) -> None:
        given = rename_aliases(type(self), values)
        _check_names(type(self), given)
        plain_init(self, **given)

    setattr(cls, "__init__", init)  # noqa: B010
    setattr(init, "__signature__", _signature(cls))  # noqa: B010
    cls.__doc__ = f"{inspect.cleandoc(cls.__doc__ or '')}\n\n{_parameter_docs(cls)}\n"
    REGISTRY[cls.__name__] = cls
    return cls


def rename_aliases(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """The values under their own names.

    Raises:
        ParameterError: if a parameter is given twice, once under its alias.
    """
    fields = {field.name for field in dataclasses.fields(cls)}
    renamed: dict[str, Any] = {}
    for name, value in values.items():
        own = ALIASES.get(name, name) if ALIASES.get(name) in fields else name
        if own in renamed or (own != name and own in values):
            raise ParameterError(f"{cls.__name__}: {name!r} is another name of {own!r}; give one of them.")
        renamed[own] = value
    return renamed


def _check_names(cls: type, given: Iterable[str]) -> None:
    """Refuse unknown names as Python does, and say which was meant."""
    fields = [field.name for field in dataclasses.fields(cls)]
    for name in given:
        if name not in fields:
            text = f"{cls.__name__}() got an unexpected keyword argument {name!r}. {hint(name, fields)}"
            raise TypeError(text)


def _own_first(cls: type) -> list[str]:
    """Names of the parameters: those that the class brings, then those of its bases, the most general ones last."""
    fields = {field.name for field in dataclasses.fields(cls)}
    brought = [[*inspect.get_annotations(base)] for base in cls.__mro__]
    known: set[str] = set()
    for names in reversed(brought):
        names[:] = [name for name in names if name in fields and name not in known]
        known.update(names)
    return [name for names in brought for name in names]


def _signature(cls: type) -> inspect.Signature:
    """What help and completion show: names and defaults, as a person types them."""
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    given = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name])
        for name in _own_first(cls)
    ]
    return inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *given])


def _parameter_docs(cls: type) -> str:
    lines = ["Parameters", "----------"]
    declared = params_of(cls)
    for p in (declared[name] for name in _own_first(cls) if name in declared):
        lines.append(f"{p.name} : {', '.join([*_allowed(p), f'default {p.default!r}'])}")
        live = " Can change while the run goes on." if p.live else ""
        lines.append(f"    {p.help}{live}")
    return "\n".join(lines)


def _allowed(p: Param) -> list[str]:
    """What values it takes, in words, where that can be said shortly."""
    auto = " or 'auto'" if p.auto else ""
    if p.choices:
        return [" | ".join(map(repr, p.choices)) + auto]
    words = {"number": "number", "integer": "whole number", "switch": "True or False"}
    return [f"{words[p.kind]}{' in ' if p.range() else ''}{p.range()}{auto}"] if p.kind in words else []
