"""What each operation is over planes: its own corners, taken for all rows at once.

One entry for each operation of `ops`; the meaning, of 无 and of what is not known included, is
that of `ops`, and the tests hold the two against each other. Folds stand in `folds`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from policykit.engine.columnar import planes, tape
from policykit.engine.columnar.calendar import (
    date_plus_months,
    first_day,
    full_years,
    last_day,
    month_of,
    plus_days,
    plus_months,
)
from policykit.engine.columnar.frames import Array, Mask
from policykit.engine.columnar.gaps import union
from policykit.engine.columnar.planes import (
    EVERYWHERE,
    FALSE,
    LIMIT,
    NONE_BIT,
    NOWHERE,
    Labels,
    Ordered,
    Plane,
    Ratio,
    Records,
    Sets,
    Texts,
    Truth,
    aligned,
    both_masks,
    conjunction,
    disjunction,
    either_masks,
    exact,
    narrowed,
    opposite,
    over,
    over_one,
    plain,
    settle,
)

Operation: TypeAlias = Callable[..., Plane]
Compare: TypeAlias = Callable[[Array, Array], Array]


# ---- truth ----------------------------------------------------------------------------------------------------------


def both(values: Sequence[Truth]) -> Truth:
    """True when all are true, false when one is false."""
    return _joined(values, conjunction)


def either(values: Sequence[Truth]) -> Truth:
    """True when one is true, false when all are false."""
    return _joined(values, disjunction)


def _joined(values: Sequence[Truth], by: Callable[[Mask, Mask], Mask]) -> Truth:
    if len(values) == 1:
        return Truth(values[0].lo, values[0].hi)
    lo = reduce(by, [value.lo for value in values])
    same = all(value.hi is value.lo for value in values)
    return Truth(lo, lo if same else reduce(by, [value.hi for value in values]))


def negate(value: Truth) -> Truth:
    """True when false, false when true."""
    lo = opposite(value.hi)
    return Truth(lo, lo if value.hi is value.lo else opposite(value.lo), value.missing)


def all_of(*values: Truth) -> Truth:
    """`both`, with the gaps that keep it open."""
    return settle(both(values), union(*(value.missing for value in values)))


def one_of(*values: Truth) -> Truth:
    """`either`, with the gaps that keep it open."""
    return settle(either(values), union(*(value.missing for value in values))) if values else FALSE


# ---- order ----------------------------------------------------------------------------------------------------------


def ordering(run: Compare, falls_first: bool) -> Operation:
    """A comparison: false as soon as one side is 无. With `falls_first` it is the truer the smaller the first side is."""

    def compare(left: Plane, right: Plane) -> Truth:
        if isinstance(left, Ratio) != isinstance(right, Ratio):
            ratio, other = (left, plain(right)) if isinstance(left, Ratio) else (right, plain(left))
            assert isinstance(ratio, Ratio)
            if _fits_crosswise(ratio, other):
                return _seen(_crosswise(run, falls_first, ratio, other, ratio is left), ratio, other)
        a, b = aligned([plain(left), plain(right)])
        return _seen(_ends(run, falls_first, (a.lo, a.hi), (b.lo, b.hi)), a, b)

    return compare


def _ends(run: Compare, falls_first: bool, a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Mask, Mask]:
    """Whether a comparison surely, and whether it possibly holds, from the ends of its sides."""
    if a[0] is a[1] and b[0] is b[1]:
        lo = tape.array(run(a[0], b[0]), np.bool_)
        return lo, lo
    near, far = (1, 0) if falls_first else (0, 1)
    return tape.array(run(a[near], b[far]), np.bool_), tape.array(run(a[far], b[near]), np.bool_)


def _seen(ends: tuple[Mask, Mask], a: Ordered | Ratio, b: Ordered | Ratio) -> Truth:
    """A comparison is false where a side is 无."""
    lo, hi = ends
    known = hi is lo
    none, some = either_masks(a.none, b.none), both_masks(a.some, b.some)
    if some is not None:
        lo, hi = lo & some, hi & some
    if none is not None and not (known and some is not None and not (none & some).any()):
        lo, known = lo & ~none, False
    return Truth(lo, lo if known else hi)


def _crosswise(
    run: Compare, falls_first: bool, ratio: Ratio, number: Ordered, ratio_first: bool
) -> tuple[Mask, Mask]:
    """A quotient compared with a number: multiplied crosswise, so that it need not be worked out."""

    def compare(a: Any, b: Any) -> Array:
        (over, under), other = (a, b) if ratio_first else (b, a)
        mine, its = over * number.scale, other * under
        return run(mine, its) if ratio_first else run(its, mine)

    low = ratio.lo, ratio.lo_under
    same = ratio.hi is ratio.lo and ratio.hi_under is ratio.lo_under
    quotients = low, low if same else (ratio.hi, ratio.hi_under)
    numbers = number.lo, number.hi
    return _ends(compare, falls_first, *((quotients, numbers) if ratio_first else (numbers, quotients)))


def equal(left: Plane, right: Plane) -> Truth:
    """Equal: what of both is possible meets; surely so where both are one and the same."""
    match left, right:
        case Truth(), Truth():
            if left.hi is left.lo and right.hi is right.lo:
                same = left.lo == right.lo
                return Truth(same, same)
            lo = (left.lo & right.lo) | ~(left.hi | right.hi)
            return Truth(lo, (left.hi & right.hi) | ~(left.lo | right.lo))
        case Labels(), Labels():
            every = left.bits | right.bits
            return Truth((every & (every - 1)) == 0, (left.bits & right.bits) != 0)
        case Texts(), Texts():
            return _equal_texts(left, right)
        case Records(), Records():
            return _equal_records(left, right)
        case Sets(), Sets():
            raise AssertionError("sets are not compared")
    a: Ordered | Ratio
    if isinstance(right, Ratio):
        left, right = right, left
    if isinstance(left, Ratio) and isinstance(right, Ordered) and _fits_crosswise(left, right):
        a, b = left, right
        meet = _mask(a.lo * b.scale <= b.hi * a.lo_under) & _mask(b.lo * a.hi_under <= a.hi * b.scale)
        sure = _mask(a.lo * b.scale == b.lo * a.lo_under) & _mask(a.hi * b.scale == b.lo * a.hi_under)
    else:
        a, b = aligned([plain(left), plain(right)])
        if a.hi is a.lo and b.hi is b.lo and a.none is None and b.none is None:
            same = _mask(a.lo == b.lo)
            return Truth(same, same)
        meet = _mask(a.lo <= b.hi) & _mask(b.lo <= a.hi)
        sure = _mask(a.lo == b.lo) & _mask(a.lo == a.hi)
    sure = sure & _mask(b.lo == b.hi)
    some = both_masks(a.some, b.some)
    none = either_masks(a.none, b.none)
    if some is not None:
        meet, sure = meet & some, sure & some
    if none is not None:
        sure = sure & ~none
    if a.none is not None and b.none is not None:
        meet = meet | (a.none & b.none)
        if a.some is not None and b.some is not None:
            sure = sure | ~(a.some | b.some)
    return Truth(sure, meet)


def _fits_crosswise(ratio: Ratio, number: Ordered) -> bool:
    """Whether a quotient and a number can be multiplied crosswise in 64 bits."""
    return not number.exact and max(ratio.top * number.scale, number.top * ratio.under_top) <= LIMIT


def _mask(found: Array) -> Mask:
    return tape.array(found, np.bool_)


def _equal_texts(left: Texts, right: Texts) -> Truth:
    def compared(a: Any, b: Any) -> tuple[bool, bool]:
        if a is None or b is None:
            return False, True
        return len(a | b) == 1, bool(a & b)

    pairs = [compared(a, b) for a, b in zip(*np.broadcast_arrays(left.options, right.options), strict=True)]
    return Truth(np.array([lo for lo, _ in pairs], np.bool_), np.array([hi for _, hi in pairs], np.bool_))


def _equal_records(left: Records, right: Records) -> Truth:
    """Records compared: one that nobody described may be any other."""
    first, second = _Candidates(left, right), _Candidates(right, left)
    count = left.count
    shared = np.intersect1d(first.codes, second.codes, assume_unique=True)
    both, none = (
        _per_row(shared // first.wide, count),
        _per_row(shared[shared % first.wide == 0] // first.wide, count),
    )
    vague = first.vague | second.vague
    single = (both == 1) & (first.counts == 1) & (second.counts == 1) & ~first.many
    doubt = vague & ~single
    lo = (first.counts + second.counts - both == 1) & ~doubt
    perhaps = (none > 0) | ((first.described > 0) & (second.described > 0))
    return Truth(lo, np.where(doubt, perhaps, both > 0))


class _Candidates:
    """The records that each row may stand for, as codes of row and record; 无 is record 0.

    Of each row: how many there are, how many of them are not 无, whether nobody described one of them, and whether one
    stands for many. `other` is what they are compared with, for codes in common.
    """

    def __init__(self, plane: Records, other: Records) -> None:
        tables = {id(part.table): part.table for part in (*plane.parts, *other.parts)}
        firsts, self.wide = {}, 1
        for key in sorted(tables):
            firsts[key] = self.wide
            self.wide += tables[key].count
        found = [np.zeros(0, np.int64)]
        self.vague, self.many = np.zeros(plane.count, np.bool_), np.zeros(plane.count, np.bool_)
        for part in plane.parts:
            rows, at = planes.spread(part, plane.count)
            found.append(rows * self.wide + firsts[id(part.table)] + at)
            if part.table.vague is not None:
                self.vague[rows[part.table.vague[at]]] = True
            if part.table.rest is not None:
                self.many[rows[part.table.rest[at] >= 0]] = True
        described = np.unique(np.concatenate(found))
        self.described = _per_row(described // self.wide, plane.count)
        self.codes, self.counts = described, self.described
        if plane.none is not None:
            none = np.flatnonzero(plane.none)
            self.codes = np.concatenate([described, none * self.wide])
            self.counts = self.described + _per_row(none, plane.count)


def _per_row(rows: Array, count: int) -> Array:
    return np.bincount(rows, minlength=count)


def differ(left: Plane, right: Plane) -> Truth:
    return negate(equal(left, right))


# ---- labels, and whether there is a value --------------------------------------------------------------------------------


def among(left: Plane, labels: Plane) -> Truth:
    """One of some labels."""
    assert isinstance(labels, Sets)
    if not isinstance(left, Labels):
        return Truth(NOWHERE, EVERYWHERE)
    return Truth((left.bits & ~labels.must) == 0, (left.bits & labels.must) != 0)


def contains(left: Sets, label: Labels) -> Truth:
    """A set of labels holds one."""
    lo = (left.must & label.bits) != 0
    return Truth(lo, lo if left.may is left.must else (left.may & label.bits) != 0)


def has(value: Plane) -> Truth:
    """There is a value, and not 无."""
    match value:
        case Labels(bits=bits):
            return Truth((bits & NONE_BIT) == 0, bits != NONE_BIT)
        case Texts(options=options):
            sure = np.array([one is not None and None not in one for one in options], np.bool_)
            return Truth(sure, np.array([one != {None} for one in options], np.bool_))
        case Records(none=none):
            lo = EVERYWHERE if none is None else ~none
            return Truth(lo, lo if none is None else value.possible > 0)
        case Ordered(none=none, some=some) | Ratio(none=none, some=some):
            if none is None:
                return planes.TRUE
            lo = ~none
            if some is None:
                return Truth(lo, EVERYWHERE)
            return Truth(lo, lo) if bool((lo == some).all()) else Truth(lo, some)
    return planes.TRUE


def has_not(value: Plane) -> Truth:
    return negate(has(value))


def present(value: Plane) -> Plane:
    """The value where it has been made sure that there is one."""
    match value:
        case Labels(bits=bits):
            return Labels(np.where(bits == NONE_BIT, bits, bits & ~NONE_BIT))
        case Texts(options=options):
            cut = [
                one if one is None or len(one) == 1 else frozenset(o for o in one if o is not None)
                for one in options
            ]
            kept = np.empty(len(cut), object)
            kept[:] = cut
            return Texts(kept)
        case Records(none=none) if none is not None:
            none = none & (value.possible == 0)
            return Records(value.count, value.parts, none if none.any() else None)
        case Ordered() | Ratio():
            if value.none is None:
                return value
            some = value.some
            nothing = None if some is None or some.all() else ~some
            if isinstance(value, Ordered):
                return Ordered(value.lo, value.hi, nothing, some, value.scale, value.top)
            return Ratio(
                value.lo, value.hi, value.lo_under, value.hi_under, nothing, some, value.top, value.under_top
            )
    return value


# ---- arithmetic -----------------------------------------------------------------------------------------------------


def moving(
    run: Callable[..., Array],
    ways: str,
    top: Callable[..., int],
    align: bool = True,
    whole: bool = False,
) -> Operation:
    """An operation that rises (`+`) or falls (`-`) with each operand; `top` bounds it by the bounds of these."""

    def apply(*operands: Plane) -> Ordered | Ratio:
        shared = over_one(operands) if align else None
        if shared is not None and top(*(arg.top for arg in shared[0])) <= LIMIT:
            return over(work(shared[0]), *shared[1:])
        args = [plain(operand) for operand in operands]
        if align:
            args = aligned(args)
        return work([_whole(arg) for arg in args] if whole else args)

    def work(args: list[Ordered]) -> Ordered:
        reach = top(*(arg.top for arg in args))
        if reach > LIMIT and not args[0].exact:
            args = [exact(arg) for arg in args]
        none, some = _nothing(args)
        lo = tape.array(run(*(a.lo if way == "+" else a.hi for a, way in zip(args, ways, strict=True))))
        hi = lo
        if any(arg.hi is not arg.lo for arg in args):
            hi = tape.array(run(*(a.hi if way == "+" else a.lo for a, way in zip(args, ways, strict=True))))
        scale = args[0].scale if align else 1
        return Ordered(lo, hi, none, some, scale, min(reach, LIMIT))

    return apply


def _nothing(args: list[Ordered]) -> tuple[Mask | None, Mask | None]:
    """Where the result may be 无, and where it may be a value."""
    none, some = None, None
    for arg in args:
        none, some = either_masks(none, arg.none), both_masks(some, arg.some)
    if some is not None:  # a side that is surely 无 makes the whole so
        none = either_masks(none, ~some)
    return none, some


def _whole(arg: Ordered) -> Ordered:
    """Whole numbers, what is behind the point dropped, as days and months are counted."""
    if arg.exact:
        lo = arg.lo.astype(np.int64)
        return Ordered(lo, lo if arg.hi is arg.lo else arg.hi.astype(np.int64), arg.none, arg.some)
    if arg.scale == 1:
        return arg
    lo = _truncated(arg.lo, arg.scale)
    hi = lo if arg.hi is arg.lo else _truncated(arg.hi, arg.scale)
    return Ordered(lo, hi, arg.none, arg.some, 1, arg.top)


def _truncated(numbers: Array, scale: int) -> Array:
    return np.asarray(np.sign(numbers) * (np.abs(numbers) // scale))


def product(left: Plane, right: Plane) -> Ordered | Ratio:
    """Product: of ranges, the outermost of the products of their ends."""
    for ratio, other in ((left, right), (right, left)):
        if isinstance(ratio, Ratio) and not isinstance(other, Ratio) and ratio.hi_under is ratio.lo_under:
            number = plain(other)
            if not number.exact and number.scale == 1 and ratio.top * number.top <= LIMIT:
                over_it = Ordered(ratio.lo, ratio.hi, ratio.none, ratio.some, 1, ratio.top)
                made = product(over_it, number)
                assert isinstance(made, Ordered)
                return over(made, ratio.lo_under, ratio.under_top)
    a, b = plain(left), plain(right)
    if a.exact or b.exact or a.top * b.top > LIMIT:
        a, b = exact(a), exact(b)
    none, some = _nothing([a, b])
    scale, top = a.scale * b.scale, min(a.top * b.top, LIMIT)
    lo = tape.array(a.lo * b.lo)
    if a.hi is a.lo and b.hi is b.lo:
        return Ordered(lo, lo, none, some, scale, top)
    ends = [lo, tape.array(a.lo * b.hi), tape.array(a.hi * b.lo), tape.array(a.hi * b.hi)]
    if a.hi is a.lo:
        ends = ends[:2]
    elif b.hi is b.lo:
        ends = ends[::2]
    return Ordered(reduce(np.minimum, ends), reduce(np.maximum, ends), none, some, scale, top)


def quotient(left: Plane, right: Plane) -> Plane:
    return planes.ratio_of(left, plain(right))


def rounding(run: Callable[[Array, Array | int, int], Array], step: int) -> Operation:
    """A rounding of money to a step in fen; `run` rounds numerator / denominator."""

    def apply(value: Plane) -> Ordered:
        if isinstance(value, Ratio) and 2 * max(value.top, value.under_top) * step <= LIMIT:
            lo = run(value.lo, value.lo_under, step)
            same = value.hi is value.lo and value.hi_under is value.lo_under
            hi = lo if same else run(value.hi, value.hi_under, step)
            return Ordered(lo, hi, value.none, value.some, 1, value.top + step)
        number = plain(value)
        if 2 * number.top * step > LIMIT:
            number = exact(number)
        if number.exact:
            lo = _rounded_exactly(run, number.lo, step)
            hi = lo if number.hi is number.lo else _rounded_exactly(run, number.hi, step)
            return narrowed(Ordered(lo, hi, number.none, number.some))
        if number.scale == 1 and step == 1:
            return Ordered(number.lo, number.hi, number.none, number.some, 1, number.top)
        lo = run(number.lo, number.scale, step)
        hi = lo if number.hi is number.lo else run(number.hi, number.scale, step)
        return Ordered(lo, hi, number.none, number.some, 1, number.top + step)

    return apply


def _rounded_exactly(run: Callable[[Array, Array | int, int], Array], numbers: Array, step: int) -> Array:
    """Python's own fractions rounded."""
    each = np.frompyfunc(lambda x: run(x.numerator, x.denominator, step), 1, 1)
    return np.asarray(each(numbers), dtype=object)


@tape.step
def half_up(over: Any, under: Any, step: int) -> Any:
    """The nearest multiple, halves away from zero."""
    double = under * (2 * step)
    size = abs(over) * 2
    whole = (size + under * step) // double * step
    return (
        np.where(over < 0, -whole, whole) if isinstance(over, np.ndarray) else -whole if over < 0 else whole
    )


def upward(over: Any, under: Any, step: int) -> Any:
    return -(-over // (under * step)) * step


def downward(over: Any, under: Any, step: int) -> Any:
    return over // (under * step) * step


def sum_top(a: int, b: int) -> int:
    return a + b


MONTH_TOP, DAY_TOP = 10**6, 10**7


def constant_top(top: int) -> Callable[..., int]:
    return lambda *_: top


def calendar(run: Callable[..., Array], ways: str, top: int) -> Operation:
    """An operation of the calendar: of whole numbers, and none of it in need of one scale."""
    return moving(run, ways, constant_top(top), align=False, whole=True)


def undetermined(value: Plane) -> Truth:
    """Where a value is not known: only findings and notes may ask that."""
    if isinstance(value, Ratio):
        value = value.worked_out()
    return Truth(~value.known, ~value.known)


# ---- the table ------------------------------------------------------------------------------------------------------

OPERATIONS: dict[str, Operation] = {
    "and": lambda *values: both(values),
    "or": lambda *values: either(values),
    "not": negate,
    "lt": ordering(np.less, True),
    "le": ordering(np.less_equal, True),
    "gt": ordering(np.greater, False),
    "ge": ordering(np.greater_equal, False),
    "eq": equal,
    "ne": differ,
    "among": among,
    "contains": contains,
    "has": has,
    "has_not": has_not,
    "present": present,
    "add": moving(np.add, "++", sum_top),
    "subtract": moving(np.subtract, "+-", sum_top),
    "negative": moving(np.negative, "-", lambda a: a),
    "multiply": product,
    "divide": quotient,
    "max_of": moving(np.maximum, "++", max),
    "min_of": moving(np.minimum, "++", max),
    "round_to_fen": rounding(half_up, 1),
    "round_to_jiao": rounding(half_up, 10),
    "round_to_yuan": rounding(half_up, 100),
    "round_up_to_yuan": rounding(upward, 100),
    "round_down_to_yuan": rounding(downward, 100),
    "full_years": calendar(full_years, "-+", 10**5),
    "month_of": calendar(month_of, "+", MONTH_TOP),
    "first_day": calendar(first_day, "+", DAY_TOP),
    "last_day": calendar(last_day, "+", DAY_TOP),
    "add_months": calendar(plus_months, "++", MONTH_TOP),
    "subtract_months": calendar(lambda m, n: plus_months(m, -n), "+-", MONTH_TOP),
    "add_months_to_date": calendar(date_plus_months, "++", DAY_TOP),
    "subtract_months_from_date": calendar(lambda d, n: date_plus_months(d, -n), "+-", DAY_TOP),
    "add_days": calendar(plus_days, "++", DAY_TOP),
    "subtract_days": calendar(lambda d, n: plus_days(d, -n), "+-", DAY_TOP),
    "months_between": calendar(np.subtract, "+-", MONTH_TOP),
    "days_between": calendar(np.subtract, "+-", DAY_TOP),
    "undetermined": undetermined,
}


def apply(op: str, args: list[Plane]) -> Plane:
    """An operation on planes, with the gaps that keep its result open."""
    found = OPERATIONS[op](*args)
    missing = union(*(arg.missing for arg in args))
    return settle(found, missing)
