"""Text → syntax: the only module that knows lark.

A file is cut at the lines that begin a declaration; each piece is parsed by itself, so that one fault costs one
declaration's field and not the file. A field that does not parse is reported, blanked out and the piece tried again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

from lark import Lark, TextSlice, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from policykit import syntax, words
from policykit.diagnostics import Diagnostic, Language, did_you_mean, nearest
from policykit.source import MAX_FILE_BYTES, Source, Span
from policykit.values import Month

LANGUAGE_VERSION = 1
MAX_NESTING = 60  # brackets within brackets
MAX_DEPTH = 150  # anything within anything: the passes and engines walk expressions recursively
MAX_DECLARATION = 50_000
MAX_ERRORS = 100
MAX_ERRORS_IN_A_DECLARATION = 20
MAX_NAME = 100
MAX_DIGITS = 30
_MOST_TRIED = 200_000  # characters parsed again to find further errors in one declaration

_SKIPPED = r"「[^」\n]*」?|【[^】\n]*】?|#[^\n]*"  # one left open takes its whole line
_HEAD = re.compile(r"^(?![ \t\u3000\r\n\xa0#]|$)[^\s:：(（]*", re.M)
_NAMES = re.compile(
    r"\S+[ \t\u3000]+(?:【([^】\n]+)】|([^\s(（:：.．]+))(?:[.．]([^\s(（:：]+))?\s*(?:[(（]\s*(\w+))?"
)
_OTHER_DATE = re.compile(r"(\d{4})[/.／．](\d{1,2})[/.／．](\d{1,2})(?!\d)")
_WORD = re.compile(r"\w+")
_FILTERED = re.compile(r"(满足|取|按|where|of|by)[ \t\u3000]+[^\s()（）]+\s*\Z")
_NAMING = ("F_MEMBERS", "F_RECORDS", "F_REFERS", "F_PART", "F_DISCRETION")


@lru_cache(maxsize=2)
def _lark(marks: bool = False) -> Lark:
    """The parser; with `marks` its trees hold every word and mark that was written."""
    return Lark(
        words.grammar(),
        parser="lalr",
        start="declaration",
        maybe_placeholders=False,
        propagate_positions=True,
        keep_all_tokens=marks,
    )


def parse(source: Source) -> tuple[syntax.Module, list[Diagnostic]]:
    """The syntax tree of a rule file, as far as it can be read, and everything that is wrong with its writing."""
    source = Source(source.file, source.text.removeprefix("\ufeff"))
    text, errors = source.text, list[Diagnostic]()
    if len(text) > MAX_FILE_BYTES or len(text.encode("utf-8", "replace")) > MAX_FILE_BYTES:
        where = Diagnostic("L001", source.file, "zh", (("limit", f"{MAX_FILE_BYTES:,} bytes"),))
        return syntax.Module(source, (), {}, "zh"), [where]

    heads, kinds = list(_HEAD.finditer(text)), words.declaration_words()
    first = next((head[0] for head in heads if head[0] in kinds), "")
    reader = _Reader(source, "en" if first and first.isascii() else "zh", errors)
    declarations: list[syntax.Declaration] = []
    lost: set[str] = set()
    reader.before_declarations(heads[0].start() if heads else len(text))
    for index, head in enumerate(heads):
        start, end = head.start(), heads[index + 1].start() if index + 1 < len(heads) else len(text)
        declaration = None
        if len(errors) >= MAX_ERRORS:
            pass
        elif head[0] in kinds:
            declaration = reader.declaration(start, end, kinds[head[0]])
        elif reader.no_declaration(head) and declarations:
            declarations[-1] = replace(declarations[-1], damaged=True)
        if declaration is not None:
            declarations.append(declaration)
        elif named := _NAMES.match(text, start, end):
            lost |= {name for name in named.groups() if name}
    if len(errors) >= MAX_ERRORS:
        errors.append(Diagnostic("L007", source.file, reader.language, (("limit", str(MAX_ERRORS)),)))
    return syntax.Module(
        source, tuple(declarations), _comments(source), reader.language, frozenset(lost)
    ), errors


def written(source: Source) -> tuple[syntax.Node, ...]:
    """Every declaration of a file that parses without an error, with every word and mark of it."""
    text = source.text.removeprefix("\ufeff")
    found = []
    for start, end in pairwise([*(head.start() for head in _HEAD.finditer(text)), len(text)]):
        reading, rivals = _lark(marks=True).parse_interactive(TextSlice(text, start, end)), {}
        for token in reading.iter_parse():
            if token.type in ("NAME", "BRACKETED", "QUOTE"):
                rivals[token.start_pos] = frozenset(reading.choices())  # type: ignore[no-untyped-call]
        tree = reading.feed_eof().children[0]  # type: ignore[no-untyped-call]
        found.append(_node(tree, rivals))
    return tuple(found)


def _node(tree: Tree[Token], rivals: Mapping[int | None, frozenset[str]]) -> syntax.Node:
    parts: list[syntax.Node | syntax.Lexeme] = []
    for child in tree.children:
        if isinstance(child, Tree):
            parts.append(_node(child, rivals))
        else:
            text = child.lstrip()
            start = (child.start_pos or 0) + len(child) - len(text)
            parts.append(syntax.Lexeme(child.type, text, start, rivals.get(child.start_pos, frozenset())))
    return syntax.Node(str(tree.data), tuple(parts))


def _in_order(name: syntax.Word, ident: syntax.Word | None) -> tuple[syntax.Word, str]:
    """The name and the identifier of something that may be written in either order: 低保 (dibao), dibao (低保)."""
    if ident is not None and name.text.isascii() and not ident.text.isascii():
        name, ident = ident, name
    return name, ident.text if ident else ""


class _Reader:
    """Reads the declarations of one file, and says what is wrong with their writing."""

    def __init__(self, source: Source, language: Language, errors: list[Diagnostic]) -> None:
        self.source, self.language, self.errors = source, language, errors

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def report(self, code: str, start: int, end: int, *fields: tuple[str, str], fix: str = "") -> None:
        self.errors.append(_diagnostic(code, self.source, start, end, self.language, fields, fix))

    def mended(self, start: int, end: int, text: str) -> str:
        """The line a place is on, with something else in that place."""
        whole = self.source.text
        line = whole.rfind("\n", 0, start) + 1
        after = whole.find("\n", end)
        return (whole[line:start] + text + whole[end : after if after >= 0 else len(whole)]).strip()

    # -- lines that begin no declaration

    def before_declarations(self, end: int) -> None:
        """Reports a line that stands before the first declaration."""
        if match := re.compile(r"^[ \t\u3000\xa0]*([^\s#][^\n]*)", re.M).search(self.source.text, 0, end):
            hint = self.say("前面要先有一条声明，如 ", "a declaration comes first, such as: ")
            hint += self.say("条款 名称 (identifier)", "clause identifier")
            self.report("P003", match.start(1), match.end(1), ("found", _short(match[1])), ("hint", hint))

    def no_declaration(self, head: re.Match[str]) -> bool:
        """Reports a line in the first column that begins no declaration; true if it is a field that lost its indent."""
        found, fix = head[0] or self.source.text[head.start()], ""
        fields = {word for spellings in words.field_words().values() for word in spellings}
        near = nearest(found, words.declaration_words())
        line = self.mended(head.start(), head.start(), "")
        is_field = found in fields or any(line.startswith(f"{word} ") for word in fields)
        if is_field:
            hint = self.say(f"`{found}` 是栏目，行首要空几格", f"`{found}` is a field: indent its line")
            fix = "    " + line
        elif near:
            hint = did_you_mean(found, words.declaration_words(), self.language)
            fix = self.mended(head.start(), head.end(), near[0])
        else:
            listed = words.declarations_listed(self.language)
            hint = (
                self.say("声明顶格写，栏目缩进写。声明有：", "declarations begin in the first column: ")
                + listed
            )
        self.report("P003", head.start(), head.end(), ("found", _short(found)), ("hint", hint), fix=fix)
        return is_field

    # -- one declaration

    def declaration(self, start: int, end: int, kind: str) -> syntax.Declaration | None:
        text = self.source.text
        if end - start > MAX_DECLARATION:
            self.report("L006", start, start + 1, ("limit", f"{MAX_DECLARATION:,}"))
            return None
        if (deep := _deep_bracket(text, start, end)) is not None:
            self.report("L002", deep, deep + 1, ("limit", str(MAX_NESTING)))
            return None
        for tried in range(MAX_ERRORS_IN_A_DECLARATION):
            try:
                tree = _lark().parse(TextSlice(text, start, end))
            except UnexpectedInput as error:
                at, cut, fault = _first_fault(error, text, start, end)
                if _stack_of(fault) > 3 * MAX_NESTING:
                    self.report("L002", at, at + 1, ("limit", str(MAX_NESTING)))
                    return None
                self.unexpected(fault, at, cut, end, kind)
                if cut is None or (tried + 1) * (end - start) > _MOST_TRIED or len(self.errors) >= MAX_ERRORS:
                    return None
                text = text[: cut[0]] + re.sub(r"[^\n]", " ", text[cut[0] : cut[1]]) + text[cut[1] :]
                continue
            if (place := _deep_place(tree)) is not None:
                self.report("L002", place, place + 1, ("limit", str(MAX_DEPTH)))
                return None
            whole = tree.children[0]
            assert isinstance(whole, Tree)
            return _Builder(self.source, self.language, self.errors).declaration(whole, kind, tried > 0)
        return None

    def unexpected(
        self, error: UnexpectedInput, at: int, cut: tuple[int, int] | None, end: int, kind: str
    ) -> None:
        """Reports what does not fit, what would, and the mended line where it is likely."""
        text = self.source.text
        line = text.rfind("\n", 0, at) + 1
        if isinstance(error, UnexpectedCharacters):
            hint, instead = words.stray(text[at], self.language)
            fix = self.mended(at, at + 1, instead) if instead is not None else ""
            self.report("P002", at, at + 1, ("found", text[at]), ("hint", hint), fix=fix)
            return
        assert isinstance(error, UnexpectedToken)
        terminals: set[str] = set(error.accepts or error.expected)
        written = re.compile(r"[^\n]*").match(text, line)
        for other in _OTHER_DATE.finditer(text, line, written.end() if written else at):
            if other.start() <= at < other.end():
                iso = f"{other[1]}-{int(other[2]):02d}-{int(other[3]):02d}"
                fix = self.mended(other.start(), other.end(), iso)
                self.report("P009", other.start(), other.end(), ("found", other[0]), fix=fix)
                return
        if self.held_operator(error, at, cut):
            return
        token = str(error.token).strip()
        if error.token.type == "UNIT":  # the first character of a name may look like one
            run = _WORD.match(text, at)
            token = run[0] if run else token
        found = words.END_OF_LINE[self.language == "en"] if _broke_off(error) else f"`{_short(token)}`"
        hint, fix = "", ""
        inside = {terminal for terminal in terminals if not terminal.startswith("F_") and terminal != "$END"}
        if not _broke_off(error) and not text[line:at].strip() and line < at:
            fields = words.fields_of(kind)
            shown = [words.spelled(spellings, self.language) for spellings in fields.values()]
            expected = words.listed(shown, self.language, 10)
            if inside:
                also = words.expected(inside, self.language, 3)
                expected += self.say(f"；接着上一行写：{also}", f"; to go on with the line above: {also}")
            name = token.rstrip(":：")
            near = nearest(name, [spelling for spellings in fields.values() for spelling in spellings])
            if name in near:  # a field that is one only before its colon
                hint = self.say(f"栏目 `{name}` 后面要有冒号。", f"the field `{name}` needs its colon. ")
                fix = self.mended(at, at + len(name), name + self.say("：", ":"))
            elif near:
                hint = did_you_mean(name, near[:1], self.language) + self.say("", " ")
                fix = self.mended(at, at + len(name), near[0])
        else:
            expected = words.expected(terminals, self.language)
            known = [word for terminal in inside for word in words.keywords().get(terminal, ())]
            near = nearest(token, known) if error.token.type == "NAME" else []
            before = text[line:at].split()[-1:]
            parts = words.swallowed(before[0]) if before and not _broke_off(error) else []
            missing_brackets = _FILTERED.search(text, line, at)
            if near:
                hint = did_you_mean(token, near[:1], self.language) + self.say("", " ")
                fix = self.mended(at, at + len(token), near[0])
            elif "UNIT" in terminals and text[line:at].rstrip()[-1:].isdigit() and error.token.type == "NAME":
                hint = (
                    self.say("单位有：", "units are: ")
                    + words.units_listed(self.language)
                    + self.say("。", ". ")
                )
            elif parts and parts[0][0]:
                hint = self.say("词语之间漏了空格。", "a space is missing between the words. ")
                start = text.rindex(before[0], line, at)
                fix = self.mended(start, start + len(before[0]), " ".join(parts[0]))
            elif missing_brackets:
                word = missing_brackets[1]
                hint = self.say(
                    f"{word} 后面写成 (…)。", f"what follows `{word}` is written in parentheses. "
                )
            elif "NAME" in terminals and error.token.type in words.keywords():
                hint = self.say(f"要当作名称，写成【{token}】。", f"to use it as a name write 【{token}】. ")
        stop = min(at + max(len(token), 1), end)
        self.report("P001", at, stop, ("found", found), ("expected", expected), ("hint", hint), fix=fix)

    def held_operator(self, error: UnexpectedToken, at: int, cut: tuple[int, int] | None) -> bool:
        """Reports a name being declared that holds a word operator; false when it is something else."""
        text, operator = self.source.text, str(error.token)
        line = text.rfind("\n", 0, at) + 1
        field = re.compile(r"\s*(\w+)").match(text, line)
        naming = {word for terminal in _NAMING for word in words.keywords()[terminal]}
        if operator not in words.operator_words() or re.search(r"[=＝]", text[line:at]):
            return False
        if cut is not None and (field is None or field[1] not in naming):
            return False
        start = stop = at
        while start > line and re.match(r"\w", text[start - 1]):
            start -= 1
        while re.match(r"\w", text[stop : stop + 1]):
            stop += 1
        name = text[start:stop]
        if name == operator:
            return False
        fix = self.mended(start, stop, f"【{name}】")
        self.report("N003", start, stop, ("name", _short(name)), ("word", operator), fix=fix)
        return True


def _first_fault(
    error: UnexpectedInput, text: str, start: int, end: int
) -> tuple[int, tuple[int, int] | None, UnexpectedInput]:
    """Where the fault is, the field to blank out, and the error to report.

    A field that breaks off swallows the next line's first word, and the error appears there: if the piece does not
    parse even without that line, the fault lies before it.
    """
    while True:
        at = _position(error, text, start, end)
        cut = _segment(text, start, end, at)
        if cut is None:
            return at, cut, error
        try:
            _lark().parse(TextSlice(text, start, cut[0]))
        except UnexpectedInput as earlier:
            error, end = earlier, cut[0]
            continue
        return at, cut, error


def _segment(text: str, start: int, end: int, at: int) -> tuple[int, int] | None:
    """The field to blank out for an error at an offset; `None` when the header itself is at fault."""
    starts = [match.start() for match in words.field_line().finditer(text, start, end)]
    begin = max((s for s in starts if s <= at), default=None)
    if begin is None:
        return None
    return begin, min((s for s in starts if s > begin), default=end)


def _position(error: UnexpectedInput, text: str, start: int, end: int) -> int:
    """Where the error is: at a word or character, or where the line before broke off."""
    at = end if error.pos_in_stream is None or error.pos_in_stream < 0 else error.pos_in_stream
    if _broke_off(error):
        stop = end if _token(error) == "$END" else at
        kept = re.sub(_SKIPPED, lambda m: " " * len(m[0]) if m[0][0] == "#" else m[0], text[start:stop])
        return start + len(kept.rstrip(" \t\r\n\u3000\xa0"))
    while at < end and text[at] in " \t\r\n\u3000\xa0":
        at += 1
    return at


def _broke_off(error: UnexpectedInput) -> bool:
    """Whether the text ends, or the next field begins, before something is complete."""
    token = _token(error)
    return token == "$END" or token.startswith("F_")


def _token(error: UnexpectedInput) -> str:
    """The kind of the word that was not expected; empty where no word begins."""
    return error.token.type if isinstance(error, UnexpectedToken) else ""


def _stack_of(error: UnexpectedInput) -> int:
    """How many things were begun and not ended when the error came up."""
    parser = getattr(error, "interactive_parser", None)
    return len(parser.parser_state.state_stack) if parser is not None else 0


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


def _diagnostic(
    code: str,
    source: Source,
    start: int,
    end: int,
    language: Language,
    fields: tuple[tuple[str, str], ...],
    fix: str = "",
) -> Diagnostic:
    span = source.span(start, end)
    return Diagnostic(code, str(span), language, fields, span, source.line(span.line), fix)


def _deep_bracket(text: str, start: int, end: int) -> int | None:
    """The offset at which brackets nest too deep, if they do."""
    depth = 0
    for match in re.compile(rf"{_SKIPPED}|([(（\[［{{｛])|([)）\]］}}｝])").finditer(text, start, end):
        if match[1]:
            depth += 1
            if depth > MAX_NESTING:
                return match.start()
        elif match[2]:
            depth = max(0, depth - 1)
    return None


def _deep_place(tree: Any) -> int | None:
    """The offset at which anything nests too deep, if it does; a chain of sums nests to the left."""
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, Tree):
            below = depth + (len(node.children) // 2 if node.data == "arithmetic" else 1)
            stack.extend((child, below) for child in node.children)
        elif depth > MAX_DEPTH and isinstance(node, Token) and node.start_pos is not None:
            return node.start_pos
    return None


def _comments(source: Source) -> dict[int, str]:
    found = (match for match in re.finditer(_SKIPPED, source.text) if match[0][0] == "#")
    return {source.span(match.start(), match.end()).line: match[0].rstrip() for match in found}


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
        ident: syntax.Word | None = None
        period, header, fields = syntax.ALWAYS, {}, []  # type: syntax.Period, dict[str, Any], list[syntax.Field]
        for index, child in enumerate(children):
            if isinstance(child, Token):
                if child.type in ("NAME", "BRACKETED"):
                    if index == 0:
                        name = self.word(child)
                    else:
                        header.setdefault("names", []).append(self.word(child))
                elif child.type == "NUMBER":
                    self.number(child)
                    header["number"] = Decimal(str(child)[:MAX_DIGITS].replace("．", "."))
                elif child.type == "QUOTE":
                    header["quote"] = self.quote(child)
                elif child.type in ("NOT_HELD", "EXCERPT", "UNSET", "EXAMPLE"):
                    header[child.type.lower()] = True
                elif child.type == "RULING_ID":
                    header["ruling_id"] = str(child)
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
                    header["unit"] = str(child.children[1])
                case "order":
                    header["heaviest_first"] = self.begins(child, "HEAVY_FIRST")
                case "label":
                    header.setdefault("labels", []).append(self.label(child))
                case "by_election" | "by_order" | "by_amount":
                    header["how"] = str(child.data)
                    words = [t for t in child.children if isinstance(t, Token)]
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
        named[0], identifier = _in_order(named[0], ident)
        name = named[0] if kind != "fact" else name
        made, place = tuple(fields), self.span(head)
        return syntax.Declaration(kind, name, identifier, period, header, made, place, damaged)  # type: ignore[arg-type]

    @staticmethod
    def is_field(tree: Tree[Token]) -> bool:
        first = tree.children[0] if tree.children else None
        return isinstance(first, Token) and first.type.startswith("F_")

    def field(self, tree: Tree[Token]) -> syntax.Field:
        head, *rest = tree.children
        keyword, span = str(tree.data), self.span(head)
        if keyword in ("on", "assume", "given", "ruled", "expect", "columns", "row"):
            return syntax.Field(keyword, self.of_case(keyword, rest, span), span)
        if keyword in ("members", "records", "refers", "part", "discretion"):
            word, *rest = rest
            inner = None
            if rest and isinstance(rest[0], Tree) and rest[0].data == "ident":
                inner = self.word(rest.pop(0))
            name, ident = _in_order(self.word(word), inner)
            values = tuple(self.value(node) for node in rest if not self.mark(node))
            return syntax.Field(keyword, (syntax.Part(name, ident, values),), span)
        return syntax.Field(keyword, tuple(self.value(node) for node in rest if not self.mark(node)), span)

    # -- what a case gives and expects

    def of_case(self, keyword: str, nodes: list[Any], span: Span) -> tuple[Any, ...]:
        """What a field of a case holds."""
        trees = [node for node in nodes if isinstance(node, Tree)]
        match keyword:
            case "on":
                return (self.date(nodes[0]),)
            case "assume":
                words = [n for n in nodes if isinstance(n, Token) and n.type in ("NAME", "BRACKETED")]
                value = (
                    None
                    if isinstance(nodes[-1], Token) and nodes[-1].type == "UNSET"
                    else self.expr(nodes[-1])
                )
                named = words[:-1] if isinstance(nodes[-1], Token) and nodes[-1] is words[-1] else words
                return self.word(named[0]), self.words(named[1:]), value
            case "given":
                prefix = self.place_of(trees.pop(0)) if trees[0].data == "place" else None
                return tuple(self.given(tree, prefix) for tree in trees)
            case "ruled":
                subject = self.place_of(trees.pop(0)) if trees and trees[0].data == "subject" else None
                name = next(n for n in nodes if isinstance(n, Token) and n.type in ("NAME", "BRACKETED"))
                day = next(self.date(n) for n in nodes if isinstance(n, Token) and n.type == "DATE")
                chosen = tuple(self.chosen(tree) for tree in trees)
                return (syntax.Ruled(subject, self.word(name), day, chosen, span),)
            case "expect":
                return (self.expectation(trees[0]),)
            case "columns":
                return tuple(self.place_of(tree) for tree in trees)
        expected = tuple(self.expectation(tree) for tree in trees if tree.data == "expectation")
        values = tuple(self.given_value(node) for node in trees if node.data != "expectation")
        return (syntax.Row(values, expected, span),)

    def place_of(self, tree: Tree[Token]) -> syntax.Place:
        steps = []
        for step in tree.children:
            assert isinstance(step, Tree)
            number = next((self.whole(t) for t in step.children[1:]), None)
            if number == 0:
                wanted = self.wanted("从 1 数起的位置", "a position counted from 1")
                self.report("P011", step, ("found", "0"), ("wanted", wanted))
            steps.append((self.word(step.children[0]), number))
        return syntax.Place(tuple(steps), self.span(tree))

    def given(self, tree: Tree[Token], prefix: syntax.Place | None) -> syntax.Given:
        place, *rest = tree.children
        assert isinstance(place, Tree)
        found = self.place_of(place)
        if prefix is not None:
            found = syntax.Place(prefix.steps + found.steps, found.span)
        value = next(node for node in rest if isinstance(node, Tree))
        paper = next((str(t)[1:-1] for t in rest if isinstance(t, Token) and t.type == "QUOTE"), "")
        return syntax.Given(found, self.given_value(value), paper, self.span(tree))

    def given_value(self, tree: Tree[Token]) -> syntax.GivenValue:
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
    def begins(tree: Tree[Token], terminal: str) -> bool:
        first = tree.children[0]
        return isinstance(first, Token) and first.type == terminal

    def chosen(self, tree: Tree[Token]) -> tuple[syntax.Word, syntax.Quantity | None]:
        name, *rest = tree.children
        found = self.expr(rest[-1]) if rest else None
        assert found is None or isinstance(found, syntax.Quantity)
        return self.word(name), found

    def expectation(self, tree: Tree[Token]) -> syntax.Expectation:
        nodes, subject = list(tree.children), None
        if isinstance(nodes[0], Tree) and nodes[0].data == "subject":
            subject = self.place_of(nodes[0])
            del nodes[0]
        name, state, *terms = nodes
        found = tuple(self.expected(term) for term in terms if isinstance(term, Tree))
        return syntax.Expectation(subject, self.word(name), self.word(state), found, self.span(tree))

    def expected(self, tree: Tree[Token]) -> syntax.Term:
        keyword, *rest = (n for n in tree.children if not (isinstance(n, Token) and n.type == "TO"))
        match str(tree.data):
            case "also":
                return syntax.Term("also", self.value(keyword))
            case "by_whom" | "missing" as kind:
                return syntax.Term(kind, self.value(rest[0]))
            case "start_month":
                assert isinstance(rest[0], Token)
                return syntax.Term("start_month", self.month(rest[0]))
            case "due":
                assert isinstance(rest[0], Token)
                unset = rest[0].type == "UNSPECIFIED"
                return syntax.Term("due", "unspecified" if unset else self.date(rest[0]))
            case "months":
                return syntax.Term("months", self.expr(rest[0]))
        return syntax.Term(str(tree.data), tuple(self.expr(node) for node in rest))

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
            case "rising":
                _, fact, _, _, _, measure, way = node.children
                path = self.expr(fact)
                assert isinstance(path, syntax.Path) and isinstance(way, Token)
                return syntax.Rising(path, self.word(measure), way.type, self.span(node))
            case "outline":
                return str(node.children[0]), self.quote(node.children[1]).text
            case "size":
                low, high = (
                    self.whole(t) for t in node.children if isinstance(t, Token) and t.type == "NUMBER"
                )
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
                nth = int(re.sub(r"\D", "", child)[:9])
        return syntax.Cite(source, locator, quote, nth, role, self.span(tree))

    def label(self, tree: Tree[Token]) -> syntax.Label:
        first = tree.children[0]
        inner, code = None, None
        for child in tree.children[1:]:
            if isinstance(child, Tree):
                inner = self.word(child)
            elif child.type == "NUMBER":
                code = self.whole(child)
        return syntax.Label(*_in_order(self.word(first), inner), code)

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
        if start is not None and end is not None and start > end:
            self.report("T009", tree, ("low", str(start)), ("high", str(end)))
        return syntax.Period(start, end)

    # -- words and literals

    def word(self, node: Tree[Token] | Token) -> syntax.Word:
        token = node if isinstance(node, Token) else node.children[0]
        text = str(token)
        if isinstance(token, Token) and token.type in ("BRACKETED", "QUOTE"):
            text = text[1:-1]
        elif not text.isidentifier():
            self.report("P010", token, ("name", _short(text)))
        if len(text) > MAX_NAME or not text.strip():
            self.report("P010", token, ("name", _short(text)))
        return syntax.Word(text[:MAX_NAME], self.span(token))

    def words(self, nodes: Iterable[Any]) -> tuple[syntax.Word, ...]:
        return tuple(self.word(node) for node in nodes)

    def quote(self, node: Any) -> syntax.Quote:
        return syntax.Quote(str(node)[1:-1], self.span(node))

    def number(self, token: Any) -> Fraction:
        """A number as written, which may not be too long for exact arithmetic."""
        if len(token) > MAX_DIGITS:
            self.report("P011", token, ("found", _short(token)), ("wanted", self.wanted(f"{MAX_DIGITS} 位以内的数", f"a number of at most {MAX_DIGITS} digits")))  # fmt: skip
            return Fraction(0)
        return Fraction(Decimal(str(token).replace("．", ".")))

    def whole(self, token: Any) -> int:
        """A whole number."""
        number = self.number(token)
        if number.denominator != 1:
            self.report(
                "P011", token, ("found", str(token)), ("wanted", self.wanted("整数", "a whole number"))
            )
        return int(number)

    def wanted(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

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

    def logic(self, node: Tree[Token]) -> syntax.Expr:
        operators = [child for child in node.children[1::2] if isinstance(child, Token)]
        operands = tuple(self.expr(child) for child in node.children[0::2])
        if len({operator.type for operator in operators}) > 1:
            other = next(operator for operator in operators if operator.type != operators[0].type)
            self.errors.append(
                replace(
                    _diagnostic("P004", self.source, *self.place(other), self.language, ()),
                    fix=self.grouped(node),
                )
            )
        return syntax.Apply(operators[0].type, operands, self.span(node))

    def place(self, node: Any) -> tuple[int, int]:
        span = self.span(node)
        return span.start, span.end

    def grouped(self, node: Tree[Token]) -> str:
        """A chain of 并且 and 或者 with parentheses around each run of 并且, as it is most likely meant."""
        runs: list[list[str]] = [[]]
        either = ""
        for child in node.children:
            start, end = self.place(child)
            written = re.sub(r"\s+", " ", self.source.text[start:end])
            if isinstance(child, Token) and child.type == "OR":
                either = written
                runs.append([])
            else:
                runs[-1].append(written)
        shown = [" ".join(run) if len(run) == 1 else f"({' '.join(run)})" for run in runs]
        return f" {either} ".join(shown)

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
