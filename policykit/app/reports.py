"""What `policykit check` found, for other programs: JSON, SARIF 2.1.0 for code review, JUnit XML for build servers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from policykit.diagnostics import CATALOGUE, Diagnostic, Language

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(diagnostics: Sequence[Diagnostic], language: Language | None) -> str:
    """One object for each diagnostic."""
    found = [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity,
            "where": diagnostic.where,
            "message": diagnostic.message(language),
            "help": diagnostic.help(language),
            "fix": diagnostic.fix,
        }
        for diagnostic in diagnostics
    ]
    return json.dumps(found, ensure_ascii=False, indent=2)


def as_sarif(diagnostics: Sequence[Diagnostic], language: Language | None) -> str:
    """One run with a rule for each code that was found and a result for each diagnostic."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {
        "name": "policykit",
        "rules": [_rule(code, language) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes, language) for diagnostic in diagnostics],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2)


def _rule(code: str, language: Language | None) -> dict[str, Any]:
    entry = CATALOGUE[code]
    return {
        "id": code,
        "shortDescription": {"text": entry.en if language == "en" else entry.zh},
        "helpUri": f"docs/diagnostics/{code}.md",
        "defaultConfiguration": {"level": entry.severity},  # error, warning, note: SARIF has the same words
    }


def _result(diagnostic: Diagnostic, codes: Sequence[str], language: Language | None) -> dict[str, Any]:
    help_ = diagnostic.help(language)
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(_file(diagnostic))}}
    if diagnostic.span is not None and diagnostic.span.line:
        place["region"] = _region(diagnostic)
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity,
        "message": {"text": "\n".join(filter(None, [diagnostic.message(language), help_, diagnostic.fix]))},
        "locations": [{"physicalLocation": place}],
    }


def _region(diagnostic: Diagnostic) -> dict[str, int]:
    """Where it begins, and where it ends if that is on the same line."""
    span = diagnostic.span
    assert span is not None
    region = {"startLine": span.line, "startColumn": span.column}
    end = span.column + span.end - span.start
    if span.column < end <= len(diagnostic.excerpt) + 1:
        region["endColumn"] = end
    return region


def _file(diagnostic: Diagnostic) -> str:
    """The file that a diagnostic is about, also when it has no place in it."""
    return diagnostic.span.file if diagnostic.span is not None else diagnostic.where


def as_junit(files: Sequence[str], diagnostics: Sequence[Diagnostic], language: Language | None) -> str:
    """One test case for each file; it fails when the file has an error or a warning, and a note is its output."""
    by_file: dict[str, list[Diagnostic]] = {file: [] for file in files}
    for diagnostic in diagnostics:
        by_file.setdefault(_file(diagnostic), []).append(diagnostic)
    failed = sum(any(d.severity != "note" for d in found) for found in by_file.values())
    counts = {"tests": str(len(by_file)), "failures": str(failed), "errors": "0", "skipped": "0"}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "policykit check", **counts})
    for file, found in by_file.items():
        case = ElementTree.SubElement(suite, "testcase", {"classname": "policykit.check", "name": file})
        faults = [d for d in found if d.severity != "note"]
        notes = [d for d in found if d.severity == "note"]
        if faults:
            about = {"message": _clean(faults[0].message(language)), "type": faults[0].code}
            failure = ElementTree.SubElement(case, "failure", about)
            failure.text = _clean("\n".join(d.render(language) for d in faults))
        if notes:
            ElementTree.SubElement(case, "system-out").text = _clean(
                "\n".join(d.render(language) for d in notes)
            )
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode")


def _clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return "".join(
        c
        if c in "\t\n" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff")
        else "\ufffd"
        for c in text
    )
