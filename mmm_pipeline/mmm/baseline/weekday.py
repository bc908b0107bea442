"""A coefficient per day of the week, of daily data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.baseline.component import FixedComponent, Periods
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.data.time_grid import WEEKDAYS, Step
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["Weekday"]


@dataclass(frozen=True)
class Weekday(FixedComponent):
    """w of the calendar's weekday; not centred, so that weekdays and intercept share what they have in common.

    Weeks and months have no weekdays to tell apart.
    """

    name = "weekday"
    dimension = "day_of_week"

    def labels(self, spec: ModelSpec, data: ModelData) -> Sequence[str]:
        return WEEKDAYS if spec.weekday and data.grid.step is Step.DAY else ()

    def columns(self, spec: ModelSpec, data: ModelData, periods: Periods) -> np.ndarray:
        if not self.labels(spec, data):
            return np.zeros((len(periods.time), 0))
        return np.eye(len(WEEKDAYS))[periods.grid.weekdays()]

    def scales(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        return np.full(len(self.labels(spec, data)), spec.priors.weekday_scale)
