"""`policykit check`: what is wrong with rule files, and what looks wrong."""

from __future__ import annotations

import gc
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from policykit.app import reports
from policykit.app.console import BAD, FINDINGS, Tongue, complain, emit
from policykit.diagnostics import Diagnostic, Language
from policykit.linter.timeline import chart
from policykit.loader import Policies, bundled, examine, files_of


class CheckFormat(StrEnum):
    text = "text"
    json = "json"
    sarif = "sarif"
    junit = "junit"


def check_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    lang: Annotated[
        Tongue | None, typer.Option(help="language of the messages; default the file's own / 语言")
    ] = None,
    format: Annotated[CheckFormat, typer.Option(help="text, json, sarif or junit / 格式")] = CheckFormat.text,
    timeline: Annotated[
        bool,
        typer.Option("--timeline", help="what each measure rests on, from when to when / 各项待遇的时间线"),
    ] = False,
) -> None:
    """Check rule files: writing, names, types, quotes, conflicts, and what looks wrong. 检查规则文件。"""
    where = paths or [bundled()]
    gc.disable()  # what a check makes is needed to its end, and collecting garbage would cost an eighth of it
    try:
        policies, diagnostics = examine(*where, parameters=True, cases=True, lints=True)
    finally:
        gc.enable()
    language: Language | None = lang.value if lang else None
    if format is CheckFormat.json:
        emit(reports.as_json(diagnostics, language))
    elif format is CheckFormat.sarif:
        emit(reports.as_sarif(diagnostics, language))
    elif format is CheckFormat.junit:
        emit(
            reports.as_junit(
                [source.file for source in files_of(where, frozenset())[0]], diagnostics, language
            )
        )
    else:
        complain(diagnostics, language)
        if timeline and policies is not None:
            emit(chart(policies.program, language or "zh"))
        emit(_summary(policies, diagnostics, language or "zh"))
    if any(d.severity == "error" for d in diagnostics) and any(not (p.exists()) for p in paths or []):
        raise typer.Exit(BAD)
    if any(d.severity != "note" for d in diagnostics):
        raise typer.Exit(FINDINGS)


def _summary(policies: Policies | None, diagnostics: list[Diagnostic], language: Language) -> str:
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = sum(d.severity == "warning" for d in diagnostics)
    zh = language == "zh"
    if policies is None:
        return f"{errors} 个错误，{warnings} 个警告" if zh else f"{errors} errors, {warnings} warnings"
    program = policies.program
    cites = [c for versions in program.clauses.values() for v in versions for c in v.basis.cites]
    held = sum(c.start >= 0 for c in cites)
    absent = len(cites) - held
    if zh:
        return (
            f"{len(policies.sources)} 个文件，{len(program.clauses)} 条条款，{held} 处引文与原文一致，"
            f"{absent} 处依据的文本未收录；{errors} 个错误，{warnings} 个警告"
        )
    return (
        f"{len(policies.sources)} files, {len(program.clauses)} clauses, {held} quotes stand in their texts, "
        f"{absent} citations of texts not held; {errors} errors, {warnings} warnings"
    )
