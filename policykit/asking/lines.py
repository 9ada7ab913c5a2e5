"""Who stands close to a line: households whose income, or another sum of money, lies within a margin of a threshold.

For the officer who looks for potential recipients (潜在救助对象). It is a list of candidates and never a decision: what
each measure comes to is said beside it, as `evaluate` says it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from policykit import ir
from policykit.datafiles import load_file
from policykit.diagnostics import Language
from policykit.engine.interpreter import Interpreter
from policykit.engine.terms import subject
from policykit.explain.phrases import Phrases
from policykit.facts import Instance
from policykit.loader import Policies, load_bundled
from policykit.result import Result, evaluate
from policykit.trace import Step
from policykit.values import Bounds, Number, Value, both, either, negate, round_half_up

COMPARISONS = ("lt", "le", "gt", "ge")
_MARGIN = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,2})?)\s*(元|元/月|yuan|yuan/month)?\s*")


@dataclass(frozen=True, slots=True)
class NearLine:
    """One threshold of one measure that a subject stands close to.

    `household` and `person` are what they are called (`person` is empty for the household itself); `value` and `line`
    are in fen by `unit`, `distance` in fen by the month where the unit has a time, else once; `met` says on which side
    the subject stands; `outcome` is what the measure comes to.
    """

    source: str
    household: str
    person: str
    subject: str
    measure: str
    label: str
    clauses: tuple[str, ...]
    condition: str
    unit: str
    value: Number
    line: Number
    distance: Number
    met: bool
    outcome: str


def margin_of(text: str | int) -> int:
    """A margin in yuan (50, 50元, 12.34 yuan) in fen; raises `ValueError` for anything else."""
    found = _MARGIN.fullmatch(str(text))
    if found is None:
        raise ValueError(f"a margin is written 50元 or 50 yuan, not {text}")
    return int(Fraction(found[1]) * 100)


def near_line(
    households: Iterable[Mapping[str, Any] | str | Path] | Mapping[str, Any] | str | Path,
    margin: str | int,
    policies: Policies | None = None,
    *,
    on: date,
    parameters: str | Path | None = None,
    language: Language = "zh",
    mask: bool = False,
) -> tuple[NearLine, ...]:
    """The thresholds that households stand within a margin of, in the order of the households, the closest first.

    A household is a mapping, or a JSON or YAML file with one or a list of them; one alone will do. A comparison of money counts where it
    stands in the test of a granting clause whose scope is known to hold, and the test would come out otherwise if it
    did. The margin is in yuan a month (50元), or once for sums without a time; of a yearly sum the twelfth counts; a
    sum by head is taken by head. Raises `PolicyError` for bad input, `ValueError` for a margin that is none.
    """
    chosen = policies or load_bundled()
    if parameters is not None:
        chosen = chosen.with_parameters(parameters)
    fen, found = margin_of(margin), list[NearLine]()
    many = [households] if isinstance(households, Mapping | str | Path) else households
    for source, household in _each(many, language):
        result = evaluate(household, chosen, on=on, language=language)
        found += lines_of(result, fen, source, language, mask)
    return tuple(found)


def _each(
    households: Iterable[Mapping[str, Any] | str | Path], language: Language
) -> Iterator[tuple[str, Any]]:
    for number, one in enumerate(households, start=1):
        if isinstance(one, Mapping):
            yield str(number), one
            continue
        read = load_file(Path(one), language)
        if isinstance(read, list):
            yield from ((f"{Path(one).name}[{n}]", inner) for n, inner in enumerate(read))
        else:
            yield Path(one).name, read


def lines_of(
    result: Result, fen: int, source: str = "", language: Language = "zh", mask: bool = False
) -> list[NearLine]:
    """The thresholds that one household stands within a margin of, the closest first."""
    trace = result.trace
    engine = Interpreter(trace.program, trace.case, trace.on, trace.rulings, result.elections)
    words = Phrases(trace.program, language, mask, trace.case)
    root = trace.case.root
    rows: dict[tuple[Any, ...], NearLine] = {}
    for decision in trace.decisions:
        record = decision.subject
        person = "" if record is root else words.short(record)
        measure = trace.program.measures[decision.measure].name
        for status in engine.first.granting(decision.measure, record):
            if not status.scope.lo or status.clause.test is None:
                continue
            test = engine.terms.step(status.clause.test, subject(record))
            for one in _deciding(test, record):
                value, line = (inner.value.value for inner in one.step.inside)
                distance = abs(value - line) * _monthly(one.comparison)
                if distance > fen:
                    continue
                key = (decision.measure, record.path, id(one.comparison), one.record)
                name = status.clause.basis.name.id
                before = rows[key].clauses if key in rows else ()
                rows[key] = NearLine(
                    source, words.short(root), person, record.path, measure.id, words.label(measure),
                    (*before, name), words.condition(one.comparison),
                    words.unit(one.comparison.args[0].type), value, line, distance, _met(one, test, record),
                    decision.outcome,
                )  # fmt: skip
    return sorted(rows.values(), key=lambda row: row.distance)


def _monthly(comparison: ir.Apply) -> Fraction:
    return Fraction(1, 12) if ("年", -1) in comparison.args[0].type.dimension else Fraction(1)


# ---- which comparisons decide a test --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Compared:
    """A comparison of two known sums of money, and the record that it is made for."""

    step: Step
    record: Instance | None

    @property
    def comparison(self) -> ir.Apply:
        assert isinstance(self.step.expr, ir.Apply)
        return self.step.expr


def _deciding(test: Step, record: Instance) -> Iterator[_Compared]:
    """The comparisons of money that a test turns on as it stands."""
    for one in _comparisons(test, record):
        if _turned(test, record, one) != _without_gaps(test.value):
            yield one


def _comparisons(step: Step, record: Instance | None) -> Iterator[_Compared]:
    expr = step.expr
    if (
        isinstance(expr, ir.Apply)
        and expr.op in COMPARISONS
        and expr.args[0].type.money
        and len(step.inside) == 2
    ):
        plain = [
            inner.value.lo for inner in step.inside if inner.value.known and isinstance(inner.value, Bounds)
        ]
        if len(plain) == 2 and None not in plain:
            yield _Compared(step, record)
    for inner in step.inside:
        yield from _comparisons(inner, _owner(step, inner, record))


def _owner(step: Step, inner: Step, record: Instance | None) -> Instance | None:
    """The record that an inner step is about: a defined term is of its own, an element is itself."""
    if inner.element is not None:
        return inner.element
    return step.record if isinstance(step.expr, ir.Ref) else record


def _turned(step: Step, record: Instance | None, other: _Compared) -> Bounds:
    """What a condition comes to when one comparison comes out the other way."""
    if step.expr is other.comparison and record is other.record:
        return negate(_without_gaps(step.value))
    inside = [
        _turned(inner, _owner(step, inner, record), other)
        for inner in step.inside
        if isinstance(inner.value, Bounds)
    ]
    match step.expr:
        case ir.Apply(op="and"):
            return both(inside)
        case ir.Apply(op="or"):
            return either(inside)
        case ir.Apply(op="not"):
            return negate(inside[0])
        case ir.Ref(type=of) if of.kind == "bool" and inside:
            return inside[0]
        case ir.If(type=of) if of.kind == "bool" and inside[0].known:
            return inside[1] if inside[0].lo else inside[2]
        case ir.Fold(op="any", take=None):
            return either(_elements(step, other))
        case ir.Fold(op="all", take=None):
            return both(_elements(step, other))
    return _without_gaps(step.value)


def _elements(step: Step, other: _Compared) -> Iterator[Bounds]:
    """The elements of 任一 and 全部: by their condition where it turns, else as they stand."""
    for one in step.inside:
        plain = _without_gaps(one.value)
        after = [_turned(inner, one.element, other) for inner in one.inside]
        before = [_without_gaps(inner.value) for inner in one.inside]
        yield after[0] if after != before else plain


def _met(one: _Compared, test: Step, record: Instance) -> bool:
    """Whether the subject stands on the side of the line that the test asks for."""
    turned, now = _turned(test, record, one), _without_gaps(test.value)
    return (now.lo, now.hi) > (turned.lo, turned.hi)


def _without_gaps(value: Value) -> Bounds:
    return Bounds(value.lo, value.hi) if isinstance(value, Bounds) else Bounds(False, True)


# ---- written out ------------------------------------------------------------------------------------------------------------

HEADS: tuple[tuple[str, str, str], ...] = (
    ("source", "来源", "Source"), ("household", "户", "Household"), ("person", "人", "Person"),
    ("label", "待遇", "Measure"), ("outcome", "现在的结果", "Outcome now"), ("clauses", "条款", "Clauses"),
    ("condition", "界线", "Line"), ("unit", "单位", "Unit"), ("value", "数额", "Value"), ("line", "标准", "Threshold"),
    ("distance", "每月相差（元）", "Distance (yuan a month)"), ("met", "是否达到", "Met"), ("remark", "说明", "Remark"),
)  # fmt: skip
OUTCOMES = {option.name.id: option.name for option in ir.OUTCOME.options}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would take such a text for a formula


def remark(policies: Policies, language: Language) -> str:
    """What stands beside every row: that it decides nothing, and whether figures are invented."""
    zh = language == "zh"
    said = "候选名单，不是决定" if zh else "A candidate, not a decision"
    if any(sheet.example for sheet in policies.program.sheets):
        said += "；示例参数：数额是编造的" if zh else "; example parameters: the figures are invented"
    return said


def rows(
    found: Iterable[NearLine], policies: Policies, language: Language
) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the list as a person reads it: sums in yuan."""
    zh = language == "zh"
    table = [[_shown(one, key, policies, language) for key, _, _ in HEADS] for one in found]
    return [head_zh if zh else head_en for _, head_zh, head_en in HEADS], table


def _shown(one: NearLine, key: str, policies: Policies, language: Language) -> str:
    zh = language == "zh"
    match key:
        case "remark":
            return remark(policies, language)
        case "clauses":
            names = (policies.program.clauses[name][0].basis.name.label(language) for name in one.clauses)
            return ("、" if zh else ", ").join(names)
        case "outcome" if one.outcome in OUTCOMES:
            return OUTCOMES[one.outcome].label(language)
        case "outcome":
            return "待定" if zh else "undetermined"
        case "met":
            return ("达到" if one.met else "没有达到") if zh else ("yes" if one.met else "no")
        case "value" | "line" | "distance":
            return yuan(getattr(one, key))
    return str(getattr(one, key))


def yuan(fen: Number) -> str:
    """A sum in yuan, with two decimals, or four where it is no whole number of fen."""
    whole = Fraction(fen).denominator == 1
    size = abs(int(fen)) if whole else abs(round_half_up(Fraction(fen) * 100, 1))
    sign = "-" if fen < 0 and size else ""
    return f"{sign}{size // 100}.{size % 100:02d}" if whole else f"{sign}{size // 10_000}.{size % 10_000:04d}"


def to_csv(found: Iterable[NearLine], policies: Policies, language: Language) -> str:
    """The list for a spreadsheet: begins with the mark by which Excel and WPS know UTF-8."""
    out = io.StringIO()
    head, table = rows(found, policies, language)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    for row in table:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row])
    return "\ufeff" + out.getvalue()


def to_text(found: Iterable[NearLine], policies: Policies, language: Language) -> str:
    """The list as lines of text, under a line that says what it is."""
    zh, listed = language == "zh", list(found)
    lines = [remark(policies, language)]
    for one in listed:
        who = one.person or ("全户" if zh else "the household")
        clauses = _shown(one, "clauses", policies, language)
        outcome, met = (_shown(one, key, policies, language) for key in ("outcome", "met"))
        value, line, distance = (yuan(n) for n in (one.value, one.line, one.distance))
        if zh:
            lines.append(f"{one.source} {one.household} · {who} · {one.label}（现在：{outcome}）：{one.condition}，"
                         f"{value} 比 {line} {one.unit}，每月相差 {distance} 元，{met}（{clauses}）")  # fmt: skip
        else:
            lines.append(f"{one.source} {one.household} · {who} · {one.label} (now: {outcome}): {one.condition}; "
                         f"{value} against {line} {one.unit}, {distance} yuan a month apart, met: {met} ({clauses})")  # fmt: skip
    count = len(listed)
    lines.append(f"共 {count} 处在界线附近" if zh else f"{count} close to a line")
    return "\n".join(lines)


def to_data(found: Iterable[NearLine], policies: Policies, language: Language) -> dict[str, Any]:
    """The list as plain data: sums in fen, exact quotients as text."""
    plain = [
        {key: _datum(getattr(one, key)) for key in NearLine.__slots__}  # in the order they are declared
        for one in found
    ]
    return {"remark": remark(policies, language), "lines": plain}


def _datum(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else str(value)
    return value
