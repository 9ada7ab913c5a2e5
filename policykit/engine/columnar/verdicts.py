"""Clauses → outcomes over planes: what the reference engine's `outcomes` says of one record, for all of a table.

Rulings and elections are not known here. Without them the marks that a clause may set are the rungs of one ladder, and
what a measure comes to is the highest rung that any of its clauses reaches; sets of rungs are bits of one byte.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np

from policykit import ir
from policykit.engine.columnar import folds, operations, tape
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
from policykit.engine.columnar.tape import filled
from policykit.engine.columnar.terms import Terms, itself
from policykit.values import exactly

MOST_WAYS = 64  # in which an approver may choose, each with its amount

NOT_IN_SCOPE, IN_SCOPE, BARRED, BEATEN, MAY, GRANTS, EXCLUDES = range(7)
#: rung → outcome
COMES_TO = ("not_covered", "refused", "excluded", "superseded", "discretionary", "granted", "excluded")
GRANTED, DISCRETIONARY, SUPERSEDED, EXCLUDED = "granted", "discretionary", "superseded", "excluded"
HAD = (GRANTED, DISCRETIONARY)
BITS = {option.name.id: 1 << place for place, option in enumerate(ir.OUTCOME.options)}

#: where each rung may be reached, for those that may be reached anywhere; of every record at least one
Rungs: TypeAlias = dict[int, Mask]


def highest(a: Rungs, b: Rungs) -> Rungs:
    """The rungs that the higher of two may be: those of either that are not below all of the other's."""
    found: Rungs = {}
    of_a = of_b = NOWHERE  # where one has a rung that is not above this one
    for rung in sorted({*a, *b}):
        here_a, here_b = a.get(rung, NOWHERE), b.get(rung, NOWHERE)
        of_a = EVERYWHERE if rung >= max(a) else disjunction(of_a, here_a)
        of_b = EVERYWHERE if rung >= max(b) else disjunction(of_b, here_b)
        here = disjunction(conjunction(here_a, of_b), conjunction(here_b, of_a))
        if here is not NOWHERE:
            found[rung] = here
    return found


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
    def certain(self) -> bool:
        """Whether all of it is known everywhere."""
        return all(one.hi is one.lo for one in (self.scope, self.test, self.beaten, self.barred))

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
    """What a measure may come to for each record of a table: where each outcome is possible, for those that are possible
    anywhere, and what keeps it open. `certain`: everywhere just one is."""

    ways: dict[str, Mask]
    certain: bool
    missing: Gaps = None

    def may(self, *outcomes: str) -> Mask:
        """Where one of some outcomes is possible."""
        return reduce(disjunction, (self.ways.get(outcome, NOWHERE) for outcome in outcomes), NOWHERE)

    def only(self, *outcomes: str) -> Mask:
        """Where nothing else is possible."""
        if self.certain:
            return self.may(*outcomes)
        return opposite(self.may(*(self.ways.keys() - {*outcomes})))

    def bits(self, count: int) -> Array:
        """The possible outcomes of so many records, by their places."""
        return flags(((mask, BITS[outcome]) for outcome, mask in self.ways.items()), np.uint8, count)


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

    def close(self) -> None:
        """Lets go of the block. Its tables and planes refer to each other, so they would stay until the collector comes
        by, and it does not see how large they are."""
        root = self.terms.root
        vars(self.terms).clear()
        vars(self).clear()
        root.close()

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
            missing: Gaps = None
            every: list[Granting | tuple[str, Status, Truth]] = []
            every += self.excluding(measure, table)
            every += self.granting(measure, table)
            each = [self.rungs(one) for one in every]
            statuses = [one.status if isinstance(one, Granting) else one[1] for one in every]
            if self.tracking:
                for rungs, status in zip(each, statuses, strict=True):
                    missing = union(missing, gaps_where(status.missing, several(rungs.values())))
            ways: dict[str, Mask] = {}
            for rung, mask in (reduce(highest, each) if each else {NOT_IN_SCOPE: EVERYWHERE}).items():
                ways[COMES_TO[rung]] = disjunction(ways.get(COMES_TO[rung], NOWHERE), mask)
            if missing is not None:
                missing = gaps_where(missing, several(ways.values()))
            self._base[key] = Answer(ways, all(status.certain for status in statuses), missing)
        return self._base[key]

    def rungs(self, one: Granting | tuple[str, Status, Truth]) -> Rungs:
        """Every rung that one clause may reach."""
        if isinstance(one, tuple):
            stands = one[2]
            found = {EXCLUDES: stands.hi, NOT_IN_SCOPE: opposite(stands.lo)}
        else:
            scope, test = one.status.scope, one.status.test
            beaten, barred = one.status.beaten, one.status.barred
            live = conjunction(scope.hi, test.hi)
            found = {
                NOT_IN_SCOPE: opposite(scope.lo),
                IN_SCOPE: conjunction(scope.hi, opposite(test.lo)),
                MAY if one.effect.may else GRANTS: one.stands.hi,
                BEATEN: conjunction(live, beaten.hi),
                BARRED: conjunction(live, conjunction(barred.hi, opposite(beaten.lo))),
            }
        return {rung: mask for rung, mask in found.items() if mask is not NOWHERE}

    def paying(self, answer: Answer, measure: str, table: Table) -> list[tuple[Granting, Mask]]:
        """The clauses that may pay: what a ruling may grant pays only where no clause grants by itself."""
        grants = self.granting(measure, table)
        had = answer.may(*HAD)
        ruled: Mask = NOWHERE
        if any(one.effect.may for one in grants):
            sure: Mask = NOWHERE
            for one in grants:
                if not one.effect.may:
                    sure = disjunction(sure, one.stands.lo)
            ruled = conjunction(answer.may(DISCRETIONARY), opposite(sure))
        return [(one, conjunction(ruled if one.effect.may else had, one.stands.hi)) for one in grants]

    # -- mutual exclusion

    def final(self, measure: str, table: Table) -> Answer:
        """The outcomes after mutual exclusion."""
        key = (measure, id(table))
        if key not in self._final:
            answer = self.base(measure, table)
            for exclusive in self.program.exclusives:
                if measure in exclusive.measures and answer.may(*HAD).any():
                    answer = self.exclude(exclusive, measure, table, answer)
            self._final[key] = answer
        return self._final[key]

    def exclude(self, exclusive: ir.Exclusive, measure: str, table: Table, answer: Answer) -> Answer:
        place = exclusive.measures.index
        if exclusive.how == "by_election":  # nobody has chosen
            return answer
        if exclusive.how == "by_order":
            others = list(exclusive.measures[: place(measure)])
            return lose(answer, self.beside(others, table, self.had), HAD, table.count)
        others = [m for m in exclusive.measures if m != measure]
        own = self.amount(measure, table)

        def higher(other: str, of: Table, there: Array | None, here: Array | None) -> Truth:
            return self.higher(other, of, there, own, here, place(other) < place(measure))

        return lose(answer, self.beside(others, table, higher), (GRANTED,), table.count)

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
            paying = self.paying(self.base(measure, table), measure, table)
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
            return settle(Labels(answer.bits(table.count).astype(np.int64)), answer.missing)
        if kind == "obtains":
            answer = self.final(name, table)
            pending: Gaps = None
            if self.tracking:
                rows = np.flatnonzero(full(answer.may(DISCRETIONARY), table.count))
                pending = table.gaps("ruling", name, rows, own=True)
            found = Truth(answer.only(GRANTED), answer.may(*HAD))
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
        may = answer.may(GRANTED)
        paying = self.paying(Answer({GRANTED: may}, False), measure, table)
        found = self.together(paying, table.count, table)
        many, conflict = self.rules(paying, table.count)
        sure = answer.only(GRANTED)
        nothing = NOTHING
        either = select(full(sure & ~many, table.count), found.amount, join(found.amount, nothing))
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
        many = several(masks.values())
        return many, conjunction(many, sure)


def looked_at(plane: Plane, rows: Array | None) -> Plane:
    """A plane for rows that look at others."""
    return plane if rows is None else take(plane, rows)


def at(truth: Truth, rows: Array | None) -> Truth:
    """A truth for rows that look at others."""
    found = looked_at(truth, rows)
    assert isinstance(found, Truth)
    return found


def flags(masks: Iterable[tuple[Mask, Any]], kind: Any, count: int) -> Array:
    """Sets as bits of so many rows: each bit is set where its mask holds."""
    each = [mask.view(np.uint8) * kind(bit) for mask, bit in masks if mask is not NOWHERE]
    return full(tape.array(reduce(np.bitwise_or, each) if each else kind(0)), count)


def several(masks: Iterable[Mask]) -> Mask:
    """Where more than one mask holds."""
    one, more = NOWHERE, NOWHERE
    for mask in masks:
        one, more = disjunction(one, mask), disjunction(more, conjunction(one, mask))
    return more


def obtained(answer: Answer) -> Truth:
    found = Truth(answer.only(GRANTED), answer.may(GRANTED))
    return settle(found, answer.missing)


def lose(answer: Answer, taken: Truth, losing: Sequence[str], count: int) -> Answer:
    """The answer when something else may take the place of a grant."""
    hit = conjunction(taken.hi, answer.may(*losing))
    kept = opposite(taken.lo)
    ways = {o: conjunction(mask, kept) if o in losing else mask for o, mask in answer.ways.items()}
    ways[SUPERSEDED] = disjunction(answer.may(SUPERSEDED), hit)
    missing = union(answer.missing, gaps_where(taken.missing, full(hit, count)))
    return Answer(ways, answer.certain and taken.hi is taken.lo, missing)
