"""Values, records and gaps → words, in Chinese or English.

With `mask`, names keep their first character, long numbers their last four digits, and sensitive facts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from policykit import ir
from policykit.datatypes import Type, show_dimension
from policykit.facts import NOBODY, Case, Instance
from policykit.values import Bounds, Gap, Month, Number, Options, Subset, Value, round_half_up

PLURALS = {"person": "persons", "household": "households", "month": "months", "year": "years", "day": "days"}
LAST_SEGMENT = re.compile(r"(?:(.*)\.)?(\w+)(?:\[(\d+|…)\])?")
LONG_NUMBER = re.compile(r"\d{11,17}[\dXx]")


class Words:
    """Says things about a program, and about one household if there is one, in one language."""

    def __init__(self, program: ir.Program, language: str, mask: bool = False, case: Case = NOBODY) -> None:
        self.program, self.case, self.language, self.mask = program, case, language, mask
        names = {name for record in case.index.values() if len(name := self.written_name(record)) > 1}
        self._names = sorted(names, key=lambda name: (-len(name), name))

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def label(self, name: ir.Name) -> str:
        return name.label(self.language)

    def quoted(self, text: str) -> str:
        return self.say(f"“{text}”", f"“{text}”")

    def listed(self, texts: Iterable[str], conjunction: bool = False) -> str:
        """Several texts as one enumeration, with `conjunction` as alternatives."""
        found = list(texts)
        if conjunction and len(found) > 1:
            return self.say("、", ", ").join(found[:-1]) + self.say("或", " or ") + found[-1]
        return self.say("、", ", ").join(found)

    def aside(self, text: str) -> str:
        return self.say(f"（{text}）", f" ({text})") if text else ""

    # -- what must not be seen

    def unknown(self) -> str:
        return self.say("未知", "unknown")

    def hidden(self) -> str:
        return self.say("已隐去", "hidden")

    def name(self, name: str) -> str:
        return name[:1] + "＊" if self.mask and name else name

    def free(self, text: str) -> str:
        """A text that somebody wrote, with names and long numbers masked where asked."""
        if not self.mask:
            return text
        for name in self._names:
            text = text.replace(name, self.name(name))
        return LONG_NUMBER.sub(lambda found: "＊＊＊" + found.group()[-4:], text)

    def sensitive(self, entity: str, fact: str) -> bool:
        decl = self.program.entities[entity].facts.get(fact)
        return self.mask and decl is not None and decl.sensitive

    # -- records

    def written_name(self, record: Instance) -> str:
        """What a record is called in the input, or nothing."""
        entity = self.program.entities[record.entity]
        named = record.known(entity.called) if entity.called else None
        return named if isinstance(named, str) else ""

    def record(self, record: Instance) -> str:
        """How a record is referred to: 全户（张大山）, 张小梅, 2020年6月18日的复核."""
        if record is self.case.root or (self.holds_others(record) and self.written_name(record)):
            return self.whole(record) + self.aside(self.name(self.written_name(record)))
        return self.short(record)

    def holds_others(self, record: Instance) -> bool:
        """Whether others lie in a record: a household, whose head may go by the same name, or a village."""
        lists = self.program.entities[record.entity].lists.values()
        return record in self.case.subjects and any(decl.kind == "members" for decl in lists)

    def whole(self, record: Instance) -> str:
        """A record that others lie in: 全户."""
        label = self.label(self.program.entities[record.entity].name)
        return self.say(f"全{label}", f"whole {label}")

    def short(self, record: Instance) -> str:
        """The same, without what stands around it."""
        entity = self.program.entities[record.entity]
        name, member = self.written_name(record), ""
        if record.upper is not None and record in self.case.subjects:
            number = [r for r in self.case.subjects if r.upper is record.upper].index(record) + 1
            member = self.say(f"成员{number}", f"member {number}")
        if name:
            return self.name(name) + self.aside(member if self.mask else "")
        if member:
            return member + self.aside(self.kind(record))
        if day := self.known_from(record):
            return self.say(
                f"{self.date(day)}的{self.label(entity.name)}",
                f"{self.label(entity.name)} of {self.date(day)}",
            )
        if record.path in self.case.index and (kind := self.kind(record)):
            return kind
        return self.place(record.path)

    def known_from(self, record: Instance) -> date | None:
        """The day a record is dated, where it has one."""
        dated = self.program.entities[record.entity].known_from
        day = record.known(dated) if dated else None
        return day if isinstance(day, date) else None

    def kind(self, record: Instance) -> str:
        """The first known choice of a record, which tells it from others: 配偶, 工资性收入."""
        for fact in self.program.entities[record.entity].facts.values():
            given = record.facts.get(fact.name.id)
            if fact.type.kind == "choice" and not fact.sensitive and given and given.value is not None:
                return self.value(given.value, fact.type) if given.value.known else ""
        return ""

    def entity_at(self, path: str) -> str:
        """The entity of the record at a path, whether or not anybody described it."""
        known = self.case.index.get(path)
        if known is not None:
            return known.entity
        found = LAST_SEGMENT.fullmatch(path)
        if found is None or path == self.case.root.path:
            return self.case.root.entity
        above = self.entity_at(found[1] if found[1] is not None else self.case.root.path)
        if found[2] in self.program.entities[above].lists:
            return self.program.entities[above].lists[found[2]].item
        return found[2] if found[2] in self.program.entities else above

    def place(self, path: str) -> str:
        """A path as words: 张大山的义务人1."""
        record = self.case.index.get(path)
        day = record and self.known_from(record)
        found = LAST_SEGMENT.fullmatch(path)
        if path == self.case.root.path or found is None:
            return self.record(self.case.root)
        if record is not None and (self.written_name(record) or record in self.case.subjects):
            return self.short(record)
        above, segment, number = found.groups()
        entity = self.program.entities[self.entity_at(above if above is not None else self.case.root.path)]
        if segment in entity.lists:
            label = self.label(entity.lists[segment].name)
        elif segment in self.program.entities:
            owner = self.place(above) if above is not None else ""
            label = self.label(self.program.entities[segment].name)
            return self.say(f"{owner}所在的{label}", f"{label} of {owner}")
        else:
            label = segment
        if number == "…":
            label = self.say(f"尚未查明的{label}", f"unknown further {label}")
        elif number is not None:
            label = self.say(f"{label}{int(number) + 1}", f"{label} {int(number) + 1}") + self.aside(
                self.date(day) if day else ""
            )
        if above is None:
            return label
        return self.say(f"{self.place(above)}的{label}", f"{label} of {self.place(above)}")

    # -- values

    def value(self, value: Value, of: Type) -> str:
        """A known value in its unit, the candidates of an open choice, or 未知."""
        unknown = self.unknown()
        if isinstance(value, Subset):
            if not value.known:
                return unknown
            return self.listed(
                self.option(of.of, label) for label in self.declared(of, value.must)
            ) or self.say("没有", "none")
        if isinstance(value, Options):
            if value.values is None or (not value.known and self.is_open(value, of)):
                return unknown
            if of.kind == "choice":
                labels = [*self.declared(of, value.values), *([None] if None in value.values else [])]
                return self.listed((self.plain(label, of) for label in labels), conjunction=True)
            return self.listed(sorted(self.plain(one, of) for one in value.values), conjunction=True)
        if value.known:
            return self.plain(value.lo, of)
        return unknown

    def declared(self, of: Type, labels: frozenset[Any]) -> list[str]:
        """Labels in the order of their choice."""
        return [option.name.id for option in self.program.choices[of.of].options if option.name.id in labels]

    def is_open(self, value: Options, of: Type) -> bool:
        labels = self.program.choices[of.of].labels if of.kind == "choice" else frozenset[str]()
        return not labels or value.values is None or labels <= value.values

    def range(self, low: Number | None, high: Number | None, of: Type) -> str:
        """600.00–1,800.00 元; `None` is an end of which nothing is known."""
        if low is not None and of.money and low < 0:
            low = None
        if high is None and (low is None or low == 0):
            return self.unknown()
        if low is None:
            return self.say("至多 ", "at most ") + self.plain(high, of)
        if high is None:
            return self.say("至少 ", "at least ") + self.plain(low, of)
        return f"{self.figure(low, of)}–{self.plain(high, of)}"

    def plain(self, value: Any, of: Type) -> str:
        """One plain value of a type."""
        match value:
            case None:
                return self.say("无", "none")
            case bool():
                return self.say("是", "yes") if value else self.say("否", "no")
            case int() | Fraction():
                unit = self.unit(of, value)
                return f"{self.figure(value, of)} {unit}" if unit else self.figure(value, of)
            case date():
                return self.date(value)
            case Month():
                return self.say(f"{value.year}年{value.month}月", str(value))
            case Instance():
                return self.record(value)
            case str() if of.kind == "choice":
                return self.option(of.of, value)
        return self.free(str(value))

    def option(self, choice: str, label: str) -> str:
        options = self.program.choices[choice].options if choice in self.program.choices else ()
        return next((self.label(option.name) for option in options if option.name.id == label), label)

    def date(self, day: date) -> str:
        return self.say(f"{day.year}年{day.month}月{day.day}日", day.isoformat())

    def figure(self, number: Number, of: Type) -> str:
        """A number without its unit: money in yuan with two decimals, 0.2 without a unit as 20%."""
        if of.money:
            fen = round_half_up(number, 1)
            return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
        if isinstance(number, int):
            return f"{number:,}"
        if not of.dimension and (number * 100).denominator == 1:
            return f"{number * 100}%"
        hundredths = round_half_up(number * 100, 1)
        return f"{'-' if hundredths < 0 else ''}{abs(hundredths) // 100:,}.{abs(hundredths) % 100:02d}"

    def unit(self, of: Type, number: Number = 2) -> str:
        if of.dimension == (("月", 1),):
            return self.say("个月", "month" if number == 1 else "months")
        unit = show_dimension(of.dimension, self.language)
        return unit if number == 1 else PLURALS.get(unit, unit)

    def exact(self, value: Value) -> bool:
        """Whether a known number is shown as it is: a fraction of a fen is not."""
        return not (isinstance(value, Bounds) and value.known and isinstance(value.lo, Fraction))

    # -- gaps

    def question(self, gap: Gap) -> tuple[str, str, str]:
        """What is missing: whose it is, what it is called, and the question to ask."""
        whose = self.place(gap.path) if gap.path else ""
        name, _, keys = gap.name.partition("[")
        parameter = self.program.parameters.get(name)
        if gap.kind == "parameter" and parameter is not None:
            labels = [
                self.option(c, k)
                for c, k in zip(parameter.keys, keys.rstrip("]").split(","), strict=False)
                if k
            ]
            shown = self.label(parameter.name) + self.aside(self.listed(labels))
            return (
                whose,
                shown,
                parameter.question or self.say(f"请查明并填写{shown}。", f"Please find out {shown}."),
            )
        if gap.kind == "parameter":
            define = self.program.defines.get(name)
            shown = self.label(define.name) if define else name
            return (
                whose,
                shown,
                self.say(
                    f"{shown}在这一天没有有效的规定，请查明。",
                    f"No rule for {shown} is in force on this day.",
                ),
            )
        if gap.kind == "ruling":
            measure = self.program.measures.get(name)
            shown = self.label(measure.name) if measure else name
            return whose, shown, self.say(f"{shown}还没有作出决定。", f"{shown} has not been decided yet.")
        entity = self.program.entities[self.entity_at(gap.path)]
        decl = entity.facts.get(gap.name) or entity.lists.get(gap.name)
        shown = self.label(decl.name) if decl else gap.name
        if decl is not None and decl.question:
            return whose, shown, decl.question
        if gap.kind == "list":
            return (
                whose,
                shown,
                self.say(
                    f"有没有{shown}？有的逐条写明，没有就写“没有”。",
                    f"Which {shown} are there? Say so if there are none.",
                ),
            )
        return whose, shown, self.say(f"请查明{shown}。", f"Please find out {shown}.")
