"""A household that breaks a law, as a clerk reads it: what is particular about it, and the words of the clause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from policykit import ir
from policykit.datatypes import Type
from policykit.explain.words import Words
from policykit.facts import Instance
from policykit.reach import reached
from policykit.testing.drafts import Draft
from policykit.trace import Decision
from policykit.values import Bounds, Options, Subset, Value
from policykit.words import STATES

Rule: TypeAlias = ir.Clause | ir.Property

YUAN = Type("number", dimension=(("元", 1),))


def table(draft: Draft, rules: Sequence[Rule], language: str) -> str:
    """The household in lines of two columns, and the rules it is about with their quotes.

    What is No, none or empty is left out, and so is what these rules do not ask.
    """
    words = Words(draft.program, language, case=draft.case)
    lines = [f"{words.say('日期', 'day')}  {draft.on}"]
    asked = _asked(draft.program, rules)
    for record in draft.case.index.values():
        lines += _record(draft, record, words, asked)
    for ruling in draft.rulings:
        label = words.label(draft.program.clauses[ruling["clause"]][0].basis.name)
        said = ("不给予", "declined") if "decline" in ruling else ("给予", "granted")
        lines.append(
            f"{words.say('裁量', 'ruling')}  {words.place(ruling['subject'])}  {label}  {words.say(*said)}"
        )
    rest = "没有列出的：是、否的填否，可以没有的填无，列表为空；这几条不问的不列"
    lines.append(words.say(rest, "not listed: no, none, empty lists, and what these rules do not ask"))
    for rule in {rule.basis.name.id: rule for rule in rules}.values():
        label = words.label(rule.basis.name)
        kind = words.say("条款", "clause") if isinstance(rule, ir.Clause) else words.say("性质", "property")
        cited = []
        for cite in rule.basis.cites:
            quote = f" 「{cite.quote}」" if cite.quote else ""
            cited.append(
                f"{kind}  {label}  {words.label(draft.program.texts[cite.text].name)} {cite.locator}{quote}"
            )
        lines += cited or [f"{kind}  {label}"]
    return "\n".join(f"    {line}" for line in lines)


def outcomes(found: Iterable[str], words: Words) -> str:
    """Outcomes in words: 给予, or 给予或不符合 where more than one is possible."""
    return words.listed((words.say(*STATES["measure"][one]) for one in sorted(found)), conjunction=True)


def paid(decision: Decision, words: Words) -> str:
    """What is paid, where it is known: 每月 350.00 元."""
    payment = decision.payment
    if payment is None or not payment.amount.known or decision.outcomes != {"granted"}:
        return ""
    each = words.say("每月", "monthly") if payment.rule.form == "monthly" else words.say("一次", "once")
    return f"  {each} {words.plain(payment.amount.value, YUAN)}"


def _record(draft: Draft, record: Instance, words: Words, asked: set[tuple[str, str]]) -> Iterator[str]:
    entity = draft.program.entities[record.entity]
    whose = words.place(record.path)
    declared: dict[str, ir.FactDecl | ir.ListDecl] = {**entity.facts, **entity.lists}
    for name, decl in declared.items():
        if (record.entity, name) not in asked:
            continue
        label = words.label(decl.name)
        if isinstance(decl, ir.ListDecl) and not decl.single:
            listing = record.lists.get(name)
            if listing is None or not listing.complete:
                yield f"{whose}  {label}  {words.say('没有问全', 'perhaps more')}"
            elif decl.kind == "refers" and listing.items:
                yield f"{whose}  {label}  {words.listed(words.place(one.path) for one in listing.items)}"
            continue
        given = record.facts.get(name)
        value = given.value if given is not None else None
        if value is None:
            yield f"{whose}  {label}  {words.unknown()}"
        elif not _plain(value):
            shown = (
                words.place(value.value.path)
                if isinstance(decl, ir.ListDecl)
                else words.value(value, decl.type)
            )
            yield f"{whose}  {label}  {shown}"


def _plain(value: Value) -> bool:
    """Whether a value is No, 无 or none of several."""
    match value:
        case Bounds(lo=lo) if value.known:
            return lo is None or lo is False
        case Options() if value.known:
            return value.value is None
        case Subset() if value.known:
            return not value.must
    return False


def _asked(program: ir.Program, rules: Sequence[Rule]) -> set[tuple[str, str]]:
    """The facts and lists, by entity, that some rules read, the amounts they pay and the clauses that prevail over them
    included."""
    clauses = [rule for rule in rules if isinstance(rule, ir.Clause)]
    above = {name for clause in clauses for name in program.blockers.get(clause.basis.name.id, ())}
    clauses += [version for name in above for version in program.clauses[name]]
    exprs: list[ir.Expr | None] = [e for c in clauses for e in (c.scope, c.test, c.as_of)]
    grants = [c.effect for c in clauses if isinstance(c.effect, ir.Grant)]
    measures = {grant.measure for grant in grants}
    exprs += [grant.amount.total for grant in grants if grant.amount is not None]
    exprs += [amount.total for amount in program.amounts if amount.measure in measures]
    exprs += [e for rule in rules if isinstance(rule, ir.Property) for e in (*rule.given, rule.then)]
    found: set[tuple[str, str]] = set()
    for expr in reached(program, exprs).exprs:
        if isinstance(expr, ir.Fact):
            found.add((expr.entity, expr.name))
        if isinstance(expr, ir.Fold) and isinstance(expr.domain, ir.Items):
            found.add((expr.domain.entity, expr.domain.name))
    return found
