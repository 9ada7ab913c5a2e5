"""Every error put into the bundled rules on purpose is found by a case, a property or a built-in claim."""

import faults
import pytest


@pytest.mark.large
def test_every_fault_is_found() -> None:
    missed = [one.fault for one in faults.found() if not one.by_anything()]
    assert missed == []
