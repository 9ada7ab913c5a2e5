"""Trace → explanation: the whole document, conclusions first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policykit import ir
from policykit.diagnostics import Diagnostic, Language
from policykit.explain.decisions import RANK, Decisions
from policykit.explain.grounds import Grounds, unique
from policykit.explain.page import Block, Explanation, Line, Part, Section
from policykit.explain.phrases import Phrases
from policykit.facts import Instance
from policykit.trace import ClauseVerdict, Decision, DutyInstance, Entry, Prohibition, Trace

TASK_RANK = ("overdue", "blocked", "ban", "finding", "open", "unknown", "done")


def explain(
    trace: Trace, language: str, mask: bool = False, notes: Sequence[Diagnostic] = (), stamp: str = ""
) -> Explanation:
    """The explanation of one evaluation, in Chinese ("zh") or English ("en").

    With `mask`, names and sensitive facts are hidden. `notes` are rulings that do not count; `stamp` names the versions.
    """
    return _Document(trace, language, mask).explanation(notes, stamp)


class _Document:
    def __init__(self, trace: Trace, language: str, mask: bool) -> None:
        self.trace, self.program = trace, trace.program
        self.words = Phrases(trace.program, language, mask, trace.case)
        self.grounds = Grounds(trace, self.words)
        self.decisions = Decisions(self.grounds)
        self.say, self.label = self.words.say, self.words.label

    # -- the document

    def explanation(self, notes: Sequence[Diagnostic], stamp: str) -> Explanation:
        decisions = tuple(self.decisions.section(d) for d in self.in_order() if d.outcome != "not_covered")
        tasks = self.tasks()
        urgent = tuple(self.note(n.note, n.subject) for n in self.trace.notes if n.note.urgent)
        calm = tuple(self.note(n.note, n.subject) for n in self.trace.notes if not n.note.urgent)
        summary = [
            Line(line.text, head=self.say("紧急提示", "Urgent note") + self.words.aside(line.head))
            for line in urgent
        ]
        open_ = (
            section for section in tasks if section.state != "done"
        )  # what is done stands further down only
        summary += [Line(section.conclusion, head=section.title) for section in (*decisions, *open_)]
        parts = (
            Part("decisions", self.say("各项待遇", "Decisions"), decisions),
            Part("tasks", self.say("要办的事、禁止的事、发现的问题", "Duties, bans and findings"), tasks),
            Part("notes", self.say("提示（本工具的话，不作根据）", "Notes (the tool's own words, never a ground)"),
                 blocks=(Block("notes", "", urgent + calm),) if urgent + calm else ()),
            Part("silent", self.say("未涉及", "Not covered"), blocks=tuple(self.silent())),
            Part("input", self.say("数据说明", "About the data"), blocks=tuple(self.input_notes(notes))),
        )  # fmt: skip
        return Explanation(
            self.words.language, self.say("待遇核算说明", "Explanation of benefits"), self.warning(), tuple(self.header(stamp)),
            Block("summary", self.say("结论", "Conclusions"), tuple(summary)),
            tuple(part for part in parts if part.sections or part.blocks),
        )  # fmt: skip

    def warning(self) -> str:
        names = [
            self.label(s.name) for s in self.program.sheets if s.example and s.name.id in self.trace.sheets
        ]
        if not names:
            return ""
        listed = self.words.listed(self.words.quoted(name) for name in names)
        return self.say(
            f"示例参数：本说明用到参数表{listed}，表中数额都是编造的，只供演示，不能用来办事。",
            f"Example parameters: this uses the sheet {listed}, whose figures are invented; for demonstration only.",
        )

    def header(self, stamp: str) -> Iterator[Line]:
        root = self.trace.case.root
        entity = self.program.entities[root.entity]
        members = [self.say("{} {}", "{1} {0}").format(self.label(decl.name), self.grounds.count(decl, root.lists[name])) for name, decl in entity.lists.items()
                   if decl.kind == "members" and name in root.lists]  # fmt: skip
        name = self.words.name(self.words.written_name(root)) or self.words.record(root)
        yield Line(self.say("，", ", ").join([name, *members]), head=self.label(entity.name))
        yield Line(self.words.date(self.trace.on), head=self.say("评价日", "As of"))
        if stamp:
            yield Line(stamp, head=self.say("版本、规则、户情、日期", "Version, rules, input, day"))

    def in_order(self) -> list[Decision]:
        """Measures with the best outcome first; within one, the household before its members."""
        best: dict[str, int] = {}
        for d in self.trace.decisions:
            best[d.measure] = min(best.get(d.measure, len(RANK)), RANK.index(d.outcome))
        place = {measure: number for number, measure in enumerate(best)}
        return sorted(self.trace.decisions, key=lambda d: (best[d.measure], place[d.measure]))

    def silent(self) -> Iterator[Block]:
        """What no clause spoke of, one line a measure, with where else to look."""
        groups: dict[tuple[str, str, bool], list[Instance]] = {}
        granted = {(d.measure, d.subject) for d in self.trace.decisions if d.outcome == "granted"}
        for d in self.trace.decisions:
            if d.outcome == "not_covered":
                shared = d.subject.upper is not None and (d.measure, d.subject.upper) in granted
                groups.setdefault((d.measure, d.subject.entity, shared), []).append(d.subject)
        lines = []
        for (measure, entity, shared), subjects in groups.items():
            granting = [c for versions in self.program.clauses.values() for c in versions
                        if isinstance(c.effect, ir.Grant) and (c.effect.measure, c.entity) == (measure, entity)]  # fmt: skip
            inside = unique(Line(c.outside) for c in granting if c.outside and c.period.holds(self.trace.on))
            said = self.words.listed(map(self.words.record, subjects))
            if shared and subjects[0].upper is not None:
                said += self.words.aside(
                    self.say("已随", "already with the ")
                    + self.words.whole(subjects[0].upper)
                    + self.say("给予", "")
                )
            lines.append(
                Line(
                    said,
                    head=self.label(self.program.measures[measure].name),
                    inside=() if shared else tuple(inside),
                )
            )
        if lines:
            title = self.say(
                "没有条款说到以下各项；不等于不批准", "No clause speaks of these, which is not a refusal"
            )
            yield Block("silent", title, tuple(lines))

    def input_notes(self, notes: Sequence[Diagnostic]) -> Iterator[Block]:
        language: Language = "zh" if self.words.language == "zh" else "en"
        lines = []
        for found in (*notes, *self.trace.case.notes):
            path, _, field = found.where.rpartition(".")
            place = f"{self.words.place(path)} {field}" if path in self.trace.case.index else found.where
            text = self.say("。", ". ").join(t for t in (found.message(language), found.help(language)) if t)
            lines.append(Line(self.words.free(text), head=self.words.free(place)))
        if lines:
            yield Block("input", "", tuple(lines))

    # -- duties, bans, records, notes

    def tasks(self) -> tuple[Section, ...]:
        found = [self.duty(x) for x in self.trace.duties if x.exists.hi]
        found += [self.ban(x) for x in self.trace.prohibitions if x.holds.hi]
        found += [self.entry(x) for x in self.trace.records if x.holds.hi]
        for finding in self.trace.findings:
            text = self.say("：", ": ").join(value for _, value in finding.fields)
            found.append(Section(self.words.record(finding.subject), "finding", text, ()))
        return tuple(sorted(found, key=lambda section: TASK_RANK.index(section.state)))

    def duty(self, x: DutyInstance) -> Section:
        effect = x.clause.effect
        assert isinstance(effect, ir.Duty)
        if not x.exists.lo:
            said = self.say("是否要办，尚不能确定", "not yet known whether it has to be done")
        else:
            said = {
                "open": self.say("要办，还没有办", "to be done"), "done": self.say("已经办了", "done"),
                "overdue": self.say("已过期限，还没有办", "overdue"), "blocked": self.say("不能办，另有禁止", "not to be done: banned"),
            }.get(x.state, self.say("要办；办了没有，尚不清楚", "to be done; not known whether it is"))  # fmt: skip
        due = x.due and self.words.date(x.due)
        if x.due_unspecified or self.has_no_due_date(x, effect):
            when = self.say("期限：原文没有规定", "no due date in the text")
        else:
            when = self.say(f"期限：{due or '尚不能确定'}", f"due {due or 'not yet determined'}")
        parts = [said]
        if x.state not in ("done", "blocked"):
            parts += [when, self.say(f"由{effect.by}办", f"by {effect.by}")] if effect.by else [when]
        blocking = [v for name in x.blocked_by for v in self.grounds.verdicts_on(name, x.subject)]
        title = f"{self.label(self.program.acts[effect.act].name)} · {self.words.record(x.subject)}"
        return self.task(
            title, x.state if x.exists.lo else "unknown", self.say("；", "; ").join(parts), x, blocking
        )

    def has_no_due_date(self, x: DutyInstance, duty: ir.Duty) -> bool:
        """Whether the rule is known to set no date for this subject: 无, which is not a date still to be found out."""
        if duty.due is None or x.due is not None:
            return duty.due is None
        value = self.grounds.step(duty.due, x.subject).value
        return value.known and value.value is None

    def ban(self, x: Prohibition) -> Section:
        effect = x.clause.effect
        assert isinstance(effect, ir.Ban)
        act = self.label(self.program.acts[effect.act].name)
        title = f"{self.say(f'不得{act}', f'banned: {act}')} · {self.words.record(x.subject)}"
        said = (
            self.say("禁止", "banned")
            if x.holds.lo
            else self.say("是否禁止，尚不能确定", "not yet known whether it is banned")
        )
        return self.task(title, "ban" if x.holds.lo else "unknown", said, x)

    def entry(self, x: Entry) -> Section:
        effect = x.clause.effect
        assert isinstance(effect, ir.Record)
        verb = {
            "listing": ("列入", "list: "),
            "referral": ("转送", "refer: "),
            "finding": ("发现：", "finding: "),
        }[effect.kind]
        english = self.words.language != "zh"
        title = f"{self.say(*verb)}{effect.name} · {self.words.record(x.subject)}"
        text = (x.clause.basis.name.en if english else effect.text) or effect.text or effect.name
        said = text if x.holds.lo else self.say(f"尚不能确定：{text}", f"not yet known: {text}")
        return self.task(title, "finding" if x.holds.lo else "unknown", said, x)

    def task(
        self,
        title: str,
        state: str,
        said: str,
        x: DutyInstance | Prohibition | Entry,
        blocking: Sequence[ClauseVerdict] = (),
    ) -> Section:
        verdicts = [
            v
            for v in self.grounds.verdicts.get((x.clause.basis.name.id, x.subject), ())
            if v.clause is x.clause
        ]
        steps = self.grounds.conditions(x.clause, x.subject)
        effect = x.clause.effect
        done = (
            [self.grounds.step(effect.done, x.subject)]
            if isinstance(effect, ir.Duty) and effect.done is not None and x.missing
            else []
        )
        banned = [Line(self.say("成立，压过本条", "stands, and prevails"), head=self.label(v.clause.basis.name),
                       inside=(*(line for b in self.grounds.reason_blocks(self.grounds.conditions(v.clause, v.subject)) for line in b.lines), *self.grounds.cited(v.clause.basis).inside))
                  for v in blocking]  # fmt: skip
        used = self.grounds.used([*steps, *done], x.subject)
        blocks = (
            self.grounds.block(
                "clauses", "条款", "Clauses", unique(self.grounds.cited(v.clause.basis) for v in verdicts)
            ),
            *self.grounds.reason_blocks(steps),
            self.grounds.block(
                "facts", "所用事实和参数", "Facts and parameters used", self.grounds.facts(used)
            ),
            self.grounds.block("priorities", "例外和先后", "Exceptions and priorities", banned),
            self.grounds.block(
                "readings",
                "所依口径",
                "Readings relied on",
                self.grounds.readings([*verdicts, *blocking], used),
            ),
            self.grounds.block("unknown", "需要核实", "To find out", self.grounds.questions(x.missing)),
        )
        return Section(title, state, said, tuple(b for b in blocks if b.lines))

    def note(self, note: ir.Note, subject: Instance) -> Line:
        text = note.text if self.words.language == "zh" else note.basis.name.en or note.text
        place = f"{note.basis.span.file}:{note.basis.span.line}"
        return Line(
            text,
            head=self.words.record(subject),
            place=place,
            inside=tuple(map(self.grounds.citation, note.basis.cites)),
        )
