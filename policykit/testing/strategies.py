"""Hypothesis strategies for the households of any rules; what they give is what `policykit.evaluate` takes.

Every choice is drawn simplest first: 否, 无, no record, the first label, a round number. So what shrinks, shrinks to
the household that takes the fewest words to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

from hypothesis import strategies as st

from policykit import ir
from policykit.casework.boundaries import compared, turning, whole_number
from policykit.loader import Policies
from policykit.testing.drafts import Draft, Material, Pick, blank, completed, number_of, vouched, written
from policykit.testing.search import Goal, applying, reach, root_of, usual_day

Rules: TypeAlias = Policies | ir.Program
Household: TypeAlias = dict[str, Any]

SIZES = (0, 0, 0, 1, 1, 2)  #: how many records a list gets, mostly none
DATED = (1, 2, 3, 4)  #: the same where a history is wanted
MOST_WITHHELD = 4


def program_of(rules: Rules) -> ir.Program:
    return rules.program if isinstance(rules, Policies) else rules


def picking(draw: st.DrawFn) -> Pick:
    """Picks that hypothesis draws, and shrinks to the first."""
    return lambda count: draw(st.integers(0, count - 1)) if count > 1 else 0


def sizes(decl: ir.ListDecl) -> Sequence[int]:
    return SIZES


# ---- households ------------------------------------------------------------------------------------------------------


def households(rules: Rules, *, on: date | None = None) -> st.SearchStrategy[Household]:
    """Households of which everything is known and valid on a day: by default one on which most rules are in force."""
    return drafts(Material(program_of(rules)), on).map(lambda draft: draft.household)


@st.composite
def drafts(draw: st.DrawFn, material: Material, on: date | None = None, dated: bool = False) -> Draft:
    """Households as drafts; with `dated`, lists of dated records hold some, in order."""
    program = material.program
    lowest = lowest_of(program)
    start = blank(material, on or usual_day(program), root_of(program, lowest), lowest)

    def long(decl: ir.ListDecl) -> Sequence[int]:
        return DATED if program.entities[decl.item].known_from else SIZES

    done = completed(start, picking(draw), long if dated else sizes)
    return in_order(done) if dated else done


def lowest_of(program: ir.Program) -> str:
    """The lowest of the entities to which something is granted, or of all where nothing is."""
    granted = [entity for measure in program.measures.values() for entity in measure.entities]
    return max(granted or [program.root], key=lambda entity: len(program.entity_path(entity)))


def in_order(draft: Draft) -> Draft:
    """The same household with its dated records from the oldest to the newest."""
    for record in draft.case.index.values():
        for name, decl in draft.program.entities[record.entity].lists.items():
            dated = draft.program.entities[decl.item].known_from
            if dated is None or decl.single or decl.kind == "refers":
                continue
            items = draft.place(draft.data, record.path)[name]
            if isinstance(items, list):
                items.sort(
                    key=lambda item: str(
                        item[dated]["value"] if isinstance(item[dated], dict) else item[dated]
                    )
                )
    return Draft(draft.material, draft.program, draft.on, draft.root, draft.data, draft.rulings)


def histories(rules: Rules, *, on: date | None = None) -> st.SearchStrategy[Household]:
    """Households with a past: one to four records in every list of dated ones (awards, reviews, applications), in order."""
    return drafts(Material(program_of(rules)), on, dated=True).map(lambda draft: draft.household)


# ---- households that reach a clause ---------------------------------------------------------------------------------------


class Unreached(LookupError):
    """No household was found that a clause speaks of; it may still be that there are some."""


def reaching(rules: Rules, clause: str, *, on: date | None = None) -> st.SearchStrategy[Household]:
    """Households with somebody in the scope of a clause for whom its test is met, by the figures that are set.

    `clause` is its identifier or its Chinese name; the day is by default `day_of` the clause.
    """
    program = program_of(rules)
    version = version_of(program, clause, on or usual_day(program))
    goal = applying(Material(program), version, [on or day_of(rules, clause)], free=False)
    return reached_drafts(goal).map(lambda draft: draft.household)


def version_of(program: ir.Program, clause: str, on: date | None = None) -> ir.Clause:
    """The version of a clause on a day, or its first."""
    for name, versions in program.clauses.items():
        if clause in (name, versions[0].basis.name.zh):
            return next((v for v in versions if on is not None and v.period.holds(on)), versions[0])
    raise LookupError(f"没有条款「{clause}」 / there is no clause “{clause}”")


def day_of(rules: Rules, clause: str) -> date:
    """A day on which a clause can be reached, the usual day of the rules if it can be."""
    program = program_of(rules)
    goal = applying(Material(program), version_of(program, clause, usual_day(program)), free=False)
    found = reach(goal)
    if found is None:
        raise unreached(goal)
    return found.on


@st.composite
def reached_drafts(draw: st.DrawFn, goal: Goal) -> Draft:
    """Households that reach a goal: the simplest, with the rest simple or not, or others found by other choices."""
    simple = simplest_of(goal)
    if simple is None:
        raise unreached(goal)
    pick = picking(draw)
    other = reach(replace(goal, days=(simple.on,)), pick, anew=1) if pick(2) else None
    found = other or simple
    return completed(found, pick, sizes) if pick(2) else completed(found)


@lru_cache(maxsize=1024)
def simplest_of(goal: Goal) -> Draft | None:
    """The simplest household that reaches a goal, as far as one was found."""
    return reach(goal)


def unreached(goal: Goal) -> Unreached:
    """What to say where no household reaches a goal."""
    zh, en = goal.name.zh, goal.name.label("en")
    return Unreached(
        f"没有找到「{zh}」说到的户：参数没有设的，先加一张参数表，或换一天"
        f" / no household found that “{en}” speaks of: set the figures it needs, or try another day"
    )


# ---- around thresholds -----------------------------------------------------------------------------------------------------


def around(
    rules: Rules, clause: str | None = None, *, on: date | None = None
) -> st.SearchStrategy[Household]:
    """Households at, just before or just after a point where some comparison of a clause turns: a fen, a day, one.

    They begin as households that reach the clause (any clause, if none is named); one of their facts moves.
    """
    program = program_of(rules)
    material = Material(program)
    day = on or usual_day(program)
    versions = [version_of(program, name, day) for name in ([clause] if clause else program.clauses)]
    goals = [(applying(material, v, [day], free=False), v) for v in versions]
    goals = [one for one in goals if clause or simplest_of(one[0]) is not None]

    @st.composite
    def moved(draw: st.DrawFn) -> Household:
        return draw(edges(*draw(st.sampled_from(goals)))).household

    return moved()


@st.composite
def edges(draw: st.DrawFn, goal: Goal, version: ir.Clause) -> Draft:
    """Households with one fact moved to where a comparison of a clause turns over, where it has any."""
    draft = draw(reached_drafts(goal))
    facts = [one for place in draft.asked if (one := _movable(draft, *place)) is not None]
    if not facts:
        return draft
    path, decl = draw(st.sampled_from(facts))
    points = turning_points(draft, version, path, decl)
    if not points:
        return draft
    return put(draft, path, decl, draw(st.sampled_from(points)))


def _movable(draft: Draft, path: str, name: str) -> tuple[str, ir.FactDecl] | None:
    record = draft.case.index[path]
    decl = draft.program.entities[record.entity].facts.get(name)
    return (path, decl) if decl is not None and decl.type.ordered and record.known(name) is not None else None


def put(draft: Draft, path: str, decl: ir.FactDecl, number: int) -> Draft:
    """The draft with a fact at a number, day or month."""
    raw = vouched(decl, written(decl.type, number_of(decl.type, number)), draft.on)
    return draft.with_fact(path, decl.name.id, raw)


def turning_points(draft: Draft, version: ir.Clause, path: str, decl: ir.FactDecl) -> list[int]:
    """Where a fact makes some comparison of a clause turn, with a step to either side."""
    seen: dict[int, Any] = {}

    def probe(number: int) -> Any:
        if number not in seen:
            moved = put(draft, path, decl, number)
            seen[number] = compared(moved.engine, _statuses(moved, version)) if moved.valid else None
        return seen[number]

    record = draft.case.index[path]
    number = whole_number(record.known(decl.name.id))
    return sorted(turning(probe, number, *draft.range(record, decl))) if number is not None else []


def _statuses(draft: Draft, version: ir.Clause) -> list[Any]:
    return [
        draft.level.status(v, record, force)
        for record in draft.case.of(version.entity)
        for v, force in draft.level.versions(version.basis.name.id, record)
        if v is version
    ]


# ---- with facts withheld ---------------------------------------------------------------------------------------------------


def withheld(
    rules: Rules, whole: st.SearchStrategy[Household] | None = None, *, on: date | None = None
) -> st.SearchStrategy[Household]:
    """Households of which some facts or lists are not known, in each way that this can be said.

    They begin as `whole` ones, by default `households(rules)`.
    """
    program = program_of(rules)
    material = Material(program)
    day, lowest = on or usual_day(program), lowest_of(program)

    @st.composite
    def partial(draw: st.DrawFn) -> Household:
        data = draw(whole if whole is not None else households(rules, on=day))
        rulings = tuple(data.get("rulings", ()))
        rest = {key: value for key, value in data.items() if key != "rulings"}
        start = blank(material, day, root_of(program, lowest), lowest)
        draft = Draft(material, program, day, start.root, rest, rulings)
        return draw(with_less(draft)).household

    return partial()


@st.composite
def with_less(draw: st.DrawFn, draft: Draft) -> Draft:
    """A household with one to four things of it left out, such as a rule asked for rather than others."""
    given = sorted(draft.given())
    asked = sorted(set(draft.asked) & set(given)) or given
    places = st.one_of(st.sampled_from(asked), st.sampled_from(given))
    chosen = draw(st.lists(places, min_size=1, max_size=MOST_WITHHELD, unique=True))
    for path, name in chosen:
        less = draft.without(path, name, draw(st.integers(0, 2))) if path in draft.case.index else draft
        draft = less if less.valid else draft  # whom others refer to cannot go
    return draft
