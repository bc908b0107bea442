"""Normal noise: the likelihood with the linear coefficients integrated out, and the exact draw of what was integrated.

Given the media parameters, those of the baseline's components and the noise σ, all coefficients of the baseline enter
the mean linearly with Normal priors, so r = y - Mβ is N(0, σ²I + BBᵀ), B being the columns times their prior scales.
Most columns of B never change: with U S Vᵀ their singular value decomposition, σ²I + USSUᵀ has a diagonal inverse in
the basis U. The moving ones, those of parametric components and the level, are added by a Cholesky step. The level
comes last: its positivity (half-Normal prior) multiplies the density by 2 Φ(m / s), m and s being the mean and standard
deviation of its conditional. Exact only while those priors are Normal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

from mmm_pipeline.mmm.baseline.component import ParametricComponent
from mmm_pipeline.mmm.baseline.design import LinearDesign
from mmm_pipeline.mmm.numerics.jax_library import JAX

__all__ = [
    "Conditional",
    "IntegratedLinear",
    "LinearBlock",
    "MovingColumns",
    "conditional",
    "integrated_linear",
    "integrated_log_likelihood",
    "linear_block",
    "moving_columns",
    "prepared_moving",
]


class MovingColumns(NamedTuple):
    """What the J columns beside the fixed ones are made of, the same in every market. NumPy or JAX arrays.

    Attributes:
        prepared: of every parametric component, in the order of the layout.
        level: (T,) column of the level times its prior scale.
    """

    prepared: tuple[Any, ...]
    level: Any


class IntegratedLinear(NamedTuple):
    """The linear columns of G markets as the likelihood needs them. NumPy or JAX arrays.

    Attributes:
        basis: (G, T, R) orthonormal basis U of the fixed columns, padded with zero columns.
        variances: (G, R) squared singular values, 0 for padding.
        moving: columns that are added one by one.
    """

    basis: Any
    variances: Any
    moving: MovingColumns


def integrated_linear(designs: Sequence[LinearDesign]) -> IntegratedLinear:
    """Prepare the markets' columns; padded, so that several specs share shapes."""
    bases, variances = zip(*(_spectrum(design) for design in designs), strict=True)
    return IntegratedLinear(np.stack(bases), np.stack(variances), prepared_moving(designs[0]))


def prepared_moving(design: LinearDesign) -> MovingColumns:
    """What the moving columns of a design are made of."""
    level = design.level.columns[:, 0] * design.level.scales[0]
    return MovingColumns(tuple(part.prepared for part in design.parametric_parts), level)


def moving_columns(
    components: Sequence[ParametricComponent], parameters: Mapping[str, Array], moving: MovingColumns
) -> Array:
    """(T, J) columns times their prior scales: those of the parametric components, then the level.

    Args:
        components: those of the layout.
        parameters: their parameters, () each, by name.
        moving: of `prepared_moving`.
    """
    parts = [
        component.columns(prepared, parameters, JAX) * component.scales(prepared, parameters, JAX)
        for component, prepared in zip(components, moving.prepared, strict=True)
    ]
    return jnp.concatenate([*parts, moving.level[:, None]], axis=1)


def _spectrum(design: LinearDesign) -> tuple[np.ndarray, np.ndarray]:
    fixed = design.fixed * design.fixed_scales
    left, singular, _ = np.linalg.svd(fixed, full_matrices=False)
    rank = fixed.shape[1] + design.padding
    basis, variances = np.zeros((len(design.time), rank)), np.zeros(rank)
    used = singular > singular.max(initial=0.0) * 1e-12
    basis[:, : used.sum()] = left[:, used]
    variances[: used.sum()] = singular[used] ** 2
    return basis, variances


def integrated_log_likelihood(residual: Array, moving: Array, noise_sd: Array, linear: IntegratedLinear) -> Array:
    """Log density of the residual under the linear coefficients' prior and the noise.

    Args:
        residual: (G, T) scaled KPI minus media and signed features.
        moving: (T, J) of `moving_columns`.
        noise_sd: (G,) σ of every market.
        linear: of `integrated_linear`.
    """
    of_market = partial(_log_likelihood, moving)
    if residual.shape[0] == 1:
        return of_market(residual[0], noise_sd[0], linear.basis[0], linear.variances[0])
    return jax.vmap(of_market)(residual, noise_sd, linear.basis, linear.variances).sum()


def _log_likelihood(moving: Array, residual: Array, noise_sd: Array, basis: Array, variances: Array) -> Array:
    return conditional(moving, residual, noise_sd**2, basis, variances).log_likelihood


class Conditional(NamedTuple):
    """What the residual says of the linear coefficients, in units of their prior scales, once they are integrated out.

    Attributes:
        log_likelihood: () log density of the residual.
        inside: (R, 1 + J) residual and moving columns in the basis U.
        weights: (R,) 1 / (σ² + squared singular value).
        factor: L, the lower Cholesky factor of the precision of the moving coefficients, the others integrated out:
            J rows of () entries, row j having j + 1.
        fits: J entries (): L⁻¹ times the moving columns' product with the residual, so that the moving coefficients
            are L⁻ᵀ (fits + standard Normals), before the last is restricted to positive values.
    """

    log_likelihood: Array
    inside: Array
    weights: Array
    factor: tuple[tuple[Array, ...], ...]
    fits: tuple[Array, ...]


def conditional(moving: Array, residual: Array, noise_variance: Array, basis: Array, variances: Array) -> Conditional:
    """Integrate the linear coefficients of one market out.

    Args:
        moving: (T, J) moving columns times their prior scales, the level last.
        residual: (T,) scaled KPI minus media and signed features.
        noise_variance: () σ².
        basis: (T, R) orthonormal basis U of the fixed columns.
        variances: (R,) squared singular values.
    """
    # Gram matrix of residual and moving columns under the inverse of σ²I + USSUᵀ; the part outside the span of U is
    # formed first, because the difference of two large squares would lose digits.
    columns = jnp.concatenate([residual[:, None], moving], axis=1)
    inside = basis.T @ columns
    outside = columns - basis @ inside
    weights = 1 / (noise_variance + variances)
    gram = outside.T @ outside / noise_variance + inside.T @ (weights[:, None] * inside)

    factor, fits = _cholesky_step(gram)
    days = residual.shape[0]
    log_determinant = days * jnp.log(noise_variance) + jnp.sum(jnp.log1p(variances / noise_variance))
    quadratic = gram[0, 0]
    for row, fit in zip(factor, fits, strict=True):
        log_determinant = log_determinant + 2 * jnp.log(row[-1])
        quadratic = quadratic - fit**2
    log_twice_phi = jnp.log(2.0) + log_ndtr(fits[-1])
    log_likelihood = -0.5 * (quadratic + log_determinant + days * jnp.log(2 * jnp.pi)) + log_twice_phi
    return Conditional(log_likelihood, inside, weights, factor, fits)


def _cholesky_step(gram: Array) -> tuple[tuple[tuple[Array, ...], ...], tuple[Array, ...]]:
    """Factor L of I + WᵀΣ₀⁻¹W, W the moving columns, and L⁻¹WᵀΣ₀⁻¹r; both are in the Gram matrix of r and W.

    Written out entry by entry: for two columns a fraction of what a library's call takes in a compiled loop.
    """
    factor: list[tuple[Array, ...]] = []
    fits: list[Array] = []
    for j in range(gram.shape[0] - 1):
        row: list[Array] = []
        for k, other in enumerate(factor):
            rest = sum((row[i] * other[i] for i in range(k)), start=0.0)
            row.append((gram[1 + k, 1 + j] - rest) / other[k])
        own = 1 + gram[1 + j, 1 + j] - sum((entry**2 for entry in row), start=0.0)
        row.append(jnp.sqrt(own))
        fits.append((gram[0, 1 + j] - sum((entry * fit for entry, fit in zip(row, fits, strict=False)), 0.0)) / row[-1])
        factor.append(tuple(row))
    return tuple(factor), tuple(fits)


@dataclass(frozen=True)
class LinearBlock:
    """Conditional of the K linear coefficients given the rest, for S draws, in units of their prior scales.

    It is Normal with precision LLᵀ/σ² and mean L⁻ᵀv, restricted to a positive last coefficient (the level).

    Attributes:
        factor: (S, K, K) L, lower triangular: LLᵀ = σ²I + BᵀB.
        projected: (S, K) v = L⁻¹Bᵀr.
        noise_sd: (S,) σ.
        scales: (S, K) prior scales, or (1, K).
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
            - np.log(self.scales).sum(axis=1)
            - 0.5 * (deviation**2).sum(axis=1) / sigma**2
            - diagonal.shape[1] * (np.log(sigma) + 0.5 * np.log(2 * np.pi))
        )
        return normal - log_ndtr_numpy(self.projected[:, -1] / sigma)


def linear_block(
    design: LinearDesign, residual: np.ndarray, parameters: Mapping[str, np.ndarray], noise_sd: np.ndarray
) -> LinearBlock:
    """The conditional of the integrated coefficients.

    Args:
        design: columns of a market.
        residual: (S, T) scaled KPI minus media and signed features.
        parameters: those of the baseline's components, (S,) each.
        noise_sd: (S,) σ.
    """
    scales = design.scales(parameters)
    columns = design.columns(parameters, len(residual)) * scales[:, None]
    transposed = np.swapaxes(columns, 1, 2)
    precision = transposed @ columns + noise_sd[:, None, None] ** 2 * np.eye(columns.shape[2])
    factor = np.linalg.cholesky(precision)
    projected = np.linalg.solve(factor, transposed @ residual[..., None])[..., 0]
    return LinearBlock(factor=factor, projected=projected, noise_sd=noise_sd, scales=scales)
