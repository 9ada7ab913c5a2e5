"""Two rule sets compared over all households of a bounded size: equal, or who gains, who loses, who gets something else.

Both are put as terms over the same free household, on the same days, with the same unset parameters, rulings and
elections, so that one question to the solver speaks of both. Every household that is shown has been put to the
reference engine under both. What the solver leaves open is compared on a sample of households, and never called equal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from policykit import ir
from policykit.comparing.differences import (
    Differences,
    How,
    Incomparable,
    Node,
    Redeclared,
    differences,
    effect_of,
    shared,
)
from policykit.comparing.moves import (
    WAYS,
    Answer,
    Pair,
    Row,
    Shown,
    Side,
    Way,
    answered,
    engine,
    goals,
    matters,
    moved,
    waits_for,
)
from policykit.comparing.samples import Drawn, Sampler
from policykit.engine.smt import solve
from policykit.engine.smt.logic import Refused, Truth, both, either
from policykit.engine.smt.variables import Record, Size, Stretch, Variables, stretches
from policykit.engine.smt.verdicts import Verdicts
from policykit.engine.smt.witness import Reader, Witness
from policykit.proving.claims import days, turns
from policykit.proving.leaner import leaner
from policykit.proving.prove import BOUND, SMALL
from policykit.proving.spread import spread
from policykit.reach import root_for

SEED = 20200406
ROUNDS = 12  # so often a household that was drawn is asked again, with more of the unset parameters supposed


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was compared, and within which bound: size of households, first and last day."""

    old: ir.Program
    new: ir.Program
    size: Size
    first: date
    last: date
    rows: tuple[Row, ...]
    redeclared: tuple[Redeclared, ...]

    @property
    def equal(self) -> bool:
        """Whether every answer is the same, on every household within the bound; the two read the same households."""
        left_out = [one for one in self.redeclared if one.how not in ("only_old", "only_new")]
        return all(row.state == "equal" for row in self.rows) and not left_out


def compare(
    old: ir.Program,
    new: ir.Program,
    *,
    size: Size = BOUND,
    limit: float = 20.0,
    on: date | None = None,
    samples: int = 400,
    seed: int = SEED,
    only: Sequence[str] = (),
    cores: int | None = None,
    told: Callable[[Row], None] = lambda row: None,
) -> Comparison:
    """Compares two programs: every measure in every way in which it may differ, every clause until it is seen to differ.

    `limit` is in seconds for each question to the solver; at 0 it is not asked at all. `on` looks at one day alone,
    `only` at the measures and clauses of these names.
    Raises `Incomparable` when one name stands for different kinds of thing, so that no household can be put to both.
    """
    narrow_old, narrow_new, redeclared = shared(old, new)
    spans = [days(old), days(new)] if on is None else [(on, on)]
    first, last = min(one for one, _ in spans), max(one for _, one in spans)
    comparer = Comparer(old, new, narrow_old, narrow_new, size, limit, samples, seed)
    comparer.days = stretches(first, last, turns(old) | turns(new))
    comparer.changes = [differences(old, new, stretch.first) for stretch in comparer.days]
    wanted = [row for row in _rows(old, new) if not only or {row.rule.id, row.rule.zh, row.rule.en} & {*only}]
    for row in wanted:  # before any work is done
        comparer.root(row.entity)
    rows = []
    for row in spread(
        comparer.settle, wanted, cores if cores is not None else os.cpu_count() or 1, _interrupted
    ):
        told(row)
        rows.append(row)
    return Comparison(old, new, size, first, last, tuple(rows), redeclared)


def _rows(old: ir.Program, new: ir.Program) -> Iterator[Row]:
    """Every measure for every entity, and every clause, of either program."""
    for name in dict.fromkeys((*old.measures, *new.measures)):
        one, other = old.measures.get(name), new.measures.get(name)
        entities = [measure.entities if measure is not None else () for measure in (one, other)]
        rule = next(measure.name for measure in (one, other) if measure is not None)
        for entity in dict.fromkeys((*entities[0], *entities[1])):
            yield Row("measure", rule, entity, _side(entity in entities[0], entity in entities[1]))
    for name in dict.fromkeys((*old.clauses, *new.clauses)):
        a, b = old.clauses.get(name), new.clauses.get(name)
        clause = next(versions[0] for versions in (a, b) if versions)
        if a and b and a[0].entity != b[0].entity:
            raise Incomparable([Redeclared((clause.basis.name,), "type")])
        yield Row("clause", clause.basis.name, clause.entity, _side(bool(a), bool(b)))


def _side(old: bool, new: bool) -> Side:
    return "both" if old and new else "old" if old else "new"


# ---- one row after another ---------------------------------------------------------------------------------------------------


def _interrupted(row: Row) -> Row:
    return replace(row, open=WAYS, why="interrupted")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a difference is looked for: on some days, among households of a size; `telling` asks for one by which
    somebody gains or loses a measure."""

    stretch: Stretch
    size: Size
    telling: bool


def _asked(pair: Pair, row: Row, telling: bool) -> Iterator[tuple[Record, dict[Way, Truth]]]:
    """For each record that a row is asked of, the ways in which it may differ."""
    for record, there in pair.subjects(row):
        besides = matters(pair, row, record) if telling else True
        yield (
            record,
            {way: both((goal, besides)) for way, goal in goals(pair, row, record, there).items()},
        )


@dataclass(slots=True)
class Comparer:
    """Settles rows; what was built for one question serves the next on the same days."""

    old: ir.Program
    new: ir.Program
    narrow_old: ir.Program
    narrow_new: ir.Program
    size: Size
    limit: float
    samples: int
    seed: int
    days: list[Stretch] = field(default_factory=list)
    changes: list[Differences] = field(default_factory=list)
    built: dict[tuple[Stretch, Size, str], Pair] = field(default_factory=dict)

    def settle(self, row: Row) -> Row:
        """A row with what it came to."""
        node: Node = (row.about, row.rule.id)
        behind: dict[Node, None] = {}
        found: dict[Way, Shown] = {}
        open_: dict[Way, str] = {}
        days = []
        for stretch, change in zip(self.days, self.changes, strict=True):
            if rests_on := change.behind(node):
                behind |= dict.fromkeys(rests_on)
                days.append(stretch)
        row = replace(row, behind=tuple(behind))
        sizes = (*(one for one in SMALL if one.members < self.size.members), self.size)
        # of a clause that only one of the two has, a household for which it matters tells more
        for telling in (True, False) if row.about == "clause" and row.side != "both" else (False,):
            for size in sizes if days else ():
                if found and row.about == "clause":
                    break
                for stretch in days:
                    for way, why in self.look(row, Place(stretch, size, telling), found):
                        if size == self.size:  # the smaller ones are among the larger
                            open_[way] = why
        row = replace(row, shown=tuple(found[way] for way in WAYS if way in found))
        left = tuple(way for way in WAYS if way in open_ and way not in found)
        return self.sample(replace(row, open=left, why=open_[left[0]]), days) if left else row

    def look(self, row: Row, place: Place, found: dict[Way, Shown]) -> Iterator[tuple[Way, str]]:
        """Looks for households that differ in ways not yet found; gives the ways that stay open, and why."""
        try:
            pair = self.pair(place.stretch, place.size, row.entity)
            asked = list(_asked(pair, row, place.telling))
            pair.agree()
        except Refused as why:
            yield from ((way, f"no form for {why}") for way in WAYS if way not in found)
            return
        for number, (_, ways) in enumerate(asked):
            left = {way: goal for way, goal in ways.items() if way not in found and goal is not False}
            if len(left) > 2:
                try:
                    if not self.possible(pair, either(left.values())):
                        continue
                except solve.Undecided:
                    pass
            for way, goal in left.items():
                try:
                    if self.possible(pair, goal):
                        found[way] = self.shown(row, place, number, way)
                except solve.Undecided as why:
                    yield way, str(why)

    def possible(self, pair: Pair, goal: Truth) -> bool:
        if goal is False:
            return False
        if self.limit <= 0:
            raise solve.Undecided("not asked")
        return solve.possible(pair.old, goal, self.limit)

    def pair(self, stretch: Stretch, size: Size, entity: str) -> Pair:
        """Both programs on some days, built once."""
        key = (stretch, size, self.root(entity))
        if key not in self.built:
            self.built[key] = self.fresh(*key)
        return self.built[key]

    def fresh(self, stretch: Stretch, size: Size, root: str) -> Pair:
        variables = Variables()
        _elections(self.narrow_old, self.narrow_new, root, variables)
        old = Verdicts(self.narrow_old, stretch, size, variables, root)
        change = self.changes[self.days.index(stretch)]
        untouched = {name for name in self.old.defines if not change.behind(("define", name))}
        return Pair(
            old, Verdicts(self.narrow_new, stretch, size, variables, root, twin=(old.world, untouched))
        )

    def root(self, entity: str) -> str:
        """What the household is described as; the two must agree on it."""
        known = [one for one in (self.old, self.new) if entity in one.entities]
        roots = {root_for(one, entity) for one in known}
        if len(roots) > 1:
            raise Incomparable([Redeclared((known[0].entities[entity].name,), "type")])
        root = roots.pop()
        sides: list[tuple[ir.Program, How]] = [(self.new, "only_old"), (self.old, "only_new")]
        for one, how in sides:
            if root not in one.entities:  # no household can be put to both
                raise Incomparable([Redeclared((known[0].entities[root].name,), how)])
        return root

    def shown(self, row: Row, place: Place, number: int, way: Way) -> Shown:
        """A simple household that shows a difference, confirmed by the reference engine; asked anew by itself, so that
        the household holds what the question rests on and nothing else."""
        pair = self.fresh(place.stretch, place.size, self.root(row.entity))
        record, ways = list(_asked(pair, row, place.telling))[number]
        for everything in (False, True):
            if everything:
                solve.materialise(pair.old)
                solve.materialise(pair.new)
            pair.agree()
            reader = solve.simplest(pair.old, ways[way], self.limit)
            if reader is not None:
                old, new = (Reader(one, reader.model).witness() for one in (pair.old, pair.new))
                found = self.put(row, record.path, old, new)
                if found is not None and found.way == way:
                    # what makes the clause matter is more than what makes it stand
                    return found if place.telling else self.leanest(row, record.path, way, (old, new))
        raise solve.Undecided("unconfirmed")

    def leanest(self, row: Row, path: str, way: Way, witnesses: tuple[Witness, ...]) -> Shown:
        """A household that differs in one way, without whatever makes no difference to that."""

        def differs(less: tuple[Witness, ...]) -> bool:
            found = self.put(row, path, *less)
            return found is not None and found.way == way

        found = self.put(row, path, *leaner(witnesses, differs))
        assert found is not None
        return found

    def put(self, row: Row, path: str, old: Witness, new: Witness) -> Shown | None:
        """What the reference engine says of one household under both, if that is one thing each and they differ."""
        engines = [engine(self.old, old), engine(self.new, new)]
        answers = [answered(one, row, path) for one in engines if one is not None]
        before, after = answers if len(answers) == 2 else (None, None)
        if before is None or after is None:
            return None
        way = moved(before, after, self.recast(row))
        return None if way is None else Shown(way, old, new, path, before, after)

    def recast(self, row: Row) -> bool:
        """Whether a clause brings about something else than before, on some day."""
        sides = [one.clauses.get(row.rule.id, ()) for one in (self.old, self.new)]
        if row.about == "measure" or not all(sides):
            return False
        old, new = ({effect_of(p, c) for c in versions} for p, versions in zip((self.old, self.new), sides, strict=True))  # fmt: skip
        return old != new

    def sample(self, row: Row, days: Sequence[Stretch]) -> Row:
        """A row that the solver left open, compared on some households."""
        sampler = Sampler(
            (self.narrow_old, self.narrow_new), self.root(row.entity), self.size.members, self.seed
        )
        compared = 0
        found: dict[Way, Shown] = {}
        for number in range(self.samples):
            drawn = sampler.draw(days[number % len(days)])
            answers = {path: self.sampled(row, path, drawn) for path in drawn.subjects(row.entity)}
            compared += any(answer is not None for answer in answers.values())
            for path, both_ in answers.items():
                way = None if both_ is None else moved(*both_, self.recast(row))
                if way in row.open and way not in found:
                    found[way] = self.leanest(row, path, way, drawn.witnesses)
        shown_ = sorted((*row.shown, *found.values()), key=lambda one: WAYS.index(one.way))
        left = tuple(way for way in row.open if way not in found)
        return replace(row, shown=tuple(shown_), open=left, sampled=compared)

    def sampled(self, row: Row, path: str, drawn: Drawn) -> tuple[Answer, Answer] | None:
        """Both answers on a household that was drawn, with figures drawn for unset parameters as they are asked for;
        `None` where it is no valid household, or one of the two waits for somebody's decision."""
        for _ in range(ROUNDS):
            engines = [engine(self.old, drawn.witnesses[0]), engine(self.new, drawn.witnesses[1])]
            found = [one for one in engines if one is not None]
            if len(found) < 2:
                return None
            before, after = (answered(one, row, path) for one in found)
            if before is not None and after is not None:
                return before, after
            unset = {gap for one in found for gap in waits_for(one, row, path)} - drawn.parameters.keys()
            if not unset or not all(map(drawn.can_suppose, unset)):
                return None
            drawn.suppose(unset)
        return None


def _elections(old: ir.Program, new: ir.Program, root: str, variables: Variables) -> None:
    """What a household may elect under either, where the two let it choose between different measures."""
    known = {e.basis.name.id: e for e in old.exclusives if e.how == "by_election"}
    for exclusive in new.exclusives:
        name = exclusive.basis.name.id
        if name in known and set(known[name].measures) != set(exclusive.measures):
            options = [None, *dict.fromkeys((*known[name].measures, *exclusive.measures))]
            variables.elections[name, root] = variables.free_pick(f"?{root}.{name}", options)
