"""Is what is asked open at all? W004 never applicable, W005 always true or false, W006 the same condition twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

from policykit import ir, ops
from policykit.conditions import can_hold, together
from policykit.linter.findings import Lint
from policykit.values import Bounds

_TRUTH = {True: ("总是成立", "is always true"), False: ("总是不成立", "is always false")}
_TRUTH_HERE = {
    True: ("在这里总是成立", "is always true here"),
    False: ("在这里总是不成立", "is always false here"),
}
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


def conditions(lint: Lint) -> None:
    """Looks at every condition that is written."""
    for c in lint.clauses:
        why = never(lint, c)
        if why:
            names = (("name", c.basis.name.zh), ("why", why))
            lint.report("W004", c.basis.span, *names)
        given = [e for e in (c.scope, c.test) if e is not None]
        rest = [e for e in (*lint.parts(c), c.as_of, c.application) if e is not None and e not in given]
        for expr in rest if why else [*given, *rest]:
            condition(lint, expr)
        if c.scope is not None and c.test is not None and not why:
            beside(lint, _conjuncts(c.scope), _conjuncts(c.test))
    for expr in lint.other_exprs():
        condition(lint, expr)


def never(lint: Lint, c: ir.Clause) -> str:
    """Why a clause never applies, or nothing."""
    parts = [lint.read.cases(expr, True) for expr in (c.scope, c.test) if expr is not None]
    if not any(can_hold(case) for case in together(parts)):
        zh = "适用范围 与 条件 不可能同时成立" if len(parts) == 2 else "它的条件不可能成立"
        en = "its scope and its test cannot hold together" if len(parts) == 2 else "its condition cannot hold"
        return lint.say(c.basis.span, zh, en)
    first = next(iter(c.basis.cites), None)
    if first is not None and not c.period.overlaps(lint.program.texts[first.text].period):
        text = lint.program.texts[first.text]
        zh = f"它的期间与《{text.name.zh}》的期间 {text.period} 没有一天相同"
        en = f"its period has no day in common with that of {text.name.zh}, {text.period}"
        return lint.say(c.basis.span, zh, en)
    return ""


def condition(lint: Lint, expr: ir.Expr) -> None:
    """Reports what is decided in an expression whatever the facts are, from the outside in."""
    decided = truth(lint, expr)
    if decided is not None:
        sure = lint.say(expr.span, *_TRUTH[decided])
        zh, en = "从它自己的各项或声明的范围就能看出", "its parts or the declared ranges decide it"
        names = (("condition", lint.written(expr)), ("truth", sure), ("why", lint.say(expr.span, zh, en)))
        lint.report("W005", expr.span, *names)
        return
    if isinstance(expr, ir.Apply) and expr.op in ("and", "or"):
        chained_conditions(lint, expr)
    for child in ir.children(expr):
        condition(lint, child)


def truth(lint: Lint, expr: ir.Expr) -> bool | None:
    """Whether a written condition holds always or never, if that is sure."""
    if not isinstance(expr, ir.Apply) or expr.type.kind != "bool":
        return None
    if all(arg.type.kind == "number" for arg in expr.args) and expr.op in _COMPARISONS:
        reach = ops.OPS[expr.op].apply(tuple(map(lint.extents.of, expr.args)))
        if isinstance(reach, Bounds) and reach.known:
            return bool(reach.value)
    for holds in (True, False):
        if not any(can_hold(case) for case in lint.read.cases(expr, holds)):
            return not holds
    return None


def chained_conditions(lint: Lint, chained: ir.Apply) -> None:
    """Reports an operand that another one makes superfluous: in 并且 one that follows, in 或者 one that is covered."""
    read, args = lint.read, chained.args
    said = set[int]()
    for i, j in combinations(range(len(args)), 2):
        if read.name(args[i]) == read.name(args[j]):
            twice(lint, args[j])
            said.add(j)
    for i, j in permutations(range(len(args)), 2):
        if not {i, j} & said:
            narrow, wide = (args[i], args[j]) if chained.op == "and" else (args[j], args[i])
            if follows(lint, narrow, wide):
                superfluous(lint, args[j], args[i], chained.op == "and")
                said.add(j)


def beside(lint: Lint, scope: Sequence[ir.Expr], test: Sequence[ir.Expr]) -> None:
    """Reports a part of the test that the scope has settled already."""
    for asked in test:
        if any(lint.read.name(asked) == lint.read.name(given) for given in scope):
            twice(lint, asked)
            continue
        sure = next((given for given in scope if follows(lint, given, asked)), None)
        if sure is not None:
            superfluous(lint, asked, sure, True)


def twice(lint: Lint, expr: ir.Expr) -> None:
    lint.report("W006", expr.span, ("condition", lint.written(expr)))


def superfluous(lint: Lint, expr: ir.Expr, given: ir.Expr, holds: bool) -> None:
    """Reports what another condition decides; 有 X before a comparison of X only makes it read well."""
    told = any(d.code == "W005" and d.span == expr.span for d in lint.found)
    if told or (isinstance(expr, ir.Apply) and expr.op == "has"):
        return
    here = lint.say(expr.span, *_TRUTH_HERE[holds])
    zh = f"{'有' if holds else '没有'} `{lint.written(given)}` 就已定了"
    en = f"`{lint.written(given)}` {'' if holds else 'denied '}decides it"
    why = lint.say(expr.span, zh, en)
    lint.report("W005", expr.span, ("condition", lint.written(expr)), ("truth", here), ("why", why))


def follows(lint: Lint, given: ir.Expr, expr: ir.Expr) -> bool:
    """Whether a condition holds wherever another does."""
    cases = together([lint.read.cases(given, True), lint.read.cases(expr, False)])
    return not any(can_hold(case) for case in cases)


def _conjuncts(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    return expr.args if isinstance(expr, ir.Apply) and expr.op == "and" else (expr,)
