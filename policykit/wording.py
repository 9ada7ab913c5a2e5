"""Values, records and expressions → words, in Chinese or English, as an explanation says them.

A statement always says what holds: a comparison that failed is worded as its opposite, with both figures. With
`mask`, names keep their first character, numbers of identity their last four digits, and sensitive facts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from policykit import ir
from policykit.datatypes import Type, show_dimension, widest
from policykit.facts import Instance
from policykit.ops import OPS
from policykit.trace import Step, Trace
from policykit.values import NOTHING, Bounds, Gap, Month, Number, Options, Subset, Value, round_half_up

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
PLURALS = {"person": "persons", "household": "households", "month": "months", "year": "years", "day": "days"}
LAST_SEGMENT = re.compile(r"(?:(.*)\.)?(\w+)(?:\[(\d+|…)\])?")
LONG_NUMBER = re.compile(r"\d{11,17}[\dXx]")
NAMES_SHOWN = 6


class Words:
    """Says things about one trace in one language."""

    def __init__(self, trace: Trace, language: str, mask: bool) -> None:
        self.trace, self.program, self.language, self.mask = trace, trace.program, language, mask
        names = {name for record in trace.case.index.values() if len(name := self.written_name(record)) > 1}
        self._names = sorted(names, key=lambda name: (-len(name), name))

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def label(self, name: ir.Name) -> str:
        return name.label(self.language)

    def quoted(self, text: str) -> str:
        return self.say(f"“{text}”", f"“{text}”")

    def listed(self, texts: Iterable[str], conjunction: bool = False) -> str:
        """Several texts as one enumeration, with `conjunction` as alternatives."""
        found = list(texts)
        if conjunction and len(found) > 1:
            return self.say("、", ", ").join(found[:-1]) + self.say("或", " or ") + found[-1]
        return self.say("、", ", ").join(found)

    def aside(self, text: str) -> str:
        return self.say(f"（{text}）", f" ({text})") if text else ""

    # -- what must not be seen

    def hidden(self) -> str:
        return self.say("已隐去", "hidden")

    def name(self, name: str) -> str:
        return name[:1] + "＊" if self.mask else name

    def free(self, text: str) -> str:
        """A text that somebody wrote, with names and long numbers masked where asked."""
        if not self.mask:
            return text
        for name in self._names:
            text = text.replace(name, self.name(name))
        return LONG_NUMBER.sub(lambda found: "＊＊＊" + found.group()[-4:], text)

    def sensitive(self, entity: str, fact: str) -> bool:
        decl = self.program.entities[entity].facts.get(fact)
        return self.mask and decl is not None and decl.sensitive

    # -- records

    def written_name(self, record: Instance) -> str:
        """What a record is called in the input, or nothing."""
        entity = self.program.entities[record.entity]
        named = record.known(entity.called) if entity.called else None
        return named if isinstance(named, str) else ""

    def record(self, record: Instance) -> str:
        """How a record is referred to: 全户（张大山）, 张小梅, 2020年6月18日的复核."""
        if record is self.trace.case.root:
            name = self.written_name(record)
            label = self.label(self.program.entities[record.entity].name)
            return self.say(f"全{label}", f"whole {label}") + self.aside(self.name(name))
        return self.short(record)

    def short(self, record: Instance) -> str:
        """The same, without what stands around it."""
        entity = self.program.entities[record.entity]
        if name := self.written_name(record):
            return self.name(name)
        if record.upper is not None and record in self.trace.case.subjects:
            number = [r for r in self.trace.case.subjects if r.upper is record.upper].index(record) + 1
            member = self.say(f"成员{number}", f"member {number}")
            return member + self.aside(self.kind(record))
        day = record.known(entity.known_from) if entity.known_from else None
        if isinstance(day, date):
            return self.say(f"{self.date(day)}的{self.label(entity.name)}", f"{self.label(entity.name)} of {self.date(day)}")
        if record.path in self.trace.case.index and (kind := self.kind(record)):
            return kind
        return self.place(record.path)

    def kind(self, record: Instance) -> str:
        """The first known choice of a record, which tells it from others: 配偶, 工资性收入."""
        for fact in self.program.entities[record.entity].facts.values():
            given = record.facts.get(fact.name.id)
            if fact.type.kind == "choice" and not fact.sensitive and given and given.value is not None:
                return self.value(given.value, fact.type) if given.value.known else ""
        return ""

    def entity_at(self, path: str) -> str:
        """The entity of the record at a path, whether or not anybody described it."""
        known = self.trace.case.index.get(path)
        if known is not None:
            return known.entity
        found = LAST_SEGMENT.fullmatch(path)
        if found is None or path == self.trace.case.root.path:
            return self.program.root
        above = self.entity_at(found[1] if found[1] is not None else self.trace.case.root.path)
        if found[2] in self.program.entities[above].lists:
            return self.program.entities[above].lists[found[2]].item
        return found[2] if found[2] in self.program.entities else above

    def place(self, path: str) -> str:
        """A path as words: 张大山的义务人1."""
        record = self.trace.case.index.get(path)
        found = LAST_SEGMENT.fullmatch(path)
        if path == self.trace.case.root.path or found is None:
            return self.record(self.trace.case.root)
        if record is not None and (self.written_name(record) or record in self.trace.case.subjects):
            return self.short(record)
        above, segment, number = found.groups()
        entity = self.program.entities[self.entity_at(above if above is not None else self.trace.case.root.path)]
        if segment in entity.lists:
            label = self.label(entity.lists[segment].name)
        elif segment in self.program.entities:
            owner = self.place(above) if above is not None else ""
            label = self.label(self.program.entities[segment].name)
            return self.say(f"{owner}所在的{label}", f"{label} of {owner}")
        else:
            label = segment
        if number == "…":
            label = self.say(f"尚未查明的{label}", f"unknown further {label}")
        elif number is not None:
            label = self.say(f"{label}{int(number) + 1}", f"{label} {int(number) + 1}")
        if above is None:
            return label
        return self.say(f"{self.place(above)}的{label}", f"{label} of {self.place(above)}")

    # -- values

    def value(self, value: Value, of: Type) -> str:
        """What is known of a value, in its unit: known, a range, or 未知."""
        unknown = self.say("未知", "unknown")
        if isinstance(value, Subset):
            if not value.known:
                return unknown
            return self.listed(self.option(of.of, label) for label in sorted(value.must)) or self.say("没有", "none")
        if isinstance(value, Options):
            if value.values is None or (not value.known and self.is_open(value, of)):
                return unknown
            return self.listed(sorted(self.plain(one, of) for one in value.values), conjunction=True)
        if value.known:
            return self.plain(value.lo, of)
        if of.kind == "number" and not value.none:
            return self.range(value.lo, value.hi, of)
        return unknown

    def is_open(self, value: Options, of: Type) -> bool:
        labels = self.program.choices[of.of].labels if of.kind == "choice" else frozenset[str]()
        return not labels or value.values is None or labels <= value.values

    def range(self, low: Number, high: Number, of: Type) -> str:
        """600.00–1,800.00 元; an end that is only the type's own limit is no information."""
        limits = widest(of, NOTHING)
        least, most = (limits.lo, limits.hi) if isinstance(limits, Bounds) else (low, high)
        if low <= least and high >= most:
            return self.say("未知", "unknown")
        if low <= least or (of.money and low < 0):
            return self.say(f"至多 {self.plain(high, of)}", f"at most {self.plain(high, of)}")
        if high >= most:
            return self.say(f"至少 {self.plain(low, of)}", f"at least {self.plain(low, of)}")
        return f"{self.figure(low, of)}–{self.plain(high, of)}"

    def plain(self, value: Any, of: Type) -> str:
        """One plain value of a type."""
        match value:
            case None:
                return self.say("无", "none")
            case bool():
                return self.say("是", "yes") if value else self.say("否", "no")
            case int() | Fraction():
                unit = self.unit(of, value)
                return f"{self.figure(value, of)} {unit}" if unit else self.figure(value, of)
            case date():
                return self.date(value)
            case Month():
                return self.say(f"{value.year}年{value.month}月", str(value))
            case Instance():
                return self.record(value)
            case str() if of.kind == "choice":
                return self.option(of.of, value)
        return self.free(str(value))

    def option(self, choice: str, label: str) -> str:
        options = self.program.choices[choice].options if choice in self.program.choices else ()
        return next((self.label(option.name) for option in options if option.name.id == label), label)

    def date(self, day: date) -> str:
        return self.say(f"{day.year}年{day.month}月{day.day}日", day.isoformat())

    def figure(self, number: Number, of: Type) -> str:
        """A number without its unit: money in yuan with two decimals, 0.2 without a unit as 20%."""
        if of.money:
            fen = round_half_up(number, 1)
            return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
        if isinstance(number, int):
            return f"{number:,}"
        if not of.dimension and (number * 100).denominator == 1:
            return f"{number * 100}%"
        hundredths = round_half_up(number * 100, 1)
        return f"{'-' if hundredths < 0 else ''}{abs(hundredths) // 100:,}.{abs(hundredths) % 100:02d}"

    def unit(self, of: Type, number: Number = 2) -> str:
        if of.dimension == (("月", 1),):
            return self.say("个月", "month" if number == 1 else "months")
        unit = show_dimension(of.dimension, self.language)
        return unit if number == 1 else PLURALS.get(unit, unit)

    def exact(self, value: Value) -> bool:
        """Whether a known number is shown as it is: a fraction of a fen is not."""
        return not (isinstance(value, Bounds) and value.known and isinstance(value.lo, Fraction))

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
                shown = f"[{self.listed(self.term(key) for key in keys)}]" if keys else ""
                return self.owned(subject, self.label(self.program.parameters[name].name)) + shown
            case ir.Const(value=value, type=of):
                return self.value(value, of)
            case ir.Today(type=of):
                return self.say("本月", "this month") if of.kind == "month" else self.say("评价日", "the day")
            case ir.Up(type=of):
                return self.label(self.program.entities[of.of].name)
            case ir.Var(slot=slot):
                return self.say("本人", "the subject") if slot == "self" else slot.removeprefix("choice:").replace("_", " ")
        return self.condition(expr)

    def owned(self, subject: ir.Expr | None, label: str) -> str:
        """A term of a record that has a name of its own; whose it is goes without saying elsewhere."""
        if not isinstance(subject, ir.Ref | ir.Fact):
            return label
        return self.say(f"{self.term(subject)}的{label}", f"{label} of {self.term(subject)}")

    def condition(self, expr: ir.Expr) -> str:
        """An expression in words: 项目为低保，并且本月在付."""
        match expr:
            case ir.Apply(op="and" | "or" as op, args=args):
                joined = (" 并且 ", " and ") if op == "and" else (" 或者 ", " or ")
                return self.say(*joined).join(self.bracketed(arg, op) for arg in args)
            case ir.Apply(op="not", args=(arg,)):
                return self.say(f"并非（{self.term(arg)}）", f"not ({self.term(arg)})")
            case ir.Apply(op="has" | "has_not" as op, args=(arg,)):
                return (self.say("有", "has ") if op == "has" else self.say("没有", "has no ")) + self.term(arg)
            case ir.Apply(op="among", args=(arg, labels)):
                return self.say(f"{self.term(arg)}属于 {self.term(labels)}", f"{self.term(arg)} is one of {self.term(labels)}")
            case ir.Apply(op="contains", args=(arg, label)):
                return self.say(f"{self.term(arg)}含 {self.term(label)}", f"{self.term(arg)} includes {self.term(label)}")
            case ir.Apply(op="present", args=(arg,)):
                return self.term(arg)
            case ir.Apply(op=op, args=(left, right)) if op in COMPARED:
                return f"{self.term(left)} {self.compared(op, left, True)} {self.term(right)}"
            case ir.Apply(op=op, args=(left, right)) if op in INFIX:
                return f"{self.bracketed(left, op)} {INFIX[op]} {self.bracketed(right, op)}"
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

    def bracketed(self, expr: ir.Expr, around: str) -> str:
        """An operand, in brackets where it would be read otherwise."""
        inner = expr.op if isinstance(expr, ir.Apply) else ""
        mixed = {"and", "or"} >= {inner, around} and inner != around
        loose = INFIX.get(inner) in SUMS and INFIX.get(around) in PRODUCTS
        return self.aside(self.term(expr)).strip() if mixed or loose else self.term(expr)

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
        where = self.aside(self.term(expr.where)) if expr.where is not None else ""
        verb = FOLDS[expr.op]
        return self.say(f"{verb[0]}{over}{where}", f"{verb[1]} {over}{where}")

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
        clause = self.quoted(self.clause(name))
        if kind == "meets":
            return self.say(f"符合{clause}的条件", f"meets {clause}")
        return self.say(f"{clause}受阻", f"{clause} is blocked")

    def clause(self, name: str) -> str:
        versions = self.program.clauses.get(name, ())
        return self.label(versions[0].basis.name) if versions else name

    # -- expressions with their values

    def operand(self, step: Step) -> str:
        """A term with its value: 人均月收入 780.00 元/人·月."""
        expr = bare(step).expr
        shown = self.shown(bare(step))
        if isinstance(expr, ir.Const | ir.Up | ir.Var):
            return shown
        if isinstance(expr, ir.Apply | ir.If | ir.Fold | ir.Today):
            return f"{self.term(expr)}{self.aside(shown)}"
        return f"{self.term(expr)} {shown}"

    def shown(self, step: Step) -> str:
        """The value of a step; the value of a sensitive fact, and what is read off one, is hidden under a mask."""
        if self.veiled(step):
            return self.hidden()
        approximate = "" if self.exact(step.value) or not step.expr.type.money else "≈ "
        return approximate + self.value(step.value, step.expr.type)

    def veiled(self, step: Step) -> bool:
        """Whether a step would show something sensitive."""
        if not self.mask or step.expr.type.kind in ("number", "record") or isinstance(step.expr, ir.Const):
            return False
        return any(isinstance(s.expr, ir.Fact) and self.sensitive(s.expr.entity, s.expr.name) for s in within(step))

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
                return self.say(f"{left} 是否{word} {right}：尚不清楚", f"not yet known whether {left} {word} {right}")
        if self.veiled(step):
            return f"{self.term(expr)}{self.say('：', ': ')}{self.hidden()}"
        return self.outcome(self.term(expr), value)

    def veil(self, step: Step) -> str:
        """What a sensitive condition is about, and no more."""
        return self.listed(dict.fromkeys(self.term(bare(s).expr) for s in step.inside if self.veiled(bare(s)))) + self.aside(self.hidden())

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
            return self.say("有", "has ") + term + self.aside(self.shown(inside[0]))
        if len(inside) != 2:
            return ""
        left, right = inside
        if op in ("among", "contains"):
            head = f"{self.term(left.expr)} {self.say('为', 'is')} {self.shown(left)}"
            if holds and op == "among":
                return head
            labels = self.shown(right)
            if holds:
                return self.say(f"{self.term(left.expr)}含 {labels}", f"{self.term(left.expr)} includes {labels}")
            return head if op == "contains" else self.say(f"{head}，不在 {labels} 之列", f"{head}, not one of {labels}")
        if op not in COMPARED or left.value.none or right.value.none:
            return ""
        if op in ("eq", "ne") and (op == "eq") == holds and left.expr.type.kind == "choice":
            return f"{self.term(left.expr)} {self.say('为', 'is')} {self.shown(right)}"
        if op in ("eq", "ne") and left.expr.type.kind == "choice":
            shown = f"{self.term(left.expr)} {self.say('为', 'is')} {self.shown(left)}"
            return self.say(f"{shown}，不是 {self.shown(right)}", f"{shown}, not {self.shown(right)}")
        return f"{self.operand(left)} {self.compared(op, left.expr, holds)} {self.operand(right)}"

    # -- arithmetic

    def formula(self, step: Step, values_only: bool = False) -> str:
        """A calculation with its figures: 农村低保标准 600.00 元/人·月 × 保障人口 3 人."""
        step = bare(step)
        expr = step.expr
        match expr:
            case ir.Apply(op=op) if op in INFIX:
                parts = [self.part(s, op, values_only) for s in step.inside]
                return f" {INFIX[op]} ".join(parts)
            case ir.Apply(op="negative"):
                return f"−{self.part(step.inside[0], 'multiply', values_only)}"
            case ir.Apply(op=op):
                return f"{self.function(op)}({self.listed(self.formula(s, values_only) for s in step.inside)})"
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
        return self.shown(step) if values_only else f"{self.term(expr)} {self.shown(step)}"

    def part(self, step: Step, around: str, values_only: bool) -> str:
        """An operand of a calculation; with `values_only` a product is worked out and loses its unit."""
        inner = bare(step).expr
        if values_only and isinstance(inner, ir.Apply) and INFIX.get(inner.op) in PRODUCTS:
            return self.shown(bare(step))
        text = self.formula(step, values_only)
        loose = isinstance(inner, ir.Apply) and INFIX.get(inner.op) in SUMS and INFIX.get(around) in PRODUCTS
        return f"({text})" if loose else text

    def terms_of_sum(self, step: Step) -> str:
        """The summands by name: 工资性收入 9,600.00 元/年 + 经营净收入 3,000.00 元/年; what was left out is named."""
        counted = [s for s in step.inside if s.element is not None and passes(s)]
        left_out = [s for s in step.inside if s.element is not None and not passes(s) and not s.element.rest]
        text = " + ".join(f"{self.short(s.element)} {self.shown(s)}" for s in counted if s.element is not None)
        if not counted:
            return self.value(step.value, step.expr.type)
        if len(counted) > NAMES_SHOWN:
            text = self.say(f"{len(counted)} 项合计", f"{len(counted)} amounts")
        names = [self.short(s.element) for s in left_out if s.element is not None]
        return text + (self.aside(self.say("不计入：", "left out: ") + self.listed(names)) if names else "")

    # -- gaps

    def question(self, gap: Gap) -> tuple[str, str, str]:
        """What is missing: whose it is, what it is called, and the question to ask."""
        whose = self.place(gap.path) if gap.path else ""
        name, _, keys = gap.name.partition("[")
        parameter = self.program.parameters.get(name)
        if gap.kind == "parameter" and parameter is not None:
            labels = [self.option(c, k) for c, k in zip(parameter.keys, keys.rstrip("]").split(","), strict=False) if k]
            shown = self.label(parameter.name) + self.aside(self.listed(labels))
            return whose, shown, parameter.question or self.say(f"请查明并填写{shown}。", f"Please find out {shown}.")
        if gap.kind == "parameter":
            define = self.program.defines.get(name)
            shown = self.label(define.name) if define else name
            return whose, shown, self.say(f"{shown}在这一天没有有效的规定，请查明。", f"No rule for {shown} is in force on this day.")
        if gap.kind == "ruling":
            measure = self.program.measures.get(name)
            shown = self.label(measure.name) if measure else name
            return whose, shown, self.say(f"{shown}还没有作出决定。", f"{shown} has not been decided yet.")
        entity = self.program.entities[self.entity_at(gap.path)]
        decl = entity.facts.get(gap.name) or entity.lists.get(gap.name)
        shown = self.label(decl.name) if decl else gap.name
        if decl is not None and decl.question:
            return whose, shown, decl.question
        if gap.kind == "list":
            return whose, shown, self.say(f"有没有{shown}？有的逐条写明，没有就写“没有”。", f"List every {shown}, or say that there is none.")
        return whose, shown, self.say(f"请查明{shown}。", f"Please find out {shown}.")


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
