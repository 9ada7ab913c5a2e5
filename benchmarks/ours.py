"""dibao-core by policykit: the columnar engine on blocks of households, and the door for registers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa

import policykit
from benchmarks.answers import CLAUSES, Answers, columns, room
from benchmarks.dibao_core import RULES
from benchmarks.register import Array, Register, gathered, mappings, truths
from benchmarks.w1 import DAY
from policykit import ir
from policykit.engine import interpreter
from policykit.engine.columnar import frames
from policykit.engine.columnar.decide import Columnar
from policykit.loader import Policies
from policykit.records import read_case
from policykit.trace import Decision
from policykit.values import Bounds

BLOCK = 32_768  # households
MONEY = ("monthly_income", "employment_cost", "previous_benefit")
GRANTED = 1 << [option.name.id for option in ir.OUTCOME.options].index("granted")


@cache
def policies() -> Policies:
    return policykit.load(RULES)


@cache
def engine() -> Columnar:
    return Columnar(policies().program, DAY)


class Facts:
    """The facts of a table, some rows at a time, as the engine takes them: truths as bytes, yuan as fen."""

    def __init__(self, table: pa.Table) -> None:
        self.columns: list[tuple[str, pa.Buffer | None, Any]] = []
        for name in table.column_names:
            if name in ("household", "person"):
                continue
            whole = table[name].chunk(0)
            validity, values = whole.buffers()
            if not pa.types.is_boolean(whole.type):
                values = np.frombuffer(values, dtype=whole.type.to_pandas_dtype())
            self.columns.append((name, validity, values))

    def some(self, first: int, last: int) -> dict[str, frames.Column]:
        found = {}
        for name, validity, values in self.columns:
            known = None if validity is None else truths(validity, first, last)
            if isinstance(values, pa.Buffer):
                plain = truths(values, first, last)
            elif name in MONEY:
                plain = values[first:last] * 100
            else:
                plain = values[first:last]
            found[name] = frames.Column(plain, known)
        return found


@dataclass(frozen=True, slots=True)
class Block:
    """Some households with their persons: which rows of the tables they are."""

    households: slice
    persons: slice
    frame: frames.Frame


def blocks(households: pa.Table, persons: pa.Table, starts: Array) -> Iterator[Callable[[], Block]]:
    """Blocks of a register in order, each made when it is asked for."""

    of_households, of_persons = Facts(households), Facts(persons)

    def block(first: int) -> Block:
        last = min(first + BLOCK, len(households))
        start, end = int(starts[first]), int(starts[last])
        members = frames.Frame("person", end - start, of_persons.some(start, end))
        listed = {"members": frames.Listed(members, starts[first : last + 1] - start)}
        root = frames.Frame("household", last - first, of_households.some(first, last), listed)
        return Block(slice(first, last), slice(start, end), root)

    return (partial(block, first) for first in range(0, len(households), BLOCK))


def by_engine(register: Register, threads: int = 1) -> Answers:
    """Blocks made from the Arrow buffers, what the engine says put into columns."""
    persons, starts, order = gathered(register)
    results = room(len(register.households), len(persons))

    def decided(block: Callable[[], Block]) -> None:
        made = block()
        for answers in engine().decide(made.frame):
            at, (money, codes) = PLACES[answers.measure, answers.path]
            rows = made.persons if at else made.households
            settled(answers, results[money][rows], results[codes][rows])

    each(decided, blocks(register.households, persons, starts), threads)
    if order is not None:
        for column in range(2, len(results)):
            back = np.empty_like(results[column])
            back[order] = results[column]
            results[column] = back
    return columns(register, results)


PLACES = {
    ("dibao", ()): (False, (0, 1)),
    ("dibao", ("members",)): (True, (2, 3)),
    ("tekun", ("members",)): (True, (4, 5)),
}


def settled(answers: frames.Answers, fen: Array, codes: Array) -> None:
    """What one measure comes to where nothing is missing: the amount that is granted, and the clause, 0 where none is."""
    granted = answers.outcomes == GRANTED
    np.multiply(answers.low, granted, out=fen)
    codes[:] = 0
    for place, name in enumerate(answers.names):
        codes += (answers.clauses >> place & 1).view(np.int8) * np.int8(CLAUSES.index(name))
    codes *= granted


def each(decided: Callable[[Any], None], all_blocks: Iterable[Any], threads: int) -> None:
    if threads == 1:
        for block in all_blocks:
            decided(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(decided, all_blocks))


def bounds(register: Register, waits: bool = False) -> list[list[frames.Answers]]:
    """What the engine says of a register in which facts are missing, as it says it; with `waits` what is missing, too."""
    made = blocks(register.households, register.persons, gathered(register)[1])
    return [engine().decide(block().frame, waits) for block in made]


def told_apart(register: Register) -> int:
    """How many answers the interpreter's bounds put otherwise, on a register of one block."""
    program = policies().program
    starts = gathered(register)[1]
    (block,) = blocks(register.households, register.persons, starts)
    found = {(one.measure, one.path): one for one in engine().decide(block().frame)}
    wrong = 0
    for number, household in enumerate(mappings(register, starts)):
        case = read_case(program, household, DAY)
        for decision in interpreter.evaluate(program, case, DAY, exact=False).decisions:
            _, member, inside = decision.subject.path.partition("[")
            row = int(starts[number]) + int(inside[:-1]) if member else number
            answers = found[decision.measure, ("members",) if member else ()]
            wrong += as_columns(answers, row) != as_traced(decision)
    return wrong


def as_columns(answers: frames.Answers, row: int) -> Any:
    """Outcomes, clauses and amount of one row."""
    outcomes = {
        one.name.id for place, one in enumerate(ir.OUTCOME.options) if answers.outcomes[row] >> place & 1
    }
    clauses = tuple(
        name for place, name in enumerate(answers.names) if int(answers.clauses[row]) >> place & 1
    )
    return outcomes, clauses, (answers.low[row], answers.high[row]) if answers.paid[row] else None


def as_traced(decision: Decision) -> Any:
    amount = None if decision.payment is None else decision.payment.amount
    return (
        set(decision.outcomes),
        decision.clauses,
        (amount.lo, amount.hi) if isinstance(amount, Bounds) else None,
    )
