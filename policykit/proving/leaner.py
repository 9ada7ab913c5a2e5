"""What of a household a claim is really broken by: whatever can be left out, with the claim still broken, is left out.

A fact that is left out is unknown, so the reference engine has shown that it makes no difference what it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from policykit.diagnostics import PolicyError
from policykit.engine.smt.witness import Witness

Witnesses: TypeAlias = tuple[Witness, ...]
Path: TypeAlias = tuple[str | int, ...]
NO_FACTS = {"id", "ref"}


def leaner(witnesses: Witnesses, breaks: Callable[[Witnesses], bool]) -> Witnesses:
    """The same households, of which a claim may compare two, with less in them."""
    for path in sorted(_lists(witnesses[0].household), key=len):
        while entries := _at(witnesses[0].household, path):
            less = _without(witnesses, (*path, len(entries) - 1))
            if not _still(less, breaks):
                break
            witnesses = less
    for path in dict.fromkeys(path for w in witnesses for path in _facts(w.household)):
        if all(_at(w.household, path[:-1]) is None for w in witnesses):
            continue  # went with what it stood in
        less = _without(witnesses, path)
        witnesses = less if _still(less, breaks) else witnesses
    for gap in list(witnesses[0].parameters):
        less = tuple(
            replace(w, parameters={g: v for g, v in w.parameters.items() if g != gap}) for w in witnesses
        )
        witnesses = less if _still(less, breaks) else witnesses
    for ruling in witnesses[0].rulings:
        less = tuple(replace(w, rulings=tuple(r for r in w.rulings if r != ruling)) for w in witnesses)
        witnesses = less if _still(less, breaks) else witnesses
    return witnesses


def _still(witnesses: Witnesses, breaks: Callable[[Witnesses], bool]) -> bool:
    try:
        return breaks(witnesses)
    except (PolicyError, KeyError):
        return False  # no longer a household, or without the record that the claim is broken for


def _lists(record: Any, path: Path = ()) -> Iterator[Path]:
    """The places of all lists of records."""
    if isinstance(record, list):
        yield path
        for number, entry in enumerate(record):
            yield from _lists(entry, (*path, number))
    elif isinstance(record, dict):
        for name, inside in record.items():
            listed = isinstance(inside, list) and all(isinstance(entry, dict) for entry in inside)
            if listed or isinstance(inside, dict):
                yield from _lists(inside, (*path, name))


def _facts(record: Any, path: Path = ()) -> Iterator[Path]:
    """The places of all facts and lists, those of a record before what lies in them."""
    if isinstance(record, list):
        for number, entry in enumerate(record):
            yield from _facts(entry, (*path, number))
    elif isinstance(record, dict) and "value" not in record:
        for name, inside in record.items():
            if name not in NO_FACTS:
                yield (*path, name)
                yield from _facts(inside, (*path, name))


def _at(household: Any, path: Path) -> Any:
    """What stands at a place, or `None`."""
    for step in path:
        if isinstance(household, dict):
            household = household.get(step)
        elif isinstance(household, list) and isinstance(step, int) and step < len(household):
            household = household[step]
        else:
            return None
    return household


def _without(witnesses: Witnesses, path: Path) -> Witnesses:
    """The households without what stands at one place."""
    changed = []
    for witness in witnesses:
        household = copy.deepcopy(witness.household)
        if (
            _at(household, path) is not None
        ):  # a fact that only one of two rule sets knows stands in one of them
            del _at(household, path[:-1])[path[-1]]
        changed.append(replace(witness, household=household))
    return tuple(changed)
