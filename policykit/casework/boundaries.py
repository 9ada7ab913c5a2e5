"""Cases at every threshold: one fact of a case moved to where some comparison turns, and what then comes out.

A threshold is not read off the rules but sought: all else kept, one given fact moves through its range, and where a
comparison that an expectation bears on turns over lies a boundary. So a line is found as well behind a sum or a
quotient as in front of a bare figure. What comes out is only proposed; that it is right, a person says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from policykit import ir
from policykit.casework.exercised import bearing, deciding, walk
from policykit.casework.trials import Prepared, ends, household, prepare, programs
from policykit.datatypes import parse_unit
from policykit.diagnostics import PolicyError
from policykit.engine.interpreter import Interpreter
from policykit.engine.outcomes import Status
from policykit.engine.terms import Env, place, subject
from policykit.facts import path_parts, path_text
from policykit.loader import Policies
from policykit.values import Bounds, Gap, Month, plus_days
from policykit.words import STATES, operator_words

COMPARISONS = ("lt", "le", "gt", "ge")
EDGE = "_edge_"  # in the identifier of a case that was accepted at a threshold


@dataclass(frozen=True, slots=True)
class Proposal:
    """One household at or beside a threshold, with what came out of it; `turns` names the clause or term that turns.

    `cell` is the fact that was moved, `None` when it is the day asked for.
    """

    example: ir.Example
    trial: ir.Trial
    cell: ir.Cell | None
    turns: str
    answers: tuple[ir.Expectation, ...]


def proposals(policies: Policies, only: str = "") -> Iterator[Proposal]:
    """Every proposal for the cases of some policies, or for the one named; without the households that a case tries."""
    program_of = programs(policies)
    tried = {
        _same(policies.program, example, trial)
        for example in policies.program.examples
        for trial in example.trials
        if trial.expected
    }
    for example in policies.program.examples:
        for trial in example.trials:
            named = only in ("", example.name.id, example.name.zh)
            if not named or not trial.expected or EDGE in example.name.id:
                continue  # what was accepted at a threshold has no thresholds of its own
            try:
                program = program_of(example)
                found = list(_beside(_Moves(prepare(program, example, trial))))
            except PolicyError:
                continue
            for proposal in found:
                key = _same(program, proposal.example, proposal.trial)
                if key not in tried:
                    tried.add(key)
                    yield proposal


def _same(program: ir.Program, example: ir.Example, trial: ir.Trial) -> str:
    """A text that is equal for the same household on the same day under the same sheet, figures and rulings."""
    assumed = [(name, s.keys, ir.shape(s.value) if s.value else "") for name, s in example.assumed]
    data = [household(program, example, trial), example.on, example.sheet, assumed, example.rulings]
    return json.dumps(data, sort_keys=True, default=str)


def _beside(moves: _Moves) -> Iterator[Proposal]:
    example, trial = moves.prepared.example, moves.prepared.trial
    for cell in {cell.path: cell for cell in trial.given}.values():
        scale = moves.scale(cell)
        if scale is None:
            continue
        for number, owner in sorted(moves.thresholds(cell, scale).items()):
            moved = replace(cell, value=scale.written(number))
            changed = replace(trial, given=(*trial.given, moved))
            yield from moves.proposed(example, changed, moved, owner)
    for day, owner in sorted(moves.days().items()):
        yield from moves.proposed(replace(example, on=day), trial, None, owner)


# ---- facts as whole numbers ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scale:
    """A given fact as a whole number: fen, days, months or a count; from `low` to `high`."""

    kind: str
    unit: str
    wrapped: dict[str, Any] | None
    number: int
    low: int
    high: int

    def written(self, number: int) -> Any:
        """The number as household data gives it, with the paper of the fact."""
        match self.kind:
            case "date":
                plain = date.fromordinal(number).isoformat()
            case "month":
                plain = str(Month(number // 12, number % 12 + 1))
            case "money":
                plain = f"{_yuan(number).removesuffix('0').removesuffix('.0')} {self.unit}"  # 500, as cases give it
            case _:
                plain = f"{number} {self.unit}".strip()
        return plain if self.wrapped is None else {**self.wrapped, "value": plain}


def whole_number(value: Any) -> int | None:
    """A date, month or number as a whole number, where it is one."""
    if isinstance(value, date):
        return value.toordinal()
    if isinstance(value, Month):
        return value.year * 12 + value.month - 1
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return int(value) if Fraction(value).denominator == 1 else None
    return None


# ---- moving one fact --------------------------------------------------------------------------------------------------

Seen = dict[
    tuple[int, str], tuple[bool, bool, str]
]  # comparison and place → does it hold, are both equal, whose is it


def compared(engine: Interpreter, statuses: Iterable[Status]) -> Seen:
    """What every comparison comes to that some clauses evaluate, each on its record."""
    terms, found = engine.terms, Seen()

    def visit(expr: ir.Expr, env: Env, owner: str) -> None:
        if isinstance(expr, ir.Apply) and expr.op in COMPARISONS:
            holds = terms.truth(expr, env)
            if holds.known:
                left, right = (terms.value(part, env) for part in expr.args)
                equal = left.known and right.known and left.value == right.value
                at = ",".join(f"{slot}={place(value)}" for slot, value in sorted(env.items()))
                found[id(expr), at] = (bool(holds.lo), equal, owner)

    for status in statuses:
        clause = status.clause
        for condition in (clause.scope, clause.test if status.scope.hi else None):
            if condition is not None:
                walk(engine, condition, subject(status.subject), clause.basis.name.id, visit)
    return found


def turning(probe: Callable[[int], Seen | None], number: int, low: int, high: int) -> dict[int, str]:
    """Where to try a number that may lie from `low` to `high`: at each place where a comparison turns over, a step
    before and a step after, with whose comparison it is. `probe` tells what they come to at a number."""
    found: dict[int, str] = {}
    for end in (low, high):
        here, there = probe(number), probe(end)
        for key in here or ():
            if there is None or here is None or key not in there or there[key][0] == here[key][0]:
                continue
            near, far = number, end
            while abs(far - near) > 1:
                middle = (near + far) // 2
                between = probe(middle)
                if between is None or key not in between:
                    break
                if between[key][0] == here[key][0]:
                    near = middle
                else:
                    far = middle
            else:
                a, b = sorted((near, far))
                sides = [n for n in (a, b) if (at := probe(n)) is not None and at[key][1]]
                points = {a, b} | ({sides[0] - 1, sides[0] + 1} if len(sides) == 1 else set())
                for point in points:
                    if low <= point <= high:
                        found.setdefault(point, here[key][2])
    return found


class _Moves:
    """One trial, and what becomes of its comparisons when one fact of it moves."""

    def __init__(self, prepared: Prepared) -> None:
        self.program, self.prepared = prepared.program, prepared

    def scale(self, cell: ir.Cell) -> _Scale | None:
        """How a given fact can move; `None` for one that is not a known money, date, month or count."""
        record = self.prepared.case.index.get(path_text(cell.path[:-1]) or self.prepared.case.root.path)
        name = cell.path[-1]
        decl = self.program.entities[record.entity].facts.get(str(name)) if record is not None else None
        if record is None or decl is None or decl.type.kind not in ("number", "date", "month"):
            return None
        given = record.facts.get(decl.name.id)
        known = given.value if given is not None else None
        number = whole_number(known.value) if isinstance(known, Bounds) and known.known else None
        terms = self.prepared.interpreter(self.program).terms
        room = terms.unknown(decl.type, decl.low, decl.high, Gap("fact", record.path, decl.name.id), record)
        if number is None or not isinstance(room, Bounds):
            return None
        wrapped = cell.value if isinstance(cell.value, dict) else None
        plain = str(cell.value["value"] if wrapped else cell.value)
        unit, kind = "", str(decl.type.kind)
        if kind == "number":
            unit = plain.partition(" ")[2]
            factor = parse_unit(unit)[1] if unit else Fraction(1)
            kind = "money" if factor == 100 else "count"
            if factor not in (1, 100):
                return None
        low, high = whole_number(room.lo), whole_number(room.hi)
        return None if low is None or high is None else _Scale(kind, unit, wrapped, number, low, high)

    def thresholds(self, cell: ir.Cell, scale: _Scale) -> dict[int, str]:
        """Where to try a fact: at each place where a comparison turns over, a step before and a step after."""
        probes: dict[int, Seen | None] = {}

        def probe(number: int) -> Seen | None:
            if number not in probes:
                probes[number] = self.comparisons(replace(cell, value=scale.written(number)))
            return probes[number]

        return turning(probe, scale.number, scale.low, scale.high)

    def comparisons(self, cell: ir.Cell) -> Seen | None:
        """What the comparisons come to with one fact moved; `None` where no such household can be."""
        trial = replace(self.prepared.trial, given=(*self.prepared.trial.given, cell))
        try:
            prepared = prepare(self.program, self.prepared.example, trial)
        except PolicyError:
            return None
        engine = prepared.interpreter(self.program)
        found = list[Status]()
        for expectation in trial.expected:
            record = prepared.case.index.get(expectation.subject)
            found += bearing(engine, expectation, record) if record is not None else ()
        return compared(engine, found)

    def days(self) -> dict[date, str]:
        """The days around what time alone changes: the first and last day of the clauses that an expectation bears
        on, the day a duty is due."""
        around: list[tuple[date | None, str]] = []  # with the clause that changes there
        for expectation in self.prepared.trial.expected:
            record = self.prepared.case.index.get(expectation.subject)
            for name in deciding(self.program, expectation, record) if record is not None else ():
                for version in self.program.clauses[name]:
                    around += [(version.period.start, name), (version.period.end, name)]
            came = answer(self.prepared.interpreter(self.program), expectation)
            due = came.due if came is not None else None
            around.append((due if isinstance(due, date) else None, expectation.name))
        found: dict[date, str] = {}
        for day, name in around:
            if day is not None:
                for step in (-1, 0, 1):
                    found.setdefault(plus_days(day, step), name)
        return found

    def proposed(
        self, example: ir.Example, trial: ir.Trial, cell: ir.Cell | None, owner: str
    ) -> Iterator[Proposal]:
        try:
            prepared = prepare(self.program, example, trial)
        except PolicyError:
            return
        engine = prepared.interpreter(self.program)
        asked = {(e.about, e.subject, e.name): e for e in trial.expected}
        answers = tuple(a for e in asked.values() if (a := answer(engine, e)) is not None)
        yield Proposal(example, replace(trial, expected=answers), cell, owner, answers)


# ---- what came out, as an expectation -----------------------------------------------------------------------------------


def answer(engine: Interpreter, asked: ir.Expectation) -> ir.Expectation | None:
    """The expectation that what came out would meet: outcome, amount, months and all deciding clauses."""
    record = engine.case.index.get(asked.subject)
    if record is None:
        return None
    blank = replace(
        asked, form="", low=None, high=None, first_month=None, months=None, due=None, by=frozenset(), holders=frozenset(),
        missing=frozenset(),
    )  # fmt: skip
    if asked.about == "note":
        shown = any(n.note.basis.name.id == asked.name and n.subject is record for n in engine.notes())
        return replace(blank, state="shown" if shown else "absent")
    if asked.about == "clause":
        verdict = engine.verdicts(asked.name, record)[-1]
        effect = verdict.clause.effect
        if isinstance(effect, ir.Duty) and verdict.scope.hi and verdict.test.hi:
            duties = list(engine.duties(verdict, effect))
            if duties:
                last = duties[-1]
                return replace(
                    blank, state=last.state, due="unspecified" if last.due_unspecified else last.due
                )
        return replace(blank, state=verdict.state)
    decision = engine.decision(asked.name, record, exact=True)
    missing = frozenset(gap.name.split("[")[0] for gap in decision.missing)
    found = replace(blank, state=decision.outcome, by=frozenset(decision.clauses), missing=missing)
    payment = decision.payment
    paid = ends(payment.amount) if payment is not None else None
    if payment is None or paid is None:
        return found
    first, months = payment.first_month, payment.months
    return replace(
        found,
        form=payment.rule.form,
        low=Fraction(paid[0]),
        high=Fraction(paid[1]),
        first_month=first.value if first is not None and first.known else None,
        months=int(months.value)
        if months is not None and months.known and months.value is not None
        else None,
    )


# ---- as a case in the rule language ---------------------------------------------------------------------------------


class Writer:
    """Writes proposals as 案例 blocks, with the names of one program."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program

    @cached_property
    def names(self) -> dict[str, str]:
        """Identifier → Chinese name, of everything that a case mentions."""
        program = self.program
        found = {name: e.name.zh for name, e in program.entities.items()}
        for entity in program.entities.values():
            found |= {name: d.name.zh for name, d in entity.facts.items()}
            found |= {name: d.name.zh for name, d in entity.lists.items()}
        found |= {name: p.name.zh for name, p in program.parameters.items()}
        found |= {name: versions[0].basis.name.zh for name, versions in program.clauses.items()}
        found |= {n.basis.name.id: n.basis.name.zh for n in program.notes}
        return found | {name: m.name.zh for name, m in program.measures.items()}

    def title(self, proposal: Proposal) -> str:
        """What was changed in which case: the same proposal has the same title on every run."""
        own = proposal.example.name.zh
        if proposal.cell is None:
            return f"{own}：评价日 {proposal.example.on}"
        rows = [t.span for t in proposal.example.trials if t.span != proposal.example.span]
        row = f" 行{rows.index(proposal.trial.span) + 1}" if proposal.trial.span in rows else ""
        return f"{own}{row}：{self.given(proposal.cell)}"

    def block(self, proposal: Proposal, number: int) -> str:
        """The proposal as a case that starts from the one it was made from."""
        example, trial = proposal.example, proposal.trial
        lines = [f"案例 {bare(f'{example.name.zh}界{number}')} ({example.name.id}{EDGE}{number})"]
        lines.append(f"    承：{bare(example.name.zh)}")
        if proposal.cell is None:
            lines.append(f"    评价日：{example.on}")
        last = {cell.path: cell for cell in trial.given}
        own = [c for c in last.values() if c is proposal.cell or self.of_row(c, proposal)]
        lines += [f"    已知：{self.given(cell)}" for cell in own]
        lines += [f"    期望：{self.expected(answer)}" for answer in proposal.answers]
        return "\n".join(lines) + "\n"

    @staticmethod
    def of_row(cell: ir.Cell, proposal: Proposal) -> bool:
        """Whether a fact stands in the row of a table, which no other case can start from."""
        row = proposal.trial.span
        return row != proposal.example.span and row.start <= cell.span.start < row.end

    def given(self, cell: ir.Cell) -> str:
        paper = ""
        value = cell.value
        if isinstance(value, dict) and "value" in value:
            paper = f" 凭「{value.get('source') or value.get('by')}」"
            value = value["value"]
        text = any(e.facts[str(cell.path[-1])].type.kind == "text" for e in self.program.entities.values()
                   if cell.path[-1] in e.facts)  # fmt: skip
        return f"{self.place(cell.path)} = {self.value(value, text)}{paper}"

    def value(self, value: Any, text: bool) -> str:
        match value:
            case bool():
                return "是" if value else "否"
            case {"ref": path}:
                return self.place(path_parts(path))
            case {"unknown": _}:
                return "未知"
            case []:
                return "无"
            case list():
                return "{" + "、".join(map(str, value)) + "}"
        return f"「{value}」" if text else str(value)

    def place(self, path: tuple[str | int, ...]) -> str:
        said = ""
        for part in path:
            said += f"[{part + 1}]" if isinstance(part, int) else f".{bare(self.names.get(part, part))}"
        return said[1:]

    def expected(self, e: ir.Expectation) -> str:
        root = e.subject in self.program.entities
        subject_ = "" if root else self.place(path_parts(e.subject)) + " "
        parts = [f"{subject_}{bare(self.names[e.name])} {bare(STATES[e.about][e.state][0])}"]
        unit = "元/月" if e.form == "monthly" else "元"
        if e.low is not None and e.high is not None:
            ends = [f"{_yuan(end)} {unit}" for end in dict.fromkeys((e.low, e.high))]
            parts.append(f"{'每月' if e.form == 'monthly' else '一次'} {' 至 '.join(ends)}")
        if e.first_month is not None:
            parts.append(f"自 {e.first_month}")
        if e.months is not None:
            parts.append(f"为期 {e.months} 个月")
        if e.due is not None:
            parts.append(f"期限 {'未规定' if e.due == 'unspecified' else e.due}")
        for word, names in (("由", e.by), ("缺", e.missing)):
            if names:
                parts.append(f"{word} " + "、".join(bare(self.names.get(n, n)) for n in sorted(names)))
        return "，".join(parts)


def _yuan(fen: Fraction | int) -> str:
    whole = abs(int(fen))
    return f"{'-' * (fen < 0)}{whole // 100}.{whole % 100:02d}"


def bare(name: str) -> str:
    """A name as rules may write it: in brackets where it would be read as something else."""
    swallowed = any(word in name for word in operator_words())
    plain = name.replace("_", "").isalnum() and not name[0].isdigit() and not swallowed
    return name if plain else f"【{name}】"
