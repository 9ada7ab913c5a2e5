"""The operation table: every operation of the rule language, declared once.

One entry is one resolved overload. `run` is its meaning on known values; `bounds` is what is known of the result
when the operands are only partly known: either how the result moves with each operand (`+-*`, see
`values.corners`), or a function. `none` says what 无 does to it. Word operators are spelled in `grammar.lark` and
named here by terminal; named functions are spelled here. The examples are rule expressions that are true; the tests
run each of them on every engine and print them in the docs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from policykit import values
from policykit.datatypes import BOOL, COUNT, DATE, DAYS, MONTH, MONTHS, YEARS_OLD, Type, number, times
from policykit.values import (
    FALSE,
    NONE,
    TRUE,
    Bounds,
    Missing,
    Options,
    Subset,
    Value,
    corners,
    gaps,
    settle,
    truth,
)

Unknown: TypeAlias = Literal["strict", "absorbing", "sees"]
Nothing: TypeAlias = Literal["strict", "false", "sees"]
Bounding: TypeAlias = str | Callable[..., Value]

#: The range taken for a quotient whose divisor may be 0: wider than any value the checker lets through.
EVERYTHING = 10**40


@dataclass(frozen=True, slots=True)
class Op:
    """One operation.

    `result` gives the type for operand types, or `None` where it does not apply. `unknown` is `strict` (an unknown
    operand may leave the result unknown), `absorbing` (one operand can decide alone) or `sees` (it asks whether
    something is known). `none` is `strict` (无 in, 无 out), `false` (a comparison with 无 is false) or `sees`.
    """

    key: str
    sig: str
    doc: str
    doc_zh: str
    result: Callable[[Sequence[Type]], Type | None]
    run: Callable[..., Any]
    bounds: Bounding
    terminal: str = ""
    en: str = ""
    zh: str = ""
    unknown: Unknown = "strict"
    none: Nothing = "strict"
    fold: bool = False
    splits: bool = False
    examples: tuple[str, ...] = ()

    def apply(self, args: tuple[Value, ...]) -> Value:
        """What is known of the result, with the gaps that keep it open."""
        if callable(self.bounds):
            result: Value = self.bounds(*args)
        elif self.none == "false":
            result = _ordered(self.run, self.bounds, args)
        else:
            result = corners(self.run, self.bounds, args)
        return settle(result, gaps(args))

    def apply_fold(self, elements: Sequence[Element]) -> Value:
        """What is known of a fold over these elements."""
        assert callable(self.bounds)
        return self.bounds(elements)


# ---- types of results ---------------------------------------------------------------------------------------------------


def _fixed(*operands: Type, to: Type) -> Callable[[Sequence[Type]], Type | None]:
    def result(types: Sequence[Type]) -> Type | None:
        if len(types) != len(operands) or any(
            t.required() != o for t, o in zip(types, operands, strict=True)
        ):
            return None
        return to

    return result


def _optional(types: Sequence[Type]) -> bool:
    return any(t.optional for t in types)


def _strict(*operands: Type, to: Type) -> Callable[[Sequence[Type]], Type | None]:
    inner = _fixed(*operands, to=to)

    def result(types: Sequence[Type]) -> Type | None:
        found = inner(types)
        return Type(found.kind, found.of, found.dimension, _optional(types)) if found else None

    return result


def _same_ordered(types: Sequence[Type]) -> Type | None:
    a, b = types
    return BOOL if a.ordered and a.required() == b.required() else None


def _same(types: Sequence[Type]) -> Type | None:
    a, b = types
    return BOOL if a.required() == b.required() and a.kind not in ("list", "multi") else None


def _like_first(types: Sequence[Type]) -> Type | None:
    """The common type of ordered operands."""
    first = types[0].required()
    if not first.ordered or any(t.required() != first for t in types):
        return None
    return Type(first.kind, first.of, first.dimension, _optional(types))


def _numbers(types: Sequence[Type]) -> Type | None:
    return _like_first(types) if types[0].kind == "number" else None


def _money(types: Sequence[Type]) -> Type | None:
    return _like_first(types) if len(types) == 1 and types[0].money else None


def _product(power: int) -> Callable[[Sequence[Type]], Type | None]:
    def result(types: Sequence[Type]) -> Type | None:
        a, b = types
        if a.kind != "number" or b.kind != "number":
            return None
        return number(times(a.dimension, b.dimension, power), _optional(types) or power < 0)

    return result


def _all_bool(types: Sequence[Type]) -> Type | None:
    return BOOL if all(t == BOOL for t in types) else None


# ---- meaning under gaps, where the corners of `run` do not give it -------------------------------------------------------


def _ordered(run: Callable[..., Any], monotone: str, args: tuple[Value, ...]) -> Bounds:
    """A comparison: false as soon as one side is 无."""
    found = corners(run, monotone, args)
    if found.lo is None:
        return FALSE
    return Bounds(found.lo and not found.none, found.hi)


def _possible(value: Value) -> frozenset[Any] | None:
    """The finite set of possibilities, or `None` when it is not finite."""
    if isinstance(value, Options):
        return value.values
    if isinstance(value, Bounds):
        if value.lo is None:
            return frozenset([None])
        if isinstance(value.lo, bool):
            return frozenset([value.lo, value.hi])
        if value.lo == value.hi:
            return frozenset([value.lo, None]) if value.none else frozenset([value.lo])
    return None


def _vague(value: Any) -> bool:
    """Whether it stands for a record nobody described."""
    return bool(getattr(value, "vague", False))


def _one(values: frozenset[Any]) -> bool:
    """Whether a stand-in stands for one record, and not for the many that a list may still hold."""
    return all(getattr(value, "rest", None) is None for value in values)


def _equal(a: Value, b: Value) -> Bounds:
    first, second = _possible(a), _possible(b)
    if first is not None and second is not None:
        if any(map(_vague, first | second)) and not (first == second and len(first) == 1 and _one(first)):
            # a record nobody described may be any other
            return truth(True, (None in first and None in second) or bool(first - {None} and second - {None}))
        return truth(len(first | second) > 1, bool(first & second))
    if isinstance(a, Bounds) and isinstance(b, Bounds):
        if a.lo is None or b.lo is None:
            return truth(True, a.none and b.none)
        return truth(True, (a.lo <= b.hi and b.lo <= a.hi) or (a.none and b.none))
    return truth(True, True)


def _differ(a: Value, b: Value) -> Bounds:
    return values.negate(_equal(a, b))


def _among(a: Value, labels: Subset) -> Bounds:
    possible = _possible(a)
    if possible is None:
        return truth(True, True)
    return truth(not possible <= labels.must, bool(possible & labels.must))


def _holds(a: Subset, label: Options) -> Bounds:
    return truth(label.value not in a.must, label.value in a.may)


def _has(a: Value) -> Bounds:
    only_none = a.known and a.value is None
    return truth(a.none, not only_none)


def _has_not(a: Value) -> Bounds:
    return values.negate(_has(a))


def _present(a: Value) -> Value:
    if isinstance(a, Options) and a.values is not None and len(a.values) > 1:
        return Options(a.values - {None})
    return Bounds(a.lo, a.hi) if isinstance(a, Bounds) and a.lo is not None else a


def _quotient(a: Bounds, b: Bounds) -> Bounds:
    if a.lo is None or b.lo is None or (b.lo == b.hi == 0):
        return NONE
    if b.lo <= 0 <= b.hi:
        return Bounds(-EVERYTHING, EVERYTHING, none=True)
    return corners(values.divide, "**", (a, b))


def _undetermined(a: Value) -> Bounds:
    return FALSE if a.known else TRUE


# ---- folds: over (presence, value) of each element; `more` further elements may exist that look like the last -------------


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a fold: whether it is there (and passes the filter), what it contributes, how many it stands for.

    `times` is 1 for an element that is written down; for the unknown rest of an open list it is how many more there
    may be, and `present` is then at most "perhaps".
    """

    present: Bounds
    value: Value
    times: int = 1
    item: Any = None


def _elements_missing(elements: Sequence[Element]) -> Missing:
    found = gaps(e.present for e in elements)
    return found | gaps(e.value for e in elements if e.present.hi)


def _fold_any(elements: Sequence[Element]) -> Value:
    return values.either(e.present for e in elements)


def _fold_all(elements: Sequence[Element]) -> Value:
    tests = []
    for e in elements:
        assert isinstance(e.value, Bounds)
        tests.append(values.either((values.negate(e.present), e.value)))
    return values.both(tests)


def _fold_count(elements: Sequence[Element]) -> Value:
    low = sum(1 for e in elements if e.present.lo)
    high = sum(e.times for e in elements if e.present.hi)
    return settle(Bounds(low, high), _elements_missing(elements))


def _fold_sum(elements: Sequence[Element]) -> Value:
    low: Any = 0
    high: Any = 0
    none = False
    for e in elements:
        if not e.present.hi:
            continue
        value = e.value
        assert isinstance(value, Bounds)
        if value.lo is None:
            if e.present.lo:
                return NONE
            none = True
            continue
        none = none or value.none
        sure = e.present.lo
        low += value.lo if sure else min(0, value.lo) * e.times
        high += value.hi if sure else max(0, value.hi) * e.times
    return settle(Bounds(low, high, none), _elements_missing(elements))


def _fold_extreme(least: bool) -> Callable[[Sequence[Element]], Value]:
    better, worse = (min, max) if least else (max, min)

    def fold(elements: Sequence[Element]) -> Value:
        near: list[Any] = []  # the best that can be
        far: list[Any] = []  # the worst that can be
        sure: list[Any] = []  # what surely is no better than
        none = True
        if any(e.present.lo and isinstance(e.value, Bounds) and e.value.lo is None for e in elements):
            return NONE
        for e in elements:
            value = e.value
            assert isinstance(value, Bounds)
            if not e.present.hi:
                continue
            if value.lo is None or value.none:
                return settle(_any_of(elements), _elements_missing(elements))
            near.append(value.lo if least else value.hi)
            far.append(value.hi if least else value.lo)
            if e.present.lo:
                none = False
                sure.append(far[-1])
        if not near:
            return NONE
        best, last = better(near), better(sure) if sure else worse(far)
        low, high = (best, last) if least else (last, best)
        return settle(Bounds(low, high, none), _elements_missing(elements))

    return fold


def _any_of(elements: Sequence[Element]) -> Value:
    """One of the elements' values, or 无: an element that may itself be 无 makes the whole perhaps 无."""
    return values.join([NONE, *(e.value for e in elements if e.present.hi)])


def _pick(latest: bool) -> Callable[[Sequence[Element]], Value]:
    def fold(elements: Sequence[Element]) -> Value:
        """The records that may be the earliest (or latest): ties go to the first written (the last, for latest)."""
        candidates: list[Any] = []
        settled = False
        present = [
            e for e in elements if e.present.hi and not (isinstance(e.value, Bounds) and e.value.lo is None)
        ]
        for index, e in enumerate(present):
            if not any(_beats(other, e, latest, after=place > index) for place, other in enumerate(present)):
                candidates.append(e.item)
            if e.present.lo and isinstance(e.value, Bounds) and not e.value.none:
                settled = True
        options = frozenset(candidates) if settled else frozenset([*candidates, None])
        return settle(Options(options), _elements_missing(elements))

    return fold


def _beats(other: Element, e: Element, latest: bool, after: bool) -> bool:
    """Whether `other` is surely there and surely comes first of the two."""
    a, b = other.value, e.value
    if other is e or not other.present.lo or not isinstance(a, Bounds) or not isinstance(b, Bounds) or a.none:
        return False
    if latest:
        return bool(a.lo > b.hi or (after and a.lo == a.hi == b.lo == b.hi))
    return bool(a.hi < b.lo or (not after and a.lo == a.hi == b.lo == b.hi))


def _run_pick(latest: bool) -> Callable[[Sequence[tuple[Any, Any]]], Any]:
    def run(pairs: Sequence[tuple[Any, Any]]) -> Any:
        best: tuple[Any, Any] | None = None
        for key, item in pairs:
            if key is None:
                continue
            if best is None or (key >= best[0] if latest else key < best[0]):
                best = (key, item)
        return None if best is None else best[1]

    return run


def _run_sum(items: Sequence[Any]) -> Any:
    return None if any(item is None for item in items) else sum(items)


def _run_extreme(choose: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
    def run(items: Sequence[Any]) -> Any:
        return None if not items or any(item is None for item in items) else choose(items)

    return run


# ---- the table ------------------------------------------------------------------------------------------------------------


def _no_type(types: Sequence[Type]) -> Type | None:
    return None


_TABLE: tuple[Op, ...] = (
    Op("and", "(是否, 是否, …) -> 是否", "True when all are true.", "全部成立才成立。", _all_bool,
       lambda *xs: all(xs), lambda *xs: values.both(xs), terminal="AND", unknown="absorbing",
       examples=("是 并且 是", "并非 (是 并且 否)")),
    Op("or", "(是否, 是否, …) -> 是否", "True when one is true.", "一项成立即成立。", _all_bool,
       lambda *xs: any(xs), lambda *xs: values.either(xs), terminal="OR", unknown="absorbing",
       examples=("是 或者 否", "并非 (否 或者 否)")),
    Op("not", "(是否) -> 是否", "True when false.", "不成立才成立。", _all_bool,
       lambda x: not x, values.negate, terminal="NOT", examples=("并非 否",)),
    # order: false against 无
    Op("lt", "(T, T) -> 是否", "Strictly less or earlier.", "小于、早于，不含本数。", _same_ordered,
       lambda a, b: a < b, "-+", terminal="LT", none="false", splits=True,
       examples=("1 元 低于 2 元", "并非 (2 元 低于 2 元)", "2020-04-05 早于 2020-04-06", "15 周岁 不满 16 周岁")),
    Op("le", "(T, T) -> 是否", "Less or equal, not later.", "不超过、不晚于，含本数。", _same_ordered,
       lambda a, b: a <= b, "-+", terminal="LE", none="false", splits=True,
       examples=("2 元 不超过 2 元", "并非 (3 元 不超过 2 元)", "2020-04 不晚于 2020-04")),
    Op("gt", "(T, T) -> 是否", "Strictly greater or later.", "超过、晚于，不含本数。", _same_ordered,
       lambda a, b: a > b, "+-", terminal="GT", none="false", splits=True,
       examples=("3 元 超过 2 元", "并非 (2 元 超过 2 元)", "2020-05 晚于 2020-04")),
    Op("ge", "(T, T) -> 是否", "Greater or equal, not earlier.", "不低于、不早于，含本数。", _same_ordered,
       lambda a, b: a >= b, "+-", terminal="GE", none="false", splits=True,
       examples=("2 元 不低于 2 元", "60 周岁 不低于 60 周岁", "2020-04-06 不早于 2020-04-06")),
    Op("eq", "(T, T) -> 是否", "The same value; 无 equals only 无.", "相等；无 只等于 无。", _same,
       lambda a, b: a == b, _equal, terminal="EQ", none="sees", splits=True,
       examples=("1 元 等于 100 分", "并非 (1 元 等于 2 元)")),
    Op("ne", "(T, T) -> 是否", "Different values.", "不相等。", _same,
       lambda a, b: a != b, _differ, terminal="NE", none="sees", splits=True, examples=("1 元 不等于 2 元",)),
    Op("among", "(选项, {…}) -> 是否", "One of these labels; 无 is none of them.", "属于所列取值之一；无 不属于任何一项。", _no_type,
       lambda a, labels: a in labels, _among, terminal="IN", none="false", splits=True),
    Op("contains", "(多选, 取值) -> 是否", "The label is among those chosen.", "所选各项中有这一项。", _no_type,
       lambda a, label: label in a, _holds, terminal="CONTAINS", splits=True),
    Op("has", "(T 或 无) -> 是否", "There is a value: it is not 无.", "有值，即不是 无。", lambda ts: BOOL if len(ts) == 1 else None,
       lambda a: a is not None, _has, terminal="HAS", none="sees", splits=True, examples=("1 元 不为 无", "并非 ((1 元 ÷ 0 人) 不为 无)")),
    Op("has_not", "(T 或 无) -> 是否", "There is no value: it is 无.", "没有值，即是 无。", lambda ts: BOOL if len(ts) == 1 else None,
       lambda a: a is None, _has_not, terminal="HAS_NOT", none="sees", splits=True, examples=("(1 元 ÷ 0 人) 为 无", "并非 (1 元 为 无)")),
    Op("present", "(T 或 无) -> T", "The value inside a branch that has made sure that it is not 无.",
       "在已判断 有 的分支里的值，不会是 无。", _no_type, lambda a: a, _present, none="sees"),
    # arithmetic: exact, 无 in 无 out
    Op("add", "(数, 数) -> 数", "Sum of two numbers of one unit.", "同单位两数之和。", _numbers,
       lambda a, b: a + b, "++", terminal="PLUS", examples=("1 元 + 50 分 等于 1.5 元",)),
    Op("subtract", "(数, 数) -> 数", "Difference of two numbers of one unit.", "同单位两数之差。", _numbers,
       lambda a, b: a - b, "+-", terminal="MINUS", examples=("1 元 - 3 元 等于 -2 元",)),
    Op("negative", "(数) -> 数", "The opposite number.", "相反数。",
       lambda ts: _numbers(ts) if len(ts) == 1 else None, lambda a: -a, "-", terminal="MINUS",
       examples=("-(1 元 - 3 元) 等于 2 元",)),
    Op("multiply", "(数, 数) -> 数", "Product; units multiply.", "乘积，单位相乘。", _product(1),
       lambda a, b: values.simple(a * b), "**", terminal="TIMES",
       examples=("600 元/人·月 × 3 人 等于 1800 元/月", "9600 元/年 × 20 % 等于 1920 元/年")),
    Op("divide", "(数, 数) -> 数 或 无", "Exact quotient; units divide; 无 when divided by 0.", "精确的商，单位相除；除以 0 得 无。",
       _product(-1), lambda a, b: None if b == 0 else values.divide(a, b), _quotient, terminal="DIVIDE",
       examples=("3000 元/年 ÷ 12 月/年 等于 250 元/月", "(1 元 ÷ 0 人) 为 无", "10 元 ÷ 3 × 3 等于 10 元")),
    Op("max_of", "(T, T) -> T", "The greater or later of two.", "两者中较大、较晚的。",
       lambda ts: _like_first(ts) if len(ts) == 2 else None, max, "++", en="max_of", zh="较大",
       examples=("较大(1 元, 2 元) 等于 2 元",)),
    Op("min_of", "(T, T) -> T", "The smaller or earlier of two.", "两者中较小、较早的。",
       lambda ts: _like_first(ts) if len(ts) == 2 else None, min, "++", en="min_of", zh="较小",
       examples=("较小(1 元, 2 元) 等于 1 元", "较小(2020-01-31, 2020-02-01) 等于 2020-01-31")),
    Op("round_to_fen", "(金额) -> 金额", "Round to the fen, halves away from zero.", "四舍五入到分。", _money,
       lambda a: values.round_half_up(a, 1), "+", en="round_to_fen", zh="四舍五入到分",
       examples=("四舍五入到分(10 元 ÷ 3) 等于 3.33 元", "四舍五入到分(0.005 元) 等于 0.01 元", "四舍五入到分(-0.005 元) 等于 -0.01 元")),
    Op("round_to_jiao", "(金额) -> 金额", "Round to the jiao, halves away from zero.", "四舍五入到角。", _money,
       lambda a: values.round_half_up(a, 10), "+", en="round_to_jiao", zh="四舍五入到角",
       examples=("四舍五入到角(0.05 元) 等于 0.1 元", "四舍五入到角(0.04 元) 等于 0 元")),
    Op("round_to_yuan", "(金额) -> 金额", "Round to the yuan, halves away from zero.", "四舍五入到元。", _money,
       lambda a: values.round_half_up(a, 100), "+", en="round_to_yuan", zh="四舍五入到元",
       examples=("四舍五入到元(0.5 元) 等于 1 元", "四舍五入到元(1.49 元) 等于 1 元")),
    Op("round_up_to_yuan", "(金额) -> 金额", "Round up to the yuan.", "进位到元。", _money,
       lambda a: values.round_up(a, 100), "+", en="round_up_to_yuan", zh="进位到元",
       examples=("进位到元(1.01 元) 等于 2 元", "进位到元(1 元) 等于 1 元")),
    Op("round_down_to_yuan", "(金额) -> 金额", "Round down to the yuan.", "舍去到元。", _money,
       lambda a: values.round_down(a, 100), "+", en="round_down_to_yuan", zh="舍去到元",
       examples=("舍去到元(1.99 元) 等于 1 元",)),
    # the calendar
    Op("full_years", "(日期, 日期) -> 岁", "Age in full years on a day; it turns on the birthday, for 29 February on "
       "1 March in common years.", "某日的周岁；生日当天满岁，2月29日出生的平年3月1日满岁。", _strict(DATE, DATE, to=YEARS_OLD),
       values.full_years, "-+", en="full_years", zh="周岁",
       examples=("周岁(2004-06-10, 2020-06-10) 等于 16 周岁", "周岁(2004-06-11, 2020-06-10) 等于 15 周岁",
                 "周岁(2004-02-29, 2019-02-28) 等于 14 周岁", "周岁(2004-02-29, 2019-03-01) 等于 15 周岁")),
    Op("month_of", "(日期) -> 年月", "The calendar month of a day.", "日期所在的年月。", _strict(DATE, to=MONTH),
       values.month_of, "+", en="month_of", zh="月份", examples=("月份(2020-06-30) 等于 2020-06",)),
    Op("first_day", "(年月) -> 日期", "The first day of a month.", "当月第一天。", _strict(MONTH, to=DATE),
       lambda m: m.first, "+", en="first_day", zh="月初", examples=("月初(2020-02) 等于 2020-02-01",)),
    Op("last_day", "(年月) -> 日期", "The last day of a month.", "当月最后一天。", _strict(MONTH, to=DATE),
       lambda m: m.last, "+", en="last_day", zh="月末",
       examples=("月末(2020-02) 等于 2020-02-29", "月末(2019-02) 等于 2019-02-28")),
    Op("add_months", "(年月, 月) -> 年月", "So many calendar months later.", "若干个月之后的年月。", _strict(MONTH, MONTHS, to=MONTH),
       lambda m, n: m.plus(int(n)), "++", terminal="PLUS", examples=("2020-11 + 2 个月 等于 2021-01",)),
    Op("subtract_months", "(年月, 月) -> 年月", "So many calendar months earlier.", "若干个月之前的年月。", _strict(MONTH, MONTHS, to=MONTH),
       lambda m, n: m.plus(-int(n)), "+-", terminal="MINUS", examples=("2021-01 - 2 个月 等于 2020-11",)),
    Op("add_months_to_date", "(日期, 月) -> 日期", "The same day so many months later, or the month's last day.",
       "若干个月之后的同一天，没有这一天的取当月最后一天。", _strict(DATE, MONTHS, to=DATE),
       lambda d, n: values.plus_months(d, int(n)), "++", terminal="PLUS",
       examples=("2020-01-31 + 1 个月 等于 2020-02-29", "2019-01-31 + 1 个月 等于 2019-02-28")),
    Op("subtract_months_from_date", "(日期, 月) -> 日期", "The same day so many months earlier, or the month's last day.",
       "若干个月之前的同一天，没有这一天的取当月最后一天。", _strict(DATE, MONTHS, to=DATE),
       lambda d, n: values.plus_months(d, -int(n)), "+-", terminal="MINUS",
       examples=("2020-03-31 - 1 个月 等于 2020-02-29",)),
    Op("add_days", "(日期, 天) -> 日期", "So many days later.", "若干天之后。", _strict(DATE, DAYS, to=DATE),
       lambda d, n: values.plus_days(d, int(n)), "++", terminal="PLUS", examples=("2020-02-28 + 2 天 等于 2020-03-01",)),
    Op("subtract_days", "(日期, 天) -> 日期", "So many days earlier.", "若干天之前。", _strict(DATE, DAYS, to=DATE),
       lambda d, n: values.plus_days(d, -int(n)), "+-", terminal="MINUS", examples=("2020-03-01 - 1 天 等于 2020-02-29",)),
    Op("months_between", "(年月, 年月) -> 月", "How many months from the second to the first.", "两个年月相差的月数。",
       _strict(MONTH, MONTH, to=MONTHS), lambda a, b: a.minus(b), "+-", terminal="MINUS",
       examples=("2021-01 - 2020-11 等于 2 个月",)),
    Op("days_between", "(日期, 日期) -> 天", "How many days from the second to the first.", "两个日期相差的天数。",
       _strict(DATE, DATE, to=DAYS), lambda a, b: (a - b).days, "+-", terminal="MINUS",
       examples=("2020-03-01 - 2020-02-28 等于 2 天",)),
    Op("undetermined", "(T) -> 是否", "The value is not known; only findings and notes may ask.", "该值尚不能确定；只有 发现 和 提示 可以这样问。",
       lambda ts: BOOL if len(ts) == 1 else None, lambda a: False, _undetermined, en="undetermined", zh="待定",
       unknown="sees", none="sees", examples=("并非 待定(1 元)",)),
    # folds
    Op("any", "任一 列表 满足 (是否) -> 是否", "Some element passes; false for none.", "至少一项满足；空列表为否。", _no_type,
       any, _fold_any, terminal="ANY", fold=True, unknown="absorbing",
       examples=("任一 逐月 2020-01 至 2020-03 称 m 满足 (m 等于 2020-02)",)),
    Op("all", "全部 列表 满足 (是否) -> 是否", "Every element passes; true for none.", "每一项都满足；空列表为是。", _no_type,
       all, _fold_all, terminal="ALL", fold=True, unknown="absorbing",
       examples=("全部 逐月 2020-01 至 2020-03 称 m 满足 (m 早于 2020-04)",)),
    Op("count", "计数 列表 [满足 (是否)] -> 个数", "How many elements pass.", "满足的有几项。", lambda ts: COUNT,
       len, _fold_count, terminal="COUNT", fold=True, examples=("计数 逐月 2020-07 至 2021-06 等于 12",)),
    Op("sum", "求和 列表 [满足 (是否)] 取 (数) -> 数", "The sum over the elements that pass; 0 for none.", "满足各项之和；空列表为 0。",
       _no_type, _run_sum, _fold_sum, terminal="SUM", fold=True,
       examples=("求和 逐月 2020-01 至 2020-03 取 (1 元) 等于 3 元",)),
    Op("least", "最小 列表 [满足 (是否)] 取 (T) -> T 或 无", "The least over the elements; 无 for none.", "各项中最小的；空列表为 无。",
       _no_type, _run_extreme(min), _fold_extreme(True), terminal="LEAST", fold=True,
       examples=("最小 逐月 2020-01 至 2020-03 称 m 取 m 等于 2020-01",)),
    Op("greatest", "最大 列表 [满足 (是否)] 取 (T) -> T 或 无", "The greatest over the elements; 无 for none.",
       "各项中最大的；空列表为 无。", _no_type, _run_extreme(max), _fold_extreme(False), terminal="MOST", fold=True,
       examples=("最大 逐月 2020-01 至 2020-03 称 m 取 m 等于 2020-03",)),
    Op("earliest", "最早 记录 [满足 (是否)] 按 (日期) -> 记录 或 无", "The record with the earliest date; of equals the "
       "first written.", "日期最早的一条；同日取先写的。", _no_type, _run_pick(False), _pick(False), terminal="EARLIEST",
       fold=True),
    Op("latest", "最近 记录 [满足 (是否)] 按 (日期) -> 记录 或 无", "The record with the latest date; of equals the last "
       "written.", "日期最近的一条；同日取后写的。", _no_type, _run_pick(True), _pick(True), terminal="LATEST", fold=True),
)  # fmt: skip

OPS: dict[str, Op] = {op.key: op for op in _TABLE}
FUNCTIONS: dict[str, Op] = {name: op for op in _TABLE if op.en for name in (op.en, op.zh)}


def overloads(terminal: str, arity: int) -> list[Op]:
    """The operations that a word operator may stand for."""
    unary = {"NOT", "HAS", "HAS_NOT"}
    if terminal == "MINUS" and arity == 1:
        return [OPS["negative"]]
    found = [op for op in _TABLE if op.terminal == terminal and not op.fold and op.key != "negative"]
    return found if arity > 1 or terminal in unary else []
