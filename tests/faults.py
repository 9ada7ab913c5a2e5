"""Deliberate errors in the bundled rules, and which check finds each: a property by proof, a built-in claim by proof, a
case. `python tests/faults.py` writes docs/faults.md.

The errors are mutants of the typed program, so that no reading, name or quote check can find one. They are drawn by
seed, in turn from every kind of change in every rule file. Proofs are tried over small households, where what is broken
mostly breaks; a claim counts as found broken when it holds of the rules as they stand and is refuted of the changed ones.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from policykit import ir, loader
from policykit.casework.mutants import Question, changes, equivalents, notices, questions
from policykit.engine.smt.variables import Size
from policykit.mutations import Mutant
from policykit.proving.claims import Claim, Rest, claims, days
from policykit.proving.prove import Prover

PAGE = Path(__file__).parent.parent / "docs" / "faults.md"
COUNT, SEED = 60, 48
SIZE, LIMIT = Size(2, 1), 1.0
#: seconds of work on the properties, and on the built-in claims, for each fault: then no further one is begun
PATIENCE = 2.0
PROCESSES = 2


@dataclass(frozen=True)
class Found:
    """What finds one fault: the case, the property and the built-in claim that first do, empty where none does."""

    fault: str
    place: str
    said: str
    kind: str
    case: str
    property: str
    claim: str
    seconds: float

    def by_anything(self) -> bool:
        return bool(self.case or self.property or self.claim)


def policies() -> loader.Policies:
    rules, _ = loader.examine(loader.bundled(), cases=True)
    assert rules is not None
    return rules


def faults(rules: loader.Policies) -> list[Mutant]:
    """Some mutants, in turn from each kind of change in each rule file; none that is argued to change nothing."""
    argued = equivalents(rules)
    draw, groups = random.Random(SEED), dict[tuple[str, str], list[Mutant]]()
    for mutant in changes(rules):
        groups.setdefault((mutant.change.kind, mutant.span.file), []).append(mutant)
    order = sorted(groups)
    for key in order:
        draw.shuffle(groups[key])
    draw.shuffle(order)
    turns = (
        groups[key][turn]
        for turn in range(COUNT)
        for key in order
        if turn < len(groups[key]) and groups[key][turn].id not in argued
    )
    return [next(turns) for _ in range(COUNT)]


class Checks:
    """The three checks; what a claim comes to of the rules as they stand is worked out once."""

    def __init__(self, rules: loader.Policies) -> None:
        self.program = rules.program
        self.asked: list[Question] = questions(rules)[0]
        self.first, self.last = days(self.program)
        self.sound = Prover(self.program, SIZE, LIMIT)
        self.holds: dict[tuple[str, ...], bool] = {}

    def find(self, mutant: Mutant) -> Found:
        began = time.monotonic()
        question = notices(mutant, self.asked)
        program = mutant.of(self.program)
        prover = Prover(program, SIZE, LIMIT)
        resting = [c for c in claims(program, self.first, self.last) if rests_on(program, c, mutant)]
        written, built_in = ([c for c in resting if (c.kind == "property") is own] for own in (True, False))
        broken = [self.breaking(prover, group) for group in (written, built_in)]
        case = question.prepared.example.name.zh if question is not None else ""
        place = f"{Path(mutant.span.file).name}:{mutant.span.line}"
        rule, kind = mutant.rule.zh, mutant.change.kind
        said = f"{rule}：{mutant.sentence('zh')}"
        seconds = time.monotonic() - began
        return Found(mutant.id, place, said, kind, case, broken[0], broken[1], seconds)

    def breaking(self, prover: Prover, group: list[Claim]) -> str:
        """The first claim that breaks, of as many as patience allows; empty where none does."""
        until = time.process_time() + PATIENCE
        for claim in group:
            if self.breaks(prover, claim):
                return named(claim)
            if time.process_time() > until:
                break
        return ""

    def breaks(self, prover: Prover, claim: Claim) -> bool:
        return prover.settle(claim).state == "refuted" and self.stood(claim)

    def stood(self, claim: Claim) -> bool:
        """Whether a claim is proved of the rules as they stand."""
        key = (claim.kind, *(rule.id for rule in claim.rules))
        if key not in self.holds:
            same = (
                c
                for c in claims(self.program, self.first, self.last)
                if key == (c.kind, *(r.id for r in c.rules))
            )
            self.holds[key] = all(self.sound.settle(c).state == "proved" for c in same)
        return self.holds[key]


def rests_on(program: ir.Program, claim: Claim, mutant: Mutant) -> bool:
    rest = Rest(program)
    rest.claim(claim)
    kinds = {"clauses": "clause", "blockers": "clause", "defines": "define"}
    return any((kinds[section], name) in rest.seen for section, name in mutant.reads)


def named(claim: Claim) -> str:
    rules = "、".join(rule.zh for rule in claim.rules)
    return rules if claim.kind == "property" else f"{claim.kind} {rules}"


_CHECKS: Checks
_FAULTS: list[Mutant]


def _find(number: int) -> Found:
    return _CHECKS.find(_FAULTS[number])


def found() -> Iterator[Found]:
    """What finds each fault, in the order of the faults, worked out on two cores."""
    global _CHECKS, _FAULTS
    rules = policies()
    _CHECKS, _FAULTS = Checks(rules), faults(rules)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        yield from pool.imap(_find, range(len(_FAULTS)))


HEAD = """<!-- generated by `python tests/faults.py`: do not edit -->

# Faults put in on purpose / 故意写错的规则

{count} errors were made in the bundled rules by script (`tests/faults.py`, seed {seed}): an operator turned, a condition
dropped, a bound shifted, a priority lost, a scope widened, a modality changed, in turn in every rule file. They are made
in the typed program, where no reading, name or quote check can find them. Then three checks were asked, each alone:

- **case**: an expectation of the bundled cases is answered differently ([Mutants](mutants.md) asks this of every mutant);
- **property**: a property of `properties.rules` that is proved of the rules as they stand is refuted;
- **claim**: one of the claims made of every rule set is refuted (`applies`: that a clause can apply; `amount`: that what
  it pays can be paid; `division`; `conflict`; `ban`).

Proofs were tried over households of at most {members} members and {entries} entry in each list, {limit:g} s a question and
about {patience:g} s for all properties and again for all other claims that rest on what is changed; with more time and
larger households they find more. Named is the first that finds the fault.

| | found by it | by it alone |
|---|---|---|
{counts}

{none} by none. Cases are many and each was written for a rule, so they find most; properties say what must hold whatever
the rule, so they find an error only where it takes or gives what they speak of. Neither stands for the other: a property
also finds the fault that the author of the cases shares.

把规则故意改错 {count} 处，看哪一种检查能发现。案例逐条为规则而写，发现得最多；性质只管它说的那件事，但不受写案例的人的疏忽影响。

| place | fault | case | property | claim | s |
|---|---|---|---|---|---|
"""


def page(results: list[Found]) -> str:
    columns = ("case", "property", "claim")
    lines = []
    for column in columns:
        by = [r for r in results if getattr(r, column)]
        alone = [r for r in by if sum(bool(getattr(r, other)) for other in columns) == 1]
        lines.append(f"| {column} | {len(by)} of {len(results)} | {len(alone)} |")
    kinds = Counter(r.kind for r in results)
    lines.append(f"| all three | {sum(r.by_anything() for r in results)} of {len(results)} | |")
    said = (
        "\n".join(lines) + "\n\nKinds: " + ", ".join(f"{kind} {kinds[kind]}" for kind in sorted(kinds)) + "."
    )
    head = HEAD.format(
        count=len(results), seed=SEED, members=SIZE.members, entries=SIZE.entries, limit=LIMIT, patience=PATIENCE, counts=said,
        none=sum(not r.by_anything() for r in results),
    )  # fmt: skip
    cell = str.maketrans({"|": "\\|", "\n": " "})
    rows = (
        f"| `{r.place}` | {r.said.translate(cell)} | {r.case} | {r.property} | {r.claim} | {r.seconds:.1f} |"
        for r in results
    )
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(list(found())), encoding="utf-8")
