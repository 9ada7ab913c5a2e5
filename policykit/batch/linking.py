"""Tables whose rows name their households → whole households in order, chunk by chunk.

Nothing is dropped: a row that cannot be linked is set aside with the reason, and so is every household that is not whole
without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from policykit.batch.arrays import distinct, first_alike, one_piece, order_of, repeated, runs_of
from policykit.batch.chunks import KEY, ROW, SOURCE, Bad, Chunk, Origin, at, entity_at
from policykit.batch.files import Told, cell_text
from policykit.batch.headings import ABOVE, ROOT, WHOLE, Names
from policykit.batch.sheets import Piece, Sheet
from policykit.batch.tidying import ALONE, Whole, whole_said
from policykit.diagnostics import Diagnostic, Language, data_fault, data_word, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDED = r"^[0-9](?:\.[0-9]+)?[eE]\+[0-9]+$"


def link(piece: Piece, names: Names, told: Told, language: Language) -> Linked:
    """The households whose rows these are."""
    return _Linking(piece, names, told, language).linked()


def nobody(first: int, told: Told) -> Chunk:
    """What is left of rows that could not be read, and are of no household."""
    told.notes += [one.otherwise for one in told.lost if one.otherwise]
    rest = tuple(Bad(one.source, one.row, one.key, (one.reason,)) for one in told.lost if not one.otherwise)
    return Chunk(first, pa.array([], pa.string()), {"": pa.table({})}, bad=rest)


@dataclass(frozen=True, slots=True)
class Linked:
    """Some households in order. `order` has for each table its rows in the order of their owners (`None`: as they lie),
    `starts` where those of each owner begin."""

    keys: pa.Array
    tables: Mapping[str, pa.Table]
    origins: Mapping[str, Origin]
    order: Mapping[str, NDArray[Any] | None]
    starts: Mapping[str, NDArray[Any]]
    complete: Mapping[str, bool | NDArray[Any]]
    bad: tuple[Bad, ...]

    def chunks(self, first: int, size: int) -> Iterator[Chunk]:
        """The households in chunks of so many; what was set aside comes with the first."""
        bad = self.bad
        for begin in range(0, max(len(self.keys), 1 if bad else 0), size):
            yield self._cut(first + begin, begin, min(begin + size, len(self.keys)), bad)
            bad = ()

    def _cut(self, first: int, begin: int, end: int, bad: tuple[Bad, ...]) -> Chunk:
        spans, starts, complete = {"": (begin, end)}, {}, {}
        for path in self.starts:  # owners come before what they own
            low, high = spans[path.rpartition(".")[0]]
            cut = self.starts[path][low : high + 1]
            spans[path] = int(cut[0]), int(cut[-1])
            starts[path] = cut - cut[0]
            said = self.complete[path]
            complete[path] = said if isinstance(said, bool) else said[low:high]
        tables, origins = {}, {}
        for path, (low, high) in spans.items():
            tables[path], origins[path] = self._rows(path, low, high)
        keys = self.keys.slice(begin, end - begin)
        return Chunk(first, keys, tables, starts, complete, origins, bad=bad)

    def _rows(self, path: str, low: int, high: int) -> tuple[pa.Table, Origin]:
        table, origin, order = self.tables[path], self.origins[path], self.order[path]
        if order is None:
            cut = table.slice(low, high - low)
            return cut, origin if ROW in table.column_names else replace(origin, row=origin.row + low)
        rows = order[low:high]
        cut = table.take(pa.array(rows))
        if ROW not in table.column_names:
            cut = cut.append_column(ROW, pa.array(rows + origin.row))
        return cut, origin


@dataclass(slots=True)
class _Linking:
    """The work on one piece. `owner` has for each table the row of each row's owner in the owner's table, −1 for none;
    `aside` the households that are set aside."""

    piece: Piece
    names: Names
    told: Told
    language: Language
    tables: dict[str, pa.Table] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    declared: dict[str, bool] = field(default_factory=dict)
    by_hand: set[str] = field(default_factory=set)  # lists in sheets and texts, not in tables of programs
    owner: dict[str, NDArray[Any]] = field(default_factory=dict)
    starts: dict[str, NDArray[Any]] = field(default_factory=dict)
    keys: Any = None
    aside: dict[int, list[Diagnostic]] = field(default_factory=dict)
    bad: list[Bad] = field(default_factory=list)

    def linked(self) -> Linked:
        self._gather()
        self._agree_on_keys()
        self._households()
        paths = sorted(self.tables.keys() - {""}, key=lambda path: path.count("."))
        for path in paths:
            if "." in path:
                self._to_records(path)
            else:
                self._to_households(path)
        for path in paths:
            self._household_facts(path)
            if path in self.by_hand:
                self._twice(path)
        complete = {path: self._completeness(path) for path in paths}
        self._lost_rows()
        return self._ordered(complete)

    # -- tables

    def _gather(self) -> None:
        """One table for each list, whatever sheets its rows come from."""
        held: dict[str, list[tuple[Sheet, pa.Table]]] = {}
        for sheet, table in self.piece:
            for path, part in self._by_list(sheet, table):
                held.setdefault(path, []).append((sheet, part))
        for path, parts in held.items():
            sources = tuple(dict.fromkeys(sheet.raw.source for sheet, _ in parts))
            headings: dict[str, str] = {}
            for sheet, _ in reversed(parts):
                headings |= sheet.headings
            self.origins[path] = Origin(sources, headings, 1)
            self.declared[path] = all(sheet.complete for sheet, _ in parts)
            if not any(sheet.raw.named for sheet, _ in parts):
                self.by_hand.add(path)
            self.tables[path] = parts[0][1] if len(parts) == 1 else _joined(parts, sources)
        for path, table in list(self.tables.items()):
            for name in table.column_names:
                below = f"{path}.{name.removeprefix(WHOLE)}".removeprefix(".")
                if (
                    name.startswith(WHOLE) and below not in self.tables
                ):  # of whom it is said that they have none
                    self.tables[below] = pa.table({ROW: pa.array([], pa.int64())})
                    self.origins[below], self.declared[below] = Origin(self.origins[path].sources), False

    def _by_list(self, sheet: Sheet, table: pa.Table) -> list[tuple[str, pa.Table]]:
        """The rows of a table by the list that they belong to: of a household where they name nobody in it."""
        names = [name for name in table.column_names if name.startswith(ABOVE)]
        if not sheet.otherwise or not names:
            return [(sheet.path, table)]
        table, named = _with_rows(table), pa.array([False] * table.num_rows)
        for name in names:
            named = pc.or_(named, pc.is_valid(table[name]))
        return [
            (sheet.path, table.filter(named)),
            (sheet.otherwise, table.filter(pc.invert(named)).drop_columns(names)),
        ]

    def _agree_on_keys(self) -> None:
        """Household numbers are integers in all tables, or text in all."""
        keyed = [path for path, table in self.tables.items() if KEY in table.column_names]
        if len({self.tables[path][KEY].type for path in keyed}) > 1:
            for path in keyed:
                table = self.tables[path]
                at_key = table.column_names.index(KEY)
                self.tables[path] = table.set_column(at_key, KEY, table[KEY].cast(pa.string()))

    def where(self, path: str, row: int, column: str = "") -> str:
        return at(*self.place(path, row), self.language, self.origins[path].headings.get(column, ""))

    def place(self, path: str, row: int) -> tuple[str, int]:
        """The source and the row of a row of a table."""
        table, origin = self.tables[path], self.origins[path]
        source = table[SOURCE][row].as_py() if SOURCE in table.column_names else 0
        number = table[ROW][row].as_py() if ROW in table.column_names else origin.row + row
        return origin.sources[source], number

    def fault(self, code: str, path: str, row: int, **fields: str) -> Diagnostic:
        what = self.names.key_label(self.language)
        return data_fault(self.language, code, self.where(path, row), what=what, **fields)

    def loose(self, code: str, path: str, row: int, **fields: str) -> None:
        """Sets a row aside that is of no household."""
        key = self.tables[path][KEY][row].as_py() if KEY in self.tables[path].column_names else None
        self.bad.append(
            Bad(
                *self.place(path, row),
                "" if key is None else str(key),
                (self.fault(code, path, row, **fields),),
            )
        )

    # -- households

    def _households(self) -> None:
        """Which households there are: the rows of their own table, or else whoever has members."""
        if "" not in self.tables:
            self._from_members()
            self._ruined()
            return
        self.keys = one_piece(self.tables[""][KEY])
        self._ruined()
        for row in np.flatnonzero(self.keys.is_null().to_numpy(zero_copy_only=False)).tolist():
            self.aside[row] = [self.fault("S005", "", row)]
        if _rising(self.keys):
            return
        found = pc.value_counts(self.keys.drop_null())
        twice = found.field(0).filter(pc.greater(found.field(1), 1))
        rows: dict[Any, list[int]] = {}
        for row in np.flatnonzero(
            pc.is_in(self.keys, value_set=twice).to_numpy(zero_copy_only=False)
        ).tolist():
            rows.setdefault(self.keys[row].as_py(), []).append(row)
        for key, same in rows.items():
            places = {"first": self.where("", same[0]), "second": self.where("", same[1])}
            for row in same:
                self.aside.setdefault(row, [self.fault("S003", "", row, key=str(key), **places)])

    def _ruined(self) -> None:
        """Sets those numbers aside that a sheet has rounded, so that several households may have come to one."""
        if pa.types.is_string(self.keys.type):
            for row in _where(pc.match_substring_regex(self.keys, _ROUNDED)):
                self.aside[row] = [self.fault("S017", "", row, key=shown(self.keys[row].as_py()))]

    def _from_members(self) -> None:
        lists = [path for path in self.tables if path and "." not in path]
        path = next((path for path in lists if self.names.list_of(path).kind == "members"), lists[0])
        keys, table = one_piece(self.tables[path][KEY]), _with_rows(self.tables[path])
        first = pa.array(_firsts(keys))
        self.keys = keys.take(first)
        self.tables[""] = table.select([name for name in (ROW, SOURCE) if name in table.column_names]).take(
            first
        )
        self.origins[""] = Origin(self.origins[path].sources)

    def owners(self, path: str) -> NDArray[Any]:
        """For each row of a table the row of its owner in the owner's table, −1 for none."""
        if path not in self.owner:
            self.owner[path] = np.repeat(np.arange(len(self.starts[path]) - 1), np.diff(self.starts[path]))
        return self.owner[path]

    def households_of(self, path: str) -> NDArray[Any]:
        """For each row of a table the row of its household, −1 for none."""
        found = self.owners(path)
        above = path.rpartition(".")[0]
        return np.where(found >= 0, self.households_of(above)[found], -1) if above and len(found) else found

    def _to_households(self, path: str) -> None:
        """Links rows by the number of their household."""
        table, count = self.tables[path], len(self.keys)
        if KEY not in table.column_names:
            self.starts[path] = np.zeros(count + 1, np.int64)
            return
        keys = one_piece(table[KEY])
        if pa.types.is_integer(keys.type) and not keys.null_count and _rising(self.keys):
            runs = runs_of(keys.to_numpy())
            if len(runs) == count and np.array_equal(keys.to_numpy()[runs], self.keys.to_numpy()):
                self.starts[path] = np.append(runs, len(keys))
                return
        self.owner[path] = _places(keys, self.keys)
        root = "、".join(self.origins[""].sources)
        for row in np.flatnonzero(self.owner[path] < 0).tolist():
            key = keys[row].as_py()
            if key is None:
                self.loose("S005", path, row)
            else:
                self.loose("S004", path, row, key=str(key), table=root)

    def _to_records(self, path: str) -> None:
        """Links rows to a record in a household, by its 编号 or by what it is called."""
        above, table = path.rpartition(".")[0], self.tables[path]
        count = self.tables[above].num_rows
        self.owner[path] = found = np.full(table.num_rows, -1, np.int64)
        keyed = KEY in table.column_names
        if keyed:
            home = pc.index_in(one_piece(table[KEY]), value_set=self.keys, skip_nulls=True)
        matches = np.zeros(table.num_rows, np.int64)
        said = pa.nulls(table.num_rows, pa.string())
        for name in self.names.naming(above):
            if ABOVE + name not in table.column_names:
                continue
            wanted = _texts(table[ABOVE + name])
            said = pc.coalesce(said, wanted)
            if name not in self.tables[above].column_names:
                continue
            known = _texts(self.tables[above][name])
            if keyed:
                wanted = _within(home, wanted)
                known = _within(pa.array(self.households_of(above)), known)
            open_ = found < 0
            index, times = _lookup(wanted, known)
            matches = np.where(open_ & (times > 0), times, matches)
            found[:] = np.where(open_ & (times == 1), index, found)
        assert len(found) == 0 or found.max() < count
        for row in np.flatnonzero(found < 0).tolist():
            fields = {
                "name": shown(said[row].as_py() or ""),
                "count": str(matches[row]),
                "table": self.origins[above].sources[0],
            }
            household = home[row].as_py() if keyed else None
            if household is None:
                self.loose("S011", path, row, **fields)
            else:
                self.aside.setdefault(household, []).append(self.fault("S011", path, row, **fields))

    # -- what is said of households and lists

    def _household_facts(self, path: str) -> None:
        """Facts of households in the rows of what they have: once is enough, more often they must agree."""
        table = self.tables[path]
        for column in [name for name in table.column_names if name.startswith(ROOT)]:
            name, values = column.removeprefix(ROOT), one_piece(table[column])
            rows = np.flatnonzero(
                values.is_valid().to_numpy(zero_copy_only=False) & (self.households_of(path) >= 0)
            )
            homes, first, which = np.unique(
                self.households_of(path)[rows], return_index=True, return_inverse=True
            )
            differs = pc.not_equal(values.take(pa.array(rows)), values.take(pa.array(rows[first[which]])))
            for at_ in np.flatnonzero(differs.to_numpy(zero_copy_only=False)):
                self._contradiction(
                    name, path, int(rows[first[which[at_]]]), path, int(rows[at_]), int(homes[which[at_]])
                )
            chosen = np.full(len(self.keys), -1, np.int64)
            chosen[homes] = rows[first]
            spread = values.take(pa.array(chosen, mask=chosen < 0))
            root = self.tables[""]
            if name in root.column_names:
                own = one_piece(root[name])
                if own.type != spread.type:
                    own, spread = _texts(own), _texts(spread)
                for row in np.flatnonzero(
                    pc.fill_null(pc.not_equal(own, spread), False).to_numpy(zero_copy_only=False)
                ):
                    self._contradiction(name, "", int(row), path, int(chosen[row]), int(row))
                spread = pc.coalesce(own, spread)
                root = root.drop_columns([name])
            self.tables[""] = root.append_column(name, spread)
            headings = {name: self.origins[path].headings.get(name, ""), **self.origins[""].headings}
            self.origins[""] = replace(self.origins[""], headings=headings)
        self.tables[path] = table.drop_columns([n for n in table.column_names if n.startswith(ROOT)])
        if ALONE in table.column_names:
            alone = pc.fill_null(one_piece(table[ALONE]), False).to_numpy(zero_copy_only=False)
            if alone.any():
                self.owner[path] = np.where(alone, -1, self.owners(path))
                self.starts.pop(path, None)

    def _twice(self, path: str) -> None:
        """Sets households aside that have one member or record twice, as copied sheets and rows have them, or members
        in several sheets: each village may have counted from 1, and a list of names may be one of something else."""
        table, homes = self.tables[path], self.households_of(path)
        people, several = self.names.list_of(path).kind == "members", SOURCE in table.column_names
        sources = one_piece(table[SOURCE]).to_numpy() if several else np.zeros(table.num_rows, np.int64)
        rows = np.flatnonzero(homes >= 0)
        if people and several:
            before = first_alike(homes[rows], rows)
            other = sources[rows] != sources[before]
            self._again("S023", path, rows[other], before[other])
            rows = rows[~other]
        called = entity_at(self.names.program, path).called
        if called in table.column_names:
            rows = rows[repeated(_within(pa.array(homes), _texts(table[called])).take(pa.array(rows)))]
        elif people or not several:
            return
        facts = [name for name in table.column_names if not name.startswith("_")]
        if len(rows) == 0 or (people and len(facts) < 2):
            return
        cells = [pc.fill_null(_texts(table[name]).take(pa.array(rows)), "") for name in facts]
        owners = pa.array(self.owners(path)[rows]).cast(pa.string())
        whole = pc.binary_join_element_wise(owners, *cells, "\x1f")
        before = first_alike(whole.dictionary_encode().indices.to_numpy(), rows)
        same = (rows != before) & (people | (sources[rows] != sources[before]))
        self._again("S024", path, rows[same], before[same])

    def _again(self, code: str, path: str, rows: NDArray[Any], before: NDArray[Any]) -> None:
        """Sets the households of some rows aside, since each comes after one that it should not."""
        for row, first in zip(rows.tolist(), before.tolist(), strict=True):
            household = int(self.households_of(path)[row])
            held = self.aside.setdefault(household, [])
            if not any(one.code == code for one in held):
                places = {"first": self.where(path, first), "second": self.where(path, row)}
                held.append(self.fault(code, path, row, key=str(self.keys[household].as_py()), **places))

    def _contradiction(
        self, name: str, path: str, row: int, other: str, other_row: int, household: int
    ) -> None:
        places = {"first": self.where(path, row, name), "second": self.where(other, other_row, name)}
        column = name if not path else ROOT + name
        found = self.tables[path][column][row].as_py()
        differs = self.tables[other][ROOT + name][other_row].as_py()
        reason = self.fault("S008", other, other_row, **places, found=shown(found), other=shown(differs))
        self.aside.setdefault(household, []).append(reason)

    def _completeness(self, path: str) -> bool | NDArray[Any]:
        """Of which owners the list is complete: where that is said, where it is a list of members, or else where
        anything is in it. That somebody has no row says nothing of itself."""
        above, _, name = path.rpartition(".")
        sure = self.declared[path] or self.names.list_of(path).kind == "members"
        marked = WHOLE + name in self.tables[above].column_names
        if sure and not marked:
            return True
        owners = self.owners(path)
        count = np.bincount(owners[owners >= 0], minlength=self.tables[above].num_rows)
        if not marked:
            return count > 0
        whole = np.full(len(count), True) if sure else count > 0
        homes = self.households_of(above) if above else np.arange(len(count))
        heading = self.origins[above].headings.get(WHOLE + name, "").lower()
        bare = "完成" not in heading and "complete" not in heading
        spellings, codes = distinct(one_piece(self.tables[above][WHOLE + name]))
        said = np.array([whole_said(raw, bare) for raw in spellings] + [Whole.UNSAID])[codes]
        wrong = (
            (said == Whole.WRONG)
            | ((said == Whole.NONE) & (count > 0))
            | ((said == Whole.SOME) & (count == 0))
        )
        whole[(said == Whole.YES) | ((said == Whole.NONE) & ~wrong)] = True
        whole[said == Whole.NO] = False
        for row in np.flatnonzero(wrong & (homes >= 0)).tolist():
            found = shown(spellings[codes[row]])
            if said[row] == Whole.SOME:
                reason = self.fault("S018", above, row, found=found)
            elif said[row] == Whole.NONE:
                reason = self.fault("S013", above, row, count=str(count[row]))
            else:
                reason = self.fault("R002", above, row, wanted=data_word(self.language, "bool"), found=found)
            self.aside.setdefault(int(homes[row]), []).append(reason)
        return whole

    def _lost_rows(self) -> None:
        """Sets those households aside of which a row could not be read."""
        if not self.told.lost:
            return
        given: list[Any] = [lost.key or None for lost in self.told.lost]
        if pa.types.is_integer(self.keys.type):
            given = [int(key) if key and re.fullmatch("[0-9]{1,18}", key) else None for key in given]
        found = pc.index_in(pa.array(given, self.keys.type), value_set=self.keys, skip_nulls=True).to_pylist()
        for lost, row in zip(self.told.lost, found, strict=True):
            if row is not None:
                self.aside.setdefault(row, []).append(lost.reason)
        self.told.lost[:] = [lost for lost, row in zip(self.told.lost, found, strict=True) if row is None]

    # -- in order

    def _ordered(self, complete: dict[str, bool | NDArray[Any]]) -> Linked:
        """The households that are left, and what they have in their order."""
        for row, reasons in sorted(self.aside.items()):
            key = self.keys[row].as_py()
            self.bad.append(Bad(*self.place("", row), "" if key is None else str(key), tuple(reasons)))
        order: dict[str, NDArray[Any] | None] = {"": None}
        starts: dict[str, NDArray[Any]] = {}
        keys = self.keys
        if self.aside:
            order[""] = left = np.delete(np.arange(len(keys)), list(self.aside))
            keys = keys.take(pa.array(left))
        for path, said in complete.items():
            above = path.rpartition(".")[0]
            upper = order[above]
            if upper is None and path in self.starts:
                order[path], starts[path] = None, self.starts[path]
                continue
            owners, count = self.owners(path), self.tables[above].num_rows
            if upper is not None:
                moved = _inverse(upper, count)
                owners = np.append(moved, -1)[owners]  # of none stays of none
                count = len(upper)
                complete[path] = said if isinstance(said, bool) else said[upper]
            order[path], starts[path] = _by_owner(owners, count)
        tables = {path: _facts_only(table) for path, table in self.tables.items()}
        return Linked(keys, tables, self.origins, order, starts, complete, tuple(self.bad))


# ---- small change ------------------------------------------------------------------------------------------------------


def _joined(parts: Sequence[tuple[Sheet, pa.Table]], sources: Sequence[str]) -> pa.Table:
    """The rows of several tables, which say where they come from; columns that are of several types become text."""
    tables = []
    for sheet, table in parts:
        source = pa.array(np.full(table.num_rows, sources.index(sheet.raw.source), np.int32))
        tables.append(_with_rows(table).append_column(SOURCE, source))
    types: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for one in table.schema:
            if one.type != pa.null():
                types.setdefault(one.name, set()).add(one.type)
    mixed = {name for name, found in types.items() if len(found) > 1}
    for number, table in enumerate(tables):
        for name in mixed & set(table.column_names):
            tables[number] = table = table.set_column(
                table.column_names.index(name), name, _texts(table[name])
            )
    return pa.concat_tables(tables, promote_options="default")


def _with_rows(table: pa.Table) -> pa.Table:
    """The table with the numbers of its rows."""
    if ROW in table.column_names:
        return table
    return table.append_column(ROW, pa.array(np.arange(1, table.num_rows + 1, dtype=np.int64)))


def _facts_only(table: pa.Table) -> pa.Table:
    names = [n for n in table.column_names if not n.startswith("_") or n in (ROW, SOURCE)]
    return (
        table.select(names) if names else _with_rows(table).select([ROW])
    )  # or it would forget how long it is


def _texts(column: Any) -> pa.Array:
    """A column as text."""
    array = one_piece(column) if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_string(array.type):
        return pc.utf8_trim_whitespace(array)
    return pa.array([cell_text(one) if one is not None else None for one in array.to_pylist()], pa.string())


def _within(home: pa.Array, name: pa.Array) -> pa.Array:
    """Names within households: unknown where either is."""
    return pc.binary_join_element_wise(home.cast(pa.string()), name, "\x1f")


def _lookup(wanted: pa.Array, known: pa.Array) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where each wanted name stands among the known ones, and how often."""
    index = pc.index_in(wanted, value_set=known, skip_nulls=True)
    found = pc.value_counts(known.drop_null())
    which = pc.index_in(wanted, value_set=found.field(0), skip_nulls=True)
    times = pc.fill_null(found.field(1).take(which), 0)
    return pc.fill_null(index, -1).to_numpy().astype(np.int64), times.to_numpy()


def _rising(keys: pa.Array) -> bool:
    """Whether each number is greater than the one before."""
    if keys.null_count:
        return False
    if pa.types.is_integer(keys.type):
        numbers = keys.to_numpy()
        return bool((numbers[1:] > numbers[:-1]).all())
    return len(keys) < 2 or bool(pc.all(pc.less(keys.slice(0, len(keys) - 1), keys.slice(1))).as_py())


def _where(truths: pa.Array) -> list[int]:
    """Where something holds."""
    return np.flatnonzero(pc.fill_null(truths, False).to_numpy(zero_copy_only=False)).tolist()


def _firsts(keys: pa.Array) -> NDArray[Any]:
    """Where each number appears first, in the order of appearance."""
    codes = pc.fill_null(keys.dictionary_encode().indices, -1).to_numpy()
    found, first = np.unique(codes, return_index=True)
    return np.sort(first[found >= 0])


def _places(wanted: pa.Array, keys: pa.Array) -> NDArray[Any]:
    """Where each number stands first among the keys; −1 for one that does not."""
    if pa.types.is_integer(keys.type) and not wanted.null_count and _rising(keys) and len(keys):
        numbers, asked = keys.to_numpy(), wanted.to_numpy()
        low, high = int(numbers[0]), int(numbers[-1])
        if high - low < 8 * len(numbers):  # dense enough for a table of all numbers between
            table = np.full(high - low + 2, -1, np.int64)
            table[numbers - low] = np.arange(len(numbers))
            return np.asarray(table[np.where((asked >= low) & (asked <= high), asked - low, -1)])
    found = pc.fill_null(pc.index_in(wanted, value_set=keys, skip_nulls=True), -1)
    return np.asarray(found.to_numpy()).astype(np.int64)


def _inverse(order: NDArray[Any], count: int) -> NDArray[Any]:
    """Where each of so many rows went; −1 for those left out."""
    found = np.full(count, -1, np.int64)
    found[order] = np.arange(len(order))
    return found


def _by_owner(owners: NDArray[Any], count: int) -> tuple[NDArray[Any] | None, NDArray[Any]]:
    """Rows in the order of their owners (`None`: they lie so), and where those of each owner begin."""
    kept = owners >= 0
    if kept.all() and (owners[1:] >= owners[:-1]).all():
        order, sorted_ = None, owners
    else:
        rows = np.flatnonzero(kept)
        order = rows[order_of(owners[rows])]
        sorted_ = owners[order]
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(sorted_, minlength=count), out=starts[1:])
    return order, starts
