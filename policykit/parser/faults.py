"""What is wrong with the writing of a declaration, what would fit, and the mended line where it is likely."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from policykit import words
from policykit.diagnostics import did_you_mean, nearest
from policykit.parser.complaints import SKIPPED, Complaints, short
from policykit.parser.grammar import misfit

_OTHER_DATE = re.compile(r"(\d{4})[/.／．](\d{1,2})[/.／．](\d{1,2})(?!\d)")
_WORD = re.compile(r"\w+")
_FILTERED = re.compile(r"(满足|取|按|where|of|by)[ \t\u3000]+[^\s()（）]+\s*\Z")
_NAMING = ("F_MEMBERS", "F_RECORDS", "F_REFERS", "F_PART", "F_DISCRETION")


class Faults(Complaints):
    """Tells what does not fit in the declarations of one file."""

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


def first_fault(text: str, start: int, end: int) -> tuple[int, tuple[int, int] | None, UnexpectedInput]:
    """Where the fault is, the field to blank out, and the error to report.

    A field that breaks off swallows the next line's first word, and the error appears there: if the piece does not
    parse even without that line, the fault lies before it.
    """
    error = misfit(text, start, end)
    assert error is not None
    while True:
        at = _position(error, text, start, end)
        cut = _segment(text, start, end, at)
        earlier = misfit(text, start, cut[0]) if cut is not None else None
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
        kept = re.sub(SKIPPED, lambda m: " " * len(m[0]) if m[0][0] == "#" else m[0], text[start:stop])
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


def stack_of(error: UnexpectedInput) -> int:
    """How many things were begun and not ended when the error came up."""
    parser = getattr(error, "interactive_parser", None)
    return len(parser.parser_state.state_stack) if parser is not None else 0
