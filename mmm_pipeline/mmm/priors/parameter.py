"""A parameter of a part of the model, which has one value per channel or, in the baseline, one for all markets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.families import Prior

__all__ = ["Parameter"]


@dataclass(frozen=True)
class Parameter:
    """What belongs to one parameter; its support is its prior's.

    Attributes:
        name: in stored posteriors and tables.
        symbol: in formulas.
        meaning: what it is, with its unit, in a few words.
        prior: its prior, the same for every channel.
        simulated: range that the channels of a simulated market are spread over; None: the middle 60 % of the prior.
    """

    name: str
    symbol: str
    meaning: str
    prior: Prior
    simulated: tuple[float, float] | None = None

    @property
    def simulated_range(self) -> tuple[float, float]:
        """Smallest and largest value in simulated markets."""
        if self.simulated is not None:
            return self.simulated
        u = NUMPY.special.ndtri(np.array([0.2, 0.8]))
        low, high = self.prior.quantile(u, NUMPY.special.log_ndtr(self.prior.tail * u), NUMPY)
        return float(low), float(high)
