"""What every contender of W2 hands back: two Arrow tables, of households and of persons, money in fen with its clause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.register import Register

CLAUSES = ("none", "below_line", "phase_out", "single_person", "tekun_support")
HOUSEHOLD = ("fen", "clause")
PERSON = ("fen", "clause", "tekun_fen", "tekun_clause")


@dataclass(frozen=True, slots=True)
class Answers:
    """`household` or `person` is the key of a row; rows may be in any order."""

    households: pa.Table
    persons: pa.Table

    def answers(self) -> Answers:
        return self


class Telling(Protocol):
    """Whatever a contender hands back tells its answers; what that costs is nobody's time."""

    def answers(self) -> Answers: ...


def room(households: int, people: int) -> list[Any]:
    """Arrays for the columns of an answer, not touched yet."""
    fen, code = np.int64, np.int8
    kinds = [
        (households, fen),
        (households, code),
        (people, fen),
        (people, code),
        (people, fen),
        (people, code),
    ]
    return [np.empty(count, dtype=kind) for count, kind in kinds]


def clauses(codes: Any) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(CLAUSES), safe=False)


def table(key: str, numbers: Any, names: Sequence[str], values: Sequence[Any]) -> pa.Table:
    """Amounts and codes of clauses beside the key that the row had; nothing is copied."""
    named = zip(names, values, strict=True)
    return pa.table({key: numbers} | {name: clauses(one) if "clause" in name else one for name, one in named})


def columns(register: Register, values: Sequence[Any]) -> Answers:
    """Values in the order of the register."""
    return Answers(
        table("household", register.households["household"], HOUSEHOLD, values[:2]),
        table("person", register.persons["person"], PERSON, values[2:]),
    )


def differing(one: Answers, other: Answers) -> int:
    """On how many rows two answers are not the same."""
    return sum(
        rows_differing(*(arranged(answers, part, key) for answers in (one, other)))
        for part, key in (("households", "household"), ("persons", "person"))
    )


def arranged(answers: Answers, part: str, key: str) -> pa.Table:
    found = getattr(answers, part)
    rows = pc.sort_indices(found[key])
    return found.take(rows)


def rows_differing(one: pa.Table, other: pa.Table) -> int:
    if len(one) != len(other):
        return max(len(one), len(other))
    wrong = np.zeros(len(one), dtype=bool)
    for name in one.column_names:
        mine, theirs = (plain(found[name]) for found in (one, other))
        wrong |= ~pc.fill_null(pc.equal(mine, theirs), False).to_numpy(zero_copy_only=False)
    return int(wrong.sum())


def plain(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole
