"""Changes of the rules that no household can see, told from the shape of the rules alone.

Whatever the household, such a change alters no outcome, amount, month or deciding clause; it may alter what an
explanation cites besides. What follows only from what the rules mean is not told here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache

from policykit import ir
from policykit.reach import reached


class Days:
    """What rules may read on a day, whatever the household."""

    def __init__(self, program: ir.Program, settings: Iterable[tuple[str, ir.Setting]]) -> None:
        self.program = program
        self.formulas: dict[str, list[ir.Expr | None]] = {
            name: [p.low, p.high, *(setting.value for setting in p.settings)]
            for name, p in program.parameters.items()
        }
        for name, setting in settings:
            self.formulas[name].append(setting.value)
        self.terms = cache(self._terms)

    def tell_terms(self, before: ir.Define, after: ir.Define, day: date) -> bool:
        """Whether someone reads a term on a day, and by another body: a term that nothing in force on that day leads
        to is not evaluated, and of two versions in force the first answers."""
        old, new = before.on(day), after.on(day)
        alike = old is not None and new is not None and ir.shape(old.body) == ir.shape(new.body)
        return not alike and before.name.id in self.terms(day)

    def tell_amounts(self, key: tuple[str, str], after: tuple[ir.Amount, ...], day: date) -> bool:
        """Whether some clause in force on a day pays by an amount rule, and another amount."""
        old = self.program.amount_rule(*key, day)
        new = replace(self.program, amounts=after).amount_rule(*key, day)
        alike = old is not None and new is not None and _pay(old) == _pay(new)
        return not alike and key in self.paid(day)

    def clauses(self, day: date) -> Iterator[ir.Clause]:
        """The clauses that may be in force on a day: one dated by an event may be on any."""
        for versions in self.program.clauses.values():
            yield from (v for v in versions if v.as_of is not None or v.period.holds(day))

    def paid(self, day: date) -> set[tuple[str, str]]:
        """The measures that clauses in force grant by the measure's amount rule, with the entity."""
        effects = [(clause.effect, clause.entity) for clause in self.clauses(day)]
        return {(e.measure, of) for e, of in effects if isinstance(e, ir.Grant) and e.amount is None}

    def _terms(self, day: date) -> frozenset[str]:
        """The terms that clauses, amounts, notes, ranges and what is set of parameters lead to on a day."""
        program, paid = self.program, self.paid(day)
        exprs = [expr for clause in self.clauses(day) for expr in _parts(clause)]
        exprs += [
            e
            for a in program.amounts
            if (a.measure, a.entity) in paid and a.period.holds(day)
            for e in _sums(a)
        ]
        exprs += [note.test for note in program.notes if note.period.holds(day)]
        exprs += [
            e for of in program.entities.values() for fact in of.facts.values() for e in (fact.low, fact.high)
        ]
        followed: set[str] = set()
        while new := (found := reached(program, exprs, day)).parameters - followed:
            followed |= new
            exprs += [formula for name in new for formula in self.formulas[name]]
        return frozenset(found.defines)


def _parts(clause: ir.Clause) -> Iterator[ir.Expr | None]:
    """Every expression of a clause."""
    yield from (clause.as_of, clause.scope, clause.test, clause.application)
    yield from (when for _, when in clause.confirm)
    yield from (chosen.limit for chosen in clause.discretion)
    match clause.effect:
        case ir.Grant(amount=ir.Amount() as amount):
            yield from _sums(amount)
        case ir.Duty() as duty:
            yield from (duty.done, duty.due, duty.every)


def _sums(amount: ir.Amount) -> Iterator[ir.Expr | None]:
    yield from (amount.total, *(part.expr for part in amount.parts), amount.start, amount.months)


def _shape(expr: ir.Expr | None) -> str | None:
    return None if expr is None else ir.shape(expr)


def _pay(amount: ir.Amount) -> tuple[object, ...]:
    """What an amount rule pays, whatever it rests on."""
    return amount.form, [part.name for part in amount.parts], [_shape(expr) for expr in _sums(amount)]


def decide_alike(one: ir.Clause, other: ir.Clause) -> bool:
    """Whether two versions of a clause grant the same by the same conditions, so that two in force are like one.

    Priorities are those of the clause, not of a version.
    """
    plain = (
        isinstance(one.effect, ir.Grant) and one.effect.amount is None and one.as_of is other.as_of is None
    )
    return plain and _grants(one) == _grants(other)


def _grants(clause: ir.Clause) -> tuple[object, ...]:
    conditions = [_shape(expr) for expr in (clause.scope, clause.test, clause.application)]
    return clause.entity, clause.effect, clause.discretion, conditions


def idle(program: ir.Program, low: str, high: str) -> bool:
    """Whether it makes no difference that one grant gives way to another.

    The two never hold together, one asking for what the other asks not to be there. Or the other holds only where a
    third does (符合), to which the first gives way too: the third is given way to by nothing, grants the same to the
    same record, and what bars it bars the other, since that overrides no exclusion.
    """
    lows, highs = program.clauses[low], program.clauses[high]
    if not all(isinstance(v.effect, ir.Grant) for v in (*lows, *highs)):
        return False
    pairs = [(a, b) for a in lows for b in highs]
    if all(a.entity == b.entity and _opposed(a, b) for a, b in pairs):
        return True
    if any(high in program.blockers.get(c, ()) for c, (v, *_) in program.clauses.items() if isinstance(v.effect, ir.Withhold)):  # fmt: skip
        return False
    thirds = program.blockers.get(low, frozenset()) - {high}
    return all(any(_asks(v, third, program) for third in thirds) for v in highs)


def _opposed(one: ir.Clause, other: ir.Clause) -> bool:
    """Whether one of two clauses asks that something be there and the other that it be not."""

    def asked(clause: ir.Clause, op: str) -> set[str]:
        return {ir.shape(e.args[0]) for e in _joined(clause) if isinstance(e, ir.Apply) and e.op == op}

    return any(asked(a, "has") & asked(b, "has_not") for a, b in ((one, other), (other, one)))


def _asks(clause: ir.Clause, third: str, program: ir.Program) -> bool:
    """Whether a clause holds only where a third one stands, for the same record and measure."""
    versions = program.clauses.get(third, ())
    alike = all(isinstance(v.effect, ir.Grant) and not v.effect.may and v.entity == clause.entity
                and v.effect.measure == clause.effect.measure for v in versions)  # type: ignore[union-attr]  # fmt: skip
    meets = any(isinstance(e, ir.Verdict) and e.kind == "meets" and e.name == third
                and isinstance(e.subject, ir.Var) and e.subject.slot == "self" for e in _joined(clause))  # fmt: skip
    return alike and meets and not program.blockers.get(third)


def _joined(clause: ir.Clause) -> Iterator[ir.Expr]:
    """The conditions that scope and test join: the clause holds only where each is true."""
    todo = [expr for expr in (clause.scope, clause.test) if expr is not None]
    while todo:
        expr = todo.pop()
        if isinstance(expr, ir.Apply) and expr.op == "and":
            todo += expr.args
        else:
            yield expr
