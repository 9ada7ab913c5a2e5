"""Text → syntax.

A file is cut at the lines that begin a declaration; each piece is parsed by itself, so that one fault costs one
declaration's field and not the file. A field that does not parse is reported, blanked out and the piece tried again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from policykit import syntax, words
from policykit.diagnostics import Diagnostic, did_you_mean, nearest
from policykit.parser.builder import Builder
from policykit.parser.complaints import SKIPPED, Complaints, short
from policykit.parser.tables import Leaf, Node, tree
from policykit.source import MAX_FILE_BYTES, Source

LANGUAGE_VERSION = 1
MAX_NESTING = 60  # brackets within brackets
MAX_DEPTH = 150  # anything within anything: the passes and engines walk expressions recursively
MAX_DECLARATION = 50_000
MAX_ERRORS = 100
MAX_ERRORS_IN_A_DECLARATION = 20
_MOST_TRIED = 200_000  # characters parsed again to find further errors in one declaration

_HEAD = re.compile(r"^(?![ \t\u3000\r\n\xa0#]|$)[^\s:：(（]*", re.M)
_NAMES = re.compile(
    r"\S+[ \t\u3000]+(?:【([^】\n]+)】|([^\s(（:：.．]+))(?:[.．]([^\s(（:：]+))?\s*(?:[(（]\s*(\w+))?"
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


class _Reader(Complaints):
    """Reads the declarations of one file, and says what is wrong with their writing."""

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
                from policykit.parser.faults import Faults, first_fault, stack_of

                at, cut, wrong = first_fault(text, start, end)
                if stack_of(wrong) > 3 * MAX_NESTING:
                    self.report("L002", at, at + 1, ("limit", str(MAX_NESTING)))
                    return None
                Faults(self.source, self.language, self.errors).unexpected(wrong, at, cut, end, kind)
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


def _deep_bracket(text: str, start: int, end: int) -> int | None:
    """The offset at which brackets nest too deep, if they do."""
    depth = 0
    for match in re.compile(rf"{SKIPPED}|([(（\[［{{｛])|([)）\]］}}｝])").finditer(text, start, end):
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
    found = (match for match in re.finditer(SKIPPED, source.text) if match[0][0] == "#")
    return {source.span(match.start(), match.end()).line: match[0].rstrip() for match in found}
