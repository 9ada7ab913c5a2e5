"""Text → syntax.

A file is cut at the lines that begin a declaration; each piece is parsed by itself, so that one fault costs one
declaration's field and not the file. A field that does not parse is reported, blanked out and the piece tried again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from policykit import syntax, words
from policykit.diagnostics import Diagnostic, Language, did_you_mean, nearest
from policykit.parser.builder import Builder, diagnostic, short
from policykit.parser.tables import Leaf, Node, fault, tree
from policykit.source import MAX_FILE_BYTES, Source

LANGUAGE_VERSION = 1
MAX_NESTING = 60  # brackets within brackets
MAX_DEPTH = 150  # anything within anything: the passes and engines walk expressions recursively
MAX_DECLARATION = 50_000
MAX_ERRORS = 100
MAX_ERRORS_IN_A_DECLARATION = 20
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
        rivals: dict[int, frozenset[str]] = {}
        whole = tree(text, start, end, rivals)
        assert whole is not None
        found.append(_node(_inner(whole), rivals))
    return tuple(found)


def _inner(whole: Node) -> Node:
    """The clause, term, fact … that a declaration is."""
    (inner,) = whole.children
    assert isinstance(inner, Node)
    return inner


def _node(whole: Node, rivals: Mapping[int, frozenset[str]]) -> syntax.Node:
    parts: list[syntax.Node | syntax.Lexeme] = []
    for part in whole.children:
        if isinstance(part, Node):
            parts.append(_node(part, rivals))
        else:
            parts.append(syntax.Lexeme(part.type, part.text, part.start, rivals.get(part.start, frozenset())))
    return syntax.Node(whole.data, tuple(parts))


class _Reader:
    """Reads the declarations of one file, and says what is wrong with their writing."""

    def __init__(self, source: Source, language: Language, errors: list[Diagnostic]) -> None:
        self.source, self.language, self.errors = source, language, errors

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def report(self, code: str, start: int, end: int, *fields: tuple[str, str], fix: str = "") -> None:
        self.errors.append(diagnostic(code, self.source, start, end, self.language, fields, fix))

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
            self.report("P003", match.start(1), match.end(1), ("found", short(match[1])), ("hint", hint))

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
        self.report("P003", head.start(), head.end(), ("found", short(found)), ("hint", hint), fix=fix)
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
            whole = tree(text, start, end)
            if whole is None:
                at, cut, wrong = _first_fault(text, start, end)
                if _stack_of(wrong) > 3 * MAX_NESTING:
                    self.report("L002", at, at + 1, ("limit", str(MAX_NESTING)))
                    return None
                self.unexpected(wrong, at, cut, end, kind)
                if cut is None or (tried + 1) * (end - start) > _MOST_TRIED or len(self.errors) >= MAX_ERRORS:
                    return None
                text = text[: cut[0]] + re.sub(r"[^\n]", " ", text[cut[0] : cut[1]]) + text[cut[1] :]
                continue
            if (place := _deep_place(whole)) is not None:
                self.report("L002", place, place + 1, ("limit", str(MAX_DEPTH)))
                return None
            return Builder(self.source, self.language, self.errors).declaration(
                _inner(whole), kind, tried > 0
            )
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
        found = words.END_OF_LINE[self.language == "en"] if _broke_off(error) else f"`{short(token)}`"
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
        self.report("N003", start, stop, ("name", short(name)), ("word", operator), fix=fix)
        return True


def _first_fault(text: str, start: int, end: int) -> tuple[int, tuple[int, int] | None, UnexpectedInput]:
    """Where the fault is, the field to blank out, and the error to report.

    A field that breaks off swallows the next line's first word, and the error appears there: if the piece does not
    parse even without that line, the fault lies before it.
    """
    error = fault(text, start, end)
    assert error is not None
    while True:
        at = _position(error, text, start, end)
        cut = _segment(text, start, end, at)
        earlier = fault(text, start, cut[0]) if cut is not None else None
        if cut is None or earlier is None:
            return at, cut, error
        error, end = earlier, cut[0]


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


def _deep_place(whole: Node) -> int | None:
    """The offset at which anything nests too deep, if it does; a chain of sums nests to the left."""
    stack: list[tuple[Node | Leaf, int]] = [(whole, 1)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, Node):
            below = depth + (len(node.children) // 2 if node.data == "arithmetic" else 1)
            stack.extend((child, below) for child in node.children)
        elif depth > MAX_DEPTH:
            return node.start
    return None


def _comments(source: Source) -> dict[int, str]:
    found = (match for match in re.finditer(_SKIPPED, source.text) if match[0][0] == "#")
    return {source.span(match.start(), match.end()).line: match[0].rstrip() for match in found}
