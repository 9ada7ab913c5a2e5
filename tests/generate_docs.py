"""The pages of the documentation that are made from the code, so that they cannot differ from it.

`make golden` writes them; the tests compare them.
"""

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from policykit import ir
from policykit.datatypes import show_dimension
from policykit.diagnostics import CATALOGUE, SEVERITIES
from policykit.explain.phrases import Phrases
from policykit.ops import OPS, Op
from policykit.reach import reached
from policykit.syntax import ALWAYS
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
    "S": "S: registers in files and sheets 表格与登记册",
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


# ---- what the bundled rules leave open --------------------------------------------------------------------------------

GENERATED_RULES = "<!-- generated from policies/ by `make golden`: do not edit -->"


def _named(program: ir.Program, used: dict[str, list[str]], ident: str) -> str:
    return "、".join(dict.fromkeys(used.get(ident, ()))) or "—"


def _users(program: ir.Program) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """For each reading the rules that name it; for each parameter the clauses and amounts that rest on it."""
    readings: dict[str, list[str]] = {}
    parameters: dict[str, list[str]] = {}
    bases: list[ir.Basis] = [c.basis for versions in program.clauses.values() for c in versions]
    bases += [v.basis for d in program.defines.values() for v in d.versions]
    bases += [*(a.basis for a in program.amounts), *(e.basis for e in program.exclusives)]
    bases += [n.basis for n in program.notes]
    for basis in bases:
        for name in basis.readings:
            readings.setdefault(name, []).append(basis.name.zh)
    for p in program.parameters.values():
        for name in p.readings:
            readings.setdefault(name, []).append(p.name.zh)
    resting: list[tuple[str, list[ir.Expr | None]]] = []
    for versions in program.clauses.values():
        for c in versions:
            exprs: list[ir.Expr | None] = [c.scope, c.test, c.as_of]
            match c.effect:
                case ir.Grant(amount=ir.Amount(total=total, start=start, months=months)):
                    exprs += [total, start, months]
                case ir.Duty(done=done, due=due, every=every):
                    exprs += [done, due, every]
            exprs += [d.limit for d in c.discretion]
            resting.append((c.basis.name.zh, exprs))
    for a in program.amounts:
        resting.append((a.basis.name.zh, [a.total, a.start, a.months, *(part.expr for part in a.parts)]))
    for label, exprs in resting:
        for name in sorted(reached(program, exprs).parameters):
            parameters.setdefault(name, []).append(label)
    return readings, parameters


def readings_page(program: ir.Program) -> str:
    """Every 口径: the question's words, the reading taken, those refused, and who relies on it."""
    used, _ = _users(program)
    parts = [GENERATED_RULES, "", "# 口径", ""]
    parts += ["原文没有说清、又不能不定的地方。凡靠它得出的结果，都会把它印出来。县里另有规定的，改 `policies/readings.rules`。", ""]  # fmt: skip
    for ident, reading in program.readings.items():
        number = f"（{reading.ruling_id}）" if reading.ruling_id else ""
        parts += [f"## {reading.basis.name.zh}{number}", ""]
        for cite in reading.basis.cites:
            quote = f"「{cite.quote}」" if cite.quote else "（文本未收录）"
            parts.append(f"- 原文：《{program.texts[cite.text].name.zh}》{cite.locator}{quote}")
        parts.append(f"- 采用：{reading.chosen}")
        parts += [f"- 不采用：{refused}" for refused in reading.refused]
        parts += [f"- 用到它的：{_named(program, used, ident)}", ""]
    return "\n".join(parts)


def parameters_page(program: ir.Program) -> str:
    """Every parameter: what it asks, its unit, the values of the example sheet with dates and document, who uses it."""
    _, used = _users(program)
    sheet = next((s for s in program.sheets if s.example), None)
    parts = [GENERATED_RULES, "", "# 参数", ""]
    parts += [
        "规则没有写明、由各地规定的数额和办法。没有参数表就是未设：用到它的结果是“待定”，并指名。",
        f"下面的值取自“{sheet.name.zh if sheet else '—'}”，**都是虚构的**，只供演示。",
        "",
    ]
    for ident, p in program.parameters.items():
        unit = show_dimension(p.type.dimension, "zh") if p.type.kind == "number" else {"bool": "是否"}.get(p.type.kind, p.type.kind)  # fmt: skip
        unit = f"元{unit.removeprefix('元')}" if p.type.money and unit.startswith("元") else unit
        parts += [f"## {p.name.zh}", "", f"{p.question or '—'}", "", f"- 单位：{unit or '个'}"]
        if p.entity:
            parts.append(f"- 对每个：{program.entities[p.entity].name.zh}（可以写成算法）")
        if p.keys:
            parts.append("- 按：" + "、".join(program.choices[k].name.zh for k in p.keys))
        for cite in p.cites:
            quote = f"「{cite.quote}」" if cite.quote else "（文本未收录）"
            parts.append(f"- 依据：《{program.texts[cite.text].name.zh}》{cite.locator}{quote}")
        for s in p.settings:
            keys = "、".join(
                o.name.zh for k, c in zip(s.keys, p.keys, strict=True) for o in program.choices[c].options if o.name.id == k
            )  # fmt: skip
            value = "未设" if s.value is None else _value(program, s.value)
            dates = "" if s.period == ALWAYS else f"，{s.period.start or ''} 至 {s.period.end or '今后'}"
            document = f"，文号：{s.document}" if s.document else ""
            parts.append(f"- 值{f'（{keys}）' if keys else ''}：{value}{dates}{document}")
        parts += [f"- 用到它的：{_named(program, used, ident)}", ""]
    return "\n".join(parts)


def _value(program: ir.Program, expr: ir.Expr) -> str:
    if isinstance(expr, ir.Const) and expr.type.kind == "number":
        number = expr.value.value
        unit = show_dimension(expr.type.dimension, "zh")
        shown = (
            f"{int(number) // 100}.{int(number) % 100:02d}".removesuffix(".00")
            if expr.type.money
            else str(number)
        )
        return f"{shown} {unit}"
    return Phrases(program, "zh").term(expr)
