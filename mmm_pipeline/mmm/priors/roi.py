"""Beliefs on a channel's ROI: families of distributions above 0, each given by a mean and a standard deviation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mmm_pipeline.mmm.identity import NEUTRAL
from mmm_pipeline.mmm.priors.families import LogNormal, Prior, TruncatedNormal, Uniform

__all__ = ["ROI_FAMILIES", "WIDEST_UNIFORM", "RoiFamily", "RoiFamilyName", "RoiPrior"]

RoiFamilyName = Literal["log_normal", "normal", "uniform"]

WIDEST_UNIFORM = 1 / math.sqrt(3)
"""Standard deviation over mean of the uniform distribution that begins at 0."""


@dataclass(frozen=True)
class RoiFamily:
    """A family of beliefs.

    Attributes:
        parameters: mean and standard deviation -> the two parameters of `prior`.
        prior: the distribution of these parameters, numbers or arrays of the same shape.
    """

    parameters: Callable[[float, float], tuple[float, float]]
    prior: Callable[[Any, Any], Prior]


def _log_normal(mean: float, sd: float) -> tuple[float, float]:
    """Median, and standard deviation of the logarithm."""
    variance = math.log1p((sd / mean) ** 2)
    return mean * math.exp(-variance / 2), math.sqrt(variance)


def _uniform(mean: float, sd: float) -> tuple[float, float]:
    return mean - math.sqrt(3) * sd, mean + math.sqrt(3) * sd


ROI_FAMILIES: Mapping[RoiFamilyName, RoiFamily] = {
    "log_normal": RoiFamily(_log_normal, LogNormal),
    "normal": RoiFamily(lambda mean, sd: (mean, sd), TruncatedNormal),
    "uniform": RoiFamily(_uniform, Uniform),
}
"""Every family by its name. `normal` is cut off at 0: its mean and standard deviation are those before the cut."""


@dataclass(frozen=True)
class RoiPrior:
    """What is believed of a channel's ROI over the fitted window before its data is seen.

    Attributes:
        channel: its name.
        mean: KPI per unit of currency, above 0.
        sd: standard deviation, KPI per unit of currency, above 0.
        family: one of `ROI_FAMILIES`.
    """

    channel: str
    mean: float
    sd: float
    family: RoiFamilyName = field(default="log_normal", metadata={NEUTRAL: "log_normal"})

    @classmethod
    def combined(
        cls, channel: str, beliefs: Sequence[tuple[float, float]], family: RoiFamilyName = "log_normal"
    ) -> RoiPrior:
        """One belief from independent (mean, standard error) of a channel's ROI, weighted by precision.

        A single one is of the given family, several together are log-Normal.
        """
        if len(beliefs) == 1:
            return cls(channel, *beliefs[0], family)
        precision = [sd**-2.0 for _, sd in beliefs]
        mean = sum(weight * mean for weight, (mean, _) in zip(precision, beliefs, strict=True)) / sum(precision)
        return cls(channel, mean, sum(precision) ** -0.5)
