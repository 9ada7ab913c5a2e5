"""The decisions on a block of households: what every measure comes to, for every record it may be granted to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from policykit import ir
from policykit.engine.columnar.constants import Refused
from policykit.engine.columnar.folds import full
from policykit.engine.columnar.frames import NO_BOUND, Answers, Array, Frame, Mask, Waits
from policykit.engine.columnar.gaps import ROW, Gaps, gaps_where, union
from policykit.engine.columnar.operations import both
from policykit.engine.columnar.plan import Plan
from policykit.engine.columnar.planes import (
    NOWHERE,
    Ordered,
    Plane,
    Truth,
    conjunction,
    disjunction,
    opposite,
    plain,
    select,
)
from policykit.engine.columnar.replay import Replays
from policykit.engine.columnar.tables import Table, root_table
from policykit.engine.columnar.verdicts import (
    EXCLUDED,
    GRANTED,
    HAD,
    SUPERSEDED,
    Answer,
    Verdicts,
    flags,
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


class Columnar:
    """A program on one day, for any number of blocks."""

    def __init__(self, program: ir.Program, on: date) -> None:
        self.plan = Plan(program, on)
        self.replays = Replays()

    def decide(self, block: Frame, missing: bool = False) -> list[Answers]:
        """What every measure comes to for every record it may be granted to; with `missing` also what keeps it open.

        Raises `Refused` where the program cannot be worked out over planes.
        """
        if missing:
            return self.worked_out(block, True)
        return self.replays.decide(block, self.worked_out)

    def worked_out(self, block: Frame, missing: bool = False) -> list[Answers]:
        """The same, operation by operation."""
        root = root_table(self.plan.program, block)
        verdicts = Verdicts(self.plan, root, missing)
        found = list(places(root))
        return [
            decision(verdicts, measure, place)
            for measure, decl in self.plan.program.measures.items()
            for place in found
            if place.table.entity in decl.entities
        ]


def decision(verdicts: Verdicts, measure: str, place: Place) -> Answers:
    """What one measure comes to for the records at one place."""
    table, count = place.table, place.table.count
    final = verdicts.final(measure, table)
    names, clauses, possible = deciding(verdicts, measure, table)
    amount, paid = payment(verdicts, measure, table, final, possible)
    over_names, over = winners(verdicts, measure, table)
    waits = None
    if verdicts.tracking:
        gaps = union(final.missing, amount_gaps(verdicts, measure, table, final))
        waits = Waits(*written(gaps, place.rows), table.register)

    def of(array: Array) -> Array:
        array = full(array, count)
        return array if place.rows is None else array[place.rows]

    low, high = in_fen(amount.lo), in_fen(amount.hi)
    none = None if amount.none is None else of(amount.none)
    return Answers(
        measure, table.entity, place.path, names, of(final.bits(count)), of(clauses), over_names, of(over), of(paid),
        of(low), of(high), once(verdicts, measure, place, paid), none, waits,
    )  # fmt: skip


def once(verdicts: Verdicts, measure: str, place: Place, paid: Mask) -> Mask | None:
    """Where the amount is paid once, by the first clause that may pay; the rest is by month."""
    table = place.table
    found: Mask = NOWHERE
    for one, mask in reversed(verdicts.paying(verdicts.final(measure, table), measure, table)):
        rule = verdicts.plan.rule(one.status.clause)
        if rule is not None:
            found = disjunction(found, mask) if rule.form == "once" else conjunction(found, opposite(mask))
    if found is NOWHERE:
        return None
    here = full(conjunction(found, paid), table.count)
    return here if place.rows is None else here[place.rows]


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


def deciding(
    verdicts: Verdicts, measure: str, table: Table
) -> tuple[tuple[str, ...], Array, dict[str, Mask]]:
    """The clauses that bring about an outcome, by name: those that surely do or, where there are none, that may; and
    where each may."""
    answer = verdicts.base(measure, table)
    grants, bars = verdicts.granting(measure, table), verdicts.excluding(measure, table)
    plan = verdicts.plan
    all_names = [*plan.excluding.get(measure, ()), *plan.granting.get((measure, table.entity), ())]
    names = sorted(all_names, key=list(plan.versions).index)
    found = Named(measure, names, table.count)
    had, excluded, beaten = answer.only(*HAD), answer.only(EXCLUDED), answer.only(SUPERSEDED)
    rest = opposite(disjunction(had, disjunction(excluded, beaten)))
    for one, pays in verdicts.paying(answer, measure, table):
        found.add(one.name, conjunction(had, pays), one.stands)
    if excluded.any():
        for name, _, stands in bars:
            found.add(name, excluded, stands)
    lost = beaten.any()
    for one in grants:
        found.add(one.name, rest, one.status.scope)
        if lost:
            found.add(one.name, beaten, both((one.status.scope, one.status.test, one.status.beaten)))
    sure = found.bits(found.sure)
    if not found.open:
        return tuple(names), sure, found.may
    return tuple(names), np.where(sure != 0, sure, found.bits(found.may)), found.may


class Named:
    """Names by bit: which surely hold of each row, and which may."""

    def __init__(self, measure: str, names: Sequence[str], count: int) -> None:
        if len(names) > MOST_CLAUSES:
            raise Refused(f"{measure}: more than {MOST_CLAUSES} clauses decide it")
        size = next(bits for bits in (8, 16, 32, 64) if len(names) <= bits)
        self.kind = np.dtype(f"u{size // 8}").type
        self.names, self.count = names, count
        self.sure: dict[str, Mask] = {}
        self.may: dict[str, Mask] = {}
        self.open = False

    def add(self, name: str, where: Mask, holds: Truth) -> None:
        """A name holds, surely or perhaps, where a mask does."""
        self.open |= holds.hi is not holds.lo
        for into, end in ((self.sure, holds.lo), (self.may, holds.hi)):
            into[name] = disjunction(into.get(name, NOWHERE), conjunction(where, end))

    def bits(self, masks: Mapping[str, Mask]) -> Array:
        """The names as bits, by their places."""
        each = ((masks.get(name, NOWHERE), 1 << place) for place, name in enumerate(self.names))
        return flags(each, self.kind, self.count)


def winners(verdicts: Verdicts, measure: str, table: Table) -> tuple[tuple[str, ...], Array]:
    """The clauses that override a grant that would otherwise stand."""
    plan = verdicts.plan
    granting = plan.granting.get((measure, table.entity), ())
    names = sorted({other for name in granting for other in plan.blockers[name]})
    found = Named(measure, names, table.count)
    superseded = verdicts.base(measure, table).may(SUPERSEDED)
    if names and superseded.any():
        for one in verdicts.granting(measure, table):
            live = conjunction(superseded, conjunction(one.status.scope.hi, one.status.test.hi))
            for name, holds in verdicts.beaters(one.status.clause, table):
                found.add(name, live, Truth(holds.hi, holds.hi))
    return tuple(names), found.bits(found.sure)


def amount_gaps(verdicts: Verdicts, measure: str, table: Table, answer: Answer) -> Gaps:
    """What keeps the amount open, where there is something to grant."""
    amount = verdicts.amount(measure, table)
    return gaps_where(amount.amount.missing, conjunction(answer.may(GRANTED), amount.where))


def payment(
    verdicts: Verdicts, measure: str, table: Table, answer: Answer, possible: Mapping[str, Mask]
) -> tuple[Ordered, Mask]:
    """The amount that is shown, and where there is one: none where amount rules conflict."""
    count = table.count
    paying = [
        (one, conjunction(mask, possible.get(one.name, NOWHERE)))
        for one, mask in verdicts.paying(answer, measure, table)
    ]
    last: Plane | None = None
    where: Mask = NOWHERE
    for one, mask in paying:
        if verdicts.plan.rule(one.status.clause) is not None:
            amount = verdicts.payment(one, table)
            last = amount if last is None else select(full(mask, count), amount, last)
            where = disjunction(where, mask)
    if last is None:
        return Ordered(np.array(0), np.array(0), top=0), where
    own = plain(last)
    many, conflict = verdicts.rules(paying, count)
    if own.hi is own.lo and own.none is None and (many is NOWHERE or not many.any()):
        return own, where
    shown = verdicts.amount(measure, table)
    settled = opposite(many) & own.known
    amount = plain(select(full(settled | ~shown.where, count), own, shown.amount))
    return amount, conjunction(where, opposite(conjunction(conflict, answer.only(GRANTED))))
