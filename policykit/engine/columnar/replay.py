"""Blocks decided as others before them: one of a kind leaves a tape, which is replayed on those like it.

Blocks are of one kind where the same facts are there, of the same types, with and without gaps; a block for which the
guards of a tape come out otherwise is worked out anew, and leaves another.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

from policykit.engine.columnar.emission import Buffers, Changed, Run, compiled
from policykit.engine.columnar.frames import Answers, Array, Column, Frame, Listed
from policykit.engine.columnar.tape import Slot, Tape, Traced, Untraceable

FEWEST = 1024  # households of a block that is worth a tape
MOST_TAPES = 4  # of one kind of blocks
Decide: TypeAlias = Callable[[Frame], list[Answers]]


@dataclass(frozen=True, slots=True)
class Replay:
    """What a tape came to: a function of the arrays of a block, and the answers to be filled with its results."""

    run: Run
    text: str
    answers: tuple[tuple[Answers, tuple[str, ...]], ...]

    def on(self, buffers: Buffers, values: list[Any]) -> list[Answers]:
        """The answers for a block. Raises `Changed` where it is of another kind."""
        results = iter(self.run(buffers, *values))
        return [
            with_arrays(answers, dict(zip(names, results, strict=False))) for answers, names in self.answers
        ]


def with_arrays(answers: Answers, arrays: dict[str, Any]) -> Answers:
    """Answers with other arrays."""
    return replace(answers, **arrays)


@dataclass(slots=True)
class Replays:
    """The tapes of a program, by kinds of blocks; `None` for a kind that cannot be replayed, or is too varied for it.

    Buffers are taken and given back, so that several threads may replay at a time.
    """

    fewest: int = FEWEST
    known: dict[Any, list[Replay] | None] = field(default_factory=dict)
    spare: list[Buffers] = field(default_factory=list)

    def decide(self, block: Frame, decide: Decide) -> list[Answers]:
        """The answers for a block, by a tape where there is one; the second block of a kind leaves one."""
        if block.count < self.fewest:
            return decide(block)
        values: list[Any] = []
        kind = laid_out(block, values)
        counts = [value for value in values if isinstance(value, int)]
        # with next to nothing in a list, or as much in one as in another, a block is a kind of its own
        kind = *kind, *(min(count, 2) for count in counts), *map(counts.index, counts)
        if kind not in self.known:
            self.known[kind] = []
            return decide(block)
        tapes = self.known[kind]
        for tape in tapes or ():
            with suppress(Changed):
                return self.replayed(tape, values)
        if tapes is not None:
            try:
                tapes.append(recorded(block, decide))
            except Untraceable:
                self.known[kind] = None
            if len(tapes) > MOST_TAPES:
                self.known[kind] = None
        return decide(block)

    def replayed(self, tape: Replay, values: list[Any]) -> list[Answers]:
        try:
            buffers = self.spare.pop()
        except IndexError:  # all are in use
            buffers = {}
        try:
            return tape.on(buffers, values)
        finally:
            self.spare.append(buffers)


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
        answers.append((with_arrays(one, dict.fromkeys(arrays)), tuple(arrays)))
    return Replay(*compiled(tape, results), tuple(answers))


def traced(frame: Frame, tape: Tape) -> Frame:
    """A frame with every array on a tape, in the order of `laid_out`."""
    count = tape.count(frame.count)
    facts = {
        name: Column(
            tape.array(column.values, count),
            tape.array(column.known, count),
            tape.array(column.none, count),
            column.scale,
        )
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
        known, none = column.known, column.none
        values.append(column.values)
        if known is not None:
            values.append(known)
        if none is not None:
            values.append(none)
        kind.append((name, column.scale, column.values.dtype.char, known is None, none is None))
    for name, listed in frame.lists.items():
        own = _put(values, listed.starts, listed.complete, *listed.elsewhere.values())
        kind.append((name, own, *listed.elsewhere, laid_out(listed.frame, values)))
    if frame.upper is not None:
        kind.append(laid_out(frame.upper, values))
    return tuple(kind)


def _put(values: list[Any], *arrays: Array | None) -> tuple[str | None, ...]:
    """Adds the arrays that are there; says of what type each is."""
    values.extend(array for array in arrays if array is not None)
    return tuple(None if array is None else array.dtype.char for array in arrays)
