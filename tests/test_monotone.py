"""Every operation is monotone: who knows more of the operands knows more, or as much, of the result, and nothing else.

This is the step on which the engine's own laws rest (docs/proofs.md): from it follows, by structure, that taking a
fact away never flips a decided answer. Operands are drawn at random, known in part, and then known better.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from policykit.facts import Instance
from policykit.ops import OPS, Element
from policykit.values import (
    FALSE,
    NONE,
    TRUE,
    Bounds,
    Gap,
    Month,
    Options,
    Subset,
    Value,
    either,
    exactly,
    join,
    negate,
)

ROUNDS = 400
GAP = frozenset([Gap("fact", "", "unknown")])
LABELS = ("a", "b", "c")

#: operation → the kinds of its operands; `optional` ones may be 无
OPERANDS: dict[str, tuple[str, ...]] = {
    "and": ("truth", "truth", "truth"), "or": ("truth", "truth", "truth"), "not": ("truth",),
    **dict.fromkeys(("lt", "le", "gt", "ge"), ("any ordered", "same")),
    **dict.fromkeys(("eq", "ne"), ("anything", "same")),
    "among": ("label", "labels known"), "contains": ("labels", "label known"),
    "has": ("anything",), "has_not": ("anything",), "present": ("there",),
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), ("number", "number")),
    **dict.fromkeys(("max_of", "min_of"), ("any ordered", "same")),
    **dict.fromkeys(("negative", "round_to_fen", "round_to_jiao", "round_to_yuan", "round_up_to_yuan",
                     "round_down_to_yuan"), ("number",)),
    "full_years": ("date", "date"), "month_of": ("date",), "first_day": ("month",), "last_day": ("month",),
    **dict.fromkeys(("add_months", "subtract_months"), ("month", "count")),
    **dict.fromkeys(("add_months_to_date", "subtract_months_from_date", "add_days", "subtract_days"), ("date", "count")),
    "months_between": ("month", "month"), "days_between": ("date", "date"),
}  # fmt: skip

#: fold → what its elements contribute
FOLDS = {
    "any": "nothing", "all": "truth", "count": "nothing", "sum": "number", "least": "any ordered",
    "greatest": "any ordered", "earliest": "any ordered", "latest": "any ordered",
}  # fmt: skip

#: what asks whether something is known is no statement about the household, and only findings and notes may ask it
ASKS_WHAT_IS_KNOWN = {"undetermined"}


def test_every_operation_is_here() -> None:
    assert {key for key, op in OPS.items() if op.fold} == FOLDS.keys()
    assert {key for key, op in OPS.items() if not op.fold} == OPERANDS.keys() | ASKS_WHAT_IS_KNOWN
    assert {key for key, op in OPS.items() if op.unknown == "sees"} == ASKS_WHAT_IS_KNOWN


# ---- what is known, and what is known better ------------------------------------------------------------------------------


def within(narrow: Value, wide: Value) -> bool:
    """Whether everything that one leaves possible is possible under the other."""
    match narrow, wide:
        case Bounds(lo=None), _:
            return wide.none
        case _, Options(values=None):
            return True
        case Options(values=values), Options(values=others):
            return values is not None and others is not None and values <= others
        case Options(values=values), Bounds():  # a reference or label that is surely 无
            return values is not None and values <= {None} and wide.none
        case Bounds(), Bounds():
            inside = wide.lo is not None and wide.lo <= narrow.lo and narrow.hi <= wide.hi
            return bool(inside and (wide.none or not narrow.none))
        case Subset(), Subset():
            return wide.must <= narrow.must and narrow.may <= wide.may
    return False


def plain(draw: random.Random, kind: str) -> Any:
    match kind:
        case "number":
            top = draw.choice([-3, -1, 0, 1, 2, 149, 150, 151, draw.randint(-500, 500)])
            return Fraction(top, draw.choice([1, 1, 2, 3])) if draw.random() < 0.3 else top
        case "count":
            return draw.randint(0, 30)
        case "date":
            edge = [date(2020, 2, 29), date(2019, 2, 28), date(2020, 1, 31), date(2020, 3, 1)]
            return draw.choice(
                [*edge, date.fromordinal(date(2016, 1, 1).toordinal() + draw.randint(0, 2500))]
            )
        case "month":
            return Month(draw.randint(2018, 2021), draw.randint(1, 12))
        case "truth":
            return draw.random() < 0.5
    return draw.choice(LABELS)


def partly(draw: random.Random, kind: str, optional: bool) -> Value:
    """Something that is known in part."""
    if kind == "labels":
        may = frozenset(label for label in LABELS if draw.random() < 0.7)
        return Subset(frozenset(label for label in may if draw.random() < 0.4), may, GAP)
    if kind == "label":
        values: set[Any] = {draw.choice(LABELS) for _ in range(draw.randint(1, 3))}
        return Options(frozenset(values | ({None} if optional and draw.random() < 0.3 else set())), GAP)
    if kind == "text":
        return Options(None, GAP) if draw.random() < 0.5 else Options(frozenset([draw.choice(LABELS)]))
    if optional and draw.random() < 0.1:
        return NONE
    ends = sorted([plain(draw, kind), plain(draw, kind)])
    low, high = (ends[0], ends[0]) if draw.random() < 0.3 else ends
    return Bounds(low, high, optional and draw.random() < 0.3, GAP)


def better(draw: random.Random, value: Value) -> Value:
    """The same, known better, perhaps whole."""
    match value:
        case Subset():
            must = value.must | {label for label in value.may if draw.random() < 0.3}
            return Subset(must, must | {label for label in value.may if draw.random() < 0.5}, GAP)
        case Options(values=None):
            return Options(frozenset([draw.choice([*LABELS, "z"])])) if draw.random() < 0.7 else value
        case Options(values=values):
            assert values is not None
            return Options(frozenset(draw.sample(sorted(values, key=str), draw.randint(1, len(values)))), GAP)
    assert isinstance(value, Bounds)
    if value.lo is None or (value.none and draw.random() < 0.3):
        return NONE
    low, high = sorted([between(draw, value.lo, value.hi), between(draw, value.lo, value.hi)])
    return Bounds(low, low if draw.random() < 0.4 else high, value.none and draw.random() < 0.5, GAP)


def between(draw: random.Random, low: Any, high: Any) -> Any:
    match low:
        case bool():
            return draw.choice([low, high])
        case date():
            return date.fromordinal(draw.randint(low.toordinal(), high.toordinal()))
        case Month():
            return low.plus(draw.randint(0, high.minus(low)))
    step = draw.choice([0, 1, 1, draw.random()])
    whole = low + (high - low) * Fraction(step).limit_denominator(7)
    return int(whole) if isinstance(low, int) and draw.random() < 0.6 and low <= int(whole) <= high else whole


ORDERED = ("number", "date", "month")


def operands(draw: random.Random, kinds: Sequence[str]) -> list[Value]:
    found: list[Value] = []
    drawn: list[tuple[str, bool]] = []
    for kind in kinds:
        optional = draw.random() < 0.5
        match kind:
            case "same":
                kind, optional = drawn[-1]
            case "any ordered":
                kind = draw.choice(ORDERED)
            case "anything":
                kind = draw.choice([*ORDERED, "truth", "label", "text"])
            case "there":
                kind, optional = draw.choice([*ORDERED, "label"]), False
            case "labels known":
                chosen = frozenset(draw.sample(LABELS, draw.randint(1, 3)))
                found.append(Subset(chosen, chosen))
                continue
            case "label known":
                found.append(Options(frozenset([draw.choice(LABELS)])))
                continue
        optional = optional and kind not in ("truth", "labels", "count", "text")
        drawn.append((kind, optional))
        found.append(partly(draw, kind, optional))
    return found


def run_known(run: Callable[..., Any], none: str, values: Sequence[Value]) -> Any:
    """The meaning on known values."""
    plains = [value.value for value in values]
    if any(one is None for one in plains) and none != "sees":
        return False if none == "false" else None
    return run(*plains)


# ---- the law ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", OPERANDS)
def test_operations(key: str) -> None:
    op = OPS[key]
    draw = random.Random(f"monotone {key}")
    for _ in range(ROUNDS):
        wide = operands(draw, OPERANDS[key])
        narrow = [value if value.known else better(draw, value) for value in wide]
        once, twice = op.apply(tuple(wide)), op.apply(tuple(narrow))
        assert within(twice, once), f"{key} of {wide} is {once}, and of {narrow} it is {twice}"
        assert twice.known or twice.missing, f"{key} of {narrow} is open, and nothing is missing"
        if all(value.known for value in narrow) and key != "present":
            assert exactly(run_known(op.run, op.none, narrow)).value == twice.value, (key, narrow)


def elements(draw: random.Random, kind: str) -> list[Element]:
    """Some elements of which it is more or less known whether they are there; at the end perhaps a stand-in for more."""
    kind = draw.choice(ORDERED) if kind == "any ordered" else kind
    optional = kind in ORDERED and draw.random() < 0.4
    found = []
    for number in range(draw.randint(0, 4)):
        present = draw.choice([TRUE, TRUE, FALSE, Bounds(False, True, missing=GAP)])
        found.append(
            Element(present, contribution(draw, kind, optional), item=Instance("item", f"items[{number}]"))
        )
    if draw.random() < 0.3:
        rest = Instance("item", "items[…]", rest=next(iter(GAP)))
        maybe = Bounds(False, True, missing=GAP)
        found.append(
            Element(maybe, contribution(draw, kind, optional, whole=False), draw.randint(1, 3), rest)
        )
    return found


def contribution(draw: random.Random, kind: str, optional: bool, whole: bool = True) -> Value:
    if kind == "nothing":
        return TRUE
    value = partly(draw, kind, optional)
    return value if whole or not value.known else join([value, partly(draw, kind, optional)])


def known_better(draw: random.Random, wide: Sequence[Element]) -> Iterator[Element]:
    """The elements known better; of those that a stand-in stands for, some are written down."""
    for element in wide:
        more = element.times
        for number in range(draw.randint(0, element.times) if element.times > 1 or element.item.rest else 0):
            more -= 1
            yield Element(
                draw.choice([TRUE, FALSE, element.present]), better(draw, element.value),
                item=Instance("item", f"{element.item.path}#{number}"),
            )  # fmt: skip
        if element.item.rest is None:
            value = element.value if element.value.known else better(draw, element.value)
            yield Element(
                element.present if element.present.known else better_truth(draw), value, item=element.item
            )
        elif more and draw.random() < 0.5:
            yield Element(element.present, element.value, more, element.item)


def better_truth(draw: random.Random) -> Bounds:
    return draw.choice([TRUE, FALSE, Bounds(False, True, missing=GAP)])


def by_stand_in(value: Value) -> Value:
    """A picked record, written down meanwhile, as the stand-in that stood for it before."""
    if not isinstance(value, Options) or value.values is None:
        return value
    names = (one and one.path.partition("#")[0] for one in value.values)
    return Options(frozenset(names), value.missing)


@pytest.mark.parametrize("key", FOLDS)
def test_folds(key: str) -> None:
    op = OPS[key]
    draw = random.Random(f"monotone {key}")
    for _ in range(4 * ROUNDS):
        wide = elements(draw, FOLDS[key])
        narrow = list(known_better(draw, wide))
        once, twice = by_stand_in(op.apply_fold(wide)), by_stand_in(op.apply_fold(narrow))
        assert within(twice, once), f"{key} of {wide} is {once}, and of {narrow} it is {twice}"
        whole = [Element(TRUE if e.present.lo else FALSE, lowest(e.value), item=e.item) for e in narrow]
        assert op.apply_fold(whole).value == folded(key, whole), (key, whole)


def lowest(value: Value) -> Value:
    """One of the possibilities."""
    assert isinstance(value, Bounds)
    return exactly(value.lo)


def folded(key: str, whole: Sequence[Element]) -> Any:
    """The meaning of a fold over elements that are known whole."""
    there = [e for e in whole if e.present.value]
    match key:
        case "any" | "count":
            return OPS[key].run([True for _ in there])
        case "earliest" | "latest":
            return OPS[key].run([(e.value.value, e.item) for e in there])
    return OPS[key].run([e.value.value for e in there])


def test_a_branch_and_a_choice() -> None:
    """如果 joins its branches where its condition is open, and 并且, 或者, 并非 are Kleene's."""
    draw = random.Random("monotone branches")
    for _ in range(ROUNDS):
        kind = draw.choice(ORDERED)
        wide = [partly(draw, kind, True) for _ in range(2)]
        narrow = [better(draw, value) for value in wide]
        assert all(within(one, join(wide)) for one in narrow) and within(join(narrow), join(wide))
        truths = [draw.choice([TRUE, FALSE, Bounds(False, True, missing=GAP)]) for _ in range(3)]
        sharper = [truth if truth.known else better_truth(draw) for truth in truths]
        assert within(either(sharper), either(truths)) and within(negate(sharper[0]), negate(truths[0]))
