"""A household being written: what may still be put where, simplest first, and putting it there.

A draft is plain household data with a day, the figures that no sheet gives and the rulings of approvers. What it does
not hold is unknown; the reference engine then tells which of its gaps can still matter.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from policykit import ir
from policykit.casework.boundaries import whole_number
from policykit.datatypes import Type
from policykit.diagnostics import PolicyError
from policykit.engine.interpreter import Interpreter, contradictions
from policykit.engine.outcomes import Outcomes
from policykit.facts import Case, Given, Instance, path_parts
from policykit.reach import within
from policykit.records import read_case, sole_labels
from policykit.rulings import read_rulings
from policykit.syntax import ALWAYS
from policykit.trace import Trace
from policykit.values import Bounds, Gap, Month, exactly, month_of, plus_days, plus_months

Pick: TypeAlias = Callable[[int], int]  #: one of so many, counted from 0, the simplest

MORE_RECORDS = 3  #: a list that may be longer is tried with so many records more
DEEP = 2  #: a record this far inside others gets no further records
WORDS = ("甲", "乙", "丙", "丁")
ROUND = (0, 100_00, 1000_00, 10000_00, 10_00, 1_00)  # in fen, as a clerk would try them
COUNTS = (0, 1, 2, 3, 6, 12, 24)


def simplest(count: int) -> int:
    """The pick that always takes the simplest."""
    return 0


# ---- what the rules mention ----------------------------------------------------------------------------------------


def expressions(program: ir.Program) -> Iterator[ir.Expr]:
    """Every expression that some rule of a program holds, whole."""
    found: list[ir.Expr | None] = []
    for versions in program.clauses.values():
        for clause in versions:
            found += [clause.scope, clause.test, clause.as_of]
            if isinstance(clause.effect, ir.Duty):
                found += [clause.effect.done, clause.effect.due, clause.effect.every]
            if isinstance(clause.effect, ir.Grant) and clause.effect.amount is not None:
                found.append(clause.effect.amount.total)
    found += [version.body for define in program.defines.values() for version in define.versions]
    found += [amount.total for amount in program.amounts] + [note.test for note in program.notes]
    found += [s.value for parameter in program.parameters.values() for s in parameter.settings]
    yield from (expr for expr in found if expr is not None)


class Material:
    """The values that the rules of a program mention, which is where their answers turn."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self.texts: tuple[str, ...] = WORDS
        self.numbers: dict[tuple[str, ...], list[int]] = {}
        self.sole = {name: dict(sole_labels(program, name)) for name in program.entities}
        for expr in expressions(program):
            for inner in within(expr):
                if isinstance(inner, ir.Const):
                    self._mention(inner)
        facts = [decl for entity in program.entities.values() for decl in entity.facts.values()]
        ends = [end for decl in facts for end in (decl.low, decl.high) if end is not None]
        self.ranges_read_facts = any(not isinstance(end, ir.Const | ir.Today) for end in ends)

    def _mention(self, const: ir.Const) -> None:
        of = const.type
        if of.kind == "text" and const.value.known and isinstance(const.value.value, str):
            self.texts = tuple(dict.fromkeys((*self.texts, const.value.value)))
        if isinstance(const.value, Bounds) and const.value.known:
            number = whole_number(const.value.value)
            known = self.numbers.setdefault(self._sort(of), [])
            if number is not None and number not in known:
                known.append(number)

    @staticmethod
    def _sort(of: Type) -> tuple[str, ...]:
        """What compares with each other: money of any time and head is one sort, as rates turn one into another."""
        return (of.kind, "元") if of.money else (of.kind, *(unit for unit, _ in of.dimension))

    def points(self, of: Type, on: date, low: int, high: int) -> list[int]:
        """Numbers, days or months worth trying, simplest first: plain ones, then those that rules mention with what lies
        a step beside them, then the ends of the range."""
        mentioned = self.numbers.get(self._sort(of), [])
        found: list[int] = []
        if of.kind == "date":
            ages = self.numbers.get(("number", "岁"), [])
            birthdays = [plus_months(on, -12 * age) for age in ages if age < on.year]
            months = [plus_months(on, -n) for n in (1, 3, 12, 36)]
            plain = [on, on.replace(day=1), plus_days(on, -1), *months, *birthdays]
            found = [day.toordinal() for day in plain]
            mentioned = [*mentioned, *(day.toordinal() for day in birthdays), on.toordinal()]
        elif of.kind == "month":
            now = whole_number(month_of(on)) or 0
            found = [now, now - 1, now - 12, now + 1]
        else:
            found = list(ROUND if of.money else COUNTS)
        around = [point + step for point in mentioned for step in (0, -1, 1)]
        return [n for n in dict.fromkeys((*found, *around, low, high)) if low <= n <= high]


def number_of(of: Type, value: int) -> Any:
    """A whole number as the value of its type."""
    if of.kind == "date":
        return date.fromordinal(value)
    return Month(value // 12, value % 12 + 1) if of.kind == "month" else value


def written(of: Type, plain: Any) -> Any:
    """A value as household data gives it; money in yuan."""
    if plain is None:
        return "无"
    if of.kind in ("date", "month"):
        return str(plain)
    if of.money:
        yuan, rest = divmod(abs(plain), 100)
        sign = "-" * (plain < 0)
        return f"{sign}{yuan}.{rest:02d}" if rest else int(f"{sign}{yuan}")
    return sorted(plain) if isinstance(plain, frozenset) else plain


def vouched(decl: ir.FactDecl, raw: Any, on: date) -> Any:
    """A value with the paper or the judgement without which it would not count."""
    said: dict[str, Any] = {}
    if decl.evidence is not None and raw not in (False, "无", []):
        said["source"] = decl.evidence or "证明"
    if decl.judgement is not None:
        said |= {"by": decl.judgement or "经办人", "reason": "已核实", "date": on.isoformat()}
    return {"value": raw, **said} if said else raw


# ---- a draft ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Draft:
    """A household so far. `root` is the entity that it describes; `program` holds the figures chosen for it, which are
    chosen only where they are `free`; `asked` are the facts and lists that a search asked for, the others cannot matter."""

    material: Material
    program: ir.Program
    on: date
    root: str
    data: dict[str, Any]
    rulings: tuple[dict[str, Any], ...] = ()
    free: bool = False
    ranges: dict[tuple[str, str], Bounds] = field(
        default_factory=dict
    )  #: facts narrowed to a part of their range
    asked: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"{self.household} on {self.on}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How hypothesis prints it: as the household, and not with all the rules."""
        printer.text(repr(self))

    @property
    def household(self) -> dict[str, Any]:
        """The household as `policykit.evaluate` takes it."""
        return {**self.data, "rulings": list(self.rulings)} if self.rulings else self.data

    @cached_property
    def case(self) -> Case:
        """The household as the engine reads it; raises `PolicyError` where it is no valid one."""
        case = read_case(self.program, self.data, self.on)
        for (path, name), part in self.ranges.items():
            case.index[path].facts[name] = Given(part)
        if self.material.ranges_read_facts:
            for record, name, _, _ in contradictions(self.program, case, self.on):
                raise PolicyError([]) from ValueError(f"{record.path}.{name}")
        return case

    @cached_property
    def engine(self) -> Interpreter:
        """The reference engine on the household."""
        rulings, elections, errors = read_rulings(self.program, self.case, self.rulings)
        if errors:
            raise PolicyError(errors)
        return Interpreter(self.program, self.case, self.on, rulings, elections)

    @property
    def level(self) -> Outcomes:
        """What the rules say of the household, at the bounds level."""
        return self.engine.first

    @property
    def valid(self) -> bool:
        try:
            return self.case is not None and self.level is not None
        except PolicyError:
            return False

    def given(self) -> Iterator[tuple[str, str]]:
        """Where something is given: facts, references and lists that are known whole."""
        for path, record in self.case.index.items():
            known = [
                name for name, fact in record.facts.items() if fact.value is not None and fact.value.known
            ]
            yield from ((path, name) for name in known if name != "id")
            yield from ((path, name) for name, listing in record.lists.items() if listing.complete)

    def trace(self, exact: bool = True) -> Trace:
        """Everything the reference engine finds of the household."""
        return self.engine.trace(exact)

    # -- putting something where something is missing

    def with_fact(self, path: str, name: str, raw: Any) -> Draft:
        """The draft with a fact, a reference or a list given."""
        data = copy.deepcopy(self.data)
        _put(self, data, path, name, raw)
        ranges = {key: part for key, part in self.ranges.items() if key != (path, name)}
        return replace(self, data=data, ranges=ranges)

    def with_part(self, path: str, name: str, part: Bounds) -> Draft:
        """The draft with a fact narrowed to a part of its range."""
        return replace(self, ranges={**self.ranges, (path, name): part})

    def with_figure(self, name: str, value: ir.Expr) -> Draft:
        """The draft with a figure that no sheet gives."""
        bare, _, keys = name.partition("[")
        parameter = self.program.parameters[bare]
        at = tuple(keys.rstrip("]").split(",")) if keys else ()
        setting = ir.Setting(at, value, ALWAYS, "", "", parameter.span)
        changed = replace(parameter, settings=(setting, *parameter.settings))
        parameters = {**self.program.parameters, bare: changed}
        return replace(self, program=replace(self.program, parameters=parameters))

    def place(self, data: dict[str, Any], path: str) -> dict[str, Any]:
        """The data of the record at a path."""
        owner: Any = data
        for part in () if path == self.root else path_parts(path.removeprefix(f"{self.root}.")):
            if isinstance(part, str):
                owner = owner.setdefault(
                    part, {}
                )  # the village, or the household of somebody who lives elsewhere
            else:
                owner = (owner["items"] if isinstance(owner, dict) else owner)[part]
        assert isinstance(owner, dict)
        return owner

    def without(self, path: str, name: str, form: int) -> Draft:
        """The draft with something left out in one of three forms: not there, empty, marked unknown. Of a list of
        members, and of any list marked unknown, what is listed stays, and there may be more."""
        data = copy.deepcopy(self.data)
        owner = self.place(data, path)
        lists = self.program.entities[self.case.index[path].entity].lists
        decl = lists.get(name)
        if decl is not None and not decl.single and (decl.kind == "members" or form == 2):
            items = owner[name]
            owner[name] = items if isinstance(items, dict) else {"items": items, "complete": False}
        elif form == 0:
            owner.pop(name)
        else:
            owner[name] = {"unknown": "没问到"} if form == 2 else None
        return replace(self, data=data)

    # -- what may be put there

    def steps(self, gap: Gap) -> Iterator[Draft]:
        """The draft with one gap filled, in every way worth trying, simplest first; some may be no valid households."""
        record = self.case.index.get(gap.path)
        bare = gap.name.partition("[")[0]
        if gap.kind == "ruling" and record is not None:
            for ruling in self.possible_rulings(record, gap.name):
                yield replace(self, rulings=(*self.rulings, ruling))
        elif gap.kind == "parameter" and bare in self.program.parameters:
            for value in self.figures(self.program.parameters[bare]):
                yield self.with_figure(gap.name, value)
        elif record is not None:
            entity = self.program.entities[record.entity]
            if gap.name in entity.lists:
                for raw in self.listings(record, entity.lists[gap.name]):
                    yield self.with_fact(record.path, gap.name, raw)
            elif gap.name in entity.facts:
                for raw in self.facts(record, entity.facts[gap.name]):
                    yield self.with_fact(record.path, gap.name, raw)

    def facts(self, record: Instance, decl: ir.FactDecl) -> list[Any]:
        """Values for a fact, simplest first: 否, 无, none of several, the first label, a round number."""
        return [vouched(decl, written(decl.type, plain), self.on) for plain in self.values(record, decl)]

    def values(self, record: Instance, decl: ir.FactDecl) -> list[Any]:
        of = decl.type
        none: list[Any] = [None] if of.optional else []
        if of.kind == "bool":
            return [False, True]
        if of.kind == "text":
            return ["无"] if decl.name.id == "id_number" else [*none, *self.material.texts]
        if of.kind in ("choice", "multi"):
            labels = [option.name.id for option in self.program.choices[of.of].options]
            if of.kind == "multi":
                return [frozenset(one) for one in ([], *([label] for label in labels), labels)]
            return none + [label for label in labels if not self.taken(record, decl, label)]
        low, high = self.range(record, decl)
        return none + [number_of(of, n) for n in self.material.points(of, self.on, low, high)]

    def taken(self, record: Instance, decl: ir.FactDecl, label: str) -> bool:
        """Whether another one has a label that one only can have."""
        sole = self.material.sole[record.entity].get(decl.name.id)
        if sole is None or sole.name.id != label:
            return False
        beside = [one for one in self.case.of(record.entity) if one.upper is record.upper]
        return any(one.known(decl.name.id) == label for one in beside if one is not record)

    def range(self, record: Instance, decl: ir.FactDecl) -> tuple[int, int]:
        """The least and greatest whole number that a fact may be, by what its range now comes to."""
        gap = Gap("fact", record.path, decl.name.id)
        room = self.level.terms.unknown(decl.type, decl.low, decl.high, gap, record)
        part = self.ranges.get((record.path, decl.name.id), room)
        assert isinstance(part, Bounds)
        return _inside(part)

    def listings(self, record: Instance, decl: ir.ListDecl) -> list[Any]:
        """A list as it may be given whole, or a single reference: none first, then one record, two."""
        known = self.place(self.data, record.path).get(decl.name.id)
        items = known["items"] if isinstance(known, dict) and "items" in known else []
        others = [
            {"ref": r.path} for r in self.case.of(decl.item) if r is not record and r is not self.case.root
        ]
        new: list[Any] = [{}]
        if decl.single:
            return ["无"] * decl.optional + others + new
        if decl.kind == "refers":
            return [items] + [[*items, one] for one in others + new] + [[*items, *others]] * (len(others) > 1)
        counts = range(len(items), max(len(items) + MORE_RECORDS, decl.least) + 1)
        sizes = [n for n in counts if decl.least <= n <= decl.most]
        return [[*items, *({} for _ in range(n - len(items)))] for n in sizes]

    def figures(self, parameter: ir.Parameter) -> list[ir.Expr]:
        """What a sheet might say of a figure. An end of its range that reads facts is a formula that lies inside."""
        of = parameter.type
        plain: list[Any] = [None] if of.optional else []
        formulas = [end for end in (parameter.low, parameter.high) if end is not None]
        if of.kind == "bool":
            plain = [False, True]
        elif of.kind == "choice":
            plain += [option.name.id for option in self.program.choices[of.of].options]
        elif of.ordered and all(isinstance(end, ir.Const) for end in formulas):
            room = self.level.terms.unknown(of, parameter.low, parameter.high, Gap("parameter", "", ""), None)
            assert isinstance(room, Bounds)
            points = self.material.points(of, self.on, *_inside(room))
            plain += [number_of(of, n) for n in points]
        else:
            return list(formulas)
        return [ir.Const(exactly(value), of) for value in plain]

    def possible_rulings(self, record: Instance, measure: str) -> Iterator[dict[str, Any]]:
        """What an approver might decide of a measure that may be given: the least, or not to give it."""
        for name, (clause, *_) in self.program.clauses.items():
            effect = clause.effect
            if (
                isinstance(effect, ir.Grant)
                and effect.may
                and effect.measure == measure
                and clause.entity == record.entity
            ):
                base = {"clause": name, "subject": record.path, "date": self.on.isoformat(), "by": "审批机关"}
                choose = {d.name.id: d.low for d in clause.discretion}
                yield {**base, "choose": choose} if choose else base
                yield {**base, "decline": True}


def _inside(room: Bounds) -> tuple[int, int]:
    """The least and greatest whole number inside a range."""
    low, high = room.lo, room.hi
    if isinstance(low, Fraction):
        low = -(-low.numerator // low.denominator)
    if isinstance(high, Fraction):
        high = high.numerator // high.denominator
    first, last = whole_number(low), whole_number(high)
    assert first is not None and last is not None
    return first, max(first, last)


# ---- the rest of a household -----------------------------------------------------------------------------------------


def blank(material: Material, on: date, root: str, inside: str, free: bool = False) -> Draft:
    """A household of which nothing is known but that it has a record of one entity, with those that it lies in."""
    program = material.program
    # the name of its list of members, though nothing is said of it, tells a village from a household
    lists = program.entities[root].lists.values()
    data: dict[str, Any] = {decl.name.id: None for decl in lists if decl.kind == "members"}
    owner, path = data, program.entity_path(inside)
    for upper, lower in zip(path[path.index(root) : 0 : -1], path[path.index(root) - 1 :: -1], strict=False):
        below = program.entities[upper].lists.values()
        listed = next(d for d in below if d.kind == "members" and d.item == lower)
        inner: dict[str, Any] = {}
        owner[listed.name.id] = {"items": [inner], "complete": False}
        owner = inner
    return Draft(material, program, on, root, data, (), free)


def none_more(decl: ir.ListDecl) -> Sequence[int]:
    """Lists no longer than they are."""
    return (0,)


def completed(
    draft: Draft, pick: Pick = simplest, sizes: Callable[[ir.ListDecl], Sequence[int]] = none_more
) -> Draft:
    """The draft with everything given that was still open: by `simplest` as 否, 无, empty lists and round numbers.

    `sizes` says of a list how many records more it may get.
    """
    while open_lists := list(_open_lists(draft)):
        data = copy.deepcopy(draft.data)
        for record, decl in open_lists:
            _put(draft, data, record.path, decl.name.id, _listed(draft, record, decl, pick, sizes(decl)))
        draft = replace(draft, data=data, ranges={})
    # what reads other facts, or must differ from them, comes one by one after the rest
    for apart in (False, True):
        todo = [(r.path, fact) for r, fact in _open_facts(draft) if _stands_apart(draft, fact) is apart]
        data = copy.deepcopy(draft.data)
        for path, fact in todo:
            raw = _chosen(draft, draft.case.index[path], fact, pick)
            if apart:
                draft = draft.with_fact(path, fact.name.id, raw)
            else:
                _put(draft, data, path, fact.name.id, raw)
        if not apart:
            draft = replace(draft, data=data, ranges={})
    return draft


def _open_facts(draft: Draft) -> Iterator[tuple[Instance, ir.FactDecl]]:
    """The facts that are not known, record by record."""
    for record in draft.case.index.values():
        for decl in draft.program.entities[record.entity].facts.values():
            given = record.facts.get(decl.name.id)
            if given is None or given.value is None or not given.value.known:
                yield record, decl


def _stands_apart(draft: Draft, decl: ir.FactDecl) -> bool:
    fixed = all(isinstance(end, ir.Const | ir.Today | None) for end in (decl.low, decl.high))
    return not fixed or decl.name.id in draft.material.sole[decl.entity]


def _open_lists(draft: Draft) -> Iterator[tuple[Instance, ir.ListDecl]]:
    """The lists and references that are not given whole.

    Who else lives in the household of somebody elsewhere is left open, and so is a reference that must be given and
    would go on for ever.
    """
    for record in draft.case.index.values():
        for decl in draft.program.entities[record.entity].lists.values():
            given, listing = record.facts.get(decl.name.id), record.lists.get(decl.name.id)
            known = (
                given is not None and given.value is not None if decl.single else listing and listing.complete
            )
            outside = decl.kind == "members" and record not in draft.case.subjects
            if not known and not outside and len(path_parts(record.path)) <= 4 * DEEP:
                yield record, decl


def _listed(draft: Draft, record: Instance, decl: ir.ListDecl, pick: Pick, sizes: Sequence[int]) -> Any:
    """A list or reference, given whole; those of people elsewhere are mostly short."""
    options = draft.listings(record, decl)
    near = len(path_parts(record.path)) <= 2 * DEEP and (record in draft.case.subjects or pick(4) == 3)
    if not any(sizes) or not near:
        return options[0]
    number = pick(len(options)) if decl.single or decl.kind == "refers" else sizes[pick(len(sizes))]
    return options[min(number, len(options) - 1)]


def _put(draft: Draft, data: dict[str, Any], path: str, name: str, raw: Any) -> None:
    """Puts something into household data; what is referred to gets an 编号."""
    draft.place(data, path)[name] = raw
    for one in raw if isinstance(raw, list) else [raw]:
        if isinstance(one, dict) and "ref" in one:
            draft.place(data, one["ref"]).setdefault("id", one["ref"])


def _chosen(draft: Draft, record: Instance, decl: ir.FactDecl, pick: Pick) -> Any:
    """A value for a fact: one of those worth trying, or any number of its range."""
    options = draft.values(record, decl)
    if decl.type.ordered and pick(4) == 3:
        low, high = draft.range(record, decl)
        plain = number_of(decl.type, low + pick(high - low + 1))
    else:
        plain = options[pick(len(options))]
    return vouched(decl, written(decl.type, plain), draft.on)
