"""Values of the rule language, known and unknown, and the exact arithmetic on them.

A plain value is a `bool`, a number (`int`, or `Fraction` for an exact quotient; money is counted in fen), a `date`,
a `Month`, a label (`str`), a frozenset of labels, or a record. What is known *about* a value is one of three forms:
`Bounds` for what has an order, `Options` for what has none, `Subset` for a set of labels. A value is known when
its form leaves one possibility. Each form carries the gaps that keep it open, so "what is missing" needs no
bookkeeping of its own.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias, TypeVar

Number: TypeAlias = int | Fraction


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month (年月)."""

    year: int
    month: int

    def plus(self, months: int) -> Month:
        """The month so many months later (earlier when negative); the calendar ends with the years 1 and 9999."""
        index = max(12, min(self.year * 12 + self.month - 1 + months, 9999 * 12 + 11))
        return Month(index // 12, index % 12 + 1)

    def minus(self, other: Month) -> int:
        """How many months lie between two months."""
        return (self.year - other.year) * 12 + self.month - other.month

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


GapKind: TypeAlias = Literal["fact", "list", "parameter", "ruling", "comparison"]


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """One thing that is not known: a fact of a record, a list that may be longer, a parameter, a ruling not made.

    A comparison of unknown figures is a gap too: its truth can be assumed either way (`comparison`), which is how
    the exact level tells apart the cases that a figure's mere range cannot.
    """

    kind: GapKind
    path: str
    name: str
    cause: str = ""


Missing: TypeAlias = frozenset[Gap]
NOTHING: Missing = frozenset()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Every value from `lo` to `hi`, both included; and 无 too if `none`. Both `None`: certainly 无."""

    lo: Any
    hi: Any
    none: bool = False
    missing: Missing = NOTHING

    @property
    def known(self) -> bool:
        return bool(self.lo == self.hi) and (self.lo is None or not self.none)

    @property
    def value(self) -> Any:
        """The value, when known (`None` is 无)."""
        assert self.known
        return self.lo


@dataclass(frozen=True, slots=True)
class Options:
    """One of these (`None` among them is 无); `values` is `None` for a text that may be anything."""

    values: frozenset[Any] | None
    missing: Missing = NOTHING

    @property
    def known(self) -> bool:
        return self.values is not None and len(self.values) == 1

    @property
    def none(self) -> bool:
        """Whether 无 is among the possibilities."""
        return self.values is None or None in self.values

    @property
    def value(self) -> Any:
        assert self.values is not None and self.known
        return next(iter(self.values))


@dataclass(frozen=True, slots=True)
class Subset:
    """A set of labels that holds all of `must` and nothing outside `may`."""

    must: frozenset[str]
    may: frozenset[str]
    missing: Missing = NOTHING

    @property
    def known(self) -> bool:
        return self.must == self.may

    @property
    def none(self) -> bool:
        return False

    @property
    def value(self) -> Any:
        assert self.known
        return self.must


Value: TypeAlias = Bounds | Options | Subset
V = TypeVar("V", Bounds, Options, Subset, Value)

TRUE = Bounds(True, True)
FALSE = Bounds(False, False)
NONE = Bounds(None, None, none=True)


def exactly(plain: Any) -> Value:
    """What is known when the plain value itself is known."""
    if plain is None:
        return NONE
    if isinstance(plain, bool | int | Fraction | date | Month):
        return Bounds(plain, plain)
    if isinstance(plain, frozenset):
        return Subset(plain, plain)
    return Options(frozenset([plain]))


def truth(may_be_false: bool, may_be_true: bool, missing: Missing = NOTHING) -> Bounds:
    """The three-valued truth with these possibilities; one of them at least holds."""
    return settle(Bounds(not may_be_false, may_be_true), missing)


def settle(value: V, missing: Missing) -> V:
    """The value with the gaps that keep it open; a known value has none."""
    wanted = NOTHING if value.known else missing
    return value if value.missing == wanted else replace(value, missing=wanted)


def gaps(values: Iterable[Value]) -> Missing:
    """Everything that keeps any of these values open."""
    found: Missing = NOTHING
    for value in values:
        if value.missing:
            found |= value.missing
    return found


def join(values: Iterable[Value]) -> Value:
    """What is known when one of these holds and it is not known which. At least one is given."""
    parts = list(values)
    first, missing = parts[0], gaps(parts)
    if all(part == first for part in parts[1:]):
        return first
    if all(isinstance(part, Subset) for part in parts):
        sets = [part for part in parts if isinstance(part, Subset)]
        must = frozenset.intersection(*(part.must for part in sets))
        return Subset(must, frozenset.union(*(part.may for part in sets)), missing)
    if any(isinstance(part, Options) for part in parts):
        choices: frozenset[Any] = frozenset()
        for part in parts:
            if isinstance(part, Options) and part.values is None:
                return Options(None, missing)
            choices |= part.values if isinstance(part, Options) and part.values else frozenset([None])
        return settle(Options(choices), missing)
    spans = [part for part in parts if isinstance(part, Bounds)]
    inside = [part for part in spans if part.lo is not None]
    none = any(part.none for part in spans)
    if not inside:
        return NONE
    return settle(Bounds(min(p.lo for p in inside), max(p.hi for p in inside), none), missing)


# ---- three-valued truth (Kleene, Introduction to Metamathematics, §64) ------------------------------------------------


def both(values: Iterable[Bounds]) -> Bounds:
    """True when all are true, false when one is false."""
    lo = hi = True
    missing: Missing = NOTHING
    for value in values:
        lo, hi, missing = lo and value.lo, hi and value.hi, missing | value.missing
    return settle(Bounds(lo, hi), missing)


def either(values: Iterable[Bounds]) -> Bounds:
    """True when one is true, false when all are false."""
    lo = hi = False
    missing: Missing = NOTHING
    for value in values:
        lo, hi, missing = lo or value.lo, hi or value.hi, missing | value.missing
    return settle(Bounds(lo, hi), missing)


def negate(value: Bounds) -> Bounds:
    """True when false, false when true."""
    return Bounds(not value.hi, not value.lo, missing=value.missing)


# ---- bounds of an operation from its own corners ------------------------------------------------------------------------


def corners(run: Callable[..., Any], monotone: str, values: tuple[Value, ...]) -> Bounds:
    """The range of `run` over ranges of its operands, from its own results at their ends.

    `monotone` says per operand whether the result rises with it (`+`), falls (`-`) or turns (`*`: both ends are
    tried). An operand that may be 无 makes the result perhaps 无.
    """
    spans = [value for value in values if isinstance(value, Bounds)]
    if any(span.lo is None for span in spans):
        return NONE
    none = any(span.none for span in spans)
    if "*" not in monotone:
        least = [span.lo if way == "+" else span.hi for span, way in zip(spans, monotone, strict=True)]
        most = [span.hi if way == "+" else span.lo for span, way in zip(spans, monotone, strict=True)]
        return Bounds(run(*least), run(*most), none)
    low, high = [()], [()]  # type: list[tuple[Any, ...]], list[tuple[Any, ...]]
    for span, way in zip(spans, monotone, strict=True):
        ends = (span.lo, span.hi)
        first, last = (
            (ends, ends) if way == "*" else (ends[:1], ends[1:]) if way == "+" else (ends[1:], ends[:1])
        )
        low = [(*args, end) for args in low for end in first]
        high = [(*args, end) for args in high for end in last]
    return Bounds(min(run(*args) for args in low), max(run(*args) for args in high), none)


# ---- exact arithmetic ---------------------------------------------------------------------------------------------------


def simple(number: Number) -> Number:
    """A whole number as `int`, anything else as the exact fraction."""
    return number.numerator if isinstance(number, Fraction) and number.denominator == 1 else number


def divide(a: Number, b: Number) -> Number:
    """The exact quotient; `b` is not 0."""
    return simple(Fraction(a) / b)


def round_half_up(number: Number, step: int) -> int:
    """The nearest multiple of `step`, halves away from zero (四舍五入)."""
    ratio = Fraction(number) / step
    whole = int(abs(ratio) + Fraction(1, 2))
    return (whole if ratio >= 0 else -whole) * step


def round_up(number: Number, step: int) -> int:
    """The smallest multiple of `step` not below the number."""
    return -int(-Fraction(number) // step) * step


def round_down(number: Number, step: int) -> int:
    """The greatest multiple of `step` not above the number."""
    return int(Fraction(number) // step) * step


# ---- the calendar -------------------------------------------------------------------------------------------------------


def month_of(day: date) -> Month:
    """The calendar month that a day lies in."""
    return Month(day.year, day.month)


def plus_months(day: date, months: int) -> date:
    """The same day so many months later, or the month's last day where it has no such day."""
    month = month_of(day).plus(months)
    return date(month.year, month.month, min(day.day, month.last.day))


def plus_days(day: date, days: int) -> date:
    """So many days later (earlier when negative); the calendar ends with the years 1 and 9999."""
    return date.fromordinal(max(1, min(day.toordinal() + days, date.max.toordinal())))


def full_years(birth: date, day: date) -> int:
    """Age in full years (周岁): it turns on the birthday, that of 29 February on 1 March in common years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
