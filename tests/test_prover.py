"""The prover against every household: small drawn programs, all of whose households are tried one after another.

Each program holds two members, a list, a parameter that nobody sets and a rounding, and claims four properties; what
is claimed of every rule set is asked too. The verdict must be the one that trying gives. Whatever is shown against a
claim is put to `policykit.evaluate`, and must show there what it was shown for.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from unittest.mock import patch

import domain
import pytest
import strategies

import policykit
from policykit import ir, parser
from policykit.claims import Claim, claims
from policykit.engine.smt.variables import Size
from policykit.loader import Policies
from policykit.prove import Proof, Prover, engine

LARGE = int(os.environ.get("POLICYKIT_LARGE") or 0)
SIZES = (Size(2, 1), Size(1, 2))  # two members, or two entries in each list
MOST = 250  # households that are tried for one claim; a claim about more of them is left out, and counted
LIMIT = 20.0
VERDICTS = ("proved", "refuted", "vacuous")


def drawn(seed: int) -> tuple[ir.Program, ir.Program | None]:
    """A small program with properties; for each third, also one that has lost a priority between two grants, so that
    they may conflict, which no rule file may."""
    draw = random.Random(seed)
    with patch("policykit.loader.parse", lru_cache(maxsize=8)(parser.parse)):
        program = strategies.claiming(draw)
    pairs = [(low, high) for low, above in program.blockers.items() for high in sorted(above)
             if all(isinstance(program.clauses[one][0].effect, ir.Grant) for one in (low, high))]  # fmt: skip
    if seed % 3 or not pairs:
        return program, None
    low, high = pairs[draw.randrange(len(pairs))]
    return program, replace(program, blockers={**program.blockers, low: program.blockers[low] - {high}})


def asked(seed: int) -> Iterable[tuple[ir.Program, Claim]]:
    """What is claimed on one day, or on two between which rules change; that clauses can apply, of each second program."""
    first = strategies.ON - timedelta(days=seed % 4 == 0)
    program, loose = drawn(seed)
    for claim in claims(program, first, strategies.ON):
        if seed % 2 or claim.kind != "applies":
            yield program, claim
    for claim in claims(loose, first, strategies.ON) if loose is not None else ():
        if claim.kind == "conflict":
            yield loose, claim


def disagreements(seed: int, counts: Counter[str]) -> list[str]:
    """Where the prover and all households of one seed's program differ."""
    size, found, provers = SIZES[seed % 3 == 2], list[str](), dict[int, Prover]()
    counts["programs"] += 1
    for program, claim in asked(seed):
        try:
            truth = domain.state(program, claim, size, MOST)
        except domain.TooMany:
            counts["left out"] += 1
            continue
        proof = provers.setdefault(id(program), Prover(program, size, LIMIT)).settle(claim)
        counts[proof.state] += 1
        counts[claim.kind] += 1
        name = f"seed {seed}, {claim.kind} {'、'.join(rule.zh for rule in claim.rules)}"
        if proof.state != truth:
            found.append(f"{name}: {proof.state} {proof.why}, should be {truth}")
        elif proof.shown is not None:
            counts["replayed"] += 1
            found += [f"{name}: {fault}" for fault in not_replayed(program, claim, proof, size)]
    return found


def not_replayed(program: ir.Program, claim: Claim, proof: Proof, size: Size) -> Iterable[str]:
    """What is wrong with a household that is shown: it is data that `evaluate` takes, and its answers there leave open
    what the household shows when its parameters are supposed too; by the meaning it breaks the claim."""
    shown = proof.shown
    assert shown is not None
    for witness in (shown.witness, shown.after):
        if witness is None:
            continue
        policies = Policies(program, (), (), ())
        result = policykit.evaluate(witness.household, policies, on=witness.on, rulings=witness.rulings)
        said = {(d.measure, d.subject): d for d in result.decisions}
        supposed = engine(program, witness).trace()
        for decision in supposed.decisions:
            there = said[decision.measure, decision.subject.path]
            if not decision.outcomes <= set(there.outcomes):
                yield f"evaluate says {there.outcomes}, supposing more says {set(decision.outcomes)}"
    if not domain.replays(program, claim, shown.witness, size):
        yield f"the household shown does not break it: {shown.witness}"


def agree(seeds: Iterable[int], record: Callable[[str, object], None]) -> Counter[str]:
    counts: Counter[str] = Counter()
    found = [x for seed in seeds for x in disagreements(seed, counts)]
    record("prover", dict(counts))
    assert not found, "\n".join(found[:20])
    return counts


@pytest.mark.parametrize("first", (0, 15))
def test_the_prover_says_what_trying_every_household_says(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    agree(range(first, first + 15), record_property)


@pytest.mark.large
@pytest.mark.parametrize("first", range(1000, 3500 if LARGE < 3 else 11000, 100))
def test_the_prover_says_what_trying_every_household_says_of_many(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    """2,500 programs, more than 10,000 verdicts; four times as many when POLICYKIT_LARGE is 3 or more."""
    counts = agree(range(first, first + 100), record_property)
    verdicts = sum(counts[state] for state in VERDICTS)
    assert verdicts >= 400 and 3 * counts["refuted"] >= verdicts, counts
