"""The pages of the documentation that are made from the code, so that they cannot differ from it.

`make golden` writes them; the tests compare them.
"""

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from policykit.diagnostics import CATALOGUE, SEVERITIES
from policykit.ops import OPS, Op
from policykit.words import keywords

GENERATED = "<!-- generated from policykit/ops.py and grammar.lark by `make golden`: do not edit -->"

INTRODUCTION = """# Operations

What a rule can do with values. Every operation is declared once, in `policykit/ops.py`, with its meaning, what an
unknown operand does to it, and examples; every engine runs the examples. The situations that are too long for an
example are cases in `tests/cases/`: each operation on known and unknown values, on 无, and at its edges.

**未知 / unknown** is not a value: it is everything that the value can still be. **无 / none** is a value: there is no
such thing. A result that is the same for everything that an operand can still be is known, whatever is missing.
"""

#: the operation that begins a section → its heading
SECTIONS = {
    "and": "Truth 真假",
    "lt": "Order and equality 比较",
    "add": "Arithmetic 运算",
    "round_to_fen": "Rounding 舍入",
    "full_years": "Calendar 日期",
    "undetermined": "Asking what is known 问是否已知",
    "any": "Lists and records 列表与记录",
}

UNKNOWN = {
    "strict": (
        "an unknown operand leaves it open, within what its range allows",
        "有未知的，结果随其取值范围而定",
    ),
    "absorbing": ("one operand, or one element, can decide alone", "一项就可能定下结果，其余未知也无妨"),
    "sees": ("it asks whether the value is known", "问的就是是否已知"),
}

NONE = {
    "strict": ("无 in, 无 out", "有 无 则得 无"),
    "false": ("false when a side is 无", "有一边是 无 则不成立"),
    "sees": ("无 is looked at like any value", "无 也是可以比较的值"),
}

NEVER_NONE = ("its operands are never 无", "不会遇到 无")
OF_NOBODY = ("the list of a record that is 无 is empty", "记录为 无 时，它的列表是空的")
NONE_IN_LISTS = {
    "sum": ("an element that is 无 makes the sum 无", "有一项是 无，和就是 无"),
    "least": ("an element that is 无 makes the result 无", "有一项是 无，结果就是 无"),
    "greatest": ("an element that is 无 makes the result 无", "有一项是 无，结果就是 无"),
    "earliest": ("a record whose date is 无 is passed over", "日期为 无 的记录不算"),
    "latest": ("a record whose date is 无 is passed over", "日期为 无 的记录不算"),
}

#: further words that come down to an operation
ALSO = {
    "eq": ("IS",),
    "ne": ("IS_NOT",),
    "among": ("NOT_IN", "AT_LEAST", "AT_MOST"),
    "any": ("HAS", "HAS_NOT"),
}


def operations() -> str:
    """The page of all operations."""
    parts = [GENERATED, "", INTRODUCTION]
    for key, op in OPS.items():
        if key in SECTIONS:
            parts.append(f"## {SECTIONS[key]}\n")
        parts.append("\n".join(entry(op)))
    return "\n".join(parts)


def entry(op: Op) -> Iterator[str]:
    """One operation: a heading and a table."""
    zh, en = spelling(op)
    none_en, none_zh = treats_none(op)
    unknown_en, unknown_zh = UNKNOWN[op.unknown]
    yield f"### `{op.key}`\n"
    yield "| | 中文 | English |"
    yield "|---|---|---|"
    yield f"| 写法 spelling | {zh} | {en} |"
    yield f"| 签名 signature | `{op.sig}` | |"
    yield f"| 意思 meaning | {op.doc_zh} | {op.doc} |"
    yield f"| 未知 unknown | {unknown_zh} | {unknown_en} |"
    yield f"| 无 none | {none_zh} | {none_en} |"
    if op.examples:
        yield f"| 例 examples | {'<br>'.join(f'`{example}`' for example in op.examples)} | |"
    yield ""


def treats_none(op: Op) -> tuple[str, str]:
    """What 无 does to an operation, in English and in Chinese."""
    if op.fold:
        en, zh = NONE_IN_LISTS.get(op.key, OF_NOBODY)
        return (en, zh) if (en, zh) == OF_NOBODY else (f"{en}; {OF_NOBODY[0]}", f"{zh}；{OF_NOBODY[1]}")
    return NEVER_NONE if op.key in ("and", "or", "not", "contains") else NONE[op.none]


def spelling(op: Op) -> tuple[str, str]:
    """How an operation is written in Chinese and in English; marks are the same in both."""
    if op.en:
        return f"`{op.zh}(…)`", f"`{op.en}(…)`"
    if not op.terminal:
        return "（不写出来）", "(never written)"
    terminals, marks = (op.terminal, *ALSO.get(op.key, ())), marks_of(op.terminal)
    words = [word for terminal in terminals for word in keywords().get(terminal, ())]
    chinese = [word for word in words if not word.isascii()]
    english = [word for word in words if word.isascii()]
    return tuple(" ".join(f"`{word}`" for word in [*own, *marks]) for own in (chinese, english))  # type: ignore[return-value]


def marks_of(terminal: str) -> list[str]:
    """The marks that a terminal of the grammar stands for beside its words: `<=`, `≤`, `×`."""
    grammar = resources.files("policykit").joinpath("grammar.lark").read_text(encoding="utf-8")
    match = re.search(rf"^{terminal}(?:\.\d+)?:\s*/(.*)/$", grammar, re.M)
    pattern = re.sub(r"\(\?[:!].*", "", match[1]) if match else ""
    marks = [mark for part in pattern.split("|") for mark in (part[1:-1] if part.startswith("[") else [part])]
    return [mark.replace("\\", "").replace("==?", "=") for mark in marks if mark not in ("", "\\")]


# ---- the pages of the diagnostics: the head of each is made, what stands below is written by hand

GENERATED_INDEX = "<!-- generated from policykit/diagnostics.py by `make golden`: do not edit -->"
GENERATED_HEAD = "<!-- down to 为什么 generated from policykit/diagnostics.py by `make golden` -->"

DIAGNOSTICS = """# Diagnostics 错误与提示

What is said when a rule file, a household or a ruling cannot be taken as it is: one page per code. `{name}` stands for what the case puts there.

编号的第一个字母说明是哪一类；每个编号一页，写明为什么、怎么改。
"""

#: the first letter of a code → its heading
KINDS = {
    "P": "P: writing 写法",
    "N": "N: names 名称",
    "T": "T: types and units 类型与单位",
    "C": "C: the program as a whole 规则之间",
    "Q": "Q: quotes 引文",
    "W": "W: what looks wrong 疑点",
    "L": "L: limits 限度",
    "R": "R: household data 户的数据",
    "G": "G: rulings 裁量",
}


def diagnostics(folder: Path) -> dict[Path, str]:
    """Every page of the diagnostics with its text; what is written by hand in `folder` is kept."""
    pages = {folder / "index.md": diagnostics_index()}
    for code in CATALOGUE:
        page = folder / f"{code}.md"
        written = page.read_text(encoding="utf-8") if page.exists() else ""
        _, mark, below = written.partition("\n## ")
        pages[page] = diagnostic_head(code) + mark + below
    return pages


def diagnostics_index() -> str:
    """The list of all codes."""
    parts = [GENERATED_INDEX, "", DIAGNOSTICS]
    for kind, heading in KINDS.items():
        parts += [f"## {heading}", "", "| | | | |", "|---|---|---|---|"]
        for code, about in CATALOGUE.items():
            if code[0] == kind:
                severity = " / ".join(SEVERITIES[about.severity])
                parts.append(f"| [{code}]({code}.md) | {severity} | {about.zh} | {about.en} |")
        parts.append("")
    return "\n".join(parts)


def diagnostic_head(code: str) -> str:
    """The top of one page: severity, message and help in both languages."""
    about = CATALOGUE[code]
    zh, en = about.help_zh.removeprefix("{hint}"), about.help_en.removeprefix("{hint}")
    lines = [GENERATED_HEAD, "", f"# {code}", "", f"**{' / '.join(SEVERITIES[about.severity])}**", ""]
    lines += ["| | 中文 | English |", "|---|---|---|", f"| 说明 message | {about.zh} | {about.en} |"]
    if zh or en:
        lines.append(f"| 改法 help | {zh} | {en} |")
    return "\n".join(lines) + "\n"
