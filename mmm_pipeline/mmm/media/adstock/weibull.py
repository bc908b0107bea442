"""Weibull adstock: the effect over time is the density of a Weibull distribution, falling at once or after a peak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmm_pipeline.mmm.media.adstock.base import WindowAdstock
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.priors.families import LogNormal
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["WeibullAdstock"]

_LARGEST = 80.0
"""Logarithm of the largest (j/τ)^α that is told apart from larger ones, so that nothing overflows."""


@dataclass(frozen=True)
class WeibullAdstock(WindowAdstock):
    """Weights are the Weibull density at 1, 2, .. periods, as in Robyn's `weibull_pdf`.

    Two differences: the weights add up to 1, where Robyn stretches them to reach from 0 to 1, and the scale is in
    periods, where Robyn's is a quantile of the window. The priors are ours, Robyn has bounds only: shape from falling
    at once (below 1) to a peak some periods late, 90 % between 0.5 and 3.5; scale 90 % between 0.8 and 11 periods.
    """

    lags = 28
    title = "Weibull"
    formula = f"z_t = Σ_l ω_l x_(t-l) / Σ_l ω_l, ω_l = j^(α-1) exp(-(j/τ)^α), j = l + 1, l = 0 .. {lags - 1}"
    source = 'Robyn (Meta), `adstock_weibull(type = "pdf")`'
    parameters = (
        Parameter("adstock_shape", "α", "up to 1 the effect falls at once, above it peaks later", LogNormal(1.3, 0.6)),
        Parameter("adstock_scale", "τ", "periods in which about 63 % of the effect is over", LogNormal(3.0, 0.8)),
    )

    def log_weights(self, parameters: Mapping[str, Any], lag: Any, f: Library) -> Any:
        shape, scale = parameters["adstock_shape"], parameters["adstock_scale"]
        log_period = f.xp.log(lag + 1)
        decay = f.xp.exp(f.xp.minimum(shape * (log_period - f.xp.log(scale)), _LARGEST))
        return (shape - 1) * log_period - decay
