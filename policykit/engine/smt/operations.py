"""What each operation of the table is to the solver; the folds are told apart in `world`, over their elements."""

from __future__ import annotations

from typing import Any

from policykit.engine.smt import logic
from policykit.engine.smt.logic import (
    Day,
    Labels,
    Num,
    Pick,
    Text,
    Truth,
    Value,
    both,
    choose,
    either,
    negate,
    none_of,
    with_none,
)
from policykit.engine.smt.variables import Variables


def alike(a: Value, b: Value) -> tuple[Value, Value]:
    """Two values in one form, where one of them is a literal 无."""
    if isinstance(a, Pick) and not isinstance(b, Pick) and all(value is None for value, _ in a.ways):
        return _none_like(b), b
    if isinstance(b, Pick) and not isinstance(a, Pick) and all(value is None for value, _ in b.ways):
        return a, _none_like(a)
    if isinstance(a, Num) and isinstance(b, Day):
        return logic.NO_DAY, b
    if isinstance(a, Day) and isinstance(b, Num):
        return a, logic.NO_DAY
    return a, b


def _none_like(value: Value) -> Value:
    match value:
        case Num():
            return logic.NO_NUMBER
        case Day():
            return logic.NO_DAY
        case Text():
            return Text(0, True)
    raise AssertionError(value)


def _compare(strictly: bool, turned: bool) -> Any:
    def apply(v: Variables, a: Value, b: Value) -> Truth:
        pair = (b, a) if turned else (a, b)
        there = (negate(none_of(a)), negate(none_of(b)))
        return both((*there, logic.at_most(logic.ordered(pair[0]), logic.ordered(pair[1]), strictly)))

    return apply


def _extreme(greatest: bool) -> Any:
    def apply(v: Variables, a: Value, b: Value) -> Value:
        x, y = logic.ordered(a), logic.ordered(b)
        none = either((none_of(a), none_of(b)))
        test = logic.at_most(y, x) if greatest else logic.at_most(x, y)
        return with_none(choose(test, *alike(a, b)), none)

    return apply


def _among(v: Variables, a: Pick, labels: Labels) -> Truth:
    return either(guard for value, guard in a.ways if value is not None and labels.of(value) is True)


def _contains(v: Variables, a: Labels, label: Pick) -> Truth:
    return either(both((guard, a.of(value))) for value, guard in label.ways if value is not None)


def _undetermined(v: Variables, a: Value) -> Truth:
    return False  # of a complete household everything is known


OPERATIONS: dict[str, Any] = {
    "not": lambda v, a: negate(a),
    "lt": _compare(True, False), "le": _compare(False, False), "gt": _compare(True, True), "ge": _compare(False, True),
    "eq": lambda v, a, b: logic.equal(*alike(a, b)), "ne": lambda v, a, b: negate(logic.equal(*alike(a, b))),
    "among": _among, "contains": _contains,
    "has": lambda v, a: negate(none_of(a)), "has_not": lambda v, a: none_of(a), "present": lambda v, a: a,
    "add": lambda v, a, b: logic.add(a, b), "subtract": lambda v, a, b: logic.add(a, b, -1),
    "negative": lambda v, a: logic.negative(a),
    "multiply": lambda v, a, b: logic.multiply(a, b), "divide": lambda v, a, b: logic.divide(a, b),
    "max_of": _extreme(True), "min_of": _extreme(False),
    "round_to_fen": lambda v, a: logic.rounded(a, 1, "nearest"),
    "round_to_jiao": lambda v, a: logic.rounded(a, 10, "nearest"),
    "round_to_yuan": lambda v, a: logic.rounded(a, 100, "nearest"),
    "round_up_to_yuan": lambda v, a: logic.rounded(a, 100, "up"),
    "round_down_to_yuan": lambda v, a: logic.rounded(a, 100, "down"),
    "full_years": lambda v, a, b: logic.full_years(a, b), "month_of": lambda v, a: logic.month_of(a),
    "first_day": lambda v, a: logic.day_of_month(a, last=False), "last_day": lambda v, a: logic.day_of_month(a, last=True),
    "add_months": lambda v, a, b: logic.later_month(a, b), "subtract_months": lambda v, a, b: logic.later_month(a, b, -1),
    "add_months_to_date": lambda v, a, b: logic.plus_months(a, b),
    "subtract_months_from_date": lambda v, a, b: logic.plus_months(a, b, -1),
    "add_days": lambda v, a, b: v.add_days(a, b), "subtract_days": lambda v, a, b: v.add_days(a, b, -1),
    "months_between": lambda v, a, b: logic.add(a, b, -1),
    "days_between": lambda v, a, b: logic.days_between(a, b),
    "undetermined": _undetermined,
}  # fmt: skip
