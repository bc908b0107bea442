"""Earlier dates against what happened after: was the forecast right, was the advice steady, did the plan keep its word?

The forecast of a date is conditional on the media bought and the extra features of the days that followed, so that it
judges the model and not whoever planned the media.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.data.model_data import Holdout
from mmm_pipeline.mmm.evaluation.drift import MATERIAL_MOVE
from mmm_pipeline.mmm.evaluation.naive import score_naive_forecasts
from mmm_pipeline.mmm.evaluation.scores import HoldoutScore, RankingError, pooled, score_fit
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.response.channel_responses import channel_responses
from mmm_pipeline.tables.backtest import BACKTEST
from mmm_pipeline.tables.frames import column_types, frame_of

__all__ = ["Forecast", "backtest_summary", "backtest_table", "channel_rows", "forecast_of", "plan_gain", "steadiness"]


@dataclass(frozen=True)
class Forecast:
    """A champion and the naive forecasts on the days that followed its date.

    Attributes:
        score: of the champion.
        naive: the contract `naive_forecasts` of the same days.
        error: which error decides.
    """

    score: HoldoutScore
    naive: pd.DataFrame
    error: RankingError

    def row(self) -> dict[str, Any]:
        """The columns of the contract `backtest` that are about the forecast."""
        score, best = self.score, self.naive.loc[self.naive["is_best"]].iloc[0]
        return {
            "periods": score.observed.size,
            **{name: score.error(name) for name in ("mape", "wape", "crps")},
            "bias": float(score.forecast.sum() / score.observed.sum() - 1),
            "coverage_50": score.coverage_50,
            "coverage_90": score.coverage_90,
            "naive_forecast": str(best["forecast"]),
            "naive_mape": float(best["mape"]),
            "naive_wape": float(best["wape"]),
            "skill": _skill(score.error(self.error), float(best[self.error])),
        }


def forecast_of(
    fit: Fit, known_kpi: np.ndarray, following: Holdout, *, error: RankingError = "mape", seed: int = 0
) -> Forecast:
    """Score the champion of a date on the H days that follow it.

    Args:
        fit: fitted on the T days up to the date.
        known_kpi: (T,) their KPI, of all markets together.
        following: the H days after, in their own units.
        error: which error ranks the naive forecasts, and is compared.
        seed: of the predictive noise.

    Raises:
        ModelInputError: channels, features or days do not match the fit, or the KPI is zero on all H days.
    """
    score = score_fit(fit, following.media, following.kpi, following.features, seed=seed)
    naive = score_naive_forecasts([(known_kpi, score.observed)], error=error, step=fit.data.grid.step)
    return Forecast(score, naive, error)


def steadiness(drift: pd.DataFrame, before: pd.DataFrame, now: pd.DataFrame) -> dict[str, Any]:
    """How far ROI and advice moved since the date before: columns of the contract `backtest`.

    Args:
        drift: the contract `drift` between the two champions.
        before: the contract `attribution` of the date before.
        now: that of this date.
    """
    both = now.set_index("channel").join(before.set_index("channel"), how="inner", rsuffix="_before")
    earlier, present = both["roi_before"].to_numpy(float), both["roi"].to_numpy(float)
    weight = both["spend"].to_numpy(float)
    caused = float((weight * earlier).sum())
    varies = len(both) > 1 and np.ptp(earlier) > 0 and np.ptp(present) > 0
    ranks = np.corrcoef(both["roi_before"].rank(), both["roi"].rank())[0, 1] if varies else np.nan
    flips = drift["recommendation"].isin(["flip_by_data", "flip_by_spend", "flip_unsupported"])
    return {
        "channels": len(both),
        "roi_change": float((weight * np.abs(present - earlier)).sum()) / caused if caused > 0 else np.nan,
        "roi_rank_correlation": float(ranks),
        "roi_outside": int(((both["roi"] < both["roi_low_before"]) | (both["roi"] > both["roi_high_before"])).sum()),
        "flips": int(flips.sum()),
        "flips_unsupported": int((drift["recommendation"] == "flip_unsupported").sum()),
    }


def plan_gain(fit: Fit, plan: pd.DataFrame, horizon: int, count_after_horizon: bool) -> float:
    """Expected media KPI of a plan less that of the spend it was compared with, as this posterior sees it.

    Channels that the posterior does not know are left out of both.

    Args:
        fit: the posterior that judges.
        plan: the contract `budget_plan`, made with any posterior.
        horizon: length of the plan.
        count_after_horizon: whether effect carried over to the days after the horizon counts.
    """
    fit = fit.paid
    responses = channel_responses(fit, horizon, count_after_horizon=count_after_horizon)
    known = dict(zip(fit.data.channels, responses, strict=True))
    gain = 0.0
    for channel, optimal, current in plan[["channel", "optimal_spend", "current_spend"]].to_numpy():
        if channel in known:
            planned, compared = (known[channel].outcome(float(spend)).kpi for spend in (optimal, current))
            gain += float(planned.mean() - compared.mean())
    return gain


def channel_rows(as_of: Any, attribution: pd.DataFrame, plan: pd.DataFrame, drift: pd.DataFrame | None) -> pd.DataFrame:
    """The contract `backtest_channels` of one date; without an earlier date, what changed stays empty."""
    spend = plan.set_index("channel")[["current_spend", "optimal_spend"]]
    rows = attribution[["channel", "roi", "roi_low", "roi_high"]].join(spend, on="channel", how="inner")
    rows = rows.rename(columns={"optimal_spend": "planned_spend"}).reset_index(drop=True)
    move = rows["planned_spend"] - rows["current_spend"]
    material = move.abs() > MATERIAL_MOVE * rows["current_spend"]
    rows["direction"] = np.where(material, np.where(move > 0, "increase", "decrease"), "hold")
    rows.insert(0, "as_of", pd.Timestamp(as_of))
    changed = pd.DataFrame(columns=["change", "verdict", "recommendation"], dtype=object)
    if drift is not None:
        changed = drift.set_index("channel")[["change", "verdict", "recommendation"]]
    changed = changed.reindex(rows["channel"]).rename(columns={"change": "roi_change"}).reset_index(drop=True)
    changed["roi_change"] = changed["roi_change"].astype(float)
    rows = pd.concat([rows, changed], axis=1)
    for name in ("verdict", "recommendation"):
        rows[name] = rows[name].astype(object).where(rows[name].notna(), None)
    return rows


def backtest_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The contract `backtest`, in the order of the dates; what a failed date lacks is empty, its counts 0."""
    types = column_types(BACKTEST)
    counts = {name: 0 for name, kind in types.items() if kind == "int64"}
    table = frame_of(BACKTEST, [{**counts, **row} for row in rows]).sort_values("as_of", ignore_index=True)
    texts = [name for name, kind in types.items() if kind == "object"]
    table[texts] = table[texts].where(table[texts].notna(), None)
    return table


def backtest_summary(table: pd.DataFrame, forecasts: Sequence[Forecast]) -> dict[str, Any]:
    """All dates together, their days pooled: a day that several dates forecast counts for each of them.

    Args:
        table: the contract `backtest`.
        forecasts: those of the scored dates, at least one.

    Returns:
        `dates`, `scored`, `days`, `mape`, `wape`, `coverage_50`, `coverage_90`, `naive_wape`, `skill` (against the best
        naive forecast of every date), `beaten`: dates on which the champion was better than that, `roi_change`,
        `compared` (pairs of a channel and a date), `flips`, `flips_unsupported`.
    """
    score = pooled([forecast.score for forecast in forecasts])
    scored = table.loc[table["status"] == "scored"]
    error = forecasts[0].error
    naive = [float(forecast.naive[error].min()) for forecast in forecasts]
    own = [forecast.score.error(error) for forecast in forecasts]
    days = scored["periods"].to_numpy(float)
    kpi = np.array([forecast.score.observed.sum() for forecast in forecasts])
    change = scored["roi_change"].mean()
    return {
        "dates": len(table),
        "scored": len(scored),
        "periods": int(days.sum()),
        "mape": score.mape,
        "wape": score.wape,
        "coverage_50": score.coverage_50,
        "coverage_90": score.coverage_90,
        "naive_wape": float((scored["naive_wape"].to_numpy(float) * kpi).sum() / kpi.sum()),
        "skill": _skill(float(np.mean(own)), float(np.mean(naive))),
        "beaten": int(sum(mine < best for mine, best in zip(own, naive, strict=True))),
        "roi_change": None if np.isnan(change) else float(change),
        "compared": int(scored["channels"].sum()),
        "flips": int(scored["flips"].sum()),
        "flips_unsupported": int(scored["flips_unsupported"].sum()),
    }


def _skill(error: float, naive: float) -> float:
    return 1 - error / naive if naive > 0 else np.nan
