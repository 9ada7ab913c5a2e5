"""The household's part of *dibao-core* in other engines, as far as they are installed; the members' is left out.

Each gets the same dict and gives the household's benefit in fen and the clause that decided. Numbers of these engines
are floats or 64-bit integers, which is exact enough here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Peer:
    """Another engine: how it decides, and what its answer comes to. `every` how often answers are compared."""

    decide: Callable[[dict[str, Any]], Any]
    short: Callable[[Any], tuple[int, str | None]]
    every: int = 10


COUNTABLE = (
    "p.employed ? (p.monthly_income - (p.employment_cost < 300 ? p.employment_cost : 300)) : p.monthly_income"
)
CEL = f"""[members.map(p, {COUNTABLE}).map(x, x < 0 ? 0 : x)].map(v,
    [(v[0]) + (v.size() > 1 ? v[1] : 0) + (v.size() > 2 ? v[2] : 0) + (v.size() > 3 ? v[3] : 0)
     + (v.size() > 4 ? v[4] : 0) + (v.size() > 5 ? v[5] : 0)].map(total,
        total < 500 * v.size() ? [(500 - total / v.size()) * v.size() * 100, 1]
        : was_recipient && months_over_line <= 12 ? [previous_benefit * 100, 2] : [0, 0])[0])[0]"""


def peers() -> dict[str, Peer]:
    """The engines that are installed."""
    found = {}
    try:
        cel = import_module("cel")
    except ImportError:
        print("common-expression-language is not installed: skipped")
    else:
        program = cel.compile(CEL)
        clauses = {0: None, 1: "below_line", 2: "phase_out"}
        found["common-expression-language (household only)"] = Peer(
            program.execute, lambda told: (int(told[0]), clauses[int(told[1])])
        )
    return found


PEERS = peers()
