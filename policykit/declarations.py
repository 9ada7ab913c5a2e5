"""Symbols → ir.Program: every declaration in its final form, with its expressions lowered.

The last step that reads syntax. It strings `resolver` (citations) and `lowering` (expressions) together, so it may
import both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from policykit import ir, words
from policykit.cases import examples
from policykit.datatypes import BOOL, Type, number, parse_unit
from policykit.lowering import Declared, Fault, Lowering, Scope, on_subject
from policykit.ops import OPS
from policykit.resolver import citations, part_name, quoted
from policykit.symbols import EFFECTS, Symbols
from policykit.syntax import (
    Declaration,
    DeclarationKind,
    Expr,
    Field,
    Part,
    Quantity,
    Quote,
    Rising,
    Term,
    TypeName,
    Word,
    words_in,
)
from policykit.words import OBJECTIVE_KINDS

MOST_ITEMS = 200
LIST_KINDS: tuple[ir.ListKind, ...] = ("members", "records", "refers")


def assemble(symbols: Symbols, texts: dict[str, ir.Text]) -> ir.Program:
    """The program that the symbols declare; what cannot be understood is reported and left out."""
    return _Assembly(symbols, texts).program()


class _Assembly:
    def __init__(self, symbols: Symbols, texts: dict[str, ir.Text]) -> None:
        self.symbols, self.texts = symbols, texts
        self.types = Declared(symbols)

    # -- helpers

    def lowering(self, declaration: Declaration) -> Lowering:
        return Lowering(self.symbols, declaration, self.types)

    def every(self, kind: str) -> Iterable[tuple[str, Declaration]]:
        return [(ident, d) for ident, versions in self.symbols.declared[kind].items() for d in versions]

    def firsts(self, kind: str) -> Iterable[tuple[str, Declaration]]:
        return [(ident, versions[0]) for ident, versions in self.symbols.declared[kind].items()]

    def basis(self, ident: str, declaration: Declaration) -> ir.Basis:
        readings = []
        for field in declaration.all("readings"):
            for word in field.values:
                found = self.symbols.require(declaration, "reading", word)
                if found:
                    readings.append(found)
        name = self.symbols.names[declaration.kind, ident]
        cites = citations(self.symbols, declaration, self.texts)
        return ir.Basis(name, declaration.name.span, cites, tuple(readings))

    def refs(self, declaration: Declaration, kind: DeclarationKind, words: Iterable[Word]) -> tuple[str, ...]:
        found = (self.symbols.require(declaration, kind, word) for word in words)
        return tuple(ident for ident in found if ident is not None)

    def subjects(self, declaration: Declaration) -> tuple[str, ...]:
        words = list(declaration.header.get("for_each", ()))
        for field in declaration.all("for_each"):
            words.extend(field.values)
        return self.refs(declaration, "entity", words)

    @staticmethod
    def text(declaration: Declaration, keyword: str) -> str:
        field = declaration.get(keyword)
        return quoted(field.values[0]) if field and field.values else ""

    def optional(
        self, declaration: Declaration, keyword: str, scope: Scope, wanted: Type | None
    ) -> ir.Expr | None:
        """The expression of a field, if the field is there and can be understood."""
        field = declaration.get(keyword)
        if field is None:
            return None
        lowering = self.lowering(declaration)
        expr = lowering.expr(field.values[0], scope, wanted)
        return lowering.expect(expr, wanted) if wanted is not None else expr

    # -- the program

    def program(self) -> ir.Program:
        self.choices()
        self.entities()
        self.signatures()
        for name in self.inner_first():
            if name in self.types.pending:
                self.types.lower_define(name)
        self.ranges()
        defines = {
            name: self.define(name, d)
            for name, d in self.types.defines.items()
            if name not in self.types.failed
        }
        amounts = [a for ident, d in self.every("amount") if (a := self.amount(ident, d))]
        clauses: dict[str, list[ir.Clause]] = {}
        for ident, declaration in self.every("clause"):
            clause = self.clause(ident, declaration)
            if clause is not None:
                clauses.setdefault(ident, []).append(clause)
        sources = sorted({m.source.file: m.source.text for m in self.symbols.homes.values()}.items())
        content = [*(f"{file}\0{text}" for file, text in sources), *(t.content for t in self.texts.values())]
        uppers = {e.upper for e in self.types.entities.values() if e.upper}
        root = next(
            (e for e in self.types.entities if e in uppers and self.types.entities[e].upper is None), ""
        )
        return ir.Program(
            texts=self.texts,
            entities=self.types.entities,
            choices=self.types.choices,
            parameters=self.types.parameters,
            defines=defines,
            measures=self.types.measures,
            acts=self.acts(),
            amounts=tuple(amounts),
            clauses={ident: tuple(versions) for ident, versions in clauses.items()},
            exclusives=tuple(self.exclusive(ident, d) for ident, d in self.firsts("exclusion")),
            readings={ident: self.reading(ident, d) for ident, d in self.firsts("reading")},
            notes=tuple(n for ident, d in self.every("note") if (n := self.note(ident, d))),
            properties=tuple(p for ident, d in self.every("property") if (p := self.property(ident, d))),
            objectives=tuple(self.objective(ident, d) for ident, d in self.firsts("objective")),
            sheets=tuple(self.sheet(ident, d) for ident, d in self.firsts("sheet")),
            examples=tuple(examples(self.symbols, self.types, self.assumed())),
            root=root,
            blockers=self.blockers(clauses),
            fingerprint=hashlib.sha256("\0".join(content).encode("utf-8", "surrogatepass")).hexdigest(),
            language=next((m.language for m in self.symbols.homes.values()), "zh"),
        )

    def inner_first(self) -> list[str]:
        """The defined terms, each after those that its words may refer to: lowering one then finds the others done."""
        uses: dict[str, list[str]] = {}
        for name, versions in self.types.pending.items():
            words = words_in([field for d in versions for field in d.all("body")])
            uses[name] = [ident for word in sorted(words) if (ident := self.symbols.find("define", word))]
        found: dict[str, None] = {}
        begun: set[str] = set()
        todo = [(name, False) for name in reversed(uses)]
        while todo:
            name, done = todo.pop()
            if done:
                found[name] = None
            elif name not in begun:
                begun.add(name)
                todo += [(name, True), *((other, False) for other in uses[name])]
        return list(found)

    def choices(self) -> None:
        built_in = ir.OUTCOME.name
        self.types.choices[built_in.id] = ir.OUTCOME
        self.symbols.names["choice", built_in.id] = built_in
        for ident, declaration in self.firsts("choice"):
            if ident == built_in.id or declaration.name.text == built_in.zh:
                about = (("name", declaration.name.text), ("other", "policykit"))
                self.symbols.report(declaration, "N002", declaration.name.span, *about)
                continue
            options, seen = [], set[str]()
            for label in declaration.header.get("labels", ()):
                name = ir.Name(label.ident or label.name.text, label.name.text)
                for text in {name.id, name.zh}:
                    if text in seen:
                        self.symbols.report(
                            declaration,
                            "N002",
                            label.name.span,
                            ("name", text),
                            ("other", declaration.name.text),
                        )
                    seen.add(text)
                options.append(ir.Option(name, label.code))
            name = self.symbols.names["choice", ident]
            self.types.choices[ident] = ir.Choice(
                name, tuple(options), declaration.header.get("heaviest_first")
            )

    def type(self, declaration: Declaration, written: TypeName) -> Type | None:
        kind = written.rule.removesuffix("_type")
        if kind == "number":
            return number(parse_unit(written.unit)[0] if written.unit else (), written.optional)
        if kind in ("choice", "multi"):
            assert written.of is not None
            of = self.symbols.require(declaration, "choice", written.of)
            return Type("choice" if kind == "choice" else "multi", of, (), written.optional) if of else None
        if kind == "record":
            assert written.of is not None
            of = self.symbols.require(declaration, "entity", written.of)
            return Type("record", of, (), written.optional) if of else None
        match kind:
            case "bool" | "text" | "date" | "month" as plain:
                return Type(plain, optional=written.optional)
        raise AssertionError(kind)

    def entities(self) -> None:
        uppers: dict[str, str] = {}
        for ident, declaration in self.firsts("entity"):
            for field in declaration.all("members"):
                item = self.symbols.find("entity", field.values[0].values[0].text)
                if item:
                    uppers[item] = ident
        of_entity: dict[str | None, list[tuple[str, Declaration]]] = {}
        for key, fact in self.firsts("fact"):
            of_entity.setdefault(self.symbols.find("entity", fact.name.text), []).append((key, fact))
        for _, fact in of_entity.get(None, ()):
            self.symbols.lost |= {fact.header["names"][0].text, fact.ident}
        for ident, declaration in self.firsts("entity"):
            lists = {}
            for keyword in LIST_KINDS:
                for field in declaration.all(keyword):
                    made = self.list_of(ident, declaration, keyword, field)
                    if made:
                        lists[made.name.id] = made
                    else:
                        self.symbols.lost |= {field.values[0].name.text, field.values[0].ident}
            facts = {}
            for key, fact in of_entity.get(ident, ()):
                made_fact = self.fact(ident, key, fact)
                if made_fact:
                    facts[made_fact.name.id] = made_fact
                else:
                    self.symbols.lost |= {fact.header["names"][0].text, fact.ident}
            called, known = declaration.get("called"), declaration.get("known_from")
            unit = words.unit(declaration.header["unit"], "zh", True) if "unit" in declaration.header else ""
            entity = ir.Entity(
                self.symbols.names["entity", ident], unit, facts, lists, uppers.get(ident),
                self.fact_name(declaration, facts, called), self.fact_name(declaration, facts, known), declaration.name.span,
            )  # fmt: skip
            self.types.entities[ident] = entity
        for _, fact in self.firsts("fact"):
            self.symbols.require(fact, "entity", fact.name)

    def fact_name(
        self, declaration: Declaration, facts: dict[str, ir.FactDecl], field: Field | None
    ) -> str | None:
        if field is None:
            return None
        word = field.values[0]
        found = next((f.name.id for f in facts.values() if word.text in (f.name.id, f.name.zh)), None)
        if found is None:
            names = [n for f in facts.values() for n in (f.name.id, f.name.zh)]
            hint = self.symbols.hint(word.text, names, self.symbols.language(declaration))
            self.symbols.report(declaration, "N001", word.span, ("name", word.text), ("hint", hint))
        else:
            self.symbols.tie(word, facts[found].name)
        return found

    def list_of(
        self, entity: str, declaration: Declaration, kind: ir.ListKind, field: Field
    ) -> ir.ListDecl | None:
        part: Part = field.values[0]
        item_word, *rest = part.values
        item = self.symbols.require(declaration, "entity", item_word)
        if item is None:
            return None
        if not part.ident and not part.name.text.isascii():
            self.symbols.report(declaration, "N005", part.name.span, ("name", part.name.text))
        size = next((value for value in rest if isinstance(value, tuple)), (0, MOST_ITEMS))
        single = kind == "refers" and "SEVERAL" not in rest
        return ir.ListDecl(
            part_name(part), entity, item, kind, single, "NONE" in rest, size[0], size[1], "", part.name.span
        )

    def fact(self, entity: str, key: str, declaration: Declaration) -> ir.FactDecl | None:
        of = self.type(declaration, declaration.header["type"])
        if of is None:
            return None
        evidence, judgement = declaration.get("evidence"), declaration.get("judgement")
        return ir.FactDecl(
            self.symbols.names["fact", key], entity, of, None, None, self.text(declaration, "question"),
            declaration.get("fixed") is not None, declaration.get("sensitive") is not None,
            self.text(declaration, "evidence") if evidence else None,
            self.text(declaration, "judgement") if judgement else None,
            declaration.name.span,
        )  # fmt: skip

    def signatures(self) -> None:
        """The types of parameters, measures and clauses' subjects, before any expression is lowered."""
        for ident, declaration in self.firsts("parameter"):
            of = self.type(declaration, declaration.header["type"])
            if of is None:
                self.symbols.lost |= {declaration.name.text, declaration.ident}
                continue
            basis = self.basis(ident, declaration)
            entity = next(iter(self.subjects(declaration)), None)
            keys = self.refs(declaration, "choice", declaration.header.get("keyed", ()))
            self.types.parameters[ident] = ir.Parameter(
                self.symbols.names["parameter", ident], entity, keys, of, None, None, self.text(declaration, "question"),
                self.text(declaration, "document"), (), declaration.name.span, basis.cites, basis.readings,
            )  # fmt: skip
        for ident, declaration in self.firsts("measure"):
            self.types.measures[ident] = ir.Measure(
                self.symbols.names["measure", ident], self.subjects(declaration)
            )
        for ident, declaration in self.firsts("define"):
            entity = next(iter(self.subjects(declaration)), None)
            for version in self.symbols.declared["define"][ident][1:]:
                self.subjects(version)  # the first one counts, but the names of all must be known
            self.types.defines[ident] = ir.Define(self.symbols.names["define", ident], entity, BOOL, ())
            self.types.pending[ident] = self.symbols.declared["define"][ident]
        for ident, versions in self.symbols.declared["clause"].items():
            self.types.clause_entities[ident] = self.subjects(versions[0])
        self.forms()

    def forms(self) -> None:
        """How each measure is paid to each entity, by month or once, as its clauses and amounts are written."""
        for kind in ("amount", "clause"):
            for _, declaration in self.every(kind):
                given = declaration.get("grant") or declaration.get("may_grant")
                measure = self.symbols.find("measure", given.values[0].text) if given else None
                if given is None or measure is None:
                    continue
                said = {term.keyword for term in given.values[1:]} | {f.keyword for f in declaration.fields}
                form = "once" if "once" in said else "monthly" if said & {"monthly", "part"} else None
                entity = next(iter(self.subjects(declaration)), None)
                if form is not None and entity is not None:
                    known = self.types.forms.get((measure, entity), frozenset())
                    self.types.forms[measure, entity] = known | {form}

    def ranges(self) -> None:
        """Ranges of facts and parameters, and what the sheets set."""
        for key, declaration in self.firsts("fact"):
            entity = self.types.entities.get(self.symbols.find("entity", declaration.name.text) or "")
            fact = entity.facts.get(self.symbols.names["fact", key].id) if entity else None
            if entity is not None and fact is not None and declaration.get("range"):
                low, high = self.range(declaration, on_subject(fact.entity), fact.type)
                entity.facts[fact.name.id] = replace(fact, low=low, high=high)
        settings: dict[str, list[ir.Setting]] = {}
        for _, declaration in self.every("setting"):
            found = self.symbols.require(declaration, "parameter", declaration.name)
            if found in self.types.parameters:
                setting = self.setting(found, declaration)
                if setting:
                    for other in settings.get(found, ()):
                        if (other.keys, other.sheet) == (
                            setting.keys,
                            setting.sheet,
                        ) and other.period.overlaps(setting.period):
                            periods = (("first", str(other.period)), ("second", str(setting.period)))
                            self.symbols.report(
                                declaration,
                                "C003",
                                declaration.name.span,
                                ("name", declaration.name.text),
                                *periods,
                            )
                    settings.setdefault(found, []).append(setting)
        for ident, parameter in list(self.types.parameters.items()):
            declaration = self.symbols.declared["parameter"][ident][0]
            low, high = self.range(declaration, on_subject(parameter.entity), parameter.type)
            own = settings.get(ident, [])
            body = declaration.header.get("body")
            if body is not None:
                own.append(self.own_value(parameter, declaration, body))
            self.types.parameters[ident] = replace(parameter, low=low, high=high, settings=tuple(own))

    def own_value(self, parameter: ir.Parameter, declaration: Declaration, body: Expr) -> ir.Setting:
        value = self.attempt(declaration, body, on_subject(parameter.entity), parameter.type)
        return ir.Setting((), value, declaration.period, parameter.document, "", declaration.name.span)

    def attempt(self, declaration: Declaration, body: Expr, scope: Scope, wanted: Type) -> ir.Expr | None:
        lowering = self.lowering(declaration)
        try:
            return lowering.expect(lowering.expr(body, scope, wanted), wanted)
        except Fault:
            return None

    def range(
        self, declaration: Declaration, scope: Scope, of: Type
    ) -> tuple[ir.Expr | None, ir.Expr | None]:
        field = declaration.get("range")
        if field is None:
            return None, None
        low, high = (self.attempt(declaration, value, scope, of.required()) for value in field.values)
        if isinstance(low, ir.Const) and isinstance(high, ir.Const) and low.value.value > high.value.value:
            self.empty_range(declaration, low, high)
        return low, high

    def empty_range(self, declaration: Declaration, low: ir.Expr, high: ir.Expr) -> None:
        """Reports a range whose ends are the wrong way round."""
        text = self.symbols.source(declaration).text
        ends = (("low", text[low.span.start : low.span.end]), ("high", text[high.span.start : high.span.end]))
        self.symbols.report(declaration, "T009", low.span, *ends)

    def setting(self, ident: str, declaration: Declaration) -> ir.Setting | None:
        parameter = self.types.parameters[ident]
        words = declaration.header.get("names", [])
        keys = []
        if len(words) != len(parameter.keys):
            sig = "、".join(self.symbols.names["choice", c].zh for c in parameter.keys) or "—"
            self.symbols.report(declaration, "T003", declaration.name.span, ("name", declaration.name.text),
                                ("types", "、".join(w.text for w in words) or "—"), ("sig", f"[{sig}]"))  # fmt: skip
            return None
        lowering = self.lowering(declaration)
        for word, choice in zip(words, parameter.keys, strict=True):
            try:
                keys.append(lowering.label(word, Type("choice", choice)).value.value)
            except Fault:
                return None
        body, document = declaration.header.get("body"), self.text(declaration, "document")
        value = None
        if body is not None:
            value = self.attempt(declaration, body, on_subject(parameter.entity), parameter.type)
            if value is None:
                return None
        module = self.symbols.home(declaration)
        sheet = next((d.ident or d.name.text for d in module.declarations if d.kind == "sheet"), "")
        return ir.Setting(tuple(keys), value, declaration.period, document, sheet, declaration.name.span)

    def define(self, ident: str, define: ir.Define) -> ir.Define:
        versions = [
            ir.Version(self.basis(ident, d), d.period, self.types.lowered[id(d)])
            for d in self.symbols.declared["define"][ident]
            if id(d) in self.types.lowered
        ]
        return ir.Define(define.name, define.entity, define.type, tuple(versions))

    def acts(self) -> dict[str, ir.Act]:
        found = {}
        for ident, declaration in self.firsts("act"):
            whole = next(iter(self.refs(declaration, "act", declaration.header.get("names", ()))), None)
            found[ident] = ir.Act(self.symbols.names["act", ident], whole)
        for ident, declaration in self.firsts("act"):
            chain = [ident]
            while (whole := found[chain[-1]].part_of) is not None and whole not in chain:
                chain.append(whole)
            if whole == ident:
                labels = " → ".join(found[act].name.zh for act in (*chain, ident))
                self.symbols.report(declaration, "C001", declaration.name.span, ("chain", labels))
        return found

    # -- amounts and clauses

    def payment(
        self,
        basis: ir.Basis,
        declaration: Declaration,
        measure: str,
        entity: str,
        scope: Scope,
        terms: Iterable[Term],
    ) -> ir.Amount | None:
        """The amount that the fields or inline terms spell out, or `None` when they spell none."""
        given = {term.keyword: term.value for term in terms}
        for keyword in ("monthly", "once", "start_month", "months"):
            field = declaration.get(keyword)
            if field is not None:
                given[keyword] = field.values[0]
        lowering = self.lowering(declaration)
        parts = []
        for field in declaration.all("part"):
            part: Part = field.values[0]
            parts.append(ir.AmountPart(part_name(part), lowering.expr(part.values[0], scope)))
        form: Literal["once", "monthly"] = "once" if "once" in given else "monthly"
        if form not in given and not parts:
            return None
        wanted = number(parse_unit("元" if form == "once" else "元/月")[0])
        if form in given:
            total = lowering.expr(given[form], scope)
        else:
            total = parts[0].expr
            for part_ in parts[1:]:
                total = lowering.overload("PLUS", [OPS["add"]], (total, part_.expr), part_.expr.span)
        if total.type.optional and total.type.required() == wanted:
            raise lowering.fault("T006", total.span, ("why", declaration.name.text))
        lowering.expect(total, wanted)
        for part_ in parts:
            lowering.expect(part_.expr, number(wanted.dimension, optional=True))
        start = (
            lowering.expect(lowering.expr(given["start_month"], scope), Type("month", optional=True))
            if "start_month" in given
            else None
        )
        months = (
            lowering.expect(lowering.expr(given["months"], scope), number((("月", 1),)))
            if "months" in given
            else None
        )
        return ir.Amount(basis, measure, entity, declaration.period, form, total, tuple(parts), start, months)

    def amount(self, ident: str, declaration: Declaration) -> ir.Amount | None:
        field = declaration.get("grant")
        measure = self.symbols.require(declaration, "measure", field.values[0]) if field else None
        entity = next(iter(self.subjects(declaration)), None)
        if measure is None or entity is None:
            return None
        try:
            self.entitled(declaration, measure, entity, field.values[0] if field else declaration.name)
            basis = self.basis(ident, declaration)
            return self.payment(basis, declaration, measure, entity, on_subject(entity), ())
        except Fault:
            return None

    def clause(self, ident: str, declaration: Declaration) -> ir.Clause | None:
        basis = self.basis(ident, declaration)
        entities = self.subjects(declaration)
        effect_field = next((f for f in declaration.fields if f.keyword in EFFECTS), None)
        if not entities or effect_field is None:
            return None
        entity, scope = entities[0], on_subject(entities[0])
        lowering = self.lowering(declaration)
        first = next(iter(self.types.clause_entities[ident]), entity)
        if entity != first:
            labels = (self.types.entity_label(first), self.types.entity_label(entity))
            self.symbols.report(declaration, "C009", declaration.name.span, ("name", declaration.name.text),
                                ("first", labels[0]), ("second", labels[1]))  # fmt: skip
            return None
        try:
            discretion = tuple(
                self.discretion(declaration, field, scope, lowering)
                for field in declaration.all("discretion")
            )
            for choice in discretion:
                var = ir.Var(f"choice:{choice.name.id}", choice.type, basis.span)
                scope.named[choice.name.id] = scope.named[choice.name.zh] = var
            return ir.Clause(
                basis, entity, declaration.period, self.optional(declaration, "as_of", scope, Type("date", optional=True)),
                self.optional(declaration, "scope", scope, BOOL), self.optional(declaration, "when", scope, BOOL),
                self.effect(basis, declaration, effect_field, entity, scope, lowering),
                frozenset(self.refs(declaration, "clause", [w for f in declaration.all("above") for w in f.values])),
                self.to_confirm(declaration, scope, lowering), self.text(declaration, "outside"), discretion,
                self.optional(declaration, "application", scope, None),
            )  # fmt: skip
        except Fault:
            return None

    def entitled(self, declaration: Declaration, measure: str, entity: str, word: Word) -> None:
        """Refuses a rule that pays a measure to an entity it is not declared for."""
        entities = self.types.measures[measure].entities
        if entities and entity not in entities:
            listed = "、".join(self.types.entity_label(e) for e in entities)
            found = self.types.entity_label(entity)
            raise self.lowering(declaration).fault(
                "T002", word.span, ("wanted", listed), ("found", found), ("hint", "")
            )

    def effect(
        self,
        basis: ir.Basis,
        declaration: Declaration,
        field: Field,
        entity: str,
        scope: Scope,
        lowering: Lowering,
    ) -> ir.Effect:
        name, *terms = field.values
        match field.keyword:
            case "grant" | "may_grant":
                measure = self.required(declaration, "measure", name)
                self.entitled(declaration, measure, entity, name)
                own = self.payment(basis, declaration, measure, entity, scope, terms)
                return ir.Grant(measure, field.keyword == "may_grant", own)
            case "withhold":
                words = [value for value in field.values if isinstance(value, Word)]
                return ir.Withhold(self.refs(declaration, "measure", words), "WITH_MEMBERS" in field.values)
            case "duty":
                return self.duty(declaration, name, terms, scope, lowering)
            case "ban":
                return ir.Ban(self.required(declaration, "act", name))
            case "listing" | "referral" | "finding" as kind:
                text = next((value.text for value in terms if isinstance(value, Quote)), "")
                return ir.Record(kind, name.text, text)
        raise AssertionError(field.keyword)

    def required(self, declaration: Declaration, kind: DeclarationKind, word: Word) -> str:
        found = self.symbols.require(declaration, kind, word)
        if found is None:
            raise Fault
        return found

    def duty(
        self, declaration: Declaration, name: Word, terms: list[Term], scope: Scope, lowering: Lowering
    ) -> ir.Duty:
        given = {term.keyword: term.value for term in terms}
        done = lowering.truth(given["done"], scope) if "done" in given else None
        due = every = None
        if isinstance(given.get("due"), str):
            given.pop("due")
        if "due" in given:
            due = lowering.expect(lowering.expr(given["due"], scope), Type("date", optional=True))
        if "every" in given:
            every = lowering.expr(given["every"], scope)
            if every.type.dimension not in ((("月", 1),), (("天", 1),)):
                wanted = "若干个月或若干天" if lowering.language == "zh" else "months or days"
                raise lowering.fault(
                    "T002", every.span, ("wanted", wanted), ("found", lowering.show(every.type)), ("hint", "")
                )
        return ir.Duty(
            self.required(declaration, "act", name), done, due, every, quoted(given.get("by_whom"))
        )

    def to_confirm(
        self, declaration: Declaration, scope: Scope, lowering: Lowering
    ) -> tuple[tuple[str, ir.Expr | None], ...]:
        items: list[tuple[str, ir.Expr | None]] = []
        for field in declaration.all("confirm"):
            for value in field.values:
                if isinstance(value, Word):
                    found = lowering.first(value, scope, None)
                    if isinstance(found, ir.Items):
                        raise lowering.wrong_kind(value, found)
                    items.append((self.label(value), lowering.expect(found, BOOL)))
                else:
                    items.append((value.text, None))
        return tuple(items)

    def discretion(
        self, declaration: Declaration, field: Field, scope: Scope, lowering: Lowering
    ) -> ir.Discretion:
        part: Part = field.values[0]
        low, high, holder, *limit = part.values
        if isinstance(low, Quantity) and isinstance(high, Quantity) and not low.unit:
            low = Quantity(low.number, high.unit, low.span)
        ends = [lowering.expr(end, scope) for end in (low, high)]
        lowering.expect(ends[0], ends[1].type)
        numbers = [self.whole(end, lowering) for end in ends]
        if numbers[0] > numbers[1]:
            self.empty_range(declaration, *ends)
        bound = lowering.expr(limit[0], scope) if limit else None
        if bound is not None and bound.type.kind != "number":
            raise lowering.wanted(bound, "number")
        return ir.Discretion(
            part_name(part),
            numbers[0],
            numbers[1],
            ends[1].type,
            quoted(holder),
            bound,
            quoted(limit[1]) if limit else "",
        )

    def whole(self, expr: ir.Expr, lowering: Lowering) -> int:
        """A whole number written out, as an end of what an approver may choose."""
        number = expr.value.value if isinstance(expr, ir.Const) and expr.type.kind == "number" else None
        if not isinstance(number, int):
            wanted = "写明的整数" if lowering.language == "zh" else "a whole number written out"
            found = lowering.show(expr.type) if number is None else str(number)
            raise lowering.fault("T002", expr.span, ("wanted", wanted), ("found", found), ("hint", ""))
        return number

    def blockers(self, clauses: dict[str, list[ir.Clause]]) -> dict[str, frozenset[str]]:
        """For each clause, every clause that overrides it, by the transitive closure of 优先于 and 让位于."""
        direct: dict[str, set[str]] = {ident: set() for ident in clauses}
        for ident, declaration in self.every("clause"):
            for keyword in ("above", "below"):
                words = [w for f in declaration.all(keyword) for w in f.values]
                for other in self.refs(declaration, "clause", words) if keyword == "below" else [
                    o for w in words if (o := self.symbols.find("clause", w.text))]:  # fmt: skip
                    low, high = (other, ident) if keyword == "above" else (ident, other)
                    direct.setdefault(low, set()).add(high)
        closed: dict[str, frozenset[str]] = {}
        for ident in direct:
            reached: set[str] = set()
            stack = list(direct[ident])
            while stack:
                higher = stack.pop()
                if higher not in reached:
                    reached.add(higher)
                    stack.extend(direct.get(higher, ()))
            closed[ident] = frozenset(reached)
        return closed

    # -- the rest

    def exclusive(self, ident: str, declaration: Declaration) -> ir.Exclusive:
        names = declaration.header.get("names", ())
        how, chooser = declaration.header.get("how", "by_election"), declaration.header.get("chooser")
        if chooser is not None and (entity := self.symbols.find("entity", chooser.text)):
            self.symbols.tie(chooser, self.symbols.names["entity", entity])
        return ir.Exclusive(
            self.basis(ident, declaration), self.refs(declaration, "measure", names), how, self.label(chooser)
        )

    def label(self, word: Word | None) -> str:
        """The Chinese name of what a word means, or the word itself where it means nothing declared."""
        if word is None:
            return ""
        name = self.symbols.tied.get(word.span)
        return name.zh if name else word.text

    def reading(self, ident: str, declaration: Declaration) -> ir.Reading:
        refused = tuple(quoted(f.values[0]) for f in declaration.all("refused"))
        seen = [word for field in declaration.all("see") for word in field.values]
        for word in seen:
            kinds: list[DeclarationKind] = ["define", "parameter", "clause", "amount", "measure", "exclusion"]
            found = next((kind for kind in kinds if word.text in self.symbols.ids[kind]), kinds[0])
            self.symbols.require(declaration, found, word)
        basis = self.basis(ident, declaration)
        return ir.Reading(
            basis,
            declaration.header.get("ruling_id", ""),
            self.text(declaration, "chosen"),
            refused,
            tuple(map(self.label, seen)),
            basis.name.en,
        )

    def note(self, ident: str, declaration: Declaration) -> ir.Note | None:
        entity = next(iter(self.subjects(declaration)), None)
        if entity is None:
            return None
        try:
            test = self.optional(declaration, "when", on_subject(entity), BOOL)
        except Fault:
            return None
        text, urgent = self.text(declaration, "say"), declaration.get("urgent") is not None
        return ir.Note(self.basis(ident, declaration), entity, declaration.period, test, text, urgent)

    def property(self, ident: str, declaration: Declaration) -> ir.Property | None:
        entity, then = next(iter(self.subjects(declaration)), None), declaration.get("then")
        basis = self.basis(ident, declaration)
        if entity is None:
            return None
        lowering, scope = self.lowering(declaration), on_subject(entity)
        try:
            given = tuple(lowering.truth(f.values[0], scope) for f in declaration.all("suppose"))
            if then is None:
                return None
            claim = then.values[0]
            if isinstance(claim, Rising):
                rising = lowering.rising(claim, entity)
                return ir.Property(basis, entity, declaration.period, given, None, rising)
            return ir.Property(basis, entity, declaration.period, given, lowering.truth(claim, scope), None)
        except Fault:
            return None

    def objective(self, ident: str, declaration: Declaration) -> ir.Objective:
        written, reason = declaration.get("kind"), declaration.get("reason")
        kind: ir.ObjectiveKind = "objective"
        if written is not None:
            word = written.values[0]
            found = next((k for k, spellings in OBJECTIVE_KINDS.items() if word.text in spellings), None)
            kind = found or kind
            if found is None:
                self.symbols.report(declaration, "Q007", word.span, ("found", word.text))
        if reason is not None and not self.text(declaration, "reason").strip():
            self.symbols.report(declaration, "Q008", reason.values[0].span, ("name", declaration.name.text))
        return ir.Objective(self.basis(ident, declaration), kind, self.text(declaration, "reason"))

    def assumed(self) -> dict[int, list[tuple[str, ir.Setting]]]:
        """The parameters that each case sets, by its declaration."""
        found: dict[int, list[tuple[str, ir.Setting]]] = {}
        for _, declaration in self.firsts("example"):
            for field in declaration.all("assume"):
                word, keys, body = field.values
                ident = self.symbols.require(declaration, "parameter", word)
                if ident in self.types.parameters:
                    header = {"names": list(keys), "body": body}
                    made = replace(declaration, name=word, header=header, fields=())
                    self.symbols.homes[id(made)] = self.symbols.home(declaration)
                    setting = self.setting(ident, made)
                    del self.symbols.homes[id(made)]
                    if setting is not None:
                        found.setdefault(id(declaration), []).append((ident, setting))
        return found

    def sheet(self, ident: str, declaration: Declaration) -> ir.Sheet:
        file = self.symbols.source(declaration).file
        return ir.Sheet(self.symbols.names["sheet", ident], bool(declaration.header.get("example")), file)
