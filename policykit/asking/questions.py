"""The door to asking: a half-filled household in, the questions that decide it out, the most settling one first.

`ask` says what to find out, of whom, in the question's own words, which clause wants to know, and what each answer
would settle. What no household can answer, a parameter that is not set or a ruling not made, is named beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from policykit import ir
from policykit.asking.inquiry import DECLINED, Domain, Effect, Inquiry, Target
from policykit.datatypes import Type, show_dimension
from policykit.diagnostics import Language
from policykit.engine.interpreter import Interpreter
from policykit.engine.outcomes import Status
from policykit.explain.phrases import Phrases
from policykit.facts import Instance
from policykit.loader import Policies
from policykit.result import read_household
from policykit.values import Bounds, Gap, Options, Subset, Value

MOST_WEIGHED = 8  # questions for which each answer is followed when not every order of asking was compared
MOST_REASONS = 3

QuestionKind = Literal["fact", "list", "reference", "judgement"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A clause that wants to know: its identifier and label, the place in the text it rests on, its rule file."""

    clause: str
    label: str
    locator: str
    rule: str


@dataclass(frozen=True, slots=True)
class Settled:
    """A decision that an answer settles: `subject` is the path of the record, `whose` what it is called."""

    measure: str
    label: str
    subject: str
    whose: str
    outcome: str
    said: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """What one answer, or a range of answers, would do: the decisions it settles, how many questions may remain."""

    answer: str
    settles: tuple[Settled, ...]
    left: int


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to find out.

    `path` and `name` say which fact or list of which record, `whose` and `label` the same in words; `text` is the
    question. `answer` is the kind of answer (`bool`, `number`, `date`, `month`, `text`, `choice`, `multi`, `record`,
    `list`), `unit` its unit, `options` the labels to choose from, `optional` whether 无 is one. `item` is what a list or
    reference is of. `evidence` and `judge` name the paper or the person without whom an answer does not count.
    `cause` says why it is not known yet. `measures` are the decisions that wait for it, as measure and path.
    """

    path: str
    name: str
    kind: QuestionKind
    whose: str
    label: str
    text: str
    answer: str
    unit: str
    options: tuple[tuple[str, str], ...]
    optional: bool
    item: str
    evidence: str | None
    judge: str | None
    cause: str
    measures: tuple[tuple[str, str], ...]
    reasons: tuple[Reason, ...]
    prospects: tuple[Prospect, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a decision waits for that asking the household does not bring.

    `kind` is `parameter` (not set), `ruling` (not made) or `declined` (asked, and not known).
    """

    kind: Literal["parameter", "ruling", "declined"]
    path: str
    name: str
    whose: str
    label: str
    text: str
    measures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Open:
    """A decision that is open; `outcomes` are those still possible."""

    measure: str
    label: str
    subject: str
    whose: str
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is open about a household, the questions that can settle it, and what rests on something else.

    The first question is the one to ask now. The others are those that may still be needed; ask again after each
    answer, because many answers make others needless. `foregone` are decisions that `evaluate` still leaves open although
    every way to fill in what is unknown comes to the same outcome. `exact` says that every order of asking was compared, so that
    each question can matter and the first has the fewest expected after it; with too much unknown each question is
    only followed for one step.
    """

    on: date
    questions: tuple[Question, ...]
    further: int
    waiting: tuple[Waiting, ...]
    undecided: tuple[Open, ...]
    foregone: tuple[Settled, ...]
    decided: int
    expected: float | None
    exact: bool

    def to_json(self) -> str:
        """The agenda as JSON, for another program."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2, default=str)


def ask(
    household: Mapping[str, Any] | str | Path,
    policies: Policies | None = None,
    *,
    on: date,
    rulings: Iterable[Mapping[str, Any]] = (),
    parameters: str | Path | None = None,
    language: Language = "zh",
    most: int | None = None,
) -> Agenda:
    """The questions that decide a half-filled household, with the same arguments as `evaluate`.

    With `most`, only so many questions are written out, and `further` counts the others. A fact marked unknown with the cause 问过，不知道 (in English: asked, not known) is not asked again; what rests on it
    is named. Raises `PolicyError` with every fault found when the household is bad input.
    """
    read = read_household(
        household, policies, on=on, rulings=rulings, parameters=parameters, language=language
    )
    engine = Interpreter(read.policies.program, read.case, on, read.rulings, read.elections)
    return _Asking(engine, language).agenda(most)


class _Asking:
    def __init__(self, engine: Interpreter, language: Language) -> None:
        self.engine, self.first = engine, engine.first
        self.program, self.case = engine.program, engine.case
        self.words = Phrases(engine.program, language, case=engine.case)
        self.say, self.label = self.words.say, self.words.label
        self.decisions = [
            engine.decision(measure, record, exact=True) for measure, record in engine.questions()
        ]
        self.open = [d for d in self.decisions if d.missing]
        self.inquiry = Inquiry(engine, [(d.measure, d.subject) for d in self.open])

    def agenda(self, most: int | None) -> Agenda:
        ranked = self.inquiry.ranked()
        exact = self.inquiry.compared
        questions = tuple(
            self.question(r.gap, exact or number < MOST_WEIGHED) for number, r in enumerate(ranked[:most])
        )
        foregone = self.inquiry.foregone()
        undecided = tuple(
            Open(*self.named((d.measure, d.subject)), tuple(sorted(d.outcomes)))
            for d in self.open
            if (d.measure, d.subject) not in foregone
        )
        expected = round(float(ranked[0].expected), 2) if ranked and exact else None
        return Agenda(
            self.engine.on, questions, len(ranked) - len(questions), tuple(self.waiting()), undecided,
            tuple(self.settled(target, next(iter(found))) for target, found in foregone.items()),
            len(self.decisions) - len(undecided), expected, exact,
        )  # fmt: skip

    def named(self, target: Target) -> tuple[str, str, str, str]:
        """A decision: the measure, its label, the path of the record, what that is called."""
        measure, record = target
        label = self.label(self.program.measures[measure].name)
        return measure, label, record.path, self.words.record(record)

    # -- questions

    def question(self, gap: Gap, weighed: bool) -> Question:
        entity = self.program.entities[self.case.index[gap.path].entity]
        listed, fact = entity.lists.get(gap.name), entity.facts.get(gap.name)
        of = fact.type if fact is not None else Type("record" if listed and listed.single else "list")
        kind: QuestionKind = "fact"
        if listed is not None:
            kind = "reference" if listed.single else "list"
        elif fact is not None and fact.judgement is not None:
            kind = "judgement"
        whose, label, text = self.words.question(gap)
        if listed is not None and listed.kind == "members" and not listed.question:
            items = self.label(self.program.entities[listed.item].name)
            text = self.say(
                f"{label}有哪些{items}？请逐个写明。", f"Who are the {label}? Please name each {items}."
            )
        options = self.program.choices[of.of].options if of.kind in ("choice", "multi") else ()
        return Question(
            gap.path, gap.name, kind, whose, label, text, of.kind,
            show_dimension(of.dimension, self.words.language), tuple((o.name.id, self.label(o.name)) for o in options),
            listed.optional if listed is not None else of.optional, listed.item if listed is not None else "",
            fact.evidence if fact is not None else None, fact.judgement if fact is not None else None, gap.cause,
            tuple((d.measure, d.subject.path) for d in self.open if gap in self.waits(d.measure, d.subject)),
            tuple(self.reasons(gap)), tuple(self.prospects(gap, of)) if weighed else (),
        )  # fmt: skip

    def waits(self, measure: str, record: Instance) -> frozenset[Gap]:
        return self.inquiry.answers[measure, record].waits_for

    # -- why

    def reasons(self, gap: Gap) -> Iterator[Reason]:
        """The clauses whose conditions wait for a gap; else those it reaches by priority, or the rule for the amount."""
        own, over, paid = dict[str, ir.Basis](), dict[str, ir.Basis](), dict[str, ir.Basis]()
        for target in self.inquiry.targets:
            if gap not in self.waits(*target):
                continue
            for status in self.statuses(target):
                basis = status.clause.basis
                if gap in status.scope.missing | status.test.missing:
                    own[basis.name.id] = basis
                elif gap in status.missing:
                    over[basis.name.id] = basis
                rule = self.first.rule(status) if isinstance(status.clause.effect, ir.Grant) else None
                if rule is not None:
                    paid[rule.basis.name.id or basis.name.id] = rule.basis if rule.basis.cites else basis
        for ident, basis in list((own or over or paid).items())[:MOST_REASONS]:
            where = f"{basis.span.file}:{basis.span.line}"
            yield Reason(ident, self.label(basis.name), self.locator(basis.cites), where)

    def statuses(self, target: Target) -> list[Status]:
        return [*self.first.granting(*target), *self.first.excluding(*target)]

    def locator(self, cites: Sequence[ir.Citation]) -> str:
        """Where the first words that a rule rests on stand: 方案 二(二)二b."""
        if not cites:
            return ""
        return f"{self.label(self.program.texts[cites[0].text].name)} {cites[0].locator}".strip()

    # -- what for

    def prospects(self, gap: Gap, of: Type) -> Iterator[Prospect]:
        """What each answer settles; answers that settle the same are told together."""
        domain, told = self.inquiry.domain(gap), dict[tuple[object, int], list[Effect]]()
        if of.ordered and None in domain.values and not domain.stretches:
            return  # where the answer turns hangs on other answers
        lows, joined, last = [low for low, _ in domain.stretches], list[tuple[Any, Any]](), None
        for effect in self.inquiry.effects(gap):
            key = tuple((m, record.path, outcomes) for (m, record), outcomes in effect.settled), effect.left
            told.setdefault(key, []).append(effect)
            if isinstance(effect.value, Bounds) and effect.value.lo in lows:
                ends = domain.stretches[lows.index(effect.value.lo)]
                joined[-1:] = [(joined[-1][0], ends[1])] if joined and key == last else [*joined[-1:], ends]
                last = key
        domain = replace(domain, stretches=tuple(joined))
        already = {(d.measure, d.subject) for d in self.open if len(d.outcomes) == 1}
        for effects in told.values():
            settled = tuple(
                self.settled(target, next(iter(outcomes)))
                for target, outcomes in effects[0].settled
                if target not in already
            )
            answers = [self.answer(gap, domain, effect.value, of) for effect in effects]
            if len(told) == 1 or not answers[0]:
                continue
            yield Prospect(
                self.words.listed(filter(None, answers), conjunction=True), settled, effects[0].left
            )

    def settled(self, target: Target, outcome: str) -> Settled:
        option = next(o for o in ir.OUTCOME.options if o.name.id == outcome)
        return Settled(*self.named(target), outcome, self.label(option.name))

    def answer(self, gap: Gap, domain: Domain, value: Value | None, of: Type) -> str:
        """An answer in words: 是, 一级, 低于 600.00 元/月; nothing for what the answers told leave out."""
        if gap.kind == "list":
            record = self.case.index[gap.path]
            some = record.lists[gap.name].items if gap.name in record.lists else ()
            if value is None:
                return self.say("还有", "there are more") if some else self.say("有", "there are some")
            return self.say("没有别的", "no more") if some else self.say("没有", "none")
        if value is None:
            return ""
        if isinstance(value, Options) and of.kind == "record":
            one: Instance | None = next(iter(value.values or ()))
            known = one is None or one.path in self.case.index
            return self.words.plain(one, of) if known else self.say("别的人", "somebody else")
        if isinstance(value, Bounds) and value.lo is not None and domain.stretches:
            return self.stretch(domain.stretches, value.lo, of)
        if isinstance(value, Subset) and not value.must:
            return self.say("都没有", "none of them")
        return self.words.value(value, of)

    def stretch(self, stretches: Sequence[tuple[Any, Any]], low: Any, of: Type) -> str:
        """A range of figures or days; the ends of the whole range go without saying."""
        at = next((number for number, ends in enumerate(stretches) if ends[0] == low), None)
        if at is None:
            return ""  # told with the stretch before it
        first, last = (self.words.plain(end, of) for end in stretches[at])
        time = of.kind != "number"
        if len(stretches) == 1:
            return self.say("任何数", "any figure") if not time else self.say("任何日期", "any date")
        if at == 0:
            return self.say(
                f"不晚于 {last}" if time else f"不超过 {last}",
                f"not after {last}" if time else f"at most {last}",
            )
        if at == len(stretches) - 1:
            return self.say(
                f"不早于 {first}" if time else f"不低于 {first}",
                f"not before {first}" if time else f"at least {first}",
            )
        return self.say(f"{first} 至 {last}", f"{first} to {last}")

    # -- what rests on something else

    def waiting(self) -> Iterator[Waiting]:
        found: dict[Gap, list[tuple[str, str]]] = {}
        for decision in self.open:
            for gap in decision.missing:
                if gap.kind in ("parameter", "ruling") or gap.cause in DECLINED:
                    found.setdefault(gap, []).append((decision.measure, decision.subject.path))
        for gap, measures in sorted(found.items()):
            kind: Literal["parameter", "ruling", "declined"] = "declined"
            if gap.kind in ("parameter", "ruling"):
                kind = "parameter" if gap.kind == "parameter" else "ruling"
            yield Waiting(kind, gap.path, gap.name, *self.words.question(gap), tuple(measures))
