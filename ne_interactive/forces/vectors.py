"""Numbers side by side as one value of compiled code: what is done to one is done to all at once.

Left to itself the compiler makes vector instructions only of loops that it has proven to write nowhere they read, and
it proves that for few pointers; sums along a graph's edges it leaves one by one. So the vectors are written out here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 8  # complex numbers of `Lanes`: a register of AVX holds so many parts, two of NEON, half of one of AVX-512
ROW = 2 * WIDTH  # floats: real parts, then imaginary ones

_FUSED = ("contract",)  # a product and a sum may be rounded at once
_INDEX = ir.IntType(32)


class Reals(types.Type):
    """The type of some floats, single precision."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(f"{width} reals")


class Lanes(types.Type):
    """The type of `WIDTH` complex numbers, single precision."""

    def __init__(self) -> None:
        super().__init__("Lanes")


FOUR, EIGHT, LANES = Reals(4), Reals(WIDTH), Lanes()


@register_model(Reals)
class _RealsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _vector(kind.width))


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.LiteralStructType([_vector(WIDTH)] * 2))


def instructions(function: Callable[..., Any]) -> Any:
    """Decorate what gives a type and the instructions themselves, for compiled code to call."""
    return intrinsic(function)


def _vector(width: int) -> ir.VectorType:
    return ir.VectorType(ir.FloatType(), width)


def _parts(builder: Any, value: Any) -> list[Any]:
    """The real and the imaginary parts of a complex value."""
    return [builder.extract_value(value, k) for k in range(2)]


def _made(builder: Any, real: Any, imaginary: Any) -> Any:
    """The complex value of these parts."""
    value = ir.Constant(ir.LiteralStructType([real.type, imaginary.type]), ir.Undefined)
    return builder.insert_value(builder.insert_value(value, real, 0), imaginary, 1)


def _picked(builder: Any, value: Any, places: list[int], other: Any = None) -> Any:
    """The numbers at these places of a vector, or of two, one after the other."""
    other = ir.Constant(value.type, ir.Undefined) if other is None else other
    return builder.shuffle_vector(value, other, ir.Constant(ir.VectorType(_INDEX, len(places)), places))


def _alike(builder: Any, number: Any, width: int) -> Any:
    """A vector of one number, of whatever type."""
    nothing = ir.Constant(ir.VectorType(number.type, width), ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(_INDEX, 0))
    return _picked(builder, first, [0] * width)


def _summed(builder: Any, value: Any) -> Any:
    """The sum of a vector's numbers, halves first."""
    while (half := value.type.count // 2) > 0:
        low, high = (_picked(builder, value, list(range(k, k + half))) for k in (0, half))
        value = builder.fadd(low, high)
    return builder.extract_element(value, ir.Constant(_INDEX, 0))


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any, width: int) -> Any:
    """Where so many numbers lie that begin at an index of an array."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _vector(width).as_pointer())


def _data(context: Any, builder: Any, kinds: Any, arrays: Any) -> list[Any]:
    """Where arrays begin."""
    pairs = zip(kinds, arrays, strict=True)
    return [context.make_array(kind)(context, builder, array).data for kind, array in pairs]


def _halves(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> list[Any]:
    """Where the parts of a complex value lie that begins at an index of an array."""
    indices = index, builder.add(index, ir.Constant(index.type, WIDTH))
    return [_place(context, builder, kind, array, at, WIDTH) for at in indices]


def _read(builder: Any, place: Any) -> Any:
    value = builder.load(place)
    value.align = 4
    return value


def _reader(kind: Reals) -> Any:
    @instructions
    def read(typingctx, array, index):
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return _read(builder, _place(context, builder, signature.args[0], given[0], given[1], kind.width))

        return kind(array, types.uint64), code

    return read


# The floats that begin at an index of a contiguous float32 array (m,).
four, eight = _reader(FOUR), _reader(EIGHT)


@instructions
def load(typingctx, array, index):
    """The complex numbers that begin at an index of a contiguous float32 array (m,): first all real parts."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        halves = _halves(context, builder, signature.args[0], *given)
        return _made(builder, *[_read(builder, place) for place in halves])

    return LANES(array, types.uint64), code


@instructions
def store(typingctx, array, index, value):
    """Write numbers where they would be read."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        where = context, builder, signature.args[0], given[0], given[1]
        if isinstance(value, Lanes):
            pairs = zip(_halves(*where), _parts(builder, given[2]), strict=True)
        else:
            pairs = [(_place(*where, value.width), given[2])]
        for place, part in pairs:
            builder.store(part, place).align = 4
        return context.get_dummy_value()

    return types.void(array, types.uint64, value), code


def _pairs(builder: Any, pair: Callable[[int], Any]) -> Any:
    """The complex numbers of `WIDTH` pairs of floats, each 64 bits that are read where pair(k) says."""
    whole = ir.IntType(64)

    def four_of(*numbers: int) -> Any:
        found = ir.Constant(ir.VectorType(whole, 4), ir.Undefined)
        for slot, k in enumerate(numbers):
            place = builder.bitcast(pair(k), whole.as_pointer())
            found = builder.insert_element(found, _read(builder, place), ir.Constant(_INDEX, slot))
        return builder.bitcast(found, _vector(WIDTH))

    # in the order in which no part has to cross a register's halves
    low, high = four_of(0, 1, 4, 5), four_of(2, 3, 6, 7)
    real = _picked(builder, low, [0, 2, 8, 10, 4, 6, 12, 14], high)
    imaginary = _picked(builder, low, [1, 3, 9, 11, 5, 7, 13, 15], high)
    return _made(builder, real, imaginary)


def _index_at(builder: Any, places: Any, index: Any, k: int) -> Any:
    """The k-th of the uint32 numbers that begin at an index, as 64 bits."""
    at = builder.add(index, ir.Constant(index.type, k))
    return builder.zext(builder.load(builder.gep(places, [at])), ir.IntType(64))


@instructions
def gathered(typingctx, values, indices, index):
    """The complex numbers of values (n,) complex64 at the `WIDTH` indices (m,) uint32 that begin at an index."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data, places = _data(context, builder, signature.args[:2], given[:2])
        return _pairs(builder, lambda k: builder.gep(data, [_index_at(builder, places, given[2], k)]))

    return LANES(values, indices, types.uint64), code


@instructions
def column(typingctx, values, k, indices, index):
    """One column of values (n, c) float32 at the `WIDTH` indices (m,) uint32 that begin at an index."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data, places = _data(context, builder, signature.args[::2], given[::2])
        c = builder.extract_value(context.make_array(values)(context, builder, given[0]).shape, 1)
        found = ir.Constant(_vector(WIDTH), ir.Undefined)
        for lane in range(WIDTH):
            at = builder.mul(_index_at(builder, places, given[3], lane), c)
            number = builder.load(builder.gep(data, [builder.add(at, given[1])]))
            found = builder.insert_element(found, number, ir.Constant(_INDEX, lane))
        return found

    return EIGHT(values, types.uint64, indices, types.uint64), code


@instructions
def interpolated(typingctx, table, value, begin, shift):
    """What a table (m,) float32 holds at eight numbers, whose bits are the places in it.

    Its entry k is of the number whose bits are (begin + k) << shift; lower and higher numbers are taken to its ends.
    """

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        values = context.make_array(table)(context, builder, given[0])

        def alike(number: Any) -> Any:
            return _alike(builder, number, WIDTH)

        begin, shift = (builder.trunc(number, _INDEX) for number in given[2:])
        one, entries = ir.Constant(_INDEX, 1), builder.trunc(builder.extract_value(values.shape, 0), _INDEX)
        low = builder.shl(begin, shift)
        high = builder.sub(builder.shl(builder.sub(builder.add(begin, entries), one), shift), one)
        bits = builder.bitcast(given[1], ir.VectorType(_INDEX, WIDTH))
        for bound, side in ((alike(low), "<"), (alike(high), ">")):
            bits = builder.select(builder.icmp_signed(side, bits, bound), bound, bits)
        places = builder.sub(builder.lshr(bits, alike(shift)), alike(begin))

        def pair(k: int) -> Any:
            place = builder.extract_element(places, ir.Constant(_INDEX, k))
            return builder.gep(values.data, [builder.zext(place, ir.IntType(64))])

        near, next_ = _parts(builder, _pairs(builder, pair))
        step = builder.shl(one, shift)
        rest = builder.and_(bits, alike(builder.sub(step, one)))
        share = builder.fdiv(*[builder.sitofp(number, near.type) for number in (rest, alike(step))])
        return builder.fadd(near, builder.fmul(share, builder.fsub(next_, near), _FUSED), _FUSED)

    return EIGHT(table, EIGHT, types.int64, types.int64), code


@instructions
def alike(typingctx, number):
    """`WIDTH` times a float32, or a complex64."""
    if number == types.complex64:

        def twice(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            return _made(builder, *[_alike(builder, part, WIDTH) for part in _parts(builder, given[0])])

        return LANES(types.complex64), twice
    return EIGHT(types.float32), lambda _context, builder, _signature, given: _alike(builder, given[0], WIDTH)


@instructions
def alike4(typingctx, number):
    """Four times a float32."""
    return FOUR(types.float32), lambda _context, builder, _signature, given: _alike(builder, given[0], 4)


def _only(k: int) -> Any:
    @instructions
    def only(typingctx, value):
        return FOUR(FOUR), lambda _context, builder, _signature, given: _picked(builder, given[0], [k] * 4)

    return only


# One of four numbers, four times.
only0, only1, only2, only3 = (_only(k) for k in range(4))


@instructions
def total(typingctx, value):
    """The sum of the numbers: float32, or complex64."""
    if isinstance(value, Lanes):

        def both(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            found = context.make_complex(builder, types.complex64)
            found.real, found.imag = (_summed(builder, part) for part in _parts(builder, given[0]))
            return found._getvalue()

        return types.complex64(LANES), both
    return types.float32(value), lambda _context, builder, _signature, given: _summed(builder, given[0])


@instructions
def first(typingctx, value, count):
    """Eight numbers, of which those from a count on are 0."""

    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        lanes = ir.Constant(ir.VectorType(given[1].type, WIDTH), list(range(WIDTH)))
        within = builder.icmp_unsigned("<", lanes, _alike(builder, given[1], WIDTH))
        return builder.select(within, given[0], ir.Constant(given[0].type, [0.0] * WIDTH))

    return EIGHT(EIGHT, types.uint64), code


@instructions
def root(typingctx, value):
    """The square roots of eight numbers."""

    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        kind = ir.FunctionType(given[0].type, [given[0].type])
        roots = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{WIDTH}f32")
        return builder.call(roots, given)

    return EIGHT(EIGHT), code


@instructions
def turned(typingctx, value):
    """Each complex number times -i."""

    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        real, imaginary = _parts(builder, given[0])
        return _made(builder, imaginary, builder.fneg(real))

    return LANES(LANES), code


@instructions
def squared(typingctx, value):
    """The squares of complex numbers' lengths."""

    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        return builder.fadd(*[builder.fmul(part, part, _FUSED) for part in _parts(builder, given[0])], _FUSED)

    return EIGHT(LANES), code


@instructions
def _times_complex(typingctx, value, number):
    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        real, imaginary = _parts(builder, given[0])
        c, s = (_alike(builder, part, WIDTH) for part in _parts(builder, given[1]))

        def product(a: Any, b: Any) -> Any:
            return builder.fmul(a, b, _FUSED)

        return _made(
            builder,
            builder.fsub(product(real, c), product(imaginary, s), _FUSED),
            builder.fadd(product(real, s), product(imaginary, c), _FUSED),
        )

    return LANES(LANES, types.complex64), code


@instructions
def _times_reals(typingctx, value, factors):
    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        return _made(builder, *[builder.fmul(part, given[1], _FUSED) for part in _parts(builder, given[0])])

    return LANES(LANES, EIGHT), code


@overload(operator.mul)
def _times(value, factor):
    if not isinstance(value, Lanes):
        return None
    if factor == types.complex64:
        return lambda value, factor: _times_complex(value, factor)
    if factor == types.float32:
        return lambda value, factor: _times_reals(value, alike(factor))
    return (lambda value, factor: _times_reals(value, factor)) if factor == EIGHT else None


def _number_by_number(operation: Callable[..., Any], instruction: str, *kinds: type) -> None:
    """Have numba know what an operation makes of two values of one type."""

    @instructions
    def combined(typingctx, a, b):
        def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            combine = getattr(builder, instruction)
            if isinstance(a, Reals):
                return combine(*given, _FUSED)
            pairs = zip(*(_parts(builder, value) for value in given), strict=True)
            return _made(builder, *[combine(*pair, _FUSED) for pair in pairs])

        return a(a, a), code

    @overload(operation)
    def _(a, b):
        return (lambda a, b: combined(a, b)) if isinstance(a, kinds) and a == b else None


_number_by_number(operator.add, "fadd", Reals, Lanes)
_number_by_number(operator.sub, "fsub", Reals, Lanes)
_number_by_number(operator.mul, "fmul", Reals)
_number_by_number(operator.truediv, "fdiv", Reals)
