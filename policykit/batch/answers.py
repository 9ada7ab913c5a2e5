"""The answers on some households, in columns, and how they are found.

Whoever asks sees one method, `Answering.answers`; which engine decides a household changes nothing but the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from policykit import ir
from policykit.batch.chunks import Bad, Chunk, households, refused
from policykit.batch.places import place_of
from policykit.batch.subjects import Subjects, subjects
from policykit.diagnostics import Language, PolicyError
from policykit.engine import compiled
from policykit.engine.interpreter import Interpreter
from policykit.explain.words import Words
from policykit.facts import Instance
from policykit.loader import Policies
from policykit.result import Read, read_household
from policykit.trace import Decision
from policykit.values import Bounds, Gap, either

OUTCOMES = tuple(
    option.name.id for option in ir.OUTCOME.options
)  # the bits of `Answers.outcomes`, lowest first
FORMS = ("", "monthly", "once")
NO_FEN = -1

Ints: TypeAlias = NDArray[np.int64]
Given: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Names:
    """Every set of names met so far in a run, by its number; the empty set is 0."""

    sets: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    numbers: dict[tuple[str, ...], int] = field(default_factory=lambda: {(): 0})

    def number(self, names: tuple[str, ...]) -> int:
        found = self.numbers.get(names)
        if found is None:
            found = self.numbers[names] = len(self.sets)
            self.sets.append(names)
        return found


class Found(NamedTuple):
    """A finding, a listing or a referral of the rules, or a note of the tool's, on one subject; `sure` unless it only
    may hold."""

    subject: int
    kind: str
    rule: str
    name: str
    text: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What each measure comes to for each subject of some households: subject by subject, measures as declared.

    Of each row: its subject; its measure; its outcomes as bits in the order of `OUTCOMES`; the form of its amount, by
    its place in `FORMS`; `fen` where the amount is settled, else from `low` to `high`, `NO_FEN` where there is none; the
    clauses and the alternatives by their number in `names`. `missing` says what a row waits for, by its number. Of each
    household: its key, the place it belongs to, whether it has answers.
    """

    keys: pa.Array
    places: Sequence[str]
    answered: NDArray[np.bool_]
    subjects: Subjects
    names: Names
    subject: Ints
    measure: Ints
    outcomes: Ints
    form: Ints
    fen: Ints
    low: Ints
    high: Ints
    clauses: Ints
    alternatives: Ints
    missing: dict[int, tuple[Gap, ...]]
    found: tuple[Found, ...]
    bad: tuple[Bad, ...]

    def __len__(self) -> int:
        return len(self.subject)

    @property
    def paid(self) -> NDArray[np.bool_]:
        """Where an amount is granted, settled, and not one of several of which the household may draw one."""
        granted: NDArray[np.bool_] = self.outcomes == 1 << OUTCOMES.index("granted")
        settled: NDArray[np.bool_] = (self.fen != NO_FEN) & (self.alternatives == 0)
        return granted & settled


class Answering:
    """Some policies on a day, asked about chunk after chunk; `exact` asks further where facts are missing."""

    def __init__(
        self, policies: Policies, on: date, *, exact: bool = False, findings: bool = True,
        by: str = "", mask: bool = False, language: Language = "zh",
    ) -> None:  # fmt: skip
        self.policies, self.on, self.exact, self.language = policies, on, exact, language
        self.program = policies.program
        self.place, self.mask = place_of(self.program, by), mask
        self.measures = tuple(self.program.measures)
        self.names = Names()
        #: the places of the measures that each kind of subject may get
        self.asked = {
            kind: [n for n, one in enumerate(self.program.measures.values()) if kind in one.entities]
            for kind in self.program.entities
        }
        self.quick = compiled.compiled(self.program, on)
        self.searching = findings
        self._records = [
            (name, versions[0]) for name, versions in self.program.clauses.items()
            if any(isinstance(one.effect, ir.Record) for one in versions)
        ]  # fmt: skip

    def answers(self, chunk: Chunk) -> Answers:
        """The answers on the households of a chunk; those that cannot be read are among the bad."""
        whom = subjects(self.program, chunk)
        if self.mask:
            whom = whom.masked(Words(self.program, self.language, mask=True))
        filling = _Filling(self, whom, len(chunk))
        bad = list(chunk.bad)
        for number, household in enumerate(households(chunk, self.program)):
            try:
                self._household(filling, number, dict(household))
            except PolicyError as error:
                errors = [one for one in error.diagnostics if one.severity == "error"]
                bad.append(refused(chunk, number, errors, self.program, self.language))
                filling.answered[number] = False
        places = self.place.of(chunk) if self.place is not None else [""] * len(chunk)
        return filling.answers(chunk.keys, places, bad)

    def _household(self, filling: _Filling, number: int, household: Given) -> None:
        """One household through the door for one."""
        decided = self.quick.decide(household)
        if decided is not None:
            for row in decided.rows:
                filling.row(number, row.path, row.measure, *_row(row))
        if decided is not None and not self.searching:
            return
        read = read_household(household, self.policies, on=self.on, language=self.language)
        if read.errors:
            raise PolicyError(read.errors)
        asking = Interpreter(self.program, read.case, self.on, read.rulings, read.elections)
        if decided is None:
            for measure, record in asking.questions():
                decision = asking.decision(measure, record, self.exact)
                filling.row(number, record.path, measure, *_decision(decision))
        if self.searching:
            at = {record: filling.at[number, record.path] for record in read.case.subjects}
            filling.found += self._found(asking, read, at)

    def _found(self, asking: Interpreter, read: Read, at: Mapping[Instance, int]) -> Iterator[Found]:
        """What the rules find, list or refer on a household, and what the tool notes."""
        for name, first in self._records:
            for record in read.case.of(first.entity):
                standing = [one for one in asking.first.statuses(name, record) if one.stands.hi]
                if standing and isinstance(effect := standing[0].clause.effect, ir.Record):
                    sure = bool(either(one.stands for one in standing).lo)
                    yield Found(at[record], effect.kind, name, effect.name, effect.text, sure)
        for one in asking.notes():
            called = one.note.basis.name
            yield Found(at[one.subject], "note", called.id, called.zh, one.note.text, True)


Cells: TypeAlias = tuple[int, tuple[str, ...], int, int, int, int, tuple[str, ...], tuple[Gap, ...]]


class _Filling:
    """The columns of some answers while they are being filled, a row for each measure that a subject may get."""

    def __init__(self, asking: Answering, whom: Subjects, count: int) -> None:
        self.names, self.whom = asking.names, whom
        widths = np.array([len(asking.asked[kind]) for kind in whom.kinds], np.int64)[whom.entity]
        self.starts = np.cumsum(widths) - widths
        self.rank = {
            (kind, asking.measures[measure]): rank
            for kind in whom.kinds for rank, measure in enumerate(asking.asked[kind])
        }  # fmt: skip
        self.subject = np.repeat(np.arange(len(whom)), widths)
        of_kind = [np.array(asking.asked[kind], np.int64) for kind in whom.kinds]
        self.measure = np.concatenate([of_kind[kind] for kind in whom.entity] or [np.zeros(0, np.int64)])
        total = len(self.subject)
        self.outcomes, self.form, self.clauses, self.alternatives = (
            np.zeros(total, np.int64) for _ in range(4)
        )
        self.fen, self.low, self.high = (np.full(total, NO_FEN, np.int64) for _ in range(3))
        self.missing: dict[int, tuple[Gap, ...]] = {}
        self.found: list[Found] = []
        self.answered = np.ones(count, np.bool_)
        self.at = {
            (household, path): number
            for number, (household, path) in enumerate(
                zip(whom.household.tolist(), whom.path.to_pylist(), strict=True)
            )
        }

    def row(self, household: int, path: str, measure: str, *cells: Any) -> None:
        subject = self.at[household, path]
        row = int(self.starts[subject]) + self.rank[self.whom.kinds[self.whom.entity[subject]], measure]
        outcomes, clauses, form, fen, low, high, alternatives, missing = cells
        self.outcomes[row], self.form[row] = outcomes, form
        self.fen[row], self.low[row], self.high[row] = fen, low, high
        self.clauses[row] = self.names.number(clauses)
        self.alternatives[row] = self.names.number(alternatives)
        if missing:
            self.missing[row] = missing

    def answers(self, keys: pa.Array, places: Sequence[str], bad: Iterable[Bad]) -> Answers:
        kept = self.answered[self.whom.household[self.subject]]
        rows = np.flatnonzero(kept)
        number = np.cumsum(kept) - 1
        missing = {int(number[row]): gaps for row, gaps in sorted(self.missing.items()) if kept[row]}
        found = tuple(one for one in self.found if self.answered[self.whom.household[one.subject]])
        return Answers(
            keys, places, self.answered, self.whom, self.names, self.subject[rows], self.measure[rows],
            self.outcomes[rows], self.form[rows], self.fen[rows], self.low[rows], self.high[rows], self.clauses[rows],
            self.alternatives[rows], missing, found, tuple(bad),
        )  # fmt: skip


def _bits(outcomes: Iterable[str]) -> int:
    return sum(1 << OUTCOMES.index(outcome) for outcome in outcomes)


def _row(row: compiled.Row) -> Cells:
    """A decision of the compiled engine, which leaves nothing open but what an approver chooses."""
    pay = row.pay
    if pay is None:
        return _bits([row.outcome]), row.clauses, 0, NO_FEN, NO_FEN, NO_FEN, row.alternatives, ()
    known = pay.low == pay.high
    low = pay.low if known else max(0, pay.low)
    return (
        _bits([row.outcome]), row.clauses, FORMS.index(pay.form), pay.low if known else NO_FEN, low, pay.high,
        row.alternatives, (),
    )  # fmt: skip


def _decision(decision: Decision) -> Cells:
    """A decision of the reference engine."""
    bits, payment = _bits(decision.outcomes), decision.payment
    if payment is None:
        return bits, decision.clauses, 0, NO_FEN, NO_FEN, NO_FEN, decision.alternatives, decision.missing
    amount = payment.amount
    assert isinstance(amount, Bounds)
    known = amount.known and amount.lo is not None
    low = NO_FEN if amount.lo is None else int(amount.lo) if known else max(0, int(amount.lo))
    high = NO_FEN if amount.hi is None else int(amount.hi)
    return (
        bits, decision.clauses, FORMS.index(payment.rule.form), low if known else NO_FEN, low, high,
        decision.alternatives, decision.missing,
    )  # fmt: skip
