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
import json
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import registers
import shrinking
from answers import ENGINES, OUTCOMES, Asked, Cells, Columns, Places, Table, by_columnar, differing, tabulated
from registers import ON

from policykit import ir
from policykit.diagnostics import PolicyError
from policykit.engine.columnar import Columnar, Refused, frames_of
from policykit.engine.columnar.frames import Frame
from policykit.loader import load_text
from policykit.ops import OPS
from policykit.records import read_case

HOUSEHOLDS = 500  # of each program
INTERPRETED = 25  # of these, by the reference as well
RULED = 5  # of these, once more with rulings and elections
EXACT = 2  # of these, at the exact level too, where little is withheld
WITHHELD = (0.0, 0.0, 0.05, 0.05, 0.3)

#: who must say the same: an engine and its level, bounds where none is named
PAIRS = (
    ("compiled", "columnar"), ("columnar", "interpreter"), ("compiled", "interpreter"), ("compiled exact", "interpreter exact"), ("compiled ruled", "interpreter ruled"),
)  # fmt: skip


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
    said = asked(program, frame, mappings, wanted, lambda number: (seed, number), counts)
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


def asked(
    program: ir.Program, frame: Frame, mappings: Sequence[dict[str, Any]], wanted: Mapping[str, Collection[int]],
    events: Callable[[int], tuple[int, ...]], counts: Counter[str],
) -> Said:  # fmt: skip
    """What each engine that is wanted says of some households of a register."""
    said = Said(Places(program, frame))
    engines = {name: make(program, said.places.names) for name, make in ENGINES.items()}
    counts["compiled: programs with the straight form"] += engines["compiled"].engine.straight is not None
    nothing: list[Cells] = [None] * len(mappings)
    for name, numbers in wanted.items():
        kind, _, level = name.partition(" ")
        said.tables[name] = tabulated(program, said.places, nothing)
        number = 0
        try:
            if kind == "columnar":
                said.tables[name] = by_columnar(Columnar(program, ON), said.places, frame)
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
    said = asked(program, frame, [dict(household)], wanted, lambda number: events, Counter())
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
    given = reads.parse_args()
    seeds = range(given.seed, given.seed + -(-given.households // given.each))
    print(f"seeds {seeds.start} to {seeds.stop - 1}, {given.each} households each")
    counts, differences = run(seeds, given.each, given.interpreted, given.workers)
    for name, count in sorted(counts.items()):
        print(f"{name:45} {count:12,}")
    idle = [key for key in OPS if f"op: {key}" not in counts]
    print("operations in no program:", "、".join(idle) or "none")
    for difference in differences[: given.shown]:
        print("\n" + report(shrunk(difference)))
    if len(differences) > given.shown:
        print(f"\n{len(differences)} in all, of seeds", *sorted({one.seed for one in differences}))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
