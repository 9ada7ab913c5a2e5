"""Whom the answers on some households are about: each household and its members, those of members included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from policykit import ir
from policykit.batch.chunks import OWNER, ROW, Chunk, root_of
from policykit.facts import ID_KEYS, LIST_KEYS


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of some households, household by household, each before its own members.

    `household` says which of the households; `entity` which of `kinds`; `row` the row of the source that it stands
    in; `lists` gives, for each list of members ("" for the households themselves), where its records are among them.
    """

    kinds: tuple[str, ...]
    household: NDArray[np.int64]
    entity: NDArray[np.int64]
    path: pa.Array
    number: pa.Array
    name: pa.Array
    row: pa.Array
    lists: Mapping[str, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.household)

    def members(self, households: int) -> NDArray[np.int64]:
        """How many records beside itself each household holds."""
        return np.bincount(self.household, minlength=households) - 1


@dataclass(frozen=True, slots=True)
class _Part:
    """The records of one list: the household of each, where it stands, and what they are sorted by."""

    list: str
    entity: str
    household: NDArray[np.int64]
    path: NDArray[Any]
    order: tuple[NDArray[np.int64], ...]
    table: pa.Table


def subjects(program: ir.Program, chunk: Chunk) -> Subjects:
    """The subjects of the households of a chunk."""
    tables = chunk.tables if chunk.nested is None else _tables(program, chunk)
    parts = list(_parts(program, tables))
    kinds = tuple(dict.fromkeys(part.entity for part in parts))
    depth = max(len(part.order) for part in parts)
    counts = [len(part.household) for part in parts]
    columns = [
        np.concatenate([p.order[level] if level < len(p.order) else np.full(count, -1)
                        for p, count in zip(parts, counts, strict=True)])
        for level in range(depth)
    ]  # fmt: skip
    order = np.lexsort(columns[::-1])  # the last key of lexsort is the first to sort by
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    ends = np.cumsum([0, *counts])
    called = [program.entities[part.entity].called for part in parts]

    def joined(pieces: Sequence[pa.Array]) -> pa.Array:
        return pa.concat_arrays(pieces).take(pa.array(order))

    return Subjects(
        kinds,
        np.concatenate([part.household for part in parts])[order],
        np.repeat([kinds.index(part.entity) for part in parts], counts)[order],
        joined([pa.array(part.path, pa.string()) for part in parts]),
        joined([texts(part.table, "id") for part in parts]),
        joined([texts(part.table, name) for part, name in zip(parts, called, strict=True)]),
        joined([_rows(part.table) for part in parts]),
        {part.list: place[start:end] for part, start, end in zip(parts, ends, ends[1:], strict=False)},
    )  # fmt: skip


def _parts(program: ir.Program, tables: Mapping[str, pa.Table]) -> Iterator[_Part]:
    count, root = tables[""].num_rows, root_of(program)
    households = np.arange(count)
    todo = [_Part("", root, households, np.full(count, root, object), (households,), tables[""])]
    while todo:
        upper = todo.pop(0)
        yield upper
        lists = program.entities[upper.entity].lists.values()
        for number, decl in enumerate(one for one in lists if one.kind == "members"):
            below = f"{upper.list}.{decl.name.id}".removeprefix(".")
            if below not in tables:
                continue
            owner = tables[below].column(OWNER).to_numpy()
            starts = np.searchsorted(owner, np.arange(len(upper.household)))
            index = np.arange(len(owner)) - starts[owner]
            ahead = np.full(len(owner), "", object) if upper.list == "" else upper.path[owner] + "."
            path = (
                ahead
                + np.array([f"{decl.name.id}[{n}]" for n in range(index.max(initial=-1) + 1)], object)[index]
            )
            order = (*(level[owner] for level in upper.order), np.full(len(owner), number), index)
            todo.append(_Part(below, decl.item, upper.household[owner], path, order, tables[below]))  # fmt: skip


def texts(table: pa.Table, column: str | None) -> pa.Array:
    """A column as text, as it was given; nothing where there is none."""
    if column is None or column not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    found = table.column(column).combine_chunks()
    return found if found.type == pa.string() else pc.cast(found, pa.string())


def _rows(table: pa.Table) -> pa.Array:
    if ROW not in table.column_names:
        return pa.nulls(table.num_rows, pa.int64())
    return pc.cast(table.column(ROW).combine_chunks(), pa.int64())


def _tables(program: ir.Program, chunk: Chunk) -> dict[str, pa.Table]:
    """Households that are written as mappings, as tables of what their members are called."""
    found: dict[str, pa.Table] = {}
    nested = chunk.nested or ()
    todo = [("", program.entities[root_of(program)], [(0, one) for one in nested])]
    while todo:
        path, entity, records = todo.pop(0)
        called = entity.facts[entity.called].name if entity.called else None
        columns = {
            OWNER: pa.array([owner for owner, _ in records], pa.int64()),
            "id": pa.array(
                [
                    plain(given(one, *(key for key, of in ID_KEYS.items() if of == "id")))
                    for _, one in records
                ],
                pa.string(),
            ),
        }
        if called is not None:
            columns[called.id] = pa.array(
                [plain(given(one, called.id, called.zh)) for _, one in records], pa.string()
            )
        if path == "" and ROW in chunk.tables.get("", pa.table({})).column_names:
            columns[ROW] = chunk.tables[""].column(ROW)
        found[path] = pa.table(columns)
        for decl in entity.lists.values():
            if decl.kind == "members":
                items = [
                    (number, item)
                    for number, (_, one) in enumerate(records)
                    for item in _items(given(one, decl.name.id, decl.name.zh))
                ]
                below = f"{path}.{decl.name.id}".removeprefix(".")
                todo.append((below, program.entities[decl.item], items))
    return found


def given(record: object, *keys: str) -> Any:
    """What a mapping says under one of some keys."""
    if not isinstance(record, Mapping):
        return None
    return next((record[key] for key in keys if key in record), None)


def _items(said: Any) -> Sequence[Any]:
    items = (
        given(said, *(key for key, of in LIST_KEYS.items() if of == "items"))
        if isinstance(said, Mapping)
        else said
    )
    return items if isinstance(items, list | tuple) else ()


def plain(said: Any) -> str | None:
    """A name or number as text, where it is given plainly or with its paper."""
    value = given(said, "value", "值") if isinstance(said, Mapping) else said
    return str(value).strip() if type(value) in (str, int) else None
