"""The checker: every fault of a whole program is found, and its harmless neighbour is let through."""

import pytest

from policykit import loader
from policykit.checker import check
from policykit.diagnostics import Diagnostic
from policykit.source import Source, Span

WORDS = """语言 1
文本 办法 (law) 未收录

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 10 个

实体 人 (person) 计 人
    记录 收入项 (incomes)：收入项
    记录 复核 (reviews)：复核

实体 收入项 (income)

实体 复核 (review)

选项 户属性 (status)：一般户 (ordinary)、困难户 (poor)、重点户 (marked)

事实 户.户属性 (status)：选项 户属性

事实 户.人均收入 (income_per_head)：金额 元/月

事实 户.迁入日 (moved_in)：日期 或 无

事实 人.年龄 (age)：数 岁

事实 人.月收入 (income)：金额 元/月

事实 人.欠款 (debt)：金额 元/月 或 无

事实 人.残疾 (disabled)：是否

事实 人.患病 (ill)：是否

事实 收入项.年金额 (yearly)：金额 元/年
    范围：0 元/年 至 10000000 元/年

事实 复核.日期 (reviewed_on)：日期

选项 程度 (degree)：轻度 (slight)、重度 (grave)

事实 复核.程度 (degree)：选项 程度

参数 标准 (line)：金额 元/月
    范围：0 元/月 至 10000 元/月

待遇 补助 (aid) 对每个 户、人

待遇 津贴 (allowance) 对每个 人
"""


def diagnose(rules: str) -> list[Diagnostic]:
    """What every pass finds in some rules that use the words above."""
    return loader.compile_all([Source("rules.rules", f"{WORDS}\n{rules}")], ())[1]


def codes(rules: str) -> list[str]:
    return [diagnostic.code for diagnostic in diagnose(rules)]


def field(diagnostic: Diagnostic, name: str) -> str:
    return dict(diagnostic.fields)[name]


def clause(name: str, *lines: str, entity: str = "人", period: str = "") -> str:
    """The text of a clause; the name is its identifier too."""
    return (
        "\n    ".join([f"条款 {name} ({name}) {period}", "依据：办法", f"对每个 {entity}", *lines]) + "\n\n"
    )


def aid(name: str, *lines: str, entity: str = "人", amount: str = "标准", period: str = "") -> str:
    """The text of a clause that grants 补助, with an amount of its own."""
    return clause(name, *lines, f"给予：补助，每月 {amount}", entity=entity, period=period)


def amount(
    name: str, formula: str, *lines: str, measure: str = "补助", entity: str = "人", period: str = ""
) -> str:
    """The text of an amount rule."""
    head = f"金额 {name} 对每个 {entity} ({name}) {period}"
    return "\n    ".join([head, f"给予：{measure}", f"每月：{formula}", *lines]) + "\n\n"


# ---- C001: circles of references


def test_two_grants_that_wait_for_each_other_are_a_circle() -> None:
    rules = amount("a1", "标准") + amount("a2", "标准", measure="津贴")
    rules += clause("甲", "条件：并非 获得 津贴", "给予：补助") + clause(
        "乙", "条件：并非 获得 补助", "给予：津贴"
    )
    (found,) = diagnose(rules)
    assert found.code == "C001"
    assert field(found, "chain") == "甲 → 津贴 → 乙 → 补助 → 甲"


def test_one_grant_may_wait_for_another() -> None:
    rules = amount("a1", "标准") + amount("a2", "标准", measure="津贴")
    rules += clause("甲", "条件：残疾", "给予：补助") + clause("乙", "条件：并非 获得 补助", "给予：津贴")
    assert codes(rules) == []


def test_a_clause_may_not_ask_whether_it_is_met() -> None:
    (found,) = diagnose(aid("甲", "条件：残疾 或者 符合 甲"))
    assert (found.code, field(found, "chain")) == ("C001", "甲 → 甲")


def test_an_exclusion_may_not_wait_for_the_measure_it_excludes() -> None:
    rules = aid("甲", "条件：残疾") + clause("停发", "条件：获得 补助", "不给予：补助")
    (found,) = diagnose(rules)
    assert found.code == "C001"
    assert field(found, "chain") == "停发 → 补助 → 甲 → 停发"


def test_an_exclusion_for_households_with_members_reaches_what_members_are_granted() -> None:
    rules = clause("乙", "条件：残疾", "给予：津贴，每月 标准")
    reads = clause("停发", "条件：任一 成员 满足 (获得 津贴)", "不给予：津贴{}", entity="户")
    rules += "待遇 补贴 (subsidy) 对每个 户\n\n"
    assert codes(rules + reads.format("")) == []
    assert codes(rules + reads.format(" 及成员")) == ["C001"]


def test_a_clause_that_prevails_over_an_exclusion_does_not_wait_for_it() -> None:
    exclusion = clause("停发", "条件：符合 甲 并且 受阻 甲", "不给予：补助")
    assert codes(aid("甲", "条件：残疾") + exclusion) == ["C001"]
    assert codes(aid("甲", "条件：残疾", "优先于：停发") + exclusion) == []


def test_a_ban_on_the_whole_blocks_a_duty_to_do_a_part() -> None:
    acts = "行为 入院 (admit)\n\n行为 动员 (persuade) {}\n\n"
    rules = clause("劝", "条件：残疾", "必须：动员") + clause("禁", "条件：受阻 劝", "不得：入院")
    assert codes(acts.format("") + rules) == []
    assert codes(acts.format("属于 入院") + rules) == ["C001"]


def test_what_is_settled_by_order_waits_only_for_earlier_measures() -> None:
    rules = aid("甲", "条件：{}") + clause("乙", "条件：{}", "给予：津贴，每月 标准")
    order = "互斥 择一 (either)：补助、津贴 按顺序\n\n"
    assert codes(order + rules.format("残疾", "并非 获得 补助")) == []
    (found,) = diagnose(order + rules.format("并非 获得 津贴", "残疾"))
    assert (found.code, field(found, "chain")) == ("C001", "甲 → 津贴 → 补助 → 甲")


def test_what_is_settled_by_amount_waits_for_all_its_measures() -> None:
    rules = aid("甲", "条件：残疾") + clause("乙", "条件：患病", "给予：津贴，每月 {}")
    amounts = "如果 获得 补助 则 标准 否则 0 元/月"
    assert codes(rules.format(amounts)) == []
    assert codes("互斥 取一 (higher)：补助、津贴 取高\n\n" + rules.format("标准")) == []
    assert codes("互斥 取一 (higher)：补助、津贴 取高\n\n" + rules.format(amounts)) == ["C001"]


def test_two_orders_that_contradict_each_other_are_a_circle() -> None:
    rules = "互斥 先后 (one)：补助、津贴 按顺序\n\n互斥 后先 (two)：津贴、补助 按顺序\n\n"
    (found,) = diagnose(rules)
    assert found.code == "C001"
    assert found.span is not None and found.excerpt.startswith("互斥")


def test_ranges_may_not_limit_each_other() -> None:
    facts = "事实 人.支出 (spent)：金额 元/月\n    范围：0 元/月 至 {}\n\n事实 人.扣减 (off)：金额 元/月\n    范围：0 元/月 至 支出\n\n"
    assert codes(facts.format("月收入")) == []
    (found,) = diagnose(facts.format("扣减"))
    assert (found.code, field(found, "chain")) == ("C001", "支出 → 扣减 → 支出")


def test_an_entity_may_not_lie_in_itself() -> None:
    text = "语言 1\n实体 户 (household)\n    组成 成员 (members)：人\n\n实体 人 (person)\n    {} 户们 (homes)：户\n"
    found = loader.compile_all([Source("rules.rules", text.format("组成"))], ())[1]
    assert [(d.code, field(d, "chain")) for d in found] == [("C001", "户 → 人 → 户")]
    assert loader.compile_all([Source("rules.rules", text.format("记录"))], ())[1] == []


def test_each_circle_is_reported_once_at_its_place() -> None:
    rules = aid("甲", "条件：符合 乙") + aid("乙", "条件：符合 甲", "优先于：甲")
    rules += clause("丙", "条件：符合 丙", "给予：津贴，每月 标准")
    found = diagnose(rules)
    assert [field(d, "chain") for d in found] == ["甲 → 乙 → 甲", "丙 → 丙"]
    assert [d.excerpt[:4] for d in found] == ["条款 甲", "条款 丙"]
    assert found[0].where == str(found[0].span)


# ---- C006, C008: priorities


def test_priorities_in_a_circle_are_reported_once() -> None:
    circle = aid("甲", "让位于：乙") + aid("乙", "让位于：丙") + aid("丙", "{}")
    assert codes(circle.format("条件：残疾")) == []
    (found,) = diagnose(circle.format("让位于：甲"))
    assert found.code == "C006"
    assert field(found, "chain") == "甲 → 乙 → 丙 → 甲"


def test_a_clause_may_not_prevail_over_itself() -> None:
    assert codes(aid("甲", "优先于：甲")) == ["C006"]


def test_a_priority_needs_clauses_of_one_measure() -> None:
    rules = clause("乙", "优先于：甲", "给予：{}，每月 标准") + aid("甲", "条件：残疾")
    assert codes(rules.format("补助")) == []
    (found,) = diagnose(rules.format("津贴"))
    assert (found.code, field(found, "a"), field(found, "b")) == ("C008", "乙", "甲")
    assert found.excerpt.startswith("条款 乙")


def test_a_grant_may_prevail_over_an_exclusion_of_its_measure() -> None:
    rules = aid("甲", "优先于：停发") + clause("停发", "条件：残疾", "不给予：{}")
    assert codes(rules.format("津贴、补助")) == []
    assert codes(rules.format("津贴")) == ["C008"]


def test_an_exclusion_may_prevail_over_a_grant_of_its_measure() -> None:
    assert codes(aid("甲", "条件：残疾") + clause("停发", "优先于：甲", "不给予：补助")) == []
    assert codes(aid("甲", "条件：残疾") + clause("停发", "优先于：甲", "不给予：津贴")) == ["C008"]


def test_a_duty_may_prevail_over_a_ban_but_not_over_a_grant() -> None:
    rules = "行为 入院 (admit)\n\n" + clause("劝", "优先于：{}", "必须：入院")
    rules += clause("禁", "条件：残疾", "不得：入院") + aid("甲", "条件：残疾")
    assert codes(rules.format("禁")) == []
    assert codes(rules.format("甲")) == ["C008"]


def test_a_priority_that_only_follows_from_a_wrong_one_is_not_reported_again() -> None:
    rules = (
        clause("乙", "优先于：甲", "给予：津贴，每月 标准")
        + aid("甲", "优先于：丙")
        + aid("丙", "条件：残疾")
    )
    assert codes(rules) == ["C008"]


def test_measures_joined_by_an_exclusion_between_them_are_reported() -> None:
    rules = aid("甲", "优先于：停发") + clause("停发", "优先于：乙", "不给予：补助、津贴")
    (found,) = diagnose(rules + clause("乙", "条件：残疾", "给予：津贴，每月 标准"))
    assert (found.code, field(found, "a"), field(found, "b")) == ("C008", "甲", "乙")


# ---- C002: two amounts for one grant


def test_two_amounts_for_one_grant_are_a_conflict() -> None:
    (found,) = diagnose(aid("甲", "条件：残疾") + aid("乙", "条件：患病"))
    assert found.code == "C002"
    assert [field(found, name) for name in ("a", "b", "measure")] == ["甲", "乙", "补助"]
    assert found.excerpt.startswith("条款 乙")


@pytest.mark.parametrize(
    "second",
    [
        aid("乙", "条件：患病", "让位于：甲"),
        aid("乙", "条件：患病", "优先于：甲"),
        clause("乙", "条件：患病", "给予：津贴，每月 标准"),
        aid("乙", "条件：患病", period="2021-01-01 起"),
    ],
    ids=["gives way", "prevails", "other measure", "later period"],
)
def test_clauses_that_do_not_compete_are_no_conflict(second: str) -> None:
    assert codes(aid("甲", "条件：残疾", period="2020-01-01 起 至 2020-12-31") + second) == []


def test_clauses_with_one_amount_rule_are_joint_grounds() -> None:
    rules = clause("甲", "条件：残疾", "给予：补助") + clause("乙", "条件：患病", "可给予：补助")
    assert codes(rules + amount("a1", "标准")) == []


def test_a_clause_that_may_grant_conflicts_too() -> None:
    rules = clause("甲", "条件：残疾", "可给予：补助") + aid("乙", "条件：患病")
    assert codes(rules + amount("a1", "标准")) == ["C002"]


def test_rules_of_two_subjects_conflict_where_one_lies_in_the_other() -> None:
    rules = clause("甲", "条件：残疾", "给予：补助") + clause("乙", "给予：补助", "{}", entity="户")
    rules += amount("a1", "标准") + amount("a2", "标准", entity="户")
    assert codes(rules.format("条件：户属性 为 困难户")) == ["C002"]
    assert codes(rules.format("优先于：甲")) == []


def test_a_priority_of_a_person_over_the_household_settles_nothing() -> None:
    rules = aid("甲", "条件：残疾") + aid("乙", "{}：甲", entity="户")
    assert codes(rules.format("优先于")) == []
    assert codes(rules.format("让位于")) == ["C002"]


def test_a_clause_dated_by_an_event_still_runs_after_its_end() -> None:
    first = aid("甲", "{}条件：残疾", period="2020-01-01 起 至 2020-12-31")
    second = aid("乙", "条件：患病", period="2021-01-01 起")
    review = "定义 末次 对每个 人 (last_review)\n    = 最近 复核 按 日期\n\n"
    assert codes(review + first.format("") + second) == []
    assert codes(review + first.format("期间按：末次.日期\n    ") + second) == ["C002"]


def test_versions_of_one_clause_are_no_conflict() -> None:
    rules = aid("甲", "条件：残疾", period="2020-01-01 起 至 2020-12-31")
    assert codes(rules + aid("甲", "条件：患病", period="2021-01-01 起")) == []


TERMS = """定义 困难 对每个 户 (hard_up)
    = 户属性 属于 {困难户、重点户} 并且 人均收入 低于 标准

定义 轻 对每个 复核 (mild)
    = 程度 为 轻度

定义 末次 对每个 人 (last_review)
    = 最近 复核 按 日期

定义 首年 对每个 户 (first_year) 2020-01-01 起 至 2020-12-31
    = 户属性 为 一般户

"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("户.户属性 为 一般户", "户.户属性 为 困难户"),
        ("户.户属性 为 一般户", "户.户属性 属于 {困难户、重点户}"),
        ("户.户属性 属于 {一般户、困难户}", "户.户属性 不属于 {一般户、困难户}"),
        ("户.户属性 为 一般户", "户.户属性 不为 一般户"),
        ("残疾 并且 患病", "并非 残疾"),
        ("残疾", "并非 (残疾 或者 患病)"),
        ("残疾 或者 患病", "并非 残疾 并且 并非 患病"),
        ("年龄 不满 16 周岁", "年龄 不低于 16 周岁"),
        ("年龄 不超过 16 周岁", "年龄 超过 16 周岁"),
        ("年龄 等于 16 周岁", "16 周岁 超过 年龄"),
        ("年龄 不满 16 周岁 或者 年龄 超过 60 周岁", "年龄 不低于 16 周岁 并且 年龄 不超过 60 周岁"),
        ("年龄 低于 16 周岁", "并非 (年龄 低于 18 周岁)"),
        ("月收入 低于 标准", "月收入 不低于 标准"),
        ("月收入 低于 标准", "标准 等于 月收入"),
        ("户.迁入日 早于 2020-01-01", "户.迁入日 晚于 2020-06-30"),
        ("有 户.迁入日", "没有 户.迁入日"),
        ("有 欠款", "并非 (有 欠款)"),
        ("户.困难", "户.户属性 为 一般户"),
        ("户.困难", "户.人均收入 不低于 标准"),
        ("户.困难", "并非 户.困难"),
        ("户.首年", "户.户属性 为 困难户"),
        ("末次.轻", "末次.程度 不为 轻度"),
    ],
)
def test_conditions_that_contradict_each_other_are_no_conflict(one: str, other: str) -> None:
    assert codes(TERMS + aid("甲", f"适用范围：{one}") + aid("乙", f"条件：{other}")) == []
    assert codes(TERMS + aid("甲", f"条件：{other}") + aid("乙", f"条件：{one}")) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("户.户属性 属于 {一般户、困难户}", "户.户属性 属于 {困难户、重点户}"),
        ("户.户属性 不为 一般户", "户.户属性 不为 困难户"),
        ("残疾 或者 患病", "并非 残疾"),
        ("残疾", "并非 (残疾 并且 患病)"),
        ("年龄 不超过 16 周岁", "年龄 不低于 16 周岁"),
        ("年龄 不满 16 周岁 或者 年龄 超过 60 周岁", "年龄 不满 60 周岁"),
        ("月收入 不超过 标准", "月收入 不低于 标准"),
        ("月收入 低于 标准", "户.人均收入 不低于 标准"),
        ("并非 (欠款 低于 标准)", "并非 (欠款 不低于 标准)"),
        ("户.困难", "户.户属性 为 困难户"),
        ("并非 户.首年", "户.户属性 为 一般户"),
        ("并非 末次.轻", "末次.程度 不为 重度"),
    ],
)
def test_conditions_that_can_hold_together_are_a_conflict(one: str, other: str) -> None:
    assert codes(TERMS + aid("甲", f"适用范围：{one}") + aid("乙", f"条件：{other}")) == ["C002"]


@pytest.mark.parametrize(
    ("person", "household", "apart"),
    [
        ("户.户属性 为 一般户", "户属性 为 困难户", True),
        ("户.户属性 为 一般户", "困难", True),
        ("户.困难", "并非 困难", True),
        ("户.户属性 为 一般户", "户属性 不为 困难户", False),
        ("月收入 低于 标准", "人均收入 不低于 标准", False),
        ("残疾", "并非 (任一 成员 满足 残疾)", False),
    ],
)
def test_a_person_and_the_household_are_compared_on_household_facts(
    person: str, household: str, apart: bool
) -> None:
    rules = TERMS + aid("甲", f"条件：{person}") + aid("乙", f"条件：{household}", entity="户")
    assert codes(rules) == ([] if apart else ["C002"])


def test_conditions_with_too_many_cases_are_taken_to_hold_together() -> None:
    many = " 并且 ".join(f"(年龄 等于 {n} 周岁 或者 年龄 等于 {n + 1} 周岁)" for n in range(12))
    assert codes(aid("甲", f"条件：{many}") + aid("乙", "条件：年龄 等于 99 周岁")) == ["C002"]


# ---- C005: a grant has an amount


@pytest.mark.parametrize("verb", ["给予", "可给予"])
def test_a_grant_needs_an_amount(verb: str) -> None:
    rules = clause("甲", "条件：残疾", f"{verb}：补助")
    (found,) = diagnose(rules + amount("a1", "标准", measure="津贴") + amount("a2", "标准", entity="户"))
    assert (found.code, field(found, "name"), field(found, "measure")) == ("C005", "甲", "补助")
    assert codes(rules + amount("a1", "标准")) == []
    assert codes(clause("甲", "条件：残疾", f"{verb}：补助，每月 标准")) == []


@pytest.mark.parametrize(
    ("period", "rules", "paid"),
    [
        ("2020-04-06 起", ["2012-12-12 起"], True),
        ("2020-04-06 起", ["2020-04-07 起"], False),
        ("2020-04-06 起 至 2021-06-30", ["2012-12-12 起 至 2021-06-30"], True),
        ("2020-04-06 起", ["2012-12-12 起 至 2021-06-30"], False),
        ("2020-04-06 起", ["2012-12-12 起 至 2021-06-30", "2021-07-01 起"], True),
        ("2020-04-06 起", ["2012-12-12 起 至 2021-06-29", "2021-07-01 起"], False),
        ("2021-07-01 起", ["2012-12-12 起 至 2021-06-29", "2021-07-01 起"], True),
        ("", ["2012-12-12 起"], True),
        ("", ["2012-12-12 起 至 2021-06-30"], False),
    ],
)
def test_an_amount_rule_is_in_force_as_long_as_the_clause(period: str, rules: list[str], paid: bool) -> None:
    text = clause("甲", "条件：残疾", "给予：补助", period=period)
    text += "".join(amount("a1", "标准", period=rule) for rule in rules)
    found = [code for code in codes(text) if code != "C004"]  # the gap itself is the resolver's warning
    assert found == ([] if paid else ["C005"])


def test_a_clause_dated_by_an_event_needs_an_amount_after_its_end() -> None:
    text = "定义 末次 对每个 人 (last_review)\n    = 最近 复核 按 日期\n\n"
    text += clause("甲", "期间按：末次.日期", "给予：补助", period="2020-01-01 起 至 2020-12-31")
    assert codes(text + amount("a1", "标准", period="2020-01-01 起 至 2020-12-31")) == ["C005"]
    assert codes(text + amount("a1", "标准", period="2020-01-01 起")) == []


def test_two_rules_for_one_amount_may_not_share_a_day() -> None:
    first = amount("a1", "标准", period="2020-01-01 起 至 2020-12-31")
    (found,) = diagnose(first + amount("a2", "月收入", period="2020-12-31 起"))
    assert (found.code, field(found, "name")) == ("C003", "补助")
    assert codes(first + amount("a2", "月收入", period="2021-01-01 起")) == []
    assert (
        codes(first + amount("a2", "月收入", period="2020-12-31 起", entity="户").replace("月收入", "标准"))
        == []
    )


# ---- T006, T007: a payable amount is whole and never 无


def test_a_part_of_an_amount_may_not_be_none() -> None:
    (found,) = diagnose(amount("a1", "标准", "其中 欠额 (owed)：欠款"))
    assert (found.code, field(found, "why")) == ("T006", "欠额")
    assert (
        codes(amount("a1", "标准", "其中 欠额 (owed)：如果 有 欠款 则 较小(标准, 月收入) 否则 0 元/月")) == []
    )


@pytest.mark.parametrize(
    "formula",
    [
        "标准",
        "月收入 + 标准 - 1.5 元/月",
        "-较大(月收入, 标准)",
        "四舍五入到分(标准 ÷ 3)",
        "进位到元(标准 × 20 %)",
        "如果 残疾 则 标准 否则 0 元/月",
        "如果 有 欠款 则 欠款 否则 标准",
        "整额",
        "标准 × 计数 收入项",
        "地方标准",
    ],
)
def test_whole_amounts_need_no_rounding(formula: str) -> None:
    assert codes(FIGURES + amount("a1", formula)) == []
    assert codes(FIGURES + aid("甲", amount=formula)) == []


@pytest.mark.parametrize(
    "formula",
    [
        "标准 × 20 %",
        "标准 ÷ 3",
        "0.001 元/月",
        "四舍五入到分(标准 ÷ 3) ÷ 2",
        "如果 残疾 则 标准 否则 标准 ÷ 2",
        "(求和 收入项 取 年金额) ÷ 12 月/年",
        "零头",
        "标准 × 系数",
        "地方算法",
    ],
)
def test_computed_amounts_need_rounding(formula: str) -> None:
    assert codes(FIGURES + amount("a1", formula)) == ["T007"]
    assert codes(FIGURES + aid("甲", amount=formula)) == ["T007"]


FIGURES = """定义 整额 对每个 人 (whole_sum) 2012-01-01 起 至 2020-12-31
    = 月收入

定义 整额 对每个 人 (whole_sum) 2021-01-01 起
    = 标准

定义 零头 对每个 人 (odd_sum) 2012-01-01 起 至 2020-12-31
    = 月收入

定义 零头 对每个 人 (odd_sum) 2021-01-01 起
    = 标准 ÷ 7

参数 系数 (factor)：数
    范围：0 至 2

参数 地方标准 对每个 人 (local_line)：金额 元/月

设 地方标准 = 月收入

参数 地方算法 对每个 人 (local_way)：金额 元/月

设 地方算法 = 月收入 ÷ 3

"""


def test_a_sum_from_records_is_whole() -> None:
    records = "实体 账 (entry)\n\n事实 账.月额 (monthly)：金额 元/月\n    范围：0 元/月 至 1000 元/月\n\n"
    text = records + WORDS.split("\n", 1)[1].replace("记录 复核 (reviews)：复核", "记录 账目 (entries)：账")
    rules = "语言 1\n" + text + amount("a1", "求和 账目 取 {}")
    good, bad = (loader.compile_all([Source("r", rules.format(f))], ())[1] for f in ("月额", "(月额 ÷ 2)"))
    assert [d.code for d in good] == []
    assert [d.code for d in bad] == ["T007"]


def test_what_an_approver_chooses_is_whole() -> None:
    choice = "裁量：月数 (months)：1 至 3 个月，由 「镇」"
    (found,) = diagnose(clause("甲", "可给予：补助，一次 标准 × 月数 ÷ 2", choice))
    assert found.code == "T007"
    assert codes(clause("甲", "可给予：补助，一次 标准 × 月数", choice)) == []


def test_an_unrounded_part_is_reported_at_the_part() -> None:
    parts = "    ".join(
        ["金额 a1 对每个 人 (a1)\n", "给予：补助\n", "其中 甲 (one)：标准\n", "其中 乙 (two)：标准 ÷ 3\n"]
    )
    (found,) = diagnose(parts)
    assert (found.code, found.excerpt.strip()) == ("T007", "其中 乙 (two)：标准 ÷ 3")
    assert codes(amount("a1", "标准 ÷ 3", "其中 乙 (two)：标准 ÷ 3")) == ["T007", "T007"]


# ---- T008: numbers stay within exact integers


def test_a_number_that_may_grow_too_great_is_reported_where_it_arises() -> None:
    term = "定义 体积 对每个 人 (volume)\n    = 年龄 × 年龄 × 年龄{}\n"
    assert codes(term.format("")) == []
    (found,) = diagnose(term.format(" × 年龄"))
    assert (found.code, field(found, "bound")) == ("T008", f"{10**24:,} > {2**62:,}")


def test_declared_ranges_bound_a_number() -> None:
    facts = "事实 人.次数 (times)：数{}\n\n定义 乘方 对每个 人 (power)\n    = 次数 × 次数 × 次数 × 次数\n"
    assert codes(facts.format("")) == ["T008"]
    assert codes(facts.format("\n    范围：0 至 1000")) == []
    assert codes(facts.format("\n    范围：0 至 较小(1000, 2000)")) == []


def test_a_number_is_bounded_through_terms_and_conditions() -> None:
    terms = "定义 平方 对每个 人 (square)\n    = 年龄 × 年龄\n\n定义 四次 对每个 人 (fourth)\n    = {}\n"
    assert codes(terms.format("平方 × 平方")) == ["T008"]
    assert codes(terms.format("平方 + 平方")) == []
    assert codes(terms.format("如果 残疾 则 平方 否则 平方 + 平方")) == []
    assert codes(terms.format("年龄") + "\n" + aid("甲", "条件：平方 × 平方 等于 平方 × 平方")) == [
        "T008",
        "T008",
    ]


@pytest.mark.parametrize(
    ("divisor", "code"),
    [
        ("计数 成员", []),
        ("(计数 成员 - 5 人)", []),
        ("比例", ["T008"]),
        ("正比例", []),
    ],
)
def test_a_divisor_near_zero(divisor: str, code: list[str]) -> None:
    rules = "参数 比例 (rate)：数\n    范围：0 至 1\n\n参数 正比例 (share)：数\n    范围：0.1 至 1\n\n"
    assert codes(rules + f"定义 商 对每个 户 (quotient)\n    = 人均收入 ÷ {divisor}\n") == code


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("求和 成员 取 (求和 收入项 取 年金额)", []),
        ("求和 成员 取 (月收入 × 月收入)", ["T008"]),
        ("最大 成员 取 年龄", []),
        ("求和 逐月 2020-01 至 2020-12 取 (标准)", []),
        ("求和 逐月 2020-01 至 2020-12 取 (标准 × 标准 × 10000)", ["T008"]),
    ],
)
def test_lists_bound_their_sums(formula: str, code: list[str]) -> None:
    assert codes(f"定义 总数 对每个 户 (total)\n    = {formula}\n") == code


def test_amounts_and_choices_are_bounded_too() -> None:
    choice = "裁量：月数 (months)：1 至 {} 个月，由 「镇」"
    rules = clause("甲", "可给予：补助，一次 标准 × 月数", choice)
    assert codes(rules.format(12)) == []
    assert codes(rules.format(10**13)) == ["T008"]
    assert codes(amount("a1", "标准 × 1000000")) == []
    assert codes(amount("a1", "标准 × 10000000000000")) == ["T008"]


def test_formulas_that_a_sheet_supplies_are_bounded_too() -> None:
    parameter = "参数 指数 对每个 人 (index)：数 岁\n\n设 指数 = 年龄 × {}\n"
    assert codes(parameter.format(10)) == []
    assert codes(parameter.format(10**13)) == ["T008"]


# ---- the whole


def test_the_bundled_policies_hold_nothing_to_find() -> None:
    assert check(loader.load_bundled().program) == []


def test_the_caller_gives_language_and_lines() -> None:
    program, _ = loader.compile_all([Source("rules.rules", WORDS + "\n" + clause("甲", "给予：补助"))], ())
    asked: list[Span] = []

    def line(span: Span) -> str:
        asked.append(span)
        return "the line"

    (found,) = check(program, "en", line)
    assert (found.language, found.excerpt, asked) == ("en", "the line", [found.span])
    assert found.message() == "`甲` grants `aid`, but no amount rule applies"
