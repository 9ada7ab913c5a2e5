"""policykit: clauses of a policy notice as rules, evaluated on households, every answer traced to its clause."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policykit.answers import Amount, Decision, Missing
    from policykit.asking.lines import NearLine, near_line
    from policykit.asking.questions import Agenda, Question, ask
    from policykit.diagnostics import Diagnostic, PolicyError
    from policykit.loader import Policies, load, load_text
    from policykit.result import Result, evaluate

__all__ = [
    "Agenda",
    "Amount",
    "Decision",
    "Diagnostic",
    "Missing",
    "NearLine",
    "Policies",
    "PolicyError",
    "Question",
    "Result",
    "ask",
    "evaluate",
    "load",
    "load_text",
    "near_line",
]

_HOMES = {
    "Diagnostic": "diagnostics",
    "PolicyError": "diagnostics",
    "Policies": "loader",
    "load": "loader",
    "load_text": "loader",
    "Agenda": "asking.questions",
    "Question": "asking.questions",
    "ask": "asking.questions",
    "Amount": "answers",
    "Decision": "answers",
    "Missing": "answers",
    "Result": "result",
    "evaluate": "result",
    "NearLine": "asking.lines",
    "near_line": "asking.lines",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
