"""Does the rule say what its quote says? W001 comparisons, W002 modality, W003 figures, W008 readings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from policykit import ir
from policykit.conditions import DENIED, TURNED
from policykit.datatypes import PLAIN, Dimension
from policykit.linter.findings import Lint, Rule
from policykit.reach import Reach, reached, within
from policykit.values import Bounds
from policykit.wording import Figure, Way, comparisons, figures, forbids, gives, negative, obliges, permits
from policykit.words import field_words

_OF_FIGURES = ("金额", "amount", "计算", "computation")

_ORDERS = ("lt", "le", "gt", "ge")
_DIMENSIONS: dict[str, Dimension] = {
    unit: ((unit, 1),) for unit in ("月", "岁", "年", "天", "人", "户")
} | dict.fromkeys(("倍", "项", "次", "%"), PLAIN)  # fmt: skip
_NEIGHBOUR: dict[Way, int] = {"le": 1, "gt": 1, "ge": -1, "lt": -1, "": 0}
_SAME_FOR_WHOLE: dict[Way, Way] = {"le": "lt", "gt": "ge", "ge": "gt", "lt": "le"}


def quotes(lint: Lint) -> None:
    """Looks at every quote beside the rule that stands under it."""
    for rule in lint.rules():
        reach = reached(lint.program, rule.exprs)
        orders = list(compared(lint, rule.exprs))
        for cite in rule.cites():
            operators(lint, cite, orders)
        ways = stated(lint, rule, reach)
        for cite in rule.cites(*_OF_FIGURES):
            for figure in figures(cite.quote):
                if not any(figure_is_in(figure) for figure_is_in in ways):
                    lint.report("W003", cite.span, ("words", figure.words))
        if rule.clause is not None:
            modality(lint, rule.clause, rule.cites())


def compared(lint: Lint, exprs: Iterable[ir.Expr]) -> Iterator[tuple[str, ir.Expr, ir.Expr, ir.Expr]]:
    """Every comparison of order that some expressions rest on, as it stands when they hold: the operation, both
    sides, and where it is written."""
    todo, seen = [(expr, True) for expr in exprs], set[tuple[str, bool]]()
    while todo:
        expr, holds = todo.pop()
        match expr:
            case ir.Apply(op="not", args=(inner,)):
                todo.append((inner, not holds))
            case ir.Apply(op=op, args=(left, right)) if op in _ORDERS:
                yield op if holds else DENIED[op], left, right, expr
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                todo += [(condition, True), (condition, False), (then, holds), (otherwise, holds)]
            case ir.Ref(name=name) if (name, holds) not in seen:
                seen.add((name, holds))
                todo += [(version.body, holds) for version in lint.program.defines[name].versions]
            case ir.Verdict(kind="meets", name=name) if (name, holds) not in seen:
                seen.add((name, holds))
                clauses = lint.program.clauses[name]
                todo += [(e, holds) for c in clauses for e in (c.scope, c.test) if e is not None]
            case ir.Apply() | ir.Fold():
                todo += [(child, holds) for child in ir.children(expr)]


def operators(
    lint: Lint, cite: ir.Citation, compared: Sequence[tuple[str, ir.Expr, ir.Expr, ir.Expr]]
) -> None:
    """Reports a quoted comparison for which the rule, speaking of the same thing, has other words only."""
    said_of: dict[tuple[Fraction, str], list[Figure]] = {}
    for figure in figures(cite.quote):
        if not figure.repeats:
            said_of.setdefault((figure.number, figure.unit), []).append(figure)
    for same in said_of.values():
        written = [(op, at) for figure in same for op, at, offset in _against(figure, compared) if not offset]
        if (
            written
            and all(figure.way for figure in same)
            and not any(_compares_so(figure, compared) for figure in same)
        ):
            words = ("words", same[0].phrase)
            lint.report("W001", cite.span, words, ("rule", lint.written(written[0][1])))
    for said in comparisons(cite.quote):
        ways: list[tuple[str, ir.Expr]] = []
        for op, left, right, at in compared:
            names = [names_in(lint, side) for side in (left, right)]
            if _alike(said.left, names[0]) and _alike(said.right, names[1]):
                ways.append((op, at))
            if _alike(said.left, names[1]) and _alike(said.right, names[0]):
                ways.append((TURNED[op], at))
        if ways and all(op != said.way for op, _ in ways):
            lint.report("W001", cite.span, ("words", said.word), ("rule", lint.written(ways[0][1])))


def names_in(lint: Lint, side: ir.Expr) -> str:
    """The names that one side of a comparison goes by."""
    return " ".join(name.zh for expr in within(side) if (name := name_of(lint, expr)))


def name_of(lint: Lint, expr: ir.Expr) -> ir.Name | None:
    match expr:
        case ir.Param(name=name):
            return lint.program.parameters[name].name
        case ir.Ref(name=name):
            return lint.program.defines[name].name
        case ir.Fact(entity=entity, name=name):
            of = lint.program.entities[entity]
            return (of.facts.get(name) or of.lists[name]).name
    return None


def stated(lint: Lint, rule: Rule, reach: Reach) -> list[Callable[[Figure], bool]]:
    """Ways to find a figure in a rule: among its numbers, in its names and words, as the length of a list."""
    numbers = set(rule.numbers) | set(_numbers(reach.exprs))
    applied = [expr for expr in reach.exprs if isinstance(expr, ir.Apply)]
    counted = {Fraction(len(expr.args)) for expr in applied} | {
        _summands(e) for e in applied if e.op == "add"
    }
    named = {(f.number, f.unit) for text in words(lint, rule, reach) for f in figures(text)}
    return [
        lambda figure: any(_is(figure, *number) for number in numbers),
        lambda figure: (figure.number, figure.unit) in named,
        lambda figure: figure.unit == "项" and figure.number in counted,
    ]


def words(lint: Lint, rule: Rule, reach: Reach) -> Iterator[str]:
    """The names, labels and questions that a rule rests on."""
    yield from rule.texts
    yield rule.basis.name.zh
    for clauses in reach.clauses.values():
        for c in clauses:
            yield c.basis.name.zh
            yield c.effect.text if isinstance(c.effect, ir.Record) else ""
    for expr in reach.exprs:
        match expr:
            case ir.Fact(entity=entity, name=name) if name in lint.program.entities[entity].facts:
                fact = lint.program.entities[entity].facts[name]
                yield from (fact.name.zh, fact.question, fact.evidence or "", fact.judgement or "")
            case ir.Param(name=name):
                yield from (lint.program.parameters[name].name.zh, lint.program.parameters[name].question)
            case ir.Ref(name=name):
                yield lint.program.defines[name].name.zh
            case ir.Const(type=of) if of.kind in ("choice", "multi"):
                named = expr.value.value
                labels = named if isinstance(named, frozenset) else {named}
                options = lint.program.choices[of.of].options
                yield from (option.name.zh for option in options if option.name.id in labels)


def modality(lint: Lint, c: ir.Clause, cites: Sequence[ir.Citation]) -> None:
    """Reports a clause that is stronger or weaker than its words: 可 is not 给予, 不得 is a ban."""
    for cite in cites:
        for at, word in forbids(cite.quote):
            if not is_banned(lint, cite.text, cite.start + at):
                hint = lint.say(
                    cite.span, "另写一条 不得 或 不给予", "write a clause with `must not` or `withhold`"
                )
                lint.report("W002", cite.span, ("words", word), ("rule", effect(lint, c)), ("hint", hint))
    permitting = next(((cite, words) for cite in cites if (words := permits(cite.quote))), None)
    obliging = next(((cite, words) for cite in cites if (words := obliges(cite.quote))), None)
    giving = next(((cite, words) for cite in cites if (words := gives(cite.quote))), None)
    zh, en, other = "", "", None
    match c.effect:
        case ir.Grant(may=False) if permitting and not obliging:
            zh, en, other = (
                "写成 可给予，并写明由谁裁量",
                "write `may grant`, and who decides",
                permitting,
            )
        case ir.Grant(may=True) if not permitting and (obliging or giving):
            zh, en, other = "写成 给予", "write `grant`", obliging or giving
        case ir.Duty() if permitting and not obliging:
            zh, en, other = (
                "可以做的事不是责任：写成 可给予，或不写成条款",
                "what may be done is no duty",
                permitting,
            )
        case ir.Ban() if cites and not any(negative(cite.quote) for cite in cites):
            zh, en = (
                "引上说“不得”的那句话，或改写效果",
                "quote the words that forbid it, or write another effect",
            )
            other = (cites[0], cites[0].quote)
    if other is not None:
        span = other[0].span
        lint.report(
            "W002", span, ("words", other[1]), ("rule", effect(lint, c)), ("hint", lint.say(span, zh, en))
        )


def is_banned(lint: Lint, text: str, at: int) -> bool:
    """Whether some clause that bans or withholds quotes the words at a place of a text."""
    return any(
        cite.text == text and cite.start <= at < cite.start + len(cite.quote)
        for c in lint.clauses
        if isinstance(c.effect, ir.Ban | ir.Withhold)
        for cite in c.basis.cites
    )


def effect(lint: Lint, c: ir.Clause) -> str:
    """The word that a clause has for its effect."""
    match c.effect:
        case ir.Grant(may=may):
            keyword = "may_grant" if may else "grant"
        case ir.Record(kind=kind):
            keyword = kind
        case _:
            keyword = {ir.Withhold: "withhold", ir.Duty: "duty", ir.Ban: "ban"}[type(c.effect)]
    return lint.say(c.basis.span, *field_words()[keyword][:2])


def readings(lint: Lint) -> None:
    """Reports a clause that quotes words which can be read in several ways, and does not say how it reads them.

    A reading that says what it fixes (见) is asked of the clauses that rest on that; any other, of a clause that names
    no reading of these words.
    """
    program = lint.program
    passages = [(r, cite) for r in program.readings.values() for cite in r.basis.cites if cite.start >= 0]
    for c in lint.clauses:
        reach = reached(program, lint.parts(c))
        bases = [c.basis, *(v.basis for versions in reach.defines.values() for v in versions)]
        bases += [met.basis for clauses in reach.clauses.values() for met in clauses]
        named = {name for basis in bases for name in basis.readings}
        rests = [basis.name for basis in bases] + [program.parameters[p].name for p in reach.parameters]
        fixed = {word for name in rests for word in (name.id, name.zh)}
        for cite in c.basis.cites:
            lacking = []
            for reading, passage in passages:
                if reading.basis.name.id in named or not _overlap(passage, cite, whole=True):
                    continue
                read = any(_overlap(passage, other) for one, other in passages if one.basis.name.id in named)
                if (fixed & set(reading.sees)) if reading.sees else not read:
                    lacking.append((reading, passage))
            if lacking:
                names = "、".join(reading.basis.name.zh for reading, _ in lacking)
                lint.report("W008", cite.span, ("words", lacking[0][1].quote), ("name", names))


def _overlap(passage: ir.Citation, cite: ir.Citation, whole: bool = False) -> bool:
    """Whether two citations share words of a text; with `whole`, whether the second quotes all of the first."""
    ends = [(one.start, one.start + len(one.quote)) for one in (passage, cite)]
    (first, last), (start, end) = ends
    within = start <= first and last <= end if whole else start < last and first < end
    return passage.text == cite.text and cite.start >= 0 and within


def _numbers(exprs: Iterable[ir.Expr]) -> Iterator[tuple[Dimension, Fraction]]:
    for expr in exprs:
        if isinstance(expr, ir.Const) and expr.type.kind == "number" and isinstance(expr.value, Bounds):
            yield expr.type.dimension, Fraction(expr.value.lo)


def _summands(expr: ir.Apply) -> Fraction:
    """How many terms a sum has, which is written as sums of two."""
    left = expr.args[0]
    return 1 + (_summands(left) if isinstance(left, ir.Apply) and left.op == "add" else Fraction(1))


def _is(figure: Figure, dimension: Dimension, number: Fraction) -> bool:
    """Whether a number of a rule is the one that a text writes; for whole figures 以下 may be written as below the next."""
    wanted = [figure.number]
    if figure.number.denominator == 1:
        wanted.append(figure.number + _NEIGHBOUR[figure.way])
    if figure.unit == "元":
        return any(unit == "元" for unit, _ in dimension) and number == figure.number * 100
    if figure.unit == "%":
        return dimension == PLAIN and number * 100 == figure.number
    if figure.unit == "年" and dimension == _DIMENSIONS["月"]:
        return number == figure.number * 12
    return dimension == _DIMENSIONS.get(figure.unit) and number in wanted


def _against(
    figure: Figure, compared: Iterable[tuple[str, ir.Expr, ir.Expr, ir.Expr]]
) -> Iterator[tuple[str, ir.Expr, int]]:
    """How a rule compares with a figure, or with the whole number beside it (the last gives how far)."""
    plain = replace(figure, way="")
    for op, left, right, at in compared:
        for way, side in ((op, right), (TURNED[op], left)):
            for dimension, number in _numbers([side]):
                if _is(plain, dimension, number):
                    yield way, at, 0
                elif _is(figure, dimension, number):
                    yield way, at, _NEIGHBOUR[figure.way]


def _compares_so(figure: Figure, compared: Sequence[tuple[str, ir.Expr, ir.Expr, ir.Expr]]) -> bool:
    """Whether a rule compares with a figure as its words do, or so with the whole number beside it."""
    other = (_SAME_FOR_WHOLE[figure.way], _NEIGHBOUR[figure.way])
    return any((op, offset) in ((figure.way, 0), other) for op, _, offset in _against(figure, compared))


def _alike(words: str, names: str) -> bool:
    """Whether some words speak of something by a name: they share two characters in a row."""
    pairs = {names[i : i + 2] for i in range(len(names) - 1)}
    return any(pair in words for pair in pairs if " " not in pair)
