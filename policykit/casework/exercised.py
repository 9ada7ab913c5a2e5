"""What the cases exercise: which clauses, conditions and exceptions they saw come out both ways.

Clauses are counted, not lines. A clause is exercised only where an expectation bears on it: one of the clause itself,
or of a measure that it grants or withholds, on a record that it speaks of. What happens to be evaluated besides counts
for nothing, as nobody said what should come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from policykit import ir
from policykit.casework.trials import Prepared, prepared
from policykit.diagnostics import Language
from policykit.engine.interpreter import Interpreter
from policykit.engine.outcomes import Status
from policykit.engine.terms import Env, subject
from policykit.facts import Instance
from policykit.loader import Policies
from policykit.source import Span
from policykit.values import Bounds, Options, both

UNREACHABLE = "unreachable.toml"  # beside the cases: what no household can reach, each with the reason

Kind = Literal["clause", "scope", "test", "operand", "exception"]


@dataclass(frozen=True, slots=True)
class Site:
    """Something that may come out yes or no: a clause, its scope, its test, an operand of and/or, an exception.

    `owner` is the clause, defined term or 互斥 it belongs to; `other` the clause or measure on the other side of an
    exception.
    """

    kind: Kind
    owner: str
    span: Span
    other: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A site, and which ways the cases saw it come out."""

    site: Site
    ways: frozenset[bool]

    @property
    def whole(self) -> bool:
        return len(self.ways) == 2


@dataclass(frozen=True, slots=True)
class Exercise:
    """Every site of a program, in source order, with what the cases saw of it."""

    program: ir.Program
    seen: tuple[Seen, ...]

    @property
    def open(self) -> tuple[Seen, ...]:
        """What no case reaches, or only one way."""
        return tuple(one for one in self.seen if not one.whole)

    def of(self, kind: Kind) -> tuple[Seen, ...]:
        return tuple(one for one in self.seen if one.site.kind == kind)

    @property
    def both_ways(self) -> int:
        """How many clauses were seen to stand and not to stand, each of their versions."""
        open_ = {one.site.owner for one in self.of("clause") if not one.whole}
        return len(self.program.clauses) - len(open_)


def exercised(policies: Policies) -> Exercise:
    """What the cases of some policies exercise; cases whose household cannot be read exercise nothing."""
    ways: dict[Site, set[bool]] = {site: set() for site in sites(policies.program)}
    for found in prepared(policies):
        if not isinstance(found, Prepared):
            continue
        watch = _Watch(found.interpreter(found.program), ways)
        for expectation in found.trial.expected:
            record = found.case.index.get(expectation.subject)
            if record is not None:
                watch.expectation(expectation, record)
    return Exercise(policies.program, tuple(Seen(site, frozenset(seen)) for site, seen in ways.items()))


def said(policies: Policies, site: Site, language: Language) -> str:
    """A site in words: whose it is, and the words of an operand or the other side of an exception."""
    program, zh = policies.program, language == "zh"
    owner: Any = next(iter(program.clauses.get(site.owner, ())), None) or program.defines.get(site.owner)
    if owner is None:
        owner = next(e for e in program.exclusives if e.basis.name.id == site.owner)
    name = _label(owner, language)
    if site.kind == "operand":
        text = next(s.text for s in policies.sources if s.file == site.span.file)
        words = " ".join(text[site.span.start : site.span.end].split())
        return f"{name}「{words}」" if zh else f"{name} “{words}”"
    if site.other:
        other: Any = next(iter(program.clauses.get(site.other, ())), None) or program.measures[site.other]
        return f"{name}（{_label(other, language)}）" if zh else f"{name} ({_label(other, language)})"
    return name


def _label(declared: Any, language: Language) -> str:
    name: ir.Name = getattr(declared, "name", None) or declared.basis.name
    return name.label(language)


# ---- the sites of a program ------------------------------------------------------------------------------------------


def sites(program: ir.Program) -> Iterator[Site]:
    """Everything of a program that cases should see come out both ways."""
    found = dict.fromkeys(_clause_sites(program))
    for name in _terms_reached(program):
        for version in program.defines[name].versions:
            found |= dict.fromkeys(_operands(name, version.body))
    for exclusive in program.exclusives:
        for measure in exclusive.measures:
            if exclusive.how != "by_order" or measure != exclusive.measures[0]:
                found[Site("exception", exclusive.basis.name.id, exclusive.basis.span, measure)] = None
    yield from found


def _clause_sites(program: ir.Program) -> Iterator[Site]:
    for name, versions in program.clauses.items():
        for version in versions:
            yield _of_clause("clause", version)
            for condition, kind in _conditions(version):
                yield _of_clause(kind, version)
                yield from _operands(name, condition)
        for other in sorted(_prevailing(program, name)):
            yield Site("exception", name, versions[0].basis.span, other)


def _of_clause(kind: Kind, version: ir.Clause) -> Site:
    return Site(kind, version.basis.name.id, version.basis.span)


def _conditions(version: ir.Clause) -> Iterator[tuple[ir.Expr, Kind]]:
    if version.scope is not None:
        yield version.scope, "scope"
    if version.test is not None:
        yield version.test, "test"


def _operands(owner: str, expr: ir.Expr) -> Iterator[Site]:
    for part in ir.children(expr):
        if _branches(expr, part):
            yield Site("operand", owner, part.span)
        yield from _operands(owner, part)


def _branches(expr: ir.Expr, part: ir.Expr) -> bool:
    """Whether a part is an operand of and/or (a chain of one of them counts as one), or the condition of an if."""
    if isinstance(expr, ir.If):
        return part is expr.condition
    if not isinstance(expr, ir.Apply) or expr.op not in ("and", "or"):
        return False
    return not (isinstance(part, ir.Apply) and part.op == expr.op)


def _terms_reached(program: ir.Program) -> list[str]:
    """The defined terms that scopes and tests read, directly or through others, in source order."""
    stack = [c for versions in program.clauses.values() for v in versions for c, _ in _conditions(v)]
    reached: set[str] = set()
    while stack:
        expr = stack.pop()
        stack.extend(ir.children(expr))
        if isinstance(expr, ir.Ref) and expr.name not in reached:
            reached.add(expr.name)
            stack.extend(version.body for version in program.defines[expr.name].versions)
    return [name for name in program.defines if name in reached]


def _prevailing(program: ir.Program, name: str) -> Iterator[str]:
    """The clauses that may defeat one: those that prevail over it next, and the exclusions and bans that bar it."""
    clause = program.clauses[name][0]
    above = program.blockers.get(name, frozenset())
    for other, (first, *_) in program.clauses.items():
        between = any(other in program.blockers.get(middle, ()) for middle in above)
        lies_in = first.entity in program.entity_path(clause.entity)
        bars = (
            other not in above
            and name not in program.blockers.get(other, ())
            and _bars(program, first, clause)
        )
        if lies_in and ((other in above and not between and _competes(first, clause)) or bars):
            yield other


def _competes(higher: ir.Clause, lower: ir.Clause) -> bool:
    match higher.effect, lower.effect:
        case ir.Grant(measure=one), ir.Grant(measure=other):
            return one == other
        case ir.Grant(measure=measure), ir.Withhold(measures=measures):
            return measure in measures
    return True


def _bars(program: ir.Program, other: ir.Clause, clause: ir.Clause) -> bool:
    match other.effect, clause.effect:
        case ir.Withhold(measures=measures, members=members), ir.Grant(measure=measure):
            return measure in measures and (members or other.entity == clause.entity)
        case ir.Ban(act=banned), ir.Duty(act=act):
            line = [act]
            while (whole := program.acts[line[-1]].part_of) is not None and whole not in line:
                line.append(whole)
            return banned in line and other.entity == clause.entity
    return False


# ---- watching one trial ----------------------------------------------------------------------------------------------


def deciding(program: ir.Program, expectation: ir.Expectation, record: Instance) -> Iterator[str]:
    """The clauses that an expectation bears on: the one it asks, or those that grant or withhold the measure it asks."""
    for name, (first, *_) in program.clauses.items():
        match first.effect:
            case ir.Grant(measure=measure):
                decides = measure == expectation.name and first.entity == record.entity
            case ir.Withhold(measures=measures, members=members):
                decides = expectation.name in measures and (members or first.entity == record.entity)
            case _:
                decides = False
        if (expectation.about == "clause" and name == expectation.name) or (
            expectation.about == "measure" and decides
        ):
            yield name


def bearing(engine: Interpreter, expectation: ir.Expectation, record: Instance) -> Iterator[Status]:
    """What the clauses that an expectation bears on say of the records they speak of, those in force."""
    for name in deciding(engine.program, expectation, record):
        for spoken_of in engine.first.on_or_above(name, record):
            yield from engine.first.statuses(name, spoken_of)


class _Watch:
    """Notes what one trial sees of each site."""

    def __init__(self, engine: Interpreter, ways: dict[Site, set[bool]]) -> None:
        self.engine, self.ways = engine, ways

    def note(self, site: Site, value: Bounds) -> None:
        """What is unknown was not seen."""
        if value.known and site in self.ways:
            self.ways[site].add(bool(value.lo))

    def expectation(self, expectation: ir.Expectation, record: Instance) -> None:
        statuses = list(bearing(self.engine, expectation, record))
        for status in statuses:
            self.clause(status)
        if expectation.about == "clause" and not statuses:
            for version in self.engine.program.clauses[expectation.name]:
                if version.scope is None and version.test is None:
                    self.ways[_of_clause("clause", version)].add(False)  # nothing but its period can stop it
        if expectation.about == "measure":
            self.exclusives(expectation.name, record)

    def clause(self, status: Status) -> None:
        version, name = status.clause, status.clause.basis.name.id
        self.note(_of_clause("clause", version), status.stands)
        self.note(_of_clause("scope", version), status.scope)
        if version.scope is not None:
            self.inside(name, version.scope, status.subject)
        if version.test is not None and status.scope.lo:
            self.note(_of_clause("test", version), status.test)
            self.inside(name, version.test, status.subject)
        if status.applies.lo:
            first = self.engine.first
            over = [*first.beaters(version, status.subject), *first.barriers(version, status.subject)]
            for other, holds in over:
                span = self.engine.program.clauses[name][0].basis.span
                self.note(Site("exception", name, span, other), holds)

    def exclusives(self, measure: str, record: Instance) -> None:
        first = self.engine.first
        before = first.base(measure, record)
        for exclusive in self.engine.program.exclusives:
            if measure in exclusive.measures and before.outcomes == {"granted"}:
                after = first.exclude(exclusive, measure, record, before).outcomes
                lost = Bounds(after == {"superseded"}, "superseded" in after)
                self.note(Site("exception", exclusive.basis.name.id, exclusive.basis.span, measure), lost)

    def inside(self, owner: str, condition: ir.Expr, record: Instance) -> None:
        terms = self.engine.terms

        def visit(expr: ir.Expr, env: Env, whose: str) -> None:
            for part in ir.children(expr):
                if _branches(expr, part):
                    self.note(Site("operand", whose, part.span), terms.truth(part, env))

        walk(self.engine, condition, subject(record), owner, visit)


def walk(
    engine: Interpreter, expr: ir.Expr, env: Env, owner: str, visit: Callable[[ir.Expr, Env, str], None]
) -> None:
    """Visits every expression that is evaluated: defined terms open into their bodies, folds into their elements.

    Each visit comes with the clause or term that the expression stands in. A term is opened once a record.
    """
    terms, opened = engine.terms, set[tuple[str, Instance | None]]()

    def go(expr: ir.Expr, env: Env, owner: str) -> None:
        visit(expr, env, owner)
        match expr:
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                go(condition, env, owner)
                test = terms.truth(condition, env)
                for branch, taken in ((then, test.hi), (otherwise, not test.lo)):
                    if taken:
                        go(branch, env, owner)
            case ir.Fold(domain=domain, where=where, take=take):
                for item, present in elements(domain, env, owner):
                    inner = {**env, expr.slot: item}
                    passes = present
                    if where is not None and present.hi:
                        go(where, inner, owner)
                        passes = both((present, terms.truth(where, inner)))
                    if take is not None and passes.hi:
                        go(take, inner, owner)
            case ir.Ref(name=name, subject=of):
                record = None
                if of is not None:
                    go(of, env, owner)
                    whose = terms.value(of, env)
                    if not whose.known or whose.value is None:
                        return
                    record = whose.value
                version = engine.program.defines[name].on(engine.on)
                if version is not None and (name, record) not in opened:
                    opened.add((name, record))
                    go(version.body, subject(record) if record is not None else {}, name)
            case _:
                for part in ir.children(expr):
                    go(part, env, owner)

    def elements(
        domain: ir.Items | ir.MonthRange, env: Env, owner: str
    ) -> Iterator[tuple[Options | Bounds, Bounds]]:
        if isinstance(domain, ir.MonthRange):
            go(domain.first, env, owner)
            go(domain.last, env, owner)
            for month, present, _ in terms.months(domain, env):
                if isinstance(month, Bounds):
                    yield month, present
            return
        go(domain.subject, env, owner)
        whose = terms.value(domain.subject, env)
        if whose.known and whose.value is not None:
            for item, present, _ in terms.listing(whose.value, domain.name):
                yield Options(frozenset([item])), present

    go(expr, env, owner)
