"""Student-t noise: the likelihood with the linear coefficients sampled, in coordinates that unbind them from the rest.

Nothing integrates out under this noise. A Normal stand-in for it, with variance v = σ² (ν + 3) / (ν + 1) (the inverse
of the Student-t's Fisher information) over a fixed weight of each day, has a known conditional of the coefficients b
given media, trend exponent and noise. The sampled coordinates z are the standard Normals that draw b from it: intercept
first, then trend, then the other columns, each independent of the others in the basis of their singular value
decomposition. The volume of that map is the conditional's density over that of z, so the density stays exact:

    p(y | b) p(b) |db / dz| = N(z) · p_Normal(y) · p(y | b) / p_Normal(y | b),

where p_Normal(y) is the stand-in with b integrated out, as in `collapsed`. Only the last ratio is left to be felt by z.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln, log_ndtr, ndtri
from scipy import stats

from mmm_pipeline.mmm.baseline.design import LinearDesign
from mmm_pipeline.mmm.inference.collapsed import Conditional, conditional
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.library import power

__all__ = ["SampledLinear", "linear_coefficients", "sampled_linear", "sampled_log_density"]

_ROUNDS = 10
_MOST_DEGREES = 100.0
_TINY = 1e-300


class SampledLinear(NamedTuple):
    """The linear columns of G markets, R fixed ones besides trend and intercept. NumPy or JAX arrays.

    Attributes:
        basis: (G, T, R) orthonormal basis U of the fixed columns times root weights, with zero columns where the rank
            is lower; zero columns pad the seasonality.
        singular: (G, R) singular values, 0 where the rank is lower.
        rotation: (G, R, R) V: U S Vᵀ are the fixed columns times their prior scales and root weights.
        root_weights: (G, T) square roots of the stand-in's weights.
        trend_scale: () prior standard deviation of the trend coefficient.
        intercept_scale: () scale of the intercept's half-Normal prior.
        noise_degrees_mean: () mean of ν - 1.
    """

    basis: Any
    singular: Any
    rotation: Any
    root_weights: Any
    trend_scale: Any
    intercept_scale: Any
    noise_degrees_mean: Any


def sampled_linear(designs: Sequence[LinearDesign], kpi: np.ndarray, degrees_mean: float) -> SampledLinear:
    """Prepare the markets' columns.

    Args:
        designs: columns of every market.
        kpi: (G, T) scaled KPI; a day that the columns cannot explain gets a small weight.
        degrees_mean: mean of ν - 1.
    """
    markets = [_prepared(design, of_market) for design, of_market in zip(designs, kpi, strict=True)]
    basis, singular, rotation, root_weights = (np.stack(parts) for parts in zip(*markets, strict=True))
    scales = designs[0].trend_scale, designs[0].intercept_scale
    return SampledLinear(basis, singular, rotation, root_weights, *scales, np.asarray(degrees_mean))


def _prepared(design: LinearDesign, kpi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    padding = np.zeros((len(design.time), design.padding))
    fixed = np.concatenate([design.fixed * design.fixed_scales, padding], axis=1)
    root_weights = np.sqrt(_weights(design, kpi))
    left, values, right = np.linalg.svd(root_weights[:, None] * fixed, full_matrices=True)
    used = np.flatnonzero(values > values.max(initial=0.0) * 1e-12)
    basis, singular = np.zeros(fixed.shape), np.zeros(fixed.shape[1])
    basis[:, used], singular[used] = left[:, used], values[used]
    return basis, singular, right.T, root_weights


def _weights(design: LinearDesign, kpi: np.ndarray) -> np.ndarray:
    """(T,) (ν + 1) / (ν + (e / σ)²) of the errors e that a Student-t regression on columns and trend leaves, mean 1."""
    columns = np.concatenate([design.fixed, design.time[:, None], np.ones((len(kpi), 1))], axis=1)
    weights = np.ones(len(kpi))
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)
        error = kpi - columns @ np.linalg.lstsq(root[:, None] * columns, root * kpi, rcond=None)[0]
        # As many columns as days leave no error to judge a day by.
        if error.std() < 1e-6 * max(1.0, kpi.std()):
            return np.ones(len(kpi))
        degrees, _, scale = stats.t.fit(error, floc=0.0)
        degrees = float(np.clip(degrees, 1.0, _MOST_DEGREES))
        weights = (degrees + 1) / (degrees + (error / scale) ** 2)
        weights /= weights.mean()
    return weights


def linear_coefficients(
    coordinates: Array,
    residual: Array,
    trend_exponent: Array,
    noise_sd: Array,
    noise_degrees: Array,
    time: Array,
    linear: SampledLinear,
) -> Array:
    """b, (G, R + 2) in units of prior scales: fixed columns, trend, intercept.

    Args:
        coordinates: (G, R + 2) z, in the same order but for the fixed columns' rotation.
        residual: (G, T) scaled KPI minus media and signed features.
        trend_exponent: () e.
        noise_sd: (G,) scale σ of the Student-t.
        noise_degrees: () ν.
        time: (T,) days since the first.
        linear: of `sampled_linear`.
    """
    variance = _variance(noise_sd, noise_degrees)
    trend, level = _columns(trend_exponent, time, linear)

    def of_market(coordinates: Array, residual: Array, variance: Array, *market: Array) -> Array:
        basis, singular, rotation, root = market
        of_normal = conditional(root * trend, root * level, root * residual, variance, basis, singular**2)
        rotated, trend_coefficient, intercept = _coefficients(coordinates, of_normal, variance, singular)
        return jnp.concatenate([rotation @ rotated, jnp.stack([trend_coefficient, intercept])])

    return jax.vmap(of_market)(
        coordinates, residual, variance, linear.basis, linear.singular, linear.rotation, linear.root_weights
    )


def sampled_log_density(
    coordinates: Array,
    residual: Array,
    trend_exponent: Array,
    noise_sd: Array,
    noise_degrees: Array,
    time: Array,
    linear: SampledLinear,
) -> Array:
    """Log density of the residual and of the linear coefficients, over that of their standard Normal coordinates.

    Args:
        coordinates: (G, R + 2) z.
        residual: (G, T) scaled KPI minus media and signed features.
        trend_exponent: () e.
        noise_sd: (G,) scale σ of the Student-t.
        noise_degrees: () ν.
        time: (T,) days since the first.
        linear: of `sampled_linear`.
    """
    of_market = partial(_log_density, *_columns(trend_exponent, time, linear), noise_degrees)
    arrays = (coordinates, residual, noise_sd, linear.basis, linear.singular, linear.root_weights)
    if residual.shape[0] == 1:
        return of_market(*(array[0] for array in arrays))
    return jax.vmap(of_market)(*arrays).sum()


def _log_density(
    trend: Array,
    level: Array,
    noise_degrees: Array,
    coordinates: Array,
    residual: Array,
    noise_sd: Array,
    basis: Array,
    singular: Array,
    root: Array,
) -> Array:
    variance, days = _variance(noise_sd, noise_degrees), residual.shape[0]
    of_normal = conditional(root * trend, root * level, root * residual, variance, basis, singular**2)
    rotated, trend_coefficient, intercept = _coefficients(coordinates, of_normal, variance, singular)
    weighted = root * (residual - trend_coefficient * trend - intercept * level) - basis @ (singular * rotated)
    half = 0.5 * (noise_degrees + 1)
    constant = gammaln(half) - gammaln(0.5 * noise_degrees) - 0.5 * jnp.log(noise_degrees * jnp.pi)
    error = weighted / (root * noise_sd)
    student = days * (constant - jnp.log(noise_sd)) - half * jnp.log1p(error**2 / noise_degrees).sum()
    # Both sides of the ratio to the stand-in leave out the volume of its weights.
    normal = -0.5 * (jnp.dot(weighted, weighted) / variance + days * jnp.log(2 * jnp.pi * variance))
    return of_normal.log_likelihood + student - normal


def _variance(noise_sd: Array, noise_degrees: Array) -> Array:
    return noise_sd**2 * (noise_degrees + 3) / (noise_degrees + 1)


def _columns(trend_exponent: Array, time: Array, linear: SampledLinear) -> tuple[Array, Array]:
    return linear.trend_scale * power(time, trend_exponent, JAX), linear.intercept_scale * jnp.ones_like(time)


def _coefficients(
    coordinates: Array, of_normal: Conditional, variance: Array, singular: Array
) -> tuple[Array, Array, Array]:
    """Fixed coefficients (R,) in the basis V, trend coefficient and intercept, in units of their prior scales."""
    fit = of_normal
    intercept = (fit.intercept_fit + _above(coordinates[-1], fit.intercept_fit)) / fit.intercept_sd
    trend_mean = (fit.gram[0, 1] - fit.gram[1, 2] * intercept) / fit.trend_sd
    trend_coefficient = (trend_mean + coordinates[-2]) / fit.trend_sd
    inside = fit.inside[:, 0] - trend_coefficient * fit.inside[:, 1] - intercept * fit.inside[:, 2]
    fixed = singular * fit.weights * inside + jnp.sqrt(variance * fit.weights) * coordinates[:-2]
    return fixed, trend_coefficient, intercept


def _above(u: Array, bound: Array) -> Array:
    """The quantile at Φ(u) of a standard Normal restricted to values above -bound.

    Its upper tail is Φ(-u) Φ(bound). Whichever tail is the smaller keeps its digits.
    """
    upper = jnp.exp(log_ndtr(-u) + log_ndtr(bound))
    lower = jnp.exp(log_ndtr(u)) + jnp.exp(log_ndtr(-u) + log_ndtr(-bound))
    smaller = jnp.clip(jnp.minimum(upper, lower), _TINY, 0.5)
    return jnp.where(upper < lower, -1.0, 1.0) * ndtri(smaller)
