"""ir.Program → diagnostics: what only the whole program shows.

No circle of references or of priorities, no two amounts for one grant, no grant without an amount, no payable
amount that is unrounded or 无, no number beyond what exact integers hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from graphlib import CycleError, TopologicalSorter
from itertools import chain, combinations, groupby, product
from typing import Any, TypeAlias

from policykit import ir
from policykit.conditions import Conditions, can_hold, together
from policykit.diagnostics import Diagnostic, Language
from policykit.extents import LIMIT, Extents
from policykit.reach import within
from policykit.source import NOWHERE, Span
from policykit.syntax import Period
from policykit.values import Bounds, Number

Node: TypeAlias = tuple[str, ...]

MOST_STEPS = 300  #: inward, over references; an engine may take three calls for one


def check(
    program: ir.Program, language: Language = "zh", source_line: Callable[[Span], str] = lambda span: ""
) -> list[Diagnostic]:
    """Every fault of the program as a whole; `source_line` gives the line of text that a place stands in."""
    checker = _Checker(program, language, source_line)
    # what lies in itself has no uppermost record to start from
    if checker.circles(checker.nesting()):
        return checker.found
    checker.priorities()
    checker.conflicts()
    checker.amounts()
    # terms that refer in a circle have no extent, and no last step that could round
    graph = checker.graph()
    if not checker.circles(graph) and not checker.too_deep(graph):
        checker.last_stratum(graph)
        checker.numbers()
    return checker.found


def _steps(expr: ir.Expr) -> int:
    """How deep an expression nests, counted in the steps that an engine takes inward."""
    deepest, todo = 0, [(expr, 1)]
    while todo:
        inner, depth = todo.pop()
        deepest = max(deepest, depth)
        below = depth + (3 if isinstance(inner, ir.Fold | ir.Verdict) else 1)
        todo += [(child, below) for child in ir.children(inner)]
    return deepest


@dataclass(slots=True)
class _Checker:
    program: ir.Program
    language: Language
    source_line: Callable[[Span], str]
    found: list[Diagnostic] = field(default_factory=list)
    reported: set[Diagnostic] = field(default_factory=set)
    clauses: list[ir.Clause] = field(init=False)
    grants: list[tuple[ir.Clause, ir.Grant]] = field(init=False)
    stopping: list[ir.Clause] = field(init=False)
    extents: Extents = field(init=False)
    conditions: Conditions = field(init=False)

    def __post_init__(self) -> None:
        self.clauses = list(chain.from_iterable(self.program.clauses.values()))
        self.extents = Extents(self.program, self.too_great)
        self.conditions = Conditions(self.program, "self")
        self.stopping = [c for c in self.clauses if isinstance(c.effect, ir.Withhold | ir.Ban)]
        self.grants = [(c, c.effect) for c in self.clauses if isinstance(c.effect, ir.Grant)]

    def report(self, code: str, span: Span, *fields: tuple[str, str]) -> None:
        """Adds a diagnostic, once for a place."""
        excerpt = self.source_line(span) if span.line else ""
        diagnostic = Diagnostic(code, str(span), self.language, fields, span, excerpt)
        if diagnostic not in self.reported:
            self.reported.add(diagnostic)
            self.found.append(diagnostic)

    def label(self, name: ir.Name) -> str:
        return name.label(self.language)

    def measure(self, ident: str) -> str:
        return self.label(self.program.measures[ident].name)

    def clause(self, ident: str) -> str:
        return self.label(self.program.clauses[ident][0].basis.name)

    def above(self, ident: str) -> set[str]:
        """The clauses that prevail over one, and over which it does not prevail itself."""
        higher = self.program.blockers[ident] & self.program.clauses.keys()
        return {other for other in higher if ident not in self.program.blockers[other]}

    def related(self, a: str, b: str) -> bool:
        """Whether the two entities are one, or records of one lie in records of the other."""
        return a in self.program.entity_path(b) or b in self.program.entity_path(a)

    # -- circles of references

    def circles(self, graph: dict[Node, list[Node]]) -> bool:
        """Reports each circle of references, beginning at a place where one is written."""
        before = len(self.found)
        while True:
            try:
                TopologicalSorter(graph).prepare()
            except CycleError as error:
                ring: list[Node] = error.args[1][:0:-1]
            else:
                return len(self.found) > before
            first = ring.index(min(ring, key=self.place))
            ring = [*ring[first:], *ring[: first + 1]]
            labels = [label for label, _ in groupby(self.label(self.about(node)[0]) for node in ring)]
            shown = labels if len(labels) > 1 else labels * 2
            self.report("C001", self.about(ring[0])[1], ("chain", " → ".join(shown)))
            graph[ring[0]].remove(ring[1])

    def place(self, node: Node) -> tuple[Any, ...]:
        """Orders nodes by where they are written; those that only follow from others come last."""
        span = self.about(node)[1]
        return node[0] not in ("define", "parameter", "fact", "meets"), span.file, span.start, node

    def about(self, node: Node) -> tuple[ir.Name, Span]:
        """What a node of the graph is called, and where it is written."""
        program, (kind, name, *entity) = self.program, node
        match kind:
            case "define":
                return program.defines[name].name, program.defines[name].versions[0].basis.span
            case "parameter":
                return program.parameters[name].name, program.parameters[name].span
            case "fact":
                fact = program.entities[entity[0]].facts[name]
                return fact.name, fact.span
            case "entity":
                return program.entities[name].name, program.entities[name].span
            case "property":
                basis = program.properties[int(name)].basis
                return basis.name, basis.span
            case "meets" | "stands":
                basis = program.clauses[name][0].basis
                return basis.name, basis.span
        span = next((e.basis.span for e in program.exclusives if name in e.measures), NOWHERE)
        return program.measures[name].name, span

    def nesting(self) -> dict[Node, list[Node]]:
        """What each entity lies in."""
        uppers = {name: entity.upper for name, entity in self.program.entities.items()}
        return {("entity", name): [("entity", upper)] if upper else [] for name, upper in uppers.items()}

    def graph(self) -> dict[Node, list[Node]]:
        """What each thing reads."""
        program = self.program
        nodes: list[Node] = [("define", name) for name in program.defines]
        nodes += [("parameter", name) for name in program.parameters]
        nodes += [("property", str(number)) for number in range(len(program.properties))]
        nodes += [
            ("fact", name, entity) for entity, declared in program.entities.items() for name in declared.facts
        ]
        graph = {node: self.reads(self.written(node)) for node in nodes}
        for ident in program.clauses:
            graph["meets", ident] = self.reads(self.written(("meets", ident)))
            graph["stands", ident] = [("meets", ident), *(("stands", o) for o in self.blocking(ident))]
        for name, measure in program.measures.items():
            for entity in measure.entities:
                graph["base", name, entity] = [*self.deciding(name, entity), ("amount", name, entity)]
                graph["final", name, entity] = self.settled_after(name, entity)
                graph["amount", name, entity] = self.reads(self.written(("amount", name, entity)))
        return {node: list(dict.fromkeys(edges)) for node, edges in graph.items()}

    def written(self, node: Node) -> list[ir.Expr | None]:
        """The expressions that make up a node of the graph."""
        program, (kind, name, *entity) = self.program, node
        match kind:
            case "define":
                return [version.body for version in program.defines[name].versions]
            case "parameter":
                parameter = program.parameters[name]
                return [parameter.low, parameter.high, *(setting.value for setting in parameter.settings)]
            case "fact" if name in program.entities[entity[0]].facts:
                fact = program.entities[entity[0]].facts[name]
                return [fact.low, fact.high]
            case "property":
                claim = program.properties[int(name)]
                return [*claim.given, claim.then]
            case "meets":
                return [e for c in program.clauses[name] for e in (c.scope, c.test, c.as_of)]
            case "amount":
                paid = [a for a, _ in self.every_amount() if (a.measure, a.entity) == (name, entity[0])]
                return [
                    e for a in paid for e in (a.total, *(part.expr for part in a.parts), a.start, a.months)
                ]
        return []

    def too_deep(self, graph: dict[Node, list[Node]]) -> bool:
        """Reports what stands on too long a chain of others: engines follow references one inside the other."""
        total: dict[Node, int] = {}
        for node in TopologicalSorter(graph).static_order():
            own = max((_steps(expr) for expr in self.written(node) if expr is not None), default=2)
            total[node] = own + max((total[other] for other in graph.get(node, ())), default=0)
            if total[node] > MOST_STEPS:
                while self.about(node)[1] is NOWHERE:
                    node = max(graph[node], key=total.__getitem__)
                self.report("L002", self.about(node)[1], ("limit", str(MOST_STEPS)))
                return True
        return False

    def reads(self, exprs: Iterable[ir.Expr | None]) -> list[Node]:
        """What some expressions read."""
        found: list[Node] = []
        for expr in chain.from_iterable(within(expr) for expr in exprs if expr is not None):
            match expr:
                case ir.Fact(entity=entity, name=name):
                    found.append(("fact", name, entity))
                case ir.Param(name=name):
                    found.append(("parameter", name))
                case ir.Ref(name=name):
                    found.append(("define", name))
                case ir.Verdict(kind="obtains" | "outcome" | "amount" as kind, name=name, subject=subject):
                    found.append(("final", name, subject.type.of))
                    if kind == "amount":
                        found.append(("amount", name, subject.type.of))
                case ir.Verdict(kind=kind, name=name):
                    found.append(("meets" if kind == "meets" else "stands", name))
        return found

    def blocking(self, ident: str) -> list[str]:
        """The clauses that, when they stand, keep one from standing."""
        found = self.above(ident)
        for e, c in product(self.stopping, self.program.clauses[ident]):
            if ident not in self.program.blockers[e.basis.name.id] and self.stops(e, c):
                found.add(e.basis.name.id)
        return sorted(found)

    def stops(self, e: ir.Clause, c: ir.Clause) -> bool:
        """Whether a clause excludes the measure that another grants, or bans the act that it orders."""
        match e.effect, c.effect:
            case _, ir.Grant(measure=measure):
                return self.excludes(e, measure, c.entity)
            case ir.Ban(act=banned), ir.Duty(act=act):
                whole: list[str] = []
                while act not in whole:
                    whole.append(act)
                    act = self.program.acts[act].part_of or act
                return e.entity == c.entity and banned in whole
        return False

    def excludes(self, e: ir.Clause, measure: str, entity: str) -> bool:
        """Whether a clause withholds the measure from records of this entity."""
        if not isinstance(e.effect, ir.Withhold) or measure not in e.effect.measures:
            return False
        return e.entity == entity or (e.effect.members and e.entity in self.program.entity_path(entity))

    def deciding(self, measure: str, entity: str) -> list[Node]:
        """The clauses that decide on a measure, before exclusives are settled."""
        granting = [c for c, grant in self.grants if (grant.measure, c.entity) == (measure, entity)]
        excluding = [c for c in self.stopping if self.excludes(c, measure, entity)]
        return [("stands", c.basis.name.id) for c in (*granting, *excluding)]

    def settled_after(self, measure: str, entity: str) -> list[Node]:
        """What the outcome of a measure waits for: its clauses, and the measures it does not stand beside."""
        found: list[Node] = [("base", measure, entity)]
        for exclusive in self.program.exclusives:
            if measure not in exclusive.measures or exclusive.how == "by_election":
                continue
            earlier = exclusive.measures[: exclusive.measures.index(measure)]
            for other in earlier if exclusive.how == "by_order" else exclusive.measures:
                near = [e for e in self.program.measures[other].entities if self.related(e, entity)]
                kinds = ("final",) if exclusive.how == "by_order" else ("base", "amount")
                found += [(kind, other, e) for kind in kinds for e in near]
        return found

    # -- priorities

    def priorities(self) -> None:
        """Reports circles of priorities, and priorities between clauses that do not compete."""
        blockers, clauses = self.program.blockers, self.program.clauses
        seen: set[str] = set()
        for ident in clauses:
            if ident in blockers[ident] and ident not in seen:
                ring = [o for o in clauses if o in blockers[ident] and ident in blockers[o]]
                seen.update(ring)
                labels = map(self.clause, [*ring, ident])
                self.report("C006", clauses[ident][0].basis.span, ("chain", " → ".join(labels)))
        wrong = {(a, b) for b in clauses for a in self.above(b) if not self.compete(a, b)}
        for a, b in sorted(wrong):
            # a pair that only follows from another wrong pair needs no report of its own
            between = [c for c in self.above(b) if a in self.above(c)]
            if not any((a, c) in wrong or (c, b) in wrong for c in between):
                written = next((c for c in clauses[a] if b in c.above), clauses[b][0])
                self.report("C008", written.basis.span, ("a", self.clause(a)), ("b", self.clause(b)))

    def compete(self, a: str, b: str) -> bool:
        """Whether a priority between two clauses has a meaning."""
        for first, second in product(self.program.clauses[a], self.program.clauses[b]):
            match first.effect, second.effect:
                case ir.Grant(measure=one), ir.Grant(measure=other):
                    return one == other
                case (ir.Withhold(measures=many), ir.Grant(measure=one)) | (
                    ir.Grant(measure=one),
                    ir.Withhold(measures=many),
                ):
                    return one in many
                case (ir.Ban(), ir.Duty()) | (ir.Duty(), ir.Ban()):
                    return True
        return False

    # -- what reads outcomes comes last

    def last_stratum(self, graph: dict[Node, list[Node]]) -> None:
        """Reports clauses that wait for an outcome and are no duty or record: outcomes must not wait for themselves."""
        asked = {node: [*self.outcomes(node)] for node in graph}
        for ident, versions in self.program.clauses.items():
            if all(isinstance(c.effect, ir.Duty | ir.Record) for c in versions):
                continue
            todo: list[Node] = [("meets", ident)]
            todo += [("amount", e.measure, c.entity) for c in versions if isinstance(e := c.effect, ir.Grant)]
            seen = set(todo)
            while todo:
                node = todo.pop()
                for expr in asked.get(node, ()):
                    fields = (("name", self.clause(ident)), ("measure", self.measure(expr.name)))
                    self.report("C010", expr.span if expr.span.line else versions[0].basis.span, *fields)
                more = set(graph.get(node, ())) - seen
                seen |= more
                todo += more

    def outcomes(self, node: Node) -> Iterator[ir.Verdict]:
        """Where a node of the graph asks for an outcome."""
        for expr in chain.from_iterable(within(e) for e in self.written(node) if e is not None):
            if isinstance(expr, ir.Verdict) and expr.kind == "outcome":
                yield expr

    # -- two amounts for one grant

    def conflicts(self) -> None:
        """Reports clauses that may grant one measure at once, by different amount rules."""
        for (a, given), (b, other) in combinations(self.grants, 2):
            one, two = a.basis.name, b.basis.name
            if given.measure != other.measure or one.id == two.id or not self.related(a.entity, b.entity):
                continue
            same_rule = given.amount is None and other.amount is None and a.entity == b.entity
            ranked = self.prevails(a, b) or self.prevails(b, a)
            if not (same_rule or ranked) and _days(a).overlaps(_days(b)) and not self.disjoint(a, b):
                names = (("a", self.label(one)), ("b", self.label(two)))
                self.report("C002", b.basis.span, *names, ("measure", self.measure(given.measure)))

    def prevails(self, a: ir.Clause, b: ir.Clause) -> bool:
        """Whether a clause overrides another: on the same subject, or from above its subject."""
        higher = self.program.blockers[b.basis.name.id]
        return a.basis.name.id in higher and a.entity in self.program.entity_path(b.entity)

    def disjoint(self, a: ir.Clause, b: ir.Clause) -> bool:
        """Whether the conditions of two clauses contradict each other, however the facts lie."""
        parts = []
        for c, other in ((a, b), (b, a)):
            path = self.program.entity_path(other.entity)
            # a household goes by the name that its member's clause has for it
            here = "^".join(["self", *path[1 : path.index(c.entity) + 1]]) if c.entity in path else "self"
            parts += [self.conditions.at(here).cases(e, True) for e in (c.scope, c.test) if e]
        return not any(can_hold(case) for case in together(parts))

    # -- amounts: each grant has one, whole and never 无

    def every_amount(self) -> Iterator[tuple[ir.Amount, tuple[ir.Discretion, ...]]]:
        """Every amount, with the quantities an approver chooses in it."""
        yield from ((amount, ()) for amount in self.program.amounts)
        yield from ((g.amount, c.discretion) for c, g in self.grants if g.amount is not None)

    def amounts(self) -> None:
        """Reports grants without an amount, rules for one amount on one day, and named parts that may be 无."""
        for c, grant in self.grants:
            if grant.amount is None and not self.paid(c, grant):
                names = (("name", self.label(c.basis.name)), ("measure", self.measure(grant.measure)))
                self.report("C005", c.basis.span, *names)
        for a, b in combinations(self.program.amounts, 2):
            same = (a.measure, a.entity) == (b.measure, b.entity) and a.basis.name.id != b.basis.name.id
            if same and a.period.overlaps(b.period):
                periods = (("first", str(a.period)), ("second", str(b.period)))
                self.report("C003", b.basis.span, ("name", self.measure(a.measure)), *periods)
        for amount, _ in self.every_amount():
            for part in amount.parts:
                if part.expr.type.optional:
                    self.report("T006", part.expr.span, ("why", self.label(part.name)))

    def paid(self, c: ir.Clause, grant: ir.Grant) -> bool:
        """Whether an amount rule is in force on every day that the clause can grant on."""
        rules = [a.period for a in self.program.amounts if (a.measure, a.entity) == (grant.measure, c.entity)]
        rules.sort(key=lambda period: period.start or date.min)
        last = _days(c).end or date.max
        day = c.period.start or (rules[0].start if rules else None) or date.min
        for rule in rules:
            if rule.holds(day):
                if rule.end is None or rule.end >= last:
                    return True
                day = rule.end + timedelta(days=1)
        return False

    def too_great(self, expr: ir.Expr, bound: Number) -> None:
        """Reports a number that may grow beyond what exact integers hold."""
        self.report("T008", expr.span, ("bound", f"{int(bound):,} > {LIMIT:,}"))

    def numbers(self) -> None:
        """Reports payable amounts that may not be whole fen, and numbers that may grow too great."""
        for name in self.program.defines:
            self.extents.define(name)
        conditions = (e for c in self.clauses for e in (c.scope, c.test))
        formulas = (setting.value for p in self.program.parameters.values() for setting in p.settings)
        for expr in chain(conditions, formulas):
            if expr is not None:
                self.extents.of(expr)
        for amount, choices in self.every_amount():
            self.extents.choices = {
                f"choice:{choice.name.id}": Bounds(choice.low, choice.high) for choice in choices
            }
            unrounded = [part.expr for part in amount.parts if not self.extents.integral(part.expr)]
            # a total that is the sum of its parts is mended with them
            if not self.extents.integral(amount.total) and not any(
                e in unrounded for e in within(amount.total)
            ):
                unrounded.append(amount.total)
            for expr in unrounded:
                self.report("T007", expr.span)
            for expr in (amount.total, *(part.expr for part in amount.parts)):
                self.extents.of(expr)


def _days(c: ir.Clause) -> Period:
    """The days on which a clause can grant; one dated by an event goes on after its own end."""
    return Period(c.period.start, None) if c.as_of else c.period
