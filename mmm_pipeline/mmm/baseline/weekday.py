"""A coefficient per day of the week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.baseline.component import BaselineComponent, Periods
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["WEEKDAYS", "Weekday"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Weekday(BaselineComponent):
    """w of the calendar's weekday; not centred, so that weekdays and intercept share what they have in common."""

    name = "weekday"
    dimension = "day_of_week"

    def labels(self, spec: ModelSpec, data: ModelData) -> Sequence[str]:
        return WEEKDAYS if spec.weekday else ()

    def columns(self, spec: ModelSpec, data: ModelData, periods: Periods) -> np.ndarray:
        # Day 0 of the epoch was a Thursday.
        day = int(periods.origin.astype("datetime64[D]").astype(int)) + 3 + periods.time.astype(int)
        return np.eye(len(WEEKDAYS))[day % len(WEEKDAYS)] if spec.weekday else np.zeros((len(periods.time), 0))

    def scales(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        return np.full(len(self.labels(spec, data)), spec.priors.weekday_scale)
