"""Tables → files that are there whole or not at all.

Everything is written into a folder beside the output and moved to its place at the end, so that a run that is broken
off leaves nothing under the final names; the next run clears what it finds.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from policykit.batch.sections import Section
from policykit.batch.tables import Labels

KINDS = (".xlsx", ".csv", ".parquet")
SHEETS = {
    "": ("结果", "Answers"), ".findings": ("发现", "Findings"), ".changes": ("变化", "Changes"), ".bad": ("搁置", "Set aside"),
}  # fmt: skip
MOST_ROWS = 1_048_576  # of a sheet, its heading included
MOST_TEXT = 32_767  # characters of a cell of a sheet
MOST_WIDE, LOOKED_AT = 60, 500  # how wide a column is made, by how many of its first rows
_FORMULA = r"^([=+\-@\t\r])"  # a spreadsheet reads a text that begins so as something to compute


class Output:
    """The files of one run: the output, and what stands beside it under the output's name and an ending.

    Used as a context; only `finish` puts the files in their places. Raises `BlockingIOError` while another run is
    writing the same output.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out.parent / f".{out.name}.part"
        self.files: list[Path] = []  # as they are written, the output itself first
        self.streams: list[IO[bytes]] = []
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Output:
        self.folder.mkdir(exist_ok=True)
        name = self.folder / "lock"
        lock = name.open("ab")
        if not _locked(lock) or not name.exists():  # it is another's, or another has just removed it
            lock.close()
            raise BlockingIOError(errno.EWOULDBLOCK, "in use", str(self.out))
        self._lock = lock
        self._clear()
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self.streams:
            with suppress(OSError):
                stream.close()
        self._clear()
        if self._lock is not None:
            self._lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clear(self) -> None:
        """Removes what an earlier run left."""
        for path in self.folder.iterdir():
            if path.name != "lock":
                with suppress(OSError):
                    path.unlink()

    def open(self, ending: str = "") -> IO[bytes]:
        """A new file: the output itself, or one beside it."""
        path = self.folder / (self.out.name + ending)
        stream = path.open("wb")
        self.files.append(path)
        self.streams.append(stream)
        return stream

    def finish(self, endings: Iterable[str]) -> None:
        """Puts every file in its place, the output last; of `endings`, those that were not written are removed."""
        for stream in self.streams:
            if not stream.closed:
                stream.flush()
                os.fsync(stream.fileno())
                stream.close()
        written = {path.name for path in self.files}
        for ending in endings:
            if self.out.name + ending not in written:
                (self.out.parent / (self.out.name + ending)).unlink(missing_ok=True)
        for path in reversed(self.files):
            os.replace(path, self.out.parent / path.name)
        if os.name == "posix":
            handle = os.open(self.out.parent, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)


def _locked(stream: IO[bytes]) -> bool:
    """Takes a file for this process alone, for as long as it is open."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Writer(Protocol):
    """One table of an output, written piece by piece, and then closed, or let go where the run is broken off."""

    def write(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


class Shelf:
    """The tables of a run, each where the kind of output has it: a sheet of its workbook, or a file beside it.

    Used as a context, within that of the output.
    """

    def __init__(self, output: Output, labels: Labels) -> None:
        self.output, self.labels = output, labels
        self.kind = output.out.suffix.lower()
        self.people = self.kind != ".parquet"
        self.writers: dict[str, Writer] = {}
        self.book: Workbook | None = None
        if self.kind == ".xlsx":
            self.book = Workbook(output.open(), output.folder)
            self.summary = self.book.sheet(labels.say("汇总", "Summary"))

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, broken: type[BaseException] | None, *_: object) -> None:
        for writer in self.writers.values() if broken else ():
            writer.abandon()

    def write(self, name: str, table: pa.Table) -> None:
        """Writes a piece of a table: of the output itself, or of what has the name."""
        if name not in self.writers:
            self.writers[name] = self._writer(name, table.schema)
        self.writers[name].write(table)

    def _writer(self, name: str, schema: pa.Schema) -> Writer:
        if self.book is not None:
            return Sheets(self.book, self.labels.say(*SHEETS[name]))
        stream = self.output.open(name and f"{name}{self.output.out.suffix}")
        return Csv(stream) if self.people else Parquet(stream, schema)

    def bad(self, ending: str, table: pa.Table) -> None:
        """Writes what was set aside: always as a file that people read, and into the workbook too."""
        if ending not in self.writers:
            self.writers[ending] = Csv(self.output.open(ending))
        self.writers[ending].write(table)
        if self.book is not None:
            self.write(".bad", table)

    def finish(self, ending: str, sections: Sequence[Section], data: bytes) -> None:
        """Ends all tables, with the summary as the first sheet or as a file."""
        for writer in self.writers.values():
            writer.close()
        if self.book is None:
            self.output.open(ending).write(data)
        else:
            self.book.sections(self.summary, sections)
            self.book.close()


# ---- parquet and csv ---------------------------------------------------------------------------------------------------


class Parquet:
    """A Parquet file."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self.writer = pq.ParquetWriter(stream, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        self.writer.write_table(table)

    def close(self) -> None:
        self.writer.close()

    def abandon(self) -> None:
        self.writer.is_open = False  # else it would write its end when it is let go


class Csv:
    """A CSV file as spreadsheets open it: UTF-8 with its mark, and no text that they would compute."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.begun = stream, False
        stream.write(b"\xef\xbb\xbf")

    def write(self, table: pa.Table) -> None:
        import pyarrow.csv as csv

        columns = [self._shown(column.combine_chunks()) for column in table.columns]
        options = csv.WriteOptions(include_header=not self.begun, quoting_style="needed")
        csv.write_csv(pa.table(columns, table.column_names), self.stream, options)
        self.begun = True

    @staticmethod
    def _shown(column: pa.Array) -> pa.Array:
        if pa.types.is_string(column.type):
            return pc.replace_substring_regex(column, _FORMULA, r"'\1")
        return pc.cast(column, pa.string()) if pa.types.is_decimal(column.type) else column

    def close(self) -> None:
        self.stream.flush()

    def abandon(self) -> None:
        """There is nothing to let go."""


# ---- excel -------------------------------------------------------------------------------------------------------------


class Workbook:
    """An Excel workbook, written row by row; a table with more rows than a sheet holds goes on on further sheets."""

    def __init__(self, stream: IO[bytes], folder: Path) -> None:
        try:
            import xlsxwriter
        except ModuleNotFoundError as error:
            text = "缺少 xlsxwriter，请安装：pip install 'policykit[batch]' / xlsxwriter is missing, install: pip install 'policykit[batch]'"
            raise ModuleNotFoundError(text, name=error.name) from None
        options = {
            "constant_memory": True,
            "tmpdir": str(folder),
            "strings_to_formulas": False,
            "use_zip64": True,
        }
        self.book = xlsxwriter.Workbook(stream, options)
        self.head = self.book.add_format(
            {"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "valign": "vcenter"}
        )
        self.title = self.book.add_format({"bold": True, "font_size": 13})
        self.money = self.book.add_format({"num_format": "#,##0.00"})
        self.count = self.book.add_format({"num_format": "#,##0"})

    def sheet(self, name: str) -> Any:
        """A new sheet, to be printed on A4, as wide as the paper."""
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return sheet

    def sections(self, sheet: Any, sections: Sequence[Section]) -> None:
        """Small tables under one another."""
        widths: dict[int, int] = {}
        row = 0
        for section in sections:
            sheet.write_string(row, 0, section.title, self.title)
            row += 1
            for column, heading in enumerate(section.headings):
                sheet.write_string(row, column, heading, self.head)
            row += bool(section.headings)
            for cells in section.rows:
                for column, cell in enumerate(cells):
                    self.cell(sheet, row, column, cell)
                    widths[column] = max(widths.get(column, 8), _width(cell))
                row += 1
            row += 1
        for column, width in widths.items():
            sheet.set_column(column, column, min(width + 2, MOST_WIDE))

    def cell(self, sheet: Any, row: int, column: int, cell: Any) -> None:
        if isinstance(cell, str):
            whole = len(cell) <= MOST_TEXT
            sheet.write_string(row, column, cell if whole else cell[: MOST_TEXT - 1] + "…")
        elif isinstance(cell, int):
            sheet.write_number(row, column, cell, self.count)
        elif cell is not None:
            sheet.write_number(row, column, float(cell), self.money)

    def close(self) -> None:
        from xlsxwriter.exceptions import FileCreateError

        try:
            self.book.close()
        except FileCreateError as error:  # it hides that the disk is full
            raise error.args[0] from None


class Sheets:
    """One table of a workbook."""

    def __init__(self, book: Workbook, name: str) -> None:
        self.book, self.name, self.number = book, name, 0
        self.row = MOST_ROWS
        self.current: Any = None
        self.widths: list[int] = []

    def write(self, table: pa.Table) -> None:
        columns = [column.to_pylist() for column in table.columns]
        if self.current is None:
            self.widths = [
                min(max(map(_width, [name, *cells[:LOOKED_AT]])) + 2, MOST_WIDE)
                for name, cells in zip(table.column_names, columns, strict=True)
            ]
            self._next(table.column_names)
        for cells in zip(*columns, strict=True):
            if self.row >= MOST_ROWS:
                self._next(table.column_names)
            for column, cell in enumerate(cells):
                self.book.cell(self.current, self.row, column, cell)
            self.row += 1

    def _next(self, headings: Sequence[str]) -> None:
        self._filter()
        self.number += 1
        self.current = self.book.sheet(self.name if self.number == 1 else f"{self.name}{self.number}")
        self.current.freeze_panes(1, 0)
        self.headings = headings
        for column, heading in enumerate(headings):
            self.current.set_column(column, column, self.widths[column])
            self.current.write_string(0, column, heading, self.book.head)
        self.row = 1

    def _filter(self) -> None:
        if self.current is not None:
            self.current.autofilter(0, 0, max(self.row - 1, 1), len(self.headings) - 1)

    def close(self) -> None:
        self._filter()

    def abandon(self) -> None:
        """The workbook writes nothing before its end."""


def _width(cell: Any) -> int:
    text = cell if isinstance(cell, str) else f"{cell:,}" if cell is not None else ""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)


def as_json(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode()
