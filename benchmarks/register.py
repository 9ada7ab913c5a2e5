"""A register of dibao-core households as Arrow tables, drawn from a seed; every figure is invented.

Incomes are whole yuan, as in `dibao_core.household`. Of a million households some 75 % are below the line, 3 % are in
their months after it and 0.5 % have a member covered alone; 6 % of persons pass the tekun test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Array: TypeAlias = np.ndarray[Any, Any]

SIZES = (0.10, 0.22, 0.29, 0.23, 0.11, 0.05)  # shares of households of 1 to 6 persons, 3.18 on average


@dataclass(frozen=True, slots=True)
class Register:
    """Households with a number each; persons with a number each and the number of their household.

    `in_order`: persons stand in the order of their households, which what is written by hand may count on.
    """

    households: pa.Table
    persons: pa.Table
    in_order: bool = True

    @property
    def bytes(self) -> int:
        return int(self.households.nbytes + self.persons.nbytes)


def drawn(
    count: int, seed: int = 1, *, missing: float = 0.0, text_keys: bool = False, shuffled: bool = False
) -> Register:
    """So many households. `missing` is the share of facts, drawn one by one, that nobody gave; `shuffled`: persons in no order."""
    draw = np.random.default_rng(seed)
    sizes = draw.choice(np.arange(1, 7), count, p=SIZES)
    people = int(sizes.sum())
    numbers = 320_000_000 + np.cumsum(draw.integers(1, 9, count))
    was = draw.random(count) < 0.2
    of_households = {
        "registered_poor": draw.random(count) < 0.3,
        "was_recipient": was,
        "months_over_line": np.where(was, draw.integers(0, 20, count), 0).astype(np.int32),
        "previous_benefit": np.where(was, draw.integers(100, 1500, count), 0),
    }
    employed = draw.random(people) < 0.4
    idle = np.where(draw.random(people) < 0.5, 0, draw.integers(0, 600, people))
    of_persons = {
        "age": draw.integers(0, 95, people).astype(np.int32),
        "disability_level": draw.choice(
            np.arange(5, dtype=np.int32), people, p=(0.90, 0.025, 0.025, 0.025, 0.025)
        ),
        "seriously_ill": draw.random(people) < 0.025,
        "monthly_income": np.where(employed, draw.integers(200, 1550, people), idle),
        "employed": employed,
        "employment_cost": np.where(employed, draw.integers(0, 600, people), 0),
        "has_supporter": draw.random(people) < 0.64,
    }
    owners, ids = np.repeat(numbers, sizes), np.arange(1, people + 1)
    order = draw.permutation(people) if shuffled else slice(None)

    def key(values: Array) -> pa.Array:
        plain = pa.array(values)
        return pc.binary_join_element_wise("H", plain.cast(pa.string()), "") if text_keys else plain

    def fact(values: Array) -> pa.Array:
        return pa.array(values, mask=draw.random(len(values)) < missing if missing else None)

    households = {"household": key(numbers)} | {name: fact(values) for name, values in of_households.items()}
    persons = {"person": pa.array(ids[order]), "household": key(owners[order])}
    persons |= {name: fact(values[order]) for name, values in of_persons.items()}
    return Register(pa.table(households), pa.table(persons), not shuffled)


def gathered(register: Register) -> tuple[pa.Table, Array, Array | None]:
    """Persons in the order of their households, where those of each household start, and the order they were taken in."""
    persons, order = register.persons, None
    asked = persons["household"].chunk(0)
    if pa.types.is_string(asked.type) or not register.in_order:
        asked = pc.index_in(asked, register.households["household"].chunk(0))
    owners = asked.to_numpy()
    if not register.in_order:
        order = np.argsort(owners, kind="stable")
        owners = owners[order]
        persons = persons.drop_columns(["household"]).take(pa.array(order)).combine_chunks()
    starts = np.empty(len(register.households) + 1, dtype=np.int64)
    starts[0], starts[-1] = 0, len(owners)
    np.add(np.flatnonzero(owners[1:] != owners[:-1]), 1, out=starts[1:-1])
    return persons, starts, order


def truths(bits: pa.Buffer, first: int, last: int) -> Array:
    """Some of the bits of a buffer, as bytes."""
    packed = np.frombuffer(bits, dtype=np.uint8)[first >> 3 : (last + 7) >> 3]
    return np.unpackbits(packed, bitorder="little")[first & 7 : (first & 7) + last - first].view(np.bool_)


def mappings(register: Register, starts: Array) -> Iterator[dict[str, Any]]:
    """The households as one by one they are evaluated; what nobody gave is left out."""
    households, persons = (
        [
            {
                name: value
                for name, value in row.items()
                if value is not None and name not in ("household", "person")
            }
            for row in table.to_pylist()
        ]
        for table in (register.households, register.persons)
    )
    for number, household in enumerate(households):
        yield household | {"members": persons[starts[number] : starts[number + 1]]}
