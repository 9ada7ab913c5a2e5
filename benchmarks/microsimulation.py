"""dibao-core as a country of OpenFisca or PolicyEngine: the same variables in both, numbers as 32-bit integers, as they keep them.

One household goes in as their situation of names and months, a register as arrays joined by household number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias

import numpy

from benchmarks.answers import Answers, columns
from benchmarks.register import Register

MONTH = "2020-06"
HOUSEHOLD_FACTS = {
    "registered_poor": bool,
    "was_recipient": bool,
    "months_over_line": int,
    "previous_benefit": int,
}
PERSON_FACTS = {
    "age": int,
    "disability_level": int,
    "seriously_ill": bool,
    "monthly_income": int,
    "employed": bool,
    "employment_cost": int,
    "has_supporter": bool,
}
Formula: TypeAlias = Callable[[Any, Any], Any]
FORMULAS: dict[str, tuple[str, type, Formula]] = {}


def formula(entity: str, kind: type) -> Callable[[Formula], Formula]:
    """Writes a formula down under its own name, with whom it speaks of and what it gives."""

    def written(function: Formula) -> Formula:
        FORMULAS[function.__name__] = entity, kind, function
        return function

    return written


@formula("person", int)
def countable_income(person: Any, month: Any) -> Any:
    income = person("monthly_income", month)
    deducted = numpy.maximum(income - numpy.minimum(person("employment_cost", month), 300), 0)
    return numpy.where(person("employed", month), deducted, income)


@formula("household", int)
def total(household: Any, month: Any) -> Any:
    return household.sum(household.members("countable_income", month)).astype(numpy.int32)


@formula("household", int)
def size(household: Any, month: Any) -> Any:
    return household.nb_persons()


@formula("household", int)
def household_clause(household: Any, month: Any) -> Any:
    """0 none, 1 below the line, 2 phase-out."""
    below = household("total", month) < 500 * household("size", month)
    recently = household("was_recipient", month) & (household("months_over_line", month) <= 12)
    return numpy.where(below, 1, 2 * recently)


@formula("household", int)
def household_fen(household: Any, month: Any) -> Any:
    heads = household("size", month)
    clause = household("household_clause", month)
    below = (500 - household("total", month) // heads) * heads
    paid = numpy.where(clause == 1, below, (clause == 2) * household("previous_benefit", month))
    return 100 * paid


@formula("person", int)
def person_fen(person: Any, month: Any) -> Any:
    income, level = person("countable_income", month), person("disability_level", month)
    nobody = person.household("registered_poor", month) & (person.household("household_clause", month) == 0)
    single = nobody & (((level >= 1) & (level <= 2)) | person("seriously_ill", month)) & (income < 500)
    return single * (500 - income) * 100


@formula("person", bool)
def tekun(person: Any, month: Any) -> Any:
    age = person("age", month)
    fits = (age >= 60) | (age < 16) | (person("disability_level", month) == 1)
    return fits & (person("monthly_income", month) == 0) & ~person("has_supporter", month)


ASKED = ("household_fen", "household_clause", "person_fen", "tekun")


class Country:
    """The rules as one of the two packages takes them: "openfisca_core" or "policyengine_core"."""

    def __init__(self, package: str) -> None:
        self.builder = import_module(f"{package}.simulations").SimulationBuilder
        build = import_module(f"{package}.entities").build_entity
        roles = [{"key": "member", "plural": "members", "label": "member"}]
        entities = {
            "person": build("person", "persons", "A person", is_person=True),
            "household": build("household", "households", "A household", roles=roles),
        }
        self.system = import_module(f"{package}.taxbenefitsystems").TaxBenefitSystem(list(entities.values()))
        base = import_module(f"{package}.variables").Variable
        month = import_module(f"{package}.periods").MONTH
        declared = {name: ("household", kind, None) for name, kind in HOUSEHOLD_FACTS.items()}
        declared |= {name: ("person", kind, None) for name, kind in PERSON_FACTS.items()}
        for name, (entity, kind, function) in (declared | FORMULAS).items():
            said = {
                "value_type": kind,
                "entity": entities[entity],
                "definition_period": month,
                "label": name,
            }
            self.system.add_variable(type(name, (base,), said | ({"formula": function} if function else {})))

    def one(self, household: Mapping[str, Any]) -> list[Any]:
        """What is asked of one household, from the situation that they take."""
        members = household["members"]
        people = {
            f"p{number}": {fact: {MONTH: person[fact]} for fact in PERSON_FACTS}
            for number, person in enumerate(members)
        }
        facts = {fact: {MONTH: household[fact]} for fact in HOUSEHOLD_FACTS}
        situation = {"persons": people, "households": {"h": {"members": list(people), **facts}}}
        return self.asked(self.builder().build_from_entities(self.system, situation))

    def many(
        self,
        numbers: Any,
        owners: Any,
        of_households: Mapping[str, Any],
        of_persons: Mapping[str, Any],
    ) -> list[Any]:
        """What is asked of a register: household numbers, the number that each person names, and their facts."""
        builder = self.builder()
        builder.create_entities(self.system)
        builder.declare_person_entity("person", numpy.arange(len(owners)))
        group = builder.declare_entity("household", numbers)
        builder.join_with_persons(group, owners, numpy.zeros(len(owners), dtype=numpy.int64))
        simulation = builder.build(self.system)
        for facts in (of_households, of_persons):
            for name, values in facts.items():
                simulation.set_input(name, MONTH, values)
        return self.asked(simulation)

    def asked(self, simulation: Any) -> list[Any]:
        return [simulation.calculate(name, MONTH) for name in ASKED]


@cache
def country(package: str) -> Country:
    return Country(package)


def by_country(package: str, register: Register) -> Answers:
    """A register as a country: truths as bytes, numbers as they are taken; clauses as numbers, amounts widened again."""
    households, persons = (
        {name: whole.to_numpy() for name, whole in zip(one.column_names, one.columns, strict=True)}
        for one in (register.households, register.persons)
    )
    told = country(package).many(
        households["household"],
        persons["household"],
        {name: households[name] for name in HOUSEHOLD_FACTS},
        {name: persons[name] for name in PERSON_FACTS},
    )
    fen, clause, single, tekun = told
    money, code = numpy.int64, numpy.int8
    values = (
        fen.astype(money),
        clause.astype(code),
        single.astype(money),
        3 * (single > 0).astype(code),
        65_000 * tekun.astype(money),
        4 * tekun.astype(code),
    )
    return columns(register, values)


def by_openfisca(register: Register, threads: int = 1) -> Answers:
    return by_country("openfisca_core", register)


def by_policyengine(register: Register, threads: int = 1) -> Answers:
    return by_country("policyengine_core", register)
