"""What the words of a legal text say in figures, in comparisons and in modality, Chinese or English.

Read so that what is found is certain, and the rest is passed over: a date, the number of an article or of a document,
a heading's number and 「一定」「一段时间」 are no figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal, TypeAlias

Way: TypeAlias = Literal["lt", "le", "gt", "ge", ""]

# ---- figures --------------------------------------------------------------------------------------------------------

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = r"\d+(?:,\d{3})*(?:\.\d+)?|[〇零一二两三四五六七八九十百千]+"

#: unit as written → the unit it stands for, and how many of it
_UNITS: dict[str, tuple[str, int]] = {
    "个月": ("月", 1), "周岁": ("岁", 1), "岁": ("岁", 1), "级": ("级", 1), "倍": ("倍", 1), "年": ("年", 1),
    "天": ("天", 1), "个工作日": ("天", 1), "工作日": ("天", 1), "日": ("天", 1), "万元": ("元", 10000), "元": ("元", 1),
    "人": ("人", 1), "户": ("户", 1), "项": ("项", 1), "次": ("次", 1), "%": ("%", 1), "％": ("%", 1),
    "months": ("月", 1), "month": ("月", 1), "years old": ("岁", 1), "years of age": ("岁", 1), "years": ("年", 1),
    "year": ("年", 1), "working days": ("天", 1), "days": ("天", 1), "day": ("天", 1), "yuan": ("元", 1),
    "persons": ("人", 1), "people": ("人", 1), "households": ("户", 1), "times": ("倍", 1), "per cent": ("%", 1),
    "percent": ("%", 1),
}  # fmt: skip

_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_FIGURE = re.compile(
    rf"(?<![\d.,第〔［\[（(])(百分之)?((?:(?:{_NUMERAL})(?:[、,和或至到~～—–-]|(?= ?(?:to|or) ) ?(?:to|or) ))*(?:{_NUMERAL}))"
    rf" ?({_UNIT})?(?![a-z])"
)
# 「上一级」「同一年」「一次性」「两项补贴」 count nothing
_NO_FIGURE_AFTER = re.compile(r"[上下同每任这某前后近统单唯县市省镇乡]$")
_NO_FIGURE_BEFORE = re.compile(r"性|以来|计划|补贴|制度|政策|措施|工作|救助制度")
_ONE_COUNTS = ("月", "岁", "级", "倍", "年", "元", "%")

_BEFORE: tuple[tuple[Way, str], ...] = (
    (
        "le",
        r"不(?:得)?(?:超过|超出|高于|多于|大于)|至多|最多|at most|(?:not|no) more than|up to|not exceeding",
    ),
    ("ge", r"不(?:得)?(?:低于|少于|小于)|至少|达到|at least|(?:not|no) less than"),
    ("lt", r"未满|不满|不足|不到|低于|少于|小于|under|below|less than|younger than"),
    ("gt", r"超过|超出|高于|多于|大于|more than|over|above|exceed(?:s|ing)?"),
    ("ge", r"年满|已满|(?<![不未期])满"),
)
_AFTER: tuple[tuple[Way, str], ...] = (
    ("ge", r"[及或]?以上|或者以上|,? (?:or|and) (?:more|above|over|older)"),
    ("le", r"[及或]?以下|或者以下|以内|之内|内|,? (?:or|and) (?:less|below|under|younger)"),
)
_WAYS_BEFORE = [(way, re.compile(rf"(?:{words}) ?$")) for way, words in _BEFORE]
_WAYS_AFTER = [(way, re.compile(rf"(?:{words})")) for way, words in _AFTER]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit as a text has it, and the comparison that its words make with it, if they make one.

    `phrase` is the figure with the word that compares; `repeats` if it only says that the one before is included:
    三年以上（含三年）.
    """

    number: Fraction
    unit: str
    way: Way
    words: str
    phrase: str
    repeats: bool


@lru_cache(maxsize=10_000)
def figures(text: str) -> tuple[Figure, ...]:
    """Every number with a unit, each end of a range and each of a list by itself: 1-3个月, 一、二级."""
    return tuple(_figures(text))


def _figures(text: str) -> Iterator[Figure]:
    for match in _FIGURE.finditer(text):
        percent, written, unit_word = match[1], match[2], match[3] or ""
        if percent:
            unit, size = "%", 1
        elif unit_word:
            unit, size = _UNITS[unit_word]
        else:
            continue
        before, after = text[: match.start()], text[match.end() :]
        if _is_calendar(written, unit_word, before) or _NO_FIGURE_BEFORE.match(after):
            continue
        if _NO_FIGURE_AFTER.search(before) and not written[0].isdigit():
            continue
        if written == "一" and unit not in _ONE_COUNTS:
            continue
        way, word_before, word_after = _way(before, after) if unit != "级" else ("", "", "")
        for numeral in re.findall(_NUMERAL, written):
            number = _number(numeral)
            if number is not None:
                gap = " " if unit_word.isascii() and unit_word != "%" else ""
                shown = f"百分之{numeral}" if percent else numeral + gap + unit_word
                phrase = f"{word_before}{shown}{word_after}"
                yield Figure(number * size, unit, way, shown, phrase, before.endswith("含"))


def _is_calendar(written: str, unit: str, before: str) -> bool:
    """Whether it is a year or a day of the calendar: 2020年, 4月6日."""
    return (unit == "年" and re.search(r"\d{4}|[〇零一二三四五六七八九]{4}", written) is not None) or (
        unit == "日" and before.endswith("月")
    )


def _way(before: str, after: str) -> tuple[Way, str, str]:
    """The comparison that is made with a figure, and its word where it stands before or after the figure."""
    for way, words in _WAYS_BEFORE:
        if found := words.search(before):
            return way, found[0], ""
    for way, words in _WAYS_AFTER:
        if found := words.match(after):
            return way, "", found[0]
    return "", "", ""


def _number(numeral: str) -> Fraction | None:
    """The number that a numeral writes: 12, 1.5, 十六, 二十."""
    if numeral[0].isdigit():
        return Fraction(numeral.replace(",", ""))
    total, digit = 0, None
    for c in numeral:
        if c in _TENS:
            total, digit = total + (1 if digit is None else digit) * _TENS[c], None
        elif digit is not None and digit != 0:
            return None  # digits one after the other are no numeral: a year, or a list without marks
        else:
            digit = _DIGITS[c]
    return Fraction(total + (digit or 0))


# ---- comparisons with what has a name ----------------------------------------------------------------------------------

_ORDER: tuple[tuple[Way, str], ...] = (
    ("le", "不得超过|不得高于|不超过|不高于|不多于|不大于"),
    ("ge", "不得低于|不得少于|不低于|不少于|不小于"),
    ("lt", "低于|少于|小于"),
    ("gt", "超过|高于|多于|大于"),
)
_COMPARISON = re.compile(
    rf"([^，。；：,;:（）()]*?)({'|'.join(words for _, words in _ORDER)})(?!\d|[〇零一二两三四五六七八九十百])([^，。；：,;:（）()]*)"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison in words: what stands on its left and right, and the word itself."""

    way: Way
    left: str
    right: str
    word: str


def comparisons(text: str) -> Iterator[Compared]:
    """Every comparison with something that has a name: 人均收入低于当地最低生活保障标准."""
    for match in _COMPARISON.finditer(text):
        way = next(way for way, words in _ORDER if match[2] in words.split("|"))
        yield Compared(way, match[1], match[3], match[2])


# ---- modality ----------------------------------------------------------------------------------------------------------

_PERMITS = re.compile(
    r"(?:(?<![不许认])可(?!支配|能|靠|行|持续|再生|及)以?|视情|酌情)"
    r"(?:(?!申请|享)[^，。；、,;.]){0,16}?(?:给予|予以|发给|发放|提供|补助|补发|增发|救助|减免|延长|纳入)"
    r"|\bmay\b(?! not)"
)
_OBLIGES = re.compile(
    r"必须|应当|应予|务必|[都均也还][要应须]|(?<![需重主只想])要(?=及时|坚持|严格|签订|按|依|予以|给予|纳入)"
    r"|(?<![适相对响供反])应(?=及时|按|依|给予|纳入|主动|优先)|\bmust\b(?! not)|\bshall\b(?! not)"
)
_FORBIDS = re.compile(
    r"不得(?!超过|低于|高于|少于|多于|大于|小于|早于|晚于|不)|禁止|严禁|不准|不允许|不许|\b(?:must|shall|may) not\b"
)
_NEGATIVE = re.compile(r"不|禁|停止|终止|\bnot?\b|\bnever\b")
_GIVES = re.compile(r"给予|发给|发放|\bgrant(?:s|ed)?\b|\bpaid\b")


def permits(text: str) -> str:
    """The words that leave it to somebody whether to give, or nothing. 可申请 and 可享受 leave it to the person."""
    return _words(_PERMITS, text)


def obliges(text: str) -> str:
    """The words that leave no choice, or nothing."""
    return _words(_OBLIGES, text)


def gives(text: str) -> str:
    """The words that give, or nothing."""
    return _words(_GIVES, text)


def forbids(text: str) -> Iterator[tuple[int, str]]:
    """The words that forbid, and where each stands; 不得超过 is a bound."""
    return ((match.start(), match[0]) for match in _FORBIDS.finditer(text))


def negative(text: str) -> bool:
    """Whether anything in the words denies or ends something."""
    return _NEGATIVE.search(text) is not None


def _words(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""
