"""What a baseline component is: columns of the mean, the prior scales of their coefficients, and their names.

Coefficients are Normal with mean 0, so that they integrate out, or half-Normal where a sign is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["BaselineComponent", "Periods"]


@dataclass(frozen=True)
class Periods:
    """Consecutive periods on which columns are wanted.

    Attributes:
        time: (T,) periods since the first of the fit's window, 0 = first.
        origin: date of that first one.
        feature_values: (T, F) scaled features.
    """

    time: np.ndarray
    origin: np.datetime64
    feature_values: np.ndarray


@dataclass(frozen=True)
class BaselineComponent(ABC):
    """One part of the baseline, with k coefficients.

    Attributes:
        name: of its coefficients in the posterior.
        dimension: of their labels.
    """

    name: ClassVar[str]
    dimension: ClassVar[str]

    @abstractmethod
    def labels(self, spec: ModelSpec, data: ModelData) -> Sequence[str]:
        """Names of the k coefficients; none where the model does without the component."""

    @abstractmethod
    def columns(self, spec: ModelSpec, data: ModelData, periods: Periods) -> np.ndarray:
        """(T, k) columns of the mean on some periods."""

    @abstractmethod
    def scales(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        """(k,) prior standard deviations, in multiples of the mean KPI per unit of the column."""

    def signs(self, spec: ModelSpec, data: ModelData) -> np.ndarray:
        """(k,) 1 or -1 where a coefficient is half-Normal of that sign, 0 where it is Normal."""
        return np.zeros(len(self.labels(spec, data)), dtype=int)

    def padding(self, spec: ModelSpec) -> int:
        """Zero columns beside its own, so that several specs share one compiled program."""
        return 0
