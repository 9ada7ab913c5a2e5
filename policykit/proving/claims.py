"""What is claimed of a rule set, and on which days.

The properties are claimed where they are written. The others are claimed of every rule set: that each clause can apply
and stand, that no two clauses grant one thing by different amounts, that nothing is ordered and banned at once, that
every amount can be paid, that nothing is divided by 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, TypeAlias

from policykit import ir
from policykit.reach import amounts_of, reached, within
from policykit.source import Span
from policykit.syntax import Period

Kind: TypeAlias = Literal["property", "applies", "conflict", "ban", "amount", "division"]

YEARS_AHEAD = 10  # days are looked at up to so many years after the last change of any rule


@dataclass(frozen=True, slots=True)
class Claim:
    """Something to prove of a program, on the days of a period."""

    kind: Kind
    rules: tuple[ir.Name, ...]
    span: Span
    entity: str
    first: date
    last: date
    of: Any


# ---- which days ---------------------------------------------------------------------------------------------------------


def turns(program: ir.Program) -> set[date]:
    """The days on which a version of anything begins, or the day after it ends."""
    periods = [version.period for define in program.defines.values() for version in define.versions]
    periods += [
        clause.period for versions in program.clauses.values() for clause in versions if clause.as_of is None
    ]
    periods += [amount.period for amount in program.amounts]
    periods += [setting.period for parameter in program.parameters.values() for setting in parameter.settings]
    return _cuts(periods)


def turns_for(program: ir.Program, claim: Claim) -> set[date]:
    """The days on which a version of anything that a claim rests on begins, or the day after it ends."""
    rest = Rest(program)
    rest.claim(claim)
    return _cuts(rest.periods)


def _cuts(periods: Iterable[Period]) -> set[date]:
    starts = {period.start for period in periods if period.start is not None}
    return starts | {period.end + timedelta(days=1) for period in periods if period.end is not None}


@dataclass(slots=True)
class Rest:
    """Everything that a claim rests on, other measures and what overrides a clause included: when it changes."""

    program: ir.Program
    periods: list[Period] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def claim(self, claim: Claim) -> None:
        for entity in self.program.entities.values():
            self.exprs(end for fact in entity.facts.values() for end in (fact.low, fact.high))
        match claim.of:
            case ir.Property(given=given, then=then, monotone=monotone):
                self.exprs([*given, then])
                if monotone is not None:
                    self.measure(monotone.measure)
            case ir.Clause(basis=basis):
                self.clause(basis.name.id)
            case (ir.Amount(measure=measure), _):
                self.measure(measure)
            case (ir.Clause(basis=a), ir.Clause(basis=b)):
                self.clause(a.name.id)
                self.clause(b.name.id)

    def new(self, kind: str, name: str) -> bool:
        fresh = (kind, name) not in self.seen
        self.seen.add((kind, name))
        return fresh

    def exprs(self, exprs: Iterable[ir.Expr | None]) -> None:
        for expr in (inner for one in exprs if one is not None for inner in within(one)):
            match expr:
                case ir.Ref(name=name) if self.new("define", name):
                    for version in self.program.defines[name].versions:
                        self.periods.append(version.period)
                        self.exprs([version.body])
                case ir.Param(name=name) if self.new("parameter", name):
                    parameter = self.program.parameters[name]
                    self.exprs([parameter.low, parameter.high])
                    for setting in parameter.settings:
                        self.periods.append(setting.period)
                        self.exprs([setting.value])
                case ir.Verdict(kind="meets" | "blocked", name=name):
                    self.clause(name)
                case ir.Verdict(name=name):
                    self.measure(name)

    def clause(self, name: str) -> None:
        if not self.new("clause", name):
            return
        for version in self.program.clauses.get(name, ()):
            if version.as_of is None:
                self.periods.append(version.period)
            self.exprs([version.as_of, version.scope, version.test, version.application])
            if isinstance(version.effect, ir.Grant):
                self.measure(version.effect.measure)
            if isinstance(version.effect, ir.Duty):
                bans = (n for n, vs in self.program.clauses.items() if isinstance(vs[0].effect, ir.Ban))
                for ban in bans:
                    self.clause(ban)
        for other in self.program.blockers.get(name, ()):
            self.clause(other)

    def measure(self, name: str) -> None:
        if not self.new("measure", name):
            return
        for clause, versions in self.program.clauses.items():
            effect = versions[0].effect
            grants = isinstance(effect, ir.Grant) and effect.measure == name
            if grants or (isinstance(effect, ir.Withhold) and name in effect.measures):
                self.clause(clause)
        for rule in amount_rules(self.program, [c for vs in self.program.clauses.values() for c in vs]):
            if rule.measure == name:
                self.periods.append(rule.period)
                self.exprs([rule.total])
        for exclusive in self.program.exclusives:
            for other in exclusive.measures if name in exclusive.measures else ():
                self.measure(other)


def days(program: ir.Program) -> tuple[date, date]:
    """From the first day of any rule to some years after the last change."""
    found = sorted(turns(program)) or [date(2020, 1, 1)]
    end = found[-1]
    return found[0], date(min(end.year + YEARS_AHEAD, 2199), end.month, min(end.day, 28))


# ---- what is claimed -----------------------------------------------------------------------------------------------------


def claims(program: ir.Program, first: date, last: date) -> Iterator[Claim]:
    """The properties as written, and what every rule set must keep without saying so."""

    def during(
        kind: Kind, rules: Iterable[ir.Name], span: Span, entity: str, period: Any, of: Any
    ) -> Iterator[Claim]:
        start, end = max(first, period.start or first), min(last, period.end or last)
        if start <= end:
            yield Claim(kind, tuple(rules), span, entity, start, end, of)

    for claim in program.properties:
        yield from during("property", [claim.basis.name], claim.basis.span, claim.entity, claim.period, claim)
    clauses = [clause for versions in program.clauses.values() for clause in versions]
    for clause in clauses:
        name, span = clause.basis.name, clause.basis.span
        if not _asks_what_is_unknown(program, clause):
            yield from during("applies", [name], span, clause.entity, _in_force(clause), clause)
        if any(divides(expr) for expr in reached(program, [clause.scope, clause.test, *amounts_of(program, clause)]).exprs):  # fmt: skip
            yield from during("division", [name], span, clause.entity, _in_force(clause), clause)
    for rule in amount_rules(program, clauses):
        paying = tuple(c for c in clauses if _pays_by(c, rule))
        own = next((c for c in paying if isinstance(c.effect, ir.Grant) and c.effect.amount is rule), None)
        when = rule.period if own is None else _in_force(own)
        yield from during("amount", [rule.basis.name], rule.basis.span, rule.entity, when, (rule, paying))
    for a, b in _rivals(program, clauses):
        periods = (_in_force(a), _in_force(b))
        start = max([first, *(period.start for period in periods if period.start is not None)])
        end = min([last, *(period.end for period in periods if period.end is not None)])
        if start <= end:
            yield Claim("conflict", (a.basis.name, b.basis.name), a.basis.span, a.entity, start, end, (a, b))
    for duty in clauses:
        for ban in clauses:
            if isinstance(duty.effect, ir.Duty) and isinstance(ban.effect, ir.Ban) and duty.entity == ban.entity and duty.effect.act == ban.effect.act:  # fmt: skip
                yield from during("ban", [duty.basis.name, ban.basis.name], duty.basis.span, duty.entity, _in_force(duty), (duty, ban))  # fmt: skip


def _asks_what_is_unknown(program: ir.Program, clause: ir.Clause) -> bool:
    """Whether a clause asks 待定, which of a complete household is never so."""
    found = reached(program, [clause.scope, clause.test]).exprs
    return any(isinstance(expr, ir.Apply) and expr.op == "undetermined" for expr in found)


def _in_force(clause: ir.Clause) -> Period:
    """The days on which a clause may be in force: one that goes by an event outlives its own period."""
    return clause.period if clause.as_of is None else Period(clause.period.start, None)


def amount_rules(program: ir.Program, clauses: Sequence[ir.Clause]) -> list[ir.Amount]:
    """What is paid, by whichever rule: those of the measures and those of single clauses."""
    own = [c.effect.amount for c in clauses if isinstance(c.effect, ir.Grant) and c.effect.amount is not None]
    return [*program.amounts, *own]


def _pays_by(clause: ir.Clause, rule: ir.Amount) -> bool:
    """Whether a clause may pay by an amount rule."""
    effect = clause.effect
    if not isinstance(effect, ir.Grant) or effect.measure != rule.measure or clause.entity != rule.entity:
        return False
    return effect.amount is rule if effect.amount is not None else rule.basis.name.id != clause.basis.name.id


def divides(expr: ir.Expr) -> bool:
    """Whether it is a division by what is not constant."""
    return isinstance(expr, ir.Apply) and expr.op == "divide" and not isinstance(expr.args[1], ir.Const)


def _rivals(program: ir.Program, clauses: Sequence[ir.Clause]) -> Iterator[tuple[ir.Clause, ir.Clause]]:
    """Pairs of clauses that grant one measure to one subject by amounts of their own, neither giving way."""
    granting = [c for c in clauses if isinstance(c.effect, ir.Grant) and not c.effect.may]
    for number, a in enumerate(granting):
        for b in granting[number + 1 :]:
            assert isinstance(a.effect, ir.Grant) and isinstance(b.effect, ir.Grant)
            ids = (a.basis.name.id, b.basis.name.id)
            if a.effect.measure != b.effect.measure or ids[0] == ids[1]:
                continue
            line = a.entity in program.entity_path(b.entity) or b.entity in program.entity_path(a.entity)
            ordered = any(x in program.blockers.get(y, ()) for x, y in (ids, ids[::-1]))
            one_rule = a.entity == b.entity and a.effect.amount is None and b.effect.amount is None
            if line and not ordered and not one_rule:
                yield (a, b) if b.entity == a.entity or a.entity in program.entity_path(b.entity) else (b, a)
