"""Coverage of the texts: sentences at their places, characters counted by hand, what is left, what a change touches."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from policykit import coverage, loader
from policykit.app.cli import app
from policykit.coverage.measure import CaseResult, Coverage, Sentence, TextCoverage
from policykit.loader import Policies
from policykit.source import Source, numbering

NOTICE = (loader.bundled() / "sources" / "dunzheng-2020-48.txt").read_text(encoding="utf-8")
PLAN = """语言 1
文本 方案 (plan) 「sources/dunzheng-2020-48.txt」
    提纲：一 「总体要求」、二 「重点任务」、三 「三、实施步骤」、四 「四、工作要求」
实体 户 (household)
"""

# 4 + 12 + 9 + 10 + 7 = 42 characters that count: the heading's 一、 and the marks do not
SMALL = """一、帮扶办法
对困难户给予补助，按月发放;对孤寡老人上门看望。
鼓励各村互助，多方参与。
2020年落实
"""
RULES = """语言 1
文本 文 (doc) 「sources/n.txt」
    文号：「虚构〔2020〕1号」
实体 户 (household)
事实 户.困难 (poor)：是否
参数 标准 (rate)：金额 元/月
    依据：文 「按月发放」
定义 困难户 对每个 户 (poor_household)
    依据：文 「困难户」
    = 困难
条款 给补助 (aid)
    依据：文 「对困难户给予补助」
    口径：补助怎么发
    对每个 户
    适用范围：困难户
    列入：补助名单
口径 补助怎么发 (how_paid)
    依据：文 「按月发放」
    采用：「每月一次」
    不采用：「每季一次」
提示 看望 对每个 户 (visit)
    依据：文 「对孤寡老人上门看望」
    内容：「记得去」
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small text and its rules."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "n.txt").write_text(SMALL, encoding="utf-8")
    (tmp_path / "n.rules").write_text(RULES, encoding="utf-8")
    return tmp_path


def measured(*rules: str) -> Coverage:
    """Coverage of rules over the bundled texts."""
    return coverage.measure(loader.load_text(*rules, roots=(loader.bundled(),)).program)


def sentence_at(found: TextCoverage, line: int, column: int) -> Sentence:
    return next(s for s in found.sentences if (s.span.line, s.span.column) == (line, column))


def left(found: TextCoverage, sentence: Sentence) -> list[str]:
    return [found.text.content[span.start : span.end] for span in sentence.open]


def run(*args: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["coverage", *map(str, args)])
    return result.exit_code, result.stdout, result.stderr


# ---- sentences


def places(text: str) -> list[tuple[int, int, str]]:
    source = Source("t", text)
    return [(s.line, s.column, text[s.start : s.end]) for s in source.sentences()]


def test_sentences_of_the_notice_stand_where_they_are_printed() -> None:
    found = {(line, column): words for line, column, words in places(NOTICE)}
    assert found[1, 1] == "墩政〔2020〕48号"
    assert found[10, 15] == "2020年4月6日"
    assert found[17, 1] == "总体要求"
    assert found[23, 1] == "(一)健全完善监测预警机制和动态管理"
    assert found[28, 1] == "一是强化农村低保兜底保障。"
    assert found[28, 14].startswith("及时把未脱贫建档立卡贫困人口")
    assert found[28, 174].startswith("三是严格落实就业成本扣减") and found[28, 174].endswith(
        "兜底保障脱贫成果。"
    )
    assert found[43, 1] == "(一)动员部署阶段(2020年4月中旬前)。"


def test_a_half_width_semicolon_ends_a_sentence() -> None:
    line24 = [words for line, _, words in places(NOTICE) if line == 24]
    assert [words[-5:] for words in line24] == ["应兜尽兜;", "跟踪管理。"]
    assert line24[1].startswith("对新申请对象中")
    assert NOTICE.count(";") == 3
    assert sum(words.endswith(";") for _, _, words in places(NOTICE)) == 3


def test_every_character_that_counts_lies_in_one_sentence() -> None:
    spans = Source("t", NOTICE).sentences()
    inside = [at for span in spans for at in range(span.start, span.end) if NOTICE[at].isalnum()]
    assert inside == [at for at, character in enumerate(NOTICE) if character.isalnum()]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("甲。”乙；丙", ["甲。”", "乙；", "丙"]),
        ("甲！！乙？\r\n\u3000\u3000丙\r\n", ["甲！！", "乙？", "丙"]),
        ("甲。甲。", ["甲。", "甲。"]),
        ("……\n—\n", []),
        ("Notice No. 48 applies. It holds 3.5 points; no more.", ["Notice No. 48 applies.", "It holds 3.5 points;", "no more."]),
    ],
)  # fmt: skip
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert [words for _, _, words in places(text)] == sentences


def test_numbers_of_the_outline_are_found() -> None:
    marks = [NOTICE[start:end] for start, end in numbering(NOTICE)]
    assert marks.count("一是") == 3 and marks.count("二是") == 3 and marks.count("三是") == 2
    assert "三、" in marks and "(一)" in marks and "（二）" in marks


# ---- counting


def test_characters_are_counted_as_by_hand(folder: Path) -> None:
    found = coverage.measure(loader.load(folder).program).texts[0]
    assert [(s.span.line, s.span.column, s.counted, s.covered) for s in found.sentences] == [
        (1, 1, 4, 0),  # 帮扶办法
        (2, 1, 12, 12),  # 对困难户给予补助 8, 按月发放 4
        (2, 15, 9, 0),  # quoted by a note only
        (3, 1, 10, 0),
        (4, 1, 7, 0),
    ]
    assert (found.counted, found.covered, found.percent) == (42, 12, 28)  # 28.57 rounded down
    assert {kind: count for kind, count in found.by_kind.items() if count} == {"clause": 8, "amount": 4}


def test_a_word_quoted_twice_counts_once_as_the_weightiest(folder: Path) -> None:
    found = coverage.measure(loader.load(folder).program).texts[0]
    sentence = sentence_at(found, 2, 1)
    assert [rule.id for rule in sentence.rules] == ["clause:aid", "define:poor_household", "parameter:rate"]
    assert sentence.kinds == ("clause", "amount", "definition")
    assert found.by_kind["definition"] == 0


def test_notes_and_readings_encode_nothing(folder: Path) -> None:
    found = coverage.measure(loader.load(folder).program).texts[0]
    assert sentence_at(found, 2, 15).state == "none"


def test_parameters_keep_their_citations_and_readings() -> None:
    program = loader.load_bundled().program
    cost = program.parameters["employment_cost"]
    assert [cite.locator for cite in cost.cites] == ["二(二)三a"]
    assert program.parameters["covered_at_line"].readings == ("at_the_line",)


DOUBLED = "充分发挥民政各项社会救助作用，统筹各类社会救助资源，提升社会救助综合效应"


@pytest.mark.parametrize(("nth", "column", "other"), [(1, 68, 139), (2, 139, 68)])
def test_the_phrase_printed_twice_is_told_apart_by_its_place(nth: int, column: int, other: int) -> None:
    objective = f"目标 作用 (role)\n    依据：方案 一 「{DOUBLED}」 第{nth}处\n    类别：目标\n    理由：「总的要求」\n"
    found = measured(PLAN, objective).texts[0]
    sentence = sentence_at(found, 19, 1)
    assert [(p.span.line, p.span.column) for p in sentence.passages] == [(19, column)]
    assert sentence.covered == 34
    assert [DOUBLED in words for words in left(found, sentence)].count(True) == 1
    there = next(span for span in sentence.open if DOUBLED in NOTICE[span.start : span.end])
    assert there.column <= other < there.column + (there.end - there.start)


FOUR = [
    "严格落实就业成本扣减，在核算低保家庭收入时按规定扣减必要的就业成本",
    "对家庭收入超过当地低保标准后给予12个月渐退期",
    "对主动申请退出低保的可给予1-3个月的低保金",
    "鼓励支持有劳动能力的贫困人口积极就业创业，不断巩固兜底保障脱贫成果",
]


def norms(quotes: list[str]) -> str:
    return "".join(
        f"条款 规{n} (norm_{n})\n    依据：方案 二(二)三 「{quote}」\n    对每个 户\n    列入：名单\n"
        for n, quote in enumerate(quotes)
    )


def test_one_sentence_with_four_norms_is_covered_when_each_is_quoted() -> None:
    found = measured(PLAN, norms(FOUR)).texts[0]
    assert sentence_at(found, 28, 174).state == "whole"
    for missing in FOUR:
        found = measured(PLAN, norms([quote for quote in FOUR if quote != missing])).texts[0]
        sentence = sentence_at(found, 28, 174)
        assert sentence.state == "part"
        assert left(found, sentence) == [missing]


def set_aside(found: TextCoverage) -> str:
    """An objective for every stretch that nothing quotes."""
    declared: list[str] = []
    for span in (span for sentence in found.sentences for span in sentence.open):
        words = found.text.content[span.start : span.end]
        before = len(re.findall(re.escape(words), found.text.content[: span.start]))
        nth = f" 第{before + 1}处" if found.text.content.count(words) > 1 else ""
        n = len(declared)
        declared.append(
            f"目标 余{n} (rest_{n})\n    依据：方案 「{words}」{nth}\n    类别：程序\n    理由：「试」\n"
        )
    return "".join(declared)


def test_the_line_of_a_text_ends_in_100_only_when_nothing_is_left() -> None:
    found = measured(PLAN).texts[0]
    all_but_one = set_aside(found).rsplit("目标 ", 1)[0]
    nearly, whole = measured(PLAN, all_but_one), measured(PLAN, set_aside(found))
    assert not nearly.complete and coverage.to_text(nearly).endswith("　99 %\n")
    assert whole.complete and coverage.to_text(whole).endswith("　100 %\n")
    assert coverage.to_text(whole, "en").endswith("  100 %\n")
    assert whole.texts[0].covered == whole.texts[0].counted == found.counted


def test_excerpts_are_declared_and_reported_apart_and_do_not_fail(folder: Path) -> None:
    rules = folder / "n.rules"
    rules.write_text(RULES.replace("n.txt」", "n.txt」 摘录 2020-01-01 起"), encoding="utf-8")
    code, out, _ = run(folder)
    assert code == 0
    assert (
        "摘录（只收录了部分条文，不计入结果）\n  虚构〔2020〕1号：42 字中 12 字有着落（条款 8、金额 4）　28 %"
        in out
    )
    assert "\n全文" not in out
    bundled = loader.load_bundled().program.texts
    assert {text.name.zh for text in bundled.values() if text.held and not text.excerpt} == {"方案"}


def test_both_ways_each_rule_with_its_sentences_and_texts_not_held_apart() -> None:
    found = coverage.measure(loader.load_bundled().program)
    by_id = {places.rule.id: places for places in found.rules}
    (leave,) = by_id["clause:voluntary_exit"].sentences
    assert (leave[0].span.line, leave[0].span.column) == (28, 234)
    assert (leave[1].span.line, leave[1].span.column) == (28, 174)
    assert [cite.locator for cite in by_id["clause:tekun_inclusion@2020-04-06"].absent] == [
        "第五条",
        "第六条",
        "第八条",
    ]
    out = coverage.to_text(found)
    apart = out[out.index("依据的文本未收录") :]
    assert "民发〔2016〕178号 第五条　条款 特困及时纳入" in apart


# ---- kinds and reasons of objectives


@pytest.mark.parametrize(
    ("word", "kind"),
    [("目标", "objective"), ("objective", "objective"), ("程序", "procedure"), ("procedure", "procedure"),
     ("标题", "heading"), ("heading", "heading"), ("定义", "definition"), ("definition", "definition")],
)  # fmt: skip
def test_kinds_of_objectives_in_either_language(word: str, kind: str) -> None:
    rule = f"目标 甲 (a)\n    依据：方案 「总体要求」\n    类别：{word}\n    理由：「试」\n"
    (objective,) = loader.load_text(PLAN, rule, roots=(loader.bundled(),)).program.objectives
    assert objective.kind == kind


@pytest.mark.parametrize(
    ("kind", "reason", "code", "line"),
    [("口号", "试", "Q007", 3), ("目标", "", "Q008", 4), ("目标", "　", "Q008", 4)],
)
def test_objectives_need_a_known_kind_and_a_reason(kind: str, reason: str, code: str, line: int) -> None:
    rule = f"目标 甲 (a)\n    依据：方案 「总体要求」\n    类别：{kind}\n    理由：「{reason}」\n"
    sources = [Source("plan.rules", PLAN), Source("a.rules", rule)]
    (found,) = loader.compile_all(sources, (loader.bundled(),))[1]
    assert (found.code, found.span and found.span.line, found.severity) == (code, line, "error")


# ---- a text that changed


def reread(out: str) -> set[str]:
    return {
        f"{found['declared']} {found['id']}: {found['change']}, {found['quote_stands']}"
        for found in json.loads(out)["reread"]
    }


def test_a_changed_sentence_lists_what_quotes_it(folder: Path) -> None:
    old = folder / "old"
    old.mkdir()
    (old / "n.txt").write_text(SMALL.replace("按月发放", "按季发放"), encoding="utf-8")
    code, out, _ = run(folder, "--against", old, "--format", "json")
    assert code == 1
    assert [(s["change"], s["old"]["words"], s["new"]["words"]) for s in json.loads(out)["sentences"]] == [
        ("changed", "对困难户给予补助，按季发放;", "对困难户给予补助，按月发放;")
    ]
    assert reread(out) == {
        "clause aid: changed, both",
        "define poor_household: changed, both",
        "parameter rate: changed, new",
        "reading how_paid: changed, new",
    }


def test_what_changed_is_found_even_when_the_rules_no_longer_load(folder: Path) -> None:
    old = folder / "before.txt"  # by its sentences, for its name is another
    old.write_text(SMALL, encoding="utf-8")
    held = folder / "sources" / "n.txt"
    held.write_text(SMALL.replace("对困难户给予补助", "对低收入户发给补贴"), encoding="utf-8")
    assert run(folder)[0] == 2
    code, out, _ = run(folder, "--against", old, "--format", "json")
    assert code == 1
    assert reread(out) == {
        "clause aid: changed, old",
        "define poor_household: changed, old",
        "parameter rate: changed, both",
        "reading how_paid: changed, both",
    }


def test_added_removed_and_moved_sentences_are_told_apart(folder: Path) -> None:
    old = folder / "n.txt"
    old.write_text(
        "对孤寡老人上门看望。\n一、帮扶办法\n对困难户给予补助，按月发放;\n鼓励各村互助，多方参与。\n年底通报。\n",
        encoding="utf-8",
    )
    code, out, _ = run(folder, "--against", old, "--format", "json")
    found = [(s["change"], (s["new"] or s["old"])["words"]) for s in json.loads(out)["sentences"]]
    assert code == 1
    assert sorted(found) == [
        ("added", "2020年落实"),
        ("moved", "对孤寡老人上门看望。"),
        ("removed", "年底通报。"),
    ]
    assert reread(out) == {"note visit: moved, both"}


def test_the_same_text_asks_for_nothing(folder: Path) -> None:
    code, out, _ = run(folder, "--against", folder / "sources")
    assert (code, out) == (0, "两版文本一字不差，没有要重读的\n")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_changes_as_text(folder: Path, language: str) -> None:
    old = folder / "n.txt"
    old.write_text(SMALL.replace("上门看望", "电话问候") + "附件略\n", encoding="utf-8")
    code, out, _ = run(folder, "--against", old, "--lang", language)
    assert code == 1
    said = {
        "zh": ["改动　现行 2:15　对孤寡老人上门看望。", "删去　另一版 5:1　附件略", "提示 看望", "2 句有变动，1 条规则、口径或提示要重读"],
        "en": ["changed　held 2:15　对孤寡老人上门看望。", "removed　other 5:1　附件略", "note visit", "2 sentences differ, 1 rules"],
    }  # fmt: skip
    for words in said[language]:
        assert words in out


def test_bad_input_is_refused(folder: Path) -> None:
    other = folder / "other.txt"
    other.write_text("毫不相干。\n", encoding="utf-8")
    assert run(folder / "nowhere")[0] == 2
    assert run(folder, "--against", folder / "nowhere.txt")[0] == 2
    assert run(folder, "--against", other)[0] == 2
    assert run(folder, "--against", folder / "sources", "--format", "html")[0] == 2
    (folder / "n.rules").write_text(RULES.replace("= 困难", "= 富裕"), encoding="utf-8")
    assert run(folder)[0] == 2
    assert run(folder, "--against", folder / "sources")[0] == 2


# ---- the outputs


def test_the_command_says_what_is_left(folder: Path) -> None:
    code, out, _ = run(folder)
    assert code == 1
    assert "  2:1　条款、金额、定义　对困难户给予补助，按月发放;\n      ← 条款 给补助　" in out
    assert "  2:15　未着落　对孤寡老人上门看望。" in out
    assert out.splitlines()[-1] == "  虚构〔2020〕1号：42 字中 12 字有着落（条款 8、金额 4）　28 %"
    code, out, _ = run(folder, "--lang", "en")
    assert out.splitlines()[-1] == "  doc: 12 of 42 characters accounted for (clause 8, amount 4)  28 %"


def shape(value: Any) -> Any:
    """The keys of some plain data, those of lists taken together."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [
            {key: max((shape(each[key]) for each in value), key=lambda s: len(str(s))) for key in value[0]}
        ]
    if isinstance(value, list):
        return sorted({type(inner).__name__ for inner in value})
    return type(value).__name__


def test_the_json_keeps_its_shape(folder: Path) -> None:
    found = coverage.measure(loader.load(folder).program)
    data = coverage.to_data(found, {"aid": [CaseResult("困难户", "cases.rules:3", "passed")]})
    stretch = {"line": "int", "column": "int", "start": "int", "end": "int"}
    assert shape(data) == {
        "complete": "bool",
        "texts": [
            {
                "id": "str", "name": "str", "document": "str", "file": "str", "excerpt": "bool",
                "characters": "int", "covered": "int", "percent": "int",
                "kinds": dict.fromkeys(("clause", "amount", "definition", "objective", "procedure", "heading"), "int"),
                "sentences": [
                    {"sentence": "int", **stretch, "words": "str", "characters": "int", "covered": "int", "state": "str",
                     "kinds": ["str"], "rules": ["str"], "open": [{**stretch, "words": "str"}]}
                ],
            }
        ],
        "rules": [
            {
                "id": "str", "declared": "str", "kind": "str", "name": "str", "place": "str",
                "sentences": [{"text": "str", "sentence": "int", **stretch, "locator": "str", "quote": "str"}],
                "not_held": [], "readings": ["str"], "cases": [{"name": "str", "place": "str", "state": "str"}],
            }
        ],
        "readings": [{"id": "str", "name": "str", "number": "str", "place": "str", "chosen": "str", "refused": ["str"]}],
    }  # fmt: skip
    assert data["texts"][0]["sentences"][3]["open"] == [
        {"line": 3, "column": 1, "start": 32, "end": 43, "words": "鼓励各村互助，多方参与"}
    ]
    assert json.loads(run(folder, "--format", "json")[1])["complete"] is False


class Page(HTMLParser):
    """A page taken apart: its anchors, links, and the words of the passages by what they are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.outside: list[str] = []
        self.tags: list[str] = []
        self.words: dict[str, list[str]] = {}
        self._kind = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag == "a":
            self.links.append(given.get("href") or "")
        self.outside += [name for name in ("src", "srcset", "action", "onclick") if name in given]
        kinds = (given.get("class") or "").split()
        self._kind = kinds[1] if kinds[:1] == ["k"] and "chip" not in kinds else ""

    def handle_endtag(self, tag: str) -> None:
        self._kind = ""

    def handle_data(self, data: str) -> None:
        if self._kind:
            self.words.setdefault(self._kind, []).append(data)


def page_of(policies: Policies, **given: Any) -> str:
    return coverage.to_html(coverage.measure(policies.program), policies.sources, **given)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_needs_nothing_else_and_its_links_lead_somewhere(language: str) -> None:
    html = page_of(loader.load_bundled(), language=language)
    page = Page(html)
    assert not page.outside and "link" not in page.tags and "img" not in page.tags
    assert not re.search(r"https?:|//\w|@import|url\(", html)
    assert {link[0] for link in page.links} == {"#"}
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_the_page_shows_each_passage_as_what_it_is(folder: Path) -> None:
    html = page_of(loader.load(folder), cases={"aid": [CaseResult("困难户甲", "cases.rules:3", "failed")]})
    words = Page(html).words
    assert words["clause"] == ["对", "困难户", "给予补助"]  # 困难户 is quoted by the definition too
    assert words["amount"] == ["按月发放"]
    assert words["open"] == ["帮扶办法", "对孤寡老人上门看望", "鼓励各村互助，多方参与", "2020年落实"]
    for said in (
        "采用</span>每月一次",
        "不采用</span>每季一次",
        "✗ 结果不符",
        "困难户甲",
        "cases.rules:3",
        "列入“补助名单”",
    ):
        assert said in html
    assert "尚无案例" not in html and "尚无案例" in page_of(loader.load(folder))


def test_the_page_escapes_what_others_wrote(folder: Path) -> None:
    (folder / "sources" / "n.txt").write_text(SMALL + '<script>"甲"&乙</script>\n', encoding="utf-8")
    (folder / "n.rules").write_text(RULES.replace("每月一次", "<b>每月</b>&'一次'"), encoding="utf-8")
    html = page_of(loader.load(folder), cases={"aid": [CaseResult("<i>甲</i>", "<u>", "not_run")]})
    for raw in ("<b>每月", "<i>甲", "<u>", '<script>"'):
        assert raw not in html
    assert html.count("<script>") == 1
    assert (
        "script&gt;&quot;甲&quot;&amp;乙&lt;/script" in html
        and "&lt;b&gt;每月&lt;/b&gt;&amp;&#x27;一次&#x27;" in html
    )


def test_the_page_is_the_same_every_time() -> None:
    assert page_of(loader.load_bundled()) == page_of(loader.load_bundled())


# ---- the notice -------------------------------------------------------------------------------------------------------

#: every sentence of the notice that the inventory names, by the place it is cited under
INVENTORY = """
一·0 二(一)·1 二(一)·2 二(一)·3 二(一)·4 二(二)一 二(二)二a 二(二)二b 二(二)二c 二(二)三a 二(二)三b 二(二)三c 二(二)三d
二(三)一 二(三)二a 二(三)二b 二(三)二c 二(三)三a 二(三)三b 二(三)三c 二(三)三d 二(四)·1 二(四)·2 二(四)·3 二(四)·4
二(五)一a 二(五)一b 二(五)一c 二(五)一d 二(五)一e 二(五)二a 二(五)二b 三(一) 三(二)a 三(二)b 三(二)c 三(三)a 三(三)b 三(四)
四(一) 四(二)a 四(二)b 四(二)c 四(三)a 四(三)b
"""


def test_the_notice_is_covered_whole() -> None:
    found = coverage.measure(loader.load_bundled().program)
    notice = next(text for text in found.texts if text.text.name.id == "plan")
    assert {left(notice, s)[0] for s in notice.sentences if s.open} == set()
    assert found.complete and coverage.to_text(found).endswith("　100 %\n")


def test_every_row_of_the_inventory_is_found_under_its_place() -> None:
    rules = coverage.measure(loader.load_bundled().program).rules
    cited = {cite.locator for places in rules for cite in places.rule.basis.cites if cite.text == "plan"}
    assert [place for place in INVENTORY.split() if place not in cited] == []
