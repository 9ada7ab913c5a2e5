"""What all tests share: how much hypothesis tries, and the counts that a run reports at its end."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

#: how many times over the large counts are run; 0 outside `make large`
LARGE = int(os.environ.get("POLICYKIT_LARGE") or 0)

settings.register_profile(
    "policykit",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60 if not LARGE else 600 * LARGE,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("policykit")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Adds up what tests recorded under `counts`, wherever they ran, in one line each."""
    totals: dict[str, Counter[str]] = {}
    for report in terminalreporter.getreports(""):
        if getattr(report, "when", "") == "call":
            for name, counts in report.user_properties:
                if name.startswith("counts:"):
                    totals.setdefault(name.removeprefix("counts:"), Counter()).update(counts)
    for name, counts in totals.items():
        shown = ", ".join(f"{count:,} {what}" for what, count in counts.items())
        terminalreporter.write_line(f"{name}: {shown}")


@pytest.fixture
def counts(request: pytest.FixtureRequest, record_property: Any) -> Counter[str]:
    """A counter that the end of the run reports, under the name of the test module."""
    found: Counter[str] = Counter()
    record_property(f"counts:{request.module.__name__.removeprefix('test_')}", found)
    return found
