"""Laws that hold whatever the rules and the household are."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit import values
from policykit.diagnostics import PolicyError
from policykit.engine import interpreter
from policykit.facts import Case
from policykit.ir import Program
from policykit.loader import load_text
from policykit.ops import OPS, Op
from policykit.trace import Trace
from policykit.values import Bounds, Month

LARGE = int(os.environ.get("POLICYKIT_LARGE", "0"))
MORE = settings(max_examples=500 * max(LARGE, 1))

seeds = st.integers(0, 10**9)


def evaluated(program: Program, case: Case, exact: bool = True) -> Trace:
    return interpreter.evaluate(program, case, strategies.ON, exact=exact)


def outcomes(trace: Trace) -> dict[tuple[str, str], frozenset[str]]:
    return {(d.measure, d.subject.path): d.outcomes for d in trace.decisions}


# ---- filling gaps ---------------------------------------------------------------------------------------------------


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every fact and list of a household; references and ids stay."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in ("id", "ref", "items", "complete"):
                yield (*path, key)
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from leaves(value, (*path, number))


def without(data: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The same household with one fact left out."""
    changed = copy.deepcopy(data)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return changed


def check_learning(seed: int) -> None:
    """A(h') ⊆ A(h): whatever a gap is filled with, no outcome appears that was not possible before."""
    draw = random.Random(seed)
    program = strategies.written(draw).program
    household = strategies.mapping(draw, 0.1)
    known = outcomes(evaluated(program, strategies.case_of(program, household)))
    for path in draw.sample(sorted(leaves(household), key=str), k=min(4, len(list(leaves(household))))):
        try:
            case = strategies.case_of(program, without(household, path))
        except PolicyError:
            continue  # a member that others refer to, say
        for exact in (True, False):
            wider = outcomes(evaluated(program, case, exact))
            for key, found in known.items():
                assert found <= wider.get(key, found), (
                    f"{path} of {key}: {sorted(found)} from {sorted(wider[key])}"
                )


@settings(max_examples=60)
@given(seeds)
def test_learning_a_fact_never_flips_a_decided_answer(seed: int) -> None:
    check_learning(seed)


@pytest.mark.large
@MORE
@given(seeds)
def test_learning_a_fact_never_flips_a_decided_answer_of_many(seed: int) -> None:
    check_learning(seed)


# ---- what must not matter -------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(seeds)
def test_permuting_members_changes_nothing_but_order(seed: int) -> None:
    draw = random.Random(seed)
    program = strategies.written(draw).program
    household = strategies.mapping(draw, 0.1)
    if not isinstance(household["members"], list):
        return
    order = list(range(len(household["members"])))
    draw.shuffle(order)
    permuted = {**household, "members": [household["members"][index] for index in order]}
    before = outcomes(evaluated(program, strategies.case_of(program, household)))
    after = outcomes(evaluated(program, strategies.case_of(program, permuted)))
    moved = {f"members[{new}]": f"members[{old}]" for new, old in enumerate(order)}
    assert {(measure, moved.get(path, path)): found for (measure, path), found in after.items()} == before


@settings(max_examples=60)
@given(seeds)
def test_same_input_gives_the_same_trace(seed: int) -> None:
    draw = random.Random(seed)
    program = strategies.written(draw).program
    household = strategies.mapping(draw, 0.15)
    traces = [evaluated(program, strategies.case_of(program, household)) for _ in range(2)]
    shown = [
        [(d.measure, d.subject.path, sorted(d.outcomes), d.clauses, d.missing) for d in t.decisions]
        for t in traces
    ]
    assert shown[0] == shown[1]


@settings(max_examples=60)
@given(seeds)
def test_a_fact_that_no_rule_reads_changes_nothing(seed: int) -> None:
    draw = random.Random(seed)
    written = strategies.written(draw)
    program = load_text(written.text + "\n事实 人.无关 (irrelevant)：是否\n").program
    household = strategies.mapping(draw, 0.1)
    marked = copy.deepcopy(household)
    members = marked["members"]["items"] if isinstance(marked["members"], dict) else marked["members"]
    for member in members:
        member["irrelevant"] = draw.choice((True, False))
    before, after = (evaluated(program, strategies.case_of(program, h)) for h in (household, marked))
    assert outcomes(before) == outcomes(after)


# ---- Kleene, and bounds of every operation ---------------------------------------------------------------------------

truths = st.sampled_from([values.TRUE, values.FALSE, Bounds(False, True)])


@given(truths, truths, truths)
def test_three_valued_truth_obeys_kleene(a: Bounds, b: Bounds, c: Bounds) -> None:
    both, either, negate = values.both, values.either, values.negate
    assert both((a, b)) == both((b, a)) and either((a, b)) == either((b, a))
    assert both((a, both((b, c)))) == both((both((a, b)), c))
    assert both((a, either((b, c)))) == either((both((a, b)), both((a, c))))
    assert negate(both((a, b))) == either((negate(a), negate(b)))
    assert negate(negate(a)) == a
    assert both((a, values.FALSE)) == values.FALSE and either((a, values.TRUE)) == values.TRUE


numbers = st.integers(-300, 300)
days = st.dates(min_value=date(1990, 1, 1), max_value=date(2050, 12, 31))
months = st.builds(Month, st.integers(1990, 2050), st.integers(1, 12))
OPERANDS: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "add", "subtract", "multiply", "divide"), (numbers, numbers)),
    **dict.fromkeys(("max_of", "min_of"), (numbers, numbers)),
    **dict.fromkeys(("negative", "round_to_fen", "round_to_jiao", "round_to_yuan"), (numbers,)),
    **dict.fromkeys(("round_up_to_yuan", "round_down_to_yuan", "has", "has_not"), (numbers,)),
    "full_years": (days, days), "month_of": (days,), "first_day": (months,), "last_day": (months,),
    "add_months": (months, st.integers(0, 40)), "subtract_months": (months, st.integers(0, 40)),
    "add_months_to_date": (days, st.integers(0, 40)), "subtract_months_from_date": (days, st.integers(0, 40)),
    "add_days": (days, st.integers(0, 400)), "subtract_days": (days, st.integers(0, 400)),
    "months_between": (months, months), "days_between": (days, days),
}  # fmt: skip


def test_every_plain_operation_is_sampled() -> None:
    other = {"and", "or", "not", "among", "contains", "present", "undetermined"}
    assert OPERANDS.keys() | other == {key for key, op in OPS.items() if not op.fold}


@pytest.mark.parametrize("key", OPERANDS)
@settings(max_examples=150)
@given(data=st.data())
def test_a_result_lies_inside_the_bounds_of_its_operands(key: str, data: st.DataObject) -> None:
    op: Op = OPS[key]
    spans, points = [], []
    for operand in OPERANDS[key]:
        ends = sorted([data.draw(operand), data.draw(operand)])
        middle = data.draw(operand)
        points.append(
            data.draw(st.sampled_from([*ends, middle if ends[0] <= middle <= ends[1] else ends[0]]))
        )
        spans.append(Bounds(ends[0], ends[1], missing=frozenset([values.Gap("fact", "", "x")])))
    found, result = op.apply(tuple(spans)), op.run(*points)
    assert isinstance(found, Bounds)
    assert found.none if result is None else found.lo is not None and found.lo <= result <= found.hi
