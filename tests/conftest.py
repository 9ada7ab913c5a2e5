"""One profile for every property test: the same examples on every run; POLICYKIT_LARGE asks for more of them."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["POLICYKIT_CACHE"] = "off"  # tests make every program themselves

sys.path.insert(0, str(Path(__file__).parent))

LARGE = int(os.environ.get("POLICYKIT_LARGE", "0"))

settings.register_profile("policykit", derandomize=True, deadline=None, database=None)
settings.load_profile("policykit")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what was counted: how often engines were compared, and how often the exact level was wider."""
    total, prover, solver = (counted(terminalreporter, name) for name in ("agreement", "prover", "solver"))
    if total:
        decisions = total["decisions"]
        terminalreporter.write_line(
            f"agreement with the oracle: {total['households']} households ({total['complete']} complete, "
            f"{total['enumerated whole']} enumerated whole), {decisions} decisions; "
            f"past the exact level's budget {total['past the budget'] / decisions:.2%}, "
            f"wider than the meaning {total['exact wider than the meaning'] / decisions:.2%}, "
            f"open over truths and choices alone {total['over truths and choices']}, none of them wider"
        )
    if prover:
        verdicts = sum(prover[state] for state in ("proved", "refuted", "vacuous"))
        terminalreporter.write_line(
            f"the prover against every household: {prover['programs']} programs, {verdicts} verdicts, "
            f"{prover['refuted']} refuted, {prover['vacuous']} vacuous; {prover['replayed']} households replayed; "
            f"{prover['left out']} claims about too many households left out"
        )
    if solver:
        terminalreporter.write_line(
            f"the solver against the oracle: {solver['households']} households, {solver['outcomes']} sets of outcomes "
            f"({solver['several']} of more than one), {solver['amounts']} amounts"
        )


def counted(terminalreporter: pytest.TerminalReporter, name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call":
                total += Counter(dict(report.user_properties).get(name, {}))
    return total
