"""Clauses → outcomes over planes: what the reference engine's `outcomes` says of one record, for all of a table.

Rulings and elections are not known here. Without them the marks that a clause may set are the rungs of one ladder, and
what a measure comes to is the highest rung that any of its clauses reaches; sets of rungs are bits of one byte.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from policykit import ir
from policykit.engine.columnar import folds, operations
from policykit.engine.columnar.folds import Elements, full
from policykit.engine.columnar.frames import Array, Mask
from policykit.engine.columnar.gaps import Gaps, gaps_where, union
from policykit.engine.columnar.gathering import merged
from policykit.engine.columnar.operations import all_of, negate, one_of
from policykit.engine.columnar.plan import Plan
from policykit.engine.columnar.planes import (
    EVERYWHERE,
    FALSE,
    NOTHING,
    NOWHERE,
    TRUE,
    Labels,
    Ordered,
    Plane,
    Truth,
    conjunction,
    disjunction,
    join,
    opposite,
    plain,
    select,
    settle,
    take,
)
from policykit.engine.columnar.tables import Table
from policykit.engine.columnar.tape import filled, size, step
from policykit.engine.columnar.terms import Terms, itself
from policykit.values import exactly

Bits = NDArray[np.uint8]
MOST_WAYS = 64  # in which an approver may choose, each with its amount

NOT_IN_SCOPE, IN_SCOPE, BARRED, BEATEN, MAY, GRANTS, EXCLUDES = (np.uint8(1 << rung) for rung in range(7))
PLACE = {option.name.id: place for place, option in enumerate(ir.OUTCOME.options)}
GRANTED, DISCRETIONARY, SUPERSEDED, EXCLUDED = (
    np.uint8(1 << PLACE[name]) for name in ("granted", "discretionary", "superseded", "excluded")
)
HAD = GRANTED | DISCRETIONARY

_COMES_TO = ("not_covered", "refused", "excluded", "superseded", "discretionary", "granted", "excluded")
#: sets of rungs → sets of outcomes
OUTCOMES: Bits = np.zeros(256, np.uint8)
for _rung, _name in enumerate(_COMES_TO):
    OUTCOMES[(np.arange(256) >> _rung & 1) == 1] |= np.uint8(1 << PLACE[_name])


@step
def come_to(rungs: Bits) -> Bits:
    """Sets of rungs as sets of outcomes."""
    return OUTCOMES.take(rungs)


def highest(a: Bits, b: Bits) -> Bits:
    """The rungs that the higher of two may be: those of either that are not below all of the other's.

    Below the lowest bit of a number there is nothing, and −n has every bit above it, itself included.
    """
    return np.asanyarray((a | b) & np.negative(a & np.negative(a)) & np.negative(b & np.negative(b)))


@dataclass(slots=True)
class Status:
    """One clause version on the records of a table: in scope, test met, overridden by grants or by exclusions."""

    clause: ir.Clause
    scope: Truth
    test: Truth
    beaten: Truth
    barred: Truth

    @property
    def missing(self) -> Gaps:
        return union(self.scope.missing, self.test.missing, self.beaten.missing, self.barred.missing)

    @property
    def applies(self) -> Truth:
        return all_of(self.scope, self.test)

    @property
    def stands(self) -> Truth:
        return all_of(self.scope, self.test, negate(self.beaten), negate(self.barred))


@dataclass(slots=True)
class Granting:
    """A granting clause with the plane of whether it stands."""

    status: Status
    effect: ir.Grant
    stands: Truth

    @property
    def name(self) -> str:
        return self.status.clause.basis.name.id


@dataclass(slots=True)
class Answer:
    """What a measure may come to for each record of a table, and what keeps it open."""

    outcomes: Bits
    missing: Gaps = None


@dataclass(slots=True)
class Paying:
    """An amount, for the records that `where` names; the others have none."""

    amount: Plane
    where: Mask


#: whether something holds of a measure for other records, each beside one of these: which rows of theirs and of these
Beside: TypeAlias = Callable[[str, Table, Array | None, Array | None], Truth]


class Verdicts:
    """Every clause and measure over the tables of one block, each judged once for a table."""

    def __init__(self, plan: Plan, root: Table, tracking: bool = False) -> None:
        self.plan, self.program, self.on, self.tracking = plan, plan.program, plan.on, tracking
        self.terms = Terms(plan.program, plan.on, root, self, tracking, plan.constants)
        self._conditions: dict[tuple[int, int], tuple[Truth, Truth]] = {}
        self._status: dict[tuple[int, int], Status] = {}
        self._granting: dict[tuple[str, int], list[Granting]] = {}
        self._excluding: dict[tuple[str, int], list[tuple[str, Status, Truth]]] = {}
        self._base: dict[tuple[str, int], Answer] = {}
        self._final: dict[tuple[str, int], Answer] = {}
        self._amounts: dict[tuple[str, int], Paying] = {}
        self._payments: dict[tuple[int, int], Plane] = {}

    # -- clauses

    def versions(self, clause: str, table: Table) -> Iterator[tuple[ir.Clause, Truth]]:
        """The versions of a clause with whether each is in force: on the day asked for, or on the event it names."""
        for version in self.plan.versions[clause]:
            if version.as_of is None:
                yield version, TRUE
                continue
            day = self.terms.value(version.as_of, itself(table), table.count)
            inside = [operations.apply("has", [day])]
            for op, end in (("ge", version.period.start), ("le", version.period.end)):
                if end is not None:
                    known = self.plan.constants.constant(exactly(end), version.as_of.type)
                    inside.append(operations.apply(op, [day, known]))
            yield version, all_of(*(truth for truth in inside if isinstance(truth, Truth)))

    def conditions(self, clause: ir.Clause, table: Table, force: Truth) -> tuple[Truth, Truth]:
        """Scope and test of one clause version, and nothing of what overrides it."""
        key = (id(clause), id(table))
        if key not in self._conditions:
            env = itself(table)
            scope = TRUE if clause.scope is None else self.terms.truth(clause.scope, env, table.count)
            if force is not TRUE:
                scope = all_of(force, scope)
            test = TRUE if clause.test is None else self.terms.truth(clause.test, env, table.count)
            if test.missing is not None:  # out of scope nothing is tested
                test = replace(test, missing=gaps_where(test.missing, scope.hi))
            self._conditions[key] = scope, test
        return self._conditions[key]

    def status(self, clause: ir.Clause, table: Table, force: Truth) -> Status:
        """What is known of one clause version."""
        key = (id(clause), id(table))
        if key not in self._status:
            scope, test = self.conditions(clause, table, force)
            over = [
                one_of(*(holds for _, holds in found))
                for found in (self.beaters(clause, table), self.barriers(clause, table))
            ]
            live = conjunction(scope.hi, test.hi)  # where a clause does not apply nothing overrides it
            beaten, barred = (
                one if one.missing is None else replace(one, missing=gaps_where(one.missing, live))
                for one in over
            )
            self._status[key] = Status(clause, scope, test, beaten, barred)
        return self._status[key]

    def statuses(self, clause: str, table: Table) -> list[Status]:
        return [self.status(version, table, force) for version, force in self.versions(clause, table)]

    def on_or_above(self, clause: str, table: Table) -> tuple[Table, Array | None] | None:
        """The records themselves, or those they lie in, where a clause speaks of them."""
        entity = self.plan.entities[clause]
        if entity not in self.plan.paths[table.entity]:
            return None
        return (table, None) if entity == table.entity else table.upper(entity)

    def beaters(self, clause: ir.Clause, table: Table, measure: str = "") -> list[tuple[str, Truth]]:
        """The clauses that prevail over one; a may-clause does so only once a ruling grants it."""
        if isinstance(clause.effect, ir.Grant):
            measure = clause.effect.measure
        found = []
        for other in self.plan.blockers[clause.basis.name.id]:
            place = self.on_or_above(other, table)
            if place is None:
                continue
            for version, force in self.versions(other, place[0]):
                effect = version.effect
                if isinstance(effect, ir.Grant) and measure in ("", effect.measure):
                    if effect.may:
                        found.append((other, FALSE))
                    else:
                        found.append((other, at(self.status(version, place[0], force).stands, place[1])))
                elif isinstance(effect, ir.Duty | ir.Ban):
                    found.append((other, at(self.status(version, place[0], force).stands, place[1])))
        return found

    def barriers(self, clause: ir.Clause, table: Table) -> list[tuple[str, Truth]]:
        """The exclusions (or, for a duty, the bans) that stand against a clause, those that prevail over it included."""
        found = []
        above = self.plan.blockers[clause.basis.name.id]
        for other in self.plan.barriers(clause):
            place = self.on_or_above(other, table)
            if place is None:
                continue
            for version, force in self.versions(other, place[0]):
                match version.effect, clause.effect:
                    case ir.Withhold(members=members), ir.Grant(measure=measure):
                        if members or place[0] is table or other in above:
                            status = self.status(version, place[0], force)
                            found.append((other, self.as_to(status, measure, table, *place).stands))
                    case ir.Ban(), _ if place[0] is table:
                        found.append((other, self.status(version, table, force).stands))
        return found

    def as_to(self, status: Status, measure: str, table: Table, higher: Table, rows: Array | None) -> Status:
        """An exclusion as to one measure and the records of a table: what prevails over it there lifts it there only."""
        effect = status.clause.effect
        assert isinstance(effect, ir.Withhold)
        if effect.members:
            over = one_of(*(truth for _, truth in self.beaters(status.clause, table, measure)))
        else:
            beaters = self.beaters(status.clause, higher, measure)
            over = at(one_of(*(truth for _, truth in beaters)), rows)
        return Status(
            status.clause, at(status.scope, rows), at(status.test, rows), over, at(status.barred, rows)
        )

    # -- measures

    def granting(self, measure: str, table: Table) -> list[Granting]:
        """The clauses that grant or may grant a measure, in source order."""
        key = (measure, id(table))
        if key not in self._granting:
            self._granting[key] = [
                Granting(status, status.clause.effect, status.stands)
                for name in self.plan.granting.get((measure, table.entity), ())
                for status in self.statuses(name, table)
                if isinstance(status.clause.effect, ir.Grant)
            ]
        return self._granting[key]

    def excluding(self, measure: str, table: Table) -> list[tuple[str, Status, Truth]]:
        """The exclusions from a measure, with whether each stands."""
        key = (measure, id(table))
        if key not in self._excluding:
            found = []
            for name in self.plan.excluding.get(measure, ()):
                effect = self.program.clauses[name][0].effect
                assert isinstance(effect, ir.Withhold)
                place = self.on_or_above(name, table)
                if place is not None and (place[0] is table or effect.members):
                    for status in self.statuses(name, place[0]):
                        here = self.as_to(status, measure, table, *place)
                        found.append((name, here, here.stands))
            self._excluding[key] = found
        return self._excluding[key]

    def base(self, measure: str, table: Table) -> Answer:
        """The outcomes of a measure before mutual exclusion."""
        key = (measure, id(table))
        if key not in self._base:
            rungs: Bits | None = None
            missing: Gaps = None
            every: list[Granting | tuple[str, Status, Truth]] = []
            every += self.excluding(measure, table)
            every += self.granting(measure, table)
            for one in every:
                reach = full(self.rungs(one), table.count)
                status = one.status if isinstance(one, Granting) else one[1]
                rungs = reach if rungs is None else highest(rungs, reach)
                if self.tracking:
                    missing = union(missing, gaps_where(status.missing, several(reach)))
            outcomes = come_to(filled(table.count, NOT_IN_SCOPE, np.uint8) if rungs is None else rungs)
            self._base[key] = Answer(outcomes, gaps_where(missing, several(outcomes)))
        return self._base[key]

    def rungs(self, one: Granting | tuple[str, Status, Truth]) -> Bits:
        """Every rung that one clause may reach."""
        if isinstance(one, tuple):
            stands = one[2]
            return rungs_of((stands.hi, EXCLUDES), (opposite(stands.lo), NOT_IN_SCOPE))
        scope, test = one.status.scope, one.status.test
        beaten, barred = one.status.beaten, one.status.barred
        live = conjunction(scope.hi, test.hi)
        return rungs_of(
            (opposite(scope.lo), NOT_IN_SCOPE),
            (conjunction(scope.hi, opposite(test.lo)), IN_SCOPE),
            (one.stands.hi, MAY if one.effect.may else GRANTS),
            (conjunction(live, beaten.hi), BEATEN),
            (conjunction(live, conjunction(barred.hi, opposite(beaten.lo))), BARRED),
        )

    def paying(self, outcomes: Bits, measure: str, table: Table) -> list[tuple[Granting, Mask]]:
        """The clauses that may pay: what a ruling may grant pays only where no clause grants by itself."""
        grants = self.granting(measure, table)
        had = (outcomes & HAD) != 0
        ruled: Mask = NOWHERE
        if any(one.effect.may for one in grants):
            sure: Mask = NOWHERE
            for one in grants:
                if not one.effect.may:
                    sure = disjunction(sure, one.stands.lo)
            ruled = conjunction(had & ((outcomes & DISCRETIONARY) != 0), opposite(sure))
        return [(one, conjunction(ruled if one.effect.may else had, one.stands.hi)) for one in grants]

    # -- mutual exclusion

    def final(self, measure: str, table: Table) -> Answer:
        """The outcomes after mutual exclusion."""
        key = (measure, id(table))
        if key not in self._final:
            answer = self.base(measure, table)
            for exclusive in self.program.exclusives:
                if measure in exclusive.measures and ((answer.outcomes & HAD) != 0).any():
                    answer = self.exclude(exclusive, measure, table, answer)
            self._final[key] = answer
        return self._final[key]

    def exclude(self, exclusive: ir.Exclusive, measure: str, table: Table, answer: Answer) -> Answer:
        place = exclusive.measures.index
        if exclusive.how == "by_election":  # nobody has chosen
            return answer
        if exclusive.how == "by_order":
            others = list(exclusive.measures[: place(measure)])
            return lose(answer, self.beside(others, table, self.had), HAD)
        others = [m for m in exclusive.measures if m != measure]
        own = self.amount(measure, table)

        def higher(other: str, of: Table, there: Array | None, here: Array | None) -> Truth:
            return self.higher(other, of, there, own, here, place(other) < place(measure))

        return lose(answer, self.beside(others, table, higher), GRANTED)

    def beside(self, measures: Sequence[str], table: Table, of: Beside) -> Truth:
        """Whether something holds of one of these measures, for a record that counts as one subject with this one:
        itself, those it lies in, its members, those that nobody listed yet included."""
        found = []
        for measure in measures:
            entities = self.program.measures[measure].entities
            for other, rows in [(table, None), *self.line(table)]:
                if other.entity in entities:
                    found.append(of(measure, other, rows, None))
            for other, owner, there in self.members(table):
                if other.entity in entities:
                    each = all_of(there, of(measure, other, None, owner))
                    starts = np.searchsorted(owner, np.arange(table.count + 1))
                    one = folds.fold("any", Elements(each, TRUE, starts, owner))
                    assert isinstance(one, Truth)
                    found.append(one)
        return one_of(*found)

    def had(self, measure: str, table: Table, there: Array | None, here: Array | None) -> Truth:
        """Whether a measure is granted."""
        return at(obtained(self.final(measure, table)), there)

    def line(self, table: Table) -> list[tuple[Table, Array | None]]:
        """The records that those of a table lie in."""
        return [table.upper(entity) for entity in self.program.entity_path(table.entity)[1:]]

    def members(self, table: Table) -> Iterator[tuple[Table, Array, Truth]]:
        """The records that lie in those of a table, with whether each is there."""
        for name, decl in self.program.entities[table.entity].lists.items():
            if decl.kind != "members":
                continue
            listing = table.listing(name)
            inner, rows = listing.table, listing.table.owner_rows
            assert rows is not None
            there = self.terms.presence(inner, listing.perhaps)
            yield inner, rows, there
            for deeper, below, present in self.members(inner):
                seen = take(there, below)
                assert isinstance(seen, Truth)
                yield deeper, rows[below], all_of(seen, present)

    def higher(
        self, other: str, table: Table, there: Array | None, own: Paying, here: Array | None, first: bool
    ) -> Truth:
        """Whether another measure is granted with a higher amount (or an equal one, coming first)."""
        its = self.amount(other, table)
        theirs, mine = looked_at(its.amount, there), looked_at(own.amount, here)
        both = looked_at(Truth(its.where, its.where), there), looked_at(Truth(own.where, own.where), here)
        more = operations.apply("ge" if first else "gt", [theirs, mine])
        assert isinstance(more, Truth) and isinstance(both[0], Truth) and isinstance(both[1], Truth)
        where = both[0].lo & both[1].lo
        more = Truth(more.lo & where, more.hi & where, gaps_where(more.missing, where))
        return all_of(at(obtained(self.base(other, table)), there), more)

    # -- amounts

    def amount(self, measure: str, table: Table) -> Paying:
        """The amount of a measure, should it be granted; apart from outcomes, which never wait for it by themselves."""
        key = (measure, id(table))
        if key not in self._amounts:
            paying = self.paying(self.base(measure, table).outcomes, measure, table)
            self._amounts[key] = self.together(paying, table.count, table)
        return self._amounts[key]

    def together(self, paying: list[tuple[Granting, Mask]], count: int, table: Table) -> Paying:
        """One amount from those of several clauses, each where it may pay."""
        found: Plane | None = None
        where: Mask = filled(count, False, np.bool_)
        open_: Gaps = None
        for one, mask in paying:
            mask = full(mask, count)
            if not mask.any():
                continue
            payment = self.payment(one, table)
            found, where = merged(found, where, payment, mask)
            if self.tracking:
                waits = union(payment.missing, one.stands.missing)
                open_ = union(open_, gaps_where(waits, mask))
        if found is None:
            return Paying(Ordered(np.array(0), np.array(0), top=0), where)
        return Paying(settle(plain(found), open_), where)

    def payment(self, one: Granting, table: Table) -> Plane:
        """The amount that a clause pays, 0 where no rule says how much; one of several where an approver chooses."""
        clause = one.status.clause
        key = (id(clause), id(table))
        if key not in self._payments:
            rule = self.plan.rule(clause)
            if rule is None:
                self._payments[key] = Ordered(np.array(0), np.array(0), top=0)
            else:
                ranges: list[Sequence[int]] = [range(d.low, d.high + 1) for d in clause.discretion]
                if prod(map(len, ranges)) > MOST_WAYS:  # the ends, between which the amount lies
                    ranges = [(d.low, d.high) for d in clause.discretion]
                found: Plane | None = None
                for numbers in itertools.product(*ranges):
                    chosen = {
                        f"choice:{d.name.id}": self.plan.constants.constant(exactly(number), d.type)
                        for d, number in zip(clause.discretion, numbers, strict=True)
                    }
                    total = self.terms.value(rule.total, {**itself(table), **chosen}, table.count)
                    found = total if found is None else join(found, total)
                assert found is not None
                self._payments[key] = plain(found)
        return self._payments[key]

    # -- what rules may ask

    def verdict(self, kind: str, name: str, table: Table) -> Plane:
        """符合 and 受阻 of a clause, 获得, 结果 and 应发金额 of a measure."""
        if kind == "amount":
            return self.paid(name, table)
        if kind == "outcome":
            answer = self.final(name, table)
            return settle(Labels(answer.outcomes.astype(np.int64)), answer.missing)
        if kind == "obtains":
            answer = self.final(name, table)
            pending: Gaps = None
            if self.tracking:
                rows = np.flatnonzero((answer.outcomes & DISCRETIONARY) != 0)
                pending = table.gaps("ruling", name, rows, own=True)
            found = Truth(answer.outcomes == GRANTED, (answer.outcomes & HAD) != 0)
            return settle(found, union(answer.missing, pending))
        if kind == "meets":
            # a clause may read a clause that it overrides: scope and test wait for no priority
            parts = [
                all_of(*self.conditions(version, table, force))
                for version, force in self.versions(name, table)
            ]
            return one_of(*parts)
        blocked = [all_of(s.applies, one_of(s.beaten, s.barred)) for s in self.statuses(name, table)]
        return one_of(*blocked)

    def paid(self, measure: str, table: Table) -> Plane:
        """What a measure pays in the end: 无 unless it is granted, and where two amount rules conflict."""
        answer = self.final(measure, table)
        may = (answer.outcomes & GRANTED) != 0
        paying = self.paying(GRANTED & answer.outcomes, measure, table)
        found = self.together(paying, table.count, table)
        many, conflict = self.rules(paying, table.count)
        sure = answer.outcomes == GRANTED
        nothing = NOTHING
        either = select(sure & ~many, found.amount, join(found.amount, nothing))
        whole = select(may & found.where & ~(conflict & sure), plain(either), nothing)
        assert isinstance(whole, Ordered)
        return settle(whole, union(found.amount.missing, gaps_where(answer.missing, may), whole.missing))

    def rules(self, paying: list[tuple[Granting, Mask]], count: int) -> tuple[Mask, Mask]:
        """Where several amount rules may pay a record, and where they do so surely."""
        masks: dict[int, Mask] = {}
        sure: Mask = EVERYWHERE
        for one, mask in paying:
            key = id(self.plan.rule(one.status.clause))
            masks[key] = disjunction(masks.get(key, NOWHERE), mask)
            sure = conjunction(sure, disjunction(opposite(mask), one.stands.lo))
        if len(masks) < 2:
            return NOWHERE, NOWHERE
        number = filled(count, 0, np.uint8)
        for mask in masks.values():
            number += full(mask, count)
        return number > 1, (number > 1) & sure


def looked_at(plane: Plane, rows: Array | None) -> Plane:
    """A plane for rows that look at others."""
    return plane if rows is None else take(plane, rows)


def at(truth: Truth, rows: Array | None) -> Truth:
    """A truth for rows that look at others."""
    found = looked_at(truth, rows)
    assert isinstance(found, Truth)
    return found


def rungs_of(*found: tuple[Mask, np.uint8]) -> Bits:
    """A set of rungs: each where its mask holds."""
    bits: Bits | None = None
    for where, rung in found:
        if where is not NOWHERE:
            here = where.view(np.uint8) * rung
            bits = here if bits is None else bits | here
    assert bits is not None
    return bits


def several(bits: Bits) -> Mask:
    """Where more than one bit is set."""
    return np.asanyarray((bits & (bits - np.uint8(1))) != 0)


def obtained(answer: Answer) -> Truth:
    found = Truth(answer.outcomes == GRANTED, (answer.outcomes & GRANTED) != 0)
    return settle(found, answer.missing)


def lose(answer: Answer, taken: Truth, losing: np.uint8) -> Answer:
    """The answer when something else may take the place of a grant."""
    before = answer.outcomes
    hit = taken.hi & ((before & losing) != 0)
    after = (before & ~losing) | SUPERSEDED
    outcomes = np.where(hit, np.where(taken.lo, after, after | before), before)
    return Answer(outcomes, union(answer.missing, gaps_where(taken.missing, full(hit, size(before)))))
