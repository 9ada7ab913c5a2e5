"""`policykit batch`: every household of a register, into a table, with a summary."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from policykit.app.console import BAD, FINDINGS, Tongue, complain, emit
from policykit.app.prove import INTERRUPTED, day_of, line
from policykit.diagnostics import Language, PolicyError
from policykit.loader import Policies, load, load_bundled
from policykit.result import evaluate
from policykit.source import columns, padded

if TYPE_CHECKING:  # what reads tables is an extra
    from policykit.batch.run import Done, Side
    from policykit.batch.sections import Cell, Section

MOST_ROWS = 15  # of one table of the summary on a terminal; the file has them all
NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def batch_command(
    source: Annotated[
        Path, typer.Argument(help="the register: xlsx, csv, parquet, jsonl, or a folder / 登记表或文件夹")
    ],
    out: Annotated[
        Path | None, typer.Argument(help="the results: .xlsx, .csv or .parquet / 结果写到哪里")
    ] = None,
    on: Annotated[str, typer.Option(help="the day asked for, 2020-06-10; default today / 评价日")] = "",
    policies: Annotated[
        list[Path] | None, typer.Option(help="rule files or folders; default the bundled / 规则文件")
    ] = None,
    parameters: Annotated[Path | None, typer.Option(help="a parameter sheet / 参数表")] = None,
    complete: Annotated[
        list[str] | None,
        typer.Option(help="a list of which the register has every record; several times / 核对完整的清单"),
    ] = None,
    by: Annotated[
        str, typer.Option(help="the fact to break the summary down by; default the village / 按哪一项汇总")
    ] = "",
    explain: Annotated[
        str, typer.Option("--explain", help="explain the household with this number instead / 说明这一户")
    ] = "",
    compare: Annotated[
        list[Path] | None, typer.Option(help="other rules: what changes under them / 与另一套规则对照")
    ] = None,
    compare_parameters: Annotated[
        Path | None, typer.Option(help="a sheet for the other rules; default the same / 对照用的参数表")
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="ask further where facts are missing; slower / 缺项多试算，较慢")
    ] = False,
    findings: Annotated[
        bool, typer.Option(help="what the rules find, list and refer; slower / 也查漏保等发现，较慢")
    ] = True,
    mask: Annotated[bool, typer.Option(help="hide names and sensitive facts / 隐去姓名等")] = False,
    lang: Annotated[Tongue, typer.Option(help="language / 语言")] = Tongue.zh,
) -> None:
    """Decide every measure for every household of a register. 整本登记表逐户评估。

    Exit 0: all evaluated; 1: some rows were set aside; 2: bad input, or the output could not be written.
    """
    teller = _Teller(lang.value)
    day = day_of(on) or date.today()
    if explain:
        with teller.telling():
            text = teller.explained(source, _rules(policies, parameters), day, explain, complete or (), mask)
        emit(text)
        return
    if out is None:
        teller.stop("请在登记表之后写结果文件，或者用 --explain 写一个户号", "name the file for the results after the register, or a household with --explain")  # fmt: skip
    with teller.telling():
        from policykit.batch.run import Side, write

        teller.writable(source, out)
        rules = [_rules(policies, parameters)]
        if compare or compare_parameters:
            rules.append(_rules(compare or policies, compare_parameters or parameters))
        teller.known(rules, by)
        sides = [
            Side.of(
                source, one, day, exact=exact, findings=findings, by=by, complete=complete or (), mask=mask,
                language=lang.value,
            )
            for one in rules
        ]  # fmt: skip
        with teller.progress(sides[0]) as told:
            done = write(sides[0], out, sides[1] if len(sides) > 1 else None, told)
    complain(sides[0].register.notes, lang.value)
    for sentence in teller.summary(done, out):
        line(sentence)
    if done.summary.bad:
        raise typer.Exit(FINDINGS)


def _rules(policies: list[Path] | None, parameters: Path | None) -> Policies:
    rules = load(*policies) if policies else load_bundled()
    return rules if parameters is None else rules.with_parameters(parameters)


class _Teller:
    """Says how a run goes, and what it came to."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def stop(self, zh: str, en: str, code: int = BAD) -> NoReturn:
        typer.echo(self.say(zh, en), err=True)
        raise typer.Exit(code)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Puts into words whatever keeps a run from ending."""
        try:
            yield
        except PolicyError as error:
            complain(error.diagnostics, self.language)
            raise typer.Exit(BAD) from None
        except ModuleNotFoundError as error:
            if error.name not in ("numpy", "pyarrow", "duckdb", "python_calamine", "xlsxwriter"):
                raise
            self.stop(f"缺少 {error.name}，请安装：pip install 'policykit[batch]'", f"{error.name} is missing, install: pip install 'policykit[batch]'")  # fmt: skip
        except KeyboardInterrupt:
            self.stop("中途停下，没有写出结果；再运行一次，从头算起", "interrupted, no results were written; run it again from the start", INTERRUPTED)  # fmt: skip
        except BlockingIOError as error:
            self.stop(f"另有一次运行正在写 {error.filename}，等它结束再运行", f"another run is writing {error.filename}; wait for it to end")  # fmt: skip
        except OSError as error:
            where = f"：{error.filename}" if error.filename else ""
            if error.errno in NO_SPACE:
                self.stop("磁盘满了，没有写出结果，原有的文件没有动；腾出空间再运行一次", "the disk is full: no results were written, and what was there before is as it was; make room and run it again")  # fmt: skip
            reason = error.strerror or str(error)
            self.stop(f"结果写不出来{where}（{reason}）；文件要是正在 Excel、WPS 里开着，请先关掉", f"the results cannot be written{where} ({reason}); close the file if it is open in a spreadsheet")  # fmt: skip

    def writable(self, source: Path, out: Path) -> None:
        """Refuses an output that could not be written, before any work is done."""
        from policykit.batch.writing import KINDS

        if out.suffix.lower() not in KINDS:
            self.stop(f"{out.name}：结果文件要以 .xlsx、.csv 或 .parquet 结尾", f"{out.name}: the results go to .xlsx, .csv or .parquet")  # fmt: skip
        if not out.parent.is_dir():
            self.stop(f"没有文件夹 {out.parent}，请先建好", f"there is no folder {out.parent}; make it first")
        if out.resolve() == source.resolve() or source.resolve() in out.resolve().parents:
            self.stop("结果不能写在登记表自己身上或它的文件夹里，请换一个地方", "the results cannot go over the register or into its folder; name another place")  # fmt: skip
        if out.is_dir():
            self.stop(f"{out.name} 是一个文件夹，请换一个文件名", f"{out.name} is a folder; name a file")

    def known(self, rules: Sequence[Policies], by: str) -> None:
        """Refuses a fact to break down by that the rules do not have."""
        from policykit.batch.places import choices, place_of

        for one in rules:
            try:
                place_of(one.program, by)
            except KeyError:
                named = self.say("、", ", ").join(
                    place.fact.name.label(self.language) for place in choices(one.program)
                )
                self.stop(f"--by：没有叫 `{by}` 的事实；可以用：{named}", f"--by: no fact is called `{by}`; there are: {named}")  # fmt: skip

    def explained(
        self, source: Path, rules: Policies, day: date, key: str, complete: Sequence[str], mask: bool
    ) -> str:
        """One household of the register, as `policykit evaluate` explains it."""
        from policykit.batch.run import one_household
        from policykit.batch.sources import Register

        register = Register(source, rules.program, self.language, complete=complete)
        one = one_household(register, key)
        if one is None:
            self.stop(f"{source.name} 里没有户号 {key}", f"{source.name} has no household {key}")
        try:
            result = evaluate(one.household, rules, on=day, language=self.language)
        except PolicyError as error:
            raise PolicyError(
                [found for found in one.placed(error.diagnostics) if found.severity == "error"]
            ) from None
        complain(one.placed(result.errors), self.language)
        return result.explain(self.language, mask)

    @contextmanager
    def progress(self, side: Side) -> Iterator[Callable[[int], None]]:
        """How far a run is: a bar with the rate and the time that is left, on a terminal only."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        shown = [
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
            TextColumn(self.say("还要", "left")), TimeRemainingColumn(),
        ]  # fmt: skip
        console = Console(stderr=True)
        with Progress(*shown, console=console, disable=not console.is_terminal, transient=True) as bar:
            task = bar.add_task(self.say("评估", "evaluating"), total=None, rate="")

            def told(done: int) -> None:
                speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
                rate = self.say(f"每秒 {speed:,.0f} 户", f"{speed:,.0f} households/s") if speed else ""
                bar.update(
                    task,
                    completed=done,
                    rate=rate,
                    total=side.register.households or bar.tasks[0].total or side.total,
                )

            yield told

    # -- at the end

    def summary(self, done: Done, out: Path) -> Iterator[str]:
        for section in done.sections():
            yield from self.section(section)
            yield ""
        if done.summary.bad:
            bad = f"{out.name}.bad.csv"
            yield self.say(
                f"有 {done.summary.bad} 户（行）没有算，原因逐行写在 {bad}；改好登记表再运行一次",
                f"{done.summary.bad} households or rows were not evaluated; {bad} says why, row by row; mend the register and run again",
            )
        yield self.say(f"结果写在 {out}", f"the results are in {out}")

    def section(self, section: Section) -> Iterator[str]:
        """One small table: words to the left, figures to the right, figures that are all 0 left out."""
        yield section.title
        wide = max([len(section.headings), *map(len, section.rows)], default=0)
        whole = [[*row, *[None] * (wide - len(row))] for row in section.rows]
        lines = [list(section.headings)] if section.headings else []
        lines += [[self.cell(cell) for cell in row] for row in whole[:MOST_ROWS]]
        shown = []
        for at in range(wide):
            figures = [row[at] for row in whole if not isinstance(row[at], str | None)]
            if figures and section.headings and not any(figures):
                continue
            width = max(columns(cells[at]) for cells in lines)
            right = bool(figures and section.headings)
            shown.append([" " * (width - columns(c[at])) + c[at] if right else padded(c[at], width) for c in lines])  # fmt: skip
        for cells in zip(*shown, strict=True):
            yield ("  " + "  ".join(cells)).rstrip()
        if len(section.rows) > MOST_ROWS:
            more = len(section.rows) - MOST_ROWS
            yield self.say(f"  …另有 {more} 行，见结果文件", f"  … {more} more, see the file")

    @staticmethod
    def cell(cell: Cell) -> str:
        if isinstance(cell, Decimal):
            return f"{cell:,.2f}"
        return f"{cell:,}" if isinstance(cell, int) else cell or ""
