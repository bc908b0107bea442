"""Sampling coordinates: each parameter is F⁻¹(Φ(u)) of a standard Normal u, F its prior's distribution function.

The prior of u is N(0, I) whatever the prior of the parameter, and with the weak data of media mix modelling the
posterior stays close to it: the sampler meets almost a standard Normal.
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

__all__ = ["JAX", "NUMPY", "Functions", "coordinates", "parameters_from_coordinates"]


class Functions(NamedTuple):
    """The same functions from one of two libraries: JAX inside the sampler, NumPy on stored draws."""

    exp: Callable[[Any], Any]
    ndtr: Callable[[Any], Any]
    log_ndtr: Callable[[Any], Any]
    ndtri: Callable[[Any], Any]


JAX = Functions(jnp.exp, jax.scipy.special.ndtr, jax.scipy.special.log_ndtr, jax.scipy.special.ndtri)
NUMPY = Functions(np.exp, scipy.special.ndtr, scipy.special.log_ndtr, scipy.special.ndtri)


def coordinates(adstock: Adstock, channels: int) -> int:
    """D, the number of sampled coordinates: coefficient and transform of every channel, trend exponent, noise."""
    return (1 + len(MEDIA_PARAMETERS[adstock])) * channels + 2


def parameters_from_coordinates(adstock: Adstock, u: Any, media_scale: Any, f: Functions = JAX) -> dict[str, Any]:
    """The sampled parameters at u.

    Args:
        adstock: the media transform.
        u: (..., D) standard Normal a priori.
        media_scale: (C,) scale of the half-Normal priors of the media coefficients.
        f: the library to compute with.

    Returns:
        `media_coefficient`, the parameters of the transform, (..., C) each; `trend_exponent`, `noise_sd`, (...) each.
    """
    names = MEDIA_PARAMETERS[adstock]
    rows = u[..., :-2].reshape(*u.shape[:-1], 1 + len(names), media_scale.shape[0])
    parameters = {"media_coefficient": media_scale * _half_normal(f, rows[..., 0, :])}
    for i, name in enumerate(names, start=1):
        parameters[name] = _MEDIA_MAPS[adstock][name](f, rows[..., i, :])
    parameters["trend_exponent"] = 0.5 + f.ndtr(u[..., -2])
    parameters["noise_sd"] = _exponential(f, u[..., -1])
    return parameters


def _beta_1(concentration: float) -> Callable[[Functions, Any], Any]:
    """Beta(concentration, 1), whose distribution function is x^concentration."""
    return lambda f, u: f.exp(f.log_ndtr(u) / concentration)


def _exponential(f: Functions, u: Any) -> Any:
    """Gamma(1, 1)."""
    return -f.log_ndtr(-u)


def _half_normal(f: Functions, u: Any) -> Any:
    """HalfNormal(1)."""
    return -f.ndtri(0.5 * f.ndtr(-u))


_MEDIA_MAPS: dict[Adstock, dict[str, Callable[[Functions, Any], Any]]] = {
    "adstock": {"retention": _beta_1(2.0), "exponent": _beta_1(9.0)},
    "hill_adstock": {"retention": _beta_1(2.0), "half_saturation": _exponential, "slope": _exponential},
    "carryover": {
        "retention": lambda f, u: f.ndtr(u),
        "peak_delay": lambda f, u: 2.0 * _half_normal(f, u),
        "exponent": _beta_1(9.0),
    },
}
