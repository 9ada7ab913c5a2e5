"""性质: how they are written, what is wrong with those that cannot be meant, what the interpreter says of one household."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from policykit import ir, loader
from policykit.casework.trials import prepare, programs
from policykit.coverage import changes
from policykit.diagnostics import Diagnostic, PolicyError
from policykit.engine.interpreter import Interpreter
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.source import Source
from policykit.values import FALSE, NONE, TRUE, Bounds

WORDS = """语言 1
文本 办法 (law) 未收录

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 5 个
    记录 收入项 (items)：收入项

实体 人 (person) 计 人

实体 收入项 (item)

事实 户.收入 (income)：金额 元/月
    范围：0 元/月 至 10000 元/月

事实 户.称谓 (title)：文字

事实 户.困难 (poor)：是否

事实 户.旱灾 (drought)：是否

事实 收入项.年金额 (yearly)：金额 元/年
    范围：0 元/年 至 10000 元/年

事实 人.残疾 (disabled)：是否

待遇 补助 (aid) 对每个 户

待遇 津贴 (allowance) 对每个 人

待遇 救济 (relief) 对每个 户

待遇 空名 (unpaid) 对每个 户

定义 收入之半 对每个 户 (half) = 收入 ÷ 2

条款 发补助 (grant_aid)
    依据：办法 第一条
    对每个 户
    适用范围：困难
    条件：收入 低于 300 元/月
    给予：补助，每月 300 元/月 - 收入

条款 发津贴 (grant_allowance)
    依据：办法 第二条
    对每个 人
    条件：残疾
    给予：津贴，每月 50 元/月

条款 发救济 (grant_relief)
    依据：办法 第三条
    对每个 户
    适用范围：旱灾
    可给予：救济，一次 100 元/月 × 月数
    裁量：月数 (months)：1 至 3 个月，由 「镇」
"""

COVERED = """
性质 困难户有补助 (poor_get_aid) 2020-01-01 起
    依据：办法 第一条
    对每个 户
    设：困难
    设：收入 低于 300 元/月
    则：结果 补助 为 给予 并且 应发金额 补助 超过 0 元/月
    英文：「The poor get aid」
"""
FALLS = """
性质 收入多补得不多 对每个 户 (aid_falls)
    设：困难
    则：随 户.收入 增 则 应发金额 补助 不增
"""

DAY = date(2020, 6, 1)


def claim(text: str) -> ir.Property:
    (found,) = loader.load_text(WORDS + text).program.properties
    return found


# ---- what is read ---------------------------------------------------------------------------------------------------


def test_a_claim_with_what_it_assumes() -> None:
    found = claim(COVERED)
    assert (found.basis.name, found.entity) == (
        ir.Name("poor_get_aid", "困难户有补助", "The poor get aid"),
        "household",
    )
    assert [cite.locator for cite in found.basis.cites] == ["第一条"]
    assert [ir.shape(given) for given in found.given] == ["self.poor", "lt(self.income, 30000)"]
    assert found.then is not None and found.monotone is None
    assert ir.shape(found.then) == "and(eq(outcome aid(self), 'granted'), gt(amount aid(self), 0))"
    assert (found.period.start, found.period.end) == (date(2020, 1, 1), None)


@pytest.mark.parametrize(("word", "way"), [("不增", "never_rises"), ("不减", "never_falls")])
def test_an_amount_that_moves_with_a_fact(word: str, way: str) -> None:
    found = claim(FALLS.replace("不增", word))
    assert found.monotone == ir.Monotone("household", "income", "aid", way)  # type: ignore[arg-type]
    assert found.then is None and len(found.given) == 1


def test_english_says_the_same() -> None:
    zh = claim(FALLS)
    en = claim(
        "\nproperty aid_falls for each household\n    assuming: poor\n"
        "    then: as household.income rises then amount of aid never rises\n"
    )
    assert (en.monotone, list(map(ir.shape, en.given))) == (zh.monotone, list(map(ir.shape, zh.given)))


def test_a_line_that_begins_with_then_goes_on_with_the_if_above_it() -> None:
    found = claim("\n性质 甲 对每个 户 (a)\n    设：如果 困难\n        则 旱灾 否则 是\n    则：旱灾\n")
    assert [ir.shape(given) for given in found.given] == ["if(self.poor, self.drought, True)"]
    assert found.then is not None and ir.shape(found.then) == "self.drought"


def test_versions_may_follow_each_other_and_not_overlap() -> None:
    older = "\n性质 甲 对每个 户 (a) 2020-01-01 起 至 2020-06-30\n    则：困难\n"
    newer = "\n性质 甲 对每个 户 (a) 2020-07-01 起\n    则：旱灾\n"
    assert len(loader.load_text(WORDS + older + newer).program.properties) == 2
    overlapping = newer.replace("07-01", "06-30")
    assert [d.code for d in found(older + overlapping)] == ["C003"]


# ---- what is wrong ----------------------------------------------------------------------------------------------------


def found(text: str) -> list[Diagnostic]:
    """The errors in some properties."""
    every = loader.compile_all([Source("rules.rules", WORDS + text)], ())[1]
    return [d for d in every if d.severity == "error"]


def of_household(*lines: str) -> str:
    return "\n    ".join(["\n性质 某性质 对每个 户 (some)", *lines]) + "\n"


WRONG: dict[str, tuple[str, str, str, str]] = {
    # what is written; the code; the words it points at; what the message or help must name
    "no such clause": (of_household("则：符合 发补肋"), "N001", "发补肋", "发补助"),
    "no such measure": (of_household("则：结果 补肋 为 给予"), "N001", "补肋", "补助"),
    "no such fact": (of_household("设：困难户", "则：困难"), "N001", "困难户", "困难"),
    "no such outcome": (of_household("则：结果 补助 为 给了"), "T004", "给了", "给予"),
    "no such measure to be paid": (of_household("则：应发金额 补肋 超过 0 元/月"), "N001", "补肋", "补助"),
    "nothing is claimed": (of_household("设：困难"), "P006", "某性质", "则"),
    "two claims": (of_household("则：困难", "则：旱灾"), "P005", "则：", "则"),
    "both forms": (of_household("则：困难", "则：随 户.收入 增 则 应发金额 补助 不增"), "P005", "则：", "则"),
    "about nobody": ("\n性质 某性质 (some)\n    则：是\n", "P006", "某性质", "对每个"),
    "a field of a clause": (of_household("条件：困难", "则：困难"), "P007", "条件：", "条件"),
    "a claim that is a number": (of_household("则：收入"), "T002", "收入", "是否"),
    "an assumption that is a number": (of_household("设：收入", "则：困难"), "T002", "收入", "是否"),
    "ignorance": (of_household("则：待定(困难)"), "T002", "待定(困难)", "发现"),
    "then without its colon": (of_household("则 困难"), "P001", "则", "则："),
    "an amount by month compared with one paid once": (
        of_household("则：应发金额 补助 超过 0 元"), "T001", "应发金额 补助 超过 0 元", "元/月"),
    "a measure that nobody grants": (of_household("则：应发金额 空名 不为 无"), "C011", "空名", "没有条款给予"),
    "a measure of nobody here": (of_household("则：应发金额 津贴 不为 无"), "T002", "应发金额 津贴", "人"),
    "a rising text": (of_household("则：随 户.称谓 增 则 应发金额 补助 不增"), "T002", "称谓", "数"),
    "a rising term": (of_household("则：随 户.收入之半 增 则 应发金额 补助 不增"), "N004", "收入之半", "事实"),
    "a rising list": (of_household("则：随 户.成员 增 则 应发金额 补助 不增"), "N004", "成员", "事实"),
    "a rising fact that is not there": (of_household("则：随 户.收人 增 则 应发金额 补助 不增"), "N001", "收人", "收入"),
    "a rising fact of nothing": (of_household("则：随 收入 增 则 应发金额 补助 不增"), "T002", "收入", "实体.事实"),
    "a rising fact of no entity": (of_household("则：随 村.收入 增 则 应发金额 补助 不增"), "N001", "村", "实体"),
    "a rising fact and no measure": (of_household("则：随 户.收入 增 则 应发金额 补肋 不增"), "N001", "补肋", "补助"),
    "a rising fact and a measure of others": (
        of_household("则：随 户.收入 增 则 应发金额 津贴 不增"), "C011", "津贴", "没有条款给予"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant(name: str) -> None:
    text, code, at, told = WRONG[name]
    (error,) = found(text)
    assert error.code == code
    assert error.span is not None
    source = WORDS + text
    assert source[error.span.start : error.span.end].strip().startswith(at)
    assert told in f"{error.message()} {error.help()} {error.fix}"


def test_an_amount_paid_in_two_ways() -> None:
    once = "\n条款 一次补助 (once)\n    依据：办法 第四条\n    对每个 户\n    条件：旱灾\n    给予：补助，一次 9 元\n    让位于：发补助\n"
    (error,) = found(once + of_household("则：应发金额 补助 不为 无"))
    assert error.code == "C011" and "有的按月、有的一次" in error.message()


def test_only_a_property_asks_an_amount() -> None:
    (error,) = found("\n提示 甲 对每个 户 (a)\n    条件：应发金额 补助 超过 0 元/月\n    内容：「甲」\n")
    assert (error.code, error.message()) == ("T002", "这里要只在 性质 中使用，得到的是应发金额")


def test_a_fault_in_a_property_is_told_where_it_stands_and_the_rest_is_loaded() -> None:
    text = WORDS + of_household("则：符合 无此条款") + COVERED
    program, _, _, _ = loader._understand([Source("rules.rules", text)], (), {})
    assert program is not None and [p.basis.name.id for p in program.properties] == ["poor_get_aid"]


def test_a_use_in_a_property_is_no_use() -> None:
    """What nothing but a claim reads decides nothing: it is reported as unused all the same."""
    text = "\n定义 受灾 对每个 户 (stricken) = 旱灾\n" + of_household("设：受灾", "则：困难")
    every = loader.compile_all([Source("rules.rules", WORDS + text)], (), lints=True)[1]
    assert "受灾" in {dict(d.fields)["name"] for d in every if d.code == "W007"}


# ---- one household ------------------------------------------------------------------------------------------------------


def engine(text: str = COVERED, rulings: tuple[dict[str, Any], ...] = (), **facts: Any) -> Interpreter:
    program = loader.load_text(WORDS + text).program
    case = read_case(program, {"items": [], "members": [{}], **facts}, DAY)
    made, chosen, errors = read_rulings(program, case, rulings)
    assert not errors
    return Interpreter(program, case, DAY, made, chosen)


def paid(measure: str, rulings: tuple[dict[str, Any], ...] = (), **facts: Any) -> Any:
    asked = engine(COVERED, rulings, **facts)
    return asked.first.verdict("amount", measure, asked.case.root)


def test_what_is_paid() -> None:
    assert paid("aid", poor=True, income="120.50元/月") == Bounds(17950, 17950)
    assert paid("aid", poor=True, income="300元/月") == NONE
    assert paid("aid", poor=False, income="0元/月") == NONE


def test_what_is_paid_while_facts_are_missing() -> None:
    """300 − 收入, where 收入 lies between 0 and 10000 and aid is granted below 300 only."""
    income = paid("aid", poor=True)
    assert (income.none, income.known, bool(income.missing)) == (True, False, True)
    poor = paid("aid", income="100元/月")
    assert (poor.lo, poor.hi, poor.none) == (20000, 20000, True)


def test_what_is_paid_waits_for_no_approver() -> None:
    """可给予 is nothing until a ruling grants it: two months of 100 元."""
    ruling = {"clause": "发救济", "by": "镇", "date": DAY, "choose": {"月数": 2}}
    declined = {"clause": "发救济", "by": "镇", "date": DAY, "decline": True}
    assert paid("relief", drought=True) == NONE
    assert paid("relief", (ruling,), drought=True) == Bounds(20000, 20000)
    assert paid("relief", (declined,), drought=True) == NONE


def test_two_amounts_for_one_grant_pay_nothing() -> None:
    """A measure that two clauses grant by different rules at once is a conflict, and of a conflict nothing is paid."""
    second = "\n条款 另发补助 (more)\n    依据：办法 第五条\n    对每个 户\n    适用范围：旱灾\n    给予：补助，每月 10 元/月\n    让位于：发补助\n"
    program = loader.load_text(WORDS + second).program
    unranked = {ident: frozenset[str]() for ident in program.blockers}
    loose = ir.Program(**{f: getattr(program, f) for f in ir.Program.__slots__} | {"blockers": unranked})
    for drought, expected in ((True, NONE), (False, Bounds(20000, 20000))):
        case = read_case(
            loose, {"items": [], "members": [{}], "poor": True, "income": "100元/月", "drought": drought}, DAY
        )
        assert Interpreter(loose, case, DAY, (), ()).first.verdict("amount", "aid", case.root) == expected


HOLDS: dict[str, tuple[dict[str, Any], bool | None, bool | None]] = {
    # facts; whether what is assumed holds, and what is concluded (None: not known); where it does not, nothing is
    "covered": ({"poor": True, "income": "100元/月"}, True, True),
    "over the line": ({"poor": True, "income": "300元/月"}, False, True),
    "not poor": ({"poor": False, "income": "100元/月"}, False, True),
    "income unknown": ({"poor": True}, None, None),
    "poverty unknown": ({"income": "400元/月"}, False, True),
}


@pytest.mark.parametrize("name", HOLDS)
def test_a_property_of_one_household(name: str) -> None:
    facts, given, then = HOLDS[name]
    asked = engine(**facts)
    (prop,) = asked.program.properties
    for got, wanted in zip(asked.property(prop, asked.case.root), (given, then), strict=True):
        assert (got.lo, got.hi) == ((False, True) if wanted is None else (wanted, wanted))


def test_of_one_household_a_monotone_property_concludes_nothing() -> None:
    asked = engine(FALLS, poor=True, income="100元/月")
    (prop,) = asked.program.properties
    assert asked.property(prop, asked.case.root) == (TRUE, TRUE)
    asked = engine(FALLS, poor=False)
    assert asked.property(prop, asked.case.root)[0] == FALSE


# ---- the texts --------------------------------------------------------------------------------------------------------------


def test_a_property_is_read_again_when_its_sentence_changes() -> None:
    program = loader.load_bundled().program
    quoting = {basis.name.id for kind, basis in changes._quoting(program) if kind == "property"}
    assert "tekun_reached" in quoting


# ---- the bundled properties on every bundled case ------------------------------------------------------------------------------


def on_every_case() -> Iterator[tuple[str, str, Bounds, Bounds]]:
    """Each property, a name for the subject, what is assumed and what is concluded of it."""
    policies = loader.load(loader.bundled(), loader.bundled() / "cases")
    program_of = programs(policies)
    for example in policies.program.examples:
        for number, trial in enumerate(example.trials):
            program = program_of(example)
            try:
                asked = prepare(program, example, trial).interpreter(program)
            except PolicyError:  # a case of bad input
                continue
            for prop in program.properties:
                if prop.period.holds(example.on):
                    for record in asked.case.of(prop.entity):
                        given, then = asked.property(prop, record)
                        yield prop.basis.name.id, f"{example.name.zh} {number + 1} {record.path}", given, then


def test_no_bundled_case_breaks_a_property_and_every_property_is_reached() -> None:
    """Nowhere does what is assumed surely hold and what is concluded surely not; and no assumption is idle."""
    broken, reached = [], Counter[str]()
    for name, subject, given, then in on_every_case():
        reached[name] += given.lo
        if given.lo and not then.hi:
            broken.append(f"{name}: {subject}")
    assert not broken
    assert {p.basis.name.id for p in loader.load_bundled().program.properties} == {
        n for n, seen in reached.items() if seen
    }
