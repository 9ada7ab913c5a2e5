"""What to read again when a text has a new edition.

The same rules are read twice, once over each edition, so that every quote has a place in each, or none. Sentences are
compared in order; a rule, a reading or a note is to be read again when a sentence it quotes from is not the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

from policykit import ir
from policykit.coverage.measure import Declared, rules_of
from policykit.source import Source, Span

Change: TypeAlias = Literal["added", "removed", "changed", "moved"]

ALIKE = 0.5  # from here on two sentences of one place are one sentence, changed


@dataclass(frozen=True, slots=True)
class SentenceChange:
    """A sentence that differs between two editions: its place and words in each, where it has one."""

    text: ir.Text
    change: Change
    old: Span | None
    new: Span | None
    old_words: str
    new_words: str


@dataclass(frozen=True, slots=True)
class Reread:
    """A rule, reading, note or property to be read again, for one of its quotes.

    `quote_stands` says in which edition the quoted words stand at their place.
    """

    declared: Declared | Literal["reading", "note", "property"]
    basis: ir.Basis
    cite: ir.Citation
    quote_stands: Literal["both", "old", "new", "neither"]
    sentence: SentenceChange | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between two editions of the texts, and what to read again for it."""

    program: ir.Program
    texts: tuple[ir.Text, ...]
    sentences: tuple[SentenceChange, ...]
    reread: tuple[Reread, ...]


def compare(old: ir.Program, new: ir.Program) -> Changes:
    """What the same rules must be read again for, given their program over each edition of the texts."""
    texts = tuple(
        text for ident, text in new.texts.items() if text.held and text.content != old.texts[ident].content
    )
    sentences = {text.name.id: tuple(_sentences(old.texts[text.name.id], text)) for text in texts}
    before = {basis.span: basis for _, basis in _quoting(old)}
    reread = []
    for declared, basis in _quoting(new):
        for was, cite in zip(before[basis.span].cites, basis.cites, strict=True):
            if cite.text not in sentences:
                continue
            touched = [s for s in sentences[cite.text] if _within(was, s.old) or _within(cite, s.new)]
            stands = _stands(was.start >= 0, cite.start >= 0)
            if touched or stands != "both":
                reread.append(Reread(declared, basis, cite, stands, touched[0] if touched else None))
    return Changes(new, texts, tuple(s for found in sentences.values() for s in found), tuple(reread))


def _stands(old: bool, new: bool) -> Literal["both", "old", "new", "neither"]:
    if old and new:
        return "both"
    if old or new:
        return "old" if old else "new"
    return "neither"


def _within(cite: ir.Citation, span: Span | None) -> bool:
    start, end = cite.start, cite.start + len(cite.quote)
    return span is not None and start >= 0 and start < span.end and span.start < end


def _quoting(
    program: ir.Program,
) -> Iterator[tuple[Declared | Literal["reading", "note", "property"], ir.Basis]]:
    """Everything that may quote a text: the rules, and beside them readings, notes and properties."""
    for rule in rules_of(program):
        yield rule.declared, rule.basis
    for reading in program.readings.values():
        yield "reading", reading.basis
    for note in program.notes:
        yield "note", note.basis
    for claim in program.properties:
        yield "property", claim.basis


def _sentences(old: ir.Text, new: ir.Text) -> Iterator[SentenceChange]:
    """The sentences that differ, in the order of the new edition."""
    sides = [(text.content, Source(text.file, text.content).sentences()) for text in (old, new)]
    words = [[content[span.start : span.end] for span in spans] for content, spans in sides]
    changed = [
        op
        for op in SequenceMatcher(None, words[0], words[1], autojunk=False).get_opcodes()
        if op[0] != "equal"
    ]
    blocks = [(list(range(i1, i2)), list(range(j1, j2))) for _, i1, i2, j1, j2 in changed]
    pairs: list[tuple[int | None, int | None, Change]] = []
    lost = [i for left, _ in blocks for i in left]
    for _, right in blocks:  # the same words elsewhere, before anything that is only alike
        for j in list(right):
            same = next((i for i in lost if words[0][i] == words[1][j]), None)
            if same is not None:
                pairs.append((same, j, "moved"))
                lost.remove(same)
                right.remove(j)
    for left, right in blocks:
        for j in right:
            likeness = {i: _likeness(words[0][i], words[1][j]) for i in left if i in lost}
            best = max(likeness, key=lambda i: (likeness[i], -i), default=None)
            if best is not None and likeness[best] >= ALIKE:
                pairs.append((best, j, "changed"))
                lost.remove(best)
            else:
                pairs.append((None, j, "added"))
    pairs += [(i, None, "removed") for i in lost]
    for old_at, new_at, change in sorted(pairs, key=lambda pair: (pair[1] is None, pair[1], pair[0])):
        yield SentenceChange(
            new,
            change,
            sides[0][1][old_at] if old_at is not None else None,
            sides[1][1][new_at] if new_at is not None else None,
            words[0][old_at] if old_at is not None else "",
            words[1][new_at] if new_at is not None else "",
        )


def _likeness(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < ALIKE:  # upper bounds, and quick
        return 0
    return matcher.ratio()


def editions(texts: Iterable[ir.Text], copies: Mapping[str, str]) -> dict[str, str]:
    """Which copy is another edition of which held text: path in the rules → its words.

    A copy belongs to the text whose file has its name, otherwise to the one with which it has most sentences in common;
    a copy without a common sentence belongs to none.
    """
    held = [text for text in texts if text.held]
    words = {text.file: _words(text.content) for text in held}
    found: dict[str, str] = {}
    for name, content in copies.items():
        file = next((text.file for text in held if PurePosixPath(text.file).name == name), None)
        if file is None:
            common = {file: len(_words(content) & known) for file, known in words.items()}
            file = max(common, key=lambda file: common[file], default=None)
            if file is None or not common[file]:
                continue
        found.setdefault(file, content)
    return found


def _words(content: str) -> set[str]:
    return {content[span.start : span.end] for span in Source("", content).sentences()}
