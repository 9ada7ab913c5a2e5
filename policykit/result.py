"""The door: a household in, its decisions with their reasons out.

Decisions come from the compiled engine where it takes the household; the reference interpreter decides the rest, and
gives everything else that a `Result` shows, once that is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from policykit import ir
from policykit import trace as form
from policykit.answers import Amount, Decision, Missing, Record, Remark, Task, Verdict
from policykit.datafiles import load_file
from policykit.diagnostics import Diagnostic, Language, PolicyError
from policykit.engine import interpreter
from policykit.facts import Case, Election, Instance, Ruling
from policykit.loader import Policies, load_bundled
from policykit.records import read_case
from policykit.rulings import read_rulings
from policykit.values import Bounds, Gap, Value

if TYPE_CHECKING:
    from policykit.asking.near import Near
    from policykit.engine import compiled
    from policykit.explain.page import Explanation

VERSION = "0.1.0"
RULINGS = ("裁量", "rulings")
MOST_DAYS = 32  # for which compiled rules are kept at once
Engine: TypeAlias = Literal["auto", "compiled", "interpreter"]


class Result:
    """Everything that was found for one household on one day.

    `errors` are rulings that do not count; `notes_on_input` what was noted while reading the household.
    """

    on: date
    policies: Policies
    _found: Traced | None = None
    _language: Language = "zh"
    _exact = True
    _events: Events | None = None
    _compiled: compiled.Compiled | None = None
    _plain: compiled.Found | None = None

    @classmethod
    def _made(
        cls, on: date, policies: Policies, found: Traced | None, quick: compiled.Answers | None, language: Language,
        exact: bool, events: Events | None = None,
    ) -> Result:  # fmt: skip
        """A result of the interpreter, or of the compiled engine for a household that is not plainly decided."""
        made = cls()
        made.on, made.policies, made._language, made._exact = on, policies, language, exact
        made._found, made._quick, made._events = found, quick, events
        return made

    @cached_property
    def _quick(self) -> compiled.Answers | None:
        """What the compiled engine decided; of a household that is plainly decided made only when something is read."""
        if self._compiled is None or self._plain is None:
            return None
        return self._compiled.swift(self._plain)

    def __repr__(self) -> str:
        granted = sum(decision.outcome == "granted" for decision in self.decisions)
        return f"<Result on {self.on}: {len(self.decisions)} decisions, {granted} granted>"

    @property
    def engine(self) -> str:
        """Which engine the decisions come from: `compiled` or `interpreter`."""
        return "interpreter" if self._quick is None else "compiled"

    @property
    def trace(self) -> form.Trace:
        """What the reference interpreter finds, evaluated when it is first asked for."""
        return self._traced.found

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        if self._found is not None:
            return self._found.read.errors
        return () if self._events is None else self._events.errors

    @property
    def elections(self) -> tuple[Election, ...]:
        """The elections that count, about the records of `trace`."""
        return () if self._found is None and self._events is None else self._traced.read.elections

    @property
    def _traced(self) -> Traced:
        if self._found is None:
            assert self._quick is not None
            given = () if self._events is None else self._events.given
            again = read_household(
                self._quick.household, self.policies, on=self.on, rulings=given, language=self._language
            )
            self._found = _traced(again, self.on, self._exact)
        return self._found

    @property
    def notes_on_input(self) -> tuple[Diagnostic, ...]:
        return self.trace.case.notes

    @cached_property
    def stamp(self) -> str:
        """Version and hashes of rules with parameters, and of the input: equal stamps mean equal bytes."""
        rules = self.trace.program.fingerprint[:12]
        return f"policykit {VERSION} · {rules} · {self._traced.digest[:12]} · {self.on}"

    @cached_property
    def example_sheets(self) -> tuple[str, ...]:
        """The parameter sheets used whose figures are invented."""
        return tuple(
            s.name.zh for s in self.trace.program.sheets if s.example and s.name.id in self.trace.sheets
        )

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        if self._quick is not None:
            return tuple(map(self._from_row, self._quick.rows))
        return tuple(self._decision(decision, self.trace.case.index) for decision in self.trace.decisions)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(
            Verdict(v.clause.basis.name.id, v.subject.path, v.state, v.blocked_by)
            for v in self.trace.verdicts
        )

    @cached_property
    def duties(self) -> tuple[Task, ...]:
        found = []
        for duty in self.trace.duties:
            effect = duty.clause.effect
            assert isinstance(effect, ir.Duty)
            found.append(
                Task(
                    duty.clause.basis.name.id, effect.act, duty.subject.path, _three(duty.exists), duty.state, duty.due,
                    duty.due_unspecified, duty.blocked_by,
                )
            )  # fmt: skip
        return tuple(found)

    @cached_property
    def prohibitions(self) -> tuple[Record, ...]:
        return tuple(
            Record(b.clause.basis.name.id, "ban", b.clause.effect.act, b.subject.path, _three(b.holds))
            for b in self.trace.prohibitions
            if isinstance(b.clause.effect, ir.Ban) and b.holds.hi
        )

    @cached_property
    def records(self) -> tuple[Record, ...]:
        return tuple(
            Record(
                e.clause.basis.name.id,
                e.clause.effect.kind,
                e.clause.effect.name,
                e.subject.path,
                _three(e.holds),
            )
            for e in self.trace.records
            if isinstance(e.clause.effect, ir.Record) and e.holds.hi
        )

    @cached_property
    def notes(self) -> tuple[Remark, ...]:
        return tuple(
            Remark(n.note.basis.name.id, n.subject.path, n.note.text, n.note.urgent) for n in self.trace.notes
        )

    def decision(self, measure: str, subject: str | None = None) -> Decision:
        """The decision on a measure for a subject; the subject may be left out when there is only one.

        Raises `KeyError` when there is none, or more than one.
        """
        row = None if self._quick is None else self._quick.only(measure, subject)
        return self.decisions[self._place(measure, subject)] if row is None else self._from_row(row)

    def brief(self, measure: str, subject: str | None = None) -> tuple[str, int | None]:
        """The outcome and the fen of `decision`, without the rest of it: for whoever asks a million times.

        The fen are `None` where nothing is granted, and where the amount is open.
        """
        if self._plain is not None and self._compiled is not None:
            told = self._compiled.told(self._plain[1], measure, subject)
        else:
            told = None if self._quick is None else self._quick.told(measure, subject)
        if told is not None:
            return told
        decision = self.decision(measure, subject)
        return decision.outcome, None if decision.amount is None else decision.amount.fen

    def _place(self, measure: str, subject: str | None) -> int:
        found = [
            number
            for number, d in enumerate(self.decisions)
            if measure in (d.measure, d.label) and subject in (None, d.subject)
        ]
        if len(found) != 1:
            raise KeyError(f"{measure!r} for {subject!r}: {[(d.measure, d.subject) for d in self.decisions]}")
        return found[0]

    def explain(self, language: Language = "zh", mask: bool = False, near: bool = False) -> str:
        """The explanation as text, in Chinese or English; with `mask`, names and sensitive facts are hidden; with
        `near`, it ends with what the refusals and grants turn on, which needs the extra `[prove]`."""
        from policykit.explain import to_text

        return to_text(self._explanation(language, mask, near))

    def to_html(self, language: Language = "zh", mask: bool = False, near: bool = False) -> str:
        """The explanation as one self-contained page."""
        from policykit.explain import to_html

        return to_html(self._explanation(language, mask, near))

    def _explanation(self, language: Language, mask: bool, near: bool) -> Explanation:
        from policykit.explain import explain

        found = explain(self.trace, language, mask, self.errors, self.stamp)
        if not near:
            return found
        program, case = self.trace.program, self.trace.case
        return replace(found, parts=(*found.parts, _near().part(program, case, self.near, language, mask)))

    # -- what the decisions turn on

    @cached_property
    def near(self) -> tuple[Near, ...]:
        """Of every refusal what would grant, of every grant what would end it, in the order of the decisions."""
        return tuple(
            self._nearest(decision, "end" if decision.outcome == "granted" else "grant")
            for decision in self.trace.decisions
            if decision.outcome in ("granted", "refused")  # what is excluded mostly has something better
        )

    def why_not(self, measure: str, subject: str | None = None) -> Near:
        """What would have to change for a measure to be granted: the smallest sets of facts that can change, each moved
        as little as can be. It says what the rule turns on and decides nothing. Needs the extra `[prove]`.

        Raises `KeyError` when the measure, or the subject, is not one that was decided.
        """
        return self._nearest(self.trace.decisions[self._place(measure, subject)], "grant")

    def what_ends(self, measure: str, subject: str | None = None) -> Near:
        """What would end a grant: the same question with its sense turned."""
        return self._nearest(self.trace.decisions[self._place(measure, subject)], "end")

    def explain_near(self, found: Near, language: Language = "zh", mask: bool = False) -> str:
        """One such answer as text."""
        return str(_near().to_text(self.trace.program, self.trace.case, found, language, mask))

    def near_data(self) -> list[dict[str, Any]]:
        """`near` as plain data."""
        return [_near().to_data(found) for found in self.near]

    def _nearest(self, decision: form.Decision, sense: str) -> Near:
        t = self.trace
        found: Near = _near().nearest(t.program, t.case, t.on, t.rulings, self.elections, decision, sense)
        return found

    def model_dump(self) -> dict[str, Any]:
        """The result as plain data, by the published schema."""
        from policykit.schema import ResultModel

        return ResultModel.model_validate(self, from_attributes=True).model_dump(mode="json")

    def model_dump_json(self) -> str:
        """The result as JSON, by the published schema."""
        from policykit.schema import ResultModel

        return ResultModel.model_validate(self, from_attributes=True).model_dump_json(indent=2)

    def _decision(self, decision: form.Decision, index: Mapping[str, Instance]) -> Decision:
        return Decision(
            decision.measure, self.policies.program.measures[decision.measure].name.zh, decision.subject.path, decision.outcome,
            tuple(sorted(decision.outcomes)), decision.flags, _amount(decision.payment), decision.clauses,
            tuple(self._missing(gap, index) for gap in decision.missing), decision.superseded_by, decision.alternatives,
            decision.within_budget,
        )  # fmt: skip

    def _from_row(self, row: compiled.Row | form.Decision) -> Decision:
        """A decision of the compiled engine; one that waits for something with a cause is the reference's."""
        if isinstance(row, form.Decision):
            assert self._quick is not None
            if row.missing and self._quick.causes:
                (row,) = (d for d in self.trace.decisions if (d.measure, d.subject.path) == (row.measure, row.subject.path))  # fmt: skip
            return self._decision(row, self._quick.index)
        return Decision(
            row.measure, self.policies.program.measures[row.measure].name.zh, row.path, row.outcome, (row.outcome,), (),
            None if row.pay is None else _paid(row.pay), row.clauses, (), row.over, row.alternatives, True,
        )  # fmt: skip

    def _missing(self, gap: Gap, index: Mapping[str, Instance]) -> Missing:
        program, record = self.policies.program, index.get(gap.path)
        label, question = gap.name, ""
        parameter = program.parameters.get(gap.name.split("[")[0])
        if gap.kind == "parameter" and parameter is not None:
            label, question = parameter.name.zh, parameter.question
        elif gap.kind in ("fact", "list"):
            decl = _declared(program, record, gap)
            if decl is not None:
                label, question = decl.name.zh, decl.question
        return Missing(gap.path, gap.name, label, gap.kind, question, gap.cause)


def _paid(pay: compiled.Pay) -> Amount:
    """An amount that the compiled engine found; one that an approver chooses is open."""
    known, first = pay.low == pay.high, pay.first_month
    return Amount(
        pay.form, pay.low if known else None, pay.low if known else max(0, pay.low), pay.high, pay.parts,
        None if first is None else str(first), pay.months, pay.total, pay.options,
    )  # fmt: skip


def _declared(program: ir.Program, record: Instance | None, gap: Gap) -> ir.FactDecl | ir.ListDecl | None:
    """The declaration of a missing fact or list; a record nobody described is found by its entity's names."""
    entities = [program.entities[record.entity]] if record is not None else list(program.entities.values())
    for entity in entities:
        found = entity.facts.get(gap.name) or entity.lists.get(gap.name)
        if found is not None:
            return found
    return None


def _three(value: Bounds) -> str:
    return ("yes" if value.lo else "no") if value.known else "unknown"


def _whole(value: Value | None) -> int | None:
    """The fen of a known amount; an unrounded figure does not reach here, the checker sees to that."""
    if not isinstance(value, Bounds) or not value.known or value.lo is None:
        return None
    assert not isinstance(value.lo, Fraction)
    return int(value.lo)


def _amount(payment: form.Payment | None) -> Amount | None:
    if payment is None:
        return None
    amount = payment.amount
    assert isinstance(amount, Bounds)
    months, first = payment.months, payment.first_month
    # while an amount is open its bounds may begin below 0; what is paid does not
    low = None if amount.lo is None else int(amount.lo) if amount.known else max(0, int(amount.lo))
    high = None if amount.hi is None else int(amount.hi)
    return Amount(
        payment.rule.form, _whole(amount), low, high,
        tuple((name.id, _whole(value)) for name, value in payment.parts),
        str(first.value) if first is not None and first.known and first.value is not None else None,
        _whole(months), _whole(payment.total),
        tuple((chosen, _whole(total)) for chosen, total, _ in payment.options),
    )  # fmt: skip


def evaluate(
    household: Mapping[str, Any] | str | Path,
    policies: Policies | None = None,
    *,
    on: date,
    rulings: Iterable[Mapping[str, Any]] = (),
    parameters: str | Path | None = None,
    language: Language = "zh",
    engine: Engine = "auto",
    exact: bool = True,
) -> Result:
    """Decides every measure of some policies for one household, on one day.

    `household` is a mapping of facts and members (or a JSON or YAML file with one); `policies` defaults to the
    bundled ones; `parameters` names a sheet, and without one nothing that needs a parameter is decided; `rulings`
    are decisions of approvers and elections of the household. Money is in yuan in the input and in fen in the result.

    `engine` changes the time it takes and nothing else: `auto` compiles the rules of a day once a second household is
    asked about, `compiled` at the first; either leaves to the interpreter what compiled rules do not take.

    `exact=False` asks for the bounds alone: one pass over ranges, which may leave undetermined what is settled by trying
    out every case; it never says anything else. So the work for one household is bounded, whatever is missing.

    Raises `PolicyError` with every fault found when the household is bad input.
    """
    if policies is None or policies.__class__ is not Policies or parameters is not None:
        chosen = _chosen(policies, parameters)
    else:
        chosen = policies
    if engine != "interpreter" and household.__class__ is dict:
        program = chosen.engines.get(on)
        if program is None and (engine == "compiled" or on in chosen.engines):
            program = _keep(chosen.engines, on, _compiled(chosen.program, on))
        if program is not None:
            if not rulings:
                plainly = program.plainly(household)
                if plainly is not None:
                    # built here, attribute by attribute, for whoever asks a million times
                    result = Result()
                    result.on, result.policies, result._compiled, result._plain = on, chosen, program, plainly
                    if language != "zh":
                        result._language = language
                    if not exact:
                        result._exact = False
                    return result
                quick = program.openly(household, exact)
                if quick is not None:
                    return Result._made(on, chosen, None, quick, language, exact)
            rulings = list(rulings)
            if rulings or not household.keys().isdisjoint(RULINGS):
                ruled = _ruled(program, household, chosen, on, rulings, language, exact)
                if ruled is not None:
                    return ruled
        if on not in chosen.engines:
            _keep(chosen.engines, on, None)
    read = read_household(household, chosen, on=on, rulings=rulings, language=language)
    return Result._made(on, chosen, _traced(read, on, exact), None, language, exact)


def _chosen(policies: Policies | None, parameters: str | Path | None) -> Policies:
    """The rules asked for, or the bundled ones, with the sheet."""
    if policies is not None and not isinstance(policies, Policies):
        what = f"policies: {type(policies).__name__}"
        raise TypeError(f"{what}；先装载规则：policykit.load(…) / load the rules first: policykit.load(…)")
    chosen = policies or load_bundled()
    return chosen if parameters is None else chosen.with_parameters(parameters)


def _keep(engines: dict[date, Any], on: date, made: Any) -> Any:
    """Keeps what was made for a day, and lets go of the days that were asked for first."""
    engines[on] = made
    for old in list(engines)[:-MOST_DAYS]:
        engines.pop(old, None)
    return made


def _compiled(program: ir.Program, on: date) -> compiled.Compiled:
    from policykit.engine.compiled import compiled

    return compiled(program, on)


@dataclass(frozen=True, slots=True)
class Read:
    """A household as it was read, beside the policies with their sheet; `errors` are rulings that do not count."""

    policies: Policies
    case: Case
    rulings: tuple[Ruling, ...]
    elections: tuple[Election, ...]
    errors: tuple[Diagnostic, ...]


def read_household(
    household: Mapping[str, Any] | str | Path,
    policies: Policies | None = None,
    *,
    on: date,
    rulings: Iterable[Mapping[str, Any]] = (),
    parameters: str | Path | None = None,
    language: Language = "zh",
) -> Read:
    """What `evaluate` decides on, with the same arguments.

    Raises `PolicyError` with every fault found when the household is bad input.
    """
    chosen = _chosen(policies, parameters)
    noted: list[Diagnostic] = []
    mapping = household if isinstance(household, Mapping) else load_file(Path(household), language, noted)
    facts, own = _apart(mapping)
    case = read_case(chosen.program, facts, on, language)
    case = replace(case, notes=(*noted, *case.notes))
    counted, elections, errors = read_rulings(chosen.program, case, [*own, *rulings], language)
    _no_contradiction(chosen.program, case, on, language)
    return Read(chosen, case, counted, elections, errors)


@dataclass(frozen=True, slots=True)
class Traced:
    """What the reference interpreter found, of what it was asked, and the hash of all that was given."""

    found: form.Trace
    read: Read
    digest: str


@dataclass(frozen=True, slots=True)
class Events:
    """What approvers and the household decided, as given; and what of it does not count, with the reason."""

    given: tuple[Mapping[str, Any], ...]
    errors: tuple[Diagnostic, ...]


def _ruled(
    program: compiled.Compiled, household: dict[str, Any], policies: Policies, on: date,
    rulings: list[Mapping[str, Any]], language: Language, exact: bool,
) -> Result | None:  # fmt: skip
    """The result by compiled rules for a household with rulings or elections; `None` when the interpreter has to give it."""
    facts, own = _apart(household)
    opened = program.opened(facts)
    if opened is None:
        return None
    given = (*own, *rulings)
    counted, elections, errors = read_rulings(policies.program, opened.case, given, language)
    opened.rule(counted, elections)
    decided = opened.decided(exact)
    events = Events(given, errors)
    return None if decided is None else Result._made(on, policies, None, decided, language, exact, events)


def _traced(read: Read, on: date, exact: bool = True) -> Traced:
    """What the reference interpreter finds."""
    digest = hashlib.sha256(f"{read.case.digest}{read.rulings}{read.elections}".encode()).hexdigest()
    found = interpreter.evaluate(read.policies.program, read.case, on, read.rulings, read.elections, exact)
    return Traced(found, read, digest)


def _near() -> ModuleType:
    """The module that asks the solver, which is an extra."""
    try:
        return import_module("policykit.asking.near")
    except ModuleNotFoundError as error:
        if error.name != "z3":
            raise
        text = "缺少 z3-solver，请安装：pip install 'policykit[prove]' / z3-solver is missing, install: pip install 'policykit[prove]'"
        raise ModuleNotFoundError(text, name="z3") from None


def _apart(mapping: object) -> tuple[Any, list[Any]]:
    """The household's facts, and the rulings written beside them under 裁量."""
    if not isinstance(mapping, Mapping):
        return mapping, []
    own = [events for key in RULINGS if isinstance(events := mapping.get(key), list)]
    facts = {key: one for key, one in mapping.items() if key not in RULINGS or not isinstance(one, list)}
    return facts, [event for events in own for event in events]


def _no_contradiction(program: ir.Program, case: Any, on: date, language: Language) -> None:
    """Refuses a household whose known facts rule each other out: it has no completion, so no answer would mean anything."""
    errors = []
    for record, name, value, allowed in interpreter.contradictions(program, case, on):
        label = program.entities[record.entity].facts[name].name.label(language)
        assert isinstance(value, Bounds) and isinstance(allowed, Bounds)
        fields = (("found", str(value.lo)), ("low", str(allowed.lo)), ("high", str(allowed.hi)))
        errors.append(Diagnostic("R003", f"{record.path}.{label}", language, fields))
    if errors:
        raise PolicyError(errors)
