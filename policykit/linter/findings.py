"""What the lints share: the rules as they look at them, and how a finding is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain

from policykit import ir
from policykit.conditions import Conditions
from policykit.datatypes import Dimension
from policykit.diagnostics import Diagnostic
from policykit.extents import Extents
from policykit.source import Span
from policykit.syntax import Module, Period


def warning(module: Module, code: str, span: Span, *fields: tuple[str, str]) -> Diagnostic:
    """A diagnostic about a place in a file, in the file's language."""
    return Diagnostic(code, str(span), module.language, fields, span, module.source.line(span.line))


@dataclass(frozen=True, slots=True)
class Rule:
    """A declaration that quotes and decides: its quotes, and the expressions that make it up."""

    basis: ir.Basis
    period: Period
    exprs: tuple[ir.Expr, ...]
    clause: ir.Clause | None = None
    texts: tuple[str, ...] = ()
    numbers: tuple[tuple[Dimension, Fraction], ...] = ()

    def cites(self, *roles: str) -> list[ir.Citation]:
        """The quotes that speak of the rule itself: the first, those without a role, those in the roles named; of a
        term or an amount, all."""
        held = [cite for cite in self.basis.cites if cite.quote]
        if self.clause is None:
            return held
        return [cite for i, cite in enumerate(held) if i == 0 or not cite.role or cite.role in roles]


@dataclass(slots=True)
class Lint:
    """What a lint looks at, and what it found."""

    program: ir.Program
    modules: dict[str, Module]
    found: list[Diagnostic] = field(default_factory=list)
    reported: set[Diagnostic] = field(default_factory=set)
    read: Conditions = field(init=False)
    extents: Extents = field(init=False)

    def __post_init__(self) -> None:
        self.read, self.extents = Conditions(self.program, "self"), Extents(self.program)

    def report(self, code: str, span: Span, *fields: tuple[str, str]) -> None:
        diagnostic = warning(self.modules[span.file], code, span, *fields)
        if diagnostic not in self.reported:
            self.reported.add(diagnostic)
            self.found.append(diagnostic)

    def say(self, span: Span, zh: str, en: str) -> str:
        return zh if self.modules[span.file].language == "zh" else en

    def written(self, expr: ir.Expr) -> str:
        """The words of an expression, on one line."""
        span = expr.span
        text = re.sub(r"\s+", " ", self.modules[span.file].source.text[span.start : span.end]).strip()
        return text if len(text) <= 60 else text[:59] + "…"

    @property
    def clauses(self) -> Iterator[ir.Clause]:
        return chain.from_iterable(self.program.clauses.values())

    def rules(self) -> Iterator[Rule]:
        """Every declaration that quotes a text and decides something by it."""
        for define in self.program.defines.values():
            for version in define.versions:
                yield Rule(version.basis, version.period, (version.body,))
        for amount in self.program.amounts:
            yield Rule(amount.basis, amount.period, tuple(amount_parts(amount)))
        for c in self.clauses:
            texts = [text for text, _ in c.confirm]
            texts += [c.effect.text] if isinstance(c.effect, ir.Record) else []
            ends = ((d.type.dimension, Fraction(end)) for d in c.discretion for end in (d.low, d.high))
            yield Rule(c.basis, c.period, tuple(self.parts(c)), c, tuple(texts), tuple(ends))

    def parts(self, c: ir.Clause) -> Iterator[ir.Expr]:
        """Every expression of a clause, its amount included, also where that is a rule of its own."""
        given: list[ir.Expr | None] = [c.scope, c.test, *(expr for _, expr in c.confirm)]
        match c.effect:
            case ir.Grant(measure=measure, amount=amount):
                rules = [a for a in self.program.amounts if (a.measure, a.entity) == (measure, c.entity)]
                for paid in [amount] if amount else rules:
                    given += amount_parts(paid)
            case ir.Duty(done=done, due=due, every=every):
                given += [done, due, every]
        given += [choice.limit for choice in c.discretion]
        return (expr for expr in given if expr is not None)

    def other_exprs(self) -> Iterator[ir.Expr]:
        """Every expression that stands in no clause."""
        program = self.program
        for define in program.defines.values():
            yield from (version.body for version in define.versions)
        for parameter in program.parameters.values():
            yield from (e for e in (parameter.low, parameter.high) if e is not None)
            yield from (setting.value for setting in parameter.settings if setting.value is not None)
        for amount in program.amounts:
            yield from amount_parts(amount)
        yield from (note.test for note in program.notes if note.test is not None)
        for entity in program.entities.values():
            for fact in entity.facts.values():
                yield from (e for e in (fact.low, fact.high) if e is not None)

    def every_expr(self) -> Iterator[ir.Expr]:
        """Every expression of the program."""
        for c in self.clauses:
            yield from self.parts(c)
            yield from (expr for expr in (c.as_of, c.application) if expr is not None)
        yield from self.other_exprs()


def amount_parts(amount: ir.Amount) -> list[ir.Expr]:
    every = (amount.total, *(part.expr for part in amount.parts), amount.start, amount.months)
    return [expr for expr in every if expr is not None]
