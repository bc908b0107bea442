"""Made-up results with a real data profile beside them."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.eda import eda_profile
from mmm_pipeline.reporting.tables import ResultTables

NAMES = ("Search", "Search copy", "Dead", "Stopped")


def profiled(tables: ResultTables, days: int = 120, names: tuple[str, ...] = NAMES) -> ResultTables:
    """With the real profile of a made-up matrix of four channels: twins, a dead one, one that stopped; and a spike."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2021-10-17", periods=days)
    first = rng.lognormal(6, 0.5, days)
    series = (first, first * 1.02, np.zeros(days), np.r_[first[:40], np.zeros(days - 40)])
    kpi = 5000 + rng.normal(0, 100, days)
    kpi[60] = 40_000
    matrix = pd.concat(
        pd.DataFrame({"date": dates, "channel": name, "media_units": x, "spend": x / 100, "kpi": kpi / len(names)})
        for name, x in zip(names, series, strict=True)
    )
    breakdown = pd.DataFrame(
        {
            "dimension": ["brand", "brand"],
            "value": [f"{names[0]} brand", "Other brand"],
            "rows": [60, 40],
            "spend": [300.0, 100.0],
            "media_units": [3e4, 1e4],
            "kpi": [4e5, 2e5],
        }
    )
    start = dt.date(2021, 10, 17)
    profile = eda_profile(matrix, holdout_start=start + dt.timedelta(days - 28), breakdown=breakdown)
    return dataclasses.replace(tables, eda_profile=profile)
