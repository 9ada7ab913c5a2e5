"""A tape as a Python function of straight lines, whose results stand in buffers that are used again and again.

Only what results and guards need is done. A buffer is free again as soon as nobody reads it any more, so that few of
them go round and stay in the processor's cache; what is handed out stands in memory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from policykit.engine.columnar.tape import Array, Guard, Held, Line, Slot, Step, Tape, owners

Buffers: TypeAlias = dict[tuple[int, np.dtype[Any]], Array]
Run: TypeAlias = Callable[..., tuple[Array, ...]]


class Changed(Exception):
    """A guard comes out otherwise than in the block that was written down."""


def compiled(tape: Tape, results: Sequence[Slot]) -> tuple[Run, str]:
    """A function of buffers and of what was handed in to a tape, and its text."""
    lines = needed(tape, spread_together(tape, needed(tape, tape.lines, results)), results)
    emission = Emission(tape.held, lines, results)
    for place, line in enumerate(lines):
        emission.line(place, line)
    handed = ", ".join(f"a{slot}" for slot in range(tape.inputs))
    answer = "".join(f"a{slot}, " for slot in results)
    text = "\n    ".join([f"def replay(buffers, {handed}):", *emission.text, f"return {answer}"])
    exec(compile(text, "<tape>", "exec"), emission.names)
    run: Run = emission.names["replay"]
    return run, text


def read(line: Line) -> list[Slot]:
    """The slots that a line reads."""
    return [line.slot] if isinstance(line, Guard) else [arg for arg in line.args if isinstance(arg, Slot)]


def needed(tape: Tape, lines: Sequence[Line], results: Sequence[Slot]) -> list[Line]:
    """The lines that results and guards need."""
    wanted = set(results)
    kept = []
    for line in reversed(lines):
        if isinstance(line, Guard) or line.slot in wanted:
            wanted.update(read(line))
            kept.append(line)
            if isinstance(line, Step):
                wanted.add(Slot(tape.held[line.slot].rows))
    return kept[::-1]


# ---- what stands for all elements of a list ---------------------------------------------------------------------------------


def spread_together(tape: Tape, lines: Sequence[Line]) -> list[Line]:
    """Masks of owners that are looked at from the same elements, as the bits of one byte: looked at once, not one by one."""
    found: list[Line] = []
    owner = {line.slot: line.args[0] for line in lines if isinstance(line, Step) and line.run is _owners}
    done: set[Slot] = set()

    def looks(line: Line) -> TypeGuard[Step]:
        if not isinstance(line, Step) or line.run is not np.ndarray.take or line.args[1] not in owner:
            return False
        return bool(tape.held[line.args[0]].kind == np.bool_)

    for place, line in enumerate(lines):
        if isinstance(line, Step) and line.slot in done:
            continue
        if not looks(line):
            found.append(line)
            continue
        at = line.args[1]
        alike = [
            one for one in lines[place:] if looks(one) and one.args[1] == at and one.args[0] < line.slot
        ][:8]
        packed = tape.slot(np.dtype(np.uint8), None, tape.held[line.slot].rows)
        found.append(Step(packed_for_elements, (owner[at], *(one.args[0] for one in alike)), {}, packed))
        found += [Step(bit_of, (packed, np.uint8(1 << bit)), {}, one.slot) for bit, one in enumerate(alike)]
        done.update(one.slot for one in alike)
    return found


_owners: Any = owners.__wrapped__  # type: ignore[attr-defined]


def packed_for_elements(starts: Array, *masks: Array) -> Array:
    """Up to eight masks of owners as bits of a byte, for each element of their lists."""
    bits = masks[0].view(np.uint8)
    for place, mask in enumerate(masks[1:], 1):
        bits = bits | mask.view(np.uint8) << np.uint8(place)
    return np.repeat(bits, np.diff(starts))


def bit_of(bits: Array, bit: Any) -> Array:
    """Where a bit is set."""
    return np.asarray(bits & bit != 0)


# ---- text -------------------------------------------------------------------------------------------------------------------


class Emission:
    """The lines of a function in the making, and which buffers are in use."""

    def __init__(self, held: Sequence[Held], lines: Sequence[Line], results: Sequence[Slot]) -> None:
        self.held = held
        self.text: list[str] = []
        self.names: dict[str, Any] = {"Changed": Changed, "cut": cut}
        self.named: dict[int, str] = {}
        self.last = {held[slot].base: place for place, line in enumerate(lines) for slot in read(line)}
        self.last.update({held[slot].base: len(lines) for slot in results})
        self.end = len(lines)
        self.made = 0
        self.used: dict[int, str] = {}
        self.free: dict[Any, list[str]] = {}

    def name(self, of: Any) -> str:
        """A constant or a function by name."""
        if id(of) not in self.named:
            hint = of.__name__.strip("_") if callable(of) else "c"
            self.named[id(of)] = f"{hint}_{len(self.named)}"
            self.names[self.named[id(of)]] = of
        return self.named[id(of)]

    def line(self, place: int, line: Line) -> None:
        if isinstance(line, Guard):
            self.text.append(f"if {'not ' * line.found}{self.name(line.run)}(a{line.slot}): raise Changed")
        else:
            args = [f"a{arg}" if isinstance(arg, Slot) else self.name(arg) for arg in line.args]
            args += [f"{key}={self.name(arg)}" for key, arg in line.named.items()]
            if isinstance(line.run, np.ufunc) and not line.named:
                self.release(place, line)  # element by element, a result may take the place of an operand
                if self.last[self.held[line.slot].base] < self.end:
                    args.append(f"out={self.buffer(line.slot)}")
            self.text.append(f"a{line.slot} = {self.name(line.run)}({', '.join(args)})")
        self.release(place, line)

    def buffer(self, slot: Slot) -> str:
        """A buffer for what a step makes."""
        held = self.held[slot]
        waiting = self.free.get((held.rows, held.kind))
        if waiting:
            self.used[held.base] = waiting.pop()
            return self.used[held.base]
        made = self.used[held.base] = f"b{self.made}"
        rows = f"a{held.rows}" if self.held[held.rows].kind is None else f"len(a{held.rows})"
        self.text.append(f"{made} = cut(buffers, {self.made}, {rows}, {self.name(held.kind)})")
        self.made += 1
        return made

    def release(self, place: int, line: Line) -> None:
        """Frees the buffers that this line is the last to read."""
        for slot in read(line):
            base = self.held[slot].base
            if self.last[base] == place and base in self.used:
                held = self.held[base]
                self.free.setdefault((held.rows, held.kind), []).append(self.used.pop(base))


def cut(buffers: Buffers, number: int, rows: int, kind: np.dtype[Any]) -> Array:
    """A buffer of so many rows."""
    found = buffers.get((number, kind))
    if found is None or len(found) < rows:
        found = buffers[number, kind] = np.empty(rows + rows // 8, kind)
    return found[:rows]
