"""The same miniature in other engines, as far as they are installed: `pip install 'policykit[bench]'`.

Each gets the same dict and gives the household's benefit in fen with the clause that decided, and of each member the
benefit and whether the tekun test is met. Numbers of these engines are floats or 64-bit integers, exact enough here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.dibao_core import Household
from benchmarks.microsimulation import Country

Told = tuple[int, str | None, list[tuple[int, bool]]]


@dataclass(frozen=True)
class Peer:
    """Another engine: how it decides, and what its answer comes to."""

    decide: Callable[[Household], Any]
    told: Callable[[Any], Told]


# CEL has no sum and no let: the sum is written out for six members, a let is the map of a list of one
COUNTABLE = (
    "(p.employed ? p.monthly_income - (p.employment_cost < 300 ? p.employment_cost : 300) : p.monthly_income)"
)
POSITIVE = f"({COUNTABLE} < 0 ? 0 : {COUNTABLE})"
CEL = f"""[members.map(p, {POSITIVE})].map(v,
    [v[0] + (size(v) > 1 ? v[1] : 0) + (size(v) > 2 ? v[2] : 0) + (size(v) > 3 ? v[3] : 0)
     + (size(v) > 4 ? v[4] : 0) + (size(v) > 5 ? v[5] : 0)].map(total,
        [total < 500 * size(v) ? 1 : was_recipient && months_over_line <= 12 ? 2 : 0].map(clause,
            [clause == 1 ? (500 - total / size(v)) * size(v) * 100 : clause == 2 ? previous_benefit * 100 : 0, clause,
             members.map(p, [
                registered_poor && clause == 0 && ((p.disability_level >= 1 && p.disability_level <= 2) || p.seriously_ill)
                    && {POSITIVE} < 500 ? (500 - {POSITIVE}) * 100 : 0,
                (p.age >= 60 || p.age < 16 || p.disability_level == 1) && p.monthly_income == 0 && !p.has_supporter])
            ])[0])[0])[0]"""
CLAUSES = (None, "below_line", "phase_out")

ZEN_INCOME = "max([0, #.employed ? #.monthly_income - min([#.employment_cost, 300]) : #.monthly_income])"
ZEN = {
    "incomes": f"map(members, {ZEN_INCOME})",
    "size": "len(members)",
    "total": "sum($.incomes)",
    "clause": "$.total < 500 * $.size ? 1 : was_recipient and months_over_line <= 12 ? 2 : 0",
    "benefit": "$.clause == 1 ? (500 - floor($.total / $.size)) * $.size * 100 : $.clause == 2 ? previous_benefit * 100 : 0",
    "poor": "registered_poor and $.clause == 0",
    "singles": "map(members, (#.disability_level >= 1 and #.disability_level <= 2 or #.seriously_ill) "
    f"and {ZEN_INCOME} < 500 ? (500 - {ZEN_INCOME}) * 100 : 0)",
    "tekun": "map(members, (#.age >= 60 or #.age < 16 or #.disability_level == 1) and #.monthly_income == 0 "
    "and not #.has_supporter)",
}


def zen() -> Peer:
    """zen-engine: one node of expressions, each seeing those before it."""
    module = import_module("zen")
    rules = [{"id": name, "key": name, "value": text} for name, text in ZEN.items()]
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {"id": "rules", "type": "expressionNode", "name": "rules", "content": {"expressions": rules}},
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    ends = [("in", "rules"), ("rules", "out")]
    edges = [{"id": f"{a}-{b}", "type": "edge", "sourceId": a, "targetId": b} for a, b in ends]
    graph = {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}
    engine = module.ZenEngine({"loader": {"type": "static", "content": {"core": graph}}})

    def told(answer: Any) -> Told:
        found = answer["result"]
        paid = [int(one) if found["poor"] else 0 for one in found["singles"]]
        return (
            int(found["benefit"]),
            CLAUSES[int(found["clause"])],
            list(zip(paid, found["tekun"], strict=True)),
        )

    return Peer(lambda household: engine.evaluate("core", household), told)


def cel() -> Peer:
    """common-expression-language: the whole as one expression."""
    program = import_module("cel").compile(CEL)

    def told(answer: Any) -> Told:
        benefit, clause, members = answer
        return int(benefit), CLAUSES[int(clause)], [(int(paid), bool(tekun)) for paid, tekun in members]

    return Peer(program.execute, told)


def microsimulation(package: str) -> Callable[[], Peer]:
    """OpenFisca or PolicyEngine, which are built for registers: here a simulation of one household each time."""

    def peer() -> Peer:
        def told(answer: Any) -> Told:
            benefit, clause, paid, tekun = (one.tolist() for one in answer)
            return benefit[0], CLAUSES[clause[0]], list(zip(paid, tekun, strict=True))

        return Peer(Country(package).one, told)

    return peer


PEERS: dict[str, Callable[[], Peer]] = {
    "zen-engine": zen,
    "common-expression-language": cel,
    "openfisca-core": microsimulation("openfisca_core"),
    "policyengine-core": microsimulation("policyengine_core"),
}


def peers() -> dict[str, Peer]:
    """The engines that are installed."""
    found = {}
    for name, peer in PEERS.items():
        try:
            found[name] = peer()
        except ImportError:
            print(f"{name} is not installed: skipped")
    return found
