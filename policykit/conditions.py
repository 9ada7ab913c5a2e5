"""What conditions say of the terms they read, and whether they can hold together.

A condition is taken apart into cases, each a list of claims about single terms. Where no case is free of contradiction
the condition never holds, however the facts lie; the reverse is not promised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain, groupby, product
from math import prod
from typing import Any, TypeAlias

from policykit import ir
from policykit.reach import within
from policykit.syntax import ALWAYS
from policykit.values import Bounds

_MOST_CASES = 1000

# a comparison as the ways its sides may stand, in order, and what it becomes when denied or turned round
_WAYS = {"lt": "<", "le": "<=", "gt": ">", "ge": "=>", "eq": "=", "ne": "<>"}
DENIED = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}
TURNED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}
_SIDE = {"<": -1, "=": 0, ">": 1}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a condition says of one term: it is among these, or not below `low`, or not above `high`.

    An end is a value with −1, 0 or 1: just before it, at it, just after it.
    """

    term: str
    among: frozenset[Any] | None = None
    low: tuple[Any, int] | None = None
    high: tuple[Any, int] | None = None


Case: TypeAlias = list[Claim]


def can_hold(case: Case) -> bool:
    """Whether no claim contradicts another."""
    for _, group in groupby(sorted(case, key=lambda claim: claim.term), key=lambda claim: claim.term):
        same = list(group)
        sets = [claim.among for claim in same if claim.among is not None]
        lows = [claim.low for claim in same if claim.low is not None]
        highs = [claim.high for claim in same if claim.high is not None]
        if (sets and not frozenset.intersection(*sets)) or (lows and highs and max(lows) > min(highs)):
            return False
    return True


def together(parts: list[list[Case]]) -> list[Case]:
    """The cases in which one case of each part holds; too many become one that claims nothing."""
    if prod(map(len, parts)) > _MOST_CASES:
        return [[]]
    return [list(chain(*cases)) for cases in product(*parts)]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Reads conditions as claims; the subject goes by the name `here`.

    What was read once is remembered, since lints ask of the same expressions again and again.
    """

    program: ir.Program
    here: str
    _names: dict[tuple[ir.Expr, str], str] = field(default_factory=dict, repr=False)
    _cases: dict[tuple[ir.Expr, bool, str], list[Case]] = field(default_factory=dict, repr=False)

    def at(self, here: str) -> Conditions:
        """The same reader with another name for the subject."""
        return Conditions(self.program, here, self._names, self._cases)

    def name(self, expr: ir.Expr) -> str:
        """A text that is equal for identical terms, however the elements of their folds are called."""
        found = self._names.get((expr, self.here))
        if found is None:
            found = self._names[expr, self.here] = self._name(expr)
        return found

    def _name(self, expr: ir.Expr) -> str:
        text = ir.shape(expr)
        if self.here != "self":
            text = re.sub(r"\bself\b", self.here, text)
        if "#" in text:
            folds = [inner for inner in within(expr) if isinstance(inner, ir.Fold)]
            for number, fold in enumerate(folds, start=1):
                first, *rest = text.split(fold.slot)
                text = first + "".join(
                    (fold.slot if _goes_on(after) else f"#{number}") + after for after in rest
                )
        return text

    def cases(self, expr: ir.Expr, holds: bool) -> list[Case]:
        """The cases in which a condition is true, or with `holds` false is false."""
        found = self._cases.get((expr, holds, self.here))
        if found is None:
            found = self._cases[expr, holds, self.here] = self._read(expr, holds)
        return found

    def _read(self, expr: ir.Expr, holds: bool) -> list[Case]:
        match expr:
            case ir.Const(value=Bounds(lo=bool(written))):
                return [[]] if written == holds else []
            case ir.Apply(op="not", args=(inner,)):
                return self.cases(inner, not holds)
            case ir.Apply(op="and" | "or" as op, args=args):
                parts = [self.cases(arg, holds) for arg in args]
                return together(parts) if (op == "and") == holds else list(chain(*parts))
            case ir.Apply(op="has_not", args=args):
                return [self.compared("has", args, not holds)]
            case ir.Apply(op=op, args=args):
                return [self.compared(op, args, holds)]
            case ir.Ref(name=name, subject=subject):
                first, *later = self.program.defines[name].versions
                # outside its period, or of 无, a term is not true, yet its body need not be false
                partial = first.period != ALWAYS or (subject is not None and subject.type.optional)
                if not later and (holds or not partial):
                    there = self.name(subject) if subject else self.here
                    body = self.at(there).cases(first.body, holds)
                    return together([[[Claim(self.name(expr), frozenset([holds]))]], body])
        return [[Claim(self.name(expr), frozenset([holds]))]]

    def compared(self, op: str, args: tuple[ir.Expr, ...], holds: bool) -> Case:
        """What one comparison says of the terms it compares."""
        found = [Claim(f"{op}({', '.join(map(self.name, args))})", frozenset([holds]))]
        of = args[0].type
        if of.kind == "choice":
            every = self.program.choices[of.of].labels | ({None} if of.optional else set())
            among = _labels(op, args, every)
            if among is not None:
                found.append(Claim(self.name(args[0]), among if holds else every - among))
        # a denied order turns round only where neither side can be 无
        elif op in _WAYS and (holds or op in ("eq", "ne") or not any(arg.type.optional for arg in args)):
            found.append(self.ordered(op if holds else DENIED[op], *args))
        return found

    def ordered(self, op: str, left: ir.Expr, right: ir.Expr) -> Claim:
        """An order as an interval against a constant, else as how the two terms stand to each other."""
        known = isinstance(right, ir.Const)
        if not known and (isinstance(left, ir.Const) or self.name(left) > self.name(right)):
            op, left, right = TURNED[op], right, left
        ways = _WAYS[op]
        if self.name(left) == self.name(right):
            return Claim(f"{self.name(left)} ? itself", frozenset(ways) & {"="})
        if not isinstance(right, ir.Const) or not right.type.ordered:
            return Claim(f"{self.name(left)} ? {self.name(right)}", frozenset(ways))
        low, high = ((right.value.value, _SIDE[way]) for way in (ways[0], ways[-1]))
        return Claim(self.name(left), None, None if "<" in ways else low, None if ">" in ways else high)


def _goes_on(after: str) -> bool:
    """Whether the number of an element goes on after what was taken for it, as that of 成员#12 does after 成员#1."""
    return after[:1].isdecimal()


def _labels(op: str, args: tuple[ir.Expr, ...], every: frozenset[Any]) -> frozenset[Any] | None:
    """The labels that a term has where a comparison with constants holds."""
    if op == "has":
        return every - {None}
    if len(args) < 2 or not isinstance(args[1], ir.Const) or op not in ("eq", "ne", "among"):
        return None
    named = args[1].value.value
    same: frozenset[Any] = named if op == "among" else frozenset([named])
    return every - same if op == "ne" else same
