"""Columns of Arrow → arrays of NumPy, whole numbers exactly."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]

_EXACT = 2.0**50  # up to which a number of hundredths is exact in binary


def one_piece(column: pa.ChunkedArray) -> pa.Array:
    found = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def valid_rows(array: pa.Array) -> Mask:
    if not array.null_count:
        return np.ones(len(array), np.bool_)
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))


def filled(array: pa.Array, value: Any) -> Array:
    """The values as they lie, with one in place of nothing."""
    full = pc.fill_null(array, value) if array.null_count else array
    return np.asarray(full.to_numpy(zero_copy_only=False))


def distinct(array: pa.Array) -> tuple[list[Any], Array]:
    """The different cells of a column, and for each row which it is; −1 (the last) for nothing."""
    if pa.types.is_nested(array.type):
        rows = array.to_pylist()
        places: dict[Any, int] = {}
        codes = [-1 if row is None else places.setdefault(repr(row), len(places)) for row in rows]
        found = {places[repr(row)]: row for row in rows if row is not None}
        return [found[place] for place in range(len(found))], np.array(codes, np.int64)
    encoded = array.dictionary_encode()
    return encoded.dictionary.to_pylist(), np.asarray(pc.fill_null(encoded.indices, -1).to_numpy())


def whole_numbers(array: pa.Array, size: int) -> tuple[Array, Mask | None]:
    """Whole numbers of base units, and where they are exact; `None` where none of the cells is told at once."""
    of, valid = array.type, valid_rows(array)
    if pa.types.is_integer(of):
        values = filled(array, 0).astype(np.int64, copy=False)
        if len(values) and (values.min() < -(2**55) or values.max() > 2**55):
            valid = valid & (values > -(2**55)) & (values < 2**55)
            values = np.where(valid, values, 0)
        return values if size == 1 else values * size, valid
    if pa.types.is_floating(of):
        raw = filled(array.cast(pa.float64()), np.nan)
        with np.errstate(invalid="ignore"):
            hundredths = np.rint(np.where(np.abs(raw) * size < _EXACT, raw, np.nan) * size)
            # a number with two decimals is the one nearest to that many hundredths
            exact = valid & (hundredths / size == raw)
        return np.where(exact, hundredths, 0).astype(np.int64), exact
    if pa.types.is_decimal128(of) and of.scale >= 0:
        return decimals(array, size)
    if pa.types.is_string(of):
        pattern = r"^-?[0-9]{1,12}(\.[0-9]{1,2})?$" if size == 100 else r"^-?[0-9]{1,12}$"
        plain = valid & filled(pc.match_substring_regex(array, pattern), False)
        values = np.zeros(len(array), np.int64)
        values[plain] = decimals(array.filter(pa.array(plain)).cast(pa.decimal128(16, 2)), 100)[0] // (
            100 // size
        )
        return values, plain
    return np.zeros(0, np.int64), None


def decimals(array: pa.Array, size: int) -> tuple[Array, Mask]:
    """Decimals of 128 bits as whole numbers of base units, and where they are that exactly."""
    valid, count = valid_rows(array), len(array)
    if not count:
        return np.zeros(0, np.int64), valid
    buffer, first = array.buffers()[1], array.offset
    words = np.frombuffer(buffer, np.int64, 2 * count, first * 16)
    low, high = words[::2], words[1::2]
    small = valid & (high == low >> 63) & (np.abs(low) < 2**55)
    values = np.where(small, low, 0)
    unit = 10**array.type.scale  # how many of the numbers held make one
    if unit <= size:
        return values * (size // unit), small
    share = unit // size
    return values // share, small & (values % share == 0)


def first_alike(values: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """For each of some rows the first one of the same value."""
    _, first, which = np.unique(values, return_index=True, return_inverse=True)
    return np.asarray(rows[first[which]])


def repeated(values: pa.Array) -> NDArray[Any]:
    """Which values stand more than once."""
    found = pc.value_counts(values.drop_null())
    twice = found.field(0).filter(pc.greater(found.field(1), 1))
    return np.asarray(pc.is_in(values, value_set=twice).to_numpy(zero_copy_only=False))


def order_of(owners: NDArray[Any]) -> NDArray[Any]:
    """The order of rows by their owners, kept within each: by 16 bits at a time, which takes one pass each."""
    order = np.argsort(owners.astype(np.uint16), kind="stable")
    for bits in range(16, int(owners.max(initial=0)).bit_length(), 16):
        order = order[np.argsort((owners[order] >> bits).astype(np.uint16), kind="stable")]
    return order


def runs_of(values: NDArray[Any]) -> NDArray[Any]:
    """Where each run of equal values begins."""
    if not len(values):
        return np.zeros(0, np.int64)
    return np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
