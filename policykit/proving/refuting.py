"""What would break a claim: a term for each way, and whether the reference engine says the same of a household."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from policykit import ir
from policykit.engine.interpreter import Interpreter
from policykit.engine.outcomes import Status as Judged
from policykit.engine.smt.logic import (
    Num,
    Pick,
    Truth,
    Value,
    at_most,
    both,
    choose,
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
from policykit.proving.claims import Claim, amount_rules, divides
from policykit.reach import amounts_of, reached, within
from policykit.values import TRUE, Bounds, Options


def subjects(verdicts: Verdicts, entity: str) -> list[tuple[Record, Truth]]:
    """The records that a claim about every record of an entity is put to. Members of one list are alike, so that one
    stands for all of them, unless the rules look at which of them comes first."""
    found = verdicts.world.everyone(entity)
    return found if order_matters(verdicts.program, entity) else one_of_each(found)


def one_of_each(found: Sequence[tuple[Record, Truth]]) -> list[tuple[Record, Truth]]:
    """The first record of each list."""
    first: dict[str, tuple[Record, Truth]] = {}
    for record, there in found:
        first.setdefault(_unnumbered(record.path), (record, there))
    return list(first.values())


def _unnumbered(path: str) -> str:
    """A place without the numbers in its lists."""
    return re.sub(r"\[\d+\]", "[]", path)


def order_matters(program: ir.Program, entity: str) -> bool:
    """Whether the earliest or latest of some records is asked for, of this entity or of one whose lists hold it: of
    equals the order of writing counts."""
    holders = {entity}
    for _ in program.entities:  # as often as one can lie in another
        holders |= {
            e for e, one in program.entities.items() if any(d.item in holders for d in one.lists.values())
        }
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
    found += [rule.total for rule in amount_rules(program, clauses)]
    found += [setting.value for p in program.parameters.values() for setting in p.settings]
    found += [end for p in program.parameters.values() for end in (p.low, p.high)]
    found += [end for e in program.entities.values() for f in e.facts.values() for end in (f.low, f.high)]
    found += [expr for claim in program.properties for expr in (*claim.given, claim.then)]
    yield from (expr for expr in found if expr is not None)


def standing(verdicts: Verdicts, clause: ir.Clause, entity: str) -> Iterator[tuple[Status, Truth]]:
    """What one version of a clause comes to for its subjects, each with whether it is there while that is in force."""
    for record, there in subjects(verdicts, entity):
        for version, force in verdicts.versions(clause.basis.name.id, record):
            if version is clause:
                yield verdicts.status(version, record, force), both((there, force))


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
    place: str = ""  # whose fact rises, which tells apart the questions of one claim
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
    yield Question(False, given, record.path, lambda engines: False)  # what is assumed, though nothing rises
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
        less, more = map(_or_nothing, pair)
        worse = at_most(less, more, strictly=True)

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
            both((both_given, worse)),
            both_given,
            record.path,
            confirmed,
            {(place.path, rising.fact): high},
            place=place.path,
        )


def _or_nothing(paid: Num) -> Num:
    """What is paid, where nothing is paid 0."""
    return choose(paid.none, whole(0), replace(paid, none=False))


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
    granted = [one for one in stand if not _may(one.clause) or level.granted_by_ruling(one).lo]
    paid = [payment.amount for one in granted if (payment := level.payment(one)) is not None]
    return any(isinstance(a, Bounds) and a.known and (a.lo is None or a.lo < 0) for a in paid)


def _may(clause: ir.Clause) -> bool:
    return isinstance(clause.effect, ir.Grant) and clause.effect.may


def _divided_by_zero(verdicts: Verdicts, clause: ir.Clause) -> Iterator[Question]:
    """A division by 0 in a test that is looked at, or in an amount that is paid."""
    for status, there in standing(verdicts, clause, clause.entity):
        env = subject(status.subject)
        looked_at: list[tuple[ir.Expr | None, Truth, Callable[[Judged], Bounds]]] = [
            (clause.scope, there, lambda one: TRUE),
            (clause.test, both((there, status.scope)), lambda one: one.scope),
        ]
        for amount in amounts_of(verdicts.program, clause):
            looked_at.append((amount, both((there, status.stands)), lambda one: one.stands))
        for expr, guard, when in looked_at:
            for divisor, inner, reached_ in _divisors(verdicts, expr, env, guard) if expr is not None else ():
                number = verdicts.world.value(divisor, inner)
                assert isinstance(number, Num)
                zero = both((reached_, negate(number.none), equal_numbers(number, whole(0))))

                confirmed = partial(_is_zero, clause, status.subject.path, when, divisor, inner)
                yield Question(zero, guard, status.subject.path, confirmed, divisor=divisor)


def _is_zero(
    clause: ir.Clause,
    path: str,
    when: Callable[[Judged], Bounds],
    divisor: ir.Expr,
    env: Env,
    engines: list[Interpreter],
) -> bool:
    judged = engines[0].first.statuses(clause.basis.name.id, engines[0].case.index[path])
    if not any(when(one).lo for one in judged if one.clause is clause):
        return False
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
                    for part, when in ((version.scope, force), (version.test, scope)):
                        if part is not None and _may_divide(verdicts.program, part):
                            inner = both((guard, is_it, when))
                            yield from _divisors(verdicts, part, subject(record), inner, opened)
            return
        case ir.Fold(domain=ir.Items() as domain):
            owners = world.value(domain.subject, env)
            assert isinstance(owners, Pick)
            parts = [part for part in (expr.where, expr.take) if part is not None]
            if any(_may_divide(verdicts.program, part) for part in parts):
                for owner, is_it in owners.ways:
                    for item, there in world.items(owner, domain.name) if owner is not None else ():
                        inner_env, inner = {**env, expr.slot: item}, both((guard, is_it, there))
                        for part in parts:
                            yield from _divisors(verdicts, part, inner_env, inner, opened)
                            if part is expr.where:  # of an element that does not pass nothing is taken
                                inner = both((inner, world.truth(part, inner_env)))
            return
    if divides(expr):
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
    return any(map(divides, reached(program, [expr]).exprs))
