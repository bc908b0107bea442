"""Sampling coordinates: each parameter is F⁻¹(Φ(u)) of a standard Normal u, F its prior's distribution function.

The prior of u is N(0, I) whatever the prior of the parameter, and with the weak data of media mix modelling the
posterior stays close to it: the sampler meets almost a standard Normal.

Media coefficients take one step more. The data knows a channel's mean effect β · mean(m) better than β: at a fixed β
the retention alone moves the whole effect, the stiffest direction of all. So β = s q / √(1 + κ²), where q is the
half-Normal quantile of u, s the prior's scale and κ = s · mean(m): nearly the mean effect itself where the prior is
wide. The prior stays what it is, because the change of variables is added to the density.

A quantile is computed from the logarithm of that tail probability which keeps its digits: log Φ(u) of the lower tail
for priors that crowd at 0, log Φ(-u) of the upper tail for unbounded ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import scipy.special

from mmm_pipeline.mmm.specs import Adstock
from mmm_pipeline.mmm.transforms import MEDIA_PARAMETERS

__all__ = [
    "COEFFICIENT_QUANTILE",
    "JAX",
    "NUMPY",
    "Functions",
    "coefficients",
    "coordinates",
    "log_change_of_variables",
    "parameters_from_coordinates",
]

COEFFICIENT_QUANTILE = "media_coefficient_quantile"


class Functions(NamedTuple):
    """The same functions from one of two libraries: JAX inside the sampler, NumPy on stored draws."""

    exp: Callable[[Any], Any]
    log_ndtr: Callable[[Any], Any]
    ndtri: Callable[[Any], Any]


JAX = Functions(jnp.exp, jax.scipy.special.log_ndtr, jax.scipy.special.ndtri)
NUMPY = Functions(np.exp, scipy.special.log_ndtr, scipy.special.ndtri)


def coordinates(adstock: Adstock, channels: int) -> int:
    """D, the number of sampled coordinates: coefficient and transform of every channel, trend exponent, noise."""
    return (1 + len(MEDIA_PARAMETERS[adstock])) * channels + 2


def parameters_from_coordinates(adstock: Adstock, u: Any, channels: int, f: Functions = JAX) -> dict[str, Any]:
    """The sampled parameters at u, with the quantile q in place of the media coefficient.

    Args:
        adstock: the media transform.
        u: (..., D) standard Normal a priori.
        channels: C.
        f: the library to compute with.

    Returns:
        `media_coefficient_quantile` and the parameters of the transform, (..., C) each; `trend_exponent` and
        `noise_sd`, (...) each.
    """
    per_channel = {COEFFICIENT_QUANTILE: _half_normal(1.0)} | _MEDIA_QUANTILES[adstock]
    tails = [np.full(channels, quantile.tail) for quantile in per_channel.values()]
    tails.append(np.array([_TREND_EXPONENT.tail, _NOISE.tail]))
    # One call for all coordinates: the function is long, and every copy of it would be compiled.
    log_tail = f.log_ndtr(np.concatenate(tails).astype(u.dtype) * u)
    rows = log_tail[..., :-2].reshape(*u.shape[:-1], len(per_channel), channels)
    parameters = {name: quantile.of(f, rows[..., i, :]) for i, (name, quantile) in enumerate(per_channel.items())}
    parameters["trend_exponent"] = _TREND_EXPONENT.of(f, log_tail[..., -2])
    parameters["noise_sd"] = _NOISE.of(f, log_tail[..., -1])
    return parameters


def coefficients(q: Any, media_scale: Any, mean_effect: Any) -> Any:
    """Media coefficients β (..., C) from their quantiles.

    Args:
        q: (..., C) half-Normal quantiles of the coordinates.
        media_scale: (C,) scale s of the half-Normal priors.
        mean_effect: (..., C) mean over the window of the transformed media.
    """
    return media_scale * q * _stretch(media_scale, mean_effect) ** -0.5


def log_change_of_variables(q: Any, media_scale: Any, mean_effect: Any) -> Any:
    """() log of the prior of the coefficients in the coordinates u, relative to the standard Normal density of u."""
    stretch = _stretch(media_scale, mean_effect)
    return 0.5 * jnp.sum(q**2 * (1 - 1 / stretch) - jnp.log(stretch))


def _stretch(media_scale: Any, mean_effect: Any) -> Any:
    return 1 + (media_scale * mean_effect) ** 2


_LOWER, _UPPER = 1.0, -1.0


class _Quantile(NamedTuple):
    """A prior's quantile as a function of the log probability of one tail."""

    tail: float
    of: Callable[[Functions, Any], Any]


def _beta_1(concentration: float) -> _Quantile:
    """Beta(concentration, 1), whose distribution function is x^concentration."""
    return _Quantile(_LOWER, lambda f, log_tail: f.exp(log_tail / concentration))


def _half_normal(scale: float) -> _Quantile:
    return _Quantile(_UPPER, lambda f, log_tail: -scale * f.ndtri(0.5 * f.exp(log_tail)))


_EXPONENTIAL = _Quantile(_UPPER, lambda f, log_tail: -log_tail)  # Gamma(1, 1)
_NOISE = _EXPONENTIAL
_TREND_EXPONENT = _Quantile(_LOWER, lambda f, log_tail: 0.5 + f.exp(log_tail))  # Uniform(0.5, 1.5)
_MEDIA_QUANTILES: dict[Adstock, dict[str, _Quantile]] = {
    "adstock": {"retention": _beta_1(2.0), "exponent": _beta_1(9.0)},
    "hill_adstock": {"retention": _beta_1(2.0), "half_saturation": _EXPONENTIAL, "slope": _EXPONENTIAL},
    "carryover": {"retention": _beta_1(1.0), "peak_delay": _half_normal(2.0), "exponent": _beta_1(9.0)},
}
