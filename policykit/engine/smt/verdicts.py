"""Clauses → outcomes as terms: on a complete household every clause says one thing, and every measure has one outcome.

The order is that of the design (§3): exclusions, grants, may-clauses with their rulings, what overrides them, mutual
exclusion last. What approvers and households decide is free: no ruling, a refusal, or a grant of any amount allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from typing import Any

import z3

from policykit import ir
from policykit.engine.smt import logic
from policykit.engine.smt.logic import Num, Pick, Truth, Value, both, choose, either, negate, none_of
from policykit.engine.smt.variables import Record, Size, Stretch, Variables
from policykit.engine.smt.world import Env, World

OUTCOMES = ("excluded", "granted", "discretionary", "refused", "superseded", "not_covered")


@dataclass(frozen=True, slots=True)
class Status:
    """One clause version on one subject: is it in scope, is the test met, do grants or exclusions override it."""

    clause: ir.Clause
    subject: Record
    scope: Truth
    test: Truth
    beaten: Truth
    barred: Truth

    @property
    def applies(self) -> Truth:
        return both((self.scope, self.test))

    @property
    def stands(self) -> Truth:
        return both((self.scope, self.test, negate(self.beaten), negate(self.barred)))


def subject(record: Record) -> Env:
    """The environment of a rule on one record."""
    return {"self": Pick(((record, True),))}


class Verdicts:
    """What the clauses and measures of a program come to over all households of a size, on the days of a stretch."""

    def __init__(
        self,
        program: ir.Program,
        stretch: Stretch,
        size: Size,
        variables: Variables | None = None,
        root: str = "",
        twin: tuple[World, Set[str]] | None = None,
    ) -> None:
        self.program = program
        self.vars = variables if variables is not None else Variables()
        self.world = World(program, stretch, size, self, self.vars, root, twin)
        self._status: dict[tuple[int, Record], Status] = {}
        self._conditions: dict[tuple[int, Record], tuple[Truth, Truth]] = {}
        self._answers: dict[tuple[str, Record, bool], Pick] = {}
        self._amounts: dict[tuple[str, Record], Num] = {}
        self._ruled_before: set[tuple[str, str]] = set()

    # -- clauses

    def versions(self, clause: str, record: Record) -> Iterator[tuple[ir.Clause, Truth]]:
        """The versions of a clause with whether each is in force: on the day, or on the event it names."""
        for version in self.program.clauses.get(clause, ()):
            if version.as_of is None:
                if version.period.holds(self.world.stretch.first):
                    yield version, True
                continue
            day = self.world.value(version.as_of, subject(record))
            inside: list[Truth] = [negate(none_of(day))]
            order = logic.ordered(day)
            if version.period.start is not None:
                inside.append(logic.at_most(logic.on_day(version.period.start).key, order))
            if version.period.end is not None:
                inside.append(logic.at_most(order, logic.on_day(version.period.end).key))
            holds = both(inside)
            if holds is not False:
                yield version, holds

    def conditions(self, clause: ir.Clause, record: Record, force: Truth = True) -> tuple[Truth, Truth]:
        """Scope and test of one clause version on one record, and nothing of what overrides it."""
        key = (id(clause), record)
        if key not in self._conditions:
            env = subject(record)
            scope = True if clause.scope is None else self.world.truth(clause.scope, env)
            scope = both((force, scope))
            dead = clause.test is None or scope is False
            test = True if dead or clause.test is None else self.world.truth(clause.test, env)
            self._conditions[key] = scope, test
        return self._conditions[key]

    def status(self, clause: ir.Clause, record: Record, force: Truth = True) -> Status:
        key = (id(clause), record)
        if key not in self._status:
            scope, test = self.conditions(clause, record, force)
            beaten: Truth = False
            barred: Truth = False
            if both((scope, test)) is not False:
                beaten = either(holds for _, holds in self.beaters(clause, record))
                barred = either(holds for _, holds in self.barriers(clause, record))
            self._status[key] = Status(clause, record, scope, test, beaten, barred)
        return self._status[key]

    def statuses(self, clause: str, record: Record) -> list[Status]:
        return [self.status(version, record, force) for version, force in self.versions(clause, record)]

    def beaters(self, clause: ir.Clause, record: Record, measure: str = "") -> Iterator[tuple[str, Truth]]:
        """The clauses that prevail over one, with whether each stands; a may-clause counts once a ruling grants it."""
        if isinstance(clause.effect, ir.Grant):
            measure = clause.effect.measure
        for other in sorted(self.program.blockers.get(clause.basis.name.id, ())):
            for higher in self.on_or_above(other, record):
                for status in self.statuses(other, higher):
                    match status.clause.effect:
                        case ir.Grant(measure=granted, may=may) if measure in ("", granted):
                            ruled = self.ruling(other, higher).of("granted") if may else True
                            yield other, both((status.stands, ruled))
                        case ir.Duty() | ir.Ban():
                            yield other, status.stands

    def lifted(self, status: Status, measure: str, record: Record) -> Truth:
        """Whether an exclusion stands as to one measure and one record: what prevails over it there lifts it there."""
        assert isinstance(status.clause.effect, ir.Withhold)
        around = record if status.clause.effect.members else status.subject
        over = either(holds for _, holds in self.beaters(status.clause, around, measure))
        return both((status.scope, status.test, negate(over), negate(status.barred)))

    def stands(self, status: Status) -> Truth:
        """Whether a clause stands; an exclusion as to any of its measures, for its subject or a member it reaches."""
        effect, record = status.clause.effect, status.subject
        if not isinstance(effect, ir.Withhold):
            return status.stands
        reached = [(record, True), *(self.members(record) if effect.members else ())]
        return either(
            both((there, self.lifted(status, measure, one)))
            for one, there in reached
            for measure in effect.measures
        )

    def barriers(self, clause: ir.Clause, record: Record) -> Iterator[tuple[str, Truth]]:
        """The exclusions (or, for a duty, the bans) that stand against a clause."""
        own = clause.basis.name.id
        above = self.program.blockers.get(own, ())
        for other, versions in self.program.clauses.items():
            if own in self.program.blockers.get(other, ()) or not self.program.bars(versions[0], clause):
                continue
            for higher in self.on_or_above(other, record):
                for status in self.statuses(other, higher):
                    match status.clause.effect, clause.effect:
                        case ir.Withhold(members=members), ir.Grant(measure=measure) if (
                            members or higher is record or other in above
                        ):
                            yield other, self.lifted(status, measure, record)
                        case ir.Ban(), _ if higher is record:
                            yield other, status.stands

    def on_or_above(self, clause: str, record: Record) -> list[Record]:
        entity = self.program.clauses[clause][0].entity if clause in self.program.clauses else ""
        if entity not in self.program.entity_path(record.entity):
            return []
        return [record if record.entity == entity else self.world.upper(record, entity)]

    # -- rulings

    def ruling(self, clause: str, record: Record) -> Pick:
        """What was decided under a may-clause: nothing yet, a refusal, or a grant."""
        return self._ruled(clause, record)[0]

    def _ruled(self, clause: str, record: Record) -> tuple[Pick, dict[str, Num]]:
        key = (clause, record.path)
        if key not in self.vars.rulings:
            shown = f"?{record.path}.{clause}"
            # of somebody outside the household nothing is decided
            inside = self.world.inside_root(record)
            pick = self.vars.free_pick(shown, ["none", "denied", "granted"] if inside else ["none"])
            self.vars.rulings[key] = pick, {}
        pick, choices = self.vars.rulings[key]
        if key not in self._ruled_before:
            self._ruled_before.add(key)
            for discretion in self.program.clauses[clause][0].discretion:
                top = z3.Int(f"?{record.path}.{clause}.{discretion.name.id}")
                self.vars.require(both((top >= discretion.low, top <= discretion.high)))
                choices.setdefault(discretion.name.id, Num(top, 1, False, discretion.low, discretion.high))
        return pick, choices

    # -- measures

    def granting(self, measure: str, record: Record) -> list[Status]:
        return [
            status
            for name, (first, *_) in self.program.clauses.items()
            if isinstance(first.effect, ir.Grant)
            and first.effect.measure == measure
            and first.entity == record.entity
            for status in self.statuses(name, record)
        ]

    def excluding(self, measure: str, record: Record) -> Iterator[Truth]:
        for name, (first, *_) in self.program.clauses.items():
            effect = first.effect
            if isinstance(effect, ir.Withhold) and measure in effect.measures:
                for higher in self.on_or_above(name, record):
                    if higher is record or effect.members:
                        for status in self.statuses(name, higher):
                            yield self.lifted(status, measure, record)

    def base(self, measure: str, record: Record) -> Pick:
        """The outcome of a measure for a record before mutual exclusion."""
        key = (measure, record, False)
        if key not in self._answers:
            grants = self.granting(measure, record)
            granted, pending, denied = list[Truth](), list[Truth](), list[Truth]()
            for status in grants:
                effect = status.clause.effect
                assert isinstance(effect, ir.Grant)
                if not effect.may:
                    granted.append(status.stands)
                    continue
                ruling = self.ruling(status.clause.basis.name.id, record)
                granted.append(both((status.stands, ruling.of("granted"))))
                pending.append(both((status.stands, ruling.of("none"))))
                denied.append(both((status.stands, ruling.of("denied"))))
            beaten = either(both((s.applies, s.beaten)) for s in grants)
            barred = either(both((s.applies, s.barred, negate(s.beaten))) for s in grants)
            self._answers[key] = chain(
                ("excluded", either(self.excluding(measure, record))),
                ("granted", either(granted)),
                ("discretionary", either(pending)),
                ("refused", either(denied)),
                ("superseded", beaten),
                ("excluded", barred),
                ("refused", either(s.scope for s in grants)),
                ("not_covered", True),
            )
        return self._answers[key]

    def final(self, measure: str, record: Record) -> Pick:
        """The outcome after mutual exclusion."""
        key = (measure, record, True)
        if key not in self._answers:
            answer = self.base(measure, record)
            for exclusive in self.program.exclusives:
                if measure in exclusive.measures:
                    answer = self.exclude(exclusive, measure, record, answer)
            self._answers[key] = answer
        return self._answers[key]

    def exclude(self, exclusive: ir.Exclusive, measure: str, record: Record, answer: Pick) -> Pick:
        others = [m for m in exclusive.measures if m != measure]
        if exclusive.how == "by_election":
            chosen = self.election(exclusive, record)
            taken = either(
                both((chosen.of(other), self.beside(other, record, self.granted_before))) for other in others
            )
            return lose(answer, taken, ("granted", "discretionary"))
        if exclusive.how == "by_order":
            earlier = exclusive.measures[: exclusive.measures.index(measure)]
            taken = either(self.beside(other, record, self.granted) for other in earlier)
            return lose(answer, taken, ("granted", "discretionary"))
        place = exclusive.measures.index

        def higher(other: str, one: Record) -> Truth:
            obtained = self.granted_before(other, one)
            if obtained is False:
                return False
            theirs, own = self.amount_before(other, one), self.amount_before(measure, record)
            first = place(other) < place(measure)
            more = logic.at_most(own, theirs, strictly=not first)
            return both((obtained, negate(theirs.none), negate(own.none), more))

        taken = either(self.beside(other, record, higher) for other in others)
        return lose(answer, taken, ("granted",))

    def granted(self, measure: str, record: Record) -> Truth:
        return self.final(measure, record).of("granted")

    def granted_before(self, measure: str, record: Record) -> Truth:
        return self.base(measure, record).of("granted")

    def beside(self, measure: str, record: Record, of: Callable[[str, Record], Truth]) -> Truth:
        """Whether something holds of a measure, for a record that counts as one subject with this one."""
        return either(both((there, of(measure, one))) for one, there in self.same_subject(measure, record))

    def same_subject(self, measure: str, record: Record) -> list[tuple[Record, Truth]]:
        entities = self.program.measures[measure].entities
        related: list[tuple[Record, Truth]] = [(record, True)]
        above = record
        while above.upper is not None:
            above = above.upper
            related.append((above, True))
        related += self.members(record)
        return [(one, there) for one, there in related if one.entity in entities]

    def members(self, record: Record) -> Iterator[tuple[Record, Truth]]:
        for name, decl in self.program.entities[record.entity].lists.items():
            for one, there in self.world.slots(record, name) if decl.kind == "members" else ():
                yield one, there
                yield from ((inner, both((there, present))) for inner, present in self.members(one))

    def election(self, exclusive: ir.Exclusive, record: Record) -> Pick:
        """What the household chose, if anything."""
        top = record
        while top.upper is not None:
            top = top.upper
        key = (exclusive.basis.name.id, top.path)
        if key not in self.vars.elections:
            options = [None, *exclusive.measures] if top is self.world.root else [None]
            self.vars.elections[key] = self.vars.free_pick(f"?{top.path}.{key[0]}", options)
        return self.vars.elections[key]

    def verdict(self, kind: str, name: str, record: Record) -> Value:
        """符合 and 受阻 of a clause, 获得, 结果 and 金额 of a measure, as rules and properties may ask for them."""
        match kind:
            case "outcome":
                return self.final(name, record)
            case "amount":
                amount = self.amount(name, record)
                return logic.with_none(amount, either((amount.none, negate(self.granted(name, record)))))
            case "obtains":
                final = self.final(name, record)
                pending = final.of("discretionary")
                if pending is False:
                    return final.of("granted")
                key = (name, record.path)
                if key not in self.vars.pending:  # nobody can say before the ruling
                    self.vars.pending[key] = z3.Bool(f"~{record.path}.{name}")
                return either((final.of("granted"), both((pending, self.vars.pending[key]))))
            case "meets":
                found = self.versions(name, record)
                return either(both(self.conditions(version, record, force)) for version, force in found)
        return either(both((s.applies, either((s.beaten, s.barred)))) for s in self.statuses(name, record))

    # -- amounts

    def rule(self, clause: ir.Clause) -> ir.Amount | None:
        """The amount that a clause pays by: its own, or the measure's."""
        assert isinstance(clause.effect, ir.Grant)
        day = self.world.stretch.first
        return clause.effect.amount or self.program.amount_rule(clause.effect.measure, clause.entity, day)

    def amount(self, measure: str, record: Record) -> Num:
        """What a measure pays a record where it is granted, in fen; 无 where two amounts conflict or none is said."""
        key = (measure, record)
        if key not in self._amounts:
            sure, ruled = list[tuple[Status, Truth]](), list[tuple[Status, Truth]]()
            for status in self.granting(measure, record):
                effect = status.clause.effect
                assert isinstance(effect, ir.Grant)
                if effect.may:
                    granted = self.ruling(status.clause.basis.name.id, record).of("granted")
                    ruled.append((status, both((status.stands, granted))))
                else:
                    sure.append((status, status.stands))
            any_sure = either(holds for _, holds in sure)
            paying = [*sure, *((s, both((holds, negate(any_sure)))) for s, holds in ruled)]
            self._amounts[key] = self._paid(paying)
        return self._amounts[key]

    amount_before = amount

    def _paid(self, paying: list[tuple[Status, Truth]]) -> Num:
        """The amount of the one rule that pays; 无 where none does, or more than one."""
        rules: dict[int, list[tuple[Status, Truth]]] = {}
        for status, pays in paying:
            if pays is not False:
                rules.setdefault(id(self.rule(status.clause)), []).append((status, pays))
        groups = [(found[0][0], either(pays for _, pays in found)) for found in rules.values()]
        if not groups:
            return logic.NO_NUMBER
        whole: Num | None = None
        for number, (status, pays) in enumerate(groups):
            others = either(p for n, (_, p) in enumerate(groups) if n != number)
            total = self.total(status.clause, status.subject)
            alone = both((pays, negate(others)))
            if whole is None:
                whole = replace(total, none=either((total.none, negate(alone))))
            else:
                whole = choose(alone, total, whole)
        assert whole is not None
        return whole

    def total(self, clause: ir.Clause, record: Record) -> Num:
        """What a clause pays, each month or once."""
        rule = self.rule(clause)
        if rule is None:
            return logic.NO_NUMBER
        total = self.world.value(rule.total, self.chosen(clause, record))
        assert isinstance(total, Num)
        return total

    def chosen(self, clause: ir.Clause, record: Record) -> Env:
        """The environment of what a clause pays: its subject, and what the approver chose."""
        if not clause.discretion:
            return subject(record)
        _, choices = self._ruled(clause.basis.name.id, record)
        return {**subject(record), **{f"choice:{name}": number for name, number in choices.items()}}


def chain(*lines: tuple[str, Truth]) -> Pick:
    """The first line that holds."""
    ways: list[tuple[Truth, str]] = []
    before: list[Truth] = []
    for name, holds in lines:
        ways.append((both((holds, negate(either(before)))), name))
        before.append(holds)
    return logic.merged(ways)


def lose(answer: Pick, taken: Truth, losing: tuple[str, ...]) -> Pick:
    """The outcome when something else may take the place of a grant."""
    ways: list[tuple[Truth, Any]] = []
    for outcome, guard in answer.ways:
        if outcome in losing:
            ways += [(both((guard, negate(taken))), outcome), (both((guard, taken)), "superseded")]
        else:
            ways.append((guard, outcome))
    return logic.merged(ways)
