"""JSON that every browser can read, whatever a server sent us."""

import json
import math
from typing import Any


def encode(value: Any) -> str:
    """`value` as compact ASCII JSON. A number JSON has no word for (NaN, infinity) becomes
    null: one odd reading must not make a whole frame unreadable."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
