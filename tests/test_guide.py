"""The Chinese guide, followed step by step: every edit is made, every command run, and what it shows is shown.

A comment before a block says what the block is: `stands` (in a file), `before` and `after` (an edit), `append`,
`create`, `run` (a command, with its exit code if not 0), `shows` (what it prints: each line in order, … for anything),
`back` (the last edit undone).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from policykit.app.cli import app

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "zh" / "editing.md"
STEP = re.compile(r"<!-- (\w+)(?:: ([^\n]*?))? -->\n(?:```\n(.*?)```)?", re.S)


def steps() -> list[tuple[str, str, str]]:
    return [(match[1], match[2] or "", match[3] or "") for match in STEP.finditer(GUIDE.read_text("utf-8"))]


def shown(text: str, wanted: str) -> bool:
    """Whether every line wanted stands in the text, in this order; … stands for anything."""
    at = 0
    for line in filter(None, wanted.splitlines()):
        for part in filter(None, line.split("…")):
            found = text.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
    return True


def command(text: str) -> list[str]:
    words = text.strip().split()
    assert words[0] == r".venv\Scripts\policykit"
    return [word.replace("\\", "/") for word in words[1:]]


def test_the_guide_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("policies", "examples"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    edited, old, undo = Path(), "", ""
    last: Result | None = None
    kinds = []
    for kind, about, block in steps():
        kinds.append(kind)
        match kind:
            case "stands":
                assert block in Path(about).read_text("utf-8"), block
            case "before":
                edited, old = Path(about), block
                assert edited.read_text("utf-8").count(block) == 1, block
            case "after":
                undo = edited.read_text("utf-8")
                edited.write_text(undo.replace(old, block), "utf-8")
            case "back":
                edited.write_text(undo, "utf-8")
            case "append":
                path = Path(about)
                path.write_text(path.read_text("utf-8") + block, "utf-8")
            case "create":
                assert not Path(about).exists()
                Path(about).write_text(block, "utf-8")
            case "run":
                last = CliRunner().invoke(app, command(block))
                assert last.exit_code == int(about or 0), f"{block}{last.output}"
            case "shows":
                assert last is not None and shown(last.output, block), (
                    f"{block}\n{last and last.output[-3000:]}"
                )
            case _:
                raise AssertionError(kind)
    assert {"before", "after", "back", "append", "create", "run", "shows"} <= set(kinds)
