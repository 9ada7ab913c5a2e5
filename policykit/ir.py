"""Form 2, the typed program: what the rules mean.

It differs from the syntax by what is gone: names are tied to their declarations, every expression has a type, every
operation is one entry of `ops`, every enclosing household is written out. Engines read this and nothing earlier.
Expressions compare by identity; a `Span` on each leads back to the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from policykit.datatypes import Type
from policykit.source import NOWHERE, Span
from policykit.syntax import Period
from policykit.values import Month, Subset, Value

# ---- expressions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A known value: a literal, a label, a set of labels."""

    value: Value
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Today:
    """The day the rules are asked for (今日), or its month (本月)."""

    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Var:
    """The subject of a rule, the element of a fold, or the quantity an approver chooses."""

    slot: str
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """A fact of a record, or the record that a single reference names."""

    subject: Expr
    entity: str
    name: str
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Up:
    """The record of a higher entity that a record lies in: the household of a person."""

    subject: Expr
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Param:
    """A parameter, for a subject or at keys where it has them."""

    name: str
    subject: Expr | None
    keys: tuple[Expr, ...]
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A defined term, for a subject where it has one."""

    name: str
    subject: Expr | None
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """One operation of the table on its operands; `shape` is equal for identical terms, so that one unknown
    comparison is assumed one way throughout."""

    op: str
    args: tuple[Expr, ...]
    type: Type
    shape: str = ""
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class If:
    """One of two values, by a condition."""

    condition: Expr
    then: Expr
    otherwise: Expr
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """A list of a record: its members, records or references."""

    subject: Expr
    entity: str
    name: str
    item: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class MonthRange:
    """The months from one to another, both included."""

    first: Expr
    last: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """An operation over a list: `slot` names the element in `where` (the filter) and `take` (what is combined)."""

    op: str
    domain: Items | MonthRange
    slot: str
    where: Expr | None
    take: Expr | None
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """符合 (`meets`) or 受阻 (`blocked`) of a clause, 获得 (`obtains`), 结果 (`outcome`) or 应发金额 (`amount`) of a
    measure, on a subject. The amount, in fen by month or once, is 无 where nothing is paid; only properties may ask it."""

    kind: Literal["meets", "obtains", "blocked", "outcome", "amount"]
    name: str
    subject: Expr
    type: Type
    span: Span = NOWHERE


Expr: TypeAlias = Const | Today | Var | Fact | Up | Param | Ref | Apply | If | Fold | Verdict


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside one, the domain of a fold included."""
    match expr:  # what is most frequent comes first
        case Apply(args=args):
            return args
        case Var() | Const():
            return ()
        case Fact(subject=subject) | Up(subject=subject) | Verdict(subject=subject):
            return (subject,)
        case Param(subject=subject_or_none, keys=keys):
            return keys if subject_or_none is None else (subject_or_none, *keys)
        case Ref(subject=subject_or_none):
            return () if subject_or_none is None else (subject_or_none,)
        case If(condition=condition, then=then, otherwise=otherwise):
            return condition, then, otherwise
        case Fold(domain=domain, where=where, take=take):
            inner = (domain.subject,) if isinstance(domain, Items) else (domain.first, domain.last)
            return (*inner, *(e for e in (where, take) if e is not None))
    return ()


def shape(expr: Expr) -> str:
    """A text that is equal for identical expressions."""
    match expr:
        case Const(value=value):
            return repr(value.value if not isinstance(value, Subset) else sorted(value.must))
        case Var(slot=slot):
            return slot
        case Fact(name=name, subject=subject):
            return f"{shape(subject)}.{name}"
        case Up(subject=subject, type=of):
            return f"{shape(subject)}^{of.of}"
        case Param(name=name, subject=subject, keys=keys):
            return f"{shape(subject) if subject else ''}!{name}[{','.join(map(shape, keys))}]"
        case Ref(name=name, subject=subject):
            return f"{shape(subject) if subject else ''}:{name}"
        case Apply(op=op, args=args):
            return f"{op}({', '.join(map(shape, args))})"
        case If():
            return f"if({', '.join(map(shape, children(expr)))})"
        case Fold(op=op, slot=slot, domain=domain):
            over = domain.name if isinstance(domain, Items) else "months"
            return f"{op} {over} {slot}({', '.join(map(shape, children(expr)))})"
        case Verdict(kind=kind, name=name, subject=subject):
            return f"{kind} {name}({shape(subject)})"
        case Today(type=of):
            return f"today:{of.kind}"


# ---- declarations -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """How a declared thing is called: its identifier, its Chinese label, its English label."""

    id: str
    zh: str
    en: str = ""

    def label(self, language: str) -> str:
        return self.zh if language == "zh" else self.en or self.id.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Text:
    """A text that clauses quote, or cite without holding it; of an excerpt only some passages are held."""

    name: Name
    held: bool
    document: str
    period: Period
    content: str = ""
    headings: tuple[tuple[str, str], ...] = ()
    file: str = ""
    excerpt: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """The text, the place and the words a rule rests on; `start` is where the words stand in the text (−1: not held)."""

    text: str
    locator: str
    quote: str
    role: str
    start: int
    span: Span


@dataclass(frozen=True, slots=True)
class Basis:
    """What every rule carries: its name, its place, its citations, the readings it relies on."""

    name: Name
    span: Span
    cites: tuple[Citation, ...] = ()
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One label of a choice, with its code in the official list, if any."""

    name: Name
    code: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A list of labels; `heaviest_first` says the direction of its order, if it has one."""

    name: Name
    options: tuple[Option, ...]
    heaviest_first: bool | None

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(option.name.id for option in self.options)

    def graded(self, label: str, at_least: bool) -> frozenset[str]:
        """The labels at least, or at most, as grave as one, itself included (以上, 以下)."""
        order = [option.name.id for option in self.options]
        if not self.heaviest_first:
            order.reverse()
        at = order.index(label)
        return frozenset(order[: at + 1] if at_least else order[at:])


#: the choice that 结果 is of: what a measure comes to
OUTCOME = Choice(
    Name("outcome", "结果"),
    tuple(
        Option(Name(ident, zh), None)
        for ident, zh in (
            ("granted", "给予"), ("discretionary", "可裁量"), ("refused", "不符合"), ("superseded", "被替代"),
            ("excluded", "排除"), ("not_covered", "未涉及"),
        )
    ),
    None,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FactDecl:
    """A fact that a record may hold."""

    name: Name
    entity: str
    type: Type
    low: Expr | None
    high: Expr | None
    question: str
    fixed: bool
    sensitive: bool
    evidence: str | None
    judgement: str | None
    span: Span

    @property
    def fixed_range(self) -> bool:
        """Whether the range mentions no other fact."""
        return all(end is None or isinstance(end, Const | Today) for end in (self.low, self.high))


ListKind: TypeAlias = Literal["members", "records", "refers"]


@dataclass(frozen=True, slots=True)
class ListDecl:
    """A list (or a single reference) of other records that a record may hold."""

    name: Name
    entity: str
    item: str
    kind: ListKind
    single: bool
    optional: bool
    least: int
    most: int
    question: str
    span: Span


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of record. `upper` is the entity that has it as members; `known_from` the date that makes it known."""

    name: Name
    unit: str
    facts: dict[str, FactDecl]
    lists: dict[str, ListDecl]
    upper: str | None
    called: str | None
    known_from: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that a sheet gives a parameter: at keys, for a period, with the document it stands in."""

    keys: tuple[str, ...]
    value: Expr | None
    period: Period
    document: str
    sheet: str
    span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """A figure, formula or predicate that the notice leaves to others; unset until a sheet sets it."""

    name: Name
    entity: str | None
    keys: tuple[str, ...]
    type: Type
    low: Expr | None
    high: Expr | None
    question: str
    document: str
    settings: tuple[Setting, ...]
    span: Span
    cites: tuple[Citation, ...] = ()
    readings: tuple[str, ...] = ()

    def setting(self, keys: tuple[str, ...], day: date) -> Setting | None:
        """The setting in force on a day, at these keys."""
        return next((s for s in self.settings if s.keys == keys and s.period.holds(day)), None)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a defined term."""

    basis: Basis
    period: Period
    body: Expr


@dataclass(frozen=True, slots=True)
class Define:
    """A defined term, with its versions by date."""

    name: Name
    entity: str | None
    type: Type
    versions: tuple[Version, ...]

    def on(self, day: date) -> Version | None:
        return next((v for v in self.versions if v.period.holds(day)), None)


@dataclass(frozen=True, slots=True)
class Measure:
    """What may be granted (待遇), and to which entities."""

    name: Name
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a duty orders or a prohibition bans; banning the act it belongs to bans it."""

    name: Name
    part_of: str | None


@dataclass(frozen=True, slots=True)
class AmountPart:
    """A named part of an amount."""

    name: Name
    expr: Expr


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is paid: by month or once, of which named parts, from which month, for how many."""

    basis: Basis
    measure: str
    entity: str
    period: Period
    form: Literal["monthly", "once"]
    total: Expr
    parts: tuple[AmountPart, ...]
    start: Expr | None
    months: Expr | None


@dataclass(frozen=True, slots=True)
class Discretion:
    """What the approver chooses: a whole number from low to high, and who holds the choice.

    Where the amount passes `limit`, the choice is `beyond`'s.
    """

    name: Name
    low: int
    high: int
    type: Type
    holder: str
    limit: Expr | None = None
    beyond: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """给予, or with `may` 可给予; the amount is the clause's own or, if `None`, the measure's amount rule."""

    measure: str
    may: bool
    amount: Amount | None


@dataclass(frozen=True, slots=True)
class Withhold:
    """不给予: excludes measures for the subject, and with `members` for its members."""

    measures: tuple[str, ...]
    members: bool


@dataclass(frozen=True, slots=True)
class Duty:
    """必须/应当: an act, when it is done, when it is due (`None`: the text sets no date), how often, by whom."""

    act: str
    done: Expr | None
    due: Expr | None
    every: Expr | None
    by: str


@dataclass(frozen=True, slots=True)
class Ban:
    """不得: an act."""

    act: str


@dataclass(frozen=True, slots=True)
class Record:
    """列入, 转送, 发现: puts the subject on a list, refers it, or states a finding."""

    kind: Literal["listing", "referral", "finding"]
    name: str
    text: str


Effect: TypeAlias = Grant | Withhold | Duty | Ban | Record


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: whom it speaks of (scope), what it asks (test), what follows (effect)."""

    basis: Basis
    entity: str
    period: Period
    as_of: Expr | None
    scope: Expr | None
    test: Expr | None
    effect: Effect
    above: frozenset[str]
    confirm: tuple[tuple[str, Expr | None], ...]
    outside: str
    discretion: tuple[Discretion, ...]
    application: Expr | None


@dataclass(frozen=True, slots=True)
class Exclusive:
    """互斥: measures that are not drawn together by one subject, and how it is settled."""

    basis: Basis
    measures: tuple[str, ...]
    how: Literal["by_election", "by_order", "by_amount"]
    chooser: str


@dataclass(frozen=True, slots=True)
class Reading:
    """口径: a question the text leaves open, the answer taken and the answers refused."""

    basis: Basis
    ruling_id: str
    chosen: str
    refused: tuple[str, ...]
    sees: tuple[str, ...]
    chosen_en: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """提示: the tool's own words, never a ground."""

    basis: Basis
    entity: str
    period: Period
    test: Expr | None
    text: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class Monotone:
    """随 … 增 则 …: as one fact of any one record rises, all else equal, the amount of a measure that the subject is
    paid never rises (or never falls). What is assumed holds before and after."""

    entity: str
    fact: str
    measure: str
    way: Literal["never_rises", "never_falls"]


@dataclass(frozen=True, slots=True)
class Property:
    """性质: what must hold of every subject, on every day of the period, where all that is given holds.

    Exactly one of `then` and `monotone` is there. A property never changes an answer.
    """

    basis: Basis
    entity: str
    period: Period
    given: tuple[Expr, ...]
    then: Expr | None
    monotone: Monotone | None


ObjectiveKind: TypeAlias = Literal["objective", "procedure", "heading", "definition"]


@dataclass(frozen=True, slots=True)
class Objective:
    """目标: a sentence that decides nothing, with the reason why no rule stands for it."""

    basis: Basis
    kind: ObjectiveKind
    reason: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a case wants of one thing on one subject; whatever is `None` or empty is not asked.

    `about` says what `name` names; `state` is an outcome, a verdict, the state of a duty, or yes, no, unknown. An
    amount is in fen, from `low` to `high`. `by` are the deciding clauses, `holders` those who decide what the text
    leaves open or who do a duty, each all of them.
    """

    about: Literal["measure", "clause", "note"]
    subject: str
    name: str
    state: str
    form: Literal["monthly", "once", ""]
    low: Fraction | None
    high: Fraction | None
    first_month: Month | None
    months: int | None
    due: date | Literal["unspecified"] | None
    by: frozenset[str]
    holders: frozenset[str]
    missing: frozenset[str]
    span: Span


@dataclass(frozen=True, slots=True)
class Cell:
    """One fact that a case gives: its place as identifiers and positions from 0, and the value as household data."""

    path: tuple[str | int, ...]
    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class Trial:
    """One household of a case (the case itself, or one row of its table) and what must come out."""

    given: tuple[Cell, ...]
    expected: tuple[Expectation, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Example:
    """案例: a day, a sheet (a path below the policy folder), parameters set for it, facts, rulings, expectations.

    With `rest`, what is not mentioned of a record is 否, 无 or an empty list.
    """

    name: Name
    on: date
    sheet: str
    assumed: tuple[tuple[str, Setting], ...]
    rest: bool
    rulings: tuple[dict[str, Any], ...]
    trials: tuple[Trial, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Sheet:
    """参数表: a file of parameter values; an example's figures are invented."""

    name: Name
    example: bool
    file: str


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that some rule files declare, by identifier.

    `blockers` gives for each clause the clauses that override it, transitively; `root` is the entity that input
    describes; `fingerprint` the hash of the texts.
    """

    texts: dict[str, Text]
    entities: dict[str, Entity]
    choices: dict[str, Choice]
    parameters: dict[str, Parameter]
    defines: dict[str, Define]
    measures: dict[str, Measure]
    acts: dict[str, Act]
    amounts: tuple[Amount, ...]
    clauses: dict[str, tuple[Clause, ...]]
    exclusives: tuple[Exclusive, ...]
    readings: dict[str, Reading]
    notes: tuple[Note, ...]
    properties: tuple[Property, ...]
    objectives: tuple[Objective, ...]
    sheets: tuple[Sheet, ...]
    examples: tuple[Example, ...]
    root: str
    blockers: dict[str, frozenset[str]]
    fingerprint: str
    language: str = "zh"

    def entity_path(self, entity: str) -> list[str]:
        """The entity and all those it lies in, upwards."""
        path = [entity]
        while (upper := self.entities[path[-1]].upper) is not None:
            path.append(upper)
        return path

    @property
    def described(self) -> list[str]:
        """What input may describe: the uppermost entity to which something is granted, or one that it lies in, from
        the highest down; nothing where no record has members."""
        if self.root not in self.entities:
            return []
        granted = {entity for measure in self.measures.values() for entity in measure.entities}
        levels = [self.root]
        while levels[-1] not in granted:
            lists = self.entities[levels[-1]].lists.values()
            lower = next((d.item for d in lists if d.kind == "members"), None)
            if lower is None:
                return [self.root]
            levels.append(lower)
        return levels

    def amount_rule(self, measure: str, entity: str, day: date) -> Amount | None:
        """The amount rule of a measure for an entity, on a day."""
        return next(
            (a for a in self.amounts if a.measure == measure and a.entity == entity and a.period.holds(day)),
            None,
        )

    def acts_of(self, act: str) -> list[str]:
        """An act and the acts it is part of."""
        found = [act]
        while (whole := self.acts[found[-1]].part_of) is not None and whole not in found:
            found.append(whole)
        return found

    def bars(self, other: Clause, clause: Clause) -> bool:
        """Whether a clause excludes what another grants, or bans what it orders."""
        match other.effect, clause.effect:
            case Withhold(measures=measures), Grant(measure=measure):
                return measure in measures
            case Ban(act=banned), Duty(act=act):
                return banned in self.acts_of(act)
        return False
