"""Diagnostics: what is wrong, where, why and how to mend it, in Chinese and in English.

Every message has a code, and every code has a page under docs/diagnostics. The first letter is the kind:
P what was written, N names, T types and units, C the program as a whole, Q quotes, W what loads and yet looks wrong,
L limits, R household records, S registers in files and sheets, G rulings.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from policykit.source import Span
from policykit.values import Month

Severity: TypeAlias = Literal["error", "warning", "note"]
Language: TypeAlias = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of the catalogue: its severity, and message and help as templates in both languages."""

    severity: Severity
    zh: str
    en: str
    help_zh: str = ""
    help_en: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a text, a household or a ruling.

    `where` is `file:line:column` or the path of a field; `excerpt` is the source line, for texts.
    """

    code: str
    where: str
    language: Language
    fields: tuple[tuple[str, str], ...]
    span: Span | None = None
    excerpt: str = ""
    fix: str = ""

    @property
    def severity(self) -> Severity:
        return CATALOGUE[self.code].severity

    def message(self, language: Language | None = None) -> str:
        """One sentence, in the given language or the file's own."""
        entry = CATALOGUE[self.code]
        return (entry.zh if (language or self.language) == "zh" else entry.en).format(**dict(self.fields))

    def help(self, language: Language | None = None) -> str:
        """What to do about it; may be empty."""
        entry = CATALOGUE[self.code]
        return (entry.help_zh if (language or self.language) == "zh" else entry.help_en).format(
            **dict(self.fields)
        )

    def render(self, language: Language | None = None) -> str:
        """The diagnostic as text: place, message, source line with the place marked, help and fix."""
        zh = (language or self.language) == "zh"
        lines = [
            f"{self.where}: {SEVERITIES[self.severity][0 if zh else 1]} {self.code}: {self.message(language)}"
        ]
        if self.excerpt:
            column = self.span.column - 1 if self.span else 0
            first = max(0, column - _EXCERPT // 2) if len(self.excerpt) > _EXCERPT else 0
            shown = self.excerpt[first : first + _EXCERPT]
            lines.append(
                f"    {'…' if first else ''}{shown}{'…' if len(self.excerpt) > first + _EXCERPT else ''}"
            )
            if self.span:
                before = "…" * bool(first) + shown[: column - first]
                lines.append(
                    "    "
                    + "".join(_BLANKS.get(c, "\u3000" if ord(c) > 0x2E7F else " ") for c in before)
                    + "^"
                )
        if self.help(language):
            lines.append(("  改法：" if zh else "  help: ") + self.help(language))
        if self.fix:
            lines.append(("  改为：" if zh else "  fix: ") + self.fix)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()


_EXCERPT = 200  # characters of a source line that are shown
_BLANKS = {"\t": "\t", "…": " "}

SEVERITIES: dict[Severity, tuple[str, str]] = {
    "error": ("错误", "error"),
    "warning": ("警告", "warning"),
    "note": ("说明", "note"),
}


class PolicyError(Exception):
    """Rule files that do not load, or a household or ruling that is bad input; carries every diagnostic found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(d.render() for d in self.diagnostics))


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known names most like a word, at most three."""
    return difflib.get_close_matches(word, sorted(set(known)), n=3, cutoff=0.5) if len(word) <= 100 else []


def did_you_mean(word: str, known: Iterable[str], language: Language) -> str:
    """A hint with the known names nearest to a word, or nothing."""
    near = nearest(word, known)
    if not near:
        return ""
    names = (
        "、".join(f"`{name}`" for name in near)
        if language == "zh"
        else ", ".join(f"`{name}`" for name in near)
    )
    return f"是否想写 {names}？" if language == "zh" else f"did you mean {names}?"


CATALOGUE: dict[str, Entry] = {
    # ---- P: what was written
    "P001": Entry(
        "error",
        "这里不该出现 {found}",
        "{found} does not fit here",
        "{hint}这里可以写：{expected}",
        "{hint}expected here: {expected}",
    ),
    "P002": Entry("error", "不认识的字符 `{found}`", "unknown character `{found}`", "{hint}", "{hint}"),
    "P003": Entry(
        "error",
        "这一行不是任何声明的开头：`{found}`",
        "no declaration begins with `{found}`",
        "{hint}",
        "{hint}",
    ),
    "P004": Entry(
        "error",
        "并且 与 或者 混用而没有括号",
        "`and` and `or` are mixed without parentheses",
        "用括号写明先算哪一个",
        "add parentheses to say which comes first",
    ),
    "P005": Entry(
        "error",
        "栏目 `{field}` 在 `{name}` 中重复",
        "field `{field}` is given twice in `{name}`",
        "只保留一个",
        "keep one",
    ),
    "P006": Entry(
        "error",
        "{kind} `{name}` 缺少栏目 `{field}`",
        "{kind} `{name}` lacks the field `{field}`",
        "补上这一栏",
        "add the field",
    ),
    "P007": Entry(
        "error",
        "{kind} `{name}` 没有栏目 `{field}`",
        "{kind} `{name}` has no field `{field}`",
        "删去，或移到合适的声明里",
        "remove it, or move it to a declaration that has it",
    ),
    "P008": Entry(
        "error",
        "本文件要求语言版本 {wanted}，本软件支持到 {known}",
        "this file needs language version {wanted}, this software knows up to {known}",
        "请升级软件，或改用旧版写法",
        "upgrade, or write for the older version",
    ),
    "P009": Entry("error", "`{found}` 不是有效的日期", "`{found}` is not a date", "写成 2020-04-06", "write 2020-04-06"),
    "P010": Entry(
        "error",
        "`{name}` 不能用作名称",
        "`{name}` cannot be a name",
        "名称用汉字、字母、数字和下划线，不超过 100 个字；含其他符号的写在【】里",
        "use letters, digits and underscores, at most 100; a name with other marks is written 【…】",
    ),
    "P011": Entry(
        "error",
        "这里要{wanted}，写的是 `{found}`",
        "expected {wanted} here, found `{found}`",
        "改写这个数",
        "write another number",
    ),
    "P012": Entry(
        "error",
        "不查 {found} 没有写理由",
        "`allow {found}` gives no reason",
        "在「」里写明为什么这里不用改",
        "say within 「」 why nothing is to be mended here",
    ),
    # ---- N: names
    "N001": Entry("error", "没有声明过 `{name}`", "`{name}` is not declared", "{hint}", "{hint}"),
    "N002": Entry(
        "error",
        "`{name}` 已在 {other} 声明过",
        "`{name}` is already declared at {other}",
        "换一个名称；同一事物的不同版本须写明互不重叠的起止日期",
        "rename it; versions of one thing need disjoint periods",
    ),
    "N003": Entry(
        "error",
        "名称 `{name}` 里含有词语 `{word}`",
        "the name `{name}` holds the word `{word}`",
        "词语两边要有空格；名称确需含有它时写成【{name}】",
        "set words off by spaces; a name that must hold one is written 【{name}】",
    ),
    "N004": Entry(
        "error",
        "`{name}` 是{found}，这里要{wanted}",
        "`{name}` is {found}, expected {wanted} here",
        "{hint}",
        "{hint}",
    ),
    "N005": Entry(
        "error",
        "`{name}` 缺少英文标识",
        "`{name}` has no ASCII identifier",
        "在名称后写（identifier）",
        "write (identifier) after the name",
    ),
    # ---- T: types and units
    "T001": Entry("error", "量纲不合：{left} 与 {right}", "units differ: {left} and {right}", "{hint}", "{hint}"),
    "T002": Entry("error", "这里要{wanted}，得到的是{found}", "expected {wanted}, found {found}", "{hint}", "{hint}"),
    "T003": Entry(
        "error",
        "`{name}` 不能用于 {types}",
        "`{name}` does not take {types}",
        "可用的写法：{sig}",
        "it takes: {sig}",
    ),
    "T004": Entry(
        "error",
        "`{label}` 不是选项 `{choice}` 的取值",
        "`{label}` is not a label of `{choice}`",
        "{hint}",
        "{hint}",
    ),
    "T005": Entry(
        "error",
        "选项 `{choice}` 没有轻重次序，不能用 以上/以下",
        "choice `{choice}` has no order, so `or above` has no meaning",
        "在选项声明里写 由重到轻 或 由轻到重",
        "declare it `heaviest first` or `lightest first`",
    ),
    "T006": Entry(
        "error",
        "应付金额可能为 无：{why}",
        "a payable amount may be none: {why}",
        "先用 如果 有 … 则 … 处理为无的情形",
        "deal with the missing case by `if has … then …`",
    ),
    "T007": Entry(
        "error",
        "算出的应付金额没有写明舍入",
        "a computed payable amount is not rounded",
        "写成 四舍五入到分(…)",
        "write round_to_fen(…)",
    ),
    "T008": Entry(
        "error",
        "数值可能超出精确计算的范围（{bound}）",
        "a value may leave the exact range ({bound})",
        "给有关事实写上 范围",
        "declare ranges for the facts involved",
    ),
    "T009": Entry(
        "error",
        "范围是空的：{low} 至 {high}",
        "the range is empty: {low} to {high}",
        "小的写在前面",
        "write the smaller end first",
    ),
    # ---- C: the program as a whole
    "C001": Entry(
        "error",
        "循环依赖：{chain}",
        "circular: {chain}",
        "删去其中一处引用；各项待遇、条款之间只能单向引用",
        "remove one of the references; measures and clauses may only refer one way",
    ),
    "C002": Entry(
        "error",
        "条款 `{a}` 与 `{b}` 可能同时给予 `{measure}`，而金额办法不同",
        "clauses `{a}` and `{b}` may both grant `{measure}`, by different amount rules",
        "写明谁 优先于 或 让位于 谁",
        "say which one prevails or gives way",
    ),
    "C003": Entry(
        "error",
        "`{name}` 的两个版本期间重叠：{first} 与 {second}",
        "two versions of `{name}` overlap: {first} and {second}",
        "改正起止日期",
        "mend the dates",
    ),
    "C004": Entry(
        "warning",
        "`{name}` 在 {first} 与 {second} 之间没有版本",
        "`{name}` has no version between {first} and {second}",
        "补上这一段，或确认确无规定",
        "add a version, or make sure that there is none",
    ),
    "C005": Entry(
        "error",
        "`{name}` 给予 `{measure}`，但没有适用的金额办法",
        "`{name}` grants `{measure}`, but no amount rule applies",
        "写一条 金额，或在条款里写 每月/一次",
        "add an `amount`, or write `monthly`/`once` in the clause",
    ),
    "C006": Entry(
        "error",
        "优先关系成环：{chain}",
        "priorities form a circle: {chain}",
        "删去其中一处 优先于/让位于",
        "remove one of them",
    ),
    "C007": Entry(
        "error",
        "参数表里只能写参数值，不能声明 `{name}`",
        "a sheet holds parameter values only, not `{name}`",
        "移到规则文件里",
        "move it to a rule file",
    ),
    "C008": Entry(
        "error",
        "`{a}` 与 `{b}` 不是同一待遇的条款，不能写优先关系",
        "`{a}` and `{b}` are not clauses of one measure, so neither can prevail",
        "改用 不给予 或 互斥",
        "use `withhold` or `exclusive` instead",
    ),
    "C009": Entry(
        "error",
        "条款 `{name}` 的各个版本对象不同：{first} 与 {second}",
        "the versions of clause `{name}` speak of different subjects: {first} and {second}",
        "不同对象写成不同名称的条款",
        "give clauses on different subjects different names",
    ),
    "C010": Entry(
        "error",
        "`{name}` 要看 `{measure}` 的结果，而它自己给予、排除或者禁止",
        "`{name}` waits for the outcome of `{measure}`, and yet grants, withholds or bans",
        "结果 只用在应当、列入、转送、发现和提示里；给予和排除用 获得",
        "`outcome` is for duties, records and notes; a grant or exclusion uses `obtains`",
    ),
    "C011": Entry(
        "error",
        "`{measure}` 对 `{entity}` 没有可比的金额：{why}",
        "`{measure}` has no amount to compare for `{entity}`: {why}",
        "应发金额 要有条款给予这项待遇，而且都按月或者都一次发",
        "`amount of` needs a measure that some clause grants, always by month or always once",
    ),
    # ---- Q: quotes
    "Q001": Entry(
        "error",
        "引文不在《{source}》{locator}：「{quote}」",
        "the quote does not stand in {source} {locator}: 「{quote}」",
        "{hint}",
        "{hint}",
    ),
    "Q002": Entry(
        "error",
        "引文在《{source}》{locator}出现 {count} 次：「{quote}」",
        "the quote stands {count} times in {source} {locator}: 「{quote}」",
        "引得长一些，或写明 第1处、第2处",
        "quote more, or add `occurrence 1`",
    ),
    "Q003": Entry(
        "error",
        "《{source}》里没有 {locator}",
        "{source} has no {locator}",
        "写成 第九条、第五条(三) 或 二(二)三b 的样子",
        "write 第九条, 第五条(三) or 二(二)三b",
    ),
    "Q004": Entry(
        "error",
        "《{source}》未收录，不能引文",
        "{source} is not held, so it cannot be quoted",
        "只写条号，不写「引文」",
        "cite the article without a quote",
    ),
    "Q005": Entry("error", "读不到文本 {file}", "cannot read the text {file}", "检查路径", "check the path"),
    "Q006": Entry(
        "error",
        "依据《{source}》没有引文",
        "the citation of {source} has no quote",
        "写上原文「…」",
        "quote the words 「…」",
    ),
    "Q007": Entry("error", "没有 `{found}` 这一类别", "there is no kind `{found}`",
                  "写 目标、程序、标题 或 定义", "write objective, procedure, heading or definition"),
    "Q008": Entry("error", "`{name}` 没有写明理由", "`{name}` gives no reason",
                  "写明这句话为什么不设规则", "say why no rule stands for this sentence"),
    # ---- W: what loads and yet looks wrong
    "W001": Entry(
        "warning",
        "引文写的是“{words}”，规则写的是 `{rule}`",
        "the quote says “{words}”, the rule says `{rule}`",
        "按引文改比较词；“以上”“以下”“不超过”“不低于”包括本数，“低于”“超过”“不满”不包括",
        "write the comparison of the quote: `at most` and `at least` include the figure, `below` and `exceeds` do not",
    ),
    "W002": Entry(
        "warning",
        "引文写的是“{words}”，条款写的是 {rule}",
        "the quote says “{words}”, the clause says `{rule}`",
        "{hint}",
        "{hint}",
    ),
    "W003": Entry(
        "warning",
        "引文里的“{words}”，规则里没有",
        "“{words}” stands in the quote and not in the rule",
        "把这个数写进规则；它归别的条款管的，引文引短一些",
        "write the figure into the rule, or quote less if another clause is about it",
    ),
    "W004": Entry(
        "warning",
        "条款 `{name}` 永远不适用：{why}",
        "clause `{name}` never applies: {why}",
        "改正适用范围、条件或起止日期",
        "mend its scope, its test or its dates",
    ),
    "W005": Entry(
        "warning",
        "`{condition}` {truth}：{why}",
        "`{condition}` {truth}: {why}",
        "删去，或改成真正要问的条件",
        "remove it, or write the condition that is meant",
    ),
    "W006": Entry(
        "warning",
        "同一个条件 `{condition}` 写了两次",
        "the same condition `{condition}` stands twice",
        "删去一个，或改成本来要写的另一个条件",
        "remove one, or write the other condition that was meant",
    ),
    "W007": Entry(
        "warning",
        "{kind} `{name}` 没有用到",
        "{kind} `{name}` is not used",
        "删去；规则该用它的，检查是不是写成了别的名称",
        "remove it, or look for the rule that should use it and names something else",
    ),
    "W008": Entry(
        "warning",
        "引文里的“{words}”有口径 `{name}`，条款没有写",
        "the quoted “{words}” has the reading `{name}`, which the clause does not name",
        "在 口径 栏写上它；这条不靠这个口径的，引文引短一些",
        "name it in the field `reading`, or quote less if the clause does not rest on it",
    ),
    "W009": Entry(
        "warning",
        "条款 `{name}` 没有一个案例期望它",
        "no case expects anything of clause `{name}`",
        "补一个它起作用的案例，和一个它不起作用的",
        "add a case in which it applies and one in which it does not",
    ),
    "W010": Entry(
        "warning",
        "`{name}` 的数值没有文号",
        "the value of `{name}` has no document number",
        "写上 文号：「…」；整张表出自一个文件的，写在 参数表 下",
        "write `document 「…」`, or write it once under `sheet` if all values stand in one document",
    ),
    "W011": Entry(
        "warning",
        "`{name}` 与 `{other}` 只差一个字",
        "`{name}` and `{other}` differ by one character",
        "写错的改正；确是两样的，换一个分得清的名称",
        "mend the slip, or give one of them a name that cannot be mistaken",
    ),
    "W012": Entry(
        "warning",
        "条款 `{name}` {period} 有效，而它要用的 {needs} 没有版本",
        "clause `{name}` is in force {period}, when {needs} has no version",
        "补上这段期间的版本，或改正起止日期；在此以前结果都是待定",
        "add a version for these days, or mend the dates: until then every answer is undetermined",
    ),
    "W013": Entry(
        "warning",
        "`{name}` 依据的《{source}》{end} 已终止，而 `{name}` 此后仍有效",
        "`{name}` rests on {source}, which ended on {end}, and goes on after it",
        "写明终止日期，或补上接替它的文本作依据",
        "give it an end, or cite the text that took its place",
    ),
    "W014": Entry(
        "warning",
        "不查 {found} 在这里没有用处",
        "`allow {found}` has no use here",
        "删去这一行",
        "remove the line",
    ),
    # ---- L: limits
    "L001": Entry("error", "文件超过 {limit}", "the file is larger than {limit}", "分成几个文件", "split the file"),
    "L002": Entry("error", "一层套一层，超过 {limit} 层", "nested deeper than {limit}", "拆成几个 定义", "split it by `define`"),
    "L003": Entry(
        "error",
        "{path} 有 {count} 项，超过上限 {limit}",
        "{path} has {count} entries, more than {limit}",
        "核对数据是否重复",
        "check the data for repeats",
    ),
    "L004": Entry(
        "error",
        "不是 UTF-8 也不是 GB18030 编码的文字",
        "the bytes are neither UTF-8 nor GB18030 text",
        "另存为 UTF-8",
        "save the file as UTF-8",
    ),
    "L005": Entry("note", "文件是 GB18030 编码，已按此读入", "the file is GB18030, read as such"),
    "L006": Entry(
        "error",
        "这条声明超过 {limit} 个字",
        "this declaration is longer than {limit} characters",
        "分成几条；声明从顶格的一行开始，到下一个顶格的行为止",
        "split it; a declaration goes from one line in the first column to the next",
    ),
    "L007": Entry(
        "note",
        "错误太多，只列出前 {limit} 个",
        "too many errors: only the first {limit} are listed",
        "先改这些，再检查一遍",
        "mend these and check again",
    ),
    # ---- R: household records
    "R001": Entry("error", "没有名为 `{name}` 的事实", "there is no fact named `{name}`", "{hint}", "{hint}"),
    "R002": Entry("error", "这里要{wanted}，得到 `{found}`", "expected {wanted}, got `{found}`", "{hint}", "{hint}"),
    "R003": Entry(
        "error",
        "`{found}` 超出范围：{low} 至 {high}",
        "`{found}` is out of range: {low} to {high}",
        "核对后改正",
        "check and mend it",
    ),
    "R004": Entry(
        "error",
        "`{found}` 不是 `{choice}` 的取值",
        "`{found}` is not one of `{choice}`",
        "可填：{labels}。{hint}",
        "one of: {labels}. {hint}",
    ),
    "R005": Entry("note", "`{found}` 已读作 {value}", "`{found}` was read as {value}"),
    "R006": Entry(
        "error",
        "身份证号 `{found}` 位数不全，或当作数字存过、末几位已丢失",
        "the id `{found}` is not whole, or was kept as a number and has lost its last digits",
        "照证件重新填写：表格里先把该列设为文本格式，JSON 和 YAML 里加引号",
        "enter it again from the card: as text in a sheet, in quotes in JSON and YAML",
    ),
    "R007": Entry(
        "warning",
        "身份证号里的出生日期 {inside} 与填写的 {typed} 不一致",
        "the id gives the birth date {inside}, the record {typed}",
        "核对户口簿后改正其中一处；两者都照填的保留，没有改动",
        "check the register and mend one of them; both are kept as given",
    ),
    "R008": Entry("error", "没有成员", "the household has no members", "至少填一名成员", "give at least one member"),
    "R009": Entry(
        "error",
        "有 {count} 人填为“{role}”：{names}",
        "{count} members are given as `{role}`: {names}",
        "只能有一人，核对后改正其余的",
        "there can be one only; mend the others",
    ),
    "R010": Entry(
        "error",
        "`{name}` 在 {first} 和 {second} 两处出现",
        "`{name}` appears at {first} and {second}",
        "一人只能是一户的成员；引用同一人时写 ref",
        "a person belongs to one household; use ref to refer to the same person",
    ),
    "R011": Entry(
        "error",
        "引用的 `{name}` 不在本户数据里",
        "`{name}` is not in this household's data",
        "改为已填成员的编号，或直接填写该人",
        "use the id of a member, or describe the person here",
    ),
    "R012": Entry("error", "读不懂这份数据：{why}", "the data cannot be read: {why}", "{hint}", "{hint}"),
    "R013": Entry(
        "error",
        "同一事实填了两次：`{first}` 与 `{second}`",
        "one fact is given twice: `{first}` and `{second}`",
        "只保留一个",
        "keep one",
    ),
    "R014": Entry(
        "error",
        "身份证号 `{found}` 有误：末位校验码或其中的出生日期不对",
        "the id `{found}` is wrong: its check digit or the birth date in it does not hold",
        "核对证件后重新填写",
        "check the card and enter it again",
    ),
    "R015": Entry(
        "error",
        "数据嵌套超过 {limit} 层",
        "the data is nested deeper than {limit}",
        "检查是否有记录套进了自己里面",
        "check whether a record was put into itself",
    ),
    "R016": Entry(
        "error",
        "有 {count} 名成员都叫 `{name}`，不知道引用的是谁",
        "{count} members are called `{name}`, so it is not clear which one is meant",
        "给成员填上编号，引用时写编号",
        "give the members an `id` and refer to it",
    ),
    # ---- S: registers in files and sheets
    "S001": Entry(
        "warning",
        "没有读 `{name}` 这一列：规则里没有这一项",
        "the column `{name}` is not read: the rules know nothing of that name",
        "{hint}用不到就不必管",
        "{hint}ignore this when it is not needed",
    ),
    "S002": Entry(
        "error",
        "找不到{what}这一列",
        "there is no column for {what}",
        "表头里要有一列叫 {names}。现有：{headings}",
        "head a column {names}. There are: {headings}",
    ),
    "S003": Entry(
        "error",
        "{what} `{key}` 在 {first} 和 {second} 两处出现",
        "the {what} `{key}` appears at {first} and {second}",
        "一户只能登记一处；是两户就改成两个编号",
        "a household can be in one place only; give two of them two numbers",
    ),
    "S004": Entry(
        "error",
        "{what} `{key}` 在 {table} 里没有",
        "the {what} `{key}` is not in {table}",
        "补上这一户，或改正编号",
        "add the household or mend the number",
    ),
    "S005": Entry(
        "error",
        "这一行没有{what}",
        "this row has no {what}",
        "填上{what}；合并过的单元格请取消合并，每行都填",
        "give the number; unmerge merged cells and fill every row",
    ),
    "S006": Entry(
        "note",
        "`{found}` 一行不是一条记录，没有读",
        "the row `{found}` is no record and is not read",
    ),
    "S007": Entry(
        "warning",
        "没有读这张表：表头对不上规则里的任何一项",
        "this table is not read: its headings match nothing in the rules",
        "可用的表名：{names}。{hint}",
        "tables can be called: {names}. {hint}",
    ),
    "S008": Entry(
        "error",
        "同一户在 {first} 是 `{found}`，在 {second} 是 `{other}`",
        "one household has `{found}` at {first} and `{other}` at {second}",
        "核对后改成一致，或只填一处",
        "check and make them equal, or fill one only",
    ),
    "S009": Entry(
        "note",
        "空着的编号读作与上一行相同，共 {count} 行",
        "blank numbers were read as that of the row above, {count} rows",
    ),
    "S010": Entry(
        "error",
        "列名里的单位 `{unit}` 与 `{name}` 不符，应是{wanted}",
        "the unit `{unit}` in the heading does not fit `{name}`, which is in {wanted}",
        "改正列名里的单位，并核对这一列的数",
        "mend the unit in the heading and check the figures below it",
    ),
    "S011": Entry(
        "error",
        "`{name}` 在这一户里有 {count} 条记录对得上，不知道这一行属于谁",
        "{count} records of the household match `{name}`, so it is not clear whose row this is",
        "填写 {table} 里有的编号或称呼，一户之内不能重复",
        "write an id or a name that {table} has, once in the household",
    ),
    "S012": Entry(
        "error",
        "这一行有 {count} 格，表头有 {wanted} 格",
        "this row has {count} fields, the heading {wanted}",
        "文字里有分隔符的，给这一格加上双引号",
        "put double quotes around text that holds the separator",
    ),
    "S013": Entry(
        "error",
        "填了没有，却又有 {count} 条记录",
        "it is said that there are none, and yet there are {count}",
        "核对后改正其中一处",
        "check and mend one of the two",
    ),
    "S014": Entry(
        "note",
        "`{name}` 一列里的 {count} 个表格日期序号已读作日期，如 `{found}` 读作 {value}",
        "{count} serial numbers in the column `{name}` were read as dates, such as `{found}` as {value}",
    ),
    "S015": Entry(
        "error",
        "文件损坏，从第 {row} 行起读不出来",
        "the file is damaged and cannot be read from row {row} on",
        "请来源单位重新导出，再运行一次",
        "have it exported again, and run again",
    ),
    "S016": Entry(
        "error",
        "这张表没有{what}，太大的登记册要靠它对上每一户",
        "this table has no {what}, by which a register of this size is put together",
        "每张表都加上{what}一列",
        "give every table a column {what}",
    ),
    # ---- G: rulings
    "S017": Entry(
        "error",
        "{what} `{key}` 不全：表格把它存成了数，后几位已经丢了",
        "the {what} `{key}` is not whole: a sheet kept it as a number and lost its last digits",
        "请来源单位把这一列设为文本格式，照原件填写后重新导出；丢了的位数不能猜",
        "have the column formatted as text, filled in again from the papers and exported",
    ),
    "S018": Entry(
        "error",
        "填了 `{found}`，却一条记录也没有：看不出是有记录没登记，还是核对过、没有",
        "`{found}` is said and yet there is no record: are there some that are not entered, or none?",
        "有的，把记录补上；没有的，填“无”",
        "enter the records, or write 无 when there are none",
    ),
    "S019": Entry(
        "error",
        "这一行只有{what}，别的都认不出，不知道是不是漏了一个人",
        "of this row only the {what} can be read, so somebody may be missing",
        "填上姓名，或者删去这一行",
        "fill in a name or delete the row",
    ),
    "S020": Entry(
        "error",
        "这里又是一行表头：一张工作表里只能放一张表",
        "here is a row of headings again: there can be one table on a sheet",
        "把这一行以下移到另一张工作表；表头重复的，删去这一行",
        "move what is below to a sheet of its own, or delete the row when it repeats the headings",
    ),
    "S021": Entry(
        "warning",
        "没有读：{why}",
        "this is not read: {why}",
    ),
    "S022": Entry(
        "error",
        "没有叫 `{name}` 的清单",
        "there is no list called `{name}`",
        "{hint}可以写：{names}",
        "{hint}There are: {names}",
    ),
    "S023": Entry(
        "error",
        "{what} `{key}` 的成员在 {first} 和 {second} 两张表里都有",
        "the {what} `{key}` has members at {first} and at {second}, in two tables",
        "是两户就改成两个编号；是一户就登记在一张表里；不是成员表的，从登记册里移出去",
        "give two households two numbers, put one into one table, and take away what is no table of members",
    ),
    "S024": Entry(
        "error",
        "{first} 和 {second} 一模一样，像是登记了两次",
        "{first} and {second} are the same, as if entered twice",
        "登记重复的，删去一行；确是两条的，改到看得出不同",
        "delete one of them; if there are two indeed, let them differ",
    ),
    "S025": Entry(
        "error",
        "看不出每一行是谁的：`{name}` 这一列规则里没有",
        "whose each row is cannot be seen: the rules do not know the column `{name}`",
        "本人的，加一列“姓名”；全户的，删去这一列",
        "add a column 姓名 for those of persons, or delete this one where all are the household's",
    ),
    "G001": Entry(
        "error",
        "裁量没有写明由谁作出",
        "the ruling does not say who made it",
        "填 by（谁）和 date（何时）",
        "give `by` and `date`",
    ),
    "G002": Entry(
        "error",
        "裁量 `{name}` = {found} 超出 {low} 至 {high}",
        "the ruling `{name}` = {found} is outside {low} to {high}",
        "该项仍为“由审批机关决定”",
        "the decision stays discretionary",
    ),
    "G003": Entry(
        "error",
        "裁量所指的 `{name}` 不存在或不是裁量条款",
        "`{name}` is not a clause with discretion",
        "{hint}",
        "{hint}",
    ),
    "G004": Entry("error", "裁量的对象 `{name}` 不在本户", "the ruling's subject `{name}` is not in this household",
                  "{hint}", "{hint}"),
    "G005": Entry("error", "裁量格式不对：{why}", "the ruling is malformed: {why}", "{hint}", "{hint}"),
}  # fmt: skip

#: what the R-codes about household data are filled with: what was expected, by kind of type; why; what would help
DATA_WORDS: dict[str, tuple[str, str]] = {
    "bool": ("是或否", "true or false"),
    "number": ("数（单位：{of}）", "a number (in {of})"),
    "money": ("数额（{of}，最多两位小数）", "an amount (in {of}, with at most two decimals)"),
    "date": ("日期（如 2020-04-06）", "a date (2020-04-06)"),
    "month": ("年月（如 2020-04）", "a month (2020-04)"),
    "text": ("文字", "text"),
    "choice": ("“{of}”中的一项", "one of `{of}`"),
    "multi": ("“{of}”的列表（表格里用顿号隔开，JSON 写 [ … ]）", "a list of `{of}` [ … ]"),
    "record": ("一条{of}记录", "a {of} record"),
    "list": ("{of}的列表（表格里用顿号隔开，JSON 写 [ … ]）", "a list of {of} records [ … ]"),
    "refer": ("可以写已填的{of}的编号或称呼，也可以直接填写一条记录", "give the id or name of a {of}, or describe one"),
    "yes": ("是", "true"),
    "no": ("否", "false"),
    "blank": ("不知道就不填，或填 null", "leave it out or give null when unknown"),
    "quotes": ("是文字就加上引号", "put text in quotes"),
    "unseen": ("含有不能显示的字符", "it holds characters that cannot be shown"),
    "whole": ("要整数", "it must be whole"),
    "serial": ("像是表格里的日期序号：把该列设为文本格式，照原样写日期", "a sheet's serial number? write it as 2020-04-06"),
    "ten": ("表格把 2020.10 存成 2020.1，分不清是1月还是10月：写成 2020-01 或 2020-10", "January or October? write 2020-01 or 2020-10"),
    "hidden": ("工作表是隐藏的；要读就取消隐藏", "the sheet is hidden; show it to have it read"),
    "beside_lines": ("同一文件夹里有 JSON Lines，只读 JSON Lines", "the folder holds JSON Lines, and those alone are read"),
    "no_table": ("不是能读的表（{of}）", "no kind of table that can be read ({of})"),
    "never_none": ("这一项不能填“无”；不知道就不填", "this cannot be none; leave it out when unknown"),
    "empty": ("没有就填 []（表格里填“无”），不知道就不填", "[] (无 in a sheet) when there is none, nothing when unknown"),
    "paper": ("须凭据：{of}", "needs a paper: {of}"),
    "any_paper": ("书面材料", "a document"),
    "judge": ("须由{of}判断，并写明判断人、日期和理由", "to be judged by {of}, with by, date and reason"),
    "any_judge": ("有权的人", "whoever may"),
    "unchecked": ("核对未完成", "not checked to the end"),
    "old_id": ("15位旧号，没有校验位可核", "an old number of 15 digits, with no check digit"),
    "no_id": ("没有身份证号", "no id number"),
    "rootless": ("规则没有声明由成员组成的实体", "the rules declare no entity that has members"),
    "unopened": ("打不开文件", "the file cannot be opened"),
    "format": ("不是有效的 {of}", "this is not valid {of}"),
    "inexact": ("有大得不能确切读入的数", "it holds a number too large to be read exactly"),
    "top": ("最外层应是一户 { … }，或多户的列表 [ … ]", "the top must be a household { … } or a list of them [ … ]"),
    "yaml": ("读 YAML 须安装 policykit[cli]", "reading YAML needs policykit[cli]"),
    "batch": ("读这种文件须安装 policykit[batch]", "reading such a file needs policykit[batch]"),
    "no_space": ("临时文件夹写不下，须腾出空间", "the temporary folder is full, make room in it"),
    "nothing": ("没有一户可读", "it holds no household"),
    "no_number": ("这张表没有户编号一列", "this table has no column of household numbers"),
    "no_register": ("要文件、文件夹，或表名到表的对照", "a file, a folder, or a mapping of names to tables is wanted"),
    "alias": ("YAML 的别名（*）不读", "YAML aliases (*) are not read"),
}  # fmt: skip


def data_word(language: Language, word: str, of: str = "") -> str:
    """One phrase of `DATA_WORDS` in a language."""
    return DATA_WORDS[word][language == "en"].replace("{of}", of)


def data_fault(language: Language, code: str, where: str, **fields: str) -> Diagnostic:
    """A diagnostic about household data, at the path of a field."""
    return Diagnostic(code, where, language, tuple({"hint": "", **fields}.items()))


def shown(raw: object, most: int | None = 40) -> str:
    """A value as messages show it: short, and without what a screen cannot show."""
    if raw is None or isinstance(raw, bool):
        text = json.dumps(raw)
    elif isinstance(raw, str | int | float | Decimal | date | Month):
        text = str(Decimal(raw) if isinstance(raw, int) else raw)  # the digits of a huge int would raise
    else:
        text = (
            "{…}"
            if isinstance(raw, Mapping)
            else "[…]"
            if isinstance(raw, list | tuple)
            else type(raw).__name__
        )
    text = text if most is None or len(text) <= most else text[: most - 1] + "…"
    private = range(0xE000, 0xF900)  # where GB18030 keeps rare characters of names
    return "".join(
        c if c.isprintable() or c == "\u3000" or ord(c) in private else f"\\x{ord(c):02x}" for c in text
    )
