"""policykit fmt: rule files in their canonical form, or in the other language."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from policykit.app.console import BAD, FINDINGS, Tongue, complain, emit, write_whole
from policykit.diagnostics import Diagnostic, Language, PolicyError
from policykit.loader import MeaningChanged, converted, read_source, root_of, tidied
from policykit.source import Source


def fmt_command(
    paths: Annotated[list[Path], typer.Argument(help="rule files or folders / 规则文件或文件夹")],
    check: Annotated[
        bool, typer.Option("--check", help="write nothing, list the files that differ / 只检查")
    ] = False,
    lang: Annotated[
        Tongue | None, typer.Option(help="turn words and names into Chinese or English / 换成中文或英文")
    ] = None,
    policies: Annotated[
        list[Path] | None,
        typer.Option(
            help="with --lang: where the names are declared; default the policy folder around each file / 名称在哪里声明"
        ),
    ] = None,
) -> None:
    """Write rule files in their one canonical form, in place. 把规则文件整理成统一写法。

    The form is UTF-8 with line feeds; GB18030 and CRLF are turned into it. A file with an error is left as it is.
    """
    files = list(dict.fromkeys(file for path in paths for file in _rule_files(path)))
    missing = [path for path in [*paths, *(policies or [])] if not path.exists()]
    for path in missing:
        typer.echo(f"{path}: 没有这个文件或文件夹 / there is no such file or folder", err=True)
    language: Language | None = lang.value if lang else None
    done, failed = _rewritten(files, language, policies or [])
    changed = [file for file, text in done.items() if text.encode("utf-8") != file.read_bytes()]
    for file in changed:
        if not check:
            write_whole(file.resolve(), done[file])
        emit(f"{file}: {'与统一写法不同 / differs' if check else '已改写 / rewritten'}")
    same = len(done) - len(changed)
    verb, verb_en = ("不同", "differ") if check else ("已改写", "rewritten")
    faults = f"，{failed} 个没有改" if failed else ""
    faults_en = f", {failed} left alone" if failed else ""
    emit(f"{len(changed)} 个文件{verb}，{same} 个不变{faults} / "
               f"{len(changed)} files {verb_en}, {same} as they were{faults_en}")  # fmt: skip
    if failed or missing:
        raise typer.Exit(BAD)
    if check and changed:
        raise typer.Exit(FINDINGS)


def _rule_files(path: Path) -> list[Path]:
    return (
        sorted(file for file in path.rglob("*.rules") if file.is_file())
        if path.is_dir()
        else [path] * path.exists()
    )


def _rewritten(
    files: list[Path], language: Language | None, policies: list[Path]
) -> tuple[dict[Path, str], int]:
    """The new texts of the files that can be rewritten, and how many cannot."""
    if language is not None:
        return _converted(files, language, policies)
    done: dict[Path, str] = {}
    for file in files:
        source = _read(file)
        try:
            if source is not None:
                done[file] = tidied(source)
        except PolicyError as error:
            complain(error.diagnostics)
        except MeaningChanged as error:
            _refuse(error)
    return done, len(files) - len(done)


def _converted(files: list[Path], language: Language, policies: list[Path]) -> tuple[dict[Path, str], int]:
    """All of the files or none: a name may be declared in one and used in another."""
    given = [path.resolve() for path in policies]
    roots = list(dict.fromkeys(path if path.is_dir() else root_of(path) for path in given)) or list(
        dict.fromkeys(root_of(file.resolve()) for file in files)
    )
    around = [found for path in given or roots for found in _around(path)]
    own = {file.resolve(): file for file in files}
    sources = [_read(own.get(file, file)) for file in dict.fromkeys([*around, *own])]
    if None in sources:
        return {}, len(files)
    try:
        texts = converted([s for s in sources if s], tuple(roots), language, {str(file) for file in files})
    except PolicyError as error:
        complain(error.diagnostics)
        return {}, len(files)
    except MeaningChanged as error:
        _refuse(error)
        return {}, len(files)
    return {file: texts[str(file)] for file in files}, 0


def _around(path: Path) -> list[Path]:
    """The rule files of a policy folder; of any other folder only those that lie in it itself."""
    deep = not path.is_dir() or (path / "sources").is_dir()
    return _rule_files(path) if deep else sorted(path.glob("*.rules"))


def _read(file: Path) -> Source | None:
    found: list[Diagnostic] = []
    source = read_source(file, str(file), found)
    complain(found)
    return source


def _refuse(error: MeaningChanged) -> None:
    typer.echo(f"{error}\n  没有改写：改写后意思会变。这是整理程序的毛病，请连同文件报告。\n"
               "  left alone: rewritten it would mean something else. This is a fault of the formatter; please report it "
               "with the file.", err=True)  # fmt: skip
