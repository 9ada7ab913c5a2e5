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
    """

    frame: Frame
    starts: Array
    complete: Mask | None = None

    def take(self, rows: Array) -> Listed:
        counts = self.starts[rows + 1] - self.starts[rows]
        starts = starts_of(counts)
        inner = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], counts)
        complete = None if self.complete is None else self.complete[rows]
        return Listed(self.frame.take(inner), starts, complete)


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

    def take(self, rows: Array) -> Frame:
        """Some of the records, with all that lies in them."""
        facts = {name: column.take(rows) for name, column in self.facts.items()}
        lists = {name: listed.take(rows) for name, listed in self.lists.items()}
        upper = None if self.upper is None else self.upper.take(rows)
        return Frame(self.entity, len(rows), facts, lists, upper)


@dataclass(frozen=True, slots=True)
class Answers:
    """What one measure comes to for the records at one place: `path` are the lists that lead there from the root.

    `outcomes` has bit i where the outcome `ir.OUTCOME.options[i]` is possible; `clauses` has bit i where `names[i]`
    decides, `over` likewise the `over_names` that prevail over a grant. `paid` says where there is an amount, from `low` to `high`
    fen by month or once, 无 too where `none` says so (`None`: nowhere). An amount without bounds ends at `NO_BOUND`.
    """

    measure: str
    entity: str
    path: tuple[str, ...]
    names: tuple[str, ...]
    outcomes: NDArray[np.uint8]
    clauses: NDArray[np.uint64]
    over_names: tuple[str, ...]
    over: NDArray[np.uint64]
    paid: Mask
    low: NDArray[np.int64]
    high: NDArray[np.int64]
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


def starts_of(counts: Array) -> NDArray[np.int64]:
    """Where each of some runs of these lengths begins, and where the last one ends."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


# ---- from records that were read ------------------------------------------------------------------------------------


def frames_of(program: ir.Program, cases: Sequence[Case]) -> tuple[Frame, Mask]:
    """The block of some households that were read, and which of them it does not hold whole.

    It does not hold a reference to a record that is described elsewhere in the household.
    """
    handed = np.zeros(len(cases), np.bool_)
    roots = [case.root for case in cases]
    seen: set[int] = set()
    entity = roots[0].entity if roots else program.described[-1]
    frame = _frame(program, entity, roots, np.arange(len(cases)), handed, seen)
    return frame, handed


def _frame(
    program: ir.Program,
    entity: str,
    records: Sequence[Instance],
    case: Array,
    handed: Mask,
    seen: set[int],
    outside: bool = True,
) -> Frame:
    """Some records; `case` says which household each is of, `outside` that they are no members here."""
    decl = program.entities[entity]
    seen.update(map(id, records))
    facts = {
        name: _column(program, fact, [record.facts.get(name) for record in records])
        for name, fact in decl.facts.items()
        if any(name in record.facts for record in records)
    }
    lists = {}
    for name, listed in decl.lists.items():
        given = [_listing(record, listed) for record in records]
        if all(one is None for one in given):
            continue
        items = [one.items if one is not None else () for one in given]
        counts = np.array([len(of) for of in items], np.int64)
        inner = [item for of in items for item in of]
        inner_case = np.repeat(case, counts)
        for number, item in enumerate(inner):
            if id(item) in seen or not _described_here(item, name):
                handed[inner_case[number]] = True
        complete = np.array([one is not None and one.complete for one in given], np.bool_)
        frame = _frame(program, listed.item, inner, inner_case, handed, seen, listed.kind != "members")
        lists[name] = Listed(frame, starts_of(counts), None if complete.all() else complete)
    upper = None
    if outside and decl.upper is not None and any(record.upper is not None for record in records):
        above = [record.upper or Instance(decl.upper, f"{record.path}.{decl.upper}") for record in records]
        for number, record in enumerate(above):
            if id(record) in seen:
                handed[case[number]] = True
        upper = _frame(program, decl.upper, above, case, handed, seen)
    return Frame(entity, len(records), facts, lists, upper)


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
