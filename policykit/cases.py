"""案例 → ir.Example: every place and name of a case tied to its declaration.

Values stay as household data gives them: `records` reads them when the case is run, as it reads any household.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Literal

from policykit import ir, syntax, words
from policykit.datatypes import parse_unit
from policykit.facts import path_text
from policykit.lowering import Declared
from policykit.source import Span
from policykit.symbols import Symbols
from policykit.syntax import Declaration, Place, Quantity, Word
from policykit.words import STATES, UNKNOWN, listed

MOST_LIKE = 20  # cases that each start from another
_DECLINED = ir.Name("decline", "不给予")
_UNKNOWN = ir.Name(UNKNOWN[1], UNKNOWN[0])


class _Wrong(Exception):
    """Something of a case that cannot be understood; already reported."""


def examples(
    symbols: Symbols, types: Declared, settings: dict[int, list[tuple[str, ir.Setting]]]
) -> Iterator[ir.Example]:
    """The cases of some files; `settings` are the parameters that each sets, by its declaration."""
    for ident, (declaration, *_) in symbols.declared["example"].items():
        try:
            yield _Reader(symbols, types, ident, declaration, settings).example()
        except _Wrong:
            continue


class _Reader:
    def __init__(
        self,
        symbols: Symbols,
        types: Declared,
        ident: str,
        declaration: Declaration,
        settings: dict[int, list[tuple[str, ir.Setting]]],
    ) -> None:
        self.symbols, self.types, self.ident, self.declaration = symbols, types, ident, declaration
        self.settings = settings
        self.line = self.ancestry()  # the case it starts from first, itself last
        self.on = self.day()
        self.root = self.described()

    def fault(self, code: str, span: Span, *fields: tuple[str, str]) -> _Wrong:
        self.symbols.report(self.declaration, code, span, *fields)
        return _Wrong()

    def say(self, zh: str, en: str) -> str:
        return zh if self.symbols.language(self.declaration) == "zh" else en

    # -- what it starts from

    def ancestry(self) -> list[Declaration]:
        found = [self.declaration]
        while (field := found[0].get("like")) is not None:
            ident = self.symbols.require(found[0], "example", field.values[0])
            if ident is None:
                raise _Wrong
            other = self.symbols.declared["example"][ident][0]
            if other in found or len(found) > MOST_LIKE:
                chain = " → ".join(d.name.text for d in (other, *found))
                raise self.fault("C001", field.span, ("chain", chain))
            found.insert(0, other)
        return found

    def day(self) -> date:
        days: list[date] = [f.values[0] for d in self.line for f in d.all("on")]
        if not days:
            kind = self.say("案例", "case")
            raise self.fault("P006", self.declaration.name.span, ("kind", kind), ("name", self.declaration.name.text),
                             ("field", self.say("评价日", "on day")))  # fmt: skip
        return days[-1]

    def described(self) -> str:
        """What the case describes: the lowest entity to which something is granted that knows its first place, or one above it."""
        granted = {entity for measure in self.types.measures.values() for entity in measure.entities}
        tops = [
            e
            for e in self.types.entities.values()
            if e.upper is None and any(d.kind == "members" for d in e.lists.values())
        ]
        levels = [tops[0].name.id] if tops else []
        while levels and levels[-1] not in granted:
            lower = [d.item for d in self.types.entities[levels[-1]].lists.values() if d.kind == "members"]
            if not lower:
                break
            levels.append(lower[0])
        first = next(
            (g.place.steps[0][0].text for d in self.line for f in d.all("given") for g in f.values), None
        )
        for level in reversed(levels):
            if first is None or self.types.on_entity(level, first) is not None:
                return level
        if not levels:
            raise _Wrong  # nothing is declared that a case could describe
        return levels[-1]

    # -- the case

    def example(self) -> ir.Example:
        own = self.declaration
        cells = [self.cell(g) for d in self.line for f in d.all("given") for g in f.values]
        expected = tuple(self.expectation(f.values[0]) for f in own.all("expect"))
        columns = [place for f in own.all("columns") for place in f.values]
        trials = [ir.Trial(tuple(cells), expected, own.name.span)] if expected or not own.get("row") else []
        for field in own.all("row"):
            trials.append(self.row(field.values[0], columns, cells))
        sheets = [f.values[0].text for d in self.line for f in d.all("uses")]
        return ir.Example(
            self.symbols.names["example", self.ident], self.on, sheets[-1] if sheets else "",
            tuple(pair for d in self.line for pair in self.settings.get(id(d), ())),
            any(d.get("rest") for d in self.line),
            tuple(self.ruling(f.values[0]) for d in self.line for f in d.all("ruled")),
            tuple(trials), own.name.span,
        )  # fmt: skip

    def row(self, row: syntax.Row, columns: Sequence[Place], cells: Sequence[ir.Cell]) -> ir.Trial:
        if len(row.values) != len(columns):
            fields = (("found", str(len(row.values))), ("wanted", self.say(f"{len(columns)} 个值，每列一个", f"{len(columns)} values, one a column")))  # fmt: skip
            raise self.fault("P011", row.span, *fields)
        own = [self.cell(syntax.Given(p, v, "", row.span)) for p, v in zip(columns, row.values, strict=True)]
        return ir.Trial((*cells, *own), tuple(map(self.expectation, row.expected)), row.span)

    # -- facts

    def walk(self, place: Place) -> tuple[list[str | int], ir.FactDecl | ir.ListDecl | None]:
        """The path of a place, and the fact or list that it ends in; `None` when it ends in a record."""
        entity, path = self.root, list[str | int]()
        found: ir.FactDecl | ir.ListDecl | None = None
        for word, number in place.steps:
            if isinstance(found, ir.FactDecl):
                raise self.unknown(word, ())
            uppers = self.types.uppers(entity)[1:]
            upper = self.symbols.find("entity", word.text)
            found = self.types.on_entity(entity, word.text)
            if found is None and upper in uppers:
                self.symbols.tie(word, self.symbols.names["entity", upper])
                path, entity = [*path, upper], upper
                continue
            if found is None:
                raise self.unknown(word, self.types.names_on(entity))
            self.symbols.tie(word, found.name)
            path.append(found.name.id)
            if isinstance(found, ir.ListDecl) and (
                number is not None or (found.single and word is not place.steps[-1][0])
            ):
                path += [] if number is None else [number - 1]
                entity, found = found.item, None
            elif number is not None:
                raise self.fault("N004", word.span, ("name", word.text), ("found", self.say("不是列表", "no list")),
                                 ("wanted", self.say("列表", "a list")), ("hint", ""))  # fmt: skip
        return path, found

    def unknown(self, word: Word, known: Sequence[str]) -> _Wrong:
        if word.text in self.symbols.lost:
            return _Wrong()
        hint = self.symbols.hint(word.text, known, self.symbols.language(self.declaration))
        return self.fault("N001", word.span, ("name", word.text), ("hint", hint))

    def cell(self, given: syntax.Given) -> ir.Cell:
        path, decl = self.walk(given.place)
        if decl is None:  # one element of a list: it can only be the record that stands elsewhere
            if not isinstance(given.value, Place):
                raise self.wrong_kind(given.place, "一条记录", "a record", "事实", "a fact")
            return ir.Cell(tuple(path), self.reference(given.value), given.span)
        value = self.value(given.value, decl)
        if isinstance(decl, ir.FactDecl) and decl.judgement is not None and given.paper:
            value = {"value": value, "by": given.paper, "reason": given.paper, "date": self.on.isoformat()}
        elif given.paper:
            value = {"value": value, "source": given.paper}
        return ir.Cell(tuple(path), value, given.span)

    def wrong_kind(self, place: Place, found: str, found_en: str, wanted: str, wanted_en: str) -> _Wrong:
        word = place.steps[-1][0]
        return self.fault("N004", word.span, ("name", word.text), ("found", self.say(found, found_en)),
                          ("wanted", self.say(wanted, wanted_en)), ("hint", ""))  # fmt: skip

    def reference(self, place: Place) -> dict[str, str]:
        """A record of the same household, named by where it stands."""
        path, target = self.walk(place)
        if target is not None:
            raise self.wrong_kind(place, "事实", "a fact", "一条记录", "a record")
        return {"ref": path_text(path)}

    def value(self, given: syntax.GivenValue, decl: ir.FactDecl | ir.ListDecl) -> Any:
        """A value as household data gives it."""
        many = not decl.single if isinstance(decl, ir.ListDecl) else decl.type.kind == "multi"
        match given:
            case Quantity(number, unit):
                text = _decimal(number)
                return f"{text} {words.unit(unit, 'zh', True)}" if unit else text
            case syntax.Literal_(value=None):
                return [] if many else "无"
            case syntax.Literal_(value=bool() as truth):
                return truth
            case syntax.Literal_(value=value):
                return str(value)
            case Place(steps=((word, None),)) if word.text in UNKNOWN:
                return {"unknown": self.called(word, [_UNKNOWN])}
            case Place(steps=((word, None),)) if isinstance(decl, ir.FactDecl) and decl.type.kind != "record":
                return [self.label(word, decl)] if many else self.label(word, decl)
            case Place():
                return self.reference(given)
        return [self.label(word, decl) for word in given]

    def label(self, word: Word, decl: ir.FactDecl | ir.ListDecl) -> str:
        """A label by its Chinese name; a word that is none is left for the reading of the household to refuse."""
        choice = self.types.choices.get(decl.type.of) if isinstance(decl, ir.FactDecl) else None
        return self.called(word, [option.name for option in choice.options] if choice else [])

    def called(self, word: Word, names: Iterable[ir.Name]) -> str:
        """The Chinese name of what a word means among these names, or the word itself."""
        for name in names:
            if word.text in (name.zh, name.id):
                self.symbols.tie(word, name)
                return name.zh
        return word.text

    # -- rulings and expectations

    def subject(self, place: Place | None) -> str:
        if place is None:
            return self.root
        path, target = self.walk(place)
        assert target is None
        return path_text(path)

    def ruling(self, ruled: syntax.Ruled) -> dict[str, Any]:
        base = {
            "subject": self.subject(ruled.subject),
            "date": ruled.day.isoformat(),
            "by": self.declaration.name.text,
        }
        exclusion = self.symbols.find("exclusion", ruled.name.text)
        if exclusion:
            self.symbols.tie(ruled.name, self.symbols.names["exclusion", exclusion])
            measures = [self.types.measures[m].name for m in self.types.measures]
            words = [self.called(word, measures) for word, _ in ruled.chosen]
            return {**base, "exclusive": exclusion, "measure": next(iter(words), "")}
        clause = self.symbols.require(self.declaration, "clause", ruled.name)
        if clause is None:
            raise _Wrong
        names = [_DECLINED, *self.chosen(clause)]
        chosen = {self.called(word, names): quantity for word, quantity in ruled.chosen}
        if _DECLINED.zh in chosen:
            return {**base, "clause": clause, "decline": True}
        numbers = {name: int(q.number) for name, q in chosen.items() if q is not None}
        return {**base, "clause": clause, "choose": numbers or True}

    def chosen(self, clause: str) -> list[ir.Name]:
        """What a clause leaves to somebody's discretion."""
        versions = self.symbols.declared["clause"][clause]
        parts = [field.values[0] for version in versions for field in version.all("discretion")]
        return [ir.Name(part.ident or part.name.text, part.name.text) for part in parts]

    def expectation(self, written: syntax.Expectation) -> ir.Expectation:
        about, name = self.about(written.name)
        terms = {term.keyword: term.value for term in written.terms}
        form: Literal["monthly", "once", ""] = (
            "monthly" if "monthly" in terms else "once" if "once" in terms else ""
        )
        ends = [self.amount(end) for end in terms.get(form, ())]
        by, holders, missing, kind = set[str](), set[str](), set[str](), "by_whom"
        for term in written.terms:
            kind = term.keyword if term.keyword in ("by_whom", "missing") else kind
            if isinstance(term.value, syntax.Quote):
                holders.add(term.value.text)
            elif term.keyword in ("by_whom", "missing", "also") and kind == "missing":
                missing.add(self.called(term.value, self.may_be_missing()))
            elif term.keyword in ("by_whom", "also"):
                clause = self.symbols.require(self.declaration, "clause", term.value)
                if clause is None:
                    raise _Wrong
                by.add(clause)
        months = self.amount(terms["months"]) if "months" in terms else None
        return ir.Expectation(
            about, self.subject(written.subject), name, self.state(about, written.state), form,
            ends[0] if ends else None, ends[-1] if ends else None, terms.get("start_month"),
            int(months) if months is not None else None, terms.get("due"), frozenset(by), frozenset(holders),
            frozenset(missing), written.span,
        )  # fmt: skip

    def may_be_missing(self) -> Iterator[ir.Name]:
        """The names of everything that can be unknown: facts, lists and parameters."""
        for entity in self.types.entities.values():
            yield from (fact.name for fact in entity.facts.values())
            yield from (list_.name for list_ in entity.lists.values())
        yield from (parameter.name for parameter in self.types.parameters.values())

    def about(self, word: Word) -> tuple[Literal["measure", "clause", "note"], str]:
        kinds: tuple[Literal["measure", "clause", "note"], ...] = ("measure", "clause", "note")
        for kind in kinds:
            ident = self.symbols.find(kind, word.text)
            if ident is not None:
                self.symbols.tie(word, self.symbols.names[kind, ident])
                return kind, ident
        raise self.unknown(word, [name for kind in kinds for name in self.symbols.ids[kind]])

    def state(self, about: str, word: Word) -> str:
        known = STATES[about]
        found = next((ident for ident, spelled in known.items() if word.text in spelled), None)
        if found is not None:
            self.symbols.tied[word.span] = ir.Name(known[found][1], known[found][0])
        if found is None:
            names = [spelled[0 if self.say("zh", "en") == "zh" else 1] for spelled in known.values()]
            hint = self.say("可写：", "one of: ") + listed(names, self.symbols.language(self.declaration), 20)
            raise self.fault("N001", word.span, ("name", word.text), ("hint", hint))
        return found

    def amount(self, written: syntax.Expr) -> Fraction:
        if not isinstance(written, Quantity):
            raise self.fault("T002", written.span, ("wanted", self.say("带单位的数", "a number with its unit")),
                             ("found", "…"), ("hint", ""))  # fmt: skip
        return written.number * (parse_unit(written.unit)[1] if written.unit else 1)


def _decimal(number: Fraction) -> str:
    """A number as a person writes it, exactly."""
    places = 0
    while (number * 10**places).denominator != 1 and places < 30:
        places += 1
    whole = int(number * 10**places)
    text = str(abs(whole)).rjust(places + 1, "0")
    sign = "-" if whole < 0 else ""
    return f"{sign}{text[:-places]}.{text[-places:]}" if places else f"{sign}{text}"
