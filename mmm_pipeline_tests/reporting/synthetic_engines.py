"""Made-up answers of other engines, beside a made-up attribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmm_pipeline.engines.comparison import View, comparison_table, scores_table
from mmm_pipeline.engines.result import ChannelResult, ForecastDay
from mmm_pipeline.tables.catalog import empty_table
from mmm_pipeline.tables.engines import OURS

_OBSERVED = np.array([100.0, 120.0, 90.0, 110.0])


def engine_tables(attribution: pd.DataFrame, titles: Sequence[str]) -> dict[str, pd.DataFrame]:
    """`engine_comparison` and `engine_scores`: ours, every engine of `titles`, and one that failed; empty without any.

    The first engine sees four times our ROI on the first channel, so that the two contradict each other there.
    """
    if not titles:
        return {name: empty_table(name) for name in ("engine_comparison", "engine_scores")}
    views = [_view(OURS, OURS, attribution, np.ones(len(attribution)))]
    for number, title in enumerate(titles):
        factor = np.ones(len(attribution))
        factor[0] = 4.0 if number == 0 else 1.0
        views.append(_view(f"engine_{number}", title, attribution, factor))
    views.append(View("broken", "Broken", "main", status="failed", reason="it was killed by SIGKILL"))
    return {"engine_comparison": comparison_table(views), "engine_scores": scores_table(views, _OBSERVED)}


def _view(engine: str, title: str, attribution: pd.DataFrame, factor: np.ndarray) -> View:
    channels = [
        ChannelResult(
            channel=row.channel,
            spend=row.spend,
            contribution=row.contribution * by,
            contribution_low=row.contribution * by * 0.8,
            contribution_high=row.contribution * by * 1.2,
            roi=row.roi * by,
            roi_low=row.roi * by * 0.8,
            roi_high=row.roi * by * 1.2,
            roi_sd=row.roi * by * 0.1,
            roi_ess=400.0,
        )
        for row, by in zip(attribution.itertuples(), factor, strict=True)
    ]
    days = [
        ForecastDay(date=f"2022-01-{day:02d}", mean=mean, low=mean - 9, high=mean + 9)
        for day, mean in enumerate(_OBSERVED + 5, start=1)
    ]
    return View(
        engine, title, "carryover|1", "1.0", channels=tuple(channels), holdout=tuple(days), seconds=20.0,
        ess_roi_min=400.0, rhat_max=1.004, divergences=0,
    )  # fmt: skip
