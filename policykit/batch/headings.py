"""Headings of sheets and names of tables → where in a household they belong.

Offices head a column by what the rules call it, in either language, or by one of a few usual words for numbers. White
space, underscores, width, case and a unit or remark in brackets do not matter to a match; a unit is then checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from policykit import ir
from policykit.batch.chunks import KEY, entity_at, root_of
from policykit.datatypes import Type, parse_unit
from policykit.facts import FACT_KEYS

ABOVE = "_above."  #: `_above.name`: what the record is called that a row belongs to
WHOLE = "_whole."  #: `_whole.awards`: whether that list is complete
ROOT = "^"  #: `^property_ok`: a fact of the household in a row of another list
IGNORED = "_"

#: further words for the number of a household, where rules call it 户 or household
HOUSEHOLD_WORDS = ("家庭编号", "家庭编码", "家庭号", "户ID", "hhid", "hh_id")
_NUMBER_WORDS = (("编号", "号", "编码", "代码"), ("_id", "_no", "_number", "_key"))
_ROW_WORDS = ("序号", "行号", "序", "no.", "no", "#", "")
_TABLE_WORDS = re.compile(
    r"(?:信息|情况|基本|花)*(?:登记|明细)?(?:表|名单|台账|清单|名册|列表)$|(?:_?(?:table|list|sheet))$"
)
_COMPLETE = re.compile(r"[（(]\s*(?:核对完成|complete)\s*[）)]", re.I)
_BRACKETS = re.compile(r"[（(【\[]([^（()）】\]]*)[）)】\]]$")
_UNIT_MARK = re.compile(r"^(?:金额)?(?:单位)?[:：\s]*(?:人民币)?")
_LARGER = re.compile(r"[十百千万亿](?:元|块|$)")  # in a remark that is not read as a unit
#: 单位：万元 above a table
_ABOVE_TABLE = re.compile(r"单位[:：]\s*(.*)")
_MONEY = re.compile(r"(?:人民币)?[十百千万亿]*元(?:[/／]\S+)?")
_WIDE = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: " "}
_MEMBER = re.compile(r"(.*?)([0-9]{1,2})[.:_\-]?(.+)")


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading: as written, the column it stands for (empty: unknown), and what its figures are to be multiplied
    by. `misfit` is a unit that does not belong to the fact; `number` is which of the records of the list `path` it is
    about, where they have columns of their own."""

    text: str
    column: str = ""
    factor: Fraction = Fraction(1)
    misfit: str = ""
    path: str = ""
    number: int = 0


def plain(text: str) -> str:
    """A heading without what does not matter to a match."""
    return re.sub(r"[\s_*★:]+", "", text.translate(_WIDE)).lower()


class Names:
    """What the tables and columns of a register may be called under some rules."""

    def __init__(self, program: ir.Program) -> None:
        self.program, self.root = program, root_of(program)
        self.known = lru_cache(maxsize=None)(self._known)

    # -- tables

    def paths(self) -> list[str]:
        """Every list that a register may have a table of, the households first."""
        found = [""]
        for path in found:  # grows
            line = [self.root, *(entity_at(self.program, p).name.id for p in _upwards(path))]
            for decl in entity_at(self.program, path).lists.values():
                if (
                    not decl.single
                    and not (decl.kind != "refers" and decl.item in line)
                    and not self._refers(path)
                ):
                    found.append(f"{path}.{decl.name.id}".removeprefix("."))
        return found

    def _refers(self, path: str) -> bool:
        return self.list_of(path).kind == "refers" if path else False

    def list_of(self, path: str) -> ir.ListDecl:
        above, _, name = path.rpartition(".")
        return entity_at(self.program, above).lists[name]

    def table_names(self, path: str) -> list[str]:
        """What a table of a list may be called, the usual words first."""
        entity = entity_at(self.program, path).name
        if not path:
            upper = self.program.entities[self.root].upper
            among = self.program.entities[upper].lists.values() if upper else ()
            lists = [decl.name for decl in among if decl.kind == "members" and decl.item == self.root]
            return [*_words(entity), *(word for name in lists for word in _words(name))]
        own, above = self.list_of(path).name, entity_at(self.program, path.rpartition(".")[0]).name
        within = [f"{above.zh}{own.zh}", f"{above.zh}.{own.zh}", f"{above.id}.{own.id}"]
        return [*_words(own), *_words(entity), path, *within]

    def tables(self, name: str) -> tuple[list[str], bool]:
        """The lists that a table of this name may be of, and whether the name says that it is complete."""
        bare, complete = _COMPLETE.subn("", name)
        bare = plain(bare)
        for word in (bare, _TABLE_WORDS.sub("", bare)):
            found = [path for path in self.paths() if word in map(plain, self.table_names(path))]
            if found:
                return found, complete > 0
        return [], complete > 0

    # -- columns

    def _known(self, path: str) -> dict[str, str]:
        """Every spelling of a heading, in its plain form, → its column. What stands first wins."""
        found: dict[str, str] = {}
        for spelling, column in self._spellings(path):
            found.setdefault(plain(spelling), column)
        return found

    def _spellings(self, path: str) -> Iterator[tuple[str, str]]:
        entity = entity_at(self.program, path)
        yield from self._facts(entity)
        for word in self.key_names():
            yield word, KEY
        above = path.rpartition(".")[0]
        if above:
            yield from self._owner(above)
        own = ("ref", "引用") if path and self._refers(path) else ()
        names = [entity.name, self.list_of(path).name] if path else [entity.name]
        for word in (*own, *(word for name in names for word in numbers(name)), "编号", "id"):
            yield word, "ref" if own else "id" if path else KEY
        for decl in entity.lists.values():
            if decl.single or decl.kind == "refers":
                yield from ((word, decl.name.id) for word in _words(decl.name))
            if not decl.single:
                whole = (f"{decl.name.zh}核对完成", f"{decl.name.id}.complete", f"{decl.name.id}_complete")
                yield from ((word, WHOLE + decl.name.id) for word in (*whole, *_words(decl.name)))
        if path:
            root = self.program.entities[self.root]
            for word, column in [*self._facts(root), *self._upper(root)]:
                yield word, ROOT + column
            for word, column in self._facts(root):
                yield f"{root.name.zh}.{word}", ROOT + column
                yield f"{root.name.id}.{word}", ROOT + column
        else:
            yield from self._upper(entity)
        yield from ((word, IGNORED) for word in _ROW_WORDS)

    def _owner(self, above: str) -> Iterator[tuple[str, str]]:
        """How a row says whose it is: 成员编号, 人编号, 成员姓名, 姓名."""
        entity, listed = entity_at(self.program, above), self.list_of(above).name
        yield from ((word, f"{ABOVE}id") for word in (*numbers(listed), *numbers(entity.name)))
        for name in self.naming(above)[1:]:
            fact = entity.facts[name].name
            within = [f"{listed.zh}{fact.zh}", f"{listed.id}.{fact.id}", f"{entity.name.zh}{fact.zh}"]
            yield from ((word, ABOVE + name) for word in (*within, f"{entity.name.id}_{fact.id}"))
            yield from ((word, ABOVE + name) for word in _words(fact))

    def naming(self, path: str) -> list[str]:
        """By what a record is named in a table of what lies below it, best first."""
        entity = entity_at(self.program, path)
        return ["id", *(name for name in ("id_number", entity.called) if name and name in entity.facts)]

    def key_names(self) -> list[str]:
        root = self.program.entities[self.root].name
        return [*numbers(root), *(HOUSEHOLD_WORDS if root.id == "household" else ())]

    def key_label(self, language: str) -> str:
        """What the number of a household is called in messages."""
        root = self.program.entities[self.root].name
        return f"{root.zh}编号" if language == "zh" else f"{root.label('en')} number"

    def _facts(self, entity: ir.Entity) -> Iterator[tuple[str, str]]:
        for decl in entity.facts.values():
            yield from ((word, decl.name.id) for word in _words(decl.name))
        for decl in entity.facts.values():
            if decl.type.kind == "bool":
                yield from ((f"{asked}{decl.name.zh}", decl.name.id) for asked in ("是否", "有无", "有没有"))
            for key, said in FACT_KEYS.items():
                if said != "value":
                    name = decl.name.id if key.isascii() else decl.name.zh
                    yield from ((f"{name}{mark}{key}", f"{decl.name.id}.{said}") for mark in (".", ""))

    def _upper(self, entity: ir.Entity) -> Iterator[tuple[str, str]]:
        """Facts of the record above, such as the village."""
        if entity.upper is None:
            return
        upper = self.program.entities[entity.upper]
        for decl in upper.facts.values():
            for word in _words(decl.name):
                yield word, f"{upper.name.id}.{decl.name.id}"
                yield f"{upper.name.zh}.{word}", f"{upper.name.id}.{decl.name.id}"
        if upper.called:
            yield from ((word, f"{upper.name.id}.{upper.called}") for word in _words(upper.name))

    # -- one heading

    def heading(self, path: str, text: str, above: str = "") -> Heading:
        """What a heading stands for in a table of a list; `above` is a unit of money said of the whole table."""
        known, bare = self.known(path), text.strip()
        column, unit = known.get(plain(bare)), ""
        if column is None and (match := _BRACKETS.search(bare)):
            bare, unit = bare[: match.start()], match[1].strip()
            column = known.get(plain(bare))
        if column is None:
            return self._member(path, text, above)
        factor, misfit = self._factor(path, column, unit, above)
        return Heading(text, column, factor, misfit)

    def _member(self, path: str, text: str, above: str) -> Heading:
        """A column of one member among several in the row of a household: 成员2姓名."""
        match = _MEMBER.fullmatch(text.translate(_WIDE).strip()) if not path else None
        for below in self.paths() if match else ():
            if (
                match
                and below
                and "." not in below
                and plain(match[1]) in map(plain, self.table_names(below))
            ):
                found = self.heading(below, match[3], above)
                if found.column and not found.column.startswith(("_", ROOT)):
                    return replace(found, text=text, path=below, number=int(match[2]))
        return Heading(text)

    def fact(self, path: str, column: str) -> ir.FactDecl | None:
        """The fact whose values a column holds."""
        entity = entity_at(self.program, path)
        if column.startswith(ROOT):
            return self.fact("", column[1:])
        name, _, inside = column.partition(".")
        if inside and name in self.program.entities:
            entity, name, inside = self.program.entities[name], inside, ""
        return None if inside else entity.facts.get(name)

    def _factor(self, path: str, column: str, unit: str, above: str) -> tuple[Fraction, str]:
        """How many of the fact's own unit one of a heading's unit is; and that unit, where it is not understood as one
        of the fact's.

        What is no unit at all is a remark, unless it speaks of 万元 or the like.
        """
        decl = self.fact(path, column)
        if decl is None or decl.type.kind != "number":
            return Fraction(1), ""
        for said in (unit, above if decl.type.money else ""):
            bare = _UNIT_MARK.sub("", said)
            many = 10_000 if bare.startswith("万") else 1000 if bare.startswith("千") else 1
            found = _unit(decl.type, bare[1:] if many > 1 else bare) if bare else None
            if found is not None:
                fits, size = found
                return (size * many, "") if fits else (Fraction(1), said)
            if many > 1 or (decl.type.money and _LARGER.search(bare)):
                return Fraction(1), said
        return Fraction(1), ""


def _unit(of: Type, unit: str) -> tuple[bool, Fraction] | None:
    """Whether a unit fits a type, and its size in the type's own unit; `None` for what is no unit."""
    own = Fraction(100) ** dict(of.dimension).get("元", 0)
    try:
        dimension, size = parse_unit(unit)
    except KeyError:
        return None
    simply = of.money and dimension == (("元", 1),)
    return dimension == of.dimension or simply, size / (100 if simply else own)


def numbers(name: ir.Name) -> list[str]:
    """What the number of a record may be headed."""
    zh, en = _NUMBER_WORDS
    one = name.id.removesuffix("s")
    return [*(name.zh + word for word in zh), *(one + word for word in en), *(name.id + word for word in en)]


def _words(name: ir.Name) -> Sequence[str]:
    return (name.zh, name.id, name.label("en"))


def _upwards(path: str) -> Iterator[str]:
    """The path and those of the lists that it lies in."""
    while path:
        yield path
        path = path.rpartition(".")[0]


# ---- where the headings stand ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Headed:
    """A table whose headings are found: the list that it is of, how many rows stand before its records, and the
    headings, column by column."""

    path: str
    after: int
    headings: tuple[Heading, ...]


def found_in(names: Names, rows: Sequence[Sequence[str]], named: bool, paths: Sequence[str]) -> Headed | None:
    """The row of headings among the first rows of a table, and which of some lists it is of: where most are known.

    Headings in two rows are those of the lower one, under groups in the upper. `named`: the first row has the names of
    columns, whatever they are.
    """
    best: tuple[tuple[int, ...], Headed] | None = None
    for order, path in enumerate(paths):
        for first in range(1 if named else len(rows)):
            for height in (1,) if named else (1, 2):
                above = _unit_above(rows[: first + height - 1])
                choices = _texts(rows[first : first + height])
                headings = _clear(names, [_best(names, path, texts, above) for texts in choices])
                columns = {heading.column for heading in headings} - {"", IGNORED}
                if not columns or ("." in path and not any(column.startswith(ABOVE) for column in columns)):
                    continue
                own = sum(not column.startswith(("_", ROOT)) for column in columns)
                rank = (own + len(columns) + 3 * (KEY in columns), -first, -height, -order)
                if best is None or rank > best[0]:
                    best = rank, Headed(path, 0 if named else first + height, tuple(headings))
    return best[1] if best else None


def _texts(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """What each column may be headed by, under one row of headings or two."""
    if len(rows) == 1:
        return [[text] for text in rows[0]]
    width = max(map(len, rows), default=0)
    upper, lower = ([*row, *[""] * (width - len(row))] for row in rows) if len(rows) == 2 else ([], [])
    return [
        [below + _unit_of_group(above, below), above + below, f"{above}.{below}"]
        if below.strip()
        else [above]
        for above, below in zip(upper, lower, strict=True)
    ]


def _unit_of_group(above: str, below: str) -> str:
    """The unit in brackets of a group of columns, for a column that says none of its own."""
    match = _BRACKETS.search(above.strip())
    return match[0] if match and "元" in match[1] and not _BRACKETS.search(below.strip()) else ""


def _unit_above(titles: Sequence[Sequence[str]]) -> str:
    """The unit of money that is said above a table: 单位：万元."""
    said = [match[1] for row in titles for text in row if (match := _ABOVE_TABLE.search(text))]
    parts = [part for one in said for part in re.split(r"[、，,；;。（()）\s]+", one)]
    return next((part for part in parts if _MONEY.fullmatch(part)), "")


def _best(names: Names, path: str, texts: Sequence[str], above: str) -> Heading:
    found = [names.heading(path, text, above) for text in texts]
    return next((heading for heading in found if heading.column), found[0])


def _clear(names: Names, headings: list[Heading]) -> list[Heading]:
    """A column that is headed as a number of anything is none of the household where another one is."""
    keys, exact = [h for h in headings if h.column == KEY], {plain(word) for word in names.key_names()}
    if len(keys) < 2 or not any(plain(h.text) in exact for h in keys):
        return headings
    return [
        replace(h, column=IGNORED) if h.column == KEY and plain(h.text) not in exact else h for h in headings
    ]
