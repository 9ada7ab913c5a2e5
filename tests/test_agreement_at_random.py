"""Engines agree on drawn programs and registers: a few in every run, a million households with the large counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import agreement
import numpy as np
import pytest
import registers

from policykit.engine.columnar.frames import Column, Frame, frames_of
from policykit.engine.compiled import operations
from policykit.records import read_case

LARGE = int(os.environ.get("POLICYKIT_LARGE") or 0)


@pytest.mark.parametrize("first", range(0, 48, 12))
def test_engines_agree_at_random(first: int, record_property: Callable[[str, object], None]) -> None:
    for seed in range(first, first + 12):
        found = agreement.compared(seed, 60, 12)
        assert not found.differences, agreement.report(found.differences[0])


@pytest.mark.large
def test_engines_agree_on_a_million_households() -> None:
    """2,000 programs with 500 households each; ten million when POLICYKIT_LARGE is 10 (`make soak`)."""
    counts, differences = agreement.run(
        range(10_000, 10_000 + 2_000 * max(1, LARGE)), agreement.HOUSEHOLDS, agreement.INTERPRETED, 2
    )
    assert not differences, agreement.report(differences[0])
    assert counts["households"] >= 1_000_000 and counts["interpreter: households"] >= 50_000


def test_a_seed_draws_the_same_again() -> None:
    one, other = (registers.written(registers.generator(7)) for _ in range(2))
    assert one[0] == other[0]
    frames = [
        registers.Clerk(p, registers.generator(7)).register(np.full(20, 0.1)) for _, p, _ in (one, other)
    ]
    mappings = [registers.households(one[1], frame) for frame in frames]
    assert mappings[0] == mappings[1] and mappings[0][0] != mappings[0][1]


# ---- a harness that finds nothing must have looked ------------------------------------------------------------------


def test_a_fault_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that takes 不超过 for 低于: found within a few seeds, and shown on few rules and few facts."""
    monkeypatch.setitem(operations.OPERATORS, "le", "{} < {}")
    found = (one for seed in range(200) for one in agreement.compared(seed, 100, 100).differences)
    difference = next(found)
    small = agreement.shrunk(difference)
    assert small.what and agreement.differ(small.text, small.household, small.engines, small.events)
    assert len(small.text) < len(difference.text) / 2
    assert len(str(small.household)) <= len(str(difference.household))
    monkeypatch.undo()
    assert agreement.differ(small.text, small.household, small.engines, small.events) == []


def same(one: Column | None, other: Column | None, count: int) -> bool:
    """Whether two columns say the same of each record; one that is not there says nothing."""
    if one is None or other is None:
        there = one or other
        return there is None or (there.known is not None and not there.known.any())
    known = [np.ones(count, bool) if c.known is None else c.known for c in (one, other)]
    none = [
        np.zeros(count, bool) if c.none is None else c.none & k
        for c, k in zip((one, other), known, strict=True)
    ]
    plain = known[0] & ~none[0]
    return bool(
        (known[0] == known[1]).all() and (none[0] == none[1]).all()
        and (one.values[plain] == other.values[plain]).all() and one.scale == other.scale
    )  # fmt: skip


def assert_same(one: Frame, other: Frame) -> None:
    assert (one.entity, one.count) == (other.entity, other.count)
    for name in one.facts.keys() | other.facts.keys():
        assert same(one.facts.get(name), other.facts.get(name), one.count), (one.entity, name)
    assert other.lists.keys() <= one.lists.keys()
    for name, listed in one.lists.items():
        if name not in other.lists:
            assert listed.complete is not None and not listed.complete.any()
            continue
        there = other.lists[name]
        assert (listed.starts == there.starts).all()
        complete = [np.ones(one.count, bool) if x.complete is None else x.complete for x in (listed, there)]
        assert (complete[0] == complete[1]).all(), name
        assert listed.elsewhere.keys() == there.elsewhere.keys()
        assert all((listed.elsewhere[path] == there.elsewhere[path]).all() for path in listed.elsewhere)
        assert_same(listed.frame, there.frame)
    if one.upper is not None and other.upper is not None:
        assert_same(one.upper, other.upper)


@pytest.mark.parametrize("seed", range(12))
def test_columns_and_mappings_say_the_same(seed: int) -> None:
    """A drawn register is what comes of reading its own mappings."""
    source = registers.generator(seed)
    _, program, _ = registers.written(source)
    drawn = registers.Clerk(program, source).register(np.repeat((0.0, 0.3), 15))
    mappings: list[dict[str, Any]] = registers.households(program, drawn)
    read, handed = frames_of(program, [read_case(program, one, registers.ON) for one in mappings])
    assert not handed.any()
    assert_same(drawn, read)
