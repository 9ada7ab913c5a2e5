"""One plane from several: where a row stands for several records, or one of several things holds."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from policykit.engine.columnar import folds
from policykit.engine.columnar.folds import full
from policykit.engine.columnar.frames import Array, Mask
from policykit.engine.columnar.gaps import ROW, Gaps, gaps_of, gaps_where, sorted_once
from policykit.engine.columnar.planes import (
    LIMIT,
    Labels,
    Ordered,
    Part,
    Plane,
    Ratio,
    Records,
    Sets,
    Texts,
    Truth,
    either_masks,
    join,
    plain,
    select,
    spread,
)


def with_gaps(plane: Any, missing: Gaps) -> Any:
    """The same with these gaps, whatever is known."""
    return replace(plane, missing=missing)


def single(plane: Plane) -> Plane:
    """A plane of one row as one that stands for all rows."""

    def of(array: Array) -> Array:
        return array if array.ndim == 0 else array.reshape(())

    def mask(array: Mask | None) -> Mask | None:
        return None if array is None else of(array)

    missing = plane.missing
    match plane:
        case Truth(lo=lo, hi=hi):
            first = of(lo)
            return Truth(first, first if hi is lo else of(hi), missing)
        case Ordered(lo=lo, hi=hi):
            first = of(lo)
            second = first if hi is lo else of(hi)
            return Ordered(first, second, mask(plane.none), mask(plane.some), plane.scale, plane.top, missing)
        case Ratio():
            return single(plane.worked_out())
        case Labels(bits=bits):
            return Labels(of(bits), missing)
        case Sets(must=must, may=may):
            return Sets(of(must), of(may), missing)
        case Texts(options=options):
            return Texts(of(options), missing)
    return plane


def merged(found: Plane | None, have: Mask, plane: Plane, where: Mask) -> tuple[Plane, Mask]:
    """What is known where one more thing is possible for some rows."""
    if found is None:
        return limited(plane, where), where
    both = have & where
    either = select(where, plane, found)
    if both.any():
        either = select(both, join(found, plane), either)
    return either, have | where


def limited(plane: Plane, where: Mask) -> Plane:
    """The same, with the gaps of some rows only."""
    return plane if plane.missing is None else with_gaps(plane, gaps_where(plane.missing, where))


def distinct(records: Records) -> Records:
    """Each row stands for each record once."""
    parts = []
    for part in records.parts:
        rows, at = spread(part, records.count)
        pairs = sorted_once(rows << ROW | at)
        parts.append(Part(part.table, pairs & 0xFFFFFFFF, pairs >> ROW))
    return Records(records.count, tuple(parts), records.none, records.missing)


def gathered(plane: Plane, rows: Array, starts: Array) -> Plane:
    """What is known of each row when one of several holds, and it is not known which: `join` by runs."""
    missing = gaps_of(plane.missing, rows)
    size = len(rows)
    match plane:
        case Truth(lo=lo, hi=hi):
            first = ~folds.some(~full(lo, size), starts)
            return Truth(first, folds.some(full(hi, size), starts), missing)
        case Ordered() | Ratio():
            return _gathered_numbers(plain(plane), starts, size, missing)
        case Labels(bits=bits):
            return Labels(_reduced(np.bitwise_or, full(bits, size), starts), missing)
        case Sets(must=must, may=may):
            first = _reduced(np.bitwise_and, full(must, size), starts)
            return Sets(first, _reduced(np.bitwise_or, full(may, size), starts), missing)
        case Texts(options=options):
            texts = np.empty(len(starts) - 1, object)
            each = full(options, size)
            for row, (begin, end) in enumerate(itertools.pairwise(starts.tolist())):
                some = each[begin:end].tolist()
                texts[row] = None if any(one is None for one in some) else frozenset().union(*some)
            return Texts(texts, missing)
        case Records():
            parts = []
            for part in plane.parts:
                inner, at = spread(part, size)
                pairs = sorted_once(rows[inner] << ROW | at)
                parts.append(Part(part.table, pairs & 0xFFFFFFFF, pairs >> ROW))
            none = None if plane.none is None else folds.some(plane.none, starts)
            return Records(len(starts) - 1, tuple(parts), none, missing)


def _gathered_numbers(plane: Ordered, starts: Array, size: int, missing: Gaps) -> Ordered:
    lo, hi = full(plane.lo, size), full(plane.hi, size)
    there = None if plane.some is None else full(plane.some, size)
    far = 10**60 if plane.exact else LIMIT
    low = lo if there is None else np.where(there, lo, far)
    high = hi if there is None else np.where(there, hi, -far)
    least, greatest = folds.extreme(low, starts, True, far), folds.extreme(high, starts, False, -far)
    some = None if there is None else folds.some(there, starts)
    filled = starts[1:] > starts[:-1] if some is None else some
    if not filled.all():
        least, greatest = np.where(filled, least, 0), np.where(filled, greatest, 0)
    none = None if plane.none is None else folds.some(full(plane.none, size), starts)
    if some is not None:
        none = either_masks(none, ~some)
    return Ordered(least, greatest, none, some, plane.scale, plane.top, missing)


def _reduced(run: np.ufunc, values: Array, starts: Array) -> Array:
    padded = np.append(values, np.zeros(1, values.dtype))
    if run is np.bitwise_and:
        padded[-1] = -1
    found = run.reduceat(padded, starts[:-1]) if len(starts) > 1 else padded[:0]
    return np.where(starts[1:] > starts[:-1], found, 0)
