"""What each operation is in generated code, and what generated code calls.

Where 无 cannot occur an operation is a Python operator; elsewhere, and for all others, it is its own meaning in `ops`
with what 无 does to it wrapped around. An operation that is refused says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from functools import wraps
from typing import Any

from policykit.engine.compiled.reading import Record
from policykit.engine.compiled.unknown import UNKNOWN, HandOver, Wrong, known
from policykit.ops import OPS, Op
from policykit.values import Month, simple

MOST_MONTHS = 1200

#: operations as Python writes them, for operands that cannot be 无
OPERATORS: dict[str, str] = {
    "not": "not {}", "lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}",
    "add": "{} + {}", "subtract": "{} - {}", "negative": "-{}", "multiply": "{} * {}",
    "days_between": "({} - {}).days",
}  # fmt: skip

#: the same, whether or not an operand can be 无
ALWAYS: dict[str, str] = {
    "eq": "{} == {}", "ne": "{} != {}", "among": "{} in {}", "contains": "{1} in {0}",
    "has": "known({}) is not None", "has_not": "known({}) is None", "present": "{}",
}  # fmt: skip

#: operations that no generated code holds, and why
REFUSED: dict[str, str] = {
    "undetermined": "only findings and notes may ask what is known, and those the reference engine gives",
}

FOLDS = ("any", "all", "count", "sum", "least", "greatest", "earliest", "latest")
NOT_ASKED: Any = object()  # of a term: 无 is an answer too
OPEN: Any = object()  # of a term: something that nobody gave was touched


# ---- what generated code calls ------------------------------------------------------------------------------------------


def around_nothing(op: Op) -> Callable[..., Any]:
    """An operation on values that may be 无: 无 in, 无 out, or for a comparison false."""
    run, empty = op.run, False if op.none == "false" else None

    def apply(*args: Any) -> Any:
        return empty if any(arg is None for arg in args) else run(*args)

    return apply


def once(term: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A term that is evaluated once for each record."""
    name = term.__name__

    @wraps(term)
    def remembered(record: Any) -> Any:
        memo: dict[str, Any] = record.memo
        found = memo.get(name, NOT_ASKED)
        if found is NOT_ASKED:
            memo[name] = OPEN
            found = memo[name] = term(record)
        elif found is OPEN:
            raise HandOver(name)
        return found

    return remembered


def total(items: Iterable[Any]) -> Any:
    """The sum of values that may be 无."""
    return OPS["sum"].run(list(items))


def least(items: Iterable[Any]) -> Any:
    return OPS["least"].run(list(items))


def greatest(items: Iterable[Any]) -> Any:
    return OPS["greatest"].run(list(items))


def earliest(pairs: Iterable[tuple[Any, Any]]) -> Any:
    return OPS["earliest"].run([(known(day), record) for day, record in pairs])


def latest(pairs: Iterable[tuple[Any, Any]]) -> Any:
    """The record with the latest day; of one alone too the day is asked, for it may be 无."""
    return OPS["latest"].run([(known(day), record) for day, record in pairs])


def months(first: Month | None, last: Month | None) -> Sequence[Month]:
    """The months from one to another, both included."""
    if first is None or last is None:
        return ()
    count = last.minus(first) + 1
    if count > MOST_MONTHS:
        raise HandOver("too many months")
    return [first.plus(number) for number in range(count)]


def times(a: Any, b: Any) -> Any:
    """A product that may be a fraction."""
    return simple(a * b)


def unset(name: str) -> Any:
    """A figure that nobody set, or a term without a version on the day."""
    raise HandOver(name)


def in_range(value: Any, low: Any, high: Any) -> Any:
    """What a sheet says of a parameter, where it lies in the declared range."""
    known(low), known(high)
    if value is not None and (low is None or high is None or not low <= value <= high):
        raise HandOver("out of range")
    return value


def must_lie(value: Any, low: Any, high: Any) -> None:
    """A fact inside a range that other facts set."""
    if value is not None and not low <= value <= max(low, high):
        raise Wrong("contradicts")


def maybe(record: Any, read: Callable[[Any], Any], otherwise: Any = None) -> Any:
    """What is read of a record that may be 无."""
    return otherwise if record is None else read(record)


class Extreme:
    """Beyond every value: the end of a range that was not declared."""

    def __init__(self, low: bool) -> None:
        self.low = low

    def __le__(self, other: object) -> bool:
        return self.low

    def __ge__(self, other: object) -> bool:
        return not self.low


def within(day: Any, start: date | None, end: date | None) -> bool:
    """Whether a day is there and lies in a period."""
    return known(day) is not None and (start is None or day >= start) and (end is None or day <= end)


def given(value: Any) -> bool:
    return value is not UNKNOWN


NAMES: dict[str, Any] = {
    "date": date,
    "Month": Month,
    "Fraction": Fraction, "HandOver": HandOver, "Record": Record, "UNKNOWN": UNKNOWN, "known": known, "once": once,
    "total": total, "least": least, "greatest": greatest, "earliest": earliest, "latest": latest, "months": months,
    "times": times, "unset": unset, "in_range": in_range, "must_lie": must_lie, "given": given, "maybe": maybe, "within": within, "LOWEST": Extreme(True), "HIGHEST": Extreme(False),
    **{key: op.run for key, op in OPS.items() if key.isidentifier() and not op.fold},
    **{f"{key}_or_none": around_nothing(op) for key, op in OPS.items() if not op.fold},
}  # fmt: skip


def lowered(op: str, args: Sequence[str], can_be_none: bool, whole: bool) -> str:
    """An operation on operands as Python writes it; `whole` says that all of them are whole numbers."""
    if op in ("and", "or"):
        return f"({f' {op} '.join(args)})"
    if op in ALWAYS:
        return f"({ALWAYS[op].format(*args)})" if op != "present" else args[0]
    if can_be_none:
        return f"{op}_or_none({', '.join(args)})"
    if op == "multiply" and not whole:
        return f"times({', '.join(args)})"
    if whole and op == "round_down_to_yuan":
        return f"({args[0]} // 100 * 100)"
    if op in OPERATORS:
        return f"({OPERATORS[op].format(*args)})"
    return f"{'max' if op == 'max_of' else 'min' if op == 'min_of' else op}({', '.join(args)})"
