"""`policykit ask`: what is still to be found out about a household, as a list, as JSON, or as an interview."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from policykit.app.console import BAD, Tongue, complain, emit, write_whole
from policykit.asking.answers import Answers, NotUnderstood
from policykit.asking.questions import Agenda, Prospect, Question, Reason, Settled, Waiting, ask
from policykit.datafiles import load_file
from policykit.diagnostics import Language, PolicyError
from policykit.explain import explain
from policykit.loader import Policies, load, load_bundled
from policykit.result import evaluate

MOST_SHOWN = 10
MOST_SETTLED = 4
NOT_KNOWN = {
    "不知道",
    "不清楚",
    "说不清",
    "不晓得",
    "不详",
    "未知",
    "?",
    "？",
    "don't know",
    "dont know",
    "not known",
    "unknown",
}
LEAVE = {"退出", "q", "quit", "exit"}


class AskFormat(StrEnum):
    text = "text"
    json = "json"


def ask_command(
    file: Annotated[
        Path | None,
        typer.Argument(help="a household file, JSON or YAML; an interview may start without / 家庭数据文件"),
    ] = None,
    on: Annotated[str, typer.Option(help="the day asked for, 2020-06-10; default today / 评价日")] = "",
    policies: Annotated[
        list[Path] | None, typer.Option(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    parameters: Annotated[Path | None, typer.Option(help="a parameter sheet / 参数表")] = None,
    lang: Annotated[Tongue, typer.Option(help="language of the questions / 语言")] = Tongue.zh,
    format: Annotated[AskFormat, typer.Option(help="text or json / 格式")] = AskFormat.text,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="ask one question at a time / 逐个问")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(help="where an interview is kept, and taken up again / 边问边存的文件")
    ] = None,
) -> None:
    """Say what to find out about a household, the most settling question first. 这一户还要问什么。"""
    language: Language = lang.value
    try:
        day = date.fromisoformat(on) if on else date.today()
    except ValueError:
        typer.echo(f"--on: `{on}` 不是日期，写成 2020-06-10 / not a date, write 2020-06-10", err=True)
        raise typer.Exit(BAD) from None
    if file is None and not interactive:
        typer.echo("请写家庭数据文件，或者加 --interactive 从头问起 / name a household file, or add --interactive", err=True)  # fmt: skip
        raise typer.Exit(BAD)
    try:
        chosen = load(*policies) if policies else load_bundled()
        chosen = chosen.with_parameters(parameters) if parameters is not None else chosen
        begun = save if interactive and save is not None and save.exists() else file
        household = load_file(begun, language) if begun is not None else {}
        if not isinstance(household, Mapping):
            typer.echo(f"{begun}: 一次只问一户，这份文件里不是一户 / one household at a time: this file does not hold just one", err=True)  # fmt: skip
            raise typer.Exit(BAD)
        if interactive:
            passed_over = file if begun != file else None
            Interview(chosen, day, language, save).run(household, begun == save, passed_over)
            return
        agenda = ask(household, chosen, on=day, language=language)
    except PolicyError as error:
        complain(error.diagnostics, language)
        raise typer.Exit(BAD) from None
    except OSError:
        if not interactive:
            raise
        typer.echo(f"--save: `{save}` 存不进去，看看文件夹在不在、能不能写 / cannot be written: is there such a folder, and may it be written to?", err=True)  # fmt: skip
        raise typer.Exit(BAD) from None
    emit(agenda.to_json() if format is AskFormat.json else "\n".join(Sayer(language).agenda(agenda)))


class Sayer:
    """Says an agenda in one language."""

    def __init__(self, language: Language) -> None:
        self.zh = language == "zh"

    def say(self, zh: str, en: str) -> str:
        return zh if self.zh else en

    # -- a list

    def agenda(self, agenda: Agenda) -> list[str]:
        lines = [self.head(agenda)]
        for number, question in enumerate(agenda.questions[:MOST_SHOWN], start=1):
            lines += ["", *self.question(question, number)]
        further = len(agenda.questions[MOST_SHOWN:]) + agenda.further
        if further:
            lines += ["", self.say(f"另有 {further} 项可能要问；先问上面的，答了再列，许多就不用问了",
                                   f"{further} more may be needed; ask these first and list again, many will drop out")]  # fmt: skip
        return [*lines, *self.waiting(agenda.waiting)]

    def head(self, agenda: Agenda) -> str:
        undecided = len(agenda.undecided)
        if not undecided:
            return self.say(
                f"{agenda.decided} 项待遇都已确定，没有要问的",
                f"all {agenda.decided} decisions are settled, there is nothing to ask",
            )
        count = len(agenda.questions) + agenda.further
        if not count:
            return self.say(
                f"{undecided} 项待遇还没有定，但问这家人已经没有用：要等下面写的事",
                f"{undecided} decisions are open, and asking the household settles none of them: they wait for what follows",
            )
        about = ""
        if agenda.expected is not None:
            likely = max(1, round(agenda.expected))
            about = self.say(f"，大约问 {likely} 项就够", f"; about {likely} of them are expected to do")
        return self.say(
            f"{undecided} 项待遇还没有定，{agenda.decided} 项已定；可能要问 {count} 项{about}。先问最能定下来的：",
            f"{undecided} decisions are open, {agenda.decided} are settled; {count} questions may be needed{about}. "
            "The most settling first:",
        )

    def question(self, question: Question, number: int) -> list[str]:
        lines = [f"{number}. {question.whose} · {question.label}", f"   {question.text}"]
        lines += [f"   {line}" for line in (self.choices(question), self.proof(question)) if line]
        if question.cause:
            lines.append(
                self.say(f"   现在不知道，因为：{question.cause}", f"   not known now: {question.cause}")
            )
        if question.reasons:
            named = (
                "；".join(map(self.reason, question.reasons))
                if self.zh
                else "; ".join(map(self.reason, question.reasons))
            )
            lines.append(self.say(f"   为什么问：{named}", f"   asked by: {named}"))
        return lines + [f"   {self.prospect(prospect)}" for prospect in question.prospects]

    def choices(self, question: Question) -> str:
        """What may be answered, where that is a choice."""
        options = [f"{number} {label}" for number, (_, label) in enumerate(question.options, start=1)]
        if question.optional:
            options.append(self.say("无", "none"))
        if question.answer == "bool":
            options = [self.say("是", "yes"), self.say("否", "no")]
        if question.answer == "number" and question.unit:
            return self.say(f"单位：{question.unit}", f"in {question.unit}")
        if not question.options and question.answer != "bool":
            return ""
        many = (
            self.say("可以选几个，用顿号隔开：", "any of these, with commas: ")
            if question.answer == "multi"
            else ""
        )
        return many + (" / " if question.answer == "bool" else "  ").join(options)

    def proof(self, question: Question) -> str:
        if question.judge is not None:
            who = question.judge or self.say("有权判断的人", "whoever is competent")
            return self.say(
                f"由{who}判断：要写明谁、哪天、为什么", f"judged by {who}: who, when and why are needed"
            )
        if question.evidence is not None:
            paper = question.evidence or self.say("凭据", "a paper")
            return self.say(f"要有{paper}", f"needs {paper}")
        return ""

    def reason(self, reason: Reason) -> str:
        if not reason.locator:
            return reason.label
        return self.say(f"{reason.label}（{reason.locator}）", f"{reason.label} ({reason.locator})")

    def prospect(self, prospect: Prospect) -> str:
        settled = [
            self.say(f"{s.label}（{s.whose}）{s.said}", f"{s.label} ({s.whose}) {s.said}")
            for s in prospect.settles
        ]
        if len(settled) > MOST_SETTLED:
            more = len(settled) - MOST_SETTLED
            settled = [*settled[:MOST_SETTLED], self.say(f"另 {more} 项也定下", f"{more} more settled")]
        if prospect.left:
            settled.append(self.say(f"还可能要问 {prospect.left} 项", f"{prospect.left} more may be asked"))
        if not settled:
            settled.append(self.say("没有别的要问", "nothing more to ask"))
        return f"{prospect.answer} → {self.say('；', '; ').join(settled)}"

    def settled(self, one: Settled) -> str:
        return self.say(f"{one.label}（{one.whose}）{one.said}", f"{one.label} ({one.whose}) {one.said}")

    def waiting(self, waiting: tuple[Waiting, ...]) -> list[str]:
        """What rests on something else than the household's answers, kind by kind."""
        titles = {
            "parameter": ("要由参数表写明的（问这家人没有用）", "To be set in the parameter sheet (no question for the household)"),
            "ruling": ("要等审批机关决定的", "To be decided by the approver"),
            "declined": ("问过，这家人不知道的", "Asked, and not known"),
        }  # fmt: skip
        lines = []
        for kind, title in titles.items():
            named = dict.fromkeys(self.waited(one) for one in waiting if one.kind == kind)
            if named:
                lines += ["", self.say(*title) + self.say("：", ":"), *(f"   {line}" for line in named)]
        return lines

    def waited(self, one: Waiting) -> str:
        whose = f"{one.whose} · " if one.whose else ""
        return f"{whose}{one.label}{self.say('：', ': ')}{one.text}"


class Interview:
    """One question at a time, from standard input; what was answered is kept after each."""

    def __init__(self, policies: Policies, on: date, language: Language, save: Path | None) -> None:
        self.policies, self.on, self.language, self.save = policies, on, language, save
        self.sayer = Sayer(language)
        self.say = self.sayer.say
        self.asked = 0

    def run(self, household: Mapping[str, Any], resumed: bool, passed_over: Path | None) -> None:
        """Asks until nothing that can be asked is open, or until the one who answers leaves.

        `passed_over` is a file that was named, and is not read because what was kept goes on.
        """
        agenda = self.agenda(household)
        self.keep(household)  # before anybody answers: whether it can be kept at all
        emit(
            self.say(
                "回答不了的写“不知道”，想停写“退出”。",
                "Write `don't know` where you cannot answer, `quit` to stop.",
            )
        )
        if resumed:
            emit(self.say(f"接着 {self.save} 里存的往下问。", f"Going on from what {self.save} holds."))
        if passed_over is not None:
            emit(self.say(f"{passed_over} 这次不读：要另问一户，--save 请写另一个文件名。",
                          f"{passed_over} is not read: for another household give --save another name."))  # fmt: skip
        try:
            while agenda.questions:
                self.asked += 1
                emit("\n" + "\n".join(self.sayer.question(agenda.questions[0], self.asked)))
                household, agenda = self.one(household, agenda.questions[0])
                self.keep(household)
        except (EOFError, KeyboardInterrupt):
            self.left()
            return
        self.keep(household)
        self.conclude(household, agenda)

    def agenda(self, household: Mapping[str, Any]) -> Agenda:
        return ask(household, self.policies, on=self.on, language=self.language, most=1)

    def one(self, household: Mapping[str, Any], question: Question) -> tuple[Mapping[str, Any], Agenda]:
        """The household with an answer to a question, asked again until one can be read."""
        while True:
            text = self.read()
            answers = Answers(self.policies.program, household, self.language)
            try:
                proof = (
                    {} if text.lower() in NOT_KNOWN else self.proof(question, answers.value(question, text))
                )
                if any(said.lower() in NOT_KNOWN for said in (text, *proof.values())):
                    given = answers.declined(question)
                else:
                    given = answers.with_text(question, text, proof)
                return given, self.agenda(given)
            except NotUnderstood as error:
                emit(f"   {error}")
            except PolicyError as error:
                for diagnostic in error.diagnostics:
                    said = diagnostic.render(self.language)
                    if diagnostic.where.endswith(
                        question.label
                    ):  # which fact it is stands in the question above
                        said = said.removeprefix(f"{diagnostic.where}: ")
                    emit("   " + said.replace("\n", "\n   "))

    def proof(self, question: Question, value: Any) -> dict[str, str]:
        """What an answer needs beside it: who judged it, when and why; the paper it stands in, unless it is no."""
        if question.judge is not None:
            return {
                "by": self.read(self.say("谁判断的", "judged by whom")),
                "date": self.read(self.say("哪天判断的（2020-06-10）", "on which day (2020-06-10)")),
                "reason": self.read(self.say("为什么", "for what reason")),
            }
        if question.evidence is None or value in (False, "无", []):
            return {}
        return {"source": self.read(self.say("凭什么材料（写名称）", "by which paper"))}

    def read(self, about: str = "") -> str:
        """One line that says something; raises `EOFError` at the end of the input or when told to leave."""
        while True:
            print(f"   {about}> ", end="", flush=True)
            line = sys.stdin.readline()
            if not line or line.strip().lower() in LEAVE:
                raise EOFError
            if line.strip():
                return line.strip()

    # -- what is kept

    def keep(self, household: Mapping[str, Any]) -> None:
        if self.save is not None:
            text = json.dumps(household, ensure_ascii=False, indent=2, default=str)
            write_whole(self.save, text + "\n")

    def left(self) -> None:
        emit("")
        if self.save is None:
            emit(
                self.say(
                    "停在这里。没有写 --save，答过的没有存。", "Stopped. Without --save nothing was kept."
                )
            )
        else:
            emit(self.say(f"停在这里。答过的存在 {self.save}，下次用同样的命令接着问。",
                          f"Stopped. What was answered is in {self.save}; the same command goes on from there."))  # fmt: skip

    def conclude(self, household: Mapping[str, Any], agenda: Agenda) -> None:
        """The conclusions, and what they still wait for."""
        result = evaluate(household, self.policies, on=self.on, language=self.language)
        told = explain(result.trace, self.language)
        emit("")
        if told.warning:
            emit(told.warning)
        emit(self.say("问完了。结论：", "Nothing more to ask. Conclusions:"))
        colon = self.say("：", ": ")
        for line in told.summary.lines:
            emit(f"   {line.head}{colon}{line.text}")
        if agenda.foregone:
            emit(self.say("这些上面说还不能确定，其实不用再问，怎样都一样：",
                          "Said above to be open, and yet the same however it turns out:"))  # fmt: skip
        for one in agenda.foregone:
            emit(f"   {self.sayer.settled(one)}")
        for said in self.sayer.waiting(agenda.waiting):
            emit(said)
        if self.save is not None:
            emit(self.say(f"\n全部情况存在 {self.save}；要看依据和算法：policykit evaluate {self.save}",
                          f"\nEverything is in {self.save}; for grounds and calculations: policykit evaluate {self.save}"))  # fmt: skip
