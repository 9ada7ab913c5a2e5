"""Laws that hold whatever the rules and the household are."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import oracle
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit import ir, values
from policykit.diagnostics import PolicyError
from policykit.engine import interpreter
from policykit.facts import Case, Listing
from policykit.ir import Program
from policykit.loader import load_text
from policykit.ops import OPS, Op
from policykit.syntax import ALWAYS
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


def open_cells(case: Case, program: Program) -> list[tuple[str, str]]:
    """Every fact, reference and list of a case that is not known whole."""
    found = []
    for path, record in case.index.items():
        entity = program.entities[record.entity]
        for name in (*entity.facts, *(name for name, decl in entity.lists.items() if decl.single)):
            if not oracle.plain(record.facts.get(name))[0]:
                found.append((path, name))
        for name, decl in entity.lists.items():
            if not decl.single and not (name in record.lists and record.lists[name].complete):
                found.append((path, name))
    return found


def hidden(done: Case, first: Case, cells: Sequence[tuple[str, str]]) -> Case:
    """A completed case with some of its cells as open again as they were at first."""
    case = oracle.copied(done)
    for path, name in cells:
        record, given = case.index[path], first.index[path]
        record.facts.pop(name, None)
        if record.lists.pop(name, None) is not None and name in given.lists:
            items = tuple(case.index[item.path] for item in given.lists[name].items)
            record.lists[name] = Listing(items, complete=False)
    return case


def setting(program: Program, name: str, value: Any) -> Program:
    """The same program with one parameter set."""
    parameter = program.parameters[name]
    const = ir.Const(values.exactly(value), parameter.type)
    given = ir.Setting((), const, ALWAYS, "", "", parameter.span)
    return replace(program, parameters={**program.parameters, name: replace(parameter, settings=(given,))})


def unset(program: Program) -> list[str]:
    return [
        p.name.id for p in program.parameters.values() if p.entity is None and not p.keys and not p.settings
    ]


def check_filling(seed: int) -> None:
    """Fills the gaps of a household one at a time, in random order, as one of its completions has them."""
    draw = random.Random(seed)
    village = seed % 4 == 3
    program = strategies.written(draw, village).program
    first = strategies.case_of(program, strategies.mapping(draw, 0.1, village))
    rulings, elections = strategies.events(draw, program, first)
    completed = list(
        oracle.some(lambda choose: oracle.Completion(program, first, strategies.ON, choose).filled(), 1, draw)
    )
    for done in completed:
        cells = open_cells(first, program)
        draw.shuffle(cells)
        wider: dict[bool, dict[tuple[str, str], frozenset[str]]] = {True: {}, False: {}}
        steps = sorted({0, len(cells), *(draw.randrange(len(cells) + 1) for _ in range(4))})
        for left in reversed(steps):
            case = hidden(done, first, cells[:left])
            if left == 0:
                for name in unset(program):
                    low, high = oracle.World(program, case, strategies.ON).ends(program.parameters[name], {})
                    of = program.parameters[name].type
                    choices = oracle.World(program, case, strategies.ON).possible(of, low, high)
                    program = setting(program, name, choices[draw.randrange(len(choices))])
            moved = tuple(replace(r, subject=case.index[r.subject.path]) for r in rulings)
            chosen = tuple(replace(e, subject=case.index[e.subject.path]) for e in elections)
            for exact in (True, False):
                trace = interpreter.evaluate(program, case, strategies.ON, moved, chosen, exact)
                found = outcomes(trace)
                for key, possible in wider[exact].items():
                    assert found[key] <= possible, (
                        f"{key}: {sorted(found[key])} from {sorted(possible)}, exact {exact}"
                    )
                wider[exact] = found


@settings(max_examples=60)
@given(seeds)
def test_filling_gaps_one_by_one_only_narrows_the_answer(seed: int) -> None:
    check_filling(seed)


@pytest.mark.large
@MORE
@given(seeds)
def test_filling_gaps_one_by_one_only_narrows_many_answers(seed: int) -> None:
    check_filling(seed)


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
