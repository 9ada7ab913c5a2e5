"""The answers on some households, in columns, and how these are filled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from policykit import ir
from policykit.batch.chunks import Bad
from policykit.batch.subjects import Subjects
from policykit.values import Gap

OUTCOMES = tuple(
    option.name.id for option in ir.OUTCOME.options
)  # the bits of `Answers.outcomes`, lowest first
FORMS = ("", "monthly", "once")
NO_FEN = -1

Ints: TypeAlias = NDArray[np.int64]


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

    def waiting(self) -> tuple[list[tuple[Gap, ...]], Ints]:
        """What rows wait for, as few times as may be, and which of that each row; nothing is the first."""
        sets: list[tuple[Gap, ...]] = [()]
        met: dict[int, int] = {}  # by identity: the same is shared, and takes long to compare
        numbers = np.zeros(len(self), np.int64)
        for row, gaps in self.missing.items():
            number = met.get(id(gaps))
            if number is None:
                number = met[id(gaps)] = len(sets)
                sets.append(gaps)
            numbers[row] = number
        return sets, numbers


class Cells(NamedTuple):
    """One row of answers."""

    outcomes: int
    clauses: tuple[str, ...]
    alternatives: tuple[str, ...]
    missing: tuple[Gap, ...]
    form: int = 0
    fen: int = NO_FEN
    low: int = NO_FEN
    high: int = NO_FEN


class Filling:
    """The columns of some answers while they are being filled, a row for each measure that a subject may get."""

    def __init__(self, program: ir.Program, names: Names, whom: Subjects, households: int) -> None:
        self.names, self.whom = names, whom
        order = list(program.measures)
        asked = [
            [n for n, one in enumerate(program.measures.values()) if kind in one.entities]
            for kind in whom.kinds
        ]
        self.ranks = {
            (kind, order[measure]): rank
            for kind, its in zip(whom.kinds, asked, strict=True) for rank, measure in enumerate(its)
        }  # fmt: skip
        widths = np.array([len(its) for its in asked], np.int64)[whom.entity]
        self.starts = np.cumsum(widths) - widths
        self.subject = np.repeat(np.arange(len(whom)), widths)
        wide = np.full((len(asked), max(map(len, asked), default=0)), -1, np.int64)
        for kind, its in enumerate(asked):
            wide[kind, : len(its)] = its
        measures = wide[whom.entity].ravel()
        self.measure = measures[measures >= 0]
        total = len(self.subject)
        self.outcomes, self.form, self.clauses, self.alternatives = (
            np.zeros(total, np.int64) for _ in range(4)
        )
        self.fen, self.low, self.high = (np.full(total, NO_FEN, np.int64) for _ in range(3))
        self.missing: dict[int, tuple[Gap, ...]] = {}
        self.found: list[Found] = []
        self.answered = np.ones(households, np.bool_)
        self._order = {
            name: n
            for n, name in enumerate([*program.clauses, *(note.basis.name.id for note in program.notes)])
        }

    @cached_property
    def at(self) -> dict[tuple[int, str], int]:
        """Each subject by its household and where it stands in it."""
        whom = self.whom
        addresses = zip(whom.household.tolist(), whom.path.to_pylist(), strict=True)
        return {address: number for number, address in enumerate(addresses)}

    def rows(self, subjects: Ints, measure: str) -> Ints:
        """The rows of a measure for some subjects of one kind."""
        kind = self.whom.kinds[self.whom.entity[subjects[0]]] if len(subjects) else ""
        return self.starts[subjects] + (self.ranks[kind, measure] if kind else 0)

    def row(self, household: int, path: str, measure: str, cells: Cells) -> None:
        """Fills in one row."""
        subject = self.at[household, path]
        row = int(self.starts[subject]) + self.ranks[self.whom.kinds[self.whom.entity[subject]], measure]
        self.outcomes[row], self.form[row] = cells.outcomes, cells.form
        self.fen[row], self.low[row], self.high[row] = cells.fen, cells.low, cells.high
        self.clauses[row] = self.names.number(cells.clauses)
        self.alternatives[row] = self.names.number(cells.alternatives)
        self.missing.pop(row, None)
        if cells.missing:
            self.missing[row] = cells.missing

    def answers(self, keys: pa.Array, places: Sequence[str], bad: Iterable[Bad]) -> Answers:
        """What was filled in, without the households that were set aside."""
        kept = self.answered[self.whom.household[self.subject]]
        rows = np.flatnonzero(kept)
        number = np.cumsum(kept) - 1
        missing = {int(number[row]): gaps for row, gaps in sorted(self.missing.items()) if kept[row]}
        found = [one for one in self.found if self.answered[self.whom.household[one.subject]]]
        found.sort(key=lambda one: (one.subject, self._order[one.rule]))
        return Answers(
            keys, places, self.answered, self.whom, self.names, self.subject[rows], self.measure[rows],
            self.outcomes[rows], self.form[rows], self.fen[rows], self.low[rows], self.high[rows], self.clauses[rows],
            self.alternatives[rows], missing, tuple(found), tuple(bad),
        )  # fmt: skip
