"""dibao-core by hand in NumPy, over blocks of households that fit into the processor's cache."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.answers import Answers, columns, room
from benchmarks.register import Array, Register, gathered, truths

BLOCK = 16_384  # households


def by_numpy(register: Register, threads: int = 1) -> Answers:
    """Persons that do not stand in the order of their households are put there first, and their answers back."""
    households = register.households
    results = room(len(households), len(register.persons))
    persons, starts, order = gathered(register)
    of_households, of_persons = values(households), values(persons)
    inside = results if order is None else room(len(households), len(persons))

    def block(first: int) -> None:
        decide(of_households, of_persons, starts[first : first + BLOCK + 1], first, inside)

    firsts = range(0, len(households), BLOCK)
    if threads == 1:
        for first in firsts:
            block(first)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(block, firsts))
    if order is not None:
        results[:2] = inside[:2]
        for mine, theirs in zip(results[2:], inside[2:], strict=True):
            mine[order] = theirs
    return columns(register, results)


def values(table: pa.Table) -> dict[str, Any]:
    """The facts of a table as they stand; truths still as bits."""
    found = {}
    for name in table.column_names:
        whole = table[name].chunk(0)
        if pa.types.is_boolean(whole.type):
            found[name] = whole.buffers()[1]
        elif not pa.types.is_string(whole.type):
            found[name] = whole.to_numpy()
    return found


def decide(h: dict[str, Any], p: dict[str, Any], starts: Array, first: int, results: list[Array]) -> None:
    last, start, end = first + len(starts) - 1, int(starts[0]), int(starts[-1])
    mine, theirs = slice(first, last), slice(start, end)
    sizes = starts[1:] - starts[:-1]

    income = p["monthly_income"][theirs]
    countable = np.minimum(p["employment_cost"][theirs], 300)
    countable *= truths(p["employed"], start, end)
    np.subtract(income, countable, out=countable)
    np.maximum(countable, 0, out=countable)
    sums = np.empty(end - start + 1, dtype=np.int64)
    sums[0] = 0
    np.cumsum(countable, out=sums[1:])
    cuts = sums[starts - start]
    total = cuts[1:] - cuts[:-1]

    below = total < 500 * sizes
    phase = truths(h["was_recipient"], first, last) & (h["months_over_line"][mine] <= 12) & ~below
    benefit = (500 - total // sizes) * sizes
    benefit *= below
    benefit += h["previous_benefit"][mine] * phase
    np.multiply(benefit, 100, out=results[0][mine])
    clause = results[1][mine]
    np.add(below, phase.view(np.int8) * np.int8(2), out=clause, casting="unsafe")

    poor = truths(h["registered_poor"], first, last) & (clause == 0)
    level, age = p["disability_level"][theirs], p["age"][theirs]
    first_level = level == 1
    single = np.repeat(poor, sizes)
    single &= first_level | (level == 2) | truths(p["seriously_ill"], start, end)
    single &= countable < 500
    np.subtract(500, countable, out=countable)
    countable *= 100
    np.multiply(countable, single, out=results[2][theirs])
    np.multiply(single.view(np.int8), 3, out=results[3][theirs])
    tekun = (age >= 60) | (age < 16) | first_level
    tekun &= income == 0
    tekun &= ~truths(p["has_supporter"], start, end)
    np.multiply(tekun, 65_000, out=results[4][theirs])
    np.multiply(tekun.view(np.int8), 4, out=results[5][theirs])
