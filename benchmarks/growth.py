"""The bundled policies whole on registers of growing size: `policykit batch` from Parquet to Parquet, in a process of its own.

What is measured is the whole command: start, reading, deciding every measure for everyone, findings, summary, writing.
The register is drawn from a seed, block by block; see `county`.

    python -m benchmarks.growth [HOUSEHOLDS ...]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import policykit
from benchmarks.county import DAY, county
from benchmarks.record import keep, markdown
from policykit import ir
from policykit.loader import PARAMETERS, bundled

BLOCK = 100_000  # households that are drawn and written at a time
STEP = 10 * BLOCK  # how far the numbers of one block lie from those of the next
SHEET = bundled() / PARAMETERS / "ps1.rules"


def written(program: ir.Program, households: int, folder: Path) -> int:
    """Writes a register into a folder, a file for each table; how many bytes it is."""
    writers: dict[str, pq.ParquetWriter] = {}
    for number, start in enumerate(range(0, households, BLOCK)):
        tables = county(program, min(BLOCK, households - start), seed=number + 1, first=number * STEP)
        for name, table in tables.items():
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema)
            writers[name].write_table(table)
    for writer in writers.values():
        writer.close()
    return sum(file.stat().st_size for file in folder.iterdir())


def run(program: ir.Program, households: int) -> dict[str, Any]:
    """One register through the command: seconds by the clock and by the processor, and the peak of memory."""
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "register"), Path(place, "out.parquet")
        folder.mkdir()
        size = written(program, households, folder)
        command = [
            sys.executable,
            "-c",
            "from policykit.app import main; main()",
            "batch",
            str(folder),
            str(out),
        ]
        command += ["--on", DAY.isoformat(), "--parameters", str(SHEET)]
        start = time.perf_counter()
        with open(os.devnull, "wb") as nothing:
            child = subprocess.Popen(command, stdout=nothing)
            _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise SystemExit(f"policykit batch failed on {households:,} households")
        processor = usage.ru_utime + usage.ru_stime
        return {
            "households": households,
            "seconds": seconds,
            "processor": processor,
            "peak_mib": usage.ru_maxrss / 1024,
            "input_mb": size / 1e6,
            "output_mb": out.stat().st_size / 1e6,
        }


def main(*counts: int) -> int:
    program = policykit.load(bundled(), SHEET).program
    rows = []
    for households in counts or (1_000, 10_000):
        rows.append(run(program, households))
        print(f"{households:,} households: {rows[-1]['seconds']:.1f} s", file=sys.stderr)
    heads = [
        "households",
        "s by the clock",
        "s by processor",
        "µs each",
        "each second",
        "peak, MiB",
        "in, MB",
        "out, MB",
    ]
    print(markdown(heads, [shown(row) for row in rows]))
    keep("growth", rows=rows)
    return 0


def shown(row: dict[str, Any]) -> list[str]:
    households, processor = row["households"], row["processor"]
    figures = [row["seconds"], processor, 1e6 * processor / households, households / processor]
    sizes = [row["peak_mib"], row["input_mb"], row["output_mb"]]
    return [f"{households:,}", *(f"{one:,.1f}" for one in figures), *(f"{one:,.0f}" for one in sizes)]


if __name__ == "__main__":
    sys.exit(main(*(int(one.replace("_", "")) for one in sys.argv[1:])))
