"""What was made quick says what it said before: tables without lark, kept tables, near names, commands on demand."""

import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from lark import Token, Tree

from benchmarks.check import rules
from policykit import ir, keep
from policykit.linter.names import close, mistakable
from policykit.loader import bundled, examine, files_of
from policykit.parser import tables
from policykit.parser.grammar import checking, misfit

TOP = Path(__file__).parent.parent


def pieces() -> Iterator[str]:
    """Every declaration of the bundled rules."""
    for source in files_of([bundled()], frozenset())[0]:
        text = source.text
        heads = [
            0,
            *(at + 1 for at, two in enumerate(pairwise(text)) if two[0] == "\n" and two[1] not in " \n#"),
        ]
        yield from (
            text[start:end] for start, end in pairwise([*heads, len(text)]) if text[start] not in "\n#"
        )


def leaves(node: tables.Node | tables.Leaf) -> Iterator[tuple[str, str, int, int]]:
    if isinstance(node, tables.Leaf):
        yield node.type, node.text, node.start, node.end
    else:
        for child in node.children:
            yield from leaves(child)


def tokens(tree: Tree[Token]) -> Iterator[tuple[str, str, int, int]]:
    for token in tree.scan_values(lambda value: isinstance(value, Token)):
        text = token.lstrip()
        assert token.end_pos is not None
        yield token.type, text, token.end_pos - len(text), token.end_pos


def shape(node: object) -> object:
    children = getattr(node, "children", None)
    return None if children is None else (str(node.data), [shape(child) for child in children])  # type: ignore[attr-defined]


def test_the_tree_is_the_one_that_lark_makes() -> None:
    for piece in list(pieces())[::7]:
        found, wanted = tables.tree(piece, 0, len(piece)), checking().parse(piece)
        assert found is not None
        assert shape(found) == shape(wanted)
        assert list(leaves(found)) == list(tokens(wanted))


@pytest.mark.parametrize("seed", range(8))
def test_what_does_not_fit_does_not_fit_for_lark_either(seed: int) -> None:
    chance = random.Random(seed)
    whole = list(pieces())
    fits = 0
    for _ in range(60):
        piece = chance.choice(whole)
        at = chance.randrange(len(piece))
        cut, put = (
            chance.randint(0, 3),
            chance.choice(["", "并且", "。", "\n", "(", "」", "为 ", "3", "\n    条件："]),
        )
        piece = piece[:at] + put + piece[at + cut :]
        fits += tables.tree(piece, 0, len(piece)) is not None
        assert (tables.tree(piece, 0, len(piece)) is None) == (misfit(piece, 0, len(piece)) is not None), (
            piece
        )
    assert 0 < fits < 60


def test_a_text_before_and_after_the_stretch_is_not_read() -> None:
    text = "条件 )( 「\n语言 1\n政策 甲 (a)\n"
    start = text.index("语言")
    end = text.index("政策")
    found = tables.tree(text, start, end)
    assert found is not None
    assert list(leaves(found)) == [
        ("LANGUAGE", "语言", start, start + 2),
        ("NUMBER", "1", start + 3, start + 4),
    ]
    assert tables.tree(text, start, len(text)) is None


def test_damaged_kept_tables_are_worked_out_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICYKIT_CACHE", str(tmp_path))
    wanted = tables.tables.__wrapped__()
    (kept,) = tmp_path.iterdir()
    assert keep.fetch(kept.name) == tuple(wanted)
    kept.write_bytes(kept.read_bytes()[:-3] + b"abc")
    assert tables.tables.__wrapped__() == wanted


def test_names_that_can_be_mistaken_are_among_those_compared() -> None:
    chance = random.Random(5)
    words = [
        "低保对象",
        "底保对象",
        "低保的对象",
        "低保保对象",
        "低保",
        "未脱贫户",
        "末脱贫户",
        "收入项目",
        "收入项",
        "残疾等级",
        "残疾级等",
    ]
    idents = [
        "income_total",
        "income_toatl",
        "income_totals",
        "incomes_total",
        "age",
        "ages",
        "eligible",
        "eligibel",
    ]
    drawn = [
        ir.Name(chance.choice(idents) + chance.choice(["", "_x"]), chance.choice(words)) for _ in range(60)
    ]
    near = set(close(drawn))
    mistaken = {
        (i, j)
        for i, j in combinations(range(len(drawn)), 2)
        if mistakable(drawn[i].zh, drawn[j].zh) or mistakable(drawn[i].id, drawn[j].id)
    }
    assert mistaken
    assert mistaken <= near
    assert near != set(combinations(range(len(drawn)), 2))


def test_the_file_that_is_measured_has_no_fault(tmp_path: Path) -> None:
    text, notice = rules(700)
    assert (text, notice) == rules(700)
    assert 700 <= text.count("\n") < 900
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "notice.txt").write_text(notice, encoding="utf-8")
    (tmp_path / "benchmark.rules").write_text(text, encoding="utf-8")
    assert examine(tmp_path, lints=True)[1] == []


def test_a_check_imports_what_it_needs_and_no_more() -> None:
    code = (
        "import sys; sys.argv = ['policykit', 'check', 'benchmarks/dibao-core.rules']\n"
        "from policykit.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "policykit.linter" in loaded
    assert not loaded & {
        "z3",
        "yaml",
        "policykit.result",
        "policykit.engine",
        "policykit.explain",
    }
