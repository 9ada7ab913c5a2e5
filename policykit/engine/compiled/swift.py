"""What the straight form found, as decisions, each built when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

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


class Settled(NamedTuple):
    """What the clauses of a measure come to together, while each is in a state, or in one of several.

    `verdict` is `None` while that leaves more than one outcome; `paid` is where the amount is, if one is granted by one
    rule; `paying` where amounts are that may be paid.
    """

    outcome: str
    paid: int | None
    verdict: Verdict | None
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
    settled: dict[Any, Settled] = field(default_factory=dict)

    def found(self, values: Values) -> Settled:
        """The outcome with its clauses, and where the amount is."""
        states = self.states(values)
        found = self.settled.get(states)
        if found is None:
            found = self.settled[states] = self.settle([values[slot.state] for slot in self.slots])
        return found

    def settle(self, states: list[int]) -> Settled:
        if any(state & (state - 1) for state in states):
            outcomes, deciding, paying = possible(states)
            return Settled(
                next(iter(outcomes)) if len(outcomes) == 1 else "undetermined", None, None, outcomes,
                tuple(self.slots[number].clause for number in deciding),
                tuple(self.slots[number] for number in paying),
            )  # fmt: skip
        ways = [
            Way(slot.clause, state, False, slot.rule, None, lambda record: [])
            for slot, state in zip(self.slots, states, strict=True)
        ]
        verdict = judged(NOBODY, ways, ())
        stand = {way.clause for way in verdict.paying}
        paying_ = tuple(slot for slot in self.slots if slot.clause in stand)
        if len({slot.rule for slot in paying_}) > 1:
            paying_ = ()  # amounts in conflict
        return Settled(
            verdict.outcome, paying_[-1].pay if paying_ else None, verdict, frozenset([verdict.outcome]), verdict.clauses, paying_
        )  # fmt: skip


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
        found = question.found(values)
        verdict = found.verdict
        if verdict is None:
            return None
        pay = None
        if found.paid is not None:
            amount = values[found.paid]
            if amount.__class__ is tuple:
                return None
            form = found.paying[-1].form
            pay = Pay(form, amount, amount, total=amount if form == "once" else None)
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
        found = self.questions[measure, kind].found(values)
        spans = [span(values[slot.pay]) for slot in found.paying]
        low, high = min((a for a, _ in spans), default=None), max((b for _, b in spans), default=None)
        sure = all(values[slot.state] == STANDS for slot in found.paying)
        if found.verdict is None and found.outcome == "granted" and sure and len({slot.rule for slot in found.paying}) > 1:  # fmt: skip
            low = high = None  # amounts in conflict
        return Outlook(measure, path, found.outcomes, found.clauses, low, high)

    def told(self, own: Values, measure: str, subject: str | None) -> tuple[str, int | None] | None:
        """Outcome and amount of the household alone, without building a decision; `None` for all else."""
        asked = self.asked.get(measure)
        if asked is None or subject != self.root:
            return None
        found = asked.settled.get(asked.states(own)) or asked.found(own)
        paid = found[1]
        return found[0], None if paid is None else own[paid]


def span(amount: Any) -> tuple[Any, Any]:
    """Both ends of an amount."""
    return amount if amount.__class__ is tuple else (amount, amount)


class Swift:
    """The decisions on one household by the straight form, and the household as it was then."""

    __slots__ = ("found", "layout")

    causes = False  # what is missing is just not there

    def __init__(self, layout: Layout, found: Found) -> None:
        self.layout, self.found = layout, found

    @property
    def household(self) -> dict[str, Any]:
        return self.found[0]

    @property
    def index(self) -> Mapping[str, Instance]:
        """The records that open decisions are about; here none is open."""
        return {}

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

    def told(self, measure: str, subject: str | None) -> tuple[str, int | None] | None:
        """Outcome and amount of the household alone, without building a decision; `None` for all else."""
        return self.layout.told(self.found[1], measure, subject)


class Unsure(Swift):
    """The same for a household with gaps: bounds, and what those leave open as the reference's tables tell it.

    `deeper` opens the household for those tables; nothing is asked of them before it is read.
    """

    __slots__ = ("deeper", "exact", "opened")

    def __init__(
        self, layout: Layout, found: Found, deeper: Callable[[dict[str, Any]], Partly], exact: bool
    ) -> None:
        self.layout, self.found, self.deeper, self.exact = layout, found, deeper, exact
        self.opened: Partly | None = None

    @property
    def index(self) -> Mapping[str, Instance]:
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

    def told(self, measure: str, subject: str | None) -> tuple[str, int | None] | None:
        layout, own = self.layout, self.found[1]
        if subject != layout.root or measure not in layout.asked:
            return None
        found = layout.asked[measure].found(own)
        if found.verdict is not None:
            amount = None if found.paid is None else own[found.paid]
            if amount.__class__ is not tuple:
                return found.outcome, amount
        if self.exact:
            return None
        if len(found.paying) < 2:
            amount = own[found.paying[0].pay] if found.paying else None
            return found.outcome, None if amount.__class__ is tuple else amount
        outlook = layout.outlook(measure, subject, subject, own)
        return found.outcome, outlook.low if outlook.low == outlook.high else None
