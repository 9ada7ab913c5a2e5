"""The engine on a cluster, in local mode: the code comes from the built wheel, households lie across partitions.

Skipped where pyspark or Java is not installed. `POLICYKIT_SPARK=100000` compares so many households.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import policykit
from benchmarks.dibao_core import RULES, households
from policykit.batch.run import evaluate_batch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).parent.parent
DAY = date(2020, 6, 10)
HOUSEHOLDS = int(os.environ.get("POLICYKIT_SPARK", "400"))
LIBRARIES = (
    "lark", "pydantic", "pydantic_core", "annotated_types", "typing_extensions.py", "typing_inspection",
    "numpy", "numpy.libs", "pyarrow", "pyarrow.libs", "pandas", "pandas.libs", "dateutil", "six.py",
)  # fmt: skip


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session whose workers know policykit from the wheel alone."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: pip install 'policykit[spark]'")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    build = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    venv.create(folder / "env", with_pip=False)
    worker = folder / "env" / "bin" / "python"
    where = [str(worker), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip())
    for name in LIBRARIES:
        if (found := Path(sysconfig.get_path("purelib")) / name).exists():
            (site / name).symlink_to(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", str(worker))
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.delenv("PYTHONPATH", raising=False)
        settings = {
            "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "5", "spark.sql.adaptive.enabled": "false",
            "spark.sql.execution.arrow.maxRecordsPerBatch": "500", "spark.driver.memory": "2g",
        }  # fmt: skip
        builder = SparkSession.builder.master("local[2]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.addPyFile(str(next(folder.glob("*.whl"))))
        yield session
        session.stop()


def register(count: int) -> dict[str, pa.Table]:
    """Two tables of drawn households; of one in seven a fact is left out."""
    homes: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for number, one in enumerate(households(count)):
        homes.append({"户编号": number, **{name: of for name, of in one.items() if name != "members"}})
        people += [{"户编号": number, **member} for member in one["members"]]
        if number % 7 == 3:
            people[-1]["age" if number % 2 else "monthly_income"] = None
    return {"household": pa.Table.from_pylist(homes), "members": pa.Table.from_pylist(people)}


def rows(answers: pa.Table) -> list[str]:
    return sorted(map(str, answers.to_pylist()))


def test_the_cluster_says_what_one_machine_says(spark: SparkSession) -> None:
    from policykit.engine.spark import evaluate

    policies = policykit.load(RULES)
    tables = register(HOUSEHOLDS)
    here = evaluate_batch(tables, policies, on=DAY, complete=["members"], findings=False)
    frames = {name: spark.createDataFrame(table) for name, table in tables.items()}
    spread = {name: frame.rdd.getNumPartitions() for name, frame in frames.items()}
    assert min(spread.values()) > 1, "households and members lie across several partitions"
    there = evaluate(frames, policies, on=DAY, complete=["members"]).toArrow()
    assert not here.bad and there["reason"].null_count == there.num_rows
    assert len(here.decisions) > HOUSEHOLDS
    assert rows(there.drop_columns(["reason"])) == rows(here.decisions.drop_columns(["row"]))


def test_what_cannot_be_read_is_a_row_with_its_reason(spark: SparkSession) -> None:
    from policykit.engine.spark import evaluate

    tables = register(20)
    ages = [200 if number == 0 else age for number, age in enumerate(tables["members"]["age"].to_pylist())]
    at = tables["members"].column_names.index("age")
    tables["members"] = tables["members"].set_column(at, "age", pa.array(ages))
    frames = {name: spark.createDataFrame(table) for name, table in tables.items()}
    found = evaluate(frames, policykit.load(RULES), on=DAY, complete=["members"]).toArrow().to_pylist()
    (bad,) = [row for row in found if row["reason"]]
    assert bad["key"] == "0" and bad["reason"].startswith("members「age」：`200 周岁` 超出范围")
    assert {row["key"] for row in found} == {str(number) for number in range(20)}


def test_a_table_without_household_numbers_is_refused(spark: SparkSession) -> None:
    from policykit.engine.spark import evaluate

    frame = spark.createDataFrame(register(2)["members"].drop_columns(["户编号"]))
    with pytest.raises(policykit.PolicyError, match="members"):
        evaluate({"members": frame}, policykit.load(RULES), on=DAY)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_pieces_split_no_household(size: int) -> None:
    pytest.importorskip("pyspark")
    from policykit.engine.spark import whole_households

    keys = ["a", "a", "b", "c", "c", "c", "d", "e", "e"]
    rows = pa.table({"_key": keys, "at": list(range(len(keys)))})
    pieces = list(whole_households(rows.to_batches(max_chunksize=2), size))
    assert [at for piece in pieces for at in piece["at"].to_pylist()] == list(range(len(keys)))
    seen = [set(piece["_key"].to_pylist()) for piece in pieces]
    assert all(not one & other for one, other in pairwise(seen))
