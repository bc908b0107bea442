"""Response curves: expected KPI per day of a channel held at a constant daily spend, with bands and today's point."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.response.response import current_spend, media_prices
from mmm_pipeline.mmm.response.steady_response import largest_spend, steady_ceiling, steady_kpi

__all__ = ["response_curves", "response_draws"]


def response_draws(fit: Fit, *, points: int = 61) -> xr.Dataset:
    """Response curves draw by draw.

    Args:
        fit: the posterior.
        points: number of evenly spaced spends, from 0 to twice the largest spend observed on a day.

    Returns:
        `kpi` (chain, draw, channel, point), KPI units per day, and `spend` (channel, point), currency per day; see
        `steady_kpi`.
    """
    fit = fit.paid
    spend = np.linspace(0.0, 2.0, points) * largest_spend(fit)[:, None]
    index = {name: fit.posterior[name].to_numpy() for name in ("chain", "draw")}
    channels = fit.data.channels
    kpi = np.stack([steady_kpi(fit, name, spend[c]) for c, name in enumerate(channels)], axis=1)
    coords = {**index, "channel": np.asarray(channels, dtype=object)}
    shape = (*(len(labels) for labels in coords.values()), points)
    return xr.Dataset(
        {"kpi": ((*coords, "point"), kpi.reshape(shape)), "spend": (("channel", "point"), spend)}, coords=coords
    )


def response_curves(fit: Fit, *, horizon: int = 28, credible_interval: float = 0.9, points: int = 61) -> pd.DataFrame:
    """The table `response_curves` of the contracts.

    What a constant daily spend brings is that of `steady_kpi`. Spend runs from 0 to twice the largest spend observed on
    a day, or further if today's point lies beyond; today's point (the mean daily spend of the last `horizon` days)
    and the largest observed spend are rows of their own.

    Some saturations, such as Hill's, have a ceiling, the expected coefficient: `ceiling_share` says how much of it a
    spend reaches, and the spend that reaches half is a row of its own where it lies in the range. Power curves have no
    ceiling and never saturate: their share is missing, and no row is flagged.

    Args:
        fit: the posterior.
        horizon: days whose mean spend is "today".
        credible_interval: probability of the band.
        points: number of evenly spaced spends.
    """
    fit = fit.paid
    prices = media_prices(fit)
    today = current_spend(fit, horizon) / horizon
    largest = largest_spend(fit)
    tails = [(1 - credible_interval) / 2, (1 + credible_interval) / 2]
    tables = []
    for c, channel in enumerate(fit.data.channels):
        spend = np.linspace(0.0, 2 * max(largest[c], today[c]), points)
        kpi_draws = partial(steady_kpi, fit, channel, horizon=horizon)
        ceiling = steady_ceiling(fit, channel, horizon=horizon)
        half = _spend_that_brings(0.5 * ceiling, kpi_draws, spend[-1])
        spend = np.unique(np.concatenate([spend, [today[c], largest[c]], half]))
        kpi = kpi_draws(spend)
        low, high = np.quantile(kpi, tails, axis=0)
        tables.append(
            pd.DataFrame(
                {
                    "channel": channel,
                    "spend": spend,
                    "media_units": spend / prices[c],
                    "kpi": kpi.mean(axis=0),
                    "low": low,
                    "high": high,
                    "ceiling_share": kpi.mean(axis=0) / ceiling,
                    "is_current": spend == today[c],
                    "is_half_saturation": np.isin(spend, half),
                    "is_extrapolated": spend > largest[c],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _spend_that_brings(target: float, kpi_draws: Callable[[np.ndarray], np.ndarray], most: float) -> np.ndarray:
    """The spend up to `most` whose expected KPI is the target, as an array of one; empty when there is none."""

    def excess(spend: float) -> float:
        return float(kpi_draws(np.array([spend])).mean()) - target

    if not (most > 0 and excess(most) >= 0 > excess(0.0)):
        return np.empty(0)
    return np.array([brentq(excess, 0.0, most, xtol=1e-12 * most, rtol=1e-9)])
