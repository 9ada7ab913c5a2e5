"""What a rule rests on: everything inside its expressions, and inside the terms and clauses they refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from policykit import ir


def within(expr: ir.Expr) -> Iterator[ir.Expr]:
    """The expression and every one inside it, from the outside in and from left to right."""
    todo = [expr]
    while todo:
        inner = todo.pop()
        yield inner
        todo += reversed(ir.children(inner))


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


def amounts_of(program: ir.Program, clause: ir.Clause) -> list[ir.Expr]:
    """What a clause may pay by."""
    if not isinstance(clause.effect, ir.Grant):
        return []
    measure = clause.effect.measure
    own = [clause.effect.amount] if clause.effect.amount is not None else []
    rules = own or [a for a in program.amounts if a.measure == measure and a.entity == clause.entity]
    return [rule.total for rule in rules]


def root_for(program: ir.Program, entity: str) -> str:
    """What a household looked at is a record of: the uppermost entity to which something is granted, or a higher one
    that is asked about, or among whose members the rules look."""
    granted = {e for measure in program.measures.values() for e in measure.entities}
    line = program.entity_path(entity)
    top = max((at for at, one in enumerate(line) if one in granted), default=0)
    while top + 1 < len(line) and _looks_around(program, line[: top + 1], line[top + 1]):
        top += 1
    described = program.described
    return line[top] if line[top] in described or not described else described[-1]


def _looks_around(program: ir.Program, entities: Sequence[str], upper: str) -> bool:
    """Whether rules on some entities look at others of the last of them: at all members of the record above it, or at
    whomever one of them refers to, who may be a member too."""
    exprs: list[ir.Expr | None] = []
    for clause in (c for versions in program.clauses.values() for c in versions if c.entity in entities):
        exprs += [clause.scope, clause.test, *amounts_of(program, clause)]
    for said in program.properties:
        exprs += [*said.given, said.then] if said.entity in entities else []
    for expr in reached(program, exprs).exprs:
        match expr:
            case ir.Fold(domain=ir.Items(entity=owner, name=name)):
                decl = program.entities[owner].lists[name]
                if (owner, decl.kind) == (upper, "members") or (decl.kind, decl.item) == (
                    "refers",
                    entities[-1],
                ):
                    return True
            case ir.Fact(type=of) if of.kind == "record" and of.of == entities[-1]:
                return True
    return False
