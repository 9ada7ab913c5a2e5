"""What a decision turns on: the smallest change of facts that would grant a measure, or that would end it.

A change is of facts that can change: never what is declared 不可变, never who belongs to whom, never what has already
happened on a day, never what sort of entry a record is, never a name, never the illness or disability of somebody else.
What is personal, and what others attest or judge, comes only where nothing else would do. Facts nobody knows are not
changed: they are what `ask` is for. Every change has been put to the reference engine. It says what the rule turns on,
and decides nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from policykit import ir
from policykit.casework.exercised import walk
from policykit.datatypes import Type
from policykit.engine.interpreter import Interpreter, contradictions
from policykit.engine.smt import solve
from policykit.engine.smt.logic import Refused
from policykit.engine.smt.nearest import Cell, Change, Decided, Household, Verdict
from policykit.engine.terms import Env, place, subject
from policykit.explain.page import Block, Line, Part
from policykit.explain.phrases import Phrases
from policykit.facts import Case, Election, Given, Instance, Ruling
from policykit.trace import Decision
from policykit.values import Bounds, Gap, Number, Subset, Value, round_half_up

Sense: TypeAlias = Literal["grant", "end"]
State: TypeAlias = Literal["found", "none", "open", "covered", "settled", "not_decided"]

LIMIT = 10.0  # seconds for each question to the solver
MOST_WAYS = 6  # sets of facts that are named
MOST_ASKED = 4  # questions that are named with one
COMPARISONS = ("lt", "le", "gt", "ge", "eq")

#: what is looked for, the first of these that any change brings about
WANTED: Mapping[Sense, tuple[frozenset[str], ...]] = {
    "grant": (frozenset({"granted"}), frozenset({"discretionary"})),
    "end": (frozenset({"refused", "not_covered", "excluded"}),),
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One fact with its old and its new value: money in fen, labels by identifier, `None` is 无. `paper` is what must
    prove it, `judge` who has to find it."""

    path: str
    fact: str
    old: Any
    new: Any
    paper: str = ""
    judge: str = ""


@dataclass(frozen=True, slots=True)
class Crossed:
    """A comparison of figures that turns with the change: its first side before and after, and the line it is held
    against. `rule` is the clause or the defined term that it stands in, `holds` what it comes to afterwards."""

    comparison: ir.Apply
    rule: str
    path: str
    holds: bool
    before: Any
    after: Any
    line: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One change, and what the measure comes to after it: by which clauses, how much, and what is still to be found
    out. `distance` is how far the facts move in all, in steps."""

    moved: tuple[Moved, ...]
    crossed: tuple[Crossed, ...]
    distance: Fraction
    outcome: str
    clauses: tuple[str, ...]
    form: str | None
    fen: int | None
    missing: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """What would grant a measure to a subject, or end it: each smallest set of facts, the nearest first.

    `state`: *found*; *none* (nothing that can change would do it); *open* (not decided yet: ask first); *covered*
    (another grant stands in its place); *settled* (it is so already); *not_decided* (the solver gave no answer).
    """

    measure: str
    subject: str
    sense: Sense
    outcome: str
    state: State
    answers: tuple[Answer, ...] = ()
    missing: tuple[Gap, ...] = ()


def nearest(
    program: ir.Program,
    case: Case,
    on: date,
    rulings: tuple[Ruling, ...],
    elections: tuple[Election, ...],
    decision: Decision,
    sense: Sense,
    limit: float = LIMIT,
) -> Near:
    """The smallest changes after which a decision would be another one."""
    measure, path = decision.measure, decision.subject.path
    near = Near(measure, path, sense, decision.outcome, _state(decision.outcome, sense), (), decision.missing)
    if near.state != "none":
        return near
    search = _Search(program, case, on, rulings, elections, measure, path)
    try:
        answers = search.answers(sense, limit)
    except (solve.Undecided, Refused):
        return Near(measure, path, sense, decision.outcome, "not_decided")
    return Near(measure, path, sense, decision.outcome, "found" if answers else "none", answers)


def _state(outcome: str, sense: Sense) -> State:
    """What there is to look for; *none* until something is found."""
    if outcome == "undetermined":
        return "open"
    if sense == "end":
        return "none" if outcome == "granted" else "settled"
    if outcome in ("granted", "discretionary"):
        return "settled"
    return "covered" if outcome == "superseded" else "none"


# ---- what can change -----------------------------------------------------------------------------------------------------


def changeable(program: ir.Program, case: Case, whose: str = "") -> frozenset[Cell]:
    """The known facts of a household that can change. With `whose`, those too that a paper or a judge must prove, and
    what is sensitive about that subject itself: illness and disability of the others are nobody's to suppose."""
    entries = {
        decl.item
        for entity in program.entities.values()
        for decl in entity.lists.values()
        if decl.kind == "records"
    }

    def personal(path: str, decl: ir.FactDecl) -> bool:
        own = path == whose or path.startswith(f"{whose}.")
        attested = decl.evidence is not None or decl.judgement is not None
        return bool(whose) and (own or not decl.sensitive) if attested or decl.sensitive else True

    return frozenset(
        (record.path, name)
        for record in case.index.values()
        for name, decl in program.entities[record.entity].facts.items()
        if _is_known(record.facts.get(name))
        and program.entities[record.entity].known_from is None
        and not decl.fixed
        and decl.type.kind != "text"
        and not (record.entity in entries and decl.type.kind in ("choice", "multi"))
        and personal(record.path, decl)
    )


def _is_known(given: Given | None) -> bool:
    return given is not None and given.value is not None and given.value.known


# ---- searching -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Search:
    """One measure for one subject, in one household."""

    program: ir.Program
    case: Case
    on: date
    rulings: tuple[Ruling, ...]
    elections: tuple[Election, ...]
    measure: str
    path: str

    def answers(self, sense: Sense, limit: float) -> tuple[Answer, ...]:
        before = Interpreter(self.program, self.case, self.on, self.rulings, self.elections)
        decided = self.decided(before)
        for whose in ("", self.path):
            loose = changeable(self.program, self.case, whose)
            household = Household(self.program, self.case, self.on, decided, loose)
            for wanted in WANTED[sense]:
                found = dict[Change, Answer]()

                def judge(
                    change: Change, wanted: Collection[str] = wanted, found: dict[Change, Answer] = found
                ) -> Verdict:
                    answer = self.answer(before, change, wanted)
                    if answer is None:
                        return "no"
                    found[change] = answer
                    if answer.outcome != "undetermined":
                        return "sure"
                    # "perhaps, if two things were otherwise" explains nothing
                    return "possible" if len(change.facts) == 1 else "no"

                for changes in household.changes(self.measure, self.path, wanted, limit, judge):
                    answers = [found[change] for change in changes]
                    sure = [one for one in answers if one.outcome != "undetermined"]
                    if answers:
                        return tuple(sorted(sure or answers, key=lambda a: (a.distance, _place(a))))
        return ()

    def decided(self, engine: Interpreter) -> Decided:
        """What approvers and households decided, as the reference engine reads it; what it cannot tell is left out."""
        rulings: dict[Cell, Ruling | None] = {}
        for name, (first, *_) in self.program.clauses.items():
            if isinstance(first.effect, ir.Grant) and first.effect.may:
                for record in self.case.of(first.entity):
                    latest, *others = engine.first.rulings_on(first, record)
                    if not others:
                        rulings[name, record.path] = latest[0]
        root = self.case.root
        elections = {
            (one.basis.name.id, root.path): engine.first.election(one, root)
            for one in self.program.exclusives
            if one.how == "by_election"
        }
        return Decided(rulings, elections)

    def answer(self, before: Interpreter, change: Change, wanted: Collection[str]) -> Answer | None:
        """What the reference engine says after a change; nothing where that is not wanted, even as a possibility."""
        case, rulings, elections = copy.deepcopy((self.case, self.rulings, self.elections))
        for (path, name), value in change.facts:
            facts = case.index[path].facts
            facts[name] = Given(value, facts[name].source, facts[name].date, facts[name].by)
        if next(contradictions(self.program, case, self.on), None) is not None:
            return None
        after = Interpreter(self.program, case, self.on, rulings, elections)
        decision = after.decision(self.measure, case.index[self.path], exact=True)
        if not decision.outcomes & set(wanted):
            return None
        amount = decision.payment.amount if decision.payment is not None else None
        known = isinstance(amount, Bounds) and amount.known and amount.lo is not None
        return Answer(
            tuple(self.moved(cell, value) for cell, value in sorted(change.facts)),
            tuple(self.crossed(before, after, decision.clauses)), change.distance, decision.outcome, decision.clauses,
            decision.payment.rule.form if decision.payment is not None else None,
            int(amount.lo) if isinstance(amount, Bounds) and known else None, decision.missing,
        )  # fmt: skip

    def moved(self, cell: Cell, value: Value) -> Moved:
        path, name = cell
        record = self.case.index[path]
        decl = self.program.entities[record.entity].facts[name]
        old = record.facts[name].value
        assert old is not None
        return Moved(path, name, _plain(old), _plain(value), decl.evidence or "", decl.judgement or "")

    def crossed(self, before: Interpreter, after: Interpreter, clauses: Sequence[str]) -> Iterator[Crossed]:
        """The comparisons of the clauses that decide now which came out the other way before."""
        record = self.case.index[self.path]
        first = {key: one for name in clauses for key, one in compared(before, name, record)}
        seen = set[tuple[Any, ...]]()
        for name in clauses:
            for key, now in compared(after, name, after.case.index[self.path]):
                then = first.get(key)
                figures = (now.path, now.value, now.line)
                if then is None or then.holds == now.holds or then.line != now.line or figures in seen:
                    continue
                seen.add(figures)  # "at most" and "equal to" one line turn together
                yield Crossed(now.comparison, now.rule, now.path, now.holds, then.value, now.value, now.line)


def _place(answer: Answer) -> list[Cell]:
    return [(one.path, one.fact) for one in answer.moved]


def _plain(value: Value) -> Any:
    return sorted(value.must) if isinstance(value, Subset) else value.value


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison of known figures on a household: does it hold, its two sides, whose it is."""

    comparison: ir.Apply
    rule: str
    path: str
    holds: bool
    value: Any
    line: Any


def compared(
    engine: Interpreter, clause: str, record: Instance
) -> Iterator[tuple[tuple[int, str], Compared]]:
    """The comparisons that a clause in force makes of a record, as far as their figures are known."""
    for above in engine.first.on_or_above(clause, record):
        for status in engine.first.statuses(clause, above):
            for condition in (status.clause.scope, status.clause.test):
                if condition is not None:
                    yield from comparisons(engine, condition, above, clause)


def comparisons(
    engine: Interpreter, condition: ir.Expr, record: Instance, owner: str
) -> list[tuple[tuple[int, str], Compared]]:
    """The comparisons of known figures inside a condition on a record."""
    found: list[tuple[tuple[int, str], Compared]] = []
    terms = engine.terms

    def visit(expr: ir.Expr, env: Env, rule: str) -> None:
        if not isinstance(expr, ir.Apply) or expr.op not in COMPARISONS or not expr.args[0].type.ordered:
            return
        holds = terms.truth(expr, env)
        value, line = (terms.value(arg, env) for arg in expr.args)
        if holds.known and value.known and line.known and None not in (value.value, line.value):
            whose = place(env["self"]) if "self" in env else ""
            at = ",".join(f"{slot}={place(one)}" for slot, one in sorted(env.items()))
            one = Compared(expr, rule, whose, bool(holds.lo), value.value, line.value)
            found.append(((id(expr), at), one))

    walk(engine, condition, subject(record), owner, visit)
    return found


# ---- as data ------------------------------------------------------------------------------------------------------------------


def to_data(found: Near) -> dict[str, Any]:
    """One answer as plain data: money in fen, exact quotients as text (7199/12), dates as 2020-06-10, `None` for 无."""
    answers = [
        {
            "moved": [_fields(one) for one in answer.moved],
            "crossed": [_fields(one) for one in answer.crossed],
            "distance": str(answer.distance),
            "outcome": answer.outcome,
            "clauses": list(answer.clauses),
            "form": answer.form,
            "fen": answer.fen,
            "missing": [_fields(gap) for gap in answer.missing],
        }
        for answer in found.answers
    ]
    head = {key: getattr(found, key) for key in ("measure", "subject", "sense", "outcome", "state")}
    return {**head, "answers": answers, "missing": [_fields(gap) for gap in found.missing]}


def _fields(one: Moved | Crossed | Gap) -> dict[str, Any]:
    return {field.name: _datum(getattr(one, field.name)) for field in fields(one)}


def _datum(value: Any) -> Any:
    if isinstance(value, ir.Apply):
        return value.op
    return value if isinstance(value, bool | int | str | list | None) else str(value)


# ---- in words ----------------------------------------------------------------------------------------------------------------


def part(program: ir.Program, case: Case, found: Sequence[Near], language: str, mask: bool = False) -> Part:
    """The answers as a part of an explanation."""
    words = _Words(program, case, language, mask)
    blocks = tuple(words.block(near) for near in found)
    title = words.say("差在哪里（只说明规定取决于什么，不是决定）", "What it turns on (never a decision)")
    return Part("near", title, blocks=blocks)


def to_text(program: ir.Program, case: Case, near: Near, language: str, mask: bool = False) -> str:
    """One answer as text."""
    block = _Words(program, case, language, mask).block(near)
    lines = [block.title]
    for line in block.lines:
        lines += [f"  {line.text}", *(f"    {inner.text}" for inner in line.inside)]
    return "\n".join(lines)


class _Words:
    """Says what a change is, in Chinese or English."""

    def __init__(self, program: ir.Program, case: Case, language: str, mask: bool) -> None:
        self.program, self.case = program, case
        self.words = Phrases(program, language, mask, case)
        self.say = self.words.say

    def block(self, near: Near) -> Block:
        measure = self.words.label(self.program.measures[near.measure].name)
        title = f"{measure} · {self.words.record(self.case.index[near.subject])}"
        return Block("near", title, tuple(self.lines(near)))

    def lines(self, near: Near) -> Iterator[Line]:
        match near.state:
            case "found":
                for answer in near.answers[:MOST_WAYS]:
                    yield self.answer(answer, near.sense)
                if len(near.answers) > MOST_WAYS:
                    yield Line(
                        self.say("还有别的同样少的变动，没有全列。", "There are more, as small as these.")
                    )
            case "none" if near.sense == "grant":
                yield Line(self.say(
                    "能变的事实里，变一项、两项、三项，都没有确定会使它符合的：这取决于不会变的事实（年龄、亲属关系、家人的身体状况、已经发生的事）、还不知道的事，或者已经作出的决定。",
                    "No change of one, two or three facts that can change would surely grant it: it turns on what does not change (age, "
                    "family ties, the health of others, what has happened), on what nobody knows yet, or on what has been decided.",
                ))  # fmt: skip
            case "none":
                yield Line(self.say(
                    "能变的事实里，变一项、两项、三项，都没有确定会使它停止的。",
                    "No change of one, two or three facts that can change would surely end it.",
                ))  # fmt: skip
            case "open":
                yield Line(self.say("还没有定：先把要问的问清楚。", "Not decided yet: first find out what is asked."),
                           inside=tuple(self.asked(near.missing)))  # fmt: skip
            case "covered":
                yield Line(
                    self.say(
                        "已经由别的条款保障，不是不符合。",
                        "Covered by another clause already: not a refusal.",
                    )
                )
            case "settled" if near.sense == "grant":
                yield Line(
                    self.say(
                        "已经给予，或者由审批机关定。", "Granted already, or for the approver to decide."
                    )
                )
            case "settled":
                yield Line(self.say("现在没有给予。", "It is not granted now."))
            case _:
                yield Line(
                    self.say(
                        "没有算出来：超过了时限，或者可能太多。",
                        "Not found: out of time, or too many possibilities.",
                    )
                )

    def answer(self, answer: Answer, sense: Sense) -> Line:
        joint = self.say("，并且", ", and ")
        moves = joint.join(self.move(one) for one in answer.moved)
        return Line(
            self.say(f"如果{moves}，{self.then(answer, sense)}", f"If {moves}, {self.then(answer, sense)}"),
            inside=(*map(self.cross, answer.crossed), *map(self.proof, filter(_proven, answer.moved)),
                    *self.asked(answer.missing)),
        )  # fmt: skip

    def then(self, answer: Answer, sense: Sense) -> str:
        clauses = [self.words.clause(name) for name in answer.clauses]
        if answer.outcome == "undetermined":
            if sense == "end":
                return self.say("就有可能不再符合，还要看：", "it might no longer be granted, depending on:")
            return self.say("才有可能符合，还要看：", "it might be granted, depending on:")
        if sense == "end":
            return self.say("就不再符合。", "it would no longer be granted.")
        if answer.outcome == "discretionary":
            said = self.say("就由审批机关决定给不给", "the approver would decide")
        else:
            said = self.say("就符合", "it would be granted under ") + self.words.listed(clauses)
        if answer.fen is not None:
            of = self.say("每月", "a month") if answer.form == "monthly" else self.say("一次", "once")
            amount = f"{answer.fen // 100:,}.{answer.fen % 100:02d}"
            said += self.words.aside(self.say(f"{of} {amount} 元", f"{amount} yuan {of}"))
        return said + self.say("。", ".")

    def move(self, one: Moved) -> str:
        record = self.case.index[one.path]
        decl = self.program.entities[record.entity].facts[one.fact]
        whose, label = self.words.place(one.path), self.words.label(decl.name)
        if record not in self.case.subjects:
            whose += self.words.aside(self.words.kind(record))
        fact = self.say(f"{whose}的{label}", f"{label} of {whose}")
        if self.words.mask and decl.sensitive:
            return self.say(f"{fact}有变化", f"{fact} were another")
        old, new = (self.value(value, decl.type) for value in (one.old, one.new))
        gap = self.by(one.old, one.new, decl.type)
        return self.say(f"{fact}由 {old} 变为 {new}{gap}", f"{fact} were {new} instead of {old}{gap}")

    def value(self, plain: Any, of: Type) -> str:
        if isinstance(plain, list):
            return self.words.value(Subset(frozenset(plain), frozenset(plain)), of)
        return self.words.plain(plain, of)

    def by(self, old: Any, new: Any, of: Type) -> str:
        """How much more or less, where it is a number."""
        if of.kind != "number" or old is None or new is None:
            return ""
        size: Number = abs(new - old)
        word = self.say("多", "more") if new > old else self.say("少", "less")
        amount = self.words.plain(size, of)
        return self.words.aside(self.say(f"{word} {amount}", f"{amount} {word}"))

    def cross(self, one: Crossed) -> Line:
        left, right = one.comparison.args
        term, line = self.words.term(left), self.words.term(right)
        before, after, against = (
            self.figure(value, left.type) for value in (one.before, one.after, one.line)
        )
        turned = self.words.compared(one.comparison.op, left, one.holds)
        shown = "" if isinstance(right, ir.Const) else f" {against}"
        return Line(self.say(
            f"{term}由 {before} 变为 {after}，{turned}{line}{shown}",
            f"{term} would be {after} instead of {before}, and {turned} {line}{shown}",
        ))  # fmt: skip

    def figure(self, value: Any, of: Type) -> str:
        """A figure; one that is no whole number of fen is shown closely, as it may lie beside the line by less."""
        if not isinstance(value, Fraction) or value.denominator == 1 or not of.money:
            return self.words.plain(value, of)
        parts = round_half_up(value * 100, 1)
        return f"≈ {'-' * (parts < 0)}{abs(parts) // 10_000:,}.{abs(parts) % 10_000:04d} {self.words.unit(of, value)}"

    def proof(self, one: Moved) -> Line:
        if one.judge:
            return Line(
                self.say(
                    f"须由{one.judge}认定，不能自己填写",
                    f"{one.judge} has to find so; nobody ticks it himself",
                )
            )
        return Line(self.say(f"须有{one.paper}，只打勾不算", f"proved by {one.paper}; a tick does not count"))

    def asked(self, missing: Sequence[Gap]) -> Iterator[Line]:
        for gap in missing[:MOST_ASKED]:
            whose, label, question = self.words.question(gap)
            head = self.say(f"{whose}的{label}", f"{label} of {whose}") if whose else label
            yield Line(f"{head}{self.say('：', ': ')}{question}")
        if len(missing) > MOST_ASKED:
            more = len(missing) - MOST_ASKED
            yield Line(self.say(f"另有 {more} 项要问", f"and {more} more to ask"))


def _proven(one: Moved) -> bool:
    return bool(one.paper or one.judge)
