"""Truths, exact numbers, dates, choices and sets of labels as z3 terms; what is constant stays plain Python.

Numbers are a whole numerator over a constant denominator, so that sums and comparisons stay linear and exact. Quotients
and products of two unknowns are told apart by cases where one of them has few values. z3's own `/` on whole numbers is
Euclidean and total; here the divisor is always a positive constant, where it is the floor.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Any, TypeAlias, TypeVar

import z3

from policykit.values import Month

Truth: TypeAlias = "bool | z3.BoolRef"
Term: TypeAlias = "int | z3.ArithRef"

EVERYTHING = 10**40  # more than any number that the checker lets through
MOST_WAYS = 40  # a product or quotient is told apart by so many values of one operand at most


class Refused(Exception):
    """A rule that the solver cannot be asked about; says which operation and why."""


# ---- truth -------------------------------------------------------------------------------------------------------------


def both(parts: Iterable[Truth]) -> Truth:
    """True when all are true."""
    found: dict[int, z3.BoolRef] = {}
    for part in parts:
        if part is False:
            return False
        if part is not True:
            found.setdefault(part.get_id(), part)
    terms = list(found.values())
    return True if not terms else terms[0] if len(terms) == 1 else z3.And(terms)


def either(parts: Iterable[Truth]) -> Truth:
    """True when one is true."""
    found: dict[int, z3.BoolRef] = {}
    for part in parts:
        if part is True:
            return True
        if part is not False:
            found.setdefault(part.get_id(), part)
    terms = list(found.values())
    return False if not terms else terms[0] if len(terms) == 1 else z3.Or(terms)


def negate(part: Truth) -> Truth:
    """True when false."""
    if isinstance(part, bool):
        return not part
    return part.arg(0) if z3.is_not(part) else z3.Not(part)


def same_truth(a: Truth, b: Truth) -> Truth:
    """Both true or both false."""
    if isinstance(a, bool):
        a, b = b, a
    if isinstance(b, bool):
        return a if b else negate(a)
    return a == b


def pick_truth(test: Truth, then: Truth, otherwise: Truth) -> Truth:
    """One truth or another."""
    if isinstance(test, bool):
        return then if test else otherwise
    return both((either((negate(test), then)), either((test, otherwise))))


def pick_term(test: Truth, then: Term, otherwise: Term) -> Term:
    """One term or another."""
    if isinstance(test, bool):
        return then if test else otherwise
    if isinstance(then, int) and isinstance(otherwise, int):
        if then == otherwise:
            return then
    elif not isinstance(then, int) and not isinstance(otherwise, int) and then.eq(otherwise):
        return then
    return z3.If(test, _term(then), _term(otherwise))


def _term(value: Term) -> z3.ArithRef:
    return z3.IntVal(value) if isinstance(value, int) else value


# ---- values ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Num:
    """A number, or a month as its index: `top / den`, or 无 where `none`. `lo` and `hi` bound it where it is not 无."""

    top: Term
    den: int
    none: Truth
    lo: Fraction | int
    hi: Fraction | int

    @property
    def plain(self) -> bool:
        return isinstance(self.top, int)


@dataclass(frozen=True, slots=True)
class Day:
    """A date as its month's index and the day in it; `lo` and `hi` bound it where it is not 无."""

    month: Term
    day: Term
    none: Truth
    lo: date
    hi: date

    @property
    def key(self) -> Num:
        """A number in the order of the days."""
        if isinstance(self.month, int) and isinstance(self.day, int):
            top: Term = self.month * 32 + self.day
        else:
            top = _term(self.month) * 32 + self.day
        return Num(top, 1, self.none, _day_key(self.lo), _day_key(self.hi))


@dataclass(frozen=True, slots=True)
class Pick:
    """One of some values (labels, records, `None` for 无), each with the truth that it is that one: just one holds."""

    ways: tuple[tuple[Any, Truth], ...]

    def of(self, value: Any) -> Truth:
        return either(guard for one, guard in self.ways if one is value or one == value)


@dataclass(frozen=True, slots=True)
class Labels:
    """A set of labels: of each whether it is in."""

    holds: tuple[tuple[str, Truth], ...]

    def of(self, label: str) -> Truth:
        return either(inside for one, inside in self.holds if one == label)


@dataclass(frozen=True, slots=True)
class Text:
    """A text by its number: equal texts have equal numbers."""

    number: Term
    none: Truth


Value: TypeAlias = "Truth | Num | Day | Pick | Labels | Text"


V = TypeVar("V", bound=Value)


def whole(number: int) -> Num:
    return Num(number, 1, False, number, number)


def exact(number: Fraction | int) -> Num:
    """A number that is known."""
    fraction = Fraction(number)
    return Num(fraction.numerator, fraction.denominator, False, number, number)


def month_index(month: Month | date) -> int:
    return month.year * 12 + month.month - 1


def on_day(day: date) -> Day:
    """A date that is known."""
    return Day(month_index(day), day.day, False, day, day)


def in_month(month: Month) -> Num:
    """A month that is known."""
    return whole(month_index(month))


NO_NUMBER = Num(0, 1, True, 0, 0)
NO_DAY = Day(0, 1, True, date(1900, 1, 1), date(1900, 1, 1))


def _day_key(day: date) -> int:
    return month_index(day) * 32 + day.day


def none_of(value: Value) -> Truth:
    """Whether a value is 无."""
    match value:
        case Num() | Day() | Text():
            return value.none
        case Pick():
            return value.of(None)
    return False


def choose(test: Truth, then: V, otherwise: V) -> V:
    """One value or another, both of one form, by a truth."""
    found: V = _choose(test, then, otherwise)
    return found


def _choose(test: Truth, then: Any, otherwise: Any) -> Any:
    if isinstance(test, bool):
        return then if test else otherwise
    match then, otherwise:
        case Num(), Num():
            den = lcm(then.den, otherwise.den)
            top = pick_term(
                test, _scaled(then.top, den // then.den), _scaled(otherwise.top, den // otherwise.den)
            )
            none = pick_truth(test, then.none, otherwise.none)
            lo, hi = _hull([then, otherwise])
            return Num(top, den, none, lo, hi)
        case Day(), Day():
            lo_hi = [one for one in (then, otherwise) if one.none is not True] or [then]
            return Day(
                pick_term(test, then.month, otherwise.month),
                pick_term(test, then.day, otherwise.day),
                pick_truth(test, then.none, otherwise.none),
                min(one.lo for one in lo_hi),
                max(one.hi for one in lo_hi),
            )
        case Pick(), Pick():
            return merged([(both((test, g)), v) for v, g in then.ways] + [(both((negate(test), g)), v) for v, g in otherwise.ways])  # fmt: skip
        case Labels(), Labels():
            names = dict.fromkeys([*(n for n, _ in then.holds), *(n for n, _ in otherwise.holds)])
            return Labels(tuple((n, pick_truth(test, then.of(n), otherwise.of(n))) for n in names))
        case Text(), Text():
            return Text(
                pick_term(test, then.number, otherwise.number), pick_truth(test, then.none, otherwise.none)
            )
    assert isinstance(then, bool | z3.BoolRef) and isinstance(otherwise, bool | z3.BoolRef), (then, otherwise)
    return pick_truth(test, then, otherwise)


def with_none(value: Value, none: Truth) -> Value:
    """The same number or day, 无 where this holds."""
    assert isinstance(value, Num | Day), value
    return replace(value, none=none)


def unbounded(number: Num) -> Num:
    """The number without what is known of its range, so that a comparison is left to the solver."""
    return replace(number, lo=-EVERYTHING, hi=EVERYTHING)


def merged(ways: Iterable[tuple[Truth, Any]]) -> Pick:
    """A pick from guarded values; equal values come together, impossible ones drop out."""
    guards: dict[Any, list[Truth]] = {}
    for guard, value in ways:
        if guard is not False:
            guards.setdefault(value, []).append(guard)
    return Pick(tuple((value, either(found)) for value, found in guards.items()))


def _hull(parts: list[Num]) -> tuple[Any, Any]:
    real = [part for part in parts if part.none is not True] or parts
    return min(part.lo for part in real), max(part.hi for part in real)


def _scaled(top: Term, factor: int) -> Term:
    return top if factor == 1 else top * factor


# ---- arithmetic --------------------------------------------------------------------------------------------------------


def add(a: Num, b: Num, sign: int = 1) -> Num:
    """The sum, or with sign −1 the difference."""
    den = lcm(a.den, b.den)
    right = _scaled(b.top, sign * (den // b.den))
    left = _scaled(a.top, den // a.den)
    top = left if isinstance(right, int) and right == 0 else right if isinstance(left, int) and left == 0 else left + right  # fmt: skip
    lo, hi = (a.lo + b.lo, a.hi + b.hi) if sign > 0 else (a.lo - b.hi, a.hi - b.lo)
    return Num(top, den, either((a.none, b.none)), lo, hi)


def negative(a: Num) -> Num:
    return Num(_scaled(a.top, -1), a.den, a.none, -a.hi, -a.lo)


def multiply(a: Num, b: Num) -> Num:
    """The product; of two unknowns by the values of the one that has few."""
    if a.plain or (not b.plain and _ways(b) > _ways(a)):
        a, b = b, a
    ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
    none, den = either((a.none, b.none)), a.den * b.den
    if isinstance(b.top, int):
        share = Fraction(b.top, den)
        return Num(_scaled(a.top, share.numerator), share.denominator, none, min(ends), max(ends))
    top = a.top * b.top if _ways(b) > MOST_WAYS else by_cases(b, lambda number: _scaled(a.top, number))
    return Num(top, den, none, min(ends), max(ends))


def divide(a: Num, b: Num) -> Num:
    """The exact quotient; 无 where the divisor is 0."""
    if isinstance(b.top, int):
        if b.top == 0:
            return NO_NUMBER
        share = Fraction(b.den, b.top)
        return replace(multiply(a, exact(share)), none=either((a.none, b.none)))
    none = either((a.none, b.none, b.top == 0))
    if _ways(b) > MOST_WAYS:  # a real quotient, which the solver may or may not get to the bottom of
        top = z3.ToReal(_term(_scaled(a.top, b.den))) / z3.ToReal(_term(_scaled(b.top, a.den)))
        return Num(top, 1, none, *_quotient_ends(a, b))
    numbers = [number for number in _tops(b) if number != 0]
    unit = lcm(*numbers) if numbers else 1
    top = by_cases(b, lambda number: 0 if number == 0 else _scaled(a.top, b.den * (unit // number)))
    ends = [Fraction(x) * b.den / number for x in (a.lo, a.hi) for number in numbers] or [Fraction(0)]
    return Num(top, a.den * unit, none, min(ends), max(ends))


def _quotient_ends(a: Num, b: Num) -> tuple[Fraction, Fraction]:
    """The range of a quotient whose divisor is a whole number of its unit or 0."""
    least = Fraction(1, b.den) if b.lo <= 0 <= b.hi else min(abs(Fraction(b.lo)), abs(Fraction(b.hi)))
    most = max(abs(Fraction(a.lo)), abs(Fraction(a.hi))) / least
    return (Fraction(0) if a.lo >= 0 and b.lo >= 0 else -most), most


def _tops(number: Num) -> range:
    return range(ceil(number.lo * number.den), floor(number.hi * number.den) + 1)


def _ways(number: Num) -> int:
    """How many values a number can have; a real quotient has no end of them."""
    return len(_tops(number)) if _is_whole(number.top) else EVERYTHING


def by_cases(number: Num, of: Callable[[int], Term]) -> Term:
    """A term told apart by every numerator that a number can have."""
    tops = _tops(number)
    found = of(tops[-1])
    for top in reversed(tops[:-1]):
        found = pick_term(number.top == top, of(top), found)
    return found


def extreme(a: Num, b: Num, greatest: bool) -> Num:
    """The greater or the smaller of two."""
    test = at_most(b, a) if greatest else at_most(a, b)
    found = choose(test, replace(a, none=False), replace(b, none=False))
    assert isinstance(found, Num)
    ends = max if greatest else min
    return replace(found, none=either((a.none, b.none)), lo=ends(a.lo, b.lo), hi=ends(a.hi, b.hi))


def rounded(a: Num, step: int, way: str) -> Num:
    """To a multiple of `step`: up, down, or to the nearest, halves away from zero."""
    size = a.den * step  # one step, in numerators
    if size == 1 and _is_whole(a.top):
        return a

    def steps(top: Term) -> Term:
        if way == "up":
            return -_floor(_scaled(top, -1), size)
        if way == "down":
            return _floor(top, size)
        return _floor(_scaled(top, 2) + size, 2 * size)

    top = steps(a.top)
    if way == "nearest" and a.lo < 0:
        top = pick_term(a.top >= 0, top, _scaled(steps(_scaled(a.top, -1)), -1))
    return Num(_scaled(top, step), 1, a.none, floor(a.lo / step) * step, ceil(a.hi / step) * step)


def _is_whole(top: Term) -> bool:
    """Whether a numerator is a whole number, and no real quotient."""
    return isinstance(top, int) or bool(top.is_int())


def truncated(a: Num) -> Num:
    """The whole part, as the calendar counts months and days."""
    if a.den == 1 and _is_whole(a.top):
        return a
    down, up = _floor(a.top, a.den), _scaled(_floor(_scaled(a.top, -1), a.den), -1)
    return Num(pick_term(a.top >= 0, down, up), 1, a.none, int(a.lo), int(a.hi))


def held_between(a: Num, lo: int, hi: int) -> Num:
    """The number, or the end of a range that it lies beyond."""
    top = a.top
    if a.lo < lo:
        top = pick_term(top < lo, lo, top)
    if a.hi > hi:
        top = pick_term(top > hi, hi, top)
    return replace(a, top=top, lo=max(lo, min(a.lo, hi)), hi=max(lo, min(a.hi, hi)))


def _floor(top: Term, by: int) -> Term:
    if isinstance(top, int):
        return top // by
    return z3.ToInt(top / by) if top.is_real() else top / by


# ---- order -------------------------------------------------------------------------------------------------------------


def ordered(value: Value) -> Num:
    """The number by which a value stands in its order."""
    if isinstance(value, Day):
        return value.key
    assert isinstance(value, Num), value
    return value


def at_most(a: Num, b: Num, strictly: bool = False) -> Truth:
    """Whether one number is at most, or below, another; neither is looked at for 无."""
    if a.hi < b.lo or (a.hi == b.lo and not strictly):
        return True
    if a.lo > b.hi or (a.lo == b.hi and strictly):
        return False
    den = lcm(a.den, b.den)
    left, right = _scaled(a.top, den // a.den), _scaled(b.top, den // b.den)
    return left < right if strictly else left <= right


def equal_numbers(a: Num, b: Num) -> Truth:
    if a.hi < b.lo or a.lo > b.hi:
        return False
    den = lcm(a.den, b.den)
    return _scaled(a.top, den // a.den) == _scaled(b.top, den // b.den)


def equal(a: Value, b: Value) -> Truth:
    """Whether two values are the same; 无 is the same as 无 only."""
    match a, b:
        case (Num() | Day(), Num() | Day()):
            there = (negate(a.none), negate(b.none))
            return either((both((*there, equal_numbers(ordered(a), ordered(b)))), both((a.none, b.none))))
        case Text(), Text():
            there = (negate(a.none), negate(b.none))
            return either((both((*there, a.number == b.number)), both((a.none, b.none))))
        case Pick(), Pick():
            return either(both((guard, b.of(value))) for value, guard in a.ways)
        case (Num() | Day() | Text(), Pick()):  # a literal 无
            return both((a.none, b.of(None)))
        case (Pick(), Num() | Day() | Text()):
            return equal(b, a)
    assert isinstance(a, bool | z3.BoolRef) and isinstance(b, bool | z3.BoolRef), (a, b)
    return same_truth(a, b)


def same(a: Value, b: Value) -> bool:
    """Whether two values are one term, so that nobody need be asked; terms that are not may still be equal."""
    match a, b:
        case (bool(), _) | (_, bool()):
            return a is b
        case (int(), _) | (_, int()):
            return bool(a == b) if isinstance(a, int) and isinstance(b, int) else False
        case Num(), Num():
            parts = ((a.top, b.top), (a.none, b.none))
            return a.den == b.den and all(same(x, y) for x, y in parts)
        case Day(), Day():
            return all(same(x, y) for x, y in ((a.month, b.month), (a.day, b.day), (a.none, b.none)))
        case Pick(), Pick():
            one, other = dict(a.ways), dict(b.ways)
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case (Num() | Day() | Pick() | Labels() | Text(), _) | (
            _,
            Num() | Day() | Pick() | Labels() | Text(),
        ):
            return False
    assert isinstance(a, z3.ExprRef) and isinstance(b, z3.ExprRef)
    return bool(a.eq(b))


Exchange: TypeAlias = "list[tuple[z3.ExprRef, z3.ExprRef]]"


def exchange(*pairs: tuple[Term | Truth, Term | Truth]) -> Exchange:
    """Variables, each with the one that takes its place."""
    return [(a, b) for a, b in pairs if not isinstance(a, int) and not isinstance(b, int)]


def exchanged(value: Num, pairs: Exchange) -> Num:
    """A number with some variables in it exchanged for others of the same ranges."""
    return replace(value, top=exchanged_term(value.top, pairs), none=exchanged_truth(value.none, pairs))


def exchanged_term(term: Term, pairs: Exchange) -> Term:
    return term if isinstance(term, int) else z3.substitute(term, *pairs)


def exchanged_truth(truth: Truth, pairs: Exchange) -> Truth:
    return truth if isinstance(truth, bool) else z3.substitute(truth, *pairs)


# ---- the calendar ------------------------------------------------------------------------------------------------------

_LONG = (0, 2, 4, 6, 7, 9, 11)
_BEFORE = tuple(itertools.accumulate((0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30)))


def leap_year(month: z3.ArithRef) -> z3.BoolRef:
    year = month / 12
    return z3.And(year % 4 == 0, z3.Or(year % 100 != 0, year % 400 == 0))


def length_of(month: Term) -> Term:
    """How many days a month has."""
    if isinstance(month, int):
        return Month(month // 12, month % 12 + 1).last.day
    place = month % 12
    long = z3.Or([place == number for number in _LONG])
    return z3.If(long, z3.IntVal(31), z3.If(place != 1, z3.IntVal(30), z3.If(leap_year(month), z3.IntVal(29), z3.IntVal(28))))  # fmt: skip


def is_calendar_day(month: Term, day: Term) -> Truth:
    """Whether a month has such a day; said so that the first 28 days need no calendar."""
    if isinstance(month, int) and isinstance(day, int):
        return 1 <= day <= int(length_of(month))
    return z3.And(_term(day) >= 1, z3.Or(_term(day) <= 28, _term(day) <= length_of(month)))


def ordinal(day: Day) -> Term:
    """The number of a day, counted from the year 1."""
    if isinstance(day.month, int) and isinstance(day.day, int):
        return date(day.month // 12, day.month % 12 + 1, day.day).toordinal()
    month = _term(day.month)
    place, past = month % 12, month / 12 - 1
    before: z3.ArithRef = z3.IntVal(_BEFORE[11])
    for number in range(10, -1, -1):
        before = z3.If(place == number, z3.IntVal(_BEFORE[number]), before)
    extra = z3.If(z3.And(place >= 2, leap_year(month)), z3.IntVal(1), z3.IntVal(0))
    return past * 365 + past / 4 - past / 100 + past / 400 + before + extra + day.day


def full_years(birth: Day, on: Day) -> Num:
    """The age in full years."""
    parts = (birth.month, birth.day, on.month, on.day)
    none = either((birth.none, on.none))
    lo, hi = on.lo.year - birth.hi.year - 1, on.hi.year - birth.lo.year
    if all(isinstance(part, int) for part in parts):
        months = int(on.month) - int(birth.month) - (int(on.day) < int(birth.day))
        return Num(months // 12, 1, none, lo, hi)
    short = pick_term(_term(on.day) < _term(birth.day), 1, 0)
    return Num((_term(on.month) - birth.month - short) / 12, 1, none, lo, hi)


def month_of(day: Day) -> Num:
    return Num(day.month, 1, day.none, month_index(day.lo), month_index(day.hi))


def day_of_month(month: Num, last: bool) -> Day:
    """The first or the last day of a month."""
    lo, hi = _month_at(month.lo), _month_at(month.hi)
    if last:
        return Day(month.top, length_of(month.top), month.none, lo.last, hi.last)
    return Day(month.top, 1, month.none, lo.first, hi.first)


def _month_at(index: Fraction | int) -> Month:
    number = max(FIRST_MONTH, min(int(index), LAST_MONTH))
    return Month(number // 12, number % 12 + 1)


FIRST_MONTH, LAST_MONTH = 12, 9999 * 12 + 11  # the calendar ends with the years 1 and 9999


def later_month(month: Num, months: Num, sign: int = 1) -> Num:
    """The month so many months later."""
    return held_between(add(month, truncated(months), sign), FIRST_MONTH, LAST_MONTH)


def plus_months(day: Day, months: Num, sign: int = 1) -> Day:
    """The same day so many months later, or the month's last day."""
    month = later_month(month_of(day), months, sign)
    longest = length_of(month.top)
    if isinstance(day.day, int) and day.day <= 28:
        own: Term = day.day
    elif isinstance(day.day, int) and isinstance(longest, int):
        own = min(day.day, longest)
    else:
        own = pick_term(either((_term(day.day) <= 28, _term(day.day) <= longest)), day.day, longest)
    return Day(month.top, own, month.none, _month_at(month.lo).first, _month_at(month.hi).last)


def days_between(a: Day, b: Day) -> Num:
    """How many days from the second to the first."""
    none, lo, hi = either((a.none, b.none)), (a.lo - b.hi).days, (a.hi - b.lo).days
    return Num(_scaled(ordinal(b), -1) + ordinal(a), 1, none, lo, hi)
