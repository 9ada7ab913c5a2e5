"""dibao-core by hand in C: compiled when it is first wanted, with `gcc -O3`, in a folder that is gone afterwards."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.answers import Answers, columns, room
from benchmarks.register import Register

if shutil.which("gcc") is None:
    raise ImportError("there is no gcc here")


def built() -> ctypes.CDLL:
    source = Path(__file__).with_name("dibao_core.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "dibao_core.so")
        subprocess.run(["gcc", "-O3", "-shared", "-fPIC", "-o", target, source], check=True)
        return ctypes.CDLL(str(target))


CODE = built()
HOUSEHOLD = ("household", "registered_poor", "was_recipient", "months_over_line", "previous_benefit")
PERSON = (
    "household",
    "age",
    "disability_level",
    "seriously_ill",
    "monthly_income",
    "employed",
    "employment_cost",
    "has_supporter",
)


def addresses(*places: Any) -> Any:
    return (ctypes.c_void_p * len(places))(*places)


def value_addresses(table: pa.Table, names: tuple[str, ...]) -> list[Any]:
    return [column.chunk(0).buffers()[-1].address for column in map(table.column, names)]


def texts(column: pa.ChunkedArray) -> Any:
    return addresses(*(buffer.address for buffer in column.chunk(0).buffers()[1:]))


def by_c(register: Register, threads: int = 1) -> Answers:
    """Tables as `register.drawn` makes them: a single chunk each, nothing missing."""
    households, persons = register.households, register.persons
    many, people = len(households), len(persons)
    results = room(many, people)
    places = [one.ctypes.data for one in results]
    of_households = addresses(*value_addresses(households, HOUSEHOLD), *places[:2])
    of_persons = addresses(*value_addresses(persons, PERSON), *places[2:])
    numbers, asked = households["household"], persons["household"]
    whole, length = ctypes.c_int64, (ctypes.c_int64(many), ctypes.c_int64(people))

    if pa.types.is_string(numbers.type) or not register.in_order:
        owner = np.empty(people, dtype=np.int32)
        target = ctypes.c_void_p(owner.ctypes.data)
        if pa.types.is_string(numbers.type):
            CODE.text_owners(texts(numbers), length[0], texts(asked), length[1], target)
        else:
            here, there = (ctypes.c_void_p(one.chunk(0).buffers()[1].address) for one in (numbers, asked))
            CODE.owners(here, length[0], there, length[1], target)
        CODE.scattered(of_households, length[0], of_persons, length[1], target)
        return columns(register, results)

    def part(first: int, last: int) -> None:
        start = int(np.searchsorted(asked.to_numpy(), numbers[first].as_py())) if first else 0
        CODE.sorted(of_households, of_persons, whole(first), whole(last), whole(start), length[1])

    cuts = [many * number // threads for number in range(threads + 1)]
    if threads == 1:
        part(0, many)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, cuts[:-1], cuts[1:]))
    return columns(register, results)
