"""Programs kept between runs: files in the user's own cache folder, named by the hash of everything they came from.

Whatever is wrong with a kept file — cut short, of other code, not ours — it is as if it were not there. It is read as
data: only the classes that programs consist of can come out of it, so that nobody's file can run anything. The
environment variable POLICYKIT_CACHE names another folder, or `off`.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

MOST_KEPT = 16
LARGEST = 64 * 1024 * 1024

#: the modules whose classes a program consists of; of the last two only what is named
OURS = frozenset(
    f"policykit.{name}" for name in ("ir", "values", "datatypes", "source", "syntax", "diagnostics")
)
OTHERS = frozenset(
    {("datetime", "date"), ("fractions", "Fraction"), ("builtins", "frozenset"), ("builtins", "set")}
)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        allowed = (module, name) in OTHERS
        if module in OURS and "." not in name:
            found = getattr(sys.modules.get(module) or __import__(module, fromlist=[name]), name, None)
            allowed = isinstance(found, type) and found.__module__ == module
        if not allowed:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module, name)


def folder() -> Path | None:
    """Where programs are kept; `None` for nowhere."""
    named = os.environ.get("POLICYKIT_CACHE", "")
    if named:
        return None if named == "off" else Path(named)
    try:
        if sys.platform == "win32":
            return (
                Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
                / "policykit"
                / "Cache"
            )
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "policykit"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "policykit"
    except RuntimeError:  # nobody's home
        return None


def key_of(parts: Iterable[str], code: Sequence[str] = ("*.py", "parser/*.py", "grammar.lark")) -> str:
    """The name of what was made of these texts by this code, under this Python."""
    digest = hashlib.sha256(repr((sys.version_info[:3], _edition(code))).encode())
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


def _edition(code: Sequence[str]) -> list[tuple[str, int, int]]:
    """Some files of this package, with sizes and times: another edition of them makes another program."""
    here = Path(__file__).parent
    files = [file for pattern in code for file in here.glob(pattern)]
    return [
        (file.relative_to(here).as_posix(), (told := file.stat()).st_size, told.st_mtime_ns)
        for file in sorted(files)
    ]


def fetch(key: str) -> Any:
    """What was kept under a key; `None` when nothing sound is there."""
    where = folder()
    if where is None:
        return None
    try:
        with open(where / key, "rb") as file:
            told = os.fstat(file.fileno())
            if not _trusted(told) or not _trusted(where.stat()) or told.st_size > LARGEST:
                return None
            data = file.read()
        digest, body = data[:32], data[32:]
        if hashlib.sha256(body).digest() != digest:
            return None
        found = _Reader(io.BytesIO(body)).load()
        os.utime(where / key)  # what is used is not the oldest
        return found
    except Exception:  # a kept file is never worth a complaint: what it held is made anew
        return None


def _trusted(told: os.stat_result) -> bool:
    """Whether nobody else can have written there."""
    if not hasattr(os, "getuid"):
        return True
    return told.st_uid == os.getuid() and not told.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def store(key: str, value: Any) -> None:
    """Keeps something under a key, or does nothing where that cannot be."""
    where = folder()
    if where is None:
        return
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        body = pickle.dumps(value, protocol=5)
        handle, name = tempfile.mkstemp(dir=where, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
            os.replace(name, where / key)
        except BaseException:
            os.unlink(name)
            raise
        kept = sorted((f for f in where.iterdir() if len(f.name) == 64), key=lambda f: f.stat().st_mtime)
        for old in kept[:-MOST_KEPT]:
            old.unlink(missing_ok=True)
    except (OSError, pickle.PicklingError, RecursionError):
        return
