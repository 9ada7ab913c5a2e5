"""How an answer may move from one rule set to another: as a question about all households, and as the reference engine
finds it for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from policykit import ir
from policykit.comparing.differences import Node, effect_of
from policykit.diagnostics import PolicyError
from policykit.engine.interpreter import Interpreter, contradictions
from policykit.engine.smt import logic
from policykit.engine.smt.logic import (
    Num,
    Pick,
    Truth,
    Value,
    both,
    choose,
    either,
    equal,
    negate,
    same,
)
from policykit.engine.smt.operations import alike
from policykit.engine.smt.variables import Record
from policykit.engine.smt.verdicts import Status, Verdicts, subject
from policykit.engine.smt.witness import Witness
from policykit.facts import Instance
from policykit.proving.prove import within_ranges
from policykit.proving.refuting import one_of_each, order_matters
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.trace import Payment
from policykit.values import Gap

#: how an answer moves: to somebody who had nothing, away from somebody, up, down, or in any other way
Way: TypeAlias = Literal["gains", "loses", "more", "less", "otherwise"]
WAYS: tuple[Way, ...] = ("gains", "loses", "more", "less", "otherwise")
State: TypeAlias = Literal["equal", "differs", "not_decided"]
Side: TypeAlias = Literal["both", "old", "new"]

COVERED = ("granted", "discretionary")
PENDING = ("discretionary", "may")
NOT_APPLYING = ("silent", "not_met")  # of a clause: it speaks of others, or what it asks is not so


@dataclass(frozen=True, slots=True)
class Answer:
    """What the reference engine says of one measure, or one clause, on one subject: the state, and what is paid.

    `state` is an outcome of a measure, or a verdict on a clause; of a duty that stands, how it stands and when it is
    due. It is empty where the rules do not know the measure, the clause or the record. An amount is in fen.
    """

    state: str
    holds: int
    form: Literal["monthly", "once", ""] = ""
    amount: Fraction | int | None = None
    first_month: Any = None
    months: Any = None
    due: date | None = None
    options: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A household whose answer differs: as each rule set reads it, for which subject, with both answers."""

    way: Way
    old: Witness
    new: Witness
    subject: str
    before: Answer
    after: Answer


@dataclass(frozen=True, slots=True)
class Row:
    """What comparing one measure for one entity, or one clause, came to.

    `side` says which of the two has it; `open` the ways in which it may yet differ, since the solver did not get to the
    end, with `why`, and then `sampled` how many households were compared instead. `behind` are the changed rules that it
    rests on.
    """

    about: Literal["measure", "clause"]
    rule: ir.Name
    entity: str
    side: Side
    shown: tuple[Shown, ...] = ()
    open: tuple[Way, ...] = ()
    why: str = ""
    sampled: int = 0
    behind: tuple[Node, ...] = ()

    @property
    def state(self) -> State:
        return "differs" if self.shown else "not_decided" if self.open else "equal"


@dataclass(slots=True)
class Pair:
    """Both programs over the same households of a size, on the same days."""

    old: Verdicts
    new: Verdicts

    def subjects(self, row: Row) -> list[tuple[Record, Truth]]:
        """The records that a row is asked of: of each list one, unless the rules look at which comes first."""
        there = self.old if row.side == "old" else self.new
        found = there.world.everyone(row.entity)
        ordered = any(order_matters(one.program, row.entity) for one in (self.old, self.new))
        return found if ordered else one_of_each(found)

    def agree(self) -> None:
        """Holds every fact, whichever of the two reads it, to what both declare of it."""
        seen: set[tuple[str, str]] = set()
        while left := self.old.vars.facts.keys() - seen:
            for path, name in left:
                seen.add((path, name))
                record = self.old.vars.records.get(path)
                for one in (self.old, self.new):
                    entity = one.program.entities.get(record.entity) if record is not None else None
                    if entity is not None and record is not None and name in entity.facts:
                        one.world.fact(record, name)


# ---- what is asked of the solver ---------------------------------------------------------------------------------------------


def goals(pair: Pair, row: Row, record: Record, there: Truth) -> dict[Way, Truth]:
    """For each way in which a row may differ, that it does so for a record."""
    found = (_measure_goals if row.about == "measure" else _clause_goals)(pair, row, record)
    return {way: both((there, goal)) for way, goal in found.items()}


def _measure_goals(pair: Pair, row: Row, record: Record) -> dict[Way, Truth]:
    finals, paid = [], []
    for one in (pair.old, pair.new):
        known = row.entity in one.program.entities
        finals.append(one.final(row.rule.id, record) if known else Pick((("not_covered", True),)))
        statuses = one.granting(row.rule.id, record) if known else []
        paid.append(_paid(one, statuses, one.amount(row.rule.id, record) if known else None))
    covered = [either(final.of(outcome) for outcome in COVERED) for final in finals]
    granted = both(final.of("granted") for final in finals)
    if same(*finals):
        found: dict[Way, Truth] = {"gains": False, "loses": False}
        other: Truth = False
    else:
        found = _gone(*covered)
        other = both((logic.same_truth(*covered), negate(equal(*finals))))
    if row.side != "both":
        return found
    return {**found, **_more_or_less(granted, other, *paid)}


def _clause_goals(pair: Pair, row: Row, record: Record) -> dict[Way, Truth]:
    name = row.rule.id
    sides = [
        one.statuses(name, record) if name in one.program.clauses else [] for one in (pair.old, pair.new)
    ]
    stands = [either(status.stands for status in statuses) for statuses in sides]
    applies = [either(status.applies for status in statuses) for statuses in sides]
    found: dict[Way, Truth] = {"gains": False, "loses": False} if same(*stands) else _gone(*stands)
    if row.side != "both":
        return found
    other: Truth = False
    if not same(*applies):
        other = both((logic.same_truth(*stands), negate(logic.same_truth(*applies))))
    at_once = both(stands)
    effects = [{effect_of(one.program, s.clause) for s in statuses} for one, statuses in zip((pair.old, pair.new), sides, strict=True)]  # fmt: skip
    if all(sides) and effects[0] != effects[1]:
        other = either((other, at_once))
    kinds = {type(status.clause.effect) for statuses in sides for status in statuses}
    paid = [_paid(one, statuses if len(kinds) == 1 else ()) for one, statuses in zip((pair.old, pair.new), sides, strict=True)]  # fmt: skip
    return {**found, **_more_or_less(at_once, other, *paid)}


def matters(pair: Pair, row: Row, record: Record) -> Truth:
    """Whether somebody gains or loses a measure that a clause grants or excludes; true of a clause that does neither."""
    measures = [name for one in (pair.old, pair.new) for name in concerned(one.program, row)]
    apart: list[Truth] = []
    for name in measures:
        covered = [either(one.final(name, record).of(o) for o in COVERED) for one in (pair.old, pair.new)]
        apart.append(negate(logic.same_truth(*covered)))
    return either(apart) if measures else True


def concerned(program: ir.Program, row: Row) -> list[str]:
    """The measures that a clause grants or excludes."""
    found: dict[str, None] = {}
    for clause in program.clauses.get(row.rule.id, ()) if row.about == "clause" else ():
        match clause.effect:
            case ir.Grant(measure=measure):
                found[measure] = None
            case ir.Withhold(measures=measures):
                found |= dict.fromkeys(measures)
    return list(found)


def _gone(before: Truth, after: Truth) -> dict[Way, Truth]:
    """Where something comes to hold, and where it no longer does."""
    return {"gains": both((after, negate(before))), "loses": both((before, negate(after)))}


def _more_or_less(granted: Truth, other: Truth, before: Paid, after: Paid) -> dict[Way, Truth]:
    """Where both pay, which pays more; and where anything else of them differs, or something besides."""
    amounts = (before.amount, after.amount)
    alike_: Truth = not before.rest or not after.rest or all(map(same, before.rest, after.rest))
    if not alike_:
        alike_ = both(equal(*alike(a, b)) for a, b in zip(before.rest, after.rest, strict=True))
    more: Truth = False
    less: Truth = False
    if not same(*amounts):
        known = both((granted, before.pays, after.pays, *(negate(amount.none) for amount in amounts)))
        known = both((known, equal(before.form, after.form)))
        more = both((known, logic.at_most(*amounts, strictly=True)))
        less = both((known, logic.at_most(*amounts[::-1], strictly=True)))
        alike_ = both((alike_, logic.same_truth(*(amount.none for amount in amounts))))
    forms = True if same(before.form, after.form) else equal(before.form, after.form)
    apart = both((granted, before.pays, after.pays, negate(both((alike_, forms)))))
    return {
        "more": more,
        "less": less,
        "otherwise": both((either((apart, other)), negate(more), negate(less))),
    }


@dataclass(frozen=True, slots=True)
class Paid:
    """What is paid where something is granted: how much, monthly (0) or once (1), and from when and for how long. Of a duty, whether it is
    done and when it is due. `pays` says where that is said by a clause that stands, and no approver has yet to choose."""

    amount: Num
    form: Num
    rest: tuple[Value, ...]
    pays: Truth


def _paid(one: Verdicts, statuses: Sequence[Status], amount: Num | None = None) -> Paid:
    """What is paid, or is to be done, by whichever of some clauses stands; what an approver granted gives way to what
    stands by itself. `amount` is what is paid where that is known otherwise."""
    found = Paid(logic.NO_NUMBER, logic.whole(0), (), False)
    for status in sorted(
        statuses, key=lambda s: not (isinstance(s.clause.effect, ir.Grant) and s.clause.effect.may)
    ):
        clause, record = status.clause, status.subject
        match clause.effect:
            case ir.Grant(may=may):
                ruled = one.ruling(clause.basis.name.id, record).of("granted") if may else True
                pays = both((status.stands, ruled))
                rule, env = one.rule(clause), one.chosen(clause, record)
                exprs = (None, None) if rule is None else (rule.start, rule.months)
                rest = tuple(logic.NO_NUMBER if e is None else one.world.value(e, env) for e in exprs)
                form = logic.whole(int(rule is not None and rule.form == "once"))
                total = one.total(clause, record)
            case ir.Duty(done=done, due=due):
                env = subject(record)
                pays, total, form = status.stands, logic.NO_NUMBER, logic.whole(0)
                rest = (
                    False if done is None else one.world.truth(done, env),
                    logic.NO_DAY if due is None else one.world.value(due, env),
                )
            case _:
                continue
        before = found.rest or rest
        found = Paid(
            choose(pays, total, found.amount),
            choose(pays, form, found.form),
            tuple(choose(pays, *alike(a, b)) for a, b in zip(rest, before, strict=True)),
            either((found.pays, pays)),
        )
    return found if amount is None else replace(found, amount=amount)


# ---- what the reference engine says ------------------------------------------------------------------------------------------


def engine(program: ir.Program, witness: Witness) -> Interpreter | None:
    """The reference engine on a household; `None` where these rules would not take it."""
    try:
        case = read_case(program, witness.household, witness.on)
    except PolicyError:
        return None
    rulings, elections, errors = read_rulings(program, case, witness.rulings)
    if errors or any(contradictions(program, case, witness.on)):
        return None
    supposed = {
        gap: value
        for gap, value in witness.parameters.items()
        if gap.name.partition("[")[0] in program.parameters and (not gap.path or gap.path in case.index)
    }
    one = Interpreter(program, case, witness.on, rulings, elections, supposed)
    return one if within_ranges(one, replace(witness, parameters=supposed)) else None


def answered(one: Interpreter, row: Row, path: str) -> Answer | None:
    """What a row comes to for a record; `None` where that is open."""
    name, record = row.rule.id, one.case.index.get(path)
    known = one.program.measures if row.about == "measure" else one.program.clauses
    if name not in known or record is None:
        return Answer("", 0)
    return _decided(one, name, record) if row.about == "measure" else _said(one, name, record)


def waits_for(one: Interpreter, row: Row, path: str) -> Iterator[Gap]:
    """What is missing while an answer is open."""
    name, record = row.rule.id, one.case.index.get(path)
    if record is None:
        return
    if row.about == "measure" and name in one.program.measures:
        yield from one.decision(name, record, True).missing
    elif name in one.program.clauses:
        for verdict in one.verdicts(name, record):
            yield from verdict.missing
            for status in one.first.statuses(name, record):
                if isinstance(status.clause.effect, ir.Grant) and (paid := one.first.payment(status)):
                    yield from paid.amount.missing


def _decided(one: Interpreter, measure: str, record: Instance) -> Answer | None:
    decision = one.decision(measure, record, True)
    if len(decision.outcomes) > 1:
        return None
    holds = {"granted": 2, "discretionary": 1}.get(decision.outcome, 0)
    answer = Answer(decision.outcome, holds)
    return _with_payment(answer, decision.payment, holds == 2) if holds else answer


def _said(one: Interpreter, name: str, record: Instance) -> Answer | None:
    statuses = one.first.statuses(name, record)
    stands = [status for status in statuses if status.stands.lo]
    if any(not status.stands.known or not status.applies.known for status in statuses):
        return None
    verdicts = one.verdicts(name, record)
    verdict = next((v for v in verdicts if v.state != "silent"), verdicts[0])
    answer = Answer(verdict.state, int(bool(stands)))
    if not stands:
        return answer
    effect = stands[0].clause.effect
    if isinstance(effect, ir.Grant):
        return _with_payment(answer, one.first.payment(stands[0]), not effect.may)
    if isinstance(effect, ir.Duty):
        duty = next(one.duties(verdict, effect), None)
        return answer if duty is None else replace(answer, state=duty.state, due=duty.due)
    return answer


def _with_payment(answer: Answer, payment: Payment | None, sure: bool) -> Answer | None:
    """The answer with what is paid; `None` where that should be known and is not."""
    if payment is None:
        return answer
    plain = [None if v is None else v.value if v.known else ... for v in (payment.amount, payment.first_month, payment.months)]  # fmt: skip
    if sure and ... in plain:
        return None
    amount, first, months = (None if one is ... else one for one in plain)
    options = tuple((chosen, total.value) for chosen, total, _ in payment.options if total.known)
    return replace(
        answer, form=payment.rule.form, amount=amount, first_month=first, months=months, options=options
    )


def moved(before: Answer, after: Answer, recast: bool = False) -> Way | None:
    """How an answer moved, if it did; `recast` says that the clause brings about something else than before."""
    if not before.holds or not after.holds:
        if before.holds or after.holds:
            return "gains" if after.holds else "loses"
        states = {before.state, after.state}
        return "otherwise" if len(states) > 1 and "" not in states and not states <= {*NOT_APPLYING} else None
    old, new = before.amount, after.amount
    if before.form == after.form and old is not None and new is not None and old != new:
        return "more" if new > old else "less"
    # what may be given before anybody has ruled is compared under the rulings
    waiting = before.amount is None or after.amount is None
    one, other = (
        replace(a, options=(), amount=None if waiting and a.state in PENDING else a.amount)
        for a in (before, after)
    )
    return "otherwise" if recast or one != other else None
