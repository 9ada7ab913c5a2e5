"""Records and expressions as terms: every household of a bounded size on every day of a stretch.

A fact, a list's length, a reference, an unset parameter is a free variable, made when it is first read, with what its
declaration says of it as a constraint. So a question holds only what it rests on. The day is free too, inside a
stretch of days on which the same versions of all rules are in force.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from typing import Any, Protocol, TypeAlias

import z3

from policykit import ir
from policykit.datatypes import Type
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
from policykit.engine.smt.operations import OPERATIONS, alike
from policykit.engine.smt.variables import Record, Size, Stretch, Variables
from policykit.values import Bounds, Month, Options, Subset

Env: TypeAlias = Mapping[str, Value]
MOST_MONTHS = 240


class Judge(Protocol):
    """Who answers what a clause or a measure comes to for a record."""

    def verdict(self, kind: str, name: str, subject: Record) -> Value: ...


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
        twin: tuple[World, Set[str]] | None = None,
    ) -> None:
        """`twin` is a world of another program over the same variables, with the terms that mean the same in both."""
        self.twin = twin
        self.program, self.stretch, self.size, self.judge = program, stretch, size, judge
        self.vars = variables
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
            found = self.vars.facts["", "today"] = self.vars.free_day("today", first, last, False)
        assert isinstance(found, Day)
        return found

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
        decl = self.program.entities[record.entity].facts.get(name)
        if key not in self.vars.facts:
            if decl is None:
                self.vars.facts[key] = self.reference(record, name)
            else:
                low, high = (self._end(end, at) for end, at in ((decl.low, "first"), (decl.high, "last")))
                self.vars.facts[key] = self.vars.free(
                    self.program.choices, f"{record.path}.{name}", decl.type, low, high
                )
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
        """Holds a variable to a range; of an empty one, such as from a day that is yet to come to today, to its lower end.

        So no range makes a household impossible, or a day, on which nothing is known of what has no place in it yet.
        """
        inside = self.inside(value, low, high, env)
        if low is not None and high is not None:
            bottom, top = (logic.ordered(self.value(end, env)) for end in (low, high))
            empty = both((negate(bottom.none), negate(top.none), logic.at_most(top, bottom, strictly=True)))
            if empty is not False:
                at_bottom = logic.equal_numbers(
                    logic.unbounded(logic.ordered(value)), logic.unbounded(bottom)
                )
                inside = logic.pick_truth(empty, at_bottom, inside)
        self.vars.require(either((none_of(value), inside)))

    def inside(self, value: Value, low: ir.Expr | None, high: ir.Expr | None, env: Env) -> Truth:
        """Whether a value lies in a declared range."""
        parts: list[Truth] = []
        for end, above in ((low, True), (high, False)):
            if end is not None:
                limit = self.value(end, env)
                pair = (limit, value) if above else (value, limit)
                small, large = (logic.unbounded(logic.ordered(one)) for one in pair)
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
        """The record that a single reference may name: one of the household, one described apart, or none."""
        decl = self.program.entities[record.entity].lists[name]
        values: list[Any] = [None] if decl.optional else []
        return self.free_reference(record, decl, self.below(record, name), values)

    def free_reference(self, owner: Record, decl: ir.ListDecl, path: str, values: list[Any]) -> Pick:
        apart = self.record(decl.item, path, None)
        inside = [*self.everyone(decl.item), *self.listed(decl.item)]
        pick = self.vars.free_pick(path, [*values, apart, *(one for one, _ in inside)])
        for one, there in inside:
            self.vars.require(either((negate(pick.of(one)), there)))
        return pick

    def listed(self, entity: str) -> Iterator[tuple[Record, Truth]]:
        """The records of one entity in the lists of the household that hold no members, with whether they are there."""
        owners = [
            (one, there, name)
            for holder, described in self.program.entities.items()
            for name, decl in described.lists.items()
            if decl.kind == "records" and decl.item == entity
            for one, there in self.everyone(holder)
        ]
        for owner, there, name in owners:
            yield from ((one, both((there, filled))) for one, filled in self.slots(owner, name))

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
                    todo += inner
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
        own = decl.kind == "members" and self.inside_root(owner)
        limit = self.size.members if own else self.size.entries
        most = max(decl.least, min(decl.most, limit))
        records = [
            self.record(decl.item, f"{path}[{n}]", owner if decl.kind == "members" else None)
            for n in range(most)
        ]
        return list(zip(records, self._filled(owner, decl, most), strict=True))

    def inside_root(self, record: Record) -> bool:
        """Whether a record is the root or lies in it, and not in the household of somebody outside."""
        top = record
        while top.upper is not None:
            top = top.upper
        return top is self.root

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
                fresh = self.vars.facts[key] = self.free_reference(owner, decl, f"{path}[{n}]", [])
                for other, there in earlier:  # nobody is named twice
                    self.vars.require(negate(both((there, filled, logic.equal(fresh, other)))))
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
        return OPERATIONS[op](self.vars, *(self.value(arg, env) for arg in args))

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
        taken: list[tuple[Truth, Any]] = [(passes, self.value(expr.take, inner)) for inner, passes in scopes]
        if expr.op == "sum":
            return self.total(taken)
        if expr.op in ("least", "greatest"):
            return self.extreme(taken, expr.op == "greatest", expr.type)
        items: list[Any] = [inner[expr.slot] for inner, _ in scopes]
        return self.first_or_last(items, taken, expr.op == "latest")

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
        return logic.with_none(best, missing)

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
            one = (
                self.nothing(self.program.parameters[name].type)
                if none
                else self.setting(name, record, labels)
            )
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
                low, high = (
                    self._end(end, at) for end, at in ((declared.low, "first"), (declared.high, "last"))
                )
                shown = f"!{path}.{name}[{','.join(labels)}]"
                free = self.vars.parameters[key] = self.vars.free(
                    self.program.choices, shown, declared.type, low, high
                )
                self._within(free, declared.low, declared.high, env)
            free = self.vars.parameters[key]
            value = free if value is None else choose(inside, *alike(value, free))
        assert value is not None
        self._settings[key] = value
        return value

    def defined(self, name: str, record: Record | None) -> Value:
        """A defined term; on a day for which it has no version, anything of its type."""
        key = (name, record)
        if key not in self._defined and self.twin is not None and name in self.twin[1]:
            self._defined[key] = self.twin[0].defined(name, record)
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
                    self.vars.parameters[cell] = self.vars.free(
                        self.program.choices, f":{path}.{name}", define.type, None, None
                    )
                self._defined[key] = self.vars.parameters[cell]
        return self._defined[key]
