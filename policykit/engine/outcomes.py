"""Clauses → outcomes, at the bounds level: one pass over one case under some assumptions.

`Status` is what one clause says of one record; the outcomes of a measure are the image of everything its clauses may
say together, taken as independent. The order of overriding is acyclic, which the checker has seen to.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import prod

from policykit import ir
from policykit.engine.terms import Env, Terms, subject
from policykit.facts import Case, Election, Instance, Ruling
from policykit.ops import OPS
from policykit.trace import Payment
from policykit.values import (
    FALSE,
    NONE,
    NOTHING,
    TRUE,
    Bounds,
    Gap,
    Missing,
    Options,
    Value,
    both,
    either,
    exactly,
    gaps,
    join,
    negate,
    settle,
    truth,
)  # fmt: skip

MOST_WAYS = 64  # in which an approver may choose, each with its amount

# What a clause may say of a subject, as a set of marks; a measure's outcome depends on the marks of all its clauses.
IN_SCOPE, GRANTS, MAY_GRANTED, MAY_OPEN, MAY_DENIED, EXCLUDES, BEATEN, BARRED = (1 << i for i in range(8))


def outcome(marks: int) -> str:
    """The outcome of a measure, from the marks of its clauses: the first line that fits."""
    if marks & EXCLUDES:
        return "excluded"
    if marks & (GRANTS | MAY_GRANTED):
        return "granted"
    if marks & MAY_OPEN:
        return "discretionary"
    if marks & MAY_DENIED:
        return "refused"
    if marks & BEATEN:
        return "superseded"
    if marks & BARRED:
        return "excluded"
    return "refused" if marks & IN_SCOPE else "not_covered"


@dataclass(frozen=True, slots=True)
class Status:
    """One clause version on one subject: is it in scope, is the test met, do grants or exclusions override it."""

    clause: ir.Clause
    subject: Instance
    scope: Bounds
    test: Bounds
    beaten: Bounds
    barred: Bounds

    @property
    def missing(self) -> Missing:
        return gaps((self.scope, self.test, self.beaten, self.barred))

    @property
    def applies(self) -> Bounds:
        return both((self.scope, self.test))

    @property
    def stands(self) -> Bounds:
        return both((self.scope, self.test, negate(self.beaten), negate(self.barred)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question comes to: the possibilities, the amount, what keeps it open.

    `sure` and `possible` are the clauses that decide it, `over` those that override a grant.
    """

    outcomes: frozenset[str]
    amount: Value | None = None
    missing: Missing = NOTHING
    sure: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()
    tree: object = None

    @property
    def origin(self) -> object:
        """The tree of questions an answer came from; a settled answer is its own, an open one is like no other."""
        if self.tree is not None:
            return self.tree
        return (self.outcomes, self.amount) if self.settled else object()

    @property
    def depends_on(self) -> Missing:
        """Every gap that an assumption may close with effect on this answer."""
        return self.missing | self.amount.missing if self.amount is not None else self.missing

    @property
    def waits_for(self) -> Missing:
        """What keeps the outcome open, and the amount where there is something to grant."""
        return self.depends_on if "granted" in self.outcomes else self.missing

    @property
    def settled(self) -> bool:
        return len(self.outcomes) == 1 and (self.amount is None or not self.amount.missing)


class Outcomes:
    """One pass over a case; every clause and measure is judged once and remembered."""

    def __init__(
        self, program: ir.Program, case: Case, on: date, rulings: tuple[Ruling, ...], elections: tuple[Election, ...],
        assumed: Mapping[Gap, Value] | None = None, behind: dict[Gap, Missing] | None = None,
    ) -> None:  # fmt: skip
        self.program, self.case, self.on = program, case, on
        self.rulings, self.elections = rulings, elections
        self.behind: dict[Gap, Missing] = {} if behind is None else behind
        self.terms = Terms(program, case, on, self, assumed or {}, self.behind)
        self._conditions: dict[tuple[int, Instance], tuple[Bounds, Bounds]] = {}
        self._status: dict[tuple[int, Instance], Status] = {}
        self._answers: dict[tuple[str, Instance, bool], Answer] = {}
        self._amounts: dict[tuple[str, Instance], Value | None] = {}

    def assuming(self, gap: Gap, value: Value) -> Outcomes:
        """A pass under one assumption more; what the gap does not keep open is taken over."""
        inner = self.again({**self.terms.assumed, gap: value})
        inner.terms.inherit(self.terms, gap)
        inner._status = {key: found for key, found in self._status.items() if gap not in found.missing}
        inner._answers = {key: found for key, found in self._answers.items() if gap not in found.depends_on}
        inner._amounts = {
            key: found for key, found in self._amounts.items() if found and gap not in found.missing
        }
        return inner

    def again(self, assumed: Mapping[Gap, Value]) -> Outcomes:
        """A pass of the same kind that knows nothing yet."""
        return Outcomes(self.program, self.case, self.on, self.rulings, self.elections, assumed, self.behind)

    # -- clauses

    def versions(self, clause: str, record: Instance) -> Iterator[tuple[ir.Clause, Bounds]]:
        """The versions of a clause with whether each is in force: on the day asked for, or on the event it names."""
        for version in self.program.clauses.get(clause, ()):
            if version.as_of is None:
                if version.period.holds(self.on):
                    yield version, TRUE
                continue
            day = self.terms.value(version.as_of, subject(record))
            inside = []
            if version.period.start is not None:
                inside.append(OPS["ge"].apply((day, exactly(version.period.start))))
            if version.period.end is not None:
                inside.append(OPS["le"].apply((day, exactly(version.period.end))))
            holds = both([OPS["has"].apply((day,)), *inside])  # type: ignore[list-item]
            if holds.hi:
                yield version, holds

    def conditions(self, clause: ir.Clause, record: Instance, force: Bounds = TRUE) -> tuple[Bounds, Bounds]:
        """Scope and test of one clause version on one record, and nothing of what overrides it."""
        key = (id(clause), record)
        if key not in self._conditions:
            env = subject(record)
            scope = TRUE if clause.scope is None else self.terms.truth(clause.scope, env)
            scope = both((force, scope))
            test = TRUE if clause.test is None or not scope.hi else self.terms.truth(clause.test, env)
            self._conditions[key] = scope, test
        return self._conditions[key]

    def status(self, clause: ir.Clause, record: Instance, force: Bounds = TRUE) -> Status:
        """What is known of one clause version on one record."""
        key = (id(clause), record)
        if key not in self._status:
            scope, test = self.conditions(clause, record, force)
            beaten, barred = FALSE, FALSE
            if scope.hi and test.hi:
                beaten = either([s for _, s in self.beaters(clause, record)])
                barred = either([s for _, s in self.barriers(clause, record)])
            self._status[key] = Status(clause, record, scope, test, beaten, barred)
        return self._status[key]

    def statuses(self, clause: str, record: Instance) -> list[Status]:
        return [self.status(version, record, force) for version, force in self.versions(clause, record)]

    def beaters(self, clause: ir.Clause, record: Instance, measure: str = "") -> list[tuple[str, Bounds]]:
        """The clauses that prevail over one, with whether each stands; a may-clause counts once a ruling grants it.

        Only what concerns `measure` counts, for a grant the one it grants.
        """
        if isinstance(clause.effect, ir.Grant):
            measure = clause.effect.measure
        found = []
        for other in sorted(self.program.blockers.get(clause.basis.name.id, ())):
            for higher in self.on_or_above(other, record):
                for status in self.statuses(other, higher):
                    match status.clause.effect:
                        case ir.Grant(measure=granted, may=may) if measure in ("", granted):
                            ruled = self.granted_by_ruling(status) if may else TRUE
                            found.append((other, both((status.stands, ruled))))
                        case ir.Duty() | ir.Ban():
                            found.append((other, status.stands))
        return found

    def as_to(self, status: Status, measure: str, record: Instance) -> Status:
        """An exclusion as to one measure and one record: what prevails over it there lifts it there only."""
        assert isinstance(status.clause.effect, ir.Withhold)
        around = record if status.clause.effect.members else status.subject
        over = either([holds for _, holds in self.beaters(status.clause, around, measure)])
        return replace(status, beaten=over)

    def barriers(self, clause: ir.Clause, record: Instance) -> list[tuple[str, Bounds]]:
        """The exclusions (or, for a duty, the bans) that stand against a clause, those that prevail over it included."""
        found = []
        above = self.program.blockers.get(clause.basis.name.id, ())
        for other in self.barring(clause):
            for higher in self.on_or_above(other, record):
                for status in self.statuses(other, higher):
                    match status.clause.effect, clause.effect:
                        case ir.Withhold(members=members), ir.Grant(measure=measure) if (
                            members or higher is record or other in above
                        ):
                            found.append((other, self.as_to(status, measure, record).stands))
                        case ir.Ban(), _ if higher is record:
                            found.append((other, status.stands))
        return found

    def barring(self, clause: ir.Clause) -> list[str]:
        """The exclusions and bans that concern a clause, without those over which it prevails."""
        own, blockers = clause.basis.name.id, self.program.blockers
        return [
            name
            for name, (first, *_) in self.program.clauses.items()
            if own not in blockers.get(name, ()) and self.program.bars(first, clause)
        ]

    def on_or_above(self, clause: str, record: Instance) -> list[Instance]:
        """The record itself, or the one it lies in, where a clause speaks of that."""
        entity = self.program.clauses[clause][0].entity if clause in self.program.clauses else ""
        if entity not in self.program.entity_path(record.entity):
            return []
        return [record if record.entity == entity else self.terms.upper(record, entity)]

    # -- rulings

    def rulings_on(self, clause: ir.Clause, record: Instance) -> list[tuple[Ruling | None, Bounds]]:
        """The rulings that may be the latest one on a clause for a record, of the day or before; `None` for none.

        Each comes with whether it is about the application that the clause now speaks of. Of one day, the last counts.
        """
        about = [r for r in self.rulings if r.clause == clause.basis.name.id and r.subject is record]
        found: list[tuple[Ruling | None, Bounds]] = []
        for ruling in sorted(about, key=lambda r: r.day)[::-1]:
            counts = self.decides(ruling, clause, record) if ruling.day <= self.on else FALSE
            if counts.hi:
                found.append((ruling, counts))
            if counts.lo:
                return found
        return [*found, (None, TRUE)]

    def decides(self, ruling: Ruling, clause: ir.Clause, record: Instance) -> Bounds:
        """Whether a ruling is about the application that a clause names."""
        if clause.application is None or ruling.application is None:
            return TRUE
        day = self.terms.value(clause.application, subject(record))
        if isinstance(day, Options):
            days = [self.applied_on(one) for one in day.values or () if one is not None]
            none = [NONE] if day.none else []
            day = settle(join([*days, *none]), day.missing | gaps(days))
        same = OPS["eq"].apply((day, exactly(ruling.application)))
        assert isinstance(same, Bounds)
        return same

    def applied_on(self, application: Instance) -> Value:
        """The date of an application: the one that makes it known."""
        dated = self.program.entities[application.entity].known_from
        return self.terms.fact(application, dated) if dated else NONE

    def granted_by_ruling(self, status: Status) -> Bounds:
        """Whether the latest ruling grants."""
        rulings = self.rulings_on(status.clause, status.subject)
        grants = [ruling is not None and ruling.choices is not None for ruling, _ in rulings]
        return truth(not all(grants), any(grants), gaps(counts for _, counts in rulings))

    # -- measures

    def marks(self, status: Status) -> set[int]:
        """Every set of marks that one clause may come to."""
        effect = status.clause.effect
        if isinstance(effect, ir.Withhold):
            return ({EXCLUDES} if status.stands.hi else set()) | ({0} if not status.stands.lo else set())
        assert isinstance(effect, ir.Grant)
        found = set() if status.scope.lo else {0}
        if not status.scope.hi:
            return found
        if not status.test.lo:
            found.add(IN_SCOPE)
        if status.test.hi:
            if status.beaten.hi:
                found.add(IN_SCOPE | BEATEN)
            if status.barred.hi and not status.beaten.lo:
                found.add(IN_SCOPE | BARRED)
            if status.stands.hi:
                found |= {IN_SCOPE | mark for mark in self.standing(status)}
        return found

    def standing(self, status: Status) -> set[int]:
        """The marks that a granting clause may have when it stands."""
        effect = status.clause.effect
        assert isinstance(effect, ir.Grant)
        if not effect.may:
            return {GRANTS}
        rulings = [ruling for ruling, _ in self.rulings_on(status.clause, status.subject)]
        return {MAY_OPEN if r is None else MAY_DENIED if r.choices is None else MAY_GRANTED for r in rulings}

    def granting(self, measure: str, record: Instance) -> list[Status]:
        """The clauses that grant or may grant a measure to a record, in source order."""
        return [
            status
            for name, (first, *_) in self.program.clauses.items()
            if isinstance(first.effect, ir.Grant)
            and first.effect.measure == measure
            and first.entity == record.entity
            for status in self.statuses(name, record)
        ]

    def excluding(self, measure: str, record: Instance) -> list[Status]:
        found = []
        for name, effect in self.withholding(measure):
            for higher in self.on_or_above(name, record):
                if higher is record or effect.members:
                    found += [self.as_to(s, measure, record) for s in self.statuses(name, higher)]
        return found

    def withholding(self, measure: str) -> list[tuple[str, ir.Withhold]]:
        """The exclusions from a measure."""
        effects = ((name, first.effect) for name, (first, *_) in self.program.clauses.items())
        return [(n, e) for n, e in effects if isinstance(e, ir.Withhold) and measure in e.measures]

    def base(self, measure: str, record: Instance) -> Answer:
        """The outcomes of a measure for a record before mutual exclusion."""
        key = (measure, record, False)
        if key not in self._answers:
            grants, bars = self.granting(measure, record), self.excluding(measure, record)
            reachable = {0}
            missing: Missing = NOTHING
            for status in (*bars, *grants):
                marks = self.marks(status)
                reachable = {one | more for one in reachable for more in marks}
                if len(marks) > 1:
                    missing |= status.missing | self.unsure_rulings(status)
            outcomes = frozenset(map(outcome, reachable))
            sure, possible = self.deciding(outcomes, grants, bars)
            missing = missing if len(outcomes) > 1 else NOTHING
            over = self.winners(outcomes, grants)
            self._answers[key] = Answer(outcomes, None, missing, sure, possible, over)
        return self._answers[key]

    def unsure_rulings(self, status: Status) -> Missing:
        """What keeps open which ruling counts."""
        if not isinstance(status.clause.effect, ir.Grant) or not status.clause.effect.may:
            return NOTHING
        return gaps(counts for _, counts in self.rulings_on(status.clause, status.subject))

    def paying(self, outcomes: frozenset[str], grants: list[Status]) -> list[Status]:
        """The clauses that may pay: what a ruling grants pays only where no clause grants by itself."""
        if not outcomes & {"granted", "discretionary"}:
            return []
        sure = any(s.stands.lo and self.standing(s) == {GRANTS} for s in grants)
        ruled = MAY_GRANTED | (MAY_OPEN if "discretionary" in outcomes else 0)
        marks = GRANTS if sure else GRANTS | ruled
        return [s for s in grants if s.stands.hi and any(mark & marks for mark in self.standing(s))]

    def deciding(
        self, outcomes: frozenset[str], grants: list[Status], bars: list[Status]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """The clauses that surely, and that possibly, bring about an outcome."""
        if outcomes <= {"granted", "discretionary"}:
            pairs = [(s.clause, s.stands) for s in self.paying(outcomes, grants)]
        elif outcomes == {"excluded"}:
            pairs = [(s.clause, s.stands) for s in bars]
        elif outcomes == {"superseded"}:
            pairs = [(s.clause, both((s.applies, s.beaten))) for s in grants]
        else:
            pairs = [(s.clause, s.scope) for s in grants]
        names = [(clause.basis.name.id, holds) for clause, holds in pairs]
        return frozenset(n for n, h in names if h.lo), frozenset(n for n, h in names if h.hi)

    def winners(self, outcomes: frozenset[str], grants: list[Status]) -> frozenset[str]:
        """The clauses that override a grant that would otherwise stand."""
        if "superseded" not in outcomes:
            return frozenset()
        return frozenset(
            name
            for s in grants
            if s.applies.hi
            for name, holds in self.beaters(s.clause, s.subject)
            if holds.hi
        )

    def final(self, measure: str, record: Instance) -> Answer:
        """The outcomes after mutual exclusion."""
        key = (measure, record, True)
        if key not in self._answers:
            answer = self.base(measure, record)
            for exclusive in self.program.exclusives:
                if measure in exclusive.measures and answer.outcomes & {"granted", "discretionary"}:
                    answer = self.exclude(exclusive, measure, record, answer)
            self._answers[key] = answer
        return self._answers[key]

    def exclude(self, exclusive: ir.Exclusive, measure: str, record: Instance, answer: Answer) -> Answer:
        if exclusive.how == "by_election":
            chosen = self.election(exclusive, record)
            others = [] if chosen in (None, measure) else [m for m in exclusive.measures if m == chosen]
            # whoever chose what is not granted has given up nothing
            return self.lose(answer, self.beside(others, record, lambda m, r: self.obtained(self.base(m, r))))
        if exclusive.how == "by_order":
            others = list(exclusive.measures[: exclusive.measures.index(measure)])
            return self.lose(
                answer, self.beside(others, record, lambda m, r: self.obtained(self.final(m, r)))
            )
        others = [m for m in exclusive.measures if m != measure]
        more = self.beside(others, record, lambda m, r: self.higher((measure, record), (m, r), exclusive))
        # what waits for a ruling has no amount to weigh yet: it only joins the list
        return self.lose(answer, more, frozenset({"granted"}))

    def beside(self, measures: list[str], record: Instance, of: Callable[[str, Instance], Bounds]) -> Bounds:
        """Whether something holds of one of these measures, for a record that counts as one subject with this one."""
        return either(
            [both((there, of(m, r))) for m in measures for r, there in self.same_subject(m, record)]
        )

    @staticmethod
    def obtained(answer: Answer) -> Bounds:
        lo, hi = answer.outcomes == {"granted"}, "granted" in answer.outcomes
        return settle(Bounds(lo, hi), answer.missing)

    def higher(
        self, own: tuple[str, Instance], other: tuple[str, Instance], exclusive: ir.Exclusive
    ) -> Bounds:
        """Whether another measure is granted with a higher amount (or an equal one, coming first)."""
        obtained = self.obtained(self.base(*other))
        amounts = (self.amount(*other), self.amount(*own)) if obtained.hi else (None, None)
        if amounts[0] is None or amounts[1] is None:
            return FALSE
        place = exclusive.measures.index
        more = OPS["ge" if place(other[0]) < place(own[0]) else "gt"].apply((amounts[0], amounts[1]))
        assert isinstance(more, Bounds)
        return both((obtained, more))

    @staticmethod
    def lose(
        answer: Answer, taken: Bounds, losing: frozenset[str] = frozenset({"granted", "discretionary"})
    ) -> Answer:
        """The answer when something else may take the place of a grant."""
        if not taken.hi or not answer.outcomes & losing:
            return answer
        after = frozenset("superseded" if o in losing else o for o in answer.outcomes)
        outcomes = after if taken.lo else after | answer.outcomes
        return replace(answer, outcomes=outcomes, missing=answer.missing | taken.missing)

    def election(self, exclusive: ir.Exclusive, record: Instance) -> str | None:
        household = {record, *self.line(record)}
        found = [e for e in self.elections
                 if e.exclusive == exclusive.basis.name.id and e.day <= self.on and (e.subject in household or record in self.line(e.subject))]  # fmt: skip
        latest = max(found, key=lambda e: e.day, default=None)
        return latest.measure if latest else None

    @staticmethod
    def line(record: Instance) -> list[Instance]:
        """The records that one lies in."""
        found = []
        while record.upper is not None:
            record = record.upper
            found.append(record)
        return found

    def same_subject(self, measure: str, record: Instance) -> list[tuple[Instance, Bounds]]:
        """The records that count as one subject with this one for a measure, with whether they are there: itself,
        its household, its members, those that nobody listed yet included."""
        entities = self.program.measures[measure].entities
        related = [(r, TRUE) for r in (record, *self.line(record))] + list(self.members(record))
        return [(r, there) for r, there in related if r.entity in entities]

    def members(self, record: Instance) -> Iterator[tuple[Instance, Bounds]]:
        """The records that lie in one."""
        for name, decl in self.program.entities[record.entity].lists.items():
            for item, there, _ in self.terms.listing(record, name) if decl.kind == "members" else ():
                yield item, there
                yield from ((inner, both((there, present))) for inner, present in self.members(item))

    def verdict(self, kind: str, name: str, record: Instance) -> Value:
        """符合 and 受阻 of a clause, 获得, 结果 and 应发金额 of a measure, as rules and properties may ask for them."""
        if kind == "amount":
            return self.paid(name, record)
        if kind == "outcome":
            answer = self.final(name, record)
            return settle(Options(answer.outcomes), answer.missing)
        if kind == "obtains":
            answer = self.final(name, record)
            lo, hi = answer.outcomes == {"granted"}, bool(answer.outcomes & {"granted", "discretionary"})
            gap = Gap("ruling", record.path, name)
            if answer.outcomes == {"discretionary"} and gap in self.terms.assumed:
                return self.terms.assumed[gap]
            pending = frozenset([gap]) if "discretionary" in answer.outcomes else NOTHING
            return settle(Bounds(lo, hi), answer.missing | pending)
        if kind == "meets":
            # a clause may read a clause that it overrides: scope and test wait for no priority
            versions = self.versions(name, record)
            return either(both(self.conditions(version, record, force)) for version, force in versions)
        return either(both((s.applies, either((s.beaten, s.barred)))) for s in self.statuses(name, record))

    # -- amounts

    def decided(self, measure: str, record: Instance) -> Answer:
        """The outcomes after mutual exclusion, with the amount of what may be granted."""
        answer = self.final(measure, record)
        if not answer.outcomes & {"granted", "discretionary"}:
            return answer
        return replace(answer, amount=self.amount(measure, record))

    def amount(self, measure: str, record: Instance) -> Value | None:
        """The amount of a measure, should it be granted; apart from outcomes, which never wait for it by themselves."""
        key = (measure, record)
        if key not in self._amounts:
            paying = self.paying(self.base(measure, record).outcomes, self.granting(measure, record))
            amounts = [self.amount_of(status) for status in paying]
            open_ = gaps(amounts) | gaps(s.stands for s in paying)
            open_ = open_.union(*(self.unsure_rulings(s) for s in paying))
            self._amounts[key] = settle(join(amounts), open_) if amounts else None
        return self._amounts[key]

    def paid(self, measure: str, record: Instance) -> Value:
        """What a measure pays a record in the end: 无 unless it is granted, and where two amount rules conflict."""
        answer = self.final(measure, record)
        if "granted" not in answer.outcomes:
            return NONE
        paying = self.paying(frozenset({"granted"}), self.granting(measure, record))
        several = len({id(self.rule(status)) for status in paying}) > 1
        granted = answer.outcomes == {"granted"}
        if several and granted and all(s.stands.lo and len(self.standing(s)) == 1 for s in paying):
            return NONE
        amounts = [self.amount_of(status) for status in paying]
        open_ = answer.missing | gaps(amounts) | gaps(s.stands for s in paying)
        open_ = open_.union(*(self.unsure_rulings(s) for s in paying))
        return settle(join(amounts if granted and not several else [*amounts, NONE]), open_)

    def rule(self, status: Status) -> ir.Amount | None:
        effect = status.clause.effect
        assert isinstance(effect, ir.Grant)
        return effect.amount or self.program.amount_rule(effect.measure, status.clause.entity, self.on)

    def amount_of(self, status: Status) -> Value:
        payment = self.payment(status)
        return payment.amount if payment is not None else Bounds(0, 0)

    def choices(self, status: Status) -> list[Env]:
        """The environments of an amount: one for each way the approver may choose, or the one chosen."""
        clause, env = status.clause, subject(status.subject)
        chosen: list[Env] = [
            {**env, **{f"choice:{name}": exactly(number) for name, number in ruling.choices}}
            for ruling, _ in self.rulings_on(clause, status.subject)
            if ruling is not None and ruling.choices is not None
        ]
        if chosen and MAY_OPEN not in self.standing(status):
            return chosen
        ranges: list[Sequence[int]] = [range(d.low, d.high + 1) for d in clause.discretion]
        if (
            prod(d.high - d.low + 1 for d in clause.discretion) > MOST_WAYS
        ):  # too many to list: the ends, between which the amount lies
            ranges = [(d.low, d.high) for d in clause.discretion]
        names = [f"choice:{d.name.id}" for d in clause.discretion]
        return [
            {**env, **dict(zip(names, map(exactly, numbers), strict=True))}
            for numbers in itertools.product(*ranges)
        ]

    def payment(self, status: Status) -> Payment | None:
        """The amount that a clause pays, with its parts and options."""
        rule = self.rule(status)
        if rule is None:
            return None
        ways = self.choices(status)
        totals = [self.terms.value(rule.total, env) for env in ways]
        own = subject(status.subject)
        parts = tuple(
            (part.name, join([self.terms.value(part.expr, way) for way in ways])) for part in rule.parts
        )
        first = self.terms.value(rule.start, own) if rule.start is not None else None
        months = (
            join([self.terms.value(rule.months, way) for way in ways]) if rule.months is not None else None
        )
        amount = join(totals)
        whole = (
            OPS["multiply"].apply((amount, months))
            if months is not None
            else amount
            if rule.form == "once"
            else None
        )
        options = tuple(
            (tuple((d.name.id, way[f"choice:{d.name.id}"].value) for d in status.clause.discretion), total, self.holder(status.clause, way, total))
            for way, total in zip(ways, totals, strict=True)
            if status.clause.discretion
        )  # fmt: skip
        return Payment(rule, amount, parts, first, months, whole, options)

    def holder(self, clause: ir.Clause, env: Env, total: Value) -> str:
        """Who decides: the holder, or beyond the limit the other one; both while that is not known."""
        for discretion in clause.discretion:
            if discretion.limit is None:
                return discretion.holder
            over = OPS["gt"].apply((total, self.terms.value(discretion.limit, env)))
            if not over.known:
                return f"{discretion.holder} / {discretion.beyond}"
            return discretion.beyond if over.value else discretion.holder
        return ""
