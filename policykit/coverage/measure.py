"""Which words of the texts the rules account for.

Counted are letters, ideographs and digits; marks, white space and the numbers of the outline are not. A word is
accounted for when it stands in the quote of a clause, an exclusion, an amount, a parameter, a defined term or an
objective. Notes and readings encode nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias, get_args

from policykit import ir
from policykit.source import Source, Span, numbering
from policykit.syntax import Period

#: what a passage is, the weightiest first: a word that is quoted twice counts once, as the first of them
Kind: TypeAlias = Literal["clause", "amount", "definition", "objective", "procedure", "heading"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Declared: TypeAlias = Literal["clause", "exclusion", "amount", "parameter", "define", "objective"]
Item: TypeAlias = ir.Clause | ir.Exclusive | ir.Amount | ir.Parameter | ir.Version | ir.Objective


ALWAYS = Period(None, None)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """An example case of a clause: its name, its `file:line`, and how it came out when it was last run."""

    name: str
    place: str
    state: Literal["passed", "failed", "not_run"]


#: identifier of a clause → its example cases
Cases: TypeAlias = Mapping[str, Sequence[CaseResult]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that quotes; `id` is `clause:phase_out`, with the first day of a version where there are several."""

    id: str
    declared: Declared
    kind: Kind
    basis: ir.Basis
    period: Period
    item: Item


@dataclass(frozen=True, slots=True)
class Passage:
    """The words of a text that a rule quotes."""

    rule: Rule
    cite: ir.Citation
    span: Span


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence at its place: what quotes from it, how many of its characters count, which stretches nobody quotes."""

    number: int
    span: Span
    text: str
    counted: int
    covered: int
    passages: tuple[Passage, ...]
    open: tuple[Span, ...]

    @property
    def state(self) -> Literal["whole", "part", "none"]:
        if self.covered == self.counted:
            return "whole"
        return "part" if self.covered else "none"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that quote from it, each once, in the order of their words."""
        return tuple({p.rule.id: p.rule for p in self.passages}.values())

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(kind for kind in KINDS if any(p.rule.kind == kind for p in self.passages))


@dataclass(frozen=True, slots=True)
class TextCoverage:
    """One held text; `by_kind` divides its covered characters among the kinds."""

    text: ir.Text
    source: Source
    sentences: tuple[Sentence, ...]
    passages: tuple[Passage, ...]
    by_kind: dict[Kind, int]

    @property
    def counted(self) -> int:
        return sum(sentence.counted for sentence in self.sentences)

    @property
    def covered(self) -> int:
        return sum(sentence.covered for sentence in self.sentences)

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 says that nothing is left."""
        return 100 * self.covered // self.counted if self.counted else 100


@dataclass(frozen=True, slots=True)
class RulePlaces:
    """One rule, the sentences it quotes from, and what it cites of texts that are not held."""

    rule: Rule
    sentences: tuple[tuple[Passage, Sentence], ...]
    absent: tuple[ir.Citation, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every held text, those held whole first, and every rule that cites one or should."""

    program: ir.Program
    texts: tuple[TextCoverage, ...]
    rules: tuple[RulePlaces, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is left of any text that is held whole."""
        return all(text.percent == 100 for text in self.texts if not text.text.excerpt)


def measure(program: ir.Program) -> Coverage:
    """How much of each held text the rules account for, and where each rule stands."""
    rules = tuple(rules_of(program))
    held = sorted((text for text in program.texts.values() if text.held), key=lambda text: text.excerpt)
    texts = tuple(_text(text, rules) for text in held)
    at: dict[str, list[tuple[Passage, Sentence]]] = {}
    for text in texts:
        for sentence in text.sentences:
            for passage in sentence.passages:
                at.setdefault(passage.rule.id, []).append((passage, sentence))
    places = (
        RulePlaces(
            rule,
            tuple(at.get(rule.id, ())),
            tuple(cite for cite in rule.basis.cites if not program.texts[cite.text].held),
        )
        for rule in rules
    )
    return Coverage(program, texts, tuple(place for place in places if place.rule.basis.cites))


def rules_of(program: ir.Program) -> Iterator[Rule]:
    """Every rule that accounts for the words it quotes."""
    for versions in program.clauses.values():
        yield from _versions("clause", "clause", ((c.basis, c.period, c) for c in versions))
    for exclusive in program.exclusives:
        yield from _versions("exclusion", "clause", [(exclusive.basis, ALWAYS, exclusive)])
    by_name = groupby(program.amounts, key=lambda amount: amount.basis.name.id)
    for _, amounts in by_name:
        yield from _versions("amount", "amount", ((a.basis, a.period, a) for a in amounts))
    for p in program.parameters.values():
        yield from _versions(
            "parameter", "amount", [(ir.Basis(p.name, p.span, p.cites, p.readings), ALWAYS, p)]
        )
    for define in program.defines.values():
        yield from _versions("define", "definition", ((v.basis, v.period, v) for v in define.versions))
    for objective in program.objectives:
        yield from _versions("objective", objective.kind, [(objective.basis, ALWAYS, objective)])


def _versions(
    declared: Declared, kind: Kind, items: Iterable[tuple[ir.Basis, Period, Item]]
) -> Iterator[Rule]:
    versions = list(items)
    for basis, period, item in versions:
        since = f"@{period.start or ''}" if len(versions) > 1 else ""
        yield Rule(f"{declared}:{basis.name.id}{since}", declared, kind, basis, period, item)


def _text(text: ir.Text, rules: Sequence[Rule]) -> TextCoverage:
    source = Source(text.file, text.content)
    passages = sorted(
        (
            Passage(rule, cite, source.span(cite.start, cite.start + len(cite.quote)))
            for rule in rules
            for cite in rule.basis.cites
            if cite.text == text.name.id and cite.start >= 0
        ),
        key=lambda passage: (passage.span.start, passage.span.end),
    )
    counts = [character.isalnum() for character in text.content]
    for start, end in numbering(text.content):
        counts[start:end] = [False] * (end - start)
    weight = [len(KINDS)] * len(counts)
    for passage in passages:
        rank = KINDS.index(passage.rule.kind)
        for at in range(passage.span.start, passage.span.end):
            weight[at] = min(weight[at], rank)
    by_kind = {
        kind: sum(counted and weighed == rank for counted, weighed in zip(counts, weight, strict=True))
        for rank, kind in enumerate(KINDS)
    }
    sentences: list[Sentence] = []
    for span in source.sentences():
        counted = [at for at in range(span.start, span.end) if counts[at]]
        if counted:
            sentences.append(
                Sentence(
                    len(sentences) + 1,
                    span,
                    text.content[span.start : span.end],
                    len(counted),
                    sum(weight[at] < len(KINDS) for at in counted),
                    tuple(p for p in passages if p.span.start < span.end and span.start < p.span.end),
                    tuple(
                        source.span(run[0], run[-1] + 1)
                        for covered, group in groupby(counted, key=lambda at: weight[at] < len(KINDS))
                        if not covered and (run := list(group))
                    ),
                )
            )
    return TextCoverage(text, source, tuple(sentences), tuple(passages), by_kind)
