"""Trace → explanation, fit to hand to a household: why each answer is what it is, in Chinese or English.

`document` puts it together, `decisions` writes one decision, `grounds` finds what decided, `phrases` words expressions,
`words` values and names; `page` is the tree and how it is written out.
"""

from policykit.explain.document import explain
from policykit.explain.page import Block, Explanation, Line, Part, Section, to_data, to_html, to_text

__all__ = ["Block", "Explanation", "Line", "Part", "Section", "explain", "to_data", "to_html", "to_text"]
