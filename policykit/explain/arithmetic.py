"""Calculations as on an approval form: each term on a line of its own, after the terms it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from policykit import ir
from policykit.explain.grounds import Grounds
from policykit.explain.page import Line
from policykit.explain.phrases import Phrases, bare, passes, taken
from policykit.facts import Instance
from policykit.ops import OPS
from policykit.trace import Step
from policykit.values import exactly

CALCULATED = ("number", "date", "month")
PICKED = (
    "count",
    "earliest",
    "latest",
)  # these choose among records; what they choose by is a reason, not a sum


class Sheet:
    """The calculation lines behind some steps, about one record."""

    def __init__(self, grounds: Grounds, record: Instance) -> None:
        self.grounds, self.record = grounds, record
        self.words: Phrases = grounds.words
        self._rows: dict[tuple[str, str], Line] = {}
        self._zeros: dict[str, list[Instance]] = {}

    def lines(self, steps: Iterable[Step]) -> list[Line]:
        """One line for each term used; a term that is zero for several records has one line for all of them."""
        for step in steps:
            self._visit(step)
        for name, records in self._zeros.items():
            whose = self.words.listed(self.words.short(r) for r in records if r is not self.record)
            row = self._rows[name, ""]
            self._rows[name, ""] = Line("", head=row.head + self.words.aside(whose), result=row.result)
        return list(self._rows.values())

    def _visit(self, step: Step) -> None:
        for inner in self._inside(bare(step)) if step.element is None else self._of_element(step):
            self._visit(inner)
        if step.element is None:
            self._write(bare(step))

    def _of_element(self, step: Step) -> Iterable[Step]:
        """What counts of a fold element: why it passes, or the figure it adds."""
        if step.expr.type.kind == "bool":
            return self.grounds.deciding(step)
        return step.inside[-1:] if passes(step) else ()

    def _inside(self, step: Step) -> Iterable[Step]:
        match step.expr:
            case ir.Ref() | ir.Param() if is_term(step) and (self._written(step) or zero(step)):
                return ()
            case ir.If(type=of) if of.kind != "bool":
                branch = taken(step)
                return () if branch is None else (branch,)
            case ir.Fold(op=op) if op in PICKED:
                return ()
        return self.grounds.deciding(step)

    def _written(self, step: Step) -> bool:
        return isinstance(step.expr, ir.Ref | ir.Param) and (step.expr.name, path(step)) in self._rows

    def _write(self, step: Step) -> None:
        expr = step.expr
        if not isinstance(expr, ir.Ref | ir.Param) or not is_term(step) or self._written(step):
            return
        if step.record is not None and zero(step):
            self._rows.setdefault(
                (expr.name, ""), Line("", head=self.words.term(expr), result=self.result(step))
            )
            records = self._zeros.setdefault(expr.name, [])
            if step.record not in records:
                records.append(step.record)
            return
        whose = (
            self.words.short(step.record)
            if step.record is not None and step.record is not self.record
            else ""
        )
        row = self.row(self.words.term(expr) + self.words.aside(whose), step.inside[0])
        if row.result != self.words.unknown():
            self._rows[expr.name, path(step) or "-"] = row

    def row(self, head: str, body: Step) -> Line:
        """One line of a calculation: term, formula with figures, result."""
        body = bare(body)
        while (branch := taken(body)) is not None:
            body = bare(branch)
        formula, shown = self.words.formula(body), self.words.shown(body)
        if isinstance(body.expr, ir.Fold) and body.expr.op == "count":
            return Line("", head=head + formula.removeprefix(shown), result=shown)
        if only := single(body):
            formula = self.source(body, only, formula.removesuffix(shown).strip())
        elif product_in_sum(body):
            formula += f" = {self.words.formula(body, values_only=True)}"
        return Line(formula, head=head, result=self.result(body))

    def source(self, body: Step, only: Step, formula: str) -> str:
        """Where a figure comes from that is not calculated: a term, or the only summand."""
        if only is body or only.element is None or not self.words.written_name(only.element):
            return formula
        taken_from = self.words.term(only.expr)
        return self.words.say(f"{formula}的{taken_from}", f"{taken_from} of {formula}")

    def result(self, step: Step) -> str:
        shown = self.words.shown(step)
        if not shown.startswith("≈"):
            return shown
        return shown + self.words.aside(self.words.say("显示值，计算用精确值", "shown rounded, exact inside"))


def chosen(grounds: Grounds, expr: ir.Expr, record: Instance, choice: Mapping[str, int]) -> Step | None:
    """A step of an amount in which an approver's choice stands; `None` for a form that cannot be rebuilt."""
    if not any(isinstance(e, ir.Var) and e.slot.startswith("choice:") for e in every(expr)):
        return grounds.step(expr, record)
    if isinstance(expr, ir.Var):
        number = choice.get(expr.slot.removeprefix("choice:"))
        return None if number is None else Step(expr, exactly(number))
    if not isinstance(expr, ir.Apply):
        return None
    inside = [chosen(grounds, arg, record, choice) for arg in expr.args]
    known = [s for s in inside if s is not None]
    if len(known) < len(inside):
        return None
    return Step(expr, OPS[expr.op].apply(tuple(s.value for s in known)), tuple(known))


def every(expr: ir.Expr) -> Iterator[ir.Expr]:
    """An expression and everything inside it."""
    yield expr
    for inner in ir.children(expr):
        yield from every(inner)


def is_term(step: Step) -> bool:
    """Whether a step is a term that is worked out: a defined one, or a parameter that a sheet gives as a formula."""
    expr = step.expr
    if not isinstance(expr, ir.Ref | ir.Param) or not step.inside or expr.type.kind not in CALCULATED:
        return False
    return isinstance(expr, ir.Ref) or not expr.keys


def path(step: Step) -> str:
    return step.record.path if step.record is not None else ""


def zero(step: Step) -> bool:
    return step.value.known and step.value.value == 0


def single(body: Step) -> Step | None:
    """The only source of a figure that is read, not calculated."""
    if isinstance(body.expr, ir.Fold):
        counted = [s for s in body.inside if s.element is not None and passes(s)]
        return counted[0] if body.expr.op == "sum" and len(counted) == len(body.inside) == 1 else None
    return body if isinstance(body.expr, ir.Fact | ir.Param | ir.Ref) else None


def product_in_sum(step: Step) -> bool:
    """Whether working out the products first makes a calculation easier to follow."""
    op = step.expr.op if isinstance(step.expr, ir.Apply) else ""
    inner = [bare(s).expr for s in step.inside]
    here = any(isinstance(e, ir.Apply) and e.op in ("multiply", "divide") for e in inner)
    deeper = any(map(product_in_sum, step.inside))
    return (op in ("add", "subtract") and (here or deeper)) or (op.startswith("round_") and deeper)
