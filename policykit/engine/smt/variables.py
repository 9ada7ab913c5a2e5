"""The free variables of a question: what each stands for, and what is declared of it as a constraint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import z3

from policykit import ir
from policykit.datatypes import Type, widest
from policykit.engine.smt import logic
from policykit.engine.smt.logic import Day, Labels, Num, Pick, Text, Truth, Value, both, either, negate
from policykit.values import NOTHING, Bounds

SHARE = 100  # a number without a unit is looked at in hundredths


@dataclass(frozen=True, slots=True)
class Size:
    """How large the households are that are looked at: the most members of a record, the most entries of any other
    list."""

    members: int = 8
    entries: int = 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some days, both ends included, between which no rule, term or parameter changes its version."""

    first: date
    last: date


@dataclass(slots=True, eq=False)
class Record:
    """One record of the household looked at; `path` is where it would stand in the input."""

    entity: str
    path: str
    upper: Record | None = None

    def __repr__(self) -> str:
        return f"<{self.entity} {self.path}>"


@dataclass(slots=True)
class Variables:
    """The free variables, by what they stand for; shared by the rule sets that are compared.

    `facts` are facts and references by record path, `lists` lengths of lists, `parameters` unset parameters,
    `rulings` and `elections` what approvers and households decide.
    """

    facts: dict[tuple[str, str], Value] = field(default_factory=dict)
    lists: dict[tuple[str, str], tuple[Truth, ...]] = field(default_factory=dict)
    parameters: dict[tuple[str, str, tuple[str, ...]], Value] = field(default_factory=dict)
    rulings: dict[tuple[str, str], tuple[Pick, dict[str, Num]]] = field(default_factory=dict)
    elections: dict[tuple[str, str], Pick] = field(default_factory=dict)
    pending: dict[tuple[str, str], Truth] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)
    moved: dict[tuple[Any, ...], tuple[Day, Num, Day]] = field(default_factory=dict)
    constraints: list[z3.BoolRef] = field(default_factory=list)

    def require(self, truth: Truth) -> None:
        """Notes what holds of the variables."""
        if isinstance(truth, bool):
            truth = z3.BoolVal(truth)
        if not z3.is_true(truth):
            self.constraints.append(truth)

    def exchange(self, old: Num, new: Num) -> logic.Exchange:
        """One number for another, and with it every day that is counted from it."""
        pairs = logic.exchange((old.top, new.top), (old.none, new.none))
        for (sign, *_), (day, days, moved) in list(
            self.moved.items()
        ):  # those counted from others come after them
            there = Day(
                logic.exchanged_term(day.month, pairs), logic.exchanged_term(day.day, pairs),
                logic.exchanged_truth(day.none, pairs), day.lo, day.hi,
            )  # fmt: skip
            count = logic.exchanged(days, pairs)
            if not (logic.same(there, day) and logic.same(count, days)):
                other = self.add_days(there, count, sign)
                pairs += logic.exchange((moved.month, other.month), (moved.day, other.day))
        return pairs

    def raised(self, pairs: logic.Exchange) -> Truth:
        """What is known of the variables, of the same household with some of them exchanged for others."""
        found: list[Truth] = []
        for constraint in self.constraints:
            other = logic.exchanged_truth(constraint, pairs)
            if not isinstance(other, bool) and not other.eq(constraint):
                found.append(other)
        return both(found)

    def free_day(self, name: str, first: date, last: date, optional: bool) -> Day:
        month, day = z3.Int(f"{name}·month"), z3.Int(f"{name}·day")
        none: Truth = z3.Bool(f"{name}·none") if optional else False
        found = Day(month, day, none, first, last)
        self.require(logic.is_calendar_day(month, day))
        for low, high in ((logic.on_day(first), found), (found, logic.on_day(last))):
            self.require(logic.at_most(logic.unbounded(low.key), logic.unbounded(high.key)))
        return found

    def free(self, choices: Mapping[str, ir.Choice], name: str, of: Type, low: Any, high: Any) -> Value:
        """A variable of a type, anywhere between two known ends (`None`: those of the type)."""
        labels = choices[of.of].labels if of.kind in ("choice", "multi") else frozenset[str]()
        wide = widest(of, NOTHING, labels)
        match of.kind:
            case "bool":
                return z3.Bool(name)
            case "choice":
                order = [option.name.id for option in choices[of.of].options]
                return self.free_pick(name, [*([None] if of.optional else []), *order])
            case "multi":
                return Labels(tuple((label, z3.Bool(f"{name}·{label}")) for label in sorted(labels)))
            case "text":
                return Text(z3.Int(name), z3.Bool(f"{name}·none") if of.optional else False)
        assert isinstance(wide, Bounds)
        lo, hi = (wide.lo if low is None else low), (wide.hi if high is None else high)
        hi = max(lo, hi)
        if of.kind == "date":
            return self.free_day(name, lo, hi, of.optional)
        if of.kind == "month":
            lo, hi = logic.month_index(lo), logic.month_index(hi)
        none: Truth = z3.Bool(f"{name}·none") if of.optional else False
        top = z3.Int(name)
        den = 1 if of.kind == "month" or of.dimension else SHARE
        self.require(both((top >= lo * den, top <= hi * den)))
        return Num(top, den, none, lo, hi)

    def free_pick(self, name: str, values: Sequence[Any]) -> Pick:
        """A variable that is one of some values."""
        if len(values) == 1:
            return Pick(((values[0], True),))
        if len(values) == 2:
            second = z3.Bool(f"{name}={_shown(values[1])}")
            return Pick(((values[0], z3.Not(second)), (values[1], second)))
        guards = [z3.Bool(f"{name}={_shown(value)}") for value in values]
        self.require(z3.PbEq([(guard, 1) for guard in guards], 1))
        return Pick(tuple(zip(values, guards, strict=True)))

    def add_days(self, day: Day, days: Num, sign: int = 1) -> Day:
        """So many days later: the day whose number is so much greater, as far as the calendar goes."""
        days = logic.truncated(days)
        found = self._moved(day, days, sign)
        if isinstance(found, Day):
            return found
        terms = (day.month, day.day, day.none, days.top, days.none)
        key = (sign, days.den, *(t if isinstance(t, int) else f"#{t.get_id()}" for t in terms))
        if key not in self.moved:
            self.moved[key] = day, days, self._later(day, days, sign, found)
        return self.moved[key][-1]

    def _later(self, day: Day, days: Num, sign: int, none: Truth) -> Day:
        name = f"day#{len(self.constraints)}"
        lo, hi = date(1, 1, 1), date(9999, 12, 31)
        ends = [max(1, min(end.toordinal() + sign * int(n), hi.toordinal())) for end in (day.lo, day.hi) for n in (days.lo, days.hi)]  # fmt: skip
        lo, hi = date.fromordinal(min(ends)), date.fromordinal(max(ends))
        moved = replace(self.free_day(name, lo, hi, False), none=none)
        count = logic.add(Num(logic.ordinal(day), 1, False, 0, 10**7), days, sign)
        count = logic.held_between(count, 1, date.max.toordinal())
        there = negate(either((day.none, days.none)))
        self.require(either((negate(there), logic.equal_numbers(Num(logic.ordinal(moved), 1, False, 0, 10**7), logic.unbounded(count)))))  # fmt: skip
        return moved

    @staticmethod
    def _moved(day: Day, days: Num, sign: int) -> Day | Truth:
        """The day itself when everything is known, else whether it is 无."""
        none = either((day.none, days.none))
        if (
            isinstance(day.month, int)
            and isinstance(day.day, int)
            and isinstance(days.top, int)
            and none is False
        ):
            number = date(day.month // 12, day.month % 12 + 1, day.day).toordinal() + sign * days.top
            return logic.on_day(date.fromordinal(max(1, min(number, date.max.toordinal()))))
        return none


def _shown(value: Any) -> str:
    return "无" if value is None else value.path if isinstance(value, Record) else str(value)


def stretches(first: date, last: date, turns: set[date]) -> list[Stretch]:
    """The days from one to another, cut where a new version begins."""
    starts = [first, *sorted(day for day in turns if first < day <= last)]
    ends = [*(day - timedelta(days=1) for day in starts[1:]), last]
    return [Stretch(a, b) for a, b in zip(starts, ends, strict=True)]
