"""Blocks decided once and then again: the first of a kind leaves a tape, which is replayed on those like it.

Blocks are of one kind where the same facts are there, of the same types, with and without gaps in the same places, and
where the guards of the tape come out the same. A block that is like none is worked out anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

from policykit.engine.columnar.emission import Buffers, Changed, Run, compiled
from policykit.engine.columnar.frames import Answers, Array, Column, Frame, Listed
from policykit.engine.columnar.tape import Slot, Tape, Traced, Untraceable

FEWEST = 256  # households, below which what differs from block to block is more than the arrays
MOST_TAPES = 8  # of one kind of blocks
Decide: TypeAlias = Callable[[Frame], list[Answers]]


@dataclass(frozen=True, slots=True)
class Replay:
    """What a tape came to: a function of the arrays of a block, and the answers to be filled with its results."""

    run: Run
    text: str
    answers: tuple[tuple[Answers, tuple[str, ...]], ...]

    def on(self, buffers: Buffers, values: list[Any]) -> list[Answers]:
        """The answers for a block. Raises `Changed` where it is of another kind."""
        found = iter(self.run(buffers, *values))
        return [
            replace(answers, **{name: next(found) for name in filled}) for answers, filled in self.answers
        ]


@dataclass(slots=True)
class Replays:
    """The tapes of a program, by kinds of blocks; `None` for what cannot be written down.

    Buffers are taken and given back, so that several threads may replay at a time.
    """

    known: dict[Any, list[Replay] | None] = field(default_factory=dict)
    buffers: dict[int, list[Buffers]] = field(default_factory=dict)

    def decide(self, block: Frame, decide: Decide) -> list[Answers]:
        """The answers for a block, by a tape where there is one."""
        if block.count < FEWEST:
            return decide(block)
        values: list[Any] = []
        kind = laid_out(block, values)
        tapes = self.known.setdefault(kind, [])
        for one in tapes or ():
            spare = self.buffers.setdefault(id(one), [])
            buffers = spare.pop() if spare else []
            try:
                return one.on(buffers, values)
            except Changed:
                continue
            finally:
                spare.append(buffers)
        if tapes is not None and len(tapes) < MOST_TAPES:
            try:
                tapes.append(recorded(block, decide))
            except Untraceable:
                self.known[kind] = None
        return decide(block)


def recorded(block: Frame, decide: Decide) -> Replay:
    """The tape of a block, compiled."""
    tape = Tape()
    results: list[Slot] = []
    answers = []
    for one in decide(traced(block, tape)):
        arrays = {f.name: getattr(one, f.name) for f in fields(one) if hasattr(getattr(one, f.name), "dtype")}
        if not all(isinstance(array, Traced) for array in arrays.values()):
            raise Untraceable
        results += [array.slot for array in arrays.values()]
        answers.append((replace(one, **dict.fromkeys(arrays)), tuple(arrays)))
    return Replay(*compiled(tape, results), tuple(answers))


def traced(frame: Frame, tape: Tape) -> Frame:
    """A frame with every array on a tape, in the order of `laid_out`."""
    count = tape.count(frame.count)
    facts = {
        name: Column(*(tape.array(array, count) for array in _arrays(column)), column.scale)
        for name, column in frame.facts.items()
    }
    lists = {}
    for name, listed in frame.lists.items():
        starts = tape.array(listed.starts)
        complete = tape.array(listed.complete, count)
        elsewhere = {path: tape.array(at) for path, at in listed.elsewhere.items()}
        lists[name] = Listed(traced(listed.frame, tape), starts, complete, elsewhere)
    upper = None if frame.upper is None else traced(frame.upper, tape)
    return Frame(frame.entity, count, facts, lists, upper)


def laid_out(frame: Frame, values: list[Any]) -> tuple[Any, ...]:
    """What kind of frame this is; puts its arrays and counts into `values`."""
    values.append(frame.count)
    kind: list[Any] = [frame.entity]
    for name, column in frame.facts.items():
        kind.append((name, column.scale, *_put(values, *_arrays(column))))
    for name, listed in frame.lists.items():
        own = _put(values, listed.starts, listed.complete, *listed.elsewhere.values())
        kind.append((name, own, *listed.elsewhere, laid_out(listed.frame, values)))
    if frame.upper is not None:
        kind.append(laid_out(frame.upper, values))
    return tuple(kind)


def _arrays(column: Column) -> tuple[Array, Array | None, Array | None]:
    return column.values, column.known, column.none


def _put(values: list[Any], *arrays: Array | None) -> tuple[str | None, ...]:
    """Adds the arrays that are there; says of what type each is."""
    values.extend(array for array in arrays if array is not None)
    return tuple(None if array is None else array.dtype.char for array in arrays)
