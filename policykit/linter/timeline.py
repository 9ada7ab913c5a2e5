"""The time line of each measure: what it rests on, from when to when, and where something is missing. W012, W013.

A measure rests on the clauses that grant it, on the amount rule, on the terms they refer to and the texts they cite.
Between two dates at which one of these begins or ends nothing changes: that is a stretch. Two amount rules for one
measure on one day are an error already (C003), so a time line never shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, groupby

from policykit import ir
from policykit.diagnostics import Language
from policykit.linter.findings import Lint, amount_parts
from policykit.reach import reached
from policykit.source import columns, padded
from policykit.syntax import Period

_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """Days on which a clause can grant, and a term it needs has no version."""

    clause: ir.Clause
    period: Period
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A rule that goes on after a text it cites has ended, with no text cited that took its place."""

    basis: ir.Basis
    cite: ir.Citation
    last: date


@dataclass(frozen=True, slots=True)
class Track:
    """One row: a thing that is in force in some stretches and, where it is needed and is not, missing in others."""

    kind: str
    name: ir.Name
    in_force: tuple[bool, ...]
    missing: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A measure for the records of one entity: its stretches, its tracks, and what is wrong."""

    measure: ir.Name
    entity: ir.Name
    stretches: tuple[Period, ...]
    tracks: tuple[Track, ...]
    gaps: tuple[Gap, ...]
    ended: tuple[Ended, ...]


def dates(lint: Lint) -> None:
    """Reports the gaps of every clause that grants, and what goes on after its text has ended."""
    for c in lint.clauses:
        for gap in gaps(lint.program, c):
            language = lint.modules[c.basis.span.file].language
            when, needs = spoken(gap.period, language), listed(lint.program, gap.needs, language)
            about = (("name", c.basis.name.zh), ("period", when), ("needs", needs))
            lint.report("W012", c.basis.span, *about)
    for rule in lint.rules():
        for end in ended(lint.program, rule.basis, rule.period):
            name, text = end.basis.name.zh, lint.program.texts[end.cite.text].name.zh
            lint.report("W013", end.cite.span, ("name", name), ("source", text), ("end", str(end.last)))


def gaps(program: ir.Program, c: ir.Clause) -> Iterator[Gap]:
    """The stretches in which a clause can grant and a term that it needs has no version."""
    if not isinstance(c.effect, ir.Grant):
        return
    days = Period(c.period.start, None) if c.as_of else c.period
    rules = [a for a in program.amounts if (a.measure, a.entity) == (c.effect.measure, c.entity)]
    every: list[ir.Expr | None] = [c.scope, c.test, *chain.from_iterable(amount_parts(a) for a in rules)]
    every += amount_parts(c.effect.amount) if c.effect.amount else []
    versions = chain.from_iterable(reached(program, every).defines.values())
    found: list[tuple[Period, tuple[str, ...]]] = []
    for stretch in stretches(days, [*(v.period for v in versions), *(a.period for a in rules)]):
        day = stretch.start or stretch.end or date.max
        amount = c.effect.amount or program.amount_rule(c.effect.measure, c.entity, day)
        needed = [c.scope, c.test, *(amount_parts(amount) if amount else ())]
        absent = [name for name in reached(program, needed, day).absent if _since(program, name, c) <= day]
        found.append((stretch, tuple(absent)))
    for needs, same in groupby(found, key=lambda one: one[1]):
        spans = [period for period, _ in same]
        if needs:
            yield Gap(c, Period(spans[0].start, spans[-1].end), needs)


def _since(program: ir.Program, name: str, c: ir.Clause) -> date:
    """From when on a term is asked for: a clause without a beginning is as old as what it needs."""
    starts = [version.period.start or date.min for version in program.defines[name].versions]
    return min(starts) if c.period.start is None else date.min


def ended(program: ir.Program, basis: ir.Basis, period: Period) -> Iterator[Ended]:
    """The first citation of each text that ends before the rule does, unless the text that follows is cited too."""
    firsts = {cite.text: cite for cite in reversed(basis.cites)}
    for cite in sorted(firsts.values(), key=basis.cites.index):
        last = program.texts[cite.text].period.end
        if last is None or (period.end is not None and period.end <= last):
            continue
        if last + timedelta(days=1) not in (program.texts[text].period.start for text in firsts):
            yield Ended(basis, cite, last)


def stretches(within: Period, periods: Iterable[Period]) -> list[Period]:
    """The stretches of a period in which nothing begins or ends."""
    starts = {p.start for p in periods if p.start} | {p.end + timedelta(days=1) for p in periods if p.end}
    inside = sorted(day for day in starts if within.holds(day) and day != within.start)
    begins = [within.start, *inside]
    ends = [*(day - timedelta(days=1) for day in inside), within.end]
    return [Period(begin, end) for begin, end in zip(begins, ends, strict=True)]


# ---- the chart ------------------------------------------------------------------------------------------------------


def timelines(program: ir.Program) -> list[Timeline]:
    """The time line of every measure that some clause grants."""
    found = []
    for ident, measure in program.measures.items():
        for entity in measure.entities:
            granting = [
                c
                for c in chain.from_iterable(program.clauses.values())
                if isinstance(c.effect, ir.Grant) and (c.effect.measure, c.entity) == (ident, entity)
            ]
            if granting:
                amounts = [a for a in program.amounts if (a.measure, a.entity) == (ident, entity)]
                found.append(_timeline(program, measure.name, entity, granting, amounts))
    return found


def _timeline(
    program: ir.Program,
    measure: ir.Name,
    entity: str,
    granting: Sequence[ir.Clause],
    amounts: Sequence[ir.Amount],
) -> Timeline:
    exprs: list[ir.Expr | None] = [e for c in granting for e in (c.scope, c.test)]
    exprs += chain.from_iterable(amount_parts(a) for a in amounts)
    exprs += [
        e
        for c in granting
        if isinstance(c.effect, ir.Grant) and c.effect.amount
        for e in amount_parts(c.effect.amount)
    ]
    reach = reached(program, exprs)
    bases = [*(c.basis for c in granting), *(a.basis for a in amounts)]
    cited = dict.fromkeys(cite.text for basis in bases for cite in basis.cites)
    rows: list[tuple[str, ir.Name, list[Period]]] = []
    for name in dict.fromkeys(c.basis.name for c in granting):
        rows.append(("clause", name, [c.period for c in granting if c.basis.name == name]))
    for name in dict.fromkeys(a.basis.name for a in amounts):
        rows.append(("amount", name, [a.period for a in amounts if a.basis.name == name]))
    for ident, versions in reach.defines.items():
        rows.append(("define", program.defines[ident].name, [version.period for version in versions]))
    for text in cited:
        rows.append(("source", program.texts[text].name, [program.texts[text].period]))
    always = Period(None, None)
    rows = [row for row in rows if row[0] == "clause" or row[2] != [always]]
    parts = stretches(always, [period for *_, periods in rows for period in periods])
    if len(parts) > 1:
        parts = parts[1:]  # before anything begins
    all_gaps = [gap for c in granting for gap in gaps(program, c)]
    ends = [*((c.basis, c.period) for c in granting), *((a.basis, a.period) for a in amounts)]
    all_ended = [end for basis, period in ends for end in ended(program, basis, period)]
    lacking = [(program.defines[name].name, gap.period) for gap in all_gaps for name in gap.needs]
    lacking += [
        (program.texts[end.cite.text].name, Period(end.last + timedelta(days=1), None)) for end in all_ended
    ]
    tracks = [
        Track(
            kind,
            name,
            tuple(any(p.holds(_first(part)) for p in periods) for part in parts),
            tuple(any(name == one and p.holds(_first(part)) for one, p in lacking) for part in parts),
        )
        for kind, name, periods in rows
    ]
    return Timeline(
        measure,
        program.entities[entity].name,
        tuple(parts),
        tuple(tracks),
        tuple(all_gaps),
        tuple(all_ended),
    )


def _first(period: Period) -> date:
    return period.start or date.min


def chart(program: ir.Program, language: Language) -> str:
    """Every time line as a table in words: a column for each stretch, a row for each thing, then what is wrong."""
    return "\n\n".join(_chart(program, line, language) for line in timelines(program))


_WORDS: dict[str, tuple[str, str]] = {
    "clause": ("条款", "clause"), "amount": ("金额", "amount"), "define": ("定义", "define"), "source": ("文本", "source"),
    "yes": ("有效", "in force"), "no": ("-", "-"), "missing": ("缺", "missing"),
}  # fmt: skip


def _chart(program: ir.Program, line: Timeline, language: Language) -> str:
    word = {key: pair[language == "en"] for key, pair in _WORDS.items()}
    head = [spoken(Period(part.start, None), language) if part.start else "" for part in line.stretches]
    table = [["", *head]]
    for track in line.tracks:
        cells = zip(track.in_force, track.missing, strict=True)
        shown = [word["yes"] if here else word["missing" if lacks else "no"] for here, lacks in cells]
        table.append([f"{word[track.kind]} {track.name.label(language)}", *shown])
    widths = [max(map(columns, column)) for column in zip(*table, strict=True)]
    rows = ["  " + "  ".join(map(padded, row, widths)).rstrip() for row in table]
    title = f"{line.measure.label(language)} · {line.entity.label(language)}"
    return "\n".join([title, *rows, *_findings(program, line, language)])


def _findings(program: ir.Program, line: Timeline, language: Language) -> Iterator[str]:
    zh = language == "zh"
    for gap in line.gaps:
        name, needs = gap.clause.basis.name.label(language), listed(program, gap.needs, language)
        when = spoken(gap.period, language)
        yield (
            f"  缺：{name} {when} 有效，{needs} 没有版本"
            if zh
            else f"  gap: {name} {when}: no version of {needs}"
        )
    for end in line.ended:
        name, text = end.basis.name.label(language), program.texts[end.cite.text].name.label(language)
        yield (
            f"  文本已终止：{name} 依据《{text}》，该文本止于 {end.last}"
            if zh
            else f"  text ended: {name} rests on {text}, which ended on {end.last}"
        )
    if not line.gaps and not line.ended:
        yield "  没有缺口" if zh else "  no gaps"


def spoken(period: Period, language: Language) -> str:
    """A period in words: 2021-07-01 起, from 2021-07-01 on."""
    zh = language == "zh"
    if period.start and period.end:
        return f"{period.start} 至 {period.end}" if zh else f"from {period.start} to {period.end}"
    if period.start:
        return f"{period.start} 起" if zh else f"from {period.start} on"
    if period.end:
        return f"至 {period.end}" if zh else f"until {period.end}"
    return "一直" if zh else "always"


def listed(program: ir.Program, needs: Sequence[str], language: Language) -> str:
    """The names of some terms, cut short."""
    names = [program.defines[name].name.label(language) for name in needs]
    shown = ("、" if language == "zh" else ", ").join(names[:_MOST_NAMED])
    more = f" 等 {len(names)} 项" if language == "zh" else f" and {len(names) - _MOST_NAMED} more"
    return shown + (more if len(names) > _MOST_NAMED else "")
