"""The columnar engine: many households at a time, at the bounds level, on blocks of NumPy arrays.

`Columnar(program, day).decide(block)` says cell for cell what the reference engine's first level says of each household.
It decides and gives no reasons, knows no rulings and no elections, and holds what `frames` holds; households with more
are the reference engine's.
"""

from policykit.engine.columnar.constants import Refused
from policykit.engine.columnar.decide import Columnar
from policykit.engine.columnar.frames import Answers, Column, Frame, Listed, Waits, frames_of, households

__all__ = ["Answers", "Column", "Columnar", "Frame", "Listed", "Refused", "Waits", "frames_of", "households"]
