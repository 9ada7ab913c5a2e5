"""The straight form: a household and its members in one function without records, for small and plain rule sets.

It takes programs of one entity with facts and one with members, whose clauses grant or give way and nothing else, and
households with every fact, each as its plain type. Whatever else there is goes to the general form. Facts and terms
are local variables; what is folded over members is gathered while they are read; what a member's clauses ask of the
whole household waits for a second loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policykit import ir
from policykit.datatypes import Type
from policykit.engine.compiled.operations import NAMES
from policykit.engine.compiled.reading import ends, identifier
from policykit.engine.compiled.terms import Names, Refused, Terms, about, figures, said

#: where a line of the function stands: before the members, per member, for the household, per member again
FIRST, MEMBER, WHOLE, AGAIN = range(4)
BLANK = "    "


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the function leaves what a clause comes to, and what it pays: places in the tuple of its record."""

    clause: str
    entity: str
    measure: str
    rule: int
    form: str
    state: int
    pay: int
    beaters: tuple[str, ...]


@dataclass(slots=True)
class Straight(Terms):
    """Writes the straight form of one program for one day."""

    lines: list[list[str]] = field(default_factory=lambda: [[], [], [], []])
    local: dict[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)  # what is known of a member when its facts have been read
    after: list[str] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    temporary: int = 0
    inside: str = ""  # the entity whose expression is being written
    level: int = FIRST  # the earliest place where what was written last can stand
    name: str = "decide_straight"
    title: str = "Every measure for a household, straight"
    root: ir.Entity = field(init=False)
    member: ir.Entity | None = field(init=False)
    members: str = field(init=False)
    taken: set[str] = field(init=False)

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        self.root, self.members, self.member = shape_of(self.program)
        figures = map(identifier, self.program.parameters)
        self.taken = {*self.reserved, *figures, "members", "people", "person", "row"}

    # -- names

    def fresh_local(self, name: str) -> str:
        found, number = identifier(name), 1
        while found in self.taken or found in NAMES:
            number += 1
            found = f"{identifier(name)}_{number}"
        self.taken.add(found)
        return found

    def kind_of(self, expr: ir.Expr) -> str:
        """The entity whose record an expression is: the one at hand, or the household of a member at hand."""
        match expr:
            case ir.Var(slot="self"):
                return self.inside
            case ir.Up(subject=ir.Var(slot="self")):
                return self.root.name.id
            case ir.Var(type=of) if of.kind == "record":
                return of.of
            case ir.Up(subject=ir.Var(type=of)) if of.kind == "record":
                return self.root.name.id
        raise Refused("record")

    def reach(self, level: int) -> None:
        """Notes that what is being written needs something of this level."""
        if self.inside != self.root.name.id and level == WHOLE:
            level = AGAIN
        self.level = max(self.level, level)

    # -- expressions

    def of_record(self, of: ir.Expr, names: Names, read: str, type_: Type) -> str:
        raise Refused("record")

    def expr(self, expr: ir.Expr, names: Names) -> str:
        match expr:
            case ir.Fact(subject=of, name=name):
                return self.use("fact", self.kind_of(of), name)
            case ir.Ref(name=name, subject=None):
                return self.use("term", "", name)
            case ir.Ref(name=name, subject=of) if of is not None:
                return self.use("term", self.kind_of(of), name)
            case ir.Param(name=name, subject=None, keys=()) if self.plain(name):
                return self.plain(name)
            case ir.Fold(domain=ir.Items() as domain):
                return self.gathered(expr, domain, "")
            case ir.Apply(op="has" | "has_not" as op, args=(of,)):
                read = self.expr(of, names)
                there = read if read.isidentifier() else f"known({read})"
                return f"({there} is {'not ' if op == 'has' else ''}None)"
            case ir.Apply(op="max_of" | "min_of" as op, args=(a, b)) if (
                not a.type.optional and not b.type.optional
            ):
                return self.chosen(self.expr(a, names), "<" if op == "max_of" else ">", self.expr(b, names))
            case ir.Const() | ir.Today() | ir.Apply() | ir.If():
                return Terms.expr(self, expr, names)
        raise Refused(type(expr).__name__)

    def chosen(self, a: str, beyond: str, b: str) -> str:
        """The greater or smaller of two, without a call."""
        if not re.fullmatch(r"\w+", a):
            self.temporary += 1
            a, first = f"value_{self.temporary}", f"(value_{self.temporary} := {a})"
        else:
            first = a
        return (
            f"({b} if {first} {beyond} {b} else {a})"
            if re.fullmatch(r"\w+", b)
            else self.chosen(b, beyond, a)
        )

    def use(self, kind: str, entity: str, name: str) -> str:
        """The local variable of a fact or term, written down first where it is not yet."""
        if (kind, entity, name) not in self.local and kind == "term":
            self.write_down(entity, name)
        local, level = self.local[kind, entity, name]
        self.reach(level)
        return local

    def write_down(self, entity: str, name: str) -> None:
        """A term as a line of its own, at the earliest place where it can stand."""
        define = self.program.defines[name]
        version = define.on(self.on)
        if version is None:
            raise Refused("version")
        outer, self.inside = (self.inside, self.level), entity or self.root.name.id
        self.level = FIRST if self.inside == self.root.name.id else MEMBER
        local = self.fresh_local(name)
        note = f"  # {said(define.name.zh)}"
        match version.body:
            case ir.Fold(domain=ir.Items() as domain):
                self.gathered(version.body, domain, local, note)
            case body:
                text = self.write(body, {})
                self.lines[self.level].append(f"{local} = {text}{note}")
        self.local["term", entity, name] = local, self.level
        self.own |= {local} if self.level == MEMBER else set()
        self.inside, self.level = outer

    def gathered(self, expr: ir.Fold, domain: ir.Items, local: str, note: str = "") -> str:
        """A fold over the members, gathered while they are read."""
        if (
            self.inside != self.root.name.id
            or self.member is None
            or self.kind_of(domain.subject) != self.inside
        ):
            raise Refused("fold")
        if expr.op == "count" and expr.where is None:
            if local:
                self.lines[FIRST].append(f"{local} = len(members){note}")
                return local
            return "len(members)"
        local = local or self.fresh_local(f"{expr.op}_of_{self.members}")
        outer, self.inside, self.level = (self.inside, self.level), self.member.name.id, MEMBER
        where = self.expr(expr.where, {}) if expr.where is not None else ""
        take = self.write(expr.take, {}) if expr.take is not None else "1"
        if self.level != MEMBER or (expr.take is not None and expr.take.type.optional):
            raise Refused("fold")
        (self.inside, self.level) = outer
        start, step = {
            "any": ("False", f"{local} = True"), "all": ("True", f"{local} = False"),
            "count": ("0", f"{local} += 1"), "sum": ("0", f"{local} += {take}"),
        }.get(expr.op, ("", ""))  # fmt: skip
        if not step:
            raise Refused(expr.op)
        condition = f"not {where}" if expr.op == "all" else where
        self.lines[FIRST].append(f"{local} = {start}{note}")
        self.lines[MEMBER].append(f"if {condition}:\n{BLANK}{step}" if condition else step)
        self.reach(WHOLE)
        return local

    # -- reading

    def read(self, entity: ir.Entity, record: str, level: int) -> None:
        """The facts of a record into local variables, each checked for its type and range."""
        checks = [f"len({record}) == {len(entity.facts) + len(entity.lists)}"]
        scaled = []
        for fact in entity.facts.values():
            local = self.fresh_local(fact.name.id)
            self.local["fact", entity.name.id, fact.name.id] = local, level
            self.own |= {local} if level == MEMBER else set()
            self.lines[level].append(f"{local} = {record}[{fact.name.id!r}]")
            test, scale = self.check(fact, local)
            checks.append(test)
            scaled += [f"{local} {scale}"] if scale else []
        if entity is self.root and self.member is not None:
            decl = entity.lists[self.members]
            self.lines[level].append(f"members = {record}[{self.members!r}]")
            checks.append(f"members.__class__ is list and {decl.least} <= len(members) <= {decl.most}")
        self.lines[level].append(f"if not ({' and '.join(checks)}):\n{BLANK}raise HandOver")
        if entity is self.root and self.member is not None:
            self.lines[level].append(f"members = {record}[{self.members!r}] = [*map(dict.copy, members)]")
        self.lines[level] += scaled

    def check(self, fact: ir.FactDecl, local: str) -> tuple[str, str]:
        """The test that a fact is plainly there, and what brings it into base units."""
        of = fact.type
        fixed = all(end is None or isinstance(end, ir.Const) for end in (fact.low, fact.high))
        odd = of.optional or fact.evidence is not None or fact.judgement is not None or not fixed
        if odd or fact.name.id.startswith("relation_to_"):
            raise Refused("fact")
        if fact.name.id in ("id", "id_number"):
            raise Refused("fact")
        if of.kind == "bool":
            return f"{local}.__class__ is bool", ""
        if of.kind == "choice":
            labels = {option.name.id for option in self.program.choices[of.of].options}
            return f"{local}.__class__ is str and {local} in {self.constant(frozenset(labels))}", ""
        if of.kind != "number":
            raise Refused("fact")
        size = 100 if of.money else 1
        if of.money and dict(of.dimension)["元"] != 1:
            raise Refused("fact")
        low, high = (-(-end // size) if up else end // size for end, up in zip(ends(self.program, fact, self.on), (True, False), strict=True))  # fmt: skip
        return f"{local}.__class__ is int and {low} <= {local} <= {high}", "*= 100" if of.money else ""

    # -- clauses

    def clauses(self) -> Iterator[ir.Clause]:
        """The clauses in force, those that prevail first."""
        sorter: list[str] = []

        def visit(name: str) -> None:
            for other in sorted(self.program.blockers.get(name, ())):
                visit(other)
            if name not in sorter:
                sorter.append(name)

        for name in self.program.clauses:
            visit(name)
        for name in sorter:
            for version in self.program.clauses.get(name, ()):
                if version.as_of is not None:
                    raise Refused("event")
                if version.period.holds(self.on):
                    yield version

    def clause(self, clause: ir.Clause, places: dict[str, int], known: dict[str, tuple[str, int]]) -> None:
        """The lines of one clause: whom it speaks of, what it asks, what prevails over it, what it pays."""
        effect, name = clause.effect, clause.basis.name.id
        if not isinstance(effect, ir.Grant):
            if isinstance(effect, ir.Withhold) or any(
                name in over for over in self.program.blockers.values()
            ):
                raise Refused("effect")
            return
        if effect.may or clause.discretion or name in known:
            raise Refused("discretion")
        self.inside, own = clause.entity, clause.entity == self.root.name.id
        self.level = FIRST if own else MEMBER
        scope = self.write(clause.scope, {}) if clause.scope is not None else ""
        test = self.write(clause.test, {}) if clause.test is not None else ""
        rule = effect.amount or self.program.amount_rule(effect.measure, clause.entity, self.on)
        if rule is None or rule.parts or rule.start is not None or rule.months is not None:
            raise Refused("amount")
        amount = self.write(rule.total, {})
        local = self.fresh_local(name)
        paid = self.fresh_local(f"{local}_paid")
        if paid != f"{local}_paid":
            raise Refused("name")
        level = self.level
        self.own |= {local, paid} if level == MEMBER else set()
        lines = self.lines[level]
        lines += ["", f"# {about(clause.basis)}", f"{paid} = None"]
        word = "if"
        if scope:
            lines.append(f"{word} {negated(scope)}:\n{BLANK}{local} = SILENT")
            word = "elif"
        if test:
            lines.append(f"{word} {negated(test)}:\n{BLANK}{local} = NOT_MET")
            word = "elif"
        over = [
            other
            for other in sorted(self.program.blockers.get(name, ()))
            if self.prevails(other, clause, known)
        ]
        now = [
            other
            for other in over
            if known[other][1] <= level or (level == MEMBER and known[other][1] == FIRST)
        ]
        if now:
            lines.append(
                f"{word} {' or '.join(f'{known[other][0]} == STANDS' for other in now)}:\n{BLANK}{local} = BEATEN"
            )
            word = "elif"
        later = [other for other in over if other not in now]
        after = bool(later) and not own and self.last(name) and all(self.of_root(other) for other in later)
        stands = f"{local} = STANDS\n{BLANK}{paid} = {amount}"
        if after:
            stands += f"\n{BLANK}{self.somewhere(local)} = True"
        lines.append(f"else:\n{BLANK}{stands}" if word == "elif" else stands.replace(BLANK, ""))
        holds = " or ".join(f"{known[other][0]} == STANDS" for other in later)
        at = places[clause.entity]
        if after:
            self.after.append(f"if {self.somewhere(local)} and ({holds}):  # {said(clause.basis.name.zh)}\n{BLANK}"
                              f"rows = [beaten(row, {at}) if row[{at}] == STANDS else row for row in rows]")  # fmt: skip
        elif later:
            level = AGAIN if not own else max(known[other][1] for other in later)
            self.lines[level].append(
                f"if {local} == STANDS and ({holds}):\n{BLANK}{local}, {paid} = BEATEN, None"
            )
        known[name] = local, level
        places[clause.entity] += 2
        number = next((i for i, one in enumerate(self.program.amounts) if one is rule), -1 - len(self.slots))
        self.slots.append(
            Slot(name, clause.entity, effect.measure, number, rule.form, at, at + 1, tuple(over))
        )

    def somewhere(self, local: str) -> str:
        """The local that says whether a clause stands for any member, as far as the members themselves tell."""
        flag = f"{local}_somewhere"
        if flag not in self.taken:
            self.taken.add(flag)
            self.lines[FIRST].append(f"{flag} = False")
        return flag

    def prevails(self, other: str, clause: ir.Clause, known: Mapping[str, object]) -> bool:
        """Whether a clause that comes first concerns the same measure, of the same record or its household."""
        first = self.program.clauses[other][0] if other in known else None
        if first is None or not isinstance(first.effect, ir.Grant) or not isinstance(clause.effect, ir.Grant):
            return False
        return first.effect.measure == clause.effect.measure and first.entity in (
            clause.entity,
            self.root.name.id,
        )

    def of_root(self, clause: str) -> bool:
        return self.program.clauses[clause][0].entity == self.root.name.id

    def last(self, clause: str) -> bool:
        """Whether nothing waits for what a clause comes to."""
        return not any(clause in over for over in self.program.blockers.values())

    # -- the whole

    def text(self) -> str:
        """The function, as source."""
        if self.program.exclusives:
            raise Refused("mutual exclusion")
        self.inside = self.root.name.id
        self.lines[FIRST].append("household = household.copy()")
        self.read(self.root, "household", FIRST)
        if self.member is not None:
            self.read(self.member, "person", MEMBER)
        places = {self.root.name.id: 0, **({self.member.name.id: 0} if self.member else {})}
        known: dict[str, tuple[str, int]] = {}
        for clause in self.clauses():
            self.clause(clause, places, known)
        own, theirs = ([known[s.clause][0] for s in self.slots if s.entity == kind] for kind in places) if self.member else ([known[s.clause][0] for s in self.slots], [])  # fmt: skip
        row = f"({', '.join(f'{one}, {one}_paid' for one in theirs)},)" if theirs else "()"
        head = f'"""{self.title}, by the rules {self.program.fingerprint[:12]} on {self.on}"""'
        body = [head, *self.lines[FIRST]]
        if self.member is not None:
            first, again = self.lines[MEMBER], self.lines[AGAIN]
            asked = set(re.findall(r"[^\W\d]\w*", "\n".join([*again, row])))
            carried = sorted(self.own & asked)
            names = f"({', '.join(carried)},)"
            keep = f"rows.append({row})" if not again else f"people.append({names})" if carried else ""
            body += [
                "rows = []" if not again else "people = []",
                "for person in members:",
                *indented([*first, keep]),
            ]
            body += self.lines[WHOLE]
            if again:
                loop = f"for {names} in people:" if carried else "for person in members:"
                body += ["rows = []", loop, *indented([*again, f"rows.append({row})"])]
            body += self.after
        else:
            body += ["rows = ()", *self.lines[WHOLE]]
        result = "".join(f"{one}, {one}_paid, " for one in own)
        function = [
            f"def {self.name}(household):",
            *indented([*body, f"return household, ({result}), rows"]),
        ]
        return "\n\n\n".join(filter(None, [figures(self.constants), "\n".join(function)])) + "\n"


def negated(text: str) -> str:
    return f"not {text}" if text.isidentifier() else f"not ({text})"


def indented(lines: list[str]) -> list[str]:
    return [BLANK + part if part else "" for line in lines for part in line.split("\n")]


def shape_of(program: ir.Program) -> tuple[ir.Entity, str, ir.Entity | None]:
    """The household, its list of members, and their kind; refuses every other shape."""
    granted = {entity for measure in program.measures.values() for entity in measure.entities}
    if program.root not in granted:
        raise Refused("root")
    root = program.entities[program.root]
    if root.known_from is not None or root.upper is not None or len(program.entities) != 1 + len(root.lists):
        raise Refused("shape")
    if not root.lists:
        return root, "", None
    (decl,) = root.lists.values() if len(root.lists) == 1 else (None,)
    if decl is None or decl.kind != "members" or decl.single:
        raise Refused("shape")
    member = program.entities[decl.item]
    if member.lists or member.known_from is not None:
        raise Refused("shape")
    return root, decl.name.id, member
