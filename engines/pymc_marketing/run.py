"""PyMC-Marketing's MMM: geometric adstock, the saturation closest to the champion's, the priors of its own example.

A power of the media (`RootSaturation`) would be closest to `adstock` and `carryover`, but has no gradient on days
without media, on which the sampler breaks down; the package's logistic curve takes its place. Hill becomes
Michaelis-Menten, which is Hill with a slope of 1, for the same reason.
"""

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
    from pymc_marketing.mmm import GeometricAdstock, LogisticSaturation, MichaelisMentenSaturation
    from pymc_marketing.mmm.multidimensional import MMM

    hill = request.saturation == "Hill"
    names = [f"media_{c}" for c in range(len(request.channels))]  # of any letters, they would have to be columns
    frame = _frame(request, names, pd)
    train, ahead = frame.iloc[: request.train_days], frame.iloc[request.train_days :].drop(columns=_KPI)
    mmm = MMM(
        date_column=_DATE,
        channel_columns=names,
        target_column=_KPI,
        adstock=GeometricAdstock(l_max=_LAGS),
        saturation=MichaelisMentenSaturation() if hill else LogisticSaturation(),
        model_config=_priors(request, "saturation_alpha" if hill else "saturation_beta"),
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
        **({} if request.target_accept is None else {"target_accept": request.target_accept}),
    )
    seconds = time.perf_counter() - began
    say(f"drawn in {seconds:.0f} s")

    posterior = mmm.idata["posterior"]
    daily = posterior["channel_contribution_original_scale"].transpose("chain", "draw", "date", "channel").to_numpy()
    totals = daily.sum(axis=2)
    predicted = _ahead(request, mmm, ahead)
    free = [variable.name for variable in mmm.model.free_RVs]
    return Result(
        model=f"geometric adstock, {'Michaelis-Menten' if hill else 'logistic'} saturation",
        channels=[channel_result(request, c, totals[:, :, c]) for c in range(len(names))],
        contributions=daily.mean(axis=(0, 1)),
        holdout=forecast(request, predicted),
        curves=curves(request, _steady(request, posterior, hill)),
        parameters=parameters({name: posterior[name].transpose("chain", "draw", ...).to_numpy() for name in free}),
        divergences=int(mmm.idata["sample_stats"]["diverging"].sum()),
        seconds_fit=seconds,
        notes=["beliefs on ROI are not passed on: its priors are those of the package"] if request.roi_priors else [],
    )


def _priors(request: Request, coefficient: str) -> dict[str, Any]:
    """Those of the package's example notebook: by its defaults, many channels together would explain all of the KPI
    several times over, and the baseline would be below zero.
    """
    from pymc_extras.prior import Prior

    share = request.train_spend / request.train_spend.sum()
    return {
        "intercept": Prior("Normal", mu=0.5, sigma=0.2),
        coefficient: Prior("HalfNormal", sigma=len(share) * share, dims="channel"),
    }


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

    lam = drawn("saturation_lam")
    if hill:
        bent = drawn("saturation_alpha") * level / (lam + level)
    else:
        bent = drawn("saturation_beta") * np.tanh(lam * level / 2)  # (1 - exp(-lam x)) / (1 + exp(-lam x))
    return bent * float(np.max(np.abs(request.kpi)))


if __name__ == "__main__":
    serve("pymc-marketing", fit, also=("pymc", "pytensor"))
