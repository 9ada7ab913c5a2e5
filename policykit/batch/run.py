"""Registers: every household of one evaluated, into tables in memory or into files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from policykit.batch import changes, tables
from policykit.batch.answers import Answering
from policykit.batch.chunks import Bad, Chunk
from policykit.batch.sections import Telling, data
from policykit.batch.summary import Summary
from policykit.batch.tables import Labels
from policykit.batch.writing import Csv, Output, Parquet, Sheets, Workbook, as_json
from policykit.diagnostics import Language
from policykit.loader import Policies
from policykit.result import chosen

#: what may stand beside the output, under its name and one of these
BAD, SUMMARY, FINDINGS, CHANGES = ".bad.csv", ".summary.json", ".findings", ".changes"


@dataclass(frozen=True, slots=True)
class Batch:
    """The answers on a register: one row for each measure and subject, what the rules find, what was set aside.

    `changes` is there where two rule sets were compared.
    """

    decisions: pa.Table
    findings: pa.Table
    bad: tuple[Bad, ...]
    summary: Summary
    changes: pa.Table | None = None


def evaluate_batch(
    register: Mapping[str, Any] | str | Path,
    policies: Policies | None = None,
    *,
    on: date,
    parameters: str | Path | None = None,
    exact: bool = False,
    findings: bool = True,
    by: str = "",
    language: Language = "zh",
) -> Batch:
    """Decides every measure for every household of a register, on one day.

    `register` has a table for each kind of record (`{"household": …, "person": …}`: Arrow tables, or what makes one), or
    is a file. Policies and parameters are those of `evaluate`. Where facts are missing an answer is what the bounds
    level says; `exact` asks further, and takes longer. `findings` also asks what the rules find, list and refer.

    A household that cannot be read is among `bad` and stops nothing. Raises `PolicyError` when the register as a whole
    cannot be read.
    """
    rules = chosen(policies, parameters)
    asking = Answering(rules, on, exact=exact, findings=findings, by=by, language=language)
    summary = Summary(asking.measures)
    decided, found, bad = [tables.DECISIONS.empty_table()], [tables.FINDINGS.empty_table()], []
    for chunk in read(register, rules, language):
        answers = asking.answers(chunk)
        summary.add(answers)
        decided.append(tables.decisions(answers, rules.program))
        found.append(tables.findings(answers))
        bad += answers.bad
    return Batch(pa.concat_tables(decided), pa.concat_tables(found), tuple(bad), summary)
