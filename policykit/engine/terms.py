"""Expressions → values: what is known of every term of a program on one case.

The readable half of the reference: one `match` over the ir, and for facts, parameters and lists what "not given"
means. Nothing here knows of clauses or outcomes; those come in through `Judge`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Protocol, TypeAlias

from policykit import ir
from policykit.datatypes import Type, widest
from policykit.facts import Case, Instance, Listing
from policykit.ops import OPS, Element
from policykit.trace import Step
from policykit.values import (
    FALSE,
    NONE,
    NOTHING,
    TRUE,
    Bounds,
    Gap,
    Missing,
    Number,
    Options,
    Subset,
    Value,
    both,
    exactly,
    gaps,
    join,
    month_of,
    settle,
)

Env: TypeAlias = Mapping[str, Value]
MOST_MONTHS = 1200


class Judge(Protocol):
    """Who answers what a clause or a measure comes to for a record."""

    def verdict(self, kind: str, name: str, subject: Instance) -> Value: ...


@dataclass(slots=True, eq=False)
class StandIn(Instance):
    """A record nobody described, of which nothing is known but the gap that it fills.

    It may be any record, a described one too, so comparing it with another decides nothing.
    """

    vague: ClassVar[bool] = True
    gap: Gap | None = None


def subject(instance: Instance) -> Env:
    """The environment of a rule on one record."""
    return {"self": Options(frozenset([instance]))}


class Terms:
    """The values of terms on one case, on one day, under some assumptions about gaps.

    `behind` tells for each open comparison the gaps of its operands; `sheets` the parameter sheets that were read.
    """

    def __init__(
        self,
        program: ir.Program,
        case: Case,
        on: date,
        judge: Judge,
        assumed: Mapping[Gap, Value],
        behind: dict[Gap, Missing],
    ) -> None:
        self.program, self.case, self.on, self.judge = program, case, on, judge
        self.assumed, self.behind = assumed, behind
        self.sheets: set[str] = set()
        self._defined: dict[tuple[str, Instance | None], Value] = {}
        self._facts: dict[tuple[Instance, str], Value] = {}
        self._rest: dict[tuple[Instance, str], Instance] = {}

    def inherit(self, other: Terms, gap: Gap) -> None:
        """Takes over what another pass found without this gap: a value it keeps open carries it as missing."""
        self._defined = {key: value for key, value in other._defined.items() if gap not in value.missing}
        self._facts = {key: value for key, value in other._facts.items() if gap not in value.missing}
        self._rest = other._rest
        self.sheets = other.sheets

    # -- expressions

    def value(self, expr: ir.Expr, env: Env) -> Value:
        """What is known of an expression."""
        match expr:
            case ir.Const(value=value):
                return value
            case ir.Today(type=of):
                return exactly(month_of(self.on) if of.kind == "month" else self.on)
            case ir.Var(slot=slot):
                return env[slot]
            case ir.Fact(subject=of_, name=name):
                return self.over(of_, env, lambda record: self.fact(record, name), expr.type)
            case ir.Up(subject=of_, type=of):
                return self.over(of_, env, lambda record: whole(self.upper(record, of.of)), of)
            case ir.Param(name=name, subject=None, keys=keys):
                return self.parameter(name, None, keys, env)
            case ir.Param(name=name, subject=of_, keys=keys) if of_ is not None:
                return self.over(of_, env, lambda record: self.parameter(name, record, keys, env), expr.type)
            case ir.Ref(name=name, subject=None):
                return self.defined(name, None)
            case ir.Ref(name=name, subject=of_) if of_ is not None:
                return self.over(of_, env, lambda record: self.defined(name, record), expr.type)
            case ir.Apply():
                return self.apply(expr, env)
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                test = self.truth(condition, env)
                if test.known:
                    return self.value(then if test.lo else otherwise, env)
                branches = (self.value(then, env), self.value(otherwise, env))
                return settle(join(branches), test.missing | gaps(branches))
            case ir.Fold():
                return self.fold(expr, env)
            case ir.Verdict(kind=kind, name=name, subject=of_):
                return self.over(of_, env, lambda record: self.judge.verdict(kind, name, record), expr.type)
        raise AssertionError(expr)

    def truth(self, expr: ir.Expr, env: Env) -> Bounds:
        """What is known of a condition."""
        value = self.value(expr, env)
        assert isinstance(value, Bounds)
        return value

    def over(self, of: ir.Expr, env: Env, read: Callable[[Instance], Value], type_: Type) -> Value:
        """What is read of a record; of each record that it may be, when it is not known which."""
        record = self.value(of, env)
        assert isinstance(record, Options) and record.values is not None
        if record.known and record.value is not None:
            return read(record.value)
        found = [nothing(type_) if one is None else read(one) for one in in_order(record.values)]
        return settle(join(found), record.missing | gaps(found))

    def apply(self, expr: ir.Apply, env: Env) -> Value:
        op = OPS[expr.op]
        result = op.apply(tuple(self.value(arg, env) for arg in expr.args))
        if result.known or not expr.shape or stands_for_many(env):
            return result
        places = ",".join(
            f"{slot}={place(value)}" for slot, value in sorted(env.items()) if slot in expr.shape
        )
        gap = Gap("comparison", places, expr.shape)
        if gap in self.assumed:
            return self.assumed[gap]
        self.behind[gap] = result.missing
        return settle(result, result.missing | {gap})

    # -- facts

    def fact(self, record: Instance, name: str) -> Value:
        """A fact of a record: as given, or whatever its type and range allow."""
        key = (record, name)
        if key not in self._facts:
            self._facts[key] = self._read_fact(record, name)
        return self._facts[key]

    def _read_fact(self, record: Instance, name: str) -> Value:
        given = record.facts.get(name)
        if given is not None and given.value is not None:
            return given.value
        gap = record.rest or Gap("fact", record.path, name, given.cause if given else "")
        if gap in self.assumed:
            return self.assumed[gap]
        entity = self.program.entities[record.entity]
        if name in entity.lists:
            return self._unknown_reference(record, entity.lists[name], gap)
        decl = entity.facts[name]
        return self.unknown(decl.type, decl.low, decl.high, gap, record)

    def _unknown_reference(self, record: Instance, decl: ir.ListDecl, gap: Gap) -> Value:
        """A reference nobody gave: some record of which nothing is known, or 无 where that is allowed."""
        stand_in = self._rest.setdefault((record, decl.name.id), self._stand_in(decl, record, gap))
        return Options(frozenset([stand_in, None] if decl.optional else [stand_in]), frozenset([gap]))

    def unknown(
        self, of: Type, low: ir.Expr | None, high: ir.Expr | None, gap: Gap, record: Instance | None
    ) -> Value:
        """Everything a type and a declared range allow; the range may mention other facts."""
        labels = self.program.choices[of.of].labels if of.kind in ("choice", "multi") else frozenset[str]()
        value = widest(of, frozenset([gap]), labels)
        if not isinstance(value, Bounds) or (low is None and high is None):
            return value
        env = subject(record) if record is not None else {}
        floor = self.value(low, env) if low is not None else value
        ceiling = self.value(high, env) if high is not None else value
        assert isinstance(floor, Bounds) and isinstance(ceiling, Bounds)
        lo = value.lo if floor.lo is None else floor.lo
        hi = value.hi if ceiling.hi is None else max(lo, ceiling.hi)
        return settle(Bounds(lo, hi, value.none), value.missing | floor.missing | ceiling.missing)

    def upper(self, record: Instance, entity: str) -> Instance:
        """The record of a higher entity that a record lies in; an unknown one for a record that lies nowhere."""
        found = record.upper
        while found is not None and found.entity != entity:
            found = found.upper
        if found is None:
            key = (record, entity)
            gap = record.gap if isinstance(record, StandIn) else None
            path = f"{record.path}.{entity}"
            found = self._rest.setdefault(key, StandIn(entity, path, rest=record.rest, gap=gap))
        return found

    # -- lists

    def listing(self, record: Instance, name: str) -> Iterator[tuple[Instance, Bounds, int]]:
        """The elements of a list, whether each is there, and how many it stands for.

        An element whose own date makes it known is there from that day on. A list that was not given, or not given
        completely, ends in a stand-in for what else it may hold, unless it is assumed to hold nothing more.
        """
        decl = self.program.entities[record.entity].lists[name]
        given = record.lists.get(name, Listing((), False))
        for item in given.items:
            yield item, self.present(item), 1
        more = decl.most - len(given.items)
        if not given.complete and more > 0:
            gap = record.rest or Gap("list", record.path, name, given.cause)
            if gap in self.assumed:
                return
            rest = self._rest.setdefault((record, name), self._stand_in(decl, record, gap, many=True))
            yield rest, both([Bounds(False, True, missing=frozenset([gap])), self.present(rest)]), more

    def _stand_in(self, decl: ir.ListDecl, record: Instance, gap: Gap, many: bool = False) -> Instance:
        upper = record if decl.kind == "members" else None
        path = f"{record.path}.{decl.name.id}" + ("[…]" if many else "")
        return StandIn(decl.item, path, upper, rest=gap if many else record.rest, gap=gap)

    def present(self, record: Instance) -> Bounds:
        """Whether a record was known on the day asked for."""
        dated = self.program.entities[record.entity].known_from
        if dated is None:
            return TRUE
        months = self.program.entities[record.entity].facts[dated].type.kind == "month"
        result = OPS["le"].apply(
            (self.fact(record, dated), exactly(month_of(self.on) if months else self.on))
        )
        assert isinstance(result, Bounds)
        return result

    def fold(self, expr: ir.Fold, env: Env) -> Value:
        op = OPS[expr.op]
        if isinstance(expr.domain, ir.MonthRange):
            elements = [self.element(expr, env, *month) for month in self.months(expr.domain, env)]
            return op.apply_fold(elements)
        name = expr.domain.name

        def read(record: Instance) -> Value:
            found = [
                self.element(expr, env, Options(frozenset([item])), present, many, item)
                for item, present, many in self.listing(record, name)
            ]
            return op.apply_fold(found)

        owner = self.value(expr.domain.subject, env)
        assert isinstance(owner, Options) and owner.values is not None
        results = [op.apply_fold([]) if one is None else read(one) for one in in_order(owner.values)]
        return settle(join(results), owner.missing | gaps(results))

    def element(
        self, expr: ir.Fold, env: Env, item: Value, present: Bounds, many: int, record: Any = None
    ) -> Element:
        """One element of a fold, with its filter and what it contributes."""
        inner = {**env, expr.slot: item}
        test = TRUE if expr.where is None or not present.hi else self.truth(expr.where, inner)
        if expr.op == "all":
            return Element(present, test, many, record)
        passes = both([present, test])
        take = TRUE if expr.take is None or not passes.hi else self.value(expr.take, inner)
        return Element(passes, take, many, record)

    def months(self, domain: ir.MonthRange, env: Env) -> Iterator[tuple[Value, Bounds, int]]:
        """The months of a range, each perhaps there when an end is not known."""
        first, last = self.value(domain.first, env), self.value(domain.last, env)
        assert isinstance(first, Bounds) and isinstance(last, Bounds)
        if first.lo is None or last.lo is None:
            return
        count = last.hi.minus(first.lo) + 1
        if count > MOST_MONTHS:
            missing = gaps((first, last))
            yield Bounds(first.lo, last.hi, missing=missing), Bounds(False, True, missing=missing), count
            return
        for index in range(count):
            month = exactly(first.lo.plus(index))
            inside = [OPS["le"].apply((first, month)), OPS["le"].apply((month, last))]
            yield month, both(value for value in inside if isinstance(value, Bounds)), 1

    # -- parameters and defined terms

    def parameter(self, name: str, record: Instance | None, keys: tuple[ir.Expr, ...], env: Env) -> Value:
        """A parameter as a sheet sets it, else anything in its range."""
        if not keys:
            return self.setting(name, record, ())
        at = [self.value(key, env) for key in keys]
        options = [in_order(key.values) for key in at if isinstance(key, Options) and key.values is not None]
        of = self.program.parameters[name].type
        found = [
            nothing(of) if None in labels else self.setting(name, record, labels)
            for labels in itertools.product(*options)
        ]
        return settle(join(found), gaps(at) | gaps(found))

    def setting(self, name: str, record: Instance | None, labels: tuple[str, ...]) -> Value:
        parameter = self.program.parameters[name]
        setting = parameter.setting(labels, self.on)
        shown = f"{name}[{','.join(labels)}]" if labels else name
        env = subject(record) if record is not None else {}
        path = record.path if record is not None else ""
        cause, perhaps = "unset", NOTHING
        if setting is not None and setting.value is not None:
            self.sheets.add(setting.sheet)
            value = self.value(setting.value, env)
            inside = self.inside(setting.value, value, parameter, env)
            if inside.lo:
                return value
            cause = "out of range"
            perhaps = value.missing | inside.missing
        gap = (record.rest if record is not None else None) or Gap("parameter", path, shown, cause)
        if gap in self.assumed:
            return self.assumed[gap]
        found = self.unknown(parameter.type, parameter.low, parameter.high, gap, record)
        # where the value may yet lie inside, it is one of those that the range allows
        return settle(found, found.missing | perhaps)

    def inside(self, formula: ir.Expr, value: Value, parameter: ir.Parameter, env: Env) -> Bounds:
        """Whether what a sheet's formula gives lies in the declared range; 无 does."""
        if not isinstance(value, Bounds) or value.lo is None:
            return TRUE
        above = TRUE if parameter.low is None else self.at_most(parameter.low, formula, env)
        below = TRUE if parameter.high is None else self.at_most(formula, parameter.high, env)
        return both((above, below))

    def at_most(self, small: ir.Expr, large: ir.Expr, env: Env) -> Bounds:
        """Whether one term is at most another: also where both move with the same unknown, as a share of wages does."""
        plain = OPS["le"].apply((self.value(small, env), self.value(large, env)))
        assert isinstance(plain, Bounds)
        if plain.known or small.type.kind != "number":
            return plain
        shares = linear(large)
        for key, (factor, atom) in linear(small).items():
            shares[key] = (shares.get(key, (0, atom))[0] - factor, atom)
        difference: Value = exactly(0)
        for factor, atom in shares.values():
            term = OPS["multiply"].apply((exactly(factor), self.value(atom, env)))
            difference = OPS["add"].apply((difference, term))
        assert isinstance(difference, Bounds)
        sure = difference.lo is not None and not difference.none and difference.lo >= 0
        return TRUE if sure else plain

    def defined(self, name: str, record: Instance | None) -> Value:
        """A defined term; unknown on a day for which it has no version."""
        key = (name, record)
        if key not in self._defined:
            define = self.program.defines[name]
            version = define.on(self.on)
            if version is None:
                gap = Gap("parameter", record.path if record else "", name, "no version in force")
                if gap in self.assumed:
                    self._defined[key] = self.assumed[gap]
                elif define.type.kind == "record":
                    self._defined[key] = Options(frozenset([None]), frozenset([gap]))
                else:
                    self._defined[key] = self.unknown(define.type, None, None, gap, record)
            else:
                self._defined[key] = self.value(version.body, subject(record) if record is not None else {})
        return self._defined[key]

    # -- traces

    def step(self, expr: ir.Expr, env: Env) -> Step:
        """The expression's value with the steps inside it: a defined term opens into its body, a fold into elements."""
        value = self.value(expr, env)
        inside: list[Step] = []
        match expr:
            case ir.Ref(name=name):
                version = self.program.defines[name].on(self.on)
                owner = self.value(expr.subject, env) if expr.subject is not None else None
                if version is not None and (owner is None or (owner.known and owner.value is not None)):
                    inner = {"self": owner} if owner is not None else {}
                    inside.append(self.step(version.body, inner))
            case ir.Param(name=name, keys=()):
                setting = self.program.parameters[name].setting((), self.on)
                owner = self.value(expr.subject, env) if expr.subject is not None else None
                if (
                    setting is not None
                    and setting.value is not None
                    and owner is not None
                    and owner.known
                    and owner.value
                ):
                    inside.append(self.step(setting.value, {"self": owner}))
            case ir.Param(keys=keys) if keys:
                inside += [self.step(key, env) for key in keys]
            case ir.Fold(domain=ir.Items() as domain):
                owner = self.value(domain.subject, env)
                if owner.known and owner.value is not None:
                    inside += self._element_steps(expr, domain, owner.value, env)
            case ir.Apply() | ir.If():
                inside += [self.step(child, env) for child in ir.children(expr)]
        return Step(expr, value, tuple(inside), None, self._reads(expr, env))

    def _element_steps(self, expr: ir.Fold, domain: ir.Items, owner: Instance, env: Env) -> Iterator[Step]:
        for item, present, _ in self.listing(owner, domain.name):
            inner = {**env, expr.slot: Options(frozenset([item]))}
            element = self.element(expr, env, Options(frozenset([item])), present, 1, item)
            shown = [self.step(part, inner) for part in (expr.where, expr.take) if part is not None]
            value = element.present if expr.take is None or not element.present.hi else element.value
            yield Step(expr.take or expr.where or expr, value, tuple(shown), item, item)

    def _reads(self, expr: ir.Expr, env: Env) -> Instance | None:
        """The record whose fact, term or parameter an expression reads."""
        of = getattr(expr, "subject", None)
        if of is None:
            return None
        owner = self.value(of, env)
        return owner.value if owner.known else None


def linear(expr: ir.Expr) -> dict[str, tuple[Number, ir.Expr]]:
    """A term as a sum of factors times terms that are not sums, by their shapes."""
    one = ir.Const(exactly(1), expr.type)
    match expr:
        case ir.Const(value=value):
            return {"": (value.value, one)}
        case ir.Apply(op="add" | "subtract" as op, args=(a, b)):
            found = linear(a)
            for key, (factor, atom) in linear(b).items():
                found[key] = (found.get(key, (0, atom))[0] + (factor if op == "add" else -factor), atom)
            return found
        case (
            ir.Apply(op="multiply", args=(ir.Const() as share, a))
            | ir.Apply(op="multiply", args=(a, ir.Const() as share))
        ):
            return {key: (factor * share.value.value, atom) for key, (factor, atom) in linear(a).items()}
    return {ir.shape(expr): (1, expr)}


def nothing(of: Type) -> Value:
    """What is read of 无: a condition is false, a set of labels empty, anything else is 无."""
    if of.kind == "bool":
        return FALSE
    if of.kind == "multi":
        return Subset(frozenset(), frozenset())
    return Options(frozenset([None])) if of.kind in ("choice", "record", "text") else NONE


def whole(record: Instance) -> Options:
    """One record as a value; what keeps it open is that nobody described it."""
    if isinstance(record, StandIn) and record.gap is not None:
        return Options(frozenset([record]), frozenset([record.gap]))
    return Options(frozenset([record]))


def in_order(records: frozenset[Any] | None) -> list[Any]:
    """Candidates in a fixed order, so that the same input gives the same bytes."""
    return sorted(records or (), key=lambda r: ("", "") if r is None else (getattr(r, "path", ""), str(r)))


def stands_for_many(env: Env) -> bool:
    """Whether a name stands for the unknown rest of a list, about which nothing can be assumed all at once."""
    return any(
        getattr(one, "rest", None) is not None
        for v in env.values()
        if isinstance(v, Options)
        for one in v.values or ()
    )


def place(value: Value) -> str:
    """Where a record stands, or which value a name has."""
    if isinstance(value, Options) and value.known:
        return str(getattr(value.value, "path", value.value))
    return str(value.lo) if isinstance(value, Bounds) and value.known else "?"
