"""`policykit batch` under faults: a disk that fills, a run that is killed, a register that is damaged.

A drawn register of dibao-core is put through the command in processes of its own: `python tests/soak.py 100000`. First
undisturbed, then with one fault after another. After each of them nothing half-written may stand under the name of the
output, and a run that ends by itself says what is the matter and what to do; then the same command is run again, and its
rows must be those of the undisturbed run, nothing lost and nothing twice. Rows are compared as a multiset, by the sum of
128-bit hashes, read in pieces, so that any number of households can be compared.

Faults are drawn from a seed. Every run is told with its seconds and its peak of memory; the exit code is 1 when anything
is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.register import drawn  # noqa: E402

Codes: TypeAlias = NDArray[np.uint64]  # two halves of a hash for each cell or row

RULES = ROOT / "benchmarks" / "dibao-core.rules"
BLOCK = 100_000  # households that are drawn and written at a time
APART = 1_000_000  # how far the numbers of one block lie from those of the next
BEFORE = b"what an earlier run wrote\n"
FULL, DAMAGED = ("磁盘满了，没有写出结果", "临时文件夹写不下，须腾出空间"), ("文件损坏",)


# ---- the register ------------------------------------------------------------------------------------------------------


def written(folder: Path, households: int, shuffled: bool) -> None:
    """Draws a register into a folder. `shuffled`: persons and blocks of households stand in no order."""
    folder.mkdir()
    writers: dict[str, pq.ParquetWriter] = {}
    draw = np.random.default_rng(48)
    blocks = list(enumerate(range(0, households, BLOCK)))
    for number, start in [blocks[one] for one in draw.permutation(len(blocks))] if shuffled else blocks:
        register = drawn(min(BLOCK, households - start), seed=number + 1, shuffled=shuffled)
        tables = {
            "household": register.households.rename_columns({"household": "household_id"}),
            "members": register.persons.rename_columns({"household": "household_id", "person": "person_id"}),
        }
        for name, table in tables.items():
            for column in ("household_id", "person_id"):
                if column in table.column_names:
                    at = table.column_names.index(column)
                    table = table.set_column(at, column, pc.add(table[column], number * APART))
            if name not in writers:
                # with the sums by which a reader tells that a page is damaged
                writers[name] = pq.ParquetWriter(
                    folder / f"{name}.parquet", table.schema, write_page_checksum=True
                )
            writers[name].write_table(table)
    for writer in writers.values():
        writer.close()


def damaged(file: Path, draw: np.random.Generator) -> bytes:
    """Overwrites some bytes within a row group; what they were."""
    data = pq.ParquetFile(file).metadata
    group = data.row_group(int(draw.integers(data.num_row_groups)))
    column = group.column(
        int(draw.integers(1, group.num_columns))
    )  # not the first: its numbers are read alone before
    start, size = column.data_page_offset, column.total_compressed_size
    at = start + size // 2
    with file.open("r+b") as stream:
        stream.seek(at)
        kept = stream.read(64)
        stream.seek(at)
        stream.write(bytes(255 - one for one in kept))
    return bytes(at.to_bytes(8, "big") + kept)


def mended(file: Path, kept: bytes) -> None:
    with file.open("r+b") as stream:
        stream.seek(int.from_bytes(kept[:8], "big"))
        stream.write(kept[8:])


# ---- rows as a multiset ------------------------------------------------------------------------------------------------


def multiset(file: Path, column: str = "", **only: str) -> tuple[int, int]:
    """How many rows a table has, and the sum of their hashes; of one column as text, of the rows that say `only` that."""
    rows, sums = 0, np.zeros(2, np.uint64)
    columns = [column, *only] if column else None
    for batch in pq.ParquetFile(file).iter_batches(1 << 16, columns=columns):
        for name, value in only.items():
            batch = batch.filter(pc.equal(batch[name], value))
        if column:
            batch = pa.record_batch([batch[column].cast(pa.string())], [column])
        found = np.zeros((batch.num_rows, 2), np.uint64)
        for cells in batch.columns:
            found = _mixed(found ^ _hashes(cells))
        rows += batch.num_rows
        sums += found.sum(axis=0, dtype=np.uint64)
    return rows, int(sums[0]) << 64 | int(sums[1])


def _mixed(codes: Codes) -> Codes:
    """Each code as another one, each bit of which hangs on all of its bits; the two halves by different ways."""
    codes = (codes + np.array([0x9E3779B97F4A7C15, 0xD1B54A32D192ED03], np.uint64)).astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        codes = (codes ^ (codes >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(codes ^ (codes >> np.uint64(31)))


def _hashes(column: pa.Array) -> Codes:
    """A hash of each cell, by what is in it and not by how it is kept."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_list(column.type):
        parts = column.flatten()
        if pa.types.is_struct(parts.type):
            fields = [pc.fill_null(one, "") for one in parts.flatten()]
            parts = pc.binary_join_element_wise(*fields, "\x1e")
        ends = np.concatenate([[0], np.cumsum(pc.fill_null(pc.list_value_length(column), 0).to_numpy())])
        column = pc.binary_join(pa.ListArray.from_arrays(pa.array(ends, pa.int32()), parts), "\x1f")
    coded = column.dictionary_encode()
    known = [
        blake2b(repr(one).encode(), digest_size=16).digest() for one in [*coded.dictionary.to_pylist(), None]
    ]
    numbers = np.frombuffer(b"".join(known), np.uint64).reshape(-1, 2)
    return np.asarray(numbers[pc.fill_null(coded.indices, len(known) - 1).to_numpy()])


# ---- runs --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit code (below 0: the signal), what it said, how long it took and its peak of memory."""

    code: int
    said: str
    seconds: float
    mib: int


class Trial:
    """One register through the command, again and again, into one output."""

    def __init__(self, place: Path, households: int, shuffled: bool, told: Callable[[str], None]) -> None:
        self.register, self.out, self.households = (
            place / "register",
            place / "out" / "out.parquet",
            households,
        )
        self.scratch, self.told = place / "scratch", told
        self.out.parent.mkdir()
        self.scratch.mkdir()
        written(self.register, households, shuffled)
        self.faults: list[str] = []
        self.wanted: Any = None
        self.seconds = 0.0

    def run(self, limit: int = 0, patience: float = 0.0) -> Ended:
        """Runs the command; `limit` are the bytes that a file may have, after `patience` seconds it is killed."""
        command = [sys.executable, "-c", "from policykit.app import main; main()", "batch"]
        command += [str(self.register), str(self.out), "--on", "2020-06-10", "--policies", str(RULES)]

        def limited() -> None:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        start = time.monotonic()
        with tempfile.TemporaryFile(dir=self.scratch) as said:
            child = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said, preexec_fn=limited,
                env={**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT), "TMPDIR": str(self.scratch),
                     "POLICYKIT_CACHE": str(self.register.parent / "cache")},
            )  # fmt: skip
            while patience and child.poll() is None and time.monotonic() - start < patience:
                time.sleep(0.01)
            if patience and child.poll() is None:
                child.send_signal(signal.SIGKILL)
            if child.returncode is None:
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode, peak = os.waitstatus_to_exitcode(status), usage.ru_maxrss
            else:
                peak = 0
            seconds = time.monotonic() - start
            said.seek(0)
            text = said.read().decode("utf-8", "replace").strip()
        for left in self.scratch.iterdir():  # a killed run cannot clear what it sorted
            subprocess.run(["rm", "-rf", str(left)], check=True)
        return Ended(child.returncode, text, seconds, peak // 1024)

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.faults.append(what)
            self.told(f"  WRONG: {what}")

    def content(self) -> Any:
        """The rows of all that a run writes, and its summary."""
        files = sorted(self.out.parent.glob("*.parquet"))
        summary = (self.out.parent / (self.out.name + ".summary.json")).read_bytes()
        return {file.name: multiset(file) for file in files}, blake2b(summary).hexdigest()

    def undisturbed(self) -> None:
        """The run that others are held against: everybody is in it, each once."""
        ended = self.run()
        self.told(f"undisturbed: {ended.seconds:.1f} s, {ended.mib} MiB")
        self.check(ended.code == 0, f"the undisturbed run ended with {ended.code}: {ended.said}")
        self.wanted, self.seconds = self.content(), ended.seconds
        counted = json.loads((self.out.parent / (self.out.name + ".summary.json")).read_text("utf-8"))
        self.check(
            counted["households"] == self.households, f"the summary counts {counted['households']} households"
        )
        for table, column, answers in (
            ("household", "household_id", multiset(self.out, "key", measure="dibao", subject="household")),
            ("members", "person_id", multiset(self.out, "id", measure="tekun")),
        ):
            given = multiset(self.register / f"{table}.parquet", column)
            told = f"of {given[0]:,} rows of {table} {answers[0]:,} are answered, or not the same"
            self.check(given == answers, told)
        self.told(
            f"  {self.wanted[0][self.out.name][0]:,} rows; every household and every person is answered once"
        )

    def disturbed(self, name: str, ended: Ended, code: int, says: Sequence[str]) -> None:
        """Whether a fault did what it should and no more."""
        self.told(
            f"{name}: ended with {ended.code} after {ended.seconds:.1f} s{': ' + ended.said if ended.said else ''}"
        )
        if ended.code == 0:
            self.told("  it had ended before the fault")
            self.check(self.content() == self.wanted, f"{name}: the rows of the run that ended differ")
            return
        self.check(ended.code == code, f"{name}: ended with {ended.code}, not {code}")
        self.check(any(text in ended.said for text in says), f"{name}: none of {says} is said")
        self.check("Traceback" not in ended.said, f"{name}: the program broke")
        self.check(self.out.read_bytes() == BEFORE, f"{name}: the output is not as it was before")
        left = [one.name for one in self.out.parent.iterdir() if one.name.startswith(".")]
        self.check(code < 0 or not left, f"{name}: {left} is left behind")

    def again(self, name: str) -> None:
        """The same command once more, without a fault."""
        ended = self.run()
        self.check(ended.code == 0, f"after {name}: the rerun ended with {ended.code}: {ended.said}")
        same = ended.code == 0 and self.content() == self.wanted
        self.check(same, f"after {name}: the rows differ from those of the undisturbed run")
        left = [one.name for one in self.out.parent.iterdir() if one.name.startswith(".")]
        self.check(not left, f"after {name}: {left} is left behind")
        if same:
            self.seconds = min(self.seconds, ended.seconds)
            self.told(f"  run again: {ended.seconds:.1f} s, {ended.mib} MiB, the same rows")

    def prepare(self) -> None:
        """An output of an earlier run, and nothing else."""
        for file in self.out.parent.iterdir():
            if file.is_file():
                file.unlink()
        self.out.write_bytes(BEFORE)

    def faulty(self, kills: int, fulls: int, damages: int, draw: np.random.Generator) -> None:
        size = self.out.stat().st_size
        for share in _spread(draw, fulls):
            self.prepare()
            limit = max(4096, int(size * share))
            name = f"disk full at {limit:,} bytes"
            self.disturbed(name, self.run(limit=limit), 2, FULL)
            self.again(name)
        for share in _spread(draw, kills):
            self.prepare()
            name = f"killed at {share:.0%} of the time"
            self.disturbed(name, self.run(patience=share * self.seconds), -signal.SIGKILL, [""])
            self.again(name)
        for _ in range(damages):
            self.prepare()
            kept = damaged(self.register / "members.parquet", draw)
            name = f"damaged at byte {int.from_bytes(kept[:8], 'big'):,} of the members"
            self.disturbed(name, self.run(), 2, DAMAGED)
            mended(self.register / "members.parquet", kept)
            self.again(name)


def _spread(draw: np.random.Generator, count: int) -> Iterator[float]:
    """So many shares of a whole, one drawn from each part of it."""
    for part in range(count):
        yield (part + float(draw.random())) / count


def soaked(
    place: Path, households: int, *, seed: int = 48, kills: int = 10, fulls: int = 3, damages: int = 2,
    shuffled: bool = False, told: Callable[[str], None] = print,
) -> list[str]:  # fmt: skip
    """What is not as it should be."""
    told(f"{households:,} households, seed {seed}{', in no order' if shuffled else ''}")
    trial = Trial(place, households, shuffled, told)
    trial.undisturbed()
    if not trial.faults:
        trial.faulty(kills, fulls, damages, np.random.default_rng(seed))
    told(f"{len(trial.faults)} wrong")
    return trial.faults


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("households", type=lambda text: int(text.replace("_", "")))
    parser.add_argument("--seed", type=int, default=48)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument(
        "--shuffled", action="store_true", help="rows in no order, which are sorted on disk first"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="policykit-soak-") as place:
        faults = soaked(Path(place), asked.households, seed=asked.seed, kills=asked.kills, shuffled=asked.shuffled,
                        told=lambda text: print(text, flush=True))  # fmt: skip
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
