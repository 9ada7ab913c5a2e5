"""Registers: every household of one evaluated, into tables in memory or into files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa

from policykit.batch import changes, tables
from policykit.batch.answers import SIZE, Answering
from policykit.batch.changes import Difference
from policykit.batch.chunks import Bad, Chunk, households, refused
from policykit.batch.filling import Answers
from policykit.batch.sections import Section, Telling, data
from policykit.batch.sources import Register
from policykit.batch.summary import Summary
from policykit.batch.tables import Labels
from policykit.batch.writing import Output, Shelf, as_json
from policykit.diagnostics import Diagnostic, Language, PolicyError
from policykit.loader import Policies
from policykit.result import rules_of

#: what may stand beside the output, under its name and one of these
BAD, SUMMARY = ".bad.csv", ".summary.json"
FINDINGS, CHANGES = ".findings", ".changes"  # and the ending of the output again


@dataclass(frozen=True, slots=True)
class Batch:
    """The answers on a register: one row for each measure and subject, what the rules find, what was set aside."""

    decisions: pa.Table
    findings: pa.Table
    bad: tuple[Bad, ...]
    summary: Summary


def evaluate_batch(
    register: Mapping[str, Any] | str | Path,
    policies: Policies | None = None,
    *,
    on: date,
    parameters: str | Path | None = None,
    exact: bool = False,
    findings: bool = True,
    by: str = "",
    complete: Iterable[str] = (),
    language: Language = "zh",
) -> Batch:
    """Decides every measure for every household of a register, on one day.

    `register` has a table for each kind of record (`{"household": …, "members": …}`: Arrow tables or files), or is a file;
    `complete` names the lists of which it has every record. Policies and parameters are those of `evaluate`. Where
    facts are missing an answer is what the bounds level says; `exact` asks further, and takes longer. `findings` asks
    also what the rules find, list and refer.

    A household that cannot be read is among `bad` and stops nothing. Raises `PolicyError` when nothing can be read.
    """
    rules = rules_of(policies, parameters)
    asking = Answering(rules, on, exact=exact, findings=findings, by=by, language=language)
    summary = Summary(asking.measures)
    decided, found = [tables.DECISIONS.empty_table()], [tables.FINDINGS.empty_table()]
    bad: list[Bad] = []
    for chunk in Register(register, rules.program, language, complete=complete).chunks(SIZE):
        answers = asking.answers(chunk)
        summary.add(answers)
        decided.append(tables.decisions(answers, rules.program))
        found.append(tables.findings(answers))
        bad += answers.bad
    return Batch(pa.concat_tables(decided), pa.concat_tables(found), tuple(bad), summary)


@dataclass(frozen=True, slots=True)
class One:
    """One household of a register: as `evaluate` takes it, and where it stands."""

    household: Mapping[str, Any]
    chunk: Chunk
    number: int
    register: Register

    def placed(self, found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
        """What was found while it was read, each at its cell."""
        return refused(self.chunk, self.number, found, self.register.program, self.register.language).reasons


def one_household(register: Register, key: str) -> One | None:
    """The household with a number; raises `PolicyError` where it was set aside."""
    aside: list[Diagnostic] = []
    for chunk in register.chunks():
        for number in range(len(chunk)):
            if chunk.key(number) == key:
                found = next(iter(households(chunk, register.program, [number])))
                return One(found, chunk, number, register)
        aside += [reason for bad in chunk.bad if bad.key == key for reason in bad.reasons]
    if aside:
        raise PolicyError(aside)
    return None


@dataclass(frozen=True, slots=True)
class Side:
    """A register as one rule set reads it, and what asks that rule set."""

    register: Register
    asking: Answering
    labels: Labels

    @property
    def total(self) -> int | None:
        """How many households there are, once that is known."""
        if self.register.lines:
            return sum(_lines(file) for file in self.register.lines)
        return self.register.households

    @staticmethod
    def of(
        source: Path, policies: Policies, on: date, *, exact: bool, findings: bool, by: str,
        complete: Sequence[str], mask: bool, language: Language,
    ) -> Side:  # fmt: skip
        asking = Answering(policies, on, exact=exact, findings=findings, by=by, mask=mask, language=language)
        register = Register(source, policies.program, language, complete=complete)
        return Side(register, asking, Labels(policies.program, language, asking.place))


def _lines(file: Path) -> int:
    with file.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def write(
    side: Side, out: Path, other: Side | None = None, told: Callable[[int], None] = lambda done: None
) -> Done:
    """Evaluates a register into files, under the rules of `other` too where there is one; `told` hears now and then how
    many households are done. Raises `OSError` when the files cannot be written."""
    done = Done(side, other)
    with Output(out) as output, Shelf(output, side.labels) as shelf:
        for answers, after in _both(side, other, told):
            done.add(shelf, answers, after)
        done.finish(shelf)
        output.finish([BAD, SUMMARY, *(f"{name}{out.suffix}" for name in (FINDINGS, CHANGES))])
    return done


def _both(
    side: Side, other: Side | None, told: Callable[[int], None]
) -> Iterator[tuple[Answers, Answers | None]]:
    """The answers of one rule set chunk by chunk, and those of the other on the same households."""
    if other is not None:
        other.asking.names = side.asking.names
    others = repeat(None) if other is None else other.register.chunks(SIZE)
    for mine, its in zip(side.register.chunks(SIZE), others, strict=other is not None):
        answers = side.asking.answers(mine, lambda count, before=mine.first: told(before + count))  # type: ignore[misc]
        if other is None or its is None:
            yield answers, None
        else:
            assert mine.keys.equals(its.keys), "both read one register"
            yield answers, other.asking.answers(its)
        told(mine.first + len(mine))


class Done:
    """What one run came to."""

    def __init__(self, side: Side, other: Side | None) -> None:
        self.side, self.other = side, other
        self.summary = Summary(side.asking.measures)
        self.telling = Telling(side.labels, side.asking.place, side.asking.on)
        self.difference: Difference | None = None
        if other is not None:
            self.difference = Difference(self.summary, Summary(other.asking.measures))

    def add(self, shelf: Shelf, answers: Answers, after: Answers | None) -> None:
        """Counts and writes the answers on some households."""
        labels, people = self.side.labels, shelf.people
        self.summary.add(answers)
        shelf.write(
            "", tables.labelled(answers, labels) if people else tables.decisions(answers, labels.program)
        )
        if self.side.asking.searching:
            shelf.write(
                FINDINGS, tables.labelled_findings(answers, labels) if people else tables.findings(answers)
            )
        if after is not None and self.other is not None and self.difference is not None:
            self.difference.after.add(after)
            found = changes.changes(answers, after, (self.side.asking.measures, self.other.asking.measures))
            self.difference.add(found)
            shelf.write(
                CHANGES,
                changes.labelled(found, labels, self.other.labels) if people else changes.table(found),
            )
        if answers.bad:
            shelf.bad(BAD, tables.bad_rows(answers.bad, labels))

    def finish(self, shelf: Shelf) -> None:
        shelf.finish(SUMMARY, list(self.sections()), as_json(self.data()))

    def sections(self) -> Iterator[Section]:
        """The summary as small tables."""
        yield from self.telling.sections(self.summary)
        if self.difference is not None and self.other is not None:
            yield from changes.sections(self.difference, self.side.labels, self.other.labels)

    def data(self) -> dict[str, Any]:
        """The summary with identifiers, money in fen."""
        found = data(self.summary, self.side.asking)
        if self.difference is not None and self.other is not None:
            found["after"] = data(self.difference.after, self.other.asking)
            found["changes"] = changes.data(self.difference)
        return found
