"""The range that a number can have by what is declared: of facts and parameters, of lists, of what is computed from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from policykit import ir, ops, values
from policykit.datatypes import Type, widest
from policykit.values import NONE, NOTHING, TRUE, Bounds, Number, Value

LIMIT = 2**62  #: fen in 64 bits, with room for one more sum
MOST_MONTHS = 1200

_WHOLE_UNITS = ("人", "户", "月", "年", "天", "岁")
_KEEP_WHOLE = ("add", "subtract", "negative", "multiply", "max_of", "min_of", "present")
_MAKE_WHOLE = ("full_years", "months_between", "days_between")


@dataclass(slots=True)
class Extents:
    """The ranges of expressions; `choices` are the quantities an approver chooses in the amount looked at."""

    program: ir.Program
    too_great: Callable[[ir.Expr, Number], None] = lambda expr, bound: None
    choices: dict[str, Bounds] = field(default_factory=dict)
    defines: dict[str, Value] = field(default_factory=dict)

    def integral(self, expr: ir.Expr) -> bool:
        """Whether a number is always whole: fen, persons, months."""
        match expr:
            case ir.Const(value=Bounds(lo=number)):
                return not isinstance(number, Fraction)
            case ir.Var(slot=slot):
                return slot.startswith("choice:")
            case ir.Fact(type=of):
                return _whole(of)
            case ir.Param(name=name, type=of):
                formulas = (setting.value for setting in self.program.parameters[name].settings)
                return _whole(of) and all(self.integral(formula) for formula in formulas if formula)
            case ir.Ref(name=name):
                return all(self.integral(version.body) for version in self.program.defines[name].versions)
            case ir.If(then=then, otherwise=otherwise):
                return self.integral(then) and self.integral(otherwise)
            case ir.Fold(take=take):
                return take is None or self.integral(take)
            case ir.Apply(op=op, args=args):
                made = op in _MAKE_WHOLE or op.startswith("round_")
                return made or (op in _KEEP_WHOLE and all(map(self.integral, args)))
        return False

    def of(self, expr: ir.Expr) -> Value:
        """The range a number can have; one too great is told where it arises, and taken for anything."""
        inner = tuple(self.of(child) for child in ir.children(expr))
        if expr.type.kind != "number":
            return widest(expr.type, NOTHING)
        reach = self.computed(expr, inner)
        assert isinstance(reach, Bounds)
        bound = 0 if reach.lo is None else max(abs(reach.lo), abs(reach.hi))
        if bound <= LIMIT:
            return reach
        self.too_great(expr, bound)
        return widest(expr.type, NOTHING)

    def computed(self, expr: ir.Expr, inner: tuple[Value, ...]) -> Value:
        """The range of a number whose operands have these ranges."""
        match expr:
            case ir.Const(value=value):
                return value
            case ir.Var(slot=slot) if slot in self.choices:
                return self.choices[slot]
            case ir.Fact(entity=entity, name=name):
                return self.declared(self.program.entities[entity].facts[name])
            case ir.Param(name=name):
                return self.declared(self.program.parameters[name])
            case ir.Ref(name=name):
                return self.define(name)
            case ir.If():
                return values.join(inner[1:])
            case ir.Fold(op=op, domain=domain, take=take):
                most = MOST_MONTHS
                if isinstance(domain, ir.Items):
                    most = self.program.entities[domain.entity].lists[domain.name].most
                element = ops.Element(Bounds(False, True), inner[-1] if take else TRUE, most)
                combine = ops.OPS[op].bounds
                assert callable(combine)
                return combine([element])
            case ir.Apply(op="divide", args=(_, divisor)) if self.integral(divisor):
                sides = [_divide(inner[0], side) for side in _off_zero(inner[1])]
                return values.join([NONE, *sides])
            case ir.Apply(op=op):
                return ops.OPS[op].apply(inner)
        return widest(expr.type, NOTHING)

    def declared(self, what: ir.FactDecl | ir.Parameter) -> Value:
        """The range that a fact or parameter is declared to have."""
        low, high = (self.of(end) if end else widest(what.type, NOTHING) for end in (what.low, what.high))
        assert isinstance(low, Bounds) and isinstance(high, Bounds)
        return Bounds(low.lo, high.hi, what.type.optional)

    def define(self, name: str) -> Value:
        """The range of a term over all its versions."""
        if name not in self.defines:
            versions = self.program.defines[name].versions
            self.defines[name] = values.join([self.of(version.body) for version in versions])
        return self.defines[name]


def _whole(of: Type) -> bool:
    """Whether facts of this type are whole numbers: of fen, persons, months, years or days."""
    return of.money or of.dimension in [((unit, 1),) for unit in _WHOLE_UNITS]


def _divide(a: Value, b: Value) -> Value:
    return ops.OPS["divide"].apply((a, b))


def _off_zero(b: Value) -> list[Value]:
    """The ranges of a whole divisor on either side of 0."""
    assert isinstance(b, Bounds)
    if b.lo is None:
        return []
    ends = ((b.lo, min(b.hi, -1)), (max(b.lo, 1), b.hi))
    return [Bounds(lo, hi) for lo, hi in ends if lo <= hi]
