"""Explanations: every sentence says what holds, names and sensitive facts can be hidden, the order never changes."""

import json
from datetime import date
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import policykit
from policykit import ir
from policykit.datatypes import DATE, MONTH, MONTHS, YEARS_OLD, Type, parse_unit
from policykit.engine.interpreter import evaluate
from policykit.explain import Explanation, Section, explain, to_data, to_html, to_text
from policykit.explain.phrases import Phrases
from policykit.loader import load_text
from policykit.records import read_case
from policykit.trace import Trace
from policykit.values import Month

ROOT = Path(__file__).parent.parent
ON = date(2020, 6, 10)

RULES = """语言 1
文本 通知 (notice) 未收录
    文号：「示范补助通知，示发〔2020〕1号」

选项 关系 (relation)：本人 (applicant)、配偶 (spouse)

选项 等级 (grade) 由重到轻：一级 (grade_1)、二级 (grade_2)、三级 (grade_3)

实体 户 (household) 计 户
    称呼：户主
    组成 成员 (members)：人 1 至 8 个

事实 户.户主 (head)：文字
    敏感

事实 户.财产符合 (property_ok)：是否
    问：「财产符合规定吗？」

实体 人 (person) 计 人
    称呼：姓名
    记录 收入项 (incomes)：收入项

事实 人.姓名 (name)：文字
    敏感

事实 人.关系 (relation)：选项 关系

事实 人.等级 (grade)：选项 等级 或 无
    问：「残疾几级？」
    敏感

实体 收入项 (income)

事实 收入项.年金额 (amount)：金额 元/年
    范围：0 元/年 至 1000000 元/年
    问：「一年多少元？」

参数 标准 (line)：金额 元/人·月
    范围：0 元/人·月 至 1000 元/人·月
    问：「标准是多少？」

待遇 补助 (aid) 对每个 户

定义 人口 对每个 户 (size)
    = 计数 成员

定义 月收入 对每个 户 (monthly_income)
    = (求和 成员 取 (求和 收入项 取 年金额)) ÷ 12 月/年

定义 人均 对每个 户 (per_head)
    口径：按人均
    = 月收入 ÷ 人口

口径 按人均 (by_head) A1
    采用：「按人均比较」
    不采用：「按总收入比较」

条款 补差 (top_up) 2020-01-01 起
    依据：通知 第一条
    对每个 户
    适用范围：任一 成员 满足 (等级 为 二级 以上)
    条件：人均 低于 标准 并且 财产符合
    给予：补助，每月 四舍五入到分(标准 × 人口 - 月收入)
    范围外：「没有重残成员的，可问县民政部门」
"""

SHEET = """语言 1
参数表 示例表 (sheet) 示例

设 标准 = 500 元/人·月
    文号：「示〔2020〕2号」
"""


def person(name: str, grade: object = "无", income: object = 0) -> dict[str, Any]:
    return {"姓名": name, "关系": "配偶", "等级": grade, "收入项": [{"年金额": income}]}


def household(*members: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"户主": "李示例", "财产符合": True, "成员": list(members), **facts}


POOR = household(person("李示例", "二级", 1000), person("王样本", "无", 3000), person("李样儿"))


@lru_cache
def program(sheet: bool) -> ir.Program:
    return load_text(*([RULES, SHEET] if sheet else [RULES])).program


def traced(given: dict[str, Any], sheet: bool = True) -> Trace:
    return evaluate(program(sheet), read_case(program(sheet), given, ON), ON)


def text(given: dict[str, Any], language: str = "zh", mask: bool = False, sheet: bool = True) -> str:
    return to_text(explain(traced(given, sheet), language, mask))


def only_section(explanation: Explanation) -> Section:
    (section,) = explanation.parts[0].sections
    return section


# ---- values


def money(unit: str) -> Type:
    return Type("number", dimension=parse_unit(unit)[0])


@pytest.mark.parametrize(
    ("value", "of", "zh", "en"),
    [
        (123456, money("元"), "1,234.56 元", "1,234.56 yuan"),
        (60000, money("元/人·月"), "600.00 元/人·月", "600.00 yuan/person·month"),
        (-5, money("元/月"), "-0.05 元/月", "-0.05 yuan/month"),
        (Fraction(89000, 3), money("元/人·月"), "296.67 元/人·月", "296.67 yuan/person·month"),
        (Fraction(1, 5), Type("number"), "20%", "20%"),
        (1, MONTHS, "1 个月", "1 month"),
        (12, MONTHS, "12 个月", "12 months"),
        (45, YEARS_OLD, "45 周岁", "45 years old"),
        (date(2020, 6, 10), DATE, "2020年6月10日", "2020-06-10"),
        (Month(2020, 7), MONTH, "2020年7月", "2020-07"),
        ("grade_2", Type("choice", "grade"), "二级", "grade 2"),
        (True, Type("bool"), "是", "yes"),
        (None, Type("choice", "grade", optional=True), "无", "none"),
    ],
)
def test_values_in_words(value: object, of: Type, zh: str, en: str) -> None:
    found = traced(POOR)
    assert Phrases(found.program, "zh").plain(value, of) == zh
    assert Phrases(found.program, "en").plain(value, of) == en


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (60000, 180000, "600.00–1,800.00 元"),
        (5000, None, "至少 50.00 元"),
        (-100, 55000, "至多 550.00 元"),
        (0, None, "未知"),
        (None, None, "未知"),
    ],
)
def test_ranges_in_words(low: int | None, high: int | None, words: str) -> None:
    assert Phrases(traced(POOR).program, "zh").range(low, high, money("元")) == words


def test_conditions_in_words() -> None:
    (clause,) = program(True).clauses["top_up"]
    assert clause.scope is not None and clause.test is not None
    zh, en = (Phrases(traced(POOR).program, language) for language in ("zh", "en"))
    assert zh.term(clause.scope) == "有符合等级属于一级、二级的成员"
    assert zh.term(clause.test) == "人均低于标准，并且财产符合"
    assert en.term(clause.test) == "per head is below line and property ok"


# ---- what decided


def test_a_grant_says_why_and_how_much() -> None:
    said = text(POOR)
    assert "补助 · 全户（李示例）：给予，每月 1,166.67 元" in said
    assert "人均 ≈ 111.11 元/人·月，低于标准 500.00 元/人·月" in said
    assert (
        "月收入 = (李示例 1,000.00 元/年 + 王样本 3,000.00 元/年 + 李样儿 0.00 元/年) ÷ 12 月/年"
        " ≈ 333.33 元/月（显示值，计算用精确值）" in said
    )
    assert "《示范补助通知》 示发〔2020〕1号 第一条（文本未收录，未经核对）" in said
    assert "标准：500.00 元/人·月（文号：示〔2020〕2号）" in said
    assert "A1 按人均：按人均比较" in said and "不采用：按总收入比较" in said


def test_a_refusal_names_what_failed_and_what_was_met() -> None:
    said = text(household(person("李示例", "一级", 90000)))
    assert "不符合补助条件" in said
    failed = said[said.index("【不满足的条件】") : said.index("【已经满足的】")]
    assert "人均 7,500.00 元/人·月，不低于标准 500.00 元/人·月" in failed
    assert "财产符合" not in failed
    assert "财产符合：是" in said[said.index("【已经满足的】") :]
    assert "行政复议" not in said  # no text that gives that right is held


def test_an_open_answer_asks_and_keeps_what_is_clear() -> None:
    said = text(household(person("李示例", "一级", 1000), 财产符合={"unknown": "核对未完成"}))
    assert "补助 · 全户（李示例）：尚不能确定，请先核实：全户（李示例）的财产符合" in said
    assert (
        "人均 ≈ 83.33 元/人·月，低于标准" in said[said.index("【已经清楚的】") : said.index("【还不清楚的】")]
    )
    assert "财产符合：财产符合规定吗？（核对未完成）" in said[said.index("【需要核实】") :]
    assert "给予，每月 416.67 元" in said[said.index("【可能的结果】") :]


def test_a_parameter_nobody_set_is_asked_for() -> None:
    said = text(POOR, sheet=False)
    assert "示例参数" not in said
    assert "标准：标准是多少？（参数还没有设定）" in said
    assert "1,000.00 元/人·月" not in said  # a declared limit is no information


def test_an_unknown_figure_has_only_the_ends_that_follow_from_what_was_given() -> None:
    given = household(person("李示例", "一级", {"unknown": "未交证明"}), person("王样本", "无", 2400))
    assert "人均 至少 100.00 元/人·月，是否低于标准 500.00 元/人·月：尚不清楚" in text(given)


def test_who_is_not_spoken_of_is_not_refused() -> None:
    said = text(household(person("李示例"), person("王样本")))
    assert "不符合" not in said
    assert "补助：全户（李示例）" in said[said.index("═══ 未涉及 ═══") :]
    assert "没有重残成员的，可问县民政部门" in said


# ---- the document


def test_the_order_is_always_the_same() -> None:
    section = only_section(explain(traced(POOR), "zh"))
    kinds = [block.kind for block in section.blocks]
    assert kinds == ["clauses", "reasons", "facts", "arithmetic", "readings"]
    assert section.conclusion == "给予，每月 1,166.67 元"


def test_example_figures_are_announced_first() -> None:
    assert text(POOR).startswith("示例参数：本说明用到参数表“示例表”")
    assert text(POOR, "en").startswith("Example parameters:")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_mask_hides_names_and_sensitive_facts(language: str) -> None:
    given = household(
        person("李示例", {"value": "二级", "source": "李示例的残疾人证 341324199001010011"}, 1000)
    )
    said = text(given, language, mask=True)
    assert "李示例" not in said and "二级" not in said and "grade 2" not in said
    assert "3413241990" not in said and "0011" in said
    assert "李＊" in said


def test_masked_persons_can_still_be_told_apart() -> None:
    said = text(POOR, mask=True)
    assert "李＊（成员1）" in said and "李＊（成员3）" in said


def test_persons_without_a_name_are_numbered() -> None:
    member = {**person("李示例", "二级", 1000)}
    del member["姓名"]
    assert "成员1（配偶）" in text(household(member))
    assert "member 1 (spouse)" in text(household(member), "en")


def test_the_same_trace_gives_the_same_bytes() -> None:
    for write in (to_text, to_html, lambda e: json.dumps(to_data(e))):
        assert write(explain(traced(POOR), "zh")) == write(explain(traced(POOR), "zh"))


def test_the_data_is_plain_and_holds_what_the_text_says() -> None:
    data = json.loads(json.dumps(to_data(explain(traced(POOR), "zh"))))
    assert data["parts"][0]["sections"][0]["conclusion"] == "给予，每月 1,166.67 元"
    assert data["summary"]["lines"][0]["head"] == "补助 · 全户（李示例）"


def test_the_page_stands_alone_and_escapes_what_people_write() -> None:
    given = household(person("<b>李</b>", {"value": "二级", "source": "<script>"}, 1000))
    page = to_html(explain(traced(given), "zh"))
    assert "<script" not in page and "<b>" not in page and "&lt;script&gt;" in page
    assert "http" not in page and "src=" not in page
    assert page.count("<details open") == page.count("</details>") > 0


# ---- the real rules


@lru_cache
def example(name: str, language: policykit.diagnostics.Language = "zh", mask: bool = False) -> str:
    result = policykit.evaluate(
        ROOT / "examples" / f"{name}.json", on=ON, parameters=ROOT / "policies" / "parameters" / "ps1.rules"
    )
    return result.explain(language, mask)


def test_whole_household() -> None:
    said = example("c01-whole-household")
    assert "低保 · 全户（张示例）：给予，每月 910.00 元，2020年7月起" in said
    assert (
        "二(二)一 「及时把未脱贫建档立卡贫困人口、脱贫后返贫人口、新增贫困人口中符合低保政策的人员全部纳入农村低保范围」"
        in said
    )
    assert "× 20% = 1,920.00 元/年" in said
    assert "≈ 296.67 元/人·月（显示值，计算用精确值）" in said
    assert "1,800.00 元/月 − 890.00 元/月 = 910.00 元/月" in said
    assert "policies/dibao.rules:" in said


def test_the_household_is_looked_at_before_the_person() -> None:
    said = example("c03-single-person")
    single = said[said.rindex("给予，每月 500.00 元") :]
    single = single[single.index("【例外和先后】") : single.index("【计算】")]
    assert single.index("（全户）：先看：条件不满足") < single.index(
        "人均月收入 780.00 元/人·月，不低于农村低保标准 600.00 元/人·月"
    )


def test_a_refusal_ends_with_the_rights_of_the_household() -> None:
    said = example("c03-single-person")
    assert "第六十五条 「申请或者已获得社会救助的家庭或者人员" in said


def test_two_measures_are_never_added() -> None:
    said = example("c10-phase-out-and-exit")
    assert "合计 4,680.00 元，2021年7月起不再发" in said
    assert "与退出低保金只能选一样，两项不相加" in said
    assert "由审批机关决定：1 至 3 个月，390.00 元至 1,170.00 元" in said


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["c14-daughter-unknown", "c18-ban-before-persuasion", "facts-missing"])
def test_no_machine_words_reach_the_reader(name: str, language: policykit.diagnostics.Language) -> None:
    for mask in (False, True):
        said = example(name, language, mask)
        for word in ("members[", "household.", "Bounds", "None", "Kleene", "verdict"):
            assert word not in said


def test_a_clause_that_is_not_in_force_is_not_weighed() -> None:
    """特困延续 begins on 2021-07-01; 就业渐退 goes by the day of the review, 2020-06-05."""
    assert "特困延续" not in example("c14-daughter-unknown")
    assert "因为渐退复核的决定日期是2020年6月5日，那时这一条还没有施行" in example("c10-phase-out-and-exit")
    assert "it was not yet in force on 2020-06-05" in example("c10-phase-out-and-exit", "en")


def test_what_is_done_is_not_among_the_conclusions() -> None:
    """The survey of the household has been made: it stands among the duties, and not at the head."""
    summary, rest = example("c01-whole-household").split("═══", 1)
    assert "入户调查" not in summary
    assert "入户调查 · 全户（张示例）\n  已经办了" in rest
    assert "数据信息比对 · 全户（张示例）：要办，还没有办" in summary


def test_yes_and_no_are_not_compared_in_words() -> None:
    held = load_text(RULES.replace("并且 财产符合", "并且 财产符合 为 是"), SHEET).program
    said = to_text(explain(evaluate(held, read_case(held, {**POOR, "财产符合": False}, ON), ON), "zh"))
    assert "财产符合：否" in said
    assert "不是是" not in said
