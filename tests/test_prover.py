"""The prover against every household: small drawn programs, all of whose households are tried one after another.

Each program holds two members, a list, a parameter that nobody sets and a rounding, and claims four properties; what
is claimed of every rule set is asked too. The verdict must be the one that trying gives. Whatever is shown against a
claim is put to `policykit.evaluate`, and must show there what it was shown for.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from unittest.mock import patch

import domain
import pytest
import strategies

import policykit
from policykit import ir, parser
from policykit.engine.smt.variables import Size
from policykit.loader import Policies, load_text
from policykit.proving.claims import Claim, claims
from policykit.proving.prove import Proof, Prover, engine

LARGE = int(os.environ.get("POLICYKIT_LARGE") or 0)
SIZES = (Size(2, 1), Size(1, 2))  # two members, or two entries in each list
MOST = 250  # households that are tried for one claim; a claim about more of them is left out, and counted
LIMIT = 20.0
VERDICTS = ("proved", "refuted", "vacuous")


def drawn(seed: int) -> tuple[ir.Program, ir.Program | None]:
    """A small program with properties; for each third, also one that has lost a priority between two grants, so that
    they may conflict, which no rule file may."""
    draw = random.Random(seed)
    with patch("policykit.parser.parse", lru_cache(maxsize=8)(parser.parse)):
        program = strategies.claiming(draw)
    pairs = [(low, high) for low, above in program.blockers.items() for high in sorted(above)
             if all(isinstance(program.clauses[one][0].effect, ir.Grant) for one in (low, high))]  # fmt: skip
    if seed % 3 or not pairs:
        return program, None
    low, high = pairs[draw.randrange(len(pairs))]
    return program, replace(program, blockers={**program.blockers, low: program.blockers[low] - {high}})


def asked(seed: int) -> Iterable[tuple[ir.Program, Claim]]:
    """What is claimed on one day, or on two between which rules change; that clauses can apply, of each second program."""
    first = strategies.ON - timedelta(days=seed % 4 == 0)
    program, loose = drawn(seed)
    for claim in claims(program, first, strategies.ON):
        if seed % 2 or claim.kind != "applies":
            yield program, claim
    if loose is None:
        return
    for claim in claims(loose, first, strategies.ON):
        if claim.kind == "conflict":
            yield loose, claim


def disagreements(seed: int, counts: Counter[str]) -> list[str]:
    """Where the prover and all households of one seed's program differ."""
    size, found, provers = SIZES[seed % 3 == 2], list[str](), dict[int, Prover]()
    counts["programs"] += 1
    for program, claim in asked(seed):
        try:
            truth = domain.state(program, claim, size, MOST)
        except domain.TooMany:
            counts["left out"] += 1
            continue
        proof = provers.setdefault(id(program), Prover(program, size, LIMIT)).settle(claim)
        counts[proof.state] += 1
        counts[claim.kind] += 1
        name = f"seed {seed}, {claim.kind} {'、'.join(rule.zh for rule in claim.rules)}"
        if proof.state != truth:
            found.append(f"{name}: {proof.state} {proof.why}, should be {truth}")
        elif proof.shown is not None:
            counts["replayed"] += 1
            found += [f"{name}: {fault}" for fault in not_replayed(program, claim, proof, size)]
    return found


def not_replayed(program: ir.Program, claim: Claim, proof: Proof, size: Size) -> Iterable[str]:
    """What is wrong with a household that is shown: it is data that `evaluate` takes, and its answers there leave open
    what the household shows when its parameters are supposed too; by the meaning it breaks the claim."""
    shown = proof.shown
    assert shown is not None
    for witness in (shown.witness, shown.after):
        if witness is None:
            continue
        policies = Policies(program, (), (), ())
        result = policykit.evaluate(witness.household, policies, on=witness.on, rulings=witness.rulings)
        said = {(d.measure, d.subject): d for d in result.decisions}
        supposed = engine(program, witness).trace()
        for decision in supposed.decisions:
            there = said[decision.measure, decision.subject.path]
            if not decision.outcomes <= set(there.outcomes):
                yield f"evaluate says {there.outcomes}, supposing more says {set(decision.outcomes)}"
    if not domain.replays(program, claim, shown.witness, size):
        yield f"the household shown does not break it: {shown.witness}"


def agree(seeds: Iterable[int], record: Callable[[str, object], None]) -> Counter[str]:
    counts: Counter[str] = Counter()
    found = [x for seed in seeds for x in disagreements(seed, counts)]
    record("prover", dict(counts))
    assert not found, "\n".join(found[:20])
    return counts


@pytest.mark.parametrize("first", (0, 15))
def test_the_prover_says_what_trying_every_household_says(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    agree(range(first, first + 15), record_property)


@pytest.mark.large
@pytest.mark.parametrize("first", range(1000, 3500 if LARGE < 3 else 11000, 100))
def test_the_prover_says_what_trying_every_household_says_of_many(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    """2,500 programs, more than 10,000 verdicts, over a third of them refutations (of a hundred programs sometimes a
    little less); four times as many when POLICYKIT_LARGE is 3 or more."""
    counts = agree(range(first, first + 100), record_property)
    verdicts = sum(counts[state] for state in VERDICTS)
    assert verdicts >= 400 and 10 * counts["refuted"] >= 3 * verdicts, counts


# ---- what trying found: each once a disagreement ---------------------------------------------------------------------

M0 = "待遇 待遇甲 (m0) 对每个 人\n"
BOTH = "待遇 待遇甲 (m0) 对每个 户、人\n"
PAID = "给予：待遇甲，每月 1 分/月"


def clause(name: str, entity: str, *fields: str, period: str = "") -> str:
    head = [
        f"条款 {name} (c_{'甲乙丙'.index(name[-1])}){period}",
        "    依据：文 第一条",
        f"    对每个 {entity}",
    ]
    return "\n".join([*head, *(f"    {line}" for line in fields), ""])


def said(*lines: str, entity: str = "人") -> str:
    return "\n".join([f"性质 质甲 对每个 {entity} (p_0)", *(f"    {line}" for line in lines), ""])


#: rules, size, kind of claim, the verdict by hand
ONCE: dict[str, tuple[str, Size, str, str]] = {
    # the smaller sizes that are tried first must not be larger than the bound: there are no two members within it
    "nothing larger than the bound is looked at": (
        M0 + clause("条甲", "人", PAID) + said("设：(计数 户.成员) 等于 2 人", "则：获得 待遇甲"), Size(1, 1), "property", "vacuous",
    ),
    "a claim is not broken though its first question is the only one": (
        M0 + clause("条甲", "人", "条件：残疾", PAID) + said("则：获得 待遇甲"), Size(2, 1), "property", "refuted",
    ),
    # 配偶 may be a member, and so among 户.成员
    "somebody's spouse lives in the household": (
        M0 + clause("条甲", "人", PAID) + said("则：没有 户.成员 称 甲 满足 (甲 为 本人.配偶)"), Size(2, 1), "property", "refuted",
    ),
    # the household's only member is counted among its members
    "somebody is among the members of the own household": (
        M0 + clause("条甲", "人", PAID) + said("设：残疾", "则：任一 户.成员 称 甲 满足 (甲.残疾)"), Size(2, 1), "property", "proved",
    ),
    # no income is read: it may rise, and nothing falls
    "what nobody reads may rise": (
        M0 + clause("条甲", "人", PAID) + said("设：残疾", "则：随 人.收入 增 则 应发金额 待遇甲 不增"), Size(2, 1), "property", "proved",
    ),
    "a rise of what an earlier claim read": (
        M0 + clause("条甲", "人", "给予：待遇甲，每月 四舍五入到分(求和 单子 称 单甲 取 (单甲.金额))")
        + said("则：(求和 户.户单 称 单甲 取 (单甲.金额)) 不低于 0 分/月")
        + said("则：随 单.金额 增 则 应发金额 待遇甲 不增").replace("质甲", "质乙").replace("p_0", "p_1"),
        Size(2, 1), "property", "refuted",
    ),
    "a term without a version is anything": (
        "定义 词甲 对每个 人 (term_0) 2020-07-01 起\n    = 残疾\n" + M0 + clause("条甲", "人", "条件：词甲", PAID)
        + said("则：获得 待遇甲"),
        Size(1, 1), "property", "refuted",
    ),
    "whether a ruling to come will grant is open": (
        M0 + "待遇 待遇乙 (m1) 对每个 人\n" + clause("条甲", "人", "可给予：待遇甲，每月 1 分/月")
        + clause("条乙", "人", "条件：获得 待遇甲", "给予：待遇乙，每月 1 分/月")
        + said("设：结果 待遇甲 为 可裁量", "则：获得 待遇乙"),
        Size(1, 1), "property", "refuted",
    ),
    "an amount below 0 that an approver grants": (
        M0 + clause("条甲", "人", "可给予：待遇甲，每月 四舍五入到分(1 分/月 - 收入)"), Size(1, 1), "amount", "refuted",
    ),
    "符合 looks at the scope, where there may be nothing to divide by": (
        M0 + clause("条甲", "人", "适用范围：(收入 ÷ (计数 单子)) 低于 1 分/月·个", PAID)
        + clause("条乙", "人", "条件：符合 条甲", "给予：待遇甲，每月 2 分/月", "让位于：条甲"),
        Size(1, 1), "division", "refuted",
    ),
    # −1 fen is paid while the entry is worth nothing, and nothing once it is worth something
    "from less than nothing to nothing is a rise": (
        M0 + clause("条甲", "人", "条件：任一 单子 称 单甲 满足 (单甲.金额 等于 0 分/月)", "给予：待遇甲，每月 四舍五入到分(0 分/月 - 1 分/月)")
        + said("则：随 单.金额 增 则 应发金额 待遇甲 不增"),
        Size(1, 1), "property", "refuted",
    ),
    "nothing is divided on a day on which a clause is not in force": (
        M0 + "定义 近单 对每个 人 (near)\n    = 最近 单子 称 单甲 满足 (是) 按 单日\n"
        + clause("条甲", "人", "期间按：近单.单日", "适用范围：(收入 ÷ (计数 单子)) 低于 1 分/月·个", PAID),
        Size(1, 1), "division", "proved",
    ),
    # 条乙 prevails over the exclusion as to 待遇甲 only: it stands as to 待遇乙
    "an exclusion stands as to one of its measures": (
        M0 + "待遇 待遇乙 (m1) 对每个 人\n" + clause("条乙", "人", PAID, "优先于：条甲") + clause("条甲", "人", "不给予：待遇甲、待遇乙"),
        Size(1, 1), "applies", "proved",
    ),
    "of what does not pass nothing is divided": (
        M0 + clause("条甲", "人", "条件：(求和 户.成员 称 甲 满足 (有 甲.单子 称 单甲 满足 (是)) 取 (甲.收入 ÷ (计数 甲.单子) × 1 个)) 低于 2 分/月", PAID),
        Size(2, 1), "division", "proved",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONCE)
def test_once_a_disagreement(name: str) -> None:
    rules, size, kind, verdict = ONCE[name]
    program = load_text(strategies.VOCABULARY, rules).program
    prover = Prover(program, size, LIMIT)
    asked_for = [c for c in claims(program, strategies.ON, strategies.ON) if c.kind == kind]
    proof = [prover.settle(claim) for claim in asked_for][-1]
    assert proof.state == verdict, proof.why
    assert domain.state(program, asked_for[-1], size, 100_000) == verdict
    assert proof.shown is None or not list(not_replayed(program, asked_for[-1], proof, size))
