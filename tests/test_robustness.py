"""Whatever stands in a rule file, the answer is diagnostics: never an exception, never a wait, never a wrong quote."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import policykit
from policykit import loader
from policykit.diagnostics import Diagnostic, PolicyError
from policykit.parser import LANGUAGE_VERSION, MAX_DECLARATION, MAX_DEPTH, MAX_ERRORS, MAX_NESTING, parse
from policykit.resolver import resolve
from policykit.source import MAX_FILE_BYTES, Source
from policykit.words import keywords, operator_words

LARGE = 10_000 * int(os.environ.get("POLICYKIT_LARGE") or 1)

SMALL_AND_LARGE = pytest.mark.parametrize("examples", [300, pytest.param(LARGE, marks=pytest.mark.large)])
# as many in `make soak` only: each of these takes a whole load of the rules
SMALL_AND_SOAK = pytest.mark.parametrize(
    "examples", [300, *([pytest.param(LARGE, marks=pytest.mark.large)] if LARGE > 10_000 else [])]
)
BUNDLED = loader.load_bundled()
parsed = lru_cache(maxsize=64)(parse)


def modest(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


def sound(policies: loader.Policies | None, found: list[Diagnostic]) -> None:
    """The rules load unless there is an error, and everything that is said can be read in both languages."""
    assert (policies is None) == any(diagnostic.severity == "error" for diagnostic in found)
    for diagnostic in found:
        assert diagnostic.render("zh").encode(errors="surrogatepass")
        assert diagnostic.render("en").encode(errors="surrogatepass")
        if diagnostic.span is not None and diagnostic.span.line:
            assert 1 <= diagnostic.span.column <= len(diagnostic.excerpt) + 1


def examined(data: bytes) -> list[Diagnostic]:
    """What is found in a rule file that holds these bytes."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "a.rules")
        file.write_bytes(data)
        policies, found = loader.examine(file)
    sound(policies, found)
    return found


# ---- anything at all ---------------------------------------------------------------------------------------------

#: words and marks of the language in any order come much farther than random characters
PIECES = st.sampled_from(
    [
        *(spelling for spellings in keywords().values() for spelling in spellings),
        *("\n", "\n", "\n    ", "\n    ", " ", " ", " ", "：", "、", "，", "(", ")", "（", "[", "]", "{", "}", "=", "."),
        *("+", "-", "×", "÷", "<", ">=", "「", "」", "「条」", "【", "】", "【名】", "#", "\t", "\u3000", "\ufeff", "\r"),
        *("甲", "乙", "a", "b", "户", "人", "今日", "本人", "一级", "1", "0.5", "９", "3 元/月", "2 人", "80 周岁", "20 %"),
        *("2020-04-06", "2020-13-40", "2020-04", "第九条", "二(二)三b", "第1处", "A1", "周岁(", "四舍五入到分("),
    ]
)  # fmt: skip
WRITTEN = st.lists(PIECES, max_size=60).map("".join)
BEGINNING = "语言 1\n实体 户 (household)\n    组成 成员 (members)：人\n实体 人 (person)\n事实 人.甲 (a)：数 元/月\n文本 乙 (b) 未收录\n"


@SMALL_AND_LARGE
def test_any_text_gives_diagnostics(examples: int) -> None:
    @modest(examples)
    @given(text=st.text(max_size=400) | WRITTEN | WRITTEN.map(lambda rules: BEGINNING + rules))
    def run(text: str) -> None:
        examined(text.encode())

    run()


@SMALL_AND_LARGE
def test_any_bytes_give_diagnostics(examples: int) -> None:
    @modest(examples)
    @given(data=st.binary(max_size=400) | WRITTEN.map(lambda rules: (BEGINNING + rules).encode("gb18030")))
    def run(data: bytes) -> None:
        examined(data)

    run()


@SMALL_AND_SOAK
def test_any_string_given_from_python_gives_diagnostics(examples: int) -> None:
    anything = st.text(st.characters(), max_size=200)  # halves of characters included

    @modest(examples)
    @given(texts=st.lists(anything | WRITTEN, max_size=3))
    def run(texts: list[str]) -> None:
        try:
            loader.load_text(*texts)
        except PolicyError as error:
            sound(None, list(error.diagnostics))

    run()


# ---- the bundled rules, damaged ----------------------------------------------------------------------------------


def damaged(text: str, chance: random.Random) -> str:
    """The text with a few characters or lines left out, put in or changed round."""
    inside = [
        *operator_words(),
        "「",
        "」",
        "(",
        ")",
        "【",
        "\n",
        "    ",
        " ",
        "，",
        "。",
        "1",
        "甲",
        "为",
        "有",
        "无",
        "是",
    ]
    for _ in range(chance.randint(1, 6)):
        lines, at = text.split("\n"), chance.randrange(len(text))
        first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(7):
            case 0:
                text = text[:at] + text[at + chance.randint(1, 8) :]
            case 1:
                text = text[:at] + chance.choice(inside) + text[at:]
            case 2:
                text = (
                    text[:at]
                    + chr(chance.choice([chance.randrange(128), chance.randrange(0x3000, 0xD800)]))
                    + text[at + 1 :]
                )
            case 3:
                text = text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
            case 4:
                del lines[first]
                text = "\n".join(lines)
            case 5:
                lines[first], lines[second] = lines[second], lines[first]
                text = "\n".join(lines)
            case 6:
                lines.insert(first, lines[second])
                text = "\n".join(lines)
    return text


@SMALL_AND_SOAK
def test_damaged_rules_give_diagnostics(examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policykit.parser.parse", parsed)
    chance = random.Random(20200406)
    for _ in range(max(1, examples // 3)):
        number = chance.randrange(len(BUNDLED.sources))
        files = list(BUNDLED.sources)
        files[number] = Source(files[number].file, damaged(files[number].text, chance))
        _, found = loader.compile_all(files, BUNDLED.roots)
        sound(None if any(d.severity == "error" for d in found) else BUNDLED, found)


# ---- limits ------------------------------------------------------------------------------------------------------

TERM = "语言 1\n定义 甲 (a)\n    = "

TOO_MUCH: dict[str, tuple[Callable[[], str], str, str]] = {
    "a file of 10 MB": (lambda: "# 很长\n" * 1_000_000, "L001", f"{MAX_FILE_BYTES:,}"),
    "10,000 parentheses": (lambda: TERM + "(" * 10_000 + "1" + ")" * 10_000, "L002", str(MAX_NESTING)),
    "10,000 parentheses left open": (lambda: TERM + "(" * 10_000, "L002", str(MAX_NESTING)),
    "10,000 braces": (lambda: TERM + "乙 属于 " + "{" * 10_000, "L002", str(MAX_NESTING)),
    "10,000 of 并非": (lambda: TERM + "并非 " * 10_000 + "是", "L002", str(MAX_DEPTH)),
    "10,000 of 并非 left open": (lambda: TERM + "并非 " * 10_000, "L002", str(MAX_NESTING)),
    "10,000 minus signs": (lambda: TERM + "-" * 10_000 + "1", "L002", str(MAX_DEPTH)),
    "10,000 of 如果": (lambda: TERM + "如果 是 则 " * 5_000, "L002", str(MAX_NESTING)),
    "10,000 of 否则 如果": (lambda: TERM + "如果 是 则 1 否则 " * 3_000 + "1", "L002", str(MAX_DEPTH)),
    "more of them than fit a declaration": (lambda: TERM + "如果 是 则 1 否则 " * 10_000, "L006", f"{MAX_DECLARATION:,}"),
    "a sum of 10,000 terms": (lambda: TERM + " + ".join(["1"] * 10_000), "L002", str(MAX_DEPTH)),
    "a line of 100,000 characters": (lambda: TERM + "1 + " * 25_000 + "1", "L006", f"{MAX_DECLARATION:,}"),
    "a name of 100,000 characters": (lambda: TERM + "乙" * 100_000, "L006", f"{MAX_DECLARATION:,}"),
    "a name of 10,000 characters": (lambda: f"定义 {'乙' * 10_000} (a)\n    = 1", "P010", "100"),
    "a number of 10,000 digits": (lambda: TERM + "9" * 10_000, "P011", "30"),
    "40,000 quotes left open": (lambda: TERM + "「" * 40_000, "P002", "」"),
    "900,000 quotes left open": (lambda: "「" * 300_000, "P003", "「"),
    "100,000 faults": (lambda: "语言 1\n" + "错\n" * 100_000, "P003", "错"),
    "as many faulty fields": (lambda: ("条款 甲 (a)\n" + "    条件：1 1\n" * 3_000) * 10, "P001", "1"),
}  # fmt: skip


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much_is_refused_with_the_limit_named(what: str) -> None:
    text, code, limit = TOO_MUCH[what]
    written = text()
    found = examined(written.encode())
    assert len(found) <= MAX_ERRORS + 1
    assert {d.code for d in found} - {"L007", "P006"} == {code}
    assert any(limit in d.message() + d.help() for d in found)
    assert max(len(d.render()) for d in found) < 1500


# kind → the text, and every fault in it: so many of one code
MANY: dict[str, tuple[Callable[[], Iterator[str]], dict[str, int]]] = {
    "facts": (lambda: (f"事实 人.f{i} (f{i})：是否\n" for i in range(4_000)), {}),
    "entities": (lambda: (f"实体 e{i} (e{i})\n事实 e{i}.f (f)：是否\n" for i in range(2_000)), {}),
    "terms one in another": (lambda: (f"定义 d{i} (d{i})\n    = d{i + 1}\n" for i in range(3_000)), {"N001": 1}),
    "terms in a circle": (lambda: (f"定义 d{i} (d{i})\n    = d{(i + 1) % 3_000}\n" for i in range(3_000)), {"C001": 1}),
    "unknown names": (lambda: (f"定义 d{i} (d{i})\n    = x{i} 大于 2\n" for i in range(3_000)), {"N001": 3_000}),
    "unknown parameters": (lambda: (f"设 p{i} = 1\n" for i in range(5_000)), {"N001": 5_000}),
    "wrong quotes": (lambda: (f"目标 g{i} (g{i})\n    依据：乙 「{i}」\n    类别：目标\n    理由：「b」\n" for i in range(2_000)), {"Q004": 2_000}),
    "quoted labels": (lambda: (f"选项 o (o)：{'、'.join(f'「a{i}」(q{i})' for i in range(2_000))}\n" for _ in range(1)), {}),
}  # fmt: skip


@pytest.mark.parametrize("what", MANY)
def test_many_of_one_kind_are_read_with_every_fault(what: str) -> None:
    text, faults = MANY[what]
    _, found = loader.compile_all([Source("a.rules", BEGINNING + "".join(text()))], ())
    assert Counter(d.code for d in found) == faults


CHAIN = """语言 1
文本 法 (law) 未收录
实体 户 (household)
    组成 成员 (members)：人 1 至 9 个
实体 人 (person)
事实 人.龄 (age)：数 岁
待遇 甲 (aid) 对每个 人
金额 甲 对每个 人 (amount)
    给予：甲
    每月：1 元/月
"""
CLAUSE = "条款 c{0} (c{0})\n    依据：法\n    对每个 人\n    {1}\n    给予：甲\n"
LAST = "龄 大于 1 岁"

CHAINS: dict[str, Callable[[int], str]] = {
    "terms": lambda n: "".join(f"定义 d{i} 对每个 人 (d{i})\n    = 并非 d{i + 1}\n" for i in range(n))
    + f"定义 d{n} 对每个 人 (d{n})\n    = {LAST}\n" + CLAUSE.format(0, "条件：d0"),
    "folds": lambda n: "".join(f"定义 d{i} 对每个 户 (d{i})\n    = 任一 成员 满足 (户.d{i + 1})\n" for i in range(n))
    + f"定义 d{n} 对每个 户 (d{n})\n    = 任一 成员 满足 ({LAST})\n" + CLAUSE.format(0, "条件：户.d0"),
    "clauses": lambda n: "".join(CLAUSE.format(i, f"条件：符合 c{i + 1}") for i in range(n)) + CLAUSE.format(n, f"条件：{LAST}"),
    "priorities": lambda n: "".join(CLAUSE.format(i, f"条件：{LAST}\n    让位于：c{i + 1}") for i in range(n))
    + CLAUSE.format(n, f"条件：{LAST}"),
    "negations": lambda n: CLAUSE.format(0, f"条件：{'并非 ' * n}{LAST}"),
    "conditions": lambda n: CLAUSE.format(0, f"条件：{f'如果 {LAST} 则 是 否则 ' * n}是"),
    "sums": lambda n: CLAUSE.format(0, f"条件：龄 大于 {' + '.join(['1 岁'] * (n + 1))}"),
}  # fmt: skip


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("length", [30, 45, 70, 95, 140, 290, 1000])
def test_what_is_not_refused_as_too_deep_can_be_evaluated(chain: str, length: int) -> None:
    try:
        policies = loader.load_text(CHAIN + CHAINS[chain](length))
    except PolicyError as error:
        assert {d.code for d in error.diagnostics} == {"L002"}
        assert all(d.span is not None and d.span.line for d in error.diagnostics)
        assert length > 40
        return
    for member in ({"龄": 3}, {}):
        result = policykit.evaluate({"成员": [member]}, policies, on=date(2020, 6, 10))
        assert result.explain("zh") and result.explain("en")


# ---- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["absent.rules", "a\0b", "x" * 5000, "", "."])
def test_a_path_that_holds_no_rules_gives_diagnostics_at_most(name: str, tmp_path: Path) -> None:
    sound(*loader.examine(f"{tmp_path}/{name}"))


def test_a_folder_is_read_whatever_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "folder.rules").mkdir()
    (tmp_path / "nowhere.rules").symlink_to(tmp_path / "absent")
    (tmp_path / "a.rules").write_text("语言 1\n", encoding="utf-8")
    policies, found = loader.examine(tmp_path)
    assert policies is not None and len(policies.sources) == 1
    assert not found


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "../secret.txt", "inside/../../secret.txt", "x" * 5000, "a\u0000b", ""]
)
def test_rules_quote_nothing_outside_their_folder(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("秘密", encoding="utf-8")
    rules = tmp_path / "policies"
    rules.mkdir()
    (rules / "a.rules").write_text(f"文本 甲 (a) 「{path}」\n", encoding="utf-8")
    policies, found = loader.examine(rules)
    assert policies is None
    assert [d.code for d in found] == ["Q005"]


# ---- quotes ------------------------------------------------------------------------------------------------------

_MODULES = [parsed(source)[0] for source in BUNDLED.sources]
QUOTES = [
    field.values[0]
    for versions in (v for kinds in resolve(_MODULES, LANGUAGE_VERSION, operator_words()).declared.values() for v in kinds.values())
    for declaration in versions
    for field in declaration.all("cite")
    if field.values[0].quote is not None
]  # fmt: skip


def test_the_bundled_rules_quote() -> None:
    assert len(QUOTES) > 80


@pytest.mark.parametrize("cite", QUOTES, ids=lambda cite: str(cite.quote.span))
def test_one_changed_character_of_a_quote_is_found(cite: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from policykit.syntax import Cite

    assert isinstance(cite, Cite) and cite.quote is not None
    monkeypatch.setattr("policykit.parser.parse", parsed)
    quote, span = cite.quote.text, cite.quote.span
    chance = random.Random(str(span))
    at = chance.randrange(len(quote))
    other = chance.choice([c for c in "，、。的和人一〇“1 x" if c != quote[at]])
    changed = quote[:at] + other + quote[at + 1 :]
    files = [
        Source(s.file, s.text[: span.start + 1] + changed + s.text[span.end - 1 :])
        if s.file == span.file
        else s
        for s in BUNDLED.sources
    ]
    (found,) = (d for d in loader.compile_all(files, BUNDLED.roots)[1] if d.severity == "error")
    assert (found.code, found.where) == ("Q001", str(span))
    assert changed in found.message("zh") and changed in found.message("en")
