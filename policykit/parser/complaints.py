"""How the faults of a text are told: in the file's language, with the line, and mended where that is certain."""

from __future__ import annotations

from policykit.diagnostics import Diagnostic, Language
from policykit.source import Source

SKIPPED = r"「[^」\n]*」?|【[^】\n]*】?|#[^\n]*"  # one left open takes its whole line


def short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


class Complaints:
    """What is wrong with one file."""

    def __init__(self, source: Source, language: Language, errors: list[Diagnostic]) -> None:
        self.source, self.language, self.errors = source, language, errors

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def report(self, code: str, start: int, end: int, *fields: tuple[str, str], fix: str = "") -> None:
        span = self.source.span(start, end)
        line = self.source.line(span.line)
        self.errors.append(Diagnostic(code, str(span), self.language, fields, span, line, fix))

    def mended(self, start: int, end: int, text: str) -> str:
        """The line a place is on, with something else in that place."""
        whole = self.source.text
        line = whole.rfind("\n", 0, start) + 1
        after = whole.find("\n", end)
        return (whole[line:start] + text + whole[end : after if after >= 0 else len(whole)]).strip()
