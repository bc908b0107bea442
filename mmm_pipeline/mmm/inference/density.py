"""The log posterior density in sampling coordinates, which NUTS samples.

Media enter by their coefficients, everything else by one of two likelihoods: `collapsed` integrates the linear
coefficients out (Normal noise), `student_t` samples them. Markets share the media parameters and the
trend's exponent; all else is each market's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.inference.collapsed import (
    IntegratedLinear,
    integrated_linear,
    integrated_log_likelihood,
    moving_columns,
)
from mmm_pipeline.mmm.inference.media_coefficients import (
    ChannelPriors,
    beliefs_on_roi,
    channel_priors,
    log_change_of_variables,
    media_coefficients,
)
from mmm_pipeline.mmm.inference.student_t import SampledLinear, sampled_linear, sampled_log_density
from mmm_pipeline.mmm.inference.whitening import (
    LINEAR,
    NOISE_EXCESS,
    SIGNED_QUANTILE,
    Layout,
    parameters_from_coordinates,
)
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.shared import noise_degrees
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["DensityInputs", "density_inputs", "layout_of", "log_likelihood", "potential_energy"]


class DensityInputs(NamedTuple):
    """All data of the density; arguments of the compiled program, never constants in it. NumPy or JAX arrays.

    Attributes:
        media: scaled media of every market as the adstock prepares it: (G, T, C), or its lags, (G, C, T, L).
        kpi: (G, T) scaled KPI.
        signed: (G, T, S) columns of the features with a sign.
        channels: priors of the media coefficients.
        linear: everything else that is linear, for the likelihood that the noise allows.
    """

    media: Any
    kpi: Any
    signed: Any
    channels: ChannelPriors
    linear: IntegratedLinear | SampledLinear


def layout_of(spec: ModelSpec, data: ModelData) -> Layout:
    """What there is to sample; the same for all degrees up to 4."""
    design = linear_designs(spec, data)[0]
    return Layout(
        transform=spec.transform,
        channels=len(data.channels),
        parametric=tuple(part.component for part in design.parametric_parts),
        markets=len(data.markets),
        signed_features=len(design.signed_scales),
        roi_families=tuple(sorted({belief.family for belief in beliefs_on_roi(spec, data).values()})),
        noise=spec.noise,
        linear=design.size + design.padding if spec.noise == "student_t" else 0,
    )


def density_inputs(spec: ModelSpec, data: ModelData, dtype: type = np.float64) -> DensityInputs:
    """Prepare a window for `potential_energy`; shapes are the same for all degrees up to 4."""
    designs = linear_designs(spec, data)
    linear: IntegratedLinear | SampledLinear = (
        sampled_linear(designs, data.kpi, spec.priors.noise_degrees_mean)
        if spec.noise == "student_t"
        else integrated_linear(designs)
    )
    inputs = DensityInputs(
        media=np.stack([spec.transform.prepared(of_market, NUMPY) for of_market in data.media]),
        kpi=data.kpi,
        signed=np.stack([design.signed for design in designs]),
        channels=channel_priors(spec, data),
        linear=linear,
    )
    # The flags of channels with a belief stay what they are.
    return jax.tree.map(lambda a: a if np.asarray(a).dtype == bool else np.asarray(a, dtype=dtype), inputs)


def potential_energy(layout: Layout, u: Array, inputs: DensityInputs) -> Array:
    """Minus the log posterior density of the coordinates u (D,), up to a constant."""
    parameters = parameters_from_coordinates(layout, u)
    transformed = _transformed(layout, parameters, inputs)
    mean_effect = transformed.mean(axis=1)
    parameters["media_coefficient"], _ = media_coefficients(layout, parameters, inputs.channels, mean_effect)
    log_prior = -0.5 * jnp.dot(u, u) + log_change_of_variables(layout, parameters, inputs.channels, mean_effect)
    return -log_prior - _log_likelihood(layout, parameters, transformed, inputs)


def log_likelihood(layout: Layout, parameters: dict[str, Array], inputs: DensityInputs) -> Array:
    """Log p(y | sampled parameters), under Normal noise with the linear coefficients integrated out.

    Under Student-t noise, the density of the linear coefficients over that of their coordinates is in it.

    Args:
        layout: what is sampled.
        parameters: those of `parameters_from_coordinates` that the likelihood reads, and `media_coefficient` (G, C).
        inputs: the data.
    """
    return _log_likelihood(layout, parameters, _transformed(layout, parameters, inputs), inputs)


def _transformed(layout: Layout, parameters: dict[str, Array], inputs: DensityInputs) -> Array:
    """(G, T, C)"""
    if not layout.hierarchy:
        return layout.transform.of_prepared(inputs.media[0], parameters, JAX)[None]
    return jax.vmap(lambda media: layout.transform.of_prepared(media, parameters, JAX))(inputs.media)


def _log_likelihood(layout: Layout, parameters: dict[str, Array], transformed: Array, inputs: DensityInputs) -> Array:
    residual = inputs.kpi - jnp.einsum("gtc,gc->gt", transformed, parameters["media_coefficient"])
    if layout.signed_features:
        residual = residual - jnp.einsum("gts,gs->gt", inputs.signed, parameters[SIGNED_QUANTILE])
    noise_sd, linear = parameters["noise_sd"], inputs.linear
    moving = moving_columns(layout.parametric, parameters, linear.moving)
    if isinstance(linear, IntegratedLinear):
        return integrated_log_likelihood(residual, moving, noise_sd, linear)
    degrees = noise_degrees(parameters[NOISE_EXCESS], linear.noise_degrees_mean)
    return sampled_log_density(parameters[LINEAR], residual, moving, noise_sd, degrees, linear)
