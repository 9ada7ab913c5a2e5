"""What the straight form found, as decisions, each built when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple

from policykit import ir
from policykit.engine.compiled.partly import Partly, possible
from policykit.engine.compiled.reading import Record
from policykit.engine.compiled.straight import Slot
from policykit.engine.compiled.verdicts import (
    BEATEN,
    STANDS,
    Pay,
    Row,
    Verdict,
    Way,
    judged,
)
from policykit.facts import Instance
from policykit.trace import Decision

Values = tuple[Any, ...]
Found = tuple[
    dict[str, Any], Values, Any
]  # the household, what its clauses came to, and those of each member
NOBODY = Record("", "")  # what prevails over a clause is told from the states alone


class Open(NamedTuple):
    """What a measure may come to: outcomes, the clauses that decide or may, and those whose amount may be paid."""

    outcomes: frozenset[str]
    clauses: tuple[str, ...]
    paying: tuple[Slot, ...]


class Outlook(NamedTuple):
    """The bounds of one decision: `low` and `high` are what may be granted, `None` where nothing is."""

    measure: str
    path: str
    outcomes: frozenset[str]
    clauses: tuple[str, ...]
    low: Any
    high: Any


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A measure for one kind of record; `settled` remembers what its clauses come to together, a handful of cases."""

    slots: tuple[Slot, ...]
    states: Callable[[Values], Any]
    settled: dict[Any, tuple[Verdict | Open, Slot | None]] = field(default_factory=dict)

    def verdict(self, values: Values) -> tuple[Verdict | Open, Slot | None]:
        """The outcome with its clauses, and where the amount is, if one is granted by one rule."""
        states = self.states(values)
        found = self.settled.get(states)
        if found is None:
            found = self.settled[states] = self.judged(values)
        return found

    def judged(self, values: Values) -> tuple[Verdict | Open, Slot | None]:
        states = [values[slot.state] for slot in self.slots]
        if any(state & (state - 1) for state in states):
            outcomes, clauses, paying = possible(states)
            names = tuple(self.slots[number].clause for number in clauses)
            return Open(outcomes, names, tuple(self.slots[number] for number in paying)), None
        ways = [Way(s.clause, values[s.state], False, s.rule, None, lambda record: []) for s in self.slots]
        verdict = judged(NOBODY, ways, ())
        paid = None
        if verdict.outcome == "granted" and len({way.rule for way in verdict.paying}) == 1:
            paid = next(s for s in self.slots if s.clause == verdict.paying[-1].clause)
        return verdict, paid


class Layout:
    """Where the straight form of a program leaves what each clause comes to."""

    def __init__(self, program: ir.Program, slots: list[Slot], members: str, member: str) -> None:
        order = {name: number for number, name in enumerate(program.clauses)}
        self.measures = program.measures
        self.root, self.members, self.member = program.root, members, member
        self.slots = {slot.clause: slot for slot in slots}
        self.questions: dict[tuple[str, str], Question] = {}
        for name, measure in program.measures.items():
            for kind in measure.entities:
                asked = [slot for slot in slots if (slot.measure, slot.entity) == (name, kind)]
                asked.sort(key=lambda slot: order[slot.clause])
                states = itemgetter(*(slot.state for slot in asked)) if asked else len
                self.questions[name, kind] = Question(tuple(asked), states)

        self.asked = {
            measure: asked for (measure, kind), asked in self.questions.items() if kind == self.root
        }

    def row(self, measure: str, kind: str, path: str, values: Values, own: Values) -> Row | None:
        """The decision on a measure for a record, from what its clauses came to; `None` while something of it is open."""
        question = self.questions[measure, kind]
        verdict, paid = question.verdict(values)
        if isinstance(verdict, Open):
            return None
        pay = None
        if paid is not None:
            amount = values[paid.pay]
            if amount.__class__ is tuple:
                return None
            pay = Pay(paid.form, amount, amount)
        over: tuple[str, ...] = ()
        if verdict.outcome == "superseded":
            over = tuple(sorted({name for slot in question.slots if values[slot.state] >= BEATEN
                                 for name in slot.beaters if self.stands(name, kind, values, own)}))  # fmt: skip
        return Row(measure, path, verdict.outcome, verdict.clauses, pay, over, ())

    def stands(self, clause: str, kind: str, values: Values, own: Values) -> bool:
        slot = self.slots[clause]
        return bool((values if slot.entity == kind else own)[slot.state] & STANDS)

    def outlook(self, measure: str, kind: str, path: str, values: Values) -> Outlook:
        """The bounds of that decision."""
        question = self.questions[measure, kind]
        verdict, paid = question.verdict(values)
        if isinstance(verdict, Open):
            outcomes, clauses, paying = verdict
        else:
            outcomes, clauses = frozenset([verdict.outcome]), verdict.clauses
            stand = {way.clause for way in verdict.paying}
            paying = tuple(slot for slot in question.slots if slot.clause in stand)
        sure = all(values[slot.state] == STANDS for slot in paying)
        if len({slot.rule for slot in paying}) > 1 and outcomes == {"granted"} and sure:
            paying = ()  # amounts in conflict
        amounts = [values[slot.pay] for slot in paying]
        spans = [one if one.__class__ is tuple else (one, one) for one in amounts]
        low, high = min((a for a, _ in spans), default=None), max((b for _, b in spans), default=None)
        return Outlook(measure, path, outcomes, clauses, low, high)


class Swift:
    """The decisions on one household by the straight form, and the household as it was then."""

    __slots__ = ("found", "layout")

    causes = False
    index: ClassVar[Mapping[str, Instance]] = {}

    def __init__(self, layout: Layout, found: Found) -> None:
        self.layout, self.found = layout, found

    @property
    def household(self) -> dict[str, Any]:
        return self.found[0]

    @property
    def rows(self) -> tuple[Row | Decision, ...]:
        """Every decision, measure by measure, the household before its members."""
        return tuple(self.decided(*question) for question in self.questions())

    def questions(self) -> Iterator[tuple[str, str, str, Values]]:
        """Every measure with its subject, its path, and what its clauses came to."""
        layout, (_, own, people) = self.layout, self.found
        for name, measure in layout.measures.items():
            if layout.root in measure.entities:
                yield name, layout.root, layout.root, own
            if layout.member in measure.entities:
                for number, values in enumerate(people):
                    yield name, layout.member, f"{layout.members}[{number}]", values

    def decided(self, measure: str, kind: str, path: str, values: Values) -> Row | Decision:
        found = self.layout.row(measure, kind, path, values, self.found[1])
        assert found is not None  # nothing is open
        return found

    def only(self, measure: str, subject: str | None) -> Row | Decision | None:
        """The one decision on a measure for a subject; `None` when there is none, or more than one."""
        layout, own = self.layout, self.found[1]
        if subject == layout.root and (measure, subject) in layout.questions:
            return self.decided(measure, subject, subject, own)
        asked = [one for one in self.questions() if one[0] == measure and subject in (None, one[2])]
        return self.decided(*asked[0]) if len(asked) == 1 else None

    def told(self, measure: str, subject: str) -> tuple[str, int | None] | None:
        """Outcome and amount of the household alone, without building a decision; `None` for all else."""
        layout = self.layout
        if subject != layout.root or measure not in layout.asked:
            return None
        own = self.found[1]
        verdict, paid = layout.asked[measure].verdict(own)
        assert isinstance(verdict, Verdict)  # nothing is open
        return verdict.outcome, None if paid is None else own[paid.pay]


class Unsure(Swift):
    """The same for a household with gaps: bounds, and what those leave open as the reference's tables tell it.

    `deeper` opens the household for those tables; nothing is asked of them before it is read.
    """

    __slots__ = ("deeper", "exact", "opened")

    def __init__(
        self, layout: Layout, found: Found, deeper: Callable[[dict[str, Any]], Partly], exact: bool
    ) -> None:
        super().__init__(layout, found)
        self.deeper, self.exact = deeper, exact
        self.opened: Partly | None = None

    @property
    def index(self) -> Mapping[str, Instance]:  # type: ignore[override]
        return self.partly().case.index

    def partly(self) -> Partly:
        if self.opened is None:
            self.opened = self.deeper(self.household)
        return self.opened

    def decided(self, measure: str, kind: str, path: str, values: Values) -> Row | Decision:
        found = self.layout.row(measure, kind, path, values, self.found[1])
        return found or self.partly().decision(measure, path, self.exact)

    def bounds(self) -> tuple[Outlook, ...]:
        """The bounds of every decision."""
        return tuple(self.layout.outlook(*question) for question in self.questions())

    def told(self, measure: str, subject: str) -> tuple[str, int | None] | None:
        layout = self.layout
        if subject != layout.root or measure not in layout.asked:
            return None
        found = layout.outlook(measure, subject, subject, self.found[1])
        fen = found.low if found.low == found.high else None
        if len(found.outcomes) == 1 and found.low == found.high:
            return next(iter(found.outcomes)), fen
        return None if self.exact else ("undetermined" if len(found.outcomes) > 1 else next(iter(found.outcomes)), fen)  # fmt: skip
