"""An explanation as a document, and the three ways it is written out: text, HTML, plain data.

Nothing here knows of rules or households: by the time a line stands in the tree it is words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

INDENT = "  "


@dataclass(frozen=True, slots=True)
class Line:
    """One statement: what it is about (`head`), what it says, a figure it comes to, words it quotes, where it stands."""

    text: str
    head: str = ""
    result: str = ""
    quote: str = ""
    place: str = ""
    inside: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Lines under one heading; `kind` says which: clauses, reasons, facts, priorities, arithmetic, …"""

    kind: str
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One decision, duty, ban or record: its title, what it comes to, and why, in this order."""

    title: str
    state: str
    conclusion: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Sections of one kind, or plain blocks, under one heading."""

    kind: str
    title: str
    sections: tuple[Section, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole document; `warning` comes before everything else, `summary` holds the conclusions."""

    language: str
    title: str
    warning: str
    header: tuple[Line, ...]
    summary: Block
    parts: tuple[Part, ...]


# ---- plain data ----------------------------------------------------------------------------------------------------------


def to_data(explanation: Explanation) -> dict[str, Any]:
    """The tree as dictionaries, lists and texts; empty fields are left out."""
    found: dict[str, Any] = _pruned(asdict(explanation))
    return found


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(inner) for key, inner in value.items() if inner not in ("", ())}
    if isinstance(value, list | tuple):
        return [_pruned(inner) for inner in value]
    return value


# ---- text -----------------------------------------------------------------------------------------------------------------


def to_text(explanation: Explanation) -> str:
    """The document as text: one statement a line, never wrapped, so that a quote stays whole."""
    return "\n".join(_text(explanation)).rstrip() + "\n"


def _text(explanation: Explanation) -> Iterator[str]:
    colon = "：" if explanation.language == "zh" else ": "
    if explanation.warning:
        yield explanation.warning
        yield ""
    yield explanation.title
    for line in explanation.header:
        yield from _line(line, "", colon)
    yield ""
    yield explanation.summary.title
    for line in explanation.summary.lines:
        yield from _line(line, INDENT, colon)
    number = 0
    for part in explanation.parts:
        yield from ("", f"═══ {part.title} ═══")
        for section in part.sections:
            number += 1
            yield from ("", f"{number}. {section.title}", f"{INDENT}{section.conclusion}")
            for block in section.blocks:
                yield from _block(block, INDENT, colon)
        for block in part.blocks:
            yield from _block(block, "", colon)


def _block(block: Block, indent: str, colon: str) -> Iterator[str]:
    if block.title:
        yield f"{indent}【{block.title}】" if colon == "：" else f"{indent}{block.title}:"
    for line in block.lines:
        yield from _line(line, indent + INDENT, colon)


def _line(line: Line, indent: str, colon: str) -> Iterator[str]:
    said = (" = " if line.result else colon).join(text for text in (line.head, line.text) if text)
    if line.result:
        said += f" {line.result}" if line.result.startswith("≈") else f" = {line.result}"
    quote = f"「{line.quote}」" if line.quote else ""
    yield indent + " ".join(text for text in (said, quote) if text)
    for inner in line.inside:
        yield from _line(inner, indent + INDENT, colon)
    if line.place:
        yield f"{indent}{INDENT}{line.place}"


# ---- HTML -----------------------------------------------------------------------------------------------------------------

FOLDED = {
    "facts",
    "arithmetic",
    "readings",
}  # may be closed on a screen; open at first, so that all of it prints

STYLE = """
:root { --ink: #24211d; --soft: #6b655c; --rule: #ddd7cc; --paper: #fffdf9; --accent: #7a2e22;
  --granted: #3f6b4f; --open: #8a6420; --closed: #6b655c; --urgent: #9b2c1f; }
* { box-sizing: border-box; }
html { background: #f1eee8; }
body { margin: 2.5rem auto; max-width: 50rem; padding: 3.5rem 4rem 4rem; background: var(--paper); color: var(--ink);
  box-shadow: 0 1px 3px rgb(0 0 0 / 12%); font-size: 16px; line-height: 1.75; overflow-wrap: anywhere;
  font-family: "Source Han Sans SC", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif; }
h1, h2, h3, blockquote, .conclusion, .warning { font-family: "Source Han Serif SC", "Noto Serif CJK SC", "Songti SC",
  SimSun, Georgia, serif; }
h1 { font-size: 1.7rem; font-weight: 600; margin: 0 0 .4rem; letter-spacing: .06em; }
h2 { font-size: 1.15rem; font-weight: 600; letter-spacing: .08em; color: var(--accent); margin: 3rem 0 1rem;
  padding-bottom: .35rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1.15rem; font-weight: 600; margin: 0; }
h4, summary { font-size: .82rem; font-weight: 600; color: var(--soft); letter-spacing: .06em; margin: 1.2rem 0 .25rem; }
summary { cursor: pointer; }
.warning { color: var(--urgent); border: 1px solid currentcolor; padding: .5rem .9rem; margin: 0 0 2rem; }
header p, footer p { margin: 0; color: var(--soft); font-size: .9rem; }
header .stamp { font-size: .75rem; }
.summary { margin: 1.6rem 0 0; padding: 1rem 0 0; border-top: 2px solid var(--ink); }
.summary h2 { margin: 0 0 .6rem; border: 0; padding: 0; }
.summary dl { display: grid; grid-template-columns: minmax(9rem, auto) 1fr; gap: .3rem 1.4rem; margin: 0; }
.summary dt { color: var(--soft); } .summary dd { margin: 0; font-weight: 500; }
section { margin: 0 0 2.6rem; padding-left: 1.2rem; border-left: 3px solid var(--rule); }
section.granted, section.done { border-color: var(--granted); }
section.discretionary, section.undetermined, section.open, section.unknown { border-color: var(--open); }
section.overdue, section.blocked, section.ban, section.urgent { border-color: var(--urgent); }
.conclusion { font-size: 1.2rem; margin: .15rem 0 0; }
ul { list-style: none; margin: 0; padding: 0; } ul ul { padding-left: 1.2rem; }
li { margin: .18rem 0; } li li { font-size: .94em; color: #47423a; }
.head { color: var(--soft); margin-right: .5em; } .clauses > ul > li > .head { color: var(--ink); font-weight: 600; }
.clauses > ul > li > .place { padding-left: 1.2rem; }
blockquote { margin: .1rem 0 .3rem; padding: 0 0 0 .9rem; border-left: 1px solid var(--rule); color: #3a352e; }
.place { display: block; color: var(--soft); font: .75rem/1.5 ui-monospace, Consolas, "Noto Sans Mono CJK SC", monospace; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
td { border-bottom: 1px solid var(--rule); padding: .3rem .6rem .3rem 0; vertical-align: top; }
td:first-child { min-width: 8.5em; } td:last-child { text-align: right; padding-right: 0; min-width: 8em; }
tr:last-child td { border-bottom: 0; }
.remedy { border-top: 1px solid var(--rule); margin-top: 1rem; padding-top: .5rem; font-size: .92rem; }
.remedy h4 { margin-top: 0; }
.silent, .input { font-size: .9rem; color: var(--soft); }
@media (max-width: 40rem) {
  body { margin: 0; padding: 1.4rem 1.1rem 2rem; box-shadow: none; } section { padding-left: .8rem; }
  .summary dl { grid-template-columns: 1fr; gap: 0; } .summary dd { margin-bottom: .5rem; }
  table, tbody, tr, td { display: block; } td { border: 0; padding: 0; } td:last-child { text-align: left; }
  tr { border-bottom: 1px solid var(--rule); padding: .35rem 0; } }
@media print {
  @page { size: A4; margin: 18mm 18mm 20mm; }
  html, body { background: none; } body { margin: 0; padding: 0; max-width: none; box-shadow: none; font-size: 10.5pt; }
  h2, h3, h4, .conclusion, summary { break-after: avoid; } blockquote, tr, li:not(:has(ul)) { break-inside: avoid; }
  summary { list-style: none; } }
"""


def to_html(explanation: Explanation) -> str:
    """The document as one page that needs nothing else: its style inside, no scripts."""
    zh = explanation.language == "zh"
    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="{"zh-CN" if zh else "en"}">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(explanation.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            *_html(explanation),
            "</body>\n</html>\n",
        ]
    )


def _html(explanation: Explanation) -> Iterator[str]:
    colon = "：" if explanation.language == "zh" else ": "
    if explanation.warning:
        yield f'<p class="warning">{escape(explanation.warning)}</p>'
    yield f"<header>\n<h1>{escape(explanation.title)}</h1>"
    for line in explanation.header:
        yield f"<p>{escape(colon.join((line.head, line.text)))}</p>"
    yield f'</header>\n<div class="summary">\n<h2>{escape(explanation.summary.title)}</h2>\n<dl>'
    for line in explanation.summary.lines:
        yield f"<dt>{escape(line.head)}</dt><dd>{escape(line.text)}</dd>"
    yield "</dl>\n</div>"
    for part in explanation.parts:
        yield f'<div class="{part.kind}">\n<h2>{escape(part.title)}</h2>'
        for section in part.sections:
            yield f'<section class="{section.state}">\n<h3>{escape(section.title)}</h3>'
            yield f'<p class="conclusion">{escape(section.conclusion)}</p>'
            for block in section.blocks:
                yield from _html_block(block)
            yield "</section>"
        for block in part.blocks:
            yield from _html_block(block)
        yield "</div>"


def _html_block(block: Block) -> Iterator[str]:
    title = escape(block.title)
    table = block.kind == "arithmetic"
    body = _html_table(block.lines) if table else _html_list(block.lines)
    if block.kind in FOLDED:
        yield f'<details open class="{block.kind}"><summary>{title}</summary>\n{body}</details>'
    else:
        yield f'<div class="{block.kind}">{f"<h4>{title}</h4>" if title else ""}\n{body}</div>'


def _html_table(lines: Sequence[Line]) -> str:
    rows = (
        "".join(f"<td>{escape(text)}</td>" for text in (line.head, line.text, line.result)) for line in lines
    )
    return "<table>\n" + "".join(f"<tr>{row}</tr>\n" for row in rows) + "</table>"


def _html_list(lines: Sequence[Line]) -> str:
    return "<ul>\n" + "".join(f"<li>{_html_line(line)}</li>\n" for line in lines) + "</ul>\n"


def _html_line(line: Line) -> str:
    parts = [f'<span class="head">{escape(line.head)}</span>' if line.head else "", escape(line.text)]
    parts.append(f" = {escape(line.result)}" if line.result else "")
    parts.append(f"<blockquote>「{escape(line.quote)}」</blockquote>" if line.quote else "")
    parts.append(_html_list(line.inside) if line.inside else "")
    parts.append(f'<span class="place">{escape(line.place)}</span>' if line.place else "")
    return "".join(parts)
