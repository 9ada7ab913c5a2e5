"""Household data → typed records: each field as given, or every fault found in it with its place.

A household is a mapping as JSON or YAML give it, its keys identifiers or Chinese labels. What can be read in one way
only is read, and noted where it was not written plainly; nothing is repaired silently, nothing is filled in. Limits
are checked before work is done.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from policykit import ir
from policykit.datatypes import BOOL, DATE, TEXT, Type, parse_unit, show_dimension, widest
from policykit.diagnostics import Diagnostic, Language, PolicyError, did_you_mean
from policykit.facts import Case, Given, Instance, Listing
from policykit.source import decode
from policykit.values import FALSE, NONE, Bounds, Month, Number, Options, Value, exactly, month_of, simple

MAX_FILE_BYTES = 20_000_000
MAX_DEPTH = 64
MAX_RECORDS = 10_000
MAX_VALUES = 1_000_000
MAX_FAULTS = 200  # reading stops there: a file of another kind altogether has a fault in every line

ID_KEYS = {"id": "id", "编号": "id"}
REF_KEYS = {"ref": "ref", "引用": "ref"}
UNKNOWN_KEYS = {"unknown": "unknown", "未知": "unknown"}
FACT_KEYS = UNKNOWN_KEYS | {
    "value": "value", "值": "value", "source": "source", "来源": "source", "date": "date", "日期": "date",
    "by": "by", "判断人": "by", "reason": "reason", "理由": "reason",
}  # fmt: skip
LIST_KEYS = UNKNOWN_KEYS | {
    "items": "items", "条目": "items", "complete": "complete", "核对完成": "complete", "cause": "cause", "原因": "cause",
}  # fmt: skip
NOTE_KEYS = {"note", "备注"}
TRUTHS = dict.fromkeys(("是", "有", "√", "yes"), True) | dict.fromkeys(("否", "无", "×", "no"), False)

#: what was expected (by kind of type first), hints, causes
_WORDS: dict[str, tuple[str, str]] = {
    "bool": ("是或否", "true or false"),
    "number": ("数，单位{of}", "a number, in {of}"),
    "money": ("{of}的数额，最多两位小数", "an amount in {of}, with at most two decimals"),
    "date": ("日期，如 2020-04-06", "a date such as 2020-04-06"),
    "month": ("年月，如 2020-04", "a month such as 2020-04"),
    "text": ("文字", "text"),
    "choice": ("“{of}”中的一项", "one of `{of}`"),
    "multi": ("“{of}”的列表 [ … ]", "a list of `{of}` [ … ]"),
    "record": ("一条{of}记录", "a {of} record"),
    "list": ("{of}的列表 [ … ]", "a list of {of} [ … ]"),
    "refer": ("可以写已填的{of}的编号或称呼，也可以直接填写一条记录", "give the id or name of a {of}, or describe one"),
    "blank": ("不知道就不填，或填 null", "leave it out or give null when unknown"),
    "quotes": ("是文字就加上引号", "put text in quotes"),
    "serial": ("像是表格里的日期序号：把该列设为文本格式，照原样写日期", "a sheet's serial number? write it as 2020-04-06"),
    "never_none": ("这一项不能填“无”；不知道就不填", "this cannot be none; leave it out when unknown"),
    "empty": ("没有就填 []，不知道就不填", "[] when there is none, nothing when unknown"),
    "whole": ("要整数", "it must be whole"),
    "paper": ("须凭据：{of}", "needs a paper: {of}"),
    "judge": ("须由{of}判断，并写明判断人、日期和理由", "to be judged by {of}, with by, date and reason"),
    "anyone": ("有权的人", "whoever may"),
    "unchecked": ("核对未完成", "not checked to the end"),
    "old_id": ("15位旧号，没有校验位可核", "an old number of 15 digits, with no check digit"),
    "no_id": ("没有身份证号", "no id number"),
    "rootless": ("规则没有声明由成员组成的实体", "the rules declare no entity that has members"),
    "unopened": ("打不开文件", "the file cannot be opened"),
    "format": ("不是有效的 {of}", "this is not valid {of}"),
    "exact": ("{of} 不是确切的数", "{of} is not an exact number"),
    "top": ("最外层应是一户 { … }，或多户的列表 [ … ]", "the top must be a household { … } or a list of them [ … ]"),
    "yaml": ("读 YAML 须安装 policykit[cli]", "reading YAML needs policykit[cli]"),
    "alias": ("YAML 的别名（*）不读", "YAML aliases (*) are not read"),
}  # fmt: skip

_WIDE = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: " "}
_NUMBER = re.compile(r"(-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,40})(?:\.[0-9]{1,40})?) ?([^0-9.,\s].*)?")
_CALENDAR = re.compile(r"([0-9]{4})([-./年])([0-9]{1,2})(?:([-./月])([0-9]{1,2})(日?)|(月?))")
_MARKS = {"date": {"--", "..", "//", "年月日"}, "month": {"-", ".", "/", "年月"}}
_NESTING = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.S)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, MOD 11-2


def read_case(program: ir.Program, household: Mapping[str, Any], on: date, language: Language = "zh") -> Case:
    """The records of one household, as the rules declare them, on a day.

    Raises `PolicyError` with everything found when anything of it is wrong; it raises nothing else.
    """
    return _Reader(program, on, language).case(household)


# ---- files --------------------------------------------------------------------------------------------------------------


def load_file(
    path: Path, language: Language = "zh", notes: list[Diagnostic] | None = None
) -> Mapping[str, Any] | list[Mapping[str, Any]]:
    """The household, or the list of households, in a JSON or YAML file; what is noted of it goes to `notes`.

    Raises `PolicyError` for a file that cannot be opened, is too large or too deep, or is not what its name says.
    """
    file = _File(path.name, language)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError:
        raise file.bad("R012", why="unopened") from None
    if len(data) > MAX_FILE_BYTES:
        raise file.bad("L001", limit=f"{MAX_FILE_BYTES // 1_000_000} MB")
    try:
        text, encoding = decode(data)
    except UnicodeDecodeError:
        raise file.bad("L004") from None
    if encoding != "utf-8" and notes is not None:
        notes.append(Diagnostic("L005", file.name, language, ()))
    found = file.yaml(text) if path.suffix.lower() in (".yaml", ".yml") else file.json(text)
    if file.repeated:
        raise PolicyError(file.repeated)
    if not (
        isinstance(found, Mapping)
        or (isinstance(found, list) and all(isinstance(one, Mapping) for one in found))
    ):
        raise file.bad("R012", why="top")
    return found


class _File:
    """Reads one file's text into mappings, lists, exact numbers and strings."""

    def __init__(self, name: str, language: Language) -> None:
        self.name, self.language = name, language
        self.repeated: list[Diagnostic] = []

    def bad(self, code: str, place: str = "", why: str = "", of: str = "", limit: str = "") -> PolicyError:
        why = _say(why, self.language, of) if why else ""
        return PolicyError([_diagnostic(code, self.name + place, self.language, why=why, limit=limit)])

    def mapping(self, pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in pairs:
            if key in found:
                shown = _shown(key)
                self.repeated.append(_diagnostic("R013", self.name, self.language, first=shown, second=shown))
            found[key] = value
        return found

    def json(self, text: str) -> Any:
        depth = 0
        for token in _NESTING.finditer(text):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if depth > MAX_DEPTH:
                raise self.bad("R015", limit=str(MAX_DEPTH))
        try:
            return json.loads(
                text,
                object_pairs_hook=self.mapping,
                parse_int=self.exact,
                parse_float=self.exact,
                parse_constant=self.exact,
            )
        except json.JSONDecodeError as error:
            raise self.bad("R012", f":{error.lineno}:{error.colno}", "format", "JSON") from None

    def exact(self, text: str) -> int | Decimal:
        if re.fullmatch(r"-?[0-9]{1,40}", text):
            return int(text)
        try:
            number = Decimal(text)
        except ArithmeticError:
            number = Decimal("NaN")
        if not number.is_finite():
            raise self.bad("R012", why="exact", of=_shown(text))
        return number

    def yaml(self, text: str) -> Any:
        """Scalars stay as written but for null, true and false: YAML's own guesses would alter numbers and dates."""
        try:
            import yaml
        except ModuleNotFoundError:
            raise self.bad("R012", why="yaml") from None
        open_: list[list[Any]] = [[]]
        try:
            for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                line = f":{event.start_mark.line + 1}"
                match event:
                    case yaml.ScalarEvent(value=value, style=style):
                        plain = {"": None, "~": None, "null": None, "true": True, "false": False}
                        open_[-1].append(value if style else plain.get(value, value))
                    case yaml.CollectionStartEvent():
                        open_.append([])
                        if len(open_) > MAX_DEPTH + 1:
                            raise self.bad("R015", line, limit=str(MAX_DEPTH))
                    case yaml.SequenceEndEvent():
                        items = open_.pop()
                        open_[-1].append(items)
                    case yaml.MappingEndEvent():
                        flat = open_.pop()
                        if any(isinstance(key, dict | list) for key in flat[::2]):
                            raise self.bad("R012", line, "format", "YAML")
                        open_[-1].append(self.mapping(zip(flat[::2], flat[1::2], strict=True)))
                    case yaml.AliasEvent():
                        raise self.bad("R012", line, "alias")
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            raise self.bad("R012", f":{mark.line + 1}" if mark else "", "format", "YAML") from None
        return open_[0][0] if len(open_[0]) == 1 else open_[0]


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
        self.diagnostics: list[Diagnostic] = []
        self.faults = 0
        self.index: dict[str, Instance] = {}
        self.named: dict[tuple[str, str], list[Instance]] = {}
        self.written: dict[tuple[str, str], str] = {}  # (path, fact) → where it stands, as written
        self.later: list[Callable[[], None]] = []
        self.plain: dict[str, Callable[[Type, str, Any], Any]] = {
            "bool": self.truth, "number": self.number, "date": self.calendar, "month": self.calendar,
            "text": self.text, "choice": self.label, "multi": self.labels,
        }  # fmt: skip

    def say(self, word: str, of: str = "") -> str:
        return _say(word, self.language, of)

    def report(self, code: str, where: str, **fields: str) -> None:
        found = _diagnostic(code, where, self.language, **fields)
        self.diagnostics.append(found)
        self.faults += found.severity == "error"
        if self.faults >= MAX_FAULTS:
            raise PolicyError(self.diagnostics)

    def stop(self, code: str, where: str, **fields: str) -> PolicyError:
        self.report(code, where, **fields)
        return PolicyError(self.diagnostics)

    def noted(self, where: str, raw: Any, value: str) -> None:
        self.report("R005", where, found=_shown(raw), value=value)

    def attempt(self, where: str, read: Callable[..., Any], *args: Any) -> Any:
        """What `read` gives, or `None` with a report when it refuses."""
        try:
            return read(*args)
        except _Bad as bad:
            self.report(bad.code, where, **bad.fields)
            return None

    def wrong(self, of: Type, raw: Any, hint: str = "") -> _Bad:
        """A value of this type was expected."""
        if of.kind in ("choice", "multi"):
            label = self.program.choices[of.of].name.label(self.language)
        elif of.kind in ("record", "list"):
            label = self.program.entities[of.of].name.label(self.language)
        else:
            label = show_dimension(of.dimension, self.language) or "个"
        wanted = self.say("money" if of.money else of.kind, label)
        return _Bad("R002", wanted=wanted, found=_shown(raw), hint=self.say(hint, label) if hint else "")

    # -- the household

    def case(self, household: Any) -> Case:
        root = self.program.root
        if root not in self.program.entities:
            raise self.stop("R012", root, why=self.say("rootless"))
        label = self.program.entities[root].name.label(self.language)
        if not isinstance(household, Mapping):
            raise self.stop("R002", label, **self.wrong(Type("record", root), household).fields)
        self.limits(household, label)
        record = self.record(root, root, "", household)
        subjects = tuple(self.with_members(record))
        for one in subjects:
            called = one.known(self.program.entities[one.entity].called or "")
            same = self.named.setdefault((one.entity, str(called)), [])
            if not any(other is one or other.known("id") == called for other in same):
                same.append(one)
        for settle in self.later:
            settle()
        self.identities(subjects)
        if self.faults:
            raise PolicyError(self.diagnostics)
        text = json.dumps(_canonical(household), sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Case(record, subjects, self.index, tuple(self.diagnostics), digest)

    def limits(self, household: Any, label: str) -> None:
        """Refuses what is too large or too deep, before any of it is read."""
        records = values = 0
        todo: list[tuple[Any, str, int]] = [(household, "", 1)]
        while todo:
            value, where, depth = todo.pop()
            if depth > MAX_DEPTH:
                raise self.stop("R015", where, limit=str(MAX_DEPTH))
            values += len(value)
            records += 0 if isinstance(value, Mapping) else len(value)
            for count, limit in ((records, MAX_RECORDS), (values, MAX_VALUES)):
                if count > limit:
                    path, many = (where, str(len(value))) if len(value) > limit else (label, f"{limit:,}+")
                    raise self.stop("L003", path, path=path, count=many, limit=f"{limit:,}")
            todo += [
                (v, place, depth + 1)
                for place, v in _entries(value, where)
                if isinstance(v, Mapping | list | tuple)
            ]

    def with_members(self, record: Instance) -> Iterator[Instance]:
        yield record
        for _, members in self.members(record):
            for member in members:
                yield from self.with_members(member)

    def members(self, record: Instance) -> list[tuple[ir.Entity, tuple[Instance, ...]]]:
        """The lists of members of a record, with their entity."""
        lists = self.program.entities[record.entity].lists
        given = [(lists[name], listing.items) for name, listing in record.lists.items()]
        return [(self.program.entities[decl.item], items) for decl, items in given if decl.kind == "members"]

    def names(self, entity: ir.Entity, outside: bool) -> dict[Any, str]:
        """What each key of a record stands for: its facts and lists, its 编号, and the record that an outside one lies
        in."""
        upper = [self.program.entities[entity.upper].name] if outside and entity.upper is not None else []
        own = [decl.name for decl in (*entity.facts.values(), *entity.lists.values())]
        return ID_KEYS | {key: name.id for name in (*upper, *own) for key in (name.zh, name.id)}

    def keyed(
        self, raw: Mapping[Any, Any], names: Mapping[Any, str], where: str
    ) -> dict[str, tuple[str, Any]]:
        """The entries of a mapping by what their keys stand for, each with its place as written."""
        found: dict[str, tuple[str, Any]] = {}
        for key, (place, value) in zip(raw, _entries(raw, where), strict=True):
            ident = names.get(key)
            if ident is not None and ident in found:
                self.report("R013", place, first=found[ident][0], second=place)
            elif ident is not None:
                found[ident] = (place, value)
            elif not (isinstance(key, str) and (key.startswith("_") or key in NOTE_KEYS)):
                self.report(
                    "R001", place, name=_shown(key), hint=did_you_mean(_shown(key), names, self.language)
                )
        return found

    def record(
        self, kind: str, path: str, where: str, raw: Mapping[Any, Any], upper: Instance | None = None
    ) -> Instance:
        """One record. One that is no member here brings the record it lies in, or lies in an unknown one."""
        entity = self.program.entities[kind]
        instance = self.index[path] = Instance(kind, path, upper)
        outside = entity.upper if upper is None else None
        parts = self.keyed(raw, self.names(entity, outside is not None), where)
        for ident, (place, value) in parts.items():
            if ident in entity.facts:
                self.fact(instance, entity.facts[ident], place, value)
            elif ident in entity.lists and entity.lists[ident].single:
                self.fact(instance, _reference_fact(entity.lists[ident]), place, value)
            elif ident in entity.lists and value is not None:
                self.attempt(place, self.listing, instance, entity.lists[ident], place, value)
            elif ident == "id" and value is not None:
                self.attempt(place, self.numbered, instance, place, value)
        if outside is not None:
            place, value = parts.get(outside, (f"{where}.{outside}", None))
            raw_upper = {} if value is None else self.attempt(place, self.described, outside, value)
            instance.upper = self.record(outside, f"{path}.{outside}", place, raw_upper or {})
        return instance

    def described(self, kind: str, raw: Any) -> Mapping[Any, Any]:
        if not isinstance(raw, Mapping):
            raise self.wrong(Type("record", kind), raw)
        return {} if UNKNOWN_KEYS.keys() & raw.keys() else raw

    def numbered(self, record: Instance, where: str, raw: Any) -> None:
        """Gives a record the 编号 by which references and rulings name it."""
        number = self.text(TEXT, where, str(raw) if type(raw) is int and abs(raw) < MAX_VALUES else raw)
        record.facts["id"], self.written[record.path, "id"] = Given(exactly(number)), where
        same = self.named.setdefault((record.entity, number), [])
        if same:
            raise _Bad("R010", name=number, first=self.written[same[0].path, "id"], second=where)
        same.append(record)

    def listing(self, owner: Instance, decl: ir.ListDecl, where: str, raw: Any) -> None:
        items, complete, cause = raw, True, ""
        if isinstance(raw, Mapping) and LIST_KEYS.keys() & raw.keys():
            parts = self.keyed(raw, LIST_KEYS, where)
            complete = self.detail(parts, "complete", BOOL) is not False and "unknown" not in parts
            cause = (
                self.detail(parts, "cause", TEXT)
                or self.detail(parts, "unknown", TEXT)
                or self.say("unchecked")
            )
            where, items = parts.get("items", (where, None if complete else []))
        if not isinstance(items, list | tuple):
            raise self.wrong(Type("list", decl.item), items, "empty")
        if len(items) > decl.most:
            raise _Bad("L003", path=where, count=str(len(items)), limit=str(decl.most))
        if complete and len(items) < decl.least:
            nobody = decl.kind == "members" and not items
            raise _Bad(
                "R008" if nobody else "R003", found=str(len(items)), low=str(decl.least), high=str(decl.most)
            )
        found = []
        for number, (place, item) in enumerate(_entries(items, where)):
            path = f"{self.below(owner, decl.name.id)}[{number}]"
            one = self.attempt(place, self.element, owner, decl, path, place, item)
            found += [] if one is None else [(place, one)]
        records = tuple(one for _, one in found if isinstance(one, Instance))
        owner.lists[decl.name.id] = Listing(records, complete, "" if complete else cause)
        if len(records) < len(found):
            self.later.append(partial(self.settle, owner, decl.name.id, found))

    def element(
        self, owner: Instance, decl: ir.ListDecl, path: str, where: str, raw: Any
    ) -> Instance | _Name:
        if decl.kind == "refers":
            return self.reference(decl.item, path, where, raw)
        if not isinstance(raw, Mapping):
            raise self.wrong(Type("record", decl.item), raw)
        return self.record(decl.item, path, where, raw, owner if decl.kind == "members" else None)

    def below(self, owner: Instance, ident: str) -> str:
        """Where a list or reference of a record stands; what the root holds needs no prefix."""
        return ident if owner.path == self.program.root else f"{owner.path}.{ident}"

    def reference(self, kind: str, path: str, where: str, raw: Any) -> Instance | _Name:
        """A record of this household, by its 编号 or what it is called, or the description of another."""
        if isinstance(raw, Mapping):
            own = self.names(self.program.entities[kind], outside=True)
            if not REF_KEYS.keys() & (raw.keys() - own.keys()):
                return self.record(kind, path, where, raw)
            where, raw = self.keyed(raw, REF_KEYS, where)["ref"]
        text = str(raw) if type(raw) is int and abs(raw) < MAX_VALUES else raw
        if not isinstance(text, str):
            raise self.wrong(Type("record", kind), raw, "refer")
        return _Name(kind, self.text(TEXT, where, text))

    def settle(self, owner: Instance, ident: str, found: list[tuple[str, Any]]) -> None:
        """Puts the records that references name into their list or fact, once all records are read."""
        places: dict[Instance, str] = {}
        for where, one in found:
            records = self.named.get((one.entity, one.text), []) if isinstance(one, _Name) else [one]
            if len(records) != 1:
                self.report(
                    "R016" if records else "R011", where, name=_shown(one.text), count=str(len(records))
                )
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
        parts = {"value": (where, raw)}
        if isinstance(raw, Mapping) and not self.describes(decl.type, raw):
            parts = self.keyed(raw, FACT_KEYS, where)
        paper, by, reason, cause = (
            self.detail(parts, key, TEXT) or "" for key in ("source", "by", "reason", "unknown")
        )
        day = self.detail(parts, "date", DATE)
        where, raw = parts.get("value", (where, None))
        if raw is not None and "unknown" in parts:
            self.report("R013", where, first=where, second=parts["unknown"][0])
        value = None
        if raw is not None:
            value = self.attempt(where, self.value, decl, self.below(record, decl.name.id), where, raw)
        if value is not None:
            cause = self.unproved(decl, value, paper, bool(by and reason and day))
        self.written[record.path, decl.name.id] = where
        record.facts[decl.name.id] = Given(None if cause else value, paper, day, by, cause)
        if value is not None and not cause and decl.type.kind == "record" and isinstance(value.value, _Name):
            self.later.append(partial(self.settle, record, decl.name.id, [(where, value.value)]))

    def describes(self, of: Type, raw: Mapping[Any, Any]) -> bool:
        """Whether an object is the record itself and not a value with its paper."""
        if of.kind != "record":
            return False
        own = self.names(self.program.entities[of.of], outside=True)
        return not (raw.keys() - own.keys()) & {"value", "值", "unknown", "未知"}

    def detail(self, parts: Mapping[str, tuple[str, Any]], key: str, of: Type) -> Any:
        """What else is said of a value or list, or `None`."""
        where, raw = parts.get(key, ("", None))
        return None if raw is None else self.attempt(where, self.plain[of.kind], of, where, raw)

    def unproved(self, decl: ir.FactDecl, value: Value, paper: str, signed: bool) -> str:
        """Why a value does not count: its paper is missing, or nobody signed for it."""
        absent = value == FALSE and decl.type.kind == "bool" or value.value in (None, frozenset())
        if decl.evidence is not None and not paper and not absent:
            return self.say("paper", decl.evidence)
        if decl.judgement is not None and not signed:
            return self.say("judge", decl.judgement or self.say("anyone"))
        return ""

    def value(self, decl: ir.FactDecl, path: str, where: str, raw: Any) -> Value:
        of = decl.type
        numbered = decl.name.id == "id_number" and of.kind == "text"
        if isinstance(raw, str) and of.kind != "bool" and raw.strip() in ("无", "none"):
            if of.optional:
                return NONE if of.ordered or of.kind == "text" else Options(frozenset([None]))
            if of.kind != "choice" and not numbered:
                raise self.wrong(of, raw, "empty" if of.kind == "multi" else "never_none")
        if of.kind == "record":
            return exactly(self.reference(of.of, path, where, raw))
        plain = (self.id_number if numbered else self.plain[of.kind])(of, where, raw)
        if of.ordered:
            low, high = self.ends(decl)
            if not low <= plain <= high:
                found, low, high = (_plainly(of, end, self.language) for end in (plain, low, high))
                raise _Bad("R003", found=found, low=low, high=high)
        return exactly(plain)

    def ends(self, decl: ir.FactDecl) -> list[Any]:
        """The range of a fact: its fixed ends, else those of its type. Ends that read other facts are no matter here."""
        wide = widest(decl.type, frozenset())
        assert isinstance(wide, Bounds)
        ends = [wide.lo, wide.hi]
        for number, end in enumerate((decl.low, decl.high)):
            if isinstance(end, ir.Today):
                ends[number] = month_of(self.on) if end.type.kind == "month" else self.on
            elif isinstance(end, ir.Const):
                ends[number] = end.value.value
        return ends

    # -- plain values

    def truth(self, of: Type, where: str, raw: Any) -> bool:
        word = raw.strip().lower() if isinstance(raw, str) else raw
        if not isinstance(word, bool) and (not isinstance(word, str) or word not in TRUTHS):
            raise self.wrong(of, raw)
        yes = word if isinstance(word, bool) else TRUTHS[word]
        if isinstance(word, str) and word not in ("是", "否"):
            self.noted(where, raw, ("是" if yes else "否") if self.language == "zh" else str(yes).lower())
        return yes

    def text(self, of: Type, where: str, raw: Any) -> str:
        if not isinstance(raw, str):
            raise self.wrong(of, raw, "quotes")
        text = raw.strip()
        if not text or _shown(text, len(text)) != text:
            raise self.wrong(of, raw, "" if text else "blank")
        return text

    def number(self, of: Type, where: str, raw: Any) -> Number:
        """In base units, money in fen. A bare number is in the fact's own unit, money in yuan."""
        amount, unit = raw, ""
        if isinstance(raw, str):
            match = _NUMBER.fullmatch(raw.translate(_WIDE).strip())
            if match is None:
                raise self.wrong(of, raw)
            amount, unit = Decimal(match[1].replace(",", "")), match[2] or ""
            if raw.strip() != f"{amount:f}":
                self.noted(where, raw, f"{amount:f}{unit}")
        elif isinstance(raw, int | float) and not isinstance(raw, bool):
            amount = Decimal(repr(raw) if isinstance(raw, float) else raw)
        size = _size(of, unit)
        decimals = amount.as_tuple().exponent if isinstance(amount, Decimal) and size is not None else "n"
        if (
            size is None
            or isinstance(decimals, str)
            or decimals < (-2 if of.money else -40)
            or amount.adjusted() > 40
        ):
            raise self.wrong(of, raw)
        number = Fraction(amount) * size
        counted = unit != "%" and (not of.dimension or (len(of.dimension) == 1 and of.dimension[0][1] == 1))
        if number.denominator != 1 and (counted or of.money):
            raise self.wrong(of, raw, "" if of.money else "whole")
        return simple(number)

    def calendar(self, of: Type, where: str, raw: Any) -> date | Month:
        """A date or a month; the marks between its figures must belong together."""
        if (
            isinstance(raw, Month)
            if of.kind == "month"
            else isinstance(raw, date) and not isinstance(raw, datetime)
        ):
            return raw
        text = raw.translate(_WIDE).strip() if isinstance(raw, str) else _shown(raw)
        match = _CALENDAR.fullmatch(text) if isinstance(raw, str) else None
        marks = "".join(mark or "" for mark in match.group(2, 4, 6, 7)) if match else ""
        try:
            if match is None or marks not in _MARKS[of.kind]:
                raise ValueError
            day = date(int(match[1]), int(match[3]), int(match[5] or 1))
        except ValueError:
            raise self.wrong(of, raw, "serial" if re.fullmatch(r"[0-9]{5}(\.0*)?", text) else "") from None
        found = day if of.kind == "date" else month_of(day)
        if raw.strip() != str(found):
            self.noted(where, raw, str(found))
        return found

    def label(self, of: Type, where: str, raw: Any) -> str:
        """The identifier of a label, given by either name or by its official code."""
        if isinstance(raw, bool) or not isinstance(raw, str | int):
            raise self.wrong(of, raw)
        choice, text = self.program.choices[of.of], raw.strip() if isinstance(raw, str) else _shown(raw)
        for option in choice.options:
            if text in (option.name.id, option.name.zh):
                return option.name.id
        for option in choice.options:
            if option.code is not None and text.translate(_WIDE) == str(option.code):
                self.noted(where, raw, option.name.label(self.language))
                return option.name.id
        known = [name for option in choice.options for name in (option.name.zh, option.name.id)]
        shown = ("、" if self.language == "zh" else ", ").join(known[self.language == "en" :: 2])
        name, hint = choice.name.label(self.language), did_you_mean(_shown(text), known, self.language)
        raise _Bad("R004", found=_shown(raw), choice=name, labels=shown, hint=hint)

    def labels(self, of: Type, where: str, raw: Any) -> frozenset[str]:
        if not isinstance(raw, list | tuple):
            raise self.wrong(of, raw, "empty")
        found = [self.attempt(place, self.label, of, place, one) for place, one in _entries(raw, where)]
        return frozenset(one for one in found if one is not None)

    def id_number(self, of: Type, where: str, raw: Any) -> str:
        """A 公民身份号码 by GB 11643, an old one of 15 digits, or 无 for somebody who has none yet."""
        text = raw.translate(_WIDE).replace(" ", "").upper() if isinstance(raw, str) else ""
        if isinstance(raw, int | float | Decimal) or not re.fullmatch(r"[0-9]{17}[0-9X]|[0-9]{15}|无", text):
            raise (
                _Bad("R006", found=_shown(raw))
                if text != "" or isinstance(raw, int | float | Decimal)
                else self.wrong(of, raw)
            )
        if len(text) == 18:
            total = sum(weight * int(figure) for weight, figure in zip(_ID_WEIGHTS, text, strict=False))
            if text[17] != "10X98765432"[total % 11] or _birth_date(text) is None:
                # a sheet keeps 15 digits of a number, the rest become 0
                raise _Bad("R006" if text.endswith("000") else "R014", found=_shown(raw))
        if text != raw or len(text) < 18:
            kind = {15: "old_id", 1: "no_id"}.get(len(text))
            self.noted(where, raw, self.say(kind) if kind else text)
        return text

    # -- identity

    def identities(self, subjects: tuple[Instance, ...]) -> None:
        """What contradicts itself: an id and a birth date, one person at two places, two heads."""
        seen: dict[str, str] = {}
        for record in (*subjects, *(one for one in self.index.values() if one not in subjects)):
            number, typed = record.known("id_number"), record.known("birth_date")
            if not isinstance(number, str) or number == "无":
                continue
            where, inside = self.written[record.path, "id_number"], _birth_date(number)
            if number in seen:
                self.report("R010", where, name=number, first=seen[number], second=where)
            elif record in subjects:
                seen[number] = where
            if inside is not None and isinstance(typed, date) and inside != typed:
                self.report("R007", where, inside=str(inside), typed=str(typed))
        for record in subjects:
            for entity, members in self.members(record):
                self.one_head(entity, members)

    def one_head(self, entity: ir.Entity, members: tuple[Instance, ...]) -> None:
        """A relation to somebody holds one label for that very person: `head` of `relation_to_head`, `applicant` of
        `relation_to_applicant`, 本人 or 户主. One member can have it."""
        for name, decl in entity.facts.items():
            options = self.program.choices[decl.type.of].options if decl.type.kind == "choice" else ()
            for option in options if name.startswith("relation_to_") else ():
                itself = option.name.id == name.removeprefix("relation_to_") or option.name.zh in (
                    "本人",
                    "户主",
                )
                found = [member for member in members if member.known(name) == option.name.id]
                if itself and len(found) > 1:
                    names = "、".join(str(one.known(entity.called or "") or one.path) for one in found)
                    where, role = self.written[found[1].path, name], option.name.label(self.language)
                    self.report("R009", where, count=str(len(found)), role=role, names=names)


# ---- small change -------------------------------------------------------------------------------------------------------


def _say(word: str, language: Language, of: str = "") -> str:
    return _WORDS[word][language == "en"].replace("{of}", of)


def _diagnostic(code: str, where: str, language: Language, **fields: str) -> Diagnostic:
    return Diagnostic(code, where, language, tuple({"hint": "", **fields}.items()))


def _reference_fact(decl: ir.ListDecl) -> ir.FactDecl:
    """A single reference is read as a fact is."""
    of = Type("record", decl.item, (), decl.optional)
    return ir.FactDecl(
        decl.name, decl.entity, of, None, None, decl.question, False, False, None, None, decl.span
    )


def _size(of: Type, unit: str) -> Fraction | None:
    """How large a unit is in base units: money is in yuan unless another unit of it is written; `None`: no unit of this
    type."""
    if not unit or (of.money and unit == "元"):
        return Fraction(100) ** dict(of.dimension).get("元", 0)
    try:
        dimension, size = parse_unit(unit)
    except KeyError:
        return None
    return size if dimension == of.dimension else None


def _plainly(of: Type, plain: Any, language: Language) -> str:
    """A value as a person writes it, in the fact's unit."""
    if of.money:
        plain = f"{Decimal(plain) / 100:f}"
    return f"{plain} {show_dimension(of.dimension, language)}".strip()


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
    return [(f"{where}.{_shown(key)}" if where else _shown(key), one) for key, one in value.items()]


def _shown(raw: Any, most: int = 40) -> str:
    """A value as messages show it: short, and without what a screen cannot show."""
    if raw is None or isinstance(raw, bool):
        text = json.dumps(raw)
    elif isinstance(raw, str | int | float | Decimal | date | Month):
        text = str(Decimal(raw) if isinstance(raw, int) else raw)  # the digits of a huge int would raise
    else:
        text = (
            "{…}"
            if isinstance(raw, Mapping)
            else "[…]"
            if isinstance(raw, list | tuple)
            else type(raw).__name__
        )
    text = text if len(text) <= most else text[: most - 1] + "…"
    private = range(0xE000, 0xF900)  # where GB18030 keeps rare characters of names
    return "".join(
        c if c.isprintable() or c == "\u3000" or ord(c) in private else f"\\x{ord(c):02x}" for c in text
    )


def _canonical(value: Any) -> Any:
    """The same data as plain JSON, whose bytes depend on nothing but the data."""
    if isinstance(value, Mapping):
        return {_shown(key, MAX_FILE_BYTES): _canonical(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(one) for one in value]
    return value if value is None or isinstance(value, bool | str) else _shown(value, MAX_FILE_BYTES)
