"""Cases (案例) put to the reference engine: what was expected, what came out.

One expectation is one question to the interpreter, so that a check of one clause does not evaluate the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from policykit import ir
from policykit.diagnostics import Diagnostic, Language, PolicyError
from policykit.engine.interpreter import Interpreter
from policykit.explain.document import explain
from policykit.explain.page import Block, to_text
from policykit.facts import Case, Election, Instance, Ruling, path_parts, path_text
from policykit.loader import Policies
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.trace import Decision, DutyInstance, Entry, Prohibition
from policykit.values import Bounds, Value
from policykit.words import STATES


@dataclass(frozen=True, slots=True)
class Miss:
    """One expectation that was not met: what was wanted, what came out, in words."""

    expected: ir.Expectation
    wanted: str
    got: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one trial of a case went: nothing missed, or what was; `errors` when its household could not be read."""

    example: ir.Example
    trial: ir.Trial
    misses: tuple[Miss, ...]
    errors: tuple[Diagnostic, ...]

    @property
    def passed(self) -> bool:
        return not self.misses and not self.errors

    @property
    def name(self) -> str:
        """The case, and the row of its table if it has one."""
        own = self.example.name.zh
        rows = [t for t in self.example.trials if t.span != self.example.span]
        return own if self.trial not in rows else f"{own} 行{rows.index(self.trial) + 1}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trial whose household and rulings have been read: all that evaluating its program, or any variant, needs."""

    program: ir.Program
    example: ir.Example
    trial: ir.Trial
    case: Case
    rulings: tuple[Ruling, ...]
    elections: tuple[Election, ...]

    def interpreter(self, program: ir.Program) -> Interpreter:
        """The reference engine on this trial; `program` may be a variant with the same entities."""
        return Interpreter(program, self.case, self.example.on, self.rulings, self.elections)


# ---- from a case to a household ------------------------------------------------------------------------------------


def household(program: ir.Program, example: ir.Example, trial: ir.Trial) -> dict[str, Any]:
    """The household of a trial as plain data, with what is not mentioned filled in where the case says so."""
    root: dict[str, Any] = {}
    referred: set[tuple[str | int, ...]] = set()
    for cell in trial.given:
        owner: Any = root
        for part, following in zip(cell.path, (*cell.path[1:], None), strict=True):
            if following is None:
                _put(owner, part, cell.value)
            else:
                owner = _step(owner, part, [] if isinstance(following, int) else {})
        if isinstance(cell.value, Mapping) and "ref" in cell.value:
            referred.add(path_parts(cell.value["ref"]))
    entity = _entity_of(program, root)
    for path in referred:
        target: Any = root
        for part in path:
            target = target[part]
        target.setdefault("id", path_text(path))
    if example.rest:
        _fill(program, entity, root)
    return root


def _put(owner: Any, part: str | int, value: Any) -> None:
    if isinstance(part, int):
        while len(owner) <= part:
            owner.append({})
    elif isinstance(value, Mapping) and "unknown" in value and _records(owner.get(part)):
        # 收入项 = 未知 beside some items: there may be more
        value = {"items": owner[part], "complete": False}
    owner[part] = value


def _records(there: Any) -> bool:
    """Whether some records stand there already, and not the labels of a fact."""
    return isinstance(there, list) and any(isinstance(item, Mapping) for item in there)


def _step(owner: Any, part: str | int, empty: Any) -> Any:
    if isinstance(part, int):
        while len(owner) <= part:
            owner.append({})
        return owner[part]
    inside = owner.setdefault(part, empty)
    return inside["items"] if isinstance(inside, dict) and "items" in inside and empty == [] else inside


def _entity_of(program: ir.Program, root: Mapping[str, Any]) -> str:
    """The entity that the facts describe: the lowest of those with members whose names they are."""
    found = [e for e in program.entities.values() if any(d.kind == "members" for d in e.lists.values())]
    names = {e.name.id: {*e.facts, *e.lists} for e in found}
    return max(reversed(found), key=lambda e: len(names[e.name.id] & root.keys())).name.id


def _fill(program: ir.Program, kind: str, record: dict[str, Any]) -> None:
    """Gives a record 否, 无 or an empty list for everything nobody mentioned."""
    if set(record) == {"ref"}:
        return
    entity = program.entities[kind]
    for name, fact in entity.facts.items():
        if name not in record and (fact.type.optional or fact.type.kind in ("bool", "multi")):
            none: Any = [] if fact.type.kind == "multi" else "无" if fact.type.optional else False
            judged = fact.judgement is not None
            record[name] = (
                {"value": none, "by": "案例", "reason": "案例", "date": "2000-01-01"} if judged else none
            )
    for name, decl in entity.lists.items():
        inside = record.get(name)
        if inside is None and not decl.single:
            record[name] = [] if decl.kind != "members" else None
        elif inside is None and decl.optional:
            record[name] = "无"
        elif isinstance(inside, list) or (isinstance(inside, dict) and "items" in inside):
            for item in inside if isinstance(inside, list) else inside["items"]:
                _fill(program, decl.item, item)
        elif isinstance(inside, dict) and "ref" not in inside and "unknown" not in inside:
            _fill(program, decl.item, inside)
    if entity.upper is not None and isinstance(record.get(entity.upper), dict):
        _fill(program, entity.upper, record[entity.upper])


def assuming(program: ir.Program, example: ir.Example) -> ir.Program:
    """The program with the parameters that a case sets for itself."""
    parameters = dict(program.parameters)
    for name, setting in example.assumed:
        kept = tuple(s for s in parameters[name].settings if s.keys != setting.keys)
        parameters[name] = replace(parameters[name], settings=(setting, *kept))
    return replace(program, parameters=parameters) if example.assumed else program


def prepare(program: ir.Program, example: ir.Example, trial: ir.Trial) -> Prepared:
    """Reads the household and the rulings of a trial; raises `PolicyError` when they are bad input."""
    language: Language = "zh" if program.language == "zh" else "en"
    case = read_case(program, household(program, example, trial), example.on, language)
    rulings, elections, errors = read_rulings(program, case, example.rulings, language)
    if errors:
        raise PolicyError(errors)
    return Prepared(program, example, trial, case, rulings, elections)


# ---- from an expectation to a question -------------------------------------------------------------------------------


def missed(engine: Interpreter, wanted: ir.Expectation, language: str = "zh") -> Miss | None:
    """What came out instead of what was expected; `None` when it came out."""
    say = _Words(engine.program, language)
    record = engine.case.index.get(wanted.subject)
    if record is None:
        return Miss(wanted, _wanted(wanted, say), say.either("没有这个人或户", "no such record"))
    if record.entity not in _asked_of(engine.program, wanted):
        return Miss(
            wanted, _wanted(wanted, say), say.either("问的不是这一种记录", "not asked of such a record")
        )
    got = {"measure": _measure, "clause": _clause, "note": _note}[wanted.about](engine, wanted, record, say)
    return None if got is None else Miss(wanted, _wanted(wanted, say), got)


def _asked_of(program: ir.Program, wanted: ir.Expectation) -> Collection[str]:
    """The entities that a measure, a clause or a note speaks of."""
    if wanted.about == "measure":
        return program.measures[wanted.name].entities
    if wanted.about == "clause":
        return [version.entity for version in program.clauses[wanted.name]]
    return [note.entity for note in program.notes if note.basis.name.id == wanted.name]


def _measure(engine: Interpreter, wanted: ir.Expectation, record: Instance, say: _Words) -> str | None:
    decision = engine.decision(wanted.name, record, exact=True)
    payment = decision.payment
    good = decision.outcome == wanted.state
    if wanted.form:
        paid = payment is not None and payment.rule.form == wanted.form
        good = good and paid and payment is not None and _within(payment.amount, wanted)
    if wanted.first_month is not None:
        good = good and payment is not None and payment.first_month is not None
        good = good and payment is not None and _is(payment.first_month, wanted.first_month)
    if wanted.months is not None:
        good = good and payment is not None and _is(payment.months, wanted.months)
    if wanted.by:
        good = good and wanted.by == frozenset(decision.clauses)
    if wanted.holders:
        good = good and wanted.holders == frozenset(holders(engine.program, decision))
    missing = {gap.name.split("[")[0] for gap in decision.missing}
    good = good and all(_named(engine.program, name) & missing for name in wanted.missing)
    return None if good else _decided(decision, say, holders(engine.program, decision))


def holders(program: ir.Program, decision: Decision) -> tuple[str, ...]:
    """Who may decide what the deciding clauses leave open, each once: one of them alone once the amount is known."""
    options = decision.payment.options if decision.payment is not None else ()
    found = [name for _, _, held in options for name in held.split(" / ") if name]
    if not found and decision.outcome == "discretionary":
        clauses = (version for name in decision.clauses for version in program.clauses[name])
        found = [discretion.holder for clause in clauses for discretion in clause.discretion]
    return tuple(dict.fromkeys(found))


def _within(value: Value, wanted: ir.Expectation) -> bool:
    found = ends(value)
    return found is not None and found[0] == wanted.low and found[1] == wanted.high


def ends(amount: Value) -> tuple[int, int] | None:
    """The least and the most of an amount, as results give it: what is open may begin below 0, what is paid does not."""
    if not isinstance(amount, Bounds) or amount.lo is None or amount.hi is None:
        return None
    return int(amount.lo) if amount.known else max(0, int(amount.lo)), int(amount.hi)


def _is(value: Value | None, wanted: Any) -> bool:
    return value is not None and value.known and value.value == wanted


def _named(program: ir.Program, text: str) -> set[str]:
    """The identifiers of whatever is called so: facts, lists, parameters."""
    names = [d.name for e in program.entities.values() for d in e.facts.values()]
    names += [d.name for e in program.entities.values() for d in e.lists.values()]
    names += [p.name for p in program.parameters.values()]
    return {text, *(name.id for name in names if text in (name.id, name.zh))}


def _clause(engine: Interpreter, wanted: ir.Expectation, record: Instance, say: _Words) -> str | None:
    verdicts = engine.verdicts(wanted.name, record)
    states = [verdict.state for verdict in verdicts]
    effect = engine.program.clauses[wanted.name][0].effect
    live = [v for v in verdicts if v.scope.hi and v.test.hi]
    doers = {v.clause.effect.by for v in verdicts if isinstance(v.clause.effect, ir.Duty)} - {""}
    if wanted.holders and wanted.holders != doers:
        return say.holders(sorted(doers)) if doers else say.either("没有由谁办这一说", "nobody is to do it")
    if isinstance(effect, ir.Duty):
        duties = [
            d for v in live if isinstance(v.clause.effect, ir.Duty) for d in engine.duties(v, v.clause.effect)
        ]
        dated = [
            d
            for d in duties
            if wanted.due in (None, d.due) or (wanted.due == "unspecified" and d.due_unspecified)
        ]
        if dated and (wanted.state == dated[-1].state or (wanted.state in states and wanted.due is not None)):
            return None
        if wanted.due is None and wanted.state in states:
            return None
        shown = [
            say.whole([say.state("clause", d.state), *say.due("unspecified" if d.due_unspecified else d.due)])
            for d in duties
        ]
        return say.listed(shown or [say.state("clause", s) for s in states])
    if isinstance(effect, ir.Ban | ir.Record) and wanted.state == "unknown":
        open_ = [v for v in live if not engine.holds(v)[0].known]
        return None if open_ else say.listed(say.state("clause", s) for s in states)
    return None if wanted.state in states else say.listed(say.state("clause", s) for s in states)


def _note(engine: Interpreter, wanted: ir.Expectation, record: Instance, say: _Words) -> str | None:
    shown = any(n.note.basis.name.id == wanted.name and n.subject is record for n in engine.notes())
    return None if shown == (wanted.state == "shown") else say.state("note", "shown" if shown else "absent")


# ---- words -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Words:
    """States, amounts and names in a language."""

    program: ir.Program
    language: str

    def either(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def state(self, about: str, state: str) -> str:
        return self.either(*STATES[about].get(state, (state, state)))

    def listed(self, words: Iterable[str]) -> str:
        return self.either("、", ", ").join(words)

    def clauses(self, names: Iterable[str]) -> str:
        found = (self.program.clauses[name][0].basis.name.label(self.language) for name in names)
        return self.either("由 ", "by ") + self.listed(found)

    def holders(self, names: Iterable[str]) -> str:
        return self.either("由 ", "by ") + self.listed(self.either(f"「{n}」", f"“{n}”") for n in names)

    def due(self, day: date | str | None) -> list[str]:
        """The day a duty is due, or that the text sets none; what is not known is not said."""
        if day is None:
            return []
        said = self.either("未规定", "unspecified") if day == "unspecified" else str(day)
        return [f"{self.either('期限', 'due')} {said}"]

    def missing(self, names: Iterable[str]) -> str:
        return self.either("缺 ", "missing ") + self.listed(dict.fromkeys(map(self.name, names)))

    def name(self, ident: str) -> str:
        """What a fact, a list or a parameter is called; its keys, if any, stay as they are."""
        bare, bracket, keys = ident.partition("[")
        found: list[ir.Name] = [
            d.name for e in self.program.entities.values() for n, d in e.facts.items() if n == bare
        ]
        found += [d.name for e in self.program.entities.values() for n, d in e.lists.items() if n == bare]
        found += [p.name for n, p in self.program.parameters.items() if n == bare]
        return found[0].label(self.language) + bracket + keys if found else ident

    def paid(self, form: str, low: Any, high: Any) -> str:
        ends = self.either(" 至 ", " to ").join(dict.fromkeys(map(_yuan, (low, high))))
        each = self.either("每月", "monthly") if form == "monthly" else self.either("一次", "once")
        return f"{each} {ends} {self.either('元', 'yuan')}"

    def period(self, first: Any, months: Any) -> list[str]:
        """From which month, for how many; what is `None` is not said."""
        said = [] if first is None else [f"{self.either('自', 'from')} {first}"]
        return said if months is None else [*said, self.either(f"为期 {months} 个月", f"for {months} months")]

    def whole(self, parts: Iterable[str]) -> str:
        return self.either("，", ", ").join(parts)


def _yuan(fen: Any) -> str:
    whole = abs(int(fen))
    return f"{float(fen) / 100:.2f}" if fen % 1 else f"{'-' * (fen < 0)}{whole // 100}.{whole % 100:02d}"


def said(program: ir.Program, expected: ir.Expectation, language: str) -> str:
    """What an expectation wants of its subject, in words."""
    return _wanted(expected, _Words(program, language))


def _wanted(wanted: ir.Expectation, say: _Words) -> str:
    parts = [say.state(wanted.about, wanted.state)]
    if wanted.low is not None:
        parts.append(say.paid(wanted.form, wanted.low, wanted.high))
    parts += say.period(wanted.first_month, wanted.months)
    parts += say.due(wanted.due)
    if wanted.by:
        parts.append(say.clauses(sorted(wanted.by)))
    if wanted.holders:
        parts.append(say.holders(sorted(wanted.holders)))
    if wanted.missing:
        parts.append(say.missing(sorted(wanted.missing)))
    return say.whole(parts)


def _decided(decision: Decision, say: _Words, holders: Collection[str]) -> str:
    parts = [say.state("measure", decision.outcome)]
    payment = decision.payment
    if payment is not None and (paid := ends(payment.amount)) is not None:
        parts.append(say.paid(payment.rule.form, *paid))
        first, months = (
            v.value if v is not None and v.known else None for v in (payment.first_month, payment.months)
        )
        parts += say.period(first, months)
    if decision.clauses:
        parts.append(say.clauses(decision.clauses))
    if holders:
        parts.append(say.holders(holders))
    if decision.missing:
        parts.append(say.missing(gap.name for gap in decision.missing))
    return say.whole(parts)


# ---- running ------------------------------------------------------------------------------------------------------------


def programs(policies: Policies) -> Callable[[ir.Example], ir.Program]:
    """For each case its program: the rules, with the sheet and the parameters that it names."""

    @cache
    def with_sheet(sheet: str) -> ir.Program:
        if not sheet:
            return policies.program
        file = next((f for root in policies.roots if (f := Path(root) / sheet).is_file()), Path(sheet))
        return policies.with_parameters(file).program

    return lambda example: assuming(with_sheet(example.sheet), example)


def prepared(policies: Policies) -> Iterator[Prepared | Verdict]:
    """Every trial of every case, in the order they are written, ready to be asked; one that is bad input says why."""
    program_of = programs(policies)
    for example in policies.program.examples:
        for trial in example.trials:
            try:
                yield prepare(program_of(example), example, trial)
            except PolicyError as error:
                yield Verdict(example, trial, (), tuple(error.diagnostics))


def run(policies: Policies, language: Language | None = None) -> Iterator[Verdict]:
    """How every trial of every case goes; told in a language, or that of the rules."""
    for found in prepared(policies):
        if isinstance(found, Verdict):
            yield found
            continue
        engine = found.interpreter(found.program)
        misses = (
            missed(engine, wanted, language or found.program.language) for wanted in found.trial.expected
        )
        yield Verdict(found.example, found.trial, tuple(miss for miss in misses if miss is not None), ())


# ---- why ----------------------------------------------------------------------------------------------------------------

DECISIVE = ("clauses", "reasons", "met", "open", "priorities", "arithmetic", "unknown", "payment", "silent")


def because(policies: Policies, verdict: Verdict, wanted: ir.Expectation, language: str) -> list[str]:
    """The lines of the explanation that decide what one expectation asks about, and no others."""
    program = programs(policies)(verdict.example)
    prepared = prepare(program, verdict.example, verdict.trial)
    whole = prepared.interpreter(program).trace()
    effect = program.clauses[wanted.name][0].effect if wanted.about == "clause" else None
    measure = effect.measure if isinstance(effect, ir.Grant) else wanted.name
    trace = replace(
        whole,
        decisions=tuple(
            d for d in whole.decisions if d.measure == measure and d.subject.path == wanted.subject
        ),
        duties=tuple(x for x in whole.duties if _asked(x, wanted)),
        prohibitions=tuple(x for x in whole.prohibitions if _asked(x, wanted)),
        records=tuple(x for x in whole.records if _asked(x, wanted)),
        notes=tuple(
            n for n in whole.notes if n.note.basis.name.id == wanted.name and n.subject.path == wanted.subject
        ),
        findings=(),
    )
    document = explain(trace, language)
    parts = [
        replace(
            part,
            sections=tuple(
                replace(s, blocks=tuple(b for b in s.blocks if b.kind.startswith(DECISIVE)))
                for s in part.sections
            ),
        )
        for part in document.parts
        if part.kind != "input"
    ]
    bare = replace(document, title="", warning="", header=(), summary=Block("", "", ()), parts=tuple(parts))
    return [line for line in to_text(bare).splitlines() if line.strip() and "═══" not in line]


def _asked(found: DutyInstance | Prohibition | Entry, wanted: ir.Expectation) -> bool:
    return found.clause.basis.name.id == wanted.name and found.subject.path == wanted.subject
