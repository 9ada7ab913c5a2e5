"""Files → program, and files → the same files rewritten: the only module that strings all passes together.

The passes are imported when there is something to pass: a large program that was kept from an earlier run needs none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policykit import ir, keep
from policykit.diagnostics import Diagnostic, Language, PolicyError
from policykit.source import MAX_FILE_BYTES, Source, Span, decode

if TYPE_CHECKING:
    from policykit.symbols import Symbols
    from policykit.syntax import Declaration, Module

PARAMETERS = "parameters"
CASES = "cases"
WORTH_KEEPING = 50_000  # characters: what is smaller is as soon read anew


@dataclass(frozen=True, eq=False)
class Policies:
    """Rule files that load: the program they mean, and what was noted on the way.

    `engines` keeps what engines make of the program, by day.
    """

    program: ir.Program
    sources: tuple[Source, ...]
    roots: tuple[Path, ...]
    notes: tuple[Diagnostic, ...]
    engines: dict[date, Any] = field(default_factory=dict, repr=False)

    def with_parameters(self, sheet: str | Path) -> Policies:
        """The same rules with a parameter sheet added.

        Raises `PolicyError` when the sheet does not load beside these rules.
        """
        return _with_sheet(self, str(sheet))


@lru_cache(maxsize=16)
def _with_sheet(policies: Policies, sheet: str) -> Policies:
    return _kept([*policies.sources, *_read([Path(sheet)])[0]], policies.roots, [])


def bundled() -> Path:
    """The folder of the policies that come with the package."""
    here = Path(__file__).parent
    checkout = here.parent / "policies"
    return checkout if checkout.is_dir() else here / "_policies"


@lru_cache(maxsize=1)
def load_bundled() -> Policies:
    """The bundled policies, without any parameter sheet."""
    return load(bundled())


def load(*paths: str | Path) -> Policies:
    """Loads rule files, or every rule file of folders; a folder's `parameters/` and `cases/` are left out.

    Raises `PolicyError` with every error found in the files.
    """
    sources, diagnostics, roots = files_of([Path(path) for path in paths])
    return _kept(sources, roots, diagnostics)


def _kept(sources: Sequence[Source], roots: tuple[Path, ...], noted: list[Diagnostic]) -> Policies:
    """The policies of some files, kept from an earlier run where nothing that they were made of has changed."""
    worth = sum(len(source.text) for source in sources) >= WORTH_KEEPING and not noted
    key = keep.key_of(text for source in sources for text in (source.file, source.text)) if worth else ""
    found = keep.fetch(key) if worth else None
    if found is not None:
        program, diagnostics, reads = found
        if all(_digest(_read_below(roots, path)) == digest for path, digest in reads.items()):
            return Policies(program, tuple(sources), roots, tuple(diagnostics))
    reads = {}
    program, diagnostics = compile_all(sources, roots, reads=reads)
    errors = [d for d in (*noted, *diagnostics) if d.severity == "error"]
    if errors:
        raise PolicyError(errors)
    if worth:
        keep.store(key, (program, tuple(diagnostics), reads))
    return Policies(program, tuple(sources), roots, (*noted, *diagnostics))


def _digest(text: str | None) -> str:
    return "" if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read_below(roots: Iterable[Path], path: str) -> str | None:
    """The text at a path below the first folder that holds it."""
    return next((text for root in roots if (text := _text_below(root, path)) is not None), None)


def load_text(*rules: str, roots: Sequence[Path] = ()) -> Policies:
    """Loads rules from strings, one a file; quotes are read below `roots`."""
    return compile_sources(
        [Source(f"rules{i or ''}.rules", text) for i, text in enumerate(rules)], tuple(roots)
    )


def compile_sources(sources: Sequence[Source], roots: tuple[Path, ...]) -> Policies:
    """The program of some sources; raises `PolicyError` when one has an error."""
    program, diagnostics = compile_all(sources, roots)
    errors = [d for d in diagnostics if d.severity == "error"]
    if errors:
        raise PolicyError(errors)
    return Policies(program, tuple(sources), roots, tuple(diagnostics))


def examine(
    *paths: str | Path, parameters: bool = False, cases: bool = False, lints: bool = False
) -> tuple[Policies | None, list[Diagnostic]]:
    """Loads as `load` does, but returns the diagnostics instead of raising; no policies when one is an error.

    With `parameters`, sheets below a folder are read too, with `cases` its cases;
    with `lints`, what loads and yet looks wrong is told.
    """
    left_out = {name for name, wanted in ((PARAMETERS, parameters), (CASES, cases)) if not wanted}
    sources, diagnostics, roots = files_of([Path(path) for path in paths], left_out)
    program, found = compile_all(sources, roots, lints=lints)
    diagnostics += found
    if any(d.severity == "error" for d in diagnostics):
        return None, diagnostics
    return Policies(program, tuple(sources), roots, tuple(diagnostics)), diagnostics


def compile_all(
    sources: Sequence[Source],
    roots: tuple[Path, ...],
    editions: Mapping[str, str] | None = None,
    lints: bool = False,
    reads: dict[str, str] | None = None,
) -> tuple[ir.Program, list[Diagnostic]]:
    """Runs every pass, the lints only when asked for; the program is sound only when no diagnostic is an error.

    `editions` are texts to read instead of those held, by the path under which the rules name them; in `reads` the
    hashes of the texts that were read are left.
    """
    from policykit.checker import check
    from policykit.linter import lint, without_allowed

    program, _, modules, diagnostics = _understand(sources, roots, editions or {}, reads)
    by_file = {source.file: source for source in sources}
    if not any(d.severity == "error" for d in diagnostics):

        def line(span: Span) -> str:
            return by_file[span.file].line(span.line) if span.file in by_file else ""

        language: Language = modules[0].language if modules else "zh"
        diagnostics += check(program, language, line)
    if lints and not any(d.severity == "error" for d in diagnostics):
        diagnostics = without_allowed([*diagnostics, *lint(program, modules)], modules)
    return program, _in_order(diagnostics, list(by_file))


def _understand(
    sources: Sequence[Source],
    roots: tuple[Path, ...],
    editions: Mapping[str, str],
    reads: dict[str, str] | None = None,
) -> tuple[ir.Program, Symbols, list[Module], list[Diagnostic]]:
    """The program of some sources before it is checked as a whole, and who each of their names is."""
    from policykit.declarations import assemble
    from policykit.parser import LANGUAGE_VERSION, parse
    from policykit.resolver import resolve, texts
    from policykit.words import operator_words

    diagnostics: list[Diagnostic] = []
    modules: list[Module] = []
    for source in sources:
        module, found = parse(source)
        modules.append(module)
        diagnostics += found
    symbols = resolve(modules, LANGUAGE_VERSION, operator_words())

    def read(declaration: Declaration, path: str) -> str | None:
        if path in editions:
            return editions[path]
        text = _read_below(roots, path)
        if reads is not None:
            reads[path] = _digest(text)
        return text

    program = assemble(symbols, texts(symbols, read))
    return program, symbols, modules, diagnostics + symbols.diagnostics


# ---- rewriting rule files -----------------------------------------------------------------------------------------------


class MeaningChanged(Exception):
    """A file that would not mean the same if it were rewritten: a fault of the formatter, and nothing was written."""


def tidied(source: Source) -> str:
    """The canonical text of a rule file.

    Raises `PolicyError` when the file cannot be read without an error, `MeaningChanged` rather than say something else.
    """
    from policykit.formatter import formatted, meaning
    from policykit.parser import parse, written

    module, found = parse(source)
    if any(d.severity == "error" for d in found):
        raise PolicyError(found)
    text = formatted(source, written(source), module.language)
    again, faults = parse(Source(source.file, text))
    same = meaning(again.declarations) == meaning(module.declarations)
    if faults or not same or list(again.comments.values()) != list(module.comments.values()):
        raise MeaningChanged(source.file)
    return text


def converted(
    sources: Sequence[Source], roots: tuple[Path, ...], language: Language, wanted: Set[str]
) -> dict[str, str]:
    """The canonical texts of the wanted files in a language, by file; `sources` declare every name that they use.

    Raises `PolicyError` when the sources have an error, `MeaningChanged` when the program would not be the same.
    """
    from policykit.formatter import formatted, meaning
    from policykit.parser import written

    program, symbols, modules, diagnostics = _understand(sources, roots, {})
    errors = [d for d in diagnostics if d.severity == "error"]
    if errors:
        raise PolicyError(_in_order(errors, [source.file for source in sources]))
    names: dict[str, dict[int, ir.Name]] = {source.file: {} for source in sources}
    for span, name in symbols.tied.items():
        names[span.file][span.start] = name
    texts_ = {
        source.file: formatted(source, written(source), language, names[source.file])
        for source in sources
        if source.file in wanted
    }
    again = [Source(source.file, texts_.get(source.file, source.text)) for source in sources]
    new, _, after, faults = _understand(again, roots, {})
    for module, other in zip(modules, after, strict=True):
        if list(module.comments.values()) != list(other.comments.values()):
            raise MeaningChanged(module.source.file)
    error = next((d for d in faults if d.severity == "error"), None)
    if error is not None or meaning(new) != meaning(program):
        raise MeaningChanged(str(error or "、".join(sorted(wanted))))
    return texts_


# ---- files --------------------------------------------------------------------------------------------------------------


def _in_order(diagnostics: list[Diagnostic], files: list[str]) -> list[Diagnostic]:
    """The diagnostics file by file, from the top of each; those that have no place come first."""
    order = {file: number for number, file in enumerate(files, start=1)}
    places = {id(d): (order.get(d.span.file, 0), d.span.start) if d.span else (0, 0) for d in diagnostics}
    return sorted(diagnostics, key=lambda d: places[id(d)])


def _text_below(root: Path, path: str) -> str | None:
    """The text at a path below a policy folder; rule files read nothing outside their folder."""
    try:
        file = (root / path).resolve()
        if (
            not file.is_relative_to(root.resolve())
            or not file.is_file()
            or file.stat().st_size > MAX_FILE_BYTES
        ):
            return None
        return decode(file.read_bytes())[0]
    except (OSError, ValueError):  # no such path, no such file, not a text
        return None


def files_of(
    paths: Iterable[Path], left_out: Set[str] = frozenset((PARAMETERS, CASES))
) -> tuple[list[Source], list[Diagnostic], tuple[Path, ...]]:
    """The sources below some paths, what was noted on reading them, and the folders in which texts are looked for."""
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    roots: list[Path] = []
    for path in paths:
        if not _there(path):
            diagnostics.append(Diagnostic("Q005", str(path.name), "zh", (("file", path.name),)))
            continue
        path = path.resolve()
        root = path if path.is_dir() else root_of(path)
        roots.append(root)
        files = sorted(file for file in path.rglob("*.rules") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            if path.is_dir() and left_out & {*file.relative_to(path).parts[:-1]}:
                continue
            name = file.relative_to(root.parent).as_posix()
            source = read_source(file, name, diagnostics)
            if source is not None:
                sources.append(source)
    return sources, diagnostics, tuple(dict.fromkeys(roots))


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        return False


def root_of(file: Path) -> Path:
    """The policy folder a single file belongs to: the nearest one above it that holds `sources`, else its own."""
    return next((folder for folder in file.parents if (folder / "sources").is_dir()), file.parent)


def read_source(file: Path, name: str, diagnostics: list[Diagnostic]) -> Source | None:
    """A rule file under a name, with line ends as `\\n`; `None` and a diagnostic when it cannot be read."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            diagnostics.append(Diagnostic("L001", name, "zh", (("limit", f"{MAX_FILE_BYTES:,} bytes"),)))
            return None
        text, encoding = decode(file.read_bytes())
    except UnicodeDecodeError:
        diagnostics.append(Diagnostic("L004", name, "zh", ()))
        return None
    except OSError:
        diagnostics.append(Diagnostic("Q005", name, "zh", (("file", name),)))
        return None
    if encoding != "utf-8":
        diagnostics.append(Diagnostic("L005", name, "zh", ()))
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))


def _read(paths: Iterable[Path]) -> tuple[list[Source], list[Diagnostic]]:
    sources, diagnostics, _ = files_of(paths, frozenset())
    errors = [d for d in diagnostics if d.severity == "error"]
    if errors:
        raise PolicyError(errors)
    return sources, diagnostics
