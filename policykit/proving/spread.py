"""One question after another, on several cores where the system can fork."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_JOB: tuple[Callable[[Any], Any], Sequence[Any], Callable[[Any], Any]]


def spread(
    work: Callable[[T], R], items: Sequence[T], cores: int, interrupted: Callable[[T], R]
) -> Iterator[R]:
    """What comes of each item, in their order; `interrupted` is what comes of one that was broken off."""
    if cores < 2 or len(items) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, items)
        return
    global _JOB  # what a forked process inherits need not be sent to it
    _JOB = work, items, interrupted
    with multiprocessing.get_context("fork").Pool(cores, _undisturbed) as pool:
        yield from pool.imap(_settle, range(len(items)))


def _undisturbed() -> None:
    """An interrupt from the terminal goes to every process; the one that waits for this one stops them all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _settle(number: int) -> Any:
    work, items, interrupted = _JOB
    try:
        return work(items[number])
    except KeyboardInterrupt:  # the solver has its own ears
        return interrupted(items[number])
