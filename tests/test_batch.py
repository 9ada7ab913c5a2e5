"""Registers evaluated whole: `policykit.evaluate_batch` and `policykit batch`. Every figure is worked out by hand."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

import policykit
from policykit.app.cli import app
from policykit.batch import run, writing
from policykit.batch.answers import Answering, Answers
from policykit.batch.sources import Register
from policykit.batch.tables import decisions
from policykit.engine.compiled import Nothing
from policykit.loader import Policies, load_bundled, load_text

ON = date(2020, 6, 10)
ROOT = Path(__file__).parent.parent

RULES = """语言 1
文本 办法 (law) 未收录

实体 村 (village)
    称呼：村名
    组成 农户 (households)：户 0 至 100 户

实体 户 (household) 计 户
    称呼：户主姓名
    组成 成员 (members)：人 1 至 10 个

实体 人 (person) 计 人
    称呼：姓名

选项 等级 (grade)：一级 (first)、二级 (second)、三级 (third)

事实 村.村名 (village_name)：文字

事实 户.户主姓名 (head)：文字
    敏感

事实 户.困难户 (poor)：是否

事实 户.月收入 (income)：金额 元/月
    范围：0 元/月 至 1000 元/月

事实 户.在册 (enrolled)：是否

事实 人.姓名 (name)：文字
    敏感

事实 人.等级 (grade)：选项 等级 或 无

事实 人.老人 (old)：是否

参数 标准 (line)：金额 元/月
    范围：0 元/月 至 1000 元/月

待遇 补助 (aid) 对每个 户

待遇 护理 (care) 对每个 人

待遇 高龄津贴 (allowance) 对每个 人

待遇 慰问金 (gift) 对每个 人

条款 发补助 (grant_aid)
    依据：办法 第一条
    对每个 户
    适用范围：困难户
    条件：月收入 低于 标准
    给予：补助，每月 标准 - 月收入

条款 发护理 (grant_care)
    依据：办法 第二条
    对每个 人
    适用范围：有 等级
    条件：等级 属于 {一级、二级}
    给予：护理，每月 80.50 元/月

条款 发高龄津贴 (grant_allowance)
    依据：办法 第三条
    对每个 人
    适用范围：老人
    给予：高龄津贴，每月 60 元/月

条款 发慰问金 (grant_gift)
    依据：办法 第四条
    对每个 人
    适用范围：老人
    条件：户.困难户
    给予：慰问金，一次 500 元

互斥 护理或津贴 (care_or_allowance)：护理、高龄津贴 由 本人 选择
    依据：办法 第五条

条款 查漏 (missed)
    依据：办法 第六条
    对每个 户
    条件：获得(补助) 并且 并非 在册
    发现：漏保 「符合补助而没有在册」
"""
SHEET = "语言 1\n参数表 本地 (local)\n设 标准 = {} 元/月\n"


def person(name: str, grade: str = "无", old: str = "否") -> dict[str, Any]:
    return {"姓名": name, "等级": grade, "老人": old}


#: 甲 is short of the line by 200; what 乙 earns is not known; 丙 is not poor; of 丁 nobody knows whether it is, and it
#: earns too much; 戊 earns what no number is; 己 would have what 甲 has were it enrolled
HOUSEHOLDS: dict[str, dict[str, Any]] = {
    "甲": {"户主姓名": "甲一", "村": {"村名": "东村"}, "困难户": "是", "月收入": 300, "在册": "是",
           "成员": [person("甲一", "一级"), person("甲二", old="是")]},
    "乙": {"户主姓名": "乙一", "村": {"村名": "东村"}, "困难户": "是", "在册": "否", "成员": [person("乙一", "三级")]},
    "丙": {"户主姓名": "丙一", "村": {"村名": "西村"}, "困难户": "否", "月收入": 0, "在册": "否",
           "成员": [person("丙一", "二级", "是")]},
    "丁": {"户主姓名": "丁一", "月收入": 550, "在册": "否", "成员": [person("丁一")]},
    "戊": {"户主姓名": "戊一", "村": {"村名": "西村"}, "困难户": "是", "月收入": "很多", "成员": [person("戊一")]},
    "己": {"户主姓名": "=己一", "村": {"村名": "西村"}, "困难户": "是", "月收入": 499.99, "在册": "否",
           "成员": [person("己一")]},
}  # fmt: skip

#: what each measure comes to, where it is not `not_covered`: outcome, amount in fen, clause
EXPECTED = {
    ("甲", "household", "aid"): ("granted", 20000, "grant_aid"),
    ("甲", "members[0]", "care"): ("granted", 8050, "grant_care"),
    ("甲", "members[1]", "allowance"): ("granted", 6000, "grant_allowance"),
    ("甲", "members[1]", "gift"): ("granted", 50000, "grant_gift"),
    ("乙", "household", "aid"): ("undetermined", None, "grant_aid"),
    ("乙", "members[0]", "care"): ("refused", None, "grant_care"),
    ("丙", "members[0]", "care"): ("granted", 8050, "grant_care"),
    ("丙", "members[0]", "allowance"): ("granted", 6000, "grant_allowance"),
    ("丙", "members[0]", "gift"): ("refused", None, "grant_gift"),
    ("丁", "household", "aid"): ("undetermined", None, "grant_aid"),
    ("己", "household", "aid"): ("granted", 1, "grant_aid"),
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "a.rules"
    file.write_text(RULES, encoding="utf-8")
    (tmp_path / "500.rules").write_text(SHEET.format(500), encoding="utf-8")
    (tmp_path / "600.rules").write_text(SHEET.format(600), encoding="utf-8")
    return file


@pytest.fixture
def register(tmp_path: Path) -> Path:
    return written(tmp_path / "register.jsonl", HOUSEHOLDS)


def written(file: Path, households: dict[str, dict[str, Any]]) -> Path:
    lines = (json.dumps({"编号": key, **of}, ensure_ascii=False) for key, of in households.items())
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def policies(line: int = 500) -> Policies:
    return load_text(RULES, SHEET.format(line))


def command(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["batch", *map(str, arguments)])


def told(rules: Path, register: Path, out: Path, *more: object) -> Any:
    sheet = rules.parent / "500.rules"
    return command(register, out, "--on", ON, "--policies", rules, "--parameters", sheet, *more)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


# ---- answers -----------------------------------------------------------------------------------------------------------


def test_every_household_person_and_measure_has_one_row(register: Path) -> None:
    found = policykit.evaluate_batch(register, policies(), on=ON)
    table = found.decisions.to_pylist()
    answered = {key: of for key, of in HOUSEHOLDS.items() if key != "戊"}
    wanted = [
        (key, subject, measure)
        for key, of in answered.items()
        for subject, measures in [
            ("household", ["aid"]),
            *((f"members[{n}]", ["care", "allowance", "gift"]) for n in range(len(of["成员"]))),
        ]
        for measure in measures
    ]
    assert [(row["key"], row["subject"], row["measure"]) for row in table] == wanted
    for row in table:
        expected = EXPECTED.get((row["key"], row["subject"], row["measure"]), ("not_covered", None, None))
        assert (row["outcome"], row["fen"], *row["clauses"][:1]) == expected[: 2 + bool(row["clauses"])], row
        assert row["place"] == {"甲": "东村", "乙": "东村", "丁": ""}.get(row["key"], "西村")


def test_an_open_answer_says_between_what_and_what_is_missing(register: Path) -> None:
    table = policykit.evaluate_batch(register, policies(), on=ON).decisions.to_pylist()
    open_, poor = (row for row in table if row["outcome"] == "undetermined")
    assert (open_["key"], open_["outcomes"]) == ("乙", ["granted", "refused"])
    assert (open_["form"], open_["low"], open_["high"]) == ("monthly", 0, 50000)
    assert open_["missing"] == [{"path": "household", "name": "income", "kind": "fact"}]
    assert (poor["key"], poor["outcomes"]) == ("丁", ["refused", "not_covered"])
    assert poor["missing"] == [{"path": "household", "name": "poor", "kind": "fact"}]


def test_rows_say_whom_they_are_about(register: Path) -> None:
    row = policykit.evaluate_batch(register, policies(), on=ON).decisions.to_pylist()[1]
    assert (row["key"], row["subject"], row["name"]) == ("甲", "members[0]", "甲一")


def test_what_is_chosen_among_is_named_and_never_summed(register: Path) -> None:
    found = policykit.evaluate_batch(register, policies(), on=ON)
    row = next(r for r in found.decisions.to_pylist() if (r["key"], r["measure"]) == ("丙", "care"))
    assert row["alternatives"] == ["allowance"]
    assert found.summary.by_measure["care"].monthly == 8050  # that of 甲 alone
    assert found.summary.by_measure["care"].open == 1


def test_what_cannot_be_read_is_set_aside_with_its_row(register: Path) -> None:
    (bad,) = policykit.evaluate_batch(register, policies(), on=ON).bad
    assert (bad.key, bad.row, bad.source) == ("戊", 5, "register.jsonl")
    assert [reason.code for reason in bad.reasons] == ["R002"]
    assert "月收入" in bad.reasons[0].where


def test_findings_are_of_whom_the_rules_find(register: Path) -> None:
    found = policykit.evaluate_batch(register, policies(), on=ON)
    assert [(row["key"], row["kind"], row["finding"]) for row in found.findings.to_pylist()] == [
        ("己", "finding", "漏保")
    ]
    assert found.summary.possible == {("finding", "漏保", "missed"): 1}  # 乙, whose income is not known
    assert not policykit.evaluate_batch(register, policies(), on=ON, findings=False).findings.num_rows


def test_the_summary_adds_up(register: Path) -> None:
    summary = policykit.evaluate_batch(register, policies(), on=ON).summary
    assert (summary.households, summary.people, summary.bad) == (5, 6, 1)
    aid = summary.by_measure["aid"]
    assert (aid.subjects, aid.households, aid.people, aid.monthly, aid.once) == (2, 2, 3, 20001, 0)
    gift = summary.by_measure["gift"]
    assert (gift.subjects, gift.people, gift.monthly, gift.once) == (1, 1, 0, 50000)
    assert summary.outcomes["aid"] == {"granted": 2, "undetermined": 2, "not_covered": 1}
    assert summary.by_place["西村", "aid"].monthly == 1
    assert summary.open_by_place == {"东村": 1, "": 1}
    assert {name: (w.answers, w.alone) for (_, _, name), w in summary.waits.items()} == {
        "income": (1, 1),
        "poor": (1, 1),
    }
    assert summary.by_clause["aid", ("grant_aid",)].households == 2


def test_the_parameter_that_is_not_set_is_missing(register: Path) -> None:
    summary = policykit.evaluate_batch(register, load_text(RULES), on=ON).summary
    assert summary.outcomes["aid"]["undetermined"] == 4  # 丙 alone is settled: it is not poor
    assert summary.waits["parameter", "", "line"].answers == 4


def test_every_engine_says_the_same(tmp_path: Path) -> None:
    """The compiled engine on what it takes, and the reference engine on all, over the bundled examples."""
    bundled = load_bundled().with_parameters(ROOT / "policies/parameters/ps1.rules")
    files = [file for file in sorted((ROOT / "examples").glob("*.json")) if "成员" in file.read_text("utf-8")]
    register = {file.stem: json.loads(file.read_text("utf-8")) for file in files}
    both = [answers_of(bundled, tmp_path, register, compiled) for compiled in (True, False)]
    assert both[0] == both[1]
    for key, household in list(register.items())[::6]:
        wanted = policykit.evaluate(household, bundled, on=ON, engine="interpreter").decisions
        mine = {(row["subject"], row["measure"]): row for row in both[0] if row["key"] == key}
        for one in wanted:
            row = mine[one.subject, one.measure]
            assert set(one.outcomes) <= set(row["outcomes"])
            if one.outcomes == tuple(row["outcomes"]):
                assert one.clauses == tuple(row["clauses"])
                assert row["fen"] == (one.amount and one.amount.fen)


def answers_of(
    rules: Policies, folder: Path, households: dict[str, Any], compiled: bool
) -> list[dict[str, Any]]:
    asking = Answering(rules, ON, findings=False)
    if not compiled:
        asking.quick = Nothing()
    file = written(folder / "examples.jsonl", households)
    chunk = next(iter(Register(file, rules.program).chunks()))
    found: Answers = asking.answers(chunk)
    return list(decisions(found, rules.program).to_pylist())
