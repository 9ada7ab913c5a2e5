"""What the straight form found, as decisions, each built when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from policykit import ir
from policykit.engine.compiled.reading import Record
from policykit.engine.compiled.straight import Slot
from policykit.engine.compiled.verdicts import BEATEN, STANDS, Pay, Row, Verdict, Way, judged, only

Values = tuple[Any, ...]
Found = tuple[
    dict[str, Any], Values, Any
]  # the household, what its clauses came to, and those of each member
NOBODY = Record("", "")  # what prevails over a clause is told from the states alone


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A measure for one kind of record; `settled` remembers what its clauses come to together, a handful of cases."""

    slots: tuple[Slot, ...]
    states: Callable[[Values], Any]
    settled: dict[Any, tuple[Verdict, Slot | None]] = field(default_factory=dict)

    def verdict(self, values: Values) -> tuple[Verdict, Slot | None]:
        """The outcome with its clauses, and where the amount is, if one is granted by one rule."""
        states = self.states(values)
        found = self.settled.get(states)
        if found is None:
            ways = [
                Way(s.clause, values[s.state], False, s.rule, None, lambda record: []) for s in self.slots
            ]
            verdict = judged(NOBODY, ways, ())
            paid = None
            if verdict.outcome == "granted" and len({way.rule for way in verdict.paying}) == 1:
                paid = next(s for s in self.slots if s.clause == verdict.paying[-1].clause)
            found = self.settled[states] = verdict, paid
        return found


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

    def row(self, measure: str, kind: str, path: str, values: Values, own: Values) -> Row:
        """The decision on a measure for a record, from what its clauses came to."""
        question = self.questions[measure, kind]
        verdict, paid = question.verdict(values)
        pay = Pay(paid.form, values[paid.pay], values[paid.pay]) if paid is not None else None
        over: tuple[str, ...] = ()
        if verdict.outcome == "superseded":
            over = tuple(sorted({name for slot in question.slots if values[slot.state] >= BEATEN
                                 for name in slot.beaters if self.stands(name, kind, values, own)}))  # fmt: skip
        return Row(measure, path, verdict.outcome, verdict.clauses, pay, over, ())

    def stands(self, clause: str, kind: str, values: Values, own: Values) -> bool:
        slot = self.slots[clause]
        return bool((values if slot.entity == kind else own)[slot.state] == STANDS)


class Swift:
    """The decisions on one household by the straight form, and the household as it was then."""

    __slots__ = ("found", "layout")

    def __init__(self, layout: Layout, found: Found) -> None:
        self.layout, self.found = layout, found

    @property
    def household(self) -> dict[str, Any]:
        return self.found[0]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every decision, measure by measure, the household before its members."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[Row]:
        layout, (_, own, people) = self.layout, self.found
        for name, measure in layout.measures.items():
            if layout.root in measure.entities:
                yield layout.row(name, layout.root, layout.root, own, own)
            if layout.member in measure.entities:
                for number, values in enumerate(people):
                    yield layout.row(name, layout.member, f"{layout.members}[{number}]", values, own)

    def only(self, measure: str, subject: str | None) -> Row | None:
        """The one decision on a measure for a subject; `None` when there is none, or more than one."""
        layout, own = self.layout, self.found[1]
        if subject == layout.root and (measure, subject) in layout.questions:
            return layout.row(measure, subject, subject, own, own)
        return only(self._rows(), measure, subject)

    def told(self, measure: str, subject: str) -> tuple[str, int | None] | None:
        """Outcome and amount of the household alone, without building a decision; `None` for all else."""
        layout = self.layout
        if subject != layout.root or measure not in layout.asked:
            return None
        own = self.found[1]
        verdict, paid = layout.asked[measure].verdict(own)
        return verdict.outcome, None if paid is None else own[paid.pay]
