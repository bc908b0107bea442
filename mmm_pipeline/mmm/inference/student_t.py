"""Student-t noise: the likelihood with the linear coefficients sampled, in coordinates that unbind them from the rest.

Nothing integrates out under this noise. A Normal stand-in for it, with variance v = σ² (ν + 3) / (ν + 1) (the inverse
of the Student-t's Fisher information) over a fixed weight of each day, has a known conditional of the coefficients b
given media, the parameters of the baseline's components and noise. The sampled coordinates z are the standard Normals
that draw b from it: the level first, then the columns that move with those parameters, then the fixed ones, each
independent of the others in the basis of their singular value decomposition. The volume of that map is the
conditional's density over that of z, so the density stays exact:

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
from mmm_pipeline.mmm.inference.collapsed import Conditional, MovingColumns, conditional, prepared_moving
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY

__all__ = ["SampledLinear", "linear_coefficients", "sampled_linear", "sampled_log_density"]

_ROUNDS = 10
_MOST_DEGREES = 100.0
_TINY = 1e-300


class SampledLinear(NamedTuple):
    """The linear columns of G markets, R fixed ones besides J moving ones. NumPy or JAX arrays.

    Attributes:
        basis: (G, T, R) orthonormal basis U of the fixed columns times root weights, with zero columns where the rank
            is lower; zero columns pad the seasonality.
        singular: (G, R) singular values, 0 where the rank is lower.
        rotation: (G, R, R) V: U S Vᵀ are the fixed columns times their prior scales and root weights.
        root_weights: (G, T) square roots of the stand-in's weights.
        moving: what the moving columns are made of.
        noise_degrees_mean: () mean of ν - 1.
    """

    basis: Any
    singular: Any
    rotation: Any
    root_weights: Any
    moving: MovingColumns
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
    moving = prepared_moving(designs[0])
    return SampledLinear(basis, singular, rotation, root_weights, moving, np.asarray(degrees_mean))


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
    """(T,) (ν + 1) / (ν + (e / σ)²) of the errors e that a Student-t regression on the columns leaves, mean 1.

    Columns that move with parameters stand where the median of their priors puts them.
    """
    medians = {own.name: own.prior.quantile(np.zeros(1), np.log([0.5]), NUMPY) for own in design.parameters}
    (columns,) = design.columns(medians, 1)
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
    coordinates: Array, residual: Array, moving: Array, noise_sd: Array, noise_degrees: Array, linear: SampledLinear
) -> Array:
    """b, (G, R + J) in units of prior scales: fixed columns, then moving ones.

    Args:
        coordinates: (G, R + J) z, in the same order but for the fixed columns' rotation.
        residual: (G, T) scaled KPI minus media and signed features.
        moving: (T, J) of `moving_columns`.
        noise_sd: (G,) scale σ of the Student-t.
        noise_degrees: () ν.
        linear: of `sampled_linear`.
    """
    variance = _variance(noise_sd, noise_degrees)

    def of_market(coordinates: Array, residual: Array, variance: Array, *market: Array) -> Array:
        basis, singular, rotation, root = market
        of_normal = conditional(root[:, None] * moving, root * residual, variance, basis, singular**2)
        rotated, coefficients = _coefficients(coordinates, of_normal, variance, singular)
        return jnp.concatenate([rotation @ rotated, coefficients])

    return jax.vmap(of_market)(
        coordinates, residual, variance, linear.basis, linear.singular, linear.rotation, linear.root_weights
    )


def sampled_log_density(
    coordinates: Array, residual: Array, moving: Array, noise_sd: Array, noise_degrees: Array, linear: SampledLinear
) -> Array:
    """Log density of the residual and of the linear coefficients, over that of their standard Normal coordinates.

    Args:
        coordinates: (G, R + J) z.
        residual: (G, T) scaled KPI minus media and signed features.
        moving: (T, J) of `moving_columns`.
        noise_sd: (G,) scale σ of the Student-t.
        noise_degrees: () ν.
        linear: of `sampled_linear`.
    """
    of_market = partial(_log_density, moving, noise_degrees)
    arrays = (coordinates, residual, noise_sd, linear.basis, linear.singular, linear.root_weights)
    if residual.shape[0] == 1:
        return of_market(*(array[0] for array in arrays))
    return jax.vmap(of_market)(*arrays).sum()


def _log_density(
    moving: Array,
    noise_degrees: Array,
    coordinates: Array,
    residual: Array,
    noise_sd: Array,
    basis: Array,
    singular: Array,
    root: Array,
) -> Array:
    variance, days = _variance(noise_sd, noise_degrees), residual.shape[0]
    of_normal = conditional(root[:, None] * moving, root * residual, variance, basis, singular**2)
    rotated, coefficients = _coefficients(coordinates, of_normal, variance, singular)
    weighted = root * (residual - moving @ coefficients) - basis @ (singular * rotated)
    half = 0.5 * (noise_degrees + 1)
    constant = gammaln(half) - gammaln(0.5 * noise_degrees) - 0.5 * jnp.log(noise_degrees * jnp.pi)
    error = weighted / (root * noise_sd)
    student = days * (constant - jnp.log(noise_sd)) - half * jnp.log1p(error**2 / noise_degrees).sum()
    # Both sides of the ratio to the stand-in leave out the volume of its weights.
    normal = -0.5 * (jnp.dot(weighted, weighted) / variance + days * jnp.log(2 * jnp.pi * variance))
    return of_normal.log_likelihood + student - normal


def _variance(noise_sd: Array, noise_degrees: Array) -> Array:
    return noise_sd**2 * (noise_degrees + 3) / (noise_degrees + 1)


def _coefficients(coordinates: Array, of_normal: Conditional, variance: Array, singular: Array) -> tuple[Array, Array]:
    """Fixed coefficients (R,) in the basis V, and moving ones (J,), in units of their prior scales."""
    fit, moving = of_normal, len(of_normal.fits)
    fixed_coordinates, own = coordinates[:-moving], coordinates[-moving:]
    coefficients: list[Array] = []
    # From the last, the level, to the first: L⁻ᵀ (fits + z).
    for j in reversed(range(moving)):
        after = range(j + 1, moving)
        noise = own[j] if after else _above(own[j], fit.fits[j])
        known = sum((fit.factor[i][j] * coefficients[i - j - 1] for i in after), start=0.0)
        coefficients.insert(0, (fit.fits[j] - known + noise) / fit.factor[j][j])
    inside = fit.inside[:, 0]
    for j, coefficient in enumerate(coefficients, start=1):
        inside = inside - coefficient * fit.inside[:, j]
    fixed = singular * fit.weights * inside + jnp.sqrt(variance * fit.weights) * fixed_coordinates
    return fixed, jnp.stack(coefficients)


def _above(u: Array, bound: Array) -> Array:
    """The quantile at Φ(u) of a standard Normal restricted to values above -bound.

    Its upper tail is Φ(-u) Φ(bound). Whichever tail is the smaller keeps its digits.
    """
    upper = jnp.exp(log_ndtr(-u) + log_ndtr(bound))
    lower = jnp.exp(log_ndtr(u)) + jnp.exp(log_ndtr(-u) + log_ndtr(-bound))
    smaller = jnp.clip(jnp.minimum(upper, lower), _TINY, 0.5)
    return jnp.where(upper < lower, -1.0, 1.0) * ndtri(smaller)
