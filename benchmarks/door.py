"""dibao-core by `policykit.evaluate_batch`: tables checked and read, every measure of everyone a row of one long table."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

import policykit
from benchmarks.answers import HOUSEHOLD, PERSON, Answers
from benchmarks.ours import policies
from benchmarks.register import Register
from benchmarks.w1 import DAY

HOUSEHOLDS, MEMBERS = "household", "members"


@dataclass(frozen=True, slots=True)
class Told:
    """What came out, as it came out; put beside the answers of others only to compare them."""

    decisions: pa.Table
    register: Register

    def answers(self) -> Answers:
        root = pc.equal(self.decisions["subject"], HOUSEHOLDS)
        members, key = self.decisions.filter(pc.invert(root)), self.register.households["household"].type
        household = self.decisions.filter(root)
        dibao, tekun = (members.filter(pc.equal(members["measure"], one)) for one in ("dibao", "tekun"))
        return Answers(
            told("household", household["key"].cast(key), HOUSEHOLD, household),
            told("person", dibao["id"].cast(pa.int64()), PERSON, dibao, tekun),
        )


def told(key: str, numbers: pa.ChunkedArray, names: tuple[str, ...], *found: pa.Table) -> pa.Table:
    """What is granted and by which clause, as the others tell it."""
    columns = {key: numbers}
    for number, one in enumerate(found):
        granted = pc.equal(one["outcome"].cast(pa.string()), "granted")
        clause = pc.if_else(granted, first(one["clauses"]), "none")
        columns[names[2 * number]] = pc.if_else(granted, one["fen"], 0)
        columns[names[2 * number + 1]] = clause
    return pa.table(columns)


def first(lists: pa.ChunkedArray) -> pa.Array:
    """The first of each list; none of an empty one."""
    whole = lists.combine_chunks()
    some = pc.greater(pc.list_value_length(whole), 0)
    starts = pc.if_else(some, whole.offsets[:-1], None)
    return whole.values.take(starts)


def by_door(register: Register, threads: int = 1) -> Told:
    """The tables as they stand, under the headings by which registers are linked."""
    households, persons = (
        one.rename_columns(
            [f"{name}_id" if name in ("household", "person") else name for name in one.column_names]
        )
        for one in (register.households, register.persons)
    )
    found = policykit.evaluate_batch({HOUSEHOLDS: households, MEMBERS: persons}, policies(), on=DAY)
    if found.bad:
        raise ValueError(f"{len(found.bad)} households were set aside")
    return Told(found.decisions, register)
