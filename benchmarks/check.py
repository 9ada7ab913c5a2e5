"""How long a rule file of 5,000 lines takes to check: each pass, the whole check, the whole command.

The file is written from a seed and resembles the bundled rules: facts, choices, parameters, readings, terms, amounts,
clauses with quotes, duties, notes, properties, all with Chinese names. The notice that it quotes is written with it;
every figure and sentence is invented. Passes are timed by processor time, the check and the command by the clock as
well; what is printed is the median of the rounds.

    python -m benchmarks.check [ROUNDS [LINES]]
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

from policykit import words
from policykit.checker import check
from policykit.declarations import assemble
from policykit.diagnostics import Diagnostic
from policykit.linter import lint, without_allowed
from policykit.loader import examine, read_source
from policykit.parser import LANGUAGE_VERSION, parse
from policykit.resolver import resolve, texts

LINES = 5_000
SEED = 20200406

_OF = {
    "教育": "schooling", "取暖": "heating", "住房": "housing", "就业": "work", "养老": "old_age", "托幼": "nursery",
    "饮水": "water", "交通": "travel", "丧葬": "funeral", "康复": "recovery", "营养": "food", "种养": "farming",
}  # fmt: skip
_KINDS = {
    "补贴": "subsidy",
    "救助": "relief",
    "帮扶": "support",
    "津贴": "allowance",
    "奖励": "award",
    "资助": "grant",
}


def rules(lines: int = LINES, seed: int = SEED) -> tuple[str, str]:
    """A rule file of so many lines, and the notice that it quotes."""
    chance = random.Random(seed)
    names = [(of + kind, f"{_OF[of]}_{_KINDS[kind]}") for of, kind in product(_OF, _KINDS)]
    chance.shuffle(names)
    blocks: list[str] = []
    notice = ["测速通知", ""]
    written = _opening([]).count("\n")
    for number, (name, ident) in enumerate(names, start=1):
        block, article = _block(chance, number, name, ident)
        blocks.append(block)
        notice += [f"第{_numeral(number)}条 {article}", ""]
        written += block.count("\n") + 1  # and its line in the entity above
        if written >= lines:
            return _opening(names[:number]) + "".join(blocks), "\n".join(notice)
    raise ValueError(f"{lines} lines are more than there are names for: {written} at most")


def _numeral(number: int) -> str:
    tens, ones = divmod(number, 10)
    digits = "零一二三四五六七八九"
    return ("" if tens == 0 else "十" if tens == 1 else f"{digits[tens]}十") + (digits[ones] if ones else "")


def _opening(names: list[tuple[str, str]]) -> str:
    records = "".join(f"    记录 {name}台账 ({ident}_ledger)：{name}台账\n" for name, ident in names)
    return f"""# 测速用的规则：文件、数额、句子都是编造的，不是任何地方的规定。
语言 1
政策 测速 (benchmark)

文本 通知 (notice) 「sources/notice.txt」 2020-04-06 起
    文号：「测速通知，虚构」

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 20 个

事实 户.农业户口 (rural_registration)：是否
    问：「申请人是不是本地农业户口？」

事实 户.财产符合 (property_ok)：是否
    问：「家庭财产符不符合当地的规定？」

实体 人 (person) 计 人
{records}
事实 人.出生日期 (birth_date)：日期
    问：「哪年哪月哪日出生？」
    范围：1900-01-01 至 今日
    不可变

事实 人.月收入 (monthly_income)：金额 元/月
    问：「平均一个月收入多少元？」
    范围：0 元/月 至 100000 元/月

定义 年龄 对每个 人 (age)
    = 周岁(出生日期, 今日)

定义 户月收入 对每个 户 (household_income)
    = 求和 成员 取 月收入

定义 保障人口 对每个 户 (size)
    = 计数 成员

定义 人均月收入 对每个 户 (per_head)
    = 舍去到元(户月收入 ÷ 保障人口)

"""


def _block(chance: random.Random, number: int, name: str, ident: str) -> tuple[str, str]:
    """The rules of one measure, and the article that they quote."""
    age, months = chance.randint(55, 79), chance.choice((3, 6, 12, 18))
    days, standard = chance.choice((5, 10, 15, 20)), chance.randrange(100, 900, 10)
    share, young = chance.choice((20, 30, 50)), chance.randint(6, 17)
    year = chance.choice((2020, 2021))
    place = f"通知 第{_numeral(number)}条"
    sentences = {
        "grant": f"对年满{age}周岁且月收入低于{name}标准的人员给予{name}",
        "young": f"不满{young}周岁的轻度人员一并纳入{name}范围",
        "amount": f"从宽纳入的按照{name}标准的{share}%发放",
        "review": f"应当在{days}个工作日内入户核实{name}申请",
        "stop": f"取得{name}满{months}个月未复核的不再发放",
        "one": f"坚持同一个人{name}只发一份",
        "goal": f"进一步做好{name}工作，切实减轻群众负担",
    }
    text = f"""# —— {name} ——
选项 {name}等次 ({ident}_grade) 由重到轻：{name}重度 ({ident}_heavy) = 1、{name}中度 ({ident}_medium) = 2、
        {name}轻度 ({ident}_light) = 3

选项 {name}结论 ({ident}_finding)：{name}属实 ({ident}_true)、{name}不实 ({ident}_false)、{name}存疑 ({ident}_open)

实体 {name}台账 ({ident}_ledger_entry)
    知悉日：{name}决定日

事实 {name}台账.{name}决定日 ({ident}_decided_on)：日期
    问：「{name}的决定是哪天作出的？」

事实 {name}台账.{name}月金额 ({ident}_monthly)：金额 元/月
    问：「批了每月多少元？」
    范围：0 元/月 至 20000 元/月

事实 {name}台账.{name}核实结论 ({ident}_result)：选项 {name}结论
    问：「入户核实，结论是什么？」

事实 {name}台账.{name}停发日 ({ident}_stopped_on)：日期 或 无
    问：「哪天停发的？还在发的填“无”。」

事实 人.{name}等级 ({ident}_degree)：选项 {name}等次 或 无
    问：「评的是哪一等？没有评的填“无”。」
    敏感

事实 人.{name}申请日 ({ident}_applied_on)：日期 或 无
    问：「哪天申请{name}的？」

口径 {name}按月算 ({ident}_by_month)
    依据：{place} 「{sentences["grant"]}」
    采用：「{name}按申请当月的月收入算，不追溯」
    不采用：「按上年的平均收入算」
    见：{name}对象
    英文：「Computed by the month of the application」

口径 {name}只发一份 ({ident}_only_one)
    采用：「同一个人{name}一个月只发一份」
    不采用：「几份台账几份发」

参数 {name}标准 ({ident}_standard)：金额 元/月 = {standard} 元/月
    范围：0 元/月 至 10000 元/月
    文号：「虚构」
    问：「当年的{name}标准，每人每月多少元？」

参数 {name}折算比例 ({ident}_share)：数
    依据：{place} 「{sentences["amount"]}」 [金额]
    范围：0 % 至 100 %
    问：「{name}折算的比例是百分之几？」

# 不实的、已经停发的，不算在册
定义 {name}在册记录 对每个 人 ({ident}_on_roll)
    口径：{name}只发一份
    = 最近 {name}台账 满足 ({name}核实结论 属于 {{{name}属实、{name}存疑}}
          并且 (没有 {name}停发日 或者 {name}停发日 晚于 今日)) 按 {name}决定日

定义 {name}在册金额 对每个 人 ({ident}_paid)
    = 如果 有 {name}在册记录 则 {name}在册记录.{name}月金额 否则 0 元/月

定义 {name}对象 对每个 人 ({ident}_target)
    口径：{name}按月算
    = {name}等级 为 {name}中度 以上
      或者 (年龄 不低于 {age} 周岁 并且 月收入 低于 {name}标准)

定义 {name}从宽对象 对每个 人 ({ident}_wide_target)
    = 年龄 不满 {young} 周岁
      并且 {name}等级 为 {name}轻度
      并且 (计数 {name}台账 满足 ({name}核实结论 为 {name}不实)) 不超过 {chance.randint(1, 3)}

定义 {name}户内人数 对每个 户 ({ident}_targets)
    = 计数 成员 满足 ({name}对象 或者 {name}从宽对象)

定义 {name}差额 对每个 人 ({ident}_difference)
    = 如果 {name}对象 则 较大({name}标准 - 月收入 × {share} %, 0 元/月) 否则 {name}标准 × {share} %

待遇 {name} ({ident}_benefit) 对每个 人
    英文：「{ident}」

金额 {name}金额 对每个 人 ({ident}_amount) {year}-04-06 起
    依据：{place} 「{sentences["amount"]}」 [金额]
    口径：{name}按月算
    给予：{name}
    每月：四舍五入到分(如果 有 {name}在册记录 则 较大({name}差额, {name}在册金额) 否则 {name}差额 × {name}折算比例)

条款 {name}一般情形 ({ident}_general) {year}-04-06 起
    依据：{place} 「{sentences["grant"]}」
    口径：{name}按月算、{name}只发一份
    对每个 人
    适用范围：户.农业户口 并且 {name}对象
    条件：月收入 低于 {name}标准
        并且 户.财产符合
        并且 (户.人均月收入 不超过 {name}标准 ÷ 1 人 或者 户.{name}户内人数 超过 {chance.randint(1, 4)} 人)
    给予：{name}
    英文：「The general case of {ident}」

条款 {name}从宽情形 ({ident}_wide) {year}-04-06 起
    依据：{place} 「{sentences["young"]}」
    口径：{name}按月算
    对每个 人
    适用范围：{name}从宽对象
        并且 (没有 {name}申请日 或者 {name}申请日 不早于 今日 - {months} 个月)
        并且 并非 (有 {name}台账 满足 ({name}核实结论 为 {name}不实 并且 {name}决定日 晚于 今日 - {months} 个月))
    给予：{name}
    让位于：{name}一般情形
    英文：「The wide case of {ident}」

条款 {name}停发 ({ident}_stop) {year}-04-06 起
    依据：{place} 「{sentences["stop"]}」
    对每个 人
    适用范围：有 {name}在册记录
    条件：{name}在册记录.{name}决定日 早于 今日 - {months} 个月
    不给予：{name}
    英文：「{ident} ends without a review」

行为 核实{name} ({ident}_verify)

条款 {name}入户核实 ({ident}_survey) {year}-04-06 起
    依据：{place} 「{sentences["review"]}」
    对每个 人
    适用范围：有 {name}申请日 并且 {name}对象
    应当：核实{name}，完成 有 {name}台账 满足 ({name}决定日 不早于 {name}申请日)，
        期限 {name}申请日 + {days} 天，由 「村民委员会」

条款 {name}重复 ({ident}_twice) {year}-04-06 起
    依据：{place} 「{sentences["one"]}」
    口径：{name}只发一份
    对每个 户
    条件：任一 成员 称 甲 满足 ((计数 甲.{name}台账 满足 (没有 {name}停发日 并且 {name}核实结论 为 {name}属实)) 超过 1)
    发现：重复享受 「{name}有两份在发：核实后只留一份」

目标 做好{name} ({ident}_goal)
    依据：{place} 「{sentences["goal"]}」
    类别：目标
    理由：「鼓励性要求，不决定任何一个人的待遇」

提示 {name}待复核 对每个 人 ({ident}_review_due)
    口径：{name}只发一份
    条件：符合 {name}停发 并且 获得 {name}
    内容：「{name}已经满{months}个月没有复核」
    紧急

性质 {name}不为负 对每个 人 ({ident}_never_negative)
    依据：{place} 「{sentences["grant"]}」
    设：获得 {name}
    则：应发金额 {name} 不低于 0 元/月

"""
    return text, "。".join(sentences.values()) + "。"


def passes(file: Path) -> dict[str, float]:
    """The processor time of each pass over a rule file, in seconds, strung together as the loader does."""
    took: dict[str, float] = {}
    begun = time.process_time()

    def lap(name: str) -> None:
        nonlocal begun
        now = time.process_time()
        took[name], begun = now - begun, now

    complaints: list[Diagnostic] = []
    source = read_source(file, file.name, complaints)
    assert source is not None
    lap("read the file")
    module, found = parse(source)
    lap("parse")
    symbols = resolve([module], LANGUAGE_VERSION, words.operator_words())
    held = texts(symbols, lambda _, path: (file.parent / path).read_text(encoding="utf-8"))
    lap("resolve")
    program = assemble(symbols, held)
    lap("type, and tie to the quotes")
    found += symbols.diagnostics + check(program, "zh", lambda span: source.line(span.line))
    lap("check as a whole")
    found += lint(program, [module])
    lap("lint")
    if complaints or without_allowed(found, [module]):
        raise AssertionError("the file that is measured should have no fault")
    return took


def main(rounds: int = 15, lines: int = LINES) -> int:
    text, notice = rules(lines)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "benchmark.rules")
        file.write_text(text, encoding="utf-8")
        Path(folder, "sources").mkdir()
        Path(folder, "sources", "notice.txt").write_text(notice, encoding="utf-8")
        passes(file)  # the parser is built once
        laps: dict[str, list[float]] = {}
        wall: list[float] = []
        for _ in range(rounds):
            gc.collect()
            for name, one in passes(file).items():
                laps.setdefault(name, []).append(one)
            gc.collect()
            start = time.perf_counter()
            examine(file, lints=True)
            wall.append(time.perf_counter() - start)
        command = [commanded(file) for _ in range(max(rounds // 3, 1))]
    middle = {name: statistics.median(each) * 1000 for name, each in laps.items()}
    whole = sum(middle.values())
    print(
        f"check of a rule file of {text.count(chr(10)):,} lines, {len(text):,} characters, median of {rounds} rounds\n"
    )
    print("| pass | ms of processor time | share |\n|---|--:|--:|")
    for name, one in middle.items():
        print(f"| {name} | {one:.0f} | {one / whole:.0%} |")
    print(f"| all passes | {whole:.0f} | |")
    print(
        f"\nby the clock, warm interpreter: {statistics.median(wall) * 1000:.0f} ms (best {min(wall) * 1000:.0f})"
    )
    clock, processor = (statistics.median(each) * 1000 for each in zip(*command, strict=True))
    print(
        f"the whole command `policykit check`: {clock:.0f} ms by the clock, {processor:.0f} ms of processor time"
    )
    return 0


def commanded(file: Path) -> tuple[float, float]:
    """What the command takes in a fresh process, by the clock and in processor time."""
    before, start = os.times(), time.perf_counter()
    run = [sys.executable, "-c", "from policykit.app import main; main()", "check", str(file)]
    subprocess.run(run, check=True, capture_output=True)
    clock, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return clock, used


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
