"""examples/register.xlsx: the households of some other examples in one workbook, as an office would keep them.

`make golden` writes it anew. Everything in it is invented, as in those examples; the first row of each sheet says so.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter

from policykit import ir
from policykit.facts import LIST_KEYS
from policykit.loader import load_bundled

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
REGISTER = EXAMPLES / "register.xlsx"
TITLE = "示例登记册：村、户、人和数额都是编造的"
ON = date(2020, 6, 10)

#: the number of each household, and the example that it is
HOUSEHOLDS = {
    1001: "c01-whole-household", 1002: "c03-single-person", 1003: "c04-household-before-person",
    1004: "c25-outside-the-named-groups", 1005: "missed-household", 1006: "at-the-line-new",
    1007: "at-the-line-on-dibao", 1008: "single-serious-illness", 1009: "epidemic-household", 1010: "facts-missing",
    1011: "single-person-household", 1012: "c22c-hearing-grade-four", 1013: "first-help-pending",
}  # fmt: skip
BAD = 1013  #: the household with a date that cannot be read
VILLAGES = ("东岭村", "西畈村")
SAID = {"source": "来源", "by": "判断人", "date": "日期", "reason": "理由"}


class Row(NamedTuple):
    """One record: the number of its household, whose it is, its cells by heading."""

    household: int
    owner: str
    cells: dict[str, Any]


def household(number: int) -> dict[str, Any]:
    """One household as its example has it."""
    found: dict[str, Any] = json.loads((EXAMPLES / f"{HOUSEHOLDS[number]}.json").read_text("utf-8"))
    return found


def sheets() -> dict[str, list[Row]]:
    """The rows of every sheet."""
    program = load_bundled().program
    found: dict[str, list[Row]] = {"户": [], "成员": []}
    for place, number in enumerate(HOUSEHOLDS):
        data = household(number)
        village = {"村名": VILLAGES[place % len(VILLAGES)]}
        found["户"].append(Row(number, "", village | cells(program, "household", data)))
        below(program, "household", data, number, "", found)
        for member in data["成员"]:
            name = member["姓名"]
            found["成员"].append(
                Row(number, name, {"成员编号": member.get("编号")} | cells(program, "person", member))
            )
            below(program, "person", member, number, name, found)
    return found


def below(
    program: ir.Program,
    kind: str,
    data: Mapping[str, Any],
    number: int,
    name: str,
    found: dict[str, list[Row]],
) -> None:
    """Adds the records of a household or of a member to their sheets."""
    for decl in program.entities[kind].lists.values():
        if decl.kind == "records" and isinstance(data.get(decl.name.zh), list):
            for record in data[decl.name.zh]:
                row = Row(number, name, cells(program, decl.item, record))
                found.setdefault(decl.name.zh, []).append(row)


def cells(program: ir.Program, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of one record, and of which lists there is nothing."""
    found: dict[str, Any] = {}
    for decl in program.entities[kind].facts.values():
        raw = data.get(decl.name.zh)
        given = raw if isinstance(raw, Mapping) else {"值": raw}
        found[decl.name.zh] = spelled(decl, given.get("值"))
        if decl.evidence is not None or decl.judgement is not None:
            for word in SAID.values():
                found[decl.name.zh + word] = given.get(word)
    for one in program.entities[kind].lists.values():
        raw = data.get(one.name.zh)
        if one.kind == "refers" and raw is not None:
            many = raw if isinstance(raw, list) else [raw]
            found[one.name.zh] = "、".join(item["引用"] for item in many) if raw != "无" and many else "无"
        elif one.kind == "records":
            found[one.name.zh] = "无" if raw == [] else None
            assert not isinstance(raw, Mapping) or not LIST_KEYS.keys() & raw.keys(), one.name.zh
    return found


def spelled(decl: ir.FactDecl, value: Any) -> Any:
    """A value as it stands in a cell."""
    if isinstance(value, list):
        return "、".join(value) or "无"
    if decl.type.kind == "date" and isinstance(value, str) and value != "无":
        return datetime.strptime(value, "%Y-%m-%d")
    return value


def variety(kind: str, row: int, value: Any) -> Any:
    """The same said in the ways in which offices say it."""
    if isinstance(value, datetime):
        return (
            value,
            f"{value.year}.{value.month}.{value.day}",
            f"{value:%Y/%m/%d}",
            int(f"{value:%Y%m%d}"),
        )[row % 4]
    if kind == "收入项" and isinstance(value, int | float) and value >= 1000 and row % 3 == 1:
        return f"{value:,}元"
    return (
        {"是": ("是", "√"), "否": ("否", "×")}.get(value, (value, value))[row % 2]
        if isinstance(value, str)
        else value
    )


def headings(kind: str, rows: Sequence[Row]) -> list[str]:
    """The columns of a sheet that hold anything, in order."""
    named = [] if kind in ("户", "成员") else ["姓名"]
    used = [key for key in dict.fromkeys(key for row in rows for key in row.cells)
            if any(row.cells.get(key) is not None for row in rows)]  # fmt: skip
    return ["序号", "户编号", *(name for name in named if any(row.owner for row in rows)), *used]


def table(kind: str, rows: Sequence[Row]) -> Iterator[list[Any]]:
    """A sheet row by row, from its headings on."""
    names = headings(kind, rows)
    units = {"年金额": "年金额（元）", "月金额": "月金额（元）", "年支出": "年支出（元）"}
    yield [units.get(name, name) for name in names]
    for place, row in enumerate(rows):
        given = [variety(kind, place, row.cells.get(name)) for name in names[2:]]
        if "姓名" in names and kind != "成员":
            given[names.index("姓名") - 2] = row.owner or None
        if row.household == BAD and kind == "成员" and row.owner == household(BAD)["成员"][-1]["姓名"]:
            given[names.index("出生日期") - 2] = "不详，属马"
        yield [place + 1, row.household, *given]
    amounts = [
        sum(v for row in rows if isinstance(v := row.cells.get(name), int | float)) or None
        for name in names[2:]
    ]
    yield ["合计", len(rows) if kind == "户" else None, *amounts]


def write(path: Path) -> None:
    """Makes the workbook: the same bytes every time."""
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"title": TITLE, "created": datetime(2020, 6, 10)})
        title = book.add_format({"bold": True, "align": "center"})
        head = book.add_format({"bold": True, "border": 1, "align": "center"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for kind, rows in sheets().items():
            page = book.add_worksheet(kind)
            body = list(table(kind, rows))
            page.merge_range(0, 0, 0, len(body[0]) - 1, TITLE, title)
            top = 1
            if kind == "成员":  # a second row of headings over the columns
                page.merge_range(1, 0, 1, 1, "户", head)
                page.merge_range(1, 2, 1, len(body[0]) - 1, "本人情况", head)
                top = 2
            for down, cells_ in enumerate(body):
                for across, cell in enumerate(cells_):
                    if isinstance(cell, datetime):
                        page.write_datetime(top + down, across, cell, day)
                    elif cell is not None:
                        page.write(top + down, across, cell, head if down == 0 else None)
            if kind == "成员":
                _merge_households(page, rows, top + 1)
            page.freeze_panes(top + 1, 2)
            page.set_column(0, len(body[0]) - 1, 12)


def _merge_households(page: Any, rows: Sequence[Row], top: int) -> None:
    """The number of a household stands once, over all its members."""
    first = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place].household != rows[first].household:
            if place - first > 1:
                page.merge_range(top + first, 1, top + place - 1, 1, rows[first].household)
            first = place


if __name__ == "__main__":
    write(REGISTER)
