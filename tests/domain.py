"""Every household of a bounded size, tried one after another: what the prover says is compared with what happens to all.

A household is filled in as it is read, by `oracle.every`, so that a claim tries only what it rests on. What is claimed
is asked here by `oracle.Meaning`, on plain values; nothing is taken from the solver or from `policykit.claims` but what
is claimed, never what would break it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice, product
from typing import Any

import oracle
from oracle import Choose, Impossible, Meaning, within

from policykit import ir
from policykit.datatypes import Type
from policykit.engine.smt.variables import Size
from policykit.engine.smt.witness import Witness
from policykit.facts import Case, Given, Instance, Listing, Ruling
from policykit.proving.claims import Claim
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.values import exactly

State = str  # "proved", "refuted" or "vacuous", as the prover says


class TooMany(Exception):
    """More households than anybody waits for."""


@dataclass(frozen=True)
class Chosen:
    """What is no fact of a household and yet free: unset parameters, rulings, elections. Two households that differ in
    one fact share it."""

    parameters: dict[oracle.Cell, Any] = field(default_factory=dict)
    rulings: dict[tuple[str, str], Ruling | None] = field(default_factory=dict)
    elections: dict[tuple[str, str], str] = field(default_factory=dict)
    pending: dict[tuple[str, str], bool] = field(default_factory=dict)
    possible: dict[tuple[Type, Any, Any], Sequence[Any]] = field(
        default_factory=dict
    )  # kept from one to the next


class Household(oracle.Completion):
    """One household of at most a size; each fact is chosen when it is first read."""

    def __init__(
        self, program: ir.Program, case: Case, on: date, size: Size, choose: Choose, chosen: Chosen
    ) -> None:
        self.size, self.chosen = size, chosen
        self.watching, self.divided_by_zero = False, False
        super().__init__(program, case, on, choose)
        self.parameters = chosen.parameters
        self.meaning: Meaning = Deciding(self)

    # -- what there can be

    def sizes(self, record: Instance, decl: ir.ListDecl, given: int) -> Sequence[int]:
        most = min(decl.most, self.size.members if decl.kind == "members" else self.size.entries)
        return range(decl.least, max(decl.least, most) + 1)

    def further(self, record: Instance, decl: ir.ListDecl, taken: Sequence[Instance]) -> Instance:
        there = (
            [one for one in self.inside(record, decl) if one not in taken] if decl.kind == "refers" else []
        )
        found: Instance | None = self.choose([None, *there])
        return found or self.new(record, decl, len(taken))

    def refer(self, record: Instance, decl: ir.ListDecl) -> Any:
        nobody = [None] if decl.optional else []
        found = self.choose([*nobody, "apart", *self.inside(record, decl)])
        return self.new(record, decl, 0) if found == "apart" else found

    def inside(self, record: Instance, decl: ir.ListDecl) -> list[Instance]:
        """Whom a record may refer to inside the household: anybody there, itself too."""
        return list(self.case.of(decl.item))

    def parameter(self, name: str, record: Instance | None, keys: tuple[Any, ...]) -> Any:
        """What a sheet sets, unless that is nothing or lies outside its range; what is free stays so."""
        declared = self.program.parameters[name]
        low, high = self.ends(declared, {"self": record} if record else {})
        setting = declared.setting(keys, self.on)
        said = setting.value if setting is not None else None
        if said is not None:
            value = self.unwatched(lambda: self.value(said, {"self": record} if record else {}))
            if within(value, low, high):
                return value
        cell = (name, record.path if record else "", keys)
        if cell not in self.parameters:
            self.parameters[cell] = self.choose(self.possible(declared.type, low, high))
        if not within(self.parameters[cell], low, high):
            raise Impossible
        return self.parameters[cell]

    def lawful(self) -> bool:
        """Whether everything chosen for a parameter lies in its range here."""
        for (name, path, keys), value in self.parameters.items():
            record = self.case.index.get(path)
            if keys != ("term",) and (record is not None or not path):
                declared = self.program.parameters[name]
                if not within(value, *self.ends(declared, {"self": record} if record else {})):
                    return False
        return True

    def possible(self, of: Type, low: Any, high: Any, given: Given | None = None) -> Sequence[Any]:
        key = (of, low, high)
        if given is not None:
            return super().possible(of, low, high, given)
        if key not in self.chosen.possible:
            self.chosen.possible[key] = super().possible(of, low, high)
        return self.chosen.possible[key]

    def ends(self, declared: ir.FactDecl | ir.Parameter, names: oracle.Names) -> tuple[Any, Any]:
        low, high = self.unwatched(lambda: super(Household, self).ends(declared, names))
        return low, high

    # -- expressions: 并且 and 或者 stop where they are decided, and a divisor of 0 is noted while that is watched for

    def _value(self, expr: ir.Expr, names: oracle.Names) -> Any:
        match expr:
            case ir.Apply(op="and", args=args):
                return all(self.value(arg, names) for arg in args)
            case ir.Apply(op="or", args=args):
                return any(self.value(arg, names) for arg in args)
            case ir.Apply(op="divide", args=(a, b)) if self.watching and not isinstance(b, ir.Const):
                top, bottom = self.value(a, names), self.value(b, names)
                self.divided_by_zero |= bottom == 0
                return self._applied("divide", [top, bottom])
            case ir.Verdict(kind=kind, name=name, subject=of) if self.watching:
                record = self.value(of, names)
                if kind == "meets" and record is not None:
                    return any(self.meets(c, record) for c in self.meaning.versions(name, record))
                return self.unwatched(lambda: super(Household, self)._value(expr, names))
        return super()._value(expr, names)

    def meets(self, c: ir.Clause, s: Instance) -> bool:
        """符合, looked at again: scope, then test."""
        day = self.on if c.as_of is None else self.value(c.as_of, {"self": s})
        if day is None or not c.period.holds(day):
            return False
        return all(expr is None or self.value(expr, {"self": s}) for expr in (c.scope, c.test))

    def unwatched(self, ask: Callable[[], Any]) -> Any:
        before, self.watching = self.watching, False
        try:
            return ask()
        finally:
            self.watching = before

    def watched(self, expr: ir.Expr | None, s: Instance) -> Any:
        """The value of an expression; `divided_by_zero` then says whether a divisor was 0."""
        self.watching = True
        try:
            return True if expr is None else self.value(expr, {"self": s})
        finally:
            self.watching = False

    # -- the same household with one fact risen

    def risen(self, record: Instance, fact: str, value: Any) -> Household:
        case = oracle.copied(self.case)
        case.index[record.path].facts[fact] = Given(exactly(value))
        return Household(self.program, case, self.on, self.size, self.choose, self.chosen)


class Deciding(Meaning):
    """The meaning on a household whose rulings and elections are chosen when they are asked for."""

    world: Household

    def __init__(self, world: Household) -> None:
        super().__init__(world, (), ())
        self.pending = world.chosen.pending

    def ruling(self, c: ir.Clause, s: Instance) -> Ruling | None:
        if s not in self.world.case.subjects:
            return None  # of somebody outside the household nothing is decided
        key, rulings = (c.basis.name.id, s.path), self.world.chosen.rulings
        if key not in rulings:
            ranges = [[(d.name.id, n) for n in range(d.low, d.high + 1)] for d in c.discretion]
            ways: list[Any] = [None, *product(*ranges)]
            made = [Ruling(key[0], s, self.on, "", "", choices) for choices in ways]
            rulings[key] = self.world.choose([None, *made])
        return rulings[key]

    def elected(self, exclusive: ir.Exclusive, s: Instance) -> str:
        top = self.near(s)[-1]
        if top is not self.world.case.root:
            return ""
        key, elections = (exclusive.basis.name.id, top.path), self.world.chosen.elections
        if key not in elections:
            elections[key] = self.world.choose(["", *exclusive.measures])
        return elections[key]


# ---- one household of a size ----------------------------------------------------------------------------------------


def household(
    program: ir.Program, days: Sequence[date], size: Size, choose: Choose, possible: Any
) -> Household:
    """A household of which only the members are there yet, and their members."""
    root = Instance(program.root, program.root)
    subjects = [root]
    for owner in subjects:
        for name, decl in program.entities[owner.entity].lists.items():
            if decl.kind == "members":
                count = choose(range(decl.least, min(decl.most, size.members) + 1))
                below = name if owner is root else f"{owner.path}.{name}"
                items = tuple(Instance(decl.item, f"{below}[{n}]", owner) for n in range(count))
                owner.lists[name] = Listing(items, complete=True)
                subjects += items
    case = Case(root, tuple(subjects), {one.path: one for one in subjects}, (), "")
    return Household(program, case, choose(days), size, choose, Chosen(possible=possible))


def state(program: ir.Program, claim: Claim, size: Size, most: int) -> State:
    """What is true of a claim: all households of a size are tried, or as many as it takes to break it."""
    days = [claim.first + timedelta(days=n) for n in range((claim.last - claim.first).days + 1)]

    possible: dict[Any, Any] = {}

    def make(choose: Choose) -> tuple[bool, bool]:
        return LOOKS[claim.kind](household(program, days, size, choose, possible), claim)

    assumed = False
    for number, (given, broken) in enumerate(oracle.every(make)):
        if broken:
            return "proved" if claim.kind == "applies" else "refuted"
        if number == most:
            raise TooMany
        assumed |= given
    if claim.kind == "applies":
        return "refuted"
    return "proved" if assumed or claim.kind != "property" else "vacuous"


def replays(program: ir.Program, claim: Claim, witness: Witness, size: Size) -> bool:
    """Whether a household that is shown against a claim breaks it, by the meaning, with what it supposes."""
    case = read_case(program, witness.household, witness.on)
    rulings, elections, errors = read_rulings(program, case, witness.rulings)
    assert not errors, errors
    possible: dict[Any, Any] = {}

    def make(choose: Choose) -> tuple[bool, bool]:
        chosen = Chosen(possible=possible)
        for gap, value in (*witness.parameters.items(), *witness.besides.items()):
            name, _, keys = gap.name.partition("[")
            if gap.kind == "ruling":
                chosen.pending[name, gap.path] = value.value
            elif gap in witness.besides:
                chosen.parameters[name, gap.path, ("term",)] = value.value
            else:
                chosen.parameters[name, gap.path, tuple(keys.rstrip("]").split(",")) if keys else ()] = (
                    value.value
                )
        h = Household(program, case, witness.on, size, choose, chosen)
        h.meaning = Meaning(h, rulings, elections)
        h.meaning.pending = chosen.pending
        return LOOKS[claim.kind](h, claim)

    return any(broken for _, broken in islice(oracle.every(make), 2000))


# ---- what breaks a claim: for one household, whether what is assumed holds, and whether the claim is broken ------------


def _property(h: Household, claim: Claim) -> tuple[bool, bool]:
    said: ir.Property = claim.of
    subject = h.choose(list(h.case.of(said.entity)))
    if said.monotone is not None:
        return _monotone(h, said, said.monotone, subject)
    given = _given(h, said, subject)
    assert said.then is not None
    return given, given and not h.value(said.then, {"self": subject})


def _given(h: Household, said: ir.Property, subject: Instance) -> bool:
    return all(h.value(expr, {"self": subject}) for expr in said.given)


def _monotone(h: Household, said: ir.Property, rising: ir.Monotone, subject: Instance) -> tuple[bool, bool]:
    if not _given(h, said, subject):
        return False, False
    first = h.meaning.paid(rising.measure, subject) or 0
    # what was not read cannot matter when it rises
    places = [
        one for one in h.case.index.values() if one.entity == rising.entity and rising.fact in one.facts
    ]
    if not places:
        return True, False
    place = h.choose(places)
    low = h.fact(place, rising.fact)
    decl = h.program.entities[place.entity].facts[rising.fact]
    highs = [v for v in h.possible(decl.type, *h.ends(decl, {"self": place})) if v is not None]
    high = h.choose(highs)
    if low is None or high <= low:
        return True, False
    after = h.risen(place, rising.fact, high)
    same = after.case.index[subject.path]
    if not _given(after, said, same):
        return True, False
    second = after.meaning.paid(rising.measure, same) or 0
    if not h.lawful():
        raise Impossible  # what no sheet says was chosen after the rise, and could not be so before
    return True, second > first if rising.way == "never_rises" else second < first


def _subject_of(h: Household, clause: ir.Clause) -> Instance:
    found: Instance = h.choose(list(h.case.of(clause.entity)))
    return found


def _stands(h: Household, clause: ir.Clause, s: Instance) -> bool:
    """Whether a version of a clause applies and nothing keeps it from standing."""
    m = h.meaning
    if not m.applies(clause, s):
        return False
    match clause.effect:
        case ir.Grant():
            return not m.blocks(clause, s)
        case ir.Duty():
            return not m.banned(clause, s)
        case ir.Ban():
            return m.bans(clause, s)
        case ir.Withhold(measures=measures):
            reached = [s, *(one for one in h.case.subjects if s in m.near(one) and clause.effect.members)]
            return any(m.withholds(clause, s, measure, one) for measure in measures for one in reached)
    return True


def _applies(h: Household, claim: Claim) -> tuple[bool, bool]:
    return True, _stands(h, claim.of, _subject_of(h, claim.of))


def _together(h: Household, claim: Claim) -> tuple[bool, bool]:
    a, b = claim.of
    s = _subject_of(h, b)
    other = next(one for one in h.meaning.near(s) if one.entity == a.entity)
    return True, _stands(h, a, other) and _stands(h, b, s)


def _amount(h: Household, claim: Claim) -> tuple[bool, bool]:
    rule, clauses = claim.of
    if not clauses:
        return True, False
    clause = h.choose(clauses)
    s = _subject_of(h, clause)
    if h.meaning.rule(clause) is not rule or not _stands(h, clause, s):
        return True, False
    choices: tuple[tuple[str, int], ...] = ()
    if clause.effect.may:
        ruling = h.meaning.ruling(clause, s)
        if ruling is None or ruling.choices is None:
            return True, False
        choices = ruling.choices
    fen = h.meaning.pay(clause, s, choices)
    return True, fen is None or fen < 0


def _division(h: Household, claim: Claim) -> tuple[bool, bool]:
    clause: ir.Clause = claim.of
    s = _subject_of(h, clause)
    if h.meaning.in_force(clause, s) and h.watched(clause.scope, s):
        h.watched(clause.test, s)
        rule = h.meaning.rule(clause) if isinstance(clause.effect, ir.Grant) else None
        if rule is not None and _stands(h, clause, s):
            for choices in _choices(clause):
                h.watching = True
                h.value(rule.total, h.meaning.chosen(s, choices))
                h.watching = False
    return True, h.divided_by_zero


def _choices(clause: ir.Clause) -> Iterator[tuple[tuple[str, int], ...]]:
    yield from product(*([(d.name.id, n) for n in range(d.low, d.high + 1)] for d in clause.discretion))


LOOKS: dict[str, Callable[[Household, Claim], tuple[bool, bool]]] = {
    "property": _property, "applies": _applies, "conflict": _together, "ban": _together, "amount": _amount,
    "division": _division,
}  # fmt: skip
