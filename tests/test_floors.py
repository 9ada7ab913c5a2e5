"""The import law: who may import whom, who may use which library, how long a file may be.

Every import counts, wherever it stands: at the top, inside a function, under `TYPE_CHECKING`, or as
`import_module("name")`.
"""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "policykit"
DOOR = "__init__"

# from bottom to top; a folder is one name, so `engine` holds every module in engine/
FLOORS = {
    "ground": {"source", "diagnostics", "values", "datatypes", "wording", "keep"},
    "forms": {
        "syntax",
        "symbols",
        "words",
        "ops",
        "ir",
        "reach",
        "conditions",
        "unseen",
        "extents",
        "facts",
        "trace",
    },
    "passes": {
        "parser",
        "cases",
        "formatter",
        "resolver",
        "checker",
        "lowering",
        "declarations",
        "linter",
        "mutations",
        "datafiles",
        "records",
        "rulings",
        "explain",
        "coverage",
        "loader",
    },
    "engines": {"engine"},
    "door": {
        DOOR,
        "answers",
        "result",
        "schema",
        "casework",
        "asking",
        "proving",
        "comparing",
        "testing",
    },
    "app": {"app"},
}

# passes and engines stand side by side, and neither imports its own kind
MAY_IMPORT = {
    "ground": {"ground"},
    "forms": {"ground", "forms"},
    "passes": {"ground", "forms"},
    "engines": {"ground", "forms"},
    "door": {"ground", "forms", "passes", "engines", "door"},
    "app": {"ground", "forms", "passes", "engines", "door", "app"},
}
MAY_ALSO_IMPORT = {
    "loader": FLOORS["passes"],  # it strings the passes together
    "declarations": {"resolver", "lowering", "cases"},  # decision 10
    "cases": {"lowering"},  # what the names of a case are tied to
    "coverage.page": {"explain.page", "explain.phrases"},  # one house style, one wording of conditions
    "engine.outcomes": {"engine.terms"},  # the interpreter is one engine in three files
    "engine.interpreter": {"engine.outcomes", "engine.terms"},
    "engine.compiled.partly": {  # what hangs on a gap is judged by the reference's own tables
        "engine.interpreter",
        "engine.outcomes",
        "engine.terms",
    },
    "engine.spark": {"engine.columnar"},  # the same block program, spread over a cluster
}

# the only homes of each library; a library without a home may not be used
WHERE_DATA_ENTERS = {"datafiles", "engine.columnar", "engine.spark"}
FENCES = {
    "lark": {"parser"},
    "pydantic": {"schema"},
    "numpy": WHERE_DATA_ENTERS,
    "duckdb": WHERE_DATA_ENTERS,
    "pyarrow": WHERE_DATA_ENTERS,
    "pyspark": {"engine.spark"},
    "z3": {"engine.smt"},
    "yaml": {"datafiles"},
    "typer": {"app"},
    "rich": {"app"},
    "hypothesis": {"testing"},
}

MOST_LINES = 600
LONGER: dict[str, str] = {  # module: why it may be longer
    "diagnostics": "one table of all codes",
    "ir": "every form of the program, and nothing else",
    "parser": "reading and building share lark's tree, and lark has one home",
    "lowering": "one method for each form of expression, all on one state",
    "declarations": "one method for each kind of declaration, all on one state",
    "engine.outcomes": "the outcome table, its order and its amounts read as one page of the design",
}


def modules() -> dict[str, Path]:
    """Every module by its dotted name below `policykit`; a folder's `__init__` bears the folder's name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if len(parts) > 1 and parts[-1] == DOOR else parts)] = path
    return found


def floor_of(module: str) -> str | None:
    head = module.split(".")[0]
    return next((floor for floor, heads in FLOORS.items() if head in heads), None)


def may_import(importer: str, imported: str) -> bool:
    below = MAY_IMPORT.get(floor_of(importer) or "", set())
    one_pass = any(  # one pass, or one engine, in several files
        f"{importer}.".startswith(f"{folder}.") and imported.startswith(f"{folder}.")
        for folder in ("explain", "coverage", "linter", "engine.smt", "engine.compiled", "engine.columnar")
    )
    return floor_of(imported) in below or imported in MAY_ALSO_IMPORT.get(importer, ()) or one_pass


def lives_in(module: str, homes: set[str]) -> bool:
    return any(module == home or module.startswith(home + ".") for home in homes)


def imported_names(code: str, package: str) -> set[str]:
    """Every dotted name that `code`, standing in `package`, imports; `from a import b` gives `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=base, names=aliases, level=level):
                above = package.split(".")[: package.count(".") + 2 - level] if level else []
                start = ".".join([*above, *([base] if base else [])])
                names |= {f"{start}.{alias.name}" for alias in aliases}
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                names.add(name if not name.startswith(".") else package + name)
    return names


def read(module: str, path: Path) -> tuple[set[str], set[str]]:
    """The policykit modules and the third-party libraries that one file imports."""
    package = ".".join(["policykit", *path.relative_to(PACKAGE).parts[:-1]])
    own: set[str] = set()
    libraries: set[str] = set()
    for name in imported_names(path.read_text(encoding="utf-8"), package):
        head, *rest = name.split(".")
        if head != "policykit":
            libraries |= {head} - sys.stdlib_module_names
            continue
        while rest and ".".join(rest) not in MODULES:
            rest.pop()  # a name inside a module: `values.Money` is `values`, `policykit.load` the door
        own.add(".".join(rest) or DOOR)
    return own - {module}, libraries


MODULES = modules()
IMPORTS = {module: read(module, path) for module, path in MODULES.items()}
each_module = pytest.mark.parametrize("module", MODULES)


@each_module
def test_every_module_stands_on_a_floor(module: str) -> None:
    assert floor_of(module), f"`{module}` is on no floor: add it to FLOORS and docs/architecture.md"


@each_module
def test_imports_run_downward(module: str) -> None:
    own, _ = IMPORTS[module]
    upward = {imported for imported in own if not may_import(module, imported)}
    assert not upward, f"`{module}` ({floor_of(module)}) may not import {sorted(upward)}"


@each_module
def test_libraries_stay_in_their_fences(module: str) -> None:
    _, libraries = IMPORTS[module]
    strays = {library for library in libraries if not lives_in(module, FENCES.get(library, set()))}
    assert not strays, f"`{module}` may not use {sorted(strays)}"


def test_imports_have_no_knots() -> None:
    try:
        TopologicalSorter({module: own for module, (own, _) in IMPORTS.items()}).prepare()
    except CycleError as error:
        pytest.fail("these modules import one another: " + " → ".join(reversed(error.args[1])))


def test_files_stay_short() -> None:
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    longer = {module: length for module, length in lengths.items() if length > MOST_LINES}
    assert longer.keys() == LONGER.keys(), f"over {MOST_LINES} lines: {longer}; excused: {LONGER}"


def test_the_door_opens_without_any_library() -> None:
    code = "import sys, policykit; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not FENCES.keys() & set(run.stdout.split())


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("values", "source", True),
        ("values", "ops", False),
        ("ops", "ir", True),
        ("ir", "parser", False),
        ("checker", "ir", True),
        ("checker", "parser", False),
        ("loader", "parser", True),
        ("linter.quotes", "linter.findings", True),
        ("linter.quotes", "checker", False),
        ("loader", "engine.interpreter", False),
        ("engine.interpreter", "ops", True),
        ("engine.interpreter", "explain", False),
        ("engine.compiled", "engine.interpreter", False),
        ("engine.spark", "engine.columnar", True),
        ("engine.interpreter", DOOR, False),
        (DOOR, "engine.interpreter", True),
        (DOOR, "app.cli", False),
        ("app.cli", DOOR, True),
    ],
)
def test_the_law_itself(importer: str, imported: str, allowed: bool) -> None:
    assert may_import(importer, imported) is allowed


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import policykit.values as v", {"policykit.values"}),
        ("from .. import ops", {"policykit.ops"}),
        ("from ..values import Money", {"policykit.values.Money"}),
        ("from .columnar import run", {"policykit.engine.columnar.run"}),
        ("def late():\n    import z3", {"z3"}),
        ("import importlib\nimportlib.import_module('z3')", {"importlib", "z3"}),
        ("import_module('.smt', __package__)", {"policykit.engine.smt"}),
    ],
)
def test_every_way_to_import_is_seen(code: str, names: set[str]) -> None:
    assert imported_names(code, "policykit.engine") == names
