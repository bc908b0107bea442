"""The media transforms for many draws at once, in NumPy: stored posteriors need no compiled program.

Same formulas as `transforms`, whose functions take one draw; tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.special import expit, softmax

from mmm_pipeline.mmm.media.transforms import CARRYOVER_LAGS
from mmm_pipeline.mmm.specs import Adstock

__all__ = ["chunks", "media_transform_of_draws"]

_CHUNK_ELEMENTS = 4_000_000
"""Elements of the largest temporary array, 32 MB in double precision."""


def chunks(draws: int, elements_per_draw: int) -> Iterator[slice]:
    """Slices of the draws that keep temporaries small enough for the memory of a laptop."""
    size = max(1, _CHUNK_ELEMENTS // max(1, elements_per_draw))
    return (slice(first, min(first + size, draws)) for first in range(0, draws, size))


def media_transform_of_draws(adstock: Adstock, media: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """m_c(x)_t of every draw.

    Args:
        adstock: which transform.
        media: (T, C) mean-scaled media units.
        parameters: (S, C) each; the names in `MEDIA_PARAMETERS[adstock]`.

    Returns:
        (S, T, C)
    """
    if adstock == "carryover":
        carried = _carried_over(media, parameters["retention"], parameters["peak_delay"])
        return _power(carried, parameters["exponent"][:, None])
    carried = _adstocked(media, parameters["retention"])
    if adstock == "adstock":
        return _power(carried, parameters["exponent"][:, None])
    return _hill(carried, parameters["half_saturation"][:, None], parameters["slope"][:, None])


def _adstocked(media: np.ndarray, retention: np.ndarray) -> np.ndarray:
    carried = np.empty((len(retention), *media.shape))
    today = np.zeros_like(retention)
    for day, bought in enumerate(media):
        today = retention * today + bought
        carried[:, day] = today
    carried *= (1 - retention)[:, None]
    return carried


def _carried_over(media: np.ndarray, retention: np.ndarray, peak_delay: np.ndarray) -> np.ndarray:
    lag = np.arange(CARRYOVER_LAGS)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        exponents = (lag - peak_delay[:, None]) ** 2 * np.log(np.maximum(retention, np.finfo(float).tiny))[:, None]
    weights = softmax(exponents, axis=1)
    carried = np.zeros((len(retention), *media.shape))
    for delay in range(min(CARRYOVER_LAGS, len(media))):
        carried[:, delay:] += weights[:, delay, None] * media[: len(media) - delay]
    return carried


def _hill(x: np.ndarray, half_saturation: np.ndarray, slope: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        exponent = slope * (np.log(x) - np.log(half_saturation))
    return np.where(x > 0, expit(exponent), 0.0)


def _power(x: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    return np.where(x > 0, np.power(x, exponent), 0.0)
