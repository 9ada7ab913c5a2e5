"""What the benchmarks measure against says what the rules say: a fast wrong answer is no base to compare with."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("pyarrow")

from benchmarks.answers import Answers, differing
from benchmarks.blocked import by_numpy
from benchmarks.register import Register, drawn
from benchmarks.w2 import by_hand

HOUSEHOLDS = 2_000


@pytest.fixture(scope="module")
def register() -> Register:
    return drawn(HOUSEHOLDS, 5)


@pytest.fixture(scope="module")
def wanted(register: Register) -> Answers:
    return by_hand(register)


def test_a_register_is_drawn_from_its_seed_alone(register: Register) -> None:
    again, other = drawn(HOUSEHOLDS, 5), drawn(HOUSEHOLDS, 9)
    assert again.persons.equals(register.persons)
    assert again.households.equals(register.households)
    assert not other.households.equals(register.households)


def test_shuffled_persons_and_text_keys_are_the_same_register(register: Register) -> None:
    shuffled = drawn(HOUSEHOLDS, 5, shuffled=True)
    assert shuffled.persons.sort_by("person").equals(register.persons)
    keys = drawn(HOUSEHOLDS, 5, text_keys=True).households["household"].to_pylist()
    assert keys == [f"H{number}" for number in register.households["household"].to_pylist()]


def test_the_mix_is_what_is_said_of_it(register: Register, wanted: Answers) -> None:
    clauses = wanted.households["clause"].to_pylist()
    assert 0.72 < clauses.count("below_line") / HOUSEHOLDS < 0.80
    assert 0.02 < clauses.count("phase_out") / HOUSEHOLDS < 0.045
    assert 3.0 < len(register.persons) / HOUSEHOLDS < 3.4
    missing = drawn(HOUSEHOLDS, 5, missing=0.1)
    assert 0.08 < missing.persons["age"].null_count / len(missing.persons) < 0.12


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("text_keys", [False, True])
@pytest.mark.parametrize("name", ["numpy", "c"])
def test_what_is_written_by_hand_agrees_with_plain_python(
    name: str, text_keys: bool, shuffled: bool, threads: int
) -> None:
    wanted = by_hand(drawn(HOUSEHOLDS, 5, text_keys=text_keys))
    if name == "c" and shutil.which("gcc") is None:
        pytest.skip("there is no gcc here")
    register = drawn(HOUSEHOLDS, 5, text_keys=text_keys, shuffled=shuffled)
    if name == "c":
        from benchmarks.native import by_c

        found = by_c(register, threads)
    else:
        found = by_numpy(register, threads)
    assert differing(wanted, found) == 0
