"""Cases (案例) put to the reference engine: what was expected, what came out.

One expectation is one question to the interpreter, so that a check of one clause does not evaluate the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from policykit import ir
from policykit.diagnostics import Diagnostic, Language, PolicyError
from policykit.engine.interpreter import Interpreter
from policykit.facts import Case, Election, Instance, Ruling
from policykit.loader import Policies
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.trace import Decision
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
    """A trial whose household and rulings have been read: all that evaluating any variant of the program needs."""

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
            referred.add(_path(cell.value["ref"]))
    entity = _entity_of(program, root)
    for path in referred:
        target: Any = root
        for part in path:
            target = target[part]
        target.setdefault("id", "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)[1:])
    if example.rest:
        _fill(program, entity, root)
    return root


def _put(owner: Any, part: str | int, value: Any) -> None:
    if isinstance(part, int):
        while len(owner) <= part:
            owner.append({})
    elif isinstance(value, Mapping) and "unknown" in value and isinstance(owner.get(part), list):
        value = {
            "items": owner[part],
            "complete": False,
        }  # 收入项 = 未知 beside some items: there may be more
    owner[part] = value


def _step(owner: Any, part: str | int, empty: Any) -> Any:
    if isinstance(part, int):
        while len(owner) <= part:
            owner.append({})
        return owner[part]
    inside = owner.setdefault(part, empty)
    return inside["items"] if isinstance(inside, dict) and "items" in inside and empty == [] else inside


def _path(text: str) -> tuple[str | int, ...]:
    found: list[str | int] = []
    for part in text.split("."):
        name, _, number = part.partition("[")
        found += [name, int(number[:-1])] if number else [name]
    return tuple(found)


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
    return Prepared(example, trial, case, rulings, elections)


# ---- from an expectation to a question -------------------------------------------------------------------------------


def missed(engine: Interpreter, wanted: ir.Expectation, language: str = "zh") -> Miss | None:
    """What came out instead of what was expected; `None` when it came out."""
    record = engine.case.index.get(wanted.subject)
    if record is None:
        return Miss(
            wanted,
            _wanted(wanted, engine.program),
            "没有这个人或户" if language == "zh" else "no such record",
        )
    got = {"measure": _measure, "clause": _clause, "note": _note}[wanted.about](engine, wanted, record)
    return None if got is None else Miss(wanted, _wanted(wanted, engine.program), got)


def _measure(engine: Interpreter, wanted: ir.Expectation, record: Instance) -> str | None:
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
    missing = {gap.name.split("[")[0] for gap in decision.missing}
    good = good and all(_named(engine.program, name) & missing for name in wanted.missing)
    return None if good else _decided(decision, engine.program, wanted)


def _within(value: Value, wanted: ir.Expectation) -> bool:
    return isinstance(value, Bounds) and value.lo == wanted.low and value.hi == wanted.high


def _is(value: Value | None, wanted: Any) -> bool:
    return value is not None and value.known and value.value == wanted


def _named(program: ir.Program, text: str) -> set[str]:
    """The identifiers of whatever is called so: facts, lists, parameters."""
    names = [d.name for e in program.entities.values() for d in e.facts.values()]
    names += [d.name for e in program.entities.values() for d in e.lists.values()]
    names += [p.name for p in program.parameters.values()]
    return {text, *(name.id for name in names if text in (name.id, name.zh))}


def _clause(engine: Interpreter, wanted: ir.Expectation, record: Instance) -> str | None:
    verdicts = engine.verdicts(wanted.name, record)
    states = [verdict.state for verdict in verdicts]
    effect = engine.program.clauses[wanted.name][0].effect
    live = [v for v in verdicts if v.scope.hi and v.test.hi]
    if isinstance(effect, ir.Duty):
        duties = [
            d for v in live if isinstance(v.clause.effect, ir.Duty) for d in engine.duties(v, v.clause.effect)
        ]
        dated = [d for d in duties if wanted.due in (None, d.due)]
        if dated and (wanted.state == dated[-1].state or (wanted.state in states and wanted.due is not None)):
            return None
        if wanted.due is None and wanted.state in states:
            return None
        shown = [f"{_state('clause', d.state)}{f' {d.due}' if d.due else ''}" for d in duties]
        return "、".join(shown or [_state("clause", s) for s in states])
    if isinstance(effect, ir.Ban | ir.Record) and wanted.state == "unknown":
        open_ = [v for v in live if not engine.holds(v)[0].known]
        return None if open_ else "、".join(_state("clause", s) for s in states)
    return None if wanted.state in states else "、".join(_state("clause", s) for s in states)


def _note(engine: Interpreter, wanted: ir.Expectation, record: Instance) -> str | None:
    shown = any(n.note.basis.name.id == wanted.name and n.subject is record for n in engine.notes())
    return None if shown == (wanted.state == "shown") else _state("note", "shown" if shown else "absent")


# ---- words -------------------------------------------------------------------------------------------------------------


def _state(about: str, state: str) -> str:
    return STATES[about].get(state, (state, state))[0]


def _yuan(fen: Any) -> str:
    return f"{float(fen) / 100:.2f}" if fen is None or fen % 1 else f"{int(fen) // 100}.{int(fen) % 100:02d}"


def _wanted(wanted: ir.Expectation, program: ir.Program) -> str:
    parts = [_state(wanted.about, wanted.state)]
    if wanted.low is not None:
        ends = [_yuan(wanted.low)] if wanted.low == wanted.high else [_yuan(wanted.low), _yuan(wanted.high)]
        parts.append(f"{'每月' if wanted.form == 'monthly' else '一次'} {' 至 '.join(ends)} 元")
    if wanted.first_month is not None:
        parts.append(f"自 {wanted.first_month}")
    if wanted.months is not None:
        parts.append(f"为期 {wanted.months} 个月")
    if wanted.due is not None:
        parts.append(f"期限 {wanted.due}")
    if wanted.by:
        parts.append("由 " + "、".join(sorted(program.clauses[c][0].basis.name.zh for c in wanted.by)))
    if wanted.missing:
        parts.append("缺 " + "、".join(sorted(wanted.missing)))
    return "，".join(parts)


def _decided(decision: Decision, program: ir.Program, wanted: ir.Expectation) -> str:
    parts = [_state("measure", decision.outcome)]
    payment = decision.payment
    if payment is not None and isinstance(payment.amount, Bounds):
        ends = dict.fromkeys([payment.amount.lo, payment.amount.hi])
        shown = " 至 ".join(_yuan(end) for end in ends if end is not None)
        parts.append(f"{'每月' if payment.rule.form == 'monthly' else '一次'} {shown} 元")
        if payment.first_month is not None and payment.first_month.known:
            parts.append(f"自 {payment.first_month.value}")
        if payment.months is not None and payment.months.known:
            parts.append(f"为期 {payment.months.value} 个月")
    if decision.clauses:
        parts.append("由 " + "、".join(program.clauses[c][0].basis.name.zh for c in decision.clauses))
    if decision.missing:
        parts.append("缺 " + "、".join(dict.fromkeys(gap.name for gap in decision.missing)))
    return "，".join(parts)


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


def run(policies: Policies) -> Iterator[Verdict]:
    """Every trial of every case, in the order they are written."""
    program_of = programs(policies)
    for example in policies.program.examples:
        for trial in example.trials:
            try:
                program = program_of(example)
                prepared = prepare(program, example, trial)
            except PolicyError as error:
                yield Verdict(example, trial, (), tuple(error.diagnostics))
                continue
            engine = prepared.interpreter(program)
            found = (missed(engine, expectation, program.language) for expectation in trial.expected)
            yield Verdict(example, trial, tuple(miss for miss in found if miss is not None), ())
