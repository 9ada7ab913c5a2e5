"""Text → tree, by the tables that lark works out from the grammar.

Working out the tables takes longer than reading a thousand pages of rules, so they are kept between runs. A text that
fits is read here, by lark's tables and with its words in its order, and without what only faults need: counted lines, a
history of words, a parser that can be asked. A text that does not fit is put to lark, which says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias

from policykit import keep

_END = "$END"
_CODE = ("parser/tables.py", "parser/grammar.py", "grammar.lark")  # what the tables are made by

Match: TypeAlias = Callable[[str, int, int], re.Match[str] | None]


class Leaf(NamedTuple):
    """A word or mark as it was written, by its terminal in the grammar; the blanks before it are not part of it."""

    type: str
    text: str
    start: int
    end: int


class Node(NamedTuple):
    """What a rule of the grammar was recognised in, from the first of its words to the last."""

    data: str
    children: list[Node | Leaf]
    start: int
    end: int


class Tables(NamedTuple):
    """What lark works out. A row gives what to do when a terminal comes: go on to a state, or, with ~n, complete rule n;
    and to which state a completed rule leads."""

    rows: list[dict[str, int]]
    #: what is completed, of how many parts, what it is called in the tree, whether a single part stands for itself, and
    #: whether some parts are marks, which are left out, or lists, whose parts are taken instead
    rules: list[tuple[str, int, str, bool, bool]]
    terminals: list[tuple[str, str]]  #: with their patterns, in the order in which they are tried
    skipped: list[str]
    first: int
    last: int


@lru_cache(maxsize=1)
def tables() -> Tables:
    key = keep.key_of(("tables",), _CODE)
    found = keep.fetch(key)
    if found is None:
        from policykit.parser.grammar import worked_out

        found = worked_out()
        keep.store(key, found)
    return Tables(*found)


# ---- words ----------------------------------------------------------------------------------------------------------


def _begins_a_line(pattern: str) -> bool:
    return pattern.startswith("\n")


@lru_cache(maxsize=1)
def _blanks() -> re.Pattern[str]:
    """Blanks and comments, without line breaks: a field begins with one."""
    skipped = [p for name, p in tables().terminals if name in tables().skipped and not _begins_a_line(p)]
    return re.compile(f"(?:{'|'.join(skipped)})*")


@cache
def _words(state: int) -> tuple[Match, Match]:
    """How to find the word that comes in a state: one that begins a line, and any other."""
    names = tables().rows[state].keys()
    both: list[list[str]] = [[], []]
    for name, pattern in tables().terminals:
        if name in names:
            both[not _begins_a_line(pattern)].append(f"(?P<{name}>{pattern})")
    return _compiled("|".join(both[0])), _compiled("|".join(both[1]))


@cache
def _compiled(pattern: str) -> Match:
    return re.compile(pattern or "(?!)").match


# ---- reading --------------------------------------------------------------------------------------------------------


def tree(text: str, start: int, end: int, rivals: dict[int, frozenset[str]] | None = None) -> Node | None:
    """The tree of the declaration in a stretch of a text; `None` where it does not fit the grammar.

    The tree leaves out the marks that only part its words. With `rivals` it holds every word and mark, and there, by its
    place, is left what else could have stood in the place of each name and quote.
    """
    rows, rules, _, _, first, last = tables()
    blanks = _blanks()
    states, values = [first], list[Node | Leaf]()
    at = start
    while True:
        row = rows[states[-1]]
        if passed := blanks.match(text, at, end):
            at = passed.end()
        if at >= end:
            leaf = Leaf(_END, "", end, end)
        else:
            begins = text[at] == "\n"
            found = _words(states[-1])[not begins](text, at, end)
            if found is None:
                if not begins:
                    return None
                at += 1
                continue
            kind = found.lastgroup
            assert kind is not None
            word = found[0].lstrip() if begins else found[0]
            at = found.end()
            leaf = Leaf(kind, word, at - len(word), at)
            if rivals is not None and kind in ("NAME", "BRACKETED", "QUOTE"):
                rivals[leaf.start] = frozenset(row)
        while (to := row.get(leaf.type)) is not None and to < 0:
            origin, size, data, alone, untidy = rules[~to]
            parts = values[-size:]
            del states[-size:], values[-size:]
            values.append(_made(parts, data, alone, untidy, rivals is not None))
            states.append(rows[states[-1]][origin])
            if leaf.type == _END and states[-1] == last:
                whole = values[-1]
                assert isinstance(whole, Node)
                return whole
            row = rows[states[-1]]
        if to is None:
            return None
        states.append(to)
        values.append(leaf)


def _made(parts: list[Node | Leaf], data: str, alone: bool, untidy: bool, every: bool) -> Node | Leaf:
    """What complete parts become: the lists among them opened, and marks left out unless every one is wanted."""
    start, end = parts[0].start, parts[-1].end
    if untidy:
        kept: list[Node | Leaf] = []
        for part in parts:
            if part[0][0] != "_" or (every and isinstance(part, Leaf)):
                kept.append(part)
            elif isinstance(part, Node):
                kept += part.children
        parts = kept
    return parts[0] if alone and len(parts) == 1 else Node(data, parts, start, end)
