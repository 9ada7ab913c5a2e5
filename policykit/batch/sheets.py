"""One table of a register whose headings are understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from policykit.batch.files import Raw, Wanted

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a register. Its rows belong to the list `path`, or to `otherwise` where they name no owner in it.

    `groups` are the columns to read; several of them where a row holds several members. `factors` are what the figures
    of a column are to be multiplied by. `called` is the column by which people tell its records apart, `people` whether
    these are members.
    """

    path: str
    raw: Raw
    after: int
    headings: Mapping[str, str]
    groups: tuple[tuple[Wanted, ...], ...]
    factors: Mapping[str, Fraction] = field(default_factory=dict)
    otherwise: str = ""
    complete: bool = False
    called: str = ""
    people: bool = False

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(one.name for group in self.groups for one in group))


#: rows of the same households, table by table
Piece: TypeAlias = Sequence[tuple[Sheet, "pa.Table"]]
