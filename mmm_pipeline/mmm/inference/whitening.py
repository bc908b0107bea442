"""Sampling coordinates: each parameter is F⁻¹(Φ(u)) of a standard Normal u, F its prior's distribution function.

The prior of u is N(0, I) whatever the prior of the parameter, and with the weak data of media mix modelling the
posterior stays close to it: the sampler meets almost a standard Normal. A quantile is computed from the logarithm of
that tail probability which keeps its digits: log Φ(u) of the lower tail for priors that crowd at 0, log Φ(-u) of the
upper tail for unbounded ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import scipy.special

from mmm_pipeline.mmm.media.transforms import MEDIA_PARAMETERS
from mmm_pipeline.mmm.specs import Adstock, Noise

__all__ = [
    "COEFFICIENT_QUANTILE",
    "JAX",
    "LEVEL",
    "LINEAR",
    "MARKET_QUANTILE",
    "NOISE_EXCESS",
    "NUMPY",
    "SIGNED_QUANTILE",
    "Functions",
    "Layout",
    "coordinates",
    "parameters_from_coordinates",
]

COEFFICIENT_QUANTILE = "media_coefficient_quantile"
LEVEL = "level"
MARKET_QUANTILE = "market_quantile"
SIGNED_QUANTILE = "signed_feature_quantile"
NOISE_EXCESS = "noise_excess"
LINEAR = "linear"


class Functions(NamedTuple):
    """The same functions from one of two libraries: JAX inside the sampler, NumPy on stored draws."""

    exp: Callable[[Any], Any]
    log_ndtr: Callable[[Any], Any]
    ndtri: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]
    maximum: Callable[[Any, Any], Any]


JAX = Functions(jnp.exp, jax.scipy.special.log_ndtr, jax.scipy.special.ndtri, jnp.where, jnp.maximum)
NUMPY = Functions(np.exp, scipy.special.log_ndtr, scipy.special.ndtri, np.where, np.maximum)


class Layout(NamedTuple):
    """What there is to sample: the static side of a model, one compiled program each.

    Attributes:
        adstock: the media transform.
        channels: C.
        markets: G of a panel; 0 for a single market, which has no hierarchy.
        signed_features: S, features whose coefficients have a sign.
        roi_priors: whether any channel has a prior on its ROI.
        noise: distribution of the noise.
        linear: K, linear coefficients of each window that are sampled; 0 when they are integrated out, as Normal
            noise allows.
    """

    adstock: Adstock
    channels: int
    markets: int = 0
    signed_features: int = 0
    roi_priors: bool = False
    noise: Noise = "normal"
    linear: int = 0

    @property
    def windows(self) -> int:
        """W, windows that are fitted together: the markets, or one."""
        return max(1, self.markets)


class _Quantile(NamedTuple):
    """A prior's quantile as a function of the log probability of one tail."""

    tail: float
    of: Callable[[Functions, Any], Any]


class _Block(NamedTuple):
    name: str
    shape: tuple[int, ...]
    quantile: _Quantile


_LOWER, _UPPER = 1.0, -1.0


def _beta_1(concentration: float) -> _Quantile:
    """Beta(concentration, 1), whose distribution function is x^concentration."""
    return _Quantile(_LOWER, lambda f, log_tail: f.exp(log_tail / concentration))


def _half_normal(scale: float) -> _Quantile:
    return _Quantile(_UPPER, lambda f, log_tail: -scale * f.ndtri(0.5 * f.exp(log_tail)))


_HALF_NORMAL = _half_normal(1.0)
_EXPONENTIAL = _Quantile(_UPPER, lambda f, log_tail: -log_tail)  # Gamma(1, 1)
_TREND_EXPONENT = _Quantile(_LOWER, lambda f, log_tail: 0.5 + f.exp(log_tail))  # Uniform(0.5, 1.5)
_MEDIA_QUANTILES: dict[Adstock, dict[str, _Quantile]] = {
    "adstock": {"retention": _beta_1(2.0), "exponent": _beta_1(9.0)},
    "hill_adstock": {"retention": _beta_1(2.0), "half_saturation": _EXPONENTIAL, "slope": _EXPONENTIAL},
    "carryover": {"retention": _beta_1(1.0), "peak_delay": _half_normal(2.0), "exponent": _beta_1(9.0)},
}


def coordinates(layout: Layout) -> int:
    """D, the number of sampled coordinates."""
    return _whitened_size(layout) + layout.windows * layout.linear


def parameters_from_coordinates(layout: Layout, u: Any, f: Functions = JAX) -> dict[str, Any]:
    """The sampled parameters at u, with quantiles in place of coefficients.

    Args:
        layout: what there is to sample.
        u: (..., D) standard Normal a priori.
        f: the library to compute with.

    Returns:
        `media_coefficient_quantile`, a half-Normal(1) quantile, and the parameters of the transform, (..., C) each;
        `level` (..., C), the same coordinates as the quantile, left standard Normal; `trend_exponent` (...);
        `noise_sd` (..., W); for panels `market_quantile` (..., G, C), with signed features `signed_feature_quantile`
        (..., W, S), both half-Normal(1); for Student-t noise `noise_excess` (...), Exponential(1), and for sampled
        linear coefficients `linear` (..., W, K), left standard Normal.
    """
    blocks, whitened = _blocks(layout), _whitened_size(layout)
    tails = np.concatenate([np.full(math.prod(block.shape), block.quantile.tail) for block in blocks])
    # One call for all coordinates: the function is long, and every copy of it would be compiled.
    log_tail = f.log_ndtr(tails.astype(u.dtype) * u[..., :whitened])
    parameters, first = {LEVEL: u[..., : layout.channels]}, 0
    for block in blocks:
        size = math.prod(block.shape)
        values = block.quantile.of(f, log_tail[..., first : first + size])
        parameters[block.name] = values.reshape((*u.shape[:-1], *block.shape))
        first += size
    if layout.linear:
        parameters[LINEAR] = u[..., whitened:].reshape(*u.shape[:-1], layout.windows, layout.linear)
    return parameters


def _whitened_size(layout: Layout) -> int:
    return sum(math.prod(block.shape) for block in _blocks(layout))


def _blocks(layout: Layout) -> list[_Block]:
    channels, windows = layout.channels, layout.windows
    blocks = [_Block(COEFFICIENT_QUANTILE, (channels,), _HALF_NORMAL)]
    blocks += [
        _Block(name, (channels,), _MEDIA_QUANTILES[layout.adstock][name]) for name in MEDIA_PARAMETERS[layout.adstock]
    ]
    if layout.markets:
        blocks.append(_Block(MARKET_QUANTILE, (layout.markets, channels), _HALF_NORMAL))
    if layout.signed_features:
        blocks.append(_Block(SIGNED_QUANTILE, (windows, layout.signed_features), _HALF_NORMAL))
    blocks += [_Block("trend_exponent", (), _TREND_EXPONENT), _Block("noise_sd", (windows,), _EXPONENTIAL)]
    if layout.noise == "student_t":
        blocks.append(_Block(NOISE_EXCESS, (), _EXPONENTIAL))
    return blocks
