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
    """Prints how often the exact level was wider than the meaning, and how often its budget did not suffice."""
    total: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call":
                total += Counter(dict(report.user_properties).get("agreement", {}))
    if total:
        decisions = total["decisions"]
        terminalreporter.write_line(
            f"agreement with the oracle: {total['households']} households ({total['complete']} complete, "
            f"{total['enumerated whole']} enumerated whole), {decisions} decisions; "
            f"past the exact level's budget {total['past the budget'] / decisions:.2%}, "
            f"wider than the meaning {total['exact wider than the meaning'] / decisions:.2%}"
        )
