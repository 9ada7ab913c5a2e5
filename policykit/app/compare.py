"""`policykit compare`: what changes for whom from one rule set to another, each change as a household."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from policykit import ir
from policykit.app.console import BAD, FINDINGS, Tongue, complain
from policykit.app.prove import INTERRUPTED, bound, day_of, household, line, solver_needed
from policykit.casework.trials import said
from policykit.diagnostics import Language, PolicyError
from policykit.loader import Policies, load
from policykit.source import NOWHERE, columns, padded

if TYPE_CHECKING:  # the solver is an extra
    from policykit.comparing import compare
    from policykit.comparing.differences import Node, Redeclared
    from policykit.comparing.moves import Answer, Row, Shown
    from policykit.engine.smt.variables import Size


class CompareFormat(StrEnum):
    text = "text"
    json = "json"


#: how an answer moves: of a measure, and of a clause
WAYS = {
    "measure": {
        "gains": ("得到", "gains"), "loses": ("失去", "loses"), "more": ("更多", "gets more"), "less": ("更少", "gets less"),
        "otherwise": ("别的变化", "changes otherwise"),
    },
    "clause": {
        "gains": ("新成立", "newly stands"), "loses": ("不再成立", "no longer stands"), "more": ("给得更多", "pays more"),
        "less": ("给得更少", "pays less"), "otherwise": ("别的变化", "changes otherwise"),
    },
}  # fmt: skip

STATES = {
    "equal": ("相同", "equal"),
    "differs": ("不同", "DIFFERS"),
    "not_decided": ("未判定", "NOT DECIDED"),
}

KINDS = {
    "clause": ("条款", "clause"), "measure": ("待遇", "measure"), "define": ("定义", "define"),
    "parameter": ("参数", "parameter"), "amount": ("金额", "amount of"), "entity": ("实体", "entity"),
}  # fmt: skip

#: how declarations differ, and what follows for the households compared
REDECLARED = {
    "only_old": ("只有旧的声明了{0}", "only OLD declares {0}"),
    "only_new": ("只有新的声明了{0}", "only NEW declares {0}"),
    "label_only_old": ("只有旧的知道{0}：是这样的户没有比较", "only OLD knows {0}: households of that kind were not compared"),
    "label_only_new": ("只有新的知道{0}：是这样的户没有比较", "only NEW knows {0}: households of that kind were not compared"),
    "range": ("{0}的范围不同：只比较了两边都收的户", "{0} has another range: only households that both accept were compared"),
    "paper": ("{0}要的凭据或判断不同：比较的户都当作已备齐", "{0} needs other papers or another judge: compared as if they were there"),
    "type": ("{0}在两套规则里是两样东西", "{0} is two different things in the two"),
}  # fmt: skip


def compare_command(
    old: Annotated[Path, typer.Argument(help="a rule file or folder / 旧规则的文件或文件夹")],
    new: Annotated[Path, typer.Argument(help="another one / 新规则的文件或文件夹")],
    only: Annotated[
        list[str] | None,
        typer.Option(help="a measure or clause to look at; several times; default all / 只比这项待遇或条款"),
    ] = None,
    on: Annotated[
        str, typer.Option(help="one day, 2020-06-10; default every day of the rules / 只看这一天")
    ] = "",
    parameters: Annotated[
        Path | None, typer.Option(help="a parameter sheet for both / 两边都用的参数表；不给就对任何数额都比")
    ] = None,
    old_parameters: Annotated[Path | None, typer.Option(help="a sheet for OLD / 旧规则的参数表")] = None,
    new_parameters: Annotated[Path | None, typer.Option(help="a sheet for NEW / 新规则的参数表")] = None,
    members: Annotated[
        int, typer.Option(min=1, max=40, help="the most members looked at / 最多几个成员")
    ] = 8,
    records: Annotated[
        int, typer.Option(min=0, max=20, help="the most entries of any other list / 其他清单最多几条")
    ] = 3,
    limit: Annotated[
        float, typer.Option(min=0, help="seconds for each question to the solver; 0: none / 每问至多几秒")
    ] = 20.0,
    samples: Annotated[
        int, typer.Option(min=0, help="households compared where the solver gives up / 未判定的抽几户来比")
    ] = 400,
    seed: Annotated[int, typer.Option(help="draws other households / 换一批抽样的户")] = 20200406,
    lang: Annotated[Tongue, typer.Option(help="language / 语言")] = Tongue.zh,
    format: Annotated[CompareFormat, typer.Option(help="text or json / 格式")] = CompareFormat.text,
) -> None:
    """Prove two rule sets equal on every household within a bound, or show who gains and who loses. 比较两套规则。

    Exit 0: equal; 1: something differs or is not decided; 2: bad input.
    """
    language: Language = lang.value
    with solver_needed():
        from policykit.comparing import compare
        from policykit.comparing.differences import Incomparable
        from policykit.engine.smt.variables import Size
    day = day_of(on)
    if parameters is not None and (old_parameters is not None or new_parameters is not None):
        typer.echo(
            "--parameters 是两边都用的，不与 --old-parameters、--new-parameters 同用"
            " / --parameters is for both: it does not go with --old-parameters and --new-parameters",
            err=True,
        )
        raise typer.Exit(BAD)
    size = Size(members, records)
    try:
        before = _loaded(old, old_parameters or parameters)
        after = _loaded(new, new_parameters or parameters)
        teller = _Teller(before.program, after.program, size, limit, language, format is CompareFormat.text)
        _known(teller, only or [])
        found = compare.compare(
            before.program, after.program, size=size, limit=limit, on=day, samples=samples, seed=seed,
            only=only or (), told=teller.told,
        )  # fmt: skip
    except PolicyError as error:
        complain((d for d in error.diagnostics if d.severity == "error"), language)
        raise typer.Exit(BAD) from None
    except Incomparable as error:
        for one in error.found:
            typer.echo(teller.redeclared(one), err=True)
        advice = "两套规则要能读同一户的数据", "both have to read the data of one household"
        if any(one.how == "type" for one in error.found):
            advice = "同一个标识只能是一样东西：给变了的另起一个标识", "one identifier stands for one thing: give what has changed another"  # fmt: skip
        typer.echo(f"  {teller.say(*advice)}", err=True)
        raise typer.Exit(BAD) from None
    except KeyboardInterrupt:
        line("中途停下，没有比完" if language == "zh" else "interrupted, not all is compared", sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if format is CompareFormat.json:
        line(json.dumps(teller.data(found, seed), ensure_ascii=False, indent=2, default=str))
    else:
        for sentence in teller.summary(found):
            line(sentence)
    if not found.equal:
        raise typer.Exit(FINDINGS)


def _loaded(path: Path, sheet: Path | None) -> Policies:
    policies = load(path)
    return policies if sheet is None else policies.with_parameters(sheet)


def _known(teller: _Teller, only: list[str]) -> None:
    """Refuses a name that neither rule set has."""
    rules = [measure.name for program in teller.programs for measure in program.measures.values()]
    rules += [versions[0].basis.name for program in teller.programs for versions in program.clauses.values()]
    names = {text for rule in rules for text in (rule.id, rule.zh, rule.en)}
    for name in only:
        if name not in names:
            typer.echo(f"--only: 没有叫 `{name}` 的待遇或条款 / no measure or clause is called so", err=True)
            raise typer.Exit(BAD)


class _Teller:
    """Says what each row came to as it is settled, and all of them at the end."""

    def __init__(
        self, old: ir.Program, new: ir.Program, size: Size, limit: float, language: Language, aloud: bool
    ) -> None:
        self.programs = (old, new)
        self.size, self.limit, self.language, self.aloud = size, limit, language, aloud

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def told(self, row: Row) -> None:
        if row.state == "equal" and row.side == "both":
            return
        out = None if self.aloud else sys.stderr
        line(self.verdict(row), out)
        for sentence in self.reasons(row) if self.aloud else ():
            line(f"    {sentence}")

    # -- one row

    def verdict(self, row: Row) -> str:
        kind = self.say(*KINDS[row.about])
        name = row.rule.label(self.language)
        ways = [self.say(*WAYS[row.about][shown.way]) for shown in row.shown]
        whose = self.entity(row) if row.about == "measure" else ""
        sides = {"both": ("", ""), "old": ("，已删去", ", removed"), "new": ("，新增", ", added")}
        found = self.say("、", ", ").join(ways)
        state = self.say(*STATES[row.state])
        return f"{state}  {kind} {name}{whose}{self.say(*sides[row.side])}{self.say('：', ': ') if found else ''}{found}"

    def entity(self, row: Row) -> str:
        entity = next(p.entities[row.entity] for p in self.programs if row.entity in p.entities)
        return self.say(f"（{entity.name.zh}）", f" ({entity.name.label('en')})")

    def reasons(self, row: Row) -> Iterator[str]:
        """What a row rests on, what it may yet come to, and the households that show it."""
        others = [node for node in row.behind if node != (row.about, row.rule.id)]
        if others:
            listed = self.say("、", ", ").join(map(self.named, others))
            yield self.say(f"所据有变：{listed}", f"rests on what has changed: {listed}")
        if row.side != "both" and row.state == "equal":
            yield self.say("在上限之内，没有一户因它不同", "no household within the bound is another for it")
        for shown in row.shown:
            yield self.say(*WAYS[row.about][shown.way]) + self.say("：", ":")
            yield from (f"  {sentence}" for sentence in self.table(row, shown))
        if row.open:
            yield self.open(row)
        elif row.shown and row.about == "measure" and row.side == "both":
            absent = [way for way in WAYS["measure"] if way not in {shown.way for shown in row.shown}]
            listed = self.say("、", ", ").join(self.say(*WAYS["measure"][way]) for way in absent)
            if absent:
                yield self.say(
                    f"在上限之内没有这样的户：{listed}", f"no household within the bound: {listed}"
                )

    def open(self, row: Row) -> str:
        listed = self.say("、", ", ").join(self.say(*WAYS[row.about][way]) for way in row.open)
        why = self.say(f"未能在 {self.limit:g} 秒内判定", f"not decided within {self.limit:g} s")
        if row.why.startswith("no form for"):
            what = row.why.removeprefix("no form for").strip()
            why = self.say(f"证明工具还不会处理 {what}", f"the prover has no form for {what}")
        elif row.why == "not asked":
            why = self.say("没有求解", "the solver was not asked")
        elif row.why == "unconfirmed":
            why = self.say(
                "找到一户，逐条重算没有得到同样的结果",
                "a household was found, but evaluating it does not bear it out",
            )
        return self.say(f"{listed}：{why}；抽样比较 {row.sampled} 户，没有见到",
                        f"{listed}: {why}; {row.sampled} households sampled, none seen")  # fmt: skip

    def named(self, node: Node) -> str:
        kind, ident = node
        label = ident
        for program in self.programs:
            declared: Any = {
                "measure": program.measures, "amount": program.measures, "define": program.defines,
                "parameter": program.parameters, "entity": program.entities,
            }.get(kind)  # fmt: skip
            if kind == "clause" and ident in program.clauses:
                label = program.clauses[ident][0].basis.name.label(self.language)
            elif declared is not None and ident in declared:
                label = declared[ident].name.label(self.language)
        return f"{self.say(*KINDS[kind])} {label}"

    def table(self, row: Row, shown: Shown) -> Iterator[str]:
        """The household as both read it, and both answers."""
        from policykit.comparing.moves import engine
        from policykit.explain.phrases import Phrases
        from policykit.proving.witnesses import left, rows, ruled, supposed

        sections: dict[str, dict[str, Any]] = {}
        subject = shown.subject
        for program, witness in zip(self.programs, (shown.old, shown.new), strict=True):
            one = engine(program, witness)
            assert one is not None  # it has been evaluated before it was shown
            words = Phrases(program, self.language, False, one.case)
            if shown.subject in one.case.index:
                subject = words.record(one.case.index[shown.subject])
            parts: tuple[tuple[str, Iterator[Any]], ...] = (
                ("", rows(words, one.case.root)),
                (self.say("本地参数（假设值）", "local parameters (supposed)"), supposed(words, witness)),
                (self.say("裁定和选择", "rulings and choices"), ruled(words, one)),
            )
            for title, found in parts:
                place: list[str] = []
                for each in found:
                    place = [*place[: each.depth], each.label]
                    sections.setdefault(title, {})[" ".join(place)] = each
        every = [each for section in sections.values() for each in section.values()]
        width = max((columns(left(each)) for each in every if each.value), default=0)
        yield self.say(f"评价日 {shown.old.on}", f"day asked for {shown.old.on}")
        for title, section in sections.items():
            if title:
                yield title
            for each in section.values():
                yield f"{padded(left(each), width)}  {each.value}" if each.value else left(each)
        answers = (("旧", "old", shown.before, 0), ("新", "new", shown.after, 1))
        for zh, en, answer, number in answers:
            whose = self.say(f"{zh}：", f"{en}: ") + subject
            yield f"{whose}{self.say('，', ', ')}{self.answer(row, answer, shown.subject, number)}"
        yield from self.following(row, shown)

    def following(self, row: Row, shown: Shown) -> Iterator[str]:
        """What a clause that only one of the two has does to the measures that it grants or excludes."""
        from policykit.comparing.moves import Row, answered, concerned, engine

        measures = [name for program in self.programs for name in concerned(program, row)]
        for name in dict.fromkeys(measures) if row.side != "both" else ():
            rule = next(p.measures[name].name for p in self.programs if name in p.measures)
            measure = Row("measure", rule, row.entity, "both")
            said_ = []
            for number, witness in enumerate((shown.old, shown.new)):
                one = engine(self.programs[number], witness)
                answer = None if one is None else answered(one, measure, shown.subject)
                if answer is None:
                    return
                said_.append(self.answer(measure, answer, shown.subject, number))
            label = f"{self.say(*KINDS['measure'])} {rule.label(self.language)}"
            if said_[0] != said_[1]:
                yield f"{label}{self.say('：', ': ')}{said_[0]} → {said_[1]}"

    def answer(self, row: Row, answer: Answer, path: str, number: int) -> str:
        if not answer.state:
            return self.say("没有这一条", "there is no such rule")
        fen = None if answer.amount is None else Fraction(answer.amount)
        expected = ir.Expectation(
            row.about, path, row.rule.id, answer.state, answer.form,
            fen, fen, answer.first_month, answer.months, answer.due,
            frozenset(), frozenset(), frozenset(), NOWHERE,
        )  # fmt: skip
        return said(self.programs[number], expected, self.language)

    def redeclared(self, one: Redeclared) -> str:
        name = self.say("的", ".").join(name.label(self.language) for name in one.names)
        return self.say(*REDECLARED[one.how]).format(self.say(f"“{name}”", f"“{name}”"))

    # -- all of them

    def summary(self, found: compare.Comparison) -> Iterator[str]:
        yield ""
        yield from map(self.redeclared, found.redeclared)
        for about in ("measure", "clause"):
            rows = [row for row in found.rows if row.about == about]
            counts = {state: sum(row.state == state for row in rows) for state in STATES}
            same = sum(not row.behind for row in rows)
            zh = f"{KINDS[about][0]} {len(rows)} 项：相同 {counts['equal']}（{same} 项所据的一处没改），"
            zh += f"不同 {counts['differs']}，未判定 {counts['not_decided']}"
            en = f"{about}s: {counts['equal']} of {len(rows)} equal ({same} rest on nothing that has changed), "
            en += f"{counts['differs']} differ, {counts['not_decided']} not decided"
            yield self.say(zh, en)
        within = bound(self.size, found.first, found.last, self.language)
        if found.equal:
            yield self.say(f"两套规则相同：{within} 之内的每一户，结果都一样",
                           f"The two are equal: every household within {within} gets the same answers")  # fmt: skip
        else:
            yield self.say(
                f"上限之外的户没有比较：{within}", f"Nothing is claimed beyond the bound: {within}"
            )

    def data(self, found: compare.Comparison, seed: int) -> dict[str, Any]:
        return {
            "equal": found.equal,
            "bound": {
                "members": found.size.members,
                "entries": found.size.entries,
                "first": str(found.first),
                "last": str(found.last),
            },
            "limit": self.limit,
            "seed": seed,
            "redeclared": [{"names": [n.id for n in one.names], "how": one.how} for one in found.redeclared],
            "rows": [self.one(row) for row in found.rows],
        }

    def one(self, row: Row) -> dict[str, Any]:
        return {
            "about": row.about,
            "rule": row.rule.id,
            "label": row.rule.label(self.language),
            "entity": row.entity,
            "side": row.side,
            "state": row.state,
            "behind": [{"kind": kind, "rule": rule} for kind, rule in row.behind],
            "open": list(row.open),
            "why": row.why,
            "sampled": row.sampled,
            "shown": [
                {
                    "way": shown.way,
                    "subject": shown.subject,
                    "before": _plainly(shown.before),
                    "after": _plainly(shown.after),
                    "old": household(shown.old),
                    "new": household(shown.new),
                }
                for shown in row.shown
            ],
        }


def _plainly(answer: Answer) -> dict[str, Any]:
    """An answer as data; amounts in fen."""
    return {
        "state": answer.state,
        "form": answer.form,
        "fen": answer.amount,
        "first_month": answer.first_month and str(answer.first_month),
        "months": answer.months,
        "due": answer.due and str(answer.due),
    }
