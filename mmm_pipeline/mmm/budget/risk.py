"""What of a plan's KPI is to be large: its mean over the posterior draws, or a more cautious figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Literal

import numpy as np

__all__ = ["Measure", "RiskMeasure"]

_STEERING_DRAWS = 1000

Measure = Literal["mean", "mean_minus_sd", "lower_tail_mean", "quantile"]


@dataclass(frozen=True)
class RiskMeasure:
    """What of a plan's KPI, drawn from the posterior, is to be large.

    Attributes:
        measure: `mean`; `mean_minus_sd`: mean less `kappa` standard deviations; `lower_tail_mean`: mean of the worst
            `probability` of the draws (expected shortfall); `quantile`: their `probability` quantile, by the smooth
            estimator of Harrell and Davis (1982).
        kappa: at least 0.
        probability: above 0, below 1.
    """

    measure: Measure = "mean"
    kappa: float = 1.0
    probability: float = 0.1

    @property
    def has_certificate(self) -> bool:
        return self.measure != "quantile"

    @property
    def aversion(self) -> float:
        """How many standard deviations are taken off the mean of Normal draws."""
        if self.measure == "mean":
            return 0.0
        if self.measure == "mean_minus_sd":
            return self.kappa
        quantile = float(_special().ndtri(self.probability))
        if self.measure == "quantile":
            return max(-quantile, 0.0)
        return math.exp(-(quantile**2) / 2) / math.sqrt(2 * math.pi) / self.probability

    def value(self, kpi: np.ndarray) -> float:
        """The figure of (S,) draws."""
        return float(self.emphasis(kpi) @ kpi)

    def emphasis(self, kpi: np.ndarray) -> np.ndarray:
        """(S,) weights of the draws, adding up to 1, with which their sum is the figure and moves as it does."""
        draws = len(kpi)
        if self.measure == "mean_minus_sd":
            spread = kpi - kpi.mean()
            sd = kpi.std()
            return (1 - self.kappa * (spread / sd if sd > 0 else 0 * spread)) / draws
        if self.measure == "mean":
            return np.full(draws, 1 / draws)
        return self._by_rank(kpi, draws)

    def steering(self, kpi: np.ndarray) -> np.ndarray:
        """(S,) weights whose sum says where the figure rises; for a quantile those of more of its neighbours.

        The few draws at a quantile change with every step, and their slopes differ too much to climb by.
        """
        return self._by_rank(kpi, min(len(kpi), _STEERING_DRAWS)) if self.measure == "quantile" else self.emphasis(kpi)

    def _by_rank(self, kpi: np.ndarray, resolution: int) -> np.ndarray:
        weights = np.empty(len(kpi))
        weights[np.argsort(kpi, kind="stable")] = _rank_weights(self.measure, self.probability, len(kpi), resolution)
        return weights


def _special() -> ModuleType:
    """SciPy's functions, imported where a plan is made: settings are judged without them."""
    from scipy import special

    return special


@lru_cache(maxsize=8)
def _rank_weights(measure: str, probability: float, draws: int, resolution: int) -> np.ndarray:
    """(S,) weights of the draws from the lowest to the highest; a quantile as sharp as that of `resolution` draws."""
    steps = np.arange(draws + 1) / draws
    if measure == "quantile":
        cumulative = _special().betainc((resolution + 1) * probability, (resolution + 1) * (1 - probability), steps)
    else:
        cumulative = np.minimum(steps / probability, 1.0)
    return np.diff(cumulative)
