"""Every error put into the bundled rules on purpose is found by a case, a property or a built-in claim."""

import faults
import pytest


def test_the_page_lists_the_faults_that_are_made() -> None:
    text = faults.PAGE.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    made = faults.faults(faults.policies())
    assert len(made) >= 60 and len(rows) == len(made)
    for mutant, row in zip(made, rows, strict=True):
        assert mutant.rule.zh in row and mutant.sentence("zh").replace("|", "\\|") in row, mutant.id


@pytest.mark.large
def test_every_fault_is_found() -> None:
    missed = [one.fault for one in faults.found() if not one.anything]
    assert missed == []
