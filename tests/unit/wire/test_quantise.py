"""Packing is exact where it can be, bounded where it can't, and refuses what it can't hold."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentflow.errors import InvalidInput, MessageMalformed
from latentflow.quantisation import GRADED, MEAN_BITS, Quantisation, grades
from latentflow.vectors import Codec, ElementType, TensorLayout, Vectors
from latentflow.wire.quantise import pack, unpack
from tests.unit.wire.examples import floats, layout, vectors

FLOAT32_MAX = 3.4028234663852886e38
HALF_MAX = 65504.0

any_finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
ordinary = st.floats(-(2.0**100), 2.0**100, width=32)


@st.composite
def vectors_of(draw: st.DrawFn, element: st.SearchStrategy[float]) -> Vectors:
    shape = layout(
        layers=draw(st.integers(1, 3)),
        slots=draw(st.integers(1, 4)),
        width=draw(st.integers(1, 9)),
    )
    size = shape.vectors * shape.width
    return vectors(shape, draw(st.lists(element, min_size=size, max_size=size)))


def there_and_back(original: Vectors, quantisation: Quantisation) -> list[float]:
    packed = pack(original, quantisation)
    return floats(unpack(packed, original.layout, Codec(quantisation=quantisation)))


@given(vectors_of(any_finite))
@settings(deadline=None)
def test_none_keeps_every_bit(original: Vectors) -> None:
    assert pack(original, Quantisation.NONE) == original.values
    codec = Codec(quantisation=Quantisation.NONE)
    assert unpack(original.values, original.layout, codec) == original


@given(vectors_of(ordinary))
@settings(deadline=None)
def test_int8_errs_by_at_most_half_its_scale(original: Vectors) -> None:
    width = original.layout.width
    packed = pack(original, Quantisation.INT8)
    before, after = floats(original), there_and_back(original, Quantisation.INT8)
    for row in range(original.layout.vectors):
        (scale,) = struct.unpack_from("<f", packed, row * (4 + width))
        # Half a step, and the rounding of scale * byte to float32.
        bound = scale / 2 + 127 * scale * 2**-23
        for x, y in zip(before[row * width :][:width], after[row * width :][:width], strict=True):
            assert abs(x - y) <= bound


def test_int8_is_a_scale_and_then_one_signed_byte_an_element() -> None:
    shape = layout(slots=2, width=4)
    original = vectors(shape, [127.0, -127.0, 2.4, -2.6, 0.0, 31.75, 0.25, -31.75])
    packed = pack(original, Quantisation.INT8)
    assert struct.unpack("<f4bf4b", packed) == (1.0, 127, -127, 2, -3, 0.25, 0, 127, 1, -127)


def test_int8_keeps_an_all_zero_vector_zero() -> None:
    original = vectors(layout(slots=2, width=2), [0.0, -0.0, 5.0, 1.0])
    assert there_and_back(original, Quantisation.INT8)[:2] == [0.0, 0.0]


@given(vectors_of(st.floats(-HALF_MAX, HALF_MAX, width=32)))
@settings(deadline=None)
def test_float16_rounds_as_ieee_half_precision_does(original: Vectors) -> None:
    values = floats(original)
    assert pack(original, Quantisation.FLOAT16) == struct.pack(f"<{len(values)}e", *values)
    halves = [struct.unpack("<e", struct.pack("<e", value))[0] for value in values]
    assert there_and_back(original, Quantisation.FLOAT16) == halves


@pytest.mark.parametrize(
    ("bits", "rounded"),
    [
        (0x3F800000, 0x3F80),
        (0x3F807FFF, 0x3F80),
        (0x3F808000, 0x3F80),  # a tie goes to the even neighbour below
        (0x3F808001, 0x3F81),
        (0x3F818000, 0x3F82),  # a tie goes to the even neighbour above
        (0xBF818000, 0xBF82),
        (0x3FFFFFFF, 0x4000),  # the carry reaches the exponent
        (0x00000001, 0x0000),
        (0x80000000, 0x8000),
    ],
)
def test_bfloat16_rounds_to_nearest_even(bits: int, rounded: int) -> None:
    original = Vectors(layout=layout(width=1), values=struct.pack("<I", bits))
    assert pack(original, Quantisation.BFLOAT16) == struct.pack("<H", rounded)


@given(vectors_of(ordinary))
@settings(deadline=None)
def test_bfloat16_keeps_eight_significant_bits(original: Vectors) -> None:
    smallest = 2**-133
    after = there_and_back(original, Quantisation.BFLOAT16)
    for x, y in zip(floats(original), after, strict=True):
        assert abs(x - y) <= max(abs(x) * 2**-8, smallest / 2)


@given(vectors_of(ordinary), st.sampled_from(list(Quantisation)), st.data())
@settings(deadline=None)
def test_a_prefix_of_the_stream_is_the_first_slots(
    original: Vectors, quantisation: Quantisation, data: st.DataObject
) -> None:
    shape = original.layout
    if quantisation is Quantisation.FLOAT16:
        original = vectors(shape, [value / 2**90 for value in floats(original)])
    slots = data.draw(st.integers(1, shape.slots))
    codec = Codec(quantisation=quantisation)
    start = layout(layers=shape.layers, slots=slots, width=shape.width)
    packed = pack(original, quantisation)[: start.vectors * codec.vector_bytes(shape)]
    whole = there_and_back(original, quantisation)
    assert floats(unpack(packed, start, codec)) == whole[: start.vectors * shape.width]


@pytest.mark.parametrize("quantisation", list(Quantisation))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(quantisation: Quantisation, value: float) -> None:
    with pytest.raises(InvalidInput) as refusal:
        pack(vectors(layout(width=3), [1.0, value, 2.0]), quantisation)
    assert refusal.value.field == "values"


@pytest.mark.parametrize(
    ("quantisation", "value"),
    [
        (Quantisation.INT8, FLOAT32_MAX),
        (Quantisation.FLOAT16, 65520.0),
        (Quantisation.FLOAT16, -1e30),
        (Quantisation.BFLOAT16, -FLOAT32_MAX),
    ],
)
def test_a_value_that_would_round_to_infinity_is_refused(
    quantisation: Quantisation, value: float
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        pack(vectors(layout(width=2), [1.0, value]), quantisation)
    assert refusal.value.field == "values"


@pytest.mark.parametrize("quantisation", list(Quantisation))
@pytest.mark.parametrize("change", [-1, 1])
def test_a_stream_of_another_length_is_refused(quantisation: Quantisation, change: int) -> None:
    shape = layout(layers=2, slots=2, width=3)
    packed = pack(vectors(shape, [1.0] * 12), quantisation) + b"\0"
    with pytest.raises(MessageMalformed) as refusal:
        unpack(packed[: len(packed) - 1 + change], shape, Codec(quantisation=quantisation))
    assert refusal.value.field == "stream"


@pytest.mark.parametrize(
    ("quantisation", "packed"),
    [
        (Quantisation.NONE, struct.pack("<f", math.nan)),
        (Quantisation.INT8, struct.pack("<fb", math.inf, 0)),
        (Quantisation.INT8, struct.pack("<fb", math.nan, 1)),
        (Quantisation.INT8, struct.pack("<fb", 3e38, 127)),
        (Quantisation.FLOAT16, struct.pack("<e", math.inf)),
        (Quantisation.BFLOAT16, struct.pack("<H", 0x7F80)),
    ],
)
def test_a_stream_that_unpacks_to_no_number_is_refused(
    quantisation: Quantisation, packed: bytes
) -> None:
    with pytest.raises(MessageMalformed) as refusal:
        unpack(packed, layout(width=1), Codec(quantisation=quantisation))
    assert refusal.value.field == "stream"


def test_text_has_no_vectors_to_unpack() -> None:
    shape = TensorLayout(layers=1, slots=4, width=1, dtype=ElementType.UTF8)
    with pytest.raises(InvalidInput) as refusal:
        unpack(b"text", shape, Codec(quantisation=Quantisation.NONE))
    assert refusal.value.field == "layout.dtype"


@pytest.mark.parametrize("quantisation", GRADED)
def test_graded_takes_its_bits_a_number_on_average(quantisation: Quantisation) -> None:
    shape = layout(slots=3, width=256)
    assert Codec(quantisation=quantisation).vector_bytes(shape) == 32 * MEAN_BITS[quantisation]


@given(vectors_of(st.floats(-3, 3, width=32)), st.sampled_from(GRADED))
@settings(deadline=None)
def test_graded_errs_by_at_most_half_a_step_as_far_as_its_values_reach(
    original: Vectors, quantisation: Quantisation
) -> None:
    width = original.layout.width
    after = there_and_back(original, quantisation)
    for grade in grades(quantisation, width):
        reach = grade.offset * grade.step
        for row in range(original.layout.vectors):
            numbers = slice(row * width + grade.start, row * width + grade.stop)
            for x, y in zip(floats(original)[numbers], after[numbers], strict=True):
                nearest = max(-reach, min(reach, x)) if grade.bits else y
                assert abs(nearest - y) <= grade.step / 2 + 1e-6


def test_graded_is_the_highest_bit_first_number_by_number() -> None:
    # Of sixteen numbers one takes four bits, three take three, seven two and five one.
    original = vectors(layout(width=16), [9.0, *[-9.0] * 3, *[0.1] * 7, *[-0.1] * 5])
    bits = "1111" + "000" * 3 + "10" * 7 + "0" * 5
    assert pack(original, Quantisation.GRADED2) == int(bits, 2).to_bytes(4, "big")


@given(vectors_of(st.floats(-9, 9, width=32)), st.sampled_from(GRADED))
@settings(deadline=None)
def test_what_was_graded_once_stays_as_it_is(original: Vectors, quantisation: Quantisation) -> None:
    once = there_and_back(original, quantisation)
    assert there_and_back(vectors(original.layout, once), quantisation) == once


@pytest.mark.parametrize("quantisation", GRADED)
def test_what_lies_far_beyond_is_the_outermost_value(quantisation: Quantisation) -> None:
    shape = layout(slots=2, width=16)
    far = there_and_back(vectors(shape, [FLOAT32_MAX] * 16 + [-FLOAT32_MAX] * 16), quantisation)
    near = there_and_back(vectors(shape, [9.0] * 16 + [-9.0] * 16), quantisation)
    assert far == near
