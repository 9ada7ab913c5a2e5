"""The canonical form and the conversion between Chinese and English: nothing is lost, nothing means something else."""

from __future__ import annotations

import os
import random
import re
import stat
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

import pytest
import strategies
import test_docs
from hypothesis import HealthCheck, given, settings
from test_robustness import BEGINNING, WRITTEN, damaged
from typer.testing import CliRunner

from policykit import formatter, loader
from policykit.app.cli import app
from policykit.diagnostics import PolicyError
from policykit.formatter import formatted, meaning
from policykit.loader import MeaningChanged, converted, tidied
from policykit.parser import parse, written
from policykit.result import evaluate
from policykit.source import Source
from policykit.syntax import Node
from policykit.words import declaration_words, field_words, keywords, spelling

LARGE = 10_000 * int(os.environ.get("POLICYKIT_LARGE") or 1)
MANY = pytest.mark.parametrize("examples", [150, pytest.param(LARGE // 3, marks=pytest.mark.large)])
PROGRAMS = pytest.mark.parametrize("examples", [6, pytest.param(LARGE // 100, marks=pytest.mark.large)])

HEAD = "语言 1\n政策 试 (trial)\n"


def read(folder: Path) -> list[Source]:
    return [Source(str(file), file.read_text(encoding="utf-8")) for file in sorted(folder.rglob("*.rules"))]


POLICIES = loader.bundled()
BUNDLED = read(POLICIES)
RULES = [source for source in BUNDLED if loader.CASES not in Path(source.file).relative_to(POLICIES).parts]
HOUSEHOLDS = Path(__file__).parent.parent / "examples"
EXAMPLES = read(HOUSEHOLDS)
PAGES = [file for program in test_docs.ALL_PROGRAMS for file in program.files]


@lru_cache(maxsize=512)
def tidy(text: str) -> str:
    return tidied(Source("a.rules", text))


def in_trial(text: str) -> str:
    """The canonical form of declarations, without the two lines at the head of the file."""
    return tidy(HEAD + text).removeprefix(HEAD).removeprefix("\n")


def converting(sources: Sequence[Source], language: str, roots: tuple[Path, ...] = ()) -> list[Source]:
    texts = converted(sources, roots, language, {source.file for source in sources})  # type: ignore[arg-type]
    return [Source(source.file, texts[source.file]) for source in sources]


@lru_cache(maxsize=1)
def english() -> list[Source]:
    """The bundled rules and sheets in English."""
    return converting(RULES, "en", (POLICIES,))


def comments(text: str) -> list[str]:
    """The comments of a file in order: what begins with # outside quotes and bracketed names."""
    found = re.findall(r"「[^」\n]*」?|【[^】\n]*】?|(#[^\n]*)", text)
    return [comment.rstrip() for comment in found if comment]


def is_canonical(text: str) -> bool:
    source = Source("a.rules", text)
    language = "en" if re.match(r"(#[^\n]*\n|\s)*[a-z]", text) else "zh"
    return formatted(source, written(source), language) == text  # type: ignore[arg-type]


# ---- every file that is held -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        *(pytest.param(source, marks=[] if source in RULES else pytest.mark.large) for source in BUNDLED),
        *EXAMPLES,
    ],
    ids=lambda source: Path(source.file).name,
)
def test_the_canonical_form_says_the_same_and_is_its_own(source: Source) -> None:
    once = tidy(source.text)
    assert is_canonical(once)
    assert comments(once) == comments(source.text)
    before, after = parse(source)[0], parse(Source("a.rules", once))[0]
    assert meaning(before.declarations) == meaning(after.declarations)


@pytest.mark.parametrize("cases", [False, pytest.param(True, marks=pytest.mark.large)])
def test_the_bundled_rules_go_to_english_and_back(cases: bool) -> None:
    sources = BUNDLED if cases else RULES
    there = converting(BUNDLED, "en", (POLICIES,)) if cases else english()
    again = converting(there, "zh", (POLICIES,))
    for source, other, back in zip(sources, there, again, strict=True):
        assert back.text == tidy(source.text)
        assert comments(other.text) == comments(source.text)
        assert parse(other)[0].language == "en"


def test_the_english_rules_decide_the_same() -> None:
    """Loaded whole, and put to households that meet the phase-out, single coverage and tekun."""
    before, after = (loader.compile_sources(sources, (POLICIES,)) for sources in (RULES, english()))
    assert before.program.fingerprint != after.program.fingerprint
    for name in ("c03-single-person", "c07-phase-out", "c18-ban-before-persuasion"):
        answers = []
        for rules in (before, after):
            result = evaluate(HOUSEHOLDS / f"{name}.json", rules, on=date(2020, 6, 10))
            assert not result.errors and result.decisions
            told = result.explain("zh").replace(rules.program.fingerprint[:12], "")
            answers.append(re.sub(r"\.rules:\d+", ".rules", told))  # a line may be broken elsewhere
        assert answers[0] == answers[1]


def test_what_is_english_is_english_throughout() -> None:
    """Outside quotes, comments, locators, labels in parentheses and names without an identifier no Chinese is left."""
    for source in english():
        text = re.sub(r"「[^」\n]*」|#[^\n]*|\([^()\n]*[^\x00-\x7f][^()\n]*\)", "", source.text)
        text = re.sub(r"(?m)^    (cites|outline):.*$|^    (finding|list in|refer to): .*$|\[\w+\]$", "", text)
        elements = set(
            re.findall(r" as (\w+) where", text)
        )  # what an author calls an element has one name only
        left = set(re.findall(r"[\u4e00-\u9fff]+", text)) - elements
        assert not left, (source.file, left)


def test_the_pages_keep_their_meaning() -> None:
    for source in PAGES:
        try:
            once = tidied(source)
        except PolicyError:
            continue
        assert is_canonical(once)
    twin = next(p for p in test_docs.ALL_PROGRAMS if p.name == "language:english twin")
    village = next(p for p in test_docs.ALL_PROGRAMS if p.name == "language:village")
    for program, there, back in ((twin, "zh", "en"), (village, "en", "zh")):
        other = converting(program.files, there, (POLICIES,))
        again = converting(other, back, (POLICIES,))
        assert [source.text for source in again] == [tidied(source) for source in program.files]


# ---- the form itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written_", "canonical"),
    [
        ("事实 人 . 年龄（age）数   周岁", "事实 人.年龄 (age)：数 周岁"),
        ("选项 类 (kind) 由重到轻 甲（a）=1，乙 (b) ＝ 2", "选项 类 (kind) 由重到轻：甲 (a) = 1、乙 (b) = 2"),
        ("选项 类 (kind)：「甲」(a)、【乙】(b)、【不满三年】(c)", "选项 类 (kind)：甲 (a)、乙 (b)、【不满三年】 (c)"),
        ("文本 文 (doc) 未收录 自 2020年4月6日 起 至 2021-6-30 止", "文本 文 (doc) 未收录 2020-04-06 起 至 2021-06-30"),
        ("文本 文 (doc) 未收录 2020-04-06", "文本 文 (doc) 未收录 2020-04-06 起"),
        ("待遇 补 (aid) 对每个 户,人", "待遇 补 (aid) 对每个 户、人"),
        ("设 额[甲；乙]＝０．５元／人*月   2020-01-01", "设 额[甲、乙] = 0.5 元/人·月 2020-01-01 起"),
        ("设 长 = 3 月", "设 长 = 3 个月"),
        ("设 岁数 = 16岁", "设 岁数 = 16 周岁"),
        ("设 比 = 12 月/年", "设 比 = 12 月/年"),
        ("设 额 = 甲*(-乙)／2", "设 额 = 甲 × (-乙) ÷ 2"),
        ("设 额 = 户 的 甲", "设 额 = 户.甲"),
        ("设 额 = 甲>=乙 且 丙<丁", "设 额 = 甲 ≥ 乙 并且 丙 < 丁"),
        ("设 额 = 甲==乙 或 丙＝丁 或 戊!=己", "设 额 = 甲 = 乙 或者 丙 = 丁 或者 戊 ≠ 己"),
        ("设 额 = 甲 小于等于 乙 或 丙 不满 丁", "设 额 = 甲 不超过 乙 或者 丙 不满 丁"),
        ("设 额 = 甲 早于 乙 并且 甲 小于 丙", "设 额 = 甲 早于 乙 并且 甲 小于 丙"),
        ("设 额 = 较大(甲，乙)", "设 额 = 较大(甲, 乙)"),
        ("设 额 = 类 不属于{甲,乙}", "设 额 = 类 不属于 {甲、乙}"),
        ("事实 人.末 (end)：日期 或者 无", "事实 人.末 (end)：日期 或 无"),
    ],
)  # fmt: skip
def test_each_thing_is_written_in_one_way(written_: str, canonical: str) -> None:
    assert in_trial(written_ + "\n") == canonical + "\n"


def test_fields_begin_in_column_five_with_their_colon() -> None:
    text = """条款  甲(a)
\t依据   文 第一条（三）「话」第2处 [定义]
  对每个：户
      应当：乙,完成 丙；期限 未规定
   其中 丁 (d) 1 元/月
   敏感
"""
    assert (
        in_trial(text)
        == """条款 甲 (a)
    依据：文 第一条（三） 「话」 第2处 [定义]
    对每个 户
    应当：乙，完成 丙，期限 未规定
    其中 丁 (d)：1 元/月
    敏感
"""
    )


def test_the_body_of_a_definition_has_its_own_line() -> None:
    assert in_trial("定义 甲 对每个 人 (a) = 1 + 2\n") == "定义 甲 对每个 人 (a)\n    = 1 + 2\n"


def test_a_long_condition_has_one_line_for_each_of_its_parts() -> None:
    text = (
        "定义 甲 对每个 人 (a)\n    = "
        + " 并且 ".join(f"第{n}个相当长的条件名称" for n in "一二三四五六")
        + "\n"
    )
    made = in_trial(text)
    assert made.splitlines()[1:3] == ["    = 第一个相当长的条件名称", "      并且 第二个相当长的条件名称"]
    assert len(made.splitlines()) == 7
    fits = in_trial("定义 甲 对每个 人 (a)\n    = 乙 并且 丙\n      并且 (丁\n 或者 戊)\n")
    assert fits == "定义 甲 对每个 人 (a)\n    = 乙 并且 丙 并且 (丁 或者 戊)\n"


def test_no_line_is_too_long_where_it_can_be_broken() -> None:
    for source in RULES:
        for line in tidy(source.text).splitlines():
            columns = sum(2 if "\u2e80" <= c <= "\uffef" else 1 for c in line)
            unbreakable = "「" in line or "#" in line or not re.search(r" (并且|或者|否则) |、", line)
            assert columns <= formatter.WIDTH or unbreakable, line


def test_a_line_never_begins_like_a_field() -> None:
    """每月 and 范围 are words of fields, so that what follows them stays on the line before."""
    terms = "，".join(["每月 甲相当长的金额名称" + "长" * 30, "为期 12 个月", "自 本月" + " + 1 个月" * 5])
    made = in_trial(f"条款 甲 (a)\n    给予：乙，{terms}\n")
    assert made.splitlines()[1].startswith("    给予：乙，每月 ")
    assert made.splitlines()[1].endswith("，为期 12 个月，")
    labels = "、".join(f"{'长' * 12}{n} (x{n})" for n in range(4)) + "、范围 (range)、" + "长" * 12 + " (y)"
    assert "\n        范围" not in in_trial(f"选项 类 (kind)：{labels}\n")


def test_a_row_of_a_table_has_one_line_for_each_thing_expected_when_it_is_long() -> None:
    head = "案例 甲 (a)\n    评价日：2020-06-10\n    列：成员[1].乙\n"
    short = in_trial(head + "    行：是 => 丙 给予，由 丁，戊 → 己 出现\n")
    assert short == head + "    行：是 → 丙 给予，由 丁、戊 → 己 出现\n"
    name = "相当长的条款名称" * 3
    made = in_trial(head + f"    行：是 → 丙 给予，由 {name} → {name} 出现\n")
    assert made == head + f"    行：是\n        → 丙 给予，由 {name}\n        → {name} 出现\n"


def test_empty_lines_stand_between_declarations_and_sections_stay() -> None:
    text = """# 头


语言 1
政策 试 (trial)
# —— 一 ——
事实 人.甲 (a)：是否
事实 人.乙 (b)：是否
    敏感
事实 人.丙 (c)：是否



# —— 二 ——

# 说明
事实 人.丁 (d)：是否
  # 尾
"""
    assert (
        tidy(text)
        == """# 头

语言 1
政策 试 (trial)
# —— 一 ——
事实 人.甲 (a)：是否

事实 人.乙 (b)：是否
    敏感

事实 人.丙 (c)：是否

# —— 二 ——

# 说明
事实 人.丁 (d)：是否
    # 尾
"""
    )


def test_comments_keep_their_place() -> None:
    text = """定义 甲 对每个 人 (a)   # 名
# 栏前
    口径：乙、 # 乙
      丙
    = 丁  # 丁
        # 戊前
      并且 戊 # 戊
"""
    assert (
        in_trial(text)
        == """定义 甲 对每个 人 (a)  # 名
    # 栏前
    口径：乙、  # 乙
        丙
    = 丁  # 丁
      # 戊前
      并且 戊  # 戊
"""
    )


# ---- conversion ------------------------------------------------------------------------------------------------------

VILLAGE = """语言 1
政策 试 (trial)

文本 文 (doc) 未收录

选项 等级 (grade) 由重到轻：一级 (g1)、【不满三级】 (g2)

选项 别的 (other)：一级 (first)、日期 (date)

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 40 个
    记录 单子 (slips)：单 0 至 3 个

实体 人 (person) 计 人

实体 单 (slip)
    知悉日：单日

事实 单.单日 (day)：日期

事实 人.等级 (grade)：选项 等级 或 无

事实 人.别的 (other)：选项 别的

事实 人.日期 (date)：日期

事实 人.收入 (income)：金额 元/月
    范围：0 元/月 至 100 元/月

参数 标准 (line)：金额 元/人·月

参数 护理 按 等级 (care_fee)：金额 元/月

定义 老人 对每个 人 (old) 2020-01-01 起 至 2020-12-31
    = 周岁(日期, 今日) 不低于 60 周岁

定义 老人 对每个 人 2021-01-01 起
    = 周岁(日期, 今日) 大于 65 周岁 并且 日期 不晚于 今日 - 3 天

定义 家里 对每个 人 (home)
    = 全部 户.成员 称 甲 满足 (甲 为 本人 或者 甲.老人 或者 甲.等级 为 一级 以上 或者 甲.别的 为 一级)

定义 人数 对每个 户 (size)
    = 计数 成员 满足 (等级 属于 {一级、【不满三级】}) + 0 人

待遇 补助 (aid) 对每个 人

行为 走访 (visit)

口径 怎么算 (how) A1
    采用：「按月」
    见：老人、标准

条款 发 (grant_aid) 2020-01-01 起
    依据：文 第一条 [定义]
    口径：怎么算
    对每个 人
    条件：老人 或者 家里
    可给予：补助，每月 四舍五入到分(护理[一级] × 月数 ÷ 1 个月)，自 本月 + 1 个月
    裁量 月数 (months)：1 至 3 个月，由 「镇」，限额 100 元/月，超过 由 「县」
    待核实：老人、「身份」

条款 看 (look)
    依据：文 第二条
    对每个 人
    必须：走访，完成 有 户.单子 满足 (单日 不早于 今日)，每隔 1 个月

案例 一户 (one)
    评价日：2020-06-10
    设定：标准 = 5 元/人·月
    设定：护理[一级] = 9 元/月
    已知 成员[1]：等级 = 一级、别的 = 日期、日期 = 1950-01-01、收入 = 未知
    裁定：成员[1] 发，2020-06-09，月数 = 2 个月
    期望：成员[1] 补助 给予，每月 18.00 元/月，由 发
    期望：成员[1] 看 未办
"""


def test_the_village_is_written_canonically() -> None:
    assert tidy(VILLAGE) == VILLAGE


def test_a_name_is_turned_into_the_one_that_is_meant() -> None:
    """一级 of 等级 is g1, 一级 of 别的 is first; 日期 is a fact, a label and the word of a type."""
    text = converting([Source("a.rules", VILLAGE)], "en")[0].text
    for line in (
        "choice grade (等级) heaviest first: g1 (一级), g2 (【不满三级】)",
        "fact person.date (日期): date",
        "define old for each person (老人) from 2020-01-01 to 2020-12-31",
        "define old for each person from 2021-01-01 on",
        "    = full_years(date, today) more than 65 years old and date not after today - 3 days",
        "    = count members where (grade in {g1, g2}) + 0 persons",
        "clause grant_aid (发) from 2020-01-01 on",
        "    may grant: aid, monthly round_to_fen(care_fee[g1] × months ÷ 1 month), from this_month + 1 month",
        "    discretion months (月数): 1 to 3 months, decided by 「镇」, limit 100 yuan/month, beyond decided by 「县」",
        "    has to: visit, done when has household.slips where (day not before today), every 1 month",
        "    assume: care_fee[g1] = 9 yuan/month",
        "    given members[1]: grade = g1, other = date, date = 1950-01-01, income = unknown",
        "    ruled: members[1] grant_aid, 2020-06-09, months = 2 months",
        "    expect: members[1] aid granted, monthly 18.00 yuan/month, decided by grant_aid",
        "    expect: members[1] look open",
    ):
        assert line in text.splitlines(), line
    assert "甲 is self or 甲.old or 甲.grade is g1 or above or 甲.other is first" in text


def test_the_village_comes_back() -> None:
    there = converting([Source("a.rules", VILLAGE)], "en")
    assert converting(there, "zh")[0].text == VILLAGE
    assert converting(there, "en")[0].text == there[0].text


def test_a_name_is_found_in_another_file() -> None:
    files = [Source("a.rules", HEAD + "\n实体 人 (person)\n"), Source("b.rules", "事实 人.甲 (a)：是否\n")]
    assert converting(files, "en")[1].text == "fact person.a (甲): yes or no\n"
    with pytest.raises(PolicyError) as error:
        converting(files[1:], "en")
    assert [d.code for d in error.value.diagnostics] == ["N001"]


def test_every_word_has_a_twin() -> None:
    """Turned into English and back each Chinese spelling is itself, or the first one where it says it has no twin."""
    for terminal, spellings in keywords().items():
        for zh, en in zip(spellings[0::2], spellings[1::2], strict=False):
            assert spelling(terminal, zh, "en") == en
            assert spelling(terminal, en, "zh") == zh
            assert not zh.isascii() and en.isascii()
        if len(spellings) % 2:
            assert spelling(terminal, spellings[-1], "zh") == spellings[0]


# ---- generated programs ----------------------------------------------------------------------------------------------


@PROGRAMS
def test_generated_programs_go_to_english_and_back(examples: int) -> None:
    for seed in range(examples):
        text = strategies.written(random.Random(seed), village=bool(seed % 2)).text
        once = tidy(text)
        assert is_canonical(once)
        there = converting([Source("a.rules", text)], "en")
        assert converting(there, "zh")[0].text == once


def pieces(text: str) -> list[tuple[int, str]]:
    """Where each word of a file begins, and what it is."""
    found: list[tuple[int, str]] = []

    def walk(node: Node) -> None:
        for part in node.parts:
            if isinstance(part, Node):
                walk(part)
            else:
                found.append((part.start, part.text))

    for declaration in written(Source("a.rules", text)):
        walk(declaration)
    return found


def scattered(text: str, chance: random.Random, gaps: Sequence[str]) -> str:
    """The text with something else between some of its words, `{}` numbered; a word of a field stays where it is."""
    fields = {word for spellings in field_words().values() for word in spellings} | set(declaration_words())
    for start, word in reversed(pieces(text)):
        if word.rstrip(":：") not in fields and not word.startswith(("=", "＝")) and chance.random() < 0.3:
            before = text[:start].rstrip(" ")
            if before.endswith("\n"):
                continue
            text = before + chance.choice(gaps).format(start) + text[start:]
    return text


@PROGRAMS
def test_white_space_does_not_matter(examples: int) -> None:
    for seed in range(examples):
        chance = random.Random(seed)
        text = tidy(strategies.Drafter(chance, False).draft())
        spread = scattered(text, chance, ("  ", "\u3000", "\t ", "\n        ", "\n\t\n  "))
        assert spread != text
        assert tidy(spread) == text


@PROGRAMS
def test_no_comment_is_lost(examples: int) -> None:
    for seed in range(examples):
        chance = random.Random(seed)
        text = tidy(strategies.Drafter(chance, False).draft())
        spread = scattered(text, chance, (" # 注{}\n      ", "\n  # 注{}\n      "))
        once = tidy(spread)
        assert comments(once) == comments(spread)
        assert is_canonical(once)


# ---- anything at all -------------------------------------------------------------------------------------------------


def checked(text: str) -> None:
    """Either the file has an error, or its canonical form says the same; it is never refused."""
    source = Source("a.rules", text)
    try:
        once = tidied(source)
    except PolicyError:
        assert any(d.severity == "error" for d in parse(source)[1])
        return
    assert is_canonical(once)
    assert comments(once) == comments(text.removeprefix("\ufeff"))


@MANY
def test_any_text_is_read_or_refused(examples: int) -> None:
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(WRITTEN)
    def run(text: str) -> None:
        checked(text)
        checked(BEGINNING + text)

    run()


@MANY
def test_damaged_rules_are_read_or_refused(examples: int) -> None:
    chance = random.Random(20200406)
    declarations = [
        piece
        for source in [*BUNDLED, Source("v", VILLAGE)]
        for piece in re.split(r"\n(?=\S)", source.text)
        if piece
    ]
    for _ in range(examples):
        checked(damaged("\n".join(chance.sample(declarations, 8)), chance))


# ---- the command -----------------------------------------------------------------------------------------------------

UNTIDY = HEAD + "事实 人.甲(a) 是否\n"
TIDY = HEAD + "事实 人.甲 (a)：是否\n"
WRONG = HEAD + "事实 人.甲 (a)\n    什么：是\n"


def fmt(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["fmt", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_files_are_rewritten_in_place_and_folders_throughout(tmp_path: Path) -> None:
    below = tmp_path / "b" / "c"
    below.mkdir(parents=True)
    (tmp_path / "a.rules").write_text(UNTIDY, encoding="utf-8")
    (below / "d.rules").write_text(UNTIDY, encoding="utf-8")
    (below / "e.rules").write_text(TIDY, encoding="utf-8")
    (below / "f.txt").write_text(UNTIDY, encoding="utf-8")
    code, out, _ = fmt(tmp_path)
    assert code == 0
    assert "2 个文件已改写，1 个不变 / 2 files rewritten, 1 as they were" in out
    assert (tmp_path / "a.rules").read_text(encoding="utf-8") == TIDY
    assert (below / "d.rules").read_text(encoding="utf-8") == TIDY
    assert (below / "f.txt").read_text(encoding="utf-8") == UNTIDY
    assert sorted(path.name for path in below.iterdir()) == ["d.rules", "e.rules", "f.txt"]
    assert fmt(tmp_path)[0] == 0


def test_check_writes_nothing_and_exits_with_one(tmp_path: Path) -> None:
    file = tmp_path / "a.rules"
    file.write_text(UNTIDY, encoding="utf-8")
    code, out, _ = fmt("--check", tmp_path)
    assert code == 1
    assert str(file) in out
    assert file.read_text(encoding="utf-8") == UNTIDY
    file.write_text(TIDY, encoding="utf-8")
    assert fmt("--check", file)[0] == 0


def test_a_file_with_an_error_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_text(WRONG, encoding="utf-8")
    (tmp_path / "b.rules").write_text(UNTIDY, encoding="utf-8")
    code, out, err = fmt(tmp_path)
    assert code == 2
    assert "P001" in err
    assert "1 个没有改" in out
    assert (tmp_path / "a.rules").read_text(encoding="utf-8") == WRONG
    assert (tmp_path / "b.rules").read_text(encoding="utf-8") == TIDY


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    code, _, err = fmt(tmp_path / "none.rules")
    assert code == 2
    assert "没有这个文件" in err


def test_a_changed_meaning_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.rules"
    file.write_text(UNTIDY, encoding="utf-8")
    monkeypatch.setattr(formatter, "formatted", lambda *_: TIDY.replace("是否", "日期"))
    with pytest.raises(MeaningChanged):
        tidy(UNTIDY)
    code, _, err = fmt(file)
    assert code == 2
    assert "改写后意思会变" in err
    assert file.read_text(encoding="utf-8") == UNTIDY
    assert fmt("--lang", "en", file)[0] == 2


def test_a_lost_comment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatter, "formatted", lambda *_: TIDY)
    with pytest.raises(MeaningChanged):
        tidy("# 注\n" + UNTIDY)


@pytest.mark.parametrize(
    "data",
    [UNTIDY.encode("gb18030"), UNTIDY.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + UNTIDY.encode(), TIDY[:-1].encode()],
    ids=["GB18030", "CRLF", "byte order mark", "no last line end"],
)  # fmt: skip
def test_what_is_written_is_utf_8_with_line_feeds(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.rules"
    file.write_bytes(data)
    file.chmod(0o640)
    assert fmt("--check", file)[0] == 1
    assert fmt(file)[0] == 0
    assert file.read_bytes() == TIDY.encode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_bytes_that_are_no_text_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.rules"
    file.write_bytes(b"\xff\xff\xff")
    code, _, err = fmt(file)
    assert code == 2
    assert "L004" in err
    assert file.read_bytes() == b"\xff\xff\xff"


def test_conversion_on_the_command_line(tmp_path: Path) -> None:
    """One file of a policy folder is turned, with the names that the others declare."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sub").mkdir()
    words, facts = tmp_path / "words.rules", tmp_path / "sub" / "facts.rules"
    words.write_text(HEAD + "\n实体 人 (person)\n", encoding="utf-8")
    facts.write_text("事实 人.甲 (a)：是否\n", encoding="utf-8")
    assert fmt("--check", "--lang", "en", facts)[0] == 1
    assert fmt("--lang", "en", facts)[0] == 0
    assert facts.read_text(encoding="utf-8") == "fact person.a (甲): yes or no\n"
    assert words.read_text(encoding="utf-8").startswith(HEAD)
    assert fmt("--lang", "zh", facts)[0] == 0
    assert facts.read_text(encoding="utf-8") == "事实 人.甲 (a)：是否\n"


def test_a_sheet_elsewhere_is_turned_with_the_policies_named(tmp_path: Path) -> None:
    rules, sheet = tmp_path / "rules", tmp_path / "local" / "sheet.rules"
    rules.mkdir()
    sheet.parent.mkdir()
    (rules / "a.rules").write_text(HEAD + "\n参数 持平仍保 (covered_at_line)：是否\n", encoding="utf-8")
    sheet.write_text("语言 1\n参数表 甲县 (county)\n\n设 持平仍保 = 是\n", encoding="utf-8")
    code, _, err = fmt("--lang", "en", sheet)
    assert code == 2
    assert "N001" in err
    assert fmt("--lang", "en", "--policies", rules, sheet)[0] == 0
    assert (
        sheet.read_text(encoding="utf-8") == "language 1\nsheet county (甲县)\n\nset covered_at_line = yes\n"
    )
