"""Made-up results with a real data profile beside them."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.eda import eda_profile
from mmm_pipeline.reporting.tables import ResultTables


def profiled(tables: ResultTables, days: int = 120) -> ResultTables:
    """With the real profile of a made-up matrix: twins, a dead channel, a spike."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2021-10-17", periods=days)
    first = rng.lognormal(6, 0.5, days)
    media = {
        "Search": first,
        "Search copy": first * 1.02,
        "Dead": np.zeros(days),
        "Stopped": np.r_[first[:40], np.zeros(days - 40)],
    }
    kpi = 5000 + rng.normal(0, 100, days)
    kpi[60] = 40_000
    matrix = pd.concat(
        pd.DataFrame({"date": dates, "channel": name, "media_units": x, "spend": x / 100, "kpi": kpi / len(media)})
        for name, x in media.items()
    )
    profile = eda_profile(matrix, holdout_start=dt.date(2021, 10, 17) + dt.timedelta(days - 28))
    return dataclasses.replace(tables, eda_profile=profile)
