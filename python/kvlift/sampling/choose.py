"""The next token of each row of logits, greedy or random, by arithmetic that is exact everywhere.

1. Keys: the bits of the logits as unsigned integers of the same order; both zeros are one key, and
   every NaN is the largest. Greedy takes the first of the largest keys.
2. Weights: `2**30 * exp((logit - largest) / temperature)` as an integer. The distance from the
   largest logit is a f32 subtraction and one multiplication by `2**24 * log2(e) / temperature`;
   its whole part is a shift, its fraction goes through the Taylor series of `2**-x` in fixed point.
   A token with less than 2**-30 of the largest weight has none.
3. `top_k` and `top_p` each raise the smallest key that may be drawn, found bit by bit: the largest
   key such that enough tokens, or enough weight, are at or above it. So equal logits stay together.
4. Threefry-2x32 of 20 rounds, keyed by the seed, of (step, row) gives 32 random bits: a share of
   the sum of all weights, which says where in the weights, laid end to end, the token is.

Runtimes may round the logits themselves differently. Weights and sums then differ a little, and a
token only where a random number is as close to the border of two.
"""

from __future__ import annotations

import math
import struct

from kvlift.sampling.emitter import Emitter, Shape, Value

WEIGHT_BITS = 30
FRACTION_BITS = 24
_TERMS = 9
_LARGEST_KEY = 0xFFFFFFFF
_SIGN = 1 << 31
_INFINITY = 0x7F800000
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def choose_greedy(emit: Emitter, logits: Value) -> Value:
    """The first of the largest logits in each row, i32[batch]."""
    keys = _keys(emit, logits)
    largest = _along_rows(emit, emit.reduce("maximum", keys, 1, 0), keys.shape)
    positions = emit.iota(keys.shape, 1, "i32")
    nowhere = emit.constant(keys.shape[1], keys.shape, "i32")
    found = emit.select(emit.compare("EQ", keys, largest), positions, nowhere)
    return emit.reduce("minimum", found, 1, keys.shape[1])


def choose_random(
    emit: Emitter,
    logits: Value,
    state: Value,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
) -> list[Value]:
    """A token drawn in each row, i32[batch], and the state with one more step."""
    keys = _keys(emit, logits)
    weights = _weights(emit, logits, keys, temperature)
    batch, vocabulary = keys.shape
    if top_k is not None and top_k < vocabulary:
        ones = emit.constant(1, keys.shape, "ui32")
        enough = emit.constant(top_k, (batch,), "ui32")
        weights = _keep_largest(emit, keys, weights, ones, enough)
    if top_p is not None and top_p < 1:
        total = emit.reduce("add", weights, 1, 0)
        share = _share(emit, total, round(top_p * 2**32))
        enough = emit.binary("maximum", share, 1)
        weights = _keep_largest(emit, keys, weights, weights, enough)
    total = emit.reduce("add", weights, 1, 0)
    where = _share(emit, total, emit.convert(_random_bits(emit, state, batch), "ui64"))
    return [_find(emit, weights, where), _next_state(emit, state)]


def _keys(emit: Emitter, logits: Value) -> Value:
    """Unsigned integers that are ordered as the logits are."""
    bits = emit.bitcast(logits, "ui32")
    magnitude = emit.binary("and", bits, _SIGN - 1)
    bits = emit.select(emit.compare("EQ", magnitude, 0), 0, bits)
    is_negative = emit.compare("GE", bits, _SIGN)
    keys = emit.select(is_negative, emit.invert(bits), emit.binary("or", bits, _SIGN))
    return emit.select(emit.compare("GT", magnitude, _INFINITY), _LARGEST_KEY, keys)


def _logit_of(emit: Emitter, keys: Value) -> Value:
    """The inverse of `_keys`."""
    is_negative = emit.compare("LT", keys, _SIGN)
    bits = emit.select(is_negative, emit.invert(keys), emit.binary("xor", keys, _SIGN))
    return emit.bitcast(bits, "f32")


def _weights(emit: Emitter, logits: Value, keys: Value, temperature: float) -> Value:
    """ui64[batch, vocabulary]; the largest in each row is 2**30."""
    largest = emit.reduce("maximum", keys, 1, 0)
    top = _along_rows(emit, _logit_of(emit, largest), keys.shape)
    distance = emit.binary("subtract", top, logits)
    scale = emit.constant(_f32(2**FRACTION_BITS * math.log2(math.e) / temperature), (), "f32")
    scaled = emit.binary("multiply", distance, emit.broadcast(scale, keys.shape, ()))
    far = emit.constant(_f32((WEIGHT_BITS + 1) * 2**FRACTION_BITS), keys.shape, "f32")
    # Also what is no number: an infinite logit that is not the largest, or any beside a NaN.
    near = emit.select(emit.compare("LT", scaled, far), scaled, far)
    fixed = emit.convert(emit.convert(near, "ui32"), "ui64")
    falling = _power(emit, emit.binary("and", fixed, 2**FRACTION_BITS - 1))
    whole = emit.binary("shift_right_logical", fixed, FRACTION_BITS)
    weights = emit.binary("shift_right_logical", falling, whole)
    is_largest = emit.compare("EQ", keys, _along_rows(emit, largest, keys.shape))
    return emit.select(is_largest, 2**WEIGHT_BITS, weights)


def _power(emit: Emitter, fraction: Value) -> Value:
    """2**(30 - x) of fractions of 24 bits, by Horner's rule."""
    terms = [round(2**WEIGHT_BITS * math.log(2) ** i / math.factorial(i)) for i in range(_TERMS)]
    value = emit.constant(terms[-1], fraction.shape, fraction.dtype)
    for term in reversed(terms[:-1]):
        product = emit.binary("multiply", value, fraction)
        less = emit.binary("shift_right_logical", product, FRACTION_BITS)
        value = emit.binary("subtract", emit.constant(term, less.shape, less.dtype), less)
    return value


def _keep_largest(
    emit: Emitter, keys: Value, weights: Value, amounts: Value, enough: Value
) -> Value:
    """The weights, zero below the largest key at or above which the amounts are enough."""
    batch = keys.shape[:1]
    smallest = emit.constant(0, batch, "ui32")
    nothing = emit.constant(0, keys.shape, amounts.dtype)
    for bit in reversed(range(32)):
        higher = emit.binary("or", smallest, 1 << bit)
        is_above = emit.compare("GE", keys, _along_rows(emit, higher, keys.shape))
        amount = emit.reduce("add", emit.select(is_above, amounts, nothing), 1, 0)
        smallest = emit.select(emit.compare("GE", amount, enough), higher, smallest)
    is_kept = emit.compare("GE", keys, _along_rows(emit, smallest, keys.shape))
    return emit.select(is_kept, weights, emit.constant(0, keys.shape, weights.dtype))


def _share(emit: Emitter, total: Value, share: Value | int) -> Value:
    """`total * share / 2**32`, rounded down, of totals below 2**62 and shares of up to 2**32."""
    high = emit.binary("multiply", emit.binary("shift_right_logical", total, 32), share)
    low = emit.binary("multiply", emit.binary("and", total, 2**32 - 1), share)
    return emit.binary("add", high, emit.binary("shift_right_logical", low, 32))


def _random_bits(emit: Emitter, state: Value, batch: int) -> Value:
    """ui32[batch]: Threefry-2x32 with the key (state[0], state[1]) of (state[2], row)."""

    def spread(position: int) -> Value:
        return emit.broadcast(emit.element(state, position), (batch,), ())

    keys = [spread(0), spread(1)]
    keys.append(emit.binary("xor", emit.binary("xor", keys[0], keys[1]), _PARITY))
    first = emit.binary("add", spread(2), keys[0])
    second = emit.binary("add", emit.iota((batch,), 0, "ui32"), keys[1])
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            first = emit.binary("add", first, second)
            second = emit.binary("xor", _rotate(emit, second, distance), first)
        first = emit.binary("add", first, keys[(group + 1) % 3])
        injected = emit.binary("add", keys[(group + 2) % 3], group + 1)
        second = emit.binary("add", second, injected)
    return first


def _rotate(emit: Emitter, value: Value, distance: int) -> Value:
    left = emit.binary("shift_left", value, distance)
    return emit.binary("or", left, emit.binary("shift_right_logical", value, 32 - distance))


def _next_state(emit: Emitter, state: Value) -> Value:
    parts = [emit.element(state, position) for position in range(3)]
    return emit.concatenate([*parts[:2], emit.binary("add", parts[2], 1)])


def _find(emit: Emitter, weights: Value, where: Value) -> Value:
    """The first position at which the sum of the weights up to it is above `where`.

    The weights are cut into pieces, about as many as a piece has: first the piece is found, then
    the position in it, so that it takes about one operation for each weight.
    """
    batch, vocabulary = weights.shape
    count = math.isqrt(vocabulary - 1) + 1
    size = -(-vocabulary // count)
    pieces = emit.reshape(emit.pad_last(weights, count * size), (batch, count, size))
    piece, before = _search(emit, emit.reduce("add", pieces, 2, 0), where)
    is_it = emit.compare(
        "EQ",
        emit.iota(pieces.shape, 1, "i32"),
        emit.broadcast(piece, pieces.shape, (0,)),
    )
    nothing = emit.constant(0, pieces.shape, pieces.dtype)
    found = emit.reduce("add", emit.select(is_it, pieces, nothing), 1, 0)
    position, _ = _search(emit, found, emit.binary("subtract", where, before))
    return emit.binary("add", emit.binary("multiply", piece, size), position)


def _search(emit: Emitter, weights: Value, where: Value) -> tuple[Value, Value]:
    """The first position with a sum above `where`, i32[batch], and the sum before it."""
    batch, count = weights.shape
    square = (batch, count, count)
    is_up_to = emit.compare("LE", emit.iota(square, 2, "i32"), emit.iota(square, 1, "i32"))
    each = emit.broadcast(weights, square, (0, 2))
    nothing = emit.constant(0, square, weights.dtype)
    sums = emit.reduce("add", emit.select(is_up_to, each, nothing), 2, 0)
    is_before = emit.compare("LE", sums, _along_rows(emit, where, sums.shape))
    zeros = emit.constant(0, sums.shape, weights.dtype)
    before = emit.reduce("add", emit.select(is_before, weights, zeros), 1, 0)
    position = emit.reduce("add", emit.convert(is_before, "i32"), 1, 0)
    return position, before


def _along_rows(emit: Emitter, values: Value, shape: Shape) -> Value:
    return emit.broadcast(values, shape, (0,))


def _f32(value: float) -> str:
    """The bits of the nearest f32, as MLIR spells a float."""
    return f"0x{struct.unpack('>I', struct.pack('>f', value))[0]:08X}"
