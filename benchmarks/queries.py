"""dibao-core as SQL for DuckDB and as expressions for Polars; both carry the keys along, as they promise no order."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Any

from benchmarks.answers import HOUSEHOLD, PERSON, Answers, table
from benchmarks.register import Register

COUNTABLE = "case when employed then greatest(monthly_income - least(employment_cost, 300), 0) else monthly_income end"

HOUSEHOLDS = f"""
with sums as (
    select household, sum({COUNTABLE})::bigint as total, count(*) as size from persons group by household
), decided as (
    select *, case when total < 500 * size then 1 when was_recipient and months_over_line <= 12 then 2 else 0 end as code
    from households join sums using (household)
)
select household, registered_poor,
    case code when 1 then (500 - total // size) * size * 100 when 2 then previous_benefit * 100 else 0 end as fen,
    code::tinyint as clause
from decided
"""

PERSONS = f"""
with facts as (
    select *, {COUNTABLE} as countable, registered_poor and clause = 0 as poor
    from persons join answered using (household)
), decided as (
    select *,
        poor and (disability_level in (1, 2) or seriously_ill) and countable < 500 as single,
        (age >= 60 or age < 16 or disability_level = 1) and monthly_income = 0 and not has_supporter as tekun
    from facts
)
select person,
    case when single then (500 - countable) * 100 else 0 end as fen, (case when single then 3 else 0 end)::tinyint as clause,
    case when tekun then 65000 else 0 end::bigint as tekun_fen, (case when tekun then 4 else 0 end)::tinyint as tekun_clause
from decided
"""


@cache
def connection() -> Any:
    return import_module("duckdb").connect()


def by_duckdb(register: Register, threads: int = 1) -> Answers:
    """Two statements: the second reads the answer of the first."""
    database = connection()
    database.execute(f"set threads to {threads}")
    database.register("households", register.households)
    database.register("persons", register.persons)
    answered = database.sql(HOUSEHOLDS).to_arrow_table()
    database.register("answered", answered)
    return result(answered, database.sql(PERSONS).to_arrow_table())


def by_polars(register: Register, threads: int = 1) -> Answers:
    """Lazy expressions; Polars takes its number of threads from the environment when it is imported."""
    pl = import_module("polars")
    assert pl.thread_pool_size() == threads, f"POLARS_MAX_THREADS={os.environ.get('POLARS_MAX_THREADS')}"
    col, when = pl.col, pl.when
    deducted = (col("monthly_income") - col("employment_cost").clip(upper_bound=300)).clip(lower_bound=0)
    countable = when(col("employed")).then(deducted).otherwise(col("monthly_income")).alias("countable")
    persons = pl.from_arrow(register.persons).lazy().with_columns(countable)
    households = pl.from_arrow(register.households).lazy()
    code = (
        when(col("total") < 500 * col("size"))
        .then(1)
        .when(col("was_recipient") & (col("months_over_line") <= 12))
        .then(2)
        .otherwise(0)
    )
    below = (500 - col("total") // col("size")) * col("size") * 100
    fen = (
        when(col("clause") == 1)
        .then(below)
        .when(col("clause") == 2)
        .then(col("previous_benefit") * 100)
        .otherwise(0)
    )
    sums = persons.group_by("household").agg(total=col("countable").sum(), size=pl.len().cast(pl.Int64))
    answered = (
        households.join(sums, on="household")
        .with_columns(clause=code.cast(pl.Int8))
        .select("household", "registered_poor", "clause", fen=fen)
        .collect()
    )
    single = (
        col("registered_poor")
        & (col("clause") == 0)
        & (col("disability_level").is_between(1, 2) | col("seriously_ill"))
        & (col("countable") < 500)
    )
    tekun = (
        ((col("age") >= 60) | (col("age") < 16) | (col("disability_level") == 1))
        & (col("monthly_income") == 0)
        & ~col("has_supporter")
    )
    told = (
        persons.join(answered.lazy().select("household", "registered_poor", "clause"), on="household")
        .with_columns(single=single, tekun=tekun)
        .select(
            "person",
            fen=when("single").then((500 - col("countable")) * 100).otherwise(0),
            clause=when("single").then(3).otherwise(0).cast(pl.Int8),
            tekun_fen=when("tekun").then(65_000).otherwise(0).cast(pl.Int64),
            tekun_clause=when("tekun").then(4).otherwise(0).cast(pl.Int8),
        )
        .collect()
    )
    return result(answered.to_arrow(), told.to_arrow())


def result(households: Any, persons: Any) -> Answers:
    def named(key: str, found: Any, names: tuple[str, ...]) -> Any:
        return table(key, found[key], names, [found[name].combine_chunks() for name in names])

    return Answers(named("household", households, HOUSEHOLD), named("person", persons, PERSON))
