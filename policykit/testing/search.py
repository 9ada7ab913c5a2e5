"""Households that reach a clause: what is unknown is filled only as far as the clause still asks.

A search begins with a household of which nothing is known. The reference engine tells which gaps keep the wanted
answer open, and one of them is filled, simplest first; what makes the answer impossible *in every case* is dropped at
once, with all that could have followed (Claessen, Duregård, Pałka: Generating Constrained Random Data with Uniform
Distribution, 2014, use laziness in the same way). What was never asked cannot matter, and is filled with No and none.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import TypeAlias

from policykit import ir
from policykit.engine.outcomes import Outcomes
from policykit.engine.terms import subject
from policykit.facts import Case, Instance
from policykit.reach import reached as rests_on
from policykit.syntax import Period
from policykit.testing.drafts import Draft, Material, Pick, blank, number_of, simplest
from policykit.values import Bounds, Gap, both, either, negate

Target: TypeAlias = Callable[[Outcomes, Case], Bounds]

STEPS = 100  # households looked at in one search: what is found at all is mostly found soon
ANEW = 8  # searches begun again with other choices, where the simplest do not lead there
ORDER = (
    "list",
    "reference",
    "parameter",
    "bool",
    "choice",
    "multi",
    "text",
    "month",
    "date",
    "number",
    "ruling",
)
LATER = timedelta(days=65)  # after a rule begins, so that something can have happened under it
ANY_DAY = date(2020, 6, 10)  # for rules without any date


# ---- the search --------------------------------------------------------------------------------------------------------


class _Search:
    def __init__(self, target: Target, pick: Pick) -> None:
        self.target, self.pick, self.left = target, pick, STEPS

    def ask(self, draft: Draft) -> Bounds:
        self.left -= 1
        return self.target(draft.level, draft.case)

    def go(self, draft: Draft, found: Bounds) -> Draft | None:
        """The draft filled until the target surely holds, or `None` where it cannot be, or was not found in time."""
        if found.lo:
            return draft
        gap = min(found.missing, key=partial(_rank, draft), default=None)
        if gap is None or _rank(draft, gap)[0] == len(ORDER):
            return None
        gap = _before(draft, gap)
        ways = list(draft.steps(gap))
        first = self.pick(len(ways)) if ways else 0
        fitting = False
        for step in itertools.chain(ways[first:], ways[:first]):
            if self.left <= 0:
                return None
            if step.valid and (now := self.ask(step)).hi:
                fitting = True
                if (reached := self.go(step, now)) is not None:
                    return reached
        for step in () if fitting else self.halved(draft, gap):
            if step.valid and (now := self.ask(step)).hi and (reached := self.go(step, now)) is not None:
                return reached
        return None

    def halved(self, draft: Draft, gap: Gap) -> Iterator[Draft]:
        """The ways to fill a gap with a number that none of those worth trying leads to."""
        record = draft.case.index.get(gap.path)
        decl = draft.program.entities[record.entity].facts.get(gap.name) if record is not None else None
        if record is not None and decl is not None and decl.type.ordered:
            yield from self.halves(draft, gap, *draft.range(record, decl))

    def halves(self, draft: Draft, gap: Gap, low: int, high: int) -> Iterator[Draft]:
        """Those inside a part of the range, halved as long as a half still may do."""
        record = draft.case.index[gap.path]
        decl = draft.program.entities[record.entity].facts[gap.name]
        ends = number_of(decl.type, low), number_of(decl.type, high)
        part = draft.with_part(gap.path, gap.name, Bounds(*ends, missing=frozenset([gap])))
        if self.left <= 0 or not self.ask(part).hi:
            return
        if low == high:
            from_one = (raw for raw in part.facts(record, decl) if raw != "无")
            yield from (draft.with_fact(gap.path, gap.name, raw) for raw in from_one)
            return
        middle = (low + high) // 2
        yield from self.halves(draft, gap, low, middle)
        yield from self.halves(draft, gap, middle + 1, high)


def _rank(draft: Draft, gap: Gap) -> tuple[int, int, str, str]:
    """Which gap is filled first: lists, so that they stay short, and amounts last, when all that they are for is known."""
    kind: str = gap.kind
    record = draft.case.index.get(gap.path)
    if kind in ("fact", "list"):
        entity = draft.program.entities[record.entity] if record is not None else None
        kind = "nowhere"
        if entity is not None and gap.name in entity.lists:
            kind = "reference" if entity.lists[gap.name].single else "list"
        elif entity is not None and gap.name in entity.facts:
            kind = entity.facts[gap.name].type.kind
    elif kind == "parameter" and not (draft.free and gap.name.partition("[")[0] in draft.program.parameters):
        kind = "nowhere"  # a figure that must come from a sheet, or a term that has no version on the day
    money = 0
    if kind == "number" and record is not None:
        money = draft.program.entities[record.entity].facts[gap.name].type.money
    place = ORDER.index(kind) if kind in ORDER else len(ORDER)
    return place, money, gap.path, gap.name


def _before(draft: Draft, gap: Gap) -> Gap:
    """The gap, or one that its range reads and that must be filled before it: what is earned before what is deducted."""
    record = draft.case.index.get(gap.path)
    decl = draft.program.entities[record.entity].facts.get(gap.name) if record is not None else None
    if record is None or decl is None or not draft.material.ranges_read_facts:
        return gap
    room = draft.level.terms.unknown(decl.type, decl.low, decl.high, gap, record)
    open_ = [one for one in room.missing - {gap} if _rank(draft, one)[0] < len(ORDER)]
    return _before(draft, min(open_, key=partial(_rank, draft))) if open_ else gap


def search(draft: Draft, target: Target, anew: int = 0, pick: Pick = simplest) -> Draft | None:
    """The draft with as much filled as makes the target certain, simplest first; `None` where none was found in time,
    which proves nothing. The first search goes by `pick`; one begun anew makes other choices."""
    choose = random.Random(anew).randrange if anew else pick
    found = _Search(target, choose)
    return found.go(draft, found.ask(draft))


# ---- what to search for --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Goal:
    """What households are searched for: that `holds` is certain of a record of an entity, on one of some days.

    With `free`, figures that no sheet gives are filled too.
    """

    material: Material
    name: ir.Name
    entity: str
    days: tuple[date, ...]
    holds: Callable[[Outcomes, Instance], Bounds]
    free: bool = True


def applying(
    material: Material,
    version: ir.Clause,
    days: Iterable[date] = (),
    free: bool = True,
    standing: bool = False,
) -> Goal:
    """That a version of a clause has somebody in its scope and its test met; with `standing` also that nothing
    overrides or excludes it."""

    def holds(level: Outcomes, record: Instance) -> Bounds:
        versions = level.versions(version.basis.name.id, record)
        found = [level.status(v, record, force) for v, force in versions if v is version]
        return either(status.stands if standing else status.applies for status in found)

    asked = (version.scope, version.test, version.as_of)
    on = tuple(days) or days_of(material.program, version.period, asked, version.as_of is not None)
    return Goal(material, version.basis.name, version.entity, on, holds, free)


def assuming(material: Material, claim: ir.Property, broken: bool = False) -> Goal:
    """That all that a property assumes holds of somebody; with `broken` also that what it concludes does not."""

    def holds(level: Outcomes, record: Instance) -> Bounds:
        truths = [level.terms.truth(expr, subject(record)) for expr in claim.given]
        if broken and claim.then is not None and all(truth.hi for truth in truths):
            truths.append(negate(level.terms.truth(claim.then, subject(record))))
        return both(truths)

    on = days_of(material.program, claim.period, (*claim.given, claim.then))
    return Goal(material, claim.basis.name, claim.entity, on, holds)


# ---- where to begin ---------------------------------------------------------------------------------------------------


def usual_day(program: ir.Program) -> date:
    """A day on which as much as possible of a program is in force, figures before all: the same for the same program."""
    clauses = [c.period for versions in program.clauses.values() for c in versions]
    terms = [v.period for define in program.defines.values() for v in define.versions]
    figures = [s.period for p in program.parameters.values() for s in p.settings if s.value is not None]
    starts = sorted({period.start for period in clauses + terms + figures if period.start is not None})

    def in_force(day: date) -> tuple[int, int]:
        return sum(p.holds(day) for p in figures), sum(p.holds(day) for p in clauses + terms)

    return max([start + LATER for start in starts] + starts, key=in_force, default=ANY_DAY)


def days_of(
    program: ir.Program, period: Period, exprs: Iterable[ir.Expr | None], outside: bool = False
) -> tuple[date, ...]:
    """Days on which a rule may apply, the usual one first: of its period, and such as its words mention. `outside` it
    too, where it goes by the day of some event."""
    found = [usual_day(program)]
    for start in (period.start, period.end):
        found += [] if start is None else [start + LATER, start, start + timedelta(days=1)]
    for expr in rests_on(program, exprs).exprs:
        if isinstance(expr, ir.Const) and isinstance(expr.value.value, date):
            found += [expr.value.value + timedelta(days=step) for step in (0, 1, -1)]
    return tuple(day for day in dict.fromkeys(found) if outside or period.holds(day))


def root_of(program: ir.Program, entity: str) -> str:
    """What input describes that reaches a record of an entity: the household of a person, a village by itself."""
    granted = {one for measure in program.measures.values() for one in measure.entities}
    path = program.entity_path(entity)
    return next((one for one in reversed(path) if one in granted), entity)


def reach(goal: Goal, pick: Pick = simplest, anew: int = ANEW) -> Draft | None:
    """A household that reaches a goal, with nothing filled that it does not ask; `None` where none was found in `anew`
    searches of each start, which proves nothing."""
    starts = []
    root = root_of(goal.material.program, goal.entity)
    for day in goal.days:
        draft = blank(goal.material, day, root, goal.entity, goal.free)
        target = partial(_of_record, goal, next(record.path for record in draft.case.of(goal.entity)))
        ruled = with_rulings(draft)  # only a ruling can grant what may be granted
        starts += [(s, target) for s in (draft, ruled) if s is not None and target(s.level, s.case).hi][:1]
    # a day that looks unpromising is tried once before the day before it is tried anew, and so on
    tries = [(again, place) for again in range(anew) for place in range(len(starts))]
    for again, place in sorted(tries, key=lambda one: (sum(one), one)):
        found = search(*starts[place], again, pick)
        if found is not None:
            return replace(found, asked=tuple(found.given()))
    return None


def _of_record(goal: Goal, path: str, level: Outcomes, case: Case) -> Bounds:
    return goal.holds(level, case.index[path])


def with_rulings(draft: Draft) -> Draft | None:
    """The draft with everything that may be granted granted to everybody in it; `None` where nothing may be."""
    effects = [version.effect for version, *_ in draft.program.clauses.values()]
    measures = dict.fromkeys(e.measure for e in effects if isinstance(e, ir.Grant) and e.may)
    records = [(measure, record) for measure in measures for record in draft.case.subjects]
    made = [
        r
        for measure, record in records
        for r in draft.possible_rulings(record, measure)
        if "decline" not in r
    ]
    return replace(draft, rulings=tuple(made)) if made else None
