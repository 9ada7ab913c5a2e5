"""Expressions → planes: what is known of every term of a program, for all records of a table at once.

The counterpart of the reference engine's `terms`, one `match` over the ir. An expression is worked out for some rows;
the environment says which record each row's names stand for. What is asked of a record alone, such as a fact or a
defined term, is worked out once for a whole table and then looked up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import date
from functools import reduce
from typing import Protocol, TypeAlias

import numpy as np

from policykit import ir
from policykit.datatypes import Type, widest
from policykit.engine.columnar import folds, operations, tape
from policykit.engine.columnar.constants import Constants, Refused, known, linear
from policykit.engine.columnar.folds import Elements, Folded, full
from policykit.engine.columnar.frames import Array, Mask, starts_of
from policykit.engine.columnar.gaps import ROW, Gaps, gaps_where, sorted_once, union
from policykit.engine.columnar.gathering import distinct, gathered, merged, single, with_gaps
from policykit.engine.columnar.operations import OPERATIONS, all_of
from policykit.engine.columnar.planes import (
    EVERYWHERE,
    FALSE,
    NONE_BIT,
    TRUE,
    Labels,
    Ordered,
    Part,
    Plane,
    Ratio,
    Records,
    Sets,
    Texts,
    Truth,
    aligned,
    conjunction,
    join,
    plain,
    select,
    settle,
    spread,
    take,
)
from policykit.engine.columnar.tables import Table
from policykit.engine.columnar.tape import filled, numbered, size
from policykit.engine.columnar.tape import owners as owners_of
from policykit.values import NOTHING, month_of

Env: TypeAlias = Mapping[str, Plane]
MOST_MONTHS = 1200
MOST_LABELS = 61


class Judge(Protocol):
    """Who answers what a clause or a measure comes to for the records of a table."""

    def verdict(self, kind: str, name: str, table: Table) -> Plane: ...


def itself(table: Table) -> Env:
    """The environment of a rule on the records of a table."""
    return {"self": Records(table.count, (Part(table),))}


def inside(env: Env, rows: Array | None) -> Env:
    """The same names for rows that each look at one of these rows."""
    return env if rows is None else {slot: take(plane, rows) for slot, plane in env.items()}


class Terms:
    """The planes of terms over the tables of one block, on one day.

    With `tracking`, planes say which gaps keep them open; without, only whether they are. `constants` are kept from one
    block to the next.
    """

    def __init__(
        self, program: ir.Program, on: date, root: Table, judge: Judge, tracking: bool, constants: Constants
    ) -> None:
        self.program, self.on, self.root, self.judge, self.tracking = program, on, root, judge, tracking
        self.constants = constants
        self._facts: dict[tuple[int, str], Plane] = {}
        self._defined: dict[tuple[str, int], Plane] = {}
        self._settings: dict[tuple[str, int, tuple[str, ...]], Plane] = {}
        self._present: dict[int, Truth] = {}

    # -- expressions

    def value(self, expr: ir.Expr, env: Env, count: int) -> Plane:
        """What is known of an expression, for each of some rows."""
        match expr:
            case ir.Const(value=value, type=of):
                return self.constants.kept(expr, value, of)
            case ir.Today(type=of):
                return self.constants.kept(
                    expr, known(month_of(self.on) if of.kind == "month" else self.on), of
                )
            case ir.Var(slot=slot):
                return env[slot]
            case ir.Fact(subject=of_, name=name):
                return self.over(of_, env, count, lambda table: self.fact(table, name), expr.type)
            case ir.Up(subject=of_, type=of):
                return self.up(of_, of.of, env, count)
            case ir.Param(keys=()):
                return self.setting_of(expr, (), env, count)
            case ir.Param():
                return self.keyed(expr, env, count)
            case ir.Ref(name=name, subject=None):
                return self.everywhere(self.defined(name, None), count)
            case ir.Ref(name=name, subject=of_) if of_ is not None:
                return self.over(of_, env, count, lambda table: self.defined(name, table), expr.type)
            case ir.Apply(op=op, args=args):
                return operations.apply(op, [self.value(arg, env, count) for arg in args])
            case ir.If():
                return self.either_branch(expr, env, count)
            case ir.Fold():
                return self.fold(expr, env, count)
            case ir.Verdict(kind=kind, name=name, subject=of_):
                return self.over(
                    of_, env, count, lambda table: self.judge.verdict(kind, name, table), expr.type
                )
        raise AssertionError(expr)

    def truth(self, expr: ir.Expr, env: Env, count: int) -> Truth:
        """What is known of a condition."""
        value = self.value(expr, env, count)
        assert isinstance(value, Truth)
        return value

    def either_branch(self, expr: ir.If, env: Env, count: int) -> Plane:
        """One of two values, by a condition; both where that is not known."""
        test = self.truth(expr.condition, env, count)
        if test.lo.ndim == 0 and test.hi is test.lo:
            return self.value(expr.then if test.lo else expr.otherwise, env, count)
        then, otherwise = self.value(expr.then, env, count), self.value(expr.otherwise, env, count)
        if test.hi is test.lo:
            return select(test.lo, then, otherwise)
        lo, hi = full(test.lo, count), full(test.hi, count)
        found = select(lo, then, select(hi, join(then, otherwise), otherwise))
        if test.missing is None:
            return found
        return settle(found, union(found.missing, test.missing))

    # -- records

    def records(self, of: ir.Expr, env: Env, count: int) -> Records:
        found = self.value(of, env, count)
        assert isinstance(found, Records)
        return found

    def over(self, of: ir.Expr, env: Env, count: int, read: Callable[[Table], Plane], of_type: Type) -> Plane:
        """What is read of a record; of each record that it may be, when it is not known which."""
        return self.read_of(self.records(of, env, count), read, of_type)

    def read_of(self, records: Records, read: Callable[[Table], Plane], of_type: Type) -> Plane:
        count = records.count

        def look(part: Part) -> Plane:
            found = read(part.table)
            return found if part.at is None else take(found, part.at)

        one = records.one
        if one is not None:
            return look(one)
        if of_type.kind == "record":
            return self.joined(records, look, Records(count, (), filled(count, True, np.bool_)))
        return self.joined(records, look, self.constants.nothing(of_type))

    def joined(self, records: Records, look: Callable[[Part], Plane], nothing: Plane) -> Plane:
        """What is known where each row may stand for several records, or for none."""
        count = records.count
        found: Plane | None = None
        have: Mask = filled(count, False, np.bool_)
        if records.none is not None:
            found, have = nothing, records.none
        for part in records.parts:
            seen = look(part)
            rows, _ = spread(part, count)
            if part.rows is None:
                found, have = merged(found, have, seen, filled(count, True, np.bool_))
                continue
            starts = np.searchsorted(rows, np.arange(count + 1))
            found, have = merged(found, have, gathered(seen, rows, starts), starts[1:] > starts[:-1])
        if found is None:
            return nothing
        waits = None if records.missing is None else gaps_where(records.missing, ~records.known)
        return settle(found, union(found.missing, waits))

    def up(self, of: ir.Expr, entity: str, env: Env, count: int) -> Plane:
        """The records of a higher entity that records lie in."""
        records = self.records(of, env, count)
        parts, missing = [], []
        for part in records.parts:
            above, at = part.table.upper(entity)
            if part.at is not None:
                at = part.at if at is None else at[part.at]
            parts.append(Part(above, at, part.rows))
            if self.tracking and above.gap is not None:
                rows, places = spread(parts[-1], count)
                gap = above.gap[places]
                missing.append(sorted_once((rows << ROW | gap)[gap >= 0]))
        found = Records(count, tuple(parts), records.none)
        if records.one is None:
            found = distinct(found)
            return settle(found, union(*missing, records.missing))
        return Records(count, found.parts, None, union(*missing))

    def reference(self, table: Table, decl: ir.ListDecl) -> Records:
        """The record that a single reference names."""
        listing = table.listing(decl.name.id)
        item = listing.table
        assert item.owner_rows is not None
        none: Mask = np.diff(listing.starts) == 0
        missing: Gaps = None
        if item.gap is not None:
            vague = np.flatnonzero(item.gap >= 0)
            rows = item.owner_rows[vague]
            if decl.optional:
                none[rows] = True
            if self.tracking:
                missing = rows << ROW | item.gap[vague]
        whole = not none.any() and item.count == table.count
        found = self.named(item)
        if not whole:
            parts = []
            for part in found.parts:
                inner, at = spread(part, item.count)
                parts.append(Part(part.table, at, item.owner_rows[inner]))
            found = Records(table.count, tuple(parts))
        return Records(table.count, found.parts, none if none.any() else None, missing)

    def named(self, table: Table, items: Array | None = None) -> Records:
        """The records of a table, or some of them: those that are described elsewhere by where they stand."""
        count = table.count if items is None else size(items)
        if not table.elsewhere:
            return Records(count, (Part(table, items),))
        rows = numbered(table.count) if items is None else items
        own: Mask = np.ones(table.count, np.bool_)
        parts = []
        for other in table.elsewhere:
            at = np.full(table.count, -1, np.int64)
            at[other.rows] = other.at
            own[other.rows] = False
            there = np.flatnonzero(at[rows] >= 0)
            parts.append(Part(other.table, at[rows][there], there))
        here = np.flatnonzero(own[rows])
        return Records(count, (*parts, Part(table, rows[here], here)))

    # -- facts

    def fact(self, table: Table, name: str) -> Plane:
        """A fact of all records of a table: as given, or whatever its type and range allow."""
        key = (id(table), name)
        if key not in self._facts:
            entity = self.program.entities[table.entity]
            if name in entity.lists:
                self._facts[key] = self.reference(table, entity.lists[name])
            else:
                self._facts[key] = self.read(table, entity.facts[name])
        return self._facts[key]

    def read(self, table: Table, decl: ir.FactDecl) -> Plane:
        column = table.column(decl.name.id)
        if column is None:
            codes = self.codes(table, decl.name.id, np.arange(table.count))
            return self.unknown(decl.type, decl.low, decl.high, codes, table)
        given = self.given(decl, column.values, column.none, column.scale)
        if column.known is None:
            return given
        codes = self.codes(table, decl.name.id, np.flatnonzero(~column.known))
        return select(column.known, given, self.unknown(decl.type, decl.low, decl.high, codes, table))

    def codes(self, table: Table, name: str, rows: Array) -> Gaps:
        return table.gaps("fact", name, rows) if self.tracking else None

    def given(self, decl: ir.FactDecl, values: Array, none: Mask | None, scale: int) -> Plane:
        """The values of a column, as they are known."""
        kind = decl.type.kind
        if kind == "bool":
            truth = values if values.dtype == np.bool_ else values != 0
            return Truth(truth, truth)
        if kind == "choice":
            bits = np.left_shift(1, values, dtype=np.int64)
            return Labels(bits if none is None else np.where(none, NONE_BIT, bits))
        if kind == "multi":
            bits = values.astype(np.int64, copy=False)
            return Sets(bits, bits)
        if kind == "text":
            texts = np.empty(len(values), object)
            texts[:] = [None if value is None else frozenset([value]) for value in values]
            if none is not None:
                texts[none] = frozenset([None])
            return Texts(texts)
        numbers = values.astype(np.int64, copy=False)
        return Ordered(
            numbers, numbers, none, None if none is None else ~none, scale, self.constants.top(decl, scale)
        )

    def unknown(
        self, of: Type, low: ir.Expr | None, high: ir.Expr | None, codes: Gaps, table: Table | None
    ) -> Plane:
        """Everything that a type and a declared range allow; the range may read other facts."""
        count = 1 if table is None else table.count
        if of.kind in ("choice", "multi") and len(self.constants.labels(of.of)) > MOST_LABELS:
            raise Refused(f"{of.of}: more than {MOST_LABELS} labels")
        if of.kind == "text":
            return Texts(np.full(count, None, object), codes)
        labels = (
            frozenset(self.constants.labels(of.of)) if of.kind in ("choice", "multi") else frozenset[str]()
        )
        wide = self.constants.constant(widest(of, NOTHING, labels), of)
        assert not isinstance(wide, Ratio | Records)
        if not isinstance(wide, Ordered) or (low is None and high is None):
            return settle(wide, codes)
        env = {} if table is None else itself(table)
        floor = wide if low is None else plain(self.value(low, env, count))
        ceiling = wide if high is None else plain(self.value(high, env, count))
        wide, floor, ceiling = aligned([wide, floor, ceiling])
        lo = floor.lo if floor.some is None else np.where(floor.some, floor.lo, wide.lo)
        hi = np.maximum(lo, ceiling.hi)
        if ceiling.some is not None:
            hi = np.where(ceiling.some, hi, wide.hi)
        found = Ordered(
            tape.array(lo), tape.array(hi), wide.none, wide.some, wide.scale,
            max(wide.top, floor.top, ceiling.top),
        )  # fmt: skip
        ends = union(codes, floor.missing, ceiling.missing)
        return settle(found, ends)

    # -- lists

    def present(self, table: Table) -> Truth | None:
        """Whether the records of a table were known on the day asked for; `None` where all were."""
        dated = self.program.entities[table.entity].known_from
        if dated is None:
            return None
        if id(table) not in self._present:
            of = self.program.entities[table.entity].facts[dated].type
            day = self.constants.constant(known(month_of(self.on) if of.kind == "month" else self.on), of)
            found = operations.apply(
                "le", [self.read_of(self.named(table), lambda one: self.fact(one, dated), of), day]
            )
            assert isinstance(found, Truth)
            self._present[id(table)] = found
        return self._present[id(table)]

    def fold(self, expr: ir.Fold, env: Env, count: int) -> Plane:
        """An operation over a list of each row."""
        if isinstance(expr.domain, ir.MonthRange):
            return self.months(expr, expr.domain, env, count)
        domain = expr.domain
        owners = self.records(domain.subject, env, count)
        one = owners.one
        if one is not None:
            found = self.fold_in(expr, domain.name, env, one)
            return found if owners.missing is None else settle(found, union(found.missing, owners.missing))
        if expr.op in ("earliest", "latest"):
            nothing: Plane = Records(count, (), filled(count, True, np.bool_))
        else:
            zero = Ordered(np.array(0), np.array(0), top=0)
            value: Plane = TRUE if expr.op in ("any", "all", "count") else zero
            none = Elements(TRUE, value, np.zeros(2, np.int64), np.zeros(0, np.int64))
            nothing = single(folds.fold(expr.op, none))
        return self.joined(
            owners, lambda part: self.fold_in(expr, domain.name, inside(env, part.rows), part), nothing
        )

    def fold_in(self, expr: ir.Fold, name: str, env: Env, owners: Part) -> Folded:
        """A fold over a list of each of some owners, one for each row of the environment."""
        listing = owners.table.listing(name)
        table, items = listing.table, None
        assert table.owner_rows is not None
        if owners.at is None:
            starts, owner = listing.starts, table.owner_rows
        else:
            first = listing.starts[owners.at]
            counts = listing.starts[owners.at + 1] - first
            starts = starts_of(counts)
            owner = owners_of(starts)
            items = numbered(size(owner)) + np.repeat(first - starts[:-1], counts)
        present = self.presence(table, listing.perhaps)
        times = listing.times
        if items is not None:
            seen = take(present, items)
            assert isinstance(seen, Truth)
            present, times = seen, None if times is None else times[items]
        return self.combined(expr, env, owner, starts, present, self.named(table, items), listing.most, times)

    def presence(self, table: Table, perhaps: Mask | None) -> Truth:
        """Whether each row of a list is there."""
        known = self.present(table)
        if perhaps is None:
            return TRUE if known is None else known
        maybe = Truth(~perhaps, np.ones(table.count, np.bool_))
        if self.tracking:
            assert table.gap is not None
            rows = np.flatnonzero(perhaps)
            maybe = Truth(maybe.lo, maybe.hi, rows << ROW | table.gap[rows])
        return maybe if known is None else all_of(maybe, known)

    def combined(
        self, expr: ir.Fold, env: Env, owner: Array, starts: Array, present: Truth, element: Plane,
        most: int, times: Array | None,
    ) -> Folded:  # fmt: skip
        """A fold over elements, with its filter and what each contributes."""
        count = size(owner)
        inner = {**inside(env, owner), expr.slot: element}
        value: Plane = TRUE
        if expr.where is not None:
            test = self.truth(expr.where, inner, count)
            if expr.op == "all":
                value = test
            else:
                present = all_of(present, test) if present.lo is not EVERYWHERE else test
        if expr.take is not None and expr.op != "all":
            value = self.value(expr.take, inner, count)
        return folds.fold(expr.op, Elements(present, value, starts, owner, most, times, element))

    def months(self, expr: ir.Fold, domain: ir.MonthRange, env: Env, count: int) -> Plane:
        """A fold over the months from one to another, each perhaps there when an end is not known."""
        first, last = plain(self.value(domain.first, env, count)), plain(self.value(domain.last, env, count))
        begin, end = full(first.lo, count), full(last.hi, count)
        length = np.maximum(end - begin + 1, 0)
        for plane in (first, last):
            if plane.some is not None:
                length = np.where(plane.some, length, 0)
        long = length > MOST_MONTHS
        counts = np.where(long, 1, length)
        starts = starts_of(counts)
        owner = np.repeat(np.arange(count), counts)
        low = begin[owner] + np.arange(len(owner)) - np.repeat(starts[:-1], counts)
        month = Ordered(low, low, top=operations.MONTH_TOP)
        from_first = operations.apply("le", [take(first, owner), month])
        to_last = operations.apply("le", [month, take(last, owner)])
        assert isinstance(from_first, Truth) and isinstance(to_last, Truth)
        present, times = all_of(from_first, to_last), None
        if long.any():
            many = long[owner]
            vague = Ordered(low, np.where(many, end[owner], low), top=operations.MONTH_TOP)
            open_ = union(take(first, owner).missing, take(last, owner).missing)
            month = settle(vague, gaps_where(open_, many))
            perhaps = Truth(present.lo & ~many, present.hi | many)
            present = settle(perhaps, union(present.missing, gaps_where(open_, many)))
            times = np.where(many, length[owner], 1)
        most = int(length.max(initial=0))
        return self.combined(expr, env, owner, starts, present, month, most, times)

    # -- parameters and defined terms

    def everywhere(self, plane: Plane, count: int) -> Plane:
        """What is known apart from any record, for each row."""
        if plane.missing is not None:
            rows = np.arange(count)
            plane = with_gaps(plane, np.add.outer(rows << ROW, plane.missing).ravel())
        return single(plane)

    def keyed(self, expr: ir.Param, env: Env, count: int) -> Plane:
        """A parameter at keys: at each of the labels that these may be."""
        keys = [self.value(key, env, count) for key in expr.keys]
        options: list[list[tuple[str | None, Mask]]] = []
        for key, of in zip(keys, expr.keys, strict=True):
            assert isinstance(key, Labels)
            bits = full(key.bits, count)
            labels = [
                (label, (bits >> place) & 1 != 0)
                for place, label in enumerate(self.constants.labels(of.type.of))
            ]
            options.append([(None, bits & NONE_BIT != 0), *labels])
        found: Plane | None = None
        have: Mask = filled(count, False, np.bool_)
        for combination in itertools.product(*options):
            where = reduce(conjunction, (mask for _, mask in combination))
            if not where.any():
                continue
            names = tuple(label for label, _ in combination if label is not None)
            plane = self.constants.nothing(self.program.parameters[expr.name].type)
            if len(names) == len(keys):
                plane = self.setting_of(expr, names, env, count)
            found, have = merged(found, have, plane, where)
        if found is None:
            return self.constants.nothing(expr.type)
        return settle(found, union(found.missing, *(key.missing for key in keys)))

    def setting_of(self, expr: ir.Param, labels: tuple[str, ...], env: Env, count: int) -> Plane:
        if expr.subject is None:
            return self.everywhere(self.setting(expr.name, None, labels), count)
        return self.over(
            expr.subject, env, count, lambda table: self.setting(expr.name, table, labels), expr.type
        )

    def setting(self, name: str, table: Table | None, labels: tuple[str, ...]) -> Plane:
        """A parameter as a sheet sets it for all records of a table, else anything in its range."""
        key = (name, id(table), labels)
        if key not in self._settings:
            self._settings[key] = self._setting(name, table, labels)
        return self._settings[key]

    def _setting(self, name: str, table: Table | None, labels: tuple[str, ...]) -> Plane:
        parameter = self.program.parameters[name]
        setting = parameter.setting(labels, self.on)
        shown = f"{name}[{','.join(labels)}]" if labels else name
        count = 1 if table is None else table.count
        env = {} if table is None else itself(table)
        value, within = None, FALSE
        if setting is not None and setting.value is not None:
            value = self.value(setting.value, env, count)
            within = self.within(setting.value, value, parameter, env, count)
            if within.lo.all():
                return value
        codes: Gaps = None
        if self.tracking:
            cause = "unset" if value is None else "out of range"
            codes = self.gap(shown, table, cause)
        found = self.unknown(parameter.type, parameter.low, parameter.high, codes, table)
        if value is None:
            return found
        assert not isinstance(found, Ratio)
        perhaps = union(value.missing, within.missing)
        if (
            perhaps is not None
        ):  # where the value may yet lie inside, it is one of those that the range allows
            found = settle(found, union(found.missing, perhaps))
        return select(full(within.lo, count), value, found)

    def gap(self, name: str, table: Table | None, cause: str, own: bool = False) -> Array:
        """The gap of a parameter or defined term, for all records of a table."""
        if table is None:
            return np.array([self.root.register.base("parameter", None, name, cause)])
        return table.gaps("parameter", name, np.arange(table.count), cause, own)

    def within(self, formula: ir.Expr, value: Plane, parameter: ir.Parameter, env: Env, count: int) -> Truth:
        """Whether what a sheet's formula gives lies in the declared range; 无 does."""
        if not isinstance(value, Ordered | Ratio):
            return TRUE
        ends = []
        if parameter.low is not None:
            ends.append(self.at_most(parameter.low, formula, env, count))
        if parameter.high is not None:
            ends.append(self.at_most(formula, parameter.high, env, count))
        found = all_of(*ends) if ends else TRUE
        if value.some is None:
            return found
        return Truth(
            found.lo | ~value.some, found.hi | ~value.some, gaps_where(found.missing, full(value.some, count))
        )

    def at_most(self, small: ir.Expr, large: ir.Expr, env: Env, count: int) -> Truth:
        """Whether one term is at most another: also where both move with the same unknown, as a share of wages does."""
        sides = [self.value(small, env, count), self.value(large, env, count)]
        found = operations.apply("le", sides)
        assert isinstance(found, Truth)
        if small.type.kind != "number" or found.lo is found.hi:
            return found
        shares = dict(linear(large))
        for key, (factor, atom) in linear(small).items():
            shares[key] = (shares.get(key, (0, atom))[0] - factor, atom)
        difference: Plane = self.constants.constant(known(0), small.type)
        for factor, atom in shares.values():
            term = OPERATIONS["multiply"](
                self.constants.constant(known(factor), atom.type), self.value(atom, env, count)
            )
            difference = OPERATIONS["add"](difference, term)
        assert isinstance(difference, Ordered)
        sure: Mask = tape.array(difference.lo >= 0, np.bool_) & ~found.known
        if difference.none is not None:
            sure = sure & ~difference.none
        return Truth(found.lo | sure, found.hi | sure, gaps_where(found.missing, ~full(sure, count)))

    def defined(self, name: str, table: Table | None) -> Plane:
        """A defined term for all records of a table; unknown on a day for which it has no version."""
        key = (name, id(table))
        if key not in self._defined:
            define = self.program.defines[name]
            version = define.on(self.on)
            count = 1 if table is None else table.count
            if version is not None:
                env = {} if table is None else itself(table)
                self._defined[key] = self.value(version.body, env, count)
            else:
                codes = self.gap(name, table, "no version in force", True) if self.tracking else None
                if define.type.kind == "record":
                    self._defined[key] = Records(count, (), filled(count, True, np.bool_))
                else:
                    self._defined[key] = self.unknown(define.type, None, None, codes, table)
        return self._defined[key]
