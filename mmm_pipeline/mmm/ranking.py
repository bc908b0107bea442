"""The leaderboard: every spec scored on the same holdout, and the rule by which one of them wins.

The rule, place by place: among the specs that converged and have no place yet, find the smallest holdout MAPE; every
spec whose MAPE is worse by at most one standard error of the paired daily differences ties with it; of those that tie
the simplest gets the place. Simpler is: fewer Fourier pairs, then fewer parameters per channel (adstock before
hill_adstock and carryover), then the smaller MAPE. A spec without a converged fit gets no place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from mmm_pipeline.errors import ModelInputError, ModelNotConverged
from mmm_pipeline.mmm.diagnostics import Convergence
from mmm_pipeline.mmm.fit import Fit
from mmm_pipeline.mmm.metrics import absolute_percentage_errors, coverage, crps, mape, rmse, wape
from mmm_pipeline.mmm.panel_fit import PanelFit
from mmm_pipeline.mmm.specs import ModelSpec
from mmm_pipeline.mmm.transforms import MEDIA_PARAMETERS

__all__ = [
    "Entry",
    "HoldoutScore",
    "build_leaderboard",
    "choose_champion",
    "entry_of_fit",
    "entry_without_fit",
    "score_fit",
]

WithoutFit = Literal["failed", "missing", "stale"]


@dataclass(frozen=True)
class HoldoutScore:
    """Errors of a posterior predictive on the holdout; T days.

    Attributes:
        mape, wape, rmse: of the posterior predictive mean.
        crps: of the posterior predictive draws, KPI units.
        coverage_50, coverage_90: share of days inside the central intervals.
        percentage_errors: (T,) absolute percentage error of each day; NaN where the KPI is zero.
    """

    mape: float
    wape: float
    rmse: float
    crps: float
    coverage_50: float
    coverage_90: float
    percentage_errors: np.ndarray

    @property
    def zero_days(self) -> int:
        """Days that MAPE leaves out because the KPI is zero on them."""
        return int(np.isnan(self.percentage_errors).sum())


@dataclass(frozen=True)
class Entry:
    """What the leaderboard knows of one spec.

    Attributes:
        spec: the model.
        score: its errors on the holdout; None without a usable fit.
        convergence: the verdict on its posterior; None without a usable fit.
        attempts: sampler runs it took.
        seconds: wall time of the fit.
        status: why there is no usable fit; None when there is one.
        reason: the same in words.
    """

    spec: ModelSpec
    score: HoldoutScore | None = None
    convergence: Convergence | None = None
    attempts: int | None = None
    seconds: float | None = None
    status: WithoutFit | None = None
    reason: str | None = None

    @property
    def converged(self) -> bool:
        return self.convergence is not None and self.convergence.converged


def score_fit(
    fit: Fit | PanelFit,
    holdout_media: xr.DataArray | np.ndarray,
    holdout_kpi: xr.DataArray | np.ndarray,
    features: xr.DataArray | np.ndarray | None = None,
    *,
    seed: int = 0,
) -> HoldoutScore:
    """Score a fit on the days that follow its window.

    The point forecast is the mean of the posterior predictive, computed without its noise, whose mean is zero; CRPS and
    coverage use draws with noise.

    Args:
        fit: the posterior, fitted on the train window.
        holdout_media: (H, C) media units; of a panel labelled (market, time, channel).
        holdout_kpi: (H,) observed KPI, of all markets together.
        features: (H, F), when the model has features.
        seed: of the predictive noise.

    Raises:
        ModelInputError: media or features do not match the fit, or the KPI is zero on every holdout day.
    """
    observed = np.asarray(holdout_kpi, dtype=float)
    if not (observed > 0).any():
        raise ModelInputError(f"the KPI is zero on all {observed.size} holdout days: no percentage error exists")
    mean = fit.predict_mean(holdout_media, features=features).mean(("chain", "draw")).to_numpy()
    draws = fit.predict(holdout_media, features=features, seed=seed).to_numpy().reshape(-1, observed.size)
    return HoldoutScore(
        mape=mape(observed, mean),
        wape=wape(observed, mean),
        rmse=rmse(observed, mean),
        crps=crps(observed, draws),
        coverage_50=coverage(observed, draws, 0.5),
        coverage_90=coverage(observed, draws, 0.9),
        percentage_errors=absolute_percentage_errors(observed, mean),
    )


def entry_of_fit(fit: Fit | PanelFit, score: HoldoutScore) -> Entry:
    """The entry of a fit, converged or not."""
    return Entry(fit.spec, score, fit.convergence, len(fit.attempts), fit.seconds)


def entry_without_fit(spec: ModelSpec, status: WithoutFit, reason: str) -> Entry:
    """The entry of a spec that failed, was never fitted, or was fitted on other inputs."""
    return Entry(spec, status=status, reason=reason)


def build_leaderboard(entries: Sequence[Entry], naive: pd.DataFrame) -> pd.DataFrame:
    """The table `leaderboard` of the contracts: ranked specs first, then the others by their error.

    Args:
        entries: one per spec.
        naive: the table `naive_forecasts` of the same holdout; skill compares with its best MAPE.
    """
    ranked = _ranked(entries)
    unranked = sorted((e for e in entries if not e.converged), key=lambda e: (e.score is None, _mape(e), e.spec.key))
    best_naive = float(naive["mape"].min())
    rows = [_row(entry, place, best_naive) for place, entry in enumerate(ranked, start=1)]
    rows += [_row(entry, None, best_naive) for entry in unranked]
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    return table.astype({name: kind for name, kind in _COLUMNS.items() if kind})


def choose_champion(leaderboard: pd.DataFrame) -> str:
    """Key of the winning spec, `adstock|degrees`.

    Raises:
        ModelNotConverged: no spec converged; the message says what each of them missed and what to change.
    """
    winner = leaderboard[leaderboard["is_champion"]]
    if len(winner):
        row = winner.iloc[0]
        return f"{row['adstock']}|{row['degrees']}"
    specs = [
        f"  {adstock}|{degrees}: {status}: {reason or 'no reason recorded'}"
        for adstock, degrees, status, reason in leaderboard[["adstock", "degrees", "status", "reason"]].to_numpy()
    ]
    raise ModelNotConverged(
        "no spec converged, so there is no champion and nothing below it can be trusted:\n"
        + "\n".join(specs or ["  no spec was asked for"])
        + "\nRaise sampler.warmup, sampler.draws or sampler.target_accept, give the data fewer channels or more days, "
        "fit the missing specs, or loosen convergence.rhat_max and convergence.ess_min knowingly."
    )


_COLUMNS: dict[str, str] = {
    "rank": "Int64",
    "adstock": "",
    "degrees": "int64",
    "status": "",
    "reason": "",
    "is_champion": "bool",
    **dict.fromkeys(("mape", "wape", "rmse", "crps", "coverage_50", "coverage_90", "skill"), "float64"),
    **dict.fromkeys(("rhat_max", "ess_bulk_min", "ess_tail_min"), "float64"),
    "divergences": "Int64",
    "attempts": "Int64",
    "seconds": "float64",
}


def _ranked(entries: Sequence[Entry]) -> list[Entry]:
    waiting = [entry for entry in entries if entry.converged and entry.score is not None]
    ranked = []
    while waiting:
        best = min(waiting, key=lambda entry: (_mape(entry), _complexity(entry.spec)))
        tied = [entry for entry in waiting if _ties(entry, best)]
        place = min(tied, key=lambda entry: (_complexity(entry.spec), _mape(entry), entry.spec.key))
        ranked.append(place)
        waiting.remove(place)
    return ranked


def _complexity(spec: ModelSpec) -> tuple[int, int]:
    return spec.degrees, len(MEDIA_PARAMETERS[spec.adstock])


def _ties(entry: Entry, best: Entry) -> bool:
    """Whether the paired daily errors cannot tell the two apart by more than one standard error."""
    if entry is best:
        return True
    assert entry.score is not None
    assert best.score is not None
    worse = entry.score.percentage_errors - best.score.percentage_errors
    worse = worse[~np.isnan(worse)]
    if len(worse) < 2:
        return bool(worse.mean() <= 0)
    return bool(worse.mean() <= worse.std(ddof=1) / np.sqrt(len(worse)))


def _mape(entry: Entry) -> float:
    return float("inf") if entry.score is None else entry.score.mape


def _row(entry: Entry, place: int | None, best_naive: float) -> dict[str, object]:
    score, convergence = entry.score, entry.convergence
    status = entry.status or ("converged" if entry.converged else "not_converged")
    row: dict[str, object] = {
        "rank": place,
        "adstock": entry.spec.adstock,
        "degrees": entry.spec.degrees,
        "status": status,
        "reason": _reason(entry),
        "is_champion": place == 1,
        "attempts": entry.attempts,
        "seconds": entry.seconds,
    }
    if score is not None:
        row |= {name: getattr(score, name) for name in ("mape", "wape", "rmse", "crps", "coverage_50", "coverage_90")}
        row["skill"] = 1 - score.mape / best_naive if best_naive > 0 else None
    if convergence is not None:
        row |= {
            name: getattr(convergence, name) for name in ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences")
        }
    return row


def _reason(entry: Entry) -> str | None:
    reasons = [entry.reason] if entry.reason else []
    if entry.convergence is not None:
        reasons += entry.convergence.failures
    if entry.score is not None and entry.score.zero_days:
        reasons.append(f"MAPE leaves out {entry.score.zero_days} holdout days whose KPI is zero")
    return "; ".join(reasons) or None
