"""Two rule sets compared: equal however they are written, or the household whose answer is another."""

import json
import random
import sys
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import strategies
from typer.testing import CliRunner

from policykit import ir
from policykit.app.cli import app
from policykit.comparing.compare import Comparison, compare
from policykit.comparing.differences import Incomparable, differences
from policykit.comparing.moves import Row, Shown, answered, engine, moved
from policykit.engine.interpreter import Interpreter
from policykit.engine.smt.variables import Size
from policykit.loader import load_bundled, load_text
from policykit.mutations import mutants

RULES = """语言 1
文本 办法 (measures) 未收录
    文号：「虚构〔2020〕1号」

选项 属性 (standing)：贫困户 (poor)、一般户 (ordinary)

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 6 个

实体 人 (person) 计 人

事实 户.属性 (standing)：选项 属性

事实 户.财产符合 (property_ok)：是否

事实 户.申请日期 (applied_on)：日期 或 无
    范围：2019-01-01 至 今日

事实 人.月收入 (income)：金额 元/月
    范围：0 元/月 至 20000 元/月

事实 人.房租 (rent)：金额 元/月 或 无
    范围：0 元/月 至 5000 元/月

事实 人.残疾 (disabled)：是否

事实 人.病重 (ill)：是否

参数 标准 (line)：金额 元/人·月
    范围：100 元/人·月 至 2000 元/人·月

待遇 补助 (aid) 对每个 户

待遇 照料费 (care) 对每个 人

定义 家庭收入 对每个 户 (family_income)
    = 求和 成员 取 月收入

定义 人口 对每个 户 (persons)
    = 计数 成员

定义 困难 对每个 人 (in_need)
    = 残疾 或者 病重

行为 入户走访 (home_visit)

金额 补助 对每个 户 (aid_amount)
    依据：办法 第一条
    给予：补助
    每月：标准 × 人口 - 家庭收入

条款 给补助 (give_aid) 2020-01-01 起
    依据：办法 第一条
    对每个 户
    条件：家庭收入 低于 标准 × 人口 并且 财产符合
    给予：补助

条款 给照料 (give_care) 2020-01-01 起
    依据：办法 第二条
    对每个 人
    适用范围：户.属性 为 贫困户
    条件：困难 并且 月收入 不超过 1000 元/月
    给予：照料费，每月 200 元/月

条款 少租 (low_rent) 2020-01-01 起
    依据：办法 第三条
    对每个 人
    适用范围：困难
    条件：并非 (房租 低于 500 元/月)
    给予：照料费，每月 200 元/月
    让位于：给照料

条款 要走访 (visit) 2020-01-01 起
    依据：办法 第四条
    对每个 户
    适用范围：有 申请日期
    应当：入户走访，期限 申请日期 + 30 天，由 「民政所」
"""

SHEET = """语言 1
参数表 表 (sheet)

设 标准 = {} 元/人·月
    文号：「虚构」
"""
RICH = """
条款 富户不补 (none_for_rich) 2020-01-01 起
    依据：办法 第五条
    对每个 户
    适用范围：任一 成员 满足 (月收入 超过 5000 元/月)
    不给予：补助
"""
SMALL = Size(3, 1)


def program(*rules: str) -> ir.Program:
    return load_text(*rules).program


OLD = program(RULES)


def against(*changes: tuple[str, str], more: str = "", **options: Any) -> Comparison:
    """The rules compared with a copy in which some words are others, and the households shown checked once more."""
    text = RULES
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return checked(compare(OLD, program(text + more), cores=1, **{"size": SMALL, **options}))


def checked(found: Comparison) -> Comparison:
    """Every household shown gives on the reference engine, once more, the two answers that are shown."""
    for row in found.rows:
        for shown in row.shown:
            engines = [engine(found.old, shown.old), engine(found.new, shown.new)]
            answers = [one and answered(one, row, shown.subject) for one in engines]
            assert answers == [shown.before, shown.after]
    return found


def row_of(found: Comparison, name: str) -> Row:
    (row,) = (row for row in found.rows if name in (row.rule.id, row.rule.zh))
    return row


def one_shown(found: Comparison, name: str, way: str) -> Shown:
    (shown,) = (shown for shown in row_of(found, name).shown if shown.way == way)
    return shown


def ways(found: Comparison) -> dict[str, list[str]]:
    return {row.rule.id: [shown.way for shown in row.shown] for row in found.rows if row.state != "equal"}


# ---- equal --------------------------------------------------------------------------------------------------------------


def test_the_same_rules_under_another_name_are_equal_without_a_question() -> None:
    found = compare(
        OLD, program("语言 1\n# 换了文件，次序也换了\n", RULES.removeprefix("语言 1\n")), cores=1, limit=0
    )
    assert found.equal
    assert all(row.state == "equal" and not row.behind for row in found.rows)


def test_operands_in_another_order_are_equal() -> None:
    found = against(
        ("残疾 或者 病重", "病重 或者 残疾"),
        ("家庭收入 低于 标准 × 人口", "标准 × 人口 超过 家庭收入"),
        size=Size(8, 3),
    )
    assert found.equal
    assert row_of(found, "give_aid").behind == (("clause", "give_aid"),)
    assert ("define", "in_need") in row_of(found, "give_care").behind
    assert not row_of(found, "visit").behind


def test_a_condition_turned_round_is_equal_where_nothing_can_be_absent() -> None:
    assert against(("月收入 不超过 1000 元/月", "并非 (月收入 超过 1000 元/月)")).equal


def test_a_condition_turned_round_differs_for_whom_there_is_none() -> None:
    """Who pays no rent is not below 500 yuan, and not at 500 yuan or above either."""
    found = against(("并非 (房租 低于 500 元/月)", "房租 不低于 500 元/月"))
    shown = one_shown(found, "照料费", "loses")
    assert shown.old.household["members"][0]["rent"] == "无"
    assert (shown.before.state, shown.before.amount, shown.after.state) == ("granted", 200_00, "refused")
    assert row_of(found, "补助").state == row_of(found, "give_care").state == "equal"


# ---- different ------------------------------------------------------------------------------------------------------------


def test_a_raised_standard_takes_from_nobody() -> None:
    sheets = [program(RULES, SHEET.format(standard)) for standard in (600, 650)]
    found = checked(compare(*sheets, cores=1, size=SMALL))
    aid = row_of(found, "补助")
    assert [shown.way for shown in aid.shown] == ["gains", "more"] and not aid.open
    assert aid.behind == (("parameter", "line"),)
    gains, more = aid.shown
    people = gains.new.household["members"]
    income = sum(person["income"] for person in people)
    assert 600 * len(people) <= income < 650 * len(people)
    assert gains.after.amount == (650 * len(people) - income) * 100
    assert more.after.amount - more.before.amount == 50_00 * len(more.new.household["members"])  # type: ignore[operator]
    assert row_of(found, "照料费").state == "equal"


def test_a_standard_that_no_sheet_sets_is_supposed() -> None:
    found = checked(compare(OLD, program(RULES, SHEET.format(650)), cores=1, size=Size(1, 1)))
    loses = one_shown(found, "补助", "loses")
    (supposed,) = loses.old.parameters.values()
    (person,) = loses.old.household["members"]
    assert 650 <= person["income"] < Fraction(supposed.value, 100)


def test_a_dropped_alternative_shows_who_had_only_that() -> None:
    found = against(("残疾 或者 病重", "残疾"))
    assert set(ways(found)) == {"care", "give_care", "low_rent"}
    person = one_shown(found, "给照料", "loses").old.household["members"][0]
    assert (person["disabled"], person["ill"]) == (False, True)


def test_a_changed_bound_shows_a_household_exactly_at_it() -> None:
    found = against(("家庭收入 低于 标准 × 人口", "家庭收入 不超过 标准 × 人口"))
    assert ways(found) == {"aid": ["gains"], "give_aid": ["gains"]}
    shown = one_shown(found, "补助", "gains")
    assert (shown.before.state, shown.after.state, shown.after.amount) == ("refused", "granted", 0)


def test_a_changed_amount_shows_both_amounts() -> None:
    found = against(("每月 200 元/月\n    让位于", "每月 250 元/月\n    让位于"))
    assert ways(found) == {"care": ["more"], "low_rent": ["more"]}
    shown = one_shown(found, "照料费", "more")
    assert (shown.before.amount, shown.after.amount) == (200_00, 250_00)


def test_a_payment_that_ends_is_another_one() -> None:
    found = against(("每月 200 元/月\n    让位于", "每月 200 元/月，为期 12 个月\n    让位于"))
    assert ways(found) == {"care": ["otherwise"], "low_rent": ["otherwise"]}
    shown = one_shown(found, "照料费", "otherwise")
    assert (shown.before.months, shown.after.months) == (None, 12)


def test_a_due_date_one_day_later() -> None:
    found = against(("30 天", "31 天"))
    assert ways(found) == {"visit": ["otherwise"]}
    shown = one_shown(found, "要走访", "otherwise")
    assert shown.before.due is not None and shown.after.due is not None
    assert (shown.after.due - shown.before.due).days == 1


def test_a_grant_left_to_the_approver_may_be_lost() -> None:
    found = against(("给予：补助\n\n条款", "可给予：补助\n\n条款"))
    assert ways(found)["aid"] == ["loses", "otherwise"]
    assert one_shown(found, "补助", "otherwise").after.state == "discretionary"
    lost = one_shown(found, "补助", "loses")
    assert not lost.old.rulings and "decline" in lost.new.rulings[0]  # who had no choice before ruled nothing


def test_a_new_clause_is_shown_by_who_loses_by_it() -> None:
    found = against(more=RICH)
    row = row_of(found, "富户不补")
    assert (row.side, [shown.way for shown in row.shown]) == ("new", ["gains"])
    assert one_shown(found, "补助", "loses").after.state == "excluded"
    household = row.shown[0].new.household
    assert household["property_ok"] is True and max(p["income"] for p in household["members"]) > 5000


def test_a_clause_taken_away_gives_back() -> None:
    found = checked(compare(program(RULES + RICH), OLD, cores=1, size=SMALL))
    row = row_of(found, "富户不补")
    assert (row.side, [shown.way for shown in row.shown]) == ("old", ["loses"])
    gained = one_shown(found, "补助", "gains")
    assert (gained.before.state, gained.after.state) == ("excluded", "granted")


def test_a_new_clause_that_nothing_satisfies_changes_nothing() -> None:
    found = against(more=RICH.replace("超过 5000 元/月", "超过 20000 元/月"))
    assert row_of(found, "富户不补").state == "equal" and found.equal


def test_a_rule_that_begins_later_differs_on_the_days_between() -> None:
    found = against(("条款 要走访 (visit) 2020-01-01 起", "条款 要走访 (visit) 2021-01-01 起"))
    assert ways(found) == {"visit": ["loses"]}
    assert date(2020, 1, 1) <= one_shown(found, "要走访", "loses").old.on < date(2021, 1, 1)
    later = against(("(visit) 2020-01-01 起", "(visit) 2021-01-01 起"), on=date(2021, 6, 1))
    assert later.equal


# ---- declarations -------------------------------------------------------------------------------------------------------


def test_a_fact_that_one_only_reads_is_free() -> None:
    found = against(
        ("事实 人.残疾", "事实 人.孤儿 (orphan)：是否\n\n事实 人.残疾"),
        ("残疾 或者 病重", "残疾 或者 病重 或者 孤儿"),
    )
    shown = one_shown(found, "给照料", "gains")
    assert "orphan" not in shown.old.household["members"][0]
    assert shown.new.household["members"][0]["orphan"] is True
    assert [(one.how, one.names[-1].id) for one in found.redeclared] == [("only_new", "orphan")]


def test_households_of_a_label_that_one_only_knows_are_not_called_equal() -> None:
    found = against(
        ("贫困户 (poor)、", "贫困户 (poor)、边缘户 (edge)、"),
        ("户.属性 为 贫困户", "户.属性 属于 {贫困户、边缘户}"),
    )
    assert all(row.state == "equal" for row in found.rows)
    assert [one.how for one in found.redeclared] == ["label_only_new"]
    assert not found.equal


def test_only_households_that_both_accept_are_compared() -> None:
    """Nobody with 20,000 yuan a month can be put to the old rules, so no such household is shown."""
    found = against(
        ("范围：0 元/月 至 20000 元/月", "范围：0 元/月 至 90000 元/月"),
        more=RICH.replace("超过 5000 元/月", "超过 20000 元/月"),
    )
    assert row_of(found, "富户不补").state == "equal"
    assert [one.how for one in found.redeclared] == ["range"] and not found.equal


def test_one_name_for_two_things_is_refused() -> None:
    with pytest.raises(Incomparable) as refused:
        against(
            ("事实 人.病重 (ill)：是否", "事实 人.病重 (ill)：金额 元"),
            ("残疾 或者 病重", "残疾 或者 有 病重"),
        )
    assert [name.id for one in refused.value.found for name in one.names] == ["person", "ill"]


def test_what_rests_on_nothing_changed_is_told_apart() -> None:
    new = program(RULES.replace("求和 成员 取 月收入", "求和 成员 取 (月收入 + 0 元/月)"))
    found = differences(OLD, new, date(2020, 6, 1))
    assert found.changed == {("define", "family_income")}
    assert found.behind(("measure", "aid")) == [("define", "family_income")]
    assert not found.behind(("measure", "care")) and not found.behind(("clause", "visit"))


# ---- what the solver leaves open --------------------------------------------------------------------------------------------


def test_what_is_not_decided_is_sampled_and_not_called_equal() -> None:
    """A sum written another way; given time, the solver finds it equal."""
    change = ("每月：标准 × 人口 - 家庭收入", "每月：四舍五入到分((标准 × 人口 × 2 - 家庭收入 × 2) ÷ 2)")
    assert against(change).equal
    found = against(change, limit=0, samples=60, size=Size(4, 3))
    aid = row_of(found, "补助")
    assert aid.state == "not_decided" and not found.equal
    assert aid.open and 0 < aid.sampled <= 60
    assert row_of(found, "照料费").state == "equal"


def test_a_sample_shows_what_the_solver_was_not_asked_for() -> None:
    change = ("残疾 或者 病重", "残疾")
    found, again = (against(change, limit=0, samples=60) for _ in range(2))
    shown = one_shown(found, "照料费", "loses")
    assert shown == one_shown(again, "照料费", "loses")  # one seed, one sample
    assert shown.old.household["members"]
    assert row_of(found, "照料费").open  # that nobody gains is not shown by a sample


# ---- trust ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_no_household_tells_apart_what_is_called_equal(seed: int) -> None:
    draw = random.Random(seed)
    old = strategies.written(draw).program
    new = draw.choice(mutants(old, {})).of(old)
    found = compare(old, new, size=Size(3, 2), on=strategies.ON, cores=1, samples=0)
    for _ in range(25):
        case = strategies.case_of(old, strategies.mapping(draw, 0))
        engines = [Interpreter(one, case, strategies.ON, (), ()) for one in (old, new)]
        for row, path in places(found, case):
            before, after = (answered(one, row, path) for one in engines)
            if before is not None and after is not None and row.state == "equal":
                assert moved(before, after) is None, (row.rule.id, path, before, after)


def places(found: Comparison, case: Any) -> Iterator[tuple[Row, str]]:
    return ((row, record.path) for row in found.rows for record in case.of(row.entity))


def test_one_rule_of_the_bundled_policies_changed() -> None:
    """单人保: own income below the standard, or at most the standard."""
    old = load_bundled().program
    (mutant,) = (
        m
        for m in mutants(old, {})
        if m.rule.id == "single_person_coverage"
        and m.change.kind == "operator"
        and "小于" in m.sentence("zh")
    )
    found = checked(
        compare(
            old,
            mutant.of(old),
            on=date(2020, 6, 10),
            size=Size(1, 1),
            cores=1,
            only=("dibao", "tekun", "single_person_coverage"),
        )
    )
    dibao = {row.entity: row for row in found.rows if row.rule.id == "dibao"}
    assert dibao["household"].state == "equal"
    gains = one_shown(found, "single_person_coverage", "gains")
    assert (gains.before.state, gains.after.state, gains.after.amount) == ("not_met", "grants", 0)
    assert "gains" in [shown.way for shown in dibao["person"].shown]


# ---- the command ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    texts = {
        "old": RULES,
        "new": RULES.replace("残疾 或者 病重", "残疾"),
        "low": SHEET.format(600),
        "high": SHEET.format(650),
        "broken": RULES.replace("残疾 或者 病重", "残废"),
        "other": RULES.replace("事实 人.病重 (ill)：是否", "事实 人.病重 (ill)：金额 元").replace(
            "残疾 或者 病重", "残疾"
        ),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.rules").write_text(text, encoding="utf-8")
    return {name: str(tmp_path / f"{name}.rules") for name in texts}


def run(*args: str) -> Any:
    return CliRunner().invoke(app, ["compare", *args, "--members", "2", "--records", "1"])


def test_command_says_equal(files: dict[str, str]) -> None:
    found = run(files["old"], files["old"])
    assert found.exit_code == 0
    assert "两套规则相同：〔成员 1–2，清单 0–1 条，2020-01-01 至 2030-01-01〕" in found.output


def test_command_shows_the_household_and_both_answers(files: dict[str, str]) -> None:
    found = run(files["old"], files["new"])
    assert found.exit_code == 1
    for expected in (
        "不同  待遇 照料费（人）：失去",
        "所据有变：定义 困难",
        "旧：成员1，给予，每月 200.00 元",
        "新：成员1，不符合",
    ):
        assert expected in found.output
    assert "在上限之内没有这样的户：得到、更多、更少" in found.output


def test_command_in_english(files: dict[str, str]) -> None:
    found = run(files["old"], files["new"], "--lang", "en", "--only", "care")
    assert found.exit_code == 1
    assert "old: member 1, granted, monthly 200.00 yuan" in found.output
    assert "no household within the bound: gains, gets more, gets less" in found.output


def test_command_as_json_asks_what_a_raised_standard_changes(files: dict[str, str]) -> None:
    sheets = ("--old-parameters", files["low"], "--new-parameters", files["high"])
    found = run(files["old"], files["old"], *sheets, "--format", "json")
    assert found.exit_code == 1
    data = json.loads(found.stdout)
    assert data["bound"] == {"members": 2, "entries": 1, "first": "2020-01-01", "last": "2030-01-01"}
    (aid,) = (row for row in data["rows"] if row["rule"] == "aid")
    assert [shown["way"] for shown in aid["shown"]] == ["gains", "more"] and not aid["open"]
    assert aid["behind"] == [{"kind": "parameter", "rule": "line"}]


@pytest.mark.parametrize(
    ("old", "new", "options", "said"),
    [
        ("old", "missing", (), "missing.rules"),
        ("old", "broken", (), "残废"),
        ("old", "other", (), "“人的病重”在两套规则里是两样东西"),
        ("old", "new", ("--on", "2020-13-01"), "2020-13-01"),
        ("old", "new", ("--only", "没有的"), "没有的"),
        ("old", "new", ("--parameters", "low", "--new-parameters", "high"), "--parameters"),
    ],
)
def test_command_refuses_bad_input(
    files: dict[str, str], old: str, new: str, options: tuple[str, ...], said: str
) -> None:
    missing = {"missing": files["old"].replace("old.rules", "missing.rules")}
    found = run(files[old], {**files, **missing}[new], *(files.get(option, option) for option in options))
    assert found.exit_code == 2
    assert said in found.output


def test_command_names_the_extra_that_is_missing(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [
        name
        for name in sys.modules
        if name.startswith(("z3", "policykit.comparing.compare", "policykit.engine.smt"))
    ]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "z3", None)
    found = run(files["old"], files["old"])
    assert found.exit_code == 2 and "policykit[prove]" in found.output
