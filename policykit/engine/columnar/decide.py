"""The decisions on a block of households: what every measure comes to, for every record it may be granted to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from policykit import ir
from policykit.engine.columnar.folds import full
from policykit.engine.columnar.frames import NO_BOUND, Answers, Array, Frame, Mask, Waits
from policykit.engine.columnar.planes import (
    ROW,
    Gaps,
    Ordered,
    Plane,
    Truth,
    gaps_where,
    plain,
    select,
    union,
)
from policykit.engine.columnar.tables import Table, root_table
from policykit.engine.columnar.terms import Refused
from policykit.engine.columnar.verdicts import (
    EXCLUDED,
    GRANTED,
    HAD,
    SUPERSEDED,
    Bits,
    Verdicts,
)

MOST_CLAUSES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """The records of one table that were described: `rows` of it (`None`: all), and the lists that lead there."""

    table: Table
    path: tuple[str, ...]
    rows: Array | None


def places(table: Table, path: tuple[str, ...] = ()) -> Iterator[Place]:
    """The root and its members, those of members included."""
    there = None if table.at is None else np.flatnonzero(table.at >= 0)
    yield Place(table, path, there)
    for name, decl in table.program.entities[table.entity].lists.items():
        if decl.kind == "members":
            yield from places(table.listing(name).table, (*path, name))


def decisions(program: ir.Program, block: Frame, on: date, missing: bool = False) -> list[Answers]:
    """What every measure comes to; with `missing` also what keeps it open."""
    root = root_table(program, block)
    verdicts = Verdicts(program, on, root, missing)
    found = list(places(root))
    return [
        decision(verdicts, measure, place)
        for measure, decl in program.measures.items()
        for place in found
        if place.table.entity in decl.entities
    ]


def decision(verdicts: Verdicts, measure: str, place: Place) -> Answers:
    """What one measure comes to for the records at one place."""
    table, count = place.table, place.table.count
    final = verdicts.final(measure, table)
    names, clauses, possible = deciding(verdicts, measure, table)
    amount, paid = payment(verdicts, measure, table, final.outcomes, names, possible)
    over_names, over = winners(verdicts, measure, table)
    waits = None
    if verdicts.tracking:
        gaps = union(final.missing, amount_gaps(verdicts, measure, table, final.outcomes))
        waits = Waits(*written(gaps, place.rows), table.register)

    def of(array: Array) -> Array:
        array = full(array, count)
        return array if place.rows is None else array[place.rows]

    low, high = in_fen(amount.lo), in_fen(amount.hi)
    none = None if amount.none is None else of(amount.none)
    return Answers(
        measure, table.entity, place.path, names, of(final.outcomes), of(clauses), over_names, of(over), of(paid),
        of(low), of(high), none, waits,
    )  # fmt: skip


def in_fen(numbers: Array) -> Array:
    """Whole fen in 64 bits; what is beyond every bound ends there, and an open end loses what is less than a fen."""
    if numbers.dtype != object:
        return numbers
    each = np.frompyfunc(lambda n: max(-NO_BOUND, min(int(n), NO_BOUND)), 1, 1)
    return np.asarray(each(numbers), dtype=np.int64)


def written(gaps: Gaps, rows: Array | None) -> tuple[Array, Array]:
    """Gaps as rows and numbers, for the records that were described."""
    if gaps is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at, number = gaps >> ROW, gaps & 0xFFFFFFFF
    if rows is None:
        return at, number
    kept = np.isin(at, rows)
    return np.searchsorted(rows, at[kept]), number[kept]


def deciding(verdicts: Verdicts, measure: str, table: Table) -> tuple[tuple[str, ...], Array, Array]:
    """The clauses that bring about an outcome, by name: those that surely do or, where there are none, that may; and
    those that may."""
    count = table.count
    outcomes = verdicts.base(measure, table).outcomes
    grants, bars = verdicts.granting(measure, table), verdicts.excluding(measure, table)
    names = tuple(dict.fromkeys([name for name, _, _ in bars] + [one.name for one in grants]))
    order = [name for name in verdicts.program.clauses if name in names]
    if len(order) > MOST_CLAUSES:
        raise Refused(f"{measure}: more than {MOST_CLAUSES} clauses grant or exclude it")
    sure, may = np.zeros(count, np.uint64), np.zeros(count, np.uint64)

    def add(name: str, where: Mask, holds: Truth) -> None:
        bit = np.uint64(1 << order.index(name))
        for into, end in ((sure, holds.lo), (may, holds.hi)):
            np.bitwise_or(into, (where & end) * bit, out=into)

    had = (outcomes & ~HAD) == 0
    excluded, beaten = outcomes == EXCLUDED, outcomes == SUPERSEDED
    rest = ~(had | excluded | beaten)
    if had.any():
        for one, pays in verdicts.paying(outcomes, measure, table):
            add(one.name, had & pays, one.stands)
    if excluded.any():
        for name, _, stands in bars:
            add(name, excluded, stands)
    for one in grants:
        status = one.status
        if beaten.any():
            lo = status.scope.lo & status.test.lo & status.beaten.lo
            add(one.name, beaten, Truth(lo, status.scope.hi & status.test.hi & status.beaten.hi))
        add(one.name, rest, status.scope)
    return tuple(order), np.where(sure != 0, sure, may), may


def winners(verdicts: Verdicts, measure: str, table: Table) -> tuple[tuple[str, ...], Array]:
    """The clauses that override a grant that would otherwise stand."""
    superseded = (verdicts.base(measure, table).outcomes & SUPERSEDED) != 0
    found: dict[str, Mask] = {}
    for one in verdicts.granting(measure, table):
        status = one.status
        for name, holds in verdicts.beaters(status.clause, table):
            where = superseded & status.scope.hi & status.test.hi & holds.hi
            found[name] = found[name] | where if name in found else where
    names = tuple(sorted(found))
    if len(names) > MOST_CLAUSES:
        raise Refused(f"{measure}: more than {MOST_CLAUSES} clauses override a grant of it")
    over = np.zeros(table.count, np.uint64)
    for place, name in enumerate(names):
        over |= found[name] * np.uint64(1 << place)
    return names, over


def amount_gaps(verdicts: Verdicts, measure: str, table: Table, outcomes: Bits) -> Gaps:
    """What keeps the amount open, where there is something to grant."""
    amount = verdicts.amount(measure, table)
    granted: Mask = (outcomes & GRANTED) != 0
    return gaps_where(amount.amount.missing, granted & amount.where)


def payment(
    verdicts: Verdicts, measure: str, table: Table, outcomes: Bits, names: tuple[str, ...], possible: Array
) -> tuple[Ordered, Mask]:
    """The amount that is shown, and where there is one: none where amount rules conflict."""
    count = table.count
    paying = []
    for one, mask in verdicts.paying(outcomes, measure, table):
        bit = np.uint64(1 << names.index(one.name))
        paying.append((one, full(mask & ((possible & bit) != 0), count)))
    number, conflict = verdicts.rules(paying, count)
    last: Plane | None = None
    where: Mask = np.zeros(count, np.bool_)
    for one, mask in paying:
        if verdicts.rule(one) is None or not mask.any():
            continue
        amount = verdicts.payment(one, table)
        last = amount if last is None else select(mask, amount, last)
        where = where | mask
    if last is None:
        return Ordered(np.zeros(count, np.int64), np.zeros(count, np.int64), top=0), where
    shown, own = verdicts.amount(measure, table), plain(last)
    settled = (number == 1) & full(own.known, count)
    amount = plain(select(settled | ~shown.where, own, shown.amount))
    return amount, where & ~(conflict & (outcomes == GRANTED))
