"""Records to look at: those that frames hold, and those that nobody described.

A list that may hold more than was given ends in a stand-in, a row of which nothing is known: as with the reference
engine, it stands for whatever else the list may hold, and all that it would say is missing because the list is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from policykit import ir
from policykit.engine.columnar.frames import Array, Column, Frame, Mask, starts_of
from policykit.engine.columnar.tape import numbered, owners
from policykit.values import Gap, GapKind

Place: TypeAlias = Literal["root", "list", "single", "upper"]


@dataclass(slots=True)
class Register:
    """The gaps of a block by number: those of one kind and name, for the rows of one table, stand together."""

    bases: list[int] = field(default_factory=list)
    kinds: list[tuple[GapKind, Table | None, str, str]] = field(default_factory=list)
    next: int = 0
    known: dict[tuple[GapKind, int, str], int] = field(default_factory=dict)

    def base(self, kind: GapKind, table: Table | None, name: str, cause: str = "") -> int:
        """The number of the first row's gap."""
        key = (kind, id(table), name)
        if key not in self.known:
            self.known[key] = self.next
            self.bases.append(self.next)
            self.kinds.append((kind, table, name, cause))
            self.next += 1 if table is None else table.count
        return self.known[key]

    def gap(self, number: int) -> Gap:
        """The gap of a number."""
        return self.told(np.array([number]))[0][0]

    def told(self, numbers: Array) -> tuple[list[Gap], Array]:
        """The gaps of some numbers in order, and which of them each number is."""
        different, which = np.unique(numbers, return_inverse=True)
        at = np.searchsorted(self.bases, different, side="right") - 1
        found: list[Gap] = []
        codes = np.zeros(len(different), np.int64)
        for place in np.unique(at).tolist():
            kind, table, name, cause = self.kinds[place]
            mine = np.flatnonzero(at == place)
            paths, of = (
                ([""], np.zeros(len(mine), np.int64))
                if table is None
                else table.paths(different[mine] - self.bases[place])
            )
            codes[mine] = of + len(found)
            found += [Gap(kind, path, name, cause) for path in paths]
        order = sorted(range(len(found)), key=found.__getitem__)
        ranks = np.zeros(len(found), np.int64)
        ranks[order] = np.arange(len(found))
        return [found[one] for one in order], ranks[codes][which]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Rows that name records of another table."""

    rows: Array
    table: Table
    at: Array


@dataclass(slots=True, eq=False)
class Table:
    """Some records of one entity. Row i is row `at[i]` of the frame (`None`: row i), or below 0 a stand-in.

    `rest` is, for a stand-in and what lies in it, the number of the list's gap, −1 for all others; `gap` the number of
    the gap that a record fills which nobody described. `owner_rows` says in which row of `owner` each record lies.
    """

    program: ir.Program
    register: Register
    entity: str
    count: int
    frame: Frame | None
    at: Array | None = None
    place: Place = "root"
    name: str = ""
    member: bool = False
    owner: Table | None = None
    owner_rows: Array | None = None
    rest: Array | None = None
    gap: Array | None = None
    elsewhere: list[Elsewhere] = field(default_factory=list)
    columns: dict[str, Column | None] = field(default_factory=dict)
    listings: dict[str, Listing] = field(default_factory=dict)
    uppers: list[Table] = field(default_factory=list)

    @property
    def vague(self) -> Mask | None:
        """Which rows are records that nobody described."""
        return None if self.gap is None else self.gap >= 0

    def column(self, name: str) -> Column | None:
        """A fact of every row; `None` where nobody knows it of any."""
        if name not in self.columns:
            found = None
            if self.frame is not None and self.frame.count:
                found = self.frame.facts.get(name)
            if found is not None and self.at is not None:
                there = self.at >= 0
                known = there if found.known is None else there & found.known.take(self.at, mode="clip")
                none = None if found.none is None else found.none.take(self.at, mode="clip") & known
                values = found.values.take(self.at, mode="clip")
                found = Column(values, None if known.all() else known, none, found.scale)
            self.columns[name] = found
        return self.columns[name]

    def gaps(self, kind: GapKind, name: str, rows: Array, cause: str = "", own: bool = False) -> Array:
        """The gaps of one name for some rows, as codes in order. What a stand-in would say waits for its list, unless
        it is its `own` all the same."""
        numbers = rows + self.register.base(kind, self, name, cause)
        if self.rest is not None and not own:
            rest = self.rest[rows]
            numbers = np.where(rest >= 0, rest, numbers)
        return (rows << np.int64(32)) | numbers  # type: ignore[no-any-return]

    # -- the records around

    @property
    def root(self) -> Table:
        """The households of the block."""
        return self if self.owner is None else self.owner.root

    def below(self, path: tuple[str, ...]) -> Table:
        """The records to which some lists lead from here."""
        return self if not path else self.listing(path[0]).table.below(path[1:])

    def rows_of(self, places: Array) -> Array:
        """The rows at which the records of the frame stand."""
        return places if self.at is None else np.flatnonzero(self.at >= 0)[places]

    def listing(self, name: str) -> Listing:
        """A list of every row, stand-ins included."""
        if name not in self.listings:
            self.listings[name] = self._listing(self.program.entities[self.entity].lists[name])
        return self.listings[name]

    def _listing(self, decl: ir.ListDecl) -> Listing:
        name = decl.name.id
        listed = None if self.frame is None else self.frame.lists.get(name)
        if listed is None or (self.at is not None and not len(listed.starts) > 1):
            counts = np.zeros(self.count, np.int64)
            complete: Mask | None = np.zeros(self.count, np.bool_)
            first = counts
            frame = None
        else:
            frame = listed.frame
            first, last = listed.starts[:-1], listed.starts[1:]
            complete = listed.complete
            if self.at is not None:
                there = self.at >= 0
                first, last = first.take(self.at, mode="clip"), last.take(self.at, mode="clip")
                complete = there if complete is None else complete.take(self.at, mode="clip") & there
                last = np.where(there, last, first)
            counts = last - first
        single = decl.single
        if complete is None:
            more: Mask = np.zeros((), np.bool_)
        else:
            more = ~complete if single else ~complete & (decl.most > counts)
        member = decl.kind == "members"
        table = Table(
            self.program, self.register, decl.item, 0, frame, None, "single" if single else "list", name, member, self
        )  # fmt: skip
        if listed is not None and self.at is None and not more.any():
            table.count = listed.frame.count
            starts = listed.starts
        else:
            whole = counts + more
            starts = starts_of(whole)
            table.count = int(starts[-1])
            table.at = np.arange(table.count) + np.repeat(first - starts[:-1], whole)
            table.at[starts[1:][more] - 1] = -1
        rows = owners(starts, table.count)
        table.owner_rows = rows
        if listed is not None and listed.elsewhere:
            own = numbered(table.count) if table.at is None else table.at
            for path, place in listed.elsewhere.items():
                target = self.root.below(path)
                places = np.where(own < 0, -1, place.take(own, mode="clip"))
                named = np.flatnonzero(places >= 0)
                table.elsewhere.append(Elsewhere(named, target, target.rows_of(places[named])))
        if not more.any():
            if self.rest is not None:
                table.rest = self.rest[rows]
            return Listing(table, starts, None, None, decl.most)
        perhaps = np.zeros(table.count, np.bool_)
        perhaps[starts[1:][more] - 1] = True
        kind: GapKind = "fact" if single else "list"
        table.gap = np.full(table.count, -1, np.int64)
        table.gap[perhaps] = self.gaps(kind, name, np.flatnonzero(more)) & 0xFFFFFFFF
        above = np.full(table.count, -1, np.int64) if self.rest is None else self.rest[rows]
        table.rest = above if single else np.where(perhaps, table.gap, above)
        if (table.rest < 0).all():
            table.rest = None
        if single:
            return Listing(table, starts, None, None, 1)
        times = np.ones(table.count, np.int64)
        times[perhaps] = (decl.most - counts)[more]
        return Listing(table, starts, perhaps, times, decl.most)

    def upper(self, entity: str) -> tuple[Table, Array | None]:
        """The records of a higher entity that the rows lie in."""
        if self.member:
            assert self.owner is not None and self.owner_rows is not None
            if self.owner.entity == entity:
                return self.owner, self.owner_rows
            table, at = self.owner.upper(entity)
            return table, self.owner_rows if at is None else at[self.owner_rows]
        above = next((table for table in self.uppers if table.entity == entity), None)
        if above is None:
            above = self._upper(entity)
            self.uppers.append(above)
        if above.entity == entity:
            return above, None
        return above.upper(entity)

    def _upper(self, entity: str) -> Table:
        frame = None if self.frame is None else self.frame.upper
        if (
            frame is not None
            and frame.entity != entity
            and entity not in self.program.entity_path(frame.entity)
        ):
            frame = None
        made = Table(
            self.program, self.register, entity if frame is None else frame.entity, self.count, frame,
            None if frame is None else self.at, "upper", "", False, self, numbered(self.count), self.rest,
        )  # fmt: skip
        made.name = made.entity
        made.gap = self.gap
        return made

    def close(self) -> None:
        """Lets go of the tables below and above, which refer to this one."""
        below = [listing.table for listing in self.listings.values()]
        for held in (self.listings, self.columns, self.register.known):
            held.clear()
        for more in (self.elsewhere, self.register.kinds):
            more.clear()
        for table in [*below, *self.uppers]:
            if table.owner is self:
                table.close()
        self.uppers.clear()

    # -- for people

    def paths(self, rows: Array) -> tuple[list[str], Array]:
        """Where records stand, as results write it: the different places, and which of them is that of each row."""
        if self.owner is None or self.owner_rows is None:
            return [self.entity], np.zeros(len(rows), np.int64)
        owners = self.owner_rows[rows]
        above, which = self.owner.paths(owners)
        position = np.zeros(len(rows), np.int64)
        if self.place == "list":
            position = rows - np.searchsorted(self.owner_rows, owners)
        if self.gap is not None:
            position = np.where(self.gap[rows] >= 0, -1, position)
        wide = int(position.max(initial=0)) + 2
        different, codes = np.unique(which * wide + position + 1, return_inverse=True)
        return [self._path(above[one // wide], one % wide - 1) for one in different.tolist()], codes

    def _path(self, above: str, position: int) -> str:
        """One place, by that of the owner and the position in its list; −1 for one that nobody described."""
        if position < 0:
            return f"{above}.{self.name}" + "[…]" * (self.place == "list")
        assert self.owner is not None
        short = self.owner.place == "root" and self.place != "upper"
        text = self.name if short else f"{above}.{self.name}"
        return f"{text}[{position}]" if self.place == "list" else text


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of every row of a table: `starts` cuts `table`; `perhaps` are the stand-ins (`None`: there are none), which
    stand for `times` records each."""

    table: Table
    starts: Array
    perhaps: Mask | None
    times: Array | None
    most: int


def root_table(program: ir.Program, frame: Frame) -> Table:
    """The households of a block."""
    return Table(program, Register(), frame.entity, frame.count, frame)
