"""The prover as a person meets it: verdicts, the household of a refutation, cases saved, bad input.

Every program is small enough that its verdicts are worked out by hand beside it.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import strategies
from typer.testing import CliRunner, Result

from policykit.app.cli import app
from policykit.casework import trials
from policykit.diagnostics import PolicyError
from policykit.engine.smt.variables import Size
from policykit.loader import load_bundled, load_text, tidied
from policykit.proving import prove
from policykit.proving.witnesses import Cases, Findings
from policykit.source import Source

POLICIES = Path(__file__).parent.parent / "policies"

HEAD = """语言 1
文本 办法 (rules) 未收录

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 10 个

实体 人 (person) 计 人
    称呼：姓名
    记录 收入项 (income_items)：收入项

实体 收入项 (income_item)

事实 户.困难户 (poor)：是否
    问：「是不是困难户？」

事实 人.姓名 (name)：文字
    敏感

事实 人.患病 (ill)：是否
    问：「有没有病？」

事实 收入项.月额 (monthly)：金额 元/月
    范围：0 元/月 至 100000 元/月

参数 标准 (line)：金额 元/人·月
    范围：0 元/人·月 至 10000 元/人·月
    问：「每人每月多少？」

参数 扣除 对每个 人 (deduction)：金额 元/月
    范围：0 元/月 至 1000 元/月
    问：「每人扣多少？」

定义 月收入 对每个 户 (income)
    = 求和 成员 取 (求和 收入项 取 月额)

待遇 补助 (aid) 对每个 户

"""

# below 1,000 yuan poor households get 100 yuan: right for the first property, wrong for the second at 1,000 and above
POOR = (
    HEAD
    + """条款 困难补助 (poor_aid) 2020-01-01 起
    依据：办法 第一条
    对每个 户
    适用范围：困难户
    条件：月收入 低于 1000 元/月
    给予：补助，每月 100 元/月

性质 穷的有补助 (poorest_get_aid) 2020-01-01 起
    对每个 户
    设：困难户 并且 月收入 低于 1000 元/月
    则：结果 补助 为 给予

"""
)
TOO_MUCH = """性质 困难户有补助 (poor_get_aid) 2020-01-01 起
    对每个 户
    设：困难户
    则：结果 补助 为 给予
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["prove", *map(str, arguments)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "small.rules"


def proved(file: Path, rules: str, *arguments: object) -> Result:
    file.write_text(rules, encoding="utf-8")
    return run(file, "--members", 2, "--records", 1, *arguments)


def columns(line: str) -> list[str]:
    """What stands in a row of a table."""
    return [part.strip() for part in line.split("  ") if part.strip()]


def rows(result: Result) -> list[list[str]]:
    return [columns(line) for line in result.stdout.splitlines()]


# ---- verdicts -----------------------------------------------------------------------------------------------------------


def test_what_holds_is_proved_and_says_its_bound(file: Path) -> None:
    result = proved(file, POOR)
    assert result.exit_code == 0, result.output
    first, _, *together = result.stdout.splitlines()[:4]
    assert first.startswith("成立  性质“穷的有补助”")
    bound = "〔成员 1–2，清单 0–1 条，2020-01-01 至 2030-01-01〕"
    assert bound in first
    # what every rule set is asked is counted kind by kind; with --all, or a name, each has its line
    assert [columns(row)[:3] for row in together] == [
        ["成立", "1 项条款：用得到，不总是被别的压过", bound],
        ["成立", "1 项金额：算得出，不为负", bound],
    ]
    listed = proved(file, POOR, "--all").stdout
    assert "成立  条款“困难补助”：用得到，不总是被别的压过" in listed
    assert "成立  金额“困难补助”：算得出，不为负" in listed
    assert "成立  条款“困难补助”" in proved(file, POOR, "--property", "困难补助").stdout
    # the property, the clause that can apply, its amount that can be paid
    assert "共 3 项：成立 3，不成立 0，空话 0，未判定 0" in result.stdout
    assert "docs/zh/proofs.md" in result.stdout


def test_in_english(file: Path) -> None:
    result = proved(file, POOR, "--lang", "en")
    assert (
        "proved  property “poorest get aid”  [members 1–2, lists 0–1, 2020-01-01 to 2030-01-01]"
        in result.stdout
    )
    assert "3 claims: proved 3, refuted 0, vacuous 0, not decided 0" in result.stdout


def test_a_refutation_shows_a_household(file: Path) -> None:
    """A poor household with 1,000 yuan a month is refused; nothing else of it matters, and nothing else is shown."""
    result = proved(file, POOR + TOO_MUCH)
    assert result.exit_code == 1
    found = rows(result)
    at = found.index(["困难户", "是"])
    assert found[at - 1] == ["全户"] and found[at + 1] == ["成员1"] and found[at + 2] == ["收入项1"]
    assert found[at + 3][0] == "月额" and found[at + 3][1].endswith(" 元/月")
    assert float(found[at + 3][1].removesuffix(" 元/月").replace(",", "")) >= 1000
    assert ["全户 补助", "不符合，由 困难补助"] in found
    assert ["设：困难户"] in found and ["则（不成立）：结果 补助 为 给予"] in found
    assert not any("患病" in cell for row in found for cell in row)
    assert "不成立 1" in result.stdout and f"{file.name}:" in result.stdout


def test_the_household_breaks_the_property_when_evaluated(file: Path) -> None:
    result = proved(file, POOR + TOO_MUCH, "--format", "json")
    shown = next(c for c in json.loads(result.stdout)["claims"] if c["rules"] == ["poor_get_aid"])
    assert shown["state"] == "refuted" and shown["subject"] == "household"
    household = file.with_name("household.json")
    household.write_text(json.dumps(shown["households"][0]["household"]), encoding="utf-8")
    again = CliRunner().invoke(
        app,
        [
            "evaluate",
            str(household),
            "--policies",
            str(file),
            "--on",
            shown["households"][0]["on"],
            "--format",
            "json",
        ],
    )
    (decision,) = [d for d in json.loads(again.stdout)["decisions"] if d["measure"] == "aid"]
    assert decision["outcome"] == "refused"


def test_a_rising_fact(file: Path) -> None:
    """From 1,000 yuan on nothing is paid, so that what is paid falls: the fact that rose is marked, nothing else is."""
    rules = """性质 收入多补得不少 对每个 户 (never_less)
    则：随 收入项.月额 增 则 应发金额 补助 不减
"""
    result = proved(file, POOR + rules)
    assert result.exit_code == 1
    marked = [columns(line) for line in result.stdout.splitlines() if line.endswith("←")]
    assert len(marked) == 1 and marked[0][0] == "月额" and marked[0][2] == "→"
    assert any("应发金额 补助 100.00 元/月 → 无，不应减少" in line for line in result.stdout.splitlines())
    falls = rules.replace("不减", "不增").replace("(never_less)", "(never_more)")
    assert proved(file, POOR + falls).exit_code == 0


def test_an_amount_below_zero(file: Path) -> None:
    """Whoever is ill is paid the line less what is deducted, which may be more."""
    rules = """待遇 药费 (drugs) 对每个 人

条款 发药费 (drug_money) 2020-01-01 起
    依据：办法 第三条
    对每个 人
    条件：患病
    给予：药费，每月 标准 × 1 人 - 扣除
"""
    result = proved(file, HEAD + rules)
    assert result.exit_code == 1
    found = rows(result)
    assert ["患病", "是"] in found and ["本地参数（假设值）"] in found
    line, deducted = (next(row[1] for row in found if row[0] == name) for name in ("标准", "扣除 成员1"))
    figures = [float(text.split(" ")[0].replace(",", "")) for text in (line, deducted)]
    assert figures[0] < figures[1]
    assert f"违反：“发药费” 算出来是 {figures[0] - figures[1]:.2f} 元/月，不能发" in result.stdout


def test_a_division_by_zero(file: Path) -> None:
    """Nobody need be ill: then income is divided by 0. With somebody ill it is not."""
    rules = """定义 病人数 对每个 户 (ill_count) = 计数 成员 满足 患病

条款 病户补助 (ill_aid) 2020-01-01 起
    依据：办法 第二条
    对每个 户
    条件：月收入 ÷ 病人数 低于 500 元/月·人
    给予：补助，每月 200 元/月
"""
    result = proved(file, HEAD + rules)
    assert result.exit_code == 1
    assert "违反：算“病户补助”时，除数“病人数”是 0" in result.stdout
    assert ["患病", "否"] in rows(result)
    mended = rules.replace("    条件：", "    适用范围：病人数 不低于 1 人\n    条件：")
    assert proved(file, HEAD + mended).exit_code == 0


def test_a_duty_and_a_ban(file: Path) -> None:
    """Poor households must enrol, and those with 1,000 yuan or more must not. Some are both: for them the ban bars the
    duty, as rules say, so that the two never stand at once."""
    rules = """行为 报名 (enrol)

条款 要报名 (must_enrol) 2020-01-01 起
    依据：办法 第四条
    对每个 户
    条件：困难户
    应当：报名，期限 未规定

条款 不得报名 (must_not_enrol) 2020-01-01 起
    依据：办法 第五条
    对每个 户
    条件：月收入 不低于 1000 元/月
    不得：报名
"""
    result = proved(file, HEAD + rules, "--all")
    assert result.exit_code == 0
    assert "成立  条款“要报名”、“不得报名”：不会又要办、又不得办" in result.stdout


def test_a_clause_that_never_applies_or_never_stands(file: Path) -> None:
    """Nobody has less than 0 yuan; and whoever has aid by the lower line has it by the higher one, which prevails."""
    rules = """条款 负收入 (negative_income) 2020-01-01 起
    依据：办法 第二条
    对每个 户
    条件：月收入 + 1 元/月 低于 1 元/月
    给予：补助，每月 200 元/月
    让位于：困难补助

条款 更低的线 (lower_line) 2020-01-01 起
    依据：办法 第三条
    对每个 户
    条件：困难户 并且 月收入 低于 500 元/月
    给予：补助，每月 300 元/月
    让位于：困难补助、负收入
"""
    result = proved(file, POOR + rules)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    never = next(n for n, line in enumerate(lines) if line.startswith("不成立  条款“负收入”"))
    assert lines[never + 2].strip() == "在上限之内，没有一户用得到这一条"
    always = next(n for n, line in enumerate(lines) if line.startswith("不成立  条款“更低的线”"))
    assert lines[always + 2].strip() == "有用得到它的户，可是每次都被别的条款压过"


def test_contradictory_assumptions_claim_nothing(file: Path) -> None:
    rules = """性质 空的 对每个 户 (empty)
    设：月收入 低于 1 元/月
    设：月收入 超过 2 元/月
    则：困难户
"""
    result = proved(file, POOR + rules, "--property", "空的")
    assert result.exit_code == 1
    assert result.stdout.startswith("空话  性质“空的”") and "前提没有一户满足" in result.stdout


CUBES = """语言 1
文本 办法 (rules) 未收录

实体 户 (household) 计 户
    组成 成员 (members)：人 1 至 10 个

实体 人 (person) 计 人

待遇 补助 (aid) 对每个 户

事实 户.甲 (a)：数
    范围：1 至 100000

事实 户.乙 (b)：数
    范围：1 至 100000

事实 户.丙 (c)：数
    范围：1 至 100000

性质 立方和不是立方 对每个 户 (cubes)
    则：甲 × 甲 × 甲 + 乙 × 乙 × 乙 不等于 丙 × 丙 × 丙

"""


def test_out_of_time_is_not_proved(file: Path) -> None:
    """That no two cubes make a cube is true, and more than the solver can find out."""
    result = proved(file, CUBES, "--limit", 0.05)
    assert result.exit_code == 1
    assert result.stdout.startswith("未判定  性质“立方和不是立方”")
    assert "未能在 0.05 秒内判定" in result.stdout and "成立 0，不成立 0，空话 0，未判定 1" in result.stdout


def test_what_the_checker_lets_pass_is_still_asked() -> None:
    """Which of two clauses prevails is settled on loading; where the order between them is lost, it shows."""
    rules = """条款 病户补助 (ill_aid) 2020-01-01 起
    依据：办法 第二条
    对每个 户
    条件：任一 成员 满足 患病
    给予：补助，每月 200 元/月
    优先于：困难补助
"""
    policies = load_text(POOR + rules)
    unordered = replace(policies, program=replace(policies.program, blockers={}))
    report = prove.prove(unordered.program, only=["病户补助"], size=Size(2, 1), cores=1)
    (proof,) = [p for p in report.proofs if p.kind == "conflict"]
    assert proof.state == "refuted" and proof.shown is not None
    lines = list(Findings(unordered, proof, proof.shown, "zh").lines())
    assert ["困难户", "是"] in map(columns, lines) and ["患病", "是"] in map(columns, lines)
    assert "违反：“困难补助”、“病户补助”同时成立，各给一份；没有写明谁先（优先于、让位于）" in lines


# ---- for machines ---------------------------------------------------------------------------------------------------------


def test_json_and_junit(file: Path) -> None:
    result = proved(file, POOR + TOO_MUCH, "--format", "json", "--on", "2020-06-10")
    found = json.loads(result.stdout)
    assert found["bound"] == {"members": 2, "entries": 1, "first": "2020-06-10", "last": "2020-06-10"}
    assert found["proved"] is False and found["counts"] == {"proved": 3, "refuted": 1}
    assert {c["kind"] for c in found["claims"]} == {"property", "applies", "amount"}
    assert result.stderr.count("\n") >= 4  # each verdict as it was settled
    suite = ElementTree.fromstring(proved(file, POOR + TOO_MUCH, "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "0")
    (failure,) = suite.iter("failure")
    assert "困难户有补助" in failure.attrib["message"] and "困难户" in (failure.text or "")
    late = ElementTree.fromstring(proved(file, CUBES, "--format", "junit", "--limit", 0.05).stdout)
    assert late.get("errors") == "1" and "未能在" in (next(late.iter("error")).text or "")


# ---- saved as a case ------------------------------------------------------------------------------------------------------


def test_a_saved_household_is_a_case_that_runs(file: Path, tmp_path: Path) -> None:
    """It says what came out, loads, is in canonical form, and passes: what ought to come out is for a person to say."""
    rises = """性质 收入多补得不少 对每个 户 (never_less)
    则：随 收入项.月额 增 则 应发金额 补助 不减
"""
    into = tmp_path / "found"
    result = proved(file, POOR + TOO_MUCH + "\n" + rises, "--save", into)
    assert result.exit_code == 1 and f"写入 {into}" in result.stdout
    saved = sorted(path.name for path in into.iterdir())
    assert saved == ["property_never_less.rules", "property_poor_get_aid.rules"]
    text = (into / "property_poor_get_aid.rules").read_text(encoding="utf-8")
    assert (
        "    期望：补助 不符合，由 困难补助\n" in text
        and "违反" in text
        and "    已知：困难户 = 是\n" in text
    )
    test = CliRunner().invoke(app, ["test", str(file), *(str(into / name) for name in saved)])
    assert test.exit_code == 0 and "案例 3 个，试算 3 次：通过 3" in test.stdout, test.stdout
    assert CliRunner().invoke(app, ["fmt", "--check", str(into)]).exit_code == 0


def test_a_saved_household_supposes_its_parameters(file: Path, tmp_path: Path) -> None:
    """Two people of whom different amounts are deducted are told apart by a name."""
    rules = """定义 扣后 对每个 人 (left) = 100 元/月 - 扣除

性质 扣得一样 对每个 户 (same_deduction)
    设：任一 成员 满足 (扣后 等于 100 元/月)
    则：全部 成员 满足 (扣后 等于 100 元/月)
"""
    into = tmp_path / "found"
    assert proved(file, POOR + rules, "--property", "扣得一样", "--save", into).exit_code == 1
    text = (into / "property_same_deduction.rules").read_text(encoding="utf-8")
    assert "    设定：扣除 = 如果 姓名 为 「甲」 则 " in text and "    已知：成员[1].姓名 = 「甲」\n" in text
    test = CliRunner().invoke(app, ["test", str(file), str(into / "property_same_deduction.rules")])
    assert test.exit_code == 0, test.output


NEVER = """
性质 从不{number} 对每个 {entity} (never_{number})
    则：并非 (结果 {measure} 为 {outcome})
"""


@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(n, marks=pytest.mark.large) for n in range(6, 60))]
)
def test_whatever_is_shown_can_be_read_saved_and_run(seed: int) -> None:
    """Programs drawn at random claim that nobody is ever granted or refused anything: most often somebody is."""
    written = strategies.written(random.Random(seed), village=seed % 4 == 0)
    asked = [
        (written.program.entities[min(measure.entities)].name.zh, measure.name.zh, outcome)
        for measure in written.program.measures.values()
        for outcome in ("给予", "不符合")
    ]
    rules = written.text + "".join(
        NEVER.format(number=n, entity=e, measure=m, outcome=o) for n, (e, m, o) in enumerate(asked)
    )
    policies = load_text(rules)
    report = prove.prove(policies.program, size=Size(2, 2), limit=5, cores=1)
    for number, proof in enumerate(report.proofs):
        if proof.shown is None:
            continue
        for language in ("zh", "en"):
            assert all(Findings(policies, proof, proof.shown, language).lines())
        findings = Findings(policies, proof, proof.shown, "zh")
        saved = tidied(Source("saved.rules", Cases(findings, f"broken_{number}").text()))
        verdicts = list(trials.run(load_text(rules, saved)))
        if any(gap.kind == "parameter" for gap in proof.shown.witness.besides):
            # a term without a version in force was supposed to be something, which a case cannot say
            assert not verdicts and "# 那天没有在施行的写法，这里假设 " in saved and "#     期望：" in saved
            continue
        assert verdicts and all(verdict.passed for verdict in verdicts), f"{saved}\n{verdicts}"


# ---- bad input ------------------------------------------------------------------------------------------------------------


def test_bad_input(file: Path, tmp_path: Path) -> None:
    nobody = proved(file, POOR, "--property", "穷的有补住")
    assert nobody.exit_code == 2 and "是否想写" in nobody.stderr and "穷的有补助" in nobody.stderr
    day = proved(file, POOR, "--on", "2020-13-01")
    assert day.exit_code == 2 and "--on" in day.stderr
    nothing = proved(file, POOR, "--on", "2019-12-31")
    assert nothing.exit_code == 2 and "没有要证明的" in nothing.stderr
    assert run(tmp_path / "absent").exit_code == 2
    broken = proved(file, POOR + "性质 坏的 (bad)\n    则：没有这个\n")
    assert broken.exit_code == 2 and "错误" in broken.stderr
    into = proved(file, POOR, "--save", file)
    assert into.exit_code == 2 and "--save" in into.stderr
    sheet = proved(file, POOR, "--parameters", tmp_path / "absent.rules")
    assert sheet.exit_code == 2


def test_a_sheet_is_no_longer_supposed(file: Path, tmp_path: Path) -> None:
    """With any line the claim is false; with the line of the sheet it is true."""
    rules = """性质 标准够高 对每个 户 (high_line)
    则：标准 不低于 500 元/人·月
"""
    sheet = tmp_path / "sheet.rules"
    sheet.write_text("语言 1\n参数表 县里 (county) 示例\n\n设 标准 = 600 元/人·月\n", encoding="utf-8")
    assert proved(file, POOR + rules, "--property", "标准够高").exit_code == 1
    assert proved(file, POOR + rules, "--property", "标准够高", "--parameters", sheet).exit_code == 0


def test_a_saved_household_names_its_sheet(file: Path, tmp_path: Path) -> None:
    """Refuted with a line of 600 yuan: 600 yuan is not below the line. The case comes out so with that sheet only."""
    rules = """条款 线下补助 (aid_below) 2020-01-01 起
    依据：办法 第一条
    对每个 户
    条件：月收入 低于 标准 × 1 人
    给予：补助，每月 100 元/月

性质 人人有补助 对每个 户 (aid_for_all)
    则：结果 补助 为 给予
"""
    sheet, into = tmp_path / "sheet.rules", tmp_path / "found"
    sheet.write_text("语言 1\n参数表 县里 (county) 示例\n\n设 标准 = 600 元/人·月\n", encoding="utf-8")
    given = ("--property", "人人有补助", "--parameters", sheet, "--save", into)
    assert proved(file, HEAD + rules, *given).exit_code == 1
    saved = into / "property_aid_for_all.rules"
    assert "    参数表：「sheet.rules」\n" in saved.read_text(encoding="utf-8")
    test = CliRunner().invoke(app, ["test", str(file), str(saved)])
    assert test.exit_code == 0 and "通过 1" in test.stdout, test.output


def test_without_the_solver(file: Path) -> None:
    file.write_text(POOR, encoding="utf-8")
    code = "import sys; sys.modules['z3'] = None; from policykit.app import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "prove", str(file)], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("pip install 'policykit[prove]'") == 2


def test_an_interrupt_leaves_nothing_behind(file: Path, tmp_path: Path) -> None:
    """Stopped at its second claim, it says so in one line and has written no file."""
    easy = "性质 甲有下限 对每个 户 (a_is_bounded)\n    则：甲 不低于 1\n\n性质"
    file.write_text(CUBES.replace("性质", easy, 1), encoding="utf-8")
    into = tmp_path / "found"
    command = [sys.executable, "-c", "from policykit.app import main; main()", "prove", str(file)]
    with subprocess.Popen(
        [*command, "--limit", "600", "--save", str(into)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().startswith("成立  性质“甲有下限”")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == "" and err == "中途停下，没有证完\n"
    assert not into.exists()


# ---- the bundled rules ------------------------------------------------------------------------------------------------------


def test_a_dropped_alternative_is_found(tmp_path: Path) -> None:
    """Without its 或者, single coverage forgets the seriously ill: somebody ill and without income is not covered."""
    rules = tmp_path / "policies"
    shutil.copytree(POLICIES, rules)
    dibao = rules / "dibao.rules"
    text = dibao.read_text(encoding="utf-8")
    whole, cut = "(单人保重度残疾 或者 单人保重病) 并且 本人月收入", "单人保重度残疾 并且 本人月收入"
    assert text.count(whole) == 1
    dibao.write_text(text.replace(whole, cut), encoding="utf-8")
    result = run(rules, "--property", "重残重病有着落", "--on", "2020-06-10")
    assert result.exit_code == 1
    found = rows(result)
    assert ["患病", "是"] in found or ["患重病", "是"] in found
    assert ["户属性", "未脱贫建档立卡户"] in found and ["本地参数（假设值）"] in found
    assert any(row[0].endswith("低保") and row[-1] == "不符合，由 单人保" for row in found if len(row) > 1)


@pytest.mark.large
def test_everything_claimed_of_the_bundled_rules_is_proved() -> None:
    report = prove.prove(load_bundled().program)
    open_ = [
        (p.kind, [name.zh for name in p.rules], p.state, p.why) for p in report.proofs if p.state != "proved"
    ]
    assert not open_


def test_the_door_names_what_is_unknown() -> None:
    program = load_text(POOR).program
    with pytest.raises(PolicyError, match="N001"):
        prove.prove(program, only=["没有这个"])
