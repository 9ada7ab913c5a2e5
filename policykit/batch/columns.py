"""Chunks of a register → blocks, as the columnar engine reads them.

A column that is written plainly is read all at once. Any other spelling is put to `records`, each once, so that a block
says of every household what reading it alone would say. Where that cannot be told from columns, or where a household
would be refused, the household is *odd*: it is to be read by itself, and what the block says of it means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from policykit import ir
from policykit.batch.chunks import BLANK, NOBODY, Chunk, cell, entity_at, reader
from policykit.datatypes import DATE, TEXT
from policykit.diagnostics import PolicyError
from policykit.engine.columnar.frames import Column, Frame, Listed
from policykit.records import range_of, read_fact, sole_labels
from policykit.source import NOWHERE
from policykit.values import Month

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]

_MOST = (
    500  #: records of a household that are read here: with all their labels no more than `facts.MAX_RECORDS`
)
_MOST_KEPT = 200_000  # spellings of one fact that are remembered
_FIRST_DAY = date(1970, 1, 1).toordinal()
_EXACT = 2.0**50  # up to which a number of hundredths is exact in binary
#: text that every screen shows, and nothing else that a reader would ask about
_PLAIN_TEXT = r"^[!-~\x{b7}\x{2014}\x{2018}-\x{201d}\x{3001}-\x{303f}\x{4e00}-\x{9fa5}\x{ff01}-\x{ff5e}]([ -~\x{b7}\x{2014}\x{2018}-\x{201d}\x{3000}-\x{303f}\x{4e00}-\x{9fa5}\x{ff01}-\x{ff5e}]*[!-~\x{4e00}-\x{9fa5}\x{ff01}-\x{ff5e}])?$"
_UNKNOWN, _KNOWN, _NONE, _BAD = range(4)


@dataclass(frozen=True, slots=True)
class Cells:
    """What the cells of a column say: a value where `state` is known (`None`: everywhere); `scale` times it, for
    numbers."""

    values: Array
    state: Array | None = None
    scale: int = 1


class Reading:
    """How the columns of some rules are read on a day; what was met once is remembered."""

    def __init__(self, program: ir.Program, on: date) -> None:
        self.program, self.on = program, on
        self.met: dict[tuple[str, str], dict[Any, tuple[int, Any]]] = {}
        self.asked = frozenset(_asked(program, set()))  # facts that a rule reads

    def block(self, chunk: Chunk) -> tuple[Frame, Mask]:
        """The households of a chunk as a block, and which of them are odd."""
        return _Making(self, chunk).block()

    # -- one column

    def cells(self, decl: ir.FactDecl, array: pa.Array) -> Cells:
        """What the cells of a fact say."""
        kind, of = decl.type.kind, array.type
        if kind == "text":
            return self._text(decl, array)
        if pa.types.is_boolean(of) and kind == "bool":
            return Cells(_filled(array, False), _valid(array).astype(np.uint8) if array.null_count else None)
        plain: Mask | None = None
        if kind == "date" and pa.types.is_date32(of):
            values, plain = _filled(array.view(pa.int32()), 0).astype(np.int64) + _FIRST_DAY, _valid(array)
        elif kind == "number" and self._size(decl):
            values, plain = _numbers(array, self._size(decl))
        if plain is None:
            return self._spelled(decl, array)
        low, high = map(_code, range_of(decl, self.on))
        if plain.all() and (not len(values) or (values.min() >= low and values.max() <= high)):
            return Cells(values)
        inside = plain & (values >= low) & (values <= high)
        state = np.where(inside, _KNOWN, _UNKNOWN).astype(np.uint8)
        rest = np.flatnonzero(_valid(array) & ~inside)
        if not len(rest):
            return Cells(np.where(inside, values, _within(low, high)) if not inside.all() else values, state)
        other = self._spelled(decl, array.take(pa.array(rest)))
        values = np.where(inside, values, _within(low, high)) * other.scale
        values[rest], state[rest] = other.values, _KNOWN if other.state is None else other.state
        return Cells(values, state, other.scale)

    def _size(self, decl: ir.FactDecl) -> int:
        """How many base units a bare number of this fact counts by, where it must be whole then; else 0."""
        dimension = decl.type.dimension
        if decl.type.money:
            return 100 if dict(dimension)["元"] == 1 else 0
        return 1

    def _spelled(self, decl: ir.FactDecl, array: pa.Array) -> Cells:
        """Any spelling: each put to the reader once."""
        met = self.met.setdefault((decl.entity, decl.name.id), {})
        if len(met) > _MOST_KEPT:
            met.clear()
        spellings, codes = _distinct(array)
        found = [self._one(decl, met, raw) for raw in spellings]
        scale = lcm(*(one.denominator for _, one in found if isinstance(one, Fraction)))
        filler = self._filler(decl)
        states = np.array([state for state, _ in found] + [_UNKNOWN], np.uint8)
        plain = [int(one * scale) if state == _KNOWN else filler for state, one in found]
        values = np.array([*plain, filler], np.int64)
        if decl.type.kind == "bool":
            values = values.astype(np.bool_)
        return Cells(values[codes], states[codes], scale)

    def _filler(self, decl: ir.FactDecl) -> int:
        return _within(*map(_code, range_of(decl, self.on))) if decl.type.ordered else 0

    def _one(self, decl: ir.FactDecl, met: dict[Any, tuple[int, Any]], raw: Any) -> tuple[int, Any]:
        key = (raw.__class__, tuple(raw) if isinstance(raw, list) else raw)
        if key not in met:
            met[key] = self._read(decl, raw)
        return met[key]

    def _read(self, decl: ir.FactDecl, raw: Any) -> tuple[int, Any]:
        """What a cell says, by the reader's own word."""
        given = reader(self.program, self.program.entities[decl.entity], decl.name.id)(raw)
        if given is None:
            return _UNKNOWN, 0
        try:
            value = read_fact(self.program, decl, given, self.on)
        except PolicyError:
            return _BAD, 0
        plain: Any = value.value
        if plain is None:
            return _NONE, 0
        if decl.type.kind == "text":
            return _KNOWN, plain
        if decl.type.kind in ("choice", "multi"):
            places = {o.name.id: n for n, o in enumerate(self.program.choices[decl.type.of].options)}
            labels = plain if isinstance(plain, frozenset) else None
            return _KNOWN, places[plain] if labels is None else sum(1 << places[label] for label in labels)
        return _KNOWN, _code(plain)

    def _text(self, decl: ir.FactDecl, array: pa.Array) -> Cells:
        """Text, as objects where a rule reads it, else no more than whether it may stand there."""
        asked = (decl.entity, decl.name.id) in self.asked
        valid = _valid(array)
        plain = valid & False
        if pa.types.is_string(array.type) and decl.name.id != "id_number":
            words = pa.array(sorted({*BLANK, *NOBODY}))
            shown = pc.and_not(pc.match_substring_regex(array, _PLAIN_TEXT), pc.is_in(array, value_set=words))
            plain = _filled(shown, False)
        state = np.where(plain, _KNOWN, _UNKNOWN).astype(np.uint8)
        values = np.empty(len(array), object)
        if asked:
            values[plain] = array.filter(pa.array(plain)).to_pylist()
        met: dict[Any, tuple[int, Any]] = {}
        for row in np.flatnonzero(valid & ~plain).tolist():
            state[row], values[row] = self._one(decl, met, array[row].as_py())
        return Cells(values, state)

    def said(self, key: str, array: pa.Array) -> tuple[Mask, Mask]:
        """Where something is said beside a fact (its paper, a day, a judge), and where it is said badly."""
        of = DATE if key == "date" else TEXT
        decl = ir.FactDecl(ir.Name(key, key), "", of, None, None, "", False, False, None, None, NOWHERE)
        met = self.met.setdefault(("", key), {})
        if len(met) > _MOST_KEPT:
            met.clear()
        spellings, codes = _distinct(array)
        states = [*(self._detail(decl, met, raw) for raw in spellings), _UNKNOWN]
        state = np.array(states, np.uint8)[codes]
        return state == _KNOWN, state == _BAD

    def _detail(self, decl: ir.FactDecl, met: dict[Any, tuple[int, Any]], raw: Any) -> int:
        key = (raw.__class__, raw)
        if key not in met:
            given, state = cell(decl.type, raw), _UNKNOWN
            if given is not None:
                try:
                    read_fact(self.program, decl, given, self.on)
                    state = _KNOWN
                except PolicyError:
                    # 无 is a word like any other here
                    state = _KNOWN if given in NOBODY and decl.type.kind == "text" else _BAD
            met[key] = state, 0
        return met[key][0]


@dataclass(slots=True)
class _Making:
    """The block of one chunk in the making; `odd` are the households to be read by themselves."""

    reading: Reading
    chunk: Chunk
    odd: Mask = field(init=False)
    numbers: dict[str, list[tuple[Array, pa.Array]]] = field(default_factory=dict)

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
            cells = self.reading.cells(decl, _one(table[name]))
            if cells.state is None and self._bare(decl, table, name):
                return Column(cells.values, scale=cells.scale)
        else:
            cells = Cells(np.zeros(count, np.int64), np.zeros(count, np.uint8))
        state = np.full(count, _KNOWN, np.uint8) if cells.state is None else cells.state
        bad = state == _BAD
        given = {}
        for key in ("source", "by", "reason", "unknown", "date"):
            if f"{name}.{key}" in table.column_names:
                given[key], wrong = self.reading.said(key, _one(table[f"{name}.{key}"]))
                bad = bad | wrong
        none, known = state == _NONE, (state == _KNOWN) | (state == _NONE)
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
            array = _one(table[name])
            if name == "id":
                known, bad = self.reading.said("id", array)
                self.strange(path, bad)
            else:
                known = _valid(array)
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
        strange = (counts > decl.most) | (whole & (counts < decl.least))
        if decl.kind == "refers":
            self.strange(path, strange | (counts > 0))
            empty = Frame(decl.item, 0, {})
            return Listed(empty, np.zeros(owners + 1, np.int64), whole & (counts == 0))
        self.strange(path, strange)
        return Listed(self.frame(below), starts, None if whole.all() else whole)

    def _named(self, path: str, decl: ir.ListDecl, table: pa.Table) -> Listed | None:
        """References in the cells of a row: that there are none is read here, others with their household."""
        array = _one(table[decl.name.id])
        spellings, codes = _distinct(array)
        given = [cell(TEXT, raw) if not isinstance(raw, list) else raw for raw in spellings]
        blank = np.array([one is None for one in given] + [True])[codes]
        nobody = np.array([(isinstance(one, str) and one in NOBODY) or one == [] for one in given] + [False])[
            codes
        ]
        allowed = decl.optional if decl.single else decl.least == 0
        self.strange(path, ~blank & ~nobody if allowed else ~blank)
        if not nobody.any():
            return None
        starts = np.zeros(table.num_rows + 1, np.int64)
        return Listed(Frame(decl.item, 0, {}), starts, None if nobody.all() else nobody)


# ---- small change ------------------------------------------------------------------------------------------------------


def _wandering(decl: ir.FactDecl) -> bool:
    """Whether the range of a fact lies with other facts."""
    return any(end is not None and not isinstance(end, ir.Const | ir.Today) for end in (decl.low, decl.high))


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def _valid(array: pa.Array) -> Mask:
    if not array.null_count:
        return np.ones(len(array), np.bool_)
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))


def _filled(array: pa.Array, value: Any) -> Array:
    """The values as they lie, with one in place of nothing."""
    full = pc.fill_null(array, value) if array.null_count else array
    return np.asarray(full.to_numpy(zero_copy_only=False))


def _within(low: int, high: int) -> int:
    """A whole number in a range, 0 where that is."""
    return min(max(0, low), high)


def _code(plain: Any) -> Any:
    """A plain value as a number."""
    match plain:
        case bool():
            return int(plain)
        case date():
            return plain.toordinal()
        case Month(year=year, month=month):
            return year * 12 + month - 1
    return plain


def _distinct(array: pa.Array) -> tuple[list[Any], Array]:
    """The different cells of a column, and for each row which it is; −1 (the last) for nothing."""
    if pa.types.is_nested(array.type):
        rows = array.to_pylist()
        places: dict[Any, int] = {}
        codes = [-1 if row is None else places.setdefault(repr(row), len(places)) for row in rows]
        found = {places[repr(row)]: row for row in rows if row is not None}
        return [found[place] for place in range(len(found))], np.array(codes, np.int64)
    encoded = array.dictionary_encode()
    return encoded.dictionary.to_pylist(), np.asarray(pc.fill_null(encoded.indices, -1).to_numpy())


def _numbers(array: pa.Array, size: int) -> tuple[Array, Mask | None]:
    """Whole numbers of base units, and where they are exact; `None` where none of the cells is told at once."""
    of, valid = array.type, _valid(array)
    if pa.types.is_integer(of):
        values = _filled(array, 0).astype(np.int64, copy=False)
        if len(values) and (values.min() < -(2**55) or values.max() > 2**55):
            valid = valid & (values > -(2**55)) & (values < 2**55)
            values = np.where(valid, values, 0)
        return values if size == 1 else values * size, valid
    if pa.types.is_floating(of):
        raw = _filled(array.cast(pa.float64()), np.nan)
        with np.errstate(invalid="ignore"):
            hundredths = np.rint(np.where(np.abs(raw) * size < _EXACT, raw, np.nan) * size)
            # a number with two decimals is the one nearest to that many hundredths
            exact = valid & (hundredths / size == raw)
        return np.where(exact, hundredths, 0).astype(np.int64), exact
    if pa.types.is_decimal128(of) and of.scale >= 0:
        return _decimals(array, size)
    if pa.types.is_string(of):
        pattern = r"^-?[0-9]{1,12}(\.[0-9]{1,2})?$" if size == 100 else r"^-?[0-9]{1,12}$"
        plain = valid & _filled(pc.match_substring_regex(array, pattern), False)
        values = np.zeros(len(array), np.int64)
        values[plain] = _decimals(array.filter(pa.array(plain)).cast(pa.decimal128(16, 2)), 100)[0] // (
            100 // size
        )
        return values, plain
    return np.zeros(0, np.int64), None


def _decimals(array: pa.Array, size: int) -> tuple[Array, Mask]:
    """Decimals of 128 bits as whole numbers of base units, and where they are that exactly."""
    valid, count = _valid(array), len(array)
    if not count:
        return np.zeros(0, np.int64), valid
    buffer, first = array.buffers()[1], array.offset
    words = np.frombuffer(buffer, np.int64, 2 * count, first * 16)
    low, high = words[::2], words[1::2]
    small = valid & (high == low >> 63) & (np.abs(low) < 2**55)
    values = np.where(small, low, 0)
    unit = 10**array.type.scale  # how many of the numbers held make one
    if unit <= size:
        return values * (size // unit), small
    share = unit // size
    return values // share, small & (values % share == 0)


def _asked(form: Any, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Every fact that is read anywhere in a form of the program."""
    if id(form) in seen:
        return
    if isinstance(form, ir.Fact):
        yield form.entity, form.name
    if isinstance(form, Mapping | tuple | list) or is_dataclass(form):
        seen.add(id(form))
    if isinstance(form, Mapping):
        for one in form.values():
            yield from _asked(one, seen)
    elif isinstance(form, tuple | list):
        for one in form:
            yield from _asked(one, seen)
    elif is_dataclass(form) and not isinstance(form, type):
        for slot in fields(form):
            yield from _asked(getattr(form, slot.name), seen)
