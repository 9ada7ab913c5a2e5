"""W2: a register of households, Arrow tables in, Arrow tables with amounts and clauses out; dibao-core by several engines.

Every answer is first compared with that of the C loop, on all rows. Then the contenders take turns, round after round;
what is printed is the median of the ratios to C of the same round, in the same process, by processor time and by the
clock, so that other work on the machine falls on all alike. Each table has a process of its own (Polars takes its number
of threads when it is imported), and so has each reading of the peak: the high-water mark above the loaded inputs.

    python -m benchmarks.w2 [HOUSEHOLDS] [ROUNDS]
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.answers import CLAUSES, Answers, Telling, columns, differing
from benchmarks.dibao_core import plain
from benchmarks.record import keep, markdown
from benchmarks.register import Register, drawn, gathered, mappings

Contender = Callable[[Register, int], Telling]
BASE = "C, gcc -O3"
CONTENDERS = {
    BASE: "benchmarks.native:by_c",
    "NumPy in blocks, by hand": "benchmarks.blocked:by_numpy",
    "policykit, columnar engine": "benchmarks.ours:by_engine",
    "policykit.evaluate_batch": "benchmarks.door:by_door",
    "DuckDB": "benchmarks.queries:by_duckdb",
    "Polars": "benchmarks.queries:by_polars",
    "openfisca-core": "benchmarks.microsimulation:by_openfisca",
    "policyengine-core": "benchmarks.microsimulation:by_policyengine",
}
CHECKED = 10_000  # households on which the base is compared with plain Python
MISSING = (0.0, 0.001, 0.1)
SINGLE_THREADED = ("openfisca-core", "policyengine-core")

# what is measured, by its name: how the register is drawn, on how many threads, by whom
FORMS: dict[str, tuple[dict[str, Any], int, Sequence[str]]] = {
    "one thread, persons sorted by integer key": ({}, 1, tuple(CONTENDERS)),
    "two threads, persons sorted by integer key": (
        {},
        2,
        [one for one in CONTENDERS if one not in SINGLE_THREADED],
    ),
    "one thread, persons in no order": ({"shuffled": True}, 1, tuple(CONTENDERS)),
    "one thread, persons sorted, keys are texts": ({"text_keys": True}, 1, tuple(CONTENDERS)),
    "one thread, persons in no order, keys are texts": (
        {"shuffled": True, "text_keys": True},
        1,
        tuple(CONTENDERS),
    ),
}


def contenders(names: Sequence[str]) -> dict[str, Contender]:
    """Those that can run here; the others are named."""
    found: dict[str, Contender] = {}
    for name in names:
        module, _, function = CONTENDERS[name].partition(":")
        try:
            found[name] = getattr(import_module(module), function)
        except ImportError as error:
            print(f"{name} skipped: {error}", file=sys.stderr)
    return found


def measured(run: Mapping[str, Callable[[], Any]], rounds: int) -> list[dict[str, tuple[float, float]]]:
    """Round after round the seconds of each, by processor and by the clock; who takes long is left out of two in three."""
    found: list[dict[str, tuple[float, float]]] = []
    for number in range(rounds):
        took: dict[str, tuple[float, float]] = {}
        for name, decide in run.items():
            if number % 3 and found[0][name][0] > 6 * found[0][next(iter(run))][0]:
                continue
            clock, processor = time.perf_counter(), time.process_time()
            answer = decide()
            took[name] = time.process_time() - processor, time.perf_counter() - clock
            del answer
        found.append(took)
    return found


def ratios(found: Sequence[Mapping[str, tuple[float, float]]], base: str) -> list[dict[str, Any]]:
    """Medians of each, and of its ratios to the base of the same round."""
    rows = []
    for name in found[0]:
        there = [took for took in found if name in took]
        by_processor = sorted(took[name][0] / took[base][0] for took in there)
        rows.append(
            {
                "name": name,
                "ms": 1000 * statistics.median(took[name][0] for took in there),
                "processor": statistics.median(by_processor),
                "quartiles": [by_processor[len(there) // 4], by_processor[-1 - len(there) // 4]],
                "clock": statistics.median(took[name][1] / took[base][1] for took in there),
                "rounds": len(there),
            }
        )
    return rows


def table(form: str, households: int, rounds: int) -> dict[str, Any]:
    """One table, in this process: answers compared on all rows, then the rounds."""
    how, threads, names = FORMS[form]
    register = drawn(households, **how)
    able = contenders(names)
    first = next(iter(able))
    wanted = able[first](register, threads).answers()
    wrong = {name: differing(wanted, decide(register, threads).answers()) for name, decide in able.items()}
    del wanted
    gc.collect()
    gc.freeze()
    found = measured({name: partial(decide, register, threads) for name, decide in able.items()}, rounds)
    rows = [row | {"differing": wrong[row["name"]]} for row in ratios(found, first)]
    return {"persons": len(register.persons), "input_mb": register.bytes / 1e6, "rows": rows}


def by_hand(register: Register) -> Answers:
    """Plain Python, household by household; persons stand in order."""
    found: list[list[Any]] = [[] for _ in range(6)]
    for household in mappings(register, gathered(register)[1]):
        told = plain(household)
        one = [told["benefit"], told["clause"] or "none"]
        for column, value in zip(found, one, strict=False):
            column.append(value)
        for person in told["persons"]:
            tekun = person["tekun"]
            own = [person["benefit"], person["clause"] or "none", 65_000 if tekun else 0, tekun or "none"]
            for column, value in zip(found[2:], own, strict=True):
                column.append(value)
    codes = {name: number for number, name in enumerate(CLAUSES)}
    columns_ = [
        np.array([codes[value] for value in column], np.int8) if number % 2 else np.array(column, np.int64)
        for number, column in enumerate(found)
    ]
    return columns(register, columns_)


def base(households: int) -> int:
    """On how many rows the base says something else than plain Python."""
    register = drawn(households, 3)
    decide = next(iter(contenders(list(CONTENDERS)).values()))
    return differing(by_hand(register), decide(register, 1).answers())


def peak(name: str, households: int, threads: int = 1) -> float | None:
    """MiB above the loaded inputs at the worst moment of one run, after a small one that loads what is needed."""
    high = Path("/proc/self/clear_refs")
    if not high.exists():
        return None  # only Linux sets the mark back
    register = drawn(households)
    decide = contenders([name])[name]
    decide(drawn(1_000), threads)
    gc.collect()
    import_module("pyarrow").default_memory_pool().release_unused()
    high.write_text("5")
    before = memory("VmRSS")
    answer = decide(register, threads)
    found = memory("VmHWM") - before
    del answer
    return found / 1024


def gaps(households: int, rounds: int) -> list[dict[str, Any]]:
    """The bounds level of the columnar engine, facts drawn one by one to be missing; against none missing."""
    try:
        ours = import_module("benchmarks.ours")
    except ImportError as error:
        print(f"gaps skipped: {error}", file=sys.stderr)
        return []
    registers = {share: drawn(households, missing=share) for share in MISSING}
    wrong = {share: ours.told_apart(drawn(1_000, 2, missing=share)) for share in MISSING}
    run = {
        f"{f'{share:.1%} of facts' if share else 'none'} missing{told}": partial(ours.bounds, register, waits)
        for waits, told in ((False, ""), (True, ", what each answer waits for told"))
        for share, register in registers.items()
    }
    for decide in run.values():
        decide()
    gc.collect()
    gc.freeze()
    rows = ratios(measured(run, rounds), next(iter(run)))
    return [row | {"differing": one} for row, one in zip(rows, [*wrong.values()] * 2, strict=True)]


def memory(kind: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind))


def apart(job: str, *arguments: Any, threads: int = 1) -> Any:
    """Runs one job of this module in a fresh process."""
    run = [sys.executable, "-m", "benchmarks.w2", "--job", job, *map(str, arguments)]
    environment = os.environ | {"POLARS_MAX_THREADS": str(threads)}
    told = subprocess.run(run, check=True, stdout=subprocess.PIPE, env=environment, text=True)
    return json.loads(told.stdout)


JOBS: dict[str, Callable[..., Any]] = {"base": base, "table": table, "peak": peak, "gaps": gaps}


def main(households: int = 1_000_000, rounds: int = 9) -> int:
    peaks = {name: apart("peak", name, households) for name in contenders(list(CONTENDERS))}
    result = room_of(households)
    wrong = apart("base", CHECKED)
    print(f"the base compared with plain Python on {CHECKED:,} households: {wrong} rows differ")
    tables = {}
    for form, (_, threads, _) in FORMS.items():
        found = tables[form] = apart("table", form, households, rounds, threads=threads)
        if form == next(iter(FORMS)):
            print(
                f"W2: {households:,} households, {found['persons']:,} persons, {found['input_mb']:.0f} MB of input; "
                f"every answer is {result:.0f} MiB. Medians of {rounds} rounds, × {found['rows'][0]['name']}"
            )
        wrong += sum(row["differing"] for row in found["rows"])
        print(f"\n{form}\n\n{shown(found['rows'], peaks if form == next(iter(FORMS)) else {})}", flush=True)
    missing = apart("gaps", households, rounds)
    if missing:
        wrong += sum(row["differing"] for row in missing)
        print(
            f"\nbounds, × none missing; differing from the interpreter on 1,000 households\n\n{shown(missing, {})}"
        )
    keep("w2", households=households, tables=tables, missing=missing, peaks=peaks, result_mib=result)
    return 1 if wrong else 0


def shown(rows: Sequence[Mapping[str, Any]], peaks: Mapping[str, float | None]) -> str:
    heads = ["contender", "ms", "× by processor", "quartiles", "× by clock", "differing"]
    lines = []
    for row in rows:
        low, high = row["quartiles"]
        line = [row["name"], f"{row['ms']:.0f}", f"{row['processor']:.2f}", f"{low:.2f}–{high:.2f}"]
        lines.append([*line, f"{row['clock']:.2f}", str(row["differing"])])
        if peaks:
            high_water = peaks[row["name"]]
            lines[-1].append("" if high_water is None else f"{high_water:.0f}")
    return markdown(heads + ["peak, MiB"] * bool(peaks), lines)


def room_of(households: int) -> float:
    """MiB of the answer itself: amounts of 64 bits and clauses of 8 in every table; keys are the inputs'."""
    people = 3.18 * households
    return (households * 9 + people * 18) / 2**20


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job, *arguments = sys.argv[2:]
        print(json.dumps(JOBS[job](*(int(one) if one.isdigit() else one for one in arguments))))
    else:
        sys.exit(main(*map(int, sys.argv[1:3])))
