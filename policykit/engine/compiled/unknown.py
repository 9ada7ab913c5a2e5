"""What nobody gave, to generated code: touching it in any way hands the household over to the reference engine.

So generated code needs no test of what is known: what it decides, it has decided without a single unknown.
"""

from __future__ import annotations

from typing import Any, NoReturn


class HandOver(Exception):
    """Something that the fast path does not take; the reference engine answers, or says what is wrong."""


class Wrong(HandOver):
    """A household that means nothing; the passes that read households say what is wrong with it."""


class Unknown:
    """Not a value: it can be carried about, and nothing else."""

    __slots__ = ()

    def _touched(self, *_: object) -> NoReturn:
        raise HandOver("unknown")

    __bool__ = __len__ = __iter__ = __hash__ = __contains__ = __index__ = __int__ = _touched
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _touched
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = __floordiv__ = __mod__ = _touched

    def __getattr__(self, name: str) -> Any:
        raise HandOver("unknown")


UNKNOWN: Any = Unknown()


def known(value: Any) -> Any:
    """The value itself, 无 included; hands over where nobody gave it."""
    if value is UNKNOWN:
        raise HandOver("unknown")
    return value
