"""What the cases of the bundled policies must reach: every clause both ways, and the notice's own clauses twice.

What a case expects is also what came out (`test_every_bundled_case_passes`), so that expectations can be counted
without asking the engine again.
"""

from collections.abc import Iterator
from functools import cache

import pytest

from policykit import ir, loader
from policykit.casework.arguments import argued
from policykit.casework.exercised import UNREACHABLE, exercised, said
from policykit.loader import Policies

FIRED = {"grants", "may", "excludes", "applies", "open", "done", "overdue", "blocked"}
NOT_FIRED = {"silent", "not_met", "overridden"}


@cache
def bundled() -> Policies:
    held, diagnostics = loader.examine(loader.bundled(), cases=True)
    assert held is not None, diagnostics
    return held


def seen(wanted: ir.Expectation) -> Iterator[tuple[str, str]]:
    """The clauses that an expectation names, each with how it is seen: fired, not fired, refusing."""
    if wanted.about == "clause":
        if wanted.state in FIRED:
            yield wanted.name, "fired"
        elif wanted.state in NOT_FIRED:
            yield wanted.name, "not fired"
        if wanted.state == "not_met":
            yield wanted.name, "refusing"
    elif wanted.about == "measure":
        for name in wanted.by:
            match wanted.state:
                case "granted" | "discretionary" | "excluded":
                    yield name, "fired"
                case "refused":
                    yield name, "not fired"
                    yield name, "refusing"
                case "superseded":
                    yield name, "not fired"


def cases(how: str) -> dict[str, set[str]]:
    """For each clause the cases that name it so."""
    found: dict[str, set[str]] = {name: set() for name in bundled().program.clauses}
    for example in bundled().program.examples:
        for trial in example.trials:
            for wanted in trial.expected:
                for name, way in seen(wanted):
                    if way == how:
                        found[name].add(example.name.id)
    return found


@pytest.mark.parametrize("way", ["fired", "not fired"])
def test_every_clause_is_expected_to_fire_and_not_to(way: str) -> None:
    assert [name for name, by in cases(way).items() if not by] == []


def test_every_clause_of_the_notice_decides_in_two_cases() -> None:
    """Those about a household or a person: by firing, or, where a measure may be refused, by refusing it."""
    fired, refusing = cases("fired"), cases("refusing")
    clauses = bundled().program.clauses
    notice = [
        name
        for name, versions in clauses.items()
        if any(cite.text == "plan" for version in versions for cite in version.basis.cites)
        and versions[0].entity in ("household", "person")
    ]
    assert len(notice) > 50
    few = {}
    for name in notice:
        deciding = set(fired[name])
        if isinstance(clauses[name][0].effect, ir.Grant):
            deciding |= refusing[name]
        if len(deciding) < 2:
            few[name] = deciding
    assert few == {}


@pytest.mark.large
def test_whatever_a_household_can_reach_is_seen_both_ways() -> None:
    """Clauses in each of their versions, scopes, tests, operands, exceptions: what is left is argued, and no more."""
    reach = exercised(bundled())
    assert reach.both_ways == len(reach.program.clauses)
    left = {said(bundled(), one.site, "zh") for one in reach.open}
    assert left == argued(bundled(), UNREACHABLE).keys()
    assert all(why.strip() for why in argued(bundled(), UNREACHABLE).values())
