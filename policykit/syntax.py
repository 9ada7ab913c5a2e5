"""Form 1, the syntax tree: what was written, word for word, with the place of every part and the comments.

Nothing is looked up here: a name is a `Word`, an operation the name of its terminal in `grammar.lark`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from policykit.diagnostics import Language
from policykit.source import Source, Span
from policykit.values import Month


@dataclass(frozen=True, slots=True)
class Word:
    """A name as written, without its brackets."""

    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Quote:
    """Words between 「 and 」."""

    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Path:
    """A name, or names joined by dots: 户.户属性."""

    words: tuple[Word, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, which may be empty."""

    number: Fraction
    unit: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Literal_:
    """A date, a month, a text, 是/否, or 无 (`None`)."""

    value: date | Month | str | bool | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """An infix or prefix operation, by the name of its terminal: PLUS, LT, AND, NOT."""

    terminal: str
    args: tuple[Expr, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A named function applied to its arguments."""

    name: Word
    args: tuple[Expr, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    """Parentheses, kept because a person put them there."""

    inner: Expr
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Graded:
    """残疾等级 为 二级 以上: at least, or at most, as grave as a label."""

    operand: Expr
    label: Expr
    at_least: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Among:
    """项目 属于 {低保、特困}."""

    operand: Expr
    labels: tuple[Word, ...]
    negated: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Contains:
    """特殊情形 含 服刑."""

    operand: Expr
    label: Word
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a fold runs over: a list, or the months from one to another; the name of its element; a filter."""

    domain: Path | tuple[Expr, Expr]
    name: Word | None
    where: Expr | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Fold:
    """任一, 全部, 有, 没有, 计数, 求和, 最小, 最大, 最早, 最近 over a listing; `take` is what is summed or ordered by."""

    terminal: str
    listing: Listing
    take: Expr | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """符合 a clause, 获得 a measure, 受阻 of a clause, 结果 or 应发金额 of a measure; for the subject, or the one the path
    names."""

    terminal: str
    subject: Path | None
    name: Word
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Rising:
    """随 a fact 增 则 应发金额 of a measure 不增, or 不减: the last by the name of its terminal."""

    fact: Path
    measure: Word
    way: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class If:
    """如果 … 则 … 否则 …"""

    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """A keyed parameter read at its keys: 照料护理费[自理档次]."""

    base: Path
    keys: tuple[Expr, ...]
    span: Span = field(compare=False)


Expr: TypeAlias = (
    Path
    | Quantity
    | Literal_
    | Apply
    | Call
    | Group
    | Graded
    | Among
    | Contains
    | Fold
    | Verdict
    | If
    | Index
)


@dataclass(frozen=True, slots=True)
class Period:
    """From a date (or from always) to a date, both included (or open)."""

    start: date | None
    end: date | None

    def holds(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    def overlaps(self, other: Period) -> bool:
        """Whether the two share a day."""
        first = max(period.start or date.min for period in (self, other))
        return first <= min(period.end or date.max for period in (self, other))

    def __str__(self) -> str:
        return f"{self.start or '…'}–{self.end or '…'}"


ALWAYS = Period(None, None)


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as written: its rule in the grammar, the unit or name it is of, and whether 无 is allowed."""

    rule: str
    of: Word | None
    unit: str
    optional: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Cite:
    """One 依据: the text, the place in it, the quoted words, which occurrence, and the role they play."""

    source: Word
    locator: str
    quote: Quote | None
    occurrence: int
    role: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a choice, with its identifier and code."""

    name: Word
    ident: str
    code: int | None


@dataclass(frozen=True, slots=True)
class Term:
    """A word inside a field that takes an expression or a holder: 每月 …, 完成 …, 由 …"""

    keyword: str
    value: Any


@dataclass(frozen=True, slots=True)
class Part:
    """A named part of a field: 其中 …, 组成 …, 裁量 …; `values` are what follows the name."""

    name: Word
    ident: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact stands in a household: 成员[1].出生日期; positions count from 1, and a plain name has none."""

    steps: tuple[tuple[Word, int | None], ...]
    span: Span = field(compare=False)


GivenValue: TypeAlias = Quantity | Literal_ | Place | tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """One fact that a case gives: where, what, and the paper it rests on."""

    place: Place
    value: GivenValue
    paper: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Ruled:
    """裁定: on whom, under which clause or exclusive, when, and what: quantities, or a word (a measure, 不给予)."""

    subject: Place | None
    name: Word
    day: date
    chosen: tuple[tuple[Word, Quantity | None], ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Expectation:
    """期望: of whom, of what (a measure, clause or note), what it comes to, and further terms of it."""

    subject: Place | None
    name: Word
    state: Word
    terms: tuple[Term, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Row:
    """行: one value for each column, and what is expected then."""

    values: tuple[GivenValue, ...]
    expected: tuple[Expectation, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a declaration, by the name of its rule, with what it holds."""

    keyword: str
    values: tuple[Any, ...]
    span: Span = field(compare=False)


DeclarationKind: TypeAlias = Literal[
    "language", "policy", "source", "entity", "choice", "fact", "parameter", "setting", "sheet", "define",
    "measure", "act", "amount", "clause", "exclusion", "reading", "note", "property",
    "objective", "example",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration: its kind, names, period, header parts by name, and fields in order."""

    kind: DeclarationKind
    name: Word
    ident: str
    period: Period
    header: dict[str, Any]
    fields: tuple[Field, ...]
    span: Span = field(compare=False)
    damaged: bool = field(default=False, compare=False)

    def all(self, keyword: str) -> Iterator[Field]:
        """Every field of that name."""
        return (f for f in self.fields if f.keyword == keyword)

    def get(self, keyword: str) -> Field | None:
        """The first field of that name."""
        return next(self.all(keyword), None)


@dataclass(frozen=True, slots=True)
class Module:
    """One rule file: its declarations in order, its comments by line, and the language it is written in.

    `lost` are the names of declarations that could not be read: what refers to them is no fault of its own.
    """

    source: Source
    declarations: tuple[Declaration, ...]
    comments: dict[int, str]
    language: Language
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One word or mark as it stands in the file: its terminal, its text without the white space before it, its place.

    `rivals` are the terminals that the place allows: a name that reads as one of them needs brackets there.
    """

    terminal: str
    text: str
    start: int
    rivals: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Node:
    """A rule of the grammar with everything that was written for it, in order: the form that is written back."""

    rule: str
    parts: tuple[Node | Lexeme, ...]


def words_in(written: Any) -> set[str]:
    """Every name written in some syntax."""
    found, todo = set[str](), [written]
    while todo:
        part = todo.pop()
        if isinstance(part, Word):
            found.add(part.text)
        elif isinstance(part, tuple | list):
            todo += part
        elif is_dataclass(part):
            todo += [getattr(part, f.name) for f in fields(part) if f.name != "span"]
    return found
