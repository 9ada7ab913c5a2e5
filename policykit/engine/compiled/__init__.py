"""The compiled engine: Python generated once for a program and a day, deciding one household at a time.

It takes households that are plainly written, with gaps or without; everything else it hands over, so that its answers
are those of the reference engine, or none. It decides and gives no reasons: those are the reference's.
"""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

from policykit import ir
from policykit.engine.compiled import verdicts
from policykit.engine.compiled.operations import NAMES
from policykit.engine.compiled.partly import Decided, Partly, functions
from policykit.engine.compiled.reading import Reader, Reading, copied, identifier
from policykit.engine.compiled.source import Source
from policykit.engine.compiled.straight import Straight
from policykit.engine.compiled.swift import Found, Layout, Swift, Unsure
from policykit.engine.compiled.terms import Refused
from policykit.engine.compiled.verdicts import Pay, Row
from policykit.engine.compiled.wide import Wide
from policykit.values import month_of

__all__ = ["Answers", "Compiled", "Decided", "Found", "Pay", "Refused", "Row", "Swift", "Unsure", "compiled"]

Answers: TypeAlias = Decided | Swift


class Compiled:
    """A program as Python for one day; `source` is what was generated.

    A program that the straight form takes has it beside the general form, which gets what that does not take.
    """

    def __init__(self, program: ir.Program, on: date) -> None:
        writing = Source(program, on)
        self.source = writing.text()
        names = {
            **NAMES, **{name: getattr(verdicts, name) for name in verdicts.CALLED},
            "today": on, "this_month": month_of(on),
        }  # fmt: skip
        run(self.source, program, names)
        classes = {kind: names[Source.class_name(kind)] for kind in program.entities}
        ranges = {kind: names.get(f"ranges_{identifier(kind)}") for kind in program.entities}
        self._reader, self._decide = Reader(program, on, classes, ranges), names["decide"]
        self._program, self._on = program, on
        self._functions = functions(program, writing.terms.wanted, names, writing.rules())
        self.straight: Any = None
        self.wide: Any = None
        try:
            short = Straight(program, on)
            text = short.text()
        except Refused:
            return
        run(text, program, names)
        self.source += f"\n\n{text}"
        self.straight = names["decide_straight"]
        try:
            text = Wide(program, on, slots=short.slots).text()
        except Refused:
            pass
        else:
            run(text, program, names)
            self.source += f"\n\n{text}"
            self.wide = names["decide_wide"]
        self._layout = Layout(
            program, short.slots, short.members, short.member.name.id if short.member else ""
        )
        self.told = self._layout.told

    def plainly(self, household: dict[str, Any]) -> Found | None:
        """What the straight form finds; `None` for a household that it does not take."""
        if self.straight is not None:
            try:
                found: Found = self.straight(household)
                return found
            except Exception:  # not every fact is there, and plain
                pass
        return None

    def swift(self, found: Found) -> Swift:
        """The decisions in that."""
        return Swift(self._layout, found)

    def decide(self, household: dict[str, Any], exact: bool = True) -> Answers | None:
        """The decisions on a household; `None` when the reference engine has to give them."""
        plainly = self.plainly(household)
        return self.openly(household, exact) if plainly is None else Swift(self._layout, plainly)

    def openly(self, household: dict[str, Any], exact: bool = True) -> Answers | None:
        """The same of a household that the straight form does not take."""
        if self.wide is not None:
            try:
                return Unsure(self._layout, self.wide(household), self._opened, exact)
            except Exception:  # the general form asks more closely
                pass
        return self.general(household, exact)

    def general(self, household: dict[str, Any], exact: bool = True) -> Decided | None:
        """The same by the general form alone."""
        try:
            mine = copied(household)
            reading = self._reader.read(mine)
            if not reading.unsure:
                try:
                    return Decided(tuple(self._decide(reading.subjects)), mine)
                except Exception:  # something that nobody gave was touched
                    pass
            return self._partly(mine, reading).decided(exact)
        except Exception:  # whatever is odd about a household, the reference engine says it better
            return None

    def opened(self, household: dict[str, Any]) -> Partly | None:
        """A household as read, to be decided once its rulings and elections have been read too."""
        try:
            mine = copied(household)
            found = self._opened(mine)
            found.reading.fill(found.reading.all)
            return found
        except Exception:
            return None

    def _opened(self, mine: dict[str, Any]) -> Partly:
        return self._partly(mine, self._reader.read(mine))

    def _partly(self, household: dict[str, Any], reading: Reading) -> Partly:
        return Partly(self._functions, self._program, self._on, reading, household)


def run(source: str, program: ir.Program, names: dict[str, Any]) -> None:
    exec(compile(source, f"<policykit {program.fingerprint[:12]}>", "exec"), names)


class Nothing(Compiled):
    """A program that cannot be written as Python: every household is handed over."""

    def __init__(self) -> None:
        self.source = ""
        self.straight = self.wide = None

    def openly(self, household: dict[str, Any], exact: bool = True) -> Answers | None:
        return None

    def opened(self, household: dict[str, Any]) -> Partly | None:
        return None


def compiled(program: ir.Program, on: date) -> Compiled:
    """A program as Python for one day."""
    try:
        return Compiled(program, on)
    except (
        Refused,
        SyntaxError,
        RecursionError,
        MemoryError,
    ):  # a term nested too deeply for Python's own parser
        return Nothing()
