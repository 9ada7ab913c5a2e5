"""Steps → grounds: of everything that was evaluated, the part that a result rests on, as lines to read.

Of a false 并且 that is the false operands, of a true 或者 the true ones, of an open one the open ones; of a 如果 the
condition and the branch taken; of a 任一 that holds, the elements that pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from policykit import ir
from policykit.explain.page import Block, Line
from policykit.explain.phrases import Phrases, passes, taken
from policykit.facts import Given, Instance, Listing
from policykit.trace import ClauseVerdict, Decision, Step, Trace
from policykit.values import Gap

DEEPEST = 3  # below this a defined term is named, not opened
MOST_JOINED = 110  # characters of reasons that may stand in one line


@dataclass(slots=True)
class Used:
    """What a result rests on: facts and lists by record, parameters, defined terms; all in the order of first use."""

    facts: dict[tuple[str, str], Instance] = field(default_factory=dict)
    parameters: dict[tuple[str, str], Step] = field(default_factory=dict)
    terms: dict[str, None] = field(default_factory=dict)


class Grounds:
    """Reads steps for one explanation; clauses that a condition refers to are opened as if written out."""

    def __init__(self, trace: Trace, words: Phrases) -> None:
        self.trace, self.program, self.words = trace, trace.program, words
        self.verdicts: dict[tuple[str, Instance], list[ClauseVerdict]] = {}
        for verdict in trace.verdicts:
            self.verdicts.setdefault((verdict.clause.basis.name.id, verdict.subject), []).append(verdict)
        self._steps: dict[tuple[int, Instance], Step] = {}

    def step(self, expr: ir.Expr, record: Instance) -> Step:
        key = (id(expr), record)
        if key not in self._steps:
            self._steps[key] = self.trace.step(expr, record)
        return self._steps[key]

    def conditions(self, clause: ir.Clause, record: Instance) -> list[Step]:
        """Scope and test of a clause on a record; the test only where the scope may hold."""
        scope = [] if clause.scope is None else [self.step(clause.scope, record)]
        silent = any(s.value.known and not s.value.value for s in scope)
        return scope if silent or clause.test is None else [*scope, self.step(clause.test, record)]

    def opened(self, step: Step) -> list[tuple[ir.Clause, list[Step]]]:
        """The clauses that 符合 asks about, with their conditions."""
        if not isinstance(step.expr, ir.Verdict) or step.expr.kind != "meets" or step.record is None:
            return []
        found = self.verdicts.get((step.expr.name, step.record), [])
        return [(v.clause, self.conditions(v.clause, v.subject)) for v in found]

    def block(self, kind: str, zh: str, en: str, lines: Iterable[Line]) -> Block:
        return Block(kind, self.words.say(zh, en), tuple(lines))

    def verdicts_on(self, clause: str, record: Instance | None) -> list[ClauseVerdict]:
        """What a clause says of a record, or of the one it lies in."""
        while record is not None:
            if found := self.verdicts.get((clause, record)):
                return found
            record = record.upper
        return []

    # -- the deciding part

    def deciding(self, step: Step) -> list[Step]:
        """The steps directly inside one that its value rests on."""
        expr, inside, value = step.expr, list(step.inside), step.value
        match expr:
            case ir.Apply(op="and" | "or" as op) if value.known and value.value == (op == "or"):
                return [s for s in inside if s.value.known and s.value.value == value.value]
            case ir.Apply(op="or") if value.known:
                return [self.first_failure(s) for s in inside]
            case ir.Apply(op="or"):
                return [s for s in inside if not s.value.known]
            case ir.If() if (branch := taken(step)) is not None:
                return [inside[0], branch]
            case ir.Fold(op="any") if value.known and value.value:
                return [s for s in inside if s.value.known and s.value.value is True]
            case ir.Fold(op="all") if value.known and not value.value:
                return [
                    s for s in inside if s.inside and s.inside[0].value.known and not s.inside[0].value.value
                ]
            case ir.Verdict():
                return [s for _, steps in self.opened(step) for s in self.all_of(steps)]
        if isinstance(expr, ir.Fold):
            return inside
        if step.element is not None and not passes(step):
            return inside[:1]
        return inside

    def first_failure(self, step: Step) -> Step:
        """Of an alternative that is closed because several things are lacking, the first of them is enough."""
        while isinstance(step.expr, ir.Apply) and step.expr.op == "and":
            step = next((s for s in step.inside if s.value.known and not s.value.value), step.inside[0])
        return step

    def parts(self, step: Step) -> list[Step]:
        """An open condition taken apart into what is clear and what is not; anything else is one part."""
        if step.value.known:
            return [step]
        if isinstance(step.expr, ir.Apply) and step.expr.op == "and":
            return [part for s in step.inside for part in self.parts(s)]
        if opened := self.opened(step):
            return [part for _, steps in opened for s in steps for part in self.parts(s)]
        return [step]

    def all_of(self, steps: list[Step]) -> list[Step]:
        """Of conditions that must all hold, those that decide."""
        failed = [s for s in steps if s.value.known and not s.value.value]
        return failed or steps

    def used(self, steps: Iterable[Step], record: Instance) -> Used:
        found = Used()
        for step in steps:
            self._use(step, {"self": record}, found)
        return found

    def _use(self, step: Step, env: Mapping[str, Instance], found: Used) -> None:
        expr = step.expr
        if step.element is not None:
            for inner in self.deciding(step):
                self._use(inner, env, found)
            return
        match expr:
            case ir.Fact(name=name) if step.record is not None:
                found.facts.setdefault((step.record.path, name), step.record)
            case ir.Param(name=name):
                found.parameters.setdefault(
                    (name, step.record.path if step.record and not step.inside else ""), step
                )
                env = {"self": step.record} if step.record is not None else {}
            case ir.Ref(name=name):
                found.terms[name] = None
                env = {"self": step.record} if step.record is not None else {}
            case ir.Fold(domain=ir.Items(subject=subject, name=name), slot=slot):
                owner = self.owner(subject, env)
                if owner is not None:
                    found.facts.setdefault((owner.path, name), owner)
                for element in self.deciding(step):
                    self._use(element, {**env, slot: element.element} if element.element else env, found)
                return
            case ir.Verdict():
                env = {"self": step.record} if step.record is not None else {}
        if isinstance(expr, ir.Fact | ir.Up | ir.Ref | ir.Param) and isinstance(expr.subject, ir.Ref):
            found.terms[expr.subject.name] = None
        for inner in self.deciding(step):
            self._use(inner, env, found)

    def owner(self, subject: ir.Expr, env: Mapping[str, Instance]) -> Instance | None:
        """The record that a list belongs to, where that can be told without evaluating."""
        if isinstance(subject, ir.Var):
            return env.get(subject.slot)
        if not isinstance(subject, ir.Up):
            return None
        record = self.owner(subject.subject, env)
        while record is not None and record.entity != subject.type.of:
            record = record.upper
        return record

    def gaps(self, steps: Iterable[Step]) -> dict[Gap, None]:
        """Everything unknown that was looked at, whether or not it matters."""
        found: dict[Gap, None] = {}
        for step in steps:
            if step.element is not None and not passes(step):
                step = Step(step.expr, step.value, step.inside[:1], step.element, step.record)
            if isinstance(step.expr, ir.Fact | ir.Param | ir.Fold) and not step.value.known:
                found.update(
                    dict.fromkeys(
                        sorted(g for g in step.value.missing if g.kind not in ("comparison", "ruling"))
                    )
                )
            found.update(self.gaps(step.inside))
            for _, inner in self.opened(step):
                found.update(self.gaps(inner))
        return found

    # -- in words

    def reasons(self, step: Step, depth: int = 0) -> list[Line]:
        """The sentences that decide a condition; what stands under a defined term tells why it holds or not."""
        expr = step.expr
        match expr:
            case ir.Const():
                return []
            case ir.Apply(op="and" | "or" | "not") | ir.If():
                return unique(line for s in self.deciding(step) for line in self.reasons(s, depth))
            case ir.Ref() if step.inside and expr.type.kind == "bool":
                inside = () if depth >= DEEPEST else self.under(step.inside, depth)
                return [joined(self.words, Line(self.words.statement(step), inside=inside))]
            case ir.Verdict(kind="meets") if (opened := self.opened(step)) and depth == 0:
                lines = unique(
                    line for _, steps in opened for s in self.all_of(steps) for line in self.reasons(s, depth)
                )
                return lines or [Line(self.words.statement(step))]
            case ir.Fold(op="any" | "all"):
                return [self.quantified(step, expr, depth)]
        return [Line(self.words.statement(step))]

    def reason_blocks(self, steps: list[Step], outcome: str = "") -> Iterator[Block]:
        """What decided; while something is open, what is clear apart from what is not."""
        parts = [part for step in steps for part in self.parts(step)]
        clear = unique(line for s in parts if s.value.known for line in self.reasons(s))
        unclear = unique(line for s in parts if not s.value.known for line in self.reasons(s))
        if outcome == "refused":
            yield self.block("reasons", "不满足的条件", "Conditions that are not met", [*clear, *unclear])
            met = [s for step in steps for s in self.besides(step) if s.value.known and s.value.value]
            yield self.block(
                "met",
                "已经满足的",
                "Conditions that are met",
                unique(line for s in met for line in self.reasons(s)),
            )
        elif unclear:
            yield self.block("met", "已经清楚的", "Already clear", clear)
            yield self.block("open", "还不清楚的", "Not yet clear", unclear)
        elif outcome == "superseded":
            yield self.block("reasons", "单独看已满足的条件", "Met if taken alone", clear)
        else:
            yield self.block("reasons", "理由", "Reasons", clear)

    def under(self, steps: Iterable[Step], depth: int) -> tuple[Line, ...]:
        return tuple(unique(line for s in steps for line in self.reasons(s, depth + 1)))

    def quantified(self, step: Step, expr: ir.Fold, depth: int) -> Line:
        """任一 and 全部: which elements decide, and for each of them why."""
        say, over = self.words.say, self.words.domain(expr)
        that = self.words.quoted(self.words.term(expr.where)) if expr.where is not None else ""
        zh, en = (f"符合{that}的{over}", f"{over} with {that}") if that else (over, over)
        found = self.elements(step, expr, depth)
        names = say("：", ": ") + self.words.listed(name for name, _ in found) if found else ""
        inside = self.each(found)
        if not step.value.known and expr.op == "any":
            return Line(
                say(f"有没有{zh}：尚不清楚", f"not yet known whether there is any {en}"), inside=inside
            )
        if not step.value.known:
            return Line(
                say(f"{over}是否都符合{that}：尚不清楚", f"not yet known whether all {over} are {that}"),
                inside=inside,
            )
        if expr.op == "any" and not step.value.value:
            return Line(say(f"没有{zh}", f"no {en}"))
        if expr.op == "any":
            return Line(say(f"有{zh}", f"some {en}") + names, inside=inside)
        if not step.value.value:
            return Line(say(f"不符合{that}的{over}", f"{over} without {that}") + names, inside=inside)
        if not step.inside:
            return Line(say(f"没有{over}", f"no {over}"))
        return Line(say(f"{over}都符合{that}", f"all {over} are {that}") + names, inside=inside)

    def elements(self, step: Step, expr: ir.Fold, depth: int) -> list[tuple[str, tuple[Line, ...]]]:
        """The written-down elements that decide, by name, with the reasons for each."""
        found = []
        for s in self.deciding(step):
            if s.element is not None and s.element.rest is None and s.inside:
                named = isinstance(expr.where, ir.Ref)  # its name stands before the elements already
                why = s.inside[0].inside if named and s.inside[0].inside else s.inside[:1]
                found.append((self.words.short(s.element), self.under(why, depth + 1)))
        return found

    def each(self, found: list[tuple[str, tuple[Line, ...]]]) -> tuple[Line, ...]:
        """The reasons element by element; of a single one without repeating its name."""
        if len(found) != 1:
            return tuple(hoisted(self.words, name, lines) for name, lines in found)
        lines = found[0][1]
        return (hoisted(self.words, "", lines),) if lines and all(map(plain, lines)) else lines

    def besides(self, step: Step) -> list[Step]:
        """Of a condition that failed, the parts that were not needed to say so."""
        if (
            isinstance(step.expr, ir.Apply)
            and step.expr.op == "and"
            and step.value.known
            and not step.value.value
        ):
            failed = self.deciding(step)
            rest = [s for s in step.inside if all(s is not f for f in failed)]
            return rest + [t for s in failed for t in self.besides(s)]
        return [t for _, steps in self.opened(step) for s in self.all_of(steps) for t in self.besides(s)]

    # -- what it rests on, in words

    def cited(self, basis: ir.Basis) -> Line:
        """A rule by name, with the words it rests on and its place in the rule files."""
        cites = tuple(map(self.citation, basis.cites))
        return Line(
            "", head=self.words.label(basis.name), place=f"{basis.span.file}:{basis.span.line}", inside=cites
        )

    def citation(self, cite: ir.Citation) -> Line:
        """《社会救助暂行办法》 国务院令第649号 第九条 「…」; what is not held is said not to be checked."""
        text = self.program.texts[cite.text]
        title, comma, number = text.document.partition("，")
        if not comma:
            title, number = text.name.zh, text.document
        named = [f"《{title}》", number] if self.words.language == "zh" else [self.words.label(text.name)]
        where = " ".join(part for part in (*named, cite.locator) if part)
        if not text.held or not cite.quote:
            where += self.words.aside(self.words.say("文本未收录，未经核对", "text not held, not checked"))
        return Line(where, quote=cite.quote)

    def facts(self, used: Used) -> Iterator[Line]:
        """What was given of each record, with its paper and date; then the parameters, with their documents."""
        by_record: dict[str, list[str]] = {}
        for path, name in used.facts:
            by_record.setdefault(path, []).append(name)
        for path, record in self.trace.case.index.items():
            entity = self.program.entities[record.entity]
            said = [self.fact(record, entity, name) for name in by_record.get(path, ())]
            if text := self.words.say("；", "; ").join(t for t in said if t):
                head = (
                    self.words.record(record)
                    if record in self.trace.case.subjects
                    else self.words.place(path)
                )
                yield Line(text, head=head)
        for step in used.parameters.values():
            if isinstance(step.expr, ir.Param) and (line := self.parameter(step, step.expr)) is not None:
                yield line

    def fact(self, record: Instance, entity: ir.Entity, name: str) -> str:
        """A fact or a list as given, or nothing when it was not."""
        given, listing = record.facts.get(name), record.lists.get(name)
        if name in entity.lists and listing is not None and (listing.complete or listing.items):
            decl = entity.lists[name]
            return f"{self.words.label(decl.name)} {self.count(decl, listing)}"
        if name not in entity.facts or given is None or given.value is None:
            return ""
        fact = entity.facts[name]
        value = self.words.value(given.value, fact.type)
        if self.words.sensitive(record.entity, name):
            value = self.words.name(value) if name == entity.called else self.words.hidden()
        return f"{self.words.label(fact.name)} {value}{self.words.aside(self.paper(given))}"

    def paper(self, given: Given) -> str:
        day = self.words.date(given.date) if given.date is not None else ""
        return self.words.say("，", ", ").join(self.words.free(t) for t in (given.source, given.by, day) if t)

    def count(self, decl: ir.ListDecl, listing: Listing) -> str:
        number = len(listing.items)
        unit = self.program.entities[decl.item].unit
        shown = self.words.say(f"{number} {unit or '条'}" if number else "没有", str(number or "none"))
        if listing.complete:
            return shown
        return self.words.say(f"已知 {number} 条，未核对完", f"{number} so far, not complete")

    def parameter(self, step: Step, expr: ir.Param) -> Line | None:
        """A parameter as a sheet sets it, with the document it stands in; nothing when no sheet does."""
        parameter = self.program.parameters[expr.name]
        keys = tuple(str(s.value.value) for s in step.inside if s.value.known) if expr.keys else ()
        setting = parameter.setting(keys, self.trace.on)
        if setting is None or setting.value is None or not step.value.known:
            return None
        document = setting.document or parameter.document
        source = self.words.say(f"文号：{document}", f"document: {document}") if document else ""
        formula = step.inside and not expr.keys
        value = self.words.term(setting.value) if formula else self.words.shown(step)
        place = f"{setting.span.file}:{setting.span.line}"
        return Line(value + self.words.aside(source), head=self.words.named(step), place=place)

    def readings(
        self, verdicts: list[ClauseVerdict], used: Used, d: Decision | None = None
    ) -> Iterator[Line]:
        """The readings that the clauses and the terms used rest on, with what each refuses."""
        names = {name for v in verdicts for name in v.clause.basis.readings}
        for term in used.terms:
            version = self.program.defines[term].on(self.trace.on)
            names.update(version.basis.readings if version is not None else ())
        if d is not None and d.payment is not None:
            names.update(d.payment.rule.basis.readings)
        if d is not None and d.alternatives:
            names.update(
                n for e in self.program.exclusives if d.measure in e.measures for n in e.basis.readings
            )
        seen = {word for name, _ in used.parameters
                for word in (name, self.program.parameters[name].name.zh)}  # fmt: skip
        for name, reading in self.program.readings.items():
            if name not in names and seen.isdisjoint(reading.sees):
                continue
            zh = self.words.language == "zh"
            refused = (
                [
                    Line(
                        self.words.say("；", "; ").join(reading.refused),
                        head=self.words.say("不采用", "refused"),
                    )
                ]
                if reading.refused
                else []
            )
            head = f"{reading.ruling_id} {reading.basis.name.zh if zh else name.replace('_', ' ')}".strip()
            inside = (*refused, *map(self.citation, reading.basis.cites))
            yield Line(
                reading.chosen if zh else reading.chosen_en or reading.chosen, head=head, inside=inside
            )

    def questions(self, missing: Iterable[Gap]) -> Iterator[Line]:
        """What to ask, for each person or record; with the reason why it is not known."""
        groups: dict[str, list[Line]] = {}
        for gap in missing:
            whose, label, question = self.words.question(gap)
            causes = {"unset": self.words.say("参数还没有设定", "the parameter is not set"),
                      "out of range": self.words.say("填的数超出规定范围", "the value given is out of range"),
                      "no version in force": ""}  # fmt: skip
            cause = causes.get(gap.cause, self.words.free(gap.cause))
            groups.setdefault(whose, []).append(Line(question + self.words.aside(cause), head=label))
        for whose, lines in groups.items():
            if whose:
                yield Line("", head=whose, inside=tuple(unique(lines)))
            else:
                yield from unique(lines)


def unique(lines: Iterable[Line]) -> list[Line]:
    """Lines without repeats, in order."""
    return list(dict.fromkeys(lines))


def plain(line: Line) -> bool:
    return not line.inside and not line.head


def joined(words: Phrases, line: Line) -> Line:
    """A line with a few plain reasons under it, as one line: 在册特困：否（…）."""
    if not line.inside or not all(map(plain, line.inside)):
        return line
    text = words.say("；", "; ").join(inner.text for inner in line.inside)
    return Line(line.text + words.aside(text)) if len(text) <= MOST_JOINED else line


def hoisted(words: Phrases, head: str, lines: tuple[Line, ...]) -> Line:
    """What is said of one element: its only sentence beside its name, or several sentences in a row."""
    if len(lines) == 1 and not lines[0].head:
        return Line(lines[0].text, head=head, inside=lines[0].inside)
    if all(map(plain, lines)):
        return Line(words.say("；", "; ").join(line.text for line in lines), head=head)
    return Line("", head=head, inside=lines)
