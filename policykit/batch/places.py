"""Where a household belongs: the fact by which a summary is broken down, such as its village."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policykit import ir
from policykit.batch.chunks import Chunk, root_of
from policykit.batch.subjects import given, plain, texts

_PLACE = re.compile(r"村|社区|居委会|乡|镇|街道|区划|village|community|township|district")


@dataclass(frozen=True, slots=True)
class Place:
    """A fact of the household, or of what it lies in."""

    fact: ir.FactDecl
    upper: ir.Entity | None = None

    @property
    def column(self) -> str:
        """How a chunk names it."""
        return f"{self.upper.name.id}.{self.fact.name.id}" if self.upper is not None else self.fact.name.id

    def of(self, chunk: Chunk) -> Sequence[str]:
        """The place of each household, empty where it is not said."""
        if chunk.nested is None:
            return [text or "" for text in texts(chunk.tables[""], self.column).to_pylist()]
        return [plain(given(self._holder(one), *self._names(self.fact))) or "" for one in chunk.nested]

    def _holder(self, household: Mapping[str, Any]) -> Any:
        return household if self.upper is None else given(household, *self._names(self.upper))

    @staticmethod
    def _names(of: ir.FactDecl | ir.Entity) -> tuple[str, str]:
        return of.name.id, of.name.zh


def choices(program: ir.Program) -> list[Place]:
    """Everything that a summary may be broken down by: truths, choices and texts of the household and what it lies in."""
    root = program.entities[root_of(program)]
    upper = program.entities[root.upper] if root.upper is not None else None
    return [
        Place(fact, entity if entity is upper else None)
        for entity in (root, upper) if entity is not None
        for fact in entity.facts.values() if fact.type.kind in ("text", "choice", "bool")
    ]  # fmt: skip


def place_of(program: ir.Program, by: str = "") -> Place | None:
    """The fact called so; without a name the one that is a village by its own.

    Raises `KeyError` when none is called so.
    """
    found = choices(program)
    if not by:
        return next(
            (one for one in found if one.fact.type.kind == "text"
             and _PLACE.search(f"{one.fact.name.zh} {one.fact.name.id}")), None,
        )  # fmt: skip
    for one in found:
        if by in (one.column, one.fact.name.id, one.fact.name.zh, one.fact.name.en):
            return one
    raise KeyError(by)
