"""Families of priors that the sampler can whiten: θ = F⁻¹(Φ(u)) of a standard Normal u, F the distribution function.

A quantile is computed from the logarithm of that tail probability which keeps its digits: log Φ(u) of the lower tail
for priors that crowd at 0, log Φ(-u) of the upper tail for unbounded ones. Each family also says which NumPyro
distribution it is, so that a prior is stated once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mmm_pipeline.mmm.numerics.library import Library

__all__ = ["Beta", "Exponential", "HalfNormal", "LogNormal", "Prior", "TruncatedNormal", "Uniform"]

_LOWER, _UPPER = 1.0, -1.0
_FURTHEST = 12.0
"""Values that rounding moved onto a bound are this far out."""


@dataclass(frozen=True)
class Prior(ABC):
    """A prior distribution of one number.

    Attributes:
        tail: whether `quantile` reads the logarithm of the lower (1) or of the upper (-1) tail probability.
    """

    tail: ClassVar[float] = _LOWER

    @property
    def support(self) -> tuple[float, float]:
        """Bounds of its values."""
        return 0.0, math.inf

    @abstractmethod
    def quantile(self, u: Any, log_tail: Any, f: Library) -> Any:
        """F⁻¹(Φ(u)).

        Args:
            u: standard Normal a priori, of any shape.
            log_tail: log Φ(tail · u).
            f: the library to compute with.
        """

    @abstractmethod
    def log_tail(self, value: np.ndarray) -> np.ndarray:
        """Logarithm of the tail probability that `quantile` reads, at values within the support."""

    def coordinate(self, value: np.ndarray) -> np.ndarray:
        """Φ⁻¹(F(value)): the inverse of `quantile`, at most 12 in size."""
        from scipy.special import ndtri_exp

        with np.errstate(divide="ignore"):
            u = self.tail * ndtri_exp(np.minimum(self.log_tail(value), 0.0))
        return np.clip(u, -_FURTHEST, _FURTHEST)

    @abstractmethod
    def distribution(self) -> Any:
        """The same as a NumPyro distribution."""

    @property
    @abstractmethod
    def formula(self) -> str:
        """As it is written in a formula, e.g. `Beta(2, 1)`."""


@dataclass(frozen=True)
class Beta(Prior):
    """Beta(α, 1), whose distribution function is x^α; no other Beta has a quantile in closed form."""

    alpha: float

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, 1.0

    def quantile(self, u: Any, log_tail: Any, f: Library) -> Any:
        return f.xp.exp(log_tail / self.alpha)

    def log_tail(self, value: np.ndarray) -> np.ndarray:
        return self.alpha * np.log(value)

    def distribution(self) -> Any:
        import numpyro.distributions as dist

        return dist.Beta(self.alpha, 1.0)

    @property
    def formula(self) -> str:
        return f"Beta({self.alpha:g}, 1)"


@dataclass(frozen=True)
class HalfNormal(Prior):
    """|X| of X ~ Normal(0, scale²)."""

    scale: float = 1.0
    tail = _UPPER

    def quantile(self, u: Any, log_tail: Any, f: Library) -> Any:
        return -self.scale * f.special.ndtri(0.5 * f.xp.exp(log_tail))

    def log_tail(self, value: np.ndarray) -> np.ndarray:
        from scipy.special import log_ndtr

        return math.log(2) + log_ndtr(-value / self.scale)

    def distribution(self) -> Any:
        import numpyro.distributions as dist

        return dist.HalfNormal(self.scale)

    @property
    def formula(self) -> str:
        return f"HalfNormal({self.scale:g})"


@dataclass(frozen=True)
class Exponential(Prior):
    """Exponential with mean 1, which is Gamma(1, 1)."""

    tail = _UPPER

    def quantile(self, u: Any, log_tail: Any, f: Library) -> Any:
        return -log_tail

    def log_tail(self, value: np.ndarray) -> np.ndarray:
        return -value

    def distribution(self) -> Any:
        import numpyro.distributions as dist

        return dist.Gamma(1.0, 1.0)

    @property
    def formula(self) -> str:
        return "Gamma(1, 1)"


@dataclass(frozen=True)
class Uniform(Prior):
    """Uniform between two bounds."""

    low: float
    high: float

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def quantile(self, u: Any, log_tail: Any, f: Library) -> Any:
        return self.low + (self.high - self.low) * f.xp.exp(log_tail)

    def log_tail(self, value: np.ndarray) -> np.ndarray:
        return np.log((value - self.low) / (self.high - self.low))

    def distribution(self) -> Any:
        import numpyro.distributions as dist

        return dist.Uniform(self.low, self.high)

    @property
    def formula(self) -> str:
        return f"Uniform({self.low:g}, {self.high:g})"


@dataclass(frozen=True)
class LogNormal(Prior):
    """exp(X) of X ~ Normal(log median, log_sd²)."""

    median: float
    log_sd: float

    def quantile(self, u: Any, log_tail: Any, f: Library) -> Any:
        return self.median * f.xp.exp(self.log_sd * u)

    def log_tail(self, value: np.ndarray) -> np.ndarray:
        from scipy.special import log_ndtr

        return log_ndtr(np.log(value / self.median) / self.log_sd)

    def distribution(self) -> Any:
        import numpyro.distributions as dist

        return dist.LogNormal(math.log(self.median), self.log_sd)

    @property
    def formula(self) -> str:
        return f"LogNormal(log {self.median:g}, {self.log_sd:g})"


@dataclass(frozen=True)
class TruncatedNormal(Prior):
    """X ~ Normal(location, scale²), given that X is above 0; the location is positive."""

    location: float
    scale: float
    tail = _UPPER

    def quantile(self, u: Any, log_tail: Any, f: Library) -> Any:
        above = log_tail + f.special.log_ndtr(self.location / self.scale)
        # Rounding must not lead below the bound.
        return f.xp.maximum(self.location - self.scale * f.special.ndtri(f.xp.exp(above)), 0.0)

    def log_tail(self, value: np.ndarray) -> np.ndarray:
        from scipy.special import log_ndtr

        return log_ndtr((self.location - value) / self.scale) - log_ndtr(self.location / self.scale)

    def distribution(self) -> Any:
        import numpyro.distributions as dist

        return dist.TruncatedNormal(self.location, self.scale, low=0.0)

    @property
    def formula(self) -> str:
        return f"TruncatedNormal({self.location:g}, {self.scale:g})"
