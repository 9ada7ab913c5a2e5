"""Some whole households of a register, as tables; and each of them as the mapping that one household is given by.

Cells stay as the source has them; only what a sheet cannot write otherwise is put as household data has it: a number
that stands for a text or a code, eight figures for a day, several labels in one cell. What a cell then means, and whether
it may stand there, says `records` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

from policykit import ir
from policykit.datatypes import Type
from policykit.diagnostics import Diagnostic, Language
from policykit.facts import path_parts

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

ROW = "_row"
SOURCE = "_source"
KEY = "_key"

#: what a cell holds that says nothing
BLANK = frozenset(
    ["", "#N/A", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "N/A", "NULL", "null", "未知", "unknown"]
)  # fmt: skip
NOBODY = frozenset(["无", "没有", "none"])

_APART = re.compile(r"[、，,；;/|\n]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table of a chunk comes from: the files or sheets as people call them, how each column was headed, and the
    row of the source in which the table's first row stands, for tables without `_row`."""

    sources: tuple[str, ...]
    headings: Mapping[str, str] = field(default_factory=dict)
    row: int = 0


@dataclass(frozen=True, slots=True)
class Bad:
    """A household, or a row of no household, that is set aside with the reasons, each at its place in the source.

    `key` is the household number as given, empty where there is none; `row` counts from 1, heading rows included, and
    is 0 where the source has no rows.
    """

    source: str
    row: int
    key: str
    reasons: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole households, `first` of them being before these; `keys` (integers or text) are their numbers.

    `tables` has one table for each list that is given, by its path ("" for the households, "members",
    "members.income_items"), its rows in the order of their owners; `starts` cuts it: the records of owner `n` are the rows
    from `starts[path][n]` up to `starts[path][n + 1]` (int64, one more than there are owners).
    Columns are named by facts (`birth_date`), by what is said of a fact (`serious_illness.source`), by a single
    reference or a list of references (`father`), by `id`, or by a fact of the record above (`village.village_name`). What
    begins with `_` says nothing of a household: `_row` (int64) is the row in the source, `_source` which of the sources.
    `complete` says for each list whether it is complete: of every owner (True), of none (False), or of each owner. A
    list that is not complete may hold more than is given; one that is not in `tables` is unknown.
    `nested` are the households themselves, where the source writes them as mappings; the tables then hold no facts.
    `bad` is what was set aside on the way here.
    """

    first: int
    keys: pa.Array
    tables: Mapping[str, pa.Table]
    starts: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    complete: Mapping[str, bool | NDArray[Any]] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    nested: Sequence[Mapping[str, Any]] | None = None
    bad: tuple[Bad, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, number: int) -> str:
        """The household number of one of them."""
        return str(self.keys[number].as_py())

    def place(self, path: str, number: int) -> tuple[str, int]:
        """The source in which a row of a table stands, and its row there; 0 where that is not known."""
        table, origin = self.tables[path], self.origins.get(path)
        if origin is None:
            return "", 0
        if number >= table.num_rows:
            return origin.sources[0], 0
        source = table[SOURCE][number].as_py() if SOURCE in table.column_names else 0
        row = origin.row + number if origin.row else 0
        if ROW in table.column_names:
            row = int(table[ROW][number].as_py() or 0)
        return origin.sources[source], row

    def only(self, numbers: Sequence[int]) -> Chunk:
        """Some of these households, in the order asked for."""
        import numpy as np

        kept = {"": np.asarray(numbers, dtype=np.int64)}
        starts, complete = {}, {}
        for path in sorted(self.tables.keys() - {""}, key=lambda path: path.count(".")):
            above = kept[path.rpartition(".")[0]]
            first, said = self.starts[path][above], self.complete.get(path, True)
            counts = self.starts[path][above + 1] - first
            starts[path] = np.concatenate(([0], np.cumsum(counts)))
            kept[path] = np.repeat(first - starts[path][:-1], counts) + np.arange(starts[path][-1])
            complete[path] = said if isinstance(said, bool) else said[above]
        tables = {path: self._rows(path, rows) for path, rows in kept.items()}
        nested = None if self.nested is None else [self.nested[number] for number in numbers]
        keys = self.keys.take(pa_array(kept[""]))
        return replace(
            self, keys=keys, tables=tables, starts=starts, complete=complete, nested=nested, bad=()
        )

    def _rows(self, path: str, rows: NDArray[Any]) -> pa.Table:
        """Some rows of a table, which know where they stood."""
        table, origin = self.tables[path], self.origins.get(path)
        taken = table.take(pa_array(rows))
        if ROW in table.column_names or not origin or not origin.row:
            return taken
        return taken.append_column(ROW, pa_array(rows + origin.row))


def pa_array(values: Any) -> pa.Array:
    import pyarrow as pa

    return pa.array(values)


def root_of(program: ir.Program) -> str:
    """What a register is a list of: the entity to which something is granted that lies highest."""
    return program.described[-1] if program.described else program.root


def entity_at(program: ir.Program, path: str) -> ir.Entity:
    """The entity of the records at the path of a list."""
    entity = program.entities[root_of(program)]
    for name in path.split(".") if path else ():
        entity = program.entities[entity.lists[name].item]
    return entity


# ---- as mappings -------------------------------------------------------------------------------------------------------


def households(
    chunk: Chunk, program: ir.Program, numbers: Sequence[int] | None = None
) -> Iterator[Mapping[str, Any]]:
    """Each household as `policykit.evaluate` takes it; `numbers` are the ones wanted, counted within the chunk."""
    part = chunk if numbers is None else chunk.only(numbers)
    if part.nested is not None:
        yield from part.nested
        return
    records = {p: _records(program, entity_at(program, p), table) for p, table in part.tables.items()}
    for path in records.keys() - {""}:
        above, _, name = path.rpartition(".")
        starts, said = part.starts[path].tolist(), part.complete.get(path, True)
        for number, record in enumerate(records[above]):
            items = records[path][starts[number] : starts[number + 1]]
            if said is True or (said is not False and said[number]):
                record[name] = items
            elif items:
                record[name] = {"items": items, "complete": False}
    yield from records[""]


def _records(program: ir.Program, entity: ir.Entity, table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table as mappings, without their lists; a blank cell is left out."""
    found: list[dict[str, Any]] = [{} for _ in range(table.num_rows)]
    for column in table.column_names:
        if column.startswith("_"):
            continue
        read, (name, *inside) = reader(program, entity, column), column.split(".")
        for record, raw in zip(found, table[column].to_pylist(), strict=True):
            value, held = read(raw), record.get(name)
            if value is None:
                continue
            if inside and not isinstance(held, dict):
                held = record[name] = {} if held is None else {"value": held}
            if isinstance(held, dict):
                held[inside[0] if inside else "value"] = value
            else:
                record[name] = value
    return found


# ---- cells -------------------------------------------------------------------------------------------------------------


def reader(program: ir.Program, entity: ir.Entity, column: str) -> Callable[[Any], Any]:
    """How the cells of a column become household data."""
    name, _, inside = column.partition(".")
    if inside and name in program.entities:
        return reader(program, program.entities[name], inside)
    if inside == "date":
        return partial(cell, Type("date"))
    if inside or name in ("id", "ref"):
        return partial(cell, Type("text"))
    if name in entity.lists:
        of = entity.lists[name]
        return partial(cell, Type("record" if of.single else "list", of.item))
    if name == "id_number":
        return partial(cell, Type("text", "id"))
    return partial(cell, entity.facts[name].type)


def cell(of: Type, raw: Any) -> Any:
    """The content of a cell as household data writes it; `None` when the cell says nothing."""
    if isinstance(raw, str):
        raw = raw.strip()
        if raw in BLANK:
            return None
    if raw is None or (isinstance(raw, float) and raw != raw):
        return None
    if isinstance(raw, datetime) and raw.time() == datetime.min.time():
        raw = raw.date()
    whole = isinstance(raw, float | Decimal) and isfinite(raw) and raw == int(raw)
    match of.kind:
        case "date" | "month":
            return _day(of, int(raw) if whole else raw)
        case "text" if of.of == "id":
            return raw
        case "text" | "record" if whole or type(raw) is int:
            return str(int(raw))
        case "choice" if whole:
            return int(raw)
        case "multi" | "list" if isinstance(raw, str):
            parts = [part.strip() for part in _APART.split(raw) if part.strip()]
            return [] if raw in NOBODY else parts or raw  # a stroke alone is no answer
        case "multi" | "list" if whole or type(raw) is int:
            return [int(raw) if of.kind == "multi" else str(int(raw))]
        case "number" if isinstance(raw, Decimal) and isfinite(raw):
            return int(raw) if whole else raw.normalize()
    return raw


def _day(of: Type, raw: Any) -> Any:
    """A day or month that a sheet holds as figures (20240301, 202403), or as the first day of a month."""
    if isinstance(raw, date) and of.kind == "month":
        return f"{raw.year:04d}-{raw.month:02d}" if raw.day == 1 else raw.isoformat()
    text = str(raw) if isinstance(raw, int | str) and not isinstance(raw, bool) else ""
    if of.kind == "month" and re.fullmatch(r"[0-9]{4}\.1", text):
        return float(text)  # a sheet keeps 2020.10 as this
    match = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})?(?:\.0+)?", text)
    if match is None or (match[3] is None) != (of.kind == "month"):
        return raw
    return "-".join(part for part in match.groups() if part)


# ---- what is refused ---------------------------------------------------------------------------------------------------


def refused(
    chunk: Chunk, number: int, found: Sequence[Diagnostic], program: ir.Program, language: Language = "zh"
) -> Bad:
    """A household of a chunk set aside, with what reading it found, each at its cell in the source."""
    part = chunk.only([number])
    source, row = part.place("", 0)

    def placed(where: str) -> str:
        if chunk.nested is None:
            return _place(part, program, where, language)
        return f"{at(source, row, language)} {where}".strip()

    reasons = []
    for one in found:
        fields = tuple(
            (name, placed(text) if name in ("first", "second") else text) for name, text in one.fields
        )
        reasons.append(replace(one, where=placed(one.where), fields=fields))
    return Bad(source, row, chunk.key(number), tuple(reasons))


def at(source: str, row: int, language: Language, column: str = "") -> str:
    """A place in a source as people look it up: register.xlsx「人」第5行「出生日期」."""
    if language == "zh":
        return source + (f"第{row}行" if row else "") + (f"「{column}」" if column else "")
    return ", ".join(part for part in (source, f"row {row}" if row else "", column and f"`{column}`") if part)


def _place(part: Chunk, program: ir.Program, where: str, language: Language) -> str:
    """The cell at which a path of the mapping of a household (`members[0].birth_date`) stands; `part` is that household."""
    try:
        steps = path_parts(where)
    except ValueError:
        return where
    path, number, column, pending = "", 0, "", ""  # pending: a list whose record is still to be named
    for step in steps:
        if isinstance(step, int) and pending:
            path, pending = pending, ""
            number = int(part.starts[path][number]) + step
        elif isinstance(step, str) and not column and not (pending and step == "items"):
            below = f"{path}.{step}".removeprefix(".")
            pending, column = (below, "") if below in part.tables else ("", step)
        elif isinstance(step, str) and f"{column}.{step}" in part.tables[path].column_names:
            column = f"{column}.{step}"
    column = column or pending.rpartition(".")[2]
    entity, headings = entity_at(program, path), part.origins[path].headings if path in part.origins else {}
    decl = entity.facts.get(column) or entity.lists.get(column)
    heading = headings.get(column) or (decl.name.label(language) if decl else "")
    return at(*part.place(path, number), language, heading) or where
