"""From sampled coordinates to a labelled posterior, with the integrated coefficients drawn back in."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
import xarray as xr
from scipy import stats

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.baseline.component import ParametricComponent
from mmm_pipeline.mmm.baseline.design import LinearDesign, linear_design, linear_designs
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.inference.collapsed import linear_block, moving_columns
from mmm_pipeline.mmm.inference.density import layout_of
from mmm_pipeline.mmm.inference.media_coefficients import channel_priors, media_coefficients
from mmm_pipeline.mmm.inference.nuts import Draws
from mmm_pipeline.mmm.inference.student_t import SampledLinear, linear_coefficients, sampled_linear
from mmm_pipeline.mmm.inference.whitening import (
    LINEAR,
    NOISE_EXCESS,
    SIGNED_QUANTILE,
    parameters_from_coordinates,
)
from mmm_pipeline.mmm.media.draws import chunks
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.shared import noise_degrees
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["inference_data", "scaled_baseline"]


def inference_data(spec: ModelSpec, data: ModelData, draws: Draws, *, seed: tuple[int, ...]) -> az.InferenceData:
    """The posterior with every parameter of the model, sampler statistics and pointwise log likelihood.

    Args:
        spec: the model.
        data: the window.
        draws: arrays with leading dimensions (chain, draw).
        seed: of the exact draw of the linear coefficients.

    Returns:
        Groups `posterior`, `sample_stats`, `log_likelihood`, `observed_data` (KPI in its own units). Of
        several markets the log likelihood, the KPI and the parameters that each has for itself have a dimension
        `market`.
    """
    chains, length = draws.position.shape[:2]
    positions = np.asarray(draws.position, dtype=float).reshape(chains * length, -1)
    parameters, log_likelihood = _parameters(spec, data, positions, np.random.default_rng(seed))

    coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(length)}
    if data.several_markets:
        coords["market"] = list(data.markets)
    components = linear_designs(spec, data)[0].components
    labels: dict[str, tuple[str, list[Any]]] = {
        component.name: (component.dimension, list(component.labels(spec, data)))
        for component in components
        if component.dimension is not None
    }
    per_market = {"media_coefficient", "noise_sd", *(component.name for component in components)}
    for name in ("media_coefficient", "channel_level", *spec.transform.parameter_names):
        labels[name] = ("channel", list(data.channels))
    posterior = xr.Dataset(coords=coords)
    for name, values in sorted(parameters.items()):
        dimensions = ["chain", "draw", *(["market"] if data.several_markets and name in per_market else [])]
        here = dict(coords)
        if name in labels:
            dimension, names = labels[name]
            if not names:
                continue
            dimensions.append(dimension)
            here[dimension] = names
        shape = tuple(len(here[dimension]) for dimension in dimensions)
        posterior[name] = xr.DataArray(
            values.reshape(shape), dims=dimensions, coords={dimension: here[dimension] for dimension in dimensions}
        )

    statistics = {
        "diverging": draws.diverging,
        "n_steps": draws.leapfrogs,
        "acceptance_rate": draws.acceptance,
        "step_size": draws.step_size,
        "lp": -draws.energy,
    }
    days = {"time": data.dates.astype("datetime64[ns]")}
    series = {**{name: values for name, values in coords.items() if name == "market"}, **days}
    shape = tuple(len(values) for values in series.values())
    kpi = (data.kpi * data.kpi_scale[:, None]).reshape(shape)
    index = {name: coords[name] for name in ("chain", "draw")}
    return az.InferenceData(
        posterior=posterior,
        sample_stats=xr.Dataset({name: (("chain", "draw"), value) for name, value in statistics.items()}, coords=index),
        log_likelihood=xr.Dataset(
            {"kpi": (("chain", "draw", *series), log_likelihood.reshape(chains, length, *shape))},
            coords={**index, **series},
        ),
        observed_data=xr.Dataset({"kpi": (tuple(series), kpi)}, coords=series),
    )


def _parameters(
    spec: ModelSpec, data: ModelData, positions: np.ndarray, generator: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Every parameter, (S, ...), those of the markets (S, G, ...), and the log likelihood (S, G, T)."""
    layout, priors = layout_of(spec, data), channel_priors(spec, data)
    sampled = parameters_from_coordinates(layout, positions, NUMPY)
    designs = linear_designs(spec, data)
    student = sampled_linear(designs, data.kpi, spec.priors.noise_degrees_mean) if spec.noise == "student_t" else None
    count, markets, channels = len(positions), layout.markets, layout.channels
    coefficient, level = np.empty((count, markets, channels)), np.empty((count, channels))
    linear = np.empty((count, markets, designs[0].size))
    log_likelihood = np.empty((count, markets, data.days))
    degrees = None
    if student is not None:
        degrees = noise_degrees(sampled[NOISE_EXCESS], spec.priors.noise_degrees_mean)
    for part in chunks(count, markets * data.days * max(channels, linear.shape[2])):
        here = {name: values[part] for name, values in sampled.items()}
        media = np.stack([spec.transform.value(of_market, here, NUMPY) for of_market in data.media], axis=1)
        coefficient[part], level[part] = media_coefficients(layout, here, priors, media.mean(axis=2), NUMPY)
        residual = data.kpi - np.einsum("sgtc,sgc->sgt", media, coefficient[part])
        if layout.signed_features:
            signed = np.stack([design.signed for design in designs])
            residual -= np.einsum("gtk,sgk->sgt", signed, here[SIGNED_QUANTILE])
        if student is not None and degrees is not None:
            linear[part] = _sampled_coefficients(designs, here, residual, degrees[part], student)
        for g, design in enumerate(designs):
            sigma = here["noise_sd"][:, g]
            if student is None:
                linear[part, g] = linear_block(design, residual[:, g], here, sigma).draw(generator)
            error = (residual[:, g] - design.mean(linear[part, g], here)) / sigma[:, None]
            density = stats.norm.logpdf(error) if degrees is None else stats.t.logpdf(error, degrees[part, None])
            # Density of the KPI in its own units: scaling by a constant shifts the log density.
            log_likelihood[part, g] = density - np.log(sigma)[:, None] - np.log(data.kpi_scale[g])

    quantiles = sampled.get(SIGNED_QUANTILE, np.empty((count, markets, 0)))
    names = (*spec.transform.parameter_names, *(own.name for own in designs[0].parameters), "noise_sd")
    parameters = {name: sampled[name] for name in names} | designs[0].named(linear, quantiles)
    parameters["media_coefficient"] = coefficient
    if data.several_markets:
        parameters["channel_level"] = level
    if degrees is not None:
        parameters["noise_degrees"] = degrees
    return parameters, log_likelihood


def _sampled_coefficients(
    designs: list[LinearDesign],
    sampled: dict[str, np.ndarray],
    residual: np.ndarray,
    degrees: np.ndarray,
    student: SampledLinear,
) -> np.ndarray:
    """(S, G, K) linear coefficients that were sampled, in the units of the scaled KPI."""
    components = tuple(part.component for part in designs[0].parametric_parts)
    parameters = {own.name: sampled[own.name] for own in designs[0].parameters}
    with jax.enable_x64(True):
        standardised = np.asarray(
            _coefficients_of_draws(
                components, parameters, sampled[LINEAR], residual, sampled["noise_sd"], degrees, student
            )
        )
    # Without the columns that pad the fixed ones.
    fixed = designs[0].fixed.shape[1]
    moving = designs[0].size - fixed
    return (
        np.concatenate([standardised[..., :fixed], standardised[..., -moving:]], axis=2)
        * designs[0].scales(parameters)[:, None]
    )


@partial(jax.jit, static_argnums=0)
def _coefficients_of_draws(
    components: tuple[ParametricComponent, ...],
    parameters: dict[str, jax.Array],
    coordinates: jax.Array,
    residual: jax.Array,
    noise_sd: jax.Array,
    degrees: jax.Array,
    student: SampledLinear,
) -> jax.Array:
    def of_draw(parameters: dict[str, jax.Array], *drawn: jax.Array) -> jax.Array:
        coordinates, residual, noise_sd, degrees = drawn
        moving = moving_columns(components, parameters, student.moving)
        return linear_coefficients(coordinates, residual, moving, noise_sd, degrees, student)

    return jax.vmap(of_draw)(parameters, coordinates, residual, noise_sd, degrees)


def scaled_baseline(
    spec: ModelSpec, data: ModelData, posterior: xr.Dataset, *, feature_values: np.ndarray, start: int, days: int
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
    mean = np.zeros((posterior.sizes["chain"], posterior.sizes["draw"], days))
    parameters = {own.name: posterior[own.name].to_numpy() for own in design.parameters}
    for part in design.parts:
        name = part.component.name
        if name in posterior:
            coefficients = posterior[name].to_numpy()
            mean += part.mean(coefficients[..., None] if part.component.dimension is None else coefficients, parameters)
    return mean
