"""Everything of the mean that is linear in its coefficients and is not media: the columns of all components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mmm_pipeline.mmm.baseline.component import (
    BaselineComponent,
    FixedComponent,
    ParametricComponent,
    Periods,
)
from mmm_pipeline.mmm.baseline.registry import COMPONENTS
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.parameter import Parameter
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["FixedColumns", "LinearDesign", "ParametricColumns", "linear_design", "linear_designs"]


@dataclass(frozen=True)
class FixedColumns:
    """A component on some periods; k coefficients.

    Attributes:
        component: which.
        columns: (T, k).
        scales: (k,) prior standard deviations.
        signs: (k,) 1 or -1 where the coefficient has a sign, so that it is half-Normal; else 0.
    """

    component: FixedComponent
    columns: np.ndarray
    scales: np.ndarray
    signs: np.ndarray

    def mean(self, coefficients: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """(..., T) what (..., k) coefficients add to the mean."""
        mean: np.ndarray = coefficients @ self.columns.T
        return mean

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
class ParametricColumns:
    """A component whose columns depend on parameters, on some periods; k coefficients.

    Attributes:
        component: which.
        prepared: what no parameter changes.
        size: k.
    """

    component: ParametricComponent
    prepared: Any
    size: int

    def mean(self, coefficients: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """(..., T) what (..., k) coefficients add to the mean, given (...) draws of the parameters."""
        mean: np.ndarray = np.einsum("...tk,...k->...t", self.columns(parameters), coefficients)
        return mean

    def columns(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """(..., T, k) columns for (...) draws of the parameters."""
        columns: np.ndarray = self.component.columns(self.prepared, parameters, NUMPY)
        return columns

    def scales(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """(..., k) or (k,) prior standard deviations."""
        scales: np.ndarray = self.component.scales(self.prepared, parameters, NUMPY)
        return scales


@dataclass(frozen=True)
class LinearDesign:
    """Columns of the mean in one market.

    K coefficients are integrated out: those of the fixed components that have no sign, in their order, then those of
    the parametric components, all Normal, and last the level, half-Normal. S further ones have a sign.

    Attributes:
        time: (T,) periods since the first of the fit's window, 0 = first.
        fixed_parts: the components that no parameter changes, without the level.
        parametric_parts: those that depend on parameters.
        level: the one that is positive and comes last.
        padding: zero columns that a compiled program has beside the fixed ones.
    """

    time: np.ndarray
    fixed_parts: tuple[FixedColumns, ...]
    parametric_parts: tuple[ParametricColumns, ...]
    level: FixedColumns
    padding: int

    @property
    def parts(self) -> tuple[FixedColumns | ParametricColumns, ...]:
        """All components, in the order of their coefficients."""
        return (*self.fixed_parts, *self.moving_parts)

    @property
    def moving_parts(self) -> tuple[FixedColumns | ParametricColumns, ...]:
        """Those whose columns are added one by one: the parametric ones and, last, the level."""
        return (*self.parametric_parts, self.level)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those that the parametric components depend on."""
        return tuple(own for part in self.parametric_parts for own in part.component.parameters)

    @property
    def components(self) -> tuple[BaselineComponent, ...]:
        """In the order of their coefficients."""
        return tuple(part.component for part in self.parts)

    @cached_property
    def fixed(self) -> np.ndarray:
        """(T, R) columns without a sign that no parameter changes, the level not among them."""
        return np.concatenate([part.columns[:, part.free] for part in self.fixed_parts], axis=1)

    @cached_property
    def fixed_scales(self) -> np.ndarray:
        """(R,) their prior standard deviations."""
        return np.concatenate([part.scales[part.free] for part in self.fixed_parts])

    @property
    def size(self) -> int:
        """K."""
        return len(self.fixed_scales) + sum(part.size for part in self.parametric_parts) + 1

    @cached_property
    def signed_scales(self) -> np.ndarray:
        """(S,) sign times prior scale."""
        return np.concatenate([(part.signs * part.scales)[~part.free] for part in self.fixed_parts])

    @cached_property
    def signed(self) -> np.ndarray:
        """(T, S) columns with a sign, times that sign and their prior scale: coefficients are half-Normal(1)."""
        columns = [part.columns[:, ~part.free] for part in self.fixed_parts]
        return np.concatenate(columns, axis=1) * self.signed_scales

    @property
    def blocks(self) -> dict[str, slice]:
        """Component -> where its coefficients without a sign, or that of the level, stand among the K."""
        sizes = [int(np.count_nonzero(part.free)) for part in self.fixed_parts]
        sizes += [part.size for part in self.parametric_parts] + [1]
        ends = np.cumsum(sizes).tolist()
        names = [component.name for component in self.components]
        return {name: slice(first, end) for name, first, end in zip(names, [0, *ends], ends, strict=False)}

    def scales(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """(S, K) prior scales for draws of the components' parameters, (S,) each; (1, K) where none changes them."""
        parts = [self.fixed_scales, *(part.scales(parameters) for part in self.parametric_parts), self.level.scales]
        draws = max(1, *(len(np.atleast_2d(part)) for part in parts))
        return np.concatenate([np.broadcast_to(part, (draws, part.shape[-1])) for part in parts], axis=1)

    def columns(self, parameters: Mapping[str, np.ndarray], draws: int) -> np.ndarray:
        """(S, T, K) columns for S draws of the components' parameters, (S,) each."""
        parts = [self.fixed, *(part.columns(parameters) for part in self.parametric_parts), self.level.columns]
        return np.concatenate(
            [np.broadcast_to(part, (draws, len(self.time), part.shape[-1])) for part in parts], axis=2
        )

    def mean(self, linear: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """(S, T) what coefficients without a sign and the level, (S, K), add up to."""
        blocks = self.blocks
        mean: np.ndarray = linear[:, : self.fixed.shape[1]] @ self.fixed.T
        for part in self.moving_parts:
            mean += part.mean(linear[:, blocks[part.component.name]], parameters)
        return mean

    def named(self, linear: np.ndarray, quantiles: np.ndarray) -> dict[str, np.ndarray]:
        """Every coefficient by its name in the posterior.

        Args:
            linear: (..., K) coefficients without a sign, and the level.
            quantiles: (..., S) half-Normal(1) coefficients of those with a sign.
        """
        found = {component: linear[..., columns] for component, columns in self.blocks.items()}
        first = 0
        for part in self.fixed_parts:
            name, end = part.component.name, first + int(np.count_nonzero(part.signs))
            found[name] = part.joined(found[name], quantiles[..., first:end])
            first = end
        single = {component.name for component in self.components if component.dimension is None}
        return {name: values[..., 0] if name in single else values for name, values in found.items()}


def linear_designs(spec: ModelSpec, data: ModelData) -> list[LinearDesign]:
    """The columns of every market in the periods of the fit's window."""
    return [linear_design(spec, data, feature_values=values) for values in data.feature_values]


def linear_design(
    spec: ModelSpec, data: ModelData, *, feature_values: np.ndarray, start: int = 0, days: int | None = None
) -> LinearDesign:
    """The columns on periods `start .. start + days` counted from the first of the fit's window.

    Args:
        spec: the model.
        data: the fit's window.
        feature_values: (days, F) scaled features of a market in the periods in question.
        start: first period; the window's length continues it.
        days: number of periods; default: the window's.
    """
    length = data.days if days is None else days
    periods = Periods(
        time=np.arange(start, start + length, dtype=float),
        grid=TimeGrid(data.grid.date(start), data.grid.step, length),
        feature_values=feature_values,
    )
    fixed = [component for component in COMPONENTS if isinstance(component, FixedComponent)]
    parts = [
        FixedColumns(
            component,
            columns=component.columns(spec, data, periods),
            scales=component.scales(spec, data),
            signs=component.signs(spec, data),
        )
        for component in fixed
    ]
    (level,) = (part for part in parts if part.component.is_level)
    return LinearDesign(
        time=periods.time,
        fixed_parts=tuple(part for part in parts if part is not level),
        parametric_parts=tuple(
            ParametricColumns(
                component,
                prepared=component.prepared(spec, data, periods.time),
                size=len(component.labels(spec, data)),
            )
            for component in COMPONENTS
            if isinstance(component, ParametricComponent)
        ),
        level=level,
        padding=sum(component.padding(spec) for component in fixed),
    )
