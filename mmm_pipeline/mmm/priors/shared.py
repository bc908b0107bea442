"""Priors of the parameters that every model has, whatever its media transform; scales of the rest are settings.

Source: `lightweight-mmm` 0.1.9. Noise in excess of one degree of freedom: Kruschke 2013, "Bayesian estimation
supersedes the t test".
"""

from __future__ import annotations

from mmm_pipeline.mmm.priors.families import Exponential, HalfNormal, Prior, Uniform

__all__ = ["NOISE_EXCESS_PRIOR", "NOISE_SD_PRIOR", "TREND_EXPONENT_PRIOR", "UNIT_HALF_NORMAL"]

TREND_EXPONENT_PRIOR: Prior = Uniform(0.5, 1.5)
"""e of the trend b t^e."""

NOISE_SD_PRIOR: Prior = Exponential()
"""σ, on the mean-scaled KPI."""

NOISE_EXCESS_PRIOR: Prior = Exponential()
"""(ν - 1) of Student-t noise, in multiples of its mean."""

UNIT_HALF_NORMAL: Prior = HalfNormal(1.0)
"""Coefficients with a sign, in units of their prior scale."""
