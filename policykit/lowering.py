"""Symbols → ir: every expression typed, every name tied, every operation resolved; sugar ends here.

An expression that cannot be understood is reported once, at the innermost fault, and its rule left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from policykit import ir, ops, syntax, values
from policykit.datatypes import (
    BOOL,
    COUNT,
    DATE,
    MONTH,
    TEXT,
    Dimension,
    Type,
    number,
    parse_unit,
    show_dimension,
)
from policykit.diagnostics import Language
from policykit.source import Span
from policykit.symbols import KIND_NAMES, Symbols
from policykit.syntax import Declaration, Word
from policykit.values import Options, Subset, exactly
from policykit.words import SPELLINGS, TYPE_NAMES, listed, swallowed

TODAY = {"今日": DATE, "today": DATE, "本月": MONTH, "this_month": MONTH}
SELF = {"本人", "self", "本户", "this_household"}
_OWN_NAMES = [
    ir.Name("today", "今日"), ir.Name("this_month", "本月"), ir.Name("self", "本人"), ir.Name("this_household", "本户")
]  # fmt: skip

#: Defined terms are lowered inner ones first, so that only a circle of references nests deeper than this.
MOST_UNDERWAY = 50


class Fault(Exception):
    """An expression that cannot be understood; already reported."""


@dataclass(slots=True)
class Scope:
    """The names an expression sees: subjects and fold elements, innermost last, and quantities an approver chooses.

    `present` holds the shapes of what a surrounding 如果 有 … has made sure is not 无.
    """

    slots: list[ir.Var] = field(default_factory=list)
    named: dict[str, ir.Expr] = field(default_factory=dict)
    present: frozenset[str] = frozenset()

    def with_slot(self, var: ir.Var, name: str | None) -> Scope:
        named = {**self.named, name: var} if name else self.named
        return Scope([*self.slots, var] if var.type.kind == "record" else self.slots, named, self.present)

    def knowing(self, condition: ir.Expr) -> Scope:
        """The scope of a branch taken when a condition holds."""
        return Scope(self.slots, self.named, self.present | {ir.shape(e) for e in made_sure(condition)})


def on_subject(entity: str | None) -> Scope:
    """The scope of a rule on one entity."""
    return Scope([ir.Var("self", Type("record", entity))] if entity else [])


class Lowering:
    """Lowers the expressions of one declaration; `program` holds the declarations' types."""

    def __init__(self, symbols: Symbols, declaration: Declaration, types: Declared) -> None:
        self.symbols, self.declaration, self.types = symbols, declaration, types
        self.language: Language = symbols.language(declaration)
        self.fresh = 0

    # -- reports

    def fault(self, code: str, span: Span, *fields: tuple[str, str], fix: str = "") -> Fault:
        self.symbols.report(self.declaration, code, span, *fields, fix=fix)
        return Fault()

    def show(self, of: Type) -> str:
        """A type as a person reads it."""
        which = 0 if self.language == "zh" else 1
        if of.kind == "number":
            unit = show_dimension(of.dimension, self.language)
            shown = unit or TYPE_NAMES["number"][which]
        elif of.kind in ("choice", "multi"):
            shown = f"{TYPE_NAMES[of.kind][which]} {self.symbols.names['choice', of.of].label(self.language)}"
        elif of.kind in ("record", "list"):
            shown = self.symbols.names["entity", of.of].label(self.language)
        else:
            shown = TYPE_NAMES[of.kind][which]
        return shown + (("或 无", " or none")[which] if of.optional else "")

    def expect(self, expr: ir.Expr, wanted: Type) -> ir.Expr:
        """The expression, whose type must be this one (无 allowed only where wanted)."""
        if expr.type.required() != wanted.required() or (expr.type.optional and not wanted.optional):
            hint = ""
            if expr.type.required() == wanted.required():
                hint = (
                    "先用 如果 有 … 则 … 处理为无的情形" if self.language == "zh" else "deal with none first"
                )
            code = "T001" if expr.type.kind == wanted.kind == "number" and not hint else "T002"
            fields = (("left", self.show(wanted)), ("right", self.show(expr.type))) if code == "T001" else (
                ("wanted", self.show(wanted)), ("found", self.show(expr.type)))  # fmt: skip
            raise self.fault(code, expr.span, *fields, ("hint", hint))
        return expr

    # -- names

    def unknown(self, word: Word, known: Sequence[str]) -> Fault:
        if word.text in self.symbols.lost:
            return Fault()
        zh, fix = self.language == "zh", ""
        parts = next((parts for parts in swallowed(word.text) if (parts[0] or parts[2]) in known), None)
        hint = self.symbols.hint(word.text, known, self.language)
        if parts is not None:
            hint = "词语之间漏了空格" if zh else "a space is missing between the words"
            line = self.symbols.source(self.declaration).line(word.span.line)
            at = word.span.column - 1
            fix = f"{line[:at]}{' '.join(filter(None, parts))}{line[at + len(word.text) :]}".strip()
        hint = hint or (
            "检查写法；事实、定义、参数都要先声明"
            if zh
            else "check the spelling; facts, terms and parameters are declared first"
        )
        return self.fault("N001", word.span, ("name", word.text), ("hint", hint), fix=fix)

    def path(self, path: syntax.Path, scope: Scope, expected: Type | None = None) -> ir.Expr | ir.Items:
        """What a name, or names joined by dots, stands for."""
        first, *rest = path.words
        found = self.narrow(self.first(first, scope, expected if not rest else None), scope)
        for word in rest:
            if isinstance(found, ir.Items) or found.type.kind != "record":
                raise self.wrong_kind(word, found)
            member = self.member(found, word.text, word.span)
            if member is None:
                raise self.unknown(word, self.types.names_on(found.type.of))
            self.tie(word, member)
            found = self.narrow(member, scope)
        return found

    def narrow(self, found: ir.Expr | ir.Items, scope: Scope) -> ir.Expr | ir.Items:
        """The same thing without 无, where a surrounding condition has made sure of it."""
        if isinstance(found, ir.Items) or not found.type.optional or ir.shape(found) not in scope.present:
            return found
        return ir.Apply("present", (found,), found.type.required(), "", found.span)

    def wrong_kind(self, word: Word, found: ir.Expr | ir.Items) -> Fault:
        zh = self.language == "zh"
        have = ("列表" if zh else "a list") if isinstance(found, ir.Items) else self.show(found.type)
        want = "一条记录" if zh else "a record"
        hint = "用 任一/全部/计数/求和 … 读列表" if zh and isinstance(found, ir.Items) else ""
        return self.fault(
            "N004", word.span, ("name", word.text), ("found", have), ("wanted", want), ("hint", hint)
        )

    def tie(self, word: Word, meant: ir.Expr | ir.Items) -> None:
        """Notes which declared name a word was found to mean."""
        match meant:
            case ir.Fact(_, entity, _) | ir.Items(_, entity, _):
                declared = self.types.on_entity(entity, word.text)
                names = [declared.name] if declared is not None else []
            case ir.Param(ident):
                names = [self.types.parameters[ident].name]
            case ir.Ref(ident):
                names = [self.types.defines[ident].name]
            case ir.Const():
                names = [
                    o.name
                    for o in self.types.choices[meant.type.of].options
                    if o.name.id == meant.value.value
                ]
            case _:
                names = [*_OWN_NAMES, *self.chosen()]
                if meant.type.kind == "record":
                    names.append(self.symbols.names["entity", meant.type.of])
        for name in names:
            self.symbols.tie(word, name)

    def chosen(self) -> list[ir.Name]:
        """The names of what the declaration leaves to somebody's discretion."""
        parts = [field.values[0] for field in self.declaration.all("discretion")]
        return [ir.Name(part.ident or part.name.text, part.name.text) for part in parts]

    def first(self, word: Word, scope: Scope, expected: Type | None) -> ir.Expr | ir.Items:
        """What a name stands for where nothing stands before it."""
        found = self.lookup(word, scope, expected)
        element = scope.named.get(word.text)
        if not isinstance(element, ir.Var) or element.slot.startswith(
            "choice:"
        ):  # an element has one name only
            self.tie(word, found)
        return found

    def lookup(self, word: Word, scope: Scope, expected: Type | None) -> ir.Expr | ir.Items:
        text, span = word.text, word.span
        if text in scope.named:
            named = scope.named[text]
            return ir.Var(named.slot, named.type, span) if isinstance(named, ir.Var) else named
        if expected is not None and expected.kind == "choice":
            label = self.types.label(expected.of, text)
            if label is not None:
                return ir.Const(Options(frozenset([label])), expected.required(), span)
        if text in TODAY:
            return ir.Today(TODAY[text], span)
        if text in SELF and scope.slots:
            return ir.Var("self", scope.slots[0].type, span)
        for slot in reversed(scope.slots):
            found = self.member(ir.Var(slot.slot, slot.type, span), text, span)
            if found is not None:
                return found
        entity = self.symbols.find("entity", text)
        if entity is not None:
            enclosing = self.enclosing(entity, scope, span)
            if enclosing is not None:
                return enclosing
        parameter = self.types.parameter(text)
        if parameter is not None and self.types.parameters[parameter].entity is None:
            return ir.Param(parameter, None, (), self.types.parameters[parameter].type, span)
        define = self.symbols.find("define", text)
        if define is not None and self.types.defines[define].entity is None:
            return ir.Ref(define, None, self.types.define_type(define, self, span), span)
        if expected is not None and expected.kind == "choice":
            raise self.no_label(word, expected)
        lone = self.types.lone_label(text)
        if lone is not None:
            return ir.Const(Options(frozenset([lone[1]])), Type("choice", lone[0]), span)
        known = [name for slot in scope.slots for name in self.types.names_on(slot.type.of)]
        for slot in scope.slots:
            for upper in self.types.uppers(slot.type.of)[1:]:
                if text in self.types.names_on(upper):
                    raise self.fault(
                        "N001",
                        span,
                        ("name", text),
                        ("hint", ""),
                        fix=f"{self.types.entity_label(upper)}.{text}",
                    )
        raise self.unknown(
            word, [*known, *self.symbols.ids["parameter"], *self.symbols.ids["define"], *scope.named]
        )

    def enclosing(self, entity: str, scope: Scope, span: Span) -> ir.Expr | None:
        """The record of this entity that is the subject or an element, or that one of them lies in."""
        for slot in reversed(scope.slots):
            path = self.types.uppers(slot.type.of)
            if entity in path:
                expr: ir.Expr = ir.Var(slot.slot, slot.type, span)
                for upper in path[1 : path.index(entity) + 1]:
                    expr = ir.Up(expr, Type("record", upper), span)
                return expr
        return None

    def member(self, base: ir.Expr, text: str, span: Span) -> ir.Expr | ir.Items | None:
        """A fact, list, defined term or parameter of a record, or the record it lies in."""
        entity, optional = base.type.of, base.type.optional
        found = self.types.on_entity(entity, text)
        if isinstance(found, ir.FactDecl):
            of = found.type
            lifted = Type(of.kind, of.of, of.dimension, (of.optional or optional) and of.kind != "bool")
            return ir.Fact(base, entity, found.name.id, lifted, span)
        if isinstance(found, ir.ListDecl):
            if found.single:
                return ir.Fact(
                    base,
                    entity,
                    found.name.id,
                    Type("record", found.item, (), found.optional or optional),
                    span,
                )
            return ir.Items(base, entity, found.name.id, found.item, span)
        parameter = self.types.parameter(text)
        if parameter is not None and self.types.parameters[parameter].entity == entity:
            return ir.Param(parameter, base, (), self.types.parameters[parameter].type, span)
        define = self.symbols.find("define", text)
        if define is not None and self.types.defines[define].entity == entity:
            of = self.types.define_type(define, self, span)
            lifted = Type(of.kind, of.of, of.dimension, (of.optional or optional) and of.kind != "bool")
            return ir.Ref(define, base, lifted, span)
        path = self.types.uppers(entity)
        target = self.symbols.find("entity", text)
        if target in path[1:]:
            expr = base
            for upper in path[1 : path.index(target) + 1]:
                expr = ir.Up(expr, Type("record", upper, (), optional), span)
            return expr
        return None

    # -- expressions

    def truth(self, node: syntax.Expr, scope: Scope) -> ir.Expr:
        """A condition."""
        return self.expect(self.expr(node, scope), BOOL)

    def expr(self, node: syntax.Expr, scope: Scope, expected: Type | None = None) -> ir.Expr:
        """The typed expression; `expected` helps only to tell a label from other names."""
        match node:
            case syntax.Group(inner):
                return self.expr(inner, scope, expected)
            case syntax.Path():
                found = self.path(node, scope, expected)
                if isinstance(found, ir.Items):
                    raise self.wrong_kind(node.words[-1], found)
                if isinstance(found, ir.Param) and self.types.parameters[found.name].keys:
                    raise self.fault(
                        "T003", node.span, ("name", node.words[-1].text), ("types", "—"), ("sig", "参数[…]")
                    )
                return found
            case syntax.Quantity(amount, unit, span):
                dimension, factor = parse_unit(unit) if unit else ((), Fraction(1))
                return ir.Const(exactly(values.simple(amount * factor)), number(dimension), span)
            case syntax.Literal_(value, span):
                return self.literal(value, span)
            case syntax.Apply(terminal, args, span):
                return self.apply(terminal, args, span, scope)
            case syntax.Call(name, args, span):
                return self.call(name, args, span, scope)
            case syntax.Graded(operand, label, at_least, span):
                return self.graded(operand, label, at_least, span, scope)
            case syntax.Among(operand, labels, negated, span):
                return self.among(operand, labels, negated, span, scope)
            case syntax.Contains(operand, label, span):
                of = self.expr(operand, scope)
                if of.type.kind != "multi":
                    raise self.wanted(of, "multi")
                choice = Type("choice", of.type.of)
                return self.make("contains", (of, self.label(label, choice)), BOOL, span)
            case syntax.If(condition, then, otherwise, span):
                return self.conditional(condition, then, otherwise, span, scope, expected)
            case syntax.Fold():
                return self.fold(node, scope)
            case syntax.Verdict():
                return self.verdict(node, scope)
            case syntax.Index(base, keys, span):
                return self.index(base, keys, span, scope)

    def wanted(self, expr: ir.Expr, kind: str) -> Fault:
        want = TYPE_NAMES[kind][0 if self.language == "zh" else 1]
        return self.fault("T002", expr.span, ("wanted", want), ("found", self.show(expr.type)), ("hint", ""))

    def literal(self, value: object, span: Span) -> ir.Expr:
        if value is None:
            raise self.fault(
                "T002",
                span,
                ("wanted", "有 … / 没有 …"),
                ("found", "无"),
                ("hint", "写成 没有 X，或 X 为 无"),
            )
        if isinstance(value, bool):
            return ir.Const(exactly(value), BOOL, span)
        if isinstance(value, str):
            return ir.Const(Options(frozenset([value])), TEXT, span)
        return ir.Const(exactly(value), MONTH if isinstance(value, values.Month) else DATE, span)

    def make(self, key: str, args: tuple[ir.Expr, ...], of: Type, span: Span) -> ir.Apply:
        text = f"{key}({', '.join(ir.shape(arg) for arg in args)})" if ops.OPS[key].splits else ""
        return ir.Apply(key, args, of, text, span)

    def apply(self, terminal: str, args: tuple[syntax.Expr, ...], span: Span, scope: Scope) -> ir.Expr:
        if terminal in ("IS", "IS_NOT", "EQ", "NE") and len(args) == 2:
            return self.equality(terminal, args[0], args[1], span, scope)
        lowered = [self.expr(args[0], scope)]
        lowered += [self.expr(arg, scope, lowered[0].type) for arg in args[1:]]
        if terminal in ("AND", "OR", "NOT"):
            checked = tuple(self.expect(arg, BOOL) for arg in lowered)
            return self.make(terminal.lower(), checked, BOOL, span)
        return self.overload(terminal, ops.overloads(terminal, len(args)), tuple(lowered), span)

    def overload(
        self, shown: str, candidates: Sequence[ops.Op], args: tuple[ir.Expr, ...], span: Span
    ) -> ir.Expr:
        types = [arg.type for arg in args]
        for op in candidates:
            of = op.result(types)
            if of is not None:
                if op.key == "negative" and isinstance(args[0], ir.Const):
                    return ir.Const(exactly(-args[0].value.value), of, span)
                if op.key == "divide" and isinstance(args[1], ir.Const) and args[1].value.value != 0:
                    of = number(of.dimension, args[0].type.optional)
                return self.make(op.key, args, of, span)
        if len(types) == 2 and types[0].kind == types[1].kind == "number":
            hint = self.unit_hint(types[0].dimension, types[1].dimension)
            raise self.fault(
                "T001", span, ("left", self.show(types[0])), ("right", self.show(types[1])), ("hint", hint)
            )
        listed = "、".join(self.show(t) for t in types)
        sigs = "；".join(op.sig for op in candidates)
        spelled = SPELLINGS.get(shown, (shown, shown))[0 if self.language == "zh" else 1]
        raise self.fault("T003", span, ("name", spelled), ("types", listed), ("sig", sigs))

    def unit_hint(self, a: Dimension, b: Dimension) -> str:
        if {unit for unit, _ in a} - {"人"} == {unit for unit, _ in b} - {"人"}:
            return (
                "乘以人数，例如 × 1 人"
                if self.language == "zh"
                else "multiply by a number of persons, such as × 1 person"
            )
        if {"月", "年"} & {unit for unit, _ in (*a, *b)}:
            return "年与月之间写明 ÷ 12 月/年" if self.language == "zh" else "write ÷ 12 month/year"
        return ""

    def equality(self, terminal: str, a: syntax.Expr, b: syntax.Expr, span: Span, scope: Scope) -> ir.Expr:
        positive = terminal in ("IS", "EQ")
        left = self.expr(a, scope)
        if isinstance(b, syntax.Literal_) and b.value is None:
            return self.make("has_not" if positive else "has", (left,), BOOL, span)
        right = self.expr(b, scope, left.type)
        key = "eq" if positive else "ne"
        return self.overload("EQ" if positive else "NE", [ops.OPS[key]], (left, right), span)

    def label(self, word: Word, choice: Type) -> ir.Const:
        found = self.types.label(choice.of, word.text)
        if found is None:
            raise self.no_label(word, choice)
        label = ir.Const(Options(frozenset([found])), choice, word.span)
        self.tie(word, label)
        return label

    def no_label(self, word: Word, choice: Type) -> Fault:
        options = self.types.choices[choice.of].options
        shown = [option.name.zh if self.language == "zh" else option.name.id for option in options]
        hint = self.symbols.hint(
            word.text, [n for o in options for n in (o.name.zh, o.name.id)], self.language
        )
        hint = hint or ("可写：" if self.language == "zh" else "one of: ") + listed(shown, self.language, 8)
        name = self.symbols.names["choice", choice.of].label(self.language)
        return self.fault("T004", word.span, ("label", word.text), ("choice", name), ("hint", hint))

    def choice_operand(self, operand: syntax.Expr, scope: Scope) -> ir.Expr:
        of = self.expr(operand, scope)
        if of.type.kind != "choice":
            raise self.wanted(of, "choice")
        return of

    def among(
        self, operand: syntax.Expr, words: tuple[Word, ...], negated: bool, span: Span, scope: Scope
    ) -> ir.Expr:
        of = self.choice_operand(operand, scope)
        labels = frozenset(self.label(word, of.type.required()).value.value for word in words)
        return self.one_of(of, labels, negated, span)

    def one_of(self, of: ir.Expr, labels: frozenset[str], negated: bool, span: Span) -> ir.Expr:
        constant = ir.Const(Subset(labels, labels), Type("multi", of.type.of), span)
        inside = self.make("among", (of, constant), BOOL, span)
        return self.make("not", (inside,), BOOL, span) if negated else inside

    def graded(
        self, operand: syntax.Expr, label: syntax.Expr, at_least: bool, span: Span, scope: Scope
    ) -> ir.Expr:
        of = self.expr(operand, scope)
        if of.type.kind != "choice":
            right = self.expr(label, scope, of.type)
            terminal = "GE" if at_least else "LE"
            return self.overload(terminal, ops.overloads(terminal, 2), (of, right), span)
        choice = self.types.choices[of.type.of]
        if choice.heaviest_first is None:
            raise self.fault("T005", span, ("choice", choice.name.label(self.language)))
        constant = self.expr(label, scope, of.type.required())
        if not isinstance(constant, ir.Const) or constant.type != of.type.required():
            raise self.wanted(constant, "choice")
        return self.one_of(of, choice.graded(constant.value.value, at_least), False, span)

    def call(self, name: Word, args: tuple[syntax.Expr, ...], span: Span, scope: Scope) -> ir.Expr:
        op = ops.FUNCTIONS.get(name.text)
        if op is None:
            raise self.unknown(name, list(ops.FUNCTIONS))
        self.symbols.tie(name, ir.Name(op.en, op.zh))
        if (
            op.key == "undetermined"
            and self.declaration.kind != "note"
            and not self.declaration.get("finding")
        ):
            zh = self.language == "zh"
            wanted = "只在 发现 和 提示 中使用" if zh else "a note or finding"
            raise self.fault("T002", span, ("wanted", wanted), ("found", name.text), ("hint", ""))
        return self.overload(name.text, [op], tuple(self.expr(arg, scope) for arg in args), span)

    def conditional(
        self,
        condition: syntax.Expr,
        then: syntax.Expr,
        otherwise: syntax.Expr,
        span: Span,
        scope: Scope,
        expected: Type | None,
    ) -> ir.Expr:
        test = self.truth(condition, scope)
        nothing = [
            isinstance(branch, syntax.Literal_) and branch.value is None for branch in (then, otherwise)
        ]
        first = None if nothing[0] else self.expr(then, scope.knowing(test), expected)
        second = (
            None if nothing[1] else self.expr(otherwise, scope, expected or (first.type if first else None))
        )
        known = first or second
        if known is None:
            raise self.fault("T002", span, ("wanted", "…"), ("found", "无"), ("hint", ""))
        none = ir.Const(values.NONE, Type(known.type.kind, known.type.of, known.type.dimension, True), span)
        if known.type.kind in ("choice", "record"):
            none = ir.Const(Options(frozenset([None])), none.type, span)
        first, second = first or none, second or none
        if first.type.required() != second.type.required():
            self.expect(second, first.type)
        of = Type(
            first.type.kind, first.type.of, first.type.dimension, first.type.optional or second.type.optional
        )
        return ir.If(test, first, second, of, span)

    def fold(self, node: syntax.Fold, scope: Scope) -> ir.Expr:
        listing, terminal, span = node.listing, node.terminal, node.span
        domain: ir.Items | ir.MonthRange
        if isinstance(listing.domain, tuple):
            lo, hi = (self.expect(self.expr(end, scope), MONTH) for end in listing.domain)
            domain, element = ir.MonthRange(lo, hi, listing.span), MONTH
        else:
            found = self.path(listing.domain, scope)
            if not isinstance(found, ir.Items):
                if terminal in ("HAS", "HAS_NOT") and listing.where is None:
                    return self.make("has" if terminal == "HAS" else "has_not", (found,), BOOL, span)
                want = "列表" if self.language == "zh" else "a list"
                shown = listing.domain.words[-1]
                raise self.fault(
                    "N004",
                    shown.span,
                    ("name", shown.text),
                    ("found", self.show(found.type)),
                    ("wanted", want),
                    ("hint", ""),
                )
            domain, element = found, Type("record", found.item)
        self.fresh += 1
        owner = self.symbols.tied.get(self.declaration.name.span)
        var = ir.Var(
            f"{(owner.zh if owner else self.declaration.name.text)}#{self.fresh}", element, listing.span
        )
        inner = scope.with_slot(var, listing.name.text if listing.name else None)
        where = self.truth(listing.where, inner) if listing.where else None
        take = self.expr(node.take, inner) if node.take else None
        key = {"HAS": "any", "HAS_NOT": "any", "MOST": "greatest"}.get(terminal, terminal.lower())
        of = self.fold_type(key, domain, take, element)
        result: ir.Expr = ir.Fold(key, domain, var.slot, where, take, of, span)
        return self.make("not", (result,), BOOL, span) if terminal == "HAS_NOT" else result

    def fold_type(
        self, key: str, domain: ir.Items | ir.MonthRange, take: ir.Expr | None, element: Type
    ) -> Type:
        if key in ("any", "all"):
            return BOOL
        if key == "count":
            unit = self.types.entity_unit(domain.item) if isinstance(domain, ir.Items) else ""
            return number(parse_unit(unit)[0]) if unit else COUNT
        assert take is not None
        if key == "sum":
            if take.type.kind != "number":
                raise self.wanted(take, "number")
            return take.type
        if not take.type.ordered or (key in ("earliest", "latest") and element.kind != "record"):
            raise self.wanted(take, "date")
        of = take.type if key in ("least", "greatest") else element
        return Type(of.kind, of.of, of.dimension, True)

    def verdict(self, node: syntax.Verdict, scope: Scope) -> ir.Expr:
        of_measure = node.terminal in ("OBTAINS", "OUTCOME", "AMOUNT_OF")
        name = self.symbols.require(self.declaration, "measure" if of_measure else "clause", node.name)
        if name is None:
            raise Fault
        entities = self.types.measures[name].entities if of_measure else self.types.clause_entities[name]
        if not entities:
            raise Fault  # whom it is about is missing or unknown, which is reported where it is declared
        if node.subject is not None:
            subject = self.path(node.subject, scope)
            if (
                isinstance(subject, ir.Items)
                or subject.type.kind != "record"
                or subject.type.of not in entities
            ):
                raise self.wrong_kind(node.subject.words[-1], subject)
        else:
            choices = [self.enclosing(entity, scope, node.span) for slot in reversed(scope.slots)
                       for entity in self.types.uppers(slot.type.of) if entity in entities]  # fmt: skip
            found = next((choice for choice in choices if choice is not None), None)
            if found is None:
                labels = "、".join(self.types.entity_label(entity) for entity in entities)
                raise self.fault("T002", node.span, ("wanted", labels), ("found", "—"), ("hint", ""))
            subject = found
        if node.terminal == "OUTCOME":
            # whoever may be nobody has no outcome
            of = Type("choice", ir.OUTCOME.name.id, (), subject.type.optional)
            return ir.Verdict("outcome", name, subject, of, node.span)
        if node.terminal == "AMOUNT_OF":
            of = self.paid(name, subject.type.of, node.name)
            return ir.Verdict("amount", name, subject, of, node.span)
        asked: dict[str, Literal["meets", "obtains", "blocked"]] = {
            "MEETS": "meets", "OBTAINS": "obtains", "BLOCKED": "blocked",
        }  # fmt: skip
        return ir.Verdict(asked[node.terminal], name, subject, BOOL, node.span)

    def paid(self, measure: str, entity: str, word: Word) -> Type:
        """The type of what a measure pays the records of an entity; a property may ask it where it is of one form."""
        zh = self.language == "zh"
        if self.declaration.kind != "property":
            wanted = "只在 性质 中使用" if zh else "a property"
            raise self.fault("T002", word.span, ("wanted", wanted), ("found", "应发金额" if zh else "amount of"), ("hint", ""))  # fmt: skip
        forms = self.types.forms.get((measure, entity), frozenset())
        if len(forms) != 1:
            none, several = (
                ("没有条款给予它", "有的按月、有的一次")
                if zh
                else ("no clause grants it", "it is paid by month and once")
            )
            name = self.symbols.names["measure", measure].label(self.language)
            about = self.symbols.names["entity", entity].label(self.language)
            why = several if forms else none
            raise self.fault("C011", word.span, ("measure", name), ("entity", about), ("why", why))
        return number(parse_unit("元" if "once" in forms else "元/月")[0], optional=True)

    def rising(self, node: syntax.Rising, entity: str) -> ir.Monotone:
        """随 a fact 增 则 the amount of a measure 不增: of which entity the fact is, and that both are numbers."""
        *of, last = node.fact.words
        owner = self.symbols.require(self.declaration, "entity", of[0]) if len(of) == 1 else None
        if owner is None:
            if len(of) == 1:
                raise Fault
            wanted = "实体.事实" if self.language == "zh" else "entity.fact"
            shown = ".".join(word.text for word in node.fact.words)
            raise self.fault("T002", node.fact.span, ("wanted", wanted), ("found", shown), ("hint", ""))
        fact = self.member(ir.Var("self", Type("record", owner), last.span), last.text, last.span)
        if fact is None:
            raise self.unknown(last, self.types.names_on(owner))
        if not isinstance(fact, ir.Fact):
            kinds = {
                ir.Items: ("列表", "a list"),
                ir.Ref: KIND_NAMES["define"],
                ir.Param: KIND_NAMES["parameter"],
            }
            of_kind, wanted_kind = kinds.get(type(fact), KIND_NAMES["entity"]), KIND_NAMES["fact"]
            which = int(self.language == "en")
            raise self.fault("N004", last.span, ("name", last.text), ("found", of_kind[which]), ("wanted", wanted_kind[which]), ("hint", ""))  # fmt: skip
        self.tie(last, fact)
        if fact.type.kind != "number":
            raise self.wanted(fact, "number")
        measure = self.symbols.require(self.declaration, "measure", node.measure)
        if measure is None:
            raise Fault
        self.paid(measure, entity, node.measure)
        return ir.Monotone(
            owner, fact.name, measure, "never_rises" if node.way == "NEVER_RISES" else "never_falls"
        )

    def index(self, base: syntax.Path, keys: tuple[syntax.Expr, ...], span: Span, scope: Scope) -> ir.Expr:
        found = self.path(base, scope)
        if not isinstance(found, ir.Param) or len(self.types.parameters[found.name].keys) != len(keys):
            raise self.fault(
                "T003", span, ("name", base.words[-1].text), ("types", "[…]"), ("sig", "参数[…]")
            )
        lowered = []
        for key, choice in zip(keys, self.types.parameters[found.name].keys, strict=True):
            expr = self.expr(key, scope, Type("choice", choice))
            lowered.append(self.expect(expr, Type("choice", choice, optional=True)))
        optional = any(key.type.optional for key in lowered)
        of = found.type
        lifted = Type(of.kind, of.of, of.dimension, (of.optional or optional) and of.kind != "bool")
        return ir.Param(found.name, found.subject, tuple(lowered), lifted, span)


# ---- the declarations' types ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Declared:
    """What lowering an expression needs to know of the declarations."""

    symbols: Symbols
    entities: dict[str, ir.Entity] = field(default_factory=dict)
    choices: dict[str, ir.Choice] = field(default_factory=dict)
    parameters: dict[str, ir.Parameter] = field(default_factory=dict)
    defines: dict[str, ir.Define] = field(default_factory=dict)
    measures: dict[str, ir.Measure] = field(default_factory=dict)
    clause_entities: dict[str, tuple[str, ...]] = field(default_factory=dict)
    forms: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    pending: dict[str, list[Declaration]] = field(default_factory=dict)
    lowered: dict[int, ir.Expr] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    underway: list[str] = field(default_factory=list)
    members: dict[str, dict[str, ir.FactDecl | ir.ListDecl]] = field(default_factory=dict)

    def on_entity(self, entity: str, text: str) -> ir.FactDecl | ir.ListDecl | None:
        """The fact or list of an entity, by either of its names."""
        if entity not in self.members:
            declared = self.entities[entity]
            # of two members that answer to one name the first declared counts, facts before lists
            all_: list[ir.FactDecl | ir.ListDecl] = [*declared.facts.values(), *declared.lists.values()]
            self.members[entity] = {name: d for d in reversed(all_) for name in (d.name.zh, d.name.id)}
        return self.members[entity].get(text)

    def names_on(self, entity: str) -> list[str]:
        """Every name that a record of an entity answers to."""
        declared = self.entities.get(entity)
        if declared is None:
            return []
        own = [d.name for d in declared.facts.values()] + [d.name for d in declared.lists.values()]
        own += [d.name for d in self.defines.values() if d.entity == entity]
        own += [d.name for d in self.parameters.values() if d.entity == entity]
        return [name for n in own for name in (n.zh, n.id)]

    def uppers(self, entity: str) -> list[str]:
        path = [entity]
        while (
            entity in self.entities
            and (upper := self.entities[path[-1]].upper) is not None
            and upper not in path
        ):
            path.append(upper)
        return path

    def parameter(self, text: str) -> str | None:
        """The parameter of that name, if its declaration could be understood."""
        found = self.symbols.find("parameter", text)
        return found if found in self.parameters else None

    def entity_label(self, entity: str) -> str:
        return self.entities[entity].name.zh

    def entity_unit(self, entity: str) -> str:
        return self.entities[entity].unit

    def label(self, choice: str, text: str) -> str | None:
        """The identifier of a label, by either of its names."""
        return next((o.name.id for o in self.choices[choice].options if text in (o.name.id, o.name.zh)), None)

    def lone_label(self, text: str) -> tuple[str, str] | None:
        """The choice and label of a word that is a label of one choice only."""
        found = [
            (choice, label) for choice in self.choices if (label := self.label(choice, text)) is not None
        ]
        return found[0] if len(found) == 1 else None

    def define_type(self, name: str, user: Lowering, span: Span) -> Type:
        """The type of a defined term, lowering its versions first when that is still to be done."""
        if name in self.failed:
            raise Fault
        if name in self.underway or len(self.underway) > MOST_UNDERWAY:
            ring = (
                self.underway[self.underway.index(name) :]
                if name in self.underway
                else [*self.underway[:5], "…"]
            )
            chain = " → ".join(self.defines[n].name.zh if n in self.defines else n for n in (*ring, name))
            raise user.fault("C001", span, ("chain", chain))
        if name in self.pending:
            self.lower_define(name)
            if name in self.failed:
                raise Fault
        return self.defines[name].type

    def lower_define(self, name: str) -> None:
        """Lowers every version of a defined term; their types must agree."""
        versions = self.pending[name]
        self.underway.append(name)
        try:
            of: Type | None = None
            for declaration in versions:
                lowering = Lowering(self.symbols, declaration, self)
                body = declaration.get("body")
                if body is None:
                    if not declaration.damaged:
                        kind = KIND_NAMES["define"][0 if lowering.language == "zh" else 1]
                        self.symbols.report(declaration, "P006", declaration.name.span,
                                            ("kind", kind), ("name", declaration.name.text), ("field", "= …"))  # fmt: skip
                    raise Fault
                expr = lowering.expr(body.values[0], on_subject(self.defines[name].entity))
                if of is not None and expr.type != of:
                    lowering.expect(expr, of)
                of = expr.type
                self.lowered[id(declaration)] = expr
            assert of is not None
            old = self.defines[name]
            self.defines[name] = ir.Define(old.name, old.entity, of, ())
        except Fault:
            self.failed.add(name)
        finally:
            self.underway.pop()
            self.pending.pop(name, None)


def made_sure(condition: ir.Expr) -> list[ir.Expr]:
    """What is surely not 无 when a condition holds: the operands of its 有, joined by 并且."""
    if isinstance(condition, ir.Apply) and condition.op == "and":
        return [e for arg in condition.args for e in made_sure(arg)]
    if isinstance(condition, ir.Apply) and condition.op == "has":
        return [condition.args[0]]
    return []
