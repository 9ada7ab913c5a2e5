"""`policykit test`: the cases run, what they exercise, and cases proposed at every threshold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

import typer

from policykit.app.boundaries import propose
from policykit.app.console import BAD, FINDINGS, Report, Tongue, complain, emit
from policykit.casework.arguments import argued
from policykit.casework.exercised import UNREACHABLE, Exercise, Kind, Seen, exercised, said
from policykit.casework.mutants import equivalents, report
from policykit.casework.trials import Verdict, because, run
from policykit.diagnostics import Language, PolicyError
from policykit.loader import Policies, bundled, examine

#: what coverage calls the things it counts, in the order it counts them
KINDS: dict[Kind, tuple[str, str]] = {
    "clause": ("条款", "clauses"),
    "scope": ("适用范围", "scopes"),
    "test": ("条件", "tests"),
    "operand": ("并且、或者的各项", "operands of and/or"),
    "exception": ("例外和先后", "exceptions and priorities"),
}


def test_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="list what no case reaches / 列出没有案例试到的")
    ] = False,
    boundaries: Annotated[
        bool,
        typer.Option(
            "--boundaries",
            help="propose cases at every threshold, to be accepted one by one / 在每个界线上提出案例，逐个确认",
        ),
    ] = False,
    case: Annotated[str, typer.Option(help="with --boundaries: this case only / 只看这个案例")] = "",
    mutants: Annotated[
        bool,
        typer.Option(
            "--mutants",
            help="change the rules one at a time and see which no case notices / 逐处改动规则，看案例察觉没有",
        ),
    ] = False,
    into: Annotated[
        Path | None,
        typer.Option(help="with --boundaries: the file for accepted cases / 确认的案例写入此文件"),
    ] = None,
    lang: Annotated[Tongue, typer.Option(help="language / 语言")] = Tongue.zh,
    format: Annotated[Report, typer.Option(help="text, json or junit / 格式")] = Report.text,
) -> None:
    """Run the cases beside the rules. 试算规则旁的案例。

    Exit 0: all pass; 1: some fail; 2: the files or a household cannot be read.
    """
    language: Language = lang.value
    where = list(paths or [bundled()])
    if boundaries and into is not None and into.exists() and not any(_inside(into, path) for path in where):
        where.append(into)
    policies, diagnostics = examine(*where, cases=True)
    if policies is None:
        complain((d for d in diagnostics if d.severity == "error"), language)
        raise typer.Exit(BAD)
    if boundaries:
        propose(policies, case, into, language)
        return
    try:
        reasons = equivalents(policies) if mutants else argued(policies, UNREACHABLE) if coverage else {}
    except PolicyError as error:
        complain(error.diagnostics)
        raise typer.Exit(BAD) from None
    if mutants:
        found = report(policies, reasons)
        emit("\n".join(found.lines(language)))
        if not found.passed:
            raise typer.Exit(FINDINGS)
        return
    verdicts = list(run(policies, language))
    reach = exercised(policies) if coverage else None
    if format is Report.json:
        emit(json.dumps(_data(policies, verdicts, reach, language), ensure_ascii=False, indent=2))
    elif format is Report.junit:
        emit(_junit(policies, verdicts, language))
    else:
        _written(policies, verdicts, reach, reasons, language)
    if any(v.errors for v in verdicts):
        raise typer.Exit(BAD)
    if not all(v.passed for v in verdicts):
        raise typer.Exit(FINDINGS)


def _inside(file: Path, path: Path) -> bool:
    return file.resolve() == path.resolve() or path.resolve() in file.resolve().parents


# ---- text ----------------------------------------------------------------------------------------------------------------


def _written(
    policies: Policies,
    verdicts: Sequence[Verdict],
    reach: Exercise | None,
    reasons: Mapping[str, str],
    language: Language,
) -> None:
    for verdict in verdicts:
        if not verdict.passed:
            emit("\n".join(_failure(policies, verdict, language)) + "\n")
    if reach is not None:
        emit("\n".join(_reached(policies, reach, reasons, language)))
    emit(_summary(verdicts, language))


def _failure(policies: Policies, verdict: Verdict, language: Language) -> Iterable[str]:
    zh = language == "zh"
    yield f"{'未通过' if zh else 'FAILED'} {verdict.name}  {_place(verdict.trial.span)}"
    for error in (e for e in verdict.errors if e.severity == "error"):
        yield from (f"    {line}" for line in error.render(language).split("\n"))
    for miss in verdict.misses:
        place = _place(miss.expected.span)
        yield f"    {_asked(policies, verdict, miss.expected.subject, miss.expected.name, language)}  {place}"
        yield f"      {'期望：' if zh else 'expected: '}{miss.wanted}"
        yield f"      {'得到：' if zh else 'got:      '}{miss.got}"
        yield from (f"      │ {line}" for line in because(policies, verdict, miss.expected, language))


def _asked(policies: Policies, verdict: Verdict, subject: str, name: str, language: Language) -> str:
    """Whom and what an expectation is about; positions count from 1, as cases write them."""
    program = policies.program
    declared: Any = (
        program.measures.get(name)
        or next(iter(program.clauses.get(name, ())), None)
        or next((n for n in program.notes if n.basis.name.id == name), None)
    )
    label = getattr(declared, "name", None) or declared.basis.name
    return f"{said_place(policies, subject, language)} {label.label(language)}".strip()


def said_place(policies: Policies, path: str, language: Language) -> str:
    """The path of a record in words: members[0] → 成员[1]."""
    entities = policies.program.entities
    lists = {name: decl.name for e in entities.values() for name, decl in e.lists.items()}
    names = lists | {name: e.name for name, e in entities.items()}
    parts = []
    for part in path.split(".") if path else []:
        name, _, number = part.partition("[")
        said = names[name].label(language) if name in names else name
        parts.append(f"{said}[{int(number[:-1]) + 1}]" if number else said)
    return ".".join(parts)


def _place(span: Any) -> str:
    return f"{span.file}:{span.line}"


def _summary(verdicts: Sequence[Verdict], language: Language) -> str:
    cases = len({id(v.example) for v in verdicts if v.trial.expected})
    asked = [v for v in verdicts if v.trial.expected or v.errors]
    failed = sum(not v.passed for v in asked)
    if language == "zh":
        return f"案例 {cases} 个，试算 {len(asked)} 次：通过 {len(asked) - failed}，未通过 {failed}"
    return f"{cases} cases, {len(asked)} trials: {len(asked) - failed} passed, {failed} failed"


def _reached(
    policies: Policies, reach: Exercise, reasons: Mapping[str, str], language: Language
) -> Iterable[str]:
    zh = language == "zh"
    which = 0 if zh else 1
    shown = {one.site: said(policies, one.site, "zh") for one in reach.open}
    for kind, names in KINDS.items():
        open_ = [one for one in reach.open if one.site.kind == kind]
        if untried := [one for one in open_ if shown[one.site] not in reasons]:
            yield f"{'没有试全的' if zh else 'Not seen both ways: '}{names[which]}"
            yield from (f"    {_left(policies, one, language)}" for one in untried)
            yield ""
        if out_of_reach := [one for one in open_ if shown[one.site] in reasons]:
            yield f"{'试不到的（有理由）' if zh else 'Out of reach, with the reason: '}{names[which]}"
            for one in out_of_reach:
                yield f"    {_left(policies, one, language)}"
                yield f"      {'理由：' if zh else 'reason: '}{reasons[shown[one.site]]}"
            yield ""
    for idle in sorted(reasons.keys() - shown.values()):
        yield (
            f"{UNREACHABLE}：「{idle}」没有用处：没有这一项，或者案例已经试到"
            if zh
            else f"{UNREACHABLE}: “{idle}” serves nothing: no such thing, or the cases reach it"
        )
    counts = []
    for kind in list(KINDS)[1:]:
        found = reach.of(kind)
        counts.append(f"{KINDS[kind][which]} {sum(s.whole for s in found)}/{len(found)}")
    total = len(reach.program.clauses)
    yield ("；" if zh else "; ").join(counts)
    if zh:
        yield f"条款 {total} 条：成立与不成立都试到 {reach.both_ways}，未试到 {total - reach.both_ways}"
    else:
        left = total - reach.both_ways
        yield f"{total} clauses: {reach.both_ways} seen to stand and not to stand, {left} not"


def _left(policies: Policies, one: Seen, language: Language) -> str:
    """One thing that no case reaches: where it stands, its words, what is left to try."""
    zh, site = language == "zh", one.site
    ways = {True: ("成立", "true"), False: ("不成立", "false")}
    if site.kind == "exception":
        ways = {True: ("压过", "prevailing"), False: ("没有压过", "not prevailing")}
    left = [words[0 if zh else 1] for way, words in ways.items() if way not in one.ways]
    missing = f"没有试到：{'、'.join(left)}" if zh else f"never seen {' or '.join(left)}"
    return f"{_place(site.span)}  {said(policies, site, language)}  {missing}"


# ---- for machines --------------------------------------------------------------------------------------------------------


def _data(
    policies: Policies, verdicts: Sequence[Verdict], reach: Exercise | None, language: Language
) -> dict[str, Any]:
    trials = [
        {
            "case": v.example.name.id,
            "name": v.name,
            "place": _place(v.trial.span),
            "passed": v.passed,
            "misses": [
                {
                    "subject": m.expected.subject,
                    "about": m.expected.name,
                    "place": _place(m.expected.span),
                    "expected": m.wanted,
                    "got": m.got,
                    "because": because(policies, v, m.expected, language),
                }
                for m in v.misses
            ],
            "errors": [{"code": e.code, "where": e.where, "message": e.message(language)} for e in v.errors],
        }
        for v in verdicts
        if v.trial.expected or v.errors
    ]
    found: dict[str, Any] = {"trials": trials, "passed": sum(t["passed"] is True for t in trials)}
    found["failed"] = len(trials) - found["passed"]
    if reach is not None:
        found["coverage"] = {
            "clauses": len(reach.program.clauses),
            "both_ways": reach.both_ways,
            "open": [
                {
                    "kind": one.site.kind,
                    "of": one.site.owner,
                    "other": one.site.other,
                    "place": str(one.site.span),
                    "seen": sorted(one.ways),
                }
                for one in reach.open
            ],
        }
    return found


def _junit(policies: Policies, verdicts: Sequence[Verdict], language: Language) -> str:
    asked = [v for v in verdicts if v.trial.expected or v.errors]
    suite = ElementTree.Element(
        "testsuite",
        name="policykit test",
        tests=str(len(asked)),
        failures=str(sum(bool(v.misses) for v in asked)),
        errors=str(sum(bool(v.errors) for v in asked)),
    )
    for verdict in asked:
        span = verdict.trial.span
        case = ElementTree.SubElement(
            suite, "testcase", name=verdict.name, classname=span.file, file=span.file, line=str(span.line)
        )
        if not verdict.passed:
            head, *rest = _failure(policies, verdict, language)
            kind = "error" if verdict.errors else "failure"
            ElementTree.SubElement(case, kind, message=head).text = "\n".join(rest)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)
