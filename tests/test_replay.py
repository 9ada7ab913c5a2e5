"""Blocks that are replayed from the tape of one before them: array for array what working them out gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import date
from random import Random
from typing import Any

import numpy as np
import pytest
import registers

from benchmarks import dibao_core
from policykit import ir
from policykit.engine.columnar import Answers, Columnar, Frame, frames_of, households
from policykit.engine.columnar.emission import Changed, compiled
from policykit.engine.columnar.folds import full, running
from policykit.engine.columnar.replay import MOST_TAPES, recorded
from policykit.engine.columnar.tape import Tape, Untraceable, filled, size
from policykit.loader import load_text
from policykit.records import read_case

ON = date(2020, 6, 10)
CORE = load_text(dibao_core.RULES.read_text(encoding="utf-8")).program


def core_block(share: float = 0.0, count: int = 400) -> Frame:
    """Households of dibao-core, a share of the facts withheld."""
    draw = Random(7)

    def some(facts: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in facts.items() if name == "members" or draw.random() >= share}

    given = []
    for household in dibao_core.households(count):
        members = [some(member) for member in household["members"]]
        given.append(some(household) | {"members": members})
    return frames_of(CORE, [read_case(CORE, one, ON) for one in given])[0]


def parts(block: Frame, number: int, most: int, seed: int = 1) -> Iterator[Frame]:
    """Some households of a block, again and again others."""
    draw = np.random.default_rng(seed)
    for less in range(number):
        yield households(block, np.sort(draw.choice(block.count, most - less, replace=False)))


def engine_for(program: ir.Program, on: date) -> Columnar:
    """An engine that replays small blocks too."""
    engine = Columnar(program, on)
    engine.replays.fewest = 2
    return engine


def differing(found: Sequence[Answers], wanted: Sequence[Answers]) -> list[str]:
    """Where answers are not the same, types included."""
    wrong = []
    for one, other in zip(found, wanted, strict=True):
        for name in (field.name for field in fields(Answers)):
            mine, its = getattr(one, name), getattr(other, name)
            if isinstance(its, np.ndarray):
                same = mine.dtype == its.dtype and np.array_equal(mine, its)
            else:
                same = mine == its
            if not same:
                wrong.append(f"{one.measure} {one.path}: {name}")
    return wrong


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_dibao_core(share: float) -> None:
    engine = engine_for(CORE, ON)
    for part in parts(core_block(share), 8, 300):
        assert not differing(engine.decide(part), engine.worked_out(part))
    (tapes,) = engine.replays.known.values()
    assert tapes is not None and len(tapes) == 1


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed: int) -> None:
    """Whether or not a program can be replayed, its answers are the same."""
    source = registers.generator(seed)
    _, program, _ = registers.written(source)
    block = registers.Clerk(program, source).register(np.zeros(60))
    engine = engine_for(program, registers.ON)
    for part in parts(block, 4, 40):
        assert not differing(engine.decide(part), engine.worked_out(part))


def test_another_course_of_things_is_another_tape() -> None:
    """Where nobody is covered alone, the engine goes another way than where somebody is."""
    block = core_block()
    engine = engine_for(CORE, ON)
    (alone,) = (one for one in engine.worked_out(block) if (one.measure, one.path) == ("dibao", ("members",)))
    owner = np.repeat(np.arange(block.count), np.diff(block.lists["members"].starts))
    replaced = np.unique(owner[(alone.over != 0)])
    others = np.setdiff1d(np.arange(block.count), replaced)
    cut = min(len(replaced), len(others)) - 1
    for rows in (replaced[:cut], replaced[1 : cut + 1], others[:cut], others[1 : cut + 1], replaced[:cut]):
        part = households(block, rows)
        assert not differing(engine.decide(part), engine.worked_out(part))
    assert 2 <= sum(len(tapes or ()) for tapes in engine.replays.known.values()) <= MOST_TAPES


def test_answers_are_the_callers() -> None:
    """Later blocks do not write over what was handed out."""
    engine = engine_for(CORE, ON)
    blocks = list(parts(core_block(), 6, 300))
    handed_out = [engine.decide(block) for block in blocks]
    for block, answers in zip(blocks, handed_out, strict=True):
        assert not differing(answers, engine.worked_out(block))


def test_threads_share_a_tape() -> None:
    engine = engine_for(CORE, ON)
    blocks = list(parts(core_block(), 24, 300))
    engine.decide(blocks[0]), engine.decide(blocks[1])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(engine.decide, blocks))
    assert not any(
        differing(answers, engine.worked_out(block)) for block, answers in zip(blocks, found, strict=True)
    )


def test_small_blocks_leave_no_tape() -> None:
    engine = Columnar(CORE, ON)
    for part in parts(core_block(), 3, 300):
        engine.decide(part)
    assert not engine.replays.known


def test_what_is_written_reads_well() -> None:
    """A straight function: only what results need, each thing once."""
    replay = recorded(core_block(), Columnar(CORE, ON).worked_out)
    first, *lines = replay.text.splitlines()
    assert first.startswith("def replay(buffers, a0,")
    done = [line.partition(" = ")[2] for line in lines if line.startswith("    a")]
    once = [line for line in done if "out=" not in line]
    assert len(once) == len(set(once))


# ---- the tape by itself ---------------------------------------------------------------------------------------------


def handed() -> tuple[Tape, Any, Any]:
    tape = Tape()
    count = tape.count(3)
    return tape, count, tape.array(np.array([1, 2, 3]), count)


@pytest.mark.parametrize(
    "look",
    [
        len, list, bool, int, np.asarray, lambda x: x[0], lambda x: x + np.arange(3), lambda x: np.arange(9)[x],
        lambda x: x.tolist(), lambda x: np.add.reduce(x), lambda x: x.shape, lambda x: np.concatenate([x, x]),
    ],
)  # fmt: skip
def test_nothing_is_looked_at_unwritten(look: Any) -> None:
    _, _, array = handed()
    with pytest.raises(Untraceable):
        look(array)


def test_counts_are_not_reckoned_with() -> None:
    _, count, array = handed()
    assert count == 3 and size(array) == 3
    with pytest.raises(Untraceable):
        count + 1
    with pytest.raises(Untraceable):
        2 * count


def test_another_block_by_the_same_steps() -> None:
    """2 x + 1 where it is more than 4, and the sum of two runs; by hand."""
    tape, count, array = handed()
    starts = tape.array(np.array([0, 2, 3]))
    odd: Any = array * 2 + full(np.array(1), count)
    more = odd * (odd > 4)
    sums: Any = running(more, starts)
    assert (odd > 100).any() is False
    run, _ = compiled(tape, [more.slot, sums.slot])
    more_found, sums_found = run({}, 4, np.array([5, 0, 1, 7]), np.array([0, 1, 4]))
    assert more_found.tolist() == [11, 0, 0, 15]
    assert sums_found.tolist() == [11, 15]
    with pytest.raises(Changed):
        run({}, 1, np.array([50]), np.array([0, 1]))


def test_the_same_thing_is_written_once() -> None:
    """And joined masks are the same in any order, with whatever they hold already."""
    _, count, array = handed()
    zeros: list[Any] = [filled(count, 0, np.uint8), filled(count, 0, np.uint8)]
    a, b = array > 1, array < 3
    assert (a & b).slot == (b & a).slot == ((a & b) & a).slot
    assert (array > 1).slot == a.slot
    assert (a.view(np.uint8) * np.uint8(1)).slot == a.view(np.uint8).slot
    assert zeros[0].slot == zeros[1].slot


def test_constants_are_told_apart_by_value() -> None:
    """Also where one stands in the memory of another that is gone."""
    _, count, array = handed()
    found = [((array > 1).view(np.uint8) * np.uint8(bit)).slot for bit in (1, 2, 4, 8, 2)]
    assert len(set(found)) == 4 and found[1] == found[4]
    with pytest.raises(Untraceable):
        array[:count]


def test_in_place_is_a_new_value() -> None:
    tape, _, array = handed()
    before = array + 1
    after = before + 0
    after += array
    run, _ = compiled(tape, [before.slot, after.slot])
    one, other = run({}, 2, np.array([10, 20]))
    assert one.tolist() == [11, 21] and other.tolist() == [21, 41]


@pytest.mark.parametrize("kind", [np.int8, np.int32])
def test_a_comparison_needs_no_widening(kind: Any) -> None:
    """Unless the constant does not fit into the narrow type: 1000 into 8 bits."""
    tape = Tape()
    narrow = tape.array(np.array([1, 100, -5], kind), tape.count(3))
    wide = narrow.astype(np.int64)
    seen = [wide > np.array(99), np.array(1) == wide, wide < np.array(1000)]
    run, text = compiled(tape, [one.slot for one in seen])
    assert [one.tolist() for one in run({}, 2, np.array([99, 100], kind))] == [
        [False, True],
        [False] * 2,
        [True] * 2,
    ]
    assert ("astype" in text) is (kind is np.int8)
