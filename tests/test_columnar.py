"""The columnar engine against the reference interpreter at its first level: cell for cell the same.

Compared are the outcomes that remain, the deciding clauses, those that prevail, the amount and what is missing, for
every measure and subject of every household that stands in one block with others.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import pytest
import strategies

from benchmarks import dibao_core
from policykit import ir
from policykit.engine import interpreter
from policykit.engine.columnar import Answers, Columnar, frames_of, households
from policykit.engine.columnar.folds import FOLDS
from policykit.engine.columnar.operations import OPERATIONS, REFUSED
from policykit.facts import Case
from policykit.loader import load_text
from policykit.ops import OPS
from policykit.records import read_case
from policykit.trace import Decision
from policykit.values import Bounds

ON = date(2020, 6, 10)
NO_BOUND = 2**62
OUTCOMES = [option.name.id for option in ir.OUTCOME.options]

#: outcomes, deciding clauses, those that prevail, (low, high, perhaps 无, once), (kind, path, name) of what is missing
Cell: TypeAlias = tuple[Any, ...]
Cells: TypeAlias = dict[tuple[str, str], Cell]


def wanted(program: ir.Program, case: Case, on: date) -> Cells:
    """What the interpreter says, of decisions alone."""
    asked = interpreter.Interpreter(program, case, on, (), ())
    decisions = [asked.decision(measure, record, exact=False) for measure, record in asked.questions()]
    return {(d.measure, d.subject.path): cell_of(d) for d in decisions}


def cell_of(decision: Decision) -> Cell:
    amount: tuple[int, int, bool, bool] | None = None
    if decision.payment is not None:
        value = decision.payment.amount
        assert isinstance(value, Bounds)
        low, high = (max(-NO_BOUND, min(int(end or 0), NO_BOUND)) for end in (value.lo, value.hi))
        amount = low, high, value.none, decision.payment.rule.form == "once"
    missing = {(gap.kind, gap.path, gap.name) for gap in decision.missing}
    return decision.outcomes, set(decision.clauses), set(decision.superseded_by), amount, missing


def found(program: ir.Program, cases: Sequence[Case], on: date) -> tuple[list[Cells], Sequence[bool]]:
    """What the columnar engine says of households in one block, and which of them it hands over."""
    block, handed = frames_of(program, cases)
    answers = {(one.measure, one.path): one for one in Columnar(program, on).decide(block, missing=True)}
    rows = Counter[tuple[str, ...]]()
    cells: list[Cells] = []
    for case in cases:
        cells.append({})
        for subject in case.subjects:
            path = () if subject is case.root else tuple(re.sub(r"\[\d+\]", "", subject.path).split("."))
            for measure, decl in program.measures.items():
                if subject.entity in decl.entities:
                    cells[-1][measure, subject.path] = cell_at(answers[measure, path], rows[path])
            rows[path] += 1
    return cells, handed.tolist()


def cell_at(answers: Answers, row: int) -> Cell:
    def names(of: Sequence[str], bits: Any) -> set[str]:
        return {name for place, name in enumerate(of) if int(bits) >> place & 1}

    none = answers.none is not None and bool(answers.none[row])
    once = answers.once is not None and bool(answers.once[row])
    amount = (int(answers.low[row]), int(answers.high[row]), none, once) if answers.paid[row] else None
    assert answers.waits is not None
    return (
        frozenset(names(OUTCOMES, answers.outcomes[row])),
        names(answers.names, answers.clauses[row]),
        names(answers.over_names, answers.over[row]),
        amount,
        {(gap.kind, gap.path, gap.name) for gap in answers.waits.of(row)},
    )


def differences(program: ir.Program, cases: Sequence[Case], on: date, counts: Counter[str]) -> Iterator[str]:
    """Where the two engines differ."""
    cells, handed = found(program, cases, on)
    for number, case in enumerate(cases):
        counts["households"] += 1
        counts["handed over"] += handed[number]
        if handed[number]:
            continue
        for key, cell in wanted(program, case, on).items():
            counts["cells"] += 1
            counts["open"] += len(cell[0]) > 1
            if cells[number][key] != cell:
                yield f"household {number}, {key}: {cells[number][key]}, wanted {cell}"


def test_every_operation_is_taken_or_refused_in_writing() -> None:
    assert OPERATIONS.keys() | FOLDS.keys() | REFUSED.keys() == OPS.keys()
    assert FOLDS.keys() == {key for key, op in OPS.items() if op.fold}
    assert not (OPERATIONS.keys() | FOLDS.keys()) & REFUSED.keys() and all(REFUSED.values())


# ---- dibao-core -----------------------------------------------------------------------------------------------------


CORE = load_text(dibao_core.RULES.read_text(encoding="utf-8")).program


def withhold(household: dict[str, Any], share: float, draw: random.Random) -> dict[str, Any]:
    """The household with a share of its facts and lists left out."""

    def some(record: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in record.items() if name == "members" or draw.random() >= share}

    members = [some(member) for member in household["members"]]
    complete = draw.random() >= share
    return {**some(household), "members": {"items": members, "complete": complete}}


def test_dibao_core_is_what_a_careful_person_writes() -> None:
    """On complete households the answers are those of the same rules by hand."""
    given = dibao_core.households(400, seed=7)
    cells, _ = found(CORE, [read_case(CORE, household, ON) for household in given], ON)
    for household, cell in zip(given, cells, strict=True):
        by_hand = dibao_core.plain(household)
        expected = {("dibao", "household"): (by_hand["benefit"], by_hand["clause"])}
        for number, person in enumerate(by_hand["persons"]):
            expected["dibao", f"members[{number}]"] = person["benefit"], person["clause"]
            expected["tekun", f"members[{number}]"] = 65000 * bool(person["tekun"]), person["tekun"]
        for key, (fen, clause) in expected.items():
            outcomes, clauses, _, amount, missing = cell[key]
            assert (outcomes == {"granted"}) is (clause is not None) and not missing
            assert (amount or (0, 0, False, False)) == (fen, fen, False, False)
            assert clause is None or clauses == {clause}


@pytest.mark.parametrize("share", [0.01, 0.1, 0.4])
def test_dibao_core_with_gaps(share: float) -> None:
    draw, counts = random.Random(3), Counter[str]()
    given = [withhold(household, share, draw) for household in dibao_core.households(250)]
    assert list(differences(CORE, [read_case(CORE, one, ON) for one in given], ON, counts)) == []
    assert counts["open"] > 20 and not counts["handed over"]


def test_some_households_of_a_block() -> None:
    """What is cut out of a block is decided as it is inside it, references and all."""
    draw = random.Random(5)
    program = strategies.written(draw).program
    cases = [strategies.case_of(program, strategies.mapping(draw, 0.1)) for _ in range(12)]
    block, _ = frames_of(program, cases)
    rows = np.array([1, 2, 5, 11])
    engine = Columnar(program, strategies.ON)
    part, alone = households(block, rows), frames_of(program, [cases[row] for row in rows])[0]
    for cut, fresh in zip(engine.decide(part, True), engine.decide(alone, True), strict=True):
        assert cut.outcomes.tolist() == fresh.outcomes.tolist()
        assert cut.clauses.tolist() == fresh.clauses.tolist()
        assert cut.waits is not None and fresh.waits is not None
        assert [cut.waits.of(row) for row in range(len(cut.outcomes))] == [
            fresh.waits.of(row) for row in range(len(fresh.outcomes))
        ]


# ---- numbers at the edges -------------------------------------------------------------------------------------------


EDGES = """语言 1
政策 边界 (edges)
文本 文 (doc) 未收录
实体 户 (household) 计 户
    组成 成员 (members)：人 0 至 3 个
实体 人 (person) 计 人
事实 户.资产 (assets)：金额 元
    范围：-1000000000 元 至 1000000000 元
事实 户.份数 (shares)：数 人
    范围：0 人 至 1000000 人
事实 户.倍数 (times)：数
    范围：0 至 40000000
事实 户.比例 (share)：数
    范围：0 % 至 100 %
事实 人.收入 (income)：金额 元 或 无
定义 每份 对每个 户 (per_share)
    = 资产 ÷ 份数 × 1 人
定义 合计 对每个 户 (income_sum)
    = 求和 成员 取 收入
定义 最多 对每个 户 (highest)
    = 最大 成员 取 收入
定义 最少 对每个 户 (lowest)
    = 最小 成员 取 收入
待遇 甲 (large) 对每个 户
待遇 乙 (thirds) 对每个 户
待遇 丙 (quotient) 对每个 户
待遇 丁 (beyond) 对每个 户
条款 条甲 (large_rule)
    依据：文 第一条
    对每个 户
    条件：资产 × 倍数 × 比例 超过 3 元
    给予：甲，一次 四舍五入到分(资产 × 倍数 × 比例 ÷ 7)
条款 条乙 (thirds_rule)
    依据：文 第二条
    对每个 户
    条件：资产 ÷ 3 × 比例 低于 1 元
    给予：乙，一次 四舍五入到角(资产 ÷ 3 × 比例) + 进位到元(资产 ÷ 7)
条款 条丙 (quotient_rule)
    依据：文 第三条
    对每个 户
    条件：有 每份 并且 (每份 不低于 1 元 或者 每份 等于 0.5 元)
    给予：丙，一次 如果 有 每份 则 四舍五入到元(每份) 否则 1 元
条款 条丁 (beyond_rule)
    依据：文 第四条
    对每个 户
    条件：有 合计 并且 最多 超过 资产
    给予：丁，一次 如果 有 最少 则 舍去到元(最少) 否则 0 元
"""


def test_numbers_at_the_edges() -> None:
    """Products past 64 bits, quotients, halves, divisors that may be 0, sums and extremes with 无: exact all the same."""
    program, draw, counts = load_text(EDGES).program, random.Random(11), Counter[str]()
    assets = ["-1000000000", "-0.5", "-0.05", "0", "0.15", "1.5", "999999999.99", "1000000000"]
    given: list[dict[str, Any]] = []
    for _ in range(150):
        facts = {
            "assets": draw.choice(assets), "shares": draw.choice((0, 1, 2, 3, 7, 999_999, 1_000_000)),
            "times": draw.choice((0, 1, 39_999_999, 40_000_000)), "share": draw.choice(("0 %", "12.5 %", "33.3333 %", "100 %")),
        }  # fmt: skip
        members = [
            {"income": draw.choice(("无", "-1000000000", "0.5", "1000000000"))}
            for _ in range(draw.randrange(4))
        ]
        given.append(withhold({**facts, "members": members}, draw.choice((0.0, 0.0, 0.2)), draw))
    cases = [read_case(program, household, ON) for household in given]
    assert list(differences(program, cases, ON, counts)) == []
    assert counts["open"] > 20


# ---- drawn programs (the conformance cases are sat in their own file) --------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_drawn_programs(seed: int) -> None:
    """Small programs over households with gaps, references and, each fourth seed, villages above them."""
    draw, village = random.Random(seed), seed % 4 == 3
    program = strategies.written(draw, village).program
    shares = (0.0, 0.05, 0.05, 0.1, 0.1, 0.15)
    cases = [strategies.case_of(program, strategies.mapping(draw, share, village)) for share in shares]
    assert list(differences(program, cases, strategies.ON, Counter())) == []
