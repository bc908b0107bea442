"""What a baseline component is: columns of the mean, the prior scales of their coefficients, and their names.

Coefficients are Normal with mean 0, so that they integrate out, or half-Normal where a sign is given. Most components
have columns that the periods decide (`FixedComponent`); of others, columns and prior scales depend on few parameters
that are sampled (`ParametricComponent`): the exponent of a trend, or amplitude and length scale of a Gaussian process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.priors.parameter import Parameter
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["BaselineComponent", "FixedComponent", "ParametricComponent", "Periods"]


@dataclass(frozen=True)
class Periods:
    """Consecutive periods on which columns are wanted.

    Attributes:
        time: (T,) periods since the first of the fit's window, 0 = first.
        grid: these periods in the calendar.
        feature_values: (T, F) scaled features.
    """

    time: np.ndarray
    grid: TimeGrid
    feature_values: np.ndarray


@dataclass(frozen=True)
class BaselineComponent(ABC):
    """One part of the baseline, with k coefficients.

    Attributes:
        name: of its coefficients in the posterior.
        dimension: of their labels; None: one coefficient without a label.
    """

    name: ClassVar[str]
    dimension: ClassVar[str | None]

    @abstractmethod
    def labels(self, spec: ModelSpec, data: ModelData) -> Sequence[str]:
        """Names of the k coefficients; none where the model does without the component."""


@dataclass(frozen=True)
class FixedComponent(BaselineComponent):
    """A component whose columns and prior scales no parameter changes.

    Attributes:
        is_level: whether this is the level of the KPI: one coefficient, half-Normal, which integrates out nevertheless
            because it comes last. Exactly one component of a model is.
    """

    is_level: ClassVar[bool] = False

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


@dataclass(frozen=True)
class ParametricComponent(BaselineComponent):
    """A component whose columns or prior scales depend on parameters that are sampled; the same in every market.

    Coefficients are Normal with mean 0 given the parameters, and integrate out as those of other components do: the
    prior covariance of the columns is diagonal, `scales` squared.

    Attributes:
        parameters: one value each for all markets, sampled beside those of the media.
    """

    parameters: ClassVar[tuple[Parameter, ...]]

    @abstractmethod
    def prepared(self, spec: ModelSpec, data: ModelData, time: np.ndarray) -> Any:
        """What no parameter changes: arrays for `columns` and `scales`, in a tuple or dictionary of the same shape for
        all windows of one length, so that they share a compiled program.

        Args:
            spec: the model.
            data: the fit's window.
            time: (T,) periods since its first one, 0 = first; those of a forecast go on after its last.
        """

    @abstractmethod
    def columns(self, prepared: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        """(..., T, k) columns of the mean.

        Args:
            prepared: of `prepared`.
            parameters: (...) each, by name; further names are ignored.
            f: the library to compute with.
        """

    @abstractmethod
    def scales(self, prepared: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        """(..., k), or (k,) where no parameter changes them: prior standard deviations; arguments as of `columns`."""
