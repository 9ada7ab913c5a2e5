"""Programs kept between runs: the same program comes back, and whatever is wrong with a kept file does no harm."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from policykit import keep, loader
from policykit.datafiles import load_file
from policykit.ir import Name
from policykit.result import evaluate

ROOT = Path(__file__).parent.parent
KEY = "a" * 64


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own for what is kept."""
    where = tmp_path / "kept"
    monkeypatch.setenv("POLICYKIT_CACHE", str(where))
    return where


def test_what_is_kept_comes_back(folder: Path) -> None:
    value = (Name("a", "甲"), {"b": date(2020, 6, 10)}, frozenset({"c"}), Fraction(1, 3), None, True)
    keep.store(KEY, value)
    assert keep.fetch(KEY) == value
    assert [file.name for file in folder.iterdir()] == [KEY]


def test_off_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICYKIT_CACHE", "off")
    keep.store(KEY, 1)
    assert keep.fetch(KEY) is None


def damage(file: Path, how: str) -> None:
    data = file.read_bytes()
    match how:
        case "cut short":
            file.write_bytes(data[: len(data) // 2])
        case "empty":
            file.write_bytes(b"")
        case "one byte changed":
            file.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        case "another file altogether":
            file.write_bytes(b"PK\x03\x04" * 100)
        case "a folder":
            file.unlink()
            file.mkdir()


@pytest.mark.parametrize(
    "how", ["cut short", "empty", "one byte changed", "another file altogether", "a folder"]
)
def test_a_damaged_file_is_as_if_it_were_not_there(folder: Path, how: str) -> None:
    keep.store(KEY, ("some", "thing", 12345))
    damage(folder / KEY, how)
    assert keep.fetch(KEY) is None


class Runs:
    """What a pickle can do to whoever reads it as one."""

    def __reduce__(self) -> Any:
        return os.system, ("echo ran > ran",)


@pytest.mark.parametrize("value", [Runs(), os.getcwd, hashlib.sha256])
def test_a_kept_file_runs_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    keep.store(KEY, value)
    assert (folder / KEY).exists()
    assert keep.fetch(KEY) is None
    assert not (tmp_path / "ran").exists()


def test_a_function_of_our_own_does_not_come_out(folder: Path) -> None:
    body = (
        pickle.dumps(keep.folder)
        .replace(b"policykit.keep", b"policykit.ir\n\n")
        .replace(b"folder", b"shape\n")
    )
    folder.mkdir()
    (folder / KEY).write_bytes(hashlib.sha256(body).digest() + body)
    assert keep.fetch(KEY) is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="only where files have owners")
def test_what_others_can_write_is_not_read(folder: Path) -> None:
    keep.store(KEY, 1)
    (folder / KEY).chmod(0o666)
    assert keep.fetch(KEY) is None


def test_only_so_many_are_kept(folder: Path) -> None:
    for number in range(keep.MOST_KEPT + 5):
        keep.store(f"{number:064d}", number)
        os.utime(folder / f"{number:064d}", (number, number))
    assert len(list(folder.iterdir())) <= keep.MOST_KEPT + 1


def test_a_kept_program_decides_as_the_one_it_was_made_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundled policies with a sheet: made, kept, fetched, and made anew once a text has changed."""
    rules = folder.parent / "policies"
    shutil.copytree(ROOT / "policies", rules, ignore=shutil.ignore_patterns("cases"))
    sheet = rules / "parameters" / "ps1.rules"
    household = load_file(ROOT / "examples" / "c01-whole-household.json")
    made = loader.load(rules, sheet)
    assert len(list(folder.iterdir())) == 1
    with monkeypatch.context() as patched:
        patched.setattr(loader, "compile_all", None)  # nothing is made this time
        fetched = loader.load(rules, sheet)
    wanted, found = (evaluate(household, p, on=date(2020, 6, 10)) for p in (made, fetched))
    assert found.explain() == wanted.explain() and found.stamp == wanted.stamp
    text = rules / "sources" / "dunzheng-2020-48.txt"
    text.write_text(text.read_text(encoding="utf-8").replace("整户", "全户"), encoding="utf-8")
    with pytest.raises(Exception, match="Q"):
        loader.load(rules, sheet)
