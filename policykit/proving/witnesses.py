"""What the solver found, for people: a household as a table, with what the rules make of it, and as a 案例.

A witness holds only what the question rests on, so its table does too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from policykit import ir
from policykit.casework.boundaries import Writer, answer, bare
from policykit.casework.trials import said
from policykit.datatypes import Type, show_dimension
from policykit.engine.interpreter import Interpreter
from policykit.engine.smt.witness import Witness
from policykit.explain.phrases import Phrases
from policykit.facts import Given, Instance, Listing, path_parts
from policykit.loader import Policies
from policykit.proving.prove import Proof, Shown, engine
from policykit.reach import within
from policykit.source import NOWHERE, columns, padded
from policykit.values import Bounds, Options, Subset, Value

NAMES = "甲乙丙丁戊己庚辛壬癸"  # what the people of a case are called where they have to be told apart


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: how deep the record lies, what is said, and its value; a record's own line has none."""

    depth: int
    label: str
    value: str = ""


def declared(program: ir.Program, proof: Proof) -> list[Any]:
    """The rules that a proof speaks of: first the version that stands at its place, then whatever else it names."""
    clauses = [clause for versions in program.clauses.values() for clause in versions]
    rules: list[Any] = clauses
    if proof.kind == "property":
        rules = list(program.properties)
    elif proof.kind == "amount":
        effects = [clause.effect for clause in clauses]
        own = [e.amount for e in effects if isinstance(e, ir.Grant) and e.amount is not None]
        rules = [*program.amounts, *own]
    others = {name.id for name in proof.rules[1:]}
    first = [rule for rule in rules if rule.basis.span == proof.span][:1]
    return first + [rule for rule in rules if rule.basis.name.id in others]


# ---- what comes out ---------------------------------------------------------------------------------------------------


class Findings:
    """One refuted claim with the household that breaks it, on the reference engine, in a language."""

    def __init__(self, policies: Policies, proof: Proof, shown: Shown, language: str) -> None:
        program = policies.program
        self.policies, self.program, self.proof, self.shown, self.language = (
            policies,
            program,
            proof,
            shown,
            language,
        )
        self.rules = declared(program, proof)
        self.engines = [engine(program, w) for w in (shown.witness, shown.after) if w is not None]
        self.words = [Phrases(program, language, False, one.case) for one in self.engines]

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def asked(self, number: int = 0) -> list[tuple[str, ir.Expectation]]:
        """What the claim asks of the household, with what came out; what stays open had no part in it."""
        every = [list(self.answers(one)) for one in self.engines]
        decided = {
            (came.about, came.name, came.subject)
            for answers in every
            for _, came in answers
            if came.state != "undetermined"
        }
        return [
            (label, came)
            for label, came in every[number]
            if not decided or (came.about, came.name, came.subject) in decided
        ]

    def answers(self, one: Interpreter) -> Iterator[tuple[str, ir.Expectation]]:
        property_ = self.rules[0] if isinstance(self.rules[0], ir.Property) else None
        everyone = property_ is not None and property_.monotone is None
        for about, name, entities in dict.fromkeys(self.about()):
            for record in one.case.subjects:
                mine = everyone or about == "clause" or record.path == self.shown.subject
                if record.entity not in entities or not mine:
                    continue
                blank = ir.Expectation(
                    about, record.path, name, "", "", None, None, None, None, None, frozenset(), frozenset(), frozenset(), NOWHERE
                )  # fmt: skip
                came = answer(one, blank)
                if came is not None:
                    yield self.label(about, name), came

    def about(self) -> Iterator[tuple[Any, str, tuple[str, ...]]]:
        """The measures and clauses that the claim speaks of, with whom they may concern."""
        program, rule = self.program, self.rules[0]
        if isinstance(rule, ir.Property):
            exprs = [*rule.given, *([rule.then] if rule.then is not None else [])]
            if rule.monotone is not None:
                yield (
                    "measure",
                    rule.monotone.measure,
                    tuple(program.measures[rule.monotone.measure].entities),
                )
            for expr in (e for outer in exprs for e in within(outer)):
                if isinstance(expr, ir.Verdict) and expr.kind in ("meets", "blocked"):
                    yield "clause", expr.name, tuple(c.entity for c in program.clauses[expr.name])
                elif isinstance(expr, ir.Verdict):
                    yield "measure", expr.name, tuple(program.measures[expr.name].entities)
            return
        if isinstance(rule, ir.Amount):
            yield "measure", rule.measure, (rule.entity,)
            return
        for clause in self.rules:
            if isinstance(clause.effect, ir.Grant):
                yield "measure", clause.effect.measure, program.measures[clause.effect.measure].entities
        for clause in self.rules:
            yield "clause", clause.basis.name.id, (clause.entity,)

    def label(self, about: str, name: str) -> str:
        if about == "measure":
            return self.program.measures[name].name.label(self.language)
        return self.say("条款“{}”", "clause “{}”").format(
            self.program.clauses[name][0].basis.name.label(self.language)
        )

    # -- how it breaks the claim

    def broken(self) -> list[str]:
        """What the claim asks, and how the household breaks it."""
        rule, words = self.rules[0], self.words[0]
        if isinstance(rule, ir.Property) and rule.monotone is not None:
            return [self.moved(rule.monotone)]
        if isinstance(rule, ir.Property):
            assert rule.then is not None
            whose = words.record(self.engines[0].case.index[self.shown.subject])
            heads = self.say("设：", "assumed: "), self.say("则（不成立）：", "then (does not hold): ")
            return [
                self.say(
                    f"违反：对{whose}，设的都成立，则的不成立",
                    f"broken for {whose}: what is assumed holds, what should follow does not",
                ),
                *(f"  {heads[0]}{self.quoted(expr)}" for expr in rule.given),
                f"  {heads[1]}{self.quoted(rule.then)}",
            ]
        names = self.say("、", ", ").join(f"“{name.label(self.language)}”" for name in self.proof.rules)
        match self.proof.kind:
            case "conflict":
                return [self.say(f"违反：{names}同时成立，各给一份；没有写明谁先（优先于、让位于）",
                                 f"broken: {names} stand at once, each by an amount of its own; none prevails over the other")]  # fmt: skip
            case "ban":
                return [self.say(f"违反：{names}同时成立，一条要办，一条不得办",
                                 f"broken: {names} stand at once, one orders what the other bans")]  # fmt: skip
            case "amount":
                return [
                    self.say(f"违反：{names} {paid}", f"broken: {names} {paid}") for paid in self.unpayable()
                ]
        assert self.shown.divisor is not None
        divisor = words.term(self.shown.divisor)
        return [self.say(f"违反：算{names}时，除数“{divisor}”是 0", f"broken: in {names} the divisor “{divisor}” is 0")]  # fmt: skip

    def quoted(self, expr: ir.Expr) -> str:
        """An expression as the rule file has it, or in words where that is in the other language."""
        text = next((s.text for s in self.policies.sources if s.file == expr.span.file), "")
        as_written = " ".join(text[expr.span.start : expr.span.end].split())
        same = self.language == self.program.language
        return as_written if as_written and same else self.words[0].condition(expr)

    def moved(self, rising: ir.Monotone) -> str:
        program, label = self.program, self.program.measures[rising.measure].name.label(self.language)
        effects = [c.effect for versions in program.clauses.values() for c in versions]
        own = [e.amount for e in effects if isinstance(e, ir.Grant) and e.amount is not None]
        of = next(rule.total.type for rule in [*program.amounts, *own] if rule.measure == rising.measure)
        paid = (one.first.paid(rising.measure, one.case.index[self.shown.subject]) for one in self.engines)
        ends = " → ".join(self.words[0].value(value, of) for value in paid)
        ways = {"never_rises": ("不应增加", "must not rise"), "never_falls": ("不应减少", "must not fall")}
        ought = self.say(*ways[rising.way])
        return self.say(
            f"违反：只有标 ← 的事实变大，应发金额 {label} {ends}，{ought}",
            f"broken: only the fact marked ← rises; the amount of {label} goes {ends}, it {ought}",
        )

    def unpayable(self) -> Iterator[str]:
        """What the amount comes to that cannot be paid."""
        rule, first = self.rules[0], self.engines[0].first
        record = self.engines[0].case.index[self.shown.subject]
        for name in self.program.clauses:
            for status in first.statuses(name, record) if self.concerns(name, record) else ():
                payment = first.payment(status) if status.stands.lo else None
                if payment is None or payment.rule is not rule or not isinstance(payment.amount, Bounds):
                    continue
                if payment.amount.known and (payment.amount.lo is None or payment.amount.lo < 0):
                    paid = self.words[0].value(payment.amount, rule.total.type)
                    yield self.say(f"算出来是 {paid}，不能发", f"comes to {paid}, which cannot be paid")

    def concerns(self, name: str, record: Instance) -> bool:
        return any(
            c.entity == record.entity and isinstance(c.effect, ir.Grant) for c in self.program.clauses[name]
        )

    # -- the table

    def table(self, number: int) -> list[tuple[str, tuple[Row, ...]]]:
        """Titled sections: the day, the household, the parameters supposed, the rulings, what comes out."""
        one, words = self.engines[number], self.words[number]
        came = tuple(
            Row(
                0,
                f"{words.record(one.case.index[e.subject])} {label}",
                said(self.program, e, self.language),
            )
            for label, e in self.asked(number)
        )
        day = (Row(0, self.say("评价日", "day asked for"), words.date(self.shown.witness.on)),)
        sections = (
            ("", day),
            ("", tuple(rows(words, one.case.root))),
            (
                self.say("本地参数（假设值）", "local parameters (supposed)"),
                tuple(supposed(words, self.shown.witness)),
            ),
            (
                self.say("没有在施行的定义（假设值）", "terms without a version in force (supposed)"),
                tuple(unversioned(words, self.shown.witness)),
            ),
            (self.say("裁定和选择", "rulings and choices"), tuple(ruled(words, one))),
            (self.say("规则的结果", "what the rules say"), came),
        )
        return [(title, found) for title, found in sections if found]

    # -- as text

    def lines(self) -> Iterator[str]:
        """The table and what it shows; of two households, what differs in the second stands beside the first."""
        tables = [self.table(number) for number in range(len(self.engines))]
        pairs = [
            [(row, other) for row, other in zip(found, others, strict=True)]
            for (_, found), (_, others) in zip(tables[0], tables[-1], strict=True)
        ]
        every = [pair for found in pairs for pair in found]
        width = max(columns(left(row)) for row, _ in every if row.value)
        column = max([0, *(columns(row.value) for row, other in every if row.value != other.value)])
        for (title, _), found in zip(tables[0], pairs, strict=True):
            if title:
                yield title
            for row, other in found:
                line = f"{padded(left(row), width)}  {row.value}" if row.value else left(row)
                if row.value != other.value:
                    mark = "" if title else "  ←"
                    line = f"{padded(left(row), width)}  {padded(row.value, column)}  →  {other.value}{mark}"
                yield line
        yield from self.broken()
        yield self.say("没有列出的事实，不论怎样都是这个结果", "it is so whatever the facts not listed are")


def left(row: Row) -> str:
    """What a row is about, set in as deep as its record lies."""
    return "  " * (row.depth + 1) + row.label


# ---- what was supposed, and what was decided ----------------------------------------------------------------------------


def supposed(words: Phrases, witness: Witness) -> Iterator[Row]:
    """The values supposed for unset parameters."""
    for gap, value in sorted(witness.parameters.items(), key=lambda pair: bool(pair[0].path)):
        whose, label, _ = words.question(gap)
        of = words.program.parameters[gap.name.partition("[")[0]].type
        yield Row(0, f"{label} {whose}".rstrip(), words.value(value, of))


def unversioned(words: Phrases, witness: Witness) -> Iterator[Row]:
    """The values supposed for terms that have no version on that day."""
    for gap, value in witness.besides.items():
        if gap.kind == "parameter":
            define = words.program.defines[gap.name]
            whose = words.question(gap)[0]
            yield Row(0, f"{words.label(define.name)} {whose}".rstrip(), words.value(value, define.type))


def ruled(words: Phrases, one: Interpreter) -> Iterator[Row]:
    """The rulings of approvers and the choices of the household."""
    program = words.program
    for ruling in one.first.rulings:
        clause = program.clauses[ruling.clause][0]
        names = {d.name.id: words.label(d.name) for c in program.clauses[ruling.clause] for d in c.discretion}
        chosen = [f"{names[name]} {number}" for name, number in ruling.choices or ()]
        said_ = words.say("不给予", "declined") if ruling.choices is None else words.say("给予", "granted")
        label = f"{words.label(clause.basis.name)} {words.record(ruling.subject)}"
        yield Row(0, label, words.say("，", ", ").join([said_, *chosen]))
    for election in one.first.elections:
        exclusive = next(e for e in program.exclusives if e.basis.name.id == election.exclusive)
        label = f"{words.label(exclusive.basis.name)} {words.record(election.subject)}"
        measure = words.label(program.measures[election.measure].name)
        yield Row(0, label, words.say("选 ", "chose ") + measure)


# ---- the household, row by row and cell by cell --------------------------------------------------------------------------


def parts(
    program: ir.Program, record: Instance
) -> Iterator[tuple[ir.FactDecl | ir.ListDecl, Given | Listing]]:
    """What is said of one record, in the order in which it is declared."""
    entity = program.entities[record.entity]
    yield from ((decl, record.facts[name]) for name, decl in entity.facts.items() if name in record.facts)
    for name, decl in entity.lists.items():
        if name in record.facts:
            yield decl, record.facts[name]
        elif name in record.lists:
            yield decl, record.lists[name]


def target(given: Given) -> Instance | None:
    """The record that a reference names."""
    value = given.value
    assert isinstance(value, Options) and value.values is not None
    return next(iter(value.values), None)


def own(record: Instance, decl: ir.FactDecl | ir.ListDecl, to: Instance) -> bool:
    """Whether a record is described where it is referred to, and not elsewhere."""
    inside, _, last = to.path.rpartition(".")
    below = inside == record.path or (not inside and "[" not in record.path)
    return below and last.partition("[")[0] == decl.name.id


def above(program: ir.Program, record: Instance) -> Instance | None:
    """The record that one from outside lies in, described with it, where anything is said of that."""
    upper = record.upper
    if upper is None or upper.path != f"{record.path}.{upper.entity}":
        return None
    return upper if next(parts(program, upper), None) is not None else None


def rows(words: Phrases, root: Instance) -> Iterator[Row]:
    """The household, record by record: what is said of one, what lies in it, what it lies in, its members."""
    yield from _record(words, root, 0, words.record(root))


def _own_facts(program: ir.Program, record: Instance) -> Iterator[object]:
    """What is said of a record, besides who lies in it."""
    for decl, found in parts(program, record):
        if not (isinstance(decl, ir.ListDecl) and decl.kind == "members" and found):
            yield found


def _record(words: Phrases, record: Instance, depth: int, title: str) -> Iterator[Row]:
    program = words.program
    if record is not words.case.root or any(True for _ in _own_facts(program, record)):
        yield Row(depth, title)
    nested: list[tuple[Instance, str]] = []
    members: list[Instance] = []
    for decl, found in parts(program, record):
        label = words.label(decl.name)
        if isinstance(found, Listing):
            if not found.items:
                yield Row(depth + 1, label, words.say("没有", "none"))
            for number, item in enumerate(found.items, start=1):
                if isinstance(decl, ir.ListDecl) and decl.kind == "members":
                    members.append(item)
                elif own(record, decl, item):
                    nested.append(
                        (item, f"{label}{number}" if words.language == "zh" else f"{label} {number}")
                    )
                else:
                    yield Row(depth + 1, f"{label} {number}", words.record(item))
        elif isinstance(decl, ir.ListDecl):
            to = target(found)
            if to is None:
                yield Row(depth + 1, label, words.say("无", "none"))
            elif own(record, decl, to):
                nested.append((to, label))
            else:
                yield Row(depth + 1, label, words.record(to))
        elif found.value is not None:
            yield Row(depth + 1, label, words.value(found.value, decl.type))
    upper = above(program, record)
    if upper is not None:
        nested.append((upper, words.label(program.entities[upper.entity].name)))
    for item, title_ in nested:
        yield from _record(words, item, depth + 1, title_)
    for member in members:
        yield from _record(words, member, depth, words.record(member))


def cells(program: ir.Program, root: Instance) -> Iterator[ir.Cell]:
    """The household as a case gives it."""
    records = [root]
    for record in records:  # grows while it is gone through
        path = place(root, record)
        said_any = record is root
        for decl, found in parts(program, record):
            here = (*path, decl.name.id)
            said_any = True
            if isinstance(found, Listing):
                if not found.items:
                    yield ir.Cell(here, [], NOWHERE)
                for number, item in enumerate(found.items):
                    if own(record, decl, item):
                        records.append(item)
                    else:
                        yield ir.Cell((*here, number), {"ref": item.path}, NOWHERE)
            elif isinstance(decl, ir.ListDecl):
                to = target(found)
                if to is not None and own(record, decl, to):
                    records.append(to)
                else:
                    yield ir.Cell(here, "无" if to is None else {"ref": to.path}, NOWHERE)
            elif found.value is not None:
                plain = written(program, found.value, decl.type)
                if found.source or found.by:
                    plain = {"value": plain, "source": found.source, "by": found.by}
                yield ir.Cell(here, plain, NOWHERE)
        upper = above(program, record)
        if upper is not None:
            said_any = True
            records.append(upper)
        if not said_any:  # a record of which nothing is asked has to stand there all the same
            first = next(iter(program.entities[record.entity].facts), None)
            if first is not None:
                yield ir.Cell((*path, first), {"unknown": "未知"}, NOWHERE)


def place(root: Instance, record: Instance) -> tuple[str | int, ...]:
    """Where a record stands, as a case writes it."""
    path = path_parts(record.path)
    return path[1:] if path[0] == root.path else path


def written(program: ir.Program, value: Value, of: Type) -> Any:
    """A known value as a case gives it."""
    plain = value.value
    match plain:
        case None:
            return "无"
        case bool():
            return plain
        case int() | Fraction():
            return _number(plain, of)
        case frozenset():
            assert isinstance(value, Subset)
            return [bare(o.name.zh) for o in program.choices[of.of].options if o.name.id in plain]
        case str() if of.kind == "choice":
            return next(bare(o.name.zh) for o in program.choices[of.of].options if o.name.id == plain)
    return str(plain)


def _number(plain: int | Fraction, of: Type) -> str:
    unit = show_dimension(of.dimension, "zh")
    number = Fraction(plain) / 100 ** dict(of.dimension).get("元", 0)
    if not unit and number.denominator != 1:
        number, unit = number * 100, "%"
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{exact:f} {'个月' if unit == '月' else unit}".strip()


# ---- as a case -------------------------------------------------------------------------------------------------------------


class Cases:
    """The households of a refuted claim as 案例 blocks, with what came out as what is expected.

    `sheet` is the parameter sheet that they were found with.
    """

    def __init__(self, findings: Findings, ident: str, sheet: Path | None = None) -> None:
        self.findings, self.ident, self.sheet = findings, ident, sheet
        self.program, self.writer = findings.program, Writer(findings.program)

    def text(self) -> str:
        """A rule file with a case for each household; what it expects is to be settled by a person."""
        named = "、".join(f"「{name.zh}」" for name in self.findings.proof.rules)
        lines = [
            f"# 证明工具找到的反例，违反：{named}（{self.findings.proof.span.file}:{self.findings.proof.span.line}）",
            "# 期望写的是规则现在得出的，不是应当得出的：由人核对，改好规则以后把期望改过来",
            "语言 1",
        ]
        terms = list(unversioned(self.findings.words[0], self.findings.shown.witness))
        for number in range(len(self.findings.engines)):
            block = list(self.block(number))
            if terms:  # a case cannot say it, so it is kept as a note
                supposed_ = "、".join(f"{row.label} = {row.value}" for row in terms)
                said_ = (
                    f"那天没有在施行的写法，这里假设 {supposed_}；案例写不出这一点，所以只作记录，不作案例"
                )
                block = [f"# {line.removeprefix('# ')}" for line in (said_, *block)]
            lines += ["", *block]
        return "\n".join(lines) + "\n"

    def block(self, number: int) -> Iterator[str]:
        findings = self.findings
        one, witness = findings.engines[number], findings.shown.witness
        suffix = ("", "_之后")[number], ("", "_after")[number]
        title = "反例_" + "_".join(name.zh for name in findings.proof.rules)
        yield from (f"# {line.strip()}" for line in findings.broken())
        yield f"案例 {bare(title[:80] + suffix[0])} ({self.ident}{suffix[1]})"
        yield f"    评价日：{witness.on.isoformat()}"
        yield from self.uses()
        names = dict[str, str]()
        yield from self.assumed(one, names)
        given = [*cells(self.program, one.case.root)]
        for path, name in names.items():
            called = self.program.entities[one.case.index[path].entity].called
            assert called is not None
            given.append(ir.Cell((*place(one.case.root, one.case.index[path]), called), name, NOWHERE))
        yield from (f"    已知：{self.writer.given(cell)}" for cell in given)
        yield from self.ruled(one)
        asked = [came for _, came in findings.asked(number)]
        for came in asked:
            if came.low is not None and came.low < 0:  # what cannot be paid cannot be expected
                came = replace(came, form="", low=None, high=None)
            yield f"    期望：{self.writer.expected(came)}"

    def uses(self) -> Iterator[str]:
        """The parameter sheet as a case names it: by its path below the rules where it lies there."""
        if self.sheet is not None:
            roots = (Path(root).resolve() for root in self.findings.policies.roots)
            root = next((r for r in roots if self.sheet.resolve().is_relative_to(r)), None)
            named = self.sheet if root is None else self.sheet.resolve().relative_to(root)
            yield f"    参数表：「{named.as_posix()}」"

    def assumed(self, one: Interpreter, names: dict[str, str]) -> Iterator[str]:
        """The parameters as 设定. One for each record is a formula: where records differ, it tells them by name."""
        found: dict[str, dict[str, Value]] = {}
        for gap, value in self.findings.shown.witness.parameters.items():
            found.setdefault(gap.name, {})[gap.path] = value
        for name, values in found.items():
            ident, _, keys = name.partition("[")
            parameter = self.program.parameters[ident]
            said_ = {path: self.literal(value, parameter.type) for path, value in values.items()}
            label = bare(parameter.name.zh)
            if keys:
                options = zip(parameter.keys, keys.rstrip("]").split(","), strict=True)
                label += "[" + "、".join(self.option(choice, key) for choice, key in options) + "]"
            formula = next(reversed(said_.values()))
            if len(set(said_.values())) > 1:
                tests = {path: self.told_apart(one, path, names) for path in said_}
                for path, text in list(reversed(said_.items()))[1:]:
                    formula = f"如果 {tests[path]} 则 {text} 否则 {formula}"
            yield f"    设定：{label} = {formula}"

    def told_apart(self, one: Interpreter, path: str, names: dict[str, str]) -> str:
        """A condition that holds of one record and no other: it is called by a name that nobody else has."""
        called = self.program.entities[one.case.index[path].entity].called
        name = names.setdefault(path, NAMES[len(names) % len(NAMES)] * (1 + len(names) // len(NAMES)))
        return f"{bare(self.program.entities[one.case.index[path].entity].facts[called or ''].name.zh)} 为 「{name}」"

    def literal(self, value: Value, of: Type) -> str:
        plain = written(self.program, value, of)
        if isinstance(plain, bool):
            return "是" if plain else "否"
        return "{" + "、".join(plain) + "}" if isinstance(plain, list) else str(plain)

    def option(self, choice: str, label: str) -> str:
        return next(bare(o.name.zh) for o in self.program.choices[choice].options if o.name.id == label)

    def ruled(self, one: Interpreter) -> Iterator[str]:
        def whose(record: Instance) -> str:
            return "" if record is one.case.root else self.writer.place(place(one.case.root, record)) + " "

        for ruling in one.first.rulings:
            versions = self.program.clauses[ruling.clause]
            names = {d.name.id: d.name.zh for c in versions for d in c.discretion}
            types = {d.name.id: d.type for c in versions for d in c.discretion}
            chosen = [f"{bare(names[n])} = {_number(number, types[n])}" for n, number in ruling.choices or ()]
            parts_ = [f"{whose(ruling.subject)}{bare(versions[0].basis.name.zh)}", ruling.day.isoformat()]
            yield "    裁定：" + "，".join([*parts_, *(["不给予"] if ruling.choices is None else chosen)])
        for election in one.first.elections:
            exclusive = next(e for e in self.program.exclusives if e.basis.name.id == election.exclusive)
            measure = self.program.measures[election.measure].name.zh
            yield f"    裁定：{whose(election.subject)}{bare(exclusive.basis.name.zh)}，{election.day.isoformat()}，{bare(measure)}"
