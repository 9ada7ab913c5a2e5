"""W1: one household, Python dict in, decision with its clause out; against the same rules by hand and by peers.

Answers are compared first, on 10,000 households. Then every contender decides the same 2,000 households in turn, round
after round, timed by processor time; what is printed is the median of its ratios to plain Python of the same round, so
that other work on the machine falls on all alike. With so many households the data comes from memory for everyone. Peers are used where they are installed
(`pip install zen-engine common-expression-language`).

    python -m benchmarks.w1 [ROUNDS]
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

import policykit
from benchmarks.dibao_core import RULES, Household, households, plain, with_gaps
from benchmarks.peers import Peer, peers
from policykit.casework import trials
from policykit.engine.compiled import Unsure, compiled
from policykit.loader import Policies, bundled, examine

DAY = date(2020, 6, 10)
CHECKED = 10_000
SHARES = {"1 %": 0.01, "10 %": 0.1}  # of facts absent

Short = tuple[Any, ...]  # (fen, clause) of the household, then (fen, clause, tekun clause) of each member


def contenders(policies: Policies) -> dict[str, Callable[[Household], Any]]:
    """What is timed, by its name in the table."""
    engine = compiled(policies.program, DAY)

    def two_fields(household: Household) -> tuple[str, int | None]:
        outcome, fen = policykit.evaluate(household, policies, on=DAY).brief("dibao", "household")
        return outcome, fen

    def one_decision(household: Household) -> tuple[str, Any]:
        decision = policykit.evaluate(household, policies, on=DAY).decision("dibao", "household")
        return decision.outcome, decision.amount

    return {
        "plain Python by hand, no checks": plain,
        "generated function, full checks": engine.straight,
        "the same with its lazy decisions (Compiled.decide)": engine.decide,
        "policykit.evaluate": lambda household: policykit.evaluate(household, policies, on=DAY),
        "policykit.evaluate, two fields read": two_fields,
        "policykit.evaluate, one Decision built": one_decision,
        "policykit.evaluate, all decisions built": lambda h: (
            policykit.evaluate(h, policies, on=DAY).decisions
        ),
        "general form of the generated code": engine.general,
        "reference interpreter": lambda h: policykit.evaluate(h, policies, on=DAY, engine="interpreter"),
    }


def with_some_absent(policies: Policies, data: list[Household]) -> dict[str, tuple[Callable[[Household], Any], list[Household]]]:  # fmt: skip
    """What is timed on households with gaps, by its name in the table, with the households."""
    engine = compiled(policies.program, DAY)

    def told(household: Household, exact: bool) -> tuple[str, int | None]:
        return policykit.evaluate(household, policies, on=DAY, exact=exact).brief("dibao", "household")

    found: dict[str, tuple[Callable[[Household], Any], list[Household]]] = {}
    for words, share in SHARES.items():
        some = with_gaps(data, share)
        found |= {
            f"{words} absent, bounds (Compiled.decide)": (partial(engine.decide, exact=False), some),
            f"{words} absent, bounds, two fields read": (partial(told, exact=False), some),
            f"{words} absent, exact, two fields read": (partial(told, exact=True), some),
            f"{words} absent, exact, all decisions built": (
                lambda h: policykit.evaluate(h, policies, on=DAY).decisions,
                some[:200],
            ),
        }
    return found


def leaves(policies: Policies, share: float) -> str:
    """How much of the exact level households with gaps ask for."""
    engine = compiled(policies.program, DAY)
    data = with_gaps(households(500, seed=2), share)
    asked, passes = 0, []
    for household in data:
        quick = engine.decide(household)
        if isinstance(quick, Unsure) and any(len(b.outcomes) > 1 or b.low != b.high for b in quick.bounds()):
            asked += 1
            assert quick.rows  # every decision is asked for
            passes.append(quick.partly().reference(exact=True).passes)
    return (
        f"{asked / len(data):.0%} of households open at the bounds level; of those "
        f"{statistics.median(passes):.0f} passes (median), {max(passes)} (most)"
    )


def by_hand(household: Household) -> Short:
    found = plain(household)
    members = [(one["benefit"], one["clause"], one["tekun"]) for one in found["persons"]]
    return (found["benefit"], found["clause"], *members)


def by_policykit(household: Household, policies: Policies, engine: Any) -> Short:
    result = policykit.evaluate(household, policies, on=DAY, engine=engine)
    table = {(one.measure, one.subject): one for one in result.decisions}

    def paid(measure: str, subject: str) -> tuple[int, str | None]:
        decision = table[measure, subject]
        if decision.outcome != "granted" or decision.amount is None:
            return 0, None
        return decision.amount.fen or 0, decision.clauses[0]

    places = [f"members[{number}]" for number in range(len(household["members"]))]
    return (*paid("dibao", "household"), *((*paid("dibao", one), paid("tekun", one)[1]) for one in places))


def differences(policies: Policies, others: dict[str, Peer]) -> Iterator[str]:
    """Households on which the answers are not the same."""
    for number, household in enumerate(households(CHECKED)):
        wanted = by_hand(household)
        if by_policykit(household, policies, "compiled") != wanted:
            yield f"compiled, household {number}"
        if number % 50 == 0 and by_policykit(household, policies, "interpreter") != wanted:
            yield f"interpreter, household {number}"
        members = [(one[0], one[2] is not None) for one in wanted[2:]]
        for name, peer in others.items():
            if number % peer.every == 0 and peer.told(peer.decide(household)) != (*wanted[:2], members):
                yield f"{name}, household {number}"
    for words, share in SHARES.items():
        for number, household in enumerate(with_gaps(households(CHECKED), share)[::25]):
            for exact in (False, True):
                ask = partial(policykit.evaluate, household, policies, on=DAY, exact=exact)
                if ask(engine="compiled").decisions != ask(engine="interpreter").decisions:
                    yield f"{words} absent, exact={exact}, household {number * 25}"


def measured(contender: Callable[[Household], Any], block: list[Household]) -> float:
    start = time.thread_time()
    for household in block:
        contender(household)
    return time.thread_time() - start


def main(rounds: int = 20) -> int:
    policies = policykit.load(RULES)
    others = peers()
    found = list(differences(policies, others))
    print(f"answers compared on {CHECKED:,} households: {len(found)} differ")
    if found:
        print(*found[:10], sep="\n")
        return 1
    data = households(2_000, seed=2)
    timed = contenders(policies) | {name: peer.decide for name, peer in others.items()}
    some_absent = with_some_absent(policies, data)
    slow = {"reference interpreter", *others, *(name for name in some_absent if "exact" in name)}
    ratios: dict[str, list[float]] = {name: [] for name in (*timed, *some_absent)}
    base = []
    gc.collect()
    gc.freeze()  # so that nobody pays for collecting what this script itself holds
    for number in range(rounds):
        took: dict[str, float] = {}
        for name, contender in timed.items():
            if name in slow and number % 4:
                continue
            block = data[:20] if name in slow else data
            took[name] = measured(contender, block) / len(block)
        for name, (contender, block) in some_absent.items():
            if name in slow and number % 4:
                continue
            took[name] = measured(contender, block) / len(block)
        reference = next(iter(took.values()))
        base.append(reference * 1e6)
        for name, one in took.items():
            ratios[name].append(one / reference)
    print(f"plain Python: {statistics.median(base):.2f} µs per household (median of {rounds} rounds)\n")
    print("| contender | × plain Python, median | quartiles |\n|---|--:|--:|")
    for name, values in ratios.items():
        values.sort()
        low, high = values[len(values) // 4], values[-1 - len(values) // 4]
        print(f"| {name} | {statistics.median(values):.2f} | {low:.2f}–{high:.2f} |")
    for words, share in SHARES.items():
        print(f"\n{words} of facts absent: {leaves(policies, share)}")
    print("\n" + bundled_whole())
    for name, told in starts().items():
        print(f"{name}: {told:.0f} ms")
    return 0


def bundled_whole() -> str:
    """The bundled policies with the example sheet, on the cases that come with them and give no rulings."""
    held, _ = examine(bundled(), cases=True)
    assert held is not None
    program_of = trials.programs(held)
    seen, took, wanted = 0, [], []
    for example in held.program.examples[::40]:
        if example.rulings or example.assumed:
            continue
        program = program_of(example)
        policies = Policies(program, (), (), ())
        household = trials.household(program, example, example.trials[0])
        engine = compiled(program, example.on)
        seen += 1
        if engine.decide(household) is None:
            continue
        took.append(min(measured(engine.decide, [household] * 5) for _ in range(3)) / 5)
        ask = partial(policykit.evaluate, policies=policies, on=example.on, engine="interpreter")
        wanted.append(measured(ask, [household]))
    each, other = statistics.median(took) * 1e6, statistics.median(wanted) * 1e6
    return (
        f"bundled policies whole, {seen} households of the cases: {len(took)} decided by generated code, "
        f"{each:.0f} µs each, the interpreter {other / each:.0f} ×"
    )


def starts() -> dict[str, float]:
    """What a fresh process pays, in milliseconds over bare Python; the best of five."""

    def best(code: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - start)
        return min(times) * 1000

    bare = best("pass")
    inside = "import time, policykit.loader as l\nstart = time.perf_counter()\n{}\nprint(time.perf_counter() - start)"

    def within(code: str) -> float:
        run = [sys.executable, "-c", inside.format(code)]
        told = [subprocess.run(run, check=True, capture_output=True).stdout for _ in range(3)]
        return min(map(float, told)) * 1000

    return {
        "import policykit over bare Python": best("import policykit") - bare,
        "the same and first use of evaluate": best("import policykit; policykit.evaluate") - bare,
        "load of the bundled policies, kept from an earlier run": within("l.load_bundled()"),
    }


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
