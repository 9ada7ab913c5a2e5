"""Form 3, the trace: what happened when one household met one program.

It differs from the ir by being about one case: each clause has a verdict on each subject, each measure an outcome,
each expression a value. `Step` trees are built when an explanation asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

from policykit import ir
from policykit.facts import Case, Instance, Ruling
from policykit.values import Bounds, Gap, Value

Outcome: TypeAlias = Literal[
    "granted", "refused", "superseded", "excluded", "discretionary", "undetermined", "not_covered"
]

#: what a clause says of a subject
ClauseState: TypeAlias = Literal[
    "silent", "not_met", "grants", "may", "overridden", "excludes", "applies", "undetermined"
]

DutyState: TypeAlias = Literal["open", "done", "overdue", "blocked", "unknown"]

OutcomeFlag: TypeAlias = Literal["cannot_be_granted", "covered_either_way", "at_least_discretionary"]

FLAGS: dict[OutcomeFlag, frozenset[str]] = {
    "cannot_be_granted": frozenset({"refused", "not_covered", "excluded", "superseded"}),
    "covered_either_way": frozenset({"granted", "superseded"}),
    "at_least_discretionary": frozenset({"granted", "discretionary"}),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One expression with its value here and the steps inside it.

    `element` is the fold element it is about, `record` the record whose fact, term or parameter it reads.
    """

    expr: ir.Expr
    value: Value
    inside: tuple[Step, ...] = ()
    element: Instance | None = None
    record: Instance | None = None


@dataclass(frozen=True, slots=True)
class ClauseVerdict:
    """What one clause says of one subject: is it in scope, is the test met, is it overridden and by which clauses."""

    clause: ir.Clause
    subject: Instance
    state: ClauseState
    scope: Bounds
    test: Bounds
    blocked: Bounds
    blocked_by: tuple[str, ...]
    missing: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Payment:
    """An amount in fen with its parts; first month and months where the rule has them (`None`: it has none)."""

    rule: ir.Amount
    amount: Value
    parts: tuple[tuple[ir.Name, Value], ...]
    first_month: Value | None
    months: Value | None
    total: Value | None
    options: tuple[tuple[tuple[tuple[str, int], ...], Value, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What one measure comes to for one subject.

    `outcomes` are the outcomes that remain possible; `clauses` the clauses that decide, all grounds in source order;
    `alternatives` measures that are not drawn together with this one until the household has chosen.
    """

    measure: str
    subject: Instance
    outcomes: frozenset[str]
    clauses: tuple[str, ...]
    payment: Payment | None
    missing: tuple[Gap, ...]
    superseded_by: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()
    within_budget: bool = True

    @property
    def outcome(self) -> str:
        return next(iter(self.outcomes)) if len(self.outcomes) == 1 else "undetermined"

    @property
    def flags(self) -> tuple[OutcomeFlag, ...]:
        """What is sure even so: see `FLAGS`."""
        if len(self.outcomes) == 1:
            return ()
        return tuple(flag for flag, outcomes in FLAGS.items() if self.outcomes <= outcomes)


@dataclass(frozen=True, slots=True)
class DutyInstance:
    """One duty on one subject: whether it exists, how it stands, when it is due."""

    clause: ir.Clause
    subject: Instance
    exists: Bounds
    state: DutyState
    due: date | None
    due_unspecified: bool
    missing: tuple[Gap, ...]
    blocked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prohibition:
    """One ban on one subject: whether it holds."""

    clause: ir.Clause
    subject: Instance
    holds: Bounds
    missing: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A listing, a referral or a finding on one subject."""

    clause: ir.Clause
    subject: Instance
    holds: Bounds
    missing: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class NoteEntry:
    """A note of the tool's own that applies to one subject."""

    note: ir.Note
    subject: Instance


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the evaluation itself found: amounts that conflict, a ruling that decides nothing."""

    kind: str
    subject: Instance
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything one evaluation found, and the rulings it was given; `step` evaluates an expression on a subject again, with its inner values."""

    program: ir.Program
    case: Case
    on: date
    decisions: tuple[Decision, ...]
    verdicts: tuple[ClauseVerdict, ...]
    duties: tuple[DutyInstance, ...]
    prohibitions: tuple[Prohibition, ...]
    records: tuple[Entry, ...]
    notes: tuple[NoteEntry, ...]
    findings: tuple[Finding, ...]
    sheets: tuple[str, ...]
    rulings: tuple[Ruling, ...]
    step: Callable[[ir.Expr, Instance], Step]
