"""Registers as offices keep them: every trap that their sheets hold, and what is read of it or told about it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from test_columns import DAY, RULES

from policykit import ir
from policykit.batch import files
from policykit.batch.chunks import Chunk, cell, households, refused
from policykit.batch.sources import Register
from policykit.datatypes import Type
from policykit.diagnostics import PolicyError
from policykit.loader import load_text
from policykit.records import read_case
from policykit.values import Month

PROGRAM = load_text(RULES).program
HEADS = ["户编号", "姓名", "出生日期"]


class Read:
    """Everything that a register comes to."""

    def __init__(self, data: Any, size: int = 100, program: ir.Program = PROGRAM, **how: Any) -> None:
        self.register = Register(data, program, **how)
        self.chunks = list(self.register.chunks(size))
        self.households = {
            chunk.key(number): household
            for chunk in self.chunks
            for number, household in enumerate(households(chunk, program))
        }
        self.bad = [bad for chunk in self.chunks for bad in chunk.bad]

    @property
    def members(self) -> dict[str, Any]:
        return {key: household.get("members") for key, household in self.households.items()}

    @property
    def codes(self) -> list[tuple[str, int, str, str]]:
        """Of each bad row: its source, row, household number, and codes."""
        return [(bad.source, bad.row, bad.key, " ".join(r.code for r in bad.reasons)) for bad in self.bad]

    @property
    def notes(self) -> list[tuple[str, str]]:
        return [(note.code, note.where) for note in self.register.notes]


def sheet(path: Path, rows: Sequence[Any], name: str = "成员", merged: Iterable[str] = ()) -> Path:
    """A workbook of one sheet; a cell that is merged over others is written first."""
    return book(path, {name: rows}, {name: list(merged)})


def book(
    path: Path,
    sheets: Mapping[str, Sequence[Any]],
    merged: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    with xlsxwriter.Workbook(path) as workbook:
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            page = workbook.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, one in enumerate(cells):
                    if isinstance(one, datetime | date):
                        page.write_datetime(row, column, one, day)
                    elif one is not None:
                        page.write(row, column, one)
            for span in (merged or {}).get(name, ()):
                first = span.split(":")[0]
                column, row = ord(first[0]) - 65, int(first[1:]) - 1
                page.merge_range(span, rows[row][column])
    return path


def kept(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


# ---- workbooks -----------------------------------------------------------------------------------------------------------


def test_a_sheet_as_offices_make_it(tmp_path: Path) -> None:
    rows = [
        ["某镇低保台账（虚构）"],
        ["序号", "户编号", "家庭情况", None, "成员情况"],
        [None, None, "户名", "月收入（元）", "姓名", "出生日期", "重病", "重病来源", "年龄", "联系电话"],
        [1, 1001, "甲户", "1,200元", "甲", "2020.4.6", "√", "诊断书", "80岁", "1"],
        [2, None, None, None, "乙", date(1960, 1, 2), "×"],
        [3, 1002, "丙户", 950.5, "丙", 43927, "有", None, 8],
        [4, "1003", "丁户", "#N/A", "丁", "2024/3/1", "无"],
        [5, "1003", "丁户", None, "戊", 20240301, "否"],
        ["合  计", None, None, 2150.5, None],
        [],
        ["填表人：某某", None, None, None, "审核人：某某"],
    ]
    merged = ["A1:J1", "A2:A3", "B2:B3", "C2:D2", "E2:J2", "B4:B5"]
    read = Read(sheet(tmp_path / "台账.xlsx", rows, "Sheet1", merged))
    assert read.households == {
        "1001": {
            "title": "甲户",
            "income": "1,200元",
            "members": [
                {
                    "name": "甲",
                    "birth_date": "2020.4.6",
                    "ill": {"value": "√", "source": "诊断书"},
                    "age": "80岁",
                },
                {"name": "乙", "birth_date": "1960-01-02", "ill": "×"},
            ],
        },
        "1002": {
            "title": "丙户",
            "income": "950.5",
            "members": [{"name": "丙", "birth_date": "2020-04-06", "ill": "有", "age": "8"}],
        },
        "1003": {
            "title": "丁户",
            "members": [
                {"name": "丁", "birth_date": "2024/3/1", "ill": "无"},
                {"name": "戊", "birth_date": "2024-03-01", "ill": "否"},
            ],
        },
    }
    assert read.bad == []
    place = "台账.xlsx「Sheet1」"
    assert read.notes == [
        ("S001", f"{place}「联系电话」"), ("S006", f"{place}第9行"), ("S006", f"{place}第11行"), ("S014", place),
    ]  # fmt: skip
    case = read_case(PROGRAM, read.households["1001"], DAY)
    assert case.root.known("income") == 120_000  # 1,200 元, in fen
    assert case.index["members[0]"].known("ill") is True
    assert case.index["members[0]"].known("age") == 80
    assert case.index["members[1]"].known("birth_date") == date(1960, 1, 2)
    assert "age" not in case.index["members[1]"].facts  # blank is unknown


def test_a_blank_number_goes_on_with_the_household_above_where_its_facts_are_blank_too(
    tmp_path: Path,
) -> None:
    rows = [
        ["户编号", "户名", "姓名"],
        [1, "甲户", "甲"],
        [None, None, "乙"],
        [None, "丙户", "丙"],
        [2, "丁户", "丁"],
    ]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert read.members == {"1": [{"name": "甲"}, {"name": "乙"}], "2": [{"name": "丁"}]}
    assert read.codes == [("a.xlsx「成员」", 4, "", "S005")]
    assert read.notes == [("S009", "a.xlsx「成员」")]


def test_a_blank_number_never_goes_past_a_row_of_another_kind(tmp_path: Path) -> None:
    rows = [
        ["户编号", "户名", "姓名"], [1, "甲户", "甲"], [None, "乙户", "乙"], [None, None, "乙妻"], [2, "丙户", "丙"], ["小计", None, None],
        [None, None, "丁"], [3, "戊户", "戊"], [], [None, None, "己"], [4, "庚户", "庚"], [None, None, "庚妻"],
    ]  # fmt: skip
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert {key: len(members) for key, members in read.members.items()} == {"1": 1, "4": 2}
    # 丁 and 己 may be of the household above, which is not whole without them; 乙 and his wife are of another
    assert [(row, key) for _, row, key, _ in read.codes] == [(5, "2"), (8, "3"), (3, ""), (4, "")]


@pytest.mark.parametrize("memory", [10**9, 0])
def test_a_blank_number_never_goes_past_a_row_that_cannot_be_read(tmp_path: Path, memory: int) -> None:
    text = "户编号,户名,姓名\n1,甲户,甲\n2,乙户,乙,多\n,,乙妻\n3,丙户,丙\n,,丙妻\n"
    read = Read(kept(tmp_path / "成员.csv", text), memory=memory)
    assert {key: len(members) for key, members in read.members.items()} == {"1": 1, "3": 2}
    assert read.codes == [("成员.csv", 3, "2", "S012"), ("成员.csv", 4, "", "S005")]


def test_a_row_of_the_household_alone_is_no_member(tmp_path: Path) -> None:
    rows = [
        ["户编号", "户名", "姓名"],
        [1, "甲户", None],
        [1, None, "甲"],
        [None, None, "乙"],
        [2, "丙户", "丙"],
        [3, "丁户", None],
    ]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert read.households == {
        "1": {"title": "甲户", "members": [{"name": "甲"}, {"name": "乙"}]},
        "2": {"title": "丙户", "members": [{"name": "丙"}]},
        "3": {"title": "丁户", "members": []},
    }
    assert faults(read.chunks[0], 2) == [("R008", "a.xlsx「成员」第6行「成员」")]


def test_signatures_below_a_table_are_nobody(tmp_path: Path) -> None:
    rows = [
        ["户编号", "户名", "姓名"],
        [1, "甲户", "甲"],
        ["填表人：某某", None, "审核人：某某"],
        [None, None, "日期：2020-06-10"],
    ]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert read.members == {"1": [{"name": "甲"}]}
    assert read.notes == [("S006", "a.xlsx「成员」第3行"), ("S006", "a.xlsx「成员」第4行")]


WIDE = ["序号", "户编号", "户名", "姓名", "出生日期", "年龄", "重病", "重病来源"]


@pytest.mark.parametrize(
    "below",
    [
        [None, None, None, "合计", None, 119], ["本页小计", None, None, None, None, 119], [None, None, None, "共2人", None, 119],
        ["东村小计：", None, None, "2人"], [None, None, None, None, None, "总 计 119"], ["填表人：某某", None, None, "某某"],
        WIDE,
    ],
)  # fmt: skip
def test_a_sum_is_nobody_wherever_it_stands(tmp_path: Path, below: list[Any]) -> None:
    rows = [WIDE, [1, 1, "甲户", "甲", "1960-01-01", 60], [2, None, None, "乙", "1961-01-01", 59], below]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert [[one["name"] for one in members] for members in read.members.values()] == [["甲", "乙"]]
    assert ("S006", "a.xlsx「成员」第4行") in read.notes
    assert read.bad == []


def test_figures_without_a_name_or_a_number_set_the_household_above_aside(tmp_path: Path) -> None:
    rows = [
        WIDE,
        [1, 1, "甲户", "甲", None, 60],
        [None, None, None, None, None, 60],
        [2, 2, "乙户", "乙", None, 61],
    ]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert set(read.members) == {"2"}
    assert read.codes == [("a.xlsx「成员」", 2, "1", "S005")]


def test_a_paper_with_a_colon_is_no_remark_below_the_table(tmp_path: Path) -> None:
    rows = [WIDE, [1, 1, "甲户", "甲"], [2, None, None, "乙", None, None, "√", "县医院：诊断书"]]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert [one["name"] for one in read.members["1"]] == ["甲", "乙"]


def test_a_row_with_the_number_of_a_household_alone_may_be_somebody(tmp_path: Path) -> None:
    rows = [["户编号", "姓名", "电话"], [1, "甲"], [1, None, "13900000000"], [2, "乙"], ["某镇民政办"]]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert read.members == {"2": [{"name": "乙"}]}
    assert read.codes == [("a.xlsx「成员」", 2, "1", "S019")]
    assert ("S006", "a.xlsx「成员」第5行") in read.notes


def test_a_record_of_somebody_of_which_nothing_is_known_is_one(tmp_path: Path) -> None:
    sheets = {
        "成员": [["户编号", "姓名"], [1, "甲"]],
        "收入": [["户编号", "姓名", "金额"], [1, "甲", 100], [1, "甲", None]],
    }
    read = Read(book(tmp_path / "a.xlsx", sheets))
    assert read.members["1"] == [{"name": "甲", "incomes": [{"amount": "100"}, {}]}]


def test_a_second_table_on_a_sheet_is_refused(tmp_path: Path) -> None:
    rows = [
        ["户编号", "姓名", "年龄"],
        [1, "甲", 60],
        [],
        ["户编号", "姓名", "收入种类", "年金额"],
        [1, "甲", None, 900],
    ]
    with pytest.raises(PolicyError) as caught:
        Read(sheet(tmp_path / "a.xlsx", rows))
    assert [(one.code, one.where) for one in caught.value.diagnostics] == [("S020", "a.xlsx「成员」第4行")]


@pytest.mark.parametrize("memory", [10**9, 0])
def test_a_blank_number_among_members_alone_sets_the_household_above_aside(
    tmp_path: Path, memory: int
) -> None:
    text = "户编号,姓名\n1,甲\n,乙\n2,丙\n"
    read = Read(kept(tmp_path / "成员.csv", text), memory=memory, size=1)
    assert read.members == {"2": [{"name": "丙"}]}
    assert read.codes == [("成员.csv", 2, "1", "S005")]
    assert [reason.where for reason in read.bad[0].reasons] == ["成员.csv第3行"]


def test_an_amount_merged_over_several_members_is_of_the_first_alone(tmp_path: Path) -> None:
    rows = [["户编号", "姓名", "年龄"], [1, "甲", 80], [1, "乙", None]]
    read = Read(sheet(tmp_path / "a.xlsx", rows, merged=["C2:C3"]))
    assert read.members == {"1": [{"name": "甲", "age": "80"}, {"name": "乙"}]}


def test_one_sheet_for_each_kind_of_record(tmp_path: Path) -> None:
    read = Read(
        book(
            tmp_path / "a.xlsx",
            {
                "说明": [["本表为虚构"], ["单位：元"]],
                "户": [["户编号", "村名", "户名"], [2, "东村", "乙户"], [1, None, "甲户"]],
                "成员信息表": [["户编号", "姓名"], [1, "甲"], [2, "乙"], [2, "丙"]],
                "收入": [
                    ["户编号", "姓名", "金额（万元）"],
                    [2, "丙", 0.96],
                    [2, "丙", "1,000"],
                    [1, "甲", "3万"],
                ],
                "待遇记录": [["户编号", "起始月"], [2, "2020年4月"], [2, date(2020, 5, 1)], [2, 202006]],
            },
        )
    )
    assert list(read.households) == ["2", "1"]  # as the sheet has them
    assert read.households["2"] == {
        "title": "乙户",
        "village": {"village_name": "东村"},
        "members": [{"name": "乙"}, {"name": "丙", "incomes": [{"amount": "9600"}, {"amount": "10000000"}]}],
        "awards": [{"first_month": "2020年4月"}, {"first_month": "2020-05"}, {"first_month": "2020-06"}],
    }
    assert read.households["1"]["members"] == [{"name": "甲", "incomes": [{"amount": "3万"}]}]
    assert "awards" not in read.households["1"]  # no row says nothing
    assert read.notes == [("S007", "a.xlsx「说明」")]
    case = read_case(PROGRAM, read.households["2"], DAY)
    assert case.index["members[1].incomes[0]"].known("amount") == 960_000  # 0.96 万元 = 9,600 元
    assert [one.known("first_month") for one in case.root.lists["awards"].items] == [
        Month(2020, 4), Month(2020, 5), Month(2020, 6),
    ]  # fmt: skip


def test_numbers_are_exact_to_the_fen_or_refused_at_their_cell(tmp_path: Path) -> None:
    rows = [
        ["户编号", "户名", "月收入"],
        [1, "甲户", 0.1],
        [2, "乙户", 1234.56],
        [3, "丙户", 33.333],
        [4, "丁户", 100000.01],
    ]
    read = Read(sheet(tmp_path / "a.xlsx", rows, "户"))
    assert read_case(PROGRAM, read.households["1"], DAY).root.known("income") == 10
    assert read_case(PROGRAM, read.households["2"], DAY).root.known("income") == 123_456
    for number, code in ((2, "R002"), (3, "R003")):
        assert faults(read.chunks[0], number) == [(code, f"a.xlsx「户」第{number + 2}行「月收入」")]


def faults(chunk: Chunk, number: int) -> list[tuple[str, str]]:
    """What reading one household refuses, and where."""
    with pytest.raises(PolicyError) as caught:
        read_case(PROGRAM, next(iter(households(chunk, PROGRAM, [number]))), DAY)
    bad = refused(chunk, number, caught.value.diagnostics, PROGRAM)
    return [(reason.code, reason.where) for reason in bad.reasons]


def test_a_wrong_cell_is_named_by_sheet_row_and_heading(tmp_path: Path) -> None:
    rows = [["title"], HEADS, [7, "甲", "1960-01-02"], [7, "乙", "去年"], [7, "丙", "2020年4月"]]
    read = Read(sheet(tmp_path / "册.xlsx", rows))
    place = "册.xlsx「成员」"
    assert faults(read.chunks[0], 0) == [
        ("R002", f"{place}第4行「出生日期」"),
        ("R002", f"{place}第5行「出生日期」"),
    ]


@pytest.mark.parametrize(
    ("titles", "heading", "amount"),
    [
        (["台账", "单位：万元"], "月收入", "1000"), (["单位：人、万元"], "月收入", "1000"), (["单位：万元"], "月收入（元）", "0.1"),
        (["单位：万元"], "月收入（含补贴）", "1000"), (["编制单位：某镇万元村"], "月收入", "0.1"), (["单位：元"], "月收入", "0.1"),
        ([], "月收入（单位：万元）", "1000"), ([], "月收入（人民币万元）", "1000"), ([], "月收入（单位：元）", "0.1"),
        ([], "月收入（税后，万元）", None), ([], "月收入（百元）", None), ([], "月收入（亿元）", None), (["单位：百万元"], "月收入", None),
    ],
)  # fmt: skip
def test_a_larger_unit_is_never_taken_for_yuan(
    tmp_path: Path, titles: list[str], heading: str, amount: str | None
) -> None:
    rows = [[None, title] for title in titles] + [["户编号", "姓名", heading], [1, "甲", 0.1]]
    path = sheet(tmp_path / "a.xlsx", rows)
    if amount is None:
        with pytest.raises(PolicyError) as caught:
            Read(path)
        assert [one.code for one in caught.value.diagnostics] == ["S010"]
    else:
        assert Read(path).households["1"]["income"] == amount


def test_the_unit_of_a_group_of_columns_is_that_of_each(tmp_path: Path) -> None:
    rows = [["户编号", "姓名", "收支（万元）", None], [None, None, "月收入", "补贴（元）"], [1, "甲", 0.1, 5]]
    read = Read(sheet(tmp_path / "a.xlsx", rows, merged=["C1:D1"]))
    assert (read.households["1"]["income"], read.households["1"]["subsidy"]) == ("1000", "5")


def test_wide_figures_are_put_in_the_unit_of_their_column_too(tmp_path: Path) -> None:
    rows = [["户编号", "姓名", "月收入（万元）"], [1, "甲", "１．２"], [2, "乙", "１２，０００元"]]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert [one["income"] for one in read.households.values()] == ["12000", "１２，０００元"]


@pytest.mark.parametrize("memory", [10**9, 0])
def test_households_whose_numbers_a_sheet_rounded_to_one_are_not_thrown_together(
    tmp_path: Path, memory: int
) -> None:
    rows = [HEADS, [110101194402290011, "甲"], [110101194402290022, "乙"]]
    assert Read(sheet(tmp_path / "a.xlsx", rows), memory=memory).codes == [
        ("a.xlsx「成员」", 2, "1.1010119440229e+17", "S017")
    ]
    text = "户编号,姓名\n3.41E+17,甲\n3.41E+17,乙\n3E12,丙\n"
    read = Read(kept(tmp_path / "成员.csv", text), memory=memory)
    assert read.codes == [("成员.csv", 2, "3.41E+17", "S017")]
    assert read.members == {"3E12": [{"name": "丙"}]}


def test_a_number_that_is_none_is_a_blank_one() -> None:
    table = pa.table({"户编号": [1.0, float("nan"), float("nan")], "姓名": ["甲", "乙", "丙"]})
    read = Read({"成员": table})
    assert read.members == {"1": [{"name": "甲"}]}
    assert [code for *_, code in read.codes] == ["S005", "S005"]


def test_the_tenth_month_and_the_first_are_not_told_apart_by_a_sheet(tmp_path: Path) -> None:
    rows = [
        ["户编号", "姓名", "停发月"],
        [1, "甲", 2019.1],
        [2, "乙", "2019.10"],
        [3, "丙", 2019.2],
        [4, "丁", "2019.01"],
    ]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    found = {}
    for key, household in read.households.items():
        try:
            found[key] = read_case(PROGRAM, household, DAY).root.known("stopped")
        except PolicyError as error:
            found[key] = error.diagnostics[0].help("zh")
    assert found == {
        "1": "表格把 2020.10 存成 2020.1，分不清是1月还是10月：写成 2020-01 或 2020-10",
        "2": Month(2019, 10), "3": Month(2019, 2), "4": Month(2019, 1),
    }  # fmt: skip


def test_a_stroke_is_no_answer_where_several_are_asked_for(tmp_path: Path) -> None:
    rows = [
        ["户编号", "姓名", "情形", "义务人"],
        [1, "甲", "/", "无"],
        [2, "乙", "无", "/"],
        [3, "丙", "无", "无"],
    ]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert [code for number in (0, 1) for code, _ in faults(read.chunks[0], number)] == ["R002", "R002"]
    assert read.members["3"] == [{"name": "丙", "circumstances": [], "obligors": []}]


def test_a_number_ruined_by_a_sheet_is_refused(tmp_path: Path) -> None:
    rows = [["户编号", "姓名", "身份证号"], [1, "甲", 110101194402290000.0], [2, "乙", "11010119440229001X"]]
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert faults(read.chunks[0], 0) == [("R006", "a.xlsx「成员」第2行「身份证号」")]
    assert faults(read.chunks[0], 1) == [("R014", "a.xlsx「成员」第3行「身份证号」")]  # its check digit


def test_days_counted_from_1904_are_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as workbook:
        page = workbook.add_worksheet("成员")
        for row, cells in enumerate([HEADS, [1, "甲", 43927]]):
            page.write_row(row, 0, cells)
    assert faults(Read(path).chunks[0], 0) == [("R002", "a.xlsx「成员」第2行「出生日期」")]


def test_members_in_numbered_columns(tmp_path: Path) -> None:
    rows = [
        ["户编号", "户名", "成员1姓名", "成员1年龄", "成员2姓名", "成员2 年龄", "成员3姓名"],
        [1, "甲户", "甲", 80, None, None, "丙"],
        [2, "乙户", "乙", None, "丁", 8, None],
    ]
    read = Read(sheet(tmp_path / "a.xlsx", rows, "农户"))
    assert read.households == {
        "1": {"title": "甲户", "members": [{"name": "甲", "age": "80"}, {"name": "丙"}]},
        "2": {"title": "乙户", "members": [{"name": "乙"}, {"name": "丁", "age": "8"}]},
    }


def test_the_villages_of_a_town_in_sheets_of_their_own(tmp_path: Path) -> None:
    book(tmp_path / "东村.xlsx", {"东村": [HEADS, [1, "甲"], [2, "乙"]]})
    book(tmp_path / "西村.xlsx", {"西村": [["姓名", "户编号", "年龄"], ["丙", 4, 8], ["丁", 3, 9]]})
    read = Read(tmp_path)
    assert read.members == {
        "1": [{"name": "甲"}],
        "2": [{"name": "乙"}],
        "4": [{"name": "丙", "age": "8"}],
        "3": [{"name": "丁", "age": "9"}],
    }
    chunk = read.chunks[0]
    assert [chunk.place("members", row) for row in range(4)] == [
        ("东村.xlsx「东村」", 2), ("东村.xlsx「东村」", 3), ("西村.xlsx「西村」", 2), ("西村.xlsx「西村」", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("memory", [10**9, 0])
def test_villages_that_each_count_from_one_are_not_thrown_together(tmp_path: Path, memory: int) -> None:
    kept(tmp_path / "东村.csv", "户编号,姓名,年龄\n1,甲,60\n2,乙,61\n")
    kept(tmp_path / "西村.csv", "户编号,姓名,年龄\n1,丙,62\n3,丁,63\n")
    read = Read(tmp_path, memory=memory)
    assert set(read.members) == {"2", "3"}
    assert read.codes == [("东村.csv", 2, "1", "S023")]
    assert dict(read.bad[0].reasons[0].fields)["second"] == "西村.csv第2行"


def test_a_sheet_without_rows_holds_no_household(tmp_path: Path) -> None:
    for path in (sheet(tmp_path / "a.xlsx", [HEADS]), kept(tmp_path / "成员.csv", ",".join(HEADS) + "\n")):
        assert Read(path).chunks == []


def test_numbers_of_households_of_any_kind() -> None:
    for of, numbers, read in (
        (pa.uint64(), [2**63 + 1, 5], "9223372036854775809"),
        (pa.int64(), [-7, 10**15], "-7"),
        (pa.float64(), [1.0, 2.5], "1"),
    ):
        members = pa.table({"户编号": pa.array(numbers[::-1], of), "姓名": ["乙", "甲"]})
        data = {"户": pa.table({"户编号": pa.array(numbers, of)}), "成员": members}
        assert Read(data).members[read] == [{"name": "甲"}]


def test_english_headings_in_any_case(tmp_path: Path) -> None:
    rows = [
        ["No.", "Household ID", "Name", "Birth Date", "AGE (years old)"],
        [1, "H-1", "A", "1960-01-02", 80],
    ]
    assert Read(sheet(tmp_path / "a.xlsx", rows, "Persons")).members == {
        "H-1": [{"name": "A", "birth_date": "1960-01-02", "age": "80"}]
    }


# ---- headings ------------------------------------------------------------------------------------------------------------


def test_a_heading_nobody_knows_is_told_with_the_nearest(tmp_path: Path) -> None:
    read = Read(kept(tmp_path / "户.csv", "户编号,月收人,备注\n1,3,x\n"))
    notes = [note.render("zh") for note in read.register.notes]
    assert notes[0] == (
        "户.csv「月收人」: 警告 S001: 没有读 `月收人` 这一列：规则里没有这一项\n"
        "  改法：是否想写 `月收入`？；用不到就不必管"
    )  # fmt: skip
    assert len(notes) == 2
    assert read.households == {"1": {}}


@pytest.mark.parametrize(
    ("headings", "code"),
    [
        ("户编号,月收入（元/年）", "S010"),
        ("户编号,月收入(天)", "S010"),
        ("户名,月收入", "S002"),
        ("户编号,月收入,income", "R013"),
    ],
)
def test_a_table_in_doubt_is_refused(tmp_path: Path, headings: str, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Read(kept(tmp_path / "户.csv", f"{headings}\n1,2,3\n"))
    assert [found.code for found in caught.value.diagnostics] == [code]


def test_references_in_cells_and_in_a_table_of_their_own_are_refused() -> None:
    members = pa.table({"户编号": [1], "姓名": ["甲"], "义务人": ["无"]})
    others = pa.table({"户编号": [1], "成员姓名": ["甲"], "引用": ["甲"]})
    assert Read({"成员": members}).members == {"1": [{"name": "甲", "obligors": []}]}
    alone = Read({"成员": members.drop_columns("义务人"), "义务人": others})
    assert alone.members == {"1": [{"name": "甲", "obligors": [{"ref": "甲"}]}]}
    with pytest.raises(PolicyError, match="R013"):
        Read({"成员": members, "义务人": others})


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        for name, number in (("东村", 1), ("西村", 2)):
            page = workbook.add_worksheet(name)
            page.write_row(0, 0, ["户编号", "姓名"])
            page.write_row(1, 0, [number, "甲"])
        page.hide()
    kept(tmp_path / "南村.doc", "")
    read = Read(tmp_path)
    assert set(read.members) == {"1"}
    assert read.notes == [("S021", "a.xlsx「西村」"), ("S021", "南村.doc")]
    kept(tmp_path / "北村.jsonl", '{"户编号": "9", "成员": [{"姓名": "甲"}]}')
    assert Read(tmp_path).notes == [("S021", "a.xlsx"), ("S021", "南村.doc")]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        Read(kept(tmp_path / "a.csv", "x,y\n1,2\n"))
    assert [found.code for found in caught.value.diagnostics] == ["R012", "S007"]
    for name in ("a.docx", "无.csv"):
        with pytest.raises(PolicyError) as caught:
            Read(tmp_path / name)
        assert [found.code for found in caught.value.diagnostics] == ["R012"]


# ---- CSV -----------------------------------------------------------------------------------------------------------------

CSV = "低保台账（虚构）\n户编号{0}姓名{0}出生日期\n1{0}甲{0}2020-01-02\n1{0}「乙」{0}\n2{0}丙{0}#N/A\n合计{0}3{0}\n"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("memory", [10**9, 0])
def test_csv_of_every_kind(tmp_path: Path, mark: str, encoding: str, memory: int) -> None:
    read = Read(kept(tmp_path / "成员.csv", CSV.format(mark), encoding), memory=memory)
    assert read.members == {
        "1": [{"name": "甲", "birth_date": "2020-01-02"}, {"name": "「乙」"}],
        "2": [{"name": "丙"}],
    }
    assert read.notes == [("S006", "成员.csv第6行")]
    assert read.bad == []


def test_a_row_with_too_few_fields_sets_its_household_aside(tmp_path: Path) -> None:
    text = '户编号,姓名,出生日期\n1,甲,\n2,乙\n\n2,"丙\n丁",\n3,戊,,\n4,己,\n,庚\n'
    read = Read(kept(tmp_path / "成员.csv", text))
    assert read.members == {"1": [{"name": "甲"}], "4": [{"name": "己"}]}
    assert read.codes == [
        ("成员.csv", 5, "2", "S012"),  # the household, at the first of its rows that can be read
        ("成员.csv", 6, "3", "S012"),
        ("成员.csv", 8, "", "S012"),
    ]


# ---- keys ----------------------------------------------------------------------------------------------------------------


def tables(numbers: Sequence[Any], owners: Sequence[Any], **more: Any) -> dict[str, pa.Table]:
    names = [f"{number}号{place}" for place, number in enumerate(owners)]
    return {"户": pa.table({"户编号": numbers}), "成员": pa.table({"户编号": owners, "姓名": names}), **more}


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("memory", [10**9, 0])
def test_members_find_their_households_in_any_order(tmp_path: Path, text: bool, memory: int) -> None:
    numbers, owners = [30, 7, 100], [7, 100, 30, 7, 100, 30, 30]
    data: Any = tables([str(n) if text else n for n in numbers], [str(n) if text else n for n in owners])
    if not memory:  # as files, and sorted on disk
        for name, table in data.items():
            pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=2)
        data = tmp_path
    read = Read(data, size=2, memory=memory)
    assert {key: [one["name"] for one in found] for key, found in read.members.items()} == {
        "30": ["30号2", "30号5", "30号6"], "7": ["7号0", "7号3"], "100": ["100号1", "100号4"],
    }  # fmt: skip
    assert [len(chunk) for chunk in read.chunks] == [2, 1]
    assert [chunk.first for chunk in read.chunks] == [0, 2]
    order = ["30", "7", "100"] if memory else ["100", "30", "7"] if text else ["7", "30", "100"]
    assert list(read.households) == order
    assert read.bad == []


@pytest.mark.parametrize("memory", [10**9, 0])
def test_what_cannot_be_linked_is_named(tmp_path: Path, memory: int) -> None:
    numbers, owners = [1, 2, 2, 3, None, 5], [1, 2, 3, 9, None, 5]
    data: Any = tables(numbers, owners)
    if not memory:
        for name, table in data.items():
            pq.write_table(table, tmp_path / f"{name}.parquet")
        data = tmp_path
    read = Read(data, size=2, memory=memory)
    assert sorted(read.households) == ["1", "3", "5"]
    ending = "" if memory else ".parquet"
    assert sorted(read.codes) == sorted(
        [
            (f"成员{ending}", 4, "9", "S004"), (f"成员{ending}", 5, "", "S005"), (f"户{ending}", 2, "2", "S003"),
            (f"户{ending}", 3, "2", "S003"), (f"户{ending}", 5, "", "S005"),
        ]
    )  # fmt: skip


def test_a_household_without_members_is_refused_by_its_reader() -> None:
    read = Read(tables([1, 2], [1]))
    assert faults(read.chunks[0], 1) == [("R008", "户第2行「成员」")]


def test_integers_and_text_numbers_are_the_same_number() -> None:
    read = Read(tables([1, 2], ["2", "1"]))
    assert {key: [one["name"] for one in found] for key, found in read.members.items()} == {
        "1": ["1号1"],
        "2": ["2号0"],
    }


def test_a_row_of_nobody_in_the_household_sets_the_household_aside() -> None:
    incomes = pa.table({"户编号": [1, 2, 2], "姓名": ["1号0", "无名", "2号1"], "金额": [1, 2, 3]})
    read = Read(tables([1, 2, 3], [1, 2, 3], 收入=incomes))
    assert list(read.households) == ["1", "3"]
    assert read.codes == [("户", 2, "2", "S011")]
    assert read.households["1"]["members"][0]["incomes"] == [{"amount": 1}]


def test_records_are_found_by_number_before_name() -> None:
    members = pa.table({"户编号": [1, 1], "成员编号": ["a", "b"], "姓名": ["同名", "同名"]})
    incomes = pa.table({"户编号": [1, 1], "人编号": ["b", None], "姓名": ["同名", "同名"], "金额": [1, 2]})
    read = Read({"成员": members, "收入": incomes.slice(0, 1)})
    assert read.members == {
        "1": [{"id": "a", "name": "同名"}, {"id": "b", "name": "同名", "incomes": [{"amount": 1}]}]
    }
    assert Read({"成员": members, "收入": incomes}).codes == [("成员", 1, "1", "S011")]


def test_facts_of_a_household_in_its_members_rows_must_agree() -> None:
    read = Read(
        {
            "成员": pa.table(
                {"户编号": [1, 1, 2, 2], "姓名": list("甲乙丙丁"), "户名": ["一", None, "二", "三"]}
            )
        }
    )
    assert read.households == {"1": {"title": "一", "members": [{"name": "甲"}, {"name": "乙"}]}}
    assert read.codes == [("成员", 3, "2", "S008")]


# ---- lists ---------------------------------------------------------------------------------------------------------------

AWARDS = pa.table({"户编号": [1], "起始月": ["2020-01"]})


def test_no_row_in_a_list_is_unknown_until_the_list_is_said_to_be_complete(tmp_path: Path) -> None:
    data = tables([1, 2], [1, 2])
    given = [{"first_month": "2020-01"}]
    for read, second in (
        (Read({**data, "待遇记录": AWARDS}), None),
        (Read({**data, "待遇记录": AWARDS}, complete=["待遇记录"]), []),
        (Read({**data, "待遇记录（核对完成）": AWARDS}), []),
        (Read({**data, "awards (complete)": AWARDS}), []),
    ):
        assert [found.get("awards") for found in read.households.values()] == [given, second]


def test_each_household_may_say_whether_its_list_is_complete() -> None:
    said = pa.table({"户编号": [1, 2, 3, 4], "待遇记录": ["否", "无", None, "是"]})
    said = said.rename_columns(["户编号", "待遇记录核对完成"])
    data = {**tables([1, 2, 3, 4], [1, 2, 3, 4]), "户": said}
    found = [one.get("awards") for one in Read({**data, "待遇记录": AWARDS}).households.values()]
    assert found == [{"items": [{"first_month": "2020-01"}], "complete": False}, [], None, []]
    assert [one.get("awards") for one in Read(data).households.values()] == [None, [], None, []]
    other = said.set_column(1, "待遇记录", [["无", "无", "无", "也许"]])
    assert Read({**data, "户": other, "待遇记录": AWARDS}).codes == [
        ("户", 1, "1", "S013"),
        ("户", 4, "4", "R002"),
    ]


@pytest.mark.parametrize("said", ["是", "有", "√", True])
def test_a_household_said_to_have_records_that_are_not_there_has_not_none(tmp_path: Path, said: Any) -> None:
    households = [
        ["户编号", "户名", "待遇记录"],
        [1, "甲户", said],
        [2, "乙户", said],
        [3, "丙户", "否"],
        [4, "丁户", "无"],
    ]
    members = [["户编号", "姓名"], *([number, "甲"] for number in (1, 2, 3, 4))]
    awards = [["户编号", "起始月"], [2, "2020-01"]]
    read = Read(book(tmp_path / "a.xlsx", {"户": households, "成员": members, "待遇记录": awards}))
    found = {key: one.get("awards") for key, one in read.households.items()}
    assert found == {"2": [{"first_month": "2020-01"}], "3": None, "4": []}
    assert read.codes == [("a.xlsx「户」", 2, "1", "S018")]


@pytest.mark.parametrize("title", ["待遇记录（尚未核对完成）", "核对完成：否", "核对完成日期", "未核对完成"])
def test_a_title_that_says_that_it_is_not_complete_is_believed(tmp_path: Path, title: str) -> None:
    households = [["户编号", "户名"], [1, "甲户"], [2, "乙户"]]
    sheets = {
        "户": households,
        "成员": [["户编号", "姓名"], [1, "甲"], [2, "乙"]],
        "待遇记录": [[title], ["户编号", "起始月"], [1, "2020-01"]],
    }
    found = [one.get("awards") for one in Read(book(tmp_path / "a.xlsx", sheets)).households.values()]
    assert found == [[{"first_month": "2020-01"}], None]


def test_records_of_whom_nobody_can_see_are_not_the_households(tmp_path: Path) -> None:
    for heading in ("身份证号", "受益人姓名"):
        sheets = {
            "成员": [["户编号", "姓名"], [1, "甲"]],
            "待遇记录": [["户编号", heading, "起始月"], [1, "甲", "2020-01"]],
        }
        program = load_text(RULES.replace("事实 人.身份证号 (id_number)：文字\n", "")).program
        with pytest.raises(PolicyError) as caught:
            Read(book(tmp_path / "a.xlsx", sheets), program=program)
        assert [one.code for one in caught.value.diagnostics] == ["S025"]


# ---- what is there twice ----------------------------------------------------------------------------------------------------


def test_a_list_of_names_beside_the_members_doubles_nobody(tmp_path: Path) -> None:
    sheets = {
        "户": [["户编号", "户名"], [1, "甲户"], [2, "乙户"]],
        "成员": [["户编号", "姓名", "年龄"], [1, "甲", 60], [2, "乙", 61]],
        "公示名单": [["户编号", "姓名", "类别"], [1, "甲", "低保"]],
    }
    read = Read(book(tmp_path / "a.xlsx", sheets))
    assert set(read.members) == {"2"}
    assert read.codes == [("a.xlsx「户」", 2, "1", "S023")]


def test_a_row_of_a_member_that_was_pasted_twice_sets_the_household_aside(tmp_path: Path) -> None:
    rows = [HEADS, [1, "甲", "1960-01-02"], [1, "乙", "1961-01-02"], [1, "甲", "1960-01-02"], [2, "甲", "1960-01-02"],
            [2, "甲", "1990-01-02"]]  # fmt: skip
    read = Read(sheet(tmp_path / "a.xlsx", rows))
    assert set(read.members) == {"2"}  # two of one name that are not one
    assert read.codes == [("a.xlsx「成员」", 2, "1", "S024")]


def test_the_copy_of_a_table_does_not_double_what_it_holds(tmp_path: Path) -> None:
    kept(tmp_path / "成员.csv", "户编号,姓名\n1,甲\n2,乙\n")
    kept(tmp_path / "收入.csv", "户编号,姓名,金额\n1,甲,100\n1,甲,100\n2,乙,200\n")
    kept(tmp_path / "收入 - 副本.csv", "户编号,姓名,金额\n1,甲,300\n2,乙,200\n")
    read = Read(tmp_path)
    assert read.members == {
        "1": [{"name": "甲", "incomes": [{"amount": "300"}, {"amount": "100"}, {"amount": "100"}]}]
    }
    assert [code for *_, code in read.codes] == ["S024"]


# ---- JSON Lines, Parquet ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_json_lines(tmp_path: Path, encoding: str) -> None:
    text = '{"编号": "A1", "户名": "甲", "月收入": 0.10}\n\n{"户名": "乙"}\n[1]\n{"编号": "A1"}\n{"a": \n'
    read = Read(kept(tmp_path / "a.jsonl", text, encoding), size=1)
    assert read.households == {
        "A1": {"编号": "A1", "户名": "甲", "月收入": Decimal("0.10")},
        "3": {"户名": "乙"},
    }
    assert read.codes == [
        ("a.jsonl", 4, "", "R012"), ("a.jsonl", 5, "A1", "S003"), ("a.jsonl", 6, "", "R012"),
    ]  # fmt: skip
    assert [chunk.place("", 0) for chunk in read.chunks[:2]] == [("a.jsonl", 1), ("a.jsonl", 3)]


def test_lines_without_a_number_never_share_one(tmp_path: Path) -> None:
    kept(tmp_path / "a.jsonl", '{"成员": [{"姓名": "甲"}]}\n{"编号": "1", "成员": [{"姓名": "乙"}]}\n')
    assert [(row, key, code) for _, row, key, code in Read(tmp_path / "a.jsonl").codes] == [(2, "1", "S003")]
    kept(tmp_path / "b.jsonl", '{"成员": [{"姓名": "丙"}]}\n')
    assert list(Read(tmp_path).households) == ["a.jsonl第1行", "1", "b.jsonl第1行"]


def test_parquet_with_every_type_of_column(tmp_path: Path) -> None:
    table = pa.table(
        {
            "household_id": pa.array([1], pa.int16()),
            "title": pa.array(["甲"]).dictionary_encode(),
            "income": pa.array([Decimal("12.5000")], pa.decimal128(12, 4)),
            "subsidy": pa.array([80.0]),
            "has_car": [True],
            "registered": [date(2020, 4, 1)],
            "stopped": pa.array([datetime(2020, 5, 1)], pa.timestamp("ns")),
            "size": pa.array([2], pa.uint8()),
            "village": pa.array([b"\xe4\xb8\x9c"]),
        }
    )
    pq.write_table(table, tmp_path / "household.parquet")
    (found,) = Read(tmp_path / "household.parquet").households.values()
    case = read_case(PROGRAM, found, DAY)
    known = {name: case.root.known(name) for name in table.column_names[1:-1]}
    assert case.root.upper and case.root.upper.known("village_name") == "东"
    assert known == {
        "title": "甲", "income": 1250, "subsidy": 8000, "has_car": True, "registered": Month(2020, 4),
        "stopped": Month(2020, 5), "size": 2,
    }  # fmt: skip


def test_a_damaged_file_is_told_with_the_row(tmp_path: Path) -> None:
    path = tmp_path / "户.parquet"
    pq.write_table(
        pa.table({"户编号": range(3000)}), path, row_group_size=1000, compression="none", use_dictionary=False
    )
    data = bytearray(path.read_bytes())
    middle = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[middle : middle + 20] = b"\xff" * 20
    path.write_bytes(data)
    with pytest.raises(PolicyError) as caught:
        Read(path)
    assert [found.code for found in caught.value.diagnostics] == ["S015"]
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(PolicyError) as caught:
        Read(path)
    assert [found.code for found in caught.value.diagnostics] == ["R012"]


def test_a_damaged_file_is_told_while_it_is_sorted(tmp_path: Path) -> None:
    """Found by the soak: the database that sorts said it in its own words."""
    path, rows = tmp_path / "户.parquet", 150_000
    table = pa.table({"户编号": range(rows, 0, -1), "户名": [f"甲{n}" for n in range(rows)]})
    pq.write_table(table, path, row_group_size=70_000, use_dictionary=False, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    middle = pq.ParquetFile(path).metadata.row_group(1).column(1).data_page_offset
    data[middle + 500] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(PolicyError) as caught:
        Read(path, memory=0)
    assert [found.code for found in caught.value.diagnostics] == ["S015"]


def test_what_is_larger_than_memory_comes_to_the_same(tmp_path: Path) -> None:
    count = 5_000
    numbers = [(n * 7919) % count for n in range(count)]
    owners = [(n * 104_729) % (count * 2) // 2 for n in range(count * 2)]
    data = tables(numbers, owners)
    data["收入"] = pa.table({"户编号": owners, "姓名": data["成员"]["姓名"], "金额": range(count * 2)})
    for name, table in data.items():
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=999)
    whole, streamed = Read(tmp_path, size=400), Read(tmp_path, size=400, memory=0)
    assert whole.households == streamed.households
    assert len(whole.households) == count
    assert {len(chunk) for chunk in streamed.chunks} == {400, 200}


# ---- cells ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "raw", "found"),
    [
        ("text", 1001.0, "1001"), ("text", 7, "7"), ("text", "  甲 ", "甲"), ("text", "#N/A", None),
        ("text", float("nan"), None), ("number", 1.5, 1.5), ("number", Decimal("3.00"), 3), ("bool", "", None),
        ("bool", "未知", None), ("choice", 2.0, 2), ("multi", "服刑、失踪", ["服刑", "失踪"]), ("multi", "无", []),
        ("multi", "服刑", ["服刑"]), ("multi", 2, [2]), ("date", 20240301.0, "2024-03-01"),
        ("date", "20240301.0", "2024-03-01"), ("date", datetime(2024, 3, 1), date(2024, 3, 1)),
        ("date", "202403", "202403"), ("month", "202403", "2024-03"), ("month", date(2024, 3, 1), "2024-03"),
        ("month", date(2024, 3, 2), "2024-03-02"), ("list", "甲、乙", ["甲", "乙"]), ("record", 3.0, "3"),
    ],
)  # fmt: skip
def test_cells_as_household_data(kind: Any, raw: Any, found: Any) -> None:
    assert cell(Type(kind), raw) == found


@pytest.mark.parametrize(
    ("raw", "text"),
    [(1.0, "1"), (0.1, "0.1"), (1e15, "1000000000000000.0"), (1.1e17, "1.1e+17"), (True, "是"), ("", None),
     (datetime(2020, 1, 2), "2020-01-02"), (datetime(2020, 1, 2, 3), "2020-01-02T03:00:00"), (-2.50, "-2.5")],
)  # fmt: skip
def test_cells_of_a_workbook_as_text(raw: Any, text: str | None) -> None:
    assert files.cell_text(raw) == text


# ---- extras --------------------------------------------------------------------------------------------------------------


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sheet(tmp_path / "a.xlsx", [HEADS])
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(PolicyError, match=r"policykit\[batch\]"):
        Register(path, PROGRAM)
