"""Household data → typed records: each field as given, or every fault found in it with its place.

A household is a mapping as JSON or YAML give it, its keys identifiers or Chinese labels. What can be read in one way
only is read, and noted where it was not written plainly; nothing is repaired silently, nothing is filled in. Limits
are checked before work is done.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, TypeAlias

from policykit import ir
from policykit.datatypes import BOOL, DATE, TEXT, Type, parse_unit, show_dimension, widest
from policykit.diagnostics import (
    Diagnostic,
    Language,
    PolicyError,
    data_fault,
    data_word,
    did_you_mean,
    shown,
)
from policykit.facts import (
    FACT_KEYS,
    ID_KEYS,
    LIST_KEYS,
    MAX_DEPTH,
    MAX_FAULTS,
    MAX_RECORDS,
    MAX_VALUES,
    NOTE_KEYS,
    REF_KEYS,
    Case,
    Given,
    Instance,
    Keys,
    Listing,
)
from policykit.values import NONE, Bounds, Month, Number, Options, Value, exactly, month_of, simple

Parts: TypeAlias = dict[str, tuple[str, Any]]

TRUTHS = dict.fromkeys(("是", "有", "√", "yes"), True) | dict.fromkeys(("否", "无", "×", "no"), False)

_WIDE = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: " "}
_NUMBER = re.compile(r"(-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,40})(?:\.[0-9]{1,40})?) ?([^0-9.,\s].*)?")
_CALENDAR = re.compile(r"([0-9]{4})([-./年])([0-9]{1,2})(?:([-./月])([0-9]{1,2})(日?)|(月?))")
_MARKS = {"date": {"--", "..", "//", "年月日"}, "month": {"-", ".", "/", "年月"}}
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, MOD 11-2


def read_case(program: ir.Program, household: Mapping[str, Any], on: date, language: Language = "zh") -> Case:
    """The records of one household, as the rules declare them, on a day.

    Raises `PolicyError` with everything found when anything of it is wrong; it raises nothing else.
    """
    return _Reader(program, on, language).case(household)


def read_fact(program: ir.Program, decl: ir.FactDecl, raw: Any, on: date) -> Value:
    """One bare value of a fact as `read_case` reads it; raises `PolicyError` where that refuses it."""
    reader = _Reader(program, on, "zh")
    value: Value | None = reader.attempt("", reader.value, decl, "", "", raw)
    if value is None or reader.faults:
        raise PolicyError(reader.diagnostics)
    return value


def range_of(decl: ir.FactDecl, on: date) -> list[Any]:
    """The range of a fact: its fixed ends, else those of its type. Ends that read other facts are no matter here."""
    wide = widest(decl.type, frozenset())
    assert isinstance(wide, Bounds)
    today = month_of(on) if decl.type.kind == "month" else on
    return [
        today if isinstance(end, ir.Today) else end.value.value if isinstance(end, ir.Const) else widest_end
        for end, widest_end in ((decl.low, wide.lo), (decl.high, wide.hi))
    ]


# ---- records ------------------------------------------------------------------------------------------------------------


class _Bad(Exception):
    """A value that is refused, with the code and the fields of its diagnostic."""

    def __init__(self, code: str, **fields: str) -> None:
        self.code, self.fields = code, fields


@dataclass(frozen=True, slots=True)
class _Name:
    """A reference by name; its record may come later in the data."""

    entity: str
    text: str


class _Reader:
    def __init__(self, program: ir.Program, on: date, language: Language) -> None:
        self.program, self.on, self.language = program, on, language
        self.root = program.root
        self.say = partial(data_word, language)
        self.diagnostics: list[Diagnostic] = []
        self.faults = 0
        self.index: dict[str, Instance] = {}
        self.subjects: dict[Instance, None] = {}  # in order
        self.named: dict[tuple[str, str], list[Instance]] = {}
        self.written: dict[tuple[str, str], str] = {}  # (path, fact) → where it stands, as written
        self.later: list[Callable[[], None]] = []
        self.plain: dict[str, Callable[[Type, str, Any], Any]] = {
            "bool": self.truth, "number": self.number, "date": self.calendar, "month": self.calendar,
            "text": self.text, "choice": self.label, "multi": self.labels,
        }  # fmt: skip

    def report(self, code: str, where: str, **fields: str) -> None:
        found = data_fault(self.language, code, where, **fields)
        self.diagnostics.append(found)
        self.faults += found.severity == "error"
        if self.faults >= MAX_FAULTS:
            raise PolicyError(self.diagnostics)

    def stop(self, code: str, where: str, **fields: str) -> PolicyError:
        self.report(code, where, **fields)
        return PolicyError(self.diagnostics)

    def noted(self, where: str, raw: Any, value: str) -> None:
        self.report("R005", where, found=shown(raw), value=value)

    def attempt(self, where: str, read: Callable[..., Any], *args: Any) -> Any:
        """What `read` gives, or `None` with a report when it refuses."""
        try:
            return read(*args)
        except _Bad as bad:
            self.report(bad.code, where, **bad.fields)
            return None

    def wrong(self, of: Type, raw: Any, hint: str = "") -> _Bad:
        """A value of this type was expected."""
        label = show_dimension(of.dimension, self.language) or "个"
        if of.of:
            choice = of.kind in ("choice", "multi")
            named: ir.Choice | ir.Entity = (self.program.choices if choice else self.program.entities)[of.of]
            label = named.name.label(self.language)
        wanted = self.say("money" if of.money else of.kind, label)
        return _Bad("R002", wanted=wanted, found=shown(raw), hint=self.say(hint, label) if hint else "")

    # -- the household

    def case(self, household: Any) -> Case:
        if self.program.root not in self.program.entities:
            raise self.stop("R012", self.program.root, why=self.say("rootless"))
        self.root = root = self.described_entity(household)
        label = self.program.entities[root].name.label(self.language)
        if not isinstance(household, Mapping):
            raise self.stop("R002", label, **self.wrong(Type("record", root), household).fields)
        self.limits(household, label)
        record = self.record(root, root, "", household)
        for member in self.subjects:
            self.called(member)
        for settle in self.later:
            settle()
        self.identities()
        if self.faults:
            raise PolicyError(self.diagnostics)
        text = json.dumps(_canonical(household), sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Case(record, tuple(self.subjects), self.index, tuple(self.diagnostics), digest)

    def described_entity(self, raw: Any) -> str:
        """What the input describes: the uppermost entity to which something is granted, or one that it lies in,
        such as the village of a household, where more of the keys are names of that.

        A level above it that is not in the input is not evaluated.
        """
        levels = self.program.described
        keys = set(raw) if isinstance(raw, Mapping) else set()
        named = {level: self.names(self.program.entities[level], False) for level in levels}
        return max(reversed(levels), key=lambda level: len(keys & named[level].keys() - ID_KEYS.keys()))

    def limits(self, household: Mapping[Any, Any], label: str) -> None:
        """Refuses what is too large or too deep, before any of it is read."""
        records = values = 0
        todo: list[tuple[str, Any, int]] = [("", household, 1)]
        while todo:
            where, value, depth = todo.pop()
            if depth > MAX_DEPTH:
                raise self.stop("R015", where, limit=str(MAX_DEPTH))
            values += len(value)
            records += 0 if isinstance(value, Mapping) else len(value)
            if records > MAX_RECORDS or values > MAX_VALUES:
                limit = MAX_RECORDS if records > MAX_RECORDS else MAX_VALUES
                count = str(len(value)) if len(value) > limit else f"{limit:,}+"
                place = where if where and len(value) > limit else label
                raise self.stop("L003", place, path=place, count=count, limit=f"{limit:,}")
            for place, one in _entries(value, where):
                if isinstance(one, Mapping | list | tuple):
                    todo.append((place, one, depth + 1))

    # -- records

    def names(self, entity: ir.Entity, outside: bool) -> Keys:
        """What each key of a record stands for: its facts, its lists, its 编号, and what an outside one lies in."""
        upper = [self.program.entities[entity.upper].name] if outside and entity.upper is not None else []
        own = [decl.name for decl in entity.facts.values()] + [decl.name for decl in entity.lists.values()]
        return {**ID_KEYS, **{key: name.id for name in upper + own for key in (name.zh, name.id)}}

    def keyed(self, raw: Mapping[Any, Any], names: Keys, where: str) -> Parts:
        """The entries of a mapping by what their keys stand for, each with its place as written."""
        found: Parts = {}
        for key, (place, value) in zip(raw, _entries(raw, where), strict=True):
            ident = names.get(key)
            if ident is not None and ident in found:
                self.report("R013", place, first=found[ident][0], second=place)
            elif ident is not None:
                found[ident] = (place, value)
            elif not (isinstance(key, str) and (key.startswith("_") or key in NOTE_KEYS)):
                hint = did_you_mean(shown(key), names, self.language)
                self.report("R001", place, name=shown(key), hint=hint)
        return found

    def record(
        self, kind: str, path: str, where: str, raw: Mapping[Any, Any], upper: Instance | None = None
    ) -> Instance:
        """One record. One that is no member here brings the record it lies in, or lies in an unknown one."""
        entity = self.program.entities[kind]
        instance = self.index[path] = Instance(kind, path, upper)
        if path == self.root or upper in self.subjects:
            self.subjects[instance] = None
        outside = entity.upper if upper is None else None
        parts = self.keyed(raw, self.names(entity, outside is not None), where)
        for ident, (place, value) in parts.items():
            if value is None:
                continue
            if ident in entity.facts:
                self.fact(instance, entity.facts[ident], place, value)
            elif ident in entity.lists and entity.lists[ident].single:
                self.fact(instance, _as_fact(entity.lists[ident]), place, value)
            elif ident in entity.lists:
                self.attempt(place, self.listing, instance, entity.lists[ident], place, value)
            elif ident != outside:
                self.attempt(place, self.numbered, instance, place, value)
        if outside is not None:
            place, value = parts.get(outside, (f"{where}.{outside}", None))
            given = {} if value is None else self.attempt(place, self.described, outside, value) or {}
            instance.upper = self.record(outside, f"{path}.{outside}", place, given)
        return instance

    def described(self, kind: str, raw: Any) -> Mapping[Any, Any]:
        if not isinstance(raw, Mapping):
            raise self.wrong(Type("record", kind), raw)
        return {} if {"unknown", "未知"} & raw.keys() else raw

    def numbered(self, record: Instance, where: str, raw: Any) -> None:
        """Gives a record the 编号 by which references and rulings name it."""
        number = self.text(TEXT, where, shown(raw) if type(raw) is int else raw)
        record.facts["id"], self.written[record.path, "id"] = Given(exactly(number)), where
        same = self.named.setdefault((record.entity, number), [])
        if same:
            raise _Bad("R010", name=number, first=self.written[same[0].path, "id"], second=where)
        same.append(record)

    def called(self, member: Instance) -> None:
        """Lets references name a member by what it is called, unless that is the 编号 of another."""
        called = member.known(self.called_by(member))
        if isinstance(called, str):
            same = self.named.setdefault((member.entity, called), [])
            if not any(one.known("id") == called for one in same):
                same.append(member)

    def listing(self, owner: Instance, decl: ir.ListDecl, where: str, raw: Any) -> None:
        items, complete, cause = raw, True, ""
        if isinstance(raw, Mapping) and LIST_KEYS.keys() & raw.keys():
            parts = self.keyed(raw, LIST_KEYS, where)
            complete = self.detail(parts, "complete", BOOL) is not False and "unknown" not in parts
            said = [self.detail(parts, key, TEXT) for key in ("cause", "unknown")]
            cause = said[0] or said[1] or self.say("unchecked")
            where, items = parts.get("items", (where, None if complete else []))
        if not isinstance(items, list | tuple):
            raise self.wrong(Type("list", decl.item), items, "empty")
        if len(items) > decl.most:
            raise _Bad("L003", path=where, count=str(len(items)), limit=str(decl.most))
        if complete and len(items) < decl.least:
            code = "R003" if items or decl.kind != "members" else "R008"
            raise _Bad(code, found=str(len(items)), low=str(decl.least), high=str(decl.most))
        found = []
        for number, (place, item) in enumerate(_entries(items, where)):
            path = f"{self.below(owner, decl.name.id)}[{number}]"
            one = self.attempt(place, self.element, owner, decl, path, place, item)
            found += [] if one is None else [(place, one)]
        records = tuple(one for _, one in found if isinstance(one, Instance))
        owner.lists[decl.name.id] = Listing(records, complete, "" if complete else cause)
        if len(records) < len(found):
            self.later.append(partial(self.settle, owner, decl.name.id, found))

    def element(self, owner: Instance, decl: ir.ListDecl, path: str, where: str, raw: Any) -> Any:
        if decl.kind == "refers":
            return self.reference(decl.item, path, where, raw)
        if not isinstance(raw, Mapping):
            raise self.wrong(Type("record", decl.item), raw)
        return self.record(decl.item, path, where, raw, owner if decl.kind == "members" else None)

    def below(self, owner: Instance, ident: str) -> str:
        """Where a list or reference of a record stands; what the root holds needs no prefix."""
        return ident if owner.path == self.root else f"{owner.path}.{ident}"

    def reference(self, kind: str, path: str, where: str, raw: Any) -> Instance | _Name:
        """A record of this household, by its 编号 or what it is called, or the description of another."""
        if isinstance(raw, Mapping):
            own = self.names(self.program.entities[kind], outside=True)
            if not REF_KEYS.keys() & (raw.keys() - own.keys()):
                return self.record(kind, path, where, raw)
            where, raw = self.keyed(raw, REF_KEYS, where)["ref"]
        if type(raw) is not int and not isinstance(raw, str):
            raise self.wrong(Type("record", kind), raw, "refer")
        return _Name(kind, self.text(TEXT, where, raw if isinstance(raw, str) else shown(raw)))

    def settle(self, owner: Instance, ident: str, found: list[tuple[str, Any]]) -> None:
        """Puts the records that references name into their list or fact, once all records are read."""
        places: dict[Instance, str] = {}
        for where, one in found:
            records = self.named.get((one.entity, one.text), []) if isinstance(one, _Name) else [one]
            if len(records) != 1:
                code = "R016" if records else "R011"
                self.report(code, where, name=shown(one.text), count=str(len(records)))
            elif records[0] in places:
                self.report("R010", where, name=records[0].path, first=places[records[0]], second=where)
            else:
                places[records[0]] = where
        if ident in owner.lists:
            owner.lists[ident] = replace(owner.lists[ident], items=tuple(places))
        else:
            owner.facts[ident] = replace(owner.facts[ident], value=Options(frozenset(places)))

    # -- facts

    def fact(self, record: Instance, decl: ir.FactDecl, where: str, raw: Any) -> None:
        """One fact, bare or with its paper; it counts only with the paper or the judgement that it needs."""
        ident, parts = decl.name.id, {"value": (where, raw)}
        if isinstance(raw, Mapping) and not self.describes(decl.type, raw):
            parts = self.keyed(raw, FACT_KEYS, where)
        said = [self.detail(parts, key, TEXT) or "" for key in ("source", "by", "reason", "unknown")]
        paper, by, reason, cause = said
        day = self.detail(parts, "date", DATE)
        where, raw = parts.get("value", (where, None))
        if raw is not None and "unknown" in parts:
            self.report("R013", where, first=where, second=parts["unknown"][0])
        value: Value | None = None
        if raw is not None:
            value = self.attempt(where, self.value, decl, self.below(record, ident), where, raw)
        if value is not None:
            cause = self.unproved(decl, value, paper, bool(by and reason and day))
        if value is not None and not cause and isinstance(value.value, _Name):
            self.later.append(partial(self.settle, record, ident, [(where, value.value)]))
        record.facts[ident] = Given(None if cause else value, paper, day, by, cause)
        self.written[record.path, ident] = where

    def describes(self, of: Type, raw: Mapping[Any, Any]) -> bool:
        """Whether an object is the record itself and not a value with its paper."""
        if of.kind != "record":
            return False
        own = self.names(self.program.entities[of.of], outside=True)
        return not (raw.keys() - own.keys()) & {"value", "值", "unknown", "未知"}

    def detail(self, parts: Parts, key: str, of: Type) -> Any:
        """What else is said of a value or list, or `None`."""
        where, raw = parts.get(key, ("", None))
        return None if raw is None else self.attempt(where, self.plain[of.kind], of, where, raw)

    def unproved(self, decl: ir.FactDecl, value: Value, paper: str, signed: bool) -> str:
        """Why a value does not count: its paper is missing, or nobody signed for it."""
        absent = value.value is False or value.value in (None, frozenset())
        if decl.evidence is not None and not paper and not absent:
            return self.say("paper", decl.evidence or self.say("any_paper"))
        if decl.judgement is not None and not signed:
            return self.say("judge", decl.judgement or self.say("any_judge"))
        return ""

    def value(self, decl: ir.FactDecl, path: str, where: str, raw: Any) -> Value:
        of, numbered = decl.type, decl.name.id == "id_number" and decl.type.kind == "text"
        if isinstance(raw, str) and of.kind != "bool" and raw.strip() in ("无", "none"):
            if of.optional:
                return NONE if of.ordered or of.kind == "text" else Options(frozenset([None]))
            if of.kind != "choice" and not numbered:
                raise self.wrong(of, raw, "empty" if of.kind == "multi" else "never_none")
        if of.kind == "record":
            return exactly(self.reference(of.of, path, where, raw))
        plain = (self.id_number if numbered else self.plain[of.kind])(of, where, raw)
        if of.ordered:
            low, high = range_of(decl, self.on)
            if not low <= plain <= high:
                found, low, high = (_plainly(of, one, self.language) for one in (plain, low, high))
                raise _Bad("R003", found=found, low=low, high=high)
        return exactly(plain)

    # -- plain values

    def truth(self, of: Type, where: str, raw: Any) -> bool:
        if isinstance(raw, bool):
            return raw
        word = raw.strip().lower() if isinstance(raw, str) else ""
        if word not in TRUTHS:
            raise self.wrong(of, raw)
        if word not in ("是", "否"):
            self.noted(where, raw, self.say("yes" if TRUTHS[word] else "no"))
        return TRUTHS[word]

    def text(self, of: Type, where: str, raw: Any) -> str:
        if not isinstance(raw, str):
            raise self.wrong(of, raw, "quotes")
        text = raw.strip()
        if not text or shown(text, len(text)) != text:
            raise self.wrong(of, raw, "unseen" if text else "blank")
        return text

    def number(self, of: Type, where: str, raw: Any) -> Number:
        """In base units, money in fen. A bare number is in the fact's own unit, money in yuan."""
        amount, unit = raw, ""
        if isinstance(raw, str):
            match = _NUMBER.fullmatch(raw.translate(_WIDE).strip())
            if match is None:
                raise self.wrong(of, raw)
            amount, unit = Decimal(match[1].replace(",", "")), match[2] or ""
        elif isinstance(raw, int | float) and not isinstance(raw, bool):
            amount = Decimal(repr(raw) if isinstance(raw, float) else raw)
        if not isinstance(amount, Decimal) or not amount.is_finite():
            raise self.wrong(of, raw)
        size, decimals = _size(of, unit), -int(amount.as_tuple().exponent)
        if (
            size is None
            or decimals > (2 if of.money or isinstance(raw, float) else 40)
            or amount.adjusted() > 40
        ):
            raise self.wrong(of, raw)
        number = Fraction(amount) * size
        counted = unit != "%" and (not of.dimension or (len(of.dimension) == 1 and of.dimension[0][1] == 1))
        if number.denominator != 1 and (counted or of.money):
            raise self.wrong(of, raw, "" if of.money else "whole")
        if isinstance(raw, str) and raw.strip() != f"{amount:f}":
            self.noted(where, raw, f"{amount:f}{unit}")
        return simple(number)

    def calendar(self, of: Type, where: str, raw: Any) -> Any:
        """A date or a month; the marks between its figures must belong together."""
        day_itself = isinstance(raw, date) and not isinstance(raw, datetime)
        if day_itself if of.kind == "date" else isinstance(raw, Month):
            return raw
        text = raw.translate(_WIDE).strip() if isinstance(raw, str) else shown(raw)
        match = _CALENDAR.fullmatch(text) if isinstance(raw, str) else None
        marks = [mark or "" for mark in match.group(2, 4, 6, 7)] if match else []
        try:
            if match is None or "".join(marks) not in _MARKS[of.kind]:
                raise ValueError
            day = date(int(match[1]), int(match[3]), int(match[5] or 1))
        except ValueError:
            raise self.wrong(of, raw, "serial" if re.fullmatch(r"[0-9]{5}(\.0*)?", text) else "ten" * (of.kind == "month" and isinstance(raw, float))) from None  # fmt: skip
        found = day if of.kind == "date" else month_of(day)
        if raw.strip() != str(found):
            self.noted(where, raw, str(found))
        return found

    def label(self, of: Type, where: str, raw: Any) -> str:
        """The identifier of a label, given by either name or by its official code."""
        if type(raw) is not int and not isinstance(raw, str):
            raise self.wrong(of, raw)
        choice, text = self.program.choices[of.of], shown(raw).translate(_WIDE).strip()
        for option in choice.options:
            if (raw.strip() if isinstance(raw, str) else raw) in (option.name.id, option.name.zh):
                return option.name.id
        for option in choice.options:
            if text == str(option.code):
                self.noted(where, raw, option.name.label(self.language))
                return option.name.id
        known = [name for option in choice.options for name in (option.name.zh, option.name.id)]
        listed = ("、" if self.language == "zh" else ", ").join(known[self.language == "en" :: 2])
        name, hint = choice.name.label(self.language), did_you_mean(text, known, self.language)
        raise _Bad("R004", found=shown(raw), choice=name, labels=listed, hint=hint)

    def labels(self, of: Type, where: str, raw: Any) -> frozenset[str]:
        if not isinstance(raw, list | tuple):
            raise self.wrong(of, raw, "empty")
        found = [self.attempt(place, self.label, of, place, one) for place, one in _entries(raw, where)]
        return frozenset(one for one in found if one is not None)

    def id_number(self, of: Type, where: str, raw: Any) -> str:
        """A 公民身份号码 by GB 11643, an old one of 15 digits, or 无 for somebody who has none yet."""
        text = self.text(of, where, shown(raw) if type(raw) in (int, float, Decimal) else raw)
        text = text.translate(_WIDE).replace(" ", "").upper()
        if not isinstance(raw, str) or not re.fullmatch(r"[0-9]{17}[0-9X]|[0-9]{15}|无", text):
            raise _Bad("R006", found=shown(raw))
        if len(text) == 18:
            total = sum(weight * int(figure) for weight, figure in zip(_ID_WEIGHTS, text, strict=False))
            if text[17] != "10X98765432"[total % 11] or _birth_date(text) is None:
                # a sheet keeps 15 digits of a number, the rest become 0
                raise _Bad("R006" if text.endswith("000") else "R014", found=shown(raw))
        if len(text) < 18 or text != raw.strip():
            odd = {15: "old_id", 1: "no_id"}.get(len(text))
            self.noted(where, raw, self.say(odd) if odd else text)
        return text

    # -- identity

    def identities(self) -> None:
        """What contradicts itself: an id and a birth date, one person at two places, two heads."""
        seen: dict[str, str] = {}
        for record in (*self.subjects, *(one for one in self.index.values() if one not in self.subjects)):
            number, typed = record.known("id_number"), record.known("birth_date")
            if not isinstance(number, str) or number == "无":
                continue
            where, inside = self.written[record.path, "id_number"], _birth_date(number)
            if number in seen:
                self.report("R010", where, name=number, first=seen[number], second=where)
            elif record in self.subjects:
                seen[number] = where
            if inside is not None and isinstance(typed, date) and inside != typed:
                self.report("R007", where, inside=str(inside), typed=str(typed))
        heads: dict[tuple[Instance | None, str, ir.Option], list[Instance]] = {}
        for record in self.subjects:
            for name, option in sole_labels(self.program, record.entity):
                if record.known(name) == option.name.id:
                    heads.setdefault((record.upper, name, option), []).append(record)
        for (_, name, option), found in heads.items():
            if len(found) > 1:
                called = [str(one.known(self.called_by(one)) or one.path) for one in found]
                fields = {"count": str(len(found)), "role": option.name.label(self.language)}
                self.report("R009", self.written[found[1].path, name], names="、".join(called), **fields)

    def called_by(self, record: Instance) -> str:
        """The fact that a record is called by; may be empty."""
        return self.program.entities[record.entity].called or ""


# ---- small change -------------------------------------------------------------------------------------------------------


def sole_labels(program: ir.Program, entity: str) -> Iterator[tuple[str, ir.Option]]:
    """The labels that one member only can have. A relation to somebody has one for that very person: `head` of
    `relation_to_head`, `applicant` of `relation_to_applicant`, 本人 or 户主."""
    for name, decl in program.entities[entity].facts.items():
        choice = program.choices.get(decl.type.of) if name.startswith("relation_to_") else None
        for option in choice.options if choice else ():
            if name == f"relation_to_{option.name.id}" or option.name.zh in ("本人", "户主"):
                yield name, option


def _as_fact(decl: ir.ListDecl) -> ir.FactDecl:
    """A single reference is read as a fact is."""
    of = Type("record", decl.item, (), decl.optional)
    return ir.FactDecl(
        decl.name, decl.entity, of, None, None, decl.question, False, False, None, None, decl.span
    )


def _size(of: Type, unit: str) -> Fraction | None:
    """How large a unit is in base units, money without one being in yuan; `None` for a unit not of this type."""
    if not unit or (of.money and unit == "元"):
        return Fraction(100) ** dict(of.dimension).get("元", 0)
    try:
        dimension, size = parse_unit(unit)
    except KeyError:
        return None
    return size if dimension == of.dimension else None


def _plainly(of: Type, plain: Any, language: Language) -> str:
    """A value as a person writes it, in the fact's unit."""
    shown = f"{Decimal(plain) / 100:f}" if of.money else str(plain)
    return f"{shown} {show_dimension(of.dimension, language)}".strip()


def _birth_date(number: str) -> date | None:
    """The birth date inside an id of 18 digits, if it is one."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14])) if len(number) == 18 else None
    except ValueError:
        return None


def _entries(value: Any, where: str) -> list[tuple[str, Any]]:
    """What a mapping or list holds, each with its place as written."""
    if not isinstance(value, Mapping):
        return [(f"{where}[{number}]", one) for number, one in enumerate(value)]
    return [(f"{where}.{shown(key)}" if where else shown(key), one) for key, one in value.items()]


def _canonical(value: Any) -> Any:
    """The same data as plain JSON, whose bytes depend on nothing but the data."""
    if isinstance(value, Mapping):
        return {shown(key, None): _canonical(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(one) for one in value]
    return value if value is None or isinstance(value, bool | str) else shown(value, None)
