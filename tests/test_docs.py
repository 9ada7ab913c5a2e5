"""The documentation: its rules load, its words are those of the grammar, its links lead somewhere.

A block marked ```rules is a rule file. Its first line `# program: NAME` begins a program of one or more files, and
`# more of: NAME` adds a file to it; a block without either is a program of its own. A block marked
```rules error=CODE, with the files before it if it says `# more of`, gives exactly that code.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import generate_docs
import pytest

from policykit import loader
from policykit.diagnostics import CATALOGUE
from policykit.source import Source
from policykit.symbols import FIELDS, KIND_NAMES
from policykit.words import declaration_words, field_words, keywords

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
LANGUAGE = DOCS / "language.md"
DIAGNOSTICS = DOCS / "diagnostics"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
WITH_RULES = [LANGUAGE, *sorted(DIAGNOSTICS.glob("*.md"))]
POLICIES = loader.bundled()

_BLOCK = re.compile(r"^```rules([^\n]*)\n(.*?)^```", re.M | re.S)
_FIRST = re.compile(r"# (program|more of): *([^\n]+)")
_LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Program:
    """Rules that a page shows, and the code they must give; none if they must load."""

    name: str
    files: tuple[Source, ...]
    code: str = ""


def programs(page: Path) -> list[Program]:
    """The programs of a page, each with all of its files."""
    text = page.read_text(encoding="utf-8")
    begun: dict[str, list[Source]] = {}
    wrong: list[Program] = []
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 2
        source = Source(f"{page.name}, line {line}", block[2])
        first = _FIRST.match(block[2])
        before = begun[first[2]] if first and first[1] == "more of" else []
        if block[1]:
            code = block[1].removeprefix(" error=")
            wrong.append(Program(f"{page.stem}:{line}", (*before, source), code))
        elif before:
            before.append(source)
        else:
            begun[first[2] if first else f"line {line}"] = [source]
    return [*(Program(f"{page.stem}:{name}", tuple(files)) for name, files in begun.items()), *wrong]


ALL_PROGRAMS = [program for page in WITH_RULES if page.exists() for program in programs(page)]


@pytest.mark.parametrize("program", ALL_PROGRAMS, ids=lambda program: program.name)
def test_rules_on_the_pages_load_or_fail_as_they_say(program: Program) -> None:
    lints = program.name.startswith("W")
    found = loader.compile_all(program.files, (POLICIES,), lints=lints)[1]
    if program.code:
        assert {diagnostic.code for diagnostic in found} == {program.code}, "\n".join(map(str, found))
    else:
        assert not found, "\n".join(map(str, found))


def test_the_english_twin_is_english_throughout() -> None:
    """Its words are English, so that the English spelling of each is tried."""
    twin = next(p for p in ALL_PROGRAMS if p.name == "language:english twin")
    bare = re.sub(r"「[^」\n]*」|第[一二三四五六七八九十]+条", "", "".join(file.text for file in twin.files))
    assert bare.replace("·", "").isascii()


# ---- the language page


def test_every_spelling_of_every_word_is_on_the_language_page() -> None:
    text = LANGUAGE.read_text(encoding="utf-8")
    missing = {
        word
        for spellings in keywords().values()
        for word in spellings
        if not re.search(rf"`[^`\n]*(?<![a-z]){re.escape(word)}(?![a-z])[^`\n]*`", text)
    }
    assert not missing


def sections() -> dict[str, str]:
    """The text of the language page below each heading that names a declaration, by its Chinese word."""
    text = LANGUAGE.read_text(encoding="utf-8")
    parts = re.split(r"^##+ ", text, flags=re.M)
    return {match[1]: part for part in parts if (match := re.match(r"`([^`]+)` – `[^`]+`\n", part))}


@pytest.mark.parametrize("kind", list(FIELDS))
def test_each_declaration_is_described_with_all_of_its_fields(kind: str) -> None:
    zh = next(word for word, named in declaration_words().items() if named == kind)
    section = sections()[zh]
    assert section.startswith(f"`{zh}` – `{en_word(kind)}`")
    must, may = FIELDS[kind]
    effects = {"grant", "may_grant", "withhold", "duty", "ban", "listing", "referral", "finding"}
    own = (must | may) - {"english", "allow"} - (effects if kind == "clause" else set())
    missing = {f"`{w}`" for name in own for w in field_words()[alias(name)][:2]} - set(
        re.findall(r"`[^`\n]+`", section)
    )
    assert not missing


def alias(field: str) -> str:
    """The name of a field in the grammar."""
    return "readings" if field == "reading" else field


def en_word(kind: str) -> str:
    return next(word for word, named in declaration_words().items() if named == kind and word.isascii())


def test_every_kind_of_declaration_has_its_section() -> None:
    assert len(sections()) == len(KIND_NAMES)


# ---- the diagnostics


@pytest.mark.golden
def test_diagnostic_pages_are_current() -> None:
    """The index and the head of each page say what the catalogue says; `make golden` writes them anew."""
    for page, text in generate_docs.diagnostics(DIAGNOSTICS).items():
        if os.environ.get("POLICYKIT_GOLDEN"):
            page.parent.mkdir(exist_ok=True)
            page.write_text(text, encoding="utf-8")
        assert page.exists(), page.name
        assert page.read_text(encoding="utf-8") == text, page.name


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {page.stem for page in DIAGNOSTICS.glob("*.md")} - {"index"} == set(CATALOGUE)


@pytest.mark.parametrize("code", list(CATALOGUE))
def test_each_page_says_why_and_shows_it(code: str) -> None:
    text = (DIAGNOSTICS / f"{code}.md").read_text(encoding="utf-8")
    assert re.search(r"^## 为什么 / Why\n\n[^\n]*[一-鿿][^\n]*\n\n[^\n]*[a-z][^\n]*\n", text, re.M)
    if code[0] in "PNTCW" and code != "W009":  # W009 needs cases beside the rules
        assert f"```rules error={code}\n" in text
    else:
        assert "```" in text


# ---- the architecture


def test_the_architecture_lists_every_file_and_no_other() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([\w/]+)` \|", text, re.M))
    package = ROOT / "policykit"
    files = [path for path in package.rglob("*.py") if path.parent == package or path.name != "__init__.py"]
    files.append(package / "parser" / "__init__.py")  # the one folder whose own file does the work
    assert listed == {path.relative_to(package).with_suffix("").as_posix() for path in files}


# ---- links


def local_links(page: Path) -> list[str]:
    """The links of a page to files of this repository."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
    return [link for link in _LINK.findall(text) if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in local_links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.M)
            assert anchor in {
                re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings
            }, link


# ---- what the rules leave open


@pytest.mark.golden
@pytest.mark.parametrize("page", ["readings", "parameters"])
def test_pages_of_readings_and_parameters_are_current(page: str) -> None:
    """Every 口径 and every parameter with its values and users; `make golden` writes the pages anew."""
    program = loader.load_bundled().with_parameters(POLICIES / "parameters" / "ps1.rules").program
    made = {"readings": generate_docs.readings_page, "parameters": generate_docs.parameters_page}[page](
        program
    )
    path = POLICIES.parent / "docs" / "zh" / f"{page}.md"
    if os.environ.get("POLICYKIT_GOLDEN"):
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made
