"""Explanations as recorded, in Chinese and English: a change of wording is read before it is kept.

`make golden` writes them anew; the one who does it reads the difference.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

import policykit
from policykit.diagnostics import Language

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "explain"
PS1 = ROOT / "policies" / "parameters" / "ps1.rules"

CASES = {
    "c01-whole-household": date(2020, 6, 10),
    "c03-single-person": date(2020, 6, 10),
    "c07-phase-out": date(2020, 6, 20),
    "c10-phase-out-and-exit": date(2020, 6, 10),
    "c14-daughter-unknown": date(2020, 6, 10),
    "c18-ban-before-persuasion": date(2020, 6, 10),
    "c25-outside-the-named-groups": date(2020, 6, 10),
}


@pytest.mark.golden
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", CASES)
def test_explanation_is_as_recorded(name: str, language: Language) -> None:
    result = policykit.evaluate(ROOT / "examples" / f"{name}.json", on=CASES[name], parameters=PS1)
    text = result.explain(language)
    # the stamp names a hash of every rule file; what it says of the rules is not what is recorded here
    text = text.replace(result.stamp, "STAMP") + "\n"
    recorded = GOLDEN / f"{name}.{language}.txt"
    if os.environ.get("POLICYKIT_GOLDEN"):
        recorded.parent.mkdir(parents=True, exist_ok=True)
        recorded.write_text(text, encoding="utf-8")
    assert text == recorded.read_text(encoding="utf-8")


def test_same_input_gives_the_same_bytes() -> None:
    example = ROOT / "examples" / "c10-phase-out-and-exit.json"
    first, second = (policykit.evaluate(example, on=date(2020, 6, 10), parameters=PS1) for _ in range(2))
    assert first.explain() == second.explain()
    assert first.to_html() == second.to_html()
    assert first.model_dump_json() == second.model_dump_json()
    assert first.stamp == second.stamp


def test_the_readme_shows_a_rule_and_its_answer_as_they_are() -> None:
    """The clause stands in the rule file line by line, the answer in what the example prints."""
    blocks = (ROOT / "README.md").read_text(encoding="utf-8").split("```\n")
    clause = next(block for block in blocks if block.startswith("条款 "))
    answer = next(block for block in blocks if block.startswith("1. "))
    rules = (ROOT / "policies" / "dibao.rules").read_text(encoding="utf-8").split("\n")
    printed = policykit.evaluate(
        ROOT / "examples" / "c07-phase-out.json", on=CASES["c07-phase-out"], parameters=PS1
    )
    lines = printed.explain().split("\n")
    assert all(line in rules for line in clause.strip().split("\n"))
    assert all(line in lines for line in answer.strip("\n").split("\n") if line.strip() != "…")
