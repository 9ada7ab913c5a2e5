"""`policykit test --boundaries`: cases at every threshold, shown to a person who accepts them one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import typer

from policykit.app.console import BAD, complain, emit
from policykit.casework.boundaries import EDGE, Proposal, Writer, proposals
from policykit.diagnostics import Language, PolicyError
from policykit.loader import Policies, compile_sources
from policykit.source import Source

HEAD = "# 界线上的案例，由人逐个确认 / cases at thresholds, each accepted by a person\n语言 1\n"
DECLINED = "# 未收："


def propose(policies: Policies, only: str, into: Path | None, language: Language) -> None:
    """Asks about each proposal at a terminal; anywhere else only prints them."""
    writer = Writer(policies.program)
    written = into.read_text(encoding="utf-8") if into is not None and into.exists() else ""
    declined = {line.removeprefix(DECLINED) for line in written.splitlines() if line.startswith(DECLINED)}
    open_ = (p for p in proposals(policies, only) if writer.title(p) not in declined)
    if into is None or not at_terminal():
        _print(policies, writer, open_, language)
    else:
        _ask(policies, writer, open_, into, language)


def at_terminal() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()


def _print(policies: Policies, writer: Writer, open_: Iterable[Proposal], language: Language) -> None:
    count = 0
    for count, proposal in enumerate(open_, start=1):
        emit(f"# {_why(policies, proposal, language)}\n{writer.block(proposal, count)}")
    if language == "zh":
        emit(f"提出 {count} 个，都没有写入：要逐个确认，请在终端里加 --into 文件")
    else:
        emit(f"{count} proposed, none written: to accept them one by one, use --into FILE at a terminal")


def _why(policies: Policies, proposal: Proposal, language: Language) -> str:
    program = policies.program
    if proposal.turns in program.clauses:
        name = program.clauses[proposal.turns][0].basis.name.label(language)
    else:
        name = program.defines[proposal.turns].name.label(language)
    place = f"{proposal.trial.span.file}:{proposal.trial.span.line}"
    return f"{place} 在 {name} 的界线上" if language == "zh" else f"{place} at a threshold of {name}"


def _ask(
    policies: Policies, writer: Writer, open_: Iterable[Proposal], into: Path, language: Language
) -> None:
    zh = language == "zh"
    question = "对不对？y 收下，n 不收，q 停" if zh else "Is this right? y accept, n decline, q stop"
    number = 0
    for proposal in open_:
        number = _free(policies, proposal, into, number)
        block = writer.block(proposal, number)
        emit(f"\n{_why(policies, proposal, language)}\n{block}")
        said = ""
        while said not in ("y", "n", "q"):
            said = typer.prompt(question).strip().lower()
        if said == "q":
            return
        if said == "n":
            _add(into, f"{DECLINED}{writer.title(proposal)}\n")
        else:
            try:
                _add(into, _checked(policies, block))
            except PolicyError as error:
                complain(error.diagnostics, language)
                raise typer.Exit(BAD) from None


def _free(policies: Policies, proposal: Proposal, into: Path, after: int) -> int:
    """The next number that no case of this name has."""
    taken = {e.name.id for e in policies.program.examples}
    text = into.read_text(encoding="utf-8") if into.exists() else ""
    number = after + 1
    while f"{proposal.example.name.id}{EDGE}{number}" in taken or f"{EDGE}{number})" in text:
        number += 1
    return number


def _checked(policies: Policies, block: str) -> str:
    """The block, once it has been read beside the rules; raises `PolicyError` when it cannot be."""
    compile_sources([*policies.sources, Source("boundaries.rules", HEAD + block)], policies.roots)
    return block


def _add(into: Path, text: str) -> None:
    begun = into.exists() and into.stat().st_size > 0
    with into.open("a", encoding="utf-8", newline="\n") as file:
        file.write(("" if begun else HEAD) + "\n" + text)
