"""The rules with one thing changed, put to the cases: a change that no case notices, no case guards.

A mutant is put only to the expectations whose unchanged answer read what it changes: an answer that never read a rule
cannot change with it. It is done with at the first that notices.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from policykit import ir
from policykit.casework.arguments import argued
from policykit.casework.trials import Prepared, Verdict, missed, prepared, programs
from policykit.diagnostics import Language, PolicyError
from policykit.engine.interpreter import Interpreter
from policykit.loader import Policies
from policykit.mutations import Mutant, Read, Section, mutants

EQUIVALENTS = "equivalent.toml"
LEAST_NOTICED = 95  # of a hundred mutants
MOST_EQUIVALENT = 3  # of a hundred mutants
FEW = 100  # mutants that are not worth another process

T = TypeVar("T")


class _Watched(dict[str, T]):
    """A mapping of a program that notes which of its entries are read."""

    def __init__(self, section: Section, entries: Mapping[str, T], seen: set[Read]) -> None:
        super().__init__(entries)
        self.section, self.seen = section, seen

    def __getitem__(self, name: str) -> T:
        self.seen.add((self.section, name))
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add((self.section, name))
        return super().get(name, default)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One expectation that the unchanged rules meet, with all that its answer read of them."""

    prepared: Prepared
    program: ir.Program
    expected: ir.Expectation
    reads: frozenset[Read]

    def concerns(self, mutant: Mutant) -> bool:
        return not self.reads.isdisjoint(mutant.reads)

    def cost(self, mutant: Mutant) -> tuple[bool, int]:
        """Those that name the changed clause come first, then those that read little."""
        name = mutant.rule.id
        return name != self.expected.name and name not in self.expected.by, len(self.reads)


def questions(policies: Policies) -> tuple[list[Question], list[Verdict]]:
    """The expectations of all cases that the unchanged rules meet, and the trials in which they do not."""
    found: list[Question] = []
    failing: list[Verdict] = []
    for ready in prepared(policies):
        if isinstance(ready, Verdict):
            failing.append(ready)
            continue
        program, misses = ready.program, []
        for expected in ready.trial.expected:
            seen: set[Read] = set()
            watched = replace(
                program,
                clauses=_Watched("clauses", program.clauses, seen),
                defines=_Watched("defines", program.defines, seen),
                blockers=_Watched("blockers", program.blockers, seen),
            )
            miss = missed(ready.interpreter(watched), expected, program.language)
            if miss is None:
                found.append(Question(ready, program, expected, frozenset(seen)))
            else:
                misses.append(miss)
        if misses:
            failing.append(Verdict(ready.example, ready.trial, tuple(misses), ()))
    return found, failing


def notices(mutant: Mutant, asked: Iterable[Question]) -> Question | None:
    """The first question that is answered differently under a mutant, if any."""
    engines: dict[int, Interpreter] = {}
    variants: dict[int, ir.Program] = {}
    for question in sorted((q for q in asked if q.concerns(mutant)), key=lambda q: q.cost(mutant)):
        own, place = id(question.program), id(question.prepared)
        if own not in variants:
            variants[own] = mutant.of(question.program)
        if place not in engines:
            engines[place] = question.prepared.interpreter(variants[own])
        if _differs(engines[place], question.expected):
            return question
    return None


def _differs(engine: Interpreter, expected: ir.Expectation) -> bool:
    try:
        return missed(engine, expected) is not None
    except (AssertionError, RecursionError, TypeError):
        # without a priority a rule may wait for itself: such rules would not load, and whoever asks them notices
        return True


@dataclass(frozen=True, slots=True)
class Report:
    """What the cases noticed. `equivalent` are unnoticed and argued to be no change, with the argument.

    `unused` are arguments for what a case notices; `failing` the trials that fail without any change, whose unmet
    expectations were not asked.
    """

    noticed: tuple[tuple[Mutant, Question], ...]
    unnoticed: tuple[Mutant, ...]
    equivalent: tuple[tuple[Mutant, str], ...]
    unused: tuple[str, ...]
    failing: tuple[Verdict, ...]

    @property
    def counted(self) -> int:
        """How many mutants could be noticed: all but the equivalent ones."""
        return len(self.noticed) + len(self.unnoticed)

    @property
    def percent(self) -> int:
        """The share noticed, rounded down."""
        return 100 * len(self.noticed) // self.counted if self.counted else 100

    @property
    def passed(self) -> bool:
        total = self.counted + len(self.equivalent)
        few = 100 * len(self.equivalent) <= MOST_EQUIVALENT * total
        return self.percent >= LEAST_NOTICED and few and not self.unused and not self.failing

    def lines(self, language: Language) -> Iterator[str]:
        """The report as text; its last line ends with the share that was noticed."""
        zh = language == "zh"
        for verdict in self.failing:
            yield (
                f"案例「{verdict.name}」不改规则也不通过"
                if zh
                else f"case “{verdict.name}” fails without any change"
            )
        for ident in self.unused:
            yield (
                f"{EQUIVALENTS}：「{ident}」没有用处，删去：已有案例察觉它"
                if zh
                else f"{EQUIVALENTS}: “{ident}” serves nothing, delete it: a case notices it"
            )
        rule = None
        for mutant in self.unnoticed:
            if mutant.rule != rule:
                rule = mutant.rule
                yield rule.label(language)
            yield f"  {mutant.span}  {mutant.sentence(language)}  [{mutant.id}]"
        if self.equivalent:
            total = self.counted + len(self.equivalent)
            count = len(self.equivalent)
            share = f"{100 * count / total:.1f}"
            yield (
                f"等价变异：{count} 个，占全部 {total} 个的 {share} %（至多 {MOST_EQUIVALENT} %）"
                if zh
                else f"equivalent mutants: {count} of {total}, {share} % (at most {MOST_EQUIVALENT} %)"
            )
        yield f"mutants noticed: {len(self.noticed)} of {self.counted}, {self.percent} %"


@lru_cache(maxsize=1)
def changes(policies: Policies) -> tuple[Mutant, ...]:
    """Every mutant of some rules, by what the rules say and the sheets and parameters that their cases name."""
    program_of = programs(policies)
    settings: dict[int, tuple[str, ir.Setting]] = {}
    for example in policies.program.examples:
        with suppress(PolicyError):  # a sheet that does not load: its cases fail, and are told as failing
            for name, parameter in program_of(example).parameters.items():
                settings |= {id(setting): (name, setting) for setting in parameter.settings}
    texts = {source.file: source.text for source in policies.sources}
    return tuple(mutants(policies.program, texts, settings.values()))


def equivalents(policies: Policies) -> dict[str, str]:
    """The mutants that are argued to change nothing, each with the argument, from the files beside the cases.

    Raises `PolicyError` for what cannot be read, names no mutant that is made, or gives no argument.
    """
    return argued(policies, EQUIVALENTS, {mutant.id for mutant in changes(policies)})


def _tried(made: Sequence[Mutant], asked: Sequence[Question]) -> list[Question | None]:
    """What notices each mutant; on two or more cores where the system can fork, since every mutant stands alone."""
    workers = min(os.cpu_count() or 1, 8) if "fork" in multiprocessing.get_all_start_methods() else 1
    if workers == 1 or len(made) < FEW:
        return [notices(mutant, asked) for mutant in made]
    context = multiprocessing.get_context("fork")
    places = {id(question): place for place, question in enumerate(asked)}

    def work(pipe: Connection, first: int) -> None:
        found = (notices(mutant, asked) for mutant in made[first::workers])
        pipe.send([None if question is None else places[id(question)] for question in found])

    pipes = []
    for first in range(workers):
        mine, its = context.Pipe(duplex=False)
        context.Process(target=work, args=(its, first)).start()
        its.close()  # so that a worker that dies is an end of file here, and not a wait for ever
        pipes.append(mine)
    noticed: list[Question | None] = [None] * len(made)
    for first, pipe in enumerate(pipes):
        noticed[first::workers] = [None if place is None else asked[place] for place in pipe.recv()]
    return noticed


def report(policies: Policies, argued: Mapping[str, str]) -> Report:
    """Puts every mutant to the cases; `argued` are those that change nothing, with the argument."""
    made = changes(policies)
    asked, failing = questions(policies)
    tried = list(zip(made, _tried(made, asked), strict=True))
    unnoticed = [mutant for mutant, by in tried if by is None]
    reasons = {mutant.id: argued.get(mutant.id, "").strip() for mutant in unnoticed}
    return Report(
        tuple((mutant, by) for mutant, by in tried if by is not None),
        tuple(mutant for mutant in unnoticed if not reasons[mutant.id]),
        tuple((mutant, reasons[mutant.id]) for mutant in unnoticed if reasons[mutant.id]),
        tuple(ident for ident in argued if not reasons.get(ident)),
        tuple(failing),
    )
