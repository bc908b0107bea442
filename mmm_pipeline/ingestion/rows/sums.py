"""Sums of many rows, the same whatever engine added them and in whatever order."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

__all__ = ["without_noise"]

_DIGITS = 14


def without_noise(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """The table with these sums cut to 14 significant digits.

    Amounts are decimal numbers of few digits; that 0.1 + 0.2 is not 0.3 in binary shows in the sixteenth digit, and
    differs between engines. Cut, a cell is the same everywhere, and equal data count as equal from run to run.
    """
    return table.assign(**{column: [float(f"{value:.{_DIGITS}g}") for value in table[column]] for column in columns})
