"""What a posterior depends on, as text: equal texts mean equal posteriors.

Settings grow: a field that did not exist when a fit was stored was then at its neutral value, the one that changes
nothing. Declared as `field(default=..., metadata={NEUTRAL: value})`, it is left out of the text while it has that
value, so that fits from before it still count as fits of the same model.
"""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["NEUTRAL", "identity"]

NEUTRAL = "neutral"
"""Key of a field's metadata: the value that gives the posterior of the model without the field."""


def identity(value: Any) -> str:
    """Text of a specification: dataclasses by class name and fields, without those at their neutral value.

    Args:
        value: a dataclass, a tuple of such, or a value whose `repr` says all.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = {part.name: getattr(value, part.name) for part in dataclasses.fields(value)}
        told = [
            f"{part.name}={identity(held[part.name])}"
            for part in dataclasses.fields(value)
            if NEUTRAL not in part.metadata or held[part.name] != part.metadata[NEUTRAL]
        ]
        return f"{type(value).__qualname__}({', '.join(told)})"
    if isinstance(value, tuple):
        return f"({', '.join(identity(entry) for entry in value)}{',' if len(value) == 1 else ''})"
    return repr(value)
