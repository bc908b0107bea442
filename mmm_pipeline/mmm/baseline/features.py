"""Features and events: a coefficient each, of a sign where one is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.baseline.component import FixedComponent, Periods
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["Features"]


@dataclass(frozen=True)
class Features(FixedComponent):
    """Σ_f c_f z_tf of the scaled features z; an event is 1 on its days."""

    name = "feature_coefficient"
    dimension = "feature"

    def labels(self, spec: ModelSpec, data: ModelData) -> Sequence[str]:
        return data.features

    def columns(self, spec: ModelSpec, data: ModelData, periods: Periods) -> np.ndarray:
        return periods.feature_values

    def scales(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        priors = spec.priors
        return np.array([priors.event_scale if name in data.events else priors.feature_scale for name in data.features])

    def signs(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        signs = {sign.feature: 1 if sign.sign == "positive" else -1 for sign in spec.feature_signs}
        return np.array([signs.get(feature, 0) for feature in data.features], dtype=int)
