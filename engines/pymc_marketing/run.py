"""PyMC-Marketing's MMM: geometric adstock, the saturation closest to the champion's, its own default priors."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from exchange import Request, Result, channel_result, curves, forecast, parameters, serve

_LAGS = 13
"""Days of carry-over that are kept, as in LightweightMMM's `carryover`."""
_DATE, _KPI, _TREND = "date", "kpi", "trend"


def fit(request: Request, say: Callable[[str], None]) -> Result:
    """Fit with PyMC's NUTS; weekday, trend and features are control columns."""
    import pandas as pd
    from pymc_marketing.mmm import GeometricAdstock, HillSaturation, RootSaturation
    from pymc_marketing.mmm.multidimensional import MMM

    hill = request.model.startswith("hill")
    names = [f"media_{c}" for c in range(len(request.channels))]  # of any letters, they would have to be columns
    frame = _frame(request, names, pd)
    train, ahead = frame.iloc[: request.train_days], frame.iloc[request.train_days :].drop(columns=_KPI)
    mmm = MMM(
        date_column=_DATE,
        channel_columns=names,
        target_column=_KPI,
        adstock=GeometricAdstock(l_max=_LAGS),
        saturation=HillSaturation() if hill else RootSaturation(),
        control_columns=[name for name in frame if name not in (_DATE, _KPI, *names)],
        yearly_seasonality=request.degrees or None,
    )
    observed = pd.Series(request.kpi, name=_KPI, index=train.index)
    say(f"{request.chains} chains of {request.warmup} + {request.draws}")
    began = time.perf_counter()
    features = train.drop(columns=_KPI)
    mmm.build_model(features, observed)
    mmm.add_original_scale_contribution_variable(var=["channel_contribution"])
    mmm.fit(
        features,
        observed,
        chains=request.chains,
        cores=request.chains,
        tune=request.warmup,
        draws=request.draws,
        random_seed=request.seed,
        progressbar=False,
    )
    seconds = time.perf_counter() - began
    say(f"drawn in {seconds:.0f} s")

    posterior = mmm.idata["posterior"]
    daily = posterior["channel_contribution_original_scale"].transpose("chain", "draw", "date", "channel").to_numpy()
    totals = daily.sum(axis=2)
    predicted = _ahead(request, mmm, ahead)
    free = [variable.name for variable in mmm.model.free_RVs]
    return Result(
        model=f"geometric adstock, {'Hill' if hill else 'root'} saturation",
        channels=[channel_result(request, c, totals[:, :, c]) for c in range(len(names))],
        contributions=daily.mean(axis=(0, 1)),
        holdout=forecast(request, predicted),
        curves=curves(request, _steady(request, posterior, hill)),
        parameters=parameters({name: posterior[name].transpose("chain", "draw", ...).to_numpy() for name in free}),
        divergences=int(mmm.idata["sample_stats"]["diverging"].sum()),
        seconds_fit=seconds,
        notes=["beliefs on ROI are not passed on: its priors are those of the package"] if request.roi_priors else [],
    )


def _frame(request: Request, names: list[str], pd: Any) -> Any:
    """All days: date, media, trend, six weekdays, features and, on the train days, the KPI."""
    dates = pd.to_datetime(list(request.dates))
    frame = pd.DataFrame({_DATE: dates})
    frame[names] = request.media
    frame[_TREND] = np.arange(len(dates)) / request.train_days
    if request.weekday:
        for day in range(1, 7):
            frame[f"weekday_{day}"] = (dates.weekday == day).astype(float)
    for f in range(len(request.features)):
        values = request.feature_values[:, f]
        frame[f"feature_{f}"] = values / (np.abs(values[: request.train_days]).mean() or 1.0)
    frame[_KPI] = np.nan
    frame.loc[: request.train_days - 1, _KPI] = request.kpi
    return frame


def _ahead(request: Request, mmm: Any, days: Any) -> np.ndarray:
    """(S, H) draws of the holdout's KPI, noise included, with what the train days carry over."""
    if not request.holdout_days:
        return np.empty((0, 0))
    drawn = mmm.sample_posterior_predictive(
        days,
        include_last_observations=True,
        extend_idata=False,
        combined=False,
        random_seed=request.seed,
        var_names=["y"],
        progressbar=False,
    )
    values = drawn["y"].transpose("chain", "draw", "date").to_numpy()
    return values.reshape(-1, values.shape[-1]) * float(np.max(np.abs(request.kpi)))


def _steady(request: Request, posterior: Any, hill: bool) -> np.ndarray:
    """(S, points, C) KPI per day at a constant spend; its adstock is normalised, so that only saturation is left."""
    price = request.train_spend / request.train_media.sum(axis=0)
    level = request.spend_grid() / price / request.train_media.max(axis=0)  # its scaler divides by the maximum

    def drawn(name: str) -> np.ndarray:
        values = posterior[name].transpose("chain", "draw", ...).to_numpy()
        return values.reshape(-1, 1, values.shape[-1] if values.ndim > 2 else 1)

    beta = drawn("saturation_beta")
    if hill:
        slope, kappa = drawn("saturation_slope"), drawn("saturation_kappa")
        bent = level**slope / (kappa**slope + level**slope)
    else:
        bent = level ** drawn("saturation_alpha")
    return bent * beta * float(np.max(np.abs(request.kpi)))


if __name__ == "__main__":
    serve("pymc-marketing", fit, also=("pymc", "pytensor"))
