"""What all commands share: languages, formats, exit codes, and how results and complaints are written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from rich.console import Console

from policykit.diagnostics import Diagnostic, Language

FINDINGS, BAD = 1, 2


class Format(StrEnum):
    text = "text"
    json = "json"
    html = "html"


class Report(StrEnum):
    text = "text"
    json = "json"
    junit = "junit"


class Tongue(StrEnum):
    zh = "zh"
    en = "en"


def emit(text: str) -> None:
    """Writes text whole: a quote is never wrapped, so that it can be searched for."""
    print(text)


def write_whole(file: Path, text: str) -> None:
    """Writes the whole text or nothing: beside the file first, then in its place."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        if file.exists():
            shutil.copymode(file, name)
        else:
            os.chmod(name, 0o644)
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def complain(diagnostics: Iterable[Diagnostic], language: Language | None = None) -> None:
    """Writes diagnostics beside the output, in a language or each in its file's own."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    for diagnostic in diagnostics:
        style = {"error": "red", "warning": "yellow", "note": "dim"}[diagnostic.severity]
        head, *rest = diagnostic.render(language).split("\n")
        console.print(head, style=style)
        for line in rest:
            console.print(line)
