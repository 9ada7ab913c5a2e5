"""A small soak in every run; the large one is `make soak-batch`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
if sys.platform == "win32":
    pytest.skip("no limit on the size of files", allow_module_level=True)

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soak


def test_a_register_comes_through_faults_whole(tmp_path: Path) -> None:
    assert soak.soaked(tmp_path, 1_500, kills=1, fulls=1, damages=1) == []


def test_rows_are_compared_as_a_multiset(tmp_path: Path) -> None:
    """In any order and however they are kept; one that is lost, there twice or changed is seen."""
    rows: list[dict[str, object]] = [
        {"a": n % 3, "b": None if n == 4 else str(n), "c": ["x"] * (n % 2)} for n in range(9)
    ]

    def of(some: list[dict[str, object]], coded: bool = False) -> tuple[int, int]:
        table = pa.Table.from_pylist(
            some, schema=pa.schema([("a", pa.int64()), ("b", pa.string()), ("c", pa.list_(pa.string()))])
        )
        if coded:
            table = table.set_column(1, "b", table["b"].dictionary_encode())
        pq.write_table(table, tmp_path / "t.parquet", row_group_size=4)
        return soak.multiset(tmp_path / "t.parquet")

    whole = of(rows)
    assert whole == of(rows[::-1]) == of(rows, coded=True)
    others: list[list[dict[str, object]]] = [
        rows[:-1],
        [*rows, rows[0]],
        [*rows[:-1], rows[0]],
        [{**rows[0], "c": ["y"]}, *rows[1:]],
    ]
    others += [[{**rows[4], "b": "None"} if row is rows[4] else row for row in rows]]
    assert len({whole, *(of(one) for one in others)}) == len(others) + 1


def test_damage_is_mended(tmp_path: Path) -> None:
    soak.written(tmp_path / "register", 200, False)
    file = tmp_path / "register" / "members.parquet"
    before = file.read_bytes()
    kept = soak.damaged(file, np.random.default_rng(1))
    assert file.read_bytes() != before
    soak.mended(file, kept)
    assert file.read_bytes() == before
