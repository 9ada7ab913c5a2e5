"""What each fold is over planes: the elements of all lists stand in one row behind one another, cut by `starts`.

Counts and sums are differences of one running total, which is several times as fast as folding list by list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from policykit.engine.columnar import tape
from policykit.engine.columnar.frames import Array, Mask
from policykit.engine.columnar.gaps import ROW, Gaps, gaps_of, gaps_where, sorted_once, union
from policykit.engine.columnar.operations import negate, one_of
from policykit.engine.columnar.planes import (
    EVERYWHERE,
    LIMIT,
    Ordered,
    Part,
    Plane,
    Records,
    Truth,
    exact,
    pick,
    plain,
    settle,
    spread,
)
from policykit.engine.columnar.tape import numbered, size, step


@dataclass(slots=True)
class Elements:
    """The elements of a fold: whether each is there (and passes), what it contributes, how many it stands for (`None`:
    one each). `starts` cuts them by owner, `owner` is the owner of each, `most` how many there are at most of one, and
    `items` the record that each is."""

    present: Truth
    value: Plane
    starts: Array
    owner: Array
    most: int = 0
    times: Array | None = None
    items: Plane | None = None

    @property
    def count(self) -> int:
        return size(self.owner)

    @property
    def missing(self) -> Gaps:
        """What keeps the fold open, as long as it is open."""
        value = gaps_where(self.value.missing, full(self.present.hi, self.count))
        return gaps_of(union(self.present.missing, value), self.owner)

    def present_full(self) -> tuple[Mask, Mask]:
        lo = full(self.present.lo, self.count)
        return lo, lo if self.present.hi is self.present.lo else full(self.present.hi, self.count)


Folded: TypeAlias = Truth | Ordered | Records
Fold: TypeAlias = Callable[[Elements], Folded]


@step
def full(array: Array, count: int) -> Array:
    """An array for each row."""
    return array if array.ndim and len(array) == count else np.broadcast_to(array, (count,))


@step
def running(values: Array, starts: Array) -> Array:
    """The sum of each run."""
    if values.dtype == object:
        totals = np.empty(len(values) + 1, object)
        totals[0] = 0
    else:
        totals = np.empty(len(values) + 1, np.int64)
        totals[0] = 0
    np.cumsum(values, out=totals[1:], dtype=totals.dtype)
    ends = totals.take(starts)
    return np.asarray(ends[1:] - ends[:-1])


@step
def extreme(values: Array, starts: Array, least: bool, empty: int) -> Array:
    """The least or greatest of each run; `empty` for a run of none."""
    if not len(starts) - 1:
        return np.zeros(0, values.dtype)
    padded = np.append(values, np.array([empty], values.dtype))
    found = (np.minimum if least else np.maximum).reduceat(padded, starts[:-1])
    return np.where(starts[1:] > starts[:-1], found, empty)


def some(mask: Mask, starts: Array) -> Mask:
    """Whether a mask holds anywhere in each run."""
    return tape.array(running(mask, starts) > 0)


def any_(elements: Elements) -> Folded:
    low, high = elements.present_full()
    lo = some(low, elements.starts)
    return Truth(lo, lo if high is low else some(high, elements.starts))


def all_(elements: Elements) -> Folded:
    low, high = elements.present_full()
    value = elements.value
    assert isinstance(value, Truth)
    hi = ~some(low & ~full(value.hi, elements.count), elements.starts)
    if high is low and value.hi is value.lo:
        return Truth(hi, hi)
    return Truth(~some(high & ~full(value.lo, elements.count), elements.starts), hi)


def count(elements: Elements) -> Folded:
    low, high = elements.present_full()
    top = elements.most
    if elements.present.lo is EVERYWHERE:
        lo = elements.starts[1:] - elements.starts[:-1]
    else:
        lo = running(low, elements.starts)
    if high is low:
        return Ordered(lo, lo, top=top)
    far = high if elements.times is None else elements.times * high
    return Ordered(lo, running(far, elements.starts), top=top)


def total(elements: Elements) -> Folded:
    low, high = elements.present_full()
    value = plain(elements.value)
    starts, rows = elements.starts, elements.count
    if value.top * elements.most > LIMIT:
        value = exact(value)
    lo, hi = full(value.lo, rows), full(value.hi, rows)
    there_low, there_high = low, high
    if value.some is not None:
        there_low, there_high = low & value.some, high & value.some
    if high is low and value.hi is value.lo and there_high is high:
        # what a running total gains beyond 64 bits, its differences lose again
        counted = lo if elements.present.lo is EVERYWHERE else masked(lo, low)
        low_sum = high_sum = running(counted, starts)
    else:
        times = 1 if elements.times is None else elements.times
        perhaps_low, perhaps_high = np.minimum(lo, 0) * times, np.maximum(hi, 0) * times
        low_sum = running(pick(there_low, lo, masked(perhaps_low, there_high)), starts)
        high_sum = running(pick(there_low, hi, masked(perhaps_high, there_high)), starts)
    none, some_ = None, None
    if value.none is not None:
        none = some(high & value.none, starts)
        if value.some is not None:
            some_ = ~some(low & ~value.some, starts)
    top = LIMIT if value.exact else value.top * elements.most
    return Ordered(low_sum, high_sum, none, some_, value.scale, top)


def masked(values: Array, mask: Mask) -> Array:
    """The values where a mask holds, 0 elsewhere."""
    if values.dtype == object:
        return np.where(mask, values, 0)
    return values * mask


def outermost(least: bool) -> Fold:
    """The least or the greatest of the elements."""

    def fold(elements: Elements) -> Folded:
        low, high = elements.present_full()
        value = plain(elements.value)
        starts, rows = elements.starts, elements.count
        lo, hi = full(value.lo, rows), full(value.hi, rows)
        there = high if value.some is None else high & value.some
        far = 10**60 if value.exact else LIMIT

        def run(of: Array, where: Mask, smallest: bool) -> Array:
            beyond = far if smallest else -far
            return extreme(np.where(where, of, beyond), starts, smallest, beyond)

        near, worst = (lo, hi) if least else (hi, lo)
        best = run(near, there, least)
        sure = low & there
        any_sure = some(sure, starts)
        last = np.where(any_sure, run(worst, sure, least), run(worst, there, not least))
        low_end, high_end = (best, last) if least else (last, best)
        none, some_ = ~any_sure, some(there, starts)
        if value.none is not None:
            vague = some(high & value.none, starts)
            low_end = np.where(vague, run(lo, there, True), low_end)
            high_end = np.where(vague, run(hi, there, False), high_end)
            none = none | vague
            if value.some is not None:
                some_ = some_ & ~some(low & ~value.some, starts)
        none = none | ~some_
        if not value.exact:
            low_end, high_end = np.where(some_, low_end, 0), np.where(some_, high_end, 0)
        if low is high and value.hi is value.lo and value.none is None:
            high_end = low_end
        return Ordered(
            low_end, high_end, none if none.any() else None, None if some_.all() else some_, value.scale, value.top
        )  # fmt: skip

    return fold


def first_or_last(latest: bool) -> Fold:
    """The records that may be the earliest, or the latest: none that another surely comes before."""

    def fold(elements: Elements) -> Folded:
        low, high = elements.present_full()
        value = plain(elements.value)
        starts, owner, rows = elements.starts, elements.owner, elements.count
        lo, hi = full(value.lo, rows), full(value.hi, rows)
        may = high if value.some is None else high & value.some
        sure = (low & may) if value.none is None else low & may & ~value.none
        places = numbered(rows)
        if latest:
            best = extreme(np.where(sure, lo, -LIMIT), starts, False, -LIMIT)[owner]
            beaten = best > hi
        else:
            best = extreme(np.where(sure, hi, LIMIT), starts, True, LIMIT)[owner]
            beaten = best < lo
        point = (lo == best) & (hi == best)
        if latest:
            decides = extreme(np.where(sure & point, places, -1), starts, False, -1)[owner]
            beaten |= point & (places < decides)
        else:
            decides = extreme(np.where(sure & point, places, rows), starts, True, rows)[owner]
            beaten |= point & (places > decides)
        kept = may & ~beaten
        none = ~some(sure, starts)
        assert isinstance(elements.items, Records)
        parts = []
        for part in elements.items.parts:
            inner, at = spread(part, rows)
            pairs = sorted_once((owner[inner] << ROW | at)[kept[inner]])
            parts.append(Part(part.table, pairs & 0xFFFFFFFF, pairs >> ROW))
        return Records(len(starts) - 1, tuple(parts), none if none.any() else None)

    return fold


FOLDS: dict[str, Fold] = {
    "any": any_,
    "all": all_,
    "count": count,
    "sum": total,
    "least": outermost(True),
    "greatest": outermost(False),
    "earliest": first_or_last(False),
    "latest": first_or_last(True),
}


def fold(op: str, elements: Elements) -> Folded:
    """A fold, with the gaps that keep its result open."""
    found = FOLDS[op](elements)
    if op == "all" and isinstance(elements.value, Truth):  # an element that passes waits for nothing
        each = one_of(negate(elements.present), elements.value)
        return settle(found, gaps_of(each.missing, elements.owner))
    return settle(found, elements.missing)
