"""The gaps that keep rows open, as codes in order: row × 2³² + the number of the gap; `None` for none at all."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from policykit.engine.columnar.frames import Array, Mask

Gaps: TypeAlias = Array | None
ROW = np.int64(32)


def sorted_once(codes: Array) -> Array:
    """Codes in order, each once; runs that are in order already are merged."""
    codes = np.sort(codes, kind="stable")
    if len(codes) < 2:
        return codes
    first = np.empty(len(codes), np.bool_)
    first[0] = True
    np.not_equal(codes[1:], codes[:-1], out=first[1:])
    return codes if first.all() else codes[first]


def union(*parts: Gaps) -> Gaps:
    """Everything that keeps rows open."""
    there = [part for part in parts if part is not None and len(part)]
    if not there:
        return None
    return there[0] if len(there) == 1 else sorted_once(np.concatenate(there))


def gaps_where(missing: Gaps, rows: Mask) -> Gaps:
    """The gaps of some of the rows."""
    if missing is None:
        return None
    if rows.ndim == 0:
        return missing if rows else None
    return np.asarray(missing[rows[missing >> ROW]])


def gaps_at(missing: Gaps, at: Array) -> Gaps:
    """The gaps of the rows that other rows look at."""
    if missing is None:
        return None
    first = np.searchsorted(missing, at << ROW)
    counts = np.searchsorted(missing, (at + 1) << ROW) - first
    rows = np.repeat(np.arange(len(at)), counts)
    offsets = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = missing[np.repeat(first, counts) + offsets]
    return np.asarray((rows << ROW) | (found & 0xFFFFFFFF))


def gaps_of(missing: Gaps, owner: Array) -> Gaps:
    """The gaps of rows as those of their owners."""
    if missing is None:
        return None
    return sorted_once((owner[missing >> ROW] << ROW) | (missing & 0xFFFFFFFF))
