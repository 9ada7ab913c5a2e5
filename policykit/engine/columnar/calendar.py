"""Days and months as whole numbers: a day by its proleptic ordinal, a month as year × 12 + month − 1."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np

from policykit.engine.columnar import tape
from policykit.engine.columnar.frames import Array

FIRST_MONTH, LAST_MONTH = 12, 9999 * 12 + 11


@cache
def first_days() -> Array:
    """The ordinal of the first day of every month, by year × 12 + month − 1; one more at the end."""
    months = np.arange(10000 * 12 + 1) - 1970 * 12
    epoch = date(1970, 1, 1).toordinal()
    return np.asarray(months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + epoch)


@cache
def calendar_days() -> Array:
    """Every day by its ordinal, as year × 10000 + month × 100 + day."""
    starts = first_days()[FIRST_MONTH:]
    months = np.arange(FIRST_MONTH, LAST_MONTH + 1)
    figures = months // 12 * 10000 + (months % 12 + 1) * 100
    days = np.repeat(figures - starts[:-1] + 1, np.diff(starts))
    return np.concatenate([[1231], days + np.arange(1, len(days) + 1)])


@tape.step
def first_day(month: Array) -> Array:
    return np.asarray(first_days()[month])


@tape.step
def last_day(month: Array) -> Array:
    return np.asarray(first_days()[month + 1] - 1)


@tape.step
def full_years(birth: Array, day: Array) -> Array:
    """Full years: the figures of the day less those of the birth, without the last four."""
    days = calendar_days()
    return np.asarray((days[day] - days[birth]) // 10000)


@tape.step
def month_of(day: Array) -> Array:
    figures = calendar_days()[day]
    return np.asarray(figures // 10000 * 12 + figures // 100 % 100 - 1)


@tape.step
def plus_months(month: Array, count: Array) -> Array:
    return np.asarray(np.clip(month + count, FIRST_MONTH, LAST_MONTH))


@tape.step
def date_plus_months(day: Array, count: Array) -> Array:
    """The same day so many months later, or the month's last day."""
    month = plus_months(month_of(day), count)
    firsts = first_days()
    length = firsts[month + 1] - firsts[month]
    return np.asarray(firsts[month] + np.minimum(calendar_days()[day] % 100, length) - 1)


@tape.step
def plus_days(day: Array, count: Array) -> Array:
    return np.asarray(np.clip(day + count, 1, date.max.toordinal()))
