"""Which question first: the gaps of one household that can matter, and how many questions each would leave.

Two ways. *Whole*: what each open decision comes to is drawn up as a tree of answers in which a gap stands only where
it makes a difference (Bryant, Graph-Based Algorithms for Boolean Function Manipulation), and the gap with the fewest
expected questions after it is found by trying them all. *Near*: with too many gaps for that, each is tried for one
step, and the one that leaves the least open comes first. A count of passes decides between them, never a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, combinations
from typing import Any, TypeAlias

from policykit import ir
from policykit.engine.interpreter import Interpreter, Search
from policykit.engine.outcomes import Answer, Outcomes
from policykit.facts import Instance
from policykit.values import FALSE, TRUE, Bounds, Gap, Month, Options, Subset, Value, exactly

#: a measure on a record
Target: TypeAlias = tuple[str, Instance]
#: what a decision comes to once nothing that can be asked is open: the outcomes, the amount where one is granted
Sign: TypeAlias = tuple[frozenset[str], Any]
#: a node of the trees: a place in `Trees.nodes`
Node: TypeAlias = int

NEAR_WORK = 24_000  # clauses judged on records when each gap is tried for one step
TREE_WORK = 90_000  # clauses judged on one record when trees are drawn up
MOST_PASSES = 4_000  # for the trees of a small program
MOST_GAPS = 14  # with more, no trees are tried
STATES = 12_000  # sets of open trees for which the best next question is sought
FEW_LABELS = 4  # a multi-choice with more is tried with one label at a time
FEW_VALUES = 8  # figures and days in a longer range are tried in stretches
CUTS = 12  # cuts to find whether answers turn inside a long range
FINE_CUTS = 200  # cuts to find where
MOST_STRETCHES = 6  # with more, the turns hang on other gaps
FOLLOW_UP = 2  # questions that a list with something in it will bring, as a guess

#: asked of somebody who does not know: not asked again
DECLINED = ("问过，不知道", "asked, not known")


class _TooMuch(Exception):
    """The passes or states allowed are used up."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What may be answered: `values` each with its weight; `None` is whatever the others leave out.

    For a list `None` means that there is something in it. `stretches` are the ranges that values of a long range
    stand for.
    """

    values: tuple[Value | None, ...]
    weights: tuple[int, ...]
    stretches: tuple[tuple[Any, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """What one answer does: the decisions it settles, and about how much is then still open."""

    value: Value | None
    settled: tuple[tuple[Target, frozenset[str]], ...]
    left: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """A gap worth asking about, with the questions expected in all when it is asked next."""

    gap: Gap
    expected: Fraction


class Inquiry:
    """The open decisions of one household, and what asking would do to them."""

    def __init__(self, engine: Interpreter, targets: Sequence[Target]) -> None:
        self.first, self.targets = engine.first, tuple(targets)
        self.program, self.case = self.first.program, self.first.case
        self.answers = {target: self.first.decided(*target) for target in self.targets}
        self.compared = False  # whether every order of asking was compared
        self._domains: dict[Gap, Domain] = {}

    # -- gaps

    def askable(self, gap: Gap) -> bool:
        """Whether a person can answer: a fact or list of a record that is there, not yet asked in vain."""
        record = self.case.index.get(gap.path)
        if gap.kind not in ("fact", "list") or record is None or gap.cause in DECLINED:
            return False
        entity = self.program.entities[record.entity]
        return gap.name in entity.facts or gap.name in entity.lists

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Every gap that an open decision waits for, those that most wait for first."""
        found = {gap for answer in self.answers.values() for gap in answer.waits_for if self.askable(gap)}
        return tuple(sorted(found, key=self.order))

    def order(self, gap: Gap) -> tuple[int, bool, Gap]:
        waiting = sum(gap in answer.waits_for for answer in self.answers.values())
        decl = self.program.entities[self.case.index[gap.path].entity].facts.get(gap.name)
        return -waiting, decl is not None and decl.type.ordered, gap

    def first_of_all(self, gap: Gap) -> bool:
        """Whether a gap is who there is at all: members that must be, none of them named."""
        if gap.kind != "list":
            return False
        record = self.case.index[gap.path]
        decl = self.program.entities[record.entity].lists[gap.name]
        return decl.kind == "members" and gap.name not in record.lists

    # -- answers

    def domain(self, gap: Gap) -> Domain:
        if gap not in self._domains:
            record = self.case.index[gap.path]
            entity = self.program.entities[record.entity]
            if gap.kind == "list":
                self._domains[gap] = self._list_domain(record, entity.lists[gap.name])
            elif gap.name in entity.lists:
                self._domains[gap] = self._reference_domain(record, entity.lists[gap.name])
            else:
                self._domains[gap] = self._fact_domain(gap, record, entity.facts[gap.name])
        return self._domains[gap]

    def _list_domain(self, record: Instance, decl: ir.ListDecl) -> Domain:
        there = len(record.lists[decl.name.id].items) if decl.name.id in record.lists else 0
        nothing: list[Value | None] = [Bounds(0, 0)] if there >= decl.least else []
        return Domain((*nothing, None), (1,) * (len(nothing) + 1))

    def _reference_domain(self, record: Instance, decl: ir.ListDecl) -> Domain:
        """Nobody, one of those described, or somebody else, who takes further questions."""
        known = [r for r in self.case.subjects if r.entity == decl.item and r is not record]
        unknown = self.first.terms.fact(record, decl.name.id)
        assert isinstance(unknown, Options) and unknown.values is not None
        others = [r for r in unknown.values if r is not None]
        ends: list[Any] = [None] if decl.optional else []
        values = [Options(frozenset([one])) for one in (*ends, *known, *others)]
        return Domain(tuple(values), (1,) * len(values))

    def _fact_domain(self, gap: Gap, record: Instance, decl: ir.FactDecl) -> Domain:
        value = self.first.terms.fact(record, gap.name)
        nothing: list[Value | None] = [exactly(None)] if isinstance(value, Bounds) and value.none else []
        if isinstance(value, Subset):
            labels = self._labels(decl.type.of, value.may - value.must)
            few = len(labels) <= FEW_LABELS
            sizes = range(len(labels) + 1) if few else (0, 1)
            sets = [value.must | set(some) for size in sizes for some in combinations(labels, size)]
            found: list[Value | None] = [exactly(frozenset(one)) for one in sets]
            return _domain(found, whole=few)
        if isinstance(value, Options):
            if value.values is None:  # a text may be anything
                return _domain([exactly("甲"), exactly("乙"), *nothing], whole=False)
            labels = [*self._labels(decl.type.of, value.values), *([None] if None in value.values else [])]
            return _domain([Options(frozenset([label])) for label in labels], whole=True)
        if decl.type.kind == "bool":
            return _domain([TRUE, FALSE], whole=True)
        if value.lo is None:
            return _domain(nothing, whole=True)
        steps = _steps(value.lo, value.hi) if _counted(decl) else None
        if steps is not None and steps < FEW_VALUES:
            return _domain([*(exactly(_step(value.lo, n)) for n in range(steps + 1)), *nothing], whole=True)
        stretches, closed = self.stretches(gap, value.lo, value.hi)
        whole = closed and not self.refers and not self.pays_by(gap, stretches)
        stretches = stretches if whole or len(stretches) > 1 else ()  # only an amount follows it
        points = [low for low, _ in stretches] or [value.lo, value.hi]
        return _domain([*map(exactly, points), *nothing], whole, stretches)

    def _labels(self, choice: str, labels: frozenset[Any]) -> list[Any]:
        """Labels in the order of their choice."""
        return [o.name.id for o in self.program.choices[choice].options if o.name.id in labels]

    def stretches(self, gap: Gap, low: Any, high: Any) -> tuple[tuple[tuple[Any, Any], ...], bool]:
        """A long range cut where answers turn, if it can be shown that they turn nowhere else; none where not.

        And whether those are all: where there would be too many, neighbours with the same outcomes are made one.
        """
        asked = [target for target in self.targets if gap in self.answers[target].waits_for]
        seen: dict[tuple[Any, Any], tuple[bool, tuple[frozenset[str], ...]]] = {}

        def look(ends: tuple[Any, Any]) -> tuple[bool, tuple[frozenset[str], ...]]:
            """Whether answers may turn inside a stretch, and what they are."""
            if ends not in seen:
                level = self.first.assuming(gap, Bounds(*ends, missing=frozenset([gap])))
                found = [level.final(*target) for target in asked]
                open_ = any(gap in answer.missing for answer in found)
                seen[ends] = open_ and ends[0] != ends[1], tuple(answer.outcomes for answer in found)
            return seen[ends]

        if len(self.gaps) > MOST_GAPS:
            return (), False
        parts = [(low, high)]
        for cut in range(FINE_CUTS):
            wide = [part for part in parts if look(part)[0]]
            if not wide:
                break
            if cut == CUTS and len(wide) == len(parts):
                return (), False
            # first evenly, to see whether any part is the same throughout; then close to where it turns
            part = (max if cut < CUTS else min)(wide, key=lambda ends: _steps(*ends))
            middle = _step(part[0], _steps(*part) // 2)
            at = parts.index(part)
            parts[at : at + 1] = [(part[0], middle), (_step(middle, 1), part[1])]
        if any(look(part)[0] for part in parts):
            return (), False
        closed = _joined(parts, lambda one, _, both: not look(both)[0])
        if len(closed) <= MOST_STRETCHES:
            return closed, True
        alike = _joined(parts, lambda one, other, _: look(one) == look(other))
        return (alike if 1 < len(alike) <= MOST_STRETCHES else ()), False

    def pays_by(self, gap: Gap, stretches: Iterable[tuple[Any, Any]]) -> bool:
        """Whether an amount follows a figure inside one of its stretches."""
        levels = (self.first.assuming(gap, Bounds(*ends, missing=frozenset([gap]))) for ends in stretches)
        return any(gap in level.decided(*target).waits_for for level in levels for target in self.targets)

    @cached_property
    def refers(self) -> bool:
        """Whether it is open who somebody is: once known, a rule may read facts that it does not wait for yet."""
        return any(g.name in self.program.entities[self.case.index[g.path].entity].lists
                   for g in self.gaps if g.kind == "fact")  # fmt: skip

    def possible(self, level: Outcomes) -> bool:
        """Whether the facts of a level leave any household: each lies in the range that others set for it."""
        for record, decl in self.bound:
            value = level.terms.fact(record, decl.name.id)
            if not isinstance(value, Bounds) or not value.known or value.lo is None:
                continue
            gap = Gap("fact", record.path, decl.name.id)
            allowed = level.terms.unknown(decl.type, decl.low, decl.high, gap, record)
            assert isinstance(allowed, Bounds)
            if value.lo < allowed.lo or value.lo > allowed.hi:
                return False
        return True

    @cached_property
    def bound(self) -> list[tuple[Instance, ir.FactDecl]]:
        """The facts whose range looks at other facts."""
        return [
            (record, decl)
            for record in self.case.index.values()
            for decl in self.program.entities[record.entity].facts.values()
            if not all(end is None or isinstance(end, ir.Const | ir.Today) for end in (decl.low, decl.high))
        ]

    # -- the two ways

    @cached_property
    def trees(self) -> Trees | None:
        """The trees of all open decisions, or `None` where they would take too many passes."""
        try:
            return Trees(self) if len(self.gaps) <= MOST_GAPS else None
        except _TooMuch:
            return None

    def ranked(self) -> list[Ranked]:
        """The gaps worth asking about, the best to ask first in front."""
        if self.trees is None:
            return self._near()
        found = self.trees.ranked()
        rest = [gap for gap in self.gaps if self.first_of_all(gap)]
        return [*(Ranked(gap, Fraction(1)) for gap in rest), *(r for r in found if r.gap not in rest)]

    def _near(self) -> list[Ranked]:
        tried = self.gaps[: self._affordable()]
        scores = {gap: self._left(gap) for gap in tried}
        most = max(scores.values(), default=Fraction(0))
        who = [gap for gap in self.gaps if self.first_of_all(gap)]
        best = sorted((gap for gap in tried if gap not in who), key=lambda gap: scores[gap])
        rest = [gap for gap in self.gaps if gap not in tried and gap not in who]
        return [Ranked(gap, scores.get(gap, most)) for gap in (*who, *best, *rest)]

    def _affordable(self) -> int:
        """How many gaps can be tried, the first ones, within the passes allowed."""
        passes = accumulate(len(self.domain(gap).values) for gap in self.gaps)
        work = len(self.program.clauses) * len(self.case.subjects)
        return sum(total * work <= NEAR_WORK for total in passes)

    def _left(self, gap: Gap) -> Fraction:
        """How many gaps the open decisions still wait for, on average over the answers, each counted per decision."""
        domain, total = self.domain(gap), Fraction(0)
        for value, weight in zip(domain.values, domain.weights, strict=True):
            answers = {**self.answers, **self.answered(gap, value)}.values()
            total += weight * sum(sum(map(self.askable, a.waits_for)) for a in answers if not a.settled)
        return total / max(sum(domain.weights), 1)

    def answered(self, gap: Gap, value: Value | None) -> dict[Target, Answer]:
        """The open decisions under one answer, one pass each."""
        if value is None:
            return self.answers
        level = self.first.assuming(gap, value)
        return {
            target: level.decided(*target)
            for target in self.targets
            if gap in self.answers[target].depends_on
        }

    def foregone(self) -> dict[Target, frozenset[str]]:
        """The decisions that come to one outcome however everything turns out, although a single pass leaves them open."""
        if self.trees is None:
            return {}
        signs = {target: self.trees.sign_of(node) for target, node in self.trees.roots.items()}
        return {target: sign[0] for target, sign in signs.items() if sign is not None and len(sign[0]) == 1
                and len(self.answers[target].outcomes) > 1}  # fmt: skip

    def effects(self, gap: Gap) -> list[Effect]:
        """What each answer about a gap would settle."""
        if self.trees is not None:
            return self.trees.effects(gap)
        found = []
        for value in self.domain(gap).values:
            answers = {**self.answers, **self.answered(gap, value)}
            settled = tuple((t, a.outcomes) for t, a in answers.items() if len(a.outcomes) == 1)
            left = {g for a in answers.values() if not a.settled for g in a.waits_for if self.askable(g)}
            found.append(Effect(value, settled, len(left - {gap})))
        return found


class Trees:
    """The open decisions as trees of answers, equal trees being one node.

    A node is a gap with a node for each answer, or a sign; `NEVER` is no household at all, and takes no part. What
    remains to be asked depends on the set of nodes alone, so that is what the best question is remembered by.
    """

    NEVER: Node = 0

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        self.nodes: list[tuple[Gap, tuple[Node, ...]] | Sign | None] = [None]
        self.known: dict[object, Node] = {}
        self.levels: dict[frozenset[tuple[Gap, int]], Outcomes] = {frozenset(): inquiry.first}
        self.budget = min(TREE_WORK // max(len(inquiry.program.clauses), 1), MOST_PASSES)
        self.costs: dict[frozenset[Node], Fraction] = {}
        self._given: dict[tuple[Node, Gap, int], Node] = {}
        self._signs: dict[Node, frozenset[Node]] = {}
        self._supports: dict[Node, frozenset[Gap]] = {}
        self._matters: dict[tuple[Node, Gap], bool] = {}
        self._differ: dict[tuple[Node, Node], bool] = {}
        self.roots = {target: self.grown(target, frozenset(), frozenset()) for target in inquiry.targets}

    # -- growing

    def grown(self, target: Target, assumed: frozenset[tuple[Gap, int]], left: frozenset[Gap]) -> Node:
        """The tree of a decision under some answers; `left` are the gaps whose answer is none of those tried."""
        self.budget -= 1
        if self.budget < 0:
            raise _TooMuch
        level = self.levels[assumed]
        answer = level.decided(*target)
        ask = self.inquiry.askable
        gaps = [gap for gap in answer.waits_for if gap not in left and ask(gap)]
        if answer.settled or not gaps:
            return self.node(self.sign(level, answer, target))
        gap = min(gaps, key=self.inquiry.order)
        children = []
        for number, value in enumerate(self.inquiry.domain(gap).values):
            if value is None:
                children.append(self.grown(target, assumed, left | {gap}))
                continue
            more = assumed | {(gap, number)}
            if more not in self.levels:
                self.levels[more] = level.assuming(gap, value)
            possible = self.inquiry.possible(self.levels[more])
            children.append(self.grown(target, more, left) if possible else self.NEVER)
        return self.joined(gap, tuple(children))

    def sign(self, level: Outcomes, answer: Answer, target: Target) -> Sign:
        """What a decision comes to when nothing is left to ask; what cannot be asked is tried both ways."""
        if not answer.settled:
            search = Search(level, lambda inner: inner.decided(*target))
            answer = search.answer()
            self.budget -= search.passes
        amount = answer.amount
        paid = answer.outcomes == {"granted"} and isinstance(amount, Bounds) and amount.known
        return answer.outcomes, amount.lo if paid and isinstance(amount, Bounds) else None

    def node(self, content: tuple[Gap, tuple[Node, ...]] | Sign) -> Node:
        if content not in self.known:
            self.known[content] = len(self.nodes)
            self.nodes.append(content)
        return self.known[content]

    def joined(self, gap: Gap, children: tuple[Node, ...]) -> Node:
        """One node from those under each answer; a gap that makes no difference leaves none."""
        return self.node((gap, children)) if len(set(children)) > 1 else children[0]

    # -- reading

    def inside(self, node: Node) -> tuple[Gap, tuple[Node, ...]] | None:
        """The gap that a node asks about and its children; `None` for a sign."""
        content = self.nodes[node]
        if content is not None and isinstance(content[0], Gap):
            return content[0], content[1]
        return None

    def signs(self, node: Node) -> frozenset[Node]:
        """The signs in a tree: all that a decision may still come to."""
        if node not in self._signs:
            asked = self.inside(node)
            under = map(self.signs, asked[1]) if asked is not None else [frozenset({node} - {self.NEVER})]
            self._signs[node] = frozenset[Node]().union(*under)
        return self._signs[node]

    def open(self, node: Node) -> bool:
        """Whether a decision may still come to more than one sign."""
        return len(self.signs(node)) > 1

    def sign_of(self, node: Node) -> Sign | None:
        """What a decision comes to however everything turns out; `None` where that is open."""
        content = None if self.open(node) else self.nodes[next(iter(self.signs(node)), self.NEVER)]
        return content if content is not None and isinstance(content[0], frozenset) else None

    def support(self, node: Node) -> frozenset[Gap]:
        """The gaps that stand in a tree."""
        if node not in self._supports:
            asked = self.inside(node)
            found = frozenset[Gap]()
            if asked is not None:
                found = frozenset([asked[0]]).union(*(self.support(child) for child in asked[1]))
            self._supports[node] = found
        return self._supports[node]

    def given(self, node: Node, gap: Gap, number: int) -> Node:
        """The tree once a gap has its answer."""
        if gap not in self.support(node):
            return node
        key = (node, gap, number)
        if key not in self._given:
            asked = self.inside(node)
            assert asked is not None
            own, children = asked
            self._given[key] = (
                children[number]
                if own == gap
                else self.joined(own, tuple(self.given(child, gap, number) for child in children))
            )
        return self._given[key]

    def after(self, state: frozenset[Node], gap: Gap, number: int) -> frozenset[Node] | None:
        """The open trees once a gap has its answer; `None` where no household gives it."""
        found = {self.given(node, gap, number) for node in state}
        if not all(map(self.signs, found)):
            return None
        return frozenset(filter(self.open, found))

    # -- choosing

    @property
    def start(self) -> frozenset[Node]:
        return frozenset(filter(self.open, self.roots.values()))

    def gaps(self, state: Iterable[Node]) -> list[Gap]:
        """The gaps that matter to open trees; where facts bound one another so closely that none does alone, all."""
        pairs = [(node, gap) for node in state for gap in self.support(node)]
        alone = {gap for node, gap in pairs if self.matters(node, gap)}
        return sorted(alone or {gap for _, gap in pairs}, key=self.inquiry.order)

    def matters(self, node: Node, gap: Gap) -> bool:
        """Whether another answer, all else being equal, makes another decision: what only bounds another fact does not."""
        key = (node, gap)
        if key not in self._matters:
            under = {self.given(node, gap, number) for number in range(len(self.inquiry.domain(gap).values))}
            self._matters[key] = any(self.differ(a, b) for a, b in combinations(sorted(under), 2))
        return self._matters[key]

    def differ(self, a: Node, b: Node) -> bool:
        """Whether two trees come to different signs for one and the same household."""
        if a == b or self.NEVER in (a, b):
            return False
        if (a, b) not in self._differ:
            asked = self.inside(a) or self.inside(b)
            self._differ[a, b] = asked is None or any(
                self.differ(self.given(a, asked[0], number), self.given(b, asked[0], number))
                for number in range(len(asked[1]))
            )
        return self._differ[a, b]

    def ranked(self) -> list[Ranked]:
        start = self.start
        try:
            found = [Ranked(gap, self.asking(start, gap, None)) for gap in self.gaps(start)]
            self.inquiry.compared = True
        except _TooMuch:
            found = [Ranked(gap, self.guess(start, gap)) for gap in self.gaps(start)]
        return sorted(found, key=lambda ranked: ranked.expected)

    def cost(self, state: frozenset[Node]) -> Fraction:
        """The questions expected until nothing that can be asked is open, asking the best each time."""
        if not state:
            return Fraction(0)
        if state not in self.costs:
            if len(self.costs) >= STATES:
                raise _TooMuch
            best: Fraction | None = None
            for gap in self.gaps(state):
                cost = self.asking(state, gap, best)
                best = cost if best is None else min(best, cost)
            assert best is not None
            self.costs[state] = best
        return self.costs[state]

    def asking(self, state: frozenset[Node], gap: Gap, best: Fraction | None) -> Fraction:
        """The questions expected when one gap is asked next; not to the end once that is no better than the best."""
        answers = self.weighed(state, gap)
        total = sum(weight for _, weight, _ in answers)
        cost = Fraction(1)
        for after, weight, more in answers:
            cost += (self.cost(after) + more) * weight / total
            if best is not None and cost >= best:
                break
        return cost

    def guess(self, state: frozenset[Node], gap: Gap) -> Fraction:
        """The same without looking on: the gaps that are left, on average."""
        answers = self.weighed(state, gap)
        total = sum(weight for _, weight, _ in answers)
        return 1 + sum(
            (Fraction(len(self.gaps(after)) + more) * weight / total for after, weight, more in answers),
            Fraction(0),
        )

    def weighed(self, state: frozenset[Node], gap: Gap) -> list[tuple[frozenset[Node], int, int]]:
        """What each answer leaves, its weight, and the questions that it brings."""
        domain, found = self.inquiry.domain(gap), []
        for number, (value, weight) in enumerate(zip(domain.values, domain.weights, strict=True)):
            after = self.after(state, gap, number)
            if after is not None:
                found.append((after, weight, FOLLOW_UP if gap.kind == "list" and value is None else 0))
        if not any(weight for _, weight, _ in found):
            return [(after, 1, more) for after, _, more in found]
        return found

    def effects(self, gap: Gap) -> list[Effect]:
        found = []
        for number, value in enumerate(self.inquiry.domain(gap).values):
            after = {target: self.given(node, gap, number) for target, node in self.roots.items()}
            if not all(map(self.signs, after.values())):
                continue
            signs = [(target, self.sign_of(node)) for target, node in after.items()]
            settled = tuple(
                (target, sign[0]) for target, sign in signs if sign is not None and len(sign[0]) == 1
            )
            left = self.gaps(filter(self.open, after.values()))
            found.append(Effect(value, settled, len(left)))
        return found


# ---- small change -----------------------------------------------------------------------------------------------


def _domain(values: list[Value | None], whole: bool, stretches: tuple[tuple[Any, Any], ...] = ()) -> Domain:
    """Values of equal weight; where they are not all there are, the others weigh nothing but may still matter."""
    if whole:
        return Domain(tuple(values), (1,) * len(values), stretches)
    return Domain((*values, None), (*(1 for _ in values), 0), stretches)


def _counted(decl: ir.FactDecl) -> bool:
    """Whether a fact goes up by whole steps: days, months, fen, persons."""
    return decl.type.kind != "number" or decl.type.money or bool(decl.type.dimension)


def _joined(
    parts: Sequence[tuple[Any, Any]],
    same: Callable[[tuple[Any, Any], tuple[Any, Any], tuple[Any, Any]], bool],
) -> tuple[tuple[Any, Any], ...]:
    """Neighbouring stretches made one where they are the same; `same` is given the last, the next, and both as one."""
    joined, last = [parts[0]], parts[0]
    for part in parts[1:]:
        both = joined[-1][0], part[1]
        joined[-1:] = [both] if same(last, part, both) else [joined[-1], part]
        last = part
    return tuple(joined)


def _steps(low: Any, high: Any) -> int:
    """How many steps lie between two days, months or figures."""
    if isinstance(low, date):
        return int((high - low).days)
    if isinstance(low, Month):
        return int(high.minus(low))
    return int(high - low)


def _step(low: Any, number: int) -> Any:
    if isinstance(low, date):
        return date.fromordinal(low.toordinal() + number)
    if isinstance(low, Month):
        return low.plus(number)
    return low + number
