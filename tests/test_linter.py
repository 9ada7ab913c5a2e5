"""The lints: each speaks on a small example, and is silent on what only looks like it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from policykit import loader
from policykit.diagnostics import CATALOGUE, Diagnostic
from policykit.linter.names import mistakable
from policykit.linter.timeline import chart
from policykit.source import Source
from policykit.wording import comparisons, figures, forbids, gives, obliges, permits

LAW = """第一条 家庭人均收入低于当地标准的，给予补助。
第二条 未满16周岁的儿童和60周岁以上的老人，给予补助。
第三条 对退出的家庭可给予1-3个月的补助。
第四条 不得让病人入住养老院。
第五条 连续6个月以上没有收入的，应当给予补助。
第六条 有3项以下（含3项）指标不能达到的，给予补助。
第七条 残疾等级为一、二级的残疾人，收入低于标准1.5倍的，给予补助。
第八条 本办法自2020年1月1日起施行，由民政部门解释，一段时间后按第三条处理。
第九条 老人可以自行选择养老院。
第十条 家庭收入超过标准的，给予补助。
第十一条 可享受至18周岁；年满18周岁仍在读的，可继续享受。
"""

WORDS = """语言 1
文本 办法 (law) 「sources/law.txt」

实体 户 (household)
    组成 成员 (members)：人 1 至 10 个

实体 人 (person)

选项 等级 (grade) 由重到轻：一级 (g1)、二级 (g2)、三级 (g3)

事实 人.收入 (income)：金额 元/月

事实 人.年龄 (age)：数 周岁
    范围：0 周岁 至 150 周岁

事实 人.残疾 (disabled)：是否

事实 人.患病 (ill)：是否

事实 人.等级 (grade)：选项 等级 或 无

事实 人.失业月数 (months_out_of_work)：数 个月

参数 当地标准 (line)：金额 元/月
    文号：「虚构」

待遇 补助 (aid) 对每个 人

行为 入住 (admission)

行为 走访 (visit)

"""

#: every word above is used here, so that W007 has nothing to say of it
KEPT = """
条款 留用 (kept)
    依据：办法 第八条 「由民政部门解释」
    对每个 人
    适用范围：残疾 或者 患病 或者 有 等级 或者 收入 为 当地标准 或者 年龄 为 1 周岁 或者 失业月数 为 1 个月 或者 获得 补助
    列入：名单

条款 留用走访 (kept_visit)
    依据：办法 第八条 「由民政部门解释」
    对每个 人
    应当：走访，期限 未规定

条款 留用禁止 (kept_ban)
    依据：办法 第四条 「不得让病人入住养老院」
    对每个 人
    条件：患病
    不得：入住
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "law.txt").write_text(LAW, encoding="utf-8")
    yield tmp_path


def lint(root: Path, rules: str, kept: str = KEPT) -> list[Diagnostic]:
    """What `policykit check` says of some rules that use the words above."""
    return loader.compile_all([Source("rules.rules", f"{WORDS}{rules}\n{kept}")], (root,), lints=True)[1]


def codes(root: Path, rules: str, kept: str = KEPT) -> list[str]:
    return [diagnostic.code for diagnostic in lint(root, rules, kept)]


def field(diagnostic: Diagnostic, name: str) -> str:
    return dict(diagnostic.fields)[name]


def clause(article: str, quote: str, *lines: str, name: str = "本条", period: str = "") -> str:
    """The text of a clause that quotes an article."""
    head = f"条款 {name} (this_clause) {period}"
    return "\n    ".join([head, f"依据：办法 {article} 「{quote}」", "对每个 人", *lines]) + "\n\n"


GRANT = "给予：补助，每月 100 元/月"


def test_the_words_themselves_are_clean(root: Path) -> None:
    assert lint(root, "") == []


# ---- what the words of a text say


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("给予12个月渐退期", ["12个月"]),
        ("可给予1-3个月的低保金", ["1个月", "3个月"]),
        ("残疾等级为一、二级的", ["一级", "二级"]),
        ("一级二级残疾或三级四级精神", ["一级", "二级", "三级", "四级"]),
        ("标准1.5倍", ["1.5倍"]),
        ("连续三年以上（含三年）", ["三年", "三年"]),
        ("年满十六周岁", ["十六周岁"]),
        ("百分之五十", ["百分之五十"]),
        ("between 1 and 3 months", ["3 months"]),
        ("2020年4月6日", []),
        ("2020年4月下旬至6月", []),
        ("第十三条第（三）项", []),
        ("民发〔2012〕220号", []),
        ("一段时间后一定困难", []),
        ("困难残疾人两项补贴", []),
        ("“十四五”期间", []),
        ("一是强化，二是严格", []),
        ("每月底前", []),
    ],
)
def test_figures_are_numbers_with_a_unit(text: str, found: list[str]) -> None:
    assert [figure.words for figure in figures(text)] == found


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("未满16周岁", "lt"),
        ("60周岁以上", "ge"),
        ("不超过3人", "le"),
        ("3项以下", "le"),
        ("年满18周岁", "ge"),
        ("至18周岁", ""),
        ("期满12个月", ""),
        ("under 16 years old", "lt"),
        ("60 years of age or over", "ge"),
        ("not more than 3 months", "le"),
    ],
)
def test_the_words_around_a_figure_compare(text: str, way: str) -> None:
    assert [figure.way for figure in figures(text)] == [way]


def test_a_comparison_has_its_sides() -> None:
    (found,) = comparisons("家庭人均收入低于当地标准的，给予补助")
    assert (found.way, found.left, found.right) == ("lt", "家庭人均收入", "当地标准的")
    assert list(comparisons("低于16周岁")) == []


def test_modality_is_read_narrowly() -> None:
    assert permits("视情先行给予临时救助") and permits("可以给予一定时间的渐退期")
    assert not permits("全部可支配收入") and not permits("可以自行选择") and not permits("可以申请救助")
    assert obliges("要及时纳入") and obliges("必须动员") and not obliges("需要给予帮助的主要人员")
    assert gives("给予补助")
    assert [word for _, word in forbids("不得入住；补助不得超过100元")] == ["不得"]


# ---- W001 to W003: quote beside rule


@pytest.mark.parametrize(
    ("article", "quote", "condition", "wrong"),
    [
        ("第一条", "家庭人均收入低于当地标准的，给予补助", "收入 不超过 当地标准", True),
        ("第一条", "家庭人均收入低于当地标准的，给予补助", "收入 低于 当地标准", False),
        ("第一条", "家庭人均收入低于当地标准的，给予补助", "当地标准 超过 收入", False),
        ("第一条", "家庭人均收入低于当地标准的，给予补助", "并非 收入 不低于 当地标准", False),
        ("第一条", "家庭人均收入低于当地标准的，给予补助", "残疾", False),
        ("第十条", "家庭收入超过标准的，给予补助", "收入 不低于 当地标准", True),
        ("第二条", "未满16周岁的儿童", "年龄 不超过 16 周岁", True),
        ("第二条", "未满16周岁的儿童", "年龄 不满 16 周岁", False),
        ("第二条", "未满16周岁的儿童", "年龄 不超过 15 周岁", False),
        ("第二条", "60周岁以上的老人，给予补助", "年龄 超过 60 周岁", True),
        ("第二条", "60周岁以上的老人，给予补助", "年龄 为 60 周岁 以上", False),
        ("第五条", "连续6个月以上没有收入的", "失业月数 超过 6 个月", True),
    ],
)
def test_the_comparison_of_the_quote_is_that_of_the_rule(
    root: Path, article: str, quote: str, condition: str, wrong: bool
) -> None:
    assert codes(root, clause(article, quote, f"条件：{condition}", GRANT)) == ["W001"] * wrong


def test_a_figure_that_is_said_twice_may_be_meant_either_way(root: Path) -> None:
    fact = "事实 人.不能项数 (failed)：数 项\n\n"
    quoted = "有3项以下（含3项）指标不能达到的，给予补助"
    assert codes(root, fact + clause("第六条", quoted, "条件：不能项数 低于 3 项", GRANT)) == ["W001"]
    both = clause(
        "第十一条", "可享受至18周岁；年满18周岁仍在读的，可继续享受", "条件：年龄 不满 18 周岁", GRANT
    )
    assert codes(root, both) == []


def test_a_comparison_in_a_term_counts_for_its_clause(root: Path) -> None:
    term = "定义 困难 对每个 人 (poor)\n    = 收入 {} 当地标准\n\n"
    quoted = clause("第一条", "家庭人均收入低于当地标准的，给予补助", "条件：困难", GRANT)
    assert codes(root, term.format("低于") + quoted) == []
    young = clause("第二条", "未满16周岁的儿童", "条件：年龄 不超过 16 周岁", GRANT)
    assert field(lint(root, young)[0], "words") == "未满16周岁"
    (found,) = lint(root, term.format("不超过") + quoted)
    assert (found.code, field(found, "words"), field(found, "rule")) == (
        "W001",
        "低于",
        "收入 不超过 当地标准",
    )
    assert found.excerpt.strip().startswith("依据：")


@pytest.mark.parametrize(
    ("article", "quote", "effect", "wrong"),
    [
        ("第三条", "可给予1-3个月的补助", "给予：补助，每月 100 元/月，为期 3 个月\n    待核实：「1个月起」", True),
        ("第三条", "可给予1-3个月的补助", "可给予：补助，每月 100 元/月，为期 3 个月\n    待核实：「1个月起」", False),
        ("第一条", "给予补助", "可给予：补助，每月 100 元/月", True),
        ("第五条", "应当给予补助", "可给予：补助，每月 100 元/月", True),
        ("第五条", "应当给予补助", GRANT, False),
        ("第九条", "老人可以自行选择养老院", GRANT, False),
        ("第八条", "由民政部门解释", "可给予：补助，每月 100 元/月", False),
        ("第三条", "对退出的家庭可给予1-3个月的补助", "应当：走访，每隔 1 个月，由 「村里」\n    待核实：「3个月」", True),
        ("第一条", "给予补助", "不得：入住", True),
        ("第四条", "不得让病人入住养老院", "发现：病人", False),
    ],
)  # fmt: skip
def test_the_modality_of_the_quote_is_that_of_the_clause(
    root: Path, article: str, quote: str, effect: str, wrong: bool
) -> None:
    found = codes(root, clause(article, quote, "条件：残疾", effect))
    assert found == ["W002"] * wrong


def test_a_quoted_ban_needs_a_ban(root: Path) -> None:
    duty = clause("第四条", "不得让病人入住养老院", "条件：患病", "应当：走访，期限 未规定")
    assert codes(root, duty) == []  # another clause bans it
    without = KEPT.replace(
        "    依据：办法 第四条 「不得让病人入住养老院」\n", "    依据：办法 第四条 「入住养老院」\n"
    )
    assert codes(root, duty, without) == [
        "W002",
        "W002",
    ]  # nothing bans it, and the ban that is left quotes no ban


def test_the_right_of_somebody_else_is_no_modality_of_the_clause(root: Path) -> None:
    lines = "依据：办法 第三条 「可给予1-3个月的补助」 [权利]"
    assert codes(root, clause("第五条", "应当给予补助", lines, "条件：残疾", GRANT)) == []


@pytest.mark.parametrize(
    ("article", "quote", "condition", "missing"),
    [
        ("第五条", "连续6个月以上没有收入的，应当给予补助", "残疾", ["6个月"]),
        ("第五条", "连续6个月以上没有收入的，应当给予补助", "失业月数 不低于 6 个月", []),
        ("第五条", "连续6个月以上没有收入的，应当给予补助", "失业月数 超过 5 个月", []),
        ("第七条", "残疾等级为一、二级的残疾人", "等级 为 二级 以上", []),
        ("第七条", "残疾等级为一、二级的残疾人", "等级 为 一级", ["二级"]),
        ("第七条", "收入低于标准1.5倍的，给予补助", "收入 低于 当地标准 × 1.5", []),
        ("第七条", "收入低于标准1.5倍的，给予补助", "收入 低于 当地标准 × 150 %", []),
        ("第七条", "收入低于标准1.5倍的，给予补助", "收入 低于 当地标准 × 2", ["1.5倍"]),
        ("第八条", "本办法自2020年1月1日起施行", "残疾", []),
        ("第八条", "一段时间后按第三条处理", "残疾", []),
    ],
)
def test_the_figures_of_the_quote_stand_in_the_rule(
    root: Path, article: str, quote: str, condition: str, missing: list[str]
) -> None:
    found = lint(root, clause(article, quote, f"条件：{condition}", GRANT))
    assert [(d.code, field(d, "words")) for d in found] == [("W003", words) for words in missing]


def test_a_figure_may_stand_in_a_discretion_a_term_or_a_name(root: Path) -> None:
    choice = "裁量：月数 (months)：1 至 3 个月，由 「镇里」"
    assert (
        codes(
            root,
            clause("第三条", "可给予1-3个月的补助", f"可给予：补助，一次 100 元/月 × 月数\n    {choice}"),
        )
        == []
    )
    term = "定义 久无收入 对每个 人 (long_without)\n    = 失业月数 不低于 6 个月\n\n"
    assert codes(root, term + clause("第五条", "连续6个月以上没有收入的", "条件：久无收入", GRANT)) == []
    fact = "事实 人.无收入 (no_income)：是否\n    问：「是不是连续6个月以上没有收入？」\n\n"
    assert codes(root, fact + clause("第五条", "连续6个月以上没有收入的", "条件：无收入", GRANT)) == []


def test_what_is_said_to_those_outside_is_not_in_the_rule(root: Path) -> None:
    lines = "范围外：「不满6个月的，下次再来」"
    assert codes(root, clause("第五条", "连续6个月以上没有收入的", lines, "条件：残疾", GRANT)) == ["W003"]


def test_a_whole_figure_may_be_written_as_the_other_side_of_its_neighbour(root: Path) -> None:
    fact = "事实 人.不能项数 (failed)：数 项\n\n"
    quoted = "有3项以下（含3项）指标不能达到的，给予补助"
    assert codes(root, fact + clause("第六条", quoted, "条件：并非 不能项数 不低于 4 项", GRANT)) == ["W003"]
    assert codes(root, fact + clause("第六条", "有3项以下", "条件：并非 不能项数 不低于 4 项", GRANT)) == []
    assert codes(root, fact + clause("第六条", quoted, "条件：不能项数 不超过 3 项", GRANT)) == []


def test_the_figure_of_a_definition_is_not_the_clause_s_own(root: Path) -> None:
    lines = "依据：办法 第五条 「连续6个月以上没有收入的」 [定义]"
    assert codes(root, clause("第一条", "给予补助", lines, "条件：残疾", GRANT)) == []


# ---- W004 to W006: conditions


@pytest.mark.parametrize(
    ("scope", "test", "found"),
    [
        ("年龄 不满 16 周岁", "年龄 不低于 60 周岁", ["W004"]),
        ("残疾", "并非 残疾", ["W004"]),
        ("等级 为 一级", "等级 属于 {二级、三级}", ["W004"]),
        ("年龄 不满 60 周岁", "年龄 不低于 16 周岁", []),
        ("残疾", "患病", []),
        ("残疾", "残疾", ["W006"]),
        ("残疾", "患病 并且 残疾", ["W006"]),
        ("残疾", "患病 或者 患病", ["W006"]),
        ("残疾", "患病 或者 并非 患病", ["W005"]),
        ("残疾", "年龄 不低于 60 周岁 并且 年龄 不低于 16 周岁", ["W005"]),
        ("残疾", "年龄 不低于 60 周岁 或者 年龄 不低于 16 周岁", ["W005"]),
        ("残疾", "年龄 不低于 16 周岁 并且 年龄 不满 60 周岁", []),
        ("等级 为 一级", "等级 属于 {一级、二级}", ["W005"]),
        ("有 等级", "等级 为 一级", []),
        ("残疾", "有 等级 并且 等级 为 一级", []),
        ("残疾", "等级 属于 {一级、二级、三级}", []),  # 无 is left
        ("残疾", "年龄 不超过 150 周岁", ["W005"]),
        ("残疾", "年龄 超过 150 周岁", ["W005"]),
        ("残疾", "年龄 不超过 149 周岁", []),
        ("残疾", "患病 并且 是", ["W005"]),
    ],
)
def test_conditions_are_open_and_stand_once(root: Path, scope: str, test: str, found: list[str]) -> None:
    rules = clause("第一条", "给予补助", f"适用范围：{scope}", f"条件：{test}", GRANT)
    assert codes(root, rules) == found


def test_what_is_implied_is_told_with_what_implies_it(root: Path) -> None:
    rules = clause("第一条", "给予补助", "条件：年龄 不低于 60 周岁 并且 年龄 不低于 16 周岁", GRANT)
    (found,) = lint(root, rules)
    assert field(found, "condition") == "年龄 不低于 16 周岁"
    assert field(found, "why") == "有 `年龄 不低于 60 周岁` 就已定了"


def test_folds_over_one_list_are_the_same_condition(root: Path) -> None:
    lists = "实体 申请 (application)\n\n事实 申请.撤回 (withdrawn)：是否\n\n实体 家 (home)\n    记录 申请 (applications)：申请\n\n"
    rules = lists + clause("第一条", "给予补助", "条件：{} 或者 有 申请 满足 撤回", "列入：名单").replace(
        "对每个 人", "对每个 家"
    )
    assert codes(root, rules.format("有 申请 满足 撤回")) == ["W006"]
    assert codes(root, rules.format("有 申请 满足 (并非 撤回)")) == []


@pytest.mark.parametrize(
    ("period", "found"),
    [("2010-01-01 起 至 2014-12-31", ["W004"]), ("2015-01-01 起 至 2015-12-31", []), ("2022-01-01 起", ["W004", "W013"])],
)  # fmt: skip
def test_a_clause_is_in_force_while_its_text_is(root: Path, period: str, found: list[str]) -> None:
    text = "文本 旧办法 (old) 未收录 2015-01-01 起 至 2020-12-31\n\n"
    rules = f"条款 本条 (this) {period}\n    依据：旧办法 第一条\n    对每个 人\n    {GRANT}\n\n"
    assert codes(root, text + rules) == found


# ---- W007: not used


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ("事实 人.姓名 (name)：文字\n    问：「叫什么？」", "姓名"),
        ("定义 老人 对每个 人 (old) = 年龄 不低于 60 周岁", "老人"),
        ("参数 限额 (limit)：金额 元", "限额"),
        ("选项 种类 (kind)：甲 (a)、乙 (b)", "种类"),
        ("待遇 津贴 (allowance) 对每个 人", "津贴"),
        ("行为 探视 (see)", "探视"),
        ("文本 通知 (notice) 未收录", "通知"),
        ("口径 怎么算 (how)\n    采用：「照算」", "怎么算"),
        ("实体 村 (village)", "村"),
    ],
)
def test_what_nothing_refers_to_is_told(root: Path, declared: str, name: str) -> None:
    (found,) = lint(root, declared + "\n\n")
    assert (found.code, field(found, "name")) == ("W007", name)
    assert lint(root, declared + "\n\n", kept="") == []  # without a clause it is a vocabulary for others


def test_a_fact_that_nobody_is_asked_serves_explanations(root: Path) -> None:
    assert lint(root, "事实 人.姓名 (name)：文字\n\n") == []


def test_a_list_that_no_rule_reads_is_told(root: Path) -> None:
    lists = "实体 申请 (application)\n\n实体 家 (home)\n    记录 申请 (applications)：申请\n\n"
    listed = "条款 家里 (at_home)\n    依据：办法 第一条 「给予补助」\n    对每个 家\n    {}列入：名单\n\n"
    assert [field(d, "kind") for d in lint(root, lists + listed.format(""))] == ["列表"]
    assert lint(root, lists + listed.format("条件：有 申请\n    ")) == []


# ---- W008: readings


READING = "口径 怎么比 (how)\n    依据：办法 第一条 「低于当地标准」\n    采用：「照比」\n    {}\n\n"
OTHER = "口径 别的 (other)\n    采用：「照旧」\n\n条款 用别的 (uses_other)\n    依据：办法 第八条 「由民政部门解释」\n    口径：别的{}\n    对每个 人\n    列入：名单\n\n"


def test_a_clause_names_the_reading_of_the_words_it_quotes(root: Path) -> None:
    quoted = clause("第一条", "家庭人均收入低于当地标准的，给予补助", "{}", "条件：收入 低于 当地标准", GRANT)
    rules = READING.format("") + OTHER.format("、怎么比") + quoted
    assert codes(root, rules.format("范围外：「收入」")) == ["W008"]
    assert codes(root, rules.format("口径：怎么比")) == []
    assert codes(root, rules.format("口径：别的")) == ["W008"]
    assert (
        codes(root, rules.replace("家庭人均收入低于当地标准的，给予补助", "给予补助").format("口径：别的"))
        == []
    )


def test_a_reading_that_says_what_it_fixes_is_asked_where_that_is_used(root: Path) -> None:
    quoted = clause("第一条", "家庭人均收入低于当地标准的，给予补助", "口径：别的", "条件：{}", GRANT)
    rules = READING.format("见：当地标准") + OTHER.format("、怎么比") + quoted
    assert codes(root, rules.format("收入 低于 当地标准")) == ["W008"]
    assert codes(root, rules.format("残疾")) == []


def test_a_term_may_name_the_reading(root: Path) -> None:
    term = "定义 困难 对每个 人 (poor)\n    口径：怎么比\n    = 收入 低于 当地标准\n\n"
    quoted = clause("第一条", "家庭人均收入低于当地标准的，给予补助", "条件：困难", GRANT)
    assert codes(root, READING.format("见：困难") + term + quoted) == []


# ---- W009, W010: cases and documents


def test_every_clause_is_expected_of_by_a_case_once_there_are_cases(root: Path) -> None:
    case = """案例 残疾的 (disabled_case)
    评价日：2020-06-10
    已知 成员[1]：残疾 = 是、患病 = 是
    期望：成员[1] 补助 给予，由 本条
    期望：成员[1] 留用 适用

"""
    rules = clause("第一条", "给予补助", "条件：残疾", GRANT)
    found = lint(root, rules + case)
    assert {(d.code, field(d, "name")) for d in found} == {("W009", "留用走访"), ("W009", "留用禁止")}
    assert lint(root, rules) == []


@pytest.mark.parametrize(
    ("sheet", "found"),
    [
        ("设 标准 = 1 元\n", ["W010"]),
        ("设 标准 = 1 元\n    文号：「虚构」\n", []),
        ("设 标准 = 未设\n", []),
    ],
)
def test_a_value_has_a_document(sheet: str, found: list[str]) -> None:
    rules = Source("a.rules", "语言 1\n参数 标准 (line)：金额 元\n")
    loose = Source("b.rules", f"语言 1\n参数表 表 (sheet) 示例\n{sheet}")
    whole = Source("b.rules", f"语言 1\n参数表 表 (sheet) 示例\n    文号：「虚构」\n{sheet}")
    assert [d.code for d in loader.compile_all([rules, loose], (), lints=True)[1]] == found
    assert loader.compile_all([rules, whole], (), lints=True)[1] == []


# ---- W011: names


@pytest.mark.parametrize(
    ("a", "b"),
    [("单人保", "单入保"), ("末次核定", "未次核定"), ("家庭财产符合", "家庭财产附合"), ("渐退期期", "渐退期"),
     ("single_person", "single_preson"), ("household", "househhold")],
)  # fmt: skip
def test_names_that_can_be_mistaken(a: str, b: str) -> None:
    assert mistakable(a, b) and mistakable(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [("一级", "二级"), ("保人", "保户"), ("家庭年收入", "家庭月收入"), ("有生活来源人", "无生活来源人"), ("第1次复核", "第2次复核"),
     ("渐退期", "渐退"), ("特困成员不计", "特困成员不计入"), ("家庭收入", "家庭年收入"), ("精神等级", "智力等级"), ("单人保", "双人保"), ("多重之视力等级", "多重之智力等级"), ("义务人低收入", "义务人年收入"),
     ("visit", "visits"), ("application", "applications"), ("grade_1", "grade_2")],
)  # fmt: skip
def test_names_that_differ_on_purpose(a: str, b: str) -> None:
    assert not mistakable(a, b) and not mistakable(b, a)


def test_only_names_that_stand_for_one_another_are_compared(root: Path) -> None:
    one = "定义 末次核定 对每个 人 (last) = 残疾\n\n"
    other = "定义 未次核定 对每个 人 (not_last) = 患病\n\n"
    used = clause("第一条", "给予补助", "条件：末次核定 并且 未次核定", GRANT)
    assert codes(root, one + other + used) == ["W011"]
    reading = "口径 未次核定 (not_last)\n    采用：「照旧」\n\n"
    used = clause("第一条", "给予补助", "口径：未次核定", "条件：末次核定", GRANT)
    assert codes(root, one + reading + used) == []


# ---- W012, W013: the time line

TERM = "定义 困难 对每个 人 (poor) {}\n    = {}\n\n"


@pytest.mark.parametrize(
    ("clause_period", "term_period", "gap"),
    [
        ("2016-01-01 起", "2016-01-01 起 至 2020-12-31", "2021-01-01 起"),
        ("2016-01-01 起", "2017-01-01 起", "2016-01-01 至 2016-12-31"),
        ("2016-01-01 起 至 2020-12-31", "2016-01-01 起 至 2020-12-31", ""),
        ("", "2016-01-01 起", ""),  # a clause without a beginning is as old as what it needs
        ("2016-01-01 起", "", ""),
    ],
)
def test_a_gap_is_where_a_clause_grants_and_a_term_is_missing(
    root: Path, clause_period: str, term_period: str, gap: str
) -> None:
    rules = TERM.format(term_period, "残疾") + clause(
        "第一条", "给予补助", "条件：困难", GRANT, period=clause_period
    )
    found = lint(root, rules)
    assert [(d.code, field(d, "period"), field(d, "needs")) for d in found] == [("W012", gap, "困难")] * bool(
        gap
    )


def test_a_second_version_fills_the_gap(root: Path) -> None:
    first = TERM.format("2016-01-01 起 至 2020-12-31", "残疾")
    quoted = clause("第一条", "给予补助", "条件：困难", GRANT, period="2016-01-01 起")
    assert codes(root, first + TERM.format("2021-01-01 起", "患病") + quoted) == []
    late = TERM.format("2021-03-01 起", "患病")
    assert codes(root, first + late + quoted) == ["C004", "W012"] or codes(root, first + late + quoted) == [
        "W012",
        "C004",
    ]


def test_only_the_version_of_the_day_is_asked_for_its_terms(root: Path) -> None:
    inner = "定义 内项 对每个 人 (inner) 至 2020-12-31\n    = 残疾\n\n".replace(
        "至 2020", "2016-01-01 起 至 2020"
    )
    versions = TERM.format("2016-01-01 起 至 2020-12-31", "内项") + TERM.format("2021-01-01 起", "患病")
    quoted = clause("第一条", "给予补助", "条件：困难", GRANT, period="2016-01-01 起")
    assert codes(root, inner + versions + quoted) == []


def test_a_text_that_ended_needs_its_successor(root: Path) -> None:
    texts = "文本 旧 (old) 未收录 2015-01-01 起 至 2020-12-31\n\n文本 新 (new) 未收录 2021-01-01 起\n\n"
    rules = "条款 本条 (this) 2015-01-01 起{}\n    依据：旧 第一条{}\n    对每个 人\n    给予：补助，每月 100 元/月\n\n"
    rules += "条款 新条 (that) 2021-01-01 起\n    依据：新 第二条\n    对每个 人\n    列入：名单\n\n"
    assert codes(root, texts + rules.format("", "")) == ["W013"]
    assert codes(root, texts + rules.format("", "\n    依据：新 第一条")) == []
    assert codes(root, texts + rules.format(" 至 2020-12-31", "")) == []


def test_the_chart_shows_each_stretch(root: Path) -> None:
    rules = TERM.format("2016-01-01 起 至 2020-12-31", "残疾")
    rules += clause("第一条", "给予补助", "条件：困难", GRANT, period="2018-01-01 起")
    source = Source("rules.rules", f"{WORDS}{rules}\n{KEPT}")
    program = loader.compile_all([source], (root,))[0]
    assert chart(program, "zh") == (
        "补助 · 人\n"
        "             2016-01-01 起  2018-01-01 起  2021-01-01 起\n"
        "  条款 本条  -              有效           有效\n"
        "  定义 困难  有效           有效           缺\n"
        "  缺：本条 2021-01-01 起 有效，困难 没有版本"
    )
    assert (
        chart(program, "en").splitlines()[-1] == "  gap: this clause from 2021-01-01 on: no version of poor"
    )


# ---- what is allowed


def test_a_warning_is_left_out_with_a_reason(root: Path) -> None:
    wrong = clause("第一条", "给予补助", "{}", "条件：残疾 或者 残疾", GRANT)
    assert codes(root, wrong.format("不查：W006 「两处残疾各有出处」")) == []
    assert codes(root, wrong.format("allow: W006 「each stands for its own」")) == []
    assert codes(root, wrong.format("不查：W003 「没有数」")) == ["W014", "W006"]
    assert codes(root, wrong.format("不查：W006 「」")) == ["P012"]


def test_an_allowance_holds_for_its_own_declaration(root: Path) -> None:
    wrong = clause("第一条", "给予补助", "条件：残疾 或者 残疾", GRANT)
    other = "定义 老人 对每个 人 (old)\n    不查：W006 「没有」\n    = 年龄 不低于 60 周岁\n\n"
    used = clause("第八条", "由民政部门解释", "条件：老人", "列入：名单", name="用老人").replace(
        "this_clause", "uses_old"
    )
    assert sorted(codes(root, other + used + wrong)) == ["W006", "W014"]


def test_lints_are_warnings_and_only_on_demand(root: Path) -> None:
    assert {entry.severity for code, entry in CATALOGUE.items() if code[0] == "W"} == {"warning"}
    wrong = clause("第一条", "给予补助", "条件：残疾 或者 残疾", GRANT)
    assert loader.compile_all([Source("rules.rules", WORDS + wrong + KEPT)], (root,))[1] == []


def test_messages_are_in_the_language_of_the_file(root: Path) -> None:
    rules = (
        "language 1\nentity person\nfact person.disabled: yes or no\n    ask: 「?」\nsource law not held\n"
    )
    rules += "clause one\n    cites: law\n    for each: person\n    list in: register\n"
    (found,) = loader.compile_all([Source("a.rules", rules)], (root,), lints=True)[1]
    assert found.message() == "fact `disabled` is not used"
