"""A trend of one sign: straight, bending up or levelling off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm_pipeline.mmm.baseline.component import ParametricComponent
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.numerics.library import Library, power
from mmm_pipeline.mmm.priors.families import Uniform
from mmm_pipeline.mmm.priors.parameter import Parameter
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["Trend"]

_EXPONENT = "trend_exponent"


@dataclass(frozen=True)
class Trend(ParametricComponent):
    """b t^e; the first period has trend 0. Source: `lightweight-mmm` 0.1.9."""

    name = "trend_coefficient"
    dimension = None
    parameters = (Parameter(_EXPONENT, "e", "exponent of the trend", Uniform(0.5, 1.5)),)

    def labels(self, spec: ModelSpec, data: ModelData) -> Sequence[str]:
        return ("trend",)

    def prepared(self, spec: ModelSpec, data: ModelData, time: np.ndarray) -> Any:
        return {"time": time, "scale": np.array([spec.priors.trend_scale])}

    def columns(self, prepared: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        return power(prepared["time"], f.xp.asarray(parameters[_EXPONENT])[..., None], f)[..., None]

    def scales(self, prepared: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        return prepared["scale"]
