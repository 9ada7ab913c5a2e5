"""The fewest questions that decide a household, found by trying every order of asking: what `policykit.ask` is held to.

A household of a generated program has some facts withheld; its completions are every way to fill them in, all equally
likely. A way of asking is a tree; what counts is the mean over the completions of the number of questions asked until
no fact still unknown can change a decision. Only plain completions and their decisions are looked at here, none of
what the program knows about gaps.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, TypeAlias

import oracle
import strategies

from policykit import ir
from policykit.engine.outcomes import Outcomes
from policykit.facts import Case
from policykit.ir import Program
from policykit.values import Bounds, Gap

Cell: TypeAlias = tuple[str, str]  # (path of a record, fact)
Decided: TypeAlias = tuple[tuple[frozenset[str], Any], ...]
Rows: TypeAlias = list[tuple[tuple[Any, ...], Decided]]


@dataclass
class Withheld:
    """A household with facts withheld: every completion as the answers to the cells, with all its decisions."""

    program: Program
    case: Case
    cells: list[Cell]
    rows: Rows

    def filled(self, answers: dict[Cell, Any]) -> Case:
        """The household with these answers, as records of its own."""
        case = oracle.copied(self.case)
        for cell, plain in answers.items():
            fill(self.program, case, cell, plain)
        return case


def fill(program: Program, case: Case, cell: Cell, plain: Any) -> None:
    """The household with an answer in its place."""
    record = case.index[cell[0]]
    record.facts[cell[1]] = oracle.given(program.entities[record.entity].facts[cell[1]].type, plain)


def decisions(program: Program, case: Case) -> Decided:
    """What every measure comes to on a complete household."""
    level = Outcomes(program, case, strategies.ON, (), ())
    found = []
    for measure, declared in program.measures.items():
        for record in case.subjects:
            if record.entity in declared.entities:
                answer = level.decided(measure, record)
                paid = (
                    answer.outcomes == {"granted"}
                    and isinstance(answer.amount, Bounds)
                    and answer.amount.known
                )
                found.append(
                    (
                        answer.outcomes,
                        answer.amount.lo if paid and isinstance(answer.amount, Bounds) else None,
                    )
                )
    return tuple(found)


def withheld(draw: random.Random, most: int = 8, completions: int = 1000) -> Withheld:
    """A generated program with an undecided household, up to so many facts withheld that its rules read, and so many ways to fill
    them in."""
    while True:
        program = strategies.written(draw).program
        case = strategies.case_of(program, strategies.mapping(draw, 0.0))
        read = {(e.entity, e.name) for e in oracle.mentioned(program) if isinstance(e, ir.Fact)}
        cells = [
            (path, fact)
            for path, record in case.index.items()
            for fact in program.entities[record.entity].facts
            if (record.entity, fact) in read and oracle.plain(record.facts.get(fact))[0]
        ]
        draw.shuffle(cells)
        wanted, domains = draw.randint(1, most), dict[Cell, list[Any]]()
        for cell in cells:
            values = domain(program, case, cell)
            if len(domains) < wanted and prod(map(len, domains.values())) * len(values) <= completions:
                domains[cell] = values
        cells = list(domains)
        for path, fact in cells:
            del case.index[path].facts[fact]
        found = Withheld(program, case, cells, [])
        done = oracle.copied(case)
        for answers in product(*(domains[cell] for cell in cells)):
            for cell, plain in zip(cells, answers, strict=True):
                fill(program, done, cell, plain)
            if within_ranges(program, done):
                found.rows.append((answers, decisions(program, done)))
        open_ = any(len(outcomes) != 1 for _, decided in found.rows for outcomes, _ in decided)
        if not open_ and len({decided for _, decided in found.rows}) > 1:
            return found  # no unset parameter keeps it open, and something is to be decided


def domain(program: Program, case: Case, cell: Cell) -> list[Any]:
    """Every value of a fact, as if nothing else were known."""
    decl = program.entities[case.index[cell[0]].entity].facts[cell[1]]
    low, high = (
        3 if isinstance(end, ir.Fact) else end.value.value if isinstance(end, ir.Const) else None
        for end in (decl.low, decl.high)
    )
    return list(oracle.World(program, case, strategies.ON).possible(decl.type, low, high))


def within_ranges(program: Program, case: Case) -> bool:
    """Whether what is deducted lies within what is earned, the one range that looks at another fact."""
    households = [record for record in case.index.values() if record.entity == "household"]
    return all(
        record.known("deducted") is None or record.known("gross") is None or record.known("deducted") <= record.known("gross")
        for record in households
    )  # fmt: skip


# ---- the optimum --------------------------------------------------------------------------------------------------


def optimum(case: Withheld) -> Fraction:
    """The smallest mean number of questions, by trying every question at every point."""
    rows, cells = relevant(case)
    everything = (1 << len(rows)) - 1
    weights = [weight for _, _, weight in rows]
    having: list[dict[Any, int]] = [{} for _ in cells]
    deciding: dict[object, int] = {}
    for number, (answers, decided, _) in enumerate(rows):
        deciding[decided] = deciding.get(decided, 0) | 1 << number
        for at, answer in enumerate(answers):
            having[at][answer] = having[at].get(answer, 0) | 1 << number
    known: dict[int, Fraction] = {}

    def weight(state: int) -> int:
        return sum(weights[number] for number in bits(state))

    def cost(state: int) -> Fraction:
        """The questions still asked in a state, summed over its completions."""
        if state not in known:
            one = deciding[rows[next(bits(state))][1]]
            if not state & ~one:
                known[state] = Fraction(0)
            else:
                asks = ([state & h for h in values.values() if state & h] for values in having)
                known[state] = weight(state) + min(
                    sum((cost(part) for part in parts), Fraction(0)) for parts in asks if len(parts) > 1
                )
        return known[state]

    return cost(everything) / weight(everything)


def bits(state: int) -> Iterator[int]:
    while state:
        low = state & -state
        yield low.bit_length() - 1
        state ^= low


def relevant(case: Withheld) -> tuple[list[tuple[tuple[Any, ...], object, int]], list[int]]:
    """The completions without the cells that never make a difference, with how many each stands for."""
    cells = [at for at in range(len(case.cells)) if matters(case.rows, at)]
    found: dict[tuple[Any, ...], tuple[object, int]] = {}
    for answers, decided in case.rows:
        key = tuple(answers[at] for at in cells)
        found[key] = decided, found.get(key, (None, 0))[1] + 1
    return [(key, decided, count) for key, (decided, count) in found.items()], cells


def matters(rows: Rows, at: int) -> bool:
    """Whether changing one answer alone, in some completion, changes some decision."""
    seen: dict[tuple[Any, ...], object] = {}
    return any(
        seen.setdefault((*answers[:at], *answers[at + 1 :]), decided) != decided for answers, decided in rows
    )


# ---- a way of asking, measured ----------------------------------------------------------------------------------------


def asked(case: Withheld, ask: Callable[[Case], Gap | None], check: Callable[[bool, str], None]) -> Fraction:
    """The mean number of questions of a way of asking; `check` hears of a question in vain, or of an end too early."""

    def total(rows: Rows, answers: dict[Cell, Any]) -> int:
        gap = ask(case.filled(answers))
        if gap is None:
            check(len({decided for _, decided in rows}) == 1, f"undecided after {answers}")
            return 0
        cell = (gap.path, gap.name)
        at = case.cells.index(cell)
        check(cell not in answers and matters(rows, at), f"{cell} asked in vain after {answers}")
        parts: dict[Any, Rows] = {}
        for row in rows:
            parts.setdefault(row[0][at], []).append(row)
        return len(rows) + sum(total(part, {**answers, cell: answer}) for answer, part in parts.items())

    return Fraction(total(case.rows, {}), len(case.rows))
