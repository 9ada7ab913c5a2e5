"""The published JSON of a result, as pydantic models; built only when JSON or the schema is asked for."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class MissingModel(_Model):
    """Something that can matter and is not known."""

    path: str
    name: str
    label: str
    kind: str
    question: str
    cause: str


class AmountModel(_Model):
    """An amount, in fen."""

    form: str
    fen: int | None
    low: int | None
    high: int | None
    parts: tuple[tuple[str, int | None], ...]
    first_month: str | None
    months: int | None
    total_fen: int | None
    options: tuple[tuple[tuple[tuple[str, int], ...], int | None], ...]


class DecisionModel(_Model):
    """What one measure comes to for one subject."""

    measure: str
    label: str
    subject: str
    outcome: str
    outcomes: tuple[str, ...]
    flags: tuple[str, ...]
    amount: AmountModel | None
    clauses: tuple[str, ...]
    missing: tuple[MissingModel, ...]
    superseded_by: tuple[str, ...]
    alternatives: tuple[str, ...]
    within_budget: bool


class VerdictModel(_Model):
    """What one clause says of one subject."""

    clause: str
    subject: str
    state: str
    blocked_by: tuple[str, ...]


class TaskModel(_Model):
    """One duty on one subject."""

    clause: str
    act: str
    subject: str
    exists: str
    state: str
    due: date | None
    due_unspecified: bool
    blocked_by: tuple[str, ...]


class RecordModel(_Model):
    """A ban, listing, referral or finding on one subject."""

    clause: str
    kind: str
    name: str
    subject: str
    holds: str


class RemarkModel(_Model):
    """A note of the tool's own."""

    note: str
    subject: str
    text: str
    urgent: bool


class ResultModel(_Model):
    """Everything found for one household on one day."""

    on: date
    stamp: str
    example_sheets: tuple[str, ...]
    decisions: tuple[DecisionModel, ...]
    verdicts: tuple[VerdictModel, ...]
    duties: tuple[TaskModel, ...]
    prohibitions: tuple[RecordModel, ...]
    records: tuple[RecordModel, ...]
    notes: tuple[RemarkModel, ...]
