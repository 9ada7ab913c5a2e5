"""The interpreter against the oracle: oracle ⊆ exact ⊆ bounds, on generated programs and households with gaps.

Each seed draws a small program and eight households, a quarter of them complete. `oracle.answers` decides every
completion by the rules of the design, two-valued and exact; both levels of the interpreter must leave every one of
its answers possible, and on a complete household must give just that answer. Run by hand for one seed:
`disagreements(SEED)`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import oracle
import pytest
import strategies

from policykit.engine import interpreter
from policykit.facts import Case
from policykit.ir import Program
from policykit.trace import Trace
from policykit.values import FALSE, Options, Subset, Value

LARGE = int(os.environ.get("POLICYKIT_LARGE", "0"))
HOUSEHOLDS = 8
GAPS = (0.0, 0.05, 0.1, 0.15)
CAP = 300

Key = tuple[str, str]


def inside(value: Value, plain: Any) -> bool:
    """Whether a plain value is one of those that what is known leaves possible."""
    if isinstance(value, Options):
        return value.values is None or plain in value.values
    if isinstance(value, Subset):
        return bool(value.must <= plain <= value.may)
    if plain is None:
        return value.none
    return value.lo is not None and bool(value.lo <= plain <= value.hi)


def lost(level: str, trace: Trace, answers: list[oracle.Answer]) -> list[str]:
    """The answers of some completion that a trace rules out."""
    found: list[str] = []
    for d in trace.decisions:
        key = (d.measure, d.subject.path)
        wanted = {answer.outcomes[key] for answer in answers}
        if not wanted <= d.outcomes:
            found.append(f"{level}: outcome of {key} is {sorted(d.outcomes)}, can be {sorted(wanted)}")
        for amount in {answer.amounts[key] for answer in answers if key in answer.amounts}:
            paid = d.payment.amount if d.payment is not None else None
            if amount is not None and (paid is None or not inside(paid, amount)):
                found.append(f"{level}: amount of {key} is {paid}, can be {amount}")
    for v in trace.verdicts:
        key = (v.clause.basis.name.id, v.subject.path)
        for answer in answers:
            if not inside(v.scope, answer.scope.get(key, v.scope.lo)):
                found.append(f"{level}: scope of {key} is {v.scope}")
            if v.scope.hi and answer.scope.get(key) and not inside(v.test, answer.test.get(key, v.test.lo)):
                found.append(f"{level}: test of {key} is {v.test}")
    for items, wanted_of in ((trace.prohibitions, "bans"), (trace.records, "records")):
        held = {(x.clause.basis.name.id, x.subject.path): x.holds for x in items}
        for answer in answers:
            for key, holds in getattr(answer, wanted_of).items():
                if not inside(held.get(key, FALSE), holds):
                    found.append(f"{level}: {wanted_of} {key} is {held.get(key)}, can be {holds}")
    due = {(x.clause.basis.name.id, x.subject.path): x for x in trace.duties}
    for answer in answers:
        for key, state in answer.duties.items():
            duty = due.get(key)
            exists = duty.exists if duty is not None else FALSE
            fits = duty is None or state == "none" or duty.state in ("unknown", state)
            if not inside(exists, state != "none") or not fits:
                found.append(f"{level}: duty {key} is {duty and duty.state}, can be {state}")
    return found


def not_equal(trace: Trace, answer: oracle.Answer) -> list[str]:
    """Where a trace of a complete household is not just the answer."""
    found = []
    for d in trace.decisions:
        key = (d.measure, d.subject.path)
        if d.outcomes != {answer.outcomes[key]}:
            found.append(f"complete: {key} is {sorted(d.outcomes)}, should be {answer.outcomes[key]}")
        if key in answer.grounds and set(d.clauses) != answer.grounds[key]:
            found.append(
                f"complete: grounds of {key} are {d.clauses}, should be {sorted(answer.grounds[key])}"
            )
        paid = d.payment.amount if d.payment is not None else None
        if answer.amounts.get(key) is not None and (paid is None or not paid.known):
            found.append(f"complete: amount of {key} is {paid}, should be {answer.amounts[key]}")
    return found


def compared(program: Program, case: Case, draw: random.Random, counts: Counter[str]) -> list[str]:
    """One household on both levels and by the oracle; what disagrees."""
    rulings, elections = strategies.events(draw, program, case)
    answers, whole = oracle.answers(program, case, strategies.ON, rulings, elections, CAP, random.Random(0))
    counts["households"] += 1
    counts["enumerated whole"] += whole
    if not answers:
        return []
    on = strategies.ON
    exact = interpreter.evaluate(program, case, on, rulings, elections, exact=True)
    bounds = interpreter.evaluate(program, case, on, rulings, elections, exact=False)
    found = lost("exact", exact, answers) + lost("bounds", bounds, answers)
    for near, far in zip(exact.decisions, bounds.decisions, strict=True):
        if not near.outcomes <= far.outcomes:
            found.append(f"exact {sorted(near.outcomes)} is not within bounds {sorted(far.outcomes)}")
        counts["decisions"] += 1
        counts["past the budget"] += not near.within_budget
        wanted = {answer.outcomes[near.measure, near.subject.path] for answer in answers}
        counts["exact wider than the meaning"] += whole and near.outcomes != wanted
    if whole and len(answers) == 1:
        counts["complete"] += 1
        found += not_equal(exact, answers[0]) + not_equal(bounds, answers[0])
    return found


def disagreements(seed: int, counts: Counter[str]) -> list[str]:
    """Everything on which the interpreter and the oracle disagree for one seed's program and households."""
    draw = random.Random(seed)
    program = strategies.written(draw).program
    found = []
    for number in range(HOUSEHOLDS):
        case = strategies.case_of(program, strategies.mapping(draw, GAPS[number % len(GAPS)]))
        found += [f"seed {seed}, household {number}: {x}" for x in compared(program, case, draw, counts)]
    return found


def agree(first: int, seeds: int, record: Callable[[str, object], None]) -> None:
    """Fails on any disagreement; what was counted is printed at the end of the run."""
    counts: Counter[str] = Counter()
    found = [x for seed in range(first, first + seeds) for x in disagreements(seed, counts)]
    record("agreement", dict(counts))
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("first", [0, 40])
def test_interpreter_agrees_with_the_oracle(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    agree(first, 40, record_property)


@pytest.mark.large
@pytest.mark.parametrize("first", range(1000, 3600, 325))
def test_interpreter_agrees_with_the_oracle_on_many(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    """2,600 programs, 20,800 households; POLICYKIT_LARGE multiplies."""
    agree(first * max(LARGE, 1), 325 * max(LARGE, 1), record_property)
