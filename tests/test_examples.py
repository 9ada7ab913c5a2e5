"""The households in examples/: each comes to what was worked out by hand, and the laws hold over all of them.

What is expected stands in expected/examples.toml. Every variant of a household is evaluated once and remembered.
"""

import json
import os
import random
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import policykit
from policykit import Decision, PolicyError, Result
from policykit.loader import load_bundled
from policykit.records import read_case
from policykit.rulings import read_rulings

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
EXPECTED = tomllib.loads((ROOT / "tests/expected/examples.toml").read_text("utf-8"))
CASES: list[dict[str, Any]] = EXPECTED["example"]
NAMES = [f"{case['file']} on {case['on']} with {Path(case['sheet']).stem}" for case in CASES]
FILES = sorted({case["file"] for case in CASES})

every_case = pytest.mark.parametrize("case", CASES, ids=NAMES)

# How many removals of a key each example is put to in the default run; `large` tries them all.
SAMPLE = 12


@cache
def raw(file: str) -> str:
    return (EXAMPLES / f"{file}.json").read_text("utf-8")


def household(case: Mapping[str, Any]) -> dict[str, Any]:
    """The household of a case, as a fresh mapping."""
    found: dict[str, Any] = json.loads(raw(case["file"]))
    return found


def evaluated(household: Mapping[str, Any], on: date, sheet: str | None) -> Result:
    return policykit.evaluate(household, on=on, parameters=ROOT / sheet if sheet else None)


@cache
def from_file(file: str, on: date, sheet: str | None) -> Result:
    """The result of a file as it stands, through the door that the command line uses."""
    return policykit.evaluate(EXAMPLES / f"{file}.json", on=on, parameters=ROOT / sheet if sheet else None)


def result(case: Mapping[str, Any]) -> Result:
    return from_file(case["file"], case["on"], case["sheet"])


def without_sheet(case: Mapping[str, Any]) -> Result:
    return from_file(case["file"], case["on"], None)


def outcomes(found: Result) -> dict[tuple[str, str], frozenset[str]]:
    """What remains possible for each measure and subject."""
    return {(d.measure, d.subject): frozenset(d.outcomes) for d in found.decisions}


def asked(decision: Decision) -> list[str]:
    """What a decision waits for, each with its place: `members[0].employment_cost`."""
    return sorted(f"{gap.path}.{gap.name}" if gap.path else gap.name for gap in decision.missing)


# ---- each example ------------------------------------------------------------------------------------------------------


def test_every_example_is_expected_and_every_expectation_has_its_example() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.json")) == FILES


@every_case
def test_the_decisions_are_those_worked_out_by_hand(case: dict[str, Any]) -> None:
    found = {(d.measure, d.subject): d for d in result(case).decisions}
    expected = {(want["measure"], want["subject"]): want for want in case["decisions"]}
    assert expected.keys() <= found.keys()
    for key, decision in found.items():
        want = expected.get(key, {"outcome": "not_covered"})
        seen = shown(decision, want)
        assert seen == {name: want[name] for name in seen}, key
        assert set(want.get("missing", [])) <= set(asked(decision)), key


def shown(decision: Decision, want: Mapping[str, Any]) -> dict[str, Any]:
    """What a decision says on each point that is expected of it."""
    amount = decision.amount
    points: dict[str, Any] = {
        "outcome": decision.outcome,
        "outcomes": list(decision.outcomes),
        "flags": list(decision.flags),
        "clauses": list(decision.clauses),
        "superseded_by": list(decision.superseded_by),
        "alternatives": list(decision.alternatives),
        "only_missing": asked(decision),
        "form": amount and amount.form,
        "fen": amount and amount.fen,
        "parts": amount and dict(amount.parts),
        "options": amount and [fen for _, fen in amount.options],
        "first": amount and amount.first_month,
        "months": amount and amount.months,
        "total": amount and amount.total_fen,
    }
    return {name: points[name] for name in want.keys() & points.keys()}


@every_case
def test_only_what_is_granted_or_open_has_an_amount(case: dict[str, Any]) -> None:
    for decision in result(case).decisions:
        if not {"granted", "discretionary"} & set(decision.outcomes):
            assert decision.amount is None, decision


@every_case
def test_the_verdicts_are_those_expected(case: dict[str, Any]) -> None:
    found = {(v.clause, v.subject): v.state for v in result(case).verdicts}
    for line in case.get("verdicts", []):
        clause, subject, state = line.split()
        assert found.get((clause, subject), "no verdict") == state, line


@every_case
def test_duties_bans_records_and_notes_are_those_expected(case: dict[str, Any]) -> None:
    found = result(case)
    seen = {
        "duties": [f"{d.clause} {d.subject} {d.state}" for d in found.duties if d.exists != "no"],
        "bans": [f"{b.clause} {b.subject} {b.holds}" for b in found.prohibitions],
        "records": [f"{r.clause} {r.subject} {r.holds}" for r in found.records],
        "notes": [f"{n.note} {n.subject}{' urgent' if n.urgent else ''}" for n in found.notes],
    }
    assert {kind: sorted(lines) for kind, lines in seen.items()} == {
        kind: sorted(case.get(kind, [])) for kind in seen
    }


@every_case
def test_nothing_was_wrong_with_the_input(case: dict[str, Any]) -> None:
    found = result(case)
    assert not found.errors
    assert not found.notes_on_input
    assert all(decision.within_budget for decision in found.decisions)


@every_case
def test_a_result_says_which_example_sheet_it_used(case: dict[str, Any]) -> None:
    sheet = (ROOT / case["sheet"]).read_text("utf-8")
    assert sheet.startswith("# 虚构示例")
    assert result(case).example_sheets
    assert all(name in sheet for name in result(case).example_sheets)


def test_the_sheets_beside_the_examples_differ_from_ps1_only_where_they_say_so() -> None:
    def settings(path: str) -> set[str]:
        lines = (ROOT / path).read_text("utf-8").splitlines()
        return {line for line in lines if line.startswith("设 ")}

    ps1 = settings("policies/parameters/ps1.rules")
    assert settings("examples/parameters-without-deduction.rules") ^ ps1 == {
        "设 就业成本扣减 = 工资性年收入 × 20 %",
        "设 就业成本扣减 = 未设",
    }
    assert settings("examples/parameters-2021.rules") ^ ps1 == {
        "设 农村低保标准 = 600 元/人·月 2020-01-01 起 至 2020-12-31",
        "设 农村低保标准 = 650 元/人·月 2021-01-01 起 至 2021-12-31",
        "设 低保金计算方式 = 差额 2021-07-01 起 至 2021-12-31",
        "设 刚性支出扣减 = 刚性年支出 × 50 %",
        "设 认定重特大疾病 = 有 医疗救助 满足 (重特大疾病)",
        "设 规定的其他困难人员 = 否",
        "设 就业渐退月数 = 未设",
        "设 分档低保金 = 未设",
        "设 单人分档低保金 = 未设",
        "设 上年人均可支配收入 = 15000 元/年 2021-01-01 起 至 2021-12-31",
    }


def test_the_table_of_examples_is_whole() -> None:
    """Each file has its row in the README, with the day and the sheet it is meant for."""
    text = (EXAMPLES / "README.md").read_text("utf-8")
    for case in CASES:
        command = (
            f"policykit evaluate examples/{case['file']}.json --on {case['on']} --parameters {case['sheet']}"
        )
        assert command in text


# ---- the laws -----------------------------------------------------------------------------------------------------------


def removals(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every key in a household whose removal takes information away; comments and rulings stay."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not key.startswith("_") and key not in ("备注", "裁量"):
                yield (*path, key)
                yield from removals(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from removals(inner, (*path, index))


def removed(household: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """The household without one key."""
    holder: Any = household
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return household


def sampled(case: Mapping[str, Any], count: int | None) -> list[tuple[str | int, ...]]:
    """All removals of an example, or some of them, always the same."""
    found = list(removals(household(case)))
    return found if count is None else random.Random(case["file"]).sample(found, min(count, len(found)))


def assert_less_known_means_more_possible(
    case: Mapping[str, Any], paths: list[tuple[str | int, ...]]
) -> None:
    """A(h') ⊆ A(h) where h' is the whole household and h lacks a key: no decided answer was wrong."""
    whole = outcomes(result(case))
    for path in paths:
        try:
            less = outcomes(evaluated(removed(household(case), path), case["on"], case["sheet"]))
        except PolicyError as error:
            fields = [str(step) for step in path if isinstance(step, str)]
            assert all(d.where for d in error.diagnostics)
            # a reference without the mark it points to, or a list that says neither what it holds nor that it is unknown
            assert fields[-1] in ("编号", "姓名", "未知"), (path, str(error))
            continue
        for key, now in less.items():
            assert whole[key] <= now, (path, key, sorted(whole[key]), sorted(now))
        if path != ("成员",):
            assert less.keys() == whole.keys(), path


@every_case
def test_a_fact_taken_out_never_turns_a_grant_into_a_refusal(case: dict[str, Any]) -> None:
    assert_less_known_means_more_possible(case, sampled(case, SAMPLE))


@pytest.mark.large
@every_case
def test_no_fact_taken_out_turns_a_grant_into_a_refusal(case: dict[str, Any]) -> None:
    """Every key of every example in `make soak`, three dozen of each in `make large`."""
    most = None if int(os.environ.get("POLICYKIT_LARGE") or 0) >= 3 else 3 * SAMPLE
    assert_less_known_means_more_possible(case, sampled(case, most))


@every_case
def test_no_healthy_member_is_refused_dibao_as_a_person(case: dict[str, Any]) -> None:
    members = household(case)["成员"]
    for index, member in enumerate(members):
        healthy = (
            member["残疾等级"] == "无"
            and member["患重病"] == "否"
            and not any(aid["重特大疾病"] != "否" for aid in member["医疗救助"])
        )
        if healthy:
            decision = result(case).decision("dibao", f"members[{index}]")
            assert "refused" not in decision.outcomes, decision


@every_case
def test_no_household_that_never_asked_to_leave_is_refused_the_exit_payment(case: dict[str, Any]) -> None:
    asked_to_leave = any(one["申请事项"] == "主动退出" for one in household(case)["申请"])
    decision = result(case).decision("exit_payment")
    if not asked_to_leave:
        assert decision.outcomes == ("not_covered",)


@every_case
def test_without_a_sheet_nothing_that_needs_a_parameter_is_decided(case: dict[str, Any]) -> None:
    found = without_sheet(case)
    assert found.example_sheets == ()
    with_sheet = outcomes(result(case))
    for key, now in outcomes(found).items():
        assert with_sheet[key] <= now, key
    for decision in found.decisions:
        names = {gap.name for gap in decision.missing}
        by_standard = {"interim_article_9", "single_person_coverage", "interim_article_14"} & set(
            decision.clauses
        )
        if decision.outcome == "undetermined" and by_standard:
            assert "rural_dibao_standard" in names, decision
        amount = decision.amount
        if amount is not None and amount.fen is not None:
            # an amount from an award record needs no sheet; every other one rests on a parameter
            assert decision.clauses in (("phase_out",), ("voluntary_exit",)), decision


@every_case
def test_a_household_granted_by_income_is_undetermined_without_a_sheet(case: dict[str, Any]) -> None:
    for decision in result(case).decisions:
        income_decides = {"interim_article_9", "single_person_coverage"} & set(decision.clauses)
        if decision.measure == "dibao" and decision.outcome == "granted" and income_decides:
            bare = without_sheet(case).decision("dibao", decision.subject)
            assert set(bare.outcomes) > {"granted"} or bare.amount is None or bare.amount.fen is None
            assert "rural_dibao_standard" in {gap.name for gap in bare.missing}


@every_case
def test_the_order_of_members_does_not_matter(case: dict[str, Any]) -> None:
    data = household(case)
    count = len(data["成员"])
    turned = {**data, "成员": data["成员"][::-1]}
    other = {f"members[{i}]": f"members[{count - 1 - i}]" for i in range(count)}

    def renamed(path: str) -> str:
        head, dot, rest = path.partition(".")
        return other.get(head, head) + dot + rest

    def facts(found: Result, rename: Any) -> list[Any]:
        return sorted(
            (
                d.measure, rename(d.subject), d.outcomes, d.flags, d.clauses, d.superseded_by, d.alternatives, d.amount,
                sorted((rename(gap.path), gap.name, gap.kind, gap.cause) for gap in d.missing),
            )
            for d in found.decisions
        )  # fmt: skip

    def rest(found: Result, rename: Any) -> list[Any]:
        return sorted(
            [("verdict", v.clause, rename(v.subject), v.state, v.blocked_by) for v in found.verdicts]
            + [("duty", d.clause, rename(d.subject), d.exists, d.state) for d in found.duties]
            + [("ban", b.clause, rename(b.subject), b.holds) for b in found.prohibitions]
            + [("record", r.clause, rename(r.subject), r.holds) for r in found.records]
            + [("note", n.note, rename(n.subject)) for n in found.notes],
            key=str,
        )

    found = evaluated(turned, case["on"], case["sheet"])
    assert facts(found, renamed) == facts(result(case), str)
    assert rest(found, renamed) == rest(result(case), str)


@every_case
def test_english_keys_and_values_mean_the_same(case: dict[str, Any]) -> None:
    """A household under ASCII identifiers comes to the same answer as under Chinese labels."""
    english = translated(household(case))
    assert outcomes(evaluated(english, case["on"], case["sheet"])) == outcomes(result(case))


@cache
def identifiers() -> dict[str, str]:
    """Keys that mean one identifier whatever the record; the others stay as they are."""
    program = load_bundled().program
    words: dict[str, set[str]] = {}
    for entity in program.entities.values():
        facts = [fact.name for fact in entity.facts.values()]
        lists = [one.name for one in entity.lists.values()]
        for name in facts + lists:
            words.setdefault(name.zh, set()).add(name.id)
    marks = {
        "值": "value",
        "来源": "source",
        "日期": "date",
        "判断人": "by",
        "理由": "reason",
        "未知": "unknown",
    }
    marks |= {"编号": "id", "引用": "ref", "户": "household", "裁量": "rulings"}
    return {zh: ids.pop() for zh, ids in words.items() if len(ids) == 1} | marks


@cache
def labels() -> dict[str, str]:
    """Labels that mean one identifier whatever the choice."""
    found: dict[str, set[str]] = {}
    for choice in load_bundled().program.choices.values():
        for option in choice.options:
            found.setdefault(option.name.zh, set()).add(option.name.id)
    return {zh: ids.pop() for zh, ids in found.items() if len(ids) == 1}


def translated(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            identifiers().get(key, key): inner
            if key in ("裁量", "来源", "理由", "未知", "编号", "引用")
            else translated(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [translated(inner) for inner in value]
    return labels().get(value, value) if isinstance(value, str) else value


@every_case
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_explanation_quotes_every_clause_that_decides(case: dict[str, Any], language: Any) -> None:
    found = result(case)
    text = found.explain(language)
    program = found.policies.program
    for decision in found.decisions:
        for name in decision.clauses:
            for clause in program.clauses[name]:
                if clause.period.holds(case["on"]):
                    for cite in clause.basis.cites:
                        assert cite.quote in text, (name, cite.quote)


def test_the_household_chooses_for_all_and_no_member_for_himself() -> None:
    """互斥 低保与退出 由 户 选择: a member who could choose would take the others' dibao away."""
    program = load_bundled().program
    case = read_case(program, {"members": [{"id": "甲"}]}, date(2020, 6, 10))
    chosen = {"exclusive": "dibao_or_exit", "measure": "dibao", "date": "2020-06-01", "by": "户主"}
    _, elections, errors = read_rulings(program, case, [chosen | {"subject": "members[0]"}])
    assert (elections, [error.code for error in errors]) == ((), ["G004"])
    _, elections, errors = read_rulings(program, case, [chosen])
    assert [one.subject for one in elections] == [case.root] and errors == ()
