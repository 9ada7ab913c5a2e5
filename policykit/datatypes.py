"""The types of the rule language: truth, numbers with dimensions, dates, months, text, choices, records, lists.

A dimension is a product of units with powers: 元/人·月 is 元¹人⁻¹月⁻¹. Money is held in fen, so the units 角 and 分
scale into 元; 个, 次 and 项 count without a dimension, and % is a hundredth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from policykit.values import Bounds, Missing, Month, Number, Options, Subset, Value, settle

Kind: TypeAlias = Literal["bool", "number", "date", "month", "text", "choice", "multi", "record", "list"]
Dimension: TypeAlias = tuple[tuple[str, int], ...]

#: every spelling of a unit → its dimension's name (empty: none) and its size in that dimension's base unit
UNITS: dict[str, tuple[str, Fraction]] = {
    "元": ("元", Fraction(100)), "yuan": ("元", Fraction(100)),
    "角": ("元", Fraction(10)), "jiao": ("元", Fraction(10)),
    "分": ("元", Fraction(1)), "fen": ("元", Fraction(1)),
    "人": ("人", Fraction(1)), "person": ("人", Fraction(1)), "persons": ("人", Fraction(1)),
    "户": ("户", Fraction(1)), "household": ("户", Fraction(1)), "households": ("户", Fraction(1)),
    "个月": ("月", Fraction(1)), "月": ("月", Fraction(1)), "month": ("月", Fraction(1)), "months": ("月", Fraction(1)),
    "年": ("年", Fraction(1)), "year": ("年", Fraction(1)), "years": ("年", Fraction(1)),
    "周岁": ("岁", Fraction(1)), "岁": ("岁", Fraction(1)), "years old": ("岁", Fraction(1)),
    "天": ("天", Fraction(1)), "日": ("天", Fraction(1)), "day": ("天", Fraction(1)), "days": ("天", Fraction(1)),
    "个": ("", Fraction(1)), "piece": ("", Fraction(1)), "pieces": ("", Fraction(1)),
    "次": ("", Fraction(1)), "time": ("", Fraction(1)), "times": ("", Fraction(1)),
    "项": ("", Fraction(1)), "item": ("", Fraction(1)), "items": ("", Fraction(1)),
    "%": ("", Fraction(1, 100)), "％": ("", Fraction(1, 100)),
}  # fmt: skip

UNIT_NAMES: dict[str, tuple[str, str]] = {
    "元": ("元", "yuan"), "人": ("人", "person"), "户": ("户", "household"), "月": ("月", "month"),
    "年": ("年", "year"), "岁": ("周岁", "years old"), "天": ("天", "day"),
}  # fmt: skip

PLAIN: Dimension = ()

# A number with no declared range still has one, so that every sum has bounds: 10 亿元, a million of anything else.
_MONEY_LIMIT = 10**11
_COUNT_LIMIT = 10**6
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its kind, what it is of (a dimension, or the name of a choice or entity), and whether 无 is a value."""

    kind: Kind
    of: str = ""
    dimension: Dimension = PLAIN
    optional: bool = False

    @property
    def ordered(self) -> bool:
        return self.kind in ("number", "date", "month")

    @property
    def money(self) -> bool:
        return self.kind == "number" and any(unit == "元" for unit, _ in self.dimension)

    def required(self) -> Type:
        """The same type without 无."""
        return replace(self, optional=False) if self.optional else self


BOOL = Type("bool")
DATE = Type("date")
MONTH = Type("month")
TEXT = Type("text")
COUNT = Type("number")
MONTHS = Type("number", dimension=(("月", 1),))
DAYS = Type("number", dimension=(("天", 1),))
YEARS_OLD = Type("number", dimension=(("岁", 1),))


def number(dimension: Dimension, optional: bool = False) -> Type:
    """A number of this dimension."""
    return Type("number", dimension=dimension, optional=optional)


def parse_unit(text: str) -> tuple[Dimension, Fraction]:
    """The dimension a unit names and the factor into base units: 元/人·月 → (元¹人⁻¹月⁻¹, 100).

    What follows the first slash is all below the line, joined by slash or dot.
    """
    powers: dict[str, int] = {}
    factor = Fraction(1)
    above, *below = re.split(r"[/／]", text, maxsplit=1)
    for part, power in [(above, 1), *((rest, -1) for rest in below)]:
        for unit in re.split(r"[·*/／]", part):
            name, scale = UNITS[unit]
            if name:
                powers[name] = powers.get(name, 0) + power
            factor *= scale**power
    return _dimension(powers), factor


def times(a: Dimension, b: Dimension, power: int = 1) -> Dimension:
    """The dimension of a product, or with power −1 of a quotient."""
    powers = dict(a)
    for unit, p in b:
        powers[unit] = powers.get(unit, 0) + p * power
    return _dimension(powers)


def _dimension(powers: dict[str, int]) -> Dimension:
    return tuple(sorted((unit, power) for unit, power in powers.items() if power))


def show_dimension(dimension: Dimension, language: str = "zh") -> str:
    """The unit as written: 元/人·月."""
    which = 0 if language == "zh" else 1
    above = [UNIT_NAMES[u][which] for u, p in dimension for _ in range(p) if p > 0]
    below = [UNIT_NAMES[u][which] for u, p in dimension for _ in range(-p) if p < 0]
    if not below:
        return "·".join(above)
    return f"{'·'.join(above) or '1'}/{'·'.join(below)}"


def widest(of: Type, missing: Missing, labels: frozenset[str] = frozenset()) -> Value:
    """What is known of a value when only its type is: every value the type allows."""
    if of.kind == "bool":
        return Bounds(False, True, missing=missing)
    if of.kind == "number":
        limit: Number = _MONEY_LIMIT if of.money else _COUNT_LIMIT
        return Bounds(-limit if of.money else 0, limit, of.optional, missing)
    if of.kind == "date":
        return Bounds(_FIRST_DAY, _LAST_DAY, of.optional, missing)
    if of.kind == "month":
        return Bounds(Month(1900, 1), Month(2199, 12), of.optional, missing)
    if of.kind == "multi":
        return Subset(frozenset(), labels, missing)
    if of.kind == "text":
        return Options(None, missing)
    choices: frozenset[Any] = labels | {None} if of.optional else labels
    return settle(Options(choices), missing)
