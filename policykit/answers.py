"""What a `Result` consists of: decisions with their amounts and gaps, verdicts, duties, records and remarks, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Missing:
    """Something nobody has said yet that can matter: where it belongs, what it is called, what to ask."""

    path: str
    name: str
    label: str
    kind: str
    question: str
    cause: str


@dataclass(frozen=True, slots=True)
class Amount:
    """How much, in fen. `fen` is `None` while it is open; it then lies from `low` to `high`.

    `form` is `monthly` or `once`; `parts` the named parts; `options` the amount for each way the approver may choose.
    """

    form: str
    fen: int | None
    low: int | None
    high: int | None
    parts: tuple[tuple[str, int | None], ...]
    first_month: str | None
    months: int | None
    total_fen: int | None
    options: tuple[tuple[tuple[tuple[str, int], ...], int | None], ...]

    @property
    def yuan(self) -> str | None:
        """The amount in yuan with two decimals, or `None` while it is open."""
        return None if self.fen is None else f"{self.fen // 100}.{self.fen % 100:02d}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What one measure comes to for one subject.

    `measure` and `clauses` are identifiers, `subject` the path of the record (`household`, `members[0]`); `missing`
    is what an undetermined answer, or an open amount, waits for.
    """

    measure: str
    label: str
    subject: str
    outcome: str
    outcomes: tuple[str, ...]
    flags: tuple[str, ...]
    amount: Amount | None
    clauses: tuple[str, ...]
    missing: tuple[Missing, ...]
    superseded_by: tuple[str, ...]
    alternatives: tuple[str, ...]
    within_budget: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one clause says of one subject: silent, not_met, grants, may, overridden, excludes, applies, undetermined."""

    clause: str
    subject: str
    state: str
    blocked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One duty on one subject: does it exist (`yes`, `no`, `unknown`) and how does it stand."""

    clause: str
    act: str
    subject: str
    exists: str
    state: str
    due: date | None
    due_unspecified: bool
    blocked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A ban, a listing, a referral or a finding on one subject: does it hold (`yes`, `unknown`)."""

    clause: str
    kind: str
    name: str
    subject: str
    holds: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A note of the tool's own; never a ground."""

    note: str
    subject: str
    text: str
    urgent: bool
