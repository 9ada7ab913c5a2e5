"""Coverage and changes as text and as plain data: one line a statement, never wrapped, so that a quote stays whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policykit import ir
from policykit.coverage.changes import Changes, Reread, SentenceChange
from policykit.coverage.measure import KINDS, Cases, Coverage, Kind, Passage, Rule, Sentence, TextCoverage
from policykit.diagnostics import Language
from policykit.source import Span
from policykit.symbols import KIND_NAMES

#: what a passage is called (中文, English)
KIND_LABELS: dict[Kind, tuple[str, str]] = {
    "clause": ("条款", "clause"), "amount": ("金额", "amount"), "definition": ("定义", "definition"),
    "objective": ("目标", "objective"), "procedure": ("程序", "procedure"), "heading": ("标题", "heading"),
}  # fmt: skip
STATES = {"whole": ("着落", "whole"), "part": ("部分", "part"), "none": ("未着落", "not encoded")}
CHANGES = {
    "added": ("新增", "added"), "removed": ("删去", "removed"), "changed": ("改动", "changed"), "moved": ("移动", "moved"),
}  # fmt: skip
STANDS = {
    "both": ("引文两版都在", "the quoted words stand in both editions"),
    "old": ("引文只在另一版里，现行文本中已没有", "the quoted words stand in the other edition only"),
    "new": ("引文只在现行文本里", "the quoted words stand in the held edition only"),
    "neither": ("引文两版都没有", "the quoted words stand in neither edition"),
}


def title(text: ir.Text, language: Language) -> str:
    """What a text is called, with its number."""
    return text.document or text.name.zh if language == "zh" else text.name.en or text.name.label("en")


def summary(found: TextCoverage, language: Language) -> str:
    """The one line of a text; it ends in `100 %` when and only when nothing is left."""
    zh, which = language == "zh", int(language == "en")
    kinds = ("、" if zh else ", ").join(
        f"{KIND_LABELS[kind][which]} {found.by_kind[kind]:,}" for kind in KINDS if found.by_kind[kind]
    )
    name = title(found.text, language)
    if zh:
        inside = f"（{kinds}）" if kinds else ""
        return f"{name}：{found.counted:,} 字中 {found.covered:,} 字有着落{inside}　{found.percent} %"
    inside = f" ({kinds})" if kinds else ""
    return (
        f"{name}: {found.covered:,} of {found.counted:,} characters accounted for{inside}  {found.percent} %"
    )


def where(span: Span) -> str:
    """Line and column, from 1."""
    return f"{span.line}:{span.column}"


def named(rule: Rule, language: Language) -> str:
    """A rule with what it is: 条款 渐退期."""
    return f"{KIND_NAMES[rule.declared][int(language == 'en')]} {rule.basis.name.label(language)}"


def place(span: Span) -> str:
    """A place in a rule file."""
    return f"{span.file}:{span.line}"


# ---- coverage as text


def to_text(coverage: Coverage, language: Language = "zh") -> str:
    """Every sentence with what encodes it, every rule with its sentences, and at the end one line for each text."""
    return "\n".join(_text(coverage, language)) + "\n"


def _text(coverage: Coverage, language: Language) -> Iterator[str]:
    zh = language == "zh"
    for found in coverage.texts:
        yield f"═══ {title(found.text, language)}　{found.text.file} ═══"
        for sentence in found.sentences:
            yield from _sentence(found, sentence, language)
        yield ""
    yield "═══ 每条规则引自哪一句 ═══" if zh else "═══ The sentences of each rule ═══"
    for places in coverage.rules:
        yield f"{named(places.rule, language)}　{place(places.rule.basis.span)}"
        for passage, sentence in places.sentences:
            name = coverage.program.texts[passage.cite.text].name.label(language)
            number = f"第 {sentence.number} 句" if zh else f"sentence {sentence.number}"
            yield f"    {name} {where(passage.span)} {number}「{passage.cite.quote}」"
        if not places.sentences:
            yield "    所引文本都未收录，见下" if zh else "    cites texts that are not held only, see below"
    absent = [(places.rule, cite) for places in coverage.rules for cite in places.absent]
    if absent:
        yield ""
        yield (
            "═══ 依据的文本未收录，未经核对 ═══"
            if zh
            else "═══ Cited, but the text is not held: not checked ═══"
        )
    for rule, cite in absent:
        parts = (title(coverage.program.texts[cite.text], language), cite.locator)
        yield f"{' '.join(filter(None, parts))}　{named(rule, language)}　{place(cite.span)}"
    for excerpt in (True, False):
        lines = [summary(found, language) for found in coverage.texts if found.text.excerpt is excerpt]
        if lines:
            yield ""
            if excerpt:
                yield (
                    "摘录（只收录了部分条文，不计入结果）"
                    if zh
                    else "Excerpts (held in part, not counted in the result)"
                )
            else:
                yield "全文" if zh else "Whole texts"
            yield from (f"  {line}" for line in lines)


def _sentence(found: TextCoverage, sentence: Sentence, language: Language) -> Iterator[str]:
    which = int(language == "en")
    kinds = ("、" if language == "zh" else ", ").join(KIND_LABELS[kind][which] for kind in sentence.kinds)
    state = STATES[sentence.state][which]
    said = kinds if sentence.state == "whole" else " ".join(part for part in (state, kinds) if part)
    yield f"  {where(sentence.span)}　{said}　{sentence.text}"
    for rule in sentence.rules:
        yield f"      ← {named(rule, language)}　{place(rule.basis.span)}"
    if sentence.state == "part":
        for span in sentence.open:
            yield f"      {STATES['none'][which]} {where(span)}「{found.text.content[span.start : span.end]}」"


# ---- coverage as plain data


def to_data(coverage: Coverage, cases: Cases | None = None) -> dict[str, Any]:
    """The same as dictionaries and lists; the keys are those of docs/coverage.md."""
    program = coverage.program
    return {
        "complete": coverage.complete,
        "texts": [_text_data(found) for found in coverage.texts],
        "rules": [
            {
                "id": places.rule.id,
                "declared": places.rule.declared,
                "kind": places.rule.kind,
                "name": places.rule.basis.name.zh,
                "place": place(places.rule.basis.span),
                "sentences": [
                    {"text": passage.cite.text, "sentence": sentence.number, **_passage(passage)}
                    for passage, sentence in places.sentences
                ],
                "not_held": [{"text": c.text, "locator": c.locator} for c in places.absent],
                "readings": list(places.rule.basis.readings),
                "cases": [
                    {"name": case.name, "place": case.place, "state": case.state}
                    for case in (cases or {}).get(places.rule.basis.name.id, ())
                    if places.rule.declared == "clause"
                ],
            }
            for places in coverage.rules
        ],
        "readings": [
            {
                "id": ident,
                "name": reading.basis.name.zh,
                "number": reading.ruling_id,
                "place": place(reading.basis.span),
                "chosen": reading.chosen,
                "refused": list(reading.refused),
            }
            for ident, reading in program.readings.items()
        ],
    }


def _text_data(found: TextCoverage) -> dict[str, Any]:
    text = found.text
    return {
        "id": text.name.id,
        "name": text.name.zh,
        "document": text.document,
        "file": text.file,
        "excerpt": text.excerpt,
        "characters": found.counted,
        "covered": found.covered,
        "percent": found.percent,
        "kinds": dict(found.by_kind),
        "sentences": [
            {
                "sentence": sentence.number,
                **_span(sentence.span),
                "words": sentence.text,
                "characters": sentence.counted,
                "covered": sentence.covered,
                "state": sentence.state,
                "kinds": list(sentence.kinds),
                "rules": [rule.id for rule in sentence.rules],
                "open": [
                    {**_span(span), "words": text.content[span.start : span.end]} for span in sentence.open
                ],
            }
            for sentence in found.sentences
        ],
    }


def _span(span: Span) -> dict[str, int]:
    return {"line": span.line, "column": span.column, "start": span.start, "end": span.end}


def _passage(passage: Passage) -> dict[str, Any]:
    return {**_span(passage.span), "locator": passage.cite.locator, "quote": passage.cite.quote}


# ---- changes


def changes_text(changes: Changes, language: Language = "zh") -> str:
    """The sentences that differ, and below them what to read again and why."""
    return "\n".join(_changes(changes, language)) + "\n"


def _changes(changes: Changes, language: Language) -> Iterator[str]:
    zh = language == "zh"
    if not changes.texts:
        yield (
            "两版文本一字不差，没有要重读的"
            if zh
            else "The editions are the same to the letter: nothing to read again"
        )
        return
    for text in changes.texts:
        yield f"═══ {title(text, language)}　{text.file} ═══"
        for change in changes.sentences:
            if change.text is text:
                yield from _change(change, language)
        yield ""
    yield "═══ 要重读的 ═══" if zh else "═══ To read again ═══"
    for found in changes.reread:
        yield f"{_what(found, language)}　{place(found.cite.span)}"
        yield f"    {_why(found, language)}「{found.cite.quote}」"
        readings = [changes.program.readings[ident].basis.name for ident in found.basis.readings]
        if readings:
            names = ("、" if zh else ", ").join(name.label(language) for name in readings)
            yield f"    {'所依的口径' if zh else 'its readings'}{'：' if zh else ': '}{names}"
    rules = len({found.basis.span for found in changes.reread})
    yield ""
    yield (
        f"{len(changes.sentences)} 句有变动，{rules} 条规则、口径或提示要重读"
        if zh
        else f"{len(changes.sentences)} sentences differ, {rules} rules, readings or notes to read again"
    )


def _change(change: SentenceChange, language: Language) -> Iterator[str]:
    zh = language == "zh"
    said = CHANGES[change.change][not zh]
    if change.change in ("changed", "removed") and change.old is not None:
        yield f"  {said}　{'另一版' if zh else 'other'} {where(change.old)}　{change.old_words}"
    if change.change == "moved" and change.old is not None and change.new is not None:
        yield f"  {said}　{where(change.old)} → {where(change.new)}　{change.new_words}"
    elif change.new is not None:
        yield f"  {said}　{'现行' if zh else 'held'} {where(change.new)}　{change.new_words}"


def _what(found: Reread, language: Language) -> str:
    return f"{KIND_NAMES[found.declared][int(language == 'en')]} {found.basis.name.label(language)}"


def _why(found: Reread, language: Language) -> str:
    which = int(language == "en")
    stands = STANDS[found.quote_stands][which]
    if found.sentence is None:
        return stands
    said = CHANGES[found.sentence.change][which]
    return f"所在的句子有{said}；{stands}" if language == "zh" else f"its sentence was {said}; {stands} "


def changes_data(changes: Changes) -> dict[str, Any]:
    """The changes as dictionaries and lists."""
    return {
        "texts": [text.name.id for text in changes.texts],
        "sentences": [
            {
                "text": change.text.name.id,
                "change": change.change,
                "old": {**_span(change.old), "words": change.old_words} if change.old else None,
                "new": {**_span(change.new), "words": change.new_words} if change.new else None,
            }
            for change in changes.sentences
        ],
        "reread": [
            {
                "declared": found.declared,
                "id": found.basis.name.id,
                "name": found.basis.name.zh,
                "place": place(found.cite.span),
                "text": found.cite.text,
                "locator": found.cite.locator,
                "quote": found.cite.quote,
                "quote_stands": found.quote_stands,
                "change": found.sentence.change if found.sentence else None,
                "readings": list(found.basis.readings),
            }
            for found in changes.reread
        ],
    }
