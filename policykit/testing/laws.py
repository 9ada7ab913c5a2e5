"""Tests that any rules must pass, ready to be added to a project: laws of the answers, and that nobody is missed.

Each is a `unittest.TestCase` that pytest and unittest collect under the name it is given:

    test_laws = testing.laws(load("policies/"))
    test_nobody_missed = testing.no_eligible_missed(load("policies/"))
"""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from policykit import ir
from policykit.casework.boundaries import whole_number
from policykit.explain.words import Words
from policykit.facts import Instance
from policykit.reach import within
from policykit.testing.drafts import Draft, Material, completed
from policykit.testing.search import Goal, applying, assuming, reach
from policykit.testing.shown import outcomes, paid, table
from policykit.testing.strategies import (
    Rules,
    drafts,
    edges,
    picking,
    program_of,
    put,
    reached_drafts,
    simplest_of,
    unreached,
    with_less,
)
from policykit.trace import FLAGS, Decision, Trace
from policykit.values import Bounds

Test: TypeAlias = Callable[[Any], None]
Law: TypeAlias = Callable[[Draft, Draft], None]  #: given a household, and the same with something not known

EXAMPLES = 25
MOST_RISES = 6  # steps by which a fact is made to rise
HELPED = frozenset({"granted", "discretionary"})


# ---- the laws of the answers -----------------------------------------------------------------------------------------


def learning_never_flips(whole: Draft, less: Draft) -> None:
    """What is answered with something unknown is not taken back when it becomes known."""
    wide, narrow = _by_place(less.trace()), _by_place(whole.trace())
    for place, found in narrow.items():
        _hold(
            found.outcomes <= wide[place].outcomes, less, [wide[place], found],
            "多知道几件事，已定的答案翻了", "an answer was taken back when more became known",
        )  # fmt: skip


def exact_within_bounds(whole: Draft, less: Draft) -> None:
    """The exact level is never wider than the bounds, and leaves nothing out that they rule in for sure."""
    exact, bounds = _by_place(less.trace()), _by_place(less.trace(exact=False))
    for place, found in exact.items():
        _hold(
            bool(found.outcomes) and found.outcomes <= bounds[place].outcomes, less, [bounds[place], found],
            "细算的结果超出了粗算的范围", "the exact answer lies outside the bounds",
        )  # fmt: skip


def no_refusal_outside_scope(whole: Draft, less: Draft) -> None:
    """Nobody is refused but by a clause that speaks of him, and no clause that does not speak of him is unmet."""
    for draft in (whole, less):
        trace = draft.trace()
        scoped = {(v.clause.basis.name.id, v.subject) for v in trace.verdicts if v.scope.hi}
        for verdict in trace.verdicts:
            if verdict.state == "not_met":
                _hold(
                    bool(verdict.scope.lo), draft, [verdict.clause],
                    "条款没有说到他，却说他条件不满足", "a clause is unmet by somebody it does not speak of",
                )  # fmt: skip
        for decision in trace.decisions:
            if decision.outcomes == {"refused"}:
                speaks = any(
                    (name, decision.subject) in scoped for name in _granting(draft.program, decision.measure)
                )
                _hold(
                    speaks,
                    draft,
                    [decision],
                    "没有条款说到他，却不符合",
                    "refused though no clause speaks of him",
                )


def flags_keep_their_word(whole: Draft, less: Draft) -> None:
    """What is said to be sure while the answer is open is so when everything is known."""
    after = _by_place(whole.trace())
    for place, decision in _by_place(less.trace()).items():
        for flag in decision.flags:
            kept = after[place].outcomes <= FLAGS[flag]
            _hold(
                kept,
                less,
                [decision, after[place]],
                "说了一定，后来不是",
                "what was said to be sure was not so",
            )


def order_of_members_is_no_matter(whole: Draft, less: Draft) -> None:
    """The same people in another order get the same."""
    for name, decl in less.program.entities[less.case.root.entity].lists.items():
        if decl.kind != "members":
            continue
        listed = less.data[name]
        items = listed["items"] if isinstance(listed, dict) else listed
        turned = items[::-1]
        moved = {f"{name}[{new}]": f"{name}[{len(items) - 1 - new}]" for new in range(len(items))}
        data = {**less.data, name: {**listed, "items": turned} if isinstance(listed, dict) else turned}
        rulings = tuple({**r, "subject": _moved(r["subject"], moved)} for r in less.rulings)
        before = _by_place(less.trace())
        after = _by_place(replace(less, data=data, rulings=rulings).trace())
        for (measure, path), decision in after.items():
            first = before[measure, _moved(path, moved)]
            _hold(
                first.outcomes == decision.outcomes, less, [first, decision],
                "成员换了先后，结果不同", "the order in which members are listed matters",
            )  # fmt: skip


def same_household_same_answer(whole: Draft, less: Draft) -> None:
    """Asked again, the same household gets the same answer for the same reasons, with the same questions left."""
    again = _by_place(replace(less).trace())
    for place, decision in _by_place(less.trace()).items():
        one, two = ((d.outcomes, d.clauses, d.missing) for d in (decision, again[place]))
        _hold(
            one == two,
            less,
            [decision, again[place]],
            "同一户问两遍，答案不同",
            "asked twice, answered differently",
        )


def what_is_open_can_be_asked(whole: Draft, less: Draft) -> None:
    """An open answer names what it waits for."""
    for decision in less.trace().decisions:
        named = len(decision.outcomes) == 1 or bool(decision.missing)
        _hold(named, less, [decision], "待定，却没有说缺什么", "open, and nothing is said to be missing")


LAWS: tuple[Law, ...] = (
    learning_never_flips, exact_within_bounds, no_refusal_outside_scope, flags_keep_their_word,
    order_of_members_is_no_matter, same_household_same_answer, what_is_open_can_be_asked,
)  # fmt: skip


def laws(rules: Rules, *, examples: int = EXAMPLES) -> type[unittest.TestCase]:
    """Tests that the answers of some rules obey the laws, on households that reach their clauses, lie at their
    thresholds, or are any, each whole and with something not known; and that every 性质 of the rules holds."""
    material = Material(program_of(rules))
    tests: dict[str, Test] = {law.__name__: partial(_checked, law) for law in LAWS}
    drawn: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(tests, _pairs(material))
    for claim in material.program.properties:
        key = _key(claim, material.program.properties)
        tests[key] = partial(_kept, claim)
        drawn[key] = _assumed(material, claim)
    return _tests("Laws", tests, drawn, examples)


def _checked(law: Law, pair: tuple[Draft, Draft]) -> None:
    law(*pair)


def _pairs(material: Material) -> st.SearchStrategy[tuple[Draft, Draft]]:
    versions = [version for versions in material.program.clauses.values() for version in versions]
    goals = [(applying(material, version), version) for version in versions]

    @st.composite
    def pair(draw: st.DrawFn) -> tuple[Draft, Draft]:
        goal, version = draw(st.sampled_from(goals)) if goals else (None, None)
        kind = draw(st.integers(0, 2))
        if goal is None or version is None or kind == 2 or simplest_of(goal) is None:
            whole = draw(drafts(material))
        else:
            event(goal.name.id)
            whole = draw(edges(goal, version) if kind else reached_drafts(goal))
        return whole, draw(with_less(whole))

    return pair()


# ---- what the rules claim of themselves ----------------------------------------------------------------------------------


def _assumed(material: Material, claim: ir.Property) -> st.SearchStrategy[Draft]:
    """Households of which holds what a property assumes, half of them looked for where its conclusion may fail."""
    given, broken = assuming(material, claim), assuming(material, claim, broken=True)

    @st.composite
    def household(draw: st.DrawFn) -> Draft:
        _must_be_reached(given)
        found = None if draw(st.booleans()) else reach(broken, picking(draw), anew=1)
        return draw(reached_drafts(given)) if found is None else completed(found)

    return household()


def _kept(claim: ir.Property, draft: Draft) -> None:
    """Nobody breaks a property for whom holds what it assumes."""
    for record in draft.case.of(claim.entity):
        given, then = draft.engine.property(claim, record)
        if given.lo and not then.hi:
            _hold(False, draft, [claim, *_answers(draft, claim)], "性质不成立", "a property does not hold")
        if given.lo and claim.monotone is not None:
            _moves_one_way(claim, claim.monotone, draft, record.path)


def _moves_one_way(claim: ir.Property, rising: ir.Monotone, draft: Draft, path: str) -> None:
    """As the fact of one record after another rises, all else equal, the amount does not move the wrong way."""
    paid = _paid(claim, rising.measure, draft, path)
    for record in draft.case.index.values():
        if record.entity != rising.entity or paid is None:
            continue
        decl = draft.program.entities[record.entity].facts[rising.fact]
        number = whole_number(record.known(decl.name.id))
        low, high = draft.range(record, decl)
        above = [
            n
            for n in draft.material.points(decl.type, draft.on, low, high)
            if number is not None and n > number
        ]
        for point in above[:MOST_RISES]:
            risen = put(draft, record.path, decl, point)
            more = _paid(claim, rising.measure, risen, path) if risen.valid else None
            if more is not None and (more > paid if rising.way == "never_rises" else more < paid):
                about = [claim, *_answers(draft, claim), *_answers(risen, claim)]
                zh, en = "一项增加，金额动错了方向", "a fact rose, and the amount moved the wrong way"
                _hold(False, risen, about, zh, en)


def _paid(claim: ir.Property, measure: str, draft: Draft, path: str) -> int | None:
    """What a measure pays, nothing being 0; `None` where that is open, or what the property assumes does not hold."""
    record = draft.case.index[path]
    amount = draft.level.paid(measure, record)
    known = isinstance(amount, Bounds) and amount.known and draft.engine.property(claim, record)[0].lo
    return (whole_number(amount.value) or 0) if known else None


def _answers(draft: Draft, claim: ir.Property) -> list[Decision]:
    """What came of the measures that a property speaks of."""
    exprs = list(within(claim.then)) if claim.then is not None else []
    measures = {expr.name for expr in exprs if isinstance(expr, ir.Verdict)}
    measures |= {claim.monotone.measure} if claim.monotone is not None else set()
    questions = [one for one in draft.engine.questions() if one[0] in measures]
    return [draft.engine.decision(measure, record, exact=True) for measure, record in questions]


# ---- nobody is missed --------------------------------------------------------------------------------------------------


def no_eligible_missed(rules: Rules, *, examples: int = EXAMPLES) -> type[unittest.TestCase]:
    """Tests that whoever a granting clause stands for is granted, one test a clause; see docs/testing-your-rules.md.

    A clause stands for somebody whom its scope names and who meets its test, when no clause that prevails over it and
    no exclusion stands against it. Then, on any such household, with figures nobody has set taken as free:

    - the measure is granted (by a may-clause at least discretionary); or something else of those that are not drawn
      together is, to him or to those who count as one subject with him;
    - no two amounts conflict, since then nothing is paid;
    - with anything of the household not known, the answer is still not No; if it is open, it says what to ask.
    """
    material = Material(program_of(rules))
    tests: dict[str, Test] = {}
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for version in (v for versions in material.program.clauses.values() for v in versions):
        if isinstance(version.effect, ir.Grant):
            key = _key(version, material.program.clauses[version.basis.name.id])
            tests[key] = partial(_not_missed, version)
            drawn[key] = _eligible(applying(material, version, standing=True))
    return _tests("NobodyMissed", tests, drawn, examples)


@st.composite
def _eligible(draw: st.DrawFn, goal: Goal) -> tuple[Draft, Draft]:
    """A household for which a granting clause stands, and the same with something not known."""
    _must_be_reached(goal)
    whole = draw(reached_drafts(goal))
    event(goal.name.id)
    return whole, draw(with_less(whole))


def _not_missed(version: ir.Clause, pair: tuple[Draft, Draft]) -> None:
    """Whoever the clause stands for is helped, and would not be turned away for what is not known of him."""
    assert isinstance(version.effect, ir.Grant)
    whole, less = pair
    for record in whole.case.of(version.entity):
        statuses = whole.level.statuses(version.basis.name.id, record)
        if not any(status.clause is version and status.stands.lo for status in statuses):
            continue
        found = whole.engine.decision(version.effect.measure, record, exact=True)
        open_ = less.engine.decision(version.effect.measure, less.case.index[record.path], exact=True)
        helped = found.outcomes <= HELPED or (
            found.outcomes <= HELPED | {"superseded"} and _instead(whole, found.measure, record)
        )
        why = [found, version]
        _hold(helped, whole, why, "符合条款，却没有得到", "a clause stands for him, and he does not get it")
        _hold(
            not found.conflict,
            whole,
            why,
            "都符合，金额冲突，一分没有发",
            "two amounts conflict, and nothing is paid",
        )
        possible = bool(open_.outcomes & (HELPED | {"superseded"}))
        _hold(
            possible,
            less,
            [open_, version],
            "有几件事不知道，就被拒绝了",
            "refused because something is not known",
        )
        asked = len(open_.outcomes) == 1 or bool(open_.missing)
        _hold(
            asked, less, [open_, version], "待定，却没有说缺什么", "open, and nothing is said to be missing"
        )


def _instead(draft: Draft, measure: str, record: Instance) -> bool:
    """Whether something takes the place of a measure: the same one or one not drawn together with it, for the record,
    those that it lies in or those that lie in it."""
    others = {m for e in draft.program.exclusives if measure in e.measures for m in e.measures} | {measure}
    return any(
        draft.engine.decision(other, one, exact=True).outcomes & HELPED
        for other in sorted(others)
        for one in draft.case.subjects
        if one.entity in draft.program.measures[other].entities
        and (other, one) != (measure, record)
        and (one in _line(record) or record in _line(one))
    )


def _line(record: Instance) -> list[Instance]:
    """A record and those that it lies in."""
    found = [record]
    while (upper := found[-1].upper) is not None:
        found.append(upper)
    return found


# ---- what the tests share ----------------------------------------------------------------------------------------------


def _tests(
    name: str, tests: dict[str, Test], drawn: dict[str, st.SearchStrategy[Any]], examples: int
) -> type[unittest.TestCase]:
    """A test case with one method a test, each on households of its strategy: the same ones on every run."""
    steady = settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.target, Phase.shrink),
    )  # fmt: skip
    methods = {
        f"test_{key}": steady(given(drawn[key])(_method(f"test_{key}", test))) for key, test in tests.items()
    }
    return type(name, (unittest.TestCase,), methods)


def _method(name: str, test: Test) -> Callable[[Any, Any], None]:
    def method(self: unittest.TestCase, household: Any) -> None:
        test(household)

    method.__name__ = method.__qualname__ = name
    return method


def _key(rule: ir.Clause | ir.Property, versions: Iterable[Any]) -> str:
    """What the test of a rule is called; versions of one rule are told apart by number."""
    same = [one for one in versions if one.basis.name.id == rule.basis.name.id]
    name = rule.basis.name.id
    return name if len(same) == 1 else f"{name}_{next(n for n, one in enumerate(same, 1) if one is rule)}"


def _must_be_reached(goal: Goal) -> None:
    """Skips a test for which no household is found; that is told, and is no proof that there is none."""
    if simplest_of(goal) is None:
        raise unittest.SkipTest(str(unreached(goal)))


def _hold(holds: bool, draft: Draft, about: Any, zh: str, en: str) -> None:
    """Fails with the household, what came out, and the words of the rules, unless it holds."""
    if holds:
        return
    program, language = draft.program, draft.program.language
    words = Words(program, language, case=draft.case)
    decisions = [one for one in about if isinstance(one, Decision)]
    clauses = [program.clauses[name][0] for d in decisions for name in d.clauses]
    rules = [one for one in about if not isinstance(one, Decision)] + clauses
    lines = [words.say(zh, en)]
    for decision in decisions:
        label = words.label(program.measures[decision.measure].name)
        whose = words.place(decision.subject.path)
        lines.append(f"    {whose}  {label}  {outcomes(decision.outcomes, words)}{paid(decision, words)}")
    raise AssertionError("\n".join([*lines, table(draft, rules, language)]))


def _by_place(trace: Trace) -> dict[tuple[str, str], Decision]:
    return {(decision.measure, decision.subject.path): decision for decision in trace.decisions}


def _granting(program: ir.Program, measure: str) -> Iterable[str]:
    for name, versions in program.clauses.items():
        if any(isinstance(v.effect, ir.Grant) and v.effect.measure == measure for v in versions):
            yield name


def _moved(path: str, places: dict[str, str]) -> str:
    """A path after records changed places."""
    for new, old in places.items():
        if path == new or path.startswith((f"{new}.", f"{new}[")):
            return old + path[len(new) :]
    return path


# ---- statistics --------------------------------------------------------------------------------------------------------


def reached(rules: Rules) -> dict[str, Draft | None]:
    """For each clause, and each of its versions (`name_1`, `name_2`) where it has several, the simplest household found that
    reaches it; `None` where none was found, which does not prove that there is none."""
    material = Material(program_of(rules))
    return {
        _key(version, versions): reach(applying(material, version))
        for versions in material.program.clauses.values()
        for version in versions
    }
