"""Expressions and steps → words: what a condition says, what a calculation was.

A statement always says what holds: a comparison that failed is worded as its opposite, with both figures.
"""

from __future__ import annotations

from collections.abc import Iterator

from policykit import ir
from policykit.datatypes import Type
from policykit.explain.words import Words
from policykit.ops import OPS
from policykit.trace import Step
from policykit.values import Bounds, Subset

INFIX = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "add_months": "+", "subtract_months": "−",
    "add_months_to_date": "+", "subtract_months_from_date": "−", "add_days": "+", "subtract_days": "−",
    "months_between": "−", "days_between": "−",
}  # fmt: skip
SUMS, PRODUCTS = {"+", "−"}, {"×", "÷"}

# operation → kind of operand → words when it holds and when it does not, Chinese and English
COMPARED: dict[str, dict[str, tuple[str, str, str, str]]] = {
    "lt": {
        "number": ("低于", "不低于", "is below", "is not below"),
        "age": ("不满", "已满", "is under", "is not under"),
        "time": ("早于", "不早于", "is before", "is not before"),
    },
    "le": {
        "number": ("不超过", "超过", "does not exceed", "exceeds"),
        "time": ("不晚于", "晚于", "is not after", "is after"),
    },
    "gt": {
        "number": ("超过", "不超过", "exceeds", "does not exceed"),
        "time": ("晚于", "不晚于", "is after", "is not after"),
    },
    "ge": {
        "number": ("不低于", "低于", "is not below", "is below"),
        "age": ("已满", "不满", "is not under", "is under"),
        "time": ("不早于", "早于", "is not before", "is before"),
    },
    "eq": {"number": ("等于", "不等于", "equals", "does not equal")},
    "ne": {"number": ("不等于", "等于", "does not equal", "equals")},
}
FOLDS = {
    "any": ("有", "some"), "all": ("全部", "every"), "count": ("计数", "count of"), "sum": ("合计", "sum over"),
    "least": ("最小", "least of"), "greatest": ("最大", "greatest of"),
    "earliest": ("最早的", "earliest"), "latest": ("最近的", "latest"),
}  # fmt: skip
NAMES_SHOWN = 6


class Phrases(Words):
    """Words for expressions, as written and with their values."""

    # -- expressions as written

    def term(self, expr: ir.Expr) -> str:
        """What an expression is called, without values: 渐退复核的决定日期."""
        match expr:
            case ir.Fact(subject=subject, entity=entity, name=name):
                decl = self.program.entities[entity]
                declared = decl.facts.get(name) or decl.lists.get(name)
                return self.owned(subject, self.label(declared.name) if declared else name)
            case ir.Ref(name=name, subject=subject):
                return self.owned(subject, self.label(self.program.defines[name].name))
            case ir.Param(name=name, subject=subject, keys=keys):
                by = self.say("按", "by ") + self.listed(self.term(key) for key in keys)
                return self.owned(subject, self.label(self.program.parameters[name].name)) + (
                    self.aside(by) if keys else ""
                )
            case ir.Const(value=value, type=of):
                return self.value(value, of)
            case ir.Today(type=of):
                return self.say("本月", "this month") if of.kind == "month" else self.say("评价日", "the day")
            case ir.Up(type=of):
                return self.label(self.program.entities[of.of].name)
            case ir.Var(slot=slot):
                return self.say("本人", "the subject") if slot == "self" else self.slot(slot)
        return self.condition(expr)

    def slot(self, slot: str) -> str:
        """What an approver chooses, or the name of an element."""
        ident = slot.removeprefix("choice:")
        clauses = (clause for versions in self.program.clauses.values() for clause in versions)
        chosen = (choice.name for clause in clauses for choice in clause.discretion)
        found = next((name for name in chosen if slot.startswith("choice:") and name.id == ident), None)
        return self.label(found) if found else ident.replace("_", " ")

    def owned(self, subject: ir.Expr | None, label: str) -> str:
        """A term of a record that has a name of its own; whose it is goes without saying elsewhere."""
        if isinstance(subject, ir.Apply) and subject.op == "present":
            subject = subject.args[0]
        if not isinstance(subject, ir.Ref | ir.Fact):
            return label
        return self.say(f"{self.term(subject)}的{label}", f"{label} of {self.term(subject)}")

    def condition(self, expr: ir.Expr) -> str:
        """An expression in words: 项目为低保，并且本月在付."""
        match expr:
            case ir.Apply(op=op, args=(fact, *_)) if op != "present" and self.secret(fact):
                return self.term(fact) + self.aside(self.hidden())
            case ir.Apply(op="and" | "or" as op, args=args):
                joined = ("，并且", " and ") if op == "and" else ("，或者", " or ")
                return self.say(*joined).join(self.bracketed(arg, op) for arg in args)
            case ir.Apply(op="not", args=(ir.Apply(op="among", args=(arg, labels)),)):
                return self.say(
                    f"{self.term(arg)}不属于{self.term(labels)}",
                    f"{self.term(arg)} is none of {self.term(labels)}",
                )
            case ir.Apply(op="not", args=(arg,)):
                inner = (
                    f"({self.term(arg)})"
                    if isinstance(arg, ir.Apply) and arg.op in ("and", "or")
                    else self.term(arg)
                )
                return self.say(f"并非{inner}", f"not {inner}")
            case ir.Apply(op="has" | "has_not" as op, args=(arg,)):
                return (self.say("有", "has ") if op == "has" else self.say("没有", "has no ")) + self.term(
                    arg
                )
            case ir.Apply(op="among", args=(arg, labels)):
                return self.say(
                    f"{self.term(arg)}属于{self.term(labels)}",
                    f"{self.term(arg)} is one of {self.term(labels)}",
                )
            case ir.Apply(op="contains", args=(arg, label)):
                return self.say(
                    f"{self.term(arg)}含{self.term(label)}", f"{self.term(arg)} includes {self.term(label)}"
                )
            case ir.Apply(op="present", args=(arg,)):
                return self.term(arg)
            case ir.Apply(op=op, args=(left, right)) if op in COMPARED:
                return self.spaced(self.term(left), self.compared(op, left, True), self.term(right))
            case ir.Apply(op=op, args=(left, right)) if op in INFIX:
                return f"{self.bracketed(left, op)} {INFIX[op]} {self.bracketed(right, op, last=True)}"
            case ir.Apply(op="negative", args=(arg,)):
                return f"−{self.bracketed(arg, 'multiply')}"
            case ir.Apply(op=op, args=args):
                return f"{self.function(op)}({self.listed(self.term(arg) for arg in args)})"
            case ir.If(condition=test, then=then, otherwise=otherwise):
                parts = [self.term(part) for part in (test, then, otherwise)]
                return self.say("如果 {} 则 {} 否则 {}", "if {} then {} else {}").format(*parts)
            case ir.Fold():
                return self.fold(expr)
            case ir.Verdict(kind=kind, name=name):
                return self.verdict(kind, name)
        return self.term(expr)

    def spaced(self, left: str, word: str, right: str) -> str:
        """Two terms and the word between them; Chinese needs a space only beside a figure."""
        gap = " " if right[:1].isdigit() or right[:1] in "≈“" else ""
        return self.say(f"{left}{word}{gap}{right}", f"{left} {word} {right}")

    def bracketed(self, expr: ir.Expr, around: str, last: bool = False) -> str:
        """An operand, in brackets where it would be read otherwise."""
        inner = expr.op if isinstance(expr, ir.Apply) else ""
        mixed = {"and", "or"} >= {inner, around} and inner != around
        if mixed:
            return self.say(f"（{self.term(expr)}）", f"({self.term(expr)})")
        return f"({self.term(expr)})" if looser(inner, around, last) else self.term(expr)

    def function(self, op: str) -> str:
        return self.say(OPS[op].zh, OPS[op].en.replace("_", " "))

    def compared(self, op: str, left: ir.Expr, holds: bool) -> str:
        of = left.type if not isinstance(left, ir.Items | ir.MonthRange) else Type("number")
        if op in ("eq", "ne") and of.kind in ("choice", "text", "record", "bool"):
            same = (op == "eq") == holds
            return self.say("为", "is") if same else self.say("不是", "is not")
        age = of.kind == "number" and of.dimension == (("岁", 1),)
        kind = "age" if age else "time" if of.kind in ("date", "month") else "number"
        words = COMPARED[op].get(kind, COMPARED[op]["number"])
        return self.say(*words[::2]) if holds else self.say(*words[1::2])

    def fold(self, expr: ir.Fold) -> str:
        over = self.domain(expr)
        if expr.where is not None:
            where = self.term(expr.where)
            over = self.say(f"符合{where}的{over}", f"{over} with {where}")
        if expr.take is not None and expr.op in ("sum", "least", "greatest"):
            take = self.term(expr.take)
            over = self.say(f"{over}的{take}", f"{take} of {over}")
        verb = FOLDS[expr.op]
        return self.say(f"{verb[0]}{over}", f"{verb[1]} {over}")

    def domain(self, expr: ir.Fold) -> str:
        """What a fold runs over: 成员."""
        if isinstance(expr.domain, ir.MonthRange):
            first, last = self.term(expr.domain.first), self.term(expr.domain.last)
            return self.say(f"{first}至{last}的每个月", f"months from {first} to {last}")
        return self.owned(expr.domain.subject, self.list_label(expr.domain))

    def list_label(self, items: ir.Items) -> str:
        lists = self.program.entities[items.entity].lists
        return self.label(lists[items.name].name) if items.name in lists else items.name

    def verdict(self, kind: str, name: str) -> str:
        if kind == "obtains":
            return self.say("获得", "is granted ") + self.label(self.program.measures[name].name)
        if kind == "outcome":
            measure = self.label(self.program.measures[name].name)
            return self.say(f"{measure}的结果", f"the outcome of {measure}")
        if kind == "amount":
            measure = self.label(self.program.measures[name].name)
            return self.say(f"{measure}的应发金额", f"the amount of {measure}")
        clause = self.quoted(self.clause(name))
        if kind == "meets":
            return self.say(f"符合{clause}的条件", f"meets {clause}")
        return self.say(f"{clause}受阻", f"{clause} is blocked")

    def clause(self, name: str) -> str:
        versions = self.program.clauses.get(name, ())
        return self.label(versions[0].basis.name) if versions else name

    # -- expressions with their values

    def named(self, step: Step) -> str:
        """A term as it stands here: a parameter with the keys it was read at, 特困基本生活费（分散）."""
        if not isinstance(step.expr, ir.Param) or not step.expr.keys:
            return self.term(step.expr)
        label = self.owned(step.expr.subject, self.label(self.program.parameters[step.expr.name].name))
        return label + self.aside(self.listed(self.shown(key) for key in step.inside))

    def operand(self, step: Step) -> str:
        """A term with its value: 人均月收入 780.00 元/人·月."""
        expr = bare(step).expr
        shown = self.shown(bare(step))
        if isinstance(expr, ir.Const | ir.Up | ir.Var):
            return shown
        if isinstance(expr, ir.Apply | ir.If | ir.Fold):
            return self.say(f"{self.term(expr)}，即 {shown}", f"{self.term(expr)}, which is {shown}")
        return f"{self.named(bare(step))} {shown}"

    def shown(self, step: Step) -> str:
        """The value of a step; the value of a sensitive fact, and what is read off one, is hidden under a mask."""
        if self.veiled(step):
            return self.hidden()
        value, of = step.value, step.expr.type
        if isinstance(value, Bounds) and not value.known and of.kind == "number" and not value.none:
            low, high = self.vague(step)
            return self.range(None if low else value.lo, None if high else value.hi, of)
        return ("≈ " if of.money and not self.exact(value) else "") + self.value(value, of)

    def vague(self, step: Step) -> tuple[bool, bool]:
        """Whether the low and the high end of an open figure come from nothing but a declared limit: no information."""
        step = bare(step)
        expr, inside = step.expr, step.inside
        if step.value.known:
            return False, False
        if isinstance(expr, ir.Fact) or (isinstance(expr, ir.Param) and (expr.keys or not inside)):
            return self.limits(expr)
        if (branch := taken(step)) is not None:
            return self.vague(branch)
        ends = [self.vague(s) for s in inside]
        if isinstance(expr, ir.Fold) and expr.op == "sum":
            ends = [self.vague(s.inside[-1]) for s in inside if s.inside and passes(s)]
        either = any(low for low, _ in ends), any(high for _, high in ends)
        match expr:
            case ir.Apply(op="subtract"):
                return ends[0][0] or ends[1][1], ends[0][1] or ends[1][0]
            case ir.Apply(op="divide") if not inside[1].value.known:
                return True, True
            case ir.Apply(op=op) if op in INFIX or op.startswith("round_"):
                return either
            case ir.Ref() | ir.Param() | ir.If() | ir.Fold(op="sum"):
                return either
        more = any(s.element is not None and s.element.rest is not None for s in inside)
        counted = isinstance(expr, ir.Fold) and expr.op == "count"
        return not counted, not counted or more

    def limits(self, expr: ir.Fact | ir.Param) -> tuple[bool, bool]:
        """The same for what nobody gave: a ceiling that other facts set tells something, a fixed one nothing."""
        decl: ir.FactDecl | ir.Parameter | None
        if isinstance(expr, ir.Fact):
            decl = self.program.entities[expr.entity].facts.get(expr.name)
        else:
            decl = self.program.parameters[expr.name]
        if decl is None:
            return True, True
        return decl.low is None, decl.high is None or isinstance(decl.high, ir.Const)

    def secret(self, expr: ir.Expr) -> bool:
        """Whether an expression reads a sensitive fact directly."""
        if isinstance(expr, ir.Apply) and expr.op == "present":
            expr = expr.args[0]
        return isinstance(expr, ir.Fact) and self.sensitive(expr.entity, expr.name)

    def veiled(self, step: Step) -> bool:
        """Whether a step would show something sensitive."""
        if not self.mask or isinstance(step.expr, ir.Const):
            return False
        if step.expr.type.kind not in ("choice", "multi", "text") and not isinstance(step.expr, ir.Fact):
            return False
        return any(
            isinstance(s.expr, ir.Fact) and self.sensitive(s.expr.entity, s.expr.name) for s in within(step)
        )

    def statement(self, step: Step) -> str:
        """One condition that stands by itself, as a sentence that is true here."""
        value, expr = step.value, step.expr
        assert isinstance(value, Bounds)
        if isinstance(expr, ir.Apply):
            if any(self.veiled(bare(s)) for s in step.inside):
                return self.outcome(self.veil(step), value)
            if value.known and (sentence := self.worded(expr.op, step, bool(value.lo))):
                return sentence
            if not value.known and expr.op in COMPARED and len(step.inside) == 2:
                left, right = (self.operand(s) for s in step.inside)
                word = self.compared(expr.op, expr.args[0], True)
                return self.say(
                    f"{self.spaced(f'{left}，是否', word, right)}：尚不清楚",
                    f"not yet known whether {left} {word} {right}",
                )
        if self.veiled(step):
            return f"{self.term(expr)}{self.say('：', ': ')}{self.hidden()}"
        return self.outcome(self.term(expr), value)

    def veil(self, step: Step) -> str:
        """What a sensitive condition is about, and no more."""
        return self.listed(
            dict.fromkeys(self.term(bare(s).expr) for s in step.inside if self.veiled(bare(s)))
        ) + self.aside(self.hidden())

    def outcome(self, text: str, value: Bounds) -> str:
        if not value.known:
            return self.say(f"{text}：尚不清楚", f"{text}: not yet known")
        return self.say(f"{text}：{'是' if value.lo else '否'}", f"{text}: {'yes' if value.lo else 'no'}")

    def worded(self, op: str, step: Step, holds: bool) -> str:
        """A known comparison, or nothing when its opposite would not be the whole truth."""
        inside = [bare(s) for s in step.inside]
        if op in ("has", "has_not"):
            present = (op == "has") == holds
            term = self.term(inside[0].expr)
            if not present:
                return self.say(f"没有{term}", f"no {term}")
            return self.say(f"有{term}：", f"has {term}: ") + self.shown(inside[0])
        if len(inside) != 2:
            return ""
        left, right = inside
        term, shown, other = self.term(left.expr), self.shown(left), self.shown(right)
        if op == "contains":
            if holds or not isinstance(left.value, Subset) or left.value.must:
                return self.say(
                    f"{term}{'' if holds else '不'}含{other}",
                    f"{term} {'includes' if holds else 'does not include'} {other}",
                )
            return f"{term}{self.say('：', ': ')}{shown}"
        if op == "among" or (op in ("eq", "ne") and left.expr.type.kind == "choice"):
            if left.value.known and left.value.value is None:
                return self.say(f"没有{term}", f"no {term}")
            inside_list = holds == (op != "ne")
            said = self.spaced(term, self.say("为", "is"), shown if left.value.known else other)
            return said if inside_list else said + self.say(f"，不是{other}", f", not {other}")
        if op not in COMPARED or left.value.none or right.value.none:
            return ""
        if left.expr.type.kind == "bool" and isinstance(left.value, Bounds):
            return self.outcome(term, left.value)
        word = self.compared(op, left.expr, holds)
        return self.spaced(self.operand(left) + self.say("，", ""), word, self.operand(right))

    # -- arithmetic

    def formula(self, step: Step, values_only: bool = False) -> str:
        """A calculation with its figures: 农村低保标准 600.00 元/人·月 × 保障人口 3 人."""
        step = bare(step)
        expr = step.expr
        match expr:
            case ir.Apply(op=op) if op in INFIX:
                parts = [self.part(s, op, values_only, last=place > 0) for place, s in enumerate(step.inside)]
                return f" {INFIX[op]} ".join(parts)
            case ir.Apply(op="negative"):
                return f"−{self.part(step.inside[0], 'multiply', values_only)}"
            case ir.Apply(op=op):
                return (
                    f"{self.function(op)}({self.listed(self.formula(s, values_only) for s in step.inside)})"
                )
            case ir.If() if (branch := taken(step)) is not None:
                return self.formula(branch, values_only)
            case ir.Fold(op="sum"):
                return self.terms_of_sum(step)
            case ir.Fold(op="count"):
                names = [self.short(s.element) for s in step.inside if s.element is not None and passes(s)]
                few = self.aside(self.listed(names)) if len(names) <= NAMES_SHOWN else ""
                return self.value(step.value, expr.type) + few
            case ir.Const() | ir.Var():
                return self.shown(step)
        return self.shown(step) if values_only else f"{self.named(step)} {self.shown(step)}"

    def part(self, step: Step, around: str, values_only: bool, last: bool = False) -> str:
        """An operand of a calculation; with `values_only` a product is worked out and loses its unit."""
        inner = bare(step).expr
        if values_only and isinstance(inner, ir.Apply) and INFIX.get(inner.op) in PRODUCTS:
            return self.shown(bare(step))
        text = self.formula(step, values_only)
        summed = isinstance(inner, ir.Fold) and inner.op == "sum" and " + " in text
        op = "add" if summed else inner.op if isinstance(inner, ir.Apply) else ""
        return f"({text})" if looser(op, around, last) else text

    def terms_of_sum(self, step: Step) -> str:
        """The summands by name: 工资性收入 9,600.00 元/年 + 经营净收入 3,000.00 元/年; what was left out is named."""
        counted = [s for s in step.inside if s.element is not None and passes(s)]
        left_out = [s for s in step.inside if s.element is not None and not passes(s) and not s.element.rest]
        text = " + ".join(
            f"{self.short(s.element)} {self.shown(s)}" for s in counted if s.element is not None
        )
        if not counted:
            return self.value(step.value, step.expr.type)
        if len(counted) > NAMES_SHOWN:
            text = self.say(f"{len(counted)} 项合计", f"{len(counted)} amounts")
        names = [self.short(s.element) for s in left_out if s.element is not None]
        return text + (self.aside(self.say("不计入：", "left out: ") + self.listed(names)) if names else "")


def looser(inner: str, around: str, last: bool) -> bool:
    """Whether an operation needs brackets as an operand of another: a sum in a product, what is taken off or divided by."""
    if INFIX.get(inner) in SUMS:
        return INFIX.get(around) in PRODUCTS or (last and INFIX.get(around) == "−")
    return INFIX.get(inner) in PRODUCTS and last and around == "divide"


def bare(step: Step) -> Step:
    """The step behind a `present`, which only tells the types that 无 is excluded."""
    while isinstance(step.expr, ir.Apply) and step.expr.op == "present" and step.inside:
        step = step.inside[0]
    return step


def within(step: Step) -> Iterator[Step]:
    """A step and everything inside it."""
    yield step
    for inner in step.inside:
        yield from within(inner)


def taken(step: Step) -> Step | None:
    """The branch that a 如果 took, when that is known."""
    if not isinstance(step.expr, ir.If) or len(step.inside) != 3 or not step.inside[0].value.known:
        return None
    return step.inside[1] if step.inside[0].value.value else step.inside[2]


def passes(element: Step) -> bool:
    """Whether a fold element may count: it is there and passes the filter, or perhaps does."""
    where = element.inside[0].value if element.inside else None
    if isinstance(element.value, Bounds) and element.value.known and element.value.lo is False:
        return False
    return not (where is not None and where.known and where.value is False)
