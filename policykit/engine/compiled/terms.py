"""Expressions → Python expressions, over records that generated code reads."""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from policykit import ir
from policykit.datatypes import Type
from policykit.engine.compiled.operations import NAMES, REFUSED, lowered
from policykit.engine.compiled.reading import identifier
from policykit.extents import Extents
from policykit.source import NOWHERE, Span
from policykit.values import Bounds, Month, Subset

Names = Mapping[str, str]


#: names that functions use inside, which no constant may have
LOCALS = ("amount", "lasting", "bars", "household", "key", "month", "pay", "record", "rows", "subjects", "this_month", "today",
          "value", "verdict", "way", "ways")  # fmt: skip


class Refused(Exception):
    """Something that generated code does not hold; the reference engine decides instead."""


@dataclass(slots=True)
class Terms:
    """Writes expressions of one program on one day; `wanted` are the terms, parameters, clauses and measures they call."""

    program: ir.Program
    on: date
    constants: dict[str, Any] = field(default_factory=dict)
    wanted: dict[tuple[str, ...], None] = field(default_factory=dict)
    extents: Extents = field(init=False)
    exclusive: set[str] = field(init=False)
    reserved: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.extents = Extents(self.program)
        self.exclusive = {
            m for one in self.program.exclusives if one.how != "by_election" for m in one.measures
        }
        self.reserved = {*NAMES, *dir(builtins), *map(identifier, self.program.entities), *LOCALS}

    def call(self, kind: str, *names: str) -> str:
        """The name of a function that the generated code must hold; what no exclusion touches is final as it is."""
        if kind == "final" and names[0] not in self.exclusive:
            kind = "base"
        self.wanted.setdefault((kind, *names))
        return "_".join((kind, *map(identifier, names)))

    # -- expressions

    def write(self, expr: ir.Expr, names: Names) -> str:
        """An expression, without the brackets that its place does not need."""
        text = self.expr(expr, names)
        return text[1:-1] if enclosed(text) else text

    def expr(self, expr: ir.Expr, names: Names) -> str:
        match expr:
            case ir.Const(value=value):
                return self.constant(value.value)
            case ir.Today(type=of):
                return "this_month" if of.kind == "month" else "today"
            case ir.Var(slot=slot):
                return names[slot]
            case ir.Fact(subject=of_, name=name):
                return self.of_record(of_, names, f"{{}}.{identifier(name)}", expr.type)
            case ir.Up(subject=of_, type=of):
                path = self.program.entity_path(of_.type.of)
                steps = path[1 : path.index(of.of) + 1]
                return self.of_record(
                    of_, names, "{}" + "".join(f".in_{identifier(step)}" for step in steps), of
                )
            case ir.Param():
                return self.parameter(expr, names)
            case ir.Ref(name=name, subject=None):
                return f"{self.call('term', name)}()"
            case ir.Ref(name=name, subject=of_) if of_ is not None:
                return self.of_record(of_, names, f"{self.call('term', name)}({{}})", expr.type)
            case ir.Apply():
                return self.apply(expr, names)
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                parts = (self.expr(then, names), self.expr(condition, names), self.expr(otherwise, names))
                return "({} if {} else {})".format(*parts)
            case ir.Fold():
                return self.fold(expr, names)
            case ir.Verdict(kind=kind, name=name, subject=of_):
                return self.verdict(kind, name, of_, names, expr.type)
        raise AssertionError(expr)

    def of_record(self, of: ir.Expr, names: Names, read: str, type_: Type) -> str:
        """What is read of a record; of 无 a condition is false, a set of labels empty, anything else 无."""
        record = self.expr(of, names)
        if not of.type.optional:
            return read.format(record)
        name = self.fresh(of.type.of, names)
        none = {"bool": ", False", "multi": ", frozenset()"}.get(type_.kind, "")
        return f"maybe({record}, lambda {name}: {read.format(name)}{none})"

    def apply(self, expr: ir.Apply, names: Names) -> str:
        if expr.op in REFUSED:
            raise Refused(expr.op)
        match expr:
            case ir.Apply(
                op="multiply",
                args=(ir.Const(value=Bounds(lo=1, hi=1)), other)
                | (other, ir.Const(value=Bounds(lo=1, hi=1))),
            ):
                return self.expr(other, names)
            case ir.Apply(op="round_down_to_yuan", args=(ir.Apply(op="divide", args=(a, b)),)) if self.whole(
                a, b
            ):
                # the same without a fraction: down to a multiple of b hundred fen
                above, below = self.expr(a, names), self.expr(b, names)
                return f"(None if {below} == 0 else {above} // ({below} * 100) * 100)"
        args = [self.expr(arg, names) for arg in expr.args]
        nothing = any(arg.type.optional for arg in expr.args)
        whole = all(arg.type.kind == "number" and self.extents.integral(arg) for arg in expr.args)
        return lowered(expr.op, args, nothing, whole)

    def whole(self, *exprs: ir.Expr) -> bool:
        """Whether these are whole numbers that cannot be 无."""
        return all(not one.type.optional and self.extents.integral(one) for one in exprs)

    def parameter(self, expr: ir.Param, names: Names) -> str:
        name, call = expr.name, self.call("param", expr.name)
        keys = [self.expr(key, names) for key in expr.keys]
        if expr.subject is None:
            return f"{call}({', '.join(keys)})" if keys or not self.plain(name) else self.plain(name)
        return self.of_record(expr.subject, names, f"{call}({', '.join(['{}', *keys])})", expr.type)

    def plain(self, name: str) -> str:
        """A parameter that is one figure in its range: a constant of the day, named after it."""
        parameter = self.program.parameters[name]
        setting = parameter.setting((), self.on)
        ends = (parameter.low, parameter.high)
        if setting is None or any(not isinstance(one, ir.Const) for one in (setting.value, *ends) if one):
            return ""
        if setting.value is None:
            return ""
        value, low, high = (
            one.value.value if isinstance(one, ir.Const) else None for one in (setting.value, *ends)
        )
        if parameter.type.ordered and value is not None:
            above = parameter.low is None or (low is not None and low <= value)
            below = parameter.high is None or (high is not None and value <= high)
            if not above or not below:
                return ""
        return self.named(identifier(name), value)

    def fold(self, expr: ir.Fold, names: Names) -> str:
        domain = expr.domain
        if isinstance(domain, ir.Items):
            item = self.fresh(domain.item, names)
            owner = self.expr(domain.subject, names)
            items = f"{owner}.{identifier(domain.name)}"
            if domain.subject.type.optional:
                name = self.fresh(domain.subject.type.of, names)
                items = f"maybe({owner}, lambda {name}: {name}.{identifier(domain.name)}, ())"
        else:
            item = self.fresh("month", names)
            items = f"months({self.write(domain.first, names)}, {self.write(domain.last, names)})"
        inner = {**names, expr.slot: item}
        loop = f"for {item} in {items}"
        where = self.write(expr.where, inner) if expr.where is not None else "True"
        take = self.write(expr.take, inner) if expr.take is not None else "True"
        only = "" if expr.where is None else f" if {self.expr(expr.where, inner)}"
        match expr.op:
            case "any" | "all":
                return f"{expr.op}({where} {loop})"
            case "count":
                return f"sum(1 {loop}{only})"
            case "sum" if expr.take is not None and not expr.take.type.optional:
                return f"sum({take} {loop}{only})"
            case "sum":
                return f"total({take} {loop}{only})"
            case "least" | "greatest":
                return f"{expr.op}({take} {loop}{only})"
            case "earliest" | "latest":
                return f"{expr.op}(({take}, {item}) {loop}{only})"
        raise Refused(expr.op)

    def verdict(self, kind: str, name: str, of: ir.Expr, names: Names, type_: Type) -> str:
        entity = of.type.of
        match kind:
            case "meets":
                read = f"{self.call('meets', name)}({{}})"
            case "blocked":
                read = f"{self.call('blocked', name)}({{}})"
            case "obtains":
                read = f"obtained({self.call('final', name, entity)}({{}}))"
            case "outcome":
                read = f"{self.call('final', name, entity)}({{}}).outcome"
            case _:
                raise Refused(kind)
        return self.of_record(of, names, read, type_)

    # -- names and constants

    @staticmethod
    def fresh(kind: str, names: Names) -> str:
        """A name for a record of a kind that no other record in sight has."""
        name, number = identifier(kind), 1
        while name in names.values():
            number += 1
            name = f"{identifier(kind)}_{number}"
        return name

    def constant(self, value: Any) -> str:
        match value:
            case Month():
                return self.named(f"month_{value.year}_{value.month:02d}", value)
            case date():
                return self.named(f"date_{value.year}_{value.month:02d}_{value.day:02d}", value)
            case Fraction():
                return f"Fraction({value.numerator}, {value.denominator})"
            case frozenset():
                return "{" + ", ".join(map(repr, sorted(value))) + "}" if value else "frozenset()"
            case Subset():
                return self.constant(value.must)
            case int() if value < 0:
                return f"({value})"
        return repr(value)

    def named(self, name: str, value: Any) -> str:
        name = f"{name}_" if re.sub(r"_[0-9]+$", "", name) in self.reserved else name
        self.constants[name] = value
        return name


def said(text: str) -> str:
    """Words of the rules inside the source: nothing in them can end the comment or string that they stand in."""
    return "".join(mark if mark.isprintable() and mark not in '"\\' else "_" for mark in text)


def place(span: Span) -> str:
    return "" if span is NOWHERE else said(f" · {span.file}:{span.line}")


def about(basis: ir.Basis) -> str:
    """What stands above a function: the label, where its words stand, where the rule stands."""
    cited = f" · {basis.cites[0].text} {basis.cites[0].locator}" if basis.cites else ""
    return said(f"{basis.name.zh}{cited}") + place(basis.span)


def figures(constants: Mapping[str, Any]) -> str:
    """The constants as source: figures of the day, days, sets of labels."""
    lines = []
    for name, value in sorted(constants.items()):
        shown = repr(value)
        if isinstance(value, Month):
            shown = f"Month({value.year}, {value.month})"
        elif isinstance(value, date):
            shown = f"date({value.year}, {value.month}, {value.day})"
        lines.append(f"{name} = {shown}")
    return "\n".join(lines)


def enclosed(text: str) -> bool:
    """Whether one pair of brackets holds all of a text."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    bare, depth = re.sub(r"'[^']*'|\"[^\"]*\"", lambda found: "_" * len(found[0]), text), 0
    for place, mark in enumerate(bare):
        depth += (mark == "(") - (mark == ")")
        if depth == 0 and place < len(text) - 1:
            return False
    return True
