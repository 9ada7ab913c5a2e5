"""The prover: the rules as z3 terms over all households of a bounded size.

A household is complete and its facts are free variables, so one formula speaks of every household at once; what is
not known of a real one is simply left free. Four files: `logic` (truths, numbers, dates as terms), `world` (records
and expressions), `verdicts` (clauses and measures), `witness` (from a model back to a household).
"""
