"""Blocks made of tables say what reading each household alone says, or that it is to be read alone."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from policykit import ir
from policykit.batch.blocks import block_of
from policykit.batch.chunks import Chunk, households
from policykit.batch.columns import Reading
from policykit.diagnostics import PolicyError
from policykit.engine.columnar import frames
from policykit.engine.columnar.frames import Column, Frame, Listed, frames_of
from policykit.loader import load_text
from policykit.records import read_case

DAY = date(2020, 6, 10)

RULES = """
语言 1
政策 试验 (trial)

选项 关系 (tie)：申请人 (applicant) = 1、配偶 (spouse) = 2、子女 (child) = 3
选项 等级 (grade) 由重到轻：一级 (grade_1) = 1、二级 (grade_2) = 2、三级 (grade_3) = 3
选项 情形 (circumstance)：服刑 (in_prison) = 1、失踪 (missing) = 2

实体 村 (village)
    称呼：村名
    组成 农户 (households)：户 0 至 2000 户

事实 村.村名 (village_name)：文字
事实 村.偏远 (remote)：是否

实体 户 (household) 计 户
    称呼：户名
    组成 成员 (members)：人 1 至 4 个
    记录 待遇记录 (awards)：待遇记录 0 至 3 个

事实 户.户名 (title)：文字
事实 户.人口 (size)：数 人
事实 户.月收入 (income)：金额 元/月
    范围：0 元/月 至 100000 元/月
事实 户.补贴 (subsidy)：金额 元/月 或 无
事实 户.占比 (share)：数
事实 户.有车 (has_car)：是否
事实 户.建档月 (registered)：年月
    范围：2014-01 至 本月
事实 户.停发月 (stopped)：年月 或 无

实体 人 (person) 计 人
    称呼：姓名
    引用 义务人 (obligors)：人 若干
    引用 监护人 (guardian)：人 或 无
    记录 收入 (incomes)：收入

事实 人.姓名 (name)：文字
事实 人.身份证号 (id_number)：文字
事实 人.出生日期 (birth_date)：日期
    范围：1900-01-01 至 今日
事实 人.与申请人关系 (relation_to_applicant)：选项 关系
事实 人.残疾等级 (disability_grade)：选项 等级 或 无
    须凭据：「残疾人证」
事实 人.自理等级 (care_grade)：选项 等级
事实 人.死亡日期 (died_on)：日期 或 无
事实 人.情形 (circumstances)：多选 情形
事实 人.重病 (ill)：是否
    须凭据：「诊断证明」
事实 人.能自理 (independent)：是否
    须判断：「镇民政部门」
事实 人.年龄 (age)：数 岁
    范围：0 岁 至 130 岁
事实 人.自理项数 (points)：数 项
    范围：0 项 至 6 项

实体 收入 (income_item)
事实 收入.金额 (amount)：金额 元/年
    范围：0 元/年 至 10000000 元/年

实体 待遇记录 (award)
事实 待遇记录.起始月 (first_month)：年月

待遇 低保 (dibao) 对每个 户
"""


@pytest.fixture(scope="module")
def program() -> ir.Program:
    return load_text(RULES).program


# ---- the same, by way of records -----------------------------------------------------------------------------------------


def agreed(program: ir.Program, chunk: Chunk) -> np.ndarray[Any, Any]:
    """Checks that the block of a chunk says what its households say one by one; gives which are odd."""
    reading = Reading(program, DAY)
    block, odd = block_of(chunk, reading)
    plain = np.flatnonzero(~odd)
    cases = []
    for number, household in enumerate(households(chunk, program)):
        if not odd[number]:
            try:
                cases.append(read_case(program, household, DAY))
            except PolicyError as error:
                pytest.fail(f"not odd, and yet refused: {household} {error}")
    if cases:
        wanted, handed = frames_of(program, cases)
        assert not handed.any()
        same(program, frames.households(block, plain), wanted, reading.asked, "")
    return odd


def same(program: ir.Program, found: Frame, wanted: Frame, asked: frozenset[Any], place: str) -> None:
    assert (found.entity, found.count) == (wanted.entity, wanted.count), place
    entity = program.entities[found.entity]
    for name, decl in entity.facts.items():
        if decl.type.kind != "text" or (entity.name.id, name) in asked:
            column, other = (plainly(frame.facts.get(name), frame.count) for frame in (found, wanted))
            assert column == other, f"{place}.{name}"
    for name in entity.lists:
        mine, other_list = (listed(frame, name) for frame in (found, wanted))
        assert mine[0] == other_list[0], f"{place}.{name}"
        if mine[1] is not None and other_list[1] is not None:
            same(program, mine[1], other_list[1], asked, f"{place}.{name}")
    nothing = Frame(entity.upper or "", found.count, {})
    if found.upper is not None or wanted.upper is not None:
        same(program, found.upper or nothing, wanted.upper or nothing, asked, f"{place}^")


def plainly(column: Column | None, count: int) -> list[Any]:
    if column is None:
        return ["?"] * count
    return [
        "?" if column.known is not None and not column.known[row]
        else "无" if column.none is not None and column.none[row]
        else column.values[row] if column.values.dtype == object
        else Fraction(int(column.values[row]), column.scale)
        for row in range(count)
    ]  # fmt: skip


def listed(frame: Frame, name: str) -> tuple[list[Any], Frame | None]:
    """How many elements each list has and whether these are all, and the frame of them where there are any."""
    found: Listed | None = frame.lists.get(name)
    if found is None:
        return [(0, False)] * frame.count, None
    whole = found.complete
    counts = np.diff(found.starts).tolist()
    lists = [(n, whole is None or bool(whole[row])) for row, n in enumerate(counts)]
    return lists, found.frame if sum(counts) else None


# ---- spellings -----------------------------------------------------------------------------------------------------------

PLAIN: Mapping[str, list[Any]] = {
    "title": ["甲户", "李四", None, "欧阳 修", "A-1"],
    "size": [1, 3, None],
    "income": [0, 1250.5, 99999.99, None, 0.1, 1234.56],
    "subsidy": ["无", "80", "12.34", None, "1,200.50元", "0"],
    "share": [0, 1, None],
    "has_car": ["是", "否", None, "√", "×", "有", "无"],
    "registered": ["2014-01", "2020-06", "2019年3月", None, "202001"],
    "stopped": ["无", "2020-04", None],
    "village.village_name": ["东村", None, "西村"],
    "village.remote": ["是", None],
    "name": ["张三", "李四", "王五", None],
    "birth_date": ["1960-01-02", "2020.4.6", "2020年6月10日", "2001/3/1", "20010301", None],
    "relation_to_applicant": ["配偶", "子女", "child", 3, None],
    "disability_grade": ["一级", "无", None, "grade_2", "3"],
    "disability_grade.source": ["残疾人证", None],
    "care_grade": ["一级", "2", None],
    "died_on": ["无", "2020-01-01", None],
    "circumstances": ["服刑、失踪", "无", "失踪", None, "1"],
    "ill": ["是", "否", None],
    "ill.source": ["诊断书", None, "住院 记录"],
    "independent": ["是", None, "否"],
    "independent.by": ["镇民政", None],
    "independent.reason": ["看过", None],
    "independent.date": ["2020-05-01", None],
    "points": [0, 6, 3, None],
    "age": [80, "80岁", "8", None],
    "guardian": ["无", None],
    "amount": ["9600", "1234.5", None, "9,600元", "0.00"],
    "first_month": ["2020-01", None],
}  # fmt: skip
ODD: Mapping[str, list[Any]] = {
    "title": ["甲\x07", "\x7f"], "size": [-1, 1.5, 10**7], "income": [-0.01, 100000.01, 0.125, 1e300, float("inf")],
    "subsidy": ["约80", "80.005", "80岁"], "share": [0.5], "has_car": ["也许", "1"], "registered": ["2020-07", "2013-12"],
    "stopped": ["2020-13", "昨天"], "village.remote": ["远"], "birth_date": ["2020-06-11", "1899-12-31", "2020年4月", "43927"],
    "relation_to_applicant": ["叔叔", "申请人", "applicant"], "disability_grade": ["重度"], "care_grade": ["无"], "died_on": ["2020-02-30"],
    "circumstances": ["出国"], "ill": ["不清楚"], "ill.source": ["\x07"], "independent.date": ["五月"],
    "points": [7], "age": [131, "八十"], "guardian": ["张三"], "amount": ["-1", "1.999", "10000000.01"],
}  # fmt: skip
TYPED: Mapping[str, pa.Array] = {
    "birth_date": pa.array([date(1960, 1, 2), date(2020, 6, 10), date(1900, 1, 1), None]),
    "died_on": pa.array([datetime(2020, 1, 1), None], pa.timestamp("s")),
    "registered": pa.array([date(2020, 6, 1), date(2014, 1, 1), None]),
    "relation_to_applicant": pa.array([2, 3, None]),
    "care_grade": pa.array([1.0, 3.0, None]),
    "circumstances": pa.array([["服刑", "失踪"], [], None, ["missing"]]),
    "has_car": pa.array([True, False, None]),
    "income": pa.array([0, 100_000, 7, None], pa.uint32()),
    "points": pa.array([0.0, 6.0, None]),
    "amount": pa.array([Decimal("0.10"), Decimal("9999999.99"), None]),
    "title": pa.array([1001, None, 7]),
}
ROOT = ("title", "size", "income", "subsidy", "share", "has_car", "registered", "stopped", "village.village_name",
        "village.remote")  # fmt: skip
PERSON = ("name", "birth_date", "relation_to_applicant", "disability_grade", "disability_grade.source", "care_grade",
          "died_on", "circumstances", "ill", "ill.source", "independent", "independent.by", "independent.reason",
          "independent.date", "points", "age", "guardian")  # fmt: skip


def column(rng: np.random.Generator, name: str, count: int, odd: float) -> pa.Array:
    if name in TYPED and rng.random() < 0.3:
        return TYPED[name].take(pa.array(rng.integers(0, len(TYPED[name]), count)))
    pool = PLAIN[name] + (ODD.get(name, []) if rng.random() < odd else [])
    cells = [pool[n] for n in rng.integers(0, len(pool), count)]
    if rng.random() < 0.4 or len({type(one) for one in cells if one is not None}) > 1:
        if not all(one is None or isinstance(one, int | float) for one in cells) or rng.random() < 0.3:
            return pa.array([one if one is None else str(one) for one in cells], pa.string())
        cells = [one if one is None else float(one) for one in cells]
    if (
        pool[0].__class__ in (int, float)
        and rng.random() < 0.3
        and all(one is None or (Decimal(str(one)).is_finite() and abs(one) < 10**12) for one in cells)
    ):
        return pa.array([one if one is None else Decimal(str(one)) for one in cells], pa.decimal128(20, 4))
    return pa.array(cells)


def chunk_of(rng: np.random.Generator, count: int, odd: float, misnamed: float = 0) -> Chunk:
    """Households drawn by chance; some columns are not there at all."""
    members, awards = rng.integers(1, 4, count), rng.integers(0, 3, count)
    incomes = rng.integers(0, 3, members.sum())

    def table(names: tuple[str, ...], rows: int) -> pa.Table:
        kept = [name for name in names if rng.random() < 0.8]
        table = pa.table({"_row": np.arange(rows)})
        for name in kept:
            table = table.append_column(name, column(rng, name, rows, odd))
        return table

    tables = {"": table(ROOT, count), "members": table(PERSON, members.sum())}
    counts = {"members": members}
    tables["members"] = named(rng, tables["members"], members, max(odd, misnamed))
    if rng.random() < 0.4:
        tables["members.obligors"], counts["members.obligors"] = obligors(
            rng, tables["members"], members, odd
        )
    if rng.random() < 0.7:
        tables["awards"], counts["awards"] = table(("first_month",), awards.sum()), awards
    if rng.random() < 0.7:
        tables["members.incomes"], counts["members.incomes"] = table(("amount",), incomes.sum()), incomes
    starts = {path: frames.starts_of(numbers) for path, numbers in counts.items()}
    complete: dict[str, Any] = {
        "members": True,
        "awards": awards > 0,
        "members.incomes": bool(rng.random() < 0.5),
    }
    return Chunk(0, pa.array(np.arange(count)), tables, starts, complete)


def named(rng: np.random.Generator, table: pa.Table, members: Any, odd: float) -> pa.Table:
    """Members with names and numbers, who name one another; at odds, two have one name, or somebody is not there."""
    places = np.concatenate([np.arange(size) for size in members])
    sizes = np.repeat(members, members)
    wrong = rng.random(len(places)) < odd / 5
    same = np.where(rng.random(len(places)) < 0.5, "甲", "1")  # somebody else's name, or number
    names = np.where(wrong & (rng.random(len(places)) < 0.5), same, np.array(list("甲乙丙"))[places])
    if "name" in table.column_names:
        table = table.drop_columns("name")
    if rng.random() < 0.7:
        table = table.append_column("name", pa.array(names.tolist()))
    if rng.random() < 0.5:
        numbers = np.where(wrong & (rng.random(len(places)) < 0.5), 1, places + 1)
        table = table.append_column(
            "id", pa.array(numbers) if rng.random() < 0.5 else pa.array(numbers.astype(str))
        )
    if rng.random() < 0.5 and ("name" in table.column_names or "id" in table.column_names):
        by_name = "name" in table.column_names
        cells = []
        for place, size in enumerate(sizes.tolist()):
            some = [n for n in range(size) if rng.random() < 0.5]
            spelled = ["甲乙丙"[n] if by_name else str(n + 1) for n in some]
            spelled += (
                [("外人", "1", *spelled[:1])[rng.integers(0, 2 + len(spelled[:1]))]] if wrong[place] else []
            )
            cells.append("、".join(spelled) or ("无" if rng.random() < 0.5 else None))
        table = table.append_column("obligors", pa.array(cells, pa.string()))
    if rng.random() < odd:
        ids = ["11010519491231002X", "110105194912310021", None, "无"]
        table = table.append_column("id_number", pa.array([ids[n] for n in rng.integers(0, 4, len(places))]))
    return table


def obligors(rng: np.random.Generator, table: pa.Table, members: Any, odd: float) -> tuple[pa.Table, Any]:
    """Obligors of members in a table of their own: named where they are members, else described."""
    sizes = np.repeat(members, members)
    counts = rng.integers(0, 2, len(sizes))
    refers = "name" in table.column_names
    names = ["甲乙丙"[rng.integers(0, size)] if refers and rng.random() < 0.5 else None
             for size, n in zip(sizes, counts, strict=True) for _ in range(n)]  # fmt: skip
    described = [None if name is not None and rng.random() >= odd else "80" for name in names]
    called = [one and "乙" for one in described]  # a name that refers to members alone
    table = {"ref": names, "age": described, "name": called}
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in table.items()}), counts


@pytest.mark.parametrize("seed", range(40))
def test_plain_columns_are_read_at_once(program: ir.Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert not agreed(program, chunk_of(rng, 60, 0)).any()


@pytest.mark.parametrize("seed", range(100, 160))
def test_columns_say_what_reading_says(program: ir.Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    agreed(program, chunk_of(rng, 60, 0.3))


@pytest.mark.parametrize("seed", range(200, 260))
def test_references_stand_for_whom_reading_takes_them(program: ir.Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    agreed(program, chunk_of(rng, 60, 0, misnamed=1))
