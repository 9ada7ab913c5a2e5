"""policykit on the command line. Exit 0: fine; 1: findings; 2: bad input or usage."""

from __future__ import annotations

import json
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from policykit.app import reports
from policykit.app.ask import ask_command
from policykit.app.batch import batch_command
from policykit.app.compare import compare_command
from policykit.app.console import BAD, FINDINGS, Format, Tongue, complain, emit
from policykit.app.coverage import coverage_command
from policykit.app.fmt import fmt_command
from policykit.app.near import near_command
from policykit.app.prove import prove_command
from policykit.app.show import show_command
from policykit.app.test import test_command
from policykit.datafiles import load_file
from policykit.diagnostics import Diagnostic, Language, PolicyError
from policykit.linter.timeline import chart
from policykit.loader import Policies, bundled, examine, files_of, load
from policykit.result import Result, evaluate

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)
app.command("batch")(batch_command)
app.command("compare")(compare_command)
app.command("fmt")(fmt_command)
app.command("test")(test_command)
app.command("near")(near_command)
app.command("prove")(prove_command)
app.command("show")(show_command)


class CheckFormat(StrEnum):
    text = "text"
    json = "json"
    sarif = "sarif"
    junit = "junit"


@app.callback()
def _root() -> None:
    """Policy rules with their clauses: evaluate households, check rule files. 政策规则：评估家庭，检查规则文件。"""


@app.command("evaluate")
def evaluate_command(
    files: Annotated[list[Path], typer.Argument(help="household files, JSON or YAML / 家庭数据文件")],
    on: Annotated[str, typer.Option(help="the day asked for, 2020-06-10; default today / 评价日")] = "",
    policies: Annotated[
        list[Path] | None, typer.Option(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    parameters: Annotated[Path | None, typer.Option(help="a parameter sheet / 参数表")] = None,
    rulings: Annotated[Path | None, typer.Option(help="a file with rulings / 裁量文件")] = None,
    lang: Annotated[Tongue, typer.Option(help="language of the explanation / 语言")] = Tongue.zh,
    format: Annotated[Format, typer.Option(help="text, json or html / 格式")] = Format.text,
    mask: Annotated[bool, typer.Option(help="hide names and sensitive facts / 隐去姓名等")] = False,
    near: Annotated[
        bool, typer.Option("--near", help="what refusals and grants turn on, needs [prove] / 差在哪里")
    ] = False,
) -> None:
    """Decide every measure for each household, with reasons. 逐户评估并说明理由。"""
    language: Language = lang.value
    try:
        day = date.fromisoformat(on) if on else date.today()
    except ValueError:
        typer.echo(f"--on: `{on}` 不是日期，写成 2020-06-10 / not a date, write 2020-06-10", err=True)
        raise typer.Exit(BAD) from None
    bad = False
    for file in files:
        try:
            loaded = load(*policies) if policies else None
            given = _rulings(rulings)
            result = evaluate(file, loaded, on=day, rulings=given, parameters=parameters, language=language)
        except PolicyError as error:
            complain(error.diagnostics, language)
            bad = True
            continue
        complain(result.errors, language)
        bad = bad or bool(result.errors)
        try:
            emit(_shown(result, format, language, mask, near))
        except ModuleNotFoundError as error:
            if error.name != "z3":
                raise
            typer.echo(str(error), err=True)
            raise typer.Exit(BAD) from None
    if bad:
        raise typer.Exit(BAD)


def _rulings(file: Path | None) -> list[Any]:
    """The rulings of a file: a list, or an object with one under `rulings` or 裁量."""
    if file is None:
        return []
    found = load_file(file)
    if isinstance(found, dict):
        found = found.get("rulings", found.get("裁量", [found]))
    return list(found) if isinstance(found, list) else [found]


def _shown(result: Result, format: Format, language: Language, mask: bool, near: bool) -> str:
    if format is Format.json and near:
        return json.dumps({**result.model_dump(), "near": result.near_data()}, ensure_ascii=False, indent=2)
    if format is Format.json:
        return result.model_dump_json()
    if format is Format.html:
        return result.to_html(language, mask, near)
    return result.explain(language, mask, near)


@app.command("check")
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
    policies, diagnostics = examine(*where, parameters=True, cases=True, lints=True)
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


app.command("coverage")(coverage_command)
app.command("ask")(ask_command)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()


if __name__ == "__main__":
    main()
