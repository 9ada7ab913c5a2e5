"""Proof over all households of a bounded size: what the rules claim of themselves, and what no rule set may do.

A verdict is *proved* (no household within the bound breaks it), *refuted* (one does; it has been put to the reference
engine, which says the same), *vacuous* (nothing satisfies what is assumed, so nothing is claimed), or *not decided*
(the solver ran out of time, or a rule has no form for it). What a bound does not cover is not claimed.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, TypeAlias

from policykit import ir
from policykit.claims import Claim, Kind, days, questions, root_for, standing, turns
from policykit.claims import claims as claimed
from policykit.engine.interpreter import Interpreter
from policykit.engine.smt import solve
from policykit.engine.smt.logic import Refused, both
from policykit.engine.smt.variables import Size, Stretch, stretches
from policykit.engine.smt.verdicts import Verdicts
from policykit.engine.smt.witness import Reader, Witness
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.source import Span

State: TypeAlias = Literal["proved", "refuted", "vacuous", "not_decided"]

BOUND = Size(members=8, entries=3)
SMALL = (Size(1, 1), Size(2, 2))  # where a household is looked for first


@dataclass(frozen=True, slots=True)
class Shown:
    """A household that breaks a claim, as the reference engine has confirmed: the subject it is broken for, and for a
    claim about a rising fact the same household after the rise."""

    witness: Witness
    subject: str
    after: Witness | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict on one claim. `rules` are what it speaks of; `why` says what kept it undecided."""

    kind: Kind
    rules: tuple[ir.Name, ...]
    span: Span
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
    first, last = days(program) if on is None else (on, on)
    wanted = [claim for claim in claimed(program, first, last) if not only or _named(claim, only)]
    prover = Prover(program, size, limit)
    proofs = []
    for proof in _spread(prover, wanted, cores if cores is not None else os.cpu_count() or 1):
        told(proof)
        proofs.append(proof)
    return Report(size, first, last, tuple(proofs))


def _named(claim: Claim, only: Sequence[str]) -> bool:
    return any(name in (rule.id, rule.zh, rule.en) for rule in claim.rules for name in only)


# ---- proving ----------------------------------------------------------------------------------------------------------------


def _spread(prover: Prover, wanted: Sequence[Claim], cores: int) -> Iterator[Proof]:
    """The verdicts in the order of the claims, worked out on several cores where the system can fork."""
    if cores < 2 or len(wanted) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(prover.settle, wanted)
        return
    global _PROVER, _WANTED
    _PROVER, _WANTED = prover, wanted
    with multiprocessing.get_context("fork").Pool(cores) as pool:
        yield from pool.imap(_settle, range(len(wanted)))


def _settle(number: int) -> Proof:
    return _PROVER.settle(_WANTED[number])


_PROVER: Prover
_WANTED: Sequence[Claim]


@dataclass(slots=True)
class Prover:
    """Settles claims about one program; what was built for one question serves the next on the same days."""

    program: ir.Program
    size: Size
    limit: float
    built: dict[tuple[Stretch, Size, str], Verdicts] = field(default_factory=dict)

    def settle(self, claim: Claim) -> Proof:
        """The verdict on one claim."""
        began = time.monotonic()
        proof = Proof(claim.kind, claim.rules, claim.span, "proved")
        try:
            proof = self.decide(claim, proof)
        except solve.Undecided as why:
            proof = replace(proof, state="not_decided", why=str(why))
        except Refused as why:
            proof = replace(proof, state="not_decided", why=f"no form for {why}")
        return replace(proof, seconds=time.monotonic() - began)

    def decide(self, claim: Claim, proof: Proof) -> Proof:
        days = stretches(claim.first, claim.last, turns(self.program))
        if claim.kind == "applies":
            return self.applies(claim, days, proof)
        vacuous = claim.kind == "property"
        # a household that shows it is small more often than not
        for size in (*SMALL, self.size):
            for stretch in days:
                verdicts = self.verdicts(stretch, size, claim.entity)
                for number, question in enumerate(questions(verdicts, claim)):
                    if solve.possible(verdicts, question.goal, self.limit):
                        return replace(proof, state="refuted", shown=self.shown(claim, stretch, size, number))
                    if vacuous and size == self.size:
                        vacuous = not solve.possible(verdicts, question.assumed, self.limit)
        return replace(proof, state="vacuous") if vacuous else proof

    def applies(self, claim: Claim, days: list[Stretch], proof: Proof) -> Proof:
        """Whether a clause can ever apply, and stand when it does."""
        clause: ir.Clause = claim.of
        overridden = False
        for size in (*SMALL, self.size):
            for stretch in days:
                verdicts = self.verdicts(stretch, size, claim.entity)
                for status, there in standing(verdicts, clause, claim.entity):
                    if solve.possible(verdicts, both((there, status.stands)), self.limit):
                        return proof
                    if not overridden:
                        overridden = solve.possible(verdicts, both((there, status.applies)), self.limit)
        return replace(proof, state="refuted", why="overridden" if overridden else "never")

    def verdicts(self, stretch: Stretch, size: Size, entity: str) -> Verdicts:
        """Everything about the households of a size on some days, built once."""
        root = root_for(self.program, entity)
        key = (stretch, size, root)
        if key not in self.built:
            self.built[key] = Verdicts(self.program, stretch, size, root=root)
        return self.built[key]

    def shown(self, claim: Claim, stretch: Stretch, size: Size, number: int) -> Shown:
        """A simple household that answers a question, confirmed by the reference engine; asked anew by itself, so that
        the household holds what the question rests on and nothing else."""
        verdicts = Verdicts(self.program, stretch, size, root=root_for(self.program, claim.entity))
        question = next(q for n, q in enumerate(questions(verdicts, claim)) if n == number)
        for everything in (False, True):
            reader = solve.simplest(verdicts, question.goal, self.limit, everything)
            if reader is None:
                continue
            witness = reader.witness()
            after = Reader(question.after, reader.model).witness() if question.after is not None else None
            engines = [engine(self.program, one) for one in (witness, after) if one is not None]
            if question.confirmed(engines):
                return Shown(witness, question.subject, after)
        raise solve.Undecided("unconfirmed")


def engine(program: ir.Program, witness: Witness) -> Interpreter:
    """The reference engine on a household that the solver found."""
    case = read_case(program, witness.household, witness.on)
    rulings, elections, errors = read_rulings(program, case, witness.rulings)
    assert not errors, errors
    return Interpreter(program, case, witness.on, rulings, elections, witness.parameters)
