"""Priors of the parameters that every model has, whatever its media transform; scales of the rest are settings.

Source: `lightweight-mmm` 0.1.9. Noise in excess of one degree of freedom: Kruschke 2013, "Bayesian estimation
supersedes the t test".
"""

from __future__ import annotations

from typing import Any

from mmm_pipeline.mmm.priors.families import Exponential, HalfNormal, Prior

__all__ = ["NOISE_EXCESS_PRIOR", "NOISE_SD_PRIOR", "UNIT_HALF_NORMAL", "noise_degrees"]

NOISE_SD_PRIOR: Prior = Exponential()
"""σ, on the mean-scaled KPI."""

NOISE_EXCESS_PRIOR: Prior = Exponential()
"""(ν - 1) of Student-t noise, in multiples of its mean; see `noise_degrees`."""

UNIT_HALF_NORMAL: Prior = HalfNormal(1.0)
"""Coefficients with a sign, in units of their prior scale."""


def noise_degrees(excess: Any, mean: Any) -> Any:
    """Degrees of freedom ν of Student-t noise: one, and its excess in multiples of the mean excess."""
    return 1 + mean * excess
