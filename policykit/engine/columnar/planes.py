"""What is known of one term for many records at once: the forms of `values`, each spread over arrays.

Where `hi is lo` everything is known, and the second half of the work falls away. An array without dimension stands for
all rows. Whole numbers are held in 64 bits with a bound on their size; what may not fit is held as Python's own exact
numbers, slower and never wrong. Nobody changes a plane; that they are not frozen saves half the time of making them.
`missing` are the gaps that keep rows open, as codes: row × 2³² + gap, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import gcd, lcm
from typing import Any, TypeAlias, TypeVar

import numpy as np

from policykit import values
from policykit.engine.columnar import tape
from policykit.engine.columnar.frames import Array, Mask
from policykit.engine.columnar.gaps import ROW, Gaps, gaps_at, gaps_where, sorted_once, union
from policykit.engine.columnar.tables import Table
from policykit.engine.columnar.tape import numbered, size

LIMIT = 2**62
NONE_BIT = 1 << 62  # 无 among the labels of a choice


@dataclass(slots=True)
class Truth:
    lo: Mask
    hi: Mask
    missing: Gaps = None

    @property
    def known(self) -> Mask:
        return self.lo == self.hi  # type: ignore[no-any-return]


@dataclass(slots=True)
class Ordered:
    """Numbers times `scale`, dates, months. `none` is where 无 is possible, `some` where a value is (`None`: nowhere,
    everywhere); where no value is possible the numbers mean nothing. No number is greater than `top`."""

    lo: Array
    hi: Array
    none: Mask | None = None
    some: Mask | None = None
    scale: int = 1
    top: int = LIMIT
    missing: Gaps = None

    def __post_init__(self) -> None:
        # of Python's own numbers, an operation on arrays without dimension gives the number itself
        if not hasattr(self.lo, "dtype") or not hasattr(self.hi, "dtype"):
            lo = np.asarray(self.lo, dtype=object)
            hi = lo if self.hi is self.lo else np.asarray(self.hi, dtype=object)
            self.lo, self.hi = lo, hi

    @property
    def known(self) -> Mask:
        found = tape.array(self.lo == self.hi, np.bool_)
        if self.none is not None:
            found = found & ~self.none
        return found if self.some is None else found | ~self.some

    @property
    def exact(self) -> bool:
        """Whether the numbers are Python's own."""
        return self.lo.dtype == object


@dataclass(slots=True)
class Ratio:
    """A quotient that is not worked out: numerators and denominators above 0, for either end."""

    lo: Array
    hi: Array
    lo_under: Array
    hi_under: Array
    none: Mask | None
    some: Mask | None
    top: int
    under_top: int
    missing: Gaps = None

    @property
    def known(self) -> Mask:
        if self.hi_under is not self.lo_under:
            return self.worked_out().known
        return Ordered(self.lo, self.hi, self.none, self.some).known

    def worked_out(self) -> Ordered:
        """The same as Python's own fractions."""
        lo = quotient(as_object(self.lo), as_object(self.lo_under))
        same = self.hi is self.lo and self.hi_under is self.lo_under
        hi = lo if same else quotient(as_object(self.hi), as_object(self.hi_under))
        return Ordered(lo, hi, self.none, self.some, missing=self.missing)


@dataclass(slots=True)
class Labels:
    """The labels that are possible, one bit each, and `NONE_BIT`."""

    bits: Array
    missing: Gaps = None

    @property
    def known(self) -> Mask:
        return (self.bits & (self.bits - 1)) == 0  # type: ignore[no-any-return]


@dataclass(slots=True)
class Sets:
    """A set of labels, one bit each: which surely, and which possibly, are in it."""

    must: Array
    may: Array
    missing: Gaps = None

    @property
    def known(self) -> Mask:
        return self.must == self.may  # type: ignore[no-any-return]


@dataclass(slots=True)
class Texts:
    """The texts that are possible, as a frozenset (with `None` for 无), or `None` for any at all."""

    options: Array
    missing: Gaps = None

    @property
    def known(self) -> Mask:
        return np.array([one is not None and len(one) == 1 for one in self.options], np.bool_)


@dataclass(slots=True)
class Part:
    """Records that rows may stand for: row `rows[i]` the record `at[i]` of a table; `None`: each row the record of the
    same place."""

    table: Table
    at: Array | None = None
    rows: Array | None = None


@dataclass(slots=True)
class Records:
    """A record of each row, or several that it may be. `none` is where 无 is possible."""

    count: int
    parts: tuple[Part, ...]
    none: Mask | None = None
    missing: Gaps = None

    @property
    def one(self) -> Part | None:
        """The one part where each row stands for just one record."""
        if len(self.parts) == 1 and self.none is None and self.parts[0].rows is None:
            return self.parts[0]
        return None

    @property
    def possible(self) -> Array:
        """How many records each row may stand for, 无 not counted."""
        counts = np.zeros(self.count, np.int64)
        for part in self.parts:
            counts += 1 if part.rows is None else np.bincount(part.rows, minlength=self.count)
        return counts

    @property
    def known(self) -> Mask:
        total = self.possible if self.none is None else self.possible + self.none
        return total == 1  # type: ignore[no-any-return]


Plane: TypeAlias = Truth | Ordered | Ratio | Labels | Sets | Texts | Records
P = TypeVar("P", bound=Truth | Ordered | Ratio | Labels | Sets | Texts | Records)

NOWHERE: Mask = np.zeros((), np.bool_)
EVERYWHERE: Mask = np.ones((), np.bool_)
FALSE, TRUE = Truth(NOWHERE, NOWHERE), Truth(EVERYWHERE, EVERYWHERE)
NOTHING = Ordered(np.array(0), np.array(0), EVERYWHERE, NOWHERE, top=0)


def settle(plane: P, missing: Gaps) -> P:
    """The plane with the gaps that keep it open; a known value has none."""
    if missing is None and plane.missing is None:
        return plane
    kept = None if missing is None else gaps_where(missing, ~tape.array(plane.known))
    return replace(plane, missing=kept)


# ---- numbers --------------------------------------------------------------------------------------------------------


quotient: Callable[[Array, Array | int], Array] = np.frompyfunc(values.divide, 2, 1)


def as_object(numbers: Array) -> Array:
    return np.asarray(numbers, dtype=object) if numbers.dtype == object else numbers.astype(object)


def exact(plane: Ordered) -> Ordered:
    """The numbers as Python's own, without a scale."""
    if plane.exact:
        return plane

    def own(numbers: Array) -> Array:
        found = as_object(np.asarray(numbers))
        return found if plane.scale == 1 else np.asarray(quotient(found, plane.scale), dtype=object)

    lo = own(plane.lo)
    return replace(plane, lo=lo, hi=lo if plane.hi is plane.lo else own(plane.hi), scale=1)


def narrowed(plane: Ordered) -> Ordered:
    """Whole numbers of Python's own in 64 bits again, where they fit."""
    ends = [np.asarray(plane.lo), np.asarray(plane.hi)]
    top = max((abs(number) for end in ends for number in end.flat), default=0)
    if top > LIMIT:
        return plane
    lo = ends[0].astype(np.int64)
    return replace(plane, lo=lo, hi=lo if plane.hi is plane.lo else ends[1].astype(np.int64), top=int(top))


def plain(plane: Plane) -> Ordered:
    """The plane of something ordered, a quotient worked out."""
    if isinstance(plane, Ratio):
        return plane.worked_out()
    assert isinstance(plane, Ordered), plane
    return plane


def scaled(plane: Ordered, factor: int) -> Ordered:
    """The same numbers on a scale so many times as fine; they are known to fit."""
    if factor == 1:
        return plane
    lo = plane.lo * factor
    hi = lo if plane.hi is plane.lo else plane.hi * factor
    return replace(plane, lo=lo, hi=hi, scale=plane.scale * factor, top=plane.top * factor)


def aligned(planes: Sequence[Ordered]) -> list[Ordered]:
    """The planes on one scale, in 64 bits where they fit."""
    scale = lcm(*(plane.scale for plane in planes))
    if any(plane.exact or plane.top * (scale // plane.scale) > LIMIT for plane in planes):
        return [exact(plane) for plane in planes]
    return [scaled(plane, scale // plane.scale) for plane in planes]


def over_one(planes: Sequence[Plane]) -> tuple[list[Ordered], Array, int] | None:
    """Numbers and quotients as numerators over one denominator for each row, with a bound on that; `None` where they
    have no denominator in common, or may not fit."""
    ratios = [plane for plane in planes if isinstance(plane, Ratio)]
    if not ratios or any(end is not ratios[0].lo_under for r in ratios for end in (r.lo_under, r.hi_under)):
        return None
    under, most = ratios[0].lo_under, ratios[0].under_top
    found = []
    for plane in planes:
        if isinstance(plane, Ratio):
            found.append(Ordered(plane.lo, plane.hi, plane.none, plane.some, 1, plane.top))
            continue
        number = plain(plane)
        if number.exact or number.scale != 1 or number.top * most > LIMIT:
            return None
        lo = number.lo * under
        hi = lo if number.hi is number.lo else number.hi * under
        found.append(Ordered(lo, hi, number.none, number.some, 1, number.top * most))
    return found, under, most


def over(plane: Ordered, under: Array, most: int, missing: Gaps = None) -> Ratio:
    """Numerators over a denominator."""
    return Ratio(plane.lo, plane.hi, under, under, plane.none, plane.some, plane.top, most, missing)


def ratio_of(a: Plane, b: Ordered) -> Plane:
    """An exact quotient; 无 where it is divided by 0."""
    if isinstance(a, Ratio) and a.hi_under is a.lo_under and not b.exact and b.top * a.under_top <= LIMIT:
        least = b.lo * a.lo_under
        most = least if b.hi is b.lo else b.hi * a.lo_under
        b = Ordered(least, most, b.none, b.some, b.scale, b.top * a.under_top)
        a = Ordered(a.lo, a.hi, a.none, a.some, 1, a.top)
    a = plain(a)
    if b.lo.ndim == 0 and b.hi is b.lo and not b.exact and b.some is None and b.none is None and b.lo > 0:
        by = int(b.lo)
        shared = gcd(by, b.scale)
        up, down = b.scale // shared, by // shared
        if not a.exact and a.top * up <= LIMIT:
            lo = a.lo * up
            hi = lo if a.hi is a.lo else a.hi * up
            return Ordered(lo, hi, a.none, a.some, a.scale * down, a.top * up)
    zero = tape.array((b.lo == 0) & (b.hi == 0), np.bool_)
    some = both_masks(a.some, b.some)
    if zero.any():
        some = both_masks(some, ~zero)
    none = either_masks(a.none, b.none)
    if zero.any():
        none = either_masks(none, zero)
    if some is not None:  # a side that is surely 无 makes the whole so
        none = either_masks(none, ~some)
    valid = tape.array(b.lo > 0, np.bool_)
    if some is not None:
        valid = valid | ~some
    beyond = None if valid.all() else ~valid  # where the divisor may be 0 there are no bounds
    shared = gcd(a.scale, b.scale)
    up, down = b.scale // shared, a.scale // shared
    fits = not a.exact and not b.exact and a.top * up <= LIMIT and b.top * down <= LIMIT
    if fits and (beyond is None or bool((b.hi >= 0)[beyond].all() if b.hi.ndim else b.hi >= 0)):
        under = np.maximum(b.lo, 1)
        if a.hi is a.lo and b.hi is b.lo:
            numerators = a.lo * up if up > 1 else a.lo
            under = under * down if down > 1 else under
            found = Ratio(numerators, numerators, under, under, none, some, a.top * up, max(b.top, 1) * down)
        else:
            most = np.maximum(b.hi, 1)
            lo_under = np.where(a.lo >= 0, most, under) * down
            hi_under = np.where(a.hi >= 0, under, most) * down
            found = Ratio(
                a.lo * up, a.hi * up, lo_under, hi_under, none, some, a.top * up, max(b.top, 1) * down
            )
        return found if beyond is None else _boundless(found.worked_out(), beyond)
    return _divided(exact(a), exact(b), none, some)


def _boundless(plane: Ordered, where: Mask) -> Ordered:
    """The same without bounds somewhere, and perhaps 无 there."""
    lo = np.where(where, np.asarray(-EVERYTHING, dtype=object), plane.lo)
    hi = np.where(where, np.asarray(EVERYTHING, dtype=object), plane.hi)
    return Ordered(lo, hi, either_masks(plane.none, where), plane.some)


def _divided(a: Ordered, b: Ordered, none: Mask | None, some: Mask | None) -> Ordered:
    """A quotient of Python's own numbers, one by one; boundless where the divisor may be 0."""
    a_lo, a_hi, b_lo, b_hi = np.broadcast_arrays(a.lo, a.hi, b.lo, b.hi)
    low, high = np.empty(a_lo.shape, object), np.empty(a_lo.shape, object)
    boundless = np.zeros(a_lo.shape, np.bool_)
    for at in np.ndindex(a_lo.shape):
        if b_lo[at] <= 0 <= b_hi[at]:
            boundless[at] = True
            low[at], high[at] = -EVERYTHING, EVERYTHING
        else:
            ends: list[Any] = [quotient(x, y) for x in (a_lo[at], a_hi[at]) for y in (b_lo[at], b_hi[at])]
            low[at], high[at] = min(ends), max(ends)
    if boundless.any():
        none = either_masks(none, boundless)
    return Ordered(low, high, none, some)


EVERYTHING = 10**40


# ---- masks ----------------------------------------------------------------------------------------------------------


def conjunction(a: Mask, b: Mask) -> Mask:
    """Where both hold."""
    if a is EVERYWHERE or b is NOWHERE:
        return b
    return a if b is EVERYWHERE or a is NOWHERE or a is b else a & b


def disjunction(a: Mask, b: Mask) -> Mask:
    """Where one holds."""
    if a is NOWHERE or b is EVERYWHERE:
        return b
    return a if b is NOWHERE or a is EVERYWHERE or a is b else a | b


def opposite(a: Mask) -> Mask:
    """Where it does not hold."""
    return NOWHERE if a is EVERYWHERE else EVERYWHERE if a is NOWHERE else ~a


def either_masks(a: Mask | None, b: Mask | None) -> Mask | None:
    """Where one of two holds; `None` is nowhere."""
    return b if a is None else a if b is None else a | b


def both_masks(a: Mask | None, b: Mask | None) -> Mask | None:
    """Where both hold; `None` is everywhere."""
    return b if a is None else a if b is None else a & b


def pick(where: Mask, a: Array, b: Array) -> Array:
    """One of two arrays, row by row."""
    if a is b:
        return a
    if where.ndim == 0:
        return a if where else b
    if a.dtype == np.bool_ and b.dtype == np.bool_:
        return tape.array(b ^ ((a ^ b) & where))
    if a.dtype == object or b.dtype == object:
        return np.where(where, as_object(a), as_object(b))
    # three plain passes, each over whole vectors, are several times as fast as one that asks row by row
    found: Array = np.multiply(a - b, where)
    found += b
    return found


def pick_mask(where: Mask, a: Mask | None, b: Mask | None, absent: Mask) -> Mask | None:
    if a is None and b is None:
        return None
    return pick(where, absent if a is None else a, absent if b is None else b)


# ---- one plane from several -----------------------------------------------------------------------------------------


def take(plane: Plane, at: Array) -> Plane:
    """What rows know that look at other rows."""
    missing = gaps_at(plane.missing, at)

    def of(array: Array) -> Array:
        return array if array.ndim == 0 else array.take(at)

    def mask(array: Mask | None) -> Mask | None:
        return None if array is None else of(array)

    match plane:
        case Truth(lo=lo, hi=hi):
            first = of(lo)
            return Truth(first, first if hi is lo else of(hi), missing)
        case Ordered(lo=lo, hi=hi, none=none, some=some, scale=scale, top=top):
            first = of(lo)
            return Ordered(first, first if hi is lo else of(hi), mask(none), mask(some), scale, top, missing)
        case Ratio():
            first, under = of(plane.lo), of(plane.lo_under)
            return Ratio(
                first, first if plane.hi is plane.lo else of(plane.hi),
                under, under if plane.hi_under is plane.lo_under else of(plane.hi_under),
                mask(plane.none), mask(plane.some), plane.top, plane.under_top, missing,
            )  # fmt: skip
        case Labels(bits=bits):
            return Labels(of(bits), missing)
        case Sets(must=must, may=may):
            first = of(must)
            return Sets(first, first if may is must else of(may), missing)
        case Texts(options=options):
            return Texts(of(options), missing)
        case Records():
            return _take_records(plane, at, missing)


def _take_records(plane: Records, at: Array, missing: Gaps) -> Records:
    parts = []
    for part in plane.parts:
        if part.rows is None:
            parts.append(Part(part.table, at if part.at is None else part.at[at]))
            continue
        assert part.at is not None
        first = np.searchsorted(part.rows, at)
        counts = np.searchsorted(part.rows, at + 1) - first
        rows = np.repeat(np.arange(len(at)), counts)
        places = (
            np.repeat(first, counts) + np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        )
        parts.append(Part(part.table, part.at[places], rows))
    none = None if plane.none is None else plane.none[at]
    return Records(size(at), tuple(parts), none, missing)


def spread(part: Part, count: int) -> tuple[Array, Array]:
    """The rows of a part and the records they may stand for, written out."""
    rows = numbered(count) if part.rows is None else part.rows
    return rows, rows if part.at is None else part.at


def select(where: Mask, a: Plane, b: Plane) -> Plane:
    """One of two planes, row by row, gaps and all."""
    if where.ndim == 0:
        return a if where else b
    missing: Gaps = None
    if a.missing is not None or b.missing is not None:
        missing = union(gaps_where(a.missing, where), gaps_where(b.missing, ~where))
    match a, b:
        case Truth(), Truth():
            lo = pick(where, a.lo, b.lo)
            return Truth(lo, lo if a.hi is a.lo and b.hi is b.lo else pick(where, a.hi, b.hi), missing)
        case (Ordered() | Ratio(), Ordered() | Ratio()):
            shared = over_one([a, b])
            if shared is not None:
                return over(_select_numbers(where, shared[0], None), *shared[1:], missing)
            return _select_numbers(where, aligned([plain(a), plain(b)]), missing)
        case Labels(), Labels():
            return Labels(pick(where, a.bits, b.bits), missing)
        case Sets(), Sets():
            must = pick(where, a.must, b.must)
            same = a.may is a.must and b.may is b.must
            return Sets(must, must if same else pick(where, a.may, b.may), missing)
        case Texts(), Texts():
            return Texts(pick(where, a.options, b.options), missing)
        case Records(), Records():
            return _select_records(where, ~where, a, b, missing)
    raise AssertionError((a, b))


def _select_numbers(where: Mask, sides: Sequence[Ordered], missing: Gaps) -> Ordered:
    a, b = sides
    lo = pick(where, a.lo, b.lo)
    hi = lo if a.hi is a.lo and b.hi is b.lo else pick(where, a.hi, b.hi)
    none = pick_mask(where, a.none, b.none, NOWHERE)
    some = pick_mask(where, a.some, b.some, EVERYWHERE)
    return Ordered(lo, hi, none, some, a.scale, max(a.top, b.top), missing)


def _join_numbers(a: Ordered, b: Ordered) -> Ordered:
    lo, hi = np.minimum(a.lo, b.lo), np.maximum(a.hi, b.hi)
    if a.some is not None:
        lo, hi = pick(a.some, lo, b.lo), pick(a.some, hi, b.hi)
    if b.some is not None:
        lo, hi = pick(b.some, lo, a.lo), pick(b.some, hi, a.hi)
    none = either_masks(a.none, b.none)
    some = None if a.some is None or b.some is None else a.some | b.some
    return Ordered(lo, hi, none, some, a.scale, max(a.top, b.top))


def join(a: Plane, b: Plane) -> Plane:
    """What is known where one of two holds and it is not known which."""
    missing = union(a.missing, b.missing)
    match a, b:
        case Truth(), Truth():
            return settle(Truth(a.lo & b.lo, a.hi | b.hi), missing)
        case (Ordered() | Ratio(), Ordered() | Ratio()):
            shared = over_one([a, b])
            if shared is not None:
                return settle(over(_join_numbers(*shared[0]), *shared[1:]), missing)
            return settle(_join_numbers(*aligned([plain(a), plain(b)])), missing)
        case Labels(), Labels():
            return settle(Labels(a.bits | b.bits), missing)
        case Sets(), Sets():
            return settle(Sets(a.must & b.must, a.may | b.may), missing)
        case Texts(), Texts():
            return settle(Texts(_join_texts(a.options, b.options)), missing)
        case Records(), Records():
            return settle(_select_records(EVERYWHERE, EVERYWHERE, a, b, None), missing)
    raise AssertionError((a, b))


_join_texts: Callable[[Array, Array], Array] = np.frompyfunc(
    lambda a, b: None if a is None or b is None else a | b, 2, 1
)


def _select_records(of_a: Mask, of_b: Mask, a: Records, b: Records, missing: Gaps) -> Records:
    """What some rows may stand for by one plane, and some by another."""
    parts: dict[int, tuple[Table, list[Array], list[Array]]] = {}
    for where, plane in ((of_a, a), (of_b, b)):
        for part in plane.parts:
            rows, at = spread(part, plane.count)
            if where.ndim:
                rows, at = rows[where[rows]], at[where[rows]]
            entry = parts.setdefault(id(part.table), (part.table, [], []))
            entry[1].append(rows)
            entry[2].append(at)
    found = []
    for table, all_rows, all_at in parts.values():
        pairs = sorted_once((np.concatenate(all_rows) << ROW) | np.concatenate(all_at))
        found.append(Part(table, pairs & 0xFFFFFFFF, pairs >> ROW))
    count = a.count
    none_a = NOWHERE if a.none is None else a.none
    none_b = NOWHERE if b.none is None else b.none
    none = (none_a & of_a) | (none_b & of_b)
    return Records(count, tuple(found), none if none.any() else None, missing)
