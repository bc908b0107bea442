"""Meridian, Google's successor of LightweightMMM, by its JAX backend on the CPU; with ROI priors; markets are geos."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("MERIDIAN_BACKEND", "jax")

import numpy as np
from exchange import Request, Result, channel_result, forecast, parameters, serve

_LAGS = 13
"""Days of carry-over that are kept, as in LightweightMMM's `carryover`."""
_DAYS_PER_KNOT = 28
_DEFAULT_ROI = (0.2, 0.9)
"""Location and scale of the log-Normal that Meridian itself assumes of every channel's ROI."""
_LEAST_ADAPTATION = 400
"""Draws without which its steps were so ill adapted that every one diverged."""
_PRIOR_DRAWS = 200
_MULTIPLIERS = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]


def fit(request: Request, say: Callable[[str], None]) -> Result:
    """Fit with Meridian's NUTS; weekday and features are controls, a spline of 28 days per knot the baseline."""
    from meridian import backend
    from meridian.analysis import analyzer
    from meridian.model import model, prior_distribution, spec

    days = len(request.dates)
    holdout = np.arange(days) >= request.train_days
    if request.markets:
        holdout = np.tile(holdout, (len(request.markets.names), 1))
    roi = backend.tfd.LogNormal(*_roi_priors(request), name="roi_m")
    apart = int((np.datetime64(request.dates[1]) - np.datetime64(request.dates[0])).astype(int))
    knots = list(range(0, request.train_days, max(1, _DAYS_PER_KNOT // apart)))
    mmm = model.Meridian(
        input_data=_data(request),
        model_spec=spec.ModelSpec(
            prior=prior_distribution.PriorDistribution(roi_m=roi),
            max_lag=_LAGS,
            knots=knots,
            holdout_id=holdout if holdout.any() else None,
        ),
    )
    say(f"{request.chains} chains of {request.warmup} + {request.draws}")
    began = time.perf_counter()
    adapt = max(_LEAST_ADAPTATION, request.warmup // 2)
    target = request.target_accept
    mmm.sample_posterior(
        n_chains=request.chains,
        n_adapt=adapt,
        n_burnin=max(1, request.warmup - adapt),
        n_keep=request.draws,
        seed=request.seed,
        **({} if target is None else {"dual_averaging_kwargs": {"target_accept_prob": target}}),
    )
    seconds = time.perf_counter() - began
    say(f"drawn in {seconds:.0f} s")

    analysis = analyzer.Analyzer(model_context=mmm.model_context, inference_data=mmm.inference_data)
    train = list(request.dates[: request.train_days])
    daily = np.asarray(analysis.incremental_outcome(selected_times=train, aggregate_times=False), dtype=float)
    expected = np.asarray(analysis.expected_outcome(aggregate_times=False), dtype=float)  # (chain, draw, T + H)
    totals = daily.sum(axis=2)  # (chain, draw, C)
    posterior = mmm.inference_data.posterior
    mean = expected[:, :, request.train_days :].reshape(-1, request.holdout_days)
    result = Result(
        model="geometric adstock, Hill, spline baseline" + (", by market" if request.markets else ""),
        channels=[channel_result(request, c, totals[:, :, c]) for c in range(len(request.channels))],
        baseline=expected[:, :, : request.train_days].mean(axis=(0, 1)) - daily.mean(axis=(0, 1)).sum(axis=1),
        contributions=daily.mean(axis=(0, 1)),
        holdout=forecast(request, mean + _noise(request, posterior, mean.shape), mean.mean(axis=0)),
        parameters=parameters({name: posterior[name].to_numpy() for name in _sampled(posterior)}),
        divergences=int(np.asarray(mmm.inference_data.sample_stats["diverging"]).sum()),
        seconds_fit=seconds,
    )
    result.curves = _curves(request, analysis, train, result.notes)
    if request.markets:
        result.notes.append("the size of a market, which Meridian wants for geos, is its mean KPI")
    _summary(request, mmm, train, result.notes, say)
    return result


def _data(request: Request) -> Any:
    """Meridian's input; the KPI of the holdout, which it masks, is not known and filled with the train mean."""
    import pandas as pd
    from meridian.data import data_frame_input_data_builder

    apart = request.markets
    if apart is None:
        frame = _frame(request, request.media, request.spend, request.kpi, pd)
    else:
        parts = zip(apart.names, apart.media, apart.spend, apart.kpi, strict=True)
        frame = pd.concat(
            [
                _frame(request, media, spend, kpi, pd).assign(geo=name, population=kpi.mean())
                for name, media, spend, kpi in parts
            ]
        )
    builder = data_frame_input_data_builder.DataFrameInputDataBuilder(
        kpi_type="revenue", default_kpi_column="kpi", default_time_column="time"
    )
    builder = builder.with_kpi(frame)
    if apart is not None:
        builder = builder.with_population(frame)
    controls = [name for name in frame if str(name).startswith(("feature_", "weekday_"))]
    if controls:
        builder = builder.with_controls(frame, control_cols=controls)
    columns = range(len(request.channels))
    builder = builder.with_media(
        frame,
        media_cols=[f"media_{c}" for c in columns],
        media_spend_cols=[f"spend_{c}" for c in columns],
        media_channels=list(request.channels),
    )
    return builder.build()


def _frame(request: Request, media: np.ndarray, spend: np.ndarray, kpi: np.ndarray, pd: Any) -> Any:
    """All days of one market, or of all together."""
    frame = pd.DataFrame({"time": list(request.dates)})
    columns = range(len(request.channels))
    frame[[f"media_{c}" for c in columns]] = media
    frame[[f"spend_{c}" for c in columns]] = spend
    frame["kpi"] = _filled(request, kpi)
    frame[[f"feature_{f}" for f in range(len(request.features))]] = request.feature_values
    if request.weekday:
        weekday = pd.to_datetime(frame["time"]).dt.weekday
        for day in range(1, 7):
            frame[f"weekday_{day}"] = (weekday == day).astype(float)
    return frame


def _filled(request: Request, kpi: np.ndarray) -> np.ndarray:
    """(T + H,) KPI of the train days, then their mean."""
    return np.append(kpi, np.full(request.holdout_days, kpi.mean()))


def _roi_priors(request: Request) -> tuple[np.ndarray, np.ndarray]:
    """(C,) locations and scales of log-Normals: what is believed of a channel's ROI, else Meridian's default."""
    locations, scales = [], []
    for name in request.channels:
        location, scale = _DEFAULT_ROI
        if name in request.roi_priors:
            mean, sd = request.roi_priors[name]
            scale = math.sqrt(math.log1p((sd / mean) ** 2))
            location = math.log(mean) - scale**2 / 2
        locations.append(location)
        scales.append(scale)
    return np.array(locations, dtype=np.float64), np.array(scales, dtype=np.float64)


def _noise(request: Request, posterior: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Noise, which `expected_outcome` has not: that of every market, by the scales of all days that Meridian was given.

    Its KPI is that per head, less its mean and over its standard deviation, of all markets and days.
    """
    markets = request.kpi[None] if request.markets is None else request.markets.kpi
    size = np.ones(1) if request.markets is None else markets.mean(axis=1)
    unit = np.std([_filled(request, kpi) / heads for kpi, heads in zip(markets, size, strict=True)])
    sigma = posterior["sigma"].to_numpy().reshape(shape[0], -1)  # (S, 1), or one per market
    return (
        np.random.default_rng(request.seed).standard_normal(shape)
        * unit
        * np.hypot.reduce(np.broadcast_to(sigma * size, (shape[0], len(size))), axis=1, keepdims=True)
    )


def _sampled(posterior: Any) -> list[str]:
    """Parameters that say something of convergence; those fixed or derived from others are left out."""
    wanted = ("roi_m", "alpha_m", "ec_m", "slope_m", "knot_values", "gamma_c", "sigma")
    return [name for name in wanted if name in posterior and float(posterior[name].std()) > 0]


def _curves(request: Request, analysis: Any, train: list[str], notes: list[str]) -> list[dict[str, Any]]:
    """Its own response curves: the window's pattern of spend, scaled; told per day."""
    found = analysis.response_curves(
        spend_multipliers=_MULTIPLIERS, selected_times=train, confidence_level=request.credible_interval
    )
    notes.append("response curves scale the window's pattern of spend instead of holding it constant")
    outcome, spend = found["incremental_outcome"] / request.train_days, found["spend"] / request.train_days
    rows = []
    for name in request.channels:
        kpi = {metric: outcome.sel(channel=name, metric=metric).to_numpy() for metric in ("mean", "ci_lo", "ci_hi")}
        rows.append(
            {
                "channel": name,
                "spend": spend.sel(channel=name).to_numpy(),
                "kpi": kpi["mean"],
                "low": kpi["ci_lo"],
                "high": kpi["ci_hi"],
            }
        )
    return rows


def _summary(request: Request, mmm: Any, train: list[str], notes: list[str], say: Callable[[str], None]) -> None:
    """Its own HTML summary, kept beside the result; it loads its charts' scripts from the network."""
    from meridian.analysis import summarizer

    say("its summary is written")
    try:
        mmm.sample_prior(_PRIOR_DRAWS, seed=request.seed)  # the summary tells prior and posterior apart
        summarizer.Summarizer(mmm).output_model_results_summary(
            "summary.html", str(request.files), start_date=train[0], end_date=train[-1]
        )
    except Exception as error:  # a page that cannot be drawn is no reason to lose a posterior
        notes.append(f"its summary failed: {type(error).__name__}: {error}")


if __name__ == "__main__":
    serve("google-meridian", fit, also=("jax", "tfp-nightly"))
