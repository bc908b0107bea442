"""Everything of the mean that is linear in its coefficients and is not media: baseline components, trend, intercept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmm_pipeline.mmm.baseline.component import BaselineComponent, Periods
from mmm_pipeline.mmm.baseline.registry import COMPONENTS
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["INTERCEPT", "TREND", "ComponentColumns", "LinearDesign", "linear_design", "linear_designs", "trend_column"]

TREND, INTERCEPT = "trend_coefficient", "intercept"


@dataclass(frozen=True)
class ComponentColumns:
    """A component on some periods; k coefficients.

    Attributes:
        component: which.
        columns: (T, k).
        scales: (k,) prior standard deviations.
        signs: (k,) 1 or -1 where the coefficient has a sign, so that it is half-Normal; else 0.
    """

    component: BaselineComponent
    columns: np.ndarray
    scales: np.ndarray
    signs: np.ndarray

    @property
    def free(self) -> np.ndarray:
        """(k,) whether a coefficient has no sign."""
        return self.signs == 0

    def joined(self, unsigned: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
        """(..., k) coefficients in their order.

        Args:
            unsigned: (..., number without a sign) coefficients of those.
            quantiles: (..., number with a sign) half-Normal(1) coefficients of the others.
        """
        joined = np.empty((*unsigned.shape[:-1], len(self.signs)))
        joined[..., self.free] = unsigned
        joined[..., ~self.free] = quantiles * (self.signs * self.scales)[~self.free]
        return joined


@dataclass(frozen=True)
class LinearDesign:
    """Columns of the mean.

    K coefficients are Normal or, the intercept, half-Normal and can be integrated out: those of the components that
    have no sign, in their order, then trend, then intercept. S further ones have a sign.

    Attributes:
        time: (T,) periods since the first of the fit's window, 0 = first.
        parts: the components.
        trend_scale: prior standard deviation of the trend coefficient.
        intercept_scale: scale of the intercept's half-Normal prior.
        padding: zero columns that a compiled program has beside the fixed ones.
    """

    time: np.ndarray
    parts: tuple[ComponentColumns, ...]
    trend_scale: float
    intercept_scale: float
    padding: int

    @cached_property
    def fixed(self) -> np.ndarray:
        """(T, K - 2) columns without a sign that no parameter changes: all but trend and intercept."""
        return np.concatenate([part.columns[:, part.free] for part in self.parts], axis=1)

    @cached_property
    def fixed_scales(self) -> np.ndarray:
        """(K - 2,) their prior standard deviations."""
        return np.concatenate([part.scales[part.free] for part in self.parts])

    @cached_property
    def scales(self) -> np.ndarray:
        """(K,) prior scales of all coefficients without a sign."""
        return np.concatenate([self.fixed_scales, [self.trend_scale, self.intercept_scale]])

    @cached_property
    def signed_scales(self) -> np.ndarray:
        """(S,) sign times prior scale."""
        return np.concatenate([(part.signs * part.scales)[~part.free] for part in self.parts])

    @cached_property
    def signed(self) -> np.ndarray:
        """(T, S) columns with a sign, times that sign and their prior scale: coefficients are half-Normal(1)."""
        columns = [part.columns[:, ~part.free] for part in self.parts]
        return np.concatenate(columns, axis=1) * self.signed_scales

    @property
    def blocks(self) -> dict[str, slice]:
        """Where the coefficients without a sign of each component stand among the K."""
        ends = np.cumsum([np.count_nonzero(part.free) for part in self.parts]).tolist()
        names = [part.component.name for part in self.parts]
        return {name: slice(first, end) for name, first, end in zip(names, [0, *ends], ends, strict=False)}

    def columns(self, trend_exponent: np.ndarray) -> np.ndarray:
        """(S, T, K) columns of every draw of the trend's exponent, (S,)."""
        draws, (periods, fixed) = len(trend_exponent), self.fixed.shape
        return np.concatenate(
            [
                np.broadcast_to(self.fixed, (draws, periods, fixed)),
                trend_column(self.time, trend_exponent)[..., None],
                np.ones((draws, periods, 1)),
            ],
            axis=2,
        )

    def mean(self, linear: np.ndarray, trend_exponent: np.ndarray) -> np.ndarray:
        """(S, T) what coefficients without a sign, (S, K), add up to."""
        mean = linear[:, :-2] @ self.fixed.T + linear[:, -1:]
        mean += linear[:, -2, None] * trend_column(self.time, trend_exponent)
        return mean

    def named(self, linear: np.ndarray, quantiles: np.ndarray) -> dict[str, np.ndarray]:
        """Every coefficient by its name in the posterior.

        Args:
            linear: (..., K) coefficients without a sign.
            quantiles: (..., S) half-Normal(1) coefficients of those with one.
        """
        found = {TREND: linear[..., -2], INTERCEPT: linear[..., -1]}
        first = 0
        for part, columns in zip(self.parts, self.blocks.values(), strict=True):
            end = first + int(np.count_nonzero(part.signs))
            found[part.component.name] = part.joined(linear[..., columns], quantiles[..., first:end])
            first = end
        return found


def linear_designs(spec: ModelSpec, data: ModelData) -> list[LinearDesign]:
    """The columns of every market on the days of the fit's window."""
    return [linear_design(spec, data, feature_values=values) for values in data.feature_values]


def linear_design(
    spec: ModelSpec, data: ModelData, *, feature_values: np.ndarray, start: int = 0, days: int | None = None
) -> LinearDesign:
    """The columns on days `start .. start + days` counted from the first day of the fit's window.

    Args:
        spec: the model.
        data: the fit's window.
        feature_values: (days, F) scaled features of a market on the days in question.
        start: first day; the window's length continues it.
        days: number of days; default: the window's.
    """
    periods = Periods(
        time=np.arange(start, start + (data.days if days is None else days), dtype=float),
        origin=data.dates[0],
        feature_values=feature_values,
    )
    return LinearDesign(
        time=periods.time,
        parts=tuple(
            ComponentColumns(
                component,
                columns=component.columns(spec, data, periods),
                scales=component.scales(spec, data),
                signs=component.signs(spec, data),
            )
            for component in COMPONENTS
        ),
        trend_scale=spec.priors.trend_scale,
        intercept_scale=spec.priors.intercept_scale,
        padding=sum(component.padding(spec) for component in COMPONENTS),
    )


def trend_column(time: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """t^e for every exponent: (..., T) from exponents (...); the first day has trend 0."""
    return np.power(time, np.asarray(exponent)[..., None])
