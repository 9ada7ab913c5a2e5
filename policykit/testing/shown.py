"""A household that breaks a law, as a clerk reads it: what is particular about it, and the words of the clause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policykit import ir
from policykit.explain.words import Words
from policykit.facts import Instance
from policykit.reach import reached
from policykit.testing.drafts import Draft
from policykit.values import Bounds, Options, Subset, Value
from policykit.words import STATES


def table(draft: Draft, clauses: Iterable[str], language: str) -> str:
    """The household in lines of two columns, and the clauses it is about with their quotes.

    What is No, none or empty is left out, and so is what these clauses do not ask.
    """
    words = Words(draft.program, language, case=draft.case)
    names = list(dict.fromkeys(clauses))
    lines = [f"{words.say('日期', 'day')}  {draft.on}"]
    for record in draft.case.index.values():
        lines += _record(draft, record, words, _asked(draft.program, names))
    for ruling in draft.rulings:
        label = words.label(draft.program.clauses[ruling["clause"]][0].basis.name)
        said = ("不给予", "declined") if "decline" in ruling else ("给予", "granted")
        lines.append(
            f"{words.say('裁量', 'ruling')}  {words.place(ruling['subject'])}  {label}  {words.say(*said)}"
        )
    rest = "没有列出的：是、否的填否，可以没有的填无，列表为空；这几条不问的不列"
    lines.append(words.say(rest, "not listed: no, none, empty lists, and what these clauses do not ask"))
    for name in names:
        for cite in draft.program.clauses[name][0].basis.cites:
            text = words.label(draft.program.texts[cite.text].name)
            label = words.label(draft.program.clauses[name][0].basis.name)
            quote = f" 「{cite.quote}」" if cite.quote else ""
            lines.append(f"{words.say('条款', 'clause')}  {label}  {text} {cite.locator}{quote}")
    return "\n".join(f"    {line}" for line in lines)


def outcomes(found: Iterable[str], words: Words) -> str:
    """Outcomes in words: 给予, or 给予或不符合 where more than one is possible."""
    return words.listed((words.say(*STATES["measure"][one]) for one in sorted(found)), conjunction=True)


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


def _asked(program: ir.Program, clauses: Iterable[str]) -> set[tuple[str, str]]:
    """The facts and lists, by entity, that some clauses read, those that they give way to included."""
    names = set(clauses).union(*(program.blockers.get(name, frozenset()) for name in clauses))
    versions = [v for name in names for v in program.clauses[name]]
    amounts = [a.total for a in program.amounts] + [
        v.effect.amount.total
        for v in versions
        if isinstance(v.effect, ir.Grant) and v.effect.amount is not None
    ]
    rules = [e for v in versions for e in (v.scope, v.test, v.as_of)]
    found: set[tuple[str, str]] = set()
    for expr in reached(program, [*rules, *amounts] if names else [*_everything(program)]).exprs:
        if isinstance(expr, ir.Fact):
            found.add((expr.entity, expr.name))
        if isinstance(expr, ir.Fold) and isinstance(expr.domain, ir.Items):
            found.add((expr.domain.entity, expr.domain.name))
    return found


def _everything(program: ir.Program) -> Iterator[ir.Expr | None]:
    for versions in program.clauses.values():
        for version in versions:
            yield from (version.scope, version.test, version.as_of)
