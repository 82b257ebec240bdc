"""A trait that is one of some values."""

from typing import Any

import traitlets as t

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.text import plain_text


class Choice(t.TraitType[Any, Any]):
    """One of some values; a ParameterError names them."""

    def __init__(self, *values: Any, help: str) -> None:
        """Take the values, the default first."""
        super().__init__(values[0], help=help)
        self._values = values

    def validate(self, obj: Any, value: Any) -> Any:
        """Give the value, if it is one of them."""
        if any(value is one or (isinstance(value, str) and value == one) for one in self._values):
            return value
        known = ", ".join(map(repr, self._values))
        raise ParameterError(f"{self.name} must be one of {known}; got {plain_text(value, 40)!r}.")
