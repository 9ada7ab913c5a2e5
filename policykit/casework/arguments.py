"""What is argued beside the cases, a reason a line: changes that no case can notice, sites that no household can reach."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from pathlib import Path

from policykit.diagnostics import Diagnostic, Language, PolicyError, did_you_mean
from policykit.loader import CASES, Policies, read_source
from policykit.source import Source

HOW_TO_ARGUE = ('每项一行，写成 "名字" = "理由"', 'write one line each: "name" = "reason"')


def argued(policies: Policies, name: str, known: Collection[str] | None = None) -> dict[str, str]:
    """The reasons that files of this name give, each by what it is about.

    Raises `PolicyError` for what cannot be read, gives no reason, or is about nothing that is known.
    """
    language: Language = "zh" if policies.program.language == "zh" else "en"
    found: dict[str, str] = {}
    errors: list[Diagnostic] = []
    for root in policies.roots:
        file = Path(root) / CASES / name
        if file.is_file():
            source = read_source(file, file.relative_to(Path(root).parent).as_posix(), errors)
            if source is not None:
                found |= _reasons(source, known, language, errors)
    if any(error.severity == "error" for error in errors):
        raise PolicyError(errors)
    return found


def _reasons(
    source: Source, known: Collection[str] | None, language: Language, errors: list[Diagnostic]
) -> dict[str, str]:
    """The reasons of one file; what is wrong in it joins `errors`."""

    def wrong(line: int, zh: str, en: str, hint: str = "") -> None:
        why, how = (zh, HOW_TO_ARGUE[0]) if language == "zh" else (en, HOW_TO_ARGUE[1])
        place = f"{source.file}:{line}"
        errors.append(Diagnostic("R012", place, language, (("why", why), ("hint", hint or how))))

    lines = source.text.splitlines()
    try:
        entries = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        zh, en = (
            "这一行写法不对，或者同一个名字写了两次",
            "this line is malformed, or gives a name a second time",
        )
        wrong(int(at[1]) if at else len(lines), zh, en)
        return {}
    gone = (
        "规则改了、不再有这一项的，删去这一行" if language == "zh" else "delete the line if the rules changed"
    )
    for ident, reason in entries.items():
        key = re.compile(rf"""\s*\[*["']?{re.escape(ident)}["'\s=\].]""")
        line = next((n for n, text in enumerate(lines, 1) if key.match(text)), 1)
        if not isinstance(reason, str) or not reason.strip():
            wrong(line, f"「{ident}」没有写理由", f"“{ident}” gives no reason")
        elif known is not None and ident not in known:
            hint = did_you_mean(ident, known, language) or gone
            wrong(line, f"没有「{ident}」这一项", f"there is no “{ident}”", hint)
    return entries
