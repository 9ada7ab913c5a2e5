"""The table of operations: its examples are true on every engine, nothing in it lacks a spelling or a case."""

import os
from pathlib import Path

import generate_docs
import pytest
import test_conformance as conformance

from policykit.ops import FUNCTIONS, OPS, overloads
from policykit.words import keywords

PAGE = Path(__file__).parent.parent / "docs" / "operations.md"

SITUATIONS = ("known", "unknown", "none", "edge")
FOLD_SITUATIONS = ("absent", "empty", "incomplete", "decided_early")

#: what lowering puts in by itself, and nobody writes
UNWRITTEN = {"present"}

#: an example stands in a program with nothing in it
EMPTY = """
语言 1
文本 例 (example) 未收录

实体 户 (household) 计 户
    组成 成员 (members)：人 0 至 5 个

实体 人 (person) 计 人

"""

EXAMPLES = [(op.key, example) for op in OPS.values() for example in op.examples]


def as_case(key: str, example: str) -> conformance.Case:
    """An example as a case: a constant term with this body, which must be true.

    What asks whether something is known may stand in no condition of a grant, so it is asked in a finding.
    """
    body = f"定义 例子 (the_example)\n    = {example}\n"
    expr, want = "例子", conformance.Row(value=True)
    if key == "undetermined":
        body = f"条款 例子 (the_example)\n    依据：例\n    对每个 户\n    条件：{example}\n    发现：例子\n"
        expr, want = "", conformance.Row(record="the_example", holds="yes")
    rules = conformance.Rules(f"example of {key}", f"{EMPTY}{body}")
    return conformance.Case(
        "ops", example, rules, conformance.DAY, {}, (), expr, (want,), (f"{key}/example",)
    )


@pytest.mark.parametrize("engine", conformance.ENGINES)
@pytest.mark.parametrize(("key", "example"), EXAMPLES)
def test_examples_are_true(key: str, example: str, engine: str) -> None:
    """Every example is an expression, uses its operation, and is true."""
    case = as_case(key, example)
    asked = conformance.question(case)
    conformance.check(conformance.ENGINES[engine](asked), case, asked)
    assert key in conformance.operations_in(asked.program, conformance.conditions(asked.program, case))


def shown() -> set[str]:
    """Every operation/situation that some case covers."""
    return {"/".join(key) for key in conformance.covered()}


def cells() -> list[str]:
    """Every situation that each operation needs."""
    return [
        f"{key}/{situation}"
        for key, op in OPS.items()
        for situation in (*SITUATIONS, *(FOLD_SITUATIONS if op.fold else ()))
    ]


def impossible() -> dict[str, str]:
    """(operation/situation) → why no case can show it."""
    return dict(conformance.documents()["impossible"]["impossible"])


def test_no_empty_cell() -> None:
    """Every operation is shown in every situation, save those that cannot be."""
    assert [cell for cell in cells() if cell not in shown() and cell not in impossible()] == []


def test_impossible_cells_have_a_reason_and_no_case() -> None:
    """What is called impossible is a cell of the table, has a reason, and is shown by no case."""
    assert [cell for cell in impossible() if cell not in cells() or cell in shown()] == []
    assert [cell for cell, reason in impossible().items() if len(reason) < 20] == []


def test_every_operation_is_spelled_in_both_languages() -> None:
    """A word has a Chinese and an English spelling; a mark, such as +, is the same in both."""
    for key, op in OPS.items():
        words = (op.zh, op.en) if op.en or op.zh else keywords().get(op.terminal, ())
        if key in UNWRITTEN:
            assert not words and not op.terminal
        elif op.terminal and not words:
            assert generate_docs.marks_of(op.terminal), key
        else:
            assert any(word.isascii() for word in words if word), key
            assert any(not word.isascii() for word in words), key


def test_every_operation_can_be_found_by_its_spelling() -> None:
    """The operations that a word may stand for are those that name it, and a function is found by both its names."""
    for op in OPS.values():
        if op.en:
            assert FUNCTIONS[op.en] is FUNCTIONS[op.zh] is op
        elif op.terminal and not op.fold:
            arity = 1 if op.key in ("not", "has", "has_not", "negative") else 2
            assert op in overloads(op.terminal, arity)


def test_every_operation_says_what_it_is() -> None:
    """Signature and meaning stand in both languages, in one line each."""
    for op in OPS.values():
        assert op.sig and op.doc.endswith(".") and op.doc_zh.endswith("。"), op.key
        assert "\n" not in op.sig + op.doc + op.doc_zh, op.key


@pytest.mark.golden
def test_operations_page_is_current() -> None:
    """The page of operations says what the table says; `make golden` writes it anew."""
    page = generate_docs.operations()
    if os.environ.get("POLICYKIT_GOLDEN"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
