"""The interpreter against the oracle: oracle ⊆ exact ⊆ bounds, on generated programs and households with gaps.

Each seed draws a small program and eight households (each fourth seed: villages of households), a quarter of them
complete. `oracle.answers` decides every
completion by the rules of the design, two-valued and exact; both levels of the interpreter must leave every one of
its answers possible, and on a complete household must give just that answer. Run by hand for one seed:
`disagreements(SEED, Counter())`. What was found in this way stands below as a named case each.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import oracle
import pytest
import strategies

from policykit import ir
from policykit.engine import interpreter
from policykit.facts import Case, Election, Ruling
from policykit.ir import Program
from policykit.loader import load_text
from policykit.rulings import read_rulings
from policykit.trace import Decision, Trace
from policykit.values import FALSE, Options, Subset, Value

LARGE = int(os.environ.get("POLICYKIT_LARGE") or 0)
HOUSEHOLDS = 8
GAPS = (0.0, 0.05, 0.1, 0.15)
CAP = 150

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


def key_of(entry: Any) -> Key:
    return entry.clause.basis.name.id, entry.subject.path


# ---- what a trace rules out although some completion has it --------------------------------------------------


def lost(trace: Trace, answers: Sequence[oracle.Answer]) -> Iterator[str]:
    """The answers of some completion that a trace rules out."""
    for decision in trace.decisions:
        yield from lost_decision(decision, answers)
    for verdict in trace.verdicts:
        key = key_of(verdict)
        for answer in answers:
            # a clause out of scope was not tested
            if not inside(verdict.scope, answer.scope.get(key, verdict.scope.lo)):
                yield f"scope of {key} is {verdict.scope}"
            if answer.scope.get(key) and not inside(verdict.test, answer.test[key]):
                yield f"test of {key} is {verdict.test}"
            applies = answer.scope.get(key) and answer.test[key]
            if applies and key in answer.blocked and not inside(verdict.blocked, answer.blocked[key]):
                yield f"blocked of {key} is {verdict.blocked}"
    for entries, wanted in ((trace.prohibitions, "bans"), (trace.records, "records")):
        held = {key_of(entry): entry.holds for entry in entries}
        for key, holds in (
            (key, holds) for answer in answers for key, holds in getattr(answer, wanted).items()
        ):
            if not inside(held.get(key, FALSE), holds):
                yield f"{wanted} {key} is {held.get(key)}, can be {holds}"
    yield from lost_duties(trace, answers)
    noted = {(note.note.basis.name.id, note.subject.path) for note in trace.notes}
    for key, holds in ((key, holds) for answer in answers for key, holds in answer.notes.items()):
        if key in noted and not holds:
            yield f"note {key} stands, and need not"


def lost_decision(decision: Decision, answers: Sequence[oracle.Answer]) -> Iterator[str]:
    key = (decision.measure, decision.subject.path)
    outcomes = {answer.outcomes[key] for answer in answers}
    if not outcomes <= decision.outcomes:
        yield f"outcome of {key} is {sorted(decision.outcomes)}, can be {sorted(outcomes)}"
    payment, named = decision.payment, set(decision.clauses)
    for answer in answers:
        grounds = answer.grounds.get(key, frozenset())
        # each clause named is a ground, or each ground is among those named
        granting = grounds | answer.ruled.get(key, frozenset())
        if decision.outcomes == {"granted"} and not (named <= granting or grounds <= named):
            yield f"grounds of {key} are {sorted(named)}, can be {sorted(grounds)}"
        fen = answer.amounts.get(key)
        if fen is not None and (payment is None or not inside(payment.amount, fen)):
            yield f"amount of {key} is {payment and payment.amount}, can be {fen}"
        elif payment is not None and fen is not None:
            parts = [value for _, value in payment.parts]
            if parts and not all(map(inside, parts, answer.parts[key])):
                yield f"parts of {key} are {parts}, can be {answer.parts[key]}"
            for value, plain in zip((payment.first_month, payment.months), answer.spans[key], strict=True):
                if plain is not None if value is None else not inside(value, plain):
                    yield f"first month and months of {key}: {value}, can be {answer.spans[key]}"
        for fen in answer.ways.get(key, {}).values():
            if payment is None or not inside(payment.amount, fen):
                yield f"amount of {key} is {payment and payment.amount}, can be {fen} by ruling"


def lost_duties(trace: Trace, answers: Sequence[oracle.Answer]) -> Iterator[str]:
    duties = {key_of(duty): duty for duty in trace.duties}
    for key, state in ((key, state) for answer in answers for key, state in answer.duties.items()):
        duty = duties.get(key)
        exists = duty.exists if duty is not None else FALSE
        fits = duty is None or state == "none" or duty.state in ("unknown", state)
        if not inside(exists, state != "none") or not fits:
            yield f"duty {key} is {duty and duty.state}, can be {state}"


def lost_amounts(
    asked: interpreter.Interpreter, answers: Sequence[oracle.Answer], sure: bool
) -> Iterator[str]:
    """The amounts of some completion that 应发金额 rules out; with `sure` it must be just the amount.

    Of grounds in conflict the oracle sees more, those of a household and of its members.
    """
    for measure, record in asked.questions():
        value, key = asked.first.verdict("amount", measure, record), (measure, record.path)
        for answer in answers:
            fen = answer.amounts.get(key)
            if fen is None and answer.outcomes[key] == "granted":
                continue
            if not inside(value, fen) or (sure and not value.known):
                yield f"{key} is paid {value}, can be {fen}"


def not_equal(trace: Trace, answer: oracle.Answer) -> Iterator[str]:
    """Where a trace of a complete household is not just the answer."""
    for decision in trace.decisions:
        key = (decision.measure, decision.subject.path)
        if decision.outcomes != {answer.outcomes[key]}:
            yield f"complete: {key} is {sorted(decision.outcomes)}, should be {answer.outcomes[key]}"
        if key in answer.grounds and set(decision.clauses) != answer.grounds[key]:
            yield f"complete: grounds of {key} are {decision.clauses}, should be {sorted(answer.grounds[key])}"
        paid = decision.payment.amount if decision.payment is not None else None
        if answer.amounts.get(key) is not None and (paid is None or not paid.known):
            yield f"complete: amount of {key} is {paid}, should be {answer.amounts[key]}"
    noted = {(note.note.basis.name.id, note.subject.path) for note in trace.notes}
    yield from (
        f"complete: note {key} is missing"
        for key, holds in answer.notes.items()
        if holds and key not in noted
    )


def truths_and_choices(program: Program, decision: Decision) -> bool:
    """Whether all that a decision waits for are truths and choices of records that are described: the exact level tries
    all of these, so that it is as the meaning. Over figures, dates and what lists may still hold it can be wider."""
    of = {name: fact.type.kind for entity in program.entities.values() for name, fact in entity.facts.items()}
    return bool(decision.missing) and all(
        gap.kind == "fact" and of.get(gap.name) in ("bool", "choice") for gap in decision.missing
    )


def compared(
    program: Program,
    case: Case,
    rulings: tuple[Ruling, ...],
    elections: tuple[Election, ...],
    complete: bool,
    counts: Counter[str],
) -> list[str]:
    """One household on both levels and by the oracle; what disagrees."""
    on = strategies.ON
    answers, whole = oracle.answers(program, case, on, rulings, elections, CAP, random.Random(0))
    counts["households"] += 1
    counts["enumerated whole"] += whole
    if not answers:
        return []
    exact, bounds = (
        interpreter.evaluate(program, case, on, rulings, elections, exact=e) for e in (True, False)
    )
    found = [f"exact: {x}" for x in lost(exact, answers)] + [f"bounds: {x}" for x in lost(bounds, answers)]
    for near, far in zip(exact.decisions, bounds.decisions, strict=True):
        if not near.outcomes <= far.outcomes:
            found.append(f"exact {sorted(near.outcomes)} is not within bounds {sorted(far.outcomes)}")
        counts["decisions"] += 1
        counts["past the budget"] += not near.within_budget
        wanted = {answer.outcomes[near.measure, near.subject.path] for answer in answers}
        wider = whole and near.outcomes != wanted
        counts["exact wider than the meaning"] += wider
        counts["undetermined, all tried"] += whole and len(wanted) > 1
        if truths_and_choices(program, near):
            counts["over truths and choices"] += whole
            if wider and near.within_budget:
                found.append(
                    f"exact {sorted(near.outcomes)} is wider than {sorted(wanted)}, over {near.missing}"
                )
    if complete and whole and len(answers) == 1:
        counts["complete"] += 1
        found += [*not_equal(exact, answers[0]), *not_equal(bounds, answers[0])]
    asked = interpreter.Interpreter(program, case, on, rulings, elections)
    found += lost_amounts(asked, answers, complete and whole and len(answers) == 1)
    return list(dict.fromkeys(found))


# ---- drawn programs and households ------------------------------------------------------------------------------


def disagreements(seed: int, counts: Counter[str]) -> list[str]:
    """Everything on which the interpreter and the oracle disagree for one seed's program and households."""
    draw = random.Random(seed)
    village = seed % 4 == 3
    program = strategies.written(draw, village).program
    found = []
    for number in range(HOUSEHOLDS):
        gaps = GAPS[number % len(GAPS)]
        case = strategies.case_of(program, strategies.mapping(draw, gaps, village))
        rulings, elections = strategies.events(draw, program, case)
        differing = compared(program, case, rulings, elections, gaps == 0.0, counts)
        found += [f"seed {seed}, household {number}: {x}" for x in differing]
    return found


def agree(seeds: Iterable[int], record: Callable[[str, object], None]) -> None:
    """Fails on any disagreement; what was counted is printed at the end of the run."""
    counts: Counter[str] = Counter()
    found = [x for seed in seeds for x in disagreements(seed, counts)]
    record("agreement", dict(counts))
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("first", range(0, 80, 10))
def test_interpreter_agrees_with_the_oracle(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    agree(range(first, first + 10), record_property)


@pytest.mark.large
@pytest.mark.parametrize("first", range(1000, 3600 if LARGE >= 3 else 1800, 100))
def test_interpreter_agrees_with_the_oracle_on_many(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    """800 programs, 6,400 households; 2,600 and 20,800 when POLICYKIT_LARGE is 3 or more (`make soak`)."""
    agree(range(first, first + 100), record_property)


# ---- what drawing found: each once a disagreement --------------------------------------------------------------------

BOTH = "待遇 待遇甲 (m0) 对每个 户、人\n待遇 待遇乙 (m1) 对每个 户、人\n"


def clause(name: str, entity: str, *fields: str) -> str:
    """One clause in rule text; the name's last character is its identifier's."""
    ident = f"c_{'甲乙丙丁戊'.index(name[-1])}" if name.startswith("条") else f"e_{'甲乙'.index(name[-1])}"
    return "\n".join(
        [
            f"条款 {name} ({ident})",
            "    依据：文 第一条",
            f"    对每个 {entity}",
            *(f"    {f}" for f in fields),
            "",
        ]
    )


def differing(rules: str, household: dict[str, Any], events: Iterable[dict[str, Any]] = ()) -> list[str]:
    """What disagrees on one household under a few clauses."""
    program = load_text(strategies.VOCABULARY + BOTH + rules).program
    case = strategies.case_of(program, household)
    rulings, elections, errors = read_rulings(program, case, events)
    assert not errors
    return compared(program, case, rulings, elections, False, Counter())


def outcome(
    rules: str, household: dict[str, Any], measure: str, events: Iterable[dict[str, Any]] = ()
) -> set[str]:
    """The outcomes of a measure for the first of its subjects in the household that it concerns."""
    program = load_text(strategies.VOCABULARY + BOTH + rules).program
    case = strategies.case_of(program, household)
    rulings, elections, _ = read_rulings(program, case, events)
    trace = interpreter.evaluate(program, case, strategies.ON, rulings, elections)
    members = [d for d in trace.decisions if d.measure == measure and d.subject.path == "members[0]"]
    return set(members[0].outcomes)


ONE: dict[str, Any] = {"poor": True, "members": [{"id": "m0", "disabled": True}]}
PAID = "给予：待遇甲，每月 1 分/月"
RULED = {"by": "镇", "subject": "members[0]"}

CASES: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "a clause reads 符合 of the clause that it overrides": (
        clause("条甲", "人", "条件：残疾", PAID)
        + clause("条乙", "人", "条件：符合 条甲", "给予：待遇甲，每月 2 分/月", "优先于：条甲"),
        ONE, [],
    ),
    "labels are asked of a reference to nobody": (
        clause("条甲", "人", "条件：并非 (配偶.处境 含 甲类)", PAID),
        {"poor": True, "members": [{"id": "m0", "spouse": "无"}]}, [],
    ),
    "an open grant shows the amount of every clause that may pay": (
        clause("条甲", "人", "适用范围：残疾", "条件：学生", PAID)
        + clause("条乙", "人", "条件：困难", "给予：待遇甲，每月 3 分/月", "优先于：条甲"),
        ONE, [],
    ),
    "an open grant shows no month that only one of its clauses names": (
        clause("条甲", "人", "条件：残疾", PAID + "，自 2020-07，为期 2 个月")
        + clause("条乙", "人", "条件：学生", "给予：待遇甲，每月 1 分/月，自 2020-09", "优先于：条甲"),
        ONE, [],
    ),
    "who elected what is not granted keeps the other": (
        clause("条甲", "人", "条件：残疾", PAID)
        + clause("条乙", "人", "条件：并非 残疾", "给予：待遇乙，每月 2 分/月")
        + "互斥 不兼 (not_both)：待遇甲、待遇乙 由 户 选择\n",
        ONE, [{"exclusive": "not_both", "measure": "m1", "by": "户", "date": "2020-06-01"}],
    ),
    "a clause lifts an exclusion for its own measure only": (
        clause("禁甲", "人", "不给予：待遇甲、待遇乙")
        + clause("条甲", "人", "条件：残疾", PAID, "优先于：禁甲")
        + clause("条乙", "人", "给予：待遇乙，每月 2 分/月"),
        ONE, [],
    ),
    "a member's clause prevails over an exclusion of the household's members": (
        clause("禁甲", "户", "不给予：待遇甲 及成员")
        + clause("条甲", "人", "条件：残疾", PAID, "优先于：禁甲"),
        ONE, [],
    ),
    "an exclusion that prevails without binding the members excludes": (
        clause("禁甲", "户", "条件：贫困", "不给予：待遇甲", "优先于：条甲") + clause("条甲", "人", "条件：残疾", PAID),
        ONE, [],
    ),
    "of two rulings on one day the last counts": (
        clause("条甲", "人", "可给予：待遇甲，每月 1 分/月"),
        ONE, [{**RULED, "clause": "c_0", "date": "2020-06-01", "decline": True}, {**RULED, "clause": "c_0", "date": "2020-06-01"}],
    ),
    "nobody knows yet which application a ruling decided": (
        "定义 近单 对每个 人 (near)\n    = 最近 单子 称 单甲 按 单日\n"
        + clause("条甲", "人", "适用范围：有 近单", "可给予：待遇甲，每月 1 分/月", "所裁申请：近单"),
        {"poor": True, "members": [{"id": "m0", "slips": [{"valid": True}]}]},
        [{**RULED, "clause": "c_0", "date": "2020-06-10", "application": "2020-06-09"}],
    ),
    "what waits for a ruling has no amount to weigh": (
        clause("条甲", "人", "给予：待遇甲，每月 3 分/月") + clause("条乙", "人", "可给予：待遇乙，每月 1 分/月")
        + "互斥 不兼 (not_both)：待遇甲、待遇乙 取高\n",
        ONE, [],
    ),
    "a ruling to come beside a grant leaves its amount alone": (
        clause("条甲", "人", "给予：待遇甲，每月 3 分/月") + clause("条乙", "人", "可给予：待遇甲，每月 1 分/月", "优先于：条甲"),
        ONE, [],
    ),
    "a sheet's value may lie outside a range that other facts set": (
        "参数 扣减 对每个 人 (allowance)：金额 元/月 = 如果 残疾 则 3 分/月 否则 收入\n    范围：0 分/月 至 收入\n"
        + clause("条甲", "人", "条件：扣减 低于 1 分/月", PAID),
        ONE, [],
    ),
    "a sheet's value may partly lie outside its range": (
        "参数 扣减 对每个 人 (allowance)：金额 元/月 = 收入 + 1 分/月\n    范围：0 分/月 至 2 分/月\n"
        + clause("条甲", "人", "条件：扣减 低于 1 分/月", PAID),
        ONE, [],
    ),
    "a member may be listed who is granted what excludes the household's": (
        clause("条甲", "户", "给予：待遇甲，每月 3 分/月") + clause("条乙", "人", "条件：学生", "给予：待遇乙，每月 1 分/月")
        + "互斥 不兼 (not_both)：待遇乙、待遇甲 按顺序\n",
        {"members": {"items": [{"id": "m0", "student": False}], "complete": False}}, [],
    ),
    "somebody nobody described lies in a household nobody described": (
        clause("条甲", "户", "条件：贫困", "给予：待遇甲，每月 3 分/月")
        + clause("条乙", "人", "给予：待遇甲，每月 1 分/月", "让位于：条甲") + clause("条丙", "人", "条件：配偶 获得 待遇甲", "给予：待遇乙，每月 1 分/月"),
        ONE, [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_once_a_disagreement(name: str) -> None:
    assert differing(*CASES[name]) == []


@pytest.mark.parametrize(
    "condition",
    [
        "任一 亲属 称 甲 满足 (甲.户 为 本人.户)",
        "全部 亲属 称 甲 满足 (甲.户 不为 本人.户)",
        "任一 亲属 称 甲 满足 (甲 为 本人.配偶)",
        "配偶.户 为 户",
        "配偶.配偶 为 本人",
        "任一 亲属 称 甲 满足 (任一 本人.亲属 称 乙 满足 (甲 不为 乙))",
        "任一 户.成员 称 甲 满足 (甲.配偶 为 本人.配偶)",
    ],
)
def test_a_record_nobody_described_may_be_any_other(condition: str) -> None:
    rules = clause("条甲", "人", f"条件：{condition}", PAID)
    household = {"poor": True, "members": [{"id": "m0"}, {"id": "m1", "spouse": "无"}]}
    assert differing(rules, household) == []
    assert outcome(rules, household, "m0") == {"granted", "refused"}


@pytest.mark.parametrize(
    ("name", "measure", "wanted"),
    [
        ("a clause reads 符合 of the clause that it overrides", "m0", {"granted"}),
        ("who elected what is not granted keeps the other", "m0", {"granted"}),
        ("a clause lifts an exclusion for its own measure only", "m0", {"granted"}),
        ("a clause lifts an exclusion for its own measure only", "m1", {"excluded"}),
        ("a member's clause prevails over an exclusion of the household's members", "m0", {"granted"}),
        ("an exclusion that prevails without binding the members excludes", "m0", {"excluded"}),
        ("of two rulings on one day the last counts", "m0", {"granted"}),
        (
            "nobody knows yet which application a ruling decided",
            "m0",
            {"not_covered", "granted", "discretionary"},
        ),
        ("what waits for a ruling has no amount to weigh", "m1", {"discretionary"}),
        ("a ruling to come beside a grant leaves its amount alone", "m0", {"granted"}),
        ("a sheet's value may lie outside a range that other facts set", "m0", {"granted", "refused"}),
    ],
)
def test_what_the_design_says_of_it(name: str, measure: str, wanted: set[str]) -> None:
    rules, household, events = CASES[name]
    assert outcome(rules, household, measure, events) == wanted


def test_no_drawn_program_asks_what_the_oracle_cannot() -> None:
    """待定 asks what is known, which a complete household does not show: the oracle has no answer."""
    programs = [strategies.written(random.Random(seed)).program for seed in range(5)]
    asked = {
        expr.op for program in programs for expr in oracle.mentioned(program) if isinstance(expr, ir.Apply)
    }
    assert "undetermined" not in asked
