"""The parser and the names: what is written wrongly is named, placed and mended; what is written rightly in two ways,
full- or half-width, Chinese or English, means the same."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from policykit import loader
from policykit.diagnostics import Diagnostic
from policykit.parser import MAX_ERRORS, parse
from policykit.source import Source

WORDS = """语言 1
文本 办法 (law) 未收录
实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 10 个
实体 人 (person) 计 人
    记录 收入项 (incomes)：收入项
实体 收入项 (income)
选项 户属性 (status)：一般农户 (ordinary)、困难户 (poor)
选项 残疾等级 (grade) 由重到轻：一级 (grade_1)、二级 (grade_2)、三级 (grade_3)
事实 户.户属性 (status)：选项 户属性
事实 人.年龄 (age)：数 岁
事实 人.残疾等级 (grade)：选项 残疾等级 或 无
事实 人.月收入 (income)：金额 元/月
事实 收入项.年金额 (yearly)：金额 元/年
参数 标准 (line)：金额 元/月
待遇 补助 (aid) 对每个 户、人
"""
FIRST = WORDS.count("\n") + 1  # the line on which a text below begins


def diagnose(rules: str, words: str = WORDS) -> list[Diagnostic]:
    """What is wrong with a text that may use the words above; rendering any of it must not fail."""
    found = loader.compile_all([Source("a.rules", words + rules)], ())[1]
    assert all(diagnostic.render("zh") and diagnostic.render("en") for diagnostic in found)
    return found


def clause(*lines: str) -> str:
    return "\n    ".join(["条款 甲款 (a)", "依据：办法", "对每个 人", *lines]) + "\n"


def define(body: str) -> str:
    return f"定义 甲 对每个 人 (a)\n    = {body}\n"


# ---- one fault ---------------------------------------------------------------------------------------------------

FAULTS = {
    # what does not fit
    "a line that breaks off": (define("年龄 大于"), "P001", (2, 12), "行末", ""),
    "a line that breaks off before the next field": (
        clause("条件：年龄 大于", "给予：补助，每月 标准"), "P001", (4, 13), "行末", "",
    ),
    "a parenthesis left open": (define("(年龄 大于 8 岁"), "P001", (2, 17), "行末", ""),
    "a parenthesis too many": (define("年龄 大于 8 岁)"), "P001", (2, 16), "`)`", ""),
    "an operator left out": (define("年龄 80 岁"), "P001", (2, 10), "比较词", ""),
    "an operator misspelt": (define("年龄 低与 80 岁"), "P001", (2, 10), "低于", "= 年龄 低于 80 岁"),
    "a condition that goes on without 并且": (
        define("年龄 大于 8 岁\n      月收入 低于 标准"), "P001", (3, 7), "接着上一行写：并且、或者", "",
    ),
    "a field misspelt": (
        clause("条建：年龄 大于 8 岁", "给予：补助，每月 标准"), "P001", (4, 5), "条件", "条件：年龄 大于 8 岁",
    ),
    "a unit nobody knows": (define("年龄 大于 80 公斤"), "P001", (2, 16), "周岁", ""),
    "a filter without parentheses": (
        define("任一 收入项 满足 年金额 大于 8 元/年"), "P001", (2, 21), "满足 后面写成 (…)", "",
    ),
    "a swallowed keyword before 以上": (
        define("残疾等级为二级 以上"), "P001", (2, 15), "漏了空格", "= 残疾等级 为 二级 以上",
    ),
    "a keyword as a name": ("定义 有 (a)\n    = 是\n", "P001", (1, 4), "【有】", ""),
    "a header that breaks off": ("条款 甲款 (a\n    依据：办法\n", "P001", (1, 9), "行末", ""),
    "a full stop": (define("年龄 大于 8 岁。"), "P002", (2, 16), "句号", "= 年龄 大于 8 岁"),
    "a quote left open": (clause("依据：办法 「第九条"), "P002", (4, 11), "」", ""),
    "other quotation marks": (clause("英文：“A”"), "P002", (4, 8), "「…」", ""),
    "a declaration misspelt": ("条欵 甲款 (a)\n", "P003", (1, 1), "条款", "条款 甲款 (a)"),
    "a field in the first column": (clause() + "给予：补助\n", "P003", (4, 1), "空几格", "    给予：补助"),
    "words that are no rule": ("今天天气很好\n", "P003", (1, 1), "顶格", ""),
    "并且 and 或者 mixed": (
        define("年龄 大于 8 岁 或者 年龄 小于 3 岁 并且 年龄 不等于 1 岁"), "P004", (2, 30), "括号",
        "年龄 大于 8 岁 或者 (年龄 小于 3 岁 并且 年龄 不等于 1 岁)",
    ),
    "a field given twice": (clause("条件：是", "条件：否", "给予：补助，每月 标准"), "P005", (5, 5), "条件", ""),
    "two effects in one clause": (clause("给予：补助，每月 标准", "不给予：补助"), "P005", (5, 5), "不给予", ""),
    "two subjects of one clause": (
        "条款 甲款 (a)\n    依据：办法\n    对每个 人、户\n    给予：补助，每月 标准\n", "P005", (3, 11), "对每个", "",
    ),
    "a monthly and a single payment": (
        "金额 甲 对每个 人 (a)\n    给予：补助\n    每月：标准\n    一次：1 元\n", "P005", (4, 5), "一次", "",
    ),
    "a field left out": ("条款 甲款 (a)\n    对每个 人\n    给予：补助，每月 标准\n", "P006", (1, 4), "依据", ""),
    "a clause about nobody": ("条款 甲款 (a)\n    依据：办法\n    给予：补助，每月 标准\n", "P006", (1, 4), "对每个", ""),
    "a note about nobody": ("提示 甲示 (a)\n    内容：「a」\n", "P006", (1, 4), "对每个", ""),
    "a clause without an effect": (clause("条件：是"), "P006", (1, 4), "给予", ""),
    "a term without a body": ("定义 甲 (a)\n", "P006", (1, 4), "=", ""),
    "a field of another declaration": (
        "选项 甲 (a)：乙 (b)\n    条件：是\n", "P007", (2, 5), "条件", "",
    ),
    "a day that does not exist": (define("2020-02-30 早于 今日"), "P009", (2, 7), "2020-02-30", ""),
    "a month that does not exist": (define("2020-13 早于 本月"), "P009", (2, 7), "2020-13", ""),
    "a date written otherwise": (
        "条款 甲款 (a) 2020/4/6 起\n    依据：办法\n", "P009", (1, 11), "2020/4/6", "条款 甲款 (a) 2020-04-06 起",
    ),
    "a name that is none": ("定义 甲① (a)\n    = 是\n", "P010", (1, 4), "甲①", ""),
    "a name without end": (f"定义 {'甲' * 101} (a)\n    = 是\n", "P010", (1, 4), "100", ""),
    "a code that is no whole number": ("选项 甲 (a)：乙 (b) = 1.5\n", "P011", (1, 18), "整数", ""),
    "a number without end": (define(f"年龄 大于 {'9' * 31} 岁"), "P011", (2, 13), "30 位", ""),
    # names
    "a name nobody declared": (define("年齡 大于 8 岁"), "N001", (2, 7), "`年龄`", ""),
    "an entity nobody declared": ("待遇 乙 (b) 对每个 车\n", "N001", (1, 14), "实体 车", ""),
    "a fact of the household read of a person": (
        define("户属性 为 困难户"), "N001", (2, 7), "户属性", "户.户属性",
    ),
    "a warning left out without a reason": (
        clause("不查：W003 「 」", "条件：有 残疾等级", "给予：补助，每月 标准"), "P012", (4, 5), "W003", "",
    ),
    "a swallowed 为": (
        clause("条件：户.户属性为一般农户", "给予：补助，每月 标准"), "N001", (4, 10), "空格", "条件：户.户属性 为 一般农户",
    ),
    "a swallowed 没有": (define("没有残疾等级"), "N001", (2, 7), "空格", "= 没有 残疾等级"),
    "a swallowed 不为": (define("残疾等级不为二级"), "N001", (2, 7), "空格", "= 残疾等级 不为 二级"),
    "one name for two things": ("待遇 补助 (other) 对每个 人\n", "N002", (1, 4), "a.rules:16:4", ""),
    "one identifier for two things": ("待遇 津贴 (aid) 对每个 人\n", "N002", (1, 4), "aid", ""),
    "a label twice": ("选项 甲 (a)：乙 (b)、乙 (c)\n", "N002", (1, 16), "乙", ""),
    "a name that holds an operator": (
        "定义 收入低于标准 对每个 人 (a)\n    = 是\n", "N003", (1, 4), "低于", "定义 【收入低于标准】 对每个 人 (a)",
    ),
    "a label that begins with an operator": (
        "选项 甲 (a)：乙 (b)、超过标准 (c)\n", "N003", (1, 16), "超过", "选项 甲 (a)：乙 (b)、【超过标准】 (c)",
    ),
    "a list read as a value": (define("收入项 大于 8 元/年"), "N004", (2, 7), "列表", ""),
    "a value read as a list": (define("任一 年龄 满足 (是)"), "N004", (2, 10), "周岁", ""),
    "a name without an identifier": ("待遇 津贴 对每个 人\n", "N005", (1, 4), "津贴", ""),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_placed_and_mended(fault: str) -> None:
    rules, code, (line, column), words, fix = FAULTS[fault]
    (found,) = diagnose(rules)
    assert found.code == code
    assert found.where == f"a.rules:{FIRST + line - 1}:{column}"
    assert words in found.message() + found.help()
    assert found.fix == fix
    assert found.excerpt == (WORDS + rules).split("\n")[FIRST + line - 2]


def test_every_code_for_writing_and_names_is_shown_here() -> None:
    from policykit.diagnostics import CATALOGUE

    shown = {code for _, code, *_ in FAULTS.values()} | {"P008"}
    assert {code for code in CATALOGUE if code[0] in "PN"} == shown


@pytest.mark.parametrize(
    ("version", "codes"), [("1", []), ("2", ["P008"]), ("1.5", ["P008"]), ("9" * 5000, ["P008", "P011"])]
)
def test_a_file_may_need_a_newer_language(version: str, codes: list[str]) -> None:
    assert [d.code for d in diagnose(f"语言 {version}\n", "")] == codes


def test_the_place_is_marked_under_the_line() -> None:
    (found,) = diagnose(define("年齡 大于 8 岁"))
    assert found.render() == (
        f"a.rules:{FIRST + 1}:7: 错误 N001: 没有声明过 `年齡`\n"
        "        = 年齡 大于 8 岁\n"
        "          ^\n"
        "  改法：是否想写 `年龄`？"
    )


def test_a_long_line_is_shown_only_around_the_place() -> None:
    (found,) = diagnose(define("年龄 大于 1 岁" + " + 1 岁" * 100 + " + 甲 岁"))
    assert max(map(len, found.render().split("\n"))) < 250


# ---- several faults ----------------------------------------------------------------------------------------------

SEVERAL = """条款 甲款 (a)
    依据：办法
    对每个 人
    适用范围：年龄 大于
    条建：年龄 大于 8 岁
    给予：补助，每月 标准

条欵 乙款 (b)

定义 丙 对每个 人 (c)
    = 年龄 大于 80 公斤

定义 丁 对每个 人 (d)
    = 没有 戊 并且 丙
"""


def test_several_faults_are_found_in_one_run_from_the_top() -> None:
    assert [(d.code, int(d.where.split(":")[1]) - FIRST + 1) for d in diagnose(SEVERAL)] == [
        ("P001", 4),
        ("P001", 5),
        ("P003", 8),
        ("P001", 11),
        ("N001", 14),  # 戊; but not 丙, which is declared, if not understood
    ]


@pytest.mark.parametrize(
    ("lost", "users"),
    [
        ("选项 类别 (kind)：甲类 (a)、\n", "事实 人.类别 (kind)：选项 类别\n" + define("类别 为 甲类")),
        ("实体 车 车 (car)\n", "事实 车.价 (price)：金额 元\n实体 车库 (garage)\n    组成 车们 (cars)：车\n"),
        ("事实 人.身高 (height)：高\n", define("身高 大于 3")),
        ("参数 线 (limit)：金额 元/斤\n", define("月收入 低于 线")),
        ("待遇 津贴 对每 人 (allowance)\n", clause("不给予：津贴")),
        ("条款 乙款\n    (b) 依据\n    依据：办法\n", clause("不给予：补助", "优先于：乙款")),
        ("文本 通知 (notice)\n", clause("依据：通知 「a」", "不给予：补助")),
        ("定意 乙 对每个 人 (b)\n    = 是\n", define("乙")),
    ],
)
def test_what_stands_on_a_faulty_declaration_is_no_further_fault(lost: str, users: str) -> None:
    (found,) = diagnose(lost + users)
    assert int(found.where.split(":")[1]) <= FIRST + 1


def test_one_faulty_field_costs_no_other() -> None:
    module, errors = parse(Source("a.rules", WORDS + SEVERAL))
    declaration = next(d for d in module.declarations if d.kind == "clause")
    assert [field.keyword for field in declaration.fields] == ["cite", "for_each", "grant"]
    assert declaration.damaged
    assert len(errors) == 4


def test_a_file_full_of_faults_stops_at_a_limit() -> None:
    found = diagnose("错误的一行\n" * 500, "")
    assert [d.code for d in found].count("P003") == MAX_ERRORS
    assert found[-1].code == "L007" or found[0].code == "L007"


def test_lines_before_the_first_declaration_are_not_passed_over() -> None:
    assert [(d.code, d.where) for d in diagnose("    给予：补助\n" + WORDS, "")] == [("P003", "a.rules:1:5")]


# ---- the same thing written in several ways ----------------------------------------------------------------------


def body(text: str) -> Any:
    """The expression of a term, as written."""
    module, errors = parse(Source("a.rules", define(text)))
    assert not errors, str(errors[0])
    return plain(module.declarations[0].get("body"))


def plain(value: Any, slots: dict[str, int] | None = None, said: dict[str, str] | None = None) -> Any:
    """Nested data that is equal for what means the same: no places, and names by identifier only."""
    slots = {} if slots is None else slots
    kind = type(value).__name__
    if kind == "Name":
        return value.id
    if kind == "Var" and "#" in value.slot:
        return slots.setdefault(value.slot, len(slots)), plain(value.type, slots, said)
    if isinstance(value, frozenset | set):
        return frozenset(plain(item, slots, said) for item in value)
    if isinstance(value, tuple | list):
        return tuple(plain(item, slots, said) for item in value)
    if isinstance(value, dict):
        return {key: plain(item, slots, said) for key, item in value.items()}
    if is_dataclass(value):
        skipped = {"span", "shape", "fingerprint", "language", "slot", "unit"}
        named = [f.name for f in fields(value) if f.name not in skipped]
        return (kind, *(plain(getattr(value, name), slots, said) for name in named))
    return (said or {}).get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("年龄大于等于80 周岁", "年龄 大于等于 80 周岁"),
        ("年龄>=80周岁并且月收入<标准", "年龄 >= 80 周岁 并且 月收入 < 标准"),
        ("（年龄 ＋ １ 周岁） ＜ ８０ 周岁", "(年龄 + 1 周岁) < 80 周岁"),
        ("年龄　大于　80　周岁", "年龄 大于 80 周岁"),
        ("年龄 ≥ 80 周岁", "年龄 不低于 80 周岁"),
        ("残疾等级 属于 ｛一级，二级｝", "残疾等级 属于 {一级、二级}"),
        ("较大（年龄，8 周岁） 大于 9 周岁", "较大(年龄, 8 周岁) 大于 9 周岁"),
        ("2020年4月6日 早于 今日", "2020-04-06 早于 今日"),
        ("２０２０－０４－０６ 早于 今日", "2020-04-06 早于 今日"),
        ("2020年4月 早于 本月", "2020-04 早于 本月"),
        ("收入 × 20％ ＞ 1．5 元／年", "收入 × 20 % > 1.5 元/年"),
        ("户．户属性 为 困难户", "户.户属性 为 困难户"),
        ("户 的 户属性 为 困难户", "户.户属性 为 困难户"),
        ("年龄 大于 8 周岁 且 年龄 小于 9 周岁", "年龄 大于 8 周岁 并且 年龄 小于 9 周岁"),
        ("【年龄】 大于 8 周岁", "年龄 大于 8 周岁"),
        ("年龄 # 一句注释\n      大于 8 周岁", "年龄 大于 8 周岁"),
    ],
)
def test_full_and_half_width_are_the_same(one: str, other: str) -> None:
    def shape(value: Any) -> Any:
        return str(value).replace("人·月", "").replace("／", "/").replace("％", "%")

    assert shape(body(one)) == shape(body(other))


def test_comments_are_kept_by_line() -> None:
    module, _ = parse(Source("a.rules", "# 一\n语言 1 # 二\n文本 甲 (a) 「#x」 # 三\n"))
    assert module.comments == {1: "# 一", 2: "# 二", 3: "# 三"}


CHINESE = """语言 1
政策 试行办法 (trial)
文本 办法 (law) 未收录 2012-12-12 起 至 2021-06-30 止
    文号：「某发〔2012〕1号」

实体 户 (household) 计 户
    称呼：户主
    组成 成员 (members)：人 1 至 40 个
    记录 申请 (applications)：申请
实体 人 (person) 计 人
    记录 收入项 (incomes)：收入项
    引用 义务人 (obligors)：人 若干
    引用 配偶 (spouse)：人 或 无
实体 申请 (application)
    知悉日：申请日
实体 收入项 (income)

选项 户属性 (status)：一般户 (ordinary) = 1、困难户 (poor) = 2
选项 等级 (grade) 由重到轻：一级 (first)、二级 (second)、三级 (third)
选项 情形 (circumstance)：服刑 (prison)、失踪 (missing)
选项 形式 (form)：分散 (home)、集中 (institution)

事实 户.户主 (head)：文字
    敏感
事实 户.户属性 (status)：选项 户属性
    问：「?」
事实 人.出生日 (born)：日期
    不可变
    范围：1900-01-01 至 今日
事实 人.等级 (grade)：选项 等级 或 无
    须凭据：「证」
事实 人.情形 (circumstances)：多选 情形
事实 人.形式 (form)：选项 形式
事实 人.患病 (ill)：是否
    须判断：「医院」
事实 人.首月 (first_month)：年月 或 无
事实 申请.申请日 (applied_on)：日期
事实 申请.批准 (approved)：是否
事实 收入项.年金额 (yearly)：金额 元/年
    范围：0 元/年 至 1000000 元/年

参数 标准 (line)：金额 元/人·月
    范围：0 元/人·月 至 10000 元/人·月
    依据：办法 第一条
参数 扣减 对每个 人 (deduction)：金额 元/年
    范围：0 元/年 至 1000000 元/年
参数 护理费 按 形式 (care)：金额 元/月
    范围：0 元/月 至 10000 元/月
设 护理费[分散] = 100 元/月 2020-01-01 起 至 2020-12-31
设 扣减 = 年收入 × 20 %
设 标准 = 未设

定义 年收入 对每个 人 (annual)
    = 求和 收入项 取 年金额
定义 月净收入 对每个 人 (net)
    = (年收入 - 扣减) ÷ 12 月/年
定义 周岁数 对每个 人 (age)
    = 周岁(出生日, 今日)
定义 重残 对每个 人 (severe)
    = 等级 为 二级 以上 或者 (等级 属于 {三级} 并且 并非 情形 含 服刑)
定义 首次申请 对每个 户 (first_application)
    = 最早 申请 满足 (批准) 按 申请日
定义 月数 对每个 户 (months)
    = 如果 有 首次申请 则 本月 - 月份(首次申请.申请日) 否则 0 个月
定义 义务人均无能力 对每个 人 (unable)
    = 全部 义务人 称 甲 满足 (甲.户 不为 本人.户 并且 甲.患病)
定义 逐月有 对每个 人 (each_month)
    = 任一 逐月 2020-01 至 2020-03 称 那月 满足 (那月 等于 首月)
定义 人数 对每个 户 (count_of)
    = 计数 成员 满足 (周岁数 不满 16 周岁)

待遇 补助 (aid) 对每个 户、人
待遇 津贴 (bonus) 对每个 户
行为 入住 (admission)
行为 动员 (persuading) 属于 入住

金额 补助金 对每个 人 (amount) 2020-01-01 起
    依据：办法 第二条 [金额]
    给予：补助
    其中 基本 (basic)：四舍五入到分(较大(0 元/月, 标准 × 1 人 - 月净收入))
    其中 护理 (nursing)：护理费[形式]
    起始月：本月 + 1 个月
    为期：12 个月

条款 单人补助 (single) 2020-04-06 起 至 2021-06-30
    依据：办法 第一条
    口径：读法
    对每个 人
    适用范围：户.户属性 为 困难户 并且 有 等级
    条件：重残 并且 月净收入 低于 标准 × 1 人 并且 符合 整户补助
    给予：补助
    让位于：整户补助
    待核实：患病、「本人申请」
    范围外：「别处」

条款 整户补助 (whole)
    依据：办法 第二条
    对每个 户
    条件：任一 成员 满足 (重残) 并且 人数 不超过 3 人
    给予：补助，每月 100 元/月，自 本月，为期 3 个月
    优先于：单人补助

条款 一次津贴 (one_off)
    依据：办法 第三条
    对每个 户
    期间按：首次申请.申请日
    可给予：津贴，一次 10 元/月 × 月份数
    裁量：月份数 (n)：1 至 3 个月，由 「镇政府」，限额 30 元，超过 由 「县」
    所裁申请：首次申请

条款 不发 (never)
    依据：办法 第四条
    对每个 户
    条件：没有 申请
    不给予：津贴 及成员

条款 劝住 (persuade)
    依据：办法 第五条
    对每个 人
    应当：动员，完成 患病，期限 今日 + 3 天，每隔 1 个月，由 「镇」

条款 禁止 (ban)
    依据：办法 第五条
    对每个 人
    条件：患病 并且 并非 获得 补助
    不得：入住

条款 发现的 (seen)
    依据：办法 第六条
    对每个 人
    条件：待定(患病)
    发现：查一查 「说明」

互斥 二选一 (either)：补助、津贴 由 户 选择

口径 读法 (reading) A1
    采用：「甲」
    不采用：「乙」
    见：重残

提示 提醒 对每个 人 (reminder)
    条件：受阻 劝住
    内容：「说」
    紧急

目标 鼓励 (encourage)
    依据：办法 第七条
    类别：objective
    理由：「无」
"""

ENGLISH = """language 1
policy trial
source law not held from 2012-12-12 to 2021-06-30
    document: 「某发〔2012〕1号」

entity household counted in household
    called: head
    members members: person 1 to 40
    records applications: application
entity person counted in person
    records incomes: income
    refers obligors: person several
    refers spouse: person or none
entity application
    known from: applied_on
entity income

choice status: ordinary = 1, poor = 2
choice grade heaviest first: first, second, third
choice circumstance: prison, missing
choice form: home, institution

fact household.head: text
    sensitive
fact household.status: choice status
    ask: 「?」
fact person.born: date
    fixed
    range: 1900-01-01 to today
fact person.grade: choice grade or none
    needs paper: 「证」
fact person.circumstances: several of circumstance
fact person.form: choice form
fact person.ill: yes or no
    needs judgement: 「医院」
fact person.first_month: month or none
fact application.applied_on: date
fact application.approved: yes or no
fact income.yearly: money yuan/year
    range: 0 yuan/year to 1000000 yuan/year

parameter line: money yuan/person·month
    range: 0 yuan/person·month to 10000 yuan/person·month
    cites: law 第一条
parameter deduction for each person: money yuan/year
    range: 0 yuan/year to 1000000 yuan/year
parameter care by form: money yuan/month
    range: 0 yuan/month to 10000 yuan/month
set care[home] = 100 yuan/month from 2020-01-01 to 2020-12-31
set deduction = annual × 20 %
set line = unset

define annual for each person
    = sum incomes of yearly
define net for each person
    = (annual - deduction) ÷ 12 month/year
define age for each person
    = full_years(born, today)
define severe for each person
    = grade is second or above or (grade in {third} and not circumstances contains prison)
define first_application for each household
    = earliest applications where (approved) by applied_on
define months for each household
    = if has first_application then this_month - month_of(first_application.applied_on) else 0 months
define unable for each person
    = all obligors as a where (a.household is not self.household and a.ill)
define each_month for each person
    = any each month from 2020-01 to 2020-03 as that where (that equals first_month)
define count_of for each household
    = count members where (age below 16 years old)

measure aid for each household, person
measure bonus for each household
act admission
act persuading in admission

amount amount for each person from 2020-01-01
    cites: law 第二条 [金额]
    grant: aid
    part basic: round_to_fen(max_of(0 yuan/month, line × 1 person - net))
    part nursing: care[form]
    first month: this_month + 1 month
    for: 12 months

clause single from 2020-04-06 to 2021-06-30
    cites: law 第一条
    reading: reading
    for each person
    scope: household.status is poor and has grade
    when: severe and net below line × 1 person and meets whole
    grant: aid
    gives way to: whole
    to confirm: ill, 「本人申请」
    outside: 「别处」

clause whole
    cites: law 第二条
    for each household
    when: any members where (severe) and count_of at most 3 persons
    grant: aid, monthly 100 yuan/month, from this_month, for 3 months
    prevails over: single

clause one_off
    cites: law 第三条
    for each household
    period as of: first_application.applied_on
    may grant: bonus, once 10 yuan/month × n
    discretion n: 1 to 3 months, decided by 「镇政府」, limit 30 yuan, beyond decided by 「县」
    decides application: first_application

clause never
    cites: law 第四条
    for each household
    when: has no applications
    withhold: bonus and members

clause persuade
    cites: law 第五条
    for each person
    must: persuading, done when ill, due today + 3 days, every 1 month, decided by 「镇」

clause ban
    cites: law 第五条
    for each person
    when: ill and not obtains aid
    must not: admission

clause seen
    cites: law 第六条
    for each person
    when: undetermined(ill)
    finding: check 「说明」

exclusive either: aid, bonus decided by household choosing

reading reading A1
    chosen: 「甲」
    refused: 「乙」
    see: severe

note reminder for each person
    when: blocked persuade
    say: 「说」
    urgent

objective encourage
    cites: law 第七条
    kind: objective
    reason: 「无」
"""


def test_chinese_and_english_mean_the_same() -> None:
    # what only a person reads is kept as written
    said = {"重残": "severe", "查一查": "check", "患病": "ill", "户": "household"}
    chinese, english = loader.load_text(CHINESE).program, loader.load_text(ENGLISH).program
    assert (chinese.language, english.language) == ("zh", "en")
    assert plain(chinese, said=said) == plain(english)


def test_an_english_file_is_corrected_in_english() -> None:
    text = "language 1\nmeasure aid for each car\ndefine d\n    = 1 exceed 2\n"
    assert [(d.message(), d.fix) for d in diagnose(text, "")] == [
        ("`entity car` is not declared", ""),
        ("`exceed` does not fit here", "= 1 exceeds 2"),
    ]
    assert "did you mean `exceeds`?" in diagnose(text, "")[1].help()


# ---- encodings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "ends", "notes"),
    [
        ("utf-8", "\n", []),
        ("utf-8-sig", "\n", []),
        ("utf-8", "\r\n", []),
        ("utf-8", "\r", []),
        ("gb18030", "\n", ["L005"]),
        ("gb18030", "\r\n", ["L005"]),
    ],
)
def test_files_are_read_as_windows_offices_write_them(
    tmp_path: Path, encoding: str, ends: str, notes: list[str]
) -> None:
    file = tmp_path / "a.rules"
    file.write_bytes(CHINESE.replace("\n", ends).encode(encoding))
    policies, found = loader.examine(file)
    assert [d.code for d in found] == notes
    assert policies is not None
    assert plain(policies.program) == plain(loader.load_text(CHINESE).program)


def test_a_mark_at_the_beginning_of_a_text_is_no_part_of_it() -> None:
    assert diagnose("\ufeff" + WORDS, "") == []


@pytest.mark.parametrize("data", [b"\xff\xfe\xed\x8b\x00\x8a", b"\x81\x20\xff", bytes(range(128, 256))])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.rules"
    file.write_bytes(data)
    policies, found = loader.examine(file)
    assert policies is None
    assert [d.code for d in found] == ["L004"]
