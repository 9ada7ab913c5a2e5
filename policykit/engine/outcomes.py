"""Clauses → outcomes, at the bounds level: one pass over one case under some assumptions.

`Status` is what one clause says of one record; the outcomes of a measure are the image of everything its clauses may
say together, taken as independent. The order of overriding is acyclic, which the checker has seen to.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from policykit import ir
from policykit.engine.terms import Env, Terms, subject
from policykit.facts import Case, Election, Instance, Ruling
from policykit.ops import OPS
from policykit.trace import Payment
from policykit.values import (
    FALSE,
    NOTHING,
    TRUE,
    Bounds,
    Gap,
    Missing,
    Value,
    both,
    either,
    exactly,
    gaps,
    join,
    negate,
    settle,
)  # fmt: skip

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

    def assuming(self, gap: Gap, value: Value) -> Outcomes:
        """A pass under one assumption more; what the gap does not keep open is taken over."""
        assumed = {**self.terms.assumed, gap: value}
        inner = Outcomes(self.program, self.case, self.on, self.rulings, self.elections, assumed, self.behind)
        inner.terms.inherit(self.terms, gap)
        inner._status = {key: found for key, found in self._status.items() if gap not in found.missing}
        inner._answers = {key: found for key, found in self._answers.items() if gap not in found.depends_on}
        return inner

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

    def beaters(self, clause: ir.Clause, record: Instance) -> list[tuple[str, Bounds]]:
        """The clauses that prevail over one, with whether each stands; a may-clause counts once a ruling grants it."""
        found = []
        for other in sorted(self.program.blockers.get(clause.basis.name.id, ())):
            for higher in self.on_or_above(other, record):
                for status in self.statuses(other, higher):
                    effect = status.clause.effect
                    if isinstance(effect, ir.Grant) and effect.may and not self.granted_by_ruling(status):
                        continue
                    found.append((other, status.stands))
        return found

    def barriers(self, clause: ir.Clause, record: Instance) -> list[tuple[str, Bounds]]:
        """The exclusions (or, for a duty, the bans) that stand against a clause."""
        own, found = clause.basis.name.id, []
        for other, versions in self.program.clauses.items():
            if own in self.program.blockers.get(other, ()) or not self.bars(versions[0], clause):
                continue
            for higher in self.on_or_above(other, record):
                if higher is record or getattr(versions[0].effect, "members", False):
                    found += [(other, status.stands) for status in self.statuses(other, higher)]
        return found

    def bars(self, other: ir.Clause, clause: ir.Clause) -> bool:
        match other.effect, clause.effect:
            case ir.Withhold(measures=measures), ir.Grant(measure=measure):
                return measure in measures
            case ir.Ban(act=banned), ir.Duty(act=act):
                return banned in self.acts_of(act)
        return False

    def acts_of(self, act: str) -> list[str]:
        """An act and the acts it is part of."""
        found = [act]
        while (whole := self.program.acts[found[-1]].part_of) is not None and whole not in found:
            found.append(whole)
        return found

    def on_or_above(self, clause: str, record: Instance) -> list[Instance]:
        """The record itself, or the one it lies in, where a clause speaks of that."""
        entity = self.program.clauses[clause][0].entity if clause in self.program.clauses else ""
        here: Instance | None = record
        while here is not None and here.entity != entity:
            here = here.upper
        return [here] if here is not None else []

    # -- rulings

    def ruling(self, clause: ir.Clause, record: Instance) -> Ruling | None:
        """The latest ruling on a clause for a record, of the day or before, for the application it decides."""
        found = [
            r
            for r in self.rulings
            if r.clause == clause.basis.name.id and r.subject is record and r.day <= self.on
        ]
        if clause.application is not None:
            found = [r for r in found if r.application is None or self.decides(r, clause, record)]
        return max(found, key=lambda r: r.day, default=None)

    def decides(self, ruling: Ruling, clause: ir.Clause, record: Instance) -> bool:
        assert clause.application is not None
        pending = self.terms.value(clause.application, subject(record))
        if not pending.known or pending.value is None:
            return False
        day = pending.value
        if isinstance(day, Instance):
            dated = self.program.entities[day.entity].known_from
            day = day.known(dated) if dated else None
        return bool(day == ruling.application)

    def granted_by_ruling(self, status: Status) -> bool:
        ruling = self.ruling(status.clause, status.subject)
        return ruling is not None and ruling.choices is not None

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
                found.add(IN_SCOPE | self.standing(status))
        return found

    def standing(self, status: Status) -> int:
        """The mark of a granting clause that stands."""
        effect = status.clause.effect
        assert isinstance(effect, ir.Grant)
        if not effect.may:
            return GRANTS
        ruling = self.ruling(status.clause, status.subject)
        if ruling is None:
            return MAY_OPEN
        return MAY_DENIED if ruling.choices is None else MAY_GRANTED

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
        for name, (first, *_) in self.program.clauses.items():
            effect = first.effect
            if isinstance(effect, ir.Withhold) and measure in effect.measures:
                for higher in self.on_or_above(name, record):
                    if higher is record or effect.members:
                        found += self.statuses(name, higher)
        return found

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
                    missing |= status.missing
            outcomes = frozenset(map(outcome, reachable))
            paying = self.paying(outcomes, grants)
            amount = None
            if paying:
                amounts = [self.amount_of(status) for status in paying]
                amount = settle(join(amounts), gaps(amounts) | gaps(s.stands for s in paying))
            sure, possible = self.deciding(outcomes, grants, bars)
            missing = missing if len(outcomes) > 1 else NOTHING
            self._answers[key] = Answer(
                outcomes, amount, missing, sure, possible, self.winners(outcomes, grants)
            )
        return self._answers[key]

    def paying(self, outcomes: frozenset[str], grants: list[Status]) -> list[Status]:
        """The clauses that may pay: what a ruling grants pays only where no clause grants by itself."""
        if not outcomes & {"granted", "discretionary"}:
            return []
        sure = any(s.stands.lo and self.standing(s) == GRANTS for s in grants)
        ruled = MAY_GRANTED | (MAY_OPEN if "discretionary" in outcomes else 0)
        marks = GRANTS if sure else GRANTS | ruled
        return [s for s in grants if s.stands.hi and self.standing(s) & marks]

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
            if chosen is None or chosen == measure:
                return answer
            # whoever chose what is not granted has given up nothing
            elected = [self.obtained(self.base(chosen, r)) for r in self.same_subject(chosen, record)]
            return self.lose(answer, either(elected))
        if exclusive.how == "by_order":
            earlier = exclusive.measures[: exclusive.measures.index(measure)]
            taken = either(
                [self.obtained(self.final(m, r)) for m in earlier for r in self.same_subject(m, record)]
            )
            return self.lose(answer, taken)
        higher = [self.higher(answer, self.base(m, r), exclusive.measures.index(m) < exclusive.measures.index(measure))
                  for m in exclusive.measures if m != measure for r in self.same_subject(m, record)]  # fmt: skip
        return self.lose(answer, either(higher))

    @staticmethod
    def obtained(answer: Answer) -> Bounds:
        lo, hi = answer.outcomes == {"granted"}, "granted" in answer.outcomes
        return settle(Bounds(lo, hi), answer.missing)

    def higher(self, own: Answer, other: Answer, wins_ties: bool) -> Bounds:
        """Whether another measure is granted with a higher amount (or an equal one, coming first)."""
        if other.amount is None or own.amount is None:
            return FALSE
        op = OPS["ge" if wins_ties else "gt"]
        more = op.apply((other.amount, own.amount))
        assert isinstance(more, Bounds)
        return both((self.obtained(other), more))

    @staticmethod
    def lose(answer: Answer, taken: Bounds) -> Answer:
        """The answer when something else may take the place of a grant."""
        if not taken.hi:
            return answer
        after = frozenset("superseded" if o in ("granted", "discretionary") else o for o in answer.outcomes)
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

    def same_subject(self, measure: str, record: Instance) -> list[Instance]:
        """The records that count as one subject with this one for a measure: itself, its household, its members."""
        entities = self.program.measures[measure].entities
        related = [record, *self.line(record), *(s for s in self.case.subjects if record in self.line(s))]
        return [r for r in related if r.entity in entities]

    def verdict(self, kind: str, name: str, record: Instance) -> Bounds:
        """符合 and 受阻 of a clause, 获得 of a measure, as rules may ask for them."""
        if kind == "obtains":
            answer = self.final(name, record)
            lo, hi = answer.outcomes == {"granted"}, bool(answer.outcomes & {"granted", "discretionary"})
            pending = (
                frozenset([Gap("ruling", record.path, name)])
                if "discretionary" in answer.outcomes
                else NOTHING
            )
            return settle(Bounds(lo, hi), answer.missing | pending)
        if kind == "meets":
            # a clause may read a clause that it overrides: scope and test wait for no priority
            versions = self.versions(name, record)
            return either(both(self.conditions(version, record, force)) for version, force in versions)
        return either(both((s.applies, either((s.beaten, s.barred)))) for s in self.statuses(name, record))

    # -- amounts

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
        ruling = self.ruling(clause, status.subject)
        if ruling is not None and ruling.choices is not None:
            return [{**env, **{f"choice:{name}": exactly(number) for name, number in ruling.choices}}]
        ranges = [range(d.low, d.high + 1) for d in clause.discretion]
        names = [f"choice:{d.name.id}" for d in clause.discretion]
        return [
            {**env, **dict(zip(names, map(exactly, numbers), strict=True))}
            for numbers in itertools.islice(itertools.product(*ranges), 64)
        ]

    def payment(self, status: Status) -> Payment | None:
        """The amount that a clause pays, with its parts and options."""
        rule = self.rule(status)
        if rule is None:
            return None
        ways = self.choices(status)
        totals = [self.terms.value(rule.total, env) for env in ways]
        env, own = ways[0], subject(status.subject)
        parts = tuple(
            (part.name, join([self.terms.value(part.expr, way) for way in ways])) for part in rule.parts
        )
        first = self.terms.value(rule.start, own) if rule.start is not None else None
        months = self.terms.value(rule.months, env) if rule.months is not None else None
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
