"""The meaning, slow and obvious: what each rule says of one complete household, and every way to complete one.

`D` answers for a household in which nothing is left open; `completions` gives every household that one with gaps may
turn out to be. The answer of a household with gaps is the set of the answers of its completions. Nothing here knows
intervals or three-valued truth: only plain values and `Op.run`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import chain, combinations, product
from typing import Any, TypeAlias, TypeVar

from policykit import ir
from policykit.datatypes import Type, widest
from policykit.facts import Case, Election, Given, Instance, Listing, Ruling
from policykit.ops import OPS
from policykit.values import NOTHING, Bounds, Month, Options, Subset, exactly, month_of

T = TypeVar("T")
Choose: TypeAlias = Callable[[Sequence[Any]], Any]
Names: TypeAlias = Mapping[str, Any]
Cell: TypeAlias = tuple[
    str, str, tuple[Any, ...]
]  #: a parameter, the record it is read for, the keys it is read at

MOST_FURTHER = 2  #: records that an open list may still hold
DEEPEST = 2  #: records inside records that nobody described
MOST_VALUES = 12  #: a wider range is sampled


class Impossible(Exception):
    """The facts chosen rule each other out: this is no completion."""


# ---- every way to answer some questions ---------------------------------------------------------------------


def every(make: Callable[[Choose], T]) -> Iterator[T]:
    """What `make` gives for every way to answer the questions it asks, one after the other."""
    script: list[list[int]] = []  # of each question: which answer is tried, how many there are
    while True:
        asked = 0

        def choose(answers: Sequence[Any]) -> Any:
            nonlocal asked
            if not answers:
                raise Impossible
            if asked == len(script):
                script.append([0, len(answers)])
            asked += 1
            assert script[asked - 1][1] == len(answers), "the same answers lead to another question"
            return answers[script[asked - 1][0]]

        with suppress(Impossible):
            yield make(choose)
        while script and script[-1][0] == script[-1][1] - 1:
            script.pop()
        if not script:
            return
        script[-1][0] += 1


def some(make: Callable[[Choose], T], count: int, chance: random.Random) -> Iterator[T]:
    """What `make` gives for answers taken at random, `count` times; fewer where they rule each other out."""

    def choose(answers: Sequence[Any]) -> Any:
        if not answers:
            raise Impossible
        return answers[chance.randrange(len(answers))]

    for _ in range(count):
        try:
            yield make(choose)
        except Impossible:
            continue


def decided(answers: Sequence[Any]) -> Any:
    """The chooser of a complete household: there is nothing to choose."""
    raise AssertionError(f"a complete household leaves a question: {answers}")


# ---- values on a complete household -------------------------------------------------------------------------


def plain(given: Given | None) -> tuple[bool, Any]:
    """Whether a fact is known, and its plain value."""
    if given is None or given.value is None or not given.value.known:
        return False, None
    return True, given.value.value


def given(of: Type, value: Any) -> Given:
    """A fact as the reader gives it: 无 of a choice is one of its labels."""
    return Given(Options(frozenset([None])) if value is None and of.kind == "choice" else exactly(value))


def mentioned(program: ir.Program) -> Iterator[ir.Expr]:
    """Every expression of a program, those inside others included."""
    tops: list[ir.Expr | None] = []
    for clause in chain.from_iterable(program.clauses.values()):
        tops += [clause.scope, clause.test, clause.as_of, clause.application]
        tops += [limit.limit for limit in clause.discretion]
        match clause.effect:
            case ir.Grant(amount=ir.Amount() as amount):
                tops += _amount_exprs(amount)
            case ir.Duty(done=done, due=due, every=interval):
                tops += [done, due, interval]
    tops += [expr for amount in program.amounts for expr in _amount_exprs(amount)]
    tops += [version.body for define in program.defines.values() for version in define.versions]
    for parameter in program.parameters.values():
        tops += [parameter.low, parameter.high, *(setting.value for setting in parameter.settings)]
    for entity in program.entities.values():
        tops += [end for fact in entity.facts.values() for end in (fact.low, fact.high)]
    tops += [note.test for note in program.notes]
    stack = [expr for expr in tops if expr is not None]
    while stack:
        expr = stack.pop()
        yield expr
        stack.extend(ir.children(expr))


def _amount_exprs(amount: ir.Amount) -> list[ir.Expr | None]:
    return [amount.total, amount.start, amount.months, *(part.expr for part in amount.parts)]


class World:
    """One household on one day, with the parameters that hold for it; what is open is asked of `choose`, once.

    `parameters` and `pending` keep what was chosen for unset parameters, and for 获得 of a measure whose ruling is
    still to come.
    """

    def __init__(
        self,
        program: ir.Program,
        case: Case,
        on: date,
        parameters: Mapping[Cell, Any] | None = None,
        choose: Choose = decided,
    ) -> None:
        self.program, self.case, self.on, self.choose = program, case, on, choose
        self.parameters: dict[Cell, Any] = dict(parameters or {})
        self.sampled = False
        self.obtained: Callable[[str, Instance], bool] = lambda measure, subject: False
        self.met: Callable[[str, Instance], bool] = lambda clause, subject: False
        self.final: Callable[[str, Instance], str] = lambda measure, subject: "not_covered"
        self.barred: Callable[[str, Instance], bool] = lambda clause, subject: False
        self.paid: Callable[[str, Instance], Any] = lambda measure, subject: None

    # -- expressions

    def value(self, expr: ir.Expr, names: Names) -> Any:
        """The plain value of an expression; `None` is 无."""
        found = self._value(expr, names)
        # a truth about something that is not there is not true
        return bool(found) if expr.type.kind == "bool" else found

    def _value(self, expr: ir.Expr, names: Names) -> Any:
        match expr:
            case ir.Const(value=value):
                return value.value
            case ir.Today(type=of):
                return self.on if of.kind == "date" else month_of(self.on)
            case ir.Var(slot=slot):
                return names[slot]
            case ir.Fact(subject=subject, name=name):
                record = self.value(subject, names)
                return self._nothing(expr.type) if record is None else self.fact(record, name)
            case ir.Up(subject=subject):
                record = self.value(subject, names)
                return None if record is None else record.upper
            case ir.Param(name=name, subject=of, keys=keys):
                return self._parameter(expr, name, of, keys, names)
            case ir.Ref(name=name, subject=of):
                return self._defined(expr, name, of, names)
            case ir.Apply(op=op, args=args):
                return self._applied(op, [self.value(arg, names) for arg in args])
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                return self.value(then if self.value(condition, names) else otherwise, names)
            case ir.Fold():
                return self._fold(expr, names)
            case ir.Verdict(kind=kind, name=name, subject=subject):
                record = self.value(subject, names)
                if kind in ("outcome", "amount"):
                    say = self.final if kind == "outcome" else self.paid
                    return None if record is None else say(name, record)
                asked = {"meets": self.met, "obtains": self.obtained, "blocked": self.barred}[kind]
                return record is not None and asked(name, record)

    def _nothing(self, of: Type) -> Any:
        return frozenset() if of.kind == "multi" else None

    def _applied(self, op: str, args: list[Any]) -> Any:
        declared = OPS[op]
        if declared.none == "strict" and None in args:
            return None
        if declared.none == "false" and None in args:
            return False
        return declared.run(*args)

    def _defined(self, expr: ir.Expr, name: str, of: ir.Expr | None, names: Names) -> Any:
        define = self.program.defines[name]
        version = define.on(self.on)
        record = None if of is None else self.value(of, names)
        if of is not None and record is None:
            return self._nothing(expr.type)
        if version is not None:
            return self.value(version.body, {} if record is None else {"self": record})
        # no version is in force: nobody can say what the term means on that day
        cell = (name, record.path if record else "", ("term",))
        if cell not in self.parameters:
            records = define.type.kind == "record"
            self.parameters[cell] = None if records else self.choose(self.possible(define.type, None, None))
        return self.parameters[cell]

    def _parameter(
        self, expr: ir.Expr, name: str, of: ir.Expr | None, keys: tuple[ir.Expr, ...], names: Names
    ) -> Any:
        record = None if of is None else self.value(of, names)
        at = tuple(self.value(key, names) for key in keys)
        if (of is not None and record is None) or None in at:
            return self._nothing(expr.type)
        return self.parameter(name, record, at)

    def parameter(self, name: str, record: Instance | None, keys: tuple[Any, ...]) -> Any:
        """The value a sheet gives; unset, or outside its declared range, it may be anything in that range."""
        cell = (name, record.path if record else "", keys)
        if cell not in self.parameters:
            declared = self.program.parameters[name]
            names = {"self": record} if record else {}
            low, high = self.ends(declared, names)
            setting = declared.setting(keys, self.on)
            value: Any = None
            is_set = setting is not None and setting.value is not None
            if setting is not None and setting.value is not None:
                value = self.value(setting.value, names)
            if not is_set or not within(value, low, high):
                value = self.choose(self.possible(declared.type, low, high))
            self.parameters[cell] = value
        return self.parameters[cell]

    def _fold(self, expr: ir.Fold, names: Names) -> Any:
        run = OPS[expr.op].run
        scopes = [{**names, expr.slot: item} for item in self._elements(expr.domain, names)]
        if expr.op in ("any", "all"):
            return run([expr.where is None or self.value(expr.where, scope) for scope in scopes])
        passing = [scope for scope in scopes if expr.where is None or self.value(expr.where, scope)]
        if expr.op == "count":
            return run(passing)
        assert expr.take is not None
        taken = [self.value(expr.take, scope) for scope in passing]
        if expr.op in ("earliest", "latest"):
            return run([(key, scope[expr.slot]) for key, scope in zip(taken, passing, strict=True)])
        return run(taken)

    def _elements(self, domain: ir.Items | ir.MonthRange, names: Names) -> list[Any]:
        if isinstance(domain, ir.MonthRange):
            first, last = self.value(domain.first, names), self.value(domain.last, names)
            if first is None or last is None:
                return []
            return [first.plus(n) for n in range(last.minus(first) + 1)]
        record = self.value(domain.subject, names)
        return [] if record is None else self.items(record, domain.name)

    # -- records

    def items(self, record: Instance, name: str) -> list[Instance]:
        """The records of a list that are known of on the day."""
        listing = record.lists.get(name)
        assert listing is not None and listing.complete, f"{record.path}.{name} is open"
        return [item for item in listing.items if self.known_by_now(item)]

    def known_by_now(self, record: Instance) -> bool:
        """A record that is decided later than the day asked for is not there yet."""
        known_from = self.program.entities[record.entity].known_from
        if known_from is None:
            return True
        day = self.fact(record, known_from)
        return day is not None and bool((month_of(self.on) if isinstance(day, Month) else self.on) >= day)

    def fact(self, record: Instance, name: str) -> Any:
        """The plain value of a fact, or the record of a single reference."""
        known, value = plain(record.facts.get(name))
        if known:
            return value
        entity = self.program.entities[record.entity]
        if name in entity.lists:
            value = self.refer(record, entity.lists[name])
            record.facts[name] = Given(Options(frozenset([value])))
            return value
        decl = entity.facts[name]
        low, high = self.ends(decl, {"self": record})
        value = self.choose(self.possible(decl.type, low, high, record.facts.get(name)))
        record.facts[name] = given(decl.type, value)
        return value

    def refer(self, record: Instance, decl: ir.ListDecl) -> Any:
        """The record that an unknown reference may name."""
        raise AssertionError(f"{record.path}.{decl.name.id} is open")

    # -- ranges

    def ends(self, declared: ir.FactDecl | ir.Parameter, names: Names) -> tuple[Any, Any]:
        """The declared range of a fact or parameter, here; `None` where it is open on that side."""
        low = None if declared.low is None else self.value(declared.low, names)
        high = None if declared.high is None else self.value(declared.high, names)
        return low, high

    def possible(self, of: Type, low: Any, high: Any, given: Given | None = None) -> Sequence[Any]:
        """Every value of a type in a range; some of them where there are many."""
        labels = self.program.choices[of.of].labels if of.of in self.program.choices else frozenset[str]()
        hint = given.value if given is not None else None
        values = list(self._every(of, low, high, sorted(labels)))
        if isinstance(hint, Options) and hint.values is not None:
            values = [value for value in values if value in hint.values]
        elif isinstance(hint, Subset):
            values = [value for value in values if hint.must <= value <= hint.may]
        elif isinstance(hint, Bounds):
            values = [
                value for value in values if (hint.none if value is None else hint.lo <= value <= hint.hi)
            ]
        return values

    def _every(self, of: Type, low: Any, high: Any, labels: list[str]) -> Iterator[Any]:
        if of.optional:
            yield None
        match of.kind:
            case "bool":
                yield from (False, True)
            case "choice":
                yield from labels
            case "multi":
                sizes = (combinations(labels, size) for size in range(len(labels) + 1))
                yield from map(frozenset, chain.from_iterable(sizes))
            case "text":
                self.sampled = True
                yield from ("甲", "乙")
            case "number" | "date" | "month":
                limits = widest(of, NOTHING)
                assert isinstance(limits, Bounds)
                yield from self._span(limits.lo if low is None else low, limits.hi if high is None else high)

    def _span(self, low: Any, high: Any) -> Iterator[Any]:
        """The values from one to another: whole numbers, days or months."""
        count = _steps(low, high) + 1
        if count <= MOST_VALUES:
            yield from (_step(low, n) for n in range(count))
            return
        self.sampled = True
        near = {low, high}
        for constant in self._constants(type(_step(low, 0))):
            near.update(_step(constant, n) for n in (-1, 0, 1))
        yield from sorted(value for value in near if low <= value <= high)

    def _constants(self, kind: type) -> set[Any]:
        """The numbers, or days, that the program itself names: where answers turn."""
        found: set[Any] = {self.on} if kind is date else {month_of(self.on)} if kind is Month else {0}
        for expr in mentioned(self.program):
            if isinstance(expr, ir.Const) and isinstance(expr.value, Bounds) and type(expr.value.lo) is kind:
                found.add(expr.value.lo)
        return found


def within(value: Any, low: Any, high: Any) -> bool:
    """Whether a value lies in a range; 无 does."""
    return value is None or ((low is None or low <= value) and (high is None or value <= high))


def _steps(low: Any, high: Any) -> int:
    if isinstance(low, date):
        return int((high - low).days)
    if isinstance(low, Month):
        return int(high.minus(low))
    return int(Fraction(high) // 1 - -(-Fraction(low) // 1))


def _step(low: Any, n: int) -> Any:
    if isinstance(low, date):
        return low + timedelta(days=n)
    if isinstance(low, Month):
        return low.plus(n)
    return int(-(-Fraction(low) // 1)) + n


# ---- completions ----------------------------------------------------------------------------------------------


class Completion(World):
    """A household whose gaps are filled when they are first read, each by what `choose` says.

    What no rule reads stays open: it cannot matter. Raises `Impossible` where the facts rule each other out.
    """

    def __init__(self, program: ir.Program, case: Case, on: date, choose: Choose) -> None:
        self.depth: dict[str, int] = {}
        super().__init__(program, copied(case), on, choose=choose)
        for record in case.index.values():
            for name, decl in program.entities[record.entity].facts.items():
                known, value = plain(record.facts.get(name))
                # a range that looks at other facts binds those, read or not
                if known and not within(value, *self.ends(decl, {"self": self.case.index[record.path]})):
                    raise Impossible

    def filled(self) -> Case:
        """The household with every gap filled."""
        done: set[str] = set()
        while left := [record for path, record in self.case.index.items() if path not in done]:
            for record in left:
                done.add(record.path)
                for name, decl in self.program.entities[record.entity].lists.items():
                    if decl.single:
                        self.fact(record, name)
                    else:
                        self.items(record, name)
                for name in self.program.entities[record.entity].facts:
                    self.fact(record, name)
        return self.case

    def items(self, record: Instance, name: str) -> list[Instance]:
        listing = record.lists.get(name) or Listing((), complete=False)
        if not listing.complete:
            self.close(record, self.program.entities[record.entity].lists[name], listing.items)
        return super().items(record, name)

    def close(self, record: Instance, decl: ir.ListDecl, given: tuple[Instance, ...]) -> None:
        """Closes a list, with some further records or none."""
        further: list[Instance] = []
        for _ in range(self.choose(self.sizes(record, decl, len(given)))):
            further.append(self.further(record, decl, [*given, *further]))
        # nobody says where in the list the others stand
        first = bool(further and given) and self.choose((False, True))
        items = (*further, *given) if first else (*given, *further)
        record.lists[decl.name.id] = Listing(items, complete=True)

    def sizes(self, record: Instance, decl: ir.ListDecl, given: int) -> Sequence[int]:
        """How many further records a list may hold."""
        least = max(decl.least - given, 0)
        deep = self.depth.get(record.path, 0) >= DEEPEST
        return range(least, max(min(decl.most - given, least if deep else MOST_FURTHER), least) + 1)

    def further(self, record: Instance, decl: ir.ListDecl, taken: Sequence[Instance]) -> Instance:
        """One more record of a list: a new one or, where the list refers, one of those there are."""
        there: list[Instance | None] = [None]
        if decl.kind == "refers":
            there += [one for one in self.case.index.values() if one.entity == decl.item and one not in taken]
        found: Instance | None = self.choose(there)
        return found or self.new(record, decl, len(taken))

    def new(self, record: Instance, decl: ir.ListDecl, number: int) -> Instance:
        """A record nobody described."""
        member = decl.kind == "members"
        path = (
            f"{record.path}.{decl.name.id}[{number}]"
            if record is not self.case.root
            else f"{decl.name.id}[{number}]"
        )
        return self.enter(
            decl.item, f"{path}+", record if member else None, self.depth.get(record.path, 0) + 1
        )

    def enter(self, entity: str, path: str, upper: Instance | None, depth: int) -> Instance:
        above = self.program.entities[entity].upper
        if above is not None and upper is None:
            upper = self.enter(above, f"{path}.{above}", None, DEEPEST)
        found = Instance(entity, path, upper)
        self.case.index[path], self.depth[path] = found, depth
        return found

    def refer(self, record: Instance, decl: ir.ListDecl) -> Any:
        nothing = [None] if decl.optional else []
        there = [one for one in self.case.index.values() if one.entity == decl.item]
        deep = self.depth.get(record.path, 0) >= DEEPEST
        new = [] if deep and (nothing or there) else ["new"]
        found = self.choose([*nothing, *there, *new])
        return self.new(record, decl, 0) if found == "new" else found


def _relative(end: ir.Expr | None) -> bool:
    """Whether the end of a range depends on the household."""
    if end is None:
        return False
    return isinstance(end, ir.Fact | ir.Fold | ir.Param | ir.Ref) or any(map(_relative, ir.children(end)))


def copied(case: Case) -> Case:
    """The same household in records of its own, so that filling it leaves the first untouched."""
    same = {record: Instance(record.entity, path, None) for path, record in case.index.items()}
    for old, new in same.items():
        new.upper = same[old.upper] if old.upper is not None else None
        new.facts = {name: _copied_fact(given, same) for name, given in old.facts.items()}
        new.lists = {
            name: Listing(tuple(same[item] for item in listing.items), listing.complete)
            for name, listing in old.lists.items()
        }
    index = {record.path: record for record in same.values()}
    return Case(same[case.root], tuple(same[s] for s in case.subjects), index, case.notes, case.digest)


def _copied_fact(given: Given, same: Mapping[Instance, Instance]) -> Given:
    known, value = plain(given)
    return Given(Options(frozenset([same[value]]))) if known and isinstance(value, Instance) else given


def completions(program: ir.Program, case: Case, on: date) -> Iterator[Case]:
    """Every completion of a household with gaps."""
    return every(lambda choose: Completion(program, case, on, choose).filled())


# ---- D: what the rules say of a complete household -----------------------------------------------------------------


@dataclass(slots=True)
class Answer:
    """Everything that is decided, by clause or measure and the path of the subject.

    `amounts` holds the fen of what is granted (`None`: grounds in conflict, nothing is paid), `parts` those of its
    named parts, `spans` the first month and for how many (`None` where the rule says nothing), `ways` the fen for
    each way in which an approver may still choose, `grounds` the clauses that stand and grant, `ruled` the
    may-clauses that a ruling makes grant beside them.
    """

    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)
    amounts: dict[tuple[str, str], Any] = field(default_factory=dict)
    parts: dict[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict)
    spans: dict[tuple[str, str], tuple[Any, Any]] = field(default_factory=dict)
    ways: dict[tuple[str, str], dict[tuple[tuple[str, int], ...], Any]] = field(default_factory=dict)
    grounds: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    ruled: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    alternatives: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    scope: dict[tuple[str, str], bool] = field(default_factory=dict)
    test: dict[tuple[str, str], bool] = field(default_factory=dict)
    blocked: dict[tuple[str, str], bool] = field(default_factory=dict)
    duties: dict[tuple[str, str], str] = field(default_factory=dict)
    bans: dict[tuple[str, str], bool] = field(default_factory=dict)
    records: dict[tuple[str, str], bool] = field(default_factory=dict)
    notes: dict[tuple[str, str], bool] = field(default_factory=dict)


def D(
    program: ir.Program,
    household: Case,
    on: date,
    rulings: Sequence[Ruling] = (),
    elections: Sequence[Election] = (),
    parameters: Mapping[Cell, Any] | None = None,
) -> Answer:
    """What the rules say of a complete household on a day; `parameters` gives those that no sheet sets."""
    return Meaning(World(program, household, on, parameters), rulings, elections).answer()


def answers(
    program: ir.Program,
    case: Case,
    on: date,
    rulings: Sequence[Ruling] = (),
    elections: Sequence[Election] = (),
    cap: int = 2000,
    chance: random.Random | None = None,
) -> tuple[list[Answer], bool]:
    """D of every completion, and whether it is of every one: past the cap, some are taken at random instead.

    Unset parameters, and 获得 of a measure whose ruling is still to come, are gaps like any other.
    """
    sampled = False

    def make(choose: Choose) -> Answer:
        nonlocal sampled
        world = Completion(program, case, on, choose)
        answer = Meaning(world, rulings, elections).answer()
        sampled = sampled or world.sampled
        return answer

    found = []
    for answer in every(make):
        found.append(answer)
        if len(found) > cap:
            return list(some(make, max(cap // 4, 20), chance or random.Random(0))), False
    return found, not sampled


class Meaning:
    """The order of clauses, blocks, exclusions and measures on one complete household."""

    def __init__(self, world: World, rulings: Sequence[Ruling], elections: Sequence[Election]) -> None:
        self.world, self.program, self.on = world, world.program, world.on
        self.rulings, self.elections = rulings, elections
        self.pending: dict[tuple[str, str], bool] = {}
        self.seen: dict[tuple[Any, ...], Any] = {}
        world.met, world.obtained, world.barred = self.met, self.obtained, self.barred
        world.final, world.paid = self.final, self.paid

    def once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """The same answer for the same question."""
        if key not in self.seen:
            self.seen[key] = make()
        return self.seen[key]

    # -- clauses

    def holds(self, expr: ir.Expr | None, subject: Instance) -> bool:
        return expr is None or bool(self.world.value(expr, {"self": subject}))

    def in_force(self, c: ir.Clause, s: Instance) -> bool:
        """Whether the clause's period holds the day, or the event that the clause names instead."""
        day = self.on if c.as_of is None else self.world.value(c.as_of, {"self": s})
        return day is not None and c.period.holds(day)

    def in_scope(self, c: ir.Clause, s: Instance) -> bool:
        found: bool = self.once(("scope", id(c), s), lambda: self.in_force(c, s) and self.holds(c.scope, s))
        return found

    def passes(self, c: ir.Clause, s: Instance) -> bool:
        found: bool = self.once(("test", id(c), s), lambda: self.holds(c.test, s))
        return found

    def applies(self, c: ir.Clause, s: Instance) -> bool:
        return self.in_scope(c, s) and self.passes(c, s)

    def versions(self, ident: str, s: Instance) -> list[ir.Clause]:
        return [c for c in self.program.clauses[ident] if c.entity == s.entity]

    def met(self, ident: str, s: Instance) -> bool:
        """符合: scope and test, nothing more."""
        return any(self.applies(c, s) for c in self.versions(ident, s))

    # -- priorities, exclusions, rulings

    def near(self, s: Instance) -> list[Instance]:
        """The subject, and the records it lies in."""
        return [s] if s.upper is None else [s, *self.near(s.upper)]

    def clauses_on(self, subjects: Sequence[Instance]) -> Iterator[tuple[ir.Clause, Instance]]:
        for s in subjects:
            for c in chain.from_iterable(self.program.clauses.values()):
                if c.entity == s.entity:
                    yield c, s

    def prevails(self, higher: ir.Clause, lower: ir.Clause) -> bool:
        """≻ by name."""
        return higher.basis.name.id in self.program.blockers[lower.basis.name.id]

    def excluders(self, measure: str, s: Instance) -> Iterator[tuple[ir.Clause, Instance]]:
        """The clauses that withhold the measure from the subject, each with the record it is written for."""
        for c, bearer in self.clauses_on(self.near(s)):
            if (
                isinstance(c.effect, ir.Withhold)
                and measure in c.effect.measures
                and (bearer is s or c.effect.members)
            ):
                yield c, bearer

    def bears(self, c: ir.Clause, bearer: Instance, measure: str, s: Instance) -> bool:
        """Whether something that concerns this measure stands here: a grant that counts, or an exclusion."""
        match c.effect:
            case ir.Grant(measure=granted, may=may):
                return (
                    granted == measure
                    and self.stands(c, bearer)
                    and (not may or self.granted_by_ruling(c, bearer))
                )
            case ir.Withhold(measures=withheld):
                return measure in withheld and self.withholds(c, bearer, measure, s)
        return False

    def withholds(self, e: ir.Clause, bearer: Instance, measure: str, s: Instance) -> bool:
        """Whether an exclusion written for `bearer` stands, as to this measure and this subject."""

        def decide() -> bool:
            assert isinstance(e.effect, ir.Withhold)
            around = self.near(s) if e.effect.members else self.near(bearer)
            return self.applies(e, bearer) and not any(
                self.prevails(c, e) and self.bears(c, on, measure, s) for c, on in self.clauses_on(around)
            )

        found: bool = self.once(("withholds", id(e), bearer, measure, s), decide)
        return found

    def blocks(self, c: ir.Clause, s: Instance) -> list[ir.Clause]:
        """What keeps a grant from standing: clauses above it that stand, and exclusions that it is not above."""
        assert isinstance(c.effect, ir.Grant)
        measure = c.effect.measure

        def decide() -> list[ir.Clause]:
            above = [
                o
                for o, on in self.clauses_on(self.near(s))
                if self.prevails(o, c) and self.bears(o, on, measure, s)
            ]
            return above + [
                e
                for e, bearer in self.excluders(measure, s)
                if not self.prevails(c, e) and self.withholds(e, bearer, measure, s)
            ]

        found: list[ir.Clause] = self.once(("blocks", id(c), s), decide)
        return found

    def stands(self, c: ir.Clause, s: Instance) -> bool:
        """Whether a grant applies and nothing blocks it."""
        return self.applies(c, s) and not self.blocks(c, s)

    def ruling(self, c: ir.Clause, s: Instance) -> Ruling | None:
        """The latest ruling under a clause on a subject, from its day, for the application it decides."""
        counting = [r for r in self.rulings if r.clause == c.basis.name.id and r.subject.path == s.path]
        counting = [r for r in counting if r.day <= self.on and self.decides(r, c, s)]
        return max(reversed(counting), key=lambda r: r.day, default=None)

    def decides(self, ruling: Ruling, c: ir.Clause, s: Instance) -> bool:
        """Whether a ruling is about the application that the clause now speaks of."""
        if c.application is None or ruling.application is None:
            return True
        application = self.world.value(c.application, {"self": s})
        if isinstance(application, Instance):
            known_from = self.program.entities[application.entity].known_from
            application = self.world.fact(application, known_from) if known_from else None
        return bool(ruling.application == application)

    def granted_by_ruling(self, c: ir.Clause, s: Instance) -> bool:
        found = self.ruling(c, s)
        return found is not None and found.choices is not None

    # -- measures

    def granting(self, measure: str, s: Instance, may: bool) -> list[ir.Clause]:
        return [
            c
            for c, _ in self.clauses_on([s])
            if isinstance(c.effect, ir.Grant) and c.effect.measure == measure and c.effect.may == may
        ]

    def before(self, measure: str, s: Instance) -> str:
        """The outcome before 互斥, by the table."""

        def decide() -> str:
            sure, perhaps = (self.granting(measure, s, may) for may in (False, True))
            pending = [c for c in perhaps if self.stands(c, s)]
            if any(self.withholds(e, bearer, measure, s) for e, bearer in self.excluders(measure, s)):
                return "excluded"
            if any(self.stands(c, s) for c in sure):
                return "granted"
            if pending:
                if any(self.granted_by_ruling(c, s) for c in pending):
                    return "granted"
                return "discretionary" if any(self.ruling(c, s) is None for c in pending) else "refused"
            applying = [c for c in (*sure, *perhaps) if self.applies(c, s)]
            if applying:
                by = chain.from_iterable(self.blocks(c, s) for c in applying)
                return "superseded" if any(isinstance(o.effect, ir.Grant) for o in by) else "excluded"
            return "refused" if any(self.in_scope(c, s) for c in (*sure, *perhaps)) else "not_covered"

        found: str = self.once(("before", measure, s), decide)
        return found

    def final(self, measure: str, s: Instance) -> str:
        """The outcome after 互斥."""

        def decide() -> str:
            outcome = self.before(measure, s)
            for exclusive in self.program.exclusives:
                if measure in exclusive.measures and self.gives_way(exclusive, measure, s, outcome):
                    outcome = "superseded"
            return outcome

        found: str = self.once(("final", measure, s), decide)
        return found

    def family(self, measure: str, s: Instance) -> list[Instance]:
        """The records that count as one subject with this one: itself, those it lies in, those that lie in it."""
        entities = self.program.measures[measure].entities
        return [o for o in (*self.near(s), *self.below(s)) if o.entity in entities]

    def below(self, s: Instance) -> Iterator[Instance]:
        for name, decl in self.program.entities[s.entity].lists.items():
            for member in self.world.items(s, name) if decl.kind == "members" else ():
                yield member
                yield from self.below(member)

    def gives_way(self, exclusive: ir.Exclusive, measure: str, s: Instance, outcome: str) -> bool:
        """Whether a measure gives way to another that excludes it; one whose ruling is to come only by order or choice."""
        if outcome not in ("granted", "discretionary"):
            return False
        others = [(m, o) for m in exclusive.measures if m != measure for o in self.family(m, s)]
        place = exclusive.measures.index
        match exclusive.how:
            case "by_order":
                return any(self.final(m, o) == "granted" for m, o in others if place(m) < place(measure))
            case "by_amount":
                return outcome == "granted" and any(
                    self.higher(exclusive, m, o, measure, s) for m, o in others
                )
            case "by_election":
                elected = self.elected(exclusive, s)
                return any(self.before(m, o) == "granted" for m, o in others if m == elected)

    def higher(self, exclusive: ir.Exclusive, measure: str, o: Instance, than: str, s: Instance) -> bool:
        """Whether another granted measure is worth more; of equals, the one named first."""
        a, b = self.amount(measure, o), self.amount(than, s)
        if self.before(measure, o) != "granted" or a is None or b is None:
            return False
        place = exclusive.measures.index
        return bool(a > b or (a == b and place(measure) < place(than)))

    def elected(self, exclusive: ir.Exclusive, s: Instance) -> str:
        """The measure that was elected last, from its day on."""
        made = [
            e
            for e in self.elections
            if e.exclusive == exclusive.basis.name.id
            and e.day <= self.on
            and (
                e.subject.path in {o.path for o in self.near(s)}
                or s in self.near(self.world.case.index[e.subject.path])
            )
        ]
        last = max(reversed(made), key=lambda e: e.day, default=None)
        return last.measure if last else ""

    def obtained(self, measure: str, s: Instance) -> bool:
        """获得: granted, after 互斥; while a ruling is to come nobody knows."""
        if s.entity not in self.program.measures[measure].entities:
            return False
        outcome = self.final(measure, s)
        if outcome != "discretionary":
            return outcome == "granted"
        key = (measure, s.path)
        if key not in self.pending:
            self.pending[key] = self.world.choose((False, True))
        return self.pending[key]

    # -- amounts

    def grounds(self, measure: str, s: Instance) -> list[tuple[ir.Clause, tuple[tuple[str, int], ...]]]:
        """The clauses on which a measure is granted, each with the quantities an approver chose."""
        found: list[tuple[ir.Clause, tuple[tuple[str, int], ...]]] = []
        for c in self.granting(measure, s, may=False):
            if self.stands(c, s):
                found.append((c, ()))
        return found or self.ruled(measure, s)

    def ruled(self, measure: str, s: Instance) -> list[tuple[ir.Clause, tuple[tuple[str, int], ...]]]:
        """The may-clauses that stand and that a ruling makes grant."""
        found = []
        for c in self.granting(measure, s, may=True):
            ruling = self.ruling(c, s) if self.stands(c, s) else None
            if ruling is not None and ruling.choices is not None:
                found.append((c, ruling.choices))
        return found

    def rule(self, c: ir.Clause) -> ir.Amount | None:
        assert isinstance(c.effect, ir.Grant)
        return c.effect.amount or self.program.amount_rule(c.effect.measure, c.entity, self.on)

    def pay(self, c: ir.Clause, s: Instance, choices: tuple[tuple[str, int], ...]) -> Any:
        """The fen that one clause pays."""
        rule = self.rule(c)
        return None if rule is None else self.world.value(rule.total, self.chosen(s, choices))

    def chosen(self, s: Instance, choices: tuple[tuple[str, int], ...]) -> dict[str, Any]:
        return {"self": s} | {f"choice:{name}": number for name, number in choices}

    def amount(self, measure: str, s: Instance) -> Any:
        """The fen that are granted; nothing is paid on grounds with different amount rules."""
        grounds = self.grounds(measure, s)
        return (
            None if self.in_conflict(measure, s) or not grounds else self.pay(grounds[0][0], s, grounds[0][1])
        )

    def paid(self, measure: str, s: Instance) -> Any:
        """应发金额: what is granted, in fen; nothing while an approver has yet to decide."""
        entities = self.program.measures[measure].entities
        return (
            self.amount(measure, s) if s.entity in entities and self.final(measure, s) == "granted" else None
        )

    def in_conflict(self, measure: str, s: Instance) -> bool:
        """Whether a subject and the records it lies in, or that lie in it, are granted by different amount rules."""
        family = [o for o in self.world.case.subjects if o in self.near(s) or s in self.near(o)]
        granted = [(c, o) for o in family if o.entity in self.program.measures[measure].entities
                   for c, _ in self.grounds(measure, o)]  # fmt: skip
        return len({(id(self.rule(c)), o.entity) for c, o in granted}) > 1

    def ways(self, measure: str, s: Instance) -> dict[tuple[tuple[str, int], ...], Any]:
        """The fen for each way in which an approver may still choose."""
        found = {}
        for c in self.granting(measure, s, may=True):
            if self.stands(c, s) and self.ruling(c, s) is None:
                ranges = [[(d.name.id, n) for n in range(d.low, d.high + 1)] for d in c.discretion]
                found.update({choices: self.pay(c, s, choices) for choices in product(*ranges)})
        return found

    # -- duties and bans

    def banned(self, c: ir.Clause, s: Instance) -> bool:
        """Whether the act of a duty, or the act it is part of, is banned for the subject."""
        assert isinstance(c.effect, ir.Duty)
        act: str | None = c.effect.act
        acts: set[str] = set()
        while act is not None:
            acts.add(act)
            act = self.program.acts[act].part_of
        against = [
            (b, on)
            for b, on in self.clauses_on(self.near(s))
            if isinstance(b.effect, ir.Ban)
            and (self.prevails(b, c) or (on is s and b.effect.act in acts and not self.prevails(c, b)))
        ]
        return any(self.bans(b, on) for b, on in against)

    def bans(self, c: ir.Clause, s: Instance) -> bool:
        """Whether a ban holds: it applies, and no duty that is not barred prevails over it."""
        return self.applies(c, s) and not any(
            self.prevails(d, c) and self.applies(d, on) and not self.banned(d, on)
            for d, on in self.clauses_on(self.near(s))
            if isinstance(d.effect, ir.Duty)
        )

    def barred(self, ident: str, s: Instance) -> bool:
        """受阻: the clause applies, and yet does not stand."""
        for c in self.versions(ident, s):
            if self.applies(c, s):
                match c.effect:
                    case ir.Grant():
                        return bool(self.blocks(c, s))
                    case ir.Duty():
                        return self.banned(c, s)
                    case ir.Withhold(measures=measures):
                        return not any(self.withholds(c, s, measure, s) for measure in measures)
        return False

    def duty(self, c: ir.Clause, s: Instance) -> str:
        """How a duty stands."""
        assert isinstance(c.effect, ir.Duty)
        if not self.applies(c, s):
            return "none"
        if self.banned(c, s):
            return "blocked"
        if c.effect.done is not None and self.holds(c.effect.done, s):
            return "done"
        due = None if c.effect.due is None else self.world.value(c.effect.due, {"self": s})
        return "overdue" if due is not None and due < self.on else "open"

    # -- everything

    def answer(self) -> Answer:
        found = Answer()
        for s in self.world.case.subjects:
            for measure, declared in self.program.measures.items():
                if s.entity in declared.entities:
                    self.decide(found, measure, s)
            for c, _ in self.clauses_on([s]):
                self.say(found, c, s)
            for note in self.program.notes:
                if note.entity == s.entity and note.period.holds(self.on):
                    found.notes[note.basis.name.id, s.path] = self.holds(note.test, s)
        return found

    def decide(self, found: Answer, measure: str, s: Instance) -> None:
        key = (measure, s.path)
        outcome = found.outcomes[key] = self.final(measure, s)
        if outcome == "granted":
            grounds = self.grounds(measure, s)
            found.amounts[key] = self.amount(measure, s)
            found.grounds[key] = frozenset(c.basis.name.id for c, _ in grounds)
            found.ruled[key] = frozenset(c.basis.name.id for c, _ in self.ruled(measure, s))
            rule = self.rule(grounds[0][0])
            if rule is not None and found.amounts[key] is not None:
                names = self.chosen(s, grounds[0][1])
                found.parts[key] = tuple(self.world.value(part.expr, names) for part in rule.parts)
                ends = (
                    None if expr is None else self.world.value(expr, names)
                    for expr in (rule.start, rule.months)
                )
                found.spans[key] = (*ends,)  # type: ignore[assignment]
        elif outcome == "discretionary":
            found.ways[key] = self.ways(measure, s)

    def say(self, found: Answer, c: ir.Clause, s: Instance) -> None:
        key = (c.basis.name.id, s.path)
        if len(self.program.clauses[key[0]]) > 1 and key in found.scope and not self.in_force(c, s):
            return  # another version speaks
        found.scope[key], found.test[key] = self.in_scope(c, s), self.passes(c, s)
        match c.effect:
            case ir.Grant():
                found.blocked[key] = self.applies(c, s) and bool(self.blocks(c, s))
            case ir.Duty():
                found.duties[key] = self.duty(c, s)
            case ir.Ban():
                found.bans[key] = self.bans(c, s)
            case ir.Record():
                found.records[key] = self.applies(c, s)
