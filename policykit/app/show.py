"""The command `show`: the program that an engine makes of the rules, to be read."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from policykit.app.console import BAD, Tongue, complain, emit
from policykit.diagnostics import PolicyError
from policykit.engine.compiled import compiled
from policykit.loader import bundled, load


class Shown(StrEnum):
    compiled = "compiled"


def show_command(
    policies: Annotated[
        list[Path] | None, typer.Argument(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    engine: Annotated[Shown, typer.Option(help="whose program / 引擎")] = Shown.compiled,
    on: Annotated[str, typer.Option(help="the day asked for, 2020-06-10; default today / 评价日")] = "",
    parameters: Annotated[Path | None, typer.Option(help="a parameter sheet / 参数表")] = None,
    lang: Annotated[Tongue, typer.Option(help="language of the messages / 语言")] = Tongue.zh,
) -> None:
    """Print the Python that decides households by these rules on a day. 打印某日据以评估的 Python 程序。"""
    try:
        day = date.fromisoformat(on) if on else date.today()
    except ValueError:
        typer.echo(f"--on: `{on}` 不是日期，写成 2020-06-10 / not a date, write 2020-06-10", err=True)
        raise typer.Exit(BAD) from None
    try:
        loaded = load(*(policies or [bundled()]))
        loaded = loaded.with_parameters(parameters) if parameters is not None else loaded
    except PolicyError as error:
        complain(error.diagnostics, lang.value)
        raise typer.Exit(BAD) from None
    source = compiled(loaded.program, day).source
    if not source:
        zh = "这套规则不能写成 Python，每一户都由解释器评估"
        typer.echo(zh if lang is Tongue.zh else "these rules cannot be written as Python; the interpreter decides every household", err=True)  # fmt: skip
        raise typer.Exit(1)
    emit(source.rstrip("\n"))
