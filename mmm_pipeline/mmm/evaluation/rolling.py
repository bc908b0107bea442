"""Rolling-origin evaluation: the same forecast asked of a spec several times, each time with fewer days to learn from.

With k origins and a holdout of H days, the last k blocks of H days are forecast one by one, each by a fit on all days
before it; the last block is the holdout itself. One holdout of 28 days is one throw of the dice, k of them are k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.model_data import ModelData, constant_features, model_data, train_days
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.mmm.evaluation.scores import (
    RANKING_ERRORS,
    HoldoutScore,
    RankingError,
    pooled,
    score_fit,
    standard_error,
)
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.diagnostics import Convergence
from mmm_pipeline.tables.comparison import ROLLING_ORIGINS
from mmm_pipeline.tables.frames import frame_of

__all__ = [
    "Window",
    "convergence_of_all",
    "rolling_table",
    "rolling_windows",
    "score_window",
    "window_data",
]


@dataclass(frozen=True)
class Window:
    """One origin: periods 0 .. start are learned from, start .. end are forecast (positions along `time`).

    Attributes:
        start: first forecast period.
        end: the period after the last one.
        origin: first day of the first forecast period, YYYY-MM-DD.
    """

    start: int
    end: int
    origin: str


def rolling_windows(dataset: xr.Dataset, origins: int) -> tuple[Window, ...]:
    """The windows, earliest first; the last one forecasts the holdout.

    Args:
        dataset: the model inputs.
        origins: number of windows; 0 and 1: the holdout alone.

    Raises:
        ModelInputError: the earliest window would have fewer periods to learn from than `Step.least_train`, or the KPI
            is the same in all of them or zero in every period that a window forecasts.
    """
    grid = TimeGrid.of_dates(dataset["time"].to_numpy())
    step, least = grid.step, grid.step.least_train
    train = train_days(dataset)
    length, count = len(grid) - train, max(1, origins)
    first = train - (count - 1) * length
    if count > 1 and first < least:
        most = 1 + max(0, (train - least) // length)
        raise ModelInputError(
            f"split.rolling_origins is {origins}: with {step.counted(length)} each, the earliest fit would have "
            f"{max(first, 0)} of the {step.counted(len(grid))} to learn from, and at least {least} are needed; "
            f"accepted are at most {most} origins, or shorten the holdout (split.holdout)"
        )
    starts = [train - back * length for back in range(count - 1, -1, -1)]
    windows = tuple(Window(start, start + length, str(grid.date(start))) for start in starts)
    kpi = (dataset["kpi"].sum("market") if "market" in dataset.dims else dataset["kpi"]).to_numpy()
    for window in windows:
        told = ""
        if np.ptp(kpi[: window.start]) <= 1e-9 * kpi[: window.start].max():
            told = f"the same {step.on} every {step} before it"
        elif not (kpi[window.start : window.end] > 0).any():
            told = f"zero {step.on} all {step.counted(length)} of it"
        if told:
            raise ModelInputError(
                f"split.rolling_origins is {origins}: the forecast window that starts on {window.origin} cannot be "
                f"scored, as the KPI is {told}; use fewer origins or another holdout"
            )
    return windows


def window_data(dataset: xr.Dataset, window: Window) -> ModelData:
    """What a fit learns from in a window.

    Channels without media or spend in it are left out, as if they were new, and so are features that do not vary in it.

    Raises:
        ModelInputError: a value cannot be fitted, or no channel is left.
    """
    days = dataset.isel(time=slice(0, window.start))
    over = [dimension for dimension in ("time", "market") if dimension in days.dims]
    # A channel that never costs anything is organic; of the others, those that are paid already.
    live = (days["media"].sum(over) > 0) & ((days["spend"].sum(over) > 0) | (dataset["spend"].sum(over) == 0))
    if not bool(live.any()):
        raise ModelInputError(f"no channel has media and spend before {window.origin}: use fewer split.rolling_origins")
    kept = dataset if bool(live.all()) else dataset.isel(channel=np.flatnonzero(live.to_numpy()))
    constant = constant_features(kept, days=slice(0, window.start))
    if constant:
        varying = ~np.isin(kept["feature"].to_numpy().astype(str), constant)
        kept = kept.isel(feature=np.flatnonzero(varying)) if varying.any() else kept.drop_dims("feature")
    return model_data(kept, days=slice(0, window.start))


def score_window(fit: Fit, dataset: xr.Dataset, window: Window, *, seed: int = 0) -> HoldoutScore:
    """Errors of a fit on the days that its window forecasts."""
    days = dataset.isel(time=slice(window.start, window.end))
    features = days["feature_values"] if "feature" in days.dims else None
    kpi = days["kpi"].sum("market") if "market" in days.dims else days["kpi"]
    return score_fit(fit, days["media"], kpi, features, seed=seed)


def convergence_of_all(fits: Sequence[tuple[Window, Convergence]]) -> Convergence:
    """The verdict on several windows' posteriors: all must have converged; worst values, failures by window."""
    verdicts = [verdict for _, verdict in fits]
    return Convergence(
        converged=all(verdict.converged for verdict in verdicts),
        rhat_max=max(verdict.rhat_max for verdict in verdicts),
        ess_bulk_min=min(verdict.ess_bulk_min for verdict in verdicts),
        ess_tail_min=min(verdict.ess_tail_min for verdict in verdicts),
        divergences=sum(verdict.divergences for verdict in verdicts),
        failures=tuple(
            replace(failure, before=str(window.origin)) for window, verdict in fits for failure in verdict.failures
        ),
    )


def rolling_table(
    scores: Mapping[str, Sequence[tuple[Window, HoldoutScore, Convergence]]],
    naive: Sequence[pd.DataFrame],
    pooled_naive: pd.DataFrame,
    *,
    error: RankingError = "mape",
) -> pd.DataFrame:
    """The table `rolling_origins` of the contracts: per spec one row a window, earliest first, then the pooled one.

    Args:
        scores: spec key, `adstock|degrees`, -> its windows.
        naive: the table `naive_forecasts` of every window.
        pooled_naive: the same of all windows together.
        error: which error the skill is computed from.
    """
    rows = []
    for key, windows in scores.items():
        for number, (window, score, verdict) in enumerate(windows):
            place = {"origin": window.origin, "train_periods": window.start, "converged": verdict.converged}
            rows.append(_row(key, score, place, float(naive[number][error].min()), error))
        verdict = convergence_of_all([(window, verdict) for window, _, verdict in windows])
        place = {"origin": None, "train_periods": None, "converged": verdict.converged}
        together = pooled([score for _, score, _ in windows])
        rows.append(_row(key, together, place, float(pooled_naive[error].min()), error))
    return frame_of(ROLLING_ORIGINS, rows)


def _row(
    key: str, score: HoldoutScore, place: Mapping[str, object], naive_error: float, error: RankingError
) -> dict[str, object]:
    adstock, _, degrees = key.partition("|")
    return {
        "adstock": adstock,
        "degrees": int(degrees),
        **place,
        "is_pooled": place["origin"] is None,
        "forecast_periods": score.observed.size,
        **{name: score.error(name) for name in RANKING_ERRORS},
        "coverage_50": score.coverage_50,
        "coverage_90": score.coverage_90,
        "standard_error": standard_error(score.daily_errors(error), score.window),
        "naive_error": naive_error,
        "skill": 1 - score.error(error) / naive_error if naive_error > 0 else None,
    }
