"""Claims that are false, each for a reason that a prover may overlook: a proof of one would be the worst of errors.

Every claim is broken by a household that is worked out by hand beside it; the few that hold stand beside them.
"""

from __future__ import annotations

from datetime import date

import pytest

from policykit.comparing.compare import compare
from policykit.comparing.differences import Incomparable
from policykit.engine.smt.variables import Size
from policykit.loader import load_text
from policykit.proving.prove import Proof, prove

HEAD = """语言 1
文本 办法 (rules) 未收录

实体 户 (household) 计 户
    记录 决定书 (awards)：决定
    引用 原决定 (former)：决定 或 无
    组成 成员 (members)：人 1 至 10 个
    组成 寄住 (lodgers)：人 0 至 10 个

实体 人 (person) 计 人
    记录 收入项 (income_items)：收入项
    引用 配偶 (spouse)：人 或 无

实体 收入项 (income_item)
实体 决定 (award)
    知悉日：决定日期

事实 决定.决定日期 (decided)：日期
    范围：2000-01-01 至 今日
事实 户.困难户 (poor)：是否
事实 户.房租 (rent)：金额 元/月
    范围：0 元/月 至 房租上限
事实 户.甲 (a)：金额 元
    范围：0 元 至 1000 元
事实 户.乙 (b)：数 人
    范围：1 人 至 1000 人
事实 户.丙 (c)：数 户
    范围：0 户 至 10 户
事实 户.月数 (months)：数 个月
事实 户.天数 (days)：数 天
    范围：0 天 至 100 天
事实 户.起日 (since)：日期
    范围：2020-01-01 至 2020-12-31
事实 人.患病 (ill)：是否
事实 人.生日 (born)：日期
    范围：1900-01-01 至 今日
事实 收入项.月额 (monthly)：金额 元/月
    范围：0 元/月 至 1000 元/月
事实 收入项.起算日 (from_day)：日期
    范围：2025-01-01 至 今日

参数 房租上限 (cap)：金额 元/月
    范围：0 元/月 至 100000 元/月
设 房租上限 = 100 元/月 2020-01-01 起 至 2020-12-31
设 房租上限 = 900 元/月 2021-01-01 起
参数 扣除 (deduction)：金额 元/月
    范围：0 元/月 至 房租上限

待遇 补助 (aid) 对每个 户
条款 给补助 (give_aid) 2020-01-01 起
    依据：办法 第一条
    对每个 户
    适用范围：困难户
    给予：补助，每月 100 元/月
"""

ELDEST = "定义 长者 对每个 户 (eldest) = 最早 成员 按 生日\n"

#: what is overlooked → a claim, and the entity it is made of
FALSE = {
    # from 2021 on the rent may be 900 yuan, for the range of the fact names a parameter that changes
    "the range of a fact changes": ("户", "则：房租 不超过 100 元/月"),
    "the range of a parameter changes": ("户", "则：扣除 不超过 100 元/月"),
    # before 2025 no income item can have a day; households without items live all the same
    "a day on which a range is empty": (
        "户",
        "设：今日 早于 2024-01-01\n    则：任一 成员 满足 (任一 收入项 满足 (起算日 早于 2026-01-01))",
    ),
    # one lodger is ill, no member is
    "members of two lists": ("人", "设：患病\n    则：任一 户.成员 满足 患病"),
    # of two born on one day the first written is the eldest; the second is ill
    "the second of two equals": (
        "人",
        "设：任一 户.成员 满足 患病\n    设：全部 户.成员 满足 (生日 等于 2000-01-01)\n    设：没有 户.寄住\n    设：患病\n    则：户.长者.患病",
    ),
    # 10 yuan among 3 are 3.33 yuan each, 9.99 together
    "rounding of a quotient of two unknowns": ("户", "则：四舍五入到分(甲 ÷ 乙) × 乙 等于 甲"),
    # 1 ÷ 2 × 4 is 2
    "a quotient with few whole values": (
        "户",
        "设：丙 等于 1 户\n    设：乙 等于 2 人\n    设：天数 等于 4 天\n    则：丙 ÷ 乙 × 天数 等于 40 户·天/人",
    ),
    # 200,000 months are more than 16,000 years, and the calendar ends with the year 9999
    "the end of the calendar": ("户", "设：月数 不低于 200000 个月\n    则：2020-01 + 月数 不等于 9999-12"),
    # half a month is no month
    "half a month after a month": ("户", "设：月数 等于 1 个月\n    则：2020-01 + 月数 ÷ 2 不等于 2020-01"),
    "half a month after a day": ("户", "设：月数 等于 1 个月\n    则：2020-01-05 + 月数 ÷ 2 不等于 2020-01-05"),
    # half a day is none, and 1 day is a number of days like another
    "half a day": ("户", "设：2020-01-01 + 天数 ÷ 2 晚于 2019-01-01\n    则：天数 不等于 1 天"),
    # the former decision may be the one in the list
    "a record of a list that is referred to": (
        "户",
        "设：有 原决定\n    则：并非 (任一 决定书 称 x 满足 (x 为 原决定))",
    ),
    # a household of one, whose spouse is said to be himself: nonsense, and yet it can be written down
    "who refers to himself": (
        "人",
        "设：有 配偶\n    则：并非 ((计数 户.成员) 等于 1 人 并且 没有 户.寄住 并且 (任一 户.成员 称 x 满足 (x 为 x.配偶)))",
    ),
}  # fmt: skip


TINY = Size(2, 1)


def verdict(rules: str, name: str, size: Size = TINY) -> Proof:
    program = load_text(HEAD + rules).program
    (proof,) = prove(program, size=size, only=[name], cores=1).proofs
    return proof


@pytest.mark.parametrize("overlooked", FALSE)
def test_what_is_false_is_not_proved(overlooked: str) -> None:
    entity, said = FALSE[overlooked]
    rules = f"性质 说法 (claim) 2020-01-01 起\n    对每个 {entity}\n    {said}\n"
    proof = verdict(ELDEST + rules if "长者" in said else rules, "claim")
    assert proof.state == "refuted", proof.why
    assert proof.shown is not None


MORE_LATER = """条款 给多 (give_more) 2020-01-01 起
    依据：办法 第二条
    对每个 户
    适用范围：起日 + 天数 + 天数 不早于 2020-06-01
    优先于：给补助
    给予：补助，每月 200 元/月
性质 不增 (never_rises) 2020-01-01 起
    对每个 户
    则：随 户.天数 增 则 应发金额 补助 不增
性质 不减 (never_falls) 2020-01-01 起
    对每个 户
    则：随 户.天数 增 则 应发金额 补助 不减
"""


def test_a_day_counted_from_what_rises_is_another_day() -> None:
    """The later the day that is reached, the more is paid: never less, and at times more."""
    assert verdict(MORE_LATER, "never_rises").state == "refuted"
    assert verdict(MORE_LATER, "never_falls").state == "proved"


OUTLIVES = """定义 决定日 对每个 户 (decided_on) = 最大 决定书 取 决定日期
待遇 补贴 (subsidy) 对每个 户
条款 旧法 (old_way) 2020-01-01 起 至 2020-12-31
    依据：办法 第三条
    对每个 户
    期间按：决定日
    给予：补贴，每月 (如果 今日 晚于 2022-01-01 则 0 元/月 - 5 元/月 否则 5 元/月)
"""


def test_a_clause_that_outlives_its_period_is_looked_at_after_it() -> None:
    """Decided in 2020, it pays 5 yuan less than nothing from 2022 on."""
    program = load_text(HEAD + OUTLIVES).program
    (broken,) = [
        p for p in prove(program, size=Size(1, 1), only=["old_way"], cores=1).proofs if p.kind == "amount"
    ]
    assert broken.state == "refuted" and broken.shown is not None
    assert broken.shown.witness.on > date(2022, 1, 1)


def test_a_claim_about_what_is_nobody_is_no_proof() -> None:
    """Of an income item nothing is decided."""
    rules = "性质 说法 (claim) 2020-01-01 起\n    对每个 收入项\n    则：月额 低于 5 元/月\n"
    assert verdict(rules, "claim").state == "vacuous"


CARE = """待遇 护理 (care) 对每个 人
条款 给护理 (give_care) 2020-01-01 起
    依据：办法 第四条
    对每个 人
    适用范围：患病
    给予：护理，每月 5 元/月
"""


def test_a_lodger_who_loses_is_found() -> None:
    """An ill member stays in scope where an ill member is asked for; an ill lodger of healthy members does not."""
    old = load_text(HEAD + CARE).program
    new = load_text(HEAD + CARE.replace("范围：患病", "范围：患病 并且 (任一 户.成员 满足 患病)")).program
    rows = compare(old, new, size=Size(1, 1), only=["care"], cores=1).rows
    assert [shown.way for row in rows for shown in row.shown] == ["loses"]


def test_rule_sets_that_share_no_household_are_not_compared() -> None:
    """One declares households, the other nothing at all: there is no household to put to both."""
    full, empty = load_text(HEAD).program, load_text("语言 1\n").program
    for pair in ((full, empty), (empty, full)):
        with pytest.raises(Incomparable):
            compare(*pair, size=Size(1, 1), cores=1)


def test_without_members_nothing_is_shown_but_claims_are_settled() -> None:
    """Nobody has members here, so no household can be given; that the clause can apply is decided all the same."""
    rules = (
        "语言 1\n文本 办法 (rules) 未收录\n实体 户 (household)\n事实 户.困难户 (poor)：是否\n待遇 补助 (aid) 对每个 户\n"
        "条款 给补助 (give_aid)\n    依据：办法 第一条\n    对每个 户\n    适用范围：困难户\n    给予：补助，每月 1 元/月\n"
    )
    report = prove(load_text(rules).program, size=Size(1, 1), cores=1)
    assert [proof.state for proof in report.proofs] == ["proved", "proved"]
