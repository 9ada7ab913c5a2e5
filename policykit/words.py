"""The words of the language, read back from `grammar.lark`: how each is spelled, and what a person is told about it.

The grammar is their only home. The spellings of a keyword come in pairs, the Chinese one before its English twin; a
field belongs to declarations as `symbols.FIELDS` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

from policykit.diagnostics import Language
from policykit.ir import ObjectiveKind
from policykit.symbols import FIELDS

_TERMINAL = re.compile(r"^([A-Z]\w*)(?:\.\d+)?:\s*/(.*)/$", re.M)
_KEYWORD = re.compile(r"\(\?:([^()]*)\)\(\?!(?:\\w|\[a-zA-Z_\])\)")
_FIELD = re.compile(r"^ *(?:\?field:|\|) *(F_\w+)[^\n]*-> *(\w+)", re.M)

_DECLARATIONS = {
    "LANGUAGE": "language", "POLICY": "policy", "SOURCE": "source", "ENTITY": "entity", "CHOICE": "choice",
    "FACT": "fact", "PARAMETER": "parameter", "SET": "setting", "SHEET": "sheet", "DEFINE": "define",
    "MEASURE": "measure", "ACT": "act", "AMOUNT": "amount", "CLAUSE": "clause", "EXCLUSION": "exclusion",
    "READING": "reading", "NOTE": "note", "PROPERTY": "property", "OBJECTIVE": "objective", "CASE": "example",
}  # fmt: skip

# What a message calls the things that could have stood in a place. A group stands for many terminals: it is named
# when all of the first set could stand there, and then covers the second.
_VALUES = {"NAME", "BRACKETED", "NUMBER", "DATE", "MONTH", "QUOTE", "_LPAR", "NONE", "YES", "NO", "MINUS", "IF", "COUNT",
           "SUM", "LEAST", "MOST", "EARLIEST", "LATEST", "MEETS", "OBTAINS", "BLOCKED", "HAS", "HAS_NOT", "ANY", "ALL",
           "NOT", "AMOUNT_OF"}  # fmt: skip
_COMPARING = {
    "LT",
    "LE",
    "GT",
    "GE",
    "EQ",
    "NE",
    "IS",
    "IS_NOT",
    "IN",
    "NOT_IN",
    "CONTAINS",
    "AT_LEAST",
    "AT_MOST",
}
_AFTER_A_NAME = {"_DOT", "_LPAR", "_LSQB", "MEETS", "OBTAINS", "BLOCKED"}
_GROUPS: tuple[tuple[set[str], set[str], tuple[str, str]], ...] = (
    ({"NAME", "NUMBER", "HAS"}, _VALUES,
     ("条件（年龄 不满 16 周岁、有 残疾等级、符合 …）", "a condition (age below 16 years, has …, meets …)")),
    ({"NAME", "NUMBER", "_LPAR"}, _VALUES, ("值（名称、数字、日期、(…)）", "a value (a name, a number, a date, (…))")),
    ({"LT", "GE", "IS"}, _COMPARING | _AFTER_A_NAME,
     ("比较词（低于、不超过、为、属于…）", "a comparison (below, at most, is, in …)")),
    ({"AND"}, {"AND"}, ("并且", "and")),
    ({"OR"}, {"OR"}, ("或者", "or")),
    ({"PLUS", "TIMES"}, {"PLUS", "MINUS", "TIMES", "DIVIDE"}, ("+ - × ÷", "+ - × ÷")),
)  # fmt: skip
_CLOSING = {"_RPAR": ")", "_RSQB": "]", "_RBRACE": "}"}
_MARKS: dict[str, tuple[str, str]] = {
    "NAME": ("名称", "a name"), "BRACKETED": ("名称", "a name"),
    "NUMBER": ("数字", "a number"), "UNIT": ("单位", "a unit"), "QUOTE": ("「…」", "「…」"),
    "LOCATOR": ("条号", "an article"), "DATE": ("日期", "a date"), "MONTH": ("年月", "a month"), "_LPAR": ("(", "("),
    "_LSQB": ("[", "["), "_LBRACE": ("{", "{"), "_SEP": ("顿号", "a comma"), "COLON": ("冒号", "a colon"),
    "_DOT": ("点", "a dot"),
    "NTH": ("第1处", "occurrence 1"), "RULING_ID": ("编号", "a number such as A1"), "PLUS": ("+", "+"),
    "ARROW": ("→", "=>"), "MINUS": ("-", "-"), "TIMES": ("×", "×"), "DIVIDE": ("÷", "÷"), "EQ": ("=", "="),
}  # fmt: skip
END_OF_LINE = ("行末", "the end of the line")
_UNITS = (
    "元、角、分、人、户、个月、年、周岁、天、个、次、项、%",
    "yuan, fen, person, household, months, years, years old, days, pieces, times, items, %",
)
#: units as they are written: in Chinese, and in English one and several
_UNIT_PAIRS = (
    ("元", "yuan", "yuan"), ("角", "jiao", "jiao"), ("分", "fen", "fen"), ("人", "person", "persons"),
    ("户", "household", "households"), ("月", "month", "months"), ("年", "year", "years"),
    ("周岁", "years old", "years old"), ("天", "day", "days"), ("个", "piece", "pieces"), ("次", "time", "times"),
    ("项", "item", "items"), ("%", "%", "%"),
)  # fmt: skip
_OTHER_UNITS = {"个月": "月", "岁": "周岁", "日": "天", "％": "%"}
#: marks as they are written, before the others that mean the same
_MARKS_WRITTEN = (
    "< ＜", "≤ <= ≦", "> ＞", "≥ >= ≧", "≠ !=", "= == ＝", "+ ＋", "- － −", "× * ＊", "÷ / ／", "( （", ") ）", "[ ［", "] ］",
    "{ ｛", "} ｝", ". ． 的", "→ =>",
)  # fmt: skip
_MOST_NAMED = 6

#: characters that mean nothing in a rule → what to write instead (中文, English), and the mended text if it is certain
_STRAYS: dict[str, tuple[str, str, str | None]] = {
    "「": ("引文要在同一行里用 」 收尾", "a quote ends with 」 on its own line", None),
    "」": ("前面没有配上的 「", "no 「 stands before it", None),
    "【": ("名称要在同一行里用 】 收尾", "a bracketed name ends with 】 on its own line", None),
    "】": ("前面没有配上的 【", "no 【 stands before it", None),
    "。": ("行末不写句号", "a line does not end with a full stop", ""),
    "!": ("“不”写成 并非", "write `not`", None), "！": ("“不”写成 并非", "write `not`", None),
    "&": ("写成 并且", "write `and`", None), "|": ("写成 或者", "write `or`", None),
    "~": ("“到”写成 至", "write `to`", None), "～": ("“到”写成 至", "write `to`", None),
    "—": ("减号写成 -，“到”写成 至", "write - for minus, `to` for a range", None),
    "–": ("减号写成 -，“到”写成 至", "write - for minus, `to` for a range", None),
    **dict.fromkeys("\"'“”‘’《》『』", ("引文写在「…」里", "quotes are written 「…」", None)),
}  # fmt: skip

#: what 类别 may say of a sentence that decides nothing
OBJECTIVE_KINDS: dict[ObjectiveKind, tuple[str, str]] = {
    "objective": ("目标", "objective"), "procedure": ("程序", "procedure"), "heading": ("标题", "heading"),
    "definition": ("定义", "definition"),
}  # fmt: skip

#: what a message calls the types
TYPE_NAMES: dict[str, tuple[str, str]] = {
    "bool": ("是否", "yes or no"), "number": ("数", "a number"), "date": ("日期", "a date"), "month": ("年月", "a month"),
    "text": ("文字", "text"), "choice": ("选项", "a choice"), "multi": ("多选", "several labels"),
    "record": ("记录", "a record"), "list": ("列表", "a list"),
}  # fmt: skip

#: what a case may expect: of a measure, of a clause (its verdict, or how its duty, ban or record stands), of a note
STATES: dict[str, dict[str, tuple[str, str]]] = {
    "measure": {
        "granted": ("给予", "granted"), "discretionary": ("可裁量", "discretionary"), "refused": ("不符合", "refused"),
        "superseded": ("被替代", "superseded"), "excluded": ("排除", "excluded"), "not_covered": ("未涉及", "not_covered"),
        "undetermined": ("待定", "undetermined"),
    },
    "clause": {
        "grants": ("给予", "grants"), "may": ("可裁量", "may"), "silent": ("未涉及", "silent"),
        "not_met": ("未满足", "not_met"), "overridden": ("被替代", "overridden"), "excludes": ("排除", "excludes"),
        "undetermined": ("待定", "undetermined"), "applies": ("适用", "applies"), "open": ("未办", "open"),
        "done": ("已办", "done"), "overdue": ("逾期", "overdue"), "blocked": ("受禁", "barred"),
        "unknown": ("不明", "unclear"),
    },
    "note": {"shown": ("出现", "shown"), "absent": ("不出现", "absent")},
}  # fmt: skip
UNKNOWN = ("未知", "unknown")

#: what a message calls the operations
SPELLINGS: dict[str, tuple[str, str]] = {
    "PLUS": ("+", "+"), "ARROW": ("→", "=>"), "MINUS": ("-", "-"), "TIMES": ("×", "×"), "DIVIDE": ("÷", "÷"), "LT": ("低于", "below"),
    "LE": ("不超过", "at most"), "GT": ("超过", "exceeds"), "GE": ("不低于", "at least"), "EQ": ("为", "is"),
    "NE": ("不为", "is not"),
}  # fmt: skip


@lru_cache(maxsize=1)
def grammar() -> str:
    """The text of the grammar."""
    return resources.files("policykit").joinpath("grammar.lark").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _patterns() -> dict[str, str]:
    return {match[1]: match[2] for match in _TERMINAL.finditer(grammar())}


@lru_cache(maxsize=1)
def keywords() -> dict[str, tuple[str, ...]]:
    """Every keyword terminal of the grammar with its spellings, the Chinese first, the English second."""
    found = {
        name: "|".join(_KEYWORD.findall(pattern)) for name, pattern in _patterns().items() if name != "NAME"
    }
    return {name: tuple(words.split("|")) for name, words in found.items() if words}


@lru_cache(maxsize=1)
def operator_words() -> tuple[str, ...]:
    """The word operators that no bare name can hold, longest first."""
    words = re.findall(r"\(\?:\(\?!([^)]*)\)", _patterns()["NAME"])[-1]
    return tuple(sorted(words.split("|"), key=len, reverse=True))


@lru_cache(maxsize=1)
def declaration_words() -> dict[str, str]:
    """Spelling → kind, for the words that begin a declaration."""
    return {word: kind for terminal, kind in _DECLARATIONS.items() for word in keywords()[terminal]}


@lru_cache(maxsize=1)
def field_words() -> dict[str, tuple[str, ...]]:
    """Field → its spellings, by the field's name in the syntax tree."""
    marks = {"F_IS": ("=",)}
    return {match[2]: keywords().get(match[1]) or marks[match[1]] for match in _FIELD.finditer(grammar())}


@lru_cache(maxsize=1)
def line_openers() -> frozenset[str]:
    """The words that begin a field wherever they begin a line; the others do so only before a colon."""
    patterns = _patterns()
    bare = [
        name for name, pattern in patterns.items() if name.startswith("F_") and not pattern.endswith("[:：]")
    ]
    return frozenset(word for name in bare for word in keywords().get(name, ("=",)))


@lru_cache(maxsize=1)
def field_line() -> re.Pattern[str]:
    """A line that begins a field, or looks as if it were meant to."""
    alternatives = "|".join(sorted(map(re.escape, line_openers() - {"="}), key=len, reverse=True))
    return re.compile(rf"^[ \t\u3000]+(?:(?:{alternatives})(?!\w)|[=＝]|[^\s:：「」]{{1,12}}[:：])", re.M)


def spelled(spellings: tuple[str, ...], language: Language) -> str:
    """The word in a language."""
    return spellings[0] if language == "zh" or len(spellings) == 1 else spellings[1]


def spelling(terminal: str, written: str, language: Language) -> str:
    """A keyword in a language: itself or its twin, or the first spelling for one that has no twin."""
    pairs = keywords()[terminal]
    at = pairs.index(written) // 2 * 2
    if at + 1 == len(pairs):
        at = 0
    return pairs[at + (language == "en")]


def mark(written: str) -> str:
    """A mark in its canonical spelling."""
    return next((marks.split()[0] for marks in _MARKS_WRITTEN if written in marks.split()), written)


def unit(written: str, language: Language, one: bool) -> str:
    """A unit in a language, English ones in the singular for one of them: 元/人·月 is yuan/person·month."""
    sides = [re.split(r"[/／·*]", side) for side in re.split(r"[/／]", written, maxsplit=1)]
    found = [
        [next(pair for pair in _UNIT_PAIRS if _OTHER_UNITS.get(name, name) in pair) for name in side]
        for side in sides
    ]
    names = [[pair[language == "en"] for pair in side] for side in found]
    if language == "en" and not one:
        names[0][0] = found[0][0][2]
    elif names == [["月"]]:
        return "个月"
    return "/".join("·".join(side) for side in names)


def may_stand_bare(name: str, rivals: Iterable[str]) -> bool:
    """Whether a name needs no brackets where these terminals could stand as well."""
    patterns = _compiled()
    if not name.isidentifier() or not patterns["NAME"].fullmatch(name):
        return False
    others = (patterns[rival] for rival in rivals if rival in patterns and rival not in ("NAME", "BRACKETED"))
    return not any(pattern.match(name + " ") for pattern in others)


@lru_cache(maxsize=1)
def _compiled() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern) for name, pattern in _patterns().items()}


@lru_cache(maxsize=1)
def rules_with_a_colon() -> frozenset[str]:
    """The declarations and fields in which a colon stands between the name and the rest."""
    lines = [line for line in grammar().splitlines() if "COLON?" in line]
    names = (re.search(r"-> *(\w+)", line) or re.match(r"(\w+):", line) for line in lines)
    return frozenset(name[1] for name in names if name is not None)


def listed(words: Iterable[str], language: Language, most: int = _MOST_NAMED) -> str:
    """Some words as a list, cut short."""
    shown = list(dict.fromkeys(words))
    return ("、" if language == "zh" else ", ").join(shown[:most]) + ("…" if len(shown) > most else "")


def declarations_listed(language: Language) -> str:
    """The words that begin a declaration."""
    return listed(
        (spelled(keywords()[terminal], language) for terminal in _DECLARATIONS), language, len(_DECLARATIONS)
    )


def fields_of(kind: str) -> dict[str, tuple[str, ...]]:
    """The fields that a kind of declaration may have: those it must have first, the rest as the grammar lists them."""
    must, may = FIELDS[kind]
    inside = [name for name in field_words() if name in must | may]
    return {name: field_words()[name] for name in sorted(inside, key=lambda name: name not in must)}


def expected(terminals: Iterable[str], language: Language, most: int = _MOST_NAMED) -> str:
    """What could have stood in a line, given the terminals that fit: few words, the likeliest first."""
    which, left = int(language == "en"), set(terminals)
    ends = {terminal for terminal in left if terminal.startswith("F_") or terminal == "$END"}
    if ends == {"F_IS"}:  # the body may begin on the next line
        ends, left = set(), left - ends | {"EQ"}
    names = [_CLOSING[terminal] for terminal in sorted(left & _CLOSING.keys())]
    left -= ends | _CLOSING.keys()
    for needed, covered, name in _GROUPS:
        if needed <= left:
            names.append(name[which])
            left -= covered
    names += [name[which] for mark, name in _MARKS.items() if mark in left]
    names += [spelled(words, language) for t, words in keywords().items() if t in left and t not in _MARKS]
    if ends:
        names.insert(most - 1, END_OF_LINE[which])
    return listed(names, language, most)


def units_listed(language: Language) -> str:
    """The units that a number may have; they combine with · and /."""
    return _UNITS[language == "en"]


def stray(character: str, language: Language) -> tuple[str, str | None]:
    """What to do about a character that no rule may hold, and what to put in its place when that is certain."""
    zh, en, mended = _STRAYS.get(
        character, ("删去，或写在「…」【…】里", "remove it, or write it within 「…」 or 【…】", None)
    )
    return (zh if language == "zh" else en), mended


def swallowed(word: str) -> list[tuple[str, str, str]]:
    """Each way in which a name may have swallowed a one-character keyword: what stands before, the keyword, the rest."""
    found = []
    for keyword in ("为", "不为", "含", "且", "或", "有", "没有"):
        at = word.find(keyword, 0 if keyword.endswith("有") else 1)
        if 0 <= at < len(word) - len(keyword):
            found.append((word[:at], keyword, word[at + len(keyword) :]))
    return found
