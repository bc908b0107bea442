"""What money brings: KPI of a channel as a function of its spend over a horizon, per posterior draw and on average.

The KPI of a plan is counted as *incremental*: over spending nothing in the horizon, given the media carried over from
before. Pacing is constant (the same media every day) and media is bought at the channel's mean price over the window.
Contributions add over channels, and each depends on its own channel's spend alone, so that these curves are all a
budget needs.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mmm_pipeline.mmm.data.spend_basis import current_spend_of, latest_spend_of
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.media.effective_media import EffectiveMedia
from mmm_pipeline.mmm.media.saturated_days import SaturatedDays
from mmm_pipeline.mmm.media.saturation.base import Saturation
from mmm_pipeline.mmm.response.curves import CurvePoints

__all__ = [
    "DAYS_AFTER_HORIZON",
    "FIRST_SHARE",
    "DrawnOutcome",
    "HorizonResponse",
    "current_spend",
    "horizon_responses",
    "latest_spend",
    "media_prices",
]

DAYS_AFTER_HORIZON = 56
"""Days after the horizon whose carried-over effect counts, when it counts: a retention of 0.95 keeps 6 % that long."""

FIRST_SHARE = 0.01
"""Share of a channel's mean media that "the next unit" is where it spends nothing: the same in every currency."""

_CACHED_ELEMENTS = 131_072
"""Elements of a temporary array: 1 MB, near a core's cache, and long enough for threads not to wait for one another."""


class DrawnOutcome(NamedTuple):
    """What a spend brings, per posterior draw.

    Attributes:
        kpi: (S,) incremental KPI.
        slope: (S,) its derivative, KPI units per unit of currency.
        curvature: (S,) its second derivative.
    """

    kpi: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray


@dataclass(frozen=True)
class HorizonResponse:
    """One channel's incremental KPI of spending an amount evenly over a horizon.

    Attributes:
        saturation: how effective media turns into effect.
        order: (S,) row i of the arrays below is draw `order[i]`; neighbours alike, so that a portion of the rows may
            turn out concave as a whole and be cheaper.
        parameters: (S,) draws of the media transform's parameters.
        weight: (S,) KPI units per unit of transformed media: coefficient times KPI scale.
        media: effective media of the days that count.
        media_per_currency: scaled daily media that one unit of currency over the horizon buys.
    """

    saturation: Saturation
    order: np.ndarray
    parameters: dict[str, np.ndarray]
    weight: np.ndarray
    media: EffectiveMedia
    media_per_currency: float

    def draws(self, spend: float) -> np.ndarray:
        """(S,) incremental KPI of a total spend over the horizon, per posterior draw."""
        rows = np.concatenate([part.value(spend * self.media_per_currency) for part in self._parts])
        return self._in_order(self.weight * (rows - self._nothing))

    def slope_draws(self, spend: float) -> np.ndarray:
        """(S,) KPI of the next unit of currency, per posterior draw.

        The exact derivative; at zero spend, where a power curve has none, what the first spend, `first_spend`, brings
        per unit of currency.
        """
        return self.outcome(spend).slope

    @property
    def first_spend(self) -> float:
        """Currency over the horizon that stands for the next unit where nothing is spent; see `FIRST_SHARE`."""
        return FIRST_SHARE / self.media_per_currency

    def outcome(self, spend: float) -> DrawnOutcome:
        """`draws`, `slope_draws` and the second derivative of a total spend."""
        if spend <= 0:
            nothing, first = np.zeros_like(self.weight), self.first_spend
            return DrawnOutcome(nothing, self.draws(first) / first, nothing)
        totals = [part.totals(spend * self.media_per_currency) for part in self._parts]
        value, slope, curvature = (np.concatenate(rows) for rows in list(zip(*totals, strict=True))[:3])
        rate = self.media_per_currency
        return DrawnOutcome(
            self._in_order(self.weight * (value - self._nothing)),
            self._in_order(self.weight * slope * rate),
            self._in_order(self.weight * curvature * rate**2),
        )

    def per(self, unit: float) -> HorizonResponse:
        """The same response to spend in units of `unit` currency."""
        return self if unit == 1 else replace(self, media_per_currency=self.media_per_currency * unit)

    def at(self, spend: np.ndarray) -> CurvePoints:
        """Posterior means of the response, its derivatives and its convex part at (m,) spends."""
        return self.weighted(np.full(len(self.weight), 1 / len(self.weight)), spend)

    def weighted(self, emphasis: np.ndarray, spend: np.ndarray) -> CurvePoints:
        """The same of a weighted sum over the draws instead of their mean.

        Args:
            emphasis: (S,) weights of the draws; a negative one turns the draw's concave part convex and vice versa.
            spend: (m,) currency.
        """
        spend = np.asarray(spend, float)
        weight = self.weight * emphasis[self.order]
        negative = np.minimum(weight, 0.0) if (weight < 0).any() else None
        rows = np.zeros((5, len(spend)))
        for part, portion in zip(self._parts, self._portions, strict=True):
            of_part = weight[portion]
            for i, amount in enumerate(spend):
                totals = part.totals(amount * self.media_per_currency)
                rows[:, i] += [quantity @ of_part for quantity in totals]
                if negative is not None:
                    # Q = sum over w > 0 of w q + sum over w < 0 of w p, and p = f - q.
                    rows[3, i] += (totals.value - 2 * totals.convex_value) @ negative[portion]
                    rows[4, i] += (totals.slope - 2 * totals.convex_slope) @ negative[portion]
        value, slope, curvature, convex_value, convex_slope = rows
        rate = self.media_per_currency
        return CurvePoints(
            spend, value - self._nothing @ weight, slope * rate, curvature * rate**2, convex_value, convex_slope * rate
        )

    def _in_order(self, rows: np.ndarray) -> np.ndarray:
        """(S,) values of the rows as values of the draws."""
        draws = np.empty_like(rows)
        draws[self.order] = rows
        return draws

    @cached_property
    def _nothing(self) -> np.ndarray:
        """(S,) transformed media that history alone brings in the days that count, row by row."""
        return np.concatenate([part.value(0.0) for part in self._parts])

    @cached_property
    def _parts(self) -> list[SaturatedDays]:
        return [
            self.saturation.days(
                self.media.of_rows(rows), {name: values[rows] for name, values in self.parameters.items()}
            )
            for rows in self._portions
        ]

    @cached_property
    def _portions(self) -> list[slice]:
        """The rows in portions whose temporaries fit a processor's cache."""
        draws, days = self.media.gain.shape
        size = max(1, _CACHED_ELEMENTS // max(days, self.media.fading.days))
        return [slice(first, min(first + size, draws)) for first in range(0, draws, size)]


def horizon_responses(fit: Fit, horizon: int, *, count_after_horizon: bool = True) -> tuple[HorizonResponse, ...]:
    """The response of every channel in the days that follow the fit's window.

    Args:
        fit: the posterior of one market, its window being the history.
        horizon: length of the plan.
        count_after_horizon: whether the effect carried over to the `DAYS_AFTER_HORIZON` days after it counts.
    """
    parameters, coefficient = fit.transform_parameters(), fit.media_coefficients()[:, 0]
    days_after = DAYS_AFTER_HORIZON if count_after_horizon else 0
    scaled_media_per_currency = 1 / (media_prices(fit) * fit.data.media_scale[0] * horizon)
    adstock, saturation = fit.spec.transform.adstock, fit.spec.transform.saturation

    def response(c: int) -> HorizonResponse:
        order = saturation.order({name: values[:, c] for name, values in parameters.items()})
        own = {name: values[order, c] for name, values in parameters.items()}
        return HorizonResponse(
            saturation=saturation,
            parameters=own,
            order=order,
            weight=coefficient[order, c] * fit.data.kpi_scale,
            media=adstock.over_horizon(fit.data.media[0, :, c], own, horizon, days_after),
            media_per_currency=float(scaled_media_per_currency[c]),
        )

    # NumPy computes outside the interpreter's lock.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return tuple(pool.map(response, range(len(fit.data.channels))))


def media_prices(fit: Fit) -> np.ndarray:
    """(C,) currency per media unit: spend over media of the whole window, all markets together."""
    return fit.data.total_spend.sum(axis=0) / fit.data.media_units.sum(axis=(0, 1))


def current_spend(fit: Fit, horizon: int) -> np.ndarray:
    """(C,) currency: spend of the window's last `horizon` periods; of a shorter window, its mean times those."""
    return current_spend_of(fit.data.total_spend, horizon)


def latest_spend(fit: Fit, horizon: int) -> tuple[np.ndarray, np.datetime64]:
    """Spend of the `horizon` periods up to the last one with any spend, (C,) currency, and the last day of that."""
    spend, last = latest_spend_of(fit.data.total_spend, horizon)
    return spend, np.datetime64(fit.data.grid.last_day(last))
