"""Which components a baseline has. A new one is a module of its own and a line here."""

from __future__ import annotations

from mmm_pipeline.mmm.baseline.component import BaselineComponent
from mmm_pipeline.mmm.baseline.features import Features
from mmm_pipeline.mmm.baseline.intercept import Intercept
from mmm_pipeline.mmm.baseline.seasonality import Seasonality
from mmm_pipeline.mmm.baseline.trend import Trend
from mmm_pipeline.mmm.baseline.weekday import Weekday

__all__ = ["COMPONENTS"]

COMPONENTS: tuple[BaselineComponent, ...] = (Seasonality(), Weekday(), Features(), Trend(), Intercept())
