"""Whether the results can be true at all: what no forecast error tells.

A model may forecast well and still credit media with more than there is. Such results are not to be acted on, whatever
their intervals say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

__all__ = ["Implausible", "implausibilities"]

ImplausibleCode = Literal["media_share", "baseline_below_zero", "gain_beyond_swings"]

MOST_MEDIA_SHARE = 0.9
"""Media that causes this share of the KPI or more leaves a baseline that no real market has."""
LIKELY_ABOVE_ALL = 0.5
"""Probability that media caused more than all of the KPI from which on its interval lies mostly above 100 %."""
FEW_DAYS = 3
FEW_DAYS_SHARE = 0.01
"""Days with a baseline below zero that noise explains: so many, or this share of the window if that is more."""
_SWINGS = (0.05, 0.95)
"""Quantiles of the daily KPI between which it swings."""


@dataclass(frozen=True)
class Implausible:
    """One reason why the results cannot be right.

    Attributes:
        code: `media_share`, `baseline_below_zero` or `gain_beyond_swings`.
        values: its evidence, by name.
    """

    code: ImplausibleCode
    values: Mapping[str, float] = field(default_factory=dict)


def implausibilities(
    media: Mapping[str, Any], kpi: np.ndarray, plan: Mapping[str, Any] | None = None
) -> tuple[Implausible, ...]:
    """Every reason why the results cannot be right, gravest first; none: nothing speaks against them.

    - media_share: the expected share of media in the KPI is at least `MOST_MEDIA_SHARE`, or media more likely than not
      caused more than all of the KPI (the baseline would be negative altogether).
    - baseline_below_zero: the expected baseline is negative on more than a few days.
    - gain_beyond_swings: the plan promises more per day than the range in which nine of ten days of the KPI lie.

    Args:
        media: the row of the contract `media_total`.
        kpi: (T,) observed KPI of every day.
        plan: the row of the contract `budget_summary`; None: there is no plan.
    """
    found = []
    share, above = float(media["share"]), float(media["probability_above_kpi"])
    if share >= MOST_MEDIA_SHARE or above >= LIKELY_ABOVE_ALL:
        values = {name: float(media[name]) for name in ("share", "share_low", "share_high", "probability_above_kpi")}
        found.append(Implausible("media_share", values))
    below, days = float(media["periods_below_zero"]), float(media["periods"])
    if below > max(FEW_DAYS, FEW_DAYS_SHARE * days):
        found.append(Implausible("baseline_below_zero", {"periods_below_zero": below, "periods": days}))
    if plan is not None and len(kpi):
        gain = float(plan["uplift"]) / float(plan["horizon"])
        low, high = np.quantile(kpi, _SWINGS)
        if math.isfinite(gain) and gain > high - low:
            found.append(
                Implausible(
                    "gain_beyond_swings", {"gain_per_period": gain, "kpi_low": float(low), "kpi_high": float(high)}
                )
            )
    return tuple(found)
