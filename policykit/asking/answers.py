"""An answer → the household data with it: what a person said about one question, at its place and in the data's own form.

Nothing is checked here but what the data could not say; the reader checks the household as it does any other.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from policykit import ir
from policykit.asking.inquiry import DECLINED
from policykit.asking.questions import Question
from policykit.diagnostics import Language

NONE_WORDS = {"无", "没", "没有", "都没有", "没有了", "[]", "0", "none", "no", "nobody", "nothing"}
YES_WORDS = {
    **dict.fromkeys(("是", "是的", "有", "对", "对的", "符合", "需要", "y", "yes"), True),
    **dict.fromkeys(("否", "不", "不是", "不对", "没", "没有", "无", "不符合", "不需要", "n", "no"), False),
}
SEPARATORS = re.compile(r"[、,，;；\s]+")
MOST_ITEMS = 40
WORDS: dict[str, dict[str, str]] = {
    "zh": {"value": "值", "source": "来源", "by": "判断人", "date": "日期", "reason": "理由", "unknown": "未知",
           "items": "条目", "complete": "核对完成", "cause": "原因", "ref": "引用"},
    "en": {key: key for key in ("value", "source", "by", "date", "reason", "unknown", "items", "complete", "cause", "ref")},
}  # fmt: skip
COUNTS = {word: number for number, word in enumerate("零一二三四五六七八九十")} | {"两": 2}
DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)?")  # a day or month as an identity card has it
_SEGMENT = re.compile(r"(\w+)(?:\[(\d+)\])?")


class NotUnderstood(Exception):
    """An answer that cannot be put into data; its text says why, to the person who answered."""


def answered(
    program: ir.Program,
    household: Mapping[str, Any],
    question: Question,
    value: Any,
    language: Language = "zh",
) -> dict[str, Any]:
    """The household with `value` given for a question; the household itself stays as it was.

    `value` is household data: a bare value, an object that also says where it comes from, or a list of records.
    """
    return Answers(program, household, language).with_value(question, value)


class Answers:
    """Answers put into one household, one after the other; `household` is what they come to."""

    def __init__(self, program: ir.Program, household: Mapping[str, Any], language: Language) -> None:
        self.program, self.household, self.language = program, household, language
        self.words = WORDS[language]

    def with_value(self, question: Question, value: Any) -> dict[str, Any]:
        """The household with a value given for a question."""
        changed = copy.deepcopy(dict(self.household))
        record, entity = self.place(changed, question.path)
        decl = entity.facts.get(question.name) or entity.lists[question.name]
        record[self.key(record, decl.name)] = value
        return changed

    def declined(self, question: Question) -> dict[str, Any]:
        """The household with a question marked as asked in vain, so that it is not asked again."""
        cause = DECLINED[self.language == "en"]
        there = self.there(question)
        if question.kind == "list" and there:
            said = {self.words["items"]: there, self.words["complete"]: False, self.words["cause"]: cause}
            return self.with_value(question, said)
        return self.with_value(question, {self.words["unknown"]: cause})

    def with_text(self, question: Question, text: str, proof: Mapping[str, str]) -> dict[str, Any]:
        """The household with what somebody typed; `proof` holds source, or by, date and reason, where they are needed.

        Raises `NotUnderstood` for what cannot be put into data.
        """
        value = self.value(question, text.strip())
        if proof:
            value = {self.words["value"]: value, **{self.words[key]: said for key, said in proof.items()}}
        return self.with_value(question, value)

    # -- words to data

    def value(self, question: Question, text: str) -> Any:
        match question.answer:
            case "bool":
                return YES_WORDS.get(text.lower(), text)
            case "choice":
                return self.option(question, text)
            case "multi":
                if text.lower() in NONE_WORDS:
                    return []
                return [self.option(question, part) for part in SEPARATORS.split(text) if part]
            case "record":
                if question.optional and text.lower() in NONE_WORDS:
                    return "无"
                return self.record(question, text, refers=True)
            case "list":
                return self.records(question, text)
            case "date" | "month":
                if (found := DIGITS.fullmatch(text)) and bool(found[3]) == (question.answer == "date"):
                    return "-".join(filter(None, found.groups()))
        return "无" if question.optional and text.lower() in NONE_WORDS else text

    def option(self, question: Question, text: str) -> str:
        """A label as written, or by its number in the list shown."""
        if question.optional and text.lower() in NONE_WORDS:
            return "无"
        if text.isascii() and text.isdigit() and 1 <= int(text) <= len(question.options):
            ident, label = question.options[int(text) - 1]
            return label if self.language == "zh" else ident
        return text

    def records(self, question: Question, text: str) -> list[Any]:
        """The records of a list: those that are there, and one for each name; without names, so many as were said."""
        there = self.there(question)
        if text.lower() in NONE_WORDS:
            return there
        decl = self.declared(question)
        called = self.program.entities[decl.item].called
        if called:
            keys = {called, self.program.entities[decl.item].facts[called].name.zh, "ref", "引用"}
            named = {one[key] for one in there if isinstance(one, Mapping) for key in keys & one.keys()}
            parts = [part for part in dict.fromkeys(SEPARATORS.split(text)) if part and part not in named]
            return there + [self.record(question, part, decl.kind == "refers") for part in parts]
        number = text.removeprefix("有").removesuffix("条").removesuffix("项").removesuffix("个").strip()
        number = str(COUNTS.get(number, number))
        if not (number.isascii() and number.isdigit()) or int(number) > MOST_ITEMS:
            zh = self.language == "zh"
            raise NotUnderstood(
                f"请写有几条（1 至 {MOST_ITEMS} 的数），没有就写“没有”；每条的内容随后会问" if zh
                else f"please say how many there are (1 to {MOST_ITEMS}), or `none`; what each says is asked next"
            )  # fmt: skip
        return there + [{} for _ in range(int(number))]

    def record(self, question: Question, name: str, refers: bool) -> dict[str, Any]:
        """A record by what it is called: one that is there already, where that is what is asked for, or a new one."""
        item = self.program.entities[question.item]
        if item.called is None:
            return {}
        if name.lower() in YES_WORDS:
            zh = self.language == "zh"
            raise NotUnderstood("请写是谁，写姓名" if zh else "please say who it is, by name")
        if refers and name in self.called(item):
            return {self.words["ref"]: name}
        return {self.label(item.facts[item.called].name): name}

    def called(self, item: ir.Entity) -> set[str]:
        """What the members of the household of one kind are called."""
        keys = {item.called, item.facts[item.called].name.zh} if item.called else set()
        found: set[str] = set()
        stack: list[Any] = [self.household]
        while stack:
            one = stack.pop()
            if isinstance(one, Mapping):
                found |= {one[key] for key in keys & one.keys() if isinstance(one[key], str)}
                stack += one.values()
            elif isinstance(one, list):
                stack += one
        return found

    def there(self, question: Question) -> list[Any]:
        """The records of a list that the household names already."""
        if question.kind != "list":
            return []
        record, _ = self.place(copy.deepcopy(dict(self.household)), question.path)
        return list(_items(record.get(self.key(record, self.declared(question).name)), []))

    def declared(self, question: Question) -> ir.ListDecl:
        _, entity = self.place(copy.deepcopy(dict(self.household)), question.path)
        return entity.lists[question.name]

    # -- places

    def place(self, household: dict[str, Any], path: str) -> tuple[dict[str, Any], ir.Entity]:
        """The record at a path with its entity; a record around another is made where it is not there yet."""
        segments = [(found[1], found[2]) for found in _SEGMENT.finditer(path)]
        kind = self.root(segments)
        record, entity = household, self.program.entities[kind]
        for name, number in segments[1:] if segments[0][0] == kind else segments:
            decl = entity.lists.get(name)
            entity = self.program.entities[decl.item if decl is not None else name]
            key = self.key(record, decl.name if decl is not None else entity.name)
            inner = record.get(key)
            if number:
                record = _items(inner, [])[int(number)]
            elif isinstance(inner, dict) and not {"unknown", "未知"} & inner.keys():
                record = next((inner[k] for k in ("value", "值") if isinstance(inner.get(k), dict)), inner)
            else:
                record[key] = record = {}
        return record, entity

    def root(self, segments: list[tuple[str, str]]) -> str:
        """The entity that the input describes: the first of a path, or the one whose list or reference that is."""
        first = segments[0][0]
        levels = [self.program.root]
        for level in levels:
            entity = self.program.entities[level]
            if first == level or first in entity.lists:
                return level
            levels += [decl.item for decl in entity.lists.values() if decl.kind == "members"]
        return self.program.root

    def key(self, record: Mapping[str, Any], name: ir.Name) -> str:
        """The key of a fact or list in a record: the one that is there, else by its name in this language."""
        return next((key for key in (name.zh, name.id) if key in record), self.label(name))

    def label(self, name: ir.Name) -> str:
        return name.zh if self.language == "zh" else name.id


def _items(value: Any, otherwise: list[Any]) -> list[Any]:
    """The records of a list, with or without what is said of its completeness."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("items", "条目") if key in value), None)
    return value if isinstance(value, list) else otherwise
