"""Whom the answers on some households are about: each household and its members, those of members included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from policykit import ir
from policykit.batch.chunks import ROW, Chunk, cell, root_of
from policykit.datatypes import Type
from policykit.explain.words import Words
from policykit.facts import FACT_KEYS, ID_KEYS, LIST_KEYS


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of some households, household by household, each before its own members.

    `household` says which of the households; `entity` which of `kinds`; `number` the number of a member, where it has
    one (that of a household is its key); `row` the row of the source that it stands
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

    def masked(self, words: Words) -> Subjects:
        """The same with names and long numbers hidden."""

        def hidden(column: pa.Array, hide: Callable[[str], str]) -> pa.Array:
            return pa.array([one and hide(one) for one in column.to_pylist()], pa.string())

        return replace(self, name=hidden(self.name, words.name), number=hidden(self.number, words.free))


@dataclass(frozen=True, slots=True)
class _Part:
    """The records of one list: the household of each, where it stands, and what they are sorted by."""

    list: str
    entity: str
    household: NDArray[np.int64]
    path: pa.Array
    row: pa.Array
    order: tuple[NDArray[np.int64], ...]
    table: pa.Table


def subjects(program: ir.Program, chunk: Chunk) -> Subjects:
    """The subjects of the households of a chunk."""
    parts = list(_parts(program, chunk if chunk.nested is None else _flat(program, chunk)))
    kinds = tuple(dict.fromkeys(part.entity for part in parts))
    depth = max(len(part.order) for part in parts)
    counts = [len(part.household) for part in parts]
    columns = [
        np.concatenate([part.order[level] if level < len(part.order) else np.full(count, -1)
                        for part, count in zip(parts, counts, strict=True)])
        for level in range(depth)
    ]  # fmt: skip
    order = np.lexsort(columns[::-1])  # the last key of lexsort is the first to sort by
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    ends = np.cumsum([0, *counts])

    def joined(pieces: Iterable[pa.Array]) -> pa.Array:
        return pa.concat_arrays(list(pieces)).take(pa.array(order))

    return Subjects(
        kinds,
        np.concatenate([part.household for part in parts])[order],
        np.repeat([kinds.index(part.entity) for part in parts], counts)[order],
        joined(part.path for part in parts),
        joined(texts(part.table, "id" if part.list else None) for part in parts),
        joined(texts(part.table, program.entities[part.entity].called) for part in parts),
        joined(part.row for part in parts),
        {part.list: place[start:end] for part, start, end in zip(parts, ends, ends[1:], strict=False)},
    )


def _parts(program: ir.Program, chunk: Chunk) -> Iterator[_Part]:
    households, root = np.arange(len(chunk)), root_of(program)
    path = pa.array([root]).take(pa.array(np.zeros(len(chunk), np.int64)))
    todo = [_Part("", root, households, path, _rows(chunk, ""), (households,), chunk.tables[""])]
    while todo:
        upper = todo.pop(0)
        yield upper
        lists = program.entities[upper.entity].lists.values()
        for number, decl in enumerate(one for one in lists if one.kind == "members"):
            below = f"{upper.list}.{decl.name.id}".removeprefix(".")
            if below not in chunk.tables:
                continue
            starts = np.asarray(chunk.starts[below], np.int64)
            owner = np.repeat(np.arange(len(upper.household)), np.diff(starts))
            index = np.arange(len(owner)) - starts[owner]
            path = pa.array([f"{decl.name.id}[{n}]" for n in range(index.max(initial=-1) + 1)], pa.string())
            path = path.take(pa.array(index))
            if upper.list:
                path = pc.binary_join_element_wise(upper.path.take(pa.array(owner)), path, ".")
            order = (*(level[owner] for level in upper.order), np.full(len(owner), number), index)
            rows = _rows(chunk, below)
            todo.append(_Part(below, decl.item, upper.household[owner], path, rows, order, chunk.tables[below]))  # fmt: skip


def texts(table: pa.Table, column: str | None) -> pa.Array:
    """A column as text, as it was given; nothing where there is none."""
    if column is None or column not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    found = table.column(column).combine_chunks()
    if pa.types.is_floating(found.type) or pa.types.is_decimal(found.type):
        read = (cell(Type("text"), one) for one in found.to_pylist())
        return pa.array([None if one is None else str(one) for one in read], pa.string())
    return pc.utf8_trim_whitespace(pc.cast(found, pa.string()))


def _rows(chunk: Chunk, path: str) -> pa.Array:
    """The row of the source in which each record stands, where there are such."""
    table, origin = chunk.tables[path], chunk.origins.get(path)
    if ROW in table.column_names:
        return pc.cast(table.column(ROW).combine_chunks(), pa.int64())
    if origin is None or not origin.row:
        return pa.nulls(table.num_rows, pa.int64())
    return pa.array(np.arange(origin.row, origin.row + table.num_rows))


def _flat(program: ir.Program, chunk: Chunk) -> Chunk:
    """Households that are written as mappings, as tables of what they and their members are called."""
    tables: dict[str, pa.Table] = {}
    starts: dict[str, NDArray[Any]] = {}
    todo: list[tuple[str, ir.Entity, Sequence[Any]]] = [
        ("", program.entities[root_of(program)], chunk.nested or ())
    ]
    while todo:
        path, entity, records = todo.pop(0)
        names = {"id": [key for key, of in ID_KEYS.items() if of == "id"]}
        if entity.called is not None:
            called = entity.facts[entity.called].name
            names[called.id] = [called.id, called.zh]
        columns = {
            name: pa.array([plain(given(one, *keys)) for one in records], pa.string())
            for name, keys in names.items()
        }
        if path == "":
            columns[ROW] = _rows(chunk, "")
        tables[path] = pa.table(columns)
        for decl in entity.lists.values():
            if decl.kind == "members":
                items = [_items(given(one, decl.name.id, decl.name.zh)) for one in records]
                below = f"{path}.{decl.name.id}".removeprefix(".")
                starts[below] = np.cumsum([0, *map(len, items)])
                todo.append((below, program.entities[decl.item], [one for of in items for one in of]))
    return replace(chunk, tables=tables, starts=starts)


def given(record: object, *keys: str) -> Any:
    """What a mapping says under one of some keys."""
    if not isinstance(record, Mapping):
        return None
    return next((record[key] for key in keys if key in record), None)


def _items(said: Any) -> Sequence[Any]:
    """The records of a list, plainly given or with whether it is complete."""
    if isinstance(said, Mapping):
        said = given(said, *(key for key, of in LIST_KEYS.items() if of == "items"))
    return said if isinstance(said, list | tuple) else ()


def plain(said: Any) -> str | None:
    """A name or number as text, where it is given plainly or with its paper."""
    if isinstance(said, Mapping):
        said = given(said, *(key for key, of in FACT_KEYS.items() if of == "value"))
    return str(said).strip() if type(said) in (str, int) else None
