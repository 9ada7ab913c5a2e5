"""Program → the Python source that decides its households, for a day: one function for each term, clause and measure.

Only what decisions rest on is written. Every function bears the label of what it stands for, a clause its place too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import prod

from policykit import ir
from policykit.datatypes import widest
from policykit.engine.compiled.reading import identifier
from policykit.engine.compiled.terms import Refused, Terms, about, figures, place, said
from policykit.values import Bounds

MOST_WAYS = 64  # in which an approver may choose, each with its amount


@dataclass(slots=True)
class Source:
    """The source being written."""

    program: ir.Program
    on: date
    terms: Terms = field(init=False)

    def __post_init__(self) -> None:
        self.terms = Terms(self.program, self.on)

    def text(self) -> str:
        """The whole module; raises `Refused` when something decided cannot be written."""
        blocks: dict[tuple[str, ...], str] = {("decide",): self.decide()}
        ranges = {("ranges", kind): text for kind in self.program.entities if (text := self.ranges(kind))}
        while todo := [key for key in self.terms.wanted if key not in blocks]:
            for key in todo:
                blocks[key] = getattr(self, f"write_{key[0]}")(*key[1:])
        classes = [self.record_class(kind) for kind in self.program.entities]
        order = (
            "param",
            "term",
            "meets",
            "blocked",
            "clause",
            "over",
            "pay",
            "choose",
            "base",
            "final",
            "alternatives",
            "decide",
        )
        functions = [blocks[key] for kind in order for key in blocks if key[0] == kind]
        head = f'"""Decisions by the rules {self.program.fingerprint[:12]}, as they stand on {self.on}: generated, not written."""'
        whole = [head, figures(self.terms.constants), *classes, *ranges.values(), *functions]
        return "\n\n\n".join(filter(None, whole)) + "\n"

    # -- records

    def record_class(self, kind: str) -> str:
        entity = self.program.entities[kind]
        names = [*entity.facts, *entity.lists, *([f"in_{identifier(entity.upper)}"] if entity.upper else [])]
        lines = [
            f"class {self.class_name(kind)}(Record):",
            f'    """{said(entity.name.zh)}"""',
            "",
            f"    kind = {kind!r}",
        ]
        lines += [f"    {identifier(name)} = UNKNOWN" for name in names]
        return "\n".join(lines)

    @staticmethod
    def class_name(kind: str) -> str:
        return "".join(part.capitalize() for part in identifier(kind).split("_")) + "Record"

    def ranges(self, kind: str) -> str:
        """The check of facts whose range mentions other facts."""
        lines = []
        name = identifier(kind)
        for fact in self.program.entities[kind].facts.values():
            ends = [fact.low, fact.high]
            if fact.fixed_range:
                continue
            wide = widest(fact.type, frozenset())
            assert isinstance(wide, Bounds)
            shown = [
                self.terms.constant(limit) if end is None else self.terms.write(end, {"self": name})
                for end, limit in zip(ends, (wide.lo, wide.hi), strict=True)
            ]
            lines += [f"    if given({name}.{identifier(fact.name.id)}):",
                      f"        must_lie({name}.{identifier(fact.name.id)}, {shown[0]}, {shown[1]})"]  # fmt: skip
        return "\n".join([f"def ranges_{name}({name}):", *lines]) if lines else ""

    # -- terms and parameters

    def write_term(self, name: str) -> str:
        define = self.program.defines[name]
        version = define.on(self.on)
        subject = identifier(define.entity) if define.entity is not None else ""
        body = f"unset({name!r})"
        title = said(define.name.zh)
        if version is not None:
            body = self.terms.write(version.body, {"self": subject} if subject else {})
            title = about(version.basis)
        return "\n".join([
            *(["@once"] if subject else []), f"def term_{identifier(name)}({subject}):", f'    """{title}"""', f"    return {body}"
        ])  # fmt: skip

    def write_param(self, name: str) -> str:
        parameter = self.program.parameters[name]
        subject = identifier(parameter.entity) if parameter.entity is not None else ""
        keys = [f"key_{number}" for number, _ in enumerate(parameter.keys, 1)]
        env = {"self": subject} if subject else {}
        lines = [f"def param_{identifier(name)}({', '.join([*([subject] if subject else []), *keys])}):",
                 f'    """{said(parameter.name.zh)}{place(parameter.span)}"""']  # fmt: skip
        if keys:
            none = {"bool": "False", "multi": "frozenset()"}.get(parameter.type.kind, "None")
            lines += [f"    if None in ({', '.join(keys)},):", f"        return {none}"]
        for labels in dict.fromkeys(setting.keys for setting in parameter.settings):
            setting = parameter.setting(labels, self.on)
            if setting is None or setting.value is None:
                continue
            body = self.terms.write(setting.value, env)
            if parameter.type.ordered and (parameter.low is not None or parameter.high is not None):
                low = "LOWEST" if parameter.low is None else self.terms.write(parameter.low, env)
                high = "HIGHEST" if parameter.high is None else self.terms.write(parameter.high, env)
                body = f"in_range({body}, {low}, {high})"
            if labels:
                same = " and ".join(f"{key} == {label!r}" for key, label in zip(keys, labels, strict=True))
                lines += [f"    if {same}:", f"        return {body}"]
            else:
                lines.append(f"    return {body}")
                return "\n".join(lines)
        return "\n".join([*lines, f"    return unset({name!r})"])

    # -- clauses

    def versions(self, name: str) -> Iterator[tuple[int, ir.Clause]]:
        """The versions of a clause that can be in force on the day, with their numbers."""
        for number, version in enumerate(self.program.clauses.get(name, ())):
            if version.as_of is not None or version.period.holds(self.on):
                yield number, version

    def in_force(self, clause: ir.Clause, names: dict[str, str]) -> str:
        """The condition that a clause is in force on the day that it names; empty where it surely is."""
        if clause.as_of is None:
            return ""
        day = self.terms.write(clause.as_of, names)
        ends = (clause.period.start, clause.period.end)
        return f"within({day}, {', '.join(self.terms.constant(end) for end in ends)})"

    def conditions(self, clause: ir.Clause, names: dict[str, str]) -> tuple[str, str]:
        """Scope and test as written; empty where there is none."""
        force = self.in_force(clause, names)
        write = self.terms.expr if force else self.terms.write
        scope = write(clause.scope, names) if clause.scope is not None else ""
        test = self.terms.write(clause.test, names) if clause.test is not None else ""
        return " and ".join(part for part in (force, scope) if part), test

    def write_meets(self, name: str) -> str:
        first = self.program.clauses[name][0]
        record = identifier(first.entity)
        ways = []
        for _, version in self.versions(name):
            scope, test = self.conditions(version, {"self": record})
            ways.append(" and ".join(f"({part})" for part in (scope, test) if part) or "True")
        return "\n".join(["@once", f"def meets_{identifier(name)}({record}):", f'    """{about(first.basis)}"""',
                          f"    return {' or '.join(ways) or 'False'}"])  # fmt: skip

    def write_blocked(self, name: str) -> str:
        first = self.program.clauses[name][0]
        record = identifier(first.entity)
        states = [
            f"{self.state(name, number)}({record}) in (BEATEN, BARRED)" for number, _ in self.versions(name)
        ]
        return "\n".join([f"def blocked_{identifier(name)}({record}):", f'    """{about(first.basis)}"""',
                          f"    return {' or '.join(states) or 'False'}"])  # fmt: skip

    def state(self, name: str, number: int) -> str:
        """The function that says what a version of a clause comes to."""
        return (
            self.terms.call("clause", name) if number == 0 else self.terms.call("clause", name, str(number))
        )

    def write_clause(self, name: str, number: str = "0") -> str:
        clause = self.program.clauses[name][int(number)]
        record = identifier(clause.entity)
        scope, test = self.conditions(clause, {"self": record})
        title = self.terms.call("clause", name, *([number] if number != "0" else []))
        lines = ["@once", f"def {title}({record}):", f'    """{about(clause.basis)}"""']
        if scope:
            lines += [f"    if not ({scope}):", "        return SILENT"]
        if test:
            lines += [f"    if not ({test}):", "        return NOT_MET"]
        if not isinstance(clause.effect, ir.Withhold):  # an exclusion is overridden for one measure at a time
            for other, holds in self.beaters(clause, record, clause.entity):
                lines += [f"    if {holds}:  # {other}", "        return BEATEN"]
            for other, holds in self.barriers(clause, record):
                lines += [f"    if {holds}:  # {other}", "        return BARRED"]
        return "\n".join([*lines, "    return STANDS"])

    def above(self, clause: str, record: str, kind: str) -> str:
        """The record itself, or the one it lies in, where a clause speaks of that; empty elsewhere."""
        if clause not in self.program.clauses:
            return ""
        path, entity = self.program.entity_path(kind), self.program.clauses[clause][0].entity
        if entity not in path:
            return ""
        return record + "".join(f".in_{identifier(step)}" for step in path[1 : path.index(entity) + 1])

    def beaters(self, clause: ir.Clause, record: str, kind: str, measure: str = "") -> list[tuple[str, str]]:
        """The clauses that prevail over one, and the condition that each stands; without rulings no may-clause does."""
        if isinstance(clause.effect, ir.Grant):
            measure = clause.effect.measure
        found = []
        for other in sorted(self.program.blockers.get(clause.basis.name.id, ())):
            higher = self.above(other, record, kind)
            for number, version in self.versions(other) if higher else ():
                match version.effect:
                    case ir.Grant(measure=granted, may=False) if measure in ("", granted):
                        found.append((other, f"{self.state(other, number)}({higher}) == STANDS"))
                    case ir.Duty() | ir.Ban():
                        found.append((other, f"{self.state(other, number)}({higher}) == STANDS"))
        return found

    def barriers(self, clause: ir.Clause, record: str) -> list[tuple[str, str]]:
        """The exclusions (or, for a duty, the bans) against a clause, and the condition that each stands."""
        own, found = clause.basis.name.id, []
        above = self.program.blockers.get(own, ())
        for other, versions in self.program.clauses.items():
            if own in self.program.blockers.get(other, ()) or not self.program.bars(versions[0], clause):
                continue
            higher = self.above(other, record, clause.entity)
            for number, version in self.versions(other) if higher else ():
                match version.effect, clause.effect:
                    case ir.Withhold(members=members), ir.Grant(measure=measure) if (
                        members or higher == record or other in above
                    ):
                        found.append((other, self.excludes(other, number, record, clause.entity, measure)))
                    case ir.Ban(), _ if higher == record:
                        found.append((other, f"{self.state(other, number)}({higher}) == STANDS"))
        return found

    def excludes(self, name: str, number: int, record: str, kind: str, measure: str) -> str:
        """The condition that an exclusion stands as to one measure and record: what prevails there lifts it there only."""
        clause = self.program.clauses[name][number]
        assert isinstance(clause.effect, ir.Withhold)
        higher = self.above(name, record, kind)
        around, at = (record, kind) if clause.effect.members else (higher, clause.entity)
        lifted = [holds for _, holds in self.beaters(clause, around, at, measure)]
        stands = f"{self.state(name, number)}({higher}) == STANDS"
        return f"{stands} and not ({' or '.join(lifted)})" if lifted else stands

    def write_over(self, name: str, number: str = "0") -> str:
        clause = self.program.clauses[name][int(number)]
        record = identifier(clause.entity)
        pairs = "".join(
            f"\n        ({n!r}, {holds})," for n, holds in self.beaters(clause, record, clause.entity)
        )
        title = self.terms.call("over", name, *([number] if number != "0" else []))
        return "\n".join([f"def {title}({record}):", f'    """What prevails over {said(clause.basis.name.zh)}"""',
                          f"    return names_of(({pairs}\n    ))"])  # fmt: skip

    # -- amounts

    def rule_of(self, clause: ir.Clause) -> ir.Amount | None:
        assert isinstance(clause.effect, ir.Grant)
        return clause.effect.amount or self.program.amount_rule(clause.effect.measure, clause.entity, self.on)

    def rules(self) -> list[ir.Amount]:
        """Every amount rule, those of clauses too, in a fixed order."""
        own = [v.effect.amount for versions in self.program.clauses.values() for v in versions
               if isinstance(v.effect, ir.Grant) and v.effect.amount is not None]  # fmt: skip
        return [*self.program.amounts, *own]

    def write_pay(self, number: str) -> str:
        rule = self.rules()[int(number)]
        record = identifier(rule.entity)
        chosen = {
            f"choice:{one.name.id}": f"chosen_{identifier(one.name.id)}" for one in self.discretion(rule)
        }
        names = {"self": record, **chosen}
        total = "None"
        if rule.months is not None:
            total = "multiply_or_none(amount, lasting)"
        elif rule.form == "once":
            total = "amount"
        parts = "".join(f"({part.name.id!r}, {self.terms.expr(part.expr, names)}), " for part in rule.parts)
        start, months = (
            "None" if expr is None else self.terms.write(expr, names) for expr in (rule.start, rule.months)
        )
        return "\n".join([
            f"def pay_{number}({', '.join([record, *chosen.values()])}):", f'    """{about(rule.basis)}"""',
            f"    amount, lasting = {self.terms.write(rule.total, names)}, {months}",
            f"    return Pay({rule.form!r}, amount, amount, ({parts}), {start}, lasting, {total})",
        ])  # fmt: skip

    def discretion(self, rule: ir.Amount) -> tuple[ir.Discretion, ...]:
        """What an approver chooses in an amount that a clause states itself."""
        for versions in self.program.clauses.values():
            for version in versions:
                if isinstance(version.effect, ir.Grant) and version.effect.amount is rule:
                    return version.discretion
        return ()

    def write_choose(self, name: str, number: str = "0") -> str:
        """What a clause pays for each way in which an approver may choose."""
        clause = self.program.clauses[name][int(number)]
        record, rule = identifier(clause.entity), self.rule_of(clause)
        assert rule is not None
        ranges: list[Sequence[int]] = [range(one.low, one.high + 1) for one in clause.discretion]
        if prod(map(len, ranges)) > MOST_WAYS:
            ranges = [(one.low, one.high) for one in clause.discretion]
        names = tuple(one.name.id for one in clause.discretion)
        pay = self.terms.call("pay", str(next(i for i, one in enumerate(self.rules()) if one is rule)))
        choices = ", *way" if self.discretion(rule) else ""
        title = self.terms.call("choose", name, *([number] if number != "0" else []))
        return "\n".join([
            f"def {title}({record}):", f'    """{about(clause.basis)}"""', f"    ways = {tuple(itertools.product(*ranges))}",
            f"    return open_pay({names}, ways, [{pay}({record}{choices}) for way in ways])",
        ])  # fmt: skip

    # -- measures

    def write_base(self, measure: str, kind: str) -> str:
        record = identifier(kind)
        ways, bars = [], []
        for name, (first, *_) in self.program.clauses.items():
            effect = first.effect
            if isinstance(effect, ir.Grant) and effect.measure == measure and first.entity == kind:
                ways += [self.way(name, number, version, record) for number, version in self.versions(name)]
            elif isinstance(effect, ir.Withhold) and measure in effect.measures:
                higher = self.above(name, record, kind)
                if higher and (higher == record or effect.members):
                    bars += [f"({name!r}, {self.excludes(name, number, record, kind, measure)}),"
                             for number, _ in self.versions(name)]  # fmt: skip
        inside = [
            f"({''.join(f'{chr(10)}        {one}' for one in group)}\n    )" if group else "()"
            for group in (ways, bars)
        ]
        return "\n".join([
            "@once", f"def base_{identifier(measure)}_{record}({record}):",
            f'    """{said(self.program.measures[measure].name.zh)}, before mutual exclusion"""',
            f"    ways = {inside[0]}", f"    bars = {inside[1]}", f"    return judged({record}, ways, bars)",
        ])  # fmt: skip

    def way(self, name: str, number: int, clause: ir.Clause, record: str) -> str:
        assert isinstance(clause.effect, ir.Grant)
        rule, at, pay = self.rule_of(clause), -1, "None"
        if rule is not None:
            at = next(i for i, one in enumerate(self.rules()) if one is rule)
            if clause.discretion:
                pay = self.terms.call("choose", name, *([str(number)] if number else []))
            else:
                pay = self.terms.call("pay", str(at))
        over = self.terms.call("over", name) if number == 0 else self.terms.call("over", name, str(number))
        state = f"{self.state(name, number)}({record})"
        return f"Way({name!r}, {state}, {clause.effect.may}, {at}, {pay}, {over}),"

    def same_subject(self, kind: str, record: str, other: str) -> Iterator[tuple[str, str, str]]:
        """The records that count as one subject with this one for another measure: entity, name, loop."""
        for entity in self.program.measures[other].entities:
            up, down = self.program.entity_path(kind), self.program.entity_path(entity)
            if entity in up:
                yield (
                    entity,
                    record + "".join(f".in_{identifier(step)}" for step in up[1 : up.index(entity) + 1]),
                    "",
                )
            elif kind in down:
                loop, owner = "", record
                for above, below in list(zip(down[1:], down, strict=False))[: down.index(kind)][::-1]:
                    lists = [d.name.id for d in self.program.entities[above].lists.values()
                             if d.kind == "members" and d.item == below]  # fmt: skip
                    if len(lists) != 1:
                        raise Refused("members")
                    name = f"{identifier(below)}_of_{owner}"
                    loop += f" for {name} in {owner}.{identifier(lists[0])}"
                    owner = name
                yield entity, owner, loop

    def beside(self, kind: str, record: str, others: list[str], condition: str, function: str) -> list[str]:
        """The conditions that something holds of one of these measures for the same subject."""
        found = []
        for other in others:
            for entity, name, loop in self.same_subject(kind, record, other):
                verdict = f"{self.terms.call(function, other, entity)}({name})"
                test = condition.format(verdict=verdict, record=name)
                found.append(f"any({test}{loop})" if loop else test)
        return found

    def write_final(self, measure: str, kind: str) -> str:
        record = identifier(kind)
        lines = ["@once", f"def final_{identifier(measure)}_{record}({record}):",
                 f'    """{said(self.program.measures[measure].name.zh)}"""',
                 f"    verdict = {self.terms.call('base', measure, kind)}({record})"]  # fmt: skip
        for exclusive in self.program.exclusives:
            if measure not in exclusive.measures or exclusive.how == "by_election":
                continue
            before = exclusive.measures.index(measure)
            if exclusive.how == "by_order":
                others, losing = list(exclusive.measures[:before]), "OPEN"
                tests = self.beside(kind, record, others, "{verdict}.outcome == 'granted'", "final")
            else:
                losing = "('granted',)"
                own = f"({self.terms.call('base', measure, kind)}({record}), {record})"
                tests = [
                    test
                    for place_, other in enumerate(exclusive.measures)
                    if other != measure
                    for test in self.beside(
                        kind,
                        record,
                        [other],
                        f"higher({own}, ({{verdict}}, {{record}}), {place_ < before})",
                        "base",
                    )
                ]
            if tests:
                condition = " or ".join(tests)
                lines += [f"    if verdict.outcome in {losing} and ({condition}):  # {about(exclusive.basis)}",
                          "        verdict = lost(verdict)"]  # fmt: skip
        return "\n".join([*lines, "    return verdict"])

    def write_alternatives(self, measure: str, kind: str) -> str:
        record = identifier(kind)
        pairs = []
        for exclusive in self.program.exclusives:
            if measure not in exclusive.measures or exclusive.how != "by_election":
                continue
            for other in exclusive.measures:
                if other != measure:
                    tests = self.beside(kind, record, [other], "{verdict}.outcome in OPEN", "final")
                    pairs.append(f"\n        ({other!r}, {' or '.join(tests) or 'False'}),")
        return "\n".join([f"def alternatives_{identifier(measure)}_{record}({record}):",
                          f'    """What may be had instead of {said(self.program.measures[measure].name.zh)}"""',
                          f"    return tuple(names_of(({''.join(pairs)}\n    )))"])  # fmt: skip

    def decide(self) -> str:
        lines = ["def decide(subjects):", '    """Every measure for every subject"""', "    rows = []"]
        for name, measure in self.program.measures.items():
            lines.append("    for record in subjects:")
            for number, kind in enumerate(measure.entities):
                elected = any(
                    name in one.measures and one.how == "by_election" for one in self.program.exclusives
                )
                others = self.terms.call("alternatives", name, kind) if elected else "None"
                final = self.terms.call("final", name, kind)
                lines += [f"        {'el' if number else ''}if record.kind == {kind!r}:",
                          f"            rows.append(row({name!r}, record, {final}(record), {others}))"]  # fmt: skip
        return "\n".join([*lines, "    return rows"])
