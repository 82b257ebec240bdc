"""Complex numbers side by side as one value of compiled code: what is done to one is done to all at once.

Left to itself the compiler makes vector instructions only of loops that it has proven to write nowhere they read, and
it proves that for few pointers. A transform's steps have many, so here the vectors are written out.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 8  # numbers: a register of AVX holds so many parts, two of NEON or half of one of AVX-512
ROW = 2 * WIDTH  # floats: real parts, then imaginary ones

_PARTS = ir.VectorType(ir.FloatType(), WIDTH)
_BOTH = ir.LiteralStructType([_PARTS, _PARTS])
_FUSED = ("contract",)  # a product and a sum may be rounded at once


class Lanes(types.Type):
    """The type of `WIDTH` complex numbers, single precision."""

    def __init__(self) -> None:
        super().__init__("Lanes")


LANES = Lanes()


def instructions(function: Callable[..., Any]) -> Any:
    """Decorate what gives a type and the instructions themselves, for compiled code to call."""
    return intrinsic(function)


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BOTH)


def _parts(builder: Any, value: Any) -> list[Any]:
    """The real and the imaginary parts."""
    return [builder.extract_value(value, k) for k in range(2)]


def _made(builder: Any, real: Any, imaginary: Any) -> Any:
    """The numbers of these parts."""
    value = builder.insert_value(ir.Constant(_BOTH, ir.Undefined), real, 0)
    return builder.insert_value(value, imaginary, 1)


def _alike(builder: Any, number: Any) -> Any:
    """A vector of one number."""
    nothing = ir.Constant(_PARTS, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, nothing, zeros)


def _places(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> list[Any]:
    """Where the parts lie of what begins at an index of an array."""
    data = context.make_array(kind)(context, builder, array).data
    indices = [index, builder.add(index, ir.Constant(index.type, WIDTH))]
    return [builder.bitcast(builder.gep(data, [at]), _PARTS.as_pointer()) for at in indices]


@instructions
def load(typingctx, array, index):
    """The numbers that begin at an index of a contiguous float32 array (m,): real parts, then imaginary ones."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        parts = []
        for place in _places(context, builder, signature.args[0], *given):
            parts.append(builder.load(place))
            parts[-1].align = 4
        return _made(builder, *parts)

    return LANES(array, types.intp), code


@instructions
def store(typingctx, array, index, value):
    """Write numbers where `load` reads them."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        places = _places(context, builder, signature.args[0], *given[:2])
        for place, part in zip(places, _parts(builder, given[2]), strict=True):
            builder.store(part, place).align = 4
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES), code


@instructions
def scaled(typingctx, value, array, index):
    """Each number times the float32 of its own that an array (m,) has from an index on."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        factors = builder.load(_places(context, builder, signature.args[1], *given[1:])[0])
        factors.align = 4
        return _made(builder, *[builder.fmul(part, factors) for part in _parts(builder, given[0])])

    return LANES(LANES, array, types.intp), code


@instructions
def turned(typingctx, value):
    """Each number times -i."""

    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        real, imaginary = _parts(builder, given[0])
        return _made(builder, imaginary, builder.fneg(real))

    return LANES(LANES), code


@instructions
def _times_real(typingctx, value, number):
    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        factor = _alike(builder, given[1])
        return _made(builder, *[builder.fmul(part, factor, _FUSED) for part in _parts(builder, given[0])])

    return LANES(LANES, types.float32), code


@instructions
def _times_complex(typingctx, value, number):
    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        real, imaginary = _parts(builder, given[0])
        c, s = (_alike(builder, part) for part in _parts(builder, given[1]))

        def product(a: Any, b: Any) -> Any:
            return builder.fmul(a, b, _FUSED)

        return _made(
            builder,
            builder.fsub(product(real, c), product(imaginary, s), _FUSED),
            builder.fadd(product(real, s), product(imaginary, c), _FUSED),
        )

    return LANES(LANES, types.complex64), code


@overload(operator.mul)
def _times(value, number):
    if isinstance(value, Lanes) and number == types.float32:
        return lambda value, number: _times_real(value, number)
    if isinstance(value, Lanes) and number == types.complex64:
        return lambda value, number: _times_complex(value, number)
    return None


def _part_by_part(operation: Callable[..., Any], instruction: str) -> None:
    """Have numba know a sum or a difference of two values."""

    @instructions
    def combined(typingctx, a, b):
        def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            pairs = zip(*(_parts(builder, value) for value in given), strict=True)
            return _made(builder, *[getattr(builder, instruction)(*pair, _FUSED) for pair in pairs])

        return LANES(LANES, LANES), code

    @overload(operation)
    def _(a, b):
        if isinstance(a, Lanes) and isinstance(b, Lanes):
            return lambda a, b: combined(a, b)
        return None


_part_by_part(operator.add, "fadd")
_part_by_part(operator.sub, "fsub")
