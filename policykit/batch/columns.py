"""Columns of a chunk → what their cells say, as numbers.

A column that is written plainly is read all at once. Any other spelling is put to `records`, each once, so that a cell
says here what it says in a household that is read alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from math import lcm
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from policykit import ir
from policykit.batch.arrays import Array, Mask, distinct, filled, valid_rows, whole_numbers
from policykit.batch.chunks import BLANK, NOBODY, cell, reader
from policykit.datatypes import DATE, TEXT
from policykit.diagnostics import PolicyError
from policykit.records import range_of, read_fact
from policykit.source import NOWHERE
from policykit.values import Month

_MOST_KEPT = 200_000  # spellings of one fact that are remembered
_PLAIN = frozenset([str, int, bool, NoneType])
_FIRST_DAY = date(1970, 1, 1).toordinal()
#: text that every screen shows, and nothing else that a reader would ask about
_PLAIN_TEXT = r"^[!-~\x{b7}\x{2014}\x{2018}-\x{201d}\x{3001}-\x{303f}\x{4e00}-\x{9fa5}\x{ff01}-\x{ff5e}]([ -~\x{b7}\x{2014}\x{2018}-\x{201d}\x{3000}-\x{303f}\x{4e00}-\x{9fa5}\x{ff01}-\x{ff5e}]*[!-~\x{4e00}-\x{9fa5}\x{ff01}-\x{ff5e}])?$"
UNKNOWN, KNOWN, NONE, BAD = range(4)  #: what a cell says: nothing, a value, 无, or what is refused


@dataclass(frozen=True, slots=True)
class Cells:
    """What the cells of a column say: a value where `state` is known (`None`: everywhere); `scale` times it, for
    numbers."""

    values: Array
    state: Array | None = None
    scale: int = 1


class Reading:
    """How the columns of some rules are read on a day; what was met once is remembered."""

    def __init__(self, program: ir.Program, on: date) -> None:
        self.program, self.on = program, on
        self.met: dict[tuple[str, str], dict[Any, tuple[int, Any]]] = {}
        self.asked = frozenset(_asked(program, set()))  # facts that a rule reads

    # -- one column

    def cells(self, decl: ir.FactDecl, array: pa.Array) -> Cells:
        """What the cells of a fact say."""
        kind, of = decl.type.kind, array.type
        if kind == "text":
            return self._text(decl, array)
        if pa.types.is_boolean(of) and kind == "bool":
            return Cells(
                filled(array, False), valid_rows(array).astype(np.uint8) if array.null_count else None
            )
        plain: Mask | None = None
        if kind == "date" and pa.types.is_date32(of):
            values, plain = filled(array.view(pa.int32()), 0).astype(np.int64) + _FIRST_DAY, valid_rows(array)
        elif kind == "number" and self._size(decl):
            values, plain = whole_numbers(array, self._size(decl))
        if plain is None:
            return self._spelled(decl, array)
        low, high = map(_code, range_of(decl, self.on))
        if plain.all() and (not len(values) or (values.min() >= low and values.max() <= high)):
            return Cells(values)
        inside = plain & (values >= low) & (values <= high)
        state = np.where(inside, KNOWN, UNKNOWN).astype(np.uint8)
        rest = np.flatnonzero(valid_rows(array) & ~inside)
        if not len(rest):
            return Cells(np.where(inside, values, _within(low, high)) if not inside.all() else values, state)
        other = self._spelled(decl, array.take(pa.array(rest)))
        values = np.where(inside, values, _within(low, high)) * other.scale
        values[rest], state[rest] = other.values, KNOWN if other.state is None else other.state
        return Cells(values, state, other.scale)

    def _size(self, decl: ir.FactDecl) -> int:
        """How many base units a bare number of this fact counts by, where it must be whole then; else 0."""
        dimension = decl.type.dimension
        if decl.type.money:
            return 100 if dict(dimension)["元"] == 1 else 0
        return 1

    def _spelled(self, decl: ir.FactDecl, array: pa.Array) -> Cells:
        """Any spelling: each put to the reader once."""
        met = self.met.setdefault((decl.entity, decl.name.id), {})
        if len(met) > _MOST_KEPT:
            met.clear()
        spellings, codes = distinct(array)
        found = [self._once(decl, met, raw) for raw in spellings]
        scale = lcm(*(one.denominator for _, one in found if isinstance(one, Fraction)))
        filler = self._filler(decl)
        states = np.array([state for state, _ in found] + [UNKNOWN], np.uint8)
        plain = [int(one * scale) if state == KNOWN else filler for state, one in found]
        values = np.array([*plain, filler], np.int64)
        if decl.type.kind == "bool":
            values = values.astype(np.bool_)
        return Cells(values[codes], states[codes], scale)

    def _filler(self, decl: ir.FactDecl) -> int:
        return _within(*map(_code, range_of(decl, self.on))) if decl.type.ordered else 0

    def _once(self, decl: ir.FactDecl, met: dict[Any, tuple[int, Any]], raw: Any) -> tuple[int, Any]:
        key = raw.__class__, repr(raw) if isinstance(raw, list | dict) else raw
        if key not in met:
            met[key] = self._read(decl, raw)
        return met[key]

    def _read(self, decl: ir.FactDecl, raw: Any) -> tuple[int, Any]:
        """What a cell says, by the reader's own word."""
        given = reader(self.program, self.program.entities[decl.entity], decl.name.id)(raw)
        if given is None:
            return UNKNOWN, 0
        try:
            value = read_fact(self.program, decl, given, self.on)
        except PolicyError:
            return BAD, 0
        plain: Any = value.value
        if plain is None:
            return NONE, 0
        if decl.type.kind == "text":
            return KNOWN, plain
        if decl.type.kind in ("choice", "multi"):
            places = {o.name.id: n for n, o in enumerate(self.program.choices[decl.type.of].options)}
            labels = plain if isinstance(plain, frozenset) else None
            return KNOWN, places[plain] if labels is None else sum(1 << places[label] for label in labels)
        return KNOWN, _code(plain)

    def _text(self, decl: ir.FactDecl, array: pa.Array) -> Cells:
        """Text, as objects where a rule reads it, else no more than whether it may stand there."""
        asked = (decl.entity, decl.name.id) in self.asked
        valid = valid_rows(array)
        plain = _plain(array) if decl.name.id != "id_number" else valid & False
        state = np.where(plain, KNOWN, UNKNOWN).astype(np.uint8)
        values = np.empty(len(array), object)
        if asked:
            values[plain] = array.filter(pa.array(plain)).cast(pa.string()).to_pylist()
        met: dict[Any, tuple[int, Any]] = {}
        for row in np.flatnonzero(valid & ~plain).tolist():
            state[row], values[row] = self._once(decl, met, array[row].as_py())
        return Cells(values, state)

    def texts(self, array: pa.Array) -> pa.Array:
        """What cells say as text; nothing where they say nothing."""
        spellings, codes = distinct(array)
        given = [cell(TEXT, raw) for raw in spellings]
        said = pa.array([None if one is None else str(one) for one in given] + [None], pa.string())
        return said.take(pa.array(np.where(codes < 0, len(spellings), codes)))

    def said(self, key: str, array: pa.Array) -> tuple[Mask, Mask]:
        """Where something is said beside a fact (its paper, a day, a judge), and where it is said badly."""
        of = DATE if key == "date" else TEXT
        plain = _plain(array) if of is TEXT else np.zeros(len(array), np.bool_)
        if plain.all():
            return plain, ~plain
        decl = ir.FactDecl(ir.Name(key, key), "", of, None, None, "", False, False, None, None, NOWHERE)
        met = self.met.setdefault(("", key), {})
        if len(met) > _MOST_KEPT:
            met.clear()
        state, rest = np.where(plain, KNOWN, UNKNOWN).astype(np.uint8), np.flatnonzero(~plain)
        spellings, codes = distinct(array.take(pa.array(rest)))
        states = [*(self._detail(decl, met, raw) for raw in spellings), UNKNOWN]
        state[rest] = np.array(states, np.uint8)[codes]
        return state == KNOWN, state == BAD

    def _detail(self, decl: ir.FactDecl, met: dict[Any, tuple[int, Any]], raw: Any) -> int:
        key = (raw.__class__, raw)
        if key not in met:
            given, state = cell(decl.type, raw), UNKNOWN
            if given is not None:
                try:
                    read_fact(self.program, decl, given, self.on)
                    state = KNOWN
                except PolicyError:
                    # 无 is a word like any other here
                    state = KNOWN if given in NOBODY and decl.type.kind == "text" else BAD
            met[key] = state, 0
        return met[key][0]


# ---- small change ------------------------------------------------------------------------------------------------------


def _plain(array: pa.Array) -> Mask:
    """Which cells of a column are text, or a number that stands for one, that nobody would ask about."""
    if pa.types.is_integer(array.type):
        return valid_rows(array)
    if not pa.types.is_string(array.type):
        return np.zeros(len(array), np.bool_)
    words = pa.array(sorted({*BLANK, *NOBODY}))
    shown = pc.and_not(pc.match_substring_regex(array, _PLAIN_TEXT), pc.is_in(array, value_set=words))
    return filled(shown, False)


def _within(low: int, high: int) -> int:
    """A whole number in a range, 0 where that is."""
    return min(max(0, low), high)


def _code(plain: Any) -> Any:
    """A plain value as a number."""
    match plain:
        case bool():
            return int(plain)
        case date():
            return plain.toordinal()
        case Month(year=year, month=month):
            return year * 12 + month - 1
    return plain


def _asked(form: Any, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Every fact that is read anywhere in a form of the program."""
    if form.__class__ in _PLAIN or id(form) in seen:
        return
    if isinstance(form, ir.Fact):
        yield form.entity, form.name
    if isinstance(form, Mapping | tuple | list) or _slots(form.__class__):
        seen.add(id(form))
    if isinstance(form, Mapping):
        for one in form.values():
            yield from _asked(one, seen)
    elif isinstance(form, tuple | list):
        for one in form:
            yield from _asked(one, seen)
    else:
        for slot in _slots(form.__class__):
            yield from _asked(getattr(form, slot), seen)


@cache
def _slots(of: type) -> tuple[str, ...]:
    """What a form of this kind is made of; nothing of a plain value."""
    return tuple(slot.name for slot in fields(of)) if is_dataclass(of) else ()
