"""What a program comes to on one day, apart from any household."""

from __future__ import annotations

from datetime import date
from functools import cached_property

from policykit import ir
from policykit.engine.columnar.constants import Constants


class Plan:
    """The rules in force on a day and who stands above whom: worked out once, for any number of blocks."""

    def __init__(self, program: ir.Program, on: date) -> None:
        self.program, self.on = program, on
        self.constants = Constants(program)
        self.versions = {
            name: tuple(v for v in versions if v.as_of is not None or v.period.holds(on))
            for name, versions in program.clauses.items()
        }
        self.entities = {name: versions[0].entity for name, versions in program.clauses.items()}
        self.paths = {entity: program.entity_path(entity) for entity in program.entities}
        self.blockers = {
            name: [other for other in sorted(program.blockers.get(name, ())) if other in self.entities]
            for name in program.clauses
        }
        self._barriers: dict[str, list[str]] = {}

    def barriers(self, clause: ir.Clause) -> list[str]:
        """The clauses that exclude what a clause grants, or ban what it orders, and do not yield to it."""
        own = clause.basis.name.id
        if own not in self._barriers:
            self._barriers[own] = [
                other
                for other, (first, *_) in self.program.clauses.items()
                if own not in self.program.blockers.get(other, ()) and self.program.bars(first, clause)
            ]
        return self._barriers[own]

    @cached_property
    def granting(self) -> dict[tuple[str, str], list[str]]:
        """The clauses that grant or may grant a measure to the records of an entity, in source order."""
        found: dict[tuple[str, str], list[str]] = {}
        for name, (first, *_) in self.program.clauses.items():
            if isinstance(first.effect, ir.Grant):
                found.setdefault((first.effect.measure, first.entity), []).append(name)
        return found

    @cached_property
    def excluding(self) -> dict[str, list[str]]:
        """The clauses that exclude from a measure."""
        found: dict[str, list[str]] = {}
        for name, (first, *_) in self.program.clauses.items():
            for measure in first.effect.measures if isinstance(first.effect, ir.Withhold) else ():
                found.setdefault(measure, []).append(name)
        return found

    def rule(self, clause: ir.Clause) -> ir.Amount | None:
        """The amount rule by which a granting clause pays."""
        assert isinstance(clause.effect, ir.Grant)
        return clause.effect.amount or self.program.amount_rule(clause.effect.measure, clause.entity, self.on)
