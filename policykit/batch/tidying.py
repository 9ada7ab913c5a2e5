"""The rows of a table as kept → records alone: without blank rows, totals and remarks, each with the number of its
household, figures in the unit of their fact, several members of one row apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from policykit.batch.chunks import KEY, NOBODY, ROW, at
from policykit.batch.files import Lost, Raw, Told, Wanted, cell_text
from policykit.batch.headings import ROOT, WHOLE
from policykit.batch.sheets import Sheet
from policykit.diagnostics import Language, PolicyError, data_fault, shown

if TYPE_CHECKING:
    import pyarrow as pa

_TOTAL = r"^\s*(?:合\s*计|总\s*计|小\s*计|共\s*计|(?i:sub)?(?i:totals?))\s*[:：]?\s*$"
#: in a row without a number, also what is added up: 东村小计, 共13户35人
_SUM = (
    r"^[\x{4e00}-\x{9fff} ]{0,6}(?:合\s*计|总\s*计|小\s*计|共\s*计|累\s*计|共\s*[0-9]+\s*[户人])"
    r"[\x{4e00}-\x{9fff} 0-9:：、，,]{0,12}$"
)
#: what stands below a table: 填表人：…, 审核人：…, 注：…
_REMARK = r"^\s*[\x{4e00}-\x{9fff} ]{1,8}[:：]"
ALONE = "_alone"  #: whether a row speaks of the household and of nobody in it
_MOST_NOTES = 20
_FRONT = 3  # columns in which a row says that it is a total


class Whole(IntEnum):
    """What a cell says of whether a list is complete."""

    UNSAID, YES, NO, NONE, SOME, WRONG = range(6)


_WORDS = {
    Whole.YES: frozenset(["是", "核对完成", "yes", "true", "complete"]),
    Whole.NO: frozenset(["否", "核对未完成", "no", "false", "incomplete"]),
    Whole.NONE: NOBODY,
    Whole.UNSAID: frozenset([""]),
}
_THERE_ARE = frozenset(["是", "有", "√", "yes", "true"])


def whole_said(raw: Any, bare: bool) -> Whole:
    """What a cell says; in a column that is headed as the list is, `bare`, 是 says that there are some."""
    text = (cell_text(raw) or "").lower()
    if bare and text in _THERE_ARE:
        return Whole.SOME
    return next((said for said, words in _WORDS.items() if text in words), Whole.WRONG)


def whole(sheet: Sheet, told: Told, what: str, language: Language) -> pa.Table:
    """All rows of a table at once. Those of an Arrow table stay where they are."""
    import pyarrow as pa

    table = getattr(sheet.raw, "table", None)
    if table is not None and len(sheet.groups) == 1 and not sheet.factors:
        found: pa.Table = table(sheet.groups[0])
        at_key = found.column_names.index(KEY) if KEY in found.column_names else -1
        return found.set_column(at_key, KEY, key_array(found[KEY])) if at_key >= 0 else found
    batches = list(tidied(sheet, told, what, language))
    if batches:
        return pa.Table.from_batches(batches)
    return pa.table(
        {name: pa.array([], pa.string()) for name in sheet.columns} | {ROW: pa.array([], pa.int64())}
    )


def keys(sheet: Sheet, told: Told, what: str, language: Language) -> Iterator[pa.Array]:
    """The household numbers alone, batch by batch."""
    if sheet.raw.named and len(sheet.groups) == 1:
        wanted = [one for one in sheet.groups[0] if one.name == KEY]
        for batch in sheet.raw.batches(sheet.after, wanted, told):
            yield key_array(batch.column(0))
    else:
        for batch in tidied(sheet, told, what, language):
            yield batch[KEY]


def tidied(sheet: Sheet, told: Told, what: str, language: Language) -> Iterator[pa.RecordBatch]:
    """The records of a table with their rows, batch by batch; `what` is the number of a household in messages."""
    import pyarrow as pa

    front = [] if sheet.raw.named else [Wanted(place, f"_at{place}") for place in range(_width(sheet.raw))]
    wanted = [*front, *(one for group in sheet.groups for one in group)]
    last = _Last()
    for batch in sheet.raw.batches(sheet.after, wanted, told):
        columns, rows = batch.columns, batch[ROW]
        names, at_column = sheet.columns, len(front)
        parts = []
        for group in sheet.groups:
            held = dict(zip((one.name for one in group), columns[at_column:], strict=False))
            at_column += len(group)
            for name, factor in sheet.factors.items():
                if name in held:
                    held[name] = pa.array([times(one, factor) for one in held[name].to_pylist()], pa.string())
            if KEY in held:
                held[KEY] = key_array(held[KEY])
            none = pa.nulls(batch.num_rows, pa.string())
            part = pa.RecordBatch.from_arrays(
                [*(held.get(name, none) for name in names), rows], [*names, ROW]
            )
            if front:
                part, last = _records(sheet, part, columns[: len(front)], last, told, what, language)
            parts.append(part)
        found = parts[0] if len(parts) == 1 else _by_row(parts)
        if found.num_rows:
            yield found
    _tell(sheet, told, language)


def _width(raw: Raw) -> int:
    return min(_FRONT, max(map(len, raw.head()), default=0))


def _by_row(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Members that stand side by side, one below the other."""
    import pyarrow as pa

    table = pa.Table.from_batches(parts)
    order = table[ROW].to_numpy().argsort(kind="stable")
    return table.take(pa.array(order)).combine_chunks().to_batches()[0] if len(order) else parts[0]


def _records(
    sheet: Sheet,
    part: pa.RecordBatch,
    front: Sequence[pa.Array],
    last: _Last,
    told: Told,
    what: str,
    language: Language,
) -> tuple[pa.RecordBatch, _Last]:
    """The rows that are records, a blank number of a household filled where a row goes on with the one above.

    That is where facts of the household stand in the rows of its members, and are blank too.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [name for name in sheet.columns if name != KEY]
    # a row that names somebody is a record of theirs, if nothing of it is known
    own = _any([part[name] for name in names if not name.startswith((WHOLE, ROOT))], part.num_rows)
    of_root = _any([part[name] for name in names if name.startswith(ROOT)], part.num_rows)
    total = _headings_again(sheet, part, language)
    for column in front:
        total = pc.or_(total, _matches(column, _TOTAL))
    keyed = _all(True, part.num_rows)
    if KEY in part.schema.names:
        keyed = pc.and_not(pc.is_valid(part[KEY]), _matches(part[KEY], _REMARK))
    unkeyed = pc.any(pc.invert(keyed)).as_py()
    if unkeyed:
        columns = [*front, *(part[name] for name in names)]
        named = _all(False, part.num_rows)
        if sheet.called in part.schema.names:
            column = part[sheet.called]
            named = pc.and_not(pc.is_valid(column), pc.or_(_matches(column, _SUM), _matches(column, _REMARK)))
        # 县医院：诊断书 beside a name is no remark below the table
        remark = pc.and_not(_some(columns, _REMARK, part.num_rows), named)
        if front:
            remark = pc.or_(remark, _matches(front[0], _REMARK))
        found = pc.or_(remark, _some(columns, _SUM, part.num_rows))
        total = pc.or_(total, pc.and_not(found, keyed))
    keyed, several = pc.and_not(keyed, total), len(sheet.groups) > 1
    record = pc.and_(pc.and_not(pc.or_(own, of_root), total), own if several else True)
    if not sheet.path and not several:
        # a household may be there of which nothing is known but the number
        record = pc.and_not(pc.or_(record, keyed), total)
    bare = pc.and_not(pc.and_not(keyed, total), record)
    if not several and sheet.people:
        _nobody(sheet, part, bare, told, what, language)
    if not several:
        other = pc.and_not(pc.invert(record), bare) if sheet.people else pc.invert(record)
        _remarks(sheet, part, [*front, *(part[name] for name in names)], other, told, language)
    if not sheet.path or KEY not in part.schema.names or not part.num_rows:
        return part.filter(record), last
    row = part[ROW]
    after = pc.equal(row, pc.add(pa.concat_arrays([pa.array([last.row], pa.int64()), row[:-1]]), 1))
    # the household that the row above is of, as far as rows between tell of no other
    other = pc.or_(pc.and_not(of_root, keyed), pc.invert(after))
    above = _onward(last.above, pc.if_else(keyed, part[KEY], pc.if_else(other, "", None)))
    open_ = pc.and_not(record, keyed)
    if any(name.startswith(ROOT) for name in names):
        follows = pc.and_(pc.and_not(open_, of_root), after)
        if sheet.called in part.schema.names:  # figures beside no name may well be a sum
            follows = pc.and_(follows, pc.is_valid(part[sheet.called]))
        begins = pc.if_else(pc.and_(record, keyed), part[KEY], "")
        number = _onward(last.number, pc.if_else(follows, None, begins))
        goes_on = pc.and_(follows, pc.not_equal(number, ""))
        part = part.set_column(part.schema.names.index(KEY), KEY, pc.if_else(goes_on, number, part[KEY]))
        told.filled[sheet.raw.source] = told.filled.get(sheet.raw.source, 0) + (pc.sum(goes_on).as_py() or 0)
        part = part.append_column(ALONE, pc.and_not(of_root, own))
        open_, last = pc.and_not(open_, goes_on), replace(last, number=number[-1].as_py())
    for at_row, key in zip(row.filter(open_).to_pylist(), above.filter(open_).to_pylist(), strict=True):
        # it may well be of the household above, which is not whole without it
        reason = data_fault(language, "S005", at(sheet.raw.source, at_row, language), what=what)
        told.lost.append(Lost(sheet.raw.source, at_row, key, reason))
    return part.filter(pc.and_not(record, open_)), replace(last, above=above[-1].as_py(), row=row[-1].as_py())


@dataclass(frozen=True, slots=True)
class _Last:
    """The row before a batch: its place, the household number that goes on to blank ones (empty: none), and the
    household above it in any case."""

    row: int = 0
    number: str = ""
    above: str = ""


def _onward(before: str, values: pa.Array) -> pa.Array:
    """Values, each blank one as the one above it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.fill_null_forward(pa.concat_arrays([pa.array([before]), values]))[1:]


def _headings_again(sheet: Sheet, part: pa.RecordBatch, language: Language) -> pa.Array:
    """The rows that are the headings again, as at the head of a page; refuses the headings of another table."""
    import pyarrow.compute as pc

    heading = sheet.headings.get(KEY)
    if heading is None or KEY not in part.schema.names:
        return _all(False, part.num_rows)
    again = _matches(part[KEY], f"^{re.escape(heading)}$")
    for row in part.filter(again).to_pylist() if pc.any(again).as_py() else ():
        said = {name: text for name, text in row.items() if name not in (KEY, ROW) and text is not None}
        if any(sheet.headings.get(name.removeprefix(ROOT)) != text for name, text in said.items()):
            raise PolicyError([data_fault(language, "S020", at(sheet.raw.source, row[ROW], language))])
    return again


def _some(columns: Sequence[pa.Array], pattern: str, count: int) -> pa.Array:
    """Where one of some columns holds text of this form."""
    import pyarrow.compute as pc

    found = _all(False, count)
    for column in columns:
        found = pc.or_(found, _matches(column, pattern))
    return found


def _all(truth: bool, count: int) -> pa.Array:
    import pyarrow as pa

    return pa.array([truth] * count, pa.bool_())


def _matches(column: pa.Array, pattern: str) -> pa.Array:
    """Which cells are text of this form."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(column.type):
        return _all(False, len(column))
    return pc.fill_null(pc.match_substring_regex(column, pattern), False)


def _any(columns: Sequence[pa.Array], count: int) -> pa.Array:
    """Where one of some columns holds anything."""
    import pyarrow.compute as pc

    found = _all(False, count)
    for column in columns:
        found = pc.or_(found, pc.is_valid(column))
    return found


def _remarks(
    sheet: Sheet,
    part: pa.RecordBatch,
    columns: Sequence[pa.Array],
    other: pa.Array,
    told: Told,
    language: Language,
) -> None:
    """Tells the rows that are no records and hold something."""
    rows = part[ROW].filter(other).to_pylist()
    for row, *texts in zip(rows, *(column.filter(other).to_pylist() for column in columns), strict=True):
        text = next((text for text in texts if text), None)
        if text and len(told.notes) < _MOST_NOTES:
            where = at(sheet.raw.source, row, language)
            told.notes.append(data_fault(language, "S006", where, found=shown(text)))


def _nobody(
    sheet: Sheet, part: pa.RecordBatch, bare: pa.Array, told: Told, what: str, language: Language
) -> None:
    """Rows of which the number of a household alone can be read may be one of its members."""
    for row, key in zip(part[ROW].filter(bare).to_pylist(), part[KEY].filter(bare).to_pylist(), strict=True):
        where = at(sheet.raw.source, row, language)
        reason = data_fault(language, "S019", where, what=what)
        note = data_fault(language, "S006", where, found=shown(key))
        told.lost.append(Lost(sheet.raw.source, row, key, reason, note))


def _tell(sheet: Sheet, told: Told, language: Language) -> None:
    """Tells what was read otherwise than it is written."""
    for name, found in told.serials.items():
        where = at(sheet.raw.source, 0, language)
        fields = {"name": sheet.headings.get(name.removeprefix(ROOT), name), "count": str(len(found))}
        told.notes.append(data_fault(language, "S014", where, **fields, found=found[0][0], value=found[0][1]))
    told.serials.clear()
    if count := told.filled.pop(sheet.raw.source, 0):
        told.notes.append(data_fault(language, "S009", sheet.raw.source, count=str(count)))


# ---- cells -------------------------------------------------------------------------------------------------------------


def key_array(column: Any) -> Any:
    """Household numbers as integers, or else as text; blank ones are nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_uint64(column.type) and len(column) and (pc.max(column).as_py() or 0) >= 2**63:
        return column.cast(pa.string())
    if pa.types.is_integer(column.type):
        return column if column.type == pa.int64() else column.cast(pa.int64())
    if pa.types.is_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        return pc.if_else(pc.equal(text, ""), None, text)
    return pa.array([cell_text(one) for one in column.to_pylist()], pa.string())


def times(raw: Any, factor: Fraction) -> str | None:
    """A figure in another unit; what is no bare figure stays."""
    text = cell_text(raw)
    bare = "".join(unicodedata.normalize("NFKC", text or "").split())
    try:
        number = Decimal(bare.replace(",", "")) * factor.numerator / factor.denominator
    except InvalidOperation:
        return text
    return f"{number.normalize():f}" if re.fullmatch(r"[-0-9.,]+", bare) else text
