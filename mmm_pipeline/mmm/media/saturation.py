"""The two saturation curves: a power of effective media, or a Hill function of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mmm_pipeline.mmm.specs import Adstock

__all__ = ["TINY", "hill_odds", "power", "saturate"]

TINY = 1e-100
"""Stands for zero media where a derivative is infinite: large, but its square stays finite."""


def saturate(adstock: Adstock, z: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """Saturated media: z^exponent (adstock, carryover) or 1 / (1 + (z / k)^(-n)) (hill_adstock); 0 where z is 0.

    Args:
        adstock: which transform.
        z: (S, D) effective media, at least 0, scaled units.
        parameters: (S,) draws of `exponent`, or of `half_saturation` k and `slope` n.
    """
    positive = np.maximum(z, TINY)
    if adstock == "hill_adstock":
        value = hill_odds(positive, parameters)
        value += 1
        np.divide(1.0, value, out=value)
    else:
        value = power(positive, parameters)
    # A curve with a very small exponent jumps at zero, where the stand-in would not do.
    np.copyto(value, 0.0, where=z <= 0)
    return value


def power(positive: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """(S, D) z^exponent."""
    logs = np.log(positive)
    logs *= parameters["exponent"][:, None]
    return np.exp(logs, out=logs)


def hill_odds(positive: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """(S, D) (z / k)^(-n), what is missing to full saturation over what is there; may be infinite."""
    odds = np.log(positive)
    odds -= np.log(parameters["half_saturation"])[:, None]
    odds *= -parameters["slope"][:, None]
    with np.errstate(over="ignore"):
        return np.exp(odds, out=odds)
