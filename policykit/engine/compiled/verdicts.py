"""Clauses → the outcome of a measure, on known values: what generated code calls to settle one.

The table of the design, read from the top: excluded, granted, discretionary, superseded, excluded, refused, not covered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from policykit.engine.compiled.reading import Record
from policykit.engine.compiled.unknown import HandOver, known
from policykit.trace import Decision

#: what a clause comes to on a record: out of scope; test not met; overridden; excluded; it stands. While that is open
#: the possible states are added up.
SILENT, NOT_MET, BEATEN, BARRED, STANDS = 1, 2, 4, 8, 16

#: what generated code calls of this file
CALLED = (
    "SILENT", "NOT_MET", "BEATEN", "BARRED", "STANDS", "OPEN", "Pay", "Way", "judged", "lost", "obtained", "higher",
    "row", "names_of", "open_pay", "beaten",
    "shadowed", "amount_between",
)  # fmt: skip

OPEN = ("granted", "discretionary")


class Pay(NamedTuple):
    """An amount in fen by one rule, with what the rule says beside it.

    Where an approver chooses it lies from `low` to `high`, and `options` are the ways of choosing; whatever then
    differs from way to way is open, and `None`.
    """

    form: str
    low: Any
    high: Any
    parts: tuple[tuple[str, Any], ...] = ()
    first_month: Any = None
    months: Any = None
    total: Any = None
    options: tuple[tuple[tuple[tuple[str, int], ...], Any], ...] = ()


class Way(NamedTuple):
    """One clause that may grant a measure: its state, whether by discretion, what prevails over it, what it pays."""

    clause: str
    state: int
    may: bool
    rule: int
    pay: Callable[[Any], Pay] | None
    over: Callable[[Any], list[str]]


class Verdict(NamedTuple):
    """What a measure comes to for one record; `paying` are the clauses that grant it."""

    outcome: str
    clauses: tuple[str, ...]
    over: tuple[str, ...] = ()
    paying: tuple[Way, ...] = ()


def judged(record: Record, ways: Sequence[Way], bars: Iterable[tuple[str, bool]]) -> Verdict:
    """The outcome before mutual exclusion, with the clauses that decide it."""
    barring = [name for name, holds in bars if holds]
    if barring:
        return Verdict("excluded", each(barring))
    grants = tuple(way for way in ways if way.state == STANDS and not way.may)
    if grants:
        return Verdict("granted", each(way.clause for way in grants), (), grants)
    open_ = tuple(way for way in ways if way.state == STANDS)
    if open_:
        return Verdict("discretionary", each(way.clause for way in open_), (), open_)
    beaten = [way for way in ways if way.state == BEATEN]
    if beaten:
        over = {name for way in ways if way.state >= BEATEN for name in way.over(record)}
        # what an exclusion bars may be beaten too
        return Verdict("superseded", each(way.clause for way in beaten), tuple(sorted(over)))
    if any(way.state == BARRED for way in ways):
        return Verdict("excluded", ())
    if any(way.state == NOT_MET for way in ways):
        return Verdict("refused", each(way.clause for way in ways if way.state != SILENT))
    return Verdict("not_covered", ())


def beaten(states: tuple[Any, ...], at: int) -> tuple[Any, ...]:
    """What clauses came to, with the one at a place overridden and paying nothing."""
    return (*states[:at], BEATEN, None, *states[at + 2 :])


def shadowed(states: tuple[Any, ...], at: int, sure: bool) -> tuple[Any, ...]:
    """The same where it is possible, or sure, that something prevails over the one at a place."""
    state = states[at]
    if not state & (BEATEN | STANDS):
        return states
    state |= BEATEN
    return (*states[:at], state & ~STANDS if sure else state, *states[at + 1 :])


def amount_between(low: Any, high: Any) -> Any:
    """An amount, or both its ends while it is open."""
    return low if low == high else (low, high)


def names_of(pairs: Iterable[tuple[str, bool]]) -> list[str]:
    """The names of what holds."""
    return [name for name, holds in pairs if holds]


def each(names: Iterable[str]) -> tuple[str, ...]:
    """Every name once, in order."""
    return tuple(dict.fromkeys(names))


def lost(verdict: Verdict) -> Verdict:
    """The same when something else takes its place."""
    return Verdict("superseded", verdict.clauses, verdict.over, verdict.paying)


def obtained(verdict: Verdict) -> bool:
    """Whether a measure is granted; nobody knows yet while a ruling is to come."""
    if verdict.outcome == "discretionary":
        raise HandOver("a ruling to come")
    return verdict.outcome == "granted"


def amount(verdict: Verdict, record: Record) -> Any:
    """What the clauses that grant would pay, whatever excludes it; `None` where none does."""
    pays = [way.pay(record) for way in verdict.paying if way.pay is not None]
    amounts = {one for pay in pays for one in (pay.low, pay.high)}
    if len(pays) < len(verdict.paying):
        amounts.add(0)
    if len(amounts) > 1:
        raise HandOver("amounts in conflict")
    return amounts.pop() if amounts else None


def open_pay(names: tuple[str, ...], ways: tuple[tuple[int, ...], ...], pays: list[Pay]) -> Pay:
    """What is known of an amount before an approver has chosen."""

    def same(values: list[Any]) -> Any:
        if any(value is None for value in values) and any(value is not None for value in values):
            raise HandOver("none in some ways only")
        return values[0] if all(value == values[0] for value in values[1:]) else None

    first = pays[0]
    months = [pay.months for pay in pays]
    low, high = min(pay.low for pay in pays), max(pay.high for pay in pays)
    total = same([pay.total for pay in pays])
    if None not in months and (low != high or min(months) != max(months)):
        # amount and months are weighed apart, as if they varied on their own
        total = 0 if low == high == 0 or min(months) == max(months) == 0 else None
    return Pay(
        first.form, low, high,
        tuple((name, same([pay.parts[number][1] for pay in pays])) for number, (name, _) in enumerate(first.parts)),
        first.first_month, same(months), total,
        tuple((tuple(zip(names, way, strict=True)), pay.low) for way, pay in zip(ways, pays, strict=True)),
    )  # fmt: skip


def higher(own: tuple[Verdict, Record], other: tuple[Verdict, Record], equal: bool) -> bool:
    """Whether another measure is granted with a higher amount, or an equal one that comes first."""
    if other[0].outcome != "granted":
        return False
    mine, theirs = amount(*own), amount(*other)
    if mine is None or theirs is None:
        return False
    return bool(theirs >= mine if equal else theirs > mine)


def payment(verdict: Verdict, record: Record) -> Pay | None:
    """What is paid; nothing where amounts by several rules conflict."""
    if verdict.outcome not in OPEN:
        return None
    if len({way.rule for way in verdict.paying}) > 1:
        if verdict.outcome == "granted":
            return None
        raise HandOver("several amounts to choose from")
    if len(verdict.paying) > 1 and any(way.may for way in verdict.paying):
        raise HandOver("several amounts to choose from")
    if verdict.paying[-1].pay is None:
        return None
    pay = verdict.paying[-1].pay(record)
    for value in (pay.low, pay.first_month, pay.months, pay.total, *(part for _, part in pay.parts)):
        known(value)
    return pay


class Row(NamedTuple):
    """One decision: what a measure comes to for the subject at `path`."""

    measure: str
    path: str
    outcome: str
    clauses: tuple[str, ...]
    pay: Pay | None
    over: tuple[str, ...]
    alternatives: tuple[str, ...]


def row(
    measure: str, record: Record, verdict: Verdict, alternatives: Callable[[Any], tuple[str, ...]] | None
) -> Row:
    """The decision that a verdict comes to, with the amount and what may be had instead."""
    pay = payment(verdict, record)
    others = alternatives(record) if alternatives is not None and verdict.outcome in OPEN else ()
    return Row(measure, record.path, verdict.outcome, verdict.clauses, pay, verdict.over, others)


def only(rows: Iterable[Any], measure: str, subject: str | None) -> Any:
    """The one decision on a measure for a subject; `None` when there is none, or more than one."""
    found = [one for one in rows if one.measure == measure and subject in (None, path_of(one))]
    return found[0] if len(found) == 1 else None


def path_of(one: Row | Decision) -> str:
    """Where the subject of a decision stands."""
    return one.path if isinstance(one, Row) else one.subject.path
