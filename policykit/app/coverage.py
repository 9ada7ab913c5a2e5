"""`policykit coverage`: which sentences of the texts the rules account for, and what to read again when a text changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from policykit import coverage
from policykit.app.console import BAD, FINDINGS, Format, Tongue, complain, emit
from policykit.casework.trials import run
from policykit.diagnostics import Language
from policykit.loader import Policies, bundled, compile_all, examine, files_of
from policykit.source import MAX_FILE_BYTES, decode

#: a quote that does not stand in another edition of its text is what is asked for, not a fault
OF_QUOTES = {"Q001", "Q002", "Q003"}


def coverage_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="another edition of a text, or a folder of them: what to read again / 另一版文本，列出要重读的"
        ),
    ] = None,
    lang: Annotated[Tongue, typer.Option(help="language / 语言")] = Tongue.zh,
    format: Annotated[Format, typer.Option(help="text, json or html / 格式")] = Format.text,
) -> None:
    """Show which sentences of the texts are encoded, and by what. 逐句列出原文写成了哪条规则。"""
    language: Language = lang.value
    where = paths or [bundled()]
    if against is not None:
        _reread(where, against, language, format)
        return
    # a case that is wrong is for `test` to tell: the text is covered as the rules alone cover it
    policies, diagnostics = examine(*where, cases=format is not Format.text)
    if policies is None:
        complain((d for d in diagnostics if d.severity == "error"), language)
        raise typer.Exit(BAD)
    found = coverage.measure(policies.program)
    if format is Format.html:
        emit(coverage.to_html(found, policies.sources, language, _cases(policies)))
    elif format is Format.json:
        emit(json.dumps(coverage.to_data(found, _cases(policies)), ensure_ascii=False, indent=2))
    else:
        emit(coverage.to_text(found, language).rstrip("\n"))
    if not found.complete:
        raise typer.Exit(FINDINGS)


def _cases(policies: Policies) -> dict[str, list[coverage.CaseResult]]:
    """How the cases of each clause come out: those that expect something of it, or a measure by it."""
    found: dict[str, list[coverage.CaseResult]] = {}
    for verdict in run(policies):
        place = f"{verdict.trial.span.file}:{verdict.trial.span.line}"
        result = coverage.CaseResult(verdict.name, place, "passed" if verdict.passed else "failed")
        expected = verdict.trial.expected
        named = {e.name for e in expected if e.about == "clause"}.union(*(e.by for e in expected))
        for clause in sorted(named):
            found.setdefault(clause, []).append(result)
    return found


def _reread(paths: list[Path], against: Path, language: Language, format: Format) -> None:
    """Compares the held texts with other editions of them, and lists what to read again."""
    if format is Format.html:
        _refuse("--against 只有 text 和 json 两种格式 / --against is written as text or json only")
    sources, faults, roots = files_of(paths)
    held, found = compile_all(sources, roots)
    copies = _copies(against)
    chosen = coverage.editions(held.texts.values(), copies)
    if not chosen:
        _refuse(f"`{against}` 不是哪篇收录文本的另一版 / is not another edition of any held text")
    other, other_found = compile_all(sources, roots, chosen)
    errors = [d for d in (*faults, *found, *other_found) if d.severity == "error" and d.code not in OF_QUOTES]
    if errors:
        complain(errors, language)
        raise typer.Exit(BAD)
    changes = coverage.compare(other, held)
    if format is Format.json:
        emit(json.dumps(coverage.changes_data(changes), ensure_ascii=False, indent=2))
    else:
        emit(coverage.changes_text(changes, language).rstrip("\n"))
    if changes.sentences or changes.reread:
        raise typer.Exit(FINDINGS)


def _copies(against: Path) -> dict[str, str]:
    """The texts at a path, by file name; of a folder, every `.txt` below it."""
    files = sorted(against.rglob("*.txt")) if against.is_dir() else [against]
    copies = {}
    for file in files:
        try:
            if file.stat().st_size <= MAX_FILE_BYTES:
                copies[file.name] = decode(file.read_bytes())[0]
        except (OSError, ValueError):
            _refuse(f"读不到 `{file}` / cannot read it")
    return copies


def _refuse(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(BAD)
