"""What would grant a measure or end it, and who stands close to a line.

Sums are worked out by hand beside each test. S = 600 yuan a person and month, 20 % of wages deducted (sheet PS-1, whose
figures are invented).
"""

import itertools
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import strategies
from conftest import LARGE
from typer.testing import CliRunner

import policykit
from policykit import ir
from policykit.app.cli import app
from policykit.asking import lines, near
from policykit.engine.interpreter import Interpreter
from policykit.facts import Case, Given
from policykit.loader import load_text
from policykit.values import Month, Options, Subset, exactly

ROOT = Path(__file__).parent.parent
PS1 = ROOT / "policies/parameters/ps1.rules"
ON = date(2020, 6, 10)


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / f"examples/{name}.json").read_text("utf-8"))
    return found


def bundled(household: dict[str, Any], on: date = ON) -> policykit.Result:
    return policykit.evaluate(household, on=on, parameters=PS1)


def moves(found: near.Near) -> list[list[tuple[str, str, Any, Any]]]:
    return [[(one.path, one.fact, one.old, one.new) for one in answer.moved] for answer in found.answers]


# ---- refusals of the bundled policies, by hand -----------------------------------------------------------------------


def test_exactly_at_the_line_one_fen_a_year_less_grants() -> None:
    """(18000×0.8 + 7200)/12/3 = 600 = S, and 低于 is strict. A fen less on either sum: 599.9998 or 599.9997 a head, and
    the payment 1800 − 1799.999… rounds to 0.00."""
    found = bundled(example("at-the-line-new")).why_not("dibao", "household")
    assert (found.outcome, found.state) == ("refused", "found")
    assert moves(found) == [
        [("members[0].income_items[0]", "annual_amount", 1_800_000, 1_799_999)],
        [("members[0].income_items[1]", "annual_amount", 720_000, 719_999)],
    ]
    for answer in found.answers:
        assert answer.outcome == "granted"
        assert answer.clauses == ("prompt_inclusion", "interim_article_9")
        assert (answer.form, answer.fen) == ("monthly", 0)
        assert answer.distance == Fraction(1, 120_000)  # one fen a year, of 100 yuan a month
    (crossed,) = found.answers[1].crossed
    # 7199.99 a year less than 7200 by one fen: 2159999/36 fen a head
    assert (crossed.path, crossed.before, crossed.after) == ("household", 60_000, Fraction(2_159_999, 36))
    assert (crossed.line, crossed.holds) == (60_000, True)


def test_far_over_the_line_the_sum_that_is_too_much() -> None:
    """c03: 30300×0.8 + 12000 + 1200 = 37440 a year; the line is 600×4×12 = 28800, so 8640 too much, and a fen.
    Of wages it takes 8640.01/0.8 = 10800.0125, so 10800.01 falls short by 0.002 of a fen… 10800.01×0.8 = 8640.008 > 8640.
    The son's 1200 cannot give 8640."""
    found = bundled(example("c03-single-person")).why_not("低保", "household")
    assert moves(found) == [
        [("members[1].income_items[0]", "annual_amount", 1_200_000, 335_999)],
        [("members[0].income_items[0]", "annual_amount", 3_030_000, 1_949_999)],
    ]
    assert found.answers[0].clauses == ("prompt_inclusion", "whole_household_coverage", "interim_article_9")


def test_one_income_over_the_line() -> None:
    """c22d: two persons, 30000×0.8 = 24000 a year; the line 600×2×12 = 14400; 14400/0.8 = 18000."""
    found = bundled(example("c22d-blind-not-poor")).why_not("dibao", "household")
    assert moves(found) == [[("members[1].income_items[0]", "annual_amount", 3_000_000, 1_799_999)]]


def test_property_alone_stands_in_the_way() -> None:
    """c01 is below the line: (9600×0.8 + 3000)/12 = 890 < 1800. With property not in order only that is missing, and
    the payment is then 910.00."""
    household = example("c01-whole-household")
    household["财产符合"] = "否"
    found = bundled(household).why_not("dibao", "household")
    assert moves(found) == [[("household", "property_ok", False, True)]]
    assert found.answers[0].fen == 910_00
    assert found.answers[0].crossed == ()


def test_two_facts_stand_in_the_way() -> None:
    """Property not in order and one fen too much: one change does not do, two do."""
    household = example("at-the-line-new")
    household["财产符合"] = "否"
    found = bundled(household).why_not("dibao", "household")
    assert found.state == "found"
    assert [sorted(fact for _, fact, _, _ in way) for way in moves(found)] == 2 * [
        ["annual_amount", "property_ok"]
    ]
    assert [answer.distance for answer in found.answers] == 2 * [1 + Fraction(1, 120_000)]


def test_nothing_that_can_change_grants_where_age_decides() -> None:
    """The son of ten has parents who are able; he is no 特困, and no fact that can change makes him one."""
    result = bundled(example("at-the-line-new"))
    found = result.why_not("tekun", "members[2]")
    assert (found.outcome, found.state, found.answers) == ("refused", "none", ())
    text = result.explain_near(found)
    assert "年龄" in text and "如果" not in text


def test_what_others_find_comes_with_who_must_find_it() -> None:
    """c22c: hearing grade 4. The nursing subsidy asks for grade 1 or 2 and for long-term care (60.00 a month in PS-1):
    both are personal, and neither alone does. The grade moves two labels, the care one: three steps."""
    result = bundled(example("c22c-hearing-grade-four"))
    found = result.why_not("nursing_subsidy", "members[0]")
    assert moves(found) == [
        [
            ("members[0]", "disability_grade", "grade_4", "grade_2"),
            ("members[0]", "needs_long_term_care", False, True),
        ]
    ]
    assert found.answers[0].distance == 3
    assert found.answers[0].fen == 60_00
    assert found.answers[0].moved[1].judge
    assert "不能自己填写" in result.explain_near(found)


def test_the_body_of_somebody_else_is_never_supposed() -> None:
    """c07: the son is no 特困 as his parents are able; that they were disabled is not offered."""
    found = bundled(example("c07-phase-out"), date(2020, 6, 20)).why_not("tekun", "members[2]")
    assert (found.state, found.answers) == ("none", ())


def test_a_child_dies_for_nobody() -> None:
    """Kinship, deaths and prison are never changed, whatever is asked."""
    result = bundled(example("tekun-child"))
    case = result.trace.case
    facts = {name for _, name in near.changeable(result.trace.program, case, "members[0]")}
    assert not facts & {
        "birth_date",
        "relation_to_applicant",
        "parent_circumstances",
        "special_circumstances",
    }
    assert not facts & {"applied_on", "decided_on", "finding", "income_kind", "name", "head_name"}


# ---- grants, undetermined, covered ---------------------------------------------------------------------------------------


def test_what_ends_a_grant() -> None:
    """c25: two persons, 6000 + 3600 = 9600 a year, the line 14400: 4800 more on either ends it, at the line itself;
    before that in steps: property or registration (one), then 4800/12/100 = 4."""
    found = bundled(example("c25-outside-the-named-groups")).what_ends("dibao", "household")
    assert moves(found) == [
        [("household", "property_ok", True, False)],
        [("household", "rural_registration", True, False)],
        [("members[0].income_items[0]", "annual_amount", 600_000, 1_080_000)],
        [("members[1].income_items[0]", "annual_amount", 360_000, 840_000)],
    ]
    assert [answer.distance for answer in found.answers] == [1, 1, 4, 4]
    # registration is scope: of whom it is not true no clause speaks
    assert [answer.outcome for answer in found.answers] == ["refused", "not_covered", "refused", "refused"]


def test_phase_out_does_not_end_with_income() -> None:
    """c10: in phase-out; less income would grant dibao itself, more changes nothing, property is no ground by itself."""
    found = bundled(example("c10-phase-out-and-exit")).what_ends("dibao", "household")
    assert (found.outcome, found.state) == ("granted", "none")


def test_an_open_answer_is_for_asking() -> None:
    result = bundled(example("facts-missing"))
    found = result.why_not("dibao", "household")
    assert (found.state, found.answers) == ("open", ())
    assert found.missing
    assert result.what_ends("dibao", "household").state == "open"


def test_covered_by_another_grant_is_no_refusal() -> None:
    result = bundled(example("c04-household-before-person"))
    decision = next(d for d in result.decisions if d.measure == "dibao" and d.outcome == "superseded")
    assert result.why_not("dibao", decision.subject).state == "covered"
    assert result.why_not("dibao", "household").state == "settled"
    assert result.what_ends("dibao", decision.subject).state == "settled"


def test_what_hangs_on_an_unset_parameter_says_so() -> None:
    """c22d: the living subsidy is for the not yet lifted; for those lifted the county has not said. Not yet lifted is
    sure and one label away, so it is what is shown."""
    found = bundled(example("c22d-blind-not-poor")).why_not("living_subsidy", "members[0]")
    assert [way[0][:3] for way in moves(found)] == [("household", "household_status", "ordinary")]
    # the sheet sets 80.00 for grade 1
    (answer,) = found.answers
    assert (answer.outcome, answer.fen, answer.missing) == ("granted", 80_00, ())
    assert answer.moved[0].new in ("registered_poor", "returned_to_poverty")


def test_every_change_shown_is_confirmed_on_the_household_as_given() -> None:
    """Put into the data and evaluated from the start, each change grants."""
    for name, member, entry, grants, refused in (
        ("at-the-line-new", 0, 0, "17999.99", "18000"),
        ("c22d-blind-not-poor", 1, 0, "17999.99", "18000"),
        ("c03-single-person", 1, 0, "3359.99", "3360"),
    ):
        for amount, outcome in ((grants, "granted"), (refused, "refused")):
            household = example(name)
            household["成员"][member]["收入项"][entry]["年金额"] = amount
            assert bundled(household).decision("dibao", "household").outcome == outcome


# ---- a small rule set ---------------------------------------------------------------------------------------------------

SMALL = """语言 1
政策 试 (trial)
文本 文 (doc) 未收录
选项 等级 (grade) 由重到轻：一级 (g1)、二级 (g2)、三级 (g3)、四级 (g4)
实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 8 个
实体 人 (person) 计 人
事实 人.生日 (birth)：日期
    范围：1900-01-01 至 今日
    不可变
事实 人.等级 (level)：选项 等级
事实 人.到期 (until)：日期
事实 人.收入 (income)：金额 元/月
    范围：0 元/月 至 100000 元/月
事实 人.患病 (ill)：是否
    须凭据：「医院证明」
事实 人.困难 (hardship)：是否
    须判断：「村」
待遇 老年金 (pension) 对每个 人
待遇 等级金 (graded) 对每个 人
待遇 到期金 (dated) 对每个 人
待遇 病金 (sick) 对每个 人
待遇 难金 (hard) 对每个 人
待遇 裁金 (may) 对每个 人
"""


def small(rule: str) -> policykit.Policies:
    head = "条款 甲条 (clause_a)\n    依据：文 第一条\n    对每个 人\n"
    return load_text(SMALL + head + "\n".join(f"    {line}" for line in rule.split("；")) + "\n")


PERSON = {
    "birth": "1960-06-11", "level": "四级", "until": "2020-06-01", "income": 700,
    "ill": "否", "hardship": {"value": "否", "by": "村", "date": "2020-06-01", "reason": "看过"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "measure", "way", "distance", "outcome"),
    [
        # one day short of 60: only the birth date would do
        ("条件：周岁(生日, 今日) 不低于 60 周岁；给予：老年金，每月 5 元/月", "pension", None, None, ""),
        # from grade 4 to grade 2: two labels
        (
            "条件：等级 为 二级 以上；给予：等级金，每月 5 元/月",
            "graded",
            ("level", "g4", "g2"),
            2,
            "granted",
        ),
        # nine days later is today
        (
            "条件：到期 不早于 今日；给予：到期金，每月 5 元/月",
            "dated",
            ("until", date(2020, 6, 1), date(2020, 6, 10)),
            Fraction(9, 30),
            "granted",
        ),
        # either the paper or the income: what can change goes first, though it is further
        (
            "条件：患病 或者 收入 低于 1 元/月；给予：病金，每月 5 元/月",
            "sick",
            ("income", 70_000, 99),
            Fraction(69_901, 10_000),
            "granted",
        ),
        ("条件：患病；给予：病金，每月 5 元/月", "sick", ("ill", False, True), 1, "granted"),
        ("条件：困难；给予：难金，每月 5 元/月", "hard", ("hardship", False, True), 1, "granted"),
        # a may-clause: it comes before the approver
        (
            "条件：收入 不超过 600 元/月；可给予：裁金，每月 5 元/月",
            "may",
            ("income", 70_000, 60_000),
            1,
            "discretionary",
        ),
    ],
)
def test_small_rules(
    rule: str, measure: str, way: tuple[str, Any, Any] | None, distance: Any, outcome: str
) -> None:
    result = policykit.evaluate({"members": [PERSON]}, small(rule), on=ON)
    found = result.why_not(measure)
    if way is None:
        assert found.state == "none"
        return
    (answer,) = found.answers
    (moved,) = answer.moved
    assert (moved.fact, moved.old, moved.new) == way
    assert (answer.distance, answer.outcome) == (distance, outcome)


def test_a_tick_without_its_paper_is_not_offered() -> None:
    result = policykit.evaluate({"members": [PERSON]}, small("条件：患病；给予：病金，每月 5 元/月"), on=ON)
    found = result.why_not("sick")
    assert found.answers[0].moved[0].paper == "医院证明"
    assert "须有医院证明，只打勾不算" in result.explain_near(found)


def test_a_refusal_by_the_approver_turns_on_no_fact() -> None:
    ruling = {"clause": "clause_a", "date": "2020-06-05", "by": "镇", "decline": True}
    rules = small("条件：收入 不超过 900 元/月；可给予：裁金，每月 5 元/月")
    result = policykit.evaluate({"members": [PERSON]}, rules, on=ON, rulings=[ruling])
    assert result.decision("may").outcome == "refused"
    assert result.why_not("may").state == "none"


def test_unknown_facts_are_no_change() -> None:
    """The income is too much whatever the level is; with it changed the answer still waits for the level."""
    rules = small("条件：等级 为 二级 以上 并且 收入 不超过 600 元/月；给予：等级金，每月 5 元/月")
    known = {key: value for key, value in PERSON.items() if key != "level"}
    result = policykit.evaluate({"members": [known]}, rules, on=ON)
    found = result.why_not("graded")
    (answer,) = found.answers
    assert [one.fact for one in answer.moved] == ["income"]
    assert answer.outcome == "undetermined"
    assert [gap.name for gap in answer.missing] == ["level"]
    assert "才有可能符合" in result.explain_near(found)


# ---- words, data, bad input -------------------------------------------------------------------------------------------------


def test_words_in_both_languages() -> None:
    result = bundled(example("c22d-blind-not-poor"))
    found = result.why_not("dibao", "household")
    zh, en = result.explain_near(found), result.explain_near(found, "en")
    assert (
        "年金额由 30,000.00 元/年 变为 17,999.99 元/年（少 12,000.01 元/年），就符合整户保、低保第九条" in zh
    )
    assert "人均月收入由 1,000.00 元/人·月 变为 ≈ 599.9997 元/人·月，低于农村低保标准 600.00 元/人·月" in zh
    assert "17,999.99 yuan/year instead of 30,000.00 yuan/year" in en


def test_the_explanation_ends_with_it_only_when_asked() -> None:
    result = bundled(example("c22d-blind-not-poor"))
    plain, more = result.explain(), result.explain(near=True)
    assert "差在哪里" not in plain
    assert more.startswith(plain.rstrip("\n"))
    assert "差在哪里（只说明规定取决于什么，不是决定）" in more
    assert "差在哪里" in result.to_html(near=True)


def test_masked_it_tells_no_name_and_no_sensitive_value() -> None:
    text = bundled(example("c22c-hearing-grade-four")).explain(mask=True, near=True)
    tail = text[text.index("差在哪里") :]
    assert "残疾等级有变化" in tail
    assert "秦示例" not in tail and "四级" not in tail


def test_it_is_plain_data() -> None:
    data = json.loads(json.dumps(bundled(example("c22d-blind-not-poor")).near_data()))
    (dibao,) = [one for one in data if one["measure"] == "dibao"]
    assert dibao["answers"][0]["moved"][0]["new"] == 1_799_999
    assert dibao["answers"][0]["crossed"][0]["after"] == "1799999/30"  # 1799999 fen × 0.8 / 12 / 2


def test_bad_input() -> None:
    with pytest.raises(KeyError):
        bundled(example("c22d-blind-not-poor")).why_not("没有的")
    with pytest.raises(KeyError):
        bundled(example("c22d-blind-not-poor")).what_ends("dibao", "没有的人")


def test_rules_that_are_not_loaded_yet() -> None:
    with pytest.raises(TypeError, match=r"policykit\.load"):
        policykit.evaluate(example("c22d-blind-not-poor"), "policies/", on=ON)  # type: ignore[arg-type]


def test_without_the_solver_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['z3'] = None\n"
        "from datetime import date\nimport policykit\n"
        f"r = policykit.evaluate({str(ROOT / 'examples/c22d-blind-not-poor.json')!r}, on=date(2020, 6, 10))\n"
        "print(len(r.explain()) > 0)\n"
        "try:\n    r.explain(near=True)\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("True\n") and "policykit[prove]" in run.stdout


def test_on_the_command_line() -> None:
    args = ["evaluate", str(ROOT / "examples/c22d-blind-not-poor.json"), "--on", "2020-06-10", "--parameters"]
    run = CliRunner().invoke(app, [*args, str(PS1), "--near"])
    assert run.exit_code == 0 and "差在哪里" in run.output
    run = CliRunner().invoke(app, [*args, str(PS1), "--near", "--format", "json"])
    assert json.loads(run.output)["near"][0]["state"] in ("found", "none")


# ---- against brute force ----------------------------------------------------------------------------------------------------

DAYS = [date(2004, 6, day) for day in range(9, 13)]
VALUES: dict[str, list[Any]] = {
    "gross": [0, 1, 2, 3], "deducted": [0, 1, 2, 3], "income": [0, 1, 2, 3], "stayed": [0, 1, 2],
    "debt": [None, 0, 1, 2], "birth": DAYS, "since": [Month(2020, month) for month in (5, 6, 7)],
    "level": ["g1", "g2", "g3"], "severity": [None, "g1", "g2", "g3"],
    "plight": [frozenset(), frozenset({"k1"}), frozenset({"k2"}), frozenset({"k1", "k2"})],
}  # fmt: skip
Way = tuple[tuple[tuple[str, str], Any], ...]


def known(name: str, plain: Any) -> Any:
    return Options(frozenset([None])) if plain is None and name == "severity" else exactly(plain)


def steps(name: str, old: Any, new: Any) -> Fraction:
    """The distance as docs/near.md says it."""
    match old, new:
        case frozenset(), frozenset():
            return Fraction(len(old ^ new))
        case (None, _) | (_, None) | (bool(), _):
            return Fraction(1)
        case str(), str():
            return Fraction(abs(int(old[1]) - int(new[1])))
        case date(), date():
            return Fraction(abs((old - new).days), 30)
        case Month(), Month():
            return Fraction(abs(old.minus(new)))
    return Fraction(abs(old - new), 1 if name == "stayed" else 10_000)


def plain(given: Given) -> Any:
    value = given.value
    return value.must if isinstance(value, Subset) else value.value if value is not None else None


def tried(
    program: ir.Program,
    case: Case,
    events: Any,
    measure: str,
    path: str,
    cells: list[tuple[str, str]],
    most: int,
) -> Iterator[tuple[Way, frozenset[str]]]:
    """Every change of just so many facts, with the outcomes it leads to."""
    for those in itertools.combinations(cells, most):
        olds = [plain(case.index[p].facts[name]) for p, name in those]
        options = [
            [v for v in VALUES.get(name, [True, False]) if v != old]
            for (_, name), old in zip(those, olds, strict=True)
        ]
        for values in itertools.product(*options):
            fresh, rulings, elections = deepcopy((case, *events))
            for (p, name), value in zip(those, values, strict=True):
                fresh.index[p].facts[name] = Given(known(name, value))
            root = fresh.root.facts
            if plain(root["deducted"]) > plain(root["gross"]):
                continue  # outside its range
            engine = Interpreter(program, fresh, strategies.ON, rulings, elections)
            yield (
                tuple(zip(those, values, strict=True)),
                engine.decision(measure, fresh.index[path], True).outcomes,
            )


def nearest_by_hand(
    program: ir.Program, case: Case, events: Any, measure: str, path: str, sense: near.Sense, most: int
) -> dict[frozenset[Any], tuple[Fraction, bool]] | None:
    """Each smallest set of facts with its least distance and whether that is sure; `None` where more than `most` have
    to change."""
    for whose in ("", path):
        cells = sorted(near.changeable(program, case, whose))
        for wanted in near.WANTED[sense]:
            for count in range(1, most + 1):
                found: dict[frozenset[Any], list[tuple[bool, Fraction]]] = {}
                for way, outcomes in tried(program, case, events, measure, path, cells, count):
                    if outcomes & wanted and (count == 1 or len(outcomes) == 1):
                        far = sum(
                            (
                                steps(cell[1], plain(case.index[cell[0]].facts[cell[1]]), new)
                                for cell, new in way
                            ),
                            Fraction(0),
                        )
                        sets = found.setdefault(frozenset(cell for cell, _ in way), [])
                        sets.append((len(outcomes) > 1, far))
                if found:
                    best = {cells: min(ways) for cells, ways in found.items()}
                    sure = any(not is_open for is_open, _ in best.values())
                    return {c: (far, not o) for c, (o, far) in best.items() if not (sure and o)}
    return None


def compare_with_brute_force(seeds: range, most: int) -> int:
    count = 0
    for seed in seeds:
        draw = random.Random(seed)
        program = strategies.written(draw).program
        case = strategies.case_of(program, strategies.mapping(draw, 0.0))
        if len(case.subjects) > (3 if most == 1 else 2):
            continue
        events = strategies.events(draw, program, case)
        engine = Interpreter(program, case, strategies.ON, *events)
        for measure, record in engine.questions():
            decision = engine.decision(measure, record, True)
            sense: near.Sense = "end" if decision.outcome == "granted" else "grant"
            found = near.nearest(program, case, strategies.ON, *events, decision, sense)
            if found.state not in ("found", "none"):
                assert found.state in ("open", "covered", "settled")
                continue
            by_hand = nearest_by_hand(program, case, events, measure, record.path, sense, most)
            place = (seed, measure, record.path, sense)
            if by_hand is None:
                assert all(len(answer.moved) > most for answer in found.answers), place
                continue
            shown = {
                frozenset((m.path, m.fact) for m in a.moved): (a.distance, a.outcome != "undetermined")
                for a in found.answers
            }
            assert shown == by_hand, place
            count += 1
    return count


def test_the_smallest_change_of_one_fact_is_found_and_nothing_smaller() -> None:
    assert compare_with_brute_force(range(12), 1) > 5


@pytest.mark.large
def test_the_smallest_change_of_one_fact_is_found_for_many() -> None:
    assert compare_with_brute_force(range(12, 12 + 40 * LARGE), 1) > 10 * LARGE


@pytest.mark.large
def test_the_smallest_change_of_two_facts_is_found() -> None:
    assert compare_with_brute_force(range(20 * LARGE), 2) > 0


def test_amount_after_the_change_is_known_to_the_fen() -> None:
    """c25 with 6000 more a year: 15600/12 = 1300 over 1200. Down to 14399.99 a year: 1200 − 1199.9991… = 0.00."""
    household = example("c25-outside-the-named-groups")
    household["成员"][0]["收入项"][0]["年金额"] = 12_000
    found = bundled(household).why_not("dibao", "household")
    # 1200.01 less on one of the two sums: 12000 → 10799.99, 3600 → 2399.99
    assert moves(found) == [
        [("members[0].income_items[0]", "annual_amount", 1_200_000, 1_079_999)],
        [("members[1].income_items[0]", "annual_amount", 360_000, 239_999)],
    ]
    assert [answer.fen for answer in found.answers] == [0, 0]


# ---- households close to a line -----------------------------------------------------------------------------------------------


def test_close_to_the_line_by_hand() -> None:
    """epidemic: (24000×0.8 + 4200)/12 = 1950, three persons: 650.00 a head, 50.00 over. c12: 560.00, 40.00 below."""
    files = [ROOT / f"examples/{name}.json" for name in ("epidemic-household", "c12-deduction-not-set")]
    found = policykit.near_line(files, "50元", on=ON, parameters=PS1)
    assert [
        (x.household, x.measure, x.clauses, x.value, x.line, x.distance, x.met, x.outcome) for x in found
    ] == [
        ("费示例", "dibao", ("interim_article_9",), 65_000, 60_000, 5_000, False, "refused"),
        ("褚示例", "dibao", ("interim_article_9",), 56_000, 60_000, 4_000, True, "granted"),
    ]
    assert [x.distance for x in policykit.near_line(files, "49.99", on=ON, parameters=PS1)] == [4_000]
    assert policykit.near_line(files, "39.99元", on=ON, parameters=PS1) == ()


def test_what_does_not_decide_is_not_close() -> None:
    """With property not in order the income decides nothing."""
    household = example("epidemic-household")
    household["财产符合"] = "否"
    assert policykit.near_line([household], "50元", on=ON, parameters=PS1) == ()
    household["财产符合"] = {"未知": "没核对完"}  # not known: the income may decide
    (one,) = policykit.near_line([household], "50元", on=ON, parameters=PS1)
    assert (one.source, one.outcome, one.met) == ("1", "refused", False)


def test_a_yearly_sum_counts_by_the_month() -> None:
    """1260 a year is 60 over 1200: five yuan a month."""
    rules = SMALL.replace("事实 人.收入 (income)：金额 元/月", "事实 人.收入 (income)：金额 元/年").replace(
        "0 元/月 至 100000 元/月", "0 元/年 至 100000 元/年"
    )
    head = "条款 甲条 (clause_a)\n    依据：文 第一条\n    对每个 人\n"
    text = rules + head + "    条件：收入 低于 1200 元/年\n    给予：病金，每月 5 元/月\n"
    household = {"members": [{**PERSON, "income": 1260}]}
    (one,) = policykit.near_line([household], "5元", load_text(text), on=ON)
    assert (one.value, one.line, one.distance) == (126_000, 120_000, 500)
    assert policykit.near_line([household], "4.99元", load_text(text), on=ON) == ()


def test_a_list_of_households_in_one_file(tmp_path: Path) -> None:
    file = tmp_path / "many.json"
    file.write_text(json.dumps([example("epidemic-household"), example("c01-whole-household")]), "utf-8")
    found = policykit.near_line([file], "50元", on=ON, parameters=PS1)
    assert [one.source for one in found] == ["many.json[0]"]


def test_the_list_as_a_spreadsheet_reads_it(tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    args = ["near", str(ROOT / "examples/epidemic-household.json"), "--margin", "50元", "--on", "2020-06-10"]
    run = CliRunner().invoke(app, [*args, "--parameters", str(PS1), "--format", "csv", "--output", str(out)])
    assert run.exit_code == 0
    data = out.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\r\n") == 2
    row = data.decode("utf-8-sig").splitlines()[1].split(",")
    assert row[:5] == ["epidemic-household.json", "费示例", "", "低保", "不符合"]
    assert "650.00,600.00,50.00,没有达到" in ",".join(row)
    assert row[-1] == "候选名单，不是决定；示例参数：数额是编造的"


def test_a_name_is_no_formula() -> None:
    household = example("epidemic-household")
    household["户主姓名"] = "=1+1"
    policies = policykit.load(ROOT / "policies").with_parameters(PS1)
    found = policykit.near_line([household], "50元", policies, on=ON)
    assert ",'=1+1," in lines.to_csv(found, policies, "zh")


def test_the_list_as_text_and_as_data() -> None:
    args = ["near", str(ROOT / "examples/epidemic-household.json"), "--margin", "50", "--on", "2020-06-10"]
    run = CliRunner().invoke(app, [*args, "--parameters", str(PS1)])
    assert run.output.startswith("候选名单，不是决定；示例参数")
    run = CliRunner().invoke(app, [*args, "--parameters", str(PS1), "--lang", "en"])
    assert run.output.startswith("A candidate, not a decision; example parameters")
    run = CliRunner().invoke(app, [*args, "--parameters", str(PS1), "--format", "json"])
    (one,) = json.loads(run.output)["lines"]
    assert (one["value"], one["distance"], one["clauses"]) == (65_000, 5_000, ["interim_article_9"])


@pytest.mark.parametrize("margin", ["", "五十", "-5", "50块", "1e3", "0.001"])
def test_a_margin_that_is_none(margin: str) -> None:
    with pytest.raises(ValueError):
        lines.margin_of(margin)
    args = [
        "near",
        str(ROOT / "examples/epidemic-household.json"),
        f"--margin={margin}",
        "--on",
        "2020-06-10",
    ]
    assert CliRunner().invoke(app, args).exit_code == 2


def test_bad_files_do_not_hide_the_others() -> None:
    args = ["near", "nosuch.json", str(ROOT / "examples/epidemic-household.json"), "--margin", "50"]
    run = CliRunner().invoke(app, [*args, "--on", "2020-06-10", "--parameters", str(PS1)])
    assert run.exit_code == 2 and "费示例" in run.output


def test_sums_in_yuan() -> None:
    assert lines.yuan(-5) == "-0.05"
    assert lines.yuan(Fraction(2_159_999, 36)) == "599.9997"
