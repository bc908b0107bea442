"""Engines held against one another: ROI per channel, errors on the same holdout, and where they contradict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from mmm_pipeline.engines.result import ChannelResult, EngineResult, ForecastDay
from mmm_pipeline.mmm.evaluation.metrics import mape, rmse, wape
from mmm_pipeline.tables.engines import OURS

__all__ = ["LARGEST_RHAT", "View", "comparison_table", "scores_table", "view_of_result"]


LARGEST_RHAT = 1.1
"""Chains further apart than this have not found one posterior: their intervals are no second opinion."""


@dataclass(frozen=True)
class View:
    """What one engine says of the train window and the holdout, or why it says nothing.

    Attributes:
        engine: its name; `OURS` for this pipeline.
        title: as reports write it.
        model: which of its models.
        status: `ok`, or why nothing is believed: `failed`, `stale`, `missing`, `not_converged`.
        counts: whether it takes part in the verdicts, as one model of each engine does.
        rhat_max: over the engine's own parameters.
        ess_roi_min: effective draws behind the ROI of the channel that has fewest.
    """

    engine: str
    title: str
    model: str
    version: str = ""
    status: str = "ok"
    reason: str = ""
    counts: bool = True
    channels: tuple[ChannelResult, ...] = ()
    holdout: tuple[ForecastDay, ...] = ()
    seconds: float | None = None
    ess_roi_min: float | None = None
    rhat_max: float | None = None
    divergences: int | None = None
    notes: tuple[str, ...] = field(default=())


def view_of_result(engine: str, title: str, result: EngineResult, *, counts: bool) -> View:
    """An engine's answer as a view; one whose chains disagree takes no part in the comparison of channels."""
    rhat = result.rhat_max
    stray = rhat is not None and rhat > LARGEST_RHAT
    return View(
        status="not_converged" if stray else "ok",
        reason=f"R-hat {rhat:.3g}, above {LARGEST_RHAT}: raise engines.warmup and engines.draws" if stray else "",
        engine=engine,
        title=title,
        model=result.model,
        version=result.version,
        counts=counts,
        channels=result.channels,
        holdout=result.holdout,
        seconds=result.seconds_fit,
        ess_roi_min=result.ess_roi_min,
        rhat_max=result.rhat_max,
        divergences=result.divergences,
        notes=result.notes,
    )


def comparison_table(views: Sequence[View]) -> pd.DataFrame:
    """The table `engine_comparison` of the contracts: one row per view and channel.

    The verdict on a channel is over the views that count:
    `disagree`: two intervals do not even touch; `differ`: all touch, but some estimate lies outside another's interval;
    `agree`: every estimate lies inside every interval; `single`: fewer than two views have an interval.
    """
    usable = [view for view in views if view.status == "ok"]
    if len({view.engine for view in usable}) < 2:
        return pd.DataFrame()
    rows = []
    for view in usable:
        for position, channel in enumerate(view.channels):
            others = {other.title: other.channels[position] for other in usable if other.counts}
            rows.append(
                {
                    "engine": view.engine,
                    "title": view.title,
                    "model": view.model,
                    "counts": view.counts,
                    **{name: value for name, value in channel.model_dump().items() if name != "roi_ess"},
                    "apart_from": ", ".join(_in_disagreement(view, channel, others)) if view.counts else "",
                    "verdict": _verdict(list(others.values())),
                }
            )
    return pd.DataFrame(rows)


def scores_table(views: Sequence[View], observed: np.ndarray) -> pd.DataFrame:
    """The table `engine_scores` of the contracts: one row per view, ours first.

    Args:
        views: with at least one engine beside ours; else the table is empty.
        observed: (H,) KPI of the holdout.
    """
    if len({view.engine for view in views}) < 2:
        return pd.DataFrame()
    ours = next((view for view in views if view.engine == OURS and view.counts), None)
    return pd.DataFrame([_score(view, ours, observed) for view in views])


def _score(view: View, ours: View | None, observed: np.ndarray) -> dict[str, object]:
    forecast = np.array([day.mean for day in view.holdout])
    known = bool(view.channels) and forecast.size > 0
    errors: Mapping[str, float] = (
        {"mape": mape(observed, forecast), "wape": wape(observed, forecast), "rmse": rmse(observed, forecast)}
        if known
        else dict.fromkeys(("mape", "wape", "rmse"), np.nan)
    )
    per_second = view.ess_roi_min / view.seconds if view.ess_roi_min is not None and view.seconds else None
    return {
        "engine": view.engine,
        "title": view.title,
        "model": view.model,
        "version": view.version,
        "status": view.status,
        "reason": view.reason,
        "counts": view.counts,
        **errors,
        "coverage": _coverage(view.holdout, observed) if known else np.nan,
        "rank_correlation": _rank_correlation(view, ours),
        "seconds": view.seconds,
        "ess_roi_min": view.ess_roi_min,
        "ess_roi_per_second": per_second,
        "rhat_max": view.rhat_max,
        "divergences": view.divergences,
        "notes": "; ".join(view.notes),
    }


def _coverage(days: Sequence[ForecastDay], observed: np.ndarray) -> float:
    """Share of holdout days inside their interval; NaN for point forecasts."""
    inside = [
        day.low <= seen <= day.high
        for day, seen in zip(days, observed, strict=True)
        if day.low is not None and day.high is not None
    ]
    return float(np.mean(inside)) if len(inside) == len(days) else float("nan")


def _rank_correlation(view: View, ours: View | None) -> float:
    """Spearman's, of ROI over channels with ours; NaN where it does not exist."""
    if ours is None or view is ours or view.status != "ok" or len(view.channels) < 3:
        return float("nan")
    theirs, own = ([channel.roi for channel in side.channels] for side in (view, ours))
    if np.ptp(theirs) == 0 or np.ptp(own) == 0:
        return float("nan")
    return float(spearmanr(theirs, own).statistic)


def _in_disagreement(view: View, channel: ChannelResult, others: Mapping[str, ChannelResult]) -> list[str]:
    """Engines whose interval does not touch this one's."""
    return [title for title, other in others.items() if title != view.title and _disagree(channel, other)]


def _verdict(channels: Sequence[ChannelResult]) -> str:
    known = [channel for channel in channels if channel.roi_low is not None]
    if len(known) < 2:
        return "single"
    if any(_disagree(one, other) for one, other in combinations(known, 2)):
        return "disagree"
    inside = all(_holds(one, other.roi) and _holds(other, one.roi) for one, other in combinations(known, 2))
    return "agree" if inside else "differ"


def _disagree(one: ChannelResult, other: ChannelResult) -> bool:
    if one.roi_low is None or one.roi_high is None or other.roi_low is None or other.roi_high is None:
        return False
    return one.roi_high < other.roi_low or other.roi_high < one.roi_low


def _holds(channel: ChannelResult, roi: float) -> bool:
    return channel.roi_low is not None and channel.roi_high is not None and channel.roi_low <= roi <= channel.roi_high
