"""One household as records: what was given of each, with its paper and date, and which lists are complete.

Nothing is filled in. A fact that is not in `facts`, or is there without a value, is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from policykit.diagnostics import Diagnostic
from policykit.values import Gap, Value

#: how input writes what is said of records, values and lists, in either language
Keys: TypeAlias = Mapping[Any, str]
ID_KEYS: Keys = {"id": "id", "编号": "id"}
REF_KEYS: Keys = {"ref": "ref", "引用": "ref"}
FACT_KEYS: Keys = {
    "value": "value", "值": "value", "source": "source", "来源": "source", "date": "date", "日期": "date",
    "by": "by", "判断人": "by", "reason": "reason", "理由": "reason", "unknown": "unknown", "未知": "unknown",
}  # fmt: skip
LIST_KEYS: Keys = {
    "items": "items", "条目": "items", "complete": "complete", "核对完成": "complete", "cause": "cause", "原因": "cause",
    "unknown": "unknown", "未知": "unknown",
}  # fmt: skip
NOTE_KEYS = {"note", "备注"}

MAX_DEPTH = 64
MAX_RECORDS = 10_000
MAX_VALUES = 1_000_000
MAX_FAULTS = 200  # reading stops there: a file of another kind altogether has a fault in every line


def path_text(path: Sequence[str | int]) -> str:
    """Where a record or a fact stands, as results write it: members[0].obligors[1]."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def path_parts(text: str) -> tuple[str | int, ...]:
    """The same read back: names, and positions from 0."""
    found: list[str | int] = []
    for part in text.split("."):
        name, _, number = part.partition("[")
        found += [name, int(number[:-1])] if number else [name]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Given:
    """One fact as given: its value (`None`: unknown, and `cause` says why), its paper and the paper's date."""

    value: Value | None
    source: str = ""
    date: date | None = None
    by: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as given; one that is not complete may hold further elements, and `cause` says why."""

    items: tuple[Instance, ...]
    complete: bool
    cause: str = ""


@dataclass(slots=True, eq=False)
class Instance:
    """One record: a household, a person, an award. `path` is where it stands in the input.

    `upper` is the record it lies in as a member. `rest` is set on the stand-in for the unknown further elements of
    a list, and is that list's gap: whatever such a record would say is missing because the list is.
    """

    entity: str
    path: str
    upper: Instance | None = None
    facts: dict[str, Given] = field(default_factory=dict)
    lists: dict[str, Listing] = field(default_factory=dict)
    rest: Gap | None = None

    def __repr__(self) -> str:
        return f"<{self.entity} {self.path}>"

    def known(self, fact: str) -> Any:
        """The plain value of a fact, or `None` when it is 无 or unknown."""
        given = self.facts.get(fact)
        return given.value.value if given and given.value is not None and given.value.known else None


@dataclass(frozen=True, slots=True)
class Case:
    """The records of one household, and what was noted on reading them.

    `subjects` are the root and its members, those of members included, in input order: the records that decisions
    are made about.
    """

    root: Instance
    subjects: tuple[Instance, ...]
    index: dict[str, Instance]
    notes: tuple[Diagnostic, ...]
    digest: str

    def of(self, entity: str) -> Iterator[Instance]:
        """The subjects of one entity."""
        return (instance for instance in self.subjects if instance.entity == entity)


#: no household at all, for what is said about the rules alone
NOBODY = Case(Instance("", ""), (), {}, (), "")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an approver decided under a clause that leaves it open: the quantities chosen, or `None` for a refusal.

    `application` is the day of the application it decides, where it names one.
    """

    clause: str
    subject: Instance
    day: date
    by: str
    reason: str
    choices: tuple[tuple[str, int], ...] | None
    application: date | None = None


@dataclass(frozen=True, slots=True)
class Election:
    """Which of several measures that exclude each other a household chose to draw."""

    exclusive: str
    subject: Instance
    measure: str
    day: date
    by: str
