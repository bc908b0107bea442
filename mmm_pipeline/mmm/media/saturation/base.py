"""What a saturation is: the effect of one period's effective media, 0 at 0, increasing, in units of the coefficient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mmm_pipeline.mmm.media.effective_media import EffectiveMedia
from mmm_pipeline.mmm.media.saturated_days import CurveDays, SaturatedDays
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["Saturation", "SmoothSaturation"]


@dataclass(frozen=True)
class Saturation(ABC):
    """How effective media turns into effect.

    Attributes:
        title: its name in the field.
        formula: the effect m of effective media z, with the symbols of the parameters.
        source: where the formula is from.
        parameters: in the order of the sampler's coordinates.
        ceiling: what no media exceeds, in units of the coefficient; None where there is no such bound.
    """

    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    ceiling: ClassVar[float | None] = None

    @abstractmethod
    def value(self, z: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        """The effect of effective media z, at least 0; value and gradients are finite, also at 0.

        Args:
            z: mean-scaled effective media, of any shape.
            parameters: by name, of shapes that broadcast against z.
            f: the library to compute with.
        """

    @abstractmethod
    def days(self, media: EffectiveMedia, parameters: Mapping[str, np.ndarray]) -> SaturatedDays:
        """The effect of a plan for one channel, summed over its periods, with what a budget needs of it.

        Args:
            media: effective media of the plan's periods.
            parameters: (S,) draws each, by name.
        """

    def order(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """(S,) an order of the draws in which neighbours are alike, of parameters (S,).

        Where only some draws have a convex part, portions of the draws then may do without it.
        """
        return np.arange(len(next(iter(parameters.values()))))


@dataclass(frozen=True)
class SmoothSaturation(Saturation):
    """A saturation that states its derivatives; the sums over a plan's periods follow from them."""

    @abstractmethod
    def derivatives(self, z: np.ndarray, parameters: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """First and second derivative of `value` at effective media z, at least 0; finite, also at 0.

        Args:
            z: (S, D).
            parameters: (S, 1) each, by name.
        """

    def inflection(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """(S,) where the curve turns from convex to concave, 0 where it is concave throughout; None: always concave.

        Args:
            parameters: (S,) each, by name.
        """
        return None

    def days(self, media: EffectiveMedia, parameters: Mapping[str, np.ndarray]) -> SaturatedDays:
        return CurveDays(self, media.unfolded(), parameters)
