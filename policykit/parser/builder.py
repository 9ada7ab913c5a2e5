"""Tree → syntax: what the grammar's rules mean, one method for each kind of thing that is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from policykit import syntax
from policykit.parser.complaints import Complaints, short
from policykit.parser.tables import Leaf, Node
from policykit.source import Span
from policykit.values import Month

MAX_NAME = 100
MAX_DIGITS = 30


def text_of(part: Node | Leaf) -> str:
    """The text of a word or mark."""
    assert isinstance(part, Leaf)
    return part.text


def in_order(name: syntax.Word, ident: syntax.Word | None) -> tuple[syntax.Word, str]:
    """The name and the identifier of something that may be written in either order: 低保 (dibao), dibao (低保)."""
    if ident is not None and name.text.isascii() and not ident.text.isascii():
        name, ident = ident, name
    return name, ident.text if ident else ""


class Builder(Complaints):
    """Turns the parse tree of one declaration into syntax."""

    def span(self, node: Node | Leaf) -> Span:
        return self.source.span(node.start, node.end)

    def fault(self, code: str, node: Node | Leaf, *fields: tuple[str, str]) -> None:
        self.report(code, node.start, node.end, *fields)

    # -- declarations and fields

    def declaration(self, tree: Node, kind: str, damaged: bool) -> syntax.Declaration:
        children = list(tree.children)
        head = children.pop(0)
        assert isinstance(head, Leaf)
        name = syntax.Word("", self.span(head))
        ident: syntax.Word | None = None
        period, header, fields = syntax.ALWAYS, {}, []  # type: syntax.Period, dict[str, Any], list[syntax.Field]
        for index, child in enumerate(children):
            if isinstance(child, Leaf):
                if child.type in ("NAME", "BRACKETED"):
                    if index == 0:
                        name = self.word(child)
                    else:
                        header.setdefault("names", []).append(self.word(child))
                elif child.type == "NUMBER":
                    self.number(child)
                    header["number"] = Decimal(child.text[:MAX_DIGITS].replace("．", "."))
                elif child.type == "QUOTE":
                    header["quote"] = self.quote(child)
                elif child.type in ("NOT_HELD", "EXCERPT", "UNSET", "EXAMPLE"):
                    header[child.type.lower()] = True
                elif child.type == "RULING_ID":
                    header["ruling_id"] = child.text
                continue
            match child.data:
                case "ident":
                    ident = self.word(child.children[0])
                case "period":
                    period = self.period(child)
                case "for_each" if self.begins(child, "FOR_EACH"):
                    header["for_each"] = self.words(child.children[1:])
                case "keyed":
                    header["keyed"] = self.words(child.children[1:])
                case "count":
                    header["unit"] = text_of(child.children[1])
                case "order":
                    header["heaviest_first"] = self.begins(child, "HEAVY_FIRST")
                case "label":
                    header.setdefault("labels", []).append(self.label(child))
                case "by_election" | "by_order" | "by_amount":
                    header["how"] = child.data
                    words = [t for t in child.children if isinstance(t, Leaf)]
                    chooser = next((t for t in words if t.type in ("NAME", "BRACKETED")), None)
                    header["chooser"] = self.word(chooser) if chooser else None
                case (
                    "text_type"
                    | "bool_type"
                    | "date_type"
                    | "month_type"
                    | "number_type"
                    | "choice_type"
                    | "multi_type"
                    | "record_type"
                ):
                    header["type"] = self.type(child)
                case _ if self.is_field(child):
                    fields.append(self.field(child))
                case _:
                    header["body"] = self.expr(child)
        if kind == "define" and "body" in header:  # beside the name or below it, it is one and the same
            body = header.pop("body")
            fields.insert(0, syntax.Field("body", (body,), body.span))
        named = header["names"] if kind == "fact" else [name]
        named[0], identifier = in_order(named[0], ident)
        name = named[0] if kind != "fact" else name
        made, place = tuple(fields), self.span(head)
        return syntax.Declaration(kind, name, identifier, period, header, made, place, damaged)  # type: ignore[arg-type]

    @staticmethod
    def is_field(tree: Node) -> bool:
        first = tree.children[0] if tree.children else None
        return isinstance(first, Leaf) and first.type.startswith("F_")

    def field(self, tree: Node) -> syntax.Field:
        head, *rest = tree.children
        keyword, span = tree.data, self.span(head)
        if keyword in ("on", "assume", "given", "ruled", "expect", "columns", "row"):
            return syntax.Field(keyword, self.of_case(keyword, rest, span), span)
        if keyword in ("members", "records", "refers", "part", "discretion"):
            word, *rest = rest
            inner = None
            if rest and isinstance(rest[0], Node) and rest[0].data == "ident":
                inner = self.word(rest.pop(0))
            name, ident = in_order(self.word(word), inner)
            values = tuple(self.value(node) for node in rest if not self.mark(node))
            return syntax.Field(keyword, (syntax.Part(name, ident, values),), span)
        return syntax.Field(keyword, tuple(self.value(node) for node in rest if not self.mark(node)), span)

    # -- what a case gives and expects

    def of_case(self, keyword: str, nodes: list[Any], span: Span) -> tuple[Any, ...]:
        """What a field of a case holds."""
        trees = [node for node in nodes if isinstance(node, Node)]
        match keyword:
            case "on":
                return (self.date(nodes[0]),)
            case "assume":
                words = [n for n in nodes if isinstance(n, Leaf) and n.type in ("NAME", "BRACKETED")]
                value = (
                    None
                    if isinstance(nodes[-1], Leaf) and nodes[-1].type == "UNSET"
                    else self.expr(nodes[-1])
                )
                named = words[:-1] if isinstance(nodes[-1], Leaf) and nodes[-1] is words[-1] else words
                return self.word(named[0]), self.words(named[1:]), value
            case "given":
                prefix = self.place_of(trees.pop(0)) if trees[0].data == "place" else None
                return tuple(self.given(tree, prefix) for tree in trees)
            case "ruled":
                subject = self.place_of(trees.pop(0)) if trees and trees[0].data == "subject" else None
                name = next(n for n in nodes if isinstance(n, Leaf) and n.type in ("NAME", "BRACKETED"))
                day = next(self.date(n) for n in nodes if isinstance(n, Leaf) and n.type == "DATE")
                chosen = tuple(self.chosen(tree) for tree in trees)
                return (syntax.Ruled(subject, self.word(name), day, chosen, span),)
            case "expect":
                return (self.expectation(trees[0]),)
            case "columns":
                return tuple(self.place_of(tree) for tree in trees)
        expected = tuple(self.expectation(tree) for tree in trees if tree.data == "expectation")
        values = tuple(self.given_value(node) for node in trees if node.data != "expectation")
        return (syntax.Row(values, expected, span),)

    def place_of(self, tree: Node) -> syntax.Place:
        steps = []
        for step in tree.children:
            assert isinstance(step, Node)
            number = next((self.whole(t) for t in step.children[1:]), None)
            if number == 0:
                wanted = self.say("从 1 数起的位置", "a position counted from 1")
                self.fault("P011", step, ("found", "0"), ("wanted", wanted))
            steps.append((self.word(step.children[0]), number))
        return syntax.Place(tuple(steps), self.span(tree))

    def given(self, tree: Node, prefix: syntax.Place | None) -> syntax.Given:
        place, *rest = tree.children
        assert isinstance(place, Node)
        found = self.place_of(place)
        if prefix is not None:
            found = syntax.Place(prefix.steps + found.steps, found.span)
        value = next(node for node in rest if isinstance(node, Node))
        paper = next((t.text[1:-1] for t in rest if isinstance(t, Leaf) and t.type == "QUOTE"), "")
        return syntax.Given(found, self.given_value(value), paper, self.span(tree))

    def given_value(self, tree: Node) -> syntax.GivenValue:
        if tree.data == "place":
            return self.place_of(tree)
        if tree.data == "labels_given":
            return self.words(tree.children)
        if tree.data == "amount_given":
            found = self.expr(tree.children[-1])
            assert isinstance(found, syntax.Quantity)
            return replace(found, number=-found.number) if len(tree.children) > 1 else found
        literal = self.expr(tree)
        assert isinstance(literal, syntax.Literal_)
        return literal

    @staticmethod
    def begins(tree: Node, terminal: str) -> bool:
        first = tree.children[0]
        return isinstance(first, Leaf) and first.type == terminal

    def chosen(self, tree: Node) -> tuple[syntax.Word, syntax.Quantity | None]:
        name, *rest = tree.children
        found = self.expr(rest[-1]) if rest else None
        assert found is None or isinstance(found, syntax.Quantity)
        return self.word(name), found

    def expectation(self, tree: Node) -> syntax.Expectation:
        nodes, subject = list(tree.children), None
        if isinstance(nodes[0], Node) and nodes[0].data == "subject":
            subject = self.place_of(nodes[0])
            del nodes[0]
        name, state, *terms = nodes
        found = tuple(self.expected(term) for term in terms if isinstance(term, Node))
        return syntax.Expectation(subject, self.word(name), self.word(state), found, self.span(tree))

    def expected(self, tree: Node) -> syntax.Term:
        keyword, *rest = (n for n in tree.children if not (isinstance(n, Leaf) and n.type == "TO"))
        match tree.data:
            case "also":
                return syntax.Term("also", self.value(keyword))
            case "by_whom" | "missing" as kind:
                return syntax.Term(kind, self.value(rest[0]))
            case "start_month":
                assert isinstance(rest[0], Leaf)
                return syntax.Term("start_month", self.month(rest[0]))
            case "due":
                assert isinstance(rest[0], Leaf)
                unset = rest[0].type == "UNSPECIFIED"
                return syntax.Term("due", "unspecified" if unset else self.date(rest[0]))
            case "months":
                return syntax.Term("months", self.expr(rest[0]))
        return syntax.Term(tree.data, tuple(self.expr(node) for node in rest))

    @staticmethod
    def mark(node: Any) -> bool:
        return isinstance(node, Leaf) and node.type in ("COLON", "TO", "BY_WHOM", "LIMIT", "BEYOND")

    def value(self, node: Node | Leaf) -> Any:
        """Whatever a field may hold."""
        if isinstance(node, Leaf):
            if node.type in ("NAME", "BRACKETED"):
                return self.word(node)
            if node.type == "QUOTE":
                return self.quote(node)
            return node.type
        match node.data:
            case "cite":
                return self.cite(node)
            case "to_confirm":
                return self.value(node.children[0])
            case "rising":
                _, fact, _, _, _, measure, way = node.children
                path = self.expr(fact)
                assert isinstance(path, syntax.Path) and isinstance(way, Leaf)
                return syntax.Rising(path, self.word(measure), way.type, self.span(node))
            case "outline":
                return text_of(node.children[0]), self.quote(node.children[1]).text
            case "size":
                low, high = (
                    self.whole(t) for t in node.children if isinstance(t, Leaf) and t.type == "NUMBER"
                )
                return low, high
            case "or_none":
                return "NONE"
            case "monthly" | "once" | "start_month" | "months" | "done" | "due" | "every" | "by_whom":
                return syntax.Term(node.data, self.value(node.children[1]))
        return self.expr(node)

    def cite(self, tree: Node) -> syntax.Cite:
        source, locator, quote, nth, role = self.word(tree.children[0]), "", None, 0, ""
        for child in tree.children[1:]:
            if isinstance(child, Node):
                role = self.word(child.children[0]).text
            elif child.type == "LOCATOR":
                locator = child.text
            elif child.type == "QUOTE":
                quote = self.quote(child)
            elif child.type == "NTH":
                nth = int(re.sub(r"\D", "", child.text)[:9])
        return syntax.Cite(source, locator, quote, nth, role, self.span(tree))

    def label(self, tree: Node) -> syntax.Label:
        first = tree.children[0]
        inner, code = None, None
        for child in tree.children[1:]:
            if isinstance(child, Node):
                inner = self.word(child)
            elif child.type == "NUMBER":
                code = self.whole(child)
        return syntax.Label(*in_order(self.word(first), inner), code)

    def type(self, tree: Node) -> syntax.TypeName:
        of, unit, optional = None, "", False
        for child in tree.children:
            if isinstance(child, Node):
                optional = True
            elif child.type in ("NAME", "BRACKETED"):
                of = self.word(child)
            elif child.type == "UNIT":
                unit = child.text
        return syntax.TypeName(tree.data, of, unit, optional, self.span(tree))

    def period(self, tree: Node) -> syntax.Period:
        start: date | None = None
        end: date | None = None
        closing = False
        for token in tree.children:
            if isinstance(token, Leaf) and token.type == "TO":
                closing = True
            elif isinstance(token, Leaf) and token.type == "DATE":
                day = self.date(token)
                start, end = (start, day) if closing else (day, end)
        if start is not None and end is not None and start > end:
            self.fault("T009", tree, ("low", str(start)), ("high", str(end)))
        return syntax.Period(start, end)

    # -- words and literals

    def word(self, node: Node | Leaf) -> syntax.Word:
        token = node if isinstance(node, Leaf) else node.children[0]
        text = text_of(token)
        if isinstance(token, Leaf) and token.type in ("BRACKETED", "QUOTE"):
            text = text[1:-1]
        elif not text.isidentifier():
            self.fault("P010", token, ("name", short(text)))
        if len(text) > MAX_NAME or not text.strip():
            self.fault("P010", token, ("name", short(text)))
        return syntax.Word(text[:MAX_NAME], self.span(token))

    def words(self, nodes: Iterable[Any]) -> tuple[syntax.Word, ...]:
        return tuple(self.word(node) for node in nodes)

    def quote(self, node: Any) -> syntax.Quote:
        return syntax.Quote(text_of(node)[1:-1], self.span(node))

    def number(self, token: Any) -> Fraction:
        """A number as written, which may not be too long for exact arithmetic."""
        if len(token.text) > MAX_DIGITS:
            self.fault("P011", token, ("found", short(token.text)), ("wanted", self.say(f"{MAX_DIGITS} 位以内的数", f"a number of at most {MAX_DIGITS} digits")))  # fmt: skip
            return Fraction(0)
        return Fraction(Decimal(token.text.replace("．", ".")))

    def whole(self, token: Any) -> int:
        """A whole number."""
        number = self.number(token)
        if number.denominator != 1:
            self.fault("P011", token, ("found", token.text), ("wanted", self.say("整数", "a whole number")))
        return int(number)

    def date(self, token: Leaf) -> date:
        year, month, day = (int(part) for part in re.findall(r"\d+", token.text))
        try:
            return date(year, month, day)
        except ValueError:
            self.fault("P009", token, ("found", token.text))
            return date(1900, 1, 1)

    def month(self, token: Leaf) -> Month:
        year, month = (int(part) for part in re.findall(r"\d+", token.text))
        if not (1 <= month <= 12 and 1 <= year <= 9999):
            self.fault("P009", token, ("found", token.text))
            return Month(1900, 1)
        return Month(year, month)

    # -- expressions

    def expr(self, node: Any) -> syntax.Expr:
        if isinstance(node, Leaf):
            return syntax.Path((self.word(node),), self.span(node))
        span, children = self.span(node), node.children
        match node.data:
            case "path":
                return syntax.Path(self.words(children), span)
            case "quantity":
                unit = text_of(children[1]) if len(children) > 1 else ""
                return syntax.Quantity(self.number(children[0]), unit, span)
            case "date":
                return syntax.Literal_(self.date(children[0]), span)
            case "month":
                return syntax.Literal_(self.month(children[0]), span)
            case "text":
                return syntax.Literal_(self.quote(children[0]).text, span)
            case "none":
                return syntax.Literal_(None, span)
            case "truth":
                return syntax.Literal_(children[0].type == "YES", span)
            case "group":
                return syntax.Group(self.expr(children[0]), span)
            case "negation":
                return syntax.Apply("NOT", (self.expr(children[1]),), span)
            case "negative":
                return syntax.Apply("MINUS", (self.expr(children[1]),), span)
            case "logic":
                return self.logic(node)
            case "compare":
                left, operator, right = children
                return syntax.Apply(operator.type, (self.expr(left), self.expr(right)), span)
            case "arithmetic":
                result = self.expr(children[0])
                for operator, operand in zip(children[1::2], children[2::2], strict=True):
                    result = syntax.Apply(operator.type, (result, self.expr(operand)), span)
                return result
            case "graded":
                operand, _, label, way = children
                return syntax.Graded(self.expr(operand), self.expr(label), way.type == "AT_LEAST", span)
            case "among":
                operand, operator, *labels = children
                return syntax.Among(self.expr(operand), self.words(labels), operator.type == "NOT_IN", span)
            case "contains":
                operand, _, label = children
                return syntax.Contains(self.expr(operand), self.word(label), span)
            case "has" | "quantified" | "count_fold":
                return syntax.Fold(children[0].type, self.listing(children[1]), None, span)
            case "fold" | "pick":
                return syntax.Fold(children[0].type, self.listing(children[1]), self.expr(children[3]), span)
            case "meets" | "obtains" | "blocked" | "outcome" | "amount_of":
                subject = self.expr(children[0]) if len(children) == 3 else None
                assert subject is None or isinstance(subject, syntax.Path)
                return syntax.Verdict(children[-2].type, subject, self.word(children[-1]), span)
            case "conditional":
                condition, then, otherwise = (self.expr(child) for child in children[1::2])
                return syntax.If(condition, then, otherwise, span)
            case "call":
                return syntax.Call(self.word(children[0]), tuple(self.expr(c) for c in children[1:]), span)
            case "index":
                base = self.expr(children[0])
                assert isinstance(base, syntax.Path)
                return syntax.Index(base, tuple(self.expr(child) for child in children[1:]), span)
        raise AssertionError(f"the grammar's rule {node.data} is not built")

    def logic(self, node: Node) -> syntax.Expr:
        operators = [child for child in node.children[1::2] if isinstance(child, Leaf)]
        operands = tuple(self.expr(child) for child in node.children[0::2])
        if len({operator.type for operator in operators}) > 1:
            other = next(operator for operator in operators if operator.type != operators[0].type)
            self.report("P004", other.start, other.end, fix=self.grouped(node))
        return syntax.Apply(operators[0].type, operands, self.span(node))

    def grouped(self, node: Node) -> str:
        """A chain of 并且 and 或者 with parentheses around each run of 并且, as it is most likely meant."""
        runs: list[list[str]] = [[]]
        either = ""
        for child in node.children:
            written = re.sub(r"\s+", " ", self.source.text[child.start : child.end])
            if isinstance(child, Leaf) and child.type == "OR":
                either = written
                runs.append([])
            else:
                runs[-1].append(written)
        shown = [" ".join(run) if len(run) == 1 else f"({' '.join(run)})" for run in runs]
        return f" {either} ".join(shown)

    def listing(self, tree: Node) -> syntax.Listing:
        children = list(tree.children)
        domain: syntax.Path | tuple[syntax.Expr, syntax.Expr]
        if isinstance(children[0], Leaf) and children[0].type == "MONTHS_FROM":
            domain = (self.expr(children[1]), self.expr(children[3]))
            rest = children[4:]
        else:
            path = self.expr(children[0])
            assert isinstance(path, syntax.Path)
            domain, rest = path, children[1:]
        name, where = None, None
        for mark, child in zip(rest[0::2], rest[1::2], strict=True):
            if isinstance(mark, Leaf) and mark.type == "AS":
                name = self.word(child)
            else:
                where = self.expr(child)
        return syntax.Listing(domain, name, where, self.span(tree))
