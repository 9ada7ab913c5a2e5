"""What a rule rests on: everything inside its expressions, and inside the terms and clauses they refer to."""

from __future__ import annotations

from collections.abc import Iterator

from policykit import ir


def within(expr: ir.Expr) -> Iterator[ir.Expr]:
    """The expression and every one inside it."""
    yield expr
    for child in ir.children(expr):
        yield from within(child)
