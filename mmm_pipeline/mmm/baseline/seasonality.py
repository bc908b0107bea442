"""Yearly seasonality: Fourier pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.baseline.component import FixedComponent, Periods
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["PADDED_DEGREES", "Seasonality", "fourier_names", "most_degrees"]

PADDED_DEGREES = 4
"""Fourier pairs of every compiled program: a padded column is zero, so up to this many degrees share one program."""


@dataclass(frozen=True)
class Seasonality(FixedComponent):
    """Σ_d γ_d1 sin(2πdt/F) + γ_d2 cos(2πdt/F), d = 1 .. degrees. Source: `lightweight-mmm` 0.1.9.

    t is calendar time, in days from the first of the window to the first of the period, whatever the step.
    """

    name = "seasonality"
    dimension = "fourier"

    def labels(self, spec: ModelSpec, data: ModelData) -> Sequence[str]:
        return fourier_names(spec.degrees)

    def columns(self, spec: ModelSpec, data: ModelData, periods: Periods) -> np.ndarray:
        degree = np.arange(1, spec.degrees + 1)
        day = data.grid.elapsed_days(periods.time)
        angle = 2 * np.pi * day[:, None] * degree / spec.seasonality_period_days
        return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(len(periods.time), 2 * spec.degrees)

    def scales(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        return np.full(2 * spec.degrees, spec.priors.seasonality_scale)

    def padding(self, spec: ModelSpec) -> int:
        return 2 * max(0, PADDED_DEGREES - spec.degrees)


def fourier_names(degrees: int) -> list[str]:
    """Labels of the seasonality coefficients: sin_1, cos_1, sin_2, ..."""
    return [f"{wave}_{degree}" for degree in range(1, degrees + 1) for wave in ("sin", "cos")]


def most_degrees(step: Step, period_days: float) -> int:
    """Fourier pairs that data of a step can tell apart: each needs more than two periods of the data."""
    return math.ceil(period_days / step.mean_days / 2 - 1e-9) - 1
