"""What the answers on a register come to together: counts and money by measure, clause and place, what is not known, findings.

It grows by one chunk after another and holds nothing of a single household.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policykit.batch.chunks import Bad
from policykit.batch.filling import FORMS, Answers, Ints
from policykit.batch.tables import ALL_OUTCOMES, SETTLED
from policykit.diagnostics import Diagnostic

GRANTED, UNDETERMINED = ALL_OUTCOMES.index("granted"), ALL_OUTCOMES.index("undetermined")
_POSITION = re.compile(r"\[[^]]*\]")


@dataclass(slots=True)
class Paid:
    """What is granted: to how many subjects, in how many households, for how many people, and how much by month and once.

    `people` counts each person granted something, and all members of a household that is granted something as a whole.
    `open` are grants whose amount is not settled, or that the household has to choose among: they are in no sum.
    """

    subjects: int = 0
    households: int = 0
    people: int = 0
    monthly: int = 0
    once: int = 0
    open: int = 0


@dataclass(slots=True)
class Waits:
    """How often something that is not known keeps an answer open, in how many households, and how often alone."""

    answers: int = 0
    households: int = 0
    alone: int = 0


@dataclass(slots=True)
class Refused:
    """How many households or rows were set aside for one kind of reason, and the first such reason."""

    first: Diagnostic
    count: int = 0


@dataclass(slots=True)
class Summary:
    """Everything counted so far. Measures and clauses are identifiers; several clauses together are joint grounds."""

    measures: tuple[str, ...]
    households: int = 0
    people: int = 0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    by_measure: dict[str, Paid] = field(default_factory=lambda: defaultdict(Paid))
    by_clause: dict[tuple[str, tuple[str, ...]], Paid] = field(default_factory=lambda: defaultdict(Paid))
    by_place: dict[tuple[str, str], Paid] = field(default_factory=lambda: defaultdict(Paid))
    open_by_place: Counter[str] = field(default_factory=Counter)
    households_by_place: Counter[str] = field(default_factory=Counter)
    waits: dict[tuple[str, str, str], Waits] = field(default_factory=lambda: defaultdict(Waits))
    findings: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    possible: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    bad: int = 0
    bad_by_code: dict[str, Refused] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outcomes = {measure: Counter() for measure in self.measures}
        for measure in self.measures:
            self.by_measure[measure] = Paid()

    def add(self, answers: Answers) -> None:
        members = answers.subjects.members(len(answers.keys))
        outcome = SETTLED[answers.outcomes]
        names, place = np.unique(np.array(answers.places, object), return_inverse=True)
        places = [str(name) for name in names]
        households = answers.subjects.household[answers.subject]
        self.households += int(answers.answered.sum())
        self.people += int(members[answers.answered].sum())
        for number, measure in enumerate(self.measures):
            self.outcomes[measure].update(_counted(ALL_OUTCOMES, outcome[answers.measure == number]))
        self.households_by_place.update(_counted(places, place[answers.answered]))
        self.open_by_place.update(_counted(places, place[households[outcome == UNDETERMINED]]))
        self._paid(answers, np.flatnonzero(outcome == GRANTED), members, place, places)
        self._waiting(answers, outcome, households)
        for one in answers.found:
            (self.findings if one.sure else self.possible)[one.kind, one.name, one.rule] += 1
        self.set_aside(answers.bad)

    def set_aside(self, bad: Iterable[Bad]) -> None:
        """Counts what was not evaluated, each household or row once for each kind of reason."""
        for one in bad:
            self.bad += 1
            for code, reason in {reason.code: reason for reason in reversed(one.reasons)}.items():
                self.bad_by_code.setdefault(code, Refused(reason)).count += 1

    def _paid(self, answers: Answers, rows: Ints, members: Ints, place: Ints, places: Sequence[str]) -> None:
        subject, measure, clauses = answers.subject[rows], answers.measure[rows], answers.clauses[rows]
        household = answers.subjects.household[subject]
        whole = np.zeros(len(answers.subjects), np.bool_)
        whole[answers.subjects.lists[""]] = True
        sure = answers.paid[rows]
        values = {
            "subjects": np.ones(len(rows), np.int64),
            "people": np.where(whole[subject], members[household], 1),
            "open": (~sure).astype(np.int64),
            **{form: np.where(sure & (answers.form[rows] == FORMS.index(form)), answers.fen[rows], 0)
               for form in ("monthly", "once")},
        }  # fmt: skip
        wide = len(self.measures)
        for key, sums in grouped(measure, household, values):
            add(self.by_measure[self.measures[key]], sums)
        for key, sums in grouped(clauses * wide + measure, household, values):
            add(self.by_clause[self.measures[key % wide], answers.names.sets[key // wide]], sums)
        for key, sums in grouped(place[household] * wide + measure, household, values):
            add(self.by_place[places[key // wide], self.measures[key % wide]], sums)

    def _waiting(self, answers: Answers, outcome: Ints, households: Ints) -> None:
        sets, numbers = answers.waiting()
        different: dict[tuple[str, str, str], int] = {}
        asked = [
            sorted({
                different.setdefault((g.kind, "" if g.kind == "parameter" else _POSITION.sub("", g.path), g.name), len(different))
                for g in gaps
            })
            for gaps in sets
        ]  # fmt: skip
        rows = np.flatnonzero((outcome == UNDETERMINED) & (numbers > 0))
        counts = np.array([len(codes) for codes in asked], np.int64)
        starts = np.cumsum(counts) - counts
        each = counts[numbers[rows]]
        at = np.arange(each.sum()) + np.repeat(starts[numbers[rows]] - (np.cumsum(each) - each), each)
        codes = np.array([code for those in asked for code in those], np.int64)[at]
        values = {
            "answers": np.ones(len(at), np.int64),
            "alone": np.repeat((each == 1).astype(np.int64), each),
        }
        names = list(different)
        for key, sums in grouped(codes, np.repeat(households[rows], each), values):
            add(self.waits[names[key]], sums)


def _counted(names: Sequence[str], numbers: NDArray[Any]) -> dict[str, int]:
    counts = np.bincount(numbers, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def grouped(key: Ints, household: Ints, values: Mapping[str, Ints]) -> Iterator[tuple[int, dict[str, int]]]:
    """Sums for each key, with the number of different households; rows of one household stand together."""
    if not len(key):
        return
    order = np.argsort(key, kind="stable")
    key, household = key[order], household[order]
    fresh = np.ones(len(key), np.int64)
    fresh[1:] = (key[1:] != key[:-1]) | (household[1:] != household[:-1])
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    sums = {name: np.add.reduceat(of[order], starts) for name, of in values.items()}
    sums["households"] = np.add.reduceat(fresh, starts)
    for number, start in enumerate(starts):
        yield int(key[start]), {name: int(of[number]) for name, of in sums.items()}


def add(paid: Any, sums: Mapping[str, int]) -> None:
    for name, value in sums.items():
        setattr(paid, name, getattr(paid, name) + value)
