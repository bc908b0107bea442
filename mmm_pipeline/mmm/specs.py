"""What is to be fitted, and how: immutable values shared by the whole statistical core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ADSTOCKS", "Adstock", "ConvergenceThresholds", "ModelSpec", "Priors", "SamplerSettings"]

Adstock = Literal["adstock", "hill_adstock", "carryover"]
ADSTOCKS: tuple[Adstock, ...] = ("adstock", "hill_adstock", "carryover")


@dataclass(frozen=True)
class Priors:
    """Prior scales, on the mean-scaled data; the defaults are those of `lightweight-mmm` 0.1.9."""

    intercept_scale: float = 2.0
    trend_scale: float = 1.0
    seasonality_scale: float = 1.0
    weekday_scale: float = 0.5
    feature_scale: float = 1.0
    media_scale: float = 1.0


@dataclass(frozen=True)
class ModelSpec:
    """One model of the grid.

    Attributes:
        adstock: the media transform.
        degrees: number of Fourier pairs of the yearly seasonality.
        weekday: whether a coefficient per day of the week is in the model.
        seasonality_period_days: F of the Fourier terms.
        priors: prior scales.
    """

    adstock: Adstock
    degrees: int
    weekday: bool = True
    seasonality_period_days: float = 365.0
    priors: Priors = field(default_factory=Priors)

    @property
    def key(self) -> str:
        """Partition key, `adstock|degrees`."""
        return f"{self.adstock}|{self.degrees}"


@dataclass(frozen=True)
class SamplerSettings:
    """How the posterior is drawn (NUTS). Counts are per chain."""

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    seed: int = 0
    target_accept: float = 0.9
    max_tree_depth: int = 10
    double_precision: bool = True
    max_escalations: int = 2


@dataclass(frozen=True)
class ConvergenceThresholds:
    """When a fit may be called converged (Vehtari et al. 2021, rank-normalised R-hat)."""

    rhat_max: float = 1.01
    ess_min: float = 400.0
    divergence_share_max: float = 0.001
