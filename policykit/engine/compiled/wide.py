"""The straight form for households with gaps: the same function with every value as its two ends.

A truth is what surely holds and what may hold, a number its least and its greatest, a label `None` where nobody gave
it; what a clause comes to is the set of its states that are possible. Each operation takes the ends that its own
declaration names, so the bounds are those of the reference. What has no such ends here — what may be 无, a product of
two signs — is refused, and such programs have the general form only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from policykit import ir
from policykit.engine.compiled.operations import lowered
from policykit.engine.compiled.reading import ends
from policykit.engine.compiled.straight import AGAIN, BLANK, FIRST, MEMBER, WHOLE, Straight
from policykit.engine.compiled.terms import Refused, about, said
from policykit.ops import OPS
from policykit.values import Bounds

Ends = tuple[str, str]


@dataclass(slots=True)
class Wide(Straight):
    """Writes that form of one program for one day, which has the straight form."""

    name: str = "decide_wide"
    title: str = "What every measure may come to for a household of which not everything is known"
    wide: set[str] = field(default_factory=set)  # the locals that have a second end

    def __post_init__(self) -> None:
        Straight.__post_init__(self)
        self.taken |= {"absent"}

    # -- names

    def fresh_local(self, name: str) -> str:
        found = Straight.fresh_local(self, name)
        while f"{found}_hi" in self.taken:
            found = Straight.fresh_local(self, name)
        self.taken.add(f"{found}_hi")
        return found

    def ends_of(self, local: str) -> Ends:
        return (local, f"{local}_hi") if local in self.wide else (local, local)

    def widened(self, local: str, level: int) -> None:
        """Notes that a local has two ends."""
        self.wide.add(local)
        if level == MEMBER:
            self.own |= {local, f"{local}_hi"}

    # -- reading

    def read(self, entity: ir.Entity, record: str, level: int) -> None:
        lines = self.lines[level]
        lines.append("absent = 0")
        for fact in entity.facts.values():
            local = self.fresh_local(fact.name.id)
            self.local["fact", entity.name.id, fact.name.id] = local, level
            self.own |= {local} if level == MEMBER else set()
            test, scale = self.check(fact, local)
            lines.append(f"{local} = {record}.get({fact.name.id!r})")
            gone = f"absent += {fact.name.id!r} not in {record}"
            if fact.type.kind == "choice":
                if len(self.program.choices[fact.type.of].options) < 2:
                    raise Refused("choice")
                lines.append(f"if {local} is None:\n{BLANK}{gone}")
                lines.append(f"elif not ({test}):\n{BLANK}raise HandOver")
                continue
            self.widened(local, level)
            low, high = ("False", "True")
            if fact.type.kind == "number":
                first, last = ends(self.program, fact, self.on)
                low, high = self.constant(first), self.constant(max(first, last))
            value = f"{local} {scale.replace('=', '')}".strip() if scale else local
            same = f"{local}_hi = {local} = {value}" if scale else f"{local}_hi = {local}"
            lines.append(f"if {local} is None:\n{BLANK}{local}, {local}_hi = {low}, {high}\n{BLANK}{gone}")
            lines.append(f"elif {test}:\n{BLANK}{same}")
            lines.append(f"else:\n{BLANK}raise HandOver")
        count = len(entity.facts) + len(entity.lists)
        checks = [f"len({record}) == {count} - absent"]
        if entity is self.root and self.member is not None:
            decl = entity.lists[self.members]
            lines.append(f"members = {record}[{self.members!r}]")
            checks.append(f"members.__class__ is list and {decl.least} <= len(members) <= {decl.most}")
        lines.append(f"if not ({' and '.join(checks)}):\n{BLANK}raise HandOver")
        if entity is self.root and self.member is not None:
            lines.append(f"members = {record}[{self.members!r}] = [*map(dict.copy, members)]")

    # -- expressions

    def between(self, expr: ir.Expr) -> Ends:
        """The two ends of what an expression may be."""
        match expr:
            case ir.Const(value=Bounds() as value) if value.lo is not None:
                text = self.constant(value.value)
                return text, text
            case ir.Fact(type=of) if of.kind == "choice":
                raise Refused("choice")
            case ir.Fact(subject=of, name=name):
                return self.ends_of(self.use("fact", self.kind_of(of), name))
            case ir.Ref(name=name, subject=None):
                return self.ends_of(self.use("term", "", name))
            case ir.Ref(name=name, subject=of) if of is not None:
                return self.ends_of(self.use("term", self.kind_of(of), name))
            case ir.Param(name=name, subject=None, keys=()) if self.plain(name):
                return self.plain(name), self.plain(name)
            case ir.Fold(domain=ir.Items() as domain):
                return self.ends_of(self.gathered(expr, domain, ""))
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                return self.either_way(
                    self.between(condition), self.between(then), self.between(otherwise), expr.type.kind
                )
            case ir.Apply():
                return self.applied(expr)
        raise Refused(type(expr).__name__)

    def either_way(self, test: Ends, then: Ends, otherwise: Ends, kind: str) -> Ends:
        """One of two, or what both allow when it is not known which."""
        if test in (("True",) * 2, ("False",) * 2):
            return then if test[0] == "True" else otherwise
        if test[0] == test[1]:
            low, high = (f"({a} if {test[0]} else {b})" for a, b in zip(then, otherwise, strict=True))
            return low, high
        low, high = self.hull(then, otherwise, kind)
        return (
            f"({then[0]} if {test[0]} else {otherwise[0]} if not {test[1]} else {low})",
            f"({then[1]} if {test[0]} else {otherwise[1]} if not {test[1]} else {high})",
        )

    def hull(self, a: Ends, b: Ends, kind: str) -> Ends:
        if kind == "bool":
            return f"({a[0]} and {b[0]})", f"({a[1]} or {b[1]})"
        if kind != "number":
            raise Refused(kind)
        return f"min({a[0]}, {b[0]})", f"max({a[1]}, {b[1]})"

    def applied(self, expr: ir.Apply) -> Ends:
        match expr:
            case ir.Apply(op="and" | "or" as op, args=args):
                pairs = [self.between(arg) for arg in args]
                low, high = (f"({f' {op} '.join(part)})" for part in zip(*pairs, strict=True))
                return low, high
            case ir.Apply(op="not", args=(of,)):
                low, high = self.between(of)
                return f"(not {high})", f"(not {low})"
            case ir.Apply(op="has" | "has_not" as op, args=(of,)):
                self.between(of)  # which refuses what may be 无
                return (str(op == "has"),) * 2
            case ir.Apply(op="present", args=(of,)):
                return self.between(of)
            case ir.Apply(op="eq" | "ne" | "among", args=(ir.Fact(type=of) as fact, ir.Const() as const)) if (
                of.kind == "choice"
            ):
                return self.labelled(expr.op, fact, const)
            case ir.Apply(op="eq" | "ne" as op, args=(a, b)) if {a.type.kind, b.type.kind} <= {
                "bool",
                "number",
            }:
                return self.compared(self.between(a), self.between(b), op == "ne")
            case ir.Apply(op="max_of" | "min_of" as op, args=(a, b)):
                one, other = self.between(a), self.between(b)
                beyond = "<" if op == "max_of" else ">"
                return self.chosen(one[0], beyond, other[0]), self.chosen(one[1], beyond, other[1])
            case ir.Apply(op="multiply", args=(a, b)):
                return self.product(a, b)
            case ir.Apply(op="round_down_to_yuan", args=(ir.Apply(op="divide", args=(a, b)),)) if self.whole(
                a, b
            ) and self.positive(b):
                low, high = self.between(a)
                below, same = self.between(b)
                if below != same:
                    raise Refused("divisor")
                return f"({low} // ({below} * 100) * 100)", f"({high} // ({below} * 100) * 100)"
        return self.monotone(expr)

    def monotone(self, expr: ir.Apply) -> Ends:
        """An operation whose result rises or falls with each operand, as it declares."""
        ways = OPS[expr.op].bounds
        if callable(ways) or "*" in ways or any(arg.type.optional for arg in expr.args):
            raise Refused(expr.op)
        pairs = [self.between(arg) for arg in expr.args]
        whole = all(arg.type.kind == "number" and self.extents.integral(arg) for arg in expr.args)
        low = [pair[way == "-"] for pair, way in zip(pairs, ways, strict=True)]
        high = [pair[way == "+"] for pair, way in zip(pairs, ways, strict=True)]
        return lowered(expr.op, low, False, whole), lowered(expr.op, high, False, whole)

    def labelled(self, op: str, fact: ir.Fact, const: ir.Const) -> Ends:
        """Whether a label is one of some; one that nobody gave may be any of its list."""
        local = self.use("fact", self.kind_of(fact.subject), fact.name)
        every = {option.name.id for option in self.program.choices[fact.type.of].options}
        labels = const.value.value if op == "among" else frozenset([const.value.value])
        if every <= labels or not every & labels:
            raise Refused("labels")
        low = f"({local} in {self.constant(frozenset(labels))})"
        high = f"({local} is None or {local} in {self.constant(frozenset(labels))})"
        return (f"(not {high})", f"(not {low})") if op == "ne" else (low, high)

    @staticmethod
    def compared(a: Ends, b: Ends, differ: bool) -> Ends:
        """Whether two are equal: surely when each is one and the same, perhaps where they overlap."""
        same = " == ".join(dict.fromkeys((*a, *b)))
        low, high = f"({same})", f"({a[0]} <= {b[1]} and {b[0]} <= {a[1]})"
        return (f"(not {high})", f"(not {low})") if differ else (low, high)

    def product(self, a: ir.Expr, b: ir.Expr) -> Ends:
        """A product that rises with both: neither is negative, or the one that is not is known."""
        one, other = self.between(a), self.between(b)
        if ("1", "1") in (one, other):
            return other if one == ("1", "1") else one
        rises = [self.at_least_0(a), self.at_least_0(b)]
        if not all(rises) and not (rises[0] and one[0] == one[1]) and not (rises[1] and other[0] == other[1]):
            raise Refused("product")
        times = "({} * {})" if self.whole(a, b) else "times({}, {})"
        return times.format(one[0], other[0]), times.format(one[1], other[1])

    def at_least_0(self, expr: ir.Expr) -> bool:
        reach = self.extents.of(expr)
        return isinstance(reach, Bounds) and reach.lo is not None and bool(reach.lo >= 0)

    def positive(self, expr: ir.Expr) -> bool:
        """Whether a number is surely above 0: a figure, or the count of a list that is never empty."""
        match expr:
            case ir.Const(value=Bounds(lo=number)):
                return number is not None and bool(number > 0)
            case ir.Ref(name=name):
                version = self.program.defines[name].on(self.on)
                return version is not None and self.positive(version.body)
            case ir.Fold(op="count", where=None, domain=ir.Items(name=name)):
                return self.root.lists[name].least > 0
        return False

    # -- terms and folds

    def write_down(self, entity: str, name: str) -> None:
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
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                test, one, other = self.between(condition), self.between(then), self.between(otherwise)
                both = self.hull(one, other, define.type.kind)
                self.widened(local, self.level)
                ways = [(f"if {test[0]}", one), (f"elif not {test[1]}", other), ("else", both)]
                for words, (low, high) in ways if test[0] != test[1] else (ways[0], ("else", other)):
                    self.lines[self.level].append(
                        f"{words}:{note}\n{BLANK}{local} = {low}\n{BLANK}{local}_hi = {high}"
                    )
                    note = ""
            case body:
                low, high = self.between(body)
                self.lines[self.level].append(f"{local} = {low}{note}")
                if low != high:
                    self.widened(local, self.level)
                    self.lines[self.level].append(f"{local}_hi = {high}")
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
            return Straight.gathered(self, expr, domain, local, note)
        local = local or self.fresh_local(f"{expr.op}_of_{self.members}")
        high = f"{local}_hi"
        outer, self.inside, self.level = (self.inside, self.level), self.member.name.id, MEMBER
        sure, maybe = self.between(expr.where) if expr.where is not None else ("", "")
        take = self.between(expr.take) if expr.take is not None else ("1", "1")
        if self.level != MEMBER or (expr.take is not None and expr.take.type.optional):
            raise Refused("fold")
        (self.inside, self.level) = outer
        start = {"any": "False", "all": "True", "count": "0", "sum": "0"}.get(expr.op)
        if start is None:
            raise Refused(expr.op)
        self.wide.add(local)
        self.lines[FIRST].append(f"{local} = {high} = {start}{note}")
        plus = f"{local} += {take[0]}\n{BLANK}{high} += {take[1]}"
        lines = self.lines[MEMBER]
        if expr.op == "any":
            lines += [f"if {sure or True}:\n{BLANK}{local} = {high} = True", f"elif {maybe or True}:\n{BLANK}{high} = True"]  # fmt: skip
        elif expr.op == "all":
            lines += [f"if not {maybe}:\n{BLANK}{local} = {high} = False", f"elif not {sure}:\n{BLANK}{local} = False"]  # fmt: skip
        elif not sure:
            lines.append(plus.replace(BLANK, ""))
        elif expr.op == "count":
            lines += [f"if {sure}:\n{BLANK}{plus}", f"elif {maybe}:\n{BLANK}{high} += 1"]
        else:
            lines += [f"if {sure}:\n{BLANK}{plus}",
                      f"elif {maybe}:\n{BLANK}{local} += min(0, {take[0]})\n{BLANK}{high} += max(0, {take[1]})"]  # fmt: skip
        self.reach(WHOLE)
        return local

    # -- clauses

    def clause(self, clause: ir.Clause, places: dict[str, int], known: dict[str, tuple[str, int]]) -> None:
        effect, name = clause.effect, clause.basis.name.id
        if not isinstance(effect, ir.Grant):
            return
        self.inside, own = clause.entity, clause.entity == self.root.name.id
        self.level = FIRST if own else MEMBER
        scope = self.between(clause.scope) if clause.scope is not None else ("True", "True")
        test = self.between(clause.test) if clause.test is not None else ("True", "True")
        rule = effect.amount or self.program.amount_rule(effect.measure, clause.entity, self.on)
        assert rule is not None  # the straight form asks for one
        low, high = self.between(rule.total)
        local = self.fresh_local(name)
        paid, level = f"{local}_paid", self.level
        self.own |= {local, paid} if level == MEMBER else set()
        over = [other for other in sorted(self.program.blockers.get(name, ())) if self.prevails(other, clause, known)]  # fmt: skip
        now = [o for o in over if known[o][1] <= level or (level == MEMBER and known[o][1] == FIRST)]
        later = [other for other in over if other not in now]
        after = bool(later) and not own and self.last(name) and all(self.of_root(other) for other in later)
        met = [f"{local} |= STANDS" if not now else f"if not ({self.standing(now, known)[0]}):\n{BLANK}{local} |= STANDS",
               f"{paid} = {low}" if low == high else f"{paid} = amount_between({low}, {high})"]  # fmt: skip
        if after:
            met.append(f"{self.somewhere(local)} = True")
        if now:
            met.insert(0, f"if {self.standing(now, known)[1]}:\n{BLANK}{local} |= BEATEN")
        body = [f"{local} = 0" if scope[0] == "True" else f"{local} = 0 if {scope[0]} else SILENT"]
        if test[0] != "True":
            body.append(f"if not {test[0]}:\n{BLANK}{local} |= NOT_MET")
        body += met if test[1] == "True" else [f"if {test[1]}:", *(indent(one) for one in met)]
        lines = [f"{paid} = None"]
        if scope[1] == "True":
            lines += body
        else:
            lines += [f"{local} = SILENT", f"if {scope[1]}:", *map(indent, body)]
        self.lines[level] += ["", f"# {about(clause.basis)}", *lines]
        at = places[clause.entity]
        if after:
            sure, maybe = self.standing(later, known)
            self.after.append(f"if {self.somewhere(local)} and ({maybe}):  # {said(clause.basis.name.zh)}\n{BLANK}"
                              f"rows = [shadowed(row, {at}, {sure}) for row in rows]")  # fmt: skip
        elif later:
            level = AGAIN if not own else max(known[other][1] for other in later)
            sure, maybe = self.standing(later, known)
            self.lines[level].append(
                f"if {local} > NOT_MET + SILENT and ({maybe}):\n{BLANK}{local} |= BEATEN\n"
                f"{BLANK}if {sure}:\n{BLANK * 2}{local} &= ~STANDS"
            )
        known[name] = local, level
        places[clause.entity] += 2

    @staticmethod
    def standing(others: list[str], known: dict[str, tuple[str, int]]) -> Ends:
        """That one of these clauses stands: surely, and perhaps."""
        return (
            " or ".join(f"{known[other][0]} == STANDS" for other in others),
            " or ".join(f"{known[other][0]} & STANDS" for other in others),
        )


def indent(line: str) -> str:
    return "\n".join(BLANK + part for part in line.split("\n"))
