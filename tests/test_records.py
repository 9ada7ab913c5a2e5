"""Household data: what is read, what is noted, what is refused, and where."""

import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.datafiles import MAX_FILE_BYTES, load_file
from policykit.diagnostics import PolicyError
from policykit.facts import MAX_DEPTH, MAX_RECORDS, Case, Given, Instance
from policykit.loader import load_text
from policykit.records import read_case
from policykit.values import FALSE, NONE, TRUE, Bounds, Month, Options, Subset, exactly

RULES = """
语言 1
政策 试验 (trial)

选项 关系 (relation)：户主 (head) = 2、配偶 (spouse) = 10、子女 (child)
选项 申请关系 (tie)：申请人 (applicant)、其他 (other)
选项 等级 (grade) 由重到轻：一级 (grade_1) = 1、二级 (grade_2) = 2、三级 (grade_3) = 3
选项 情形 (circumstance)：服刑 (in_prison) = 1、失踪 (missing) = 2

实体 户 (household) 计 户
    称呼：户名
    组成 成员 (members)：人 1 至 4 个
    记录 待遇记录 (awards)：待遇记录 2 至 3 个
    引用 联系人 (contact)：人 或 无

事实 户.户名 (title)：文字
事实 户.人口 (size)：数 人
事实 户.月收入 (income)：金额 元/月
    范围：0 元/月 至 100000 元/月
事实 户.结余 (balance)：金额 元
事实 户.补贴 (subsidy)：金额 元/月 或 无
事实 户.占比 (share)：数
事实 户.有车 (has_car)：是否
事实 户.建档月 (registered)：年月
    范围：2014-01 至 本月
事实 户.停发月 (stopped)：年月 或 无
事实 户.备用 (remark)：文字 或 无

实体 人 (person) 计 人
    称呼：姓名
    组成 孩子 (children)：孩子
    引用 义务人 (obligors)：人 若干
    引用 监护人 (guardian)：人
    记录 收入 (incomes)：收入

事实 人.姓名 (name)：文字
事实 人.身份证号 (id_number)：文字
事实 人.出生日期 (birth_date)：日期
    范围：1900-01-01 至 今日
事实 人.与户主关系 (relation_to_head)：选项 关系
事实 人.与申请人关系 (relation_to_applicant)：选项 申请关系
事实 人.残疾等级 (disability_grade)：选项 等级 或 无
    须凭据：「残疾人证」
事实 人.自理等级 (care_grade)：选项 等级
事实 人.死亡日期 (died_on)：日期 或 无
事实 人.情形 (circumstances)：多选 情形
事实 人.其他情形 (others)：多选 情形
    须凭据：「判决书」
事实 人.重病 (ill)：是否
    须凭据：「诊断证明」
事实 人.能自理 (independent)：是否
    须判断：「镇民政部门」
事实 人.自理项数 (points)：数 项
    范围：0 项 至 6 项

实体 孩子 (child_record)
事实 孩子.在校 (in_school)：是否

实体 收入 (income)
事实 收入.年金额 (yearly)：金额 元/年
    范围：0 元/年 至 1000000 元/年
事实 收入.已扣 (deducted)：金额 元/年
    范围：0 元/年 至 年金额

实体 待遇记录 (award)
事实 待遇记录.编号 (number)：文字
事实 待遇记录.月金额 (monthly)：金额 元/月
"""
PROGRAM = load_text(RULES).program
ON = date(2020, 6, 10)

SAMPLE_ID = "11010519491231002X"  # the sample printed in GB 11643
HOUSEHOLD_FACTS = {
    "title",
    "size",
    "income",
    "balance",
    "subsidy",
    "share",
    "has_car",
    "registered",
    "stopped",
    "remark",
}


def read(household: Any, language: Any = "zh") -> Case:
    return read_case(PROGRAM, household, ON, language)


def of_person(**facts: Any) -> dict[str, Any]:
    return {"members": [facts]}


def with_fact(fact: str, raw: Any) -> dict[str, Any]:
    """A household where one fact is given, on the record it belongs to."""
    return {fact: raw} if fact in HOUSEHOLD_FACTS else of_person(**{fact: raw})


def given_fact(fact: str, raw: Any) -> tuple[Given, list[str]]:
    """How one fact is read, and the codes of what is noted."""
    case = read(with_fact(fact, raw))
    return case.subjects[-1].facts[fact], [note.code for note in case.notes]


def faults(household: Any) -> list[tuple[str, str]]:
    """Code and place of every diagnostic of a household that is refused."""
    with pytest.raises(PolicyError) as caught:
        read(household)
    return [(found.code, found.where) for found in caught.value.diagnostics]


def message(household: Any, language: Any = "zh") -> str:
    with pytest.raises(PolicyError) as caught:
        read(household, language)
    return str(caught.value)


def months(year: int, month: int) -> Bounds:
    return Bounds(Month(year, month), Month(year, month))


def label(name: str | None) -> Options:
    return Options(frozenset([name]))


# ---- values ---------------------------------------------------------------------------------------------------------------


VALUES: list[tuple[str, Any, Any, bool]] = [
    ("has_car", True, TRUE, False),
    ("has_car", False, FALSE, False),
    ("has_car", "是", TRUE, False),
    ("has_car", " 否 ", FALSE, False),
    ("has_car", "有", TRUE, True),
    ("has_car", "无", FALSE, True),
    ("has_car", "√", TRUE, True),
    ("has_car", "×", FALSE, True),
    ("has_car", "Yes", TRUE, True),
    ("has_car", "no", FALSE, True),
    ("income", 1200, Bounds(120000, 120000), False),
    ("income", 1200.5, Bounds(120050, 120050), False),
    ("income", 0.07, Bounds(7, 7), False),
    ("income", Decimal("910.00"), Bounds(91000, 91000), False),
    ("income", Decimal("1E+3"), Bounds(100000, 100000), False),
    ("income", "1200", Bounds(120000, 120000), False),
    ("income", "1200.50", Bounds(120050, 120050), False),
    ("income", "1,200元", Bounds(120000, 120000), True),
    ("income", "1,200.00", Bounds(120000, 120000), True),
    ("income", "１２００", Bounds(120000, 120000), True),
    ("income", "１，２００．５元", Bounds(120050, 120050), True),
    ("income", "1200 元/月", Bounds(120000, 120000), True),
    ("balance", "5角", Bounds(50, 50), True),
    ("balance", -3, Bounds(-300, -300), False),
    ("balance", "-0.01", Bounds(-1, -1), False),
    ("subsidy", "无", NONE, False),
    ("subsidy", "none", NONE, False),
    ("subsidy", {"value": "无", "source": "核查表"}, NONE, False),
    ("size", 3, Bounds(3, 3), False),
    ("size", 3.0, Bounds(3, 3), False),
    ("size", "3人", Bounds(3, 3), True),
    ("share", "30%", Bounds(Fraction(3, 10), Fraction(3, 10)), True),
    ("registered", "2020-04", months(2020, 4), False),
    ("registered", "2020年4月", months(2020, 4), True),
    ("registered", "2020.4", months(2020, 4), True),
    ("registered", "2019/10", months(2019, 10), True),
    ("registered", "２０２０－０４", months(2020, 4), True),
    ("registered", Month(2020, 4), months(2020, 4), False),
    ("registered", "2020-06", months(2020, 6), False),
    ("stopped", "无", NONE, False),
    ("birth_date", "1970-04-06", exactly(date(1970, 4, 6)), False),
    ("birth_date", date(1970, 4, 6), exactly(date(1970, 4, 6)), False),
    ("birth_date", "1970.4.6", exactly(date(1970, 4, 6)), True),
    ("birth_date", "1970/4/6", exactly(date(1970, 4, 6)), True),
    ("birth_date", "1970年4月6日", exactly(date(1970, 4, 6)), True),
    ("birth_date", "2020-06-10", exactly(ON), False),
    ("died_on", "无", NONE, False),
    ("remark", "无", NONE, False),
    ("remark", " 住 老屋 ", label("住 老屋"), False),
    ("remark", "none", NONE, False),
    ("care_grade", "二级", label("grade_2"), False),
    ("care_grade", "grade_2", label("grade_2"), False),
    ("care_grade", 2, label("grade_2"), True),
    ("care_grade", "２", label("grade_2"), True),
    ("disability_grade", "无", label(None), False),
    ("disability_grade", {"值": "一级", "来源": "残疾人证"}, label("grade_1"), False),
    ("circumstances", [], Subset(frozenset(), frozenset()), False),
    ("circumstances", ["服刑"], exactly(frozenset(["in_prison"])), False),
    ("circumstances", ["missing", 1], exactly(frozenset(["in_prison", "missing"])), True),
    ("points", 6, Bounds(6, 6), False),
]


@pytest.mark.parametrize(("fact", "raw", "value", "noted"), VALUES)
def test_value_is_read(fact: str, raw: Any, value: Any, noted: bool) -> None:
    found, notes = given_fact(fact, raw)
    assert (found.value, notes) == (value, ["R005"] * noted)


def test_a_note_says_what_was_read() -> None:
    (note,) = read({"月收入": "１,２００元"}).notes
    assert (note.where, note.message()) == ("月收入", "`１,２００元` 已读作 1200元")


@pytest.mark.parametrize(
    ("fact", "raw", "code"),
    [
        ("has_car", "也许", "R002"),
        ("has_car", 1, "R002"),
        ("has_car", "", "R002"),
        ("has_car", [], "R002"),
        ("income", 1200.555, "R002"),
        ("income", 0.1 + 0.2, "R002"),
        ("income", Decimal("1200.555"), "R002"),
        ("income", "1200.555", "R002"),
        ("income", "12,00", "R002"),
        ("income", "1.2万元", "R002"),
        ("income", "1200元/年", "R002"),
        ("income", "3人", "R002"),
        ("income", "一千二", "R002"),
        ("income", True, "R002"),
        ("income", float("nan"), "R002"),
        ("income", float("inf"), "R002"),
        ("income", Decimal("NaN"), "R002"),
        ("income", Decimal("1E+999999"), "R002"),
        pytest.param("income", 10**5000, "R002", id="income-huge"),
        pytest.param("income", "9" * 5000, "R002", id="income-long"),
        ("income", "1e3", "R002"),
        ("income", "无", "R002"),
        ("income", [1], "R002"),
        ("income", {1, 2}, "R002"),
        ("income", object(), "R002"),
        ("income", -1, "R003"),
        ("income", 100000.01, "R003"),
        ("balance", 10**10, "R003"),
        ("size", 3.5, "R002"),
        ("size", "3.5人", "R002"),
        ("size", -3, "R003"),
        ("size", 10**7, "R003"),
        ("points", 7, "R003"),
        ("registered", "2020-13", "R002"),
        ("registered", "2020.4月", "R002"),
        ("registered", "2020年4", "R002"),
        ("registered", Decimal("2020.4"), "R002"),
        ("registered", date(2020, 4, 6), "R002"),
        ("registered", "2020-04-06", "R002"),
        ("registered", "2020-07", "R003"),
        ("registered", "2013-12", "R003"),
        ("birth_date", "1970-02-30", "R002"),
        ("birth_date", "1970-04", "R002"),
        ("birth_date", "1970.4/6", "R002"),
        ("birth_date", "1970-4-6日", "R002"),
        ("birth_date", "1970年4月6", "R002"),
        ("birth_date", "0000-01-01", "R002"),
        ("birth_date", datetime(1970, 4, 6), "R002"),
        ("birth_date", 25664, "R002"),
        ("birth_date", "25664", "R002"),
        ("birth_date", "2020-06-11", "R003"),
        ("birth_date", "1899-12-31", "R003"),
        ("title", "无", "R002"),
        ("title", "  ", "R002"),
        ("title", 5, "R002"),
        ("title", "a\x1b[2J", "R002"),
        ("title", "\ud800", "R002"),
        ("care_grade", "四级", "R004"),
        ("care_grade", "无", "R004"),
        ("care_grade", 7, "R004"),
        ("care_grade", True, "R002"),
        ("care_grade", ["一级"], "R002"),
        ("circumstances", "服刑", "R002"),
        ("circumstances", "无", "R002"),
        ("income", {"value": 5, "unknown": "不清楚"}, "R013"),
        ("income", {"value": 5, "值": 5}, "R013"),
        ("income", {"value": 5, "来原": "存折"}, "R001"),
        ("income", {"value": 5, "source": 7}, "R002"),
        ("income", {"value": 5, "date": "去年"}, "R002"),
    ],
)
def test_value_is_refused(fact: str, raw: Any, code: str) -> None:
    (found,) = faults(with_fact(fact, raw))
    assert found[0] == code
    assert found[1].removeprefix("members[0].").startswith(fact)


@pytest.mark.parametrize(
    ("household", "zh", "en"),
    [
        ({"人口": -3}, "`-3 人` 超出范围：0 人 至 1000000 人", "`-3 person` is out of range"),
        ({"月收入": 100000.5}, "`100000.5 元/月` 超出范围：0 元/月 至 100000 元/月", "100000.5 yuan/month"),
        ({"月收如": 1}, "没有名为 `月收如` 的事实", "did you mean `月收入`?"),
        (
            {"月收入": "很多"},
            "这里要数额（元/月，最多两位小数），得到 `很多`",
            "expected an amount (in yuan/month",
        ),
        (of_person(出生日期=43927), "日期序号", "serial number"),
        (
            of_person(自理等级="四级"),
            "可填：一级、二级、三级。是否想写",
            "one of: grade_1, grade_2, grade_3.",
        ),
        (of_person(情形=["服刑", "失综"]), "members[0].情形[1]", "members[0].情形[1]"),
        ({"户名": "无"}, "这一项不能填“无”", "this cannot be none"),
        ({"成员": []}, "没有成员", "the household has no members"),
    ],
)
def test_messages_speak_the_language_asked_for(household: Any, zh: str, en: str) -> None:
    assert zh in message(household)
    assert en in message(household, "en")


def test_every_fault_is_reported_with_its_place_as_written() -> None:
    household = {
        "人口": -3,
        "成员": [{"姓名": "甲"}, {"出生日期": "昨天", "circumstances": ["服刑", "坐牢"], "性别": "男"}],
    }
    assert faults(household) == [
        ("R003", "人口"),
        ("R001", "成员[1].性别"),
        ("R002", "成员[1].出生日期"),
        ("R004", "成员[1].circumstances[1]"),
    ]


def test_a_range_that_reads_other_facts_is_left_to_the_rules() -> None:
    case = read(of_person(incomes=[{"年金额": 100, "已扣": 900}]))
    assert case.index["members[0].incomes[0]"].known("deducted") == 90000
    assert faults(of_person(incomes=[{"已扣": -1}])) == [("R003", "members[0].incomes[0].已扣")]


# ---- what is not known -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "raw", "value", "cause"),
    [
        ("income", {"unknown": "存折没带"}, None, "存折没带"),
        ("income", {"未知": "存折没带"}, None, "存折没带"),
        ("income", {"unknown": None}, None, ""),
        ("income", {"value": None, "unknown": "存折没带"}, None, "存折没带"),
        ("income", {"source": "存折"}, None, ""),
        ("ill", True, None, "须凭据：诊断证明"),
        ("ill", {"value": True, "source": "县医院诊断书"}, TRUE, ""),
        ("ill", False, FALSE, ""),
        ("disability_grade", "二级", None, "须凭据：残疾人证"),
        ("disability_grade", {"value": "二级", "source": "证"}, label("grade_2"), ""),
        ("disability_grade", "无", label(None), ""),
        ("others", ["服刑"], None, "须凭据：判决书"),
        ("others", [], exactly(frozenset()), ""),
        ("independent", True, None, "须由镇民政部门判断，并写明判断人、日期和理由"),
        ("independent", False, None, "须由镇民政部门判断，并写明判断人、日期和理由"),
        (
            "independent",
            {"value": False, "by": "民政所", "date": "2020-05-06"},
            None,
            "须由镇民政部门判断，并写明判断人、日期和理由",
        ),
        (
            "independent",
            {"value": False, "by": "民政所", "date": "2020-05-06", "reason": "入户看过"},
            FALSE,
            "",
        ),
        ("independent", {"值": "是", "判断人": "民政所", "日期": "2020-05-06", "理由": "入户看过"}, TRUE, ""),
    ],
)
def test_unknown_and_unproved_facts(fact: str, raw: Any, value: Any, cause: str) -> None:
    found, _ = given_fact(fact, raw)
    assert (found.value, found.cause) == (value, cause)


def test_null_and_absent_are_the_same() -> None:
    assert read({"income": None, "members": None}).root.facts == read({}).root.facts == {}
    assert read({"members": None}).root.lists == {}


def test_paper_date_and_judge_are_kept() -> None:
    found, _ = given_fact(
        "income", {"value": 5, "source": "存折", "date": "2020-05-06", "by": "民政所", "_check": 1}
    )
    assert found == Given(exactly(500), "存折", date(2020, 5, 6), "民政所")


# ---- keys -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("household", "found"),
    [
        ({"月收入": 1, "income": 1}, [("R013", "income")]),
        ({"成员": [{}], "members": [{}]}, [("R013", "members")]),
        ({"id": "a", "编号": "a"}, [("R013", "编号")]),
        ({"incom": 1}, [("R001", "incom")]),
        ({3: 1}, [("R001", "3")]),
        ({None: 1}, [("R001", "null")]),
        ({"成员": [{"户": {}}]}, [("R001", "成员[0].户")]),
        ({"\ud800\n": 1}, [("R001", "\\xd800\\x0a")]),
        ({"编号": []}, [("R002", "编号")]),
    ],
)
def test_keys(household: Any, found: list[tuple[str, str]]) -> None:
    assert faults(household) == found


def test_comments_are_ignored() -> None:
    case = read({"_x": {"a": [1]}, "备注": object(), "note": float("nan"), "成员": [{"备注": 10**6000}]})
    assert case.root.facts == case.subjects[1].facts == {}


def test_an_unknown_key_gets_a_suggestion() -> None:
    assert "是否想写 `月收入`" in message({"月收人": 1})
    assert "did you mean `income`" in message({"incomes": 1}, "en")


@pytest.mark.parametrize("household", [None, [], "户", 3, [{}]])
def test_a_household_is_a_mapping(household: Any) -> None:
    assert faults(household) == [("R002", "户")]


# ---- lists ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "size", "complete", "cause"),
    [
        ([{}, {}], 2, True, ""),
        (({}, {}), 2, True, ""),
        ({"items": [{}, {}]}, 2, True, ""),
        ({"条目": [{}], "核对完成": False}, 1, False, "核对未完成"),
        ({"items": [{}], "complete": "否", "cause": "系统未查"}, 1, False, "系统未查"),
        ({"complete": False}, 0, False, "核对未完成"),
        ({"unknown": "没问"}, 0, False, "没问"),
    ],
)
def test_lists(raw: Any, size: int, complete: bool, cause: str) -> None:
    listing = read({"待遇记录": raw}).root.lists["awards"]
    assert (len(listing.items), listing.complete, listing.cause) == (size, complete, cause)


def test_an_empty_list_is_none_and_an_absent_one_unknown() -> None:
    assert read(of_person(收入=[])).subjects[1].lists["incomes"].complete
    assert "incomes" not in read(of_person()).subjects[1].lists


@pytest.mark.parametrize(
    ("household", "found"),
    [
        ({"成员": []}, ("R008", "成员")),
        ({"成员": {"条目": []}}, ("R008", "成员")),
        ({"awards": [{}]}, ("R003", "awards")),
        ({"awards": [{}] * 4}, ("L003", "awards")),
        ({"成员": [{}] * 5}, ("L003", "成员")),
        ({"成员": {}}, ("R002", "成员")),
        ({"成员": {"姓名": "甲"}}, ("R002", "成员")),
        ({"成员": {"complete": True}}, ("R002", "成员")),
        ({"成员": {"items": 3}}, ("R002", "成员")),
        ({"成员": {"items": [3]}}, ("R002", "成员.items[0]")),
        ({"成员": {"items": [{}], "完成": True}}, ("R001", "成员.完成")),
        ({"成员": "无"}, ("R002", "成员")),
        ({"成员": [None]}, ("R002", "成员[0]")),
        ({"成员": ["甲"]}, ("R002", "成员[0]")),
        ({"成员": [{"义务人": [[]]}]}, ("R002", "成员[0].义务人[0]")),
    ],
)
def test_lists_that_are_refused(household: Any, found: tuple[str, str]) -> None:
    assert faults(household) == [found]


# ---- records and references -----------------------------------------------------------------------------------------------------


def test_paths_subjects_and_upper_records() -> None:
    household = {
        "members": [
            {
                "name": "甲",
                "obligors": [
                    {"name": "乙", "户": {"income": 3, "members": [{"name": "丙"}]}},
                    {"name": "丁"},
                ],
            },
            {"name": "戊", "孩子": [{"在校": True}]},
        ],
        "awards": [{}, {}],
        "contact": {"name": "己"},
    }
    case = read(household)
    assert [record.path for record in case.subjects] == [
        "household",
        "members[0]",
        "members[1]",
        "members[1].children[0]",
    ]
    assert list(case.index) == [
        "household",
        "members[0]",
        "members[0].obligors[0]",
        "members[0].obligors[0].household",
        "members[0].obligors[0].household.members[0]",
        "members[0].obligors[1]",
        "members[0].obligors[1].household",
        "members[1]",
        "members[1].children[0]",
        "awards[0]",
        "awards[1]",
        "contact",
        "contact.household",
    ]
    assert all(record.path == path for path, record in case.index.items())
    uppers = {path: record.upper.path for path, record in case.index.items() if record.upper}
    assert uppers == {
        "members[0]": "household",
        "members[0].obligors[0]": "members[0].obligors[0].household",
        "members[0].obligors[0].household.members[0]": "members[0].obligors[0].household",
        "members[0].obligors[1]": "members[0].obligors[1].household",
        "members[1]": "household",
        "members[1].children[0]": "members[1]",
        "contact": "contact.household",
    }
    assert case.index["members[0].obligors[0].household"].known("income") == 300
    assert case.index["contact.household"].facts == {}


@pytest.mark.parametrize("upper", [None, {"unknown": "没问"}, {}, {"_": 1}])
def test_the_household_of_an_outside_person_may_be_unknown(upper: Any) -> None:
    case = read(of_person(obligors=[{"household": upper}]))
    assert case.index["members[0].obligors[0].household"].facts == {}


def obligors(case: Case, member: int = 0) -> list[str]:
    return [record.path for record in case.subjects[1 + member].lists["obligors"].items]


@pytest.mark.parametrize("written", ["b2", {"ref": "b2"}, {"引用": "b2"}, "乙", {"ref": "乙"}])
def test_a_reference_names_a_member_that_comes_later(written: Any) -> None:
    case = read({"members": [{"name": "甲", "obligors": [{}, written]}, {"name": "乙", "编号": "b2"}]})
    assert obligors(case) == ["members[0].obligors[0]", "members[1]"]
    assert case.subjects[1].lists["obligors"].items[1] is case.subjects[2]
    assert "members[0].obligors[1]" not in case.index


def test_ids_may_be_numbers_and_come_before_names() -> None:
    case = read(
        {
            "members": [
                {"id": 1, "obligors": [2, "3"]},
                {"id": 2},
                {"id": "4", "name": "3"},
                {"id": 3, "name": "4"},
            ]
        }
    )
    assert obligors(case) == ["members[1]", "members[3]"]
    assert case.subjects[1].known("id") == "1"


def test_a_person_outside_can_be_referred_to_by_id() -> None:
    case = read({"members": [{"obligors": ["d"]}, {"obligors": [{"id": "d", "name": "丁"}]}]})
    assert obligors(case, 0) == obligors(case, 1) == ["members[1].obligors[0]"]


def test_an_id_fact_of_the_rules_is_a_fact() -> None:
    case = read({"awards": [{"编号": "7"}, {"编号": "7"}]})
    assert [record.known("number") for record in case.root.lists["awards"].items] == ["7", "7"]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("甲", "members[0]"),
        ({"ref": "甲"}, "members[0]"),
        ({"value": "甲", "source": "户口簿"}, "members[0]"),
        ({"value": {"ref": "甲"}}, "members[0]"),
        ({"name": "外人"}, "contact"),
        ("无", None),
        ({"value": "无"}, None),
    ],
)
def test_single_references(raw: Any, value: str | None) -> None:
    case = read({"contact": raw, "members": [{"name": "甲"}]})
    found = case.root.facts["contact"].value
    assert isinstance(found, Options) and found.known
    assert found.value is (case.index[value] if value else None)


def test_an_unknown_reference() -> None:
    assert read({"contact": {"unknown": "没问"}}).root.facts["contact"] == Given(None, cause="没问")
    assert "contact" not in read({"contact": None}).root.facts


@pytest.mark.parametrize(
    ("household", "found"),
    [
        (of_person(义务人=["乙"]), ("R011", "members[0].义务人[0]")),
        (of_person(义务人=[{"ref": "乙"}]), ("R011", "members[0].义务人[0]")),
        (of_person(监护人="乙"), ("R011", "members[0].监护人")),
        (of_person(监护人="无"), ("R002", "members[0].监护人")),
        (of_person(监护人=3.5), ("R002", "members[0].监护人")),
        (of_person(义务人=[{"ref": "甲", "姓": "甲"}], name="甲"), ("R001", "members[0].义务人[0].姓")),
        (of_person(义务人=[{"ref": []}]), ("R002", "members[0].义务人[0]")),
        (of_person(义务人=[{"户": "东村"}]), ("R002", "members[0].义务人[0].户")),
        ({"成员": [{"姓名": "甲"}, {"姓名": "甲"}, {"义务人": ["甲"]}]}, ("R016", "成员[2].义务人[0]")),
        ({"成员": [{"姓名": "甲"}, {"义务人": ["甲", {"ref": "甲"}]}]}, ("R010", "成员[1].义务人[1]")),
        ({"成员": [{"id": 1}, {"编号": "1"}]}, ("R010", "成员[1].编号")),
    ],
)
def test_references_that_are_refused(household: Any, found: tuple[str, str]) -> None:
    assert faults(household) == [found]


# ---- identity ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "value", "noted"),
    [
        (SAMPLE_ID, SAMPLE_ID, False),
        (" 11010519491231002x", SAMPLE_ID, True),
        ("110105 19491231 002X", SAMPLE_ID, True),
        ("１１０１０５１９４９１２３１００２Ｘ", SAMPLE_ID, True),
        ("110105491231002", "110105491231002", True),
        ("无", "无", True),
    ],
)
def test_id_numbers(raw: str, value: str, noted: bool) -> None:
    found, notes = given_fact("id_number", raw)
    assert (found.value, notes) == (label(value), ["R005"] * noted)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (110105194912310026, "R006"),
        (1.10105194912310e17, "R006"),
        (Decimal("1.10105E+17"), "R006"),
        ("1.10105E+17", "R006"),
        ("110105194912310000", "R006"),
        ("11010519491231002", "R006"),
        ("1101051949123100211", "R006"),
        ("X10105194912310021", "R006"),
        ("110105194912310021", "R014"),
        ("110105194913310022", "R014"),
        ("", "R002"),
        (True, "R002"),
        ([], "R002"),
    ],
)
def test_id_numbers_that_are_refused(raw: Any, code: str) -> None:
    assert faults(of_person(身份证号=raw)) == [(code, "members[0].身份证号")]


def test_an_id_that_contradicts_the_birth_date_is_a_warning_and_both_are_kept() -> None:
    case = read(of_person(id_number=SAMPLE_ID, birth_date="1949-12-13"))
    (note,) = case.notes
    assert (note.code, note.severity, note.where) == ("R007", "warning", "members[0].id_number")
    assert "1949-12-31" in note.message() and "1949-12-13" in note.message()
    assert case.subjects[1].known("id_number") == SAMPLE_ID
    assert case.subjects[1].known("birth_date") == date(1949, 12, 13)
    assert not read(of_person(id_number=SAMPLE_ID, birth_date="1949-12-31")).notes


@pytest.mark.parametrize(
    ("household", "found"),
    [
        ({"成员": [{"身份证号": SAMPLE_ID}, {"id_number": SAMPLE_ID.lower()}]}, ["R005", "R010"]),
        ({"成员": [{"身份证号": SAMPLE_ID, "义务人": [{"身份证号": SAMPLE_ID}]}]}, ["R010"]),
        ({"成员": [{"与户主关系": "户主"}, {"与户主关系": "配偶"}, {"与户主关系": "head"}]}, ["R009"]),
        ({"成员": [{"与申请人关系": "申请人", "姓名": "甲"}, {"与申请人关系": "申请人"}]}, ["R009"]),
    ],
)
def test_one_person_twice_and_two_heads(household: Any, found: list[str]) -> None:
    assert [code for code, _ in faults(household)] == found


def test_two_heads_are_named() -> None:
    household = {"成员": [{"与户主关系": 2, "姓名": "甲"}, {"与户主关系": "户主"}]}
    assert "有 2 人填为“户主”：甲、members[1]" in message(household)


@pytest.mark.parametrize(
    "household",
    [
        {"成员": [{"身份证号": "无"}, {"身份证号": "无"}]},
        {"成员": [{"与户主关系": "子女"}, {"与户主关系": "子女"}]},
        {"成员": [{"与户主关系": "户主", "义务人": [{"与户主关系": "户主"}]}]},
        {"成员": [{"义务人": [{"身份证号": SAMPLE_ID}]}, {"义务人": [{"身份证号": SAMPLE_ID}]}]},
    ],
)
def test_what_may_be_given_twice(household: Any) -> None:
    assert read(household)


# ---- limits --------------------------------------------------------------------------------------------------------------------------


class Untouched(dict[str, Any]):
    """A member that must not be read."""

    def __iter__(self) -> Any:
        raise AssertionError("read although the limit was passed")

    items = keys = __iter__


@pytest.mark.parametrize("size", [5, MAX_RECORDS + 1])
def test_too_many_members_are_refused_before_one_is_read(size: int) -> None:
    member = Untouched() if size > MAX_RECORDS else {"什么": "都不读"}
    assert faults({"成员": [member] * size}) == [("L003", "成员")]


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_nesting_and_the_whole_number_of_records_are_limited() -> None:
    assert read({"_": nested(MAX_DEPTH - 1)})
    assert [code for code, _ in faults({"_": nested(MAX_DEPTH)})] == ["R015"]
    own: dict[str, Any] = {}
    own["成员"] = [own]
    assert [code for code, _ in faults(own)] == ["R015"]
    wide = [{"收入": [{}] * 100, "义务人": [{"收入": [{}] * 100}] * 100}] * 4
    assert faults({"成员": wide}) == [("L003", "户")]
    doubled: Any = []
    for _ in range(40):
        doubled = [doubled, doubled]
    assert faults({"_": doubled}) == [("L003", "户")]


def test_reading_stops_at_a_file_of_another_kind() -> None:
    assert len(faults({f"栏{number}": 1 for number in range(5000)})) == 200


# ---- digest ------------------------------------------------------------------------------------------------------------------------------


def test_the_digest_depends_on_the_data_only() -> None:
    one = read({"income": Decimal("1200.50"), "members": [{"name": "甲"}]}).digest
    assert one == read({"members": [{"name": "甲"}], "income": Decimal("1200.50")}).digest
    canonical = '{"income":"1200.50","members":[{"name":"\\u7532"}]}'
    assert one == hashlib.sha256(canonical.encode()).hexdigest()
    assert one != read({"income": Decimal("1200.51"), "members": [{"name": "甲"}]}).digest


# ---- files ---------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    def to(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


Write = Callable[[str, bytes | str], Path]


def refused(path: Path, language: Any = "zh") -> list[tuple[str, str]]:
    with pytest.raises(PolicyError) as caught:
        load_file(path, language)
    return [(found.code, found.where) for found in caught.value.diagnostics]


TEXT = '{"月收入": 0.1, "成员": [{"姓名": "甲", "残疾等级": "无"}]}'


@pytest.mark.parametrize(
    ("data", "noted"),
    [(TEXT.encode(), []), (b"\xef\xbb\xbf" + TEXT.encode(), []), (TEXT.encode("gb18030"), ["L005"])],
)
def test_json_in_any_encoding(write: Write, data: bytes, noted: list[str]) -> None:
    notes: list[Any] = []
    household = load_file(write("户.json", data), notes=notes)
    assert household["月收入"] == Decimal("0.1")
    assert [note.code for note in notes] == noted
    assert read(household).root.known("income") == 10


YAML = """
# 注释
月收入: 1200.50
有车: 否
备用: 0123
户名: null
成员:
  - 姓名: 甲
    身份证号: 11010519491231002X
    出生日期: 1949-12-31
    重病: {value: true, source: 诊断书}
    义务人: [乙]
  - {编号: 乙, 与户主关系: 2, 能自理: ~}
"""


def test_yaml_is_read_as_written(write: Write) -> None:
    case = read(load_file(write("户.yaml", YAML)))
    assert case.root.known("income") == 120050
    assert case.root.known("remark") == "0123"
    assert case.root.known("has_car") is False
    assert "title" not in case.root.facts
    assert case.subjects[1].known("birth_date") == date(1949, 12, 31)
    assert case.subjects[1].known("ill") is True
    assert obligors(case) == ["members[1]"]


def test_several_households(write: Write) -> None:
    assert load_file(write("户.json", "[{}, {}]")) == [{}, {}]
    assert load_file(write("户.yml", "a: 1\n---\na: 2\n")) == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("户.json", b"\xff\xff\xff", ("L004", "户.json")),
        ("户.json", '{"a": 1,\n "b" 2}', ("R012", "户.json:2:6")),
        ("户.json", "", ("R012", "户.json:1:1")),
        ("户.json", "3", ("R012", "户.json")),
        ("户.json", "[]", ("R012", "户.json")),
        ("户.json", "[{}, 3]", ("R012", "户.json")),
        ("户.json", '{"a": 1, "a": 1}', ("R013", "户.json")),
        ("户.json", '{"a": 1e99999999999999999999}', ("R012", "户.json")),
        ("户.yaml", "a: 1\na: 2\n", ("R013", "户.yaml")),
        ("户.yaml", "a: &x [1]\nb: *x\n", ("R012", "户.yaml:2")),
        ("户.yaml", "a: [1\n", ("R012", "户.yaml:2")),
        ("户.yaml", "? [1]\n: 2\n", ("R012", "户.yaml:3")),
        ("户.yaml", "a: \x01", ("R012", "户.yaml")),
        ("户.yaml", "", ("R012", "户.yaml")),
        ("没有/户.json", None, ("R012", "户.json")),
    ],
)
def test_files_that_are_refused(write: Write, name: str, content: Any, found: tuple[str, str]) -> None:
    assert refused(write(name, content) if content is not None else Path(name)) == [found]


@pytest.mark.parametrize(
    ("name", "start", "piece", "count", "found"),
    [
        ("户.json", "{", " ", MAX_FILE_BYTES, ("L001", "户.json")),
        ("户.json", '{"成员": [', "{},", 1_100_000, ("L003", "户.json")),
        ("户.yaml", "成员:\n", "- a\n", 1_100_000, ("L003", "户.yaml")),
        ("户.json", '{"成员": ', "[", 100_000, ("R015", "户.json")),
        ("户.yaml", "成员: ", "[", 100_000, ("R015", "户.yaml:1")),
        ("户.json", "", "9", 5000, ("R012", "户.json")),
    ],
)
def test_files_that_are_too_large(
    write: Write, name: str, start: str, piece: str, count: int, found: tuple[str, str]
) -> None:
    assert refused(write(name, start + piece * count)) == [found]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_refused_where_they_stand(write: Write, number: str) -> None:
    assert faults(load_file(write("户.json", f'{{"月收入": {number}}}'))) == [("R002", "月收入")]


def test_yaml_names_the_extra_it_needs(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    with pytest.raises(PolicyError, match=r"policykit\[cli\]"):
        load_file(write("户.yaml", "a: 1"))


# ---- anything at all -------------------------------------------------------------------------------------------------------------------------

ENTITY_KEYS = [
    word
    for entity in PROGRAM.entities.values()
    for name in (
        *(decl.name for decl in entity.facts.values()),
        *(decl.name for decl in entity.lists.values()),
    )
    for word in (name.id, name.zh)
]
KEYS = st.sampled_from(
    [*ENTITY_KEYS, "value", "值", "unknown", "未知", "source", "date", "by", "reason", "items", "complete", "ref", "id",
     "编号", "户", "household", "备注"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers().map(lambda n: n * 10**5000)
    | st.floats()
    | st.decimals(allow_nan=True, allow_infinity=True)
    | st.text(max_size=20)
    | st.dates()
    | st.datetimes()
    | st.binary(max_size=3)
    | st.sampled_from(
        ["无", "是", "一级", "服刑", "户主", "甲", "乙", "1970-04-06", "2020.4", "1,200元", "３", SAMPLE_ID]
    )
)
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=40,
)
HOUSEHOLDS = st.dictionaries(KEYS, DATA, max_size=6) | st.fixed_dictionaries(
    {"成员": st.lists(st.dictionaries(KEYS, DATA, max_size=8), max_size=4)}
)
SMALL_AND_LARGE = pytest.mark.parametrize("examples", [200, pytest.param(10_000, marks=pytest.mark.large)])


def modest(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@SMALL_AND_LARGE
def test_any_mapping_is_a_case_or_a_policy_error(examples: int) -> None:
    @modest(examples)
    @given(household=HOUSEHOLDS, language=st.sampled_from(["zh", "en"]))
    def run(household: Any, language: Any) -> None:
        try:
            case = read(household, language)
        except PolicyError as error:
            assert any(found.severity == "error" for found in error.diagnostics)
            str(error).encode()
            return
        assert case.digest == read(household).digest
        for note in case.notes:
            assert note.severity != "error"
            note.render().encode()
        for record in case.index.values():
            assert_sound(record)

    run()


def plausible(entity: str) -> st.SearchStrategy[dict[str, Any]]:
    """Records that hold some facts, each with a value that is right by itself."""
    facts = PROGRAM.entities[entity].facts.keys()
    values = {fact: [raw for name, raw, _, _ in VALUES if name == fact] for fact in facts}
    return st.fixed_dictionaries(
        {}, optional={f: st.sampled_from(raws) for f, raws in values.items() if raws}
    )


OTHERS: dict[Any, Any] = {
    "obligors": st.lists(plausible("person") | st.just("乙"), max_size=3, unique_by=str),
    "guardian": plausible("person"),
}
PEOPLE = st.tuples(plausible("person"), st.fixed_dictionaries({}, optional=OTHERS)).map(
    lambda pair: pair[0] | pair[1]
)


@SMALL_AND_LARGE
def test_right_values_together_are_right_with_any_key_left_out(examples: int) -> None:
    @modest(examples)
    @given(household=plausible("household"), people=st.lists(PEOPLE, max_size=3), gone=st.data())
    def run(household: Any, people: list[Any], gone: st.DataObject) -> None:
        whole = {**household, "members": [*people, {"name": "乙"}]}
        record = gone.draw(st.sampled_from([whole, *people]))
        before = read(whole)
        if record:
            del record[gone.draw(st.sampled_from(sorted(record)))]
        after = read(whole)
        assert after.index.keys() <= before.index.keys()

    run()


def assert_sound(record: Instance) -> None:
    """Only declared facts, known values of known records."""
    entity = PROGRAM.entities[record.entity]
    assert record.facts.keys() <= entity.facts.keys() | entity.lists.keys() | {"id"}
    assert (record.upper is None) == (entity.upper is None)
    for found in record.facts.values():
        assert found.value is None or found.value.known
    for listing in record.lists.values():
        assert all(isinstance(item, Instance) for item in listing.items)


@SMALL_AND_LARGE
@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_any_bytes_are_data_or_a_policy_error(tmp_path: Path, suffix: str, examples: int) -> None:
    path = tmp_path / f"户{suffix}"
    pieces = st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"', b":", b",", b"a: ", b"\n", b"- ", b"\\", b"1e9", b"NaN", b"\xb3\xc9"]
    )
    texts = st.binary(max_size=80) | st.lists(pieces, max_size=30).map(b"".join) | DATA.map(as_json)

    @modest(examples)
    @given(data=texts)
    def run(data: bytes) -> None:
        path.write_bytes(data)
        try:
            load_file(path)
        except PolicyError as error:
            str(error).encode()

    run()


def as_json(data: Any) -> bytes:
    try:
        return json.dumps(data, default=str, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except ValueError:  # an int of too many digits
        return b"[]"
