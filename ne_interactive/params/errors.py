"""One family of exceptions; each is also the built-in that it specialises."""


class NEError(Exception):
    """Any error that ne_interactive raises on purpose."""


class ParameterError(NEError, ValueError):
    """A parameter has a value that its method cannot take."""


class DataError(NEError, ValueError):
    """The data cannot be embedded as they are."""


class MissingPackageError(NEError, ImportError):
    """An optional package is needed and not installed."""


class DivergedError(NEError, ArithmeticError):
    """The optimisation left the range of finite numbers and could not be brought back."""


class StateError(NEError, RuntimeError):
    """The call does not fit what the run is doing now."""
