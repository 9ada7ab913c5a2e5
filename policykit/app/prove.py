"""`policykit prove`: what the rules claim of all households, proved or refuted with one that a clerk can read."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from xml.etree import ElementTree

import typer

from policykit.app.console import BAD, FINDINGS, Report, Tongue, complain, write_whole
from policykit.diagnostics import Language, PolicyError
from policykit.loader import Policies, bundled, load, tidied
from policykit.source import Source

if TYPE_CHECKING:  # the solver is an extra
    from policykit.engine.smt.variables import Size
    from policykit.proving import prove
    from policykit.proving.witnesses import Findings

INTERRUPTED = 130
LAWS = ("docs/zh/proofs.md", "docs/proofs.md")

STATES = {
    "proved": ("成立", "proved"),
    "refuted": ("不成立", "REFUTED"),
    "vacuous": ("空话", "VACUOUS"),
    "not_decided": ("未判定", "NOT DECIDED"),
}

#: kind of claim → what is claimed of the rules {0}, Chinese and English
CLAIMS = {
    "property": ("性质{0}", "property {0}"),
    "applies": ("条款{0}：用得到，不总是被别的压过", "clause {0}: can apply, and is not always overridden"),
    "conflict": (
        "条款{0}：不会对同一对象各给一份",
        "clauses {0}: never grant one thing twice to one subject",
    ),
    "ban": ("条款{0}：不会又要办、又不得办", "clauses {0}: never order and ban one act at once"),
    "amount": ("金额{0}：算得出，不为负", "amount {0}: can be computed and is never negative"),
    "division": ("条款{0}：除数不会是 0", "clause {0}: never divides by 0"),
}

#: the same of all that were proved of one kind; {0} is how many
TOGETHER = {
    "applies": ("{0} 项条款：用得到，不总是被别的压过", "{0} clauses: can apply, and are not always overridden"),
    "conflict": ("{0} 对条款：不会对同一对象各给一份", "{0} pairs of clauses: never grant one thing twice to one subject"),
    "ban": ("{0} 对条款：不会又要办、又不得办", "{0} pairs of clauses: never order and ban one act at once"),
    "amount": ("{0} 项金额：算得出，不为负", "{0} amounts: can be computed and are never negative"),
    "division": ("{0} 项条款：除数不会是 0", "{0} clauses: never divide by 0"),
}  # fmt: skip

#: why a claim is not settled, or a clause never stands
WHYS = {
    "overridden": ("有用得到它的户，可是每次都被别的条款压过", "it can apply, but something always overrides it"),
    "never": ("在上限之内，没有一户用得到这一条", "no household within the bound is one that it applies to"),
    "unconfirmed": ("找到一户，逐条重算没有得到同样的结果，不能拿来作准", "a household was found, but evaluating it does not bear it out"),
    "vacuous": ("前提没有一户满足，等于什么也没有说；请查前提是不是互相矛盾", "no household satisfies what is assumed, so nothing is claimed; see whether the assumptions contradict one another"),
    "interrupted": ("中途停下", "interrupted"),
}  # fmt: skip


def prove_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    property: Annotated[
        list[str] | None,
        typer.Option(help="a property or rule to look at; several times; default all / 只证这个性质或条款"),
    ] = None,
    on: Annotated[
        str, typer.Option(help="one day, 2020-06-10; default every day of the rules / 只看这一天")
    ] = "",
    members: Annotated[
        int, typer.Option(min=1, max=40, help="the most members looked at / 最多几个成员")
    ] = 8,
    records: Annotated[
        int, typer.Option(min=0, max=20, help="the most entries of any other list / 其他清单最多几条")
    ] = 3,
    limit: Annotated[
        float, typer.Option(min=0.001, help="seconds for each question to the solver / 每问至多几秒")
    ] = 20.0,
    parameters: Annotated[
        Path | None, typer.Option(help="a parameter sheet; default any values / 参数表；不给就对任何数额都证")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="a folder for the households found, as cases / 把找到的户写成案例，放进这个文件夹"),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="a line for every claim / 证成的也逐项列出")] = False,
    lang: Annotated[Tongue, typer.Option(help="language / 语言")] = Tongue.zh,
    format: Annotated[Report, typer.Option(help="text, json or junit / 格式")] = Report.text,
) -> None:
    """Prove what the rules claim of every household within a bound, or show one that breaks it. 证明规则的性质。

    Exit 0: everything is proved; 1: something is refuted, claims nothing, or is not decided; 2: bad input.
    """
    language: Language = lang.value
    with solver_needed():
        from policykit.engine.smt.variables import Size
        from policykit.proving import prove
    day = day_of(on)
    if save is not None and save.exists() and not save.is_dir():
        typer.echo(f"--save: {save} 不是文件夹 / is not a folder", err=True)
        raise typer.Exit(BAD)
    size = Size(members, records)
    try:
        policies = load(*(paths or [bundled()]))
        if parameters is not None:
            policies = policies.with_parameters(parameters)
        teller = _Teller(
            policies,
            parameters,
            size,
            limit,
            save,
            language,
            format is Report.text,
            each=all or bool(property),
        )
        report = prove.prove(
            policies.program, size=size, limit=limit, only=property or (), on=day, told=teller.told
        )
    except PolicyError as error:
        complain((d for d in error.diagnostics if d.severity == "error"), language)
        raise typer.Exit(BAD) from None
    except KeyboardInterrupt:
        line("中途停下，没有证完" if language == "zh" else "interrupted, not all is proved", sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if not report.proofs:
        typer.echo("这些规则在这些天没有要证明的 / these rules claim nothing on these days", err=True)
        raise typer.Exit(BAD)
    if format is Report.json:
        line(json.dumps(teller.data(report), ensure_ascii=False, indent=2, default=str))
    elif format is Report.junit:
        line(teller.junit(report))
    else:
        for sentence in teller.summary(report):
            line(sentence)
    if not report.proved:
        raise typer.Exit(FINDINGS)


def line(text: str, to: Any = None) -> None:
    """A line that is seen at once, also through a pipe."""
    print(text, file=to or sys.stdout, flush=True)


@contextmanager
def solver_needed() -> Iterator[None]:
    """Names the extra to install where the solver is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "z3":
            raise
        typer.echo(
            "缺少 z3，请安装：pip install 'policykit[prove]'"
            " / z3 is missing, install: pip install 'policykit[prove]'",
            err=True,
        )
        raise typer.Exit(BAD) from None


def day_of(on: str) -> date | None:
    """The day that an option names, if it names one."""
    try:
        return date.fromisoformat(on) if on else None
    except ValueError:
        typer.echo(f"--on: `{on}` 不是日期，写成 2020-06-10 / not a date, write 2020-06-10", err=True)
        raise typer.Exit(BAD) from None


def bound(size: Size, first: date, last: date, language: Language) -> str:
    """Within what something holds: how large households are, and on which days."""
    zh = f"〔成员 1–{size.members}，清单 0–{size.entries} 条，{first} 至 {last}〕"
    en = f"[members 1–{size.members}, lists 0–{size.entries}, {first} to {last}]"
    return zh if language == "zh" else en


def household(witness: Any) -> dict[str, Any]:
    """A household as `evaluate` takes it, with what it supposes of the parameters."""
    supposed = [
        {"parameter": gap.name, "subject": gap.path, "value": _plain(value.value)}
        for gap, value in witness.parameters.items()
    ]
    return {
        "on": str(witness.on),
        "household": witness.household,
        "rulings": list(witness.rulings),
        "parameters": supposed,
    }


class _Teller:
    """Says each verdict as it is settled, and all of them at the end."""

    def __init__(
        self,
        policies: Policies,
        sheet: Path | None,
        size: Size,
        limit: float,
        save: Path | None,
        language: Language,
        aloud: bool,
        each: bool,
    ) -> None:
        self.policies, self.sheet, self.size, self.limit, self.save = policies, sheet, size, limit, save
        self.language, self.aloud, self.each = language, aloud, each
        self.gathered: dict[str, list[prove.Proof]] = {}
        self.saved: dict[str, Path] = {}

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def told(self, proof: prove.Proof) -> None:
        if self.aloud and not self.each and proof.state == "proved" and proof.kind in TOGETHER:
            self.gather(proof)
            return
        out = None if self.aloud else sys.stderr
        line(self.verdict(proof), out)
        for reason in self.reasons(proof) if self.aloud else ():
            line(f"    {reason}")
        if self.save is not None and (findings := self.findings(proof)) is not None:
            file = self.write(proof, findings, self.save)
            line(self.say(f"    写入 {file}", f"    written to {file}"), out)

    def gather(self, proof: prove.Proof) -> None:
        """Keeps what holds of every sound rule set for one line at the end, and says that it is being looked at."""
        if not self.gathered:
            line(self.say("再证每条条款、每项金额；成立的最后合在一起列（--all 逐项列出）",
                          "Now every clause and amount; those that hold are counted at the end (--all lists each)"))  # fmt: skip
        self.gathered.setdefault(proof.kind, []).append(proof)

    # -- one claim

    def claim(self, proof: prove.Proof) -> str:
        mark = self.say("“{}”", "“{}”")
        names = self.say("、", " and ").join(mark.format(name.label(self.language)) for name in proof.rules)
        return self.say(*CLAIMS[proof.kind]).format(names)

    def verdict(self, proof: prove.Proof) -> str:
        """One line: the verdict, what was claimed, within which bound, how long it took."""
        return self.told_of(proof.state, self.claim(proof), [proof])

    def together(self, kind: str, proofs: Sequence[prove.Proof]) -> str:
        """The same for everything of one kind that was proved: over all the days that any of it speaks of."""
        return self.told_of("proved", self.say(*TOGETHER[kind]).format(len(proofs)), proofs)

    def told_of(self, state: str, claim: str, proofs: Sequence[prove.Proof]) -> str:
        took = sum(proof.seconds for proof in proofs)
        within = self.bound(min(proof.first for proof in proofs), max(proof.last for proof in proofs))
        return f"{self.say(*STATES[state])}  {claim}  {within}  {self.say(f'{took:.1f} 秒', f'{took:.1f} s')}"

    def bound(self, first: date, last: date) -> str:
        return bound(self.size, first, last, self.language)

    def reasons(self, proof: prove.Proof) -> Iterator[str]:
        """Where the claim is made, and what there is to say of a verdict other than proved."""
        if proof.state == "proved":
            return
        yield f"{proof.span.file}:{proof.span.line}"
        findings = self.findings(proof)
        if findings is not None:
            yield from findings.lines()
        else:
            yield self.why(proof)

    def why(self, proof: prove.Proof) -> str:
        if proof.state == "vacuous":
            return self.say(*WHYS["vacuous"])
        if proof.why == "never" and proof.first == proof.last:
            return self.say("这一天，上限之内没有一户用得到这一条；别的日子可能用得到",
                            "on this day no household within the bound is one that it applies to; on others it may")  # fmt: skip
        if proof.why in WHYS:
            return self.say(*WHYS[proof.why])
        if proof.why.startswith("no form for"):
            what = proof.why.removeprefix("no form for").strip()
            return self.say(f"证明工具还不会处理：{what}", f"the prover has no form for {what}")
        return self.say(f"未能在 {self.limit:g} 秒内判定", f"not decided within {self.limit:g} s")

    def findings(self, proof: prove.Proof) -> Findings | None:
        from policykit.proving.witnesses import Findings

        return None if proof.shown is None else Findings(self.policies, proof, proof.shown, self.language)

    def write(self, proof: prove.Proof, findings: Findings, into: Path) -> Path:
        """Writes the household as a case, whole or not at all."""
        from policykit.proving.witnesses import Cases

        stem = f"{proof.kind}_" + "_".join(name.id for name in proof.rules)
        stem = re.sub(r"\W", "_", stem)[:80]
        number = sum(1 for taken in self.saved if re.fullmatch(rf"{stem}(_\d+)?", taken))
        ident = f"{stem}_{number + 1}" if number else stem
        into.mkdir(parents=True, exist_ok=True)
        file = into / f"{ident}.rules"
        write_whole(file, tidied(Source(str(file), Cases(findings, f"broken_{ident}", self.sheet).text())))
        self.saved[ident] = file
        return file

    # -- all of them

    def summary(self, report: prove.Report) -> Iterator[str]:
        counts = Counter[str](proof.state for proof in report.proofs)
        listed = self.say("，", ", ").join(
            f"{self.say(*STATES[state]).lower()} {counts[state]}" for state in STATES
        )
        seconds = sum(proof.seconds for proof in report.proofs)
        for kind, proofs in self.gathered.items():
            yield self.together(kind, proofs)
        yield ""
        yield self.say(f"共 {len(report.proofs)} 项：{listed}；求解 {seconds:.1f} 秒",
                       f"{len(report.proofs)} claims: {listed}; {seconds:.1f} s of solving")  # fmt: skip
        yield self.say("上限之外的户没有证明：", "Nothing is claimed beyond the bound: ") + self.bound(
            report.first, report.last
        )
        yield self.say(
            f"不必求解的：数不会溢出（装载时已按声明的范围查过）；条款不拒绝适用范围外的人，补一项事实不会推翻已定的结果（逐个运算证过，见 {LAWS[0]}）",
            f"Needs no solving: nothing overflows (checked by declared ranges on loading); no clause refuses outside its scope, and no further fact flips a decided answer (proved once per operation, {LAWS[1]})",
        )

    def data(self, report: prove.Report) -> dict[str, Any]:
        return {
            "proved": report.proved,
            "bound": {
                "members": report.size.members,
                "entries": report.size.entries,
                "first": str(report.first),
                "last": str(report.last),
            },
            "limit": self.limit,
            "counts": dict(Counter(proof.state for proof in report.proofs)),
            "claims": [self.one(proof) for proof in report.proofs],
        }

    def one(self, proof: prove.Proof) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": proof.kind,
            "claim": self.claim(proof),
            "rules": [name.id for name in proof.rules],
            "place": f"{proof.span.file}:{proof.span.line}",
            "state": proof.state,
            "first": str(proof.first),
            "last": str(proof.last),
            "seconds": round(proof.seconds, 3),
        }
        if proof.state != "proved":
            found["why"] = list(self.reasons(proof))[1:]
        if proof.shown is not None:
            found["subject"] = proof.shown.subject
            shown = (proof.shown.witness, proof.shown.after)
            found["households"] = [household(witness) for witness in shown if witness is not None]
        return found

    def junit(self, report: prove.Report) -> str:
        failed: Sequence[str] = ("refuted", "vacuous")
        counts = Counter(proof.state for proof in report.proofs)
        suite = ElementTree.Element(
            "testsuite",
            name="policykit prove",
            tests=str(len(report.proofs)),
            failures=str(counts["refuted"] + counts["vacuous"]),
            errors=str(counts["not_decided"]),
        )
        for proof in report.proofs:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                name=self.claim(proof),
                classname=proof.span.file,
                file=proof.span.file,
                line=str(proof.span.line),
                time=f"{proof.seconds:.3f}",
            )
            if proof.state != "proved":
                kind = "failure" if proof.state in failed else "error"
                about = ElementTree.SubElement(case, kind, message=self.verdict(proof))
                about.text = "\n".join(self.reasons(proof))
        ElementTree.indent(suite)
        return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _plain(value: Any) -> Any:
    """A supposed value in base units (money in fen), as plain data."""
    if isinstance(value, frozenset):
        return sorted(value)
    return value if value is None or isinstance(value, bool | int) else str(value)
