"""`policykit test`: cases run, what they exercise, cases proposed at thresholds. Every figure is worked out by hand."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from policykit import loader
from policykit.app import boundaries as at_the_terminal
from policykit.app.cli import app
from policykit.casework.boundaries import Writer, proposals
from policykit.casework.exercised import exercised
from policykit.casework.trials import Verdict, because, run
from policykit.diagnostics import PolicyError

RULES = """语言 1
文本 办法 (law) 未收录

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 10 个

实体 人 (person) 计 人
    引用 义务人 (obligors)：人 若干
    记录 收入项 (incomes)：收入项

实体 收入项 (income)

选项 残疾等级 (grade)：一级 (first)、二级 (second)、三级 (third)、四级 (fourth)

事实 户.困难户 (poor)：是否

事实 户.月收入 (income)：金额 元/月
    范围：0 元/月 至 100000 元/月

事实 人.出生日期 (born)：日期
    范围：1900-01-01 至 今日

事实 人.残疾等级 (grade)：选项 残疾等级 或 无

事实 人.患重病 (ill)：是否
    须凭据：「诊断证明」

事实 人.服刑 (in_prison)：是否

事实 人.探视日 (visited)：日期 或 无

事实 收入项.年金额 (yearly)：金额 元/年
    范围：0 元/年 至 100000 元/年

参数 标准 (line)：金额 元/月 = 500 元/月
    范围：0 元/月 至 10000 元/月

待遇 补助 (aid) 对每个 户

待遇 护理 (care) 对每个 人

待遇 津贴 (allowance) 对每个 人

行为 探视 (visit)

行为 收费 (charge)

条款 发补助 (grant_aid) 2020-01-01 起
    依据：办法 第一条
    对每个 户
    适用范围：困难户
    条件：月收入 低于 标准
    给予：补助，每月 标准 - 月收入

条款 发护理 (grant_care)
    依据：办法 第二条
    对每个 人
    条件：残疾等级 属于 {一级、二级} 或者 患重病
    给予：护理，每月 100 元/月

条款 服刑不发 (not_in_prison)
    依据：办法 第三条
    对每个 人
    条件：服刑
    不给予：护理

条款 可发津贴 (may_allow)
    依据：办法 第四条
    对每个 人
    适用范围：周岁(出生日期, 今日) 不低于 60 周岁
    可给予：津贴，每月 200 元/月，自 2020-07，为期 月数
    裁量：月数 (months_chosen) 1 至 12 个月，由 「镇」

互斥 护理或津贴 (care_or_allowance)：护理、津贴 由 本人 选择
    依据：办法 第五条

条款 要探视 (must_visit)
    依据：办法 第六条
    对每个 人
    适用范围：患重病
    应当：探视，完成 有 探视日，期限 2020-06-30，由 「村」

条款 服刑不探视 (no_visit_in_prison)
    依据：办法 第六条
    对每个 人
    适用范围：服刑
    不得：探视

条款 不得收费 (no_charge)
    依据：办法 第七条
    对每个 人
    适用范围：患重病
    不得：收费

条款 列名单 (list_them)
    依据：办法 第八条
    对每个 人
    条件：求和 收入项 取 年金额 超过 1200 元/年
    列入：有收入名单

条款 义务人服刑 (obligor_in_prison)
    依据：办法 第九条
    对每个 人
    条件：任一 义务人 满足 服刑
    发现：义务人服刑

提示 问问 对每个 人 (ask)
    条件：患重病
    内容：「问问」
"""


def policies(cases: str, rules: str = RULES) -> loader.Policies:
    return loader.load_text(rules, f"语言 1\n\n{cases}")


def verdicts(cases: str) -> list[Verdict]:
    return list(run(policies(cases)))


def missed(cases: str) -> list[str]:
    """What every expectation that was not met got, and nothing may be unreadable."""
    found = verdicts(cases)
    assert not [error for verdict in found for error in verdict.errors]
    return [miss.got for verdict in found for miss in verdict.misses]


BELOW = """案例 线下 (below)
    评价日：2020-06-10
    已知：困难户 = 是、月收入 = 499.99 元/月
    期望：补助 给予，每月 0.01 元/月，由 发补助
"""

PERSON = """案例 病人 (ill_person)
    评价日：2020-06-10
    已知 成员[1]：患重病 = 是 凭「诊断证明」、服刑 = 否、残疾等级 = 无、出生日期 = 1990-01-01、探视日 = 无
"""


def test_a_case_passes() -> None:
    # 500.00 − 499.99 = 0.01
    (verdict,) = verdicts(BELOW)
    assert verdict.passed
    assert verdict.name == "线下"


def test_a_failure_says_what_was_wanted_what_came_and_why() -> None:
    cases = (
        BELOW
        + "案例 线上 (at)\n    承：线下\n    已知：月收入 = 500 元/月\n    期望：补助 给予，每月 0.01 元/月\n"
    )
    held = policies(cases)
    first, second = run(held)
    assert first.passed
    (miss,) = second.misses
    assert miss.wanted == "给予，每月 0.01 元"
    assert miss.got == "不符合，由 发补助"
    why = "\n".join(because(held, second, miss.expected, "zh"))
    assert "不低于标准" in why
    assert "发补助" in why
    assert "所用事实" not in why


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("补助 给予，每月 0.02 元/月", "给予，每月 0.01 元，由 发补助"),
        ("补助 给予，一次 0.01 元", "给予，每月 0.01 元，由 发补助"),
        ("补助 给予，由 发护理", "给予，每月 0.01 元，由 发补助"),
        ("补助 给予，自 2020-07", "给予，每月 0.01 元，由 发补助"),
        ("补助 给予，由 「镇」", "给予，每月 0.01 元，由 发补助"),
    ],
)
def test_every_part_of_an_expectation_counts(wanted: str, got: str) -> None:
    assert missed(BELOW.replace("补助 给予，每月 0.01 元/月，由 发补助", wanted)) == [got]


def test_each_row_of_a_table_is_a_trial() -> None:
    found = verdicts(
        """案例 等级 (grades)
    评价日：2020-06-10
    已知 成员[1]：患重病 = 否、服刑 = 否、出生日期 = 1990-01-01
    列：成员[1].残疾等级
    行：二级 → 成员[1] 护理 给予，每月 100.00 元/月
    行：三级 → 成员[1] 护理 给予
    行：无 → 成员[1] 护理 不符合，由 发护理 → 成员[1] 津贴 未涉及
"""
    )
    assert [(v.name, v.passed) for v in found] == [
        ("等级 行1", True),
        ("等级 行2", False),
        ("等级 行3", True),
    ]


def test_a_case_starts_from_another() -> None:
    """Its day, facts and rulings, not its expectations."""
    cases = (
        PERSON
        + "案例 服刑 (in_jail)\n    承：病人\n    已知：成员[1].服刑 = 是\n    期望：成员[1] 护理 排除，由 服刑不发\n"
    )
    base, other = verdicts(cases)
    assert base.passed
    assert not base.trial.expected
    assert other.passed


def test_the_rest_is_none_only_where_the_case_says_so() -> None:
    case = """案例 其余 (rest)
    评价日：2020-06-10
    已知 成员[1]：出生日期 = 1990-01-01
    期望：成员[1] 护理 待定，缺 患重病
"""
    assert missed(case) == []
    filled = case.replace("    期望：", "    其余为无\n    期望：").replace("待定，缺 患重病", "不符合")
    assert missed(filled) == []


def test_a_parameter_is_set_for_one_case() -> None:
    # 600.00 − 499.99 = 100.01
    cases = (
        BELOW
        + "案例 提标 (raised)\n    承：线下\n    设定：标准 = 600 元/月\n    期望：补助 给予，每月 100.01 元/月\n"
    )
    assert missed(cases) == []


OLD = """案例 老人 (old_person)
    评价日：2020-06-10
    已知 成员[1]：患重病 = 是 凭「诊断证明」、服刑 = 否、残疾等级 = 无、出生日期 = 1960-06-10、探视日 = 无
"""


@pytest.mark.parametrize(
    ("rulings", "expected"),
    [
        ([], ["津贴 可裁量", "护理 给予"]),
        (["可发津贴，2020-06-09，月数 = 3 个月"], ["津贴 给予，每月 200.00 元/月，自 2020-07，为期 3 个月"]),
        (["可发津贴，2020-06-09，不给予"], ["津贴 不符合"]),
        (["可发津贴，2020-06-11，月数 = 3 个月"], ["津贴 可裁量"]),
        (
            ["可发津贴，2020-06-09，月数 = 3 个月", "护理或津贴，2020-06-10，津贴"],
            ["津贴 给予，由 可发津贴", "护理 被替代"],
        ),
    ],
)
def test_rulings_and_choices(rulings: list[str], expected: list[str]) -> None:
    lines = [f"    裁定：成员[1] {ruling}\n" for ruling in rulings]
    lines += [f"    期望：成员[1] {one}\n" for one in expected]
    assert missed(OLD + "".join(lines)) == []


def test_a_record_is_named_by_where_it_stands() -> None:
    case = """案例 义务人 (obligors_case)
    评价日：2020-06-10
    已知：成员[2].服刑 = 是、成员[1].义务人[1] = 成员[2]、成员[2].义务人 = 无
    期望：成员[1] 义务人服刑 适用
    期望：成员[2] 义务人服刑 未满足
"""
    assert missed(case) == []


def test_what_is_unknown_is_not_no() -> None:
    case = """案例 不知 (not_known)
    评价日：2020-06-10
    已知：困难户 = 是、月收入 = 未知
    期望：补助 待定，缺 月收入
"""
    assert missed(case) == []
    assert missed(case.replace("，缺 月收入", "，缺 困难户")) == [
        "待定，每月 0.00 至 500.00 元，由 发补助，缺 月收入"
    ]


@pytest.mark.parametrize(("yearly", "more", "state"), [
    ("1200.01", "", "适用"), ("1200", "", "未满足"), ("1200", "、成员[1].收入项 = 未知", "不明"),
    ("1200.01", "、成员[1].收入项 = 未知", "适用"),
])  # fmt: skip
def test_a_list_may_hold_more(yearly: str, more: str, state: str) -> None:
    case = f"""案例 收入 (incomes_case)
    评价日：2020-06-10
    已知：成员[1].收入项[1].年金额 = {yearly} 元/年{more}
    期望：成员[1] 列名单 {state}
"""
    assert missed(case) == []


def test_labels_given_before_may_become_unknown() -> None:
    rules = (
        RULES
        + """
选项 情形 (circumstance)：病 (sick)、残 (disabled)

事实 人.情形 (circumstances)：多选 情形

条款 有病 (is_sick)
    依据：办法 第九条
    对每个 人
    条件：情形 含 病
    列入：病人名单
"""
    )
    case = """案例 情形 (base)
    评价日：2020-06-10
    已知 成员[1]：情形 = {病}

案例 情形未知 (unknown)
    承：情形
    已知 成员[1]：情形 = 未知
    期望：成员[1] 有病 不明

案例 情形不同 (other)
    承：情形
    已知 成员[1]：情形 = {残}
    期望：成员[1] 有病 适用
"""
    found = list(run(policies(case, rules)))
    assert [(v.passed, [m.got for m in v.misses]) for v in found] == [
        (True, []),
        (True, []),
        (False, ["未满足"]),
    ]


@pytest.mark.parametrize(
    ("day", "visited", "jailed", "state"),
    [
        ("2020-06-30", "无", "否", "未办，期限 2020-06-30"),
        ("2020-06-30", "2020-06-01", "否", "已办"),
        ("2020-07-01", "无", "否", "逾期"),
        ("2020-07-01", "未知", "否", "不明"),
        ("2020-07-01", "无", "是", "受禁"),
    ],
)
def test_the_states_of_a_duty(day: str, visited: str, jailed: str, state: str) -> None:
    case = f"""案例 探视 (visiting)
    评价日：{day}
    已知 成员[1]：患重病 = 是 凭「诊断证明」、服刑 = {jailed}、探视日 = {visited}
    期望：成员[1] 要探视 {state}
"""
    assert missed(case) == []
    (got,) = missed(case.replace(state, "未涉及"))
    assert got.startswith(state.split("，")[0])


def test_who_decides_and_who_does_a_duty() -> None:
    """津贴 is left to 镇; 探视 is the duty of 村, due on a day; a text in quotes is no clause."""
    case = """案例 由谁 (who)
    评价日：2020-06-10
    已知 成员[1]：患重病 = 是 凭「诊断证明」、服刑 = 否、探视日 = 无、出生日期 = 1950-01-01
    期望：成员[1] 津贴 可裁量，由 可发津贴、「镇」
    期望：成员[1] 要探视 未办，期限 2020-06-30，由 「村」
    期望：成员[1] 津贴 可裁量，由 「县」
    期望：成员[1] 要探视 未办，由 「镇」
    期望：成员[1] 要探视 未办，期限 未规定
    期望：成员[1] 不得收费 适用，由 「村」
"""
    assert missed(case) == [
        "可裁量，每月 200.00 元，自 2020-07，由 可发津贴，由 「镇」",
        "由 「村」",
        "未办，期限 2020-06-30",
        "没有由谁办这一说",
    ]
    undated = policies(
        case.replace("期限 2020-06-30", "期限 未规定"), RULES.replace("期限 2020-06-30", "期限 未规定")
    )
    (verdict,) = run(undated)
    assert [miss.wanted for miss in verdict.misses] == [
        "可裁量，由 「县」",
        "未办，由 「镇」",
        "适用，由 「村」",
    ]


def test_bans_and_notes() -> None:
    wanted = "    期望：成员[1] 不得收费 适用\n    期望：成员[1] 问问 出现\n"
    assert missed(PERSON + wanted) == []
    well = PERSON.replace("患重病 = 是 凭「诊断证明」", "患重病 = 否")
    assert missed(well + wanted) == ["未涉及", "不出现"]
    unknown = PERSON.replace("患重病 = 是 凭「诊断证明」", "患重病 = 未知")
    assert missed(unknown + "    期望：成员[1] 不得收费 不明\n    期望：成员[1] 问问 不出现\n") == []


@pytest.mark.parametrize("wanted", ["护理 未涉及", "不得收费 未涉及", "问问 不出现"])
def test_what_is_asked_of_a_person_says_nothing_of_the_household(wanted: str) -> None:
    assert missed(PERSON + f"    期望：{wanted}\n") == ["问的不是这一种记录"]


def test_a_fact_of_several_labels_is_unknown_in_a_row() -> None:
    rules = RULES.replace(
        "待遇 补助",
        """选项 情形 (ground)：服刑中 (serving)、失踪 (gone)

事实 人.情形 (grounds)：多选 情形

条款 列情形 (list_ground)
    依据：办法 第九条
    对每个 人
    条件：情形 含 失踪
    发现：失踪了

待遇 补助""",
        1,
    )
    case = """案例 情形 (grounds_case)
    评价日：2020-06-10
    已知 成员[1]：情形 = {服刑中}
    列：成员[1].情形
    行：{失踪} → 成员[1] 列情形 适用
    行：{服刑中} → 成员[1] 列情形 未满足
    行：未知 → 成员[1] 列情形 待定
    行：{失踪} → 成员[1] 列情形 未满足
    行：{服刑中} → 成员[1] 列情形 适用
"""
    found = list(run(policies(case, rules)))
    assert not [error for verdict in found for error in verdict.errors]
    assert [[miss.got for miss in verdict.misses] for verdict in found] == [[], [], [], ["适用"], ["未满足"]]


def test_a_person_nobody_described_is_a_failure() -> None:
    assert missed(PERSON + "    期望：成员[2] 护理 给予\n") == ["没有这个人或户"]


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("月收入 =", "年收入 =", 5, "年收入"),
        ("补助 给予", "补贴 给予", 6, "补贴"),
        ("给予，每月", "发放，每月", 6, "发放"),
        ("由 发补助", "由 发补贴", 6, "发补贴"),
    ],
)
def test_a_name_that_nothing_bears_is_told_on_reading(old: str, new: str, line: int, word: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policies(BELOW.replace(old, new))
    (found,) = caught.value.diagnostics
    assert found.code == "N001"
    assert found.span is not None
    assert found.span.line == line
    assert word in found.message("zh")


def test_an_unreadable_household_is_told_with_its_faults() -> None:
    (verdict,) = verdicts(BELOW.replace("499.99 元/月", "100000.01 元/月"))
    assert not verdict.passed
    assert not verdict.misses
    (error,) = [e for e in verdict.errors if e.severity == "error"]
    assert error.code == "R003"
    assert error.where == "income"


# ---- what cases exercise -------------------------------------------------------------------------------------------------

THREE = """语言 1
文本 办法 (law) 未收录

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 10 个

实体 人 (person) 计 人

事实 户.甲 (a)：是否

事实 户.乙 (b)：是否

事实 户.丙 (c)：是否

待遇 补助 (aid) 对每个 户

定义 困难 对每个 户 (poor) = 甲 或者 乙

条款 第一 (first_clause)
    依据：办法 第一条
    对每个 户
    适用范围：甲 或者 乙
    条件：困难 并且 丙
    给予：补助，每月 100 元/月

条款 第二 (second_clause)
    依据：办法 第二条
    对每个 户
    条件：丙
    给予：补助，每月 200 元/月
    优先于：第一

条款 第三 (third_clause)
    依据：办法 第三条
    对每个 户
    适用范围：甲
    发现：甲户
"""


def left(cases: str) -> set[tuple[str, str, str, frozenset[bool]]]:
    """What no case saw both ways: kind, owner, words or the other clause, and the ways that were seen."""
    held = policies(cases, THREE)
    text = held.sources[0].text
    return {
        (
            s.site.kind,
            s.site.owner,
            s.site.other or (text[s.site.span.start : s.site.span.end] if s.site.kind == "operand" else ""),
            s.ways,
        )
        for s in exercised(held).open
    }


def test_what_no_case_reaches_is_listed() -> None:
    """One household with 甲 and 丙, without 乙: both granting clauses apply, the second prevails."""
    no, yes, neither = frozenset([False]), frozenset([True]), frozenset[bool]()
    found = left(
        """案例 一户 (one)
    评价日：2020-06-10
    已知：甲 = 是、乙 = 否、丙 = 是
    期望：补助 给予，每月 200.00 元/月，由 第二
"""
    )
    assert found == {
        ("clause", "first_clause", "", no),
        ("scope", "first_clause", "", yes),
        ("operand", "first_clause", "甲", yes),
        ("operand", "first_clause", "乙", no),
        ("test", "first_clause", "", yes),
        ("operand", "first_clause", "困难", yes),
        ("operand", "first_clause", "丙", yes),
        ("exception", "first_clause", "second_clause", yes),
        ("operand", "poor", "甲", yes),
        ("operand", "poor", "乙", no),
        ("clause", "second_clause", "", yes),
        ("test", "second_clause", "", yes),
        ("clause", "third_clause", "", neither),
        ("scope", "third_clause", "", neither),
    }


def test_only_what_an_expectation_bears_on_counts() -> None:
    """The third clause is asked alone, so the others stay as if nothing had been tried."""
    found = left(
        """案例 一户 (one)
    评价日：2020-06-10
    列：甲、乙、丙
    行：是、否、是 → 第三 适用
    行：否、否、是 → 第三 未涉及
"""
    )
    assert {owner for _, owner, _, _ in found} == {"first_clause", "second_clause", "poor"}
    assert {ways for *_, ways in found} == {frozenset()}


def test_what_is_unknown_exercises_nothing() -> None:
    found = left("案例 一户 (one)\n    评价日：2020-06-10\n    已知：甲 = 未知\n    期望：第三 待定\n")
    assert ("scope", "third_clause", "", frozenset()) in found


# ---- thresholds -----------------------------------------------------------------------------------------------------------


def answers(cases: str) -> list[tuple[str, str]]:
    """Each proposal: what was moved where, and what came out, as a case says it."""
    held = policies(cases)
    writer = Writer(held.program)
    found = []
    for proposal in proposals(held):
        said = "；".join(writer.expected(answer) for answer in proposal.answers)
        found.append((writer.title(proposal).split("：", 1)[1], said))
    return found


def test_a_line_in_money_is_tried_a_fen_below_at_and_a_fen_above() -> None:
    case = BELOW.replace("499.99 元/月", "300 元/月").replace("0.01", "200.00")
    assert answers(case)[:3] == [
        ("月收入 = 499.99 元/月", "补助 给予，每月 0.01 元/月，由 发补助"),
        ("月收入 = 500 元/月", "补助 不符合，由 发补助"),
        ("月收入 = 500.01 元/月", "补助 不符合，由 发补助"),
    ]


def test_the_first_day_of_a_clause_is_tried() -> None:
    case = BELOW.replace("499.99 元/月", "300 元/月").replace("0.01", "200.00")
    assert answers(case)[3:] == [
        ("评价日 2019-12-31", "补助 未涉及"),
        ("评价日 2020-01-01", "补助 给予，每月 200.00 元/月，由 发补助"),
        ("评价日 2020-01-02", "补助 给予，每月 200.00 元/月，由 发补助"),
    ]


def test_one_case_alone_may_be_asked_for() -> None:
    held = policies(BELOW + OLD + "    期望：成员[1] 津贴 可裁量\n")
    assert {p.example.name.id for p in proposals(held)} == {"below", "old_person"}
    assert {p.example.name.id for p in proposals(held, "老人")} == {"old_person"}


def test_a_birthday_is_tried() -> None:
    # sixty on 2020-06-10: born on or before 1960-06-10
    case = OLD.replace("1960-06-10", "1950-01-01") + "    期望：成员[1] 津贴 可裁量\n"
    assert [(moved, said.split("，")[0]) for moved, said in answers(case)] == [
        ("成员[1].出生日期 = 1960-06-09", "成员[1] 津贴 可裁量"),
        ("成员[1].出生日期 = 1960-06-10", "成员[1] 津贴 可裁量"),
        ("成员[1].出生日期 = 1960-06-11", "成员[1] 津贴 未涉及"),
    ]


def test_a_line_behind_a_sum_is_found() -> None:
    # the list begins above 1,200.00: with 700.00 in the second entry, the first turns it at 500.00
    case = """案例 收入 (incomes_case)
    评价日：2020-06-10
    已知：成员[1].收入项[1].年金额 = 100 元/年、成员[1].收入项[2].年金额 = 700 元/年
    期望：成员[1] 列名单 未满足
"""
    first = [(moved, said) for moved, said in answers(case) if "收入项[1]" in moved]
    assert first == [
        ("成员[1].收入项[1].年金额 = 499.99 元/年", "成员[1] 列名单 未满足"),
        ("成员[1].收入项[1].年金额 = 500 元/年", "成员[1] 列名单 未满足"),
        ("成员[1].收入项[1].年金额 = 500.01 元/年", "成员[1] 列名单 适用"),
    ]


def test_the_day_a_duty_is_due_is_tried() -> None:
    found = answers(PERSON + "    期望：成员[1] 要探视 未办\n")
    assert found == [
        ("评价日 2020-06-29", "成员[1] 要探视 未办，期限 2020-06-30"),
        ("评价日 2020-06-30", "成员[1] 要探视 未办，期限 2020-06-30"),
        ("评价日 2020-07-01", "成员[1] 要探视 逾期，期限 2020-06-30"),
    ]


def test_every_proposal_reads_as_a_case_and_passes() -> None:
    """What is written is what was shown: beside the rules, each block comes out as it says."""
    cases = BELOW + "\n" + OLD + "    期望：成员[1] 津贴 可裁量\n    期望：成员[1] 要探视 未办\n"
    cases += """
案例 等级 (grades)
    评价日：2020-06-10
    已知 成员[1]：患重病 = 否、服刑 = 否、残疾等级 = 无
    列：成员[1].出生日期
    行：1990-01-01 → 成员[1] 津贴 未涉及
"""
    held = policies(cases)
    writer = Writer(held.program)
    blocks = [writer.block(proposal, number) for number, proposal in enumerate(proposals(held), start=1)]
    found = verdicts("\n".join([cases, *blocks]))
    assert len(found) == 3 + len(blocks)
    assert all(verdict.passed for verdict in found)


# ---- the command ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.rules").write_text(RULES, encoding="utf-8")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "aid.rules").write_text(f"语言 1\n\n{BELOW}", encoding="utf-8")
    return tmp_path


def test_the_command_runs_a_folder_and_its_cases(folder: Path) -> None:
    result = CliRunner().invoke(app, ["test", str(folder)])
    assert result.exit_code == 0, result.output
    assert result.output.endswith("案例 1 个，试算 1 次：通过 1，未通过 0\n")


def test_the_command_tells_failures_in_both_languages_and_for_machines(folder: Path) -> None:
    file = folder / "cases" / "aid.rules"
    file.write_text(file.read_text(encoding="utf-8").replace("0.01", "0.02"), encoding="utf-8")
    zh = CliRunner().invoke(app, ["test", str(folder)])
    assert zh.exit_code == 1
    assert "期望：给予，每月 0.02 元" in zh.output
    assert "得到：给予，每月 0.01 元" in zh.output
    assert "cases/aid.rules:6" in zh.output
    en = CliRunner().invoke(app, ["test", str(folder), "--lang", "en"])
    assert "expected: granted, monthly 0.02 yuan, by grant aid\n" in en.output
    assert "got:      granted, monthly 0.01 yuan, by grant aid\n" in en.output
    assert en.output.endswith("1 cases, 1 trials: 0 passed, 1 failed\n")
    data = json.loads(CliRunner().invoke(app, ["test", str(folder), "--format", "json"]).output)
    assert (data["passed"], data["failed"]) == (0, 1)
    suite = ElementTree.fromstring(CliRunner().invoke(app, ["test", str(folder), "--format", "junit"]).output)
    assert suite.attrib["failures"] == "1"
    assert suite.find("testcase/failure") is not None


def test_bad_input_is_two(folder: Path) -> None:
    file = folder / "cases" / "aid.rules"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("499.99", "100000.01"), encoding="utf-8")
    unreadable = CliRunner().invoke(app, ["test", str(folder)])
    assert unreadable.exit_code == 2
    assert "R003" in unreadable.output
    file.write_text(text.replace("月收入", "年收入"), encoding="utf-8")
    assert CliRunner().invoke(app, ["test", str(folder)]).exit_code == 2


def test_coverage_ends_with_the_clauses(folder: Path) -> None:
    output = CliRunner().invoke(app, ["test", str(folder), "--coverage"]).output
    assert "条款 9 条：成立与不成立都试到 0，未试到 9\n" in output
    assert "发补助  没有试到：不成立" in output


def test_what_is_out_of_reach_stands_with_its_reason(folder: Path) -> None:
    """A reason is shown beside what it speaks of; one that speaks of nothing is told."""
    (folder / "cases" / "unreachable.toml").write_text(
        '"要探视" = "没有这样的人"\n"没有的" = "写错了"\n', "utf-8"
    )
    output = CliRunner().invoke(app, ["test", str(folder), "--coverage"]).output
    untried, argued = output.split("试不到的（有理由）条款\n")
    assert "要探视  没有试到" not in untried.split("没有试全的适用范围")[0]
    assert argued.splitlines()[0].endswith("要探视  没有试到：成立、不成立")
    assert argued.splitlines()[1] == "      理由：没有这样的人"
    assert "unreachable.toml：「没有的」没有用处" in argued
    english = CliRunner().invoke(app, ["test", str(folder), "--coverage", "--lang", "en"]).output
    assert "unreachable.toml: “没有的” serves nothing" in english


def test_without_a_terminal_nothing_is_written(folder: Path) -> None:
    into = folder / "cases" / "edges.rules"
    result = CliRunner().invoke(app, ["test", str(folder), "--boundaries", "--into", str(into)], input="y\n")
    assert result.exit_code == 0, result.output
    assert "月收入 = 500 元/月" in result.output
    assert not into.exists()


def test_a_person_accepts_one_by_one_and_goes_on_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """500.00 accepted, 500.01 declined, then stopped; the next time the first day of the clause is asked."""
    monkeypatch.setattr(at_the_terminal, "at_terminal", lambda: True)
    into = folder / "cases" / "edges.rules"
    command = ["test", str(folder), "--boundaries", "--into", str(into)]
    assert CliRunner().invoke(app, command, input="y\nn\nq\n").exit_code == 0
    text = into.read_text(encoding="utf-8")
    assert "已知：月收入 = 500 元/月\n    期望：补助 不符合，由 发补助\n" in text
    assert "# 未收：线下：月收入 = 500.01 元/月" in text
    again = CliRunner().invoke(app, command, input="all\nq\n").output
    assert "500.0" not in again
    assert "2019-12-31" in again
    assert into.read_text(encoding="utf-8") == text
    assert CliRunner().invoke(app, ["test", str(folder)]).output.endswith("试算 2 次：通过 2，未通过 0\n")


# ---- the bundled policies ---------------------------------------------------------------------------------------------------


def test_every_bundled_case_passes() -> None:
    held, diagnostics = loader.examine(loader.bundled(), cases=True)
    assert held is not None, diagnostics
    assert [v.name for v in run(held) if not v.passed] == []
