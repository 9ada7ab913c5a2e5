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

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from policykit import ir
from policykit.explain.words import Words
from policykit.testing.drafts import Draft, Material
from policykit.testing.search import days_of, reach, stands
from policykit.testing.shown import outcomes, table
from policykit.testing.strategies import Rules, drafts, edges, program_of, reached_drafts, with_less
from policykit.trace import FLAGS, Decision, Trace

Law: TypeAlias = Callable[[Draft, Draft], None]  #: given a household, and the same with something not known

EXAMPLES = 25
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
                    bool(verdict.scope.lo), draft, verdict.clause.basis.name.id,
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
            kept = after[place].outcomes <= FLAGS[flag]  # type: ignore[index]
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
    thresholds, or are any, each whole and with something not known."""
    material = Material(program_of(rules))
    pairs = _pairs(material)
    return _tests("Laws", {law.__name__: partial(_checked, law) for law in LAWS}, pairs, examples)


def _checked(law: Law, pair: tuple[Draft, Draft]) -> None:
    law(*pair)


def _pairs(material: Material) -> st.SearchStrategy[tuple[Draft, Draft]]:
    versions = [version for versions in material.program.clauses.values() for version in versions]

    @st.composite
    def pair(draw: st.DrawFn) -> tuple[Draft, Draft]:
        kind = draw(st.sampled_from((reached_drafts, edges, drafts)) if versions else st.just(drafts))
        if kind is drafts:
            whole = draw(drafts(material))
        else:
            version = draw(st.sampled_from(versions))
            event(version.basis.name.id)
            whole = draw(kind(material, version, days_of(material.program, version)))
        return whole, draw(with_less(whole))

    return pair()


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
    tests: dict[str, Callable[[tuple[Draft, Draft]], None]] = {}
    found: dict[str, st.SearchStrategy[tuple[Draft, Draft]]] = {}
    for name, versions in material.program.clauses.items():
        for number, version in enumerate(versions, 1):
            if isinstance(version.effect, ir.Grant):
                key = name if len(versions) == 1 else f"{name}_{number}"
                tests[key] = partial(_not_missed, version)
                found[key] = _eligible(material, version)
    return _tests("NobodyMissed", tests, found, examples)


@st.composite
def _eligible(draw: st.DrawFn, material: Material, version: ir.Clause) -> tuple[Draft, Draft]:
    """A household for which a granting clause stands, and the same with something not known."""
    whole = draw(reached_drafts(material, version, days_of(material.program, version), want=stands))
    event(version.basis.name.id)
    return whole, draw(with_less(whole))


def _not_missed(version: ir.Clause, pair: tuple[Draft, Draft]) -> None:
    effect, name = version.effect, version.basis.name.id
    assert isinstance(effect, ir.Grant)
    whole, less = pair
    trace = whole.trace()
    eligible = [
        v.subject
        for v in trace.verdicts
        if v.clause is version and v.scope.lo and v.test.lo and not v.blocked.hi
    ]
    before, after = _by_place(trace), _by_place(less.trace())
    for record in eligible:
        decision, open_ = before[effect.measure, record.path], after[effect.measure, record.path]
        helped = decision.outcomes <= HELPED or (
            decision.outcomes <= HELPED | {"superseded"} and _instead(whole, trace, effect.measure, record)
        )
        why = [decision, name]
        _hold(helped, whole, why, "符合条款，却没有得到", "a clause stands for him, and he does not get it")
        _hold(
            not decision.conflict,
            whole,
            why,
            "两条都符合，金额冲突，一分没有发",
            "two amounts conflict, nothing is paid",
        )
        possible = bool(open_.outcomes & (HELPED | {"superseded"}))
        _hold(
            possible,
            less,
            [open_, name],
            "有几件事不知道，就被拒绝了",
            "refused because something is not known",
        )
        asked = len(open_.outcomes) == 1 or bool(open_.missing)
        _hold(asked, less, [open_, name], "待定，却没有说缺什么", "open, and nothing is said to be missing")


def _instead(draft: Draft, trace: Trace, measure: str, record: Any) -> bool:
    """Whether something takes the place of a measure: the same one or one not drawn together with it, for the record,
    those that it lies in or those that lie in it."""
    others = {m for e in draft.program.exclusives if measure in e.measures for m in e.measures} | {measure}
    return any(
        decision.outcomes & HELPED
        for decision in trace.decisions
        if decision.measure in others and (decision.measure, decision.subject) != (measure, record)
        and (decision.subject in _line(record) or record in _line(decision.subject))
    )  # fmt: skip


def _line(record: Any) -> list[Any]:
    """A record and those that it lies in."""
    found = [record]
    while found[-1].upper is not None:
        found.append(found[-1].upper)
    return found


# ---- what the tests share ----------------------------------------------------------------------------------------------


def _tests(
    name: str,
    tests: dict[str, Callable[[Any], None]],
    drawn: st.SearchStrategy[Any] | dict[str, st.SearchStrategy[Any]],
    examples: int,
) -> type[unittest.TestCase]:
    """A test case with one method a test, each on households of its strategy: the same ones on every run."""
    steady = settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    methods: dict[str, Any] = {}
    for key, test in tests.items():
        strategy = drawn[key] if isinstance(drawn, dict) else drawn
        methods[f"test_{key}"] = steady(given(strategy)(_method(f"test_{key}", test)))
    return type(name, (unittest.TestCase,), methods)


def _method(name: str, test: Callable[[Any], None]) -> Callable[[Any, Any], None]:
    def method(self: unittest.TestCase, household: Any) -> None:
        test(household)

    method.__name__ = method.__qualname__ = name
    return method


def _hold(holds: bool, draft: Draft, about: Any, zh: str, en: str) -> None:
    """Fails with the household, what came out, and the words of the clauses, unless it holds."""
    if holds:
        return
    language = draft.program.language
    words = Words(draft.program, language, case=draft.case)
    about = [about] if isinstance(about, str) else about
    decisions = [one for one in about if isinstance(one, Decision)]
    clauses = [one for one in about if isinstance(one, str)] + [c for d in decisions for c in d.clauses]
    lines = [words.say(zh, en)]
    for decision in decisions:
        label = words.label(draft.program.measures[decision.measure].name)
        lines.append(
            f"    {words.place(decision.subject.path)}  {label}  {outcomes(decision.outcomes, words)}"
        )
    raise AssertionError("\n".join([*lines, table(draft, clauses, language)]))


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
    """For each clause, and each of its versions by number where it has several, the simplest household found that
    reaches it; `None` where none was found, which does not prove that there is none."""
    material = Material(program_of(rules))
    found: dict[str, Draft | None] = {}
    for name, versions in material.program.clauses.items():
        for number, version in enumerate(versions, 1):
            key = name if len(versions) == 1 else f"{name}#{number}"
            found[key] = reach(material, version, days_of(material.program, version))
    return found
