"""What a rule rests on: everything inside its expressions, and inside the terms and clauses they refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from policykit import ir


def within(expr: ir.Expr) -> Iterator[ir.Expr]:
    """The expression and every one inside it."""
    yield expr
    for child in ir.children(expr):
        yield from within(child)


@dataclass(slots=True)
class Reach:
    """What some expressions rest on. `absent` are the terms that have no version on the day asked about."""

    exprs: list[ir.Expr] = field(default_factory=list)
    defines: dict[str, tuple[ir.Version, ...]] = field(default_factory=dict)
    clauses: dict[str, tuple[ir.Clause, ...]] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)

    @property
    def absent(self) -> list[str]:
        return [name for name, versions in self.defines.items() if not versions]


def reached(program: ir.Program, exprs: Iterable[ir.Expr | None], day: date | None = None) -> Reach:
    """Everything that some expressions rest on, by the versions of a day or, without one, by all versions.

    What a sheet says of a parameter, and how another measure is decided (获得, 受阻), is not followed.
    """
    found = Reach()
    todo = [expr for expr in exprs if expr is not None]
    while todo:
        for expr in within(todo.pop()):
            found.exprs.append(expr)
            match expr:
                case ir.Param(name=name):
                    found.parameters.add(name)
                case ir.Ref(name=name) if name not in found.defines:
                    versions = program.defines[name].versions
                    found.defines[name] = tuple(v for v in versions if day is None or v.period.holds(day))
                    todo += [version.body for version in found.defines[name]]
                case ir.Verdict(kind="meets", name=name) if name not in found.clauses:
                    clauses = program.clauses[name]
                    found.clauses[name] = tuple(c for c in clauses if day is None or c.period.holds(day))
                    todo += [e for c in found.clauses[name] for e in (c.scope, c.test) if e is not None]
    return found
