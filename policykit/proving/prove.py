"""Proof over all households of a bounded size: what the rules claim of themselves, and what no rule set may do.

A verdict is *proved* (no household within the bound breaks it), *refuted* (one does; it has been put to the reference
engine, which says the same), *vacuous* (nothing satisfies what is assumed, so nothing is claimed), or *not decided*
(the solver ran out of time, or a rule has no form for it). What a bound does not cover is not claimed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, TypeAlias

from policykit import ir
from policykit.diagnostics import Diagnostic, Language, PolicyError, did_you_mean
from policykit.engine.interpreter import Interpreter
from policykit.engine.smt import solve
from policykit.engine.smt.logic import Refused, both
from policykit.engine.smt.variables import Size, Stretch, stretches
from policykit.engine.smt.verdicts import Verdicts
from policykit.engine.smt.witness import Reader, Witness
from policykit.engine.terms import subject
from policykit.proving.claims import Claim, Kind, days, turns_for
from policykit.proving.claims import claims as claimed
from policykit.proving.leaner import leaner
from policykit.proving.refuting import Question, questions, standing
from policykit.proving.spread import spread
from policykit.reach import root_for
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.source import Span
from policykit.values import Bounds

State: TypeAlias = Literal["proved", "refuted", "vacuous", "not_decided"]

BOUND = Size(members=8, entries=3)
SMALL = (Size(1, 1), Size(2, 2))  # where a household is looked for first


@dataclass(frozen=True, slots=True)
class Shown:
    """A household that breaks a claim, as the reference engine has confirmed: the subject it is broken for, and for a
    claim about a rising fact the same household after the rise, for a division what is 0."""

    witness: Witness
    subject: str
    after: Witness | None = None
    divisor: ir.Expr | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict on one claim, on the days from `first` to `last`. `rules` are what it speaks of; `why` says what kept
    it undecided, or why a clause never stands."""

    kind: Kind
    rules: tuple[ir.Name, ...]
    span: Span
    first: date
    last: date
    state: State
    shown: Shown | None = None
    why: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """All verdicts, with the bound within which they hold: size of households, first and last day."""

    size: Size
    first: date
    last: date
    proofs: tuple[Proof, ...]

    @property
    def proved(self) -> bool:
        """Whether every claim is proved."""
        return all(proof.state == "proved" for proof in self.proofs)


def prove(
    program: ir.Program,
    *,
    size: Size = BOUND,
    limit: float = 20.0,
    only: Sequence[str] = (),
    on: date | None = None,
    cores: int | None = None,
    told: Callable[[Proof], None] = lambda proof: None,
) -> Report:
    """Proves, or refutes with a household, everything that is claimed of a program.

    `limit` is in seconds for each question to the solver; `only` names the properties and rules to look at; `on` looks
    at one day alone. Raises `PolicyError` when a name in `only` is not that of a property or rule.
    """
    unknown = [
        name for name in only if not any(_named(claim, [name]) for claim in claimed(program, *days(program)))
    ]
    if unknown:
        raise PolicyError(_unknown(program, name) for name in unknown)
    first, last = days(program) if on is None else (on, on)
    wanted = [claim for claim in claimed(program, first, last) if not only or _named(claim, only)]
    prover = Prover(program, size, limit)
    proofs = []
    for proof in spread(
        prover.settle, wanted, cores if cores is not None else os.cpu_count() or 1, _interrupted
    ):
        told(proof)
        proofs.append(proof)
    return Report(size, first, last, tuple(proofs))


def _named(claim: Claim, only: Sequence[str]) -> bool:
    return any(name in (rule.id, rule.zh, rule.en) for rule in claim.rules for name in only)


def _unknown(program: ir.Program, name: str) -> Diagnostic:
    language: Language = "zh" if program.language == "zh" else "en"
    rules = [rule for claim in claimed(program, *days(program)) for rule in claim.rules]
    hint = did_you_mean(name, [word for rule in rules for word in (rule.zh, rule.id)], language)
    return Diagnostic("N001", "--property", language, (("name", name), ("hint", hint)))


# ---- proving ----------------------------------------------------------------------------------------------------------------


def _blank(claim: Claim) -> Proof:
    return Proof(claim.kind, claim.rules, claim.span, claim.first, claim.last, "proved")


def _interrupted(claim: Claim) -> Proof:
    return replace(_blank(claim), state="not_decided", why="interrupted")


@dataclass(slots=True)
class Prover:
    """Settles claims about one program; what was built for one question serves the next on the same days."""

    program: ir.Program
    size: Size
    limit: float
    built: dict[tuple[Stretch, Size, str], Verdicts] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)

    def settle(self, claim: Claim) -> Proof:
        """The verdict on one claim."""
        began = time.monotonic()
        proof = _blank(claim)
        try:
            proof = self.decide(claim, proof)
        except solve.Undecided as why:
            proof = replace(proof, state="not_decided", why=str(why))
        except Refused as why:
            proof = replace(proof, state="not_decided", why=f"no form for {why}")
        return replace(proof, seconds=time.monotonic() - began)

    def decide(self, claim: Claim, proof: Proof) -> Proof:
        days = stretches(claim.first, claim.last, turns_for(self.program, claim))
        if claim.kind == "applies":
            return self.applies(claim, days, proof)
        try:
            broken = [s for s in days if next(self.broken(claim, s, self.size), None) is not None]
        except solve.Undecided as why:
            broken, proof = days, replace(proof, state="not_decided", why=str(why))
        # what breaks a claim does so in a small household more often than not, and that is the one to show
        for size in self.sizes() if broken else ():
            for stretch in broken:
                for told in self.broken(claim, stretch, size):
                    return replace(
                        proof, state="refuted", why="", shown=self.shown(claim, stretch, size, told)
                    )
        if proof.state == "proved" and claim.kind == "property" and not any(self.assumed(claim, days)):
            return replace(proof, state="vacuous")
        return proof

    def sizes(self) -> Iterator[Size]:
        """The sizes to look at, the smallest first; none is larger than the bound, within which the verdict holds."""
        for small in SMALL:
            if (
                small.members <= self.size.members
                and small.entries <= self.size.entries
                and small != self.size
            ):
                yield small
        yield self.size

    def broken(self, claim: Claim, stretch: Stretch, size: Size) -> Iterator[tuple[str, int]]:
        """The questions about a claim that some household answers, each by what tells it from the others."""
        verdicts = self.verdicts(stretch, size, claim.entity)
        for told, question in _told_apart(questions(verdicts, claim)):
            if solve.possible(verdicts, question.goal, self.limit):
                yield told

    def assumed(self, claim: Claim, days: list[Stretch]) -> Iterator[bool]:
        """Whether what a property assumes can be so, by size and days."""
        for size in self.sizes():
            for stretch in days:
                verdicts = self.verdicts(stretch, size, claim.entity)
                for question in questions(verdicts, claim):
                    yield solve.possible(verdicts, question.assumed, self.limit)

    def applies(self, claim: Claim, days: list[Stretch], proof: Proof) -> Proof:
        """Whether a clause can ever apply, and stand when it does."""
        clause: ir.Clause = claim.of
        overridden = False
        for size in self.sizes():
            for stretch in days:
                verdicts = self.verdicts(stretch, size, claim.entity)
                for status, there in standing(verdicts, clause, claim.entity):
                    if solve.possible(verdicts, both((there, verdicts.stands(status))), self.limit):
                        return proof
                    if not overridden:
                        overridden = solve.possible(verdicts, both((there, status.applies)), self.limit)
        return replace(proof, state="refuted", why="overridden" if overridden else "never")

    def verdicts(self, stretch: Stretch, size: Size, entity: str) -> Verdicts:
        """Everything about the households of a size on some days, built once."""
        root = self.root(entity)
        key = (stretch, size, root)
        if key not in self.built:
            self.built[key] = Verdicts(self.program, stretch, size, root=root)
        return self.built[key]

    def root(self, entity: str) -> str:
        if entity not in self.roots:
            self.roots[entity] = root_for(self.program, entity)
        return self.roots[entity]

    def shown(self, claim: Claim, stretch: Stretch, size: Size, told: tuple[str, int]) -> Shown:
        """A simple household that answers a question, confirmed by the reference engine; asked anew by itself, so that
        the household holds what the question rests on and nothing else."""
        verdicts = Verdicts(self.program, stretch, size, root=self.root(claim.entity))
        question = next(q for one, q in _told_apart(questions(verdicts, claim)) if one == told)

        def breaks(found: tuple[Witness, ...]) -> bool:
            try:
                engines = [engine(self.program, one) for one in found]
            except PolicyError:
                return False  # a fact whose range leaves no value has none that data may give
            lawful = all(map(within_ranges, engines, found))
            return lawful and question.confirmed(engines)

        for everything in (False, True):
            reader = solve.simplest(verdicts, question.goal, self.limit, everything)
            if reader is None:
                continue
            witness = reader.witness()
            after = (
                Reader(verdicts, reader.model, question.after).witness()
                if question.after is not None
                else None
            )
            found = (witness,) if after is None else (witness, after)
            if breaks(found):
                first, *second = leaner(found, breaks)
                return Shown(first, question.subject, next(iter(second), None), question.divisor)
        raise solve.Undecided("unconfirmed")


def _told_apart(asked: Iterable[Question]) -> Iterator[tuple[tuple[str, int], Question]]:
    """Each question with whose fact rises, or with its number: on what was asked before, the number of a rise depends."""
    for number, question in enumerate(asked):
        yield (question.place, 0 if question.place else number), question


def engine(program: ir.Program, witness: Witness) -> Interpreter:
    """The reference engine on a household that the solver found; raises `PolicyError` when it cannot be read."""
    case = read_case(program, witness.household, witness.on)
    rulings, elections, errors = read_rulings(program, case, witness.rulings)
    if errors:
        raise PolicyError(errors)
    supposed = {**witness.parameters, **witness.besides}
    return Interpreter(program, case, witness.on, rulings, elections, supposed)


def within_ranges(one: Interpreter, witness: Witness) -> bool:
    """Whether every parameter that is supposed surely lies in its range, which facts may set."""
    for gap, value in witness.parameters.items():
        declared = one.first.program.parameters[gap.name.partition("[")[0]]
        env = subject(one.case.index[gap.path]) if gap.path else {}
        if not isinstance(value, Bounds) or value.lo is None:
            continue
        low = one.terms.value(declared.low, env) if declared.low is not None else value
        high = one.terms.value(declared.high, env) if declared.high is not None else value
        assert isinstance(low, Bounds) and isinstance(high, Bounds)
        if low.none or high.none or low.hi > value.lo or value.hi > high.lo:
            return False
    return True
