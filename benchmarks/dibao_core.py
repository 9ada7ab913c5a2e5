"""The rule miniature *dibao-core* by hand: plain Python without a single check, and households to put to it.

The same rules stand in `dibao-core.rules`. All figures are invented.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

RULES = Path(__file__).with_name("dibao-core.rules")
Household = dict[str, Any]


def plain(household: Household) -> dict[str, Any]:
    """What a careful person writes: each household once through, amounts in fen, the clause that decided beside each."""
    members = household["members"]
    size = len(members)
    incomes = []
    total = 0
    for person in members:
        income = person["monthly_income"]
        if person["employed"]:
            cost = person["employment_cost"]
            income -= cost if cost < 300 else 300
            if income < 0:
                income = 0
        incomes.append(income)
        total += income
    benefit, clause = 0, None
    if total < 500 * size:
        benefit, clause = (500 - total // size) * size * 100, "below_line"
    elif household["was_recipient"] and household["months_over_line"] <= 12:
        benefit, clause = household["previous_benefit"] * 100, "phase_out"
    poor = household["registered_poor"] and clause is None
    persons = []
    for person, income in zip(members, incomes):  # noqa: B905 – strict costs time, and both are of one length
        level, age = person["disability_level"], person["age"]
        single = poor and (1 <= level <= 2 or person["seriously_ill"]) and income < 500
        tekun = (
            (age >= 60 or age < 16 or level == 1)
            and person["monthly_income"] == 0
            and not person["has_supporter"]
        )
        persons.append(
            {
                "benefit": (500 - income) * 100 if single else 0,
                "clause": "single_person" if single else None,
                "tekun": "tekun_support" if tekun else None,
            }
        )
    return {"benefit": benefit, "clause": clause, "persons": persons}


def households(count: int, seed: int = 1) -> list[Household]:
    """Complete households of one to six, most of them below the line."""
    draw = random.Random(seed)
    return [household(draw) for _ in range(count)]


def with_gaps(complete: list[Household], share: float, seed: int = 3) -> list[Household]:
    """The same households with this share of their facts left out, those of members included."""
    draw = random.Random(seed)

    def some(record: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in record.items() if name == "members" or draw.random() >= share}

    return [some(one) | {"members": [some(person) for person in one["members"]]} for one in complete]


def household(draw: random.Random) -> Household:
    was = draw.random() < 0.2
    return {
        "registered_poor": draw.random() < 0.3,
        "was_recipient": was,
        "months_over_line": draw.randrange(0, 25) if was else 0,
        "previous_benefit": draw.randrange(100, 1500) if was else 0,
        "members": [person(draw) for _ in range(draw.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6)))],
    }


def person(draw: random.Random) -> dict[str, Any]:
    employed = draw.random() < 0.4
    return {
        "age": draw.randrange(0, 95),
        "disability_level": draw.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4)),
        "seriously_ill": draw.random() < 0.08,
        "monthly_income": draw.randrange(200, 3000)
        if employed
        else draw.choice((0, 0, draw.randrange(0, 900))),
        "employed": employed,
        "employment_cost": draw.randrange(0, 600) if employed else 0,
        "has_supporter": draw.random() < 0.7,
    }
