"""Tests for rules of one's own, behind the extra `[testing]`: households of any kind, and laws they must not break.

from policykit import load, testing
test_laws = testing.laws(load("policies/"))
test_nobody_missed = testing.no_eligible_missed(load("policies/"))
"""

try:
    import hypothesis as _hypothesis  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "hypothesis":
        raise
    raise ModuleNotFoundError(
        "缺少 hypothesis，请安装：pip install 'policykit[testing]'"
        " / hypothesis is missing, install: pip install 'policykit[testing]'",
        name="hypothesis",
    ) from None

from policykit.testing.laws import laws, no_eligible_missed, reached
from policykit.testing.strategies import Unreached, around, day_of, histories, households, reaching, withheld

__all__ = [
    "Unreached",
    "around",
    "day_of",
    "histories",
    "households",
    "laws",
    "no_eligible_missed",
    "reached",
    "reaching",
    "withheld",
]
