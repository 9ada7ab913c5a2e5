"""Answers as tables: with identifiers and fen for programs, with labels and yuan for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from policykit import ir
from policykit.batch.chunks import Bad, root_of
from policykit.batch.filling import FORMS, NO_FEN, OUTCOMES, Answers, Ints
from policykit.batch.places import Place
from policykit.diagnostics import Diagnostic, Language
from policykit.explain.words import Words
from policykit.facts import Case, Instance
from policykit.values import Gap

GAP = pa.struct([("path", pa.string()), ("name", pa.string()), ("kind", pa.string())])
WORD, NAMES = pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.string())

#: whom a row is about, at the head of every table
SUBJECT = [
    ("key", WORD), ("place", WORD), ("subject", WORD), ("id", WORD), ("name", WORD), ("row", pa.int64()),
]  # fmt: skip

DECISIONS = pa.schema([
    *SUBJECT, ("measure", WORD), ("outcome", WORD), ("outcomes", NAMES), ("form", WORD), ("fen", pa.int64()),
    ("low", pa.int64()), ("high", pa.int64()), ("clauses", NAMES), ("alternatives", NAMES), ("missing", pa.list_(GAP)),
])  # fmt: skip

FINDINGS = pa.schema(
    [*SUBJECT, ("kind", WORD), ("rule", pa.string()), ("finding", pa.string()), ("text", pa.string())]
)

ALL_OUTCOMES = (*OUTCOMES, "undetermined")
#: the outcome of each set of bits, by its place in `ALL_OUTCOMES`
SETTLED = np.array(
    [bits.bit_length() - 1 if bits.bit_count() == 1 else len(OUTCOMES) for bits in range(1 << len(OUTCOMES))]
)

KINDS = {
    "finding": ("发现", "finding"), "listing": ("列入", "listing"), "referral": ("转送", "referral"),
    "note": ("提示", "note"),
}  # fmt: skip

HEADINGS = {
    "key": ("户号", "Household"), "place": ("地方", "Place"), "subject": ("对象", "Subject"), "id": ("编号", "Id"),
    "name": ("姓名", "Name"), "row": ("原表行号", "Source row"), "measure": ("待遇", "Measure"), "outcome": ("结果", "Outcome"),
    "outcomes": ("可能的结果", "Possible outcomes"), "form": ("发放", "Paid"), "fen": ("金额（元）", "Amount (yuan)"),
    "low": ("如给予，最低（元）", "If granted, at least (yuan)"), "high": ("如给予，最高（元）", "If granted, at most (yuan)"), "clauses": ("依据条款", "Clauses"),
    "alternatives": ("只能选一样的", "Instead, not besides"), "missing": ("还要问", "To be asked"),
    "kind": ("类别", "Kind"), "rule": ("条款", "Clause"), "finding": ("事项", "Name"), "text": ("内容", "Text"),
    "way": ("变化", "Change"), "outcome_before": ("原结果", "Outcome before"), "outcome_after": ("新结果", "Outcome after"),
    "fen_before": ("原金额（元）", "Before (yuan)"), "fen_after": ("新金额（元）", "After (yuan)"),
    "form_before": ("原发放", "Paid before"), "form_after": ("新发放", "Paid after"),
    "clauses_before": ("原依据", "Clauses before"), "clauses_after": ("新依据", "Clauses after"),
    "source": ("来源", "Source"), "reason": ("原因", "Reason"),
}  # fmt: skip


class Labels:
    """What identifiers are called, in one language."""

    def __init__(self, program: ir.Program, language: Language, place: Place | None = None) -> None:
        root = Instance(root_of(program), root_of(program))
        self.program, self.language, self.place = program, language, place
        self.words = Words(program, language, False, Case(root, (root,), {root.path: root}, (), ""))
        self._gaps: dict[Gap, str] = {}

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def listed(self, labels: Iterable[str]) -> str:
        return self.words.listed(labels)

    def measure(self, name: str) -> str:
        return self.program.measures[name].name.label(self.language)

    def rule(self, name: str) -> str:
        """A clause or a note."""
        versions = self.program.clauses.get(name)
        if versions is not None:
            return versions[0].basis.name.label(self.language)
        return next(
            note.basis.name.label(self.language) for note in self.program.notes if note.basis.name.id == name
        )

    def outcome(self, name: str) -> str:
        if name == "undetermined":
            return self.say("待定", "undetermined")
        label = next(option.name for option in ir.OUTCOME.options if option.name.id == name)
        return label.label(self.language)

    def form(self, name: str) -> str:
        return {"monthly": self.say("每月", "monthly"), "once": self.say("一次", "once")}.get(name, "")

    def path(self, path: str) -> str:
        return self.words.place(path)

    def gap(self, gap: Gap) -> str:
        """Something missing, with whose it is: 成员1的残疾等级."""
        plain = Gap(gap.kind, gap.path, gap.name)
        if plain not in self._gaps:
            whose, what, _ = self.words.question(plain)
            if gap.kind == "parameter":
                whose = self.say("参数表", "parameter sheet")
            elif gap.kind == "ruling":
                what = self.say(f"{what}的裁定", f"ruling on {what}")
            self._gaps[plain] = self.say(f"{whose}：{what}", f"{whose}: {what}") if whose else what
        return self._gaps[plain]

    def reason(self, reason: Diagnostic) -> str:
        """Why a row was set aside, and how to mend it."""
        said = [reason.message(self.language), reason.help(self.language)]
        return self.say("：", ": ").join(
            filter(None, [reason.where, self.say("。", ". ").join(filter(None, said))])
        )

    def heading(self, column: str) -> str:
        if column == "place" and self.place is not None:
            return self.place.fact.name.label(self.language)
        return self.say(*HEADINGS[column])

    def table(self, columns: Mapping[str, pa.Array]) -> pa.Table:
        """A table under the headings of people; without places where nothing says them."""
        return pa.table(
            {
                self.heading(name): of.dictionary_decode() if isinstance(of, pa.DictionaryArray) else of
                for name, of in columns.items()
                if name != "place" or self.place
            }
        )


# ---- for programs ------------------------------------------------------------------------------------------------------


def decisions(answers: Answers, program: ir.Program) -> pa.Table:
    """One row for each measure and subject, with identifiers and fen."""
    outcome = SETTLED[answers.outcomes]
    settled = answers.fen != NO_FEN
    sets = [
        tuple(one for bit, one in enumerate(OUTCOMES) if bits >> bit & 1)
        for bits in range(1 << len(OUTCOMES))
    ]
    columns = [
        *whom(answers, answers.subject),
        coded(answers.measure, tuple(program.measures)),
        coded(outcome, ALL_OUTCOMES),
        lists(sets, answers.outcomes),
        coded(answers.form - 1, FORMS[1:]),
        _fen(answers.fen, ~settled),
        _fen(answers.low, settled),
        _fen(answers.high, settled),
        lists(answers.names.sets, answers.clauses),
        lists(answers.names.sets, answers.alternatives),
        _missing(answers),
    ]
    return pa.Table.from_arrays(columns, schema=DECISIONS)


def findings(answers: Answers) -> pa.Table:
    """One row for each thing that the rules find, list or refer for sure, or the tool notes."""
    sure = [one for one in answers.found if one.sure]
    if not sure:
        return FINDINGS.empty_table()
    kinds = tuple(KINDS)
    columns = [
        *whom(answers, np.array([one.subject for one in sure], np.int64)),
        coded(np.array([kinds.index(one.kind) for one in sure], np.int64), kinds),
        *(pa.array([getattr(one, name) for one in sure], pa.string()) for name in ("rule", "name", "text")),
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=FINDINGS)


def whom(answers: Answers, subject: Ints) -> list[pa.Array]:
    """The columns that say whom rows are about, given by subject; each text is held once."""
    of, rows = answers.subjects, pa.array(subject)
    households = pa.array(of.household[subject])
    keys, places = pc.cast(answers.keys, pa.string()), pa.array(list(answers.places), pa.string())
    said = [(keys, households), (places, households), (of.path, rows), (of.number, rows), (of.name, rows)]
    return [*(texts.dictionary_encode().take(which) for texts, which in said), of.row.take(rows)]


def coded(codes: Ints, names: Sequence[str]) -> pa.Array:
    """Names by their place; none below 0."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _fen(values: NDArray[np.int64], absent: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=absent | (values == NO_FEN))


def lists(sets: Sequence[Sequence[str]], numbers: Ints) -> pa.Array:
    """Lists of names, given by number."""
    return _lists(pa.array([name for each in sets for name in each], pa.string()), sets, numbers)


def _lists(values: pa.Array, sets: Sequence[Sequence[object]], numbers: Ints) -> pa.Array:
    """Lists given by number; `values` are what is in one after another."""
    lengths = np.array([len(each) for each in sets], np.int64)
    counts, starts = lengths[numbers], np.cumsum(lengths) - lengths
    ends = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(ends[-1]) + np.repeat(starts[numbers] - ends[:-1], counts)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values.take(pa.array(places)))


def _missing(answers: Answers) -> pa.Array:
    sets, numbers = answers.waiting()
    gaps = [gap for each in sets for gap in each]
    values = pa.StructArray.from_arrays(
        [pa.array([getattr(gap, name) for gap in gaps], pa.string()) for name in ("path", "name", "kind")],
        fields=list(GAP),
    )
    return _lists(values, sets, numbers)


# ---- for people --------------------------------------------------------------------------------------------------------


def labelled(answers: Answers, labels: Labels) -> pa.Table:
    """The same with labels, lists as one text, and money as exact yuan.

    The column of amounts may be summed: it holds what is granted, and what is not yet sure stands beside it.
    """
    plain = decisions(answers, labels.program)
    paid = answers.paid
    money = {
        "fen": _fen(answers.fen, ~paid),
        "low": _fen(answers.low, paid),
        "high": _fen(answers.high, paid),
    }
    put: dict[str, Callable[[str], str]] = {
        "measure": labels.measure, "outcome": labels.outcome, "form": labels.form,
    }  # fmt: skip
    columns: dict[str, pa.Array] = {}
    for name in DECISIONS.names:
        column = plain.column(name).combine_chunks()
        if name in put:
            column = renamed(column, put[name])
        elif name == "subject":
            column = renamed(column, labels.path)
        elif name in money:
            column = in_yuan(money[name])
        elif name == "outcomes":
            texts = [labels.listed(labels.outcome(one) for bit, one in enumerate(OUTCOMES) if bits >> bit & 1)
                     if bits.bit_count() > 1 else None for bits in range(1 << len(OUTCOMES))]  # fmt: skip
            column = pa.array(texts, pa.string()).take(pa.array(answers.outcomes))
        elif name in ("clauses", "alternatives"):
            say = labels.rule if name == "clauses" else labels.measure
            used, inverse = np.unique(getattr(answers, name), return_inverse=True)
            texts = [labels.listed(map(say, answers.names.sets[number])) or None for number in used.tolist()]
            column = pa.array(texts, pa.string()).take(pa.array(inverse))
        elif name == "missing":
            sets, numbers = answers.waiting()
            texts = [labels.say("；", "; ").join(map(labels.gap, gaps)) or None for gaps in sets]
            column = pa.array(texts, pa.string()).take(pa.array(numbers))
        columns[name] = column
    return labels.table(columns)


def labelled_findings(answers: Answers, labels: Labels) -> pa.Table:
    plain = findings(answers)
    columns = {name: plain.column(name).combine_chunks() for name in FINDINGS.names}
    columns["kind"] = renamed(columns["kind"], lambda kind: labels.say(*KINDS[kind]))
    columns["rule"] = renamed(columns["rule"].dictionary_encode(), labels.rule)
    columns["subject"] = renamed(columns["subject"], labels.path)
    return labels.table(columns)


def bad_rows(bad: Iterable[Bad], labels: Labels) -> pa.Table:
    """One row for each household or row that was set aside, with why."""
    found = list(bad)
    reasons = [labels.say("；", "; ").join(map(labels.reason, each.reasons)) for each in found]
    return pa.table({
        labels.heading("source"): pa.array([one.source for one in found], pa.string()),
        labels.heading("row"): pa.array([one.row or None for one in found], pa.int64()),
        labels.heading("key"): pa.array([one.key for one in found], pa.string()),
        labels.heading("reason"): pa.array(reasons, pa.string()),
    })  # fmt: skip


def in_yuan(fen: pa.Array) -> pa.Array:
    """Fen as yuan, exactly."""
    return pc.multiply(pc.cast(fen, pa.decimal128(20, 0)), pa.scalar("0.01").cast(pa.decimal128(3, 2)))


def renamed(column: pa.DictionaryArray, say: Callable[[str], str]) -> pa.Array:
    return pa.array([say(one) for one in column.dictionary.to_pylist()], pa.string()).take(column.indices)
