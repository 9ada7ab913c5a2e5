"""Small typed programs in rule text, households with gaps for them, rulings and elections: one home for all tests.

Everything is drawn from a `random.Random`, seeded for the agreement test, or hypothesis's own for the laws. Ranges are
tiny, so that the oracle can try every value. A program that the checker refuses (a circle, a conflict) is drawn again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from policykit.diagnostics import PolicyError
from policykit.facts import Case, Election, Ruling
from policykit.ir import Grant, Program
from policykit.loader import load_text
from policykit.records import read_case

ON = date(2020, 6, 10)
LATER = ON + timedelta(days=1)

#: what the checker may find wrong with a drawn program; anything else is a fault of this generator
REDRAWN = {"C001", "C002", "C006", "C008"}

VOCABULARY = """语言 1
政策 试 (trial)
文本 文 (doc) 未收录
选项 等级 (grade) 由重到轻：一级 (g1)、二级 (g2)、三级 (g3)
选项 情形 (kind)：甲类 (k1)、乙类 (k2)
实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 4 个
    记录 户单 (papers)：单 0 至 3 个
实体 人 (person) 计 人
    记录 单子 (slips)：单 0 至 3 个
    引用 配偶 (spouse)：人 或 无
    引用 亲属 (kin)：人 若干
实体 单 (slip)
    知悉日：单日
事实 户.贫困 (poor)：是否
事实 户.档次 (level)：选项 等级
事实 户.住年 (stayed)：数 年
    范围：0 年 至 2 年
事实 户.户入 (gross)：金额 元/月
    范围：0 分/月 至 3 分/月
事实 户.户扣 (deducted)：金额 元/月
    范围：0 分/月 至 户入
事实 人.残疾 (disabled)：是否
事实 人.学生 (student)：是否
事实 人.残级 (severity)：选项 等级 或 无
事实 人.处境 (plight)：多选 情形
事实 人.收入 (income)：金额 元/月
    范围：0 分/月 至 3 分/月
事实 人.债务 (debt)：金额 元/月 或 无
    范围：0 分/月 至 2 分/月
事实 人.生日 (birth)：日期
    范围：2004-06-09 至 2004-06-12
事实 人.起月 (since)：年月
    范围：2020-05 至 2020-07
事实 人.困难 (hardship)：是否
    须判断：「村」
事实 单.单日 (dated)：日期
    范围：2020-06-08 至 2020-06-12
事实 单.成立 (valid)：是否
事实 单.类别 (sort)：选项 情形
事实 单.金额 (worth)：金额 元/月
    范围：0 分/月 至 2 分/月
事实 单.末日 (ends)：日期 或 无
    范围：2020-06-09 至 2020-06-11
行为 入院 (admit)
行为 劝入 (persuade) 属于 入院
行为 走访 (visit)
"""

#: a level above households, for programs that have one
VILLAGE = """实体 村 (village)
    组成 农户 (households)：户 1 至 3 个
事实 村.偏远 (remote)：是否
事实 村.村额 (allotted)：金额 元/月
    范围：0 分/月 至 2 分/月
"""

Draw = random.Random


# ---- rule text --------------------------------------------------------------------------------------------------


@dataclass
class View:
    """What an expression can see: the entity of each name in scope, innermost last; what it may refer back to."""

    names: list[tuple[str, str]]  # (prefix, entity): "" the innermost, "本人." the subject, "x." a name
    terms: list[Term] = field(default_factory=list)
    clauses: list[tuple[str, str]] = field(default_factory=list)  # (name, entity)
    measures: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    notes: bool = False
    outcomes: bool = False  # whether 结果 may be read
    paid: list[tuple[str, str]] = field(
        default_factory=list
    )  # (measure, entity) of which 应发金额 may be read

    @property
    def subject(self) -> str:
        return self.names[0][1]

    def inside(self, item: str, name: str) -> View:
        """The view from an element of a list."""
        outer = [("本人.", self.subject)] + [(prefix, entity) for prefix, entity in self.names[1:] if prefix]
        names = [*outer, (f"{name}.", item)]
        return View(names, self.terms, self.clauses, self.measures, self.notes, self.outcomes, self.paid)


@dataclass(frozen=True)
class Term:
    """A defined term or a parameter: its name, the entity it is for ("" for none), what it is."""

    name: str
    entity: str
    kind: str


FACTS: dict[str, dict[str, tuple[str, ...]]] = {
    "村": {"bool": ("偏远",), "money": ("村额",)},
    "户": {"bool": ("贫困",), "choice": ("档次",), "years": ("住年",), "money": ("户入", "户扣")},
    "人": {
        "bool": ("残疾", "学生", "困难"), "month": ("起月",), "choice?": ("残级",), "multi": ("处境",), "money": ("收入",), "money?": ("债务",),
        "birth": ("生日",),
    },
    "单": {"bool": ("成立",), "choice2": ("类别",), "money": ("金额",), "date": ("单日",), "date?": ("末日",)},
}  # fmt: skip
UNITS = {"户": "户", "人": "人", "单": "个"}
LISTS: dict[str, dict[str, str]] = {
    "村": {"农户": "户"},
    "户": {"成员": "人", "户单": "单"},
    "人": {"单子": "单", "亲属": "人"},
    "单": {},
}


class Author:
    """Writes expressions of the rule language."""

    village = False

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.fresh = 0

    def one(self, options: Sequence[Any]) -> Any:
        return options[self.draw.randrange(len(options))]

    def chance(self, of: float) -> bool:
        return self.draw.random() < of

    # -- places

    def places(self, view: View, kind: str) -> list[str]:
        """Every term of a kind that can be read here."""
        found = []
        for prefix, entity in self.records(view):
            found += [prefix + name for name in FACTS[entity].get(kind, ())]
            found += [prefix + t.name for t in view.terms if t.entity == entity and t.kind == kind]
        return found + [t.name for t in view.terms if not t.entity and t.kind == kind]

    def records(self, view: View) -> list[tuple[str, str]]:
        """Every record that can be named here."""
        found = list(view.names)
        for prefix, entity in view.names:
            if entity == "人":
                found.append((f"{prefix}户.", "户"))
            if self.village and entity in ("户", "人"):
                found.append((f"{prefix}户.村." if entity == "人" else f"{prefix}村.", "村"))
        return found

    def optional_records(self, view: View) -> list[tuple[str, str]]:
        """Every record that may be 无."""
        found = [(f"{prefix}配偶", "人") for prefix, entity in self.records(view) if entity == "人"]
        for prefix, entity in self.records(view):
            found += [(prefix + t.name, "单") for t in view.terms if t.entity == entity and t.kind == "slip"]
        return found

    # -- truths

    def truth(self, view: View, depth: int) -> str:
        """A condition, in parentheses where it is not one word."""
        makers: list[Callable[[View, int], str]] = [
            self.plain_truth, self.plain_truth, self.choice, self.comparison, self.comparison, self.dated, self.of_optional,
        ]  # fmt: skip
        if depth > 0:
            makers += [self.joined, self.joined, self.joined, self.quantified, self.quantified, self.counted]
            makers += [self.conditional, self.verdict, self.verdict, self.same_record, self.monthly]
        return str(self.one(makers)(view, depth))

    def plain_truth(self, view: View, depth: int) -> str:
        words = self.places(view, "bool")
        word = self.one(words) if words else "是"
        return f"(并非 {word})" if self.chance(0.25) else str(word)

    def choice(self, view: View, depth: int) -> str:
        words: list[tuple[str, tuple[str, ...]]] = [
            (w, ("一级", "二级", "三级")) for kind in ("choice", "choice?") for w in self.places(view, kind)
        ]
        words += [(w, ("甲类", "乙类")) for w in self.places(view, "choice2")]
        sets = self.places(view, "multi")
        if sets and self.chance(0.3):
            return f"({self.one(sets)} 含 {self.one(('甲类', '乙类'))})"
        if not words:
            return self.plain_truth(view, depth)
        word, labels = self.one(words)
        forms = [f"{word} 为 {self.one(labels)}", f"{word} 不为 {self.one(labels)}"]
        forms.append(f"{word} 属于 {{{'、'.join(self.draw.sample(labels, 2))}}}")
        if len(labels) == 3:
            forms.append(f"{word} 为 二级 {self.one(('以上', '以下'))}")
        return f"({self.one(forms)})"

    def comparison(self, view: View, depth: int) -> str:
        left = self.money(view, depth, sure=self.chance(0.6))
        right = self.money(view, depth - 1, sure=self.chance(0.8))
        how = self.one(("低于", "不超过", "超过", "不低于", "等于", "不等于"))
        years = self.places(view, "years")
        if years and self.chance(0.15):
            return f"({self.one(years)} {how} 1 年)"
        return f"({left} {how} {right})"

    def dated(self, view: View, depth: int) -> str:
        births, days = self.places(view, "birth"), self.places(view, "date") + self.places(view, "date?")
        if births and (not days or self.chance(0.5)):
            return f"(周岁({self.one(births)}, 今日) {self.one(('不低于', '不满'))} 16 周岁)"
        if not days:
            return self.comparison(view, depth)
        other = self.one([*days, "今日", "2020-06-10"])
        return f"({self.one(days)} {self.one(('早于', '不晚于', '不早于', '晚于', '等于'))} {other})"

    def of_optional(self, view: View, depth: int) -> str:
        words = [w for kind in ("choice?", "money?", "date?") for w in self.places(view, kind)]
        records = self.optional_records(view)
        forms = [f"{has} {word}" for word in words for has in ("有", "没有")]
        for record, entity in records:
            forms += [f"有 {record}", f"没有 {record}", f"{record}.{self.one(FACTS[entity]['bool'])}"]
            forms.append(f"{record}.{FACTS[entity]['money'][0]} 超过 1 分/月")
            if entity == "人":
                forms.append(f"{record}.处境 含 甲类")
                forms.append(f"{record}.户.贫困")
        return f"({self.one(forms)})" if forms else self.plain_truth(view, depth)

    def joined(self, view: View, depth: int) -> str:
        word = self.one(("并且", "或者"))
        parts = [self.truth(view, depth - 1) for _ in range(self.draw.choice((2, 2, 3)))]
        text = f"({f' {word} '.join(parts)})"
        return f"(并非 {text})" if self.chance(0.2) else text

    def listed(self, view: View) -> tuple[str, str, View]:
        """A list that can be read here, with a name for its elements."""
        lists = [
            (prefix + name, item)
            for prefix, entity in self.records(view)
            for name, item in LISTS[entity].items()
        ]
        if not lists:
            return "", "", view
        path, item = self.one(lists)
        self.fresh += 1
        name = f"元{'甲乙丙丁戊己庚辛'[self.fresh % 8]}{'甲乙丙丁戊己庚辛'[self.fresh // 8 % 8]}"
        return path, f"{path} 称 {name}", view.inside(item, name)

    def quantified(self, view: View, depth: int) -> str:
        path, listing, inside = self.listed(view)
        if not path:
            return self.plain_truth(view, depth)
        fold = self.one(("任一", "全部", "有", "没有"))
        return f"({fold} {listing} 满足 ({self.truth(inside, depth - 1)}))"

    def counted(self, view: View, depth: int) -> str:
        path, listing, inside = self.listed(view)
        if not path:
            return self.plain_truth(view, depth)
        unit = UNITS[item_of(path)]
        where = f" 满足 ({self.truth(inside, depth - 1)})" if self.chance(0.8) else ""
        compare = self.one(("不低于 1", "等于 0", "不超过 1", "等于 2"))
        return f"((计数 {listing}{where}) {compare} {unit})"

    def monthly(self, view: View, depth: int) -> str:
        """Something about each month from one to another."""
        months = [*self.places(view, "month"), "2020-06", "本月"]
        self.fresh += 1
        fold = f"逐月 {self.one(months)} 至 {self.one(months)} 称 月{'甲乙丙丁'[self.fresh % 4]}"
        name = fold[-2:]
        forms = [f"({self.one(('任一', '全部'))} {fold} 满足 ({name} {self.one(('晚于', '等于', '不晚于'))} {self.one(months)}))",
                 f"((计数 {fold}) {self.one(('不低于', '等于'))} 2 个)"]  # fmt: skip
        return str(self.one(forms))

    def conditional(self, view: View, depth: int) -> str:
        parts = [self.truth(view, depth - 1) for _ in range(3)]
        return f"(如果 {parts[0]} 则 {parts[1]} 否则 {parts[2]})"

    def verdict(self, view: View, depth: int) -> str:
        """符合, 获得 and, in notes, 受阻."""
        forms = []
        for prefix, entity in self.records(view):
            path = f"{prefix.removesuffix('.')} " if prefix else ""
            forms += [f"{path}符合 {name}" for name, of in view.clauses if of == entity]
            forms += [f"{path}获得 {name}" for name, of_ in view.measures if entity in of_]
            if view.outcomes:
                some = self.one(("给予、可裁量", "不符合、未涉及", "被替代、排除", "不符合"))
                forms += [
                    f"{path}结果 {name} 属于 {{{some}}}" for name, of_ in view.measures if entity in of_
                ]
            if view.notes:
                forms += [f"{path}受阻 {name}" for name, of in view.clauses if of == entity]
        for record, entity in self.optional_records(view):
            forms += [f"{record} 符合 {name}" for name, of in view.clauses if of == entity]
            forms += [f"{record} 获得 {name}" for name, of_ in view.measures if entity in of_]
            forms += [
                f"{record}.户 获得 {name}" for name, of_ in view.measures if entity == "人" and "户" in of_
            ]
        return f"({self.one(forms)})" if forms else self.joined(view, depth)

    def same_record(self, view: View, depth: int) -> str:
        """Two records compared: the same person, the same household."""
        persons = [prefix.removesuffix(".") or "本人" for prefix, entity in view.names if entity == "人"]
        pairs = [(f"{a}.户", f"{b}.户") for a in persons for b in persons if a != b]
        pairs += [(a, f"{b}.配偶") for a in persons for b in persons if a != b]
        pairs += [(f"{a}.配偶", f"{b}.配偶") for a in persons for b in persons if a != b]
        if not pairs:
            return self.of_optional(view, depth)
        a, b = self.one(pairs)
        return f"({a} {self.one(('为', '不为'))} {b})"

    # -- money by month

    def money(self, view: View, depth: int, sure: bool = True) -> str:
        """An amount by month, in parentheses where it is not one word; with `sure` it is never 无."""
        makers: list[Callable[[View, int, bool], str]] = [self.plain_money, self.plain_money, self.constant]
        if depth > 0:
            makers += [self.computed, self.computed, self.summed, self.chosen_money]
            if not sure:
                makers += [self.extreme, self.divided]
        return str(self.one(makers)(view, depth, sure))

    def constant(self, view: View, depth: int, sure: bool) -> str:
        return f"{self.draw.randrange(4)} 分/月"

    def plain_money(self, view: View, depth: int, sure: bool) -> str:
        words = self.places(view, "money") + ([] if sure else self.places(view, "money?"))
        for record, entity in [] if sure else self.optional_records(view):
            words += [f"{record}.{name}" for name in FACTS[entity]["money"]]
        for prefix, entity in [] if sure else self.records(view):
            words += [
                f"({prefix.removesuffix('.')} 应发金额 {name})" for name, of in view.paid if of == entity
            ] * 3
        return str(self.one(words)) if words else self.constant(view, depth, sure)

    def computed(self, view: View, depth: int, sure: bool) -> str:
        a, b = self.money(view, depth - 1, sure), self.money(view, depth - 1, sure)
        forms = (f"({a} + {b})", f"({a} - {b})", f"较大({a}, {b})", f"较小({a}, {b})", f"({a} × 2)", f"({a} ÷ 2)",
                 f"(-{a} + {b})", f"({a} × 50 %)")  # fmt: skip
        return str(self.one(forms))

    def summed(self, view: View, depth: int, sure: bool) -> str:
        path, listing, inside = self.listed(view)
        if not path:
            return self.plain_money(view, depth, sure)
        where = f" 满足 ({self.truth(inside, depth - 1)})" if self.chance(0.6) else ""
        return f"(求和 {listing}{where} 取 ({self.money(inside, 0, sure)}))"

    def extreme(self, view: View, depth: int, sure: bool) -> str:
        path, listing, inside = self.listed(view)
        if not path:
            return self.plain_money(view, depth, sure)
        where = f" 满足 ({self.truth(inside, depth - 1)})" if self.chance(0.5) else ""
        return f"({self.one(('最小', '最大'))} {listing}{where} 取 ({self.money(inside, 0, sure=self.chance(0.7))}))"

    def divided(self, view: View, depth: int, sure: bool) -> str:
        years = self.places(view, "years")
        path, listing, _ = self.listed(view)
        amount = self.money(view, depth - 1, sure)
        if path and self.chance(0.6):
            return f"(({amount} ÷ (计数 {listing})) × 1 {UNITS[item_of(path)]})"
        return f"(({amount} ÷ {self.one(years)}) × 1 年)" if years else self.plain_money(view, depth, sure)

    def chosen_money(self, view: View, depth: int, sure: bool) -> str:
        condition = self.truth(view, depth - 1)
        records = [(r, e) for r, e in self.optional_records(view)]
        words = self.places(view, "money?")
        if self.chance(0.5) and (records or words):
            # a condition that makes sure of what its branch then reads
            if records and (not words or self.chance(0.6)):
                record, entity = self.one(records)
                return f"(如果 有 {record} 则 {record}.{FACTS[entity]['money'][0]} 否则 {self.money(view, 0, sure)})"
            word = self.one(words)
            return f"(如果 有 {word} 则 {word} 否则 {self.money(view, 0, sure)})"
        return f"(如果 {condition} 则 {self.money(view, depth - 1, sure)} 否则 {self.money(view, 0, sure)})"


def item_of(path: str) -> str:
    """The entity of the elements of a list, by the last word of its path."""
    name = path.rsplit(".", 1)[-1]
    return next(item for lists in LISTS.values() for known, item in lists.items() if known == name)


# ---- programs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """A program that loads, with its text."""

    text: str
    program: Program


class Drafter(Author):
    """Writes a whole program: parameters, terms, measures, amounts, clauses, exclusions, notes."""

    def __init__(self, draw: Draw, village: bool = False) -> None:
        super().__init__(draw)
        self.levels: tuple[str, ...] = ("村", "户", "人") if village else ("户", "人")
        self.village = village
        self.lines: list[str] = []
        self.terms: list[Term] = []
        self.clauses: list[tuple[str, str]] = []
        self.readable: list[tuple[str, tuple[str, ...]]] = []
        self.granting: dict[str, list[tuple[str, str, bool]]] = {}  # measure → (clause, entity, own amount)
        self.withheld: dict[str, list[str]] = {}  # exclusion → measures

    def view(self, entity: str, **more: Any) -> View:
        clauses = self.clauses if self.chance(0.7) else []
        return View([("", entity)], self.terms, clauses, self.readable if self.chance(0.7) else [], **more)

    def write(self, *lines: str) -> None:
        self.lines += lines

    def draft(self) -> str:
        self.parameters()
        self.defines()
        measures = self.measures()
        self.withholding(measures)
        how = self.one((" 由 户 选择", " 按顺序", " 取高", "")) if len(measures) > 1 else ""
        order = [name for name, _ in measures for _ in range(self.draw.choice((1, 2, 2, 3)))]
        for number, measure in enumerate(order):
            if number and order[number - 1] != measure and "选择" not in how:
                # clauses of later measures may read what came of earlier ones
                self.readable += [m for m in measures if m[0] == order[number - 1]]
            self.grant(measure, dict(measures)[measure], number)
        self.shared_amounts(measures)
        if how:
            self.exclusive([name for name, _ in measures], how)
        self.readable = measures
        self.effects()
        self.notes()
        return VOCABULARY + VILLAGE * self.village + "\n".join(self.lines) + "\n"

    # -- declarations

    def parameters(self) -> None:
        if self.chance(0.7):
            value = self.one(("", "", " = 2 分/月", " = 1 分/月 + 1 分/月", " = 7 分/月"))
            self.write(f"参数 标准 (standard)：金额 元/月{value}", "    范围：0 分/月 至 3 分/月")
            self.terms.append(Term("标准", "", "money"))
        if self.chance(0.4):
            self.write(f"参数 放宽 (relaxed)：是否{self.one(('', ' = 是', ' = 否'))}")
            self.terms.append(Term("放宽", "", "bool"))
        if self.chance(0.5):
            formula = self.one(("", "", " = 收入 低于 2 分/月", " = 残疾 或者 学生"))
            self.write(f"参数 重病 对每个 人 (ill)：是否{formula}")
            self.terms.append(Term("重病", "人", "bool"))
        if self.chance(0.5):
            formula = self.one(("", " = 收入", " = 收入 + 1 分/月", " = 如果 残疾 则 3 分/月 否则 收入"))
            low, high = self.one((("0 分/月", "2 分/月"), ("1 分/月", "2 分/月"), ("0 分/月", "收入")))
            self.write(f"参数 扣减 对每个 人 (allowance)：金额 元/月{formula}", f"    范围：{low} 至 {high}")
            self.terms.append(Term("扣减", "人", "money"))
        if self.chance(0.4):
            self.write("参数 档额 按 等级 (tier)：金额 元/月", "    范围：0 分/月 至 2 分/月")
            for label in ("一级", "二级", "三级"):
                if self.chance(0.7):
                    self.write(f"设 档额[{label}] = {self.draw.randrange(3)} 分/月")
            self.write(
                "定义 人档 对每个 人 (own_tier)",
                "    = 档额[残级]",
                "定义 户档 对每个 户 (paid_tier)",
                "    = 档额[档次]",
            )
            self.terms += [Term("人档", "人", "money?"), Term("户档", "户", "money")]

    def defines(self) -> None:
        for entity, listing in (("人", "单子"), ("户", "户单")):
            if self.chance(0.5):
                name = {"人": "近单", "户": "近户单"}[entity]
                fold, where = self.one(("最近", "最早")), self.truth(View([("单甲.", "单")]), 0)
                body = f"{fold} {listing} 称 单甲 满足 ({where}) 按 {self.one(('单日', '单日', '末日'))}"
                self.write(
                    f"定义 {name} 对每个 {entity} ({'near' if entity == '人' else 'near_paper'})",
                    f"    = {body}",
                )
                self.terms.append(Term(name, entity, "slip"))
        for number in range(self.draw.randrange(3)):
            entity, kind = self.one(("人", "户")), self.one(("bool", "money", "money?"))
            name = f"词{'甲乙丙'[number]}"
            view = self.view(entity)
            body = self.truth(view, 2) if kind == "bool" else self.money(view, 2, sure=kind == "money")
            period = self.one(("", "", "", " 2020-01-01 起", " 2020-07-01 起"))
            self.write(f"定义 {name} 对每个 {entity} (term_{number}){period}", f"    = {body}")
            self.terms.append(Term(name, entity, kind))

    def measures(self) -> list[tuple[str, tuple[str, ...]]]:
        found: list[tuple[str, tuple[str, ...]]] = []
        for number in range(self.draw.choice((1, 2, 2, 3))):
            first = self.draw.randrange(len(self.levels))
            entities = self.levels[first : first + self.draw.choice((1, 2, 3))]
            name = f"待遇{'甲乙丙'[number]}"
            self.write(f"待遇 {name} (measure_{number}) 对每个 {'、'.join(entities)}")
            found.append((name, entities))
        return found

    def conditions(self, view: View) -> list[str]:
        lines = []
        if self.chance(0.75):
            lines.append(f"    适用范围：{self.truth(view, 1)}")
        if self.chance(0.85):
            lines.append(f"    条件：{self.truth(view, 2)}")
        if any(t.kind == "slip" and t.entity == view.subject for t in view.terms) and self.chance(0.2):
            near = next(t.name for t in view.terms if t.kind == "slip" and t.entity == view.subject)
            lines.append(f"    期间按：{near}.单日")
        return lines

    def clause(self, name: str, ident: str, entity: str, lines: Iterable[str]) -> None:
        period = self.one(
            ("", "", "", " 2020-06-10 起", " 2020-01-01 起 至 2020-06-09", " 2020-01-01 起 至 2020-06-10")
        )
        self.write(f"条款 {name} ({ident}){period}", "    依据：文 第一条", f"    对每个 {entity}", *lines)

    def payable(self, view: View, names: Sequence[str] = ()) -> str:
        amount = self.money(view, 2)
        for name in names:
            amount = f"({amount} × {name})"
        return f"{self.one(('四舍五入到分', '四舍五入到角'))}({amount})"

    def span(self, view: View) -> tuple[str, str]:
        """From which month an amount is paid, and for how long; empty where the rule does not say."""
        start = self.one(("", "", "本月 + 1 个月", "2020-05", *self.places(view, "month")))
        fact = self.one(self.places(view, "bool") or ["是"])
        return start, self.one(("", "", "2 个月", f"(如果 {fact} 则 1 个月 否则 2 个月)"))

    def grant(self, measure: str, entities: tuple[str, ...], number: int) -> None:
        entity = self.one(entities)
        name, ident = f"条{'甲乙丙丁戊己庚辛壬'[number]}", f"clause_{number}"
        view = self.view(entity)
        lines = self.conditions(view)
        may, own = self.chance(0.3), self.chance(0.5)
        if may and own:
            lines += self.discretion(view, measure)
        elif own and self.chance(0.3):
            lines += [f"    给予：{measure}", f"    其中 本金 (main_{number})：{self.payable(view)}",
                      f"    其中 补贴 (extra_{number})：{self.payable(view)}"]  # fmt: skip
        elif own:
            start, months = self.span(view)
            start, months = f"，自 {start}" if start else "", f"，为期 {months}" if months else ""
            lines.append(f"    给予：{measure}，每月 {self.payable(view)}{start}{months}")
        else:
            lines.append(f"    {'可给予' if may else '给予'}：{measure}")
        lines += self.ranks(measure, entity, own)
        self.clause(name, ident, entity, lines)
        self.granting.setdefault(measure, []).append((name, entity, own))
        self.clauses.append((name, entity))

    def discretion(self, view: View, measure: str) -> list[str]:
        lines = [
            f"    可给予：{measure}，每月 {self.payable(view, ['份数'])}",
            "    裁量：份数 (shares)：1 至 2 个，由 「机关」",
        ]
        near = [t.name for t in view.terms if t.kind == "slip" and t.entity == view.subject]
        if near and self.chance(0.4):
            lines.append(f"    所裁申请：{near[0]}")
        return lines

    def ranks(self, measure: str, entity: str, own: bool) -> list[str]:
        """Priorities towards the clauses before: always where amounts differ, sometimes else."""
        above: list[str] = []
        below: list[str] = []
        for other, of, other_own in self.granting.get(measure, []):
            same_rule = not own and not other_own and of == entity
            if same_rule and self.chance(0.7):
                continue
            if of == entity:
                (above if self.chance(0.5) else below).append(other)
            else:
                higher = self.levels.index(entity) < self.levels.index(of)
                (above if higher else below).append(other)
        for other, measures in self.withheld.items():
            if measure in measures and self.chance(0.2):
                (above if self.chance(0.7) else below).append(other)
        lines = [f"    优先于：{'、'.join(above)}"] if above else []
        return lines + ([f"    让位于：{'、'.join(below)}"] if below else [])

    def shared_amounts(self, measures: list[tuple[str, tuple[str, ...]]]) -> None:
        for number, (measure, entities) in enumerate(measures):
            for entity in entities:
                shared = [
                    name for name, of, own in self.granting.get(measure, []) if of == entity and not own
                ]
                if shared:
                    ident = f"amount_{number}_{self.levels.index(entity)}"
                    view = self.view(entity)
                    start, months = self.span(view)
                    self.write(
                        f"金额 {measure}{entity}额 对每个 {entity} ({ident})",
                        f"    给予：{measure}",
                        f"    每月：{self.payable(view)}",
                        *([f"    起始月：{start}"] if start else []),
                        *([f"    为期：{months}"] if months else []),
                    )

    def withholding(self, measures: list[tuple[str, tuple[str, ...]]]) -> None:
        for number in range(self.draw.choice((0, 0, 1, 1, 2))):
            level = self.draw.randrange(len(self.levels))
            entity = self.levels[level]
            fitting = [name for name, of in measures if {*self.levels[level:]} & {*of}]
            if not fitting:
                continue
            names = fitting if self.chance(0.3) else [self.one(fitting)]
            members = " 及成员" if entity != "人" and self.chance(0.6) else ""
            view = self.view(entity)
            lines = [*self.conditions(view), f"    不给予：{'、'.join(names)}{members}"]
            self.clause(f"禁{'甲乙'[number]}", f"withhold_{number}", entity, lines)
            self.clauses.append((f"禁{'甲乙'[number]}", entity))
            self.withheld[f"禁{'甲乙'[number]}"] = names

    def exclusive(self, names: list[str], how: str) -> None:
        self.draw.shuffle(names)
        self.write(f"互斥 不兼 (not_both)：{'、'.join(names)}{how}")

    def effects(self) -> None:
        """Duties and bans on acts that belong together, and records."""
        entity, duty = self.one(self.levels), False
        if self.chance(0.6):
            view = self.view(entity, outcomes=True)
            done = f"，完成 {self.truth(view, 1)}" if self.chance(0.7) else ""
            due = self.one(("", "，期限 未规定", "，期限 2020-06-09", "，期限 2020-06-10"))
            self.clause(
                "责甲",
                "duty_0",
                entity,
                [*self.conditions(view), f"    应当：{self.one(('劝入', '走访'))}{done}{due}"],
            )
            duty = True
        rank = [f"    {self.one(('优先于', '让位于'))}：责甲"] if duty and self.chance(0.3) else []
        if self.chance(0.6):
            self.clause(
                "止甲",
                "ban_0",
                entity,
                [*self.conditions(self.view(entity)), f"    不得：{self.one(('入院', '劝入'))}", *rank],
            )
        if self.chance(0.6):
            kind = self.one(("列入", "转送", "发现"))
            self.clause(
                "录甲",
                "record_0",
                entity,
                [*self.conditions(self.view(entity, outcomes=True)), f"    {kind}：名单 「话」"],
            )

    def notes(self) -> None:
        if self.chance(0.5):
            entity = self.one(("户", "人"))
            test = self.truth(self.view(entity, notes=True, outcomes=True), 1)
            self.write(f"提示 注甲 对每个 {entity} (note_0)", f"    条件：{test}", "    内容：「话」")


def written(draw: Draw, village: bool = False, tries: int = 30) -> Written:
    """A program that loads; one that the checker refuses for its order is drawn again."""
    for _ in range(tries):
        text = Drafter(draw, village).draft()
        program = loaded(text)
        if program is not None:
            return Written(text, program)
    return Written(text := VOCABULARY + "待遇 待遇甲 (measure_0) 对每个 人\n", load_text(text).program)


@lru_cache(maxsize=64)
def loaded(text: str) -> Program | None:
    """The program of a text, or `None` where the checker refuses its order."""
    try:
        return load_text(text).program
    except PolicyError as error:
        codes = {d.code for d in error.diagnostics}
        assert codes <= REDRAWN, f"{error}\n{text}"
        return None


class Claimant(Drafter):
    """Writes a small program with properties: some hold, more do not, a few assume what cannot be.

    It looks at few facts, so that every household can be tried.
    """

    def draft(self) -> str:
        self.write("参数 未定 (unset)：金额 元/月", "    范围：0 分/月 至 2 分/月")
        self.terms.append(Term("未定", "", "money"))
        self.looked_at = {
            kind: self.draw.sample(names, min(len(names), most)) for kind, (names, most) in FEW.items()
        }
        self.parameters()
        self.defines()
        measures = self.measures()[: self.draw.choice((1, 2))]
        self.lines = [
            line for line in self.lines if not line.startswith("待遇 ") or line.split()[1] in dict(measures)
        ]
        if self.chance(0.5):
            self.withholding(measures)
        how = self.one((" 由 户 选择", " 按顺序", " 取高", "")) if len(measures) > 1 else ""
        order = [name for name, _ in measures for _ in range(self.draw.choice((1, 1, 2)))]
        for number, measure in enumerate(order):
            if number and order[number - 1] != measure and "选择" not in how:
                self.readable += [m for m in measures if m[0] == order[number - 1]]
            self.grant(measure, dict(measures)[measure], number)
        self.shared_amounts(measures)
        if how:
            self.exclusive([name for name, _ in measures], how)
        self.readable = measures
        if self.chance(0.3):
            self.effects()
        for number in range(PROPERTIES):
            self.property(number)
        return VOCABULARY + "\n".join(self.lines) + "\n"

    def places(self, view: View, kind: str) -> list[str]:
        found = super().places(view, kind)
        told = {name for facts in FACTS.values() for names in facts.values() for name in names}
        some = {name for names in self.looked_at.values() for name in names}
        return [word for word in found if (last := word.rsplit(".", 1)[-1]) not in told or last in some]

    def property(self, number: int) -> None:
        """A claim: anything at all, or something that rules of this kind often keep."""
        paid = sorted({(measure, of) for measure, granting in self.granting.items() for _, of, _ in granting})
        entity = self.one(sorted({of for _, of in paid}))
        view = View(
            [("", entity)], self.terms, self.clauses, self.readable, notes=True, outcomes=True, paid=paid
        )
        own = [measure for measure, of in paid if of == entity]
        measure = self.one(own)
        given = [self.truth(view, self.draw.choice((0, 1))) for _ in range(self.draw.choice((0, 0, 0, 1, 1)))]
        clauses = [name for name, of, _ in self.granting[measure] if of == entity]
        if self.chance(0.25):
            given.append(f"符合 {self.one(clauses)}")
        then = self.one(
            (
                self.anything,
                self.anything,
                self.outcome,
                self.sum_paid,
                self.paid_only,
                self.moved,
                self.moved,
            )
        )
        lines = [f"性质 质{'甲乙丙丁戊己'[number]} 对每个 {entity} (property_{number})"]
        lines += [f"    设：{truth}" for truth in given]
        self.write(*lines, f"    则：{then(view, measure)}")

    def anything(self, view: View, measure: str) -> str:
        return self.truth(view, 2)

    def outcome(self, view: View, measure: str) -> str:
        others = self.draw.sample(
            ["给予", "可裁量", "不符合", "未涉及", "被替代", "排除"], self.draw.choice((3, 4, 5))
        )
        return f"结果 {measure} 属于 {{{'、'.join(others)}}}"

    def sum_paid(self, view: View, measure: str) -> str:
        limit = self.one((f"{self.draw.randrange(1, 9)} 分/月", self.money(view, 1)))
        return f"应发金额 {measure} 为 无 或者 应发金额 {measure} {self.one(('不超过', '不超过', '不低于'))} {limit}"

    def paid_only(self, view: View, measure: str) -> str:
        return f"并非 (获得 {measure}) 或者 {self.truth(view, 1)}"

    def moved(self, view: View, measure: str) -> str:
        fact = self.one(("人.收入", "人.收入", "户.户入", "单.金额", "人.债务", "户.户扣"))
        return f"随 {fact} 增 则 应发金额 {measure} {self.one(('不增', '不减'))}"


def claiming(draw: Draw) -> Program:
    """A small program with properties that loads, and holds a list and a rounding; drawn until it does."""
    while True:
        text = Claimant(draw).draft()
        if (
            not re.search("求和|计数|任一|全部|最大|最小|最近|最早|有 .* 满足", text[len(VOCABULARY) :])
            or "四舍五入" not in text
        ):
            continue
        try:
            return load_text(VOCABULARY, text[len(VOCABULARY) :]).program
        except PolicyError as error:
            codes = {d.code for d in error.diagnostics}
            assert codes <= REDRAWN, f"{error}\n{text}"


PROPERTIES = 4

#: what a small program looks at: some of these facts, at most so many of each sort
FEW: dict[str, tuple[tuple[str, ...], int]] = {
    "household": (("贫困", "档次", "户入"), 2), "person": (("残疾", "学生", "困难", "收入", "收入", "债务"), 2),
    "slip": (("成立", "金额", "金额", "类别"), 1), "rare": (("住年", "残级", "处境", "起月", "生日", "户扣", "单日", "末日"), 1),
}  # fmt: skip


# ---- households -----------------------------------------------------------------------------------------------------


class Clerk:
    """Writes households as mappings, with a share of gaps."""

    def __init__(self, draw: Draw, gaps: float) -> None:
        self.draw, self.gaps = draw, gaps

    def one(self, options: Sequence[Any]) -> Any:
        return options[self.draw.randrange(len(options))]

    def put(self, record: dict[str, Any], name: str, values: Sequence[Any]) -> None:
        """A fact, or a gap in one of its three forms: absent, null, marked unknown."""
        if self.draw.random() >= self.gaps:
            record[name] = self.one(values)
        elif self.draw.random() < 0.5:
            record[name] = self.one((None, {"unknown": "没问到"}))

    def put_list(self, record: dict[str, Any], name: str, items: list[Any]) -> None:
        """A list, or a gap in it: absent, or not checked to the end."""
        if self.draw.random() >= self.gaps:
            record[name] = items
        elif self.draw.random() < 0.5:
            record[name] = {"items": items, "complete": False}

    def village(self) -> dict[str, Any]:
        """A village of a few households."""
        record: dict[str, Any] = {}
        self.put(record, "remote", (True, False))
        self.put(record, "allotted", [fen(n) for n in range(3)])
        households = [self.household(10 * number) for number in range(self.draw.choice((1, 1, 2)))]
        record["households"] = households
        if self.draw.random() < self.gaps * 0.3:
            record["households"] = {"items": households, "complete": False}
        return record

    def household(self, first: int = 0) -> dict[str, Any]:
        """A household; the numbers of its members count from `first`."""
        record: dict[str, Any] = {}
        self.put(record, "poor", (True, False))
        self.put(record, "level", ("g1", "g2", "g3"))
        self.put(record, "stayed", (0, 1, 2))
        gross = self.draw.randrange(4)
        self.put(record, "gross", (fen(gross),))
        self.put(record, "deducted", [fen(n) for n in range(gross + 1)])
        self.put_list(record, "papers", [self.slip() for _ in range(self.draw.choice((0, 1, 1, 2)))])
        size = self.draw.choice((1, 1, 2, 2, 3))
        members = [self.person(number, range(first, first + size)) for number in range(first, first + size)]
        record["members"] = members
        if self.draw.random() < self.gaps * 0.3:
            record["members"] = {"items": members, "complete": False}
        return record

    def person(self, number: int, beside: range, outside: bool = False) -> dict[str, Any]:
        record: dict[str, Any] = {} if outside else {"id": f"m{number}"}
        self.put(record, "disabled", (True, False))
        self.put(record, "student", (True, False))
        self.put(
            record,
            "hardship",
            [{"value": v, "by": "村", "date": "2020-06-01", "reason": "看过"} for v in (True, False)],
        )
        self.put(record, "since", ("2020-05", "2020-06", "2020-07"))
        self.put(record, "severity", ("g1", "g2", "g3", "无"))
        self.put(record, "plight", ([], ["k1"], ["k2"], ["k1", "k2"]))
        self.put(record, "income", [fen(n) for n in range(4)])
        self.put(record, "debt", ["无", *(fen(n) for n in range(3))])
        self.put(record, "birth", [f"2004-06-{day:02d}" for day in range(9, 13)])
        self.put_list(record, "slips", [self.slip() for _ in range(self.draw.choice((0, 0, 0, 1, 1)))])
        if not outside:
            others = [{"ref": f"m{n}"} for n in beside if n != number]
            away = [self.away()] if self.draw.random() < 0.3 else []
            self.put(record, "spouse", ["无", "无", *others, *away])
            self.put_list(
                record,
                "kin",
                self.draw.sample([*others, *away], self.draw.randrange(len(others) + len(away) + 1)),
            )
        else:
            record |= {"spouse": "无", "kin": []}
        return record

    def away(self) -> dict[str, Any]:
        """A person who lives elsewhere, in a household of their own."""
        record = self.person(0, range(0), outside=True)
        self.put(record, "household", ({"poor": self.one((True, False)), "members": [], "papers": [],
                                        "level": "g2", "stayed": 1, "gross": fen(1), "deducted": fen(0)},))  # fmt: skip
        if not isinstance(record.get("household"), dict) or "unknown" in record["household"]:
            record.pop("household", None)
        else:
            record["household"].pop("members")
        return record

    def slip(self) -> dict[str, Any]:
        record: dict[str, Any] = {}
        self.put(record, "dated", [f"2020-06-{day:02d}" for day in (8, 9, 9, 10, 11)])
        self.put(record, "valid", (True, True, False))
        self.put(record, "sort", ("k1", "k2"))
        self.put(record, "worth", [fen(n) for n in range(3)])
        self.put(record, "ends", ["无", *(f"2020-06-{day:02d}" for day in (9, 10, 11))])
        return record


def fen(amount: int) -> str:
    """So many fen, as yuan."""
    return f"{amount // 100}.{amount % 100:02d}"


def mapping(draw: Draw, gaps: float, village: bool = False) -> dict[str, Any]:
    """A household, or a village of some, as a mapping, with this share of its facts left out."""
    clerk = Clerk(draw, gaps)
    return clerk.village() if village else clerk.household()


def case_of(program: Program, household: dict[str, Any], on: date = ON) -> Case:
    """The household as the program reads it."""
    return read_case(program, household, on)


def events(draw: Draw, program: Program, case: Case) -> tuple[tuple[Ruling, ...], tuple[Election, ...]]:
    """Rulings under the may-clauses of a program, and elections between its measures."""
    rulings, elections = [], []
    for ident, (clause, *_) in program.clauses.items():
        if not isinstance(clause.effect, Grant) or not clause.effect.may:
            continue
        for subject in case.of(clause.entity):
            for _ in range(draw.choice((0, 0, 1, 1, 2))):
                choices = tuple((d.name.id, draw.randint(d.low, d.high)) for d in clause.discretion)
                day = ON - timedelta(days=draw.choice((-1, 0, 1, 2, 3)))
                about = (
                    ON - timedelta(days=draw.choice((0, 1, 2))) if clause.application is not None else None
                )
                rulings.append(
                    Ruling(ident, subject, day, "镇", "", draw.choice((None, choices, choices)), about)
                )
    for exclusive in program.exclusives:
        if exclusive.how == "by_election" and draw.random() < 0.6:
            measure = exclusive.measures[draw.randrange(len(exclusive.measures))]
            elections.append(
                Election(exclusive.basis.name.id, case.root, measure, draw.choice((ON, ON, LATER)), "户")
            )
    return tuple(rulings), tuple(elections)
