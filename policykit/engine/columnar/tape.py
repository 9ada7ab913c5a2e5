"""What is done to the arrays of one block, written down, so that it can be done to others like it without asking again.

The engine works on `Traced` arrays as on any others; each operation leaves a step on a tape. What the engine decides
by the values (`mask.any()`) becomes a guard: another block in which it comes out otherwise is not of this kind. What
else depends on values, or on how many rows there are, and is not written down, raises `Untraceable`: then there is no
tape, and nothing is guessed. `Tape.compiled` makes of the steps that matter a Python function of straight lines, in which
results stand in buffers that are used again and again while they are in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])


class Untraceable(Exception):
    """Something that depends on the block at hand and cannot be written down."""


class Changed(Exception):
    """A guard comes out otherwise than in the block that was written down."""


class Slot(int):
    """A value on a tape, by number."""


def _untraceable(*_: Any, **__: Any) -> Any:
    raise Untraceable


class Count(int):
    """How many rows there are, in this block."""

    tape: Tape
    slot: Slot
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __index__ = _untraceable


class Traced(np.ndarray[Any, Any]):
    """An array of which the tape knows how it comes about."""

    tape: Tape | None = None
    slot: Slot

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, out: Any = None, **named: Any) -> Any:
        if method != "__call__" or ufunc.nout != 1:
            raise Untraceable
        found = _tape((*args, *(out or ()))).step(ufunc, args, named)
        if out is None:
            return found
        (into,) = out
        if not isinstance(into, Traced):
            raise Untraceable
        np.copyto(into.view(np.ndarray), found.view(np.ndarray))
        into.slot = found.slot
        return into

    def __array_function__(self, function: Any, types: Any, args: Any, named: Any) -> Any:
        if function in (np.any, np.all):
            return getattr(args[0], function.__name__)()
        return _tape(args).step(function, args, named)

    def any(self, *_: Any, **__: Any) -> Any:
        return _tape((self,)).guard(self, np.ndarray.any)

    def all(self, *_: Any, **__: Any) -> Any:
        return _tape((self,)).guard(self, np.ndarray.all)

    def take(self, at: Any, *args: Any, **named: Any) -> Any:
        return _tape((self, at)).step(np.ndarray.take, (self, at, *args), named)

    def view(self, *kind: Any, **named: Any) -> Any:
        if kind == (np.ndarray,):
            return super().view(np.ndarray)
        return _tape((self,)).step(np.ndarray.view, (self, *kind), named)

    def astype(self, kind: Any, *args: Any, copy: bool = True, **named: Any) -> Any:
        if not copy and self.dtype == kind:
            return self
        return _tape((self,)).step(np.ndarray.astype, (self, kind, *args), named)

    def copy(self, *_: Any, **__: Any) -> Any:
        return _tape((self,)).step(np.ndarray.copy, (self,), {})

    def __getitem__(self, at: Any) -> Any:
        return _tape((self,)).step(np.ndarray.__getitem__, (self, at), {})

    __len__ = __iter__ = __bool__ = __int__ = __index__ = __float__ = __setitem__ = _untraceable
    tolist = item = max = min = sum = reshape = ravel = repeat = _untraceable


BY_LAST = {np.ndarray.take, np.ndarray.astype, np.ndarray.copy}  # as many rows as the last array has


def step(run: F) -> F:
    """A function of arrays and counts that is one step of a tape; what it does with them looks at nothing else."""

    @wraps(run)
    def apply(*args: Any, **named: Any) -> Any:
        for arg in args:
            if isinstance(arg, Traced | Count):
                return _tape(args).step(run, args, named)
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


def _tape(args: Any) -> Tape:
    for arg in args:
        if isinstance(arg, Traced | Count) and arg.tape is not None:
            return arg.tape
    raise Untraceable


def _plain(arg: Any) -> Any:
    """The value itself."""
    if isinstance(arg, Traced):
        return arg.view(np.ndarray)
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
        self.lines: list[Step | Guard] = []
        self.known: dict[Any, Any] = {}

    def array(self, array: Array | None, rows: Any = None) -> Any:
        """An array that is handed in, if any, with so many rows."""
        if array is None:
            return None
        self.inputs += 1
        return self._traced(array, self._slot(array.dtype, None, None if rows is None else rows.slot))

    def count(self, count: int) -> Count:
        """A count that is handed in."""
        self.inputs += 1
        return self._count(count, self._slot(None))

    def _slot(self, kind: Any, base: int | None = None, rows: int | None = None) -> Slot:
        slot = Slot(len(self.held))
        self.held.append(Held(kind, slot if base is None else base, slot if rows is None else rows))
        return slot

    def _traced(self, array: Array, slot: Slot) -> Any:
        found = array.view(Traced)
        found.tape, found.slot = self, slot
        return found

    def _count(self, count: int, slot: Slot) -> Count:
        found = Count(count)
        found.tape, found.slot = self, slot
        return found

    def _operand(self, arg: Any) -> Any:
        if isinstance(arg, Traced | Count):
            if arg.tape is not self:
                raise Untraceable
            return arg.slot
        if (isinstance(arg, np.ndarray) and arg.ndim) or isinstance(arg, list | tuple | dict):
            raise Untraceable
        return arg

    def step(self, run: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Does something and writes it down; what was done before is not written twice."""
        operands = tuple(self._operand(arg) for arg in args)
        if any(isinstance(self._operand(arg), Slot) for arg in named.values()):
            raise Untraceable
        plain = [_plain(arg) for arg in args]
        found = run(*plain, **named)
        key = (run, *map(_same, operands), *((name, _same(arg)) for name, arg in named.items()))
        slot = self.known.get(key)
        if isinstance(found, int) and not isinstance(found, bool):
            if slot is None:
                slot = self._slot(None)
                self.lines.append(Step(run, operands, named, slot))
            self.known[key] = slot
            return self._count(found, slot)
        if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype == object:
            raise Untraceable
        if slot is None:
            slot = self.known[key] = self._held(run, operands, plain, found)
            self.lines.append(Step(run, operands, named, slot))
        return self._traced(found, slot)

    def _held(self, run: Any, operands: tuple[Any, ...], plain: list[Any], found: Array) -> Slot:
        """A slot for what a step made: whose memory it shares, and what has as many rows."""
        there = [(self.held[one], arg) for one, arg in zip(operands, plain, strict=True) if isinstance(one, Slot)]
        arrays = [(held, arg) for held, arg in there if isinstance(arg, np.ndarray)]
        base = next((held.base for held, arg in arrays if np.may_share_memory(found, arg)), None)
        rows = [held.rows for held, _ in there if held.kind is None]
        if isinstance(run, np.ufunc) or base is not None:
            rows += [held.rows for held, arg in arrays if len(arg) == len(found)]
        elif run in BY_LAST:
            rows.append(arrays[-1][0].rows)
        return self._slot(found.dtype, base, min(rows, default=None))

    def guard(self, array: Traced, run: Callable[..., Any]) -> bool:
        found = bool(run(array.view(np.ndarray)))
        self.lines.append(Guard(run, array.slot, found))
        return found

    # -- a function of what was written down

    def compiled(self, results: list[Slot]) -> Callable[..., tuple[Any, ...]]:
        """The steps that results or guards need, as a function of what was handed in and of a list of buffers."""
        kept = self._needed(results)
        last = {self.held[slot].base: len(kept) for slot in results}
        for place, line in reversed(list(enumerate(kept))):
            for slot in _read(line):
                last.setdefault(self.held[slot].base, place)
        names: dict[str, Any] = {"Changed": Changed, "cut": cut}
        called: dict[int, str] = {}

        def name(of: Any, hint: str) -> str:
            if id(of) not in called:
                called[id(of)] = f"{hint}_{len(called)}"
                names[called[id(of)]] = of
            return called[id(of)]

        text = ["def replay(buffers, {}):".format(", ".join(f"a{slot}" for slot in range(self.inputs)))]
        free: dict[tuple[int, np.dtype[Any]], list[str]] = {}
        buffers: dict[int, str] = {}
        made = 0
        for place, line in enumerate(kept):
            if isinstance(line, Guard):
                run = name(line.run, line.run.__name__)
                text.append(f"    if {'not ' * line.found}{run}(a{line.slot}): raise Changed")
            else:
                held = self.held[line.slot]
                args = [f"a{arg}" if isinstance(arg, Slot) else name(arg, "c") for arg in line.args]
                args += [f"{key}={name(arg, 'c')}" for key, arg in line.named.items()]
                here = last.get(held.base, place)
                if isinstance(line.run, np.ufunc) and not line.named and here < len(kept):
                    assert held.kind is not None
                    for base in {self.held[slot].base for slot in _read(line)}:
                        if last[base] == place and base in buffers:
                            self._freed(base, buffers, free)
                    waiting = free.setdefault((held.rows, held.kind), [])
                    if waiting:
                        buffer = waiting.pop()
                    else:
                        buffer, made = f"b{made}", made + 1
                        kind = name(held.kind, "kind")
                        rows = f"a{held.rows}" if self.held[held.rows].kind is None else f"len(a{held.rows})"
                        text.append(f"    {buffer} = cut(buffers, {made - 1}, {rows}, {kind})")
                    buffers[held.base] = buffer
                    args.append(buffer)
                run = name(line.run, line.run.__name__.strip("_"))
                text.append(f"    a{line.slot} = {run}({', '.join(args)})")
            for base in {self.held[slot].base for slot in _read(line)}:
                if last[base] == place and base in buffers:
                    self._freed(base, buffers, free)
        text.append("    return {},".format(", ".join(f"a{slot}" for slot in results)))
        self.text = "\n".join(text)
        exec(compile(self.text, "<tape>", "exec"), names)
        found: Callable[..., tuple[Any, ...]] = names["replay"]
        return found

    def _freed(self, base: int, buffers: dict[int, str], free: dict[Any, list[str]]) -> None:
        held = self.held[base]
        free.setdefault((held.rows, held.kind), []).append(buffers.pop(base))

    def _needed(self, results: list[Slot]) -> list[Step | Guard]:
        needed = set(results)
        kept = []
        for line in reversed(self.lines):
            if isinstance(line, Guard) or line.slot in needed:
                needed.update(_read(line))
                kept.append(line)
                if isinstance(line, Step):
                    rows = self.held[line.slot].rows
                    if rows != line.slot:
                        needed.add(Slot(rows))
        return kept[::-1]


def _read(line: Step | Guard) -> list[Slot]:
    """The slots that a line reads."""
    return [line.slot] if isinstance(line, Guard) else [arg for arg in line.args if isinstance(arg, Slot)]


def _same(arg: Any) -> Any:
    """By what two constants are known to be the same."""
    if isinstance(arg, Slot | slice | str | bool | int | np.dtype | type):
        return type(arg), repr(arg)
    return id(arg)


def cut(buffers: list[Array | None], number: int, rows: int, kind: np.dtype[Any]) -> Array:
    """A buffer of so many rows."""
    while number >= len(buffers):
        buffers.append(None)
    found = buffers[number]
    if found is None or len(found) < rows:
        found = buffers[number] = np.empty(rows + rows // 8, kind)
    return found[:rows]
