"""A summary as small tables for people, and as plain data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from policykit.batch.answers import Answering
from policykit.batch.places import Place
from policykit.batch.summary import Paid, Summary
from policykit.batch.tables import ALL_OUTCOMES, KINDS, Labels
from policykit.values import Gap

Cell: TypeAlias = str | int | Decimal | None


@dataclass(frozen=True, slots=True)
class Section:
    """One small table: its title, a heading for each column, its rows; counts are whole numbers, money is in yuan."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


class Telling:
    """Says what a summary holds, in one language."""

    def __init__(self, labels: Labels, place: Place | None, on: date) -> None:
        self.labels, self.place, self.on, self.say = labels, place, on, labels.say

    def sections(self, summary: Summary) -> Iterator[Section]:
        yield self.whole(summary)
        yield self.measures(summary)
        if summary.by_clause:
            yield self.clauses(summary)
        if self.place is not None:
            yield self.places(summary)
        if summary.waits:
            yield self.waits(summary)
        if summary.findings or summary.possible:
            yield self.findings(summary)
        if summary.bad:
            yield self.bad(summary)

    def whole(self, summary: Summary) -> Section:
        say, program = self.say, self.labels.program
        rows: list[tuple[Cell, ...]] = [
            (say("评价日", "Day asked for"), self.on.isoformat()),
            (say("规则", "Rules"), program.fingerprint[:12]),
            (say("户", "Households"), summary.households),
            (say("成员", "Members"), summary.people),
            (say("搁置，没有算的", "Set aside, not evaluated"), summary.bad),
        ]
        for sheet in program.sheets:
            name = self.labels.words.label(sheet.name)
            invented = say("：数额是虚构的，只供演示", ": its figures are invented") if sheet.example else ""
            rows.insert(
                2,
                (
                    say("示例参数", "EXAMPLE parameters") if sheet.example else say("参数表", "Parameters"),
                    name + invented,
                ),
            )
        return Section(say("概况", "Overview"), (), tuple(rows))

    def paid(self, paid: Paid) -> tuple[Cell, ...]:
        return paid.households, paid.people, yuan(paid.monthly), yuan(paid.once), paid.open

    @property
    def paid_headings(self) -> tuple[str, ...]:
        return (
            self.say("户", "Households"), self.say("人", "People"), self.say("每月（元）", "Monthly (yuan)"),
            self.say("一次（元）", "Once (yuan)"), self.say("金额未定（项）", "Amount open"),
        )  # fmt: skip

    def measures(self, summary: Summary) -> Section:
        others = [name for name in ALL_OUTCOMES if name != "granted"]
        rows: list[tuple[Cell, ...]] = [
            (self.labels.measure(name), *self.paid(summary.by_measure[name]),
             *(summary.outcomes[name][other] for other in others))
            for name in summary.measures
        ]  # fmt: skip
        monthly, once = (
            sum(getattr(paid, form) for paid in summary.by_measure.values()) for form in ("monthly", "once")
        )
        rows.append((self.say("合计", "Total"), None, None, yuan(monthly), yuan(once)))
        title = self.say(
            "各项待遇：给予的户、人、钱；其余按项计",
            "By measure: what is granted; the other outcomes counted",
        )
        return Section(title, (self.labels.heading("measure"), *self.paid_headings, *map(self.labels.outcome, others)), tuple(rows))  # fmt: skip

    def clauses(self, summary: Summary) -> Section:
        order = {name: number for number, name in enumerate(summary.measures)}
        found = sorted(
            summary.by_clause.items(), key=lambda item: (order[item[0][0]], -item[1].subjects, item[0][1])
        )
        rows = tuple(
            (
                self.labels.measure(measure),
                self.labels.listed(map(self.labels.rule, clauses)),
                *self.paid(paid),
            )
            for (measure, clauses), paid in found
        )
        title = self.say("按依据条款：几条并列的一起算一行", "By deciding clauses: joint grounds are one row")
        return Section(
            title, (self.labels.heading("measure"), self.labels.heading("clauses"), *self.paid_headings), rows
        )

    def places(self, summary: Summary) -> Section:
        assert self.place is not None
        by = self.labels.words.label(self.place.fact.name)
        order = {name: number for number, name in enumerate(summary.measures)}
        granted: dict[str, list[tuple[str, Paid]]] = {}
        for (place, measure), paid in summary.by_place.items():
            granted.setdefault(place, []).append((measure, paid))
        rows: list[tuple[Cell, ...]] = []
        for place, households in sorted(summary.households_by_place.items()):
            name = place or self.say("（未填）", "(not given)")
            head: tuple[Cell, ...] = name, households, summary.open_by_place[place]
            measures = sorted(granted.get(place, []), key=lambda item: order[item[0]])
            rows += [(*(head if not number else (name, None, None)), self.labels.measure(measure), *self.paid(paid))
                     for number, (measure, paid) in enumerate(measures)] or [head]  # fmt: skip
        headings = (
            by, self.say("本地户数", "Households there"), self.labels.outcome("undetermined") + self.say("（项）", ""),
            self.labels.heading("measure"), *self.paid_headings,
        )  # fmt: skip
        return Section(self.say(f"按{by}", f"By {by}"), headings, tuple(rows))

    def waits(self, summary: Summary) -> Section:
        found = sorted(summary.waits.items(), key=lambda item: (-item[1].alone, -item[1].answers, item[0]))
        rows = tuple(
            (self.missing(kind, path, name), waits.alone, waits.answers, waits.households)
            for (kind, path, name), waits in found
        )
        title = self.say(
            "待定的还要问什么：先问前面的，定下来的最多",
            "What the undetermined wait for: the most settling first",
        )
        return Section(title, (
            self.labels.heading("missing"), self.say("只差这一样（项）", "Waiting for it alone"),
            self.say("待定（项）", "Undetermined"), self.say("户", "Households"),
        ), rows)  # fmt: skip

    def missing(self, kind: str, path: str, name: str) -> str:
        return self.labels.gap(Gap(kind, path, name))  # type: ignore[arg-type]

    def findings(self, summary: Summary) -> Section:
        kinds = list(KINDS)
        found = sorted(
            summary.findings.keys() | summary.possible.keys(),
            key=lambda one: (kinds.index(one[0]), -summary.findings[one], one[1:]),
        )
        rows = tuple(
            (self.say(*KINDS[kind]), name, self.labels.rule(rule), summary.findings[kind, name, rule], summary.possible[kind, name, rule])
            for kind, name, rule in found
        )  # fmt: skip
        title = self.say("发现、列入、转送、提示", "Findings, listings, referrals, notes")
        return Section(title, (
            self.labels.heading("kind"), self.labels.heading("finding"), self.labels.heading("rule"),
            self.say("确定（处）", "Sure"), self.say("还说不定（处）", "Possible"),
        ), rows)  # fmt: skip

    def bad(self, summary: Summary) -> Section:
        found = sorted(summary.bad_by_code.items(), key=lambda item: (-item[1].count, item[0]))
        rows = tuple((code, refused.count, self.labels.reason(refused.first)) for code, refused in found)
        title = self.say("搁置的行，按原因", "Rows set aside, by reason")
        return Section(
            title,
            (self.say("代码", "Code"), self.say("户或行", "Rows"), self.say("例如", "For instance")),
            rows,
        )


# ---- as data -----------------------------------------------------------------------------------------------------------


def data(summary: Summary, asking: Answering) -> dict[str, Any]:
    """A summary with identifiers, money in fen."""
    program = asking.program
    return {
        "on": asking.on.isoformat(), "rules": program.fingerprint,
        "example_sheets": [sheet.name.id for sheet in program.sheets if sheet.example],
        "households": summary.households,
        "members": summary.people,
        "measures": [
            {"measure": name, **asdict(summary.by_measure[name]), "outcomes": dict(summary.outcomes[name])}
            for name in summary.measures
        ],
        "clauses": [
            {"measure": measure, "clauses": list(clauses), **asdict(paid)}
            for (measure, clauses), paid in sorted(summary.by_clause.items())
        ],
        "places": [
            {
                "place": place, "households": households, "undetermined": summary.open_by_place[place],
                "measures": [{"measure": measure, **asdict(paid)}
                             for (where, measure), paid in sorted(summary.by_place.items()) if where == place],
            }
            for place, households in sorted(summary.households_by_place.items())
        ],
        "missing": [
            {"kind": kind, "path": path, "name": name, **asdict(waits)}
            for (kind, path, name), waits in sorted(summary.waits.items())
        ],
        "findings": [
            {"kind": kind, "name": name, "rule": rule, "sure": summary.findings[kind, name, rule],
             "possible": summary.possible[kind, name, rule]}
            for kind, name, rule in sorted(summary.findings.keys() | summary.possible.keys())
        ],
        "set_aside": {"count": summary.bad, "codes": {code: one.count for code, one in sorted(summary.bad_by_code.items())}},
    }  # fmt: skip
