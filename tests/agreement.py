"""Engines compared on drawn programs and drawn registers, cell by cell: `python tests/agreement.py 1000000`.

Each seed draws a program and a register of households, a third of them complete, a third with 5 % and a third with 30 %
of their facts withheld. What is compared of each measure for each record: the outcomes that are possible, the amount
from least to greatest, the clauses that decide, those that prevail, and what is missing where both engines tell it. A
household that an engine hands over is counted, and compared with nothing.

A disagreement is shrunk: facts, records, clauses and conditions are dropped as long as it stays. It is printed with its
seed, its rules and its household, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, islice, pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
import registers
from numpy.typing import NDArray
from registers import ON

from policykit import ir
from policykit.diagnostics import PolicyError
from policykit.engine import interpreter
from policykit.engine.columnar.frames import NO_BOUND, Answers, Frame, frames_of
from policykit.engine.compiled import Row, compiled
from policykit.loader import load_text
from policykit.ops import OPS
from policykit.records import read_case
from policykit.trace import Decision
from policykit.values import Bounds

HOUSEHOLDS = 500  # of each program
INTERPRETED = 25  # of these, by the reference as well
WITHHELD = (0.0, 0.05, 0.3)

Array = NDArray[Any]
T = TypeVar("T")
OUTCOMES = tuple(option.name.id for option in ir.OUTCOME.options)


class Cell(NamedTuple):
    """What a measure comes to for one record; outcomes and clauses as sets of bits, in the order they are declared in.

    `missing` is `None` where an engine does not tell it.
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


#: what is compared of a cell
COMPARED = ("outcomes", "paid", "low", "high", "none", "clauses", "over")
#: what an engine says of a household: its cells, or `None` where another has to answer
Cells = Sequence[Cell] | None


# ---- engines --------------------------------------------------------------------------------------------------------


class Names:
    """Names as sets of bits, in the order that a program declares them in."""

    def __init__(self, program: ir.Program) -> None:
        self.bit = {name: 1 << number for number, name in enumerate(program.clauses)}
        self.known: dict[Iterable[str], int] = {}

    def bits(self, names: tuple[str, ...]) -> int:
        found = self.known.get(names)
        if found is None:
            found = self.known[names] = sum(self.bit[name] for name in set(names))
        return found


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
        names.bits(decision.clauses), names.bits(decision.superseded_by), missing,
    )  # fmt: skip


def of_row(names: Names, row: Row) -> Cell:
    """What the compiled engine says."""
    pay = row.pay
    return Cell(
        row.measure, row.path, OUTCOME_BITS[row.outcome], pay is not None, bounded(pay.low) if pay else 0,
        bounded(pay.high) if pay else 0, False, names.bits(row.clauses), names.bits(row.over),
        frozenset() if row.outcome != "discretionary" else None,
    )  # fmt: skip


def by_interpreter(program: ir.Program) -> Callable[[dict[str, Any]], Cells]:
    names = Names(program)

    def ask(household: dict[str, Any]) -> Cells:
        trace = interpreter.evaluate(program, read_case(program, household, ON), ON, exact=False)
        return [of_decision(names, decision) for decision in trace.decisions]

    return ask


def by_compiled(program: ir.Program) -> Callable[[dict[str, Any]], Cells]:
    names, engine = Names(program), compiled(program, ON)

    def ask(household: dict[str, Any]) -> Cells:
        found = engine.decide(household)
        return None if found is None else [of_row(names, row) for row in found.rows]

    return ask


# ---- answers side by side -------------------------------------------------------------------------------------------


class Places:
    """Where each record that is decided about stands: its list path and its row there, in the order of the reference."""

    def __init__(self, program: ir.Program, frame: Frame) -> None:
        self.program = program
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
    missing: Array | None


Table = dict[tuple[str, tuple[str, ...]], Columns]


def tabulated(program: ir.Program, places: Places, found: Sequence[Cells]) -> Table:
    """The answers of an engine that takes one household at a time, as columns."""
    table: Table = {}
    for measure in program.measures.values():
        for path in places.asked(measure):
            count = places.frames[path].count
            values = {name: np.zeros(count, np.int64) for name in COMPARED}
            table[measure.name.id, path] = Columns(
                np.zeros(count, bool), values, np.full(count, None, object)
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
        columns = table[name, places.paths[level]]
        columns.there[rows] = True
        for at, what in enumerate(Cell._fields):
            if what in COMPARED:
                columns.values[what][rows] = [cell[at] for cell in kept]
        if columns.missing is not None:
            columns.missing[rows] = [cell.missing for cell in kept]
    return table


def of_answers(program: ir.Program, places: Places, answers: Iterable[Answers], handed: Array) -> Table:
    """The answers of the columnar engine, by the same columns."""
    table: Table = {}
    order = {name: number for number, name in enumerate(program.clauses)}

    def bits(found: Answers, of: Array) -> Array:
        whole = np.zeros(len(of), np.int64)
        for number, name in enumerate(found.names):
            whole |= ((of >> np.uint64(number)) & np.uint64(1)).astype(np.int64) << order[name]
        return whole

    for found in answers:
        paid = found.paid.astype(bool)
        values = {
            "outcomes": found.outcomes.astype(np.int64), "paid": paid.astype(np.int64),
            "low": np.where(paid, found.low, 0), "high": np.where(paid, found.high, 0),
            "none": np.zeros(len(paid), np.int64) if found.none is None else (found.none & paid).astype(np.int64),
            "clauses": bits(found, found.clauses), "over": bits(found, found.over),
        }  # fmt: skip
        table[found.measure, found.path] = Columns(~handed[places.homes[found.path]], values, None)
    return table


def differing(places: Places, one: Table, other: Table, counts: Counter[str]) -> dict[int, list[str]]:
    """What differs between two engines, by household."""
    found: dict[int, list[str]] = {}
    assert one.keys() == other.keys(), (list(one), list(other))
    for key, mine in one.items():
        theirs = other[key]
        both = mine.there & theirs.there
        counts["cells"] += int(both.sum())
        for name in COMPARED:
            rows = np.flatnonzero(both & (mine.values[name] != theirs.values[name]))
            for row in rows.tolist():
                home = int(places.homes[key[1]][row])
                found.setdefault(home, []).append(
                    f"{key[0]} of {'.'.join(key[1]) or 'the root'} row {row}: {name} "
                    f"{mine.values[name][row]} and {theirs.values[name][row]}"
                )
        if mine.missing is not None and theirs.missing is not None:
            for row in np.flatnonzero(both & (mine.missing != theirs.missing)).tolist():
                if mine.missing[row] is not None and theirs.missing[row] is not None:
                    home = int(places.homes[key[1]][row])
                    found.setdefault(home, []).append(
                        f"{key[0]} of {'.'.join(key[1]) or 'the root'} row {row}: missing "
                        f"{sorted(mine.missing[row])} and {sorted(theirs.missing[row])}"
                    )
    return found


# ---- one seed -------------------------------------------------------------------------------------------------------


@dataclass
class Difference:
    """A household on which two engines differ."""

    seed: int
    number: int
    engines: tuple[str, str]
    text: str
    household: dict[str, Any]
    what: list[str]


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
    tables, places = answers(program, frame, mappings, interpreted, counts)
    for one, other in combinations(tables, 2):
        pair: Counter[str] = Counter()
        differences = differing(places, tables[one], tables[other], pair)
        counts[f"{one} and {other}: cells"] += pair["cells"]
        for number, what in sorted(differences.items())[:1]:
            household = mappings[number]
            found.differences.append(Difference(seed, number, (one, other), text, household, what))
        counts[f"{one} and {other}: differing"] += len(differences)
    return found


def answers(
    program: ir.Program,
    frame: Frame,
    mappings: Sequence[dict[str, Any]],
    interpreted: int,
    counts: Counter[str],
) -> tuple[dict[str, Table], Places]:
    """What each engine says of a register."""
    places = Places(program, frame)
    by_reference, by_code = by_interpreter(program), by_compiled(program)
    asked = set(range(0, len(mappings), max(1, len(mappings) // interpreted)) if interpreted else ())
    cells = {
        "compiled": list(map(by_code, mappings)),
        "interpreter": [by_reference(one) if n in asked else None for n, one in enumerate(mappings)],
    }
    tables = {name: tabulated(program, places, found) for name, found in cells.items()}
    for name, found in cells.items():
        taken = sum(one is not None for one in found)
        counts[f"{name}: households"] += taken
        if name != "interpreter":
            counts[f"{name}: handed over"] += len(found) - taken
    for columns in tables["compiled"].values():
        tally(columns, counts)
    return tables, places


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


def differ(text: str, household: Mapping[str, Any], engines: tuple[str, str]) -> list[str]:
    """What two engines differ in on one household; nothing where the rules do not load or it cannot be read."""
    try:
        program = load_text(text).program
        case = read_case(program, household, ON)
    except PolicyError:
        return []
    frame, _ = frames_of(program, [case])
    tables, places = answers(program, frame, [dict(household)], 1, Counter())
    one, other = engines
    return differing(places, tables[one], tables[other], Counter()).get(0, [])


def shrunk(difference: Difference, seconds: float = 60.0) -> Difference:
    """The same difference with as little of rules and household as keeps it."""
    until = time.monotonic() + seconds
    text, household = difference.text, difference.household

    def stays(text: str, household: dict[str, Any]) -> bool:
        return bool(differ(text, household, difference.engines))

    def less(thing: T, smaller: Callable[[T], Iterator[T]], stays: Callable[[T], bool]) -> T:
        """Whatever can go is left out, from the first to the last."""
        at = 0
        while time.monotonic() < until and (one := next(islice(smaller(thing), at, None), None)) is not None:
            if stays(one):
                thing = one
            else:
                at += 1
        return thing

    before = None
    while before != (text, household) and stays(text, household):
        before = text, household
        household = less(household, smaller_households, partial(stays, text))
        text = less(text, shorter_texts, lambda one, kept=household: stays(one, kept))
    what = differ(text, household, difference.engines) or difference.what
    return Difference(difference.seed, difference.number, difference.engines, text, household, what)


def smaller_households(household: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The household with one thing less, larger things first."""

    def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            yield (*path, key)
        for key in keys:
            yield from places(value[key], (*path, key))

    for path in places(household, ()):
        smaller = deepcopy(household)
        inside: Any = smaller
        for key in path[:-1]:
            inside = inside[key]
        del inside[path[-1]]
        yield smaller


def shorter_texts(text: str) -> Iterator[str]:
    """The rules with one declaration, one field, or one part of an expression less."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line and not line[0].isspace()] + [len(lines)]
    for first, last in reversed(list(pairwise(starts))):
        yield "\n".join(lines[:first] + lines[last:]) + "\n"
    for number, line in reversed(list(enumerate(lines))):
        if line[:1].isspace():
            yield "\n".join(lines[:number] + lines[number + 1 :]) + "\n"
    for number, line in reversed(list(enumerate(lines))):
        for other in shorter_lines(line):
            yield "\n".join([*lines[:number], other, *lines[number + 1 :]]) + "\n"


def shorter_lines(line: str) -> Iterator[str]:
    """A line with one pair of parentheses replaced by something inside it, or by a plain value."""
    open_: list[int] = []
    for at, mark in enumerate(line):
        if mark == "(":
            open_.append(at)
        elif mark == ")" and open_:
            first = open_.pop()
            inner = line[first + 1 : at]
            parts = [part for part in re.split(" (?:并且|或者|[-+×÷]) |, ", inner) if part != inner]
            parts += re.findall(r"\([^()]*\)", inner)
            for part in ("是", "否", "1 分/月", "0 分/月", *parts):
                if len(part) < at + 1 - first and part.count("(") == part.count(")"):
                    yield line[:first] + part + line[at + 1 :]


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
            counts += found.counts
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
