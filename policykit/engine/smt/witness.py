"""From a model back to a household that the reference engine can read, and from a household to constraints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import z3

from policykit import ir
from policykit.datatypes import Type
from policykit.engine.smt import logic
from policykit.engine.smt.logic import Day, Labels, Num, Pick, Text, Truth, Value
from policykit.engine.smt.variables import Record
from policykit.engine.smt.verdicts import Verdicts
from policykit.facts import Case, Instance
from policykit.values import Bounds, Gap, Month, Options, Subset, exactly
from policykit.values import Value as Known

PAPER = {"zh": "凭证", "en": "paper"}


@dataclass(frozen=True, slots=True)
class Witness:
    """One household that shows something: what `evaluate` takes, with the parameters that it supposes.

    `parameters` are the values of unset parameters by the gap that each fills, `besides` what else no household says
    and yet is asked for: a term that has no version on the day, and whether a ruling to come will grant.
    """

    on: date
    household: dict[str, Any]
    rulings: tuple[dict[str, Any], ...]
    parameters: dict[Gap, Known]
    besides: dict[Gap, Known] = field(default_factory=dict)


class Reader:
    """Reads a model; `instead` are facts to be read of another variable, by record path and name."""

    def __init__(
        self, verdicts: Verdicts, model: z3.ModelRef, instead: Mapping[tuple[str, str], Value] | None = None
    ) -> None:
        self.verdicts, self.model, self.instead = verdicts, model, instead or {}
        self.program, self.vars = verdicts.program, verdicts.vars
        self.texts = {number: text for text, number in self.vars.texts.items()}
        self.called: dict[Record, str] = {}

    def truth(self, truth: Truth) -> bool:
        if isinstance(truth, bool):
            return truth
        return bool(z3.is_true(self.model.eval(truth, model_completion=True)))

    def term(self, term: Any) -> int:
        if isinstance(term, int):
            return term
        found = self.model.eval(term, model_completion=True)
        assert isinstance(found, z3.IntNumRef), found
        return int(found.as_long())

    def plain(self, value: Value) -> Any:
        """The plain value of a term in the model; `None` is 无. A month comes as its index."""
        match value:
            case Num():
                return None if self.truth(value.none) else Fraction(self.term(value.top), value.den)
            case Day():
                if self.truth(value.none):
                    return None
                month = self.term(value.month)
                return date(month // 12, month % 12 + 1, self.term(value.day))
            case Pick():
                return next(one for one, guard in value.ways if self.truth(guard))
            case Labels():
                return frozenset(label for label, inside in value.holds if self.truth(inside))
            case Text():
                if self.truth(value.none):
                    return None
                number = self.term(value.number)
                return self.texts.get(number, f"甲{number}" if number >= 0 else f"乙{-number}")
        return self.truth(value)

    def value(self, value: Value, of: Type) -> Any:
        """The plain value of a type."""
        found = self.plain(value)
        if found is not None and of.kind == "month":
            return Month(int(found) // 12, int(found) % 12 + 1)
        if isinstance(found, Fraction) and found.denominator == 1:
            return int(found)
        return found

    # -- the household

    @property
    def on(self) -> date:
        found = self.plain(self.verdicts.world.today)
        assert isinstance(found, date)
        return found

    def witness(self) -> Witness:
        world = self.verdicts.world
        household = self.record(world.root)
        for record, name in self.called.items():
            self.raw[record]["id"] = name
        return Witness(
            self.on, household, tuple(self.rulings()), dict(self.parameters()), dict(self.besides())
        )

    raw: dict[Record, dict[str, Any]]

    def record(self, record: Record) -> dict[str, Any]:
        """A record with everything that is read of it; what nothing reads is not mentioned."""
        if record is self.verdicts.world.root:
            self.raw = {}
        own = self.raw[record] = {}
        entity = self.program.entities[record.entity]
        world = self.verdicts.world
        for name, decl in entity.facts.items():
            found = self.instead.get((record.path, name), self.vars.facts.get((record.path, name)))
            if found is not None:
                own[name] = self.written(found, decl)
        for name, listed in entity.lists.items():
            if listed.single:
                found = self.vars.facts.get((record.path, name))
                if isinstance(found, Pick):
                    own[name] = self.reference(self.plain(found), world.below(record, name))
            elif (record.path, name) in self.vars.lists:
                own[name] = list(self.listed(record, listed))
        outside = entity.upper if record.upper is None else None
        above = self.vars.records.get(f"{record.path}.{outside}") if outside else None
        if above is not None:
            own[above.entity] = self.record(above)
        return own

    def listed(self, owner: Record, decl: ir.ListDecl) -> Iterator[Any]:
        path = self.verdicts.world.below(owner, decl.name.id)
        for number, filled in enumerate(self.vars.lists[owner.path, decl.name.id]):
            if not self.truth(filled):
                continue
            place = f"{path}[{number}]"
            if decl.kind == "refers":
                found = self.vars.facts.get((place, ""))
                apart = self.vars.records.get(place) or Record(decl.item, place)
                yield self.reference(self.plain(found) if found is not None else apart, place)
            else:
                yield self.record(self.vars.records[place])

    def reference(self, to: Record | None, place: str) -> Any:
        if to is None:
            return "无"
        if to.path == place:
            return self.record(to)
        self.called.setdefault(to, f"甲{len(self.called) + 1}")
        return {"ref": self.called[to]}

    def written(self, value: Value, decl: ir.FactDecl) -> Any:
        return vouched(data(self.value(value, decl.type), decl.type), decl, self.on)

    # -- what was decided, and what was supposed

    def rulings(self) -> Iterator[dict[str, Any]]:
        """What this program can read of it: the variables may be shared with another."""
        day = self.on.isoformat()
        for (clause, path), (pick, choices) in self.vars.rulings.items():
            state = self.plain(pick)
            effects = [version.effect for version in self.program.clauses.get(clause, ())]
            left_open = any(isinstance(effect, ir.Grant) and effect.may for effect in effects)
            if state == "none" or not left_open or not self.there(path):
                continue
            said: dict[str, Any] = {"decline": True}
            if state == "granted":
                own = [discretion.name.id for discretion in self.program.clauses[clause][0].discretion]
                said = {"choose": {name: self.term(choices[name].top) for name in own}}
            yield {"clause": clause, "subject": path, "date": day, "by": "审批机关", **said}
        elected = {e.basis.name.id: e.measures for e in self.program.exclusives}
        for (exclusive, path), chosen in self.vars.elections.items():
            measure = self.plain(chosen)
            if measure in elected.get(exclusive, ()):
                yield {"exclusive": exclusive, "subject": path, "measure": measure, "date": day, "by": "本户"}

    def there(self, path: str) -> bool:
        """Whether a record is in the household."""
        record = self.vars.records[path]
        return record in self.raw

    def parameters(self) -> Iterator[tuple[Gap, Known]]:
        world = self.verdicts.world
        for (name, path, labels), value in self.vars.parameters.items():
            if labels == ("term",) or name not in self.program.parameters or (path and not self.there(path)):
                continue
            declared = self.program.parameters[name]
            shown = f"{name}[{','.join(labels)}]" if labels else name
            setting = declared.setting(labels, world.stretch.first)
            cause = "out of range" if setting is not None and setting.value is not None else "unset"
            yield Gap("parameter", path, shown, cause), known(self.value(value, declared.type), declared.type)

    def besides(self) -> Iterator[tuple[Gap, Known]]:
        for (name, path, labels), value in self.vars.parameters.items():
            if labels == ("term",) and (not path or self.there(path)):
                of = self.program.defines[name].type
                yield Gap("parameter", path, name, "no version in force"), known(self.value(value, of), of)
        for (measure, path), comes in self.vars.pending.items():
            if self.there(path):
                yield Gap("ruling", path, measure), exactly(self.truth(comes))


def vouched(found: Any, decl: ir.FactDecl, on: date) -> Any:
    """A fact as household data, with the paper or the signature without which it would not count."""
    if decl.judgement is not None:
        return {"value": found, "by": decl.judgement or "判断人", "reason": "假设", "date": on.isoformat()}
    if decl.evidence is not None and found not in (False, "无", []):
        return {"value": found, "source": decl.evidence or PAPER["zh"]}
    return found


def data(plain: Any, of: Type) -> Any:
    """A plain value as household data."""
    match plain:
        case None:
            return "无"
        case frozenset():
            return sorted(plain)
        case date() | Month():
            return str(plain)
        case bool() | str():
            return plain
    number = Fraction(plain) / (100 ** dict(of.dimension).get("元", 0) if of.money else 1)
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    if number.denominator == 1:
        return int(number)
    return f"{exact * 100}%" if not of.dimension else exact


def known(plain: Any, of: Type) -> Known:
    """A plain value as the reference engine knows it."""
    if plain is None and of.kind in ("choice", "record", "text"):
        return Options(frozenset([None]))
    return exactly(plain)


# ---- a household given --------------------------------------------------------------------------------------------------


def given(verdicts: Verdicts, case: Case) -> Iterator[Truth]:
    """That the household looked at is this one, as far as it is known and anything was asked of it.

    What it leaves open stays free. Ask first, then call this: only variables that exist are held to it, and those whose
    range mentions other facts, for a known one says something of these whoever asks for it.
    """
    variables = verdicts.vars
    for place in list(variables.records.values()):
        described = case.index.get(place.path)
        facts = verdicts.program.entities[place.entity].facts
        for name, said in described.facts.items() if described is not None else ():
            if said.value is not None and name in facts and not facts[name].fixed_range:
                verdicts.world.fact(place, name)
    for (path, name), value in list(variables.facts.items()):
        if name == "":
            yield from _element(path, value, case)
            continue
        record = case.index.get(path) if path else None
        fact = record.facts.get(name) if record is not None else None
        if fact is not None and fact.value is not None:
            yield _is(value, fact.value)
    for (path, name), filled in list(variables.lists.items()):
        owner = case.index.get(path)
        listing = owner.lists.get(name) if owner is not None else None
        if listing is None:
            continue
        for number, there in enumerate(filled):
            if number < len(listing.items):
                yield there
            elif listing.complete:
                yield logic.negate(there)
        if len(listing.items) > len(filled):
            raise logic.Refused(f"{path}.{name}")


def _element(place: str, value: Value, case: Case) -> Iterator[Truth]:
    """Which record an element of a list of references is."""
    owner_path, _, rest = place.rpartition(".")
    name, _, number = rest.partition("[")
    owner = case.index.get(owner_path) if owner_path else case.root
    listing = owner.lists.get(name) if owner is not None else None
    at = int(number.rstrip("]"))
    if listing is not None and at < len(listing.items):
        yield _is(value, Options(frozenset([listing.items[at]])))


def _is(value: Value, known_: Known) -> Truth:
    """That a term has one of the values that are possible."""
    match value, known_:
        case Pick(), Options(values=frozenset() as values):
            named = {one.path if isinstance(one, Instance) else one for one in values}
            return logic.either(
                g for one, g in value.ways if (one.path if isinstance(one, Record) else one) in named
            )
        case Labels(), Subset():
            inside = [value.of(label) for label in known_.must]
            outside = [logic.negate(truth) for label, truth in value.holds if label not in known_.may]
            return logic.both([*inside, *outside])
        case Pick() | Text(), Options(values=None):
            return True
        case Text(), _:
            return True  # texts are looked at as equal or not; see `named`
        case ((Num() | Day() | bool() | z3.BoolRef()), Bounds()):
            if known_.lo is None:
                return logic.none_of(value)
            if isinstance(value, bool | z3.BoolRef):
                if known_.lo != known_.hi:
                    return True
                return value if known_.lo else logic.negate(value)
            low, high = term(known_.lo), term(known_.hi)
            order = logic.ordered(value)
            between = logic.both((logic.at_most(low, order), logic.at_most(order, high)))
            none = logic.none_of(value)
            return logic.either((none, between)) if known_.none else logic.both((logic.negate(none), between))
    raise AssertionError((value, known_))


def term(plain: Any) -> Num:
    """A known number, month or day in its order."""
    match plain:
        case Month():
            return logic.in_month(plain)
        case date():
            return logic.on_day(plain).key
    return logic.exact(plain)
