"""Records and expressions as terms: every household of a bounded size on every day of a stretch.

A fact, a list's length, a reference, an unset parameter is a free variable, made when it is first read, with what its
declaration says of it as a constraint. So a question holds only what it rests on. The day is free too, inside a
stretch of days on which the same versions of all rules are in force.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol, TypeAlias

import z3

from policykit import ir
from policykit.datatypes import Type, widest
from policykit.engine.smt import logic
from policykit.engine.smt.logic import (
    Day,
    Labels,
    Num,
    Pick,
    Refused,
    Text,
    Truth,
    Value,
    both,
    choose,
    either,
    merged,
    negate,
    none_of,
)
from policykit.values import NOTHING, Bounds, Month, Options, Subset

Env: TypeAlias = Mapping[str, Value]
MOST_MONTHS = 240


@dataclass(frozen=True, slots=True)
class Size:
    """How large the households are that are looked at: the most members of a record, the most entries of any other
    list."""

    members: int = 8
    entries: int = 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some days, both ends included, between which no rule, term or parameter changes its version."""

    first: date
    last: date


@dataclass(slots=True, eq=False)
class Record:
    """One record of the household looked at; `path` is where it would stand in the input."""

    entity: str
    path: str
    upper: Record | None = None

    def __repr__(self) -> str:
        return f"<{self.entity} {self.path}>"


class Judge(Protocol):
    """Who answers what a clause or a measure comes to for a record."""

    def verdict(self, kind: str, name: str, subject: Record) -> Value: ...


@dataclass(slots=True)
class Variables:
    """The free variables, by what they stand for; shared by the rule sets that are compared.

    `facts` are facts and references by record path, `lists` lengths of lists, `parameters` unset parameters,
    `rulings` and `elections` what approvers and households decide.
    """

    facts: dict[tuple[str, str], Value] = field(default_factory=dict)
    lists: dict[tuple[str, str], tuple[Truth, ...]] = field(default_factory=dict)
    parameters: dict[tuple[str, str, tuple[str, ...]], Value] = field(default_factory=dict)
    rulings: dict[tuple[str, str], tuple[Pick, dict[str, Num]]] = field(default_factory=dict)
    elections: dict[tuple[str, str], Pick] = field(default_factory=dict)
    pending: dict[tuple[str, str], Truth] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)
    constraints: list[z3.BoolRef] = field(default_factory=list)

    def require(self, truth: Truth) -> None:
        """Notes what holds of the variables."""
        if isinstance(truth, bool):
            truth = z3.BoolVal(truth)
        if not z3.is_true(truth):
            self.constraints.append(truth)


class World:
    """The values of terms over all households; `judge` answers what clauses and measures come to."""

    def __init__(
        self,
        program: ir.Program,
        stretch: Stretch,
        size: Size,
        judge: Judge,
        variables: Variables,
        root: str = "",
        overlay: Mapping[tuple[str, str], Value] | None = None,
    ) -> None:
        self.program, self.stretch, self.size, self.judge = program, stretch, size, judge
        self.vars = variables
        self.overlay = dict(overlay or {})  # facts that have another value here than in the household shared
        self.root = self.record(root or program.root, root or program.root, None)
        self.today = self._today()
        self._defined: dict[tuple[str, Record | None], Value] = {}
        self._settings: dict[tuple[str, str, tuple[str, ...]], Value] = {}
        self._presence: dict[Record, Truth] = {}
        self._restricted: set[tuple[str, str]] = set()

    # -- variables

    def _today(self) -> Day:
        first, last = self.stretch.first, self.stretch.last
        if first == last:
            return logic.on_day(first)
        found = self.vars.facts.get(("", "today"))
        if found is None:
            found = self.vars.facts["", "today"] = self.free_day("today", first, last, False)
        assert isinstance(found, Day)
        return found

    def free_day(self, name: str, first: date, last: date, optional: bool) -> Day:
        month, day = z3.Int(f"{name}·month"), z3.Int(f"{name}·day")
        none: Truth = z3.Bool(f"{name}·none") if optional else False
        found = Day(month, day, none, first, last)
        self.vars.require(logic.is_calendar_day(month, day))
        for low, high in ((logic.on_day(first), found), (found, logic.on_day(last))):
            self.vars.require(
                logic.at_most(_unbounded(low.key), _unbounded(high.key))
            )
        return found

    def free(self, name: str, of: Type, low: Any, high: Any) -> Value:
        """A variable of a type, anywhere between two known ends (`None`: those of the type)."""
        labels = self.program.choices[of.of].labels if of.kind in ("choice", "multi") else frozenset[str]()
        wide = widest(of, NOTHING, labels)
        match of.kind:
            case "bool":
                return z3.Bool(name)
            case "choice":
                order = [option.name.id for option in self.program.choices[of.of].options]
                return self.free_pick(name, [*([None] if of.optional else []), *order])
            case "multi":
                return Labels(tuple((label, z3.Bool(f"{name}·{label}")) for label in sorted(labels)))
            case "text":
                return Text(z3.Int(name), z3.Bool(f"{name}·none") if of.optional else False)
        assert isinstance(wide, Bounds)
        lo, hi = (wide.lo if low is None else low), (wide.hi if high is None else high)
        if of.kind == "date":
            return self.free_day(name, lo, hi, of.optional)
        if of.kind == "month":
            lo, hi = logic.month_index(lo), logic.month_index(hi)
        none: Truth = z3.Bool(f"{name}·none") if of.optional else False
        top = z3.Int(name)
        den = 1 if of.kind == "month" or of.money or is_counted(of) else SHARE
        self.vars.require(both((top >= lo * den, top <= hi * den)))
        return Num(top, den, none, lo, hi)

    def free_pick(self, name: str, values: Sequence[Any]) -> Pick:
        """A variable that is one of some values."""
        if len(values) == 1:
            return Pick(((values[0], True),))
        if len(values) == 2:
            second = z3.Bool(f"{name}={_shown(values[1])}")
            return Pick(((values[0], z3.Not(second)), (values[1], second)))
        guards = [z3.Bool(f"{name}={_shown(value)}") for value in values]
        self.vars.require(z3.PbEq([(guard, 1) for guard in guards], 1))
        return Pick(tuple(zip(values, guards, strict=True)))

    # -- records

    def record(self, entity: str, path: str, upper: Record | None) -> Record:
        found = self.vars.records.get(path)
        if found is None:
            found = self.vars.records[path] = Record(entity, path, upper)
        return found

    def below(self, owner: Record, name: str) -> str:
        return name if owner is self.root else f"{owner.path}.{name}"

    def fact(self, record: Record, name: str) -> Value:
        """A fact of a record, or the record that a single reference names."""
        key = (record.path, name)
        if key in self.overlay:
            self._restrict(record, name, self.overlay[key])
            return self.overlay[key]
        decl = self.program.entities[record.entity].facts.get(name)
        if key not in self.vars.facts:
            if decl is None:
                self.vars.facts[key] = self.reference(record, name)
            else:
                low, high = (self._end(end, at) for end, at in ((decl.low, "first"), (decl.high, "last")))
                self.vars.facts[key] = self.free(f"{record.path}.{name}", decl.type, low, high)
        found = self.vars.facts[key]
        if decl is not None:
            self._restrict(record, name, found)
        return found

    def _restrict(self, record: Record, name: str, value: Value) -> None:
        """Holds a fact to its declared range, as this program declares it."""
        key = (record.path, name)
        if key in self._restricted:
            return
        self._restricted.add(key)
        decl = self.program.entities[record.entity].facts[name]
        self._within(value, decl.low, decl.high, {"self": Pick(((record, True),))})

    def _within(self, value: Value, low: ir.Expr | None, high: ir.Expr | None, env: Env) -> None:
        self.vars.require(either((none_of(value), self.inside(value, low, high, env))))

    def inside(self, value: Value, low: ir.Expr | None, high: ir.Expr | None, env: Env) -> Truth:
        """Whether a value lies in a declared range."""
        parts: list[Truth] = []
        for end, above in ((low, True), (high, False)):
            if end is not None:
                limit = self.value(end, env)
                pair = (limit, value) if above else (value, limit)
                small, large = (_unbounded(logic.ordered(one)) for one in pair)
                parts.append(either((none_of(limit), logic.at_most(small, large))))
        return both(parts)

    def _end(self, end: ir.Expr | None, at: str) -> Any:
        """A known end of a range; the widest that the day gives, where it is today."""
        match end:
            case ir.Const(value=Bounds(lo=value)):
                return value
            case ir.Today(type=of):
                day = getattr(self.stretch, at)
                return Month(day.year, day.month) if of.kind == "month" else day
        return None

    def reference(self, record: Record, name: str) -> Pick:
        """The record that a single reference may name: a member of the household, one described apart, or none."""
        decl = self.program.entities[record.entity].lists[name]
        values: list[Any] = [None] if decl.optional else []
        return self.free_reference(record, decl, self.below(record, name), values)

    def free_reference(self, owner: Record, decl: ir.ListDecl, path: str, values: list[Any]) -> Pick:
        apart = self.record(decl.item, path, None)
        inside = [one for one, _ in self.everyone(decl.item) if one is not owner]
        pick = self.free_pick(path, [*values, apart, *inside])
        for one, there in self.everyone(decl.item):
            self.vars.require(either((negate(pick.of(one)), there)))
        return pick

    def everyone(self, entity: str) -> list[tuple[Record, Truth]]:
        """The root and its members of one entity, with whether they are there."""
        found: list[tuple[Record, Truth]] = [(self.root, True)]
        todo = [(self.root, True)]
        while todo:
            owner, there = todo.pop(0)
            for name, decl in self.program.entities[owner.entity].lists.items():
                if decl.kind == "members":
                    inner = [(one, both((there, present))) for one, present in self.slots(owner, name)]
                    found += inner
                    todo += inner  # type: ignore[arg-type]
        return [(record, there) for record, there in found if record.entity == entity]

    def upper(self, record: Record, entity: str) -> Record:
        """The record of a higher entity that a record lies in; a free one for a record that lies nowhere."""
        found = record.upper
        while found is not None and found.entity != entity:
            found = found.upper
        return found or self.record(entity, f"{record.path}.{entity}", None)

    # -- lists

    def slots(self, owner: Record, name: str) -> list[tuple[Record, Truth]]:
        """The places of a list of records, each with whether it is filled."""
        decl = self.program.entities[owner.entity].lists[name]
        path = self.below(owner, name)
        limit = self.size.members if decl.kind == "members" else self.size.entries
        most = max(decl.least, min(decl.most, limit))
        records = [
            self.record(decl.item, f"{path}[{n}]", owner if decl.kind == "members" else None)
            for n in range(most)
        ]
        return list(zip(records, self._filled(owner, decl, most), strict=True))

    def _filled(self, owner: Record, decl: ir.ListDecl, most: int) -> tuple[Truth, ...]:
        key = (owner.path, decl.name.id)
        if key not in self.vars.lists:
            path = self.below(owner, decl.name.id)
            filled: list[Truth] = [n < decl.least or z3.Bool(f"{path}[{n}]") for n in range(most)]
            for one, following in itertools.pairwise(filled):
                self.vars.require(either((one, negate(following))))
            self.vars.lists[key] = tuple(filled)
        return self.vars.lists[key]

    def items(self, owner: Record, name: str) -> Iterator[tuple[Pick, Truth]]:
        """The elements of a list, each with whether it is there and known of by the day."""
        decl = self.program.entities[owner.entity].lists[name]
        if decl.kind != "refers":
            for record, filled in self.slots(owner, name):
                yield Pick(((record, True),)), both((filled, self.known_by_now(record)))
            return
        most = max(decl.least, min(decl.most, self.size.entries))
        path = self.below(owner, name)
        earlier: list[tuple[Pick, Truth]] = []
        for n, filled in enumerate(self._filled(owner, decl, most)):
            key = (f"{path}[{n}]", "")
            if key not in self.vars.facts:
                pick = self.vars.facts[key] = self.free_reference(owner, decl, f"{path}[{n}]", [])
                assert isinstance(pick, Pick)
                for other, there in earlier:  # nobody is named twice
                    self.vars.require(negate(both((there, filled, logic.equal(pick, other)))))
            pick = self.vars.facts[key]
            assert isinstance(pick, Pick)
            earlier.append((pick, filled))
            known = either(both((guard, self.known_by_now(one))) for one, guard in pick.ways)
            yield pick, both((filled, known))

    def known_by_now(self, record: Record) -> Truth:
        """Whether a record was known on the day."""
        if record not in self._presence:
            dated = self.program.entities[record.entity].known_from
            found: Truth = True
            if dated is not None:
                value = self.fact(record, dated)
                months = isinstance(value, Num)
                now = logic.month_of(self.today) if months else self.today.key
                found = both((negate(none_of(value)), logic.at_most(logic.ordered(value), now)))
            self._presence[record] = found
        return self._presence[record]

    # -- expressions

    def truth(self, expr: ir.Expr, env: Env) -> Truth:
        value = self.value(expr, env)
        assert isinstance(value, bool | z3.BoolRef), expr
        return value

    def value(self, expr: ir.Expr, env: Env) -> Value:
        """The term of an expression."""
        match expr:
            case ir.Const(value=value, type=of):
                return self.constant(value, of)
            case ir.Today(type=of):
                return logic.month_of(self.today) if of.kind == "month" else self.today
            case ir.Var(slot=slot):
                return env[slot]
            case ir.Fact(subject=of_, name=name):
                return self.over(of_, env, expr.type, lambda record: self.fact(record, name))
            case ir.Up(subject=of_, type=of):
                return self.over(of_, env, of, lambda record: Pick(((self.upper(record, of.of), True),)))
            case ir.Param(name=name, subject=None, keys=keys):
                return self.parameter(name, None, keys, env)
            case ir.Param(name=name, subject=of_, keys=keys) if of_ is not None:
                return self.over(of_, env, expr.type, lambda record: self.parameter(name, record, keys, env))
            case ir.Ref(name=name, subject=None):
                return self.defined(name, None)
            case ir.Ref(name=name, subject=of_) if of_ is not None:
                return self.over(of_, env, expr.type, lambda record: self.defined(name, record))
            case ir.Apply(op=op, args=args):
                return self.apply(op, args, env)
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                test = self.truth(condition, env)
                if isinstance(test, bool):
                    return self.value(then if test else otherwise, env)
                return choose(test, *alike(self.value(then, env), self.value(otherwise, env)))
            case ir.Fold():
                return self.fold(expr, env)
            case ir.Verdict(kind=kind, name=name, subject=of_):
                return self.over(of_, env, expr.type, lambda record: self.judge.verdict(kind, name, record))
        raise AssertionError(expr)

    def over(self, of: ir.Expr, env: Env, type_: Type, read: Any) -> Value:
        """What is read of a record, whichever it is; of 无 nothing."""
        pick = self.value(of, env)
        assert isinstance(pick, Pick), pick
        found: Value | None = None
        for record, guard in reversed(pick.ways):
            one = self.nothing(type_) if record is None else read(record)
            found = one if found is None else choose(guard, *alike(one, found))
        assert found is not None
        return found

    def nothing(self, of: Type) -> Value:
        """What is read of 无: a condition is false, a set of labels empty, anything else is 无."""
        match of.kind:
            case "bool":
                return False
            case "multi":
                return Labels(tuple((label, False) for label in sorted(self.program.choices[of.of].labels)))
            case "date":
                return logic.NO_DAY
            case "text":
                return Text(0, True)
            case "number" | "month":
                return logic.NO_NUMBER
        return Pick(((None, True),))

    def constant(self, value: Any, of: Type) -> Value:
        match value:
            case Bounds(lo=None):
                return self.nothing(of)
            case Bounds(lo=bool() as plain):
                return plain
            case Bounds(lo=Month() as month):
                return logic.in_month(month)
            case Bounds(lo=date() as day):
                return logic.on_day(day)
            case Bounds(lo=number):
                return logic.exact(number)
            case Subset(must=labels):
                return Labels(tuple((label, True) for label in sorted(labels)))
            case Options() if of.kind == "text" and value.value is not None:
                return Text(self.vars.texts.setdefault(value.value, len(self.vars.texts)), False)
        return Pick(((value.value, True),))

    def apply(self, op: str, args: tuple[ir.Expr, ...], env: Env) -> Value:
        if op in ("and", "or"):
            stop = op == "or"
            found: list[Truth] = []
            for arg in args:
                truth = self.truth(arg, env)
                if truth is stop:
                    return stop
                found.append(truth)
            return either(found) if stop else both(found)
        return OPERATIONS[op](self, *(self.value(arg, env) for arg in args))

    def add_days(self, day: Day, days: Num, sign: int = 1) -> Day:
        """So many days later: the day whose number is so much greater."""
        found = self._moved(day, days, sign)
        if isinstance(found, Day):
            return found
        name = f"day#{len(self.vars.constraints)}"
        lo, hi = date(1, 1, 1), date(9999, 12, 31)
        ends = [max(1, min(end.toordinal() + sign * int(n), hi.toordinal())) for end in (day.lo, day.hi) for n in (days.lo, days.hi)]  # fmt: skip
        lo, hi = date.fromordinal(min(ends)), date.fromordinal(max(ends))
        moved = replace_none(self.free_day(name, lo, hi, False), found)
        count = logic.add(Num(logic.ordinal(day), 1, False, 0, 10**7), days, sign)
        there = negate(either((day.none, days.none)))
        self.vars.require(either((negate(there), logic.equal_numbers(Num(logic.ordinal(moved), 1, False, 0, 10**7), _unbounded(count)))))  # fmt: skip
        return moved

    @staticmethod
    def _moved(day: Day, days: Num, sign: int) -> Day | Truth:
        """The day itself when everything is known, else whether it is 无."""
        none = either((day.none, days.none))
        if isinstance(day.month, int) and isinstance(day.day, int) and isinstance(days.top, int) and none is False:
            number = date(day.month // 12, day.month % 12 + 1, day.day).toordinal() + sign * days.top // days.den
            return logic.on_day(date.fromordinal(max(1, min(number, date.max.toordinal()))))
        return none

    # -- folds

    def fold(self, expr: ir.Fold, env: Env) -> Value:
        if isinstance(expr.domain, ir.MonthRange):
            return self.combine(expr, env, list(self.months(expr.domain, env)))
        name = expr.domain.name
        owners = self.value(expr.domain.subject, env)
        assert isinstance(owners, Pick)
        found: Value | None = None
        for owner, guard in reversed(owners.ways):
            elements = [] if owner is None else list(self.items(owner, name))
            one = self.combine(expr, env, elements)
            found = one if found is None else choose(guard, *alike(one, found))
        assert found is not None
        return found

    def combine(self, expr: ir.Fold, env: Env, elements: Sequence[tuple[Value, Truth]]) -> Value:
        """A fold over elements that may or may not be there."""
        scopes: list[tuple[Env, Truth]] = []
        for item, there in elements:
            if there is False:
                continue
            inner = {**env, expr.slot: item}
            test: Truth = True if expr.where is None else self.truth(expr.where, inner)
            if expr.op == "all":
                scopes.append((inner, both((there, negate(test)))))
            else:
                scopes.append((inner, both((there, test))))
        scopes = [(inner, passes) for inner, passes in scopes if passes is not False]
        match expr.op:
            case "any":
                return either(passes for _, passes in scopes)
            case "all":
                return negate(either(passes for _, passes in scopes))
            case "count":
                return self.total([(passes, logic.whole(1)) for _, passes in scopes])
        assert expr.take is not None
        taken = [(passes, self.value(expr.take, inner)) for inner, passes in scopes]
        if expr.op == "sum":
            return self.total(taken)  # type: ignore[arg-type]
        if expr.op in ("least", "greatest"):
            return self.extreme(taken, expr.op == "greatest", expr.type)
        items = [inner[expr.slot] for inner, _ in scopes]
        return self.first_or_last(items, taken, expr.op == "latest")  # type: ignore[arg-type]

    def total(self, parts: Sequence[tuple[Truth, Num]]) -> Num:
        """The sum of what is there; 无 as soon as one of them is."""
        found, none = logic.whole(0), list[Truth]()
        for there, value in parts:
            none.append(both((there, value.none)))
            part = choose(there, Num(value.top, value.den, False, value.lo, value.hi), logic.whole(0))
            assert isinstance(part, Num)
            found = logic.add(found, part)
        return Num(found.top, found.den, either(none), found.lo, found.hi)

    def extreme(self, parts: Sequence[tuple[Truth, Value]], greatest: bool, of: Type) -> Value:
        """The greatest or least of what is there; 无 of nothing, and as soon as one of them is."""
        found, some = self.nothing(of.required()), False
        none = either(both((there, none_of(value))) for there, value in parts)
        best: Value | None = None
        any_there: Truth = some
        for there, value in parts:
            if best is None:
                best, any_there = value, there
                continue
            a, b = logic.ordered(value), logic.ordered(best)
            better = logic.at_most(b, a) if greatest else logic.at_most(a, b)
            best = choose(both((there, either((negate(any_there), better)))), value, best)
            any_there = either((any_there, there))
        if best is None:
            return found
        missing = either((none, negate(any_there)))
        return replace_none(best, missing)

    def first_or_last(
        self, items: Sequence[Pick], keys: Sequence[tuple[Truth, Num | Day]], latest: bool
    ) -> Pick:
        """The record with the earliest or latest key: of equals the first written, for latest the last."""
        dated = [both((there, negate(none_of(key)))) for there, key in keys]
        orders = [logic.ordered(key) for _, key in keys]
        ways: list[tuple[Truth, Any]] = [(negate(either(dated)), None)]
        for n, item in enumerate(items):
            beaten = []
            for other in range(len(items)):
                if other != n:
                    after = other > n
                    pair = (orders[n], orders[other]) if latest else (orders[other], orders[n])
                    beaten.append(both((dated[other], logic.at_most(*pair, strictly=after != latest))))
            wins = both((dated[n], negate(either(beaten))))
            ways += [(both((wins, guard)), record) for record, guard in item.ways]
        return merged(ways)

    def months(self, domain: ir.MonthRange, env: Env) -> Iterator[tuple[Num, Truth]]:
        """The months of a range, each with whether it lies inside."""
        first, last = self.value(domain.first, env), self.value(domain.last, env)
        assert isinstance(first, Num) and isinstance(last, Num)
        there = negate(either((first.none, last.none)))
        low, high = int(first.lo), int(last.hi)
        if high - low >= MOST_MONTHS:
            raise Refused("逐月")
        for index in range(low, high + 1):
            month = logic.whole(index)
            yield month, both((there, logic.at_most(first, month), logic.at_most(month, last)))

    # -- parameters and defined terms

    def parameter(self, name: str, record: Record | None, keys: tuple[ir.Expr, ...], env: Env) -> Value:
        """A parameter as a sheet sets it, else anything in its range."""
        found: Value | None = None
        picks = [self.value(key, env) for key in keys]
        for way in itertools.product(*(reversed(pick.ways) for pick in picks if isinstance(pick, Pick))):
            labels, guard = tuple(label for label, _ in way), both(guard for _, guard in way)
            none = None in labels
            one = self.nothing(self.program.parameters[name].type) if none else self.setting(name, record, labels)
            found = one if found is None else choose(guard, *alike(one, found))
        assert found is not None
        return found

    def setting(self, name: str, record: Record | None, labels: tuple[str, ...]) -> Value:
        path = record.path if record else ""
        key = (name, path, labels)
        if key in self._settings:
            return self._settings[key]
        declared = self.program.parameters[name]
        env: Env = {"self": Pick(((record, True),))} if record else {}
        setting = declared.setting(labels, self.stretch.first)
        value = self.value(setting.value, env) if setting is not None and setting.value is not None else None
        inside: Truth = value is not None
        if value is not None:
            inside = either((none_of(value), self.inside(value, declared.low, declared.high, env)))
        if inside is not True:
            if key not in self.vars.parameters:
                low, high = (self._end(end, at) for end, at in ((declared.low, "first"), (declared.high, "last")))
                shown = f"!{path}.{name}[{','.join(labels)}]"
                free = self.vars.parameters[key] = self.free(shown, declared.type, low, high)
                self._within(free, declared.low, declared.high, env)
            free = self.vars.parameters[key]
            value = free if value is None else choose(inside, *alike(value, free))
        assert value is not None
        self._settings[key] = value
        return value

    def defined(self, name: str, record: Record | None) -> Value:
        """A defined term; on a day for which it has no version, anything of its type."""
        key = (name, record)
        if key not in self._defined:
            define = self.program.defines[name]
            version = define.on(self.stretch.first)
            if version is not None:
                env: Env = {"self": Pick(((record, True),))} if record is not None else {}
                self._defined[key] = self.value(version.body, env)
            elif define.type.kind == "record":
                self._defined[key] = Pick(((None, True),))
            else:
                path = record.path if record else ""
                cell = (name, path, ("term",))
                if cell not in self.vars.parameters:
                    self.vars.parameters[cell] = self.free(f":{path}.{name}", define.type, None, None)
                self._defined[key] = self.vars.parameters[cell]
        return self._defined[key]


SHARE = 100  # a number that counts nothing is looked at in hundredths


def is_counted(of: Type) -> bool:
    """Whether a number is of whole units: persons, months, years, days."""
    return not of.dimension or (len(of.dimension) == 1 and of.dimension[0][1] == 1)


def _shown(value: Any) -> str:
    return "无" if value is None else value.path if isinstance(value, Record) else str(value)


def _unbounded(number: Num) -> Num:
    """The number without what is known of its range, so that a comparison is left to the solver."""
    return Num(number.top, number.den, number.none, float("-inf"), float("inf"))  # type: ignore[arg-type]


def alike(a: Value, b: Value) -> tuple[Value, Value]:
    """Two values in one form, where one of them is a literal 无."""
    if isinstance(a, Pick) and not isinstance(b, Pick) and all(value is None for value, _ in a.ways):
        return _none_like(b), b
    if isinstance(b, Pick) and not isinstance(a, Pick) and all(value is None for value, _ in b.ways):
        return a, _none_like(a)
    if isinstance(a, Num) and isinstance(b, Day):
        return logic.NO_DAY, b
    if isinstance(a, Day) and isinstance(b, Num):
        return a, logic.NO_DAY
    return a, b


def _none_like(value: Value) -> Value:
    match value:
        case Num():
            return logic.NO_NUMBER
        case Day():
            return logic.NO_DAY
        case Text():
            return Text(0, True)
    raise AssertionError(value)


def replace_none(value: Any, none: Truth) -> Any:
    match value:
        case Num():
            return Num(value.top, value.den, none, value.lo, value.hi)
        case Day():
            return Day(value.month, value.day, none, value.lo, value.hi)
    raise AssertionError(value)


# ---- what each operation of the table is to the solver ------------------------------------------------------------------


def _compare(strictly: bool, turned: bool) -> Any:
    def apply(world: World, a: Value, b: Value) -> Truth:
        pair = (b, a) if turned else (a, b)
        there = (negate(none_of(a)), negate(none_of(b)))
        return both((*there, logic.at_most(*(logic.ordered(one) for one in pair), strictly=strictly)))

    return apply


def _extreme(greatest: bool) -> Any:
    def apply(world: World, a: Value, b: Value) -> Value:
        x, y = logic.ordered(a), logic.ordered(b)
        none = either((none_of(a), none_of(b)))
        test = logic.at_most(y, x) if greatest else logic.at_most(x, y)
        return replace_none(choose(test, *alike(a, b)), none)

    return apply


def _among(world: World, a: Pick, labels: Labels) -> Truth:
    return either(guard for value, guard in a.ways if value is not None and labels.of(value) is True)


def _contains(world: World, a: Labels, label: Pick) -> Truth:
    return either(both((guard, a.of(value))) for value, guard in label.ways if value is not None)


def _undetermined(world: World, a: Value) -> Truth:
    return False  # of a complete household everything is known


OPERATIONS: dict[str, Any] = {
    "not": lambda w, a: negate(a),
    "lt": _compare(True, False), "le": _compare(False, False), "gt": _compare(True, True), "ge": _compare(False, True),
    "eq": lambda w, a, b: logic.equal(*alike(a, b)), "ne": lambda w, a, b: negate(logic.equal(*alike(a, b))),
    "among": _among, "contains": _contains,
    "has": lambda w, a: negate(none_of(a)), "has_not": lambda w, a: none_of(a), "present": lambda w, a: a,
    "add": lambda w, a, b: logic.add(a, b), "subtract": lambda w, a, b: logic.add(a, b, -1),
    "negative": lambda w, a: logic.negative(a),
    "multiply": lambda w, a, b: logic.multiply(a, b), "divide": lambda w, a, b: logic.divide(a, b),
    "max_of": _extreme(True), "min_of": _extreme(False),
    "round_to_fen": lambda w, a: logic.rounded(a, 1, "nearest"),
    "round_to_jiao": lambda w, a: logic.rounded(a, 10, "nearest"),
    "round_to_yuan": lambda w, a: logic.rounded(a, 100, "nearest"),
    "round_up_to_yuan": lambda w, a: logic.rounded(a, 100, "up"),
    "round_down_to_yuan": lambda w, a: logic.rounded(a, 100, "down"),
    "full_years": lambda w, a, b: logic.full_years(a, b), "month_of": lambda w, a: logic.month_of(a),
    "first_day": lambda w, a: logic.day_of_month(a, last=False), "last_day": lambda w, a: logic.day_of_month(a, last=True),
    "add_months": lambda w, a, b: logic.add(a, b), "subtract_months": lambda w, a, b: logic.add(a, b, -1),
    "add_months_to_date": lambda w, a, b: logic.plus_months(a, b),
    "subtract_months_from_date": lambda w, a, b: logic.plus_months(a, b, -1),
    "add_days": lambda w, a, b: w.add_days(a, b), "subtract_days": lambda w, a, b: w.add_days(a, b, -1),
    "months_between": lambda w, a, b: logic.add(a, b, -1),
    "days_between": lambda w, a, b: logic.days_between(a, b),
    "undetermined": _undetermined,
}  # fmt: skip


def stretches(first: date, last: date, turns: set[date]) -> list[Stretch]:
    """The days from one to another, cut where a new version begins."""
    starts = [first, *sorted(day for day in turns if first < day <= last)]
    ends = [*(day - timedelta(days=1) for day in starts[1:]), last]
    return [Stretch(a, b) for a, b in zip(starts, ends, strict=True)]
