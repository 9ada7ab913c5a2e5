"""Chunks through the columnar engine: all plain households at once, the same as each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policykit import ir
from policykit.batch.blocks import block_of
from policykit.batch.chunks import Chunk
from policykit.batch.columns import Reading
from policykit.batch.filling import FORMS, NO_FEN, Filling, Found, Ints
from policykit.engine.columnar import frames
from policykit.engine.columnar.constants import Refused
from policykit.engine.columnar.decide import Place, decision, places
from policykit.engine.columnar.folds import full
from policykit.engine.columnar.operations import one_of
from policykit.engine.columnar.plan import Plan
from policykit.engine.columnar.planes import FALSE
from policykit.engine.columnar.tables import Table, root_table
from policykit.engine.columnar.terms import itself
from policykit.engine.columnar.verdicts import BITS, HAD, Verdicts
from policykit.facts import Case
from policykit.values import Gap

Mask = NDArray[np.bool_]


class Blocks:
    """A program on a day; `refused` says why it cannot be asked so, once that is known."""

    def __init__(self, program: ir.Program, on: date, searching: bool) -> None:
        self.program, self.on, self.searching = program, on, searching
        self.refused = ""
        self.plan = Plan(program, on)
        self._reading = Reading(program, on)
        self.records = [
            name
            for name, versions in self.plan.versions.items()
            if any(isinstance(one.effect, ir.Record) for one in versions)
        ]

    def fill(self, filling: Filling, chunk: Chunk) -> Mask:
        """Fills in the answers on the households of a chunk; which of them are to be asked by themselves."""
        everybody = np.ones(len(chunk), np.bool_)
        if self.refused or chunk.nested is not None:
            return everybody
        block, odd = block_of(chunk, self._reading)
        if odd.all() or not self._filled(filling, block, np.arange(len(chunk)), odd):
            return everybody
        return odd

    def fill_read(self, filling: Filling, read: Sequence[tuple[int, Case]]) -> set[int]:
        """The same for households that were read, given by their numbers in order; which of them were filled in."""
        if self.refused:
            return set()
        numbers = np.array([number for number, _ in read], np.int64)
        block, odd = frames.frames_of(self.program, [case for _, case in read])
        return set(numbers[~odd].tolist()) if self._filled(filling, block, numbers, odd) else set()

    def _filled(self, filling: Filling, block: frames.Frame, numbers: Ints, odd: Mask) -> bool:
        """Fills in the answers on the households of a block, given by their numbers in the chunk, if that can be done."""
        try:
            with np.errstate(all="ignore"):
                _Filled(self, filling, block, numbers, odd).fill()
        except Refused as refusal:
            self.refused = str(refusal)
        return not self.refused


class _Filled:
    """One block in the filling; `numbers` are its households in the chunk, `odd` those of which it says nothing."""

    def __init__(
        self, asked: Blocks, filling: Filling, block: frames.Frame, numbers: Ints, odd: Mask
    ) -> None:
        self.program, self.on, self.searching = asked.program, asked.on, asked.searching
        self.filling, self.odd = filling, odd
        self.records = asked.records
        self.verdicts = Verdicts(asked.plan, root_table(self.program, block), True)
        self.places = list(places(self.verdicts.terms.root))
        #: the place in the block of every household of the chunk, −1 for the others
        self.at = np.full(len(filling.answered), -1, np.int64)
        self.at[numbers] = np.arange(len(numbers))

    def subjects(self, place: Place) -> tuple[Ints, Ints]:
        """The subjects at one place, and the place of their households in the block."""
        found = self.filling.whom.lists.get(".".join(place.path), np.zeros(0, np.int64))
        household = self.at[self.filling.whom.household[found]]
        return found[household >= 0], household[household >= 0]

    def fill(self) -> None:
        for measure, decl in self.program.measures.items():
            for place in self.places:
                if place.table.entity in decl.entities:
                    self.decided(measure, place)
        if self.searching:
            self.filling.found += [one for place in self.places for one in self.found(place)]
        self.places.clear()
        self.verdicts.close()

    def found(self, place: Place) -> Iterator[Found]:
        """What the rules find, list or refer, and what the tool notes."""
        table, count = place.table, place.table.count
        subjects, household = self.subjects(place)
        kept = ~self.odd[household]
        for name in self.records:
            if self.verdicts.plan.entities[name] != table.entity:
                continue
            standing = [
                one for one in self.verdicts.statuses(name, table) if isinstance(one.clause.effect, ir.Record)
            ]
            sure = _of(place, full(one_of(FALSE, *(one.stands for one in standing)).lo, count))
            seen = ~kept
            for one in standing:  # the words are those of the first version that may stand
                effect, stands = one.clause.effect, _of(place, full(one.stands.hi, count))
                assert isinstance(effect, ir.Record)
                for row in np.flatnonzero(stands & ~seen).tolist():
                    yield Found(
                        int(subjects[row]), effect.kind, name, effect.name, effect.text, bool(sure[row])
                    )
                seen = seen | stands
        for note in self.program.notes:
            if note.entity != table.entity or not note.period.holds(self.on):
                continue
            holds = np.ones(count, np.bool_)
            if note.test is not None:
                holds = full(self.verdicts.terms.truth(note.test, itself(table), count).lo, count)
            called = note.basis.name
            for row in np.flatnonzero(_of(place, holds) & kept).tolist():
                yield Found(int(subjects[row]), "note", called.id, called.zh, note.text, True)

    def decided(self, measure: str, place: Place) -> None:
        """Fills in what one measure comes to at one place."""
        filling, verdicts = self.filling, self.verdicts
        found = decision(verdicts, measure, place)
        subjects, household = self.subjects(place)
        rows = filling.rows(subjects, measure)
        known = found.low == found.high
        if found.none is not None:
            known = known & ~found.none
        low = np.where(known, found.low, np.maximum(found.low, 0))
        high = np.where(found.high >= frames.NO_BOUND, NO_FEN, found.high)
        filling.outcomes[rows] = found.outcomes
        form = np.full(len(rows), FORMS.index("monthly"))
        if found.once is not None:
            form[found.once] = FORMS.index("once")
        filling.form[rows] = np.where(found.paid, form, 0)
        filling.fen[rows] = np.where(found.paid & known, low, NO_FEN)
        filling.low[rows] = np.where(found.paid, low, NO_FEN)
        filling.high[rows] = np.where(found.paid, high, NO_FEN)
        filling.clauses[rows] = self.named(found.names, found.clauses)
        filling.alternatives[rows] = self.alternatives(measure, place, found.outcomes)
        if found.waits is not None:
            self.waiting(found.waits, rows, ~self.odd[household])

    def named(self, names: tuple[str, ...], bits: NDArray[Any]) -> Ints:
        """The numbers of sets of names that are given as bits."""
        sets, which = np.unique(bits, return_inverse=True)
        numbers = [
            self.filling.names.number(tuple(name for place, name in enumerate(names) if bits >> place & 1))
            for bits in sets.tolist()
        ]
        return np.array(numbers, np.int64)[which]

    def alternatives(self, measure: str, place: Place, outcomes: NDArray[np.uint8]) -> Ints:
        """The measures that each record may have instead: nobody has chosen here."""
        had = (outcomes & (BITS["granted"] | BITS["discretionary"])) != 0
        bits, others = np.zeros(len(outcomes), np.uint64), list[str]()
        for exclusive in self.program.exclusives:
            if measure not in exclusive.measures or exclusive.how != "by_election":
                continue
            for other in (one for one in exclusive.measures if one != measure):
                may = had & _of(place, self.may_have(other, place.table))
                bits |= np.where(may, np.uint64(1 << len(others)), np.uint64(0))
                others.append(other)
        return self.named(tuple(others), bits)

    def may_have(self, measure: str, table: Table) -> Mask:
        """Whether a measure may be had by a record that counts as one subject with this one, listed or not."""
        entities = self.program.measures[measure].entities
        found = np.zeros(table.count, np.bool_)
        for other, rows in [(table, None), *self.verdicts.line(table)]:
            if other.entity in entities:
                had = full(self.verdicts.final(measure, other).may(*HAD), other.count)
                found |= had if rows is None else had[rows]
        for other, owner, _ in self.verdicts.members(table):
            if other.entity in entities:
                found[owner[full(self.verdicts.final(measure, other).may(*HAD), other.count)]] = True
        return found

    def waiting(self, waits: frames.Waits, rows: Ints, kept: Mask) -> None:
        """Fills in what the rows wait for."""
        wanted = kept[waits.rows]
        at, numbers = waits.rows[wanted], waits.numbers[wanted]
        gaps, which = waits.gaps.told(numbers)
        which = which[np.lexsort((which, at))]
        starts = np.flatnonzero(np.diff(at, prepend=-1))
        ends = np.append(starts, len(at))[1:]
        sets: dict[bytes, tuple[Gap, ...]] = {}  # many rows wait for the same
        for row, start, end in zip(rows[at[starts]].tolist(), starts.tolist(), ends.tolist(), strict=True):
            key = which[start:end].tobytes()
            if key not in sets:
                sets[key] = tuple(gaps[one] for one in which[start:end].tolist())
            self.filling.missing[row] = sets[key]


def _of(place: Place, array: NDArray[np.bool_]) -> Mask:
    """The rows of a table that were described."""
    return array if place.rows is None else array[place.rows]
