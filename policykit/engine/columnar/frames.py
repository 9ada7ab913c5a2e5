"""The form in which many households stand beside one another: a column for each fact, a cut for each list.

A block is the frame of its households. What is not known has no value: a mask says where, and a fact or a list that
is not there at all is unknown of every record. Whole numbers only: see `Column`. Whoever makes a frame has checked that
its values lie in the ranges that the rules declare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from policykit import ir
from policykit.datatypes import Type
from policykit.engine.columnar.tape import step
from policykit.facts import Case, Given, Instance, Listing
from policykit.values import Gap, Month

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Column:
    """One fact of every record of a frame.

    `values` are whole numbers: truth 0 or 1; a number times `scale` (money in fen); a date's proleptic ordinal
    (`date.toordinal`); a month as year × 12 + month − 1; of a choice the place of the label in its declaration; of
    several labels the sum of 2 to the power of these places. A text stands in an object array. `known` says where the
    value is known (`None`: everywhere), `none` where it is known to be 无 (`None`: nowhere); whatever stands in `values`
    there does not matter, but lies in range.
    """

    values: Array
    known: Mask | None = None
    none: Mask | None = None
    scale: int = 1

    def take(self, rows: Array) -> Column:
        known = None if self.known is None else self.known[rows]
        none = None if self.none is None else self.none[rows]
        return Column(self.values[rows], known, none, self.scale)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of every record of a frame: record i has the rows `starts[i]` to `starts[i + 1]` of `frame`.

    `complete` says which lists hold nothing else (`None`: all). A single reference to a record that is described where
    it is named is a list of one, of none where it is 无, and not complete where it is unknown.

    A row that names a record which is described elsewhere in the household knows nothing of its own: `elsewhere` gives,
    by the lists that lead there from the root, the row of that frame, below 0 for the others.
    """

    frame: Frame
    starts: Array
    complete: Mask | None = None
    elsewhere: Mapping[tuple[str, ...], Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """Some records of one entity, in the order of their owners.

    `upper` is there for records that are not members of what they lie in: one record of that for each of them.
    """

    entity: str
    count: int
    facts: Mapping[str, Column]
    lists: Mapping[str, Listed] = field(default_factory=dict)
    upper: Frame | None = None


def households(block: Frame, rows: Array) -> Frame:
    """Some of the households of a block, in their order, with all that lies in them."""
    kept: dict[tuple[str, ...], Array] = {}
    _keep(block, rows, (), kept)
    return _kept(block, rows, (), kept)


def _keep(frame: Frame, rows: Array, path: tuple[str, ...], kept: dict[tuple[str, ...], Array]) -> None:
    """Which rows of every frame lie in some rows of this one."""
    kept[path] = rows
    for name, listed in frame.lists.items():
        _keep(listed.frame, ranges(listed.starts, rows)[0], (*path, name), kept)


def _kept(frame: Frame, rows: Array, path: tuple[str, ...], kept: Mapping[tuple[str, ...], Array]) -> Frame:
    """Some rows of a frame, with what lies in them; places elsewhere are counted anew."""
    facts = {name: column.take(rows) for name, column in frame.facts.items()}
    lists = {}
    for name, listed in frame.lists.items():
        inner, starts = ranges(listed.starts, rows)
        complete = None if listed.complete is None else listed.complete[rows]
        elsewhere = {
            place: np.where(at[inner] < 0, -1, np.searchsorted(kept[place], at[inner]))
            for place, at in listed.elsewhere.items()
        }
        lists[name] = Listed(_kept(listed.frame, inner, (*path, name), kept), starts, complete, elsewhere)
    upper = None if frame.upper is None else _kept(frame.upper, rows, (*path, frame.upper.entity), kept)
    return Frame(frame.entity, len(rows), facts, lists, upper)


def ranges(starts: Array, rows: Array) -> tuple[Array, Array]:
    """The elements of the runs of some rows, one behind another, and the new cuts."""
    first = starts[rows]
    counts = starts[rows + 1] - first
    cuts = starts_of(counts)
    return np.arange(cuts[-1]) + np.repeat(first - cuts[:-1], counts), cuts


@dataclass(frozen=True, slots=True)
class Answers:
    """What one measure comes to for the records at one place: `path` are the lists that lead there from the root.

    `outcomes` has bit i where the outcome `ir.OUTCOME.options[i]` is possible; `clauses` has bit i where `names[i]`
    decides, `over` likewise the `over_names` that prevail over a grant. `paid` says where there is an amount, from `low` to `high`
    fen by month, or where `once` says so once (`None`: nowhere); 无 too where `none` says so. An amount without bounds ends at `NO_BOUND`.
    """

    measure: str
    entity: str
    path: tuple[str, ...]
    names: tuple[str, ...]
    outcomes: NDArray[np.uint8]
    clauses: Array
    over_names: tuple[str, ...]
    over: Array
    paid: Mask
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    once: Mask | None = None
    none: Mask | None = None
    waits: Waits | None = None

    @property
    def open(self) -> Mask:
        """Where more than one outcome is possible, or more than one amount."""
        several: Mask = (self.outcomes & (self.outcomes - np.uint8(1))) != 0
        wide: Mask = self.paid & (self.low != self.high)
        return several | wide


NO_BOUND = 2**62


class Gaps(Protocol):
    """What is missing, by number."""

    def gap(self, number: int) -> Gap: ...

    def told(self, numbers: NDArray[np.int64]) -> tuple[list[Gap], NDArray[np.int64]]:
        """The gaps of some numbers in order, and which of them each number is."""
        ...


@dataclass(frozen=True, slots=True)
class Waits:
    """What answers wait for: the record in row `rows[i]` for the gap of number `numbers[i]`, in order of rows."""

    rows: NDArray[np.int64]
    numbers: NDArray[np.int64]
    gaps: Gaps

    def of(self, row: int) -> tuple[Gap, ...]:
        """What the answer for one record waits for."""
        first, last = np.searchsorted(self.rows, [row, row + 1])
        return tuple(sorted(self.gaps.gap(int(number)) for number in self.numbers[first:last]))


@step
def starts_of(counts: Array) -> NDArray[np.int64]:
    """Where each of some runs of these lengths begins, and where the last one ends."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


# ---- from records that were read ------------------------------------------------------------------------------------


def frames_of(program: ir.Program, cases: Sequence[Case]) -> tuple[Frame, Mask]:
    """The block of some households that were read, and which of them it does not hold whole."""
    handed = np.zeros(len(cases), np.bool_)
    roots = [case.root for case in cases]
    entity = roots[0].entity if roots else program.described[-1]
    making = _Making(program, handed, {}, [])
    frame = making.frame(entity, roots, np.arange(len(cases)), (), True)
    making.refer()
    return frame, handed


@dataclass(frozen=True, slots=True)
class _Making:
    """A block in the making: where each record stands, and which rows name one that may stand further on."""

    program: ir.Program
    handed: Mask
    places: dict[int, tuple[tuple[str, ...] | None, int]]
    later: list[tuple[dict[tuple[str, ...], Array], int, int, Instance, int]]

    def frame(
        self,
        entity: str,
        records: Sequence[Instance],
        case: Array,
        path: tuple[str, ...] | None,
        outside: bool,
    ) -> Frame:
        """Some records; `case` says which household each is of, `outside` that they are no members here. Nobody refers
        to what has no path."""
        decl = self.program.entities[entity]
        for row, record in enumerate(records):
            self.places.setdefault(id(record), (path, row))
        facts = {
            name: _column(self.program, fact, [record.facts.get(name) for record in records])
            for name, fact in decl.facts.items()
            if any(name in record.facts for record in records)
        }
        lists = {}
        for name, listed in decl.lists.items():
            given = [_listing(record, listed) for record in records]
            if any(one is not None for one in given):
                inner = None if path is None else (*path, name)
                lists[name] = self.listed(listed, given, case, inner)
        upper = None
        if outside and decl.upper is not None and any(record.upper is not None for record in records):
            above = [record.upper or Instance(decl.upper, "") for record in records]
            upper = self.frame(decl.upper, above, case, None, True)
        return Frame(entity, len(records), facts, lists, upper)

    def listed(
        self, decl: ir.ListDecl, given: Sequence[Listing | None], case: Array, path: tuple[str, ...] | None
    ) -> Listed:
        """A list of some records."""
        items = [item for one in given if one is not None for item in one.items]
        counts = np.array([0 if one is None else len(one.items) for one in given], np.int64)
        cases = np.repeat(case, counts)
        elsewhere: dict[tuple[str, ...], Array] = {}
        here = []
        for row, item in enumerate(items):
            named = decl.kind == "refers" and not _described_here(item, decl.name.id)
            if named:
                self.later.append((elsewhere, row, len(items), item, int(cases[row])))
            here.append(Instance(decl.item, "") if named else item)
        complete = np.array([one is not None and one.complete for one in given], np.bool_)
        frame = self.frame(decl.item, here, cases, path, decl.kind != "members")
        return Listed(frame, starts_of(counts), None if complete.all() else complete, elsewhere)

    def refer(self) -> None:
        """Ties rows to the records that they name; a household with a record that is nowhere else is not held."""
        for elsewhere, row, count, item, case in self.later:
            path, place = self.places.get(id(item), (None, 0))
            if path is None:
                self.handed[case] = True
            else:
                elsewhere.setdefault(path, np.full(count, -1, np.int64))[row] = place


def _listing(record: Instance, decl: ir.ListDecl) -> Listing | None:
    """A list as given; a single reference as a list of one."""
    if not decl.single:
        return record.lists.get(decl.name.id)
    given = record.facts.get(decl.name.id)
    if given is None or given.value is None:
        return None
    one = given.value.value
    return Listing(() if one is None else (one,), True)


def _described_here(item: Instance, name: str) -> bool:
    """Whether a record was described where this list names it, and not elsewhere in the household."""
    return item.path.rpartition(".")[2].partition("[")[0] == name


def _column(program: ir.Program, decl: ir.FactDecl, given: Sequence[Given | None]) -> Column:
    """One fact of some records."""
    known = np.array([one is not None and one.value is not None for one in given], np.bool_)
    values = [one.value.value if one is not None and one.value is not None else None for one in given]
    none = np.array([there and value is None for there, value in zip(known, values, strict=True)], np.bool_)
    masks = None if known.all() else known, none if none.any() else None
    if decl.type.kind == "text":
        texts = np.empty(len(given), object)
        texts[:] = values
        return Column(texts, *masks)
    scale = lcm(*(v.denominator for v in values if isinstance(v, Fraction))) if values else 1
    labels = _labels(program, decl.type)
    plain = [_plain(value, scale, labels) if value is not None else 0 for value in values]
    if decl.type.kind == "bool":
        return Column(np.array(plain, np.bool_), *masks)
    return Column(np.array(plain, np.int64), *masks, scale)


def _labels(program: ir.Program, of: Type) -> Mapping[str, int]:
    """The place of each label in its declaration."""
    if of.kind not in ("choice", "multi"):
        return {}
    return {option.name.id: place for place, option in enumerate(program.choices[of.of].options)}


def _plain(value: Any, scale: int, labels: Mapping[str, int]) -> int:
    """A plain value as a whole number."""
    match value:
        case date():
            return value.toordinal()
        case Month(year=year, month=month):
            return year * 12 + month - 1
        case frozenset():
            return sum(1 << labels[label] for label in value)
        case str():
            return labels[value]
    return int(value * scale)
