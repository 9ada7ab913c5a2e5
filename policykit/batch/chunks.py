"""Some whole households of a register, as tables; and each of them as the mapping that one household is given by.

Cells stay as the source has them; only what a sheet cannot write otherwise is put as household data has it: a number
that stands for a text or a code, eight figures for a day, several labels in one cell. What a cell then means, and whether
it may stand there, says `records` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

OWNER, ROW = "_owner", "_row"

#: what a cell holds that says nothing
BLANK = frozenset(
    ["", "#N/A", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "N/A", "NULL", "null", "未知", "unknown"]
)  # fmt: skip
NOBODY = frozenset(["无", "没有", "none"])

_APART = re.compile(r"[、，,；;/|\n]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table of a chunk comes from: a file or sheet as people call it, and how each column was headed."""

    source: str
    headings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bad:
    """A household, or a row of no household, that is set aside with the reasons, each at its place in the source.

    `key` is the household number as given, empty where there is none; `row` counts from 1, heading rows included.
    """

    source: str
    row: int
    key: str
    reasons: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole households, `first` of them being before these.

    `tables` has one table for each list that is given, by its path ("" for the households, "members",
    "members.income_items"), its rows in the order of their owners. Columns are named by facts (`birth_date`), by what
    is said of a fact (`seriously_ill.source`), by a single reference (`father`), by `id`, or by a fact of the
    record above (`village.village_name`); and `_owner` (int64: the row of the owner in the owner's table) and `_row`
    (int64: the row in the source, 0 where there is none). Whatever begins with `_` says nothing of a household.
    `complete` says for each list whether it is complete: of every owner (True), of none (False), or of each owner. A
    list that is not complete may hold more than is given; one that is not in `tables` is unknown.
    `nested` are the households themselves, where the source writes them as mappings; the tables then hold rows only.
    `bad` is what was set aside on the way here.
    """

    first: int
    keys: Sequence[str]
    tables: Mapping[str, pa.Table]
    complete: Mapping[str, bool | Sequence[bool]] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    nested: Sequence[Mapping[str, Any]] | None = None
    bad: tuple[Bad, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)


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
    chunk: Chunk, program: ir.Program, numbers: Iterable[int] | None = None
) -> Iterator[Mapping[str, Any]]:
    """Each household as `policykit.evaluate` takes it; `numbers` are the ones wanted, counted within the chunk."""
    wanted = range(len(chunk)) if numbers is None else list(numbers)
    if chunk.nested is not None:
        yield from (chunk.nested[number] for number in wanted)
        return
    part = chunk if numbers is None else only(chunk, wanted)
    yield from _mappings(part, program)


def only(chunk: Chunk, numbers: Sequence[int]) -> Chunk:
    """Some households of a chunk, given by their numbers within it, in that order."""
    import numpy as np

    kept = {"": np.asarray(numbers, dtype=np.int64)}
    tables = {"": chunk.tables[""].take(kept[""])}
    complete: dict[str, bool | Sequence[bool]] = dict(chunk.complete)
    for path in sorted(chunk.tables.keys() - {""}, key=lambda path: path.count(".")):
        above, table = kept[path.rpartition(".")[0]], chunk.tables[path]
        owners = table[OWNER].to_numpy()
        starts, ends = (np.searchsorted(owners, above, side) for side in ("left", "right"))
        counts = ends - starts
        begun = np.cumsum(counts) - counts
        kept[path] = np.repeat(starts - begun, counts) + np.arange(counts.sum())
        of = np.repeat(np.arange(len(above)), counts)
        at = table.column_names.index(OWNER)
        tables[path] = table.take(kept[path]).set_column(at, OWNER, [of])
        said = chunk.complete.get(path, True)
        complete[path] = said if isinstance(said, bool) else [said[owner] for owner in above]
    keys = [chunk.keys[number] for number in numbers]
    nested = None if chunk.nested is None else [chunk.nested[number] for number in numbers]
    return replace(chunk, keys=keys, tables=tables, complete=complete, nested=nested, bad=())


def _mappings(chunk: Chunk, program: ir.Program) -> list[dict[str, Any]]:
    records = {
        path: _records(program, entity_at(program, path), table) for path, table in chunk.tables.items()
    }
    for path, found in records.items():
        if not path:
            continue
        above, _, name = path.rpartition(".")
        lists: list[list[Any]] = [[] for _ in records[above]]
        for owner, record in zip(chunk.tables[path][OWNER].to_pylist(), found, strict=True):
            lists[owner].append(record)
        said = chunk.complete.get(path, True)
        whole = [said] * len(lists) if isinstance(said, bool) else said
        for record, items, complete in zip(records[above], lists, whole, strict=True):
            if complete:
                record[name] = items
            elif items:
                record[name] = {"items": items, "complete": False}
    return records[""]


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
            return [] if raw in NOBODY else [part.strip() for part in _APART.split(raw) if part.strip()]
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
    match = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})?(?:\.0+)?", text)
    if match is None or (match[3] is None) != (of.kind == "month"):
        return raw
    return "-".join(part for part in match.groups() if part)


# ---- what is refused ---------------------------------------------------------------------------------------------------


def refused(
    chunk: Chunk, number: int, found: Sequence[Diagnostic], program: ir.Program, language: Language = "zh"
) -> Bad:
    """A household of a chunk set aside, with what reading it found, each at its cell in the source."""
    part = only(chunk, [number])
    origin = part.origins.get("", Origin(""))
    row = int(part.tables[""][ROW][0].as_py()) if ROW in part.tables[""].column_names else 0

    def placed(where: str) -> str:
        if chunk.nested is None:
            return _place(part, program, where, language)
        return f"{at(origin.source, row, language)} {where}".strip()

    reasons = []
    for one in found:
        fields = tuple(
            (name, placed(text) if name in ("first", "second") else text) for name, text in one.fields
        )
        reasons.append(replace(one, where=placed(one.where), fields=fields))
    return Bad(origin.source, row, chunk.keys[number], tuple(reasons))


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
            number = int(part.tables[path][OWNER].to_numpy().searchsorted(number)) + step
        elif isinstance(step, str) and not column and not (pending and step == "items"):
            below = f"{path}.{step}".removeprefix(".")
            pending, column = (below, "") if below in part.tables else ("", step)
        elif isinstance(step, str) and f"{column}.{step}" in part.tables[path].column_names:
            column = f"{column}.{step}"
    column = column or pending.rpartition(".")[2]
    origin, entity, table = part.origins.get(path, Origin("")), entity_at(program, path), part.tables[path]
    row = int(table[ROW][number].as_py()) if ROW in table.column_names and number < table.num_rows else 0
    decl = entity.facts.get(column) or entity.lists.get(column)
    heading = origin.headings.get(column) or (decl.name.label(language) if decl else "")
    return at(origin.source, row, language, heading) or where
