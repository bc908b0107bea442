"""What the spend that a plan starts from is, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.wording import Wording

__all__ = ["unlike_the_mean"]

_UNLIKE_THE_MEAN = 0.5  # share of the mean spend that today's may differ by without a word


def unlike_the_mean(tables: ResultTables, budget: Mapping[str, Any], words: Wording, write: Formatter) -> list[str]:
    """What "today" is, where its spend is far from the mean of all periods; empty where it is not."""
    window, horizon, today = tables.window, int(budget["horizon"]), float(budget["total_today"])
    if pd.Timestamp(budget["basis_end"]).date() != window.end or horizon >= len(window.grid):
        return []
    planned = tables.media_matrix["channel"].isin(tables.budget_plan["channel"])
    mean = float(tables.media_matrix.loc[planned, "spend"].sum()) / len(window.grid) * horizon
    if not mean > 0 or abs(today - mean) <= _UNLIKE_THE_MEAN * mean:
        return []
    first = window.grid.date(len(window.grid) - horizon)
    told = "below" if today < mean else "above"
    dates = {"first": write.date(first), "last": write.date(window.end)}
    return [words(f"basis_unlike_mean.{told}", today=write.money(today), periods=horizon, **dates)]
