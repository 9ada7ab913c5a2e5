"""Households drawn by chance from what two rule sets declare, each written as either of them reads it.

The values are those that rules mention, what lies a step beside them, round amounts and plain days, since answers
turn there. With one seed the same households are drawn each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from policykit import ir
from policykit.datatypes import Type, widest
from policykit.engine.smt.variables import Stretch
from policykit.engine.smt.witness import Witness, data, known, vouched
from policykit.reach import within
from policykit.values import NOTHING, Bounds, Gap, month_of, plus_months

ENTRIES = 2  # a list holds at most so many records here
DEEP = 3  # a record this far inside others gets no further records
ROUND = (0, 100_00, 500_00, 1000_00, 3000_00, 10000_00)  # in fen
COUNTS = (0, 1, 2, 3, 6, 12, 24)

Plain: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Drawn:
    """One household, as each of the two rule sets reads it, with the figures supposed for unset parameters so far."""

    witnesses: tuple[Witness, Witness]
    places: tuple[tuple[str, str], ...]
    figure: Callable[[Gap], Any]
    can_suppose: Callable[[Gap], bool]
    parameters: dict[Gap, Any] = field(default_factory=dict)

    def subjects(self, entity: str) -> list[str]:
        """Where the records of an entity stand: the household and its members."""
        return [path for path, one in self.places if one == entity]

    def suppose(self, gaps: Iterable[Gap]) -> None:
        """Draws a figure for each of some unset parameters."""
        for gap in sorted(gaps):
            self.parameters.setdefault(gap, self.figure(gap))
        old, new = (replace(one, parameters=dict(self.parameters)) for one in self.witnesses)
        self.witnesses = (old, new)


class Sampler:
    """Draws households that two programs declare alike; what one of them only knows is drawn too, and written for it."""

    def __init__(self, programs: tuple[ir.Program, ir.Program], root: str, members: int, seed: int) -> None:
        self.programs, self.root, self.members = programs, root, members
        self.random = random.Random(seed)
        self.numbers: dict[str, list[int]] = {}
        for program in programs:
            for expr in _expressions(program):
                for inner in within(expr):
                    if isinstance(inner, ir.Const) and isinstance(inner.value, Bounds) and inner.value.known:
                        self.mention(inner.type, inner.value.value)

    def mention(self, of: Type, value: Any) -> None:
        if of.kind == "number" and value is not None and Fraction(value).denominator == 1:
            found = self.numbers.setdefault(_sort(of), [])
            if int(value) not in found:
                found.append(int(value))

    def draw(self, stretch: Stretch) -> Drawn:
        """One household on a day of a stretch."""
        on = stretch.first + timedelta(
            days=self.random.randrange(min((stretch.last - stretch.first).days + 1, 4000))
        )
        places: list[tuple[str, str]] = []
        old, new = self.record(self.root, self.root, on, 0, places, True)
        witnesses = Witness(on, old, (), {}), Witness(on, new, (), {})
        return Drawn(witnesses, tuple(places), lambda gap: self.figure(gap, on), self.declares)

    def record(
        self, entity: str, path: str, on: date, depth: int, places: list[tuple[str, str]], subject: bool
    ) -> tuple[Plain, Plain]:
        """One record for both, and the records in it."""
        if subject:
            places.append((path, entity))
        raw: tuple[Plain, Plain] = ({}, {})
        declared = [program.entities.get(entity) for program in self.programs]
        for name in dict.fromkeys(n for one in declared if one is not None for n in one.facts):
            decls = [one.facts.get(name) if one is not None else None for one in declared]
            first = next(d for d in decls if d is not None)
            plain = self.value(first.type, _end(first.low, on), _end(first.high, on), on, first.fixed)
            for own, decl in zip(raw, decls, strict=True):
                if decl is not None:
                    own[name] = vouched(data(plain, decl.type), decl, on)
        for name in dict.fromkeys(n for one in declared if one is not None for n in one.lists):
            lists = [one.lists.get(name) if one is not None else None for one in declared]
            listed = next(d for d in lists if d is not None)
            inside = f"{path}.{name}" if depth else name
            found = self.entries(listed, inside, on, depth, places, subject)
            for number, (own, known_here) in enumerate(zip(raw, lists, strict=True)):
                if known_here is not None:
                    several = [entry[number] for entry in found]
                    own[name] = several if not listed.single else several[0] if several else "无"
        return raw

    def entries(
        self, decl: ir.ListDecl, path: str, on: date, depth: int, places: list[tuple[str, str]], subject: bool
    ) -> list[tuple[Plain, Plain]]:
        if decl.single:
            many = int(not decl.optional or (depth < DEEP and self.random.random() < 0.5))
        elif decl.kind == "members":
            many = self.random.randint(decl.least, max(decl.least, min(decl.most, self.members)))
        else:
            most = 0 if depth >= DEEP else ENTRIES
            many = max(decl.least, min(decl.most, self.random.choice((0, 0, *range(most + 1)))))
        member = subject and decl.kind == "members"
        return [
            self.record(decl.item, path if decl.single else f"{path}[{n}]", on, depth + 1, places, member)
            for n in range(many)
        ]

    # -- values

    def declares(self, gap: Gap) -> bool:
        """Whether a gap is a parameter; a term that no rule defines on the day is none."""
        bare = gap.name.partition("[")[0]
        return gap.kind == "parameter" and any(bare in program.parameters for program in self.programs)

    def figure(self, gap: Gap, on: date) -> Any:
        """A value for an unset parameter, as the reference engine knows it."""
        bare = gap.name.partition("[")[0]
        declared = next(p.parameters[bare] for p in self.programs if bare in p.parameters)
        plain = self.value(declared.type, _end(declared.low, on), _end(declared.high, on), on, False)
        return known(plain, declared.type)

    def value(self, of: Type, low: Any, high: Any, on: date, fixed: bool) -> Any:
        """A plain value of a type; `fixed` is for what never changes, such as a day of birth."""
        if of.optional and self.random.random() < 0.5:
            return None
        if of.kind == "bool":
            return self.random.random() < 0.5
        if of.kind in ("choice", "multi"):
            labels = self.labels(of.of)
            return self.random.choice(labels) if of.kind == "choice" else frozenset(one for one in labels if self.random.random() < 0.2)  # fmt: skip
        if of.kind == "text":
            return self.random.choice("甲乙丙丁")
        wide = widest(of, NOTHING, frozenset())
        assert isinstance(wide, Bounds)
        low, high = wide.lo if low is None else low, wide.hi if high is None else high
        plain = self.point(of, on, fixed)
        return min(max(plain, low), high)

    def labels(self, choice: str) -> list[str]:
        found = [program.choices[choice] for program in self.programs if choice in program.choices]
        return [option.name.id for option in found[0].options]

    def point(self, of: Type, on: date, fixed: bool) -> Any:
        draw = self.random
        if of.kind in ("date", "month"):
            back = draw.randrange(0, 1000 if fixed else 30)
            day = plus_months(on, -back) - timedelta(days=draw.choice((0, 0, 1, 15)))
            return day if of.kind == "date" else month_of(day)
        mentioned = self.numbers.get(_sort(of), [])
        if of.money:
            if mentioned and draw.random() < 0.4:
                return draw.choice(mentioned) * draw.choice((1, 2, 3, 12, 24)) + draw.choice((0, -1, 1))
            return draw.choice(ROUND) if draw.random() < 0.5 else draw.randrange(0, 30_000_00, 10_00)
        return draw.choice([*COUNTS, *mentioned, *(n + 1 for n in mentioned)])


def _sort(of: Type) -> str:
    return "元" if of.money else ",".join(unit for unit, _ in of.dimension)


def _end(end: ir.Expr | None, on: date) -> Any:
    """A known end of a range; one that reads other facts is looked at once the household is whole."""
    match end:
        case ir.Const(value=Bounds(lo=value)):
            return value
        case ir.Today(type=of):
            return month_of(on) if of.kind == "month" else on
    return None


def _expressions(program: ir.Program) -> Iterator[ir.Expr]:
    """Every expression that tells where answers turn, or how much is paid."""
    found: list[ir.Expr | None] = []
    for versions in program.clauses.values():
        for clause in versions:
            found += [clause.scope, clause.test]
            if isinstance(clause.effect, ir.Grant) and clause.effect.amount is not None:
                found.append(clause.effect.amount.total)
    found += [version.body for define in program.defines.values() for version in define.versions]
    found += [amount.total for amount in program.amounts]
    found += [s.value for parameter in program.parameters.values() for s in parameter.settings]
    return (expr for expr in found if expr is not None)
