"""What the rules themselves say of values: constants over planes, made once for all blocks."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np

from policykit import ir
from policykit.datatypes import Type, widest
from policykit.engine.columnar.planes import (
    EVERYWHERE,
    FALSE,
    LIMIT,
    NONE_BIT,
    NOWHERE,
    Labels,
    Ordered,
    Plane,
    Sets,
    Texts,
    Truth,
)
from policykit.values import NOTHING, Bounds, Month, Options, Subset


class Refused(Exception):
    """A program that cannot be worked out over planes; the text says why."""


class Constants:
    """The constants of a program, kept by the identity of what declares them."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self._kept: dict[int, Plane] = {}
        self._tops: dict[int, int] = {}

    def labels(self, choice: str) -> tuple[str, ...]:
        """The labels of a choice in their order."""
        of = self.program.choices.get(choice, ir.OUTCOME)
        return tuple(option.name.id for option in of.options)

    def kept(self, expr: ir.Expr, value: Any, of: Type) -> Plane:
        """A constant of the rules, made once."""
        found = self._kept.get(id(expr))
        if found is None:
            found = self._kept[id(expr)] = self.constant(value, of)
        return found

    def constant(self, value: Any, of: Type) -> Plane:
        """A value that is the same for every row."""
        match value:
            case Bounds(lo=bool(lo), hi=hi):
                first = EVERYWHERE if lo else NOWHERE
                return Truth(first, first if hi == lo else EVERYWHERE)
            case Bounds(lo=None) if of.kind == "choice":
                return Labels(np.array(NONE_BIT))
            case Bounds(lo=None):
                return Ordered(np.array(0), np.array(0), EVERYWHERE, NOWHERE)
            case Bounds(lo=lo, hi=hi, none=none):
                low, high, scale = *_numbers(lo, hi), 1
                if isinstance(low, Fraction) or isinstance(high, Fraction):
                    scale = np.lcm(low.denominator, high.denominator).item()
                    low, high = int(low * scale), int(high * scale)
                top = max(abs(low), abs(high))
                kind: Any = np.int64
                if top > LIMIT:
                    kind, scale = object, 1
                first = np.array(low, kind)
                second = first if low == high else np.array(high, kind)
                return Ordered(first, second, EVERYWHERE if none else None, None, scale, min(top, LIMIT))
            case Subset(must=must, may=may):
                first = np.array(self.bits(must, of.of))
                return Sets(first, first if must == may else np.array(self.bits(may, of.of)))
            case Options(values=values) if of.kind == "choice" and values is not None:
                return Labels(np.array(self.bits(values, of.of)))
            case Options(values=values) if of.kind == "text":
                text = np.empty((), object)
                text[()] = values
                return Texts(text)
        raise Refused(f"a constant of this kind: {of.kind}")

    def bits(self, labels: frozenset[str | None], choice: str) -> int:
        places = {label: place for place, label in enumerate(self.labels(choice))}
        return sum(NONE_BIT if label is None else 1 << places[label] for label in labels)

    def nothing(self, of: Type) -> Plane:
        """What is read of 无: a condition is false, a set of labels empty, anything else is 无."""
        if of.kind == "bool":
            return FALSE
        if of.kind == "multi":
            return self.constant(Subset(frozenset(), frozenset()), of)
        if of.kind == "text":
            return self.constant(Options(frozenset([None])), of)
        return self.constant(Bounds(None, None, none=True), of)

    def top(self, decl: ir.FactDecl, scale: int) -> int:
        """A bound on the values of a fact, which lie in the declared range."""
        if id(decl) not in self._tops:
            ends = [end.value for end in (decl.low, decl.high) if isinstance(end, ir.Const)]
            planes = [self.constant(end, decl.type) for end in (widest(decl.type, NOTHING), *ends)]
            self._tops[id(decl)] = max(
                -(-plane.top // plane.scale) for plane in planes if isinstance(plane, Ordered)
            )
        return self._tops[id(decl)] * scale


def known(plain_value: Any) -> Bounds:
    return Bounds(plain_value, plain_value)


def _numbers(lo: Any, hi: Any) -> tuple[Any, Any]:
    """Days and months as whole numbers."""
    if isinstance(lo, date):
        return lo.toordinal(), hi.toordinal()
    if isinstance(lo, Month):
        return lo.year * 12 + lo.month - 1, hi.year * 12 + hi.month - 1
    return lo, hi


def linear(expr: ir.Expr) -> dict[str, tuple[Any, ir.Expr]]:
    """A term as a sum of factors times terms that are not sums, by their shapes."""
    match expr:
        case ir.Const(value=value):
            return {"": (value.value, ir.Const(known(1), expr.type))}
        case ir.Apply(op="add" | "subtract" as op, args=(a, b)):
            found = linear(a)
            for key, (factor, atom) in linear(b).items():
                found[key] = (found.get(key, (0, atom))[0] + (factor if op == "add" else -factor), atom)
            return found
        case (
            ir.Apply(op="multiply", args=(ir.Const() as share, a))
            | ir.Apply(op="multiply", args=(a, ir.Const() as share))
        ):
            factor = share.value.value
            return {key: (own * factor, atom) for key, (own, atom) in linear(a).items()}
    return {ir.shape(expr): (1, expr)}
