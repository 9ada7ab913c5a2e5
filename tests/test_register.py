"""examples/register.xlsx comes to what the same households come to one by one, but for the one that is set aside."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import generate_register
import pytest
from generate_register import BAD, HOUSEHOLDS, ON, REGISTER, ROOT
from python_calamine import CalamineWorkbook

import policykit
from policykit.batch.chunks import Bad, households, refused
from policykit.batch.sources import Register
from policykit.diagnostics import PolicyError
from policykit.loader import load_bundled

SHEET = ROOT / "policies/parameters/ps1.rules"


@pytest.mark.golden
def test_the_register_is_current(tmp_path: Path) -> None:
    if os.environ.get("POLICYKIT_GOLDEN"):
        generate_register.write(REGISTER)
    generate_register.write(tmp_path / "register.xlsx")
    assert cells(tmp_path / "register.xlsx") == cells(REGISTER)


def cells(path: Path) -> dict[str, Any]:
    book = CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


@cache
def read() -> tuple[dict[str, policykit.Result], list[Bad], Register]:
    policies = load_bundled().with_parameters(SHEET)
    register = Register(REGISTER, policies.program)
    found: dict[str, policykit.Result] = {}
    bad: list[Bad] = []
    for chunk in register.chunks():
        bad += chunk.bad
        for number, household in enumerate(households(chunk, policies.program)):
            try:
                found[chunk.key(number)] = policykit.evaluate(household, policies, on=ON)
            except PolicyError as error:
                bad.append(refused(chunk, number, error.diagnostics, policies.program))
    return found, bad, register


@pytest.mark.parametrize("number", [number for number in HOUSEHOLDS if number != BAD])
def test_a_household_comes_to_what_its_example_does(number: int) -> None:
    found = read()[0][str(number)]
    alone = policykit.evaluate(
        generate_register.EXAMPLES / f"{HOUSEHOLDS[number]}.json", on=ON, parameters=SHEET
    )
    assert comes_to(found) == comes_to(alone)


def comes_to(result: policykit.Result) -> list[Any]:
    return [
        (one.measure, one.subject, one.outcome, one.amount and (one.amount.fen, one.amount.low, one.amount.high),
         one.clauses, {missing.path + missing.name for missing in one.missing})
        for one in result.decisions
    ]  # fmt: skip


def test_the_missed_household_is_found() -> None:
    missed = {number for number, result in read()[0].items() for one in result.records if one.name == "漏保"}
    assert missed == {"1005"}


def test_the_bad_row_is_named() -> None:
    # a title, two rows of headings, and before the last one 3+4+4+2+4+3+3+3+3+3+1+2+3 = 38 members
    (bad,) = read()[1]
    assert bad.key == str(BAD)
    assert [(one.code, one.where) for one in bad.reasons if one.severity == "error"] == [
        ("R002", "register.xlsx「成员」第42行「出生日期」")
    ]


def test_what_is_no_record_is_told() -> None:
    assert {note.code for note in read()[2].notes} == {"S006"}
