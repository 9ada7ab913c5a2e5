"""Registers for the comparison of engines: rule programs as text and the households they are asked about, by the thousand.

Both come from one NumPy generator. Households are drawn as columns, which is what engines over whole registers read; the
mappings that engines for one household read are written from the same columns, so that all are told the same. Figures
fall on the thresholds of the program, and one step to either side, more often than not.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import strategies
from numpy.typing import NDArray
from strategies import Drafter, View

from policykit import ir
from policykit.datatypes import widest
from policykit.diagnostics import PolicyError
from policykit.engine.columnar.frames import Column, Frame, Listed, starts_of
from policykit.loader import load_text
from policykit.records import sole_labels
from policykit.values import Bounds, Month

ON = strategies.ON
Generator = np.random.Generator
Array = NDArray[Any]


def generator(*seed: int) -> Generator:
    return Generator(np.random.PCG64(list(seed)))


# ---- rule text ------------------------------------------------------------------------------------------------------


class Draw(random.Random):
    """The draws that text is written by, from a NumPy generator."""

    def __init__(self, source: Generator) -> None:
        self.source = source
        self.bits: list[int] = []
        super().__init__(0)

    def getrandbits(self, k: int) -> int:
        if k > 62:
            return self.getrandbits(62) << (k - 62) | self.getrandbits(k - 62)
        if not self.bits:
            self.bits = self.source.integers(0, 1 << 62, 1024).tolist()
        return self.bits.pop() >> (62 - k)

    def random(self) -> float:
        return self.getrandbits(53) / (1 << 53)


#: what a register says beside the facts of the small vocabulary
MORE = """事实 户.村名 (village_name)：文字
事实 人.年纪 (age)：数 周岁
    范围：0 周岁 至 120 周岁
事实 人.停月 (until)：年月 或 无
    范围：2020-04 至 2020-08
事实 单.次数 (times)：数
    范围：0 至 5
"""
FACTS: dict[str, dict[str, tuple[str, ...]]] = {
    "户": {"text": ("村名",)}, "人": {"age": ("年纪",), "month?": ("停月",)}, "单": {"plain": ("次数",)}
}  # fmt: skip
TEXTS = ("东村", "西村", "南村")
#: the greatest figures of money by month that a program may know, in fen
TOPS = (3, 3, 3, 120, 100_000, 7_654_321, 10**11)


#: what a vocabulary may have instead: longer lists, days and months of years
WIDER = {
    "人 1 至 4 个": "人 1 至 9 个", "单 0 至 3 个": "单 0 至 12 个", "2004-06-09 至 2004-06-12": "1900-01-01 至 2020-06-10",
    "2020-06-08 至 2020-06-12": "2019-01-01 至 2020-12-31", "2020-06-09 至 2020-06-11": "2020-01-28 至 2020-07-02",
    "2020-05 至 2020-07": "2018-12 至 2021-03", "2020-04 至 2020-08": "2019-11 至 2024-02", "0 年 至 2 年": "0 年 至 40 年",
}  # fmt: skip


class Writer(Drafter):
    """Writes a whole program over figures of some size, with more of the calendar and of rounding.

    Without `references` no clause reads a record that is only referred to.
    """

    def __init__(self, draw: Draw, village: bool = False, references: bool = False) -> None:
        super().__init__(draw, village)
        self.references = references
        self.top = self.one(TOPS)
        steps = [0, 1, 2, 3, self.top // 3, self.top // 2, self.top - 1, self.top, min(self.top, 5_050)]
        self.figures = sorted({max(0, step) for step in steps})
        self.once = self.chance(0.2)

    def draft(self) -> str:
        text = super().draft()
        if self.once:
            text = text.replace("，每月 ", "，一次 ").replace("    每月：", "    一次：")
            text = re.sub("(    其中 .*) × 1 个月", r"\1", text)
        vocabulary = strategies.VOCABULARY + strategies.VILLAGE * self.village
        assert text.startswith(vocabulary)
        words = re.sub(r"(至|=) [23] 分/月", rf"\1 {self.top} 分/月", vocabulary) + MORE
        for narrow, wide in WIDER.items():
            if self.chance(0.3):
                words = words.replace(narrow, wide)
        return words + text[len(vocabulary) :]

    def parameters(self) -> None:
        super().parameters()
        self.lines = [self.settled(line) for line in self.lines]

    def settled(self, line: str) -> str:
        """A parameter that nobody set, set more often than not: one that is unset leaves most of a register open."""
        if not line.startswith("参数 ") or " = " in line or " 按 " in line or self.chance(0.3):
            return line
        own = "对每个" in line
        if line.endswith("是否"):
            return f"{line} = {self.one(('残疾', '年纪 不低于 60 周岁') if own else ('是', '否'))}"
        return f"{line} = {'收入' if own else f'{self.one(self.figures)} 分/月'}"

    # -- what can be read

    def places(self, view: View, kind: str) -> list[str]:
        found = super().places(view, kind)
        return found + [
            p + name for p, entity in self.records(view) for name in FACTS.get(entity, {}).get(kind, ())
        ]

    def optional_records(self, view: View) -> list[tuple[str, str]]:
        found = super().optional_records(view)
        return found if self.references else [one for one in found if one[1] != "人"]

    def listed(self, view: View) -> tuple[str, str, View]:
        for _ in range(8):
            path, listing, inside = super().listed(view)
            if self.references or not path.endswith("亲属"):
                return path, listing, inside
        return "", "", view

    def same_record(self, view: View, depth: int) -> str:
        if self.references:
            return super().same_record(view, depth)
        persons = [prefix.removesuffix(".") or "本人" for prefix, entity in view.names if entity == "人"]
        pairs = [(a, b) for a in persons for b in persons if a != b]
        if not pairs or self.chance(0.8):
            return self.of_optional(view, depth)
        a, b = self.one(pairs)
        return f"({a}.户 {self.one(('为', '不为'))} {b}.户)"

    # -- what can be said of it

    def truth(self, view: View, depth: int) -> str:
        makers: Sequence[Callable[[View], str]] = (
            self.aged,
            self.called,
            self.by_month,
            self.by_day,
            self.so_often,
        )
        if self.chance(0.2) and (said := self.one(makers)(view)):
            return str(said)
        return super().truth(view, depth)

    def aged(self, view: View) -> str:
        ages = self.places(view, "age")
        how = self.one(("不低于", "不满", "等于", "不超过", "超过"))
        return f"({self.one(ages)} {how} {self.one((16, 60, 80))} 周岁)" if ages else ""

    def called(self, view: View) -> str:
        texts = self.places(view, "text")
        return f"({self.one(texts)} {self.one(('为', '不为'))} 「{self.one(TEXTS)}」)" if texts else ""

    def so_often(self, view: View) -> str:
        counts = self.places(view, "plain")
        how = self.one(("不低于", "低于", "等于"))
        return (
            f"({self.one(counts)} {self.one(('', '× 2 ', '+ 1 '))}{how} {self.one((1, 2, 4))})"
            if counts
            else ""
        )

    def month(self, view: View, sure: bool) -> str:
        """A month, in parentheses where it is not one word."""
        months = self.places(view, "month") + ([] if sure else self.places(view, "month?"))
        days = (
            self.places(view, "birth")
            + self.places(view, "date")
            + ([] if sure else self.places(view, "date?"))
        )
        forms = ["本月", "2020-06", *months, *months, *(f"月份({day})" for day in days)]
        month = self.one(forms)
        return str(self.one((month, month, f"({month} + 1 个月)", f"({month} - 2 个月)")))

    def by_month(self, view: View) -> str:
        a, b = self.month(view, False), self.month(view, self.chance(0.6))
        if self.chance(0.3):
            return f"(({a} - {b}) {self.one(('不超过', '超过', '等于'))} {self.one((0, 1, 2))} 个月)"
        return f"({a} {self.one(('早于', '不晚于', '晚于', '不早于', '等于', '不等于'))} {b})"

    def day(self, view: View) -> str:
        """A day, in parentheses where it is not one word."""
        days = self.places(view, "date") + self.places(view, "date?") + self.places(view, "birth")
        month = self.month(view, True)
        day = self.one(["今日", *days, *days, f"月初({month})", f"月末({month})"])
        change = self.one(("", "", "+ 2 天", "- 1 天", "+ 1 个月", "- 3 个月"))
        return f"({day} {change})" if change else str(day)

    def by_day(self, view: View) -> str:
        a, b = self.day(view), self.one((self.day(view), "今日", "2020-06-10"))
        form = self.draw.random()
        if form < 0.2:
            return f"(({a} - {b}) {self.one(('不超过', '超过'))} {self.one((-1, 0, 1, 30))} 天)"
        if form < 0.4:
            return f"(周岁({a}, {b}) {self.one(('不低于', '不满', '等于'))} {self.one((0, 1, 15, 16))} 周岁)"
        return f"({a} {self.one(('早于', '不晚于', '晚于', '等于'))} {b})"

    def constant(self, view: View, depth: int, sure: bool) -> str:
        return f"{self.one(self.figures)} 分/月"

    def computed(self, view: View, depth: int, sure: bool) -> str:
        if self.chance(0.6):
            return super().computed(view, depth, sure)
        a, b, c = (self.money(view, depth - 1, sure) for _ in range(3))
        rounded = self.one(("到分", "到角", "到元"))
        forms = (f"({a} ÷ 3)", f"({a} × 7 ÷ 12)", f"较大(较小({a}, {b}), {c})", f"较小({a}, {b} + {c})", f"四舍五入{rounded}({a} ÷ 7)",
                 f"进位到元({a})", f"舍去到元({a})", f"({a} × 1.5)", f"(-({a}))", f"({a} - {b} + {c})")  # fmt: skip
        return str(self.one(forms))

    # -- what is paid

    def payable(self, view: View, names: Sequence[str] = ()) -> str:
        amount = self.money(view, 2)
        for name in names:
            amount = f"({amount} × {name})"
        how = self.one(
            ("四舍五入到分", "四舍五入到分", "四舍五入到角", "四舍五入到元", "进位到元", "舍去到元")
        )
        return f"{how}({amount}{' × 1 个月' if self.once else ''})"

    def span(self, view: View) -> tuple[str, str]:
        return ("", "") if self.once else super().span(view)


#: a household with members and no other lists, for programs that only grant and give way
PLAIN = """语言 1
政策 试 (trial)
文本 文 (doc) 未收录
选项 等级 (grade)：一级 (g1)、二级 (g2)、三级 (g3)
实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 6 个
实体 人 (person) 计 人
事实 户.贫困 (poor)：是否
事实 户.存款 (savings)：金额 元
    范围：0 元 至 9 元
事实 人.残疾 (disabled)：是否
事实 人.残级 (severity)：选项 等级
事实 人.收入 (income)：金额 元/月
    范围：0 元/月 至 9 元/月
参数 线 (line)：金额 元/月 = 4 元/月
    范围：0 元/月 至 9 元/月
定义 总收入 对每个 户 (total)
    = 求和 成员 取 收入
定义 残疾人数 对每个 户 (disabled_count)
    = 计数 成员 满足 (残疾)
定义 差额 对每个 人 (short)
    = 较大(线 - 收入, 0 元/月)
待遇 待遇甲 (measure_0) 对每个 户、人
待遇 待遇乙 (measure_1) 对每个 户、人
"""
PLAINLY = {
    "户": ("贫困", "存款 低于 3 元", "总收入 不超过 线", "残疾人数 等于 1 人", "(任一 成员 满足 (残级 为 一级))", "并非 贫困",
          "(全部 成员 满足 (收入 低于 线 或者 残疾))", "(贫困 并且 总收入 超过 2 元/月)"),
    "人": ("残疾", "残级 为 二级", "收入 低于 线", "户.贫困", "户.总收入 超过 6 元/月", "差额 等于 1 元/月", "并非 残疾",
          "(户.存款 不低于 2 元 或者 残级 不为 三级)"),
}  # fmt: skip


def plain_text(draw: Draw) -> str:
    """A program that needs no more than one pass over the members."""
    lines = []
    for number, name in enumerate("甲乙丙丁戊己"[: draw.randint(2, 6)]):
        kind = draw.choice(("户", "人"))
        lines += [f"条款 条{name} (clause_{number})", "    依据：文 第一条", f"    对每个 {kind}"]
        lines += [f"    适用范围：{draw.choice(PLAINLY[kind])}"] if draw.random() < 0.5 else []
        lines += [f"    条件：{draw.choice(PLAINLY[kind])}"] if draw.random() < 0.8 else []
        amount = draw.choice(("1 元/月", "线", *(("收入", "差额") if kind == "人" else ("总收入",))))
        lines += [f"    给予：待遇{draw.choice('甲乙')}，每月 {amount}"]
        above = [f"条{one}" for one in "甲乙丙丁戊己"[:number] if draw.random() < 0.6]
        lines += [f"    让位于：{'、'.join(above)}"] if above else []
    return PLAIN + "\n".join(lines) + "\n"


def written(source: Generator) -> tuple[str, ir.Program, int]:
    """The text of a program that loads, the program, and how many were drawn before it that do not.

    One in eight is plain enough for the engine that decides a household in one pass over its members.
    """
    draw = Draw(source)
    plain = draw.random() < 0.125
    for tries in range(300):
        writer = None if plain else Writer(draw, draw.random() < 0.1, draw.random() < 0.4)
        text = plain_text(draw) if writer is None else writer.draft()
        program = loaded(text)
        if program is not None:
            return text, program, tries
    raise AssertionError("no program loads")


def loaded(text: str) -> ir.Program | None:
    """The program of a text; `None` where the checker refuses it for the order of its clauses or amounts in conflict."""
    try:
        return load_text(text).program
    except PolicyError as error:
        codes = {d.code for d in error.diagnostics}
        assert codes <= strategies.REDRAWN, f"{error}\n{text}"
        return None


# ---- thresholds -----------------------------------------------------------------------------------------------------


@cache
def names_of(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def nodes(tree: Any) -> Iterator[Any]:
    """Everything inside a program, expressions included."""
    todo = [tree]
    while todo:
        one = todo.pop()
        yield one
        if is_dataclass(one):
            todo += [getattr(one, name) for name in names_of(one.__class__)]
        elif isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, tuple | list):
            todo += one


def rules(program: ir.Program) -> tuple[Any, ...]:
    """Everything of a program that reads facts, but for the ranges of facts."""
    return program.clauses, program.defines, program.amounts, program.parameters, program.notes


def thresholds(program: ir.Program) -> dict[str, list[int]]:
    """The figures, days and months that a program compares with, as a column holds them; whole numbers only."""
    found: dict[str, set[int]] = {"number": set(), "date": {ON.toordinal()}, "month": {month_index(ON)}}
    for node in nodes(rules(program)):
        if isinstance(node, ir.Const) and isinstance(node.value, Bounds) and node.type.kind in found:
            plain = node.value.lo
            if plain is not None and not (isinstance(plain, Fraction) and plain.denominator > 1):
                found[node.type.kind].add(plain_of(plain))
    return {kind: sorted(values) for kind, values in found.items()}


def read_anywhere(program: ir.Program) -> set[tuple[str, str]]:
    """The facts and lists that some rule reads, by entity and name."""
    found = {(kind, entity.known_from) for kind, entity in program.entities.items() if entity.known_from}
    for node in nodes(rules(program)):
        if isinstance(node, ir.Fact | ir.Items):
            found.add((node.entity, node.name))
    for kind, entity in program.entities.items():
        ends = [(d.low, d.high) for name, d in entity.facts.items() if (kind, name) in found]
        found |= {(node.entity, node.name) for node in nodes(ends) if isinstance(node, ir.Fact)}
    return found


def month_index(of: date | Month) -> int:
    return of.year * 12 + of.month - 1


def plain_of(value: Any) -> int:
    """A number, day or month as a column holds it."""
    if isinstance(value, date):
        return value.toordinal()
    return month_index(value) if isinstance(value, Month) else int(value)


# ---- columns --------------------------------------------------------------------------------------------------------


#: the share withheld of a record that stands elsewhere and is only named
NOTHING_SAID = 2.0


class Clerk:
    """Draws the records of a register, entity by entity."""

    def __init__(self, program: ir.Program, source: Generator) -> None:
        self.program, self.source = program, source
        self.thresholds = thresholds(program)
        self.read = read_anywhere(program)
        self.everything = source.random() < 0.25

    def said(self, entity: ir.Entity, name: str) -> bool:
        """Whether a register says it: mostly only what some rule reads."""
        return self.everything or (entity.name.id, name) in self.read

    def register(self, withheld: Array) -> Frame:
        """As many households as there are shares of facts withheld."""
        levels = self.program.described
        kind = levels[-1] if self.source.random() < 0.2 or "household" not in levels else "household"
        return self.frame(kind, withheld, ())

    def frame(
        self, kind: str, withheld: Array, path: tuple[str, ...] | None, starts: Array | None = None
    ) -> Frame:
        """Some records, and the lists that lead to them; `starts` cuts them by the records they are members of.

        One outside the register, which has no path, names nobody, and lies in a record that it brings.
        """
        entity, count = self.program.entities[kind], len(withheld)
        plain = {name: self.values(decl, count) for name, decl in entity.facts.items()}
        for name, option in sole_labels(self.program, kind):
            # of the members of one household one only can have it
            labels = [one.name.id for one in self.program.choices[entity.facts[name].type.of].options]
            sole, others = labels.index(option.name.id), np.ones(count, bool)
            if starts is not None:
                others[starts[:-1][np.diff(starts) > 0]] = False
            plain[name] = np.where(others & (plain[name] == sole), (sole + 1) % len(labels), plain[name])
        columns = {}
        for name, decl in entity.facts.items():
            if not self.said(entity, name):
                continue
            if isinstance(decl.high, ir.Fact) and decl.high.name in plain:
                plain[name] = np.minimum(plain[name], plain[decl.high.name])
            known = self.source.random(count) >= withheld
            none = self.source.random(count) < 0.3 if decl.type.optional else None
            columns[name] = Column(plain[name], None if known.all() else known, none)
        lists = {}
        for name, listed in entity.lists.items():
            if listed.kind != "members" and not self.said(entity, name):
                continue
            if listed.kind == "records" or (listed.kind == "members" and path is not None):
                lists[name] = self.listed(listed, withheld, path)
            elif listed.kind == "refers" and path is not None and starts is not None:
                lists[name] = self.referring(listed, withheld, path, starts)
        # what is no member brings the record it lies in
        above = self.frame(entity.upper, withheld, None) if entity.upper and starts is None else None
        return Frame(kind, count, columns, lists, above)

    def listed(self, decl: ir.ListDecl, withheld: Array, path: tuple[str, ...] | None) -> Listed:
        count, most = len(withheld), min(decl.most, decl.least + 8)
        members = decl.kind == "members"
        sizes = np.minimum(decl.least + self.source.poisson(0.9 if members else 0.6, count), most)
        if count:
            sizes[self.source.integers(count)] = most
        open_ = self.source.random(count) < withheld * (0.3 if members else 1.0)
        sizes[open_ & ((self.source.random(count) < 0.4) | (withheld >= NOTHING_SAID))] = 0
        starts = starts_of(sizes)
        inside = (*path, decl.name.id) if path is not None and members else None
        inner = self.frame(decl.item, np.repeat(withheld, sizes), inside, starts if members else None)
        return Listed(inner, starts, ~open_ if open_.any() else None)

    def referring(self, decl: ir.ListDecl, withheld: Array, path: tuple[str, ...], starts: Array) -> Listed:
        """References of members: to somebody outside, to the next members of the same household, or to oneself."""
        count = len(withheld)
        households = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        first, size = starts[households], np.diff(starts)[households]
        sizes = np.minimum(self.source.poisson(0.4, count), 1 if decl.single else 2)
        open_ = self.source.random(count) < withheld
        sizes[open_ & ((self.source.random(count) < 0.4) | decl.single)] = 0
        cuts = starts_of(sizes)
        owner = np.repeat(np.arange(count), sizes)
        # two references of one record must not name the same one: they count on from each other
        step = np.arange(len(owner)) - cuts[owner] + (self.source.random(count) < 0.9)[owner]
        inside = (self.source.random(len(owner)) < 0.5) & (step < size[owner])
        at = first[owner] + (owner - first[owner] + step) % np.maximum(size[owner], 1)
        elsewhere = {path: np.where(inside, at, -1)} if inside.any() else {}
        inner = self.frame(decl.item, np.where(inside, NOTHING_SAID, withheld[owner]), None)
        return Listed(inner, cuts, ~open_ if open_.any() else None, elsewhere)

    def values(self, decl: ir.FactDecl, count: int) -> Array:
        of = decl.type
        if of.kind == "bool":
            return self.source.random(count) < 0.5
        if of.kind in ("choice", "multi"):
            labels = len(self.program.choices[of.of].options)
            return self.source.integers(0, labels if of.kind == "choice" else 1 << labels, count)
        if of.kind == "text":
            return np.array([*TEXTS, "北村"], object)[self.source.integers(0, 4, count)]
        low, high = ends(decl)
        likely = {value + step for value in self.thresholds[of.kind] for step in (-1, 0, 1)} | {low, high}
        among = np.array(sorted(value for value in likely if low <= value <= high), np.int64)
        anything = self.source.integers(low, high + 1, count)
        return np.where(self.source.random(count) < 0.6, self.source.choice(among, count), anything)


def ends(decl: ir.FactDecl) -> tuple[int, int]:
    """The fixed range of a fact, as a column holds it."""
    wide = widest(decl.type, frozenset())
    assert isinstance(wide, Bounds)
    found = [wide.lo, wide.hi]
    for number, end in enumerate((decl.low, decl.high)):
        if isinstance(end, ir.Const):
            found[number] = end.value.value
        elif isinstance(end, ir.Today):
            found[number] = ON
    return plain_of(found[0]), plain_of(found[1])


def decided(
    program: ir.Program, frame: Frame, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Frame]]:
    """The frames of the records that decisions are made about, each with the lists that lead to it."""
    yield path, frame
    for name, listed in frame.lists.items():
        if program.entities[frame.entity].lists[name].kind == "members":
            yield from decided(program, listed.frame, (*path, name))


# ---- the same as mappings -------------------------------------------------------------------------------------------


def households(program: ir.Program, frame: Frame, member: bool = False) -> list[dict[str, Any]]:
    """Every record of a frame as a mapping, with all that lies in it; members have their row as their number."""
    entity = program.entities[frame.entity]
    refers = any(decl.kind == "refers" for decl in entity.lists.values())
    numbered = member and refers
    records: list[dict[str, Any]] = [{"id": f"m{row}"} if numbered else {} for row in range(frame.count)]
    for name, column in frame.facts.items():
        raws = written_values(program, entity.facts[name], column)
        if column.known is None:
            for record, raw in zip(records, raws, strict=True):
                record[name] = raw
        else:
            for record, raw, known in zip(records, raws, column.known.tolist(), strict=True):
                if known:
                    record[name] = raw
    for name, listed in frame.lists.items():
        decl, starts = entity.lists[name], listed.starts.tolist()
        items = households(program, listed.frame, decl.kind == "members")
        for at in listed.elsewhere.values():
            for number in np.flatnonzero(at >= 0).tolist():
                items[number] = {"ref": f"m{at[number]}"}
        for number, record in enumerate(records):
            record[name] = items[starts[number] : starts[number + 1]]
            if decl.single:
                record[name] = record[name][0] if record[name] else "无"
        if listed.complete is not None:
            for number in np.flatnonzero(~listed.complete).tolist():
                if not decl.single and (records[number][name] or decl.kind == "members"):
                    records[number][name] = {"items": records[number][name], "complete": False}
                else:
                    del records[number][name]
    if frame.upper is not None:
        for record, above in zip(records, households(program, frame.upper), strict=True):
            record[frame.upper.entity] = above
    return records


def written_values(program: ir.Program, decl: ir.FactDecl, column: Column) -> list[Any]:
    """The values of a column as a household gives them."""
    of, plain = decl.type, column.values.tolist()
    if of.money:
        raws: list[Any] = [v // 100 if v % 100 == 0 else yuan(v) for v in plain]
    elif of.kind == "date":
        raws = [date.fromordinal(v) for v in plain]
    elif of.kind == "month":
        raws = [Month(v // 12, v % 12 + 1) for v in plain]
    elif of.kind in ("choice", "multi"):
        labels = [option.name.id for option in program.choices[of.of].options]
        sets = [[label for at, label in enumerate(labels) if v >> at & 1] for v in range(1 << len(labels))]
        raws = [labels[v] if of.kind == "choice" else list(sets[v]) for v in plain]
    else:
        raws = plain
    if column.none is not None:
        raws = ["无" if none else raw for raw, none in zip(raws, column.none.tolist(), strict=True)]
    if decl.evidence is not None:
        raws = [{"value": raw, "source": "证明"} for raw in raws]
    if decl.judgement is not None:
        raws = [{"value": raw, "by": "村", "date": "2020-06-01", "reason": "看过"} for raw in raws]
    return raws


def yuan(fen: int) -> str:
    """So many fen, as yuan."""
    return f"{'-' * (fen < 0)}{abs(fen) // 100}.{abs(fen) % 100:02d}"
