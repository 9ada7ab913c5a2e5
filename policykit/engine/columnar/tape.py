"""What is done to the arrays of one block, written down, so that it can be done to others like it without asking again.

The engine works on `Traced` stand-ins as on arrays; each operation leaves a step on a tape. What the engine decides
by the values (`mask.any()`) becomes a guard: another block in which it comes out otherwise is not of this kind. What
else depends on values, or on how many rows there are, and is not written down, raises `Untraceable`: then there is no
tape, and nothing is guessed. `emission` makes a function of what stands on a tape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Array = NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])


class Untraceable(Exception):
    """Something that depends on the block at hand and cannot be written down."""


class Slot(int):
    """A value on a tape, by number."""


def _untraceable(*_: Any, **__: Any) -> Any:
    raise Untraceable


class Count(int):
    """How many rows there are, in this block."""

    tape: Tape
    slot: Slot
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __index__ = _untraceable


class Traced(NDArrayOperatorsMixin):
    """Stands for an array, and knows how it comes about. Whatever would look into it without the tape fails."""

    __slots__ = ("slot", "tape", "value")

    def __init__(self, tape: Tape, slot: Slot, value: Array) -> None:
        self.tape, self.slot, self.value = tape, slot, value

    def __getattr__(self, name: str) -> Any:
        raise Untraceable(name)

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, out: Any = None, **named: Any) -> Any:
        if method != "__call__" or ufunc.nout != 1:
            raise Untraceable(ufunc.__name__)
        found = self.tape.step(ufunc, args, named)
        if out is None:
            return found
        (into,) = out
        if not isinstance(into, Traced):
            raise Untraceable(ufunc.__name__)
        into.slot, into.value = found.slot, found.value
        return into

    def __array_function__(self, function: Any, types: Any, args: Any, named: Any) -> Any:
        return self.tape.step(function, args, named)

    def any(self) -> bool:
        return self.tape.guard(self, np.ndarray.any)

    def all(self) -> bool:
        return self.tape.guard(self, np.ndarray.all)

    def take(self, at: Any, **named: Any) -> Any:
        return self.tape.step(np.ndarray.take, (self, at), named)

    def view(self, kind: Any) -> Any:
        return self.tape.step(np.ndarray.view, (self, kind), {})

    def astype(self, kind: Any, copy: bool = True) -> Any:
        return (
            self if not copy and self.dtype == kind else self.tape.step(np.ndarray.astype, (self, kind), {})
        )

    def copy(self) -> Any:
        return self.tape.step(np.ndarray.copy, (self,), {})

    def __getitem__(self, at: Any) -> Any:
        return self.tape.step(np.ndarray.__getitem__, (self, at), {})

    __array__ = __len__ = __iter__ = __contains__ = __setitem__ = _untraceable
    __bool__ = __int__ = __index__ = __float__ = _untraceable


def array(value: Any, kind: Any = None) -> Array:
    """A value as an array."""
    return value if isinstance(value, Traced) else np.asarray(value, kind)  # type: ignore[return-value]


COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
IDEMPOTENT = {np.bitwise_and, np.bitwise_or}
BY_LAST = {np.ndarray.take, np.ndarray.astype, np.ndarray.copy}  # as many rows as the last array has


def step(run: F) -> F:
    """A function of arrays and counts that is one step of a tape; what it does with them looks at nothing else."""

    @wraps(run)
    def apply(*args: Any, **named: Any) -> Any:
        for arg in args:
            if isinstance(arg, Traced | Count):
                return arg.tape.step(run, args, named)
        return run(*args, **named)

    return apply  # type: ignore[return-value]


@step
def size(array: Array) -> int:
    """How many rows an array has."""
    return len(array)


@step
def filled(count: int, value: Any, kind: Any) -> Array:
    """One value for so many rows."""
    return np.full(count, value, kind)


@step
def numbered(count: int) -> Array:
    """So many rows by their numbers."""
    return np.arange(count)


@step
def owners(starts: Array, count: int | None = None) -> Array:
    """The row in which each of so many elements of some lists lies."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _plain(arg: Any) -> Any:
    """The value itself."""
    if isinstance(arg, Traced):
        return arg.value
    return int.__int__(arg) if isinstance(arg, Count) else arg


@dataclass(frozen=True, slots=True)
class Step:
    run: Callable[..., Any]
    args: tuple[Any, ...]
    named: dict[str, Any]
    slot: Slot


@dataclass(frozen=True, slots=True)
class Guard:
    run: Callable[..., Any]
    slot: Slot
    found: bool


Line: TypeAlias = Step | Guard


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a slot: its type (`None`: a number), the slot whose memory it shares, and the slot that says how
    many rows there are: a number, or the first array with as many."""

    kind: np.dtype[Any] | None
    base: int
    rows: int


class Tape:
    """Steps and guards in order; slots are numbered, those of what is handed in first."""

    def __init__(self) -> None:
        self.held: list[Held] = []
        self.inputs = 0
        self.lines: list[Line] = []
        self.known: dict[Any, Slot] = {}
        self.parts: dict[Any, frozenset[Slot]] = {}
        self.widened: dict[Slot, tuple[Slot, Array]] = {}

    def array(self, array: Array | None, rows: Any = None) -> Any:
        """An array that is handed in, if any, with so many rows."""
        if array is None:
            return None
        self.inputs += 1
        return self._traced(array, self.slot(array.dtype, None, None if rows is None else rows.slot))

    def count(self, count: int) -> Count:
        """A count that is handed in."""
        self.inputs += 1
        return self._count(count, self.slot(None))

    def slot(self, kind: Any, base: int | None = None, rows: int | None = None) -> Slot:
        """A new slot."""
        slot = Slot(len(self.held))
        self.held.append(Held(kind, slot if base is None else base, slot if rows is None else rows))
        return slot

    def _traced(self, array: Array, slot: Slot) -> Any:
        return Traced(self, slot, array)

    def _count(self, count: int, slot: Slot) -> Count:
        found = Count(count)
        found.tape, found.slot = self, slot
        return found

    def _operand(self, arg: Any) -> Any:
        if isinstance(arg, Traced | Count):
            if arg.tape is not self:
                raise Untraceable
            return arg.slot
        if isinstance(arg, slice):
            for end in (arg.start, arg.stop, arg.step):
                if isinstance(end, Traced | Count):
                    raise Untraceable
        if (isinstance(arg, np.ndarray) and arg.ndim) or isinstance(arg, list | tuple | dict):
            raise Untraceable
        return int.__int__(arg) if isinstance(arg, Slot) else arg

    def step(self, run: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Does something and writes it down; what was done before is not written twice."""
        operands = tuple(self._operand(arg) for arg in args)
        if any(isinstance(self._operand(arg), Slot) for arg in named.values()):
            raise Untraceable
        plain = [_plain(arg) for arg in args]
        if run in COMPARISONS:
            operands, plain = self._narrow(operands, plain)
        found = run(*plain, **named)
        counted = isinstance(found, int) and not isinstance(found, bool)
        if not counted and (not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype == object):
            raise Untraceable
        key = (run, *map(_same, operands), *((name, _same(arg)) for name, arg in named.items()))
        slot = self.known.get(key)
        if slot is None:
            slot = self._unchanged(operands, plain, found) or self._shorter(run, operands)
        if slot is None:
            slot = self.slot(None) if counted else self._held(run, operands, plain, found)
            self.lines.append(Step(run, operands, named, slot))
            if run in IDEMPOTENT and all(isinstance(one, Slot) for one in operands):
                self.parts[run, slot] = self._parts(run, operands)
                self.known[run, self.parts[run, slot]] = slot
            if run is np.ndarray.astype and found.dtype == np.int64 and plain[0].dtype.kind == "i":
                self.widened[slot] = operands[0], plain[0]
        self.known[key] = slot
        return self._count(found, slot) if counted else self._traced(found, slot)

    def _narrow(self, operands: tuple[Any, ...], plain: list[Any]) -> tuple[tuple[Any, ...], list[Any]]:
        """A number that was widened, compared with a constant: as it was before, in a part of the memory."""
        for wide, constant in (operands, operands[::-1]):
            if isinstance(wide, Slot) and wide in self.widened and not isinstance(constant, Slot):
                slot, narrow = self.widened[wide]
                ends = np.iinfo(narrow.dtype)
                if np.asarray(constant).dtype.kind == "i" and ends.min <= constant <= ends.max:
                    same = narrow.dtype.type(constant)
                    if wide is operands[0]:
                        return (slot, same), [narrow, same]
                    return (same, slot), [same, narrow]
        return operands, plain

    def _unchanged(self, operands: tuple[Any, ...], plain: list[Any], found: Any) -> Slot | None:
        """The operand that a step hands back, as it does wherever there are as many rows as it asks for."""
        slots = [one for one in operands if isinstance(one, Slot)]
        counts = [one for one in slots if self.held[one].kind is None]
        for one, arg in zip(operands, plain, strict=True):
            if arg is found and counts == [self.held[one].rows]:
                return one  # type: ignore[no-any-return]
        return None

    def _shorter(self, run: Callable[..., Any], operands: tuple[Any, ...]) -> Slot | None:
        """What is on the tape already and comes to the same as an operation."""
        if run is size.__wrapped__:  # type: ignore[attr-defined]
            rows = Slot(self.held[operands[0]].rows)
            return rows if self.held[rows].kind is None else None
        if run is np.multiply and any(isinstance(one, np.generic) and one == 1 for one in operands):
            (kept,) = (one for one in operands if isinstance(one, Slot))
            (other,) = (one for one in operands if one is not kept)
            return kept if self.held[kept].kind == other.dtype else None
        if run in IDEMPOTENT and all(isinstance(one, Slot) for one in operands):
            parts = self._parts(run, operands)
            for one in operands:
                if self.parts.get((run, one), frozenset([one])) == parts:
                    return one  # type: ignore[no-any-return]
            return self.known.get((run, parts))
        return None

    def _parts(self, run: Callable[..., Any], operands: tuple[Any, ...]) -> frozenset[Any]:
        """All that is joined by an operation for which order and repetition do not matter."""
        return frozenset().union(*(self.parts.get((run, one), frozenset([one])) for one in operands))

    def _held(self, run: Any, operands: tuple[Any, ...], plain: list[Any], found: Array) -> Slot:
        """A slot for what a step made: whose memory it shares, and what has as many rows."""
        there = [
            (self.held[one], arg) for one, arg in zip(operands, plain, strict=True) if isinstance(one, Slot)
        ]
        arrays = [(held, arg) for held, arg in there if isinstance(arg, np.ndarray)]
        base = None
        if not isinstance(run, np.ufunc):  # whether nothing shares memory with something cannot be seen
            shared = (held.base for held, arg in arrays if not len(found) or np.may_share_memory(found, arg))
            base = next(shared, None)
        rows = [held.rows for held, _ in there if held.kind is None]
        if isinstance(run, np.ufunc) or base is not None:
            rows += [held.rows for held, arg in arrays if len(arg) == len(found) and len(found) > 1]
        elif run in BY_LAST:
            rows.append(arrays[-1][0].rows)
        return self.slot(found.dtype, base, min(rows, default=None))

    def guard(self, array: Traced, run: Callable[..., Any]) -> bool:
        found = bool(run(array.value))
        if (run, array.slot) not in self.known:
            self.known[run, array.slot] = array.slot
            self.lines.append(Guard(run, array.slot, found))
        return found


def _same(arg: Any) -> Any:
    """By what two constants are known to be the same."""
    if isinstance(arg, np.generic | np.ndarray) and arg.dtype != object:
        return arg.dtype, arg.tobytes()
    if arg is None or isinstance(arg, Slot | slice | str | bool | int | np.dtype | type):
        return type(arg), repr(arg)
    raise Untraceable
