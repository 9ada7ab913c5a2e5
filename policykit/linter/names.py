"""Is what is declared used, covered, documented, and named so that nobody mistakes it? W007, W009, W010, W011."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

from policykit import ir
from policykit.linter.findings import Lint
from policykit.reach import within
from policykit.source import Span
from policykit.symbols import KIND_NAMES
from policykit.syntax import Declaration, words_in


def unused(lint: Lint) -> None:
    """Reports what is declared and named nowhere. A file without a clause is a vocabulary for others; a fact that
    nobody is asked, a label of a choice and the lists of members describe the world and need no rule."""
    if not lint.program.clauses:
        return
    program, mentioned, places = lint.program, used(lint), heads(lint)
    declared: list[tuple[str, str, ir.Name, Span]] = []
    for kind, things in (
        ("choice", program.choices),
        ("measure", program.measures),
        ("act", program.acts),
        ("source", program.texts),
    ):
        for ident, thing in things.items():
            if (kind, thing.name.zh) in places:  # the choice of outcomes is built in
                declared.append((kind, ident, thing.name, places[kind, thing.name.zh]))
    declared += [("define", i, d.name, d.versions[0].basis.span) for i, d in program.defines.items()]
    declared += [("parameter", i, p.name, p.span) for i, p in program.parameters.items()]
    declared += [("reading", i, r.basis.name, r.basis.span) for i, r in program.readings.items()]
    for ident, entity in program.entities.items():
        declared.append(("entity", ident, entity.name, entity.span))
        asked = [fact for fact in entity.facts.values() if fact.question]
        lists = [one for one in entity.lists.values() if one.kind != "members"]
        declared += [("fact", f"{ident}.{fact.name.id}", fact.name, fact.span) for fact in asked]
        declared += [("list", f"{ident}.{one.name.id}", one.name, one.span) for one in lists]
    for kind, ident, name, span in declared:
        if (kind, ident) not in mentioned:
            shown = lint.say(span, *(("列表", "list") if kind == "list" else KIND_NAMES[kind]))
            lint.report("W007", span, ("kind", shown), ("name", name.zh))


def heads(lint: Lint) -> dict[tuple[str, str], Span]:
    """Where each declaration is named."""
    every = [d for module in lint.modules.values() for d in module.declarations]
    return {(d.kind, d.name.text): d.name.span for d in reversed(every)}


def used(lint: Lint) -> set[tuple[str, str]]:
    """What something refers to, by its kind."""
    program = lint.program
    found: set[tuple[str, str]] = {("entity", program.root)}
    for expr in chain.from_iterable(map(within, lint.every_expr())):
        match expr:
            case ir.Fact(entity=entity, name=name):
                found |= {("fact", f"{entity}.{name}"), ("list", f"{entity}.{name}")}
            case ir.Param(name=name):
                found.add(("parameter", name))
            case ir.Ref(name=name):
                found.add(("define", name))
            case ir.Fold(domain=ir.Items(entity=entity, name=name)):
                found.add(("list", f"{entity}.{name}"))
            case ir.Verdict(kind="obtains" | "outcome", name=name):
                found.add(("measure", name))
    for c in lint.clauses:
        match c.effect:
            case ir.Grant(measure=name):
                found.add(("measure", name))
            case ir.Withhold(measures=names):
                found |= {("measure", name) for name in names}
            case ir.Duty(act=name) | ir.Ban(act=name):
                found.add(("act", name))
    found |= {("act", act.part_of) for act in program.acts.values() if act.part_of}
    found |= {("measure", name) for exclusive in program.exclusives for name in exclusive.measures}
    subjects = [d.entity for d in program.defines.values()] + [p.entity for p in program.parameters.values()]
    subjects += [note.entity for note in program.notes] + [c.entity for c in lint.clauses]
    found |= {("entity", subject) for subject in subjects if subject}
    found |= {("entity", name) for measure in program.measures.values() for name in measure.entities}
    for ident, declared in program.entities.items():
        found |= {("entity", one.item) for one in declared.lists.values()}
        found |= {("fact", f"{ident}.{name}") for name in (declared.called, declared.known_from) if name}
        found |= {("choice", fact.type.of) for fact in declared.facts.values()}
    for parameter in program.parameters.values():
        found |= {("choice", name) for name in (parameter.type.of, *parameter.keys)}
    return found | cited(lint)


def cited(lint: Lint) -> set[tuple[str, str]]:
    """The texts and readings that a declaration names, the parameters' own among them."""
    names = {("source", text.name.zh): ident for ident, text in lint.program.texts.items()} | {
        ("source", ident): ident for ident in lint.program.texts
    }
    names |= {("reading", r.basis.name.zh): ident for ident, r in lint.program.readings.items()}
    names |= {("reading", ident): ident for ident in lint.program.readings}
    written = [
        (kind, word)
        for module in lint.modules.values()
        for declaration in module.declarations
        for kind, keywords in (("source", ("cite",)), ("reading", ("readings", "reading")))
        for keyword in keywords
        for given in declaration.all(keyword)
        for word in words_in(given.values)
    ]
    return {(kind, names[kind, word]) for kind, word in written if (kind, word) in names}


def cases(lint: Lint) -> None:
    """Reports a clause that no case expects anything of; a program without any case has not begun to have them."""
    wanted = [e for example in lint.program.examples for trial in example.trials for e in trial.expected]
    expected = {name for e in wanted for name in (*e.by, e.name if e.about == "clause" else "")}
    for ident, versions in lint.program.clauses.items():
        if lint.program.examples and ident not in expected:
            basis = versions[0].basis
            lint.report("W009", basis.span, ("name", basis.name.zh))


def documents(lint: Lint) -> None:
    """Reports values without a document: set in a sheet that has none either, or with the parameter itself."""
    for module in lint.modules.values():
        sheet = next((d for d in module.declarations if d.kind == "sheet"), None)
        if sheet is not None and sheet.get("document"):
            continue
        for declaration in module.declarations:
            valued = declaration.header.get("body") is not None
            if declaration.kind in ("setting", "parameter") and valued and not _has_document(declaration):
                lint.report("W010", declaration.name.span, ("name", declaration.name.text))


def _has_document(declaration: Declaration) -> bool:
    return declaration.get("document") is not None or declaration.get("cite") is not None


# ---- names that can be mistaken for one another

#: characters that are easily taken for one another, by their look or, as they are typed, by their sound
_LOOK_ALIKE = (
    "人入八", "己已巳", "未末", "日曰", "土士", "干千于", "大太", "天夭", "午牛", "戊戌戍", "侯候", "账帐", "象像", "作做", "带代戴",
    "型形", "份分", "坐座", "它他她", "的地得", "即既", "历厉", "拆折析", "待侍", "治冶", "贪贫", "享亨", "赡瞻", "赔陪", "抚扶", "复覆付",
    "请清情", "低底", "困因囚", "护沪户", "辨辩辫", "止上正", "住往佳", "收攻", "补朴", "残践", "免兔", "拔拨", "限眼", "经径", "级极", "度渡",
    "符附", "核合", "审申", "收受", "须需", "供共", "额客", "标表", "籍藉", "单丹", "元员", "巡询", "终中", "记计", "以已", "再在", "保报", "全权",
    "批皮", "至致", "制治", "距据", "期其齐", "议义", "签鉴", "形行", "连联", "实事", "定订",
)  # fmt: skip

_SHORTEST = 3  # names of two characters differ by one as a rule
_SHORTEST_ASCII = 6


def mistakable(a: str, b: str) -> bool:
    """Whether two names differ so little that one may be a slip of the other.

    In names of three characters or more: one that looks or sounds like the other's, one written twice, or 的 put in.
    Any other character tells two names apart, as 年 and 月 do.
    """
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    if len(a) > len(b):
        a, b = b, a
    shared = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if a.isascii() or b.isascii():
        return a.isascii() and b.isascii() and len(a) >= _SHORTEST_ASCII and _slip(a, b, shared)
    if len(a) < _SHORTEST:
        return False
    if len(a) < len(b):
        added = b[shared]
        return a[shared:] == b[shared + 1 :] and (added == "的" or added == b[shared - 1 : shared])
    same_after = a[shared + 1 :] == b[shared + 1 :]
    return same_after and any({a[shared], b[shared]} <= set(group) for group in _LOOK_ALIKE)


def _slip(a: str, b: str, shared: int) -> bool:
    """Whether an ASCII name is another with one letter put in, or two letters changed round."""
    rest_a, rest_b = a[shared:], b[shared:]
    if len(a) < len(b):
        added = rest_b[0]
        return rest_a == rest_b[1:] and added.isalpha() and (bool(rest_a) or added != "s")
    return len(rest_a) > 1 and rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:]


def names(lint: Lint) -> None:
    for group in alike(lint):
        for i, j in close([name for name, _ in group]):
            a, b = sorted((group[i], group[j]), key=lambda pair: (pair[1].file, pair[1].start))
            if mistakable(a[0].zh, b[0].zh) or mistakable(a[0].id, b[0].id):
                lint.report("W011", b[1], ("name", b[0].zh), ("other", a[0].zh))


def close(group: Sequence[ir.Name]) -> list[tuple[int, int]]:
    """The pairs of names, by their numbers, that are equal but for a character: the only ones that can be mistaken.

    Two names that differ by a character put in, put in place of another, or changed round with the next, are the same
    when each may lose one.
    """
    shorter: dict[str, list[int]] = {}
    for number, name in enumerate(group):
        words = {name.zh, name.id}
        for left in words | {word[:i] + word[i + 1 :] for word in words for i in range(len(word))}:
            shorter.setdefault(left, []).append(number)
    return sorted({pair for numbers in shorter.values() for pair in combinations(numbers, 2)})


def alike(lint: Lint) -> Iterator[list[tuple[ir.Name, Span]]]:
    """The names that can stand in each other's place: terms of one record, clauses, readings, measures, acts."""
    program, places = lint.program, heads(lint)
    for ident in (None, *program.entities):
        group = [(d.name, d.versions[0].basis.span) for d in program.defines.values() if d.entity == ident]
        group += [(p.name, p.span) for p in program.parameters.values() if p.entity == ident]
        if ident is not None:
            entity = program.entities[ident]
            group += [(fact.name, fact.span) for fact in entity.facts.values()]
            group += [(one.name, one.span) for one in entity.lists.values()]
        yield group
    yield [(versions[0].basis.name, versions[0].basis.span) for versions in program.clauses.values()]
    yield [(reading.basis.name, reading.basis.span) for reading in program.readings.values()]
    yield [(m.name, places["measure", m.name.zh]) for m in program.measures.values()]
    yield [(act.name, places["act", act.name.zh]) for act in program.acts.values()]
