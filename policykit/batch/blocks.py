"""Chunks through the columnar engine: all plain households at once, the same as each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
from numpy.typing import NDArray

from policykit import ir
from policykit.batch.chunks import Chunk
from policykit.batch.columns import Reading
from policykit.batch.filling import FORMS, NO_FEN, Filling, Found, Ints
from policykit.engine.columnar import frames
from policykit.engine.columnar.decide import Place, decision, places
from policykit.engine.columnar.folds import full
from policykit.engine.columnar.operations import one_of
from policykit.engine.columnar.planes import FALSE
from policykit.engine.columnar.tables import Table, root_table
from policykit.engine.columnar.terms import Refused, itself
from policykit.engine.columnar.verdicts import HAD, Verdicts
from policykit.values import Gap

Mask = NDArray[np.bool_]


class Blocks:
    """A program on a day; `refused` says why it cannot be asked so, once that is known."""

    def __init__(self, program: ir.Program, on: date, searching: bool) -> None:
        self.program, self.on, self.searching = program, on, searching
        self.refused = ""
        self._reading = Reading(program, on)

    def fill(self, filling: Filling, chunk: Chunk) -> Mask:
        """Fills in the answers on the households of a chunk; which of them are to be asked by themselves."""
        everybody = np.ones(len(chunk), np.bool_)
        if self.refused or chunk.nested is not None:
            return everybody
        block, odd = self._reading.block(chunk)
        if odd.all():
            return odd
        try:
            with np.errstate(all="ignore"):
                return odd | self._fill(filling, block, odd)
        except Refused as refusal:
            self.refused = str(refusal)
            return everybody

    def _fill(self, filling: Filling, block: frames.Frame, odd: Mask) -> Mask:
        verdicts = Verdicts(self.program, self.on, root_table(self.program, block), True)
        there = list(places(verdicts.terms.root))
        handed = np.zeros(len(odd), np.bool_)
        for measure, decl in self.program.measures.items():
            for place in there:
                if place.table.entity in decl.entities:
                    handed |= _decided(filling, verdicts, measure, place, odd)
        if self.searching:
            filling.found += self._found(filling, verdicts, there, odd | handed)
        return handed

    def _found(self, filling: Filling, verdicts: Verdicts, there: list[Place], odd: Mask) -> Iterator[Found]:
        for place in there:
            table, count = place.table, place.table.count
            subjects = filling.whom.lists[".".join(place.path)]
            kept = ~odd[filling.whom.household[subjects]]
            for name, (first, *_) in self.program.clauses.items():
                if first.entity != table.entity:
                    continue
                found = [s for s in verdicts.statuses(name, table) if isinstance(s.clause.effect, ir.Record)]
                if not found:
                    continue
                sure = _of(place, full(one_of(FALSE, *(status.stands for status in found)).lo, count))
                seen = np.zeros(len(subjects), np.bool_)
                for status in found:  # the words are those of the first version that may stand
                    effect, stands = status.clause.effect, _of(place, full(status.stands.hi, count))
                    assert isinstance(effect, ir.Record)
                    for row in np.flatnonzero(stands & ~seen & kept).tolist():
                        yield Found(
                            int(subjects[row]), effect.kind, name, effect.name, effect.text, bool(sure[row])
                        )
                    seen |= stands
            for note in self.program.notes:
                if note.entity != table.entity or not note.period.holds(self.on):
                    continue
                holds = np.ones(count, np.bool_)
                if note.test is not None:
                    holds = full(verdicts.terms.truth(note.test, itself(table), count).lo, count)
                called = note.basis.name
                for row in np.flatnonzero(_of(place, holds) & kept).tolist():
                    yield Found(int(subjects[row]), "note", called.id, called.zh, note.text, True)


def _of(place: Place, array: NDArray[np.bool_]) -> Mask:
    """The rows of a table that were described."""
    return array if place.rows is None else array[place.rows]


def _decided(filling: Filling, verdicts: Verdicts, measure: str, place: Place, odd: Mask) -> Mask:
    """Fills in what one measure comes to at one place; which households it cannot say."""
    found = decision(verdicts, measure, place)
    subjects = filling.whom.lists[".".join(place.path)]
    household = filling.whom.household[subjects]
    rules = {
        rule for one in verdicts.granting(measure, place.table) if (rule := verdicts.rule(one)) is not None
    }
    forms = {rule.form for rule in rules}
    handed = np.zeros(len(odd), np.bool_)
    if len(forms) > 1:  # which of them it is, the reference says
        handed[household[found.paid]] = True
    rows = filling.rows(subjects, measure)
    known = found.low == found.high
    if found.none is not None:
        known &= ~found.none
    low = np.where(known, found.low, np.maximum(found.low, 0))
    high = np.where(found.high >= frames.NO_BOUND, NO_FEN, found.high)
    filling.outcomes[rows] = found.outcomes
    filling.form[rows] = np.where(found.paid, FORMS.index(next(iter(forms))) if forms else 0, 0)
    filling.fen[rows] = np.where(found.paid & known, low, NO_FEN)
    filling.low[rows] = np.where(found.paid, low, NO_FEN)
    filling.high[rows] = np.where(found.paid, high, NO_FEN)
    filling.clauses[rows] = _named(filling, found.names, found.clauses)
    filling.alternatives[rows] = _alternatives(filling, verdicts, measure, place, found.outcomes)
    if found.waits is not None:
        _waiting(filling, found.waits, rows, ~odd[household])
    return handed


def _named(filling: Filling, names: tuple[str, ...], bits: NDArray[np.uint64]) -> Ints:
    """The numbers of sets of names that are given as bits."""
    sets, which = np.unique(bits, return_inverse=True)
    numbers = [
        filling.names.number(tuple(name for place, name in enumerate(names) if bits >> place & 1))
        for bits in sets.tolist()
    ]
    return np.array(numbers, np.int64)[which]


def _alternatives(
    filling: Filling, verdicts: Verdicts, measure: str, place: Place, outcomes: NDArray[np.uint8]
) -> Ints:
    """The measures that each record may have instead: nobody has chosen here."""
    had = (outcomes & HAD) != 0
    bits, others = np.zeros(len(outcomes), np.uint64), list[str]()
    for exclusive in verdicts.program.exclusives:
        if measure not in exclusive.measures or exclusive.how != "by_election":
            continue
        for other in (one for one in exclusive.measures if one != measure):
            may = had & _of(place, _may_have(verdicts, other, place.table))
            bits |= np.where(may, np.uint64(1 << len(others)), np.uint64(0))
            others.append(other)
    return _named(filling, tuple(others), bits)


def _may_have(verdicts: Verdicts, measure: str, table: Table) -> Mask:
    """Whether a measure may be had by a record that counts as one subject with this one, listed or not."""
    entities = verdicts.program.measures[measure].entities
    found = np.zeros(table.count, np.bool_)
    for other, rows in [(table, None), *verdicts.line(table)]:
        if other.entity in entities:
            had = (verdicts.final(measure, other).outcomes & HAD) != 0
            found |= had if rows is None else had[rows]
    for other, owner, _ in verdicts.members(table):
        if other.entity in entities:
            found[owner[(verdicts.final(measure, other).outcomes & HAD) != 0]] = True
    return found


def _waiting(filling: Filling, waits: frames.Waits, rows: Ints, kept: Mask) -> None:
    """Fills in what the rows wait for."""
    wanted = kept[waits.rows]
    at, numbers = waits.rows[wanted], waits.numbers[wanted]
    different, which = np.unique(numbers, return_inverse=True)
    gaps = [waits.gaps.gap(int(number)) for number in different]
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(at)], strict=False):
        found: list[Gap] = sorted(gaps[one] for one in which[start:end].tolist())
        filling.missing[int(rows[at[start]])] = tuple(found)
