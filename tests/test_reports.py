"""What `policykit check` prints for other programs, and its time line."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from policykit.app.cli import app
from policykit.app.reports import as_json, as_junit, as_sarif
from policykit.diagnostics import CATALOGUE, Diagnostic
from policykit.source import Source

ROOT = Path(__file__).parent.parent
TEXT = Source("政策/低保 一.rules", "语言 1\n定义 甲 = 1\n")
WARNING = Diagnostic(
    "W007", "政策/低保 一.rules:2:4", "zh", (("kind", "定义"), ("name", "甲")), TEXT.span(8, 9), "定义 甲 = 1"
)
ERROR = Diagnostic("P003", "b.rules:1:1", "en", (("found", "<&>\x00"), ("hint", "")), Source("b.rules", "<&>\x00").span(0, 4), "<&>\x00")  # fmt: skip
NOTE = Diagnostic("L005", "c.rules", "zh", ())
ALL = [WARNING, ERROR, NOTE]

RULES = """语言 1
实体 人 (person)

事实 人.残疾 (disabled)：是否
    问：「有没有残疾？」

文本 办法 (law) 未收录

条款 名单 (listed)
    依据：办法 第一条
    对每个 人
    列入：名单
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with one file that has one warning, and one that has none."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.rules").write_text(RULES, encoding="utf-8")
    (tmp_path / "rules" / "b.rules").write_text("语言 1\n", encoding="utf-8")
    return tmp_path / "rules"


def check(*arguments: str) -> tuple[int, str]:
    run = CliRunner().invoke(app, ["check", *arguments])
    return run.exit_code, run.stdout


# ---- JSON


def test_json_has_an_object_for_each() -> None:
    found = json.loads(as_json(ALL, None))
    assert [one["code"] for one in found] == ["W007", "P003", "L005"]
    assert found[0] == {
        "code": "W007",
        "severity": "warning",
        "where": "政策/低保 一.rules:2:4",
        "message": "定义 `甲` 没有用到",
        "help": "删去；规则该用它的，检查是不是写成了别的名称",
        "fix": "",
    }


# ---- SARIF 2.1.0


def sarif() -> dict[str, Any]:
    log: dict[str, Any] = json.loads(as_sarif(ALL, None))
    return log


def test_sarif_is_one_run_of_the_tool() -> None:
    log = sarif()
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "policykit"
    assert len(run["results"]) == 3


def test_sarif_describes_each_code_once_with_its_page() -> None:
    rules = sarif()["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["L005", "P003", "W007"]
    for rule in rules:
        assert (ROOT / rule["helpUri"]).exists()
        assert rule["defaultConfiguration"]["level"] == CATALOGUE[rule["id"]].severity
        assert rule["shortDescription"]["text"]


def test_sarif_results_point_at_their_rule_and_place() -> None:
    (run,) = sarif()["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
    first, _, last = (one["locations"][0]["physicalLocation"] for one in run["results"])
    # 定义 is columns 1 and 2, the blank 3, 甲 4; a column counts characters, as columnKind says
    assert first["region"] == {"startLine": 2, "startColumn": 4, "endColumn": 5}
    assert run["columnKind"] == "unicodeCodePoints"
    assert first["artifactLocation"]["uri"] == ("%E6%94%BF%E7%AD%96/%E4%BD%8E%E4%BF%9D%20%E4%B8%80.rules")
    assert last == {"artifactLocation": {"uri": "c.rules"}}


def test_a_place_over_several_lines_has_a_beginning_only() -> None:
    long = Source("a.rules", "定义 甲 =\n  1")
    found = Diagnostic("W007", "a.rules:1:1", "zh", WARNING.fields, long.span(0, 9), "定义 甲 =")
    (result,) = json.loads(as_sarif([found], None))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 1}


# ---- JUnit


def test_junit_has_a_case_for_each_file() -> None:
    suites = ElementTree.fromstring(as_junit(["政策/低保 一.rules", "b.rules", "d.rules"], ALL, None))
    assert suites.tag == "testsuites"
    (suite,) = suites
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "errors": "0",
        "skipped": "0",
    }
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert list(cases) == ["政策/低保 一.rules", "b.rules", "d.rules", "c.rules"]
    assert [len(case.findall("failure")) for case in cases.values()] == [1, 1, 0, 0]
    assert all(case.get("classname") for case in cases.values())


def test_junit_tells_the_whole_of_what_was_found() -> None:
    suites = ElementTree.fromstring(as_junit([], ALL, None))
    failure = suites.findall(".//failure")[0]
    assert (failure.get("type"), failure.get("message")) == ("W007", "定义 `甲` 没有用到")
    assert failure.text == WARNING.render()
    output = suites.find(".//system-out")
    assert output is not None and output.text is not None and "GB18030" in output.text


def test_junit_holds_nothing_that_xml_cannot() -> None:
    failure = ElementTree.fromstring(as_junit([], [ERROR], None)).find(".//failure")
    assert failure is not None and failure.text is not None
    assert "<&>\ufffd" in failure.text


# ---- the command


def test_the_command_prints_each_format(rules: Path) -> None:
    code, out = check(str(rules), "--format", "json")
    assert (code, [one["code"] for one in json.loads(out)]) == (1, ["W007"])
    code, out = check(str(rules), "--format", "sarif")
    assert (code, json.loads(out)["runs"][0]["results"][0]["ruleId"]) == (1, "W007")
    code, out = check(str(rules), "--format", "junit")
    names = [case.get("name") for case in ElementTree.fromstring(out).iter("testcase")]
    assert (code, names) == (1, ["rules/a.rules", "rules/b.rules"])
    code, out = check(str(rules))
    assert code == 1 and "0 个错误，1 个警告" in out


def test_without_findings_it_ends_well(rules: Path) -> None:
    clean = RULES.replace("    列入：名单", "    条件：残疾\n    列入：名单")
    (rules / "a.rules").write_text(clean, encoding="utf-8")
    for format in ("text", "json", "sarif", "junit"):
        assert check(str(rules), "--format", format)[0] == 0
    assert json.loads(check(str(rules), "--format", "sarif")[1])["runs"][0]["results"] == []


def test_the_time_line_is_told_in_both_languages(rules: Path) -> None:
    grant = "\n待遇 补助 (aid) 对每个 人\n    英文：「Aid」\n\n条款 补助残疾人 (aid_for_disabled) 2020-01-01 起\n    依据：办法 第二条\n    对每个 人\n    条件：残疾\n    给予：补助，每月 100 元/月\n"
    (rules / "a.rules").write_text(RULES + grant, encoding="utf-8")
    code, out = check(str(rules), "--timeline")
    assert code == 0
    assert out.startswith(
        "补助 · 人\n                   2020-01-01 起\n  条款 补助残疾人  有效\n  没有缺口\n"
    )
    out = check(str(rules), "--timeline", "--lang", "en")[1]
    assert out.startswith(
        "Aid · person\n                           from 2020-01-01 on\n  clause aid for disabled  in force\n  no gaps\n"
    )
