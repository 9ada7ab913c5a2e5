"""The least rules and the least household that still show something: whatever can go is left out, greedily."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from itertools import islice, pairwise
from typing import Any, TypeVar

T = TypeVar("T")
Household = dict[str, Any]


def shrunk(
    text: str, household: Household, stays: Callable[[str, Household], bool], seconds: float
) -> tuple[str, Household]:
    """Rules and a household of which nothing more can be left out, or that were reached in so many seconds."""
    until = time.monotonic() + seconds

    def less(thing: T, smaller: Callable[[T], Iterator[T]], stays: Callable[[T], bool]) -> T:
        at = 0
        while time.monotonic() < until and (one := next(islice(smaller(thing), at, None), None)) is not None:
            if stays(one):
                thing = one
            else:
                at += 1
        return thing

    def beside(kept: Household) -> Callable[[str], bool]:
        return lambda one: stays(one, kept)

    before = None
    while before != (text, household) and stays(text, household):
        before = text, household
        household = less(household, smaller_households, partial(stays, text))
        text = less(text, shorter_texts, beside(household))
    return text, household


def smaller_households(household: Household) -> Iterator[Household]:
    """The household with one thing less, larger things first."""

    def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            yield (*path, key)
        for key in keys:
            yield from places(value[key], (*path, key))

    for path in places(household, ()):
        smaller = deepcopy(household)
        inside: Any = smaller
        for key in path[:-1]:
            inside = inside[key]
        del inside[path[-1]]
        yield smaller


def shorter_texts(text: str) -> Iterator[str]:
    """The rules with one declaration, one field, or one part of an expression less."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line and not line[0].isspace()] + [len(lines)]
    for first, last in reversed(list(pairwise(starts))):
        yield "\n".join(lines[:first] + lines[last:]) + "\n"
    for number, line in reversed(list(enumerate(lines))):
        if line[:1].isspace():
            yield "\n".join(lines[:number] + lines[number + 1 :]) + "\n"
    for number, line in reversed(list(enumerate(lines))):
        for other in shorter_lines(line):
            yield "\n".join([*lines[:number], other, *lines[number + 1 :]]) + "\n"


def shorter_lines(line: str) -> Iterator[str]:
    """A line with one pair of parentheses replaced by something inside it, or by a plain value."""
    open_: list[int] = []
    for at, mark in enumerate(line):
        if mark == "(":
            open_.append(at)
        elif mark == ")" and open_:
            first = open_.pop()
            inner = line[first + 1 : at]
            parts = [part for part in re.split(" (?:并且|或者|[-+×÷]) |, ", inner) if part != inner]
            parts += re.findall(r"\([^()]*\)", inner)
            for part in ("是", "否", "1 分/月", "0 分/月", *parts):
                if len(part) < at + 1 - first and part.count("(") == part.count(")"):
                    yield line[:first] + part + line[at + 1 :]
