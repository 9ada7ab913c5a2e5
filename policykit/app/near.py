"""The command `near`: households that stand close to a line, as candidates for an officer's list."""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from policykit.app.console import BAD, Tongue, complain, emit
from policykit.asking import lines
from policykit.asking.lines import NearLine
from policykit.diagnostics import Language, PolicyError
from policykit.loader import load, load_bundled


class ListFormat(StrEnum):
    text = "text"
    json = "json"
    csv = "csv"


def near_command(
    files: Annotated[list[Path], typer.Argument(help="household files, JSON or YAML / 家庭数据文件")],
    margin: Annotated[str, typer.Option(help="how close to the line, 50元 a month / 与界线相差多少以内")],
    on: Annotated[str, typer.Option(help="the day asked for, 2020-06-10; default today / 评价日")] = "",
    policies: Annotated[
        list[Path] | None, typer.Option(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    parameters: Annotated[Path | None, typer.Option(help="a parameter sheet / 参数表")] = None,
    lang: Annotated[Tongue, typer.Option(help="language of the list / 语言")] = Tongue.zh,
    format: Annotated[ListFormat, typer.Option(help="text, json or csv / 格式")] = ListFormat.text,
    output: Annotated[Path | None, typer.Option(help="a file to write to / 写入文件")] = None,
    mask: Annotated[bool, typer.Option(help="hide names / 隐去姓名")] = False,
) -> None:
    """List households close to a line: candidates, never a decision. 列出界线附近的户：候选名单，不是决定。"""
    language: Language = lang.value
    try:
        day = date.fromisoformat(on) if on else date.today()
    except ValueError:
        _bad(f"--on: `{on}` 不是日期，写成 2020-06-10 / not a date, write 2020-06-10")
    try:
        lines.margin_of(margin)
    except ValueError:
        _bad(f"--margin: `{margin}` 不是金额，写成 50元 / not an amount, write 50元 or 50 yuan")
    found: list[NearLine] = []
    bad = False
    try:
        chosen = load(*policies) if policies else load_bundled()
        chosen = chosen.with_parameters(parameters) if parameters else chosen
    except PolicyError as error:
        complain(error.diagnostics, language)
        raise typer.Exit(BAD) from None
    for file in files:
        try:
            found += lines.near_line([file], margin, chosen, on=day, language=language, mask=mask)
        except PolicyError as error:
            complain(error.diagnostics, language)
            bad = True
    if format is ListFormat.csv:
        text = lines.to_csv(found, chosen, language)
    elif format is ListFormat.json:
        text = json.dumps(lines.to_data(found, chosen, language), ensure_ascii=False, indent=2)
    else:
        text = lines.to_text(found, chosen, language)
    if output is None:
        emit(text)
    else:
        try:
            output.write_text(text, encoding="utf-8", newline="")
        except OSError:
            _bad(f"`{output}` 写不进去 / cannot be written")
    if bad:
        raise typer.Exit(BAD)


def _bad(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(BAD)
