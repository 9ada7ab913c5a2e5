"""`policykit.testing`: what its strategies give, what its tests find, and how an outside project uses it.

The example project's rules: a member of 70 or severely disabled, at most 800 yuan a head and month, once a winter, and
none where there is district heating; 600 yuan with coal, else 900.
"""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import strategies
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from policykit import Policies, evaluate, load, load_text, testing

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "examples" / "project"
WINTER = date(2022, 1, 5)
few = settings(max_examples=40, suppress_health_check=list(HealthCheck))


@cache
def heating() -> Policies:
    return load(PROJECT / "policies")


@cache
def broken(old: str, new: str) -> Policies:
    """The example project's rules with one thing changed."""
    text = (PROJECT / "policies" / "heating.rules").read_text("utf-8")
    assert text.count(old) == 1, old
    return load_text(text.replace(old, new), roots=[(PROJECT / "policies").resolve()])


@cache
def bundled() -> Policies:
    return load(ROOT / "policies").with_parameters(ROOT / "policies" / "parameters" / "ps1.rules")


def drawn(strategy: st.SearchStrategy[Any], count: int = 40) -> list[dict[str, Any]]:
    """Some households of a strategy, the same on every run."""
    found: list[dict[str, Any]] = []

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(household: dict[str, Any]) -> None:
        found.append(household)

    draw()
    return found


def failures(case: type[unittest.TestCase], *names: str) -> dict[str, str]:
    """What some tests of a test case fail with."""
    result = unittest.TestResult()
    tests = [case(name) for name in names] or unittest.defaultTestLoader.loadTestsFromTestCase(case)
    unittest.TestSuite(tests).run(result)
    assert not result.errors, result.errors[0][1]
    return {test.id().rpartition(".")[2]: message for test, message in result.failures}


# ---- strategies -----------------------------------------------------------------------------------------------------

TINY = strategies.VOCABULARY + (
    "待遇 待遇甲 (measure_0) 对每个 户、人\n"
    "条款 条甲 (clause_0)\n    依据：文 第一条\n    对每个 人\n    适用范围：有 单子 满足 成立\n"
    "    条件：户.户扣 不低于 2 分/月 并且 困难 并且 有 配偶\n    给予：待遇甲，每月 户.户入\n"
)


@pytest.mark.parametrize("kind", [testing.households, testing.withheld, testing.histories, testing.around])
def test_every_household_is_valid_input(kind: Any) -> None:
    tiny = load_text(TINY)
    for rules, on, count in (
        (heating(), WINTER, 40),
        (tiny, strategies.ON, 40),
        (bundled(), date(2020, 6, 10), 3),
    ):
        if rules is bundled() and kind is testing.around:
            continue  # it reaches every clause first, which another test does
        for household in drawn(kind(rules, on=on), count):
            evaluate(household, rules, on=on)


def test_ranges_that_mention_other_facts_are_kept_and_filled() -> None:
    found = drawn(testing.households(load_text(TINY), on=strategies.ON))
    pairs = [(float(h["gross"]), float(h["deducted"])) for h in found]
    assert all(0 <= deducted <= gross <= 0.03 for gross, deducted in pairs)
    assert any(deducted > 0 for _, deducted in pairs)


def test_judged_facts_come_with_the_judgement_and_references_with_members() -> None:
    found = drawn(testing.households(load_text(TINY), on=strategies.ON))
    members = [member for household in found for member in household["members"]]
    assert {member["hardship"]["value"] for member in members} == {True, False}
    assert any(isinstance(member["spouse"], dict) and "ref" in member["spouse"] for member in members)
    assert any(member["spouse"] == "无" for member in members)


def test_withheld_facts_are_left_out_in_each_way() -> None:
    found = drawn(testing.withheld(heating(), on=WINTER), 80)
    assert any("fuel" not in household for household in found)
    assert any("fuel" in household and household["fuel"] is None for household in found)
    assert any("没问到" in str(household) for household in found)
    assert any(isinstance(household["members"], dict) for household in found)


def test_histories_are_in_order() -> None:
    found = drawn(testing.histories(heating(), on=WINTER))
    days = [[payment["paid_on"] for payment in household["payments"]] for household in found]
    assert all(one == sorted(one) and 1 <= len(one) <= 4 for one in days)
    assert any(len(one) > 1 for one in days)


def test_households_that_reach_a_clause_are_granted() -> None:
    for household in drawn(testing.reaching(heating(), "困难户取暖", on=WINTER)):
        found = evaluate(household, heating(), on=WINTER)
        assert next(v.state for v in found.verdicts if v.clause == "vulnerable_household") in (
            "grants",
            "overridden",
        )


def test_thresholds_are_hit_on_both_sides() -> None:
    found = drawn(testing.around(heating(), "vulnerable_household", on=WINTER), 150)
    alone = [h["members"][0] for h in found if len(h["members"]) == 1]
    assert {"799.99", 800, "800.01"} <= {
        member["income"] for member in alone if not isinstance(member["income"], dict)
    }
    # 70 on 5 January 2022: born 5 January 1952, not yet if a day later
    assert {"1952-01-05", "1952-01-06"} <= {member["birth_date"] for h in found for member in h["members"]}


def test_a_clause_nobody_can_reach_is_told_apart() -> None:
    never = broken("并且 并非 今冬已领", "并且 今冬已领 并且 并非 今冬已领")
    assert testing.reached(never)["vulnerable_household"] is None
    with pytest.raises(testing.Unreached, match="困难户取暖"):
        testing.day_of(never, "vulnerable_household")
    result = unittest.TestResult()
    testing.no_eligible_missed(never, examples=2)("test_vulnerable_household").run(result)
    assert len(result.skipped) == 1


def test_every_clause_of_the_bundled_policies_is_reached() -> None:
    found = testing.reached(bundled())
    assert [name for name, draft in found.items() if draft is None] == []
    assert len(found) == sum(len(versions) for versions in bundled().program.clauses.values())


# ---- shrinking, and what a clerk is shown ----------------------------------------------------------------------------


def test_the_smallest_household_is_small() -> None:
    """The definition lost its 或者: a severely disabled person is missed, and one such person shows it."""
    rules = broken("不低于 70 周岁 或者 重度残疾", "不低于 70 周岁")

    def missed(household: dict[str, Any]) -> bool:
        members = household["members"]
        poor = sum(float(member["income"]) for member in members) <= 800 * len(members)
        free = poor and not household["district_heating"] and not household["payments"]
        disabled = any(member["severely_disabled"] for member in members)
        return (
            free
            and disabled
            and evaluate(household, rules, on=WINTER).decision("heating_aid").outcome != "granted"
        )

    smallest = find(testing.households(rules, on=WINTER), missed, settings=settings(few, max_examples=400))
    assert smallest == {
        "members": [{"birth_date": "2022-01-05", "severely_disabled": True, "income": 0}],
        "payments": [],
        "fuel": "coal",
        "district_heating": False,
    }


def test_a_property_that_fails_is_shown_as_a_table() -> None:
    rules = broken("不低于 70 周岁 或者 重度残疾", "不低于 70 周岁")
    name = "test_severely_disabled_are_warm"
    assert not failures(testing.laws(heating(), examples=10), name)
    message = failures(testing.laws(rules, examples=10), name)[name]
    table = message.split("AssertionError: ")[-1].split("Failing test case")[0]
    assert table.rstrip() == (
        "性质不成立\n"
        "    全户  取暖补助  未涉及\n"
        "    日期  2022-01-05\n"
        "    成员1  重度残疾  是\n"
        "    成员1  月收入  0.00 元/月\n"
        "    没有列出的：是、否的填否，可以没有的填无，列表为空；这几条不问的不列\n"
        "    性质  重残户取暖有着落  办法 第二条 「年满七十周岁的老年人或者重度残疾人」"
    )


RISING = """语言 1
政策 随增 (rising)
文本 文 (doc) 未收录
实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 4 个
实体 人 (person) 计 人
事实 人.收入 (income)：金额 元/月
    范围：0 元/月 至 1000 元/月
待遇 补助 (aid) 对每个 户
条款 条 (clause)
    依据：文 第一条
    对每个 户
    条件：(求和 成员 取 收入) 低于 500 元/月
    给予：补助，每月 {amount}
性质 收入多补得不多 (falls) 2020-01-01 起
    对每个 户
    设：是
    则：随 人.收入 增 则 应发金额 补助 不增
"""


def test_an_amount_that_rises_with_income_is_found() -> None:
    good = load_text(RISING.format(amount="500 元/月 - (求和 成员 取 收入)"))
    bad = load_text(RISING.format(amount="100 元/月 + (求和 成员 取 收入)"))
    assert not failures(testing.laws(good, examples=10), "test_falls")
    message = failures(testing.laws(bad, examples=10), "test_falls")["test_falls"]
    assert "金额动错了方向" in message and "成员2" not in message


# ---- nobody is missed ------------------------------------------------------------------------------------------------

#: the first measure is lost to the second, and the second to a third that the first could be drawn with
KNOT = """语言 1
政策 结 (knot)
文本 文 (doc) 未收录
实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 4 个
实体 人 (person) 计 人
事实 户.困难 (hardship)：是否
待遇 甲项 (first) 对每个 户
待遇 乙项 (second) 对每个 户
待遇 丙项 (third) 对每个 户
条款 甲条 (clause_first)
    依据：文 第一条
    对每个 户
    适用范围：困难
    给予：甲项，每月 100 元/月
条款 乙条 (clause_second)
    依据：文 第二条
    对每个 户
    适用范围：困难
    给予：乙项，每月 200 元/月
条款 丙条 (clause_third)
    依据：文 第三条
    对每个 户
    适用范围：困难
    给予：丙项，每月 50 元/月
互斥 取高 (higher)：甲项、乙项 取高
"""


def test_a_measure_lost_to_one_that_is_itself_lost_misses_somebody() -> None:
    assert not failures(testing.no_eligible_missed(load_text(KNOT), examples=5))
    knot = load_text(KNOT + "互斥 先丙 (ordered)：丙项、乙项 按顺序\n")
    found = failures(testing.no_eligible_missed(knot, examples=5))
    assert found.keys() == {"test_clause_first"}
    assert "符合条款，却没有得到" in found["test_clause_first"] and "被替代" in found["test_clause_first"]


@pytest.mark.parametrize("clause", ["prompt_inclusion", "phase_out"])
def test_nobody_is_missed_by_the_bundled_clauses(clause: str) -> None:
    case = testing.no_eligible_missed(bundled(), examples=2)
    assert not failures(case, f"test_{clause}")


@pytest.mark.large
def test_nobody_is_missed_by_any_bundled_clause() -> None:
    assert not failures(testing.no_eligible_missed(bundled(), examples=5))


@pytest.mark.large
def test_the_bundled_policies_obey_the_laws() -> None:
    assert not failures(testing.laws(bundled(), examples=2))


# ---- an outside project ------------------------------------------------------------------------------------------------


def outside(*args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, env=env, **more)


def test_a_project_adds_the_tests_in_three_lines() -> None:
    lines = (PROJECT / "tests" / "test_rules.py").read_text("utf-8").split("\n")
    assert len([line for line in lines if line]) == 3
    run = outside(
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        ".",
        "-q",
        "tests",
        cwd=PROJECT,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "9 passed" in run.stdout


def test_without_hypothesis_the_extra_is_named() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; from policykit import testing"
    run = outside("-c", code)
    assert run.returncode == 1
    assert "缺少 hypothesis，请安装：pip install 'policykit[testing]'" in run.stderr
