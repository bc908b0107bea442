"""Normal noise: the likelihood with the linear coefficients integrated out, and the exact draw of what was integrated.

Given the media parameters, the trend exponent e and the noise σ, all of {seasonality, weekday, features, trend,
intercept} enter the mean linearly with Normal priors, so r = y - Mβ is N(0, σ²I + BBᵀ), B being the columns times their
prior scales. All columns of B but two never change: with U S Vᵀ their singular value decomposition, σ²I + USSUᵀ has a
diagonal inverse in the basis U, and trend and intercept are added as a 2 x 2 Cholesky step. The intercept comes last:
its positivity (half-Normal prior) multiplies the density by 2 Φ(m / s), m and s being the mean and standard deviation
of its conditional. Exact only while those priors are Normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import log_ndtr
from scipy.special import log_ndtr as log_ndtr_numpy
from scipy.special import ndtri_exp

from mmm_pipeline.mmm.baseline.design import LinearDesign
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.library import power

__all__ = [
    "Conditional",
    "IntegratedLinear",
    "LinearBlock",
    "conditional",
    "integrated_linear",
    "integrated_log_likelihood",
    "linear_block",
]


class IntegratedLinear(NamedTuple):
    """The linear columns of G markets as the likelihood needs them. NumPy or JAX arrays.

    Attributes:
        basis: (G, T, R) orthonormal basis U of the fixed columns, padded with zero columns.
        variances: (G, R) squared singular values, 0 for padding.
        trend_scale: () prior standard deviation of the trend coefficient.
        intercept_scale: () scale of the intercept's half-Normal prior.
    """

    basis: Any
    variances: Any
    trend_scale: Any
    intercept_scale: Any


def integrated_linear(designs: Sequence[LinearDesign]) -> IntegratedLinear:
    """Prepare the markets' columns; padded, so that several specs share shapes."""
    bases, variances = zip(*(_spectrum(design) for design in designs), strict=True)
    one = designs[0]
    return IntegratedLinear(np.stack(bases), np.stack(variances), one.trend_scale, one.intercept_scale)


def _spectrum(design: LinearDesign) -> tuple[np.ndarray, np.ndarray]:
    fixed = design.fixed * design.fixed_scales
    left, singular, _ = np.linalg.svd(fixed, full_matrices=False)
    rank = fixed.shape[1] + design.padding
    basis, variances = np.zeros((len(design.time), rank)), np.zeros(rank)
    used = singular > singular.max(initial=0.0) * 1e-12
    basis[:, : used.sum()] = left[:, used]
    variances[: used.sum()] = singular[used] ** 2
    return basis, variances


def integrated_log_likelihood(
    residual: Array, trend_exponent: Array, noise_sd: Array, time: Array, linear: IntegratedLinear
) -> Array:
    """Log density of the residual under the linear coefficients' prior and the noise.

    Args:
        residual: (G, T) scaled KPI minus media and signed features.
        trend_exponent: () e.
        noise_sd: (G,) σ of every market.
        time: (T,) days since the first.
        linear: of `integrated_linear`.
    """
    trend = linear.trend_scale * power(time, trend_exponent, JAX)
    of_market = partial(_log_likelihood, trend, linear.intercept_scale * jnp.ones_like(time))
    if residual.shape[0] == 1:
        return of_market(residual[0], noise_sd[0], linear.basis[0], linear.variances[0])
    return jax.vmap(of_market)(residual, noise_sd, linear.basis, linear.variances).sum()


def _log_likelihood(
    trend: Array, intercept: Array, residual: Array, noise_sd: Array, basis: Array, variances: Array
) -> Array:
    return conditional(trend, intercept, residual, noise_sd**2, basis, variances).log_likelihood


class Conditional(NamedTuple):
    """What the residual says of the linear coefficients, in units of their prior scales, once they are integrated out.

    Attributes:
        log_likelihood: () log density of the residual.
        inside: (R, 3) residual, trend and intercept in the basis U.
        weights: (R,) 1 / (σ² + squared singular value).
        gram: (3, 3) Gram matrix of the same under the inverse of σ²I + USSUᵀ.
        trend_sd: () its Cholesky step of the trend: root of the trend coefficient's precision given the intercept.
        intercept_sd: () root of the intercept's precision, the trend coefficient integrated out.
        intercept_fit: () its mean, before it is restricted to positive values, times `intercept_sd`.
    """

    log_likelihood: Array
    inside: Array
    weights: Array
    gram: Array
    trend_sd: Array
    intercept_sd: Array
    intercept_fit: Array


def conditional(
    trend: Array, intercept: Array, residual: Array, noise_variance: Array, basis: Array, variances: Array
) -> Conditional:
    """Integrate the linear coefficients of one window out.

    Args:
        trend: (T,) column of the trend times its prior scale.
        intercept: (T,) column of the intercept times its prior scale.
        residual: (T,) scaled KPI minus media and signed features.
        noise_variance: () σ².
        basis: (T, R) U.
        variances: (R,) squared singular values.
    """
    # Gram matrix of (residual, trend, intercept) under the inverse of σ²I + USSUᵀ; the part outside the span of U is
    # formed first, because the difference of two large squares would lose digits.
    columns = jnp.stack([residual, trend, intercept], axis=1)
    inside = basis.T @ columns
    outside = columns - basis @ inside
    weights = 1 / (noise_variance + variances)
    gram = outside.T @ outside / noise_variance + inside.T @ (weights[:, None] * inside)

    # Cholesky step of trend, then intercept: I + [trend intercept]ᵀ Σ₀⁻¹ [trend intercept].
    trend_sd = jnp.sqrt(1 + gram[1, 1])
    cross = gram[1, 2] / trend_sd
    intercept_sd = jnp.sqrt(1 + gram[2, 2] - cross**2)
    trend_fit = gram[0, 1] / trend_sd
    intercept_fit = (gram[0, 2] - cross * trend_fit) / intercept_sd

    days = residual.shape[0]
    log_determinant = (
        days * jnp.log(noise_variance)
        + jnp.sum(jnp.log1p(variances / noise_variance))
        + 2 * jnp.log(trend_sd)
        + 2 * jnp.log(intercept_sd)
    )
    quadratic = gram[0, 0] - trend_fit**2 - intercept_fit**2
    log_twice_phi = jnp.log(2.0) + log_ndtr(intercept_fit)
    log_likelihood = -0.5 * (quadratic + log_determinant + days * jnp.log(2 * jnp.pi)) + log_twice_phi
    return Conditional(log_likelihood, inside, weights, gram, trend_sd, intercept_sd, intercept_fit)


@dataclass(frozen=True)
class LinearBlock:
    """Conditional of the K linear coefficients given the rest, for S draws, in units of their prior scales.

    It is Normal with precision LLᵀ/σ² and mean L⁻ᵀv, restricted to a positive last coefficient (the intercept).

    Attributes:
        factor: (S, K, K) L, lower triangular: LLᵀ = σ²I + BᵀB.
        projected: (S, K) v = L⁻¹Bᵀr.
        noise_sd: (S,) σ.
        scales: (K,) prior scales.
    """

    factor: np.ndarray
    projected: np.ndarray
    noise_sd: np.ndarray
    scales: np.ndarray

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """One exact draw of the coefficients per given draw: (S, K), in the units of the scaled KPI."""
        noise = generator.standard_normal(self.projected.shape)
        # The last coefficient is (v + σε) / L with ε > -v/σ: its mirror image is below v/σ, by inverse distribution.
        bound = self.projected[:, -1] / self.noise_sd
        uniform = 1.0 - generator.random(len(bound))
        noise[:, -1] = -ndtri_exp(np.log(uniform) + log_ndtr_numpy(bound))
        right = self.projected + self.noise_sd[:, None] * noise
        # The factor's last column is zero above the diagonal, so Lᵀb = v + σε leaves the last coefficient alone.
        standardised = np.linalg.solve(np.swapaxes(self.factor, 1, 2), right[..., None])[..., 0]
        standardised[:, -1] = np.maximum(standardised[:, -1], np.finfo(float).tiny)
        return standardised * self.scales

    def log_density(self, coefficients: np.ndarray) -> np.ndarray:
        """(S,) log density of coefficients (S, K), in the units of the scaled KPI."""
        deviation = np.einsum("skj,sk->sj", self.factor, coefficients / self.scales) - self.projected
        sigma = self.noise_sd
        diagonal = np.diagonal(self.factor, axis1=1, axis2=2)
        normal = (
            np.log(diagonal).sum(axis=1)
            - np.log(self.scales).sum()
            - 0.5 * (deviation**2).sum(axis=1) / sigma**2
            - diagonal.shape[1] * (np.log(sigma) + 0.5 * np.log(2 * np.pi))
        )
        return normal - log_ndtr_numpy(self.projected[:, -1] / sigma)


def linear_block(
    design: LinearDesign, residual: np.ndarray, trend_exponent: np.ndarray, noise_sd: np.ndarray
) -> LinearBlock:
    """The conditional of the integrated coefficients.

    Args:
        design: columns of the window.
        residual: (S, T) scaled KPI minus media.
        trend_exponent: (S,) e.
        noise_sd: (S,) σ.
    """
    columns = design.columns(trend_exponent) * design.scales
    transposed = np.swapaxes(columns, 1, 2)
    precision = transposed @ columns + noise_sd[:, None, None] ** 2 * np.eye(columns.shape[2])
    factor = np.linalg.cholesky(precision)
    projected = np.linalg.solve(factor, transposed @ residual[..., None])[..., 0]
    return LinearBlock(factor=factor, projected=projected, noise_sd=noise_sd, scales=design.scales)
