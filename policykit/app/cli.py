"""policykit on the command line. Exit 0: fine; 1: findings; 2: bad input or usage."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

#: each is the function `…_command` of a module of its own, which is imported when the command is asked for
COMMANDS = (
    "batch",
    "compare",
    "fmt",
    "test",
    "near",
    "prove",
    "show",
    "evaluate",
    "check",
    "coverage",
    "ask",
)


class Imported(Mapping[str, Any]):
    """The commands, each imported when it is looked at."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        alone.command(name)(getattr(import_module(f"policykit.app.{name}"), f"{name}_command"))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The program: one command of several."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = Imported()


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Policy rules with their clauses: evaluate households, check rule files. 政策规则：评估家庭，检查规则文件。"""


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()


if __name__ == "__main__":
    main()
