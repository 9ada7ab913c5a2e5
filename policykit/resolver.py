"""Syntax → symbols: collects what the files declare, and checks names, fields, versions and quotes.

After this pass every name has one owner, versions of one name do not overlap, and every quote stands in its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from policykit import ir
from policykit.source import locate
from policykit.symbols import EFFECTS, FIELDS, KIND_NAMES, REPEATED, Symbols
from policykit.syntax import Cite, Declaration, Module, Part, Quote, Word

MOST_COMPARED = 100_000  # characters of a passage in which the sentence nearest to a quote is looked for
VERSIONED = ("define", "amount", "clause", "note", "property")
_ANONYMOUS = ("language", "setting")


def resolve(modules: Iterable[Module], known_version: int, operators: Sequence[str]) -> Symbols:
    """All declarations by name, with every fault of naming reported."""
    symbols = Symbols()
    for module in modules:
        symbols.lost |= module.lost
        for declaration in module.declarations:
            symbols.homes[id(declaration)] = module
            if declaration.kind == "language":
                _version(symbols, declaration, known_version)
            else:
                _declare(symbols, declaration, operators)
            if not declaration.damaged:
                _fields(symbols, declaration)
        _sheet_only(symbols, module)
    for kind in KIND_NAMES:
        for versions in symbols.declared[kind].values():
            _periods(symbols, kind, versions)
    return symbols


def texts(symbols: Symbols, read: Callable[[Declaration, str], str | None]) -> dict[str, ir.Text]:
    """The texts that the rules cite; `read` gives a held text's content by its path."""
    found = {}
    for ident, (declaration, *_) in symbols.declared["source"].items():
        document = declaration.get("document")
        headings = [pair for field in declaration.all("outline") for pair in field.values]
        content = ""
        quote = declaration.header.get("quote")
        if quote is not None:
            text = read(declaration, quote.text)
            if text is None:
                symbols.report(declaration, "Q005", quote.span, ("file", quote.text))
            content = text or ""
        found[ident] = ir.Text(
            symbols.names["source", ident],
            quote is not None,
            document.values[0].text if document else "",
            declaration.period,
            content,
            tuple(headings),
            quote.text if quote is not None else "",
            bool(declaration.header.get("excerpt")),
        )
    return found


def citations(
    symbols: Symbols, declaration: Declaration, held: dict[str, ir.Text]
) -> tuple[ir.Citation, ...]:
    """The citations of a declaration; a quote that does not stand in the located passage is reported."""
    found = []
    for field in declaration.all("cite"):
        cite: Cite = field.values[0]
        ident = symbols.require(declaration, "source", cite.source)
        if ident is not None:
            start = _stands(symbols, declaration, cite, held[ident])
            quote = cite.quote.text if cite.quote else ""
            found.append(ir.Citation(ident, cite.locator, quote, cite.role, start, cite.span))
    return tuple(found)


def _stands(symbols: Symbols, declaration: Declaration, cite: Cite, text: ir.Text) -> int:
    """Where the quote stands in the text; −1 when it is not held or does not stand there."""
    span = cite.quote.span if cite.quote else cite.span
    place = (("source", text.name.zh), ("locator", cite.locator))
    if not text.held:
        if cite.quote is not None:
            symbols.report(declaration, "Q004", span, *place)
        return -1
    if cite.quote is None:
        symbols.report(declaration, "Q006", span, *place)
        return -1
    passage = (
        locate(text.content, cite.locator, dict(text.headings)) if cite.locator else (0, len(text.content))
    )
    if passage is None:
        symbols.report(declaration, "Q003", cite.span, *place)
        return -1
    quote = cite.quote.text
    starts = (
        [m.start() for m in re.finditer(re.escape(quote), text.content[slice(*passage)])] if quote else []
    )
    if not starts:
        hint = _near_sentence(symbols, declaration, quote, text.content, passage)
        symbols.report(declaration, "Q001", span, *place, ("quote", quote), ("hint", hint))
        return -1
    if len(starts) > 1 and not cite.occurrence:
        symbols.report(declaration, "Q002", span, *place, ("quote", quote), ("count", str(len(starts))))
        return -1
    if cite.occurrence > len(starts):
        symbols.report(declaration, "Q002", span, *place, ("quote", quote), ("count", str(len(starts))))
        return -1
    return passage[0] + starts[max(cite.occurrence - 1, 0)]


def _near_sentence(
    symbols: Symbols, declaration: Declaration, quote: str, content: str, passage: tuple[int, int]
) -> str:
    """What the text says instead: where else the quote stands, or the sentence most like it."""
    zh = symbols.language(declaration) == "zh"
    if quote and quote in content:
        return (
            "这句话在文中别处，请改正条号"
            if zh
            else "these words stand elsewhere in the text: mend the locator"
        )
    if passage[1] - passage[0] > MOST_COMPARED or not symbols.may_search():
        return "请从原文逐字抄录" if zh else "copy the words exactly from the text"
    sentences = [s for s in re.split(r"(?<=[。；;\n])", content[slice(*passage)]) if s.strip()]
    common = sorted(sentences, key=lambda s: -len(_pairs(s) & _pairs(quote)) / (len(_pairs(s)) + 1))
    if common and _pairs(common[0]) & _pairs(quote):
        return ("原文是：" if zh else "the text says: ") + f"「{common[0].strip()}」"
    return "请从原文逐字抄录" if zh else "copy the words exactly from the text"


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


# ---- names --------------------------------------------------------------------------------------------------------------


def _version(symbols: Symbols, declaration: Declaration, known: int) -> None:
    wanted = declaration.header.get("number", 1)
    if wanted > known or wanted % 1:
        symbols.report(declaration, "P008", declaration.span, ("wanted", str(wanted)), ("known", str(known)))


def _declare(symbols: Symbols, declaration: Declaration, operators: Sequence[str]) -> None:
    kind = declaration.kind
    if kind in _ANONYMOUS:
        symbols.declared[kind].setdefault(f"{len(symbols.declared[kind])}", []).append(declaration)
        return
    word, ident = declaration.name, declaration.ident
    if kind == "fact":
        word = declaration.header["names"][0]
        _good_name(symbols, declaration, word, operators)
        ident = _ident(symbols, declaration, word, ident)
        entity = declaration.name.text
        key = f"{entity}.{ident}"
        _add(symbols, declaration, key, (key, f"{entity}.{word.text}"), word)
        symbols.names["fact", key] = ir.Name(ident, word.text, _english(declaration))
        return
    _good_name(symbols, declaration, word, operators)
    ident = _ident(symbols, declaration, word, ident)
    _add(symbols, declaration, ident, (ident, word.text), word)
    symbols.tie(
        word, symbols.names.setdefault((kind, ident), ir.Name(ident, word.text, _english(declaration)))
    )


def _add(symbols: Symbols, declaration: Declaration, ident: str, names: Iterable[str], word: Word) -> None:
    kind = declaration.kind
    for name in names:
        other = symbols.ids[kind].setdefault(name, ident)
        if other != ident:
            first = symbols.declared[kind][other][0]
            symbols.report(declaration, "N002", word.span, ("name", name), ("other", str(first.name.span)))
    versions = symbols.declared[kind].setdefault(ident, [])
    first = versions[0] if versions else declaration
    same_name = word.text in (ident, *(w.text for w in (first.name, *first.header.get("names", ()))))
    if versions and not (same_name and kind in VERSIONED):
        shown = word.text if same_name else ident.rpartition(".")[2]
        symbols.report(declaration, "N002", word.span, ("name", shown), ("other", str(first.name.span)))
        return
    versions.append(declaration)


def _english(declaration: Declaration) -> str:
    field = declaration.get("english")
    return field.values[0].text if field else ""


def _ident(symbols: Symbols, declaration: Declaration, word: Word, ident: str) -> str:
    """The ASCII identifier: written in parentheses, or the name itself when it is ASCII."""
    if ident or word.text.isascii():
        return ident or word.text
    known = symbols.find(declaration.kind, word.text)
    if known is not None and declaration.kind in VERSIONED:
        return known
    symbols.report(declaration, "N005", word.span, ("name", word.text))
    return word.text


def _good_name(symbols: Symbols, declaration: Declaration, word: Word, operators: Sequence[str]) -> None:
    source = symbols.source(declaration)
    bracketed = source.text[word.span.start : word.span.start + 1] == "【"
    held = next((operator for operator in operators if operator in word.text), "")
    if held and not bracketed:
        symbols.report(
            declaration, "N003", word.span, ("name", word.text), ("word", held), fix=f"【{word.text}】"
        )


def _fields(symbols: Symbols, declaration: Declaration) -> None:
    must, may = FIELDS[declaration.kind]
    language = symbols.language(declaration)
    kind = KIND_NAMES[declaration.kind][0 if language == "zh" else 1]
    about = (("kind", kind), ("name", declaration.name.text))
    seen: set[str] = set()
    source = symbols.source(declaration)
    for field in declaration.fields:
        shown = source.text[field.span.start : field.span.end].strip(" \t\n\u3000:：")
        if field.keyword in ("monthly", "once") and {"monthly", "once"} - {field.keyword} <= seen:
            symbols.report(declaration, "P005", field.span, *about, ("field", shown))
        if field.keyword not in must | may:
            symbols.report(declaration, "P007", field.span, *about, ("field", shown))
        elif field.keyword in seen and field.keyword not in REPEATED:
            symbols.report(declaration, "P005", field.span, *about, ("field", shown))
        if field.keyword == "allow" and not field.values[1].text.strip():
            symbols.report(declaration, "P012", field.span, ("found", field.values[0].text))
        seen.add(field.keyword)
    for keyword in sorted(must - seen):
        symbols.report(
            declaration,
            "P006",
            declaration.name.span,
            *about,
            ("field", FIELD_NAMES[keyword][language == "en"]),
        )
    subjects = [
        *declaration.header.get("for_each", ()),
        *(w for f in declaration.all("for_each") for w in f.values),
    ]
    word = "对每个" if language == "zh" else "for each"
    if declaration.kind in ("clause", "note", "property") and not subjects:
        symbols.report(declaration, "P006", declaration.name.span, *about, ("field", word))
    if declaration.kind != "measure" and len(subjects) > 1:
        symbols.report(declaration, "P005", subjects[1].span, *about, ("field", word))
    effects = [field for field in declaration.fields if field.keyword in EFFECTS]
    if declaration.kind == "clause" and not effects:
        word = "给予 / 应当 / 不得 / 发现 …" if language == "zh" else "grant / must / must not / finding …"
        symbols.report(declaration, "P006", declaration.name.span, *about, ("field", word))
    if len(effects) > 1:
        shown = source.text[effects[1].span.start : effects[1].span.end].strip(" \t\n\u3000:：")
        symbols.report(declaration, "P005", effects[1].span, *about, ("field", shown))


FIELD_NAMES: dict[str, tuple[str, str]] = {
    "cite": ("依据", "cites"), "grant": ("给予", "grant"), "chosen": ("采用", "chosen"), "say": ("内容", "say"),
    "kind": ("类别", "kind"), "reason": ("理由", "reason"), "then": ("则", "then"),
}  # fmt: skip


def _sheet_only(symbols: Symbols, module: Module) -> None:
    """A parameter sheet holds parameter values only, so that no rule hides among figures."""
    if not any(d.kind == "sheet" for d in module.declarations):
        return
    for declaration in module.declarations:
        if declaration.kind not in ("language", "policy", "sheet", "setting"):
            symbols.report(declaration, "C007", declaration.span, ("name", declaration.name.text))


def _periods(symbols: Symbols, kind: str, versions: Sequence[Declaration]) -> None:
    """Versions of one name: overlapping periods are an error, a gap between two a warning."""
    if len(versions) < 2:
        return
    ordered = sorted(versions, key=lambda d: d.period.start or date.min)
    for first, second in pairwise(ordered):
        end, start = first.period.end, second.period.start
        about = (("name", first.name.text), ("first", str(first.period)), ("second", str(second.period)))
        if end is None or start is None or start <= end:
            symbols.report(second, "C003", second.name.span, *about)
        elif start > end + timedelta(days=1):
            symbols.report(
                second,
                "C004",
                second.name.span,
                ("name", first.name.text),
                ("first", str(end)),
                ("second", str(start)),
            )


def part_name(part: Part, english: str = "") -> ir.Name:
    """The names of a part declared inside a field."""
    return ir.Name(part.ident or part.name.text, part.name.text, english)


def quoted(value: object) -> str:
    """The text of a name or quote."""
    return value.text if isinstance(value, Word | Quote) else ""
