"""A household as given → the records that generated code reads, as long as it is plainly written.

Plain is what can be read without a remark: the types themselves, dates as 2020-04-06, labels by either name. All the
rest, whatever is wrong included, is handed over, so that the passes that read households are the only ones to judge.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, NoReturn, TypeAlias

from policykit import ir
from policykit.datatypes import Type, parse_unit, widest
from policykit.diagnostics import shown
from policykit.engine.compiled.unknown import UNKNOWN, HandOver, Wrong
from policykit.facts import FACT_KEYS, ID_KEYS, LIST_KEYS, NOTE_KEYS, REF_KEYS, Case, Given, Instance, Listing
from policykit.values import NONE, Bounds, Month, Options, Value, exactly, month_of, simple

MOST_RECORDS = 2_000  # a household with more is read with the limits of all households
DEEPEST = 20
FIGURES = re.compile(r"(-?[0-9]{1,15}(?:\.[0-9]{1,2})?) ?([^0-9.,\s].{,8})?")
UNSAID = frozenset(("value", "值", "unknown", "未知"))
Reads: TypeAlias = Callable[[Any], Any]


def identifier(name: str) -> str:
    """A declared identifier as Python may write it."""
    plain = re.sub(r"\W", "_", name)
    return f"{plain}_" if keyword.iskeyword(plain) or plain in RECORD else plain


class Record(Instance):
    """One record. Generated classes name its facts and lists, each UNKNOWN until it is read.

    What the reference asks a record for, `facts` and `lists` by their identifiers, is filled in by `Reading.case`.
    """

    kind: ClassVar[str]
    memo: dict[str, Any]


RECORD = frozenset((*Instance.__slots__, "memo", "kind", "known"))


@dataclass(frozen=True, slots=True)
class Named:
    """A reference by name, until all records are read."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Dated:
    """The fact that makes a record of some kind known, and the day or month asked for."""

    fact: str
    on: Any

    def holds(self, record: Record) -> bool:
        day = getattr(record, self.fact)
        return day is not None and bool(day <= self.on)


@dataclass(frozen=True, slots=True)
class Table:
    """How one kind of record is read: what each key stands for, and how what stands there is read."""

    make: type[Record]
    keys: dict[str, str]
    places: dict[str, str]  # name → attribute
    facts: dict[str, Reads]
    decls: dict[str, ir.FactDecl | ir.ListDecl]
    lists: tuple[str, ...]  # of more than one record
    upper: str | None
    upper_keys: dict[str, str]
    dated: Dated | None
    ranges: Callable[[Any], None] | None


def refuse(raw: Any) -> NoReturn:
    raise HandOver("not plainly written")


# ---- plain values -------------------------------------------------------------------------------------------------------


def read_truth(raw: Any) -> bool:
    if raw is True or raw == "是":
        return True
    if raw is False or raw == "否":
        return False
    refuse(raw)


def read_text(raw: Any) -> str:
    if (
        type(raw) is not str
        or not raw
        or raw.strip() != raw
        or shown(raw, len(raw)) != raw
        or raw in ("无", "none")
    ):
        refuse(raw)
    return raw


def reads_number(of: Type, low: Any, high: Any) -> Reads:
    """Bare numbers, in the fact's own unit, money in yuan."""
    size = 100 ** dict(of.dimension).get("元", 0) if of.money else 1
    counted = not of.dimension or (len(of.dimension) == 1 and of.dimension[0][1] == 1)

    sizes: dict[str, Any] = {"": size, "元": size if of.money else None}

    def written(raw: str) -> Any:
        """A figure with its unit."""
        match = FIGURES.fullmatch(raw)
        if match is None:
            refuse(raw)
        unit = match[2] or ""
        if unit not in sizes:
            dimension, sizes[unit] = parse_unit(unit) if unit != "%" else ((), None)
            sizes[unit] = sizes[unit] if dimension == of.dimension else None
        if sizes[unit] is None:
            refuse(raw)
        return simple(Fraction(match[1]) * sizes[unit])

    def read(raw: Any) -> Any:
        number: Any
        if type(raw) is int:
            number = raw * size
        elif type(raw) is str:
            number = written(raw)
        elif type(raw) is Decimal or type(raw) is float:
            amount = Decimal(repr(raw) if type(raw) is float else raw)
            if (
                not amount.is_finite()
                or not -2 <= int(amount.as_tuple().exponent) <= 0
                or amount.adjusted() > 40
            ):
                refuse(raw)
            number = simple(Fraction(amount) * size)
        else:
            refuse(raw)
        if (type(number) is not int and (counted or of.money)) or not low <= number <= high:
            refuse(raw)
        return number

    return read if size == 100 or not of.money else refuse


def reads_date(low: Any, high: Any) -> Reads:
    def read(raw: Any) -> Any:
        day = raw
        if type(raw) is str and len(raw) == 10 and raw.isascii() and raw[4] == raw[7] == "-":
            day = date.fromisoformat(raw)
        elif not isinstance(raw, date) or isinstance(raw, datetime):
            refuse(raw)
        if not low <= day <= high:
            refuse(raw)
        return day

    return read


def reads_month(low: Any, high: Any) -> Reads:
    def read(raw: Any) -> Any:
        month = raw
        if type(raw) is str and len(raw) == 7 and raw.isascii() and raw[4] == "-":
            month = month_of(date.fromisoformat(f"{raw}-01"))
        elif type(raw) is not Month:
            refuse(raw)
        if not low <= month <= high:
            refuse(raw)
        return month

    return read


def reads_label(choice: ir.Choice) -> Reads:
    labels: dict[Any, str] = {}
    for option in choice.options:
        for name in (option.name.id, option.name.zh):
            labels.setdefault(name, option.name.id)

    def read(raw: Any) -> str:
        if type(raw) is not str or raw not in labels:
            refuse(raw)
        return labels[raw]

    return read


def reads_labels(choice: ir.Choice) -> Reads:
    one = reads_label(choice)

    def read(raw: Any) -> frozenset[str]:
        if type(raw) is not list:
            refuse(raw)
        return frozenset(map(one, raw))

    return read


def optional(read: Reads) -> Reads:
    def perhaps(raw: Any) -> Any:
        return None if type(raw) is str and raw in ("无", "none") else read(raw)

    return perhaps


def ends(program: ir.Program, decl: ir.FactDecl, on: date) -> tuple[Any, Any]:
    """The fixed range of a fact: as declared, else that of its type."""
    wide = widest(decl.type, frozenset())
    assert isinstance(wide, Bounds)
    found = [wide.lo, wide.hi]
    for number, end in enumerate((decl.low, decl.high)):
        if isinstance(end, ir.Today):
            found[number] = month_of(on) if end.type.kind == "month" else on
        elif isinstance(end, ir.Const):
            found[number] = end.value.value
    return found[0], found[1]


def reads_fact(program: ir.Program, decl: ir.FactDecl, on: date) -> Reads:
    """How a fact is read, with its paper or judgement where it is written with one or needs one."""
    of = decl.type
    if of.kind in ("record", "list") or (decl.name.id == "id_number" and of.kind == "text"):
        return refuse  # an identity number is looked at more closely
    if of.kind == "bool":
        read: Reads = read_truth
    elif of.kind == "number":
        read = reads_number(of, *ends(program, decl, on))
    elif of.kind == "date":
        read = reads_date(*ends(program, decl, on))
    elif of.kind == "month":
        read = reads_month(*ends(program, decl, on))
    elif of.kind == "choice":
        read = reads_label(program.choices[of.of])
    elif of.kind == "multi":
        read = reads_labels(program.choices[of.of])
    else:
        read = read_text
    read = optional(read) if of.optional else read
    paper, judge = decl.evidence is not None, decl.judgement is not None
    anyday = reads_date(date.min, date.max)

    def counts(value: Any, parts: Mapping[str, Any]) -> Any:
        absent = value is False or value is None or value == frozenset()
        if paper and not parts.get("source") and not absent:
            return UNKNOWN
        if judge and not (parts.get("by") and parts.get("reason") and parts.get("date")):
            return UNKNOWN
        return value

    def whole(raw: Any) -> Any:
        if type(raw) is not dict:
            value = read(raw)
            return counts(value, {}) if paper or judge else value
        parts: dict[str, Any] = {}
        for key, said in raw.items():
            part = FACT_KEYS.get(key)
            if part is None or part in parts:
                refuse(raw)
            if part in ("source", "by", "reason", "unknown") and said is not None:
                read_text(said)
            elif part == "date" and said is not None:
                anyday(said)
            parts[part] = said
        value = parts.get("value")
        if value is None or parts.get("unknown") is not None:
            return UNKNOWN if value is None else refuse(raw)
        return counts(read(value), parts)

    return whole


# ---- records ------------------------------------------------------------------------------------------------------------


class Reader:
    """Reads households of one program on one day; `classes` and `ranges` come from the generated code."""

    def __init__(
        self, program: ir.Program, on: date, classes: Mapping[str, type[Record]], ranges: Mapping[str, Any]
    ) -> None:
        self.program, self.on = program, on
        self.tables = {kind: self.table(kind, classes[kind], ranges.get(kind)) for kind in program.entities}
        self.levels = program.described
        self.heads = {kind: list(heads(program, kind)) for kind in program.entities}

    def table(self, kind: str, make: type[Record], ranges: Any) -> Table:
        entity, program = self.program.entities[kind], self.program
        decls: dict[str, ir.FactDecl | ir.ListDecl] = {**entity.facts, **entity.lists}
        keys = dict(ID_KEYS) | {key: d.name.id for d in decls.values() for key in (d.name.zh, d.name.id)}
        upper = program.entities[entity.upper].name if entity.upper is not None else None
        dated = None
        if entity.known_from is not None:
            months = entity.facts[entity.known_from].type.kind == "month"
            dated = Dated(identifier(entity.known_from), month_of(self.on) if months else self.on)
        facts = {name: reads_fact(program, decl, self.on) for name, decl in entity.facts.items()}
        upper_keys = {} if upper is None else {upper.id: upper.id, upper.zh: upper.id}
        places = {name: identifier(name) for name in decls}
        lists = tuple(name for name, decl in entity.lists.items() if not decl.single)
        return Table(
            make, keys, places, facts, decls, lists, entity.upper, {**upper_keys, **keys}, dated, ranges
        )

    def read(self, raw: dict[str, Any]) -> Reading:
        """The records of a household."""
        kind = self.levels[0]
        if len(self.levels) > 1:
            named = {k: len(raw.keys() & (self.tables[k].keys.keys() - ID_KEYS.keys())) for k in self.levels}
            kind = max(reversed(self.levels), key=lambda k: named[k])
        reading = Reading(self, kind)
        reading.household(raw)
        return reading


class Reading:
    """One household being read."""

    def __init__(self, reader: Reader, root: str) -> None:
        self.reader, self.root = reader, root
        self.count = 0
        self.subjects: list[Record] = []
        self.all: list[Record] = []
        self.named: dict[tuple[str, str], list[Record]] = {}
        self.later: list[tuple[Record, str]] = []
        self.partial: dict[tuple[Record, str], tuple[Any, ...]] = {}  # lists not checked to the end
        self.undated: dict[tuple[Record, str], tuple[Any, ...]] = {}  # lists before the day left anything out
        self.unsure: list[Record] = []  # whose ranges hang on what nobody gave
        self.causes = False  # whether a gap has a cause, which is told by the passes that read households

    def household(self, raw: dict[str, Any]) -> None:
        self.record(self.root, self.root, raw, None, 0, subject=True)
        if self.later:
            self.call_members()
            for owner, name in self.later:
                self.settle(owner, name)
        self.one_head()
        for one in self.all:
            table = self.reader.tables[one.kind]
            for name in table.lists:
                decl = table.decls[name]
                assert isinstance(decl, ir.ListDecl)
                self.dated(one, table.places[name], self.reader.tables[decl.item].dated)
            if table.ranges is not None:
                try:
                    table.ranges(one)
                except Wrong:
                    raise
                except Exception:
                    self.unsure.append(one)

    def case(self) -> Case:
        """The same records as the reference engine asks for them, every list whole; facts it is given one by one."""
        index: dict[str, Instance] = {}
        for one in self.all:
            index[one.path] = one
            table = self.reader.tables[one.kind]
            for name in table.lists:
                place = table.places[name]
                there = getattr(one, place)
                if (one, place) in self.partial:
                    one.lists[name] = Listing(self.partial[one, place], False)
                elif there is not UNKNOWN or (one, place) in self.undated:
                    one.lists[name] = Listing(self.undated.get((one, place), there), True)
        return Case(self.all[0], tuple(self.subjects), index, (), "")

    def fill(self, records: Iterable[Record]) -> None:
        """Puts the facts of records where passes look that ask for all of them."""
        for one in records:
            table = self.reader.tables[one.kind]
            for name, decl in table.decls.items():
                there = getattr(one, table.places[name])
                if there is not UNKNOWN and name not in table.lists:
                    one.facts[name] = Given(formed(decl, there))

    def record(
        self, kind: str, path: str, raw: Any, upper: Record | None, depth: int, subject: bool = False
    ) -> Record:
        table = self.reader.tables[kind]
        self.count += 1
        if type(raw) is not dict or self.count > MOST_RECORDS or depth > DEEPEST:
            raise HandOver("not plainly written")
        one = table.make(kind, path, upper)
        one.memo = {}
        self.all.append(one)
        if subject:
            self.subjects.append(one)
        outside = table.upper if upper is None else None
        keys = table.keys if outside is None else table.upper_keys
        seen: set[str] = set()
        for key, value in raw.items():
            name = keys.get(key)
            if name is None:
                if (
                    type(key) is not str
                    or not (key.startswith("_") or key in NOTE_KEYS)
                    or type(value) is not str
                ):
                    raise HandOver("unknown key")
                continue
            if name in seen:
                raise HandOver("given twice")
            seen.add(name)
            if value is None:
                continue
            if name in table.facts:
                there = table.facts[name](value)
            elif name in table.decls:
                decl = table.decls[name]
                assert isinstance(decl, ir.ListDecl)
                there = self.listed(one, decl, value, depth, subject)
            else:
                if name == "id":
                    self.number(one, value)
                continue
            setattr(one, table.places[name], there)
            self.causes |= there is UNKNOWN
        if outside is not None:
            given = next((raw[key] for key in raw if keys.get(key) == outside), None)
            if type(given) is dict and UNSAID & given.keys():
                raise HandOver("not described")
            one.upper = self.record(
                outside, f"{path}.{outside}", {} if given is None else given, None, depth + 1
            )
        if one.upper is not None:
            setattr(one, f"in_{identifier(one.upper.entity)}", one.upper)
        return one

    def below(self, owner: Record, name: str) -> str:
        return name if owner.path == self.root else f"{owner.path}.{name}"

    def listed(self, owner: Record, decl: ir.ListDecl, raw: Any, depth: int, subject: bool) -> Any:
        """A list of records, complete as it stands, or the one record of a single reference."""
        path = self.below(owner, decl.name.id)
        if decl.single:
            if decl.optional and type(raw) is str and raw in ("无", "none"):
                return None
            found = self.reference(owner, decl, path, raw, depth)
            if isinstance(found, Named):
                self.later.append((owner, identifier(decl.name.id)))
            return found
        complete = True
        if type(raw) is dict:
            raw, complete = self.checked(raw)
        if type(raw) is not list or len(raw) > decl.most or (complete and len(raw) < decl.least):
            raise HandOver("not a plain list")
        items: list[Any] = []
        for number, item in enumerate(raw):
            at = f"{path}[{number}]"
            if decl.kind == "refers":
                items.append(self.reference(owner, decl, at, item, depth))
            else:
                inside = owner if decl.kind == "members" else None
                member = subject and inside is not None
                items.append(self.record(decl.item, at, item, inside, depth + 1, member))
        place = identifier(decl.name.id)
        if any(isinstance(item, Named) for item in items):
            self.later.append((owner, place))
        if complete:
            return tuple(items)
        self.partial[owner, place] = tuple(items)
        return UNKNOWN

    @staticmethod
    def checked(raw: dict[Any, Any]) -> tuple[Any, bool]:
        """The elements of a list that says of itself whether it was checked to the end."""
        parts: dict[str, Any] = {}
        for key, said in raw.items():
            part = LIST_KEYS.get(key)
            if part is None or part in parts or said is None:
                refuse(raw)
            parts[part] = said
        for part in ("cause", "unknown"):
            if part in parts:
                read_text(parts[part])
        complete = read_truth(parts.get("complete", True)) and "unknown" not in parts
        return parts.get("items", None if complete else []), complete

    def reference(self, owner: Record, decl: ir.ListDecl, path: str, raw: Any, depth: int) -> Any:
        if type(raw) is dict:
            keys = self.reader.tables[decl.item].upper_keys.keys()
            extra = raw.keys() - keys
            if not extra & (REF_KEYS.keys() | UNSAID):
                return self.record(decl.item, path, raw, None, depth + 1)
            if len(raw) == 1 and extra <= REF_KEYS.keys():
                (raw,) = raw.values()
            elif decl.single and extra == raw.keys() and extra <= {"unknown", "未知"} and len(raw) == 1:
                read_text(next(iter(raw.values())))
                return UNKNOWN
            else:
                raise HandOver("not described")
        return Named(decl.item, str(raw) if type(raw) is int else read_text(raw))

    # -- names

    def number(self, record: Record, raw: Any) -> None:
        text = str(raw) if type(raw) is int else read_text(raw)
        same = self.named.setdefault((record.kind, text), [])
        if same:
            raise HandOver("one number twice")
        same.append(record)
        record.memo["id"] = text

    def call_members(self) -> None:
        for member in self.subjects:
            fact = self.reader.program.entities[member.kind].called
            called = getattr(member, identifier(fact)) if fact else None
            if type(called) is str:
                same = self.named.setdefault((member.kind, called), [])
                if not any(one.memo.get("id") == called for one in same):
                    same.append(member)

    def settle(self, owner: Record, name: str) -> None:
        """Puts the records that references name in their place."""
        there = self.partial.get((owner, name), getattr(owner, name))
        found = tuple(self.found(one) for one in (there if type(there) is tuple else (there,)))
        if len(set(found)) < len(found):
            raise HandOver("one record twice")
        if (owner, name) in self.partial:
            self.partial[owner, name] = found
        else:
            setattr(owner, name, found if type(there) is tuple else found[0])

    def found(self, one: Record | Named) -> Record:
        if not isinstance(one, Named):
            return one
        same = self.named.get((one.kind, one.text), [])
        if len(same) != 1:
            raise HandOver("nobody of that name")
        return same[0]

    # -- what must hold of the whole

    def dated(self, record: Record, name: str, dated: Dated | None) -> None:
        """Leaves in a list what was known by the day; the list is unknown where that is."""
        items = getattr(record, name)
        if dated is None or items is UNKNOWN:
            return
        self.undated[record, name] = items
        try:
            setattr(record, name, tuple(filter(dated.holds, items)))
        except HandOver:
            setattr(record, name, UNKNOWN)

    def one_head(self) -> None:
        seen = set()
        for record in self.subjects:
            for name, label in self.reader.heads[record.kind]:
                found = getattr(record, name)
                if found is not UNKNOWN and found == label:
                    key = (id(record.upper), name, label)
                    if key in seen:
                        raise HandOver("two heads")
                    seen.add(key)


def formed(decl: ir.FactDecl | ir.ListDecl, plain: Any) -> Value:
    """A plain value as what is known of it."""
    if isinstance(decl, ir.ListDecl):
        return Options(frozenset([plain]))
    if plain is None:
        return NONE if decl.type.ordered or decl.type.kind == "text" else Options(frozenset([None]))
    return exactly(plain)


def heads(program: ir.Program, kind: str) -> Iterable[tuple[str, str]]:
    """The labels that one member of a household only can have."""
    for name, decl in program.entities[kind].facts.items():
        choice = program.choices.get(decl.type.of) if name.startswith("relation_to_") else None
        for option in choice.options if choice else ():
            if name == f"relation_to_{option.name.id}" or option.name.zh in ("本人", "户主"):
                yield identifier(name), option.name.id


def copied(raw: Any) -> Any:
    """The same data apart, so that what the caller changes later changes no explanation."""
    if type(raw) is dict:
        return {key: copied(value) for key, value in raw.items()}
    if type(raw) is list:
        return [copied(value) for value in raw]
    return raw
