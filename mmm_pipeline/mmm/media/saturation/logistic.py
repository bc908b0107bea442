"""Logistic saturation: concave, nearly linear at first, with a ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm_pipeline.mmm.media.saturation.base import SmoothSaturation
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.families import LogNormal
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["LogisticSaturation"]


@dataclass(frozen=True)
class LogisticSaturation(SmoothSaturation):
    """(1 - e^(-κz)) / (1 + e^(-κz)), which is tanh(κz / 2).

    The prior is ours, on media of mean 1: between a response that is nearly linear at mean media (κ = 0.3: 15 % of the
    ceiling) and one that is nearly saturated there (κ = 3.2: 92 %), with 90 %. PyMC-Marketing has Gamma(3, 1) on media
    of maximum 1.
    """

    title = "logistic"
    formula = "m = (1 - e^(-κz)) / (1 + e^(-κz))"
    source = "PyMC-Marketing, `LogisticSaturation`"
    parameters = (Parameter("saturation_rate", "κ", "steepness; half of the ceiling is at 1.1/κ", LogNormal(1.0, 0.7)),)
    ceiling = 1.0

    def value(self, z: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        return f.xp.tanh(0.5 * parameters["saturation_rate"] * z)

    def derivatives(self, z: np.ndarray, parameters: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """κ/2 (1 - m²), and from it -κ m m'."""
        rate, value = parameters["saturation_rate"], self.value(z, parameters, NUMPY)
        first = 0.5 * rate * (1 - value**2)
        return first, -rate * value * first
