"""One decision → its section.

The order is always the same: conclusion, clauses with their words and places, reasons, facts, exceptions and
priorities, arithmetic, readings, what was unknown, discretion, what is to be confirmed, payment, rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from policykit import ir
from policykit.datatypes import MONTH, Type
from policykit.explain.arithmetic import Sheet, chosen
from policykit.explain.grounds import Grounds, unique
from policykit.explain.page import Line, Section
from policykit.facts import Instance
from policykit.source import NOWHERE
from policykit.trace import ClauseVerdict, Decision, Payment, Step
from policykit.values import Bounds, Month, Value

MONEY = Type("number", dimension=(("元", 1),))
RANK = ("granted", "discretionary", "undetermined", "superseded", "excluded", "refused", "not_covered")
ARTICLE = re.compile(r"\s*(第[一二三四五六七八九十百零]+条)[\s\u3000]*(\S.*)")
MOST_NAMED = 4


class Decisions:
    """Writes the sections of one trace's decisions."""

    def __init__(self, grounds: Grounds) -> None:
        self.grounds, self.words, self.trace, self.program = (
            grounds,
            grounds.words,
            grounds.trace,
            grounds.program,
        )
        self.say, self.label = self.words.say, self.words.label

    def section(self, d: Decision) -> Section:
        title = f"{self.label(self.program.measures[d.measure].name)} · {self.words.record(d.subject)}"
        verdicts = [v for name in d.clauses for v in self.grounds.verdicts_on(name, d.subject)]
        outcome = "declined" if d.outcome == "refused" and self.declined(verdicts) else d.outcome
        steps = [s for v in verdicts for s in self.conditions(v, outcome)]
        amounts = self.amount_steps(d)
        used = self.grounds.used([*steps, *(s for _, s in amounts)], d.subject)
        blocks = (
            self.grounds.block("clauses", "条款", "Clauses", self.clauses(verdicts, d)),
            *self.grounds.reason_blocks(steps, outcome),
            self.grounds.block(
                "facts", "所用事实和参数", "Facts and parameters used", self.grounds.facts(used)
            ),
            self.grounds.block(
                "priorities", "例外和先后", "Exceptions and priorities", self.priorities(d, verdicts)
            ),
            self.grounds.block("arithmetic", "计算", "Arithmetic", self.arithmetic(d, steps, amounts)),
            self.grounds.block(
                "readings", "所依口径", "Readings relied on", self.grounds.readings(verdicts, used, d)
            ),
            self.grounds.block("unknown", "需要核实", "To find out", self.grounds.questions(d.missing)),
            self.grounds.block(
                "idle", "没有查明，但不影响结论", "Unknown, but without effect", self.idle(steps, d)
            ),
            self.grounds.block("discretion", "由谁裁量", "Discretion", self.discretion(d, verdicts)),
            self.grounds.block("confirm", "请一并核实", "Still to be confirmed", self.confirm(d, verdicts)),
            self.grounds.block("payment", "发放", "Payment", self.payment(d)),
            self.grounds.block("possible", "可能的结果", "What may come of it", self.possible(d)),
            self.grounds.block(
                "remedy", "告知", "Your rights", self.remedy() if d.outcome == "refused" else ()
            ),
        )
        return Section(title, d.outcome, self.conclusion(d, verdicts), tuple(b for b in blocks if b.lines))

    def conclusion(self, d: Decision, verdicts: list[ClauseVerdict]) -> str:
        measure = self.label(self.program.measures[d.measure].name)
        match d.outcome:
            case "granted" if d.conflict:
                return self.say(
                    "几项条款给的金额不同，须由人核定；核定前不发",
                    "Clauses grant different amounts; a person has to settle it, nothing is paid before",
                )
            case "granted":
                return self.say("，", ", ").join([self.say("给予", "Granted"), *self.paid(d)])
            case "discretionary":
                return self.left_open(d, verdicts)
            case "refused" if self.declined(verdicts):
                return self.say(
                    f"审批机关决定不给予{measure}", f"The approver decided not to grant {measure}"
                )
            case "refused":
                return self.say(f"不符合{measure}条件", f"The conditions for {measure} are not met")
            case "excluded":
                return self.say(f"另有规定，不享受{measure}", f"Another rule excludes {measure}")
            case "superseded":
                return self.covered_by(d)
        return self.not_yet(d)

    @staticmethod
    def declined(verdicts: list[ClauseVerdict]) -> bool:
        """Whether a refusal is an approver's choice: a clause that may grant stands, and yet nothing is granted."""
        return any(v.state == "may" for v in verdicts)

    def not_yet(self, d: Decision) -> str:
        if "cannot_be_granted" in d.flags:
            alone = self.say("单独", "separately ") if d.subject.upper is not None else ""
            return self.say(
                f"可以确定不会{alone}给予；属于哪种情形，还要核实",
                f"Certainly not {alone}granted; on which ground has to be found out",
            )
        if "covered_either_way" in d.flags:
            return self.say(
                "可以确定有保障；由哪一条保障，还要核实",
                "Certainly covered; by which clause has to be found out",
            )
        asked = list(dict.fromkeys(self.words.question(gap)[:2] for gap in d.missing))
        named = self.words.listed(dict.fromkeys(label for _, label in asked[:MOST_NAMED]))
        if len({whose for whose, _ in asked[:MOST_NAMED]}) == 1 and asked[0][0]:
            named = self.say(f"{asked[0][0]}的{named}", f"{named} of {asked[0][0]}")
        if len(asked) > MOST_NAMED:
            named = self.say(f"{named}等 {len(asked)} 项", f"{named} and {len(asked) - MOST_NAMED} more")
        return self.say(
            f"尚不能确定，请先核实：{named}", f"Not yet determined; please find out first: {named}"
        )

    def covered_by(self, d: Decision) -> str:
        entities = {c.entity for name in d.superseded_by for c in self.program.clauses.get(name, ())}
        if entities and d.subject.entity not in entities:
            label = self.words.listed(self.label(self.program.entities[e].name) for e in sorted(entities))
            return self.say(
                f"由整{label}保障，不再单独给予", f"Covered through the whole {label}, not granted separately"
            )
        names = self.words.listed(map(self.words.clause, d.superseded_by))
        return self.say(f"已由{names or '其他待遇'}保障", f"Covered by {names or 'another measure'}")

    def paid(self, d: Decision) -> Iterator[str]:
        """每月 910.00 元, 2020年7月起."""
        if d.payment is None:
            return
        yield self.sum_of(d, d.payment)
        first = d.payment.first_month
        if first is not None and first.known and isinstance(first.value, Month):
            yield self.span(first.value, d.payment.months)

    def sum_of(self, d: Decision, payment: Payment) -> str:
        monthly = payment.rule.form == "monthly"
        if payment.amount.known:
            each = self.say("每月", "monthly") if monthly else self.say("一次", "once")
            return f"{each} {self.words.value(payment.amount, MONEY)}"
        shown = "" if payment.options else self.words.shown(self.grounds.step(payment.rule.total, d.subject))
        return self.not_known() + self.words.aside("" if shown == self.words.unknown() else shown)

    def not_known(self) -> str:
        return self.say("金额尚不能确定", "amount not yet determined")

    def total(self, d: Decision) -> str:
        """All that a measure comes to, over its months or its options."""
        payment = d.payment
        if payment is None:
            return self.not_known()
        if payment.total is None:
            return self.sum_of(d, payment)
        if payment.total.known:
            return self.say("合计 ", "in all ") + self.words.value(payment.total, MONEY)
        return self.either_end(payment) or self.not_known()

    def either_end(self, payment: Payment) -> str:
        """From the least to the greatest of the amounts that may be chosen: 390.00 元至 1,170.00 元."""
        amount, known = payment.amount, all(value.known for _, value, _ in payment.options)
        if not payment.options or not known or not isinstance(amount, Bounds):
            return ""
        low, high = self.words.plain(amount.lo, MONEY), self.words.plain(amount.hi, MONEY)
        return low if low == high else self.say(f"{low}至 {high}", f"{low} to {high}")

    def span(self, first: Month, months: Value | None) -> str:
        start = self.words.plain(first, MONTH)
        if months is None or not months.known or not isinstance(months.value, int):
            return self.say(f"{start}起", f"from {start}")
        last = self.words.plain(first.plus(months.value - 1), MONTH)
        return self.say(
            f"{start} 至 {last}，共{months.value}个月", f"{start} to {last}, {months.value} months"
        )

    def left_open(self, d: Decision, verdicts: list[ClauseVerdict]) -> str:
        """由审批机关决定：1 至 3 个月，390.00 元至 1,170.00 元."""
        quantities = [x for v in verdicts for x in v.clause.discretion]
        options = d.payment.options if d.payment is not None else ()
        holders = dict.fromkeys(holder for _, _, holder in options if holder) or dict.fromkeys(
            x.holder for x in quantities
        )
        who = self.words.listed(map(self.either, holders), conjunction=True) or self.say(
            "审批机关", "the approver"
        )
        ranges = [f"{x.low}{self.say(' 至 ', ' to ')}{self.words.plain(x.high, x.type)}" for x in quantities]
        if d.payment is not None:
            ranges.append(self.either_end(d.payment) or self.not_known())
        said = self.say(f"由{who}决定", f"For {who} to decide")
        return self.say("：", ": ").join([said, self.say("，", ", ").join(ranges)]) if ranges else said

    def either(self, holder: str) -> str:
        """Who decides, where it turns on an amount that is not known: one or the other."""
        return holder.replace(" / ", self.say("或", " or "))

    # -- clauses and reasons

    def clauses(self, verdicts: Iterable[ClauseVerdict], d: Decision | None = None) -> list[Line]:
        lines = [self.grounds.cited(v.clause.basis) for v in verdicts]
        if d is not None and d.payment is not None and d.outcome in ("granted", "discretionary"):
            basis = d.payment.rule.basis
            if all(v.clause.basis.name != basis.name for v in verdicts):
                lines.append(self.grounds.cited(basis))
        return unique(lines)

    def conditions(self, verdict: ClauseVerdict, outcome: str) -> list[Step]:
        """The conditions of a clause that count for an outcome: all of them, or those that failed."""
        steps = self.grounds.conditions(verdict.clause, verdict.subject)
        return self.grounds.all_of(steps) if outcome == "refused" else steps

    # -- exceptions and priorities

    def priorities(self, d: Decision, verdicts: list[ClauseVerdict]) -> list[Line]:
        """Every other clause that could have changed the answer: what it is, what came of it, and why.

        A clause that is not in force on the day could not.
        """
        deciding = {v.clause.basis.name.id for v in verdicts}
        above = frozenset[str]().union(*(self.program.blockers.get(name, frozenset()) for name in deciding))
        groups: dict[
            tuple[int, str, str, tuple[Line, ...]], list[tuple[ClauseVerdict, tuple[Line, ...]]]
        ] = {}
        for name, (first, *_) in self.program.clauses.items():
            if name in deciding or not self.bears_on(first, name, above, deciding, d):
                continue
            found = self.grounds.verdicts_on(name, d.subject) or [
                v for r in self.trace.case.subjects if r.upper is d.subject for v in self.grounds.verdicts.get((name, r), ())
                if v.state == "overridden"
            ]  # fmt: skip
            for v in found:
                if v.clause.as_of is None and not v.clause.period.holds(self.trace.on):
                    continue
                rank, said, why = self.considered(v, name in above)
                met = v.scope.known and v.test.known and v.state not in ("silent", "not_met")
                groups.setdefault((rank, said, v.subject.path, () if met else why), []).append((v, why))
        lines = []
        for (_, said, _, _), group in sorted(groups.items(), key=lambda item: item[0][0]):
            names = self.words.listed(dict.fromkeys(self.label(v.clause.basis.name) for v, _ in group))
            whose = self.words.aside(self.about(group[0][0].subject, d.subject))
            why = tuple(unique(line for _, lines in group for line in lines))
            cited = (
                [self.grounds.cited(v.clause.basis) for v, _ in group]
                if group[0][0].state not in ("silent", "not_met")
                else []
            )
            if len(why) == 1:
                said, why = self.say("，因为", ": ").join((said, why[0].text)), ()
            if len(cited) == 1:
                lines.append(
                    Line(said, head=names + whose, place=cited[0].place, inside=why + cited[0].inside)
                )
            else:
                lines.append(Line(said, head=names + whose, inside=(*why, *cited)))
        return lines

    def about(self, record: Instance, subject: Instance) -> str:
        """Whom a considered clause speaks of, where that is not the subject of the decision."""
        if record is subject:
            return ""
        return self.words.whole(record) if self.words.holds_others(record) else self.words.short(record)

    def bears_on(
        self, clause: ir.Clause, name: str, above: frozenset[str], deciding: set[str], d: Decision
    ) -> bool:
        match clause.effect:
            case ir.Withhold(measures=measures):
                return d.measure in measures
            case ir.Grant(measure=measure) if measure == d.measure:
                below = bool(deciding & self.program.blockers.get(name, frozenset()))
                return name in above or below or clause.entity == d.subject.entity
        return False

    def out_of_force(self, clause: ir.Clause, record: Instance) -> tuple[Line, ...]:
        """That a clause which goes by an event was not in force when it happened."""
        if clause.as_of is None:
            return ()
        event = self.grounds.step(clause.as_of, record)
        day = event.value.value if event.value.known else None
        if not isinstance(day, date) or clause.period.holds(day):
            return ()
        zh, en = ("还没有施行", "was not yet in force")
        if clause.period.end is not None and day > clause.period.end:
            zh, en = ("已经停止施行", "was no longer in force")
        term, shown = self.words.term(event.expr), self.words.shown(event)
        return (Line(self.say(f"{term}是{shown}，那时这一条{zh}", f"it {en} on {shown} ({term})")),)

    def considered(self, v: ClauseVerdict, prevails: bool) -> tuple[int, str, tuple[Line, ...]]:
        """Where a considered clause comes in the list, what came of it, and the reasons."""
        steps = self.grounds.all_of(self.grounds.conditions(v.clause, v.subject))
        parts = [p for s in steps for p in self.grounds.parts(s)]
        unclear = [p for p in parts if not p.value.known]
        why = tuple(unique(Line(line.text) for p in (unclear or parts) for line in self.grounds.reasons(p)))
        first = self.say("先看：", "looked at first: ") if prevails else ""
        rank = 1 if prevails else 2
        withheld = isinstance(v.clause.effect, ir.Withhold)
        match v.state:
            case "silent":
                why = self.out_of_force(v.clause, v.subject) or why[:1]
                return 4, self.say("没有说到这种情形", "does not speak of this"), why
            case "not_met":
                unmet = (
                    ("不成立", "does not apply") if withheld else ("条件不满足", "its conditions are not met")
                )
                return rank, first + self.say(*unmet), why[:1] if withheld else why
            case "overridden":
                by = self.words.listed(dict.fromkeys(map(self.words.clause, v.blocked_by)))
                return (
                    3,
                    self.say(f"条件满足，但让位于{by}", f"its conditions are met, but it gives way to {by}"),
                    (),
                )
            case "undetermined":
                return rank, first + self.say("是否成立尚不能确定", "not yet known whether it stands"), why
            case "may":
                return (
                    rank,
                    self.say(
                        "可以给予，还没有决定，不影响本项", "may be granted, not decided, no effect here"
                    ),
                    (),
                )
        if withheld:
            return rank, self.say("成立，因此不享受", "stands, and excludes this"), why
        return (
            rank,
            first
            + self.say("成立", "stands")
            + (self.say("，优先于单独给予", ", and prevails") if prevails else ""),
            why,
        )

    # -- arithmetic

    def amount_steps(self, d: Decision) -> list[tuple[str, Step]]:
        """The expressions of an amount with what each is called: its first month, its parts, the whole."""
        payment = d.payment
        if payment is None or not d.outcomes & {"granted", "discretionary"}:
            return []
        rule = payment.rule
        named = [] if rule.start is None else [(self.say("起始月", "first month"), rule.start)]
        found = [(name, self.grounds.step(expr, d.subject)) for name, expr in named]
        if payment.options:
            for choice, _, _ in payment.options:
                step = chosen(self.grounds, rule.total, d.subject, dict(choice))
                found += [] if step is None else [(self.picked(d, choice), step)]
            return found
        monthly = rule.form == "monthly"
        whole = self.say("每月金额", "monthly amount") if monthly else self.say("一次金额", "amount")
        named = [*((self.label(part.name), part.expr) for part in rule.parts), (whole, rule.total)]
        return found + [(name, self.grounds.step(expr, d.subject)) for name, expr in named]

    def arithmetic(self, d: Decision, steps: list[Step], amounts: list[tuple[str, Step]]) -> list[Line]:
        sheet = Sheet(self.grounds, d.subject)
        lines = sheet.lines([*steps, *(step for _, step in amounts)])
        return lines + [sheet.row(name, step) for name, step in amounts]

    def picked(self, d: Decision, choice: Iterable[tuple[str, int]]) -> str:
        """What an approver may choose, in its unit: 2 个月."""
        types = {
            x.name.id: x.type for name in d.clauses for c in self.program.clauses[name] for x in c.discretion
        }
        return self.words.listed(self.words.plain(number, types.get(name, MONEY)) for name, number in choice)

    # -- readings, gaps, discretion

    def idle(self, steps: list[Step], d: Decision) -> Iterator[Line]:
        asked = {(gap.path, gap.name) for gap in d.missing}
        left: dict[str, list[str]] = {}
        for gap in self.grounds.gaps(steps):
            if (gap.path, gap.name) not in asked:
                whose, label, _ = self.words.question(gap)
                left.setdefault(whose, []).append(label)
        for whose, labels in left.items():
            yield Line(self.words.listed(dict.fromkeys(labels)), head=whose)

    def discretion(self, d: Decision, verdicts: list[ClauseVerdict]) -> Iterator[Line]:
        """Who decides, the ways to decide one by one, and the blank to sign."""
        if d.payment is None or not d.payment.options:
            yield from self.ruled(d)
            return
        if "discretionary" not in d.outcomes:
            for choice, _, holder in d.payment.options:
                yield Line(self.say(f"{holder}已选定", f"chosen by {holder}"), head=self.picked(d, choice))
            yield from self.ruled(d)
            return
        for v in verdicts:
            for x in v.clause.discretion:
                yield Line(self.holder(x, v.subject), head=self.label(x.name))
        several = len({holder for _, _, holder in d.payment.options}) > 1
        for choice, amount, holder in d.payment.options:
            who = self.words.aside(self.say(f"由{holder}决定", f"by {holder}")) if several else ""
            shown = self.words.value(amount, MONEY) if amount.known else self.not_known()
            yield Line(shown + who, head=self.picked(d, choice))
        yield Line(self.say("选定 ____　理由 ________________　签名 ________　日期 ________",
                            "chosen ____  reason ________________  signature ________  date ________"))  # fmt: skip

    def ruled(self, d: Decision) -> Iterator[Line]:
        """Who ruled on a clause that decides, when, and why."""
        for ruling in self.trace.rulings:
            if ruling.clause in d.clauses and ruling.subject is d.subject and ruling.day <= self.trace.on:
                day, why = self.words.date(ruling.day), ruling.reason
                reason = (f"，理由：{why}", f", reason: {why}") if why else ("", "")
                yield Line(
                    self.say(f"{day}，{ruling.by}作出{reason[0]}", f"{day}, by {ruling.by}{reason[1]}")
                )

    def holder(self, x: ir.Discretion, record: Instance) -> str:
        limit = chosen(self.grounds, x.limit, record, {}) if x.limit is not None else None
        if limit is None:
            return self.say(f"由{x.holder}决定", f"decided by {x.holder}")
        over = self.words.operand(limit)
        return self.say(
            f"由{x.holder}决定；超过{over}的，由{x.beyond}决定",
            f"decided by {x.holder}; above {over} by {x.beyond}",
        )

    def confirm(self, d: Decision, verdicts: list[ClauseVerdict]) -> Iterator[Line]:
        if not d.outcomes & {"granted", "discretionary"}:
            return
        for v in verdicts:
            for text, expr in v.clause.confirm:
                state = self.say("待核实", "to be confirmed")
                if expr is not None:
                    value = self.grounds.step(expr, v.subject).value
                    state = self.say("还不知道，待核实", "not known, to be confirmed")
                    if value.known and value.value:
                        state = self.say("已核实", "confirmed")
                    elif value.known:
                        state = self.say(
                            "核实结果为否，请由人判断", "found not to hold, for a person to judge"
                        )
                yield Line(state, head=text if expr is None else self.words.term(expr))

    # -- payment

    def payment(self, d: Decision) -> Iterator[Line]:
        payment = d.payment
        if payment is not None and d.outcomes & {"granted", "discretionary"}:
            for part, value in payment.parts:
                yield Line(self.words.value(value, payment.rule.total.type), head=self.label(part))
            if said := self.term_of_payment(payment):
                yield Line(said)
        yield from self.alternatives(d)
        for name in d.conflict:
            yield Line(self.say("与其他条款的金额不同", "its amount differs"), head=self.words.clause(name))

    def term_of_payment(self, payment: Payment) -> str:
        """2020年7月 至 2021年6月，共12个月，合计 5,760.00 元，2021年7月起不再发."""
        first, months, total = payment.first_month, payment.months, payment.total
        if first is None:
            return ""
        if not first.known or not isinstance(first.value, Month):
            return self.say("起始月尚不能确定", "the first month is not yet determined")
        if months is None:
            return ""
        said = [self.span(first.value, months)]
        if total is not None and total.known:
            said.append(self.say("合计 ", "in all ") + self.words.value(total, MONEY))
        if months.known and isinstance(months.value, int):
            after = self.words.plain(first.value.plus(months.value), MONTH)
            said.append(self.say(f"{after}起不再发", f"nothing from {after}"))
        return self.say("，", ", ").join(said)

    def alternatives(self, d: Decision) -> Iterator[Line]:
        """What may be drawn instead, with both totals; the two are never added."""
        if not d.alternatives:
            return
        related = [o for o in self.trace.decisions if o.measure in d.alternatives and o.outcomes & {"granted", "discretionary"}
                   and (o.subject is d.subject or o.subject.upper is d.subject or d.subject.upper is o.subject)]  # fmt: skip
        names = self.words.listed(self.label(self.program.measures[m].name) for m in d.alternatives)
        chooser = next((e.chooser for e in self.program.exclusives if d.measure in e.measures), "")
        said = self.say(f"与{names}只能选一样，两项不相加，由{chooser or '本人'}书面选择",
                        f"either this or {names}, never both; the household chooses in writing")  # fmt: skip
        yield Line(
            said,
            inside=tuple(
                Line(self.total(o), head=self.label(self.program.measures[o.measure].name))
                for o in (d, *related)
            ),
        )

    def possible(self, d: Decision) -> Iterator[Line]:
        """Of an open decision, what may come of it and what is sure even so."""
        if len(d.outcomes) > 1:
            for outcome in sorted(d.outcomes, key=RANK.index):
                yield Line(self.said_outcome(outcome, d))
        sentences = {
            "cannot_be_granted": (
                "不管查明的结果怎样，都不会给予",
                "whatever is found out, it cannot be granted",
            ),
            "covered_either_way": (
                "不管查明的结果怎样，都有保障",
                "whatever is found out, there is coverage",
            ),
            "at_least_discretionary": (
                "不管查明的结果怎样，至少可以由审批机关决定给予",
                "whatever is found out, it may at least be granted",
            ),
        }
        for flag in d.flags:
            yield Line(self.say(*sentences[flag]))
        if not d.within_budget:
            yield Line(self.say("未知的事太多，没有逐一试算；查明一部分后再算会更明确",
                                "too much is unknown to try every case; it becomes clearer as facts are added"))  # fmt: skip

    def said_outcome(self, outcome: str, d: Decision) -> str:
        measure = self.label(self.program.measures[d.measure].name)
        words = {
            "granted": ("给予", "granted"), "discretionary": ("由审批机关决定", "for the approver to decide"),
            "superseded": ("由其他条款保障", "covered by another clause"), "refused": (f"不符合{measure}条件", "not met"),
            "excluded": (f"另有规定，不享受{measure}", "excluded"), "not_covered": ("未涉及", "not covered"),
        }  # fmt: skip
        said = self.say(*words[outcome])
        return self.say("，", ", ").join([said, *self.paid(d)]) if outcome == "granted" else said

    def remedy(self) -> Iterator[Line]:
        """The right to reasons in writing and to review, where a text that is held gives it."""
        for text in self.program.texts.values():
            for line in text.content.splitlines():
                article = ARTICLE.fullmatch(line)
                if text.held and article and "行政复议" in line and "行政诉讼" in line:
                    said = self.say(
                        "以上是按规则核算的结果，不是审批决定。决定不予批准的，应当书面说明理由；您不服的，可以依法申请行政复议或者提起行政诉讼。",
                        "This is what the rules come to, not the decision itself. A refusal must give its reasons in writing, and you may "
                        "ask for administrative reconsideration or go to court.",
                    )
                    cite = ir.Citation(text.name.id, article[1], article[2].strip(), "", -1, NOWHERE)
                    yield Line(said, inside=(self.grounds.citation(cite),))
                    return
