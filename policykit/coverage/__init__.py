"""Program → how much of each quoted text the rules account for, and which sentence each rule stands on.

`measure` counts, `changes` compares two editions of a text, `report` writes both out as text and plain data, `page`
shows the texts themselves, coloured, on one page.
"""

from policykit.coverage.changes import Changes, compare, editions
from policykit.coverage.measure import CaseResult, Cases, Coverage, measure
from policykit.coverage.page import to_html
from policykit.coverage.report import changes_data, changes_text, to_data, to_text

__all__ = [
    "CaseResult", "Cases", "Changes", "Coverage", "changes_data", "changes_text", "compare", "editions", "measure", "to_data",
    "to_html", "to_text",
]  # fmt: skip
