"""Text → syntax: the only module that knows lark.

A file is cut at the lines that begin a declaration; each piece is parsed by itself, so that one fault costs one
declaration's field and not the file. A field that does not parse is reported, blanked out and the piece tried again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from importlib import resources
from typing import Any

from lark import Lark, TextSlice, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from policykit import syntax
from policykit.diagnostics import Diagnostic, Language, did_you_mean
from policykit.source import MAX_FILE_BYTES, Source, Span
from policykit.values import Month

LANGUAGE_VERSION = 1
MAX_NESTING = 60
MAX_ERRORS_IN_A_DECLARATION = 20

_KEYWORD = re.compile(r"\(\?:([^()]*)\)\(\?!(?:\\w|\[a-zA-Z_\])\)")


@lru_cache(maxsize=1)
def _lark() -> Lark:
    grammar = resources.files("policykit").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", start="declaration", maybe_placeholders=False, propagate_positions=True)


@lru_cache(maxsize=1)
def keywords() -> dict[str, tuple[str, ...]]:
    """Every keyword terminal of the grammar with its spellings, the Chinese first, the English second."""
    table = {}
    for terminal in _lark().terminals:
        match = _KEYWORD.search(terminal.pattern.value)
        if match and terminal.name != "NAME":
            table[terminal.name] = tuple(match[1].split("|"))
    return table


@lru_cache(maxsize=1)
def operator_words() -> tuple[str, ...]:
    """The word operators that no bare name can hold, longest first."""
    pattern = next(t for t in _lark().terminals if t.name == "NAME").pattern.value
    words = re.findall(r"\(\?:\(\?!([^)]*)\)", pattern)[-1]
    return tuple(sorted(words.split("|"), key=len, reverse=True))


@lru_cache(maxsize=1)
def _declaration_words() -> dict[str, str]:
    """Spelling → kind, for the words that begin a declaration."""
    rules = {
        "LANGUAGE": "language", "POLICY": "policy", "SOURCE": "source", "ENTITY": "entity", "CHOICE": "choice",
        "FACT": "fact", "PARAMETER": "parameter", "SET": "setting", "SHEET": "sheet", "DEFINE": "define",
        "MEASURE": "measure", "ACT": "act", "AMOUNT": "amount", "CLAUSE": "clause", "EXCLUSION": "exclusion",
        "READING": "reading", "NOTE": "note", "OBJECTIVE": "objective",
    }  # fmt: skip
    return {spelling: kind for terminal, kind in rules.items() for spelling in keywords()[terminal]}


@lru_cache(maxsize=1)
def _field_line() -> re.Pattern[str]:
    words = [s for name, all_ in keywords().items() if name.startswith("F_") for s in all_]
    alternatives = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    return re.compile(rf"^[ \t\u3000]+(?:(?:{alternatives})(?!\w)|[=＝]|[^\s:：「」]{{1,12}}[:：])", re.M)


# ---- the pass ---------------------------------------------------------------------------------------------------------------


def parse(source: Source) -> tuple[syntax.Module, list[Diagnostic]]:
    """The syntax tree of a rule file, as far as it can be read, and everything that is wrong with its writing."""
    text = source.text
    language: Language = "zh"
    if len(text.encode("utf-8", "replace")) > MAX_FILE_BYTES:
        where = Diagnostic("L001", source.file, language, (("limit", f"{MAX_FILE_BYTES:,} bytes"),))
        return syntax.Module(source, (), {}, language), [where]
    deepest = _deepest_parenthesis(text)
    if deepest is not None:
        span = source.span(deepest, deepest + 1)
        found = Diagnostic("L002", str(span), language, (("limit", str(MAX_NESTING)),), span)
        return syntax.Module(source, (), {}, language), [found]

    heads = list(re.finditer(r"^(?![ \t\u3000\r\n#\ufeff]|$)[^\s:：(（]*", text, re.M))
    words = _declaration_words()
    first = next((head[0] for head in heads if head[0] in words), "")
    if first and first.isascii():
        language = "en"
    errors: list[Diagnostic] = []
    declarations: list[syntax.Declaration] = []
    for index, head in enumerate(heads):
        end = heads[index + 1].start() if index + 1 < len(heads) else len(text)
        if head[0] not in words:
            shown = [s[0] if language == "zh" else s[1] for n, s in keywords().items() if s[0] in words and n.isupper()]
            expected = "、".join(dict.fromkeys(w for w in shown if w in words))
            hint = did_you_mean(head[0], words, language)
            fields = (("found", head[0] or text[head.start()]), ("expected", f"{expected}。{hint}" if hint else expected))
            errors.append(_diagnostic("P003", source, head.start(), head.end(), language, fields))
            continue
        declaration = _declaration(source, head.start(), end, words[head[0]], language, errors)
        if declaration is not None:
            declarations.append(declaration)
    if not heads:
        for match in re.finditer(r"^[ \t\u3000]*([^\s#].*)", text, re.M):
            fields = (("found", match[1][:20]), ("expected", "、".join(sorted(set(words)))))
            errors.append(_diagnostic("P003", source, match.start(1), match.end(1), language, fields))
            break
    return syntax.Module(source, tuple(declarations), _comments(text), language), errors


def _declaration(
    source: Source, start: int, end: int, kind: str, language: Language, errors: list[Diagnostic]
) -> syntax.Declaration | None:
    text, damaged = source.text, False
    for _ in range(MAX_ERRORS_IN_A_DECLARATION):
        try:
            tree = _lark().parse(TextSlice(text, start, end))
        except UnexpectedInput as error:
            at, cut, fault = _first_fault(error, text, start, end)
            errors.append(_unexpected(source, fault, at, end, language))
            damaged = True
            if cut is None:
                return None
            text = text[: cut[0]] + re.sub(r"[^\n]", " ", text[cut[0] : cut[1]]) + text[cut[1] :]
            continue
        if _depth(tree) > 6 * MAX_NESTING:
            fields = (("limit", str(MAX_NESTING)),)
            errors.append(_diagnostic("L002", source, start, start + 1, language, fields))
            return None
        builder = _Builder(source, language, errors)
        whole = tree.children[0]
        assert isinstance(whole, Tree)
        return builder.declaration(whole, kind, damaged)
    return None


def _first_fault(
    error: UnexpectedInput, text: str, start: int, end: int
) -> tuple[int, tuple[int, int] | None, UnexpectedInput]:
    """Where the fault is, the field to blank out, and the error to report.

    A field that breaks off swallows the next line's first word, and the error appears there: if the piece does not
    parse even without that line, the fault lies before it.
    """
    while True:
        at = _position(error, text, start, end)
        cut = _segment(text, start, end, at, error)
        if cut is None:
            return at, cut, error
        try:
            _lark().parse(TextSlice(text, start, cut[0]))
        except UnexpectedInput as earlier:
            error, end = earlier, cut[0]
            continue
        return at, cut, error


def _segment(text: str, start: int, end: int, at: int, error: UnexpectedInput) -> tuple[int, int] | None:
    """The field to blank out for an error at an offset; `None` when the header itself is at fault."""
    starts = [match.start() for match in _field_line().finditer(text, start, end)]
    token = getattr(error, "token", None)
    if token is not None and (token.type == "$END" or token.type.startswith("F_")):
        at -= 1  # the field before broke off too early
        while at > start and text[at] in " \t\n\u3000":
            at -= 1
    begin = max((s for s in starts if s <= at), default=None)
    if begin is None:
        return None
    return begin, min((s for s in starts if s > begin), default=end)


def _position(error: UnexpectedInput, text: str, start: int, end: int) -> int:
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return start + len(text[start:end].rstrip())
    at = error.pos_in_stream if error.pos_in_stream is not None else start
    while at < end and text[at] in " \t\n\u3000":
        at += 1
    return at


def _unexpected(source: Source, error: UnexpectedInput, at: int, end: int, language: Language) -> Diagnostic:
    text = source.text
    line_end = text.find("\n", at)
    rest = text[at : line_end if line_end >= 0 else len(text)]
    if isinstance(error, UnexpectedToken):
        terminals: Iterable[str] = error.accepts or error.expected
        found = str(error.token).strip() or ("文末" if language == "zh" else "the end")
    else:
        assert isinstance(error, UnexpectedCharacters)
        terminals = error.allowed or ()
        match = re.match(r"\w+", rest)
        found = match[0] if match else rest[:1]
    expected = _expected(terminals, language)
    before = text[text.rfind("\n", 0, at) + 1 : at]
    hint = ""
    if not before.strip() and before:
        terminals = [terminal for terminal in terminals if terminal.startswith("F_")]
        expected = _expected(terminals, language)
        fields_known = [s for n, all_ in keywords().items() if n.startswith("F_") for s in all_]
        hint = did_you_mean(found.rstrip(":："), fields_known, language)
    fix = respaced(before.rstrip().split(" ")[-1]) or respaced(found)
    shown = f"{expected}。{hint}" if hint else expected
    width = max(len(found), 1)
    return _diagnostic(
        "P001", source, at, min(at + width, end), language, (("found", found), ("expected", shown)), fix=fix
    )


def _expected(terminals: Iterable[str], language: Language) -> str:
    """The names of what could stand here, fields and operators after plain things, at most ten."""
    plain = {
        "NAME": ("名称", "a name"), "BRACKETED": ("名称", "a name"), "NUMBER": ("数字", "a number"),
        "DATE": ("日期", "a date"), "MONTH": ("年月", "a month"), "QUOTE": ("「引文」", "「quoted words」"),
        "UNIT": ("单位", "a unit"), "LOCATOR": ("条号", "an article"), "$END": ("文末", "the end"),
        "PLUS": ("+", "+"), "MINUS": ("-", "-"), "TIMES": ("×", "×"), "DIVIDE": ("÷", "÷"), "EQ": ("=", "="),
        "LT": ("低于", "below"), "LE": ("不超过", "at most"), "GT": ("超过", "exceeds"), "GE": ("不低于", "at least"),
        "LPAR": ("（", "("), "RPAR": ("）", ")"), "_SEP": ("、", ","), "COLON": ("：", ":"), "_DOT": (".", "."),
        "LSQB": ("[", "["), "RSQB": ("]", "]"), "LBRACE": ("{", "{"), "RBRACE": ("}", "}"),
    }  # fmt: skip
    which = 0 if language == "zh" else 1
    names: dict[str, None] = {}
    for terminal in sorted(terminals, key=lambda t: (t.startswith("F_"), t not in plain, t)):
        if terminal in plain:
            names[plain[terminal][which]] = None
        elif terminal in keywords():
            names[keywords()[terminal][which]] = None
    shown = list(names)[:10]
    return ("、" if language == "zh" else ", ").join(shown) + ("…" if len(names) > 10 else "")


def respaced(word: str) -> str:
    """A name that swallowed one-character keywords, set off by spaces; empty when it holds none."""
    inner = re.sub(r"(?<=\w)(为|含|且|或|属于|并且|或者)(?=\w)", r" \1 ", word)
    return inner if inner != word else ""


def _diagnostic(
    code: str, source: Source, start: int, end: int, language: Language, fields: tuple[tuple[str, str], ...], fix: str = ""
) -> Diagnostic:
    span = source.span(start, end)
    return Diagnostic(code, str(span), language, fields, span, source.line(span.line), fix)


def _deepest_parenthesis(text: str) -> int | None:
    """The offset at which parentheses nest too deep, if they do."""
    depth = 0
    for match in re.finditer(r"「[^」\n]*」|【[^】\n]*】|#[^\n]*|([(\[{])|([)\]}])|^(?=\S)", text, re.M):
        if match[1]:
            depth += 1
            if depth > MAX_NESTING:
                return match.start()
        elif match[2]:
            depth = max(0, depth - 1)
        elif match[0] == "":
            depth = 0
    return None


def _depth(tree: Any) -> int:
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        if isinstance(node, Tree):
            stack.extend((child, depth + 1) for child in node.children)
    return deepest


def _comments(text: str) -> dict[int, str]:
    found = {}
    for number, line in enumerate(text.split("\n"), start=1):
        match = re.match(r"(?:「[^」]*」|【[^】]*】|[^#])*?(#.*)$", line)
        if match:
            found[number] = match[1].rstrip()
    return found


# ---- lark's tree → syntax ---------------------------------------------------------------------------------------------------


class _Builder:
    """Turns the parse tree of one declaration into syntax."""

    def __init__(self, source: Source, language: Language, errors: list[Diagnostic]) -> None:
        self.source, self.language, self.errors = source, language, errors

    def span(self, node: Tree[Token] | Token) -> Span:
        if isinstance(node, Token):
            start, end = node.start_pos or 0, node.end_pos or 0
            start += len(node) - len(node.lstrip())
        else:
            start, end = getattr(node.meta, "start_pos", 0), getattr(node.meta, "end_pos", 0)
            while start < end and self.source.text[start] in " \t\n\u3000":
                start += 1
        return self.source.span(start, end)

    def report(self, code: str, node: Any, *fields: tuple[str, str]) -> None:
        span = self.span(node)
        self.errors.append(_diagnostic(code, self.source, span.start, span.end, self.language, fields))

    # -- declarations and fields

    def declaration(self, tree: Tree[Token], kind: str, damaged: bool) -> syntax.Declaration:
        children = list(tree.children)
        head = children.pop(0)
        assert isinstance(head, Token)
        name = syntax.Word("", self.span(head))
        ident, period, header, fields = "", syntax.ALWAYS, {}, []  # type: str, syntax.Period, dict[str, Any], list[syntax.Field]
        for index, child in enumerate(children):
            if isinstance(child, Token):
                if child.type in ("NAME", "BRACKETED"):
                    if index == 0:
                        name = self.word(child)
                    else:
                        header.setdefault("names", []).append(self.word(child))
                elif child.type == "NUMBER":
                    header["number"] = int(child)
                elif child.type == "QUOTE":
                    header["quote"] = self.quote(child)
                elif child.type in ("NOT_HELD", "UNSET", "EXAMPLE"):
                    header[child.type.lower()] = True
                elif child.type == "RULING_ID":
                    header["ruling_id"] = str(child)
                continue
            match child.data:
                case "ident":
                    ident = str(child.children[0])
                case "period":
                    period = self.period(child)
                case "for_each" if child.children[0].type == "FOR_EACH":  # type: ignore[union-attr]
                    header["for_each"] = self.words(child.children[1:])
                case "keyed":
                    header["keyed"] = self.words(child.children[1:])
                case "count":
                    header["unit"] = str(child.children[1])
                case "order":
                    header["heaviest_first"] = child.children[0].type == "HEAVY_FIRST"  # type: ignore[union-attr]
                case "label":
                    header.setdefault("labels", []).append(self.label(child))
                case "by_election" | "by_order" | "by_amount":
                    header["how"] = str(child.data)
                    header["chooser"] = next((self.word(t).text for t in child.children if t.type in ("NAME", "BRACKETED")), "")  # type: ignore[union-attr]
                case "text_type" | "bool_type" | "date_type" | "month_type" | "number_type" | "choice_type" | "multi_type" | "record_type":
                    header["type"] = self.type(child)
                case _ if self.is_field(child):
                    fields.append(self.field(child))
                case _:
                    header["body"] = self.expr(child)
        return syntax.Declaration(kind, name, ident, period, header, tuple(fields), self.span(head), damaged)  # type: ignore[arg-type]

    @staticmethod
    def is_field(tree: Tree[Token]) -> bool:
        first = tree.children[0] if tree.children else None
        return isinstance(first, Token) and first.type.startswith("F_")

    def field(self, tree: Tree[Token]) -> syntax.Field:
        head, *rest = tree.children
        keyword, span = str(tree.data), self.span(head)
        if keyword in ("members", "records", "refers", "part", "discretion"):
            word, *rest = rest
            ident = ""
            if rest and isinstance(rest[0], Tree) and rest[0].data == "ident":
                inner = rest.pop(0)
                assert isinstance(inner, Tree)
                ident = str(inner.children[0])
            values = tuple(self.value(node) for node in rest if not self.mark(node))
            return syntax.Field(keyword, (syntax.Part(self.word(word), ident, values),), span)
        return syntax.Field(keyword, tuple(self.value(node) for node in rest if not self.mark(node)), span)

    @staticmethod
    def mark(node: Any) -> bool:
        return isinstance(node, Token) and node.type in ("COLON", "TO", "BY_WHOM", "LIMIT", "BEYOND")

    def value(self, node: Tree[Token] | Token) -> Any:
        """Whatever a field may hold."""
        if isinstance(node, Token):
            if node.type in ("NAME", "BRACKETED"):
                return self.word(node)
            if node.type == "QUOTE":
                return self.quote(node)
            return str(node.type)
        match node.data:
            case "cite":
                return self.cite(node)
            case "to_confirm":
                return self.value(node.children[0])
            case "outline":
                return str(node.children[0]), self.quote(node.children[1]).text
            case "size":
                low, high = (int(t) for t in node.children if isinstance(t, Token) and t.type == "NUMBER")
                return low, high
            case "or_none":
                return "NONE"
            case "monthly" | "once" | "start_month" | "months" | "done" | "due" | "every" | "by_whom":
                return syntax.Term(str(node.data), self.value(node.children[1]))
        return self.expr(node)

    def cite(self, tree: Tree[Token]) -> syntax.Cite:
        source, locator, quote, nth, role = self.word(tree.children[0]), "", None, 0, ""
        for child in tree.children[1:]:
            if isinstance(child, Tree):
                role = self.word(child.children[0]).text
            elif child.type == "LOCATOR":
                locator = str(child)
            elif child.type == "QUOTE":
                quote = self.quote(child)
            elif child.type == "NTH":
                nth = int(re.sub(r"\D", "", child))
        return syntax.Cite(source, locator, quote, nth, role, self.span(tree))

    def label(self, tree: Tree[Token]) -> syntax.Label:
        first = tree.children[0]
        word = self.word(first)
        ident, code = "", None
        for child in tree.children[1:]:
            if isinstance(child, Tree):
                ident = str(child.children[0])
            elif child.type == "NUMBER":
                code = int(child)
        return syntax.Label(word, ident, code)

    def type(self, tree: Tree[Token]) -> syntax.TypeName:
        of, unit, optional = None, "", False
        for child in tree.children:
            if isinstance(child, Tree):
                optional = True
            elif child.type in ("NAME", "BRACKETED"):
                of = self.word(child)
            elif child.type == "UNIT":
                unit = str(child)
        return syntax.TypeName(str(tree.data), of, unit, optional, self.span(tree))

    def period(self, tree: Tree[Token]) -> syntax.Period:
        start: date | None = None
        end: date | None = None
        closing = False
        for token in tree.children:
            if isinstance(token, Token) and token.type == "TO":
                closing = True
            elif isinstance(token, Token) and token.type == "DATE":
                day = self.date(token)
                start, end = (start, day) if closing else (day, end)
        return syntax.Period(start, end)

    # -- words and literals

    def word(self, node: Tree[Token] | Token) -> syntax.Word:
        token = node if isinstance(node, Token) else node.children[0]
        text = str(token)
        if isinstance(token, Token) and token.type in ("BRACKETED", "QUOTE"):
            text = text[1:-1]
        elif not text.isidentifier():
            self.report("P010", token, ("name", text))
        return syntax.Word(text, self.span(token))

    def words(self, nodes: Iterable[Any]) -> tuple[syntax.Word, ...]:
        return tuple(self.word(node) for node in nodes)

    def quote(self, node: Any) -> syntax.Quote:
        return syntax.Quote(str(node)[1:-1], self.span(node))

    def date(self, token: Token) -> date:
        year, month, day = (int(part) for part in re.findall(r"\d+", token))
        try:
            return date(year, month, day)
        except ValueError:
            self.report("P009", token, ("found", str(token)))
            return date(1900, 1, 1)

    def month(self, token: Token) -> Month:
        year, month = (int(part) for part in re.findall(r"\d+", token))
        if not (1 <= month <= 12 and 1 <= year <= 9999):
            self.report("P009", token, ("found", str(token)))
            return Month(1900, 1)
        return Month(year, month)

    # -- expressions

    def expr(self, node: Any) -> syntax.Expr:
        if isinstance(node, Token):
            return syntax.Path((self.word(node),), self.span(node))
        span, children = self.span(node), node.children
        match node.data:
            case "path":
                return syntax.Path(self.words(children), span)
            case "quantity":
                unit = str(children[1]) if len(children) > 1 else ""
                return syntax.Quantity(Fraction(Decimal(str(children[0]))), unit, span)
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
            case "meets" | "obtains" | "blocked":
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

    def logic(self, node: Tree[Token]) -> syntax.Expr:
        operators = [child for child in node.children[1::2] if isinstance(child, Token)]
        operands = tuple(self.expr(child) for child in node.children[0::2])
        if len({operator.type for operator in operators}) > 1:
            other = next(operator for operator in operators if operator.type != operators[0].type)
            self.report("P004", other)
        return syntax.Apply(operators[0].type, operands, self.span(node))

    def listing(self, tree: Tree[Token]) -> syntax.Listing:
        children = list(tree.children)
        domain: syntax.Path | tuple[syntax.Expr, syntax.Expr]
        if isinstance(children[0], Token) and children[0].type == "MONTHS_FROM":
            domain = (self.expr(children[1]), self.expr(children[3]))
            rest = children[4:]
        else:
            path = self.expr(children[0])
            assert isinstance(path, syntax.Path)
            domain, rest = path, children[1:]
        name, where = None, None
        for mark, child in zip(rest[0::2], rest[1::2], strict=True):
            if isinstance(mark, Token) and mark.type == "AS":
                name = self.word(child)
            else:
                where = self.expr(child)
        return syntax.Listing(domain, name, where, self.span(tree))
