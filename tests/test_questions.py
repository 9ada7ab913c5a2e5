"""`policykit.ask`: the questions decide whatever facts can decide, none is in vain, and there are hardly more than must be."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import optimum
import pytest
import strategies
from typer.testing import CliRunner

import policykit
from policykit.app.cli import app
from policykit.asking.answers import Answers, NotUnderstood
from policykit.asking.inquiry import DECLINED, Inquiry
from policykit.asking.questions import Agenda, Question, ask
from policykit.engine.interpreter import Interpreter
from policykit.facts import Case
from policykit.loader import Policies, load_bundled, load_text
from policykit.values import Gap

ROOT = Path(__file__).parent.parent
SHEET = ROOT / "policies/parameters/ps1.rules"
ON = date(2020, 6, 10)
LARGE = int(os.environ.get("POLICYKIT_LARGE") or 0)
EVALUATE = ["--on", "2020-06-10", "--parameters", str(SHEET)]


@cache
def policies() -> Policies:
    return load_bundled().with_parameters(SHEET)


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / f"examples/{name}.json").read_text("utf-8"))
    return found


def asked(household: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(q.path, q.name) for q in ask(household, policies(), on=ON).questions]


# ---- against the optimum --------------------------------------------------------------------------------------------


def next_gap(program: Any) -> Callable[[Case], Gap | None]:
    """The gap asked about next, in a household of a program without rulings."""

    def choose(case: Case) -> Gap | None:
        engine = Interpreter(program, case, strategies.ON, (), ())
        targets = [target for target in engine.questions() if engine.first.decided(*target).waits_for]
        ranked = Inquiry(engine, targets).ranked()
        return ranked[0].gap if ranked else None

    return choose


def measured(seeds: range, completions: int) -> dict[str, float]:
    """Mean questions over households: asked, at the least, and when everything withheld is asked for."""
    faults: list[str] = []
    ours, least, everything = 0.0, 0.0, 0
    for seed in seeds:
        case = optimum.withheld(random.Random(seed), 8, completions)

        def check(holds: bool, fault: str, seed: int = seed) -> None:
            if not holds:
                faults.append(f"seed {seed}: {fault}")

        ours += float(optimum.asked(case, next_gap(case.program), check))
        least += float(optimum.optimum(case))
        everything += len(case.cells)
    assert not faults, "\n".join(faults)
    count = len(seeds)
    return {"households": count, "asked": ours / count, "at the least": least / count,
            "asking everything": everything / count, "ratio": ours / least}  # fmt: skip


def test_questions_decide_everything_none_is_in_vain_and_they_are_few() -> None:
    """Over every completion of each household: `optimum.asked` hears of a question in vain and of an early end."""
    found = measured(range(5000, 5016), 100)
    assert found["ratio"] <= 1.1, found
    assert found["asked"] < found["asking everything"] / 2, found


@pytest.mark.large
def test_hardly_more_questions_than_the_fewest(record_property: Callable[[str, object], None]) -> None:
    """60 households, 1,020 with POLICYKIT_LARGE=17; the figures stand in docs/asking.md."""
    found = measured(range(60 * max(LARGE, 1)), 300)
    record_property("questions", found)
    print(found)
    assert found["ratio"] <= 1.1, found


def test_a_fact_that_makes_no_difference_is_not_asked_for() -> None:
    """残疾 或者 并非 残疾 holds either way: the bounds do not see it, the questions do."""
    rules = strategies.VOCABULARY + (
        "待遇 待遇甲 (m0) 对每个 人\n条款 条甲 (c0)\n    依据：文 第一条\n    对每个 人\n"
        "    条件：(残疾 或者 (并非 残疾)) 并且 学生\n    给予：待遇甲，每月 1 分/月\n"
    )
    household = {"members": [{"id": "m0"}]}
    found = ask(household, load_text(rules), on=strategies.ON)
    assert [(q.path, q.name) for q in found.questions] == [("members[0]", "student")]
    assert found.exact and found.expected == 1


def test_a_fact_that_only_bounds_another_is_not_asked_for() -> None:
    """户扣 lies between 0 and 户入, so it is never above it; to hear 2 分 of it would tell that 户入 is at least 2 分,
    and yet it decides nothing."""
    rules = strategies.VOCABULARY + (
        "待遇 待遇甲 (m0) 对每个 户\n条款 条甲 (c0)\n    依据：文 第一条\n    对每个 户\n"
        "    条件：(户入 不低于 户扣) 并且 (户入 超过 1 分/月)\n    给予：待遇甲，每月 1 分/月\n"
    )
    found = ask({"members": [{"id": "m0"}]}, load_text(rules), on=strategies.ON)
    assert [(q.path, q.name) for q in found.questions] == [("household", "gross")]
    assert found.exact and found.expected == 1


@pytest.mark.parametrize(
    "condition, wanted",
    [
        # nothing lies below 4 元 and from 5 元 up, so that neither the figure nor what stands beside it matters
        ("(户.户入 低于 4 元/月) 并且 (户.户入 不低于 5 元/月) 并且 残疾", []),
        ("(户.户入 低于 5 元/月) 或者 (户.户入 不低于 4 元/月) 或者 残疾", []),
        ("((户.户入 低于 4 元/月) 并且 (户.户入 不低于 5 元/月) 并且 残疾) 或者 学生", ["student"]),
        # between 4 and 5 元 there are figures
        ("(户.户入 低于 5 元/月) 并且 (户.户入 不低于 4 元/月) 并且 残疾", ["gross", "disabled"]),
    ],
)
def test_a_figure_of_a_long_range_is_asked_for_only_where_it_can_matter(
    condition: str, wanted: list[str]
) -> None:
    wide = strategies.VOCABULARY.replace("范围：0 分/月 至 3 分/月", "范围：0 分/月 至 1000 元/月")
    rules = wide + (
        "待遇 待遇甲 (m0) 对每个 人\n条款 条甲 (c0)\n    依据：文 第一条\n    对每个 人\n"
        f"    条件：{condition}\n    给予：待遇甲，每月 1 分/月\n"
    )
    found = ask({"members": [{"id": "m0"}], "deducted": 0}, load_text(rules), on=strategies.ON)
    assert {q.name for q in found.questions} == set(wanted)
    assert found.exact and bool(found.foregone) == (not wanted)


def test_a_figure_that_only_an_amount_follows_is_asked_for() -> None:
    """The grant is sure, and what is paid is 户入 from 4 元 up, below that 4 元."""
    wide = strategies.VOCABULARY.replace("范围：0 分/月 至 3 分/月", "范围：0 分/月 至 1000 元/月")
    rules = wide + (
        "待遇 待遇甲 (m0) 对每个 户\n条款 条甲 (c0)\n    依据：文 第一条\n    对每个 户\n"
        "    给予：待遇甲，每月 较大(户入, 4 元/月)\n"
    )
    found = ask({"members": [{"id": "m0"}], "deducted": 0}, load_text(rules), on=strategies.ON)
    assert [q.name for q in found.questions] == ["gross"] and found.expected == 1


def test_the_fact_that_settles_more_comes_first() -> None:
    """学生 alone settles both when it is false; 残疾 and 困难 settle one each, and only where 学生 is true."""
    grant = "给予：待遇{0}，每月 1 分/月\n"
    rules = strategies.VOCABULARY + "".join(
        f"待遇 待遇{one} (m{n}) 对每个 人\n条款 条{one} (c{n})\n    依据：文 第一条\n    对每个 人\n"
        f"    条件：{fact} 并且 学生\n    {grant.format(one)}"
        for n, (one, fact) in enumerate((("甲", "残疾"), ("乙", "困难")))
    )
    found = ask({"members": [{"id": "m0"}]}, load_text(rules), on=strategies.ON)
    assert [q.name for q in found.questions] == ["student", "disabled", "hardship"]
    # 1 when 学生 is false; 3 when it is true
    assert found.expected == 2
    first = {p.answer: ([s.outcome for s in p.settles], p.left) for p in found.questions[0].prospects}
    assert first == {"否": (["refused", "refused"], 0), "是": ([], 2)}
    assert found.questions[2].kind == "judgement" and found.questions[2].judge == "村"


# ---- followed to the end -----------------------------------------------------------------------------------------------


def truthful(program: Any, truth: dict[str, Any], question: Question) -> Any:
    """What the whole household says about a question: a list with its records, but nothing yet of what they say."""
    record, entity = Answers(program, truth, "zh").place(truth, question.path)
    names = (entity.facts.get(question.name) or entity.lists[question.name]).name
    value = record.get(names.id, record.get(names.zh))
    if question.kind == "list" and isinstance(value, list):
        kept = ("id", "编号", "姓名", "ref", "引用")
        return [{key: one[key] for key in kept if key in one} for one in value]
    if (
        question.kind == "reference"
        and isinstance(value, dict)
        and "ref" not in value
        and "引用" not in value
    ):
        return {}
    return copy.deepcopy(value)


def followed(
    loaded: Policies, truth: dict[str, Any], household: dict[str, Any], on: date
) -> tuple[dict[str, Any], Agenda, list[tuple[str, str]]]:
    """A household asked about to the end, the agenda then, and what was asked."""
    seen: list[tuple[str, str]] = []
    while True:
        agenda = ask(household, loaded, on=on, most=1)
        if not agenda.questions:
            return household, agenda, seen
        question = agenda.questions[0]
        assert (question.path, question.name) not in seen, "asked twice"
        seen.append((question.path, question.name))
        answers = Answers(loaded.program, household, "zh")
        value = truthful(loaded.program, truth, question)
        unknown = value is None or (isinstance(value, dict) and "未知" in value)
        household = answers.declined(question) if unknown else answers.with_value(question, value)


def outcomes(loaded: Policies, household: dict[str, Any], on: date) -> dict[tuple[str, str], Any]:
    found = policykit.evaluate(household, loaded, on=on).decisions
    return {(d.measure, d.subject): (d.outcomes, d.amount.fen if d.amount and d.outcome == "granted" else None) for d in found}  # fmt: skip


def thinned(draw: random.Random, data: Any) -> Any:
    """The same data with a quarter of its facts and lists left out; members and what they are called stay."""
    if isinstance(data, list):
        return [thinned(draw, one) for one in data]
    if not isinstance(data, dict) or "ref" in data or "by" in data:
        return data
    return {k: thinned(draw, v) for k, v in data.items() if k in ("id", "members") or draw.random() > 0.25}


@pytest.mark.parametrize("seed", range(300, 312))
def test_followed_to_the_end_every_decision_is_that_of_the_whole_household(seed: int) -> None:
    """Lists and references among the gaps; what stays open then waits for a parameter or a ruling, which is named."""
    draw = random.Random(seed)
    loaded = load_text(strategies.written(draw).text)
    truth = strategies.mapping(draw, 0.0)
    household, agenda, _ = followed(loaded, truth, thinned(draw, truth), strategies.ON)
    found, wanted = (outcomes(loaded, one, strategies.ON) for one in (household, truth))
    foregone = {(one.measure, one.subject): (one.outcome,) for one in agenda.foregone}
    for key, want in wanted.items():
        assert found[key] == want or foregone.get(key) == want[0], key
    assert bool(agenda.undecided) <= bool(agenda.waiting)


@pytest.mark.parametrize("name", ["single-person-household", "tekun-elder-no-obligors"])
def test_an_example_is_decided_from_its_first_question_on(name: str) -> None:
    """Nobody has said anything yet: the interview begins with who lives there, and ends where the whole file ends."""
    truth = example(name)
    household, _, seen = followed(policies(), truth, {}, ON)
    assert outcomes(policies(), household, ON) == outcomes(policies(), truth, ON)
    assert seen[0] == ("household", "members")
    assert len(seen) < leaves(truth)


def leaves(data: Any) -> int:
    """How many facts and lists a household states."""
    if isinstance(data, list):
        return 1 + sum(map(leaves, data))
    if not isinstance(data, dict) or "值" in data:
        return 1
    return sum(leaves(value) for key, value in data.items() if not key.startswith("_"))


def test_what_is_asked_is_the_same_each_time() -> None:
    household = example("facts-missing")
    assert ask(household, policies(), on=ON).to_json() == ask(household, policies(), on=ON).to_json()


# ---- what a question says ---------------------------------------------------------------------------------------------------


def test_a_list_of_questions_reads_well() -> None:
    """薛样本 has no grade on file: 一级 or 二级 gives 生活补贴 (方案 二(五)二a), no certificate leaves all three uncovered."""
    found = ask(example("facts-missing"), policies(), on=ON)
    first = found.questions[0]
    assert (first.whose, first.label) == ("薛样本", "残疾等级")
    assert first.text == "残疾人证上是几级？没有证填“无”。"
    assert first.cause == "证件在残联换发"
    assert ("生活补贴", "方案 二(五)二a") in [(reason.label, reason.locator) for reason in first.reasons]
    said = {p.answer: [(s.label, s.outcome) for s in p.settles] for p in first.prospects}
    assert ("生活补贴", "granted") in said["一级或二级"]
    assert ("生活补贴", "not_covered") in said["无"]
    assert [(w.kind, w.label) for w in found.waiting] == [
        ("parameter", "护理补贴含非重度智力精神"),
        ("parameter", "单人保含三级智力精神"),
    ]


def test_a_paper_or_a_judge_is_asked_for_with_the_fact() -> None:
    by_name = {(q.path, q.name): q for q in ask(example("facts-missing"), policies(), on=ON).questions}
    assert by_name["members[1]", "serious_illness"].evidence
    assert by_name["members[1]", "needs_long_term_care"].kind == "judgement"


def test_an_income_is_asked_for_with_the_figure_where_the_answer_turns() -> None:
    """Four persons at 600 元 a month: 28,800 a year. 4,800 are earned beside the wages, of which 80 % count, so that
    30,000 of wages reach the line, where nobody is below it any more."""
    household = example("c04-household-before-person")
    household["成员"][0]["收入项"][0]["年金额"] = None
    found = ask(household, policies(), on=ON)
    assert [(q.path, q.name) for q in found.questions] == [("members[0].income_items[0]", "annual_amount")]
    said = {p.answer: [(s.label, s.outcome) for s in p.settles] for p in found.questions[0].prospects}
    assert ("低保", "granted") in said["不超过 29,999.99 元/年"]
    assert ("低保", "refused") in said["不低于 30,000.00 元/年"]


def test_who_is_there_is_asked_as_a_list() -> None:
    first = ask({"户主姓名": "王某"}, policies(), on=ON).questions[0]
    assert (first.name, first.answer, first.text) == ("members", "list", "成员有哪些人？请逐个写明。")


def test_a_name_alone_still_gives_an_order() -> None:
    """Hundreds of gaps: each is followed for one step. What decides many measures stands before what concerns one."""
    found = ask({"成员": [{"姓名": "王某"}]}, policies(), on=ON)
    names = [q.name for q in found.questions]
    assert not found.exact and found.expected is None
    for early in ("birth_date", "disability_grade", "rural_registration", "household_status"):
        assert names.index(early) < names.index("draws_injury_nursing_pay")


def test_without_a_sheet_what_it_would_say_is_named_and_not_asked() -> None:
    found = ask(example("c04-household-before-person"), on=ON)
    assert "rural_dibao_standard" not in [q.name for q in found.questions]
    assert ("parameter", "农村低保标准") in [(w.kind, w.label) for w in found.waiting]
    assert {o.measure for o in found.undecided} >= {"dibao"}


def test_a_decided_household_has_no_questions() -> None:
    found = ask(example("c01-whole-household"), policies(), on=ON)
    assert not found.questions and not found.undecided and found.decided > 0


def test_what_was_asked_in_vain_is_not_asked_again_but_named() -> None:
    household = example("facts-missing")
    household["财产符合"] = {"未知": DECLINED[0]}
    found = ask(household, policies(), on=ON)
    assert "property_ok" not in [q.name for q in found.questions]
    assert ("declined", "财产符合") in [(w.kind, w.label) for w in found.waiting]


def test_the_questions_as_json() -> None:
    found = json.loads(ask(example("facts-missing"), policies(), on=ON, language="en").to_json())
    assert found["on"] == "2020-06-10"
    first = found["questions"][0]
    assert (first["path"], first["name"], first["answer"]) == ("members[1]", "disability_grade", "choice")
    assert first["options"][0] == ["grade_1", "grade 1"]
    assert first["prospects"][0]["settles"][0].keys() == {
        "measure",
        "label",
        "subject",
        "whose",
        "outcome",
        "said",
    }


# ---- the command -------------------------------------------------------------------------------------------------------------


def run(*args: str, said: str = "") -> tuple[int, str]:
    found = CliRunner().invoke(app, ["ask", *args], input=said)
    return found.exit_code, found.output


def test_the_command_prints_the_list() -> None:
    code, output = run(str(ROOT / "examples/facts-missing.json"), *EVALUATE)
    assert code == 0
    for line in (
        "1. 薛样本 · 残疾等级",
        "   1 一级  2 二级  3 三级  4 四级  无",
        "   是 / 否",
        "   要有医院诊断证明，或重特大疾病医疗救助凭证",
    ):
        assert line in output


def test_the_command_in_english_and_as_json() -> None:
    file = str(ROOT / "examples/facts-missing.json")
    code, output = run(file, *EVALUATE, "--lang", "en")
    assert code == 0 and "The most settling first:" in output and "asked by:" in output
    code, output = run(file, *EVALUATE, "--format", "json")
    assert code == 0 and json.loads(output)["questions"]


def test_an_interview_is_left_taken_up_again_and_concluded(tmp_path: Path) -> None:
    save = tmp_path / "金.json"
    begin = ["--interactive", *EVALUATE, "--save", str(save)]
    code, output = run(*begin, said="金示例\n六五年\n1965-01-20\n退出\n")
    assert code == 0
    assert "错误 R002" in output and "停在这里。答过的存在" in output
    assert json.loads(save.read_text("utf-8")) == {"成员": [{"姓名": "金示例", "出生日期": "1965-01-20"}]}
    assert list(tmp_path.iterdir()) == [save]

    code, output = run(*begin, said="不知道\n" * 60)
    assert code == 0
    assert "接着" in output and "出生日期\n" not in output
    assert "问完了。结论：" in output and "问过，这家人不知道的：" in output
    assert "示例参数" in output
    kept = json.loads(save.read_text("utf-8"))
    assert {"未知": DECLINED[0]} in kept["成员"][0].values()
    assert list(tmp_path.iterdir()) == [save]


def test_an_interview_takes_papers_and_judgements(tmp_path: Path) -> None:
    """Only the two facts that need proof are open, the others are as in the example."""
    household = example("facts-missing")
    member = household["成员"][1]
    member |= {"残疾类别": "肢体", "残疾等级": "二级", "医疗救助": []}
    household["成员"][0]["收入项"][0]["年金额"] = 3000
    household["财产符合"] = True
    file, save = tmp_path / "h.json", tmp_path / "kept.json"
    file.write_text(json.dumps(household, ensure_ascii=False), "utf-8")
    wanted = asked(household)
    assert ("members[1]", "needs_long_term_care") in wanted
    proofs = {
        "needs_long_term_care": "是\n镇卫生院\n2020-06-01\n不能自理\n",
        "serious_illness": "是\n县医院诊断证明\n",
    }
    said = "".join(proofs[name] for _, name in wanted)
    code, output = run(str(file), "-i", *EVALUATE, "--save", str(save), said=said)
    assert code == 0 and "问完了。结论：" in output, output
    kept = json.loads(save.read_text("utf-8"))["成员"][1]["需要长期照护"]
    assert kept == {"值": True, "判断人": "镇卫生院", "日期": "2020-06-01", "理由": "不能自理"}


def test_a_judgement_nobody_has_made_is_not_known(tmp_path: Path) -> None:
    """Who judged, when and why are asked for; not to know one of them is not to know."""
    rules = strategies.VOCABULARY + (
        "待遇 待遇甲 (m0) 对每个 人\n条款 条甲 (c0)\n    依据：文 第一条\n    对每个 人\n"
        "    条件：困难\n    给予：待遇甲，每月 1 分/月\n"
    )
    folder, save = tmp_path / "rules", tmp_path / "h.json"
    folder.mkdir()
    (folder / "trial.rules").write_text(rules, "utf-8")
    save.write_text(json.dumps({"members": [{"id": "m0"}]}), "utf-8")
    code, output = run(
        "-i", "--policies", str(folder), "--save", str(save), said="是\n不知道\n2020-06-01\n看过\n"
    )
    assert code == 0 and "问过，这家人不知道的：" in output, output
    assert json.loads(save.read_text("utf-8"))["members"][0]["困难"] == {"未知": DECLINED[0]}


def test_an_interview_without_a_file_to_keep_it_says_so() -> None:
    code, output = run("--interactive", *EVALUATE, said="")
    assert code == 0 and "没有写 --save" in output


def test_an_interview_that_cannot_be_kept_says_so_before_it_asks(tmp_path: Path) -> None:
    code, output = run(
        "--interactive", *EVALUATE, "--save", str(tmp_path / "nowhere/h.json"), said="金示例\n"
    )
    assert code == 2 and "存不进去" in output and "成员有哪些人" not in output


def test_what_was_kept_goes_on_and_the_file_beside_it_is_said_not_to_be_read(tmp_path: Path) -> None:
    """Left before anything was answered, and taken up again; a file already there is never begun anew."""
    file, save = str(ROOT / "examples/facts-missing.json"), tmp_path / "h.json"
    code, _ = run(file, "-i", *EVALUATE, "--save", str(save), said="退出\n")
    assert code == 0 and json.loads(save.read_text("utf-8")) == example("facts-missing")
    save.write_text('{"成员": [{"姓名": "金示例"}]}', "utf-8")
    code, output = run(file, "-i", *EVALUATE, "--save", str(save), said="退出\n")
    assert code == 0 and f"{file} 这次不读" in output and "金示例 · 出生日期" in output


def test_one_household_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text('[{"成员": []}, {"成员": []}]', "utf-8")
    code, output = run(str(file), *EVALUATE)
    assert code == 2 and "一次只问一户" in output


@pytest.mark.parametrize(
    "args", [[], ["nowhere.json"], [str(ROOT / "examples/facts-missing.json"), "--on", "June"]]
)
def test_bad_usage_ends_with_2(args: list[str]) -> None:
    assert run(*args)[0] == 2


# ---- answers in the data ---------------------------------------------------------------------------------------------------------


@cache
def questions(household: str) -> dict[tuple[str, str], Question]:
    return {(q.path, q.name): q for q in ask(json.loads(household), policies(), on=ON).questions}


def placed(household: dict[str, Any], path: str, name: str, text: str) -> dict[str, Any]:
    """A household once somebody typed an answer to a question about it."""
    question = questions(json.dumps(household))[path, name]
    return Answers(policies().program, household, "zh").with_text(question, text, {})


def test_answers_stand_where_the_reader_looks_for_them() -> None:
    household: dict[str, Any] = {"成员": {"条目": [{"姓名": "王某"}], "核对完成": False}}
    both = {"姓名": "王某"}, {"姓名": "李某"}
    assert placed(household, "household", "members", "李某")["成员"] == list(both)
    assert placed(household, "household", "members", "没有了")["成员"] == [both[0]]
    assert placed(household, "household", "members", "王某、李某、李某")["成员"] == list(both)  # named again
    family = {"成员": list(both)}
    assert placed(family, "members[0]", "father", "李某")["成员"][0]["父亲"] == {"引用": "李某"}
    assert placed(family, "members[0]", "father", "赵某")["成员"][0]["父亲"] == {"姓名": "赵某"}
    assert placed(family, "members[0]", "father", "无")["成员"][0]["父亲"] == "无"
    assert placed(family, "members[0]", "disability_grade", "2")["成员"][0]["残疾等级"] == "二级"
    assert placed(family, "members[0]", "special_circumstances", "都没有")["成员"][0]["特殊情形"] == []
    assert placed(family, "members[0]", "birth_date", "19650120")["成员"][0]["出生日期"] == "1965-01-20"
    assert placed(family, "household", "property_ok", "不符合")["财产符合"] is False
    assert placed(family, "members[1]", "income_items", "2")["成员"][1]["收入项"] == [{}, {}]
    assert placed(family, "members[1]", "income_items", "有一条")["成员"][1]["收入项"] == [{}]
    for name, vague in (("income_items", "有"), ("father", "有"), ("obligors", "是")):
        with pytest.raises(NotUnderstood):
            placed(family, "members[0]", name, vague)
    assert family == {"成员": list(both)}  # as it was


def test_an_answer_about_another_household_is_put_there() -> None:
    """The daughter's household is known by its path only; it is made when something is said of it."""
    household = example("c14-daughter-unknown")
    done = placed(household, "members[0].obligors[0].household", "awards", "没有")
    assert done["成员"][0]["义务人"][0]["户"] == {"待遇记录": []}


# ---- the Chinese page -------------------------------------------------------------------------------------------------------------


PAGE = (ROOT / "docs/zh/asking.md").read_text("utf-8")


def block(after: str) -> str:
    """The block of the page after a comment."""
    return PAGE.split(after, 1)[1].split("```\n", 2)[1]


def in_order(text: str, wanted: str) -> None:
    """Every line wanted stands in the text, in this order; … stands for anything."""
    at = 0
    for part in (part for line in wanted.splitlines() for part in line.split("…") if part.strip()):
        found = text.find(part, at)
        assert found >= 0, f"{part}\n{text}"
        at = found + len(part)


def test_the_list_on_the_page_is_what_the_command_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    command = PAGE.split("<!-- run: ask ", 1)[1].split(" -->", 1)[0]
    code, output = run(*command.split())
    assert code == 0
    in_order(output, block("<!-- shows -->\n"))


def test_the_interview_on_the_page_goes_as_it_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = block("<!-- interview -->\n").splitlines()
    said = "".join(line.removeprefix("   > ") + "\n" for line in lines if line.startswith("   > "))
    code, output = run("--interactive", *EVALUATE, "--save", "jin.json", said=said)
    assert code == 0
    in_order(output, "\n".join(line.strip() for line in lines if not line.startswith("   > ")))
