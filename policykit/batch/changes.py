"""Before and after: the answers of two rule sets on the same households, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from policykit.batch.filling import FORMS, NO_FEN, OUTCOMES, Answers, Ints
from policykit.batch.sections import Cell, Section, yuan
from policykit.batch.summary import GRANTED, UNDETERMINED, Paid, Summary, add, grouped
from policykit.batch.tables import (
    ALL_OUTCOMES,
    NAMES,
    SETTLED,
    SUBJECT,
    WORD,
    Labels,
    coded,
    in_yuan,
    renamed,
    whom,
)

#: how an answer moves; `unclear` where one of the two is open, `grounds` where only the deciding clauses differ
WAYS = {
    "gains": ("得到", "gains"), "loses": ("失去", "loses"), "more": ("更多", "gets more"), "less": ("更少", "gets less"),
    "unclear": ("说不定", "unclear"), "grounds": ("只是依据变了", "other grounds only"), "otherwise": ("别的变化", "changes otherwise"),
}  # fmt: skip
GAINS, LOSES, MORE, LESS, UNCLEAR, GROUNDS, OTHERWISE = range(len(WAYS))

CHANGES = pa.schema([
    *SUBJECT, ("measure", WORD), ("way", WORD), ("outcome_before", WORD), ("outcome_after", WORD),
    ("fen_before", pa.int64()), ("fen_after", pa.int64()), ("form_before", WORD), ("form_after", WORD),
    ("clauses_before", NAMES), ("clauses_after", NAMES),
])  # fmt: skip

_NOT_COVERED = OUTCOMES.index("not_covered")  # what a measure comes to that a rule set does not know
_COVERED = [ALL_OUTCOMES.index(name) for name in ("granted", "discretionary")]


@dataclass(frozen=True, slots=True)
class Side:
    """The answers of one rule set, row for row beside those of the other; a row that it does not know is −1."""

    answers: Answers
    rows: Ints

    def of(self, column: NDArray[Any], absent: Any) -> NDArray[Any]:
        found = column[self.rows] if len(column) else np.full(len(self.rows), absent, column.dtype)
        return np.where(self.rows < 0, absent, found)

    @property
    def outcome(self) -> Ints:
        return self.of(SETTLED[self.answers.outcomes], _NOT_COVERED)

    @property
    def paid(self) -> NDArray[np.bool_]:
        return self.of(self.answers.paid, False)

    @property
    def fen(self) -> Ints:
        return np.where(self.paid, self.of(self.answers.fen, NO_FEN), NO_FEN)

    @property
    def form(self) -> Ints:
        return self.of(self.answers.form, 0).astype(np.int64)

    @property
    def clauses(self) -> Ints:
        return self.of(self.answers.clauses, 0)

    @property
    def open(self) -> NDArray[np.bool_]:
        granted = self.outcome == GRANTED
        unsettled = self.of((self.answers.form > 0) & (self.answers.fen == NO_FEN), False)
        found: NDArray[np.bool_] = (self.outcome == UNDETERMINED) | (granted & unsettled)
        return found

    def like(self, other: Side) -> NDArray[np.bool_]:
        """Whether both say the same of outcome and amount."""
        absent = {
            "outcomes": 1 << _NOT_COVERED,
            "form": 0,
            "fen": NO_FEN,
            "low": NO_FEN,
            "high": NO_FEN,
            "alternatives": 0,
        }
        same: NDArray[np.bool_] = np.ones(len(self.rows), np.bool_)
        for name, nothing in absent.items():
            mine, its = (side.of(getattr(side.answers, name), nothing) for side in (self, other))
            same = same & (mine == its)
        return same


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs for some households: whose answer, on which of `measures`, in which way."""

    measures: tuple[str, ...]
    subject: Ints
    measure: Ints
    way: Ints
    before: Side
    after: Side

    def __len__(self) -> int:
        return len(self.subject)


def changes(before: Answers, after: Answers, measures: tuple[tuple[str, ...], tuple[str, ...]]) -> Changes:
    """The answers of two rule sets on the same households that differ; households that one of them set aside are not
    compared. Both number clauses by the same `names`."""
    every = tuple(dict.fromkeys([*measures[0], *measures[1]]))
    mine, its = (_addresses(answers) for answers in (before, after))
    places = pc.index_in(its, value_set=mine).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    compared = before.answered & after.answered
    numbered = [
        _numbered(answers, at, [every.index(name) for name in own], len(every), compared)
        for answers, own, at in ((before, measures[0], np.arange(len(mine))), (after, measures[1], places))
    ]
    union = np.union1d(*(codes for codes, _ in numbered))
    sides = [
        Side(answers, _beside(union, codes, rows))
        for answers, (codes, rows) in zip((before, after), numbered, strict=True)
    ]
    way = _ways(*sides)
    found = np.flatnonzero(way >= 0)
    return Changes(
        every, union[found] // len(every), union[found] % len(every), way[found],
        *(Side(side.answers, side.rows[found]) for side in sides),
    )  # fmt: skip


def _numbered(
    answers: Answers, at: Ints, measures: list[int], many: int, compared: NDArray[np.bool_]
) -> tuple[Ints, Ints]:
    """The rows that are compared, by a number that subject and measure have on both sides; in the order of these."""
    numbers = at[answers.subject] * many + np.array(measures, np.int64)[answers.measure]
    kept = np.flatnonzero(compared[answers.subjects.household[answers.subject]] & (at[answers.subject] >= 0))
    order = np.argsort(numbers[kept])
    return numbers[kept][order], kept[order]


def _beside(union: Ints, numbers: Ints, rows: Ints) -> Ints:
    """The row of each number of `union`, −1 where there is none."""
    found = np.full(len(union), -1, np.int64)
    found[np.searchsorted(union, numbers)] = rows
    return found


def _addresses(answers: Answers) -> pa.Array:
    """Each subject by its household and where it stands in it."""
    household = pc.cast(pa.array(answers.subjects.household), pa.string())
    return pc.binary_join_element_wise(household, answers.subjects.path, "/")


def _ways(before: Side, after: Side) -> Ints:
    """How each answer moves; −1 where it does not."""
    covered = [np.isin(side.outcome, _COVERED) for side in (before, after)]
    both = before.paid & after.paid & (before.form == after.form)
    same = before.like(after)
    granted = before.outcome == GRANTED
    return np.select(
        [
            same & (before.clauses != after.clauses) & granted, same, before.open | after.open,
            ~covered[0] & covered[1], covered[0] & ~covered[1], both & (after.fen > before.fen), both & (after.fen < before.fen),
        ],
        [GROUNDS, -1, UNCLEAR, GAINS, LOSES, MORE, LESS],
        OTHERWISE,
    )  # fmt: skip


# ---- counted -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Moved:
    """How many answers move in one way, in how many households, and by how much a month and once, where both are settled."""

    subjects: int = 0
    households: int = 0
    monthly: int = 0
    once: int = 0


@dataclass(slots=True)
class Difference:
    """What two rule sets differ by, counted so far: by measure and way, and by the clauses before and after."""

    before: Summary
    after: Summary
    by_way: dict[tuple[str, int], Moved] = field(default_factory=lambda: defaultdict(Moved))
    by_clause: dict[tuple[str, int, tuple[str, ...], tuple[str, ...]], Moved] = field(
        default_factory=lambda: defaultdict(Moved)
    )
    households: int = 0

    def add(self, found: Changes) -> None:
        """Counts the changes of some households; the two summaries are counted by whoever has the answers."""
        whom, names = found.before.answers.subjects, found.before.answers.names.sets
        household = whom.household[found.subject]
        self.households += len(np.unique(household))
        clear = found.way != UNCLEAR
        values = {"subjects": np.ones(len(found), np.int64)}
        for number, form in enumerate(FORMS[1:], 1):
            paid = [
                np.where(clear & side.paid & (side.form == number), side.fen, 0)
                for side in (found.before, found.after)
            ]
            values[form] = paid[1] - paid[0]
        for key, sums in grouped(found.measure * len(WAYS) + found.way, household, values):
            add(self.by_way[found.measures[key // len(WAYS)], key % len(WAYS)], sums)
        many = len(names)
        grounds, key_of = np.unique(found.before.clauses * many + found.after.clauses, return_inverse=True)
        key = (key_of * len(found.measures) + found.measure) * len(WAYS) + found.way
        for one, sums in grouped(key, household, values):
            rest, way = divmod(one, len(WAYS))
            ground, measure = divmod(rest, len(found.measures))
            old, new = divmod(int(grounds[ground]), many)
            add(self.by_clause[found.measures[measure], way, names[old], names[new]], sums)


# ---- as tables ---------------------------------------------------------------------------------------------------------


def table(found: Changes) -> pa.Table:
    """One row for each answer that differs, with identifiers and fen."""
    answers, sides = found.before.answers, (found.before, found.after)
    sets = pa.array(answers.names.sets, NAMES)
    columns = [
        *whom(answers, found.subject),
        coded(found.measure, found.measures),
        coded(found.way, tuple(WAYS)),
        *(coded(side.outcome, ALL_OUTCOMES) for side in sides),
        *(pa.array(side.fen, mask=side.fen == NO_FEN) for side in sides),
        *(coded(side.form - 1, FORMS[1:]) for side in sides),
        *(sets.take(pa.array(side.clauses)) for side in sides),
    ]
    return pa.Table.from_arrays(columns, schema=CHANGES)


def labelled(found: Changes, before: Labels, after: Labels) -> pa.Table:
    """The same with labels, and money as exact yuan."""
    plain, columns = table(found), {}
    for name in CHANGES.names:
        column = plain.column(name).combine_chunks()
        labels = after if name.endswith("_after") else before
        match name.split("_")[0]:
            case "measure":
                column = renamed(
                    column, lambda one: (before if one in before.program.measures else after).measure(one)
                )
            case "way":
                column = renamed(column, lambda one: before.say(*WAYS[one]))
            case "outcome":
                column = renamed(column, labels.outcome)
            case "form":
                column = renamed(column, labels.form)
            case "fen":
                column = in_yuan(column)
            case "clauses":
                column = pa.array(
                    [labels.listed(map(labels.rule, names)) or None for names in column.to_pylist()],
                    pa.string(),
                )
            case "subject":
                column = renamed(column.dictionary_encode(), labels.path)
        columns[name] = column
    return before.table(columns)


def sections(found: Difference, before: Labels, after: Labels) -> Iterator[Section]:
    """What differs as small tables: the cost, who gains and loses, and by which clauses."""
    say = before.say

    def measure(name: str) -> str:
        return (before if name in before.program.measures else after).measure(name)

    measures = list(dict.fromkeys([*found.before.measures, *found.after.measures]))
    costs = []
    for name in measures:
        old, new = (side.by_measure.get(name, Paid()) for side in (found.before, found.after))
        costs.append((
            measure(name), old.households, new.households, yuan(old.monthly), yuan(new.monthly), yuan(new.monthly - old.monthly),
            yuan(old.once), yuan(new.once), yuan(new.once - old.once),
        ))  # fmt: skip
    total = [sum((row[column] for row in costs), Decimal(0)) for column in range(3, 9)]
    yield Section(
        say("变化：给予的户数和钱，前后对照", "Changes: households and money granted, before and after"),
        (
            before.heading("measure"), say("原户数", "Households before"), say("新户数", "Households after"),
            say("原每月（元）", "Monthly before (yuan)"), say("新每月（元）", "Monthly after (yuan)"), say("每月增减（元）", "Monthly change (yuan)"),
            say("原一次（元）", "Once before (yuan)"), say("新一次（元）", "Once after (yuan)"), say("一次增减（元）", "Once change (yuan)"),
        ),
        (*costs, (say("合计", "Total"), None, None, *total)),
    )  # fmt: skip
    order = {name: number for number, name in enumerate(measures)}
    moved = (
        say("项", "Answers"),
        say("户", "Households"),
        say("每月增减（元）", "Monthly change (yuan)"),
        say("一次增减（元）", "Once change (yuan)"),
    )
    ways = tuple(WAYS.values())

    def numbers(one: Moved) -> tuple[Cell, ...]:
        return one.subjects, one.households, yuan(one.monthly), yuan(one.once)

    yield Section(
        say(f"谁变了：{found.households} 户有变化", f"Who changes: {found.households} households"),
        (before.heading("measure"), before.heading("way"), *moved),
        tuple((measure(name), say(*ways[way]), *numbers(one))
              for (name, way), one in sorted(found.by_way.items(), key=lambda item: (order[item[0][0]], item[0][1]))),
    )  # fmt: skip
    yield Section(
        say("按依据条款", "By deciding clauses"),
        (before.heading("measure"), before.heading("way"), before.heading("clauses_before"), before.heading("clauses_after"), *moved),
        tuple(
            (measure(name), say(*ways[way]), before.listed(map(before.rule, old)), after.listed(map(after.rule, new)), *numbers(one))
            for (name, way, old, new), one in sorted(
                found.by_clause.items(), key=lambda item: (order[item[0][0]], item[0][1], -item[1].subjects, item[0][2:]))
        ),
    )  # fmt: skip


def data(found: Difference) -> dict[str, Any]:
    """The same with identifiers, money in fen; what is counted on each side is in the summaries."""
    ways = tuple(WAYS)
    return {
        "households": found.households,
        "measures": [{"measure": name, "way": ways[way], **asdict(one)} for (name, way), one in sorted(found.by_way.items())],
        "clauses": [
            {"measure": name, "way": ways[way], "before": list(old), "after": list(new), **asdict(one)}
            for (name, way, old, new), one in sorted(found.by_clause.items())
        ],
    }  # fmt: skip
