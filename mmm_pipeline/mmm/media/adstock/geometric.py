"""Geometric adstock: the same share of what is there stays from each period to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm_pipeline.mmm.media.adstock.base import Adstock
from mmm_pipeline.mmm.media.effective_media import EffectiveMedia, Fading
from mmm_pipeline.mmm.numerics.library import Library, over_time
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.families import Beta
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["GeometricAdstock"]


@dataclass(frozen=True)
class GeometricAdstock(Adstock):
    """s_t = λ s_(t-1) + x_t, times (1 - λ)."""

    title = "geometric"
    formula = "z_t = (1-λ) s_t, s_t = λ s_(t-1) + x_t"
    source = "Jin et al. 2017; parametrised as in `lightweight-mmm` 0.1.9"
    parameters = (
        Parameter("retention", "λ", "share of the effect kept from one period to the next", Beta(2.0), (0.15, 0.75)),
    )

    def prepared(self, media: Any, f: Library) -> Any:
        return media

    def of_prepared(self, prepared: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        retention = parameters["retention"]
        return over_time(1 - retention, self.time_axis, f) * f.recurrence(prepared, retention)

    def over_horizon(
        self, media: np.ndarray, parameters: Mapping[str, np.ndarray], horizon: int, after: int
    ) -> EffectiveMedia:
        """Of constant media u, s approaches u / (1 - λ) by a factor λ per period, and history fades by the same."""
        past = self.of_prepared(media[:, None], {"retention": parameters["retention"][:, None]}, NUMPY)[:, -1]
        log_retention = np.log(np.maximum(parameters["retention"], np.finfo(float).tiny))
        left = np.exp(log_retention[:, None] * np.arange(1, horizon + 1))
        return EffectiveMedia(
            carried=past * left,
            gain=1 - left,
            repeated_day=horizon - 1,
            repeats=np.ones(len(left)),
            fading=Fading(log_retention, after),
        )

    def retention(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        return parameters["retention"]
