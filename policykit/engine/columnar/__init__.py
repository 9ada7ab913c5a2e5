"""The columnar engine: many households at a time, at the bounds level, on blocks of NumPy arrays."""
