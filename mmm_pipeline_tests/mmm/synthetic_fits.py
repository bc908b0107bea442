"""Fits whose posterior is made up, for tests of what is done with a posterior: no sampler, any size."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.baseline.seasonality import fourier_names
from mmm_pipeline.mmm.data.model_data import model_data
from mmm_pipeline.mmm.data.time_grid import WEEKDAYS
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.diagnostics import Attempt, Convergence
from mmm_pipeline.mmm.inference.prior import prior_media_parameters
from mmm_pipeline.mmm.reasons import Reason
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["market_dataset", "synthetic_fit", "synthetic_panel_fit"]


def market_dataset(*, channels: int = 3, days: int = 60, seed: int = 0, zero_inflated: bool = True) -> xr.Dataset:
    """Model inputs of a made-up market: media, spend at a price per channel, KPI around 1000 a day."""
    rng = np.random.default_rng(seed)
    media = rng.gamma(2.0, 500.0, (days, channels))
    if zero_inflated:
        media *= rng.random((days, channels)) < 0.8
    media[0] += 100.0
    spend = media * rng.uniform(0.005, 0.05, channels) * rng.uniform(0.9, 1.1, (days, channels))
    kpi = 800.0 + 0.05 * media.sum(axis=1) + rng.normal(0, 40.0, days)
    return xr.Dataset(
        {"media": (("time", "channel"), media), "spend": (("time", "channel"), spend), "kpi": ("time", kpi)},
        coords={
            "time": np.datetime64("2025-03-03", "ns") + np.arange(days) * np.timedelta64(1, "D"),
            "channel": [f"channel {c}" for c in range(channels)],
        },
    )


def synthetic_fit(
    adstock: str = "adstock",
    *,
    channels: int = 3,
    days: int = 60,
    draws: int = 100,
    chains: int = 2,
    degrees: int = 1,
    seed: int = 0,
    converged: bool = True,
    effect: float = 0.2,
    dataset: xr.Dataset | None = None,
) -> Fit:
    """A fit whose media parameters are draws of the prior, the coefficients times `effect`, around a flat baseline."""
    spec = ModelSpec(adstock=adstock, degrees=degrees)
    data = model_data(market_dataset(channels=channels, days=days, seed=seed) if dataset is None else dataset)
    rng = np.random.default_rng(seed + 1)
    index = {"chain": np.arange(chains), "draw": np.arange(draws)}
    posterior = xr.Dataset(coords=index)
    for name, values in prior_media_parameters(spec, data, chains * draws, seed).items():
        if name == "media_coefficient":
            values = values * effect
        posterior[name] = xr.DataArray(
            values.reshape(chains, draws, -1),
            dims=("chain", "draw", "channel"),
            coords={"channel": list(data.channels)},
        )
    names = {"fourier": fourier_names(degrees), "day_of_week": list(WEEKDAYS)}
    for name, dimension in (("seasonality", "fourier"), ("weekday", "day_of_week")):
        posterior[name] = xr.DataArray(
            rng.normal(0, 0.02, (chains, draws, len(names[dimension]))),
            dims=("chain", "draw", dimension),
            coords={dimension: names[dimension]},
        )
    scalars = {
        "intercept": rng.normal(0.8, 0.02, (chains, draws)),
        "trend_coefficient": rng.normal(0, 0.001, (chains, draws)),
        "trend_exponent": rng.uniform(0.5, 1.5, (chains, draws)),
        "noise_sd": rng.uniform(0.03, 0.06, (chains, draws)),
    }
    for name, values in scalars.items():
        posterior[name] = (("chain", "draw"), values)
    verdict = Convergence(
        converged,
        1.002,
        900.0,
        800.0,
        0,
        () if converged else (Reason("rhat_above", {"limit": "1.01", "parameters": "x 1.2"}),),
    )
    attempt = Attempt(100, draws, 0.9, 1.002, 900.0, 800.0, 0, 1.5, converged)
    statistics = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((chains, draws), bool))}, coords=index)
    inference = az.InferenceData(posterior=posterior, sample_stats=statistics)
    return Fit(spec, data, inference, verdict, (attempt,), 1.5)


def synthetic_panel_fit(*, silent: bool = True, **arguments: int) -> Fit:
    """Two markets that share the draws of a synthetic fit, the second half as large; `silent`: a channel is off there.

    Takes the arguments of `synthetic_fit`. The observed data has the shape of a fit's, and no content.
    """
    one = synthetic_fit(**arguments)  # type: ignore[arg-type]
    dataset = market_dataset(channels=len(one.data.channels), days=one.data.days)
    other = dataset / 2
    if silent:
        other["media"][:, 0] = other["spend"][:, 0] = 0.0
    names = ["north", "south"]
    both = xr.concat([dataset, other], dim=xr.DataArray(names, dims="market", name="market"))
    shared = one.spec.transform.parameter_names
    posterior = xr.Dataset(
        {
            name: values if name in shared else values.expand_dims({"market": names}, axis=2)
            for name, values in one.posterior.data_vars.items()
        }
    )
    empty = xr.zeros_like(one.posterior["noise_sd"])
    inference = az.InferenceData(
        posterior=posterior, sample_stats=one.inference["sample_stats"], observed_data=xr.Dataset({"kpi": empty})
    )
    return Fit(one.spec, model_data(both), inference, one.convergence, one.attempts, one.seconds)
