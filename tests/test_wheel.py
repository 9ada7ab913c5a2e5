"""The built wheel, installed where nothing else of the project is: it carries its policies and names its extras."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

EVALUATE = """
import datetime, json, pathlib, sys
import policykit
assert "pydantic" not in sys.modules and "lark" not in sys.modules, "the door is not light"
household = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
result = policykit.evaluate(household, on=datetime.date(2020, 6, 10), parameters=sys.argv[2])
print(policykit.__file__, result.decision("dibao", "household").amount.yuan)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the installed hatchling without any network."""
    folder = tmp_path_factory.mktemp("dist")
    build = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel alone, and the two core dependencies borrowed from this one."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=False)
    interpreter = folder / "bin" / "python"
    where = [str(interpreter), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    own = Path(sysconfig.get_path("purelib"))
    for name in (
        "lark",
        "pydantic",
        "pydantic_core",
        "annotated_types",
        "typing_extensions.py",
        "typing_inspection",
    ):
        (site / name).symlink_to(own / name)
    return interpreter


def run(python: Path, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, "-I", *args], cwd=cwd, capture_output=True, text=True, check=False)


def test_wheel_holds_policies_grammar_and_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "_policies/dibao.rules",
        "_policies/sources/dunzheng-2020-48.txt",
        "grammar.lark",
        "py.typed",
    ):
        assert f"policykit/{name}" in names


def test_wheel_evaluates_from_an_empty_environment(python: Path, tmp_path: Path) -> None:
    example, sheet = ROOT / "examples/c01-whole-household.json", ROOT / "policies/parameters/ps1.rules"
    done = run(python, "-c", EVALUATE, str(example), str(sheet), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    where, amount = done.stdout.split()
    assert amount == "910.00"
    assert not Path(where).is_relative_to(ROOT)


def test_missing_extra_is_named(python: Path, tmp_path: Path) -> None:
    done = run(python, "-c", "from policykit.app import main; main()", cwd=tmp_path)
    assert done.returncode == 2
    assert "policykit[cli]" in done.stderr


def test_missing_extra_for_registers_is_named(python: Path, tmp_path: Path) -> None:
    done = run(python, "-c", "import policykit; policykit.evaluate_batch", cwd=tmp_path)
    assert done.returncode == 1
    assert "policykit[batch]" in done.stderr.splitlines()[-1]
