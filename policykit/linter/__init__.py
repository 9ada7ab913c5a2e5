"""ir.Program → warnings: what loads and yet is probably not meant.

Each lint would rather be silent than wrong: what is said of a quote must follow from its words, what is said of a
condition must hold however the facts lie. What a rule allows itself by 不查, with a reason, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policykit import ir
from policykit.diagnostics import Diagnostic
from policykit.linter.conditions import conditions
from policykit.linter.findings import Lint, warning
from policykit.linter.names import cases, documents, names, unused
from policykit.linter.quotes import quotes, readings
from policykit.linter.timeline import dates
from policykit.syntax import Module


def lint(program: ir.Program, modules: Sequence[Module]) -> list[Diagnostic]:
    """Every warning about a program that loads."""
    found = Lint(program, {module.source.file: module for module in modules})
    quotes(found)
    readings(found)
    conditions(found)
    unused(found)
    cases(found)
    documents(found)
    names(found)
    dates(found)
    return found.found


def without_allowed(found: Iterable[Diagnostic], modules: Iterable[Module]) -> list[Diagnostic]:
    """The diagnostics without the warnings that their declarations allow, and what is allowed to no end."""
    left = list(found)
    for module in modules:
        ends = [*(d.span.start for d in module.declarations[1:]), len(module.source.text)]
        for declaration, end in zip(module.declarations, ends, strict=True):
            for allowed in declaration.all("allow"):
                code, start = allowed.values[0].text, declaration.span.start
                kept = [d for d in left if d.code != code or not _warns(d, module, start, end)]
                if len(kept) == len(left):
                    kept.append(warning(module, "W014", allowed.span, ("found", code)))
                left = kept
    return left


def _warns(found: Diagnostic, module: Module, start: int, end: int) -> bool:
    """Whether it is a warning about a stretch of a module."""
    span = found.span
    return (
        found.severity == "warning"
        and span is not None
        and span.file == module.source.file
        and start <= span.start < end
    )
