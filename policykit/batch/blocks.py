"""Chunks of a register → blocks, as the columnar engine reads them.

A block says of every household what reading it alone would say. Where that cannot be told from columns, or where a
household would be refused, the household is *odd*: it is to be read by itself, and what the block says of it means
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from policykit import ir
from policykit.batch.arrays import Array, Mask, distinct, one_piece, valid_rows
from policykit.batch.chunks import NOBODY, Chunk, cell, entity_at
from policykit.batch.columns import BAD, KNOWN, NONE, Cells, Reading
from policykit.datatypes import Type
from policykit.engine.columnar.frames import Column, Frame, Listed, starts_of
from policykit.records import sole_labels

#: records of a household that are read here: with all their labels no more than `facts.MAX_RECORDS`
_MOST = 500


def block_of(chunk: Chunk, reading: Reading) -> tuple[Frame, Mask]:
    """The households of a chunk as a block, and which of them are odd."""
    return _Making(reading, chunk).block()


@dataclass(slots=True)
class _Making:
    """The block of one chunk in the making; `odd` are the households to be read by themselves."""

    reading: Reading
    chunk: Chunk
    odd: Mask = field(init=False)
    numbers: dict[str, list[tuple[Array, pa.Array]]] = field(default_factory=dict)
    targets: dict[str, Targets] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.odd = np.zeros(len(self.chunk), np.bool_)

    def block(self) -> tuple[Frame, Mask]:
        program, chunk = self.reading.program, self.chunk
        if chunk.nested is not None:
            return Frame(entity_at(program, "").name.id, len(chunk), {}), ~self.odd
        frame = self.frame("")
        records = np.zeros(len(chunk), np.int64)
        for path, starts in chunk.starts.items():
            if path:
                rows = starts
                above = path.rpartition(".")[0]
                while above:
                    rows, above = rows[self._cut(above)], above.rpartition(".")[0]
                records += np.diff(rows)
        self.odd |= records > _MOST
        self._repeated()
        return frame, self.odd

    def _cut(self, path: str) -> Array:
        return self.chunk.starts[path]

    def households(self, path: str, rows: Array) -> Array:
        """The households in which some rows of a table lie."""
        while path:
            rows = np.searchsorted(self.chunk.starts[path], rows, "right") - 1
            path = path.rpartition(".")[0]
        return rows

    def strange(self, path: str, rows: Mask) -> None:
        """Makes the households odd in which some rows lie."""
        if rows.any():
            self.odd[self.households(path, np.flatnonzero(rows))] = True

    def frame(self, path: str) -> Frame:
        program, table = self.reading.program, self.chunk.tables[path]
        entity, count = entity_at(program, path), table.num_rows
        facts = self._facts(path, entity, table, "")
        for name, option in sole_labels(program, entity.name.id):
            if name in facts and path and self._members(path):
                self._sole(
                    path, facts[name], list(program.choices[entity.facts[name].type.of].options).index(option)
                )
        lists = {}
        for name, decl in entity.lists.items():
            below = f"{path}.{name}".removeprefix(".")
            if below in self.chunk.tables:
                lists[name] = self._listed(path, below, decl)
            elif name in table.column_names and (found := self._named(path, decl, table)):
                lists[name] = found
        upper = None
        if not path and entity.upper is not None:
            above = program.entities[entity.upper]
            given = self._facts(path, above, table, f"{above.name.id}.")
            upper = Frame(above.name.id, count, given) if given else None
        self._ids(path, entity, table)
        return Frame(entity.name.id, count, facts, lists, upper)

    def _members(self, path: str) -> bool:
        """Whether the records of a list are decided about: members, and members of members."""
        line = path.split(".")
        owners = (entity_at(self.reading.program, ".".join(line[:n])) for n in range(len(line)))
        return all(owner.lists[name].kind == "members" for owner, name in zip(owners, line, strict=True))

    # -- facts

    def _facts(self, path: str, entity: ir.Entity, table: pa.Table, prefix: str) -> dict[str, Column]:
        found = {}
        for name, decl in entity.facts.items():
            if any(
                column == prefix + name or column.startswith(f"{prefix}{name}.")
                for column in table.column_names
            ):
                column = self._column(path, decl, table, prefix + name)
                if column is not None:
                    found[name] = column
        return found

    def _column(self, path: str, decl: ir.FactDecl, table: pa.Table, name: str) -> Column | None:
        """One fact of all rows; a value that its paper or its judge is missing for is unknown."""
        count = table.num_rows
        if name in table.column_names:
            cells = self.reading.cells(decl, one_piece(table[name]))
            if cells.state is None and self._bare(decl, table, name):
                return Column(cells.values, scale=cells.scale)
        else:
            cells = Cells(np.zeros(count, np.int64), np.zeros(count, np.uint8))
        state = np.full(count, KNOWN, np.uint8) if cells.state is None else cells.state
        bad = state == BAD
        given = {}
        for key in ("source", "by", "reason", "unknown", "date"):
            if f"{name}.{key}" in table.column_names:
                given[key], wrong = self.reading.said(key, one_piece(table[f"{name}.{key}"]))
                bad = bad | wrong
        none, known = state == NONE, (state == KNOWN) | (state == NONE)
        nobody = np.zeros(count, np.bool_)
        bad = bad | (known & given.get("unknown", nobody))
        if decl.evidence is not None:
            absent = none if decl.type.kind not in ("bool", "multi") else none | (cells.values == 0)
            known = known & (given.get("source", nobody) | absent)
        if decl.judgement is not None:
            for key in ("by", "reason", "date"):
                known = known & given.get(key, nobody)
        if _wandering(decl):
            bad = bad | (known & ~none)  # its range lies with other facts
        self.strange(path, bad)
        known, none = known & ~bad, none & known & ~bad
        if not known.any():
            return None
        if decl.type.kind == "text" and (decl.entity, decl.name.id) not in self.reading.asked:
            return None
        return Column(cells.values, None if known.all() else known, none if none.any() else None, cells.scale)

    def _bare(self, decl: ir.FactDecl, table: pa.Table, name: str) -> bool:
        """Whether nothing but its value says whether a fact counts."""
        asked = decl.evidence is not None or decl.judgement is not None or _wandering(decl)
        return not asked and not any(column.startswith(f"{name}.") for column in table.column_names)

    def _sole(self, path: str, column: Column, code: int) -> None:
        """A label that one member can have: households where two have it are odd."""
        there = column.values == code
        for mask in (column.known, None if column.none is None else ~column.none):
            there = there if mask is None else there & mask
        owners = np.searchsorted(self.chunk.starts[path], np.flatnonzero(there), "right") - 1
        twice = np.bincount(owners, minlength=1) > 1
        if twice.any():
            self.odd[self.households(path.rpartition(".")[0], np.flatnonzero(twice))] = True

    def _ids(self, path: str, entity: ir.Entity, table: pa.Table) -> None:
        """Takes down the numbers of records, by which the household must be able to tell them apart."""
        for name in ("id", "id_number"):
            if name not in table.column_names or (name == "id_number" and name not in entity.facts):
                continue
            array = one_piece(table[name])
            if name == "id":
                known, bad = self.reading.said("id", array)
                self.strange(path, bad)
            else:
                known = valid_rows(array)
            rows = np.flatnonzero(known)
            texts = pc.replace_substring_regex(
                pc.utf8_upper(array.take(pa.array(rows)).cast(pa.string())), r"\s", ""
            )
            kind = name if name == "id_number" else entity.name.id + ".id"
            self.numbers.setdefault(kind, []).append((self.households(path, rows), texts))

    def _repeated(self) -> None:
        for found in self.numbers.values():
            homes = np.concatenate([rows for rows, _ in found])
            texts = pa.concat_arrays([array for _, array in found]).dictionary_encode().indices.to_numpy()
            order = np.lexsort((texts, homes))
            homes, texts = homes[order], texts[order]
            same = (homes[1:] == homes[:-1]) & (texts[1:] == texts[:-1])
            self.odd[homes[1:][same]] = True

    # -- lists

    def _listed(self, path: str, below: str, decl: ir.ListDecl) -> Listed:
        starts, said = self.chunk.starts[below], self.chunk.complete.get(below, True)
        counts, owners = np.diff(starts), self.chunk.tables[path].num_rows
        whole = np.full(owners, said) if isinstance(said, bool) else np.asarray(said)
        self.strange(path, (counts > decl.most) | (whole & (counts < decl.least)))
        frame, complete = self.frame(below), None if whole.all() else whole
        if decl.kind != "refers":
            return Listed(frame, starts, complete)
        # who is not a member lies in a household of which nothing is known
        upper = self.reading.program.entities[decl.item].upper
        frame = replace(frame, upper=Frame(upper, frame.count, {}) if upper else None)
        table = self.chunk.tables[below]
        if "ref" not in table.column_names:
            return Listed(frame, starts, complete)
        names = self.reading.texts(one_piece(table["ref"]))
        rows = np.flatnonzero(valid_rows(names))
        said_too = np.zeros(table.num_rows, np.bool_)
        for name in table.column_names:
            if name != "ref" and not name.startswith("_"):
                said_too |= valid_rows(self.reading.texts(one_piece(table[name])))
        self.strange(below, said_too & valid_rows(names))  # named and described
        homes = self.homes(below)[rows]
        elsewhere = self._elsewhere(
            decl.item, names.take(pa.array(rows)), homes, rows, table.num_rows, starts
        )
        return Listed(frame, starts, complete, elsewhere)

    def _named(self, path: str, decl: ir.ListDecl, table: pa.Table) -> Listed | None:
        """References that stand in the cells of a row, one or several."""
        array = one_piece(table[decl.name.id])
        spellings, codes = distinct(array)
        of = Type("record" if decl.single else "list", decl.item)
        given = [_references(cell(of, raw)) for raw in spellings]
        known = np.array([one is not None for one in given] + [False])[codes]
        if not known.any():
            return None
        lengths = np.array([len(one or ()) for one in given] + [0])[codes]
        least = (0 if decl.optional else 1) if decl.single else decl.least
        self.strange(path, known & ((lengths < least) | (lengths > decl.most)))
        names = [name for code in codes.tolist() if code >= 0 for name in given[code] or ()]
        starts = starts_of(lengths)
        rows = np.arange(len(names))
        homes = np.repeat(self.homes(path), lengths)
        elsewhere = self._elsewhere(decl.item, pa.array(names, pa.string()), homes, rows, len(names), starts)
        complete = None if known.all() else known
        return Listed(Frame(decl.item, len(names), {}), starts, complete, elsewhere)

    # -- references

    def homes(self, path: str) -> Array:
        """The household of each row of a table."""
        found = np.arange(len(self.chunk))
        above = ""
        for name in path.split(".") if path else ():
            above = f"{above}.{name}".removeprefix(".")
            found = np.repeat(found, np.diff(self.chunk.starts[above]))
        return found

    def _elsewhere(
        self, kind: str, names: pa.Array, homes: Array, rows: Array, count: int, starts: Array
    ) -> dict[tuple[str, ...], Array]:
        """Where the records stand that some rows name; who names nobody, or somebody twice, is of an odd household."""
        if kind not in self.targets:
            self.targets[kind] = self._targets(kind)
        targets = self.targets[kind]
        tables, places = targets.find(homes, names)
        self.odd[homes[tables < 0]] = True
        owners = np.searchsorted(starts, rows, "right")
        order = np.lexsort((places, tables, owners))
        same = np.ones(max(len(order) - 1, 0), np.bool_)
        for values in (owners, tables, places):
            same &= values[order][1:] == values[order][:-1]
        self.odd[homes[order[1:][same]]] = True
        found = {}
        for number, path in enumerate(targets.paths):
            if (tables == number).any():
                found[tuple(path.split(".")) if path else ()] = at = np.full(count, -1, np.int64)
                at[rows[tables == number]] = places[tables == number]
        return found

    def _targets(self, kind: str) -> Targets:
        """Every name of the records of one entity: their 编号, and what members are called where no other has that for
        a 编号."""
        program = self.reading.program
        entity = program.entities[kind]
        paths = [path for path in self.chunk.tables if entity_at(program, path) is entity]
        found: list[tuple[pa.Array, Array, int, Array, bool]] = []
        for number, path in enumerate(paths):
            table, homes = self.chunk.tables[path], self.homes(path)
            for name in ("id", entity.called or ""):
                if name in table.column_names and (name == "id" or not path or self._members(path)):
                    texts = self.reading.texts(one_piece(table[name]))
                    rows = np.flatnonzero(valid_rows(texts))
                    found.append((texts.take(pa.array(rows)), homes[rows], number, rows, name == "id"))
        texts = pa.concat_arrays([one[0] for one in found]) if found else pa.array([], pa.string())
        known = texts.unique()
        codes = pc.index_in(texts, value_set=known).to_numpy()
        homes = np.concatenate([one[1] for one in found] or [np.zeros(0, np.int64)])
        tables = np.concatenate([np.full(len(one[3]), one[2]) for one in found] or [np.zeros(0, np.int64)])
        rows = np.concatenate([one[3] for one in found] or [np.zeros(0, np.int64)])
        ids = np.concatenate([np.full(len(one[3]), one[4]) for one in found] or [np.zeros(0, np.bool_)])
        keys = homes * (len(known) + 1) + codes
        kept = ids | ~np.isin(keys, keys[ids])
        order = np.argsort(keys[kept], kind="stable")
        return Targets(paths, known, keys[kept][order], tables[kept][order], rows[kept][order])


@dataclass(frozen=True, slots=True)
class Targets:
    """What can be referred to: names within households, in order, and the table and row of each."""

    paths: list[str]
    known: pa.Array
    keys: Array
    tables: Array
    rows: Array

    def find(self, homes: Array, names: pa.Array) -> tuple[Array, Array]:
        """The table and the row of what each name stands for in its household; −1 unless it is one record."""
        codes = pc.fill_null(pc.index_in(names, value_set=self.known), len(self.known)).to_numpy()
        keys = homes * (len(self.known) + 1) + codes
        first, last = (np.searchsorted(self.keys, keys, side) for side in ("left", "right"))
        one = last - first == 1
        at = np.where(one, first, 0)
        if not len(self.keys):
            return np.full(len(keys), -1), np.full(len(keys), -1)
        return np.where(one, self.tables[at], -1), np.where(one, self.rows[at], -1)


# ---- small change ------------------------------------------------------------------------------------------------------


def _references(given: Any) -> list[str] | None:
    """The names in a cell, as household data would have them."""
    if given is None or isinstance(given, list):
        return given
    return [] if isinstance(given, str) and given in NOBODY - {"没有"} else [str(given)]


def _wandering(decl: ir.FactDecl) -> bool:
    """Whether the range of a fact lies with other facts."""
    return any(end is not None and not isinstance(end, ir.Const | ir.Today) for end in (decl.low, decl.high))
