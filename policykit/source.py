"""Texts and places in them: rule files, and the outline of the notices they quote.

The only module that computes offsets. Texts are never normalised: a quote must stand in the raw text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from unicodedata import east_asian_width

MAX_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file: offsets, and the line and column (from 1) where it begins."""

    file: str
    start: int
    end: int
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Span("", 0, 0, 0, 0)


def columns(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def padded(text: str, width: int) -> str:
    """The text, and spaces after it to so many columns."""
    return text + " " * (width - columns(text))


@dataclass(frozen=True)
class Source:
    """One file as text, with the name it is reported under."""

    file: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def span(self, start: int, end: int) -> Span:
        """The stretch between two offsets."""
        line = bisect_right(self._starts, start)
        return Span(self.file, start, end, line, start - self._starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1."""
        start = self._starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else None].rstrip("\r")

    def block(self, number: int) -> str:
        """A line and the indented lines below it: one declaration of a rule file."""
        lines = self.text[self._starts[number - 1] :].split("\n")
        end = next((i for i, line in enumerate(lines[1:], 1) if line and not line[0].isspace()), len(lines))
        return "\n".join(lines[:end]).rstrip()

    def sentences(self) -> list[Span]:
        """The sentences in order: each ends with its line, a full stop or a semicolon, whatever their width.

        A quoted text is known by its place, so two sentences of the same words are two.
        """
        found = []
        for start, end in pairwise([*self._starts, len(self.text)]):
            cuts = [start, *(match.end() for match in _ENDS.finditer(self.text, start, end)), end]
            for first, last in pairwise(cuts):
                piece = self.text[first:last]
                if any(map(str.isalnum, piece)):
                    first += len(piece) - len(piece.lstrip())
                    found.append(self.span(first, first + len(piece.strip())))
        return found


# An English full stop ends a sentence only before a capital, so that `No. 48` is not cut. Closing marks stay with theirs.
_ENDS = re.compile(r"(?:[。！？；;!?]+|\.(?=[”’\"')]*\s+[A-Z“\"(]))[”’』》）)\"']*")


def decode(data: bytes) -> tuple[str, str]:
    """The text and the encoding it was in: UTF-8 (with or without a mark), else GB18030, as Windows offices write.

    Raises `UnicodeDecodeError` when it is neither.
    """
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("gb18030"), "gb18030"


# ---- locators: 二(二)三b, 第九条, 第五条(三) --------------------------------------------------------------------------

_NUMERAL = "一二三四五六七八九十百〇零"
_MARKS = {
    1: re.compile(rf"^[ \u3000]*(?:第([{_NUMERAL}]+)条|([{_NUMERAL}]+)、)", re.M),
    2: re.compile(rf"^[ \u3000]*[(（]([{_NUMERAL}]+)[)）]", re.M),
    3: re.compile(rf"(?:^|(?<=。)|(?<=；)|(?<=;))[ \u3000]*([{_NUMERAL}]+)是", re.M),
}
_LOCATOR = re.compile(
    rf"^(?:第([{_NUMERAL}]+)条|([{_NUMERAL}]+))(?:[(（]([{_NUMERAL}]+)[)）])?([{_NUMERAL}]+)?(?:·?\d+)?[a-z]?$"
)


def locate(text: str, locator: str, headings: dict[str, str]) -> tuple[int, int] | None:
    """The range of the text that a locator names, or `None` when the text has no such place.

    Level 1 is an article (第九条) or a numbered heading (三、), level 2 a bracketed number, level 3 an enumeration
    (二是). `headings` names level-1 headings that stand in the text without their number. A trailing letter or
    figure tells norms of one passage apart and does not narrow the range.
    """
    match = _LOCATOR.match(locator)
    if not match:
        return None
    article, chapter, *deeper = match.groups()
    lo, hi = 0, len(text)
    for level, number in enumerate([article or chapter, *deeper], start=1):
        if number is None:
            continue
        found = _part(text, lo, hi, level, number, headings if level == 1 else {})
        if found is None:
            return None
        lo, hi = found
    return lo, hi


def numbering(text: str) -> list[tuple[int, int]]:
    """Where the numbers of the outline stand: 三、, (二), 第九条, 一是. They name places and say nothing themselves."""
    return [match.span() for mark in _MARKS.values() for match in mark.finditer(text)]


@lru_cache(maxsize=1024)
def _numbered(text: str, lo: int, hi: int, level: int) -> tuple[tuple[int, str], ...]:
    """Where the numbers of one level stand in a stretch of a text; every quote of a passage asks for them."""
    found = _MARKS[level].finditer(text, lo, hi)
    return tuple((match.start(), next(group for group in match.groups() if group)) for match in found)


def _part(
    text: str, lo: int, hi: int, level: int, number: str, headings: dict[str, str]
) -> tuple[int, int] | None:
    starts = [*_numbered(text, lo, hi, level)]
    for own, title in headings.items():
        at = re.search(rf"^[ \u3000]*{re.escape(title)}[ \u3000]*$", text, re.M)
        if at and not any(start == at.start() for start, _ in starts):
            starts.append((at.start(), own))
    starts.sort()
    for index, (start, found) in enumerate(starts):
        if found == number:
            return start, starts[index + 1][0] if index + 1 < len(starts) else hi
    return None
