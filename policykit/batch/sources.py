"""A register → its tables with their headings understood, and then chunk by chunk of whole households.

A register is a mapping of table names to Arrow tables or files, a folder, or one file: Parquet, CSV, JSON Lines, a
workbook. Whatever is in it and not read is told, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from policykit import ir
from policykit.batch.chunks import KEY, ROW, Bad, Chunk, Origin, at, entity_at
from policykit.batch.files import LINES, Raw, Told, Unread, Wanted, extra, tables_of, unreadable
from policykit.batch.headings import ABOVE, IGNORED, ROOT, Headed, Heading, Names, found_in
from policykit.batch.sheets import Piece, Sheet
from policykit.datafiles import load_line
from policykit.datatypes import show_dimension
from policykit.diagnostics import Diagnostic, Language, PolicyError, data_fault, did_you_mean
from policykit.facts import ID_KEYS
from policykit.source import decode

CHUNK = 16_384  #: households that are looked at together
MEMORY = 150_000_000  #: bytes of rows up to which a register is held in memory and keeps its order
_COMPLETE = re.compile(r"(?:^|[（(、，,])(?:已|均已|全部)?核对完成(?:$|[）)。])", re.M)  # not 尚未核对完成
#: how a row says whose it is, if the rules do not know such a fact
_WHOSE = re.compile(
    r"(?:本人|成员|受益人|领取人|享受人|保障对象|救助对象)?(?:姓名|身份证号?码?|公民身份号码|证件号码?)|受益人|领取人"
)
_LEAST = 2  # headings that a table must share with the rules, where its name says nothing
_LONGEST = 20_000_000  # bytes of one household in a line


class Register:
    """The households of a register under some rules.

    `notes` says what is not read, and what is read otherwise than it is written; it is whole once all chunks were read.
    `households` is about how many there are, where that is known before they are read.
    """

    def __init__(
        self,
        data: Any,
        program: ir.Program,
        language: Language = "zh",
        *,
        complete: Iterable[str] = (),
        memory: int = MEMORY,
    ) -> None:
        """Opens a register; `complete` names the lists of which it has every record there is, so that whoever has
        none there has none. Raises `PolicyError` where nothing can be read from it."""
        self.program, self.language, self.memory = program, language, memory
        self.names = Names(program)
        self.notes: list[Diagnostic] = []
        self.sheets: list[Sheet] = []
        self.lines: list[Path] = []
        complete = list(complete)
        self.complete = {path for name in complete for path in self.names.tables(name)[0] or [name]}
        self.households: int | None = None
        if not isinstance(data, str | Path | Mapping):
            raise unreadable(type(data).__name__, language, "no_register")
        self._known_lists(complete)
        self.place = data if isinstance(data, str) else data.name if isinstance(data, Path) else ""
        try:
            for library in ("numpy", "pyarrow"):
                import_module(library)

            self._open(data)
            self.opening = tuple(self.notes)
        except ModuleNotFoundError as error:
            if error.name not in ("numpy", "pyarrow", "duckdb", "python_calamine"):
                raise
            raise extra(self.place, language) from None

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """All households, in chunks of so many."""
        if self.lines:
            yield from _nested(self.lines, size, self.names.key_label(self.language), self.language)
            return
        from policykit.batch import linking, streaming, tidying

        told, first, what = Told(), 0, self.names.key_label(self.language)
        fits = sum(sheet.raw.size for sheet in self.sheets) <= self.memory
        if fits:
            found = [(sheet, tidying.whole(sheet, told, what, self.language)) for sheet in self.sheets]
            pieces: Iterator[Piece] = iter([found])
        else:
            pieces = streaming.pieces(self.sheets, self.names, told, size, self.place, self.language)
        for piece in pieces:
            linked = linking.link(piece, self.names, told, self.language)
            if fits:
                self.households = len(linked.keys)
            yield from linked.chunks(first, size)
            first += len(linked.keys)
        rest = linking.nobody(first, told)
        self.notes = [*self.opening, *told.notes]
        if rest.bad:
            yield rest

    # -- opening

    def _known_lists(self, complete: Iterable[str]) -> None:
        """Refuses lists that the rules do not have, which would else be taken for incomplete without a word."""
        known = [self.names.table_names(path)[self.language == "en"] for path in self.names.paths() if path]
        names = self._listed(dict.fromkeys(known))
        unknown = [
            name for name in complete if not (self.names.tables(name)[0] or name in self.names.paths())
        ]
        if unknown:
            raise PolicyError(
                [
                    data_fault(
                        self.language,
                        "S022",
                        "--complete",
                        name=name,
                        names=names,
                        hint=did_you_mean(name, known, self.language),
                    )
                    for name in unknown
                ]
            )

    def _open(self, data: Any) -> None:
        path = Path(data) if isinstance(data, str | Path) else None
        if path is not None and path.is_dir():
            self.lines = sorted(one for one in path.iterdir() if one.suffix.lower() in LINES)
        elif path is not None and path.suffix.lower() in LINES:
            self.lines = [path]
        if self.lines:
            beside = path.iterdir() if path and path.is_dir() else ()
            self.notes += [
                Unread(one.name, "beside_lines").told(self.language)
                for one in sorted(beside)
                if one not in self.lines and not one.name.startswith((".", "~", "_"))
            ]
            return
        for raw in tables_of(data, self.language):
            if isinstance(raw, Unread):
                self.notes.append(raw.told(self.language))
            else:
                self.sheets += self._sheets(raw)
        self._twice()
        counts = [sheet.raw.rows for sheet in self.sheets if not sheet.path]
        self.households = sum(n or 0 for n in counts) if counts and None not in counts else None
        if not any("." not in sheet.path for sheet in self.sheets):
            raise PolicyError([*unreadable(self.place, self.language, "nothing").diagnostics, *self.notes])

    def _twice(self) -> None:
        """Refuses references that stand in the cells of one table and in a table of their own."""
        own = {sheet.path: sheet for sheet in self.sheets}
        for sheet in self.sheets:
            for column in sheet.columns:
                other = own.get(f"{sheet.path}.{column}".removeprefix("."))
                if other is not None:
                    fields = {
                        "first": f"{sheet.raw.source} {sheet.headings[column]}",
                        "second": other.raw.source,
                    }
                    raise PolicyError([data_fault(self.language, "R013", sheet.raw.source, **fields)])

    def _sheets(self, raw: Raw) -> list[Sheet]:
        """What one table holds: the rows of one list, and those of members that stand in these."""
        named, said = self.names.tables(raw.name)
        rows = raw.head()
        found = found_in(self.names, rows, raw.named, named or self.names.paths())
        if found is None or not (named or len(_known(found)) >= _LEAST):
            self.notes.append(self._unread(raw))
            return []
        self._check(raw, found)
        titles = "\n".join(text.strip() for row in rows[: max(0, found.after - 1)] for text in row)
        complete = said or found.path in self.complete or _COMPLETE.search(titles) is not None
        otherwise = next((p for p in named if "." not in p and "." in found.path), "")
        own = [(place, heading) for place, heading in enumerate(found.headings) if not heading.number]
        return [
            self._sheet(raw, found, found.path, [own], complete, otherwise),
            *self._inside(raw, found),
        ]

    def _inside(self, raw: Raw, found: Headed) -> list[Sheet]:
        """The members that have columns of their own in the rows of households: 成员1姓名, 成员2姓名."""
        places = list(enumerate(found.headings))
        keyed = [(place, heading) for place, heading in places if heading.column == KEY]
        sheets = []
        for path in dict.fromkeys(heading.path for _, heading in places if heading.number):
            of = [(place, heading) for place, heading in places if heading.number and heading.path == path]
            groups = [
                keyed + [(place, heading) for place, heading in of if heading.number == number]
                for number in sorted({heading.number for _, heading in of})
            ]
            sheets.append(self._sheet(raw, found, path, groups, True, ""))
        return sheets

    def _sheet(
        self,
        raw: Raw,
        found: Headed,
        path: str,
        groups: Sequence[Sequence[tuple[int, Heading]]],
        complete: bool,
        otherwise: str,
    ) -> Sheet:
        read = [[(place, h) for place, h in group if h.column not in ("", IGNORED)] for group in groups]
        every = [heading for group in read for _, heading in group]
        return Sheet(
            path,
            raw,
            found.after,
            {heading.column.removeprefix(ROOT): heading.text.strip() for heading in every},
            tuple(
                tuple(self._wanted(path, place, heading.column) for place, heading in group) for group in read
            ),
            {heading.column: heading.factor for heading in every if heading.factor != 1},
            otherwise,
            complete,
            entity_at(self.program, path).called or "",
            bool(path) and self.names.list_of(path).kind == "members",
        )

    def _wanted(self, path: str, place: int, column: str) -> Wanted:
        decl = self.names.fact(path, column)
        kind = "date" if column.endswith(".date") else decl.type.kind if decl else ""
        upper = "." in column and column.partition(".")[0] in self.program.entities
        return Wanted(place, column, kind, upper or column.startswith((ROOT, KEY, ABOVE)))

    # -- what is told

    def _unread(self, raw: Raw) -> Diagnostic:
        names = [self.names.table_names(path)[self.language == "en"] for path in self.names.paths()]
        hint = did_you_mean(raw.name, names, self.language)
        return data_fault(self.language, "S007", raw.source, names=self._listed(names[:6]), hint=hint)

    def _check(self, raw: Raw, found: Headed) -> None:
        """Tells which columns are not read; refuses a table whose meaning is in doubt."""
        errors: list[Diagnostic] = []
        seen: dict[tuple[str, str, int], str] = {}
        for heading in found.headings:
            where, text = at(raw.source, 0, self.language, heading.text.strip()), heading.text.strip()
            place = (heading.path, heading.column, heading.number)
            if heading.misfit:
                errors.append(self._misfit(where, found.path, heading))
            elif not heading.column:
                self.notes += [self._unknown(where, found.path, text)] if text else []
            elif heading.column != IGNORED and place in seen:
                fields = {"first": seen[place], "second": text}
                errors.append(data_fault(self.language, "R013", raw.source, **fields))
            seen[place] = text
        ours = bool(found.path) and "." not in found.path and self.names.list_of(found.path).kind != "members"
        if ours and not any(heading.column.startswith(ABOVE) for heading in found.headings):
            for text in (heading.text.strip() for heading in found.headings if not heading.column):
                if _WHOSE.fullmatch(text):
                    errors.append(data_fault(self.language, "S025", raw.source, name=text))
        if KEY not in _known(found) and not any(column.startswith(ABOVE) for column in _known(found)):
            keys, what = self.names.key_names(), self.names.key_label(self.language)
            texts = [heading.text.strip() for heading in found.headings if heading.text.strip()]
            names = [keys[0], next(name for name in keys if name.isascii())]
            fields = {"what": what, "names": self._listed(names), "headings": self._listed(texts[:12])}
            errors.append(data_fault(self.language, "S002", raw.source, **fields))
        if errors:
            raise PolicyError(errors)

    def _misfit(self, where: str, path: str, heading: Heading) -> Diagnostic:
        decl = self.names.fact(heading.path or path, heading.column)
        assert decl is not None
        name, wanted = decl.name.label(self.language), show_dimension(decl.type.dimension, self.language)
        return data_fault(self.language, "S010", where, unit=heading.misfit, name=name, wanted=wanted)

    def _unknown(self, where: str, path: str, text: str) -> Diagnostic:
        entities = [entity_at(self.program, path), entity_at(self.program, "")]
        facts = [decl.name.label(self.language) for entity in entities for decl in entity.facts.values()]
        hint = did_you_mean(text, facts, self.language)
        hint += ("；" if self.language == "zh" else " ") if hint else ""
        return data_fault(self.language, "S001", where, name=text, hint=hint)

    def _listed(self, names: Iterable[str]) -> str:
        return ("、" if self.language == "zh" else ", ").join(f"`{name}`" for name in names)


def _known(found: Headed) -> set[str]:
    return {heading.column for heading in found.headings} - {"", IGNORED}


# ---- JSON Lines --------------------------------------------------------------------------------------------------------


def _nested(paths: Sequence[Path], size: int, what: str, language: Language) -> Iterator[Chunk]:
    """The households that stand one to a line, as they are."""
    import pyarrow as pa

    origin = Origin(tuple(path.name for path in paths))
    first, bad, seen = 0, list[Bad](), dict[str, str]()
    rows: list[tuple[str, int, int, Mapping[str, Any]]] = []  # number, source, line, household

    def chunk() -> Chunk:
        columns = {ROW: pa.array([row[2] for row in rows], pa.int64()), "_source": [row[1] for row in rows]}
        keys = pa.array([row[0] for row in rows], pa.string())
        nested = [row[3] for row in rows]
        return Chunk(
            first, keys, {"": pa.table(columns)}, origins={"": origin}, nested=nested, bad=tuple(bad)
        )

    for source, path in enumerate(paths):
        for number, line in _lines(path, language):
            where = at(path.name, number, language)
            try:
                household = load_line(_text(line, where, language), where, language)
            except PolicyError as error:
                bad.append(Bad(path.name, number, "", error.diagnostics))
                continue
            given = next((str(household[key]) for key in ID_KEYS if household.get(key) is not None), "")
            given = given or (where if len(paths) > 1 else str(number))
            if (before := seen.setdefault(given, where)) != where:
                fault = data_fault(language, "S003", where, what=what, key=given, first=before, second=where)
                bad.append(Bad(path.name, number, given, (fault,)))
                continue
            rows.append((given, source, number, household))
            if len(rows) == size:
                yield chunk()
                first, rows, bad = first + size, [], []
    if rows or bad:
        yield chunk()


def _lines(path: Path, language: Language) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that hold anything, with their numbers."""
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_LONGEST), b""), 1):
                text = line.removeprefix(b"\xef\xbb\xbf").strip()
                if text:
                    yield number, text
    except OSError:
        raise unreadable(path.name, language, "unopened") from None


def _text(line: bytes, place: str, language: Language) -> str:
    try:
        return decode(line)[0]
    except UnicodeDecodeError:
        raise PolicyError([data_fault(language, "L004", place)]) from None
