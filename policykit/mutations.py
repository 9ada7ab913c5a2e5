"""Mutations: the rules with one operator, bound, modality, scope or priority changed.

They are made on the typed program, so nothing is read again, and of names alone, so that one mutant fits the program
of every parameter sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Literal, TypeAlias, TypeVar

from policykit import ir
from policykit.datatypes import BOOL, Type
from policykit.diagnostics import Language
from policykit.ops import OPS
from policykit.source import NOWHERE, Span
from policykit.syntax import Period
from policykit.unseen import Days, decide_alike, idle
from policykit.values import FALSE, Bounds, Month, Subset, exactly, plus_days, simple

MOST_QUOTED = 80  # characters of a rule, in one sentence

Kind: TypeAlias = Literal["operator", "bound", "modality", "scope", "priority"]
Words: TypeAlias = tuple[str, str]
Section: TypeAlias = Literal["clauses", "defines", "blockers"]
Read: TypeAlias = tuple[Section, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """What one mutation does: its kind, a short tag for its identifier, and a sentence in both languages."""

    kind: Kind
    tag: str
    said: Words


@dataclass(frozen=True, slots=True, eq=False)
class Mutant:
    """One changed program. `parts` are the fields of the program it replaces: a whole tuple, or entries of a mapping.

    Only an answer that read one of `reads` can change with it. `rule` is the clause or term it is listed under.
    """

    id: str
    change: Change
    rule: ir.Name
    span: Span
    parts: Mapping[str, Any]
    reads: frozenset[Read]

    def of(self, program: ir.Program) -> ir.Program:
        """The program, perhaps with a sheet of its own, with this one change."""
        for field, new in self.parts.items():
            whole = {**getattr(program, field), **new} if isinstance(new, dict) else new
            program = _set(program, field, whole)
        return program

    def sentence(self, language: Language) -> str:
        return self.change.said[0 if language == "zh" else 1]


# ---- changing an expression --------------------------------------------------------------------------------------------

_OPERATORS: dict[str, tuple[str, Words]] = {
    "lt": ("le", ("小于", "less than")), "le": ("lt", ("不大于", "at most")),
    "gt": ("ge", ("大于", "more than")), "ge": ("gt", ("不小于", "at least")),
    "eq": ("ne", ("等于", "equal to")), "ne": ("eq", ("不等于", "not equal to")),
    "and": ("or", ("并且", "and")), "or": ("and", ("或者", "or")),
    "has": ("has_not", ("有", "has")), "has_not": ("has", ("没有", "has no")),
    "add": ("subtract", ("加", "plus")), "subtract": ("add", ("减", "minus")),
    "max_of": ("min_of", ("较大", "the greater")), "min_of": ("max_of", ("较小", "the smaller")),
    "add_months": ("subtract_months", ("往后推月", "months later")),
    "subtract_months": ("add_months", ("往前推月", "months earlier")),
    "add_months_to_date": ("subtract_months_from_date", ("往后推月", "months later")),
    "subtract_months_from_date": ("add_months_to_date", ("往前推月", "months earlier")),
    "add_days": ("subtract_days", ("往后推天", "days later")),
    "subtract_days": ("add_days", ("往前推天", "days earlier")),
    "any": ("all", ("任一", "any")), "all": ("any", ("全部", "all")),
    "least": ("greatest", ("最小", "the least")), "greatest": ("least", ("最大", "the greatest")),
    "earliest": ("latest", ("最早", "the earliest")), "latest": ("earliest", ("最近", "the latest")),
}  # fmt: skip


def _set(owner: T, field: str, value: Any) -> T:
    """The same thing with one field changed."""
    changed: T = replace(owner, **{field: value})  # type: ignore[type-var]
    return changed


def _to(kind: Kind, before: Words, after: Words) -> Change:
    return Change(
        kind,
        f"{before[0]}→{after[0]}",
        (f"「{before[0]}」改成「{after[0]}」", f"“{before[1]}” becomes “{after[1]}”"),
    )


def _without(kind: Kind, what: Words, said: Words | None = None) -> Change:
    zh, en = said or (f"「{what[0]}」", f"“{what[1]}”")
    return Change(kind, f"去掉{what[0]}", (f"去掉{zh}", f"{en} is left out"))


def _variants(program: ir.Program, expr: ir.Expr) -> Iterator[tuple[Change, ir.Expr]]:
    """The changes of one expression itself; those of the expressions inside it are their own."""
    match expr:
        case ir.Apply(op="not", args=(inside,)):
            yield _without("operator", ("并非", "not")), inside
        case ir.Apply(op="among", args=(of, ir.Const(value=Subset(must=labels)) as listed)):
            for change, other in _label_sets(program.choices.get(of.type.of, ir.OUTCOME), labels):
                yield change, _applied(expr, (of, replace(listed, value=Subset(other, other))))
        case ir.Apply(op=op) | ir.Fold(op=op) if op in _OPERATORS:
            other_op, words = _OPERATORS[op]
            changed: ir.Expr = replace(expr, op=other_op)
            if isinstance(changed, ir.Apply):
                changed = _applied(changed, changed.args)
            yield _to("operator", words, _OPERATORS[other_op][1]), changed
        case ir.If(then=then, otherwise=otherwise):
            said = ("「则」和「否则」对调", "“then” and “otherwise” change places")
            yield Change("operator", "对调两支", said), replace(expr, then=otherwise, otherwise=then)
        case ir.Const(value=Bounds(lo=value) as bounds) if bounds.known and value is not None:
            before = _figure(value, expr.type)
            for near in _nearest(value):
                after = _figure(near, expr.type)
                yield _to("bound", (before, before), (after, after)), replace(expr, value=exactly(near))


def _nearest(value: Any) -> list[Any]:
    """The values next to a constant: a fen, a person, a month, a day, a hundredth less and more; yes for no."""
    match value:
        case bool():
            return [not value]
        case Month():
            return [value.plus(-1), value.plus(1)]
        case date():
            return [plus_days(value, -1), plus_days(value, 1)]
        case int():
            return [value - 1, value + 1]
    return [simple(value - Fraction(1, 100)), simple(value + Fraction(1, 100))]


def _figure(value: Any, of: Type) -> str:
    """A constant as a person writes it: money in yuan, a fraction in hundredths."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if of.money:
        return f"{float(Fraction(value) / 100):.2f}"
    return f"{float(value * 100):g}%" if isinstance(value, Fraction) else str(value)


def _label_sets(choice: ir.Choice, labels: frozenset[str]) -> Iterator[tuple[Change, frozenset[str]]]:
    """A set of labels with one label less; one end of an order (二级以上) also goes a grade further."""
    names = [option.name for option in choice.options]
    for name in names:
        if name.id in labels and len(labels) > 1:
            yield _without("bound", (name.zh, name.label("en"))), labels - {name.id}
    if choice.heaviest_first is None:
        return
    for at_least in (True, False):
        for name in names:
            further = choice.graded(name.id, at_least)
            if further - labels == {name.id} and labels == further - {name.id}:
                said = (f"添上「{name.zh}」", f"“{name.label('en')}” is added")
                yield Change("bound", f"添上{name.zh}", said), further


def _applied(expr: ir.Apply, args: tuple[ir.Expr, ...]) -> ir.Apply:
    """An operation on other operands; a comparison is told from others by its shape, which follows the operands."""
    changed = replace(expr, args=args)
    return replace(changed, shape=ir.shape(changed)) if OPS[expr.op].splits else changed


def _with(expr: ir.Expr, at: int, new: Any) -> ir.Expr:
    """The expression with another one in place of one of its `children`."""
    match expr:
        case ir.Fact() | ir.Up() | ir.Verdict() | ir.Ref():
            return replace(expr, subject=new)
        case ir.Param(subject=subject, keys=keys):
            if subject is not None and at == 0:
                return replace(expr, subject=new)
            at -= subject is not None
            return replace(expr, keys=(*keys[:at], new, *keys[at + 1 :]))
        case ir.Apply(args=args):
            return _applied(expr, (*args[:at], new, *args[at + 1 :]))
        case ir.If():
            return _set(expr, ("condition", "then", "otherwise")[at], new)
        case ir.Fold(domain=domain):
            fields = ["subject"] if isinstance(domain, ir.Items) else ["first", "last"]
            if at < len(fields):
                return replace(expr, domain=_set(domain, fields[at], new))
            outside = [name for name in ("where", "take") if getattr(expr, name) is not None]
            return _set(expr, outside[at - len(fields)], new)
    raise AssertionError(expr)


def expressions(program: ir.Program, expr: ir.Expr) -> Iterator[tuple[int, Change, Span, ir.Expr]]:
    """Every change of an expression or of one inside it: the number of the place, what, where, the whole changed."""
    number = 0
    for site, way in _sites(expr, ()):
        found = list(_variants(program, site))
        number += bool(found)
        for change, new in found:
            whole = new
            for outer, at in reversed(way):
                whole = _with(outer, at, whole)
            yield number, change, site.span, whole


def _sites(
    expr: ir.Expr, way: tuple[tuple[ir.Expr, int], ...]
) -> Iterator[tuple[ir.Expr, tuple[tuple[ir.Expr, int], ...]]]:
    yield expr, way
    for at, child in enumerate(ir.children(expr)):
        yield from _sites(child, (*way, (expr, at)))


# ---- changing a rule ---------------------------------------------------------------------------------------------------

_NEVER = ir.Const(FALSE, BOOL)
_FIELDS: dict[str, Words] = {
    "scope": ("适用范围", "scope"), "test": ("条件", "test"), "total": ("金额", "amount"), "start": ("起始月", "first month"),
    "months": ("为期", "months"), "done": ("完成", "done"), "due": ("期限", "due"), "every": ("每隔", "every"),
    "limit": ("限额", "limit"), "period": ("时效", "in force"), "body": ("定义", "definition"), "effect": ("效果", "effect"),
}  # fmt: skip
Made: TypeAlias = tuple[str, Change, Span, T]


def _inside(program: ir.Program, owner: T, field: str, span: Span) -> Iterator[Made[T]]:
    """The changes of the expression that a field holds, if it holds one."""
    expr = getattr(owner, field)
    for number, change, place, new in expressions(program, expr) if expr is not None else ():
        label = f"{_FIELDS[field][0]}/{number}"
        yield label, change, span if place is NOWHERE else place, _set(owner, field, new)


def _periods(owner: T, span: Span) -> Iterator[tuple[date, Made[T]]]:
    """In force a day earlier or later, and out of force likewise, each with the one day that turns."""
    period: Period = owner.period  # type: ignore[attr-defined]
    for end in ("start", "end"):
        day: date | None = getattr(period, end)
        for way in (-1, 1) if day is not None else ():
            assert day is not None
            after = day + timedelta(days=way)
            moved: Period = _set(period, end, after)
            turned = day if period.holds(day) and not moved.holds(day) else after
            change = _to("bound", (str(day), str(day)), (str(after), str(after)))
            yield turned, ("时效", change, span, _set(owner, "period", moved))


def _conditions(clause: ir.Clause) -> Iterator[Made[ir.Clause]]:
    """A clause without its scope or test, and without one of the conditions that they join."""
    for field in ("scope", "test"):
        expr = getattr(clause, field)
        if expr is None:
            continue
        yield _FIELDS[field][0], _without("scope", _FIELDS[field]), expr.span, _set(clause, field, None)
        if isinstance(expr, ir.Apply) and expr.op == "and":
            for at, part in enumerate(expr.args):
                rest = (*expr.args[:at], *expr.args[at + 1 :])
                left = rest[0] if len(rest) == 1 else _applied(expr, rest)
                tag = (f"第{at + 1}项", f"part {at + 1}")
                change = _without("scope", tag)
                yield _FIELDS[field][0], change, part.span, _set(clause, field, left)


def _amounts(program: ir.Program, amount: ir.Amount) -> Iterator[Made[ir.Amount]]:
    span = amount.basis.span
    for field in ("total", "start", "months"):
        yield from _inside(program, amount, field, span)
    form: Literal["monthly", "once"] = "once" if amount.form == "monthly" else "monthly"
    words: dict[str, Words] = {"monthly": ("每月", "each month"), "once": ("一次", "once")}
    yield "金额", _to("modality", words[amount.form], words[form]), span, replace(amount, form=form)


def _effects(program: ir.Program, clause: ir.Clause) -> Iterator[Made[ir.Clause]]:
    """What follows from a clause, changed: its modality, its amount, its duty."""
    span, label = clause.basis.span, _FIELDS["effect"][0]
    match clause.effect:
        case ir.Grant(may=may, amount=amount) as grant:
            words = [("给予", "grants"), ("可给予", "may grant")]
            yield label, _to("modality", words[may], words[not may]), span, replace(clause, effect=replace(grant, may=not may))  # fmt: skip
            for where, change, place, new in _amounts(program, amount) if amount is not None else ():
                yield where, change, place, replace(clause, effect=replace(grant, amount=new))
            return
        case ir.Withhold(members=members) as withhold if _has_members(program, clause):
            bars = [("不及成员", "without members"), ("及于成员", "with members")]
            yield label, _to("modality", bars[members], bars[not members]), span, replace(clause, effect=replace(withhold, members=not members))  # fmt: skip
        case ir.Duty() as duty:
            # without a day it is due, nothing recurs: `every` is then said and decides nothing
            for field in ("done", "due", "every") if duty.due is not None else ("done",):
                for where, change, place, inside in _inside(program, duty, field, span):
                    yield where, change, place, replace(clause, effect=inside)
                if getattr(duty, field) is not None:
                    change = _without("modality", _FIELDS[field])
                    yield label, change, span, replace(clause, effect=_set(duty, field, None))
    kind: Kind = "priority" if isinstance(clause.effect, ir.Withhold) else "modality"
    yield label, _without(kind, ("整条", "the whole clause"), ("整条", "The whole clause")), span, replace(clause, scope=_NEVER)  # fmt: skip


def _has_members(program: ir.Program, clause: ir.Clause) -> bool:
    return any(inside.kind == "members" for inside in program.entities[clause.entity].lists.values())


def _discretion(program: ir.Program, clause: ir.Clause) -> Iterator[Made[ir.Clause]]:
    span = clause.basis.span

    def other(at: int, new: ir.Discretion) -> ir.Clause:
        return replace(clause, discretion=(*clause.discretion[:at], new, *clause.discretion[at + 1 :]))

    for at, chosen in enumerate(clause.discretion):
        label = f"裁量/{chosen.name.zh}"
        for low, high in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            new = replace(chosen, low=chosen.low + low, high=chosen.high + high)
            if 0 <= new.low <= new.high:
                before, after = f"{chosen.low}至{chosen.high}", f"{new.low}至{new.high}"
                yield label, _to("bound", (before, before), (after, after)), span, other(at, new)
        for where, change, place, limited in _inside(program, chosen, "limit", span):
            yield f"裁量/{where}", change, place, other(at, limited)


def _clauses(program: ir.Program, clause: ir.Clause) -> Iterator[Made[ir.Clause]]:
    for field in ("scope", "test"):
        yield from _inside(program, clause, field, clause.basis.span)
    yield from _conditions(clause)
    yield from _effects(program, clause)
    yield from _discretion(program, clause)
    for day, made in _periods(clause, clause.basis.span):
        versions = program.clauses[clause.basis.name.id]
        if not any(v is not clause and v.period.holds(day) and decide_alike(v, clause) for v in versions):
            yield made


def _settles(exclusive: ir.Exclusive) -> Iterator[tuple[Change, tuple[ir.Exclusive, ...]]]:
    """A mutual exclusion left out, in another order, settled in another way."""
    ways: dict[str, Words] = {
        "by_election": ("由人选择", "by choice"), "by_order": ("按顺序", "in order"), "by_amount": ("取高", "the higher"),
    }  # fmt: skip
    yield _without("priority", ("互斥", "the exclusion")), ()
    if exclusive.how == "by_order":
        said = ("次序倒过来", "the order is turned round")
        yield Change("priority", "倒序", said), (replace(exclusive, measures=exclusive.measures[::-1]),)
    for how, words in ways.items():
        if how != exclusive.how:
            yield _to("priority", ways[exclusive.how], words), (replace(exclusive, how=how),)  # type: ignore[arg-type]


def _matters(low: ir.Clause, high: ir.Clause) -> bool:
    """Whether that one clause prevails over another can be seen: they grant the same, or one bars what the other orders."""
    match low.effect, high.effect:
        case ir.Grant(measure=a), ir.Grant(measure=b):
            return a == b
        case ir.Withhold(measures=measures), ir.Grant(measure=measure):
            return measure in measures
        case ir.Grant(measure=measure), ir.Withhold(measures=measures, members=members):
            return measure in measures and not members and low.entity != high.entity
        case _, ir.Duty() | ir.Ban():
            return True
    return False


# ---- every mutant ------------------------------------------------------------------------------------------------------


def mutants(
    program: ir.Program, texts: Mapping[str, str], settings: Iterable[tuple[str, ir.Setting]] = ()
) -> list[Mutant]:
    """Every mutant of the clauses, terms, amounts, exclusions and priorities; `texts` are the rule files, to quote.

    `settings` are what sheets say of parameters, besides what the program holds: they too read terms.
    """
    days = Days(program, settings)
    found = [
        *_of_clauses(program), *_of_terms(program, days), *_of_amounts(program, days), *_of_priorities(program)
    ]  # fmt: skip
    return [_quoting(mutant, texts) for mutant in _distinct(found)]


def _of_clauses(program: ir.Program) -> Iterator[Mutant]:
    for ident, versions in program.clauses.items():
        for at, clause in enumerate(versions):
            for label, change, span, new in _clauses(program, clause):
                others = (*versions[:at], new, *versions[at + 1 :])
                yield Mutant(
                    _ident(ident, at, label, change), change, clause.basis.name, span,
                    {"clauses": {ident: others}}, frozenset([("clauses", ident)]),
                )  # fmt: skip


def _of_terms(program: ir.Program, days: Days) -> Iterator[Mutant]:
    for ident, define in program.defines.items():
        for at, version in enumerate(define.versions):

            def others(new: ir.Version, define: ir.Define = define, at: int = at) -> ir.Define:
                return replace(define, versions=(*define.versions[:at], new, *define.versions[at + 1 :]))

            span = version.basis.span
            for label, change, place, new in (
                *_inside(program, version, "body", span),
                *(
                    made
                    for day, made in _periods(version, span)
                    if days.tell_terms(define, others(made[3]), day)
                ),
            ):
                yield Mutant(
                    _ident(ident, at, label, change), change, define.name, place,
                    {"defines": {ident: others(new)}}, frozenset([("defines", ident)]),
                )  # fmt: skip


def _of_amounts(program: ir.Program, days: Days) -> Iterator[Mutant]:
    for at, amount in enumerate(program.amounts):

        def others(new: ir.Amount, at: int = at) -> tuple[ir.Amount, ...]:
            return (*program.amounts[:at], new, *program.amounts[at + 1 :])

        span, key = amount.basis.span, (amount.measure, amount.entity)
        number = sum((rule.measure, rule.entity) == key for rule in program.amounts[:at])
        for label, change, place, new in (
            *_amounts(program, amount),
            *(made for day, made in _periods(amount, span) if days.tell_amounts(key, others(made[3]), day)),
        ):
            name = program.measures[amount.measure].name
            yield Mutant(
                _ident(".".join(key), number, label, change), change, name, place,
                {"amounts": others(new)}, _granting(program, (amount.measure,)),
            )  # fmt: skip


def _of_priorities(program: ir.Program) -> Iterator[Mutant]:
    for at, exclusive in enumerate(program.exclusives):
        for change, new in _settles(exclusive):
            others = (*program.exclusives[:at], *new, *program.exclusives[at + 1 :])
            name = exclusive.basis.name
            yield Mutant(
                _ident(name.id, 0, "互斥", change), change, name, exclusive.basis.span,
                {"exclusives": others}, _granting(program, exclusive.measures),
            )  # fmt: skip
    for ident, (low, *_) in program.clauses.items():
        above = program.blockers.get(ident, frozenset())
        for other in (o for o in program.clauses if o in above):  # in source order
            high = program.clauses[other][0]
            if _matters(low, high) and not idle(program, ident, other):
                zh, en = high.basis.name.zh, high.basis.name.label("en")
                said = (f"不再让位于「{zh}」", f"“{en}” no longer prevails over it")
                change = Change("priority", f"去掉{zh}", said)
                yield Mutant(
                    _ident(ident, 0, "让位于", change), change, low.basis.name, low.basis.span,
                    {"blockers": {ident: above - {other}}}, frozenset([("blockers", ident)]),
                )  # fmt: skip


def _granting(program: ir.Program, measures: Iterable[str]) -> frozenset[Read]:
    """The clauses that grant one of some measures: whoever reads an amount or an exclusion has read one of them."""
    return frozenset(
        ("clauses", ident)
        for ident, (first, *_) in program.clauses.items()
        if isinstance(first.effect, ir.Grant) and first.effect.measure in measures
    )


def _ident(rule: str, version: int, label: str, change: Change) -> str:
    return f"{rule}{f'#{version + 1}' if version else ''}/{label}:{change.tag}"


def _distinct(found: Iterable[Mutant]) -> Iterator[Mutant]:
    """Each identifier once; a second one of the same name is numbered."""
    seen: dict[str, int] = {}
    for mutant in found:
        seen[mutant.id] = count = seen.get(mutant.id, 0) + 1
        yield mutant if count == 1 else replace(mutant, id=f"{mutant.id}~{count}")


def _quoting(mutant: Mutant, texts: Mapping[str, str]) -> Mutant:
    """The mutant with the words that it changes in its sentence, where it changes a stretch within a rule."""
    span = mutant.span
    words = " ".join(texts.get(span.file, "")[span.start : span.end].split())
    zh, en = mutant.change.said
    if not words or len(words) > MOST_QUOTED:
        return mutant
    return replace(mutant, change=replace(mutant.change, said=(f"{words}：{zh}", f"{words}: {en}")))
