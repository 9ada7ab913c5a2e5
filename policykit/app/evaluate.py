"""`policykit evaluate`: every measure of each household, decided with reasons."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from policykit.app.console import BAD, Format, Tongue, complain, emit
from policykit.datafiles import load_file
from policykit.diagnostics import Language, PolicyError
from policykit.loader import load
from policykit.result import Result, evaluate


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
