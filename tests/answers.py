"""What engines say of households, in one form: cells of measures by records, side by side as columns."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import registers
import strategies
from numpy.typing import NDArray

from policykit import ir
from policykit.engine import interpreter
from policykit.engine.columnar import Columnar
from policykit.engine.columnar.frames import NO_BOUND, Frame, Waits
from policykit.engine.compiled import Row, compiled
from policykit.facts import Case, Election, Ruling
from policykit.records import read_case
from policykit.trace import Decision
from policykit.values import Bounds

Array = NDArray[Any]
OUTCOMES = tuple(option.name.id for option in ir.OUTCOME.options)


class Cell(NamedTuple):
    """What a measure comes to for one record; outcomes as a set of bits, clauses as `Names` has them.

    `missing` and `alternatives` are `None` where an engine does not tell them.
    """

    measure: str
    path: str
    outcomes: int
    paid: bool
    low: int
    high: int
    none: bool
    clauses: int
    over: int
    missing: frozenset[tuple[str, str, str]] | None
    alternatives: frozenset[str] | None


#: what is compared of a cell: numbers; and sets, where both engines tell them
COMPARED = ("outcomes", "paid", "low", "high", "none", "clauses", "over")
SETS = ("missing", "alternatives")
#: what an engine says of a household: its cells, or `None` where another has to answer
Cells = Sequence[Cell] | None


# ---- engines --------------------------------------------------------------------------------------------------------


class Names:
    """Sets of clauses as one number each, which is the sum without carry of a number for each name."""

    def __init__(self, program: ir.Program) -> None:
        self.numbers = {
            name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:7]) for name in program.clauses
        }
        self.known: dict[tuple[str, ...], int] = {}
        self.shown: dict[int, list[str]] = {}

    def number(self, names: tuple[str, ...]) -> int:
        found = self.known.get(names)
        if found is None:
            found = 0
            for name in set(names):
                found ^= self.numbers[name]
            self.known[names] = found
            self.shown[found] = sorted(set(names))
        return found

    def column(self, names: Sequence[str], bits: Array) -> Array:
        """The same of sets of bits, bit i for the name i."""
        found = np.zeros(len(bits), np.int64)
        for number, name in enumerate(names):
            found ^= ((bits >> np.uint64(number)) & np.uint64(1)).astype(np.int64) * self.numbers[name]
        for one, row in zip(*np.unique(found, return_index=True), strict=True):
            inside = [name for number, name in enumerate(names) if int(bits[row]) >> number & 1]
            self.shown.setdefault(int(one), sorted(inside))
        return found

    def told(self, what: str, value: Any) -> str:
        """A value of a cell for people."""
        if what in ("clauses", "over"):
            return "、".join(self.shown[int(value)]) or "none"
        if what == "outcomes":
            return "、".join(name for name, bit in OUTCOME_BITS.items() if value & bit)
        return f"{sorted(value)}" if what in SETS else f"{value}"


OUTCOME_BITS = {name: 1 << number for number, name in enumerate(OUTCOMES)}


def bounded(amount: Any) -> int:
    return int(max(-NO_BOUND, min(NO_BOUND, amount)))


def of_decision(names: Names, decision: Decision) -> Cell:
    """What the reference says."""
    outcomes = sum(OUTCOME_BITS[one] for one in decision.outcomes)
    amount = decision.payment.amount if decision.payment is not None else None
    low, high, none = 0, 0, False
    if amount is not None:
        assert isinstance(amount, Bounds)
        low, high, none = bounded(amount.lo), bounded(amount.hi), amount.none
    missing = frozenset((gap.kind, gap.path, gap.name) for gap in decision.missing)
    return Cell(
        decision.measure, decision.subject.path, outcomes, amount is not None, low, high, none,
        names.number(decision.clauses), names.number(decision.superseded_by), missing, frozenset(decision.alternatives),
    )  # fmt: skip


def of_row(names: Names, row: Row | Decision) -> Cell:
    """What the compiled engine says."""
    if isinstance(row, Decision):
        return of_decision(names, row)
    pay = row.pay
    return Cell(
        row.measure, row.path, OUTCOME_BITS[row.outcome], pay is not None, bounded(pay.low) if pay else 0,
        bounded(pay.high) if pay else 0, False, names.number(row.clauses), names.number(row.over), frozenset(),
        frozenset(row.alternatives),
    )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """How a household is asked about: at which level, and with rulings and elections of this seed or with none."""

    exact: bool = False
    ruled: tuple[int, ...] = ()
    on: date = registers.ON

    def events(self, program: ir.Program, case: Case) -> tuple[tuple[Ruling, ...], tuple[Election, ...]]:
        if not self.ruled:
            return (), ()
        return strategies.events(registers.Draw(registers.generator(*self.ruled)), program, case)


class ByInterpreter:
    """The reference."""

    def __init__(self, program: ir.Program, names: Names) -> None:
        self.program, self.names = program, names

    def ask(self, household: dict[str, Any], asked: Asked) -> Cells:
        case = read_case(self.program, household, asked.on)
        trace = interpreter.evaluate(
            self.program, case, asked.on, *asked.events(self.program, case), exact=asked.exact
        )
        return [of_decision(self.names, decision) for decision in trace.decisions]


class ByCompiled:
    """The engine that writes Python for a program."""

    def __init__(self, program: ir.Program, names: Names) -> None:
        self.program, self.names, self.engine = program, names, compiled(program, registers.ON)

    def ask(self, household: dict[str, Any], asked: Asked) -> Cells:
        if not asked.ruled:
            found: Any = self.engine.decide(household, asked.exact)
        else:
            opened = self.engine.opened(household)
            if opened is not None:
                opened.rule(*asked.events(self.program, opened.case))
            found = None if opened is None else opened.decided(asked.exact)
        return None if found is None else [of_row(self.names, row) for row in found.rows]


ENGINES: dict[str, Callable[[ir.Program, Names], Any]] = {
    "compiled": ByCompiled,
    "interpreter": ByInterpreter,
}


# ---- answers side by side -------------------------------------------------------------------------------------------


class Places:
    """Where each record that is decided about stands: its list path and its row there, in the order of the reference.

    `names` turns clauses into numbers and back.
    """

    def __init__(self, program: ir.Program, frame: Frame) -> None:
        self.program, self.names = program, Names(program)
        self.frames = dict(registers.decided(program, frame))
        self.paths = list(self.frames)
        self.homes: dict[tuple[str, ...], Array] = {}
        self.subjects: list[list[tuple[int, int]]] = []
        for number in range(frame.count):
            self.subjects.append([])
            self.visit((), frame, number)
        for at, path in enumerate(self.paths):
            homes = np.zeros(self.frames[path].count, np.int64)
            for number, subjects in enumerate(self.subjects):
                homes[[row for level, row in subjects if level == at]] = number
            self.homes[path] = homes

    def visit(self, path: tuple[str, ...], frame: Frame, row: int) -> None:
        self.subjects[-1].append((self.paths.index(path), row))
        for name, listed in frame.lists.items():
            if self.program.entities[frame.entity].lists[name].kind == "members":
                for inner in range(listed.starts[row], listed.starts[row + 1]):
                    self.visit((*path, name), listed.frame, inner)

    def asked(self, measure: ir.Measure) -> list[tuple[str, ...]]:
        return [path for path in self.paths if self.frames[path].entity in measure.entities]


@dataclass
class Columns:
    """The answers on one measure for the records at one place; `there` says where there is one."""

    there: Array
    values: dict[str, Array]
    sets: dict[str, Array]

    def column(self, name: str) -> Array:
        return self.values[name] if name in self.values else self.sets[name]


Table = dict[tuple[str, tuple[str, ...]], Columns]


def tabulated(program: ir.Program, places: Places, found: Sequence[Cells]) -> Table:
    """The answers of an engine that takes one household at a time, as columns."""
    table: Table = {}
    for measure in program.measures.values():
        for path in places.asked(measure):
            count = places.frames[path].count
            values = {name: np.zeros(count, np.int64) for name in COMPARED}
            table[measure.name.id, path] = Columns(
                np.zeros(count, bool), values, {name: np.full(count, None, object) for name in SETS}
            )
    kinds = [places.frames[path].entity for path in places.paths]
    asked = [
        (name, [kind in measure.entities for kind in kinds]) for name, measure in program.measures.items()
    ]
    gathered: dict[tuple[str, int], tuple[list[int], list[Cell]]] = {
        (name, level): ([], []) for name, wanted in asked for level, is_asked in enumerate(wanted) if is_asked
    }
    for subjects, cells in zip(places.subjects, found, strict=True):
        if cells is None:
            continue
        each = iter(cells)
        for name, wanted in asked:
            for level, row in subjects:
                if wanted[level]:
                    rows, kept = gathered[name, level]
                    rows.append(row)
                    kept.append(next(each))
        assert next(each, None) is None
    for (name, level), (rows, kept) in gathered.items():
        columns, at_rows = table[name, places.paths[level]], np.array(rows, np.int64)
        columns.there[at_rows] = True
        for at, what in enumerate(Cell._fields):
            if what in COMPARED:
                columns.values[what][at_rows] = [cell[at] for cell in kept]
            elif what in SETS:
                objects = np.empty(len(kept), object)
                objects[:] = [cell[at] for cell in kept]
                columns.sets[what][at_rows] = objects
    return table


def by_columnar(engine: Columnar, places: Places, frame: Frame) -> Table:
    """The answers of the columnar engine, by the same columns."""
    found = engine.decide(frame, missing=True)
    table: Table = {}
    for one in found:
        paid = one.paid.astype(bool)
        values = {
            "outcomes": one.outcomes.astype(np.int64), "paid": paid.astype(np.int64),
            "low": np.where(paid, one.low, 0), "high": np.where(paid, one.high, 0),
            "none": np.zeros(len(paid), np.int64) if one.none is None else (one.none & paid).astype(np.int64),
            "clauses": places.names.column(one.names, one.clauses), "over": places.names.column(one.over_names, one.over),
        }  # fmt: skip
        sets = {} if one.waits is None else {"missing": waiting(one.waits, len(paid))}
        table[one.measure, one.path] = Columns(np.ones(len(paid), bool), values, sets)
    return table


def waiting(waits: Waits, count: int) -> Array:
    """What each record waits for, as sets."""
    found = np.full(count, None, object)
    gaps = {number: waits.gaps.gap(number) for number in np.unique(waits.numbers).tolist()}
    cuts = np.searchsorted(waits.rows, np.arange(count + 1)).tolist()
    numbers = waits.numbers.tolist()
    for row, (first, last) in enumerate(pairwise(cuts)):
        inside = (gaps[number] for number in numbers[first:last])
        found[row] = frozenset((gap.kind, gap.path, gap.name) for gap in inside)
    return found


def differing(places: Places, one: Table, other: Table, counts: Counter[str]) -> dict[int, list[str]]:
    """What differs between two engines, by household."""
    found: dict[int, list[str]] = {}
    for key in one.keys() ^ other.keys():  # a list that nobody described
        assert not (one.get(key) or other[key]).there.any()
    for key in sorted(one.keys() & other.keys()):
        mine, theirs = one[key], other[key]
        both = mine.there & theirs.there
        counts["cells"] += int(both.sum())
        for name in (*COMPARED, *(mine.sets.keys() & theirs.sets.keys())):
            ours, others = mine.column(name), theirs.column(name)
            told = both & (ours != others)
            if name in SETS:  # `None`: this one does not tell
                told &= (ours != np.array(None)) & (others != np.array(None))
            for row in np.flatnonzero(told).tolist():
                home, tell = int(places.homes[key[1]][row]), partial(places.names.told, name)
                where = ".".join((*key[1], f"row {row}"))
                what = f"{key[0]}, {where}: {name} {tell(ours[row])} against {tell(others[row])}"
                found.setdefault(home, []).append(what)
    return found
