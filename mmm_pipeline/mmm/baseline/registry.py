"""Which components a baseline has, beside trend and intercept. A new one is a module of its own and a line here."""

from __future__ import annotations

from mmm_pipeline.mmm.baseline.component import BaselineComponent
from mmm_pipeline.mmm.baseline.features import Features
from mmm_pipeline.mmm.baseline.seasonality import Seasonality
from mmm_pipeline.mmm.baseline.weekday import Weekday

__all__ = ["COMPONENTS"]

COMPONENTS: tuple[BaselineComponent, ...] = (Seasonality(), Weekday(), Features())
"""In the order of the linear coefficients; trend and intercept come after them."""
