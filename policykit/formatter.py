"""Syntax → text: the one canonical form of a rule file, and its conversion between Chinese and English.

What is written back is the tree of everything that was written (`syntax.Node`), so no spelling is lost on the way:
早于, 低于 and 不满 stay what they are. Only white space, marks, needless brackets and the breaks of lines are settled
here. A new declaration or field needs no code: it is laid out by the kinds of its words.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import zip_longest
from typing import Any, TypeAlias

from policykit import ir, words
from policykit.datatypes import parse_unit
from policykit.diagnostics import Language
from policykit.source import Source, columns
from policykit.syntax import Field, Lexeme, Node, Word

WIDTH = 110  # columns; a Chinese character takes two
# columns at which a field begins, what follows `=` goes on, anything else goes on
FIELD, BODY, MORE = 4, 6, 8
DEEPER = 4  # columns more inside brackets

_NAMES = ("NAME", "BRACKETED")
_OPENING = ("_LPAR", "_LSQB", "_LBRACE", "_DOT")
_CLOSING = ("_RPAR", "_RSQB", "_RBRACE", "_SEP", "COLON", "_DOT")
# where room is short, each of their terms has its line
_OF_EFFECTS = ("grant", "may_grant", "duty", "discretion")
_OF_TERMS = (*_OF_EFFECTS, "ruled", "expectation")  # set off by ，, the parts of any other list by 、
_LIKE_CALLS = ("call", "index")
_READ_ON = ("for_each", "body")  # fields without a colon
_NAMING = ("ident", "for_each", "keyed", "order")  # what may stand between a name and its colon

_COMMENT = re.compile(r"「[^」\n]*」?|【[^】\n]*】?|(?P<comment>#[^\n]*)")
_BLANK = " \t\u3000\r\xa0"


# ---- what is laid out: text, places where a line may break, groups that break as one ------------------------------------


@dataclass(frozen=True, slots=True)
class _Break:
    """Where a line may break, or must; unbroken it is `flat`. With `fill` it breaks only for want of room."""

    flat: str = ""
    fill: bool = False
    must: bool = False


@dataclass(frozen=True, slots=True)
class _Remark:
    """A comment: it takes no room."""

    text: str


@dataclass(frozen=True, slots=True)
class _Group:
    """What stands on one line if it fits, and else breaks at every one of its own breaks, so many columns further in."""

    parts: tuple[_Part, ...]
    indent: int = 0


_Part: TypeAlias = str | _Break | _Remark | _Group


def _lines(parts: Sequence[_Part], indent: int) -> list[str]:
    """The lines of a declaration's head or of one field."""
    lines, empty = [""], True
    todo: list[tuple[int, bool, _Part]] = [(indent, False, _Group(tuple(parts)))]
    while todo:
        column, broken, part = todo.pop()
        room = WIDTH - columns(lines[-1])
        match part:
            case str():
                lines[-1] += part.lstrip() if empty and len(lines) > 1 else part
                empty = empty and not part.strip()
            case _Remark(text):
                lines[-1] += text if empty else f"  {text}"
                empty = False
            case _Group(inner, more):
                flat = _fit(room, inner, todo)
                todo += [(column + more, not flat, p) for p in reversed(inner)]
            case _Break(flat_text, fill, must):
                if must or (broken and not (fill and _fit(room - columns(flat_text), (), todo))):
                    lines += [] if empty else [""]
                    lines[-1], empty = " " * column, True
                elif not empty:
                    lines[-1] += flat_text
    return [line.rstrip() for line in lines]


def _fit(room: int, inner: Sequence[_Part], rest: Sequence[tuple[int, bool, _Part]]) -> bool:
    """Whether these parts stand on one line, with what follows them up to where the line may break."""
    todo, after, inside = [(False, part) for part in reversed(inner)], reversed(rest), True
    while room >= 0:
        while not todo:
            following = next(after, None)
            if following is None:
                return True
            todo, inside = [following[1:]], False
        broken, part = todo.pop()
        match part:
            case str():
                room -= columns(part)
            case _Group(parts):
                todo += [(not inside, p) for p in reversed(parts)]
            case _Break(flat, _, must):
                if must or broken:
                    return not inside
                room -= columns(flat)
    return False


# ---- the file -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment, where it stands, and whether its line holds nothing else, is indented, follows an empty line."""

    text: str
    start: int
    alone: bool
    indented: bool
    after_blank: bool


def formatted(
    source: Source,
    declarations: Sequence[Node],
    language: Language,
    names: Mapping[int, ir.Name] | None = None,
) -> str:
    """The canonical text of a file that parses.

    All words and units are written in `language`. With `names`, what the word at each offset means, so are the names;
    without, they stay as they are.
    """
    source = Source(source.file, source.text.removeprefix("\ufeff"))
    comments = deque(_comments(source.text))
    lines: list[str] = []
    size = 0  # lines of the declaration above it
    for node in declarations:
        start = _first(node).start
        gap = _between(lines, comments, start)
        made = _Writer(comments, language, names).declaration(node)
        blanks = [*(comment.after_blank for comment in gap), _after_blank(source.text, start)]
        if not lines:
            blanks[0] = False
        elif size > 1 or (size == 1 and len(made) > 1):
            blanks[0] = True
        for blank, text in zip(blanks, [*(comment.text for comment in gap), made[0]], strict=True):
            lines += ["", text] if blank else [text]
        lines += made[1:]
        size = 0 if node.rule == "language" else len(made)  # what follows it may stand right below
    for comment in _between(lines, comments, len(source.text)):
        lines += ["", comment.text] if lines and comment.after_blank else [comment.text]
    return "".join(f"{line}\n" for line in lines)


def _between(lines: list[str], comments: deque[_Comment], end: int) -> list[_Comment]:
    """The comments up to the next declaration; those that belong to the one above are added to its lines."""
    while (
        lines
        and comments
        and comments[0].start < end
        and not (comments[0].alone and not comments[0].indented)
    ):
        _add(lines, comments.popleft())
    gap = []
    while comments and comments[0].start < end:
        gap.append(comments.popleft())
    return gap


def _add(lines: list[str], comment: _Comment) -> None:
    """Puts a comment of a declaration after the line it stands on, or on a line of its own."""
    if comment.alone:
        lines.append(" " * FIELD + comment.text)
    else:
        lines[-1] += f"  {comment.text}"


def _comments(text: str) -> Iterable[_Comment]:
    for found in _COMMENT.finditer(text):
        if found["comment"]:
            line = text.rfind("\n", 0, found.start()) + 1
            before = text[line : found.start()]
            alone = not before.strip(_BLANK)
            yield _Comment(found[0].rstrip(), found.start(), alone, bool(before), _after_blank(text, line))


def _after_blank(text: str, line: int) -> bool:
    """Whether the line that begins there follows an empty one."""
    above = text.rfind("\n", 0, max(line - 1, 0)) + 1
    return line > 0 and not text[above : line - 1].strip(_BLANK)


def _first(part: Node | Lexeme) -> Lexeme:
    while isinstance(part, Node):
        part = part.parts[0]
    return part


# ---- one declaration ------------------------------------------------------------------------------------------------------


class _Writer:
    """Writes one declaration: the row of its head, and a row for each field."""

    def __init__(
        self, comments: deque[_Comment], language: Language, names: Mapping[int, ir.Name] | None
    ) -> None:
        self.comments, self.language = comments, language
        self.names: Mapping[int, ir.Name] = names or {}
        self.renames = names is not None
        self.last: Lexeme | None = None  # what was written last, and the rule it is of
        self.last_rule, self.tail = "", ""

    def declaration(self, node: Node) -> list[str]:
        head: list[Node | Lexeme] = []
        rows = [head]
        for part in node.parts:
            starts_field = isinstance(part, Node) and _first(part).terminal.startswith("F_")
            body = isinstance(part, Lexeme) and part.terminal in ("EQ", "F_IS") and node.rule == "define"
            if starts_field or body:
                rows.append([])
            rows[-1].append(part)
        lines: list[str] = []
        for row in rows:
            while lines and self.comments and self.comments[0].start < _first(row[0]).start:
                _add(lines, self.comments.popleft())
            self.last, self.tail = None, ""
            begun = _first(row[0]).terminal
            if row is head:
                parts = self.parts(node.rule, row, 0)
            else:
                parts = self.parts("body", row, 0) if isinstance(row[0], Lexeme) else self.node(row[0], 0)
                parts.insert(0, " " * FIELD)
            lines += _lines(parts, BODY if begun in ("EQ", "F_IS") else MORE)
        return lines

    def node(self, node: Node | Lexeme, deeper: int = DEEPER) -> list[_Part]:
        """A rule with all its parts; what goes on on further lines is moved in by `deeper`."""
        if isinstance(node, Lexeme):
            return self.lexeme(node, "")
        match node.rule:
            case "logic" | "arithmetic":
                first, *rest = node.parts
                parts = self.node(first)
                for operator, operand in zip(rest[0::2], rest[1::2], strict=True):
                    parts += [
                        *self.break_before(operator, node.rule),
                        *self.part(operator, node.rule),
                        *self.node(operand),
                    ]
                return [_Group(tuple(parts), deeper)]
            case "conditional":
                return [_Group(tuple(self.conditional(node)), deeper)]
            case "group":
                opening, inner, closing = node.parts
                start = self.part(opening, "group")
                return [*start, _Group(tuple(self.node(inner, 0)), DEEPER), *self.part(closing, "group")]
            case "period":
                return self.period(node)
        parts = self.parts(node.rule, node.parts, deeper)
        several = any(isinstance(part, Lexeme) and part.terminal == "_SEP" for part in node.parts)
        return [_Group(tuple(parts), deeper)] if several else parts

    def part(self, part: Node | Lexeme, rule: str, deeper: int = DEEPER) -> list[_Part]:
        return self.node(part, deeper) if isinstance(part, Node) else self.lexeme(part, rule)

    def conditional(self, node: Node) -> list[_Part]:
        """如果 … 则 … 否则 …; a 如果 after 否则 goes on at the same level."""
        if_, condition, then, result, otherwise, other = node.parts
        first = [*self.part(if_, node.rule), *self.part(condition, node.rule), *self.break_before(then, node.rule),
                 *self.part(then, node.rule), *self.part(result, node.rule)]  # fmt: skip
        rest = [*self.break_before(otherwise, node.rule), *self.part(otherwise, node.rule)]
        if isinstance(other, Node) and other.rule == "conditional":
            rest += self.conditional(other)
        else:
            rest += self.part(other, node.rule)
        return [_Group(tuple(first), DEEPER), *rest]

    def period(self, node: Node) -> list[_Part]:
        """From when, and until when: 2020-04-06 起 至 2021-06-30; from 2020-04-06 on."""
        kept = [part for part in node.parts if isinstance(part, Lexeme) and part.terminal in ("DATE", "TO")]
        zh = self.language == "zh"
        if zh or len(kept) == 1:
            kept.insert(1, Lexeme("SINCE", words.keywords()["SINCE"][not zh], -1))
        if not zh:
            kept.insert(0, Lexeme("FROM", words.keywords()["FROM"][1], -1))
        return [piece for part in kept for piece in self.lexeme(part, node.rule)]

    def parts(self, rule: str, parts: Sequence[Node | Lexeme], deeper: int) -> list[_Part]:
        """The parts of a rule one after another; a line may break after what sets them off."""
        written: list[_Part] = []
        found = self.arranged(rule, parts)
        for part, following in zip_longest(found, found[1:]):
            first = _first(part).terminal
            if (self.last is not None and self.last.terminal == "_SEP") or first == "ARROW":
                written += self.break_before(part, rule)
            more = (
                isinstance(following, Node) and following.rule == "also"
            )  # one more of what the term before names
            written += self.part(part, "also" if more and first == "_SEP" else rule, deeper)
        return written

    def arranged(self, rule: str, parts: Sequence[Node | Lexeme]) -> list[Node | Lexeme]:
        """The parts with a label as a name, the two names in their order, and the colon where one belongs."""
        found = list(parts)
        first = found[0]
        if (
            rule == "label"
            and isinstance(first, Lexeme)
            and first.terminal == "QUOTE"
            and "】" not in first.text
        ):
            found[0] = replace(first, terminal="BRACKETED", text=f"【{first.text[1:-1]}】")
        for at, ident in enumerate(found):
            if isinstance(ident, Node) and ident.rule == "ident":
                place = max(i for i, part in enumerate(found[:at]) if isinstance(part, Lexeme))
                name = found[place]
                if isinstance(name, Lexeme) and name.terminal in _NAMES:
                    found[place], found[at] = self.in_order(name, ident)
        if rule in words.rules_with_a_colon():
            at = 4 if isinstance(found[2], Lexeme) and found[2].terminal == "_DOT" else 2
            while isinstance(part := found[at], Node) and part.rule in _NAMING:
                at += 1
            if isinstance(part, Lexeme) and part.terminal == "COLON":
                found.pop(at)
            found.insert(at, Lexeme("COLON", ":", -1))
        elif (
            _first(first).terminal.startswith("F_")
            and len(found) > 1
            and rule not in _READ_ON
            and not any(isinstance(part, Lexeme) and part.terminal == "COLON" for part in found)
        ):
            found.insert(1, Lexeme("COLON", ":", -1))
        return found

    def in_order(self, name: Lexeme, ident: Node) -> tuple[Lexeme, Node]:
        """A declared name and its identifier, the one that belongs to the language first; each keeps its own words."""
        opening, other, closing = ident.parts
        assert isinstance(other, Lexeme)
        texts = name.text, other.text
        ascii_first, ascii_second = (_bare(text).isascii() for text in texts)
        if self.renames and ascii_first != ascii_second and ascii_first != (self.language == "en"):
            texts = other.text, name.text
        first, second = (
            replace(own, terminal="DECLARED", text=text)
            for own, text in zip((name, other), texts, strict=True)
        )
        return first, Node("ident", (opening, second, closing))

    # -- words and marks

    def break_before(self, part: Node | Lexeme, rule: str) -> list[_Part]:
        """A place to break the line, unless the next line would then begin like a field."""
        next_ = _first(part)
        remarks, gap = self.remarks(next_), self.gap(next_, rule)
        text = self.spelled(next_, rule)
        self.last = None
        if text[0] in "=＝" or text in words.line_openers():
            return [*remarks, gap]
        each = next_.terminal == "ARROW" or rule in (*_OF_EFFECTS, "logic", "arithmetic", "conditional")
        return [*remarks, _Break(gap, fill=not each)]

    def lexeme(self, lexeme: Lexeme, rule: str) -> list[_Part]:
        remarks, gap, text = self.remarks(lexeme), self.gap(lexeme, rule), self.spelled(lexeme, rule)
        self.last, self.last_rule, self.tail = lexeme, rule, text[-1:]
        return [*remarks, gap + text]

    def remarks(self, lexeme: Lexeme) -> list[_Part]:
        """The comments before a word: each ends its line."""
        found: list[_Part] = []
        while self.comments and self.comments[0].start < lexeme.start:
            comment = self.comments.popleft()
            found += [
                *([_Break(must=True)] if comment.alone else []),
                _Remark(comment.text),
                _Break(must=True),
            ]
        return found

    def gap(self, lexeme: Lexeme, rule: str) -> str:
        """The white space between the word written last and this one."""
        last = self.last
        if last is None or lexeme.terminal in _CLOSING or last.terminal in _OPENING or self.tail in "、，：":
            return ""
        if (lexeme.terminal == "_LSQB" and rule != "role") or (lexeme.terminal == "_LPAR" and rule == "call"):
            return ""
        signed = last.terminal == "MINUS" and self.last_rule in ("negative", "amount_given")
        return "" if signed or (self.tail == "凭" and last.terminal == "SHOWN_BY") else " "

    def spelled(self, lexeme: Lexeme, rule: str) -> str:
        """A word or mark in its canonical spelling."""
        terminal, text = lexeme.terminal, lexeme.text
        zh = self.language == "zh"
        match terminal:
            case "NAME" if rule == "kind":
                return next((told[not zh] for told in words.OBJECTIVE_KINDS.values() if text in told), text)
            case "NAME" | "BRACKETED" | "DECLARED":
                return self.name(lexeme)
            case "COLON":
                return "：" if zh else ":"
            case "_SEP":
                return "," if not zh or rule in _LIKE_CALLS else "，" if rule in _OF_TERMS else "、"
            case "OR" if rule == "or_none":
                return words.keywords()["OR"][-1] if zh else "or"
            case "DATE" | "MONTH":
                year, *rest = map(int, re.findall(r"\d+", text))
                return "-".join([f"{year:04d}", *(f"{part:02d}" for part in rest)])
            case "NUMBER":
                return "".join(str(int(c)) if c.isdigit() else "." for c in text)
            case "UNIT":
                one = rule == "count" or (
                    self.last is not None and re.fullmatch(r"1(\.0+)?", self.last.text) is not None
                )
                return words.unit(text, self.language, one)
            case "NTH":
                number = re.sub(r"\D", "", text)
                return f"第{number}处" if zh else f"occurrence {number}"
            case "F_IS":
                return "="
            case "EQ" if rule != "compare":
                return "="
        if terminal.startswith("F_"):
            return words.spelling(terminal, text.rstrip(":： \t\u3000"), self.language)
        if text in words.keywords().get(terminal, ()):
            return words.spelling(terminal, text, self.language)
        return text if terminal in ("QUOTE", "LOCATOR") else words.mark(text)

    def name(self, lexeme: Lexeme) -> str:
        """A name, in the language that is written, within brackets only where it needs them."""
        meant, text = self.names.get(lexeme.start), _bare(lexeme.text)
        if meant is not None and lexeme.terminal != "DECLARED":
            text = meant.zh if self.language == "zh" else meant.id
        return text if words.may_stand_bare(text, lexeme.rivals) else f"【{text}】"


def _bare(name: str) -> str:
    return name[1:-1] if name[0] == "【" else name


# ---- whether anything changed ---------------------------------------------------------------------------------------------

_NO_MEANING = ("span", "source", "comments", "language", "fingerprint")


def meaning(written: Any) -> Any:
    """A form without its places, comments and language, to compare: equal when they mean the same."""
    if isinstance(written, Word):
        return written.text
    if isinstance(written, Field) and written.keyword == "kind":  # its word has a twin
        return [kind for kind, told in words.OBJECTIVE_KINDS.items() if written.values[0].text in told]
    if is_dataclass(written):
        told = {f.name: getattr(written, f.name) for f in fields(written) if f.name not in _NO_MEANING}
        return type(written).__name__, meaning(told)
    if isinstance(written, dict):
        return [(key, _unit(value) if key == "unit" else meaning(value)) for key, value in written.items()]
    return list(map(meaning, written)) if isinstance(written, tuple | list) else written


def _unit(text: str) -> Any:
    return parse_unit(text) if text else text
