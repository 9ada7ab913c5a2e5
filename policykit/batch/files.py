"""What a register may be kept in → tables with their headings unread: Arrow, Parquet, CSV, workbooks.

Rows of CSV and workbooks become text, written as people write it. A table is read again whenever it is asked for, in
batches, so that none has to fit into memory.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from policykit.batch.chunks import BLANK, KEY, ROW, at
from policykit.diagnostics import Diagnostic, Language, PolicyError, data_fault, data_word, shown
from policykit.source import decode

if TYPE_CHECKING:
    import pyarrow as pa

HEAD = 30  #: rows among which the headings are looked for
SHEETS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
TEXTS = {".csv", ".tsv", ".txt"}
LINES = {".jsonl", ".ndjson"}
FORMATS = "Parquet、CSV、Excel、JSON Lines"
_BATCH = 65_536
_SAMPLE = 64_000_000  # bytes of a text that are looked at for its encoding
_FIRST_SERIAL = date(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column that is to be read: its place in the file, its new name, what its cells are (`date`, `month`, or
    anything else), and whether a merged cell speaks for every row that it covers."""

    place: int
    name: str
    kind: str = ""
    covers: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """A row that cannot be read; `key` is the household number in it, as far as can be seen. Where there is no such
    household, `otherwise` is told instead, if anything."""

    source: str
    row: int
    key: str
    reason: Diagnostic
    otherwise: Diagnostic | None = None


@dataclass(slots=True)
class Told:
    """What is found while rows are read: rows that cannot be, remarks, blank numbers of households that were filled
    (by source), and numbers that were taken for days (by column)."""

    lost: list[Lost] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    filled: dict[str, int] = field(default_factory=dict)
    serials: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unread:
    """A sheet or file of a register that is not read, and why."""

    source: str
    why: str
    of: str = ""

    def told(self, language: Language) -> Diagnostic:
        why = data_word(language, self.why, self.of)
        return data_fault(language, "S021", self.source, why=why)


class Raw(Protocol):
    """One table as kept: `size` are about the bytes that its rows will take in memory, `rows` about how many there are (`None`: not
    known before). `head` are its first rows, or the names of its columns alone where it has such (`named`)."""

    name: str
    source: str
    named: bool
    size: int
    rows: int | None

    def head(self) -> list[list[str]]: ...

    def batches(self, after: int, wanted: Sequence[Wanted], told: Told) -> Iterator[pa.RecordBatch]:
        """The rows after the heading rows, with `_row`."""
        ...


def opened(path: Path, language: Language) -> Iterator[Raw | Unread]:
    """The tables of one file."""
    suffix = path.suffix.lower()
    if not path.exists():
        raise unreadable(path.name, language, "unopened")
    try:
        if path.is_dir() or suffix == ".parquet":
            yield Parquet(path, language)
        elif suffix in SHEETS:
            yield from workbook(path, language)
        elif suffix in TEXTS:
            yield Text(path, language)
        else:
            raise unreadable(path.name, language, "format", FORMATS)
    except OSError:
        raise unreadable(path.name, language, "unopened") from None


def unreadable(place: str, language: Language, why: str, of: str = "") -> PolicyError:
    return PolicyError([data_fault(language, "R012", place, why=data_word(language, why, of))])


def extra(place: str, language: Language) -> PolicyError:
    """What is said when the libraries that read registers are not installed."""
    return unreadable(place, language, "batch")


# ---- Arrow and Parquet -------------------------------------------------------------------------------------------------


class Memory:
    """An Arrow table, or a stream of batches, which is read once and held."""

    named = True

    def __init__(self, name: str, data: Any) -> None:
        import pyarrow as pa

        self.name = self.source = name
        self.data: pa.Table = data if isinstance(data, pa.Table) else pa.table(data)
        self.size, self.rows = 0, self.data.num_rows  # it is in memory already

    def head(self) -> list[list[str]]:
        return [self.data.column_names]

    def table(self, wanted: Sequence[Wanted]) -> pa.Table:
        return plain_columns(self.data.select([one.place for one in wanted]), wanted)

    def batches(self, after: int, wanted: Sequence[Wanted], told: Told) -> Iterator[pa.RecordBatch]:
        row = 1
        for batch in self.table(wanted).to_batches(_BATCH):
            yield numbered(batch, row)
            row += batch.num_rows


class Parquet:
    """A Parquet file, or a folder of such with the same columns."""

    named = True

    def __init__(self, path: Path, language: Language) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.name, self.source, self.language = path.stem, path.name, language
        self.paths = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
        try:
            files = [pq.ParquetFile(one) for one in self.paths]
        except (pa.ArrowInvalid, OSError):
            raise unreadable(path.name, language, "format", "Parquet") from None
        self.names: list[str] = files[0].schema_arrow.names
        self.rows = sum(one.metadata.num_rows for one in files)
        # not by the bytes of the files: a column that says the same everywhere takes next to none there
        self.size = self.rows * sum(_width(field.type) for field in files[0].schema_arrow)

    def head(self) -> list[list[str]]:
        return [self.names]

    def batches(self, after: int, wanted: Sequence[Wanted], told: Told) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        row, names = 1, [self.names[one.place] for one in wanted]
        for path in self.paths:
            try:
                for batch in pq.ParquetFile(path, page_checksum_verification=True).iter_batches(
                    _BATCH, columns=names
                ):
                    table = plain_columns(pa.Table.from_batches([batch]).select(names), wanted)
                    yield from (numbered(one, row) for one in table.combine_chunks().to_batches())
                    row += batch.num_rows
            except (pa.ArrowException, OSError):
                where = path.name if len(self.paths) > 1 else self.source
                raise PolicyError([data_fault(self.language, "S015", where, row=str(row))]) from None


def _width(of: pa.DataType) -> int:
    """About how many bytes a cell of a type takes."""
    import pyarrow as pa

    if pa.types.is_dictionary(of):
        of = of.value_type
    try:
        return max(1, int(of.bit_width) // 8)
    except ValueError:  # of no fixed width
        return 64 if pa.types.is_nested(of) else 20


def plain_columns(table: pa.Table, wanted: Sequence[Wanted]) -> pa.Table:
    """The columns by their new names, in plain types."""
    import pyarrow as pa

    return pa.table([_plain(column) for column in table.columns], [one.name for one in wanted])


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in the simplest type that holds it: no dictionary, one kind of text, days without a time as days."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    of = column.type
    if pa.types.is_large_string(of) or pa.types.is_string_view(of):
        return column.cast(pa.string())
    if pa.types.is_binary(of) or pa.types.is_large_binary(of):
        try:
            return column.cast(pa.string())
        except pa.ArrowInvalid:
            return column
    if pa.types.is_date64(of):
        return column.cast(pa.date32())
    if pa.types.is_timestamp(of) and of.tz is None:
        days = column.cast(pa.date32(), safe=False)
        midnight = pc.all(pc.equal(days.cast(of), column)).as_py() in (True, None)
        return days if midnight else column.cast(pa.timestamp("us"), safe=False)
    return column


def numbered(batch: pa.RecordBatch, row: int) -> pa.RecordBatch:
    """The batch with the numbers of its rows, which begin with `row`."""
    import numpy as np
    import pyarrow as pa

    rows = pa.array(np.arange(row, row + batch.num_rows, dtype=np.int64))
    return pa.RecordBatch.from_arrays([*batch.columns, rows], [*batch.schema.names, ROW])


# ---- CSV ---------------------------------------------------------------------------------------------------------------


class Text:
    """A CSV file in UTF-8, GB18030 or UTF-16, its fields parted by comma, semicolon or tab."""

    named = False
    rows: int | None = None

    def __init__(self, path: Path, language: Language) -> None:
        self.path, self.language = path, language
        self.name, self.source = path.stem, path.name
        self.size = 2 * path.stat().st_size  # where each cell begins is kept too
        with path.open("rb") as stream:
            data = stream.read(_SAMPLE)
        self.encoding = self._encoding(data)
        text = data[:1_000_000].decode(self.encoding, "ignore")
        self.mark, self.first, self.lines = _split(text.removeprefix("\ufeff"))

    def _encoding(self, data: bytes) -> str:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        whole = data if len(data) < _SAMPLE else data[: data.rfind(b"\n") + 1]
        try:
            return {"utf-8": "utf8"}.get(found := decode(whole)[1], found)
        except UnicodeDecodeError:
            raise PolicyError([data_fault(self.language, "L004", self.source)]) from None

    def head(self) -> list[list[str]]:
        return self.first

    def batches(self, after: int, wanted: Sequence[Wanted], told: Told) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        width = max(map(len, self.first[:after]), default=1)
        names = [str(place) for place in range(width)]
        lines = self.lines[after - 1] if after else 0
        skipped: list[int] = []
        at_key = next((one.place for one in wanted if one.name == KEY), width)

        def bad(row: Any) -> str:
            # its number counts lines up to the headings, records after them
            number = row.number - lines + after
            skipped.append(number)
            fields = {"count": str(row.actual_columns), "wanted": str(row.expected_columns)}
            where = at(self.source, number, self.language)
            found = next(csv.reader([row.text], delimiter=self.mark), [])
            key = found[at_key].strip() if at_key < len(found) else ""
            told.lost.append(
                Lost(self.source, number, key, data_fault(self.language, "S012", where, **fields))
            )
            return "skip"

        row = after + 1
        try:
            reader = arrow_csv.open_csv(
                self.path,
                read_options=arrow_csv.ReadOptions(
                    encoding=self.encoding, column_names=names, skip_rows=lines, use_threads=False
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.mark,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=bad,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=[str(one.place) for one in wanted],
                    null_values=sorted(BLANK),
                    strings_can_be_null=True,
                ),
            )
            for batch in reader:
                rows = _rows_around(row, batch.num_rows, skipped)
                row = rows[-1] + 1 if rows else row
                yield pa.RecordBatch.from_arrays(
                    [*batch.columns, pa.array(rows, pa.int64())], [*(one.name for one in wanted), ROW]
                )
        except (pa.ArrowException, UnicodeError, OSError):
            raise PolicyError([data_fault(self.language, "S015", self.source, row=str(row))]) from None


def _rows_around(first: int, count: int, skipped: Sequence[int]) -> Sequence[int]:
    """The numbers of rows that were read, the first of them at or after `first`, some others having been skipped."""
    if not skipped or skipped[-1] < first:
        return range(first, first + count)
    left_out, row = set(skipped), first
    rows: list[int] = []
    while len(rows) < count:
        if row not in left_out:
            rows.append(row)
        row += 1
    return rows


def _split(text: str) -> tuple[str, list[list[str]], list[int]]:
    """The separator of a text, its first rows, and at which line each of them ends.

    The separator is the one that parts the most fields in the same way from row to row.
    """
    best: tuple[int, str, list[list[str]], list[int]] = (-1, ",", [], [])
    for mark in (",", ";", "\t"):
        rows: list[list[str]] = []
        lines: list[int] = []
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        try:
            for row in reader:
                rows.append(row)
                lines.append(reader.line_num)
                if len(rows) >= HEAD:
                    break
        except csv.Error:
            continue
        widths = [len(row) for row in rows if len(row) > 1]
        best = max(
            best, (max(map(widths.count, widths), default=0) * max(widths, default=0), mark, rows, lines)
        )
    return best[1:]


# ---- workbooks ---------------------------------------------------------------------------------------------------------


def workbook(path: Path, language: Language) -> Iterator[Raw | Unread]:
    """The visible sheets of a workbook that hold anything; hidden ones are not read."""
    try:
        import python_calamine as calamine
    except ModuleNotFoundError:
        raise extra(path.name, language) from None
    try:
        book = calamine.CalamineWorkbook.from_path(path)
    except (calamine.CalamineError, OSError):
        raise unreadable(path.name, language, "format", "Excel") from None
    of_1904, visible = _of_1904(path), calamine.SheetVisibleEnum.Visible
    for one in book.sheets_metadata:
        if one.typ == calamine.SheetTypeEnum.WorkSheet:
            sheet = book.get_sheet_by_name(one.name)
            rows = sheet.to_python(skip_empty_area=False)
            if rows and one.visible != visible:
                yield Unread(f"{path.name}「{one.name}」", "hidden")
            elif rows:
                yield Grid(one.name, path.name, rows, sheet.merged_cell_ranges or [], of_1904)


def _of_1904(path: Path) -> bool:
    """Whether a workbook counts days from 1904, as those of old Macs do."""
    try:
        with zipfile.ZipFile(path) as archive:
            return re.search(rb"date1904=\"(1|true)\"", archive.read("xl/workbook.xml")) is not None
    except (zipfile.BadZipFile, KeyError, OSError):
        return False


Span = tuple[tuple[int, int], tuple[int, int]]


class Grid:
    """One sheet of a workbook."""

    named = False

    def __init__(
        self, name: str, file: str, rows: list[list[Any]], merged: Sequence[Span], of_1904: bool
    ) -> None:
        self.name, self.source, self.cells, self.merged, self.of_1904 = (
            name,
            f"{file}「{name}」",
            rows,
            merged,
            of_1904,
        )
        self.size = 0  # it is in memory already
        self.rows: int | None = len(rows)

    def head(self) -> list[list[str]]:
        """The first rows; a heading that was merged across stands over each of its columns."""
        rows = [["" if cell == "" else str(cell) for cell in row] for row in self.cells[:HEAD]]
        for (top, left), (_, right) in self.merged:
            if top < len(rows) and 0 < right - left < len(rows[top]) - 1:
                rows[top][left + 1 : right + 1] = [rows[top][left]] * (right - left)
        return rows

    def batches(self, after: int, wanted: Sequence[Wanted], told: Told) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        columns = []
        for one in wanted:
            read = self._reading(one, told)
            cells = [read(row[one.place]) if one.place < len(row) else None for row in self.cells[after:]]
            if one.covers:
                self._covered(one.place, after, cells)
            columns.append(pa.array(cells, pa.string()))
        rows = pa.array(range(after + 1, len(self.cells) + 1), pa.int64())
        yield pa.RecordBatch.from_arrays([*columns, rows], [*(one.name for one in wanted), ROW])

    def _covered(self, place: int, after: int, cells: list[str | None]) -> None:
        for (top, left), (bottom, right) in self.merged:
            if left <= place <= right and top >= after:
                for row in range(top - after + 1, min(bottom - after + 1, len(cells))):
                    cells[row] = cells[top - after]

    def _reading(self, one: Wanted, told: Told) -> Callable[[Any], str | None]:
        """How a cell of a column becomes text: a day in a column of months is its month, a bare number in one of days
        counts them."""
        if one.kind not in ("date", "month"):
            return cell_text

        def read(raw: Any) -> str | None:
            if isinstance(raw, float) and 20_000 <= raw < 80_000 and raw == int(raw) and not self.of_1904:
                day = _FIRST_SERIAL + timedelta(days=int(raw))
                told.serials.setdefault(one.name, []).append((str(int(raw)), str(day)))
                raw = day
            if isinstance(raw, date) and one.kind == "month" and raw.day == 1:
                return f"{raw.year:04d}-{raw.month:02d}"
            return cell_text(raw)

        return read


def cell_text(raw: Any) -> str | None:
    """A cell as people would write it; `None` for a blank one.

    A number too large for a sheet to keep all figures of stays in the form that shows it: 1.1e+17.
    """
    match raw:
        case bool():
            return "是" if raw else "否"
        case float() if raw != raw:
            return None
        case int():
            return str(raw)
        case float() if raw == raw and abs(raw) < 1e15:
            return str(int(raw)) if raw == int(raw) else f"{Decimal(repr(raw)):f}"
        case datetime() if raw.time() == time.min:
            return raw.date().isoformat()
        case date() | time():
            return raw.isoformat()
    text = raw.strip() if isinstance(raw, str) else shown(raw)
    return None if text in BLANK else text


# ---- together ----------------------------------------------------------------------------------------------------------


def tables_of(data: Any, language: Language) -> Iterator[Raw | Unread]:
    """Every table of a register that is a mapping, a folder or a file."""
    if isinstance(data, Mapping):
        for name, one in data.items():
            if isinstance(one, str | Path):
                for raw in opened(Path(one), language):
                    if not isinstance(raw, Unread):
                        raw.name = str(name)
                    yield raw
            else:
                yield Memory(str(name), one)
        return
    path = Path(data)
    if not path.is_dir():
        yield from opened(path, language)
        return
    for inside in sorted(path.iterdir()):
        if inside.name.startswith((".", "~", "_")):
            continue
        if inside.is_dir() or inside.suffix.lower() in {".parquet", *SHEETS, *TEXTS}:
            yield from opened(inside, language)
        else:
            yield Unread(inside.name, "no_table", FORMATS)
