"""Where two rule sets differ as written: what only one declares, what both can read, and what rests on a changed rule.

Rules are told apart by what they mean on a day, whatever file, order or words they stand in, and paired by their
identifiers. What rests on nothing that has changed is equal without a question to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, TypeAlias

from policykit import ir
from policykit.datatypes import Type
from policykit.reach import within

Kind: TypeAlias = Literal["clause", "measure", "define", "parameter", "amount", "entity"]
Node: TypeAlias = tuple[Kind, str]
How: TypeAlias = Literal["only_old", "only_new", "label_only_old", "label_only_new", "range", "paper", "type"]


@dataclass(frozen=True, slots=True)
class Redeclared:
    """A fact, list, choice, entity or parameter that the two declare differently: `names` from the outside inwards."""

    names: tuple[ir.Name, ...]
    how: How


class Incomparable(Exception):
    """Two rule sets that no household can be put to together, with the declarations in which they contradict."""

    def __init__(self, found: Iterable[Redeclared]) -> None:
        self.found = tuple(found)
        super().__init__(", ".join(".".join(name.id for name in one.names) for one in self.found))


# ---- what both can read ----------------------------------------------------------------------------------------------------


def shared(old: ir.Program, new: ir.Program) -> tuple[ir.Program, ir.Program, tuple[Redeclared, ...]]:
    """Both programs, their declarations narrowed to households that both can read, and what was declared differently.

    Raises `Incomparable` where one name stands for two kinds of thing.
    """
    found = [*_redeclared(old, new)]
    contradicting = [one for one in found if one.how == "type"]
    if contradicting:
        raise Incomparable(contradicting)
    return _narrowed(old, new), _narrowed(new, old), tuple(found)


def _redeclared(old: ir.Program, new: ir.Program) -> Iterator[Redeclared]:
    for a, b in _pairs(old.entities, new.entities):
        if a is None or b is None:
            yield _alone(a, b)
            continue
        if a.upper != b.upper:
            yield Redeclared((a.name,), "type")
        for x, y in _pairs(a.facts, b.facts):
            yield from _one_alone(a.name, x, y)
            if x is not None and y is not None:
                if x.type.required() != y.type.required():
                    yield Redeclared((a.name, x.name), "type")
                elif x.type != y.type or _ends(x) != _ends(y):
                    yield Redeclared((a.name, x.name), "range")
                if (x.evidence, x.judgement) != (y.evidence, y.judgement):
                    yield Redeclared((a.name, x.name), "paper")
        for p, q in _pairs(a.lists, b.lists):
            yield from _one_alone(a.name, p, q)
            if p is not None and q is not None:
                if (p.item, p.kind, p.single) != (q.item, q.kind, q.single):
                    yield Redeclared((a.name, p.name), "type")
                elif (p.optional, p.least, p.most) != (q.optional, q.least, q.most):
                    yield Redeclared((a.name, p.name), "range")
    for c, d in _pairs(old.choices, new.choices):
        if c is None or d is None:
            yield _alone(c, d)
            continue
        sides: list[tuple[ir.Choice, ir.Choice, How]] = [(c, d, "label_only_old"), (d, c, "label_only_new")]
        for own, other, how in sides:
            for option in own.options:
                if option.name.id not in other.labels:
                    yield Redeclared((c.name, option.name), how)
    for e, f in _pairs(old.parameters, new.parameters):
        if e is None or f is None:
            yield _alone(e, f)
        elif (e.type, e.entity, e.keys) != (f.type, f.entity, f.keys):
            yield Redeclared((e.name,), "type")
        elif _ends(e) != _ends(f):
            yield Redeclared((e.name,), "range")


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    return ((old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new)))


def _alone(a: Any, b: Any) -> Redeclared:
    return Redeclared(((a or b).name,), "only_new" if a is None else "only_old")


def _one_alone(owner: ir.Name, a: Any, b: Any) -> Iterator[Redeclared]:
    if a is None or b is None:
        yield replace(_alone(a, b), names=(owner, (a or b).name))


def _ends(decl: ir.FactDecl | ir.Parameter) -> tuple[str, str]:
    return _said(decl.low), _said(decl.high)


def _narrowed(program: ir.Program, other: ir.Program) -> ir.Program:
    """A program whose facts have the labels, the lists the lengths, that the other one knows too."""
    choices = {
        name: replace(
            choice, options=tuple(o for o in choice.options if o.name.id in other.choices[name].labels)
        )
        if name in other.choices
        else choice
        for name, choice in program.choices.items()
    }
    entities = {
        name: _narrowed_entity(entity, other.entities[name]) if name in other.entities else entity
        for name, entity in program.entities.items()
    }
    return replace(program, choices=choices, entities=entities)


def _narrowed_entity(entity: ir.Entity, other: ir.Entity) -> ir.Entity:
    facts, lists = dict(entity.facts), dict(entity.lists)
    for name in facts.keys() & other.facts.keys():
        if not other.facts[name].type.optional:
            facts[name] = replace(facts[name], type=facts[name].type.required())
    for name in lists.keys() & other.lists.keys():
        own, theirs = lists[name], other.lists[name]
        lists[name] = replace(
            own,
            optional=own.optional and theirs.optional,
            least=max(own.least, theirs.least),
            most=min(own.most, theirs.most),
        )
    return replace(entity, facts=facts, lists=lists)


# ---- which rules differ --------------------------------------------------------------------------------------------------


def effect_of(program: ir.Program, clause: ir.Clause) -> tuple[Any, ...]:
    """What a clause brings about, how often and by whom, without how much or by when."""
    left_open = tuple(
        (d.name.id, d.low, d.high, d.holder, _said(d.limit), d.beyond) for d in clause.discretion
    )
    match clause.effect:
        case ir.Grant(measure=measure, may=may):
            return "grant", measure, may, left_open
        case ir.Withhold(measures=measures, members=members):
            return "withhold", measures, members
        case ir.Duty(act=act, every=every, by=by):
            return "duty", acts_of(program, act), _said(every), every and every.type.dimension, by
        case ir.Ban(act=act):
            return "ban", acts_of(program, act)
        case ir.Record(kind=kind, name=name, text=text):
            return "record", kind, name, text


def acts_of(program: ir.Program, act: str) -> tuple[str, ...]:
    """An act and the acts it is part of."""
    found = [act]
    while (whole := program.acts[found[-1]].part_of) is not None and whole not in found:
        found.append(whole)
    return tuple(found)


@dataclass(slots=True)
class Differences:
    """The rules that differ between two programs on a day, and what rests on what in either."""

    changed: set[Node]
    rests_on: dict[Node, set[Node]]

    def behind(self, node: Node) -> list[Node]:
        """The changed rules that a rule rests on, itself included, as near as they come."""
        found: dict[Node, None] = {}
        seen, todo = {node}, [node]
        while todo:
            one = todo.pop(0)
            if one in self.changed:
                found[one] = None
                if one != node:
                    continue
            for inner in sorted(self.rests_on.get(one, ())):
                if inner not in seen:
                    seen.add(inner)
                    todo.append(inner)
        return list(found)


def differences(old: ir.Program, new: ir.Program, day: date) -> Differences:
    """What differs on a day."""
    before, after = _meanings(old, day), _meanings(new, day)
    changed = {node for node in before.keys() | after.keys() if before.get(node) != after.get(node)}
    rests_on: dict[Node, set[Node]] = {}
    for program in (old, new):
        for node, below in _edges(program):
            rests_on.setdefault(node, set()).update(below)
    return Differences(changed, rests_on)


def _said(expr: ir.Expr | None) -> str:
    return "" if expr is None else ir.shape(expr)


def _meanings(program: ir.Program, day: date) -> dict[Node, Any]:
    """Every rule as it is on a day, so that equal ones mean the same if what they rest on does."""
    found: dict[Node, Any] = {}
    for name, versions in program.clauses.items():
        said = [_clause(program, c) for c in versions if c.as_of is not None or c.period.holds(day)]
        found["clause", name] = said, sorted(program.blockers.get(name, ()))
    for name, define in program.defines.items():
        version = define.on(day)
        found["define", name] = _type(define.type), None if version is None else ir.shape(version.body)
    for name, entity in program.entities.items():
        found["entity", name] = entity.known_from
    for name, parameter in program.parameters.items():
        settings = [(s.keys, _said(s.value)) for s in parameter.settings if s.period.holds(day)]
        found["parameter", name] = _ends(parameter), settings
    for name, measure in program.measures.items():
        exclusives = [(e.measures, e.how, e.basis.name.id) for e in program.exclusives if name in e.measures]
        found["measure", name] = sorted(measure.entities), exclusives
        rules = [a for a in program.amounts if a.measure == name and a.period.holds(day)]
        found["amount", name] = sorted((a.entity, *_amount(a)) for a in rules)
    return found


def _clause(program: ir.Program, clause: ir.Clause) -> tuple[Any, ...]:
    period = (clause.period.start, clause.period.end) if clause.as_of is not None else ()
    parts = [_said(e) for e in (clause.as_of, clause.scope, clause.test, clause.application)]
    match clause.effect:
        case ir.Grant(amount=ir.Amount() as amount):
            parts += _amount(amount)
        case ir.Duty(done=done, due=due, every=every):
            parts += [_said(done), _said(due), _said(every)]
    return clause.entity, period, tuple(parts), effect_of(program, clause)


def _amount(amount: ir.Amount) -> tuple[str, ...]:
    return amount.form, _said(amount.total), _said(amount.start), _said(amount.months)


def _type(of: Type) -> tuple[str, str]:
    return of.kind, of.of


def _edges(program: ir.Program) -> Iterator[tuple[Node, set[Node]]]:
    """What each rule rests on directly, in all its versions."""
    for name, versions in program.clauses.items():
        below: set[Node] = {("clause", other) for other in program.blockers.get(name, ())}
        for clause in versions:
            exprs = [clause.as_of, clause.scope, clause.test, clause.application]
            match clause.effect:
                case ir.Grant(measure=measure, amount=amount):
                    below |= {("clause", other) for other in _against(program, measure)}
                    if amount is None:
                        below.add(("amount", measure))
                    else:
                        exprs += [amount.total, amount.start, amount.months]
                case ir.Duty(act=act, done=done, due=due, every=every):
                    below |= {("clause", other) for other in _banning(program, act)}
                    exprs += [done, due, every]
            below |= _read(exprs)
        yield ("clause", name), below
    for name, define in program.defines.items():
        yield ("define", name), _read(version.body for version in define.versions)
    for name, parameter in program.parameters.items():
        yield (
            ("parameter", name),
            _read([parameter.low, parameter.high, *(s.value for s in parameter.settings)]),
        )
    for name in program.measures:
        rules = [a for a in program.amounts if a.measure == name]
        yield ("amount", name), _read(e for a in rules for e in (a.total, a.start, a.months))
        beside = {other for e in program.exclusives if name in e.measures for other in e.measures}
        granting = [n for n, (c, *_) in program.clauses.items() if isinstance(c.effect, ir.Grant) and c.effect.measure == name]  # fmt: skip
        above: set[Node] = {("clause", other) for other in (*granting, *_against(program, name))}
        yield ("measure", name), above | {("measure", other) for other in beside} | {("amount", name)}


def _against(program: ir.Program, measure: str) -> Iterator[str]:
    """The clauses that exclude a measure."""
    for name, versions in program.clauses.items():
        if any(isinstance(c.effect, ir.Withhold) and measure in c.effect.measures for c in versions):
            yield name


def _banning(program: ir.Program, act: str) -> Iterator[str]:
    acts = acts_of(program, act)
    for name, versions in program.clauses.items():
        if any(isinstance(c.effect, ir.Ban) and c.effect.act in acts for c in versions):
            yield name


def _read(exprs: Iterable[ir.Expr | None]) -> set[Node]:
    """The rules that some expressions name."""
    found: set[Node] = set()
    for expr in exprs:
        for inner in within(expr) if expr is not None else ():
            match inner:
                case ir.Ref(name=name):
                    found.add(("define", name))
                case ir.Param(name=name):
                    found.add(("parameter", name))
                case ir.Fold(domain=ir.Items(item=item)):
                    found.add(("entity", item))
                case ir.Verdict(kind="meets" | "blocked", name=name):
                    found.add(("clause", name))
                case ir.Verdict(name=name):
                    found.add(("measure", name))
    return found
