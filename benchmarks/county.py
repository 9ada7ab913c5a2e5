"""The drawn register as the bundled policies read registers: one Arrow table for each list, linked by household number.

Households and persons are those of `register.drawn`; every figure is invented. Each household has applied for dibao and
is rural with property in order; everyone has a day of birth, a disability with its grade or none, and what he earns or
gets as an income item. Lists without a table are complete and empty: nobody has drawn anything before.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.register import Array, drawn
from policykit import ir

DAY = date(2020, 6, 10)
GRADES = ("grade_1", "grade_2", "grade_3", "grade_4")
NOBODY = "无"
PLAIN = (  # what nobody here is or needs
    "cannot_live_independently",
    "cannot_form_own_household",
    "in_care_home",
    "needs_long_term_care",
    "draws_injury_nursing_pay",
)


def county(program: ir.Program, households: int, seed: int = 1, first: int = 0) -> dict[str, pa.Table]:
    """So many households under the names of the bundled policies; `first` is added to all numbers."""
    register = drawn(households, seed)
    h, p = (
        {name: whole.to_numpy() for name, whole in zip(one.column_names, one.columns, strict=True)}
        for one in (register.households, register.persons)
    )
    numbers, owners, people = h["household"] + first, p["household"] + first, np.arange(len(p["person"]))
    poor = labels(h["registered_poor"].astype(np.int8), "ordinary", "registered_poor")
    born = (
        np.datetime64(DAY)
        - p["age"].astype("timedelta64[D]") * 365
        - (people * 7919 % 365).astype("timedelta64[D]")
    )
    head = np.r_[True, owners[1:] != owners[:-1]]
    grade = p["disability_level"]
    some = p["monthly_income"] > 0
    members = len(people)

    def every(count: int, **values: Any) -> dict[str, pa.Array]:
        return {name: pa.repeat(value, count) for name, value in values.items()}

    return {
        "household": pa.table(
            {"household_id": numbers, "household_status": poor}
            | every(households, rural_registration=True, property_ok=True, epidemic_hardship=False)
            | every(households, **complete(program, "household"))
        ),
        "household.applications": pa.table(
            {"household_id": numbers}
            | every(households, programme="dibao", application_kind="claim", applied_on=date(2020, 5, 18))
            | every(households, result="pending", decided_on=NOBODY, check_result="met")
            | every(households, relative_of_staff=False)
        ),
        "members": pa.table(
            {
                "household_id": owners,
                "person_id": p["person"] + first,
                "birth_date": born,
                "relation_to_applicant": labels(np.where(head, 0, 1), "applicant", "child"),
                "in_school": (p["age"] >= 7) & (p["age"] < 16),
                "disability_category": labels(grade > 0, NOBODY, "physical"),
                "disability_grade": labels(grade, NOBODY, *GRADES),
                "serious_illness": p["seriously_ill"],
                "tekun_property_ok": ~p["has_supporter"],
            }
            | every(
                members, lives_with_family=True, special_circumstances=NOBODY, parent_circumstances=NOBODY
            )
            | every(members, care_groups=NOBODY, **dict.fromkeys(PLAIN, False))
            | every(members, **complete(program, "person"))
        ),
        "income_items": pa.table(
            {
                "household_id": owners[some],
                "person_id": p["person"][some] + first,
                "income_kind": labels(p["employed"][some], "transfer", "wages"),
                "annual_amount": 12 * p["monthly_income"][some],
            }
        ),
    }


def complete(program: ir.Program, entity: str) -> dict[str, bool]:
    """Of every list of records that nothing but what the tables say is in it."""
    lists = program.entities[entity].lists.values()
    return {
        f"{one.name.id}_complete": True
        for one in lists
        if one.kind == "records" or (one.kind == "refers" and not one.single)
    }


def labels(codes: Array, *names: str) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names))
