"""Mutants of small rules: each kind of change is made, and what the cases notice of it was told apart by hand."""

import re
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from typer.testing import CliRunner

from policykit.app.cli import app
from policykit.casework.mutants import (
    MOST_EQUIVALENT,
    Report,
    changes,
    equivalents,
    notices,
    questions,
    report,
)
from policykit.casework.trials import missed
from policykit.diagnostics import PolicyError
from policykit.loader import Policies, bundled, examine, load_bundled, load_text
from policykit.mutations import Kind, Mutant

WORDS = """语言 1
文本 办法 (law) 未收录

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 10 个

实体 人 (person) 计 人

选项 户属性 (status)：一般户 (ordinary)、困难户 (poor)、重点户 (marked)

选项 等级 (grade) 由重到轻：一级 (first)、二级 (second)、三级 (third)

事实 户.户属性 (status)：选项 户属性

事实 户.迁入日 (moved_in)：日期 或 无

事实 人.年龄 (age)：数 岁

事实 人.月收入 (income)：金额 元/月

事实 人.残疾 (disabled)：是否

事实 人.等级 (grade)：选项 等级 或 无

事实 人.已办 (filed)：是否

待遇 补助 (aid) 对每个 人

待遇 津贴 (allowance) 对每个 人

待遇 户补 (household_aid) 对每个 户

行为 建档 (file)
"""


def rules(*declarations: str) -> Policies:
    return load_text("\n\n".join([WORDS, *declarations]))


def clause(name: str, *lines: str, entity: str = "人", period: str = "") -> str:
    head = [f"条款 {name} ({name}){period}", "    依据：办法 第一条", f"    对每个 {entity}"]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


def case(given: str, *expected: str, on: str = "2020-06-10") -> str:
    """A case of a household with one member, of whom these facts are known and the rest is 无."""
    number = crc32("".join([given, *expected, on]).encode())
    lines = [
        f"案例 例{number} (c{number})",
        f"    评价日：{on}",
        f"    已知 成员[1]：{given}",
        "    其余为无",
    ]
    return "\n".join([*lines, *(f"    期望：{wanted}" for wanted in expected)])


def made(policies: Policies) -> dict[str, Mutant]:
    found = changes(policies)
    assert len({mutant.id for mutant in found}) == len(found)
    return {mutant.id: mutant for mutant in found}


def ids(policies: Policies, kind: Kind) -> set[str]:
    return {mutant.id for mutant in made(policies).values() if mutant.change.kind == kind}


def unnoticed(policies: Policies) -> set[str]:
    return {mutant.id for mutant in report(policies, {}).unnoticed}


AID = "给予：补助，每月 100 元/月"


# ---- what is changed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "operators"),
    [
        ("月收入 低于 5 元/月", {"小于→不大于"}),
        ("月收入 不超过 5 元/月", {"不大于→小于"}),
        ("月收入 超过 5 元/月", {"大于→不小于"}),
        ("月收入 不低于 5 元/月", {"不小于→大于"}),
        ("月收入 等于 5 元/月", {"等于→不等于"}),
        ("残疾 并且 已办", {"并且→或者"}),
        ("残疾 或者 已办", {"或者→并且"}),
        ("并非 残疾", {"去掉并非"}),
        ("有 等级", {"有→没有"}),
        ("没有 等级", {"没有→有"}),
        ("任一 户.成员 满足 残疾", {"任一→全部"}),
        ("全部 户.成员 满足 残疾", {"全部→任一"}),
        ("月收入 + 月收入 等于 月收入 - 月收入", {"等于→不等于", "加→减", "减→加"}),
        ("如果 残疾 则 已办 否则 有 等级", {"对调两支", "有→没有"}),
    ],
)
def test_one_operator_at_a_time(condition: str, operators: set[str]) -> None:
    found = ids(rules(clause("甲", f"条件：{condition}", AID)), "operator")
    assert {ident.split(":")[1] for ident in found} == operators


@pytest.mark.parametrize(
    ("condition", "bounds"),
    [
        ("月收入 低于 5.00 元/月", {"5.00→4.99", "5.00→5.01"}),
        ("年龄 不低于 60 周岁", {"60→59", "60→61"}),
        ("年龄 不低于 60 周岁 + 1 周岁 × 12 %", {"60→59", "60→61", "1→0", "1→2", "12%→11%", "12%→13%"}),
        ("户.迁入日 早于 2020-03-01", {"2020-03-01→2020-02-29", "2020-03-01→2020-03-02"}),
        ("月份(今日) 早于 2020-12", {"2020-12→2020-11", "2020-12→2021-01"}),
        ("户.户属性 属于 {困难户、重点户}", {"去掉困难户", "去掉重点户"}),
        ("户.户属性 为 困难户", set()),
        ("等级 为 二级 以上", {"去掉一级", "去掉二级", "添上三级"}),
        ("等级 为 二级 以下", {"去掉二级", "去掉三级", "添上一级"}),
        ("等级 属于 {一级、三级}", {"去掉一级", "去掉三级"}),
    ],
)
def test_one_bound_at_a_time(condition: str, bounds: set[str]) -> None:
    found = ids(rules(clause("甲", f"条件：{condition}", "给予：补助，每月 月收入")), "bound")
    assert {ident.split(":")[1] for ident in found} == bounds


def test_a_period_begins_and_ends_a_day_earlier_or_later() -> None:
    found = ids(rules(clause("甲", AID, period=" 2020-03-01 起 至 2020-12-31")), "bound")
    days = {
        "2020-03-01→2020-02-29",
        "2020-03-01→2020-03-02",
        "2020-12-31→2020-12-30",
        "2020-12-31→2021-01-01",
    }
    assert {ident.split(":")[1] for ident in found if "/时效" in ident} == days


def test_a_version_that_would_begin_while_another_answers_is_no_mutant() -> None:
    first = "定义 老人 对每个 人 (elder) 2020-01-01 起 至 2020-06-30\n    = 年龄 不低于 60 周岁"
    second = "定义 老人 对每个 人 (elder) 2020-07-01 起\n    = 年龄 不低于 65 周岁"
    found = ids(rules(first, second, clause("甲", "条件：老人", AID)), "bound")
    periods = {ident for ident in found if "时效" in ident}
    assert "elder#2/时效:2020-07-01→2020-07-02" in periods
    assert (
        "elder#2/时效:2020-07-01→2020-06-30" not in periods
    )  # the first version, asked first, answers that day
    assert "elder/时效:2020-06-30→2020-07-01" in periods


def test_what_an_approver_may_choose() -> None:
    lines = ["可给予：补助，一次 月收入 × 月数", "裁量：月数 (n)：1 至 3 个月，由 「民政」"]
    found = ids(rules(clause("甲", *lines)), "bound")
    assert found == {f"甲/裁量/月数:1至3→{other}" for other in ("0至3", "2至3", "1至2", "1至4")}


def test_modality() -> None:
    duty = clause("己", "条件：残疾", "必须：建档，完成 已办，期限 未规定，由 「民政」")
    ban = clause("庚", "条件：残疾", "不得：建档")
    found = ids(rules(clause("甲", AID), duty, ban), "modality")
    assert found == {
        "甲/效果:给予→可给予",
        "甲/金额:每月→一次",
        "己/效果:去掉完成",
        "己/效果:去掉整条",
        "庚/效果:去掉整条",
    }


def test_scope_and_test_and_each_of_their_conditions() -> None:
    found = ids(
        rules(clause("甲", "适用范围：残疾 并且 有 等级 并且 已办", "条件：年龄 不低于 60 周岁", AID)),
        "scope",
    )
    parts = {f"甲/适用范围:去掉{part}" for part in ("适用范围", "第1项", "第2项", "第3项")}
    assert found == parts | {"甲/条件:去掉条件"}


def test_priorities_exclusions_and_what_is_not_drawn_together() -> None:
    grants = [clause("甲", "条件：残疾", AID), clause("乙", "给予：补助，每月 200 元/月", "让位于：甲")]
    stop = clause("丙", "条件：已办", "不给予：补助")
    either = "互斥 二选一 (one_of_two)：补助、津贴 按顺序"
    found = ids(rules(*grants, stop, clause("丁", "给予：津贴，每月 1 元/月"), either), "priority")
    assert found == {
        "乙/让位于:去掉甲", "丙/效果:去掉整条",
        "one_of_two/互斥:去掉互斥", "one_of_two/互斥:倒序", "one_of_two/互斥:按顺序→由人选择", "one_of_two/互斥:按顺序→取高",
    }  # fmt: skip


def test_a_mutant_has_a_place_and_a_sentence() -> None:
    policies = rules(clause("甲", "条件：残疾 并且 月收入 低于 5 元/月", AID))
    mutant = made(policies)["甲/条件/2:小于→不大于"]
    line = policies.sources[0].text[: policies.sources[0].text.index("月收入 低于")].count("\n") + 1
    assert (mutant.span.file, mutant.span.line) == ("rules.rules", line)
    assert mutant.sentence("zh") == "月收入 低于 5 元/月：「小于」改成「不大于」"
    assert mutant.sentence("en") == "月收入 低于 5 元/月: “less than” becomes “at most”"


def test_identifiers_do_not_hang_on_other_rules() -> None:
    own = clause("甲", "条件：残疾 并且 月收入 低于 5 元/月", AID)
    other = clause("乙", "条件：残疾", "给予：津贴，每月 1 元/月")
    assert made(rules(own)).keys() <= made(rules(other, own)).keys()


def test_every_bundled_mutant_changes_its_program() -> None:
    program = load_bundled().program
    for mutant in made(load_bundled()).values():
        changed = mutant.of(program)
        (part,) = mutant.parts
        assert getattr(changed, part) != getattr(program, part), mutant.id
        assert replace(changed, **{part: getattr(program, part)}) == program, mutant.id


# ---- what no household can tell ----------------------------------------------------------------------------------------


def periods(policies: Policies) -> set[str]:
    return {ident for ident in made(policies) if "/时效:" in ident}


EVER = "定义 常在 对每个 人 (ever) 2020-01-01 起\n    = 残疾"


@pytest.mark.parametrize(
    ("reader", "seen"),
    [
        (clause("甲", "条件：常在", AID), True),
        (clause("甲", "条件：常在", AID, period=" 2019-12-31 起"), True),
        (
            clause("甲", "条件：常在", AID, period=" 2020-01-02 起"),
            False,
        ),  # on the days that turn nobody asks
        (clause("甲", "条件：常在", "期间按：户.迁入日", AID, period=" 2020-01-02 起"), True),
        ("提示 乙 对每个 人 (note)\n    条件：常在\n    内容：「看一看」", True),
        ("提示 乙 对每个 人 (note) 2020-02-01 起\n    条件：常在\n    内容：「看一看」", False),
        ("定义 另一个 对每个 人 (another)\n    = 常在", False),  # read by nobody either
        ("定义 另一个 对每个 人 (another)\n    = 常在\n\n" + clause("甲", "条件：另一个", AID), True),
    ],
)
def test_a_term_turns_where_something_in_force_on_the_day_leads_to_it(reader: str, seen: bool) -> None:
    edges = {"ever/时效:2020-01-01→2019-12-31", "ever/时效:2020-01-01→2020-01-02"}
    assert periods(rules(EVER, reader)) & edges == (edges if seen else set())


def test_a_term_may_be_read_by_what_a_case_sets_of_a_parameter() -> None:
    line = "参数 当地算 对每个 人 (local)：是否"
    reads = clause("甲", "条件：当地算", AID)
    sets = case("残疾 = 是", "成员[1] 补助 给予").replace(
        "    其余为无", "    设定：当地算 = 常在\n    其余为无"
    )
    assert periods(rules(EVER, line, reads)) == set()
    assert len(periods(rules(EVER, line, reads, sets))) == 2


@pytest.mark.parametrize(("age", "seen"), [(60, False), (65, True)])
def test_versions_that_say_the_same_are_not_told_apart_where_they_meet(age: int, seen: bool) -> None:
    first = "定义 老人 对每个 人 (elder) 2020-01-01 起 至 2020-06-30\n    = 年龄 不低于 60 周岁"
    second = f"定义 老人 对每个 人 (elder) 2020-07-01 起\n    = 年龄 不低于 {age} 周岁"
    found = periods(rules(first, second, clause("甲", "条件：老人", AID)))
    assert ("elder/时效:2020-06-30→2020-07-01" in found) == seen
    assert "elder/时效:2020-06-30→2020-06-29" in found  # and on that day no version is left


@pytest.mark.parametrize(
    ("test", "grants", "seen"),
    [
        ("残疾", "给予：补助", False),
        ("已办", "给予：补助", True),
        ("残疾", "可给予：补助", True),
        ("残疾", "给予：津贴", True),
    ],
)
def test_a_clause_twice_in_force_with_the_same_conditions_grants_once(
    test: str, grants: str, seen: bool
) -> None:
    amounts = [f"金额 {m}金 对每个 人 ({m}a)\n    给予：{m}\n    每月：1 元/月" for m in ("补助", "津贴")]
    first = clause("甲", "条件：残疾", "给予：补助", period=" 2020-01-01 起 至 2020-06-30")
    second = clause("甲", f"条件：{test}", grants, period=" 2020-07-01 起")
    found = periods(rules(*amounts, first, second))
    meeting = {"甲/时效:2020-06-30→2020-07-01", "甲#2/时效:2020-07-01→2020-06-30"}
    assert found & meeting == (meeting if seen else set())
    assert "甲/时效:2020-06-30→2020-06-29" in found


@pytest.mark.parametrize(("start", "seen"), [("2020-01-01", True), ("2020-01-03", False)])
def test_an_amount_turns_where_a_clause_in_force_pays_by_it(start: str, seen: bool) -> None:
    amount = "金额 补助金 对每个 人 (aid_amount) 2020-01-01 起\n    给予：补助\n    每月：1 元/月"
    found = periods(rules(amount, clause("甲", "给予：补助", period=f" {start} 起")))
    assert ("aid.person/时效:2020-01-01→2020-01-02" in found) == seen


PAID = "金额 补助金 对每个 人 (aid_amount)\n    给予：补助\n    每月：100 元/月"
THIRD = clause("丙", "条件：残疾", "给予：补助")


@pytest.mark.parametrize(
    ("high", "more", "seen"),
    [
        ("条件：符合 丙 并且 已办", (), False),  # where it stands 丙 stands too
        ("条件：已办", (), True),
        ("条件：符合 丙 或者 已办", (), True),
        ("条件：任一 户.成员 满足 (符合 丙)", (), True),  # of another person
        ("条件：符合 丙 并且 已办", (clause("丁", "条件：有 等级", "给予：补助", "优先于：丙"),), True),
        ("条件：符合 丙 并且 已办", (clause("丁", "条件：有 等级", "不给予：补助", "让位于：乙"),), True),
    ],
)
def test_giving_way_to_what_holds_only_where_a_third_holds(
    high: str, more: tuple[str, ...], seen: bool
) -> None:
    low = clause("甲", "给予：补助，每月 1 元/月", "让位于：乙、丙")
    found = ids(rules(PAID, low, clause("乙", high, "给予：补助"), THIRD, *more), "priority")
    assert ("甲/让位于:去掉乙" in found) == seen
    assert "甲/让位于:去掉丙" in found


@pytest.mark.parametrize(
    ("low", "high", "seen"),
    [
        ("没有 等级", "有 等级 并且 已办", False),  # the two never hold together
        ("没有 等级 或者 残疾", "有 等级", True),
        ("没有 等级", "残疾", True),
    ],
)
def test_giving_way_to_what_asks_for_the_opposite(low: str, high: str, seen: bool) -> None:
    policies = rules(
        clause("甲", f"条件：{low}", "给予：补助，每月 1 元/月", "让位于：乙"),
        clause("乙", f"条件：{high}", AID),
    )
    assert ("甲/让位于:去掉乙" in made(policies)) == seen


# ---- what is noticed ---------------------------------------------------------------------------------------------------

POOR = clause("甲", "条件：月收入 低于 500 元/月", AID)
BELOW = case("月收入 = 499.99 元/月", "成员[1] 补助 给予，每月 100.00 元/月")
EQUAL = case("月收入 = 500 元/月", "成员[1] 补助 不符合")


def test_cases_on_both_sides_of_a_threshold_notice_it_moved() -> None:
    assert {"甲/条件/1:小于→不大于", "甲/条件/2:500.00→500.01"} <= unnoticed(rules(POOR, BELOW))
    assert "甲/条件/2:500.00→499.99" not in unnoticed(rules(POOR, BELOW))
    assert unnoticed(rules(POOR, BELOW, EQUAL)) == set()


def test_a_condition_of_a_scope_is_noticed_by_whom_it_leaves_out() -> None:
    scoped = clause("甲", "适用范围：残疾 并且 已办", AID)
    both = case("残疾 = 是、已办 = 是", "成员[1] 补助 给予，每月 100.00 元/月")
    neither = case("残疾 = 否、已办 = 否", "成员[1] 补助 未涉及")
    one = case("残疾 = 是、已办 = 否", "成员[1] 补助 未涉及")
    other = case("残疾 = 否、已办 = 是", "成员[1] 补助 未涉及")
    left = {"甲/适用范围/1:并且→或者", "甲/适用范围:去掉第1项", "甲/适用范围:去掉第2项"}
    assert unnoticed(rules(scoped, both, neither)) == left
    assert unnoticed(rules(scoped, both, neither, one)) == {"甲/适用范围:去掉第1项"}
    assert unnoticed(rules(scoped, both, neither, one, other)) == set()


def test_a_priority_is_noticed_where_both_would_grant() -> None:
    grants = [clause("甲", "条件：残疾", AID), clause("乙", "给予：补助，每月 200 元/月", "让位于：甲")]
    alone = case("残疾 = 否", "成员[1] 补助 给予，每月 200.00 元/月，由 甲、乙")
    together = case("残疾 = 是", "成员[1] 补助 给予，每月 100.00 元/月")
    apart = case("残疾 = 否", "成员[1] 补助 给予，每月 200.00 元/月")
    assert len(report(rules(*grants, alone), {}).failing) == 1  # 甲 decides nothing where nobody is disabled
    assert "乙/让位于:去掉甲" in unnoticed(rules(*grants, apart))
    assert "乙/让位于:去掉甲" not in unnoticed(rules(*grants, apart, together))


def test_a_duty_dropped_is_noticed() -> None:
    duty = clause("己", "条件：残疾", "必须：建档，完成 已办，期限 未规定，由 「民政」")
    done = case("残疾 = 是、已办 = 是", "成员[1] 己 已办")
    none = case("残疾 = 否、已办 = 否", "成员[1] 己 未满足")
    undone = case("残疾 = 是、已办 = 否", "成员[1] 己 未办")
    assert unnoticed(rules(duty, undone)) == {"己/条件:去掉条件", "己/效果:去掉完成"}
    assert unnoticed(rules(duty, done, none)) == set()


@pytest.mark.parametrize("asks", ["符合 甲", "户.户得"])
def test_a_term_that_only_another_clause_reads_is_within_the_slice(asks: str) -> None:
    term = "定义 穷 对每个 人 (needy)\n    = 月收入 低于 500 元/月"
    household = "定义 户得 对每个 户 (some_aid)\n    = 任一 成员 满足 (获得 补助)"
    reads = clause("乙", f"条件：{asks}", "给予：津贴，每月 1 元/月")
    only = case("月收入 = 500 元/月", "成员[1] 津贴 不符合")
    policies = rules(term, household, clause("甲", "条件：穷", AID), reads, only)
    mutant = made(policies)["needy/定义/1:小于→不大于"]
    asked, _ = questions(policies)
    assert [question.concerns(mutant) for question in asked] == [True]
    assert notices(mutant, asked) is asked[0]


def test_what_no_answer_read_is_not_asked_again() -> None:
    policies = rules(POOR, clause("乙", "条件：残疾", "给予：津贴，每月 1 元/月"), EQUAL)
    asked, _ = questions(policies)
    own = {ident for ident, mutant in made(policies).items() if any(q.concerns(mutant) for q in asked)}
    assert own == {ident for ident in made(policies) if ident.startswith("甲/")}


def test_rules_that_would_wait_for_themselves_are_noticed() -> None:
    stop = clause("丙", "条件：符合 甲 并且 受阻 甲", "不给予：补助")
    policies = rules(
        clause("甲", "条件：残疾", AID, "优先于：丙"), stop, case("残疾 = 是", "成员[1] 补助 给予")
    )
    assert "丙/让位于:去掉甲" in made(policies)
    assert "丙/让位于:去掉甲" not in unnoticed(policies)


def test_outside_its_slice_a_mutant_changes_no_answer() -> None:
    term = "定义 穷 对每个 人 (needy)\n    = 月收入 低于 500 元/月"
    declared = [
        term, clause("甲", "条件：穷", AID), clause("乙", "给予：补助，每月 200 元/月", "让位于：甲"),
        clause("丙", "条件：任一 成员 满足 已办", "不给予：补助 及成员", entity="户"),
        clause("丁", "条件：残疾", "给予：津贴，每月 1 元/月"), clause("戊", "给予：户补，一次 1 元", entity="户"),
        "互斥 二选一 (one_of_two)：补助、津贴 取高", clause("己", "条件：有 等级", "不得：建档"),
        case("月收入 = 1 元/月、残疾 = 是", "成员[1] 补助 给予", "成员[1] 津贴 被替代", "户补 给予", "成员[1] 己 未满足"),
        case("月收入 = 1 元/月、已办 = 是", "成员[1] 补助 排除", "成员[1] 津贴 不符合", "户补 给予"),
    ]  # fmt: skip
    policies = rules(*declared)
    asked, failing = questions(policies)
    assert not failing
    outside = [(m, q) for m in made(policies).values() for q in asked if not q.concerns(m)]
    assert len(outside) > 50
    for mutant, question in outside:
        engine = question.prepared.interpreter(mutant.of(question.program))
        assert missed(engine, question.expected) is None, (mutant.id, question.expected)


def test_the_mutant_is_made_of_the_program_that_the_case_assumes() -> None:
    line = "参数 标准 (line)：金额 元/月\n    范围：0 元/月 至 10000 元/月"
    poor = clause("甲", "条件：月收入 低于 标准", AID)
    set_here = EQUAL.replace("    其余为无", "    设定：标准 = 500 元/月\n    其余为无")
    below = BELOW.replace("    其余为无", "    设定：标准 = 500 元/月\n    其余为无")
    assert unnoticed(rules(line, poor, set_here, below)) == set()


# ---- the report --------------------------------------------------------------------------------------------------------


def test_a_case_that_fails_without_any_change_is_told_and_asks_nothing() -> None:
    wrong = case("月收入 = 500 元/月", "成员[1] 补助 给予")
    found = report(rules(POOR, wrong), {})
    assert [len(verdict.misses) for verdict in found.failing] == [1]
    assert not found.noticed and not found.passed


def test_the_summary_line_is_the_last_and_rounds_down() -> None:
    found = report(rules(POOR, BELOW), {})
    total = len(made(rules(POOR)))
    missed = len(found.unnoticed)
    share = (total - missed) * 100 // total
    *rest, last = found.lines("zh")
    assert last == f"mutants noticed: {total - missed} of {total}, {share} %"
    assert rest[0] == "甲"
    assert any("500.00" in line and "[甲/条件/2:500.00→500.01]" in line for line in rest)
    assert Report(found.noticed[:1] * 2, found.unnoticed[:1], (), (), ()).percent == 66


def test_an_argued_mutant_is_counted_apart() -> None:
    policies = rules(POOR, BELOW)
    argued = {"甲/条件/1:小于→不大于": "收入不会恰好是五百元"}
    found = report(policies, argued)
    assert [(mutant.id, reason) for mutant, reason in found.equivalent] == list(argued.items())
    assert found.counted == len(made(policies)) - 1
    assert found.unused == ()
    assert not found.passed  # one of a dozen is more than 3 %


@pytest.mark.parametrize(
    ("ident", "reason"),
    [
        ("甲/条件/2:500.00→499.99", "案例已经察觉"),
        ("甲/条件/1:小于→不大于", "  "),
    ],
)
def test_an_argument_that_serves_nothing_is_told(ident: str, reason: str) -> None:
    found = report(rules(POOR, BELOW), {ident: reason})
    assert found.unused == (ident,)
    assert not found.equivalent and not found.passed
    assert any(ident in line for line in found.lines("en"))


def test_all_noticed_passes() -> None:
    found = report(rules(POOR, BELOW, EQUAL), {})
    assert found.passed and found.percent == 100


def test_the_arguments_stand_beside_the_cases(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "sources").mkdir()
    (tmp_path / "cases/equivalent.toml").write_text('"甲/条件/1:小于→不大于" = "理由"\n', "utf-8")
    (tmp_path / "a.rules").write_text("\n\n".join([WORDS, POOR]), "utf-8")
    (tmp_path / "cases/b.rules").write_text("语言 1\n\n" + BELOW, "utf-8")
    policies, _ = examine(tmp_path, cases=True)
    assert policies is not None
    argued = equivalents(policies)
    assert argued == {"甲/条件/1:小于→不大于": "理由"}
    assert [mutant.id for mutant, _ in report(policies, argued).equivalent] == list(argued)


def folder(place: Path, argued: bytes, head: str = "语言 1") -> Policies:
    (place / "cases").mkdir()
    (place / "sources").mkdir()
    (place / "a.rules").write_text("\n\n".join([WORDS.replace("语言 1", head), POOR]), "utf-8")
    (place / "cases/equivalent.toml").write_bytes(argued)
    policies, found = examine(place, cases=True)
    assert policies is not None, found
    return policies


@pytest.mark.parametrize(
    ("argued", "line", "why"),
    [
        ('# 头一行\n"甲/条件/1:小于→不大于" "理由"\n', 2, "写法不对"),
        ('"甲/条件/1:小于→不大于" = "一"\n"甲/条件/1:小于→不大于" = "二"\n', 2, "写了两次"),
        ('"甲/条件/1:小于→不大于" = "没有写完', 1, "写法不对"),
        ('"甲/条件/1:小于→不大于" = "  "\n', 1, "没有写理由"),
        ('\n"甲/条件/1:小于→不大于" = 3\n', 2, "没有写理由"),
        ('["甲/条件/1:小于→不大于"]\nbecause = "理由"\n', 1, "没有写理由"),
        ('# x\n\n"甲/条件/9:小于→不大于" = "理由"\n', 3, "没有「甲/条件/9:小于→不大于」这一项"),
        ('# 没有的\nabc = ""\n', 2, "「abc」没有写理由"),
        ('"没有的" = "理由"\n', 1, "没有「没有的」这一项"),
    ],
)
def test_arguments_that_cannot_be_read_are_told_with_their_line(
    argued: str, line: int, why: str, tmp_path: Path
) -> None:
    policies = folder(tmp_path, argued.encode())
    with pytest.raises(PolicyError) as raised:
        equivalents(policies)
    (error,) = raised.value.diagnostics
    assert error.where == f"{tmp_path.name}/cases/equivalent.toml:{line}"
    assert why in error.message() and error.help()
    assert not re.search("[A-Za-z]{4}", error.message())  # no word of the parser's


def test_a_name_nearly_right_is_answered_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as raised:
        equivalents(folder(tmp_path, '"甲/条件/1:小于→大于" = "理由"'.encode()))
    assert "甲/条件/1:小于→不大于" in raised.value.diagnostics[0].help()


@pytest.mark.parametrize(("head", "said"), [("语言 1", "错误 R012"), ("language 1", "error R012")])
def test_the_command_tells_it_in_the_language_of_the_rules_and_exits_with_2(
    head: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path, b"= 1\n", head)
    ran = CliRunner().invoke(app, ["test", "--mutants", str(tmp_path)])
    assert ran.exit_code == 2
    assert said in ran.stderr and "Traceback" not in ran.stderr


def test_the_arguments_beside_the_bundled_cases_name_mutants_that_are_made() -> None:
    policies, _ = examine(bundled(), cases=True)
    assert policies is not None
    argued = equivalents(policies)
    assert 100 * len(argued) <= MOST_EQUIVALENT * len(changes(policies))


def test_arguments_in_no_known_encoding_are_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as raised:
        equivalents(folder(tmp_path, b"\xff\xff\x80"))
    assert [error.code for error in raised.value.diagnostics] == ["L004"]
