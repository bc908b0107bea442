"""The level of the KPI on the first day of the window, beside all that varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.baseline.component import FixedComponent, Periods
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["Intercept"]


@dataclass(frozen=True)
class Intercept(FixedComponent):
    """a, half-Normal: without media and everything else something is sold. Source: `lightweight-mmm` 0.1.9."""

    name = "intercept"
    dimension = None
    is_level = True

    def labels(self, spec: ModelSpec, data: ModelData) -> Sequence[str]:
        return ("intercept",)

    def columns(self, spec: ModelSpec, data: ModelData, periods: Periods) -> np.ndarray:
        return np.ones((len(periods.time), 1))

    def scales(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        return np.array([spec.priors.intercept_scale])

    def signs(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        return np.array([1])
