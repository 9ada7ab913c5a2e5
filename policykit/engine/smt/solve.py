"""Questions put to the solver, each with a limit: no household, one that shows it, or not decided in time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import z3

from policykit.engine.smt import logic
from policykit.engine.smt.logic import Day, Labels, Num, Pick, Text, Truth, Value
from policykit.engine.smt.verdicts import Verdicts
from policykit.engine.smt.witness import Reader

SEED = 20200406
PATIENCE = 4.0  # seconds to look for a simpler household once one is found


class Undecided(Exception):
    """The solver gave no answer within its limit; says why."""


def solver_for(verdicts: Verdicts, goal: Truth, limit: float) -> z3.Solver:
    solver = z3.Solver()
    solver.set("timeout", max(1, int(limit * 1000)))
    solver.set("random_seed", SEED)
    solver.add(*verdicts.vars.constraints)
    solver.add(goal if not isinstance(goal, bool) else z3.BoolVal(goal))
    return solver


def possible(verdicts: Verdicts, goal: Truth, limit: float) -> bool:
    """Whether any household at all makes a goal true."""
    if goal is False:
        return False
    return _answer(solver_for(verdicts, goal, limit))


def _answer(solver: z3.Solver) -> bool:
    found = solver.check()
    if found == z3.unknown:
        why = solver.reason_unknown()
        if why == "interrupted from keyboard":  # which the solver has caught for itself alone
            raise KeyboardInterrupt
        raise Undecided(why)
    return bool(found == z3.sat)


def simplest(verdicts: Verdicts, goal: Truth, limit: float, everything: bool = False) -> Reader | None:
    """A small household that makes a goal true, with what was read of it, or every fact of its records.

    What can be left out is left out: entries of lists, then whatever need not be there or be so. `None` when no
    household makes it true.
    """
    if everything:
        materialise(verdicts)
    solver = solver_for(verdicts, goal, limit)
    if not _answer(solver):
        return None
    model = solver.model()
    until = time.monotonic() + PATIENCE
    solver.set("timeout", 500)
    for wish in wishes(verdicts):
        if time.monotonic() > until:
            break
        if isinstance(wish, bool) or z3.is_true(model.eval(wish, model_completion=True)):
            solver.add(wish)
            continue
        solver.push()
        solver.add(wish)
        if solver.check() == z3.sat:
            model = solver.model()
        else:
            solver.pop()
    return Reader(verdicts, model)


def materialise(verdicts: Verdicts) -> None:
    """Makes every fact of every record that the question has met a variable, so that a model is a whole household."""
    world, program = verdicts.world, verdicts.program
    for record in list(verdicts.vars.records.values()):
        if record.entity not in program.entities:
            continue
        for name in program.entities[record.entity].facts:
            world.fact(record, name)


def wishes(verdicts: Verdicts) -> Iterator[Truth]:
    """What makes a household simpler, the most telling first."""
    variables = verdicts.vars
    for filled in variables.lists.values():
        yield from (logic.negate(there) for there in reversed(filled) if there is not True)
    for pick, _ in variables.rulings.values():
        yield pick.of("none")
    for pick in variables.elections.values():
        yield pick.of(None)
    for (path, name), value in list(variables.facts.items()):
        if not path:
            continue
        match value:
            case Num() | Day() if value.none is not False:
                yield value.none
            case Pick() if name and value.of(None) is not False:
                yield value.of(None)
            case Labels():
                yield from (logic.negate(inside) for _, inside in value.holds)
            case z3.BoolRef():
                yield logic.negate(value)
    for (path, name), value in variables.facts.items():
        yield from _usual(verdicts, path, name, value)
    for value in variables.parameters.values():
        if isinstance(value, Num) and not isinstance(value.top, int) and value.den == 1:
            yield value.top > 0
            yield value.top % 10_000 == 0
            yield value.top % 100 == 0


def _usual(verdicts: Verdicts, path: str, name: str, value: Value) -> Iterator[Truth]:
    """What a person would put down where anything will do: whole amounts, dates of the last year, people of forty."""
    match value:
        case Num(top=z3.ArithRef() as top, den=1) if value.hi - value.lo > 1000:
            yield top % 10_000 == 0
            yield top % 100 == 0
        case Day(month=z3.ArithRef() as month, day=day) if path:
            entity = verdicts.program.entities.get(verdicts.vars.records[path].entity)
            decl = entity.facts.get(name) if entity is not None else None
            today = verdicts.world.today.month
            yield month == today - 480 if decl is not None and decl.fixed else month >= today - 12
            yield day == 1
        case Text(number=z3.ArithRef() as number):
            yield number == 1000 + len(path) * 7 % 1000 + sum(map(ord, path)) % 977
