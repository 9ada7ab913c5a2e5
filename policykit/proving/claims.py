"""What is claimed of a rule set, and what would break each claim.

The properties are claimed where they are written. The others are claimed of every rule set: that each clause can apply
and stand, that no two clauses grant one thing by different amounts, that nothing is ordered and banned at once, that
every amount can be paid, that nothing is divided by 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal, TypeAlias

from policykit import ir
from policykit.engine.interpreter import Interpreter
from policykit.engine.smt.logic import (
    Num,
    Pick,
    Truth,
    Value,
    at_most,
    both,
    either,
    equal_numbers,
    exchanged,
    exchanged_truth,
    negate,
    whole,
)
from policykit.engine.smt.variables import Record
from policykit.engine.smt.verdicts import Status, Verdicts, subject
from policykit.engine.smt.world import Env
from policykit.facts import Case
from policykit.reach import reached, within
from policykit.source import Span
from policykit.syntax import Period
from policykit.values import Bounds, Options

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
        for rule in _amount_rules(self.program, [c for vs in self.program.clauses.values() for c in vs]):
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
            yield from during("applies", [name], span, clause.entity, clause.period, clause)
        if any(_divides(expr) for expr in reached(program, [clause.scope, clause.test, *_amounts(program, clause)]).exprs):  # fmt: skip
            yield from during("division", [name], span, clause.entity, clause.period, clause)
    for rule in _amount_rules(program, clauses):
        paying = tuple(c for c in clauses if _pays_by(c, rule))
        yield from during(
            "amount", [rule.basis.name], rule.basis.span, rule.entity, rule.period, (rule, paying)
        )
    for a, b in _rivals(program, clauses):
        start = max(p for p in (a.period.start, b.period.start, first) if p is not None)
        end = min(p for p in (a.period.end, b.period.end, last) if p is not None)
        if start <= end:
            yield Claim("conflict", (a.basis.name, b.basis.name), a.basis.span, a.entity, start, end, (a, b))
    for duty in clauses:
        for ban in clauses:
            if isinstance(duty.effect, ir.Duty) and isinstance(ban.effect, ir.Ban) and duty.entity == ban.entity and duty.effect.act == ban.effect.act:  # fmt: skip
                yield from during("ban", [duty.basis.name, ban.basis.name], duty.basis.span, duty.entity, duty.period, (duty, ban))  # fmt: skip


def _asks_what_is_unknown(program: ir.Program, clause: ir.Clause) -> bool:
    """Whether a clause asks 待定, which of a complete household is never so."""
    found = reached(program, [clause.scope, clause.test]).exprs
    return any(isinstance(expr, ir.Apply) and expr.op == "undetermined" for expr in found)


def _amount_rules(program: ir.Program, clauses: Sequence[ir.Clause]) -> list[ir.Amount]:
    own = [c.effect.amount for c in clauses if isinstance(c.effect, ir.Grant) and c.effect.amount is not None]
    return [*program.amounts, *own]


def _pays_by(clause: ir.Clause, rule: ir.Amount) -> bool:
    """Whether a clause may pay by an amount rule."""
    effect = clause.effect
    if not isinstance(effect, ir.Grant) or effect.measure != rule.measure or clause.entity != rule.entity:
        return False
    return effect.amount is rule if effect.amount is not None else rule.basis.name.id != clause.basis.name.id


def _divides(expr: ir.Expr) -> bool:
    return isinstance(expr, ir.Apply) and expr.op == "divide" and not isinstance(expr.args[1], ir.Const)


def _amounts(program: ir.Program, clause: ir.Clause) -> list[ir.Expr]:
    """What a clause may pay by."""
    if not isinstance(clause.effect, ir.Grant):
        return []
    measure = clause.effect.measure
    own = [clause.effect.amount] if clause.effect.amount is not None else []
    rules = own or [a for a in program.amounts if a.measure == measure and a.entity == clause.entity]
    return [rule.total for rule in rules]


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


def root_for(program: ir.Program, entity: str) -> str:
    """What input describes: the uppermost entity to which something is granted, or a higher one that is asked about."""
    described = program.described
    return entity if entity in described else described[-1]


def subjects(verdicts: Verdicts, entity: str) -> list[tuple[Record, Truth]]:
    """The records that a claim about every record of an entity is put to. Members of one list are alike, so that one
    stands for all of them, unless the rules look at which of them comes first."""
    found = verdicts.world.everyone(entity)
    if order_matters(verdicts.program, entity):
        return found
    return list({_unnumbered(record.path): (record, there) for record, there in reversed(found)}.values())[::-1]


def _unnumbered(path: str) -> str:
    """A place without the numbers in its lists."""
    return re.sub(r"\[\d+\]", "[]", path)


def order_matters(program: ir.Program, entity: str) -> bool:
    """Whether the earliest or latest of some records is asked for, of this entity or of one whose lists hold it: of
    equals the order of writing counts."""
    holders = {entity}
    for _ in program.entities:  # as often as one can lie in another
        holders |= {e for e, one in program.entities.items() if any(d.item in holders for d in one.lists.values())}
    return any(
        isinstance(expr, ir.Fold)
        and expr.op in ("earliest", "latest")
        and isinstance(expr.domain, ir.Items)
        and expr.domain.item in holders
        for body in _written(program)
        for expr in within(body)
    )


def _written(program: ir.Program) -> Iterator[ir.Expr]:
    """Every expression that an answer or a property rests on."""
    clauses = [clause for versions in program.clauses.values() for clause in versions]
    found: list[ir.Expr | None] = [v.body for define in program.defines.values() for v in define.versions]
    found += [expr for clause in clauses for expr in (clause.as_of, clause.scope, clause.test)]
    found += [rule.total for rule in _amount_rules(program, clauses)]
    found += [setting.value for p in program.parameters.values() for setting in p.settings]
    found += [end for p in program.parameters.values() for end in (p.low, p.high)]
    found += [end for e in program.entities.values() for f in e.facts.values() for end in (f.low, f.high)]
    found += [expr for claim in program.properties for expr in (*claim.given, claim.then)]
    yield from (expr for expr in found if expr is not None)


def standing(verdicts: Verdicts, clause: ir.Clause, entity: str) -> Iterator[tuple[Status, Truth]]:
    """What one version of a clause comes to for its subjects."""
    for record, there in subjects(verdicts, entity):
        for version, force in verdicts.versions(clause.basis.name.id, record):
            if version is clause:
                yield verdicts.status(version, record, force), there


# ---- questions -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What would break a claim, for one subject: `goal` as a term, `assumed` the part that is taken for granted,
    `confirmed` whether the reference engine says the same of a household, or of two; `divisor` what is then 0."""

    goal: Truth
    assumed: Truth
    subject: str
    confirmed: Callable[[list[Interpreter]], bool]
    after: Mapping[tuple[str, str], Value] | None = None
    divisor: ir.Expr | None = None


def questions(verdicts: Verdicts, claim: Claim) -> Iterator[Question]:
    """Everything that would break a claim."""
    match claim.kind:
        case "property":
            for record, there in subjects(verdicts, claim.entity):
                if claim.of.monotone is None:
                    yield _property(verdicts, claim.of, record, there)
                else:
                    yield from _monotone(verdicts, claim.of, record, there)
        case "conflict" | "ban":
            yield from _together(verdicts, *claim.of)
        case "amount":
            yield from _unpayable(verdicts, *claim.of)
        case "division":
            yield from _divided_by_zero(verdicts, claim.of)


def _property(verdicts: Verdicts, claim: ir.Property, record: Record, there: Truth) -> Question:
    assert claim.then is not None
    given = both([there, *(verdicts.world.truth(expr, subject(record)) for expr in claim.given)])
    then = verdicts.world.truth(claim.then, subject(record))

    def confirmed(engines: list[Interpreter]) -> bool:
        assumed, concluded = engines[0].property(claim, engines[0].case.index[record.path])
        return bool(assumed.lo and not concluded.hi)

    return Question(both((given, negate(then))), given, record.path, confirmed)


def _monotone(verdicts: Verdicts, claim: ir.Property, record: Record, there: Truth) -> Iterator[Question]:
    """As a fact of any one record rises: of each kind of place where such a record may stand, one."""
    rising = claim.monotone
    assert rising is not None

    given = both([there, *(verdicts.world.truth(expr, subject(record)) for expr in claim.given)])
    before = verdicts.verdict("amount", rising.measure, record)
    assert isinstance(before, Num)
    declared = verdicts.program.entities[rising.entity].facts[rising.fact]
    for place in _places(verdicts, rising.entity, rising.fact, record):
        low = verdicts.world.fact(place, rising.fact)
        high = verdicts.vars.free(
            verdicts.program.choices, f"{place.path}.{rising.fact}+", declared.type, None, None
        )
        assert isinstance(low, Num) and isinstance(high, Num)
        pairs = verdicts.vars.exchange(low, high)
        after = exchanged(before, pairs)
        pair = (before, after) if rising.way == "never_rises" else (after, before)
        rises = both((negate(low.none), negate(high.none), at_most(low, high, strictly=True)))
        known = both((verdicts.vars.raised(pairs), exchanged_truth(given, pairs)))
        both_given = both((given, known, rises))
        # nothing paid is the same as 0
        worse = either((
            both((negate(pair[0].none), negate(pair[1].none), at_most(*pair, strictly=True))),
            both((pair[0].none, negate(pair[1].none), at_most(whole(0), pair[1], strictly=True))),
        ))  # fmt: skip

        def confirmed(engines: list[Interpreter]) -> bool:
            paid = []
            for one in engines:
                instance = one.case.index[record.path]
                if not one.property(claim, instance)[0].lo:
                    return False
                amount = one.first.paid(rising.measure, instance)
                if not isinstance(amount, Bounds) or not amount.known:
                    return False
                paid.append(amount.value or 0)
            first, second = paid if rising.way == "never_rises" else paid[::-1]
            return bool(first < second)

        yield Question(
            both((both_given, worse)), both_given, record.path, confirmed, {(place.path, rising.fact): high}
        )


def _places(verdicts: Verdicts, entity: str, fact: str, record: Record) -> list[Record]:
    """The records whose fact was read, one of each kind of place: alike are those that differ by their number only,
    unless one of them is the subject or lies in it."""
    own, ordered = record.path, order_matters(verdicts.program, entity)
    found: dict[str, Record] = {}
    for path, name in list(verdicts.vars.facts):
        other = verdicts.vars.records.get(path)
        if name == fact and other is not None and other.entity == entity:
            inside = path == own or path.startswith(f"{own}.")
            place = path.removeprefix(own) if inside else path
            alike = place if ordered else _unnumbered(place)
            found.setdefault(f"{inside}{alike}", other)
    return list(found.values())


def _together(verdicts: Verdicts, a: ir.Clause, b: ir.Clause) -> Iterator[Question]:
    """Two clauses that stand at once: `a` for the same subject as `b`, or for one that it lies in."""
    for status, there in standing(verdicts, b, b.entity):
        inside = status.subject
        outer = inside if a.entity == b.entity else verdicts.world.upper(inside, a.entity)
        for version, force in verdicts.versions(a.basis.name.id, outer):
            if version is not a:
                continue
            other = verdicts.status(version, outer, force)
            goal = both((there, other.stands, status.stands))

            pairs = ((a, outer.path), (b, inside.path))
            yield Question(goal, there, inside.path, partial(_stand_at_once, pairs))


def _stand_at_once(pairs: Iterable[tuple[ir.Clause, str]], engines: list[Interpreter]) -> bool:
    index = engines[0].case.index
    states = [
        verdict.state
        for clause, path in pairs
        for verdict in engines[0].verdicts(clause.basis.name.id, index[path])
        if verdict.clause is clause
    ]
    return len(states) == 2 and all(state in ("grants", "applies") for state in states)


def _unpayable(verdicts: Verdicts, rule: ir.Amount, clauses: Sequence[ir.Clause]) -> Iterator[Question]:
    """A grant whose amount is below 0, or cannot be computed."""
    for record, there in subjects(verdicts, rule.entity):
        broken: list[Truth] = []
        for clause in clauses:
            for version, force in verdicts.versions(clause.basis.name.id, record):
                if version is not clause or verdicts.rule(clause) is not rule:
                    continue
                stands = verdicts.status(clause, record, force).stands
                assert isinstance(clause.effect, ir.Grant)
                ruled = (
                    verdicts.ruling(clause.basis.name.id, record).of("granted") if clause.effect.may else True
                )
                total = verdicts.total(clause, record)
                below = both((negate(total.none), at_most(total, whole(0), strictly=True)))
                broken.append(both((there, stands, ruled, either((total.none, below)))))

        yield Question(either(broken), there, record.path, partial(_pays_wrongly, clauses, record.path))


def _pays_wrongly(clauses: Sequence[ir.Clause], path: str, engines: list[Interpreter]) -> bool:
    level, instance = engines[0].first, engines[0].case.index[path]
    stand = [one for c in clauses for one in level.statuses(c.basis.name.id, instance) if one.stands.lo]
    paid = [payment.amount for one in stand if (payment := level.payment(one)) is not None]
    return any(isinstance(a, Bounds) and a.known and (a.lo is None or a.lo < 0) for a in paid)


def _divided_by_zero(verdicts: Verdicts, clause: ir.Clause) -> Iterator[Question]:
    """A division by 0 in a test that is looked at, or in an amount that is paid."""
    for status, there in standing(verdicts, clause, clause.entity):
        env = subject(status.subject)
        parts = [(clause.scope, there), (clause.test, both((there, status.scope)))]
        parts += [(amount, both((there, status.stands))) for amount in _amounts(verdicts.program, clause)]
        for expr, guard in parts:
            for divisor, inner, reached_ in _divisors(verdicts, expr, env, guard) if expr is not None else ():
                number = verdicts.world.value(divisor, inner)
                assert isinstance(number, Num)
                zero = both((reached_, negate(number.none), equal_numbers(number, whole(0))))

                confirmed = partial(_is_zero, divisor, inner)
                yield Question(zero, guard, status.subject.path, confirmed, divisor=divisor)


def _is_zero(divisor: ir.Expr, env: Env, engines: list[Interpreter]) -> bool:
    known = {slot: _instance(engines[0].case, value) for slot, value in env.items()}
    found = engines[0].terms.value(divisor, known)
    return found.known and bool(found.value == 0)


def _instance(case: Case, value: Any) -> Options:
    """A record of the solver as the record of a household."""
    assert isinstance(value, Pick)
    (record, _), *_ = value.ways
    return Options(frozenset([case.index[record.path]]))


def _divisors(
    verdicts: Verdicts,
    expr: ir.Expr,
    env: Env,
    guard: Truth,
    opened: frozenset[tuple[str, str]] = frozenset(),
) -> Iterator[tuple[ir.Expr, Env, Truth]]:
    """Every divisor that evaluating an expression comes to, with what holds when it does: what stands before it in an
    并且 or 或者, and the branch it lies in."""
    world = verdicts.world
    if guard is False:
        return
    match expr:
        case ir.Apply(op="and" | "or" as op, args=args):
            for arg in args:
                yield from _divisors(verdicts, arg, env, guard, opened)
                truth = world.truth(arg, env)
                guard = both((guard, truth if op == "and" else negate(truth)))
            return
        case ir.If(condition=condition, then=then, otherwise=otherwise):
            yield from _divisors(verdicts, condition, env, guard, opened)
            test = world.truth(condition, env)
            yield from _divisors(verdicts, then, env, both((guard, test)), opened)
            yield from _divisors(verdicts, otherwise, env, both((guard, negate(test))), opened)
            return
        case ir.Ref(name=name, subject=of):
            yield from _in_term(verdicts, name, of, env, guard, opened)
            return
        case ir.Verdict(kind="meets", name=name, subject=of):
            pick = world.value(of, env)
            assert isinstance(pick, Pick)
            for record, is_it in pick.ways:
                for version, force in verdicts.versions(name, record) if record is not None else ():
                    scope, _ = verdicts.conditions(version, record, force)
                    if version.test is not None and _may_divide(verdicts.program, version.test):
                        inner = both((guard, is_it, scope))
                        yield from _divisors(verdicts, version.test, subject(record), inner, opened)
            return
        case ir.Fold(domain=ir.Items() as domain):
            owners = world.value(domain.subject, env)
            assert isinstance(owners, Pick)
            parts = [part for part in (expr.where, expr.take) if part is not None]
            if any(_may_divide(verdicts.program, part) for part in parts):
                for owner, is_it in owners.ways:
                    for item, there in world.items(owner, domain.name) if owner is not None else ():
                        for part in parts:
                            inner_env = {**env, expr.slot: item}
                            yield from _divisors(
                                verdicts, part, inner_env, both((guard, is_it, there)), opened
                            )
            return
    if _divides(expr):
        assert isinstance(expr, ir.Apply)
        yield expr.args[1], env, guard
    for child in ir.children(expr):
        yield from _divisors(verdicts, child, env, guard, opened)


def _in_term(
    verdicts: Verdicts,
    name: str,
    of: ir.Expr | None,
    env: Env,
    guard: Truth,
    opened: frozenset[tuple[str, str]],
) -> Iterator[tuple[ir.Expr, Env, Truth]]:
    """The divisors in a defined term, for whichever record it is asked of."""
    version = verdicts.program.defines[name].on(verdicts.world.stretch.first)
    if version is None or not _may_divide(verdicts.program, version.body):
        return
    if of is None:
        yield from _divisors(verdicts, version.body, {}, guard, opened)
        return
    pick = verdicts.world.value(of, env)
    assert isinstance(pick, Pick)
    for record, is_it in pick.ways:
        key = (name, record.path if record is not None else "")
        if record is not None and key not in opened:
            inner = both((guard, is_it))
            yield from _divisors(verdicts, version.body, subject(record), inner, opened | {key})


def _may_divide(program: ir.Program, expr: ir.Expr) -> bool:
    return any(map(_divides, reached(program, [expr]).exprs))
