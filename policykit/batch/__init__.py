"""Registers of many households: read in chunks, evaluated, written."""

from __future__ import annotations

try:
    import numpy as _numpy  # noqa: F401
    import pyarrow as _pyarrow  # noqa: F401
except ModuleNotFoundError as error:
    text = f"缺少 {error.name}，请安装：pip install 'policykit[batch]' / {error.name} is missing, install: pip install 'policykit[batch]'"
    raise ModuleNotFoundError(text, name=error.name) from None
