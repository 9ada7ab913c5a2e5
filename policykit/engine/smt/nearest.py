"""The nearest households that make a goal true: a few facts of one household changed, each by little.

What is known of the household is a constant, but for the facts that may change; what is not known stays free, and is
no change. So the question holds only what the goal still turns on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Any, Literal, TypeAlias

import z3

from policykit import ir
from policykit.datatypes import Type
from policykit.engine.smt import logic, solve
from policykit.engine.smt.logic import Day, Labels, Num, Pick, Truth, Value, either, negate
from policykit.engine.smt.operations import alike
from policykit.engine.smt.variables import Record, Size, Stretch
from policykit.engine.smt.verdicts import Verdicts
from policykit.engine.smt.witness import Reader, known
from policykit.facts import Case, Instance, Listing, Ruling
from policykit.values import Value as Known

#: a fact by the path of its record and its name; a clause or exclusion by its name and the path of its subject
Cell: TypeAlias = tuple[str, str]

#: what is thought of a change by who checks it
Verdict: TypeAlias = Literal["sure", "possible", "no"]

MOST_FACTS = 3
MOST_TRIED = 24  # sets of facts of one size
FURTHER = 6  # values tried of one set of facts

# What counts as one step: another label, 100 yuan a month or once, 30 days, one month, one of anything counted.
_FEN_A_STEP, _DAYS_A_STEP, _MONTHS_A_YEAR = 10_000, 30, 12


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided under may-clauses (`None`: nothing yet), and what the household chose between measures."""

    rulings: Mapping[Cell, Ruling | None]
    elections: Mapping[Cell, str | None]


@dataclass(frozen=True, slots=True)
class Change:
    """Facts with their new values, and how far they moved in all, in steps."""

    facts: tuple[tuple[Cell, Known], ...]
    distance: Fraction


class Household:
    """One household on one day, some of whose facts may change."""

    def __init__(
        self, program: ir.Program, case: Case, on: date, decided: Decided, loose: Collection[Cell]
    ) -> None:
        self.program, self.case, self.loose = program, case, loose
        self.verdicts = Verdicts(program, Stretch(on, on), _size(program, case), root=case.root.entity)
        self.world, self.vars = self.verdicts.world, self.verdicts.vars
        for instance in case.index.values():
            self._place(instance)
        for instance in case.index.values():
            self._hold(instance)
        self._decide(decided)

    # -- what is given

    def _place(self, instance: Instance) -> Record:
        """The solver's record for one of the household; one that is no member here lies in nothing, as there."""
        found = self.vars.records.get(instance.path)
        if found is None:
            upper = instance.upper
            inside = upper is not None and upper.path != f"{instance.path}.{upper.entity}"
            above = self._place(upper) if upper is not None and inside else None
            found = self.world.record(instance.entity, instance.path, above)
        return found

    def _hold(self, instance: Instance) -> None:
        """Makes constants of what is known of a record and may not change."""
        record, entity = self.vars.records[instance.path], self.program.entities[instance.entity]
        for name, given in instance.facts.items():
            cell = (instance.path, name)
            if cell in self.loose or given.value is None or not given.value.known:
                continue
            if name in entity.facts:
                self.vars.facts[cell] = self.world.constant(given.value, entity.facts[name].type)
            elif name in entity.lists:
                self.vars.facts[cell] = self._named(given.value.value)
        for name, listing in instance.lists.items():
            self._fill(record, entity.lists[name], listing)

    def _named(self, instance: Instance | None) -> Pick:
        return Pick(((None if instance is None else self.vars.records[instance.path], True),))

    def _fill(self, owner: Record, decl: ir.ListDecl, listing: Listing) -> None:
        limit = self.world.size.members if decl.kind == "members" else self.world.size.entries
        path = self.world.below(owner, decl.name.id)
        most, given = max(decl.least, min(decl.most, limit)), len(listing.items)
        self.vars.lists[owner.path, decl.name.id] = tuple(
            True if n < given else not listing.complete and z3.Bool(f"{path}[{n}]") for n in range(most)
        )
        if decl.kind == "refers":
            for n, item in enumerate(listing.items):
                self.vars.facts[f"{path}[{n}]", ""] = self._named(item)

    def _decide(self, decided: Decided) -> None:
        for (clause, path), ruling in decided.rulings.items():
            state = "none" if ruling is None else "denied" if ruling.choices is None else "granted"
            chosen = dict(ruling.choices or ()) if ruling is not None else {}
            quantities = {
                d.name.id: logic.whole(chosen.get(d.name.id, d.low))
                for d in self.program.clauses[clause][0].discretion
            }
            self.vars.rulings[clause, path] = Pick(((state, True),)), quantities
        for key, measure in decided.elections.items():
            self.vars.elections[key] = Pick(((measure, True),))

    # -- what would have to change

    def changes(
        self,
        measure: str,
        path: str,
        outcomes: Collection[str],
        limit: float,
        judge: Callable[[Change], Verdict],
    ) -> Iterator[Iterator[Change]]:
        """The changes that let a measure come to one of some outcomes: of one fact, of two, of three; each group by
        itself, in any order within it.

        Of every set of facts there is at most one: the nearest that `judge` is sure of, else the nearest that it thinks
        possible. Raises `solve.Undecided` when the solver does not answer in time.
        """
        for entity in self.program.measures[measure].entities:
            self.world.everyone(entity)
        answer = self.verdicts.final(measure, self.vars.records[path])
        goal = either(answer.of(outcome) for outcome in outcomes)
        moved = {cell: self._moved(cell) for cell in sorted(self.loose) if cell in self.vars.facts}
        if isinstance(goal, bool) or not moved:
            return
        solver = solve.solver_for(self.verdicts, goal, limit)
        for most in range(1, MOST_FACTS + 1):
            yield self._of_so_many(solver, moved, most, judge)

    def _of_so_many(
        self, solver: z3.Solver, moved: Mapping[Cell, Any], most: int, judge: Callable[[Change], Verdict]
    ) -> Iterator[Change]:
        within = z3.PbEq([(truth, 1) for truth in moved.values()], most)
        tried, fruitless = list[Any](), True
        for _ in range(MOST_TRIED):
            model = _model(solver, [within, *tried])
            if model is None:
                return
            those = [cell for cell, truth in moved.items() if z3.is_true(model.eval(truth, True))]
            others = [truth for cell, truth in moved.items() if cell not in those]
            change = self._best(solver, [within, *map(z3.Not, others)], moved, those, judge)
            if change is not None:
                fruitless = False
                yield change
            if not others:
                return
            tried.append(z3.Or(others))
        if fruitless:
            raise solve.Undecided("too many sets of facts")

    def _best(
        self,
        solver: z3.Solver,
        held: list[Any],
        moved: Mapping[Cell, Any],
        those: list[Cell],
        judge: Callable[[Change], Verdict],
    ) -> Change | None:
        """These facts, moved as little as can be: what is only possible there may be sure a little further on."""
        parts = [part for cell in those for part in self._distance(cell, moved[cell])]
        scale = lcm(*(weight.denominator for weight, _ in parts))
        whole = z3.Sum([term * int(weight * scale) for weight, term in parts])
        possible, further = None, list[Any]()
        for _ in range(FURTHER):
            model = _least(solver, [*held, *further], whole)
            if model is None:
                break
            size = model.eval(whole, True).as_long()
            change = Change(self._read(model, those), Fraction(size, scale))
            verdict = judge(change)
            if verdict == "sure":
                return change
            if verdict == "possible" and possible is None:
                possible = change
            further.append(z3.Or([self._differs(cell, value) for cell, value in change.facts]))
        return possible

    def _read(self, model: z3.ModelRef, those: list[Cell]) -> tuple[tuple[Cell, Known], ...]:
        reader = Reader(self.verdicts, model)
        types = [self._type(cell) for cell in those]
        values = [reader.value(self.vars.facts[cell], of) for cell, of in zip(those, types, strict=True)]
        return tuple((cell, known(value, of)) for cell, of, value in zip(those, types, values, strict=True))

    def _type(self, cell: Cell) -> Type:
        entity = self.vars.records[cell[0]].entity
        return self.program.entities[entity].facts[cell[1]].type

    def _given(self, cell: Cell) -> Known:
        value = self.case.index[cell[0]].facts[cell[1]].value
        assert value is not None
        return value

    def _moved(self, cell: Cell) -> Truth:
        return self._differs(cell, self._given(cell))

    def _differs(self, cell: Cell, value: Known) -> Truth:
        """Whether a fact is another than this."""
        now, old = self._pair(cell, value)
        if isinstance(now, Labels) and isinstance(old, Labels):
            return either(negate(logic.same_truth(inside, old.of(label))) for label, inside in now.holds)
        return negate(logic.equal(now, old))

    def _pair(self, cell: Cell, value: Known) -> tuple[Value, Value]:
        """The variable of a fact, and a value of it, in one form."""
        return alike(self.vars.facts[cell], self.world.constant(value, self._type(cell)))

    def _distance(self, cell: Cell, moved: Truth) -> Iterator[tuple[Fraction, Any]]:
        """How far a fact has moved, in steps, as a sum of terms with their weights; to or from 无 is one step."""
        now, old = self._pair(cell, self._given(cell))
        of, one = self._type(cell), Fraction(1)
        if isinstance(now, Num | Day) and isinstance(old, Num | Day):
            apart = logic.pick_truth(True, either((now.none, old.none)), False)
            a, b = (_in_order(value) for value in (now, old))
            den = lcm(a.den, b.den)
            gap = a.top * (den // a.den) - b.top * (den // b.den)
            size = z3.If(gap >= 0, gap, -gap)
            size = size if apart is False else z3.If(apart, 0, size)
            yield _a_step(of) / den, size
            if apart is not False:
                yield one, z3.If(z3.And(moved, apart), 1, 0)
        elif isinstance(now, Pick) and isinstance(old, Pick):
            before = next(label for label, guard in old.ways if guard is True)
            for label, guard in now.ways:
                if label != before and guard is not False:
                    yield one * self._steps(of, before, label), z3.If(guard, 1, 0)
        elif isinstance(now, Labels) and isinstance(old, Labels):
            for label, inside in now.holds:
                yield one, z3.If(negate(inside) if old.of(label) else inside, 1, 0)
        else:
            yield one, z3.If(moved, 1, 0)

    def _steps(self, of: Type, before: str | None, after: str | None) -> int:
        """How many labels on, where the choice has an order."""
        choice = self.program.choices[of.of]
        if choice.heaviest_first is None or before is None or after is None:
            return 1
        order = [option.name.id for option in choice.options]
        return abs(order.index(before) - order.index(after))


def _model(solver: z3.Solver, held: list[Any]) -> z3.ModelRef | None:
    """A model in which all this holds, if there is one."""
    solver.push()
    solver.add(held)
    found = solver.check()
    model = solver.model() if found == z3.sat else None
    solver.pop()
    if found == z3.unknown:
        raise solve.Undecided(solver.reason_unknown())
    return model


def _least(solver: z3.Solver, held: list[Any], size: Any) -> z3.ModelRef | None:
    """The model in which a sum that is not below 0 is least."""
    model = _model(solver, held)
    low = 0
    while model is not None and low < (high := model.eval(size, True).as_long()):
        smaller = _model(solver, [*held, size <= (low + high) // 2])
        if smaller is None:
            low = (low + high) // 2 + 1
        else:
            model = smaller
    return model


def _in_order(value: Num | Day) -> Num:
    """A number in which one more is one more fen, day or month."""
    if isinstance(value, Num):
        return value
    return Num(logic.ordinal(value), 1, value.none, 0, logic.EVERYTHING)


def _a_step(of: Type) -> Fraction:
    """How many steps one unit is."""
    if of.money:
        yearly = ("年", -1) in of.dimension
        return Fraction(1, _FEN_A_STEP * (_MONTHS_A_YEAR if yearly else 1))
    days = of.kind == "date" or ("天", 1) in of.dimension
    return Fraction(1, _DAYS_A_STEP if days else 1)


def _size(program: ir.Program, case: Case) -> Size:
    """Just large enough for the household, with room for one entry of a list nobody gave."""
    members = entries = 1
    for instance in case.index.values():
        for name, listing in instance.lists.items():
            count = len(listing.items) + (not listing.complete)
            if program.entities[instance.entity].lists[name].kind == "members":
                members = max(members, count)
            else:
                entries = max(entries, count)
    return Size(members, entries)
