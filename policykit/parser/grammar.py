"""What lark makes of the grammar. Only a text that does not fit needs lark itself."""

from __future__ import annotations

import io
import pickle
from functools import lru_cache
from typing import Any

import lark
from lark import Lark, TextSlice
from lark.exceptions import UnexpectedInput

from policykit import keep, words

_CODE = ("parser/grammar.py", "grammar.lark")


@lru_cache(maxsize=1)
def checking() -> Lark:
    """lark's own parser, which says what does not fit, and what would."""
    key = keep.key_of(("lark", lark.__version__), _CODE)
    found = keep.fetch(key)
    if found is not None:
        return Lark.load(io.BytesIO(pickle.dumps(found)))
    made = Lark(
        words.grammar(),
        parser="lalr",
        start="declaration",
        maybe_placeholders=False,
        propagate_positions=True,
    )
    saved = io.BytesIO()
    made.save(saved)
    keep.store(key, pickle.loads(saved.getvalue()))
    return made


def misfit(text: str, start: int, end: int) -> UnexpectedInput | None:
    """What lark says of a stretch of a text that does not fit; `None` when it fits."""
    try:
        checking().parse(TextSlice(text, start, end))
    except UnexpectedInput as error:
        return error
    return None


def worked_out() -> tuple[Any, ...]:
    """The tables, as plain data."""
    made = checking()
    table: Any = made.parser.parser._parse_table
    numbers = {state: number for number, state in enumerate(table.states)}
    rules = list(dict.fromkeys(made.rules))
    at = {rule: number for number, rule in enumerate(rules)}
    rows = [
        {str(name): numbers[to] if action.name == "Shift" else ~at[to] for name, (action, to) in row.items()}
        for row in table.states.values()
    ]
    lexer: Any = made.parser.lexer
    tried = [
        (str(terminal.name), str(terminal.pattern.to_regexp())) for terminal in lexer.root_lexer.terminals
    ]
    shaped = [
        (
            str(rule.origin.name),
            len(rule.expansion),
            str(rule.alias or rule.origin.name),
            bool(rule.options.expand1 and not rule.alias),
            any(part.name.startswith("_") for part in rule.expansion),
        )
        for rule in rules
    ]
    first, last = table.start_states["declaration"], table.end_states["declaration"]
    return rows, shaped, tried, list(map(str, made.lexer_conf.ignore)), numbers[first], numbers[last]
