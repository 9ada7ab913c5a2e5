"""The conformance cases: an exam written as data in `cases/*.toml`, sat by every engine.

A file has programs (`[[program]]`: rule text, or the bundled policies with a sheet that is edited in places),
households (`[household.NAME]`) and cases (`[[case]]`); `[default]` gives what its cases leave out. A case names its
program and household, `change`s or leaves out (`without`) some of its facts, may give rulings, and wants one or more
rows: of a `measure`, a `clause`, a `duty`, a `ban`, a `record` or a `note`, each with what must be said of it; or the
code of an `error`. A case with an `expr` wants its `value`, or that it is `unknown` for want of just these facts,
`between` two figures or `one_of` some labels. Its rules get one probing measure for each thing wanted, so that even a
value is seen through nothing but decisions, which is what every engine has.

`covers` says which (operation or clause, situation) a case shows. Amounts given are in yuan, amounts wanted in fen.

That every clause of the bundled policies is shown at work is asked of the 案例 in `policies/cases`, which
`policykit test` runs; here stand the clauses whose figures, days and priorities the engines must agree on.
"""

from __future__ import annotations

import copy
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import test_columnar

from policykit import ir, loader
from policykit.diagnostics import PolicyError
from policykit.engine import interpreter
from policykit.engine.compiled import Compiled
from policykit.engine.compiled import Row as PlainRow
from policykit.engine.compiled import compiled as engine_of
from policykit.facts import Case as Records
from policykit.facts import Election, Ruling
from policykit.ops import OPS
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.source import Source
from policykit.trace import Decision, DutyInstance, Entry, NoteEntry, Prohibition, Trace
from policykit.values import Bounds, Gap, Value

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases"

ENOUGH = 400
#: what the language has beside operations and clauses
CONSTRUCTS = {
    "amount", "ban", "blocked", "define", "discretion", "duty", "evidence", "exclusion", "fact", "graded", "history",
    "if", "list", "meets", "month_range", "mutual_exclusion", "note", "obtains", "outcome", "parameter", "period",
    "priority", "record", "reference", "ruling", "scope", "today", "upper",
}  # fmt: skip

#: situation of a clause → the verdicts it may have then on the subject it is about
STATES = {
    "fired": {"grants", "may", "excludes", "applies"},
    "not_met": {"not_met"},
    "silent": {"silent"},
    "undetermined": {"undetermined"},
    "overridden": {"overridden"},
}

#: the clauses that turn on a figure or on a day: each needs one step below, the turning point, one step above
FIGURES = (
    "prompt_inclusion", "whole_household_coverage", "single_person_coverage", "person_covered_household_missed",
    "convert_single_to_household", "phase_out_before_review", "phase_out_awaits_review", "exit_while_poor",
    "at_line_check", "interim_article_9", "interim_article_14", "proactive_tekun", "tekun_inclusion", "first_relief",
)  # fmt: skip
DAYS = (
    "prompt_inclusion", "whole_household_coverage", "single_person_coverage", "phase_out", "phase_out_continued",
    "voluntary_exit", "interim_article_9", "interim_article_14", "proactive_tekun", "tekun_inclusion",
    "no_dibao_on_tekun", "care_agreement", "regular_visits", "no_admission", "persuasion_duty", "first_relief",
    "reassess_after_relief", "still_in_hardship_review",
)  # fmt: skip
STEPS = ("below", "at", "above")

Row: TypeAlias = dict[str, Any]
Found: TypeAlias = dict[tuple[str, str, str], Row]


# ---- the cases --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rules:
    """A program that cases name: its text, or the bundled policies with a sheet, changed in places."""

    name: str
    text: str = ""
    policy: str = ""
    sheet: str = ""
    edit: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Case:
    """One case: rules, a day, a household, rulings, and what must come out."""

    file: str
    name: str
    rules: Rules
    on: date
    household: Mapping[str, Any]
    rulings: Sequence[Mapping[str, Any]]
    expr: str
    want: Sequence[Row]
    covers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


CASE_KEYS = {"name", "program", "on", "household", "change", "without", "rulings", "expr", "want", "covers"}
DAY = date(2020, 6, 10)
DEFAULT: Row = {"program": "", "on": DAY, "household": {}}


@cache
def documents() -> dict[str, dict[str, Any]]:
    """Every file of cases, by name."""
    files = sorted(CASES.glob("*.toml"))
    return {f.stem: tomllib.loads(f.read_text(encoding="utf-8"), parse_float=Decimal) for f in files}


@cache
def programs() -> dict[str, Rules]:
    """Every program that a case may name."""
    found: dict[str, Rules] = {}
    for file, document in documents().items():
        for raw in document.get("program", ()):
            rules = Rules(
                raw["name"],
                raw.get("rules", ""),
                raw.get("policy", ""),
                raw.get("sheet", ""),
                tuple(raw.get("edit", {}).items()),
            )
            assert rules.name not in found, f"{file}: program {rules.name!r} is given twice"
            found[rules.name] = rules
    return found


@cache
def households() -> dict[str, Any]:
    """Every household that a case may name."""
    found: dict[str, Any] = {}
    for file, document in documents().items():
        for name, raw in document.get("household", {}).items():
            assert name not in found, f"{file}: household {name!r} is given twice"
            found[name] = raw
    return found


def cases() -> list[Case]:
    """Every case of every file."""
    return [
        one_case(file, {**DEFAULT, **document.get("default", {})}, raw)
        for file, document in documents().items()
        for raw in document.get("case", ())
    ]


def one_case(file: str, default: Row, raw: Row) -> Case:
    """One case, with what it leaves out taken from its file."""
    assert raw.keys() <= CASE_KEYS, f"{file}: {raw['name']}: {sorted(raw.keys() - CASE_KEYS)}"
    told = {**default, **raw}
    named = told["household"]
    household = copy.deepcopy(households()[named] if isinstance(named, str) else named)
    for path, value in raw.get("change", {}).items():
        owner, last = place(household, path)
        owner[last] = value
    for path in raw.get("without", ()):
        owner, last = place(household, path)
        del owner[last]
    want = told["want"] if isinstance(told["want"], list) else [told["want"]]
    rules = programs()[told["program"]]
    covers = tuple(told.get("covers", ()))
    return Case(
        file,
        told["name"],
        rules,
        told["on"],
        household,
        told.get("rulings", ()),
        told.get("expr", ""),
        want,
        covers,
    )


def place(household: Any, path: str) -> tuple[Any, Any]:
    """Where a path such as `members.0.birth_date` leads: the mapping or list, and the key in it."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        household = household[step]
    return household, last


# ---- from a case to a question ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Probe:
    """A condition and what it must come to: true, false, or (`None`) open."""

    condition: str
    holds: bool | None


def probes(expr: str, want: Row) -> list[Probe]:
    """The conditions that together say what is wanted of an expression."""
    match want:
        case {"value": bool(truth)}:
            return [Probe(expr, truth)]
        case {"value": "无"}:
            return [Probe(f"({expr}) 为 无", True)]
        case {"value": str(text)}:
            return [Probe(f"({expr}) 等于 {text}", True)]
        case {"unknown": _, "between": [low, high], **rest}:
            inside = [Probe(f"并非 (({expr}) 低于 {low})", True), Probe(f"并非 (({expr}) 超过 {high})", True)]
            ends = [Probe(f"({expr}) 等于 {end}", None) for end in dict.fromkeys([low, high])]
            return [*inside, *ends, Probe(f"({expr}) 为 无", None if rest.get("or_none") else False)]
        case {"unknown": _, "one_of": labels, "none_of": others}:
            return [Probe(f"({expr}) 为 {label}", None) for label in labels] + [
                Probe(f"({expr}) 为 {label}", False) for label in others
            ]
        case {"unknown": _}:
            return [Probe(expr, None)]
    raise AssertionError(f"nothing to probe in {want}")


def probing(rules: Rules, asked: Sequence[Probe]) -> str:
    """The rules with one measure for each probe, granted to the household when its condition holds."""
    lines = [rules.text, "文本 试题 (exam) 未收录"]
    for number, probe in enumerate(asked):
        lines.append(f"待遇 试{number} (probe_{number}) 对每个 户")
        lines.append(
            f"条款 试题{number} (asked_{number})\n    依据：试题\n    对每个 户\n    条件：{probe.condition}"
        )
        lines.append(f"    给予：试{number}，每月 1 元/月")
    return "\n".join(lines) + "\n"


def asked_of(case: Case) -> list[Probe]:
    """The probes of an expression case; none for any other."""
    return probes(case.expr, case.want[0]) if case.expr else []


@cache
def compiled(rules: Rules, asked: tuple[Probe, ...] = ()) -> ir.Program:
    """The program of some rules; raises `PolicyError` when they do not load."""
    if rules.policy != "bundled":
        text = probing(rules, asked) if asked else rules.text
        return loader.compile_sources([Source(f"{rules.name}.rules", text)], ()).program
    policies = loader.load_bundled()
    if not rules.sheet:
        return policies.program
    sheet = (ROOT / rules.sheet).read_text(encoding="utf-8")
    for old, new in rules.edit:
        assert sheet.count(old) == 1, (
            f"{rules.name}: {old!r} stands {sheet.count(old)} times in {rules.sheet}"
        )
        sheet = sheet.replace(old, new)
    return loader.compile_sources([*policies.sources, Source("ps1.rules", sheet)], policies.roots).program


def program_of(case: Case) -> ir.Program:
    return compiled(case.rules, tuple(asked_of(case)))


@dataclass(frozen=True)
class Question:
    """A program and the records that were read for it, with the codes of the rulings that do not count."""

    program: ir.Program
    household: Mapping[str, Any]
    records: Records
    on: date
    rulings: tuple[Ruling, ...]
    elections: tuple[Election, ...]
    refused: tuple[str, ...]


def question(case: Case) -> Question:
    """What an engine is asked; raises `PolicyError` when rules or household are bad input."""
    program = program_of(case)
    records = read_case(program, case.household, case.on)
    rulings, elections, refused = read_rulings(program, records, case.rulings)
    if any(True for _ in interpreter.contradictions(program, records, case.on)):
        raise Contradiction
    return Question(
        program, case.household, records, case.on, rulings, elections, tuple(d.code for d in refused)
    )


class Contradiction(Exception):
    """A household whose known facts rule each other out."""


# ---- what an engine finds, as plain rows ---------------------------------------------------------------------


Engine: TypeAlias = Callable[[Question], Found]


def exact(asked: Question) -> Found:
    """The reference interpreter at its exact level."""
    return rows(trace_of(asked, exact=True))


def bounds(asked: Question) -> Found:
    """The reference interpreter's first level alone."""
    return rows(trace_of(asked, exact=False))


def trace_of(asked: Question, exact: bool) -> Trace:
    return interpreter.evaluate(asked.program, asked.records, asked.on, asked.rulings, asked.elections, exact)


def fast(asked: Question) -> Found:
    """The decisions of the compiled engine; what it hands over, and all that is no decision, is the interpreter's."""
    return quick(asked, exact=True)


def quick(asked: Question, exact: bool) -> Found:
    """The same at one of the levels."""
    table = rows(trace_of(asked, exact))
    for row in quick_rows(asked, exact):
        if not isinstance(row, PlainRow):
            table["measure", row.measure, row.subject.path] = decision_row(row)
            continue
        told = table["measure", row.measure, row.path]
        assert len(told["outcomes"]) == 1, f"{row} is decided, and undetermined for the interpreter"
        told |= {
            "outcome": row.outcome,
            "outcomes": [row.outcome],
            "clauses": sorted(row.clauses),
            "superseded_by": sorted(row.over),
            "alternatives": sorted(row.alternatives),
            "paid": row.pay is not None,
        }
        if row.pay is not None:
            told |= {"low_fen": row.pay.low, "high_fen": row.pay.high, "form": row.pay.form}
            told["amount_fen"] = row.pay.low if row.pay.low == row.pay.high else "?"
    return table


def quick_rows(asked: Question, exact: bool) -> tuple[PlainRow | Decision, ...]:
    """What the compiled engine decides; nothing where it hands the household over."""
    if not isinstance(asked.household, dict):
        return ()
    engine = on_a_day(Key(asked.program), asked.on)
    if not asked.rulings and not asked.elections:
        found = engine.decide(asked.household, exact)
        return () if found is None else found.rows
    opened = engine.opened(asked.household)
    if opened is None:
        return ()
    index = opened.case.index
    rulings = tuple(replace(one, subject=index[one.subject.path]) for one in asked.rulings)
    elections = tuple(replace(one, subject=index[one.subject.path]) for one in asked.elections)
    opened.rule(rulings, elections)
    decided = opened.decided(exact)
    return () if decided is None else decided.rows


@dataclass(frozen=True, eq=False)
class Key:
    """A program as a key: itself and no other."""

    program: ir.Program

    def __hash__(self) -> int:
        return id(self.program)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other.program is self.program


@cache
def on_a_day(key: Key, on: date) -> Compiled:
    return engine_of(key.program, on)


ENGINES: dict[str, Engine] = {"interpreter": exact, "compiled": fast}


def rows(found: Trace) -> Found:
    """Everything a trace says, keyed by kind, rule and subject."""
    table: Found = {}
    for decision in found.decisions:
        table["measure", decision.measure, decision.subject.path] = decision_row(decision)
    for verdict in found.verdicts:
        key = ("clause", verdict.clause.basis.name.id, verdict.subject.path)
        if table.get(key, {"state": "silent"})["state"] == "silent":
            table[key] = {
                "state": verdict.state,
                "blocked_by": list(verdict.blocked_by),
                "missing": named(verdict.missing),
            }
    for duty in found.duties:
        table.setdefault(("duty", *about(duty)), duty_row(duty))["instances"].append(instance_row(duty))
    for ban in found.prohibitions:
        table["ban", *about(ban)] = held_row(ban)
    for entry in found.records:
        table["record", *about(entry)] = held_row(entry)
    for note in found.notes:
        table["note", *about_note(note)] = {"shown": True}
    return table


def about(one: DutyInstance | Prohibition | Entry) -> tuple[str, str]:
    return one.clause.basis.name.id, one.subject.path


def about_note(note: NoteEntry) -> tuple[str, str]:
    return note.note.basis.name.id, note.subject.path


def named(missing: Iterable[Gap]) -> list[str]:
    """The names of what is missing, each once."""
    return sorted({gap.name for gap in missing})


def three(value: Bounds) -> str:
    return ("yes" if value.lo else "no") if value.known else "unknown"


def plain(value: Value | None) -> Any:
    """A known value, months and dates as text; `"?"` for one that is open, `"无"` for none."""
    if value is None:
        return None
    if not value.known:
        return "?"
    known = value.value
    return "无" if known is None else known if isinstance(known, int) else str(known)


def decision_row(decision: Decision) -> Row:
    payment = decision.payment
    row: Row = {
        "outcome": decision.outcome,
        "outcomes": sorted(decision.outcomes),
        "flags": sorted(decision.flags),
        "clauses": sorted(decision.clauses),
        "missing": named(decision.missing),
        "superseded_by": sorted(decision.superseded_by),
        "alternatives": sorted(decision.alternatives),
        "conflict": sorted(decision.conflict),
        "paid": payment is not None,
    }
    if payment is not None:
        assert isinstance(payment.amount, Bounds)
        row |= {
            "form": payment.rule.form,
            "amount_fen": plain(payment.amount),
            "low_fen": payment.amount.lo,
            "high_fen": payment.amount.hi,
            "parts": {name.id: plain(value) for name, value in payment.parts},
            "first_month": plain(payment.first_month),
            "months": plain(payment.months),
            "total_fen": plain(payment.total),
            "options_fen": [plain(total) for _, total, _ in payment.options],
            "holders": [holder for _, _, holder in payment.options],
        }
    return row


def duty_row(duty: DutyInstance) -> Row:
    return {
        "exists": three(duty.exists),
        "blocked_by": list(duty.blocked_by),
        "instances": [],
    } | instance_row(duty)


def instance_row(duty: DutyInstance) -> Row:
    due = duty.due.isoformat() if duty.due else ""
    return {
        "state": duty.state,
        "due": due,
        "unspecified": duty.due_unspecified,
        "missing": named(duty.missing),
    }


def held_row(one: Prohibition | Entry) -> Row:
    return {"holds": three(one.holds), "missing": named(one.missing)}


#: what a rule comes to that an engine does not mention
ABSENT: dict[str, Row] = {
    "clause": {"state": "silent", "blocked_by": [], "missing": []},
    "duty": {"exists": "no", "instances": [], "blocked_by": []},
    "ban": {"holds": "no", "missing": []},
    "record": {"holds": "no", "missing": []},
    "note": {"shown": False},
}


# ---- the comparison ---------------------------------------------------------------------------------------------


def check(found: Found, case: Case, asked: Question) -> None:
    """Compares what an engine found with what the case wants."""
    if case.expr:
        check_probes(found, case)
        return
    for want in case.want:
        if "rulings_refused" in want:
            assert list(asked.refused) == want["rulings_refused"]
            continue
        told = dict(want)
        kind = next(key for key in ("measure", "clause", "duty", "ban", "record", "note") if key in told)
        name = told.pop(kind)
        row = find_row(found, asked, kind, name, told.pop("subject", None))
        for key, value in told.items():
            assert key in row, f"{kind} {name}: nothing is said of {key!r}, but {row}"
            shown = sorted(value) if isinstance(value, list) and key in SORTED else value
            assert row[key] == shown, f"{kind} {name}: {key} is {row[key]!r}, wanted {shown!r}; all: {row}"


SORTED = {"outcomes", "flags", "clauses", "missing", "superseded_by", "alternatives", "conflict"}


def find_row(found: Found, asked: Question, kind: str, name: str, subject: str | None) -> Row:
    """The row on a rule and a subject; the subject may be left out when it is the household or the first member."""
    rule = asked.program.measures if kind == "measure" else asked.program.clauses
    known = {note.basis.name.id for note in asked.program.notes} if kind == "note" else rule
    assert name in known, f"no {kind} is called {name!r}"
    paths = [record.path for record in asked.records.subjects]
    for path in [subject] if subject else paths[:2]:
        if (kind, name, path) in found:
            return found[kind, name, path]
    assert subject is None or subject in paths, f"nobody is at {subject!r}"
    assert kind in ABSENT, f"{kind} {name} says nothing of {subject or paths[:2]}"
    return ABSENT[kind]


def check_probes(found: Found, case: Case) -> None:
    """Every probe came out as wanted, and what is missing is what the case names."""
    missing: set[str] = set()
    for number, probe in enumerate(asked_of(case)):
        row = found["measure", f"probe_{number}", "household"]
        outcome = {True: "granted", False: "refused", None: "undetermined"}[probe.holds]
        assert row["outcome"] == outcome, (
            f"{probe.condition} is {row['outcome']}, wanted {outcome}: {row['missing']}"
        )
        missing |= set(row["missing"])
    assert sorted(missing) == sorted(case.want[0].get("unknown", []))


def check_claims(case: Case, states: Mapping[str, set[str]]) -> None:
    """A clause that the case claims to show fired, not met, silent, unknown or overridden has such a verdict."""
    for cover in case.covers:
        clause, _, situation = cover.removeprefix("clause:").partition("/")
        if cover.startswith("clause:") and situation in STATES:
            assert states[clause] & STATES[situation], f"{cover}: {states[clause]}"


def clause_states(program: ir.Program, found: Found) -> dict[str, set[str]]:
    """The verdicts of each clause, over all subjects; a clause that is not in force says nothing."""
    states: dict[str, set[str]] = {name: set() for name in program.clauses}
    for (kind, name, _), row in found.items():
        if kind == "clause":
            states[name].add(row["state"])
    return {name: said or {"silent"} for name, said in states.items()}


def wider(outer: Found, inner: Found) -> Iterator[str]:
    """Where the first answer does not contain the second."""
    for key, row in inner.items():
        other = outer.get(key, {})
        if key[0] == "measure":
            if not set(row["outcomes"]) <= set(other["outcomes"]):
                yield f"{key}: {row['outcomes']} not among {other['outcomes']}"
            if not set(row["missing"]) <= set(other["missing"]):
                yield f"{key}: {row['missing']} not among {other['missing']}"
            if row["paid"] and not row["conflict"] and not other["paid"]:
                yield f"{key}: an amount in one only"
            elif (
                row["paid"]
                and other["paid"]
                and not other["low_fen"] <= row["low_fen"] <= row["high_fen"] <= other["high_fen"]
            ):
                yield f"{key}: {row['low_fen']}–{row['high_fen']} outside {other['low_fen']}–{other['high_fen']}"


# ---- tests ------------------------------------------------------------------------------------------------------


ALL = cases()
GOOD = [case for case in ALL if not any("error" in want for want in case.want)]
BAD = [case for case in ALL if any("error" in want for want in case.want)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", GOOD, ids=str)
def test_case(case: Case, engine: str) -> None:
    """Each engine gives what the case wants, and the first level alone leaves all of that possible."""
    asked = question(case)
    found, outer = ENGINES[engine](asked), bounds(asked)
    check(found, case, asked)
    assert list(wider(outer, found)) == []
    check_claims(case, clause_states(asked.program, outer))


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_the_first_level_of_the_compiled_engine(case: Case) -> None:
    """It says what the first level of the interpreter says, no more and no less."""
    asked = question(case)
    assert quick(asked, exact=False) == bounds(asked)


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_columnar_says_what_the_bounds_say(case: Case) -> None:
    """Cell for cell, and nothing is handed over; rulings and elections are not put to it."""
    asked, counts = question(case), Counter[str]()
    if not asked.rulings and not asked.elections:
        assert list(test_columnar.differences(asked.program, [asked.records], asked.on, counts)) == []
        assert not counts["handed over"]


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_input(case: Case) -> None:
    """Rules or a household that mean nothing are refused, by name."""
    try:
        question(case)
    except PolicyError as error:
        codes = {d.code for d in error.diagnostics if d.severity == "error"}
    except Contradiction:
        codes = {"R003"}
    else:
        codes = set()
    assert codes == {want["error"] for want in case.want}


def test_names_are_words() -> None:
    """Every case has a name of its own, in words."""
    names = [str(case) for case in ALL]
    assert sorted(set(names)) == sorted(names)
    assert [n for n in names if n.rsplit(": ", 1)[-1][:1].isdigit()] == []


# ---- what the cases cover -----------------------------------------------------------------------------------------


def covered() -> dict[tuple[str, str], list[Case]]:
    """Each (operation or clause, situation) with the cases that show it."""
    found: dict[tuple[str, str], list[Case]] = {}
    for case in ALL:
        for cover in case.covers:
            about, _, situation = cover.partition("/")
            assert situation, f"{case}: {cover!r} names no situation"
            found.setdefault((about, situation), []).append(case)
    return found


def test_enough_situations() -> None:
    """The exam is large enough, counted by distinct (operation or clause, situation)."""
    counted = [about for about, _ in covered() if about in OPS or about.startswith("clause:")]
    assert len(counted) >= ENOUGH


def test_covers_name_what_exists() -> None:
    """What a case covers is an operation, a clause of the bundled policies, or another construct of the language."""
    clauses = {f"clause:{name}" for name in loader.load_bundled().program.clauses}
    assert {about for about, _ in covered()} - OPS.keys() - clauses - CONSTRUCTS == set()


def test_every_threshold_is_shown() -> None:
    """Every clause that turns on a figure or a day is shown one step below, at, and one step above it."""
    shown = {"/".join(key) for key in covered()}
    wanted = [f"clause:{name}/fen-{step}" for name in FIGURES for step in STEPS]
    wanted += [f"clause:{name}/day-{step}" for name in DAYS for step in STEPS]
    assert [cell for cell in wanted if cell not in shown] == []


def operations_in(program: ir.Program, exprs: Iterable[ir.Expr | None]) -> set[str]:
    """The operations that some expressions use, those of the terms they name included."""
    found: set[str] = set()
    todo, seen = [expr for expr in exprs if expr is not None], set[str]()
    while todo:
        expr = todo.pop()
        if isinstance(expr, ir.Apply | ir.Fold):
            found.add(expr.op)
        if isinstance(expr, ir.Ref) and expr.name not in seen:
            seen.add(expr.name)
            todo += [version.body for version in program.defines[expr.name].versions]
        todo += ir.children(expr)
    return found


def conditions(program: ir.Program, case: Case) -> Iterator[ir.Expr | None]:
    """The expressions a case is about: those of its probes, or all of its program's."""
    for name, versions in program.clauses.items():
        if case.expr and not name.startswith("asked_"):
            continue
        for clause in versions:
            yield from (clause.scope, clause.test, clause.as_of)
            match clause.effect:
                case ir.Grant(amount=ir.Amount(total=total, start=start, months=months)):
                    yield from (total, start, months)
                case ir.Duty(done=done, due=due, every=every):
                    yield from (done, due, every)
    if not case.expr:
        yield from (e for amount in program.amounts for e in (amount.total, amount.start, amount.months))
        yield from (note.test for note in program.notes)
        yield from (s.value for parameter in program.parameters.values() for s in parameter.settings)


@pytest.mark.parametrize("file", documents())
def test_covered_operations_stand_in_their_cases(file: str) -> None:
    """A case that claims an operation uses it."""
    for case in GOOD:
        claimed = {cover.partition("/")[0] for cover in case.covers} & OPS.keys()
        if case.file == file and claimed:
            program = program_of(case)
            assert claimed <= operations_in(program, conditions(program, case)), str(case)
