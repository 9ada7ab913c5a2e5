"""What approvers and households decided, read and checked: rulings under may-clauses, elections between measures.

A ruling that is malformed, by nobody, or outside its range is an error, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from policykit import ir
from policykit.diagnostics import Diagnostic, Language, did_you_mean
from policykit.facts import Case, Election, Instance, Ruling

KEYS: dict[str, str] = {
    "条款": "clause", "对象": "subject", "日期": "date", "作出人": "by", "理由": "reason", "选定": "choose",
    "不给予": "decline", "申请日期": "application", "互斥": "exclusive", "待遇": "measure",
}  # fmt: skip
FIELDS = frozenset(KEYS.values())


class _Refused(Exception):
    """A ruling that does not count; carries its diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


def read_rulings(
    program: ir.Program, case: Case, given: Iterable[Mapping[str, Any]], language: Language = "zh"
) -> tuple[tuple[Ruling, ...], tuple[Election, ...], tuple[Diagnostic, ...]]:
    """The rulings and elections that count, and a diagnostic for each that does not."""
    rulings: list[Ruling] = []
    elections: list[Election] = []
    errors: list[Diagnostic] = []
    for index, mapping in enumerate(given):
        reader = _Reader(program, case, f"rulings[{index}]", language)
        try:
            fields = reader.fields(mapping)
            if "exclusive" in fields:
                elections.append(reader.election(fields))
            else:
                rulings.append(reader.ruling(fields))
        except _Refused as refused:
            errors.append(refused.diagnostic)
    return tuple(rulings), tuple(elections), tuple(errors)


class _Reader:
    def __init__(self, program: ir.Program, case: Case, where: str, language: Language) -> None:
        self.program, self.case, self.where, self.language = program, case, where, language

    def refuse(self, code: str, *fields: tuple[str, str]) -> _Refused:
        return _Refused(Diagnostic(code, self.where, self.language, fields))

    def malformed(self, zh: str, en: str) -> _Refused:
        return self.refuse("G005", ("why", zh if self.language == "zh" else en), ("hint", ""))

    def fields(self, mapping: object) -> dict[str, Any]:
        if not isinstance(mapping, Mapping):
            raise self.malformed("每项裁量应是一组字段", "each ruling is a group of fields")
        fields = {}
        for key, value in mapping.items():
            name = KEYS.get(str(key), str(key))
            if name not in FIELDS:
                hint = did_you_mean(str(key), [*KEYS, *FIELDS], self.language)
                shown = f"`{key}`"
                why = f"没有字段 {shown}" if self.language == "zh" else f"no field {shown}"
                raise self.refuse("G005", ("why", why), ("hint", hint))
            fields[name] = value
        return fields

    def day(self, value: object) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise self.malformed(
                f"`{value}` 不是日期，写成 2020-04-06", f"`{value}` is not a date, write 2020-04-06"
            ) from None

    def maker(self, fields: Mapping[str, Any]) -> tuple[str, date]:
        by = fields.get("by")
        if not isinstance(by, str) or not by.strip() or fields.get("date") is None:
            raise self.refuse("G001")
        return by.strip(), self.day(fields["date"])

    def named(self, word: object, table: Mapping[str, ir.Name]) -> str | None:
        return next((ident for ident, name in table.items() if word in (name.id, name.zh)), None)

    def subject(self, value: object, entities: Iterable[str]) -> Instance:
        """The record a ruling is about: by its path, by what it is called, or the only one there is."""
        fitting = [record for record in self.case.subjects if record.entity in entities]
        if value is None and len(fitting) == 1:
            return fitting[0]
        found = [r for r in fitting if value in (r.path, self.called(r))]
        if len(found) == 1:
            return found[0]
        known = [name for r in fitting for name in (r.path, self.called(r)) if name]
        hint = ("可写：" if self.language == "zh" else "one of: ") + "、".join(known)
        raise self.refuse("G004", ("name", str(value)), ("hint", hint))

    def called(self, record: Instance) -> str:
        fact = self.program.entities[record.entity].called
        return str(record.known(fact)) if fact and record.known(fact) is not None else ""

    def ruling(self, fields: Mapping[str, Any]) -> Ruling:
        by, day = self.maker(fields)
        clauses = {ident: versions[0] for ident, versions in self.program.clauses.items()
                   if isinstance(versions[0].effect, ir.Grant) and versions[0].effect.may}  # fmt: skip
        names = {ident: clause.basis.name for ident, clause in clauses.items()}
        ident = self.named(fields.get("clause"), names)
        if ident is None:
            hint = did_you_mean(str(fields.get("clause")), [n.zh for n in names.values()], self.language)
            raise self.refuse("G003", ("name", str(fields.get("clause"))), ("hint", hint))
        clause = clauses[ident]
        record = self.subject(fields.get("subject"), [clause.entity])
        application = self.day(fields["application"]) if fields.get("application") is not None else None
        choices = None if fields.get("decline") is True else self.choices(clause, fields.get("choose"))
        return Ruling(ident, record, day, by, str(fields.get("reason", "")), choices, application)

    def choices(self, clause: ir.Clause, given: object) -> tuple[tuple[str, int], ...]:
        """The quantity chosen for each thing the clause leaves open, inside its range."""
        if not clause.discretion and given in (None, True):
            return ()
        if not isinstance(given, Mapping):
            raise self.malformed("缺少 选定（或 不给予: true）", "`choose` (or `decline: true`) is missing")
        names = {d.name.id: d.name for d in clause.discretion}
        chosen = {}
        for key, number in given.items():
            ident = self.named(key, names)
            if ident is None:
                hint = did_you_mean(str(key), [n.zh for n in names.values()], self.language)
                raise self.refuse("G003", ("name", str(key)), ("hint", hint))
            chosen[ident] = number
        found = []
        for discretion in clause.discretion:
            number = chosen.get(discretion.name.id)
            whole = number if isinstance(number, int) and not isinstance(number, bool) else None
            if whole is None or not discretion.low <= whole <= discretion.high:
                raise self.refuse(
                    "G002", ("name", discretion.name.label(self.language)), ("found", str(number)),
                    ("low", str(discretion.low)), ("high", str(discretion.high)),
                )  # fmt: skip
            found.append((discretion.name.id, whole))
        return tuple(found)

    def election(self, fields: Mapping[str, Any]) -> Election:
        by, day = self.maker(fields)
        table = {e.basis.name.id: e for e in self.program.exclusives}
        ident = self.named(fields["exclusive"], {i: e.basis.name for i, e in table.items()})
        measure = self.named(fields.get("measure"), {i: m.name for i, m in self.program.measures.items()})
        if ident is None or measure not in table[ident].measures or table[ident].how != "by_election":
            raise self.refuse("G003", ("name", str(fields["exclusive"])), ("hint", ""))
        entities = self.choosers(table[ident])
        return Election(
            ident, self.subject(fields.get("subject", self.case.root.path), entities), measure, day, by
        )

    def choosers(self, exclusive: ir.Exclusive) -> set[str]:
        """The entities whose records may choose: the one that the rule names, else those that draw the measures."""
        named = {
            name
            for name, entity in self.program.entities.items()
            if exclusive.chooser in (name, entity.name.zh)
        }
        return named or {e for m in exclusive.measures for e in self.program.measures[m].entities}
