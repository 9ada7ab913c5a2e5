"""Households of which not everything is known: what hangs on a gap is judged by the reference's own tables.

Both levels are the reference's: `Outcomes` at the bounds level, `Search` over it at the exact level. What they ask for
is answered by generated code wherever nothing unknown was touched, and that is most of it; only what a gap reaches is
walked through term by term. So a gap means here what it means there, and costs what it reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from policykit import ir
from policykit.engine.compiled.operations import OPEN
from policykit.engine.compiled.reading import Reading, Record, formed, identifier
from policykit.engine.compiled.unknown import UNKNOWN, Wrong
from policykit.engine.compiled.verdicts import BEATEN, NOT_MET, SILENT, STANDS, Row, only, row
from policykit.engine.interpreter import Interpreter, contradictions
from policykit.engine.outcomes import BEATEN as OVERRIDDEN
from policykit.engine.outcomes import GRANTS, IN_SCOPE, Answer, Outcomes, Status, outcome
from policykit.engine.terms import Env, Terms
from policykit.facts import Case, Election, Instance, Ruling
from policykit.ops import OPS
from policykit.trace import Decision, Payment
from policykit.values import FALSE, NONE, NOTHING, TRUE, Bounds, Gap, Missing, Options, Value, exactly

#: what a state that generated code found says of scope and test; what stands is overridden by nothing
PLAIN = {SILENT: (FALSE, TRUE), NOT_MET: (TRUE, FALSE), STANDS: (TRUE, TRUE)}


@dataclass(frozen=True, slots=True)
class Functions:
    """Generated functions by what they stand for; each raises once it touches what nobody gave."""

    places: dict[str, str] = field(default_factory=dict)  # where a fact of a record is, by its name
    terms: dict[str, Callable[..., Any]] = field(default_factory=dict)
    states: dict[int, Callable[[Record], int]] = field(default_factory=dict)  # by the clause version
    bases: dict[tuple[str, str], Callable[[Record], Any]] = field(default_factory=dict)
    finals: dict[tuple[str, str], Callable[[Record], Any]] = field(default_factory=dict)
    barring: dict[int, list[str]] = field(
        default_factory=dict
    )  # by the clause version, once it has been asked for
    withholding: dict[str, list[tuple[str, ir.Withhold]]] = field(
        default_factory=dict
    )  # by measure, likewise
    questions: dict[tuple[str, str], tuple[Callable[[Record], Any], Any]] = field(default_factory=dict)
    pays: dict[int, Callable[[Record], Any]] = field(default_factory=dict)  # by the amount rule
    granting: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # the clauses, in source order
    judging: tuple[str, ...] = ()  # the names of all that rulings and elections can change


def functions(
    program: ir.Program,
    wanted: Iterable[tuple[str, ...]],
    names: Mapping[str, Any],
    rules: Sequence[ir.Amount],
) -> Functions:
    """The functions that a program's source holds."""
    title = {key: "_".join((key[0], *map(identifier, key[1:]))) for key in wanted}
    found = Functions(judging=tuple(title[key] for key in wanted if key[0] in ("clause", "base", "final")))
    for entity in program.entities.values():
        found.places.update((name, identifier(name)) for name in (*entity.facts, *entity.lists))
    for key in wanted:
        made = names[title[key]]
        match key:
            case ("term", name):
                found.terms[name] = made
            case ("clause", name, *rest):
                found.states[id(program.clauses[name][int(rest[0]) if rest else 0])] = made
            case ("pay", number):
                found.pays[id(rules[int(number)])] = made
            case ("base", measure, kind):
                found.bases[measure, kind] = made
            case ("final", measure, kind):
                found.finals[measure, kind] = made
    for name, (first, *_) in program.clauses.items():
        if isinstance(first.effect, ir.Grant):
            found.granting.setdefault((first.effect.measure, first.entity), []).append(name)
    for decl in program.measures.values():
        for kind in decl.entities:
            asked = decl.name.id, kind
            others = names.get("_".join(("alternatives", *map(identifier, asked))))
            found.questions[asked] = found.finals.get(asked) or found.bases[asked], others
    return found


class KnownFirst(Terms):
    """The values of terms, each by generated code where nothing unknown is touched."""

    functions: Functions
    trying: bool  # whether open comparisons are tried either way, as the exact level does

    def _read_fact(self, record: Instance, name: str) -> Value:
        if isinstance(record, Record):
            entity = self.program.entities[record.kind]
            plain = getattr(record, self.functions.places[name])
            if plain is not UNKNOWN:
                return formed(entity.lists.get(name) or entity.facts[name], plain)
        return super()._read_fact(record, name)

    def apply(self, expr: ir.Apply, env: Env) -> Value:
        if self.trying:
            return super().apply(expr, env)
        return OPS[expr.op].apply(tuple(self.value(arg, env) for arg in expr.args))

    def defined(self, name: str, record: Instance | None) -> Value:
        key = (name, record)
        if key not in self._defined:
            term = self.functions.terms.get(name)
            if term is not None and (record is None or isinstance(record, Record)):
                try:
                    plain = term(record) if record is not None else term()
                except Exception:  # a gap, or something that generated code does not take
                    return super().defined(name, record)
                if plain is not UNKNOWN:  # a term may hand on a fact that nobody gave without touching it
                    self._defined[key] = known(plain, self.program.defines[name])
        return super().defined(name, record)


def known(plain: Any, define: ir.Define) -> Value:
    """A plain value as what is known of it."""
    if plain is None:
        return NONE if define.type.ordered or define.type.kind == "bool" else Options(frozenset([None]))
    return exactly(plain)


class Level(Outcomes):
    """A pass over a household; what clauses and measures come to is generated code's where that can tell."""

    def __init__(
        self, made: Functions, program: ir.Program, case: Case, on: date, rulings: tuple[Ruling, ...] = (),
        elections: tuple[Election, ...] = (), assumed: Mapping[Gap, Value] | None = None,
        behind: dict[Gap, Missing] | None = None, trying: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(program, case, on, rulings, elections, assumed, behind)
        self.functions, self.plain = made, not rulings and not elections
        self._payments: dict[tuple[int, Instance], Payment | None] = {}
        terms = KnownFirst(program, case, on, self, assumed or {}, self.behind)
        terms.functions, terms.trying = made, trying
        self.terms = terms

    def again(self, assumed: Mapping[Gap, Value]) -> Level:
        return Level(
            self.functions, self.program, self.case, self.on, self.rulings, self.elections, assumed, self.behind
        )  # fmt: skip

    def granting(self, measure: str, record: Instance) -> list[Status]:
        names = self.functions.granting.get((measure, record.entity), ())
        return [status for name in names for status in self.statuses(name, record)]

    def barring(self, clause: ir.Clause) -> list[str]:
        known = self.functions.barring
        if id(clause) not in known:
            known[id(clause)] = super().barring(clause)
        return known[id(clause)]

    def withholding(self, measure: str) -> list[tuple[str, ir.Withhold]]:
        known = self.functions.withholding
        if measure not in known:
            known[measure] = super().withholding(measure)
        return known[measure]

    def payment(self, status: Status) -> Payment | None:
        key = (id(status.clause), status.subject)
        if key not in self._payments:
            self._payments[key] = self.known_payment(status) or super().payment(status)
        return self._payments[key]

    def known_payment(self, status: Status) -> Payment | None:
        """What a clause pays, as generated code computes it; `None` where a gap or an approver's choice is touched."""
        rule, record = self.rule(status), status.subject
        if rule is None or status.clause.discretion or not isinstance(record, Record):
            return None
        pay = told(self.functions.pays.get(id(rule)), record)
        if pay is None or any(one is UNKNOWN for one in (*pay, *(part for _, part in pay.parts))):
            return None
        return Payment(
            rule, exactly(pay.low),
            tuple((part.name, exactly(value)) for part, (_, value) in zip(rule.parts, pay.parts, strict=True)),
            exactly(pay.first_month) if rule.start is not None else None,
            exactly(pay.months) if rule.months is not None else None,
            exactly(pay.total) if rule.months is not None or rule.form == "once" else None,
        )  # fmt: skip

    def status(self, clause: ir.Clause, record: Instance, force: Bounds = TRUE) -> Status:
        key = (id(clause), record)
        if key not in self._status and self.plain and isinstance(record, Record):
            state = told(self.functions.states.get(id(clause)), record)
            if state in PLAIN and not (state == STANDS and isinstance(clause.effect, ir.Withhold)):
                self._status[key] = Status(clause, record, *PLAIN[state], FALSE, FALSE)
        return super().status(clause, record, force)

    def base(self, measure: str, record: Instance) -> Answer:
        return self.settled((measure, record, False), self.functions.bases) or super().base(measure, record)

    def final(self, measure: str, record: Instance) -> Answer:
        return self.settled((measure, record, True), self.functions.finals) or super().final(measure, record)

    def settled(
        self, key: tuple[str, Instance, bool], made: Mapping[tuple[str, str], Callable[[Record], Any]]
    ) -> Answer | None:
        """What generated code makes of a measure for a record, where it can tell."""
        measure, record, _ = key
        if key in self._answers or not self.plain or not isinstance(record, Record):
            return None
        verdict = told(made.get((measure, record.entity)), record)
        if verdict is None:
            return None
        clauses = frozenset(verdict.clauses)
        over = frozenset(verdict.over)
        self._answers[key] = Answer(frozenset([verdict.outcome]), None, NOTHING, clauses, clauses, over)
        return self._answers[key]


def told(function: Callable[[Record], Any] | None, record: Record) -> Any:
    """What a generated function says of a record; `None` where it touches a gap."""
    if function is None:
        return None
    try:
        return function(record)
    except Exception:
        return None


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions on a household, and the household as it was then."""

    rows: tuple[Row | Decision, ...]  # a `Decision` by the reference's tables where a gap was touched
    household: dict[str, Any]
    index: Mapping[str, Instance] = field(default_factory=dict)  # the records by their paths
    causes: bool = False  # whether what is missing has causes, which the reference alone tells

    def only(self, measure: str, subject: str | None) -> Row | Decision | None:
        """The one decision on a measure for a subject; `None` when there is none, or more than one."""
        found: Row | Decision | None = only(self.rows, measure, subject)
        return found

    def told(self, measure: str, subject: str | None) -> None:
        """Nothing is told apart from the whole decision."""
        return


#: what each possible state of a granting clause marks its measure with
MARKS = {SILENT: 0, NOT_MET: IN_SCOPE, BEATEN: IN_SCOPE | OVERRIDDEN, STANDS: IN_SCOPE | GRANTS}


def possible(states: Sequence[int]) -> tuple[frozenset[str], list[int], list[int]]:
    """What clauses that grant a measure come to together, from the sets of states that each may have: the outcomes,
    which of the clauses decide or may, and which may pay."""
    reachable = {0}
    for state in states:
        marks = [mark for one, mark in MARKS.items() if state & one]
        reachable = {before | mark for before in reachable for mark in marks}
    outcomes = frozenset(map(outcome, reachable))
    paying = [number for number, state in enumerate(states) if state & STANDS]
    if outcomes <= {"granted"}:
        holds, sure = paying, [number for number in paying if states[number] == STANDS]
    elif outcomes == {"superseded"}:
        holds = [number for number, state in enumerate(states) if state & BEATEN]
        sure = [number for number in holds if states[number] == BEATEN]
    else:
        holds = [number for number, state in enumerate(states) if state != SILENT]
        sure = [number for number in holds if not states[number] & SILENT]
    return outcomes, sure or holds, paying if "granted" in outcomes else []


class Partly:
    """One household that generated code has read, with gaps or rulings."""

    def __init__(
        self, made: Functions, program: ir.Program, on: date, reading: Reading, household: dict[str, Any]
    ) -> None:
        self.functions, self.program, self.on = made, program, on
        self.reading, self.household = reading, household
        self.case = reading.case()
        if reading.unsure:
            reading.fill(reading.all)
            index: dict[str, Instance] = {record.path: record for record in reading.unsure}
            if any(contradictions(program, replace(self.case, index=index), on)):
                raise Wrong("contradicts")
        self.ruled = False
        self.references: dict[bool, Interpreter] = {}  # by whether it asks exactly

    def rule(self, rulings: tuple[Ruling, ...], elections: tuple[Election, ...]) -> None:
        """What approvers and the household decided, of which generated code knows nothing."""
        self.ruled = bool(rulings or elections)
        for record in self.reading.all if self.ruled else ():
            record.memo.update(dict.fromkeys(self.functions.judging, OPEN))
        self.references = {exact: self.asking(exact, rulings, elections) for exact in (False, True)}

    def decided(self, exact: bool) -> Decided | None:
        """Every measure for every subject, at one of the levels; `None` when the reference engine has to decide."""
        questions = self.reference(exact).questions()
        try:
            rows = tuple(self.row(measure, record, exact) for measure, record in questions)
        except Exception:  # whatever is odd about a household, the reference engine says it better
            return None
        return Decided(rows, self.household, self.case.index, self.reading.causes)

    def decision(self, measure: str, path: str, exact: bool) -> Decision:
        """The decision on one measure for the subject at a path."""
        return self.reference(exact).decision(measure, self.case.index[path], exact)

    def reference(self, exact: bool) -> Interpreter:
        """Who answers at one of the levels what generated code cannot."""
        found = self.references.get(exact)
        if found is None:
            found = self.references[exact] = self.asking(exact)
        return found

    def asking(
        self, exact: bool, rulings: tuple[Ruling, ...] = (), elections: tuple[Election, ...] = ()
    ) -> Interpreter:
        level = Level(self.functions, self.program, self.case, self.on, rulings, elections, trying=exact)
        return Interpreter(self.program, self.case, self.on, rulings, elections, first=level)

    def row(self, measure: str, record: Instance, exact: bool) -> Row | Decision:
        """The decision on a measure for a record: generated code's where that can tell."""
        if not self.ruled and isinstance(record, Record):
            try:
                final, alternatives = self.functions.questions[measure, record.entity]
                return row(measure, record, final(record), alternatives)
            except Exception:  # a gap, or something that generated code does not take
                pass
        return self.reference(exact).decision(measure, record, exact)
