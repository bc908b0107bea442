"""Media transforms: how media of past days acts today, and how it saturates.

Arrays are (T, C): T consecutive days, C channels; parameters are (C,). One posterior draw at a time; pure JAX.
Source: Jin et al. 2017, "Bayesian methods for media mix modeling with carryover and shape effects"; parametrised as in
`lightweight-mmm` 0.1.9.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from mmm_pipeline.mmm.specs import Adstock

__all__ = [
    "CARRYOVER_LAGS",
    "MEDIA_PARAMETERS",
    "adstocked",
    "carryover",
    "hill",
    "lagged",
    "media_transform",
    "power",
    "transform_prepared",
]

CARRYOVER_LAGS = 13

MEDIA_PARAMETERS: dict[Adstock, tuple[str, ...]] = {
    "adstock": ("retention", "exponent"),
    "hill_adstock": ("retention", "half_saturation", "slope"),
    "carryover": ("retention", "peak_delay", "exponent"),
}
"""Parameters of each transform, beside the coefficient; each has one value per channel."""


def adstocked(media: Array, retention: Array) -> Array:
    """Geometric adstock s_t = λ s_(t-1) + x_t, times (1 - λ) so that constant media stays itself.

    Args:
        media: (T, C), at least 0.
        retention: (C,) λ in (0, 1).

    Returns:
        (T, C)
    """
    return (1 - retention) * _carried(media, retention)


def hill(x: Array, half_saturation: Array, slope: Array) -> Array:
    """Saturation 1 / (1 + (x / k)^(-n)), and 0 where x is 0.

    Args:
        x: (T, C), at least 0.
        half_saturation: (C,) k > 0, where the curve reaches one half.
        slope: (C,) n > 0.

    Returns:
        (T, C) in [0, 1).
    """
    positive = x > 0
    # The logistic of n (log x - log k) is the same curve without overflow.
    exponent = slope * (jnp.log(jnp.where(positive, x, 1.0)) - jnp.log(half_saturation))
    return jnp.where(positive, jax.nn.sigmoid(exponent), 0.0)


def lagged(media: Array, lags: int = CARRYOVER_LAGS) -> Array:
    """Media of the same day and the days before it: (C, T, lags), zero before the first day."""
    days = media.shape[0]
    padded = jnp.concatenate([jnp.zeros((lags - 1, *media.shape[1:]), media.dtype), media])
    return jnp.stack([padded[lags - 1 - lag : lags - 1 - lag + days].T for lag in range(lags)], axis=-1)


def carryover(media: Array, retention: Array, peak_delay: Array, lags: int = CARRYOVER_LAGS) -> Array:
    """Weighted mean of the last `lags` days with weights ω_l = r^((l - δ)²), l = 0 .. lags - 1.

    Args:
        media: (T, C), at least 0.
        retention: (C,) r in (0, 1).
        peak_delay: (C,) δ, days until the effect peaks.
        lags: how many days, today included, act.

    Returns:
        (T, C)
    """
    return _carried_over(lagged(media, lags), retention, peak_delay).T


def power(x: Array, exponent: Array) -> Array:
    """x^exponent for x >= 0, where 0^anything is 0; value and gradients are finite."""
    positive = x > 0
    return jnp.where(positive, jnp.exp(exponent * jnp.log(jnp.where(positive, x, 1.0))), 0.0)


def media_transform(adstock: Adstock, media: Array, parameters: Mapping[str, Array]) -> Array:
    """m_c(x)_t of the model: what the media coefficient multiplies.

    Args:
        adstock: which transform.
        media: (T, C) mean-scaled media units.
        parameters: (C,) each; the names in `MEDIA_PARAMETERS[adstock]`.

    Returns:
        (T, C)
    """
    return transform_prepared(adstock, lagged(media) if adstock == "carryover" else media, parameters)


def transform_prepared(adstock: Adstock, prepared: Array, parameters: Mapping[str, Array]) -> Array:
    """`media_transform` of media that is prepared once: `lagged` for carryover, itself otherwise."""
    if adstock == "adstock":
        return power(adstocked(prepared, parameters["retention"]), parameters["exponent"])
    if adstock == "hill_adstock":
        carried = adstocked(prepared, parameters["retention"])
        return hill(carried, parameters["half_saturation"], parameters["slope"])
    mean = _carried_over(prepared, parameters["retention"], parameters["peak_delay"])
    return power(mean, parameters["exponent"][:, None]).T


def _carried_over(lagged_media: Array, retention: Array, peak_delay: Array) -> Array:
    """(C, T) from (C, T, lags): channels lead, because then the product is one batched matrix product."""
    lag = jnp.arange(lagged_media.shape[-1], dtype=lagged_media.dtype)
    # A softmax: weights of a small r and a long delay would all underflow to 0 / 0.
    weights = jax.nn.softmax((lag - peak_delay[:, None]) ** 2 * jnp.log(retention)[:, None])
    return jnp.einsum("ctl,cl->ct", lagged_media, weights)


@jax.custom_jvp
def _carried(x: Array, retention: Array) -> Array:
    """s_t = λ s_(t-1) + x_t: day after day on a CPU, where compiled loops are cheap, by doubling elsewhere."""
    return jax.lax.platform_dependent(x, retention, cpu=_by_day, default=_by_doubling)


def _by_day(x: Array, retention: Array) -> Array:
    def day(carried: Array, today: Array) -> tuple[Array, Array]:
        carried = retention * carried + today
        return carried, carried

    return jax.lax.scan(day, jnp.zeros_like(x[0]), x)[1]


def _by_doubling(x: Array, retention: Array) -> Array:
    """log2(T) shifted multiply-adds of the whole matrix."""
    distance, decay = 1, retention
    while distance < x.shape[0]:
        x = x + decay * _later(x, distance)
        distance, decay = 2 * distance, decay * decay
    return x


@_carried.defjvp
def _carried_derivative(at: tuple[Array, Array], towards: tuple[Array, Array]) -> tuple[Array, Array]:
    """The derivative obeys the same recursion, ds_t = λ ds_(t-1) + dx_t + dλ s_(t-1), so no step of it is stored."""
    x, retention = at
    dx, dretention = towards
    carried = _carried(x, retention)
    return carried, _carried(dx + dretention * _later(carried, 1), retention)


def _later(x: Array, days: int) -> Array:
    return jnp.concatenate([jnp.zeros((days, *x.shape[1:]), x.dtype), x[:-days]])
