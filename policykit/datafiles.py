"""Household files → mappings: JSON and YAML with their numbers exact, within limits checked before work is done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from policykit.diagnostics import Diagnostic, Language, PolicyError, data_fault, data_word, shown
from policykit.facts import MAX_DEPTH, MAX_FAULTS, MAX_VALUES
from policykit.source import decode

MAX_FILE_BYTES = 20_000_000

_NESTING = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.S)


def load_file(path: Path, language: Language = "zh", notes: list[Diagnostic] | None = None) -> Any:
    """The household (a mapping), or the list of households, in a JSON or YAML file; what is noted goes to `notes`.

    Raises `PolicyError` for a file that cannot be opened, is too large or too deep, or is not what its name says.
    """
    file = _File(path.name, language)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError:
        raise file.bad("R012", why="unopened") from None
    if len(data) > MAX_FILE_BYTES:
        raise file.bad("L001", limit=f"{MAX_FILE_BYTES // 1_000_000} MB")
    try:
        text, encoding = decode(data)
    except UnicodeDecodeError:
        raise file.bad("L004") from None
    if encoding != "utf-8" and notes is not None:
        notes.append(Diagnostic("L005", file.name, language, ()))
    found = file.yaml(text) if path.suffix.lower() in (".yaml", ".yml") else file.json(text)
    if file.repeated:
        raise PolicyError(file.repeated)
    many = found if isinstance(found, list) else [found]
    if not many or not all(isinstance(one, Mapping) for one in many):
        raise file.bad("R012", why="top")
    return found


def load_line(text: str, place: str, language: Language = "zh") -> Mapping[str, Any]:
    """The household in one line of JSON; raises `PolicyError` as `load_file` does."""
    file = _File(place, language)
    found = file.json(text)
    if file.repeated:
        raise PolicyError(file.repeated)
    if not isinstance(found, Mapping):
        raise file.bad("R012", why="top")
    return found


class _File:
    """Reads one file's text into mappings, lists, exact numbers and strings."""

    def __init__(self, name: str, language: Language) -> None:
        self.name, self.language = name, language
        self.repeated: list[Diagnostic] = []

    def bad(self, code: str, place: str = "", why: str = "", of: str = "", **fields: str) -> PolicyError:
        why = data_word(self.language, why, of) if why else ""
        return PolicyError([data_fault(self.language, code, self.name + place, why=why, **fields)])

    def limits(self, depth: int, values: int, place: str = "") -> None:
        """Refuses what is too deep or too large, before the rest of it is read."""
        if depth > MAX_DEPTH:
            raise self.bad("R015", place, limit=str(MAX_DEPTH))
        if values > MAX_VALUES:
            raise self.bad("L003", path=self.name, count=f"{MAX_VALUES:,}+", limit=f"{MAX_VALUES:,}")

    def mapping(self, pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in pairs:
            if key in found and len(self.repeated) < MAX_FAULTS:
                fields = {"first": shown(key), "second": shown(key)}
                self.repeated.append(data_fault(self.language, "R013", self.name, **fields))
            found[key] = value
        return found

    def json(self, text: str) -> Any:
        depth = opened = 0
        for token in _NESTING.finditer(text):
            step = {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            depth, opened = depth + step, opened + (step > 0)
            self.limits(depth, opened)
        try:
            # NaN and the like become a Decimal too, and are refused where they stand
            hooks: dict[str, Any] = {"parse_float": Decimal, "parse_constant": Decimal}
            return json.loads(text, object_pairs_hook=self.mapping, **hooks)
        except json.JSONDecodeError as error:
            raise self.bad("R012", f":{error.lineno}:{error.colno}", "format", "JSON") from None
        except (ArithmeticError, ValueError):
            raise self.bad("R012", why="inexact") from None

    def yaml(self, text: str) -> Any:
        """Scalars stay as written but for null, true and false: YAML's own guesses would alter numbers and dates."""
        try:
            import yaml
        except ModuleNotFoundError:
            raise self.bad("R012", why="yaml") from None
        words = {"": None, "~": None, "null": None, "true": True, "false": False}
        within: list[list[Any]] = [[]]  # what each open list or mapping holds so far, outermost first
        line = ""
        try:
            for number, event in enumerate(yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))):
                line = f":{event.start_mark.line + 1}" if event.start_mark else line
                if isinstance(event, yaml.AliasEvent):
                    raise self.bad("R012", line, "alias")
                if isinstance(event, yaml.CollectionStartEvent):
                    within.append([])
                self.limits(len(within) - 1, number, line)
                if isinstance(event, yaml.ScalarEvent):
                    within[-1].append(event.value if event.style else words.get(event.value, event.value))
                if isinstance(event, yaml.CollectionEndEvent):
                    found: Any = within.pop()
                    if isinstance(event, yaml.MappingEndEvent):
                        found = self.mapping(zip(found[::2], found[1::2], strict=True))
                    within[-1].append(found)
        except (yaml.YAMLError, ValueError, TypeError) as error:  # TypeError: a list as a key
            mark = getattr(error, "problem_mark", None)
            line = f":{mark.line + 1}" if mark else line
            if "nesting depth" in str(error):  # libyaml looks ahead, and may give up before the first event
                raise self.bad("R015", line, limit=str(MAX_DEPTH)) from None
            raise self.bad("R012", line, "format", "YAML") from None
        return within[0][0] if len(within[0]) == 1 else within[0]
