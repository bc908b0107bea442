"""Numbers on the command line: read as in a campaign file, refused where they can be read in two ways."""

from __future__ import annotations

import math

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.ingestion.spellings.number_formats import plain_number, readings

__all__ = ["amount", "amount_if_given"]

_LONGEST = 100


def amount(text: str, option: str) -> float | None:
    """The finite number that the text of an option says; None when it says none.

    `3500.5`, `3500,5`, `3,500.50`, `3.500,50`, `3 500,50` and `EUR 3500` have one reading each.

    Args:
        text: what was given.
        option: where, for the message.

    Raises:
        SettingsError: it can be read in two ways, as `3,500` can.
    """
    found = readings(text)
    values = {value for value in (found.point, found.comma) if value is not None and math.isfinite(value)}
    if len(values) < 2:
        return next(iter(values), None)
    small, large = sorted(map(plain_number, values), key=float)
    raise SettingsError(
        f"{option} {text[:_LONGEST]!r} can be read in two ways: as {large} or as {small}. Write {large} or {small}, "
        "without marks between thousands"
    )


def amount_if_given(text: str, option: str) -> float | None:
    """The number of an option that may be left out; None when it is.

    Raises:
        SettingsError: it is no number, or can be read in two ways.
    """
    if not text.strip():
        return None
    value = amount(text, option)
    if value is None:
        raise SettingsError(f"{option} {text[:_LONGEST]!r} is not a number: give an amount such as 3500.5")
    return value
