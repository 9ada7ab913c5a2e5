"""The answers on some households, in columns, and how they are found.

Whoever asks sees one method, `Answering.answers`; which engine decides a household changes nothing but the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np

from policykit import ir
from policykit.batch.chunks import Chunk, households, refused
from policykit.batch.filling import FORMS, NO_FEN, OUTCOMES, Answers, Cells, Filling, Found, Names
from policykit.batch.places import place_of
from policykit.batch.subjects import subjects
from policykit.batch.together import Blocks
from policykit.diagnostics import Language, PolicyError
from policykit.engine import compiled
from policykit.engine.interpreter import Interpreter
from policykit.explain.words import Words
from policykit.facts import Instance
from policykit.loader import Policies
from policykit.result import Read, read_household
from policykit.trace import Decision
from policykit.values import Bounds, either

SIZE = 8_192  # households in a block, which then fits the caches of a processor
GROUP = 1_000  # households that are read before they are asked about together
FEW = 30  # with fewer it is quicker to ask about each
STEP = 50  # households between two words on how far it is, where each is read by itself


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
        self.quick = compiled.compiled(self.program, on)
        self.searching = findings
        self.blocks = Blocks(self.program, on, findings)
        self._records = [
            (name, versions[0].entity) for name, versions in self.program.clauses.items()
            if any(isinstance(one.effect, ir.Record) for one in versions)
        ]  # fmt: skip

    def answers(self, chunk: Chunk, told: Callable[[int], None] = lambda done: None) -> Answers:
        """The answers on the households of a chunk; those that cannot be read are among the bad. `told` hears now and
        then how many are done."""
        whom = subjects(self.program, chunk)
        if self.mask:
            whom = whom.masked(Words(self.program, self.language, mask=True))
        filling = Filling(self.program, self.names, whom, len(chunk))
        bad = list(chunk.bad)
        rest = np.ones(len(chunk), np.bool_) if self.exact else self.blocks.fill(filling, chunk)
        numbers = np.flatnonzero(rest).tolist()
        each = households(chunk, self.program, None if len(numbers) == len(chunk) else numbers)
        group: list[tuple[int, Read]] = []
        for done, (number, household) in enumerate(
            zip(numbers, each, strict=True), len(chunk) - len(numbers)
        ):
            if not done % STEP:
                told(done)
            try:
                if not self.searching and self._quickly(filling, number, dict(household)):
                    continue
                read = read_household(household, self.policies, on=self.on, language=self.language)
                if read.errors:
                    raise PolicyError(read.errors)
                group.append((number, read))
            except PolicyError as error:
                errors = [one for one in error.diagnostics if one.severity == "error"]
                bad.append(refused(chunk, number, errors, self.program, self.language))
                filling.answered[number] = False
            if len(group) >= GROUP:
                self._read(filling, group)
                group = []
        self._read(filling, group)
        places = self.place.of(chunk) if self.place is not None else [""] * len(chunk)
        return filling.answers(chunk.keys, places, bad)

    def _quickly(self, filling: Filling, number: int, household: dict[str, Any]) -> bool:
        """Fills in what the compiled engine decides on one household, if it does."""
        decided = self.quick.decide(household, self.exact)
        for row in decided.rows if decided is not None else ():
            path = row.path if isinstance(row, compiled.Row) else row.subject.path
            filling.row(number, path, row.measure, _cells(row))
        return decided is not None

    def _read(self, filling: Filling, group: list[tuple[int, Read]]) -> None:
        """Fills in the answers on households that were read: several together in a block, others by the reference."""
        plain = [(number, read.case) for number, read in group if not (read.rulings or read.elections)]
        alone = {number for number, _ in group}
        if len(plain) >= FEW and not self.exact:
            alone -= self.blocks.fill_read(filling, plain)
        for number, read in group:
            if number in alone:
                self._by_reference(filling, number, read)

    def _by_reference(self, filling: Filling, number: int, read: Read) -> None:
        asking = Interpreter(self.program, read.case, self.on, read.rulings, read.elections)
        for measure, record in asking.questions():
            filling.row(number, record.path, measure, _cells(asking.decision(measure, record, self.exact)))
        if self.searching:
            at = {record: filling.at[number, record.path] for record in read.case.subjects}
            filling.found += self._found(asking, read, at)

    def _found(self, asking: Interpreter, read: Read, at: Mapping[Instance, int]) -> Iterator[Found]:
        """What the rules find, list or refer on a household, and what the tool notes."""
        for name, entity in self._records:
            for record in read.case.of(entity):
                standing = [
                    one for one in asking.first.statuses(name, record)
                    if one.stands.hi and isinstance(one.clause.effect, ir.Record)
                ]  # fmt: skip
                if standing and isinstance(effect := standing[0].clause.effect, ir.Record):
                    sure = bool(either(one.stands for one in standing).lo)
                    yield Found(at[record], effect.kind, name, effect.name, effect.text, sure)
        for one in asking.notes():
            called = one.note.basis.name
            yield Found(at[one.subject], "note", called.id, called.zh, one.note.text, True)


def _bits(outcomes: Iterable[str]) -> int:
    return sum(1 << OUTCOMES.index(outcome) for outcome in outcomes)


def _cells(row: compiled.Row | Decision) -> Cells:
    """A decision of the compiled engine, or of the reference engine."""
    if isinstance(row, compiled.Row):
        cells = Cells(_bits([row.outcome]), row.clauses, row.alternatives, ())
        if row.pay is None:
            return cells
        return _paid(cells, row.pay.form, row.pay.low, row.pay.high, row.pay.low == row.pay.high)
    cells = Cells(_bits(row.outcomes), row.clauses, row.alternatives, row.missing)
    if row.payment is None:
        return cells
    amount = row.payment.amount
    assert isinstance(amount, Bounds)
    return _paid(cells, row.payment.rule.form, amount.lo, amount.hi, amount.known)


def _paid(cells: Cells, form: str, low: Any, high: Any, known: bool) -> Cells:
    """A row with its amount; `None` is an open end. While it is open it may begin below 0; what is paid does not."""
    if low is not None:
        low = int(low) if known else max(0, int(low))
    return cells._replace(
        form=FORMS.index(form), fen=low if known and low is not None else NO_FEN,
        low=NO_FEN if low is None else low, high=NO_FEN if high is None else int(high),
    )  # fmt: skip
