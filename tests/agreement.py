"""Engines compared on drawn programs and drawn registers, cell by cell: `python tests/agreement.py 1000000`.

Each seed draws a program and a register of households: two in five complete, two with 5 % and one with 30 % of their
facts withheld. What is compared of each measure for each record: the outcomes that are possible, the amount
from least to greatest, the clauses that decide, those that prevail, and what is missing where both engines tell it. A
household that an engine hands over is counted, and compared with nothing.

A disagreement is shrunk: facts, records, clauses and conditions are dropped as long as it stays. It is printed with its
seed, its rules and its household, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import registers
import shrinking
import strategies
from numpy.typing import NDArray
from registers import ON

from policykit import ir
from policykit.diagnostics import PolicyError
from policykit.engine import interpreter
from policykit.engine.columnar.decide import decisions
from policykit.engine.columnar.frames import NO_BOUND, Frame, Waits, frames_of
from policykit.engine.columnar.terms import Refused
from policykit.engine.compiled import Row, compiled
from policykit.facts import Case, Election, Ruling
from policykit.loader import load_text
from policykit.ops import OPS
from policykit.records import read_case
from policykit.trace import Decision
from policykit.values import Bounds

HOUSEHOLDS = 500  # of each program
INTERPRETED = 25  # of these, by the reference as well
RULED = 5  # of these, once more with rulings and elections
EXACT = 2  # of these, at the exact level too, where little is withheld
WITHHELD = (0.0, 0.0, 0.05, 0.05, 0.3)

#: who must say the same: an engine and its level, bounds where none is named
PAIRS = (
    ("compiled", "columnar"), ("columnar", "interpreter"), ("compiled", "interpreter"), ("compiled exact", "interpreter exact"), ("compiled ruled", "interpreter ruled"),
)  # fmt: skip

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

    def events(self, program: ir.Program, case: Case) -> tuple[tuple[Ruling, ...], tuple[Election, ...]]:
        if not self.ruled:
            return (), ()
        return strategies.events(registers.Draw(registers.generator(*self.ruled)), program, case)


class ByInterpreter:
    """The reference."""

    def __init__(self, program: ir.Program, names: Names) -> None:
        self.program, self.names = program, names

    def ask(self, household: dict[str, Any], asked: Asked) -> Cells:
        case = read_case(self.program, household, ON)
        trace = interpreter.evaluate(
            self.program, case, ON, *asked.events(self.program, case), exact=asked.exact
        )
        return [of_decision(self.names, decision) for decision in trace.decisions]


class ByCompiled:
    """The engine that writes Python for a program."""

    def __init__(self, program: ir.Program, names: Names) -> None:
        self.program, self.names, self.engine = program, names, compiled(program, ON)

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


def by_columnar(program: ir.Program, places: Places, frame: Frame) -> Table:
    """The answers of the columnar engine, by the same columns."""
    found = decisions(program, frame, ON, missing=True)
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


# ---- one seed -------------------------------------------------------------------------------------------------------


@dataclass
class Difference:
    """A household on which two engines differ, or one breaks; `events` is the seed of its rulings and elections."""

    seed: int
    number: int
    engines: tuple[str, str]
    text: str
    household: dict[str, Any]
    what: list[str]

    @property
    def events(self) -> tuple[int, int]:
        return self.seed, self.number


@dataclass
class Found:
    """What one seed comes to."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


def compared(seed: int, households: int = HOUSEHOLDS, interpreted: int = INTERPRETED) -> Found:
    """One program and its register by every engine, and what differs."""
    found = Found(seed)
    source = registers.generator(seed)
    text, program, tries = registers.written(source)
    withheld = np.array(WITHHELD)[source.integers(0, len(WITHHELD), households)]
    frame = registers.Clerk(program, source).register(withheld)
    mappings = registers.households(program, frame)
    counts = found.counts
    counts.update(programs=1, households=households, redrawn=tries)
    counts.update(exercised(program))
    some = range(0, households, max(1, households // interpreted)) if interpreted else range(0)
    everybody = range(households)
    few = [number for number in some if withheld[number] < 0.1][:EXACT]
    wanted = {
        "compiled": everybody, "columnar": everybody, "interpreter": some, "compiled exact": few, "interpreter exact": few,
        "compiled ruled": some[:RULED], "interpreter ruled": some[:RULED],
    }  # fmt: skip
    said = answers(program, frame, mappings, wanted, lambda number: (seed, number), counts)
    for name, (number, what) in said.broken.items():
        counts[f"{name}: programs that break it"] += 1
        if name == "columnar":
            alone = (n for n in everybody if differ(text, mappings[n], (name, name)) == [what])
            number = next(alone, number)
        found.differences.append(Difference(seed, number, (name, name), text, mappings[number], [what]))
    for one, other in PAIRS:
        pair: Counter[str] = Counter()
        differences = differing(said.places, said.tables[one], said.tables[other], pair)
        counts[f"{one} and {other}: cells"] += pair["cells"]
        counts[f"{one} and {other}: households that differ"] += len(differences)
        for number, whats in sorted(differences.items())[:1]:
            found.differences.append(Difference(seed, number, (one, other), text, mappings[number], whats))
    for columns in said.tables["compiled"].values():
        tally(columns, counts)
    return found


@dataclass
class Said:
    """What engines say of a register; of one that breaks, on which household, and how."""

    places: Places
    tables: dict[str, Table] = field(default_factory=dict)
    broken: dict[str, tuple[int, str]] = field(default_factory=dict)


def answers(
    program: ir.Program, frame: Frame, mappings: Sequence[dict[str, Any]], wanted: Mapping[str, Collection[int]],
    events: Callable[[int], tuple[int, ...]], counts: Counter[str],
) -> Said:  # fmt: skip
    """What each engine that is wanted says of some households of a register."""
    said = Said(Places(program, frame))
    engines = {name: make(program, said.places.names) for name, make in ENGINES.items()}
    nothing: list[Cells] = [None] * len(mappings)
    for name, numbers in wanted.items():
        kind, _, level = name.partition(" ")
        said.tables[name] = tabulated(program, said.places, nothing)
        number = 0
        try:
            if kind == "columnar":
                said.tables[name] = by_columnar(program, said.places, frame)
                counts["columnar: households"] += len(numbers)
                continue
            found = list(nothing)
            for number in numbers:
                ruled = events(number) if level == "ruled" else ()
                found[number] = engines[kind].ask(mappings[number], Asked(level == "exact", ruled))
        except Refused:
            counts["columnar: handed over"] += len(numbers)
            continue
        except Exception as error:  # whatever it is, it is a find
            said.broken[name] = number, how(error)
            continue
        taken = sum(one is not None for one in found)
        counts[f"{name}: households"] += taken
        counts[f"{name}: handed over"] += len(numbers) - taken
        said.tables[name] = tabulated(program, said.places, found)
    return said


def how(error: Exception) -> str:
    """What went wrong and where, in a line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, {last.name}: {error}"


def tally(columns: Columns, counts: Counter[str]) -> None:
    """How many answers were decided, and how."""
    outcomes = columns.values["outcomes"][columns.there]
    for value, count in zip(*np.unique(outcomes, return_counts=True), strict=True):
        one = value & (value - 1) == 0
        counts[f"answer: {OUTCOMES[int(value).bit_length() - 1] if one else 'undetermined'}"] += int(count)


def exercised(program: ir.Program) -> Counter[str]:
    """What a program is written with, each thing once."""
    found: set[str] = set()
    for node in registers.nodes((program.clauses, program.defines, program.amounts, program.exclusives)):
        match node:
            case ir.Apply(op=op) | ir.Fold(op=op):
                found.add(f"op: {op}")
            case ir.Grant(may=may):
                found.add(f"effect: {'may grant' if may else 'grant'}")
            case ir.Withhold() | ir.Duty() | ir.Ban() | ir.Record():
                found.add(f"effect: {type(node).__name__.lower()}")
            case ir.Amount(form=form, parts=parts, start=start, months=months):
                found |= {f"amount: {form}", *(name for name, there in (
                    ("amount: parts", parts), ("amount: first month", start), ("amount: months", months)) if there)}  # fmt: skip
            case ir.Exclusive(how=how):
                found.add(f"exclusive: {how}")
            case ir.Verdict(kind=kind):
                found.add(f"verdict: {kind}")
            case ir.MonthRange() | ir.If() | ir.Up() | ir.Param():
                found.add(f"form: {type(node).__name__}")
    found |= {"form: " + name for name, there in (
        ("priority", any(program.blockers.values())), ("unset parameter", any(not p.settings for p in program.parameters.values())),
        ("village", len(program.entities) > 3),
        ("as of", any(c.as_of for versions in program.clauses.values() for c in versions)),
    ) if there}  # fmt: skip
    return Counter(found)


# ---- shrinking ------------------------------------------------------------------------------------------------------


def differ(
    text: str, household: Mapping[str, Any], engines: tuple[str, str], events: tuple[int, ...] = (0,)
) -> list[str]:
    """What two engines differ in on one household; nothing where the rules do not load or it cannot be read."""
    try:
        program = load_text(text).program
        frame, _ = frames_of(program, [read_case(program, household, ON)])
    except PolicyError:
        return []
    wanted = {name: [0] for name in engines}
    said = answers(program, frame, [dict(household)], wanted, lambda number: events, Counter())
    one, other = engines
    if one == other:
        return [said.broken[one][1]] if one in said.broken else []
    return differing(said.places, said.tables[one], said.tables[other], Counter()).get(0, [])


def shrunk(found: Difference, seconds: float = 60.0) -> Difference:
    """The same difference with as little of rules and household as keeps it."""

    def stays(text: str, household: dict[str, Any]) -> bool:
        what = differ(text, household, found.engines, found.events)
        return bool(what) and (found.engines[0] != found.engines[1] or what == found.what)

    text, household = shrinking.shrunk(found.text, found.household, stays, seconds)
    what = differ(text, household, found.engines, found.events) or found.what
    return replace(found, text=text, household=household, what=what)


# ---- the run --------------------------------------------------------------------------------------------------------


def report(difference: Difference) -> str:
    one, other = difference.engines
    return "\n".join(
        [
            f"seed {difference.seed}, household {difference.number}: {one} and {other} differ", *difference.what,
            difference.text, json.dumps(difference.household, ensure_ascii=False, indent=1, default=str),
        ]
    )  # fmt: skip


def run(
    seeds: Sequence[int], households: int, interpreted: int, workers: int
) -> tuple[Counter[str], list[Difference]]:
    """Every seed, on some processes; a line now and then says how far it is."""
    counts: Counter[str] = Counter()
    differences: list[Difference] = []
    began = time.monotonic()
    with multiprocessing.Pool(workers) as pool:
        tasks = ((seed, households, interpreted) for seed in seeds)
        for number, found in enumerate(pool.imap_unordered(_compared, tasks, chunksize=4), 1):
            counts.update(found.counts)
            differences += found.differences
            if number % 100 == 0 or number == len(seeds):
                seconds = time.monotonic() - began
                print(f"{number} of {len(seeds)} programs, {counts['households']:,} households, {seconds:.0f} s, "
                      f"{len(differences)} differences", file=sys.stderr)  # fmt: skip
    return counts, sorted(differences, key=lambda one: one.seed)


def _compared(task: tuple[int, int, int]) -> Found:
    return compared(*task)


def main() -> int:
    reads = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reads.add_argument("households", type=int, nargs="?", default=20_000)
    reads.add_argument(
        "--seed", type=int, default=0, help="the first seed; each following program has the next"
    )
    reads.add_argument("--each", type=int, default=HOUSEHOLDS, help="households of each program")
    reads.add_argument(
        "--interpreted", type=int, default=INTERPRETED, help="of these, by the interpreter too"
    )
    reads.add_argument("--workers", type=int, default=2)
    reads.add_argument("--shown", type=int, default=5, help="how many disagreements are shrunk and printed")
    asked = reads.parse_args()
    seeds = range(asked.seed, asked.seed + -(-asked.households // asked.each))
    print(f"seeds {seeds.start} to {seeds.stop - 1}, {asked.each} households each")
    counts, differences = run(seeds, asked.each, asked.interpreted, asked.workers)
    for name, count in sorted(counts.items()):
        print(f"{name:45} {count:12,}")
    idle = [key for key in OPS if f"op: {key}" not in counts]
    print("operations in no program:", "、".join(idle) or "none")
    for difference in differences[: asked.shown]:
        print("\n" + report(shrunk(difference)))
    if len(differences) > asked.shown:
        print(f"\n{len(differences)} in all, of seeds", *sorted({one.seed for one in differences}))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
