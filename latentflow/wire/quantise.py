"""Packs vectors into the stream's bytes and unpacks them; the one file of `wire` with numpy.

Vectors are packed one after the other, so a prefix of the bytes is the first vectors. Knows
nothing of frames.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from latentflow.errors import InvalidInput, MessageMalformed
from latentflow.quantisation import Grade, Quantisation, grades
from latentflow.vectors import Codec, ElementType, TensorLayout, Vectors

Rows = npt.NDArray[np.float32]  # [vectors, width]
Packed = npt.NDArray[Any]

_SMALLEST_SCALE = np.finfo(np.float32).tiny
_LARGEST_INT8 = np.float32(127)


def pack(vectors: Vectors, quantisation: Quantisation) -> bytes:
    """Vectors as the stream's bytes, little-endian.

    int8: each vector is a float32 scale = max|x| / 127, then `width` signed bytes round(x / scale).
    The scale is never below the smallest normal float32, so an all-zero vector needs no case of
    its own. float16 and bfloat16 round to nearest even. Graded: no scale, and of each number its
    grade's bits, the highest first, number by number; value = (code - 2^(bits - 1) + 1/2) * step,
    and what lies beyond is the outermost value. A vector's last byte is filled up with zeros.
    Raises InvalidInput when a value is not finite or rounds to infinity.
    """
    rows = np.frombuffer(vectors.values, "<f4").reshape(-1, vectors.layout.width)
    if not np.isfinite(rows).all():
        raise InvalidInput(field="values", problem="must be finite")
    graded = grades(quantisation, vectors.layout.width)
    packed = _graded_pack(rows, graded) if graded else _PACK[quantisation](rows)
    return packed.tobytes()


def unpack(data: bytes, layout: TensorLayout, codec: Codec) -> Vectors:
    """The inverse of `pack`, but for rounding; float32 [slots, layers, width].

    Raises MessageMalformed when `data` is not the layout's size or holds a value that is not
    finite, InvalidInput when the layout is not of vectors.
    """
    if layout.dtype is not ElementType.FLOAT32:
        raise InvalidInput(field="layout.dtype", problem="must be float32")
    expected = layout.vectors * codec.vector_bytes(layout)
    if len(data) != expected:
        raise MessageMalformed(field="stream", problem=f"{len(data)} bytes instead of {expected}")
    if graded := grades(codec.quantisation, layout.width):
        rows = _graded_unpack(data, layout.vectors, graded)
    else:
        rows = _UNPACK[codec.quantisation](data, layout.width)
    if not np.isfinite(rows).all():
        raise MessageMalformed(field="stream", problem="holds a value that is not finite")
    return Vectors(layout=layout, values=rows.astype("<f4", copy=False).tobytes())


def _float32_pack(rows: Rows) -> Packed:
    return rows


def _float32_unpack(data: bytes, width: int) -> Rows:
    return np.frombuffer(data, "<f4").reshape(-1, width)


def _int8_dtype(width: int) -> np.dtype[np.void]:
    return np.dtype([("scale", "<f4"), ("steps", "i1", (width,))])


def _int8_pack(rows: Rows) -> Packed:
    scales = np.maximum(np.abs(rows).max(axis=1) / _LARGEST_INT8, _SMALLEST_SCALE)
    with np.errstate(over="ignore"):
        _require_finite(scales * _LARGEST_INT8, "int8")
    packed = np.empty(len(rows), _int8_dtype(rows.shape[1]))
    packed["scale"] = scales
    packed["steps"] = np.rint(rows / scales[:, None])
    return packed


def _int8_unpack(data: bytes, width: int) -> Rows:
    packed = np.frombuffer(data, _int8_dtype(width))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(packed["steps"] * packed["scale"][:, None], np.float32)


def _float16_pack(rows: Rows) -> Packed:
    with np.errstate(over="ignore"):
        packed = rows.astype("<f2")
    _require_finite(packed, "float16")
    return packed


def _float16_unpack(data: bytes, width: int) -> Rows:
    return np.frombuffer(data, "<f2").reshape(-1, width).astype(np.float32)


def _bfloat16_pack(rows: Rows) -> Packed:
    bits = rows.view("<u4")
    odd = (bits >> 16) & 1
    rounded = (bits + 0x7FFF + odd) & 0xFFFF0000
    _require_finite(rounded.view("<f4"), "bfloat16")
    packed: Packed = (rounded >> 16).astype("<u2")
    return packed


def _bfloat16_unpack(data: bytes, width: int) -> Rows:
    halves = np.frombuffer(data, "<u2").reshape(-1, width)
    return (halves.astype("<u4") << 16).view("<f4")


def _graded_pack(rows: Rows, graded: Sequence[Grade]) -> Packed:
    bits = np.concatenate([_bits(rows, grade) for grade in graded], axis=1)
    return np.packbits(bits, axis=1)


def _bits(rows: Rows, grade: Grade) -> Packed:
    """[vectors, numbers * bits]"""
    if not grade.bits:
        return np.empty((len(rows), 0), np.uint8)
    with np.errstate(over="ignore"):
        steps = np.floor(rows[:, grade.start : grade.stop] / np.float32(grade.step))
    codes = (steps.clip(-grade.offset, grade.offset - 1) + grade.offset).astype(np.uint8)
    places = np.arange(grade.bits - 1, -1, -1, dtype=np.uint8)
    bits: Packed = codes[..., None] >> places & 1
    return bits.reshape(len(rows), -1)


def _graded_unpack(data: bytes, vectors: int, graded: Sequence[Grade]) -> Rows:
    bits = np.unpackbits(np.frombuffer(data, np.uint8).reshape(vectors, -1), axis=1)
    rows = np.zeros((vectors, graded[-1].stop), np.float32)
    read = 0
    for grade in graded:
        taken = bits[:, read : (read := read + grade.bits * (grade.stop - grade.start))]
        if grade.bits:
            weights = (1 << np.arange(grade.bits, dtype=np.uint8))[::-1]
            codes = (taken.reshape(vectors, -1, grade.bits) @ weights).astype(np.float32)
            middle = np.float32(grade.offset - 0.5)
            rows[:, grade.start : grade.stop] = (codes - middle) * np.float32(grade.step)
    return rows


def _require_finite(rounded: npt.NDArray[np.floating[Any]], name: str) -> None:
    if not np.isfinite(rounded).all():
        raise InvalidInput(field="values", problem=f"beyond the range of {name}")


_PACK: dict[Quantisation, Callable[[Rows], Packed]] = {
    Quantisation.NONE: _float32_pack,
    Quantisation.INT8: _int8_pack,
    Quantisation.FLOAT16: _float16_pack,
    Quantisation.BFLOAT16: _bfloat16_pack,
}
_UNPACK: dict[Quantisation, Callable[[bytes, int], Rows]] = {
    Quantisation.NONE: _float32_unpack,
    Quantisation.INT8: _int8_unpack,
    Quantisation.FLOAT16: _float16_unpack,
    Quantisation.BFLOAT16: _bfloat16_unpack,
}
