"""Student-t noise: the likelihood with the linear coefficients sampled, in coordinates that unbind them from the rest.

Nothing integrates out under this noise. Each window's coefficients b, in units of their prior scales and without the
intercept, are an affine image of coordinates z: b = L⁻ᵀ z + H (r - a), r being the KPI without media, a the intercept,
L Lᵀ = I + BᵀB / σ₀² and H = (L Lᵀ)⁻¹ Bᵀ / σ₀². Were the noise Normal with standard deviation σ₀ and the trend straight,
z would be standard Normal whatever media and intercept are. The map's volume is constant, so the density stays exact:
the prior of b takes the place of that of z.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln

from mmm_pipeline.mmm.collapsed import PADDED_DEGREES
from mmm_pipeline.mmm.design import LinearDesign
from mmm_pipeline.mmm.transforms import power

__all__ = ["SampledLinear", "linear_coefficients", "sampled_linear", "sampled_log_density"]

_LEAST_NOISE = 0.02


class SampledLinear(NamedTuple):
    """The linear columns of W windows, K - 1 without the intercept. NumPy or JAX arrays.

    Attributes:
        columns: (W, T, K - 2) fixed columns times their prior scales; zero columns pad the seasonality.
        regression: (W, K - 1, T) H.
        spread: (W, K - 1, K - 1) L⁻ᵀ.
        trend_scale: () prior standard deviation of the trend coefficient.
        intercept_scale: () scale of the intercept's half-Normal prior.
        noise_degrees_mean: () mean of ν - 1.
    """

    columns: Any
    regression: Any
    spread: Any
    trend_scale: Any
    intercept_scale: Any
    noise_degrees_mean: Any


def sampled_linear(designs: Sequence[LinearDesign], kpis: Sequence[np.ndarray], degrees_mean: float) -> SampledLinear:
    """Prepare the windows' columns.

    Args:
        designs: columns of every window.
        kpis: (T,) scaled KPI of every window; what regression leaves of it sets σ₀.
        degrees_mean: mean of ν - 1.
    """
    columns, regressions, spreads = zip(
        *(_prepared(design, kpi) for design, kpi in zip(designs, kpis, strict=True)), strict=True
    )
    trend_scale, intercept_scale = designs[0].scales[-2:]
    return SampledLinear(
        np.stack(columns),
        np.stack(regressions),
        np.stack(spreads),
        trend_scale,
        intercept_scale,
        np.asarray(degrees_mean),
    )


def _prepared(design: LinearDesign, kpi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    padding = np.zeros((len(design.time), max(0, 2 * PADDED_DEGREES - design.seasonality.shape[1])))
    columns = np.concatenate([design.fixed * design.scales[:-2], padding], axis=1)
    with_trend = np.concatenate([columns, design.time[:, None] * design.scales[-2]], axis=1)
    everything = np.concatenate([with_trend, np.ones((len(kpi), 1))], axis=1)
    left = kpi - everything @ np.linalg.lstsq(everything, kpi, rcond=None)[0]
    noise = max(float(left.std()), _LEAST_NOISE)
    precision = np.eye(with_trend.shape[1]) + with_trend.T @ with_trend / noise**2
    spread = np.linalg.inv(np.linalg.cholesky(precision)).T
    return columns, spread @ spread.T @ with_trend.T / noise**2, spread


def linear_coefficients(coordinates: Any, residual: Any, intercept: Any, linear: SampledLinear) -> Any:
    """b, (..., W, K - 1) in units of prior scales: fixed columns, then trend.

    Args:
        coordinates: (..., W, K - 1) z.
        residual: (..., W, T) scaled KPI minus media and signed features.
        intercept: (..., W).
        linear: of `sampled_linear`.
    """
    spread = (linear.spread @ coordinates[..., None])[..., 0]
    return spread + (linear.regression @ (residual - intercept[..., None])[..., None])[..., 0]


def sampled_log_density(
    coordinates: Array,
    residual: Array,
    intercept: Array,
    trend_exponent: Array,
    noise_sd: Array,
    noise_degrees: Array,
    time: Array,
    linear: SampledLinear,
) -> Array:
    """Log density of the residual, and of the linear coefficients over that of their coordinates' stand-in prior.

    Args:
        coordinates: (W, K - 1) z.
        residual: (W, T) scaled KPI minus media and signed features.
        intercept: (W,).
        trend_exponent: () e.
        noise_sd: (W,) scale σ of the Student-t.
        noise_degrees: () ν.
        time: (T,) days since the first.
        linear: of `sampled_linear`.
    """
    coefficients = linear_coefficients(coordinates, residual, intercept, linear)
    trend = linear.trend_scale * power(time, trend_exponent)
    mean = jnp.einsum("wtk,wk->wt", linear.columns, coefficients[:, :-1]) + coefficients[:, -1:] * trend
    standardised = (residual - intercept[:, None] - mean) / noise_sd[:, None]
    half = 0.5 * (noise_degrees + 1)
    constant = gammaln(half) - gammaln(0.5 * noise_degrees) - 0.5 * jnp.log(noise_degrees * jnp.pi)
    log_likelihood = residual.size * constant - residual.shape[1] * jnp.log(noise_sd).sum()
    log_likelihood -= half * jnp.log1p(standardised**2 / noise_degrees).sum()
    return log_likelihood - 0.5 * (coefficients**2).sum() + 0.5 * (coordinates**2).sum()
