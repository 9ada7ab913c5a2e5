"""A register on a cluster: households brought together by their numbers, each decided on the machine where it then lies.

One shuffle by household; after it no machine asks another. The rules go to every worker once, as they were loaded. Each
worker reads its households as `policykit.evaluate_batch` reads a register, by the same engines, so that an answer hangs
neither on how the input was split nor on how many machines there are.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from policykit.batch import tables
from policykit.batch.answers import Answering
from policykit.batch.chunks import ROW, Chunk
from policykit.batch.headings import Names, plain
from policykit.batch.sources import Register
from policykit.diagnostics import Language, PolicyError, data_fault, data_word
from policykit.loader import Policies
from policykit.result import rules_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PIECE = 16_384  # rows that a worker gathers before it decides the households that are whole in them
_KEY, _TABLE, _AT = "_key", "_table", "_at"

#: one row for each measure and subject, as `evaluate_batch` has them, without the row numbers of a source; a household
#: that cannot be read is one row with its reason
ANSWERS = pa.schema(
    [pa.field(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
     for field in tables.DECISIONS if field.name != "row"] + [pa.field("reason", pa.string())]
)  # fmt: skip


def evaluate(
    register: Mapping[str, DataFrame],
    policies: Policies | None = None,
    *,
    on: date,
    parameters: str | Path | None = None,
    complete: Iterable[str] = (),
    exact: bool = False,
    language: Language = "zh",
) -> DataFrame:
    """Decides every measure for every household of a register of DataFrames, on one day: `{"household": …, "members": …}`.

    Every table has a column with the household's number. Records of one household keep the order in which their
    DataFrame has them. Other arguments are those of `policykit.evaluate_batch`. The answer, of the schema `ANSWERS`, is
    computed when it is asked for. Raises `PolicyError` when a table names no household.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    rules = rules_of(policies, parameters)
    whole = reduce(
        lambda a, b: a.unionByName(b, allowMissingColumns=True), _numbered(register, rules, language)
    )
    names = tuple(register)
    shipped = pickle.dumps((rules, on, tuple(complete), exact, language))

    def decide(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return decided(batches, names, shipped)

    together = whole.repartition(_KEY).sortWithinPartitions(_KEY, _TABLE, _AT)
    return together.mapInArrow(decide, from_arrow_schema(ANSWERS))


def _numbered(register: Mapping[str, DataFrame], rules: Policies, language: Language) -> Iterator[DataFrame]:
    """Each table as three columns that say whose a row is, which table's, and where it stood, and one with the row."""
    from pyspark.sql.functions import col, lit, monotonically_increasing_id, struct

    keys = set(map(plain, Names(rules.program).key_names()))
    for number, (name, frame) in enumerate(register.items()):
        key = next((column for column in frame.columns if plain(column) in keys), None)
        if key is None:
            raise PolicyError([data_fault(language, "R012", name, why=data_word(language, "no_number"))])
        of = col(f"`{key}`").cast("string").alias(_KEY)
        row = struct(*(col(f"`{column}`") for column in frame.columns)).alias(name)
        yield frame.select(of, lit(number).alias(_TABLE), monotonically_increasing_id().alias(_AT), row)


# ---- on a worker -------------------------------------------------------------------------------------------------------


def decided(
    batches: Iterable[pa.RecordBatch], names: tuple[str, ...], shipped: bytes
) -> Iterator[pa.RecordBatch]:
    """The answers on the rows of one partition, which stand together by household."""
    rules, on, complete, exact, language = pickle.loads(shipped)
    asking = Answering(rules, on, exact=exact, findings=False, language=language)
    labels = tables.Labels(rules.program, language)
    for piece in whole_households(batches):
        found = {name: _table(piece, number, name) for number, name in enumerate(names)}
        for chunk in Register(found, rules.program, language, complete=complete).chunks():
            answers = asking.answers(_unnumbered(chunk))
            yield from _rows(tables.decisions(answers, rules.program), None)
            bad = [(one.key, "；".join(map(labels.reason, one.reasons))) for one in answers.bad]
            yield from _rows(
                pa.table({"key": pa.array([key for key, _ in bad], pa.string())}), [why for _, why in bad]
            )


def whole_households(batches: Iterable[pa.RecordBatch], size: int = PIECE) -> Iterator[pa.Table]:
    """The same rows in pieces that split no household."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) < size:
            continue
        rows = pa.Table.from_batches(held).combine_chunks()
        keys = rows[_KEY].combine_chunks()
        last = len(keys) - _same_at_end(keys)
        if last:
            yield rows.slice(0, last)
        held = rows.slice(last).to_batches()
    if held:
        yield pa.Table.from_batches(held)


def _same_at_end(keys: pa.StringArray) -> int:
    """How many keys at the end are the last one."""
    import pyarrow.compute as pc

    others = pc.indices_nonzero(pc.not_equal(pc.fill_null(keys, ""), pc.fill_null(keys, "")[-1]))
    return len(keys) - (others[-1].as_py() + 1 if len(others) else 0)


def _unnumbered(chunk: Chunk) -> Chunk:
    """The same households without the numbers of rows, which count from the start of a piece and mean nothing outside."""
    origins = {path: replace(origin, row=0) for path, origin in chunk.origins.items()}
    tables = {
        path: table.drop_columns([ROW]) if ROW in table.column_names else table
        for path, table in chunk.tables.items()
    }
    bad = tuple(
        replace(one, reasons=tuple(replace(why, where="") for why in one.reasons)) for one in chunk.bad
    )
    return replace(chunk, tables=tables, origins=origins, bad=bad)


def _table(piece: pa.Table, number: int, name: str) -> pa.Table:
    """The rows of one table as it was."""
    import pyarrow.compute as pc

    rows = piece.filter(pc.equal(piece[_TABLE], number))[name].combine_chunks()
    return pa.Table.from_arrays(rows.flatten(), names=[field.name for field in rows.type])


def _rows(answers: pa.Table, reasons: list[str] | None) -> Iterator[pa.RecordBatch]:
    """Answers in the published schema."""
    columns = [
        pa.array(reasons if reasons is not None and field.name == "reason" else [None] * answers.num_rows, field.type)
        if field.name not in answers.column_names
        else answers[field.name].cast(field.type)
        for field in ANSWERS
    ]  # fmt: skip
    yield from pa.Table.from_arrays(columns, schema=ANSWERS).to_batches()
