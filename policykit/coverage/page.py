"""The texts themselves on one page: every passage coloured by what it is and linked to the rule that quotes it.

For readers who have never seen a rule file. The page needs nothing else: its style is inside, and it reads the same
without its one script, which only opens what is folded before it is printed. Each kind has a colour, a line of its own
and a word, so that none depends on colours alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise

from policykit import ir
from policykit.coverage.measure import (
    KINDS,
    CaseResult,
    Cases,
    Coverage,
    Kind,
    Passage,
    Rule,
    RulePlaces,
    TextCoverage,
)
from policykit.coverage.report import KIND_LABELS, STATES, place, summary, title, where
from policykit.diagnostics import Language
from policykit.explain.page import STYLE
from policykit.explain.phrases import Phrases
from policykit.source import Source, Span
from policykit.symbols import KIND_NAMES

#: what each colour means, for somebody who has never seen a rule (中文, English)
LEGEND: dict[Kind, tuple[str, str]] = {
    "clause": ("已写成规则：给谁什么、要办什么、不许什么", "written as a rule: who gets what, what must or must not be done"),
    "amount": ("已写成算钱的办法，或当地要填的数", "written as a calculation, or a figure for the local office to give"),
    "definition": ("已写成词语的含义：某个词指什么、怎么认", "written as the meaning of a word"),
    "objective": ("提要求、定方向，不决定哪一户、哪个人；理由写在旁边", "an aim that decides nothing about anybody; the reason is given"),
    "procedure": ("讲工作怎么安排，不决定哪一户、哪个人；理由写在旁边", "how the work is run, deciding nothing about anybody; the reason is given"),
    "heading": ("标题、文号、落款", "a heading, a number or a signature"),
}  # fmt: skip
OPEN = ("还没写成规则，也没写明不写的理由", "neither written as a rule nor set aside with a reason")
CASE_STATES = {
    "passed": ("✓ 结果相符", "✓ as expected"), "failed": ("✗ 结果不符", "✗ not as expected"),
    "not_run": ("○ 没有运行", "○ not run"),
}  # fmt: skip

OWN_STYLE = """
:root { --clause: #0072b2; --amount: #a86200; --definition: #00795a; --objective: #a8457f; --procedure: #5b5b5b; }
body { max-width: 76rem; padding: 3rem 3.5rem 4rem; }
.lead { max-width: 46rem; }
.summary dd { font-variant-numeric: tabular-nums; }
.legend { display: grid; grid-template-columns: max-content 1fr; gap: .45rem 1rem; align-items: baseline; margin: 1rem 0 0; }
.legend dt, .legend dd { margin: 0; } .legend dd { font-size: .92rem; }
.k { color: inherit; text-decoration: none; padding: .08em 0; border-bottom: 2px solid; -webkit-box-decoration-break: clone;
  box-decoration-break: clone; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.k.clause { background: #d9eaf7; border-bottom: 3px solid var(--clause); }
.k.amount { background: #fdebca; border-bottom: 4px double var(--amount); }
.k.definition { background: #d5f0e5; border-bottom: 3px dotted var(--definition); }
.k.objective { background: #f8e3ef; border-bottom: 2px dashed var(--objective); }
.k.procedure { background: repeating-linear-gradient(45deg, #efefef 0 4px, #e0e0e0 4px 5px);
  border-bottom: 1px solid var(--procedure); }
.k.heading { border-bottom: 1px solid #b9b2a6; font-weight: 600; }
.k.open { color: var(--urgent); border: 0; text-decoration: underline wavy var(--urgent) 1.5px; text-underline-offset: .3em; }
.chip { font-size: .8rem; padding: 0 .35em; white-space: nowrap; font-weight: 500; }
a.k:hover, a.k:focus { outline: 2px solid var(--ink); outline-offset: 1px; }
sup { font-size: .62rem; line-height: 0; font-weight: 600; } sup a { color: var(--accent); text-decoration: none; margin: 0 .1em; }
.row { display: grid; grid-template-columns: minmax(0, 1.55fr) minmax(0, 1fr); gap: 0 2.2rem; align-items: start; padding: .35rem 0; }
.row + .row { border-top: 1px dotted var(--rule); }
.line { margin: 0; white-space: pre-wrap; line-height: 2.05; font-family: "Source Han Serif SC", "Noto Serif CJK SC", "Songti SC",
  SimSun, Georgia, serif; }
.gap { height: .8rem; }
.notes { font-size: .86rem; line-height: 1.6; margin: .45rem 0 0; } .notes li { margin: .12rem 0; padding-left: 2.1em; text-indent: -2.1em; }
.notes .n, h3 .n { display: inline-block; min-width: 1.6em; margin-right: .5em; text-indent: 0; color: var(--accent); font-weight: 600; font-size: .85em; }
.notes a { color: inherit; text-decoration-color: var(--rule); text-underline-offset: .2em; } .notes .chip { text-indent: 0; }
.notes .left { color: var(--urgent); }
.soft { color: var(--soft); }
.card { margin: 0 0 1.6rem; padding: 1rem 1.3rem; border: 1px solid var(--rule); border-left: 5px solid var(--procedure); }
.card.clause { border-left-color: var(--clause); } .card.amount { border-left-color: var(--amount); }
.card.definition { border-left-color: var(--definition); } .card.objective { border-left-color: var(--objective); }
.card.heading { border-left-color: #b9b2a6; }
.card:target, .line:target { outline: 3px solid var(--accent); outline-offset: 2px; }
.card h3 .chip { font-family: system-ui, "Noto Sans CJK SC", sans-serif; margin-right: .6em; }
.card dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: .5rem 0 0; }
.card dt { color: var(--soft); font-size: .9rem; } .card dd { margin: 0; }
.card a:not(.k) { color: var(--accent); text-underline-offset: .2em; }
.card h4 { margin: .8rem 0 .1rem; }
pre { margin: .4rem 0 0; padding: .7rem .9rem; background: #f6f3ed; white-space: pre-wrap; overflow-wrap: anywhere;
  font: .82rem/1.65 ui-monospace, Consolas, "Noto Sans Mono CJK SC", monospace; }
.passed { color: var(--granted); } .failed { color: var(--urgent); }
@media screen and (max-width: 48rem) {
  body { margin: 0; padding: 1.2rem 1rem 2rem; box-shadow: none; } .row { grid-template-columns: 1fr; }
  .line { line-height: 1.95; } .indent { display: inline-block; max-width: 45%; height: 1em; overflow: hidden; }
  .notes { border-left: 2px solid var(--rule); padding-left: .7rem; margin-bottom: .5rem; }
  .card { padding: .8rem .9rem; } .card dl { grid-template-columns: 1fr; gap: 0; } .card dd { margin-bottom: .4rem; }
  .legend { grid-template-columns: 1fr; gap: .1rem; } .legend dd { margin-bottom: .5rem; } }
@media print { .row { gap: 0 6mm; } .row, .card { padding-top: 1.5mm; } .notes { font-size: 8pt; } .notes li, .card h3 { break-inside: avoid; }
  .card { border-width: 0 0 0 3pt; } pre { font-size: 8pt; } }
"""

SCRIPT = "addEventListener('beforeprint',()=>document.querySelectorAll('details').forEach(d=>{d.open=true}))"


def to_html(
    coverage: Coverage, sources: Iterable[Source], language: Language = "zh", cases: Cases | None = None
) -> str:
    """The page; `sources` are the rule files, from which each rule is shown as it is written."""
    return "\n".join(_Page(coverage, sources, language, cases or {}).html()) + "\n"


class _Page:
    def __init__(
        self, coverage: Coverage, sources: Iterable[Source], language: Language, cases: Cases
    ) -> None:
        self.coverage, self.program, self.language, self.cases = coverage, coverage.program, language, cases
        self.sources = {source.file: source for source in sources}
        self.words = Phrases(self.program, language)
        quoted = [p.rule.id for found in coverage.texts for p in found.passages]
        ids = dict.fromkeys([*quoted, *(places.rule.id for places in coverage.rules)])
        self.numbers = {ident: number for number, ident in enumerate(ids, start=1)}

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def label(self, of: tuple[str, str]) -> str:
        return self.say(*of)

    def html(self) -> Iterator[str]:
        heading = self.say("原文与规则对照", "The texts and their rules")
        yield f'<!DOCTYPE html>\n<html lang="{self.say("zh-CN", "en")}">\n<head>\n<meta charset="utf-8">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<title>{heading}</title>\n<style>{STYLE}{OWN_STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{heading}</h1>"
        lead = self.say(
            "这里是文件原文。每句话是什么，用颜色和下划线标出；写成了哪条规则，写在旁边。"
            "点有颜色的字或小号数字，就到下面那条规则：它用平常话说了什么、依的是哪一句、怎么理解、拿什么例子验过。",
            "These are the texts as they were issued. Colour and underline show what each passage is; the rules made of it stand "
            "beside it. A coloured passage or a small number leads to its rule below: what it says in plain words, on which "
            "sentence it rests, how open points are read, and the examples it was tried on.",
        )
        yield f'<p class="lead">{lead}</p>\n</header>'
        yield f'<div class="summary">\n<h2>{self.say("着落了多少", "How much is accounted for")}</h2>\n<ul>'
        for found in self.coverage.texts:
            part = self.say("（摘录，不计入结果）", " (excerpt, not counted)") if found.text.excerpt else ""
            yield f"<li>{escape(summary(found, self.language))}{part}</li>"
        yield "</ul>\n</div>"
        yield from self.legend()
        for found in self.coverage.texts:
            yield from self.text(found)
        yield f'<h2 id="rules">{self.say("规则", "The rules")}</h2>'
        for places in sorted(self.coverage.rules, key=lambda places: self.numbers[places.rule.id]):
            yield from self.card(places)
        yield f"<script>{SCRIPT}</script>\n</body>\n</html>"

    def legend(self) -> Iterator[str]:
        yield f'<h2>{self.say("颜色和下划线", "Colours and underlines")}</h2>\n<dl class="legend">'
        for kind in KINDS:
            yield f"<dt>{self.chip(kind)}</dt><dd>{self.label(LEGEND[kind])}</dd>"
        yield f'<dt><span class="k open chip">{self.label(STATES["none"])}</span></dt><dd>{self.label(OPEN)}</dd>\n</dl>'
        yield f'<p class="soft">{self.say("只数汉字、字母和数字；标点、空格和条目序号（如 (一)、一是）不计。", "Letters, ideographs and digits count; marks, white space and the numbers of the outline do not.")}</p>'

    def chip(self, kind: Kind, text: str = "") -> str:
        return f'<span class="k {kind} chip">{escape(text or self.label(KIND_LABELS[kind]))}</span>'

    # -- the text itself

    def text(self, found: TextCoverage) -> Iterator[str]:
        part = self.say("（摘录）", " (excerpt)") if found.text.excerpt else ""
        yield f"<h2>{escape(title(found.text, self.language))}{part}</h2>"
        at = 0
        for number, line in enumerate(found.text.content.split("\n"), start=1):
            end = at + len(line)
            if any(map(str.isalnum, line)):
                yield from self.row(found, number, at, end)
            else:
                yield '<div class="gap"></div>'
            at = end + 1

    def row(self, found: TextCoverage, number: int, start: int, end: int) -> Iterator[str]:
        """One line of the text, and beside it what became of it."""
        passages = [p for p in found.passages if start <= p.span.start < end]
        left = [s for sentence in found.sentences for s in sentence.open if start <= s.start < end]
        anchor = escape(f"{found.text.name.id}-{number}")
        yield f'<div class="row">\n<p class="line" id="{anchor}">{"".join(self.pieces(found, passages, left, start, end))}</p>'
        yield '<ul class="notes">'
        for rule in {p.rule.id: p.rule for p in passages}.values():
            yield (
                f'<li><span class="n">{self.numbers[rule.id]}</span>{self.chip(rule.kind)} '
                f'<a href="#{self.anchor(rule)}">{escape(rule.basis.name.label(self.language))}</a> '
                f'<span class="soft">{escape(self.does(rule))}</span></li>'
            )
        if left:
            counted = sum(map(str.isalnum, "".join(found.text.content[s.start : s.end] for s in left)))
            said = self.say(
                f"{len(left)} 处 {counted} 字未着落",
                f"{counted} characters in {len(left)} places not encoded",
            )
            yield f'<li class="left"><span class="n">!</span>{said}</li>'
        yield "</ul>\n</div>"

    def pieces(
        self, found: TextCoverage, passages: Sequence[Passage], left: Sequence[Span], start: int, end: int
    ) -> Iterator[str]:
        """A line cut where a passage begins or ends, each piece in the colour of its weightiest rule."""
        content = found.text.content
        first = start + len(content[start:end]) - len(content[start:end].lstrip())
        if first > start:
            yield f'<span class="indent">{escape(content[start:first])}</span>'
        edges = {
            first,
            end,
            *(edge for s in (*left, *(p.span for p in passages)) for edge in (s.start, s.end)),
        }
        for low, high in pairwise(sorted(edge for edge in edges if first <= edge <= end)):
            words = escape(content[low:high])
            over = [p for p in passages if p.span.start <= low and high <= p.span.end]
            if over:
                rule = min((p.rule for p in over), key=lambda rule: KINDS.index(rule.kind))
                names = "; ".join(
                    dict.fromkeys(
                        f"{self.label(KIND_LABELS[p.rule.kind])} {p.rule.basis.name.label(self.language)}"
                        for p in over
                    )
                )
                yield f'<a class="k {rule.kind}" href="#{self.anchor(rule)}" title="{escape(names)}">{words}</a>'
                ending = {p.rule.id: p.rule for p in over if p.span.end == high}.values()
                if ending:
                    marks = (f'<a href="#{self.anchor(r)}">{self.numbers[r.id]}</a>' for r in ending)
                    yield f"&#8288;<sup>{' '.join(marks)}</sup>"  # kept on the line of its passage
            elif any(s.start <= low and high <= s.end for s in left):
                yield f'<span class="k open" title="{escape(self.label(OPEN))}">{words}</span>'
            else:
                yield words

    @staticmethod
    def anchor(rule: Rule) -> str:
        return escape(rule.id.replace(":", "-").replace("@", "-"))

    # -- a rule

    def card(self, places: RulePlaces) -> Iterator[str]:
        """One rule: what it says, on which words it rests, how they are read, how it was tried, how it is written."""
        rule = places.rule
        basis = rule.basis
        what = self.label(KIND_NAMES[rule.declared])
        if rule.declared == "objective":
            what = self.label(KIND_LABELS[rule.kind])
        period = f' <span class="soft">{escape(self.period(rule))}</span>' if self.period(rule) else ""
        yield f'<article class="card {rule.kind}" id="{self.anchor(rule)}">'
        yield f'<h3><span class="n">{self.numbers[rule.id]}</span>{self.chip(rule.kind, what)}{escape(basis.name.label(self.language))}{period}</h3>'
        yield "<dl>"
        for head, said in self.said(rule):
            yield f"<dt>{escape(head)}</dt><dd>{escape(said)}</dd>"
        yield f"</dl>\n<h4>{self.say('依据', 'Rests on')}</h4>\n<ul>"
        for passage, _ in places.sentences:
            text = self.program.texts[passage.cite.text]
            link = escape(f"#{text.name.id}-{passage.span.line}")
            stands = " ".join(part for part in (text.name.label(self.language), passage.cite.locator) if part)
            yield f'<li><a href="{link}">{escape(stands)}</a> <span class="soft">{where(passage.span)}</span><blockquote>「{escape(passage.cite.quote)}」</blockquote></li>'
        for cite in places.absent:
            text = self.program.texts[cite.text]
            unchecked = self.say("（文本未收录，未经核对）", " (text not held, not checked)")
            yield f"<li>{escape(f'{title(text, self.language)} {cite.locator}')}{unchecked}</li>"
        yield "</ul>"
        if basis.readings:
            yield f"<h4>{self.say('口径：原文没说清的地方怎么理解', 'Readings: how open points are understood')}</h4>\n<ul>"
            yield from (self.reading(self.program.readings[ident]) for ident in basis.readings)
            yield "</ul>"
        if rule.declared == "clause":
            yield f"<h4>{self.say('案例', 'Examples')}</h4>"
            yield self.tried(self.cases.get(basis.name.id, ()))
        yield from self.written(basis.span)
        yield "</article>"

    def reading(self, reading: ir.Reading) -> str:
        number = f" {reading.ruling_id}" if reading.ruling_id else ""
        chosen = self.say(reading.chosen, reading.chosen_en or reading.chosen)
        refused = "".join(
            f'<li><span class="head">{self.say("不采用", "refused")}</span>{escape(text)}</li>'
            for text in reading.refused
        )
        return (
            f"<li><strong>{escape(reading.basis.name.label(self.language) + number)}</strong>"
            f'<ul><li><span class="head">{self.say("采用", "chosen")}</span>{escape(chosen)}</li>{refused}</ul></li>'
        )

    def tried(self, cases: Sequence[CaseResult]) -> str:
        if not cases:
            return f'<p class="soft">{self.say("尚无案例", "No examples yet")}</p>'
        rows = (
            f'<li><span class="{case.state}">{self.label(CASE_STATES[case.state])}</span> {escape(case.name)} '
            f'<span class="place">{escape(case.place)}</span></li>'
            for case in cases
        )
        return "<ul>" + "".join(rows) + "</ul>"

    def written(self, span: Span) -> Iterator[str]:
        """The rule as it stands in its file."""
        source = self.sources.get(span.file)
        if source is not None:
            head = self.say("规则原文", "The rule as it is written")
            yield f"<details><summary>{head}　{escape(place(span))}</summary>\n<pre>{escape(source.block(span.line))}</pre></details>"

    # -- what a rule says, in plain words

    def period(self, rule: Rule) -> str:
        start, end = rule.period.start, rule.period.end
        if start is None and end is None:
            return ""
        first = self.words.date(start) if start else ""
        last = self.words.date(end) if end else ""
        if end is None:
            return self.say(f"{first}起", f"from {first}")
        return self.say(f"{first}至{last}", f"{first} to {last}").strip()

    def does(self, rule: Rule) -> str:
        """What a rule does, in a few words."""
        match rule.item:
            case ir.Clause(effect=effect):
                return self.effect(effect)
            case ir.Exclusive(measures=measures):
                return self.say("不同时享受", "not drawn together: ") + self.measures(measures)
            case ir.Amount(measure=measure):
                return self.say(
                    f"{self.measures([measure])}给多少", f"how much {self.measures([measure])} is"
                )
            case ir.Parameter(question=question):
                return self.say("当地要填：", "for the local office to give: ") + (
                    question or rule.basis.name.label(self.language)
                )
            case ir.Version():
                return self.say("这个词怎么认", "what the word means")
            case ir.Objective(reason=reason):
                return reason

    def effect(self, effect: ir.Effect) -> str:
        match effect:
            case ir.Grant(measure=measure, may=may):
                named = self.measures([measure])
                return self.say(
                    f"{'可以' if may else ''}给予{named}", f"{'may be' if may else 'is'} granted {named}"
                )
            case ir.Withhold(measures=measures, members=members):
                and_members = self.say("（成员也不给）", " (nor to members)") if members else ""
                return self.say("不给予", "is not granted ") + self.measures(measures) + and_members
            case ir.Duty(act=act):
                return self.say("应当", "must: ") + self.program.acts[act].name.label(self.language)
            case ir.Ban(act=act):
                return self.say("不得", "must not: ") + self.program.acts[act].name.label(self.language)
            case ir.Record(kind="listing", name=name):
                return self.say(f"列入“{name}”", f"is put on the list “{name}”")
            case ir.Record(kind="referral", name=name):
                return self.say(f"转送“{name}”", f"is referred to “{name}”")
            case ir.Record(name=name):
                return self.say(f"查出“{name}”就提醒", f"“{name}” is pointed out")

    def measures(self, names: Iterable[str]) -> str:
        return self.words.listed(self.program.measures[name].name.label(self.language) for name in names)

    def said(self, rule: Rule) -> Iterator[tuple[str, str]]:
        """What a rule says, statement by statement: what it is about, and what it says of it."""
        item, say, term = rule.item, self.say, self.words.term
        match item:
            case ir.Clause():
                yield from self.clause(item)
            case ir.Exclusive(how=how, chooser=chooser):
                yield say("结果", "Outcome"), self.does(rule)
                settled = {
                    "by_election": say(f"由{chooser}选一样", f"{chooser} chooses one"),
                    "by_order": say("按所列顺序，前面的先给", "the one named first is given"),
                    "by_amount": say("给金额高的一样", "the higher one is given"),
                }
                yield say("怎么定", "Settled by"), settled[how]
            case ir.Amount():
                yield say("算什么", "Pays"), self.measures([item.measure])
                yield from self.amount(item)
            case ir.Parameter(question=question, entity=entity):
                yield say("要问的", "To ask"), question or rule.basis.name.label(self.language)
                if entity:
                    yield say("对谁", "For"), self.each(entity)
            case ir.Version(body=body):
                entity = self.program.defines[rule.basis.name.id].entity
                if entity:
                    yield say("对谁", "For"), self.each(entity)
                yield say("指", "Means"), term(body)
            case ir.Objective(reason=reason):
                yield say("为什么不设规则", "Why no rule"), reason

    def clause(self, clause: ir.Clause) -> Iterator[tuple[str, str]]:
        say, term = self.say, self.words.term
        yield say("对谁", "For"), self.each(clause.entity)
        if clause.scope is not None:
            yield say("说的是", "Speaks of"), term(clause.scope)
        if clause.test is not None:
            yield say("条件", "If"), term(clause.test)
        effect = clause.effect
        yield say("就", "Then"), self.effect(effect)
        match effect:
            case ir.Grant(amount=None, measure=measure):
                rules = [
                    a.basis.name.label(self.language) for a in self.program.amounts if a.measure == measure
                ]
                if rules:
                    yield (
                        say("给多少", "How much"),
                        say("按", "by ") + self.words.listed(dict.fromkeys(rules)),
                    )
            case ir.Grant(amount=ir.Amount() as amount):
                yield from self.amount(amount)
            case ir.Duty(by=by, due=due, every=every, done=done):
                if by:
                    yield say("由谁办", "By"), by
                yield (
                    say("期限", "Due"),
                    term(due) if due is not None else say("原文没有规定", "the text sets none"),
                )
                if every is not None:
                    yield say("每隔", "Every"), term(every)
                if done is not None:
                    yield say("办好的标志", "Done when"), term(done)
            case ir.Record(text=text) if text:
                yield say("记下", "Says"), text
        for choice in clause.discretion:
            low, high = self.words.figure(choice.low, choice.type), self.words.plain(choice.high, choice.type)
            holder = say(f"，由{choice.holder}定", f", decided by {choice.holder}")
            yield choice.name.label(self.language), say(f"{low} 至 {high}", f"{low} to {high}") + holder
        higher = [
            self.words.clause(name) for name in sorted(self.program.blockers.get(clause.basis.name.id, ()))
        ]
        if higher:
            yield (
                say("先看", "After"),
                self.words.listed(higher)
                + say("；那边给了，这一条就不给", "; what one of them grants, this one does not"),
            )
        if clause.confirm:
            yield say("还要核实", "To confirm"), self.words.listed(text for text, _ in clause.confirm)
        if clause.outside:
            yield say("不在此列的", "Others"), clause.outside

    def amount(self, amount: ir.Amount) -> Iterator[tuple[str, str]]:
        term = self.words.term
        head = self.say("每月", "Monthly") if amount.form == "monthly" else self.say("一次", "Once")
        yield head, term(amount.total)
        for part in amount.parts:
            yield self.say(f"其中{part.name.zh}", f"of which {part.name.label('en')}"), term(part.expr)
        if amount.start is not None:
            yield self.say("从哪个月起", "From"), term(amount.start)
        if amount.months is not None:
            yield self.say("发多久", "For"), term(amount.months)

    def each(self, entity: str) -> str:
        label = self.program.entities[entity].name.label(self.language)
        return self.say(f"每个{label}", f"each {label}")
