"""Delayed adstock: the effect peaks some periods after the media. LightweightMMM calls it carryover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm_pipeline.mmm.media.adstock.base import WindowAdstock
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.priors.families import Beta, HalfNormal
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["DelayedAdstock"]


@dataclass(frozen=True)
class DelayedAdstock(WindowAdstock):
    """Weighted mean of the last periods with weights r^((l - δ)²)."""

    lags = 13
    title = "delayed"
    formula = f"z_t = Σ_l ω_l x_(t-l) / Σ_l ω_l, ω_l = r^((l-δ)²), l = 0 .. {lags - 1}"
    source = "Jin et al. 2017; parametrised as in `lightweight-mmm` 0.1.9, which calls it carryover"
    parameters = (
        Parameter(
            "retention", "r", "rate at which the effect falls off on both sides of its peak", Beta(1.0), (0.15, 0.75)
        ),
        Parameter("peak_delay", "δ", "periods until the effect peaks", HalfNormal(2.0), (0.0, 3.0)),
    )

    def log_weights(self, parameters: Mapping[str, Any], lag: Any, f: Library) -> Any:
        return (lag - parameters["peak_delay"]) ** 2 * f.xp.log(parameters["retention"])

    def retention(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """The rate r of the weights."""
        return parameters["retention"]
