"""Registers larger than memory: their tables are read side by side in the order of household numbers, into which they are
sorted on disk where they are not in it yet."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from policykit.batch.chunks import KEY, ROW
from policykit.batch.files import Told, unreadable
from policykit.batch.headings import Names
from policykit.batch.sheets import Piece, Sheet
from policykit.batch.tidying import keys, tidied
from policykit.diagnostics import Language, PolicyError, data_fault

_ROWS = 65_536  # that are read at a time
_SORTING: dict[str, Any] = {"memory_limit": "512MB", "threads": 2, "preserve_insertion_order": False}


def pieces(
    sheets: Sequence[Sheet], names: Names, told: Told, size: int, place: str, language: Language
) -> Iterator[Piece]:
    """The rows of so many households at a time, in the order of household numbers."""
    what = names.key_label(language)
    for sheet in sheets:
        if KEY not in sheet.columns:
            raise PolicyError([data_fault(language, "S016", sheet.raw.source, what=what)])
    seen = [_seen(sheet, what, language) for sheet in sheets]
    text = not all(integers for integers, _ in seen)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="policykit-")))
        streams = []
        for number, (sheet, (integers, rising)) in enumerate(zip(sheets, seen, strict=True)):
            batches = tidied(sheet, told, what, language)
            if text and integers:
                batches, rising = map(_as_text, batches), False
            if not rising:
                batches = _sorted(batches, folder / f"{number}.parquet", folder, place, language)
            streams.append(_Stream(sheet, batches))
        yield from _side_by_side(streams, size)


def _seen(sheet: Sheet, what: str, language: Language) -> tuple[bool, bool]:
    """Whether the household numbers of a table are integers, and whether they never fall."""
    integers, last = True, None
    rising = True
    for found in keys(sheet, Told(), what, language):
        integers = integers and pa.types.is_integer(found.type)
        known = found.drop_null()
        if rising and len(known):
            if last is not None:
                known = pa.concat_arrays([pa.array([last], known.type), known])
            rising = bool(pc.all(pc.less_equal(known[:-1], known[1:])).as_py() in (True, None))
            last = known[-1].as_py()
    return integers, rising


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    at_key = batch.schema.names.index(KEY)
    return batch.set_column(at_key, KEY, batch[KEY].cast(pa.string()))


def _sorted(
    batches: Iterator[pa.RecordBatch], target: Path, folder: Path, place: str, language: Language
) -> Iterator[pa.RecordBatch]:
    """The rows in the order of household numbers, by way of the disk; those of one household stay in their order."""
    import duckdb

    first = next(batches, None)
    if first is None:
        return
    refused: list[PolicyError] = []

    def read() -> Iterator[pa.RecordBatch]:
        try:
            yield from chain([first], batches)
        except PolicyError as error:  # which the database would put into words of its own
            refused.append(error)
            raise

    reader = pa.RecordBatchReader.from_batches(first.schema, read())
    connection = duckdb.connect(config={**_SORTING, "temp_directory": str(folder / "sorting")})
    try:
        connection.register("rows", reader)
        order = f'ORDER BY "{KEY}" NULLS FIRST, "{ROW}"'
        connection.execute(f"COPY (SELECT * FROM rows {order}) TO '{target.as_posix()}' (FORMAT parquet)")
    except duckdb.Error as error:
        if refused:
            raise refused[0] from None
        if not isinstance(error, duckdb.IOException):
            raise
        raise unreadable(place, language, "no_space") from None
    finally:
        connection.close()
    yield from pq.ParquetFile(target).iter_batches(_ROWS)


@dataclass(slots=True)
class _Stream:
    """The rows of one table in order, of which some are read ahead. A row without a number goes with the one before."""

    sheet: Sheet
    batches: Iterator[pa.RecordBatch]
    ahead: pa.Table | None = None
    keys: Any = None
    done: bool = False

    def read(self) -> None:
        """Reads on by one batch."""
        batch = next(self.batches, None)
        self.done = batch is None
        if batch is not None:
            more = pa.Table.from_batches([batch])
            self._hold(more if self.ahead is None else pa.concat_tables([self.ahead, more]))

    def _hold(self, table: pa.Table) -> None:
        self.ahead, self.keys = (
            table,
            pc.fill_null_forward(pa.chunked_array(table[KEY].chunks).combine_chunks()),
        )

    def end_of(self, size: int) -> Any:
        """The number of the last of so many households, or of fewer at the end of the table; `None` after that."""
        while True:
            ends = pa.array([], pa.int64())
            if self.keys is not None and len(self.keys):
                known = self.keys.drop_null()
                last = pc.fill_null(pc.not_equal(known[:-1], known[1:]), True)
                ends = pc.indices_nonzero(pa.concat_arrays([last, pa.array([True] * bool(len(known)))]))
            if len(ends) > size or self.done:
                return known[ends[min(size, len(ends)) - 1].as_py()].as_py() if len(ends) else None
            self.read()

    def upto(self, key: Any) -> pa.Table | None:
        """Takes the rows of all households up to this one; without one, all that are left."""
        while not self.done and (
            self.ahead is None or key is None or self._last() is None or self._last() <= key
        ):
            self.read()
        if self.ahead is None:
            return None
        count = self.ahead.num_rows
        if key is not None:
            count = bisect_right(
                range(count), key, self.keys.null_count, key=lambda row: self.keys[row].as_py()
            )
        taken = self.ahead.slice(0, count)
        self._hold(self.ahead.slice(count))
        return taken

    def _last(self) -> Any:
        return self.keys[-1].as_py() if len(self.keys) else None


def _side_by_side(streams: list[_Stream], size: int) -> Iterator[Piece]:
    """The same households out of all tables, again and again: those of their own table, or else whoever has members."""
    own = [stream for stream in streams if not stream.sheet.path]
    leading = own or [stream for stream in streams if "." not in stream.sheet.path]
    while True:
        ends = [end for stream in leading if (end := stream.end_of(size)) is not None]
        taken = [(stream.sheet, stream.upto(min(ends) if ends else None)) for stream in streams]
        piece = [(sheet, table) for sheet, table in taken if table is not None]
        if any(table.num_rows for _, table in piece):
            yield piece
        if not ends:
            return
