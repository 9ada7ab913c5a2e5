"""The reference engine: one household in, its trace out.

Two levels. *Bounds* is one pass over three-valued truth and ranges (`outcomes`, `terms`). *Exact* asks again under
every assumption about the unknown truths, choices and comparisons that still matter, within `BUDGET` passes a
question, and joins the answers. Past the budget an answer may be wider, never different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from policykit import ir
from policykit.datatypes import Type
from policykit.engine.outcomes import Answer, Outcomes, Status
from policykit.engine.terms import Env, subject
from policykit.facts import Case, Election, Instance, Ruling
from policykit.ops import OPS
from policykit.trace import (
    ClauseState,
    ClauseVerdict,
    Decision,
    DutyInstance,
    DutyState,
    Entry,
    Finding,
    NoteEntry,
    Payment,
    Prohibition,
    Trace,
)
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
    settle,
)

BUDGET = 256
HOPELESS = 16  # with more open questions than this nothing is tried: the bounds are the answer
THOROUGH = 6  # up to so many open questions every combination is tried, and what cannot matter is left out
SMALL_COUNT = 8  # a whole number with at most so many possibilities is tried out too


def evaluate(
    program: ir.Program,
    case: Case,
    on: date,
    rulings: Sequence[Ruling] = (),
    elections: Sequence[Election] = (),
    exact: bool = True,
) -> Trace:
    """The trace of one household on one day. Never raises on a program and case that passed their checks."""
    return Interpreter(program, case, on, tuple(rulings), tuple(elections)).trace(exact)


class Search:
    """The exact level of one question: tries the gaps that keep its answer open, within the budget.

    With few gaps every combination is tried, so that what makes no difference drops out of what is missing. With
    many it stops as soon as every outcome that the bounds allow has been seen.
    """

    def __init__(self, first: Outcomes, ask: Callable[[Outcomes], Answer]) -> None:
        self.first, self.ask = first, ask
        self.passes = 0
        self.stopped = False
        self.seen: frozenset[str] = frozenset()
        self.tries: dict[Gap, list[Value]] = {}

    def answer(self) -> Answer:
        bounds = self.ask(self.first)
        self.whole = bounds.outcomes
        questions = len(self.open(bounds))
        if questions > HOPELESS:
            self.stopped = True
            return bounds
        self.thorough = questions <= THOROUGH
        found = self.explore(self.first, bounds)
        if not self.thorough and not found.settled:
            found = replace(found, missing=bounds.missing)
        return replace(found, outcomes=found.outcomes & bounds.outcomes)

    def explore(self, level: Outcomes, answer: Answer) -> Answer:
        """The answer of one pass, under every further assumption that matters."""
        gaps_left = [] if answer.settled else self.open(answer)
        if not gaps_left or (not self.thorough and self.seen == self.whole):
            self.seen |= answer.outcomes
            return answer
        if self.passes >= BUDGET:
            self.stopped = True
            return answer
        gap = max(gaps_left, key=lambda g: (g.kind != "comparison", self.influence(g, gaps_left)))
        found = []
        for value in self.tries[gap]:
            self.passes += 1
            inner = level.assuming(gap, value)
            found.append(self.explore(inner, self.ask(inner)))
        return self.merge(gap, found)

    def open(self, answer: Answer) -> list[Gap]:
        """The gaps of an answer that can still be tried, in a fixed order."""
        for gap in answer.waits_for - self.tries.keys():
            self.tries[gap] = self.possibilities(gap)
        return sorted(gap for gap in answer.waits_for if self.tries[gap])

    def influence(self, gap: Gap, others: list[Gap]) -> int:
        """How many open comparisons hang on a gap."""
        return sum(gap in self.first.behind.get(other, NOTHING) for other in others)

    def merge(self, gap: Gap, found: list[Answer]) -> Answer:
        """One answer from those under each value of a gap.

        A gap makes no difference, and is not missing, when what follows under each of its values is the same tree
        of further questions and settled answers (Bryant, Graph-Based Algorithms for Boolean Function Manipulation).
        """
        trees = [answer.origin for answer in found]
        sure = frozenset.intersection(*(answer.sure for answer in found))
        possible = frozenset[str]().union(*(answer.possible for answer in found))
        over = frozenset[str]().union(*(answer.over for answer in found))
        if all(tree == trees[0] for tree in trees):
            # the same answer may have another ground under each value
            return replace(found[0], sure=sure, possible=possible, over=over)
        amounts = [answer.amount for answer in found if answer.amount is not None]
        missing = frozenset[Gap]().union(*(answer.missing for answer in found))
        this = frozenset([gap]) | self.first.behind.get(gap, NOTHING)
        outcomes = frozenset[str]().union(*(answer.outcomes for answer in found))
        amount = join(amounts) if amounts else None
        return Answer(
            outcomes,
            amount if amount is None else settle(amount, amount.missing | this),
            missing | this if len(outcomes) > 1 else missing,
            sure,
            possible,
            over,
            (gap, *trees),
        )

    def possibilities(self, gap: Gap) -> list[Value]:
        """The values to try for a gap: a truth, the labels of a choice, a small count; none for what has too many."""
        if gap.kind == "comparison":
            return [TRUE, FALSE]
        if gap.kind == "fact":
            record = self.first.case.index.get(gap.path)
            if record is None:
                return []
            entity = self.first.program.entities[record.entity]
            if gap.name not in entity.facts:
                return []
            return self.tried(self.first.terms.fact(record, gap.name), entity.facts[gap.name].type)
        if gap.kind == "parameter" and gap.name in self.first.program.parameters:
            record = self.first.case.index.get(gap.path)
            parameter = self.first.program.parameters[gap.name]
            if gap.path and record is None:
                return []
            env = Gap("parameter", gap.path, gap.name, gap.cause)
            return self.tried(
                self.first.terms.unknown(parameter.type, parameter.low, parameter.high, env, record),
                parameter.type,
            )
        return []

    @staticmethod
    def tried(value: Value, of: Type) -> list[Value]:
        if isinstance(value, Options) and of.kind == "choice" and value.values is not None:
            labels = sorted(value.values, key=lambda label: label or "")
            return [Options(frozenset([label])) for label in labels]
        if isinstance(value, Bounds) and of.kind == "bool":
            return [TRUE, FALSE]
        if isinstance(value, Bounds) and of.kind == "number" and not of.money and value.lo is not None:
            whole = all(unit in ("人", "户", "月", "年", "岁") for unit, _ in of.dimension) and bool(
                of.dimension
            )
            if whole and value.hi - value.lo < SMALL_COUNT:
                numbers = [exactly(n) for n in range(int(value.lo), int(value.hi) + 1)]
                return numbers + ([exactly(None)] if value.none else [])
        return []


class Interpreter:
    """Puts every question about one case to the two levels, and writes the trace."""

    def __init__(
        self,
        program: ir.Program,
        case: Case,
        on: date,
        rulings: tuple[Ruling, ...],
        elections: tuple[Election, ...],
        assumed: Mapping[Gap, Value] | None = None,
        first: Outcomes | None = None,
    ) -> None:
        """`assumed` fills gaps, such as the parameters that a household found by the solver supposes; `first` is the
        pass to ask, where another engine has one."""
        self.program, self.case, self.on = program, case, on
        self.first = first or Outcomes(program, case, on, rulings, elections, assumed)
        self.passes = 0  # how many assumptions the exact level has tried
        self.terms = self.first.terms

    # -- the exact level

    def exactly(self, ask: Callable[[Outcomes], Answer]) -> tuple[Answer, bool]:
        """The answer under every assumption that matters, joined; and whether the budget sufficed."""
        search = Search(self.first, ask)
        answer = search.answer()
        self.passes += search.passes
        return answer, not search.stopped

    # -- properties

    def property(self, claim: ir.Property, record: Instance) -> tuple[Bounds, Bounds]:
        """Whether what a property assumes holds of a record on this day, and whether what it concludes does.

        Broken is only what surely holds and surely does not follow. Where nothing is concluded that counts as true: of a
        record for which the property assumes too much, and of one household by a monotone property, which speaks of two.
        """
        given = TRUE
        for expr in claim.given:
            given = both((given, self.holding(expr, record)))
            if not given.hi:
                return given, TRUE
        return given, TRUE if claim.then is None else self.holding(claim.then, record)

    def holding(self, expr: ir.Expr, record: Instance) -> Bounds:
        """Whether a condition holds of a record, at the exact level."""
        answer, _ = self.exactly(lambda level: truth_answer(level.terms.truth(expr, subject(record))))
        return answer_truth(answer)

    # -- the trace

    def trace(self, exact: bool = True) -> Trace:
        """Everything about the case: decisions, verdicts, duties, bans, records, notes."""
        decisions = tuple(self.decision(measure, record, exact) for measure, record in self.questions())
        verdicts = tuple(
            verdict
            for name, (first, *_) in self.program.clauses.items()
            for record in self.case.of(first.entity)
            for verdict in self.verdicts(name, record)
        )
        live = [v for v in verdicts if v.scope.hi and v.test.hi]
        return Trace(
            self.program, self.case, self.on, decisions, verdicts,
            tuple(duty for v in live if isinstance(v.clause.effect, ir.Duty) for duty in self.duties(v, v.clause.effect)),
            tuple(Prohibition(v.clause, v.subject, *self.holds(v)) for v in live if isinstance(v.clause.effect, ir.Ban)),
            tuple(Entry(v.clause, v.subject, *self.holds(v)) for v in live if isinstance(v.clause.effect, ir.Record)),
            self.notes(), tuple(self.findings(decisions)),
            tuple(sorted(s.name.id for s in self.program.sheets if s.name.id in self.terms.sheets)),
            self.first.rulings,
            lambda expr, record: self.terms.step(expr, subject(record)),
        )  # fmt: skip

    def questions(self) -> Iterator[tuple[str, Instance]]:
        for name, measure in self.program.measures.items():
            for record in self.case.subjects:
                if record.entity in measure.entities:
                    yield name, record

    def decision(self, measure: str, record: Instance, exact: bool) -> Decision:
        def ask(level: Outcomes) -> Answer:
            return level.decided(measure, record)

        answer, within = self.exactly(ask) if exact else (ask(self.first), True)
        clauses = [name for name in self.program.clauses if name in (answer.sure or answer.possible)]
        paying = [
            s
            for s in self.first.paying(answer.outcomes, self.first.granting(measure, record))
            if s.clause.basis.name.id in answer.possible
        ]
        payment, conflict = None, tuple[str, ...]()
        if answer.outcomes & {"granted", "discretionary"} and paying:
            rules = {id(self.first.rule(s)): s for s in paying}
            payment = one_of([p for s in rules.values() if (p := self.first.payment(s)) is not None])
            if payment is not None and answer.amount is not None:
                amount = answer.amount if len(rules) > 1 or not payment.amount.known else payment.amount
                payment = replace(payment, amount=amount)
            if len(rules) > 1 and answer.outcomes == {"granted"} and all(s.stands.lo for s in paying):
                conflict, payment = tuple(s.clause.basis.name.id for s in paying), None
        return Decision(
            measure, record, answer.outcomes, tuple(clauses), payment, askable(answer.waits_for), tuple(sorted(answer.over)),
            self.alternatives(measure, record, answer), conflict, within,
        )  # fmt: skip

    def alternatives(self, measure: str, record: Instance, answer: Answer) -> tuple[str, ...]:
        """Measures that the subject may have instead, not besides, until the household has chosen."""
        found: list[str] = []
        for exclusive in self.program.exclusives:
            if (
                measure in exclusive.measures
                and exclusive.how == "by_election"
                and self.first.election(exclusive, record) is None
            ):
                if not answer.outcomes & {"granted", "discretionary"}:
                    continue
                found += [m for m in exclusive.measures if m != measure
                          and any(self.first.final(m, r).outcomes & {"granted", "discretionary"} for r, _ in self.first.same_subject(m, record))]  # fmt: skip
        return tuple(found)

    def verdicts(self, name: str, record: Instance) -> list[ClauseVerdict]:
        """What each version of a clause that may be in force says of a record; out of force it is silent."""
        first = self.program.clauses[name][0]
        statuses = self.first.statuses(name, record)
        return list(map(self.clause_verdict, statuses or [Status(first, record, FALSE, FALSE, FALSE, FALSE)]))

    def clause_verdict(self, status: Status) -> ClauseVerdict:
        over = either((status.beaten, status.barred))
        effect = status.clause.effect
        parts = (status.scope, status.test, over)
        state: ClauseState
        if not status.scope.hi:
            state = "silent"
        elif status.scope.lo and not status.test.hi:
            state = "not_met"
        elif status.applies.lo and over.lo:
            state = "overridden"
        elif status.stands.lo:
            state = "applies"
            if isinstance(effect, ir.Grant):
                state = "may" if effect.may else "grants"
            elif isinstance(effect, ir.Withhold):
                state = "excludes"
        else:
            state = "undetermined"
        by = (
            tuple(
                name
                for name, holds in (
                    *self.first.beaters(status.clause, status.subject),
                    *self.first.barriers(status.clause, status.subject),
                )
                if holds.hi
            )
            if over.hi
            else ()
        )
        missing = gaps(parts) if state == "undetermined" else NOTHING
        return ClauseVerdict(
            status.clause, status.subject, state, status.scope, status.test, over, by,
            askable(missing),
        )  # fmt: skip

    def holds(self, verdict: ClauseVerdict) -> tuple[Bounds, tuple[Gap, ...]]:
        """Whether a ban or record holds, at the exact level."""
        name, record = verdict.clause.basis.name.id, verdict.subject

        def ask(level: Outcomes) -> Answer:
            return truth_answer(either(s.stands for s in level.statuses(name, record)))

        answer, _ = self.exactly(ask)
        return answer_truth(answer), askable(answer.missing)

    def duties(self, verdict: ClauseVerdict, duty: ir.Duty) -> Iterator[DutyInstance]:
        """The instances of a duty: one, or one for each period up to the day asked for."""
        clause, record = verdict.clause, verdict.subject
        name, env = clause.basis.name.id, subject(record)

        def ask(level: Outcomes) -> Answer:
            return truth_answer(either(s.applies for s in level.statuses(name, record)))

        answer, _ = self.exactly(ask)
        exists = answer_truth(answer)
        if not exists.hi:
            return
        done = self.terms.truth(duty.done, env) if duty.done is not None else FALSE
        due = self.terms.value(duty.due, env) if duty.due is not None else None
        for day in self.due_days(due, duty, env):
            state = self.duty_state(exists, verdict.blocked, done, day)
            missing = (
                answer.missing
                | (done.missing if not verdict.blocked.lo else NOTHING)
                | (due.missing if due is not None else NOTHING)
            )
            plain = askable(missing)
            yield DutyInstance(
                clause, record, exists, state, day, duty.due is None, plain, verdict.blocked_by
            )

    def due_days(self, due: Value | None, duty: ir.Duty, env: Env) -> list[date | None]:
        if due is None or not due.known or due.value is None:
            return [None]
        first: date = due.value
        if duty.every is None:
            return [first]
        step = self.terms.value(duty.every, env)
        if not step.known or not step.value or step.value < 0:
            return [first]
        op = OPS["add_days" if ("天", 1) in duty.every.type.dimension else "add_months_to_date"]
        days, index = [first], 1
        while len(days) < 120:
            following: date = op.run(first, step.value * index)
            if following > self.on:
                break
            days.append(following)
            index += 1
        return list(days)

    def duty_state(self, exists: Bounds, blocked: Bounds, done: Bounds, day: date | None) -> DutyState:
        """How a duty stands; overdue only when its day is known and it is known not to be done."""
        if not exists.lo:
            return "unknown"
        if blocked.lo:
            return "blocked"
        if blocked.hi or not done.known:
            return "unknown"
        if done.lo:
            return "done"
        if day is not None and self.on > day:
            return "overdue"
        return "open"

    def notes(self) -> tuple[NoteEntry, ...]:
        return tuple(
            NoteEntry(note, record)
            for note in self.program.notes
            if note.period.holds(self.on)
            for record in self.case.of(note.entity)
            if note.test is None or self.terms.truth(note.test, subject(record)).lo
        )

    def findings(self, decisions: Iterable[Decision]) -> Iterator[Finding]:
        for decision in decisions:
            if decision.conflict:
                names = "、".join(self.program.clauses[c][0].basis.name.zh for c in decision.conflict)
                yield Finding(
                    "amount_conflict", decision.subject, (("measure", decision.measure), ("clauses", names))
                )


def one_of(payments: list[Payment]) -> Payment | None:
    """What is known when one of these is paid and it is not known which: what not all of them name is perhaps 无."""
    if len(payments) < 2:
        return next(iter(payments), None)

    def either_way(values: list[Value | None]) -> Value | None:
        return (
            join([NONE if v is None else v for v in values]) if any(v is not None for v in values) else None
        )

    return replace(
        payments[0],
        parts=(),
        first_month=either_way([p.first_month for p in payments]),
        months=either_way([p.months for p in payments]),
        total=either_way([p.total for p in payments]),
        options=tuple(option for p in payments for option in p.options),
    )


def askable(missing: Missing) -> tuple[Gap, ...]:
    """What a person can supply: the gaps without the comparisons that hang on them, in a fixed order."""
    return tuple(sorted(gap for gap in missing if gap.kind != "comparison"))


def truth_answer(value: Bounds) -> Answer:
    """A truth as an answer."""
    outcomes = frozenset(word for word, possible in (("no", not value.lo), ("yes", value.hi)) if possible)
    return Answer(outcomes, None, value.missing)


def answer_truth(answer: Answer) -> Bounds:
    """An answer as a truth."""
    lo, hi = answer.outcomes == {"yes"}, "yes" in answer.outcomes
    return settle(Bounds(lo, hi), answer.missing)


def contradictions(program: ir.Program, case: Case, on: date) -> Iterator[tuple[Instance, str, Value, Value]]:
    """Known facts that lie outside a range which other facts set: such a household has no completion."""
    interpreter = Interpreter(program, case, on, (), ())
    for record in case.index.values():
        for name, decl in program.entities[record.entity].facts.items():
            given = record.facts.get(name)
            value = given.value if given is not None else None
            if not isinstance(value, Bounds) or value.lo is None or (decl.low is None and decl.high is None):
                continue
            gap = Gap("fact", record.path, name)
            allowed = interpreter.terms.unknown(decl.type, decl.low, decl.high, gap, record)
            if isinstance(allowed, Bounds) and (value.lo < allowed.lo or value.hi > allowed.hi):
                yield record, name, value, allowed
