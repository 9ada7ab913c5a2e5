"""Registers evaluated whole: `policykit.evaluate_batch` and `policykit batch`. Every figure is worked out by hand."""

import csv
import json
import os
import random
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
from policykit.batch.answers import Answering
from policykit.batch.filling import Answers
from policykit.batch.sources import Register
from policykit.batch.summary import Summary
from policykit.batch.tables import decisions, findings
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
    条件：获得 补助 并且 并非 在册
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


def test_tables_and_mappings_are_one_register(register: Path) -> None:
    """The same households as Arrow tables, one for households and one for people."""
    tables = tables_of(HOUSEHOLDS)
    mine, its = (policykit.evaluate_batch(one, policies(), on=ON) for one in (tables, register))
    left = {"row"}
    plain = [
        [{k: v for k, v in row.items() if k not in left} for row in one.decisions.to_pylist()]
        for one in (mine, its)
    ]
    assert plain[0] == plain[1]
    assert [one.key for one in mine.bad] == ["戊"]
    aside = [replace(one.summary, bad_by_code={}) for one in (mine, its)]  # it says where, and that differs
    assert aside[0] == aside[1]


def tables_of(households: dict[str, dict[str, Any]]) -> dict[str, Any]:
    import pyarrow as pa

    roots = [
        {
            "户号": key,
            "村名": of.get("村", {}).get("村名"),
            **{k: str(v) for k, v in of.items() if k not in ("村", "成员")},
        }
        for key, of in households.items()
    ]
    columns = list(dict.fromkeys(name for row in roots for name in row))
    people = [{"户号": key, **one} for key, of in households.items() for one in of["成员"]]
    return {
        "household": pa.table({name: [row.get(name) for row in roots] for name in columns}),
        "members": pa.Table.from_pylist(people),
    }


def drawn(count: int, seed: int) -> dict[str, dict[str, Any]]:
    """Households by chance, now and then with something left out, or written so that it cannot be read."""
    chance = random.Random(seed)

    def given(values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if chance.random() > 0.15}

    found = {}
    for number in range(count):
        people = [
            given(person(f"人{n}", chance.choice(["一级", "二级", "三级", "无"]), chance.choice("是否")))
            for n in range(chance.randint(1, 4))
        ]
        income = chance.choice([0, 499.99, 500, 500.01, 730, "很多" if chance.random() < 0.2 else 20])
        found[f"户{number}"] = {
            **given({"户主姓名": "某", "困难户": chance.choice("是否"), "月收入": income, "在册": chance.choice("是否")}),
            "村": {"村名": chance.choice(["东村", "西村"])}, "成员": people,
        }  # fmt: skip
    return found


@pytest.mark.parametrize("line", [500, None])
def test_blocks_and_single_households_agree(line: int | None) -> None:
    """The columnar engine on all plain households, and each household by itself, with facts and a parameter missing."""
    rules = policies(line) if line else load_text(RULES)
    (chunk,) = Register(tables_of(drawn(300, seed=20200406)), rules.program).chunks()
    found = []
    for alone in (False, True):
        asking = Answering(rules, ON)
        if alone:
            asking.blocks.refused = "each by itself"
        answers = asking.answers(chunk)
        summary = Summary(asking.measures)
        summary.add(answers)
        found.append((decisions(answers, rules.program).to_pylist(), findings(answers).to_pylist(), answers.found, answers.bad, summary))  # fmt: skip
    for one, other in zip(*found, strict=True):
        assert one == other
    assert found[0][4].bad and found[0][4].waits and found[0][2]


def test_the_example_register_says_the_same_either_way() -> None:
    """Bundled policies, a workbook; the household of 张示例 gets 910.00 yuan: (600 × 3) − (9,600 × 0.8 + 3,000) ÷ 12."""
    rules = load_bundled().with_parameters(ROOT / "policies/parameters/ps1.rules")
    (chunk,) = Register(ROOT / "examples/register.xlsx", rules.program).chunks()
    tables = []
    for alone in (False, True):
        asking = Answering(rules, ON)
        if alone:
            asking.blocks.refused = "each by itself"
        answers = asking.answers(chunk)
        tables.append((decisions(answers, rules.program).to_pylist(), findings(answers).to_pylist()))
        assert [(one.key, one.row) for one in answers.bad] == [("1013", 15)]
    assert tables[0] == tables[1]
    (row,) = (
        row
        for row in tables[0][0]
        if (row["key"], row["subject"], row["measure"]) == ("1001", "household", "dibao")
    )
    assert (row["name"], row["outcome"], row["fen"]) == ("张示例", "granted", 91000)


# ---- files -------------------------------------------------------------------------------------------------------------


def test_csv_opens_in_a_spreadsheet(rules: Path, register: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    result = told(rules, register, out)
    assert result.exit_code == 1, result.output  # 戊 was set aside
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    table = rows(out)
    assert list(table[0])[:8] == ["户号", "村名", "对象", "编号", "姓名", "原表行号", "待遇", "结果"]
    first = table[0]
    assert (first["户号"], first["村名"], first["对象"], first["待遇"], first["结果"]) == (
        "甲",
        "东村",
        "全户",
        "补助",
        "给予",
    )
    assert (first["金额（元）"], first["发放"], first["依据条款"]) == ("200.00", "每月", "发补助")
    open_ = next(row for row in table if row["户号"] == "乙" and row["待遇"] == "补助")
    assert (open_["结果"], open_["可能的结果"], open_["金额（元）"]) == ("待定", "给予、不符合", "")
    assert (open_["如给予，最低（元）"], open_["如给予，最高（元）"], open_["还要问"]) == (
        "0.00",
        "500.00",
        "全户：月收入",
    )
    # what may be summed is what is granted: 200 + 80.50 + 60 + 500 + 0.01; of 丙 either 80.50 or 60
    assert sum(Decimal(row["金额（元）"] or "0") for row in table) == Decimal("840.51")


def test_no_text_of_a_register_is_computed_by_a_spreadsheet(
    rules: Path, register: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    told(rules, register, out)
    assert {row["姓名"] for row in rows(out) if row["户号"] == "己" and row["对象"] == "全户"} == {"'=己一"}


def test_a_workbook_has_a_summary_and_all_rows(rules: Path, register: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    assert told(rules, register, out).exit_code == 1
    book = CalamineWorkbook.from_path(out)
    assert book.sheet_names == ["汇总", "结果", "发现", "搁置"]
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    head, *body = sheets["结果"]
    assert len(body) == 5 + 3 * 6  # 5 households, 6 people with three measures each
    assert body[0][head.index("金额（元）")] == 200.0
    assert body[-4][head.index("姓名")] == "=己一"  # a text, and no formula
    aid = next(row for row in sheets["汇总"] if row[0] == "补助")
    assert aid[:5] == ["补助", 2.0, 3.0, 200.01, 0.0]
    assert sheets["搁置"][1][:3] == ["register.jsonl", 5.0, "戊"]


def test_rows_beyond_a_sheet_go_on_the_next(
    rules: Path, register: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole.xlsx", tmp_path / "parts.xlsx"
    told(rules, register, whole)
    monkeypatch.setattr(writing, "MOST_ROWS", 10)
    told(rules, register, parts)
    book = CalamineWorkbook.from_path(parts)
    assert [name for name in book.sheet_names if name.startswith("结果")] == ["结果", "结果2", "结果3"]
    cut = [book.get_sheet_by_name(name).to_python() for name in ("结果", "结果2", "结果3")]
    assert {tuple(sheet[0]) for sheet in cut} == {tuple(cut[0][0])}
    one = CalamineWorkbook.from_path(whole).get_sheet_by_name("结果").to_python()
    assert [row for sheet in cut for row in sheet[1:]] == one[1:]


def test_parquet_holds_identifiers_and_fen(rules: Path, register: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    told(rules, register, out)
    assert (
        pq.read_table(out).to_pylist()
        == policykit.evaluate_batch(register, policies(), on=ON).decisions.to_pylist()
    )
    summary = json.loads((tmp_path / "out.parquet.summary.json").read_text("utf-8"))
    aid = next(one for one in summary["measures"] if one["measure"] == "aid")
    assert (aid["households"], aid["monthly"]) == (2, 20001)
    assert pq.read_table(tmp_path / "out.parquet.findings.parquet").column("finding").to_pylist() == ["漏保"]


def test_bad_rows_stand_beside_the_output_until_they_are_mended(
    rules: Path, register: Path, tmp_path: Path
) -> None:
    out, bad = tmp_path / "out.csv", tmp_path / "out.csv.bad.csv"
    result = told(rules, register, out)
    (row,) = rows(bad)
    assert (row["来源"], row["原表行号"], row["户号"]) == ("register.jsonl", "5", "戊")
    assert "月收入" in row["原因"] and "很多" in row["原因"]
    assert "有 1 户（行）没有算" in result.output
    written(register, {**HOUSEHOLDS, "戊": {**HOUSEHOLDS["戊"], "月收入": 500}})
    assert told(rules, register, out).exit_code == 0
    assert not bad.exists()
    assert {row["户号"] for row in rows(out)} == set(HOUSEHOLDS)


def test_english_has_english_headings(rules: Path, register: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    told(rules, register, out, "--lang", "en")
    assert list(rows(out)[0])[:3] == ["Household", "village name", "Subject"]


def test_names_are_hidden_on_request(rules: Path, register: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    told(rules, register, out, "--mask")
    assert {row["姓名"] for row in rows(out) if row["户号"] == "甲"} == {"甲＊"}


def test_the_summary_is_broken_down_as_asked(rules: Path, register: Path, tmp_path: Path) -> None:
    result = told(rules, register, tmp_path / "out.csv", "--by", "在册")
    assert "按在册" in result.output and "按村名" not in result.output


# ---- broken off --------------------------------------------------------------------------------------------------------

CHILD = """
import os, signal, sys
from pathlib import Path
from datetime import date
from policykit.batch import run, writing
from policykit.loader import load

source, out, where, rules, sheet = sys.argv[1:]
run.SIZE = 1
policies = load(rules).with_parameters(sheet)
def stop(): os.kill(os.getpid(), signal.SIGKILL)
def told(done):
    if where == f"after {done}": stop()
put = os.replace
def replace(old, new):
    if where == "before the end": stop()
    put(old, new)
    if where == "within the end": stop()
os.replace = replace
side = run.Side.of(Path(source), policies, date(2020, 6, 10), exact=False, findings=True, by="", complete=(), mask=False, language="zh")
run.write(side, Path(out), None, told)
"""


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (".csv", "after 1"),
        (".csv", "within the end"),
        (".parquet", "after 4"),
        (".parquet", "before the end"),
        (".xlsx", "after 4"),
        (".xlsx", "within the end"),
    ],
)
def test_a_run_that_is_killed_leaves_nothing_and_can_be_run_again(
    where: str, kind: str, rules: Path, register: Path, tmp_path: Path
) -> None:
    out, clean = tmp_path / f"out{kind}", tmp_path / f"clean{kind}"
    out.write_text("as it was", encoding="utf-8")
    told(rules, register, clean)
    arguments = [register, out, where, rules, rules.parent / "500.rules"]
    child = subprocess.run([sys.executable, "-c", CHILD, *map(str, arguments)], cwd=ROOT, check=False)
    assert child.returncode == -signal.SIGKILL
    assert out.read_text("utf-8") == "as it was"  # it is put in its place last of all
    assert told(rules, register, out).exit_code == 1
    assert content(out) == content(clean)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def content(file: Path) -> Any:
    """The rows of an output, whatever its kind."""
    if file.suffix == ".parquet":
        return pq.read_table(file).to_pylist()
    if file.suffix == ".csv":
        return rows(file)
    book = CalamineWorkbook.from_path(file)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize("kind", [".csv", ".xlsx", ".parquet"])
def test_a_full_disk_is_said_and_harms_nothing(kind: str, rules: Path, tmp_path: Path) -> None:
    import resource

    many = {f"{n:04d}": {**HOUSEHOLDS["甲"], "户主姓名": f"甲{n}"} for n in range(400)}
    register = written(tmp_path / "many.jsonl", many)
    out = tmp_path / f"out{kind}"
    out.write_text("as it was", encoding="utf-8")
    arguments = [
        "batch",
        register,
        out,
        "--on",
        ON,
        "--policies",
        rules,
        "--parameters",
        rules.parent / "500.rules",
    ]
    child = subprocess.run(
        [sys.executable, "-m", "policykit.app.cli", *map(str, arguments)], cwd=ROOT, check=False, capture_output=True,
        encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)),
    )  # fmt: skip
    assert child.returncode == 2
    assert child.stderr.strip() == "磁盘满了，没有写出结果，原有的文件没有动；腾出空间再运行一次"
    assert out.read_text("utf-8") == "as it was"
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_two_runs_do_not_write_one_output(rules: Path, register: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with writing.Output(out):
        result = told(rules, register, out)
    assert result.exit_code == 2
    assert "另有一次运行正在写" in result.output
    assert told(rules, register, out).exit_code == 1


def test_an_interrupted_run_says_so(
    rules: Path, register: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Iterator[None]:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_both", interrupted)
    result = told(rules, register, tmp_path / "out.csv")
    assert result.exit_code == 130
    assert "没有写出结果" in result.output
    assert not (tmp_path / "out.csv").exists()


# ---- one household, and two rule sets ----------------------------------------------------------------------------------


def test_a_household_that_was_set_aside_is_explained_by_why(rules: Path, tmp_path: Path) -> None:
    text = "户编号,姓名,等级,老人\n1,甲,九级,√\n1,乙,一级,√\n2,丙,一级,是\n2,丁,一级,是,多\n"
    (tmp_path / "成员.csv").write_text(text, encoding="utf-8")
    bad = command(tmp_path / "成员.csv", "--explain", "1", "--on", ON, "--policies", rules)
    assert bad.exit_code == 2
    assert "成员.csv第2行「等级」" in bad.output
    assert "members[0]" not in bad.output
    lost = command(tmp_path / "成员.csv", "--explain", "2", "--on", ON, "--policies", rules)
    assert "成员.csv第5行" in lost.output


def test_a_list_that_nobody_knows_is_not_taken_for_complete(
    rules: Path, register: Path, tmp_path: Path
) -> None:
    ran = command(register, tmp_path / "out.csv", "--on", ON, "--policies", rules, "--complete", "没有的表")
    assert ran.exit_code == 2
    assert "没有叫 `没有的表` 的清单" in ran.output


def test_one_household_is_explained_as_by_itself(rules: Path, register: Path) -> None:
    sheet = rules.parent / "500.rules"
    result = command(register, "--explain", "甲", "--on", ON, "--policies", rules, "--parameters", sheet)
    assert result.exit_code == 0, result.output
    household = {"编号": "甲", **HOUSEHOLDS["甲"]}
    loaded = policykit.load(rules).with_parameters(sheet)
    assert result.output.rstrip("\n") == policykit.evaluate(household, loaded, on=ON).explain("zh").rstrip(
        "\n"
    )
    missing = command(register, "--explain", "庚", "--on", ON, "--policies", rules)
    assert missing.exit_code == 2
    assert "没有户号 庚" in missing.output


def test_before_and_after_are_set_side_by_side(rules: Path, register: Path, tmp_path: Path) -> None:
    """The line goes from 500 to 600: 甲 gets 300 instead of 200, 己 100.01 instead of 0.01; 乙 and 丁 stay open."""
    out = tmp_path / "out.csv"
    told(rules, register, out, "--compare-parameters", rules.parent / "600.rules")
    changed = [
        (row["户号"], row["待遇"], row["变化"], row["原金额（元）"], row["新金额（元）"])
        for row in rows(tmp_path / "out.csv.changes.csv")
    ]
    assert changed == [
        ("甲", "补助", "更多", "200.00", "300.00"),
        ("乙", "补助", "说不定", "", ""),
        ("丁", "补助", "说不定", "", ""),
        ("己", "补助", "更多", "0.01", "100.01"),
    ]
    summary = json.loads((tmp_path / "out.csv.summary.json").read_text("utf-8"))
    ways = {one["way"]: (one["subjects"], one["monthly"]) for one in summary["changes"]["measures"]}
    assert ways == {"more": (2, 20000), "unclear": (2, 0)}
    after = next(one for one in summary["after"]["measures"] if one["measure"] == "aid")
    assert after["monthly"] == 40001  # 300 + 100.01 yuan


def test_a_measure_that_only_one_knows_is_gained_or_lost(rules: Path, register: Path, tmp_path: Path) -> None:
    fewer = tmp_path / "fewer.rules"
    start, end = RULES.index("条款 发慰问金"), RULES.index("互斥")
    fewer.write_text(
        RULES[:start].replace("待遇 慰问金 (gift) 对每个 人\n", "") + RULES[end:], encoding="utf-8"
    )
    out = tmp_path / "out.parquet"
    told(rules, register, out, "--compare", fewer)
    row, other = pq.read_table(tmp_path / "out.parquet.changes.parquet").to_pylist()
    assert (row["key"], row["subject"], row["measure"], row["way"]) == ("甲", "members[1]", "gift", "loses")
    assert (row["fen_before"], row["fen_after"]) == (50000, None)
    assert (row["clauses_before"], row["clauses_after"]) == (["grant_gift"], [])
    assert (other["key"], other["way"]) == ("丙", "otherwise")  # refused before, not spoken of after


# ---- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "请在登记表之后写结果文件"),
        (("out.doc",), "要以 .xlsx、.csv 或 .parquet 结尾"),
        (("nowhere/out.csv",), "没有文件夹"),
        (("out.csv", "--by", "没有的"), "没有叫 `没有的` 的事实"),
        (("out.csv", "--on", "昨天"), "不是日期"),
    ],
)
def test_bad_usage_is_said_before_any_work(
    arguments: Sequence[str],
    said: str,
    rules: Path,
    register: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command(register, *arguments, "--policies", rules)
    assert result.exit_code == 2
    assert said in result.output


def test_the_results_never_replace_the_register(rules: Path, tmp_path: Path) -> None:
    register = tmp_path / "register.csv"
    register.write_text("户号,姓名\n1,甲\n", encoding="utf-8")
    result = told(rules, register, register)
    assert result.exit_code == 2
    assert register.read_text("utf-8") == "户号,姓名\n1,甲\n"
