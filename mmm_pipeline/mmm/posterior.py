"""From sampled coordinates to a labelled posterior, with the integrated coefficients drawn back in."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.collapsed import linear_block
from mmm_pipeline.mmm.design import DAYS_PER_WEEK, fourier_names, linear_design, trend_column
from mmm_pipeline.mmm.draws import chunks, media_transform_of_draws
from mmm_pipeline.mmm.inputs import FitData
from mmm_pipeline.mmm.nuts import Draws
from mmm_pipeline.mmm.specs import ModelSpec
from mmm_pipeline.mmm.transforms import MEDIA_PARAMETERS
from mmm_pipeline.mmm.whitening import COEFFICIENT_QUANTILE, NUMPY, coefficients, parameters_from_coordinates

__all__ = ["inference_data", "scaled_baseline"]


def inference_data(spec: ModelSpec, data: FitData, draws: Draws, *, seed: tuple[int, ...]) -> az.InferenceData:
    """The posterior with every parameter of the model, sampler statistics and pointwise log likelihood.

    Args:
        spec: the model.
        data: the window.
        draws: arrays with leading dimensions (chain, draw).
        seed: of the exact draw of the linear coefficients.

    Returns:
        Groups `posterior`, `sample_stats`, `log_likelihood`, `observed_data` (KPI in its own units).
    """
    chains, length = draws.position.shape[:2]
    positions = draws.position.reshape(chains * length, -1).astype(float)
    scale = data.spend_share_scale * spec.priors.media_scale
    parameters = parameters_from_coordinates(spec.adstock, positions, len(data.channels), NUMPY)
    quantiles = parameters.pop(COEFFICIENT_QUANTILE)
    parameters["media_coefficient"] = np.empty_like(quantiles)
    design = linear_design(spec, data)
    linear = np.empty((len(positions), len(design.scales)))
    log_likelihood = np.empty((len(positions), data.days))
    generator = np.random.default_rng(seed)
    for part in chunks(len(positions), data.days * max(len(data.channels), len(design.scales))):
        here = {name: values[part] for name, values in parameters.items()}
        media = media_transform_of_draws(spec.adstock, data.media, here)
        here["media_coefficient"][:] = coefficients(quantiles[part], scale, media.mean(axis=1))
        residual = data.kpi - np.einsum("stc,sc->st", media, here["media_coefficient"])
        sigma = here["noise_sd"]
        block = linear_block(design, residual, here["trend_exponent"], sigma)
        linear[part] = block.draw(generator)
        mean = linear[part][:, :-2] @ design.fixed.T + linear[part][:, -1:]
        mean += linear[part][:, -2, None] * trend_column(design.time, here["trend_exponent"])
        # Density of the KPI in its own units: scaling by a constant shifts the log density.
        log_likelihood[part] = (
            -0.5 * ((residual - mean) / sigma[:, None]) ** 2
            - np.log(sigma)[:, None]
            - 0.5 * np.log(2 * np.pi)
            - np.log(data.kpi_scale)
        )

    parameters |= {name: linear[:, columns] for name, columns in design.blocks.items()}
    parameters |= {"trend_coefficient": linear[:, -2], "intercept": linear[:, -1]}
    labels: dict[str, tuple[str, list[Any]]] = {
        "seasonality": ("fourier", fourier_names(spec.degrees)),
        "weekday": ("day_of_week", list(range(DAYS_PER_WEEK)) if spec.weekday else []),
        "feature_coefficient": ("feature", list(data.features)),
    }
    for name in ("media_coefficient", *MEDIA_PARAMETERS[spec.adstock]):
        labels[name] = ("channel", list(data.channels))

    index = {"chain": np.arange(chains), "draw": np.arange(length)}
    posterior = xr.Dataset(coords=index)
    for name, values in sorted(parameters.items()):
        dimension, names = labels.get(name, ("", []))
        if not dimension:
            posterior[name] = (("chain", "draw"), values.reshape(chains, length))
        elif names:
            shaped = values.reshape(chains, length, len(names))
            posterior[name] = xr.DataArray(shaped, dims=("chain", "draw", dimension), coords={dimension: names})

    statistics = {
        "diverging": draws.diverging,
        "n_steps": draws.leapfrogs,
        "acceptance_rate": draws.acceptance,
        "step_size": draws.step_size,
        "lp": -draws.energy,
    }
    time = data.dates.astype("datetime64[ns]")
    return az.InferenceData(
        posterior=posterior,
        sample_stats=xr.Dataset({name: (("chain", "draw"), value) for name, value in statistics.items()}, coords=index),
        log_likelihood=xr.Dataset(
            {"kpi": (("chain", "draw", "time"), log_likelihood.reshape(chains, length, -1))},
            coords={**index, "time": time},
        ),
        observed_data=xr.Dataset({"kpi": ("time", data.kpi * data.kpi_scale)}, coords={"time": time}),
    )


def scaled_baseline(
    spec: ModelSpec, data: FitData, posterior: xr.Dataset, *, feature_values: np.ndarray, start: int, days: int
) -> np.ndarray:
    """(chain, draw, days) everything of the scaled mean but media, on days counted from the window's first.

    Args:
        spec: the model.
        data: the window that was fitted.
        posterior: its posterior.
        feature_values: (days, F) scaled features.
        start: first day.
        days: number of days.
    """
    design = linear_design(spec, data, feature_values=feature_values, start=start, days=days)
    trend = trend_column(design.time, posterior["trend_exponent"].to_numpy())
    mean = trend * posterior["trend_coefficient"].to_numpy()[..., None] + posterior["intercept"].to_numpy()[..., None]
    columns = {
        "seasonality": design.seasonality,
        "weekday": design.weekday,
        "feature_coefficient": design.features,
    }
    for name, block in columns.items():
        if name in posterior:
            mean = mean + posterior[name].to_numpy() @ block.T
    return mean
